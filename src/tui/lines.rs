//! The console in plain lines: for a screen reader, and for a terminal that cannot move its cursor.
//!
//! The same [`App`] is drawn into a picture that nobody sees, and what changed in it is told as lines. Nothing is redrawn
//! and no escape sequence is written. Keys are typed as lines, as they are on the screen, names in angle brackets.

mod voice;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;

use color_eyre::eyre::Result;
use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::export::Scribe;
use super::keys::Key;
use super::screens::ScreenId;
use super::{App, ExitReason, Options, Theme, ended, hand_over, lost, reach, typed};
use crate::client::Client;
use crate::model::{Change, Clock, Command, Event, Look};
use voice::{Over, Picture, Voice};

/// The size of the picture.
const SIZE: (u16, u16) = (100, 40);
/// How long an answer is waited for before what is there is told.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);
/// Lines that may wait, and the most bytes of one.
const LINES: usize = 16;
const LONGEST: u64 = 4096;

/// Runs the console in plain lines until it is left or its input ends.
pub async fn run_plain(client: Client, clock: Clock, options: Options) -> Result<ExitReason> {
    let mut ended = ended()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut lines = listen()?;
    let mut talk = Talk::begin(client, clock, options)?;
    let mut connected = true;
    loop {
        match talk.go_on() {
            Ok(None) => {}
            Ok(Some(reason)) => return Ok(reason),
            Err(_) => return Ok(lost()),
        }
        let told = tokio::select! {
            biased;
            reason = &mut ended => return Ok(reason.unwrap_or(ExitReason::Terminated)),
            _ = interrupt.recv() => return Ok(ExitReason::Left),
            event = talk.client.events.recv(), if connected => {
                connected = event.is_some();
                talk.hear(event)
            }
            Some(told) = talk.scribe.told() => {
                talk.app.exported(told, talk.clock.now());
                talk.news()
            }
            line = lines.recv(), if talk.listens() => talk.line(line),
            () = reach(talk.until, &talk.clock), if talk.until.is_some() => Ok(()),
        };
        if told.is_err() {
            return Ok(lost());
        }
    }
}

