//! Owns the tests of `sweep run`: it runs the missing points and nothing else. A log that the jobs write shows what ran.

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::Signal;

use crate::common::{Sandbox, until};

/// A program that writes its arguments to `log` and prints a result computed from them.
const SCRIPT: &str = "echo \"$*\" >> log\necho \"y = $1.$2\"\necho \"z = $3\"\n";

/// A sweep file with this script; `rest` are further lines before `[grid]`, `grid` the lines below it.
fn sweep(rest: &str, grid: &str) -> String {
    format!("command = \"sh job.sh {{{{ a }}}} {{{{ b }}}} {{{{ seed }}}}\"\n{rest}\n[grid]\n{grid}\n")
}

fn plain(a: &str, repeats: u32) -> String {
    sweep(&format!("repeats = {repeats}"), &format!("a = {a}\nb = [1, 2, 3]"))
}

/// The messages of a run, and the number of jobs that ran.
struct Said {
    stderr: String,
    jobs: usize,
}

impl Said {
    #[track_caller]
    fn has(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is missing in:\n{}", self.stderr);
        }
        self
    }

    #[track_caller]
    fn ran(&self, jobs: usize) -> &Self {
        assert_eq!(self.jobs, jobs, "jobs ran; it was said:\n{}", self.stderr);
        self
    }
}

fn jobs(sandbox: &Sandbox) -> usize {
    std::fs::read_to_string(sandbox.path().join("log")).map_or(0, |log| log.lines().count())
}

/// Writes the sweep file and runs it.
#[track_caller]
fn run(sandbox: &Sandbox, text: &str, args: &[&str]) -> Said {
    sandbox.write("a.toml", text);
    let before = jobs(sandbox);
    let all: Vec<&str> = ["run", "a.toml"].iter().chain(args).copied().collect();
    let ran = sandbox.sweep(&all).code(0);
    Said { stderr: ran.stderr, jobs: jobs(sandbox) - before }
}

fn study() -> [Sandbox; 2] {
    let both = Sandbox::both();
    both.iter().for_each(|sandbox| drop(sandbox.write("job.sh", SCRIPT)));
    both
}

/// The table without what varies between runs: times, memory and hosts. An attempt that was killed counts as one.
fn table(sandbox: &Sandbox) -> Vec<String> {
    let mut reader = csv::Reader::from_path(sandbox.path().join("a.results.csv")).expect("the table");
    let names = reader.headers().expect("a header").clone();
    let blank = ["attempts", "seconds", "cpu_seconds", "max_rss_bytes", "host"];
    let kept: Vec<usize> = (0..names.len()).filter(|at| !blank.contains(&&names[*at])).collect();
    let row = |row: csv::StringRecord| kept.iter().map(|at| row[*at].to_owned()).collect::<Vec<_>>().join(",");
    let rows: Vec<String> = reader.records().map(|record| row(record.expect("a row"))).collect();
    [vec![row(names)], rows].concat()
}

/// The table of the sweep file in an empty store.
fn undisturbed(text: &str) -> Vec<String> {
    let sandbox = Sandbox::embedded();
    sandbox.write("job.sh", SCRIPT);
    run(&sandbox, text, &[]);
    table(&sandbox)
}

#[test]
fn a_finished_sweep_runs_nothing_and_writes_its_table() {
    for sandbox in study() {
        run(&sandbox, &plain("[1, 2]", 2), &[]).has(&["a-1: 12 points to run"]).ran(12);
        let before = sandbox.read("a.results.csv");
        std::fs::remove_file(sandbox.path().join("a.results.csv")).expect("it was there");
        run(&sandbox, &plain("[1, 2]", 2), &[]).has(&["a-1: 12 of 12 done, nothing to run"]).ran(0);
        assert_eq!(sandbox.read("a.results.csv"), before);
        let submitted = sandbox.sweep(&["submit", "a.toml"]).code(0);
        assert_eq!(submitted.stdout, "a-1\n");
        assert!(submitted.stderr.contains("12 of 12 done, nothing to run"), "{}", submitted.stderr);
    }
}

