//! Every end of the console: the terminal is as before, the process is gone within a second, and no CPU is burnt on it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;
use rustix::process::Signal;
use tenantop::model::Clock;

use super::terminal::Terminal;
use super::{console, imported};
use crate::world::World;

/// Within which the process is gone, whatever happens to it.
const GONE: Duration = Duration::from_secs(1);
/// The most CPU that an end may cost, in hundredths of a second: a thread that spins uses a hundred a second.
const TICKS: u64 = 20;

/// What is done to a console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Signal(Signal),
    /// The line is cut: the kernel sends SIGHUP, and nothing can be written.
    Cut,
    Key,
}

impl Done {
    fn to(self, terminal: &mut Terminal) {
        match self {
            Done::Signal(signal) => terminal.signal(signal),
            Done::Cut => terminal.cut("j"),
            Done::Key => terminal.press("\x03"),
        }
    }

    fn code(self) -> u32 {
        match self {
            Done::Signal(Signal::TERM) => 143,
            Done::Signal(_) | Done::Cut => 129,
            Done::Key => 0,
        }
    }
}

const ALL: [Done; 4] = [Done::Signal(Signal::HUP), Done::Signal(Signal::TERM), Done::Cut, Done::Key];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_at_once_while_nothing_happens() {
    let world = imported().await;
    for done in ALL {
        let mut terminal = Terminal::run(console(&world), 80, 24);
        terminal.then("u", "show: all, 2 of 2");
        terminal.quiet(Duration::from_millis(100));
        let (_, before) = terminal.process();
        let began = Instant::now();
        done.to(&mut terminal);
        let (code, ticks) = terminal.end(GONE);
        assert_eq!(code, done.code(), "{done:?}");
        assert!(ticks - before <= TICKS, "{done:?}: {} ticks in {:?}", ticks - before, began.elapsed());
        if done != Done::Cut {
            terminal.assert_restored();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_at_once_while_nobody_reads_what_it_draws() {
    let world = imported().await;
    for done in ALL {
        let mut terminal = Terminal::run(console(&world), 80, 24);
        terminal.then("u", "show: all, 2 of 2");
        terminal.deaf(true);
        stuck(&mut terminal);
        // It waits, and that costs nothing.
        let (_, before) = terminal.process();
        Terminal::pass(Duration::from_millis(500));
        let waited = terminal.process().1 - before;
        assert!(waited <= 3, "{waited} ticks while it waits");
        let began = Instant::now();
        done.to(&mut terminal);
        if done == Done::Cut {
            // The reader lets go of the line without reading.
            terminal.deaf(false);
        }
        let (code, ticks) = terminal.end(GONE);
        assert_eq!(code, done.code(), "{done:?}");
        assert!(ticks - before <= TICKS, "{done:?}: {} ticks in {:?}", ticks - before, began.elapsed());
        if done != Done::Cut {
            terminal.deaf(false);
            terminal.assert_restored();
        }
    }
}

/// Has the console draw until the line takes no more.
fn stuck(terminal: &mut Terminal) {
    let mut same = 0;
    let mut written = 0;
    for n in 0.. {
        assert!(n < 1000, "the line takes {written} bytes");
        terminal.resize_only(300, if n % 2 == 0 { 100 } else { 99 });
        terminal.press("\x0cjk");
        Terminal::pass(Duration::from_millis(20));
        let (_, bytes) = terminal.writes();
        same = if bytes == written { same + 1 } else { 0 };
        written = bytes;
        if same == 10 {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_never_pile_up_before_a_line_that_stalls() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.then("u", "show: all, 2 of 2");
    let place = terminal.bytes();
    terminal.deaf(true);
    stuck(&mut terminal);
    for _ in 0..200 {
        terminal.press("j");
        terminal.press("k");
    }
    terminal.press("/behind");
    let (_, written) = terminal.writes();
    let frames = terminal.frames(place);
    terminal.deaf(false);
    terminal.until("filter /behind");
    terminal.quiet(Duration::from_millis(100));
    let (_, after) = terminal.writes();
    assert!(after - written < 60_000, "{} bytes for what was typed meanwhile", after - written);
    assert!(terminal.frames(place) > frames);
    let whole = terminal.text();
    let place = terminal.bytes();
    terminal.press("\x0c");
    terminal.wait("drawn again", |terminal| terminal.frames(place) > 0);
    terminal.quiet(Duration::from_millis(100));
    assert_eq!(terminal.text(), whole, "nothing was lost on the way");
}

/// Without a signal: the line is not the one that the process belongs to, as behind some multiplexers and wrappers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_cut_without_a_signal_ends_it_too() {
    let world = imported().await;
    let mut command = console(&world);
    command.set_controlling_tty(false);
    let mut terminal = Terminal::run(command, 80, 24);
    terminal.then("u", "show: all, 2 of 2");
    let (_, before) = terminal.process();
    terminal.cut("j");
    let (code, ticks) = terminal.end(GONE);
    assert_eq!(code, 129);
    assert!(ticks - before <= TICKS, "{} ticks", ticks - before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_leaves_from_everywhere_and_the_terminal_is_as_before() {
    let world = imported().await;
    for (keys, shown) in [
        ("", "show: problems"),
        ("/wood", "filter /wood"),
        ("?", "keys: "),
        ("y", "tenant id"),
        ("r", "Re-run Woodgrove Bank now?"),
        ("\r", "Who acts: CUSTOMER"),
        ("R", "> Runs"),
        ("R\r", "> Runs > 1"),
        ("u/contoso\rl", "Licenses"),
        ("u/contoso\rU", "12 of 12"),
        ("u/contoso\rUf", "12 users"),
    ] {
        let mut terminal = Terminal::run(console(&world), 80, 24);
        terminal.until("show: problems, 1 of 2");
        assert_ne!(terminal.modes(), terminal.modes_before(), "it is raw");
        terminal.then(keys, shown);
        terminal.press("\x03");
        let (code, _) = terminal.end(GONE);
        assert_eq!(code, 0, "{keys:?}");
        terminal.assert_restored();
    }
}

const PANICS: &str = "TENANTOP_TEST_PANICS";

/// All of the program but its arguments, with a clock that panics. As a test of its own it has nothing to do.
#[test]
fn panics() {
    if std::env::var_os(PANICS).is_none() {
        return;
    }
    tenantop::cli::prepare("tenantop").unwrap();
    let code = tenantop::cli::end(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let world = World::of("repaired.toml").await;
            let calls = std::sync::atomic::AtomicU32::new(0);
            let console = std::thread::current().id();
            let real = Clock::system();
            let clock = Clock::of(move || {
                let here = std::thread::current().id() == console;
                let calls = calls.fetch_add(u32::from(here), std::sync::atomic::Ordering::Relaxed);
                assert!(calls < 60, "made up for a test");
                real.now()
            });
            let options = tenantop::tui::Options { banner: Some("TEST".to_owned()), ..Default::default() };
            tenantop::cli::console(world.engine(), clock, options, false).await
        })
    });
    std::process::exit(i32::from(code));
}

#[test]
fn a_panic_is_told_where_it_can_be_read() {
    let state = tempfile::tempdir().unwrap();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "pty::ends::panics", "--nocapture", "--test-threads=1"]);
    command.env(PANICS, "1");
    command.env("TERM", "xterm-256color");
    command.env("XDG_STATE_HOME", state.path());
    let mut terminal = Terminal::run(command, 80, 24);
    terminal.until("TEST");
    for _ in 0..60 {
        let place = terminal.bytes();
        terminal.press("u");
        terminal.wait("a frame or the end", |terminal| {
            terminal.frames(place) > 0 || !terminal.shown().screen.screen().alternate_screen()
        });
    }
    let (code, _) = terminal.end(Duration::from_secs(20));
    assert_eq!(code, 70);
    terminal.assert_restored();
    let text = terminal.text();
    assert!(text.contains("tenantop: a defect at tests/it/pty/ends.rs"), "{text}");
    let raw = terminal.since(0);
    let (_, told) = raw.rsplit_once("\x1b[?1049l").unwrap();
    assert_eq!(told.trim().lines().count(), 1, "one line: {told:?}");
    assert!(told.contains("start it again"), "what to do: {told:?}");
    assert!(!told.contains("made up"), "what a panic says may hold what was being read: {told:?}");
    let (_, report) = told.trim().rsplit_once(' ').unwrap();
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("tests/it/pty/ends.rs") && !report.contains("made up"), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_cannot_draw_is_told() {
    let world = imported().await;
    let mut command = console(&world);
    command.env("TERM", "dumb");
    let mut terminal = Terminal::run(command, 80, 24);
    terminal.until("TERM is dumb");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 2);
    assert!(!terminal.since(0).contains('\x1b'), "it is sent no escape");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal_it_says_how_to_get_one() {
    let world = World::of("repaired.toml").await;
    // As `ssh -T` runs it.
    let output = world.tenantop().stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("needs a terminal (ssh -t)") && said.contains("tenantop tenants"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");

    // A terminal on one side only.
    let shell = |redirected: &str| {
        let mut command = CommandBuilder::new("sh");
        let program = env!("CARGO_BIN_EXE_tenantop");
        let config = world.config_path();
        command.args(["-c", &format!("{program} --config {} {redirected}; echo left with $?", config.display())]);
        command.env("TERM", "xterm");
        command.env("XDG_STATE_HOME", world.dir.path().join("state"));
        let terminal = Terminal::run(command, 120, 24);
        terminal.until("needs a terminal (ssh -t)");
        terminal.until("left with 2");
        assert!(!terminal.since(0).contains('\x1b'));
    };
    shell("< /dev/null");
    shell("> /dev/null");
}
