//! Owns the looks at the inputs of sweeps: before their jobs start, before outcomes are reported, and at least once a
//! second while jobs run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::Dispatcher;
use super::sweeps::LoadedSweep;
use crate::job::{JobAddress, SweepId};
use crate::model::{FoundBy, Input, InputState};
use crate::runtime::SweepRuntime;
use crate::store::StoreError;
use crate::worker::events::WorkerEvent;
use crate::worker::exclusions::ExcludedSweeps;
use crate::worker::inputs::disk::Disk;
use crate::worker::inputs::guard::{Difference, DifferenceKind, Finding, InputGuard};
use crate::worker::inputs::reaction::{Occasion, Reaction, Standing};
use crate::worker::inputs::{SweepInputs, messages};
use crate::worker::pace::Stopping;
use crate::worker::state::{FoundByAttempt, UnverifiedAttempt};

/// The longest time between two looks while jobs run, unless looks are expensive.
const EVERY: Duration = Duration::from_secs(1);

/// Looks take at most this part of the time, ...
const COST: u32 = 100;

/// A look that takes no longer is always cheap.
const SHORT: Duration = Duration::from_micros(20);

/// ... except that an outcome does not wait for longer than this.
const LONGEST: Duration = Duration::from_secs(2);

/// Time between two looks while an observed attempt may show that jobs write a file that was written.
const UNDECIDED: Duration = Duration::from_millis(100);

/// How long it is waited for an observed attempt to show that jobs write a file that every command names.
const OBSERVATION: Duration = Duration::from_secs(10);

/// The most sweeps whose inputs are remembered, besides those that have jobs here.
const MOST_SWEEPS: usize = 64;

/// Whether an input could not be read.
fn is_unread(finding: &Finding) -> bool {
    matches!(finding, Finding::Differs(Difference { kind: DifferenceKind::Unreadable(_), .. }))
}

/// The inputs of a sweep on this machine.
struct GuardedSweep {
    sweep: Arc<SweepRuntime>,
    submission: u64,
    guard: InputGuard,
    inputs: Arc<SweepInputs>,
    standing: Standing,
    /// When the last look was made.
    last: Option<Instant>,
    /// How long a look takes that reads no content.
    takes: Duration,
    /// The inputs that the store keeps, their revision, and when it was read.
    stored: Vec<Input>,
    revision: Option<(u64, Instant)>,
    /// Whether all is known that is needed to decide about outcomes.
    is_decided: bool,
    /// Since when it is waited for an observed attempt to show whether jobs write a file that was written.
    waits_since: Option<Instant>,
}

/// The inputs of the sweeps that have, or had, jobs here.
#[derive(Default)]
pub(super) struct GuardedSweeps(HashMap<SweepId, GuardedSweep>);

impl GuardedSweep {
    fn new(sweep: &Arc<SweepRuntime>, submission: u64, allows_different: bool) -> GuardedSweep {
        GuardedSweep {
            sweep: sweep.clone(),
            submission,
            guard: InputGuard::default(),
            inputs: Arc::new(SweepInputs::new(allows_different, submission)),
            standing: Standing::default(),
            last: None,
            takes: Duration::ZERO,
            stored: Vec::new(),
            revision: None,
            is_decided: true,
            waits_since: None,
        }
    }

    /// Whether jobs of the sweep are queued or run here, or their outcomes wait: each of them refers to its inputs.
    fn is_busy(&self) -> bool {
        Arc::strong_count(&self.inputs) > 1
    }

    /// When outcomes can be verified; `are_last`: no further ones will come.
    fn verifies_at(&self, are_last: bool) -> Option<Instant> {
        let wait = match self.is_decided {
            true if are_last => Duration::ZERO,
            true => (self.takes * COST).min(LONGEST),
            false => UNDECIDED,
        };
        self.last.map(|last| last + wait).into_iter().chain(self.standing.settles_until()).max()
    }

    fn set_inputs(&mut self) {
        self.guard.set(self.inputs.set(&self.sweep, &self.stored));
    }

