//! History: every try of a tenant, what came of it, and which policies the answers named.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::probe::probe;
use super::run::took;
use super::tries::{self, ANSWER, BY, KIND, LAYOUT, Named, POLICIES, RUN, TIME, WHEN};
use super::{Cx, Effect, Screen, ScreenId, asking, facts, kind_words, rerun, words};
use crate::model::{
    Filter, FilterError, Filterable, Found, JobState, Key as TenantKey, Look, RunId, Seen, Tenant, TenantRow, Term,
    Text, TriesSeen, Try,
};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Listing, Move, Pressed};
use crate::tui::page::{Line, Page};
use crate::tui::screens::CopyItem;
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Why,
    Probe,
    Rerun,
    Licenses,
    Users,
    Diff,
    Ticket,
    Note,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "its run", "open the run of the try; never a yes"),
    bind(&[Key::Char('e')], Act::Why, "why", "why", "explain: why the tenant stands as it does"),
    bind(&[Key::Char('p')], Act::Probe, "probe", "probe", "probe: sign in to the tenant, read nothing"),
    bind(&[Key::Char('r')], Act::Rerun, "re-run", "re-run", "run the import of the tenant again (asks)"),
    bind(&[Key::Char('l')], Act::Licenses, "licenses", "licenses", "licenses of the tenant"),
    bind(&[Key::Char('U')], Act::Users, "users", "users", "users of the tenant"),
    bind(&[Key::Char('d')], Act::Diff, "diff", "", "difference to the import before: users, licenses, SKUs"),
    bind(&[Key::Char('t')], Act::Ticket, "ticket", "ticket", "the text for the customer, or why there is none"),
    bind(&[Key::Char('n')], Act::Note, "note", "", "record that the text was sent: number and note of the ticket"),
];

/// A try as the list filters it.
struct Row<'a> {
    one: &'a Try,
    answer: String,
}

impl Filterable for Row<'_> {
    const FIELDS: &'static [&'static str] =
        &["answer", "by", "kind", "run", "policy", "state", "class", "code", "reason"];

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let policies = tries::refusal(&self.one.job).map_or(&[][..], |(_, failure)| &failure.policies);
        let texts: [Cow<'_, str>; 5] = [
            self.answer.as_str().into(),
            self.one.by.as_str().into(),
            kind_words(self.one.kind).into(),
            self.one.run.to_string().into(),
            self.one.reason.as_deref().unwrap_or("").into(),
        ];
        texts.into_iter().chain(policies.iter().map(|id| id.to_string().into()))
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        let failure = tries::refusal(&self.one.job).map(|(_, failure)| failure);
        match name {
            "answer" => Some(self.answer.as_str().into()),
            "by" => Some(self.one.by.as_str().into()),
            "kind" => Some(kind_words(self.one.kind).into()),
            "run" => Some(self.one.run.to_string().into()),
            "policy" => failure?.policies.first().map(|id| id.to_string().into()),
            "state" => Some(super::run::state_word(self.one.job.state).to_lowercase().into()),
            "class" => Some(failure?.class.name().into()),
            "code" => failure?.codes.first().map(|code| code.to_string().into()),
            "reason" => self.one.reason.as_deref().map(Into::into),
            _ => None,
        }
    }

    fn is_hit(&self, field: &str, term: &Term) -> bool {
        match tries::refusal(&self.one.job) {
            Some((_, failure)) if field == "policy" && !failure.policies.is_empty() => {
                failure.policies.iter().any(|id| term.hits(Some(&id.to_string())))
            }
            Some(_) | None => term.hits(self.field(field).as_deref()),
        }
    }
}

