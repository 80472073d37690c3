//! Owns the tests of failures that lie with the machine, with real processes.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_job_whose_shell_finds_no_program_failed_for_the_machine() {
    for (script, fault) in [
        ("no-such-program-of-anybody", Some(MachineFault::Program)),
        ("exec /etc/passwd", Some(MachineFault::Program)),
        ("echo 'cp: write error: No space left on device' >&2; exit 1", Some(MachineFault::DiskFull)),
        ("echo wrong input >&2; exit 1", None),
        ("kill -KILL $$", None),
        ("exit 0", None),
    ] {
        assert_eq!(run_it(&sh(script)).machine_fault(), fault, "{script}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_recognized_in_what_programs_print() {
    // `/dev/full` refuses every byte as a full disk does.
    let ended = run_it(&sh("exec 3> /dev/full; LC_ALL=C; export LC_ALL; cat /etc/passwd >&3"));
    assert_eq!(ended.machine_fault(), Some(MachineFault::DiskFull), "{ended:?}");
}

#[test]
fn a_script_without_its_interpreter_and_a_missing_folder_are_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let stopper = Stopper::new().unwrap();
    let fault = |launch: &Launch| {
        // While another test's child exists before its exec, that has our new file open to write: then again.
        let mut errors = std::iter::repeat_with(|| run(launch, &stopper, &mut |_| {}).unwrap_err());
        errors.find(|error| !error.is_transient()).unwrap().machine_fault()
    };
    assert_eq!(fault(&Launch { program: script, ..sh("") }), Some(MachineFault::Interpreter));
    assert_eq!(fault(&Launch { program: folder.path().join("none"), ..sh("") }), Some(MachineFault::Program));
    assert_eq!(fault(&Launch { dir: folder.path().join("none"), ..sh("") }), Some(MachineFault::Directory));
    let mut too_long = sh("");
    too_long.argv.push("x".repeat(5_000_000));
    assert_eq!(fault(&too_long), None);
}

/// What [`a_kill_for_lack_of_memory_is_recognized`] starts.
#[test]
#[ignore = "needs a control group with little memory; another test starts it there"]
fn jobs_in_a_small_control_group() {
    let fill = "awk 'BEGIN { s = \"x\"; while (length(s) < 200000000) s = s s; print length(s) }'";
    for script in [format!("exec {fill}"), format!("{fill}; exit $?")] {
        let ended = run_it(&sh(&script));
        assert_eq!(ended.machine_fault(), Some(MachineFault::OomKill), "{ended:?}");
        // A kill later on is no longer of the machine: the count has not grown since that job started.
        assert_eq!(run_it(&sh("kill -KILL $$")).machine_fault(), None);
    }
}

/// Only root may make a control group; as another user, or in a container without control groups, this test does nothing.
#[test]
#[cfg(target_os = "linux")]
fn a_kill_for_lack_of_memory_is_recognized() {
    let name = format!("sweep-test-{}", std::process::id());
    let places = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
    for (mount, limit) in places {
        let group = Path::new(mount).join(&name);
        if !rustix::process::geteuid().is_root() || std::fs::create_dir(&group).is_err() {
            continue;
        }
        let is_limited = group.join(limit).exists() && std::fs::write(group.join(limit), "60000000").is_ok();
        let output = is_limited.then(|| {
            // With swap space nothing would be killed; version 1 seldom accounts for it.
            let _ = std::fs::write(group.join("memory.swap.max"), "0");
            let enter = "echo $$ > \"$0/cgroup.procs\" && exec \"$1\" --exact --ignored --nocapture \"$2\"";
            let test = "process::tests::machine::jobs_in_a_small_control_group";
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", enter]).arg(&group).arg(std::env::current_exe().unwrap()).arg(test).output().unwrap()
        });
        eventually("the control group is empty", || std::fs::remove_dir(&group).is_ok());
        let Some(output) = output else { continue };
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(printed.contains("1 passed"), "{printed}{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
}
