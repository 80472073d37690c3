//! Owns where a table is written: standard output; a file, which is complete or unchanged and never an input file; or a
//! pipe or device.

use std::ffi::OsString;
use std::fs::{File, Metadata, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::fingerprint;
use crate::runtime::SweepRuntime;
use crate::store::sqlite::is_of_store;
use crate::table::write::TableFormat;

/// The remedy if a file must not be overwritten.
const OTHER_FILE: &str = "name another file with `--out`";

/// Where a table goes, and in which format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputTarget {
    /// A file, written to a temporary file and renamed; none: standard output.
    pub file: Option<PathBuf>,
    /// The requested format; none: the extension of the file decides.
    pub format: Option<TableFormat>,
}

impl From<PathBuf> for OutputTarget {
    /// The target for the value of an option; `-` is standard output.
    fn from(path: PathBuf) -> OutputTarget {
        OutputTarget { file: Some(path).filter(|path| path.as_os_str() != "-"), format: None }
    }
}

impl OutputTarget {
    /// The format of the table: the requested one, the one of the file extension, or CSV.
    ///
    /// # Errors
    /// If the extension names a format that sweep does not write.
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

    /// The suffix of a message about the table: ` in table.csv`; empty for standard output.
    pub fn suffix(&self) -> String {
        self.file.as_ref().map_or_else(String::new, |path| format!(" in {}", path.display()))
    }

    /// Calls `fill` to write to the target; `stdout` is used if the target is standard output. `fill` gets the stream, and
    /// the path for its error messages.
    ///
    /// # Errors
    /// Those of `fill`, or if the file cannot be written. An existing file is then unchanged.
    pub fn write<T>(&self, stdout: &mut dyn Write, fill: impl FnOnce(&mut dyn Write, &Path) -> Result<T>) -> Result<T> {
        let Some(path) = &self.file else {
            return write_buffered(stdout, Path::new("standard output"), fill);
        };
        refuse_foreign_link(path)?;
        if is_special(path) {
            let mut file = File::options().write(true).open(path).map_err(Error::file("written", path))?;
            return write_buffered(&mut file, path, fill);
        }
        let real = real(path);
        let mut temporary = temporary_beside(&real)?;
        let filled = write_buffered(temporary.as_file_mut(), path, fill)?;
        temporary.as_file().sync_all().map_err(Error::file("written", path))?;
        temporary.persist(&real).map_err(|error| Error::file("written", path)(error.error))?;
        Ok(filled)
    }

    /// The path, if it is a regular file or does not exist yet; none: standard output, a pipe, a terminal or a device.
    pub fn regular_file(&self) -> Option<&Path> {
        self.file.as_deref().filter(|path| !is_special(path))
    }

    /// Checks that the file can be written, so that a long run does not fail at its end. Writes nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn check_writable(&self) -> Result<()> {
        self.format()?;
        self.file.as_deref().map_or(Ok(()), refuse_foreign_link)?;
        let Some(path) = self.regular_file() else { return Ok(()) };
        temporary_beside(&real(path)).map(drop)
    }

    /// Refuses to overwrite an input file (the sweep file, a file that it names, a file that a word of the first point's
    /// command names, or a watched file) or a file of the store.
    ///
    /// # Errors
    /// If the target is one of these, with the remedy.
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

/// The path of the provenance file of a table: `FILE.meta.json`.
pub fn meta_path(table: &Path) -> PathBuf {
    let mut name = OsString::from(table);
    name.push(".meta.json");
    name.into()
}

/// Calls `fill` with a buffer over `to`; `name` is for error messages.
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

/// Whether a path matches `[files] watch`. The file need not exist.
fn is_watched(sweep: &SweepRuntime, path: &Path) -> bool {
    let Some(path) = absolute(path) else { return false };
    let relative = path.strip_prefix(real(&sweep.here)).ok().and_then(Path::to_str);
    relative.is_some_and(|relative| fingerprint::is_watched(&sweep.spec, relative))
}

/// Refuses a link of another user: in a folder that several users may write to, it could lead to any file of this user.
fn refuse_foreign_link(path: &Path) -> Result<()> {
    let me = rustix::process::geteuid().as_raw();
    let is_foreign = |found: &Metadata| found.is_symlink() && found.uid() != me && found.uid() != 0;
    if path.symlink_metadata().is_ok_and(|found| is_foreign(&found)) {
        let error = Error::usage(format!("{} is a link that belongs to another user", path.display()));
        return Err(error.remedy(format!("remove the link, or {OTHER_FILE}")));
    }
    Ok(())
}

/// Resolves symbolic links: a link is kept, and the file that it points to is replaced.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// Whether the path is a device, a pipe or a terminal: these are written to, not replaced.
fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// The absolute path with links resolved. The file need not exist, but its folder must.
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

/// A temporary file in the folder of the file to write. It is removed when dropped.
fn temporary_beside(path: &Path) -> Result<NamedTempFile> {
    let folder = folder_of(path);
    tempfile::Builder::new()
        .prefix(".sweep-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|error| cannot_create(path, folder, error))
}
