//! Owns what `run`, `submit` and `check` share: planning and doing a submission, and describing it.

use indicatif::{ProgressBar, ProgressDrawTarget};
use itertools::Itertools;

use crate::error::Result;
use crate::human::{count, group};
use crate::job::SweepId;
use crate::model::{Document, FingerprintChange};
use crate::ops::plan::{NotReused, ReusePolicy, ReuseRequest};
use crate::ops::reuse::ReusedPoints;
use crate::ops::sign;
use crate::ops::submit::{SubmitPlan, SubmitReport, plan_submission};
use crate::store::{Counts, Store};

/// Options that `run`, `submit` and `check` share.
#[derive(Clone, Debug, clap::Args)]
pub struct ReuseArgs {
    /// Start a new sweep that reuses no earlier results
    #[arg(long, conflicts_with = "reuse_changed")]
    fresh: bool,
    /// Reuse earlier results even if the command or an input has changed
    #[arg(long)]
    reuse_changed: bool,
    /// Reuse the results of this sweep, whatever its name and folder. May be given several times
    #[arg(long, value_name = "SWEEP", conflicts_with = "fresh")]
    reuse_from: Vec<SweepId>,
}

impl ReuseArgs {
    fn request(&self) -> ReuseRequest {
        let policy = match (self.fresh, self.reuse_changed) {
            (true, _) => ReusePolicy::Never,
            (false, true) => ReusePolicy::EvenIfChanged,
            (false, false) => ReusePolicy::IfUnchanged,
        };
        ReuseRequest { policy, from: self.reuse_from.clone() }
    }
}

/// Submits a sweep, or continues the stored one. Signs it if the user has a key.
///
/// # Errors
/// If the store cannot be reached or refuses.
pub fn submit_sweep(store: &dyn Store, document: &Document, args: &ReuseArgs) -> Result<(SweepId, SubmitReport)> {
    let request = args.request();
    let plan = plan_submission(store, document, &request)?;
    warn(&plan);
    let key = sign::key()?;
    plan.carry_out(store, document, request.policy, key.as_ref(), &mut bar(&ProgressBar::hidden()))
}

/// What [`submit_sweep`] would do; changes nothing. None: the store has no sweep that matters.
///
/// # Errors
/// If the store cannot be read.
pub fn preview(store: &dyn Store, document: &Document, args: &ReuseArgs) -> Result<Option<SubmitReport>> {
    let plan = plan_submission(store, document, &args.request())?;
    warn(&plan);
    if plan.says_nothing() {
        return Ok(None);
    }
    plan.preview(store, document, &mut bar(&ProgressBar::hidden())).map(Some)
}

fn warn(plan: &SubmitPlan) {
    plan.unread.iter().for_each(|why| message!("warning: {why}"));
}

/// A callback that shows a progress bar if there are many points.
fn bar(bar: &ProgressBar) -> impl FnMut(u64, u64) {
    /// With fewer points, matching takes no noticeable time.
    const MANY: u64 = 200_000;
    let bar = bar.clone();
    move |done, total| {
        if total < MANY {
            return;
        }
        if bar.length() != Some(total) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.set_length(total);
            bar.set_message("matching points");
        }
        bar.set_position(done);
        if done == total {
            bar.finish_and_clear();
        }
    }
}

