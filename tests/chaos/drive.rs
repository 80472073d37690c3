//! Owns a chaos run: does what is planned, looks at the sweeps after each step, and lets everything come to its end.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::crew::SlotContext;
use super::jobs::{self, POINTS};
use super::ledger::Ledger;
use super::plan::{Action, Kind, Step};
use crate::common::proxy::Line;
use crate::common::strays::Token;
use crate::common::{Ran, Sandbox};

/// How long everything may take to come to its end after the last fault.
const SETTLES: Duration = Duration::from_secs(150);

/// A sweep that was submitted.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Its name, which its jobs carry.
    pub name: String,
    /// Its id.
    pub id: String,
    /// How often points of it may have been put back in the queue by hand.
    pub retried: u64,
}

/// A run.
pub struct Drive<'a> {
    sandbox: &'a mut Sandbox,
    token: &'a Token,
    kind: Kind,
    crew: SlotContext,
    ledger: Ledger,
    sweeps: Vec<Submitted>,
    submissions: usize,
    server_is_up: bool,
}

impl<'a> Drive<'a> {
    /// A run with a crew that has nothing to do yet.
    pub fn new(sandbox: &'a mut Sandbox, token: &'a Token, kind: Kind) -> Drive<'a> {
        let crew = SlotContext::new(sandbox);
        let (ledger, sweeps) = (Ledger::default(), Vec::new());
        Drive { sandbox, token, kind, crew, ledger, sweeps, submissions: 0, server_is_up: true }
    }

    /// Does what is planned, each thing when it is due, or as soon after that as it can be done.
    pub fn follow(&mut self, plan: &[Step]) {
        let begun = Instant::now();
        // Commands wait for a store that is away: the plan moves back by what it is late, so that nothing is done in a
        // rush after that.
        let mut plans_begin = begun;
        for step in plan {
            let now = Instant::now();
            plans_begin = plans_begin.max(now.checked_sub(step.at).unwrap_or(begun));
            std::thread::sleep(plans_begin + step.at - now);
            eprintln!("{:>8.3}  {:?}", begun.elapsed().as_secs_f64(), step.action);
            self.act(step.action);
            if self.server_is_up {
                self.crew.tend(self.sandbox);
                self.look();
            }
        }
    }

    /// Ends all faults, waits until nothing is left to run, sends the crew home, and returns the sweeps that there are.
    pub fn settle(mut self) -> Vec<Submitted> {
        if !self.server_is_up {
            self.restart();
        }
        self.crew.heal();
        let begun = Instant::now();
        loop {
            self.crew.tend(self.sandbox);
            let status = self.look();
            let sweeps = status["sweeps"].as_array().expect("a list");
            let open: Vec<&Json> = sweeps.iter().filter(|one| one["pending"] != 0 || one["running"] != 0).collect();
            if open.is_empty() {
                break;
            }
            assert!(begun.elapsed() < SETTLES, "after {SETTLES:?} not all is settled: {status:#}");
            for sweep in open.iter().filter(|one| one["state"] == "paused") {
                self.sweep(&["resume", sweep["id"].as_str().expect("an id")]);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        eprintln!("{:>8.3}  all is settled", begun.elapsed().as_secs_f64());
        self.crew.dismiss();
        self.sweeps
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Kill(worker) => self.crew.kill(self.sandbox, worker),
            Action::Freeze(worker) => self.crew.freeze(worker),
            Action::Thaw(worker) => self.crew.thaw(worker),
            Action::Interrupt(worker) => self.crew.interrupt(self.sandbox, worker, false),
            Action::InterruptTwice(worker) => self.crew.interrupt(self.sandbox, worker, true),
            Action::Cut(worker) => self.crew.proxy(worker).set(Line::Cut),
            Action::Stall(worker) => self.crew.proxy(worker).set(Line::Stalled),
            Action::Slow(worker, delay) => self.crew.proxy(worker).set(Line::Slow(delay)),
            Action::Deaf(worker) => self.crew.proxy(worker).set(Line::Deaf),
            Action::Mend(worker) => self.crew.proxy(worker).set(Line::Open),
            Action::HalfClose(worker) => self.crew.proxy(worker).half_close(),
            Action::Crash => self.crash(None),
            Action::PowerCut => self.crash(self.ledger.a_second_ago()),
            Action::Restart => self.restart(),
            Action::Submit => self.submit(),
            Action::Retry(sweep) => self.retry(sweep, None),
            Action::RetryOne(sweep, point) => self.retry(sweep, Some(point % POINTS)),
            Action::Pause(sweep) => self.about(sweep, &["pause"]),
            Action::Resume(sweep) => self.about(sweep, &["resume"]),
            Action::Cancel(sweep) => self.about(sweep, &["cancel"]),
            Action::Collect(sweep) => self.about(sweep, &["collect", "--out", "meanwhile.csv"]),
        }
    }

    fn crash(&mut self, back_to: Option<(Instant, u64)>) {
        let server = self.sandbox.server();
        match back_to {
            Some((_, length)) => server.cut_power(length),
            None => server.stop(),
        }
        self.server_is_up = false;
        if self.kind == Kind::RedisEverysec {
            self.ledger.crashed(back_to.map_or_else(Instant::now, |(at, _)| at));
        }
    }

    fn restart(&mut self) {
        self.sandbox.server().start_again();
        self.server_is_up = true;
        let there = self.look();
        let there: Vec<&str> =
            there["sweeps"].as_array().expect("a list").iter().filter_map(|sweep| sweep["id"].as_str()).collect();
        // The ledger has seen to it that only such are gone as Redis was allowed to forget.
        self.sweeps.retain(|sweep| there.contains(&sweep.id.as_str()));
    }

    fn submit(&mut self) {
        let name = format!("s{}", self.submissions);
        self.submissions += 1;
        let file = jobs::put_sweep(self.sandbox, &name, self.token);
        let ran = self.sweep(&["submit", &file]);
        if ran.code == 0 {
            self.sweeps.push(Submitted { name, id: ran.stdout.trim().to_owned(), retried: 0 });
        }
    }

    fn retry(&mut self, sweep: usize, point: Option<u64>) {
        let Some(sweep) = self.choose(sweep) else { return };
        let submitted = &mut self.sweeps[sweep];
        submitted.retried += 1;
        let id = submitted.id.clone();
        match point {
            Some(point) if self.sweep(&["retry", &format!("{id}/{point}")]).code == 0 => self.ledger.set_aside(&id),
            Some(_) => {}
            None => drop(self.sweep(&["retry", &id])),
        }
    }

    /// Runs a command about one of the sweeps, if there is any.
    fn about(&mut self, sweep: usize, words: &[&str]) {
        let Some(sweep) = self.choose(sweep) else { return };
        let id = self.sweeps[sweep].id.clone();
        self.sweep(&[words, &[id.as_str()]].concat());
    }

    fn choose(&self, sweep: usize) -> Option<usize> {
        sweep.checked_rem(self.sweeps.len())
    }

    /// Runs the binary. It does what it is told, or says that there is nothing to do; it fails only without its store.
    fn sweep(&self, args: &[&str]) -> Ran {
        let ran = self.sandbox.sweep(args);
        let well = match ran.code {
            0 | 2 => self.server_is_up,
            3 => !self.server_is_up,
            _ => false,
        };
        assert!(well, "{args:?} ended with {}:\n{}{}", ran.code, ran.stdout, ran.stderr);
        ran
    }

    /// Looks at all sweeps.
    fn look(&mut self) -> Json {
        let status = self.sweep(&["status", "--json"]).json();
        let log_length = if self.kind == Kind::Embedded { 0 } else { self.sandbox.server().log_length() };
        self.ledger.note(&status, log_length);
        status
    }
}