/// The tries of a tenant.
#[derive(Debug)]
pub(crate) struct History {
    of: TenantKey,
    list: Listing<RunId>,
    filter: Filter,
    /// How often something changed that the store must be asked about.
    round: u64,
    /// The newest try at hand, and whether it is over: as the store was asked about it.
    newest: Option<(RunId, bool)>,
    /// What the store told last.
    told: Option<TriesSeen>,
    /// When the store was first asked.
    asked_at: Option<Timestamp>,
    failed: Option<Text>,
    /// What the store told, and over it what the fleet holds, which is newer.
    tries: BTreeMap<RunId, Try>,
    policies: Vec<Named>,
}

impl History {
    /// The tries of a tenant, newest first.
    pub(crate) fn new(tenant: TenantKey) -> Self {
        Self {
            of: tenant,
            list: Listing::new(&LAYOUT, false),
            filter: Filter::default(),
            round: 0,
            newest: None,
            told: None,
            asked_at: None,
            failed: None,
            tries: BTreeMap::new(),
            policies: Vec::new(),
        }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.of)
    }

    fn one(&self) -> Option<&Try> {
        self.tries.get(self.list.cursor()?)
    }

    /// Lays what the fleet holds over what the store told. A try that began or ended is a reason to ask again: the
    /// fleet forgets it when newer runs come.
    fn merge(&mut self, cx: &Cx<'_>) {
        self.asked_at.get_or_insert(cx.now);
        let at_hand = tries::at_hand(cx.fleet, &self.of);
        let newest = at_hand.values().next_back().map(|one| (one.run, one.job.state.is_over()));
        if newest.is_some() && newest != self.newest {
            self.round += 1;
            self.newest = newest;
        }
        let told = self.told.iter().flat_map(|told| told.tries.iter().map(|one| (one.run, one.clone())));
        self.tries = told.chain(at_hand).collect();
        self.policies = tries::policies(self.tries.values());
    }

    fn order(&self, cx: &Cx<'_>) -> Vec<RunId> {
        let mut rows: Vec<Row<'_>> = self
            .tries
            .values()
            .map(|one| Row { one, answer: tries::answer(one, cx) })
            .filter(|row| self.filter.matches(row))
            .collect();
        let sort = self.list.sort();
        let newest = |row: &Row<'_>| Reverse((row.one.at(), row.one.run));
        rows.sort_by(|a, b| compare(a, b, sort, &self.policies).then_with(|| newest(a).cmp(&newest(b))));
        if self.list.is_reversed() {
            rows.reverse();
        }
        rows.into_iter().map(|row| row.one.run).collect()
    }

    fn replace(&mut self, cx: &Cx<'_>) {
        self.list.replace(self.order(cx), self.tries.len());
    }

    fn dead(&self, act: Act, cx: &Cx<'_>) -> Option<String> {
        match act {
            Act::Open => self.one().is_none().then(|| "no try is under the cursor".to_owned()),
            Act::Ticket | Act::Note if let Some(tenant) = self.tenant(cx) => {
                if act == Act::Ticket {
                    asking::dead(tenant)
                } else {
                    asking::no_note(tenant, cx)
                }
            }
            Act::Why | Act::Probe | Act::Rerun | Act::Licenses | Act::Users | Act::Diff | Act::Ticket | Act::Note => {
                self.tenant(cx).is_none().then(|| "the tenant is not known".to_owned())
            }
        }
    }

    fn act(&self, act: Act, cx: &Cx<'_>) -> Effect {
        if let Some(why) = self.dead(act, cx) {
            return Effect::Say(why);
        }
        let key = self.of.clone();
        match act {
            Act::Open => self.one().map_or(Effect::Nothing, |one| Effect::Open(ScreenId::Run(one.run))),
            Act::Why => Effect::Open(ScreenId::Why(key)),
            Act::Probe => probe(vec![key]),
            Act::Rerun => rerun(vec![key], cx),
            Act::Licenses => Effect::Open(ScreenId::Licenses(key)),
            Act::Users => Effect::Open(ScreenId::Users(key)),
            Act::Diff => Effect::Open(ScreenId::Diff(key)),
            Act::Ticket => self.tenant(cx).map_or(Effect::Nothing, |tenant| asking::open(tenant, cx)),
            Act::Note => self.tenant(cx).map_or(Effect::Nothing, |tenant| asking::note(tenant, cx)),
        }
    }

    /// What all tries come to, or why older ones are missing.
    fn draw_answer(&self, page: &mut Page<'_>, y: u16, cx: &Cx<'_>) {
        if let Some(why) = &self.failed {
            let again = cx.hint("fresh", "tries again");
            page.line(y, &Line::of(Meaning::Broken, format!("Older tries cannot be read: {why}.   {again}")));
            return;
        }
        page.line(y, &summary(&self.tries, usize::from(page.main.width), cx).into());
    }

    /// Which tries the list holds, as far as that is not all there ever were.
    fn held(&self, tenant: &Tenant, cx: &Cx<'_>) -> String {
        match &self.told {
            None => {
                let waits = cx.waiting(self.asked_at.unwrap_or(cx.now), ", reading older ones");
                format!("at hand{waits}")
            }
            Some(told) if told.more => format!("newest {} runs", words::count(TriesSeen::MOST_RUNS as u64)),
            Some(told) if told.forgotten && told.since.is_none_or(|since| tenant.listed_at < since) => {
                "all that are kept".to_owned()
            }
            Some(_) => "all".to_owned(),
        }
    }

    fn draw_empty(&self, page: &mut Page<'_>, y: u16, tenant: &Tenant, cx: &Cx<'_>) {
        let all = self.tries.len() as u64;
        let (said, key) = if all > 0 {
            let hidden = words::count(all);
            (
                format!("No try matches \"{}\".  {hidden} hidden by the filter.", self.list.filter()),
                cx.hint("clear", "clears it"),
            )
        } else if let Some(why) = &self.failed {
            (format!("The tries cannot be shown: {why}."), cx.hint("fresh", "tries again"))
        } else {
            match (&self.told, tenant.tried_at) {
                (None, _) => {
                    (cx.waiting(self.asked_at.unwrap_or(cx.now), "Reading the tries from the store"), String::new())
                }
                (Some(_), None) => {
                    ("Never tried: no run had this tenant yet.".to_owned(), cx.hint("re-run", "runs it"))
                }
                (Some(told), Some(at)) if told.more => {
                    let (when, most) = (words::when(at, cx.now), words::count(TriesSeen::MOST_RUNS as u64));
                    (format!("Last tried {when}: not in the newest {most} runs."), cx.hint("re-run", "runs it"))
                }
                (Some(_), Some(at)) => {
                    let when = words::when(at, cx.now);
                    (format!("Last tried {when}: tries of then are no longer kept."), cx.hint("re-run", "runs it"))
                }
            }
        };
        Listing::<RunId>::draw_empty(page, y, &said, &key);
    }

    /// The steps of the try under the cursor, the newest lines.
    fn draw_strip(&self, page: &mut Page<'_>, top: u16, bottom: u16, cx: &Cx<'_>) {
        let Some(one) = self.one() else {
            page.rule(top, "");
            return;
        };
        let reason = one.reason.as_ref().map_or_else(String::new, |reason| format!(", reason \"{reason}\""));
        page.rule(top, &format!("run {}: {}, by {}{reason}", one.run, kind_words(one.kind), one.by));
        let lines = log(one, cx);
        let room = usize::from(bottom.saturating_sub(top + 1));
        let skip = lines.len().saturating_sub(room);
        for (line, y) in lines.iter().skip(skip).zip(top + 1..bottom) {
            page.line(y, line);
        }
    }

    /// The try under the cursor in full, then what all tries say.
    fn pane(&self, tenant: &Tenant, cx: &Cx<'_>) -> Vec<Line> {
        let pair = |name: &str, value: String| Line::from(format!("{name:<11} {value}"));
        let caption = |text: &str| Line::of(Meaning::Caption, text);
        let mut lines = vec![Line::of(Meaning::Caption, tenant.title())];
        let row = TenantRow::of(cx.fleet, tenant, cx.now);
        let since = row.since.map_or_else(String::new, |at| format!("  since {}", words::when(at, cx.now)));
        lines.push(
            Line::of(row.state.into(), format!("{} {}", row.state.sign(), row.state.word())).and(Meaning::Plain, since),
        );
        for (name, set) in [("USERS", &tenant.users), ("SKUS", &tenant.skus)] {
            lines.push(pair(name, facts::good(set, cx)));
        }
        if let Some(one) = self.one() {
            let totals = one.job.totals;
            lines.push(Line::default());
            lines.push(Line::of(Meaning::Caption, format!("TRY IN RUN {}", one.run)));
            lines.push(pair("when", words::exact(one.at())));
            lines.push(pair("requests", words::count(totals.requests)));
            lines.push(pair("repeats", words::count(totals.retries)));
            lines.push(pair("waited", words::long_span(i64::try_from(totals.waits_ms / 1_000).unwrap_or(0))));
            lines.push(pair("read", words::bytes(totals.bytes)));
        }
        let causes = tries::causes(self.tries.values());
        if !causes.is_empty() {
            lines.push(Line::default());
            lines.push(caption("CAUSES"));
            lines.extend(
                causes.into_iter().take(6).map(|(cause, n)| format!("{cause:<19} {}", words::of(n, "try")).into()),
            );
        }
        if !self.policies.is_empty() {
            lines.push(Line::default());
            lines.push(caption("POLICIES THAT ANSWERS NAMED"));
            for (named, n) in self.policies.iter().zip(1_u32..) {
                let (first, last) = (words::day(named.first, cx.now), words::when(named.last, cx.now));
                let here = self.one().is_some_and(|one| tries::numbers(one, std::slice::from_ref(named)) == "1");
                let meaning = if here { Meaning::Key } else { Meaning::Plain };
                lines.push(Line::of(meaning, format!("{n} {}", named.id)));
                lines.push(format!("  {first} to {last}, {}", words::of(named.tries, "try")).into());
            }
        }
        lines
    }
}

