//! Owns combining all parameters of a sweep into a [`SpaceSpec`], and checking it.

use super::files::Importer;
use super::parameters::ParameterName;
use super::table_reader::TableReader;
use super::{Diagnostic, blocks, expression_check, sampling};
use crate::job::MAX_POINTS;
use crate::space::{Block, Space, SpaceError, SpaceSpec};

/// Reads everything that defines the points. If errors were reported, only `order` of the space may be used. `text` is
/// the whole file. None: a part of it could not be parsed; it may define parameters, so expressions are not checked.
pub(super) fn read(top: TableReader, importer: Importer, text: Option<&str>) -> (SpaceSpec, Vec<ParameterName>) {
    let (resolved, declared) = blocks::read(top, importer);
    if let Some(text) = text {
        expression_check::check(&resolved, &declared, top, text);
    }
    let settings = sampling::read(top, &resolved);
    let blocks: Vec<Block> = resolved.iter().map(blocks::ResolvedBlock::block).collect();
    let spec = SpaceSpec {
        version: SpaceSpec::version_of(&blocks),
        root_seed: top.whole("root-seed", 0..=u64::MAX).unwrap_or(0),
        draws: settings.draws,
        repeats: top.whole("repeats", 1..=i64::MAX as u64).unwrap_or(1),
        sampling: settings.sampling,
        randomizations: settings.randomizations,
        common_draws: settings.common_draws,
        blocks,
        order: declared.iter().map(|declared| declared.name.clone()).collect(),
        ..SpaceSpec::default()
    };
    if !top.sink.has_errors() {
        check_space(&spec, &declared, top);
    }
    (spec, declared)
}

/// Builds the space, and reports the errors that only this finds (too many points, values too close together) at their
/// place.
fn check_space(spec: &SpaceSpec, declared: &[ParameterName], top: TableReader) {
    let Err(error) = Space::check(spec) else { return };
    let place = |name: &str| {
        let first = name.split('+').next().unwrap_or_default();
        declared.iter().find(|declared| declared.name == first).map(|declared| declared.span.clone())
    };
    let whole = || {
        ["grid", "zip", "points", "block", "random", "repeats", "draws"]
            .iter()
            .find_map(|key| top.entry(key))
            .map(|entry| entry.key_span)
    };
    let found = match &error {
        SpaceError::TooManyPoints { factors, product } => {
            let message = format!("this sweep has {product} points; the maximum is {MAX_POINTS} (2^53)");
            let found = Diagnostic::error(message, whole()).label(factors.clone());
            found.help("use fewer values, repeats or draws")
        }
        SpaceError::Values { name, why } | SpaceError::Distribution { name, why } => {
            Diagnostic::error(format!("`{name}`: {why}"), place(name).or_else(whole))
        }
        _ => {
            let found = Diagnostic::error(error.to_string(), whole());
            match error.remedy() {
                Some(remedy) => found.help(remedy),
                None => found,
            }
        }
    };
    top.sink.push(found);
}
