//! The console as its user meets it: the program itself in a pseudo-terminal, on a store of 10,000 tenants of which one
//! has 500,000 users.
//!
//! `cargo bench --bench console` prints a table and fails when a limit is broken. The yardstick of the start is a program
//! that does nothing but open the same store and put its tenants together. Everything else is held to limits that a
//! person on a slow line feels: milliseconds from a key to the frame, bytes of a frame, nothing at all while idle.
#![expect(clippy::print_stdout, reason = "a bench speaks to a person")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

mod licenses;
mod made;
#[path = "../people.rs"]
mod people;
mod service;
#[path = "../service.rs"]
mod shared;
mod terminal;
mod tour;

use std::process::Command;
use std::time::{Duration, Instant};

use made::{LARGE, LARGE_USERS, Made, TENANTS};
use tenantop::model::{Clock, Filter, PersonRow, UsersLook};
use tenantop::store::{People, Store};
use terminal::{Came, Terminal};

/// The size that limits of bytes are for.
const SMALL: (u16, u16) = (80, 24);
const SIZES: [(u16, u16); 3] = [SMALL, (120, 35), (200, 60)];
const STARTS: usize = 9;
const ROUNDS: usize = 5;
const IDLE: Duration = Duration::from_secs(10);
/// What was begun in the background is over by then.
const CALM: Duration = Duration::from_secs(3);
/// Between two keys of a fast hand.
const HAND: Duration = Duration::from_millis(125);
/// Bytes a second of the line that must do.
const LINE: f64 = 2_400.0;

const DOWN: &str = "\x1b[B";
const UP: &str = "\x1b[A";
const PAGE_DOWN: &str = "\x1b[6~";
const PAGE_UP: &str = "\x1b[5~";

fn main() {
    if let Some(store) = std::env::var_os("TENANTOP_BENCH_LOAD") {
        let fleet = Store::open(store.as_ref(), 8 << 20).unwrap().load(93_600).unwrap();
        assert_eq!(fleet.tenants.len() as u64, TENANTS);
        return;
    }
    let cores = std::thread::available_parallelism().unwrap();
    let began = Instant::now();
    let made = Made::make(Clock::system().now());
    let size = std::fs::metadata(made.store()).unwrap().len() as f64 / 1e6;
    println!("{cores} cores; a store of {size:.0} MB made in {:.0} s\n", began.elapsed().as_secs_f64());
    let mut table = Table::default();
    start(&made, &mut table);
    service::attach(&made, &mut table);
    keys(&made, &mut table);
    for size in SIZES {
        bytes(&made, size, &mut table);
    }
    idle_and_memory(&made, &mut table);
    users(&made, &mut table);
    licenses::sums(&mut table);
    licenses::screen(&made, &mut table);
    tour::walk(&made, &mut table);
    if !table.broken.is_empty() {
        println!("\nlimits broken:\n  {}", table.broken.join("\n  "));
        std::process::exit(1);
    }
}

/// Lines of figures, and what they should have been.
#[derive(Default)]
struct Table {
    broken: Vec<String>,
}

fn told(title: &str, value: f64, unit: &str) {
    println!("{title:<66} {:>8} {unit}", figure(value, unit));
}

