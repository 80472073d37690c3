//! Owns a chaos run: carries out the plan, checks the sweeps after each step, and waits for everything to finish.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::jobs::{self, POINTS};
use super::ledger::Ledger;
use super::plan::{Action, Kind, Step};
use super::workers::Workers;
use crate::common::proxy::Line;
use crate::common::strays::Token;
use crate::common::{Ran, Sandbox, until_within};

/// Limit for everything to finish after the last fault.
const FINISHES_WITHIN: Duration = Duration::from_secs(150);

/// A sweep that was submitted.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Its name; its jobs have it in their arguments.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Number of `sweep retry` commands that may have put points of it back.
    pub retried: u64,
}

/// A run.
pub struct Drive<'a> {
    sandbox: &'a mut Sandbox,
    token: &'a Token,
    kind: Kind,
    workers: Workers,
    ledger: Ledger,
    sweeps: Vec<Submitted>,
    submissions: usize,
    server_is_up: bool,
}

impl<'a> Drive<'a> {
    /// Starts the workers of a run.
    pub fn new(sandbox: &'a mut Sandbox, token: &'a Token, kind: Kind) -> Drive<'a> {
        let workers = Workers::new(sandbox);
        let (ledger, sweeps) = (Ledger::default(), Vec::new());
        Drive { sandbox, token, kind, workers, ledger, sweeps, submissions: 0, server_is_up: true }
    }

    /// Carries out the plan: each action at its time, or as soon after it as possible.
    pub fn follow(&mut self, plan: &[Step]) {
        let begun = Instant::now();
        // Commands wait while the store is away. The rest of the plan is delayed by that time, so that the actions do not
        // follow each other faster than planned.
        let mut plans_begin = begun;
        for step in plan {
            let now = Instant::now();
            plans_begin = plans_begin.max(now.checked_sub(step.at).unwrap_or(begun));
            // Waits for no condition: the plan says when each action is due.
            std::thread::sleep(plans_begin + step.at - now);
            eprintln!("{:>8.3}  {:?}", begun.elapsed().as_secs_f64(), step.action);
            self.act(step.action);
            if self.server_is_up {
                self.workers.check(self.sandbox);
                self.look();
            }
        }
    }

    /// Ends all faults, waits until no job is left, stops the workers, and returns the sweeps that exist.
    pub fn finish(mut self) -> Vec<Submitted> {
        if !self.server_is_up {
            self.restart();
        }
        self.workers.end_faults();
        let begun = Instant::now();
        until_within(FINISHES_WITHIN, "all sweeps to finish", || {
            self.workers.check(self.sandbox);
            let status = self.look();
            let sweeps = status["sweeps"].as_array().expect("a list");
            let open: Vec<&Json> = sweeps.iter().filter(|one| one["pending"] != 0 || one["running"] != 0).collect();
            for sweep in open.iter().filter(|one| one["state"] == "paused") {
                self.sweep(&["resume", sweep["id"].as_str().expect("an id")]);
            }
            if open.is_empty() { Ok(()) } else { Err(status) }
        });
        eprintln!("{:>8.3}  all sweeps are finished", begun.elapsed().as_secs_f64());
        self.workers.stop_all();
        self.sweeps
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Kill(worker) => self.workers.kill(self.sandbox, worker),
            Action::Freeze(worker) => self.workers.freeze(worker),
            Action::Thaw(worker) => self.workers.thaw(worker),
            Action::Interrupt(worker) => self.workers.interrupt(self.sandbox, worker, false),
            Action::InterruptTwice(worker) => self.workers.interrupt(self.sandbox, worker, true),
            Action::Cut(worker) => self.workers.proxy(worker).set(Line::Cut),
            Action::Stall(worker) => self.workers.proxy(worker).set(Line::Stalled),
            Action::Slow(worker, delay) => self.workers.proxy(worker).set(Line::Slow(delay)),
            Action::Deaf(worker) => self.workers.proxy(worker).set(Line::Deaf),
            Action::Mend(worker) => self.workers.proxy(worker).set(Line::Open),
            Action::HalfClose(worker) => self.workers.proxy(worker).half_close(),
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
        // The ledger has checked that only sweeps are gone which Redis was allowed to lose.
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

    /// Runs a command on one of the sweeps, if there is any.
    fn about(&mut self, sweep: usize, words: &[&str]) {
        let Some(sweep) = self.choose(sweep) else { return };
        let id = self.sweeps[sweep].id.clone();
        self.sweep(&[words, &[id.as_str()]].concat());
    }

    fn choose(&self, sweep: usize) -> Option<usize> {
        sweep.checked_rem(self.sweeps.len())
    }

    /// Runs the binary. It must succeed or report that there is nothing to do; it may fail only while the store is away.
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

    /// Checks the status of all sweeps.
    fn look(&mut self) -> Json {
        let status = self.sweep(&["status", "--json"]).json();
        let log_length = if self.kind == Kind::Embedded { 0 } else { self.sandbox.server().log_length() };
        self.ledger.note(&status, log_length);
        status
    }
}
