//! Owns the way from what a job printed to its results. Pure.
//!
//! What is read is standard output, as text: bytes that are not UTF-8 become `�`, a byte-order mark at the beginning is
//! dropped, a line ends with LF, CR LF or CR (a progress line that overwrites itself is many lines), and lines of white
//! space count for nothing. "The last line" is the last one that is left.
//!
//! | format | what is read |
//! | --- | --- |
//! | `json` | the last line, if it is a JSON object; else the whole output, if that is one |
//! | `keyvalue` | every line `name = value` or `name: value`; at least one |
//! | `number` | the last line, which is a number, as the result `result` |
//! | `auto` | the first of these that finds something; else nothing, and that is no error |
//! | `none` | nothing |
//!
//! **JSON.** Objects in it are flattened: `{"a": {"b": 1}}` has the result `a.b`; arrays stay, as compact JSON text. A
//! whole number beyond 64 bits becomes a float, `null` is a missing value, and text stays text, except that NaN and
//! infinity are understood: bare, as Python's `json` prints them (`NaN`, `-Infinity`, also C's `nan` and `-inf`), and as
//! the strings `NaN`, `Infinity`, `Inf`, `inf` with or without `-`, as R's jsonlite and sweep itself print them.
//!
//! **keyvalue.** A name is an ASCII letter or `_`, and then letters, digits, `_`, `.` and `-`; white space may stand
//! around it and around the value. A colon is followed by white space or by a value that is not text, so that
//! `http://host` is no result; `a == b` and `a => b` are none either.
//!
//! **number.** Also as R prints it, `[1] 0.53`.
//!
//! **Values** (of keyvalue and number): a whole number; a float, also `1.`, `.5`, Fortran's `1.2D-05`, and NaN, inf and
//! infinity in any case; `true`, `True`, `TRUE` and their contraries; missing: empty, `null`, `None`, `NA`; else text.
//! A number too large for a double stays text.
//!
//! **Names** are trimmed; an empty one is refused. When a name comes twice, the last value counts, at the first place.
//!
//! **Output that was cut.** Only the end of a long output is kept. Its last line serves as always, if it is whole. What
//! would need the rest is refused: `keyvalue`, JSON over several lines, and under `auto` a number, because lines
//! `name = value`, which would have come first, may be among what is lost.

use std::collections::HashMap;

use itertools::Itertools;

use crate::record::Kept;
use crate::spec::{ResultFormat, ResultSettings};
use crate::value::Value;

mod json;
mod lines;
mod scalar;
mod stdout;

#[cfg(test)]
mod tests;

use stdout::{Stdout, quote};

/// Reads the results from what a job printed on standard output, in the order of their first appearance; names are
/// unique. The rules are those of this module.
///
/// # Errors
/// If the format that was asked for is not there, a required result is absent or has no value, or the output was cut so
/// that the answer might be wrong. The text goes on after "no result: ".
pub fn results(settings: &ResultSettings, stdout: &Kept) -> Result<Vec<(String, Value)>, String> {
    if settings.format == ResultFormat::None && settings.require.is_empty() {
        return Ok(Vec::new());
    }
    let stdout = Stdout::new(stdout);
    let named = match settings.format {
        ResultFormat::Auto => auto(&stdout)?,
        ResultFormat::Json => flat(&json::find(&stdout)?)?,
        ResultFormat::KeyValue => keyvalue(&stdout)?,
        ResultFormat::Number => number(&stdout)?,
        ResultFormat::None => Named::default(),
    };
    require(settings, &named, &stdout)?;
    Ok(named.list)
}

fn auto(stdout: &Stdout<'_>) -> Result<Named, String> {
    let no_json = match json::find(stdout) {
        Ok(object) => return flat(&object),
        Err(why) => why,
    };
    let pairs = lines::pairs(stdout);
    if !pairs.list.is_empty() {
        return match stdout.cut("and lines `name = value` before that are lost") {
            Some(why) => Err(format!("{why}; {PRINT_JSON}")),
            None => Ok(pairs),
        };
    }
    if let Some(value) = lines::number(stdout) {
        return match stdout.cut("so that lines `name = value`, which go before a number, may be lost") {
            Some(why) => Err(format!("{why}; say `format = \"number\"` under `[results]` if the number is the result")),
            None => Ok(Named::of("result", value)),
        };
    }
    // Nothing is no error; but what was evidently meant as JSON is not nothing.
    if json::is_meant(stdout) { Err(no_json) } else { Ok(Named::default()) }
}

