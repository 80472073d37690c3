//! Owns extracting results: from what a job printed, or wrote into a file, to named values. Pure.
//!
//! The input is text: bytes that are not UTF-8 become `�`, a byte-order mark at the beginning is dropped, a line ends with
//! LF, CR LF or CR (a progress line that overwrites itself is many lines), and blank lines are ignored. "The last line" is
//! the last line that is not blank.
//!
//! | format | what is read |
//! | --- | --- |
//! | `json` | the last JSON object that begins and ends a line |
//! | `keyvalue` | every line with pairs `name = value` or `name: value`; at least one |
//! | `regex` | the last match of each column's pattern; at least one |
//! | `table` | the cells of a row of a table, or a reduction of its rows |
//! | `number` | the last line, which must be a number, as the result `result` |
//! | `auto` | the first of json, keyvalue and number that finds something; finding nothing is not an error. An object with results after it does not count |
//!
//! Terminal escape sequences are removed, except for `regex`.
//!
//! **JSON.** An object that is broken or has no end hides earlier ones. Nested objects are flattened: `{"a": {"b": 1}}` has the result `a.b`. Arrays are kept as compact JSON text.
//! With `columns` only the values at the given paths are read, where they exist; a nested value is kept as JSON text. A
//! whole number that does not fit in 64 bits becomes a float, and `null` is a missing value. Text stays text, except that
//! NaN and infinity are recognized: bare, as Python's `json` prints them (`NaN`, `-Infinity`, also C's `nan` and `-inf`),
//! and as the strings `NaN`, `Infinity`, `Inf`, `inf` with or without `-`, as R's jsonlite and sweep itself print them.
//!
//! **keyvalue.** A plain name is an ASCII letter or `_`, followed by letters, digits, `_`, `.` and `-`. A wide name may have
//! spaces, brackets and other letters; its value must be a number or a truth value, with a unit at most. White space is
//! allowed around the name and the value. A colon must be followed by white space or by a value that is not text, so
//! `http://host` is not a result; `a == b` and `a => b` are not either. A line that consists of pairs has several results.
//!
//! **regex.** Each line is searched on its own, unchanged. [`Pattern::new`] defines which group is the value.
//!
//! **number.** Also as R prints it, `[1] 0.53`.
//!
//! **Values** (of keyvalue, regex and number): a whole number; a float, also `1.`, `.5`, Fortran's `1.2D-05`, and NaN, inf
//! and infinity in any case; `true`, `True`, `TRUE` and the same for false; missing: empty, `null`, `None`, `NA`; else
//! text. A number that is too large for a double stays text.
//!
//! **Names** are trimmed. An empty name is an error. If a name occurs twice, the last value counts, at the first position.
//!
//! **Several sources** are read in order, and their results combined. If two sources give a name different values, that is
//! an error, because either value could be the intended one.
//!
//! **Long output.** Only the end of a long output is kept. `keyvalue` and `regex` read the rest while it arrives
//! ([`Extraction::overflow`]), so they read all of it in bounded memory. A line longer than 256 KiB is not searched, and is
//! an error if a result may have been in it. The last line, for `json` and `number`, is in the kept end; an object that
//! begins before that is an error. If the rest was not read, as with output from the store
//! ([`Extractor::again`]), any format that needs it fails; with `auto` that is all formats except JSON. A source has at
//! most 10,000 results with 256 KiB of text.
//!
//! Inside: `source` is one source, with a module for each format (`json`, `json_scan` and `path`; `pairs` and `pair_line`;
//! `pattern`; `table` and `table_row`), `reduce` for several values, `scalar` for converting them, and `colours`; `lines` and `output_text` present the output as lines and as
//! text; `named_values` holds the results.

use std::collections::HashMap;
use std::ops::Range;

use crate::model::{ResultSettings, ResultsFrom};
use crate::record::Kept;
use crate::value::Value;

mod colours;
mod json;
mod json_scan;
mod lines;
mod named_values;
mod output_text;
mod pair_line;
mod pairs;
mod path;
mod pattern;
mod reduce;
mod scalar;
mod source;
mod table;
mod table_row;

#[cfg(test)]
mod tests;

pub use path::Path;
pub use pattern::Pattern;
pub use table::MOST_ROWS_BACK;

use named_values::NamedValues;
use output_text::quote;
use source::{ResultSource, SourceReader};

/// An error in a pattern or a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// The place in its text, in bytes.
    pub at: Range<usize>,
}

/// Values by name, in the order of their first appearance. Names are unique.
pub type Results = Vec<(String, Value)>;

/// The compiled `[results]` settings of a sweep.
#[derive(Debug)]
pub struct Extractor {
    sources: Vec<ResultSource>,
}

/// Why results cannot be read again from stored output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RereadError {
    /// The output that is needed was not stored: the job must run again. The text says what is missing.
    NotKept(String),
    /// The whole output is stored, but does not have the result. The text continues after "no result: ".
    NoResult(String),
}

impl Extractor {
    /// Compiles settings. Without settings there are no results.
    ///
    /// # Errors
    /// If this version of sweep does not understand a pattern or a path. Reading the sweep file reports this earlier.
    pub fn new(settings: &[ResultSettings]) -> Result<Extractor, String> {
        Ok(Extractor { sources: settings.iter().map(ResultSource::new).collect::<Result<_, _>>()? })
    }

