//! Tests of the stored document: it reads back the same, other versions are refused, and damage is reported.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::files::Disk;
use crate::fingerprint;
use crate::model::{
    Command, Document, EarlierVersion, Fingerprint, FoundBy, GitState, Input, InputState, ResultsFrom, TemplateFile,
};
use crate::runtime::SweepRuntime;
use crate::space::{Axis, AxisParam, Space, Values};
use crate::spec::tests::WHOLE;
use crate::spec::{SourceFile, read};
use crate::value::Value;

fn document() -> Document {
    let source = SourceFile { file: "a.toml".into(), stem: "a".into(), here: "/".into() };
    Document {
        submission: "0123".into(),
        spec: read(WHOLE, &source).unwrap().spec,
        text: WHOLE.into(),
        here: "/home/é".into(),
        file: "/tmp/a.toml".into(),
        fingerprint: Fingerprint::default(),
        fresh: false,
        reused_from: vec!["ising-1".into()],
        before_inputs: vec!["ising-1".into()],
        earlier_versions: vec![],
        inputs: vec!["points.csv".into()],
        git: Some(GitState { commit: "0123".into(), dirty: true }),
        sweep_version: "0.1.0".into(),
        host: "h".into(),
    }
}

#[test]
fn a_document_reads_back_the_same() {
    let document = document();
    assert_eq!(Document::decode(&document.encode().unwrap()).unwrap(), document);
}

#[test]
fn new_settings_are_required_of_readers_and_read_back() {
    let with = |settings: &str| {
        let source = SourceFile { file: "a.toml".into(), stem: "a".into(), here: "/".into() };
        let text = format!("command = 'p'\n{settings}");
        Document { spec: read(&text, &source).unwrap().spec, ..document() }
    };
    let cases = [
        ("[job]\nok-exit-codes = [1, 0]", "[\"ok-exit-codes\"]"),
        ("[results]\non-timeout = 'keep'", "[\"on-timeout\"]"),
        ("[results]\nformat = 'table'\ncolumns = { a = 'A', b = -1 }\nrow = 3\nwhere = 'A > 1'", "[\"table-results\"]"),
        ("[results]\nformat = 'table'\nreduce = 'mean'", "[\"reduced-results\",\"table-results\"]"),
        ("[results]\nformat = 'regex'\ncolumns = { a = { pattern = 'A', reduce = 'count' } }", "[\"reduced-results\"]"),
    ];
    for (settings, requires) in cases {
        let document = with(settings);
        let bytes = document.encode().unwrap();
        assert_eq!(Document::decode(&bytes).unwrap(), document, "{settings}");
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with(&format!("{{\"version\":3,\"requires\":{requires},")), "{text}");
    }
}

#[test]
fn a_document_with_several_versions_requires_that_its_reader_knows_them() {
    let state = InputState::File("00112233445566778899aabbccddeeff".into());
    let input = Input { path: "helper.py".into(), state, found_by: FoundBy::Observed };
    let earlier = EarlierVersion {
        sweep: Some("ising-1".into()),
        fingerprint: Fingerprint { results: "0123".into(), ..Fingerprint::default() },
        inputs: vec![input],
    };
    let document = Document { earlier_versions: vec![earlier], ..document() };
    let bytes = document.encode().unwrap();
    assert_eq!(Document::decode(&bytes).unwrap(), document);
    assert_eq!(document.version(), 2);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("{\"version\":3,\"requires\":[\"") && text.contains("\"versions\"]"), "{text}");
    let stored = "\"earlier_versions\":[{\"sweep\":\"ising-1\",\"fingerprint\":{\"settings\":{},\"files\":{},\"watched\":{},\"results\":\"0123\"},\"inputs\":[[\"helper.py\",\"observed file 00112233445566778899aabbccddeeff\"]]}]";
    assert!(text.contains(stored), "{text}");
}

