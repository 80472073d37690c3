//! Owns the file of trusted keys: one key a line, `KEY NAME [queues=A,B] [expires=2027-01-31]`, as `sweep key new` prints it.
//! Empty lines and lines that begin with `#` are skipped.

use thiserror::Error;

use super::{PublicKey, Statement};

/// A key that a worker trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// Whose it is.
    pub name: String,
    /// The queues for which it may sign. None: all.
    pub queues: Option<Vec<String>>,
    /// When it stops being trusted, milliseconds since 1970. None: never.
    pub expires: Option<u64>,
}

/// The keys that a worker trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedKeys(Vec<TrustedKey>);

/// A file of trusted keys that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {why}")]
pub struct TrustedKeysError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl TrustedKeys {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// The first line that is none of the form.
    pub fn parse(text: &str) -> Result<TrustedKeys, TrustedKeysError> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
        let key = |(line, text)| parse_line(text).map_err(|why| TrustedKeysError { line, why });
        lines.map(key).collect::<Result<_, _>>().map(TrustedKeys)
    }

    /// The owner of the key that signed a statement, if that key may do so now.
    ///
    /// # Errors
    /// If no trusted key signed it, or the key or the signature has expired, or the key is not for this queue; in words.
    pub fn check(&self, statement: &Statement<'_>, signature: &[u8], now_ms: u64) -> Result<&str, String> {
        let Some(key) = self.0.iter().find(|key| key.key.verifies(statement, signature)) else {
            return Err("no key that this worker trusts has signed it as it is in the store".into());
        };
        let name = key.name.as_str();
        if key.expires.is_some_and(|expires| now_ms >= expires) {
            Err(format!("the trust in the key of {name} has expired"))
        } else if now_ms >= statement.expires {
            Err(format!("the signature of {name} has expired"))
        } else if key.queues.as_ref().is_some_and(|queues| !queues.iter().any(|queue| queue == statement.queue)) {
            Err(format!("the key of {name} is not trusted for the queue `{}`", statement.queue))
        } else {
            Ok(name)
        }
    }
}

fn parse_line(text: &str) -> Result<TrustedKey, String> {
    let mut words = text.split_whitespace();
    let key =
        words.next().and_then(PublicKey::parse).ok_or("it must begin with `ed25519:` and 64 hexadecimal digits")?;
    let name = words.next().ok_or("the name after the key is missing")?.to_owned();
    let mut trusted = TrustedKey { key, name, queues: None, expires: None };
    for word in words {
        match word.split_once('=') {
            Some(("queues", queues)) => trusted.queues = Some(queues.split(',').map(str::to_owned).collect()),
            Some(("expires", date)) => trusted.expires = Some(start_of_day(date)?),
            _ => return Err(format!("`{word}` is unknown; write `queues=A,B` or `expires=2027-01-31`")),
        }
    }
    Ok(trusted)
}

/// The first moment of a day in UTC, milliseconds since 1970.
fn start_of_day(date: &str) -> Result<u64, String> {
    let wrong = |_| format!("`{date}` is not a date; write it like 2027-01-31");
    let date: jiff::civil::Date = date.parse().map_err(wrong)?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(wrong)?;
    Ok(u64::try_from(start.timestamp().as_millisecond()).unwrap_or(0))
}
