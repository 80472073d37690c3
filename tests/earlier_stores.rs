//! Owns the promise that a store of an earlier release opens in this one. `fixtures/earlier_stores` holds one store of
//! each kind, made by the release whose stored forms were the first to be promised; its README says how.

// A test that cannot go on fails.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Ran, Sandbox};

mod common;

/// The folder of the fixtures.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/earlier_stores")
}

/// A sandbox with an earlier store and the files of its sweeps.
struct Earlier {
    sandbox: Sandbox,
    /// `embedded` or `redis`.
    kind: &'static str,
}

impl Earlier {
    /// One of each kind.
    fn both() -> [Earlier; 2] {
        let embedded = Sandbox::embedded();
        fs::create_dir(embedded.path().join(".sweep")).expect("a new folder");
        fs::copy(fixtures().join("embedded/sweep.db"), embedded.path().join(".sweep/sweep.db")).expect("a copy");
        let redis = Sandbox::redis_from(&fixtures().join("redis/dump.rdb"));
        let both = [Earlier { sandbox: embedded, kind: "embedded" }, Earlier { sandbox: redis, kind: "redis" }];
        for earlier in &both {
            copy_all(&fixtures().join("study"), earlier.sandbox.path());
        }
        both
    }

    /// Runs the binary.
    fn sweep(&self, args: &[impl AsRef<OsStr>]) -> Ran {
        self.sandbox.sweep(args)
    }

    /// Runs what there is to run in these queues.
    fn work(&self, queues: &[&str]) {
        let mut args = vec!["worker", "-j", "2", "--until-empty"];
        args.extend(queues.iter().flat_map(|queue| ["--queue", *queue]));
        self.sweep(&args);
    }

    /// A file of the fixture of this kind.
    fn kept(&self, name: &str) -> String {
        let path = fixtures().join(self.kind).join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The tables that the earlier release collected, by the ids of their sweeps.
    fn tables(&self) -> BTreeMap<String, String> {
        let names = fs::read_dir(fixtures().join(self.kind)).expect("the fixture");
        let names = names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let ids = names.filter_map(|name| name.strip_suffix(".csv").map(str::to_owned));
        ids.map(|id| (id.clone(), self.kept(&format!("{id}.csv")))).collect()
    }

    /// The table of a sweep as it is now.
    fn collect(&self, id: &str) -> String {
        self.sweep(&["collect", id, "--all", "--out", "-", "--format", "csv"]).code(0).stdout
    }

    /// How many points of a sweep are in a state.
    fn count(&self, id: &str, state: &str) -> u64 {
        self.sandbox.status(id)[state].as_u64().expect("a count")
    }

    /// What `run` would do with a sweep file: points that are done, and points to run.
    fn foreseen(&self, file: &str) -> (u64, u64) {
        let run = self.sweep(&self.with_sources(&["check", file, "--json"])).code(0).json()["run"].clone();
        let number = |key: &str| run[key].as_u64().unwrap_or_else(|| panic!("{file}: {run}"));
        (number("done"), number("to_run"))
    }

    /// A command about a sweep file that reuses the sweeps of its name. The fixture's sweeps were made in another folder,
    /// and nothing is known of the inputs of their jobs, so they must be named.
    fn with_sources(&self, args: &[&str]) -> Vec<String> {
        let name = args[1].trim_end_matches(".toml");
        let is_source = |id: &String| id.rsplit_once('-').is_some_and(|(start, _)| start == name);
        let sources = self.tables().into_keys().filter(is_source);
        let options = sources.flat_map(|id| ["--reuse-from".to_owned(), id]);
        args.iter().map(|arg| (*arg).to_owned()).chain(options).collect()
    }

    /// Changes a file.
    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.sandbox.read(file);
        assert!(text.contains(from), "{file} has no `{from}`");
        self.sandbox.write(file, &text.replace(from, to));
    }
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).expect("a new folder");
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}

/// Lines of a table but those of running jobs: whoever looks later may find their worker lost.
fn settled(table: &str) -> Vec<&str> {
    table.lines().filter(|line| !line.contains(",running,")).collect()
}

