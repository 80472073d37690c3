//! Owns the tests of the plan.

use std::convert::Infallible;
use std::path::PathBuf;

use super::*;
use crate::files::Disk;
use crate::fingerprint;
use crate::model::{EarlierVersion, Fingerprint};
use crate::space::Space;
use crate::spec::{SourceFile, read};

/// A document with its fingerprint.
fn document(values: &str, script: &str, format: &str) -> Document {
    let text = format!("command = 'run {{{{ x }}}} {script}'\n[grid]\nx = {values}\n[results]\nformat = '{format}'\n");
    let source = SourceFile { file: "a.toml".into(), stem: "a".into(), here: PathBuf::from("/nowhere") };
    let spec = read(&text, &source).unwrap().spec;
    let space = Space::new(spec.space.clone()).unwrap();
    let disk = Disk { here: source.here.clone() };
    let fingerprint = fingerprint::compute(&spec, &space, &disk, "/nowhere").unwrap();
    Document {
        submission: String::new(),
        spec,
        text,
        here: source.here,
        file: PathBuf::new(),
        inputs: vec![],
        git: None,
        fingerprint,
        fresh: false,
        reused_from: vec![],
        before_inputs: vec![],
        earlier_versions: vec![],
        sweep_version: String::new(),
        host: String::new(),
    }
}

fn older(number: u64, succeeded: u64, document: Document) -> EarlierSweep {
    let total = Space::new(document.spec.space.clone()).unwrap().len();
    let counts = Counts { total, succeeded, pending: total - succeeded, ..Counts::default() };
    EarlierSweep {
        id: SweepId { name: "a".into(), number },
        counts,
        document,
        inputs: FoundInputs::default(),
        input_changes: vec![],
        is_elsewhere: false,
    }
}

fn decide(document: &Document, policy: ReusePolicy, older: &[EarlierSweep]) -> String {
    decide_from(document, policy, &[], older)
}

fn decide_from(document: &Document, policy: ReusePolicy, from: &[u64], older: &[EarlierSweep]) -> String {
    let from = from.iter().map(|number| SweepId { name: "a".into(), number: *number }).collect();
    let plan = plan(document, &ReuseRequest { policy, from }, older.iter().cloned().map(Ok::<_, Infallible>)).unwrap();
    match plan {
        Plan::Continue(id) => format!("continue {id}"),
        Plan::New { sources, not_reused, .. } => {
            let reextracted = |from: &ReuseSource| if from.results_changed { " reextracted" } else { "" };
            let from: Vec<_> = sources.iter().map(|from| format!("{}{}", from.id, reextracted(from))).collect();
            let not_reused = not_reused.iter().map(|not_reused| {
                let changes: Vec<_> = not_reused.changes.iter().map(FingerprintChange::to_string).collect();
                let elsewhere = if not_reused.elsewhere.is_some() { " elsewhere" } else { "" };
                format!("; {}: {} since {}{elsewhere}", not_reused.succeeded, changes.join(", "), not_reused.id)
            });
            format!("new from [{}]{}", from.join(", "), not_reused.collect::<String>())
        }
    }
}

/// A sweep of another folder.
fn elsewhere(older: EarlierSweep) -> EarlierSweep {
    EarlierSweep { is_elsewhere: true, ..older }
}

/// A sweep of which an attempt was observed.
fn observed(mut older: EarlierSweep) -> EarlierSweep {
    older.inputs.observed = true;
    older
}

/// A sweep of which an input has changed since.
fn with_changed_input(mut older: EarlierSweep) -> EarlierSweep {
    older.input_changes = vec![FingerprintChange { part: "helper.py".into(), kind: crate::model::ChangeKind::Changed }];
    older
}

