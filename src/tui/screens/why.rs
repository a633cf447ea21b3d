//! Why: why does this tenant stand as it does, whose turn is it, and what proves it?

use super::probe::probe;
use super::tenants::review;
use super::{Cx, Effect, Screen, ScreenId, asking, evidence, facts, rerun, tries, words};
use crate::failure::{Cap, Failure};
use crate::model::{DataSet, Failing, Key as TenantKey, Tenant, TenantRow};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::page::{Line, Page};
use crate::tui::screens::CopyItem;
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Ticket,
    Note,
    Language,
    Raw,
    Probe,
    Rerun,
    Licenses,
    Users,
    History,
    Diff,
    Allocation,
    Review,
    Run,
    Down,
    Up,
    PageDown,
    PageUp,
    First,
    Last,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Char('t')], Act::Ticket, "ticket", "ticket", "the text for the customer, or why there is none"),
    bind(&[Key::Char('n')], Act::Note, "note", "note", "record that the text was sent: number and note of the ticket"),
    bind(&[Key::Char('e')], Act::Raw, "raw-answer", "raw answer", "explain further: the raw answer"),
    bind(&[Key::Char('p')], Act::Probe, "probe", "probe", "probe: sign in to the tenant, read nothing"),
    bind(&[Key::Char('r')], Act::Rerun, "re-run", "re-run", "run the import of the tenant again (asks)"),
    bind(&[Key::Char('l')], Act::Licenses, "licenses", "licenses", "licenses of the tenant"),
    bind(&[Key::Char('U')], Act::Users, "users", "users", "users of the tenant"),
    bind(&[Key::Char('h')], Act::History, "history", "history", "history: every try of the tenant"),
    bind(&[Key::Char('d')], Act::Diff, "diff", "", "difference to the import before: users, licenses, SKUs"),
    bind(&[Key::Char('b')], Act::Allocation, "allocation", "", "allocation: what licenses cost each business unit"),
    bind(&[Key::Char('v')], Act::Review, "review", "review", "decide over an import that is held back (asks)"),
    bind(&[Key::Char('L')], Act::Language, "language", "", "the next language of the text for the customer"),
    bind(&[Key::Enter], Act::Run, "open", "its run", "open the run that reads it now, or did last; never a yes"),
    bind(&[Key::Down, Key::Char('j')], Act::Down, "down", "", "a line down"),
    bind(&[Key::Up, Key::Char('k')], Act::Up, "up", "", "a line up"),
    bind(&[Key::PageDown], Act::PageDown, "page-down", "", "a page down"),
    bind(&[Key::PageUp], Act::PageUp, "page-up", "", "a page up"),
    bind(&[Key::Char('g'), Key::Home], Act::First, "first", "", "the start"),
    bind(&[Key::Char('G'), Key::End], Act::Last, "last", "", "the end"),
];

/// One tenant.
#[derive(Debug)]
pub(crate) struct Why {
    key: TenantKey,
    top: usize,
    rows: usize,
}

