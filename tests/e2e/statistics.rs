//! Owns the tests of `sweep stats` with the binary: groups, missing values, errors.

use serde_json::Value;

use crate::common::Sandbox;

fn stats(sandbox: &Sandbox, args: &[&str]) -> Vec<Value> {
    let ran = sandbox.sweep(&[&["stats", "--json"], args].concat()).code(0);
    ran.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON object on each line")).collect()
}

#[track_caller]
fn close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{found} is no number"));
    assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found} for {expected}");
}

#[test]
fn groups_are_summed_up_with_what_is_missing() {
    for sandbox in Sandbox::both() {
        // At n = 2 the last repeat fails, and the one before it prints NaN as energy.
        sandbox.write(
            "a.toml",
            r#"
command = ["sh", "job.sh", "{{ n }}", "{{ repeat }}", "{{ label }}"]
repeats = 5
[grid]
n = [1, 2]
label = "a,b"
"#,
        );
        sandbox.write(
            "job.sh",
            "case $1$2 in 24) exit 1;; 23) e=nan;; *) e=$(($1 * 10 + $2 * $2)).5;; esac\n\
             echo energy = $e; echo hit = $([ $2 -lt 2 ] && echo true || echo false); echo word = w$2\n",
        );
        sandbox.sweep(&["run", "a.toml"]).code(1);
        let lines = stats(&sandbox, &["--quantiles", "0,0.5,1"]);
        let told: Vec<String> = lines.iter().map(|line| format!("{} {}", line["n"], line["result"])).collect();
        assert_eq!(told, ["1 \"energy\"", "1 \"hit\"", "2 \"energy\"", "2 \"hit\""]);
        // 10.5, 11.5, 14.5, 19.5, 26.5: numpy and scipy give these values.
        let first = &lines[0];
        assert_eq!(
            (&first["stat.n"], &first["missing"], &first["nan"], &first["label"]),
            (&5.into(), &0.into(), &0.into(), &"a,b".into())
        );
        close(&first["mean"], 16.5);
        close(&first["sd"], 6.59545297913646);
        close(&first["se"], 2.9495762407505253);
        close(&first["ci_low"], 8.310663483960496);
        close(&first["ci_high"], 24.689336516039504);
        assert_eq!([&first["q0"], &first["q0.5"], &first["q1"]], [&10.5.into(), &14.5.into(), &Value::from(26.5)]);
        let second = &lines[2];
        assert_eq!((&second["stat.n"], &second["missing"], &second["nan"]), (&3.into(), &1.into(), &1.into()));
        close(&second["mean"], 22.166666666666668);
        // Wilson's interval for 2 of 5.
        close(&lines[1]["mean"], 0.4);
        close(&lines[1]["ci_low"], 0.11762077423264794);
        close(&lines[1]["ci_high"], 0.769275718723987);

        let by_nothing =
            stats(&sandbox, &["--by", "", "--results", "seconds,energy", "--where", "n == 1 or energy < 22"]);
        assert_eq!((&by_nothing[0]["n"], &by_nothing[0]["missing"]), (&7.into(), &1.into()));
        let by_host = stats(&sandbox, &["--by", "status", "--results", "energy"]);
        assert_eq!(by_host.len(), 2);
        assert_eq!(by_host[1]["note"], "no standard error: fewer than two values");
        sandbox.sweep(&["stats", "--out", "s.csv", "--by", "label"]).code(0);
        let rows = sandbox.rows("s.csv");
        assert_eq!((rows[0]["label"].as_str(), rows[0]["n"].as_str(), rows[0]["missing"].as_str()), ("a,b", "8", "1"));
        let page = sandbox.sweep(&["stats"]).code(0).stdout;
        assert!(page.contains("2.94958") && page.lines().count() == 5, "{page}");
        for (args, told) in [
            (["--by", "lable"], "did you mean `label`?"),
            (["--results", "enrgy"], "did you mean `energy`?"),
            (["--quantiles", "95"], "from 0 to 1"),
        ] {
            let ran = sandbox.sweep(&[&["stats"], &args[..]].concat()).code(2);
            assert!(ran.stderr.contains(told), "{args:?}: {}", ran.stderr);
        }
    }
}

#[test]
fn the_error_knows_what_belongs_together() {
    let sandbox = Sandbox::embedded();
    let sweep = |name: &str, settings: &str| {
        let file = format!(
            "command = [\"sh\", \"-c\", \"echo y={{{{ u }}}}\"]\ndraws = 8\n{settings}\n[grid]\nx = [1, 2]\n[random]\n\
             u = {{ dist = \"uniform\", min = 0.0, max = 1.0 }}\n"
        );
        sandbox.write(&format!("{name}.toml"), &file);
        sandbox.sweep(&["run", &format!("{name}.toml")]).code(0);
    };
    sweep("plain", "");
    sweep("repeated", "repeats = 3");
    sweep("sobol", "sampling = \"sobol\"");
    sweep("scrambled", "sampling = \"sobol\"\nrandomizations = 4");
    sweep("common", "common-draws = true");
    // Random parameters make no groups. Repeats of a draw add nothing if they are all equal.
    let plain = stats(&sandbox, &["plain-1"]);
    let repeated = stats(&sandbox, &["repeated-1"]);
    assert_eq!((plain.len(), repeated.len()), (2, 2));
    assert_eq!(
        (&repeated[0]["n"], &repeated[0]["replicates"], &plain[0]["replicates"]),
        (&24.into(), &8.into(), &8.into())
    );
    close(&repeated[0]["se"], plain[0]["se"].as_f64().expect("an error"));
    let sobol = stats(&sandbox, &["sobol-1"]);
    assert_eq!(
        (&sobol[0]["se"], &sobol[0]["ci_low"], &sobol[0]["replicates"]),
        (&Value::Null, &Value::Null, &0.into())
    );
    assert!(sobol[0]["note"].as_str().expect("a reason").contains("`randomizations`"));
    assert!(sobol[0]["sd"].is_f64());
    let scrambled = stats(&sandbox, &["scrambled-1"]);
    assert_eq!((&scrambled[0]["n"], &scrambled[0]["replicates"]), (&32.into(), &4.into()));
    assert!(scrambled[0]["se"].as_f64().expect("an error") < plain[0]["se"].as_f64().expect("an error"));
    let single = stats(&sandbox, &["scrambled-1", "--by", "randomization,draw"]);
    assert_eq!((single.len(), &single[0]["n"]), (32, &2.into()));
    // Both grid points have the same draws, so together they are one replicate per draw.
    let common = stats(&sandbox, &["common-1", "--by", ""]);
    assert_eq!((&common[0]["n"], &common[0]["replicates"]), (&16.into(), &8.into()));
}

#[test]
fn results_that_are_the_same_in_all_repeats_are_noted() {
    let sandbox = Sandbox::embedded();
    let noted = |command: &str| {
        sandbox.write("a.toml", &format!("command = {command:?}\nrepeats = 3\n[grid]\nx = [1, 2]\n"));
        sandbox.sweep(&["run", "a.toml"]).code(0);
        sandbox.sweep(&["stats"]).code(0).stderr
    };
    let all = noted("echo y={{ x }}");
    assert!(all.contains("all results are the same in all repeats") && all.contains("(`y`)"), "{all}");
    let some = noted("sh -c 'echo y=$1; echo n=$2' sh {{ seed }} {{ x }}");
    assert!(some.contains("note: the same in all repeats of each group: `n`") && !some.contains("`y`"), "{some}");
    assert_eq!(noted("echo y={{ seed }}"), "");
}
