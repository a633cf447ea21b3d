//! The audit: who did what, with which end, and whether nobody altered it since. Of any number of rows only a window is
//! here.

mod told;

use jiff::Timestamp;

use super::{Cx, Effect, Screen, ScreenId, words};
use crate::model::{
    AuditAsk, AuditFrom, AuditLine, AuditLook, AuditRow, AuditRows, AuditSeen, Chain, Filter, FilterError, Found,
    Key as TenantKey, Look, Role, RunId, Seen, Tenant, Text, Verb,
};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{KEYS as LIST_KEYS, Listing, Move};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::CopyItem;
use crate::tui::theme::Meaning;
use told::LAYOUT;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Run,
    Why,
    Chain,
    Json,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "open", "open the row: all fields; never a yes"),
    bind(&[Key::Char('o')], Act::Run, "its-run", "run", "the run that came of the row, or that it is about"),
    bind(&[Key::Char('e')], Act::Why, "why", "tenant", "explain: why the tenant of the row stands as it does"),
    bind(&[Key::Char('i')], Act::Chain, "incidents", "chain", "what the line at the top tells, in full: the chain of hashes"),
    bind(&[Key::Char('X')], Act::Json, "export-json", "", "export what is shown, an object a line"),
];

/// Rows that are held at least; what is farther from the cursor is let go and asked for again.
const HELD: usize = 2_048;

/// What is asked for, and since when.
#[derive(Debug)]
struct Asked {
    look: AuditLook,
    at: Timestamp,
    answered: bool,
}

/// The audit of a tenant, or of all.
#[derive(Debug)]
pub(crate) struct Audit {
    of: Option<TenantKey>,
    filter: String,
    /// Counted up to read all anew.
    round: u64,
    asked: Option<Asked>,
    /// What was answered last: the same is answered again only in another round.
    answered: Option<AuditLook>,
    /// How often it was asked for the chain.
    part: u64,
    failed: Option<Text>,
    /// Rows that are here, the newest first; and how many newer ones pass, where that is known.
    rows: Vec<AuditRow>,
    newer: Option<u64>,
    /// How far it was looked to newer and to older rows; nothing lies behind an end.
    edges: [Edge; 2],
    /// The number of the newest row, as far as it is known, and when that was read.
    last: u64,
    read_at: Option<Timestamp>,
    chain: Option<Chain>,
    /// The row under the cursor, by its place here and its number.
    at: usize,
    wanted: Option<u64>,
    top: usize,
    height: u16,
    /// The terminal's row of the first row, as it was drawn last.
    first: u16,
    skip: usize,
}

/// How far it was looked in a direction.
#[derive(Debug, Clone, Copy, Default)]
struct Edge {
    /// The number of the row that was looked at last.
    reached: u64,
    /// Whether nothing lies behind it.
    is_end: bool,
}

const NEWER: usize = 0;
const OLDER: usize = 1;

impl Audit {
    /// The audit of a tenant, or of all, newest first.
    pub(crate) fn new(of: Option<TenantKey>) -> Self {
        Self {
            of,
            filter: String::new(),
            round: 0,
            asked: None,
            answered: None,
            part: 0,
            failed: None,
            rows: Vec::new(),
            newer: Some(0),
            edges: [Edge::default(); 2],
            last: 0,
            read_at: None,
            chain: None,
            at: 0,
            wanted: None,
            top: 0,
            height: 24,
            first: 0,
            skip: 0,
        }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(self.of.as_ref()?)
    }

    fn row(&self) -> Option<&AuditRow> {
        self.rows.get(self.at)
    }

    /// The run of the row under the cursor, if it is known here.
    fn run(&self, cx: &Cx<'_>) -> Option<RunId> {
        self.row()?.deed.run.filter(|run| cx.fleet.runs.contains_key(run))
    }

