//! Owns the causes of failed attempts, and the patterns that select causes (`retry-on`, `sweep retry --cause`). Pure.

use std::fmt;
use std::str::FromStr;

use super::MAX_LOSSES;
use crate::human::bytes;
use crate::value::Value;

/// Why an attempt failed.
///
/// To add one: a kind in [`Cause::kind`] and [`CausePattern::KINDS`], its words in `Display`, and its stored form in
/// `stored/record/cause.rs`. Stored records need no new format.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// The process exited with a code other than 0.
    Exit(i32),
    /// A signal ended the process; the signal's number.
    Signal(i32),
    /// It ran longer than `[job] timeout` and was ended.
    Timeout {
        /// The time-out, seconds.
        seconds: f64,
        /// The results that it had printed or written until then. They are no success.
        partial: Vec<(String, Value)>,
    },
    /// It exited with 0, but without the results that `[results]` asks for; the text says which or why.
    NoResult(String),
    /// It could not be started; the text says why and what to do.
    CannotStart(String),
    /// A panic in sweep while it handled the attempt; the text says which.
    InternalError(String),
    /// Its workers were lost [`MAX_LOSSES`] times while it ran.
    LostTooOften,
    /// All its processes together used more memory than `[job] memory`, and it was ended.
    Memory {
        /// The limit, bytes.
        limit: u64,
        /// The memory in use when it was noticed, bytes.
        used: u64,
    },
    /// A newer version of sweep recorded a cause that this version does not know.
    Unknown(Box<UnknownCause>),
}

/// What is stored of a cause that this version of sweep does not know. It is written back unchanged.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownCause {
    /// The name of its kind.
    pub kind: String,
    /// Its whole numbers.
    pub whole: Vec<i64>,
    /// Its doubles.
    pub doubles: Vec<f64>,
    /// Its texts.
    pub texts: Vec<String>,
}

impl fmt::Display for UnknownCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        self.texts.iter().try_for_each(|text| write!(f, ": {text}"))?;
        write!(f, " (recorded by a newer version of sweep)")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Exit(code) => write!(f, "exit code {code}"),
            // Nobody here ended it. The kernel does, when the machine has no memory left.
            Cause::Signal(libc::SIGKILL) => {
                write!(f, "ended by signal 9 (SIGKILL), not by sweep; perhaps the machine had no memory left")
            }
            Cause::Signal(number) => match signal_hook::low_level::signal_name(*number) {
                Some(name) => write!(f, "ended by signal {number} ({name})"),
                None => write!(f, "ended by signal {number}"),
            },
            Cause::Timeout { seconds, .. } => write!(f, "took longer than the time-out of {seconds} s"),
            Cause::NoResult(why) => write!(f, "no result: {why}"),
            Cause::CannotStart(why) => write!(f, "cannot start: {why}"),
            Cause::InternalError(what) => write!(f, "internal error in sweep ({what}); please report this"),
            Cause::LostTooOften => write!(f, "its workers were lost {MAX_LOSSES} times while it ran"),
            Cause::Memory { limit, used } => {
                write!(f, "used {} of memory, more than its limit of {}", bytes(*used), bytes(*limit))
            }
            Cause::Unknown(unknown) => unknown.fmt(f),
        }
    }
}

impl Cause {
    /// The name of its kind, as patterns and stored records have it. It never changes.
    pub fn kind(&self) -> &str {
        match self {
            Cause::Exit(_) => "exit",
            Cause::Signal(_) => "signal",
            Cause::Timeout { .. } => "timeout",
            Cause::NoResult(_) => "no-result",
            Cause::CannotStart(_) => "cannot-start",
            Cause::InternalError(_) => "internal-error",
            Cause::LostTooOften => "lost",
            Cause::Memory { .. } => "memory",
            Cause::Unknown(unknown) => &unknown.kind,
        }
    }

    /// A time-out without results.
    pub fn timeout(seconds: f64) -> Cause {
        Cause::Timeout { seconds, partial: Vec::new() }
    }

    /// The results of an attempt that was ended before it could succeed.
    pub fn partial(&self) -> &[(String, Value)] {
        if let Cause::Timeout { partial, .. } = self { partial } else { &[] }
    }

