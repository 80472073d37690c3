//! Owns one source of results: its settings compiled, and how it is read for one job.

use itertools::Itertools;

use super::lines::{Lines, Reader};
use super::named::Named;
use super::pairs::Pairs;
use super::path::Path;
use super::pattern::{Matches, Pattern};
use super::text::{Text, list};
use super::{json, scalar};
use crate::model::{ResultFormat, ResultSettings, ResultsFrom};
use crate::record::Kept;
use crate::value::Value;

/// A source, compiled.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) from: ResultsFrom,
    format: Compiled,
    require: Vec<String>,
}

#[derive(Debug)]
enum Compiled {
    Auto,
    Json(Vec<(String, Path)>),
    KeyValue,
    Regex(Vec<(String, Pattern)>),
    Number,
}

impl Source {
    /// # Errors
    /// If a pattern or a path is none that this version of sweep understands.
    pub(super) fn new(settings: &ResultSettings) -> Result<Source, String> {
        let format = match &settings.format {
            ResultFormat::Auto => Compiled::Auto,
            ResultFormat::KeyValue => Compiled::KeyValue,
            ResultFormat::Number => Compiled::Number,
            ResultFormat::Json(columns) => Compiled::Json(compiled(columns, Path::parse)?),
            ResultFormat::Regex(columns) => Compiled::Regex(compiled(columns, Pattern::new)?),
        };
        Ok(Source { from: settings.from.clone(), format, require: settings.require.clone() })
    }
}

fn compiled<T>(
    columns: &[(String, String)],
    compile: impl Fn(&str) -> Result<T, super::Mistake>,
) -> Result<Vec<(String, T)>, String> {
    let one = |(name, text): &(String, String)| match compile(text) {
        Ok(compiled) => Ok((name.clone(), compiled)),
        Err(mistake) => Err(format!("`{text}`, for the result `{name}`: {}", mistake.message)),
    };
    columns.iter().map(one).collect()
}

/// A source as it is read for one job.
pub(super) struct Reading<'a> {
    pub(super) from: &'a ResultsFrom,
    require: &'a [String],
    format: Format<'a>,
    /// How many bytes went by before the end that is kept.
    handed_on: u64,
}

