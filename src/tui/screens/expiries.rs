//! Expiries: what ends when, what stops then, and who acts before.

use std::cmp::Ordering;

use super::{Cx, Effect, Screen, ScreenId, facts, words};
use crate::model::{Ends, Expiry, ExpiryKey, ExpiryState, Filter, FilterError, Key as TenantKey, Tenant};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Column, Fit, Layout, Listing, Pressed, column};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::CopyItem;
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Problems,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "open", "open the tenant; never a yes"),
    bind(&[Key::Char('u')], Act::Problems, "problems", "all", "only what ended or ends within 60 days, or all"),
];

const STATE: usize = 0;
const OF: usize = 1;
const WHAT: usize = 2;
const STOPS: usize = 5;

static COLUMNS: [Column; 6] = [
    column("STATE", 9, false),
    column("OF", 23, false),
    column("WHAT", 13, false),
    column("WHEN", 11, false),
    column("IN", 5, true),
    column("STOPS", 11, false),
];

static LAYOUT: Layout =
    Layout { columns: &COLUMNS, grow: OF, fits: &[Fit::Drop(STOPS), Fit::Narrow(OF, 14), Fit::Drop(WHAT)] };

/// Why a key does nothing in an empty list.
const NO_ROW: &str = "nothing is under the cursor";

/// The list of what ends.
#[derive(Debug)]
pub(crate) struct Expiries {
    list: Listing<ExpiryKey>,
    problems: bool,
    filter: Filter,
    /// The answer in a line, and what could not be read.
    answer: String,
    total: usize,
}

impl Expiries {
    /// What ended or ends within 60 days, soonest first.
    pub(crate) fn new() -> Self {
        let list = Listing::new(&LAYOUT, false);
        Self { list, problems: true, filter: Filter::default(), answer: String::new(), total: 0 }
    }

    /// The rows that problems-or-all and the filter let through, in order; sums them up on the way.
    fn order(&mut self, cx: &Cx<'_>) -> Vec<ExpiryKey> {
        let mut rows = Expiry::all(cx.fleet, cx.now);
        self.total = rows.len();
        self.answer = answer(&rows, cx);
        rows.retain(|row| (!self.problems || row.is_problem()) && self.filter.matches(row));
        let sort = self.list.sort();
        rows.sort_by(|a, b| compare(a, b, sort));
        if self.list.is_reversed() {
            rows.reverse();
        }
        rows.iter().map(Expiry::key).collect()
    }

    fn replace(&mut self, cx: &Cx<'_>) {
        let order = self.order(cx);
        self.list.replace(order, self.total);
    }

    fn row<'a>(&self, cx: &'a Cx<'_>) -> Option<Expiry<'a>> {
        Expiry::find(cx.fleet, self.list.cursor()?, cx.now)
    }

    fn dead(&self, act: Act, cx: &Cx<'_>) -> Option<String> {
        match act {
            Act::Problems => None,
            Act::Open => match self.row(cx) {
                None => Some(NO_ROW.to_owned()),
                Some(row) if row.tenant.is_none() => Some("this is our own: no tenant is behind it".to_owned()),
                Some(_) => None,
            },
        }
    }

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        if let Some(why) = self.dead(act, cx) {
            return Effect::Say(why);
        }
        match act {
            Act::Open => {
                let tenant = self.row(cx).and_then(|row| row.tenant);
                tenant.map_or(Effect::Nothing, |tenant| Effect::Open(ScreenId::Why(tenant.key.clone())))
            }
            Act::Problems => {
                self.problems = !self.problems;
                self.replace(cx);
                Effect::Nothing
            }
        }
    }
}

/// How many ended or end soon, what is next, and whose relationships could not be read.
fn answer(rows: &[Expiry<'_>], cx: &Cx<'_>) -> String {
    let count = |states: &[ExpiryState]| rows.iter().filter(|row| states.contains(&row.state)).count() as u64;
    let ended = words::count(count(&[ExpiryState::Ended, ExpiryState::Missing]));
    let soon = words::count(count(&[ExpiryState::Soon]));
    let mut said = format!("{ended} ended or missing  {soon} within 30 days");
    for partner in cx.fleet.partners.values() {
        if partner.credentials.as_ref().is_some_and(|known| known.trouble.is_some()) {
            said = format!("{said}  {}: a secret file is broken (doctor)", partner.name);
        }
        if let Some(failing) = &partner.relations_failing {
            said = format!("{said}  GDAP of {} not read: {}", partner.name, failing.failure.cause());
        }
    }
    said
}

fn compare(a: &Expiry<'_>, b: &Expiry<'_>, sort: Option<usize>) -> Ordering {
    match sort {
        Some(STATE) => a.state.cmp(&b.state),
        Some(OF) => a.of().to_lowercase().cmp(&b.of().to_lowercase()),
        Some(WHAT) => a.ends.cmp(&b.ends),
        Some(STOPS) => stops(a.ends).cmp(stops(b.ends)),
        // They come by date.
        Some(_) | None => Ordering::Equal,
    }
}

/// What stops, beside the name of whose it is.
const fn stops(ends: Ends) -> &'static str {
    match ends {
        Ends::RefreshToken | Ends::Secret | Ends::Certificate => "all imports",
        Ends::Gdap => "its imports",
        Ends::Mfa => "nothing",
    }
}

