//! Owns what people read about inputs that differ or were written: the reason of a pause, and what to do.

use super::guard::{Difference, DifferenceKind};
use crate::process::host_name;
use crate::runtime::SweepRuntime;

/// Why a sweep is paused of which an input changed while its jobs ran, and what to do.
pub fn changed(sweep: &SweepRuntime, difference: &Difference) -> String {
    let (id, host, path) = (&sweep.id, host_name(), &difference.path);
    // It became known while jobs ran here.
    if !difference.was_equal {
        let (why, remedy) = differs(sweep, difference);
        return format!("{why}; rows that {host} has computed before may rest on it (column host); {remedy}");
    }
    let what = match &difference.kind {
        DifferenceKind::Content => format!("{path} changed while {id} was running"),
        DifferenceKind::Missing => format!("{path} disappeared while {id} was running"),
        DifferenceKind::Appeared => format!("{path} appeared while {id} was running"),
        DifferenceKind::Unreadable(why) => format!("{path} could no longer be read while {id} was running ({why})"),
    };
    format!("{what} on {host}; {}; if the jobs write this file, list it in `[files] ignore`", undo_or_run(sweep))
}

/// Why a sweep is paused of which an input is written all the time, and what to do.
pub fn rewritten(sweep: &SweepRuntime, path: &str) -> String {
    let (id, host) = (&sweep.id, host_name());
    format!(
        "{path} was written on {host} each time while jobs of {id} ran, with the same content; if the jobs write this file, \
         list it in `[files] ignore` and run `sweep run {}`; otherwise stop what writes it and run `sweep resume {id}`",
        file_name(sweep)
    )
}

/// Why a worker takes no jobs of a sweep whose input differs here, and what to do if no worker can run it.
pub fn differs(sweep: &SweepRuntime, difference: &Difference) -> (String, String) {
    let (id, host, path, here) = (&sweep.id, host_name(), &difference.path, sweep.here.display());
    let folder = format!("folder {here}");
    match &difference.kind {
        DifferenceKind::Missing if !sweep.here_is_original => {
            let why = format!(
                "{path} is missing on {host} ({folder}), which does not have the folder of {id}'s sweep file; start the \
                 worker in a copy of that folder"
            );
            (why, format!("then run `sweep resume {id}`"))
        }
        DifferenceKind::Missing => (format!("{path} is missing on {host} ({folder})"), undo_or_run(sweep)),
        DifferenceKind::Content => {
            let why = format!("{path} on {host} ({folder}) is not that of {id}");
            (why, undo_or_run(sweep))
        }
        DifferenceKind::Appeared => {
            let why = format!("{path} is new on {host} ({folder}): {id} was submitted without it");
            (why, undo_or_run(sweep))
        }
        DifferenceKind::Unreadable(error) => {
            let why = format!("{path} cannot be read on {host} ({folder}): {error}");
            (why, format!("fix this, then run `sweep resume {id}`"))
        }
    }
}

fn undo_or_run(sweep: &SweepRuntime) -> String {
    let (id, file) = (&sweep.id, file_name(sweep));
    format!(
        "`sweep run {file}` starts a new sweep with the files as they are now; to continue {id}, undo the edit and run \
         `sweep resume {id}`"
    )
}

fn file_name(sweep: &SweepRuntime) -> String {
    sweep.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
