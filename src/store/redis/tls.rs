//! Owns the certificate with which this machine shows a server who it is.

use std::path::{Path, PathBuf};

use redis::{ClientTlsConfig, TlsCertificates};

use crate::store::{Result, StoreError, StoreErrorKind};

/// The variable that names the file with the client certificate, PEM.
const CERTIFICATE: &str = "SWEEP_TLS_CERT";

/// The variable that names the file with its private key, PEM.
const KEY: &str = "SWEEP_TLS_KEY";

/// The client certificate of this machine; none: it has none.
///
/// # Errors
/// `BadAddress` if only one of the two variables is set, or a file cannot be read.
pub(super) fn client_certificate() -> Result<Option<TlsCertificates>> {
    let named = |variable| std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    match (named(CERTIFICATE), named(KEY)) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            let client_tls =
                ClientTlsConfig { client_cert: read(CERTIFICATE, &certificate)?, client_key: read(KEY, &key)? };
            Ok(Some(TlsCertificates { client_tls: Some(client_tls), root_cert: None }))
        }
        (certificate, _) => {
            let (set, unset) = if certificate.is_some() { (CERTIFICATE, KEY) } else { (KEY, CERTIFICATE) };
            Err(bad(format!("{set} is set and {unset} is not"), "set both, or neither".into()))
        }
    }
}

/// Whether this machine has a client certificate.
pub(super) fn is_set() -> bool {
    std::env::var_os(CERTIFICATE).is_some_and(|path| !path.is_empty())
}

fn read(variable: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        bad(format!("{} ({variable}) cannot be read: {error}", path.display()), format!("correct or unset {variable}"))
    })
}

fn bad(message: String, remedy: String) -> StoreError {
    StoreError::new(StoreErrorKind::BadAddress, message).remedy(remedy)
}
