//! Owns where a table is written: standard output; a file, which is complete or unchanged and never an input file; or a
//! pipe or device.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::fingerprint;
use crate::runtime::SweepRuntime;
use crate::store::sqlite::is_of_store;
use crate::table::write::TableFormat;

/// The remedy where a file must not be overwritten.
const OTHER_FILE: &str = "name another file with `--out`";

/// Where a table goes, and in which format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputTarget {
    /// A file, written aside and renamed; none: standard output.
    pub file: Option<PathBuf>,
    /// The form that is asked for; none: what the file's name says.
    pub format: Option<TableFormat>,
}

impl From<PathBuf> for OutputTarget {
    /// The target that an option's value names; `-` is standard output.
    fn from(path: PathBuf) -> OutputTarget {
        OutputTarget { file: Some(path).filter(|path| path.as_os_str() != "-"), format: None }
    }
}

impl OutputTarget {
    /// The form of the table: the one asked for, the one that the file's name says, or CSV.
    ///
    /// # Errors
    /// If the file's name says another one than there are.
    pub fn format(&self) -> Result<TableFormat> {
        match (self.format, &self.file) {
            (Some(format), _) => Ok(format),
            (None, Some(path)) => TableFormat::of_path(path).map_err(|unknown| {
                Error::usage(format!("sweep does not write tables in the format `{unknown}`"))
                    .remedy("name the file .csv or .jsonl, which pandas and DuckDB read, or choose a `--format`")
            }),
            (None, None) => Ok(TableFormat::Csv),
        }
    }

    /// Where it is, to be put behind what is said of it: ` in table.csv`, or nothing.
    pub fn suffix(&self) -> String {
        self.file.as_ref().map_or_else(String::new, |path| format!(" in {}", path.display()))
    }

    /// Lets `fill` write to the target, or to `stdout` where that is the target. `fill` is given the stream, and the name
    /// of the target for its errors.
    ///
    /// # Errors
    /// Those of `fill`, or if the file cannot be written; an old file is then left as it was.
    pub fn write<T>(&self, stdout: &mut dyn Write, fill: impl FnOnce(&mut dyn Write, &Path) -> Result<T>) -> Result<T> {
        let Some(path) = &self.file else {
            return write_buffered(stdout, Path::new("standard output"), fill);
        };
        if is_special(path) {
            let mut file = File::options().write(true).open(path).map_err(Error::file("written", path))?;
            return write_buffered(&mut file, path, fill);
        }
        let real = real(path);
        let mut aside = temporary_beside(&real)?;
        let filled = write_buffered(aside.as_file_mut(), path, fill)?;
        aside.as_file().sync_all().map_err(Error::file("written", path))?;
        aside.persist(&real).map_err(|error| Error::file("written", path)(error.error))?;
        Ok(filled)
    }

    /// The file, if it is one that stays: not a pipe, a terminal or `/dev/null`.
    pub fn regular_file(&self) -> Option<&Path> {
        self.file.as_deref().filter(|path| !is_special(path))
    }

    /// Tries whether the file could be written, before hours of work are done for it; writes nothing.
    ///
    /// # Errors
    /// If it could not.
    pub fn check_writable(&self) -> Result<()> {
        self.format()?;
        let Some(path) = self.regular_file() else { return Ok(()) };
        temporary_beside(&real(path)).map(drop)
    }

    /// Refuses an output that is an input: the sweep file, a file that it names, one that a word of the first point's
    /// command names, or one that is watched; and the store's own files.
    ///
    /// # Errors
    /// With the remedy, if it is one.
    pub fn ensure_not_input(&self, sweep: &SweepRuntime) -> Result<()> {
        let Some(path) = &self.file else { return Ok(()) };
        if path.is_dir() {
            return Err(
                Error::usage(format!("{} is a folder", path.display())).remedy("give `--out` the path of a file")
            );
        }
        if absolute(path).is_some_and(|path| is_of_store(&path)) {
            let error = Error::usage(format!("{} belongs to the store", path.display()));
            return Err(error.remedy(OTHER_FILE));
        }
        let both = [path.clone(), meta_path(path)];
        if let Some(watched) = both.iter().find(|path| is_watched(sweep, path)) {
            let watched = watched.display();
            return Err(Error::usage(format!(
                "{watched} matches `[files] watch`: writing it would count as a change of an input file"
            ))
            .remedy(OTHER_FILE));
        }
        let outputs: Vec<PathBuf> = both.iter().filter_map(|path| path.canonicalize().ok()).collect();
        let words = sweep.prepare(0, 1).map(|prepared| prepared.argv).unwrap_or_default();
        let files = words.iter().chain(&sweep.inputs).map(|word| sweep.here.join(word)).chain([sweep.file.clone()]);
        let input = files.filter_map(|file| file.canonicalize().ok()).find(|file| outputs.contains(file));
        match input {
            Some(input) => {
                let error = Error::usage(format!("{} is an input file of the sweep", input.display()));
                Err(error.remedy(OTHER_FILE))
            }
            None => Ok(()),
        }
    }
}

/// `FILE.meta.json`.
pub fn meta_path(table: &Path) -> PathBuf {
    let mut name = OsString::from(table);
    name.push(".meta.json");
    name.into()
}

/// Lets `fill` write to a stream that is called so.
fn write_buffered<T>(
    to: &mut dyn Write,
    name: &Path,
    fill: impl FnOnce(&mut dyn Write, &Path) -> Result<T>,
) -> Result<T> {
    let mut stream = BufWriter::new(to);
    let filled = fill(&mut stream, name)?;
    stream.flush().map_err(Error::file("written", name))?;
    Ok(filled)
}

/// Whether a path is that of a watched file, be it there or not.
fn is_watched(sweep: &SweepRuntime, path: &Path) -> bool {
    let Some(path) = absolute(path) else { return false };
    let place = path.strip_prefix(real(&sweep.here)).ok().and_then(Path::to_str);
    place.is_some_and(|place| fingerprint::is_watched(&sweep.spec, place))
}

/// What a link points to, and otherwise the path: a link stays, and what it points to is replaced.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// Whether it is there and no file: a device, a pipe, a terminal. Such a thing is written to and not replaced.
fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// The path from the root, links resolved, also of a file that is not there yet.
fn absolute(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| Some(folder_of(path).canonicalize().ok()?.join(path.file_name()?)))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The error for a file that cannot be created in its folder.
fn cannot_create(path: &Path, folder: &Path, error: io::Error) -> Error {
    let folder = folder.display();
    let (why, remedy) = match error.kind() {
        ErrorKind::NotFound => (format!("there is no folder {folder}"), format!("create the folder, or {OTHER_FILE}")),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            (format!("the folder {folder} is not writable"), OTHER_FILE.to_owned())
        }
        _ => return Error::file("written", path)(error),
    };
    Error::file("written", path)(io::Error::new(error.kind(), why)).remedy(remedy)
}

/// A new file beside the one to be written, removed when dropped.
fn temporary_beside(path: &Path) -> Result<NamedTempFile> {
    let folder = folder_of(path);
    tempfile::Builder::new()
        .prefix(".sweep-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|error| cannot_create(path, folder, error))
}
