//! Owns the seccomp filter of an observed job: which system calls are reported, and how their arguments are read.

use std::ffi::c_long;

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};

/// A path argument: relative to an open folder, or to the working directory (`AT_FDCWD`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PathArgument {
    /// The descriptor of the folder.
    pub(super) folder: i32,
    /// The address of the text in the caller's memory.
    pub(super) text: u64,
}

/// What a reported system call is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportedCall {
    /// Open a file with these flags.
    Open(PathArgument, u64),
    /// Open a file (`openat2`); the flags are the first eight bytes at this address.
    OpenHow(PathArgument, u64),
    /// Execute a file.
    Execute(PathArgument),
    /// Ask whether a file is there, or what it is.
    Look(PathArgument),
    /// Read the names in an open folder.
    List(i32),
    /// Remove or truncate a file.
    Change(PathArgument),
    /// Create a link, a folder or a special file.
    Create(PathArgument),
    /// Give a file another name.
    Rename(PathArgument, PathArgument),
}

/// Where the arguments of a call stand. `At`: the path follows the descriptor of a folder.
#[derive(Clone, Copy)]
enum Layout {
    Open,
    OpenAt,
    OpenAt2,
    Creat,
    Execute,
    ExecuteAt,
    Look,
    /// With the number of the argument that has the flags. A call with `AT_EMPTY_PATH` is about an open file and not
    /// reported.
    LookAt(Option<u32>),
    List,
    Change,
    ChangeAt,
    Create,
    CreateAt,
    /// The path is the second argument (`symlink`, `link`).
    CreateSecond,
    /// The folder and path are the second and third argument (`symlinkat`).
    CreateSecondAt,
    /// The folder and path are the third and fourth argument (`linkat`).
    CreateThirdAt,
    Rename,
    RenameAt,
}

/// The reported calls of every architecture.
const CALLS: &[(c_long, Layout)] = &[
    (libc::SYS_openat, Layout::OpenAt),
    (libc::SYS_newfstatat, Layout::LookAt(Some(3))),
    (libc::SYS_statx, Layout::LookAt(Some(2))),
    (libc::SYS_faccessat, Layout::LookAt(None)),
    (libc::SYS_faccessat2, Layout::LookAt(Some(3))),
    (libc::SYS_openat2, Layout::OpenAt2),
    (libc::SYS_execve, Layout::Execute),
    (libc::SYS_execveat, Layout::ExecuteAt),
    (libc::SYS_getdents64, Layout::List),
    (libc::SYS_truncate, Layout::Change),
    (libc::SYS_unlinkat, Layout::ChangeAt),
    (libc::SYS_mknodat, Layout::CreateAt),
    (libc::SYS_symlinkat, Layout::CreateSecondAt),
    (libc::SYS_linkat, Layout::CreateThirdAt),
    (libc::SYS_mkdirat, Layout::CreateAt),
    (libc::SYS_renameat, Layout::RenameAt),
    (libc::SYS_renameat2, Layout::RenameAt),
];

