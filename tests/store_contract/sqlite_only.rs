//! Owns the checks of what only the embedded store can get wrong: its folder, its file, its neighbours.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use sweep::job::Verdict;
use sweep::store::sqlite::SqliteStore;
use sweep::store::{
    Heartbeat, HeldClaim, History, NewSweep, Queue, ReportEntry, Scope, StagedPart, StagedSweep, Staging, Store,
    StoreError, StoreErrorKind, Sweeps, WorkerRow,
};

use crate::harness::{LONG, Worker, eventually, grouped, only, outcome, recorded, submit, unique, worker_row};

/// A copy of a store that an earlier version made, of layout 2.
fn earlier() -> (TempDir, PathBuf, PathBuf) {
    let (folder, dir, file) = places();
    fs::create_dir_all(&dir).unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/earlier_stores/embedded/sweep.db");
    fs::copy(fixture, &file).unwrap();
    (folder, dir, file)
}

fn layout(file: &Path) -> u32 {
    let layout = "SELECT value FROM meta WHERE name = 'layout'";
    Connection::open(file).unwrap().query_row(layout, [], |row| row.get(0)).unwrap()
}

/// The columns of all tables, and the names of all indexes.
fn tables(file: &Path) -> Vec<String> {
    let all = "SELECT m.name || ' ' || c.name || ' ' || c.type || ' ' || c.[notnull] || ' ' || c.pk
                   FROM sqlite_schema m, pragma_table_xinfo(m.name) c WHERE m.type = 'table'
               UNION ALL SELECT 'index ' || name || ' ' || tbl_name FROM sqlite_schema WHERE type = 'index' ORDER BY 1";
    let connection = Connection::open(file).unwrap();
    let mut all = connection.prepare(all).unwrap();
    all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A folder for a store, and the file that the store keeps there.
fn places() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("deep/.sweep");
    let file = dir.join("sweep.db");
    (folder, dir, file)
}

fn refusal(dir: &Path) -> StoreError {
    match SqliteStore::open(dir) {
        Err(error) => error,
        Ok(_) => panic!("not refused"),
    }
}

#[test]
fn a_store_is_made_and_found_again() {
    let (_folder, dir, file) = places();
    let id = submit(&SqliteStore::open(&dir).unwrap(), "kept", "default", 3);
    assert!(file.is_file());
    assert_eq!(fs::read_to_string(dir.join(".gitignore")).unwrap(), "*\n");
    let again = SqliteStore::open(&dir).unwrap();
    assert_eq!(again.sweep(&id).unwrap().counts.pending, 3);
    assert_eq!(again.describe(), dir.display().to_string());
}

#[test]
fn many_may_open_a_new_store_at_once() {
    let (_folder, dir, _) = places();
    let mut numbers: Vec<u64> = thread::scope(|scope| {
        let open = || submit(&SqliteStore::open(&dir).unwrap(), "race", "default", 1).number;
        let threads: Vec<_> = (0..24).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=24));
}