    /// The narrowest pattern that selects it.
    pub fn pattern(&self) -> CausePattern {
        CausePattern { kind: self.kind().to_owned(), number: self.number() }
    }

    fn number(&self) -> Option<i32> {
        match self {
            Cause::Exit(number) | Cause::Signal(number) => Some(*number),
            _ => None,
        }
    }
}

/// A selection of causes: a kind (`timeout`), or one exit code or signal by its number (`exit:75`, `signal:9`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CausePattern {
    kind: String,
    number: Option<i32>,
}

impl CausePattern {
    /// The kinds of causes.
    pub const KINDS: [&str; 8] =
        ["exit", "signal", "timeout", "memory", "no-result", "cannot-start", "internal-error", "lost"];

    /// The pattern of a kind and a number, as a sweep's document stores them. A kind that is not among
    /// [`CausePattern::KINDS`] is accepted.
    pub fn from_parts(kind: String, number: Option<i32>) -> CausePattern {
        CausePattern { kind, number }
    }

    /// The kind and the number.
    pub fn parts(&self) -> (&str, Option<i32>) {
        (&self.kind, self.number)
    }

    /// Whether it selects a cause.
    pub fn matches(&self, cause: &Cause) -> bool {
        self.kind == cause.kind() && (self.number.is_none() || self.number == cause.number())
    }
}

impl fmt::Display for CausePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "{}:{number}", self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}

/// A text that is not a cause pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {help}")]
pub struct InvalidCausePattern {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl FromStr for CausePattern {
    type Err = InvalidCausePattern;

    fn from_str(text: &str) -> Result<Self, InvalidCausePattern> {
        let (kind, number) = text.split_once(':').map_or((text, None), |(kind, number)| (kind, Some(number)));
        let invalid = |message: String| InvalidCausePattern {
            message,
            help: format!(
                "the causes are {}; for one exit code or signal write `exit:75` or `signal:9`",
                CausePattern::KINDS.join(", ")
            ),
        };
        if !CausePattern::KINDS.contains(&kind) {
            return Err(invalid(format!("unknown cause `{kind}`")));
        }
        let number = match number {
            None => None,
            Some(_) if !matches!(kind, "exit" | "signal") => {
                return Err(invalid(format!("`{kind}` has no number")));
            }
            Some(number) => Some(number.parse().map_err(|_| invalid(format!("`{number}` is not a number")))?),
        };
        Ok(CausePattern { kind: kind.to_owned(), number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_read_back_and_match_their_kind_and_number() {
        let causes = [
            Cause::Exit(75),
            Cause::Signal(9),
            Cause::timeout(1.0),
            Cause::NoResult("x".into()),
            Cause::CannotStart("x".into()),
            Cause::InternalError("x".into()),
            Cause::LostTooOften,
            Cause::Memory { limit: 1, used: 2 },
        ];
        let matching = |text: &str| -> Vec<bool> {
            let pattern: CausePattern = text.parse().unwrap();
            assert_eq!(pattern.to_string(), text);
            causes.iter().map(|cause| pattern.matches(cause)).collect()
        };
        for kind in CausePattern::KINDS {
            assert_eq!(matching(kind).into_iter().filter(|yes| *yes).count(), 1, "{kind}");
        }
        assert!(matching("exit:75")[0] && matching("signal:9")[1]);
        assert!(!matching("exit:1").contains(&true));
        for (text, told) in [("oom", "unknown cause `oom`"), ("memory:3", "has no number"), ("exit:x", "`x`")] {
            let why = text.parse::<CausePattern>().unwrap_err();
            assert!(why.message.contains(told) && why.help.contains("no-result"), "{why:?}");
        }
    }

    #[test]
    fn causes_are_said_in_words() {
        let memory = Cause::Memory { limit: 2 << 30, used: 3 << 30 };
        assert_eq!(memory.to_string(), "used 3.00 GiB of memory, more than its limit of 2.00 GiB");
        assert_eq!(Cause::Signal(11).to_string(), "ended by signal 11 (SIGSEGV)");
    }
}
