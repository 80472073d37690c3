//! Owns what a worker does about what a look at the inputs has found. Pure: `now` is an argument.

use std::time::{Duration, Instant};

use super::guard::{Difference, Finding};

/// An editor may save by removing a file and writing it again: a difference counts if it lasts this long.
const SETTLE: Duration = Duration::from_millis(300);

/// After so many rewrites in a row without an attempt that counts, something writes the input all the time.
const MOST_REWRITES: u32 = 5;

/// What a look is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// Whether jobs of the sweep are queued or run here, or their outcomes wait.
    pub is_busy: bool,
    /// Whether the store has just given jobs of the sweep to this worker.
    pub at_claims: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Go on: start jobs, report the outcomes of attempts of the present epoch.
    Proceed,
    /// Go on, and give back the attempts of earlier epochs: this input was written while they ran.
    GiveBack(String),
    /// Start and report nothing until then, and look again.
    Settle(Instant),
    /// Pause the sweep and give back its jobs: this input was as declared, and is no more.
    Pause(Difference),
    /// Pause the sweep and give back its jobs: this input is written all the time.
    PauseRewritten(String),
    /// Take no jobs of the sweep: this input is not as declared.
    StepBack(Difference),
    /// Give back the jobs of the sweep; nothing is new.
    Refuse,
}

/// How a worker stands to the inputs of a sweep.
#[derive(Debug, Default)]
pub struct Standing {
    state: State,
    rewrites: u32,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Good,
    Settling(Instant),
    Different,
}

impl Standing {
    /// Decides about a finding.
    pub fn react(&mut self, finding: Finding, occasion: Occasion, now: Instant) -> Reaction {
        let Occasion { is_busy, at_claims } = occasion;
        match finding {
            Finding::Same => {
                self.state = State::Good;
                Reaction::Proceed
            }
            Finding::Rewritten(path) => {
                self.state = State::Good;
                if !is_busy {
                    return Reaction::Proceed;
                }
                self.rewrites += 1;
                if self.rewrites >= MOST_REWRITES {
                    self.rewrites = 0;
                    return Reaction::PauseRewritten(path);
                }
                Reaction::GiveBack(path)
            }
            Finding::Differs(difference) => match self.state {
                State::Good if is_busy || at_claims => {
                    let until = now + SETTLE;
                    self.state = State::Settling(until);
                    Reaction::Settle(until)
                }
                State::Settling(until) if now < until => Reaction::Settle(until),
                State::Settling(_) if is_busy => {
                    self.state = State::Different;
                    Reaction::Pause(difference)
                }
                State::Good | State::Settling(_) | State::Different => {
                    self.state = State::Different;
                    if at_claims { Reaction::StepBack(difference) } else { Reaction::Refuse }
                }
            },
        }
    }

    /// An attempt counts: the inputs were the same from its start to its end.
    pub fn attempt_counts(&mut self) {
        self.rewrites = 0;
    }

    /// Whether the last look found a difference that has lasted.
    pub fn is_different(&self) -> bool {
        self.state == State::Different
    }

    /// Until when a difference is given time to pass.
    pub fn settles_until(&self) -> Option<Instant> {
        if let State::Settling(until) = self.state { Some(until) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::inputs::guard::DifferenceKind;

    fn differs() -> Finding {
        Finding::Differs(Difference { path: "a".into(), kind: DifferenceKind::Content, was_equal: true })
    }

    const BUSY: Occasion = Occasion { is_busy: true, at_claims: false };
    const CLAIMS: Occasion = Occasion { is_busy: false, at_claims: true };

    #[test]
    fn a_difference_that_lasts_pauses_the_sweep_once_and_one_that_passes_gives_back_what_ran() {
        let (mut standing, start) = (Standing::default(), Instant::now());
        assert_eq!(standing.react(Finding::Same, CLAIMS, start), Reaction::Proceed);
        assert_eq!(standing.react(differs(), BUSY, start), Reaction::Settle(start + SETTLE));
        assert_eq!(standing.react(Finding::Rewritten("a".into()), BUSY, start), Reaction::GiveBack("a".into()));
        assert_eq!(standing.react(differs(), BUSY, start), Reaction::Settle(start + SETTLE));
        let later = start + SETTLE;
        assert!(matches!(standing.react(differs(), BUSY, later), Reaction::Pause(_)));
        assert_eq!(standing.react(differs(), BUSY, later), Reaction::Refuse);
        assert!(matches!(standing.react(differs(), CLAIMS, later), Reaction::StepBack(_)));
        assert_eq!(standing.react(Finding::Rewritten("a".into()), CLAIMS, later), Reaction::Proceed);
    }

    #[test]
    fn a_worker_whose_inputs_differ_from_the_start_steps_back() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        assert_eq!(standing.react(differs(), CLAIMS, now), Reaction::Settle(now + SETTLE));
        assert!(matches!(standing.react(differs(), CLAIMS, now + SETTLE), Reaction::StepBack(_)));
        assert!(standing.is_different());
    }

    #[test]
    fn an_input_that_is_written_all_the_time_pauses_the_sweep() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        for round in 1..=MOST_REWRITES {
            let reaction = standing.react(Finding::Rewritten("a".into()), BUSY, now);
            assert_eq!(matches!(reaction, Reaction::PauseRewritten(_)), round == MOST_REWRITES, "{reaction:?}");
        }
        for _ in 0..3 * MOST_REWRITES {
            assert_eq!(standing.react(Finding::Rewritten("a".into()), BUSY, now), Reaction::GiveBack("a".into()));
            standing.attempt_counts();
        }
    }
}
