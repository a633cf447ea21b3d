use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::ConfigError;
use super::load::{in_file, line_of};

/// The documented sample of an operator's own file. A test holds it to the code.
pub const CONSOLE_SAMPLE: &str = include_str!("../../config/console.toml");

/// An operator's own file: how the console starts, looks and is typed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// What it starts with.
    pub start: Start,
    /// What it looks like.
    pub look: LookOf,
    /// A theme of one's own, for `look.theme = "own"`: the name of a meaning to its look.
    pub theme: BTreeMap<String, Placed<String>>,
    /// Other keys: the name of what is done to the keys that do it.
    pub keys: BTreeMap<String, Placed<Bound>>,
}

/// `[start]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Start {
    /// The screen.
    pub view: StartView,
    /// The filter of that screen, as typed after `/`.
    pub filter: String,
    /// All tenants, not only problems.
    pub all: bool,
}

/// The screens that the console can start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartView {
    /// All tenants.
    #[default]
    Tenants,
    /// All runs.
    Runs,
}

/// `[look]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LookOf {
    /// The theme; absent for what the environment suggests.
    pub theme: Option<ThemeName>,
    /// Nothing but ASCII; absent for what the locale suggests.
    pub ascii: Option<bool>,
    /// The mouse moves the cursor and scrolls; then the terminal's own selection needs Shift.
    pub mouse: bool,
    /// People are masked.
    pub privacy: bool,
}

/// The themes that can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeName {
    /// Few of the sixteen colours.
    Plain,
    /// No colour.
    Mono,
    /// For a white background.
    Light,
    /// Bright and bold, nothing dim.
    HighContrast,
    /// The file's own `[theme]`.
    Own,
}

/// One key, or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Bound {
    /// One.
    One(String),
    /// Several; none takes the action off the keyboard.
    Many(Vec<String>),
}

impl Bound {
    /// The names of the keys.
    pub fn names(&self) -> &[String] {
        match self {
            Bound::One(name) => std::slice::from_ref(name),
            Bound::Many(names) => names,
        }
    }
}

/// A value and where it stands in the file, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Placed<T>(Spanned<T>);

impl<T> Placed<T> {
    /// The value.
    pub fn value(&self) -> &T {
        self.0.get_ref()
    }
}

/// An operator's own file as it was read.
#[derive(Debug, Clone, Default)]
pub struct ConsoleFile {
    /// What it says.
    pub console: Console,
    path: PathBuf,
    text: String,
}

impl ConsoleFile {
    /// Reads it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), why: error.to_string() })?;
        Self::parse(path, &text)
    }

    /// Reads its text.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let console = toml::from_str(text).map_err(|error| in_file(path, text, &error))?;
        Ok(Self { console, path: path.to_owned(), text: text.to_owned() })
    }

    /// An error about one of its values: names file, line and key.
    pub fn wrong<T>(&self, key: &str, at: &Placed<T>, why: impl std::fmt::Display) -> ConfigError {
        let line = line_of(&self.text, at.0.span().start);
        ConfigError::Wrong { place: format!("{}:{line}", self.path.display()), why: format!("{key}: {why}") }
    }
}
