//! Owns reading ranges, `{ from, to, count }` and `{ from, to, step }`, with their numbers exactly as written.

use std::ops::Range as Span;

use dashu_int::IBig;
use dashu_ratio::RBig;
use toml::de::DeValue;

use super::Diagnostic;
use super::keys::RANGE;
use super::table_reader::{Entry, TableReader, integer, kind};
use crate::space::decimal::Decimal;
use crate::space::{Range, RangeBy};
use crate::suggest::nearest;
use crate::value::print_float;

/// A number of a range.
struct WrittenNumber {
    /// Its decimal text, without underscores and plus signs.
    text: String,
    exact: RBig,
    span: Span<usize>,
}

impl WrittenNumber {
    fn is_integer(&self) -> bool {
        is_integer(&self.text)
    }
}

fn is_integer(text: &str) -> bool {
    !text.contains(['.', 'e', 'E'])
}

/// Reads a range, and reports what is wrong with it.
pub(super) fn read(parameter: &Entry, reader: TableReader) -> Option<Range> {
    reader.finish(&RANGE);
    if reader.has_foreign(&RANGE) {
        return None;
    }
    let missing = ["from", "to"].iter().filter(|key| reader.entry(key).is_none()).collect::<Vec<_>>();
    if let [first, ..] = missing.as_slice() {
        let message = format!("the range `{}` has no `{first}`", parameter.key);
        let help =
            "a range is { from = 0, to = 10, count = 11 } or { from = 0, to = 10, step = 1 }, both ends included";
        reader.sink.push(Diagnostic::error(message, parameter.span.clone()).help(help));
    }
    let scale = scale(reader);
    let (from, to) = (number(reader, "from"), number(reader, "to"));
    let by = match (reader.entry("count"), reader.entry("step")) {
        (Some(count), Some(step)) => {
            let found = Diagnostic::error("a range cannot have both `count` and `step`", step.key_span)
                .also(count.key_span, "the other one")
                .help("remove one: `count` is the number of values, `step` the distance between them");
            reader.sink.push(found);
            return None;
        }
        (None, None) => {
            let message = format!("the range `{}` has neither `count` nor `step`", parameter.key);
            let help = "add `count = …`, the number of values with both ends, or `step = …`, the distance between them";
            reader.sink.push(Diagnostic::error(message, parameter.span.clone()).help(help));
            return None;
        }
        (Some(_), None) => By::Count(reader.whole("count", 1..=i64::MAX as u64), scale?),
        (None, Some(_)) => By::Step(number(reader, "step"), scale?),
    };
    let (from, to) = (from?, to?);
    let by = match by {
        By::Count(count, scale) => counted(parameter, reader, (&from, &to), (count?, scale))?,
        By::Step(step, Scale::Linear) => stepped(parameter, reader, (&from, &to), &step?)?,
        By::Step(..) => {
            let span = reader.entry("scale").map_or(parameter.span.clone(), |entry| entry.span);
            let found = Diagnostic::error("`scale = \"log\"` needs `count`, not `step`", span)
                .help("write `count = …` instead of `step`, or remove `scale`");
            reader.sink.push(found);
            return None;
        }
    };
    Some(Range { from: from.text, to: to.text, by })
}

enum By {
    Count(Option<u64>, Scale),
    Step(Option<WrittenNumber>, Scale),
}

#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    Log,
}

fn scale(reader: TableReader) -> Option<Scale> {
    if reader.entry("scale").is_none() {
        return Some(Scale::Linear);
    }
    let (text, span) = reader.text("scale")?;
    match text {
        "linear" => Some(Scale::Linear),
        "log" => Some(Scale::Log),
        other => {
            let hint = nearest(other, ["linear", "log"]).map(|near| format!("; did you mean `{near}`?"));
            let message = format!("unknown scale `{other}`{}", hint.unwrap_or_default());
            reader.sink.push(Diagnostic::error(message, span).help("`scale` is \"linear\" (the default) or \"log\""));
            None
        }
    }
}

