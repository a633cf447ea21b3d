//! One run: is it going on, where, and what came of it?

use std::cmp::Ordering;

use super::probe::probe;
use super::{Cx, Effect, Screen, ScreenId, cancel, facts, kind_words, no_cancel, rerun, run_words, words};
use crate::failure::Failure;
use crate::model::{
    Entry, Filter, FilterError, Filterable, Job, JobState, Key as TenantKey, Run, RunId, RunKind, RunState,
};
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
    Cancel,
    Rerun,
    Probe,
    Why,
    Licenses,
    History,
    Diff,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "tenant", "open the tenant; never a yes"),
    bind(&[Key::Char('u')], Act::Problems, "problems", "open/bad", "only what is open or went wrong, or all"),
    bind(&[Key::Char('c')], Act::Cancel, "cancel", "cancel", "cancel the run (asks)"),
    bind(&[Key::Char('r')], Act::Rerun, "re-run", "re-run", "run the import of the marked tenants again (asks)"),
    bind(&[Key::Char('p')], Act::Probe, "probe", "", "probe: sign in to the marked tenants, read nothing"),
    bind(&[Key::Char('e')], Act::Why, "why", "why", "explain: why the tenant stands as it does"),
    bind(&[Key::Char('l')], Act::Licenses, "licenses", "licenses", "licenses of the tenant"),
    bind(&[Key::Char('d')], Act::Diff, "diff", "changes", "difference to the import before: users, licenses, SKUs"),
    bind(&[Key::Char('h')], Act::History, "history", "", "history: every try of the tenant"),
];

const STATE: usize = 0;
const TENANT: usize = 1;
const STEP: usize = 2;
const ROWS: usize = 3;
const TIME: usize = 4;
const RESULT: usize = 5;

static COLUMNS: [Column; 6] = [
    column("STATE", 11, false),
    column("TENANT", 18, false),
    column("STEP", 20, false),
    column("ROWS", 6, true),
    column("TIME", 5, true),
    column("RESULT", 11, false),
];

static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: TENANT,
    fits: &[Fit::Narrow(STEP, 12), Fit::Narrow(TENANT, 14), Fit::Drop(STEP), Fit::Drop(RESULT)],
};

/// A tenant in a run, as the list shows and filters it.
struct Row<'a> {
    key: &'a TenantKey,
    job: &'a Job,
    title: &'a str,
}

impl Filterable for Row<'_> {
    const FIELDS: &'static [&'static str] = &["state", "partner", "name", "id"];

    fn texts(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        [self.title.into(), self.key.tenant.to_string().into()].into_iter()
    }

    fn field(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        match name {
            "state" => Some(state_word(self.job.state).to_lowercase().into()),
            "partner" => Some(self.key.partner.0.as_str().into()),
            "name" => Some(self.title.into()),
            "id" => Some(self.key.tenant.to_string().into()),
            _ => None,
        }
    }
}

/// One run.
#[derive(Debug)]
pub(crate) struct RunScreen {
    id: RunId,
    list: Listing<TenantKey>,
    filter: Filter,
    problems: bool,
}

impl RunScreen {
    /// The screen of a run.
    pub(crate) fn new(id: RunId) -> Self {
        Self { id, list: Listing::new(&LAYOUT, true), filter: Filter::default(), problems: false }
    }

    fn run<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Run> {
        cx.fleet.runs.get(&self.id)
    }

    fn order(&self, cx: &Cx<'_>) -> Vec<TenantKey> {
        let Some(run) = self.run(cx) else { return Vec::new() };
        let mut rows: Vec<Row<'_>> = run
            .jobs
            .iter()
            .map(|(key, job)| Row { key, job, title: title(key, cx) })
            .filter(|row| !self.problems || row.job.state != JobState::Ok)
            .filter(|row| self.filter.matches(row))
            .collect();
        let sort = self.list.sort();
        rows.sort_by(|a, b| {
            compare(a, b, sort)
                .then_with(|| a.title.to_lowercase().cmp(&b.title.to_lowercase()))
                .then_with(|| a.key.cmp(b.key))
        });
        if self.list.is_reversed() {
            rows.reverse();
        }
        rows.into_iter().map(|row| row.key.clone()).collect()
    }

    fn replace(&mut self, cx: &Cx<'_>) {
        let total = self.run(cx).map_or(0, |run| run.jobs.len());
        self.list.replace(self.order(cx), total);
    }

