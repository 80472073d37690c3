//! Owns the explanation of a failed start: what the system's error number means for this program and directory.

use std::io;

use rustix::io::Errno;

use super::{Launch, StartError, program};

/// What a failure to start a process means. The system does not say which file it is about: the program, its interpreter
/// or the directory. So all of them are checked.
pub(super) fn explain(source: io::Error, launch: &Launch) -> StartError {
    let is_of_files = matches!(
        Errno::from_io_error(&source),
        Some(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::ISDIR | Errno::NOEXEC | Errno::PERM)
    );
    if is_of_files {
        let dir = program::check_directory(&launch.dir);
        let word = launch.argv.first().map_or_else(|| launch.program.to_string_lossy(), Into::into);
        if let Err(error) = dir.and_then(|()| program::check(&launch.program, &word)) {
            return error;
        }
    }
    StartError::System { program: launch.program.clone(), remedy: remedy(&source), source }
}

/// Somebody else reaped the process.
pub(super) fn exit_unknown(source: io::Error, launch: &Launch) -> StartError {
    StartError::ExitUnknown { program: launch.program.clone(), source }
}

fn remedy(source: &io::Error) -> &'static str {
    match Errno::from_io_error(source) {
        Some(Errno::AGAIN) => "too many processes are running; use fewer slots (`-j`) or raise `ulimit -u`",
        Some(Errno::NOMEM) => "the machine is out of memory; use fewer slots (`-j`)",
        Some(Errno::MFILE | Errno::NFILE) => "too many files are open; use fewer slots (`-j`) or raise `ulimit -n`",
        Some(Errno::TXTBSY) => "it is being written; run the job again when that is done",
        Some(Errno::TOOBIG) => "pass long values by `stdin` or in a file instead of arguments or `env`",
        Some(Errno::NOEXEC) => "it is not a program for this kind of machine; build it here",
        Some(Errno::ACCESS | Errno::PERM) => {
            "check the permissions of its folder, and that its file system is not mounted `noexec`"
        }
        None if source.kind() == io::ErrorKind::InvalidInput => {
            "an argument, a variable or a path contains a NUL byte, which no program can receive; remove it"
        }
        _ => "try to start it by hand",
    }
}
