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
    /// All of them, in order.
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

    /// The word for it in an operator's own theme.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Meaning::Plain => "plain",
            Meaning::Bar => "bar",
            Meaning::Cursor => "cursor",
            Meaning::Caption => "caption",
            Meaning::Rule => "rule",
            Meaning::Key => "key",
            Meaning::Active => "active",
            Meaning::Aging => "aging",
            Meaning::Refused => "refused",
            Meaning::Ours => "ours",
            Meaning::Broken => "broken",
            Meaning::Quiet => "quiet",
        }
    }
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
    /// For a white background: nothing yellow, nothing dim.
    Light,
    /// Bright and bold, nothing dim.
    HighContrast,
    /// An operator's own.
    Own(OwnTheme),
}

impl Theme {
    /// Those that have a name and need no file.
    pub(crate) const NAMED: [(&'static str, Theme); 4] = [
        ("plain", Theme::Plain),
        ("mono", Theme::Mono),
        ("light", Theme::Light),
        ("high-contrast", Theme::HighContrast),
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(_, theme)| *theme == self).map_or("own", |(name, _)| name)
    }

    /// The look of a meaning.
    pub(crate) fn style(self, meaning: Meaning) -> Style {
        match self {
            Theme::Plain => plain(meaning),
            Theme::Mono => mono(meaning),
            Theme::Light => light(meaning),
            Theme::HighContrast => high_contrast(meaning),
            Theme::Own(own) => own.0.get(meaning as usize).copied().unwrap_or_default(),
        }
    }
}

/// An operator's own looks, one for each meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnTheme([Style; 12]);

impl OwnTheme {
    /// The looks of a theme, to be altered.
    pub(crate) fn on(theme: Theme) -> Self {
        Self(Meaning::ALL.map(|meaning| theme.style(meaning)))
    }

    /// Takes a look for a meaning: `bold magenta`, `reversed`, `#e5c07b on black`. Says what is wrong with it.
    pub(crate) fn set(&mut self, meaning: &str, look: &str) -> Result<(), String> {
        let Some(meaning) = Meaning::ALL.into_iter().find(|known| known.name() == meaning) else {
            return Err(format!("no such meaning; there are {}", Meaning::ALL.map(Meaning::name).join(", ")));
        };
        let style = parse(look)?;
        if let Some(own) = self.0.get_mut(meaning as usize) {
            *own = style;
        }
        Ok(())
    }
}

/// Words of a look that are no colour.
const MODIFIERS: [(&str, Modifier); 4] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

/// The sixteen colours as they are named in a look.
const COLORS: [(&str, Color); 16] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

/// A look in words. Blinking is no word of it.
fn parse(look: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut ground = false;
    for word in look.split_whitespace() {
        if word == "on" && !ground {
            ground = true;
            continue;
        }
        if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == word).filter(|_| !ground) {
            style = style.add_modifier(*modifier);
            continue;
        }
        let color = COLORS.iter().find(|(name, _)| *name == word).map(|(_, color)| *color).or_else(|| rgb(word));
        let Some(color) = color else {
            let words = MODIFIERS.iter().map(|(name, _)| *name).chain(COLORS.iter().map(|(name, _)| *name));
            let words = words.collect::<Vec<_>>().join(", ");
            return Err(format!("`{word}` is no look; there are {words}, #rrggbb, and `on` before a background"));
        };
        let free = if ground { style.bg.is_none() } else { style.fg.is_none() };
        if !free {
            return Err(format!("`{word}` is a second colour; one for the text, and one after `on`"));
        }
        style = if ground { style.bg(color) } else { style.fg(color) };
    }
    if ground && style.bg.is_none() { Err("`on` needs a colour behind it".to_owned()) } else { Ok(style) }
}

