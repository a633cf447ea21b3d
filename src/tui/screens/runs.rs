//! Runs: what ran when, for whom, and how it ended.

use std::cmp::Ordering;

use super::{Cx, Effect, Screen, ScreenId, cancel, kind_words, no_cancel, run_meaning, run_words, words};
use crate::model::{Filter, FilterError, Filterable, Run, RunId};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Column, Fit, Layout, Listing, Pressed, column};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::CopyItem;
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Cancel,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "open", "open the run; never a yes"),
    bind(&[Key::Char('c')], Act::Cancel, "cancel", "cancel", "cancel the run (asks)"),
];

const NUMBER: usize = 0;
const STATE: usize = 1;
const WHAT: usize = 2;
const BY: usize = 3;
const STARTED: usize = 4;
const TOOK: usize = 5;
const TENANTS: usize = 6;
const OK: usize = 7;
const FAILED: usize = 8;

static COLUMNS: [Column; 9] = [
    column("RUN", 5, true),
    column("STATE", 9, false),
    column("WHAT", 13, false),
    column("BY", 8, false),
    column("STARTED", 13, false),
    column("TOOK", 5, true),
    column("TENANTS", 7, true),
    column("OK", 5, true),
    column("FAIL", 4, true),
];

static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: WHAT,
    fits: &[Fit::Drop(TOOK), Fit::Drop(BY), Fit::Narrow(WHAT, 7), Fit::Drop(TENANTS)],
};

impl Filterable for &Run {
    const FIELDS: &'static [&'static str] = &["run", "state", "by", "what", "reason"];

    fn texts(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        [
            self.id.to_string().into(),
            self.by.as_str().into(),
            kind_words(self.kind).into(),
            self.reason.as_deref().unwrap_or("").into(),
        ]
        .into_iter()
    }

    fn field(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        match name {
            "run" => Some(self.id.to_string().into()),
            "state" => Some(run_words(self.state).into()),
            "by" => Some(self.by.as_str().into()),
            "what" => Some(kind_words(self.kind).into()),
            "reason" => self.reason.as_deref().map(Into::into),
            _ => None,
        }
    }
}

/// The list of all runs.
#[derive(Debug)]
pub(crate) struct Runs {
    list: Listing<RunId>,
    filter: Filter,
}

impl Runs {
    /// The list of all runs, newest first.
    pub(crate) fn new() -> Self {
        Self { list: Listing::new(&LAYOUT, false), filter: Filter::default() }
    }

    fn order(&self, cx: &Cx<'_>) -> Vec<RunId> {
        let mut rows: Vec<&Run> = cx.fleet.runs.values().filter(|run| self.filter.matches(run)).collect();
        let sort = self.list.sort();
        rows.sort_by(|a, b| compare(a, b, sort).then_with(|| b.id.cmp(&a.id)));
        if self.list.is_reversed() {
            rows.reverse();
        }
        rows.into_iter().map(|run| run.id).collect()
    }

    fn run<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Run> {
        cx.fleet.runs.get(self.list.cursor()?)
    }

    fn dead(&self, act: Act, cx: &Cx<'_>) -> Option<String> {
        let Some(run) = self.run(cx) else { return Some("no run is under the cursor".to_owned()) };
        match act {
            Act::Open => None,
            Act::Cancel => no_cancel(run),
        }
    }

    fn act(&self, act: Act, cx: &Cx<'_>) -> Effect {
        if let Some(why) = self.dead(act, cx) {
            return Effect::Say(why);
        }
        let Some(run) = self.run(cx) else { return Effect::Nothing };
        match act {
            Act::Open => Effect::Open(ScreenId::Run(run.id)),
            Act::Cancel => cancel(run, cx),
        }
    }
}

fn took(run: &Run) -> Option<i64> {
    Some(run.ended_at?.as_second() - run.started_at.as_second())
}

fn compare(a: &Run, b: &Run, sort: Option<usize>) -> Ordering {
    match sort {
        Some(NUMBER) => a.id.cmp(&b.id),
        Some(STATE) => run_words(a.state).cmp(run_words(b.state)),
        Some(WHAT) => kind_words(a.kind).cmp(kind_words(b.kind)),
        Some(BY) => a.by.cmp(&b.by),
        Some(STARTED) => b.started_at.cmp(&a.started_at),
        Some(TOOK) => took(b).cmp(&took(a)),
        Some(TENANTS) => b.tenants.cmp(&a.tenants),
        Some(OK) => b.ok.cmp(&a.ok),
        Some(FAILED) => b.failed.cmp(&a.failed),
        Some(_) | None => Ordering::Equal,
    }
}

