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
use crate::ops::status::exclusions;
use crate::store::{SweepRow, WorkerRow};
use crate::template::shell_line;
use crate::visible::{visible, visible_in_line};

/// Show why points failed, grouped by cause and last line of stderr
///
/// The largest group comes first. In the lines of stderr, # stands for a number and PATH for a path, so that lines that
/// differ only in these form one group.
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
    let groups = grouped(&*store, &row)?;
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
        "count": group.count,
        "example": group.example.to_string(),
        "retry": retry_command(row, group, groups),
    })
}

fn page(row: &SweepRow, groups: &[FailureGroup]) -> String {
    let mut page = String::new();
    for group in groups {
        let line = match (&group.last_line, group.mixed) {
            (Some(line), _) => Some(line.as_str()),
            (None, true) => Some("(other last lines of stderr; too many to list)"),
            (None, false) => None,
        };
        // Writing to a String does not fail.
        let others = if group.varied { " (and similar)" } else { "" };
        let _ = writeln!(page, "{}: {}{others}", count(group.count, "point"), visible_in_line(&group.words));
        line.map_or(Ok(()), |line| writeln!(page, "  {line}")).unwrap_or_default();
        let _ = writeln!(page, "  example    sweep show {}", group.example);
        let _ = writeln!(page, "  run again  {}", shell_line(&retry_command(row, group, groups), &[], None));
    }
    page
}
