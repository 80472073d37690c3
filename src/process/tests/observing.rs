//! Owns the tests of observed jobs: what is seen of real programs, and that they run as if they were not observed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::project::{Access, ProjectRules};

/// A project in a temporary folder.
struct Project {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Project {
    fn new() -> Project {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        Project { _folder: folder, root }
    }

    fn with(self, path: &str, text: &str) -> Project {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn launch(&self, script: &str) -> Launch {
        let rules = ProjectRules::new(&["*.log".to_owned()], Vec::new(), &self.root, &self.root, &self.root);
        let observer = Observer::new(Arc::new(rules)).unwrap();
        Launch { dir: self.root.clone(), observer: Some(Arc::new(observer)), ..sh(script) }
    }

    /// Runs a script observed. Returns how it ended and what it did with the files of the project.
    fn observe(&self, script: &str) -> (Ended, Seen) {
        self.observe_launch(&self.launch(script))
    }

    fn observe_launch(&self, launch: &Launch) -> (Ended, Seen) {
        let ended = run_it(launch);
        let observation = launch.observer.as_ref().unwrap().finish().unwrap();
        let name = |path: &Path| path.strip_prefix(&self.root).unwrap().to_str().unwrap().to_owned();
        let word = |access: &Access| match access {
            Access::Read(_) => "read",
            Access::Updated(_) => "updated",
            Access::Absent => "absent",
            Access::Written => "written",
        };
        let files = observation.log.files().map(|(path, access)| (name(path), word(access))).collect();
        let folders = observation.log.folders().map(|(path, _)| name(path)).collect();
        assert_eq!(observation.log.missed, 0);
        (ended, Seen { files, folders })
    }
}

#[derive(Debug)]
struct Seen {
    files: BTreeMap<String, &'static str>,
    folders: Vec<String>,
}

impl Seen {
    fn of(&self, path: &str) -> &str {
        self.files.get(path).copied().unwrap_or("nothing")
    }
}

fn compile(project: &Project, source: &str, options: &[&str]) -> Option<PathBuf> {
    let (input, output) = (project.root.join("program.c"), project.root.join("program"));
    fs::write(&input, source).unwrap();
    let compiled = Command::new("cc").args(options).arg("-o").arg(&output).arg(&input).output().ok()?;
    compiled.status.success().then_some(output)
}

#[test]
fn what_a_shell_script_reads_writes_and_misses_is_seen() {
    let project = Project::new().with("a.txt", "a").with("sub/b.txt", "b").with("old.txt", "o").with("noise.log", "n");
    let (ended, seen) = project.observe(
        "cat a.txt ./sub/../sub/b.txt noise.log; cd sub && cat ../a.txt; cat missing.txt; echo x > new.txt; cat new.txt
         echo more >> ../old.txt; rm -f ../gone.txt; mv new.txt renamed.txt; test -e ../looked.txt; exit 7",
    );
    assert_eq!(ended.exit, Exit::Code(7));
    assert_eq!(stdout(&ended), "abnax\n");
    for (path, access) in [
        ("a.txt", "read"),
        ("sub/b.txt", "read"),
        ("noise.log", "nothing"),
        ("sub/missing.txt", "absent"),
        ("sub/new.txt", "written"),
        ("sub/renamed.txt", "written"),
        ("old.txt", "written"),
        ("looked.txt", "absent"),
    ] {
        assert_eq!(seen.of(path), access, "{path}: {seen:?}");
    }
}

#[test]
fn links_folders_and_programs_of_the_project_are_seen() {
    let outside = Project::new();
    let project = Project::new().with("real.txt", "r").with("data/1", "").with("data/2", "").with("runs/a/x", "");
    std::os::unix::fs::symlink("../../real.txt", project.root.join("runs/a/link.txt")).unwrap();
    std::os::unix::fs::symlink(project.root.join("real.txt"), outside.root.join("from-outside")).unwrap();
    fs::copy("/bin/true", project.root.join("program")).unwrap();
    let script = format!("cat runs/a/link.txt {}/from-outside runs/a/x; ls data; ./program", outside.root.display());
    let (ended, seen) = project.observe(&script);
    assert_eq!(ended.exit, Exit::Code(0));
    assert_eq!((seen.of("real.txt"), seen.of("program"), seen.of("runs/a/x")), ("read", "read", "nothing"));
    assert_eq!(seen.folders, ["data"]);
}

#[test]
fn a_file_that_is_opened_for_both_and_one_that_is_replaced_are_told_apart() {
    let project = Project::new().with("both.txt", "b").with("state.txt", "s");
    let script = "exec 3<>both.txt; cat <&3; cat state.txt; echo n > state.tmp; mv state.tmp state.txt";
    let (_, seen) = project.observe(script);
    assert_eq!((seen.of("both.txt"), seen.of("state.txt")), ("updated", "written"), "{seen:?}");
}

#[test]
fn many_processes_and_threads_are_seen_while_signals_arrive() {
    let source = r#"
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/time.h>
        static void handler(int signal) { (void)signal; }
        static void *reader(void *number) {
            char path[64], text[8] = "";
            for (int i = 0; i < 50; i++) {
                snprintf(path, sizeof path, "in/%ld.txt", (long)number);
                FILE *file = fopen(path, "r");
                if (!file || !fgets(text, sizeof text, file) || strcmp(text, "ok")) exit(3);
                fclose(file);
            }
            return NULL;
        }
        int main(void) {
            struct sigaction action = {0};
            action.sa_handler = handler;
            action.sa_flags = SA_RESTART;
            sigaction(SIGALRM, &action, NULL);
            struct itimerval often = {{0, 500}, {0, 500}};
            setitimer(ITIMER_REAL, &often, NULL);
            pthread_t threads[8];
            for (long i = 0; i < 8; i++) pthread_create(&threads[i], NULL, reader, (void *)i);
            for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
            return 0;
        }"#;
    let mut project = Project::new();
    for number in 0..8 {
        project = project.with(&format!("in/{number}.txt"), "ok");
    }
    for options in [&["-pthread"][..], &["-pthread", "-static"]] {
        if compile(&project, source, options).is_none() {
            continue;
        }
        let (ended, seen) = project.observe(
            "for i in 1 2 3 4; do ./program & pids=\"$pids $!\"; done; for p in $pids; do wait $p || exit 9; done",
        );
        assert_eq!(ended.exit, Exit::Code(0), "{options:?}");
        assert!((0..8).all(|number| seen.of(&format!("in/{number}.txt")) == "read"), "{seen:?}");
        assert_eq!(seen.of("program"), "read");
    }
}

#[test]
fn a_job_ends_as_without_observation() {
    let project = Project::new().with("a.txt", "a");
    assert_eq!(project.observe("kill -9 $$").0.exit, Exit::Signal(9));
    assert_eq!(project.observe("exit 4").0.exit, Exit::Code(4));
    let launch = Launch { program: project.root.join("none"), ..project.launch("") };
    let Err(error) = run(&launch, &Stopper::new().unwrap(), &mut |_| {}) else { panic!("it was started") };
    assert!(error.is_of_program(), "{error}");
    let launch = Launch { dir: project.root.join("none"), ..project.launch("") };
    assert!(run(&launch, &Stopper::new().unwrap(), &mut |_| {}).is_err());
    let mut launch = project.launch("while :; do cat a.txt > /dev/null; done");
    launch.limits.timeout = Some(Duration::from_millis(300));
    assert_eq!(run_it(&launch).ended_by, Some(EndedBy::Timeout));
}

#[test]
fn a_process_that_outlives_its_job_can_still_open_files() {
    let project = Project::new().with("a.txt", "a");
    let out = project.root.join("out.log");
    let rest = "touch began.log; until test -e go.log; do sleep 0.01; done; cat a.txt > tmp.log; mv tmp.log out.log";
    let script = format!("setsid sh -c '{rest}' > /dev/null 2>&1 & until test -e began.log; do sleep 0.01; done");
    let begun = Instant::now();
    let (ended, _) = project.observe(&script);
    assert_eq!(ended.exit, Exit::Code(0));
    assert!(begun.elapsed() < BRIEF, "the job waited for what it left behind");
    fs::write(project.root.join("go.log"), "").unwrap();
    eventually("the process has read the file", || fs::read_to_string(&out).is_ok_and(|text| text == "a"));
}

#[test]
fn a_job_under_a_filter_of_its_own_and_one_that_cannot_be_observed_run_all_the_same() {
    let project = Project::new().with("a.txt", "a");
    let source = r#"
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #include <stddef.h>
        #include <stdio.h>
        #include <sys/prctl.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        int main(int count, char **words) {
            struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_personality, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            };
            struct sock_fprog program = {4, code};
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) return 5;
            (void)count;
            execvp(words[1], words + 1);
            return 6;
        }"#;
    if compile(&project, source, &[]).is_some() {
        let (ended, seen) = project.observe("exec ./program cat a.txt");
        assert_eq!((ended.exit, stdout(&ended), seen.of("a.txt")), (Exit::Code(0), "a".into(), "read"));
    }
    // A second start with the same observer is not observed.
    let launch = project.launch("cat a.txt");
    run_it(&launch);
    assert_eq!(stdout(&run_it(&launch)), "a");
}
