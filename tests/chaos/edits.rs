//! Owns the property that no table mixes inputs: for any sequence of edits, undone edits, runs, kills of workers and
//! retries, each row of a table is what the recorded inputs of its sweep give. The program prints what it has read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::common::{Background, Sandbox, until, until_within};
use crate::plan::Dice;

/// The inputs: the program, a file that the command names, a file that only some commands name, and watched files.
const FILES: [&str; 5] = ["job.sh", "data.txt", "in/a.txt", "in/b.txt", "lib/one.txt"];

/// How many versions each file has.
const VERSIONS: u64 = 3;

const SWEEP: &str = "command = \"sh job.sh data.txt in/{{ which }}.txt\"\nrepeats = 12\n[grid]\nwhich = [\"a\", \"b\"]\n\
                     [files]\nwatch = [\"lib/*.txt\"]\n";

/// The content of a file in a version. The program reads its inputs at its start and at its end.
fn content(file: &str, version: u64) -> String {
    if file != "job.sh" {
        return format!("{version}\n");
    }
    format!(
        "read d < $1; read k < $2; read l < lib/one.txt\nsleep 0.0{}\nread d2 < $1; read k2 < $2; read l2 < lib/one.txt\n\
         echo program = {version}\necho d = $d\necho d2 = $d2\necho k = $k\necho k2 = $k2\necho l = $l\necho l2 = $l2\n",
        version + 1
    )
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().chars().take(32).collect()
}

/// Commands that run in the background and the files on disk.
struct Study<'a> {
    sandbox: &'a Sandbox,
    dice: Dice,
    processes: Vec<Background>,
    started: usize,
    steps: Vec<String>,
}

impl Study<'_> {
    fn edit(&mut self, file: &str, version: u64) {
        let text = content(file, version);
        // As editors do: in place, or a new file that replaces the old one.
        if self.dice.below(2) == 0 {
            self.sandbox.write(&format!("p/{file}"), &text);
        } else {
            let new = self.sandbox.write(&format!("p/{file}.new"), &text);
            std::fs::rename(new, self.sandbox.path().join("p").join(file)).expect("it is renamed");
        }
    }

    fn start(&mut self, args: &[&str]) {
        self.started += 1;
        if self.processes.len() >= 4 {
            self.processes.remove(0);
        }
        self.processes.push(self.sandbox.start(&format!("process-{}", self.started), args));
    }

    fn newest(&self) -> Option<String> {
        let list = self.sandbox.sweep(&["status", "--json"]);
        if list.code != 0 {
            return None;
        }
        list.json()["sweeps"][0]["id"].as_str().map(str::to_owned)
    }

    fn step(&mut self) {
        let (file, version) = (FILES[self.dice.below(FILES.len() as u64) as usize], self.dice.below(VERSIONS));
        let step = self.dice.below(12);
        self.steps.push(format!("{step} {file} {version}"));
        match step {
            0..=2 => self.edit(file, version),
            // An edit that is undone at once, or after a while.
            3 | 4 => {
                let before = self.sandbox.read(&format!("p/{file}"));
                self.edit(file, version);
                std::thread::sleep(Duration::from_millis(self.dice.below(400)));
                self.sandbox.write(&format!("p/{file}"), &before);
            }
            5 | 6 => self.start(&["run", "p/a.toml", "-j", "2", "--lease", "2s", "--out", "p/t.csv"]),
            7 => self.start(&["worker", "-j", "2", "--lease", "2s"]),
            8 => drop(self.processes.pop()),
            9 => drop(self.sandbox.sweep(&["submit", "p/a.toml"])),
            10 => {
                if let Some(id) = self.newest() {
                    let index = self.dice.below(24);
                    self.sandbox.sweep(&["retry", &format!("{id}/{index}")]);
                }
            }
            _ => {
                let status = self.sandbox.sweep(&["status", "--json"]);
                let sweeps = if status.code == 0 { status.json()["sweeps"].clone() } else { serde_json::json!([]) };
                for sweep in sweeps.as_array().into_iter().flatten().filter(|sweep| sweep["state"] == "paused") {
                    self.sandbox.sweep(&["resume", sweep["id"].as_str().expect("an id")]);
                }
            }
        }
        std::thread::sleep(Duration::from_millis(self.dice.below(300)));
    }

    /// Every row of every sweep is what its recorded inputs give. Returns the number of rows.
    fn verify(&self) -> usize {
        let sweeps = self.sandbox.sweep(&["status", "--json"]).code(0).json()["sweeps"].clone();
        let ids: Vec<&str> =
            sweeps.as_array().expect("a list").iter().filter_map(|sweep| sweep["id"].as_str()).collect();
        ids.into_iter().map(|id| self.verify_sweep(id)).sum()
    }

    fn verify_sweep(&self, id: &str) -> usize {
        let status = self.sandbox.status(id);
        let mut versions = BTreeMap::new();
        for input in status["inputs"]["files"].as_array().expect("a list") {
            let (path, found) = (input["path"].as_str().expect("a path"), input["hash"].as_str().unwrap_or_default());
            let version = (0..VERSIONS).find(|version| hash(&content(path, *version)) == found);
            versions.insert(path.to_owned(), version.map(|version| version.to_string()));
        }
        if self.sandbox.sweep(&["collect", id, "--out", "t.csv"]).code != 0 {
            return 0;
        }
        let rows = self.sandbox.rows("t.csv");
        for row in &rows {
            let own = format!("in/{}.txt", row["which"]);
            let named = [("program", "job.sh"), ("d", "data.txt"), ("d2", "data.txt"), ("k", own.as_str())];
            let others = [("k2", own.as_str()), ("l", "lib/one.txt"), ("l2", "lib/one.txt")];
            for (column, path) in named.into_iter().chain(others) {
                let expected = versions.get(path).cloned().flatten();
                assert_eq!(
                    Some(row[column].clone()),
                    expected,
                    "{id}: column {column} of {row:?} is not what {path} gives; recorded: {versions:?}; steps: {:?}",
                    self.steps
                );
            }
        }
        rows.len()
    }
}

