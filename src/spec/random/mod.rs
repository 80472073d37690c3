//! Owns reading `[random]`: the distributions and the rules for their numbers.
//!
//! - `finish`: `clip` and `round`; `values`: choices with their weights, permutations.

use std::ops::Range as Span;

use toml::de::DeValue;

use super::keys::{DISTRIBUTION_ALIASES, DISTRIBUTIONS, Keys, OF_NUMBERS, OTHER_DISTRIBUTIONS};
use super::table_reader::{Entry, Sink, TableReader, integer, kind};
use super::{Diagnostic, grid};
use crate::space::{Dist, Random};
use crate::suggest::{list, nearest};

mod finish;
mod values;

/// Reads a random parameter, and reports what is wrong with it.
pub(super) fn read(entry: &Entry, sink: &Sink) -> Option<Random> {
    let DeValue::Table(table) = entry.value else {
        let message = format!("`{}` must be a distribution, not {}", entry.key, kind(entry.value));
        let help = "write { dist = \"uniform\", min = 0, max = 1 }, or { dist = \"choice\", values = [1, 2] }; \
                    put a list whose values are all used under [grid]";
        sink.push(Diagnostic::error(message, entry.span.clone()).help(help));
        return None;
    };
    let reader = TableReader { table, sink };
    let mut dist = DistReader { parameter: entry, reader, has_foreign: false };
    let (name, read) = dist.read()?;
    let (clip, round) = if is_of_numbers(name) { (dist.clip(), dist.round()) } else { (Some(None), Some(None)) };
    Some(Random { clip: clip?, round: round?, ..Random::plain(entry.key, read?) })
}

fn is_of_numbers(distribution: &str) -> bool {
    !matches!(distribution, "choice" | "permutation")
}

struct DistReader<'a, 'b> {
    parameter: &'b Entry<'a>,
    reader: TableReader<'b>,
    /// Whether it has a key that is not allowed.
    has_foreign: bool,
}

impl DistReader<'_, '_> {
    fn push(&self, found: Diagnostic) {
        self.reader.sink.push(found);
    }

    /// The name of the distribution, and the distribution unless there is an error in it.
    fn read(&mut self) -> Option<(&'static str, Option<Dist>)> {
        let (name, keys) = self.kind()?;
        let mut known = vec!["dist"];
        known.extend(keys);
        if is_of_numbers(name) {
            known.extend(OF_NUMBERS);
        }
        self.finish(name, &known);
        let dist = match name {
            "uniform" => self.bounds(false).map(|(min, max)| Dist::Uniform { min, max }),
            "log-uniform" => self.bounds(true).map(|(min, max)| Dist::LogUniform { min, max }),
            "int" => self.whole_bounds(false).map(|(min, max)| Dist::Int { min, max }),
            "log-int" => self.whole_bounds(true).map(|(min, max)| Dist::LogInt { min, max }),
            "normal" => self.mean_and_sd().map(|(mean, sd)| Dist::Normal { mean, sd }),
            "truncated-normal" => self.truncated_normal(),
            "log-normal" => self.log_normal(),
            "exponential" => self.positive("rate").map(|rate| Dist::Exponential { rate }),
            "gamma" => self.two_positive("shape", "scale").map(|(shape, scale)| Dist::Gamma { shape, scale }),
            "beta" => self.two_positive("alpha", "beta").map(|(alpha, beta)| Dist::Beta { alpha, beta }),
            "triangular" => self.triangular(),
            "poisson" => self.positive("mean").map(|mean| Dist::Poisson { mean }),
            "choice" => self.choice(),
            _ => self.permutation(),
        };
        Some((name, dist))
    }

