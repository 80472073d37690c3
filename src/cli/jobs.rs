//! Owns `sweep jobs`: lists points and their states.

use std::io::Write;

use clap::ValueEnum;
use serde_json::json;

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::output::put;
use crate::error::Result;
use crate::human::group;
use crate::job::{JobAddress, SweepId};
use crate::ops::filter::Filter;
use crate::ops::points::PointStates;
use crate::ops::select;
use crate::space::{Point, Space};
use crate::visible::visible_value;

/// List the points of a sweep and their states
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep, for example pi-3 [default: your newest sweep]
    sweep: Option<SweepId>,
    /// List only points in this state
    #[arg(long, value_name = "STATE")]
    state: Option<StateArg>,
    /// List only points that satisfy this expression over the parameters, for example "temp > 3 and solver == 'rk4'"
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// List at most N points; 0 lists all
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
    /// Print one JSON object per line, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StateArg {
    Pending,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl StateArg {
    fn word(self) -> &'static str {
        match self {
            StateArg::Pending => "pending",
            StateArg::Running => "running",
            StateArg::Succeeded => "succeeded",
            StateArg::Failed => "failed",
            StateArg::Cancelled => "cancelled",
        }
    }
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    let store = context.store()?;
    let row = select::sweep(&*store, args.sweep.as_ref())?;
    let space = context.runtime(&*store, &row)?.space;
    let filter = args.filter.as_ref().map(|text| Filter::of_points(text, &space)).transpose()?;
    let most = if args.limit == 0 { u64::MAX } else { args.limit };
    let mut listed = 0;
    let mut more = false;
    for run in PointStates::new(&*store, &row.id, row.counts.total) {
        let (indices, state) = run?;
        if args.state.is_some_and(|wanted| wanted.word() != state.word()) {
            continue;
        }
        for index in indices {
            let Some(point) = space.point(index) else { break };
            if filter.as_ref().map_or(Ok(false), |filter| filter.holds(&point).map(|holds| !holds))? {
                continue;
            }
            if listed == most {
                more = true;
                break;
            }
            let address = JobAddress { sweep: row.id.clone(), index };
            put(out, &line(args.json, &address, state.word(), &space, &point))?;
            listed += 1;
        }
        if more {
            break;
        }
    }
    let unevaluated = filter.as_ref().map_or(Ok(None), Filter::finish)?;
    if let Some(unevaluated) = unevaluated {
        message!("warning: {}", unevaluated.message("point"));
    }
    if more {
        message!("listed the first {}; add --limit N to list more, --limit 0 to list all", group(listed));
    } else if listed == 0 {
        let which = args.state.map_or_else(String::new, |state| format!(" {}", state.word()));
        let such = if filter.is_some() { " that satisfy --where" } else { "" };
        message!("{} has no{which} points{such}", row.id);
    }
    Ok(CommandExit::Well)
}

fn line(as_json: bool, address: &JobAddress, state: &str, space: &Space, point: &Point) -> String {
    let params = std::iter::zip(space.names().iter(), &point.params);
    let (draw, repeat, seed) = (point.draw, point.repeat, point.seed);
    if as_json {
        let params = point.params_json(space.names());
        let job = address.to_string();
        let line = json!({"job": job, "state": state, "params": params, "draw": draw, "randomization": point.randomization,
            "repeat": repeat, "seed": seed});
        return format!("{line}\n");
    }
    let params = params.map(|(name, value)| format!("{name}={}", visible_value(value)));
    let spec = space.spec();
    let counters = [
        (draw, spec.draws, "draw"),
        (point.randomization, spec.randomizations, "randomization"),
        (repeat, spec.repeats, "repeat"),
    ];
    let counters = counters.iter().filter(|(_, of, _)| *of > 1).map(|(number, _, name)| format!("{name}={number}"));
    let words: Vec<_> = params.chain(counters).collect();
    format!("{address}  {state:<9}  {}\n", words.join(" "))
}
