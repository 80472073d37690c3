//! Owns what a worker does while its store is away or refuses requests: it waits, reports it once, and gives up at the
//! end.

use std::time::{Duration, Instant};

use super::Dispatcher;
use crate::store::StoreError;
use crate::worker::events::WorkerEvent;
use crate::worker::pace::Stopping;

/// How long a worker that was told to stop at once tries to deliver outcomes to a store that is away.
const LAST_DELIVERY: Duration = Duration::from_secs(5);

/// What is wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreTrouble {
    Away,
    Refuses,
}

impl Dispatcher<'_> {
    /// Reports an error of the store that may pass by itself.
    ///
    /// # Errors
    /// The error itself, if it does not pass by itself.
    pub(super) fn wait_out(&mut self, error: StoreError) -> Result<(), StoreError> {
        let trouble = match &error {
            error if error.is_unreachable() => StoreTrouble::Away,
            error if error.is_refusal() => StoreTrouble::Refuses,
            _ => return Err(error),
        };
        self.report_trouble(trouble, error.to_string());
        Ok(())
    }

    /// Reports trouble with the store once, until it changes or passes.
    fn report_trouble(&mut self, trouble: StoreTrouble, why: String) {
        if self.trouble.replace(trouble) != Some(trouble) {
            self.state.emit(match trouble {
                StoreTrouble::Away => WorkerEvent::StoreAway { why },
                StoreTrouble::Refuses => WorkerEvent::StoreRefuses { why },
            });
        }
    }

    /// Reports that the store works again. A store that refused claims and accepts outcomes does not work again yet.
    pub(super) fn report_recovery(&mut self, gave_claims: bool) {
        if self.trouble == Some(StoreTrouble::Away) || gave_claims && self.trouble.is_some() {
            self.trouble = None;
            self.state.emit(WorkerEvent::StoreBack);
        }
    }

    /// Waits until it is time to send the request again. Returns earlier if the worker must stop at once.
    ///
    /// # Errors
    /// An error of the store that does not pass by itself.
    pub(super) fn wait_for_store(&mut self) -> Result<(), StoreError> {
        let state = self.state;
        let again = self.pace.unanswered(Instant::now());
        while Instant::now() < again && state.view(true).stopping != Stopping::Now {
            state.wait(again);
            // Outcomes of jobs that have ended meanwhile count, whatever happens to their inputs later.
            self.look_at_due_inputs()?;
            self.verify_outcomes()?;
        }
        Ok(())
    }

    /// Whether the worker was told to stop at once, has tried to deliver for long enough, and runs nothing any more.
    pub(super) fn gives_up(&self, give_up_at: &mut Option<Instant>) -> bool {
        let view = self.state.view(true);
        if view.stopping != Stopping::Now {
            return false;
        }
        let until = *give_up_at.get_or_insert_with(|| Instant::now() + LAST_DELIVERY);
        self.state.wait(Instant::now() + Duration::from_millis(100));
        view.running == 0 && Instant::now() >= until
    }
}
