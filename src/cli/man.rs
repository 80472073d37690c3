//! Owns `sweep man`: the man page, generated from the definition of the command line.

use std::io::Write;

use clap_mangen::Man;

use crate::cli::exit::CommandExit;
use crate::cli::output::stdout_error;
use crate::error::Result;

/// Print the man page
///
/// To read it: sweep man | man -l -
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn execute(_: &Args, out: &mut dyn Write) -> Result<CommandExit> {
    let command = super::definition();
    let page = Man::new(command.clone());
    page.render_title(out).map_err(stdout_error)?;
    page.render_name_section(out).map_err(stdout_error)?;
    page.render_synopsis_section(out).map_err(stdout_error)?;
    page.render_description_section(out).map_err(stdout_error)?;
    page.render_options_section(out).map_err(stdout_error)?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        writeln!(out, ".SH \"SWEEP {}\"", subcommand.get_name().to_uppercase()).map_err(stdout_error)?;
        let name = format!("sweep {}", subcommand.get_name());
        let page = Man::new(subcommand.clone().bin_name(name));
        page.render_synopsis_section(out).map_err(stdout_error)?;
        page.render_description_section(out).map_err(stdout_error)?;
        page.render_options_section(out).map_err(stdout_error)?;
    }
    page.render_extra_section(out).map_err(stdout_error)?;
    Ok(CommandExit::Well)
}
