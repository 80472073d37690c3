//! Owns the command line: one thin file for each subcommand; [`crate::ops`] does the work.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::error::{Error, Result};
use crate::job::SweepId;
use crate::model::Document;
use crate::runtime::SweepRuntime;
use crate::store::open::{Open, embedded_folder, open};
use crate::store::{Store, StoreError, SweepRow};
use exit::CommandExit;

#[macro_use]
mod message;

mod cancel;
mod check;
mod collect;
mod completions;
mod doctor;
mod exit;
mod failures;
mod format;
mod jobs;
mod key;
mod list;
mod logs;
mod lost;
mod man;
mod new;
mod output;
mod pause;
mod progress;
mod report;
mod resume;
mod retry;
mod rm;
mod run;
mod secret;
mod show;
mod signals;
mod stats;
mod status;
mod submission;
mod submit;
mod supervise;
mod wait;
mod work;
mod worker;

/// Run a program many times with different parameters, and collect the results in one table.
///
/// `sweep new` writes a sweep file to start from, `sweep check` checks it, and `sweep run` runs it and writes the table.
#[derive(Debug, Parser)]
#[command(name = "sweep", version, after_help = exit::HELP, disable_help_subcommand = true)]
pub struct Cli {
    /// The store: redis://HOST:PORT, rediss://HOST:PORT (TLS), redis+unix:///PATH, or a folder [default: the folder .sweep
    /// in the current folder or the nearest one above it]
    #[arg(long, global = true, value_name = "URL", env = "SWEEP_STORE", hide_env_values = true, display_order = 900)]
    store: Option<String>,
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    New(new::Args),
    Check(check::Args),
    Run(run::Args),
    Submit(submit::Args),
    Worker(worker::Args),
    Status(status::Args),
    Wait(wait::Args),
    List(list::Args),
    Jobs(jobs::Args),
    Show(show::Args),
    Logs(logs::Args),
    Collect(collect::Args),
    Stats(stats::Args),
    Failures(failures::Args),
    Retry(retry::Args),
    Pause(pause::Args),
    Resume(resume::Args),
    Cancel(cancel::Args),
    Rm(rm::Args),
    Key(key::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    Man(man::Args),
    #[command(hide = true)]
    Supervise(supervise::Args),
}

/// The store and the folder that a command works with.
pub struct Context {
    store: Option<String>,
    cwd: PathBuf,
}

impl Context {
    /// The store, which must exist.
    fn store(&self) -> Result<Arc<dyn Store>> {
        Ok(open(self.store.as_deref(), &self.cwd, Open::Existing)?)
    }

    /// The store, if there is one.
    fn store_if_any(&self) -> Result<Option<Arc<dyn Store>>> {
        let folder = embedded_folder(self.store.as_deref(), &self.cwd);
        let there = folder.is_none_or(|folder| folder.is_dir());
        there.then(|| self.store()).transpose()
    }

    /// The store, which must exist, for a command that changes it.
    fn store_to_change(&self) -> Result<Arc<dyn Store>> {
        let store = self.store()?;
        self.report_folder_above();
        Ok(store)
    }

    /// The store, created if there is none, for a command that changes it.
    fn store_or_create(&self) -> Result<Arc<dyn Store>> {
        let store = open(self.store.as_deref(), &self.cwd, Open::OrCreate)?;
        self.report_folder_above();
        Ok(store)
    }

    /// Names the store if it is that of a folder above the current one: the user may expect another.
    fn report_folder_above(&self) {
        let folder = embedded_folder(self.store.as_deref(), &self.cwd).filter(|_| self.store.is_none());
        if let Some(folder) = folder.filter(|folder| folder.parent() != Some(&self.cwd)) {
            message!("store: {}", folder.display());
        }
    }

    /// A sweep that is not submitted yet, as if it had number 1.
    fn preview(&self, document: Document) -> Result<SweepRuntime> {
        let id = SweepId { name: document.spec.name.clone(), number: 1 };
        SweepRuntime::new(id, document, &self.cwd).map_err(|error| Error::usage(format!("{error:#}")))
    }

    /// A stored sweep, loaded on this machine.
    fn runtime(&self, store: &dyn Store, row: &SweepRow) -> Result<SweepRuntime> {
        let unreadable = |error| StoreError::damaged(format!("the stored sweep {} cannot be read: {error:#}", row.id));
        let document = Document::decode(&store.document(&row.id)?).map_err(|error| unreadable(error.into()))?;
        Ok(SweepRuntime::new(row.id.clone(), document, &self.cwd).map_err(unreadable)?)
    }
}

/// Runs the command line of this process. Prints errors on stderr and returns the exit code.
pub fn main() -> ExitCode {
    let store = match secret::take_store() {
        Ok(store) => store,
        Err(error) => return report(Err(error)),
    };
    match Cli::try_parse() {
        Ok(cli) => {
            let cli = Cli { store: cli.store.or(store), ..cli };
            report(execute(cli, &mut std::io::stdout().lock()))
        }
        // clap prints help and version on stdout and exits with 0; it prints errors on stderr and exits with 2.
        Err(error) => {
            let _ = error.print();
            ExitCode::from(error.exit_code() as u8)
        }
    }
}

/// The definition of the command line, for completions and the man page.
pub fn definition() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Whether messages on stderr may have colours.
fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn report(result: Result<CommandExit>) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = CommandExit::of_error(&error);
            if exit != CommandExit::Well {
                message::error(&error);
            }
            exit.into()
        }
    }
}

fn execute(cli: Cli, out: &mut dyn Write) -> Result<CommandExit> {
    let cwd = std::env::current_dir().map_err(Error::file("found", std::path::Path::new("the current folder")))?;
    let context = Context { store: cli.store, cwd };
    match cli.command {
        CliCommand::Key(args) => key::execute(&args, out),
        CliCommand::New(args) => new::execute(&args, &context),
        CliCommand::Check(args) => check::execute(&args, &context, out),
        CliCommand::Run(args) => run::execute(&args, &context, out),
        CliCommand::Submit(args) => submit::execute(&args, &context, out),
        CliCommand::Worker(args) => worker::execute(&args, &context),
        CliCommand::Status(args) => status::execute(&args, &context, out),
        CliCommand::Wait(args) => wait::execute(&args, &context),
        CliCommand::List(args) => list::execute(&args, &context, out),
        CliCommand::Jobs(args) => jobs::execute(&args, &context, out),
        CliCommand::Show(args) => show::execute(&args, &context, out),
        CliCommand::Logs(args) => logs::execute(&args, &context, out),
        CliCommand::Collect(args) => collect::execute(&args, &context, out),
        CliCommand::Stats(args) => stats::execute(&args, &context, out),
        CliCommand::Failures(args) => failures::execute(&args, &context, out),
        CliCommand::Retry(args) => retry::execute(&args, &context),
        CliCommand::Pause(args) => pause::execute(&args, &context),
        CliCommand::Resume(args) => resume::execute(&args, &context),
        CliCommand::Cancel(args) => cancel::execute(&args, &context),
        CliCommand::Rm(args) => rm::execute(&args, &context),
        CliCommand::Doctor(args) => doctor::execute(&args, &context, out),
        CliCommand::Completions(args) => completions::execute(&args, out),
        CliCommand::Man(args) => man::execute(&args, out),
        CliCommand::Supervise(args) => supervise::execute(&args, &context),
    }
}
