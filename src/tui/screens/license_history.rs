//! License history: how did the counts of a product move, day by day?

mod chart;

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};

use jiff::ToSpan;
use jiff::civil::Date;

use super::{Cx, Effect, Screen, ScreenId, counts, rerun, words};
use crate::model::{
    Filter, FilterError, Filterable, Found, Key as TenantKey, LicenseDay, LicenseHistory, Look, Seen, SkuCount, SkuId,
    Tenant, Term, Text, UserField, day_of,
};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Column, Fit, Layout, Listing, Pressed, column};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::CopyItem;
use crate::tui::theme::Meaning;
use chart::Span;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Holders,
    Zoom,
    All,
    Licenses,
    Why,
    Users,
    Rerun,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Holders, "open", "holders", "the users who hold the product; never a yes"),
    bind(&[Key::Char('Z')], Act::Zoom, "zoom", "zoom", "zoom of the chart: week, month, quarter, year, all"),
    bind(&[Key::Char('u')], Act::All, "problems", "all days", "only days with a change, or all"),
    bind(&[Key::Char('l')], Act::Licenses, "licenses", "licenses", "licenses of the tenant"),
    bind(&[Key::Char('e')], Act::Why, "why", "why", "explain: why the tenant stands as it does"),
    bind(&[Key::Char('U')], Act::Users, "users", "", "users of the tenant"),
    bind(&[Key::Char('r')], Act::Rerun, "re-run", "", "run the import of the tenant again (asks)"),
];

const DAY: usize = 0;
const PURCHASED: usize = 1;
const ASSIGNED: usize = 2;
const UNASSIGNED: usize = 3;
const HELD: usize = 4;
const SOLD: usize = 5;
const CHANGE: usize = 6;

static COLUMNS: [Column; 7] = [
    column("DAY", 11, false),
    column("PURCHASED", 9, true),
    column("ASSIGNED", 8, true),
    column("UNASSIGNED", 10, true),
    column("HELD", 7, true),
    column("SOLD", 7, true),
    column("CHANGE", 19, false),
];

static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: CHANGE,
    fits: &[Fit::Drop(SOLD), Fit::Narrow(CHANGE, 12), Fit::Drop(UNASSIGNED)],
};

/// How much of the time the chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zoom {
    Week,
    Month,
    Quarter,
    Year,
    All,
}

impl Zoom {
    const fn days(self) -> Option<i64> {
        match self {
            Zoom::Week => Some(7),
            Zoom::Month => Some(31),
            Zoom::Quarter => Some(92),
            Zoom::Year => Some(366),
            Zoom::All => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Zoom::Week => "week",
            Zoom::Month => "month",
            Zoom::Quarter => "quarter",
            Zoom::Year => "year",
            Zoom::All => "all",
        }
    }

    const fn next(self) -> Self {
        match self {
            Zoom::Week => Zoom::Month,
            Zoom::Month => Zoom::Quarter,
            Zoom::Quarter => Zoom::Year,
            Zoom::Year => Zoom::All,
            Zoom::All => Zoom::Week,
        }
    }
}

/// A day as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    counts: LicenseDay,
    /// What moved since the last that was known of it, in words; empty if nothing did.
    change: String,
    /// By how much most of it moved.
    moved: u64,
    /// Whether the row is shown among the changes.
    tells: bool,
}

impl Filterable for Row {
    const FIELDS: &'static [&'static str] = &["day", "purchased", "assigned", "unassigned", "held", "sold", "change"];

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        [self.counts.day.to_string().into(), self.change.as_str().into()].into_iter()
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        let count = |n: Option<i64>| n.map(|n| n.to_string().into());
        match name {
            "day" => Some(self.counts.day.to_string().into()),
            "purchased" => count(self.counts.purchased),
            "assigned" => count(self.counts.assigned),
            "unassigned" => count(self.counts.unassigned()),
            "held" => self.counts.held.map(|n| n.to_string().into()),
            "sold" => count(self.counts.sold),
            "change" => Some(self.change.as_str().into()),
            _ => None,
        }
    }

    fn is_hit(&self, field: &str, term: &Term) -> bool {
        if field == "change" && !self.change.is_empty() {
            return self.change.split(", ").any(|change| term.hits(Some(change)));
        }
        term.hits(self.field(field).as_deref())
    }
}

