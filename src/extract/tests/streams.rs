//! Tests of output that is longer than what is kept of it.

use proptest::prelude::*;

use super::lines::LONGEST;
use super::named_values::{MOST_NAMES, MOST_TEXT};
use super::properties::{formats, output};
use super::*;

/// The results of an output that comes in chunks, of which the last `keep` bytes are kept.
fn streamed(settings: &ResultSettings, chunks: &[&[u8]], keep: usize) -> Result<Results, String> {
    let extractor = Extractor::new(std::slice::from_ref(settings)).unwrap();
    let mut extraction = extractor.begin();
    let mut tail = Vec::new();
    let mut total = 0;
    for chunk in chunks {
        tail.extend_from_slice(chunk);
        total += chunk.len() as u64;
        let excess = tail.len().saturating_sub(keep);
        extraction.overflow(&tail.drain(..excess).collect::<Vec<_>>());
    }
    extraction.finish(&Kept { tail, total }, |_, _| panic!("there is no file"))
}

fn long(format: ResultFormat, chunks: &[&[u8]]) -> Result<Results, String> {
    streamed(&settings(format, &[]), chunks, LONGEST)
}

#[test]
fn long_output_is_read_from_its_beginning() {
    use ResultFormat::*;
    let energy = || Regex(columns(&[("energy", "E = (.+)"), ("step", r"^step (\d+)")]));
    let steps: String = (0..100_000).map(|i| format!("step {i} of 100000\n")).collect();
    let steps = steps.as_bytes();
    let found = named(&[("energy", Int(5)), ("step", Int(99_999))]);
    assert_eq!(long(energy(), &[b"E = 1\nE = 5\n", steps]).unwrap(), found);
    assert_eq!(long(KeyValue, &[b"E = 1\nE = 5\n", steps]).unwrap(), named(&[("E", Int(5))]));
    assert_eq!(long(Auto, &[b"E = 1\nE = 5\n", steps]).unwrap(), named(&[("E", Int(5))]));
    assert_eq!(long(Auto, &[b"E = 1\n", steps, b"{\"E\": 2}"]).unwrap(), named(&[("E", Int(2))]));
    assert_eq!(long(Auto, &[steps, b"0.5"]).unwrap(), named(&[("result", Float(0.5))]));
    assert_eq!(long(Auto, &[steps]).unwrap(), []);
    assert_eq!(long(JSON, &[steps, b"{\"E\": 2}"]).unwrap(), named(&[("E", Int(2))]));
    assert_eq!(long(Number, &[steps, b"0.5"]).unwrap(), named(&[("result", Float(0.5))]));
}

#[test]
fn memory_is_bounded_for_any_output() {
    use ResultFormat::*;
    let energy = || Regex(columns(&[("energy", "E = (.+)")]));
    let endless = vec![b'x'; 5 * LONGEST];
    let names: String = (0..2 * MOST_NAMES).map(|i| format!("x{i} = 1\n")).collect();
    let texts: String = (0..10).map(|i| format!("x{i} = {}\n", "y".repeat(MOST_TEXT / 9))).collect();
    let object = format!("{{\"a\": \"{}\"}}", "y".repeat(LONGEST));
    let pretty = format!("{{\n\"a\": \"{}\"\n}}\n", "y".repeat(LONGEST));
    let blank = vec![b' '; 2 * LONGEST];
    let refusals = [
        long(Auto, &[b"0.5\n", &blank]),
        long(Number, &[b"0.5\n", &blank]),
        long(energy(), &[b"E = 5\n", &endless]),
        long(KeyValue, &[b"E = ", &endless]),
        long(KeyValue, &[names.as_bytes()]),
        long(Auto, &[names.as_bytes(), &endless]),
        long(KeyValue, &[texts.as_bytes()]),
        long(Auto, &[object.as_bytes()]),
        long(Auto, &[pretty.as_bytes()]),
        long(KeyValue, &[&endless, b"\n0.5"]),
        long(KeyValue, &[&endless]),
    ];
    let refusals: Vec<String> = refusals.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    the output was cut: only its last 262144 bytes were kept, which is less than its last line; print less, or print all results as one JSON object on the last line
    the output was cut: only its last 262144 bytes were kept, and they are blank
    a line is longer than 256 KiB, too long to be searched, and no line after it has `energy`; let the program print shorter lines, or print the result at the end
    the value of `E` is too large: its line is longer than 256 KiB
    the output has more than 10000 results; select the ones you need with `columns` under `[results]`, with `format = "json"` or "regex"
    the output has more than 10000 results; select the ones you need with `columns` under `[results]`, with `format = "json"` or "regex"
    the output has more than 256 KiB of text in its results; select the ones you need with `columns` under `[results]`, with `format = "json"` or "regex"
    the output was cut: only its last 262144 bytes were kept, and its last line is not a whole JSON object; print less
    the output was cut: only its last 262144 bytes were kept, and its last line is not a whole JSON object; print the object on one line, as the last line
    the output has no line `name = value`; its last line is `0.5`
    the output has no line `name = value`; its last line is very long
    "#);
    // Lines after one that is too long are read as usual.
    assert_eq!(long(energy(), &[b"E = 5\n", &endless, b"\nE = 6\n"]).unwrap(), named(&[("energy", Int(6))]));
    assert_eq!(long(KeyValue, &[b"E = 5\n", &endless]).unwrap(), named(&[("E", Int(5))]));
    assert_eq!(long(Auto, &[&endless]).unwrap(), []);
    assert_eq!(long(Auto, &[b"E = 5\n", &blank]).unwrap(), named(&[("E", Int(5))]));
    assert_eq!(long(Auto, &[names.as_bytes(), b"{\"E\": 2}"]).unwrap(), named(&[("E", Int(2))]));
    // A name that gets value after value needs no more memory.
    let often: String = (0..100_000).map(|i| format!("text = {:100}|\n", i)).collect();
    assert!(matches!(long(KeyValue, &[often.as_bytes()]).unwrap().as_slice(), [(_, Value::Text(_))]));
}

proptest! {
    #[test]
    fn results_do_not_depend_on_chunks_and_kept_length(
        pieces in prop::collection::vec(output(), 0..8), keep in 0..60_usize, required: bool,
    ) {
        let whole = pieces.concat();
        let chunks: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        for format in formats() {
            let by_line = matches!(format, ResultFormat::KeyValue | ResultFormat::Regex(_));
            let settings = settings(format, if required { &["a"] } else { &[] });
            let at_once = results(&settings, &kept(&whole));
            let streamed = streamed(&settings, &chunks, keep);
            let print = |found: &Results| format!("{found:?}");
            match (&at_once, &streamed) {
                (Ok(at_once), Ok(streamed)) => prop_assert_eq!(print(at_once), print(streamed)),
                (_, Ok(_)) => prop_assert!(false, "refused at once: {:?}", at_once),
                (Ok(_), Err(_)) => prop_assert!(!by_line && keep < whole.len(), "{:?}", streamed),
                (Err(_), Err(_)) => {}
            }
        }
    }
}
