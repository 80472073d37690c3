//! Fault injection: workers and Redis are killed, frozen and disconnected while sweeps are submitted, retried, paused and
//! cancelled. When the faults end, every sweep must finish, and every recorded result must be right.
//!
//! The normal test run takes some seconds and uses a fixed seed, so that it repeats the same plan each time. To use another
//! seed or a longer run:
//!
//! ```sh
//! CHAOS_SECONDS=600 CHAOS_SEED=random cargo test --locked --test chaos -- --nocapture
//! CHAOS_SECONDS=600 CHAOS_SEED=42 cargo test --locked --test chaos -- --nocapture
//! ```
//!
//! - `plan`: which fault happens when, a pure function of the seed; `drive` carries it out on the `workers`
//! - `jobs`: the program that the jobs run, and the log that it writes
//! - `edits`: edits of inputs, between runs and while they work; no table may mix results of different inputs
//! - `ledger`: what must hold at every moment; `verify`: what must hold at the end

#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::unwrap_used)] // a test that cannot go on fails

#[path = "../common/mod.rs"]
mod common;

mod drive;
mod edits;
mod jobs;
mod ledger;
mod plan;
mod verify;
mod workers;

use std::time::Duration;

use common::strays::Token;
use common::{Sandbox, until};
use drive::Drive;
use jobs::JobLog;
use plan::{Dice, Kind, plan};
use verify::Verify;

/// The seed of a run for which `CHAOS_SEED` is not set: CI repeats the same plan.
const SEED: u64 = 20_261_125;

/// Length of a run for which `CHAOS_SECONDS` is not set.
const SECONDS: u64 = 8;

/// Reads a whole number from an environment variable, or returns `default` if it is not set.
fn setting(name: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not `{text}`"))
}

fn seed() -> u64 {
    match std::env::var("CHAOS_SEED").as_deref() {
        Ok("random") => getrandom::u64().expect("randomness") % 1_000_000,
        _ => setting("CHAOS_SEED", SEED),
    }
}

fn chaos(mut sandbox: Sandbox, kind: Kind) {
    let (seed, seconds) = (seed(), setting("CHAOS_SECONDS", SECONDS));
    eprintln!("{kind:?}: to repeat this run, set CHAOS_SECONDS={seconds} CHAOS_SEED={seed}");
    let token = Token::new();
    jobs::put_program(&sandbox);
    let mut drive = Drive::new(&mut sandbox, &token, kind);
    drive.follow(&plan(seed, Duration::from_secs(seconds), kind));
    let sweeps = drive.finish();
    until("all processes of jobs to end", || match token.carriers() {
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
