//! The real loop on a real terminal: the test binary runs itself as a child in a pty.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use super::{options, sample};
use crate::client::Client;
use crate::model::{Clock, Command, Event, RunId};
use crate::tui;

const CHILD: &str = "TENANTOP_TEST_CONSOLE";
const LIMIT: Duration = Duration::from_secs(30);

/// What the child does: the console on a client that answers every wish. As a test of its own it has nothing to do.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let left = runtime.block_on(async {
        let (commands, mut wishes) = tokio::sync::mpsc::channel::<Command>(4);
        let (tell, events) = tokio::sync::mpsc::channel(16);
        tell.send(Event::Hello(Box::new(sample::quiet()))).await.unwrap();
        tokio::spawn(async move {
            while wishes.recv().await.is_some() {
                let accepted = Event::Accepted { run: RunId(1), joined: 0, by: None };
                if tell.send(accepted).await.is_err() {
                    return;
                }
            }
        });
        let calls = std::sync::atomic::AtomicU32::new(0);
        let panics = std::env::var(CHILD).is_ok_and(|how| how == "panic");
        let clock = Clock::of(move || {
            let calls = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert!(!panics || calls < 40, "made up for a test");
            sample::now()
        });
        tui::run(Client { commands, events }, clock, tui::Options { all: true, ..options() }).await
    });
    std::process::exit(i32::from(left.unwrap().code()));
}

/// The child on a pty of its own.
fn spawn(how: &str) -> (Box<dyn Child + Send + Sync>, Box<dyn MasterPty + Send>) {
    let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "tui::tests::live::child", "--nocapture", "--test-threads=1"]);
    command.env(CHILD, how);
    command.env("TERM", "xterm-256color");
    (pair.slave.spawn_command(command).unwrap(), pair.master)
}

struct Console {
    screen: vt100::Parser,
    bytes: Receiver<Vec<u8>>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    raw: Vec<u8>,
}

impl Console {
    fn start() -> Self {
        Self::how("plain")
    }

    fn how(how: &str) -> Self {
        let (child, master) = spawn(how);
        let mut reader = master.try_clone_reader().unwrap();
        let (send, bytes) = sync_channel(1024);
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = master.take_writer().unwrap();
        let screen = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        let mut console = Self { screen, bytes, child, _master: master, keys, raw: Vec::new() };
        console.until("? keys");
        console
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until the screen holds a text.
    fn until(&mut self, text: &str) {
        let started = Instant::now();
        while !self.screen.screen().contents().contains(text) {
            match self.bytes.recv_timeout(LIMIT.saturating_sub(started.elapsed())) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.raw.extend(bytes);
                }
                Err(error) => panic!("{error}: no `{text}` in\n{}", self.screen.screen().contents()),
            }
        }
    }

    /// Reads to the end and waits for the child.
    fn end(mut self) -> (ExitStatus, vt100::Parser, String) {
        let started = Instant::now();
        loop {
            match self.bytes.recv_timeout(LIMIT.saturating_sub(started.elapsed())) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.raw.extend(bytes);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the console does not end"),
            }
        }
        let status = self.child.wait().unwrap();
        (status, self.screen, String::from_utf8_lossy(&self.raw).into_owned())
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.child.process_id().and_then(|pid| rustix::process::Pid::from_raw(pid.try_into().unwrap()));
        rustix::process::kill_process(pid.unwrap(), signal).unwrap();
    }
}

fn is_restored(screen: &vt100::Parser) {
    assert!(!screen.screen().alternate_screen(), "the alternate screen is left");
    assert!(!screen.screen().hide_cursor(), "the cursor is shown");
    assert!(!screen.screen().bracketed_paste(), "pastes are plain again");
}

#[test]
fn it_starts_filters_asks_and_leaves() {
    let mut console = Console::start();
    assert!(console.screen.screen().alternate_screen() && console.screen.screen().bracketed_paste());
    console.until("Tenants");
    console.press("/toys\r");
    console.until("2 of 19  filter /toys");
    console.press("r");
    console.until("Re-run Tailspin Toys now?");
    // The question must stand before it can be agreed to: until then the key is no yes.
    console.press("n\\");
    console.until("show: all, 19 of 19");
    console.press("\u{1b}[200~rm -rf\u{1b}[201~");
    console.until("paste ignored here");
    console.press("?");
    console.until("keys: Tenants");
    console.press("qq");
    let (status, screen, raw) = console.end();
    assert_eq!(status.exit_code(), 0);
    is_restored(&screen);
    assert_eq!(raw.matches("\u{1b}[?2026h").count(), raw.matches("\u{1b}[?2026l").count().saturating_sub(1));
    for query in ["\u{1b}[6n", "\u{1b}[c", "\u{1b}]11;?"] {
        assert!(!raw.contains(query), "the terminal is asked nothing: {query:?}");
    }
}

#[test]
fn a_burst_of_keys_is_few_frames() {
    let mut console = Console::start();
    let before = console.raw.len();
    console.press(&"jk".repeat(99));
    console.press("j/burst");
    console.until("filter /burst");
    let frames = String::from_utf8_lossy(&console.raw[before..]).matches("\u{1b}[?2026h").count();
    assert!((1..60).contains(&frames), "{frames} frames for 206 keys");
    console.press("\u{3}");
    let (status, screen, _) = console.end();
    assert_eq!(status.exit_code(), 0, "Ctrl-C leaves at once");
    is_restored(&screen);
}

#[test]
fn sigterm_gives_the_terminal_back() {
    let console = Console::start();
    console.signal(rustix::process::Signal::TERM);
    let (status, screen, _) = console.end();
    assert_eq!(status.exit_code(), 143);
    is_restored(&screen);
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    let mut console = Console::how("panic");
    console.press(&"jk".repeat(40));
    let (status, screen, raw) = console.end();
    assert_ne!(status.exit_code(), 0);
    is_restored(&screen);
    let (_, behind) = raw.split_once("\u{1b}[?1049l").unwrap();
    assert!(behind.contains("made up for a test"), "it is told where it can be read: {behind}");
}

#[test]
fn a_hang_up_ends_it_at_once() {
    let console = Console::start();
    console.signal(rustix::process::Signal::HUP);
    let (status, _, _) = console.end();
    assert_eq!(status.exit_code(), 129);
}

#[test]
fn a_line_that_is_cut_ends_it() {
    let (mut child, master) = spawn("plain");
    let mut reader = master.try_clone_reader().unwrap();
    let mut shown = Vec::new();
    let mut buffer = [0; 8192];
    while !String::from_utf8_lossy(&shown).contains("\u{1b}[?2026l") {
        let n = reader.read(&mut buffer).unwrap();
        shown.extend(&buffer[..n]);
    }
    // The last ends of the line: nobody reads it and nobody types.
    drop(reader);
    drop(master);
    let (send, ended) = sync_channel(1);
    std::thread::spawn(move || send.send(child.wait()));
    let status = ended.recv_timeout(LIMIT).expect("the console does not end").unwrap();
    assert_eq!(status.exit_code(), 129);
}
