//! What a terminal sends: keys that a slow line tore apart, pastes, copies.

use std::time::{Duration, Instant};

use tenantop::sim::Scenario;

use super::terminal::Terminal;
use super::{console, imported};

/// The tenant whose row the cursor is on.
fn cursor(terminal: &Terminal) -> String {
    let shown = terminal.shown();
    let screen = shown.screen.screen();
    let rows = screen.rows(0, 80).zip(0u16..).skip(1);
    let mut reversed = rows.filter(|(_, y)| screen.cell(*y, 2).is_some_and(vt100::Cell::inverse));
    reversed.next().expect("a cursor").0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sequence_that_is_torn_is_never_letters() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.until("show: problems, 1 of 2");
    terminal.then("u", "show: all, 2 of 2");
    let first = cursor(&terminal);
    for (parts, moved) in
        [(["\x1b", "[B"], true), (["\x1b[", "A"], false), (["\x1b", "OB"], true), (["\x1b[", "1~"], false)]
    {
        for part in parts {
            terminal.press(part);
            Terminal::pass(Duration::from_millis(30));
        }
        terminal.wait("the cursor moves", |terminal| (cursor(terminal) != first) == moved);
        assert!(!terminal.text().contains("does nothing here"), "{parts:?}:\n{}", terminal.text());
    }
    // Torn so far apart that the Esc counted: one step back, and still no letter. 5 would sort.
    terminal.then("\r", "Who acts: CUSTOMER");
    terminal.press("\x1b");
    terminal.until("show: all, 2 of 2");
    let listed = terminal.text();
    terminal.press("[5~");
    terminal.then("/", "filter /");
    terminal.press("\x1b");
    terminal.wait("as before", |terminal| terminal.text() == listed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn esc_is_one_step_back_once_it_is_certain() {
    let world = imported().await;
    for (ssh, hold) in [("", 50), ("192.0.2.1 50000 192.0.2.2 22", 100)] {
        let mut command = console(&world);
        command.env("SSH_CONNECTION", ssh);
        let mut terminal = Terminal::run(command, 80, 24);
        terminal.until("show: problems, 1 of 2");
        terminal.then("\r", "Who acts: CUSTOMER");
        let (began, before) = (Instant::now(), terminal.bytes());
        terminal.press("\x1b");
        terminal.until("show: problems, 1 of 2");
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(hold), "{took:?}");
        assert!(took < Duration::from_millis(hold + 900), "{took:?}");
        assert_eq!(terminal.frames(before), 1);
        terminal.press("\x03");
        assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pasted_is_text_and_never_keys() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.until("show: problems, 1 of 2");
    terminal.then("\x1b[200~ry\rq\x03\x1b[201~", "paste ignored here");
    terminal.then("u/", "filter /");
    terminal.then("\x1b[200~wood\r\ngrove\x1b[201~", "filter /wood");
    assert!(!terminal.text().contains("Contoso"), "it filters");
    terminal.then("\x1b", "show: all, 2 of 2");

    // A megabyte, where it is ignored and where it is typed.
    let held = |terminal: &Terminal| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", terminal.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let before = held(&terminal);
    let megabyte = format!("\x1b[200~{}\x1b[201~", "qry\r".repeat(1 << 18));
    for (keys, shown) in [("", "paste ignored here"), ("/", "filter /qry")] {
        terminal.press(keys);
        let began = Instant::now();
        terminal.then(&megabyte, shown);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
    let grown = held(&terminal) - before;
    assert!(grown < 8 << 10, "{grown} KiB more");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_sent_once_and_is_not_said_to_have_arrived() {
    use base64::Engine as _;
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.until("show: problems, 1 of 2");
    let tenant = cursor(&terminal);
    assert!(tenant.contains("Woodgrove Bank"), "{tenant}");
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/repaired.toml");
    let scenario = Scenario::parse(&std::fs::read_to_string(scenario).unwrap()).unwrap();
    let id = scenario.tenant_id("Woodgrove Bank").unwrap().to_string();
    let before = terminal.bytes();
    terminal.press("y");
    terminal.until("tenant id");
    terminal.then("i", "sent to your terminal: tenant id");
    assert!(!terminal.text().contains("copied"), "nobody knows that");
    let encoded = base64::engine::general_purpose::STANDARD.encode(&id);
    let sent = terminal.since(before);
    assert_eq!(sent.matches(&format!("\x1b]52;c;{encoded}\x1b\\")).count(), 1, "{sent:?}");
    assert_eq!(sent.matches("\x1b]").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mouse_is_heard_where_it_was_asked_for() {
    let world = imported().await;
    let mut command = console(&world);
    command.args(["--mouse", "--all"]);
    let mut terminal = Terminal::run(command, 80, 24);
    terminal.until("show: all, 2 of 2");
    let reports = |terminal: &Terminal| terminal.shown().screen.screen().mouse_protocol_mode();
    assert_eq!(reports(&terminal), vt100::MouseProtocolMode::PressRelease);
    let first = cursor(&terminal);
    // Torn as a slow line may tear it.
    terminal.press("\x1b");
    Terminal::pass(Duration::from_millis(20));
    terminal.press("[<0;5;7M\x1b[<0;5;");
    terminal.press("7m");
    terminal.wait("the cursor moves", |terminal| cursor(terminal) != first);
    terminal.shown().screen.process(b"\x1b[?1000l");
    terminal.press("\x0c");
    terminal.wait("it is asked for again", |terminal| reports(terminal) != vt100::MouseProtocolMode::None);
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);
    terminal.assert_restored();
}
