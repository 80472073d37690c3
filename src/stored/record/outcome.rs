//! Owns the stored forms of outcomes, verdicts and values. These types are the bytes in every store.
//!
//! postcard writes a variant as its position. So never remove, reorder or change a variant or a field here: add a
//! variant at the end, and give the chunk a new format (see [`super`]). Only a cause is open, see `cause`.

use serde::{Deserialize, Serialize};

use super::cause::CauseForm;
use crate::job::{Outcome, Verdict};
use crate::value::Value;

/// [`Outcome`] with causes in the form `C`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum StoredOutcome<C> {
    Succeeded { results: Vec<(String, StoredValue)> },
    Failed { cause: C },
    Lost { started: bool },
    Cancelled,
    GivenBack { started: bool },
    CannotHere { why: String },
    SetAside,
}

impl<C: CauseForm> StoredOutcome<C> {
    pub(super) fn into_outcome(self) -> Outcome {
        match self {
            StoredOutcome::Succeeded { results } => {
                let results = results.into_iter().map(|(name, value)| (name, value.into()));
                Outcome::Succeeded { results: results.collect() }
            }
            StoredOutcome::Failed { cause } => Outcome::Failed { cause: cause.into_cause() },
            StoredOutcome::Lost { started } => Outcome::Lost { started },
            StoredOutcome::Cancelled => Outcome::Cancelled,
            StoredOutcome::GivenBack { started } => Outcome::GivenBack { started },
            StoredOutcome::CannotHere { why } => Outcome::CannotHere { why },
            StoredOutcome::SetAside => Outcome::SetAside,
        }
    }
}

impl<C: for<'a> From<&'a crate::job::Cause>> From<&Outcome> for StoredOutcome<C> {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Succeeded { results } => {
                let results = results.iter().map(|(name, value)| (name.clone(), value.into()));
                StoredOutcome::Succeeded { results: results.collect() }
            }
            Outcome::Failed { cause } => StoredOutcome::Failed { cause: cause.into() },
            Outcome::Lost { started } => StoredOutcome::Lost { started: *started },
            Outcome::Cancelled => StoredOutcome::Cancelled,
            Outcome::GivenBack { started } => StoredOutcome::GivenBack { started: *started },
            Outcome::CannotHere { why } => StoredOutcome::CannotHere { why: why.clone() },
            Outcome::SetAside => StoredOutcome::SetAside,
        }
    }
}

/// [`Verdict`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum StoredVerdict {
    Succeeded,
    Failed,
    Again { delay_ms: u64 },
    Cancelled,
}

impl From<Verdict> for StoredVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Succeeded => StoredVerdict::Succeeded,
            Verdict::Failed => StoredVerdict::Failed,
            Verdict::Again { delay_ms } => StoredVerdict::Again { delay_ms },
            Verdict::Cancelled => StoredVerdict::Cancelled,
        }
    }
}

impl From<StoredVerdict> for Verdict {
    fn from(verdict: StoredVerdict) -> Self {
        match verdict {
            StoredVerdict::Succeeded => Verdict::Succeeded,
            StoredVerdict::Failed => Verdict::Failed,
            StoredVerdict::Again { delay_ms } => Verdict::Again { delay_ms },
            StoredVerdict::Cancelled => Verdict::Cancelled,
        }
    }
}

/// [`Value`], as the value of a result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum StoredValue {
    Missing,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Written(Box<StoredValue>, String),
}

impl From<&Value> for StoredValue {
    fn from(value: &Value) -> Self {
        match value {
            Value::Missing => StoredValue::Missing,
            Value::Bool(value) => StoredValue::Bool(*value),
            Value::Int(value) => StoredValue::Int(*value),
            Value::Float(value) => StoredValue::Float(*value),
            Value::Text(text) => StoredValue::Text(text.clone()),
            Value::Written(value, text) => StoredValue::Written(Box::new(value.as_ref().into()), text.clone()),
        }
    }
}

impl From<StoredValue> for Value {
    fn from(value: StoredValue) -> Self {
        match value {
            StoredValue::Missing => Value::Missing,
            StoredValue::Bool(value) => Value::Bool(value),
            StoredValue::Int(value) => Value::Int(value),
            StoredValue::Float(value) => Value::Float(value),
            StoredValue::Text(text) => Value::Text(text),
            StoredValue::Written(value, text) => Value::Written(Box::new((*value).into()), text),
        }
    }
}
