//! Owns the measured program: its command lines, in a separate folder, on either store.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::redis_server::RedisServer;

/// A folder with a sweep file and a store.
pub struct Bench {
    folder: tempfile::TempDir,
    redis: Option<RedisServer>,
}

impl Bench {
    /// With the embedded store.
    pub fn embedded() -> Bench {
        Bench { folder: tempfile::tempdir().unwrap(), redis: None }
    }

    /// With its own Redis server, which keeps nothing on disk.
    pub fn redis() -> Bench {
        Bench { folder: tempfile::tempdir().unwrap(), redis: Some(RedisServer::start()) }
    }

    /// The folder with its files.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its Redis server, if it has one.
    pub fn server(&self) -> Option<&RedisServer> {
        self.redis.as_ref()
    }

    /// Writes a sweep file.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes a sweep that runs a command without results this number of times.
    pub fn repeats(&self, name: &str, jobs: u64, command: &str) -> PathBuf {
        let text = format!("command = \"{command}\"\nrepeats = {jobs}\n[results]\nformat = \"none\"\n");
        self.file(&format!("{name}.toml"), &text)
    }

    /// The store, as a value of `SWEEP_STORE`.
    pub fn store(&self) -> String {
        self.redis.as_ref().map_or_else(|| self.path().join("store").display().to_string(), RedisServer::url)
    }

    /// `sweep WORDS…`.
    pub fn sweep(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sweep"));
        command.args(words).current_dir(self.path()).env("SWEEP_STORE", self.store()).env("NO_COLOR", "1");
        command
    }
}

/// The version that it prints.
pub fn version() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sweep")).arg("--version").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
