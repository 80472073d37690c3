//! Owns what `run`, `submit` and `check` have in common: what becomes of a sweep file in a store, and how it is said.

use indicatif::{ProgressBar, ProgressDrawTarget};
use itertools::Itertools;

use crate::error::Result;
use crate::job::SweepId;
use crate::model::Document;
use crate::ops::plan::{NotReused, Wish};
use crate::ops::reuse::ReusedPoints;
use crate::ops::submit::{SubmitPlan, SubmitReport, plan_submission};
use crate::status::text::{count, group};
use crate::store::{Counts, Store};

/// Options that `run`, `submit` and `check` share.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct WishArgs {
    /// Start over: a new sweep, nothing taken over from earlier ones
    #[arg(long, conflicts_with = "reuse_changed")]
    fresh: bool,
    /// Take successes over although what runs has changed since (the program, the command, a watched file)
    #[arg(long)]
    reuse_changed: bool,
}

impl WishArgs {
    fn wish(self) -> Wish {
        match (self.fresh, self.reuse_changed) {
            (true, _) => Wish::Fresh,
            (false, true) => Wish::ReuseChanged,
            (false, false) => Wish::Missing,
        }
    }
}

/// Puts a sweep file's sweep into the store, or goes on with the one that is there.
///
/// # Errors
/// If the store does not do it.
pub fn declare(store: &dyn Store, document: &Document, args: WishArgs) -> Result<(SweepId, SubmitReport)> {
    let intent = plan_submission(store, document, args.wish())?;
    warn(&intent);
    intent.realize(store, document, args.wish(), &mut bar(&ProgressBar::hidden()))
}

/// What [`declare`] would do; changes nothing. None: there is no sweep of that name.
///
/// # Errors
/// If the store cannot be read.
pub fn foresee(store: &dyn Store, document: &Document, args: WishArgs) -> Result<Option<SubmitReport>> {
    let intent = plan_submission(store, document, args.wish())?;
    warn(&intent);
    if intent.is_first() {
        return Ok(None);
    }
    intent.foresee(store, document, &mut bar(&ProgressBar::hidden())).map(Some)
}

fn warn(intent: &SubmitPlan) {
    intent.unread.iter().for_each(|why| say!("warning: {why}"));
}

/// A bar where it takes long.
fn bar(bar: &ProgressBar) -> impl FnMut(u64, u64) {
    /// Fewer are gone through in an instant.
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

/// What is done, a sentence each; the last one says how much there is to run. Without an id it is not done yet.
pub fn sentences(made: &SubmitReport, id: Option<&SweepId>) -> Vec<String> {
    match made {
        SubmitReport::Continued { id, before, paused } => {
            // What follows in further lines, a failed job's last words and what to type, was said when it was paused.
            let reason = paused.as_deref().and_then(|reason| reason.lines().next());
            let paused = reason.map(|reason| format!("{id} was paused ({reason}) and goes on")).into_iter();
            paused.chain([format!("{id}: {}", progress(before))]).collect()
        }
        SubmitReport::New { total, taken, stake, anew } => {
            let mut said: Vec<String> = stake.iter().map(at_stake).collect();
            if let Some(old) = anew.as_ref().filter(|_| taken.anew + taken.cut + taken.without > 0) {
                said.push(format!("[results] changed since {old}: {}", read_anew(taken)));
            }
            let id = id.map_or_else(|| "a new sweep".to_owned(), ToString::to_string);
            let reused = taken.points();
            said.push(if reused == 0 {
                format!("{id}: {} to run", count(*total, "point"))
            } else {
                let from = taken.from.iter().map(|(id, _)| id.to_string()).collect_vec();
                format!(
                    "{id}: {} of {} taken over from {}, {} to run",
                    group(reused),
                    count(*total, "point"),
                    list(&from),
                    group_or_nothing(total - reused)
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
    let among = if parts.is_empty() { String::new() } else { format!(" (among them {})", parts.join(", ")) };
    format!("{} of {} done, {} to run{among}", group(counts.succeeded), group(counts.total), group_or_nothing(left))
}

fn group_or_nothing(number: u64) -> String {
    if number == 0 { "nothing".into() } else { group(number) }
}

/// `ising.py changed since ising-3: 812 results are not taken over`.
fn at_stake(stake: &NotReused) -> String {
    const MOST: usize = 3;
    let mut changes = stake.changes.iter().take(MOST).map(ToString::to_string).collect_vec();
    if stake.changes.len() > MOST {
        changes.push(format!("{} more", stake.changes.len() - MOST));
    }
    let results = if stake.succeeded == 1 { "result is" } else { "results are" };
    format!(
        "{} since {}: {} {results} not taken over (--reuse-changed takes them over all the same)",
        list(&changes),
        stake.id,
        group(stake.succeeded)
    )
}

fn read_anew(taken: &ReusedPoints) -> String {
    let mut parts = vec![format!("{} read anew from the output that was kept", count(taken.anew, "result"))];
    if taken.cut > 0 {
        parts.push(format!("{} run again, because their output was not kept whole", group(taken.cut)));
    }
    if taken.without > 0 {
        parts.push(format!("{} run again, because their output has not what is asked for", group(taken.without)));
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
