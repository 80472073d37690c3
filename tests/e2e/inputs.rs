//! Owns the tests of inputs that are found while jobs run: what an edit of one changes, and which sweeps of other folders
//! are reused.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use sweep::inputs::disk;
use sweep::job::SweepId;
use sweep::model::{Document, FoundBy, FoundInputs, Input};
use sweep::store::Store;
use sweep::store::redis::RedisStore;
use sweep::store::sqlite::SqliteStore;

use crate::common::{Ran, Sandbox, until};

const SWEEP: &str = "command = \"sh job.sh {{ x }}\"\n[grid]\nx = [1, 2, 3]\n";
const JOB: &str = ". ./helper.sh; echo y=$(($1 * $factor)); if [ -e extra.json ]; then cat extra.json; fi\n";

/// The store of a sandbox.
fn store(sandbox: &Sandbox) -> Arc<dyn Store> {
    match sandbox.port() {
        Some(port) => Arc::new(RedisStore::connect(&format!("redis://127.0.0.1:{port}")).unwrap()),
        None => Arc::new(SqliteStore::open_existing(&sandbox.path().join(".sweep")).unwrap()),
    }
}

/// Records what a worker finds when it observes an attempt: these paths, as they are on the disk.
fn observe(sandbox: &Sandbox, id: &str, paths: &[&str]) {
    let (store, id): (_, SweepId) = (store(sandbox), id.parse().unwrap());
    let Document { here, spec, .. } = Document::decode(&store.document(&id).unwrap()).unwrap();
    let input = |path: &&str| Input {
        path: (*path).into(),
        state: disk::state(&here, path, &spec.files).unwrap(),
        found_by: FoundBy::Observed,
    };
    let found = FoundInputs { inputs: paths.iter().map(input).collect(), observed: true, omitted: 0 };
    let submission = store.sweep(&id).unwrap().submitted_ms;
    assert_eq!(store.add_inputs(&id, submission, &found).unwrap(), []);
}

/// Whether a worker has observed an attempt.
fn is_observed(sandbox: &Sandbox, id: &str) -> bool {
    store(sandbox).inputs(&id.parse().unwrap()).unwrap().observed
}

/// Writes a study into a folder of the sandbox.
fn study(sandbox: &Sandbox, folder: &str) {
    sandbox.write(&format!("{folder}/a.toml"), SWEEP);
    sandbox.write(&format!("{folder}/job.sh"), JOB);
    sandbox.write(&format!("{folder}/helper.sh"), "factor=10\n");
}

/// The column `version` of a table.
fn versions(sandbox: &Sandbox, table: &str) -> Vec<String> {
    sandbox.rows(table).into_iter().map(|row| row["version"].clone()).collect()
}

/// Runs the binary in a folder of the sandbox.
fn sweep_in(sandbox: &Sandbox, folder: &str, args: &[&str]) -> Ran {
    sandbox.command(args).current_dir(sandbox.path().join(folder)).output().unwrap().into()
}

/// The values of `y` in a table.
fn results(sandbox: &Sandbox, table: &str) -> Vec<String> {
    sandbox.rows(table).into_iter().map(|row| row["y"].clone()).collect()
}

/// Both kinds of stores. The store lies above the folders of the studies.
fn sandboxes() -> [Sandbox; 2] {
    let both = Sandbox::both();
    fs::create_dir(both[0].path().join(".sweep")).unwrap();
    SqliteStore::open(&both[0].path().join(".sweep")).unwrap();
    both
}

fn rename(sandbox: &Sandbox, from: &str, to: &str) {
    fs::rename(sandbox.path().join(from), sandbox.path().join(to)).unwrap();
}

/// Asserts that a text has parts.
#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