fn edits(sandbox: &Sandbox, seed: u64, length: Duration) {
    eprintln!("edits: to repeat this run, set EDITS_SECONDS={} CHAOS_SEED={seed}", length.as_secs());
    sandbox.write("p/a.toml", SWEEP);
    FILES.iter().for_each(|file| drop(sandbox.write(&format!("p/{file}"), &content(file, 0))));
    let mut study = Study { sandbox, dice: Dice(seed), processes: Vec::new(), started: 0, steps: Vec::new() };
    let begun = Instant::now();
    while begun.elapsed() < length {
        study.step();
    }
    study.processes.clear();
    // Whatever has happened, a run with the files as they are now completes.
    until_within(Duration::from_secs(120), "a run to complete", || {
        let ran = sandbox.sweep(&["run", "p/a.toml", "-j", "2", "--lease", "2s", "--out", "p/t.csv"]);
        if ran.code == 0 { Ok(()) } else { Err(ran.stderr) }
    });
    let rows = study.verify();
    eprintln!("edits: {} steps, {rows} rows", study.steps.len());
    assert!(rows >= 24);
    until("the newest sweep to be complete", || {
        let id = study.newest().expect("there is one");
        let status = sandbox.status(&id);
        if status["succeeded"] == 24 { Ok(()) } else { Err(status) }
    });
}

#[test]
fn no_table_mixes_inputs() {
    let length = Duration::from_secs(super::setting("EDITS_SECONDS", 20));
    edits(&Sandbox::embedded(), super::seed(), length);
}

/// Only in long runs: with `EDITS_SECONDS` set.
#[test]
fn no_table_of_redis_mixes_inputs() {
    if std::env::var_os("EDITS_SECONDS").is_some() {
        let length = Duration::from_secs(super::setting("EDITS_SECONDS", 20));
        edits(&Sandbox::redis(), super::seed(), length);
    }
}
