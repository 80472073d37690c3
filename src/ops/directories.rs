//! Owns finding jobs that would share a directory: a `dir` that is not different for every point.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::model::{DEFAULT_JOB_DIR, Spec};
use crate::space::{Point, Space};
use crate::spec::SharedDir;
use crate::template::{JobContext, JobTemplate};

/// The points that are examined from the start of the sweep. Of longer sweeps, some points that differ in one thing only
/// are examined as well.
const EXAMINED: u64 = 1 << 14;

/// The first job whose directory an earlier job has too. `here` is the folder of the sweep file. Pure; O([`EXAMINED`]).
pub fn shared(spec: &Spec, space: &Space, here: &str) -> Option<SharedDir> {
    spec.job.dir.as_ref().filter(|dir| *dir != DEFAULT_JOB_DIR)?;
    let template = JobTemplate::compile(spec).ok()?;
    let sweep = format!("{}-1", spec.name);
    let mut seen: HashMap<PathBuf, u64> = HashMap::new();
    for index in candidates(space) {
        let point = space.point(index)?;
        let context = JobContext { sweep: &sweep, names: space.names(), point: &point, attempt: 1, cpus: 1, here };
        // A template that cannot be rendered here is reported elsewhere.
        let Ok(Some(dir)) = template.dir(&context) else { continue };
        // `a/./b` and `a//b` are the same.
        let dir: PathBuf = Path::new(&dir).components().collect();
        if let Some(earlier) = seen.insert(dir.clone(), index) {
            let shown = dir.strip_prefix(here).unwrap_or(&dir).display().to_string();
            let missing = missing(&template, space, &space.point(earlier)?, &point);
            return Some(SharedDir { first: earlier, second: index, dir: shown, missing });
        }
    }
    None
}

/// The indices that are examined: the first ones, and points that differ from the first one by one step of an axis, a draw
/// or a repeat.
fn candidates(space: &Space) -> impl Iterator<Item = u64> {
    let len = space.len();
    let mut steps = vec![space.points_of_a_repeat()];
    for block in space.explain() {
        let mut step = 1_u64;
        let counters = |name: &str| matches!(name, "draws" | "randomizations" | "repeats");
        let (layers, axes): (Vec<_>, Vec<_>) = block.factors.iter().partition(|(name, _)| counters(name));
        for (_, count) in axes.iter().rev().chain(&layers) {
            steps.push(step);
            step = step.saturating_mul(*count);
        }
    }
    steps.sort_unstable();
    steps.dedup();
    (0..len.min(EXAMINED)).chain(steps.into_iter().filter(move |step| (EXAMINED..len).contains(step)))
}

/// The names that `dir` lacks: those in which two points with the same directory differ, and `draw` and `repeat` where
/// there are several and nothing in `dir` depends on them.
fn missing(template: &JobTemplate, space: &Space, one: &Point, other: &Point) -> Vec<String> {
    let used = template.dir_names();
    let spec = space.spec();
    let is_derived =
        |name: &str| spec.blocks.iter().flat_map(|block| &block.derived).any(|derived| derived.name == name);
    let drawn = space.drawn();
    let params = space.names().iter().enumerate().filter(|(at, name)| {
        one.params.get(*at) != other.params.get(*at) && !is_derived(name) && drawn.get(*at) == Some(&false)
    });
    let mut missing: Vec<String> = params.map(|(_, name)| name.clone()).collect();
    let depends_on_draw = space.names().iter().zip(&drawn).any(|(name, drawn)| *drawn && used.contains(name));
    let of_seed = ["seed", "seed32", "job"].iter().any(|name| used.contains(*name));
    let has_draws = space.drawn().contains(&true);
    let counters = [
        ("draw", spec.draws > 1 && has_draws && !depends_on_draw, one.draw != other.draw),
        (
            "randomization",
            spec.randomizations > 1 && has_draws && !depends_on_draw,
            one.randomization != other.randomization,
        ),
        ("repeat", spec.repeats > 1, one.repeat != other.repeat),
    ];
    missing
        .extend(counters.iter().filter(|(_, lacks, differs)| *differs || (*lacks && !of_seed)).map(|c| c.0.to_owned()));
    missing.retain(|name| !used.contains(name));
    missing
}
