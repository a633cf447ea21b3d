use jiff::Timestamp;
use ratatui::text::Line;

use super::Options;
use super::theme::Theme;
use crate::model::{Fleet, Key as TenantKey, RunId};

/// What a screen looks at while it decides or draws.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) options: &'a Options,
    pub(super) theme: Theme,
    pub(super) now: Timestamp,
}

/// What a screen shows, band by band; the frame puts it in its place.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Behind `tenantop >` in row 1.
    pub(super) path: String,
    /// Rows 2 to 4: the answer of the screen, then what goes with it.
    pub(super) top: Vec<Line<'static>>,
    /// Titles of the columns; absent for a text.
    pub(super) header: Option<Line<'static>>,
    /// Only the rows that can be seen.
    pub(super) rows: Vec<Line<'static>>,
    /// Which of them the cursor is on.
    pub(super) cursor: Option<usize>,
    /// Title of the rule above the detail strip.
    pub(super) rule: String,
    /// The detail strip.
    pub(super) detail: Vec<Line<'static>>,
    /// The right pane.
    pub(super) pane: Vec<Line<'static>>,
    /// Keys and words of the footer, at most nine with the help.
    pub(super) footer: Vec<(String, &'static str)>,
}

/// How much room a screen has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Columns of the left side.
    pub(super) width: usize,
    /// Rows between the titles and the rule.
    pub(super) rows: usize,
    /// Rows of the detail strip.
    pub(super) detail: usize,
}

/// Which screen, on which object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ScreenId {
    Tenants,
    Runs,
    Run(RunId),
    Why(TenantKey),
    Licenses(TenantKey),
}

/// What a screen asks for.
#[derive(Debug)]
pub(super) enum Effect {
    /// The key did something here.
    Nothing,
    /// The key is not bound here.
    Unbound,
    /// Something for the message row.
    Say(String),
    Open(ScreenId),
    Ask(Box<super::confirm::Confirm>),
    /// Take the keys as a filter.
    Filter,
}
