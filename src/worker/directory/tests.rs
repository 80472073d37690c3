//! Tests of a job's directory: whose it is, and what becomes of what is found there.

use std::time::{Duration, SystemTime};

use super::*;

fn owner(index: u64, attempt: u32) -> Owner<'static> {
    Owner { submission: "aa", job: format!("s-1/{index}"), attempt, token: u64::from(attempt) }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_attempt_finds_it_fresh_and_the_earlier_ones_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("runs/s-1/7");
    for attempt in 1..=3 {
        assert_eq!(take(&dir, &owner(7, attempt)), Ok(DirectoryState::Fresh));
        assert_eq!(names(&dir), [JOB_MARKER_FILE]);
        fs::write(dir.join("out"), attempt.to_string()).unwrap();
    }
    assert_eq!(names(dir.parent().unwrap()), ["7", "7.attempt-1", "7.attempt-2"]);
    assert_eq!(fs::read_to_string(folder.path().join("runs/s-1/7.attempt-2/out")).unwrap(), "2");
}

#[test]
fn an_attempt_that_comes_late_does_not_disturb_a_newer_one() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("d");
    take(&dir, &owner(7, 2)).unwrap();
    assert_eq!(take(&dir, &owner(7, 1)), Err(DirectoryError::NewerAttempt));
    assert_eq!(names(folder.path()), ["d"]);
}

#[test]
fn a_directory_of_the_same_job_in_a_store_that_is_gone_is_moved_aside_too() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("d");
    for submission in ["aa", "bb", "cc"] {
        let owner = Owner { submission, ..owner(7, 1) };
        assert_eq!(take(&dir, &owner), Ok(DirectoryState::Fresh), "{submission}");
    }
    assert_eq!(names(folder.path()), ["d", "d.attempt-1", "d.attempt-1.2"]);
}

#[test]
fn a_directory_that_several_jobs_have_stays_for_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("d");
    assert_eq!(take(&dir, &owner(0, 1)), Ok(DirectoryState::Fresh));
    fs::write(dir.join("out"), "0").unwrap();
    assert_eq!(take(&dir, &owner(1, 1)), Ok(DirectoryState::AsItWas));
    assert_eq!(take(&dir, &owner(0, 2)), Ok(DirectoryState::AsItWas));
    assert_eq!(take(&dir, &owner(1, 2)), Ok(DirectoryState::AsItWas));
    assert_eq!(names(folder.path()), ["d"]);
    assert_eq!(names(&dir), [JOB_MARKER_FILE, "out"]);
}

#[test]
fn a_directory_with_something_in_it_is_used_as_it_stands_and_gets_no_marker() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("d");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("mine"), "x").unwrap();
    for attempt in 1..=2 {
        assert_eq!(take(&dir, &owner(0, attempt)), Ok(DirectoryState::AsItWas));
    }
    assert_eq!((names(&dir), names(folder.path())), (vec!["mine".to_owned()], vec!["d".to_owned()]));
}

#[test]
fn a_marker_that_is_no_marker_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["", "hello", "s-1/0 x aa 0\n", "shared\n"] {
        fs::write(folder.path().join(JOB_MARKER_FILE), text).unwrap();
        assert_eq!(take(folder.path(), &owner(0, 2)), Ok(DirectoryState::AsItWas), "{text:?}");
        assert_eq!(fs::read_to_string(folder.path().join(JOB_MARKER_FILE)).unwrap(), text);
    }
}

#[test]
fn of_many_jobs_that_come_at_once_all_get_in_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("d");
    std::thread::scope(|scope| {
        for index in 0..16 {
            let dir = &dir;
            scope.spawn(move || {
                take(dir, &owner(index, 1)).unwrap();
                fs::write(dir.join(index.to_string()), "").unwrap();
            });
        }
    });
    assert_eq!(names(folder.path()), ["d"]);
    assert_eq!(names(&dir).len(), 17);
}

#[test]
fn a_deck_replaces_a_link_and_not_what_it_points_to() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    fs::write(&kept, "kept").unwrap();
    std::os::unix::fs::symlink(&kept, folder.path().join("deck")).unwrap();
    let opened = FolderOfJob::open(folder.path()).unwrap();
    opened.write("deck", "new").unwrap();
    opened.write("sub/deck", "new").unwrap();
    assert_eq!(fs::read_to_string(&kept).unwrap(), "kept");
    assert_eq!(fs::read_to_string(folder.path().join("deck")).unwrap(), "new");
    assert_eq!(names(&folder.path().join("sub")), ["deck"]);
}

/// Reads the end of a file `out`.
fn read_out(folder: &Path, before: Option<FileStamp>, keep: usize) -> Result<Kept, String> {
    let before = before.map(|stamp| ("out".to_owned(), stamp)).into_iter().collect();
    Directory { dir: folder.to_owned(), before, is_fresh: false }.read("out", keep, None)
}

#[test]
fn the_end_of_a_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("out"), "0123456789").unwrap();
    let read = |keep| read_out(folder.path(), None, keep).unwrap();
    assert_eq!(read(4), Kept { tail: b"6789".to_vec(), total: 10 });
    assert_eq!(read(10), Kept { tail: b"0123456789".to_vec(), total: 10 });
    let mut before = Vec::new();
    let directory = Directory { dir: folder.path().to_owned(), before: Vec::new(), is_fresh: false };
    let end = directory.read("out", 4, Some(&mut |bytes| before.extend_from_slice(bytes))).unwrap();
    assert_eq!((before.as_slice(), end), (&b"012345"[..], read(4)));
}

#[test]
fn a_file_that_the_job_did_not_write_is_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    assert!(read_out(folder.path(), None, 9).unwrap_err().starts_with("the job wrote no file "));
    let write = |text: &str, age: u64| {
        fs::write(&path, text).unwrap();
        let time = SystemTime::now() - Duration::from_secs(age);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    };
    write("old", 3600);
    let before = FolderOfJob::open(folder.path()).unwrap().stamp("out").unwrap().if_old();
    assert!(read_out(folder.path(), before, 9).unwrap_err().contains("was there before"));
    write("new", 0);
    assert_eq!(read_out(folder.path(), before, 9).unwrap().tail, b"new");
    assert_eq!(FolderOfJob::open(folder.path()).unwrap().stamp("out").unwrap().if_old(), None);
}

#[test]
fn what_is_no_file_is_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let made: [&dyn Fn(); 3] = [
        &|| assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success()),
        &|| std::os::unix::fs::symlink("/dev/zero", &path).unwrap(),
        &|| fs::create_dir(&path).unwrap(),
    ];
    for make in made {
        make();
        let told = read_out(folder.path(), None, 9).unwrap_err();
        let is_refused = told.ends_with("it is not a regular file") || told.ends_with("it is a link");
        assert!(is_refused, "{told}");
        fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).unwrap();
    }
}
