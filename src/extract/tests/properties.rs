//! Property tests of reading results.

use itertools::Itertools;
use proptest::prelude::*;

use super::*;

/// Each format, and both that have columns.
pub(super) fn formats() -> Vec<ResultFormat> {
    let patterns = columns(&[("a", "a *= *(\\S+)"), ("b", "[a-z1]+"), ("c", "^(?:.|(?<x>NaN))$")]);
    let paths = columns(&[("a", "a"), ("b", "a.a[-1]"), ("c", "[\"\u{e9}\"][0].a")]);
    use ResultFormat::*;
    vec![Auto, JSON, Json(paths), KeyValue, Regex(patterns), Number]
}

/// Output that almost has a valid format.
pub(super) fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{", "}", "\"", "\\", "NaN", "-", "Infinity", "[", "]", ":", ",", " ", "\n", "\r", "a", "=", "1", "e", ".",
        "\u{feff}", "é", "null", "[1]", "\u{0}",
    ]);
    let nearly = prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat().into_bytes());
    prop_oneof![nearly, prop::collection::vec(any::<u8>(), 0..200)]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Int),
        any::<u64>().prop_map(|bits| Float(f64::from_bits(bits))),
        any::<bool>().prop_map(Bool),
        Just(Missing),
    ]
}

/// Equal, where NaN equals NaN and zeros have the same sign.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Float(a), Float(b)) => (a.is_nan() && b.is_nan()) || a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn no_output_panics_and_names_are_unique(tail in output(), more in 0..2_u64, required in any::<bool>()) {
        let stdout = Kept { total: tail.len() as u64 + more, tail };
        for format in formats() {
            let require: &[&str] = if required { &["a"] } else { &[] };
            if let Ok(found) = results(&settings(format, require), &stdout) {
                prop_assert!(found.iter().map(|(name, _)| name).all_unique());
                prop_assert!(found.iter().all(|(name, _)| !name.is_empty() && name.trim() == name));
                prop_assert!(!required || found.iter().any(|(name, _)| name == "a"));
            }
        }
    }

    #[test]
    fn values_read_back_as_they_are_printed(value in value()) {
        let printed = format!("x = {value}");
        prop_assert!(same(&keyvalue(&printed)[0].1, &value));
        if matches!(value, Int(_) | Float(_)) {
            prop_assert!(same(&number(&value.to_string()).unwrap(), &value));
        }
        let printed = format!("{{\"x\": {}}}", value.to_json());
        prop_assert!(same(&json(&printed)[0].1, &value));
    }

    #[test]
    fn values_printed_by_python_are_read(values in prop::collection::vec(value(), 1..8)) {
        let item = |value: &Value| match value {
            Float(x) if x.is_nan() => "NaN".into(),
            Float(x) if x.is_infinite() => if *x > 0.0 { "Infinity" } else { "-Infinity" }.into(),
            other => other.to_json().to_string(),
        };
        let items: Vec<String> = values.iter().enumerate().map(|(i, value)| format!("\"v{i}\": {}", item(value))).collect();
        let found = json(&format!("{{{}}}", items.join(", ")));
        prop_assert!(found.len() == values.len() && found.iter().zip(&values).all(|((_, a), b)| same(a, b)));
    }

    #[test]
    fn any_text_is_a_pattern_or_path_or_an_error(
        text in r#"([a-z .]|[\[\](){}*+?|^$\\.,'"=-]|\\[a-zA-Z]|\(\?|[0-9]|\PC){0,16}"#, line in "\\PC{0,20}",
    ) {
        let good = |mistake: &SyntaxError| text.get(mistake.at.clone()).is_some() && !mistake.message.is_empty();
        match Pattern::new(&text) {
            Err(mistake) => prop_assert!(good(&mistake), "{mistake:?}"),
            Ok(_) => {
                let _ = read(ResultFormat::Regex(columns(&[("a", &text)])), &kept(&line));
            }
        }
        match Path::parse(&text) {
            Err(mistake) => prop_assert!(good(&mistake), "{mistake:?}"),
            Ok(_) => {
                let _ = read(ResultFormat::Json(columns(&[("a", &text)])), &kept("{\"a\": [{\"b\": 1}]}"));
            }
        }
    }
}
