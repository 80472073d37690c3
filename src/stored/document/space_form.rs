//! Owns the stored form of a parameter space.

use serde::{Deserialize, Serialize};

use super::mirror::{Mirror, mirror};
use crate::space::{
    Axis, AxisParam, Bits, Block, Derived, Dist, Random, Range, RangeBy, Sampling, Selection, SharedRows, SpaceSpec,
    Values,
};
use crate::value::Value;

mirror! {
    /// [`SpaceSpec`].
    SpaceForm of SpaceSpec {
        version: u32,
        root_seed: u64,
        draws: u64,
        repeats: u64,
        sampling: SamplingForm,
        randomizations: u64,
        common_draws: bool,
        blocks: Vec<BlockForm>,
        order: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        selection: Option<SelectionForm>,
    }

    /// [`Selection`].
    SelectionForm of Selection { grids: Vec<Option<BitsForm>>, cells: Option<BitsForm> }

    /// [`Block`].
    BlockForm of Block {
        axes: Vec<AxisForm>,
        random: Vec<RandomForm>,
        derived: Vec<DerivedForm>,
        conditions: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shared_rows: Vec<SharedRowsForm>,
    }

    /// [`SharedRows`].
    SharedRowsForm of SharedRows { parameter: String, positions: Vec<u64> }

    /// [`Derived`].
    DerivedForm of Derived { name: String, expression: String }

    /// [`Axis`].
    AxisForm of Axis { params: Vec<AxisParamForm> }

    /// [`AxisParam`].
    AxisParamForm of AxisParam { name: String, values: ValuesForm }

    /// [`Range`].
    RangeForm of Range { from: String, to: String, by: RangeByForm }

    /// [`Random`].
    RandomForm of Random { name: String, dist: DistForm, clip: Option<(f64, f64)>, round: Option<String> }
}

/// [`Bits`]: its text. `docs/space.md` describes it.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct BitsForm(String);

impl Mirror for BitsForm {
    type Runtime = Bits;

    fn store(bits: &Bits) -> BitsForm {
        BitsForm(bits.clone().into())
    }

    fn load(self) -> Result<Bits, String> {
        Bits::try_from(self.0)
    }
}

/// [`Sampling`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SamplingForm {
    Independent,
    LatinHypercube,
    Sobol,
    Halton,
}

impl Mirror for SamplingForm {
    type Runtime = Sampling;

    fn store(sampling: &Sampling) -> SamplingForm {
        match sampling {
            Sampling::Independent => SamplingForm::Independent,
            Sampling::LatinHypercube => SamplingForm::LatinHypercube,
            Sampling::Sobol => SamplingForm::Sobol,
            Sampling::Halton => SamplingForm::Halton,
        }
    }

    fn load(self) -> Result<Sampling, String> {
        Ok(match self {
            SamplingForm::Independent => Sampling::Independent,
            SamplingForm::LatinHypercube => Sampling::LatinHypercube,
            SamplingForm::Sobol => Sampling::Sobol,
            SamplingForm::Halton => Sampling::Halton,
        })
    }
}

/// [`Values`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ValuesForm {
    List(Vec<ValueForm>),
    Range(RangeForm),
}

impl Mirror for ValuesForm {
    type Runtime = Values;

    fn store(values: &Values) -> ValuesForm {
        match values {
            Values::List(values) => ValuesForm::List(Mirror::store(values)),
            Values::Range(range) => ValuesForm::Range(Mirror::store(range)),
        }
    }

    fn load(self) -> Result<Values, String> {
        Ok(match self {
            ValuesForm::List(values) => Values::List(values.load()?),
            ValuesForm::Range(range) => Values::Range(range.load()?),
        })
    }
}

/// [`RangeBy`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RangeByForm {
    Count(u64),
    Log(u64),
    Step(String),
}

impl Mirror for RangeByForm {
    type Runtime = RangeBy;

    fn store(by: &RangeBy) -> RangeByForm {
        match by {
            RangeBy::Count(count) => RangeByForm::Count(*count),
            RangeBy::LogCount(count) => RangeByForm::Log(*count),
            RangeBy::Step(step) => RangeByForm::Step(step.clone()),
        }
    }

    fn load(self) -> Result<RangeBy, String> {
        Ok(match self {
            RangeByForm::Count(count) => RangeBy::Count(count),
            RangeByForm::Log(count) => RangeBy::LogCount(count),
            RangeByForm::Step(step) => RangeBy::Step(step),
        })
    }
}

/// [`Value`], as the value of a parameter.
#[derive(Serialize, Deserialize)]
pub(super) enum ValueForm {
    #[serde(rename = "none")]
    Missing,
    #[serde(rename = "b")]
    Bool(bool),
    #[serde(rename = "i")]
    Int(i64),
    #[serde(rename = "f")]
    Float(f64),
    #[serde(rename = "t")]
    Text(String),
    #[serde(rename = "w")]
    Written(Box<ValueForm>, String),
}

impl Mirror for ValueForm {
    type Runtime = Value;

    fn store(value: &Value) -> ValueForm {
        match value {
            Value::Missing => ValueForm::Missing,
            Value::Bool(value) => ValueForm::Bool(*value),
            Value::Int(value) => ValueForm::Int(*value),
            Value::Float(value) => ValueForm::Float(*value),
            Value::Text(text) => ValueForm::Text(text.clone()),
            Value::Written(value, text) => ValueForm::Written(Box::new(ValueForm::store(value)), text.clone()),
        }
    }

    fn load(self) -> Result<Value, String> {
        Ok(match self {
            ValueForm::Missing => Value::Missing,
            ValueForm::Bool(value) => Value::Bool(value),
            ValueForm::Int(value) => Value::Int(value),
            ValueForm::Float(value) => Value::Float(value),
            ValueForm::Text(text) => Value::Text(text),
            ValueForm::Written(value, text) => Value::Written(Box::new(value.load()?), text),
        })
    }
}

/// Declares the stored form of distributions: variants with named parameters.
macro_rules! distributions {
    ($($variant:ident { $($field:ident: $type:ty),+ }),+ $(,)?) => {
        /// [`Dist`].
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub(super) enum DistForm {
            $($variant { $($field: $type),+ }),+
        }

        impl Mirror for DistForm {
            type Runtime = Dist;

            fn store(dist: &Dist) -> DistForm {
                match dist {
                    $(Dist::$variant { $($field),+ } => DistForm::$variant { $($field: Mirror::store($field)),+ }),+
                }
            }

            fn load(self) -> Result<Dist, String> {
                Ok(match self {
                    $(DistForm::$variant { $($field),+ } => Dist::$variant { $($field: $field.load()?),+ }),+
                })
            }
        }
    };
}

distributions! {
    Uniform { min: f64, max: f64 },
    LogUniform { min: f64, max: f64 },
    Int { min: i64, max: i64 },
    Normal { mean: f64, sd: f64 },
    LogInt { min: i64, max: i64 },
    TruncatedNormal { mean: f64, sd: f64, min: f64, max: f64 },
    LogNormal { mu: f64, sigma: f64 },
    Exponential { rate: f64 },
    Gamma { shape: f64, scale: f64 },
    Beta { alpha: f64, beta: f64 },
    Triangular { min: f64, mode: f64, max: f64 },
    Poisson { mean: f64 },
    Choice { values: Vec<ValueForm>, weights: Option<Vec<f64>> },
    Permutation { of: u32 },
}