    fn kind(&self) -> Option<(&'static str, &'static [&'static str])> {
        let names = || DISTRIBUTIONS.iter().map(|dist| dist.name);
        if self.reader.entry("dist").is_none() {
            let message = format!("`{}` has no `dist`", self.parameter.key);
            let help = format!("add dist = \"…\", one of {}", list(names()));
            self.push(Diagnostic::error(message, self.parameter.span.clone()).help(help));
            return None;
        }
        let (name, span) = self.reader.text("dist")?;
        if let Some(dist) = DISTRIBUTIONS.iter().find(|dist| dist.name == name) {
            return Some((dist.name, dist.keys));
        }
        let help = format!("the distributions are {}", list(names()));
        let others = OTHER_DISTRIBUTIONS;
        let meant = |typed: &str| others.iter().find(|(other, _)| *other == typed).map(|(_, meant)| *meant);
        let near = meant(name).or_else(|| {
            let near = nearest(name, names().chain(others.map(|(typed, _)| typed)))?;
            meant(near).or(Some(near))
        });
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let message = format!("unknown distribution `{name}`{hint}");
        self.push(Diagnostic::error(message, span).help(help));
        None
    }

    /// Reports keys that this distribution does not have.
    fn finish(&mut self, name: &str, known: &[&'static str]) {
        let article = if name.starts_with(['e', 'i']) { "an" } else { "a" };
        let place = format!("{article} {name} distribution");
        let keys = Keys { place: &place, known, later: &[], aliases: DISTRIBUTION_ALIASES };
        self.reader.finish(&keys);
        self.has_foreign = self.reader.has_foreign(&keys);
    }

    /// A required entry. If there is a key that is not allowed, the entry is probably misspelt, which is reported
    /// already.
    fn entry(&self, key: &str) -> Option<Entry<'_>> {
        let entry = self.reader.entry(key);
        if entry.is_none() && !self.has_foreign {
            let message = format!("the distribution of `{}` has no `{key}`", self.parameter.key);
            self.push(Diagnostic::error(message, self.parameter.span.clone()).help(format!("add {key} = …")));
        }
        entry
    }

    fn number(&self, key: &str) -> Option<(f64, Span<usize>)> {
        let entry = self.entry(key)?;
        number(&entry, key, self.reader.sink)
    }

    fn bounds(&self, log: bool) -> Option<(f64, f64)> {
        let (min, max) = (self.number("min"), self.number("max"));
        let ((min, min_span), (max, max_span)) = (min?, max?);
        let unusable = |bound: f64| log && bound <= 0.0;
        for (bound, span) in [(min, &min_span), (max, &max_span)] {
            if unusable(bound) {
                let found = Diagnostic::error(format!("{bound} has no logarithm"), span.clone());
                self.push(found.help(
                    "the bounds of log-uniform are values, not exponents, and greater than 0: min = 1e-4, max = 1e-1",
                ));
            }
        }
        if unusable(min) || unusable(max) {
            return None;
        }
        self.ordered(min < max, (min.to_string(), min_span), (max.to_string(), max_span.clone()))?;
        if !(max - min).is_finite() {
            self.push(
                Diagnostic::error("the bounds are too far apart", max_span)
                    .help("their difference must be at most about 1.7e308"),
            );
            return None;
        }
        Some((min, max))
    }

    fn ordered(&self, right: bool, min: (String, Span<usize>), max: (String, Span<usize>)) -> Option<()> {
        if right {
            return Some(());
        }
        let (message, help) = if min.0 == max.0 {
            (format!("`min` and `max` of `{}` are both {}", self.parameter.key, min.0), "put a constant under [grid]")
        } else {
            (format!("`min` of `{}` is greater than its `max`", self.parameter.key), "swap them")
        };
        let found = Diagnostic::error(message, min.1).label(format!("min is {}", min.0));
        self.push(found.also(max.1, format!("max is {}", max.0)).help(help));
        None
    }

    fn whole_bounds(&self, log: bool) -> Option<(i64, i64)> {
        let (min, max) = (self.whole("min"), self.whole("max"));
        let ((min, min_span), (max, max_span)) = (min?, max?);
        if log && min < 1 {
            let found = Diagnostic::error(format!("{min} has no logarithm"), min_span);
            self.push(found.help("the bounds of log-int are values, not exponents, and at least 1"));
            return None;
        }
        self.ordered(min <= max, (min.to_string(), min_span), (max.to_string(), max_span))?;
        Some((min, max))
    }

    fn whole(&self, key: &str) -> Option<(i64, Span<usize>)> {
        let entry = self.entry(key)?;
        let DeValue::Integer(written) = entry.value else {
            return self.reader.wrong(
                &entry,
                "a whole number",
                "for numbers with a fraction use dist = \"uniform\"".into(),
            );
        };
        let number = integer(written).and_then(|number| i64::try_from(number).ok());
        if number.is_none() {
            self.push(Diagnostic::error(format!("{written} does not fit in 64 bits"), entry.span.clone()));
        }
        Some((number?, entry.span))
    }

    fn mean_and_sd(&self) -> Option<(f64, f64)> {
        let (mean, sd) = (self.number("mean"), self.number("sd"));
        let ((mean, _), (sd, span)) = (mean?, sd?);
        if sd <= 0.0 {
            let message = format!("the standard deviation of `{}` must be greater than 0", self.parameter.key);
            self.push(Diagnostic::error(message, span).help(above_zero(sd)));
            return None;
        }
        Some((mean, sd))
    }

    fn truncated_normal(&self) -> Option<Dist> {
        let (normal, bounds) = (self.mean_and_sd(), self.bounds(false));
        let ((mean, sd), (min, max)) = (normal?, bounds?);
        Some(Dist::TruncatedNormal { mean, sd, min, max })
    }

    fn log_normal(&self) -> Option<Dist> {
        let (mu, sigma) = (self.number("mu"), self.positive("sigma"));
        Some(Dist::LogNormal { mu: mu?.0, sigma: sigma? })
    }

    /// A number greater than 0.
    fn positive(&self, key: &str) -> Option<f64> {
        let (number, span) = self.number(key)?;
        if number > 0.0 {
            return Some(number);
        }
        let message = format!("`{key}` of `{}` must be greater than 0", self.parameter.key);
        self.push(Diagnostic::error(message, span).help(above_zero(number)));
        None
    }

    fn two_positive(&self, one: &str, other: &str) -> Option<(f64, f64)> {
        let (one, other) = (self.positive(one), self.positive(other));
        Some((one?, other?))
    }

    fn triangular(&self) -> Option<Dist> {
        let (bounds, mode) = (self.bounds(false), self.number("mode"));
        let ((min, max), (mode, span)) = (bounds?, mode?);
        if !(min..=max).contains(&mode) {
            let message =
                format!("the `mode` of `{}` is {mode}, which is not between {min} and {max}", self.parameter.key);
            self.push(Diagnostic::error(message, span).help("the mode is the most likely value, from `min` to `max`"));
            return None;
        }
        Some(Dist::Triangular { min, mode, max })
    }
}

/// The help for a number that is not greater than 0.
fn above_zero(number: f64) -> String {
    if number < 0.0 {
        format!("write it without the minus sign: {}", -number)
    } else {
        "put a constant under [grid]".into()
    }
}

fn number(entry: &Entry, what: &str, sink: &Sink) -> Option<(f64, Span<usize>)> {
    let number = match entry.value {
        DeValue::Integer(written) => integer(written).map(|number| number as f64),
        DeValue::Float(written) => grid::double(written),
        other => {
            let what = if what == entry.key { format!("`{what}`") } else { what.to_owned() };
            let message = format!("{what} must be a number, not {}", kind(other));
            sink.push(Diagnostic::error(message, entry.span.clone()).help("write the number without quotes"));
            return None;
        }
    };
    if number.is_none() {
        sink.push(
            Diagnostic::error("this number must be finite", entry.span.clone())
                .help("the largest number is about 1e308"),
        );
    }
    Some((number?, entry.span.clone()))
}
