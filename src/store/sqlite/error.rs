//! Owns what goes wrong inside the embedded store, and the words in which people are told.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::store::{StoreError, StoreErrorKind};

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

/// What passes by itself or with space on the disk is of a kind that workers wait for, and send their outcomes again.
fn explain(file: &Path, error: &rusqlite::Error) -> StoreError {
    let name = file.display();
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return StoreError::damaged(format!(
            "the store {name} holds something that this version of sweep does not understand ({error})"
        ))
        .remedy("use the version that wrote it, or another store: `--store FOLDER`");
    };
    let forbidden = |message| StoreError::new(StoreErrorKind::InsufficientPermissions, message);
    match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::unreachable(format!(
            "the store {name} cannot be reached: another process has locked it for half a minute"
        ))
        .remedy(format!("end that process if it hangs; `fuser {name}` finds it")),
        ErrorCode::DiskFull => {
            StoreError::new(StoreErrorKind::Full, format!("the disk of the store {name} is full")).remedy("free space")
        }
        ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory => {
            StoreError::unreachable(format!("the store {name} cannot be reached: {error}")).remedy("check the disk")
        }
        ErrorCode::ReadOnly | ErrorCode::CannotOpen if unwritable(file).is_some() => forbidden(format!(
            "the store {name} cannot be opened: its folder cannot be written ({}), which SQLite needs even to read",
            unwritable(file).unwrap_or_default()
        ))
        .remedy("allow it, or copy the folder to a place that you may write, and use that: `--store FOLDER`"),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            forbidden(format!("the store {name} cannot be written"))
                .remedy("allow it (`chmod u+w`), or use another store: `--store FOLDER`")
        }
        ErrorCode::CannotOpen => forbidden(format!("the store {name} cannot be opened ({error})"))
            .remedy("make it a file that you may read and write, or use another store: `--store FOLDER`"),
        ErrorCode::NotADatabase => StoreError::damaged(format!("{name} is not a store: it is no SQLite database"))
            .remedy("move it away, or use another store: `--store FOLDER`"),
        ErrorCode::DatabaseCorrupt => StoreError::damaged(format!("the store {name} is damaged ({error})"))
            .remedy(format!("keep a copy, and save what can be read of it with `sqlite3 {name} .recover`")),
        _ => StoreError::refused(format!("the store {name} refuses the request: {error}")),
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

    fn explained(code: i32) -> StoreError {
        Fault::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)).at(Path::new("/x/sweep.db"))
    }

    #[test]
    fn each_code_of_sqlite_has_a_kind_and_every_error_names_the_file() {
        use StoreErrorKind::{Damaged, Full, InsufficientPermissions, Unreachable};
        let kinds = [
            (ffi::SQLITE_BUSY, Unreachable),
            (ffi::SQLITE_IOERR, Unreachable),
            (ffi::SQLITE_FULL, Full),
            (ffi::SQLITE_READONLY, InsufficientPermissions),
            (ffi::SQLITE_CANTOPEN, InsufficientPermissions),
            (ffi::SQLITE_PERM, InsufficientPermissions),
            (ffi::SQLITE_CORRUPT, Damaged),
            (ffi::SQLITE_NOTADB, Damaged),
        ];
        for (code, kind) in kinds {
            let error = explained(code);
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.message.contains("/x/sweep.db") && error.remedy.is_some(), "{error}");
        }
        let odd = Fault::from(rusqlite::Error::IntegralValueOutOfRange(3, -1)).at(Path::new("/x/sweep.db"));
        assert_eq!(odd.kind, Damaged, "{odd}");
    }
}
