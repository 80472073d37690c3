//! Owns making one value of several: the reducers of `[results]`.

use super::output_text::quote;
use crate::model::Reducer;
use crate::value::Value;

/// Takes values one after the other, in constant memory.
#[derive(Clone, Debug)]
pub(super) struct Accumulator {
    reducer: Reducer,
    /// The number of values that are not missing.
    count: i64,
    /// The first, last, smallest or largest value so far.
    kept: Option<Value>,
    /// The exact sum; none: not all values are whole, or it does not fit.
    whole: Option<i64>,
    /// The sum, and what rounding has lost of it (Neumaier's algorithm).
    sum: (f64, f64),
    /// The first value that is not a number, where numbers are needed.
    text: Option<String>,
}

impl Accumulator {
    pub(super) fn new(reducer: Reducer) -> Accumulator {
        Accumulator { reducer, count: 0, kept: None, whole: Some(0), sum: (0.0, 0.0), text: None }
    }

    /// Whether later values change nothing.
    pub(super) fn is_settled(&self) -> bool {
        self.reducer == Reducer::First && self.kept.is_some()
    }

    /// Takes the next value. Missing values do not count.
    pub(super) fn push(&mut self, value: Value) {
        if value == Value::Missing || self.is_settled() {
            return;
        }
        self.count = self.count.saturating_add(1);
        match self.reducer {
            Reducer::Count => {}
            Reducer::First | Reducer::Last => self.kept = Some(value),
            Reducer::Min | Reducer::Max | Reducer::Mean | Reducer::Sum => self.push_number(value),
        }
    }

    fn push_number(&mut self, value: Value) {
        let number = match &value {
            Value::Int(whole) => *whole as f64,
            Value::Float(number) => *number,
            Value::Bool(flag) => f64::from(u8::from(*flag)),
            other => {
                self.text.get_or_insert_with(|| other.to_string());
                return;
            }
        };
        self.whole = self.whole.zip(as_whole(&value)).and_then(|(sum, whole)| sum.checked_add(whole));
        self.add(number);
        let kept = self.kept.as_ref().and_then(as_number);
        // NaN is neither smaller nor larger, and must not disappear.
        let replaces = kept.is_none_or(|kept| {
            number.is_nan()
                || (!kept.is_nan() && if self.reducer == Reducer::Min { number < kept } else { number > kept })
        });
        if replaces {
            self.kept = Some(value);
        }
    }

    fn add(&mut self, number: f64) {
        let (sum, lost) = self.sum;
        let next = sum + number;
        let rounding = if sum.abs() >= number.abs() { (sum - next) + number } else { (number - next) + sum };
        self.sum = (next, lost + rounding);
    }

    /// The value; none: there were no values. The count of no values is 0.
    ///
    /// # Errors
    /// If a value was text where numbers are needed.
    pub(super) fn finish(self, name: &str) -> Result<Option<Value>, String> {
        let word = self.reducer.word();
        if let Some(text) = self.text {
            return Err(format!(
                "{} has the value {}, which is not a number, so it has no {word}",
                quote(name),
                quote(&text)
            ));
        }
        // The correction of an infinite sum is NaN.
        let sum = if self.sum.0.is_finite() { self.sum.0 + self.sum.1 } else { self.sum.0 };
        Ok(match self.reducer {
            Reducer::Count => Some(Value::Int(self.count)),
            _ if self.count == 0 => None,
            Reducer::Sum => Some(self.whole.map_or(Value::Float(sum), Value::Int)),
            Reducer::Mean => Some(Value::Float(sum / self.count as f64)),
            Reducer::First | Reducer::Last | Reducer::Min | Reducer::Max => self.kept,
        })
    }
}

fn as_whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(whole) => Some(*whole),
        Value::Bool(flag) => Some(i64::from(*flag)),
        _ => None,
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        other => as_whole(other).map(|whole| whole as f64),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reduced(reducer: Reducer, values: &[Value]) -> Result<Option<Value>, String> {
        let mut accumulator = Accumulator::new(reducer);
        values.iter().cloned().for_each(|value| accumulator.push(value));
        accumulator.finish("x")
    }

    #[test]
    fn reducers_keep_whole_numbers_and_do_not_lose_nan() {
        use Value::{Bool, Float, Int, Missing};
        let all = |values: &[Value]| -> Vec<String> {
            let shown = |value: Option<Value>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
            Reducer::ALL.iter().map(|(_, reducer)| reduced(*reducer, values).map_or_else(|why| why, shown)).collect()
        };
        assert_eq!(all(&[Int(3), Missing, Int(1), Int(2)]), ["3", "2", "1", "3", "2.0", "6", "3"]);
        assert_eq!(all(&[Float(1.5), Int(1)]), ["1.5", "1", "1", "1.5", "1.25", "2.5", "2"]);
        assert_eq!(all(&[Bool(true), Bool(false)]), ["true", "false", "false", "true", "0.5", "1", "2"]);
        assert_eq!(all(&[Float(1.0), Float(f64::NAN), Float(2.0)]), ["1.0", "2.0", "NaN", "NaN", "NaN", "NaN", "3"]);
        assert_eq!(all(&[Int(i64::MAX), Int(1)])[5], "9.223372036854776e18");
        assert_eq!(all(&[Float(1e100), Float(1.0), Float(-1e100)])[5], "1.0");
        assert_eq!(all(&[Float(f64::INFINITY), Float(1.0)])[5], "inf");
        assert_eq!(all(&[]), ["-", "-", "-", "-", "-", "-", "0"]);
        let why = reduced(Reducer::Mean, &[Int(1), Value::Text("bad".into())]).unwrap_err();
        assert_eq!(why, "`x` has the value `bad`, which is not a number, so it has no mean");
    }

    proptest! {
        #[test]
        fn reducers_agree_with_lists(values in prop::collection::vec(-1000_i64..1000, 1..20)) {
            let ints: Vec<Value> = values.iter().copied().map(Value::Int).collect();
            let whole = |reducer| reduced(reducer, &ints).unwrap();
            prop_assert_eq!(whole(Reducer::First), values.first().copied().map(Value::Int));
            prop_assert_eq!(whole(Reducer::Last), values.last().copied().map(Value::Int));
            prop_assert_eq!(whole(Reducer::Min), values.iter().min().copied().map(Value::Int));
            prop_assert_eq!(whole(Reducer::Max), values.iter().max().copied().map(Value::Int));
            prop_assert_eq!(whole(Reducer::Sum), Some(Value::Int(values.iter().sum())));
            prop_assert_eq!(whole(Reducer::Count), Some(Value::Int(values.len() as i64)));
        }
    }
}
