use std::time::Duration;

use tui_input::{Input, InputRequest};

use super::keys::Key;
use crate::model::Command;

/// A `y` counts only after the question stood this long: what was typed ahead is no answer.
const STOOD: Duration = Duration::from_millis(300);

/// What has to be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// `y`.
    Yes,
    /// A word, or one of several; each with what comes of it.
    Type(Vec<(String, Command)>),
}

/// A question by the harm that can come of it. The default is to do nothing, and Enter never means yes.
#[derive(Debug)]
pub(super) struct Confirm {
    /// Object, effect, and what it does not do.
    pub(super) question: String,
    /// Names, when there are several.
    pub(super) names: Vec<String>,
    pub(super) need: Need,
    /// What a `y` sends.
    pub(super) command: Option<Command>,
    pub(super) typed: Input,
    asked_at: Option<Duration>,
}

/// What became of a question.
#[derive(Debug)]
pub(super) enum Answer {
    /// It stands.
    Open,
    /// It was put away.
    No,
    /// It was answered.
    Yes(Box<Command>),
}

impl Confirm {
    pub(super) fn new(question: String, names: Vec<String>, need: Need, command: Option<Command>) -> Self {
        Self { question, names, need, command, typed: Input::default(), asked_at: None }
    }

    /// Takes a key. `since_start` is the time since the console began.
    pub(super) fn press(&mut self, key: Key, since_start: Duration) -> Answer {
        let asked_at = *self.asked_at.get_or_insert(since_start);
        if matches!(key, Key::Esc) {
            return Answer::No;
        }
        match (&self.need, key) {
            (Need::Yes, Key::Char('y')) if since_start.saturating_sub(asked_at) >= STOOD => match self.command.take() {
                Some(command) => Answer::Yes(Box::new(command)),
                None => Answer::No,
            },
            (Need::Yes, Key::Char('n' | 'q')) => Answer::No,
            (Need::Yes, _) => Answer::Open,
            (Need::Type(words), Key::Enter) => {
                let typed = self.typed.value().trim();
                match words.iter().find(|(word, _)| word == typed) {
                    Some((_, command)) => Answer::Yes(Box::new(command.clone())),
                    None => Answer::Open,
                }
            }
            (Need::Type(_), key) => {
                edit(&mut self.typed, key);
                Answer::Open
            }
        }
    }

    /// Notes when the question was first shown.
    pub(super) fn shown(&mut self, since_start: Duration) {
        self.asked_at.get_or_insert(since_start);
    }
}

/// Edits a line of text.
pub(super) fn edit(input: &mut Input, key: Key) {
    let request = match key {
        Key::Char(c) if input.value().chars().count() < 200 => InputRequest::InsertChar(c),
        Key::Backspace => InputRequest::DeletePrevChar,
        Key::Delete => InputRequest::DeleteNextChar,
        Key::Left => InputRequest::GoToPrevChar,
        Key::Right => InputRequest::GoToNextChar,
        Key::Home => InputRequest::GoToStart,
        Key::End => InputRequest::GoToEnd,
        Key::Ctrl('u') => InputRequest::DeleteLine,
        Key::Ctrl('w') => InputRequest::DeletePrevWord,
        Key::Char(_)
        | Key::Ctrl(_)
        | Key::Enter
        | Key::Esc
        | Key::Tab
        | Key::Up
        | Key::Down
        | Key::PageUp
        | Key::PageDown => return,
    };
    input.handle(request);
}
