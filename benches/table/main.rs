//! Owns the benchmark of whole programs: sweep beside a bare loop and beside its peers, row by row.
//!
//! `cargo bench --bench table` runs all rows and writes the figures into `docs/performance.md`; row names after `--` run
//! those alone. Contenders take turns within a round, and a ratio is of one round: what disturbs one disturbs all.
//!
//! - [`bare`]: the least that can start processes, the yardstick;
//! - [`machine`]: what is measured of a process, and what this machine is;
//! - [`peers`]: other programs that run jobs, those that are installed;
//! - [`sweep`]: the program measured, set up anew for each run;
//! - [`programs`]: rows that run programs; [`stores`]: rows that drive a store without starting processes;
//! - [`results`]: what a measured job brings;
//! - [`page`]: figures as a page.

// A benchmark that cannot go on ends, and says why.
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

/// A row: its name, what it shows, and how it is run.
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
        // `cargo test --all-targets` comes here too, and figures are not for it.
        println!("to measure, type `cargo bench --bench table`");
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