#[test]
fn what_a_killed_run_left_is_run_and_nothing_else() {
    let text = sweep("repeats = 10", "a = [1, 2]\nb = [1, 2, 3]");
    let slow = SCRIPT.replace("echo \"y", "sleep 0.05\necho \"y");
    let expected = undisturbed(&text);
    for sandbox in Sandbox::both() {
        sandbox.write("job.sh", &slow);
        sandbox.write("a.toml", &text);
        let first = sandbox.start("first", &["run", "a.toml", "-j", "2", "--lease", "2s"]);
        let done = |sandbox: &Sandbox| sandbox.status("a-1")["succeeded"].as_u64().expect("a count");
        until("ten points", || match sandbox.sweep(&["status", "a-1", "--json"]).code {
            0 if done(&sandbox) >= 10 => Ok(()),
            code => Err(code),
        });
        first.signal(Signal::KILL);
        drop(first);
        until("the outcomes to be in", || {
            let (one, other) = (done(&sandbox), done(&sandbox));
            if one == other { Ok(()) } else { Err(one) }
        });
        let before = done(&sandbox);
        // The killed worker held these claims: their jobs were running, were to start next, or had ended and their
        // outcomes were not in the store yet.
        let claimed = seeds(&sandbox, "running");
        let left = 60 - before as usize;
        let said = run(&sandbox, &text, &["--lease", "2s"]);
        said.has(&[&format!("a-1: {before} of 60 done, {left} to run")]);
        assert_eq!(table(&sandbox), expected);
        let log = sandbox.read("log");
        let mut starts: BTreeMap<&str, u32> = BTreeMap::new();
        for line in log.lines() {
            *starts.entry(line.rsplit(' ').next().expect("the seed")).or_default() += 1;
        }
        assert_eq!(starts.len(), 60);
        for (seed, times) in starts {
            let most = if claimed.contains(seed) { 2 } else { 1 };
            assert!(times <= most, "the point with seed {seed} ran {times} times; claimed at the kill: {claimed:?}");
        }
    }
}

/// The seeds of the points in a state.
fn seeds(sandbox: &Sandbox, state: &str) -> BTreeSet<String> {
    let listed = sandbox.sweep(&["jobs", "a-1", "--state", state, "--limit", "0", "--json"]).code(0);
    let seed = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["seed"].to_string();
    listed.stdout.lines().map(seed).collect()
}

#[test]
fn failed_and_cancelled_points_run_again_and_a_paused_sweep_goes_on() {
    for sandbox in study() {
        // The points with b = 2 fail until a file exists that no word of the command names.
        sandbox.write("job.sh", &format!("test $2 = 2 && ! test -e mended && exit 3\n{SCRIPT}"));
        let text = plain("[1, 2, 3, 4]", 1);
        sandbox.write("a.toml", &text);
        sandbox.sweep(&["submit", "a.toml"]).code(0);
        sandbox.sweep(&["run", "a.toml"]).code(1);
        assert_eq!(jobs(&sandbox), 8);
        sandbox.write("mended", "");
        run(&sandbox, &text, &[]).has(&["a-1: 8 of 12 done, 4 to run (including 4 failed)"]).ran(4);
        assert_eq!(table(&sandbox), undisturbed(&text));

        let wider = plain("[1, 2, 3, 4]", 3);
        sandbox.write("a.toml", &wider);
        assert_eq!(sandbox.sweep(&["submit", "a.toml"]).code(0).stdout, "a-2\n");
        sandbox.sweep(&["pause", "a-2", "--reason", "wait"]).code(0);
        sandbox.sweep(&["cancel", "a-2"]).code(0);
        assert_eq!(sandbox.status("a-2")["cancelled"], 24);
        run(&sandbox, &wider, &[])
            .has(&["a-2 was paused (wait) and is resumed", "a-2: 12 of 36 done, 24 to run (including 24 cancelled)"])
            .ran(24);
        assert_eq!(table(&sandbox), undisturbed(&wider));
    }
}