    /// The tenant of the row under the cursor, if it is about one that is known here.
    fn subject(&self, cx: &Cx<'_>) -> Option<TenantKey> {
        let [key] = self.row()?.deed.tenants.as_slice() else { return None };
        cx.fleet.tenants.contains_key(key).then(|| key.clone())
    }

    /// The edge of what is known in a direction.
    fn edge(&self, direction: usize) -> Edge {
        self.edges.get(direction).copied().unwrap_or_default()
    }

    fn set_edge(&mut self, direction: usize, edge: Edge) {
        if let Some(kept) = self.edges.get_mut(direction) {
            *kept = edge;
        }
    }

    /// Rows of a screen, for what is asked for and held.
    fn height(&self) -> usize {
        usize::from(self.height.max(1))
    }

    fn ask(&mut self, ask: AuditAsk, cx: &Cx<'_>) {
        let mut look = AuditLook { tenant: self.of.clone(), ask, round: self.round };
        if self.answered.as_ref() == Some(&look) {
            self.round += 1;
            look.round = self.round;
        }
        self.asked = Some(Asked { look, at: cx.now, answered: false });
    }

    fn ask_rows(&mut self, from: AuditFrom, cx: &Cx<'_>) {
        let count = u32::from(self.height).saturating_mul(3).clamp(64, AuditRows::MOST);
        self.ask(AuditAsk::Rows(AuditRows { filter: self.filter.clone(), from, count }), cx);
    }

    /// Reads anew from an end, whatever is here.
    fn restart(&mut self, from: AuditFrom, cx: &Cx<'_>) {
        self.failed = None;
        self.ask_rows(from, cx);
    }

    /// Makes up its mind what it wants next: rows before the cursor comes to an edge, else whether the chain holds.
    fn aim(&mut self, cx: &Cx<'_>) {
        let Some(asked) = &self.asked else { return self.restart(AuditFrom::Before(u64::MAX), cx) };
        if !asked.answered || self.failed.is_some() {
            return;
        }
        let near = 2 * self.height();
        let (newer, older) = (self.edge(NEWER), self.edge(OLDER));
        if !older.is_end && self.at + near > self.rows.len() {
            return self.ask_rows(AuditFrom::Before(older.reached), cx);
        }
        if !newer.is_end && self.at < near {
            return self.ask_rows(AuditFrom::After(newer.reached), cx);
        }
        if cx.options.role.may(Verb::AuditAll) && self.chain.as_ref().is_none_or(|chain| !chain.is_over()) {
            self.part += 1;
            self.ask(AuditAsk::Chain { part: self.part }, cx);
        }
    }

    /// Takes rows that came: at the end that they were asked for, or in place of all.
    fn take(&mut self, from: AuditFrom, seen: &AuditSeen) {
        let edge = |fallback| Edge { reached: seen.reached.unwrap_or(fallback), is_end: seen.is_end };
        let most = HELD.max(8 * self.height());
        match from {
            AuditFrom::Before(u64::MAX) => {
                self.rows.clone_from(&seen.rows);
                self.newer = Some(0);
                self.edges = [Edge { reached: seen.last, is_end: true }, edge(0)];
                self.find();
            }
            AuditFrom::After(0) => {
                self.rows.clone_from(&seen.rows);
                self.newer = if seen.is_end { Some(0) } else { None };
                self.edges = [edge(seen.last), Edge { reached: 1, is_end: true }];
                self.at = self.rows.len().saturating_sub(1);
                self.wanted = self.row().map(|row| row.number);
            }
            AuditFrom::Before(number) => {
                self.rows.extend(seen.rows.iter().cloned());
                self.set_edge(OLDER, edge(number));
                let more = self.rows.len().saturating_sub(most).min(self.at.saturating_sub(3 * self.height()));
                if more > 0 {
                    self.rows.drain(..more);
                    self.newer = self.newer.map(|newer| newer + more as u64);
                    (self.at, self.top) = (self.at.saturating_sub(more), self.top.saturating_sub(more));
                    let reached = self.rows.first().map_or(number, |row| row.number);
                    self.set_edge(NEWER, Edge { reached, is_end: false });
                }
            }
            AuditFrom::After(number) => {
                let came = seen.rows.len();
                self.rows.splice(..0, seen.rows.iter().cloned());
                (self.at, self.top) = (self.at + came, self.top + came);
                self.set_edge(NEWER, edge(number));
                self.newer = self.newer.map(|newer| newer.saturating_sub(came as u64));
                if seen.is_end {
                    self.newer = Some(0);
                }
                let keep = most.max(self.at + 4 * self.height());
                if self.rows.len() > keep {
                    self.rows.truncate(keep);
                    let reached = self.rows.last().map_or(number, |row| row.number);
                    self.set_edge(OLDER, Edge { reached, is_end: false });
                }
            }
        }
        self.last = self.last.max(seen.last);
        self.settle();
    }

