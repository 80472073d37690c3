//! Tests of reading results.

use super::*;
use crate::model::{Reducers, ResultFormat};
use Value::{Bool, Float, Int, Missing};

mod columns;
mod properties;
mod refusals;
mod sources;
mod streams;

fn kept(text: impl AsRef<[u8]>) -> Kept {
    let tail = text.as_ref().to_vec();
    Kept { total: tail.len() as u64, tail }
}

/// The end of a longer output.
fn cut(text: impl AsRef<[u8]>) -> Kept {
    let tail = text.as_ref().to_vec();
    Kept { total: tail.len() as u64 + 1, tail }
}

fn settings(format: ResultFormat, require: &[&str]) -> ResultSettings {
    let require = require.iter().map(|name| name.to_string()).collect();
    ResultSettings { format, from: ResultsFrom::Stdout, require, reduce: Reducers::default(), keep_on_timeout: false }
}

/// From standard output alone; nothing came before the kept end.
fn results(settings: &ResultSettings, stdout: &Kept) -> Result<Results, String> {
    let extractor = Extractor::new(std::slice::from_ref(settings)).unwrap();
    extractor.begin().finish(stdout, |_, _| panic!("there is no file"))
}

fn read(format: ResultFormat, stdout: &Kept) -> Result<Results, String> {
    results(&settings(format, &[]), stdout)
}

fn columns(columns: &[(&str, &str)]) -> Vec<(String, String)> {
    columns.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
}

/// All members of an object.
const JSON: ResultFormat = ResultFormat::Json(Vec::new());

fn json(text: &str) -> Vec<(String, Value)> {
    read(JSON, &kept(text)).unwrap()
}

fn keyvalue(text: &str) -> Vec<(String, Value)> {
    read(ResultFormat::KeyValue, &kept(text)).unwrap()
}

fn auto(text: &str) -> Vec<(String, Value)> {
    read(ResultFormat::Auto, &kept(text)).unwrap()
}

/// The value of the number format.
fn number(text: &str) -> Option<Value> {
    let found = read(ResultFormat::Number, &kept(text)).ok()?;
    assert_eq!((found.len(), found[0].0.as_str()), (1, "result"));
    Some(found[0].1.clone())
}

fn named(pairs: &[(&str, Value)]) -> Vec<(String, Value)> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn json_is_found_on_the_last_line_or_in_the_whole() {
    let expected = named(&[("energy", Float(-1.5)), ("steps", Int(100))]);
    for output in [
        r#"{"energy": -1.5, "steps": 100}"#,
        "starting\n{\"no\": 1}\n{\"energy\": -1.5, \"steps\": 100}\n\n  \n",
        "log\r\n  {\"energy\": -1.5, \"steps\": 100}  \r\n",
        "10%\r100%\r{\"energy\": -1.5, \"steps\": 100}",
        "{\n  \"energy\": -1.5,\n  \"steps\": 100\n}\n",
        "\u{feff}{\"energy\": -1.5,\n\"steps\": 100}",
    ] {
        assert_eq!(json(output), expected, "{output}");
        assert_eq!(auto(output), expected, "{output}");
    }
}

#[test]
fn the_last_json_object_counts_wherever_it_stands() {
    let expected = named(&[("a", Int(2))]);
    for output in [
        "{\"a\": 1}\n{\"a\": 2}\n",
        "{\"a\": 2}\nbye bye\n",
        "log 1\nlog 2\n{\n  \"a\": 2\n}\n",
        "config {x}\n{\"a\": 1, \"b\": [{\"c\": 1}]}\nlog [0, 1)\n{\n\"a\":\n2}\ndone in 3 s\n",
        "\u{1b}[32m{\"a\": 2}\u{1b}[0m\n",
    ] {
        assert_eq!(json(output), expected, "{output}");
        assert_eq!(auto(output), expected, "{output}");
    }
    // An object that is not whole hides an earlier one: that one is not the job's result.
    for broken in ["{\"a\": 1}\n{\"a\": 2,}\nbye", "{\"a\": 1}\n{\"a\": 2,\nbye", "{\"a\": 1}\n{'a': 2}"] {
        assert!(read(JSON, &kept(broken)).unwrap_err().contains("JSON object"), "{broken}");
        assert!(read(ResultFormat::Auto, &kept(broken)).is_err(), "{broken}");
    }
    // The end of a larger object whose beginning was dropped is no object.
    assert!(read(JSON, &cut("\n\"b\":\n{\"a\": 1}\n}\nbye")).is_err());
    // What is printed after an object takes precedence.
    assert_eq!(auto("{\"a\": 1}\nb = 2\nbye"), named(&[("b", Int(2))]));
    assert_eq!(auto("{\"a\": 1}\n0.5"), named(&[("result", Float(0.5))]));
}

