//! Owns what goes wrong inside the embedded store, and the words in which people are told.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::store::StoreError;

/// What goes wrong within a request: SQLite's own errors get their words at the boundary, where the file is known.
#[derive(Debug)]
pub(super) enum Fault {
    /// An error of SQLite.
    Sql(rusqlite::Error),
    /// An answer of the store.
    Store(StoreError),
}

/// The result of a step within a request.
pub(super) type Done<T> = Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Fault::Store(error)
    }
}

impl Fault {
    /// The fault in words, for the database `file`.
    pub(super) fn at(self, file: &Path) -> StoreError {
        match self {
            Fault::Store(error) => error,
            Fault::Sql(error) => explain(file, &error),
        }
    }

    /// Whether the database is locked by another connection.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Fault::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy))
    }
}

/// What may pass is [`StoreError::Unreachable`], so that workers hold their outcomes and send them again.
fn explain(file: &Path, error: &rusqlite::Error) -> StoreError {
    let name = file.display();
    let away = |why: String| StoreError::Unreachable { store: name.to_string(), why };
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return StoreError::Damaged(format!(
            "the store {name} holds something that this version of sweep does not understand ({error}); use the version \
             that wrote it, or another store: `--store FOLDER`"
        ));
    };
    match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => away(
            "another process has locked it for half a minute; end that process if it hangs (`fuser` with the file's name \
             tells which it is)"
                .into(),
        ),
        ErrorCode::DiskFull => away("the disk is full; make room, and it goes on".into()),
        ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory => away(format!("{error}; see whether the disk is well")),
        ErrorCode::ReadOnly | ErrorCode::CannotOpen if unwritable(file).is_some() => StoreError::Refused(format!(
            "the store {name} cannot be opened: its folder cannot be written ({}), which is needed even to look; allow it, \
             or copy the folder to where you may write and name that: `--store FOLDER`",
            unwritable(file).unwrap_or_default()
        )),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            StoreError::Refused(format!(
                "the store {name} cannot be written; allow it (`chmod u+w`), or use another one: `--store FOLDER`"
            ))
        }
        ErrorCode::CannotOpen => StoreError::Refused(format!(
            "the store {name} cannot be opened ({error}); see that it is a file that you may read and write, or use \
             another store: `--store FOLDER`"
        )),
        ErrorCode::NotADatabase => StoreError::Damaged(format!(
            "{name} is not a store: it is no SQLite database; move it away, or use another store: `--store FOLDER`"
        )),
        ErrorCode::DatabaseCorrupt => StoreError::Damaged(format!(
            "the store {name} is damaged ({error}); keep a copy, and save what can be read of it with \
             `sqlite3 {name} .recover`"
        )),
        _ => StoreError::Refused(format!("the store {name} refuses: {error}")),
    }
}

/// Why nothing can be written beside the database, where its log has to be; none: it can.
fn unwritable(file: &Path) -> Option<String> {
    let folder = file.parent().filter(|folder| folder.is_dir())?;
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).err().map(|error| std::io::Error::from(error).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn told(code: i32) -> StoreError {
        Fault::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).at(Path::new("/x/sweep.db"))
    }

    #[test]
    fn what_may_pass_is_unreachable_and_may_be_sent_again() {
        for (code, word) in [(ffi::SQLITE_BUSY, "locked"), (ffi::SQLITE_FULL, "make room"), (ffi::SQLITE_IOERR, "disk")]
        {
            let StoreError::Unreachable { store, why } = told(code) else { panic!("{code}") };
            assert_eq!(store, "/x/sweep.db");
            assert!(why.contains(word), "{why}");
        }
    }

    #[test]
    fn what_does_not_pass_names_the_file_and_what_to_do() {
        let refused = [ffi::SQLITE_READONLY, ffi::SQLITE_CANTOPEN, ffi::SQLITE_PERM];
        assert!(
            refused
                .into_iter()
                .all(|code| matches!(told(code), StoreError::Refused(why) if why.contains("/x/sweep.db")))
        );
        let damaged = [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB];
        assert!(
            damaged
                .into_iter()
                .all(|code| matches!(told(code), StoreError::Damaged(why) if why.contains("/x/sweep.db")))
        );
        let odd = Fault::from(rusqlite::Error::IntegralValueOutOfRange(3, -1)).at(Path::new("/x/sweep.db"));
        assert!(matches!(&odd, StoreError::Damaged(why) if why.contains("/x/sweep.db")), "{odd}");
    }
}
