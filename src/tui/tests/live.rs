//! The real loop on a real terminal, at a clock that stands still: the test binary runs itself as a child in a pty.

use std::time::Duration;

use portable_pty::CommandBuilder;
use terminal::Terminal;

use super::{options, sample};
use crate::client::Client;
use crate::model::{Clock, Command, Event, Fleet, RunId};
use crate::tui;

#[path = "../../../tests/it/pty/terminal.rs"]
#[expect(dead_code, reason = "the tests of the real binary look at more")]
mod terminal;

const CHILD: &str = "TENANTOP_TEST_CONSOLE";

/// What the child does: the console on a client that answers every wish. As a test of its own it has nothing to do.
#[test]
fn child() {
    let Ok(how) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let left = runtime.block_on(async {
        let (commands, mut wishes) = tokio::sync::mpsc::channel::<Command>(4);
        let (tell, events) = tokio::sync::mpsc::channel(16);
        let fleet = if how == "many" { many() } else { sample::quiet() };
        tell.send(Event::Hello(Box::new(fleet))).await.unwrap();
        tokio::spawn(async move {
            while wishes.recv().await.is_some() {
                let accepted = Event::Accepted { run: RunId(1), joined: 0, by: None };
                if tell.send(accepted).await.is_err() {
                    return;
                }
            }
        });
        let calls = std::sync::atomic::AtomicU32::new(0);
        let beside = how == "beside";
        let clock = Clock::of(move || {
            if beside && calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 30 {
                let made_up = std::thread::spawn(|| panic!("made up for a test"));
                assert!(made_up.join().is_err());
            }
            sample::now()
        });
        tui::run(Client { commands, events }, clock, tui::Options { all: true, ..options() }).await
    });
    std::process::exit(i32::from(left.unwrap().code()));
}

/// More tenants than can be copied at once.
fn many() -> Fleet {
    let mut fleet = sample::quiet();
    let tenants: Vec<_> = fleet.tenants.values().cloned().collect();
    for n in 0..1000u128 {
        let mut tenant = tenants[0].clone();
        tenant.key.tenant = crate::model::TenantId::new(uuid::Uuid::from_u128(n));
        tenant.name = format!("Made-up Tenant {n:04}").into();
        fleet.tenants.insert(tenant.key.clone(), tenant);
    }
    fleet
}

/// The console, when it shows what it was told.
fn console(how: &str, width: u16, height: u16) -> Terminal {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "tui::tests::live::child", "--nocapture", "--test-threads=1"]);
    command.env(CHILD, how);
    command.env("TERM", "xterm-256color");
    let terminal = Terminal::run(command, width, height);
    if (width, height) >= (60, 15) && height >= 15 {
        terminal.until("show: all");
    } else {
        terminal.wait("a frame", |terminal| terminal.frames(0) > 0);
    }
    terminal.quiet(Duration::from_millis(50));
    terminal
}

fn leaves(mut terminal: Terminal) {
    terminal.press("\u{3}");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);
    terminal.assert_restored();
}

#[test]
fn it_starts_filters_asks_and_leaves() {
    let mut terminal = console("plain", 80, 24);
    let screen = terminal.shown().screen.screen().clone();
    assert!(screen.alternate_screen() && screen.bracketed_paste() && screen.hide_cursor());
    terminal.then("/toys\r", "2 of 19  filter /toys");
    assert!(terminal.shown().screen.screen().hide_cursor(), "the cursor is shown where somebody types");
    terminal.then("r", "Re-run Tailspin Toys now?");
    // Time stands still: the question was not read yet, and the key is no yes.
    terminal.then("y\u{1b}", "Enter open");
    terminal.then("\\", "show: all, 19 of 19");
    terminal.then("\u{1b}[200~rm -rf\u{1b}[201~", "paste ignored here");
    terminal.then("?", "keys: Tenants");
    terminal.press("qq");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);
    terminal.assert_restored();
}

#[test]
fn a_burst_of_keys_is_few_frames() {
    let mut terminal = console("many", 120, 35);
    for burst in ["j".repeat(200), "\u{1b}[A".repeat(200), " jk\u{1b}[6~g".repeat(40) + "G"] {
        let place = terminal.bytes();
        terminal.press(&burst);
        terminal.wait("a frame", |terminal| terminal.frames(place) > 0);
        terminal.quiet(Duration::from_millis(200));
        let frames = terminal.frames(place);
        assert!(frames <= 3, "{frames} frames for {:?}", &burst[..4]);
    }
    leaves(terminal);
}

#[test]
fn the_screen_after_a_resize_is_that_of_a_fresh_console() {
    let mut terminal = console("plain", 80, 24);
    terminal.then("jj/o", "filter /o");
    for (width, height) in [(60, 15), (59, 15), (1, 1), (2, 1), (300, 100), (60, 14), (120, 35), (81, 24)] {
        terminal.resize(width, height);
        let fresh = console("plain", 80, 24);
        let mut fresh = if height < 15 || width < 60 { console("plain", width, height) } else { fresh };
        if height >= 15 && width >= 60 {
            fresh.then("jj/o", "filter /o");
            fresh.quiet(Duration::from_millis(50));
            fresh.resize(width, height);
        }
        assert_eq!(terminal.text(), fresh.text(), "at {width}x{height}");
        leaves(fresh);
    }
    leaves(terminal);
}

#[test]
fn what_is_too_long_to_copy_is_shown_instead() {
    let mut terminal = console("many", 80, 24);
    let place = terminal.bytes();
    terminal.then("y", "all rows");
    terminal.then("a", "too long to copy: all rows");
    assert!(!terminal.since(place).contains("\u{1b}]52"), "nothing is sent");
    terminal.then("q", "show: all");
    terminal.then("yi", "sent to your terminal: tenant id");
    assert_eq!(terminal.since(place).matches("\u{1b}]52;c;").count(), 1);
    leaves(terminal);
}

#[test]
fn a_panic_beside_the_console_does_not_write_over_it() {
    let mut terminal = console("beside", 80, 24);
    for _ in 0..20 {
        terminal.press("jk");
        terminal.quiet(Duration::from_millis(20));
    }
    terminal.then("?", "keys: Tenants");
    assert!(!terminal.since(0).contains("made up"), "{}", terminal.text());
    leaves(terminal);
}
