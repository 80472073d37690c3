//! The binary: parses, calls the library, prints the error, exits. The only place that exits.

use std::process::ExitCode;

fn main() -> ExitCode {
    sweep::cli::main()
}
