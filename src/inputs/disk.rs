//! Owns the state of an input on the disk: the hash of a file, the hash of the names in a folder, or that there is nothing.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use crate::files::{Disk, Files};
use crate::fingerprint;
use crate::model::{FileSettings, InputState};
use crate::project::names::folder_hash;

/// What is at a path now. `path` is relative to `here`, the sweep file's folder on this machine. Links are followed. What is
/// neither a file nor a folder (a device, a pipe) is [`InputState::Absent`]. O(size of the file or the folder).
///
/// # Errors
/// If it is there and cannot be read.
pub fn state(here: &Path, path: &str, settings: &FileSettings) -> io::Result<InputState> {
    let place = here.join(path);
    if place.is_dir() {
        return folder_state(&place, path, settings);
    }
    let hash = Disk { here: here.to_path_buf() }.hash(path)?;
    Ok(hash.map_or(InputState::Absent, |hash| InputState::File(fingerprint::digits(&hash))))
}

/// The state of a folder: the hash of the names in it that may be inputs, see [`folder_hash`]. Names that `[files] ignore`
/// matches are left out.
fn folder_state(place: &Path, path: &str, settings: &FileSettings) -> io::Result<InputState> {
    let names = fs::read_dir(place)?.map(|entry| entry.map(|entry| entry.file_name()));
    let names = names.collect::<io::Result<Vec<_>>>()?;
    let ignores = |name: &OsStr| {
        let inside = format!("{path}/{}", name.to_string_lossy());
        fingerprint::ignores(settings, inside.trim_start_matches("./"))
    };
    Ok(InputState::Folder(folder_hash(&names, ignores)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_path_is_its_content_or_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("here");
        fs::create_dir_all(here.join("data")).unwrap();
        fs::write(folder.path().join("a.py"), "x = 1\n").unwrap();
        let settings = FileSettings { watch: vec![], ignore: vec!["data/*.log".into()], ..FileSettings::default() };
        let state = |path: &str| state(&here, path, &settings).unwrap();
        let hash = |bytes: &[u8]| fingerprint::digits(&blake3::hash(bytes));
        assert_eq!(state("../a.py"), InputState::File(hash(b"x = 1\n")));
        assert_eq!(state("b.py"), InputState::Absent);
        assert_eq!(state("data"), InputState::Folder(hash(b"")));
        for name in ["b", "a", "x.log", "a~", ".sweep", "t.results.csv", "m.pyc"] {
            fs::write(here.join("data").join(name), "").unwrap();
        }
        assert_eq!(state("data"), InputState::Folder(hash(b"a\0b\0")), "only the names of possible inputs count");
        fs::write(here.join("data/a"), "other").unwrap();
        assert_eq!(state("data"), InputState::Folder(hash(b"a\0b\0")));
        assert_eq!(state("data/a/c"), InputState::Absent);
    }
}
