//! Owns `sweep supervise`, which a worker starts for itself: when the worker was killed, it ends what that left running
//! and tells the store that the worker is dead.

use std::io::{BufRead, stdin};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::secret;
use crate::error::{Error, Result};
use crate::process::{Supervisor, kill_marked, worker_was_killed};
use crate::store::{Store, StoreErrorKind};

/// How long it tries to reach the store. After that, the leases run out by themselves.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sleep until the worker ends; if it was killed, end what it left running (a worker starts this for itself)
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The worker's id
    worker: String,
}

/// Runs the command. The first line of standard input names the store.
pub fn execute(args: &Args, context: &Context) -> Result<CommandExit> {
    secret::keep_private();
    let worker = &args.worker;
    let unreadable = || Error::file("read", Path::new("standard input"));
    let mut input = stdin().lock();
    let mut store = String::new();
    input.read_line(&mut store).map_err(unreadable())?;
    let context = &Context { store: Some(store.trim_end().to_owned()), cwd: context.cwd.clone() };
    let was_killed = worker_was_killed(input).map_err(unreadable())?;
    if was_killed {
        kill_marked(&format!("{worker}."));
        // No process of the worker is left: its jobs may start elsewhere.
        let begun = Instant::now();
        while let Err(Error::Store(error)) = mark_dead(context, worker) {
            let may_pass = error.is_unreachable() || error.kind == StoreErrorKind::Full;
            if !may_pass || begun.elapsed() > PATIENCE {
                break;
            }
            thread::sleep(Duration::from_millis(500));
        }
    }
    Ok(CommandExit::Well)
}

fn mark_dead(context: &Context, worker: &str) -> Result<u64> {
    Ok(context.store()?.mark_worker_dead(worker)?)
}

/// Starts the supervisor of a worker.
///
/// # Errors
/// If it cannot be started.
pub fn start(context: &Context, store: &dyn Store, worker: &str) -> std::io::Result<Supervisor> {
    // An embedded store is named by its folder, wherever that was found. The address of a server may contain a
    // password, so it is passed through the pipe.
    let named = context.store.clone().filter(|name| name.contains("://")).unwrap_or_else(|| store.describe());
    let worker = worker.to_owned();
    let program = myself()?;
    let command = move || {
        let mut command = Command::new(&program);
        command.arg0("sweep").args(["supervise", &worker]).env_remove("SWEEP_STORE");
        command
    };
    Supervisor::start(command, format!("{named}\n"))
}

/// The program file of this process, also when its file was replaced since it was started.
fn myself() -> std::io::Result<std::path::PathBuf> {
    let linux = Path::new("/proc/self/exe");
    if linux.exists() { Ok(linux.into()) } else { std::env::current_exe() }
}
