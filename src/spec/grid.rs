//! Owns reading the values of parameters on an axis (`[grid]` and `[[zip]]`): lists, single values, ranges.

use std::collections::HashMap;
use std::ops::Range as Span;

use toml::de::{DeArray, DeFloat, DeValue};

use super::files::Importer;
use super::keys::{GLOB, Keys, LINES};
use super::table_reader::{Entry, Sink, TableReader, integer, kind};
use super::{Diagnostic, range};
use crate::space::{Axis, AxisParam, Values};
use crate::value::Value;

/// The number of values of an axis parameter. None: a range that the space rejects.
fn length(values: &Values) -> Option<u64> {
    match values {
        Values::List(list) => Some(list.len() as u64),
        Values::Range(range) => range.len().ok(),
    }
}

/// An axis of `[grid]`.
pub(super) fn axis(entry: &Entry, importer: Importer, sink: &Sink) -> Option<Axis> {
    let values = match entry.value {
        DeValue::Array(_) | DeValue::Table(_) => values(entry, true, importer, sink)?,
        constant => Values::List(vec![scalar(constant, &entry.span, sink)?]),
    };
    Some(Axis { params: vec![AxisParam { name: entry.key.to_owned(), values }] })
}

/// The axis of one `[[zip]]`, from those of its entries that have valid names.
pub(super) fn zip_axis(entries: &[Entry], importer: Importer, sink: &Sink) -> Option<Axis> {
    let read: Vec<Option<Values>> = entries.iter().map(|entry| zip_values(entry, importer, sink)).collect();
    let values: Vec<Values> = read.into_iter().collect::<Option<_>>()?;
    let lengths: Vec<Option<u64>> = values.iter().map(length).collect();
    let first = lengths.first()?;
    if lengths.iter().any(|length| length != first) {
        sink.push(unequal(entries, &lengths));
        return None;
    }
    let params = entries.iter().zip(values);
    Some(Axis { params: params.map(|(entry, values)| AxisParam { name: entry.key.to_owned(), values }).collect() })
}

fn zip_values(entry: &Entry, importer: Importer, sink: &Sink) -> Option<Values> {
    match entry.value {
        DeValue::Array(array) => return items(entry, array, sink).map(Values::List),
        DeValue::Table(_) => return values(entry, false, importer, sink),
        _ => {}
    }
    let message = format!("`{}` has a single value, so it cannot vary with the others", entry.key);
    sink.push(Diagnostic::error(message, entry.span.clone()).help("put a constant under [grid]"));
    None
}

fn unequal(entries: &[Entry], lengths: &[Option<u64>]) -> Diagnostic {
    let count = |length: &Option<u64>| match length {
        Some(1) => "1 value".to_owned(),
        Some(n) => format!("{n} values"),
        None => "too many values".to_owned(),
    };
    let each: Vec<String> =
        entries.iter().zip(lengths).map(|(entry, length)| format!("`{}` has {}", entry.key, count(length))).collect();
    let mut places = entries.iter().zip(lengths).map(|(entry, length)| (entry.span.clone(), count(length)));
    let message = format!("the parameters of a [[zip]] need the same number of values: {}", each.join(", "));
    let mistake = match places.next() {
        Some((span, label)) => Diagnostic::error(message, span).label(label),
        None => Diagnostic::error(message, None),
    };
    places
        .fold(mistake, |mistake, (span, label)| mistake.also(span, label))
        .help("to run every combination of them, put them under [grid]")
}

/// The values of a list or a table. `alone`: the parameter has an axis to itself, so a repeated value is an error.
fn values(entry: &Entry, alone: bool, importer: Importer, sink: &Sink) -> Option<Values> {
    match entry.value {
        DeValue::Array(array) => {
            list(entry, array, "to run each point more often, use `repeats`", sink).map(Values::List)
        }
        DeValue::Table(table) if table.is_empty() => {
            let found = Diagnostic::error(format!("the parameter `{}` has no values", entry.key), entry.span.clone());
            sink.push(found.help("a range is { from = 0, to = 10, count = 11 }"));
            None
        }
        DeValue::Table(table) => table_values(entry, TableReader { table, sink }, alone, importer),
        _ => None,
    }
}