fn cells(run: &Run, cx: &Cx<'_>) -> Vec<Piece> {
    let piece = |text: String, meaning| Piece { text, meaning };
    let seconds = took(run).unwrap_or_else(|| cx.elapsed(run.started_at, 10));
    let failed = if run.failed > 0 { Meaning::Broken } else { Meaning::Plain };
    vec![
        piece(run.id.to_string(), Meaning::Plain),
        piece(run_words(run.state).to_owned(), run_meaning(run.state)),
        piece(kind_words(run.kind).to_owned(), Meaning::Plain),
        piece(run.by.to_string(), Meaning::Plain),
        piece(words::when(run.started_at, cx.now), Meaning::Plain),
        piece(words::span(seconds), Meaning::Plain),
        piece(words::count(run.tenants), Meaning::Plain),
        piece(words::count(run.ok), Meaning::Plain),
        piece(words::count(run.failed), failed),
    ]
}

impl Screen for Runs {
    fn id(&self) -> ScreenId {
        ScreenId::Runs
    }

    fn path(&self, _: &Cx<'_>) -> Vec<String> {
        vec!["Runs".to_owned()]
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
                self.list.replace(self.order(cx), cx.fleet.runs.len());
                Some(Effect::Nothing)
            }
        }
    }

    fn click(&mut self, row: u16, _: &Cx<'_>) {
        self.list.click(row);
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        let order = self.order(cx);
        if self.list.refresh(|id| cx.fleet.runs.contains_key(id), &order, cx.fleet.runs.len()) {
            self.list.replace(order, cx.fleet.runs.len());
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        let running = cx.fleet.running().count() as u64;
        let last = cx.fleet.runs.values().next_back();
        let newest =
            last.map_or_else(|| "none yet".to_owned(), |run| format!("newest {}", words::when(run.started_at, cx.now)));
        let said = format!("{}  {running} running  {newest}", words::of(cx.fleet.runs.len() as u64, "run"));
        page.line(top, &said.into());
        self.list.draw_state(page, top + 1, "all", "newest", cx);
        let detail = 3;
        let rows = bottom.saturating_sub(top + 3 + detail);
        self.list.draw(page, top + 2, rows, |id| cx.fleet.runs.get(id).map(|run| cells(run, cx)).unwrap_or_default());
        if self.list.order().is_empty() {
            let (said, key) = if self.list.filter().is_empty() {
                ("No run yet.".to_owned(), cx.hint("re-run", "on a tenant starts one"))
            } else {
                let hidden = words::count(cx.fleet.runs.len() as u64);
                let said = format!("No run matches \"{}\".  {hidden} hidden by the filter.", self.list.filter());
                (said, cx.hint("clear", "clears it"))
            };
            Listing::<RunId>::draw_empty(page, top + 4, &said, &key);
        }
        let Some(run) = self.run(cx) else { return };
        page.fill_pane(&super::run::pane(run, cx));
        page.rule(bottom - detail, &format!("run {}", run.id));
        let totals = run.totals;
        let reason = run.reason.as_ref().map_or_else(String::new, |reason| format!("Reason \"{reason}\".  "));
        let waited = words::long_span(i64::try_from(totals.waits_ms / 1_000).unwrap_or(0));
        let text = format!(
            "{reason}{}, {} of {}; {} repeated, waited {waited}.",
            words::of(totals.users, "user"),
            words::bytes(totals.bytes),
            words::of(totals.requests, "request"),
            words::count(totals.retries),
        );
        page.line(bottom - 2, &text.into());
        if let Some((partner, failure)) = run.refused.first() {
            let text = format!("Partner {partner} was refused: {}, {}.", failure.cause(), failure.class.meaning());
            page.line(bottom - 1, &Line::of(Meaning::Ours, text));
        }
    }

    fn filter(&self) -> String {
        self.list.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<&Run>(text)?;
        self.list.set_filter(text);
        self.list.replace(self.order(cx), cx.fleet.runs.len());
        Ok(())
    }

    fn run_here(&self) -> Option<RunId> {
        self.list.cursor().copied()
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let number = |run: &Run| CopyItem { letter: 'n', what: "run number", text: run.id.to_string() };
        self.run(cx).map(number).into_iter().collect()
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let rows = self.list.order().iter().filter_map(|id| cx.fleet.runs.get(id)).map(|run| {
            vec![
                run.id.to_string(),
                run_words(run.state).to_owned(),
                kind_words(run.kind).to_owned(),
                run.by.to_string(),
                words::exact(run.started_at),
                took(run).map_or_else(String::new, |seconds| seconds.to_string()),
                run.tenants.to_string(),
                run.ok.to_string(),
                run.failed.to_string(),
                run.reason.as_deref().unwrap_or_default().to_owned(),
            ]
        });
        let titles = ["RUN", "STATE", "WHAT", "BY", "STARTED", "TOOK S", "TENANTS", "OK", "FAIL", "REASON"];
        Some(Sheet {
            name: "runs",
            instead: "q, then tenantop runs --format csv",
            body: Body::Rows { titles: titles.to_vec(), rows: rows.collect() },
        })
    }
}