    /// Puts the cursor on the row that it was on, if that is here.
    fn find(&mut self) {
        let found = self.wanted.and_then(|number| self.rows.iter().position(|row| row.number == number));
        self.at = found.unwrap_or(0);
        if found.is_none() {
            self.top = 0;
        }
    }

    /// Keeps the cursor on the list and the list on the screen.
    fn settle(&mut self) {
        self.at = self.at.min(self.rows.len().saturating_sub(1));
        let highest = self.rows.len().saturating_sub(self.height());
        self.top = self.top.min(highest).min(self.at).max((self.at + 1).saturating_sub(self.height()));
        if self.wanted.is_none() {
            self.wanted = self.row().map(|row| row.number);
        }
    }

    fn go(&mut self, act: Move, cx: &Cx<'_>) {
        let page = self.height().saturating_sub(1).max(1);
        let to = match act {
            Move::Up => self.at.saturating_sub(1),
            Move::Down => self.at + 1,
            Move::PageUp => self.at.saturating_sub(page),
            Move::PageDown => self.at + page,
            Move::First if !self.edge(NEWER).is_end => {
                self.wanted = None;
                return self.restart(AuditFrom::Before(u64::MAX), cx);
            }
            Move::Last if !self.edge(OLDER).is_end => {
                self.wanted = None;
                return self.restart(AuditFrom::After(0), cx);
            }
            Move::First => 0,
            Move::Last => self.rows.len(),
            Move::Left => return self.skip = self.skip.saturating_sub(1),
            Move::Right => return self.skip = (self.skip + 1).min(LAYOUT.columns.len() - 3),
            Move::Clear => {
                self.filter.clear();
                return self.restart(AuditFrom::Before(u64::MAX), cx);
            }
            Move::Fresh => {
                self.round += 1;
                self.chain = None;
                return self.restart(AuditFrom::Before(u64::MAX), cx);
            }
            Move::Mark | Move::MarkAll | Move::Filter | Move::Sort | Move::DefaultSort | Move::Reverse => return,
        };
        self.at = to;
        self.settle();
        self.wanted = self.row().map(|row| row.number);
    }

    /// Why a key of lists does nothing here.
    fn dead_move(act: Move) -> Option<String> {
        match act {
            Move::Mark | Move::MarkAll => Some("nothing here is done to many at once".to_owned()),
            Move::Sort | Move::DefaultSort | Move::Reverse => Some("the audit stands newest first".to_owned()),
            Move::Up
            | Move::Down
            | Move::PageUp
            | Move::PageDown
            | Move::First
            | Move::Last
            | Move::Left
            | Move::Right
            | Move::Filter
            | Move::Clear
            | Move::Fresh => None,
        }
    }

