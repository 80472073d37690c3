//! Owns the search for leftovers: processes of jobs whose worker is gone. A worker adopts whatever its jobs leave behind,
//! so that every process with a mark descends from a worker as long as that lives.

use std::ffi::OsString;
use std::path::PathBuf;

use super::process_table::{ProcessInfo, ProcessTable};

/// Characters of a command line that are shown.
const SHOWN: usize = 60;

/// Ancestors that are looked at; a process that got the id of a dead one could close a circle.
const MOST_ANCESTORS: usize = 1000;

/// A process that a job left running and that no worker looks after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftoverProcess {
    /// Its process id.
    pub pid: i32,
    /// Its mark, `WORKER.RUN`.
    pub mark: String,
    /// The beginning of its command line.
    pub command: String,
}

/// This user's leftovers on this machine. None: the system does not tell of processes. O(processes of the machine).
pub fn leftover_processes() -> Option<Vec<LeftoverProcess>> {
    let table = ProcessTable::now()?;
    let sweep = program_name(std::env::current_exe().ok()?);
    let marked = table.all().iter().filter(|process| !process.is_dead);
    let marked = marked.filter_map(|process| Some((process, process.mark()?)));
    let leftovers = marked.filter(|(process, _)| !is_looked_after(&table, process, sweep.as_ref()));
    let shown =
        leftovers.map(|(process, mark)| LeftoverProcess { pid: process.pid, mark, command: command(process.pid) });
    Some(shown.collect())
}

/// Whether the process, or one of its ancestors, is sweep.
fn is_looked_after(table: &ProcessTable, process: &ProcessInfo, sweep: Option<&OsString>) -> bool {
    let ancestors = std::iter::successors(Some(process), |process| table.get(process.parent));
    ancestors.take(MOST_ANCESTORS).any(|process| {
        let program = std::fs::read_link(format!("/proc/{}/exe", process.pid)).ok().and_then(program_name);
        program.is_some() && program.as_ref() == sweep
    })
}

/// A program's name, also where its file was replaced while it ran.
fn program_name(path: PathBuf) -> Option<OsString> {
    let name = path.file_name()?;
    Some(name.to_str().and_then(|name| name.strip_suffix(" (deleted)")).map_or_else(|| name.to_owned(), OsString::from))
}

fn command(pid: i32) -> String {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).trim_end_matches('\0').replace('\0', " ").chars().take(SHOWN).collect()
}
