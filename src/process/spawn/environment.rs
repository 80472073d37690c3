//! Owns the environment of a job: the inherited one, laid out once, with the job's own variables in place of others.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::OnceLock;

use super::strings::CStringList;
use crate::process::{Launch, PARAMS_FILE_VARIABLE, PARAMS_VARIABLE, RUN_VARIABLE};

/// A variable of our own environment.
pub(super) struct Variable {
    name: Vec<u8>,
    /// `NAME=VALUE`.
    pub(super) entry: CString,
}

/// Our own environment as it was when the first job was started, sorted by name. Without the parameters of a job in which
/// this process itself runs: a job has one of these two variables, and must not see the other one of an outer job.
pub(super) fn inherited() -> &'static [Variable] {
    static INHERITED: OnceLock<Vec<Variable>> = OnceLock::new();
    INHERITED.get_or_init(|| {
        let variable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let name = name.into_vec();
            let entry = [&name, &b"="[..], value.as_bytes()].concat();
            Some(Variable { name, entry: CString::new(entry).ok()? })
        };
        let mut all: Vec<Variable> = std::env::vars_os().filter_map(variable).collect();
        all.retain(|variable| ![PARAMS_VARIABLE, PARAMS_FILE_VARIABLE].map(str::as_bytes).contains(&&*variable.name));
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.dedup_by(|a, b| a.name == b.name);
        all
    })
}

/// Adds the job's own variables to `own`; of several with the same name the last one. Returns for each inherited variable
/// whether it is kept.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a NUL byte.
pub(super) fn add_own(launch: &Launch, inherited: &[Variable], own: &mut CStringList) -> io::Result<Vec<bool>> {
    let mut kept = vec![true; inherited.len()];
    let mark = (RUN_VARIABLE, &*launch.mark);
    let given = launch.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([mark]);
    let mut names: Vec<&str> = Vec::with_capacity(launch.env.len() + 1);
    for (name, value) in given.rev() {
        if names.contains(&name) {
            continue;
        }
        names.push(name);
        own.add(&[name.as_bytes(), b"=", value.as_bytes()])?;
        let place = inherited.binary_search_by(|variable| variable.name.as_slice().cmp(name.as_bytes()));
        if let Some(kept) = place.ok().and_then(|place| kept.get_mut(place)) {
            *kept = false;
        }
    }
    Ok(kept)
}
