//! Tenants: what is wrong, and whose is it?

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::events::{self, Happened};
use super::probe::probe;
use super::{Cx, Effect, Screen, ScreenId, asking, facts, rerun, words};
use crate::failure::Class;
use crate::model::{Burst, Failing, Filter, FilterError, Fleet, Key as TenantKey, PartnerName, State, TenantRow};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Column, Fit, Layout, Listing, Pressed, column};
use crate::tui::overlays::{Answer, Question};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::CopyItem;
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Problems,
    Probe,
    Rerun,
    Why,
    Licenses,
    Users,
    History,
    Diff,
    Allocation,
    Ticket,
    Note,
    Review,
    Incidents,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "open", "open the tenant; never a yes"),
    bind(&[Key::Char('u')], Act::Problems, "problems", "all", "only problems, or all"),
    bind(&[Key::Char('p')], Act::Probe, "probe", "probe", "probe: sign in to the marked tenants, read nothing"),
    bind(&[Key::Char('r')], Act::Rerun, "re-run", "re-run", "run the import of the marked tenants again (asks)"),
    bind(&[Key::Char('e')], Act::Why, "why", "why", "explain: why it stands as it does"),
    bind(&[Key::Char('t')], Act::Ticket, "ticket", "ticket", "the text for the customer, or why there is none"),
    bind(&[Key::Char('l')], Act::Licenses, "licenses", "licenses", "licenses of the tenant"),
    bind(&[Key::Char('U')], Act::Users, "users", "users", "users of the tenant"),
    bind(&[Key::Char('h')], Act::History, "history", "", "history: every try of the tenant"),
    bind(&[Key::Char('d')], Act::Diff, "diff", "", "difference to the import before: users, licenses, SKUs"),
    bind(&[Key::Char('b')], Act::Allocation, "allocation", "", "allocation: what licenses cost each business unit"),
    bind(&[Key::Char('v')], Act::Review, "review", "review", "decide over an import that is held back (asks)"),
    bind(&[Key::Char('n')], Act::Note, "note", "", "record that the text was sent: number and note of the ticket"),
    bind(&[Key::Char('i')], Act::Incidents, "incidents", "", "what the line at the top tells, in full"),
];

const STATUS: usize = 0;
const TENANT: usize = 1;
const USERS: usize = 2;
const SKUS: usize = 3;
const TRIED: usize = 4;
const ACTS: usize = 5;
const CAUSE: usize = 6;

static COLUMNS: [Column; 7] = [
    column("STATUS", 10, false),
    column("TENANT", 22, false),
    column("USERS", 5, true),
    column("SKUS", 5, true),
    column("TRIED", 5, true),
    column("WHO ACTS", 9, false),
    column("CAUSE", 15, false),
];

static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: TENANT,
    fits: &[Fit::Narrow(CAUSE, 6), Fit::Drop(ACTS), Fit::Drop(SKUS), Fit::Drop(CAUSE), Fit::Drop(TRIED)],
};

/// The list of all tenants.
#[derive(Debug)]
pub(crate) struct Tenants {
    list: Listing<TenantKey>,
    problems: bool,
    filter: Filter,
    /// The place of each tenant of the fleet among all names: names are compared when the fleet changes, not at each key.
    places: Vec<u32>,
    sums: Vec<(State, u64)>,
    incidents: Vec<Incident>,
    events: Vec<Happened>,
}

/// What many tenants have in common: in a line, and in full.
#[derive(Debug)]
struct Incident {
    line: String,
    full: String,
}