/// The steps of a try; where there are none, why.
fn log(one: &Try, cx: &Cx<'_>) -> Vec<Line> {
    let mut lines: Vec<Line> = one.job.log.iter().map(|entry| facts::logged(entry, cx)).collect();
    if let (JobState::Cancelled, None, Some(failure)) = (one.job.state, one.job.started_at, &one.refused) {
        let text = format!("  Our own sign-in was refused, {}: no customer was asked.", failure.cause());
        lines = vec![Line::of(Meaning::Ours, text)];
    } else if lines.is_empty() {
        let said = match one.job.state {
            JobState::Queued => "  Waits for a slot.",
            JobState::Running => "  Signs in to the tenant.",
            JobState::Cancelled => "  Ended before it was read.",
            JobState::Ok | JobState::Partial | JobState::Failed | JobState::HeldBack => {
                "  Its steps are no longer at hand."
            }
        };
        lines.push(said.into());
    }
    lines
}

/// Tries in a sentence: since when, how many of each kind, how many causes. Where that is too long, rare kinds are one.
fn summary(all: &BTreeMap<RunId, Try>, width: usize, cx: &Cx<'_>) -> String {
    let Some(oldest) = all.values().map(Try::at).min() else { return "No try.".to_owned() };
    let since = match words::day(oldest, cx.now) {
        today if today == "today" => words::when(oldest, cx.now),
        day => day,
    };
    let count = |states: &[JobState]| all.values().filter(|one| states.contains(&one.job.state)).count() as u64;
    let part = |states: &[JobState], word: &str| match count(states) {
        0 => None,
        n => Some(format!("{} {word}", words::count(n))),
    };
    let causes = match tries::causes(all.values()).len() as u64 {
        0 => String::new(),
        1 => ", one cause".to_owned(),
        n => format!(", {}", words::of(n, "cause")),
    };
    let open = [JobState::Queued, JobState::Running];
    let rare = [JobState::Partial, JobState::HeldBack, JobState::Cancelled];
    let head = [
        part(&open, if count(&open) == 1 { "goes on" } else { "go on" }),
        part(&[JobState::Ok], "ok"),
        part(&[JobState::Failed], "refused"),
    ];
    let each = [
        part(&[JobState::Partial], "partial"),
        part(&[JobState::HeldBack], "held back"),
        part(&[JobState::Cancelled], "cancelled"),
    ];
    let tries = words::of(all.len() as u64, "try");
    let said = |rest: &[Option<String>]| {
        let parts: Vec<&str> = head.iter().chain(rest).flatten().map(String::as_str).collect();
        format!("{tries} since {since}: {}{causes}", parts.join(", "))
    };
    let long = said(&each);
    if long.len() <= width { long } else { said(&[part(&rare, "other")]) }
}

