//! Owns the tests of how jobs end, and of how they are ended.

use std::sync::Arc;

use super::*;

#[test]
fn exit_codes_and_signals_are_told_apart() {
    for (script, exit) in [
        ("exit 0", Exit::Code(0)),
        ("exit 7", Exit::Code(7)),
        ("exit 255", Exit::Code(255)),
        ("kill -KILL $$", Exit::Signal(9)),
        ("kill -TERM $$", Exit::Signal(15)),
        ("kill -SEGV $$", Exit::Signal(11)),
    ] {
        let ended = run_it(&sh(script));
        assert_eq!((ended.exit, ended.ended_by), (exit, None), "{script}");
    }
}

#[test]
fn a_time_out_ends_the_whole_group() {
    let script = format!("echo $$; sleep {LONG} & echo $!; (sleep {LONG} & echo $!; wait) & echo $!; wait");
    let ended = run_it(&limited(&script, 700, 60_000));
    assert_eq!((ended.exit, ended.ended_by), (Exit::Signal(15), Some(EndedBy::Timeout)));
    assert!(ended.seconds >= 0.7 && ended.seconds < BRIEF.as_secs_f64(), "{}", ended.seconds);
    assert_eq!(stdout(&ended).lines().count(), 4);
    all_gone(&ended);
}

#[test]
fn a_job_in_time_is_left_alone() {
    let ended = run_it(&limited("sleep 0.1; echo done", 20_000, 1));
    assert_eq!((ended.exit, ended.ended_by), (Exit::Code(0), None));
    assert_eq!(stdout(&ended), "done\n");
    assert!(ended.seconds >= 0.1);
}

#[test]
fn who_ignores_the_request_to_end_is_killed_after_the_grace() {
    let script = format!("trap '' TERM; echo $$; sleep {LONG} & echo $!; while :; do wait; done");
    let ended = run_it(&limited(&script, 700, 200));
    assert_eq!((ended.exit, ended.ended_by), (Exit::Signal(9), Some(EndedBy::Timeout)));
    assert!(ended.seconds >= 0.9 && ended.seconds < BRIEF.as_secs_f64(), "{}", ended.seconds);
    all_gone(&ended);
}

#[test]
fn who_heeds_the_request_may_clean_up() {
    let script = format!("trap 'echo saved; exit 3' TERM; sleep {LONG} & wait");
    let ended = run_it(&limited(&script, 700, 60_000));
    assert_eq!((ended.exit, ended.ended_by), (Exit::Code(3), Some(EndedBy::Timeout)));
    assert_eq!(stdout(&ended), "saved\n");
}

#[test]
#[cfg(target_os = "linux")]
fn a_child_has_its_grace_although_the_shell_above_it_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved");
    // The child's output goes elsewhere, as in `python3 sim.py > log`: only the group ties it to the job.
    let child = format!("trap \"sleep 0.3; echo yes > {}; exit\" TERM; sleep {LONG} & wait", saved.display());
    let script = format!("(sh -c '{child}' > /dev/null 2>&1 & ) ; sleep {LONG}");
    let ended = run_it(&limited(&script, 700, 60_000));
    assert_eq!(ended.ended_by, Some(EndedBy::Timeout));
    assert_eq!(std::fs::read_to_string(saved).unwrap(), "yes\n");
}

#[test]
fn a_stopped_group_is_woken_to_end() {
    let ended = run_it(&limited("kill -STOP $$; echo woken", 200, 60_000));
    assert_eq!((ended.exit, ended.ended_by), (Exit::Signal(15), Some(EndedBy::Timeout)));
    assert!(ended.seconds < BRIEF.as_secs_f64());
}

fn stopped_by(request: impl Fn(&Stopper) + Send + 'static, script: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let launch = sh(&format!("{script}\ntouch {}; sleep {LONG} & wait", runs.display()));
    let stopper = Arc::new(Stopper::new().unwrap());
    let slot = {
        let stopper = stopper.clone();
        std::thread::spawn(move || run(&launch, &stopper, &mut |_| {}).unwrap())
    };
    appears(&runs);
    request(&stopper);
    slot.join().unwrap()
}

