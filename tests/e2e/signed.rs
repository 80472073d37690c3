//! Owns the tests of signed sweeps: a worker with trusted keys runs what these have signed, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::common::events::Event;
use crate::common::{Ran, Sandbox, until};

const SWEEP: &str = "command = \"echo y={{ x }}\"\n[grid]\nx = [1, 2, 3]\n";

/// A command of a person, who has a home folder of that name.
fn person(sandbox: &Sandbox, name: &str, args: &[&str]) -> Command {
    let mut command = sandbox.command(args);
    let home = sandbox.path().join(name);
    fs::create_dir_all(&home).expect("it is ours");
    command.env("HOME", home).env_remove("XDG_CONFIG_HOME");
    command
}

fn run(sandbox: &Sandbox, name: &str, args: &[&str]) -> Ran {
    person(sandbox, name, args).output().expect("the binary runs").into()
}

/// Makes a key for a person, and trusts it in the file `trusted`.
fn trust(sandbox: &Sandbox, name: &str, limits: &str) {
    let line = run(sandbox, name, &["key", "new"]).code(0).stdout;
    assert_eq!(run(sandbox, name, &["key", "show"]).code(0).stdout, line);
    let file = sandbox.write("trusted", &format!("# our group\n{} {limits}\n", line.trim()));
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).expect("it is ours");
}

const WORKER: [&str; 7] = ["worker", "-j", "1", "--trusted", "trusted", "--log-format", "json"];

/// Runs a worker until it has stepped back from the sweep, and returns why.
fn stepped_back(sandbox: &Sandbox, id: &str) -> String {
    let worker = sandbox.start_command("worker", &mut person(sandbox, "robot", &WORKER));
    let event = worker.wait_for("the worker to step back", |event| matches!(event, Event::SteppedBack { .. }));
    let Event::SteppedBack { sweep, reason, .. } = event else { panic!("{event:?}") };
    assert_eq!(sweep, id);
    assert_eq!(sandbox.status(id)["succeeded"], 0, "nothing was run");
    drop(worker);
    reason
}

#[test]
fn a_worker_with_trusted_keys_runs_what_they_have_signed_and_nothing_else() {
    for sandbox in Sandbox::both() {
        trust(&sandbox, "ada", "");
        sandbox.write("a.toml", SWEEP);
        let id = run(&sandbox, "eve", &["submit", "a.toml"]).code(0).stdout.trim().to_owned();
        assert!(stepped_back(&sandbox, &id).contains("not signed"));
        // The same file from Ada: her signature is added.
        assert_eq!(run(&sandbox, "ada", &["submit", "a.toml"]).code(0).stdout.trim(), id);
        let until_empty = [&WORKER[..], &["--until-empty"]].concat();
        Ran::from(person(&sandbox, "robot", &until_empty).output().unwrap()).code(0);
        assert_eq!(sandbox.status(&id)["succeeded"], 3);
        // Others read signed sweeps as any other.
        run(&sandbox, "eve", &["collect", &id, "--out", "t.csv"]).code(0);
        assert_eq!(sandbox.rows("t.csv").len(), 3);
        assert!(run(&sandbox, "eve", &["show", &format!("{id}/0")]).code(0).stdout.contains("echo"));
    }
}

#[test]
fn a_signed_sweep_that_somebody_changed_in_the_store_is_not_run() {
    let mut sandbox = Sandbox::redis();
    trust(&sandbox, "ada", "");
    sandbox.write("a.toml", SWEEP);
    let id = run(&sandbox, "ada", &["submit", "a.toml"]).code(0).stdout.trim().to_owned();
    let script = "local d = redis.call('GET', 'sweep:s:a-1:doc'); local e, n = string.gsub(d, 'echo', 'true'); \
                  redis.call('SET', 'sweep:s:a-1:doc', e); return n";
    let changed = sandbox.server().say(&format!("EVAL \"{script}\" 0"));
    assert!(changed.starts_with(':') && !changed.starts_with(":0"), "{changed}");
    assert!(stepped_back(&sandbox, &id).contains("no key that this worker trusts has signed it as it is in the store"));
}

#[test]
fn a_key_is_trusted_for_its_queues_and_until_its_day_only() {
    let sandbox = Sandbox::embedded();
    trust(&sandbox, "ada", "queues=gpu");
    sandbox.write("a.toml", SWEEP);
    let id = run(&sandbox, "ada", &["submit", "a.toml"]).code(0).stdout.trim().to_owned();
    assert!(stepped_back(&sandbox, &id).contains("not trusted for the queue `default`"));
    let line = sandbox.read("trusted").replace("queues=gpu", "expires=2020-01-01");
    sandbox.write("trusted", &line);
    assert!(stepped_back(&sandbox, &id).contains("has expired"));
}

#[test]
fn files_of_keys_that_others_can_change_or_read_are_refused() {
    let sandbox = Sandbox::embedded();
    trust(&sandbox, "ada", "");
    sandbox.write("a.toml", SWEEP);
    let again = run(&sandbox, "ada", &["key", "new"]).code(2).stderr;
    assert!(again.contains("there is a key already") && again.contains("sweep key show"), "{again}");
    let worker = |file: &str| {
        let ran = run(&sandbox, "robot", &["worker", "--until-empty", "--trusted", file]);
        assert!(matches!(ran.code, 2 | 5), "{} {}", ran.code, ran.stderr);
        ran.stderr
    };
    fs::set_permissions(sandbox.path().join("trusted"), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(worker("trusted").contains("may be written by others"));
    fs::set_permissions(sandbox.path().join("trusted"), fs::Permissions::from_mode(0o644)).unwrap();
    sandbox.write("wrong", "ssh-ed25519 AAAA ada\n");
    assert!(worker("wrong").contains("line 1: it must begin with"));
    assert!(worker("missing").contains("cannot be read"));
    let key = sandbox.path().join("ada/.config/sweep/key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let said = run(&sandbox, "ada", &["submit", "a.toml"]).code(5).stderr;
    assert!(said.contains("chmod 600"), "{said}");
    let none = run(&sandbox, "eve", &["key", "show"]).code(2).stderr;
    assert!(none.contains("sweep key new"), "{none}");
}

/// `run` needs no trust for its own sweep, and runs what it has read, not what the store returns.
#[test]
fn run_executes_what_it_has_read() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "a.toml",
        "command = [\"sh\", \"-c\", \"touch started-{{ x }}; until [ -e go ]; do sleep 0.02; done; sleep 0.05; echo y=1\"]\n\
         [grid]\nx = { from = 1, to = 40, count = 40 }\n",
    );
    // With this lease the worker reads the document again several times a second.
    let mut ran = sandbox.start("run", &["run", "a.toml", "-j", "1", "--out", "t.csv", "--lease", "1s"]);
    until("the first job", || sandbox.path().join("started-1").exists().then_some(()).ok_or(()));
    let database = rusqlite::Connection::open(sandbox.path().join(".sweep/sweep.db")).expect("a database");
    database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let attack =
        "UPDATE documents SET document = CAST(replace(CAST(document AS TEXT), 'touch started', 'touch evil') AS BLOB)";
    assert_eq!(database.execute(attack, []).unwrap(), 1);
    sandbox.write("go", "");
    assert_eq!(ran.end(), 0, "{}", ran.log());
    let files = fs::read_dir(sandbox.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let (started, evil): (Vec<_>, Vec<_>) = files
        .filter(|name| name.starts_with("started") || name.starts_with("evil"))
        .partition(|name| name.starts_with('s'));
    assert_eq!((started.len(), evil), (40, vec![]));
}