    fn dead(&self, act: Act, cx: &Cx<'_>) -> Option<String> {
        let tenant = self.list.cursor().and_then(|key| cx.fleet.tenants.get(key));
        match act {
            Act::Problems => None,
            Act::Cancel => self.run(cx).map_or(Some(format!("run {} is no longer kept", self.id)), no_cancel),
            Act::Open | Act::Rerun | Act::Probe | Act::Why | Act::Licenses | Act::History | Act::Diff => {
                tenant.is_none().then(|| "no tenant is under the cursor".to_owned())
            }
        }
    }

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        if let Some(why) = self.dead(act, cx) {
            return Effect::Say(why);
        }
        let cursor = self.list.cursor().cloned();
        match (act, cursor) {
            (Act::Problems, _) => {
                self.problems = !self.problems;
                self.replace(cx);
                Effect::Nothing
            }
            (Act::Cancel, _) => self.run(cx).map_or(Effect::Nothing, |run| cancel(run, cx)),
            (Act::Rerun, _) => rerun(self.list.chosen(), cx),
            (Act::Probe, _) => probe(self.list.chosen()),
            (Act::Open | Act::Why, Some(key)) => Effect::Open(ScreenId::Why(key)),
            (Act::Licenses, Some(key)) => Effect::Open(ScreenId::Licenses(key)),
            (Act::History, Some(key)) => Effect::Open(ScreenId::History(key)),
            (Act::Diff, Some(key)) => Effect::Open(ScreenId::Diff(key)),
            (Act::Open | Act::Why | Act::Licenses | Act::History | Act::Diff, None) => Effect::Nothing,
        }
    }
}

fn title<'a>(key: &TenantKey, cx: &'a Cx<'_>) -> &'a str {
    cx.fleet.tenants.get(key).map_or("(not on the list)", |tenant| tenant.title())
}

/// What needs an eye first: refused, then what goes on, then what waits, then what is saved.
pub(super) const fn rank(state: JobState) -> u8 {
    match state {
        JobState::Failed => 0,
        JobState::HeldBack => 1,
        JobState::Partial => 2,
        JobState::Running => 3,
        JobState::Queued => 4,
        JobState::Cancelled => 5,
        JobState::Ok => 6,
    }
}

fn compare(a: &Row<'_>, b: &Row<'_>, sort: Option<usize>) -> Ordering {
    match sort {
        Some(STEP) => a.job.log.len().cmp(&b.job.log.len()),
        Some(ROWS) => b.job.rows.cmp(&a.job.rows),
        Some(TIME) => took(b.job).cmp(&took(a.job)),
        Some(RESULT) => change(a.job).cmp(&change(b.job)),
        Some(STATE) | None => rank(a.job.state).cmp(&rank(b.job.state)),
        Some(_) => Ordering::Equal,
    }
}

/// Seconds that it took; absent while it goes on.
pub(super) fn took(job: &Job) -> Option<i64> {
    Some(job.ended_at?.as_second() - job.started_at?.as_second())
}

/// Users more or fewer than before; absent where nothing was saved to compare.
fn change(job: &Job) -> Option<i64> {
    match job.state {
        JobState::Ok | JobState::Partial => {
            Some(i64::try_from(job.rows).ok()?.saturating_sub(i64::try_from(job.before?).ok()?))
        }
        JobState::Queued | JobState::Running | JobState::Failed | JobState::HeldBack | JobState::Cancelled => None,
    }
}

/// How it stands, in a word.
pub(super) const fn state_word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "QUEUED",
        JobState::Running => "RUNNING",
        JobState::Ok => "OK",
        JobState::Partial => "PARTIAL",
        JobState::Failed => "FAILED",
        JobState::HeldBack => "HELD BACK",
        JobState::Cancelled => "CANCELLED",
    }
}

/// The sign beside the word.
pub(super) const fn sign(state: JobState) -> char {
    match state {
        JobState::Queued => '.',
        JobState::Running => '>',
        JobState::Ok => '+',
        JobState::Partial => '%',
        JobState::Failed => '?',
        JobState::HeldBack => '|',
        JobState::Cancelled => '=',
    }
}

fn result(job: &Job, kind: RunKind) -> String {
    let refused = job.refused().map(Failure::cause);
    match job.state {
        JobState::Ok if kind == RunKind::Probe => "passes".to_owned(),
        JobState::Ok => match change(job) {
            Some(0) => "same".to_owned(),
            Some(n) if n > 0 => format!("+{}", words::signed(n)),
            Some(n) => words::signed(n),
            None => "first".to_owned(),
        },
        JobState::Failed | JobState::Partial => refused.unwrap_or_default(),
        JobState::HeldBack => "review v".to_owned(),
        JobState::Queued | JobState::Running | JobState::Cancelled => String::new(),
    }
}

