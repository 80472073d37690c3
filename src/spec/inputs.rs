//! Owns reading `[files]`: which files are input files besides those that the command names.

use std::ops::Range as Span;

use glob::Pattern;

use super::Diagnostic;
use super::files::Importer;
use super::keys::FILES;
use super::table_reader::TableReader;
use crate::model::FileSettings;

/// Reads `[files]`.
pub(super) fn read(top: TableReader, importer: Importer) -> FileSettings {
    let Some(files) = top.table("files") else { return FileSettings::default() };
    files.finish(&FILES);
    let watch = patterns(files, "watch");
    for (pattern, span) in &watch {
        if importer.files.find(pattern).is_ok_and(|found| found.is_empty()) {
            let found = Diagnostic::warning(format!("no file matches `{pattern}`"), span.clone());
            files.sink.push(found.help("patterns are relative to the sweep file's folder"));
        }
    }
    let texts = |patterns: Vec<(&str, Span<usize>)>| patterns.into_iter().map(|(text, _)| text.to_owned()).collect();
    FileSettings {
        watch: texts(watch),
        ignore: texts(patterns(files, "ignore")),
        root: root(files),
        observe: files.flag("observe").unwrap_or(true),
    }
}

/// The root of the project.
fn root(files: TableReader) -> Option<String> {
    let (root, span) = files.text("root")?;
    if root.is_empty() || root.contains('\0') {
        let found = Diagnostic::error("`root` is no path".to_owned(), span);
        files.sink.push(found.help("write a folder relative to the sweep file's, for example `root = \"..\"`"));
        return None;
    }
    Some(root.to_owned())
}

/// The valid patterns of a list.
fn patterns<'a>(files: TableReader<'a>, key: &str) -> Vec<(&'a str, Span<usize>)> {
    let mut read = files.texts(key).unwrap_or_default();
    read.retain(|(pattern, span)| {
        let why = Pattern::new(pattern).err();
        if let Some(why) = &why {
            let message = format!("invalid pattern `{pattern}`: {}", why.msg);
            let help = "`*` matches any part of a name, `?` one character, `[a-c]` one character of a range, `**` any \
                        folders";
            files.sink.push(Diagnostic::error(message, span.clone()).help(help));
        }
        why.is_none()
    });
    read
}