#[test]
fn a_sweep_that_grows_keeps_what_it_has() {
    for sandbox in study() {
        run(&sandbox, &plain("[3, 5]", 1), &[]).ran(6);
        // A value at the front, one in the middle, more repeats, another order of values and parameters, blocks.
        let grown = [
            (plain("[1, 3, 4, 5]", 1), 6, 12),
            (plain("[1, 3, 4, 5]", 3), 12, 36),
            (sweep("repeats = 3", "b = [3, 2, 1]\na = [5, 4, 3, 1]"), 36, 36),
            (
                sweep(
                    "repeats = 3\n[[block]]\ngrid = { a = [5, 4, 9] }\n[[block]]\ngrid = { a = [1, 3] }",
                    "b = [1, 2, 3]",
                ),
                36,
                45,
            ),
            (sweep("repeats = 3\nwhere = \"a > 3\"", "b = [1, 2, 3]\na = [9, 5, 3, 4]"), 27, 27),
        ];
        for (number, (text, known, total)) in (2..).zip(&grown) {
            let said = run(&sandbox, text, &[]);
            said.has(&[&format!("a-{number}: {known} of {total} points reused from a-")]).ran(total - known);
            assert_eq!(table(&sandbox), undisturbed(text), "{text}");
            let status = sandbox.status(&format!("a-{number}"));
            assert_eq!(
                (status["reused"].as_u64(), status["succeeded"].as_u64()),
                (Some(*known as u64), Some(*total as u64))
            );
        }
        // Fewer points, and then all again: nothing is lost.
        run(&sandbox, &plain("[3, 5]", 1), &[]).has(&["a-1: 6 of 6 done, nothing to run"]).ran(0);
        run(&sandbox, &plain("[1, 3, 4, 5]", 3), &[]).has(&["36 of 36 done"]).ran(0);
        run(&sandbox, &plain("[3, 4, 9, 7]", 3), &[])
            .has(&["27 of 36 points reused from a-6 and a-5, 9 to run"])
            .ran(9);
    }
}

#[test]
fn draws_grow_and_a_random_parameter_more_makes_new_points() {
    for sandbox in study() {
        let text = |draws: u32, more: &str| {
            format!(
                "{}\n[random]\nu = {{ dist = \"uniform\", min = 0.0, max = 1.0 }}\n{more}\n[derived]\nd = \"a * 2\"\n",
                sweep(&format!("draws = {draws}"), "a = [1, 2]\nb = [1]")
            )
        };
        run(&sandbox, &text(2, ""), &[]).ran(4);
        run(&sandbox, &text(5, ""), &[]).has(&["4 of 10 points reused from a-1, 6 to run"]).ran(6);
        assert_eq!(table(&sandbox), undisturbed(&text(5, "")));
        // Every point has one value more and so is another point: nothing is reused, and the other values stay.
        let more = text(5, "v = { dist = \"int\", min = 1, max = 6 }");
        run(&sandbox, &more, &[]).has(&["a-3: 10 points to run"]).ran(10);
        let values = |id: &str| -> Vec<(String, String)> {
            sandbox.sweep(&["collect", id, "--out", "t.csv"]).code(0);
            sandbox.rows("t.csv").iter().map(|row| (row["u"].clone(), row["seed"].clone())).collect()
        };
        assert_eq!(values("a-3"), values("a-2"));
    }
}