    /// Starts reading the results of a job, before the job runs.
    pub fn begin(&self) -> Extraction<'_> {
        Extraction { readings: self.sources.iter().map(SourceReader::new).collect() }
    }

    /// Reads results again from the stored standard output, exactly as when the job ran. None: no output was stored.
    ///
    /// # Errors
    /// If the output that is needed was not stored, or does not have the results.
    pub fn again(&self, stdout: Option<&Kept>) -> Result<Results, RereadError> {
        if self.sources.is_empty() {
            return Ok(Results::new());
        }
        let file = self.sources.iter().find_map(|source| match &source.from {
            ResultsFrom::Stdout => None,
            ResultsFrom::File(name) => Some(name),
        });
        if let Some(name) = file {
            return Err(RereadError::NotKept(format!("results come from the file {name}, which is not kept")));
        }
        let Some(stdout) = stdout else { return Err(RereadError::NotKept("no output was kept".into())) };
        let no_files = |name: &str, _: Option<Overflow>| Err(format!("{name} is not kept"));
        self.begin().finish(stdout, no_files).map_err(|why| match stdout.is_cut() {
            true => RereadError::NotKept(why),
            false => RereadError::NoResult(why),
        })
    }
}

/// Receives, in order, the beginning of an output that is too long to be kept.
pub type Overflow<'o> = &'o mut dyn FnMut(&[u8]);

/// The results of one job, read while the job runs.
pub struct Extraction<'a> {
    readings: Vec<SourceReader<'a>>,
}

impl Extraction<'_> {
    /// Takes bytes of standard output that come before the kept end. The caller passes all of them or none.
    pub fn overflow(&mut self, bytes: &[u8]) {
        let of_stdout = self.readings.iter_mut().filter(|reading| *reading.from == ResultsFrom::Stdout);
        of_stdout.for_each(|reading| reading.overflow(bytes));
    }

    /// The results, from the kept end of standard output and from files that `file` reads. `file` gets the name of a
    /// file in the job's directory and returns the end of its content. It passes what comes before to the given
    /// receiver, if there is one.
    ///
    /// # Errors
    /// If the output does not have the requested format, a required result is absent or has no value, two sources give
    /// different values, or the output was cut so that the answer might be wrong. The text continues after "no result:
    /// ".
    pub fn finish(
        self,
        stdout: &Kept,
        mut file: impl FnMut(&str, Option<Overflow>) -> Result<Kept, String>,
    ) -> Result<Results, String> {
        let mut all = MergedResults::default();
        for mut reading in self.readings {
            let (place, named) = match reading.from {
                ResultsFrom::Stdout => ("standard output", reading.finish(stdout)?),
                ResultsFrom::File(name) => {
                    let end = match reading.is_by_line() {
                        true => file(name, Some(&mut |bytes| reading.overflow(bytes)))?,
                        false => file(name, None)?,
                    };
                    (name.as_str(), reading.finish(&end).map_err(|why| format!("{name}: {why}"))?)
                }
            };
            all.add(place, named.into_list())?;
        }
        Ok(all.results)
    }
}

impl Extraction<'_> {
    /// The results of a job that was ended while it ran: those of the sources that can be read. Required results need not be
    /// there. A last line without an end does not count, because it may be a part of a line. If two sources give a name
    /// different values, the first one counts.
    pub fn partial(
        self,
        stdout: &Kept,
        mut file: impl FnMut(&str, Option<Overflow>) -> Result<Kept, String>,
    ) -> Results {
        let mut all = Results::new();
        for mut reading in self.readings {
            let kept = match reading.from {
                ResultsFrom::Stdout => Ok(stdout.clone()),
                ResultsFrom::File(name) => match reading.is_by_line() {
                    true => file(name, Some(&mut |bytes| reading.overflow(bytes))),
                    false => file(name, None),
                },
            };
            let Ok(kept) = kept else { continue };
            let found = reading.finish_partial(kept).map(NamedValues::into_list).unwrap_or_default();
            for (name, value) in found {
                if all.iter().all(|(known, _)| *known != name) {
                    all.push((name, value));
                }
            }
        }
        all
    }
}

/// The results of all sources.
#[derive(Default)]
struct MergedResults<'a> {
    results: Results,
    /// The position of the first result of each source, and the name of the source.
    places: Vec<(usize, &'a str)>,
}

impl<'a> MergedResults<'a> {
    fn add(&mut self, place: &'a str, results: Results) -> Result<(), String> {
        let earlier: HashMap<&str, usize> =
            self.results.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
        let mut more = Results::with_capacity(results.len());
        for (name, value) in results {
            match earlier.get(name.as_str()).and_then(|at| Some((at, self.results.get(*at)?))) {
                None => more.push((name, value)),
                Some((_, (_, there))) if there.same_as(&value) => {}
                Some((at, (_, there))) => {
                    let first = self.places.iter().rfind(|(from, _)| from <= at).map_or(place, |(_, place)| place);
                    let [name, there, value] = [name, there.to_string(), value.to_string()].map(|text| quote(&text));
                    return Err(format!(
                        "{name} is {there} in {first} and {value} in {place}; select the results of each source with `columns`"
                    ));
                }
            }
        }
        self.places.push((self.results.len(), place));
        self.results.append(&mut more);
        Ok(())
    }
}