enum Format<'a> {
    Auto(Lines<Pairs>),
    Json(&'a [(String, Path)]),
    KeyValue(Lines<Pairs>),
    Regex(Lines<Matches<'a>>),
    Number,
}

impl<'a> Reading<'a> {
    pub(super) fn new(source: &'a Source) -> Reading<'a> {
        let format = match &source.format {
            Compiled::Auto => Format::Auto(Lines::of(Pairs::default())),
            Compiled::Json(columns) => Format::Json(columns),
            Compiled::KeyValue => Format::KeyValue(Lines::of(Pairs::default())),
            Compiled::Regex(columns) => Format::Regex(Lines::of(Matches::new(columns))),
            Compiled::Number => Format::Number,
        };
        Reading { from: &source.from, require: &source.require, format, handed_on: 0 }
    }

    /// Whether it is read line by line from the beginning, however long the output.
    pub(super) fn is_by_line(&self) -> bool {
        !matches!(self.format, Format::Json(_) | Format::Number)
    }

    /// Takes bytes that come before the end that is kept.
    pub(super) fn overflow(&mut self, bytes: &[u8]) {
        match &mut self.format {
            Format::Auto(lines) | Format::KeyValue(lines) => lines.push(bytes),
            Format::Regex(lines) => lines.push(bytes),
            Format::Json(_) | Format::Number => return,
        }
        self.handed_on += bytes.len() as u64;
    }

    /// The results, from the end that was kept and what went by before.
    pub(super) fn finish(self, kept: &Kept) -> Result<Named, String> {
        let text = Text::new(kept, self.handed_on);
        let named = match self.format {
            Format::Auto(lines) => auto(lines, kept, &text)?,
            Format::Json(columns) => of_json(columns, &text)?,
            Format::KeyValue(lines) => keyvalue(lines, kept, &text)?,
            Format::Regex(lines) => regex(lines, kept, &text)?,
            Format::Number => number(&text)?,
        };
        require(self.require, &named, &text)?;
        Ok(named)
    }
}

fn auto(lines: Lines<Pairs>, kept: &Kept, text: &Text<'_>) -> Result<Named, String> {
    let no_json = match json::find(text) {
        Ok(object) => return json::flat(&object),
        Err(why) => why,
    };
    if let Some(why) = text.lost("and lines `name = value`, which go before a number, may be among what is lost") {
        return Err(if json::is_meant(text) { no_json } else { format!("{why}; {PRINT_JSON}") });
    }
    let pairs = all(lines, kept).finish()?;
    if !pairs.is_empty() {
        return Ok(pairs);
    }
    if let Some(value) = last_number(text) {
        return Ok(Named::of("result", value));
    }
    if let Some(why) = text.lost_last_line() {
        return Err(format!("{why}; {PRINT_JSON}"));
    }
    // Nothing is no error; but what was evidently meant as JSON is not nothing.
    if json::is_meant(text) { Err(no_json) } else { Ok(Named::default()) }
}

fn of_json(columns: &[(String, Path)], text: &Text<'_>) -> Result<Named, String> {
    let object = json::find(text)?;
    if columns.is_empty() {
        return json::flat(&object);
    }
    let mut named = Named::default();
    for (name, path) in columns {
        if let Some(value) = path.find(&object) {
            named.set(name, json::value(value))?;
        }
    }
    if named.is_empty() {
        let keys = list(object.keys().map(String::as_str).collect_vec().into_iter());
        let has = if object.is_empty() { "it is empty".to_owned() } else { format!("its keys are {keys}") };
        return Err(format!("the JSON object has none of {}; {has}", columns_list(columns)));
    }
    Ok(named)
}

fn keyvalue(lines: Lines<Pairs>, kept: &Kept, text: &Text<'_>) -> Result<Named, String> {
    if let Some(why) = text.lost("and lines `name = value` before that are lost") {
        return Err(format!("{why}; {PRINT_JSON}"));
    }
    let pairs = all(lines, kept).finish()?;
    if pairs.is_empty() {
        return Err(format!("the output has no line `name = value`; {}", text.describe()));
    }
    Ok(pairs)
}

fn regex(lines: Lines<Matches>, kept: &Kept, text: &Text<'_>) -> Result<Named, String> {
    if let Some(why) = text.lost("and what the patterns would match before that is lost") {
        return Err(why);
    }
    let matches = all(lines, kept);
    let columns = matches.columns;
    let named = matches.finish()?;
    if named.is_empty() {
        return Err(format!("no line of the output matches {}; {}", columns_list(columns), text.describe()));
    }
    Ok(named)
}

fn number(text: &Text<'_>) -> Result<Named, String> {
    let value = last_number(text).ok_or_else(|| text.last_line_is_not("a number"))?;
    Ok(Named::of("result", value))
}

/// The reader after the last line.
fn all<R: Reader>(mut lines: Lines<R>, kept: &Kept) -> R {
    lines.push(&kept.tail);
    lines.finish()
}

/// The number that the last line is, if it is one and whole.
fn last_number(text: &Text<'_>) -> Option<Value> {
    let line = text.last_line()?;
    // R numbers what it prints.
    let printed_by_r = line.strip_prefix("[1]").filter(|rest| rest.starts_with(char::is_whitespace));
    scalar::number(printed_by_r.unwrap_or(line).trim())
}

const PRINT_JSON: &str = "print less, or all results as one JSON object on the last line";

/// Whether all is there that must be.
fn require(required: &[String], named: &Named, text: &Text<'_>) -> Result<(), String> {
    let lacking = |name: &&String| matches!(named.get(name), None | Some(Value::Missing));
    let (empty, absent): (Vec<&String>, Vec<&String>) =
        required.iter().unique().filter(lacking).partition(|name| named.get(name).is_some());
    let names = |names: &[&String]| list(names.iter().map(|name| name.as_str()));
    let mut complaints = Vec::new();
    if !absent.is_empty() {
        complaints.push(format!("the output has no {}", names(&absent)));
    }
    if !empty.is_empty() {
        complaints.push(format!("the output has no value for {}", names(&empty)));
    }
    if complaints.is_empty() {
        return Ok(());
    }
    let with_value = named.with_value();
    complaints.push(match with_value.as_slice() {
        [] => format!("nothing was found in it; {}", text.describe()),
        _ => format!("it has: {}", list(with_value.into_iter())),
    });
    Err(complaints.join("; "))
}

fn columns_list<T>(columns: &[(String, T)]) -> String {
    list(columns.iter().map(|(name, _)| name.as_str()))
}
