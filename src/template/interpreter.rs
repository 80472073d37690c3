//! Owns finding values in text that an interpreter reads as a program: `sh -c '… {{ x }} …'`, `python3 -c`, `Rscript -e`.

use std::ops::Range;

use super::segments::{Segment, Segments};
use super::split::split;
use super::tags::{Role, Tag, TagKind, idents};
use crate::model::Command;

/// A value in text that an interpreter reads as a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterpretedValue {
    /// The element of a command that is an array; none: the command is one text.
    pub word: Option<usize>,
    /// The place of the tag, in bytes of the text or element.
    pub at: Range<usize>,
    /// The names in the tag.
    pub names: Vec<String>,
    /// The interpreter as written.
    pub interpreter: String,
    /// What kind it is.
    pub kind: InterpreterKind,
}

/// How values can be passed to an interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterpreterKind {
    /// `sh` and the like.
    Shell,
    /// `python3`.
    Python,
    /// `Rscript`.
    R,
    /// Any other one.
    Other,
}

/// The kind of an interpreter, and the options before a program text. None: it is no interpreter.
fn interpreter(name: &str) -> Option<(InterpreterKind, &'static [&'static str])> {
    let base = name.rsplit('/').next()?.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    Some(match base {
        "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash" | "fish" => (InterpreterKind::Shell, &["-c"]),
        "python" | "pypy" => (InterpreterKind::Python, &["-c"]),
        "Rscript" | "R" => (InterpreterKind::R, &["-e"]),
        "perl" | "ruby" | "lua" | "julia" => (InterpreterKind::Other, &["-e", "-E", "-ne", "-pe"]),
        "node" | "octave" | "octave-cli" => (InterpreterKind::Other, &["-e", "-p", "--eval"]),
        "php" | "matlab" => (InterpreterKind::Other, &["-r", "-batch"]),
        _ => return None,
    })
}

/// A word: the text that it is a part of, the element of an array, and its parts.
type Word<'a> = (&'a str, Option<usize>, Segments);

/// The values in text that an interpreter reads, without those that a filter makes safe. A command that cannot be split has
/// none.
pub fn interpreted_values(command: &Command) -> Vec<InterpretedValue> {
    let words: Vec<Word> = match command {
        Command::Text(text) => {
            split(text).unwrap_or_default().into_iter().map(|word| (text.as_str(), None, word.segments)).collect()
        }
        Command::Words(words) => {
            let read = |(i, word): (usize, &'_ String)| Some((i, Segments::of(word).ok()?));
            let read = words.iter().enumerate().map(read).zip(words);
            read.filter_map(|(read, word)| read.map(|(i, segments)| (word.as_str(), Some(i), segments))).collect()
        }
    };
    let mut found = Vec::new();
    for (at, (_, _, segments)) in words.iter().enumerate() {
        let Some(name) = literal(segments) else { continue };
        let Some((kind, options)) = interpreter(name) else { continue };
        for (written, word, code) in programs(words.get(at + 1..).unwrap_or_default(), kind, options) {
            let unsafe_tags = code.tags().filter(|tag| tag.kind == TagKind::Value && !is_made_safe(written, tag));
            found.extend(unsafe_tags.map(|tag| InterpretedValue {
                word: *word,
                at: tag.range.clone(),
                names: names(written, tag),
                interpreter: name.to_owned(),
                kind,
            }));
        }
    }
    found
}

/// The words after an interpreter that are programs.
fn programs<'a, 'b>(words: &'a [Word<'b>], kind: InterpreterKind, options: &[&str]) -> Vec<&'a Word<'b>> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = literal(&word.2).unwrap_or("");
        // `bash -lc`, `python3 -uc`.
        let is_joined = matches!(kind, InterpreterKind::Shell | InterpreterKind::Python)
            && text.starts_with('-')
            && !text.starts_with("--")
            && text.ends_with('c');
        if is_joined || options.contains(&text) {
            found.extend(words.next());
            if kind != InterpreterKind::R {
                break;
            }
        } else if !text.starts_with(['-', '+']) {
            break;
        }
    }
    found
}

/// The text of a word without tags.
fn literal(segments: &Segments) -> Option<&str> {
    match segments.0.as_slice() {
        [Segment::Literal(text, _)] => Some(text),
        _ => None,
    }
}

fn is_made_safe(written: &str, tag: &Tag) -> bool {
    let mut filters = idents(written, tag).into_iter().filter(|ident| ident.role == Role::Filter);
    filters.any(|ident| matches!(written.get(ident.range), Some("quote" | "tojson" | "int" | "float")))
}

fn names(written: &str, tag: &Tag) -> Vec<String> {
    let names = idents(written, tag).into_iter().filter(|ident| ident.role == Role::Name);
    names.filter_map(|ident| written.get(ident.range).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_an_interpreter_reads_are_found() {
        let found = |text: &str| -> Vec<String> {
            let values = interpreted_values(&Command::Text(text.into()));
            values.into_iter().map(|value| format!("{} {}", value.interpreter, &text[value.at])).collect()
        };
        assert_eq!(found("sh -c 'echo {{ x }}'"), ["sh {{ x }}"]);
        let both = ["/bin/bash {{ x }}", "/bin/bash {{ y }}"];
        assert_eq!(found("srun /bin/bash -e -lc \"a {{ x }} {{ y }}\" b {{ z }}"), both);
        assert_eq!(found("python3.11 -u -c 'print({{ x | tojson }}, {{ y }})'"), ["python3.11 {{ y }}"]);
        assert_eq!(found("Rscript -e 'a' -e '{{ x }}'"), ["Rscript {{ x }}"]);
        for safe in [
            "sh run.sh {{ x }}",
            "sh -c 'echo $0' {{ x }}",
            "bash -lc 'echo {{ x | quote }}'",
            "python3 train.py -c {{ x }}",
            "echo -c {{ x }}",
        ] {
            assert_eq!(found(safe), Vec::<String>::new(), "{safe}");
        }
        let words = ["bash", "-lc", "prog {{ x }}"].map(str::to_owned).to_vec();
        let values = interpreted_values(&Command::Words(words));
        assert_eq!(values.iter().map(|value| (value.word, value.at.clone())).collect::<Vec<_>>(), [(Some(2), 5..12)]);
    }
}
