//! What somebody pastes: from this terminal, without showing it, or from the other end of the socket.

use std::io::IsTerminal;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::output::Out;
use crate::cloud::PASTED_LIMIT;

/// Where pasted lines come from.
pub(super) enum Pasted {
    /// This process's own standard input.
    Own(Lines),
    /// Somebody at the other end of the socket.
    Far(Out),
}

impl Pasted {
    /// From wherever rows and words go.
    pub(super) fn of(out: &Out) -> Self {
        match out {
            Out::Own => Pasted::Own(Lines::open()),
            far @ Out::Far(_) => Pasted::Far(far.clone()),
        }
    }

    /// The next line; nothing if none comes any more.
    pub(super) async fn next(&mut self) -> Option<Zeroizing<String>> {
        match self {
            Pasted::Own(lines) => lines.next().await,
            Pasted::Far(out) => {
                let answers = out.ask("the address")?;
                let mut answers = answers.lock().await;
                answers.recv().await
            }
        }
    }
}

/// Lines that are pasted or piped in. A terminal shows nothing of them, and does not cut them at 4,096 bytes as it would
/// if it took lines itself.
pub(super) struct Lines {
    lines: mpsc::Receiver<Zeroizing<String>>,
    /// Put back when this is dropped.
    before: Option<Termios>,
}

impl Lines {
    pub(super) fn open() -> Self {
        let stdin = std::io::stdin();
        let terminal = stdin.is_terminal();
        let before = terminal.then(|| tcgetattr(&stdin).ok()).flatten();
        if let Some(mut modes) = before.clone() {
            modes.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            // What goes wrong here shows what is pasted, and no more.
            let _ = tcsetattr(&stdin, OptionalActions::Now, &modes);
        }
        let (send, lines) = mpsc::channel(1);
        // A read of standard input cannot be called off: the thread ends with the program.
        std::thread::spawn(move || {
            while let Some(line) = line(terminal) {
                if send.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self { lines, before }
    }

    pub(super) async fn next(&mut self) -> Option<Zeroizing<String>> {
        self.lines.recv().await
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // With what was not read: it is no command for the shell.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, before);
        }
    }
}

/// The next line that is not empty, without blanks; nothing at the end. A paste that was broken over lines comes as one.
fn line(terminal: bool) -> Option<Zeroizing<String>> {
    const END: u8 = 4;
    const RUB_OUT: [u8; 2] = [8, 127];
    const KILL: u8 = 21;
    let mut bytes = Zeroizing::new(Vec::with_capacity(PASTED_LIMIT + 1));
    let mut byte = Zeroizing::new([0]);
    let stdin = std::io::stdin();
    loop {
        // Past the buffer of standard input, which would keep what it read. An error is an end: what came is all.
        let ended = match rustix::io::read(&stdin, &mut *byte) {
            Err(rustix::io::Errno::INTR) => continue,
            read => read != Ok(1),
        };
        let [key] = *byte;
        let line_ends = matches!(key, b'\n' | b'\r') && !bytes.is_empty() && !(terminal && goes_on());
        if ended || line_ends || terminal && key == END {
            break;
        } else if terminal && RUB_OUT.contains(&key) {
            bytes.pop();
        } else if terminal && key == KILL {
            bytes.clear();
        } else if !key.is_ascii_whitespace() && bytes.len() <= PASTED_LIMIT {
            bytes.push(key);
        }
    }
    let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
    // Marks of a paste, where a shell left them on.
    let text = Zeroizing::new(text.replace("\u{1b}[200~", ""));
    let text = Zeroizing::new(text.replace("\u{1b}[201~", ""));
    (!text.is_empty()).then_some(text)
}

/// Whether more comes at once, as of a paste and not of a hand.
fn goes_on() -> bool {
    let stdin = std::io::stdin();
    let blink = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
    poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&blink)).is_ok_and(|ready| ready > 0)
}
