//! Owns the checks of faults that only the embedded store can have: its folder, its file, its layout, other processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use rusqlite::Connection;
use tempfile::TempDir;

use sweep::job::Verdict;
use sweep::store::Inputs as _;
use sweep::store::sqlite::SqliteStore;
use sweep::store::{
    History, NewSweep, Queue, ReportEntry, Scope, StagedPart, StagedSweep, Staging, Store, StoreError, StoreErrorKind,
    Sweeps,
};

use crate::harness::{LONG, Worker, grouped, outcome, recorded, submit, unique};

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
pub fn places() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("deep/.sweep");
    let file = dir.join("sweep.db");
    (folder, dir, file)
}

fn refusal(dir: &Path) -> StoreError {
    match SqliteStore::open(dir) {
        Err(error) => error,
        Ok(_) => panic!("the store was opened"),
    }
}

#[test]
fn a_store_is_created_and_opened_again() {
    let (_folder, dir, file) = places();
    let id = submit(&SqliteStore::open(&dir).unwrap(), "kept", "default", 3);
    assert!(file.is_file());
    assert_eq!(fs::read_to_string(dir.join(".gitignore")).unwrap(), "*\n");
    let again = SqliteStore::open(&dir).unwrap();
    assert_eq!(again.sweep(&id).unwrap().counts.pending, 3);
    assert_eq!(again.describe(), dir.display().to_string());
}

#[test]
fn many_connections_create_a_store_at_once() {
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
fn a_newer_layout_is_refused() {
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
fn a_file_that_is_not_a_database_is_reported() {
    let (_folder, dir, file) = places();
    fs::create_dir_all(&dir).unwrap();
    fs::write(&file, "a text that is long enough for a database\n".repeat(100)).unwrap();
    let error = refusal(&dir);
    assert_eq!(error.kind, StoreErrorKind::Damaged, "{error}");
    assert!(error.message.contains("sweep.db") && error.remedy.is_some(), "{error}");
}

#[test]
fn a_path_that_is_in_the_way_is_reported() {
    let (_folder, dir, file) = places();
    fs::create_dir_all(&file).unwrap();
    let error = refusal(&dir);
    assert_eq!(error.kind, StoreErrorKind::InsufficientPermissions, "{error}");
    assert!(error.message.contains("sweep.db"), "{error}");
    let (_folder, dir, _) = places();
    fs::create_dir_all(dir.parent().unwrap()).unwrap();
    fs::write(&dir, "a file in the place of the folder").unwrap();
    let error = refusal(&dir);
    assert!(error.is_refusal() && error.message.contains(&dir.display().to_string()), "{error}");
}

#[test]
fn a_store_that_is_deleted_in_use_is_reported() {
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
fn writers_wait_for_each_other_and_readers_do_not() {
    let (_folder, dir, file) = places();
    let store = SqliteStore::open(&dir).unwrap();
    let id = submit(&store, "locks", "default", 3);
    let mut other = Connection::open(&file).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    held.execute("UPDATE sweeps SET user = 'grace'", []).unwrap();
    thread::scope(|scope| {
        let writes = scope.spawn(|| store.set_paused(&id, Some("wait")));
        assert_eq!(store.sweep(&id).unwrap().user, "ada", "a reader sees committed data");
        held.commit().unwrap();
        writes.join().unwrap().unwrap();
    });
    let row = store.sweep(&id).unwrap();
    assert_eq!((row.user.as_str(), row.paused.as_deref()), ("grace", Some("wait")));
}

#[test]
fn the_next_removal_finishes_an_interrupted_one() {
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
    // The state that a process leaves if it is killed during a removal.
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
fn workers_without_a_heartbeat_for_a_day_are_deleted_unless_they_hold_leases() {
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
fn a_staged_sweep_that_timed_out_is_deleted() {
    let (_folder, dir, file) = places();
    let store = SqliteStore::open(&dir).unwrap();
    let sweep = NewSweep {
        request: "r".into(),
        name: "left".into(),
        queue: "default".into(),
        total: 5,
        user: "ada".into(),
        document: vec![],
        inputs: sweep::model::FoundInputs::default(),
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
    assert_eq!(["drafts", "chunks", "ranges"].map(rows), [1, 1, 2], "it has not timed out");
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
        assert_eq!(store.inputs(&row.id).unwrap(), sweep::model::FoundInputs::default());
        assert_eq!(store.inputs_revision(&row.id).unwrap(), 0);
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
fn requests_that_only_read_change_nothing() {
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

#[test]
fn an_idle_worker_reads_no_sweep_that_has_ended() {
    let (_folder, dir, file) = places();
    SqliteStore::open(&dir).unwrap();
    let connection = Connection::open(&file).unwrap();
    for (query, index) in [
        (
            "SELECT name FROM sweeps WHERE queue = ?1 AND pending + running > 0 AND paused IS NULL AND pending > 0
             ORDER BY key",
            "unpaused_sweeps",
        ),
        (
            "SELECT name FROM sweeps WHERE queue = ?1 AND pending + running > 0 AND paused IS NOT NULL
             ORDER BY key LIMIT 100",
            "paused_sweeps",
        ),
    ] {
        let plan: String =
            connection.query_row(&format!("EXPLAIN QUERY PLAN {query}"), ["x"], |row| row.get(3)).unwrap();
        assert!(plan.contains(index), "{query}: {plan}");
    }
}