impl Tenants {
    /// Problems only, or all; with a filter where it can be used.
    pub(crate) fn new(all: bool, filter: &str) -> Self {
        let mut screen = Self {
            list: Listing::new(&LAYOUT, true),
            problems: !all,
            filter: Filter::default(),
            places: Vec::new(),
            sums: Vec::new(),
            incidents: Vec::new(),
            events: Vec::new(),
        };
        if let Ok(parsed) = Filter::parse::<TenantRow<'_>>(filter) {
            screen.filter = parsed;
            screen.list.set_filter(filter);
        }
        screen
    }

    /// The tenants that problems-or-all and the filter let through, in order.
    fn order(&self, cx: &Cx<'_>) -> Vec<TenantKey> {
        // A key may come before the screen has heard of new tenants.
        let fresh = (self.places.len() != cx.fleet.tenants.len()).then(|| places(cx.fleet));
        let places = fresh.as_ref().unwrap_or(&self.places);
        let sort = self.list.sort();
        let mut rows = Vec::with_capacity(places.len());
        rows.extend(cx.fleet.tenants.values().zip(places).filter_map(|(tenant, place)| {
            let row = TenantRow::of(cx.fleet, tenant, cx.now);
            let shown = (!self.problems || row.is_problem()) && self.filter.matches(&row);
            shown.then(|| (standing(&row, sort), *place, &tenant.key))
        }));
        rows.sort_unstable();
        if self.list.is_reversed() {
            rows.reverse();
        }
        rows.into_iter().map(|(_, _, key)| key.clone()).collect()
    }

    fn replace(&mut self, cx: &Cx<'_>) {
        self.list.replace(self.order(cx), cx.fleet.tenants.len());
    }

    fn row<'a>(&self, cx: &'a Cx<'_>) -> Option<TenantRow<'a>> {
        let tenant = cx.fleet.tenants.get(self.list.cursor()?)?;
        Some(TenantRow::of(cx.fleet, tenant, cx.now))
    }

    fn dead(&self, act: Act, cx: &Cx<'_>) -> Option<String> {
        let Some(row) = self.row(cx) else {
            return match act {
                Act::Problems | Act::Incidents => None,
                Act::Open
                | Act::Probe
                | Act::Rerun
                | Act::Why
                | Act::Licenses
                | Act::Users
                | Act::History
                | Act::Diff
                | Act::Allocation
                | Act::Ticket
                | Act::Note
                | Act::Review => Some("no tenant is under the cursor".to_owned()),
            };
        };
        match act {
            Act::Review if row.tenant.held_back.is_none() => Some("nothing is held back for this tenant".to_owned()),
            Act::Ticket => asking::dead(row.tenant),
            Act::Note => asking::no_note(row.tenant, cx),
            Act::Incidents if self.incidents.is_empty() => Some("no incident is known".to_owned()),
            Act::Open
            | Act::Problems
            | Act::Probe
            | Act::Rerun
            | Act::Why
            | Act::Licenses
            | Act::Users
            | Act::History
            | Act::Diff
            | Act::Allocation
            | Act::Review
            | Act::Incidents => None,
        }
    }

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        if let Some(why) = self.dead(act, cx) {
            return Effect::Say(why);
        }
        match act {
            Act::Problems => {
                self.problems = !self.problems;
                self.replace(cx);
                Effect::Nothing
            }
            Act::Probe => probe(self.list.chosen()),
            Act::Rerun => rerun(self.list.chosen(), cx),
            Act::Incidents => Effect::Show {
                title: "incidents".to_owned(),
                lines: self.incidents.iter().map(|incident| Line::from(incident.full.as_str())).collect(),
            },
            Act::Open | Act::Why => {
                self.list.cursor().cloned().map_or(Effect::Nothing, |key| Effect::Open(ScreenId::Why(key)))
            }
            Act::Licenses => {
                self.list.cursor().cloned().map_or(Effect::Nothing, |key| Effect::Open(ScreenId::Licenses(key)))
            }
            Act::Users => self.list.cursor().cloned().map_or(Effect::Nothing, |key| Effect::Open(ScreenId::Users(key))),
            Act::Allocation => {
                self.list.cursor().cloned().map_or(Effect::Nothing, |key| Effect::Open(ScreenId::Allocation(key)))
            }
            Act::Diff => self.list.cursor().cloned().map_or(Effect::Nothing, |key| Effect::Open(ScreenId::Diff(key))),
            Act::History => {
                self.list.cursor().cloned().map_or(Effect::Nothing, |key| Effect::Open(ScreenId::History(key)))
            }
            Act::Ticket => self.row(cx).map_or(Effect::Nothing, |row| asking::open(row.tenant, cx)),
            Act::Note => self.row(cx).map_or(Effect::Nothing, |row| asking::note(row.tenant, cx)),
            Act::Review => self.row(cx).map_or(Effect::Nothing, |row| review(&row, cx)),
        }
    }
}

