//! What a terminal is sent: nothing without a change, one write a frame, few frames for many keys, and no question.

use std::time::Duration;

use rustix::process::Signal;

use super::terminal::Terminal;
use super::{console, imported};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_and_nothing_is_done_while_nothing_happens() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 120, 35);
    terminal.until("show: problems, 1 of 2");
    terminal.quiet(Duration::from_millis(300));
    let (bytes, (_, ticks)) = (terminal.bytes(), terminal.process());
    Terminal::pass(Duration::from_secs(3));
    // The turn of a minute may change the ages once.
    assert!(terminal.frames(bytes) <= 1 && terminal.bytes() - bytes < 200, "{:?}", terminal.since(bytes));
    let used = terminal.process().1 - ticks;
    assert!(used <= 2, "{used}0 ms of CPU");
    // A key that changes nothing.
    terminal.press("k");
    terminal.quiet(Duration::from_millis(300));
    assert!(terminal.frames(bytes) <= 1, "{:?}", terminal.since(bytes));
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_is_one_write() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.until("show: problems, 1 of 2");
    terminal.quiet(Duration::from_millis(200));
    terminal.then("u", "show: all, 2 of 2");
    let (place, (writes, bytes)) = (terminal.bytes(), terminal.writes());
    for n in 1..=20 {
        terminal.press(if n % 2 == 1 { "j" } else { "k" });
        terminal.wait("a frame", |terminal| terminal.frames(place) == n);
    }
    terminal.resize(300, 100);
    let (writes, bytes) = (terminal.writes().0 - writes, terminal.writes().1 - bytes);
    let sent = terminal.since(place);
    // What else the console's thread writes wakes another one: a number of 8 bytes.
    assert_eq!(bytes - sent.len() as u64, 8 * (writes - 21), "one write for each frame");
    let frames = sent.split("\x1b[?2026h").skip(1);
    assert!(frames.clone().all(|frame| frame.ends_with("\x1b[?2026l")), "all is within synchronized updates");
    assert_eq!(frames.count(), 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_keys_is_few_frames() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.then("u", "show: all, 2 of 2");
    for burst in ["jk".repeat(100), "\x1b[B\x1b[A".repeat(100), "u".repeat(200), "?\x7f".repeat(99) + "jj"] {
        terminal.quiet(Duration::from_millis(200));
        let place = terminal.bytes();
        terminal.press(&burst);
        // What is typed behind it is behind it.
        terminal.press("/");
        terminal.until("filter /");
        let frames = terminal.frames(place);
        // And one for the key behind it.
        assert!(frames <= 3 + 1, "{frames} frames for {:?}", &burst[..6]);
        terminal.then("\x1b", "show: all, 2 of 2");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_is_asked_nothing_and_told_only_what_every_terminal_knows() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.then("u", "show: all, 2 of 2");
    for keys in ["j", "/con", "\r", "\\", "?", "q", "R", "q", "yi", "U", "f", "q", "w", "P", "\x0c"] {
        terminal.press(keys);
        terminal.quiet(Duration::from_millis(30));
    }
    terminal.resize(120, 35);
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);
    terminal.assert_restored();
    let sent = terminal.since(0);
    let known = "hlmHKJCr";
    for sequence in sent.split('\x1b').skip(1) {
        let (first, rest) = sequence.split_at(1);
        match first {
            "[" => {
                let end = rest.find(|c: char| ('@'..='~').contains(&c)).unwrap();
                let (parameters, last) = (&rest[..end], rest[end..].chars().next().unwrap());
                assert!(known.contains(last), "CSI {:?}", &rest[..=end]);
                let modes = ["25", "1049", "2004", "2026"];
                let off = last == 'l' && ["1000", "1006"].contains(&parameters.trim_start_matches('?'));
                let known = parameters.strip_prefix('?').is_none_or(|mode| modes.contains(&mode));
                assert!(known || off, "the mouse stays the terminal's: {parameters}{last}");
            }
            // Scrolls by one row; ends a text.
            "M" | "\\" => {}
            "]" => assert!(rest.starts_with("52;c;") && !rest.contains('?'), "{rest:?}"),
            other => panic!("ESC {other}: {rest:?}"),
        }
    }
    assert!(!sent.contains(['\x05', '\x0e', '\x07', '\u{9b}']), "no answerback, no other set of letters, no bell");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_made_of_the_terminal_is_put_right() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.then("u", "show: all, 2 of 2");
    // Raw mode takes Ctrl-Z as a key.
    terminal.then("\x1a", "Ctrl-Z does nothing here");
    assert_ne!(terminal.process().0, 'T');
    terminal.press("j");
    terminal.quiet(Duration::from_millis(100));
    let (whole, raw) = (terminal.text(), terminal.modes());

    // A message of another program, a scrolling region, other looks: Ctrl-L draws all of it again.
    terminal.shown().screen.process(b"\x1b[5;9r\x1b[31;7m\x1b[3;3Hwall: the machine goes down\r\n\n\n\x1b[?25h");
    assert_ne!(terminal.text(), whole);
    let place = terminal.bytes();
    terminal.press("\x0c");
    terminal.wait("drawn again", |terminal| terminal.frames(place) > 0);
    terminal.quiet(Duration::from_millis(50));
    assert_eq!(terminal.text(), whole);
    assert!(terminal.shown().screen.screen().hide_cursor());

    // Stopped, the shell's modes and screen meanwhile, continued: it is as before without a key.
    terminal.signal(Signal::STOP);
    terminal.wait("stopped", |terminal| terminal.process().0 == 'T');
    let name = terminal.tty();
    assert!(std::process::Command::new("stty").arg("-F").arg(name).arg("sane").status().unwrap().success());
    assert_ne!(terminal.modes(), raw);
    terminal.shown().screen.process(b"\x1b[?1049l\x1b[?2004l\x1b[?25h$ fg");
    let place = terminal.bytes();
    terminal.signal(Signal::CONT);
    terminal.wait("drawn again", |terminal| terminal.frames(place) > 0);
    terminal.quiet(Duration::from_millis(50));
    assert_eq!(terminal.text(), whole);
    assert_eq!(terminal.modes(), raw);
    let shown = terminal.shown().screen.screen().clone();
    assert!(shown.alternate_screen() && shown.bracketed_paste() && shown.hide_cursor());
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);
    terminal.assert_restored();
}
