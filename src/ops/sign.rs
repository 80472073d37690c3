//! Owns the files of keys, and the signed bytes of a document.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::job::SweepId;
use crate::model::Document;
use crate::sign::{SigningKey, TrustedKeys};
use crate::stored::{DocumentError, SignedDocument};
use crate::system::{private_text, random, wall_clock_ms};

/// How long a signature is valid.
pub const VALID_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

/// The file of trusted keys of the machine.
const SYSTEM_TRUSTED: &str = "/etc/sweep/trusted";

/// The most bytes of a file of keys.
const LARGEST: u64 = 1 << 20;

/// The folder of this user's settings. None: the user has no home folder.
fn settings_folder() -> Option<PathBuf> {
    let named = |variable| std::env::var_os(variable).filter(|path| Path::new(path).is_absolute()).map(PathBuf::from);
    let folder = named("XDG_CONFIG_HOME").or_else(|| Some(named("HOME")?.join(".config")))?;
    Some(folder.join("sweep"))
}

/// Where this user's private key is.
///
/// # Errors
/// If the user has no home folder.
pub fn key_path() -> Result<PathBuf> {
    let none = || Error::usage("there is no place for a key: HOME is not set").remedy("set HOME or XDG_CONFIG_HOME");
    Ok(settings_folder().ok_or_else(none)?.join("key"))
}

/// Makes a private key for this user and writes it. Returns the key.
///
/// # Errors
/// If there is one already, or it cannot be written.
pub fn make_key(name: &str) -> Result<SigningKey> {
    let path = key_path()?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::file("created", folder))?;
    let mut seed = [0; 32];
    for part in seed.chunks_mut(8) {
        let bytes = random().map_err(|error| Error::usage(error.to_string()))?.to_le_bytes();
        part.copy_from_slice(&bytes);
    }
    let key = SigningKey::new(seed, name).map_err(|error| Error::usage(error.to_string()))?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut file = file.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Error::usage(format!("there is a key already: {}", path.display()))
            .remedy("`sweep key show` prints its public part; to replace it, move the file away first"),
        _ => Error::file("written", &path)(error),
    })?;
    file.write_all(key.to_text().as_bytes()).and_then(|()| file.sync_all()).map_err(Error::file("written", &path))?;
    Ok(key)
}

/// This user's private key; none: there is none.
///
/// # Errors
/// If it cannot be read, is no key, or others may read it.
pub fn key() -> Result<Option<SigningKey>> {
    let Ok(path) = key_path() else { return Ok(None) };
    match private_text(&path, LARGEST) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("used as a key", &path)(error)
            .remedy(format!("make it a file of your own, and type `chmod 600 {}`", path.display()))),
        Ok(text) => SigningKey::parse(&text).map(Some).map_err(|error| {
            Error::usage(format!("{} is no key: {error}", path.display()))
                .remedy("move it away, and type `sweep key new`")
        }),
    }
}

/// The keys that a worker trusts: those of the file `named`, or of `trusted` in the user's settings, or of the machine's
/// file. None: there is no such file, and the worker runs every sweep.
///
/// # Errors
/// If the file cannot be read, has another form, or may be written by others.
pub fn trusted_keys(named: Option<&Path>) -> Result<Option<TrustedKeys>> {
    let usual = || {
        let of_user = settings_folder().map(|folder| folder.join("trusted"));
        of_user.into_iter().chain([SYSTEM_TRUSTED.into()]).find(|path| path.exists())
    };
    let Some(path) = named.map(Path::to_owned).or_else(usual) else { return Ok(None) };
    let text = read_trusted(&path)?;
    TrustedKeys::parse(&text).map(Some).map_err(|error| {
        Error::usage(format!("{}, {error}", path.display()))
            .remedy("write a line that `sweep key new` printed, then `queues=A,B` and `expires=2027-01-31` if needed")
    })
}

/// Reads a file of trusted keys. Whoever can change it can run commands on the worker.
fn read_trusted(path: &Path) -> Result<String> {
    let unreadable = |error| Error::file("read", path)(error);
    let file = File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    let me = rustix::process::geteuid().as_raw();
    let is_safe = |found: &fs::Metadata| (found.uid() == me || found.uid() == 0) && found.mode() & 0o022 == 0;
    let folder = path.canonicalize().ok().and_then(|path| fs::metadata(path.parent()?).ok());
    if !is_safe(&found) || !folder.is_some_and(|folder| is_safe(&folder)) {
        let message = format!("the file of trusted keys {} or its folder may be written by others", path.display());
        return Err(Error::usage(message).remedy("make both yours or root's, and type `chmod go-w` for both"));
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// The bytes to store for a document of the sweep `id`: with a signature, if there is a key. `stored`: what the store has
/// now, if anything. It stays if nothing but the signature would change, and that is of the same key and still valid for half
/// of [`VALID_FOR`].
///
/// # Errors
/// If the document cannot be encoded, or what is stored is damaged.
pub fn encode(
    document: &Document,
    id: &SweepId,
    total: u64,
    key: Option<&SigningKey>,
    stored: Option<&[u8]>,
) -> Result<Vec<u8>> {
    let unusable = |error: DocumentError| Error::usage(error.to_string());
    let document_bytes = document.encode().map_err(unusable)?;
    let earlier = stored.map(SignedDocument::decode).transpose().map_err(unusable)?.flatten();
    let Some(key) = key else {
        // The signature of somebody else stays as long as the document does.
        let stays = earlier.is_some_and(|signed| signed.document == document_bytes);
        return Ok(stored.filter(|_| stays).map_or(document_bytes, <[u8]>::to_vec));
    };
    let (name, now, valid_ms) = (id.to_string(), wall_clock_ms(), VALID_FOR.as_millis() as u64);
    let is_good = |signed: &SignedDocument| {
        let is_mine = key.public().verifies(&signed.statement(&name), &signed.signature);
        is_mine && signed.document == document_bytes && signed.expires > now + valid_ms / 2
    };
    if let Some(stored) = stored.filter(|_| earlier.as_ref().is_some_and(is_good)) {
        return Ok(stored.to_vec());
    }
    let mut signed = SignedDocument {
        queue: document.spec.job.queue.clone(),
        total,
        revision: earlier.map_or(0, |signed| signed.revision + 1).max(now),
        expires: now + valid_ms,
        signature: Vec::new(),
        document: document_bytes,
    };
    signed.signature = key.sign(&signed.statement(&name));
    signed.encode().map_err(unusable)
}
