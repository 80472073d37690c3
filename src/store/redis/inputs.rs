//! Owns the requests about the inputs of sweeps; see [`Inputs`].

use super::scripts::Call;
use super::snapshot::Snapshot;
use super::{RedisStore, header, key, reads};
use crate::job::SweepId;
use crate::model::{FoundInputs, Input};
use crate::store::{Inputs, MAX_INPUTS, Result};
use crate::stored::{decode_input, encode_input};

/// The arguments of `add_inputs` in `inputs.lua`.
pub(super) fn arguments<'a>(call: Call<'a>, found: &FoundInputs) -> Call<'a> {
    // What is beyond the limit cannot be stored, and need not be sent.
    let sent = found.inputs.get(..MAX_INPUTS).unwrap_or(&found.inputs);
    let omitted = found.omitted + (found.inputs.len() - sent.len()) as u64;
    let call = call.arg(MAX_INPUTS).arg(u8::from(found.observed)).arg(omitted).arg(sent.len());
    sent.iter().fold(call, |call, input| call.arg(&input.path).arg(encode_input(input)))
}

fn decoded(stored: Vec<(String, String)>) -> Result<Vec<Input>> {
    stored.into_iter().map(|(path, text)| Ok(decode_input(&path, &text)?)).collect()
}

impl Inputs for RedisStore {
    fn add_inputs(&self, id: &SweepId, submission: u64, found: &FoundInputs) -> Result<Vec<Input>> {
        let call = self.call(&self.scripts.add_inputs).arg(id.to_string()).arg(submission);
        decoded(self.run(&arguments(call, found))?)
    }

    fn inputs(&self, id: &SweepId) -> Result<FoundInputs> {
        let mut commands = Snapshot::about(id);
        commands.cmd("HMGET").arg(header(id)).arg("observed").arg("omitted");
        commands.cmd("HGETALL").arg(key(id, "inputs"));
        type Fields = (Option<u64>, Option<u64>);
        let (exists, (observed, omitted), stored): (bool, Fields, Vec<(String, String)>) = self.snapshot(&commands)?;
        reads::known(id, exists)?;
        let mut inputs = decoded(stored)?;
        inputs.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(FoundInputs { inputs, observed: observed.is_some(), omitted: omitted.unwrap_or_default() })
    }

    fn inputs_revision(&self, id: &SweepId) -> Result<u64> {
        reads::header_number(self, id, "inputs")
    }
}