    fn dead(&self, act: Act, cx: &Cx<'_>) -> Option<String> {
        let off = |off: bool, why: &str| off.then(|| why.to_owned());
        match act {
            Act::Open | Act::Json => off(self.row().is_none(), "no row is under the cursor"),
            Act::Run => off(self.run(cx).is_none(), "the row has no run that is kept"),
            Act::Why => off(self.subject(cx).is_none(), "the row is not about one tenant that is known"),
            Act::Chain => self.no_chain(cx.options.role),
        }
    }

    /// Why it is not told whether the chain holds.
    fn no_chain(&self, role: Role) -> Option<String> {
        if let Err(why) = role.check(Verb::AuditAll) {
            return Some(why.to_string());
        }
        self.chain.is_none().then(|| "the chain is not checked yet".to_owned())
    }

    fn act(&self, act: Act, cx: &Cx<'_>) -> Effect {
        if let Some(why) = self.dead(act, cx) {
            return Effect::Say(why);
        }
        match act {
            Act::Open => self.row().map_or(Effect::Nothing, |row| Effect::Show {
                title: format!("row {} of the audit", words::count(row.number)),
                lines: self.fields(row, cx),
            }),
            Act::Run => self.run(cx).map_or(Effect::Nothing, |run| Effect::Open(ScreenId::Run(run))),
            Act::Why => self.subject(cx).map_or(Effect::Nothing, |key| Effect::Open(ScreenId::Why(key))),
            Act::Chain => self.chain.as_ref().map_or(Effect::Nothing, |chain| Effect::Show {
                title: "the chain of the audit".to_owned(),
                lines: told::chain_in_full(chain, cx),
            }),
            Act::Json => Effect::Export(Box::new(self.file(true))),
        }
    }

    fn fields(&self, row: &AuditRow, cx: &Cx<'_>) -> Vec<Line> {
        told::fields(row, self.is_broken(row), cx)
    }

    /// Whether the chain does not hold from a row before this one on.
    fn is_broken(&self, row: &AuditRow) -> bool {
        let broken = self.chain.as_ref().and_then(|chain| chain.broken.as_ref());
        broken.is_some_and(|(number, _)| row.number >= *number)
    }

    /// The command that writes the same rows.
    fn command(&self) -> String {
        let tenant = self.of.as_ref().map_or_else(String::new, |key| {
            format!(" --partner {} --tenant {}", words::quoted(&key.partner.0), key.tenant)
        });
        let filter =
            if self.filter.is_empty() { String::new() } else { format!(" --filter {}", words::quoted(&self.filter)) };
        format!("tenantop audit{tenant}{filter}")
    }

    fn file(&self, json: bool) -> Sheet {
        let rows = AuditRows { filter: self.filter.clone(), from: AuditFrom::Before(u64::MAX), count: AuditRows::MOST };
        let look = AuditLook { tenant: self.of.clone(), ask: AuditAsk::Rows(rows), round: self.round };
        let format = if json { "--json" } else { "--format csv" };
        let command = format!("{} {format}", self.command());
        Sheet { name: "audit", instead: "", body: Body::Audit { look, command, json } }
    }

    /// How many rows there are, and how many of them were looked through.
    fn draw_state(&self, page: &mut Page<'_>, y: u16, cx: &Cx<'_>) {
        let here = self.rows.len() as u64;
        let more = if self.edge(OLDER).is_end { "" } else { "+" };
        let last = words::count(self.last);
        let what = if self.of.is_some() { "this tenant" } else { "all" };
        let shown = match self.newer {
            None => format!("the oldest {} of {last}", words::count(here)),
            Some(_) if self.of.is_none() && self.filter.is_empty() => format!("{last} of {last}"),
            Some(newer) => format!("{}{more} of {last}", words::count(newer + here)),
        };
        let mut text = format!("show: {what}, {shown}");
        if !self.filter.is_empty() {
            text = format!("{text}  filter /{}", self.filter);
        }
        if let Some(asked) = self.asked.as_ref().filter(|asked| !asked.answered)
            && matches!(asked.look.ask, AuditAsk::Rows(_))
        {
            text = format!("{text}  {}", cx.waiting(asked.at, "reading"));
        }
        page.line(y, &text.as_str().into());
        let read = self.read_at.map_or_else(String::new, |at| format!("   read {}", words::when(at, cx.now)));
        let taken = unicode_width::UnicodeWidthStr::width(text.as_str());
        page.right(y, taken, &format!("sort: newest{read}"), Meaning::Plain);
    }

