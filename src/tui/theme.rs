#![expect(clippy::unused_self, reason = "every meaning asks the theme, whether or not the themes differ in it")]

use ratatui::style::{Color, Modifier, Style};

use crate::model::State;

/// Which set of styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    /// The eight colours of every terminal, on its own background.
    #[default]
    Plain,
    /// No colour at all.
    Mono,
}

/// Meanings and their looks. Only here are colours named; a word or a sign goes with each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Theme {
    name: ThemeName,
}

impl Theme {
    pub(super) const fn of(name: ThemeName) -> Self {
        Self { name }
    }

    /// Row 1.
    pub(super) fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The row under the cursor.
    pub(super) fn cursor(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Titles of columns and sections.
    pub(super) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Something that an operator has to see.
    pub(super) fn alert(self) -> Style {
        self.coloured(Color::Yellow, Modifier::BOLD)
    }

    /// A question that waits for an answer.
    pub(super) fn question(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A key in the footer.
    pub(super) fn key(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A state.
    pub(super) fn state(self, state: State) -> Style {
        match state {
            State::Running => self.or_mono(Color::Cyan, Modifier::empty(), Modifier::BOLD),
            State::Queued => self.or_mono(Color::Cyan, Modifier::empty(), Modifier::empty()),
            State::Stale | State::Partial => self.or_mono(Color::Yellow, Modifier::BOLD, Modifier::UNDERLINED),
            State::Blocked | State::NoAccess => self.coloured(Color::Magenta, Modifier::BOLD),
            State::OurAuth => Style::new().add_modifier(Modifier::REVERSED),
            State::Failed => self.coloured(Color::Red, Modifier::BOLD),
            // Read by everybody, so not dimmed where dim cannot be read.
            State::Ok | State::Paused | State::Never => Style::new(),
        }
    }

    fn coloured(self, color: Color, modifier: Modifier) -> Style {
        self.or_mono(color, modifier, modifier)
    }

    fn or_mono(self, color: Color, modifier: Modifier, mono: Modifier) -> Style {
        match self.name {
            ThemeName::Plain => Style::new().fg(color).add_modifier(modifier),
            ThemeName::Mono => Style::new().add_modifier(mono),
        }
    }
}

/// The colour of a cell as an RGB text, for pictures.
#[expect(clippy::wildcard_enum_match_arm, reason = "other colours are in no theme")]
pub(super) fn rgb(color: Color) -> Option<&'static str> {
    match color {
        Color::Cyan => Some("#2aa1b3"),
        Color::Yellow => Some("#c6a000"),
        Color::Magenta => Some("#c061cb"),
        Color::Red => Some("#e01b24"),
        _ => None,
    }
}