#[test]
fn the_stored_sweeps_decide_whether_one_continues_or_is_reused() {
    let a = || document("[1, 2, 3, 4]", "s", "auto");
    let wider = || document("[1, 2, 3, 4, 5]", "s", "auto");
    let edited = || document("[1, 2, 3, 4]", "t", "auto");
    let read = || document("[1, 2, 3, 4]", "s", "json");
    let fresh = |document: Document| Document { fresh: true, ..document };
    let cases: Vec<(Document, Vec<EarlierSweep>, &str)> = vec![
        (a(), vec![], "new from []"),
        (a(), vec![older(1, 2, a())], "continue a-1"),
        (a(), vec![older(1, 4, a())], "continue a-1"),
        (a(), vec![older(1, 0, a())], "continue a-1"),
        (wider(), vec![older(1, 3, a())], "new from [a-1]"),
        (wider(), vec![older(1, 0, a())], "new from []"),
        // The grid shrank again: the results of the wider sweep are not lost.
        (a(), vec![older(2, 5, wider()), older(1, 4, a())], "continue a-1"),
        (a(), vec![older(2, 5, wider()), older(1, 3, a())], "new from [a-2, a-1]"),
        (a(), vec![older(2, 0, wider()), older(1, 3, a())], "continue a-1"),
        (wider(), vec![older(3, 4, a()), older(2, 3, wider()), older(1, 4, a())], "new from [a-3, a-2, a-1]"),
        // The program was edited, and edited back.
        (edited(), vec![older(1, 3, a())], "new from []; 3: the command changed since a-1"),
        (edited(), vec![older(1, 0, a())], "new from []"),
        (edited(), vec![older(2, 1, edited()), older(1, 3, a())], "continue a-2"),
        (a(), vec![older(2, 1, edited()), older(1, 3, a())], "continue a-1"),
        (wider(), vec![older(2, 1, edited()), older(1, 3, a())], "new from [a-1]"),
        (wider(), vec![older(2, 1, a()), older(1, 3, edited())], "new from [a-2]"),
        // Only `[results]` differs.
        (read(), vec![older(1, 4, a())], "new from [a-1 reextracted]"),
        (read(), vec![older(2, 4, read()), older(1, 4, a())], "continue a-2"),
        (a(), vec![older(2, 4, read()), older(1, 4, a())], "continue a-1"),
        // A fresh sweep hides the older ones.
        (wider(), vec![older(2, 1, fresh(a())), older(1, 4, a())], "new from [a-2]"),
        (a(), vec![older(2, 1, fresh(a())), older(1, 4, a())], "continue a-2"),
        (a(), vec![older(2, 0, fresh(wider())), older(1, 4, a())], "new from []"),
    ];
    for (document, older, expected) in cases {
        assert_eq!(decide(&document, ReusePolicy::IfUnchanged, &older), expected);
    }
    assert_eq!(
        decide(&edited(), ReusePolicy::EvenIfChanged, &[older(2, 1, wider()), older(1, 3, a())]),
        "new from [a-2, a-1]"
    );
    assert_eq!(decide(&a(), ReusePolicy::EvenIfChanged, &[older(1, 3, a())]), "continue a-1");
    assert_eq!(decide(&a(), ReusePolicy::Never, &[older(1, 3, a())]), "new from []");
}

#[test]
fn failures_without_a_result_are_considered_when_results_change() {
    let mut failed = older(1, 0, document("[1]", "s", "json"));
    failed.counts = Counts { total: 1, failed: 1, ..Counts::default() };
    assert_eq!(
        decide(&document("[1]", "s", "auto"), ReusePolicy::IfUnchanged, &[failed.clone()]),
        "new from [a-1 reextracted]"
    );
    assert_eq!(decide(&document("[1]", "s", "json"), ReusePolicy::IfUnchanged, &[failed]), "continue a-1");
}

#[test]
fn a_changed_input_prevents_reuse_and_is_named() {
    let a = || document("[1, 2, 3, 4]", "s", "auto");
    let wider = || document("[1, 2, 3, 4, 5]", "s", "auto");
    let changed = |number, done| with_changed_input(older(number, done, a()));
    let policy = ReusePolicy::IfUnchanged;
    assert_eq!(decide(&a(), policy, &[changed(1, 4)]), "new from []; 4: helper.py changed since a-1");
    assert_eq!(decide(&wider(), policy, &[changed(1, 4)]), "new from []; 4: helper.py changed since a-1");
    assert_eq!(decide(&a(), policy, &[changed(2, 3), older(1, 2, a())]), "continue a-1", "the edit was undone");
    assert_eq!(decide(&a(), ReusePolicy::EvenIfChanged, &[changed(1, 4)]), "new from [a-1]");
}