fn keyvalue(stdout: &Stdout<'_>) -> Result<Named, String> {
    if let Some(why) = stdout.cut("and lines `name = value` before that are lost") {
        return Err(format!("{why}; {PRINT_JSON}"));
    }
    let pairs = lines::pairs(stdout);
    if pairs.list.is_empty() {
        return Err(format!("the output has no line `name = value`; {}", stdout.describe()));
    }
    Ok(pairs)
}

fn number(stdout: &Stdout<'_>) -> Result<Named, String> {
    let value = lines::number(stdout).ok_or_else(|| stdout.last_line_is_not("a number"))?;
    Ok(Named::of("result", value))
}

const PRINT_JSON: &str = "print less, or all results as one JSON object on the last line";

/// Results by name, in the order of their first appearance.
#[derive(Debug, Default)]
struct Named {
    list: Vec<(String, Value)>,
    places: HashMap<String, usize>,
}

impl Named {
    fn of(name: &str, value: Value) -> Named {
        Named { list: vec![(name.to_owned(), value)], places: HashMap::from([(name.to_owned(), 0)]) }
    }

    fn set(&mut self, name: &str, value: Value) {
        let place = *self.places.entry(name.to_owned()).or_insert(self.list.len());
        match self.list.get_mut(place) {
            Some((_, present)) => *present = value,
            None => self.list.push((name.to_owned(), value)),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.list.get(*self.places.get(name)?).map(|(_, value)| value)
    }
}

/// The object as results, objects in it flattened.
fn flat(object: &json::Object) -> Result<Named, String> {
    let mut named = Named::default();
    flatten(object, "", &mut named)?;
    Ok(named)
}

fn flatten(object: &json::Object, above: &str, named: &mut Named) -> Result<(), String> {
    for (key, value) in object {
        let key = key.trim();
        if key.is_empty() {
            let place = if above.is_empty() { String::new() } else { format!(" in `{}`", above.trim_end_matches('.')) };
            return Err(format!("a result{place} has an empty name; give it one"));
        }
        let name = format!("{above}{key}");
        match value {
            serde_json::Value::Object(inner) => flatten(inner, &format!("{name}."), named)?,
            _ => named.set(&name, json::value(value)),
        }
    }
    Ok(())
}

/// Whether all is there that must be.
fn require(settings: &ResultSettings, named: &Named, stdout: &Stdout<'_>) -> Result<(), String> {
    let lacking = |name: &&String| matches!(named.get(name), None | Some(Value::Missing));
    let (empty, absent): (Vec<&String>, Vec<&String>) =
        settings.require.iter().unique().filter(lacking).partition(|name| named.get(name).is_some());
    let mut complaints = Vec::new();
    if !absent.is_empty() {
        complaints.push(format!("the output has no {}", list(absent)));
    }
    if !empty.is_empty() {
        complaints.push(format!("the output has no value for {}", list(empty)));
    }
    if complaints.is_empty() {
        return Ok(());
    }
    let with_value =
        named.list.iter().filter(|(_, value)| *value != Value::Missing).map(|(name, _)| name).collect_vec();
    complaints.push(match (settings.format, with_value.as_slice()) {
        (ResultFormat::None, _) => "`format = \"none\"` reads nothing".into(),
        (_, []) => format!("nothing was found in it; {}", stdout.describe()),
        _ => format!("it has: {}", list(with_value)),
    });
    Err(complaints.join("; "))
}

/// Names for a message, not too many of them.
fn list(names: Vec<&String>) -> String {
    const MOST: usize = 12;
    let shown = names.iter().take(MOST).map(|name| quote(name)).join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
