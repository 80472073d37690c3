//! Owns which names a parameter can have.

use super::reader::Entry;
use super::{Diagnostic, keys};
use crate::template::BUILT_IN;

/// Words that templates and expressions read as their own.
const LANGUAGE: [&str; 22] = [
    "true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else", "elif", "for",
    "endif", "endfor", "loop", "self", "super", "caller", "flags",
];

/// Functions of expressions.
const FUNCTIONS: [&str; 8] = ["sqrt", "exp", "log", "sin", "cos", "floor", "ceil", "pi"];

/// Columns of the table beside the parameters and the results.
const COLUMNS: [&str; 7] = ["status", "attempts", "seconds", "cpu_seconds", "max_rss_bytes", "exit_code", "host"];

/// What is wrong with a parameter's name, if something is.
pub(super) fn mistake(entry: &Entry) -> Option<Diagnostic> {
    let name = entry.key;
    let wrong = |message: String, help: String| Some(Diagnostic::error(message, entry.key_span.clone()).help(help));
    if keys::TOP.known.contains(&name) || keys::TOP.later.contains(&name) {
        let help = format!(
            "write `{name} = …` at the top of the file, above the first table; if it is meant as a parameter, give it \
             another name"
        );
        return wrong(format!("`{name}` is a setting of the sweep, not a parameter"), help);
    }
    if !is_identifier(name) {
        let message = format!("`{name}` cannot be the name of a parameter");
        return wrong(message, format!("names have letters (a to z), digits and `_`: `{}`", identifier_like(name)));
    }
    let other = format!("give it another name, for example `{name}_value`");
    if BUILT_IN.contains(&name) {
        return wrong(format!("`{name}` is a name that sweep itself gives to every job"), other);
    }
    if LANGUAGE.contains(&name) {
        return wrong(format!("`{name}` is a word of the template language"), other);
    }
    if FUNCTIONS.contains(&name) {
        return wrong(format!("`{name}` is a function in expressions"), other);
    }
    if COLUMNS.contains(&name) {
        return wrong(format!("`{name}` is a column of the table of results"), other);
    }
    None
}

fn is_identifier(name: &str) -> bool {
    name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// An identifier that looks like the name.
pub(super) fn identifier_like(name: &str) -> String {
    let mut like: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(100).collect();
    if !like.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        like.insert(0, 'p');
    }
    like
}
