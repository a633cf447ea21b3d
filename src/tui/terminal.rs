//! The terminal's manners: raw mode, alternate screen, bracketed paste, and all of it put back on every way out.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event};
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;

use super::app::App;
use super::paint::Painter;

/// Whether the terminal is ours now: whoever restores it first does so alone.
static OURS: AtomicBool = AtomicBool::new(false);

/// Clicks and the wheel, told with decimal places: no moves, which would fill a slow line.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// The terminal, while the console has it.
#[derive(Debug)]
pub(super) struct Terminal {
    out: File,
    painter: Painter,
    size: (u16, u16),
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal.
    pub(super) fn open() -> io::Result<Self> {
        restore_on_panic();
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        enable_raw_mode()?;
        OURS.store(true, Ordering::SeqCst);
        let mut terminal = Self { out, painter: Painter::default(), size: size().unwrap_or((0, 0)), mouse: false };
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
        terminal.out.write_all(&bytes)?;
        Ok(terminal)
    }

    /// Notes what an event says about the terminal itself.
    pub(super) fn heard(&mut self, event: &Event) {
        if let Event::Resize(width, height) = event {
            self.size = (*width, *height);
            self.painter.forget();
        }
    }

    /// The next frame is drawn whole, in the size that the terminal has now.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        self.size = size()?;
        self.painter.forget();
        Ok(())
    }

    /// Draws the console: one write, or none.
    pub(super) fn draw(&mut self, app: &mut App, now: Timestamp) -> io::Result<()> {
        let (width, height) = self.size;
        let mut picture = Buffer::empty(Rect::new(0, 0, width, height));
        let cursor = app.draw(&mut picture, now);
        let bytes = self.painter.frame(picture, cursor)?;
        self.out.write_all(&bytes)
    }

    /// Sends a text to the terminal's clipboard (OSC 52). Whether it takes it, no terminal says.
    /// A tmux that takes no such wish of a program may still pass one on that is wrapped.
    pub(super) fn copy(&mut self, text: &str, tmux: bool) -> io::Result<()> {
        let plain = clipboard(text);
        self.out.write_all(plain.as_bytes())?;
        if tmux {
            self.out.write_all(passed_on(&plain).as_bytes())?;
        }
        Ok(())
    }

    /// Has the terminal tell of its mouse, clicks and wheel alone, or keep it to itself.
    pub(super) fn mouse(&mut self, wanted: bool) -> io::Result<()> {
        if std::mem::replace(&mut self.mouse, wanted) == wanted {
            return Ok(());
        }
        self.out.write_all(if wanted { MOUSE_ON } else { MOUSE_OFF })
    }

    /// The terminal is gone: nothing is written to it any more.
    #[expect(clippy::unused_self, reason = "only who has the terminal can give it up")]
    pub(super) fn give_up(&mut self) {
        if OURS.swap(false, Ordering::SeqCst) {
            // It is gone: its mode is of no interest.
            let _ = disable_raw_mode();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// What is typed, read on a thread of its own. After a hang-up the terminal's reader may never return again, and half an
/// escape sequence keeps it waiting: neither may stop the console.
#[derive(Debug)]
pub(super) struct Typed(mpsc::Receiver<io::Result<Vec<Event>>>);

/// Batches of events that may wait.
const BATCHES: usize = 64;

impl Typed {
    /// Begins to read. The thread ends with the process, or when nobody hears it any more.
    pub(super) fn listen() -> io::Result<Self> {
        let (send, batches) = mpsc::channel(BATCHES);
        std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
            loop {
                let batch = batch();
                let lost = batch.is_err();
                if send.blocking_send(batch).is_err() || lost {
                    return;
                }
            }
        })?;
        Ok(Self(batches))
    }

    /// The next events, at least one. `None` if the terminal is gone.
    pub(super) async fn next(&mut self) -> Option<Vec<Event>> {
        self.0.recv().await?.ok()
    }

    /// Events that lie ready. `None` if the terminal is gone.
    pub(super) fn ready(&mut self) -> Option<Vec<Event>> {
        match self.0.try_recv() {
            Ok(batch) => batch.ok(),
            Err(mpsc::error::TryRecvError::Empty) => Some(Vec::new()),
            Err(mpsc::error::TryRecvError::Disconnected) => None,
        }
    }
}

/// Waits for an event and takes those that came with it, so that a burst of keys is one frame.
fn batch() -> io::Result<Vec<Event>> {
    let mut batch = vec![event::read()?];
    while event::poll(Duration::ZERO)? {
        batch.push(event::read()?);
    }
    Ok(batch)
}

fn clipboard(text: &str) -> String {
    format!("\u{1b}]52;c;{}\u{1b}\\", base64::engine::general_purpose::STANDARD.encode(text))
}

/// An escape sequence for the terminal behind a tmux.
fn passed_on(sequence: &str) -> String {
    format!("\u{1b}Ptmux;{}\u{1b}\\", sequence.replace('\u{1b}', "\u{1b}\u{1b}"))
}

/// Gives the terminal back as it was. Does nothing where it was given back already; never fails loudly, since it runs
/// on the way out.
fn restore() {
    if !OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut bytes = MOUSE_OFF.to_vec();
    // Writing to a vector cannot fail.
    let _ = queue!(
        bytes,
        EndSynchronizedUpdate,
        SetAttribute(Attribute::Reset),
        DisableBracketedPaste,
        Show,
        LeaveAlternateScreen
    );
    // The way out: whoever cannot be written to has no screen to restore.
    let _ = io::stdout().write_all(&bytes);
    let _ = io::stdout().flush();
    let _ = disable_raw_mode();
}

/// A panic of the console's thread gives the terminal back before it is told. One of another thread is told when the
/// console is left, in the log: it must not write over the screen.
fn restore_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let console = std::thread::current().id();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == console || !OURS.load(Ordering::SeqCst) {
                restore();
                before(panic);
            } else {
                tracing::error!(%panic, "a thread beside the console panicked");
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_osc_52() {
        assert_eq!(clipboard("tenant"), "\u{1b}]52;c;dGVuYW50\u{1b}\\");
        assert_eq!(
            passed_on(&clipboard("tenant")),
            "\u{1b}Ptmux;\u{1b}\u{1b}]52;c;dGVuYW50\u{1b}\u{1b}\\\u{1b}\\",
            "each escape twice, in one of tmux's own"
        );
    }

    #[test]
    fn what_is_not_ours_is_not_restored() {
        assert!(!OURS.load(Ordering::SeqCst), "no test takes the terminal");
        restore();
    }
}
