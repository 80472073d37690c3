//! Owns the tests of `FILE.meta.json`: it is correct, and sufficient to make the table again.

use std::process::Command;

use serde_json::Value;

use crate::common::{Ran, Sandbox, until};

fn git(sandbox: &Sandbox, args: &[&str]) -> Ran {
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
    let git = Command::new("git").args(who).args(args).current_dir(sandbox.path()).output();
    Ran::from(git.expect("this test makes a repository: install git")).code(0)
}

fn meta(sandbox: &Sandbox, table: &str) -> Value {
    serde_json::from_str(&sandbox.read(&format!("{table}.meta.json"))).expect("JSON")
}

#[test]
fn a_table_says_where_it_comes_from_and_how_it_is_made_again() {
    for sandbox in Sandbox::both() {
        let text = "command = \"sh job.sh {{ x }}\" # a note\n[grid]\nx = [1, 2, 3]\n";
        sandbox.write("a.toml", text);
        sandbox.write("job.sh", "echo y=$1; exit $(($1 == 3))\n");
        git(&sandbox, &["init", "-q"]);
        git(&sandbox, &["add", "a.toml", "job.sh"]);
        git(&sandbox, &["commit", "-q", "-m", "first"]);
        let commit = git(&sandbox, &["rev-parse", "HEAD"]).stdout.trim().to_owned();
        sandbox.sweep(&["run", "a.toml", "--out", "t.csv"]).code(1);
        let first = meta(&sandbox, "t.csv");
        assert_eq!((&first["sweep"], &first["sweep_file"]["text"]), (&"a-1".into(), &text.into()));
        assert_eq!(first["git"], serde_json::json!({"commit": commit, "dirty": false}));
        assert_eq!((&first["counts"]["failed"], &first["table"]["rows"]), (&1.into(), &2.into()));
        assert_eq!(first["ran"]["hosts"][0], first["submitted"]["host"]);
        let times = [
            &first["submitted"]["at"],
            &first["ran"]["first_began"],
            &first["ran"]["last_ended"],
            &first["table"]["written"],
        ];
        let times = times.map(|time| time.as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time"));
        assert!(times[1] <= times[2] && times[0] <= times[3], "{times:?}");

        // The command lines make the same table, including the selection of rows and columns.
        sandbox.sweep(&["collect", "--all", "--where", "x > 1", "--columns", "x,status", "--out", "c d.jsonl"]).code(0);
        let collected = sandbox.read("c d.jsonl");
        std::fs::remove_file(sandbox.path().join("c d.jsonl")).expect("it was there");
        let line = |key: &str, table: &str| {
            let line = meta(&sandbox, table)["repeat"][key].as_str().expect("a line").to_owned();
            let folder = std::path::Path::new(env!("CARGO_BIN_EXE_sweep")).parent().expect("a folder");
            let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("a PATH"));
            let mut shell = Command::new("sh");
            shell.args(["-c", &line]).current_dir(sandbox.path()).env("PATH", path).env_remove("SWEEP_STORE");
            Ran::from(shell.output().expect("sh runs"))
        };
        line("collect", "c d.jsonl").code(0);
        assert_eq!(sandbox.read("c d.jsonl"), collected);
        sandbox.write("job.sh", "echo y=$1\n");
        sandbox.sweep(&["submit", "a.toml"]).code(0);
        sandbox.sweep(&["collect", "--out", "u.csv"]).code(0);
        let second = meta(&sandbox, "u.csv");
        assert_eq!(second["git"], serde_json::json!({"commit": commit, "dirty": true}));
        assert_eq!((&second["ran"]["hosts"], &second["ran"]["first_began"]), (&serde_json::json!([]), &Value::Null));
        assert!(sandbox.sweep(&["collect", "--out", "-"]).code(0).stdout.starts_with("job,"));
        assert!(!sandbox.path().join("-.meta.json").exists());
    }
}

#[test]
fn an_older_run_does_not_overwrite_the_table_of_a_newer_one() {
    for sandbox in Sandbox::both() {
        let file = |command: &str| format!("command = \"{command}\"\n[grid]\nx = [1]\n");
        sandbox.write("old.sh", "until test -e gate; do sleep 0.02; done; echo y=1\n");
        sandbox.write("new.sh", "echo y=2\n");
        sandbox.write("a.toml", &file("sh old.sh {{ x }}"));
        let mut older = sandbox.start("older", &["run", "a.toml", "-j", "1"]);
        until("the older run to run its job", || match sandbox.sweep(&["status", "a-1", "--json"]) {
            ran if ran.code == 0 && ran.json()["sweeps"][0]["running"] == 1 => Ok(()),
            ran => Err(format!("{}{}", ran.stdout, ran.stderr)),
        });
        sandbox.write("a.toml", &file("sh new.sh {{ x }}"));
        sandbox.sweep(&["run", "a.toml", "-j", "1"]).code(0);
        assert_eq!(
            (&meta(&sandbox, "a.results.csv")["sweep"], sandbox.rows("a.results.csv")[0]["y"].as_str()),
            (&"a-2".into(), "2")
        );
        sandbox.write("gate", "");
        assert_eq!(older.end(), 0, "{}", older.log());
        assert!(older.log().contains("a-2") && older.log().contains("sweep collect a-1"), "{}", older.log());
        assert_eq!(
            (&meta(&sandbox, "a.results.csv")["sweep"], sandbox.rows("a.results.csv")[0]["y"].as_str()),
            (&"a-2".into(), "2")
        );

        // A later run of the older file writes its table.
        sandbox.write("a.toml", &file("sh old.sh {{ x }}"));
        sandbox.sweep(&["run", "a.toml", "-j", "1"]).code(0);
        assert_eq!(sandbox.rows("a.results.csv")[0]["y"], "1");
    }
}
