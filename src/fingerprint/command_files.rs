//! Owns which words of a command may be the path of an input file.

use std::collections::BTreeSet;
use std::sync::Arc;

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
    let names: &Arc<[String]> = space.names();
    for point in (0..space.grid_len().min(GRID_POINTS)).map_while(|index| space.point(index)) {
        let context = JobContext { sweep: &spec.name, names, point: &point, attempt: 1, cpus: 1, here };
        // A point whose command cannot be rendered is never run.
        let Ok(argv) = template.argv(&context) else { continue };
        for (at, word) in argv.iter().enumerate() {
            // In `sh -c TEXT`, and with `shell = true`, the text has words of its own.
            if at == 2 && argv.get(1).is_some_and(|option| is_shell_option(option)) {
                words.extend(shell_words(word));
            } else {
                add(&mut words, word);
            }
        }
    }
    Ok(words)
}

/// Whether the next word is a script for a shell: `-c`, `-lc`.
fn is_shell_option(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
}

fn add(words: &mut BTreeSet<String>, word: &str) {
    let value = word.split_once('=').map(|(_, value)| value);
    for text in [Some(word), value].into_iter().flatten() {
        // Most words are numbers. Skipping them saves a file-system access each.
        if !text.is_empty() && !text.starts_with('-') && text.parse::<f64>().is_err() && !words.contains(text) {
            words.insert(text.to_owned());
        }
    }
}

/// The words of a shell script, without the targets of `>`: the script writes those files.
fn shell_words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let spaced = text.replace(';', " ; ").replace('>', " > ").replace('<', " < ").replace(['|', '(', ')', '&'], " ");
    let all = shlex::split(&spaced).unwrap_or_else(|| spaced.split_whitespace().map(str::to_owned).collect());
    let mut is_output = false;
    for word in all {
        match word.as_str() {
            ">" => is_output = true,
            "<" | ";" => {}
            _ if std::mem::take(&mut is_output) => {}
            // A quoted text may be a script too: `bash -c "python3 a.py"`.
            quoted if quoted.contains(char::is_whitespace) => words.extend(shell_words(quoted)),
            word => add(&mut words, word),
        }
    }
    words
}
