//! Imports against a local server of ready-made pages, beside a yardstick in the same run: a program that only
//! downloads and parses the same pages.
//!
//! `cargo bench --bench import` prints a table and fails when a limit is broken. The server, the yardstick and
//! tenantop are processes of their own, so that memory is counted for each alone.
#![expect(clippy::print_stdout, reason = "a bench speaks to a person")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on ends")]

mod cloud;
mod ours;
#[path = "../people.rs"]
mod people;
#[path = "../service.rs"]
mod service;
mod shared;
mod yardstick;

use std::io::{BufRead, BufReader};

use std::process::{Child, Command, Stdio};

/// What a measured process answers.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// Of the first import into an empty store, where no size is known.
    seconds: f64,
    /// Of the same a night later: sizes are known, and all data are replaced.
    again: f64,
    peak_mib: f64,
    users: u64,
    requests: u64,
}

/// A fleet to be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fleet {
    /// One tenant of 100,000 users.
    One,
    /// 2,000 tenants, median 60 users.
    Many,
    /// 10,000 tenants of a few users.
    Wide,
}

impl Fleet {
    fn name(self) -> &'static str {
        match self {
            Fleet::One => "one",
            Fleet::Many => "many",
            Fleet::Wide => "wide",
        }
    }

    fn of(name: &str) -> Self {
        [Fleet::One, Fleet::Many, Fleet::Wide].into_iter().find(|fleet| fleet.name() == name).unwrap()
    }
}

/// Requests in flight.
const AT_ONCE: usize = 128;
const ROUNDS: usize = 5;

fn main() {
    let role = std::env::var("TENANTOP_BENCH_ROLE").unwrap_or_default();
    let arg = |name: &str| std::env::var(format!("TENANTOP_BENCH_{name}")).unwrap();
    match role.as_str() {
        "serve" => cloud::serve(Fleet::of(&arg("FLEET")), arg("LATENCY_MS").parse().unwrap()),
        "download" => report(yardstick::run(Fleet::of(&arg("FLEET")), &arg("BASE"))),
        "tenantop" => report(ours::run(&arg("BASE"))),
        _ => compare(),
    }
}

fn report(measured: Measured) {
    println!("{} {} {} {} {}", measured.seconds, measured.again, peak_mib(), measured.users, measured.requests);
}

/// What is measured: a fleet, the latency of a request in ms, a title.
const CASES: [(Fleet, u32, &str); 3] = [
    (Fleet::One, 0, "1 tenant, 100,000 users"),
    (Fleet::Many, 0, "2,000 tenants, 417,000 users"),
    (Fleet::Many, 30, "the same, 30 ms a request"),
];

