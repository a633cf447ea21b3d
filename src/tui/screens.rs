//! The screens. Each is one file: its state, its key table, what a key does, what is shown.

mod licenses;
mod run;
mod runs;
mod tenants;
mod why;

use super::keys::{Key, rows};
use super::view::{Effect, Look, Room, ScreenId, View};

use licenses::Licenses;
use run::RunScreen;
use runs::Runs;
use tenants::Tenants;
use why::Why;

/// One of the screens, on its object.
pub(super) enum Screen {
    Tenants(Box<Tenants>),
    Runs(Box<Runs>),
    Run(Box<RunScreen>),
    Why(Box<Why>),
    Licenses(Box<Licenses>),
}

impl Screen {
    pub(super) fn of(id: &ScreenId) -> Self {
        match id {
            ScreenId::Tenants => Self::Tenants(Box::default()),
            ScreenId::Runs => Self::Runs(Box::default()),
            ScreenId::Run(run) => Self::Run(Box::new(RunScreen::new(*run))),
            ScreenId::Why(key) => Self::Why(Box::new(Why::new(key.clone()))),
            ScreenId::Licenses(key) => Self::Licenses(Box::new(Licenses::new(key.clone()))),
        }
    }

    pub(super) fn id(&self) -> ScreenId {
        match self {
            Self::Tenants(_) => ScreenId::Tenants,
            Self::Runs(_) => ScreenId::Runs,
            Self::Run(screen) => ScreenId::Run(screen.run),
            Self::Why(screen) => ScreenId::Why(screen.key.clone()),
            Self::Licenses(screen) => ScreenId::Licenses(screen.key.clone()),
        }
    }

    pub(super) fn press(&mut self, key: Key, look: Look<'_>) -> Effect {
        match self {
            Self::Tenants(screen) => screen.press(key, look),
            Self::Runs(screen) => screen.press(key),
            Self::Run(screen) => screen.press(key, look),
            Self::Why(screen) => screen.press(key, look),
            Self::Licenses(screen) => screen.press(key, look),
        }
    }

    pub(super) fn view(&mut self, look: Look<'_>, room: Room) -> View {
        match self {
            Self::Tenants(screen) => screen.view(look, room),
            Self::Runs(screen) => screen.view(look, room),
            Self::Run(screen) => screen.view(look, room),
            Self::Why(screen) => screen.view(look, room),
            Self::Licenses(screen) => screen.view(look, room),
        }
    }

    /// The fleet changed.
    pub(super) fn follow(&mut self, look: Look<'_>) {
        match self {
            Self::Tenants(screen) => screen.follow(look),
            Self::Runs(screen) => screen.follow(look),
            Self::Run(screen) => screen.follow(look),
            Self::Licenses(screen) => screen.follow(look),
            Self::Why(_) => {}
        }
    }

    /// The order is to be made again.
    pub(super) fn refresh(&mut self) {
        match self {
            Self::Tenants(screen) => screen.list.stale(),
            Self::Runs(screen) => screen.list.stale(),
            Self::Run(screen) => screen.list.stale(),
            Self::Licenses(screen) => screen.list.stale(),
            Self::Why(_) => {}
        }
    }

    /// Moves by rows; the extremes are first and last.
    pub(super) fn step(&mut self, by: isize) {
        match self {
            Self::Tenants(screen) => step(&mut screen.list, by),
            Self::Runs(screen) => step(&mut screen.list, by),
            Self::Run(screen) => step(&mut screen.list, by),
            Self::Licenses(screen) => step(&mut screen.list, by),
            Self::Why(screen) => screen.scroll(by),
        }
    }

    pub(super) fn filter(&self) -> String {
        match self {
            Self::Tenants(screen) => screen.filter.clone(),
            Self::Runs(_) | Self::Run(_) | Self::Why(_) | Self::Licenses(_) => String::new(),
        }
    }

    /// Takes a filter; the error says why it cannot be used.
    pub(super) fn set_filter(&mut self, text: &str, look: Look<'_>) -> Result<(), String> {
        match self {
            Self::Tenants(screen) => screen.set_filter(text, look),
            Self::Runs(_) | Self::Run(_) | Self::Why(_) | Self::Licenses(_) => Ok(()),
        }
    }

    pub(super) fn counts_seconds(&self, fleet: &crate::model::Fleet) -> bool {
        match self {
            Self::Run(screen) => screen.counts_seconds(fleet),
            Self::Tenants(_) | Self::Runs(_) | Self::Why(_) | Self::Licenses(_) => false,
        }
    }

    /// The id of what the cursor is on.
    pub(super) fn id_text(&self, look: Look<'_>) -> Option<String> {
        match self {
            Self::Tenants(screen) => screen.list.current().map(|key| key.tenant.to_string()),
            Self::Runs(screen) => screen.list.current().map(ToString::to_string),
            Self::Run(screen) => screen.list.current().map(|key| key.tenant.to_string()),
            Self::Why(screen) => screen.correlation(look).or_else(|| Some(screen.key.tenant.to_string())),
            Self::Licenses(screen) => screen.list.current().and_then(|sku| sku.map(|sku| sku.to_string())),
        }
    }

    /// What the cursor is on, as a line of text.
    pub(super) fn row_text(&self, look: Look<'_>) -> Option<String> {
        match self {
            Self::Tenants(screen) => screen.row_text(look),
            Self::Runs(screen) => screen.row_text(look),
            Self::Run(screen) => screen.list.current().map(|key| run::title(look, key)),
            Self::Why(screen) => screen.row_text(look),
            Self::Licenses(screen) => screen.row_text(look),
        }
    }

    /// Keys and sentences of this screen, with the reason where a key does nothing now.
    pub(super) fn help(&self, look: Look<'_>) -> Vec<(String, String)> {
        let plain =
            |rows: Vec<(String, &'static str)>| rows.into_iter().map(|(key, help)| (key, help.to_owned())).collect();
        match self {
            Self::Tenants(screen) => screen.help(look),
            Self::Runs(_) => plain(rows(runs::KEYS)),
            Self::Run(_) => plain(rows(run::KEYS)),
            Self::Why(_) => plain(rows(why::KEYS)),
            Self::Licenses(_) => plain(rows(licenses::KEYS)),
        }
    }
}

fn step<K: Ord + Clone>(list: &mut super::listing::Listing<K>, by: isize) {
    match by {
        isize::MIN => list.first(),
        isize::MAX => list.last(),
        by => list.step(by),
    }
}

/// The key tables, by screen.
pub(super) fn tables() -> Vec<(&'static str, Vec<(String, &'static str)>)> {
    vec![
        ("Tenants", rows(tenants::KEYS)),
        ("Runs", rows(runs::KEYS)),
        ("Run", rows(run::KEYS)),
        ("Why", rows(why::KEYS)),
        ("Licenses", rows(licenses::KEYS)),
    ]
}

/// Keys and words of a footer: what a table shows there, and the help.
fn footer<A>(table: &[super::keys::Bind<A>]) -> Vec<(String, &'static str)> {
    let own = table.iter().filter(|bind| !bind.short.is_empty()).map(|bind| (bind.key.to_string(), bind.short));
    own.take(8).chain([("?".to_owned(), "keys")]).collect()
}

#[cfg(test)]
mod tests;
