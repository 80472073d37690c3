//! Owns the checks of the inputs of a sweep.

use sweep::job::SweepId;
use sweep::model::{FoundBy, FoundInputs, Input, InputState};
use sweep::store::{MAX_INPUTS, NewSweep, StagedPart, StagedSweep, Store};

use crate::harness::{Bench, submit, unique};

/// A hash that starts with a number.
fn hash(start: usize) -> String {
    format!("{start:08x}{}", "0".repeat(24))
}

fn input(path: &str, state: InputState) -> Input {
    Input { path: path.into(), state, found_by: FoundBy::Observed }
}

fn observed(inputs: Vec<Input>) -> FoundInputs {
    FoundInputs { inputs, observed: true, omitted: 0 }
}

/// Adds inputs, twice.
fn add(store: &dyn Store, id: &SweepId, found: &FoundInputs) -> Vec<Input> {
    let submission = store.sweep(id).unwrap().submitted_ms;
    let differing = store.add_inputs(id, submission, found).unwrap();
    assert_eq!(store.add_inputs(id, submission, found).unwrap(), differing, "the same request gets the same reply");
    differing
}

fn new_sweep(name: &str, total: u64, inputs: FoundInputs) -> NewSweep {
    NewSweep {
        request: format!("request-{}", unique()),
        name: name.into(),
        queue: "default".into(),
        total,
        user: "ada".into(),
        document: b"a document".to_vec(),
        inputs,
    }
}

pub fn the_first_writer_of_an_input_decides(bench: &dyn Bench) {
    let (store, other) = (&*bench.connect(), &*bench.connect());
    let id = submit(store, "inputs", "default", 5);
    assert_eq!(store.inputs(&id).unwrap(), FoundInputs::default());
    let revision = store.inputs_revision(&id).unwrap();

    let first = vec![
        input("model.py", InputState::File(hash(1))),
        input("../data", InputState::Folder(hash(2))),
        input("ü b.json", InputState::Absent),
    ];
    assert_eq!(add(store, &id, &observed(first.clone())), []);
    let added = store.inputs_revision(&id).unwrap();
    assert_ne!(added, revision);
    let second = vec![
        input("model.py", InputState::File(hash(7))),
        Input { found_by: FoundBy::Command, ..input("../data", InputState::Folder(hash(2))) },
        input("ü b.json", InputState::File(hash(2))),
        input("late.txt", InputState::File(hash(3))),
    ];
    let differing = add(other, &id, &observed(second));
    assert_eq!(differing, [first[0].clone(), first[2].clone()], "how an input was found makes no difference");
    let stored = other.inputs(&id).unwrap();
    let in_order = [&first[1], &input("late.txt", InputState::File(hash(3))), &first[0], &first[2]];
    assert_eq!(stored.inputs.iter().collect::<Vec<_>>(), in_order);
    assert_eq!((stored.observed, stored.omitted), (true, 0));
    assert_ne!(store.inputs_revision(&id).unwrap(), added);
    // The document has a revision of its own.
    assert_eq!(store.document_revision(&id).unwrap(), other.document_revision(&id).unwrap());
}

pub fn an_observed_attempt_without_inputs_is_recorded(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "plain", "default", 5);
    let command = Input { found_by: FoundBy::Command, ..input("a.sh", InputState::File(hash(1))) };
    add(store, &id, &FoundInputs { inputs: vec![command], ..FoundInputs::default() });
    let before = (store.inputs_revision(&id).unwrap(), store.inputs(&id).unwrap().observed);
    assert!(!before.1);
    add(store, &id, &observed(vec![]));
    assert!(store.inputs(&id).unwrap().observed && store.inputs_revision(&id).unwrap() != before.0);
    add(store, &id, &FoundInputs::default());
    assert!(store.inputs(&id).unwrap().observed, "it stays so");
}