#[test]
fn tables_are_what_the_earlier_release_collected() {
    for earlier in Earlier::both() {
        let tables = earlier.tables();
        assert!(tables.len() > 20, "{}: {:?}", earlier.kind, tables.keys());
        for (id, before) in tables {
            let now = earlier.collect(&id);
            for (now, before) in settled(&now).iter().zip(settled(&before)) {
                assert_eq!(*now, before, "{} {id}", earlier.kind);
            }
            assert_eq!(now.lines().count(), before.lines().count(), "{} {id}", earlier.kind);
        }
    }
}

#[test]
fn every_command_that_looks_understands_an_earlier_store() {
    for earlier in Earlier::both() {
        let list = earlier.sweep(&["list"]).code(0).stdout;
        for line in earlier.kept("list.txt").lines().skip(1).filter(|line| !line.contains("lost-1")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let now = list.lines().find(|line| line.split_whitespace().next() == words.first().copied());
            let now: Vec<&str> = now.unwrap_or_else(|| panic!("{line}: {list}")).split_whitespace().collect();
            assert_eq!(now, words, "{}", earlier.kind);
        }
        for id in earlier.tables().keys() {
            earlier.sweep(&["status", id, "--json"]).code(0).json();
            assert_ne!(earlier.sweep(&["jobs", id, "--limit", "5"]).code(0).stdout, "", "{id}");
            earlier.sweep(&["stats", id, "--results", "seconds"]).code(0);
            earlier.sweep(&["show", &format!("{id}/0"), "--json"]).code(0).json();
        }
        assert_eq!(earlier.sandbox.status("paused-1")["reason"], "the licence server is down");
        assert_eq!(earlier.sandbox.status("grows-2")["reused"], 9);
        assert_eq!(earlier.sandbox.status("half-1")["queue"], "half");

        let failures = earlier.sweep(&["failures", "fails-1", "--json"]).code(0).json();
        let groups = failures["groups"].as_array().expect("groups").iter();
        let mut causes: Vec<&str> = groups.map(|group| group["cause"].as_str().expect("a cause")).collect();
        causes.sort_unstable();
        assert_eq!(causes, ["cannot-start", "exit:3", "lost", "memory", "no-result", "signal:15", "timeout"]);
        let logs = earlier.sweep(&["logs", "fails-1/1"]).code(0);
        assert_eq!(logs.stdout, "result = 1\n");
        assert!(logs.stderr.contains("about to fail: exit\n"), "{}", logs.stderr);

        let shown = earlier.sweep(&["show", "retries-1/3", "--json"]).code(0).json();
        let history = shown["history"].as_array().expect("a list");
        assert_eq!((history.len(), shown["results"]["result"].as_f64()), (2, Some(4.5)), "{shown}");
        let shown = earlier.sweep(&["show", "grows-2/1", "--json"]).code(0).json();
        assert_eq!(shown["origin"], "grows-1/1");
        assert_eq!(earlier.sweep(&["logs", "grows-2/1"]).code(0).stdout, "square = 4\nthird = 0.25\n");
        let shown = earlier.sweep(&["show", "readings-1/1", "--json"]).code(0).json();
        assert_eq!(shown["history"].as_array().map(Vec::len), Some(3), "a success, set aside, and another: {shown}");
        let lost = earlier.sweep(&["show", "fails-1/7", "--json"]).code(0).json();
        assert_eq!(lost["state"], "failed", "{lost}");
    }
}

