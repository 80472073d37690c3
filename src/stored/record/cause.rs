//! Owns the stored forms of a failure's cause.
//!
//! In format 4 a cause is open: the name of its kind, and its numbers and texts. A new [`Cause`] needs no new format.
//! Give it an arm in each of the two functions of [`OpenCause`] here, and an example in the tests. A version of sweep
//! that does not know the kind reads it as [`Cause::Unknown`], shows it, and writes it back unchanged.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::job::{Cause, UnknownCause};
use crate::value::Value;

/// A form of a cause.
pub(super) trait CauseForm: DeserializeOwned {
    fn into_cause(self) -> Cause;
}

/// The form of format 3: one variant for each kind. Closed; nothing is added here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum ClosedCause {
    Exit(i32),
    Signal(i32),
    Timeout(f64),
    NoResult(String),
    CannotStart(String),
    LostTooOften,
    Memory { limit: u64, used: u64 },
}

impl CauseForm for ClosedCause {
    fn into_cause(self) -> Cause {
        match self {
            ClosedCause::Exit(code) => Cause::Exit(code),
            ClosedCause::Signal(number) => Cause::Signal(number),
            ClosedCause::Timeout(seconds) => Cause::timeout(seconds),
            ClosedCause::NoResult(why) => Cause::NoResult(why),
            ClosedCause::CannotStart(why) => Cause::CannotStart(why),
            ClosedCause::LostTooOften => Cause::LostTooOften,
            ClosedCause::Memory { limit, used } => Cause::Memory { limit, used },
        }
    }
}

/// The form of format 4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct OpenCause {
    /// As in `sweep retry --cause`.
    kind: String,
    /// Whole numbers; 64 bits without a sign are kept in 64 bits with one.
    whole: Vec<i64>,
    doubles: Vec<f64>,
    texts: Vec<String>,
}

impl From<&Cause> for OpenCause {
    fn from(cause: &Cause) -> OpenCause {
        let (whole, doubles, texts) = match cause {
            Cause::Exit(number) | Cause::Signal(number) => (vec![i64::from(*number)], vec![], vec![]),
            Cause::Timeout { seconds, partial } => timeout(*seconds, partial),
            Cause::NoResult(text) | Cause::CannotStart(text) | Cause::InternalError(text) => {
                (vec![], vec![], vec![text.clone()])
            }
            Cause::LostTooOften => (vec![], vec![], vec![]),
            Cause::Memory { limit, used } => (vec![limit.cast_signed(), used.cast_signed()], vec![], vec![]),
            Cause::Unknown(unknown) => (unknown.whole.clone(), unknown.doubles.clone(), unknown.texts.clone()),
        };
        OpenCause { kind: cause.kind().to_owned(), whole, doubles, texts }
    }
}

impl CauseForm for OpenCause {
    fn into_cause(self) -> Cause {
        let OpenCause { kind, whole, doubles, texts } = self;
        let small = |number: i64| i32::try_from(number).ok();
        let known = match (kind.as_str(), whole.as_slice(), doubles.as_slice(), texts.as_slice()) {
            ("exit", [code], [], []) => small(*code).map(Cause::Exit),
            ("signal", [number], [], []) => small(*number).map(Cause::Signal),
            ("timeout", whole, [seconds, doubles @ ..], texts) => {
                partial(whole, doubles, texts).map(|partial| Cause::Timeout { seconds: *seconds, partial })
            }
            ("no-result", [], [], [why]) => Some(Cause::NoResult(why.clone())),
            ("cannot-start", [], [], [why]) => Some(Cause::CannotStart(why.clone())),
            ("internal-error", [], [], [what]) => Some(Cause::InternalError(what.clone())),
            ("lost", [], [], []) => Some(Cause::LostTooOften),
            ("memory", [limit, used], [], []) => {
                Some(Cause::Memory { limit: limit.cast_unsigned(), used: used.cast_unsigned() })
            }
            _ => None,
        };
        known.unwrap_or(Cause::Unknown(Box::new(UnknownCause { kind, whole, doubles, texts })))
    }
}

/// The numbers and texts of a time-out. Each partial result is two texts: its name, and what its value is, `int`, `double`,
/// `true`, `false`, `missing`, or `text:` and the text. The numbers of results follow in the lists of numbers.
fn timeout(seconds: f64, partial: &[(String, Value)]) -> (Vec<i64>, Vec<f64>, Vec<String>) {
    let (mut whole, mut doubles, mut texts) = (vec![], vec![seconds], vec![]);
    for (name, value) in partial {
        let kind = match value {
            Value::Int(number) => {
                whole.push(*number);
                "int".to_owned()
            }
            Value::Float(number) => {
                doubles.push(*number);
                "double".to_owned()
            }
            Value::Bool(flag) => flag.to_string(),
            Value::Missing => "missing".to_owned(),
            other => format!("text:{other}"),
        };
        texts.extend([name.clone(), kind]);
    }
    (whole, doubles, texts)
}

/// The partial results of a time-out. None: a newer version of sweep wrote them otherwise.
fn partial(whole: &[i64], doubles: &[f64], texts: &[String]) -> Option<Vec<(String, Value)>> {
    let (mut whole, mut doubles) = (whole.iter(), doubles.iter());
    let (pairs, rest) = texts.as_chunks::<2>();
    let mut results = Vec::with_capacity(pairs.len());
    for [name, kind] in pairs {
        let value = match kind.as_str() {
            "int" => Value::Int(*whole.next()?),
            "double" => Value::Float(*doubles.next()?),
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "missing" => Value::Missing,
            text => Value::Text(text.strip_prefix("text:")?.to_owned()),
        };
        results.push((name.clone(), value));
    }
    (rest.is_empty() && whole.next().is_none() && doubles.next().is_none()).then_some(results)
}
