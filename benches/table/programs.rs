//! Owns the rows that run programs: the start of jobs, the use of slots, the waiting time of commands, memory.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::bare::Order;
use super::machine::{self, Cost, Figure, cost_and_peak_of, cost_of};
use super::page::Section;
use super::peers;
use super::sweep::{Bench, version};

/// Rounds of a row; the page has their median.
const ROUNDS: usize = 5;

/// Rounds of the row that starts jobs: its differences are as small as the noise of the machine.
const SPAWN_ROUNDS: usize = 9;

/// Jobs of `/bin/true`, two at a time: the bare loop, sweep on both stores, and the peers.
pub fn spawn() -> Section {
    let jobs: u64 = std::env::var("JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(10_000);
    let (peers, missing) = peers::look(jobs);
    let (mut bare, mut embedded, mut redis) = (Vec::new(), Vec::new(), Vec::new());
    let mut server_cpu = Vec::new();
    let mut trips = Vec::new();
    let mut runs: Vec<Vec<peers::Run>> = peers.iter().map(|_| Vec::new()).collect();
    for _ in 0..SPAWN_ROUNDS {
        bare.push(cost_of(&mut Order::command(jobs, 2, &["/bin/true"])));
        embedded.push(run_true(&Bench::embedded(), jobs));
        let bench = Bench::redis();
        let server = bench.server().unwrap();
        let before = machine::own_cpu(server.pid());
        redis.push(run_true(&bench, jobs));
        server_cpu.push((machine::own_cpu(server.pid()) - before) / jobs as f64 * 1000.0);
        trips.push(calls_of_scripts(&server.say("INFO commandstats")) / jobs as f64);
        for (peer, runs) in peers.iter().zip(&mut runs) {
            runs.push((peer.run)(peer.jobs));
        }
    }
    let mut section =
        Section::new(&["contender", "ms a job", "× the bare loop", "sweep is faster by", "own CPU, ms a job"]);
    section.how.push(format!("sweep run true.toml -j 2 --out out.csv (command = \"/bin/true\", repeats = {jobs})"));
    let each = |costs: &[Cost]| costs.iter().map(|cost| cost.wall / jobs as f64).collect::<Vec<_>>();
    let cpu = |costs: &[Cost]| Figure::of(costs.iter().map(|cost| cost.own_cpu / jobs as f64 * 1000.0)).to_string();
    let yardstick = each(&bare);
    let ours = each(&embedded);
    let mut line = |name: String, times: &[f64], cpu: String, is_peer: bool| {
        let ratios = |by: &[f64]| Figure::of(times.iter().zip(by).map(|(time, by)| time / by)).to_string();
        let faster = if is_peer { ratios(&ours) } else { String::new() };
        section.line(&[
            name,
            Figure::of(times.iter().map(|s| s * 1000.0)).to_string(),
            ratios(&yardstick),
            faster,
            cpu,
        ]);
    };
    line("bare loop of posix_spawn, 2 threads".into(), &yardstick, cpu(&bare), false);
    line(format!("{}, embedded store", version()), &ours, cpu(&embedded), false);
    line(format!("{}, Redis", version()), &each(&redis), cpu(&redis), false);
    for (peer, runs) in peers.iter().zip(&runs) {
        let a_job = |seconds: f64| seconds / peer.jobs as f64;
        let times: Vec<f64> = runs.iter().map(|run| a_job(run.wall)).collect();
        let cpu: Vec<f64> = runs.iter().filter_map(|run| Some(a_job(run.own_cpu?) * 1000.0)).collect();
        let cpu = if cpu.is_empty() { String::new() } else { Figure::of(cpu).to_string() };
        line(format!("{} ({})", peer.name, peer.version), &times, cpu, true);
    }
    for peer in &peers {
        section.how.push(format!("{}: {} jobs", peer.how.replace('N', &peer.jobs.to_string()), peer.jobs));
    }
    section.notes.push(format!(
        "Redis: {} ms of the server's CPU, and {} round trips, a job",
        Figure::of(server_cpu),
        Figure::of(trips)
    ));
    section.notes.extend(missing);
    section
}

fn run_true(bench: &Bench, jobs: u64) -> Cost {
    bench.repeats("true", jobs, "/bin/true");
    cost_of(&mut bench.sweep(&["run", "true.toml", "-j", "2", "--out", "out.csv"]))
}

fn calls_of_scripts(stats: &str) -> f64 {
    let calls = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(name))?;
        line.split(',').next()?.parse::<f64>().ok()
    };
    calls("cmdstat_evalsha:calls=").unwrap_or(0.0)
}

