//! Owns `sweep logs`: what a job printed, as far as it was kept.

use std::io::{IsTerminal, Write};

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::cli::output::{put, stdout_error};
use crate::error::{Error, Result};
use crate::job::JobAddress;
use crate::ops::{change, history, output, select, show};
use crate::record::Kept;
use crate::visible::visible;

/// Print what a job printed: its stdout to stdout, its stderr to stderr
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The job, for example pi-3/417
    #[arg(value_name = "SWEEP/INDEX")]
    job: JobAddress,
    /// The attempt [default: the newest that ran]
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Exit> {
    let store = context.store()?;
    let row = select::sweep(&*store, Some(&args.job.sweep))?;
    let index = change::check_index(&row, args.job.index)?;
    let records = history::of_point(&*store, &row.id, index)?;
    let Some(newest) = records.last() else {
        message!("{} has not run yet", args.job);
        return Ok(Exit::Well);
    };
    let attempt = args.attempt.unwrap_or(newest.tries.attempts);
    let Some(record) = records.iter().rfind(|record| record.tries.attempts == attempt) else {
        let mut ran: Vec<u32> = records.iter().map(|record| record.tries.attempts).collect();
        ran.dedup();
        return Err(Error::usage(format!("{} has no attempt {attempt}; it has {ran:?}", args.job)));
    };
    let Some(output) = output::of_record(&*store, &row.id, record)? else {
        if let Some(origin) = &record.origin {
            message!("attempt {attempt} of {} ran as {origin}, and no output of it is kept", args.job);
            return Ok(Exit::Well);
        }
        let logs = context.runtime(&*store, &row)?.spec.job.logs;
        let or_not_kept = match logs.succeeded == 0 || logs.failed == 0 {
            true => ", or nothing of it was kept: see `logs` under [job] in the sweep file",
            false => "",
        };
        message!("attempt {attempt} of {} printed nothing{or_not_kept}", args.job);
        return Ok(Exit::Well);
    };
    print(&mut *out, &output.stdout, "stdout", std::io::stdout().is_terminal())?;
    print(&mut std::io::stderr().lock(), &output.stderr, "stderr", std::io::stderr().is_terminal())?;
    Ok(Exit::Well)
}

/// Bytes as they came for a pipe; made safe to look at for a terminal.
fn print(to: &mut dyn Write, kept: &Kept, name: &str, terminal: bool) -> Result<()> {
    if kept.is_cut() {
        message!("({name} had {} bytes, of which the last {} were kept)", kept.total, kept.tail.len());
    }
    if terminal { put(to, &visible(&show::text(kept))) } else { to.write_all(&kept.tail).map_err(stdout_error) }
}