/// A figure with as many digits as tell something.
fn figure(value: f64, unit: &str) -> String {
    match unit {
        "s" | "times" => format!("{value:.2}"),
        "ms" | "MB" => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

impl Table {
    fn held(&mut self, title: &str, value: f64, unit: &str, limit: f64) {
        println!("{title:<66} {:>8} {unit:<6} limit {limit}", figure(value, unit));
        if value > limit {
            self.broken.push(format!("{title}: {} {unit}, the limit is {limit}", figure(value, unit)));
        }
    }
}

/// The value that so many of a hundred do not exceed.
fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[(sorted.len() * percent).div_ceil(100).saturating_sub(1)]
}

fn worst(values: &[f64]) -> f64 {
    percentile(values, 100)
}

/// The median of some starts, the yardstick between them.
fn start(made: &Made, table: &mut Table) {
    let (mut loads, mut frames, mut versions) = (Vec::new(), Vec::new(), Vec::new());
    let run = |command: &mut Command| {
        let began = Instant::now();
        assert!(command.stdout(std::process::Stdio::null()).status().unwrap().success());
        began.elapsed().as_secs_f64() * 1000.0
    };
    for _ in 0..STARTS {
        loads.push(run(Command::new(std::env::current_exe().unwrap()).env("TENANTOP_BENCH_LOAD", made.store())));
        versions.push(run(Command::new(env!("CARGO_BIN_EXE_tenantop")).arg("--version")));
        let (mut terminal, began) = Terminal::start(made, SMALL);
        frames.push(terminal.until(began, "show: problems"));
        terminal.leave();
    }
    let (load, frame) = (percentile(&loads, 50), percentile(&frames, 50));
    told("tenantop --version, from exec to exit", percentile(&versions, 50), "ms");
    told("yardstick: a program that only reads the 10,000 tenants", load, "ms");
    table.held("10,000 tenants: from exec to the first frame, median of 9", frame, "ms", 150.0);
    told("10,000 tenants: from exec to the first frame, slowest", worst(&frames), "ms");
    table.held("10,000 tenants: first frame for yardstick", frame / load, "times", 2.0);
}

/// Tells percentiles of the best of some rounds: others use this machine too.
fn latency(title: &str, rounds: &[Vec<(&'static str, f64)>], table: &mut Table) {
    let ms = |round: &[(&str, f64)]| round.iter().map(|(_, ms)| *ms).collect::<Vec<f64>>();
    let best = rounds.iter().min_by(|a, b| percentile(&ms(a), 99).total_cmp(&percentile(&ms(b), 99))).unwrap();
    let all = ms(best);
    let n = all.len();
    told(&format!("{title}: {n} keys to frame, p50"), percentile(&all, 50), "ms");
    told(&format!("{title}: {n} keys to frame, p95"), percentile(&all, 95), "ms");
    table.held(&format!("{title}: {n} keys to frame, p99"), percentile(&all, 99), "ms", 5.0);
    let (key, ms) = best.iter().max_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap();
    told(&format!("{title}: the slowest, {key}"), *ms, "ms");
}

/// Keys one by one: each changes something.
fn each<'a>(
    terminal: &mut Terminal,
    keys: impl IntoIterator<Item = (&'static str, &'a str)>,
) -> Vec<(&'static str, f64)> {
    keys.into_iter().map(|(name, key)| (name, terminal.press(key).ms)).collect()
}

fn keys(made: &Made, table: &mut Table) {
    let mut terminal = Terminal::open(made, SMALL);
    terminal.bytes_within(CALM);
    let mut rounds = Vec::new();
    let word = ["c", "l", "i", "n", "i", "c", "s", " ", "g", "m"];
    for _ in 0..ROUNDS {
        let times = |n: usize, key: (&'static str, &'static str)| std::iter::repeat_n(key, n);
        let typed = word.map(|letter| ("a letter of a filter", letter));
        let round = times(100, ("Down", DOWN))
            .chain(times(40, ("Up", UP)))
            .chain(times(30, ("PgDn", PAGE_DOWN)))
            .chain(times(20, ("PgUp", PAGE_UP)))
            .chain([("G", "G"), ("g", "g")].repeat(15))
            .chain([("2", "2"), ("1", "1"), ("7", "7"), ("0", "0")].repeat(8))
            .chain(times(20, ("u", "u")))
            .chain([("u", "u"), ("/", "/")])
            .chain(typed)
            .chain(times(10, ("Backspace", "\x7f")))
            .chain(typed)
            .chain([("Enter", "\r"), ("\\", "\\"), ("u", "u")]);
        rounds.push(each(&mut terminal, round));
        terminal.press("G");
        terminal.press("g");
    }
    latency("10,000 tenants", &rounds, table);

    let before = terminal.text();
    let burst = terminal.press(&DOWN.repeat(200));
    let back = terminal.press(&UP.repeat(200));
    assert_eq!(terminal.text(), before, "no key of a burst is lost");
    table.held("200 keys in one write: frames", burst.frames.max(back.frames) as f64, "frames", 3.0);
    terminal.leave();
}

/// Where the cursor is, and the name under it.
fn cursor(terminal: &Terminal) -> Option<usize> {
    terminal.text().lines().position(|line| line.starts_with('>'))
}

/// Bytes of steps of the cursor and of scrolled lines.
fn steps(terminal: &mut Terminal, key: &str, n: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut steps, mut scrolls) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let before = cursor(terminal);
        let bytes = terminal.press(key).bytes as f64;
        if cursor(terminal) == before { scrolls.push(bytes) } else { steps.push(bytes) }
    }
    (steps, scrolls)
}