#[test]
fn a_document_of_another_version_is_refused() {
    let newer = br#"{"version": 4, "sweep_version": "9.1.0", "something": "else"}"#;
    let error = Document::decode(newer).unwrap_err();
    assert!(error.is_newer() && error.message().contains("9.1.0"), "{error}");
    // What it requires is checked before anything else of it is read.
    let requires = br#"{"version": 3, "requires": ["gpus"], "spec": {"unknown": 1}}"#;
    let error = Document::decode(requires).unwrap_err();
    assert!(error.is_newer() && error.message().contains("`gpus`"), "{error}");
    // Points that are computed by other rules.
    let text = String::from_utf8(document().encode().unwrap()).unwrap();
    let rules = text.replace("\"space\":{\"version\":1", "\"space\":{\"version\":3");
    assert!(rules != text && Document::decode(rules.as_bytes()).unwrap_err().is_newer());
    assert!(matches!(Document::decode(br#"{"version": 1}"#), Err(DocumentError::Damaged(_))));
    for damaged in [&b""[..], b"{}", b"[]", br#"{"version": 2}"#, b"\xff"] {
        assert!(matches!(Document::decode(damaged), Err(DocumentError::Damaged(_))));
    }
}

#[test]
fn a_document_that_no_sweep_file_could_give_is_refused() {
    type Attack = fn(&mut Document);
    let attacks: [(&str, Attack); 8] = [
        ("a time", |document| document.spec.job.retry.delay = Duration::from_secs(u64::MAX)),
        ("a time", |document| document.spec.job.timeout = Some(Duration::MAX)),
        ("retries", |document| document.spec.job.retry.retries = u32::MAX),
        ("logs", |document| document.spec.job.logs.failed = u32::MAX),
        ("command", |document| document.spec.command = Command::Words(vec![])),
        ("name", |document| document.spec.name = "../a".into()),
        ("stay in", |document| {
            let (name, file, text) = ("../../.bashrc".into(), "deck.j2".into(), String::new());
            document.spec.templates.push(TemplateFile { name, file, text });
        }),
        ("relative", |document| {
            let from = ResultsFrom::File("/etc/passwd".into());
            document.spec.results.iter_mut().for_each(|results| results.from = from.clone());
        }),
    ];
    for (word, attack) in attacks {
        let mut document = document();
        attack(&mut document);
        let error = Document::decode(&document.encode().unwrap()).unwrap_err();
        assert!(matches!(&error, DocumentError::Damaged(why) if why.contains(word)), "{word}: {error}");
    }
}

#[test]
fn a_document_requires_the_rules_that_it_uses() {
    let mut document = document();
    let requires = |document: &Document| {
        let json: serde_json::Value = serde_json::from_slice(&document.encode().unwrap()).unwrap();
        assert_eq!(Document::decode(&document.encode().unwrap()).unwrap(), *document);
        (json["version"].as_u64(), json["requires"].to_string())
    };
    assert_eq!(requires(&document), (Some(2), "null".into()));
    document.spec.rules = crate::expr::Rules::Second;
    document.spec.keeps_empty_words = true;
    assert_eq!(requires(&document), (Some(3), r#"["template-rules-2","empty-words"]"#.into()));
}

#[test]
fn documents_of_an_earlier_release_are_read_and_written_back_unchanged() {
    for bytes in earlier::documents() {
        let document = Document::decode(&bytes).unwrap();
        assert_eq!(String::from_utf8(document.encode().unwrap()).unwrap(), String::from_utf8(bytes).unwrap());
    }
}

#[test]
fn what_may_be_left_out_and_what_is_not_known_changes_nothing() {
    let text = String::from_utf8(document().encode().unwrap()).unwrap();
    let more = text.replacen('{', "{\"remark\":1,", 1);
    assert_eq!(Document::decode(more.as_bytes()).unwrap(), document());
    let git = text.replace(",\"git\":{\"commit\":\"0123\",\"dirty\":true}", "");
    assert_ne!(git, text);
    assert_eq!(Document::decode(git.as_bytes()).unwrap(), Document { git: None, ..document() });
}

#[test]
fn fingerprints_of_an_earlier_release_are_computed_again() {
    let here = earlier::study();
    let disk = Disk { here: here.clone() };
    let mut compared = 0;
    for bytes in earlier::documents() {
        let Document { spec, fingerprint: before, .. } = Document::decode(&bytes).unwrap();
        let space = Space::new(spec.space.clone()).unwrap();
        let now = fingerprint::compute(&spec, &space, &disk, &here.to_string_lossy()).unwrap();
        assert_eq!((&now.settings, &now.results), (&before.settings, &before.results), "{}", spec.name);
        assert_eq!((&now.files, &now.watched), (&before.files, &before.watched), "{}", spec.name);
        compared += 1;
    }
    assert!(compared > 20);
}

/// A stored document with something in it exchanged for something else.
fn mutated_document() -> impl Strategy<Value = Vec<u8>> {
    let whole = document().encode().unwrap();
    let junk = r#"[\[\]{}:",0-9a-z-]{0,6}|null|true|-1|1e308|18446744073709551615|""|\[\]"#;
    (any::<prop::sample::Index>(), 0..12usize, junk).prop_map(move |(at, length, junk)| {
        let at = at.index(whole.len());
        let end = (at + length).min(whole.len());
        [&whole[..at], junk.as_bytes(), &whole[end..]].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_document_makes_a_worker_panic(bytes in mutated_document()) {
        let Ok(document) = Document::decode(&bytes) else { return Ok(()) };
        let id = crate::job::SweepId { name: "pi".into(), number: 3 };
        if let Ok(sweep) = SweepRuntime::new(id, document, Path::new("/")) {
            for index in [0, 1, sweep.space.len().saturating_sub(1), u64::MAX] {
                let _ = sweep.prepare(index, 1);
            }
        }
    }

    #[test]
    fn numbers_of_a_document_read_back_the_same(bits: u64, int: i64, seed: u64) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        let mut document = document();
        document.spec.space.root_seed = seed;
        let values = vec![Value::Float(float), Value::Int(int)];
        document.spec.space.blocks[0].axes = vec![Axis { params: vec![AxisParam { name: "x".into(), values: Values::List(values) }] }];
        let back = Document::decode(&document.encode().unwrap()).unwrap();
        prop_assert_eq!(&back, &document);
        let Values::List(values) = &back.spec.space.blocks[0].axes[0].params[0].values else { panic!() };
        let Value::Float(read) = values[0] else { panic!() };
        prop_assert_eq!(read.to_bits(), bits);
    }
}