#[test]
fn rows_of_a_points_file_may_be_reordered_and_added() {
    for sandbox in study() {
        let text = "command = \"sh job.sh {{ a }} {{ b }} {{ seed }}\"\nrepeats = 2\n[points]\nfile = \"points.csv\"\n";
        sandbox.write("points.csv", "a,b\n1.50,x\n2.50,y\n3.50,\"z, z\"\n");
        run(&sandbox, text, &[]).ran(6);
        sandbox.write("points.csv", "b;a\n\"z, z\";3.50\nw;1.50\nx;1.50\n");
        run(&sandbox, text, &[]).has(&["4 of 6 points reused from a-1, 2 to run"]).ran(2);
        let rows = sandbox.rows("a.results.csv");
        let seen: Vec<_> = rows.iter().map(|row| format!("{} {} {}", row["b"], row["a"], row["y"])).collect();
        assert_eq!(&seen[..3], ["z, z 3.50 3.50.z, z", "w 1.50 1.50.w", "x 1.50 1.50.x"]);
    }
}

#[test]
fn what_is_taken_over_outlives_the_sweep_that_it_came_from() {
    for sandbox in study() {
        run(&sandbox, &plain("[1, 2]", 1), &[]).ran(6);
        run(&sandbox, &plain("[0, 1, 2]", 1), &[]).ran(3);
        let shown = sandbox.sweep(&["show", "a-2/5"]).code(0).stdout;
        assert!(shown.contains("reused from a-1/2") && shown.contains("y = 1.3"), "{shown}");
        let json = sandbox.sweep(&["show", "a-2/5", "--json"]).code(0).json();
        assert_eq!((json["origin"].as_str(), json["results"]["y"].as_f64()), (Some("a-1/2"), Some(1.3)));
        assert!(sandbox.sweep(&["logs", "a-2/5"]).code(0).stdout.starts_with("y = 1.3\n"));
        sandbox.sweep(&["rm", "a-1"]).code(0);
        run(&sandbox, &plain("[0, 1, 2]", 1), &[]).has(&["a-2: 9 of 9 done"]).ran(0);
        assert_eq!(table(&sandbox), undisturbed(&plain("[0, 1, 2]", 1)));
        run(&sandbox, &plain("[2, 1]", 1), &[]).has(&["6 of 6 points reused from a-2, nothing to run"]).ran(0);
        let shown = sandbox.sweep(&["show", "a-3/5"]).code(0).stdout;
        assert!(shown.contains("reused from a-1/2"), "where it ran: {shown}");
        let logs = sandbox.sweep(&["logs", "a-3/5"]).code(0);
        assert!(logs.stderr.contains("ran as a-1/2; its output is not stored"), "{}", logs.stderr);
    }
}

#[test]
fn after_an_edit_of_the_program_no_old_number_is_shown() {
    for sandbox in study() {
        run(&sandbox, &plain("[1, 2]", 1), &[]).ran(6);
        let edited = SCRIPT.replace("y = $1", "y = 7$1");
        sandbox.write("job.sh", &edited);
        let told = "job.sh changed since a-1: 6 results are not reused";
        let check = sandbox.sweep(&["check", "a.toml"]).code(0).stdout;
        assert!(check.contains(told) && check.contains("a new sweep: 6 points to run"), "{check}");
        run(&sandbox, &plain("[1, 2]", 1), &[]).has(&[told, "a-2: 6 points to run"]).ran(6);
        assert!(sandbox.rows("a.results.csv").iter().all(|row| row["y"].starts_with('7')));
        let again = run(&sandbox, &plain("[1, 2]", 1), &[]);
        again.has(&["a-2: 6 of 6 done"]).ran(0);
        assert!(!again.stderr.contains("changed"), "{}", again.stderr);
        // The edit is undone: the old results are valid again.
        sandbox.write("job.sh", SCRIPT);
        run(&sandbox, &plain("[1, 2]", 1), &[]).has(&["a-1: 6 of 6 done"]).ran(0);
        assert!(sandbox.rows("a.results.csv").iter().all(|row| !row["y"].starts_with('7')));
        // --reuse-changed overrides it.
        sandbox.write("job.sh", &format!("# a comment\n{SCRIPT}"));
        let reused = run(&sandbox, &plain("[1, 2, 3]", 1), &["--reuse-changed"]);
        reused.has(&["a-3: 6 of 9 points reused from a-2, 3 to run"]).ran(3);
        run(&sandbox, &plain("[1, 2, 3]", 1), &[]).has(&["a-3: 9 of 9 done"]).ran(0);
        // Another command, and a watched file.
        let other = plain("[1, 2, 3]", 1).replace("sh job.sh", "sh ./job.sh");
        run(&sandbox, &other, &[]).has(&["the command changed since a-3: 9 results"]).ran(9);
        sandbox.write("data.csv", "1");
        let watched = format!("{}[files]\nwatch = [\"*.csv\"]\n", plain("[1, 2, 3]", 1));
        run(&sandbox, &watched, &[]).has(&["data.csv was added"]).ran(9);
        run(&sandbox, &watched, &[]).has(&["9 of 9 done"]).ran(0);
    }
}

