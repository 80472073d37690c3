//! Owns `sweep logs`: prints the stored output of a job.

use std::io::{IsTerminal, Write};

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::output::{put, stdout_error};
use crate::error::{Error, Result};
use crate::job::JobAddress;
use crate::ops::{change, history, output, select, show};
use crate::record::Kept;
use crate::visible::visible;

/// Print the stored output of a job: its stdout on stdout, its stderr on stderr
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The job, for example pi-3/417
    #[arg(value_name = "SWEEP/INDEX")]
    job: JobAddress,
    /// The number of the attempt, from 1 [default: the newest that ran]
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    let store = context.store()?;
    let row = select::sweep(&*store, Some(&args.job.sweep))?;
    let index = change::check_index(&row, args.job.index)?;
    let records = history::of_point(&*store, &row.id, index)?;
    let Some(newest) = records.last() else {
        message!("{} has not run yet", args.job);
        return Ok(CommandExit::Well);
    };
    let attempt = args.attempt.unwrap_or(newest.tries.attempts);
    let Some(record) = records.iter().rfind(|record| record.tries.attempts == attempt) else {
        let mut ran: Vec<u32> = records.iter().map(|record| record.tries.attempts).collect();
        ran.dedup();
        let attempts = ran.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        return Err(Error::usage(format!("{} has no attempt {attempt}", args.job))
            .remedy(format!("its attempts are {attempts}")));
    };
    let Some(output) = output::of_record(&*store, &row.id, record)? else {
        if let Some(origin) = &record.origin {
            message!("attempt {attempt} of {} ran as {origin}; its output is not stored", args.job);
            return Ok(CommandExit::Well);
        }
        let logs = context.runtime(&*store, &row)?.spec.job.logs;
        let or_not_kept = match logs.succeeded == 0 || logs.failed == 0 {
            true => ", or its output is not stored (see `logs` under [job] in the sweep file)",
            false => "",
        };
        message!("attempt {attempt} of {} printed nothing{or_not_kept}", args.job);
        return Ok(CommandExit::Well);
    };
    print(&mut *out, &output.stdout, "stdout", std::io::stdout().is_terminal())?;
    print(&mut std::io::stderr().lock(), &output.stderr, "stderr", std::io::stderr().is_terminal())?;
    Ok(CommandExit::Well)
}

/// Writes the bytes unchanged; on a terminal, replaces control characters.
fn print(to: &mut dyn Write, kept: &Kept, name: &str, terminal: bool) -> Result<()> {
    if kept.is_cut() {
        message!("({name} had {} bytes; the last {} are stored)", kept.total, kept.tail.len());
    }
    if terminal { put(to, &visible(&show::text(kept))) } else { to.write_all(&kept.tail).map_err(stdout_error) }
}
