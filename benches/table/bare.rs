//! Owns the bare loop, the reference for all ratios: threads that start a program and wait for it, and do nothing else.

use std::ffi::CString;
use std::process::ExitCode;
use std::sync::atomic::{AtomicI64, Ordering};

/// What the loop runs, how often, and on how many threads: `bare JOBS THREADS PROGRAM ARGUMENT…`.
pub struct Order {
    jobs: i64,
    threads: usize,
    words: Vec<CString>,
}

impl Order {
    pub fn of(arguments: &[String]) -> Option<Order> {
        let [word, jobs, threads, words @ ..] = arguments else { return None };
        let words = words.iter().map(|word| CString::new(word.as_str()).unwrap()).collect();
        (word == "bare").then(|| Order { jobs: jobs.parse().unwrap(), threads: threads.parse().unwrap(), words })
    }

    /// The command that runs such a loop, by this program itself.
    pub fn command(jobs: u64, threads: u32, words: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.arg("bare").args([jobs.to_string(), threads.to_string()]).args(words);
        command
    }

    pub fn run(&self) -> ExitCode {
        let left = AtomicI64::new(self.jobs);
        std::thread::scope(|threads| {
            for _ in 0..self.threads {
                threads.spawn(|| {
                    while left.fetch_sub(1, Ordering::Relaxed) > 0 {
                        start_and_wait(&self.words);
                    }
                });
            }
        });
        ExitCode::SUCCESS
    }
}

unsafe extern "C" {
    static environ: *const *mut libc::c_char;
}

fn start_and_wait(words: &[CString]) {
    let mut argv: Vec<*mut libc::c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    argv.push(std::ptr::null_mut());
    let (mut pid, mut status) = (0, 0);
    // SAFETY: `argv` is a null-terminated list of strings that outlive the call; no thread changes the environment; the
    // attributes may be null. The child is waited for once, here.
    unsafe {
        let program = words[0].as_ptr();
        let error = libc::posix_spawn(&mut pid, program, std::ptr::null(), std::ptr::null(), argv.as_ptr(), environ);
        assert_eq!(error, 0, "the program cannot be started");
        assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
    }
    assert_eq!(status, 0, "the program failed");
}