fn bytes(made: &Made, size: (u16, u16), table: &mut Table) {
    let name = format!("{}x{}", size.0, size.1);
    let mut terminal = Terminal::open(made, size);
    terminal.bytes_within(CALM);
    told(&format!("{name}: the whole picture"), terminal.press("\x0c").bytes as f64, "B");
    let mut all = (Vec::new(), Vec::new());
    let add = |(steps, scrolls): (Vec<f64>, Vec<f64>), all: &mut (Vec<f64>, Vec<f64>)| {
        all.0.extend(steps);
        all.1.extend(scrolls);
    };
    // Problems, then all tenants; down, then up.
    for _ in 0..2 {
        add(steps(&mut terminal, DOWN, 300), &mut all);
        add(steps(&mut terminal, UP, 150), &mut all);
        terminal.press("u");
        terminal.press("G");
        terminal.press("g");
    }
    let mut row = |what: &str, values: &[f64], limit: f64| {
        told(&format!("{name}: {what}, median of {}", values.len()), percentile(values, 50), "B");
        let title = format!("{name}: {what}, worst");
        if size == SMALL {
            table.held(&title, worst(values), "B", limit);
        } else {
            told(&title, worst(values), "B");
        }
    };
    row("a step of the cursor", &all.0, 350.0);
    row("a scrolled line", &all.1, 600.0);
    terminal.leave();
}

/// Ten seconds in which nothing happens.
fn idle(what: &str, terminal: &mut Terminal, table: &mut Table) {
    terminal.bytes_within(CALM);
    let (wakes, ran) = terminal.awake();
    let bytes = terminal.bytes_within(IDLE);
    let (wakes_after, ran_after) = terminal.awake();
    table.held(&format!("{what}, 10 s idle: bytes"), bytes as f64, "B", 0.0);
    table.held(&format!("{what}, 10 s idle: wake-ups of all threads"), (wakes_after - wakes) as f64, "", 0.0);
    table.held(&format!("{what}, 10 s idle: on a CPU"), (ran_after - ran) as f64 / 1e6, "ms", 0.0);
}

fn idle_and_memory(made: &Made, table: &mut Table) {
    let mut terminal = Terminal::open(made, SMALL);
    terminal.settle();
    table.held("10,000 tenants: memory after the first frame", terminal.memory("VmRSS"), "MB", 60.0);
    idle("10,000 tenants", &mut terminal, table);
    for keys in
        [DOWN, "\r", "\x7f", "l", "\x7f", "U", "\x7f", "u", "2", "/gmbh\r", "\\", "R", "\r", "u", "\x7f", "\x7f"]
    {
        terminal.press(keys);
    }
    terminal.bytes_within(CALM);
    table.held("10,000 tenants: memory after a tour of the screens", terminal.memory("VmRSS"), "MB", 60.0);
    table.held("10,000 tenants: the most it ever held", terminal.memory("VmHWM"), "MB", 60.0);
    terminal.leave();
}

/// Opens the users of the large tenant.
fn open_users(terminal: &mut Terminal) -> Came {
    terminal.press("u");
    terminal.press("/contoso rail\r");
    terminal.press_until("U", "500,000 of 500,000")
}

