//! Owns the form of a signed document: the document as text, inside a document that requires `signature`. So earlier
//! versions of sweep leave such a sweep to others.

use serde::{Deserialize, Serialize};

use super::document::{DocumentError, SIGNATURE, VERSION_WITH_REQUIREMENTS};
use crate::sign::{Statement, signature_bytes, signature_text};

/// A document with its signature. The id of the sweep, which the signature covers too, is not repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDocument {
    /// [`Statement::queue`].
    pub queue: String,
    /// [`Statement::total`].
    pub total: u64,
    /// [`Statement::revision`].
    pub revision: u64,
    /// [`Statement::expires`].
    pub expires: u64,
    /// The signature.
    pub signature: Vec<u8>,
    /// The document, as [`crate::model::Document::encode`] gives it.
    pub document: Vec<u8>,
}

/// The bytes in the store.
#[derive(Serialize, Deserialize)]
struct SignedForm {
    version: u64,
    requires: Vec<String>,
    sweep_version: String,
    signature: SignatureForm,
    document: String,
}

#[derive(Serialize, Deserialize)]
struct SignatureForm {
    queue: String,
    total: u64,
    revision: u64,
    expires: u64,
    ed25519: String,
}

/// What is read to find out whether a document is signed.
#[derive(Deserialize)]
struct Requirements {
    #[serde(default)]
    requires: Vec<String>,
}

impl SignedDocument {
    /// The bytes that are stored.
    ///
    /// # Errors
    /// If the document is no UTF-8.
    pub fn encode(&self) -> Result<Vec<u8>, DocumentError> {
        let damaged = |error: &dyn std::error::Error| DocumentError::Damaged(error.to_string());
        let form = SignedForm {
            version: VERSION_WITH_REQUIREMENTS,
            requires: vec![SIGNATURE.to_owned()],
            sweep_version: env!("CARGO_PKG_VERSION").to_owned(),
            signature: SignatureForm {
                queue: self.queue.clone(),
                total: self.total,
                revision: self.revision,
                expires: self.expires,
                ed25519: signature_text(&self.signature),
            },
            document: String::from_utf8(self.document.clone()).map_err(|error| damaged(&error))?,
        };
        serde_json::to_vec(&form).map_err(|error| damaged(&error))
    }

    /// Reads a stored document. None: it is not signed.
    ///
    /// # Errors
    /// If it is signed, but damaged.
    pub fn decode(bytes: &[u8]) -> Result<Option<SignedDocument>, DocumentError> {
        let damaged = |error: serde_json::Error| DocumentError::Damaged(error.to_string());
        let Requirements { requires } = serde_json::from_slice(bytes).map_err(damaged)?;
        if !requires.iter().any(|name| name == SIGNATURE) {
            return Ok(None);
        }
        let form: SignedForm = serde_json::from_slice(bytes).map_err(damaged)?;
        let SignatureForm { queue, total, revision, expires, ed25519 } = form.signature;
        let signature =
            signature_bytes(&ed25519).ok_or_else(|| DocumentError::Damaged("its signature is no number".into()))?;
        let document = form.document.into_bytes();
        Ok(Some(SignedDocument { queue, total, revision, expires, signature, document }))
    }

    /// What the signature says of a sweep.
    pub fn statement<'a>(&'a self, sweep: &'a str) -> Statement<'a> {
        let SignedDocument { queue, total, revision, expires, document, .. } = self;
        let (total, revision, expires) = (*total, *revision, *expires);
        Statement { sweep, queue, total, revision, expires, document }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Document;
    use crate::stored::earlier;

    #[test]
    fn a_signed_document_reads_back_and_reads_as_the_document_in_it() {
        for document in earlier::documents() {
            let signed = SignedDocument {
                queue: "gpu".into(),
                total: 7,
                revision: 2,
                expires: 5,
                signature: vec![0, 255],
                document: document.clone(),
            };
            let bytes = signed.encode().unwrap();
            assert_eq!(SignedDocument::decode(&bytes).unwrap().unwrap(), signed);
            assert_eq!(SignedDocument::decode(&document).unwrap(), None);
            assert_eq!(Document::decode(&bytes).unwrap(), Document::decode(&document).unwrap());
            // A signature around a signature is none that sweep made.
            let twice = SignedDocument { document: bytes, ..signed }.encode().unwrap();
            assert!(Document::decode(&twice).is_err());
        }
    }

    #[test]
    fn the_bytes_are_these() {
        let signed = SignedDocument {
            queue: "q".into(),
            total: 1,
            revision: 2,
            expires: 3,
            signature: vec![10],
            document: b"{\"version\":2}".to_vec(),
        };
        let expected = format!(
            r#"{{"version":3,"requires":["signature"],"sweep_version":"{}","signature":{{"queue":"q","total":1,"revision":2,"expires":3,"ed25519":"0a"}},"document":"{{\"version\":2}}"}}"#,
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(String::from_utf8(signed.encode().unwrap()).unwrap(), expected);
    }
}