/// Asks what is to become of an import that is held back.
pub(super) fn review(row: &TenantRow<'_>, cx: &Cx<'_>) -> Effect {
    use crate::model::Command;
    let Some(held) = &row.tenant.held_back else {
        return Effect::Say("nothing is held back for this tenant".to_owned());
    };
    let tenant = &row.tenant.key;
    let count = |good: Option<&crate::model::Good>| good.map_or_else(|| "none".to_owned(), |g| words::count(g.count));
    let mut lines = vec![format!("{} ({}, run {})", held.why, words::when(held.at, cx.now), held.run)];
    for (name, new, old) in
        [("users", &held.users, &row.tenant.users.good), ("SKUs", &held.skus, &row.tenant.skus.good)]
    {
        if let Some(new) = new {
            lines.push(format!("{name}: shown now {}, held back {}", count(old.as_ref()), words::count(new.count)));
        }
    }
    lines.push("accept: it becomes the data that everyone sees.  discard: the old data stand.".to_owned());
    let command = |accept| Command::Review { tenant: tenant.clone(), accept };
    let answer = Answer::typed(vec![("accept".to_owned(), command(true)), ("discard".to_owned(), command(false))]);
    let title = format!("held back: {}", row.tenant.title());
    Effect::Ask(Question::new(&title, lines, "Type accept or discard, then y:".to_owned(), answer, cx.now))
}

/// Where a row stands when sorted by a column, as a number and a text: made once for each row, not for each comparison.
/// Oldest good data first unless a column is asked for; what never was stands before all.
fn standing(row: &TenantRow<'_>, sort: Option<usize>) -> (i64, Cow<'static, str>) {
    let time = |at: Option<jiff::Timestamp>| at.map_or(i64::MIN, jiff::Timestamp::as_microsecond);
    let good = |set: &crate::model::DataSet| time(set.good.as_ref().map(|good| good.at));
    let number = match sort {
        Some(STATUS) => rank(row.state).into(),
        Some(TENANT) => 0,
        Some(USERS) => good(&row.tenant.users),
        Some(SKUS) => good(&row.tenant.skus),
        Some(TRIED) => time(row.tenant.tried_at),
        Some(ACTS) => return (0, row.owner.map_or("~", crate::failure::Owner::word).into()),
        Some(CAUSE) => return (row.cause.is_empty().into(), row.cause.clone()),
        Some(_) | None => time(row.tenant.good_at()),
    };
    (number, Cow::Borrowed(""))
}

/// What stands first in sums and when sorted by status: what people must look at.
const fn rank(state: State) -> u8 {
    match state {
        State::Blocked => 0,
        State::OurAuth => 1,
        State::NoAccess => 2,
        State::Failed => 3,
        State::Partial => 4,
        State::Stale => 5,
        State::Never => 6,
        State::Running => 7,
        State::Queued => 8,
        State::Paused => 9,
        State::Ok => 10,
    }
}

/// The place of each tenant among all names, whatever their case; of two with one name the first key is the first.
fn places(fleet: &Fleet) -> Vec<u32> {
    let mut names: Vec<(String, u32)> =
        fleet.tenants.values().map(|tenant| tenant.title().to_lowercase()).zip(0..).collect();
    names.sort_unstable();
    let mut places = vec![0; names.len()];
    for ((_, tenant), place) in names.into_iter().zip(0..) {
        if let Some(at) = places.get_mut(tenant as usize) {
            *at = place;
        }
    }
    places
}

fn sums(fleet: &Fleet, now: jiff::Timestamp) -> Vec<(State, u64)> {
    let mut counts: BTreeMap<State, u64> = BTreeMap::new();
    for tenant in fleet.tenants.values() {
        *counts.entry(fleet.state(tenant, now)).or_default() += 1;
    }
    let mut sums: Vec<(State, u64)> = counts.into_iter().collect();
    sums.sort_by_key(|(state, _)| if *state == State::Ok { 0 } else { rank(*state) + 1 });
    sums
}