fn users(made: &Made, table: &mut Table) {
    assert_eq!(LARGE_USERS, 500_000, "the titles say so");
    let [words, fields] = typings(made, ["ma 73 depot an", "department:rail city:k"]);
    let mut terminal = Terminal::open(made, SMALL);
    told("500,000 users: opened", open_users(&mut terminal).ms, "ms");
    terminal.bytes_within(CALM);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let times = |n: usize, key: (&'static str, &'static str)| std::iter::repeat_n(key, n);
        let round = times(100, ("Down", DOWN))
            .chain(times(60, ("PgDn", PAGE_DOWN)))
            .chain(times(40, ("Up", UP)))
            .chain(times(30, ("PgUp", PAGE_UP)))
            .chain([("G", "G"), ("g", "g")].repeat(15));
        rounds.push(each(&mut terminal, round));
    }
    latency("500,000 users", &rounds, table);
    let pages: Vec<f64> = (0..50).map(|_| terminal.press_until(PAGE_DOWN, "show: all").ms).collect();
    told("500,000 users: PgDn until all its rows are there, slowest", worst(&pages), "ms");
    terminal.press("g");
    let (walked, scrolled) = steps(&mut terminal, DOWN, 300);
    told("80x24: a scrolled line of users, median", percentile(&scrolled, 50), "B");
    // Three whole lines about the user change with each step.
    table.held("80x24: a step of the cursor among users, worst", worst(&walked), "B", 400.0);
    table.held("80x24: a scrolled line of users, worst", worst(&scrolled), "B", 600.0);
    terminal.press("g");
    for (what, typing) in [("a word", &words), ("a field", &fields)] {
        // The best of some times: others use this machine too.
        let times = (0..ROUNDS).map(|_| filter(&mut terminal, typing, Duration::ZERO));
        let typed = times.min_by(|a, b| worst(a).total_cmp(&worst(b))).unwrap();
        let title = format!("500,000 users: a key of a filter by {what}");
        told(&format!("{title}, median of {}", typed.len()), percentile(&typed, 50), "ms");
        table.held(&format!("{title}, slowest"), worst(&typed), "ms", 50.0);
    }
    let held = terminal.memory("VmRSS");
    told("500,000 users: memory while they are looked at and filtered", held, "MB");
    idle("500,000 users", &mut terminal, table);
    terminal.leave();

    // What filters need is made ready while somebody looks; a hand that types at once is not faster than that.
    for (pause, how) in [(HAND, "by hand"), (Duration::ZERO, "by a machine")] {
        let mut terminal = Terminal::open(made, SMALL);
        open_users(&mut terminal);
        let slowest = worst(&filter(&mut terminal, &fields, pause));
        let title = format!("500,000 users: a field typed {how} at once, slowest");
        if pause.is_zero() {
            told(&title, slowest, "ms");
        } else {
            table.held(&title, slowest, "ms", 50.0);
        }
        terminal.leave();
    }
}

/// A filter as it is typed: each letter with the line that it leads to, if the count becomes another one by it.
type Typing = Vec<(String, Option<String>)>;

/// What is shown for each letter of these filters, as the store itself tells.
fn typings<const N: usize>(made: &Made, texts: [&str; N]) -> [Typing; N] {
    let store = Store::open(&made.store(), 64 << 20).unwrap();
    let fleet = store.load(93_600).unwrap();
    let tenant = fleet.tenants.values().find(|tenant| tenant.name == LARGE).unwrap();
    let users = tenant.users.good.as_ref().unwrap().snapshot;
    let skus = tenant.skus.good.as_ref().map(|good| good.snapshot);
    let mut people = People::open(store.reader(), users, skus).unwrap();
    let mut matched = |text: &str| {
        let filter = Filter::parse::<PersonRow<'_>>(text).ok()?;
        let look = UsersLook {
            users,
            skus,
            holding: None,
            filter: text.into(),
            sort: None,
            reverse: false,
            from: 0,
            count: 1,
            at: None,
        };
        Some(people.window(&look, &filter).unwrap().matched)
    };
    texts.map(|text| {
        let mut before = LARGE_USERS;
        let letters = text.char_indices().map(|(at, letter)| {
            let typed = &text[..at + letter.len_utf8()];
            let after = matched(typed).unwrap_or(before);
            let line = format!("show: all, {} of 500,000  filter /{typed}", thousands(after));
            let changes = after != before;
            before = after;
            (letter.to_string(), changes.then_some(line))
        });
        letters.collect()
    })
}

/// A count as the screens show it.
fn thousands(n: u64) -> String {
    if n < 1_000 { n.to_string() } else { format!("{},{:03}", thousands(n / 1_000), n % 1_000) }
}

/// Types a filter letter by letter and takes it away again. Milliseconds from each key to its count.
fn filter(terminal: &mut Terminal, typing: &Typing, pause: Duration) -> Vec<f64> {
    terminal.press("/");
    let mut ms = Vec::new();
    for (letter, line) in typing {
        terminal.bytes_within(pause);
        match line {
            Some(line) => ms.push(terminal.press_until(letter, line).ms),
            None => drop(terminal.press(letter)),
        }
    }
    terminal.press("\r");
    terminal.press_until("\\", "500,000 of 500,000");
    ms
}
