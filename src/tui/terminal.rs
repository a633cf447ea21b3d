use std::io::{Stdout, Write};
use std::time::Duration;

use base64::Engine as _;
use color_eyre::eyre::Result;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{cursor, queue};
use jiff::Timestamp;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::app::App;

/// The most bytes, encoded, that are sent for copying: terminals drop longer ones.
const COPY_LIMIT: usize = 74_994;

/// The whole terminal, in raw mode, until it is left or dropped.
pub(super) struct Screenful {
    shown: Option<Buffer>,
    out: Stdout,
    left: bool,
}

impl Screenful {
    /// Takes the terminal. It is given back on every way out, also after a panic.
    pub(super) fn enter() -> Result<Self> {
        enable_raw_mode()?;
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
        let mut out = std::io::stdout();
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide, Clear(ClearType::All))?;
        out.write_all(&bytes)?;
        out.flush()?;
        Ok(Self { shown: None, out, left: false })
    }

    /// Everything is drawn again next time.
    pub(super) fn forget(&mut self) {
        self.shown = None;
    }

    /// Draws what changed, in one write inside a synchronized update. Writes nothing if nothing changed.
    pub(super) fn draw(&mut self, app: &mut App, now: Timestamp) -> std::io::Result<()> {
        let (width, height) = size()?;
        let area = Rect::new(0, 0, width, height);
        let mut next = Buffer::empty(area);
        app.render(area, &mut next, now);
        let bytes = frame(self.shown.as_ref(), &next)?;
        self.shown = Some(next);
        if bytes.is_empty() {
            return Ok(());
        }
        self.out.write_all(&bytes)?;
        self.out.flush()
    }

    /// Sends a text to the terminal's clipboard; answers what to say of it.
    pub(super) fn copy(&mut self, text: &str) -> String {
        let encoded = base64::prelude::BASE64_STANDARD.encode(text);
        if encoded.len() > COPY_LIMIT {
            return format!("too long to copy: {} bytes", text.len());
        }
        let sent = self.out.write_all(format!("\x1b]52;c;{encoded}\x1b\\").as_bytes()).and_then(|()| self.out.flush());
        let start: String = text.chars().take(48).collect();
        sent.map_or_else(|error| format!("not sent: {error}"), |()| format!("sent to your terminal: {start}"))
    }

    /// Gives the terminal back.
    pub(super) fn leave(mut self) {
        self.left = true;
        restore();
    }
}

impl Drop for Screenful {
    fn drop(&mut self) {
        if !self.left {
            restore();
        }
    }
}

/// The bytes that turn one picture into another. None if they are the same.
pub(super) fn frame(shown: Option<&Buffer>, next: &Buffer) -> std::io::Result<Vec<u8>> {
    let same_size = shown.filter(|shown| shown.area == next.area);
    let empty = Buffer::empty(next.area);
    let changes = same_size.unwrap_or(&empty).diff(next);
    if changes.is_empty() && same_size.is_some() {
        return Ok(Vec::new());
    }
    let mut bytes = Vec::with_capacity(4096);
    queue!(bytes, BeginSynchronizedUpdate)?;
    if same_size.is_none() {
        queue!(bytes, ResetColor, Clear(ClearType::All))?;
    }
    let mut backend = CrosstermBackend::new(&mut bytes);
    backend.draw(changes.into_iter())?;
    queue!(bytes, EndSynchronizedUpdate)?;
    Ok(bytes)
}

fn restore() {
    let mut bytes = Vec::new();
    // The terminal may be gone: then nobody is left to see it.
    let _ = queue!(bytes, EndSynchronizedUpdate, ResetColor, DisableBracketedPaste, cursor::Show, LeaveAlternateScreen);
    let mut out = std::io::stdout();
    let _ = out.write_all(&bytes).and_then(|()| out.flush());
    let _ = disable_raw_mode();
}

/// The end of the session or of the process.
pub(super) struct Signals {
    hangup: Signal,
    terminate: Signal,
}

pub(super) fn signals() -> Result<Signals> {
    Ok(Signals { hangup: signal(SignalKind::hangup())?, terminate: signal(SignalKind::terminate())? })
}

impl Signals {
    /// Waits for one.
    pub(super) async fn recv(&mut self) {
        tokio::select! {
            _ = self.hangup.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ends the process after a while, whatever still hangs.
pub(super) fn exit_after(wait: Duration, code: i32) {
    std::thread::spawn(move || {
        let until = std::time::Instant::now() + wait;
        while let Some(left) = until.checked_duration_since(std::time::Instant::now()).filter(|left| !left.is_zero()) {
            std::thread::park_timeout(left);
        }
        std::process::exit(code);
    });
}
