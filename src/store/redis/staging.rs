//! Owns the requests that build a sweep from older ones; see [`Staging`].

use super::{RedisStore, decode, encode, inputs};
use crate::job::SweepId;
use crate::store::{Result, STAGING_TIMEOUT, StagedPart, StagedSweep, Staging, incomplete, staging_timed_out};

impl Staging for RedisStore {
    fn stage(&self, staged: &StagedSweep) -> Result<SweepId> {
        staged.sweep.check()?;
        let call = self.call(&self.scripts.stage).arg(STAGING_TIMEOUT.as_millis() as u64);
        let call = call.arg(&staged.token).arg(&staged.sweep.name);
        decode::sweep_id(&self.run::<String>(&call)?)
    }

    fn add_staged(&self, staged: &StagedSweep, part: &StagedPart) -> Result<()> {
        let is_added: bool = self.run(&encode::add_staged(self.call(&self.scripts.add_staged), staged, part))?;
        if is_added { Ok(()) } else { Err(staging_timed_out(staged)) }
    }

    fn commit_staged(&self, staged: &StagedSweep) -> Result<SweepId> {
        let new = &staged.sweep;
        let call = self.call(&self.scripts.commit_staged).arg(&staged.token).arg(&new.request).arg(&new.queue);
        let call = call.arg(&new.user).arg(new.total).arg(new.document.as_slice());
        match self.run::<redis::Value>(&inputs::arguments(call, &new.inputs))? {
            redis::Value::Nil => Err(staging_timed_out(staged)),
            redis::Value::Int(points) => Err(incomplete(staged, points.unsigned_abs())),
            id => decode::sweep_id(&decode::value::<String>(id)?),
        }
    }
}
