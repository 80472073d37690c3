//! Owns one source of results: its compiled settings, and reading it for one job.

use itertools::Itertools;

use super::lines::{LineParser, Lines};
use super::named_values::NamedValues;
use super::output_text::{OutputText, list};
use super::pairs::Pairs;
use super::path::Path;
use super::pattern::{Matches, Pattern, PatternColumn};
use super::table::{CompiledTable, TableLines};
use super::{json, scalar};
use crate::model::{ResultFormat, ResultSettings, ResultsFrom};
use crate::record::Kept;
use crate::value::Value;

/// A compiled source.
#[derive(Debug)]
pub(super) struct ResultSource {
    pub(super) from: ResultsFrom,
    format: CompiledFormat,
    require: Vec<String>,
}

#[derive(Debug)]
enum CompiledFormat {
    Auto,
    Json(Vec<(String, Path)>),
    KeyValue,
    Regex(Vec<PatternColumn>),
    Number,
    Table(Box<CompiledTable>),
}

impl ResultSource {
    /// # Errors
    /// If this version of sweep does not understand a pattern or a path.
    pub(super) fn new(settings: &ResultSettings) -> Result<ResultSource, String> {
        let format = match &settings.format {
            ResultFormat::Auto => CompiledFormat::Auto,
            ResultFormat::KeyValue => CompiledFormat::KeyValue,
            ResultFormat::Number => CompiledFormat::Number,
            ResultFormat::Json(columns) => CompiledFormat::Json(compiled(columns, Path::parse)?),
            ResultFormat::Regex(columns) => {
                let column = |(name, pattern): (String, Pattern)| {
                    let reducer = settings.reduce.of(&name);
                    PatternColumn { name, pattern, reducer }
                };
                CompiledFormat::Regex(compiled(columns, Pattern::new)?.into_iter().map(column).collect())
            }
            ResultFormat::Table(table) => CompiledFormat::Table(Box::new(CompiledTable::new(table, &settings.reduce)?)),
        };
        Ok(ResultSource { from: settings.from.clone(), format, require: settings.require.clone() })
    }
}

fn compiled<T>(
    columns: &[(String, String)],
    compile: impl Fn(&str) -> Result<T, super::SyntaxError>,
) -> Result<Vec<(String, T)>, String> {
    let one = |(name, text): &(String, String)| match compile(text) {
        Ok(compiled) => Ok((name.clone(), compiled)),
        Err(mistake) => Err(format!("`{text}`, for the result `{name}`: {}", mistake.message)),
    };
    columns.iter().map(one).collect()
}

/// A source while it is read for one job.
pub(super) struct SourceReader<'a> {
    pub(super) from: &'a ResultsFrom,
    require: &'a [String],
    format: FormatState<'a>,
    /// The number of bytes that came before the kept end.
    handed_on: u64,
}