/// Rejects keys next to `glob` or `lines`.
fn alone_in_table(keys: &Keys, reader: TableReader) {
    for entry in reader.entries().filter(|entry| !keys.known.contains(&entry.key)) {
        let key = keys.known.first().copied().unwrap_or_default();
        let message = format!("`{}` cannot be combined with `{key}`", entry.key);
        let found = Diagnostic::error(message, entry.key_span);
        reader.sink.push(found.help(format!("`{key}` gives all the values: write {{ {key} = \"…\" }}")));
    }
}

fn table_values(entry: &Entry, reader: TableReader, alone: bool, importer: Importer) -> Option<Values> {
    for (keys, is_glob) in [(&GLOB, true), (&LINES, false)] {
        if keys.known.iter().any(|key| reader.entry(key).is_some()) {
            alone_in_table(keys, reader);
            let values = if is_glob { importer.glob(entry, reader) } else { importer.lines(entry, reader, alone) };
            return values.map(Values::List);
        }
    }
    range::read(entry, reader).map(Values::Range)
}

/// The values of a list, at least one.
fn items(entry: &Entry, array: &DeArray, sink: &Sink) -> Option<Vec<Value>> {
    if array.is_empty() {
        let message = format!("`{}` has no values, so there would be no points", entry.key);
        sink.push(Diagnostic::error(message, entry.span.clone()).help("add a value, or remove the parameter"));
        return None;
    }
    let read: Vec<Option<Value>> = array.iter().map(|value| scalar(value.get_ref(), &value.span(), sink)).collect();
    read.into_iter().collect()
}

/// A list of different values, at least one. `instead` tells the user what to do instead of repeating a value.
pub(super) fn list(entry: &Entry, array: &DeArray, instead: &str, sink: &Sink) -> Option<Vec<Value>> {
    let values = items(entry, array, sink)?;
    let mut seen: HashMap<String, Span<usize>> = HashMap::with_capacity(values.len());
    for (value, written) in values.iter().zip(array.iter()) {
        if let Some(first) = seen.insert(value.to_string(), written.span()) {
            let message = format!("`{}` has the value {} twice", entry.key, shown(value));
            let found = Diagnostic::error(message, written.span()).also(first, "first here");
            sink.push(found.help(format!("write each value once; {instead}")));
            return None;
        }
    }
    Some(values)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{text}\""),
        other => other.to_string(),
    }
}

/// One value.
pub(super) fn scalar(value: &DeValue, span: &Span<usize>, sink: &Sink) -> Option<Value> {
    let wrong = |message: String, help: &str| {
        sink.push(Diagnostic::error(message, span.clone()).help(help));
        None
    };
    match value {
        DeValue::String(text) if text.contains('\0') => {
            wrong("a program argument cannot contain a NUL character".into(), "remove the \\u0000")
        }
        DeValue::String(text) => Some(Value::Text(text.clone().into_owned())),
        DeValue::Boolean(flag) => Some(Value::Bool(*flag)),
        DeValue::Integer(written) => match integer(written).and_then(|number| i64::try_from(number).ok()) {
            Some(number) => Some(Value::Int(number)),
            None => wrong(format!("{written} does not fit in 64 bits"), "for text, put it in quotes"),
        },
        DeValue::Float(written) => match double(written) {
            Some(number) => Some(Value::Float(number)),
            None => wrong(
                format!("{written} is not a finite number"),
                &format!("to pass it to the program, write it as text: \"{written}\""),
            ),
        },
        DeValue::Datetime(_) => {
            wrong("a parameter value cannot be a date or a time".into(), "for text, put it in quotes")
        }
        DeValue::Array(_) => wrong(
            "a parameter value cannot be a list".into(),
            "for parameters that vary together, use [[zip]]; to pass a list as text, write \"1,2,3\"",
        ),
        DeValue::Table(_) => wrong(format!("a parameter value cannot be {}", kind(value)), "write it as text"),
    }
}

/// A finite double.
pub(super) fn double(written: &DeFloat) -> Option<f64> {
    written.as_str().parse().ok().filter(|number: &f64| number.is_finite())
}