fn compare() {
    let cores = std::thread::available_parallelism().unwrap();
    println!("{cores} cores; best of {ROUNDS}; {AT_ONCE} requests in flight\n");
    println!("{:<46} {:>9} {:>9} {:>7} {:>7} {:>9}", "", "yardstick", "tenantop", "ratio", "limit", "peak MiB");
    let mut broken = Vec::new();
    for (fleet, latency, title) in CASES {
        let server = Server::start(fleet, latency);
        let (mut theirs, mut mine) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            theirs.push(child("download", fleet, &server.base));
            mine.push(child("tenantop", fleet, &server.base));
        }
        let best = |all: &[Measured], seconds: fn(&Measured) -> f64| {
            all.iter().copied().min_by(|a, b| seconds(a).total_cmp(&seconds(b))).unwrap()
        };
        let yardstick = best(&theirs, |one| one.seconds);
        let (first, again) = (best(&mine, |one| one.seconds), best(&mine, |one| one.again));
        assert_eq!(yardstick.users, first.users, "both must have read the same users");
        // What the requests alone take that are in flight at one time.
        #[expect(clippy::cast_precision_loss, reason = "some thousand requests")]
        let ideal = yardstick.requests as f64 * f64::from(latency) / 1000.0 / AT_ONCE as f64;
        let (base, limits) = match (fleet, latency) {
            (Fleet::One, _) => (yardstick.seconds, [Some(1.5), Some(1.5)]),
            (Fleet::Many | Fleet::Wide, 0) => (yardstick.seconds, [Some(2.0), Some(2.0)]),
            (Fleet::Many | Fleet::Wide, _) => (ideal, [None, Some(1.2)]),
        };
        let rows = [("first", first, first.seconds), ("the night after", again, again.again)];
        for ((which, measured, seconds), limit) in rows.into_iter().zip(limits) {
            let title = format!("{title}, {which}");
            let ratio = seconds / base;
            let shown = limit.map_or("-".to_owned(), |limit| format!("{limit:.1}x"));
            println!("{title:<46} {base:>8.2}s {seconds:>8.2}s {ratio:>6.2}x {shown:>7} {:>9.0}", measured.peak_mib);
            if limit.is_some_and(|limit| ratio > limit) {
                broken.push(format!("{title}: {ratio:.2} times the yardstick, the limit is {shown}"));
            }
        }
        if fleet == Fleet::One && first.peak_mib.min(again.peak_mib) > 150.0 {
            broken.push(format!("{title}: peak of {:.0} MiB, the limit is 150", first.peak_mib));
        }
        if latency > 0 {
            println!(
                "    yardstick: {} requests x {latency} ms / {AT_ONCE}; download and parse took {:.2} s, since a large\n    \
                 tenant that is met late is read alone; no size is known on a first import either",
                yardstick.requests, yardstick.seconds
            );
        }
    }
    beside_others(&mut broken);
    if !broken.is_empty() {
        println!("\nlimits broken:\n  {}", broken.join("\n  "));
        std::process::exit(1);
    }
}

/// A service with others who look on.
fn beside_others(broken: &mut Vec<String>) {
    const LATENCY: u32 = 30;
    let server = Server::start(Fleet::Wide, LATENCY);
    let shared::Shared { alone, beside, peak_mib } = shared::run(&server.base);
    let ratio = beside / alone;
    #[expect(clippy::cast_precision_loss, reason = "twenty clients")]
    let each = (ratio - 1.0) / shared::LOOKERS as f64 * 100.0;
    println!("\na service, 10,000 tenants, {LATENCY} ms a request, the night after");
    println!("  import, one client                      {alone:>8.2} s");
    println!(
        "  import, {} clients more                 {beside:>8.2} s   {ratio:.2}x, {each:.1} % for each",
        shared::LOOKERS
    );
    println!("  most memory of the service              {peak_mib:>8.0} MiB");
    if each > 5.0 {
        broken.push(format!("a client slows an import by {each:.1} %, the limit is 5 %"));
    }
    if peak_mib > 400.0 {
        broken.push(format!("the service holds {peak_mib:.0} MiB, the limit is 400"));
    }
}

struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start(fleet: Fleet, latency_ms: u32) -> Self {
        let mut child = role("serve")
            .env("TENANTOP_BENCH_FLEET", fleet.name())
            .env("TENANTOP_BENCH_LATENCY_MS", latency_ms.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut base = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut base).unwrap();
        Self { child, base: base.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn role(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("TENANTOP_BENCH_ROLE", role);
    command
}

fn child(name: &str, fleet: Fleet, base: &str) -> Measured {
    let output = role(name)
        .env("TENANTOP_BENCH_FLEET", fleet.name())
        .env("TENANTOP_BENCH_BASE", base)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{name} failed: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let fields: Vec<&str> = text.split_whitespace().collect();
    Measured {
        seconds: fields[0].parse().unwrap(),
        again: fields[1].parse().unwrap(),
        peak_mib: fields[2].parse().unwrap(),
        users: fields[3].parse().unwrap(),
        requests: fields[4].parse().unwrap(),
    }
}

/// The most memory that this process ever held, in MiB.
#[expect(clippy::cast_precision_loss, reason = "kilobytes of one process")]
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib as f64 / 1024.0
}
