//! The terminal's manners: raw mode, alternate screen, bracketed paste, and all of it put back on every way out.
//!
//! Nothing here waits for a terminal that does not read: what it does not take stays behind, and no frame is drawn
//! until it is gone. So keys and signals are heard on the slowest line, and frames never pile up.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event};
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::process::getsid;
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetsid, tcgetwinsize, tcsetattr};
use tokio::task::JoinHandle;

use super::ExitReason;
use super::app::App;
use super::paint::{NO_REGION, Painter};

/// What is put back, while the terminal is ours: whoever takes it does so alone.
static BEFORE: Mutex<Option<Before>> = Mutex::new(None);

/// How the terminal was, and where to write that it shall be so again.
#[derive(Debug)]
struct Before {
    out: File,
    modes: Termios,
}

/// How long a terminal that does not read is waited for on the way out.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long the process may take to tidy what it holds after a signal, after a panic, or when its terminal is gone.
const GRACE: Duration = Duration::from_millis(600);
/// The size of a terminal that does not know its own, as a serial line's.
const USUAL: (u16, u16) = (80, 24);
/// The end of a text for the terminal, in case one was cut off.
const TEXT_END: &[u8] = b"\x1b\\";

/// Clicks and the wheel, told with decimal places: no moves, which would fill a slow line.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// The terminal, while the console has it.
#[derive(Debug)]
pub(super) struct Terminal {
    out: File,
    /// Its modes as the console needs them.
    raw: Termios,
    /// Written, and not taken by the terminal.
    behind: Vec<u8>,
    /// Waits until it takes more.
    waits: Option<JoinHandle<io::Result<()>>>,
    painter: Painter,
    size: (u16, u16),
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal.
    pub(super) fn open() -> io::Result<Self> {
        restore_on_panic();
        let out = own()?;
        let modes = tcgetattr(io::stdin())?;
        let mut raw = modes.clone();
        raw.make_raw();
        let before = Before { out: out.try_clone()?, modes };
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        let mut terminal =
            Self { out, raw, behind: Vec::new(), waits: None, painter: Painter::default(), size: USUAL, mouse: false };
        terminal.set_up()?;
        Ok(terminal)
    }

    /// Sets the terminal up, also after somebody else had it, and answers its size; the next frame is drawn whole.
    pub(super) fn set_up(&mut self) -> io::Result<Event> {
        queue!(self.behind, SetAttribute(Attribute::Reset), EnterAlternateScreen)?;
        self.again()
    }

    /// Puts right what somebody else may have made of it, and answers its size; the next frame is drawn whole.
    pub(super) fn again(&mut self) -> io::Result<Event> {
        tcsetattr(io::stdin(), OptionalActions::Now, &self.raw)?;
        queue!(self.behind, EnableBracketedPaste, Hide)?;
        if self.mouse {
            self.behind.extend(MOUSE_ON);
        }
        Ok(self.resized())
    }

