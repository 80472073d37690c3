//! Owns the tests of reading results from the output and the files of real jobs.

use crate::common::Sandbox;

/// Why a job failed.
fn cause(sandbox: &Sandbox, job: &str) -> String {
    sandbox.sweep(&["show", job, "--json"]).code(0).json()["cause"].to_string()
}

#[test]
fn lines_are_read_from_all_of_a_long_output() {
    let sandbox = Sandbox::embedded();
    // A megabyte after the first result, and one after the second. The output of the third job has no line break.
    sandbox.write(
        "job.sh",
        "echo E = 1\nfill() { head -c 1000000 /dev/zero | tr '\\0' \"$1\" | fold -w 79; echo; }\nfill x\n\
         [ $1 = 2 ] && echo E = 2 && fill y\n[ $1 = 3 ] && head -c 1000000 /dev/zero\nexit 0\n",
    );
    let text =
        |results: &str| format!("command = \"sh job.sh {{{{ n }}}}\"\n[grid]\nn = [1, 2, 3]\n[results]\n{results}\n");
    sandbox.write("a.toml", &text("format = \"regex\"\ncolumns = { energy = 'E = (\\S+)' }"));
    sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(1);
    let energies: Vec<_> = sandbox.rows("a.csv").iter().map(|row| row["energy"].clone()).collect();
    assert_eq!(energies, ["1", "2"]);
    assert!(cause(&sandbox, "a-1/2").contains("longer than 256 KiB"), "{}", cause(&sandbox, "a-1/2"));
    for format in ["auto", "keyvalue"] {
        sandbox.write("b.toml", &text(&format!("format = \"{format}\"")));
        sandbox.sweep(&["run", "b.toml", "--out", "b.csv"]).code(0);
        let found: Vec<_> = sandbox.rows("b.csv").iter().map(|row| row["E"].clone()).collect();
        assert_eq!(found, ["1", "2", "1"], "{format}");
    }
}

#[test]
fn results_come_from_output_and_files_together() {
    for sandbox in Sandbox::both() {
        sandbox.write(
            "job.sh",
            "echo \"setup took 0.5 s\"; printf '{\\n \"stats\": {\"e\": [1, 2.50]},\\n \"ok\": true, \"x\": NaN\\n}\\n' > out.json\n\
             yes 'step of many' | head -n 50000 > log.txt; echo \"steps: $1\" >> log.txt\n\
             [ $1 = 2 ] && echo ok = false >> log.txt; exit 0\n",
        );
        sandbox.write(
            "a.toml",
            "command = \"sh {{ here }}/job.sh {{ n }}\"\n[grid]\nn = [1, 2]\n\
             [[results]]\nformat = \"regex\"\ncolumns = { setup = 'took (\\S+) s' }\n\
             [[results]]\nfrom = \"out.json\"\nformat = \"json\"\n\
             columns = { e = \"stats.e[-1]\", ok = \"ok\", x = \"x\" }\nrequire = [\"e\"]\n\
             [[results]]\nfrom = \"log.txt\"\nformat = \"keyvalue\"\n",
        );
        sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(1);
        let rows = sandbox.rows("a.csv");
        let told = ["setup", "e", "ok", "x", "steps"].map(|name| rows[0][name].as_str());
        assert_eq!((rows.len(), told), (1, ["0.5", "2.5", "true", "NaN", "1"]));
        let why = cause(&sandbox, "a-1/1");
        assert!(why.contains("`ok` is `true` in out.json and `false` in log.txt"), "{why}");
    }
}

#[test]
fn what_is_kept_of_output_is_what_the_sweep_file_says() {
    let sandbox = Sandbox::embedded();
    sandbox.write("job.sh", "head -c 20000 /dev/zero | tr '\\0' x; echo; echo why >&2; exit $1\n");
    let kept = |keys: &str| -> Vec<(usize, String)> {
        let text = format!("command = \"sh job.sh {{{{ n }}}}\"\n[grid]\nn = [0, 1]\n[job]\n{keys}\n");
        sandbox.write("a.toml", &text);
        let id = sandbox.sweep(&["submit", "a.toml", "--fresh"]).code(0).stdout.trim().to_owned();
        sandbox.sweep(&["worker", "--until-empty"]).code(1);
        let logs = |job: usize| sandbox.sweep(&["logs", &format!("{id}/{job}")]).code(0);
        [0, 1].map(|job| (logs(job).stdout.len(), logs(job).stderr)).into()
    };
    let lengths = |kept: &[(usize, String)]| (kept[0].0, kept[1].0);
    assert_eq!(lengths(&kept("")), (4096, 16384));
    assert_eq!(lengths(&kept("logs-limit = \"64KiB\"")), (20001, 20001));
    assert_eq!(lengths(&kept("logs = \"failed\"\nlogs-limit = \"1kB\"")), (0, 1000));
    let none = kept("logs = \"none\"");
    assert_eq!(lengths(&none), (0, 0));
    assert!(none[1].1.contains("or its output is not stored (see `logs`"), "{}", none[1].1);
}

