//! Sweeps under attack: for a while, at random but from a seed that is printed, workers and Redis are killed, stopped and
//! cut off while people submit, retry, pause and cancel. When the attack ends, everything must come to its end, and be
//! right.
//!
//! A short run stands in the normal tests. A long one, and one of a seed again:
//!
//! ```sh
//! SECONDS=600 SEED=42 cargo test --locked --test chaos -- --nocapture
//! ```
//!
//! - `plan`: what is done when, purely from the seed; `drive` does it; `crew`: the workers that it is done to;
//! - `jobs`: what is run, and the log that the jobs keep themselves;
//! - `ledger`: what must hold at each moment; `verify`: what must hold at the end.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that cannot go on fails

#[path = "../common/mod.rs"]
mod common;

mod crew;
mod drive;
mod jobs;
mod ledger;
mod plan;
mod verify;

use std::time::Duration;

use common::strays::Token;
use common::{Sandbox, until};
use drive::Drive;
use jobs::JobLog;
use plan::{Dice, Kind, plan};
use verify::Verify;

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is to be a whole number, not `{text}`")))
}

fn chaos(mut sandbox: Sandbox, kind: Kind) {
    let seed = setting("SEED").unwrap_or_else(|| getrandom::u64().expect("randomness") % 1_000_000);
    let seconds = setting("SECONDS").unwrap_or(8);
    eprintln!("{kind:?}: to see this again, SECONDS={seconds} SEED={seed}");
    let token = Token::new();
    jobs::put_program(&sandbox);
    let mut drive = Drive::new(&mut sandbox, &token, kind);
    drive.follow(&plan(seed, Duration::from_secs(seconds), kind));
    let sweeps = drive.settle();
    until("the last processes of all jobs to end", || match token.carriers() {
        none if none.is_empty() => Ok(()),
        some => Err(some),
    });
    let log = JobLog::read(&sandbox);
    Verify::attempts(&log, kind);
    for sweep in &sweeps {
        Verify { sandbox: &sandbox, sweep, log: &log }.all(&mut Dice(seed));
    }
    eprintln!("{kind:?}: {} sweeps, {} runs of jobs", sweeps.len(), log.runs());
    assert!(!sweeps.is_empty() && log.runs() > 0);
}

#[test]
fn embedded_store() {
    chaos(Sandbox::embedded(), Kind::Embedded);
}

#[test]
fn redis_that_may_forget_two_seconds() {
    let settings = [("appendonly", "yes"), ("appendfsync", "everysec"), ("auto-aof-rewrite-percentage", "0")];
    chaos(Sandbox::redis_with(&settings), Kind::RedisEverysec);
}

#[test]
fn redis_that_forgets_nothing() {
    let settings = [("appendonly", "yes"), ("appendfsync", "always"), ("auto-aof-rewrite-percentage", "0")];
    chaos(Sandbox::redis_with(&settings), Kind::RedisAlways);
}