/// Asserts that the inputs of a-1 are shown wherever they should be.
#[track_caller]
fn shown_everywhere(sandbox: &Sandbox) {
    let run = |args: &[&str]| sweep_in(sandbox, "p", args).code(0);
    run(&["collect", "a-1", "--out", "t.csv"]);
    let meta: serde_json::Value = serde_json::from_str(&sandbox.read("p/t.csv.meta.json")).unwrap();
    let status = run(&["status", "a-1", "--json"]).json()["sweeps"][0]["inputs"].clone();
    let check = run(&["check", "a.toml", "--json"]).json();
    for inputs in
        [&meta["inputs"], &status, &check["known_inputs"], &run(&["show", "a-1/0", "--json"]).json()["inputs"]]
    {
        assert_eq!(inputs["observed"], true, "{inputs}");
        let files = inputs["files"].as_array().unwrap();
        let find = |path: &str| files.iter().find(|file| file["path"] == path).unwrap_or_else(|| panic!("{inputs}"));
        assert_eq!((&find("helper.sh")["found_by"], &find("helper.sh")["kind"]), (&"observed".into(), &"file".into()));
        assert!(find("helper.sh")["hash"].is_string(), "{inputs}");
        assert_eq!(find("job.sh")["found_by"], "command");
        assert_eq!(find("extra.json")["kind"], "absent");
    }
    assert!(check["inputs"].as_array().unwrap().contains(&"helper.sh".into()), "{check}");
    has(&run(&["check", "a.toml"]).stdout, &["input files: helper.sh (observed), job.sh"]);
    has(&run(&["show", "a-1/0"]).stdout, &["input files: helper.sh (observed), job.sh"]);
    assert!(run(&["status", "--json"]).json()["sweeps"][0].get("inputs").is_none());
}

#[test]
fn an_edited_input_is_named_and_nothing_old_is_reused() {
    for sandbox in sandboxes() {
        study(&sandbox, "p");
        let run = |args: &[&str]| sweep_in(&sandbox, "p", args).code(0);
        run(&["run", "a.toml"]);
        observe(&sandbox, "a-1", &["helper.sh", "extra.json"]);
        has(&run(&["run", "a.toml"]).stderr, &["a-1: 3 of 3 done, nothing to run"]);

        shown_everywhere(&sandbox);

        sandbox.write("p/helper.sh", "factor=100\n");
        let foreseen = run(&["check", "a.toml", "--json"]).json()["run"].clone();
        assert_eq!((&foreseen["changed"][0], &foreseen["to_run"]), (&"helper.sh changed".into(), &3.into()));
        has(&run(&["check", "a.toml"]).stdout, &["run: helper.sh changed since a-1: 3 results are not reused"]);
        let ran = run(&["run", "a.toml"]);
        has(&ran.stderr, &["helper.sh changed since a-1: 3 results are not reused", "a-2: 3 points to run"]);
        assert_eq!(results(&sandbox, "p/a.results.csv"), ["100", "200", "300"]);
        observe(&sandbox, "a-2", &["helper.sh", "extra.json"]);

        // The edit is undone: the results of that version are there.
        sandbox.write("p/helper.sh", "factor=10\n");
        has(&run(&["run", "a.toml"]).stderr, &["a-1: 3 of 3 done, nothing to run"]);
        assert_eq!(results(&sandbox, "p/a.results.csv"), ["10", "20", "30"]);

        // A file that jobs looked for appears.
        sandbox.write("p/extra.json", "{\"z\": 1}\n");
        has(&run(&["check", "a.toml"]).stdout, &["extra.json was added", "3 results are not reused"]);
        fs::remove_file(sandbox.path().join("p/extra.json")).unwrap();
        fs::remove_file(sandbox.path().join("p/helper.sh")).unwrap();
        has(&run(&["check", "a.toml"]).stdout, &["helper.sh was removed since a-2"]);
        // It is no input any more.
        sandbox.write("p/a.toml", &format!("{SWEEP}[files]\nignore = [\"helper.sh\"]\n"));
        has(&run(&["check", "a.toml"]).stdout, &["3 of 3 done, nothing to run"]);
    }
}

