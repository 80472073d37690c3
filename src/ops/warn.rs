//! Owns the warnings about a valid sweep file: problems that only its points or this machine show.

use std::path::Path;

use crate::error::{Error, Result};
use crate::human::group;
use crate::runtime::{PreparedJob, SweepRuntime};
use crate::space::mass_at_bounds;

/// Warn if two points have the same `seed32` with at least this probability.
const CHANCE: f64 = 0.01;

/// Warn if at least this share of the values lies at the bounds of `clip`.
const MASS: f64 = 1e-4;

/// The warnings, one sentence each.
///
/// # Errors
/// If the command of the first point cannot be rendered.
pub fn warnings(sweep: &SweepRuntime) -> Result<Vec<String>> {
    let prepared = sweep.prepare(0, 1).map_err(|error| Error::usage(format!("{error:#}")))?;
    let mut found = Vec::new();
    found.extend(same_runs(sweep, &prepared));
    found.extend(equal_seeds(sweep));
    found.extend(clipped(sweep));
    found.extend(prepared.argv.iter().skip(1).filter_map(|word| left_behind(word, sweep, &prepared.dir)));
    // Only a warning: the machines of the workers may have a program that is missing here.
    let program = prepared.argv.first().map(|word| sweep.program(word));
    found.extend(program.and_then(std::result::Result::err).map(|error| format!("on this machine, {error}")));
    Ok(found)
}

/// The warning for repeats or draws that run the same command: nothing in the sweep uses their seeds.
fn same_runs(sweep: &SweepRuntime, prepared: &PreparedJob) -> Option<String> {
    let spec = sweep.space.spec();
    let used = sweep.template.names_used();
    let uses = |names: &[&str]| names.iter().any(|name| used.contains(*name));
    let drawn = sweep.space.drawn();
    let has_draws = spec.draws > 1 && drawn.contains(&true);
    let uses_drawn = sweep.space.names().iter().zip(&drawn).any(|(name, drawn)| *drawn && uses(&[name, "flags"]));
    let (what, number) = if spec.repeats > 1 && !uses(&["repeat"]) {
        ("repeats", spec.repeats)
    } else if has_draws && !uses_drawn && !uses(&["draw"]) {
        ("draws", spec.draws)
    } else {
        return None;
    };
    if uses(&["seed", "seed32", "job"]) || reads_seed(sweep, prepared) {
        return None;
    }
    Some(format!(
        "`{what} = {number}`, but nothing is different between {what}: the command uses neither {{{{ seed }}}} nor \
         {{{{ seed32 }}}}, and neither it nor the files that it names read SWEEP_SEED or SWEEP_PARAMS. A program without the \
         seed may give the same result {number} times, and an error of 0; pass the seed to it, for example `--seed \
         {{{{ seed }}}}`. If the runs are meant to be the same, as in timings, say so: env = {{ REPEAT = \"{{{{ repeat }}}}\" }} \
         under [job]"
    ))
}

/// Whether the command, its environment, an input deck or a file that the command names mentions a variable by which a
/// program can tell its runs apart.
fn reads_seed(sweep: &SweepRuntime, prepared: &PreparedJob) -> bool {
    const VARIABLES: [&str; 3] = ["SWEEP_SEED", "SWEEP_PARAMS", "SWEEP_JOB"];
    /// The largest file that is searched, in bytes.
    const LARGEST: u64 = 4 << 20;
    let mentions = |text: &str| VARIABLES.iter().any(|variable| text.contains(variable));
    let set = sweep.spec.job.env.iter().any(|(_, value)| mentions(value));
    let given = prepared.argv.iter().chain(&prepared.stdin).chain(prepared.files.iter().map(|(_, text)| text));
    if set || given.into_iter().any(|text| mentions(text)) {
        return true;
    }
    let mut words = prepared.argv.iter().flat_map(|word| word.split_whitespace());
    words.any(|word| {
        let path = sweep.here.join(word);
        let is_small = path.metadata().is_ok_and(|found| found.is_file() && found.len() <= LARGEST);
        is_small && std::fs::read(&path).is_ok_and(|bytes| mentions(&String::from_utf8_lossy(&bytes)))
    })
}

/// The warning for points that may share a 31-bit seed, and so use the same random numbers.
fn equal_seeds(sweep: &SweepRuntime) -> Option<String> {
    let spec = sweep.space.spec();
    // With common draws, grid points share their seeds on purpose.
    let seeds = if spec.common_draws {
        spec.draws.checked_mul(spec.randomizations)?.checked_mul(spec.repeats)?
    } else {
        sweep.space.len()
    };
    let chance = collision(seeds);
    if !sweep.template.names_used().contains("seed32") || chance < CHANCE {
        return None;
    }
    let percent = if chance > 0.995 { "more than 99".to_owned() } else { format!("{:.0}", chance * 100.0) };
    Some(format!(
        "with {} seeds, the chance that two points have the same `seed32` (31 bits) is {percent} %; use `seed` (53 bits) if \
         the program accepts larger seeds",
        group(seeds)
    ))
}

/// The probability that two of `n` numbers from 1 to 2^31−1 are the same (the birthday problem, to first order in the
/// exponent).
fn collision(n: u64) -> f64 {
    let n = n as f64;
    -(-n * (n - 1.0) / 2.0 / f64::from(i32::MAX)).exp_m1()
}

/// The warnings for distributions of which a noticeable part lies at the bounds of `clip`.
fn clipped(sweep: &SweepRuntime) -> Vec<String> {
    let mut found = Vec::new();
    for random in sweep.space.spec().blocks.iter().flat_map(|block| &block.random) {
        let (Some((low, high)), Ok(Some((below, above)))) = (random.clip, mass_at_bounds(random)) else { continue };
        if below + above < MASS {
            continue;
        }
        let text = format!(
            "`{}`: {} % of its values are clipped to {low} and {} % to {high}; to avoid values exactly at the bounds, use \
             `dist = \"truncated-normal\"` instead of a clipped normal distribution",
            random.name,
            percent(below),
            percent(above)
        );
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

/// A share in percent, with about two digits.
fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0".into(),
        p if p >= 10.0 => format!("{p:.0}"),
        p if p >= 1.0 => format!("{p:.1}"),
        p => format!("{p:.2}"),
    }
}

/// The warning for a word of the command that names a file beside the sweep file, if jobs run elsewhere.
fn left_behind(word: &str, sweep: &SweepRuntime, dir: &Path) -> Option<String> {
    let is_missing = dir != sweep.here && !Path::new(word).is_absolute() && !word.is_empty();
    let names_a_file = is_missing && sweep.here.join(word).is_file() && !dir.join(word).exists();
    // Rendered templates are written into the directory before the job starts.
    if !names_a_file || sweep.spec.templates.iter().any(|template| template.name == word) {
        return None;
    }
    Some(format!(
        "`{word}` is a file beside the sweep file, but jobs run in {}, which does not have it; write {{{{ here }}}}/{word}",
        sweep.spec.job.dir.as_deref().unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chance_of_a_collision_is_that_of_the_birthday_problem() {
        let exact = |n: u64| 1.0 - (0..n).map(|i| 1.0 - i as f64 / f64::from(i32::MAX)).product::<f64>();
        for n in [1, 2, 1000, 6570, 100_000] {
            assert!((collision(n) - exact(n)).abs() < 1e-4, "{n}");
        }
        assert!(collision(6500) < CHANCE && collision(6600) > CHANCE);
        assert_eq!(collision(1 << 53), 1.0);
    }
}
