//! Owns `sweep submit`: puts a sweep into the store, and prints its id alone on stdout.

use std::io::Write;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::cli::Context;
use crate::cli::declare::{WishArgs, declare, sentences};
use crate::cli::exit::Exit;
use crate::cli::output::put;
use crate::error::{Error, Result};
use crate::ops::warn::warnings;
use crate::process::git_state;
use crate::space::Space;
use crate::spec::{self, Disk, Document, Fingerprint, OpenError};
use crate::store::Store;
use crate::worker::runtime::SweepRuntime;

/// Put a sweep into the store; workers then run it
///
/// Only what is missing is put in the queue: a sweep that is there with the same points goes on, and a new one takes over
/// what earlier ones of that name have, as `sweep run` does.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep file
    file: PathBuf,
    #[command(flatten)]
    wish: WishArgs,
    #[command(flatten)]
    failing: FailingArgs,
}

/// Options of what submits a sweep, for one of which much may fail.
#[derive(Debug, clap::Args)]
pub struct FailingArgs {
    /// Do not pause the sweep, however many of its points fail
    #[arg(long)]
    keep_going: bool,
}

impl FailingArgs {
    /// Writes the options into what is submitted.
    pub fn apply(&self, document: &mut Document) {
        document.spec.job.keep_going |= self.keep_going;
    }
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Exit> {
    let mut document = read(&args.file)?;
    args.failing.apply(&mut document);
    warn_of_sweep(&context.preview(document.clone())?)?;
    let store = context.store_or_create()?;
    let (id, made) = declare(&*store, &document, args.wish)?;
    warn_of_store(&*store)?;
    sentences(&made, Some(&id)).iter().for_each(|sentence| say!("{sentence}"));
    put(out, &format!("{id}\n"))?;
    let counts = store.sweep(&id)?.counts;
    if counts.is_settled() {
        say!("`sweep collect {id} --out FILE` writes the table");
    } else {
        say!("{id} is in {}; `sweep worker` runs its jobs, `sweep status` shows how it goes", store.describe());
    }
    Ok(Exit::Well)
}

/// Says on stderr what may be wrong with a sweep although its file is right.
///
/// # Errors
/// If the command of the first point cannot be rendered.
pub fn warn_of_sweep(sweep: &SweepRuntime) -> Result<()> {
    warnings(sweep)?.iter().for_each(|warning| say!("warning: {warning}"));
    Ok(())
}

/// Says on stderr what about the store's settings could cost results.
///
/// # Errors
/// If the store does not answer.
pub fn warn_of_store(store: &dyn Store) -> Result<()> {
    store.cautions()?.iter().for_each(|caution| say!("warning: {caution}"));
    Ok(())
}

/// Reads a sweep file to be submitted: asks git where it stands, and works out what its conditions keep; warnings go to stderr, and a bar where it takes long.
///
/// # Errors
/// If it cannot be read, or with everything that is wrong with it.
pub fn read(file: &Path) -> Result<Document> {
    let (_, document) = read_whole(file)?;
    Ok(Document { git: git_state(&document.here), ..document })
}

/// The same, with what was found on the way.
///
/// # Errors
/// Those of [`read`].
pub fn read_whole(file: &Path) -> Result<(spec::Read, Document)> {
    match spec::open(file) {
        Ok((read, document)) => {
            if !read.warnings.list.is_empty() {
                say!("{}", read.warnings.render(super::colours()));
            }
            Ok((read, select(file, document)?))
        }
        Err(OpenError::Unreadable { why, .. }) => Err(Error::file("read", file)(why)),
        Err(OpenError::Mistakes(mistakes)) => Err(Error::SweepFile(mistakes.render(super::colours()))),
        Err(error @ (OpenError::Folder(_) | OpenError::NotText(_))) => Err(Error::usage(error.to_string())),
    }
}

/// Works out which points are kept, and the fingerprint, once: both are stored with the sweep.
fn select(file: &Path, mut document: Document) -> Result<Document> {
    /// Fewer are gone through in an instant.
    const MANY: u64 = 500_000;
    let bar = ProgressBar::hidden();
    let mut tell = |done, total| {
        if total >= MANY && bar.length() != Some(total) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.set_length(total);
            bar.set_message("choosing points");
        }
        bar.set_position(done);
    };
    let space = Space::prepare(document.spec.space, &mut tell).map_err(|error| {
        match spec::mistaken_conditions(&file.display().to_string(), &document.text, &error) {
            Some(mistakes) => Error::SweepFile(mistakes.render(super::colours())),
            None => Error::usage(error.to_string()),
        }
    })?;
    bar.finish_and_clear();
    document.spec.space = space.spec().clone();
    let disk = Disk { here: document.here.clone() };
    document.fingerprint = Fingerprint::of(&document.spec, &space, &disk, &document.here.to_string_lossy())
        .map_err(|(path, why)| Error::file("read", &document.here.join(path))(why))?;
    Ok(document)
}
