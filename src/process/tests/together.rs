//! Owns the tests of many jobs that end at the same time.

use std::sync::Arc;

use super::*;

/// More jobs than a machine usually has slots; each look at all processes by each of them would take minutes.
const MANY: usize = 300;

#[test]
#[cfg(target_os = "linux")]
fn many_jobs_end_together_in_a_time_that_grows_with_their_number_only() {
    let stopper: Vec<Arc<Stopper>> = (0..MANY).map(|_| Arc::new(Stopper::new().unwrap())).collect();
    let slots: Vec<_> = stopper
        .iter()
        .map(|stopper| {
            let (stopper, launch) = (stopper.clone(), sh(&format!("exec sleep {LONG}")));
            let slot = move || run(&launch, &stopper, &mut |_| {}).unwrap();
            std::thread::spawn(slot)
        })
        .collect();
    let me = std::process::id().cast_signed();
    let table = || process_table::ProcessTable::now().unwrap();
    eventually("all jobs run", || table().children(me).len() >= MANY);
    let cost = {
        let begun = Instant::now();
        let _ = table();
        begun.elapsed()
    };
    let begun = Instant::now();
    stopper.iter().for_each(|stopper| stopper.stop());
    for slot in slots {
        assert_eq!(slot.join().unwrap().ended_by, Some(EndedBy::Stopped));
    }
    let took = begun.elapsed();
    // Each of them looks three times at least. One look for each would take more than this, however fast the machine.
    let most = cost * (MANY as u32) + Duration::from_millis(500);
    assert!(took < most, "{took:?} to end {MANY} jobs, {cost:?} for a look");
}

#[test]
#[cfg(target_os = "linux")]
fn memory_limits_of_many_jobs_share_a_look() {
    let fill = "awk 'BEGIN { s = \"x\"; while (length(s) < 40000000) s = s s; system(\"sleep 20\") }'";
    let begun = Instant::now();
    let slots: Vec<_> = (0..4)
        .map(|_| {
            let mut launch = sh(fill);
            launch.limits.memory = Some(20_000_000);
            std::thread::spawn(move || run_it(&launch))
        })
        .collect();
    for slot in slots {
        assert!(matches!(slot.join().unwrap().ended_by, Some(EndedBy::Memory { .. })));
    }
    assert!(begun.elapsed() < BRIEF);
}