impl Why {
    /// The screen of a tenant.
    pub(crate) fn new(key: TenantKey) -> Self {
        Self { key, top: 0, rows: 1 }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.key)
    }

    /// The run that reads the tenant now, else the last one known that had it.
    fn run(&self, cx: &Cx<'_>) -> Option<crate::model::RunId> {
        let active = self.tenant(cx)?.active.as_ref().map(|active| active.run);
        active.or_else(|| cx.fleet.runs.values().rev().find(|run| run.jobs.contains_key(&self.key)).map(|run| run.id))
    }

    fn dead(&self, act: Act, cx: &Cx<'_>) -> Option<String> {
        let Some(tenant) = self.tenant(cx) else { return Some("the tenant is not known".to_owned()) };
        match act {
            Act::Raw if tenant.failing().is_none() => Some("no refusal, so no answer to show".to_owned()),
            Act::Review if tenant.held_back.is_none() => Some("nothing is held back for this tenant".to_owned()),
            Act::Run if self.run(cx).is_none() => Some("no run at hand has this tenant".to_owned()),
            Act::Ticket => asking::dead(tenant),
            Act::Note => asking::no_note(tenant, cx),
            Act::Language => asking::no_language(tenant, cx),
            Act::Raw
            | Act::Probe
            | Act::Rerun
            | Act::Licenses
            | Act::Users
            | Act::History
            | Act::Diff
            | Act::Allocation
            | Act::Review
            | Act::Run
            | Act::Down
            | Act::Up
            | Act::PageDown
            | Act::PageUp
            | Act::First
            | Act::Last => None,
        }
    }

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        if let Some(why) = self.dead(act, cx) {
            return Effect::Say(why);
        }
        let page = self.rows.saturating_sub(1).max(1);
        let Some(tenant) = self.tenant(cx) else { return Effect::Nothing };
        match act {
            Act::Ticket => asking::open(tenant, cx),
            Act::Note => asking::note(tenant, cx),
            Act::Language => Effect::Language(cx.options.language.next()),
            Act::Raw => raw(tenant),
            Act::Probe => probe(vec![self.key.clone()]),
            Act::Rerun => rerun(vec![self.key.clone()], cx),
            Act::Licenses => Effect::Open(ScreenId::Licenses(self.key.clone())),
            Act::Users => Effect::Open(ScreenId::Users(self.key.clone())),
            Act::History => Effect::Open(ScreenId::History(self.key.clone())),
            Act::Allocation => Effect::Open(ScreenId::Allocation(self.key.clone())),
            Act::Diff => Effect::Open(ScreenId::Diff(self.key.clone())),
            Act::Review => review(&TenantRow::of(cx.fleet, tenant, cx.now), cx),
            Act::Run => self.run(cx).map_or(Effect::Nothing, |run| Effect::Open(ScreenId::Run(run))),
            Act::Down => self.to(self.top + 1),
            Act::Up => self.to(self.top.saturating_sub(1)),
            Act::PageDown => self.to(self.top + page),
            Act::PageUp => self.to(self.top.saturating_sub(page)),
            Act::First => self.to(0),
            Act::Last => self.to(usize::MAX),
        }
    }

    /// Scrolls; drawing holds it within the text.
    fn to(&mut self, top: usize) -> Effect {
        self.top = top;
        Effect::Nothing
    }
}

/// The raw answers, as they are kept.
fn raw(tenant: &Tenant) -> Effect {
    let mut lines = Vec::new();
    for (name, set) in sets(tenant) {
        let Some(failing) = &set.failing else { continue };
        lines.push(Line::of(Meaning::Caption, name));
        lines.extend(
            facts::proof(&failing.failure).into_iter().map(|(name, value)| format!("{name:<12}{value}").into()),
        );
        lines.push(Line::default());
        if failing.failure.raw.is_empty() {
            lines.push("There was no answer, or nothing of it is kept.".into());
        }
        lines.extend(failing.failure.raw.lines().map(Line::from));
        lines.push(Line::default());
        if tenant.users.failing.as_ref().map(|f| &f.failure) == tenant.skus.failing.as_ref().map(|f| &f.failure) {
            break;
        }
    }
    Effect::Show { title: format!("raw answer: {}", tenant.title()), lines }
}