#[test]
fn what_programs_print_is_read_without_settings() {
    let sandbox = Sandbox::embedded();
    // What a job prints, and a result that the table must have.
    let cases = [
        (r"wall time: 5\nE(tot) = 3\n", "wall time", "5"),
        (r"wall time: 5\nE(tot) = 3\n", "E(tot)", "3"),
        (r"Epoch 5/5 - loss: 0.5 - acc: 0.9\n", "acc", "0.9"),
        (r"\033[1;32menergy\033[0m = \033[33m-1.5\033[m   steps = 10\r\n", "energy", "-1.5"),
        (r"starting\n{\n  \042a\042: {\042b\042: 1}\n}\nfinished in 3 s\n", "a.b", "1"),
        (r"{\042x\042: 1}\nlog\n{\042x\042: 2}\n", "x", "2"),
    ];
    for (output, name, value) in cases {
        sandbox.write("job.sh", &format!("printf '{output}'\n"));
        sandbox.write("a.toml", "command = \"sh job.sh {{ n }}\"\n[grid]\nn = [1]\n");
        sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(0);
        assert_eq!(sandbox.rows("a.csv")[0].get(name).map(String::as_str), Some(value), "{output}");
    }
}

#[test]
fn tables_in_output_and_files_are_reduced() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "job.sh",
        "echo 'Step Temp TotEng'; echo '0 1.5 -4.5'; echo 'WARNING: hot'; echo '100 0.5 -4.25'; echo '200 0.25 -4.0'\n\
         echo 'Loop time of 0.5'; printf '\"\",\"x\"\\n\"a\",1\\n\"b\",2\\n' > out.csv\n",
    );
    sandbox.write(
        "a.toml",
        "command = \"sh {{ here }}/job.sh\"\n[grid]\nn = [1]\n[[results]]\nformat = \"table\"\n\
         columns = { energy = \"TotEng\", hottest = { column = \"Temp\", reduce = \"max\" } }\nwhere = \"Step < 150\"\n\
         [[results]]\nfrom = \"out.csv\"\nformat = \"table\"\n\
         [[results]]\nformat = \"regex\"\ncolumns = { warnings = { pattern = 'WARNING', reduce = \"count\" } }\n",
    );
    sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(0);
    let rows = sandbox.rows("a.csv");
    let told = ["energy", "hottest", "x", "warnings"].map(|name| rows[0][name].as_str());
    assert_eq!(told, ["-4.25", "1.5", "2", "1"]);
}

#[test]
fn jobs_without_results_are_reported_with_their_last_line() {
    for sandbox in Sandbox::both() {
        let text = |results: &str| {
            format!(
                "command = \"sh -c 'echo x; echo nothing to see {{{{ n }}}}'\"\nrepeats = 12\n[grid]\nn = [1, 2]\n{results}"
            )
        };
        sandbox.write("a.toml", &text(""));
        let ran = sandbox.sweep(&["run", "a.toml", "--out", "a.csv", "--log-format", "json"]).code(0);
        assert!(ran.stderr.contains("\"event\":\"no-results\""), "{}", ran.stderr);
        let ran = sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(0);
        for told in ["all 24 jobs", "a-1/0", "nothing to see 1", "[results]"] {
            assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
        }
        let stats = sandbox.sweep(&["stats", "a-1"]).code(2);
        assert!(stats.stderr.contains("gave no results") && stats.stderr.contains("[results]"), "{}", stats.stderr);
        sandbox.write("b.toml", &text("[results]\nformat = \"none\"\n"));
        let ran = sandbox.sweep(&["run", "b.toml", "--out", "b.csv"]).code(0);
        assert!(!ran.stderr.contains("gave no result"), "{}", ran.stderr);
        sandbox.write("c.toml", "command = \"echo E = 5 eV\"\n[grid]\nn = [1, 2]\n");
        sandbox.sweep(&["run", "c.toml", "--out", "c.csv"]).code(0);
        let stats = sandbox.sweep(&["stats", "c-1"]).code(2);
        assert!(stats.stderr.contains("no numeric results: `E` is text"), "{}", stats.stderr);
    }
}

