#![expect(clippy::format_push_string, reason = "a line of a screen is put together from a few short parts")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::footer;
use crate::failure::{Context, Failure};
use crate::model::{Command, Filter, Key as TenantKey, RunState, Scope, State, Tenant, TenantRow};
use crate::tui::confirm::{Confirm, Need};
use crate::tui::keys::{Bind, Key, bind, find, rows};
use crate::tui::listing::Listing;
use crate::tui::view::{Effect, Look, Room, ScreenId, View};
use crate::tui::words::{age, clock, count, day, fit, plural, right, wrap};

/// From this many tenants on the number has to be typed.
const TYPE_FROM: usize = 21;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Open,
    Filter,
    Problems,
    Rerun,
    Why,
    Licenses,
    Runs,
    Review,
    Mark,
    MarkAll,
    Clear,
    Sort(usize),
    Reverse,
    Incident,
}

pub(super) const KEYS: &[Bind<Act>] = &[
    bind(Key::Enter, Act::Open, "open", "open: why it fails, or its licenses"),
    bind(Key::Char('/'), Act::Filter, "filter", "filter: text !text status: acts: partner: class: code: policy: id:"),
    bind(Key::Char('u'), Act::Problems, "all/problems", "only problems, or all"),
    bind(Key::Char('r'), Act::Rerun, "re-run", "run the import again: of the marked, else of this one (asks)"),
    bind(Key::Char('e'), Act::Why, "why", "explain: why it fails and what to do"),
    bind(Key::Char('l'), Act::Licenses, "licenses", "its license counts"),
    bind(Key::Char('R'), Act::Runs, "runs", "import runs"),
    bind(Key::Char('v'), Act::Review, "", "decide over an import that is held back (asks)"),
    bind(Key::Char(' '), Act::Mark, "mark", "mark or unmark"),
    bind(Key::Char('*'), Act::MarkAll, "", "mark all that are shown, or none"),
    bind(Key::Char('\\'), Act::Clear, "", "clear filter and marks"),
    bind(Key::Char('0'), Act::Sort(0), "", "sort by oldest good data"),
    bind(Key::Char('1'), Act::Sort(1), "", "sort by status"),
    bind(Key::Char('2'), Act::Sort(2), "", "sort by tenant"),
    bind(Key::Char('3'), Act::Sort(3), "", "sort by age of the users"),
    bind(Key::Char('4'), Act::Sort(4), "", "sort by age of the SKUs"),
    bind(Key::Char('5'), Act::Sort(5), "", "sort by the last try"),
    bind(Key::Char('6'), Act::Sort(6), "", "sort by who acts"),
    bind(Key::Char('7'), Act::Sort(7), "", "sort by cause"),
    bind(Key::Char('S'), Act::Reverse, "", "turn the order round"),
    bind(Key::Char('i'), Act::Incident, "", "filter to the incident of row 3"),
];

const SORTS: [&str; 8] = ["oldest good data", "status", "tenant", "users", "SKUs", "tried", "who acts", "cause"];

/// Every tenant with its last import.
pub(in crate::tui) struct Tenants {
    pub(super) list: Listing<TenantKey>,
    pub(super) filter: String,
    parsed: Filter,
    problems: bool,
    /// Made once problems or all were chosen by hand.
    chosen: bool,
}

impl Default for Tenants {
    fn default() -> Self {
        Self {
            list: Listing::default(),
            filter: String::new(),
            parsed: Filter::default(),
            problems: true,
            chosen: false,
        }
    }
}

