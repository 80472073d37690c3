//! Owns `sweep submit`: submits a sweep file to the store and prints the sweep's id on stdout.

use std::io::Write;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::output::put;
use crate::cli::submission::{ReuseArgs, describe, submit_sweep};
use crate::error::{Error, Result};
use crate::model::Document;
use crate::ops;
use crate::ops::read::{ReadError, ReadEvents};
use crate::ops::warn::warnings;
use crate::runtime::SweepRuntime;
use crate::spec::{Diagnostics, SweepFile};
use crate::store::Store;

/// Submit a sweep file to the store, for workers to run
///
/// As with `sweep run`, only missing points run: a stored sweep with the same points continues, and a new sweep reuses the
/// results of earlier sweeps of the same name.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep file
    file: PathBuf,
    #[command(flatten)]
    reuse: ReuseArgs,
    #[command(flatten)]
    failing: FailingArgs,
}

/// Options of `run` and `submit` for sweeps of which many points may fail.
#[derive(Debug, clap::Args)]
pub struct FailingArgs {
    /// Do not pause the sweep when many of its points fail
    #[arg(long)]
    keep_going: bool,
}

impl FailingArgs {
    /// Applies the options to a document.
    pub fn apply(&self, document: &mut Document) {
        document.spec.job.keep_going |= self.keep_going;
    }
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    let mut document = read(&args.file)?;
    args.failing.apply(&mut document);
    warn_of_sweep(&context.preview(document.clone())?)?;
    let store = context.store_or_create()?;
    let (id, made) = submit_sweep(&*store, &document, &args.reuse)?;
    warn_of_store(&*store)?;
    describe(&made, Some(&id)).iter().for_each(|sentence| message!("{sentence}"));
    put(out, &format!("{id}\n"))?;
    let counts = store.sweep(&id)?.counts;
    if counts.is_settled() {
        message!("`sweep collect {id} --out FILE` writes the table");
    } else {
        message!(
            "submitted {id} to {}; `sweep worker` runs its jobs, `sweep status` shows its progress",
            store.describe()
        );
    }
    Ok(CommandExit::Well)
}

/// Prints warnings about likely problems of a valid sweep.
///
/// # Errors
/// If the command of the first point cannot be rendered.
pub fn warn_of_sweep(sweep: &SweepRuntime) -> Result<()> {
    warnings(sweep)?.iter().for_each(|warning| message!("warning: {warning}"));
    Ok(())
}

/// Prints warnings about settings of the store that endanger results.
///
/// # Errors
/// If the store does not answer.
pub fn warn_of_store(store: &dyn Store) -> Result<()> {
    let all = store.cautions()?.into_iter().chain(store.exposures());
    all.for_each(|caution| message!("warning: {caution}"));
    Ok(())
}

/// Reads a sweep file to submit. Prints its warnings; shows a progress bar if evaluating the conditions takes long.
///
/// # Errors
/// If it cannot be read, or has errors.
pub fn read(file: &Path) -> Result<Document> {
    show_progress(|events| ops::read::for_submission(file, events))
}

/// Reads a sweep file to check: as [`read`], without running git.
///
/// # Errors
/// Those of [`read`].
pub fn read_whole(file: &Path) -> Result<(SweepFile, Document)> {
    show_progress(|events| ops::read::read(file, events))
}

/// Shows warnings and progress on stderr while a sweep file is read.
fn show_progress<T>(read: impl FnOnce(&mut ReadEvents) -> std::result::Result<T, ReadError>) -> Result<T> {
    /// With fewer points, evaluation takes no noticeable time.
    const MANY: u64 = 500_000;
    let bar = ProgressBar::hidden();
    let mut progress = |done, total| {
        if total >= MANY && bar.length() != Some(total) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.set_length(total);
            bar.set_message("selecting points");
        }
        bar.set_position(done);
    };
    let mut warnings = |warnings: &Diagnostics| {
        if !warnings.list.is_empty() {
            message!("{}", warnings.render(super::colours()));
        }
    };
    let result = read(&mut ReadEvents { warnings: &mut warnings, progress: &mut progress });
    bar.finish_and_clear();
    result.map_err(|error| match error {
        ReadError::Mistakes(mistakes) => Error::SweepFile(mistakes.render(super::colours())),
        ReadError::Other(error) => error,
    })
}