fn step(job: &Job, kind: RunKind, cx: &Cx<'_>) -> String {
    match job.state {
        JobState::Queued | JobState::Running => facts::doing(current(job), cx),
        JobState::Ok if kind == RunKind::Probe => "signed in".to_owned(),
        JobState::Ok => "saved".to_owned(),
        JobState::Partial => "one of two saved".to_owned(),
        JobState::Failed => "refused".to_owned(),
        JobState::HeldBack => "held aside".to_owned(),
        JobState::Cancelled => "cancelled".to_owned(),
    }
}

fn cells(key: &TenantKey, job: &Job, kind: RunKind, cx: &Cx<'_>) -> Vec<Piece> {
    let piece = |text: String, meaning| Piece { text, meaning };
    let time = match (job.started_at, took(job)) {
        (_, Some(seconds)) => words::span(seconds),
        (Some(since), None) if !job.state.is_over() => words::span(cx.elapsed(since, 10)),
        (Some(_) | None, None) => "-".to_owned(),
    };
    let none = job.rows == 0 && (job.state != JobState::Ok || !kind.reads());
    let rows = if none { "-".to_owned() } else { words::count(job.rows) };
    vec![
        piece(format!("{} {}", sign(job.state), state_word(job.state)), job.state.into()),
        piece(title(key, cx).to_owned(), Meaning::Plain),
        piece(step(job, kind, cx), Meaning::Plain),
        piece(rows, Meaning::Plain),
        piece(time, Meaning::Plain),
        piece(result(job, kind), Meaning::Plain),
    ]
}

/// The step that says what goes on; an import that left the queue and did nothing yet signs in.
fn current(job: &Job) -> Option<&Entry> {
    job.log.last()
}

impl Screen for RunScreen {
    fn id(&self) -> ScreenId {
        ScreenId::Run(self.id)
    }

    fn path(&self, _: &Cx<'_>) -> Vec<String> {
        vec!["Runs".to_owned(), self.id.to_string()]
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act, cx));
        for row in &mut keys {
            if row.name == "problems" && self.problems {
                row.foot = "all";
            }
        }
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
        let run = self.run(cx);
        let total = run.map_or(0, |run| run.jobs.len());
        let exists = |key: &TenantKey| run.is_some_and(|run| run.jobs.contains_key(key));
        if self.list.refresh(exists, &order, total) {
            self.list.replace(order, total);
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        let Some(run) = cx.fleet.runs.get(&self.id) else {
            page.line(top + 1, &format!("Run {} is not known here: it is older than what is kept.", self.id).into());
            return;
        };
        head(page, top, run, cx);
        let what = if self.problems { "open or not ok" } else { "all" };
        self.list.draw_state(page, top + 2, what, "not ok first", cx);
        let detail = (page.main.height / 3 + 1).max(5);
        let rows = bottom.saturating_sub(top + 4 + detail);
        self.list.draw(page, top + 3, rows, |key| {
            run.jobs.get(key).map(|job| cells(key, job, run.kind, cx)).unwrap_or_default()
        });
        if self.list.order().is_empty() {
            for (line, y) in empty(run, self.list.filter(), cx).iter().zip(top + 5..bottom - detail) {
                page.line(y, line);
            }
        }
        strip(page, bottom - detail, bottom, run, self.list.cursor(), cx);
        if page.pane.is_some() {
            page.fill_pane(&pane(run, cx));
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

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        self.list.chosen()
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let Some(run) = self.run(cx) else { return Vec::new() };
        let mut items = vec![CopyItem { letter: 'n', what: "run number", text: run.id.to_string() }];
        if let Some((key, job)) = self.list.cursor().and_then(|key| run.jobs.get_key_value(key)) {
            items.insert(0, CopyItem { letter: 'i', what: "tenant id", text: key.tenant.to_string() });
            let log: Vec<String> = job.log.iter().map(|entry| facts::logged(entry, cx).text()).collect();
            items.push(CopyItem { letter: 't', what: "log", text: log.join("\n") });
        }
        items
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let run = self.run(cx)?;
        let jobs = self.list.order().iter().filter_map(|key| run.jobs.get_key_value(key));
        let rows = jobs.map(|(key, job)| {
            // A number without the marks that part its thousands.
            let change = change(job).filter(|n| *n != 0 && run.kind.reads());
            let result = change.map_or_else(|| result(job, run.kind), |n| format!("{n:+}"));
            vec![
                state_word(job.state).to_owned(),
                title(key, cx).to_owned(),
                step(job, run.kind, cx),
                if job.rows == 0 && (job.state != JobState::Ok || !run.kind.reads()) {
                    String::new()
                } else {
                    job.rows.to_string()
                },
                took(job).map_or_else(String::new, |seconds| seconds.to_string()),
                result,
                key.partner.to_string(),
                key.tenant.to_string(),
            ]
        });
        let titles = ["STATE", "TENANT", "STEP", "ROWS", "TIME S", "RESULT", "PARTNER", "TENANT ID"];
        Some(Sheet {
            name: "run",
            instead: "q, then tenantop runs --format csv",
            body: Body::Rows { titles: titles.to_vec(), rows: rows.collect() },
        })
    }
}

