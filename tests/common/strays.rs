//! Owns the look for processes that a test's jobs left behind, by a token of the test that they carry.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A token that the processes of one test carry in their environment or their words; whoever still does when this is
/// dropped is killed.
pub struct Token(String);

impl Token {
    /// A new one.
    pub fn new() -> Token {
        Token(format!("token-{:016x}", getrandom::u64().expect("randomness")))
    }

    /// As it is to be carried.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The living processes that carry it, this one excepted: process id and command line. Empty where there is no
    /// `/proc`.
    pub fn carriers(&self) -> Vec<(i32, String)> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        ids.filter(|id| *id != std::process::id().cast_signed()).filter_map(|id| self.carried_by(id)).collect()
    }

    /// A process that has ended and waits to be reaped has neither environment nor words, so it is none.
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