#[test]
fn a_sweep_that_reuses_results_inherits_their_inputs() {
    for sandbox in sandboxes() {
        study(&sandbox, "p");
        let run = |args: &[&str]| sweep_in(&sandbox, "p", args).code(0);
        run(&["run", "a.toml"]);
        observe(&sandbox, "a-1", &["helper.sh"]);
        sandbox.write("p/a.toml", &SWEEP.replace("[1, 2, 3]", "[1, 2, 3, 4]"));
        has(&run(&["run", "a.toml"]).stderr, &["a-2: 3 of 4 points reused from a-1, 1 to run"]);
        let inherited = store(&sandbox).inputs(&"a-2".parse().unwrap()).unwrap();
        assert!(inherited.observed && inherited.inputs.iter().any(|input| input.path == "helper.sh"), "{inherited:?}");
        store(&sandbox).remove(&"a-1".parse().unwrap(), false).unwrap();

        sandbox.write("p/helper.sh", "factor=100\n");
        has(&run(&["run", "a.toml"]).stderr, &["helper.sh changed since a-2: 4 results are not reused"]);
        assert_eq!(results(&sandbox, "p/a.results.csv"), ["100", "200", "300", "400"]);
        observe(&sandbox, "a-3", &["helper.sh"]);
        // Asked for, the earlier results are taken, and the file as it is now is the input of the new sweep.
        sandbox.write("p/helper.sh", "factor=7\n");
        let ran = run(&["run", "a.toml", "--reuse-changed"]);
        has(&ran.stderr, &["4 of 4 points reused"]);
        has(&run(&["run", "a.toml"]).stderr, &["4 of 4 done, nothing to run"]);
        assert_eq!(versions(&sandbox, "p/a.results.csv"), ["1", "1", "1", "1"]);
    }
}

#[test]
fn a_copied_folder_has_results_of_its_own() {
    for sandbox in sandboxes() {
        study(&sandbox, "p");
        study(&sandbox, "copy");
        for folder in ["p", "copy"] {
            sandbox.write(&format!("{folder}/a.toml"), &format!("{SWEEP}[files]\nobserve = false\n"));
        }
        sweep_in(&sandbox, "p", &["run", "a.toml"]).code(0);
        sandbox.write("copy/helper.sh", "factor=1000\n");
        let ran = sweep_in(&sandbox, "copy", &["run", "a.toml"]).code(0);
        has(&ran.stderr, &["a-1", "3 results are not reused", "--reuse-from a-1"]);
        if !is_observed(&sandbox, "a-1") {
            has(&ran.stderr, &["a-1 belongs to the folder", "not all its inputs are known"]);
        }
        assert_eq!(results(&sandbox, "copy/a.results.csv"), ["1000", "2000", "3000"]);
        // The original goes on as before.
        has(&sweep_in(&sandbox, "p", &["run", "a.toml"]).code(0).stderr, &["a-1: 3 of 3 done, nothing to run"]);
        has(&sweep_in(&sandbox, "copy", &["run", "a.toml"]).code(0).stderr, &["a-2: 3 of 3 done, nothing to run"]);

        // Known inputs that differ.
        observe(&sandbox, "a-1", &["helper.sh"]);
        observe(&sandbox, "a-2", &["helper.sh"]);
        study(&sandbox, "third");
        sandbox.write("third/helper.sh", "factor=5\n");
        let ran = sweep_in(&sandbox, "third", &["run", "a.toml"]).code(0);
        has(&ran.stderr, &["helper.sh changed since a-2 of the folder"]);
        assert_eq!(results(&sandbox, "third/a.results.csv"), ["5", "10", "15"]);
    }
}

#[test]
fn a_moved_folder_is_recognised_by_its_inputs() {
    for sandbox in sandboxes() {
        study(&sandbox, "p");
        sweep_in(&sandbox, "p", &["run", "a.toml"]).code(0);
        observe(&sandbox, "a-1", &["helper.sh", "extra.json"]);
        rename(&sandbox, "p", "moved");
        let ran = sweep_in(&sandbox, "moved", &["run", "a.toml"]).code(0);
        has(&ran.stderr, &["a-2: 3 of 3 points reused from a-1, nothing to run"]);
        assert_eq!(results(&sandbox, "moved/a.results.csv"), ["10", "20", "30"]);
        has(&sweep_in(&sandbox, "moved", &["run", "a.toml"]).code(0).stderr, &["a-2: 3 of 3 done, nothing to run"]);
    }
}

