//! Owns the decision between continuing a stored sweep and creating a new one that reuses earlier results. Pure;
//! [`crate::ops::reuse`] does the work.

use crate::job::SweepId;
use crate::model::Document;
use crate::model::FingerprintChange;
use crate::store::Counts;

/// Which earlier results may be reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReusePolicy {
    /// Those that ran with the same fingerprint.
    #[default]
    IfUnchanged,
    /// All, even if the command or an input file has changed since.
    EvenIfChanged,
    /// None: start a new sweep.
    Never,
}

/// A stored sweep of the same name.
#[derive(Clone, Debug)]
pub struct EarlierSweep {
    /// Its id.
    pub id: SweepId,
    /// The number of its points in each state.
    pub counts: Counts,
    /// The submitted document.
    pub document: Document,
}

/// A sweep whose successes are reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReuseSource {
    /// The sweep.
    pub id: SweepId,
    /// The number of its points.
    pub total: u64,
    /// Whether `[results]` differs: results are then extracted again from the stored output.
    pub results_changed: bool,
}

/// A sweep that is not reused because the fingerprint has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReused {
    /// The sweep.
    pub id: SweepId,
    /// What has changed; at least one change.
    pub changes: Vec<FingerprintChange>,
    /// The number of its points that have succeeded.
    pub succeeded: u64,
}

/// What a submission does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Continue this sweep.
    Continue(SweepId),
    /// Create a new one.
    New {
        /// The sweeps to reuse, the preferred one first.
        sources: Vec<ReuseSource>,
        /// The newest sweep that is not reused.
        not_reused: Option<NotReused>,
    },
}