fn sets(tenant: &Tenant) -> [(&'static str, &DataSet); 2] {
    [("USERS", &tenant.users), ("SKUS", &tenant.skus)]
}

/// The whole text of the screen, in a width; with what is to be known before the customer is asked, where no band of its
/// own says that.
fn text(tenant: &Tenant, width: usize, band: bool, cx: &Cx<'_>) -> Vec<Line> {
    let row = TenantRow::of(cx.fleet, tenant, cx.now);
    let mut lines = Vec::new();
    let state = format!("{} {}", row.state.sign(), row.state.word());
    if let Some(failing) = tenant.failing() {
        let remedy = failing.failure.remedy(cx.context(tenant));
        let summary = remedy.summary.strip_prefix(&format!("{}: ", tenant.title())).unwrap_or(&remedy.summary);
        let summary = facts::sentence(summary);
        lines.push(Line::of(row.state.into(), state).and(Meaning::Plain, format!("  {summary}.")));
        lines.push(format!("Who acts: {}", remedy.who).into());
        lines.push(since(tenant, failing, cx).into());
        lines.extend(asking::licenses(tenant, cx).map(Line::from));
    } else {
        lines.push(Line::of(row.state.into(), state).and(Meaning::Plain, format!("  {}", row.state.meaning())));
        let [first, _] = facts::strip(&row, cx);
        lines.push(first);
        lines.push(facts::good_data(tenant, cx).into());
    }
    lines.push(Line::default());
    if let Some(failing) = tenant.failing() {
        explain(&mut lines, tenant, failing, width, cx);
    }
    if !band {
        let before = asking::before(tenant, width, cx).into_iter().filter(|line| !line.is_empty());
        lines.push(Line::of(Meaning::Caption, "BEFORE ASKING"));
        lines.extend(before.map(Line::from));
        lines.push(Line::default());
    }
    lines.extend(asking::section(tenant));
    lines.push(Line::of(Meaning::Caption, "DATA"));
    for (name, set) in sets(tenant) {
        lines.push(data(name, set, cx));
    }
    if let Some(held) = &tenant.held_back {
        lines.push(Line::default());
        lines.push(Line::of(Meaning::Caption, "HELD BACK"));
        lines.push(Line::of(
            Meaning::Aging,
            format!("{}  run {}: {}", words::when(held.at, cx.now), held.run, held.why),
        ));
        lines.push(format!("Old data kept. {} accepts it or throws it away.", cx.key("review")).into());
    }
    if let Some(pause) = tenant.pause.as_ref().filter(|pause| pause.until > cx.now) {
        lines.push(Line::default());
        lines.push(Line::of(Meaning::Caption, "PAUSED"));
        let (at, until) = (words::when(pause.at, cx.now), words::when(pause.until, cx.now));
        lines.push(format!("{at} by {} until {until}: {}", pause.by, pause.reason).into());
    }
    lines.push(Line::default());
    lines.push(Line::of(Meaning::Caption, "TENANT"));
    lines.push(format!("{:<12}{}", "tenant id", tenant.key.tenant).into());
    lines.push(format!("{:<12}{}", "domain", tenant.domain).into());
    lines.push(format!("{:<12}{}", "partner", tenant.key.partner).into());
    if let (Some(said), Some(gdap)) = (facts::gdap(tenant, cx), &tenant.gdap) {
        let read_at = cx.fleet.partners.get(&tenant.key.partner).and_then(|partner| partner.relations_at);
        let read = read_at.map_or_else(String::new, |at| format!("; our tenant's list of {}", words::when(at, cx.now)));
        lines.push(format!("{:<12}{said}{read}", "GDAP").into());
        let roles: Vec<&str> = gdap.role_names().collect();
        if !roles.is_empty() {
            lines.push(format!("{:<12}{}", "GDAP roles", roles.join(", ")).into());
        }
    }
    let tried = tenant.tried_at.map_or_else(|| "never".to_owned(), |at| words::when(at, cx.now));
    lines.push(format!("{:<12}{tried}", "last try").into());
    if let Some([when, why]) = facts::next_read(tenant, cx) {
        lines.push(format!("{:<12}{when}, {why}", "next read").into());
    }
    lines.push(format!("{:<12}{}", "on list", words::when(tenant.listed_at, cx.now)).into());
    if let Some(gone) = tenant.gone_at {
        lines.push(format!("{:<12}{}", "off list", words::when(gone, cx.now)).into());
    }
    lines
}

fn since(tenant: &Tenant, failing: &Failing, cx: &Cx<'_>) -> String {
    let seconds = cx.now.as_second().saturating_sub(failing.since.as_second());
    let tries = words::of(failing.tries.into(), "try");
    let good = tenant.good_at().map_or_else(|| "never".to_owned(), |at| words::day(at, cx.now));
    // The span changes by the hour; so does the age of the same time.
    cx.age(failing.since);
    format!(
        "First refused {} ({}), {tries}. Last good data: {good}.",
        words::when(failing.since, cx.now),
        words::long_span(seconds)
    )
}

/// From this height on a band says what is to be known before the customer is asked.
const ASKS_FROM: u16 = 21;
/// The width of a text that is copied.
const COPIED: usize = 79;
/// A table of policies needs this width; where there is less, the ids stand alone.
const TABLE: usize = 72;

/// The policies that the answer named, with what the runs at hand tell of each. One that earlier answers of this row of
/// refusals named stands there too.
fn policies(lines: &mut Vec<Line>, tenant: &Tenant, failing: &Failing, width: usize, cx: &Cx<'_>) {
    let ids = &failing.failure.policies;
    if ids.is_empty() {
        return;
    }
    lines.push(
        Line::of(Meaning::Caption, "POLICIES THAT THE ANSWER NAMED")
            .and(Meaning::Plain, "  (ids only; names are the customer's)"),
    );
    let at_hand = tries::at_hand(cx.fleet, &tenant.key);
    let of_row = tries::refused_since(at_hand.values(), failing.since);
    let began = of_row.clone().map(crate::model::Try::at).min();
    let counted = of_row.count() as u64;
    let mut named = tries::policies(at_hand.values());
    // Of runs that are no longer at hand nothing but the last answer is known.
    named.extend(
        ids.iter()
            .filter(|id| !named.iter().any(|named| named.id == **id))
            .map(|id| tries::Named { id: *id, first: failing.failure.at, last: failing.failure.at, tries: 0 })
            .collect::<Vec<_>>(),
    );
    if width >= TABLE {
        lines.push(Line::of(Meaning::Caption, format!("  # {:<36} {:<7} {:<13} TRIES", "POLICY ID", "FIRST", "LAST")));
    }
    for (named, n) in named.iter().zip(1_u32..) {
        let answered = ids.contains(&named.id);
        if !answered && began.is_none_or(|began| named.last < began) {
            continue;
        }
        let note = match (answered, began) {
            (false, _) => "not now",
            (true, _) if tenant.open_ticket().is_some_and(|ticket| !ticket.policies.contains(&named.id)) => "NEW",
            (true, _) if tenant.open_ticket().is_some() => "",
            (true, Some(began)) if named.tries > 0 && named.first > began => "NEW",
            (true, _) => "",
        };
        let line = if width < TABLE {
            format!("  {n} {} {note}", named.id)
        } else {
            let first = if named.tries == 0 { "-".to_owned() } else { words::day(named.first, cx.now) };
            let last = words::when(named.last, cx.now);
            format!("  {n} {} {first:<7} {last:<13} {:>5} {note}", named.id, named.tries)
        };
        lines.push(line.trim_end().into());
    }
    if counted < u64::from(failing.tries) && width >= TABLE {
        let tries = words::of(counted, "try");
        lines.push(
            format!("  counted in the runs at hand: {tries} of {}; {}", failing.tries, cx.hint("history", "shows all"))
                .into(),
        );
    }
    lines.push(Line::default());
}

fn explain(lines: &mut Vec<Line>, tenant: &Tenant, failing: &Failing, width: usize, cx: &Cx<'_>) {
    let failure = &failing.failure;
    policies(lines, tenant, failing, width, cx);
    let heading = match (asking::is_theirs(tenant, failing, cx), failure.policies.len()) {
        (false, _) => "FIRST STEPS",
        (true, 0) => "WHAT THE CUSTOMER CHANGES",
        (true, _) => "WHAT THE CUSTOMER CHANGES, in each policy above",
    };
    lines.push(Line::of(Meaning::Caption, heading));
    let remedy = failure.remedy(cx.context(tenant));
    lines.extend(remedy.steps.iter().map(|step| format!("  {step}").into()));
    lines.push(Line::default());
    lines.extend(proof(tenant, failure, cx));
    let cap = match failure.cap {
        Cap::Yes => ", Conditional Access",
        Cap::Probable => ", probably Conditional Access",
        Cap::No => "",
    };
    lines.push(format!("{:<12}{}{cap}", "class", failure.class.name()).into());
    lines.push(
        format!("{:<12}{}", "evidence", cx.hint("export", "writes all this, raw answers and tries to a file")).into(),
    );
    lines.push(Line::default());
}

/// What proves the refusal to others, and who asked from where: as much in a line as goes together.
fn proof(tenant: &Tenant, failure: &Failure, cx: &Cx<'_>) -> Vec<Line> {
    let us = asking::us(tenant, cx);
    let (first, mut rest): (Vec<_>, Vec<_>) = facts::proof(failure).into_iter().partition(|(name, _)| *name == "code");
    // What the customer's sign-in log is searched by stands before what only we need.
    rest.sort_by_key(|(name, _)| ["answer", "our request"].contains(name));
    let suberror = failure.suberror.as_ref().map(|suberror| format!("suberror {suberror}"));
    let control = failure.control.as_ref().map(|control| format!("control {control}"));
    let head: Vec<String> = first.into_iter().map(|(_, code)| code).chain(suberror).chain(control).collect();
    let mut lines =
        vec![Line::of(Meaning::Caption, "PROOF").and(Meaning::Plain, format!("       {}", head.join("   ")))];
    for (name, value) in rest {
        let value = value.split("  suberror ").next().unwrap_or_default();
        let beside = if name == "when" && !us.address.is_empty() {
            format!("   our address {}", us.address)
        } else {
            String::new()
        };
        lines.push(format!("{name:<12}{value}{beside}").into());
    }
    for (name, value) in [("sign-in", &us.account), ("app", &us.app)] {
        if !value.is_empty() {
            lines.push(format!("{name:<12}{value}").into());
        }
    }
    lines
}

fn data(name: &str, set: &DataSet, cx: &Cx<'_>) -> Line {
    let noun = if name == "USERS" { "user" } else { "SKU" };
    let good = set.good.as_ref().map_or_else(
        || "never read".to_owned(),
        |good| {
            let n = if good.count == 1 { noun.to_owned() } else { format!("{noun}s") };
            let when = words::when(good.at, cx.now);
            format!("{} {n}, saved {when} ({}), run {}", words::count(good.count), cx.age(good.at), good.run)
        },
    );
    let line = Line::from(format!("{name:<12}{good}"));
    match &set.failing {
        Some(failing) => line.and(Meaning::Broken, format!("; refused since {}", words::when(failing.since, cx.now))),
        None => line,
    }
}

impl Screen for Why {
    fn id(&self) -> ScreenId {
        ScreenId::Why(self.key.clone())
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self.tenant(cx).map_or_else(|| self.key.to_string(), |tenant| tenant.title().to_owned());
        let mut path = vec!["Tenants".to_owned(), name];
        if self.tenant(cx).is_some_and(|tenant| tenant.failing().is_some()) {
            path.push("Why".to_owned());
        }
        path
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<Shown> {
        show(KEYS, |act| self.dead(act, cx))
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        find(KEYS, key).map(|act| self.act(act, cx))
    }

    fn changed(&mut self, _: &Cx<'_>) {}

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let area = page.main;
        let Some(tenant) = cx.fleet.tenants.get(&self.key) else {
            page.line(area.y + 1, &"This tenant is not known here: no customer list holds it.".into());
            return;
        };
        let width = usize::from(area.width);
        let mut lines = Vec::new();
        let asks = area.height >= ASKS_FROM;
        for line in text(tenant, width, asks, cx) {
            let plain = line.text();
            if unicode_width::UnicodeWidthStr::width(plain.as_str()) <= width {
                lines.push(line);
            } else {
                let meaning = line.0.first().map_or(Meaning::Plain, |piece| piece.meaning);
                lines.extend(words::wrap(&plain, width).into_iter().map(|part| Line::of(meaning, part)));
            }
        }
        let band = facts::band(area.height);
        let tries_at = if band > 0 { area.bottom() - band - 2 } else { area.bottom() };
        let end = tries_at - if asks { 3 } else { u16::from(band == 0) };
        self.rows = usize::from(end - area.y).max(1);
        self.top = self.top.min(lines.len().saturating_sub(self.rows));
        for (line, y) in lines.iter().skip(self.top).zip(area.y..end) {
            page.line(y, line);
        }
        let seen = (self.top + self.rows).min(lines.len());
        let said = format!("lines {} to {seen} of {}, j k scroll", self.top + 1, lines.len());
        let said = if lines.len() > self.rows { said.as_str() } else { "" };
        if asks {
            let title = if tenant.failing().is_some() { "before asking" } else { "nothing to ask" };
            page.rule(end, title);
            page.right(end, title.len() + 4, &format!(" {said}"), Meaning::Rule);
            for (line, y) in asking::before(tenant, width, cx).into_iter().zip(end + 1..tries_at) {
                page.line(y, &line.into());
            }
        } else if band == 0 && !said.is_empty() {
            page.rule(end, said);
        }
        if band > 0 {
            tries::band(page, tries_at, band, &self.key, "", cx);
        }
        if let Some(pane) = page.pane {
            let general = || facts::pane(&TenantRow::of(cx.fleet, tenant, cx.now), false, cx);
            page.fill_pane(&asking::pane(tenant, usize::from(pane.width), cx).unwrap_or_else(general));
        }
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.key.clone()]
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let Some(tenant) = self.tenant(cx) else { return Vec::new() };
        let item = |letter, what, text| CopyItem { letter, what, text };
        let mut items = vec![item('i', "tenant id", tenant.key.tenant.to_string())];
        if let Some(failing) = tenant.failing() {
            if let Some(id) = &failing.failure.correlation_id {
                items.push(item('c', "correlation id", id.to_string()));
            }
            if !failing.failure.policies.is_empty() {
                let ids: Vec<String> = failing.failure.policies.iter().map(ToString::to_string).collect();
                items.push(item('p', "policy ids", ids.join("\n")));
            }
        }
        if let Some(text) = asking::text(tenant, cx) {
            items.push(item('t', "ticket text", text));
        }
        let all: Vec<String> = text(tenant, COPIED, false, cx).iter().map(Line::text).collect();
        items.push(item('a', "all text", all.join("\n")));
        items
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let lines = evidence::lines(self.tenant(cx)?, cx);
        Some(Sheet { name: "evidence", instead: "y, then a copies the text", body: Body::Json(lines) })
    }

    fn whole(&self, cx: &Cx<'_>) -> Option<Vec<String>> {
        Some(text(self.tenant(cx)?, COPIED, false, cx).iter().map(Line::text).collect())
    }
}