#[test]
fn a_job_is_stopped_from_another_thread() {
    let ended = stopped_by(Stopper::stop, "echo $$");
    assert_eq!((ended.exit, ended.ended_by), (Exit::Signal(15), Some(EndedBy::Stopped)));
    all_gone(&ended);
    let ended = stopped_by(Stopper::stop_now, "echo $$; trap '' TERM");
    assert_eq!((ended.exit, ended.ended_by), (Exit::Signal(9), Some(EndedBy::Stopped)));
    all_gone(&ended);
}

#[test]
fn stop_now_cuts_the_grace_short() {
    let both = |stopper: &Stopper| {
        stopper.stop();
        stopper.stop_now();
    };
    let ended = stopped_by(both, "trap '' TERM; echo $$");
    assert_eq!((ended.exit, ended.ended_by), (Exit::Signal(9), Some(EndedBy::Stopped)));
    assert!(ended.seconds < BRIEF.as_secs_f64());
}

#[test]
fn a_stop_between_jobs_holds_until_it_is_reset() {
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let launch = sh(&format!("touch {}", ran.display()));
    let stopper = Stopper::new().unwrap();
    stopper.stop();
    for _ in 0..2 {
        let ended = run(&launch, &stopper, &mut |_| {}).unwrap();
        assert_eq!((ended.exit, ended.ended_by), (Exit::Signal(15), Some(EndedBy::Stopped)));
    }
    assert!(!ran.exists());
    stopper.reset();
    let ended = run(&launch, &stopper, &mut |_| {}).unwrap();
    assert_eq!((ended.exit, ended.ended_by), (Exit::Code(0), None));
    assert!(ran.exists());
}

#[test]
fn what_a_job_leaves_behind_is_ended_with_it() {
    let begun = Instant::now();
    let ended = run_it(&sh(&format!("sleep {LONG} > /dev/null 2>&1 & echo $!")));
    assert_eq!((ended.exit, ended.ended_by), (Exit::Code(0), None));
    all_gone(&ended);
    assert!(begun.elapsed() < BRIEF);
}

#[test]
fn a_grandchild_that_holds_the_output_is_awaited_for_a_second_only() {
    let begun = Instant::now();
    let ended = run_it(&sh(&format!("sleep {LONG} & echo $!")));
    assert_eq!((ended.exit, ended.ended_by), (Exit::Code(0), None));
    all_gone(&ended);
    assert!(begun.elapsed() < BRIEF);
    let waited = begun.elapsed().as_secs_f64() - ended.seconds;
    assert!(waited >= monitor::DRAIN_TIME.as_secs_f64(), "the job's time includes the {waited} s after its end");
}

#[test]
fn a_grandchild_may_write_its_last_lines() {
    let ended = run_it(&sh("(sleep 0.2; echo last) & echo first"));
    assert_eq!(stdout(&ended), "first\nlast\n");
}

#[test]
fn time_and_memory_are_measured() {
    let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    let busy = run_it(&sh(script));
    assert!(busy.cpu_seconds > 0.01 && busy.cpu_seconds < 2.0 * busy.seconds + 0.1, "{busy:?}");
    let idle = run_it(&sh("sleep 0.3"));
    assert!(idle.cpu_seconds < 0.2 && idle.seconds >= 0.3, "{idle:?}");
    // awk holds a string of 64 MB.
    let large = run_it(&sh("awk 'BEGIN { s = \"x\"; while (length(s) < 64000000) s = s s; print length(s) }'"));
    assert!((64_000_000..4_000_000_000).contains(&large.max_rss_bytes), "{}", large.max_rss_bytes);
    assert!((100_000..4_000_000_000).contains(&idle.max_rss_bytes), "{}", idle.max_rss_bytes);
}

#[test]
fn a_thousand_jobs_leave_no_file_descriptor_and_no_process_behind() {
    let open = || std::fs::read_dir("/dev/fd").unwrap().count();
    let stopper = Stopper::new().unwrap();
    let mut launch = sh("");
    launch.stdin = b"x".to_vec();
    let before = open();
    for _ in 0..1000 {
        assert_eq!(run(&launch, &stopper, &mut |_| {}).unwrap().exit, Exit::Code(0));
    }
    // Other tests run at the same time and open some; a leak would be at least a thousand.
    assert!(open() < before + 300, "{before} before, {} after", open());
}