#[test]
fn a_watched_file_counts_and_settings_of_running_do_not() {
    for sandbox in study() {
        sandbox.write("data/one.txt", "1");
        let text = format!("{}[files]\nwatch = [\"data/*.txt\"]\n", plain("[1, 2]", 1));
        run(&sandbox, &text, &[]).ran(6);
        let settings = "[job]\ntimeout = \"1h\"\nretries = 3\nqueue = \"other\"\n";
        sandbox.sweep(&["check", "a.toml"]).code(0);
        let said = run(&sandbox, &format!("{text}{settings}"), &[]);
        said.has(&["a-1: 6 of 6 done"]).ran(0);
        assert_eq!(sandbox.status("a-1")["queue"], "other", "the sweep does not follow the edited file");
        sandbox.write("data/one.txt", "2");
        run(&sandbox, &text, &[]).has(&["data/one.txt changed since a-1: 6 results"]).ran(6);
    }
}

#[test]
fn fresh_starts_over_and_hides_what_is_older() {
    for sandbox in study() {
        run(&sandbox, &plain("[1, 2]", 1), &[]).ran(6);
        run(&sandbox, &plain("[1, 2]", 1), &["--fresh"]).has(&["a-2: 6 points to run"]).ran(6);
        run(&sandbox, &plain("[1, 2]", 1), &[]).has(&["a-2: 6 of 6 done"]).ran(0);
        run(&sandbox, &plain("[1, 2, 3]", 1), &[]).has(&["6 of 9 points reused from a-2,"]).ran(3);
    }
}

#[test]
fn another_reading_of_results_reads_what_was_kept() {
    for sandbox in Sandbox::both() {
        // Jobs with b = 3 print more than is kept.
        sandbox.write(
            "job.sh",
            &format!("{SCRIPT}test $2 = 3 && head -c 100000 /dev/zero | tr '\\0' 'x' && echo\necho '{{\"w\": 5}}'\n"),
        );
        let text = |format: &str| format!("{}[results]\n{format}\n", plain("[1, 2]", 2));
        run(&sandbox, &text("format = \"json\""), &[]).ran(12);
        assert_eq!(sandbox.rows("a.results.csv")[0]["w"], "5");
        let said = run(&sandbox, &text("format = \"keyvalue\""), &[]);
        said.has(&[
            "[results] changed since a-1: 8 results extracted again",
            "4 run again because their output was not stored completely",
        ]);
        said.has(&["a-2: 8 of 12 points reused from a-1, 4 to run"]).ran(4);
        let rows = sandbox.rows("a.results.csv");
        assert_eq!(rows.len(), 12);
        assert!(rows.iter().all(|row| row["y"] == format!("{}.{}", row["a"], row["b"]) && !row.contains_key("w")));
        run(&sandbox, &text("format = \"json\""), &[]).has(&["a-1: 12 of 12 done"]).ran(0);
    }
}

