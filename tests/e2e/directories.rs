//! Owns the tests of job directories: input decks, a new directory for each attempt, results from files.

use crate::common::Sandbox;

const DECK: &str = r#"
command = "sh {{ here }}/job.sh {{ attempt }}"
[grid]
size = [3, 4]
[job]
retries = 1
retry-delay = "0s"
[templates]
"in.txt" = "in.txt.j2"
"more/note" = "in.txt.j2"
[results]
from = "out.json"
require = ["area"]
"#;

fn deck_sandbox(sandbox: &Sandbox) {
    sandbox.write("study/a.toml", DECK);
    sandbox.write("study/in.txt.j2", "size {{ size }}\nfor job {{ job }} in {{ dir }}\n");
    // The first attempt leaves a file behind and fails.
    sandbox.write(
        "study/job.sh",
        "if [ $1 = 1 ]; then echo half > left-behind; exit 3; fi\n\
         size=$(sed -n 's/size //p' in.txt)\n\
         echo \"{\\\"area\\\": $((size * size)), \\\"files\\\": \\\"$(ls | tr '\\n' ' ')\\\"}\" > out.json\n\
         echo area=0\n",
    );
}

#[test]
fn a_deck_is_filled_in_and_every_attempt_finds_its_directory_fresh() {
    for sandbox in Sandbox::both() {
        deck_sandbox(&sandbox);
        sandbox.sweep(&["run", "study/a.toml", "--out", "t.csv"]).code(0);
        let rows = sandbox.rows("t.csv");
        let told: Vec<_> =
            rows.iter().map(|row| (row["area"].as_str(), row["files"].as_str(), row["attempts"].as_str())).collect();
        assert_eq!(told, [("9", "in.txt more ", "2"), ("16", "in.txt more ", "2")]);
        let dir = sandbox.path().canonicalize().expect("a path").join("study/runs/a-1/1");
        let deck = format!("size 4\nfor job 1 in {}\n", dir.display());
        assert_eq!(sandbox.read("study/runs/a-1/1/in.txt"), deck);
        assert_eq!(sandbox.read("study/runs/a-1/1/more/note"), deck);
        assert_eq!(sandbox.read("study/runs/a-1/1.attempt-1/left-behind"), "half\n");
    }
}

#[test]
fn a_template_is_frozen_when_the_sweep_is_submitted() {
    let sandbox = Sandbox::embedded();
    deck_sandbox(&sandbox);
    sandbox.sweep(&["submit", "study/a.toml"]).code(0);
    sandbox.write("study/in.txt.j2", "size 100\n");
    sandbox.sweep(&["worker", "--until-empty"]).code(0);
    sandbox.sweep(&["collect", "--out", "t.csv"]).code(0);
    assert_eq!(sandbox.rows("t.csv")[0]["area"], "9");
}

#[test]
fn a_store_that_was_thrown_away_leaves_nothing_in_the_way() {
    let sandbox = Sandbox::embedded();
    deck_sandbox(&sandbox);
    for round in 1..=2 {
        sandbox.sweep(&["run", "study/a.toml", "--out", "t.csv"]).code(0);
        assert_eq!(sandbox.rows("t.csv")[0]["files"], "in.txt more ", "round {round}");
        std::fs::remove_dir_all(sandbox.path().join(".sweep")).expect("the store is removed");
    }
}

#[test]
fn the_line_to_paste_runs_the_very_same_thing() {
    let sandbox = Sandbox::embedded();
    deck_sandbox(&sandbox);
    sandbox.sweep(&["run", "study/a.toml", "--out", "t.csv"]).code(0);
    let out = sandbox.path().join("study/runs/a-1/0/out.json");
    let first = std::fs::read_to_string(&out).expect("it was written");
    std::fs::remove_dir_all(out.parent().expect("a folder")).expect("it is removed");
    let line = sandbox.sweep(&["show", "a-1/0", "--json"]).code(0).json()["paste"].as_str().expect("text").to_owned();
    assert!(std::process::Command::new("sh").args(["-c", &line]).status().expect("sh runs").success());
    assert_eq!(std::fs::read_to_string(&out).expect("it is written again"), first);
}

#[test]
fn results_that_a_job_did_not_write_are_told_by_the_file() {
    let sandbox = Sandbox::embedded();
    let text = |from: &str| {
        format!(
            "command = \"sh -c '{{{{ what }}}}'\"\n[grid]\nwhat = [\"true\", \"echo y=1 > out.txt\", \"echo no > out.txt\"]\n[results]\nformat = \"keyvalue\"\nfrom = \"{from}\"\n"
        )
    };
    sandbox.write("a.toml", &text("out.txt"));
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(1);
    assert_eq!(sandbox.rows("t.csv").len(), 1);
    let cause = |job: &str| sandbox.sweep(&["show", job, "--json"]).code(0).json()["cause"].to_string();
    assert!(cause("a-1/0").contains("the job wrote no file ") && cause("a-1/0").contains("runs/a-1/0/out.txt"));
    assert!(cause("a-1/2").contains("out.txt: the output has no line"), "{}", cause("a-1/2"));
}

#[test]
fn a_directory_that_all_jobs_share_stays_as_it_is() {
    for sandbox in Sandbox::both() {
        sandbox.write("shared/mine", "mine\n");
        sandbox.write(
            "a.toml",
            "command = \"sh -c 'touch $0; [ $1 = 2 ]' {{ x }} {{ attempt }}\"\n[grid]\nx = [1, 2, 3]\n\
             [job]\ndir = \"shared\"\nretries = 1\nretry-delay = \"0s\"\n",
        );
        sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
        let mut names: Vec<_> = std::fs::read_dir(sandbox.path().join("shared"))
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("plain"))
            .collect();
        names.sort();
        assert_eq!(names, ["1", "2", "3", "mine"]);
        assert!(!sandbox.path().join("shared.attempt-1").exists());
    }
}

#[test]
fn a_plain_sweep_makes_no_directory() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"echo {{ x }}\"\n[grid]\nx = [1, 2]\n");
    sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(0);
    let mut names: Vec<_> = std::fs::read_dir(sandbox.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("plain"))
        .collect();
    names.sort();
    assert_eq!(names, [".sweep", "a.toml", "t.csv", "t.csv.meta.json"]);
}
