//! Owns the exchange of a worker: applied once, however often the worker sends it.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::error::Done;
use super::{claim, report};
use crate::job::{AttemptCounts, JobAddress, SweepId};
use crate::store::{Claim, Exchange, ExchangeReply, StoreError};

/// Applies an exchange. If it was applied before, returns the same reply again.
pub(super) fn apply(connection: &Connection, now: u64, exchange: &Exchange) -> Done<ExchangeReply> {
    if let Some(reply) = earlier_reply(connection, exchange)? {
        return Ok(reply);
    }
    let mut stale = Vec::new();
    for (position, report) in exchange.reports.iter().enumerate() {
        if let Some(indices) = report::apply(connection, now, report)? {
            stale.push((position, indices));
        }
    }
    let claims = match &exchange.claim_request {
        Some(request) if request.most > 0 => claim::give(connection, now, &exchange.worker, request)?,
        _ => Vec::new(),
    };
    let exchanged = ExchangeReply { stale, claims };
    let keep = "INSERT OR REPLACE INTO replies VALUES (?1, ?2, ?3, ?4)";
    let reply = Reply::of(&exchanged).encode();
    connection.prepare_cached(keep)?.execute(params![exchange.worker, exchange.seq.cast_signed(), reply, now])?;
    Ok(exchanged)
}

/// The reply to an exchange that was applied before. None: it was not.
fn earlier_reply(connection: &Connection, exchange: &Exchange) -> Done<Option<ExchangeReply>> {
    let last = "SELECT seq, reply FROM replies WHERE worker = ?1";
    let mut last = connection.prepare_cached(last)?;
    let last = last.query_row([&exchange.worker], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)));
    let Some((seq, reply)) = last.optional()? else { return Ok(None) };
    let seq = seq.cast_unsigned();
    if exchange.seq < seq {
        return Err(StoreError::stale_request(&exchange.worker, exchange.seq).into());
    }
    if exchange.seq > seq {
        return Ok(None);
    }
    Ok(Some(Reply::decode(&reply)?.exchanged()))
}

/// The stored form of a reply. Only the process that sent the exchange reads it again, so it needs no version. All claims
/// of a reply are of one sweep and have one token.
#[derive(Debug, Serialize, Deserialize)]
struct Reply {
    stale: Vec<(u64, Vec<u64>)>,
    claims: Option<Claims>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    name: String,
    number: u64,
    submission: u64,
    token: u64,
    /// Indices, each with its attempts, failures and losses.
    jobs: Vec<(u64, [u32; 3])>,
}

impl Reply {
    fn of(exchanged: &ExchangeReply) -> Reply {
        let stale = exchanged.stale.iter().map(|(position, indices)| (*position as u64, indices.clone())).collect();
        let counts = |tries: AttemptCounts| [tries.attempts, tries.failures, tries.losses];
        let claims = exchanged.claims.first().map(|first| Claims {
            name: first.job.sweep.name.clone(),
            number: first.job.sweep.number,
            submission: first.submission,
            token: first.token,
            jobs: exchanged.claims.iter().map(|claim| (claim.job.index, counts(claim.tries))).collect(),
        });
        Reply { stale, claims }
    }

    fn exchanged(self) -> ExchangeReply {
        let stale = self.stale.into_iter().map(|(position, indices)| (position as usize, indices)).collect();
        let claims = self.claims.map(Claims::claims).unwrap_or_default();
        ExchangeReply { stale, claims }
    }

    fn encode(&self) -> Vec<u8> {
        // postcard fails to write to a vector only for types without a known length, and these have one.
        #[allow(clippy::expect_used)]
        postcard::to_stdvec(self).expect("replies always encode")
    }

    fn decode(bytes: &[u8]) -> Result<Reply, StoreError> {
        postcard::from_bytes(bytes)
            .map_err(|error| StoreError::damaged(format!("the reply to a worker in the store cannot be read: {error}")))
    }
}

impl Claims {
    fn claims(self) -> Vec<Claim> {
        let sweep = SweepId { name: self.name, number: self.number };
        let (submission, token) = (self.submission, self.token);
        let claim = |(index, [attempts, failures, losses]): (u64, [u32; 3])| {
            let tries = AttemptCounts { attempts, failures, losses };
            Claim { job: JobAddress { sweep: sweep.clone(), index }, submission, token, tries }
        };
        self.jobs.into_iter().map(claim).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreErrorKind;
    use proptest::prelude::*;

    fn reply() -> impl Strategy<Value = ExchangeReply> {
        let indices = || proptest::collection::vec(any::<u64>(), 0..5);
        let stale = proptest::collection::vec((0..9usize, indices()), 0..4);
        (stale, indices(), any::<u64>()).prop_map(|(stale, claimed, token)| {
            let sweep = SweepId { name: "pi".into(), number: 3 };
            let job = |index| JobAddress { sweep: sweep.clone(), index };
            let tries = AttemptCounts { attempts: 2, failures: 1, losses: 0 };
            let claim = |index| Claim { job: job(index), submission: 1_790_000_000_000, token, tries };
            ExchangeReply { stale, claims: claimed.into_iter().map(claim).collect() }
        })
    }

    proptest! {
        #[test]
        fn a_stored_reply_is_read_again(reply in reply()) {
            prop_assert_eq!(Reply::decode(&Reply::of(&reply).encode()).unwrap().exchanged(), reply);
        }

        #[test]
        fn any_bytes_are_read_or_reported_as_damaged(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            reply in reply(),
            at in any::<prop::sample::Index>(),
            bit in 0..8,
        ) {
            let mut flipped = Reply::of(&reply).encode();
            let at = at.index(flipped.len());
            let cut = flipped[..at].to_vec();
            flipped[at] ^= 1_u8 << bit;
            for bytes in [bytes, flipped, cut] {
                if let Err(error) = Reply::decode(&bytes).map(Reply::exchanged) {
                    prop_assert_eq!(error.kind, StoreErrorKind::Damaged);
                }
            }
        }
    }
}