impl Tenants {
    pub(super) fn press(&mut self, key: Key, look: Look<'_>) -> Effect {
        let Some(act) = find(KEYS, key) else { return Effect::Unbound };
        let current = self.list.current().and_then(|key| look.fleet.tenants.get(key));
        match act {
            Act::Open => match current {
                Some(tenant) if tenant.failing().is_some() => return Effect::Open(ScreenId::Why(tenant.key.clone())),
                Some(tenant) if tenant.active.is_some() => {
                    return tenant
                        .active
                        .as_ref()
                        .map_or(Effect::Nothing, |active| Effect::Open(ScreenId::Run(active.run)));
                }
                Some(tenant) => return Effect::Open(ScreenId::Licenses(tenant.key.clone())),
                None => {}
            },
            Act::Filter => return Effect::Filter,
            Act::Problems => {
                self.problems = !self.problems;
                self.chosen = true;
                self.list.stale();
                self.follow(look);
            }
            Act::Rerun => return self.rerun(look),
            Act::Why => {
                return match current {
                    Some(tenant) if tenant.failing().is_some() => Effect::Open(ScreenId::Why(tenant.key.clone())),
                    Some(tenant) => Effect::Say(format!("nothing refuses {}", tenant.title())),
                    None => Effect::Nothing,
                };
            }
            Act::Licenses => {
                if let Some(tenant) = current {
                    return Effect::Open(ScreenId::Licenses(tenant.key.clone()));
                }
            }
            Act::Runs => return Effect::Open(ScreenId::Runs),
            Act::Review => return review(current),
            Act::Mark => self.list.mark(),
            Act::MarkAll => self.list.mark_all(),
            Act::Clear => {
                self.list.marks.clear();
                // An empty filter can always be used.
                let _ = self.set_filter("", look);
            }
            Act::Sort(column) => {
                self.list.sort_by(column);
                self.follow(look);
            }
            Act::Reverse => {
                self.list.reverse = !self.list.reverse;
                self.list.stale();
                self.follow(look);
            }
            Act::Incident => {
                return match incident(look) {
                    Some((_, filter)) => match self.set_filter(&filter, look) {
                        Ok(()) => Effect::Say(format!("filter: {filter}   \\ clears it")),
                        Err(why) => Effect::Say(why),
                    },
                    None => Effect::Say("no incident: no refusal is shared by most customers of a partner".to_owned()),
                };
            }
        }
        Effect::Nothing
    }

    fn rerun(&self, look: Look<'_>) -> Effect {
        let shown: BTreeSet<&TenantKey> = self.list.rows().iter().collect();
        let marked: Vec<TenantKey> = self.list.marks.iter().filter(|key| shown.contains(key)).cloned().collect();
        let keys = if marked.is_empty() { self.list.current().cloned().into_iter().collect() } else { marked };
        let command = Command::Import { scope: Scope::Tenants(keys.clone()), list: false, reason: None };
        let title = |key: &TenantKey| look.fleet.tenants.get(key).map_or_else(String::new, |t| t.title().to_owned());
        let harmless = "It reads users and SKUs; it changes nothing at the customer.";
        match keys.as_slice() {
            [] => Effect::Say("no tenant to re-run".to_owned()),
            [key] => {
                let question = format!("Re-run {} now? {harmless}", title(key));
                Effect::Ask(Box::new(Confirm::new(question, Vec::new(), Need::Yes, Some(command))))
            }
            keys if keys.len() < TYPE_FROM => {
                let question = format!("Re-run these {} tenants now? {harmless}", keys.len());
                let names = keys.iter().map(title).collect();
                Effect::Ask(Box::new(Confirm::new(question, names, Need::Yes, Some(command))))
            }
            keys => {
                let question = format!("Re-run {} tenants now? Type their number. {harmless}", keys.len());
                let need = Need::Type(vec![(keys.len().to_string(), command)]);
                Effect::Ask(Box::new(Confirm::new(question, Vec::new(), need, None)))
            }
        }
    }

    pub(super) fn set_filter(&mut self, text: &str, look: Look<'_>) -> Result<(), String> {
        text.clone_into(&mut self.filter);
        self.parsed = Filter::parse::<TenantRow<'_>>(text).map_err(|error| error.to_string())?;
        self.list.stale();
        self.follow(look);
        Ok(())
    }

    pub(super) fn follow(&mut self, look: Look<'_>) {
        let belongs = |problems: bool| -> Vec<(TenantKey, TenantRow<'_>)> {
            let all = look.fleet.tenants.values().filter(|tenant| tenant.gone_at.is_none());
            all.map(|tenant| (tenant.key.clone(), TenantRow::of(look.fleet, tenant, look.now)))
                .filter(|(_, row)| {
                    (!problems || row.is_problem() || row.tenant.active.is_some()) && self.parsed.matches(row)
                })
                .collect()
        };
        let mut rows = belongs(self.problems);
        if self.list.is_stale() || self.list.len() == 0 {
            if self.problems
                && !self.chosen
                && rows.is_empty()
                && self.filter.is_empty()
                && !look.fleet.tenants.is_empty()
            {
                self.problems = false;
                rows = belongs(false);
            }
            rows.sort_by_cached_key(|(key, row)| {
                (sort_key(self.list.sort, row), row.tenant.title().to_lowercase(), key.clone())
            });
            if self.list.reverse {
                rows.reverse();
            }
            self.list.set(rows.into_iter().map(|(key, _)| key).collect());
        } else {
            let belonging = rows.into_iter().map(|(key, _)| key).collect();
            self.list.follow(|key| look.fleet.tenants.get(key).is_some_and(|t| t.gone_at.is_none()), &belonging);
        }
    }

