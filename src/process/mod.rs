//! Owns running a job's process: the one place that knows the operating system.
//!
//! - [`run`] starts a [`Launch`], supervises it until it has [`Ended`], and leaves nothing of it behind; [`run_watched`] also
//!   reports that it was stopped (state T).
//! - [`resolve`] finds the program that a command names, or suggests what was meant.
//! - [`Stopper`] ends a running job from another thread.
//! - [`OrphanReaper`] adopts what jobs leave running, and ends it; [`Supervisor`] does so when the worker was killed.
//! - [`leftover_processes`] are what workers that are gone have left running.
//! - [`capacity`] is how many slots the limits of this process allow.
//! - [`StartError`] says why a job could not be started, and what to do; [`MachineFault`] whether the machine is at fault.
//! - [`Observer`] sees which files a job opens, looks for, lists and writes.
//! - [`interpreter_version`] asks an interpreter for its version.
//! - [`git_state`] asks git for the commit of a folder.
//!
//! Inside, from top to bottom, each using only what stands below it:
//! `run`; `running` (the loop around a process); `monitor` (decides, pure); `child` (a process), `capture` and `stdin` (its
//! streams); `process_tree` (all processes of a run); `process_table` (all of the machine); `spawn` (the start).
//!
//! Starting is on the hot path: a child shares our memory until its exec, a program is resolved once to an absolute path,
//! and the inherited environment is laid out once.
//!
//! What only Linux has, and what is done elsewhere (macOS):
//!
//! | Linux | elsewhere |
//! | --- | --- |
//! | a process is started by `clone` in the way of `vfork`; by `posix_spawn` if that fails | by `posix_spawn` |
//! | a pidfd reports the exit | the exit is polled for every 1 to 20 ms |
//! | an eventfd carries a stop | a pipe does |
//! | `/proc` tells which processes belong to a job, also those outside its process group | only the process group is known |
//! | `/proc` tells whether others of an ended job still live and need their grace time | they have it while they hold the output open |
//! | what a job leaves behind is adopted and ended, also after the worker was killed | it is ended if it is in the process group and the worker lives |
//! | the memory of all processes of a job is sampled every 100 ms | a memory limit is not enforced |
//! | the kernel's count of kills for lack of memory tells why a job was killed | unknown |
//! | jobs are observed, on x86-64 and AArch64 since Linux 5.9 (`observe`) | their inputs are known by the command alone |
//! | a raised limit of open files is set back for jobs | jobs inherit it |

mod capacity;
mod capture;
mod child;
mod ended;
mod error;
mod git;
mod host;
mod kill_marked;
mod launch;
mod leftovers;
mod machine_fault;
mod monitor;
mod observe;
mod oom;
mod orphans;
mod params_file;
mod process_table;
mod process_tree;
mod program;
mod resolve;
mod run;
mod running;
mod signal_action;
mod spawn;
mod start_failure;
mod stdin;
mod stopper;
mod suggestion;
mod supervisor;
mod version;
mod wake_fd;

#[cfg(test)]
mod tests;

pub use capacity::{Capacity, capacity};
pub use ended::{Ended, EndedBy, Exit};
pub use error::{ProgramProblem, StartError};
pub use git::git_state;
pub use host::host_name;
pub use kill_marked::kill_marked;
pub use launch::{Launch, Limits};
pub use leftovers::{LeftoverProcess, leftover_processes};
pub use machine_fault::MachineFault;
pub use observe::{Observation, ObservationError, Observer, file_stamp};
pub use orphans::{OrphanReaper, RunGuard};
pub use params_file::{PARAMS_FILE_VARIABLE, PARAMS_VARIABLE};
pub use process_table::RUN_VARIABLE;
pub use resolve::resolve;
pub use run::{RunWatch, run, run_watched};
pub use signal_action::is_ignored;
pub use stopper::Stopper;
pub use supervisor::{Supervisor, worker_was_killed};
pub use version::interpreter_version;
