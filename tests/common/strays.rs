//! Owns the search for processes that the jobs of a test left running, by a token that they carry.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A token that the processes of one test carry in their environment or arguments. When it is dropped, processes that
/// still carry it are killed.
pub struct Token(String);

impl Token {
    /// Makes a new token.
    pub fn new() -> Token {
        Token(format!("token-{:016x}", getrandom::u64().expect("randomness")))
    }

    /// The text that the processes must carry.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The living processes that carry it, except this one: process id and command line. Empty without `/proc`.
    pub fn carriers(&self) -> Vec<(i32, String)> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        ids.filter(|id| *id != std::process::id().cast_signed()).filter_map(|id| self.carried_by(id)).collect()
    }

    /// A zombie has neither environment nor arguments, so it does not count.
    fn carried_by(&self, id: i32) -> Option<(i32, String)> {
        let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        let carries = |bytes: &[u8]| bytes.windows(self.0.len()).any(|window| window == self.0.as_bytes());
        let shown = String::from_utf8_lossy(&words).replace('\0', " ");
        (carries(&words) || carries(&environment)).then_some((id, shown))
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        for (id, _) in self.carriers() {
            if let Some(pid) = Pid::from_raw(id) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}
