//! Owns the question which embedded store a command may use without being told: whoever can write to a store can run
//! commands as its user.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::open::FOLDER;
use super::{Result, StoreError, StoreErrorKind};

/// The database inside the folder of an embedded store.
const DATABASE: &str = "sweep.db";

/// The nearest folder `.sweep` from `cwd` upward. The search ends where the owner of the folder or its file system is
/// another than that of `cwd`: what lies above belongs to somebody else.
pub(super) fn nearest(cwd: &Path) -> Option<PathBuf> {
    let place = |folder: &Path| fs::metadata(folder).ok().map(|found| (found.uid(), found.dev()));
    let here = place(cwd);
    let mine = cwd.ancestors().take_while(|folder| *folder == cwd || here.is_some() && place(folder) == here);
    mine.map(|folder| folder.join(FOLDER)).find(|folder| folder.is_dir())
}

/// Refuses a store that other users could have written. `folder` was found, not named by the user.
///
/// # Errors
/// `InsufficientPermissions` if the folder or the database in it belongs to another user or may be written by others.
pub(super) fn refuse_foreign(folder: &Path) -> Result<()> {
    for path in [folder, &folder.join(DATABASE)] {
        // What is not there cannot be foreign; what cannot be read is refused when it is opened.
        let Ok(found) = fs::metadata(path) else { continue };
        let me = rustix::process::geteuid().as_raw();
        let Some(why) = foreign(&found, me) else { continue };
        let remedy = match found.uid() == me {
            true => format!("if you trust what is in it, type `chmod go-w {}`", path.display()),
            false => format!("if you trust it, name it: `--store {}`", folder.display()),
        };
        let message = format!("the store {} is not used: {} {why}", folder.display(), path.display());
        return Err(StoreError::new(StoreErrorKind::InsufficientPermissions, message).remedy(remedy));
    }
    Ok(())
}

/// Why somebody else than the user `me` could have written a file or a folder; none: nobody.
fn foreign(found: &Metadata, me: u32) -> Option<String> {
    // Many systems give each user a group of their own, with the same number, and let it write.
    let is_own_group = found.gid() == found.uid();
    if found.uid() != me {
        return Some(format!("belongs to the user {}, not to you", found.uid()));
    }
    match found.mode() {
        mode if mode & 0o002 != 0 => Some("may be written by everybody".into()),
        mode if mode & 0o020 != 0 && !is_own_group => Some(format!("may be written by the group {}", found.gid())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn store_with_mode(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let project = tempfile::tempdir().unwrap();
        let store = project.path().join(FOLDER);
        fs::create_dir(&store).unwrap();
        fs::set_permissions(&store, fs::Permissions::from_mode(mode)).unwrap();
        (project, store)
    }

    #[test]
    fn a_store_that_everybody_may_write_is_refused_with_the_remedy() {
        let (_project, store) = store_with_mode(0o777);
        let error = refuse_foreign(&store).unwrap_err();
        assert!(error.message.contains("may be written by everybody"), "{error}");
        assert!(error.remedy.unwrap().contains("chmod go-w"));
    }

    #[test]
    fn a_store_of_this_user_is_used() {
        let (_project, store) = store_with_mode(0o755);
        refuse_foreign(&store).unwrap();
        fs::write(store.join(DATABASE), "").unwrap();
        refuse_foreign(&store).unwrap();
        fs::set_permissions(store.join(DATABASE), fs::Permissions::from_mode(0o666)).unwrap();
        assert!(refuse_foreign(&store).unwrap_err().message.contains(DATABASE));
    }

    #[test]
    fn the_store_of_a_folder_above_is_found() {
        let (project, store) = store_with_mode(0o755);
        let below = project.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        assert_eq!(nearest(&below), Some(store));
    }
}