#[test]
fn reuse_from_takes_the_results_of_any_sweep() {
    for sandbox in sandboxes() {
        study(&sandbox, "p");
        sweep_in(&sandbox, "p", &["run", "a.toml"]).code(0);
        rename(&sandbox, "p/a.toml", "p/b.toml");
        let run = |args: &[&str]| sweep_in(&sandbox, "p", args);
        let check = run(&["check", "b.toml"]).code(0);
        has(&check.stdout, &["a-1 has the same points, command and inputs; `--reuse-from a-1` reuses its 3 results"]);
        assert_eq!(run(&["check", "b.toml", "--json"]).code(0).json()["run"]["same_points"], "a-1");
        let refused = run(&["run", "b.toml", "--reuse-from", "a-7"]).code(2);
        has(&refused.stderr, &["a-7"]);
        let ran = run(&["run", "b.toml", "--reuse-from", "a-1"]).code(0);
        has(&ran.stderr, &["b-1: 3 of 3 points reused from a-1, nothing to run"]);
        has(&run(&["run", "b.toml", "--reuse-from", "a-1"]).code(0).stderr, &["b-1: 3 of 3 done, nothing to run"]);
        has(&run(&["run", "b.toml"]).code(0).stderr, &["b-1: 3 of 3 done, nothing to run"]);

        // A change prevents it all the same.
        sandbox.write("p/job.sh", &format!("{JOB}true\n"));
        rename(&sandbox, "p/b.toml", "p/c.toml");
        let ran = run(&["check", "c.toml", "--reuse-from", "a-1"]).code(0);
        has(&ran.stdout, &["job.sh changed since a-1", "not reused", "--reuse-changed"]);
        let ran = run(&["check", "c.toml", "--reuse-from", "a-1", "--reuse-changed"]).code(0);
        has(&ran.stdout, &["3 of 3 points reused from a-1"]);
        assert!(!Path::new(&sandbox.path().join("p/c.results.csv")).exists());
    }
}

#[test]
fn a_retry_after_an_edit_is_refused_or_makes_a_version_that_the_table_shows() {
    for sandbox in sandboxes() {
        study(&sandbox, "p");
        sandbox.write("p/job.sh", ". ./helper.sh; [ $1 != 3 ] && echo y=$(($1 * $factor))\n");
        let run = |args: &[&str]| sweep_in(&sandbox, "p", args);
        run(&["run", "a.toml"]).code(1);
        observe(&sandbox, "a-1", &["helper.sh"]);
        assert!(!sandbox.read("p/a.results.csv").contains("version"));
        sandbox.write("p/job.sh", JOB);
        sandbox.write("p/helper.sh", "factor=100\n");
        let refused = run(&["retry", "a-1"]).code(2);
        has(&refused.stderr, &["job.sh changed and helper.sh changed since a-1", "--with-changed-files", "sweep run"]);
        assert_eq!(sandbox.status("a-1")["failed"], 1);

        let retried = run(&["retry", "a-1", "--with-changed-files"]).code(0);
        has(&retried.stderr, &["version 2", "put 1 point of a-1 back"]);
        run(&["worker", "--until-empty", "-j", "1"]).code(0);
        run(&["collect", "a-1", "--out", "t.csv"]).code(0);
        assert_eq!(
            (results(&sandbox, "p/t.csv"), versions(&sandbox, "p/t.csv")),
            (["10", "20", "300"].map(str::to_owned).to_vec(), ["1", "1", "2"].map(str::to_owned).to_vec(),)
        );
        let meta: serde_json::Value = serde_json::from_str(&sandbox.read("p/t.csv.meta.json")).unwrap();
        assert_eq!(
            (&meta["versions"][0]["version"], &meta["versions"][0]["inputs"][0]["path"]),
            (&1.into(), &"helper.sh".into())
        );
        let stats = run(&["stats", "a-1", "--by", "version", "--results", "y", "--json"]).code(0).stdout;
        assert_eq!(stats.lines().count(), 2, "{stats}");
        observe(&sandbox, "a-1", &["helper.sh"]);
        has(&run(&["run", "a.toml"]).code(0).stderr, &["2 versions of its files", "3 of 3 done, nothing to run"]);
        assert_eq!(versions(&sandbox, "p/a.results.csv"), ["1", "1", "2"]);

        // A new sweep reuses only what the present files gave.
        sandbox.write("p/a.toml", &SWEEP.replace("[1, 2, 3]", "[1, 2, 3, 4]"));
        has(&run(&["run", "a.toml"]).code(0).stderr, &["a-2: 1 of 4 points reused from a-1, 3 to run"]);
        assert!(!sandbox.read("p/a.results.csv").contains("version"));
        assert_eq!(results(&sandbox, "p/a.results.csv"), ["100", "200", "300", "400"]);
        // Unless all are asked for.
        sandbox.write("p/a.toml", &SWEEP.replace("[1, 2, 3]", "[1, 2, 3, 5]"));
        sandbox.sweep(&["rm", "a-2"]).code(0);
        has(&run(&["run", "a.toml", "--reuse-changed"]).code(0).stderr, &["3 of 4 points reused from a-1, 1 to run"]);
        assert_eq!(versions(&sandbox, "p/a.results.csv"), ["1", "1", "2", "2"]);
    }
}

