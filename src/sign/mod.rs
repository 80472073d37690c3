//! Owns signatures of sweeps: keys, what is signed, and the keys that a worker trusts. Pure; [`crate::ops::sign`] reads and
//! writes the files.
//!
//! A signature is Ed25519 (RFC 8032) over the UTF-8 text of [`Statement::text`]. It says: the owner of the key wants this
//! document to run as this sweep, until then. Results are not signed.

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use thiserror::Error;

mod trusted;

pub use trusted::{TrustedKey, TrustedKeys, TrustedKeysError};

/// What stands before the hexadecimal digits of a public key.
const KIND: &str = "ed25519:";

/// A public key: 32 bytes, written as `ed25519:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads a key as it is written.
    pub fn parse(text: &str) -> Option<PublicKey> {
        decode_hex(text.strip_prefix(KIND)?).and_then(|bytes| bytes.try_into().ok()).map(PublicKey)
    }

    /// Whether a signature over a statement is of this key.
    pub fn verifies(&self, statement: &Statement<'_>, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(statement.text().as_bytes(), signature).is_ok()
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{KIND}{}", encode_hex(&self.0))
    }
}

/// A private key that cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The text is no private key.
    #[error("it is not a key that `sweep key new` wrote")]
    NoKey,
}

/// A private key with the name of its owner.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: [u8; 32],
    name: String,
}

impl SigningKey {
    /// Makes a key from 32 random bytes. `name` says for people whose it is: printable characters without blanks.
    ///
    /// # Errors
    /// If the library refuses the bytes, which it does for no 32 bytes.
    pub fn new(seed: [u8; 32], name: &str) -> Result<SigningKey, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeyError::NoKey)?;
        Ok(SigningKey { pair, seed, name: name.to_owned() })
    }

    /// The content of a key's file: one line `sweep-private-key NAME HEX`.
    pub fn to_text(&self) -> String {
        format!("sweep-private-key {} {}\n", self.name, encode_hex(&self.seed))
    }

    /// Reads the content of a key's file.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<SigningKey, KeyError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let ["sweep-private-key", name, seed] = words.as_slice() else { return Err(KeyError::NoKey) };
        let seed = decode_hex(seed).and_then(|bytes| bytes.try_into().ok()).ok_or(KeyError::NoKey)?;
        SigningKey::new(seed, name)
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(self.pair.public_key().as_ref()).for_each(|(to, from)| *to = *from);
        PublicKey(bytes)
    }

    /// The line for a file of trusted keys: `KEY NAME`.
    pub fn trusted_line(&self) -> String {
        format!("{} {}", self.public(), self.name)
    }

    /// Signs a statement. 64 bytes.
    pub fn sign(&self, statement: &Statement<'_>) -> Vec<u8> {
        self.pair.sign(statement.text().as_bytes()).as_ref().to_vec()
    }
}

/// What a signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The id of the sweep.
    pub sweep: &'a str,
    /// The queue.
    pub queue: &'a str,
    /// The number of points.
    pub total: u64,
    /// Grows when the document is replaced: when it was signed, milliseconds since 1970. A worker refuses an older one than it
    /// has seen.
    pub revision: u64,
    /// When the signature stops being valid, milliseconds since 1970.
    pub expires: u64,
    /// The document. It contains the random id of its submission, so no other sweep has the same.
    pub document: &'a [u8],
}

impl Statement<'_> {
    /// The text that is signed. The first line keeps signatures of other kinds apart. No field can contain a line break: ids
    /// and queues have restricted characters, and a document is present by its hash.
    fn text(&self) -> String {
        let Statement { sweep, queue, total, revision, expires, document } = self;
        let hash = blake3::hash(document).to_hex();
        format!(
            "sweep signature 1\nsweep {sweep:?}\nqueue {queue:?}\ntotal {total}\nrevision \
             {revision}\nexpires {expires}\ndocument {hash}\nfiles none\n"
        )
    }
}

fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of hexadecimal digits, two for each byte.
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
    let byte = |pair: &[u8]| Some(pair.first()? << 4 | pair.get(1)?);
    digits?.chunks(2).map(byte).collect()
}

/// A signature as hexadecimal digits.
pub fn signature_text(signature: &[u8]) -> String {
    encode_hex(signature)
}

/// The bytes of [`signature_text`].
pub fn signature_bytes(text: &str) -> Option<Vec<u8>> {
    decode_hex(text)
}

#[cfg(test)]
mod tests;