/// Describes a submission, one sentence per line; the last one gives the number of points to run. Without an id the
/// submission is only planned.
pub fn describe(made: &SubmitReport, id: Option<&SweepId>) -> Vec<String> {
    match made {
        SubmitReport::Continued { id, before, paused, versions, .. } => {
            // The further lines of the reason were printed when the sweep was paused.
            let reason = paused.as_deref().and_then(|reason| reason.lines().next());
            let paused = reason.map(|reason| format!("{id} was paused ({reason}) and is resumed")).into_iter();
            let mixed = (*versions > 1).then(|| {
                format!("{id} has results of {versions} versions of its files; the column `version` of the table tells them apart")
            });
            paused.chain(mixed).chain([format!("{id}: {}", progress(before))]).collect()
        }
        SubmitReport::New { total, reused, not_reused, alike, results_changed_since, .. } => {
            let mut said: Vec<String> = not_reused.iter().map(describe_not_reused).collect();
            if let Some(old) = results_changed_since
                .as_ref()
                .filter(|_| reused.reextracted + reused.output_truncated + reused.result_missing > 0)
            {
                said.push(format!("[results] changed since {old}: {}", describe_reextracted(reused)));
            }
            said.extend(alike.as_ref().map(|(id, succeeded)| {
                let results = count(*succeeded, "result");
                format!("{id} has the same points, command and inputs; `--reuse-from {id}` reuses its {results}")
            }));
            let id = id.map_or_else(|| "a new sweep".to_owned(), ToString::to_string);
            let points = reused.points();
            said.push(if points == 0 {
                format!("{id}: {} to run", count(*total, "point"))
            } else {
                let from = reused.from.iter().map(|(id, _)| id.to_string()).collect_vec();
                format!(
                    "{id}: {} of {} reused from {}, {} to run",
                    group(points),
                    count(*total, "point"),
                    list(&from),
                    group_or_nothing(total - points)
                )
            });
            said
        }
    }
}

/// `812 of 1,000 done, 188 to run`.
fn progress(counts: &Counts) -> String {
    let left = counts.total - counts.succeeded;
    let parts = [(counts.failed, "failed"), (counts.cancelled, "cancelled"), (counts.running, "running now")];
    let parts =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{} {what}", group(*number)));
    let parts = parts.collect_vec();
    let among = if parts.is_empty() { String::new() } else { format!(" (including {})", parts.join(", ")) };
    format!("{} of {} done, {} to run{among}", group(counts.succeeded), group(counts.total), group_or_nothing(left))
}

fn group_or_nothing(number: u64) -> String {
    if number == 0 { "nothing".into() } else { group(number) }
}

/// `ising.py changed since ising-3: 812 results are not reused`.
fn describe_not_reused(not_reused: &NotReused) -> String {
    let changes = in_words(&not_reused.changes);
    let id = &not_reused.id;
    let why = match &not_reused.elsewhere {
        None => format!("{changes} since {id}"),
        Some(folder) if changes.is_empty() => {
            format!("{id} belongs to the folder {}, and not all its inputs are known", folder.display())
        }
        Some(folder) => format!("{changes} since {id} of the folder {}", folder.display()),
    };
    let results = if not_reused.succeeded == 1 { "result is" } else { "results are" };
    let how = match (&not_reused.elsewhere, changes.is_empty()) {
        (None, _) => "use --reuse-changed to reuse them anyway".to_owned(),
        (Some(_), true) => format!("use --reuse-from {id} to reuse them"),
        (Some(_), false) => format!("use --reuse-from {id} --reuse-changed to reuse them anyway"),
    };
    format!("{why}: {} {results} not reused ({how})", group(not_reused.succeeded))
}

/// `a.py changed and b.json was added`; of many changes the first ones.
pub fn in_words(changes: &[FingerprintChange]) -> String {
    const MOST: usize = 3;
    let mut words = changes.iter().take(MOST).map(ToString::to_string).collect_vec();
    if changes.len() > MOST {
        words.push(format!("{} more", changes.len() - MOST));
    }
    list(&words)
}

fn describe_reextracted(reused: &ReusedPoints) -> String {
    let mut parts = vec![format!("{} extracted again from the stored output", count(reused.reextracted, "result"))];
    if reused.output_truncated > 0 {
        parts.push(format!(
            "{} run again because their output was not stored completely",
            group(reused.output_truncated)
        ));
    }
    if reused.result_missing > 0 {
        parts.push(format!(
            "{} run again because their output does not contain the requested results",
            group(reused.result_missing)
        ));
    }
    parts.join("; ")
}

/// `a, b and c`.
fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
