//! Owns the look for strays: processes of jobs whose worker is gone. A worker adopts whatever its jobs leave behind, so
//! that each process with a mark descends from one as long as it lives.

use std::ffi::OsString;
use std::path::PathBuf;

use super::snapshot::{Process, Snapshot};

/// A process that a job left running, and that no worker looks after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The process.
    pub pid: i32,
    /// Its mark, `WORKER.RUN`.
    pub mark: String,
    /// The beginning of its command line.
    pub command: String,
}

/// This user's strays on this machine; none: the system does not tell of processes.
pub fn strays() -> Option<Vec<Stray>> {
    let snapshot = Snapshot::take()?;
    let sweep = program_name(std::env::current_exe().ok()?);
    let marked = snapshot.all().iter().filter(|process| !process.is_dead);
    let marked = marked.filter_map(|process| Some((process, process.mark()?)));
    let strays = marked.filter(|(process, _)| !is_looked_after(&snapshot, process, sweep.as_ref()));
    Some(strays.map(|(process, mark)| Stray { pid: process.pid, mark, command: command(process.pid) }).collect())
}

/// Whether the process, or one that it descends from, is sweep.
fn is_looked_after(snapshot: &Snapshot, process: &Process, sweep: Option<&OsString>) -> bool {
    let mut next = Some(process);
    // A process that was given a dead one's id since might close a circle.
    for _ in 0..1000 {
        let Some(process) = next else { return false };
        let program = std::fs::read_link(format!("/proc/{}/exe", process.pid)).ok().and_then(program_name);
        if program.is_some() && program.as_ref() == sweep {
            return true;
        }
        next = snapshot.all().iter().find(|other| other.pid == process.parent);
    }
    false
}

/// A program's name, also of one that was replaced while it ran.
fn program_name(path: PathBuf) -> Option<OsString> {
    let name = path.file_name()?;
    Some(name.to_str().and_then(|name| name.strip_suffix(" (deleted)")).map_or_else(|| name.to_owned(), OsString::from))
}

fn command(pid: i32) -> String {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).trim_end_matches('\0').replace('\0', " ").chars().take(60).collect()
}