/// Two lines: what the run is, and how far it is, counted.
fn head(page: &mut Page<'_>, y: u16, run: &Run, cx: &Cx<'_>) {
    let reason = run.reason.as_ref().map_or_else(String::new, |reason| format!(", reason \"{reason}\""));
    let what = facts::sentence(kind_words(run.kind));
    let text = format!("{what}: {}, by {}{reason}", words::of(run.tenants, "tenant"), run.by);
    page.line(y, &text.as_str().into());
    let started = format!("started {}", words::when(run.started_at, cx.now));
    page.right(y, unicode_width::UnicodeWidthStr::width(text.as_str()), &started, Meaning::Plain);
    let (queued, running) = run.open();
    let done = run.ok + run.failed;
    let seconds = match run.ended_at {
        Some(end) => end.as_second() - run.started_at.as_second(),
        None => cx.elapsed(run.started_at, 10),
    };
    let sold = sold(run).filter(|_| running + queued == 0);
    let mut line = Line::default();
    let mut text = format!("{done} of {} done", run.tenants);
    if run.state == RunState::Running {
        let (so_far, of) = if let (Some(selling), Some(sold)) = (run.selling, &sold) {
            text.clone_from(sold);
            (selling.read + selling.failed, selling.due)
        } else {
            text = format!("{text}  {running} running  {queued} queued");
            (done, run.tenants)
        };
        line = line.and(Meaning::Plain, format!("{}  ", bar(so_far, of)));
    } else {
        line = line.and(super::run_meaning(run.state), run_words(run.state)).and(Meaning::Plain, "  ");
    }
    let mut text = format!("{text}  {} not ok  {}", run.failed, words::span(seconds));
    if let Some(sold) = sold.filter(|_| run.state != RunState::Running) {
        text = format!("{text}  {sold}");
    }
    page.line(y + 1, &line.and(Meaning::Plain, text));
}

/// How far it is with what we sold, where that is not done: it goes on when the tenants are over, for a while.
pub(super) fn sold(run: &Run) -> Option<String> {
    let selling = run.selling?;
    let (asked, due) = (words::count(selling.read + selling.failed), words::count(selling.due));
    if selling.later > 0 {
        Some(format!("what we sold: {asked} of {due}, rest later"))
    } else if selling.open() > 0 && run.state == RunState::Running {
        Some(format!("what we sold: {asked} of {due}"))
    } else {
        None
    }
}

/// Counted progress: 24 cells.
fn bar(done: u64, of: u64) -> String {
    let full = (done.min(of) * 24).checked_div(of).and_then(|full| usize::try_from(full).ok()).unwrap_or(0);
    format!("[{}{}]", "#".repeat(full), "-".repeat(24 - full))
}

/// Says why there are no rows.
fn empty(run: &Run, filter: &str, cx: &Cx<'_>) -> Vec<Line> {
    if !filter.is_empty() {
        let hidden = words::count(run.jobs.len() as u64);
        let clear = cx.hint("clear", "clears it");
        return vec![format!("No tenant matches \"{filter}\".  {hidden} hidden by the filter.    {clear}").into()];
    }
    let mut lines = Vec::new();
    for (partner, failure) in &run.refused {
        let text = format!("Partner {partner} was refused: {}, {}.", failure.cause(), failure.class.meaning());
        lines.push(Line::of(Meaning::Ours, text));
    }
    if run.jobs.is_empty() && run.tenants > 0 {
        lines.push("The tenants of this run are no longer at hand; its sums are.".into());
    } else if run.jobs.is_empty() && run.state == RunState::Running {
        lines.push("No tenant yet: the partner signs in, then the customer list is read.".into());
    } else if run.jobs.is_empty() {
        lines.push("This run read no tenant.".into());
    } else {
        let all = cx.hint("problems", "shows all");
        lines.push(format!("Nothing open and nothing that went wrong.    {all}").into());
    }
    lines
}