/// Reads lines on a thread of its own, which ends with the input or the process.
fn listen() -> io::Result<mpsc::Receiver<String>> {
    let (send, lines) = mpsc::channel(LINES);
    std::thread::Builder::new().name("lines".to_owned()).spawn(move || {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        while matches!(input.by_ref().take(LONGEST).read_until(b'\n', &mut line), Ok(1..)) {
            if send.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    })?;
    Ok(lines)
}

/// What was typed.
#[derive(Debug, Clone, Copy)]
enum Stroke {
    Key(Key),
    /// The end of the line.
    End,
}

/// What is waited for before a picture is told.
#[derive(Debug, Default)]
struct Owed {
    hello: bool,
    look: Option<Look>,
    answers: u32,
    export: bool,
}

/// An operator who types and is told.
#[expect(clippy::struct_excessive_bools, reason = "what is still to be done, each by itself")]
struct Talk {
    out: File,
    app: App,
    client: Client,
    scribe: Scribe,
    clock: Clock,
    voice: Voice,
    strokes: VecDeque<Stroke>,
    owed: Owed,
    /// When waiting for what is owed ends.
    until: Option<Timestamp>,
    /// What was owed came too late: it is told when it comes.
    late: bool,
    /// A picture is to be told.
    due: bool,
    /// A line was typed: it is told too that it changed nothing.
    typed: bool,
    ended: bool,
    said: Option<String>,
    screen: Option<ScreenId>,
}

impl Talk {
    fn begin(client: Client, clock: Clock, options: Options) -> Result<Self> {
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let scribe = Scribe::start(options.export_dir.clone())?;
        let app = App::new(Options { theme: Theme::Mono, ..options });
        let mut talk = Self {
            screen: app.screen(),
            out,
            app,
            client,
            scribe,
            until: clock.now().checked_add(PATIENCE).ok(),
            clock,
            voice: Voice::default(),
            strokes: VecDeque::new(),
            owed: Owed { hello: true, ..Owed::default() },
            late: false,
            due: true,
            typed: false,
            ended: false,
            said: None,
        };
        let hello =
            "tenantop in plain lines. Type keys, then Enter; an empty line is Enter. ? tells the keys, q leaves.";
        talk.write(&[hello.to_owned()])?;
        Ok(talk)
    }

    /// Whether the next line may be read: what was typed before is done and told.
    fn listens(&self) -> bool {
        !self.due && !self.ended && self.strokes.is_empty()
    }

    /// Does all that can be done now: presses keys, draws, tells. Says why the console is to be left.
    fn go_on(&mut self) -> io::Result<Option<ExitReason>> {
        loop {
            let now = self.clock.now();
            self.app.tick(now);
            let picture = self.due.then(|| self.draw(now));
            self.hand_over(now);
            if let Some(reason) = self.app.left() {
                return Ok(Some(reason));
            }
            let exporting = self.app.is_exporting();
            self.owed.export &= exporting;
            if !self.is_settled(now) {
                return Ok(None);
            }
            if let Some(stroke) = self.strokes.pop_front() {
                self.stroke(stroke, now);
                self.owed.export |= !exporting && self.app.is_exporting();
                self.until = now.checked_add(PATIENCE).ok();
                continue;
            }
            if let Some(picture) = picture {
                self.due = false;
                self.tell(&picture, now)?;
                continue;
            }
            let ends = self.ended && !exporting;
            return Ok(ends.then_some(ExitReason::Left));
        }
    }

    fn stroke(&mut self, stroke: Stroke, now: Timestamp) {
        match stroke {
            Stroke::Key(key) => self.app.press(key, now),
            Stroke::End if self.app.takes_a_line() => self.app.press(Key::Enter, now),
            Stroke::End => {}
        }
    }

    /// Whether all that is owed is there, or was waited for long enough.
    fn is_settled(&mut self, now: Timestamp) -> bool {
        let Owed { hello, look, answers, export } = &self.owed;
        if *hello || look.is_some() || *answers > 0 || *export {
            if self.until.is_some_and(|until| now < until) {
                return false;
            }
            self.late = *hello || look.is_some();
            self.owed = Owed::default();
        }
        self.until = None;
        true
    }

    fn draw(&mut self, now: Timestamp) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
        self.app.draw(&mut buffer, now);
        buffer
    }

    fn hand_over(&mut self, now: Timestamp) {
        for wish in self.app.wishes() {
            match wish {
                Command::At(_) => {}
                Command::Look(look) if look.is_export() => {}
                Command::Look(look) => self.owed.look = Some(look.clone()),
                Command::Import { .. }
                | Command::Probe { .. }
                | Command::Sync { .. }
                | Command::Cancel { .. }
                | Command::Pause { .. }
                | Command::Resume { .. }
                | Command::Ticket { .. }
                | Command::CloseTicket { .. }
                | Command::Know { .. }
                | Command::Forget { .. }
                | Command::Name { .. }
                | Command::Kick { .. }
                | Command::Allocate { .. }
                | Command::Review { .. } => self.owed.answers += 1,
            }
        }
        hand_over(&mut self.app, &self.client, &self.scribe, now);
    }

    fn tell(&mut self, picture: &Buffer, now: Timestamp) -> io::Result<()> {
        let picture = Picture::of(picture, self.app.whole_text(now));
        if self.app.take_redraw() {
            self.voice.forget();
        }
        let over = match (self.app.is_overlaid(), self.app.is_covered()) {
            (false, _) => Over::Nothing,
            (true, false) => Over::Below,
            (true, true) => Over::Text,
        };
        self.screen = self.app.screen();
        self.said = self.app.said(now);
        let mut lines = self.voice.tell(&picture, self.app.screen(), over);
        if self.app.shows_keys() {
            // They were told whole: what is typed next is for the screen.
            lines.pop();
            self.app.press(Key::Esc, now);
            self.voice.keys_are_gone();
        }
        if let Some(text) = self.app.take_copied() {
            lines.extend(text.lines().map(str::to_owned));
        }
        if lines.is_empty() && self.typed {
            lines.push("nothing changed".to_owned());
        }
        self.typed = false;
        self.write(&lines)
    }

    /// Takes a line, or the end of all lines.
    fn line(&mut self, line: Option<String>) -> io::Result<()> {
        let Some(line) = line else {
            self.ended = true;
            return Ok(());
        };
        let line = line.trim_end_matches(['\n', '\r']);
        let keys = if line.is_empty() { Ok(vec![Key::Enter]) } else { typed::keys(line) };
        match keys {
            Ok(keys) => {
                self.strokes.extend(keys.into_iter().map(Stroke::Key).chain([Stroke::End]));
                self.due = true;
                self.typed = true;
                Ok(())
            }
            Err(why) => self.write(&[format!("{why}; ? tells the keys")]),
        }
    }

    /// Hears a fact or an answer.
    fn hear(&mut self, event: Option<Event>) -> io::Result<()> {
        let now = self.clock.now();
        let Some(event) = event else {
            self.owed = Owed::default();
            self.app.closed(now);
            return self.write(&["the server is gone: what is told is old, and nothing can be started".to_owned()]);
        };
        let mut over = None;
        match &event {
            Event::Hello(_) => {
                self.due |= self.late;
                self.owed.hello = false;
            }
            Event::Change(change) => {
                if let Change::RunEnded { run, .. } = &**change {
                    over = Some(*run);
                }
            }
            Event::Seen(seen) => {
                if self.owed.look.as_ref() == Some(&seen.look) {
                    self.owed.look = None;
                }
                self.due |= self.late && !seen.look.is_export();
            }
            Event::Accepted { .. } | Event::Done(_) | Event::Refused(_) => {
                self.owed.answers = self.owed.answers.saturating_sub(1);
            }
            Event::Lost { .. } => self.owed = Owed::default(),
            Event::Over(why) => {
                self.owed = Owed::default();
                self.write(&[format!("{why}: what is told is old, and nothing can be started")])?;
            }
            Event::You { .. } | Event::Present(_) => {}
        }
        self.late &= !self.due;
        self.app.hear(event, now);
        if let Some(line) = over.and_then(|run| self.app.run_ended(run)) {
            self.write(&[line])?;
        }
        self.news()
    }

    /// Tells an answer or an error that came by itself, and a screen that opened by itself; nothing else that changed.
    fn news(&mut self) -> io::Result<()> {
        if self.due {
            return Ok(());
        }
        if self.app.screen() != self.screen {
            self.due = true;
            return Ok(());
        }
        let said = self.app.said(self.clock.now());
        if said == self.said {
            return Ok(());
        }
        self.said.clone_from(&said);
        said.map_or(Ok(()), |said| self.write(&[said]))
    }

    /// Writes lines, and no control character.
    fn write(&mut self, lines: &[String]) -> io::Result<()> {
        let mut text = String::new();
        for line in lines {
            text.extend(line.chars().map(|c| if c.is_control() { '?' } else { c }));
            text.push('\n');
        }
        self.out.write_all(text.as_bytes())
    }
}