    /// Looks at the inputs.
    fn look(&mut self, at_claims: bool, stops: &dyn Fn() -> bool) -> Reaction {
        self.inputs.take_written().iter().for_each(|path| self.guard.drop_input(path));
        let (suspects, is_decided) = self.inputs.take_suspects();
        self.is_decided = is_decided;
        suspects.into_iter().for_each(|(path, expected)| self.guard.add(path, expected));
        let occasion = Occasion { is_busy: self.is_busy(), at_claims };
        let started = Instant::now();
        for path in self.inputs.new_watched(&self.sweep) {
            self.guard.add_new(path);
        }
        let disk = Disk { here: self.sweep.here.clone(), settings: &self.sweep.spec.files, gives_up: stops };
        let mut finding = self.guard.look(&disk, SystemTime::now());
        if let Finding::Differs(difference) = &finding
            && !occasion.is_busy
            && self.guard.may_differ(&difference.path)
        {
            self.guard.accept_again();
            finding = self.guard.look(&disk, SystemTime::now());
        }
        let now = Instant::now();
        self.last = Some(now);
        if !self.guard.has_read() {
            // A look that was interrupted says little about the next one.
            self.takes = (now - started).min(self.takes.max(SHORT) * 2);
        }
        self.inputs.set_epoch(self.guard.epoch());
        if stops() && is_unread(&finding) {
            return Reaction::Refuse;
        }
        if self.waits_for_observation(&finding, now) {
            self.is_decided = false;
            return Reaction::Proceed;
        }
        self.standing.react(finding, occasion, now)
    }

    /// Whether to wait until an observed attempt shows if jobs write a file that was written: then it is no input.
    fn waits_for_observation(&mut self, finding: &Finding, now: Instant) -> bool {
        // A difference is found again by the next look, a rewrite is not.
        let path = match finding {
            Finding::Differs(Difference { path, was_equal: true, .. }) => Some(path),
            _ => None,
        };
        if !path.is_some_and(|path| self.inputs.may_turn_out_written(path)) {
            self.waits_since = None;
            return false;
        }
        now < *self.waits_since.get_or_insert(now) + OBSERVATION
    }

    /// Whether the outcome of an attempt counts; none: that is not known yet.
    fn counts(&mut self, one: &UnverifiedAttempt) -> Option<bool> {
        // The store refuses the outcomes of another submission.
        if one.claim.submission != self.submission {
            return Some(true);
        }
        if !self.is_decided || self.standing.settles_until().is_some() {
            return None;
        }
        let counts = self.guard.is_untouched_since(one.attempt.epoch) && !self.standing.is_different();
        if counts {
            self.standing.attempt_counts();
        }
        Some(counts)
    }
}

impl GuardedSweeps {
    /// When outcomes can be verified; none: now. `are_last`: no job is queued or runs.
    pub(super) fn verifies_at(&self, are_last: bool, now: Instant) -> Option<Instant> {
        let busy = self.0.values().filter(|sweep| sweep.is_busy());
        busy.filter_map(|sweep| sweep.verifies_at(are_last)).max().filter(|at| *at > now)
    }

    /// The sweeps at whose inputs to look now: those with jobs here, and those from which the worker steps back because of
    /// their inputs.
    fn due(&self, excluded: &ExcludedSweeps, now: Instant) -> Vec<SweepId> {
        let is_due = |(id, sweep): &(&SweepId, &GuardedSweep)| {
            let is_time = sweep.last.is_none_or(|last| now >= last + EVERY.max(sweep.takes * COST));
            let has_settled = sweep.standing.settles_until().is_some_and(|until| now >= until);
            let by_time = (is_time || has_settled) && (sweep.is_busy() || excluded.ends_when_told(id));
            by_time || sweep.inputs.has_suspects()
        };
        self.0.iter().filter(is_due).map(|(id, _)| id.clone()).collect()
    }
}