#[test]
fn a_sweep_of_another_folder_is_reused_only_if_its_inputs_are_known_or_the_user_asks() {
    let a = || document("[1, 2, 3, 4]", "s", "auto");
    let copy = |number, done| elsewhere(older(number, done, a()));
    let policy = ReusePolicy::IfUnchanged;
    assert_eq!(decide(&a(), policy, &[copy(1, 4)]), "new from []; 4:  since a-1 elsewhere");
    assert_eq!(decide(&a(), policy, &[observed(copy(1, 4))]), "new from [a-1]");
    let changed = || observed(with_changed_input(copy(1, 4)));
    assert_eq!(decide(&a(), policy, &[changed()]), "new from []; 4: helper.py changed since a-1 elsewhere");
    assert_eq!(
        decide(&a(), ReusePolicy::EvenIfChanged, &[changed()]),
        "new from []; 4: helper.py changed since a-1 elsewhere",
        "it may be another study"
    );
    let mut partly_known = observed(copy(2, 4));
    partly_known.document.before_inputs = vec!["a-1".into()];
    assert_eq!(decide(&a(), policy, &[partly_known]), "new from []; 4:  since a-2 elsewhere");
    // The sweeps of this folder go on, whatever there is elsewhere.
    assert_eq!(decide(&a(), policy, &[observed(copy(2, 4)), older(1, 3, a())]), "continue a-1");
    assert_eq!(
        decide(&a(), policy, &[copy(2, 4), with_changed_input(older(1, 3, a()))]),
        "new from []; 3: helper.py changed since a-1"
    );
    let fresh = elsewhere(older(2, 1, Document { fresh: true, ..a() }));
    assert_eq!(decide(&a(), policy, &[fresh, older(1, 3, a())]), "continue a-1");

    assert_eq!(decide_from(&a(), policy, &[1], &[copy(1, 4)]), "new from [a-1]");
    assert_eq!(decide_from(&a(), policy, &[1], &[changed()]), "new from []; 4: helper.py changed since a-1 elsewhere");
    assert_eq!(decide_from(&a(), ReusePolicy::EvenIfChanged, &[1], &[changed()]), "new from [a-1]");
    // One that was begun without it has points left to run.
    assert_eq!(decide_from(&a(), policy, &[1], &[older(2, 1, a()), copy(1, 4)]), "new from [a-2, a-1]");
    assert_eq!(decide_from(&a(), policy, &[1], &[older(2, 4, a()), copy(1, 4)]), "continue a-2");
    let with_it = older(2, 1, Document { reused_from: vec!["a-1".into()], ..a() });
    assert_eq!(decide_from(&a(), policy, &[1], &[with_it, copy(1, 4)]), "continue a-2");
}

#[test]
fn results_of_an_earlier_version_of_the_files_are_reused_only_if_asked_for() {
    let a = || document("[1, 2, 3, 4]", "s", "auto");
    let wider = document("[1, 2, 3, 4, 5]", "s", "auto");
    let earlier = EarlierVersion { sweep: None, fingerprint: Fingerprint::default(), inputs: vec![] };
    let two_versions = || older(1, 4, Document { earlier_versions: vec![earlier.clone()], ..a() });
    let made = |policy, older: EarlierSweep| {
        let request = ReuseRequest { policy, from: vec![] };
        match plan(&wider, &request, [Ok::<_, Infallible>(older)]).unwrap() {
            Plan::New { sources, earlier_versions, .. } => (sources[0].versions.clone(), earlier_versions),
            Plan::Continue(id) => panic!("{id} continues"),
        }
    };
    let (versions, kept) = made(ReusePolicy::IfUnchanged, two_versions());
    assert_eq!(versions, [VersionInNew::NotReused, VersionInNew::Present]);
    assert_eq!(kept, []);
    let (versions, kept) = made(ReusePolicy::EvenIfChanged, two_versions());
    assert_eq!(versions, [VersionInNew::Earlier(1), VersionInNew::Present]);
    assert_eq!(kept, [EarlierVersion { sweep: Some("a-1".into()), ..earlier.clone() }]);
    let (versions, kept) = made(ReusePolicy::EvenIfChanged, with_changed_input(two_versions()));
    assert_eq!(versions, [VersionInNew::Earlier(1), VersionInNew::Earlier(2)]);
    assert_eq!(kept.len(), 2);
}