#[test]
fn exit_codes_decide_what_a_success_is() {
    for sandbox in Sandbox::both() {
        let text = |job: &str| {
            format!("command = \"sh -c 'echo x = {{{{ n }}}}; exit {{{{ n }}}}'\"\n[grid]\nn = [0, 1, 2]\n{job}")
        };
        sandbox.write("a.toml", &text("[job]\nok-exit-codes = [0, 1]\n"));
        sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(1);
        let found = |file: &str| -> Vec<(String, String)> {
            sandbox.rows(file).iter().map(|row| (row["x"].clone(), row["exit_code"].clone())).collect()
        };
        let pair = |n: &str| (n.to_owned(), n.to_owned());
        assert_eq!(found("a.csv"), [pair("0"), pair("1")]);
        // A success with an exit code that is none any more is not shown again as one.
        sandbox.write("a.toml", &text(""));
        let ran = sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(1);
        assert_eq!(found("a.csv"), [pair("0")], "{}", ran.stderr);
        // Accepting it again takes it from the first sweep.
        sandbox.write("a.toml", &text("[job]\nok-exit-codes = [0, 1, 2]\n"));
        sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(0);
        assert_eq!(found("a.csv"), [pair("0"), pair("1"), pair("2")]);
    }
}

#[test]
fn results_of_a_job_that_its_time_out_ended_are_partial_or_kept() {
    for sandbox in Sandbox::both() {
        let text = |results: &str, timeout: &str| {
            format!(
                "command = \"sh -c 'echo x = {{{{ n }}}}; printf x=; [ {{{{ n }}}} = 0 ] || exec sleep 60'\"\n[grid]\nn = [0, 1]\n\
                 [job]\ntimeout = \"{timeout}\"\n{results}"
            )
        };
        let cells = |file: &str| -> Vec<String> {
            sandbox.rows(file).iter().map(|row| format!("{} {}", row["status"], row["x"])).collect()
        };
        sandbox.write("a.toml", &text("", "1s"));
        sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(1);
        // The last line of the job that ended by itself counts.
        assert_eq!(cells("a.csv"), ["succeeded "]);
        sandbox.sweep(&["collect", "a-1", "--all", "--out", "all.csv"]).code(0);
        assert_eq!(cells("all.csv"), ["succeeded ", "partial 1"]);
        let stats = sandbox.sweep(&["stats", "a-1", "--by", "", "--results", "x", "--json"]).code(0);
        assert!(stats.stdout.contains("\"n\":0"), "{}", stats.stdout);
        sandbox.write("b.toml", &text("[results]\non-timeout = \"keep\"\nrequire = [\"x\"]\n", "1s"));
        sandbox.sweep(&["run", "b.toml", "--out", "b.csv"]).code(1);
        assert_eq!(cells("b.csv"), ["succeeded 1"]);
        // A longer time may give another result.
        sandbox.write("b.toml", &text("[results]\non-timeout = \"keep\"\nrequire = [\"x\"]\n", "1500ms"));
        let ran = sandbox.sweep(&["run", "b.toml", "--out", "b.csv"]).code(1);
        assert!(sandbox.rows("b.csv")[0]["seconds"].parse::<f64>().unwrap() > 1.4, "{}", ran.stderr);
    }
}

#[test]
fn files_of_reused_points_are_found_where_they_are() {
    for sandbox in Sandbox::both() {
        let text = |values: &str| {
            format!(
                "command = \"sh -c 'echo {{{{ n }}}} > out.txt; echo x = 1'\"\n[grid]\nn = {values}\n[job]\ndir = \"runs/{{{{ sweep }}}}/{{{{ job }}}}\"\n"
            )
        };
        sandbox.write("a.toml", &text("[1, 2]"));
        sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(0);
        sandbox.write("a.toml", &text("[3, 1, 2]"));
        sandbox.sweep(&["run", "a.toml", "--out", "a.csv"]).code(0);
        for (job, expected) in [("a-2/0", "3"), ("a-2/1", "1"), ("a-2/2", "2")] {
            let shown = sandbox.sweep(&["show", job, "--json"]).code(0).json();
            let dir = std::path::PathBuf::from(shown["dir"].as_str().expect("a path"));
            assert_eq!(std::fs::read_to_string(dir.join("out.txt")).expect("its file").trim(), expected, "{job}");
        }
        assert!(sandbox.sweep(&["show", "a-2/1"]).code(0).stdout.contains("runs/a-1/0"));
    }
}