    fn draw_rows(&mut self, page: &mut Page<'_>, y: u16, rows: u16, cx: &Cx<'_>) {
        self.height = rows.max(1);
        self.first = y + 1;
        self.settle();
        let placed = LAYOUT.place(page.main.width, self.skip);
        LAYOUT.draw_titles(page, y, &placed);
        let shown = self.rows.iter().enumerate().skip(self.top).take(usize::from(rows));
        for ((n, row), y) in shown.zip(y + 1..) {
            let cells: Vec<Piece> = told::cells(row, self.is_broken(row), cx);
            LAYOUT.draw_row(page, y, &placed, &cells, (n == self.at, false));
        }
    }

    fn draw_empty(&self, page: &mut Page<'_>, y: u16, cx: &Cx<'_>) {
        let looked = self.last.saturating_sub(self.edge(OLDER).reached.saturating_sub(1)).min(self.last);
        let (said, key) = match (&self.failed, &self.asked) {
            (Some(why), _) => (format!("The audit cannot be shown: {why}."), cx.hint("fresh", "tries again")),
            (None, Some(asked)) if !asked.answered && self.read_at.is_none() => {
                (cx.waiting(asked.at, "Reading the audit from the store"), String::new())
            }
            (None, _) if !self.edge(OLDER).is_end => {
                let (looked, last) = (words::count(looked), words::count(self.last));
                (format!("None so far: {looked} of {last} rows looked through."), cx.hint("clear", "clears the filter"))
            }
            (None, _) if !self.filter.is_empty() => {
                let hidden = words::count(self.last);
                (
                    format!("No row matches \"{}\".  {hidden} hidden by the filter.", self.filter),
                    cx.hint("clear", "clears it"),
                )
            }
            (None, _) if self.of.is_some() => {
                ("Nobody did anything about this tenant yet.".to_owned(), cx.hint("back", "goes back"))
            }
            (None, _) => ("Nobody did anything yet.".to_owned(), cx.hint("fresh", "reads again")),
        };
        Listing::<u64>::draw_empty(page, y, &said, &key);
    }
}