    pub(super) fn view(&mut self, look: Look<'_>, room: Room) -> View {
        if self.list.is_stale() {
            self.follow(look);
        }
        let columns = Columns::of(room.width);
        let (keys, cursor) = self.list.window(room.rows);
        let mut lines: Vec<Line<'static>> = keys
            .iter()
            .filter_map(|key| look.fleet.tenants.get(key))
            .map(|tenant| {
                let row = TenantRow::of(look.fleet, tenant, look.now);
                columns.line(&row, self.list.marks.contains(&tenant.key), look)
            })
            .collect();
        if lines.is_empty() {
            lines = self.empty(look).into_iter().map(Line::raw).collect();
        }
        let current = self.list.current().and_then(|key| look.fleet.tenants.get(key));
        let row = current.map(|tenant| TenantRow::of(look.fleet, tenant, look.now));
        View {
            path: "Tenants".to_owned(),
            top: vec![sums(look, room.width), second(look), self.standing(look, room.width)],
            header: Some(Line::raw(columns.titles())),
            rows: lines,
            cursor,
            rule: current.map(|tenant| tenant.title().to_owned()).unwrap_or_default(),
            detail: row.as_ref().map(|row| detail(row, look, room.width)).unwrap_or_default(),
            pane: row.as_ref().map(|row| pane(row, look)).unwrap_or_default(),
            footer: footer(KEYS),
        }
    }

    /// What is shown of all, the sort, the filter, the marks.
    fn standing(&self, look: Look<'_>, width: usize) -> Line<'static> {
        let all = look.fleet.tenants.values().filter(|tenant| tenant.gone_at.is_none()).count();
        let show = if self.problems { "problems" } else { "all" };
        let mut left = format!("show: {show}, {} of {}", self.list.len(), count(all));
        if !self.filter.is_empty() {
            left.push_str(&format!("   filter: {}", self.filter));
        }
        if self.list.new > 0 {
            left.push_str(&format!("   {} new, Ctrl-R", self.list.new));
        }
        let turned = if self.list.reverse { " reversed" } else { "" };
        let sort = SORTS.get(self.list.sort).copied().unwrap_or_default();
        let end = format!("sort: {sort}{turned}   marked {}", self.list.marks.len());
        let space = width.saturating_sub(end.width());
        Line::raw(format!("{}{end}", fit(&left, space)))
    }

    /// Which of the three cases of an empty list holds.
    fn empty(&self, look: Look<'_>) -> Vec<String> {
        let all = look.fleet.tenants.len();
        if all == 0 {
            let listed = look.fleet.partners.values().filter_map(|partner| partner.listed_at).max();
            let last = listed.map_or_else(|| "never".to_owned(), day);
            return vec![format!("No tenant yet.  Last list from Partner Center: {last}.   Next: tenantop sync")];
        }
        if !self.filter.is_empty() {
            return vec![format!(
                "No tenant matches \"{}\".  {} hidden by the filter.   \\ clears it",
                self.filter,
                count(all)
            )];
        }
        let oldest = look.fleet.tenants.values().filter_map(Tenant::good_at).min();
        vec![format!(
            "No problem.  {} of {} fine, oldest data {}.   u shows all",
            count(all),
            count(all),
            age(oldest, look.now)
        )]
    }

    pub(super) fn row_text(&self, look: Look<'_>) -> Option<String> {
        let tenant = look.fleet.tenants.get(self.list.current()?)?;
        let row = TenantRow::of(look.fleet, tenant, look.now);
        let owner = row.owner.map_or("", crate::failure::Owner::word);
        Some(format!("{} {} {} {owner} {}", row.state.word(), tenant.title(), tenant.key.tenant, row.cause))
    }

    pub(super) fn help(&self, look: Look<'_>) -> Vec<(String, String)> {
        let current = self.list.current().and_then(|key| look.fleet.tenants.get(key));
        let dead = |key: &str| -> Option<&'static str> {
            let tenant = current?;
            match key {
                "e" if tenant.failing().is_none() => Some("nothing refuses this tenant"),
                "v" if tenant.held_back.is_none() => Some("nothing is held back here"),
                _ => None,
            }
        };
        rows(KEYS)
            .into_iter()
            .map(|(key, help)| {
                let help = dead(&key).map_or_else(|| help.to_owned(), |why| format!("{help}   (off: {why})"));
                (key, help)
            })
            .collect()
    }
}

