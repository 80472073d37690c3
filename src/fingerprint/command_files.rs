//! Owns which words of a command may be the path of an input file.

use std::collections::BTreeSet;

use super::{FingerprintError, GRID_POINTS};
use crate::model::Spec;
use crate::space::Space;
use crate::template::{JobContext, JobTemplate};

/// The words of the commands at the first [`GRID_POINTS`] grid points that may be paths, and for `--option=PATH` the
/// part after the `=`.
///
/// # Errors
/// If the templates do not compile.
pub(super) fn candidates(spec: &Spec, space: &Space, here: &str) -> Result<BTreeSet<String>, FingerprintError> {
    let mut words = BTreeSet::new();
    let template = JobTemplate::compile(spec).map_err(|errors| {
        let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
        FingerprintError::Template(messages.join("; "))
    })?;
    for index in 0..space.grid_len().min(GRID_POINTS) {
        let Some(point) = space.point(index) else { break };
        let context = JobContext { sweep: &spec.name, names: space.names(), point: &point, attempt: 1, cpus: 1, here };
        // A point whose command cannot be rendered is never run.
        let Ok(argv) = template.argv(&context) else { continue };
        words.extend(possible_paths(&argv).into_iter().map(|possible| possible.text));
    }
    Ok(words)
}

/// A word of a command that may be a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PossiblePath {
    /// Which of the command's words it is: the same for all points, unless words are left out at some.
    pub place: usize,
    /// The word.
    pub text: String,
}

/// The words of a command that may be paths, and for `--option=PATH` the part after the `=`. The text after `-c` is a
/// shell script with words of its own.
pub fn possible_paths(argv: &[String]) -> Vec<PossiblePath> {
    let mut found = Vec::new();
    let mut place = 0;
    for (at, word) in argv.iter().enumerate() {
        // In `sh -c TEXT`, and with `shell = true`, the text has words of its own.
        if at == 2 && argv.get(1).is_some_and(|option| is_shell_option(option)) {
            add_script(&mut found, &mut place, word);
        } else {
            add(&mut found, &mut place, word);
        }
    }
    found
}

/// Whether the next word is a script for a shell: `-c`, `-lc`.
fn is_shell_option(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
}

fn add(found: &mut Vec<PossiblePath>, place: &mut usize, word: &str) {
    let value = word.split_once('=').map(|(_, value)| value);
    for text in [Some(word), value].into_iter().flatten() {
        // Most words are numbers. Skipping them saves a file-system access each.
        if !text.is_empty() && !text.starts_with('-') && text.parse::<f64>().is_err() {
            found.push(PossiblePath { place: *place, text: text.to_owned() });
        }
    }
    *place += 1;
}

/// Adds the words of a shell script, without the targets of `>`: the script writes those files.
fn add_script(found: &mut Vec<PossiblePath>, place: &mut usize, text: &str) {
    let spaced = text.replace(';', " ; ").replace('>', " > ").replace('<', " < ").replace(['|', '(', ')', '&'], " ");
    let all = shlex::split(&spaced).unwrap_or_else(|| spaced.split_whitespace().map(str::to_owned).collect());
    let mut is_output = false;
    for word in all {
        match word.as_str() {
            ">" => is_output = true,
            "<" | ";" => {}
            _ if std::mem::take(&mut is_output) => {}
            // A quoted text may be a script too: `bash -c "python3 a.py"`.
            quoted if quoted.contains(char::is_whitespace) => add_script(found, place, quoted),
            word => add(found, place, word),
        }
    }
}
