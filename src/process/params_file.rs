//! Owns passing a job's parameters in a file, where they are too long for its environment.
//!
//! Linux takes 128 KiB for one variable, and for all words and variables together a quarter of the limit of the stack.
//! Where the system refuses, `SWEEP_PARAMS` is left out, and `SWEEP_PARAMS_FILE` names a file that has its value.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::Launch;

/// The variable that has the parameters of a job, as JSON.
pub const PARAMS_VARIABLE: &str = "SWEEP_PARAMS";
/// The variable that names the file that has them, where they are too long for a variable.
pub const PARAMS_FILE_VARIABLE: &str = "SWEEP_PARAMS_FILE";

/// A file with the parameters of a job, removed when this is dropped.
#[derive(Debug)]
pub(super) struct ParamsFile {
    path: PathBuf,
}

impl ParamsFile {
    /// Whether an error of a start says that words and variables are too long.
    pub(super) fn may_help(error: &io::Error) -> bool {
        error.raw_os_error() == Some(libc::E2BIG)
    }

    /// The same launch with the parameters in a file, and that file. None: there are no parameters to move.
    ///
    /// # Errors
    /// If the file cannot be written into the folder for temporary files.
    pub(super) fn replace(launch: &Launch) -> io::Result<Option<(Launch, ParamsFile)>> {
        let Some(at) = launch.env.iter().position(|(name, _)| name == PARAMS_VARIABLE) else { return Ok(None) };
        let mut launch = launch.clone();
        let (_, params) = launch.env.remove(at);
        // The mark names the run, and no other run of any worker has the same.
        let name: String = launch.mark.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
        let path = std::env::temp_dir().join(format!("sweep-params-{}-{name}.json", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let written = ParamsFile { path };
        file.write_all(params.as_bytes())?;
        let value =
            written.path.to_str().ok_or_else(|| io::Error::other("the folder for temporary files is not Unicode"))?;
        launch.env.push((PARAMS_FILE_VARIABLE.to_owned(), value.to_owned()));
        Ok(Some((launch, written)))
    }
}

impl Drop for ParamsFile {
    fn drop(&mut self) {
        // Somebody else has removed it, which is as good.
        let _ = fs::remove_file(&self.path);
    }
}
