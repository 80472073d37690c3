//! Tests of stored records: they read back the same, damage is reported, and the bytes of each form stay what they are.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::cause::CauseForm as _;
use super::outcome::{StoredOutcome, StoredVerdict};
use super::*;
use crate::job::{AttemptCounts, Cause, CausePattern, JobAddress, Outcome, UnknownCause, Verdict};
use crate::value::Value;

fn record() -> impl Strategy<Value = Record> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_filter("NaN is not itself", |x| !x.is_nan()).prop_map(Value::Float),
        (-1_000_000..1_000_000_i32, 0..9).prop_map(|(n, places)| Value::Float(f64::from(n) / 10_f64.powi(places))),
        any::<bool>().prop_map(Value::Bool),
        ".{0,3}".prop_map(Value::Text),
    ];
    let results = vec(("[ab]", value), 0..3);
    let outcome = prop_oneof![
        results.prop_map(|results| Outcome::Succeeded { results }),
        ".{0,9}".prop_map(|why| Outcome::Failed { cause: Cause::NoResult(why) }),
        any::<bool>().prop_map(|started| Outcome::Lost { started }),
    ];
    let seconds = prop_oneof![0.0..1e9f64, (0..10_000_000_u32).prop_map(|micros| f64::from(micros) / 1e6)];
    (any::<u64>(), outcome, any::<u32>(), seconds, ".{0,1}").prop_map(|(index, outcome, attempts, seconds, host)| {
        Record {
            index,
            tries: AttemptCounts { attempts, ..AttemptCounts::default() },
            outcome,
            verdict: Verdict::Again { delay_ms: index },
            exit_code: Some(-1),
            ended_ms: index,
            seconds,
            cpu_seconds: seconds,
            max_rss_bytes: index,
            worker: host.clone(),
            version: attempts % 3,
            origin: None,
            host,
        }
    })
}

#[test]
fn zeros_keep_their_sign() {
    let mut one = record().new_tree(&mut TestRunner::deterministic()).unwrap().current();
    one.outcome = Outcome::Succeeded { results: vec![("a".into(), Value::Float(-0.0))] };
    let text = |record: &Record| format!("{:?}", record.outcome);
    assert_eq!(text(&decode_chunk(&encode_chunk(std::slice::from_ref(&one))).unwrap()[0]), text(&one));
}

