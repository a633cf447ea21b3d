//! What plain lines ask of the console beside its picture.

use jiff::Timestamp;

use super::App;
use crate::model::{Command, RunId};
use crate::tui::overlays::Overlay;
use crate::tui::screens::{Cx, run_words};
use crate::tui::words;

impl App {
    /// Wishes for the engine that are not yet taken.
    pub(crate) fn wishes(&self) -> &[Command] {
        &self.wishes
    }

    /// Whether something stands over the screen and takes the keys.
    pub(crate) fn is_overlaid(&self) -> bool {
        self.overlay.is_some()
    }

    /// Whether the keys are shown.
    pub(crate) fn shows_keys(&self) -> bool {
        matches!(self.overlay, Some(Overlay::Help(_)))
    }

    /// Whether a text is typed that Enter ends: the end of a line is that Enter.
    pub(crate) fn takes_a_line(&self) -> bool {
        match self.overlay {
            Some(Overlay::Filter(_) | Overlay::Command(_) | Overlay::Note(_)) => true,
            Some(Overlay::Help(_) | Overlay::Text(_) | Overlay::Ask(_) | Overlay::Copy(_) | Overlay::Letter(_))
            | None => false,
        }
    }

    /// The text that is read, over the screen or as the screen, line by line; absent where there is a list.
    pub(crate) fn whole_text(&self, now: Timestamp) -> Option<Vec<String>> {
        if let Some(Overlay::Help(reader) | Overlay::Text(reader)) = &self.overlay {
            return Some([reader.title.clone()].into_iter().chain(reader.text()).collect());
        }
        if let Some(Overlay::Letter(letter)) = &self.overlay {
            return Some(letter.shown());
        }
        if self.overlay.is_some() {
            return None;
        }
        self.stack.last()?.whole(&Cx::new(&self.fleet, now, &self.options, &self.notes))
    }

    /// The last answer or error in the message row, with its time. How far something is, is none.
    pub(crate) fn said(&self, now: Timestamp) -> Option<String> {
        let message = self.message.as_ref().map(|message| (message.at, message.text.clone()));
        let (at, text) = message.into_iter().chain(self.export_said(now)).max_by_key(|(at, _)| *at)?;
        Some(format!("{} {text}", words::when(at, now)))
    }

    /// A line on a run that ended.
    pub(crate) fn run_ended(&self, run: RunId) -> Option<String> {
        let run = self.fleet.runs.get(&run)?;
        let (state, tenants) = (run_words(run.state), words::of(run.tenants, "tenant"));
        Some(format!("run {} of {} is over: {state}, {tenants}, {} ok, {} not ok", run.id, run.by, run.ok, run.failed))
    }
}