#[test]
fn results_from_before_inputs_were_known_are_named() {
    for sandbox in sandboxes() {
        study(&sandbox, "p");
        let run = |args: &[&str]| sweep_in(&sandbox, "p", args).code(0);
        run(&["run", "a.toml"]);
        if is_observed(&sandbox, "a-1") {
            // Here attempts are observed from the start.
            continue;
        }
        sandbox.write("p/a.toml", &SWEEP.replace("[1, 2, 3]", "[1, 2, 3, 4]"));
        run(&["run", "a.toml"]);
        observe(&sandbox, "a-2", &["helper.sh"]);
        has(&run(&["run", "a.toml"]).stderr, &["a-2 has results of a-1 from before", "--fresh"]);
        // Its own, if it goes on.
        sandbox.write("p/a.toml", &SWEEP.replace("[1, 2, 3]", "[7, 8]"));
        run(&["run", "a.toml"]);
        run(&["run", "a.toml"]);
        observe(&sandbox, "a-3", &["helper.sh"]);
        has(&run(&["run", "a.toml"]).stderr, &["a-3 has results of a-3 from before"]);
        run(&["run", "a.toml", "--fresh"]);
        observe(&sandbox, "a-4", &["helper.sh"]);
        assert!(!run(&["run", "a.toml"]).stderr.contains("from before"));
    }
}

#[test]
fn a_running_worker_takes_the_version_of_a_retry() {
    for sandbox in sandboxes() {
        study(&sandbox, "p");
        sandbox.write("p/job.sh", ". ./helper.sh; [ $1 != 3 ] && echo y=$(($1 * $factor))\n");
        sweep_in(&sandbox, "p", &["submit", "a.toml"]).code(0);
        let worker = sandbox.worker("worker", &["-j", "1"]);
        let ended = |key: &str, number: u64| {
            until("the jobs to end", || match sandbox.status("a-1") {
                status if status[key] == number => Ok(()),
                status => Err((status, worker.log())),
            });
        };
        ended("failed", 1);
        sandbox.write("p/job.sh", JOB);
        sweep_in(&sandbox, "p", &["retry", "a-1", "--with-changed-files"]).code(0);
        ended("succeeded", 3);
        sandbox.sweep(&["collect", "a-1", "--out", "t.csv"]).code(0);
        assert_eq!(versions(&sandbox, "t.csv"), ["1", "1", "2"]);
    }
}
