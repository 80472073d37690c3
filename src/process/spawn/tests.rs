//! Owns the tests that hold both ways of starting a process to the same.

use std::io::{ErrorKind, Read};
use std::sync::Mutex;

use rustix::process::{WaitOptions, waitpid};

use super::super::tests::sh;
use super::*;

type Starter = fn(&Image<'_>) -> io::Result<Started>;

const BOTH: [(&str, Starter); 2] = [("vfork", vfork::start), ("posix_spawn", posix::start)];

/// Runs it to its end, and gives what it printed.
fn printed(start: Starter, launch: &Launch) -> String {
    let Spawned { pid, pipes, .. } = spawn_by(start, launch).unwrap();
    let mut text = String::new();
    File::from(pipes.stdout).read_to_string(&mut text).unwrap();
    waitpid(Some(pid), WaitOptions::empty()).unwrap();
    text
}

/// The masks of a process's `status`, as numbers.
fn mask(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    u64::from_str_radix(line.trim_start_matches(':').trim(), 16).unwrap()
}

#[test]
fn a_job_has_a_group_of_its_own_and_none_of_our_signals_and_descriptors() {
    let ours = std::fs::read_to_string("/proc/self/status").unwrap();
    let bit = |signal: i32| 1_u64 << (signal - 1);
    assert_ne!(mask(&ours, "SigIgn") & bit(libc::SIGPIPE), 0);
    // One to leave behind, if it can.
    let _open = File::open("/etc/passwd").unwrap();
    let cat = |file: &str| Launch { program: "/bin/cat".into(), argv: vec!["cat".into(), file.into()], ..sh(":") };
    let list = Launch { program: "/bin/ls".into(), argv: vec!["ls".into(), "/proc/self/fd".into()], ..sh(":") };
    let plain = std::process::Command::new("/bin/ls").arg("/proc/self/fd").output().unwrap();
    let descriptors = String::from_utf8(plain.stdout).unwrap();
    for (name, start) in BOTH {
        let status = printed(start, &cat("/proc/self/status"));
        assert_eq!((mask(&status, "SigBlk"), mask(&status, "SigCgt")), (0, 0), "{name}");
        // Those from 32 on are glibc's own, and its `posix_spawn` leaves some ignored.
        let ignored = mask(&status, "SigIgn") & (bit(32) - 1);
        assert_eq!(ignored, mask(&ours, "SigIgn") & (bit(32) - 1) & !bit(libc::SIGPIPE), "{name}");
        let stat = printed(start, &cat("/proc/self/stat"));
        let fields: Vec<&str> = stat.split(' ').collect();
        assert_eq!(fields[0], fields[4], "{name}: the group is called like its leader");
        assert_eq!(printed(start, &list), descriptors, "{name}");
    }
}

#[test]
fn our_own_signals_are_as_they_were() {
    for (name, start) in BOTH {
        let before = mask(&std::fs::read_to_string("/proc/thread-self/status").unwrap(), "SigBlk");
        printed(start, &sh(":"));
        let after = mask(&std::fs::read_to_string("/proc/thread-self/status").unwrap(), "SigBlk");
        assert_eq!(before, after, "{name}");
    }
}

#[test]
fn what_cannot_be_started_says_why() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text"), "no program").unwrap();
    let text = folder.path().join("text");
    let launches = [
        (ErrorKind::NotFound, Launch { program: "/nowhere/program".into(), ..sh(":") }),
        (ErrorKind::PermissionDenied, Launch { program: text.clone(), ..sh(":") }),
        (ErrorKind::NotFound, Launch { dir: folder.path().join("gone"), ..sh(":") }),
        (ErrorKind::NotADirectory, Launch { dir: text, ..sh(":") }),
    ];
    for (name, start) in BOTH {
        for (expected, launch) in &launches {
            let error = spawn_by(start, launch).err().unwrap();
            assert_eq!(error.kind(), *expected, "{name}: {error}");
        }
    }
}

#[test]
fn many_threads_start_processes_at_once() {
    for (name, start) in BOTH {
        let wrong = Mutex::new(Vec::new());
        std::thread::scope(|threads| {
            for thread in 0..8 {
                let wrong = &wrong;
                threads.spawn(move || {
                    for round in 0..25 {
                        let mut launch = sh("printf '%s %s' \"$1\" \"$A\"");
                        let word = format!("{thread}.{round}");
                        launch.argv.extend(["sh".into(), word.clone()]);
                        launch.env.push(("A".into(), word.clone()));
                        let text = printed(start, &launch);
                        if text != format!("{word} {word}") {
                            wrong.lock().unwrap().push(text);
                        }
                    }
                });
            }
        });
        assert_eq!(wrong.into_inner().unwrap(), Vec::<String>::new(), "{name}");
    }
}
