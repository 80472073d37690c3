//! sweep: a declarative parameter-sweep job runner for the command line.
//!
//! The life of a job. Data flows one way; `docs/architecture.md` states which module may import which.
//!
//! 1. [`spec`] reads the text of a sweep file into the [`model`], or reports everything that is wrong with it.
//! 2. [`space`] computes point `i` from the index `i`: parameters, draw, repeat, seed. Nothing is enumerated.
//! 3. [`store`] keeps a sweep once and gives out its indices as claims under leases.
//! 4. [`worker`] claims jobs for its slots and decides what happens to them.
//! 5. [`template`] renders the command of a point, and [`process`] runs it; only [`process`] depends on the operating system.
//! 6. [`extract`] turns what the job printed into named values; [`job`] decides the verdict: succeeded, failed, retried.
//! 7. [`record`] is what is known of an attempt; [`stored`] turns it into bytes, the same in both stores. The worker
//!    reports it under its claim.
//! 8. [`table`] turns the records into rows in index order, and the rows into CSV or JSON Lines.
//! 9. [`status`] is one snapshot of sweeps and workers, with its renderers.
//!
//! [`project`] decides which files of a project are inputs. [`sign`] signs sweeps and checks signatures. [`fingerprint`] hashes what decides a job's result besides its point; [`inputs`] compares the files that jobs read with
//! the disk. [`runtime`] is a sweep loaded on this machine, ready to run. [`stored`] owns the versioned forms in which sweeps are kept. [`expr`] compiles and evaluates the
//! expressions of `[derived]` and `where`. [`visible`] makes what jobs print safe to show. [`ops`] does the work of the
//! commands (submit, retry, cancel, …); [`cli`] is the command line.

#[warn(clippy::print_stderr)]
pub mod cli;
pub mod error;
pub mod expr;
pub mod extract;
pub mod files;
pub mod fingerprint;
pub mod human;
pub mod inputs;
pub mod job;
pub mod model;
pub mod ops;
pub mod process;
pub mod project;
pub mod record;
pub mod runtime;
pub mod sign;
pub mod space;
pub mod spec;
pub mod status;
pub mod store;
pub mod stored;
pub mod suggest;
pub mod system;
pub mod table;
pub mod template;
pub mod value;
pub mod visible;
pub mod worker;
