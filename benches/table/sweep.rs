//! Owns the program that is measured: its command lines, in a folder of its own, on either store.

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

    /// With a Redis of its own that keeps nothing on disk.
    pub fn redis() -> Bench {
        Bench { folder: tempfile::tempdir().unwrap(), redis: Some(RedisServer::start()) }
    }

    /// Where its files are.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its server, if it has one.
    pub fn server(&self) -> Option<&RedisServer> {
        self.redis.as_ref()
    }

    /// Writes a sweep file.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A sweep of so many runs of a command without results.
    pub fn repeats(&self, name: &str, jobs: u64, command: &str) -> PathBuf {
        let text = format!("command = \"{command}\"\nrepeats = {jobs}\n[results]\nformat = \"none\"\n");
        self.file(&format!("{name}.toml"), &text)
    }

    /// Its store, as `SWEEP_STORE` names it.
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

/// What it says of itself.
pub fn version() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sweep")).arg("--version").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