enum FormatState<'a> {
    Auto(Lines<Pairs>),
    Json(&'a [(String, Path)]),
    KeyValue(Lines<Pairs>),
    Regex(Lines<Matches<'a>>),
    Number,
    Table(Lines<TableLines<'a>>),
}

impl<'a> SourceReader<'a> {
    pub(super) fn new(source: &'a ResultSource) -> SourceReader<'a> {
        let format = match &source.format {
            CompiledFormat::Auto => FormatState::Auto(Lines::of(Pairs::default())),
            CompiledFormat::Json(columns) => FormatState::Json(columns),
            CompiledFormat::KeyValue => FormatState::KeyValue(Lines::of(Pairs::default())),
            CompiledFormat::Regex(columns) => FormatState::Regex(Lines::of(Matches::new(columns))),
            CompiledFormat::Number => FormatState::Number,
            CompiledFormat::Table(table) => FormatState::Table(Lines::of(TableLines::new(table))),
        };
        SourceReader { from: &source.from, require: &source.require, format, handed_on: 0 }
    }

    /// Whether it is read line by line from the beginning, however long the output is.
    pub(super) fn is_by_line(&self) -> bool {
        !matches!(self.format, FormatState::Json(_) | FormatState::Number)
    }

    /// Takes bytes that come before the kept end.
    pub(super) fn overflow(&mut self, bytes: &[u8]) {
        match &mut self.format {
            FormatState::Auto(lines) | FormatState::KeyValue(lines) => lines.push(bytes),
            FormatState::Regex(lines) => lines.push(bytes),
            FormatState::Table(lines) => lines.push(bytes),
            FormatState::Json(_) | FormatState::Number => return,
        }
        self.handed_on += bytes.len() as u64;
    }

    /// The results so far of a job that was ended. A last line without an end does not count, except as the end of a JSON
    /// object, which shows that it is whole.
    pub(super) fn finish_partial(self, mut kept: Kept) -> Result<NamedValues, String> {
        if !matches!(self.format, FormatState::Json(_)) {
            let end = kept.tail.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
            kept.total -= (kept.tail.len() - end) as u64;
            kept.tail.truncate(end);
        }
        SourceReader { require: &[], ..self }.finish(&kept)
    }

    /// The results, from the kept end and from what came before.
    pub(super) fn finish(self, kept: &Kept) -> Result<NamedValues, String> {
        let text = OutputText::new(kept, self.handed_on);
        let named = match self.format {
            FormatState::Auto(lines) => auto(lines, kept, &text)?,
            FormatState::Json(columns) => of_json(columns, &text)?,
            FormatState::KeyValue(lines) => keyvalue(lines, kept, &text)?,
            FormatState::Regex(lines) => regex(lines, kept, &text)?,
            FormatState::Number => number(&text)?,
            FormatState::Table(lines) => table(lines, kept, &text)?,
        };
        require(self.require, &named, &text)?;
        Ok(named)
    }
}

fn auto(lines: Lines<Pairs>, kept: &Kept, text: &OutputText<'_>) -> Result<NamedValues, String> {
    let no_json = match json::find(text) {
        Ok(found) if !has_result(found.after) => return json::flat(&found.object),
        Ok(_) => None,
        Err(not_found) => Some(not_found),
    };
    let meant = no_json.filter(|not_found| not_found.is_meant).map(|not_found| not_found.why);
    if let Some(why) = text.lost("and the lost part may have lines `name = value`, which take precedence over a number")
    {
        return Err(meant.unwrap_or_else(|| format!("{why}; {PRINT_JSON}")));
    }
    let lines = all(lines, kept);
    let object_began = lines.object_began();
    let pairs = lines.finish()?;
    let number = last_number(text);
    // Read as a whole, the output might have a JSON object after the last pair.
    if let Some(why) = text.cut("and a JSON object before that is lost").filter(|_| object_began && number.is_none()) {
        return Err(meant.unwrap_or_else(|| format!("{why}; {PRINT_JSON}")));
    }
    if !pairs.is_empty() {
        return Ok(pairs);
    }
    if let Some(value) = number {
        return Ok(NamedValues::of("result", value));
    }
    if let Some(why) = text.lost_last_line() {
        return Err(format!("{why}; {PRINT_JSON}"));
    }
    // No result is not an error, unless the job apparently tried to print JSON.
    meant.map_or_else(|| Ok(NamedValues::default()), Err)
}

/// Whether lines after a JSON object have pairs, or end with a number.
fn has_result(after: &str) -> bool {
    let kept = Kept { tail: after.as_bytes().to_vec(), total: after.len() as u64 };
    let text = OutputText::new(&kept, 0);
    if text.last_line().is_none() {
        return false;
    }
    let pairs = all(Lines::of(Pairs::default()), &kept).finish();
    last_number(&text).is_some() || pairs.map_or(true, |pairs| !pairs.is_empty())
}

fn of_json(columns: &[(String, Path)], text: &OutputText<'_>) -> Result<NamedValues, String> {
    let object = json::find(text).map_err(|not_found| not_found.why)?.object;
    if columns.is_empty() {
        return json::flat(&object);
    }
    let mut named = NamedValues::default();
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

fn keyvalue(lines: Lines<Pairs>, kept: &Kept, text: &OutputText<'_>) -> Result<NamedValues, String> {
    if let Some(why) = text.lost("and lines `name = value` before that are lost") {
        return Err(format!("{why}; {PRINT_JSON}"));
    }
    let pairs = all(lines, kept).finish()?;
    if pairs.is_empty() {
        return Err(format!("the output has no line `name = value`; {}", text.describe()));
    }
    Ok(pairs)
}

fn regex(lines: Lines<Matches>, kept: &Kept, text: &OutputText<'_>) -> Result<NamedValues, String> {
    if let Some(why) = text.lost("and earlier matches of the patterns are lost") {
        return Err(why);
    }
    let matches = all(lines, kept);
    let columns = matches.columns;
    let named = matches.finish()?;
    if named.is_empty() {
        let names = list(columns.iter().map(|column| column.name.as_str()));
        return Err(format!("no line of the output matches {names}; {}", text.describe()));
    }
    Ok(named)
}

fn table(lines: Lines<TableLines>, kept: &Kept, text: &OutputText<'_>) -> Result<NamedValues, String> {
    if let Some(why) = text.lost("and earlier lines of the table are lost") {
        return Err(why);
    }
    all(lines, kept).finish(|| text.describe())
}

fn number(text: &OutputText<'_>) -> Result<NamedValues, String> {
    let value = last_number(text).ok_or_else(|| text.last_line_is_not("a number"))?;
    Ok(NamedValues::of("result", value))
}

/// The parser after the last line.
fn all<R: LineParser>(mut lines: Lines<R>, kept: &Kept) -> R {
    lines.push(&kept.tail);
    lines.finish()
}

/// The number on the last line, if that line is complete and a number.
fn last_number(text: &OutputText<'_>) -> Option<Value> {
    let line = text.last_line()?;
    // R prints an index before a value.
    let printed_by_r = line.strip_prefix("[1]").filter(|rest| rest.starts_with(char::is_whitespace));
    scalar::number(printed_by_r.unwrap_or(line).trim())
}

const PRINT_JSON: &str = "print less, or print all results as one JSON object on the last line";

/// Checks that the required results are there.
fn require(required: &[String], named: &NamedValues, text: &OutputText<'_>) -> Result<(), String> {
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
        [] => format!("no results were found in it; {}", text.describe()),
        _ => format!("it has: {}", list(with_value.into_iter())),
    });
    Err(complaints.join("; "))
}

fn columns_list<T>(columns: &[(String, T)]) -> String {
    list(columns.iter().map(|(name, _)| name.as_str()))
}
