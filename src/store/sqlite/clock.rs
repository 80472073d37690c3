//! Owns the clock of the embedded store: wall time that does not jump.
//!
//! The store keeps deadlines of leases, due times of retries and the like as wall time. When somebody sets the clock of the
//! machine, they would come too early or too late. So the store's clock follows the time since the machine was started,
//! which nobody can set; the store keeps the difference between the two. If a request that writes finds that the wall clock
//! differs from the store's clock by more than [`TOLERANCE_MS`], it sets the store's clock to the wall clock and moves all
//! stored times by the same amount. Every lease and retry then has as much time left as before.
//!
//! After a restart of the machine, and where the system has no id of its start, only one rule remains: if the wall clock is
//! behind the last time that the store knows, all stored times are moved back with it. A retry then waits no longer than it
//! had left.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Done;

use crate::system::wall_clock_ms;

/// A difference of the two clocks up to this changes nothing, milliseconds.
const TOLERANCE_MS: u64 = 1_000;

/// How often the clocks are read at most, if the process is interrupted between the readings.
const READINGS: usize = 5;

/// If two readings of the wall clock are further apart, the process was interrupted, milliseconds.
const INTERRUPTED_MS: u64 = 20;

/// The clocks of this machine, read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Milliseconds since the epoch.
    wall_ms: u64,
    /// Milliseconds since the machine was started, including the time that it slept. None: unknown.
    up_ms: Option<u64>,
}

impl Reading {
    /// The wall clock, milliseconds since the epoch.
    pub(super) fn wall(self) -> u64 {
        self.wall_ms
    }

    /// The clocks now.
    pub(super) fn now() -> Reading {
        let read = || {
            let before = wall_clock_ms();
            let up_ms = up_ms();
            let wall_ms = wall_clock_ms();
            (Reading { wall_ms, up_ms }, wall_ms.abs_diff(before))
        };
        let mut best = read();
        for _ in 1..READINGS {
            if best.1 <= INTERRUPTED_MS {
                break;
            }
            let next = read();
            if next.1 < best.1 {
                best = next;
            }
        }
        best.0
    }
}

#[cfg(target_os = "linux")]
fn up_ms() -> Option<u64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Some((time.tv_sec.max(0) as u64).saturating_mul(1000) + time.tv_nsec.max(0) as u64 / 1_000_000)
}

/// None: other systems have no id of the machine's start, and without it this time has no meaning.
#[cfg(not(target_os = "linux"))]
fn up_ms() -> Option<u64> {
    None
}

/// The stored form of the store's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Anchor {
    /// The start of the machine for which it is valid. Empty: unknown.
    boot: String,
    /// The store's clock less the time since that start, milliseconds.
    offset_ms: i64,
}

impl Anchor {
    fn read(connection: &Connection) -> Done<Option<Anchor>> {
        let mut anchor = connection.prepare_cached("SELECT boot, offset_ms FROM clock")?;
        let anchor = anchor.query_row([], |row| Ok(Anchor { boot: row.get(0)?, offset_ms: row.get(1)? }));
        Ok(anchor.optional()?)
    }

    /// The store's clock at a reading. None: the anchor is of another start of the machine.
    fn clock(&self, boot: &str, reading: Reading) -> Option<u64> {
        let up_ms = reading.up_ms.filter(|_| !boot.is_empty() && self.boot == boot)?;
        up_ms.checked_add_signed(self.offset_ms)
    }
}

/// The store's clock for a request that only reads, on the start `boot` of the machine.
pub(super) fn now(connection: &Connection, boot: &str, reading: Reading) -> Done<u64> {
    let anchor = Anchor::read(connection)?;
    Ok(anchor.and_then(|anchor| anchor.clock(boot, reading)).unwrap_or(reading.wall_ms))
}

/// The store's clock for a request that writes. Adjusts it if somebody has set the clock of the machine.
pub(super) fn set(connection: &Connection, boot: &str, reading: Reading) -> Done<u64> {
    let anchor = Anchor::read(connection)?;
    let clock = anchor.as_ref().and_then(|anchor| anchor.clock(boot, reading));
    if let Some(clock) = clock
        && clock.abs_diff(reading.wall_ms) <= TOLERANCE_MS
    {
        return Ok(clock);
    }
    let moved = match clock {
        Some(clock) => difference_ms(reading.wall_ms, clock),
        None => difference_ms(reading.wall_ms, last_known(connection)?).min(0),
    };
    if moved.unsigned_abs() > TOLERANCE_MS {
        move_times(connection, moved)?;
    }
    let offset_ms = difference_ms(reading.wall_ms, reading.up_ms.unwrap_or_default());
    let new = Anchor { boot: boot.to_owned(), offset_ms };
    // Without the id of a start the anchor is never used, and needs no update.
    if !boot.is_empty() && anchor.as_ref() != Some(&new) {
        let keep = "INSERT OR REPLACE INTO clock (one, boot, offset_ms) VALUES (1, ?1, ?2)";
        connection.prepare_cached(keep)?.execute(params![new.boot, new.offset_ms])?;
    }
    Ok(reading.wall_ms)
}

/// `later - earlier`, milliseconds. Limited, because a damaged store may hold any number.
fn difference_ms(later: u64, earlier: u64) -> i64 {
    const LIMIT: i128 = i64::MAX as i128 / 2;
    (i128::from(later) - i128::from(earlier)).clamp(-LIMIT, LIMIT) as i64
}

/// The time at which the leases were last checked. 0: unknown.
fn last_known(connection: &Connection) -> Done<u64> {
    let mut last = connection.prepare_cached("SELECT value FROM meta WHERE name = 'last-look'")?;
    Ok(last.query_row([], |row| row.get(0)).optional()?.unwrap_or_default())
}

/// Moves every stored time that something waits for or compares with. Times that only say when something happened stay.
/// O(rows of these tables), but only when somebody has set the clock of the machine.
fn move_times(connection: &Connection, by_ms: i64) -> Done<()> {
    // No time may become negative, nor larger than SQLite's numbers.
    let moved = |column: &str| format!("{column} = max(0, min({column}, 4611686018427387904) + ?1)");
    let each = [
        format!("UPDATE leases SET {}, {}", moved("deadline_ms"), moved("started_ms")),
        format!("UPDATE delayed SET {}", moved("due_ms")),
        format!("UPDATE workers SET {}", moved("last_seen_ms")),
        format!("UPDATE replies SET {}", moved("at_ms")),
        format!("UPDATE drafts SET {}", moved("heard_ms")),
        format!("UPDATE meta SET {} WHERE name = 'last-look'", moved("value")),
    ];
    each.iter().try_for_each(|statement| connection.execute(statement, [by_ms]).map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_the_store_follows_the_time_since_the_start_of_the_machine() {
        let anchor = Anchor { boot: "b".into(), offset_ms: 1_000_000 };
        let reading = |up_ms| Reading { wall_ms: 5, up_ms };
        assert_eq!(anchor.clock("b", reading(Some(7))), Some(1_000_007));
        assert_eq!(anchor.clock("b", reading(None)), None);
        assert_eq!(anchor.clock("another start", reading(Some(7))), None);
        assert_eq!(Anchor { boot: String::new(), ..anchor }.clock("", reading(Some(7))), None, "an unknown start");
    }
}