/// A count of a day, as far as it is known.
type Count = fn(&LicenseDay) -> Option<i64>;

/// The days of a product as rows, the oldest first.
fn rows_of(history: &LicenseHistory) -> Vec<Row> {
    /// What is compared, in the order in which it is told.
    const COUNTS: [(&str, Count); 4] = [
        ("assigned", |day| day.assigned),
        ("purchased", |day| day.purchased),
        ("held", |day| day.held.and_then(|held| i64::try_from(held).ok())),
        ("sold", |day| day.sold),
    ];
    let mut rows: Vec<Row> = Vec::with_capacity(history.rows.len());
    let mut known: [Option<i64>; 4] = [None; 4];
    let (mut before, mut listed): (Option<Date>, Option<bool>) = (None, None);
    for day in &history.rows {
        let mut said: Vec<String> = Vec::new();
        let mut steps: Vec<i64> = Vec::new();
        for ((name, of), known) in COUNTS.iter().zip(&mut known) {
            let Some(now) = of(day) else { continue };
            let step = known.replace(now).map_or(0, |before| now.saturating_sub(before));
            // Who is given a license holds it: that is told once.
            let is_told = *name == "held" && steps.first() == Some(&step) && said.len() == 1;
            if step != 0 && !is_told {
                said.push(format!("{name} {}", by(step)));
            }
            if step != 0 {
                steps.push(step);
            }
        }
        let gap = before.map_or((0, 0), |before| missing(history, before, day.day));
        match gap {
            (0, 0) => {}
            (0, absent) => said.push(format!("not there for {}", words::of(absent, "day"))),
            (gap, _) => said.push(format!("no import for {}", words::of(gap, "day"))),
        }
        if before.is_none() {
            said.push("first day kept".to_owned());
        }
        let was_listed = day.listed.and_then(|now| listed.replace(now));
        match (was_listed, day.listed) {
            (Some(true), Some(false)) => said.push("no longer listed".to_owned()),
            (Some(false), Some(true)) => said.push("listed again".to_owned()),
            (Some(_) | None, Some(_) | None) => {}
        }
        let tells = !said.is_empty();
        match day.listed {
            None => said.push("SKUs not read".to_owned()),
            Some(false) if !tells => said.push("not listed".to_owned()),
            Some(_) => {}
        }
        let moved = steps.iter().map(|step| step.unsigned_abs()).max().unwrap_or(0);
        rows.push(Row { counts: *day, change: said.join(", "), moved, tells });
        before = Some(day.day);
    }
    if let Some(newest) = rows.last_mut() {
        newest.tells = true;
    }
    rows
}

/// By how much something moved, with its sign.
fn by(step: i64) -> String {
    if step > 0 { format!("+{}", words::signed(step)) } else { words::signed(step) }
}

/// Days between two, neither of them counted: those without an import, and those with one that did not have the product.
fn missing(history: &LicenseHistory, before: Date, day: Date) -> (u64, u64) {
    let between = u64::try_from(before.until(day).map_or(0, |span| span.get_days()) - 1).unwrap_or(0);
    let from = history.read.partition_point(|read| *read <= before);
    let to = history.read.partition_point(|read| *read < day);
    let read = to.saturating_sub(from) as u64;
    (between.saturating_sub(read), read)
}

/// The counts of a product, day by day.
#[derive(Debug)]
pub(crate) struct LicenseDays {
    of: TenantKey,
    sku_id: SkuId,
    list: Listing<Date>,
    filter: Filter,
    all: bool,
    /// Absent until an operator chose one.
    zoom: Option<Zoom>,
    /// How often something changed that the store must be asked about.
    round: u64,
    /// When the tenant's data were read, as the store was asked about them.
    read_at: Option<[Option<jiff::Timestamp>; 3]>,
    told: Option<LicenseHistory>,
    asked_at: Option<jiff::Timestamp>,
    failed: Option<Text>,
    /// The oldest first.
    rows: Vec<Row>,
}

