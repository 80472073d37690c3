//! Owns the form in which a submitted sweep is kept in the store: JSON with a version.

use serde::Deserialize;
use thiserror::Error;

use crate::model::Document;

/// The version of [`Document`]'s form. A document that has another is refused.
pub const VERSION: u32 = 2;

/// A document that cannot be written or read.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// It was written by a version of sweep that this one does not know.
    #[error(
        "the sweep was submitted by another version of sweep: its document has version {found}, and this one \
         ({}) reads version {VERSION}; use the version that submitted it",
        env!("CARGO_PKG_VERSION")
    )]
    UnknownVersion {
        /// The version it has.
        found: u64,
    },
    /// It is not a document.
    #[error("the sweep's document in the store is damaged: {0}")]
    Damaged(serde_json::Error),
    /// It cannot be written as JSON: `here` is not Unicode.
    #[error("the sweep cannot be stored: {0}")]
    NotText(serde_json::Error),
}

impl Document {
    /// The document as it is stored: UTF-8 JSON.
    ///
    /// # Errors
    /// If the path `here` is not Unicode.
    pub fn encode(&self) -> Result<Vec<u8>, DocumentError> {
        serde_json::to_vec(self).map_err(DocumentError::NotText)
    }

    /// Reads what [`Document::encode`] wrote; the very same document.
    ///
    /// # Errors
    /// If its version is another than this one's, or it is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Document, DocumentError> {
        #[derive(Deserialize)]
        struct Header {
            version: u64,
        }
        let header: Header = serde_json::from_slice(bytes).map_err(DocumentError::Damaged)?;
        if header.version != u64::from(VERSION) {
            return Err(DocumentError::UnknownVersion { found: header.version });
        }
        serde_json::from_slice(bytes).map_err(DocumentError::Damaged)
    }
}
