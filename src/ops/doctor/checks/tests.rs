//! Every check, good and not, as a person reads it.

use super::*;

fn found() -> StoreProbe {
    let facts = StoreInfo {
        program: "Redis 7.0.15".into(),
        clock_ms: 1_700_000_000_000,
        durability: "append-only file, synced every second: a crash may lose about two seconds".into(),
        folder: None,
        memory: Some(Memory { used: 5 << 20, most: None, policy: "noeviction".into() }),
        leases: Leases { held: 7, run_out: 0, unseen: 0 },
    };
    let (takes, name) = (Duration::from_micros(123), "redis://host:6379".into());
    StoreProbe { name, facts, cautions: vec![], exposures: vec![], exclusions: vec![], clock_ahead_ms: -3, takes }
}

fn told(checks: &[Check]) -> String {
    checks.iter().map(|check| format!("{} | {} | {}\n", check.finding.word(), check.name, check.says)).collect()
}

#[test]
fn a_store_without_problems() {
    insta::assert_snapshot!(told(&of_store(&found())), @r#"
    good | store | redis://host:6379 answers: Redis 7.0.15
    good | durability | append-only file, synced every second: a crash may lose about two seconds
    good | memory | 5.00 MiB in use, no limit
    good | latency | a request takes 0.12 ms
    good | clock | the clocks of this machine and the store agree
    good | leases | 7 claims, all of live workers
    "#);
    let mut embedded = found();
    embedded.facts.folder = Some("/here/.sweep".into());
    embedded.facts.memory = None;
    embedded.clock_ahead_ms = 99_999;
    assert!(of_store(&embedded).iter().all(|check| check.finding == Finding::Good));
}

#[test]
fn a_store_with_problems() {
    let mut bad = found();
    bad.cautions = vec!["it keeps nothing; `do this`".into(), "its disk is full; make room".into()];
    bad.facts.memory = Some(Memory { used: 950 << 20, most: Some(1000 << 20), policy: "noeviction".into() });
    bad.facts.leases = Leases { held: 7, run_out: 1, unseen: 3 };
    (bad.takes, bad.clock_ahead_ms) = (Duration::from_millis(120), -3_600_000);
    insta::assert_snapshot!(told(&of_store(&bad)), @r#"
    good | store | redis://host:6379 answers: Redis 7.0.15
    warning | durability | it keeps nothing; `do this`
    warning | durability | its disk is full; make room
    warning | memory | 950.00 MiB of 1000.00 MiB in use: when it is full, no sweep can be submitted and no job claimed; raise `maxmemory`, or remove collected sweeps with `sweep rm`
    warning | latency | a request takes 120.00 ms: shorter jobs wait for the store; use a store that is nearer
    warning | clock | this machine's clock is 60 minutes behind the store's: leases are not affected, but times in tables are; set the clock (`timedatectl set-ntp true`)
    warning | leases | 1 claim of lost workers: any worker puts them back in the queue; `sweep worker` starts one
    warning | leases | 3 claims of workers without a heartbeat for a minute: when they run out, any worker puts them back in the queue; `sweep status` lists the live workers
    "#);
}

#[test]
fn small_deviations() {
    let mut fine = found();
    fine.facts.memory = Some(Memory { used: 50 << 20, most: Some(1000 << 20), policy: "noeviction".into() });
    fine.clock_ahead_ms = 5_000;
    fine.facts.leases = Leases { held: 2, run_out: 2, unseen: 2 };
    insta::assert_snapshot!(told(&of_store(&fine)), @r#"
    good | store | redis://host:6379 answers: Redis 7.0.15
    good | durability | append-only file, synced every second: a crash may lose about two seconds
    good | memory | 50.00 MiB of 1000.00 MiB in use (noeviction)
    good | latency | a request takes 0.12 ms
    warning | clock | this machine's clock is 5 seconds ahead of the store's: leases are not affected, but times in tables are; set the clock (`timedatectl set-ntp true`)
    warning | leases | 2 claims of lost workers: any worker puts them back in the queue; `sweep worker` starts one
    "#);
}

#[test]
fn a_machine_without_and_one_with_problems() {
    let disk = |free| DiskProbe { of: "the store", at: "/here".into(), free };
    let machine = |files, free, strays| MachineProbe { cores: 8, open_files: files, disks: vec![disk(free)], strays };
    let stray = |pid| LeftoverProcess { pid, mark: "0123456789abcdef.4".into(), command: "sleep 99".into() };
    let well = [machine(Some(1024), Some(5 << 30), Some(vec![])), machine(None, None, None)];
    insta::assert_snapshot!(well.map(|machine| told(&of_machine(&machine))).join("\n"), @r#"
    good | cores | 8; a worker runs that many jobs at once unless `-j` is given
    good | open files | at most 1024, enough for 120 slots
    good | disk | 5.00 GiB free in /here, for the store
    good | strays | no processes of lost workers

    good | cores | 8; a worker runs that many jobs at once unless `-j` is given
    good | open files | no limit
    good | disk | /here, for the store: free space unknown
    good | strays | not checked on this system
    "#);
    let bad = [
        machine(Some(64), Some(900 << 20), Some(vec![stray(17)])),
        machine(Some(64), Some(1 << 20), Some(vec![stray(17), stray(18)])),
    ];
    insta::assert_snapshot!(bad.map(|machine| told(&of_machine(&machine))).join("\n"), @r#"
    good | cores | 8; a worker runs that many jobs at once unless `-j` is given
    warning | open files | at most 64, but a worker with 8 slots needs 128; run `ulimit -n 128` before you start it
    warning | disk | 900.00 MiB free in /here, for the store: free some space; workers wait while the disk is full
    warning | strays | a process of lost workers still running, for example 17 `sleep 99`; `kill 17` ends them

    good | cores | 8; a worker runs that many jobs at once unless `-j` is given
    warning | open files | at most 64, but a worker with 8 slots needs 128; run `ulimit -n 128` before you start it
    bad | disk | 1.00 MiB free in /here, for the store: free some space; workers wait while the disk is full
    warning | strays | 2 processes of lost workers still running, for example 17 `sleep 99`; `kill 17 18` ends them
    "#);
}

#[test]
fn no_store_yet_and_none_that_can_be_used() {
    let refused = StoreError::refused("this will not do").remedy("do that");
    let checks = [none_yet(Path::new("/here/.sweep"), &Ok(())), unusable(&refused)];
    insta::assert_snapshot!(told(&checks), @r#"
    good | store | no store yet; `sweep run` and `sweep submit` create /here/.sweep
    bad | store | this will not do; do that
    "#);
}
