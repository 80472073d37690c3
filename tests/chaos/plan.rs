//! Owns the plan of a chaos run: which action happens when, as a pure function of a seed. Each fault is planned together
//! with the action that ends it.

use std::time::Duration;

/// Number of workers that run at a time.
pub const WORKERS: usize = 3;

/// The store that a run uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The embedded store.
    Embedded,
    /// Redis with `appendfsync everysec`: a crash may lose the last two seconds.
    RedisEverysec,
    /// Redis with `appendfsync always`: a crash loses nothing.
    RedisAlways,
}

/// An action. A worker is given by its position, a sweep by its number of submission, modulo how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// SIGKILL to a worker; a new one replaces it.
    Kill(usize),
    /// SIGSTOP, until `Thaw`.
    Freeze(usize),
    Thaw(usize),
    /// Ctrl-C; a new worker replaces it.
    Interrupt(usize),
    /// Ctrl-C twice; a new worker replaces it.
    InterruptTwice(usize),
    /// Faults of one worker's connection, until `Mend`.
    Cut(usize),
    Stall(usize),
    Slow(usize, Duration),
    Deaf(usize),
    Mend(usize),
    /// Closes the direction from the server to the worker on open connections.
    HalfClose(usize),
    /// SIGKILL to Redis, until `Restart`.
    Crash,
    /// The same, and about the last second of its log is lost.
    PowerCut,
    Restart,
    Submit,
    Retry(usize),
    RetryOne(usize, u64),
    Pause(usize),
    Resume(usize),
    Cancel(usize),
    Collect(usize),
}

/// An action and its time, counted from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub at: Duration,
    pub action: Action,
}

/// The plan of a run of this length.
pub fn plan(seed: u64, length: Duration, kind: Kind) -> Vec<Step> {
    let mut dice = Dice(seed);
    let mut planner = Planner { steps: vec![Step { at: Duration::ZERO, action: Action::Submit }], free_from: 0 };
    let end = length.as_millis() as u64;
    let mut now = 300;
    while now < end {
        planner.one(&mut dice, now, kind);
        now += dice.between(80, 500);
    }
    // No action comes after the end of the run, so that all faults stop there.
    for step in &mut planner.steps {
        step.at = step.at.min(length);
    }
    planner.steps.sort_by_key(|step| step.at);
    planner.steps
}

struct Planner {
    steps: Vec<Step>,
    /// The time from which the server may crash again, milliseconds.
    free_from: u64,
}

impl Planner {
    fn add(&mut self, at: u64, action: Action) {
        self.steps.push(Step { at: Duration::from_millis(at), action });
    }

    fn pair(&mut self, at: u64, action: Action, until: u64, end: Action) {
        self.add(at, action);
        self.add(until, end);
    }

    /// Plans one action at `now`, and the action that ends it.
    fn one(&mut self, dice: &mut Dice, now: u64, kind: Kind) {
        let worker = dice.below(WORKERS as u64) as usize;
        let sweep = dice.below(1000) as usize;
        // About half of the faults last longer than a lease.
        let later = now + dice.between(300, 5_000);
        let faces = if kind == Kind::Embedded { 20 } else { 30 };
        match dice.below(faces) {
            0..=2 => self.add(now, Action::Kill(worker)),
            3..=5 => self.pair(now, Action::Freeze(worker), later, Action::Thaw(worker)),
            6..=7 => self.add(now, Action::Interrupt(worker)),
            8 => self.add(now, Action::InterruptTwice(worker)),
            9..=10 => self.add(now, Action::Submit),
            11..=12 => self.add(now, Action::Retry(sweep)),
            13 => self.add(now, Action::RetryOne(sweep, dice.below(1000))),
            14..=15 => self.pair(now, Action::Pause(sweep), later, Action::Resume(sweep)),
            16 => self.pair(now, Action::Cancel(sweep), later, Action::Retry(sweep)),
            17..=19 => self.add(now, Action::Collect(sweep)),
            20..=22 => self.pair(now, Action::Cut(worker), later, Action::Mend(worker)),
            23 => self.pair(now, Action::Stall(worker), later, Action::Mend(worker)),
            24 => {
                let delay = Duration::from_millis(dice.between(20, 400));
                self.pair(now, Action::Slow(worker, delay), later, Action::Mend(worker));
            }
            25..=26 => self.pair(now, Action::Deaf(worker), now + dice.between(50, 800), Action::Mend(worker)),
            27 => self.add(now, Action::HalfClose(worker)),
            _ => self.crash(dice, now, kind),
        }
    }

    fn crash(&mut self, dice: &mut Dice, now: u64, kind: Kind) {
        if now < self.free_from {
            return;
        }
        let up = now + dice.between(50, 3_000);
        let forgets = dice.below(2) == 0 && kind == Kind::RedisEverysec;
        self.pair(now, if forgets { Action::PowerCut } else { Action::Crash }, up, Action::Restart);
        self.free_from = up + 1_500;
    }
}

/// The SplitMix64 generator: a seed gives the same numbers on every machine.
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number from 0 to `end`, exclusive.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from)
    }
}

#[test]
fn the_same_seed_makes_the_same_plan_and_every_fault_is_ended() {
    for kind in [Kind::Embedded, Kind::RedisEverysec, Kind::RedisAlways] {
        let of = |seed| plan(seed, Duration::from_secs(60), kind);
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
        let count = |which: fn(&Action) -> bool| of(7).iter().filter(|step| which(&step.action)).count();
        assert_eq!(count(|a| matches!(a, Action::Freeze(_))), count(|a| matches!(a, Action::Thaw(_))));
        assert_eq!(count(|a| matches!(a, Action::Crash | Action::PowerCut)), count(|a| *a == Action::Restart));
    }
}
