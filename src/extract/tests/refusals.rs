//! Tests of errors and their messages.

use super::*;

#[test]
fn errors_describe_the_output() {
    use ResultFormat::*;
    let long = format!("{}\n{}", "x".repeat(300), "é\x1b[31m".repeat(50));
    let refusals = [
        read(JSON, &kept("")),
        read(JSON, &kept("log\nenergy = 5")),
        read(JSON, &kept("log\n{\"energy\": 5,}")),
        read(JSON, &kept("log\n{\n  \"energy\": 5\n}")),
        read(JSON, &kept("{\n  \"energy\": 5,\n}")),
        read(JSON, &kept("[1, 2]")),
        read(JSON, &kept("{\"\": 5}")),
        read(JSON, &kept("{\"a\": {\"b\": {\"  \": 5}}}")),
        read(JSON, &kept("{\"x\": 1e999}")),
        read(KeyValue, &kept("")),
        read(KeyValue, &kept("log\n0.5")),
        read(KeyValue, &kept(long)),
        read(Number, &kept(" \n")),
        read(Number, &kept("0.5\ndone")),
        read(Auto, &kept("log\n{'energy': 5}")),
        read(Auto, &kept("{\n\"energy\": 5 }")),
    ];
    let refusals: Vec<String> =
        refusals.into_iter().map(|result| result.map_or_else(|e| e, |ok| format!("{ok:?}"))).collect();
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    the output is empty
    the last line, `energy = 5`, is not a JSON object
    the last line, `{"energy": 5,}`, is not a JSON object: trailing comma at line 1 column 14
    [("energy", Int(5))]
    the output is not a JSON object: trailing comma at line 3 column 1
    the last line, `[1, 2]`, is not a JSON object
    a result has an empty name; give it one
    a result in `a.b` has an empty name; give it one
    the last line, `{"x": 1e999}`, is not a JSON object: number out of range at line 1 column 11
    the output has no line `name = value`; the output is empty
    the output has no line `name = value`; its last line is `0.5`
    the output has no line `name = value`; its last line is `éééééééééééééééééééééééééééééééééééééééééééééééééé`
    the output is empty
    the last line, `done`, is not a number
    the last line, `{'energy': 5}`, is not a JSON object: key must be a string at line 1 column 2; in Python, `json.dumps` writes one
    [("energy", Int(5))]
    "#);
}

#[test]
fn required_results_must_be_present() {
    let require = |format, names: &[&str], output: &str| {
        results(&settings(format, names), &kept(output)).map_or_else(|why| why, |found| format!("{found:?}"))
    };
    use ResultFormat::*;
    let many: Vec<String> = (0..15).map(|i| format!("x{i} = {i}")).collect();
    let answers = [
        require(Auto, &["a", "b"], "b = 2\na = 1"),
        require(Auto, &["a"], "a = nan"),
        require(Auto, &["a", "b", "c", "c"], "b = 2\nd = 1"),
        require(JSON, &["a", "b"], r#"{"a": null, "c": 1, "d": null}"#),
        require(Auto, &["a"], "hello there"),
        require(Auto, &["a"], ""),
        require(Number, &["energy"], "1"),
        require(KeyValue, &["y"], &many.join("\n")),
    ];
    insta::assert_snapshot!(answers.join("\n"), @r#"
    [("b", Int(2)), ("a", Int(1))]
    [("a", Float(NaN))]
    the output has no `a`, `c`; it has: `b`, `d`
    the output has no `b`; the output has no value for `a`; it has: `c`
    the output has no `a`; no results were found in it; its last line is `hello there`
    the output has no `a`; no results were found in it; the output is empty
    the output has no `energy`; it has: `result`
    the output has no `y`; it has: `x0`, `x1`, `x2`, `x3`, `x4`, `x5`, `x6`, `x7`, `x8`, `x9`, `x10`, `x11` and 3 more
    "#);
}

#[test]
fn cut_output_gives_its_last_line_or_an_error() {
    use ResultFormat::*;
    assert_eq!(read(JSON, &cut("ine\n{\"a\": 1}\n")).unwrap(), named(&[("a", Int(1))]));
    assert_eq!(read(Auto, &cut("ine\n{\"a\": 1}\n")).unwrap(), named(&[("a", Int(1))]));
    assert_eq!(read(Number, &cut("\n0.5")).unwrap(), named(&[("result", Float(0.5))]));
    let refusals = [
        read(JSON, &cut("{\"a\": 1}\n")),
        read(JSON, &cut("{\n\"a\": 1\n}\n")),
        read(KeyValue, &cut("ine\na = 1\n")),
        read(Number, &cut("0.5\n")),
        read(Number, &cut("0.5\nbye bye\n")),
        read(Auto, &cut("ine\na = 1\n")),
        read(Auto, &cut("ine\n0.5\n")),
        read(Auto, &cut("\"a\": 1}\n")),
        read(Auto, &cut("  \"a\": 1\n}\n")),
        read(Auto, &cut("x = 1\nhello there\n")),
        read(Regex(columns(&[("a", "a=(.)")])), &cut("ine\na=1")),
        results(&settings(Number, &["a"]), &cut("ine\n1")),
    ];
    let refusals: Vec<String> = refusals.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    the output was cut: only its last 9 bytes were kept, and its last line is not a whole JSON object; print less
    the output was cut: only its last 11 bytes were kept, and its last line is not a whole JSON object; print the object on one line, as the last line
    the output was cut: only its last 10 bytes were kept, and lines `name = value` before that are lost; print less, or print all results as one JSON object on the last line
    the output was cut: only its last 4 bytes were kept, which is less than its last line
    the last line, `bye bye`, is not a number
    the output was cut: only its last 10 bytes were kept, and the lost part may have lines `name = value`, which take precedence over a number; print less, or print all results as one JSON object on the last line
    the output was cut: only its last 8 bytes were kept, and the lost part may have lines `name = value`, which take precedence over a number; print less, or print all results as one JSON object on the last line
    the output was cut: only its last 8 bytes were kept, and its last line is not a whole JSON object; print less
    the output was cut: only its last 11 bytes were kept, and its last line is not a whole JSON object; print the object on one line, as the last line
    the output was cut: only its last 18 bytes were kept, and the lost part may have lines `name = value`, which take precedence over a number; print less, or print all results as one JSON object on the last line
    the output was cut: only its last 7 bytes were kept, and earlier matches of the patterns are lost
    the output has no `a`; it has: `result`
    "#);
}
