//! Owns the tests of the search for programs, and of the messages about those that are missing or cannot be run.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

/// A folder of a sweep file, and a folder of PATH.
struct ProgramFolders {
    folder: tempfile::TempDir,
}

impl ProgramFolders {
    fn new() -> ProgramFolders {
        let folders = ProgramFolders { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(folders.here()).unwrap();
        fs::create_dir(folders.bin()).unwrap();
        folders.put("bin/simulate", 0o755, "#!/bin/sh\necho hello\n");
        folders
    }

    fn here(&self) -> PathBuf {
        self.folder.path().join("here")
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn put(&self, name: &str, mode: u32, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn resolve(&self, program: &str) -> Result<PathBuf, StartError> {
        let path = std::env::join_paths([self.folder.path().join("missing"), self.bin()]).unwrap();
        resolve(program, &self.here(), Some(&path))
    }

    /// The message, with the folder left out.
    fn refusal(&self, program: &str) -> String {
        let error = self.resolve(program).unwrap_err();
        assert!(!error.is_transient());
        error.to_string().replace(&format!("{}/", self.folder.path().display()), "")
    }
}

#[test]
fn a_bare_name_is_searched_for_on_path_and_a_path_is_relative_to_here() {
    let folders = ProgramFolders::new();
    let own = folders.put("here/own", 0o755, "#!/bin/sh\n");
    let deep = folders.put("here/tools/deep", 0o755, "\x7fELF\0");
    assert_eq!(folders.resolve("simulate").unwrap(), folders.bin().join("simulate"));
    assert_eq!(folders.resolve("./own").unwrap(), own);
    assert_eq!(folders.resolve("tools/deep").unwrap(), deep);
    assert_eq!(folders.resolve("../here/./own").unwrap(), folders.here().join("../here/own"));
    assert_eq!(folders.resolve("/bin/sh").unwrap(), Path::new("/bin/sh"));
    assert!(resolve("sh", &folders.here(), None).unwrap().is_absolute());
    // A relative folder of PATH is relative to `here`, and never gives a relative program.
    assert_eq!(resolve("deep", &folders.here(), Some(OsStr::new("tools"))).unwrap(), deep);
    assert_eq!(resolve("own", &folders.here(), Some(OsStr::new(""))).unwrap(), own);
}

#[test]
fn a_link_keeps_its_name() {
    let folders = ProgramFolders::new();
    let link = folders.here().join("python");
    std::os::unix::fs::symlink(folders.bin().join("simulate"), &link).unwrap();
    assert_eq!(folders.resolve("./python").unwrap(), link);
}

#[test]
fn for_a_missing_program_another_one_is_suggested() {
    let folders = ProgramFolders::new();
    folders.put("here/solver", 0o755, "#!/bin/sh\n");
    folders.put("here/ising.py", 0o644, "print(1)\n");
    folders.put("here/tool.py", 0o755, "#!/bin/sh\n");
    folders.put("here/closed.sh", 0o644, "#!/bin/sh\n");
    let refusals: Vec<String> = [
        "solver",
        "tool.py",
        "ising.py",
        "closed.sh",
        "simulat",
        "Simulate",
        "solvr",
        "./solvr",
        "frobnicate",
        "./bin/frobnicate",
        "cd",
        "OMP_NUM_THREADS=1",
        "simulate --fast",
        "./solver -x",
        "~/solver",
        "",
    ]
    .iter()
    .map(|program| folders.refusal(program))
    .collect();
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    there is no program `solver` in the folders of PATH; the folder of the sweep file has one: write `./solver`
    there is no program `tool.py` in the folders of PATH; the folder of the sweep file has one: write `./tool.py`
    there is no program `ising.py` in the folders of PATH; the folder of the sweep file has a file of that name, but it is not executable: write `python3 ising.py`
    there is no program `closed.sh` in the folders of PATH; the folder of the sweep file has a file of that name, but it is not executable: type `chmod +x here/closed.sh`, and write `./closed.sh`
    there is no program `simulat` in the folders of PATH; did you mean `simulate`?
    there is no program `Simulate` in the folders of PATH; did you mean `simulate`?
    there is no program `solvr` in the folders of PATH; did you mean `./solver`?
    there is no program `here/solvr`; did you mean `./solver`?
    there is no program `frobnicate` in the folders of PATH; install it, or write its path
    there is no program `here/bin/frobnicate`; build it, or correct the path, which is relative to the folder of the sweep file
    there is no program `cd` in the folders of PATH; it is a shell command: set `shell = true` under `[job]`
    there is no program `OMP_NUM_THREADS=1` in the folders of PATH; set variables by `env` under `[job]`, or set `shell = true` there
    there is no program `simulate --fast` in the folders of PATH; split it into several words: `simulate` and its arguments, each in quotes of its own
    there is no program `here/solver -x`; split it into several words: `./solver` and its arguments, each in quotes of its own
    there is no program `here/~/solver`; write the path in full: only a shell knows `~`
    there is no program with an empty name; give the command a program
    "#);
}

#[test]
fn for_a_file_that_cannot_be_run_the_message_has_the_remedy() {
    let folders = ProgramFolders::new();
    folders.put("here/model.jl", 0o644, "println(1)\n");
    folders.put("here/built", 0o644, "\x7fELF\0");
    folders.put("here/it's", 0o644, "\x7fELF\0");
    folders.put("here/script.sh", 0o644, "#!/bin/sh\n");
    folders.put("here/bare.py", 0o755, "print(1)\n");
    folders.put("here/bare", 0o755, "echo 1\n");
    folders.put("here/empty", 0o755, "");
    folders.put("here/orphan", 0o755, "#! /no/such/interpreter -x\n");
    folders.put("here/windows.sh", 0o755, "#!/bin/sh\r\necho 1\r\n");
    folders.put("bin/blocked", 0o644, "\x7fELF\0");
    std::os::unix::fs::symlink("gone", folders.here().join("dangling")).unwrap();
    let refusals: Vec<String> = [
        "./model.jl",
        "./built",
        "./it's",
        "./script.sh",
        "./bare.py",
        "./bare",
        "./empty",
        "./orphan",
        "./windows.sh",
        "../bin",
        "blocked",
        "./dangling",
    ]
    .iter()
    .map(|program| folders.refusal(program))
    .collect();
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    `here/model.jl` cannot be run: it is not executable; write `julia ./model.jl`
    `here/built` cannot be run: it is not executable; type `chmod +x here/built`
    `here/it's` cannot be run: it is not executable; type `chmod +x "here/it's"`
    `here/script.sh` cannot be run: it is not executable; type `chmod +x here/script.sh`
    `here/bare.py` cannot be run: it is a text without a `#!` line that names its interpreter; write `python3 ./bare.py`
    `here/bare` cannot be run: it is a text without a `#!` line that names its interpreter; write the interpreter before it (`sh ./bare`), or `#!/bin/sh` as its first line
    `here/empty` cannot be run: it is a text without a `#!` line that names its interpreter; write the interpreter before it (`sh ./empty`), or `#!/bin/sh` as its first line
    `here/orphan` cannot be run: its first line names the interpreter `/no/such/interpreter`, which does not exist; install that, or correct the line
    `here/windows.sh` cannot be run: it has Windows line ends, so that the interpreter in its first line is not found; type `perl -pi -e 's/\r$//' here/windows.sh`
    `here/../bin` cannot be run: it is a directory; name a program in it
    `bin/blocked` cannot be run: it is not executable; type `chmod +x bin/blocked`
    `here/dangling` cannot be run: it is a link to a file that does not exist; make the link again
    "#);
}

/// The messages when the file was fine when it was resolved, and is not when it is started.
#[test]
fn a_failed_start_names_the_file() {
    let folders = ProgramFolders::new();
    let refused = |program: PathBuf, dir: &str, word: &str| {
        let mut launch = sh("");
        launch.argv = vec![word.into()];
        (launch.program, launch.dir) = (program, folders.folder.path().join(dir));
        let stopper = Stopper::new().unwrap();
        // While another test's child exists before its exec, that has our new file open to write: then again.
        let mut errors = std::iter::repeat_with(|| run(&launch, &stopper, &mut |_| {}).unwrap_err());
        let error = errors.find(|error| !error.is_transient()).unwrap();
        error.to_string().replace(&format!("{}/", folders.folder.path().display()), "")
    };
    folders.put("here/file", 0o644, "");
    let simulate = folders.bin().join("simulate");
    let refusals = [
        refused(simulate.clone(), "gone", "simulate"),
        refused(simulate.clone(), "here/file", "simulate"),
        refused(folders.bin().join("gone"), "here", "gone"),
        refused(folders.put("here/orphan", 0o755, "#!/no/such\n"), "here", "./orphan"),
        refused(folders.put("here/text", 0o755, "hello\n"), "here", "./text"),
        refused(folders.put("here/alien", 0o755, "\0\x01\x02"), "here", "./alien"),
        refused(simulate, "here", "nul\0byte").replace('\0', "?"),
    ];
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    the job's directory `gone` does not exist (any more); create it again
    the job's directory `here/file` is a file; use another name under `[job] dir`
    there is no program `bin/gone`; put it back, or correct its path
    `here/orphan` cannot be run: its first line names the interpreter `/no/such`, which does not exist; install that, or correct the line
    `here/text` cannot be run: it is a text without a `#!` line that names its interpreter; write the interpreter before it (`sh ./text`), or `#!/bin/sh` as its first line
    the system did not start `here/alien`: Exec format error (os error 8); it is not a program for this kind of machine; build it here
    the system did not start `bin/simulate`: nul byte found in provided data; an argument, a variable or a path contains a NUL byte, which no program can receive; remove it
    "#);
}

#[test]
fn a_command_that_is_too_long_is_not_the_machines_fault() {
    let mut launch = sh("");
    launch.argv.push("x".repeat(5_000_000));
    let error = run(&launch, &Stopper::new().unwrap(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("pass long values by `stdin`"), "{error}");
    assert!(!error.is_transient());
}

#[test]
fn transient_errors_are_told_from_lasting_ones() {
    let launch = sh("");
    let of = |errno: rustix::io::Errno| start_failure::explain(errno.into(), &launch);
    use rustix::io::Errno;
    for errno in [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::TXTBSY] {
        assert!(of(errno).is_transient(), "{errno:?}");
    }
    for errno in [Errno::NOENT, Errno::TOOBIG, Errno::NOEXEC, Errno::ACCESS] {
        assert!(!of(errno).is_transient(), "{errno:?}");
    }
    assert!(of(Errno::AGAIN).to_string().ends_with("use fewer slots (`-j`) or raise `ulimit -u`"));
}
