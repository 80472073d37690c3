//! Owns which store a command uses: that of a URL or a path, or the nearest `.sweep` folder from the current one upward.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::redis::RedisStore;
use super::sqlite::SqliteStore;
use super::trust;
use super::{Result, Store, StoreError, StoreErrorKind};

/// The folder of the embedded store.
pub const FOLDER: &str = ".sweep";

/// Whether a store may be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// Create it if there is none: for commands that submit.
    OrCreate,
    /// It must exist. A command that only reads changes nothing.
    Existing,
}

/// Opens the store that `named` names: `redis://…`, `rediss://…`, `redis+unix://…` or a path. Without a name, opens the
/// embedded store in the nearest folder from `cwd` upward that has one, or in `cwd`.
///
/// # Errors
/// `BadAddress` for a name that is no address; `NoStore` if the store must exist and does not; `InsufficientPermissions` for
/// a store that was not named and that other users could have written; the errors of
/// [`SqliteStore::open`] and [`RedisStore::connect`].
pub fn open(named: Option<&str>, cwd: &Path, how: Open) -> Result<Arc<dyn Store>> {
    if named == Some("") {
        return Err(bad_address("the name of the store is empty".into())
            .remedy("correct or unset `--store` and SWEEP_STORE; without them the store is the folder `.sweep`"));
    }
    if let Some(url) = named.filter(|name| name.contains("://")) {
        return match url.split("://").next() {
            Some("redis" | "rediss" | "redis+unix" | "unix" | "valkey" | "valkeys" | "valkey+unix") => {
                Ok(Arc::new(RedisStore::connect(url)?))
            }
            scheme => Err(bad_address(format!("`{}://` does not name a store", scheme.unwrap_or_default())).remedy(
                "write `redis://HOST:6379` (`rediss://` for an encrypted connection), `redis+unix:///PATH`, or the path of \
                 a folder",
            )),
        };
    }
    if let Some(meant) = named.and_then(meant_as_address) {
        let named = named.unwrap_or_default();
        return Err(bad_address(format!("`{named}` looks like the address of a server"))
            .remedy(format!("write `{meant}`, or `./{named}` for a folder of that name")));
    }
    let folder = folder(named, cwd);
    if how == Open::Existing && !folder.is_dir() {
        let message = named.map_or_else(
            || format!("there is no store here: no folder {FOLDER} in {} or above it", cwd.display()),
            |_| format!("there is no store at {}", folder.display()),
        );
        return Err(StoreError::new(StoreErrorKind::NoStore, message)
            .remedy("`sweep run FILE` or `sweep submit FILE` creates one, `--store URL` names another"));
    }
    if named.is_none() {
        trust::refuse_foreign(&folder)?;
    }
    Ok(Arc::new(match how {
        Open::OrCreate => SqliteStore::open(&folder)?,
        Open::Existing => SqliteStore::open_existing(&folder)?,
    }))
}

fn bad_address(message: String) -> StoreError {
    StoreError::new(StoreErrorKind::BadAddress, message)
}

/// The address that the user probably means by a name without `://`, such as `redis:/HOST` or `HOST:6379`.
fn meant_as_address(name: &str) -> Option<String> {
    let (before, after) = name.rsplit_once(':')?;
    if let Some((scheme @ ("redis" | "rediss" | "valkey" | "valkeys"), rest)) = name.split_once(':') {
        return Some(format!("{scheme}://{}", rest.trim_start_matches('/')));
    }
    let is_port = !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit());
    (is_port && !before.is_empty() && !before.contains('/')).then(|| format!("redis://{name}"))
}

/// The folder of the embedded store that a command uses, whether it exists or not. None: it uses a server.
pub fn embedded_folder(named: Option<&str>, cwd: &Path) -> Option<PathBuf> {
    (!named.is_some_and(|name| name.contains("://"))).then(|| folder(named, cwd))
}

fn folder(named: Option<&str>, cwd: &Path) -> PathBuf {
    named.map_or_else(|| trust::nearest(cwd).unwrap_or_else(|| cwd.join(FOLDER)), |path| cwd.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_is_no_store() {
        let folder = tempfile::tempdir().unwrap();
        let refused = open(Some(""), folder.path(), Open::OrCreate).err().unwrap();
        assert_eq!(refused.kind, StoreErrorKind::BadAddress);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_address_without_slashes_is_not_taken_for_a_folder() {
        for (name, meant) in [
            ("localhost:6379", Some("redis://localhost:6379")),
            ("redis:localhost", Some("redis://localhost")),
            ("rediss:/big-machine:6380/1", Some("rediss://big-machine:6380/1")),
            ("./localhost:6379", None),
            ("runs/a:1", None),
            ("store", None),
            ("a:b", None),
            (":1", None),
        ] {
            assert_eq!(meant_as_address(name).as_deref(), meant, "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        let refused = open(Some("localhost:1"), folder.path(), Open::OrCreate).err().unwrap().to_string();
        assert!(refused.contains("write `redis://localhost:1`, or `./localhost:1`"), "{refused}");
        assert!(!folder.path().join("localhost:1").exists());
    }
}