const fn meaning(row: &Expiry<'_>) -> Meaning {
    match (row.state, row.ends) {
        (ExpiryState::Ended | ExpiryState::Missing, Ends::Gdap) => Meaning::Broken,
        (ExpiryState::Ended | ExpiryState::Missing, _) => Meaning::Ours,
        (ExpiryState::Soon | ExpiryState::Waiting, _) => Meaning::Aging,
        (ExpiryState::Ok | ExpiryState::Extends | ExpiryState::Age | ExpiryState::Unknown, _) => Meaning::Plain,
    }
}

/// The days as a column and the strip show them; drawn again when they change.
fn days(row: &Expiry<'_>, cx: &Cx<'_>) -> String {
    let (Some(days), Some(at)) = (row.days, row.ends_at.or(row.since)) else { return "-".to_owned() };
    let left = at.as_second().saturating_sub(cx.now.as_second());
    let flips = if left > 0 { left % 86_400 + 1 } else { 86_400 - left.abs() % 86_400 };
    cx.wake_at(words::later(cx.now, flips));
    format!("{days}d")
}

fn when(row: &Expiry<'_>, cx: &Cx<'_>) -> String {
    row.ends_at.or(row.since).map_or_else(|| "-".to_owned(), |at| words::day(at, cx.now))
}

fn cells(row: &Expiry<'_>, cx: &Cx<'_>) -> Vec<Piece> {
    let piece = |text: String, meaning| Piece { text, meaning };
    vec![
        piece(format!("{} {}", row.state.sign(), row.state.word()), meaning(row)),
        piece(row.of().to_owned(), Meaning::Plain),
        piece(row.ends.words().to_owned(), Meaning::Plain),
        piece(when(row, cx), Meaning::Plain),
        piece(days(row, cx), Meaning::Plain),
        piece(stops(row.ends).to_owned(), Meaning::Plain),
    ]
}

/// What comes when, in a sentence.
fn told(row: &Expiry<'_>, cx: &Cx<'_>) -> String {
    let (what, stops) = (facts::sentence(row.ends.words()), row.stops());
    let when = when(row, cx);
    match row.state {
        ExpiryState::Ended if row.ends_at.is_some() => format!("{what} ended {when}: {stops} stopped."),
        ExpiryState::Ended => format!("{what} was ended: {stops} stopped."),
        ExpiryState::Missing => format!("No {what} with this customer, though others have one."),
        ExpiryState::Waiting => format!("{what} is asked for and not approved yet; a request lapses after 90 days."),
        ExpiryState::Soon | ExpiryState::Ok => format!("{what} ends {when}; then {stops} stop."),
        ExpiryState::Extends => format!("{what} extends itself {when} by half a year: nothing stops."),
        ExpiryState::Age => format!("Our sign-in, and its MFA, is of {when} or before."),
        ExpiryState::Unknown => format!("Nobody told when this {what} ends; then {stops} stop."),
    }
}

