//! Owns access to the files that a sweep file names: their content, glob patterns, and hashes.

use std::path::{Path, PathBuf};
use std::{fs, io};

use glob::{MatchOptions, Pattern};

/// Reads the files that a sweep file names. Paths are as written there: relative to its folder, or absolute.
pub trait Files {
    /// The content of a file.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// The paths that match a glob pattern, in no particular order. They begin as the pattern does.
    ///
    /// # Errors
    /// If the pattern is invalid, or a path is not Unicode. The text is the reason.
    fn find(&self, pattern: &str) -> Result<Vec<String>, String>;

    /// The BLAKE3 hash of a file's content. None: there is no such file.
    ///
    /// # Errors
    /// If it cannot be read.
    fn hash(&self, path: &str) -> io::Result<Option<blake3::Hash>> {
        match self.read(path) {
            Ok(bytes) => Ok(Some(blake3::hash(&bytes))),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(why),
        }
    }
}

/// The files on disk.
#[derive(Clone, Debug)]
pub struct Disk {
    /// The folder of the sweep file, absolute.
    pub here: PathBuf,
}

impl Files for Disk {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(self.here.join(path))
    }

    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        // Checked on its own, so that an error is about the pattern and not about the folder in front of it.
        Pattern::new(pattern).map_err(|error| error.msg.to_owned())?;
        // `./a/*` means the same as `a/*`, and the paths begin as the pattern does.
        let bare = pattern.trim_start_matches("./");
        let (dots, _) = pattern.split_at(pattern.len() - bare.len());
        let folder = self.here.to_str().ok_or("the folder of the sweep file has a name that is not Unicode")?;
        let whole = match Path::new(bare).is_absolute() {
            true => bare.to_owned(),
            false => format!("{}/{bare}", Pattern::escape(folder)),
        };
        // As in a shell: hidden files only if the pattern names the dot, and `*` does not match `/`.
        let options =
            MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
        let mut found = Vec::new();
        for path in glob::glob_with(&whole, options).map_err(|error| error.msg.to_owned())? {
            let path = path.map_err(|error| error.to_string())?;
            let relative = path.strip_prefix(&self.here).unwrap_or(&path);
            let text = relative.to_str().ok_or_else(|| format!("{} has a name that is not Unicode", path.display()))?;
            found.push(format!("{dots}{text}"));
        }
        Ok(found)
    }

    /// Reads in pieces: a file may be larger than memory.
    fn hash(&self, path: &str) -> io::Result<Option<blake3::Hash>> {
        let path = self.here.join(path);
        // False also for a folder, and for a word that is too long to be a path.
        if !path.is_file() {
            return Ok(None);
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(fs::File::open(path)?)?;
        Ok(Some(hasher.finalize()))
    }
}