proptest! {
    #[test]
    fn what_is_recorded_is_read_again(records in vec(record(), 0..9), tail in vec(any::<u8>(), 0..20), total in any::<u64>()) {
        prop_assert_eq!(decode_chunk(&encode_chunk(&records)).unwrap(), records);
        let output = Output { stdout: Kept { tail, total }, stderr: Kept::default() };
        prop_assert_eq!(decode_output(&encode_output(&output)).unwrap(), output);
    }

    #[test]
    fn chunks_become_one_that_says_the_same(chunks in vec(vec(record(), 0..4), 0..4)) {
        let merged = merge_chunks(&chunks.iter().map(|chunk| encode_chunk(chunk)).collect::<Vec<_>>()).unwrap();
        let mut all = chunks.concat();
        all.sort_by_key(|record| record.index);
        prop_assert_eq!(decode_chunk(&merged).unwrap(), all);
    }

    #[test]
    fn whatever_is_recorded_is_read_or_told(
        bytes in vec(any::<u8>(), 0..80),
        records in vec(record(), 1..3),
        at in any::<prop::sample::Index>(),
        bit in 0..8,
        format in CLOSED_CAUSES..=CHUNK_FORMAT,
    ) {
        let mut flipped = encode_chunk(&records);
        let at = at.index(flipped.len());
        let cut = flipped[..at].to_vec();
        flipped[at] ^= 1_u8 << bit;
        let ours = [&[format], bytes.as_slice()].concat();
        for bytes in [bytes, ours, flipped, cut] {
            let _ = decode_chunk(&bytes);
            let _ = decode_output(&bytes);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn failed(cause: Cause) -> Outcome {
    Outcome::Failed { cause }
}

/// Every kind of outcome and cause with its bytes in format 4. Only add to it: these bytes are in stores.
fn golden_outcomes() -> Vec<(Outcome, &'static str)> {
    let results = vec![
        ("a".into(), Value::Missing),
        ("b".into(), Value::Bool(true)),
        ("c".into(), Value::Int(-1)),
        ("d".into(), Value::Float(0.5)),
        ("e".into(), Value::Text("x".into())),
        ("f".into(), Value::Written(Box::new(Value::Int(7)), "007".into())),
    ];
    let unknown = UnknownCause { kind: "later".into(), whole: vec![1], doubles: vec![], texts: vec!["x".into()] };
    vec![
        (
            Outcome::Succeeded { results },
            "00060161000162010101630201016403000000000000e03f0165040178016605020e03303037",
        ),
        (failed(Cause::Exit(3)), "01046578697401060000"),
        (failed(Cause::Signal(9)), "01067369676e616c01120000"),
        (failed(Cause::timeout(0.5)), "010774696d656f75740001000000000000e03f00"),
        (
            failed(Cause::Timeout {
                seconds: 0.5,
                partial: vec![
                    ("a".into(), Value::Int(-1)),
                    ("b".into(), Value::Float(1.0)),
                    ("c".into(), Value::Bool(true)),
                    ("d".into(), Value::Missing),
                    ("e".into(), Value::Text("x".into())),
                ],
            }),
            "010774696d656f7574010102000000000000e03f000000000000f03f0a016103696e74016206646f75626c65016304747275650164076d697373696e67016506746578743a78",
        ),
        (failed(Cause::NoResult("x".into())), "01096e6f2d726573756c740000010178"),
        (failed(Cause::CannotStart("x".into())), "010c63616e6e6f742d73746172740000010178"),
        (failed(Cause::InternalError("x".into())), "010e696e7465726e616c2d6572726f720000010178"),
        (failed(Cause::LostTooOften), "01046c6f7374000000"),
        (failed(Cause::Memory { limit: 1, used: u64::MAX }), "01066d656d6f72790202010000"),
        (failed(Cause::Unknown(Box::new(unknown))), "01056c61746572010200010178"),
        (Outcome::Lost { started: true }, "0201"),
        (Outcome::Cancelled, "03"),
        (Outcome::GivenBack { started: false }, "0400"),
        (Outcome::CannotHere { why: "x".into() }, "050178"),
        (Outcome::SetAside, "06"),
    ]
}

#[test]
fn the_bytes_of_outcomes_never_change() {
    for (outcome, bytes) in golden_outcomes() {
        let stored = StoredOutcome::<OpenCause>::from(&outcome);
        assert_eq!(hex(&encode(&stored, Vec::new())), bytes, "{outcome:?}");
        assert_eq!(stored.into_outcome(), outcome);
    }
}

#[test]
fn every_kind_of_cause_has_golden_bytes() {
    let golden = golden_outcomes();
    let kinds: BTreeSet<&str> = golden
        .iter()
        .filter_map(|(outcome, _)| match outcome {
            Outcome::Failed { cause } => Some(cause.kind()),
            _ => None,
        })
        .collect();
    for kind in CausePattern::KINDS {
        assert!(kinds.contains(kind), "add a failure from `{kind}` to the golden bytes");
    }
}

#[test]
fn the_bytes_of_verdicts_and_closed_causes_never_change() {
    let verdicts = [
        (Verdict::Succeeded, "00"),
        (Verdict::Failed, "01"),
        (Verdict::Again { delay_ms: 300 }, "02ac02"),
        (Verdict::Cancelled, "03"),
    ];
    for (verdict, bytes) in verdicts {
        let stored = StoredVerdict::from(verdict);
        assert_eq!(hex(&encode(&stored, Vec::new())), bytes);
        assert_eq!(Verdict::from(stored), verdict);
    }
    let causes = [
        ("0006", Cause::Exit(3)),
        ("0112", Cause::Signal(9)),
        ("02000000000000e03f", Cause::timeout(0.5)),
        ("030178", Cause::NoResult("x".into())),
        ("040178", Cause::CannotStart("x".into())),
        ("05", Cause::LostTooOften),
        ("060102", Cause::Memory { limit: 1, used: 2 }),
    ];
    for (bytes, cause) in causes {
        let bytes: Vec<u8> =
            (0..bytes.len()).step_by(2).map(|at| u8::from_str_radix(&bytes[at..at + 2], 16).unwrap()).collect();
        assert_eq!(decode::<ClosedCause>(&bytes).unwrap().into_cause(), cause);
    }
}

#[test]
fn the_bytes_of_a_chunk_and_of_output_never_change() {
    let record = Record {
        index: 1024,
        tries: AttemptCounts { attempts: 2, failures: 1, losses: 0 },
        outcome: failed(Cause::Exit(3)),
        verdict: Verdict::Failed,
        exit_code: Some(3),
        ended_ms: 1_700_000_000_000,
        seconds: 0.25,
        cpu_seconds: 0.1 + 0.2,
        max_rss_bytes: 8192,
        host: "h".into(),
        worker: "w".into(),
        version: 2,
        origin: Some(JobAddress { sweep: "pi-3".parse().unwrap(), index: 7 }),
    };
    assert_eq!(
        hex(&encode_chunk(std::slice::from_ref(&record))),
        "04000180100102010101000101010465786974010600000001010101060180a0abfef9620002013201083fd3333333333334802001040101680177000101027069030700010200"
    );
    let output = Output { stdout: Kept { tail: b"ab".to_vec(), total: 300 }, stderr: Kept::default() };
    assert_eq!(hex(&encode_output(&output)), "03026162ac020000");
    assert_eq!(decode_output(&encode_output(&output)).unwrap(), output);
}

#[test]
fn a_cause_of_a_newer_version_is_shown_and_written_back() {
    // A known kind with other parts than this version knows is unknown, too.
    for kind in ["later", "exit"] {
        let unknown = UnknownCause { kind: kind.into(), whole: vec![], doubles: vec![1.5], texts: vec!["why".into()] };
        let cause = Cause::Unknown(Box::new(unknown));
        assert_eq!(OpenCause::from(&cause).into_cause(), cause);
        assert!(cause.to_string().contains("why"), "{cause}");
    }
}

#[test]
fn a_newer_format_is_not_taken_for_damage() {
    let newer = [CHUNK_FORMAT + 1, 0];
    assert_eq!(decode_chunk(&newer), Err(RecordError::Newer(CHUNK_FORMAT + 1)));
    assert_eq!(decode_output(&newer), Err(RecordError::Newer(CHUNK_FORMAT + 1)));
    assert!(matches!(decode_chunk(&[1, 0]), Err(RecordError::Damaged(_))));
}

#[test]
fn chunks_of_an_earlier_release_are_read_and_merged() {
    let chunks = crate::stored::earlier::chunks();
    let (mut kinds, mut causes) = (BTreeSet::new(), BTreeSet::new());
    for chunk in &chunks {
        assert_eq!(chunk[0], CLOSED_CAUSES);
        let records = decode_chunk(chunk).unwrap();
        // Not by `==`: results may be NaN.
        assert_eq!(format!("{:?}", decode_chunk(&encode_chunk(&records)).unwrap()), format!("{records:?}"));
        for record in &records {
            match &record.outcome {
                Outcome::Failed { cause } => drop(causes.insert(cause.kind().to_owned())),
                outcome => drop(kinds.insert(format!("{outcome:?}").split([' ', '(']).next().unwrap().to_owned())),
            }
        }
    }
    let causes: Vec<&str> = causes.iter().map(String::as_str).collect();
    assert_eq!(causes, ["cannot-start", "exit", "lost", "memory", "no-result", "signal", "timeout"]);
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    assert_eq!(kinds, ["Cancelled", "GivenBack", "Lost", "SetAside", "Succeeded"]);
}

#[test]
fn output_of_an_earlier_release_is_read() {
    let outputs: Vec<Output> =
        crate::stored::earlier::outputs().iter().map(|bytes| decode_output(bytes).unwrap()).collect();
    assert!(outputs.iter().any(|output| output.stderr.tail == b"about to fail: exit\n"), "{outputs:?}");
}