/// Older calls that only this architecture has.
#[cfg(target_arch = "x86_64")]
const OLDER_CALLS: &[(c_long, Layout)] = &[
    (libc::SYS_open, Layout::Open),
    (libc::SYS_stat, Layout::Look),
    (libc::SYS_lstat, Layout::Look),
    (libc::SYS_access, Layout::Look),
    (libc::SYS_creat, Layout::Creat),
    (libc::SYS_getdents, Layout::List),
    (libc::SYS_unlink, Layout::Change),
    (libc::SYS_mknod, Layout::Create),
    (libc::SYS_symlink, Layout::CreateSecond),
    (libc::SYS_link, Layout::CreateSecond),
    (libc::SYS_mkdir, Layout::Create),
    (libc::SYS_rename, Layout::Rename),
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_CALLS: &[(c_long, Layout)] = &[];

/// `AUDIT_ARCH_*` of linux/audit.h: the architecture whose calls the filter reports. 32-bit programs on a 64-bit system
/// have another one, and other numbers; their calls are not reported.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;

/// Creates and truncates: `open` with these flags is the same as `creat`.
const CREATE: u64 = (libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC) as u64;

/// The call, from its number and arguments. None: it is none of those that the filter reports.
pub(super) fn decode(number: i32, arguments: &[u64; 6]) -> Option<ReportedCall> {
    let all = CALLS.iter().chain(OLDER_CALLS);
    let (_, layout) = all.into_iter().find(|(call, _)| *call == c_long::from(number))?;
    let [first, second, third, fourth, ..] = *arguments;
    // Descriptors are 32 bits; the upper half of a register may hold anything.
    let at = |folder: u64, text| PathArgument { folder: folder as i32, text };
    let path = |text| PathArgument { folder: libc::AT_FDCWD, text };
    Some(match layout {
        Layout::Open => ReportedCall::Open(path(first), second),
        Layout::OpenAt => ReportedCall::Open(at(first, second), third),
        Layout::OpenAt2 => ReportedCall::OpenHow(at(first, second), third),
        Layout::Creat => ReportedCall::Open(path(first), CREATE),
        Layout::Execute => ReportedCall::Execute(path(first)),
        Layout::ExecuteAt => ReportedCall::Execute(at(first, second)),
        Layout::Look => ReportedCall::Look(path(first)),
        Layout::LookAt(_) => ReportedCall::Look(at(first, second)),
        Layout::List => ReportedCall::List(first as i32),
        Layout::Change => ReportedCall::Change(path(first)),
        Layout::ChangeAt => ReportedCall::Change(at(first, second)),
        Layout::Create => ReportedCall::Create(path(first)),
        Layout::CreateAt => ReportedCall::Create(at(first, second)),
        Layout::CreateSecond => ReportedCall::Create(path(second)),
        Layout::CreateSecondAt => ReportedCall::Create(at(second, third)),
        Layout::CreateThirdAt => ReportedCall::Create(at(third, fourth)),
        Layout::Rename => ReportedCall::Rename(path(first), path(second)),
        Layout::RenameAt => ReportedCall::Rename(at(first, second), at(third, fourth)),
    })
}

/// The filter program: reports [`CALLS`], allows everything else.
pub(super) fn program() -> Vec<sock_filter> {
    let load = |offset| statement(BPF_LD | BPF_W | BPF_ABS, offset);
    let allow = statement(BPF_RET | BPF_K, libc::SECCOMP_RET_ALLOW);
    let report = statement(BPF_RET | BPF_K, libc::SECCOMP_RET_USER_NOTIF);
    let mut program = vec![load(ARCH), jump(BPF_JEQ, ARCHITECTURE, 1, 0), allow, load(NUMBER)];
    for (number, layout) in CALLS.iter().chain(OLDER_CALLS) {
        // Numbers of calls are small and positive.
        let number = *number as u32;
        match layout {
            Layout::LookAt(Some(flags)) => program.extend([
                jump(BPF_JEQ, number, 0, 4),
                // The lower half of the argument: both architectures are little-endian.
                load(FIRST_ARGUMENT + 8 * flags),
                jump(BPF_JSET, libc::AT_EMPTY_PATH as u32, 0, 1),
                allow,
                report,
            ]),
            _ => program.extend([jump(BPF_JEQ, number, 0, 1), report]),
        }
    }
    program.push(allow);
    program
}

fn statement(code: u32, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn jump(test: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: (BPF_JMP | test | BPF_K) as u16, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_from_their_places() {
        let args = [1, 2, 3, 4, 5, 6];
        let at = |folder, text| PathArgument { folder, text };
        let call = |number: c_long| decode(number as i32, &args);
        assert_eq!(call(libc::SYS_openat), Some(ReportedCall::Open(at(1, 2), 3)));
        assert_eq!(call(libc::SYS_renameat2), Some(ReportedCall::Rename(at(1, 2), at(3, 4))));
        assert_eq!(call(libc::SYS_symlinkat), Some(ReportedCall::Create(at(2, 3))));
        assert_eq!(call(libc::SYS_linkat), Some(ReportedCall::Create(at(3, 4))));
        assert_eq!(call(libc::SYS_execve), Some(ReportedCall::Execute(at(libc::AT_FDCWD, 1))));
        assert_eq!(call(libc::SYS_getpid), None);
        let negative = [u64::from(libc::AT_FDCWD as u32), 2, 3, 4, 5, 6];
        assert_eq!(
            decode(libc::SYS_openat as i32, &negative),
            Some(ReportedCall::Open(at(libc::AT_FDCWD, 2), 3)),
            "a register may hold a descriptor without its sign"
        );
    }
}