/// What many tenants have in common: a partner whose own sign-in fails, or a refusal that most of them meet.
fn incidents(cx: &Cx<'_>) -> Vec<Incident> {
    let mut said = Vec::new();
    for partner in cx.fleet.partners.values() {
        if let Some(failing) = &partner.failing {
            let (name, since) = (&partner.name, words::when(failing.since, cx.now));
            let cause = failing.failure.cause();
            let meaning = failing.failure.class.meaning();
            said.push(Incident {
                line: format!("partner {name}: own sign-in refused since {since}: {cause}"),
                full: format!(
                    "partner {name}: sign-in refused since {since}, no customer is asked: {cause}, {meaning}"
                ),
            });
        }
    }
    let bursts = cx.fleet.bursts();
    let mut firsts: Vec<Option<&Failing>> = vec![None; bursts.len()];
    let mut wide: BTreeMap<(&PartnerName, Class), (u64, &Failing)> = BTreeMap::new();
    for tenant in cx.fleet.tenants.values().filter(|tenant| tenant.gone_at.is_none()) {
        let (Some(failing), true) = (&tenant.users.failing, tenant.skus.failing.is_some()) else { continue };
        let key = (&tenant.key.partner, failing.failure.class);
        let told = |burst: &Burst| (&burst.partner, burst.class) == key;
        for (_, first) in bursts.iter().zip(&mut firsts).filter(|(burst, _)| told(burst) && burst.began(failing)) {
            if first.is_none_or(|first| failing.since < first.since) {
                *first = Some(failing);
            }
        }
        if cx.fleet.is_wide(key.0, key.1) {
            let entry = wide.entry(key).or_insert((0, failing));
            entry.0 += 1;
            if failing.since < entry.1.since {
                entry.1 = failing;
            }
        }
    }
    for (burst, first) in bursts.iter().zip(firsts) {
        wide.remove(&(&burst.partner, burst.class));
        said.extend(first.map(|first| together(burst, first, cx)));
    }
    for ((partner, class), (n, first)) in wide {
        let tenants = words::of(n, "tenant");
        let (since, cause) = (words::when(first.since, cx.now), first.failure.cause());
        let whose = class.shared_cause().unwrap_or("nothing of theirs");
        said.push(Incident {
            line: format!("{tenants} of {partner} since {since}: {cause}: {whose}, not theirs"),
            full: format!(
                "{tenants} of {partner} since {since}, most of its customers: {cause}, {}: {whose}, not theirs",
                class.meaning()
            ),
        });
    }
    said
}

/// Many that began within minutes, in a line and in full. Only what no customer can lift is said to be ours.
fn together(burst: &Burst, first: &Failing, cx: &Cx<'_>) -> Incident {
    let Burst { partner, class, from, to, tenants } = burst;
    let tenants = words::of(*tenants, "tenant");
    let cause = first.failure.cause();
    let span = if from == to {
        words::when(*from, cx.now)
    } else {
        format!("{}-{}", words::when(*from, cx.now).trim_end_matches('Z'), words::clock(*to))
    };
    let whose = match (class.shared_cause(), class.is_ours_if_many()) {
        (Some(whose), true) => format!("{whose}, not theirs"),
        (Some(whose), false) => format!("{whose}?"),
        (None, _) => "one cause?".to_owned(),
    };
    Incident {
        line: format!("{tenants} of {partner} began {span}: {cause}: {whose}"),
        full: format!("{tenants} of {partner} began {span} to be refused: {cause}, {}: {whose}", class.meaning()),
    }
}

impl Screen for Tenants {
    fn id(&self) -> ScreenId {
        ScreenId::Tenants
    }

