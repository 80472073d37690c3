//! Owns the tests of jobs that ask for a terminal, are stopped, or have very long parameters.

use rustix::process::{Pid, Signal, kill_process};

use crate::common::Sandbox;
use crate::common::events::Event;

#[test]
fn a_job_has_no_terminal_and_a_group_of_its_own() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "job.sh",
        "(read x < /dev/tty) 2> /dev/null && echo tty = true || echo tty = false\necho leader = $(ps -o pgid= -p $$)\necho pid = $$\n",
    );
    sandbox.write("a.toml", "command = \"sh job.sh\"\n[grid]\nn = [1, 2]\n");
    // `script` gives the worker a terminal.
    let run = format!("{} run a.toml --out a.csv", env!("CARGO_BIN_EXE_sweep"));
    let mut command = std::process::Command::new("script");
    command.args(["-qec", &run, "/dev/null"]).current_dir(sandbox.path()).env_remove("SWEEP_STORE");
    let Ok(output) = command.stdin(std::process::Stdio::null()).output() else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    for row in sandbox.rows("a.csv") {
        assert_eq!((&*row["tty"], &row["leader"]), ("false", &row["pid"]));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_job_that_is_stopped_is_reported() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"sh -c 'kill -STOP $$; echo x = 1'\"\n[grid]\nn = [1]\n");
    sandbox.sweep(&["submit", "a.toml"]).code(0);
    let worker = sandbox.worker("w", &["--until-empty"]);
    let stopped = |event: &Event| *event == Event::JobStopped { job: "a-1/0".into(), attempt: 1 };
    worker.wait_for("a report of the stopped job", stopped);
    let is_job = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.contains(&format!(") T {} ", worker.pid()))
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let job = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()).find(is_job);
    let job = Pid::from_raw(job.expect("it is stopped")).unwrap();
    kill_process(job, Signal::CONT).expect("it is there");
    worker.wait_for("its outcome", |event| matches!(event, Event::Recorded { .. }));
    assert_eq!(sandbox.job("a-1/0")["state"], "succeeded");
}

#[test]
fn parameters_that_are_too_long_for_the_environment_come_in_a_file() {
    let sandbox = Sandbox::embedded();
    sandbox.write("values.txt", &format!("{}\nshort\n", "v".repeat(200_000)));
    sandbox.write(
        "job.sh",
        "in=$(wc -c)\necho stdin = $in\n\
         if [ -n \"$SWEEP_PARAMS_FILE\" ]; then echo params = $(wc -c < \"$SWEEP_PARAMS_FILE\"); echo \"file = $SWEEP_PARAMS_FILE\"\n\
         else echo params = ${#SWEEP_PARAMS}; echo file =; fi\n",
    );
    sandbox.write(
        "a.toml",
        "command = \"sh job.sh\"\n[grid]\nvalue = { lines = \"values.txt\" }\n[job]\nstdin = \"{{ value }}\"\n",
    );
    sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(0);
    let rows = sandbox.rows("a.csv");
    let frame = "{\"value\":\"\"}".len();
    assert_eq!((rows[0]["stdin"].as_str(), rows[0]["params"].as_str()), ("200000", &*(200_000 + frame).to_string()));
    assert!(!rows[0]["file"].is_empty() && !std::path::Path::new(&rows[0]["file"]).exists(), "it is removed");
    assert_eq!((rows[1]["params"].as_str(), rows[1]["file"].as_str()), (&*(5 + frame).to_string(), ""));
}