/// Jobs that sleep for 50 ms, on more slots than cores: how well the slots are used.
pub fn sleep() -> Section {
    let mut section = Section::new(&["slots", "bare loop, s", "sweep, s", "sweep keeps of the bare loop's pace, %"]);
    section.how.push(
        "sweep run sleep.toml -j SLOTS --out out.csv (command = \"/bin/sleep 0.05\", repeats = 60 × SLOTS)".into(),
    );
    for slots in [2_u32, 8, 32] {
        let jobs = u64::from(slots) * 60;
        let (mut bare, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            bare.push(cost_of(&mut Order::command(jobs, slots, &["/bin/sleep", "0.05"])).wall);
            let bench = Bench::embedded();
            bench.repeats("sleep", jobs, "/bin/sleep 0.05");
            ours.push(
                cost_of(&mut bench.sweep(&["run", "sleep.toml", "-j", &slots.to_string(), "--out", "out.csv"])).wall,
            );
        }
        let kept = bare.iter().zip(&ours).map(|(bare, ours)| bare / ours * 100.0).collect::<Vec<_>>();
        let cells = [
            slots.to_string(),
            Figure::of(bare).to_string(),
            Figure::of(ours).to_string(),
            Figure::of(kept).to_string(),
        ];
        section.line(&cells);
    }
    section
        .notes
        .push(format!("Redis, 2 slots: {} round trips a job", Figure::of((0..ROUNDS).map(|_| trips_of_sleepers()))));
    section
}

/// Requests to Redis per job, for jobs that sleep, two at a time.
fn trips_of_sleepers() -> f64 {
    let jobs = 120;
    let bench = Bench::redis();
    bench.repeats("sleep", jobs, "/bin/sleep 0.05");
    cost_of(&mut bench.sweep(&["run", "sleep.toml", "-j", "2", "--out", "out.csv"]));
    calls_of_scripts(&bench.server().unwrap().say("INFO commandstats")) / jobs as f64
}

/// The waiting time of commands.
pub fn start() -> Section {
    let mut section = Section::new(&["command", "ms", "less that of /bin/true, ms"]);
    let embedded = Bench::embedded();
    embedded.repeats("one", 1, "/bin/true");
    cost_of(&mut embedded.sweep(&["submit", "one.toml"]));
    for points in ["10", "1_000_000", "1_000_000_000"] {
        let grid = format!("command = \"echo {{{{ x }}}}\"\nrepeats = {points}\n[grid]\nx = 1\n");
        embedded.file(&format!("points-{points}.toml"), &grid);
    }
    let redis = Bench::redis();
    redis.repeats("one", 1, "/bin/true");
    cost_of(&mut redis.sweep(&["submit", "one.toml"]));
    let commands: [(&str, &Bench, &[&str]); 6] = [
        ("sweep --version", &embedded, &["--version"]),
        ("sweep status, embedded", &embedded, &["status"]),
        ("sweep status, Redis", &redis, &["status"]),
        ("sweep submit, 10 points", &embedded, &["submit", "--fresh", "points-10.toml"]),
        ("sweep submit, 10^6 points", &embedded, &["submit", "--fresh", "points-1_000_000.toml"]),
        ("sweep submit, 10^9 points", &embedded, &["submit", "--fresh", "points-1_000_000_000.toml"]),
    ];
    let mut figures = vec![(Vec::new(), Vec::new()); commands.len()];
    for _ in 0..ROUNDS * 5 {
        let floor = cost_of(&mut std::process::Command::new("/bin/true")).wall * 1000.0;
        for ((_, bench, words), (whole, beyond)) in commands.iter().zip(&mut figures) {
            let wall = cost_of(&mut bench.sweep(words)).wall * 1000.0;
            whole.push(wall);
            beyond.push(wall - floor);
        }
    }
    for ((name, ..), (whole, beyond)) in commands.iter().zip(figures) {
        section.line(&[(*name).to_owned(), Figure::of(whole).to_string(), Figure::of(beyond).to_string()]);
    }
    section
}

