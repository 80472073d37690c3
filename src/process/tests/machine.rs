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
