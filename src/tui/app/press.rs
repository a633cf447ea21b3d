//! What becomes of what an operator does: keys, pastes, the mouse.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use jiff::Timestamp;

use super::tables::{Common, KEYS};
use super::{App, ExitReason, Pending};
use crate::model::Command;
use crate::tui::keys::{Key, find};
use crate::tui::listing::{KEYS as LIST_KEYS, Move};
use crate::tui::overlays::{FilterInput, Outcome, Overlay, Reader, help};
use crate::tui::page::{Line, PANE_FROM};
use crate::tui::screens::{CopyItem, Cx, Effect, ScreenId};
use crate::tui::words;

/// The most bytes of base64 that are sent to a terminal's clipboard.
const COPY_LIMIT: usize = 74_994;
/// Rows that a notch of the wheel moves.
const WHEEL: usize = 3;

impl App {
    /// The wheel moves as the arrows do; a click puts the cursor on a row.
    pub(super) fn mouse(&mut self, event: MouseEvent, now: Timestamp) {
        #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm knows drags and moves; we use wheel and click")]
        let wheel = match event.kind {
            MouseEventKind::ScrollUp => Key::Up,
            MouseEventKind::ScrollDown => Key::Down,
            MouseEventKind::Down(MouseButton::Left) if self.overlay.is_none() => {
                let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
                if let Some(screen) = self.stack.last_mut() {
                    screen.click(event.row, &cx);
                }
                self.draw_by(now);
                return;
            }
            _ => return,
        };
        for _ in 0..WHEEL {
            match &mut self.overlay {
                Some(overlay) if overlay.covers() => {
                    overlay.press(wheel, now);
                }
                Some(_) => {}
                None => self.do_key(wheel, now),
            }
        }
        self.draw_by(now);
    }
    pub(super) fn paste(&mut self, text: &str, now: Timestamp) {
        if let Some(Overlay::Filter(input)) = &mut self.overlay {
            let text = input.paste(text);
            self.filter(&text, true, now);
            self.draw_by(now);
        } else if let Some(Overlay::Command(line)) = &mut self.overlay {
            line.paste(text);
            self.offer(now);
            self.draw_by(now);
        } else if let Some(Overlay::Note(input)) = &mut self.overlay {
            input.paste(text);
            self.draw_by(now);
        } else {
            self.say("paste ignored here".to_owned(), false, now);
        }
    }

    /// Does what a key does.
    pub(crate) fn press(&mut self, key: Key, now: Timestamp) {
        self.draw_by(now);
        if let Some(pending) = &mut self.pending {
            pending.follow = false;
        }
        if key == Key::Ctrl('c') {
            self.left = Some(ExitReason::Left);
            return;
        }
        let answers = matches!(key, Key::Char('y') | Key::Esc) && self.asks_whether_to_leave().is_some();
        if self.size != (0, 0) && self.too_small() && !answers && !matches!(key, Key::Char('q' | '?')) {
            return;
        }
        if self.message.as_ref().is_some_and(|message| !message.error) {
            self.message = None;
        }
        self.export_was_read(now);
        if key == Key::Ctrl('l') {
            self.redraw = true;
            return;
        }
        if let (Some(Overlay::Text(reader)), Some(Common::Export)) = (&self.overlay, find(KEYS, key)) {
            return self.export_text(("text", "Esc, then y copies"), reader.text(), now);
        }
        if let (Some(Overlay::Letter(letter)), Some(Common::Export)) = (&self.overlay, find(KEYS, key)) {
            let lines = letter.text().lines().map(str::to_owned).collect();
            return self.export_text(("ticket", "y copies it"), lines, now);
        }
        if let Some(overlay) = &mut self.overlay {
            let outcome = overlay.press(key, now);
            self.outcome(outcome, key, now);
            return;
        }
        let meant =
            if self.options.keymap.is_plain() { Some(key) } else { self.options.keymap.meant(key, &self.table(now)) };
        match meant {
            Some(key) => self.do_key(key, now),
            None => self.nothing(key, now),
        }
    }