impl Screen for Audit {
    fn id(&self) -> ScreenId {
        ScreenId::Audit(self.of.clone())
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self
            .of
            .as_ref()
            .map(|key| self.tenant(cx).map_or_else(|| key.to_string(), |tenant| tenant.title().to_owned()));
        name.into_iter().chain(["Audit".to_owned()]).collect()
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act, cx));
        keys.extend(show(LIST_KEYS, Self::dead_move));
        keys
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        if let Some(act) = find(KEYS, key) {
            return Some(self.act(act, cx));
        }
        let act = find(LIST_KEYS, key)?;
        if let Some(why) = Self::dead_move(act) {
            return Some(Effect::Say(why));
        }
        if act == Move::Filter {
            return Some(Effect::Filter);
        }
        self.go(act, cx);
        self.aim(cx);
        Some(Effect::Nothing)
    }

    fn click(&mut self, row: u16, cx: &Cx<'_>) {
        if let Some(below) = row.checked_sub(self.first).filter(|below| *below < self.height)
            && self.top + usize::from(below) < self.rows.len()
        {
            self.at = self.top + usize::from(below);
            self.wanted = self.row().map(|row| row.number);
            self.aim(cx);
        }
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        self.aim(cx);
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        let answer = match &self.failed {
            Some(why) => {
                let again = cx.hint("fresh", "tries again");
                Line::of(Meaning::Broken, format!("The audit cannot be read: {why}.   {again}"))
            }
            None => told::answer(self.chain.as_ref(), self.last, usize::from(page.main.width), cx),
        };
        page.line(top, &answer);
        self.draw_state(page, top + 1, cx);
        let detail = match page.main.height {
            ..18 => 3,
            18..28 => 5,
            28.. => 7,
        };
        self.draw_rows(page, top + 2, bottom.saturating_sub(top + 3 + detail), cx);
        if self.rows.is_empty() {
            self.draw_empty(page, top + 4, cx);
        }
        if let Some(row) = self.row() {
            page.rule(bottom - detail, &told::title_of(row));
            let (lines, width) = (told::strip(row, self.is_broken(row), cx), usize::from(page.main.width));
            let lines = lines.iter().flat_map(|line| words::wrap(line, width));
            for (line, y) in lines.zip(bottom - detail + 1..bottom) {
                page.line(y, &line.into());
            }
            if page.pane.is_some() {
                page.fill_pane(&told::narrow(&self.fields(row, cx)));
            }
        }
        self.aim(cx);
    }

    fn filter(&self) -> String {
        self.filter.clone()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        Filter::parse::<AuditLine<'_>>(text)?;
        if text != self.filter {
            text.clone_into(&mut self.filter);
            self.restart(AuditFrom::Before(u64::MAX), cx);
        }
        Ok(())
    }

    fn look(&self, _: &Cx<'_>) -> Option<Look> {
        self.asked.as_ref().map(|asked| Look::Audit(Box::new(asked.look.clone())))
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        let Look::Audit(look) = &seen.look else { return };
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.look == **look) else { return };
        // Whoever comes back to the screen is answered once more what is here; only what failed is still to be taken.
        if asked.answered && self.failed.is_none() {
            return;
        }
        asked.answered = true;
        self.answered = Some(asked.look.clone());
        if seen.found.is_ok() {
            self.failed = None;
        }
        match (&seen.found, &look.ask) {
            (Ok(Found::Audit(found)), AuditAsk::Rows(rows)) => {
                if rows.from == AuditFrom::Before(u64::MAX) {
                    self.read_at = Some(cx.now);
                }
                self.take(rows.from, found);
            }
            (Ok(Found::Chain(chain)), _) => self.chain = Some(chain.clone()),
            (
                Ok(
                    Found::Away
                    | Found::Users(_)
                    | Found::Counts { .. }
                    | Found::Tries(_)
                    | Found::Diff(_)
                    | Found::LicenseHistory(_)
                    | Found::Allocation(_)
                    | Found::Audit(_),
                ),
                _,
            ) => {}
            (Err(why), _) => self.failed = Some(why.clone()),
        }
        self.aim(cx);
    }

    fn subjects(&self, cx: &Cx<'_>) -> Vec<TenantKey> {
        self.of.clone().or_else(|| self.subject(cx)).into_iter().collect()
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let item = |letter, what, text| CopyItem { letter, what, text };
        let command = format!("{} --json", self.command());
        let mut items = Vec::new();
        if let Some(row) = self.row() {
            let title = |key: &TenantKey| cx.fleet.tenants.get(key).map(Tenant::title);
            items.push(item('n', "number of the row", row.number.to_string()));
            if let [key] = row.deed.tenants.as_slice() {
                items.push(item('i', "tenant id", key.tenant.to_string()));
            }
            items.push(item('r', "row", AuditLine::of(row, title).cells().join("\t")));
            items.push(item('h', "hash", row.hash.clone()));
            let all: Vec<String> = self.fields(row, cx).iter().map(Line::text).collect();
            items.push(item('a', "all fields", all.join("\n")));
        }
        items.push(item('c', "the command that writes these rows", command));
        items
    }

    fn sheet(&self, _: &Cx<'_>) -> Option<Sheet> {
        (!self.rows.is_empty()).then(|| self.file(false))
    }
}
