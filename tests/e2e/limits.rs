//! Owns the tests of workers under low limits: of open files, of processes and threads, of address space.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use crate::common::{LIMIT, Ran, Sandbox};

/// A user that nothing else on the machine runs as, so that its processes are those of the test.
const USER: u32 = 54_321;

/// A sweep of some short jobs that is run with `-j 40` by a shell under limits.
fn run_under(sandbox: &Sandbox, limits: &str) -> Ran {
    sandbox.write("a.toml", "command = \"sleep 0.01\"\nrepeats = 100\n[results]\nformat = \"none\"\n");
    let script = format!("{limits}; exec {} run a.toml -j 40 --out t.csv", env!("CARGO_BIN_EXE_sweep"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(sandbox.path()).env_remove("SWEEP_STORE");
    in_time(&mut shell)
}

/// Runs a command, which must end within the limit of all tests.
fn in_time(command: &mut Command) -> Ran {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let begun = Instant::now();
    let output: Output = child.wait_with_output().expect("it is ours");
    assert!(begun.elapsed() < LIMIT, "it took {:?}", begun.elapsed());
    output.into()
}

#[test]
fn few_open_files_mean_fewer_slots_and_no_failed_job() {
    let sandbox = Sandbox::embedded();
    let ran = run_under(&sandbox, "ulimit -n 150").code(0);
    assert!(ran.stderr.contains("ulimit -Hn"), "{}", ran.stderr);
    assert_eq!(sandbox.rows("t.csv").len(), 100);
}

#[test]
fn a_low_soft_limit_of_open_files_is_raised_and_jobs_do_not_inherit_the_raised_one() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"sh -c 'echo limit=$(ulimit -n)'\"\nrepeats = 50\n");
    let script = format!("ulimit -S -n 120; exec {} run a.toml -j 40 --out t.csv", env!("CARGO_BIN_EXE_sweep"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(sandbox.path()).env_remove("SWEEP_STORE");
    let ran = in_time(&mut shell).code(0);
    assert!(!ran.stderr.contains("ulimit"), "{}", ran.stderr);
    if cfg!(target_os = "linux") {
        assert!(sandbox.rows("t.csv").iter().all(|row| row["limit"] == "120"));
    }
}

#[test]
fn too_few_open_files_for_one_slot_are_an_error_before_anything_runs() {
    let sandbox = Sandbox::embedded();
    let ran = run_under(&sandbox, "ulimit -n 30").code(2);
    assert!(ran.stderr.contains("ulimit -Hn") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(!sandbox.path().join("t.csv").exists());
}

#[test]
#[cfg(target_os = "linux")]
fn little_address_space_means_fewer_slots_and_no_failed_job() {
    let sandbox = Sandbox::embedded();
    let ran = run_under(&sandbox, "ulimit -v 420000").code(0);
    assert!(ran.stderr.contains("ulimit -v"), "{}", ran.stderr);
    assert_eq!(sandbox.rows("t.csv").len(), 100);
}

/// Limits of processes do not hold for root, and another user's processes would count: root runs this as a user that has
/// none, others pass it over.
#[test]
#[cfg(target_os = "linux")]
fn few_processes_and_threads_mean_fewer_slots_and_no_failed_job() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let sandbox = Sandbox::embedded();
    std::fs::copy(env!("CARGO_BIN_EXE_sweep"), sandbox.path().join("sweep")).expect("a copy that the user may read");
    std::fs::set_permissions(sandbox.path(), std::fs::Permissions::from_mode(0o777)).expect("it is ours");
    sandbox.write("a.toml", "command = \"sleep 0.01\"\nrepeats = 100\n[results]\nformat = \"none\"\n");
    let mut command = Command::new("prlimit");
    let user = [format!("--reuid={USER}"), format!("--regid={USER}"), "--clear-groups".into()];
    command
        .args(["--nproc=40:40", "setpriv"])
        .args(&user)
        .args(["./sweep", "run", "a.toml", "-j", "40", "--out", "t.csv"]);
    command.current_dir(sandbox.path()).env_remove("SWEEP_STORE").env("HOME", sandbox.path());
    let ran = in_time(&mut command).code(0);
    assert!(ran.stderr.contains("ulimit -u") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert_eq!(sandbox.rows("t.csv").len(), 100);
}

/// Libraries that trace programs replace `execve`. In the child of a fast start their code would run on a small stack and
/// in the worker's memory, so it is not called.
#[test]
#[cfg(target_os = "linux")]
fn a_preloaded_library_that_replaces_execve_is_not_called_in_the_workers_memory() {
    let sandbox = Sandbox::embedded();
    let source = sandbox.write(
        "hook.c",
        "#include <unistd.h>\nint execve(const char *p, char *const a[], char *const e[]) { _exit(99); }\n",
    );
    let library = sandbox.path().join("hook.so");
    let cc = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(cc.expect("a C compiler, which SQLite needs, too").success());
    sandbox.write("a.toml", "command = \"/bin/true\"\nrepeats = 20\n[results]\nformat = \"none\"\n");
    let mut command = sandbox.command(&["run", "a.toml", "--out", "t.csv"]);
    let ran = in_time(command.env("LD_PRELOAD", &library)).code(0);
    assert_eq!(sandbox.rows("t.csv").len(), 20, "{}", ran.stderr);
}
