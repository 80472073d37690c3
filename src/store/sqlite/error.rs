//! Owns the errors inside the embedded store, and the messages for the errors of SQLite.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::store::{StoreError, StoreErrorKind};

/// An error within a request. Errors of SQLite get their message where the file is known, see [`Fault::at`].
#[derive(Debug)]
pub(super) enum Fault {
    /// An error of SQLite.
    Sql(rusqlite::Error),
    /// An error of the contract.
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
    /// The error of the contract, for the database `file`.
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

/// Faults that pass by themselves, or when the disk has space again, get a kind for which workers wait and retry.
fn explain(file: &Path, error: &rusqlite::Error) -> StoreError {
    let name = file.display();
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return StoreError::damaged(format!(
            "the store {name} contains a value that this version of sweep cannot read ({error})"
        ))
        .remedy("use the version of sweep that wrote it, or another store: `--store FOLDER`");
    };
    let forbidden = |message| StoreError::new(StoreErrorKind::InsufficientPermissions, message);
    match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::unreachable(format!(
            "the store {name} cannot be reached: another process has kept it locked for 30 s"
        ))
        .remedy(format!("end that process if it hangs; `fuser {name}` finds it")),
        ErrorCode::DiskFull => {
            StoreError::new(StoreErrorKind::Full, format!("the disk of the store {name} is full")).remedy("free space")
        }
        ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory => {
            StoreError::unreachable(format!("the store {name} cannot be reached: {error}")).remedy("check the disk")
        }
        ErrorCode::ReadOnly | ErrorCode::CannotOpen if unwritable(file).is_some() => forbidden(format!(
            "the store {name} cannot be opened: its folder is not writable ({}), and SQLite needs that even to read",
            unwritable(file).unwrap_or_default()
        ))
        .remedy(
            "make the folder writable, or copy it to a place where you may write and use the copy: `--store FOLDER`",
        ),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            forbidden(format!("the store {name} cannot be written"))
                .remedy("make it writable (`chmod u+w`), or use another store: `--store FOLDER`")
        }
        ErrorCode::CannotOpen => forbidden(format!("the store {name} cannot be opened ({error})"))
            .remedy("check that it is a file that you may read and write, or use another store: `--store FOLDER`"),
        ErrorCode::NotADatabase => StoreError::damaged(format!("{name} is not a store: it is not an SQLite database"))
            .remedy("move it away, or use another store: `--store FOLDER`"),
        ErrorCode::DatabaseCorrupt => StoreError::damaged(format!("the store {name} is damaged ({error})"))
            .remedy(format!("copy it first, then extract what is still readable with `sqlite3 {name} .recover`")),
        _ => StoreError::refused(format!("the store {name} refuses the request: {error}")),
    }
}

/// Why the folder of the database, where its log must be, is not writable. None: it is writable.
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
    fn every_error_of_sqlite_has_a_kind_and_names_the_file() {
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