/// The ids of the policies that the answer to a try named.
fn policy_ids(one: &Try) -> Vec<String> {
    let named = tries::refusal(&one.job).map_or(&[][..], |(_, failure)| &failure.policies);
    named.iter().map(ToString::to_string).collect()
}

fn compare(a: &Row<'_>, b: &Row<'_>, sort: Option<usize>, policies: &[Named]) -> Ordering {
    match sort {
        Some(BY) => a.one.by.cmp(&b.one.by),
        Some(KIND) => kind_words(a.one.kind).cmp(kind_words(b.one.kind)),
        Some(RUN) => b.one.run.cmp(&a.one.run),
        Some(ANSWER) => {
            let rank = |row: &Row<'_>| super::run::rank(row.one.job.state);
            (rank(a), &a.answer).cmp(&(rank(b), &b.answer))
        }
        Some(POLICIES) => {
            let numbers = |row: &Row<'_>| tries::numbers(row.one, policies);
            let (a, b) = (numbers(a), numbers(b));
            (a.is_empty(), a).cmp(&(b.is_empty(), b))
        }
        Some(TIME) => super::run::took(&b.one.job).cmp(&super::run::took(&a.one.job)),
        Some(WHEN | _) | None => Ordering::Equal,
    }
}

impl Screen for History {
    fn id(&self) -> ScreenId {
        ScreenId::History(self.of.clone())
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self.tenant(cx).map_or_else(|| self.of.to_string(), |tenant| tenant.title().to_owned());
        vec![name, "History".to_owned()]
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
        if Listing::<RunId>::act(key) == Some(Move::Fresh) {
            self.round += 1;
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
        self.merge(cx);
        let order = self.order(cx);
        if self.list.refresh(|run| self.tries.contains_key(run), &order, self.tries.len()) {
            self.list.replace(order, self.tries.len());
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        let Some(tenant) = cx.fleet.tenants.get(&self.of) else {
            page.line(top + 1, &"This tenant is not known here: no customer list holds it.".into());
            return;
        };
        self.draw_answer(page, top, cx);
        self.list.draw_state(page, top + 1, &self.held(tenant, cx), "newest", cx);
        let detail = if page.main.height >= 18 { page.main.height / 3 } else { 4 };
        let rows = bottom.saturating_sub(top + 3 + detail);
        let (tries, policies, key) = (&self.tries, &self.policies, &self.of);
        self.list.draw(page, top + 2, rows, |run| {
            tries.get(run).map(|one| tries::cells(one, key, policies, cx)).unwrap_or_default()
        });
        if self.list.order().is_empty() {
            self.draw_empty(page, top + 4, tenant, cx);
        }
        self.draw_strip(page, bottom - detail, bottom, cx);
        if page.pane.is_some() {
            page.fill_pane(&self.pane(tenant, cx));
        }
    }

    fn filter(&self) -> String {
        self.list.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<Row<'_>>(text)?;
        self.list.set_filter(text);
        self.replace(cx);
        Ok(())
    }

    fn look(&self, cx: &Cx<'_>) -> Option<Look> {
        self.tenant(cx).map(|tenant| Look::Tries { tenant: tenant.key.clone(), round: self.round })
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        match &seen.found {
            Ok(Found::Tries(told)) => {
                let first = self.told.replace(told.clone()).is_none();
                self.failed = None;
                if first {
                    self.merge(cx);
                    self.replace(cx);
                } else {
                    self.changed(cx);
                }
            }
            Ok(
                Found::Away
                | Found::Audit(_)
                | Found::Chain(_)
                | Found::Users(_)
                | Found::Counts { .. }
                | Found::Diff(_)
                | Found::LicenseHistory(_)
                | Found::Allocation(_),
            ) => {}
            Err(why) => self.failed = Some(why.clone()),
        }
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.of.clone()]
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let item = |letter, what, text| CopyItem { letter, what, text };
        let mut items = vec![item('i', "tenant id", self.of.tenant.to_string())];
        let row = |one: &Try| {
            let (at, numbers) = (words::exact(one.at()), tries::numbers(one, &self.policies));
            let answer = tries::answer(one, cx);
            format!("{at}\t{}\t{}\t{}\t{answer}\t{numbers}", one.by, kind_words(one.kind), one.run)
        };
        if let Some(one) = self.one() {
            items.insert(0, item('n', "run number", one.run.to_string()));
            items.push(item('r', "row", row(one)));
            let log: Vec<String> = log(one, cx).iter().map(Line::text).collect();
            items.push(item('t', "log", log.join("\n")));
            if let Some(id) = tries::refusal(&one.job).and_then(|(_, failure)| failure.correlation_id.as_ref()) {
                items.push(item('c', "correlation id", id.to_string()));
            }
        }
        if !self.policies.is_empty() {
            let ids: Vec<String> = self.policies.iter().map(|named| named.id.to_string()).collect();
            items.push(item('p', "policy ids", ids.join("\n")));
        }
        let all: Vec<String> = self.list.order().iter().filter_map(|run| self.tries.get(run)).map(row).collect();
        if !all.is_empty() {
            items.push(item('a', "all rows", all.join("\n")));
        }
        items
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let shown = self.list.order().iter().filter_map(|run| self.tries.get(run));
        let rows = shown.map(|one| {
            vec![
                words::exact(one.at()),
                one.by.to_string(),
                kind_words(one.kind).to_owned(),
                one.run.to_string(),
                tries::answer(one, cx),
                policy_ids(one).join(" "),
                took(&one.job).map_or_else(String::new, |seconds| seconds.to_string()),
                one.reason.as_deref().unwrap_or_default().to_owned(),
                self.of.tenant.to_string(),
            ]
        });
        let titles = ["WHEN", "BY", "KIND", "RUN", "ANSWER", "POLICIES", "TOOK S", "REASON", "TENANT ID"];
        Some(Sheet {
            name: "history",
            instead: "y, then a copies it",
            body: Body::Rows { titles: titles.to_vec(), rows: rows.collect() },
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::tests::{Desk, options, sample};

    fn desk() -> Desk {
        Desk::of(sample::late(), options()).keys("<Down>h")
    }

    #[test]
    fn tries_80() {
        insta::assert_snapshot!(desk().picture(80, 24));
    }

    #[test]
    fn tries_120() {
        insta::assert_snapshot!(desk().keys("<Down><Down><Down><Down>").picture(120, 35));
    }

    #[test]
    fn tries_200() {
        insta::assert_snapshot!(desk().keys("<Down>").picture(200, 60));
    }

    #[test]
    fn tries_60x15() {
        insta::assert_snapshot!(desk().picture(60, 15));
    }
}