#[test]
fn another_layout_is_refused() {
    let (_folder, dir, file) = places();
    drop(SqliteStore::open(&dir).unwrap());
    Connection::open(&file).unwrap().execute("UPDATE meta SET value = 77 WHERE name = 'layout'", []).unwrap();
    let error = refusal(&dir);
    assert_eq!(error.kind, StoreErrorKind::Newer, "{error}");
    assert!(error.message.contains("layout 77") && error.remedy.is_some(), "{error}");
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let (_folder, dir, file) = places();
    fs::create_dir_all(&dir).unwrap();
    Connection::open(&file)
        .unwrap()
        .execute_batch("CREATE TABLE recipes (name TEXT); PRAGMA user_version = 3")
        .unwrap();
    let before = fs::read(&file).unwrap();
    let error = refusal(&dir);
    assert!(error.kind == StoreErrorKind::Refused && error.remedy.is_some(), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_told() {
    let (_folder, dir, file) = places();
    fs::create_dir_all(&dir).unwrap();
    fs::write(&file, "a letter to the editor, long enough to be taken for a database\n".repeat(100)).unwrap();
    let error = refusal(&dir);
    assert_eq!(error.kind, StoreErrorKind::Damaged, "{error}");
    assert!(error.message.contains("sweep.db") && error.remedy.is_some(), "{error}");
}

#[test]
fn what_is_in_the_way_is_told() {
    let (_folder, dir, file) = places();
    fs::create_dir_all(&file).unwrap();
    let error = refusal(&dir);
    assert_eq!(error.kind, StoreErrorKind::InsufficientPermissions, "{error}");
    assert!(error.message.contains("sweep.db"), "{error}");
    let (_folder, dir, _) = places();
    fs::create_dir_all(dir.parent().unwrap()).unwrap();
    fs::write(&dir, "a file where the folder is to be").unwrap();
    let error = refusal(&dir);
    assert!(error.is_refusal() && error.message.contains(&dir.display().to_string()), "{error}");
}

#[test]
fn a_store_that_was_deleted_in_use_is_told() {
    let (_folder, dir, file) = places();
    let store = SqliteStore::open(&dir).unwrap();
    let id = submit(&store, "gone", "default", 3);
    fs::remove_file(&file).unwrap();
    let error = store.cancel(&id).unwrap_err();
    assert!(error.kind == StoreErrorKind::Refused && error.remedy.is_some(), "{error:?}");
}

#[test]
fn a_store_in_use_by_another_machine_is_refused() {
    let (_folder, dir, file) = places();
    let store = SqliteStore::open(&dir).unwrap();
    Worker::new(&store).beat(&[], LONG);
    drop(SqliteStore::open(&dir).unwrap());
    let now = store.workers().unwrap()[0].last_seen_ms;
    let other = "INSERT INTO workers VALUES ('w', 'elsewhere', 1, '[]', 1, 0, '[]', 'another-boot elsewhere', ?1)";
    let connection = Connection::open(&file).unwrap();
    connection.execute(other, [now]).unwrap();
    let error = refusal(&dir);
    assert_eq!(error.kind, StoreErrorKind::Refused, "{error}");
    assert!(error.message.contains("`elsewhere`") && error.remedy.is_some(), "{error}");
    connection.execute("UPDATE workers SET last_seen_ms = last_seen_ms - 70000 WHERE id = 'w'", []).unwrap();
    SqliteStore::open(&dir).unwrap();
}

#[test]
fn who_writes_waits_for_others_and_who_reads_does_not() {
    let (_folder, dir, file) = places();
    let store = SqliteStore::open(&dir).unwrap();
    let id = submit(&store, "locks", "default", 3);
    let mut other = Connection::open(&file).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    held.execute("UPDATE sweeps SET user = 'grace'", []).unwrap();
    thread::scope(|scope| {
        let writes = scope.spawn(|| store.set_paused(&id, Some("wait")));
        assert_eq!(store.sweep(&id).unwrap().user, "ada", "a reader sees what was committed");
        held.commit().unwrap();
        writes.join().unwrap().unwrap();
    });
    let row = store.sweep(&id).unwrap();
    assert_eq!((row.user.as_str(), row.paused.as_deref()), ("grace", Some("wait")));
}

#[test]
fn the_rest_of_a_removed_sweep_is_cleared_by_the_next_removal() {
    let (_folder, dir, file) = places();
    let store = SqliteStore::open(&dir).unwrap();
    let (half, whole) = (submit(&store, "half", "default", 1), submit(&store, "whole", "default", 1));
    let mut worker = Worker::new(&store);
    for id in [&half, &whole] {
        let claim = worker.claim_one(id, LONG);
        let (sweep, entry) = outcome(&claim, Verdict::Succeeded);
        let entry = ReportEntry { output: Some(vec![1; 100]), ..entry };
        assert_eq!(worker.exchange(grouped(vec![(sweep, entry)]), None).stale, vec![]);
    }
    // As a process leaves it that is killed while it removes.
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "INSERT INTO removed SELECT key FROM sweeps WHERE name = 'half'; DELETE FROM sweeps WHERE name = 'half';",
        )
        .unwrap();
    assert_eq!(recorded(&store, &whole).len(), 1);
    store.remove(&whole, false).unwrap();
    for table in ["sweeps", "chunks", "outputs", "removed"] {
        let left: u64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[test]
fn workers_unseen_for_a_day_are_forgotten_unless_they_hold_something() {
    let (_folder, dir, file) = places();
    let store = SqliteStore::open(&dir).unwrap();
    let id = submit(&store, "forgotten", "default", 1);
    let (mut holds, mut idle) = (Worker::new(&store), Worker::new(&store));
    holds.claim_one(&id, LONG);
    idle.exchange(vec![], None);
    for worker in [&holds, &idle] {
        worker.beat(&[], LONG);
    }
    let connection = Connection::open(&file).unwrap();
    let day = 24 * 3600 * 1000 + 1000;
    connection.execute("UPDATE workers SET last_seen_ms = last_seen_ms - ?1", [day]).unwrap();
    connection.execute("UPDATE replies SET at_ms = at_ms - ?1", [day]).unwrap();
    assert_eq!(store.workers().unwrap(), vec![]);
    let known = |table: &str, column: &str| -> Vec<String> {
        let ids = format!("SELECT {column} FROM {table} WHERE {column} IN (?1, ?2)");
        let mut statement = connection.prepare(&ids).unwrap();
        let rows = statement.query_map([&holds.id, &idle.id], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!((known("workers", "id").len(), known("replies", "worker").len()), (2, 2));
    let newcomer = Worker { store: &store, id: format!("newcomer-{}", unique()), seq: 0 };
    newcomer.beat(&[], LONG);
    assert_eq!(known("workers", "id"), [holds.id.clone()]);
    assert_eq!(known("replies", "worker"), [holds.id.clone()]);
}

#[test]
fn what_is_left_of_a_making_that_stood_still_is_cleared_away() {
    let (_folder, dir, file) = places();
    let store = SqliteStore::open(&dir).unwrap();
    let sweep = NewSweep {
        request: "r".into(),
        name: "left".into(),
        queue: "default".into(),
        total: 5,
        user: "ada".into(),
        document: vec![],
    };
    let draft = StagedSweep { token: "t".into(), sweep };
    store.stage(&draft).unwrap();
    let chunks = vec![(0, b"0:1;".to_vec())];
    store.add_staged(&draft, &StagedPart { points: 1, chunks, ready: vec![1..5], ..StagedPart::default() }).unwrap();
    let database = Connection::open(&file).unwrap();
    let rows = |table: &str| -> u64 {
        database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    let other = submit(&store, "other", "default", 1);
    assert_eq!(["drafts", "chunks", "ranges"].map(rows), [1, 1, 2], "it may yet go on");
    database.execute("UPDATE drafts SET heard_ms = heard_ms - 601000", []).unwrap();
    store.remove(&other, false).unwrap();
    assert_eq!(["drafts", "chunks", "ranges", "removed"].map(rows), [0; 4]);
    assert!(store.commit_staged(&draft).unwrap_err().to_string().contains("run the command again"));
}

#[test]
fn a_store_of_an_earlier_layout_is_read_as_it_is_and_migrated_by_the_first_request_that_writes() {
    let (_folder, dir, file) = earlier();
    let before = fs::read(&file).unwrap();
    let store = SqliteStore::open_existing(&dir).unwrap();
    let rows = store.sweeps().unwrap();
    assert!(!rows.is_empty());
    for row in &rows {
        store.document(&row.id).unwrap();
        store.log(&row.id, 0..1).unwrap();
    }
    let mut scope = rows.iter().map(|row| row.queue.clone()).collect::<Vec<_>>();
    scope.dedup();
    store.backlog(&Scope::Queues(scope)).unwrap();
    store.expired_counts().unwrap();
    store.workers().unwrap();
    store.info().unwrap();
    drop(store);
    assert_eq!(fs::read(&file).unwrap(), before, "to look changes nothing");
    assert_eq!(layout(&file), 2);
    let store = SqliteStore::open_existing(&dir).unwrap();
    store.set_paused(&rows[0].id, Some("wait")).unwrap();
    assert_eq!(layout(&file), 3);
    assert_eq!(store.sweep(&rows[0].id).unwrap().paused.as_deref(), Some("wait"));
    let (_other, new_dir, new) = places();
    SqliteStore::open(&new_dir).unwrap();
    assert_eq!(tables(&file), tables(&new), "a migrated store has the tables of a new one");
}

#[test]
fn who_only_looks_changes_nothing() {
    let (_folder, dir, file) = places();
    let id = submit(&SqliteStore::open(&dir).unwrap(), "looks", "default", 3);
    let before = fs::read(&file).unwrap();
    let store = SqliteStore::open_existing(&dir).unwrap();
    assert_eq!(store.sweep(&id).unwrap().counts.pending, 3);
    assert_eq!((store.mark_dead_workers().unwrap(), store.info().unwrap().leases.held), (0, 0));
    drop(store);
    assert_eq!(fs::read(&file).unwrap(), before);
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteStore::open_existing(folder.path()).err().unwrap();
    assert_eq!(error.kind, StoreErrorKind::NoStore, "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// What a store holds after the clock of the machine was set by some time.
#[cfg(target_os = "linux")]
fn as_if_the_clock_had_been_set(file: &Path, by_ms: i64) {
    let connection = Connection::open(file).unwrap();
    for change in [
        "UPDATE clock SET offset_ms = offset_ms - ?1",
        "UPDATE leases SET deadline_ms = deadline_ms - ?1",
        "UPDATE delayed SET due_ms = due_ms - ?1",
        "UPDATE workers SET last_seen_ms = last_seen_ms - ?1",
        "UPDATE meta SET value = value - ?1 WHERE name = 'last-look'",
    ] {
        connection.execute(change, [by_ms]).unwrap();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn retries_and_leases_keep_the_time_that_is_left_to_them_when_the_clock_is_set() {
    const HOUR: i64 = 3_600_000;
    for by_ms in [-HOUR, HOUR] {
        let (_folder, dir, file) = places();
        let store = SqliteStore::open(&dir).unwrap();
        let id = submit(&store, "clock", "default", 3);
        let mut worker = Worker::new(&store);
        worker.beat(&[], LONG);
        store.expired().unwrap();
        let claims = worker.claim(only(&id), 3, Duration::from_secs(600));
        assert!(worker.finish(&claims[0], Verdict::Again { delay_ms: 100 }));
        assert!(worker.finish(&claims[1], Verdict::Again { delay_ms: 600_000 }));
        let Worker { id: name, seq, .. } = worker;
        drop(store);
        as_if_the_clock_had_been_set(&file, by_ms);
        let store = SqliteStore::open(&dir).unwrap();
        let mut worker = Worker { store: &store, id: name, seq };
        let again = eventually("the short retry is due", || worker.claim(only(&id), 3, LONG).pop());
        assert_eq!(again.job.index, 0, "{by_ms}");
        assert_eq!(store.workers().unwrap().len(), 1, "{by_ms}: it was seen just now");
        assert_eq!(store.expired_counts().unwrap(), [], "{by_ms}");
        let left: i64 = Connection::open(&file)
            .unwrap()
            .query_row("SELECT min(due_ms) - (SELECT last_seen_ms FROM workers) FROM delayed", [], |row| row.get(0))
            .unwrap();
        assert!((590_000..=630_000).contains(&left), "{by_ms}: {left} ms left");
    }
}

#[test]
fn a_retry_waits_no_longer_than_it_had_left_when_the_machine_starts_with_an_earlier_clock() {
    let (_folder, dir, file) = places();
    let store = SqliteStore::open(&dir).unwrap();
    let id = submit(&store, "start", "default", 1);
    let mut worker = Worker::new(&store);
    store.expired().unwrap();
    let claim = worker.claim_one(&id, LONG);
    assert!(worker.finish(&claim, Verdict::Again { delay_ms: 100 }));
    let Worker { id: name, seq, .. } = worker;
    drop(store);
    let connection = Connection::open(&file).unwrap();
    // As a machine wrote it whose clock was an hour ahead, and which was restarted since.
    connection
        .execute_batch(
            "UPDATE clock SET boot = 'an earlier start', offset_ms = offset_ms + 3600000;
             UPDATE delayed SET due_ms = due_ms + 3600000;
             UPDATE meta SET value = value + 3600000 WHERE name = 'last-look';",
        )
        .unwrap();
    let store = SqliteStore::open(&dir).unwrap();
    let mut worker = Worker { store: &store, id: name, seq };
    eventually("the retry is due", || worker.claim(only(&id), 1, LONG).pop());
}

#[test]
#[cfg(target_os = "linux")]
fn claims_of_a_killed_worker_of_this_machine_are_found_without_a_wait() {
    let (_folder, dir, _) = places();
    let store = SqliteStore::open(&dir).unwrap();
    let id = submit(&store, "killed", "default", 2);
    let (mut dead, mut alive) = (Worker::new(&store), Worker::new(&store));
    let claims = [dead.claim_one(&id, LONG), alive.claim_one(&id, LONG)];
    let mut process = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    for (worker, pid, claim) in [(&dead, process.id(), &claims[0]), (&alive, std::process::id(), &claims[1])] {
        let held = vec![HeldClaim { job: claim.job.clone(), token: claim.token, started: true }];
        let worker = WorkerRow { pid, ..worker_row(&worker.id) };
        store.heartbeat(&Heartbeat { worker, lease: LONG, held }).unwrap();
    }
    assert_eq!(store.mark_dead_workers().unwrap(), 0);
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(store.mark_dead_workers().unwrap(), 1);
    assert_eq!(store.mark_dead_workers().unwrap(), 0, "it is marked once");
    assert_eq!(store.expired_counts().unwrap(), [(id, 1)]);
    let found = eventually("the claim is found", || Some(store.expired().unwrap()).filter(|found| !found.is_empty()));
    assert_eq!(found[0].claim, claims[0]);
    assert_eq!(found.len(), 1);
}

#[test]
fn an_idle_worker_looks_at_no_sweep_that_has_ended() {
    let (_folder, dir, file) = places();
    SqliteStore::open(&dir).unwrap();
    let connection = Connection::open(&file).unwrap();
    for (query, index) in [
        ("SELECT name FROM sweeps WHERE queue = ?1 AND pending + running > 0 ORDER BY key", "unfinished_sweeps"),
        ("SELECT name FROM sweeps WHERE queue = ?1 AND pending > 0 AND paused IS NULL ORDER BY key", "open_sweeps"),
        ("SELECT point FROM leases WHERE deadline_ms <= ?1", "leases_by_deadline"),
        ("UPDATE leases SET lease_ms = 0 WHERE worker = ?1", "leases_by_worker"),
    ] {
        let plan: String =
            connection.query_row(&format!("EXPLAIN QUERY PLAN {query}"), ["x"], |row| row.get(3)).unwrap();
        assert!(plan.contains(index), "{query}: {plan}");
    }
}
