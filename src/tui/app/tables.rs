//! The keys that every screen has, and the tables of all screens.

use jiff::Timestamp;

use super::{App, Options};
use crate::model::Fleet;
use crate::tui::keys::{Binding, Key, Shown, bind, show};
use crate::tui::palette;
use crate::tui::screens::{Cx, Notes, ScreenId, open};

/// What every screen does with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Common {
    Back,
    Quit,
    Leave,
    Help,
    Runs,
    Expiries,
    FleetLicenses,
    Audit,
    Last,
    Copy,
    Export,
    Pane,
    Other,
    Privacy,
    Redraw,
    Line,
}

#[rustfmt::skip]
pub(super) const KEYS: &[Binding<Common>] = &[
    bind(&[Key::Char('R')], Common::Runs, "runs", "runs", "list of runs"),
    bind(&[Key::Char('E')], Common::Expiries, "expiries", "", "list of what ends, and what stops then"),
    bind(&[Key::Char('W')], Common::FleetLicenses, "fleet", "", "fleet licenses: all tenants by product, biggest waste first"),
    bind(&[Key::Char('a')], Common::Audit, "audit-here", "", "audit: who did what to the tenant or the run at hand, else all"),
    bind(&[Key::Char(':')], Common::Line, "command", "", "a command: Tab completes, Up brings lines of before"),
    bind(&[Key::Char('y')], Common::Copy, "copy", "", "copy: then a letter"),
    bind(&[Key::Char('x')], Common::Export, "export", "", "export what is shown, as a file"),
    bind(&[Key::Char('-')], Common::Last, "last-view", "", "last view"),
    bind(&[Key::Char('w')], Common::Pane, "pane", "", "right pane on or off, from 120 columns"),
    bind(&[Key::Tab], Common::Other, "other-pane", "", "scroll the right pane, or the list again; from 120 columns"),
    bind(&[Key::Char('P')], Common::Privacy, "privacy", "", "privacy: mask people, or show them"),
    bind(&[Key::Ctrl('l')], Common::Redraw, "redraw", "", "draw all again"),
    bind(&[Key::Esc, Key::Backspace], Common::Back, "back", "", "one step back"),
    bind(&[Key::Char('q')], Common::Quit, "quit", "", "back; at top: leave"),
    bind(&[Key::Ctrl('c')], Common::Leave, "leave", "", "leave at once; what runs goes on where there is a service"),
    bind(&[Key::Char('?')], Common::Help, "help", "keys", "this help"),
];

impl App {
    /// All keys that count on the screen on top, each once, as an operator presses them.
    pub(crate) fn keys(&self, now: Timestamp) -> Vec<Shown> {
        self.options.keymap.show(self.table(now))
    }

    /// The same, by the tables' own keys.
    pub(super) fn table(&self, now: Timestamp) -> Vec<Shown> {
        let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
        let mut keys = self.stack.last().map_or_else(Vec::new, |screen| screen.keys(&cx));
        keys.extend(show(KEYS, |act| match act {
            Common::Last if self.last.is_none() => Some("no view before this one".to_owned()),
            Common::Runs if self.screen() == Some(ScreenId::Runs) => Some("this is the list of runs".to_owned()),
            Common::Expiries if self.screen() == Some(ScreenId::Expiries) => {
                Some("this is the list of what ends".to_owned())
            }
            Common::FleetLicenses if self.screen() == Some(ScreenId::FleetLicenses) => {
                Some("these are the licenses of all tenants".to_owned())
            }
            Common::Other => self.no_pane(),
            Common::Audit => self.audit_here(now).map_or_else(Some, |effect| self.bars(&effect)),
            Common::Back
            | Common::Quit
            | Common::Leave
            | Common::Help
            | Common::Runs
            | Common::Expiries
            | Common::FleetLicenses
            | Common::Last
            | Common::Copy
            | Common::Export
            | Common::Pane
            | Common::Privacy
            | Common::Line
            | Common::Redraw => None,
        }));
        self.by_role(&mut keys);
        keys
    }
}

/// Every screen by the name that documentation and errors give it.
fn all_screens() -> Vec<(&'static str, ScreenId)> {
    let month = crate::model::allocation::Month::of(Timestamp::UNIX_EPOCH);
    let tenant = crate::model::Key { partner: "".into(), tenant: crate::model::TenantId::new(uuid::Uuid::nil()) };
    vec![
        ("Tenants", ScreenId::Tenants),
        ("Tenant", ScreenId::Why(tenant.clone())),
        ("Licenses", ScreenId::Licenses(tenant.clone())),
        ("License history", ScreenId::LicenseHistory(tenant.clone(), crate::model::SkuId::new(uuid::Uuid::nil()))),
        ("Users", ScreenId::Users(tenant.clone())),
        ("Holders", ScreenId::Holders(tenant.clone(), crate::model::SkuId::new(uuid::Uuid::nil()))),
        ("Counts", ScreenId::Counts(tenant.clone(), String::new())),
        ("History", ScreenId::History(tenant.clone())),
        ("Changes", ScreenId::Diff(tenant.clone())),
        ("Allocation", ScreenId::Allocation(tenant.clone())),
        ("Users of a unit", ScreenId::AllocationUsers(tenant.clone(), month, None)),
        ("Why here", ScreenId::AllocationWhy(tenant.clone(), month, crate::model::UserId::new(uuid::Uuid::nil()))),
        ("Prices", ScreenId::AllocationPrices(tenant, None)),
        ("Audit", ScreenId::Audit(None)),
        ("Runs", ScreenId::Runs),
        ("Run", ScreenId::Run(crate::model::RunId(0))),
        ("Expiries", ScreenId::Expiries),
        ("Fleet licenses", ScreenId::FleetLicenses),
        ("Tenants of a product", ScreenId::ProductTenants(crate::model::ProductKey::Part(String::new().into()))),
    ]
}

/// The key tables of all screens, each with its name.
pub(crate) fn tables() -> Vec<(&'static str, Vec<Shown>)> {
    let (fleet, options, notes) = (Fleet::default(), Options::default(), Notes::default());
    let cx = Cx::new(&fleet, Timestamp::UNIX_EPOCH, &options, &notes);
    let rows = |id: &ScreenId| {
        let mut rows = open(id, &cx).keys(&cx);
        rows.extend(show(KEYS, |_| None));
        rows
    };
    all_screens().into_iter().map(|(name, id)| (name, rows(&id))).collect()
}

/// The documentation of all keys and commands, as a page: read off the screens' tables.
pub fn keys_page() -> String {
    let mut page = String::from(
        "# Keys\n\nGenerated from the screens' key tables. A letter means the same on every screen, or it is not bound \
         there. An operator binds other keys by the names in the last column: see `config/console.toml`.\n",
    );
    let cell = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|").replace('*', "\\*");
    for (name, rows) in tables() {
        page = format!("{page}\n## {name}\n\n| key | does | name |\n|---|---|---|\n");
        for row in rows {
            page = format!("{page}| {} | {} | {} |\n", cell(&row.names()), row.does, row.name);
        }
    }
    page.push_str(
        "\n## Commands\n\nTyped after `:`. The name of a key, typed so, does what the key does; these take something \
         behind their name.\n\n| command | does |\n|---|---|\n",
    );
    for command in palette::COMMANDS {
        page = format!("{page}| {} {} | {} |\n", command.name, cell(command.takes), cell(command.does));
    }
    page
}