fn rgb(word: &str) -> Option<Color> {
    let digits = word.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    let [_, red, green, blue] = value.to_be_bytes();
    Some(Color::Rgb(red, green, blue))
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

fn light(meaning: Meaning) -> Style {
    let bold = Modifier::BOLD;
    match meaning {
        Meaning::Plain | Meaning::Rule | Meaning::Quiet => Style::new(),
        Meaning::Bar | Meaning::Cursor | Meaning::Ours => Style::new().add_modifier(Modifier::REVERSED),
        Meaning::Caption | Meaning::Key => Style::new().add_modifier(bold),
        Meaning::Active => Style::new().fg(Color::Blue),
        Meaning::Aging => Style::new().add_modifier(bold | Modifier::UNDERLINED),
        Meaning::Refused => Style::new().fg(Color::Magenta).add_modifier(bold),
        Meaning::Broken => Style::new().fg(Color::Red).add_modifier(bold),
    }
}

fn high_contrast(meaning: Meaning) -> Style {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    match meaning {
        Meaning::Plain | Meaning::Rule | Meaning::Quiet => Style::new(),
        Meaning::Bar | Meaning::Cursor | Meaning::Ours => bold.add_modifier(Modifier::REVERSED),
        Meaning::Caption | Meaning::Key => bold.add_modifier(Modifier::UNDERLINED),
        Meaning::Active => bold.fg(Color::LightCyan),
        Meaning::Aging => bold.fg(Color::LightYellow),
        Meaning::Refused => bold.fg(Color::LightMagenta),
        Meaning::Broken => bold.fg(Color::LightRed),
    }
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
        Some(Color::Cyan | Color::LightCyan) => "#56c8d8",
        Some(Color::Yellow | Color::LightYellow) => "#e5c07b",
        Some(Color::Magenta | Color::LightMagenta) => "#d787d7",
        Some(Color::Red | Color::LightRed) => "#f07178",
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
    fn themes_keep_to_what_terminals_can_show() {
        for (name, theme) in Theme::NAMED {
            assert_eq!(theme.name(), name);
            for meaning in Meaning::ALL {
                let style = theme.style(meaning);
                assert_eq!(style.bg, None, "{name} {meaning:?}: the terminal's own background");
                assert_ne!(style.fg, Some(Color::Green), "{name} {meaning:?}: fine is the default look");
                let blinks = Modifier::SLOW_BLINK | Modifier::RAPID_BLINK;
                assert!(!style.add_modifier.intersects(blinks), "{name} {meaning:?}: nothing blinks");
                assert!(!matches!(style.fg, Some(Color::Rgb(..) | Color::Indexed(_))), "{name} {meaning:?}: sixteen");
            }
        }
        for meaning in Meaning::ALL {
            let style = Theme::Plain.style(meaning);
            assert_ne!(style.fg, Some(Color::Blue), "{meaning:?}: unreadable in PuTTY");
            if style.fg == Some(Color::Yellow) {
                assert!(style.add_modifier.contains(Modifier::BOLD), "{meaning:?}: unreadable on white");
            }
            let light = Theme::Light.style(meaning);
            assert!(!matches!(light.fg, Some(Color::Yellow | Color::Cyan)), "{meaning:?}: unreadable on white");
            for theme in [Theme::Light, Theme::HighContrast] {
                assert!(!theme.style(meaning).add_modifier.contains(Modifier::DIM), "{meaning:?}: dim is hard to read");
            }
        }
    }

    #[test]
    fn every_theme_tells_what_matters_from_what_does_not() {
        for (name, theme) in Theme::NAMED {
            for meaning in [Meaning::Cursor, Meaning::Aging, Meaning::Refused, Meaning::Ours, Meaning::Broken] {
                assert_ne!(theme.style(meaning), theme.style(Meaning::Plain), "{name} {meaning:?}");
            }
        }
    }

    #[test]
    fn a_look_is_written_in_words() {
        let mut own = OwnTheme::on(Theme::Plain);
        own.set("refused", "bold #ff8800 on black").unwrap();
        own.set("bar", "").unwrap();
        let theme = Theme::Own(own);
        let refused = Style::new().fg(Color::Rgb(255, 136, 0)).bg(Color::Black).add_modifier(Modifier::BOLD);
        assert_eq!(theme.style(Meaning::Refused), refused);
        assert_eq!(theme.style(Meaning::Bar), Style::new());
        assert_eq!(theme.style(Meaning::Aging), Theme::Plain.style(Meaning::Aging), "what is not named stays");
        assert_eq!(theme.name(), "own");
        for (look, why) in [
            ("blink", "`blink` is no look; there are bold,"),
            ("#12345", "`#12345` is no look"),
            ("#12345é", "is no look"),
            ("red blue", "`blue` is a second colour"),
            ("red on", "`on` needs a colour"),
            ("red on bold", "`bold` is no look"),
        ] {
            let error = own.set("bar", look).unwrap_err();
            assert!(error.contains(why), "{look}: {error}");
        }
        assert!(own.set("title", "bold").unwrap_err().contains("there are plain, bar, cursor"));
    }
}
