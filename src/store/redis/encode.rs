//! Owns the encoding of requests as arguments of the scripts. The comment at the head of each script describes them.

use itertools::Itertools;

use super::scripts::Call;
use crate::job::Verdict;
use crate::store::{ClaimRequest, Exchange, Heartbeat, Report, ReportEntry, Scope, StagedPart, StagedSweep};

/// The most claims that one request gets: more would block the server for too long.
pub(super) const MOST_CLAIMS: u32 = 10_000;

/// The arguments of `exchange.lua`.
pub(super) fn exchange<'a>(call: Call<'a>, exchange: &Exchange) -> Call<'a> {
    // Numbers of equal length can be compared as text. Lua's doubles cannot hold all 64 bits.
    let call = call.arg(&exchange.worker).arg(format!("{:020}", exchange.seq));
    let call = match &exchange.claim_request {
        Some(request) if request.most > 0 => claim_request(call, request),
        _ => call.arg(0),
    };
    exchange.reports.iter().fold(call.arg(exchange.reports.len()), report)
}

fn claim_request<'a>(call: Call<'a>, request: &ClaimRequest) -> Call<'a> {
    let call = call.arg(request.most.min(MOST_CLAIMS)).arg(request.lease.as_millis() as u64).arg(request.token);
    let call = match &request.scope {
        Scope::Sweep(id) => call.arg("sweep").arg(1).arg(id.to_string()),
        Scope::Queues(queues) => call.arg("queues").arg(queues.len()).arg(queues),
    };
    request.excluded.iter().fold(call.arg(request.excluded.len()), |call, id| call.arg(id.to_string()))
}

fn report<'a>(call: Call<'a>, report: &Report) -> Call<'a> {
    let call = call.arg(report.sweep.to_string()).arg(report.submission).arg(report.block).arg(report.chunk.as_slice());
    let call = report.columns.iter().fold(call.arg(report.columns.len()), |call, (name, place)| {
        call.arg(name).arg(format!("{} {}", place.index, place.position))
    });
    report.entries.iter().fold(call.arg(report.entries.len()), |call, reported| {
        let call = call.arg(reported.index).arg(entry(reported));
        match &reported.output {
            Some(output) => call.arg(output.as_slice()),
            None => call,
        }
    })
}

/// An entry without its index.
fn entry(entry: &ReportEntry) -> String {
    let verdict = match entry.verdict {
        Verdict::Succeeded => "S".to_owned(),
        Verdict::Failed => "F".to_owned(),
        Verdict::Cancelled => "C".to_owned(),
        Verdict::Again { delay_ms } => format!("A{delay_ms}"),
    };
    let tries = entry.tries;
    format!(
        "{} {} {verdict} {} {} {} {}{}",
        entry.attempt,
        entry.token,
        tries.attempts,
        tries.failures,
        tries.losses,
        if entry.only_if_expired { 'x' } else { '-' },
        if entry.output.is_some() { 'o' } else { '-' },
    )
}

/// The arguments of `add_staged.lua`.
pub(super) fn add_staged<'a>(call: Call<'a>, staged: &StagedSweep, part: &StagedPart) -> Call<'a> {
    let call = call.arg(&staged.token).arg(part.part).arg(part.points);
    let call = part
        .chunks
        .iter()
        .fold(call.arg(part.chunks.len()), |call, (block, chunk)| call.arg(block).arg(chunk.as_slice()));
    let call = part.ready.iter().fold(call.arg(part.ready.len()), |call, range| call.arg(range.start).arg(range.end));
    part.columns.iter().fold(call.arg(part.columns.len()), |call, (name, place)| {
        call.arg(name).arg(format!("{} {}", place.index, place.position))
    })
}

/// The arguments of `heartbeat.lua`.
pub(super) fn heartbeat<'a>(call: Call<'a>, heartbeat: &Heartbeat) -> Call<'a> {
    let row = &heartbeat.worker;
    let queues = serde_json::Value::from(row.queues.clone()).to_string();
    let excluded = serde_json::Value::from(row.excluded.iter().map(ToString::to_string).collect_vec()).to_string();
    let call = call.arg(&row.id).arg(&row.host).arg(row.pid).arg(queues).arg(row.slots).arg(row.busy).arg(excluded);
    let call = call.arg(serde_json::Value::from(row.excluded_why.clone()).to_string());
    let groups = heartbeat.held.iter().chunk_by(|held| &held.job.sweep);
    let groups: Vec<_> = groups.into_iter().map(|(sweep, held)| (sweep, held.collect_vec())).collect();
    let call = call.arg(heartbeat.lease.as_millis() as u64).arg(groups.len());
    groups.into_iter().fold(call, |call, (sweep, held)| {
        held.iter().fold(call.arg(sweep.to_string()).arg(held.len()), |call, held| {
            call.arg(format!("{} {} {}", held.job.index, held.token, u8::from(held.started)))
        })
    })
}

/// The arguments of `backlog.lua`.
pub(super) fn backlog<'a>(call: Call<'a>, scope: &Scope) -> Call<'a> {
    match scope {
        Scope::Sweep(id) => call.arg("sweep").arg(id.to_string()),
        Scope::Queues(queues) => call.arg("queues").arg(queues),
    }
}
