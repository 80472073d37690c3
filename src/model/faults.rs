//! Owns the check of a [`Spec`] that comes from a store. The reader of sweep files reports the same faults, with places and
//! remedies; but a store may contain what no sweep file could say, because somebody else wrote it.

use super::{Command, JobSettings, LONGEST_TIME, MAX_LOG_BYTES, MAX_RETRIES, Spec, not_in_job_dir};
use crate::job::{MAX_POINTS, is_sweep_name};

impl Spec {
    /// What no sweep file could say, in words; none: the spec is valid, as far as can be seen without compiling its
    /// templates and its space. O(size of the spec).
    pub fn fault(&self) -> Option<String> {
        let words = match &self.command {
            Command::Text(text) => usize::from(!text.trim().is_empty()),
            Command::Words(words) => words.len(),
        };
        let decks = self.templates.iter().map(|deck| deck.name.as_str());
        let outside = decks.chain(self.result_files()).find_map(|name| Some((name, not_in_job_dir(name)?)));
        if !is_sweep_name(&self.name) {
            Some("its name is not one of a sweep".into())
        } else if words == 0 {
            Some("its command is empty".into())
        } else if let Some((name, why)) = outside {
            Some(format!("it names the file `{}`: {why}", name.escape_debug()))
        } else {
            self.job.fault()
        }
    }
}

impl JobSettings {
    fn fault(&self) -> Option<String> {
        let times = [self.timeout, Some(self.retry.delay)];
        let logs = self.logs.succeeded.max(self.logs.failed);
        let is_variable = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
        let fault = if times.into_iter().flatten().any(|time| time > LONGEST_TIME) {
            "a time is longer than ten years"
        } else if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            "its time limit is zero"
        } else if self.retry.retries > MAX_RETRIES {
            "it has too many retries"
        } else if self.max_failures.is_some_and(|most| !(1..=MAX_POINTS).contains(&most)) {
            "`max-failures` is out of range"
        } else if logs > MAX_LOG_BYTES {
            "`logs-limit` is too large"
        } else if !is_sweep_name(&self.queue) {
            "its queue has an impossible name"
        } else if !self.env.iter().all(|(name, _)| is_variable(name)) {
            "an environment variable has an impossible name"
        } else {
            return None;
        };
        Some(fault.into())
    }
}