/// One job on an idle system: the time until its outcome is recorded, without the job itself.
pub fn idle() -> Section {
    let mut section = Section::new(&["way", "beyond the job itself, ms"]);
    section.how.push("sweep run --fresh one.toml -j 1 --out out.csv".into());
    section.how.push("sweep worker -j 1, idle; then sweep submit --fresh one.toml, until it is done".into());
    for (name, make) in [("embedded", Bench::embedded as fn() -> Bench), ("Redis", Bench::redis)] {
        let bench = make();
        bench.repeats("one", 1, "/bin/true");
        let (mut whole, mut waiting) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS * 2 {
            let floor = cost_of(&mut std::process::Command::new("/bin/true")).wall;
            let run = cost_of(&mut bench.sweep(&["run", "--fresh", "one.toml", "-j", "1", "--out", "out.csv"])).wall;
            whole.push((run - floor) * 1000.0);
        }
        let worker = Background::start(&bench, &["worker", "-j", "1"]);
        let store =
            ::sweep::store::open::open(Some(&bench.store()), bench.path(), ::sweep::store::open::Open::Existing)
                .unwrap();
        for _ in 0..ROUNDS * 2 {
            // Long enough for the worker to become idle.
            std::thread::sleep(Duration::from_millis(700));
            let floor = cost_of(&mut std::process::Command::new("/bin/true")).wall;
            let begun = Instant::now();
            cost_of(&mut bench.sweep(&["submit", "--fresh", "one.toml"]));
            let submitted = begun.elapsed().as_secs_f64();
            while !store.sweeps().unwrap().iter().all(|row| row.counts.is_settled()) {
                std::thread::sleep(Duration::from_micros(500));
            }
            waiting.push((begun.elapsed().as_secs_f64() - submitted - floor) * 1000.0);
        }
        drop(worker);
        section.line(&[format!("sweep run, {name}: start of the program to the table"), Figure::of(whole).to_string()]);
        section
            .line(&[format!("idle worker, {name}: end of `sweep submit` to outcome"), Figure::of(waiting).to_string()]);
    }
    section
}

/// A program that is ended when this is dropped.
struct Background(Child);

impl Background {
    fn start(bench: &Bench, words: &[&str]) -> Background {
        let mut command = bench.sweep(words);
        Background(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The memory of a worker with 100 busy slots.
pub fn memory() -> Section {
    let mut section = Section::new(&["worker with 100 slots", "MiB"]);
    section.how.push("sweep worker -j 100, with 100 jobs of `/bin/sleep 2` running".into());
    for (name, make) in [("embedded", Bench::embedded as fn() -> Bench), ("Redis", Bench::redis)] {
        let mut seen = Vec::new();
        for _ in 0..3 {
            let bench = make();
            bench.repeats("sleep", 200, "/bin/sleep 2");
            cost_of(&mut bench.sweep(&["submit", "sleep.toml"]));
            let (_, peak) = cost_and_peak_of(&mut bench.sweep(&["worker", "-j", "100", "--until-empty"]));
            seen.push(peak as f64 / f64::from(1 << 20));
        }
        section.line(&[format!("{name}: most that was resident"), Figure::of(seen).to_string()]);
    }
    section
}
