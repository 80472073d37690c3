//! Owns the tests that both ways of starting a process must pass.

use std::io::{ErrorKind, Read};
use std::sync::Mutex;

use rustix::process::{WaitOptions, waitpid};

use super::super::tests::sh;
use super::*;

const BOTH: [(&str, StartFn); 2] =
    [("vfork", |request| vfork::start(request, no_fallback)), ("posix_spawn", posix::start)];

fn no_fallback(_: &SpawnRequest<'_>) -> io::Result<SpawnedPid> {
    panic!("the fast way was not possible");
}

/// Runs a process to its end. Returns what it printed.
fn printed(start: StartFn, launch: &Launch) -> String {
    let Spawned { pid, pipes, .. } = spawn_by(start, launch).unwrap();
    let mut text = String::new();
    File::from(pipes.stdout).read_to_string(&mut text).unwrap();
    waitpid(Some(pid), WaitOptions::empty()).unwrap();
    text
}

/// A signal mask in a process's `status`, as a number.
fn mask(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    u64::from_str_radix(line.trim_start_matches(':').trim(), 16).unwrap()
}

#[test]
fn a_job_has_a_group_of_its_own_and_none_of_our_signals_and_descriptors() {
    let ours = std::fs::read_to_string("/proc/self/status").unwrap();
    let bit = |signal: i32| 1_u64 << (signal - 1);
    assert_ne!(mask(&ours, "SigIgn") & bit(libc::SIGPIPE), 0);
    // A descriptor that could be inherited by mistake.
    let _open = File::open("/etc/passwd").unwrap();
    let cat = |file: &str| Launch { program: "/bin/cat".into(), argv: vec!["cat".into(), file.into()], ..sh(":") };
    let list = Launch { program: "/bin/ls".into(), argv: vec!["ls".into(), "/proc/self/fd".into()], ..sh(":") };
    let plain = std::process::Command::new("/bin/ls").arg("/proc/self/fd").output().unwrap();
    let descriptors = String::from_utf8(plain.stdout).unwrap();
    for (name, start) in BOTH {
        let status = printed(start, &cat("/proc/self/status"));
        assert_eq!((mask(&status, "SigBlk"), mask(&status, "SigCgt")), (0, 0), "{name}");
        // Signals from 32 on are glibc's own, and its `posix_spawn` leaves some ignored.
        let ignored = mask(&status, "SigIgn") & (bit(32) - 1);
        assert_eq!(ignored, mask(&ours, "SigIgn") & (bit(32) - 1) & !bit(libc::SIGPIPE), "{name}");
        let stat = printed(start, &cat("/proc/self/stat"));
        let fields: Vec<&str> = stat.split(' ').collect();
        assert_eq!(fields[0], fields[4], "{name}: the group is called like its leader");
        assert_eq!(printed(start, &list), descriptors, "{name}");
    }
}

#[test]
fn our_own_signal_mask_is_unchanged_afterwards() {
    for (name, start) in BOTH {
        let before = mask(&std::fs::read_to_string("/proc/thread-self/status").unwrap(), "SigBlk");
        printed(start, &sh(":"));
        let after = mask(&std::fs::read_to_string("/proc/thread-self/status").unwrap(), "SigBlk");
        assert_eq!(before, after, "{name}");
    }
}

#[test]
fn a_failed_start_has_the_systems_error() {
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

/// A sandbox (a container's seccomp profile) that refuses the fast way: the process is started in the other way.
#[test]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn where_the_fast_way_is_refused_posix_spawn_is_used() {
    // The filter holds for this thread and its children only.
    let refused = std::thread::spawn(|| {
        refuse_clone_with_pidfd();
        let fast = |request: &SpawnRequest<'_>| {
            vfork::start(request, |_| Err(io::Error::new(ErrorKind::Unsupported, "the other way is asked for")))
        };
        let error = spawn_by(fast, &sh("echo hello")).err().unwrap();
        (error.kind(), printed(start, &sh("echo hello")))
    });
    assert_eq!(refused.join().unwrap(), (ErrorKind::Unsupported, "hello\n".to_owned()));
}

/// Makes `clone` with CLONE_PIDFD fail with EPERM for this thread.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn refuse_clone_with_pidfd() {
    use libc::{BPF_ABS, BPF_ALU, BPF_AND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};
    let op = |code: u32, jf: u8, k: u32| sock_filter { code: code as u16, jt: 0, jf, k };
    // The number of the call stands at byte 0 of the data, the low half of its first argument, the flags, at byte 16.
    let mut filter = [
        op(BPF_LD | BPF_W | BPF_ABS, 0, 0),
        op(BPF_JMP | BPF_JEQ | BPF_K, 4, libc::SYS_clone as u32),
        op(BPF_LD | BPF_W | BPF_ABS, 0, 16),
        op(BPF_ALU | BPF_AND | BPF_K, 0, libc::CLONE_PIDFD as u32),
        op(BPF_JMP | BPF_JEQ | BPF_K, 1, libc::CLONE_PIDFD as u32),
        op(BPF_RET | BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        op(BPF_RET | BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the program points to a live filter of that length, which the kernel copies.
    let set = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    assert!(set, "{}", io::Error::last_os_error());
}