fn counted(
    parameter: &Entry,
    reader: TableReader,
    ends: (&WrittenNumber, &WrittenNumber),
    by: (u64, Scale),
) -> Option<RangeBy> {
    let ((from, to), (count, scale)) = (ends, by);
    if scale == Scale::Log {
        for end in [from, to].into_iter().filter(|end| end.exact <= RBig::ZERO) {
            let found = Diagnostic::error(format!("{} has no logarithm", end.text), end.span.clone())
                .help("with `scale = \"log\"` both ends must be greater than 0");
            reader.sink.push(found);
        }
        if from.exact <= RBig::ZERO || to.exact <= RBig::ZERO {
            return None;
        }
    }
    let one_value = from.exact == to.exact;
    if one_value != (count == 1) {
        let (message, help) = if one_value {
            (
                format!("{count} values from {} to {} would all be the same", from.text, to.text),
                "write `count = 1`, or another `to`",
            )
        } else {
            (
                format!("one value cannot be both {} and {}", from.text, to.text),
                "both ends are included, so `count` must be at least 2",
            )
        };
        reader.sink.push(Diagnostic::error(message, parameter.span.clone()).help(help));
        return None;
    }
    Some(if scale == Scale::Log { RangeBy::LogCount(count) } else { RangeBy::Count(count) })
}

fn stepped(
    parameter: &Entry,
    reader: TableReader,
    ends: (&WrittenNumber, &WrittenNumber),
    step: &WrittenNumber,
) -> Option<RangeBy> {
    let (from, to) = ends;
    let way = &to.exact - &from.exact;
    if step.exact == RBig::ZERO {
        reader.sink.push(
            Diagnostic::error("`step` cannot be 0", step.span.clone()).help("write the distance between the values"),
        );
        return None;
    }
    if way != RBig::ZERO && (way > RBig::ZERO) != (step.exact > RBig::ZERO) {
        let message = format!("steps of {} from {} lead away from {}", step.text, from.text, to.text);
        let help = if way > RBig::ZERO { "an upward step is positive" } else { "a downward step is negative" };
        reader.sink.push(Diagnostic::error(message, step.span.clone()).help(help));
        return None;
    }
    let steps: IBig = (&way / &step.exact).floor();
    let last = &from.exact + &step.exact * RBig::from(steps.clone());
    if last != to.exact {
        let last = if from.is_integer() && step.is_integer() {
            last.floor().to_string()
        } else {
            print_float(last.to_f64().value())
        };
        let message =
            format!("the last value of `{}` is {last}: steps of {} do not reach {}", parameter.key, step.text, to.text);
        reader.sink.push(
            Diagnostic::warning(message, to.span.clone())
                .help(format!("if that is what you want, write `to = {last}`")),
        );
    }
    Some(RangeBy::Step(step.text.clone()))
}

fn number(reader: TableReader, key: &str) -> Option<WrittenNumber> {
    let entry = reader.entry(key)?;
    let wrong = |message: String, help: &str| {
        reader.sink.push(Diagnostic::error(message, entry.span.clone()).help(help));
        None
    };
    let text = match entry.value {
        DeValue::Integer(written) => match integer(written).and_then(|number| i64::try_from(number).ok()) {
            Some(number) => number.to_string(),
            None => {
                return wrong(
                    format!("{written} does not fit in 64 bits"),
                    "write it as 1e20 if a floating-point number is acceptable",
                );
            }
        },
        DeValue::Float(written) => written.as_str().replace(['+', '_'], ""),
        other => {
            return wrong(format!("`{key}` must be a number, not {}", kind(other)), "write the number without quotes");
        }
    };
    match Decimal::parse(&text) {
        Ok(Decimal { exact, .. }) => Some(WrittenNumber { text, exact, span: entry.span }),
        Err(_) => wrong(
            format!("`{key}` must be a finite number, not {text}"),
            "the range of numbers is about 1e-308 to 1e308",
        ),
    }
}
