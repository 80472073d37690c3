//! Tests of a slot whose jobs make sweep panic.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::*;
use crate::job::{AttemptCounts, JobAddress, SweepId, Verdict};
use crate::model::Document;
use crate::worker::EventSink;
use crate::worker::inputs::SweepInputs;
use crate::worker::pace::Stopping;

/// Drops all events.
struct NoEvents;

impl EventSink for NoEvents {
    fn wants_every_job(&self) -> bool {
        false
    }

    fn emit(&self, _: WorkerEvent) {}
}

/// A sweep that loads anywhere.
fn sweep() -> Arc<SweepRuntime> {
    let id = SweepId { name: "a".into(), number: 1 };
    let mut documents = crate::stored::earlier::documents().into_iter();
    let load = |bytes: Vec<u8>| SweepRuntime::new(id.clone(), Document::decode(&bytes).ok()?, Path::new("/")).ok();
    Arc::new(documents.find_map(load).unwrap())
}

fn task(sweep: &Arc<SweepRuntime>, index: u64) -> ClaimedJob {
    let job = JobAddress { sweep: sweep.id.clone(), index };
    let tries = AttemptCounts { attempts: 9, failures: 8, ..AttemptCounts::default() };
    ClaimedJob {
        claim: Claim { job, submission: 1, token: 1, tries },
        sweep: sweep.clone(),
        inputs: Arc::new(SweepInputs::new(false, 1)),
    }
}

#[test]
fn a_panic_fails_its_job_and_the_slot_runs_the_next_one_and_ends_in_order() {
    let state = WorkerState::new(vec![Stopper::new().unwrap()], Arc::new(NoEvents));
    let runner = Runner { host: "here".into(), worker: "w".into() };
    let sweep = sweep();
    state.queue((0..4).map(|index| task(&sweep, index)).collect());
    let run = |task: &ClaimedJob, _: &mut AttemptInputs| match task.claim.job.index {
        0 => panic!("while it runs job {}", task.claim.job.index),
        _ => Attempt::Over { outcome: Outcome::Cancelled, ended: None, kind: None },
    };
    let finish = |task: &ClaimedJob, attempt: Attempt| match (task.claim.job.index, attempt) {
        (1, _) => panic!("while it ends job 1"),
        (_, Attempt::Over { outcome, .. }) => {
            Some(FinishedAttempt::ran(&task.claim, outcome, &task.sweep, None, &runner))
        }
        _ => None,
    };
    let finished = thread::scope(|threads| {
        let slot = threads.spawn(|| run_each(&state, 0, &runner, run, finish));
        let limit = Instant::now() + Duration::from_secs(60);
        // Every claim leaves the slot with an outcome.
        while state.view(true).done < 4 {
            assert!(Instant::now() < limit && !slot.is_finished(), "{:?}", state.view(true));
            state.wait(Instant::now() + Duration::from_millis(10));
        }
        assert_eq!(state.held().1, 0, "no slot is busy");
        state.verify(4, &mut |_| Some(true));
        let finished = state.take_done();
        state.delivered();
        assert_eq!(state.held().0, [], "no claim is renewed any more");
        state.stop(Stopping::Drain);
        state.close();
        slot.join().unwrap();
        finished
    });
    // Outcomes that rest on inputs come after the others, because these wait for nothing.
    let mut finished = finished;
    finished.sort_by_key(|one| one.job().index);
    let verdicts: Vec<_> = finished.iter().map(|one| (one.job().index, one.verdict())).collect();
    let expected = [(0, Verdict::Failed), (1, Verdict::Failed), (2, Verdict::Cancelled), (3, Verdict::Cancelled)];
    assert_eq!(verdicts, expected, "a job that made sweep panic is charged");
    for (one, place) in finished.iter().zip(["while it runs job 0", "while it ends job 1"]) {
        let words = one.in_words();
        assert!(words.contains("internal error in sweep") && words.contains(place), "{words}");
    }
}
