//! Owns the decision to pause a sweep because too many points fail, and the reason of the pause in words.

use super::bounded::BoundedMap;
use super::report::FinishedAttempt;
use crate::job::SweepId;
use crate::model::{EARLY_FAILURES, JobSettings};
use crate::store::SweepRow;

/// Returns why to pause the sweep; none: it continues. A sweep that is paused already, or has no pending point, is not
/// paused.
pub fn too_many(settings: &JobSettings, row: &SweepRow) -> Option<String> {
    let counts = &row.counts;
    if settings.keep_going || row.paused.is_some() || counts.pending == 0 {
        return None;
    }
    // Failures before the last `sweep resume` do not count again.
    let failed = counts.failed.saturating_sub(row.failed_at_resume);
    let succeeded = counts.succeeded.saturating_sub(counts.reused);
    match settings.max_failures {
        Some(most) if failed >= most => Some(format!("{failed} points failed (max-failures = {most})")),
        None if failed >= EARLY_FAILURES && succeeded == 0 => {
            Some(format!("the first {failed} points all failed (with `--keep-going` or `max-failures` it continues)"))
        }
        _ => None,
    }
}

/// The first failure of each sweep that this worker has seen, in words.
pub struct FirstFailures(BoundedMap<SweepId, String>);

/// The most sweeps whose first failure is remembered.
const MOST_SWEEPS: usize = 256;

impl Default for FirstFailures {
    fn default() -> Self {
        FirstFailures(BoundedMap::new(MOST_SWEEPS))
    }
}

impl FirstFailures {
    /// Notes a failed point.
    pub fn note(&mut self, finished: &FinishedAttempt) {
        let sweep = &finished.job().sweep;
        if self.0.get(sweep).is_none() {
            self.0.insert(sweep.clone(), finished.in_words());
        }
    }

    /// Returns the reason of a pause, with the first failure and what to do.
    pub fn reason(&self, sweep: &SweepId, why: &str) -> String {
        let first = self.0.get(sweep).map(|words| format!("; the first was {words}")).unwrap_or_default();
        format!("{why}{first}\n`sweep resume {sweep}` continues it, `sweep retry {sweep} --failed` runs them again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Counts;

    fn row(failed: u64, succeeded: u64, reused: u64, failed_at_resume: u64) -> SweepRow {
        let counts = Counts { total: 1000, pending: 100, succeeded, failed, reused, ..Counts::default() };
        SweepRow {
            id: SweepId { name: "a".into(), number: 1 },
            queue: "default".into(),
            user: "ada".into(),
            submitted_ms: 0,
            last_outcome_ms: None,
            paused: None,
            failed_at_resume,
            counts,
        }
    }

    fn settings(max_failures: Option<u64>, keep_going: bool) -> JobSettings {
        let text = "command = \"x {{ a }}\"\n[grid]\na = 1\n";
        let source = crate::spec::SourceFile { file: "a.toml".into(), stem: "a".into(), here: "/".into() };
        let job = crate::spec::read(text, &source).unwrap().spec.job;
        JobSettings { max_failures, keep_going, ..job }
    }

    #[test]
    fn the_first_failures_pause_a_sweep_of_which_nothing_has_succeeded() {
        let default = settings(None, false);
        assert_eq!(too_many(&default, &row(EARLY_FAILURES - 1, 0, 0, 0)), None);
        assert!(too_many(&default, &row(EARLY_FAILURES, 0, 0, 0)).unwrap().contains("the first 20"));
        assert_eq!(too_many(&default, &row(500, 1, 0, 0)), None);
        assert!(too_many(&default, &row(EARLY_FAILURES, 7, 7, 0)).is_some(), "reused points did not run");
        assert_eq!(too_many(&default, &row(EARLY_FAILURES, 0, 0, 1)), None);
        assert_eq!(too_many(&settings(None, true), &row(500, 0, 0, 0)), None);
    }

    #[test]
    fn a_number_of_failures_is_counted_from_the_last_resume() {
        let three = settings(Some(3), false);
        assert_eq!(too_many(&three, &row(2, 0, 0, 0)), None);
        assert!(too_many(&three, &row(3, 400, 0, 0)).unwrap().contains("max-failures = 3"));
        assert_eq!(too_many(&three, &row(5, 400, 0, 3)), None);
        assert!(too_many(&three, &row(6, 400, 0, 3)).is_some());
        assert_eq!(too_many(&settings(Some(30), false), &row(EARLY_FAILURES, 0, 0, 0)), None, "the number rules");
        assert_eq!(too_many(&settings(Some(3), true), &row(6, 400, 0, 0)), None);
    }

    #[test]
    fn what_is_paused_or_has_nothing_left_to_give_out_is_not_paused() {
        let three = settings(Some(3), false);
        let paused = SweepRow { paused: Some("by ada".into()), ..row(3, 0, 0, 0) };
        assert_eq!(too_many(&three, &paused), None);
        let mut over = row(3, 0, 0, 0);
        over.counts.pending = 0;
        assert_eq!(too_many(&three, &over), None);
    }
}