    fn path(&self, _: &Cx<'_>) -> Vec<String> {
        vec!["Tenants".to_owned()]
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act, cx));
        for row in &mut keys {
            if row.name == "problems" && !self.problems {
                row.foot = "problems";
            }
        }
        let list = self.list.keys();
        let (filter, rest): (Vec<Shown>, Vec<Shown>) = list.into_iter().partition(|row| !row.foot.is_empty());
        keys.splice(1..1, filter);
        keys.extend(rest);
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
        self.places = places(cx.fleet);
        let keys = self.order(cx);
        let exists = |key: &TenantKey| cx.fleet.tenants.contains_key(key);
        if self.list.refresh(exists, &keys, cx.fleet.tenants.len()) {
            self.list.replace(keys, cx.fleet.tenants.len());
        }
        self.sums = sums(cx.fleet, cx.now);
        self.incidents = incidents(cx);
        self.events = events::recent(cx.fleet, cx.now, events::MOST);
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let top = page.main.y;
        let bottom = page.main.bottom();
        // The strip stands under the list, and below it what all operators did.
        let detail = if page.main.height >= 18 { 4 } else { 2 };
        let happened = facts::band(page.main.height);
        let end = if happened > 0 { bottom - happened - 1 } else { bottom };
        self.draw_sums(page, top);
        self.draw_hint(page, top + 1, cx);
        let what = if self.problems { "problems" } else { "all" };
        self.list.draw_state(page, top + 2, what, "oldest good data", cx);
        let rows = end.saturating_sub(top + 4 + detail);
        self.list.draw(page, top + 3, rows, |key| cells(key, cx));
        if self.list.order().is_empty() {
            self.draw_empty(page, top + 5, cx);
        }
        if happened > 0 {
            events::band(page, end, happened, &self.events, cx);
        }
        let Some(row) = self.row(cx) else {
            page.rule(end - detail, "");
            return;
        };
        page.rule(end - detail, row.tenant.title());
        let [first, second] = facts::strip(&row, cx);
        let lines = [first, second, events::of_tenant(&row.tenant.key, cx)];
        for (line, y) in lines.iter().zip(end - detail + 1..end) {
            page.line(y, line);
        }
        if page.pane.is_some() {
            page.fill_pane(&facts::pane(&row, true, cx));
        }
    }

    fn filter(&self) -> String {
        self.list.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<TenantRow<'_>>(text)?;
        // Whose data are asked for are looked for among all: one that is just read again is no problem and has none yet.
        self.problems &= !self.filter.terms().iter().any(|term| term.field.as_deref() == Some("skus"));
        self.list.set_filter(text);
        self.replace(cx);
        Ok(())
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        self.list.chosen()
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let Some(row) = self.row(cx) else { return Vec::new() };
        let item = |letter, what, text| CopyItem { letter, what, text };
        let line = |row: &TenantRow<'_>| {
            let tenant = row.tenant;
            format!("{}\t{}\t{}\t{}\t{}", row.state.word(), tenant.title(), tenant.key.tenant, tenant.domain, row.cause)
        };
        let all: Vec<String> = self
            .list
            .order()
            .iter()
            .filter_map(|key| cx.fleet.tenants.get(key))
            .map(|tenant| line(&TenantRow::of(cx.fleet, tenant, cx.now)))
            .collect();
        vec![
            item('i', "tenant id", row.tenant.key.tenant.to_string()),
            item('d', "domain", row.tenant.domain.to_string()),
            item('r', "row", line(&row)),
            item('a', "all rows", all.join("\n")),
        ]
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let exact = |at: Option<jiff::Timestamp>| at.map_or_else(String::new, words::exact);
        let good = |set: &crate::model::DataSet| exact(set.good.as_ref().map(|good| good.at));
        let tenants = self.list.order().iter().filter_map(|key| cx.fleet.tenants.get(key));
        let rows = tenants.map(|tenant| {
            let row = TenantRow::of(cx.fleet, tenant, cx.now);
            vec![
                row.state.word().to_owned(),
                tenant.title().to_owned(),
                good(&tenant.users),
                good(&tenant.skus),
                exact(tenant.tried_at),
                row.owner.map_or("", crate::failure::Owner::word).to_owned(),
                row.cause.to_string(),
                tenant.key.partner.to_string(),
                tenant.domain.to_string(),
                tenant.key.tenant.to_string(),
            ]
        });
        let titles =
            ["STATUS", "TENANT", "USERS", "SKUS", "TRIED", "WHO ACTS", "CAUSE", "PARTNER", "DOMAIN", "TENANT ID"];
        Some(Sheet {
            name: "tenants",
            instead: "q, then tenantop tenants --format csv",
            body: Body::Rows { titles: titles.to_vec(), rows: rows.collect() },
        })
    }
}