/// Who does what, at most 59 characters.
const fn advice(row: &Expiry<'_>) -> &'static str {
    match (row.ends, row.state) {
        (Ends::RefreshToken, ExpiryState::Ended) => "US: sign in again with MFA, then tenantop login.",
        (Ends::RefreshToken, _) => "Nobody acts: each run renews it; it dies if none runs.",
        (Ends::Secret, ExpiryState::Unknown) => "US: set client_secret_expires as the portal shows the end.",
        (Ends::Secret, _) => "US: a new secret for our app, into client_secret_file.",
        (Ends::Certificate, ExpiryState::Unknown) => "US: certificate_file cannot be read, or has no end.",
        (Ends::Certificate, _) => "US: upload a new one to our app, set certificate_file.",
        (Ends::Gdap, ExpiryState::Extends | ExpiryState::Unknown) => "Nobody has to act.",
        (Ends::Gdap, ExpiryState::Waiting) => "CUSTOMER: a Global Administrator approves our request.",
        (Ends::Gdap, _) => "US: a new request in Partner Center; the customer approves.",
        (Ends::Mfa, _) => "US: a new sign-in where customers refuse its age (50078).",
    }
}

fn pane(row: &Expiry<'_>, cx: &Cx<'_>) -> Vec<Line> {
    let pair = |name: &str, value: String| Line::from(format!("{name:<11} {value}"));
    let mut lines = vec![
        Line::of(Meaning::Caption, row.of()),
        row.tenant.map_or("our partner tenant", |tenant| tenant.domain.as_str()).into(),
        Line::default(),
        Line::of(meaning(row), format!("{} {}", row.state.sign(), row.state.word())),
        pair("what", row.ends.words().to_owned()),
    ];
    if let Some(at) = row.ends_at {
        lines.push(pair("ends", words::exact(at)));
    }
    if let Some(at) = row.since {
        lines.push(pair("stored", words::exact(at)));
    }
    if row.days.is_some() {
        lines.push(pair("in", days(row, cx)));
    }
    lines.push(pair("stops", row.stops()));
    lines.push(pair("partner", row.partner.to_string()));
    if let Some(tenant) = row.tenant {
        lines.extend(of_gdap(tenant, &pair, cx));
    }
    lines.push(Line::default());
    lines.push(Line::of(Meaning::Caption, "WHO ACTS"));
    lines.extend(words::wrap(advice(row), 39).into_iter().map(Line::from));
    lines
}

fn of_gdap(tenant: &Tenant, pair: &impl Fn(&str, String) -> Line, cx: &Cx<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let Some(gdap) = &tenant.gdap else { return lines };
    lines.push(pair("extends", if gdap.auto_extends { "by itself" } else { "no" }.to_owned()));
    let read_at = cx.fleet.partners.get(&tenant.key.partner).and_then(|partner| partner.relations_at);
    if let Some(at) = read_at {
        lines.push(pair("read", words::when(at, cx.now)));
    }
    if !gdap.roles.is_empty() {
        lines.push(Line::default());
        lines.push(Line::of(Meaning::Caption, "ROLES"));
        lines.extend(gdap.role_names().map(Line::from));
    }
    lines.push(Line::default());
    lines.push(Line::of(Meaning::Caption, "tenant id"));
    lines.push(tenant.key.tenant.to_string().into());
    lines
}

impl Screen for Expiries {
    fn id(&self) -> ScreenId {
        ScreenId::Expiries
    }

    fn path(&self, _: &Cx<'_>) -> Vec<String> {
        vec!["Expiries".to_owned()]
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act, cx));
        keys.extend(self.list.keys());
        keys
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        if let Some(act) = find(KEYS, key) {
            return Some(self.act(act, cx));
        }
        match self.list.press(key, &mut self.filter)? {
            Pressed::Effect(effect) => Some(effect),
            Pressed::Rows => {
                self.replace(cx);
                Some(Effect::Nothing)
            }
        }
    }

    fn click(&mut self, row: u16, _: &Cx<'_>) {
        self.list.click(row);
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        let order = self.order(cx);
        let exists = |key: &ExpiryKey| Expiry::find(cx.fleet, key, cx.now).is_some();
        if self.list.refresh(exists, &order, self.total) {
            self.list.replace(order, self.total);
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        page.line(top, &self.answer.as_str().into());
        let what = if self.problems { "problems" } else { "all" };
        self.list.draw_state(page, top + 1, what, "date", cx);
        let detail = 3;
        let rows = bottom.saturating_sub(top + 3 + detail);
        let row = |key: &ExpiryKey| Expiry::find(cx.fleet, key, cx.now);
        self.list.draw(page, top + 2, rows, |key| row(key).map(|row| cells(&row, cx)).unwrap_or_default());
        if self.list.order().is_empty() {
            let all = words::count(self.total as u64);
            let (said, key) = if !self.list.filter().is_empty() {
                (format!("Nothing matches \"{}\".  {all} in all.", self.list.filter()), cx.hint("clear", "clears it"))
            } else if self.total > 0 {
                ("Nothing ended or ends within 60 days.".to_owned(), cx.hint("problems", &format!("shows all {all}")))
            } else {
                ("Nothing is known yet: it is read before a run.".to_owned(), cx.hint("command", "then sync reads it"))
            };
            Listing::<ExpiryKey>::draw_empty(page, top + 4, &said, &key);
        }
        let Some(row) = self.row(cx) else { return };
        page.fill_pane(&pane(&row, cx));
        page.rule(bottom - detail, row.of());
        page.line(bottom - 2, &Line::of(meaning(&row), told(&row, cx)));
        page.line(bottom - 1, &advice(&row).into());
    }

    fn filter(&self) -> String {
        self.list.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<Expiry<'_>>(text)?;
        self.list.set_filter(text);
        self.replace(cx);
        Ok(())
    }

    fn subjects(&self, cx: &Cx<'_>) -> Vec<TenantKey> {
        self.row(cx).and_then(|row| row.tenant).map(|tenant| tenant.key.clone()).into_iter().collect()
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let Some(row) = self.row(cx) else { return Vec::new() };
        let mut items = Vec::new();
        if let Some(tenant) = row.tenant {
            items.push(CopyItem { letter: 'i', what: "tenant id", text: tenant.key.tenant.to_string() });
        }
        if let Some(at) = row.ends_at {
            items.push(CopyItem { letter: 'e', what: "end", text: words::exact(at) });
        }
        let text = format!("{}: {} {}", row.of(), told(&row, cx), advice(&row));
        items.push(CopyItem { letter: 'a', what: "all text", text });
        items
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let rows = self.list.order().iter().filter_map(|key| Expiry::find(cx.fleet, key, cx.now)).map(|row| {
            let exact = |at: Option<jiff::Timestamp>| at.map(words::exact).unwrap_or_default();
            vec![
                row.state.word().to_owned(),
                row.of().to_owned(),
                row.ends.words().to_owned(),
                exact(row.ends_at),
                row.days.map_or_else(String::new, |days| days.to_string()),
                row.stops(),
                if row.auto_extends { "yes" } else { "no" }.to_owned(),
                exact(row.since),
                row.partner.to_string(),
                row.tenant.map_or_else(String::new, |tenant| tenant.key.tenant.to_string()),
            ]
        });
        let titles =
            ["STATE", "OF", "WHAT", "ENDS AT", "DAYS", "STOPS", "AUTO EXTENDS", "SINCE", "PARTNER", "TENANT ID"];
        Some(Sheet {
            name: "expiries",
            instead: "q, then tenantop expiries --format csv",
            body: Body::Rows { titles: titles.to_vec(), rows: rows.collect() },
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::tests::{Desk, options, sample};

    fn desk() -> Desk {
        Desk::of(sample::ending(), options()).keys("E")
    }

    #[test]
    fn expiries_80() {
        insta::assert_snapshot!(desk().picture(80, 24));
    }

    #[test]
    fn expiries_120() {
        insta::assert_snapshot!(desk().keys("<Down><Down>").picture(120, 35));
    }

    #[test]
    fn expiries_200() {
        insta::assert_snapshot!(desk().keys("u<Down><Down><Down><Down>").picture(200, 60));
    }

    #[test]
    fn expiries_60x15() {
        insta::assert_snapshot!(desk().picture(60, 15));
    }

    #[test]
    fn nothing_known_80() {
        let fleet = crate::model::Fleet::new([], [], [], 26 * 3600);
        insta::assert_snapshot!(Desk::of(fleet, options()).keys("E").picture(80, 24));
    }

    #[test]
    fn a_refusal_that_an_ended_relationship_explains_80() {
        insta::assert_snapshot!(desk().keys("/humong<Enter><Enter>").picture(80, 24));
    }

    #[test]
    fn a_refusal_though_the_relationship_holds_80() {
        insta::assert_snapshot!(desk().keys("u/wingtip<Enter><Enter><PgDn>").picture(80, 24));
    }

    #[test]
    fn every_line_has_its_words_and_its_end() {
        for (filter, wanted) in [
            ("what:=secret of:emea", "a new secret for our app"),
            ("what:certificate", "upload a new one"),
            ("what:refresh of:emea", "each run renews it"),
            ("what:mfa of:emea", "or before"),
            ("state:missing", "No GDAP with this customer"),
            ("state:waiting", "not approved yet"),
            ("state:extends", "extends itself"),
            ("state:unknown", "Nobody told when"),
            ("state:soon what:gdap", "then this customer's imports stop"),
            ("state:ended", "this customer's imports stopped"),
        ] {
            let text = desk().keys(&format!("u/{filter}<Enter>")).text();
            assert!(text.contains(wanted), "{filter}: `{wanted}` in\n{text}");
        }
        let mut own = desk().keys("u/what:=secret of:emea<Enter><Enter>");
        assert!(own.text().contains("no tenant is behind it"));
        let mut none = desk().keys("/nobody<Enter>");
        assert!(none.text().contains("Nothing matches \"nobody\""));
    }
}