#[test]
fn colours_and_carriage_returns_do_not_matter() {
    let output = "10%\r\u{1b}[2K\u{1b}[1;32mwall time: 5\u{1b}[0m\r\n\u{1b}[33mE(tot)\u{1b}[m = \u{1b}[1m3\u{1b}[m\r";
    assert_eq!(auto(output), named(&[("wall time", Int(5)), ("E(tot)", Int(3))]));
    assert_eq!(number("\u{1b}[1m0.5\u{1b}[0m\n"), Some(Float(0.5)));
}

#[test]
fn names_of_a_log_are_no_results() {
    let log: String =
        (0..5000).map(|step| format!("E({}) = {step}\n", "x".repeat(1 + step % 50) + &step.to_string())).collect();
    assert_eq!(auto(&format!("{log}a b = 1\nx = 2\n")), named(&[("x", Int(2))]));
    assert_eq!(auto(&log), []);
}

#[test]
fn json_values_keep_their_types() {
    let found = json(
        r#"{"i": 3, "f": 3.0, "big": 9223372036854775807, "bigger": 9223372036854775808, "huge": 1e300, "b": true,
            "n": null, "t": "3.0", "u": "Ä\n", "l": [1, 2.50, {"x": "y"}], "e": [], "neg": -0.0}"#,
    );
    let expected = named(&[
        ("i", Int(3)),
        ("f", Float(3.0)),
        ("big", Int(i64::MAX)),
        ("bigger", Float(9223372036854775808.0)),
        ("huge", Float(1e300)),
        ("b", Bool(true)),
        ("n", Missing),
        ("t", text("3.0")),
        ("u", text("Ä\n")),
        ("l", text(r#"[1,2.5,{"x":"y"}]"#)),
        ("e", text("[]")),
        ("neg", Float(-0.0)),
    ]);
    assert_eq!(found, expected);
}

#[test]
fn json_objects_are_flattened_and_the_last_value_of_a_name_wins() {
    let found = json(r#"{"a": {"b": 1, "c": {"d": 2}}, "e": {}, " f ": 3, "a.b": 4, "f": 5, "g": 6, "g": 7}"#);
    assert_eq!(found, named(&[("a.b", Int(4)), ("a.c.d", Int(2)), ("f", Int(5)), ("g", Int(7))]));
    assert_eq!(json("{}"), []);
}

#[test]
fn nan_and_infinity_are_read_from_json() {
    let found = json(r#"{"a": NaN, "b":Infinity,"c":-Infinity, "d": nan, "e": -inf, "f": [1,NaN], "g": {"h": -nan}}"#);
    let printed: Vec<String> = found.iter().map(|(name, value)| format!("{name} {value}")).collect();
    assert_eq!(printed, ["a NaN", "b inf", "c -inf", "d NaN", "e -inf", r#"f [1,"NaN"]"#, "g.h NaN"]);
    assert!(found.iter().all(|(name, value)| name == "f" || matches!(value, Float(_))));
    // In strings, and in names, they are left alone, escaped quotes included.
    let found = json(r#"{"x": NaN, "say \"NaN\"": "a NaN, \\", "NaN": "\"Infinity", "y": "Nan"}"#);
    let expected = [("say \"NaN\"", text("a NaN, \\")), ("NaN", text("\"Infinity")), ("y", text("Nan"))];
    assert_eq!(found[1..], named(&expected));
    // As strings, as jsonlite and sweep print them.
    assert_eq!(
        json(r#"{"a": "-Inf", "b": "inf"}"#),
        named(&[("a", Float(-f64::INFINITY)), ("b", Float(f64::INFINITY))])
    );
    let broken = ["{\"a\": NaNa}", "{\"a\": NaN", "{NaN}", "{\"a\": 1.NaN}", "{\"a\": \"NaN}"];
    for output in broken {
        assert!(read(JSON, &kept(output)).is_err(), "{output}");
    }
}

#[test]
fn keyvalue_lines_are_read() {
    let output = "Simulation of 3 spins\nenergy = -1.5\n  steps:100\r\n name = two words \nlast-try.x_1: 1.2D-05\n\
        energy = 2\nempty =\nok: True\nnot_a = None\nflag = FALSE\nrun: inf\n_u=.5";
    let expected = [
        ("energy", Int(2)),
        ("steps", Int(100)),
        ("name", text("two words")),
        ("last-try.x_1", Float(1.2e-5)),
        ("empty", Missing),
        ("ok", Bool(true)),
        ("not_a", Missing),
        ("flag", Bool(false)),
        ("run", Float(f64::INFINITY)),
        ("_u", Float(0.5)),
    ];
    assert_eq!(keyvalue(output), named(&expected));
    assert_eq!(auto(output), named(&expected));
}

#[test]
fn other_lines_are_not_keyvalue_lines() {
    for line in [
        "3d = 4",
        "= 4",
        ": 4",
        "name",
        "a == b",
        "a => b",
        "http://host/path",
        "std::vector",
        "C:\\dir",
        "12:30:01 started",
        "-x = 1",
        "{a = 1}",
        "a, b = 1, 2",
        "x := 1",
    ] {
        assert!(read(ResultFormat::KeyValue, &kept(line)).is_err(), "{line}");
        assert_eq!(auto(line), [], "{line}");
    }
}

#[test]
fn a_number_on_the_last_line() {
    for (output, value) in [
        ("0.53", Float(0.53)),
        ("burn in: done\n\n 42 \n\n", Int(42)),
        ("[1] 0.53\n", Float(0.53)),
        ("[1]  7", Int(7)),
        ("  1.2D-05", Float(1.2e-5)),
        ("-0.12345678901234567d+10", Float(-0.12345678901234567e10)),
        ("1.", Float(1.0)),
        ("+5", Int(5)),
        ("-.5e-3", Float(-0.5e-3)),
        ("99999999999999999999", Float(1e20)),
        ("-Infinity", Float(-f64::INFINITY)),
    ] {
        assert_eq!(number(output), Some(value), "{output}");
    }
    assert_eq!(number("nan").unwrap().to_string(), "NaN");
    for output in [
        "",
        "\n",
        "1 2",
        "[1] 0.5 0.6",
        "[2] 0.5",
        "[1]0.5",
        "1,5",
        "0x10",
        "1_000",
        "1e999",
        "5 s",
        "true",
        "NA",
        "-",
        ".",
        "e5",
        "1e",
        "1d5d5",
        "d",
        "infinit",
    ] {
        assert_eq!(number(output), None, "{output}");
    }
}

#[test]
fn auto_tries_json_then_keyvalue_then_number() {
    assert_eq!(auto("a = 1\n{\"b\": 2}"), named(&[("b", Int(2))]));
    assert_eq!(auto("a = 1\n0.5"), named(&[("a", Int(1))]));
    assert_eq!(auto("hello there\n0.5"), named(&[("result", Float(0.5))]));
    for nothing in ["", "hello there", "{1, 2}", "None", "}", "0.5\nbye bye"] {
        assert_eq!(auto(nothing), [], "{nothing}");
    }
    assert_eq!(Extractor::new(&[]).unwrap().begin().finish(&kept("a = 1"), |_, _| panic!()).unwrap(), []);
}

#[test]
fn invalid_utf8_is_replaced() {
    assert_eq!(
        read(ResultFormat::KeyValue, &kept(b"\xff\xfe\na = 1\xff\n")).unwrap(),
        named(&[("a", text("1\u{fffd}"))])
    );
    assert_eq!(read(ResultFormat::Number, &kept(b"\x80\x81\n5\n")).unwrap(), named(&[("result", Int(5))]));
}