fn review(tenant: Option<&Tenant>) -> Effect {
    let Some((tenant, held)) = tenant.and_then(|tenant| tenant.held_back.as_ref().map(|held| (tenant, held))) else {
        return Effect::Say("nothing is held back here".to_owned());
    };
    let word = |accept: bool| Command::Review { tenant: tenant.key.clone(), accept };
    let question = format!(
        "Held back at {} for {}: {}. Type accept to take it as the good data, or discard to throw it away. Old data stand until then.",
        day(held.at),
        tenant.title(),
        held.why
    );
    let need = Need::Type(vec![("accept".to_owned(), word(true)), ("discard".to_owned(), word(false))]);
    Effect::Ask(Box::new(Confirm::new(question, Vec::new(), need, None)))
}

/// What a row is sorted by: a number, then a text.
fn sort_key(column: usize, row: &TenantRow<'_>) -> (i64, String) {
    let at = |at: Option<Timestamp>| at.map_or(i64::MIN, Timestamp::as_second);
    let good = |set: &crate::model::DataSet| at(set.good.as_ref().map(|good| good.at));
    match column {
        1 => (row.state as i64, String::new()),
        2 => (0, String::new()),
        3 => (good(&row.tenant.users), String::new()),
        4 => (good(&row.tenant.skus), String::new()),
        5 => (at(row.tenant.tried_at), String::new()),
        6 => (0, row.owner.map_or("~", crate::failure::Owner::word).to_owned()),
        7 => (0, if row.cause.is_empty() { "~".to_owned() } else { row.cause.to_string() }),
        _ => (at(row.tenant.good_at()), String::new()),
    }
}

