//! Owns what the commands do, apart from how a person types and reads them; the dashboard will use the same.
//!
//! - [`select`]: which sweep or job is meant
//! - [`read`]: a sweep file read from disk, ready to submit or check
//! - [`submit`]: a sweep file into the store
//! - [`points`]: walks a sweep's points with their states
//! - [`history`]: what is recorded of points
//! - [`show`]: all that is known of one point
//! - [`output`]: what attempts printed
//! - [`collect`]: the table; [`target`]: where it goes; [`provenance`]: where it comes from, written beside it
//! - [`status`]: the status of sweeps and workers
//! - [`stats`]: means and their errors, by groups
//! - [`plan`]: what becomes of a sweep file that was run before; [`reuse`]: taking over what older sweeps have
//! - [`check`]: what a sweep file would do; [`warn`]: what may be wrong with it
//! - [`filter`]: the points for which an expression holds
//! - [`retry`]: points back in the queue; [`failures`]: why points failed, [`normalize`]: the last line they printed, without what differs from job to job
//! - [`change`]: cancel, remove; [`recover`]: put back the jobs of lost workers
//! - [`doctor`]: what is good and what would bite

pub mod change;
pub mod check;
pub mod collect;
pub mod doctor;
pub mod failures;
pub mod filter;
pub mod history;
pub mod normalize;
pub mod output;
pub mod plan;
pub mod points;
pub mod provenance;
pub mod read;
pub mod recover;
pub mod retry;
pub mod reuse;
pub mod select;
pub mod show;
pub mod stats;
pub mod status;
pub mod submit;
pub mod target;
pub mod warn;
