//! Owns the checks of how an idle worker learns of new work.

use std::time::{Duration, Instant};

use sweep::job::Verdict;
use sweep::store::{NewWork, Store, WorkWaiter};

use crate::harness::{Bench, LIMIT, LONG, Worker, given_back, only, queue, submit};

/// How long a check waits to be sure that nothing happens.
const NOTHING: Duration = Duration::from_millis(400);

/// Waits until the store reports an event.
fn expect_event(waiter: &dyn WorkWaiter, what: &str) {
    let begun = Instant::now();
    while waiter.wait(Duration::from_secs(1)).unwrap().is_none() {
        assert!(begun.elapsed() < LIMIT, "no event after {what}");
    }
}

pub fn an_idle_worker_is_told_of_new_work(bench: &dyn Bench) {
    let (here, elsewhere) = (bench.connect(), bench.connect());
    let elsewhere: &dyn Store = &*elsewhere;
    let waiter = here.work_waiter(&queue("default")).unwrap();
    assert_eq!(waiter.wait(NOTHING).unwrap(), None, "the first wait records the present state");
    submit(elsewhere, "other", "another", 3);
    assert_eq!(waiter.wait(NOTHING).unwrap(), None, "an event of another queue");
    let id = submit(elsewhere, "new", "default", 3);
    expect_event(&*waiter, "a sweep");
    elsewhere.set_paused(&id, Some("why not")).unwrap();
    while waiter.wait(NOTHING).unwrap().is_some() {}
    elsewhere.set_paused(&id, None).unwrap();
    expect_event(&*waiter, "a resumed sweep");
    let mut worker = Worker::new(elsewhere);
    let claims = worker.claim(only(&id), 3, LONG);
    while waiter.wait(NOTHING).unwrap().is_some() {}
    worker.report(vec![given_back(&claims[0])]);
    expect_event(&*waiter, "a claim that was given back");
    assert!(worker.finish(&claims[1], Verdict::Failed));
    while waiter.wait(NOTHING).unwrap().is_some() {}
    assert_eq!(elsewhere.requeue(&id, &[0..3]).unwrap(), 1);
    expect_event(&*waiter, "a point put back");
}

pub fn a_waiter_for_one_sweep_is_told_of_its_end(bench: &dyn Bench) {
    let (here, elsewhere) = (bench.connect(), bench.connect());
    let elsewhere: &dyn Store = &*elsewhere;
    let (id, other) = (submit(elsewhere, "mine", "default", 1), submit(elsewhere, "other", "default", 1));
    let waiter = here.work_waiter(&only(&id)).unwrap();
    let mut worker = Worker::new(elsewhere);
    let (mine, others) = (worker.claim_one(&id, LONG), worker.claim_one(&other, LONG));
    assert_eq!(waiter.wait(NOTHING).unwrap(), None);
    assert!(worker.finish(&others, Verdict::Succeeded));
    assert_eq!(waiter.wait(NOTHING).unwrap(), None, "an event of another sweep");
    assert!(worker.finish(&mine, Verdict::Succeeded));
    expect_event(&*waiter, "the end");
}

pub fn a_wait_ends_when_it_is_stopped(bench: &dyn Bench) {
    let store = bench.connect();
    let waiter = store.work_waiter(&queue("default")).unwrap();
    assert_eq!(waiter.wait(NOTHING).unwrap(), None);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| waiter.wait(Duration::from_secs(600)));
        waiter.stop();
        assert_eq!(waiting.join().unwrap().unwrap(), None::<NewWork>);
    });
    assert_eq!(waiter.wait(Duration::from_secs(600)).unwrap(), None, "later waits end at once, too");
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
}
