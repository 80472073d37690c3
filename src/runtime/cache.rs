//! Owns the cache of loaded sweeps.

use std::collections::HashMap;
use std::sync::Arc;

use super::SweepRuntime;
use crate::job::SweepId;

/// A full cache is emptied; sweeps in use are loaded again.
const MAX_SWEEPS: usize = 64;

/// The sweeps that a worker has loaded; bounded.
#[derive(Default)]
pub struct RuntimeCache {
    loaded: HashMap<SweepId, Arc<SweepRuntime>>,
}

impl RuntimeCache {
    /// The sweep, if it is loaded.
    pub fn get(&self, id: &SweepId) -> Option<Arc<SweepRuntime>> {
        self.loaded.get(id).cloned()
    }

    /// Removes a sweep.
    pub fn forget(&mut self, id: &SweepId) {
        self.loaded.remove(id);
    }

    /// Adds a sweep.
    pub fn insert(&mut self, runtime: SweepRuntime) -> Arc<SweepRuntime> {
        // A worker that runs for months sees many sweeps. Running jobs hold their own reference.
        if self.loaded.len() >= MAX_SWEEPS {
            self.loaded.clear();
        }
        let runtime = Arc::new(runtime);
        self.loaded.insert(runtime.id.clone(), runtime.clone());
        runtime
    }
}