impl LicenseDays {
    /// Of a product of a tenant.
    pub(crate) fn new(tenant: TenantKey, sku_id: SkuId) -> Self {
        Self {
            of: tenant,
            sku_id,
            list: Listing::new(&LAYOUT, false),
            filter: Filter::default(),
            all: false,
            zoom: None,
            round: 0,
            read_at: None,
            told: None,
            asked_at: None,
            failed: None,
            rows: Vec::new(),
        }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.of)
    }

    /// The product as the tenant has it now.
    fn sku(&self, cx: &Cx<'_>) -> Option<SkuCount> {
        let counts = self.tenant(cx)?.sku_counts.to_vec();
        counts.into_iter().find(|sku| sku.sku_id == Some(self.sku_id))
    }

    /// What users have in their lists of licenses: the part number, else the id.
    fn part(&self, cx: &Cx<'_>) -> String {
        let part = self.sku(cx).and_then(|sku| sku.part_number).filter(|part| !part.is_empty());
        part.map_or_else(|| self.sku_id.to_string(), |part| part.to_string())
    }

    fn name(&self, cx: &Cx<'_>) -> String {
        let part = self.sku(cx).and_then(|sku| sku.part_number);
        cx.fleet.catalog.name(Some(self.sku_id), part.as_deref()).into_owned()
    }

    fn row(&self) -> Option<&Row> {
        self.at(*self.list.cursor()?)
    }

    fn at(&self, day: Date) -> Option<&Row> {
        let at = self.rows.binary_search_by_key(&day, |row| row.counts.day).ok()?;
        self.rows.get(at)
    }

    fn order(&self) -> Vec<Date> {
        let mut rows: Vec<&Row> =
            self.rows.iter().filter(|row| self.all || row.tells).filter(|row| self.filter.matches(*row)).collect();
        let sort = self.list.sort();
        rows.sort_by(|a, b| compare(a, b, sort).then_with(|| b.counts.day.cmp(&a.counts.day)));
        if self.list.is_reversed() {
            rows.reverse();
        }
        rows.into_iter().map(|row| row.counts.day).collect()
    }

    fn replace(&mut self) {
        self.list.replace(self.order(), self.rows.len());
    }

    /// What the chart shows: up to today, or up to the day under the cursor's own time where all is shown.
    fn zoom(&self, cx: &Cx<'_>) -> Zoom {
        let kept = self.first().and_then(|first| first.until(day_of(cx.now)).ok()).map_or(0, |span| span.get_days());
        // A history that is young is shown whole.
        self.zoom.unwrap_or(if kept < 92 { Zoom::All } else { Zoom::Quarter })
    }

    fn first(&self) -> Option<Date> {
        self.told.as_ref()?.read.first().copied()
    }

    fn span(&self, cx: &Cx<'_>) -> Span {
        let today = day_of(cx.now);
        let back = |days: i64| today.checked_sub((days - 1).days()).unwrap_or(today);
        let from = match self.zoom(cx).days() {
            Some(days) => back(days),
            None => self.first().unwrap_or(today).min(back(7)),
        };
        Span::between(from, today)
    }

    fn dead(&self, act: Act, cx: &Cx<'_>) -> Option<String> {
        match act {
            Act::Zoom | Act::All => None,
            Act::Holders | Act::Licenses | Act::Why | Act::Users | Act::Rerun => {
                self.tenant(cx).is_none().then(|| "the tenant is not known".to_owned())
            }
        }
    }

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        if let Some(why) = self.dead(act, cx) {
            return Effect::Say(why);
        }
        match act {
            Act::Holders => {
                let term = counts::term(UserField::License, Some(&self.part(cx)));
                Effect::Narrow(ScreenId::Users(self.of.clone()), term)
            }
            Act::Zoom => {
                self.zoom = Some(self.zoom(cx).next());
                Effect::Nothing
            }
            Act::All => {
                self.all = !self.all;
                self.replace();
                Effect::Nothing
            }
            Act::Licenses => Effect::Open(ScreenId::Licenses(self.of.clone())),
            Act::Why => Effect::Open(ScreenId::Why(self.of.clone())),
            Act::Users => Effect::Open(ScreenId::Users(self.of.clone())),
            Act::Rerun => rerun(vec![self.of.clone()], cx),
        }
    }

    /// How much of the time is shown, and how old the newest of it is; what stands for what.
    fn draw_span(&self, page: &mut Page<'_>, y: u16, span: Span, cx: &Cx<'_>) {
        let zoom = self.zoom(cx);
        let days = self.told.as_ref().map_or(&[][..], |told| &told.rows);
        let read = self.told.as_ref().and_then(|told| told.read.last());
        let old = read.map_or(0, |read| read.until(day_of(cx.now)).map_or(0, |span| span.get_days()));
        let words = |all: &str, last: &str, newest: &str| {
            let shown = match zoom {
                Zoom::All => format!("{all}{}", words::of(span.days as u64, "day")),
                Zoom::Week | Zoom::Month | Zoom::Quarter | Zoom::Year => format!("{last}{}", zoom.name()),
            };
            let line = Line::from(shown);
            let lost = self.told.as_ref().map_or(0, |told| told.unreadable.len() as u64);
            let line = if old > 1 { line.and(Meaning::Aging, format!(", {newest}{old}d old")) } else { line };
            if lost > 0 { line.and(Meaning::Aging, format!(", {} unreadable", words::of(lost, "month"))) } else { line }
        };
        let [short, long] = chart::LEGENDS;
        let wide = words("all ", "last ", "newest ");
        let width = usize::from(page.main.width);
        let fits = |line: &Line, legend: &str| line.text().len() + legend.len() + 2 <= width;
        let line = if fits(&wide, short) { wide } else { words("", "", "") };
        let legend = if fits(&line, long) && chart::has_held_alone(days, span) { long } else { short };
        page.line(y, &line);
        page.right(y, line.text().len(), legend, Meaning::Plain);
    }

    fn draw_empty(&self, page: &mut Page<'_>, y: u16, cx: &Cx<'_>) {
        let (said, key) = if let Some(why) = &self.failed {
            (format!("The history cannot be shown: {why}."), cx.hint("fresh", "tries again"))
        } else if self.told.is_none() {
            (cx.waiting(self.asked_at.unwrap_or(cx.now), "Reading the history from the store"), String::new())
        } else if self.rows.is_empty() {
            ("No day of this product is kept yet: its next import is the first.".into(), cx.hint("re-run", "runs it"))
        } else {
            let hidden = words::count(self.rows.len() as u64);
            let said = format!("No day matches \"{}\".  {hidden} hidden by the filter.", self.list.filter());
            (said, cx.hint("clear", "clears it"))
        };
        Listing::<Date>::draw_empty(page, y, &said, &key);
    }

    /// The product now, then month by month: what each month ended with.
    fn pane(&self, cx: &Cx<'_>) -> Vec<Line> {
        let caption = |text: String| Line::of(Meaning::Caption, text);
        let mut lines = vec![caption(self.name(cx))];
        if let Some(part) = self.sku(cx).and_then(|sku| sku.part_number) {
            lines.push(format!("part number {part}").into());
        }
        lines.push(self.sku_id.to_string().into());
        lines.push(Line::default());
        lines.push(caption("AT THE END OF EACH MONTH".to_owned()));
        lines.push(caption(format!("{:<9} {:>9} {:>8} {:>8}", "MONTH", "PURCHASED", "ASSIGNED", "HELD")));
        let month = |row: &Row| (row.counts.day.year(), row.counts.day.month());
        let months: Vec<&[Row]> = self.rows.chunk_by(|a, b| month(a) == month(b)).collect();
        for rows in months.into_iter().rev() {
            let Some(newest) = rows.last() else { continue };
            let last = |of: Count| number(rows.iter().rev().find_map(|row| of(&row.counts)));
            let held = |day: &LicenseDay| day.held.and_then(|held| i64::try_from(held).ok());
            let (purchased, assigned) = (last(|day| day.purchased), last(|day| day.assigned));
            let name = newest.counts.day.strftime("%b %Y").to_string();
            lines.push(format!("{name:<9} {purchased:>9} {assigned:>8} {:>8}", last(held)).into());
        }
        lines
    }
}

