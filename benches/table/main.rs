//! Owns the benchmark of whole programs: compares sweep with a bare loop and with other tools, table by table.
//!
//! `cargo bench --bench table` measures all rows and writes the figures into `docs/performance.md`. Names after `--`
//! select rows. Contenders take turns within a round, and a ratio compares the same round, so that a disturbance affects
//! all of them.
//!
//! - [`bare`]: the bare loop, the reference;
//! - [`machine`]: measures a process and describes this machine;
//! - [`peers`]: other tools that run jobs, as far as they are installed;
//! - [`sweep`]: the measured program, with a new folder for each run;
//! - [`programs`]: rows that run programs; [`stores`]: rows that drive a store without starting processes;
//! - [`results`]: the results of a measured job;
//! - [`page`]: writes the figures into the page.

// A benchmark that cannot continue panics with the reason.
#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::unwrap_used)]

use std::process::ExitCode;

mod bare;
mod machine;
mod page;
mod peers;
mod programs;
mod results;
mod stores;
mod sweep;

#[path = "../../tests/common/redis_server.rs"]
mod redis_server;

/// A row: its name and the function that measures it.
type Row = (&'static str, fn() -> page::Section);

const ROWS: [Row; 8] = [
    ("spawn", programs::spawn),
    ("sleep", programs::sleep),
    ("start", programs::start),
    ("idle", programs::idle),
    ("memory", programs::memory),
    ("traffic", stores::traffic),
    ("size", stores::size),
    ("collect", stores::collect),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(bare) = bare::Order::of(&arguments) {
        return bare.run();
    }
    machine::like_a_shell();
    let (is_bench, names): (Vec<_>, Vec<_>) = arguments.into_iter().partition(|argument| argument == "--bench");
    if is_bench.is_empty() {
        // `cargo test --all-targets` also runs this program, but measures nothing.
        println!("to measure, run `cargo bench --bench table`");
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = names.iter().find(|name| ROWS.iter().all(|(row, _)| row != name)) {
        eprintln!("there is no row `{unknown}`; there are {}", ROWS.map(|(row, _)| row).join(", "));
        return ExitCode::FAILURE;
    }
    for (name, run) in ROWS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            eprintln!("{name} …");
            let section = run();
            println!("{section}");
            page::put(name, &section);
        }
    }
    ExitCode::SUCCESS
}
