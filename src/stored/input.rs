//! Owns the form in which the inputs of a sweep are stored: a path, and a text `FOUND STATE` or `FOUND STATE HASH`.
//!
//! FOUND is `command`, `watch`, `import` or `observed`; STATE is `file`, `folder` or `absent`; `file` and `folder` have a
//! HASH of 32 hexadecimal digits. A new word makes a sweep that has it one of a newer form, which an older version of
//! sweep leaves alone.

use thiserror::Error;

use super::UPDATE;
use crate::model::{FoundBy, Input, InputState};

/// A stored input that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", self.message())]
pub enum InputError {
    /// A newer version of sweep wrote it. Has the path.
    Newer(String),
    /// It has no form that any version wrote. Has the path.
    Damaged(String),
}

impl InputError {
    /// What happened.
    pub fn message(&self) -> String {
        match self {
            InputError::Newer(path) => format!(
                "a newer version of sweep recorded the input {path} in a form that this version ({}) does not know",
                env!("CARGO_PKG_VERSION")
            ),
            InputError::Damaged(path) => format!("the stored input {path} is damaged"),
        }
    }

    /// What to do.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            InputError::Newer(_) => Some(UPDATE),
            InputError::Damaged(_) => None,
        }
    }
}

/// The text of an input, without its path.
pub fn encode_input(input: &Input) -> String {
    let found_by = input.found_by.word();
    match &input.state {
        InputState::File(hash) => format!("{found_by} file {hash}"),
        InputState::Folder(hash) => format!("{found_by} folder {hash}"),
        InputState::Absent => format!("{found_by} absent"),
    }
}

/// Reads an input. What [`encode_input`] wrote reads back the same.
///
/// # Errors
/// If a newer version of sweep wrote it, or it is damaged.
pub fn decode_input(path: &str, text: &str) -> Result<Input, InputError> {
    let words: Vec<&str> = text.split(' ').collect();
    let hash = |hash: &str| {
        let is_hash = hash.len() == 32 && hash.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        is_hash.then(|| hash.to_owned()).ok_or_else(|| InputError::Damaged(path.to_owned()))
    };
    let (found_by, state) = match words.as_slice() {
        [found_by, "file", digits] => (found_by, InputState::File(hash(digits)?)),
        [found_by, "folder", digits] => (found_by, InputState::Folder(hash(digits)?)),
        [found_by, "absent"] => (found_by, InputState::Absent),
        [_, "file" | "folder"] | [] | [_] => return Err(InputError::Damaged(path.to_owned())),
        _ => return Err(InputError::Newer(path.to_owned())),
    };
    let known = [FoundBy::Command, FoundBy::Watch, FoundBy::Import, FoundBy::Observed];
    let found_by = known.into_iter().find(|known| known.word() == *found_by);
    let found_by = found_by.ok_or_else(|| InputError::Newer(path.to_owned()))?;
    Ok(Input { path: path.to_owned(), state, found_by })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn inputs_have_these_texts_for_ever() {
        let cases = [
            (InputState::File(HASH.into()), FoundBy::Command, "command file 00112233445566778899aabbccddeeff"),
            (InputState::Folder(HASH.into()), FoundBy::Watch, "watch folder 00112233445566778899aabbccddeeff"),
            (InputState::File(HASH.into()), FoundBy::Import, "import file 00112233445566778899aabbccddeeff"),
            (InputState::Absent, FoundBy::Observed, "observed absent"),
        ];
        for (state, found_by, text) in cases {
            let input = Input { path: "../a b/ü.py".into(), state, found_by };
            assert_eq!(encode_input(&input), text);
            assert_eq!(decode_input("../a b/ü.py", text), Ok(input));
        }
    }

    #[test]
    fn a_text_of_a_newer_version_is_told_from_a_damaged_one() {
        let (newer, damaged) = (Err(InputError::Newer("a".into())), Err(InputError::Damaged("a".into())));
        for text in ["observed socket", "guessed absent", "observed absent twice", &format!("observed file {HASH} 12")]
        {
            assert_eq!(decode_input("a", text), newer, "{text}");
        }
        for text in ["", "observed", "observed file", "observed file 12", "observed folder ../../etc", &HASH.repeat(9)]
        {
            assert_eq!(decode_input("a", text), damaged, "{text}");
        }
    }
}