fn compare(a: &Row, b: &Row, sort: Option<usize>) -> Ordering {
    let most = |of: Count| of(&b.counts).cmp(&of(&a.counts));
    match sort {
        Some(PURCHASED) => most(|day| day.purchased),
        Some(ASSIGNED) => most(|day| day.assigned),
        Some(UNASSIGNED) => {
            let key = |row: &Row| row.counts.unassigned().unwrap_or(i64::MAX);
            key(a).cmp(&key(b))
        }
        Some(HELD) => b.counts.held.cmp(&a.counts.held),
        Some(SOLD) => most(|day| day.sold),
        Some(CHANGE) => Reverse(a.moved).cmp(&Reverse(b.moved)),
        Some(DAY | _) | None => Ordering::Equal,
    }
}

fn number(n: Option<i64>) -> String {
    n.map_or_else(|| "-".to_owned(), words::signed)
}

/// A day as short as it can be said today.
fn day_words(day: Date, today: Date) -> String {
    if day == today {
        "today".to_owned()
    } else if day.year() == today.year() {
        day.strftime("%-d %b").to_string()
    } else {
        day.strftime("%-d %b %Y").to_string()
    }
}

fn cells(row: &Row, today: Date) -> Vec<Piece> {
    let plain = |text: String| Piece { text, meaning: Meaning::Plain };
    let counts = &row.counts;
    let unassigned = counts.unassigned();
    let look = if unassigned.is_some_and(|n| n < 0) { Meaning::Broken } else { Meaning::Plain };
    vec![
        plain(day_words(counts.day, today)),
        plain(number(counts.purchased)),
        plain(number(counts.assigned)),
        Piece { text: number(unassigned), meaning: look },
        plain(counts.held.map_or_else(|| "-".to_owned(), words::count)),
        plain(number(counts.sold)),
        plain(row.change.clone()),
    ]
}

