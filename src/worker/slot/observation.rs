//! Owns the observation of a slot's attempts: begins it, runs an attempt again that failed while it was observed, and
//! records what was found.

use std::sync::Arc;
use std::time::Duration;

use super::{Attempt, SlotContext};
use crate::job::{Cause, Outcome};
use crate::model::Input;
use crate::process::{ObservationError, Observer};
use crate::runtime::PreparedJob;
use crate::worker::events::WorkerEvent;
use crate::worker::inputs::{AttemptInputs, SweepInputs};
use crate::worker::observing::{FoundByAttempt, ObservedAttempt, SweepObserver};
use crate::worker::state::ClaimedJob;

/// An attempt of a sweep, and its observation; none: it is not observed.
pub(super) struct SlotObservation {
    sweep: Arc<SweepObserver>,
    attempt: Option<(ObservedAttempt, NotedObservation)>,
    /// What its Python programs import, where it cannot be observed.
    imports: Vec<Input>,
}

/// The note that an attempt of a sweep is observed, until this is dropped.
struct NotedObservation(Arc<SweepInputs>);

impl NotedObservation {
    fn new(inputs: &Arc<SweepInputs>) -> NotedObservation {
        inputs.note_observed(true);
        NotedObservation(inputs.clone())
    }
}

impl Drop for NotedObservation {
    fn drop(&mut self) {
        self.0.note_observed(false);
    }
}

impl SlotObservation {
    /// For the launch of the process.
    pub(super) fn observer(&self) -> Option<Arc<Observer>> {
        self.attempt.as_ref().map(|(attempt, _)| attempt.observer.clone())
    }
}

impl Attempt {
    /// Whether it failed in a way in which observation may have had a part: not by a limit or an order to stop.
    fn failed_by_itself(&self) -> bool {
        let Attempt::Over { outcome: Outcome::Failed { cause }, ended: Some(_), .. } = self else { return false };
        matches!(cause, Cause::Exit(_) | Cause::Signal(_) | Cause::NoResult(_))
    }

    fn succeeded(&self) -> bool {
        matches!(self, Attempt::Over { outcome: Outcome::Succeeded { .. }, .. })
    }

    fn time(&self) -> Duration {
        match self {
            Attempt::Over { ended: Some(ended), .. } => Duration::try_from_secs_f64(ended.seconds).unwrap_or_default(),
            _ => Duration::ZERO,
        }
    }
}

impl SlotContext<'_> {
    /// Begins to observe an attempt that is about to start, if it is time for one. The retry of a job that has failed is
    /// not observed.
    pub(super) fn begin_observation(&self, task: &ClaimedJob, prepared: &PreparedJob) -> SlotObservation {
        let sweep = self.observers.sweep(task, self.step_back.store);
        let attempt = if task.claim.tries.failures > 0 { Ok(None) } else { sweep.begin(&task.sweep) };
        if let Err(error) = &attempt {
            self.say_unknown(task, error);
        }
        let imports = sweep.imports(&task.sweep, prepared);
        let attempt = attempt.ok().flatten().map(|attempt| (attempt, NotedObservation::new(&task.inputs)));
        SlotObservation { sweep, attempt, imports }
    }

    /// Ends the observation of an attempt. `again` runs it once more, unobserved, where it failed: some programs behave
    /// differently while they are observed. The point is not charged for the first time.
    pub(super) fn end_observation(
        &self,
        observation: SlotObservation,
        task: &ClaimedJob,
        prepared: &PreparedJob,
        inputs: &mut AttemptInputs,
        attempt: Attempt,
        again: impl FnOnce() -> Attempt,
    ) -> Attempt {
        let SlotObservation { sweep, attempt: observed, imports } = observation;
        let Some((observed, noted)) = observed else {
            sweep.job_ran(attempt.time());
            inputs.found.inputs.extend(imports);
            return attempt;
        };
        let result = observed.finish();
        let FoundByAttempt { found, written, changed } = match result {
            Ok(found) => found,
            Err(error) => {
                if error.is_lasting() {
                    self.say_unknown(task, &error);
                }
                FoundByAttempt::default()
            }
        };
        written.iter().for_each(|path| task.inputs.note_written(&task.sweep, &prepared.argv, path));
        drop(noted);
        let failed = attempt.failed_by_itself();
        let attempt = if failed { again() } else { attempt };
        sweep.job_ran(attempt.time());
        if failed && attempt.succeeded() {
            // What it read while it was observed was perhaps not all.
            sweep.stop();
            self.say_unknown(task, &ObservationError::MakesFail(task.claim.job.to_string()));
            return attempt;
        }
        inputs.found.observed |= found.observed;
        inputs.found.omitted += found.omitted;
        inputs.found.inputs.extend(found.inputs);
        match (attempt, changed.first()) {
            (
                Attempt::Over { outcome: Outcome::Succeeded { .. } | Outcome::Failed { .. }, ended, kind },
                Some(path),
            ) => {
                let why = format!("{path} changed while it was running");
                Attempt::Over { outcome: Outcome::CannotHere { why }, ended, kind }
            }
            (attempt, _) => attempt,
        }
    }

    /// Says once for each sweep that its inputs are not all known.
    fn say_unknown(&self, task: &ClaimedJob, error: &ObservationError) {
        let sweep = task.claim.job.sweep.clone();
        self.state.emit(WorkerEvent::InputsUnknown { sweep, why: error.to_string() });
    }
}
