//! Owns `sweep doctor`: measures the store and this machine, and reports likely problems.
//!
//! - [`checks`]: from measured values to findings; pure

use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::process::{Resource, getrlimit};

use crate::ops::status::exclusions;
use crate::process::leftover_processes;
use crate::store::open::{Open, embedded_folder, open};
use crate::store::sqlite::SqliteStore;
use crate::store::{Result, Store};
use crate::system::wall_clock_ms;

pub mod checks;

use checks::{Check, DiskProbe, MachineProbe, StoreProbe};

/// How many requests measure the store's latency.
const LATENCY_SAMPLES: usize = 9;

/// Checks the store that `named` names (see [`open`]) and this machine. A store that cannot be used is one of the checks.
pub fn examine(named: Option<&str>, cwd: &Path) -> Vec<Check> {
    let folder = embedded_folder(named, cwd);
    let mut all = match &folder {
        Some(folder) if !folder.is_dir() => vec![checks::none_yet(folder, &SqliteStore::check_place(folder))],
        _ => match open(named, cwd, Open::Existing).and_then(|store| probe_store(&*store)) {
            Ok(probe) => checks::of_store(&probe),
            Err(error) => vec![checks::unusable(&error)],
        },
    };
    all.extend(checks::of_machine(&probe_machine(folder.as_deref())));
    all
}

/// Measures the store.
fn probe_store(store: &dyn Store) -> Result<StoreProbe> {
    let before = wall_clock_ms();
    let facts = store.info()?;
    // The store read its clock at some moment in between.
    let here = before.midpoint(wall_clock_ms());
    let mut took = Vec::with_capacity(LATENCY_SAMPLES);
    for _ in 0..LATENCY_SAMPLES {
        let begun = Instant::now();
        store.workers()?;
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    Ok(StoreProbe {
        name: store.describe(),
        cautions: store.cautions()?,
        exposures: store.exposures(),
        exclusions: exclusions(&store.workers()?, None),
        clock_ahead_ms: here as i64 - facts.clock_ms as i64,
        takes: took.get(LATENCY_SAMPLES / 2).copied().unwrap_or_default(),
        facts,
    })
}

fn probe_machine(store: Option<&Path>) -> MachineProbe {
    let temporary = std::env::temp_dir();
    let disks = store.map(|store| ("the store", store)).into_iter().chain([("temporary files", &*temporary)]);
    MachineProbe {
        cores: std::thread::available_parallelism().map_or(1, usize::from) as u64,
        // Workers raise the soft limit as far as they need.
        open_files: getrlimit(Resource::Nofile).maximum,
        disks: disks.map(|(of, at)| DiskProbe { of, at: at.to_owned(), free: free(at) }).collect(),
        strays: leftover_processes(),
    }
}

/// The bytes that are free for this user on the disk of a folder, which need not exist.
fn free(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(nearest(folder)).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// The folder, or the nearest existing one above it.
fn nearest(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(folder).to_owned()
}