/// How one count moved in a span, and since when where it did: `assigned 189 -> 197` since 10 Nov, `purchased 200,
/// unchanged for 92 days`.
fn course(name: &str, rows: &[Row], span: Span, of: Count) -> Option<(String, Option<Date>)> {
    let known = || rows.iter().filter_map(|row| Some((row.counts.day, of(&row.counts)?)));
    let here = || known().filter(|(day, _)| span.holds(*day));
    let ((since, first), (_, last)) = (here().next()?, here().next_back()?);
    let (low, high) = (here().map(|(_, n)| n).min()?, here().map(|(_, n)| n).max()?);
    let now = words::signed(last);
    Some(if first != last {
        (format!("{name} {} -> {now}", words::signed(first)), Some(since))
    } else if low != high {
        (format!("{name} {now} as before, {} to {} between", words::signed(low), words::signed(high)), None)
    } else {
        let (stands, _) = known().rev().take_while(|(_, n)| *n == last).last()?;
        let (newest, _) = known().next_back()?;
        match u64::try_from(stands.until(newest).map_or(0, |span| span.get_days())).unwrap_or(0) {
            0 => (format!("{name} {now}"), None),
            days => (format!("{name} {now}, unchanged for {}", words::of(days, "day")), None),
        }
    })
}

/// How the counts moved in a span, in a sentence; it is cut where the page ends.
fn answer(rows: &[Row], span: Span, today: Date) -> String {
    let assigned = course("assigned", rows, span, |day| day.assigned);
    let purchased = course("purchased", rows, span, |day| day.purchased);
    let held = || course("held", rows, span, |day| day.held.and_then(|held| i64::try_from(held).ok()));
    let said = |(text, since): (String, Option<Date>)| match since {
        Some(since) => format!("{text} since {}", day_words(since, today)),
        None => text,
    };
    // What the list of SKUs no longer has stands as it stood then; what users hold is counted on.
    let newest = rows.iter().rev().take_while(|row| row.counts.listed != Some(true));
    let gone = newest.filter(|row| row.counts.listed == Some(false)).last();
    if let Some(gone) = gone {
        let since = format!("not listed since {}", day_words(gone.counts.day, today));
        return held().map_or(since.clone(), |held| format!("{since}; {}", said(held)));
    }
    match (assigned.or_else(held), purchased) {
        (Some((one, Some(a))), Some((other, Some(b)))) if a == b => said((format!("{one}, {other}"), Some(a))),
        (Some(one), Some(other)) => format!("{}; {}", said(one), said(other)),
        (Some(one), None) | (None, Some(one)) => said(one),
        (None, None) => rows.last().map_or_else(String::new, |newest| {
            format!("nothing is kept of these days; the newest is {}", day_words(newest.counts.day, today))
        }),
    }
}