/// Decides what to do. `older` are the sweeps of the same name, newest first; the iterator is read only as far as needed.
/// O(size of the documents).
///
/// - A sweep with the same fingerprint, `[results]` and space is continued, if it is the newest with that fingerprint or
///   has nothing left to run. (Otherwise a newer one, of another space, may have points that it lacks.)
/// - If there is none, the successes of every sweep with the same fingerprint are reused.
/// - Sweeps older than one that was started with `--fresh` are not considered.
///
/// # Errors
/// Those of `older`.
pub fn plan<E>(
    document: &Document,
    policy: ReusePolicy,
    older: impl IntoIterator<Item = Result<EarlierSweep, E>>,
) -> Result<Plan, E> {
    let (mut sources, mut not_reused): (Vec<ReuseSource>, _) = (Vec::new(), None);
    if policy == ReusePolicy::Never {
        return Ok(Plan::New { sources, not_reused });
    }
    for older in older {
        let EarlierSweep { id, counts, document: before } = older?;
        let changes = document.fingerprint.changes_since(&before.fingerprint);
        let results_changed = document.fingerprint.results != before.fingerprint.results;
        // With another `[results]`, a point that failed without a result may have one.
        let has_something = counts.succeeded > 0 || results_changed && counts.failed > 0;
        if changes.is_empty() && !results_changed && before.spec.space == document.spec.space {
            let is_whole = counts.succeeded == counts.total;
            if is_whole || sources.is_empty() {
                return Ok(Plan::Continue(id));
            }
        }
        if changes.is_empty() || policy == ReusePolicy::EvenIfChanged {
            if has_something {
                sources.push(ReuseSource { id, total: counts.total, results_changed });
            }
        } else if not_reused.is_none() && counts.succeeded > 0 {
            not_reused = Some(NotReused { id, changes, succeeded: counts.succeeded });
        }
        if before.fresh {
            break;
        }
    }
    // If another sweep of the same fingerprint is reused, there is nothing to report.
    let not_reused = not_reused.filter(|_| sources.is_empty());
    Ok(Plan::New { sources, not_reused })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::path::PathBuf;

    use super::*;
    use crate::files::Disk;
    use crate::fingerprint;
    use crate::space::Space;
    use crate::spec::{SourceFile, read};

    /// A document with its fingerprint.
    fn document(values: &str, script: &str, format: &str) -> Document {
        let text =
            format!("command = 'run {{{{ x }}}} {script}'\n[grid]\nx = {values}\n[results]\nformat = '{format}'\n");
        let source = SourceFile { file: "a.toml".into(), stem: "a".into(), here: PathBuf::from("/nowhere") };
        let spec = read(&text, &source).unwrap().spec;
        let space = Space::new(spec.space.clone()).unwrap();
        let disk = Disk { here: source.here.clone() };
        let fingerprint = fingerprint::compute(&spec, &space, &disk, "/nowhere").unwrap();
        Document {
            submission: String::new(),
            spec,
            text,
            here: source.here,
            file: PathBuf::new(),
            inputs: vec![],
            git: None,
            fingerprint,
            fresh: false,
            sweep_version: String::new(),
            host: String::new(),
        }
    }

    fn older(number: u64, succeeded: u64, document: Document) -> EarlierSweep {
        let total = Space::new(document.spec.space.clone()).unwrap().len();
        let counts = Counts { total, succeeded, pending: total - succeeded, ..Counts::default() };
        EarlierSweep { id: SweepId { name: "a".into(), number }, counts, document }
    }

    fn decide(document: &Document, policy: ReusePolicy, older: &[EarlierSweep]) -> String {
        let plan = plan(document, policy, older.iter().cloned().map(Ok::<_, Infallible>)).unwrap();
        match plan {
            Plan::Continue(id) => format!("continue {id}"),
            Plan::New { sources, not_reused } => {
                let from = sources
                    .iter()
                    .map(|from| format!("{}{}", from.id, if from.results_changed { " reextracted" } else { "" }));
                let not_reused = not_reused.map(|not_reused| {
                    let changes: Vec<_> = not_reused.changes.iter().map(FingerprintChange::to_string).collect();
                    format!("; {}: {} since {}", not_reused.succeeded, changes.join(", "), not_reused.id)
                });
                format!("new from [{}]{}", from.collect::<Vec<_>>().join(", "), not_reused.unwrap_or_default())
            }
        }
    }

    #[test]
    fn the_stored_sweeps_decide_whether_one_continues_or_is_reused() {
        let a = || document("[1, 2, 3, 4]", "s", "auto");
        let wider = || document("[1, 2, 3, 4, 5]", "s", "auto");
        let edited = || document("[1, 2, 3, 4]", "t", "auto");
        let read = || document("[1, 2, 3, 4]", "s", "json");
        let fresh = |document: Document| Document { fresh: true, ..document };
        let cases: Vec<(Document, Vec<EarlierSweep>, &str)> = vec![
            (a(), vec![], "new from []"),
            (a(), vec![older(1, 2, a())], "continue a-1"),
            (a(), vec![older(1, 4, a())], "continue a-1"),
            (a(), vec![older(1, 0, a())], "continue a-1"),
            (wider(), vec![older(1, 3, a())], "new from [a-1]"),
            (wider(), vec![older(1, 0, a())], "new from []"),
            // The grid shrank again: the results of the wider sweep are not lost.
            (a(), vec![older(2, 5, wider()), older(1, 4, a())], "continue a-1"),
            (a(), vec![older(2, 5, wider()), older(1, 3, a())], "new from [a-2, a-1]"),
            (a(), vec![older(2, 0, wider()), older(1, 3, a())], "continue a-1"),
            (wider(), vec![older(3, 4, a()), older(2, 3, wider()), older(1, 4, a())], "new from [a-3, a-2, a-1]"),
            // The program was edited, and edited back.
            (edited(), vec![older(1, 3, a())], "new from []; 3: the command changed since a-1"),
            (edited(), vec![older(1, 0, a())], "new from []"),
            (edited(), vec![older(2, 1, edited()), older(1, 3, a())], "continue a-2"),
            (a(), vec![older(2, 1, edited()), older(1, 3, a())], "continue a-1"),
            (wider(), vec![older(2, 1, edited()), older(1, 3, a())], "new from [a-1]"),
            (wider(), vec![older(2, 1, a()), older(1, 3, edited())], "new from [a-2]"),
            // Only `[results]` differs.
            (read(), vec![older(1, 4, a())], "new from [a-1 reextracted]"),
            (read(), vec![older(2, 4, read()), older(1, 4, a())], "continue a-2"),
            (a(), vec![older(2, 4, read()), older(1, 4, a())], "continue a-1"),
            // A fresh sweep hides the older ones.
            (wider(), vec![older(2, 1, fresh(a())), older(1, 4, a())], "new from [a-2]"),
            (a(), vec![older(2, 1, fresh(a())), older(1, 4, a())], "continue a-2"),
            (a(), vec![older(2, 0, fresh(wider())), older(1, 4, a())], "new from []"),
        ];
        for (document, older, expected) in cases {
            assert_eq!(decide(&document, ReusePolicy::IfUnchanged, &older), expected);
        }
        assert_eq!(
            decide(&edited(), ReusePolicy::EvenIfChanged, &[older(2, 1, wider()), older(1, 3, a())]),
            "new from [a-2, a-1]"
        );
        assert_eq!(decide(&a(), ReusePolicy::EvenIfChanged, &[older(1, 3, a())]), "continue a-1");
        assert_eq!(decide(&a(), ReusePolicy::Never, &[older(1, 3, a())]), "new from []");
    }

    #[test]
    fn failures_without_a_result_are_considered_when_results_change() {
        let mut failed = older(1, 0, document("[1]", "s", "json"));
        failed.counts = Counts { total: 1, failed: 1, ..Counts::default() };
        assert_eq!(
            decide(&document("[1]", "s", "auto"), ReusePolicy::IfUnchanged, &[failed.clone()]),
            "new from [a-1 reextracted]"
        );
        assert_eq!(decide(&document("[1]", "s", "json"), ReusePolicy::IfUnchanged, &[failed]), "continue a-1");
    }
}
