//! Owns the status as text for a terminal.

use comfy_table::{CellAlignment, Table, presets::NOTHING};

use super::{StatusSnapshot, SweepStatus};
use crate::human::{count, duration, group};
use crate::visible::visible_in_line;

/// The sweeps as a table, then the workers as a table.
pub fn snapshot(snapshot: &StatusSnapshot) -> String {
    let mut text = if snapshot.sweeps.is_empty() { "no sweeps\n".to_owned() } else { sweeps(&snapshot.sweeps) };
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
    text + &table.trim_fmt() + "\n" + &exclusions(snapshot)
}

/// The workers that take no jobs of the sweeps shown, one line each, with the reason.
fn exclusions(snapshot: &StatusSnapshot) -> String {
    let is_shown = |id: &String| snapshot.sweeps.iter().any(|sweep| sweep.id == *id);
    let mut lines = String::new();
    for worker in &snapshot.workers {
        for (id, why) in worker.unable.iter().zip(&worker.unable_why).filter(|(id, _)| is_shown(id)) {
            lines.push_str(&exclusion(&worker.id, &worker.host, id, why));
            lines.push('\n');
        }
    }
    lines
}

/// That a worker takes no jobs of a sweep, and why.
pub fn exclusion(worker: &str, host: &str, sweep: &str, why: &str) -> String {
    let why = if why.is_empty() { String::new() } else { format!(": {}", visible_in_line(why)) };
    format!("worker {worker} on {host} takes no jobs of {sweep}{why}")
}

/// Sweeps as a table, one line each.
pub fn sweeps(sweeps: &[SweepStatus]) -> String {
    let mut table =
        plain(&["sweep", "state", "points", "succeeded", "failed", "running", "pending", "cancelled", "rate", "left"]);
    for sweep in sweeps {
        let unknown = || if sweep.state == "running" { "unknown".to_owned() } else { String::new() };
        let left = sweep.seconds_left.map_or_else(unknown, duration);
        let rate = sweep.rate.map_or_else(unknown, rate_text);
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

/// A table without rules, for terminals and pipes.
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

/// A rate in points per second as text, in a readable unit: `31/s`, `2.5/min`, `1.0/h`.
fn rate_text(per_second: f64) -> String {
    let digits = |number: f64| if number >= 10.0 { group(number.round() as u64) } else { format!("{number:.1}") };
    match per_second {
        rate if rate >= 0.1 => format!("{}/s", digits(rate)),
        rate if rate * 60.0 >= 0.1 => format!("{}/min", digits(rate * 60.0)),
        rate => format!("{}/h", digits(rate * 3600.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_unit_in_which_it_is_easy_to_read() {
        let texts = [31_500.4, 12.0, 2.0, 1.0 / 60.0, 0.5 / 3600.0].map(rate_text);
        assert_eq!(texts, ["31,500/s", "12/s", "2.0/s", "1.0/min", "0.5/h"]);
    }
}
