//! Owns `sweep worker`: runs jobs until stopped.

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::work::{WorkArgs, work};
use crate::error::Result;
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
pub fn execute(args: &Args, context: &Context) -> Result<CommandExit> {
    args.work.set_log_format();
    let store = context.store_or_create()?;
    let (summary, interrupted) =
        work(&args.work, context, store, Scope::Queues(args.queues.clone()), args.until_empty)?;
    if summary.undelivered > 0 {
        return Ok(CommandExit::Store);
    }
    Ok(match () {
        () if interrupted => CommandExit::Interrupted,
        () if !summary.paused.is_empty() => CommandExit::Paused,
        () if summary.failed > 0 => CommandExit::SomeFailed,
        () => CommandExit::Well,
    })
}
