//! Owns reading how random parameters are sampled: `sampling`, `draws`, `randomizations`, `common-draws`.

use super::Diagnostic;
use super::blocks::ResolvedBlock;
use super::parameters::Definition;
use super::table_reader::TableReader;
use crate::space::{Dist, Sampling};
use crate::suggest::{list, nearest};

const NAMES: [(&str, Sampling); 4] = [
    ("independent", Sampling::Independent),
    ("latin-hypercube", Sampling::LatinHypercube),
    ("sobol", Sampling::Sobol),
    ("halton", Sampling::Halton),
];

/// Other names for the sampling methods.
const OTHERS: [(&str, Sampling); 7] = [
    ("random", Sampling::Independent),
    ("iid", Sampling::Independent),
    ("monte-carlo", Sampling::Independent),
    ("lhs", Sampling::LatinHypercube),
    ("latin", Sampling::LatinHypercube),
    ("latin_hypercube", Sampling::LatinHypercube),
    ("qmc", Sampling::Sobol),
];

/// How random parameters are sampled.
pub(super) struct SamplingSettings {
    pub sampling: Sampling,
    pub draws: u64,
    pub randomizations: u64,
    pub common_draws: bool,
}

/// Reads the settings of a sweep with these blocks.
pub(super) fn read(top: TableReader, blocks: &[ResolvedBlock]) -> SamplingSettings {
    let reader = SamplingReader { top, blocks };
    let sampling = reader.sampling().unwrap_or_default();
    let draws = reader.draws(sampling);
    let randomizations = reader.randomizations(sampling);
    let common_draws = top.flag("common-draws").unwrap_or(false);
    SamplingSettings { sampling, draws, randomizations, common_draws }
}

struct SamplingReader<'a> {
    top: TableReader<'a>,
    blocks: &'a [ResolvedBlock],
}

impl SamplingReader<'_> {
    /// Whether a block has random parameters, including those with errors.
    fn has_random(&self) -> bool {
        let random = |definition: &Definition| matches!(definition, Definition::Random(_) | Definition::Mistaken);
        self.blocks.iter().flat_map(|block| &block.items).any(|item| random(&item.definition))
    }

    fn name(sampling: Sampling) -> &'static str {
        NAMES.iter().find(|(_, other)| *other == sampling).map_or("independent", |(name, _)| name)
    }

    fn sampling(&self) -> Option<Sampling> {
        let (text, span) = self.top.text("sampling")?;
        let Some((name, sampling)) = NAMES.iter().find(|(name, _)| *name == text) else {
            let meant = OTHERS.iter().find(|(typed, _)| *typed == text.to_lowercase());
            let near =
                meant.map(|(_, meant)| Self::name(*meant)).or_else(|| nearest(text, NAMES.map(|(name, _)| name)));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let found = Diagnostic::error(format!("unknown sampling `{text}`{near}"), span);
            self.top.sink.push(found.help(format!("the sampling methods are {}", list(NAMES.map(|(name, _)| name)))));
            return None;
        };
        if *sampling == Sampling::Independent {
            return Some(*sampling);
        }
        if !self.has_random() {
            let found =
                Diagnostic::error(format!("`sampling = \"{name}\"` needs random parameters, and there are none"), span);
            self.top
                .sink
                .push(found.help("it sets how the parameters under [random] are drawn; remove it if there are none"));
            return None;
        }
        self.permutations(name);
        Some(*sampling)
    }

    /// Rejects permutations, which cannot be made from a single random number.
    fn permutations(&self, sampling: &str) {
        let mut told = Vec::new();
        for item in self.blocks.iter().flat_map(|block| &block.items) {
            let (Definition::Random(random), Some(name)) = (&item.definition, item.names.first()) else { continue };
            if matches!(random.dist, Dist::Permutation { .. }) && !told.contains(&name.span.start) {
                told.push(name.span.start);
                let message = format!("`{}` is a permutation, which {sampling} sampling cannot draw", name.name);
                let found = Diagnostic::error(message, name.span.clone());
                self.top
                    .sink
                    .push(found.help("write sampling = \"independent\", or remove the permutation from [random]"));
            }
        }
    }

    fn draws(&self, sampling: Sampling) -> u64 {
        let name = Self::name(sampling);
        let draws = self.top.whole("draws", 1..=i64::MAX as u64);
        if let (Some(entry), Some(draws)) = (self.top.entry("draws"), draws) {
            if draws > 1 && !self.has_random() {
                let message = "`draws` needs random parameters, and there are none";
                self.top.sink.push(Diagnostic::error(message, entry.span).help(
                    "to run each point with several seeds, use `repeats`; define random parameters under [random]",
                ));
            } else if sampling == Sampling::Sobol && !draws.is_power_of_two() {
                let below = 1_u64 << draws.ilog2();
                let message =
                    format!("{draws} is not a power of two; a sobol sample is evenly spread only with a power of two");
                let help = format!("write `draws = {below}` or `draws = {}`", below.saturating_mul(2));
                self.top.sink.push(Diagnostic::warning(message, entry.span).help(help));
            }
        }
        if let (Some(entry), true) = (self.top.entry("sampling"), sampling != Sampling::Independent)
            && draws.is_none_or(|draws| draws == 1)
        {
            let found = Diagnostic::warning(
                format!("`sampling = \"{name}\"` with one draw gives a single random point"),
                entry.span,
            );
            self.top.sink.push(found.help("add `draws = …`, the number of draws at each grid point"));
        }
        draws.unwrap_or(1)
    }

    fn randomizations(&self, sampling: Sampling) -> u64 {
        let randomizations = self.top.whole("randomizations", 1..=i64::MAX as u64).unwrap_or(1);
        let independent =
            sampling == Sampling::Independent && self.top.text_of("sampling").is_none_or(|text| text == "independent");
        if let Some(entry) = self.top.entry("randomizations").filter(|_| randomizations > 1 && independent) {
            let message = "`randomizations` applies only to latin-hypercube, sobol and halton sampling";
            let help = "add, for example, sampling = \"sobol\"; for more points increase `draws`";
            self.top.sink.push(Diagnostic::error(message, entry.key_span).help(help));
        }
        randomizations
    }
}
