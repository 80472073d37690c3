//! Owns the status as text for a terminal.

use comfy_table::{CellAlignment, Table, presets::NOTHING};

use super::{Snapshot, SweepStatus};
use crate::human::{count, duration, group};

/// The sweeps as a table, one line each, then the workers in a line or a table.
pub fn snapshot(snapshot: &Snapshot) -> String {
    let mut text = sweeps(&snapshot.sweeps);
    for sweep in &snapshot.sweeps {
        if let (Some(reason), "pending" | "paused") = (&sweep.reason, sweep.state) {
            text.push_str(&format!("{}: {reason}\n", sweep.id));
        }
    }
    if snapshot.workers.is_empty() {
        text.push_str("no workers\n");
        return text;
    }
    let (busy, slots) =
        snapshot.workers.iter().fold((0, 0), |(busy, slots), worker| (busy + worker.busy, slots + worker.slots));
    text.push_str(&format!("{}, {busy} of {slots} slots busy\n", count(snapshot.workers.len() as u64, "worker")));
    let mut table = plain(&["worker", "host", "pid", "slots", "busy", "last seen"]);
    for worker in &snapshot.workers {
        let (slots, busy, pid) = (worker.slots.to_string(), worker.busy.to_string(), worker.pid.to_string());
        table.add_row([&worker.id, &worker.host, &pid, &slots, &busy, &worker.last_seen]);
    }
    align_right(&mut table, 2..5);
    text + &table.trim_fmt() + "\n"
}

/// Sweeps as a table, one line each.
pub fn sweeps(sweeps: &[SweepStatus]) -> String {
    let mut table =
        plain(&["sweep", "state", "points", "succeeded", "failed", "running", "pending", "cancelled", "rate", "left"]);
    for sweep in sweeps {
        let left = sweep.seconds_left.map_or_else(String::new, duration);
        let rate = sweep.rate.map_or_else(String::new, |rate| format!("{}/s", significant(rate)));
        let counts = &sweep.counts;
        let counts = [counts.total, counts.succeeded, counts.failed, counts.running, counts.pending, counts.cancelled];
        let mut cells = vec![sweep.id.clone(), sweep.state.to_owned()];
        cells.extend(counts.map(group));
        cells.extend([rate, left]);
        table.add_row(cells);
    }
    align_right(&mut table, 2..10);
    table.trim_fmt() + "\n"
}

/// A table without lines, for a terminal or a pipe alike.
pub fn plain(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().copied());
    table
}

/// Aligns some columns to the right, for numbers.
pub fn align_right(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn significant(number: f64) -> String {
    if number >= 10.0 { group(number.round() as u64) } else { format!("{number:.1}") }
}
