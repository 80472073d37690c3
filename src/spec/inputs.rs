//! Owns `[files]`: which files count as inputs of the jobs beside those that the command names.

use std::ops::Range as Span;

use glob::{MatchOptions, Pattern};
use serde::{Deserialize, Serialize};

use super::Diagnostic;
use super::files::Sources;
use super::keys::FILES;
use super::reader::Reader;

/// `[files]`: globs relative to the sweep file's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSettings {
    /// Files whose content is part of the fingerprint.
    pub watch: Vec<String>,
    /// Files that are no part of it, although a word of the command names them: what the jobs themselves write.
    pub ignore: Vec<String>,
}

impl FileSettings {
    /// Whether a pattern of those that are watched fits a file, be it there or not.
    pub fn watches(&self, path: &str) -> bool {
        let by_folder = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
        let patterns = self.watch.iter().filter_map(|pattern| Pattern::new(bare(pattern)).ok());
        patterns.into_iter().any(|pattern| pattern.matches_with(path, by_folder))
    }

    /// Whether a file is left out of the fingerprint.
    pub fn ignores(&self, path: &str) -> bool {
        // Patterns were checked when the file was read; one that is none ignores nothing.
        self.ignore.iter().filter_map(|pattern| Pattern::new(bare(pattern)).ok()).any(|pattern| pattern.matches(path))
    }
}

/// A path or a pattern without the `./` that may stand before it.
pub(super) fn bare(path: &str) -> &str {
    path.trim_start_matches("./")
}

/// Reads `[files]`.
pub(super) fn read(top: Reader, sources: Sources) -> FileSettings {
    let Some(files) = top.table("files") else { return FileSettings::default() };
    files.finish(&FILES);
    let watch = patterns(files, "watch");
    for (pattern, span) in &watch {
        if sources.files.find(pattern).is_ok_and(|found| found.is_empty()) {
            let found = Diagnostic::warning(format!("no file is named like `{pattern}`"), span.clone());
            files.sink.push(found.help("patterns are relative to the folder of the sweep file"));
        }
    }
    let texts = |patterns: Vec<(&str, Span<usize>)>| patterns.into_iter().map(|(text, _)| text.to_owned()).collect();
    FileSettings { watch: texts(watch), ignore: texts(patterns(files, "ignore")) }
}

/// A list of patterns, those that can be used.
fn patterns<'a>(files: Reader<'a>, key: &str) -> Vec<(&'a str, Span<usize>)> {
    let mut read = files.texts(key).unwrap_or_default();
    read.retain(|(pattern, span)| {
        let why = Pattern::new(pattern).err();
        if let Some(why) = &why {
            let message = format!("the pattern `{pattern}` cannot be used: {}", why.msg);
            let help = "`*` stands for any part of a name, `?` for one character, `[a-c]` for one of some, `**` for any \
                        folders";
            files.sink.push(Diagnostic::error(message, span.clone()).help(help));
        }
        why.is_none()
    });
    read
}
