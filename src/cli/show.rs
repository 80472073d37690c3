//! Owns `sweep show`: shows one point.

use std::fmt::Write as _;
use std::io::Write;

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::output::{put, put_json};
use crate::error::Result;
use crate::job::{JobAddress, JobState};
use crate::ops::select;
use crate::ops::show::{JobView, cause, job, text};
use crate::record::{Kept, Record};
use crate::visible::{visible, visible_in_line, visible_value};

/// The most lines shown of each output stream; `sweep logs` shows all that are stored.
const LINES: usize = 10;

/// Show one point: its parameters, command line, attempts, results and output
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The job, for example pi-3/417
    #[arg(value_name = "SWEEP/INDEX")]
    job: JobAddress,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    let store = context.store()?;
    let row = select::sweep(&*store, Some(&args.job.sweep))?;
    let sweep = context.runtime(&*store, &row)?;
    let view = job(&*store, &row, &sweep, args.job.index)?;
    if args.json {
        put_json(out, &view.to_json())?;
    } else {
        put(out, &page(&view))?;
    }
    Ok(CommandExit::Well)
}

fn page(view: &JobView) -> String {
    let mut page = String::new();
    let point = &view.point;
    // Writing to a String does not fail.
    let _ = writeln!(page, "{}  {}", view.address, state(&view.state));
    for (name, value) in std::iter::zip(&view.names, &point.params) {
        let _ = writeln!(page, "  {name} = {}", visible_value(value));
    }
    let scramble = match point.randomization {
        0 => String::new(),
        other => format!("randomization {other}, "),
    };
    let _ = writeln!(page, "  draw {}, {scramble}repeat {}, seed {}", point.draw, point.repeat, point.seed);
    let _ = match view.paste_line() {
        // Line feeds and tabs stay: within quotes, the line can still be pasted.
        Ok(line) => writeln!(page, "\n{}", visible(&line)),
        Err(why) => writeln!(page, "\n(no command: {why})"),
    };
    if let (Ok(_), Err(why)) = (&view.prepared, &view.program) {
        let _ = writeln!(page, "(on this machine: {why})");
    }
    if let Some(files) = view.inputs.line(&[]) {
        let _ = writeln!(page, "\ninput files: {files}");
    }
    if let Some(dir) = &view.origin_dir {
        let _ = writeln!(page, "\nits files are in {}, where it ran", visible_in_line(&dir.to_string_lossy()));
    }
    if !view.records.is_empty() {
        page.push('\n');
    }
    for record in &view.records {
        page.push_str(&attempt(record));
    }
    for (name, value) in &view.results {
        let _ = writeln!(page, "  {} = {}", visible_in_line(name), visible_value(value));
    }
    if let Some(output) = &view.output {
        page.push_str(&stream("stdout", &output.stdout));
        page.push_str(&stream("stderr", &output.stderr));
    }
    page
}

fn state(state: &JobState) -> String {
    match state {
        JobState::Pending { due_ms: Some(_) } => "pending (waits for its retry delay)".into(),
        JobState::Running { attempt, worker, started_ms } => {
            let what = if started_ms.is_some() { "running" } else { "claimed" };
            format!("{what} (attempt {attempt}, worker {worker})")
        }
        other => other.word().into(),
    }
}

fn attempt(record: &Record) -> String {
    let number = record.tries.attempts;
    let how = visible_in_line(&cause(record).unwrap_or_else(|| "succeeded".into()));
    // Attempts that were lost or did not run have no measurements.
    if record.host.is_empty() || record.seconds == 0.0 {
        return format!("attempt {number}: {how}\n");
    }
    let origin = record.origin.as_ref().map_or_else(String::new, |job| format!(", reused from {job}"));
    format!(
        "attempt {number}: {how}, {:.3} s wall, {:.3} s cpu, {:.1} MB on {}{origin}\n",
        record.seconds,
        record.cpu_seconds,
        record.max_rss_bytes as f64 / 1e6,
        record.host
    )
}

fn stream(name: &str, kept: &Kept) -> String {
    if kept.total == 0 {
        return String::new();
    }
    let text = visible(&text(kept));
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.iter().skip(lines.len().saturating_sub(LINES));
    let cut = kept.is_cut() || lines.len() > LINES;
    let head = format!("\n{name}{} ({} bytes):\n", if cut { ", the last lines" } else { "" }, kept.total);
    shown.fold(head, |page, line| page + "  " + line + "\n")
}
