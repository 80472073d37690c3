//! Owns looking at the inputs of a sweep on this machine: stat, and the hash of content.

use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::guard::{InputDisk, InputStat};
use crate::fingerprint::digits;
use crate::inputs;
use crate::model::{FileSettings, InputState};

/// How often a file is read again that is written while it is read.
const TRIES: u32 = 3;

/// Bytes that are read between two checks whether to give up.
const PIECE: usize = 1 << 20;

/// The disk of this machine.
pub struct Disk<'a> {
    /// The folder from which relative paths start.
    pub here: PathBuf,
    /// The settings of `[files]`.
    pub settings: &'a FileSettings,
    /// Whether to read no further: the worker stops.
    pub gives_up: &'a (dyn Fn() -> bool + 'a),
}

impl InputDisk for Disk<'_> {
    fn stat(&self, path: &str) -> Option<InputStat> {
        fs::metadata(self.here.join(path)).ok().map(|metadata| stat(&metadata))
    }

    fn read(&self, path: &str) -> Result<(Option<InputStat>, InputState), String> {
        let place = self.here.join(path);
        for _ in 0..TRIES {
            let before = match fs::metadata(&place) {
                Ok(metadata) => metadata,
                // A folder of the path is missing, or is a file.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    return Ok((None, InputState::Absent));
                }
                Err(error) => return Err(error.to_string()),
            };
            let state = match self.content(path, &before) {
                Ok(state) => state,
                // It was removed or replaced.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error.to_string()),
            };
            let before = stat(&before);
            if fs::metadata(&place).ok().map(|metadata| stat(&metadata)) == Some(before) {
                return Ok((Some(before), state));
            }
        }
        Err("it is being written".into())
    }
}

impl Disk<'_> {
    fn content(&self, path: &str, metadata: &Metadata) -> std::io::Result<InputState> {
        if metadata.is_dir() {
            return inputs::disk::state(&self.here, path, self.settings);
        }
        // Reading a pipe would block, and a device has no end.
        if !metadata.is_file() {
            return Err(std::io::Error::other("it is not a regular file"));
        }
        let mut file = File::open(self.here.join(path))?;
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; PIECE.min(metadata.len() as usize + 1)];
        loop {
            let length = file.read(&mut piece)?;
            hasher.update(piece.get(..length).unwrap_or_default());
            if length == 0 {
                return Ok(InputState::File(digits(&hasher.finalize())));
            }
            if (self.gives_up)() {
                return Err(std::io::Error::other("the worker stops"));
            }
        }
    }
}

fn stat(metadata: &Metadata) -> InputStat {
    let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
    InputStat {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.len(),
        mode: metadata.mode(),
        owner: (metadata.uid(), metadata.gid()),
        links: metadata.nlink(),
        modified_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
    }
}