    /// Looks at the size; the next frame is drawn whole.
    pub(super) fn resized(&mut self) -> Event {
        self.size = match tcgetwinsize(&self.out) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            Ok(_) | Err(_) => USUAL,
        };
        self.painter.forget();
        Event::Resize(self.size.0, self.size.1)
    }

    /// Draws the console: one write, or none.
    pub(super) fn draw(&mut self, app: &mut App, now: Timestamp) -> io::Result<()> {
        let (width, height) = self.size;
        let mut picture = Buffer::empty(Rect::new(0, 0, width, height));
        let cursor = app.draw(&mut picture, now);
        self.behind.extend(self.painter.frame(picture, cursor)?);
        Ok(())
    }

    /// Sends a text to the terminal's clipboard (OSC 52). Whether it takes it, no terminal says.
    /// A tmux that takes no such wish of a program may still pass one on that is wrapped.
    pub(super) fn copy(&mut self, text: &str, tmux: bool) {
        let plain = clipboard(text);
        self.behind.extend(plain.as_bytes());
        if tmux {
            self.behind.extend(passed_on(&plain).as_bytes());
        }
    }

    /// Has the terminal tell of its mouse, clicks and wheel alone, or keep it to itself.
    pub(super) fn mouse(&mut self, wanted: bool) {
        if std::mem::replace(&mut self.mouse, wanted) != wanted {
            self.behind.extend(if wanted { MOUSE_ON } else { MOUSE_OFF });
        }
    }

    /// Writes as much as the terminal takes at once.
    pub(super) fn write(&mut self) -> io::Result<()> {
        while !self.behind.is_empty() {
            match self.out.write(&self.behind) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => drop(self.behind.drain(..n)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the terminal has not taken all that was written.
    pub(super) fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Waits until the terminal takes more, and writes that. Nothing is lost where the wait is given up.
    pub(super) async fn catch_up(&mut self) -> io::Result<()> {
        let waits = match &mut self.waits {
            Some(waits) => waits,
            none => {
                let out = self.out.try_clone()?;
                none.insert(tokio::task::spawn_blocking(move || is_writable(&out, PATIENCE).map(|_| ())))
            }
        };
        let waited = waits.await;
        self.waits = None;
        waited.map_err(io::Error::other)??;
        self.write()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// The terminal of standard output, opened anew where that is possible: only then may it be told not to wait, since
/// what we were started with is the shell's too.
fn own() -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let open = |path| OpenOptions::new().write(true).custom_flags(flags).open(path);
    // Under `sudo -u` the first may be forbidden; the second is for everybody, if it is the same terminal.
    let ours = || tcgetsid(io::stdout()).is_ok_and(|session| getsid(None).is_ok_and(|own| own == session));
    if let Ok(file) = open("/proc/self/fd/1") {
        return Ok(file);
    }
    match open("/dev/tty") {
        Ok(file) if ours() => Ok(file),
        Ok(_) | Err(_) => Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?)),
    }
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
    let Some(Before { out, modes }) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    // Whoever has no terminal any more has none to restore. Its modes first, since nothing keeps them waiting.
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, &modes);
    let mut bytes = [TEXT_END, MOUSE_OFF].concat();
    // Writing to a vector cannot fail.
    let _ = queue!(bytes, EndSynchronizedUpdate, SetAttribute(Attribute::Reset), DisableBracketedPaste);
    bytes.extend_from_slice(NO_REGION);
    // Left empty: tmux 3.3 moves what stands there into its history when the window has grown meanwhile.
    let _ = queue!(bytes, Clear(ClearType::All), Show, LeaveAlternateScreen);
    if let Ok(false) = write_in_time(&out, &bytes) {
        // It does not read. What waits for it is thrown away, so that what puts it back is there when it reads again.
        let _ = tcflush(&out, QueueSelector::OFlush);
        let _ = write_in_time(&out, &bytes);
    }
}

/// Writes all, if the terminal takes it soon; says whether it did.
fn write_in_time(mut out: &File, mut bytes: &[u8]) -> io::Result<bool> {
    let began = Instant::now();
    while let Some(left) = PATIENCE.checked_sub(began.elapsed()) {
        if !is_writable(out, left)? {
            continue;
        }
        match out.write(bytes) {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
            Err(error) => return Err(error),
        }
        if bytes.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the terminal takes something within a while.
fn is_writable(out: &File, within: Duration) -> io::Result<bool> {
    let within = Timespec::try_from(within).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(out, PollFlags::OUT)], Some(&within)) {
        Ok(n) => Ok(n > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Ends the process soon, whatever still hangs: what it holds is tidied until then.
pub(super) fn gone_soon(reason: ExitReason) {
    let pass = |time: Duration| {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            std::thread::park_timeout(left);
        }
    };
    std::thread::spawn(move || {
        pass(GRACE);
        // Where the terminal could not be opened anew, a write that hangs keeps every other waiting.
        std::thread::spawn(restore);
        pass(PATIENCE * 2);
        std::process::exit(i32::from(reason.code()));
    });
}

/// A panic of the console's thread gives the terminal back before it is told, and ends the process. One of another
/// thread is told in the log: it must not write over the screen.
fn restore_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let console = std::thread::current().id();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let ours = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).is_some();
            if std::thread::current().id() == console || !ours {
                restore();
                before(panic);
                if ours {
                    gone_soon(ExitReason::Defect);
                }
            } else {
                // What a panic says may hold what was being read.
                let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
                tracing::error!(place, "a thread beside the console panicked");
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
        assert!(BEFORE.lock().unwrap().is_none(), "no test takes the terminal");
        restore();
    }
}