impl Tenants {
    fn draw_sums(&self, page: &mut Page<'_>, y: u16) {
        let total: u64 = self.sums.iter().map(|(_, n)| n).sum();
        let mut text = words::of(total, "tenant");
        let mut others = 0;
        let width = usize::from(page.main.width);
        for (state, n) in &self.sums {
            let part = format!("  {n} {}", state.name());
            if text.len() + part.len() + 12 <= width {
                text.push_str(&part);
            } else {
                others += n;
            }
        }
        if others > 0 {
            text = format!("{text}  {others} other");
        }
        page.line(y, &text.into());
    }

    /// The line of incidents; where there are none, of a run that goes on.
    fn draw_hint(&self, page: &mut Page<'_>, y: u16, cx: &Cx<'_>) {
        let line = match (self.incidents.as_slice(), cx.fleet.running().last()) {
            ([], None) => Line::default(),
            ([], Some(run)) => {
                let (queued, running) = run.open();
                let done = run.ok + run.failed;
                let open = match super::run::sold(run) {
                    Some(sold) if running + queued == 0 => sold,
                    Some(_) | None => format!("{running} running  {queued} queued"),
                };
                let text = format!(
                    "> run {}: {done} of {} done  {open}  {} failed   {} shows it",
                    run.id,
                    run.tenants,
                    run.failed,
                    cx.key("runs")
                );
                Line::of(Meaning::Active, text)
            }
            ([first, more @ ..], _) => {
                let key = cx.key("incidents");
                let hint = if more.is_empty() { format!("  ({key})") } else { format!("  +{} ({key})", more.len()) };
                let room = usize::from(page.main.width).saturating_sub(hint.len() + 2);
                Line::of(Meaning::Ours, format!("! {}{hint}", words::cut(&first.line, room)))
            }
        };
        page.line(y, &line);
    }

    fn draw_empty(&self, page: &mut Page<'_>, y: u16, cx: &Cx<'_>) {
        let all = cx.fleet.tenants.len();
        let listed: BTreeSet<_> = cx.fleet.partners.values().filter_map(|partner| partner.listed_at).collect();
        if all == 0 {
            let last = listed.last().map_or_else(|| "never".to_owned(), |at| words::when(*at, cx.now));
            let said = format!("No tenant yet.  Last list from Partner Center: {last}.");
            Listing::<TenantKey>::draw_empty(page, y, &said, ":sync reads it");
        } else if !self.list.filter().is_empty() {
            let said = format!(
                "No tenant matches \"{}\".  {} hidden by the filter.",
                self.list.filter(),
                words::count(all as u64)
            );
            Listing::<TenantKey>::draw_empty(page, y, &said, &cx.hint("clear", "clears it"));
        } else {
            let oldest = cx.fleet.tenants.values().filter_map(crate::model::Tenant::good_at).min();
            let n = words::count(all as u64);
            let said = format!("No problem.  {n} of {n} fine, oldest data {}.", cx.age_or_dash(oldest));
            Listing::<TenantKey>::draw_empty(page, y, &said, &cx.hint("problems", "shows all"));
        }
    }
}

fn cells(key: &TenantKey, cx: &Cx<'_>) -> Vec<Piece> {
    let Some(tenant) = cx.fleet.tenants.get(key) else { return Vec::new() };
    let row = TenantRow::of(cx.fleet, tenant, cx.now);
    let look: Meaning = row.state.into();
    let piece = |text: String, meaning| Piece { text, meaning };
    let good = |set: &crate::model::DataSet| cx.age_or_dash(set.good.as_ref().map(|good| good.at));
    let aging = |set: &crate::model::DataSet| if set.failing.is_some() { look } else { Meaning::Plain };
    vec![
        piece(format!("{} {}", row.state.sign(), row.state.word()), look),
        piece(tenant.title().to_owned(), Meaning::Plain),
        piece(good(&tenant.users), aging(&tenant.users)),
        piece(good(&tenant.skus), aging(&tenant.skus)),
        piece(cx.age_or_dash(tenant.tried_at), Meaning::Plain),
        piece(row.owner.map_or("", crate::failure::Owner::word).to_owned(), Meaning::Plain),
        piece(row.cause.into_owned(), Meaning::Plain),
    ]
}