impl Screen for LicenseDays {
    fn id(&self) -> ScreenId {
        ScreenId::LicenseHistory(self.of.clone(), self.sku_id)
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self.tenant(cx).map_or_else(|| self.of.to_string(), |tenant| tenant.title().to_owned());
        vec![name, "Licenses".to_owned(), format!("{} by day", self.name(cx))]
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act, cx));
        for row in &mut keys {
            if row.name == "problems" && self.all {
                row.foot = "changes";
            }
        }
        keys.extend(self.list.keys());
        keys
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        if let Some(act) = find(KEYS, key) {
            return Some(self.act(act, cx));
        }
        let fresh = Listing::<Date>::act(key) == Some(crate::tui::listing::Move::Fresh);
        match self.list.press(key, &mut self.filter)? {
            Pressed::Effect(effect) => Some(effect),
            Pressed::Rows => {
                if fresh {
                    self.round += 1;
                    self.failed = None;
                }
                self.replace();
                Some(Effect::Nothing)
            }
        }
    }

    fn click(&mut self, row: u16, _: &Cx<'_>) {
        self.list.click(row);
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        self.asked_at.get_or_insert(cx.now);
        let read_at = self.tenant(cx).map(|tenant| {
            let at = |set: &crate::model::DataSet| set.good.as_ref().map(|good| good.at);
            [at(&tenant.users), at(&tenant.skus), tenant.sold.as_ref().and_then(|sold| sold.read_at)]
        });
        if read_at != self.read_at {
            self.read_at = read_at;
            self.round += 1;
        }
    }

    fn look(&self, cx: &Cx<'_>) -> Option<Look> {
        self.tenant(cx)?;
        Some(Look::LicenseHistory { tenant: self.of.clone(), sku_id: self.sku_id, round: self.round })
    }

    fn seen(&mut self, seen: &Seen, _: &Cx<'_>) {
        match &seen.found {
            Ok(Found::LicenseHistory(told)) => {
                self.rows = rows_of(told);
                self.failed = None;
                // A day that came is the newest: the list grows at its top.
                let order = self.order();
                let first = self.told.replace(told.clone()).is_none();
                let exists = |day: &Date| self.rows.binary_search_by_key(day, |row| row.counts.day).is_ok();
                if first || self.list.refresh(exists, &order, self.rows.len()) {
                    self.list.replace(order, self.rows.len());
                }
            }
            Ok(
                Found::Away
                | Found::Audit(_)
                | Found::Chain(_)
                | Found::Users(_)
                | Found::Counts { .. }
                | Found::Tries(_)
                | Found::Diff(_)
                | Found::Allocation(_),
            ) => {}
            Err(why) => self.failed = Some(why.clone()),
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        if self.tenant(cx).is_none() {
            page.line(top + 1, &"This tenant is not known here: no customer list holds it.".into());
            return;
        }
        if self.rows.is_empty() {
            self.draw_empty(page, top + 1, cx);
            return;
        }
        let (span, today) = (self.span(cx), day_of(cx.now));
        match &self.failed {
            Some(why) => {
                let said = format!("Newer days cannot be read: {why}.   {}", cx.hint("fresh", "tries again"));
                page.line(top, &Line::of(Meaning::Broken, said));
            }
            None => page.line(top, &answer(&self.rows, span, today).into()),
        }
        self.draw_span(page, top + 1, span, cx);
        let height = page.main.height;
        let rows = match height {
            ..14 => 3,
            14..24 => 6,
            24..40 => 8,
            _ => 14,
        };
        if let Some(told) = &self.told {
            let cursor = self.list.cursor().copied();
            let name = |day| day_words(day, today);
            chart::draw(page, (top + 2, rows), (&told.rows, &told.read), span, cursor, name);
        }
        let below = top + 2 + rows + 2;
        let what = if self.all { "all days" } else { "changes" };
        self.list.draw_state(page, below, what, "newest day", cx);
        let detail = if height >= 18 { 2 } else { 0 };
        let room = bottom.saturating_sub(below + 2 + detail);
        let mut list = std::mem::replace(&mut self.list, Listing::new(&LAYOUT, false));
        list.draw(page, below + 1, room, |day| self.at(*day).map(|row| cells(row, today)).unwrap_or_default());
        self.list = list;
        if self.list.order().is_empty() {
            self.draw_empty(page, below + 3, cx);
        }
        if let Some(row) = self.row().filter(|_| detail > 0) {
            page.rule(bottom - 2, &row.counts.day.strftime("%A %-d %B %Y").to_string());
            let said = if row.change.is_empty() { "nothing changed" } else { &row.change };
            page.line(bottom - 1, &said.into());
        }
        if page.pane.is_some() {
            page.fill_pane(&self.pane(cx));
        }
    }

    fn filter(&self) -> String {
        self.list.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, _: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<Row>(text)?;
        self.list.set_filter(text);
        self.replace();
        Ok(())
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.of.clone()]
    }

    fn product(&self, _: &Cx<'_>) -> Option<SkuId> {
        Some(self.sku_id)
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let line = |row: &Row| {
            let mut texts: Vec<String> = cells(row, day_of(cx.now)).into_iter().map(|cell| cell.text).collect();
            if let Some(day) = texts.first_mut() {
                *day = row.counts.day.to_string();
            }
            texts.join("\t")
        };
        let mut items = vec![CopyItem { letter: 'i', what: "sku id", text: self.sku_id.to_string() }];
        items.extend(self.row().map(|row| CopyItem { letter: 'r', what: "row", text: line(row) }));
        let shown: Vec<String> = self.list.order().iter().filter_map(|day| self.at(*day)).map(line).collect();
        if !shown.is_empty() {
            items.push(CopyItem { letter: 'a', what: "all rows", text: shown.join("\n") });
        }
        items
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let tenant = self.tenant(cx)?;
        let name = self.name(cx);
        let count = |n: Option<i64>| n.map_or_else(String::new, |n| n.to_string());
        let rows = self.list.order().iter().filter_map(|day| self.at(*day)).map(|row| {
            let counts = &row.counts;
            vec![
                counts.day.to_string(),
                count(counts.purchased),
                count(counts.assigned),
                count(counts.unassigned()),
                counts.held.map_or_else(String::new, |held| held.to_string()),
                count(counts.sold),
                row.change.clone(),
                name.clone(),
                self.sku_id.to_string(),
                tenant.title().to_owned(),
                tenant.key.tenant.to_string(),
            ]
        });
        let titles = vec![
            "DAY",
            "PURCHASED",
            "ASSIGNED",
            "UNASSIGNED",
            "HELD",
            "SOLD",
            "CHANGE",
            "PRODUCT",
            "SKU ID",
            "TENANT",
            "TENANT ID",
        ];
        Some(Sheet {
            name: "license-days",
            instead: "q, then tenantop licenses --history --format csv",
            body: Body::Rows { titles, rows: rows.collect() },
        })
    }
}
