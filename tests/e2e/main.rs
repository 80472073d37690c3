//! Tests of the real binary on both stores, with real processes.

#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::unwrap_used)] // a test that cannot go on fails

#[path = "../common/mod.rs"]
mod common;

mod agreement;
mod attacks;
mod bad_machine;
mod checks;
mod commands;
mod directories;
mod doctor;
mod emptied_store;
mod encryption;
mod events;
mod failures;
mod faults;
mod full_memory;
mod giving_up;
mod input_changes;
mod inputs;
mod jobs_at_the_edge;
mod leftovers;
mod limits;
mod lost_workers;
mod observing;
mod outputs;
mod promise;
mod provenance;
mod redis_users;
mod results;
mod retries;
mod samples;
mod secrets;
mod shared_causes;
mod signals;
mod signed;
mod statistics;
mod store_trouble;
mod tables;
mod values;
mod workers;
