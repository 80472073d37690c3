//! Owns the way from what a job printed, or wrote into a file, to its results. Pure.
//!
//! What is read is text: bytes that are not UTF-8 become `�`, a byte-order mark at the beginning is dropped, a line ends
//! with LF, CR LF or CR (a progress line that overwrites itself is many lines), and lines of white space count for
//! nothing. "The last line" is the last one that is left.
//!
//! | format | what is read |
//! | --- | --- |
//! | `json` | the last line, if it is a JSON object; else the whole output, if that is one |
//! | `keyvalue` | every line `name = value` or `name: value`; at least one |
//! | `regex` | the last match of each column's pattern; at least one |
//! | `number` | the last line, which is a number, as the result `result` |
//! | `auto` | the first of json, keyvalue and number that finds something; else nothing, and that is no error |
//!
//! **JSON.** Objects in it are flattened: `{"a": {"b": 1}}` has the result `a.b`; arrays stay, as compact JSON text. With
//! columns there are only these, each the value at its path, if there is one; what is nested there is JSON text. A whole
//! number beyond 64 bits becomes a float, `null` is a missing value, and text stays text, except that NaN and infinity are
//! understood: bare, as Python's `json` prints them (`NaN`, `-Infinity`, also C's `nan` and `-inf`), and as the strings
//! `NaN`, `Infinity`, `Inf`, `inf` with or without `-`, as R's jsonlite and sweep itself print them.
//!
//! **keyvalue.** A name is an ASCII letter or `_`, and then letters, digits, `_`, `.` and `-`; white space may stand
//! around it and around the value. A colon is followed by white space or by a value that is not text, so that
//! `http://host` is no result; `a == b` and `a => b` are none either.
//!
//! **regex.** Each line is searched by itself, as it stands; which group is the value says [`Pattern::new`].
//!
//! **number.** Also as R prints it, `[1] 0.53`.
//!
//! **Values** (of keyvalue, regex and number): a whole number; a float, also `1.`, `.5`, Fortran's `1.2D-05`, and NaN, inf
//! and infinity in any case; `true`, `True`, `TRUE` and their contraries; missing: empty, `null`, `None`, `NA`; else text.
//! A number too large for a double stays text.
//!
//! **Names** are trimmed; an empty one is refused. When a name comes twice, the last value counts, at the first place.
//!
//! **Several sources** are read in order, and the results of all are put together. A name that two of them give different
//! values is refused: neither could be told to be the one that is meant.
//!
//! **Long output.** Only the end of a long output is kept. `keyvalue` and `regex` are given the rest while it goes by
//! ([`Extraction::overflow`]), and so read all of it in bounded memory: a line of more than 256 KiB is not looked at, and
//! is an error where a result may have stood in it. The last line, of `json` and `number`, is in the end that is kept; an
//! object over several lines, or on a longer one, is refused. Where nobody has read the rest, as in output from the store
//! ([`Extractor::again`]), what would need it is refused, under `auto` everything but JSON. A source has at most 10,000
//! results with 256 KiB of text.
//!
//! Inside: `source` is one source, with a file for what each format does (`json` and `path`, `pairs`, `pattern`, and
//! `scalar` for what a value is); `lines` and `text` are the output as lines and as text, `named` the results by name.

use std::collections::HashMap;
use std::ops::Range;

use crate::model::{ResultSettings, ResultsFrom};
use crate::record::Kept;
use crate::value::Value;

mod json;
mod lines;
mod named_values;
mod output_text;
mod pairs;
mod path;
mod pattern;
mod scalar;
mod source;

#[cfg(test)]
mod tests;

pub use path::Path;
pub use pattern::Pattern;

use output_text::quote;
use source::{ResultSource, SourceReader};

/// What is wrong with a pattern or a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
    /// Where in its text, bytes.
    pub at: Range<usize>,
}

/// NamedValues values, in the order of their first appearance; names are unique.
pub type Results = Vec<(String, Value)>;

/// How the results of a sweep's jobs are read, compiled once.
#[derive(Debug)]
pub struct Extractor {
    sources: Vec<ResultSource>,
}

/// Why results are not read again from kept output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RereadError {
    /// What it would take was not kept: the job must run again. The text says what.
    NotKept(String),
    /// The whole output is there and has not what is asked for; the text goes on after "no result: ".
    NoResult(String),
}

impl Extractor {
    /// Compiles settings; without any, nothing is read.
    ///
    /// # Errors
    /// If a pattern or a path is none that this version of sweep understands; the sweep file's reader told it before.
    pub fn new(settings: &[ResultSettings]) -> Result<Extractor, String> {
        Ok(Extractor { sources: settings.iter().map(ResultSource::new).collect::<Result<_, _>>()? })
    }

    /// Begins to read the results of a job, before it runs.
    pub fn begin(&self) -> Extraction<'_> {
        Extraction { readings: self.sources.iter().map(SourceReader::new).collect() }
    }

    /// Reads results anew from what was kept of a job's standard output, exactly as when the job ran. None: nothing was
    /// kept.
    ///
    /// # Errors
    /// If what it would take was not kept, or is not there.
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

/// Takes what does not fit into the end of an output that is kept, in order.
pub type Overflow<'o> = &'o mut dyn FnMut(&[u8]);

/// The results of one job, as they are read while it runs.
pub struct Extraction<'a> {
    readings: Vec<SourceReader<'a>>,
}

impl Extraction<'_> {
    /// Takes bytes of standard output that come before the end that is kept. All of them or none.
    pub fn overflow(&mut self, bytes: &[u8]) {
        let of_stdout = self.readings.iter_mut().filter(|reading| *reading.from == ResultsFrom::Stdout);
        of_stdout.for_each(|reading| reading.overflow(bytes));
    }

    /// The results, from the end of standard output, and from files that `file` reads. It is given a file's name in the
    /// job's directory, returns the end of it, and hands on what comes before, if it is told to whom. The rules are those
    /// of this module.
    ///
    /// # Errors
    /// If the format that was asked for is not there, a required result is absent or has no value, two sources contradict
    /// each other, or the output was cut so that the answer might be wrong. The text goes on after "no result: ".
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

/// The results of all sources.
#[derive(Default)]
struct MergedResults<'a> {
    results: Results,
    /// Where the results from which on come from.
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
                        "{name} is {there} in {first} and {value} in {place}; choose what each has by `columns`"
                    ));
                }
            }
        }
        self.places.push((self.results.len(), place));
        self.results.append(&mut more);
        Ok(())
    }
}
