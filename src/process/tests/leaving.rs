//! Owns the tests of what leaves a job's process group, of what it leaves running, and of its memory.

use super::*;

/// A process that leaves the group, the session and its parent, and prints its id; the shell waits a moment for that.
const DAEMON: &str =
    "setsid sh -c 'trap \"\" TERM INT HUP; echo $$; exec sleep 300 > /dev/null 2>&1' & wait_for_it=$!; sleep 0.2";

#[test]
#[cfg(target_os = "linux")]
fn a_time_out_also_ends_a_process_that_left_the_group_and_ignores_sigterm() {
    let orphans = OrphanReaper::adopt("leaver");
    let run = orphans.begin();
    let launch = limited(&format!("({DAEMON}); sleep {LONG}"), 900, 200);
    let ended = run_it(&Launch { mark: run.mark(), ..launch });
    assert_eq!(ended.ended_by, Some(EndedBy::Timeout));
    let pid = stdout(&ended).trim().parse().unwrap();
    // The run goes on, so that the reaper kills nothing: it reaps what is dead.
    eventually("the time-out's kill has ended it", || orphans.reap() == 0 && !is_there(pid));
    drop(run);
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_left_the_group_has_its_grace_time_too() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved");
    let child = format!("trap \"sleep 0.3; echo yes > {}; exit\" TERM; sleep {LONG} & wait", saved.display());
    let ended = run_it(&limited(&format!("setsid sh -c '{child}' > /dev/null 2>&1 & sleep {LONG}"), 700, 60_000));
    assert_eq!(ended.ended_by, Some(EndedBy::Timeout));
    assert_eq!(std::fs::read_to_string(saved).unwrap(), "yes\n");
}

#[test]
#[cfg(target_os = "linux")]
fn leftovers_are_ended_when_their_run_is_over_and_not_before() {
    let orphans = OrphanReaper::adopt("left");
    let (mine, other) = (orphans.begin(), orphans.begin());
    let launch = |run: &RunGuard<'_>, script: &str| Launch { mark: run.mark(), ..sh(script) };
    let ended = run_it(&launch(&mine, DAEMON));
    let others = run_it(&launch(&other, DAEMON));
    let pid = |ended: &Ended| stdout(ended).trim().parse::<i32>().unwrap();
    let (pid, other_pid) = (pid(&ended), pid(&others));
    assert_eq!((ended.exit, ended.ended_by), (Exit::Code(0), None));
    assert_eq!(orphans.reap(), 0, "both runs are going on");
    assert!(is_there(pid) && is_there(other_pid));
    drop(mine);
    eventually("the daemon ends", || {
        orphans.reap();
        !is_there(pid)
    });
    assert!(is_there(other_pid), "the other run is going on");
    drop(other);
    orphans.end_all();
    assert!(!is_there(other_pid));
}

#[test]
#[cfg(target_os = "linux")]
fn a_leftover_without_a_mark_is_ended_when_every_run_it_may_belong_to_is_over() {
    let orphans = OrphanReaper::adopt("unmarked");
    let (mine, other) = (orphans.begin(), orphans.begin());
    let script = format!("env -i setsid sh -c 'echo $$; exec sleep {LONG} > /dev/null 2>&1' & sleep 0.2");
    let ended = run_it(&Launch { mark: mine.mark(), ..sh(&script) });
    let pid = stdout(&ended).trim().parse().unwrap();
    assert_eq!(orphans.reap(), 0);
    drop(mine);
    assert_eq!(orphans.reap(), 0, "it may be the other's");
    assert!(is_there(pid));
    drop(other);
    eventually("it ends", || {
        orphans.reap();
        !is_there(pid)
    });
}

#[test]
#[cfg(target_os = "linux")]
fn marked_processes_are_ended_with_their_descendants() {
    let script = format!("env -i sh -c 'echo $$; sleep {LONG} & echo $!; wait' & {DAEMON}; echo $$; sleep {LONG}");
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let launch = Launch { mark: "marked.1".into(), ..sh(&format!("({script}) > {}", told.display())) };
    let slot = std::thread::spawn(move || run_it(&launch));
    let pids = || -> Vec<i32> {
        let text = std::fs::read_to_string(&told).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    eventually("all say who they are", || pids().len() == 4);
    assert_eq!(kill_marked("marked.2"), 0);
    assert!(kill_marked("marked.") >= 4);
    for pid in pids() {
        eventually("each ends", || {
            !is_there(pid) || process_table::ProcessInfo::of(pid).is_none_or(|process| process.is_dead)
        });
    }
    assert_eq!(slot.join().unwrap().exit, Exit::Signal(9));
}

#[test]
#[cfg(target_os = "linux")]
fn a_job_above_its_memory_limit_is_killed_and_the_whole_tree_counts() {
    let fill =
        |bytes: u32| format!("awk 'BEGIN {{ s = \"x\"; while (length(s) < {bytes}) s = s s; system(\"sleep 20\") }}'");
    let mut launch = sh(&format!("{} & {} & wait", fill(30_000_000), fill(30_000_000)));
    launch.limits.memory = Some(48_000_000);
    let ended = run_it(&launch);
    let Some(EndedBy::Memory { used }) = ended.ended_by else { panic!("{ended:?}") };
    assert!((48_000_000..300_000_000).contains(&used), "{used}");
    assert_eq!(ended.exit, Exit::Signal(9));
    // One of them alone is within the limit.
    let mut launch = sh("awk 'BEGIN { s = \"x\"; while (length(s) < 30000000) s = s s; system(\"sleep 0.4\") }'");
    launch.limits.memory = Some(100_000_000);
    assert_eq!(run_it(&launch).ended_by, None);
}
