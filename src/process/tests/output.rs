//! Owns the tests of the input and output of jobs.

use super::*;

#[test]
fn both_outputs_are_kept_apart() {
    let ended = run_it(&sh("echo out; echo err >&2"));
    assert_eq!(ended.output.stdout.tail, b"out\n");
    assert_eq!(ended.output.stderr.tail, b"err\n");
    assert!(!ended.output.stdout.is_cut());
}

#[test]
fn words_variables_directory_and_name_arrive_as_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut launch = sh(r#"printf '%s|' "$0" "$1" "$2" "$A" "$PATH"; pwd -P"#);
    launch.argv.extend(["my name".into(), "a b'c\"".into(), "".into()]);
    launch.env = vec![("A".into(), "x = y".into()), ("PATH".into(), "/nowhere".into())];
    launch.dir = folder.path().canonicalize().unwrap();
    let expected = format!("my name|a b'c\"||x = y|/nowhere|{}\n", launch.dir.display());
    assert_eq!(stdout(&run_it(&launch)), expected);
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_gets_its_name_as_written_unless_that_is_a_relative_path() {
    for (word, told) in [("sh", "sh"), ("./sh", "/bin/sh"), ("/elsewhere/sh", "/elsewhere/sh")] {
        let mut launch = sh("tr '\\0' '\\n' < /proc/$$/cmdline | head -1");
        launch.argv[0] = word.into();
        assert_eq!(stdout(&run_it(&launch)).trim_end(), told);
    }
}

#[test]
fn output_without_end_takes_bounded_memory() {
    let mut launch = sh("head -c 50000000 /dev/zero; printf end; head -c 3000000 /dev/zero | tr '\\0' e >&2");
    launch.limits.keep = 1000;
    let mut before = 0;
    let ended = run(&launch, &Stopper::new().unwrap(), &mut |bytes| before += bytes.len()).unwrap();
    let stdout = ended.output.stdout;
    assert_eq!((stdout.total, stdout.tail.len(), before), (50_000_003, 1000, 49_999_003));
    assert!(stdout.tail.ends_with(b"\0end"));
    assert!(stdout.is_cut());
    let stderr = ended.output.stderr;
    assert_eq!((stderr.total, stderr.tail), (3_000_000, vec![b'e'; 1000]));
}

#[test]
fn output_that_is_not_kept_goes_to_overflow_and_nothing_is_missing() {
    let mut launch = sh("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i + 1)); done");
    launch.limits.keep = 100;
    let mut all = Vec::new();
    let ended = run(&launch, &Stopper::new().unwrap(), &mut |bytes| all.extend_from_slice(bytes)).unwrap();
    all.extend(ended.output.stdout.tail);
    let expected: String = (0..2000).map(|i| format!("line {i}\n")).collect();
    assert!(all == expected.into_bytes());
}

#[test]
fn output_that_never_stops_is_ended_by_the_time_out() {
    let ended = run_it(&limited("yes", 300, 1000));
    assert_eq!(ended.ended_by, Some(EndedBy::Timeout));
    assert!(ended.output.stdout.tail.len() <= 64 * 1024);
    // After the job's own end, whatever it left behind has a second to write.
    let begun = Instant::now();
    let ended = run_it(&sh("yes & exit 0"));
    assert_eq!((ended.exit, ended.ended_by), (Exit::Code(0), None));
    assert!(begun.elapsed() < BRIEF);
}

#[test]
fn bytes_that_are_not_text_are_kept() {
    let ended = run_it(&sh(r"printf '\377\000\200 no newline'"));
    assert_eq!(ended.output.stdout.tail, b"\xff\x00\x80 no newline");
}

#[test]
fn a_job_may_close_its_output_and_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let later = folder.path().join("later");
    let ended = run_it(&sh(&format!("echo early; exec >&- 2>&-; sleep 0.2; echo > {}; exit 4", later.display())));
    assert_eq!((ended.exit, ended.ended_by), (Exit::Code(4), None));
    assert_eq!(stdout(&ended), "early\n");
    assert!(later.exists());
    assert!(ended.seconds >= 0.2);
}

#[test]
fn without_input_a_reader_finds_the_end_at_once() {
    let ended = run_it(&limited("cat", 15_000, 1));
    assert_eq!((ended.exit, ended.ended_by), (Exit::Code(0), None));
}

#[test]
fn a_megabyte_of_input_is_delivered() {
    let mut launch = sh("cat");
    launch.stdin = (0..1_000_000_u32).map(|i| (i * 31 % 251) as u8).collect();
    launch.limits.keep = 2_000_000;
    assert!(run_it(&launch).output.stdout.tail == launch.stdin);
}

#[test]
fn input_that_is_not_read_delays_nothing() {
    for (script, exit) in [("exit 5", 5), ("exec <&-; sleep 0.1; exit 6", 6), ("sleep 0.1; exit 7", 7)] {
        let mut launch = limited(script, 15_000, 1);
        launch.stdin = vec![b'x'; 1_000_000];
        let ended = run_it(&launch);
        assert_eq!((ended.exit, ended.ended_by), (Exit::Code(exit), None));
    }
}