    /// Does what a key of the tables does on the screen on top.
    pub(super) fn do_key(&mut self, key: Key, now: Timestamp) {
        if self.scroll_pane(key) || key == Key::Esc && self.stop_export(now) {
            return;
        }
        let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
        if let Some(effect) = self.stack.last_mut().and_then(|screen| screen.press(key, &cx)) {
            self.effect(effect, now);
        } else if let Some(act) = find(KEYS, key) {
            self.common(act, now);
        } else {
            self.nothing(key, now);
        }
    }

    /// While the right pane has the keys, those that move scroll it. Drawing holds it within its text.
    fn scroll_pane(&mut self, key: Key) -> bool {
        let Some(at) = &mut self.pane_at else { return false };
        let page = usize::from(self.size.1.saturating_sub(5)).max(1);
        *at = match find(LIST_KEYS, key) {
            Some(Move::Up) => at.saturating_sub(1),
            Some(Move::Down) => *at + 1,
            Some(Move::PageUp) => at.saturating_sub(page),
            Some(Move::PageDown) => *at + page,
            Some(Move::First) => 0,
            Some(Move::Last) => usize::MAX / 2,
            Some(_) | None => {
                let back = matches!(key, Key::Esc | Key::Backspace);
                if back {
                    self.pane_at = None;
                }
                return back;
            }
        };
        true
    }

    /// Why there is no right pane.
    pub(super) fn no_pane(&self) -> Option<String> {
        if self.size.0 < PANE_FROM {
            return Some(format!("the right pane opens from {PANE_FROM} columns on"));
        }
        (!self.pane).then(|| format!("the right pane is closed: {} opens it", self.options.keymap.hint("pane")))
    }

    fn nothing(&mut self, key: Key, now: Timestamp) {
        let help = self.options.keymap.hint("help");
        self.say(format!("{key} does nothing here   {help} shows the keys"), false, now);
    }

    fn outcome(&mut self, outcome: Outcome, key: Key, now: Timestamp) {
        match outcome {
            Outcome::Stay => self.offer(now),
            Outcome::Command(line) => self.command(&line, now),
            Outcome::Close => self.overlay = None,
            Outcome::Then(effect) => {
                self.overlay = None;
                self.effect(effect, now);
            }
            Outcome::Say(text) => self.say(text, false, now),
            Outcome::Filter(text, stays) => {
                self.filter(&text, stays, now);
                if !stays {
                    self.overlay = None;
                }
            }
            Outcome::Pass => {
                let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
                self.stack.last_mut().and_then(|screen| screen.press(key, &cx));
            }
            Outcome::Sent(item) => self.copy(item, now),
            Outcome::Language(language) => self.options.language = language,
            Outcome::Copied(item) => {
                self.overlay = None;
                self.copy(item, now);
            }
        }
    }

    pub(super) fn filter(&mut self, text: &str, stays: bool, now: Timestamp) {
        let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
        let Some(screen) = self.stack.last_mut() else { return };
        let error = screen.set_filter(text, &cx).err().map(|error| error.to_string());
        if let (Some(Overlay::Filter(input)), true) = (&mut self.overlay, stays) {
            input.error = error;
        }
    }

    fn copy(&mut self, item: CopyItem, now: Timestamp) {
        if item.text.len().div_ceil(3) * 4 > COPY_LIMIT {
            let lines = item.text.lines().map(Line::from).collect();
            self.overlay = Some(Overlay::Text(Reader::new(format!("too long to copy: {}", item.what), lines)));
            return;
        }
        let n = words::of(item.text.chars().count() as u64, "character");
        let said = if self.options.tmux {
            format!("sent to your terminal: {}; tmux needs set-clipboard on", item.what)
        } else {
            format!("sent to your terminal: {} ({n}); it may refuse", item.what)
        };
        self.say(said, false, now);
        self.copied = Some(item.text);
    }

