//! Owns what the tests of the binary share: a temporary folder, the real `sweep`, a real Redis, waiting with a limit.

#![allow(dead_code)] // each test binary uses a part of it
#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::unwrap_used)] // a test that cannot go on fails

use std::ffi::OsStr;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

pub mod events;
pub mod proxy;
pub mod redis_server;
pub mod strays;

use events::{Event, Stop};
use redis_server::RedisServer;

/// How long a test waits for a condition.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The time between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(20);

/// A temporary folder with a store, in which the binary runs.
pub struct Sandbox {
    folder: tempfile::TempDir,
    redis: Option<RedisServer>,
}

/// The exit code and the output of a run of the binary.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Asserts the exit code. If it differs, the panic shows all output.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Parses standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in: {}", self.stdout))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Sandbox {
    /// With the embedded store.
    pub fn embedded() -> Self {
        Sandbox { folder: tempfile::tempdir().expect("a temporary folder"), redis: None }
    }

    /// With its own Redis server.
    pub fn redis() -> Self {
        Sandbox::redis_with(&[("appendonly", "yes")])
    }

    /// With its own Redis server with these settings.
    pub fn redis_with(settings: &[(&str, &str)]) -> Self {
        Sandbox { redis: Some(RedisServer::start_with(settings)), ..Sandbox::embedded() }
    }

    /// With its own Redis server, which loads the data that another one saved.
    pub fn redis_from(dump: &Path) -> Self {
        Sandbox { redis: Some(RedisServer::start_from(dump)), ..Sandbox::embedded() }
    }

    /// One sandbox for each kind of store.
    pub fn both() -> [Self; 2] {
        [Sandbox::embedded(), Sandbox::redis()]
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file and creates its parent folders.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("its folder is made");
        std::fs::write(&path, text).expect("the file is written");
        path
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A command that runs the binary in the sandbox with its store.
    pub fn command(&self, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sweep"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).env_remove("SWEEP_STORE").env("NO_COLOR", "1");
        if let Some(redis) = &self.redis {
            command.env("SWEEP_STORE", redis.url());
        }
        command
    }

    /// Runs the binary and waits for its end.
    pub fn sweep(&self, args: &[impl AsRef<OsStr>]) -> Ran {
        self.command(args).output().expect("the binary runs").into()
    }

    /// Starts the binary; its output goes to `NAME.log` in the sandbox.
    pub fn start(&self, name: &str, args: &[&str]) -> Background {
        self.start_with(name, args, &[])
    }

    /// The same, with another store than that of the sandbox, such as a proxy.
    pub fn start_at(&self, store: &str, name: &str, args: &[&str]) -> Background {
        self.start_with(name, args, &[("SWEEP_STORE", store.to_owned())])
    }

    /// The same, with environment variables.
    pub fn start_with(&self, name: &str, args: &[&str], env: &[(&str, String)]) -> Background {
        let mut command = self.command(args);
        command.envs(env.iter().map(|(name, value)| (name, value)));
        self.start_command(name, &mut command)
    }

    /// Starts a command; its output goes to `NAME.log` in the sandbox.
    pub fn start_command(&self, name: &str, command: &mut Command) -> Background {
        let log = self.path().join(format!("{name}.log"));
        let file = std::fs::File::create(&log).expect("a log file");
        let clone = file.try_clone().expect("a second handle");
        let child = command.stdout(file).stderr(clone).spawn().expect("the command starts");
        Background { child, log }
    }

    /// Starts a worker that writes events, see [`Background::wait_for`].
    pub fn worker(&self, name: &str, args: &[&str]) -> Background {
        self.start(name, &worker_args(args))
    }

    /// The same, with another store than that of the sandbox.
    pub fn worker_at(&self, store: &str, name: &str, args: &[&str]) -> Background {
        self.start_at(store, name, &worker_args(args))
    }

    /// `status --json` of a sweep.
    pub fn status(&self, id: &str) -> serde_json::Value {
        let ran = self.sweep(&["status", id, "--json"]).code(0);
        ran.json()["sweeps"][0].clone()
    }

    /// `show --json` of a job.
    pub fn job(&self, address: &str) -> serde_json::Value {
        self.sweep(&["show", address, "--json"]).code(0).json()
    }

    /// Waits until a heartbeat has told the store that the process of a job runs: from then on the loss of its worker is
    /// charged.
    #[track_caller]
    pub fn until_known_to_run(&self, address: &str) {
        until("the store to know that the job runs", || match self.job(address)["claim"].take() {
            claim if claim["started_ms"].is_u64() => Ok(()),
            claim => Err(claim),
        });
    }

    /// The rows of a CSV file, each a map from column to cell.
    pub fn rows(&self, name: &str) -> Vec<std::collections::BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.path().join(name)).expect("the table is there");
        reader.deserialize().map(|row| row.expect("a row of text")).collect()
    }

    /// The port of its Redis server, if it has one.
    pub fn port(&self) -> Option<u16> {
        self.redis.as_ref().map(RedisServer::port)
    }

    pub fn server(&mut self) -> &mut RedisServer {
        self.redis.as_mut().expect("a sandbox with Redis")
    }
}

/// A process in the background; killed when this is dropped.
pub struct Background {
    pub child: Child,
    log: PathBuf,
}

impl Background {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a signal by number.
    pub fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid() as i32).expect("a process id");
        rustix::process::kill_process(pid, signal).expect("the signal is sent");
    }

    /// Ctrl-C twice; the second one when the worker has handled the first.
    #[track_caller]
    pub fn interrupt_twice(&self) {
        self.signal(Signal::INT);
        self.wait_for("the worker to drain", |event| *event == Event::Stopping { how: Stop::Drain });
        self.signal(Signal::INT);
    }

    /// Stops it (SIGSTOP) while it does not write to an embedded store: stopped during a write, it would block all others
    /// until it continues.
    #[track_caller]
    pub fn freeze(&self) {
        let mine = format!(" WRITE {} ", self.pid());
        until("the process to be stopped outside of a write", || {
            self.signal(Signal::STOP);
            until("the process to stop", || if self.is_stopped() { Ok(()) } else { Err("it runs") });
            let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
            if !locks.contains(&mine) {
                return Ok(());
            }
            self.signal(Signal::CONT);
            Err(locks)
        });
    }

    /// Whether it is stopped or has ended. True where this is unknown.
    fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        // The state follows the name in parentheses.
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['T', 'Z']))
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(&mut self) -> i32 {
        let status = until("the process to end", || match self.child.try_wait().expect("it can be waited for") {
            Some(status) => Ok(status),
            None => Err(std::fs::read_to_string(&self.log).unwrap_or_default()),
        });
        status.code().unwrap_or(-1)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The arguments of a worker that writes events.
fn worker_args<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["worker", "--log-format", "json"], args].concat()
}

/// Waits until a condition holds, or panics with the last state.
#[track_caller]
pub fn until<T, S: Debug>(what: &str, look: impl FnMut() -> Result<T, S>) -> T {
    until_within(LIMIT, what, look)
}

/// [`until`] with another limit.
#[track_caller]
pub fn until_within<T, S: Debug>(limit: Duration, what: &str, mut look: impl FnMut() -> Result<T, S>) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(state) if start.elapsed() > limit => panic!("waited {limit:?} for {what}; last seen: {state:?}"),
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Asserts again and again that something holds, for the time that a fault lasts.
#[track_caller]
pub fn holds_for(time: Duration, mut check: impl FnMut()) {
    let start = Instant::now();
    while start.elapsed() < time {
        check();
        std::thread::sleep(PAUSE);
    }
    check();
}
