//! Tests of selected columns: patterns and paths.

use super::*;

fn regex(patterns: &[(&str, &str)], output: &str) -> Result<Results, String> {
    read(ResultFormat::Regex(columns(patterns)), &kept(output))
}

fn paths(paths: &[(&str, &str)], output: &str) -> Result<Results, String> {
    read(ResultFormat::Json(columns(paths)), &kept(output))
}

const LOG: &str = "\u{feff}SCF 1: E = -1.0 Eh\r\nSCF 2: E = -1.5 Eh, dE = -0.5\n  converged: yes  \n10%\r20%\rT = 1.2D-05, T = nan\n\nN =";

#[test]
fn the_last_match_of_a_pattern_wins() {
    let patterns = [
        ("energy", r"E = (\S+)"),
        ("step", r"SCF (\d+)"),
        ("whole", r"dE = \S+"),
        ("named", r"(SCF) (?P<value>\d)(:)"),
        ("converged", r"^ +converged: (\w+) *$"),
        ("progress", r"^(\d+)%$"),
        ("temperature", r"T = ([^,]+)"),
        ("either", r"^(?:xyz|N =(\d*))"),
        ("nowhere", "xyz"),
    ];
    let found = regex(&patterns, LOG).unwrap();
    let expected = [
        ("energy", Float(-0.5)),
        ("step", Int(2)),
        ("whole", text("dE = -0.5")),
        ("named", Int(2)),
        ("converged", text("yes")),
        ("progress", Int(20)),
        ("either", Missing),
    ];
    let (nan, rest): (Results, Results) = found.into_iter().partition(|(name, _)| name == "temperature");
    assert_eq!(rest, named(&expected));
    assert!(matches!(nan.as_slice(), [(_, Float(x))] if x.is_nan()));
}

#[test]
fn a_path_leads_to_a_value_of_any_kind() {
    let output = "log\n{\"stats\": {\"energy\": {\"mean\": -1.5, \"n\": 3}, \"ok\": true}, \"values\": [1, 2.0, \"x\", null], \
                  \"a.b\": {\"c[0]\": \"deep\"}, \"nan\": NaN, \"runs\": [{\"t\": 1}, {\"t\": 2}]}";
    let all = [
        ("mean", "stats.energy.mean", Float(-1.5)),
        ("ok", "stats.ok", Bool(true)),
        ("first", "values[0]", Int(1)),
        ("third", "values[2]", text("x")),
        ("last", "values[-1]", Missing),
        ("deep", "[\"a.b\"]['c[0]']", text("deep")),
        ("t", "runs[-2].t", Int(1)),
        ("all", "values", text(r#"[1,2.0,"x",null]"#)),
        ("energy", " stats . energy ", text(r#"{"mean":-1.5,"n":3}"#)),
    ];
    let none = [
        ("no", "stats.energy.max"),
        ("list", "values[4]"),
        ("list", "values[-5]"),
        ("key", "values.a"),
        ("at", "stats[0]"),
    ];
    let asked: Vec<(&str, &str)> = all.iter().map(|(name, path, _)| (*name, *path)).chain(none).collect();
    let expected: Vec<(&str, Value)> = all.iter().map(|(name, _, value)| (*name, value.clone())).collect();
    assert_eq!(paths(&asked, output).unwrap(), named(&expected));
}

#[test]
fn an_error_names_the_columns_if_none_is_found() {
    let refusals = [
        regex(&[("energy", "E = (.+)"), ("time", "t = (.+)")], "done\n"),
        regex(&[("energy", "E = (.+)")], ""),
        paths(&[("energy", "stats.mean"), ("time", "t")], r#"{"energy": 1, "stats": {"max": 1}}"#),
        paths(&[("energy", "stats.mean")], "{}"),
        paths(&[("energy", "stats.mean")], "done"),
    ];
    let refusals: Vec<String> = refusals.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    no line of the output matches `energy`, `time`; its last line is `done`
    no line of the output matches `energy`; the output is empty
    the JSON object has none of `energy`, `time`; its keys are `energy`, `stats`
    the JSON object has none of `energy`; it is empty
    the last line, `done`, is not a JSON object
    "#);
}
