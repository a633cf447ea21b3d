//! What things look like: a dozen meanings, each a style. Only here are colours named.

use ratatui::style::{Color, Modifier, Style};

use crate::model::{JobState, State};

/// What a piece of the screen means. The word beside it says the same; the look only helps the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Meaning {
    /// Anything that is fine or says nothing.
    Plain,
    /// Row 1.
    Bar,
    /// The row under the cursor.
    Cursor,
    /// Column titles and captions.
    Caption,
    /// The rule that parts bands.
    Rule,
    /// A key in the footer or the help.
    Key,
    /// Something goes on.
    Active,
    /// Data are old or in part missing.
    Aging,
    /// A customer's side refuses us.
    Refused,
    /// Our own side is at fault.
    Ours,
    /// Something else is broken, or an error in the message row.
    Broken,
    /// Left out on purpose.
    Quiet,
}

impl Meaning {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Meaning; 12] = [
        Meaning::Plain,
        Meaning::Bar,
        Meaning::Cursor,
        Meaning::Caption,
        Meaning::Rule,
        Meaning::Key,
        Meaning::Active,
        Meaning::Aging,
        Meaning::Refused,
        Meaning::Ours,
        Meaning::Broken,
        Meaning::Quiet,
    ];
}

impl From<State> for Meaning {
    fn from(state: State) -> Self {
        match state {
            State::Ok => Meaning::Plain,
            State::Running | State::Queued => Meaning::Active,
            State::Stale | State::Partial => Meaning::Aging,
            State::Blocked | State::NoAccess => Meaning::Refused,
            State::OurAuth => Meaning::Ours,
            State::Failed => Meaning::Broken,
            State::Paused | State::Never => Meaning::Quiet,
        }
    }
}

impl From<JobState> for Meaning {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Ok => Meaning::Plain,
            JobState::Queued | JobState::Running => Meaning::Active,
            JobState::Partial | JobState::HeldBack => Meaning::Aging,
            JobState::Failed => Meaning::Broken,
            JobState::Cancelled => Meaning::Quiet,
        }
    }
}

/// A set of looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// Few of the sixteen colours on the terminal's own background.
    #[default]
    Plain,
    /// No colour at all.
    Mono,
}

impl Theme {
    /// The look of a meaning.
    pub(crate) fn style(self, meaning: Meaning) -> Style {
        match self {
            Theme::Plain => plain(meaning),
            Theme::Mono => mono(meaning),
        }
    }
}

fn plain(meaning: Meaning) -> Style {
    let bold = Modifier::BOLD;
    match meaning {
        Meaning::Plain | Meaning::Rule => Style::new(),
        Meaning::Bar | Meaning::Cursor | Meaning::Ours => Style::new().add_modifier(Modifier::REVERSED),
        Meaning::Caption | Meaning::Key => Style::new().add_modifier(bold),
        Meaning::Active => Style::new().fg(Color::Cyan),
        Meaning::Aging => Style::new().fg(Color::Yellow).add_modifier(bold),
        Meaning::Refused => Style::new().fg(Color::Magenta).add_modifier(bold),
        Meaning::Broken => Style::new().fg(Color::Red).add_modifier(bold),
        Meaning::Quiet => Style::new().add_modifier(Modifier::DIM),
    }
}

fn mono(meaning: Meaning) -> Style {
    let modifier = match meaning {
        Meaning::Plain | Meaning::Rule | Meaning::Quiet => Modifier::empty(),
        Meaning::Bar | Meaning::Cursor | Meaning::Ours => Modifier::REVERSED,
        Meaning::Caption | Meaning::Key | Meaning::Active | Meaning::Refused | Meaning::Broken => Modifier::BOLD,
        Meaning::Aging => Modifier::UNDERLINED,
    };
    Style::new().add_modifier(modifier)
}

/// The colours of a picture of the screen, where no terminal chooses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ink {
    /// Of the text.
    pub(crate) text: &'static str,
    /// Behind the text.
    pub(crate) ground: &'static str,
}

/// The ink of a style on a dark page.
pub(crate) fn ink(style: Style) -> Ink {
    const GROUND: &str = "#14171c";
    let text = match style.fg {
        Some(Color::Cyan) => "#56c8d8",
        Some(Color::Yellow) => "#e5c07b",
        Some(Color::Magenta) => "#d787d7",
        Some(Color::Red) => "#f07178",
        Some(_) | None if style.add_modifier.contains(Modifier::DIM) => "#8b919c",
        Some(_) | None => "#d8dce4",
    };
    if style.add_modifier.contains(Modifier::REVERSED) {
        Ink { text: GROUND, ground: text }
    } else {
        Ink { text, ground: GROUND }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mono_names_no_colour() {
        for meaning in Meaning::ALL {
            let style = Theme::Mono.style(meaning);
            assert_eq!((style.fg, style.bg), (None, None), "{meaning:?}");
        }
    }

    #[test]
    fn plain_keeps_to_what_every_terminal_can_show() {
        for meaning in Meaning::ALL {
            let style = Theme::Plain.style(meaning);
            assert_eq!(style.bg, None, "{meaning:?}: the terminal's own background");
            assert_ne!(style.fg, Some(Color::Blue), "{meaning:?}: unreadable in PuTTY");
            assert_ne!(style.fg, Some(Color::Green), "{meaning:?}: fine is the default look");
            if style.fg == Some(Color::Yellow) {
                assert!(style.add_modifier.contains(Modifier::BOLD), "{meaning:?}: unreadable on white");
            }
        }
    }
}
