//! Owns access to the files in a job's directory. What jobs leave there is read as a stranger's: nothing outside the
//! directory is reached, whatever links lie in it, and no link is followed in the place of a file.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, MetadataExt, OpenOptions, OpenOptionsExt};

use crate::extract::Overflow;
use crate::record::Kept;
use crate::system::random;

/// The largest file with results. A job can make a sparse file of any size at no cost.
const LARGEST: u64 = 16 << 30;

/// The most bytes of a small file.
const SMALL: u64 = 4096;

/// A job's directory.
pub(super) struct FolderOfJob(Dir);

impl FolderOfJob {
    /// Opens a directory.
    pub(super) fn open(dir: &Path) -> io::Result<FolderOfJob> {
        Dir::open_ambient_dir(dir, ambient_authority()).map(FolderOfJob)
    }

    /// Creates a file, which must not exist.
    pub(super) fn create(&self, name: &str, text: &str) -> io::Result<()> {
        let mut file = self.0.open_with(name, OpenOptions::new().write(true).create_new(true))?;
        file.write_all(text.as_bytes())
    }

    /// Writes a file and the folders above it. It is written beside and renamed, so that a link of that name is replaced
    /// and not its target.
    pub(super) fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let folder = Path::new(name).parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            self.0.create_dir_all(folder)?;
        }
        let aside = folder.unwrap_or(Path::new("")).join(format!(".sweep-deck-{:016x}", random()?));
        let aside = aside.to_str().ok_or(io::ErrorKind::InvalidInput)?;
        let written = self.create(aside, text).and_then(|()| self.0.rename(aside, &self.0, name));
        if written.is_err() {
            // Nothing is left behind; if that fails as well, the first error says more.
            let _ = self.0.remove_file(aside);
        }
        written
    }

    /// Reads a small file of text.
    pub(super) fn read_small(&self, name: &str) -> io::Result<String> {
        let mut text = String::new();
        self.open_regular(name)?.take(SMALL).read_to_string(&mut text)?;
        Ok(text)
    }

    /// Reads the last `keep` bytes of a file. What comes before goes to `overflow`, if that wants it.
    pub(super) fn read_end(&self, name: &str, keep: usize, overflow: Option<Overflow>) -> io::Result<Kept> {
        let mut file = self.open_regular(name)?;
        let total = file.metadata()?.len();
        if total > LARGEST {
            return Err(io::Error::other(format!("it has more than {} GiB", LARGEST >> 30)));
        }
        let before = total.saturating_sub(keep as u64);
        match overflow {
            None => drop(file.seek(SeekFrom::Start(before))?),
            Some(overflow) => pass_on(&mut file, before, overflow)?,
        }
        let mut tail = Vec::new();
        file.take(keep as u64).read_to_end(&mut tail)?;
        Ok(Kept { total: total.max(tail.len() as u64), tail })
    }

    /// Opens a regular file. Opening a pipe does not wait for its writer.
    fn open_regular(&self, name: &str) -> io::Result<File> {
        if self.0.symlink_metadata(name)?.is_symlink() {
            return Err(io::Error::other("it is a link"));
        }
        let flags = (libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_CLOEXEC) as _;
        let file = self.0.open_with(name, OpenOptions::new().read(true).custom_flags(flags))?;
        match file.metadata()?.is_file() {
            true => Ok(file),
            // A device has no end.
            false => Err(io::Error::other("it is not a regular file")),
        }
    }

    /// The state of a file; none: there is none.
    pub(super) fn stamp(&self, name: &str) -> Option<FileStamp> {
        let found = self.0.symlink_metadata(name).ok()?;
        Some(FileStamp { inode: found.ino(), size: found.len(), modified: found.modified().ok()?.into_std() })
    }
}

/// What distinguishes one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileStamp {
    inode: u64,
    size: u64,
    modified: SystemTime,
}

impl FileStamp {
    /// Returns the stamp of an old file only. The clocks of file systems are coarse, so a young file cannot be
    /// distinguished from one that the job wrote.
    pub(super) fn if_old(self) -> Option<FileStamp> {
        let age = SystemTime::now().duration_since(self.modified).ok()?;
        (age > Duration::from_secs(2)).then_some(self)
    }
}

/// Passes the first bytes of a file to `overflow`.
fn pass_on(file: &mut File, mut left: u64, overflow: Overflow) -> io::Result<()> {
    let mut buffer = vec![0; if left == 0 { 0 } else { 64 << 10 }];
    while left > 0 {
        let length = Read::by_ref(file).take(left).read(&mut buffer)?;
        if length == 0 {
            break;
        }
        overflow(buffer.get(..length).unwrap_or_default());
        left -= length as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_outside_is_read_or_written_through_links() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        symlink(outside.path().join("secret"), at("out.json")).unwrap();
        symlink("/proc/self/environ", at("environ")).unwrap();
        symlink(outside.path(), at("sub")).unwrap();
        let folder = FolderOfJob::open(dir.path()).unwrap();
        for name in ["out.json", "environ", "sub/secret", "../secret", "/etc/passwd"] {
            assert!(folder.read_end(name, 100, None).is_err(), "{name}");
            assert!(folder.read_small(name).is_err(), "{name}");
        }
        assert!(folder.write("sub/secret", "mine").is_err());
        assert!(folder.write("../a", "mine").is_err());
        folder.write("out.json", "mine").unwrap();
        assert_eq!(fs::read_to_string(at("out.json")).unwrap(), "mine");
        assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "secret");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "no temporary file is left");
    }

    #[test]
    fn what_is_no_regular_file_is_refused_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let folder = FolderOfJob::open(dir.path()).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, dir.path().join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        fs::create_dir(dir.path().join("folder")).unwrap();
        for name in ["pipe", "folder"] {
            assert!(folder.read_end(name, 100, None).unwrap_err().to_string().contains("not a regular file"), "{name}");
        }
        fs::File::create(dir.path().join("sparse")).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(folder.read_end("sparse", 100, None).unwrap_err().to_string().contains("more than 16 GiB"));
    }
}
