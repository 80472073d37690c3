//! Owns `sweep failures`: shows why points failed, grouped by cause.

use std::fmt::Write as _;
use std::io::Write;

use serde_json::json;

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::output::{put, put_json};
use crate::error::Result;
use crate::human::count;
use crate::job::SweepId;
use crate::ops::failures::{FailureGroup, grouped, retry_command};
use crate::ops::select;
use crate::ops::shared_traits::SharedTrait;
use crate::ops::status::exclusions;
use crate::space::Space;
use crate::store::{Store, SweepRow, WorkerRow};
use crate::template::shell_line;
use crate::visible::{visible, visible_in_line};

/// Show why points failed, grouped by cause and last line of output
///
/// The largest group comes first, with what its points have in common: a value or a range of a parameter, or a machine. The
/// line is the last one of stderr, or of stdout if stderr is empty, without lines that say nothing, such as stack frames.
/// Points whose lines differ only in numbers and paths form one group.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep, for example pi-3 [default: your newest sweep]
    sweep: Option<SweepId>,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    let store = context.store()?;
    let row = select::sweep(&*store, args.sweep.as_ref())?;
    // Without the points, the causes are still known.
    let sweep = context.runtime(&*store, &row).ok();
    let (groups, _) = grouped(&*store, &row, sweep.as_ref().map(|sweep| &sweep.space), u64::MAX)?;
    let workers = store.workers()?;
    if args.json {
        let groups: Vec<_> = groups.iter().map(|group| to_json(&row, group, &groups)).collect();
        let excluded = workers.iter().filter_map(|worker| excluded_json(worker, &row.id)).collect::<Vec<_>>();
        let page = json!({
            "version": 1, "sweep": row.id.to_string(), "groups": groups, "paused": row.paused, "workers": excluded,
        });
        put_json(out, &page)?;
        return Ok(CommandExit::Well);
    }
    if groups.is_empty() {
        message!("{} has no failed points", row.id);
    } else {
        put(out, &page(&row, &groups))?;
    }
    // A sweep also makes no progress where its workers step back.
    row.paused.iter().for_each(|reason| message!("{} is paused: {}", row.id, visible(reason)));
    exclusions(&workers, Some(&row.id)).iter().for_each(|line| message!("{line}"));
    Ok(CommandExit::Well)
}

/// A worker that takes no jobs of the sweep, and why.
fn excluded_json(worker: &WorkerRow, sweep: &SweepId) -> Option<serde_json::Value> {
    let why = worker.why_excluded(sweep)?;
    Some(json!({"worker": worker.id, "host": worker.host, "why": why}))
}

fn to_json(row: &SweepRow, group: &FailureGroup, groups: &[FailureGroup]) -> serde_json::Value {
    json!({
        "cause": group.cause.to_string(),
        "words": group.words,
        "last_line": group.last_line,
        "example_line": group.example_line,
        "shared": group.shared.iter().map(SharedTrait::to_json).collect::<Vec<_>>(),
        "count": group.count,
        "example": group.example.to_string(),
        "retry": retry_command(row, group, groups),
    })
}

fn page(row: &SweepRow, groups: &[FailureGroup]) -> String {
    let mut page = String::new();
    for group in groups {
        let others = if group.varied { " (and similar)" } else { "" };
        // Writing to a String does not fail.
        let _ = writeln!(page, "{}: {}{others}", count(group.count, "point"), visible_in_line(&group.words));
        if let Some(line) = line(group) {
            let _ = writeln!(page, "  {line}");
        }
        for shared in &group.shared {
            let _ = writeln!(page, "  shared     {}", visible_in_line(&shared.words(group.count)));
        }
        let _ = writeln!(page, "  example    sweep show {}", group.example);
        let _ = writeln!(page, "  run again  {}", shell_line(&retry_command(row, group, groups), &[], None));
    }
    page
}

/// The line of output of a group.
fn line(group: &FailureGroup) -> Option<String> {
    if group.mixed {
        return Some("(other lines of output; too many to list)".into());
    }
    let differ = if group.lines_differ { " (numbers or paths differ)" } else { "" };
    group.example_line.as_ref().map(|line| format!("{line}{differ}"))
}

/// The commonest cause of failure of a sweep, with what its points share and what to type. None: no point has failed.
/// Looks at no more than [`MOST_AT_END`] points.
///
/// # Errors
/// If the store cannot be read.
pub fn commonest(store: &dyn Store, row: &SweepRow, space: &Space) -> Result<Option<String>> {
    let (groups, is_cut) = grouped(store, row, Some(space), MOST_AT_END)?;
    let Some(group) = groups.first() else { return Ok(None) };
    let all = if is_cut { format!(" among the first {MOST_AT_END} failures") } else { String::new() };
    let line = line(group).map(|line| format!(": {line}")).unwrap_or_default();
    let shared: String = group.shared.iter().map(|shared| format!("; {}", shared.words(group.count))).collect();
    let text = format!(
        "{}: commonest cause of failure{all}, {}: {}{line}{shared}; `sweep show {}` shows one",
        row.id,
        count(group.count, "point"),
        group.words,
        group.example
    );
    Ok(Some(visible_in_line(&text)))
}

/// How many failures are looked at when a run ends, so that it does not take long.
const MOST_AT_END: u64 = 2_000;