#[test]
fn what_failed_for_want_of_a_result_is_read_again_when_the_file_is_mended() {
    for sandbox in study() {
        // An observed attempt that fails runs twice.
        let tables = |require: &str| format!("[results]\nrequire = [\"{require}\"]\n[files]\nobserve = false\n");
        let text = |require: &str| plain("[1, 2]", 1) + &tables(require);
        sandbox.write("a.toml", &text("yy"));
        let ran = sandbox.sweep(&["run", "a.toml"]);
        assert!(ran.code != 0 && jobs(&sandbox) == 6, "{}", ran.stderr);
        run(&sandbox, &text("y"), &[]).has(&["6 results extracted again", "a-2: 6 of 6 points reused"]).ran(0);
        assert_eq!(table(&sandbox), undisturbed(&text("y")));
    }
}

#[test]
fn two_runs_at_once_share_one_sweep() {
    let text = sweep("repeats = 8", "a = [1, 2]\nb = [1, 2, 3]");
    let expected = undisturbed(&text);
    for sandbox in Sandbox::both() {
        sandbox.write("job.sh", &SCRIPT.replace("echo \"y", "sleep 0.05\necho \"y"));
        sandbox.write("a.toml", &text);
        let mut both = ["one", "two"].map(|name| {
            let out = format!("{name}.csv");
            sandbox.start(name, &["run", "a.toml", "-j", "2", "--out", &out])
        });
        for run in &mut both {
            assert_eq!(run.end(), 0, "{}", run.log());
        }
        assert_eq!(jobs(&sandbox), 48, "{}{}", both[0].log(), both[1].log());
        assert_eq!(sandbox.sweep(&["list"]).code(0).stdout.lines().count(), 2, "one sweep");
        for out in ["one.csv", "two.csv"] {
            std::fs::copy(sandbox.path().join(out), sandbox.path().join("a.results.csv")).expect("it is there");
            assert_eq!(table(&sandbox), expected);
        }
    }
}

#[test]
fn check_says_what_run_would_do_and_does_not_do_it() {
    let sandbox = Sandbox::embedded();
    sandbox.write("job.sh", SCRIPT);
    sandbox.write("a.toml", &plain("[1, 2]", 1));
    let last = |args: &[&str]| {
        let all: Vec<&str> = ["check", "a.toml"].iter().chain(args).copied().collect();
        sandbox.sweep(&all).code(0).stdout.lines().last().expect("a page").to_owned()
    };
    assert!(!last(&[]).starts_with("run:"), "nothing is there");
    assert!(!sandbox.path().join(".sweep").exists(), "a store was made");
    run(&sandbox, &plain("[1, 2]", 1), &[]);
    assert_eq!(last(&[]), "run: a-1: 6 of 6 done, nothing to run");
    assert_eq!(last(&["--fresh"]), "run: a new sweep: 6 points to run");
    sandbox.write("a.toml", &plain("[1, 2, 3]", 1));
    assert_eq!(last(&[]), "run: a new sweep: 6 of 9 points reused from a-1, 3 to run");
    let json = sandbox.sweep(&["check", "a.toml", "--json"]).code(0).json();
    assert_eq!(json["inputs"], serde_json::json!(["job.sh"]));
    let expected = serde_json::json!({"sweep": null, "done": 6, "to_run": 3, "changed": [], "same_points": null});
    assert_eq!(json["run"], expected, "{json}");
    assert_eq!(sandbox.sweep(&["list"]).code(0).stdout.lines().count(), 2, "a sweep was made");
    sandbox.write("in.j2", "{{ seed }}");
    let deck = "[job]\ndir = \"runs/{{ job }}\"\n[templates]\nin = \"in.j2\"\n";
    sandbox.write("b.toml", &(plain("[1, 2]", 1) + deck));
    let json = sandbox.sweep(&["check", "b.toml", "--json"]).code(0).json();
    assert_eq!(json["inputs"], serde_json::json!(["job.sh", "in.j2"]));
}