/// Sums by state: all, the good ones, then the most frequent; what does not fit is summed up as other.
fn sums(look: Look<'_>, width: usize) -> Line<'static> {
    let mut by: BTreeMap<State, u64> = BTreeMap::new();
    let mut all = 0;
    for tenant in look.fleet.tenants.values().filter(|tenant| tenant.gone_at.is_none()) {
        *by.entry(look.fleet.state(tenant, look.now)).or_default() += 1;
        all += 1;
    }
    let mut order: Vec<(State, u64)> = by.into_iter().collect();
    order.sort_by_key(|(state, n)| (*state != State::Ok, !state.is_problem(), std::cmp::Reverse(*n)));
    let mut spans = vec![Span::raw(plural(all, "tenant"))];
    let mut used = spans[0].width();
    let mut other = 0;
    for (state, n) in order {
        let text = format!("{} {}", count(n), state.name());
        if other > 0 || used + text.len() + 2 + 10 > width {
            other += n;
            continue;
        }
        let style = if state.is_problem() { look.theme.state(state) } else { ratatui::style::Style::new() };
        used += text.len() + 2;
        spans.push(Span::raw("  "));
        spans.push(Span::styled(text, style));
    }
    if other > 0 {
        spans.push(Span::raw(format!("  {} other", count(other))));
    }
    Line::from(spans)
}

/// The refusal that most customers of a partner share, and the filter that shows them.
fn incident(look: Look<'_>) -> Option<(String, String)> {
    let mut shared: BTreeMap<(String, crate::failure::Class), (u64, Timestamp, Timestamp)> = BTreeMap::new();
    for tenant in look.fleet.tenants.values().filter(|tenant| tenant.gone_at.is_none()) {
        let (Some(failing), Some(_)) = (&tenant.users.failing, &tenant.skus.failing) else { continue };
        let class = failing.failure.class;
        if look.fleet.is_wide(&tenant.key.partner, class) {
            let entry =
                shared.entry((tenant.key.partner.to_string(), class)).or_insert((0, failing.since, failing.since));
            *entry = (entry.0 + 1, entry.1.min(failing.since), entry.2.max(failing.since));
        }
    }
    let ((partner, class), (n, from, to)) = shared.into_iter().max_by_key(|(_, (n, ..))| *n)?;
    let span = if clock(from) == clock(to) { clock(from) } else { format!("{}-{}", from.strftime("%H:%M"), clock(to)) };
    let said = format!("! {n} of {partner} fail since {span}, all {}: OUR account, not theirs. (i)", class.short());
    Some((said, format!("partner:{partner} class:{}", class.name())))
}

/// Row 3: a partner that is refused, an incident, or a run that goes on.
fn second(look: Look<'_>) -> Line<'static> {
    let refused =
        look.fleet.partners.values().find_map(|partner| partner.failing.as_ref().map(|failing| (partner, failing)));
    if let Some((partner, failing)) = refused {
        let since = age(Some(failing.since), look.now);
        let said = format!(
            "! partner {}: {} [{}] since {since}. US.",
            partner.name,
            failing.failure.class.meaning(),
            failing.failure.cause()
        );
        return Line::styled(said, look.theme.alert());
    }
    if let Some((said, _)) = incident(look) {
        return Line::styled(said, look.theme.alert());
    }
    let running: Vec<String> = look
        .fleet
        .running()
        .map(|run| {
            let (queued, running) = run.open();
            format!(
                "run {} by {}: {} of {} done, {running} running, {queued} queued",
                run.id,
                run.by,
                run.ok + run.failed,
                run.tenants
            )
        })
        .collect();
    if !running.is_empty() {
        return Line::raw(format!("> {}   R shows it", running.join("; ")));
    }
    match look.fleet.runs.values().rev().find(|run| run.state != RunState::Running) {
        Some(run) => Line::raw(format!(
            "last run {} by {}, {} ago: {} of {} saved",
            run.id,
            run.by,
            age(run.ended_at, look.now),
            run.ok,
            plural(run.tenants, "tenant")
        )),
        None => Line::default(),
    }
}

/// Which columns fit: dropped in a written order, never squeezed.
#[derive(Debug, Clone, Copy)]
struct Columns {
    name: usize,
    skus: bool,
    owner: bool,
    cause: usize,
}

impl Columns {
    fn of(width: usize) -> Self {
        // Sign, status, blanks; users and tried; then SKUs, who acts, cause.
        let fixed = 2 + 10 + 7 + 6;
        let mut columns = Self { name: 0, skus: true, owner: true, cause: 16 };
        let taken = |c: Self| fixed + usize::from(c.skus) * 6 + usize::from(c.owner) * 10 + c.cause + 1;
        if width < taken(columns) + 20 {
            columns.cause = 6;
        }
        if width < taken(columns) + 20 {
            columns.owner = false;
        }
        if width < taken(columns) + 20 {
            columns.skus = false;
        }
        columns.name = width.saturating_sub(taken(columns) + 1).max(8);
        columns
    }

    fn titles(self) -> String {
        let mut line = format!("  {:<10} {} {:>6}", "STATUS", fit("TENANT", self.name - 1), "USERS");
        if self.skus {
            line.push_str(&format!("{:>6}", "SKUS"));
        }
        line.push_str(&format!("{:>6} ", "TRIED"));
        if self.owner {
            line.push_str(&format!("{:<10}", "WHO ACTS"));
        }
        line.push_str("CAUSE");
        line
    }

    fn line(self, row: &TenantRow<'_>, marked: bool, look: Look<'_>) -> Line<'static> {
        let tenant = row.tenant;
        let good = |set: &crate::model::DataSet| age(set.good.as_ref().map(|good| good.at), look.now);
        let mut rest = format!(" {} {:>6}", fit(tenant.title(), self.name - 1), good(&tenant.users));
        if self.skus {
            rest.push_str(&right(&good(&tenant.skus), 6));
        }
        rest.push_str(&format!("{} ", right(&age(tenant.tried_at, look.now), 6)));
        if self.owner {
            rest.push_str(&fit(row.owner.map_or("", crate::failure::Owner::word), 10));
        }
        rest.push_str(fit(&row.cause, self.cause).trim_end());
        Line::from(vec![
            Span::raw(if marked { " *" } else { "  " }),
            Span::styled(format!("{} {:<8}", row.state.sign(), row.state.word()), look.theme.state(row.state)),
            Span::raw(rest),
        ])
    }
}

fn context<'a>(tenant: &'a Tenant, failure: &Failure, look: Look<'_>) -> Context<'a> {
    Context {
        customer: tenant.title(),
        partner_tenant: look.options.partner_tenants.get(&tenant.key.partner).map(|id| id.0),
        wide: look.fleet.is_wide(&tenant.key.partner, failure.class),
    }
}

/// Whose turn it is and what to do, for a tenant and its refusal.
pub(super) fn remedy(tenant: &Tenant, failure: &Failure, look: Look<'_>) -> crate::failure::Remedy {
    failure.remedy(context(tenant, failure, look))
}

fn sentences(row: &TenantRow<'_>, look: Look<'_>) -> Vec<String> {
    let tenant = row.tenant;
    let mut said = Vec::new();
    if let Some(failing) = tenant.failing() {
        let remedy = remedy(tenant, &failing.failure, look);
        said.push(format!(
            "{}. Since {} ({}), {}.",
            remedy.summary.trim_end_matches('.'),
            day(failing.since),
            age(Some(failing.since), look.now),
            if failing.tries == 1 { "1 try".to_owned() } else { format!("{} tries", failing.tries) }
        ));
        said.push(format!("Who acts: {}", remedy.who));
    }
    if let Some(held) = &tenant.held_back {
        said.push(format!("Held back {}: {}. Old data stand. v decides.", day(held.at), held.why));
    }
    if let Some(pause) = tenant.pause.as_ref().filter(|_| row.state == State::Paused) {
        said.push(format!("Paused by {} until {}: \"{}\".", pause.by, pause.until.strftime("%d %b"), pause.reason));
    }
    if let Some(active) = &tenant.active {
        said.push(format!("In run {}: {}.", active.run, super::run::step_words(active.step.as_ref())));
    }
    if row.state == State::Never {
        said.push(format!("Listed since {}; no import has succeeded yet.   r runs it", day(tenant.listed_at)));
    }
    if row.state == State::Stale {
        said.push("No refusal known, but the last run left it out.   r runs it".to_owned());
    }
    let users = tenant.users.good.as_ref().map(|good| format!("{} users of {}", count(good.count), day(good.at)));
    let skus = tenant.skus.good.as_ref().map(|good| format!("{} SKUs of {}", count(good.count), day(good.at)));
    let good: Vec<String> = users.into_iter().chain(skus).collect();
    if !good.is_empty() {
        said.push(format!("Good data: {}.", good.join(", ")));
    }
    said
}

fn detail(row: &TenantRow<'_>, look: Look<'_>, width: usize) -> Vec<Line<'static>> {
    sentences(row, look).iter().flat_map(|sentence| wrap(sentence, width)).map(Line::raw).collect()
}