/// The log of a tenant, its newest lines.
fn strip(page: &mut Page<'_>, top: u16, bottom: u16, run: &Run, cursor: Option<&TenantKey>, cx: &Cx<'_>) {
    let Some((key, job)) = cursor.and_then(|key| run.jobs.get_key_value(key)) else {
        page.rule(top, "");
        return;
    };
    page.rule(top, title(key, cx));
    let last = bottom - 1;
    let room = usize::from(last.saturating_sub(top + 1));
    let skip = job.log.len().saturating_sub(room);
    for (entry, y) in job.log.iter().skip(skip).zip(top + 1..last) {
        page.line(y, &facts::logged(entry, cx));
    }
    if job.log.is_empty() {
        let said = match job.state {
            JobState::Queued => "  Waits for a slot.",
            JobState::Running => "  Signs in to the tenant.",
            JobState::Ok | JobState::Partial | JobState::Failed | JobState::HeldBack | JobState::Cancelled => {
                "  Its steps are no longer at hand."
            }
        };
        page.line(top + 1, &said.into());
    }
    let stays = match (run.state == RunState::Running, run.kind.reads()) {
        (true, true) => "Old data stay until new are saved.",
        (true, false) => "A probe signs in and reads nothing.",
        (false, _) => "",
    };
    let foot = match usual(run, key, cx) {
        Some(usual) if !job.state.is_over() && run.kind.reads() => {
            let before = job.before.map_or_else(String::new, |n| format!("Last time {}, ", words::of(n, "user")));
            let text = format!("{before}usually {}. {stays}", words::span(usual));
            facts::sentence(&text)
        }
        Some(_) | None => stays.to_owned(),
    };
    page.line(last, &foot.into());
}

/// How long this tenant takes, in seconds: the middle of what it took in the other runs at hand; absent where it was saved
/// in none of them.
fn usual(run: &Run, key: &TenantKey, cx: &Cx<'_>) -> Option<i64> {
    let others = cx.fleet.runs.values().filter(|other| other.id != run.id && other.kind.reads());
    let others = others.filter_map(|other| other.jobs.get(key));
    let saved = others.filter(|job| matches!(job.state, JobState::Ok | JobState::Partial));
    let mut spans: Vec<i64> = saved.filter_map(took).collect();
    spans.sort_unstable();
    spans.get(spans.len() / 2).copied()
}

pub(super) fn pane(run: &Run, cx: &Cx<'_>) -> Vec<Line> {
    let pair = |name: &str, value: String| Line::from(format!("{name:<11} {value}"));
    let (queued, running) = run.open();
    let mut lines = vec![
        Line::of(Meaning::Caption, format!("RUN {}", run.id)),
        Line::of(super::run_meaning(run.state), run_words(run.state)),
        Line::default(),
        pair("what", kind_words(run.kind).to_owned()),
        pair("by", run.by.to_string()),
        pair("started", words::exact(run.started_at)),
        pair("ended", run.ended_at.map_or_else(|| "-".to_owned(), words::exact)),
        Line::default(),
        pair("tenants", words::count(run.tenants)),
        pair("ok", words::count(run.ok)),
        pair("not ok", words::count(run.failed)),
        pair("running", words::count(running)),
        pair("queued", words::count(queued)),
        Line::default(),
        pair("requests", words::count(run.totals.requests)),
        pair("repeats", words::count(run.totals.retries)),
        pair("waited", words::long_span(i64::try_from(run.totals.waits_ms / 1_000).unwrap_or(0))),
        pair("read", words::bytes(run.totals.bytes)),
        pair("users", words::count(run.totals.users)),
    ];
    if let Some(selling) = run.selling {
        lines.push(Line::default());
        lines.push(pair("sold, due", words::count(selling.due)));
        lines.push(pair("sold, read", words::count(selling.read)));
        lines.push(pair("refused", words::count(selling.failed)));
        if selling.later > 0 {
            lines.push(pair("next run", words::count(selling.later)));
        }
    }
    if !run.refused.is_empty() {
        lines.push(Line::default());
        lines.push(Line::of(Meaning::Caption, "REFUSED PARTNERS"));
        for (partner, failure) in &run.refused {
            lines.push(Line::of(Meaning::Ours, format!("{partner}: {}", failure.cause())));
        }
    }
    let others: Vec<String> = cx
        .fleet
        .running()
        .filter(|other| other.id != run.id)
        .map(|other| format!("{} by {}", other.id, other.by))
        .collect();
    lines.push(Line::default());
    lines.push(pair("other runs", if others.is_empty() { "none".to_owned() } else { others.join(", ") }));
    lines
}
