//! Owns the rules for names of parameters.

use super::table_reader::Entry;
use super::{Diagnostic, keys};
use crate::expr;
use crate::template::BUILT_IN;

/// Keywords of templates and expressions.
const LANGUAGE: [&str; 22] = [
    "true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else", "elif", "for",
    "endif", "endfor", "loop", "self", "super", "caller", "flags",
];

/// Columns of the results table besides parameters and results.
const COLUMNS: [&str; 8] =
    ["randomization", "status", "attempts", "seconds", "cpu_seconds", "max_rss_bytes", "exit_code", "host"];

/// Whether a name is reserved for a column of the results table.
pub(super) fn is_column(name: &str) -> bool {
    COLUMNS.contains(&name) || ["job", "draw", "repeat", "seed"].contains(&name)
}

/// What is wrong with the name of a parameter in the sweep file. None: nothing.
pub(super) fn mistake(entry: &Entry) -> Option<Diagnostic> {
    let name = entry.key;
    let why = unfit(name)?;
    let help = match why {
        Unfit::Setting => format!(
            "write `{name} = …` at the top of the file, above the first table; if you mean a parameter, choose another \
             name"
        ),
        Unfit::Form => format!("use letters (a to z), digits and `_`, for example `{}`", identifier_like(name)),
        _ => format!("choose another name, for example `{name}_value`"),
    };
    Some(Diagnostic::error(why.message(name), entry.key_span.clone()).help(help))
}

/// Why a name cannot be the name of a parameter.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Unfit {
    Setting,
    Form,
    BuiltIn,
    Language,
    Function,
    Column,
}

impl Unfit {
    pub fn message(self, name: &str) -> String {
        match self {
            Unfit::Setting => format!("`{name}` is a setting of the sweep, not a parameter"),
            Unfit::Form => format!("`{name}` cannot be the name of a parameter"),
            Unfit::BuiltIn => format!("`{name}` is reserved: sweep defines it for every job"),
            Unfit::Language => format!("`{name}` is a keyword of the template language"),
            Unfit::Function => format!("`{name}` is a function in expressions"),
            Unfit::Column => format!("`{name}` is a column of every results table"),
        }
    }
}

/// Why a name cannot be the name of a parameter. None: it can.
pub(super) fn unfit(name: &str) -> Option<Unfit> {
    let reasons = [
        (keys::TOP.known.contains(&name) || keys::TOP.later.contains(&name), Unfit::Setting),
        (!is_identifier(name), Unfit::Form),
        (BUILT_IN.contains(&name), Unfit::BuiltIn),
        (LANGUAGE.contains(&name), Unfit::Language),
        (expr::NAMES.contains(&name), Unfit::Function),
        (COLUMNS.contains(&name), Unfit::Column),
    ];
    reasons.into_iter().find(|(is_so, _)| *is_so).map(|(_, why)| why)
}

fn is_identifier(name: &str) -> bool {
    name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A valid name that resembles the given one.
pub(super) fn identifier_like(name: &str) -> String {
    let mut like: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(100).collect();
    if !like.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        like.insert(0, 'p');
    }
    like
}
