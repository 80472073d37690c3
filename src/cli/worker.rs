//! Owns `sweep worker`: runs jobs until stopped.

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::cli::work::{WorkArgs, work};
use crate::error::Result;
use crate::human::count;
use crate::store::Scope;

/// Run jobs of the store's sweeps until stopped (Ctrl-C: finish the running ones; twice: end them)
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    work: WorkArgs,
    /// The queue to serve; several: the first one's jobs go before the second's
    #[arg(long = "queue", value_name = "Q", default_value = "default", value_delimiter = ',')]
    queues: Vec<String>,
    /// End when there is nothing pending, delayed or leased by anyone in the queues
    #[arg(long)]
    until_empty: bool,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<Exit> {
    let store = context.store_or_create()?;
    message!("working for {}, queue {}", store.describe(), args.queues.join(", "));
    let (summary, interrupted) =
        work(&args.work, context, store, Scope::Queues(args.queues.clone()), args.until_empty)?;
    for sweep in &summary.paused {
        message!("{sweep} is paused and still has jobs");
    }
    message!("{} succeeded, {} failed", count(summary.succeeded, "job"), summary.failed);
    if summary.undelivered > 0 {
        let jobs = count(summary.undelivered as u64, "outcome");
        message!("{jobs} could not be delivered; those jobs run again once their leases have run out");
        return Ok(Exit::Store);
    }
    Ok(if interrupted { Exit::Interrupted } else { Exit::Well })
}
