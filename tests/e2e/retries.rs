//! Owns the tests of `sweep failures` and `sweep retry`.

use crate::common::Sandbox;

/// Ten points: exit 1 with two kinds of last lines, exit 3, a signal, a time-out, a missing result, four that succeed.
const FAILING: &str = r#"
command = ["sh", "./job.sh", "{{ x }}"]
[grid]
x = { from = 0, to = 9, step = 1 }
[job]
timeout = "1s"
[results]
format = "keyvalue"
require = ["y"]
[files]
observe = false # an observed attempt that fails runs twice
"#;

const JOB: &str = r#"
echo job >> ran.$1
case $1 in
0|1) echo "ValueError: $1.5 is bad in /tmp/run-$1/x.py" >&2; exit 1;;
2) printf 'first\nother\033[31m\n' >&2; exit 1;;
3) exit 3;;
4) kill -9 $$;;
5) exec sleep 60;;
6) echo z=1;;
*) echo y=$1;;
esac
"#;

fn failing(sandbox: &Sandbox) {
    sandbox.write("job.sh", JOB);
    sandbox.write("a.toml", FAILING);
    sandbox.sweep(&["run", "a.toml"]).code(1);
}

/// How often each of the ten points has run.
fn runs(sandbox: &Sandbox) -> Vec<usize> {
    (0..10).map(|x| sandbox.read(&format!("ran.{x}")).lines().count()).collect()
}

#[test]
fn failures_are_grouped_and_the_command_retries_that_group() {
    for sandbox in Sandbox::both() {
        failing(&sandbox);
        let shown = sandbox.sweep(&["failures", "--json"]).code(0).json();
        let groups = shown["groups"].as_array().expect("groups");
        let told: Vec<_> = groups
            .iter()
            .map(|group| {
                (group["cause"].as_str().unwrap(), group["last_line"].as_str(), group["count"].as_u64().unwrap())
            })
            .collect();
        let expected = [
            ("exit:1", Some("ValueError: # is bad in PATH"), 2),
            ("exit:1", Some("other\\u{1b}[#m"), 1),
            ("exit:3", None, 1),
            ("signal:9", None, 1),
            ("timeout", None, 1),
            ("no-result", Some("z=#"), 1),
        ];
        assert_eq!(told, expected);
        assert_eq!(groups[0]["example"], "a-1/0");
        let page = sandbox.sweep(&["failures"]).code(0).stdout;
        let line = "ValueError: 0.5 is bad in /tmp/run-0/x.py (numbers or paths differ)";
        assert!(page.starts_with(&format!("2 points: exit code 1\n  {line}\n")), "{page}");
        assert!(!page.contains('\u{1b}'), "{page}");
        // Each command as it is printed, run by a shell.
        let mut expected = vec![1; 10];
        for (group, points) in groups.iter().zip([&[0, 1][..], &[2], &[3], &[4], &[5], &[6]]) {
            let words: Vec<&str> =
                group["retry"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
            let put_back = sandbox.sweep(&words[1..]).code(0);
            let number = format!("put {} point", points.len());
            assert!(put_back.stderr.starts_with(&number), "{words:?}: {}", put_back.stderr);
            points.iter().for_each(|point| expected[*point] += 1);
            sandbox.sweep(&["worker", "--until-empty"]).code(1);
            assert_eq!(runs(&sandbox), expected, "{words:?}");
        }
        let page_line =
            page.lines().find(|line| line.contains("--last-line")).expect("a command for one of two groups");
        assert!(
            page_line.ends_with(r"sweep retry a-1 --cause exit:1 '--last-line=ValueError: # is bad in PATH'"),
            "{page}"
        );
    }
}

#[test]
fn retry_takes_causes_ranges_and_filters_and_nothing_else_runs_again() {
    let sandbox = Sandbox::embedded();
    failing(&sandbox);
    let retry = |args: &[&str]| sandbox.sweep(&[&["retry"], args].concat()).code(0).stderr;
    assert!(retry(&["--cause", "memory"]).contains("no failed points that satisfy"));
    assert!(retry(&["a-1/2..5", "--cause", "exit:1,signal"]).starts_with("put 2 points of a-1 back"));
    assert!(retry(&["a-1/0..2", "--where", "x > 0"]).starts_with("put 1 point of a-1 back"));
    assert!(retry(&["a-1/6..9"]).starts_with("put 1 point of a-1 back"), "a range takes no success");
    assert!(retry(&["a-1/7", "--failed"]).contains("no failed points there"), "neither does a filter");
    sandbox.sweep(&["worker", "--until-empty"]).code(1);
    assert_eq!(runs(&sandbox), [1, 2, 2, 1, 2, 1, 2, 1, 1, 1]);
    let wrong = sandbox.sweep(&["retry", "--cause", "oom"]).code(2);
    assert!(wrong.stderr.contains("cannot-start"), "{}", wrong.stderr);
    sandbox.sweep(&["retry", "a-1/8..10"]).code(2);
}

#[test]
fn a_success_runs_again_by_its_address_and_its_old_outcome_is_history() {
    for sandbox in Sandbox::both() {
        sandbox.write("a.toml", "command = \"sh job.sh {{ x }}\"\n[grid]\nx = [1, 2, 3]\n");
        sandbox.write("job.sh", "echo y=$1\n");
        sandbox.sweep(&["run", "a.toml"]).code(0);
        sandbox.write("job.sh", "echo y=$((10 * $1))\nexit $(($1 == 3))\n");
        let put_back = sandbox.sweep(&["retry", "a-1/1", "a-1/2", "--with-changed-files"]).code(0);
        assert!(put_back.stderr.contains("put 2 points of a-1 back"), "{}", put_back.stderr);
        let table = || {
            sandbox.sweep(&["collect", "--out", "t.csv", "--all"]).code(0);
            let rows = sandbox.rows("t.csv");
            rows.iter()
                .map(|row| ["y", "status", "attempts", "exit_code"].map(|name| row[name].clone()))
                .collect::<Vec<_>>()
        };
        // The old outcome is no longer in the table or in the counts.
        assert_eq!(sandbox.status("a-1")["pending"], 2);
        assert_eq!(table(), [["1", "succeeded", "1", "0"], ["", "pending", "1", ""], ["", "pending", "1", ""]]);
        sandbox.sweep(&["collect", "--out", "t.csv"]).code(0);
        assert_eq!(sandbox.rows("t.csv").len(), 1);
        let again = sandbox.sweep(&["retry", "a-1/1"]).code(2);
        assert!(again.stderr.contains("a-1/1 is pending"), "{}", again.stderr);
        sandbox.sweep(&["worker", "--until-empty"]).code(1);
        assert_eq!(table(), [["1", "succeeded", "1", "0"], ["20", "succeeded", "2", "0"], ["", "failed", "2", "1"]]);
        sandbox.sweep(&["collect", "--out", "t.csv"]).code(0);
        assert_eq!(sandbox.rows("t.csv").len(), 2, "the newest attempt failed, and so has the point");
        let shown = sandbox.sweep(&["show", "a-1/2", "--json"]).code(0).json();
        let attempts: Vec<_> = shown["history"].as_array().unwrap().iter().map(|one| one["attempt"].clone()).collect();
        assert_eq!(attempts, [1, 1, 2]);
        assert!(shown["history"][1]["cause"].as_str().unwrap().contains("set aside"));
        assert_eq!(sandbox.sweep(&["logs", "a-1/2", "--attempt", "1"]).code(0).stdout, "y=3\n");
        assert_eq!(shown["state"], "failed");
    }
}
