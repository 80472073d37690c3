//! Tests of several sources, of files, and of reading stored output again.

use super::*;

fn from(file: &str, format: ResultFormat) -> ResultSettings {
    ResultSettings { from: ResultsFrom::File(file.into()), ..settings(format, &[]) }
}

/// The results where the job's directory has these files.
fn all(sources: &[ResultSettings], stdout: &str, files: &[(&str, &str)]) -> Result<Results, String> {
    let extractor = Extractor::new(sources).unwrap();
    extractor.begin().finish(&kept(stdout), |name, overflow| {
        let (_, text) = files.iter().find(|(other, _)| *other == name).ok_or(format!("no file {name}"))?;
        // As with an end of three bytes.
        let (beginning, end) = text.as_bytes().split_at(text.len().saturating_sub(3));
        let Some(overflow) = overflow else { return Ok(kept(text)) };
        overflow(beginning);
        Ok(Kept { total: text.len() as u64, tail: end.to_vec() })
    })
}

#[test]
fn results_of_several_sources_are_combined_in_order() {
    use ResultFormat::*;
    let sources = [
        settings(Regex(columns(&[("time", "took (.+) s")])), &[]),
        from("out.txt", KeyValue),
        from("out.json", JSON),
        settings(Number, &[]),
    ];
    let files = [("out.json", "{\n\"a\": 1, \"b\": 5\n}"), ("out.txt", "c = 1\na = 1\n")];
    let found = all(&sources, "took 3 s\n17", &files).unwrap();
    assert_eq!(found, named(&[("time", Int(3)), ("c", Int(1)), ("a", Int(1)), ("b", Int(5)), ("result", Int(17))]));
}

#[test]
fn errors_of_a_source_name_its_file() {
    use ResultFormat::*;
    let refusals = [
        all(&[settings(KeyValue, &[]), from("o.txt", KeyValue)], "x = 1\na = 1", &[("o.txt", "a = 2")]),
        all(&[from("o.txt", KeyValue), from("p.txt", Number)], "", &[("o.txt", "result = 2"), ("p.txt", "2.5")]),
        all(&[settings(Auto, &[]), from("o.txt", JSON)], "x = 1", &[("o.txt", "a = 2")]),
        all(&[from("o.txt", JSON)], "x = 1", &[]),
    ];
    let refusals: Vec<String> = refusals.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    `a` is `1` in standard output and `2` in o.txt; select the results of each source with `columns`
    `result` is `2` in o.txt and `2.5` in p.txt; select the results of each source with `columns`
    o.txt: the last line, `a = 2`, is not a JSON object
    no file o.txt
    "#);
}

#[test]
fn stored_output_is_read_again_or_the_job_must_run() {
    use ResultFormat::*;
    let again =
        |sources: &[ResultSettings], kept: Option<Kept>| match Extractor::new(sources).unwrap().again(kept.as_ref()) {
            Ok(found) => format!("{found:?}"),
            Err(RereadError::NotKept(why)) => format!("not kept: {why}"),
            Err(RereadError::NoResult(why)) => format!("no result: {why}"),
        };
    let energy = || settings(Regex(columns(&[("energy", "E = (.+)")])), &[]);
    let answers = [
        again(&[], None),
        again(&[energy()], Some(kept("E = 5"))),
        again(&[energy()], Some(kept("done"))),
        again(&[energy()], Some(cut("ine\nE = 5"))),
        again(&[energy()], None),
        again(&[settings(JSON, &[])], Some(cut("ine\n{\"a\": 5}"))),
        again(&[settings(JSON, &["b"])], Some(cut("ine\n{\"a\": 5}"))),
        again(&[settings(Auto, &[])], Some(cut("ine\nhello"))),
        again(&[settings(Auto, &[]), from("o.txt", JSON)], Some(kept("a = 5"))),
    ];
    insta::assert_snapshot!(answers.join("\n"), @r#"
    []
    [("energy", Int(5))]
    no result: no line of the output matches `energy`; its last line is `done`
    not kept: the output was cut: only its last 9 bytes were kept, and earlier matches of the patterns are lost
    not kept: no output was kept
    [("a", Int(5))]
    not kept: the output has no `b`; it has: `a`
    not kept: the output was cut: only its last 9 bytes were kept, and the lost part may have lines `name = value`, which take precedence over a number; print less, or print all results as one JSON object on the last line
    not kept: results come from the file o.txt, which is not kept
    "#);
}

#[test]
fn settings_of_another_version_are_an_error() {
    let told = |format| Extractor::new(&[settings(format, &[])]).unwrap_err();
    insta::assert_snapshot!([
        told(ResultFormat::Regex(columns(&[("energy", "E = (")]))),
        told(ResultFormat::Json(columns(&[("energy", "$.x")]))),
    ].join("\n"), @r#"
    `E = (`, for the result `energy`: invalid pattern: unclosed group
    `$.x`, for the result `energy`: a path must start with a key of the object, without `$`
    "#);
}