pub fn inputs_beyond_the_limit_are_counted(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "many", "default", 5);
    let many: Vec<Input> =
        (0..MAX_INPUTS + 7).map(|n| input(&format!("{n:06}.dat"), InputState::File(hash(n)))).collect();
    add(store, &id, &observed(many.clone()));
    let stored = store.inputs(&id).unwrap();
    assert_eq!((stored.inputs.len(), stored.omitted), (MAX_INPUTS, 7));
    assert_eq!(stored.inputs, many[..MAX_INPUTS]);
    let differing =
        add(store, &id, &FoundInputs { omitted: 2, ..observed(vec![input("000003.dat", InputState::Absent)]) });
    assert_eq!(differing, [many[3].clone()]);
    assert_eq!(store.inputs(&id).unwrap().omitted, 7, "the most that one request could not add");
    let new = new_sweep("heir", 3, FoundInputs { omitted: 9, ..observed(many) });
    let heir = store.submit(&new).unwrap();
    assert_eq!(store.inputs(&heir).unwrap().inputs.len(), MAX_INPUTS);
    assert_eq!(store.inputs(&heir).unwrap().omitted, 16);
}

pub fn inputs_end_with_their_sweep(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "gone", "default", 5);
    let submission = store.sweep(&id).unwrap().submitted_ms;
    let found = observed(vec![input("a.py", InputState::File(hash(1)))]);
    assert_eq!(store.add_inputs(&id, submission + 1, &found).unwrap(), [], "another submission");
    assert_eq!(store.inputs(&id).unwrap(), FoundInputs::default());
    store.add_inputs(&id, submission, &found).unwrap();
    store.remove(&id, false).unwrap();
    assert_eq!(store.add_inputs(&id, submission, &found).unwrap(), []);
    assert!(matches!(store.inputs(&id), Err(error) if error.is_no_such_sweep()));
    assert!(matches!(store.inputs_revision(&id), Err(error) if error.is_no_such_sweep()));
    let next = submit(store, "gone", "default", 5);
    assert_eq!(store.inputs(&next).unwrap(), FoundInputs::default());
}

pub fn a_new_version_replaces_the_inputs(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "edited", "default", 5);
    let before = vec![input("a.py", InputState::File(hash(1))), input("b.py", InputState::File(hash(2)))];
    add(store, &id, &FoundInputs { omitted: 3, ..observed(before) });
    let revision = store.inputs_revision(&id).unwrap();
    let after = FoundInputs { inputs: vec![input("a.py", InputState::Absent)], observed: false, omitted: 0 };
    for _ in 0..2 {
        store.replace_document(&id, "default", b"new", Some(&after)).unwrap();
        assert_eq!((store.inputs(&id).unwrap(), store.document(&id).unwrap()), (after.clone(), b"new".to_vec()));
    }
    assert_ne!(store.inputs_revision(&id).unwrap(), revision);
    store.replace_document(&id, "default", b"newer", None).unwrap();
    assert_eq!(store.inputs(&id).unwrap(), after);
}

pub fn a_sweep_can_begin_with_inputs(bench: &dyn Bench) {
    let store = &*bench.connect();
    let inherited = observed(vec![input("a.py", InputState::File(hash(1))), input("b", InputState::Absent)]);
    let new = new_sweep("heir", 3, inherited.clone());
    let id = store.submit(&new).unwrap();
    assert_eq!(store.submit(&new).unwrap(), id);
    assert_eq!(store.inputs(&id).unwrap(), inherited);

    let sweep = new_sweep("heir", 3, inherited.clone());
    let staged = StagedSweep { token: format!("token-{}", unique()), sweep };
    let id = store.stage(&staged).unwrap();
    let part =
        StagedPart { points: 1, chunks: vec![(0, b"0:1;".to_vec())], ready: vec![1..3], ..StagedPart::default() };
    store.add_staged(&staged, &part).unwrap();
    assert!(matches!(store.inputs(&id), Err(error) if error.is_no_such_sweep()), "it is not submitted yet");
    for _ in 0..2 {
        assert_eq!(store.commit_staged(&staged).unwrap(), id);
    }
    assert_eq!(store.inputs(&id).unwrap(), inherited);
    assert_eq!(
        add(store, &id, &observed(vec![input("b", InputState::File(hash(2)))])),
        [input("b", InputState::Absent)]
    );
}
