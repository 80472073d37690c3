//! Owns a real `redis-server` for tests, with a free port, a temporary folder and chosen settings.

// A test that cannot continue panics with the reason. Each test that includes this file uses a part of it.
#![allow(clippy::indexing_slicing, clippy::expect_used, dead_code)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to reply.
const LIMIT: Duration = Duration::from_secs(30);

/// A server. It ends when this is dropped.
pub struct RedisServer {
    child: Option<Child>,
    port: u16,
    folder: TempDir,
    settings: Vec<(String, String)>,
}

impl RedisServer {
    /// Starts a server that keeps nothing on disk.
    pub fn start() -> RedisServer {
        RedisServer::start_with(&[])
    }

    /// Starts a server with these additional settings of `redis.conf`.
    ///
    /// # Panics
    /// If it does not answer in time, or there is no `redis-server`.
    pub fn start_with(settings: &[(&str, &str)]) -> RedisServer {
        RedisServer::start_in(tempfile::tempdir().expect("a temporary folder"), settings)
    }

    /// Starts a server with the data that another one saved in this file.
    ///
    /// # Panics
    /// As [`RedisServer::start_with`], or if the file cannot be copied.
    pub fn start_from(dump: &Path) -> RedisServer {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::copy(dump, folder.path().join("dump.rdb")).expect("a copy of the saved data");
        RedisServer::start_in(folder, &[])
    }

    fn start_in(folder: TempDir, settings: &[(&str, &str)]) -> RedisServer {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut server = RedisServer { child: None, port: 0, folder, settings };
        // Another process may take the port before the server starts.
        for _ in 0..10 {
            server.port = free_port();
            if server.launch(IS_READY) {
                return server;
            }
        }
        panic!("redis-server does not start: {}", server.log());
    }

    /// Its address on this machine.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    ///
    /// # Panics
    /// If it was stopped.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// Its unix socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    /// Kills it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the server is ours to end");
            child.wait().expect("it was started by us");
        }
    }

    /// Starts it again with the same port, folder and settings.
    ///
    /// # Panics
    /// If it does not answer in time.
    pub fn start_again(&mut self) {
        self.stop();
        assert!(self.launch(IS_READY), "redis-server does not start again: {}", self.log());
    }

    /// Saves a snapshot and starts again from it, so slowly that each key takes the time `each`. Returns while it loads.
    ///
    /// # Panics
    /// If it does not answer in time.
    pub fn start_again_slowly(&mut self, each: Duration) {
        assert!(self.say("SAVE").starts_with("+OK"), "it saves");
        self.stop();
        self.settings.retain(|(name, _)| name != "appendonly");
        self.settings.push(("key-load-delay".into(), each.as_micros().to_string()));
        self.settings.push(("loading-process-events-interval-bytes".into(), "1024".into()));
        assert!(self.launch(&["-LOADING"]), "redis-server does not start again: {}", self.log());
    }

    /// Sends its process a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let child = self.child.as_ref().expect("the server runs");
        rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).expect("the server is ours");
    }

    /// The current length of its append-only file in bytes.
    pub fn log_length(&self) -> u64 {
        self.append_only_file().map_or(0, |path| fs::metadata(path).map_or(0, |meta| meta.len()))
    }

    /// Ends it as a power cut would: what it appended to its log beyond `length` bytes is lost.
    pub fn cut_power(&mut self, length: u64) {
        self.stop();
        if let Some(path) = self.append_only_file() {
            let file = fs::OpenOptions::new().write(true).open(path).expect("its log is ours");
            let now = file.metadata().expect("an open file").len();
            file.set_len(length.min(now)).expect("its log can be cut");
        }
    }

    /// The newest part of its append-only log, the only one that is still written.
    fn append_only_file(&self) -> Option<PathBuf> {
        let parts = fs::read_dir(self.folder.path().join("appendonlydir")).ok()?;
        let parts = parts.filter_map(|part| part.ok().map(|part| part.path()));
        parts.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max()
    }

    /// Sends it an inline command (`SET name value`) and returns the first bytes of the reply.
    pub fn say(&self, line: &str) -> String {
        self.try_say(line).expect("the server answers")
    }

    fn try_say(&self, line: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(format!("{line}\r\n").as_bytes())?;
        let mut reply = vec![0; 64 * 1024];
        let length = stream.read(&mut reply)?;
        Ok(String::from_utf8_lossy(&reply[..length]).into_owned())
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Starts the process and waits for one of these replies. False if the process ended before that.
    fn launch(&mut self, answers: &[&str]) -> bool {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--port", &self.port.to_string()]);
        command.arg("--dir").arg(self.folder.path());
        command.arg("--logfile").arg(self.log_file());
        command.arg("--unixsocket").arg(self.socket());
        for (name, value) in &self.settings {
            command.arg(format!("--{name}")).args(value.split(' '));
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| {
            panic!("cannot start `redis-server`, which this test needs ({error}): apt-get install redis-server")
        });
        let child = self.child.insert(child);
        let begun = Instant::now();
        while child.try_wait().expect("it was started by us").is_none() {
            if ping(self.port).is_ok_and(|reply| answers.iter().any(|answer| reply.starts_with(answer.as_bytes()))) {
                return true;
            }
            assert!(begun.elapsed() < LIMIT, "redis-server does not answer");
            thread::sleep(Duration::from_millis(5));
        }
        self.child = None;
        false
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port of this machine that is free at the moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// The replies of a server that is ready. One that requires a password is ready; one that loads its data is not.
const IS_READY: &[&str] = &["+PONG", "-NOAUTH"];

/// The reply of a server that loads its data.
fn ping(port: u16) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"PING\r\n")?;
    let mut reply = vec![0; 64];
    let length = stream.read(&mut reply)?;
    reply.truncate(length);
    Ok(reply)
}