fn pane(row: &TenantRow<'_>, look: Look<'_>) -> Vec<Line<'static>> {
    const WIDTH: usize = 39;
    let tenant = row.tenant;
    let mut lines = vec![
        Line::styled(fit(tenant.title(), WIDTH), look.theme.title()),
        Line::raw(fit(&tenant.domain, WIDTH)),
        Line::raw(tenant.key.tenant.to_string()),
        Line::default(),
        Line::from(vec![
            Span::styled(format!("{} {}", row.state.sign(), row.state.word()), look.theme.state(row.state)),
            Span::raw(row.since.map_or_else(String::new, |since| format!("   since {}", day(since)))),
        ]),
        Line::raw(format!("partner       {}", tenant.key.partner)),
    ];
    if let Some(failing) = tenant.failing() {
        let failure = &failing.failure;
        lines.push(Line::raw(format!("class         {}", failure.class.name())));
        if let Some(code) = failure.codes.first() {
            lines.push(Line::raw(format!("code          {code}")));
        }
        lines.push(Line::raw(format!("tries         {}", failing.tries)));
        if !failure.policies.is_empty() {
            lines.push(Line::raw(format!("policies      {} ids  (e shows them)", failure.policies.len())));
        }
    }
    let set = |name: &str, set: &crate::model::DataSet| {
        set.good.as_ref().map_or_else(
            || format!("{name:<14}never read"),
            |good| {
                format!(
                    "{name:<14}{} of {} ({})",
                    count(good.count),
                    good.at.strftime("%d %b"),
                    age(Some(good.at), look.now)
                )
            },
        )
    };
    lines.push(Line::default());
    lines.push(Line::raw(set("USERS", &tenant.users)));
    lines.push(Line::raw(set("SKUS", &tenant.skus)));
    if let Some(at) = tenant.tried_at {
        lines.push(Line::raw(format!("last try      {}", day(at))));
    }
    if let Some(failing) = tenant.failing() {
        lines.push(Line::default());
        lines.push(Line::styled("FIRST STEPS", look.theme.title()));
        let steps = remedy(tenant, &failing.failure, look).steps.join(" ");
        lines.extend(wrap(&steps, WIDTH).into_iter().map(Line::raw));
    }
    lines
}
