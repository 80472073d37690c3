//! Owns the peers: other tools that run many jobs on one machine, each in its best documented setting.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::machine::own_cpu;
use super::redis_server::RedisServer;

/// A peer that is installed.
pub struct Peer {
    pub name: &'static str,
    pub version: String,
    /// The command line.
    pub how: &'static str,
    /// The number of jobs: fewer for slow tools.
    pub jobs: u64,
    /// Runs this number of jobs of `/bin/true`, two at a time.
    pub run: fn(u64) -> Run,
}

/// The cost of a run of a peer.
pub struct Run {
    /// Wall time in seconds.
    pub wall: f64,
    /// Processor time of the peer's own processes in seconds, without its jobs. None: unknown.
    pub own_cpu: Option<f64>,
}

impl From<f64> for Run {
    fn from(wall: f64) -> Run {
        Run { wall, own_cpu: None }
    }
}

/// The installed peers, and how to install the others.
pub fn look(jobs: u64) -> (Vec<Peer>, Vec<String>) {
    let (mut here, mut missing) = (Vec::new(), Vec::new());
    for (name, jobs, how, run, version, install) in [
        (
            "xargs",
            jobs,
            "seq N | xargs -P2 -n1 /bin/true",
            xargs as fn(u64) -> Run,
            &["xargs", "--version"][..],
            "findutils",
        ),
        (
            "HyperQueue",
            jobs,
            "hq submit --array 1-N --wait --stdout none --stderr none /bin/true (server and one worker with 2 cores running)",
            hyperqueue,
            &["hq", "--version"],
            "an `hq` binary on PATH (github.com/It4innovations/hyperqueue/releases)",
        ),
        (
            "GNU parallel",
            jobs / 10,
            "seq N | parallel -j2 /bin/true",
            parallel,
            &["parallel", "--version"],
            "Debian's `parallel`",
        ),
        (
            "RQ",
            jobs / 20,
            "two `rq worker --burst` at jobs that call subprocess.run([\"/bin/true\"])",
            rq,
            &["rq", "--version"],
            "`python3 -m venv rq && rq/bin/pip install rq`, then `RQ_HOME=rq/bin` or its bin on PATH",
        ),
    ] {
        match version_of(version) {
            Some(version) => here.push(Peer { name, version, how, jobs: jobs.max(50), run }),
            None => missing.push(format!("{name} is not installed: {install}")),
        }
    }
    (here, missing)
}

fn program(name: &str) -> PathBuf {
    match std::env::var_os("RQ_HOME") {
        Some(home) if matches!(name, "rq" | "python3") => PathBuf::from(home).join(name),
        _ => name.into(),
    }
}

fn version_of(words: &[&str]) -> Option<String> {
    let output = Command::new(program(words[0])).args(&words[1..]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

fn time(command: &mut Command) -> f64 {
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("the peer starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    begun.elapsed().as_secs_f64()
}

fn xargs(jobs: u64) -> Run {
    time(Command::new("sh").args(["-c", &format!("seq {jobs} | xargs -P2 -n1 /bin/true")])).into()
}

fn parallel(jobs: u64) -> Run {
    let line = format!("seq {jobs} | parallel -j2 /bin/true");
    time(Command::new("sh").args(["-c", &line]).env("PARALLEL", "--will-cite")).into()
}

/// A process that is killed when this is dropped.
struct Ours(Child);

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn background(command: &mut Command) -> Ours {
    Ours(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the peer starts"))
}

fn hyperqueue(jobs: u64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let hq = || {
        let mut command = Command::new("hq");
        command.arg("--server-dir").arg(folder.path().join("server")).current_dir(folder.path());
        command
    };
    let server = background(hq().args(["server", "start"]));
    wait_until(|| hq().args(["server", "info"]).output().is_ok_and(|output| output.status.success()));
    let worker = background(hq().args(["worker", "start", "--cpus=2"]));
    wait_until(|| {
        hq().args(["worker", "list"]).output().is_ok_and(|output| output.stdout.windows(7).any(|w| w == b"RUNNING"))
    });
    let array = format!("1-{jobs}");
    let own = || [&server, &worker].iter().map(|process| own_cpu(process.0.id())).sum::<f64>();
    let before = own();
    let wall =
        time(hq().args(["submit", "--wait", "--stdout", "none", "--stderr", "none", "--array", &array, "/bin/true"]));
    Run { wall, own_cpu: Some(own() - before) }
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the peer does not get ready");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn rq(jobs: u64) -> Run {
    let server = RedisServer::start();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("work.py"),
        "import subprocess\ndef true():\n    subprocess.run(['/bin/true'], check=True)\n",
    )
    .unwrap();
    let fill = format!(
        "from redis import Redis\nfrom rq import Queue\nimport work\nq = Queue(connection=Redis.from_url('{}'))\n\
         q.enqueue_many([Queue.prepare_data(work.true) for _ in range({jobs})])\n",
        server.url()
    );
    time(Command::new(program("python3")).args(["-c", &fill]).current_dir(folder.path()));
    let worker = || {
        let mut command = Command::new(program("rq"));
        command.args(["worker", "--burst", "--quiet", "--url", &server.url()]).current_dir(folder.path());
        command
    };
    let begun = Instant::now();
    let mut workers = [background(&mut worker()), background(&mut worker())];
    for worker in &mut workers {
        assert!(worker.0.wait().expect("it is ours").success());
    }
    begun.elapsed().as_secs_f64().into()
}