#[test]
fn what_was_left_is_finished() {
    for earlier in Earlier::both() {
        earlier.sandbox.write("go", "");
        earlier.work(&["half", "delayed", "lost"]);
        for (id, points) in [("half-1", 20), ("delayed-1", 4), ("lost-1", 8)] {
            assert_eq!(earlier.count(id, "succeeded"), points, "{}: {}", earlier.kind, earlier.sandbox.status(id));
        }
        let row = |id: &str, index: usize| earlier.collect(id).lines().nth(index + 1).expect("a row").to_owned();
        assert!(row("half-1", 5).starts_with("5,6,36,2.25,"), "{}", row("half-1", 5));
        assert!(row("delayed-1", 0).contains(",succeeded,2,"), "attempts count on: {}", row("delayed-1", 0));
        assert!(row("lost-1", 2).contains(",succeeded,2,"), "{}", row("lost-1", 2));

        let solver = earlier.sandbox.write("solver", "#!/bin/sh\necho $1\n");
        fs::set_permissions(solver, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
        for id in ["paused-1", "absent-1", "paused-early-1"] {
            earlier.sweep(&["resume", id]).code(0);
        }
        for id in ["absent-1", "paused-early-1", "cancelled-1"] {
            earlier.sweep(&["retry", id]).code(0);
        }
        earlier.work(&["paused", "absent", "early", "cancelled"]);
        for (id, points) in [("paused-1", 20), ("absent-1", 5), ("paused-early-1", 60), ("cancelled-1", 20)] {
            assert_eq!(earlier.count(id, "succeeded"), points, "{}: {}", earlier.kind, earlier.sandbox.status(id));
        }
        for cause in ["exit", "timeout", "lost"] {
            earlier.sweep(&["retry", "fails-1", "--cause", cause]).code(0);
        }
        earlier.work(&["default"]);
        assert_eq!(earlier.count("fails-1", "succeeded"), 4, "{}", earlier.sweep(&["failures", "fails-1"]).stdout);
        earlier.sweep(&["rm", "values-1", "half-1"]).code(0);
    }
}

#[test]
fn successes_are_reused() {
    for earlier in Earlier::both() {
        // Unchanged files: nothing is to run.
        for (file, points) in [
            ("values.toml", 12),
            ("numbers.toml", 66),
            ("retries.toml", 12),
            ("spaces.toml", 312),
            ("sobol.toml", 16),
            ("latin.toml", 16),
            ("halton.toml", 8),
            ("decks.toml", 6),
            ("wide.toml", 1100),
            ("grows.toml", 9),
            ("readings.toml", 3),
        ] {
            assert_eq!(earlier.foreseen(file), (points, 0), "{}: {file}", earlier.kind);
        }
        // A value more: what is there is reused.
        for (file, from, to, done, to_run) in [
            ("values.toml", "[16, 32]", "[16, 32, 64]", 12, 6),
            ("numbers.toml", "to = 1.0", "to = 1.1", 66, 6),
            ("retries.toml", "to = 12", "to = 13", 12, 1),
            ("spaces.toml", "repeats = 2", "repeats = 3", 312, 156),
            ("sobol.toml", "[1, 2]", "[2, 1, 3]", 16, 8),
            ("decks.toml", "[1, 2, 3]", "[1, 2, 3, 4]", 6, 2),
            ("wide.toml", "to = 1100", "to = 1101", 1100, 1),
            ("grows.toml", "[1, 2, 3]", "[0, 1, 2, 3, 4, 5]", 15, 3),
            ("readings.toml", "[1, 2, 3]", "[1, 2, 3, 4]", 3, 1),
        ] {
            earlier.edit(file, from, to);
            assert_eq!(earlier.foreseen(file), (done, to_run), "{}: {file}", earlier.kind);
        }
        for (file, id, earlier_id) in [("values.toml", "values-2", "values-1"), ("grows.toml", "grows-3", "grows-2")] {
            assert_eq!(earlier.sweep(&earlier.with_sources(&["submit", file])).code(0).stdout.trim(), id);
            earlier.work(&["default"]);
            let status = earlier.sandbox.status(id);
            assert_eq!(status["succeeded"], status["total"], "{status}");
            // A row as it was, but for its index.
            let without_index = |line: &str| line.split_once(',').expect("cells").1.to_owned();
            let now: Vec<String> = earlier.collect(id).lines().map(without_index).collect();
            for before in earlier.kept(&format!("{earlier_id}.csv")).lines().map(without_index) {
                assert!(now.contains(&before), "{}: {before} is not in {now:#?}", earlier.kind);
            }
        }
        // Results are read anew from what an earlier release kept.
        earlier.edit("readings.toml", "[1, 2, 3, 4]", "[1, 2, 3]");
        earlier.edit("readings.toml", "\"keyvalue\"", "\"json\"\ncolumns = { e = \"c.d[1]\" }");
        assert_eq!(earlier.foreseen("readings.toml"), (3, 0), "{}", earlier.kind);
        // An edited input: nothing is reused.
        earlier.edit("decks.toml", "[1, 2, 3, 4]", "[1, 2, 3]");
        earlier.edit("deck.sh", "usage", "Usage");
        assert_eq!(earlier.foreseen("decks.toml"), (0, 6), "{}", earlier.kind);
        earlier.sandbox.write("data/two.txt", "2\n");
        assert_eq!(earlier.foreseen("grows.toml"), (0, 18), "{}", earlier.kind);
    }
}