impl Dispatcher<'_> {
    /// Looks at the inputs of a sweep of which claims have arrived. Returns its inputs if its jobs may run; none: the
    /// claims are to be given back.
    pub(super) fn inputs_for(
        &mut self,
        sweep: &Arc<SweepRuntime>,
        submission: u64,
    ) -> Result<Option<Arc<SweepInputs>>, StoreError> {
        let id = &sweep.id;
        self.guard_sweep(sweep, submission);
        self.read_stored_inputs(id)?;
        while let Some(until) = self.look_at(id, true) {
            if self.state.view(true).stopping == Stopping::Now {
                return Ok(None);
            }
            thread::sleep(until.saturating_duration_since(Instant::now()));
        }
        let may_run = |guarded: &&GuardedSweep| !guarded.standing.is_different() && !self.excluded.contains(id);
        Ok(self.guarded.0.get(id).filter(may_run).map(|guarded| guarded.inputs.clone()))
    }

    /// Looks at the inputs of all sweeps for which it is time.
    pub(super) fn look_at_due_inputs(&mut self) -> Result<(), StoreError> {
        for id in self.guarded.due(self.excluded, Instant::now()) {
            if self.excluded.ends_when_told(&id) {
                self.load_if_replaced(&id)?;
            }
            self.read_stored_inputs(&id)?;
            self.look_at(&id, false);
            let is_good = self.guarded.0.get(&id).is_some_and(|guarded| !guarded.standing.is_different());
            if is_good && self.excluded.ends_when_told(&id) {
                self.step_back.take_again(&id);
                // If the store is away, the next heartbeat tells it.
                let _ = self.step_back.heartbeats.beat();
            }
        }
        Ok(())
    }

    /// When outcomes can be verified; none: now.
    pub(super) fn verifies_at(&self) -> Option<Instant> {
        let view = self.state.view(true);
        self.guarded.verifies_at(view.running == 0 && view.queued == 0, Instant::now())
    }

    /// Decides about the outcomes of attempts that have ended: those during which no input was written can be reported.
    pub(super) fn verify_outcomes(&mut self) -> Result<(), StoreError> {
        let (first, found) = self.state.unverified();
        if first == 0 || self.verifies_at().is_some() {
            return Ok(());
        }
        let sweeps = self.state.unverified_sweeps();
        for id in &sweeps {
            self.look_at(id, false);
        }
        let has_found = !found.is_empty();
        let unsent = self.send_found(found)?;
        for id in sweeps.iter().filter(|_| has_found) {
            self.look_at(id, false);
        }
        let guarded = &mut self.guarded.0;
        self.state.verify(first, &mut |one| match guarded.get_mut(&one.claim.job.sweep) {
            _ if unsent.contains(&one.claim.job) => None,
            Some(guarded) => guarded.counts(one),
            None => Some(false),
        });
        Ok(())
    }

    /// Sends inputs that attempts have found to the store, before their outcomes. What an attempt has found that does not
    /// count is left out. Returns the jobs whose inputs were not sent, because the store is away.
    fn send_found(&mut self, found: Vec<FoundByAttempt>) -> Result<BTreeSet<JobAddress>, StoreError> {
        let mut unsent = BTreeSet::new();
        for FoundByAttempt { claim, epoch, found } in found {
            let id = &claim.job.sweep;
            let is_good = |guarded: &GuardedSweep| {
                guarded.guard.is_untouched_since(epoch) && guarded.is_decided && !guarded.standing.is_different()
            };
            if !self.guarded.0.get(id).is_some_and(is_good) || self.options.allows_different_files {
                continue;
            }
            let others = match self.store.add_inputs(id, claim.submission, &found) {
                Ok(others) => others,
                Err(error) if error.is_no_such_sweep() => continue,
                Err(error) => {
                    self.wait_out(error)?;
                    unsent.insert(claim.job);
                    continue;
                }
            };
            let Some(guarded) = self.guarded.0.get_mut(id) else { continue };
            let is_word = |input: &&Input| input.found_by == FoundBy::Command;
            let mut all: BTreeMap<String, InputState> = found
                .inputs
                .iter()
                .filter(|input| !is_word(input))
                .map(|input| (input.path.clone(), input.state.clone()))
                .collect();
            // Another worker has found another content: the first one counts.
            all.extend(others.into_iter().map(|input| (input.path, input.state)));
            all.into_iter().for_each(|(path, expected)| guarded.guard.add_found(path, expected));
        }
        Ok(unsent)
    }

    /// Makes the guard of a sweep, or tells it of a document that was replaced.
    fn guard_sweep(&mut self, sweep: &Arc<SweepRuntime>, submission: u64) {
        let guarded = &mut self.guarded.0;
        if guarded.len() >= MOST_SWEEPS {
            guarded.retain(|id, sweep| sweep.is_busy() || self.excluded.contains(id));
        }
        let allows_different = self.options.allows_different_files;
        let is_old = |guarded: &GuardedSweep| guarded.submission != submission;
        if guarded.get(&sweep.id).is_none_or(is_old) {
            let mut new = GuardedSweep::new(sweep, submission, allows_different);
            new.set_inputs();
            guarded.insert(sweep.id.clone(), new);
        }
        if let Some(guarded) = guarded.get_mut(&sweep.id).filter(|guarded| !Arc::ptr_eq(&guarded.sweep, sweep)) {
            guarded.sweep = sweep.clone();
            guarded.set_inputs();
        }
    }

    /// Reads the inputs that the store keeps, if they have changed; at most once a heartbeat. While the store is away,
    /// those that are known stay.
    fn read_stored_inputs(&mut self, id: &SweepId) -> Result<(), StoreError> {
        let Some(guarded) = self.guarded.0.get_mut(id) else { return Ok(()) };
        if guarded.revision.is_some_and(|(_, read)| read.elapsed() < self.options.lease / 4) {
            return Ok(());
        }
        let known = guarded.revision.map(|(revision, _)| revision);
        let read = self.store.inputs_revision(id).and_then(|revision| {
            let is_new = known != Some(revision);
            Ok((revision, if is_new { Some(self.store.inputs(id)?) } else { None }))
        });
        match read {
            Ok((revision, found)) => {
                guarded.revision = Some((revision, Instant::now()));
                if let Some(found) = found {
                    guarded.stored = found.inputs;
                    guarded.set_inputs();
                }
                Ok(())
            }
            Err(error) if error.is_no_such_sweep() => Ok(()),
            Err(error) => self.wait_out(error),
        }
    }

    /// Looks at the inputs of a sweep, and acts on what is found. Returns until when to start and report nothing.
    fn look_at(&mut self, id: &SweepId, at_claims: bool) -> Option<Instant> {
        let state = self.state;
        let guarded = self.guarded.0.get_mut(id)?;
        let reaction = guarded.look(at_claims, &|| state.view(true).stopping == Stopping::Now);
        let sweep = guarded.sweep.clone();
        if matches!(reaction, Reaction::Pause(_) | Reaction::StepBack(_)) && self.forget_replaced(id) {
            // The files are those of a new version of the sweep, with which its next claims come.
            self.give_back(id);
            return None;
        }
        match reaction {
            Reaction::Proceed => {}
            Reaction::Settle(until) => return Some(until),
            Reaction::Refuse => {
                self.give_back(id);
            }
            Reaction::GiveBack(path) => {
                let jobs = self.state.stop_jobs_of(id) + self.state.count_unverified(id);
                self.state.emit(WorkerEvent::InputRewritten { sweep: id.clone(), path, jobs });
            }
            Reaction::Pause(difference) => {
                let (jobs, reason) = (self.give_back(id), messages::changed(&sweep, &difference));
                self.state.emit(WorkerEvent::InputChanged { sweep: id.clone(), path: difference.path, jobs });
                self.pause(id, reason);
            }
            Reaction::PauseRewritten(path) => {
                let (jobs, reason) = (self.give_back(id), messages::rewritten(&sweep, &path));
                self.state.emit(WorkerEvent::InputRewritten { sweep: id.clone(), path, jobs });
                self.pause(id, reason);
            }
            Reaction::StepBack(difference) => {
                let (why, remedy) = messages::differs(&sweep, &difference);
                self.step_back.inputs_differ(id, why, remedy);
            }
        }
        None
    }

    /// Loads a sweep again if its document was replaced: `sweep retry --with-changed-files` may have declared other inputs.
    fn load_if_replaced(&mut self, id: &SweepId) -> Result<(), StoreError> {
        let Some(submission) = self.guarded.0.get(id).map(|guarded| guarded.submission) else { return Ok(()) };
        self.forget_if_replaced(id);
        if self.runtimes.get(id).is_none()
            && let LoadedSweep::Ready(sweep) = self.runtime(id)?
        {
            self.guard_sweep(&sweep, submission);
        }
        Ok(())
    }

    /// Whether the document of a sweep was replaced since it was loaded; then what is known of it is forgotten. Asks the
    /// store; while it is away, nothing is known.
    fn forget_replaced(&mut self, id: &SweepId) -> bool {
        let known = self.revisions.get(id).map(|(revision, _)| *revision);
        let is_replaced = self.store.document_revision(id).is_ok_and(|now| known != Some(now));
        if is_replaced {
            self.runtimes.forget(id);
            self.revisions.remove(id);
            if let Some(guarded) = self.guarded.0.get_mut(id) {
                guarded.revision = None;
            }
        }
        is_replaced
    }

    /// Ends the running jobs of a sweep and gives its claims back. Returns the number of attempts whose outcomes do not
    /// count.
    fn give_back(&mut self, id: &SweepId) -> usize {
        let back = self.state.take_queue_of(id);
        self.state.add_done(back);
        self.state.stop_jobs_of(id) + self.state.count_unverified(id)
    }

    /// Pauses a sweep. If the store is away, its next claims show the difference again.
    fn pause(&mut self, id: &SweepId, reason: String) {
        let Ok(row) = self.store.sweep(id) else { return };
        if self.store.pause_unless_resumed(id, row.failed_at_resume, &reason).unwrap_or(false) {
            self.state.emit(WorkerEvent::Paused { sweep: id.clone(), reason });
        }
    }
}
