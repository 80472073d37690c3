//! Owns the rule that the embedded store serves one machine: network file systems and other machines are refused.
//!
//! SQLite's write-ahead log needs memory that all processes share, and two machines share none. On a network file system
//! the database would be damaged sooner or later.

use std::path::Path;

use rusqlite::Connection;

use super::error::Done;
use crate::store::StoreError;

/// A worker of another machine uses the store if its last heartbeat is at most this old, milliseconds.
const LIVE_MS: u64 = 60_000;

/// What identifies a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    /// Its name.
    pub(super) host: String,
    /// The id of the running kernel's start. All containers of a machine have the same. Empty: unknown.
    pub(super) boot: String,
    /// The id of the set of processes that this process can see. Each container has its own. Empty: unknown.
    processes: String,
}

impl Machine {
    /// The machine that this process runs on.
    pub(super) fn this() -> Machine {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let host = hostname::get().unwrap_or_default();
        let processes = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        Machine {
            host: host.to_string_lossy().into_owned(),
            boot: boot.trim().to_owned(),
            processes: processes.to_string_lossy().into_owned(),
        }
    }

    /// The text that the store keeps.
    pub(super) fn mark(&self) -> String {
        format!("{} {} {}", self.boot, self.host, self.processes)
    }

    /// Whether the process ids of the machine `mark` are those of this process. Some(false): the machine was restarted
    /// since, so its processes have ended. None: unknown.
    pub(super) fn shares_processes(&self, mark: &str) -> Option<bool> {
        let mut words = mark.split(' ');
        let (boot, host, processes) = (words.next()?, words.next()?, words.next()?);
        if self.boot.is_empty() || boot.is_empty() || host != self.host {
            return None;
        }
        if boot != self.boot {
            return Some(false);
        }
        (!processes.is_empty() && processes == self.processes).then_some(true)
    }

    /// Whether the text `mark` is that of another machine. A machine keeps its name when it restarts, and its kernel's id
    /// when its name changes, so another machine differs in both.
    fn is_another(&self, mark: &str) -> bool {
        // Layout 2 wrote no third word.
        let (boot, rest) = mark.split_once(' ').unwrap_or(("", mark));
        let host = rest.split(' ').next().unwrap_or_default();
        host != self.host && (boot != self.boot || boot.is_empty())
    }
}

/// Refuses the store while a worker of another machine uses it.
pub(super) fn refuse_other_machine(connection: &Connection, dir: &Path, this: &Machine, now: u64) -> Done<()> {
    let mut statement = connection.prepare("SELECT machine, host FROM workers WHERE last_seen_ms > ?1")?;
    let mut rows = statement.query([now.saturating_sub(LIVE_MS)])?;
    while let Some(row) = rows.next()? {
        if this.is_another(&row.get::<_, String>(0)?) {
            let host: String = row.get(1)?;
            return Err(StoreError::refused(format!(
                "the store {} is in use by the machine `{host}`, and an embedded store serves one machine",
                dir.display()
            ))
            .remedy("to share sweeps between machines use Redis: `--store redis://HOST:6379`")
            .into());
        }
    }
    Ok(())
}

/// Refuses a folder that is on a network file system.
pub(super) fn refuse_network(dir: &Path) -> Result<(), StoreError> {
    let Some(kind) = network_file_system(dir) else { return Ok(()) };
    Err(StoreError::refused(format!(
        "the store {} is on a network file system ({kind}), and an embedded store would be damaged there",
        dir.display()
    ))
    .remedy("use a folder on a local disk of this machine (`--store FOLDER`), or Redis: `--store redis://HOST:6379`"))
}

/// The name of the network file system that a folder is on. None: it is local, or that is unknown.
#[cfg(target_os = "linux")]
fn network_file_system(dir: &Path) -> Option<&'static str> {
    let stat = rustix::fs::statfs(dir).ok()?;
    // The type's width and sign differ between architectures; magic numbers have 32 bits.
    network_name(stat.f_type as u32)
}

/// The name of the network file system that a folder is on. None: it is local, or that is unknown.
#[cfg(target_os = "macos")]
fn network_file_system(dir: &Path) -> Option<&'static str> {
    let stat = rustix::fs::statfs(dir).ok()?;
    (stat.f_flags & libc::MNT_LOCAL as u32 == 0).then_some("not local")
}

/// The name of the network file system that a folder is on. None: it is local, or that is unknown.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn network_file_system(_dir: &Path) -> Option<&'static str> {
    None
}

/// The name of a network file system by its number in `statfs(2)`. FUSE and 9P are not here, because they are as often
/// local.
#[cfg(target_os = "linux")]
fn network_name(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517B => "SMB",
        0xFF53_4D42 => "CIFS",
        0xFE53_4D42 => "SMB2",
        0x5346_414F | 0x6B41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x564C => "NCP",
        0x00C3_6400 => "Ceph",
        0x0BD0_0BD0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x1983_0326 => "BeeGFS",
        0x0116_1970 => "GFS2",
        0x7461_636F => "OCFS2",
        0xAAD7_AAEA => "PanFS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(host: &str, boot: &str) -> Machine {
        Machine { host: host.into(), boot: boot.into(), processes: "pid:[1]".into() }
    }

    #[test]
    fn another_machine_differs_in_its_name_and_in_its_kernel() {
        let this = machine("lab", "b1");
        assert!(!this.is_another(&this.mark()));
        assert!(!this.is_another(&machine("lab", "b0").mark()), "restarted");
        assert!(!this.is_another(&machine("container", "b1").mark()), "a container of this machine");
        assert!(this.is_another(&machine("other", "b2").mark()));
        assert!(!this.is_another("b0 lab"), "as layout 2 wrote it");
        assert_eq!(this.shares_processes(&this.mark()), Some(true));
        assert_eq!(this.shares_processes(&machine("lab", "b0").mark()), Some(false), "restarted");
        assert_eq!(this.shares_processes(&machine("container", "b1").mark()), None);
        assert_eq!(this.shares_processes("b1 lab pid:[2]"), None, "a container of the same name");
        assert_eq!(this.shares_processes("b1 lab"), None);
        let unknown = machine("mac", "");
        assert!(!unknown.is_another(&unknown.mark()));
        assert!(unknown.is_another(&machine("other", "").mark()));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn network_file_systems_are_recognized_by_their_numbers() {
        assert_eq!(network_name(0x6969), Some("NFS"));
        assert_eq!(network_name(0xFF53_4D42), Some("CIFS"));
        let local = [0xEF53, 0x0102_1994, 0x9123_683E, 0x5846_5342, 0x794C_7630];
        assert!(local.into_iter().all(|magic| network_name(magic).is_none()), "ext4, tmpfs, btrfs, xfs, overlay");
        assert!(refuse_network(Path::new("/proc")).is_ok());
    }
}