    pub(super) fn effect(&mut self, effect: Effect, now: Timestamp) {
        if let Some(why) = self.bars(&effect) {
            return self.say(why, true, now);
        }
        match effect {
            Effect::Nothing => {}
            Effect::Look => self.asked = None,
            Effect::Say(text) => self.say(text, false, now),
            Effect::Send(_) if self.gone_at.is_some() => {
                self.say("the server is gone: nothing can be started".to_owned(), true, now);
            }
            Effect::Send(command) => {
                let follow = matches!(command, Command::Import { .. } | Command::Sync { .. });
                self.pending = Some(Pending { since: now, follow });
                self.wishes.push(command);
            }
            Effect::Open(id) => self.push(&id, now),
            Effect::Export(sheet) => self.export_sheet(*sheet, now),
            Effect::Narrow(id, filter) => {
                self.push(&id, now);
                self.filter(&filter, false, now);
            }
            Effect::Ask(question) => self.overlay = Some(Overlay::Ask(question)),
            Effect::Copy(items) => self.overlay = Some(Overlay::Copy(items)),
            Effect::Show { title, lines } => self.overlay = Some(Overlay::Text(Reader::new(title, lines))),
            Effect::Letter(letter) => self.overlay = Some(Overlay::Letter(*letter)),
            Effect::Note(input) => self.overlay = Some(Overlay::Note(*input)),
            Effect::Language(language) => self.options.language = language,
            Effect::Line(text) => self.open_line_with(&text, now),
            Effect::Leave => self.left = Some(ExitReason::Left),
            Effect::Filter => {
                let text = self.stack.last().map(|screen| screen.filter()).unwrap_or_default();
                self.overlay = Some(Overlay::Filter(FilterInput::new(&text)));
            }
        }
    }

    fn common(&mut self, act: Common, now: Timestamp) {
        match act {
            Common::Back => {
                self.back(now);
            }
            Common::Quit => {
                if !self.back(now) {
                    let leaves = self.asks_to_leave(now);
                    self.effect(leaves, now);
                }
            }
            Common::Leave => self.left = Some(ExitReason::Left),
            Common::Help => {
                let keys = self.keys(now);
                let title = self.path(now).last().cloned().unwrap_or_default();
                self.overlay = Some(Overlay::Help(help(&title, &keys)));
            }
            Common::Runs if self.screen() == Some(ScreenId::Runs) => {
                self.say("this is the list of runs".to_owned(), false, now);
            }
            Common::Runs => self.push(&ScreenId::Runs, now),
            Common::Expiries if self.screen() == Some(ScreenId::Expiries) => {
                self.say("this is the list of what ends".to_owned(), false, now);
            }
            Common::Expiries => self.push(&ScreenId::Expiries, now),
            Common::FleetLicenses if self.screen() == Some(ScreenId::FleetLicenses) => {
                self.say("these are the licenses of all tenants".to_owned(), false, now);
            }
            Common::FleetLicenses => self.push(&ScreenId::FleetLicenses, now),
            Common::Audit => match self.audit_here(now) {
                Ok(effect) => self.effect(effect, now),
                Err(why) => self.say(why, false, now),
            },
            Common::Last => match self.last.clone() {
                Some(id) => self.push(&id, now),
                None => self.say("no view before this one".to_owned(), false, now),
            },
            Common::Copy => {
                let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
                let mut items = self.stack.last().map_or_else(Vec::new, |screen| screen.copies(&cx));
                items.extend(self.fetch());
                if items.is_empty() {
                    self.say("nothing here to copy".to_owned(), false, now);
                } else {
                    self.effect(Effect::Copy(items), now);
                }
            }
            Common::Export => self.export(now),
            Common::Pane => {
                self.pane = !self.pane;
                self.pane_at = None;
                if self.size.0 < PANE_FROM {
                    let is = if self.pane { "opens" } else { "stays closed" };
                    self.say(format!("the right pane {is} from {PANE_FROM} columns on"), false, now);
                }
            }
            Common::Privacy => {
                self.options.privacy = !self.options.privacy;
                let said = if self.options.privacy { "people are masked" } else { "people are shown" };
                self.say(said.to_owned(), false, now);
            }
            Common::Redraw => self.redraw = true,
            Common::Line => self.open_line(now),
            Common::Other => match (self.no_pane(), self.pane_at) {
                (Some(why), _) => self.say(why, false, now),
                (None, None) => self.pane_at = Some(0),
                (None, Some(_)) => self.pane_at = None,
            },
        }
    }
}
