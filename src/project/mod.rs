//! Owns which files of a project are inputs of a sweep: from what an attempt did with files to the list of inputs. Pure;
//! the disk comes in through [`ProjectDisk`].
//!
//! - [`names`]: names of files and folders that are never inputs.
//! - `rules`: which files of a project may be inputs, and their names: [`ProjectRules`].
//! - `access_log`: what an observed attempt did: [`AccessLog`]. `crate::process` fills it.
//! - `conclude`: what follows from it: [`conclude`].
//! - [`python`]: the modules that a Python script imports, for where jobs cannot be observed.

mod access_log;
mod conclude;
pub mod names;
pub mod python;
mod rules;
#[cfg(test)]
mod tests;

pub use access_log::{Access, AccessLog, FileStamp, FoundFile};
pub use conclude::{Circumstances, Conclusion, ObservedSweep, ProjectDisk, conclude};
pub use rules::{ProjectRules, bytecode_module, job_dirs, join_without_dots, project_root, source_of_bytecode};
