//! Allocation: what do licenses cost each business unit, and what would other rules move?

mod dress;
mod eye;
pub(crate) mod people;
pub(crate) mod pricing;
pub(crate) mod reason;

use std::sync::Arc;

use jiff::Timestamp;

use eye::Eye;

use super::{CopyItem, Cx, Effect, Saved, Screen, ScreenId, words};
use crate::model::allocation::{
    Allocating, AllocationAsk, AllocationSeen, Draft, Month, MonthState, Preview, RowKind, Rules, Sheet as CostSheet,
    SheetLine, SheetRow, Standing, UnitMask, UnitPath, cells, says,
};
use crate::model::{Command, Filter, FilterError, Key as TenantKey, Look, Seen, Tenant, Text};
use crate::tui::drafts::Drafted;
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Column, Fit, Layout, Listing, Move, Pressed, column};
use crate::tui::overlays::{Answer, Question};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Rules,
    Spelling,
    Pin,
    Up,
    Down,
    Away,
    Undo,
    Save,
    Before,
    After,
    Close,
    Prices,
    Licenses,
    Why,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "users", "open the users of the unit, or the rule; never a yes"),
    bind(&[Key::Char('V')], Act::Rules, "rule-list", "rules", "the rules in their order, or the units again"),
    bind(&[Key::Char('T')], Act::Spelling, "spelling", "spellings", "a rule that takes spellings of a value for one, in the draft"),
    bind(&[Key::Char('+')], Act::Pin, "make-rule", "", "a rule of the value that the unit is called after, in the draft"),
    bind(&[Key::Char('(')], Act::Up, "rule-up", "", "the rule one place up, in the draft"),
    bind(&[Key::Char(')')], Act::Down, "rule-down", "", "the rule one place down, in the draft"),
    bind(&[Key::Delete], Act::Away, "rule-away", "", "take the rule away, in the draft"),
    bind(&[Key::Char('z')], Act::Undo, "undo", "undo", "take the last change of the draft back"),
    bind(&[Key::Char('s')], Act::Save, "save", "save", "save the draft: with a reason (asks)"),
    bind(&[Key::Char(',')], Act::Before, "month-before", "month", "the month before"),
    bind(&[Key::Char('.')], Act::After, "month-after", "", "the month after"),
    bind(&[Key::Char('$')], Act::Prices, "prices", "prices", "prices of the tenant: what a seat of each product costs"),
    bind(&[Key::Char('M')], Act::Close, "close-month", "close", "close the month: data, prices and rules are frozen; open a closed one again (asks)"),
    bind(&[Key::Char('l')], Act::Licenses, "licenses", "", "licenses of the tenant"),
    bind(&[Key::Char('e')], Act::Why, "why", "", "explain: why the tenant stands as it does"),
];

const UNIT: usize = 0;
const USERS: usize = 1;
const SEATS: usize = 2;
const AMOUNT: usize = 3;
const SHARE: usize = 4;
const CHANGE: usize = 5;

static COLUMNS: [Column; 7] = [
    column("UNIT", 24, false),
    column("USERS", 7, true),
    column("SEATS", 7, true),
    column("AMOUNT", 13, true),
    column("SHARE", 6, true),
    column("CHANGE", 10, true),
    column("RULE", 4, false),
];

static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: UNIT,
    fits: &[Fit::Drop(6), Fit::Drop(SHARE), Fit::Narrow(UNIT, 19), Fit::Drop(SEATS)],
};

static RULE_COLUMNS: [Column; 4] =
    [column("RULE", 5, false), column("SAYS", 48, false), column("HOLDS", 9, true), column("TAKES", 9, true)];

static RULE_LAYOUT: Layout = Layout { columns: &RULE_COLUMNS, grow: 1, fits: &[Fit::Narrow(1, 30)] };

/// What is typed for an operator who saves; the reason is theirs.
const SAVE: &str = "save-rules ";
/// The same for one who opens a month again.
const REOPEN: &str = "reopen-month ";

type RowKey = (RowKind, UnitPath);

/// What was seen of a month.
#[derive(Debug, Clone)]
struct Told {
    sheet: CostSheet,
    closed: bool,
    preview: Option<Box<Preview>>,
    /// The rules in force, and those that are worked on.
    rules: Arc<Rules>,
    at_work: Arc<Rules>,
    saved: Option<(Text, Timestamp)>,
    months: Vec<Standing>,
    /// Whether the rules name people who are masked for this role.
    masked: bool,
}

impl Told {
    /// The same without what tells who somebody is.
    fn without_people(&self) -> Self {
        let mut told = self.clone();
        let then = self.preview.as_ref().map(|preview| (&*self.at_work, &*preview.then));
        let sheets: Vec<(&Rules, &CostSheet)> =
            [Some((&*self.rules, &self.sheet)), then].into_iter().flatten().collect();
        let names = UnitMask::of_sheets(&sheets);
        told.sheet.mask(&self.rules, &names);
        if let Some(preview) = &mut told.preview {
            preview.mask(&self.at_work, &names);
        }
        (told.rules, told.at_work) = (Arc::new(self.rules.masked(&names)), Arc::new(self.at_work.masked(&names)));
        told
    }
}

/// The allocation of a tenant.
#[derive(Debug)]
pub(crate) struct Allocation {
    eye: Eye,
    month: Option<Month>,
    /// What is not saved, as the session keeps it.
    drafted: Drafted,
    /// Whether the rules are listed instead of the units.
    lists_rules: bool,
    units: Listing<RowKey>,
    rules: Listing<u32>,
    filter: Filter,
    /// What was seen, and the same where people are masked.
    told: Option<Box<[Told; 2]>>,
}

impl Allocation {
    /// Of a tenant: the month that it is.
    pub(crate) fn new(tenant: TenantKey) -> Self {
        Self {
            eye: Eye::new(tenant),
            month: None,
            drafted: Drafted::default(),
            lists_rules: false,
            units: Listing::new(&LAYOUT, false),
            rules: Listing::new(&RULE_LAYOUT, false),
            filter: Filter::default(),
            told: None,
        }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        self.eye.tenant(cx)
    }

    fn told(&self) -> Option<&Told> {
        self.told.as_deref().map(|[told, _]| told)
    }

    /// What was seen, as it may be shown.
    fn shown(&self, cx: &Cx<'_>) -> Option<&Told> {
        self.told.as_deref().map(|[told, masked]| if cx.options.privacy { masked } else { told })
    }

    fn month(&self, cx: &Cx<'_>) -> Month {
        self.month.unwrap_or(Month::of(cx.now))
    }

    /// The rules of the draft.
    fn draft(&self) -> Option<Arc<Rules>> {
        self.drafted.draft().rules
    }

    /// The rules that are worked on: those of the draft, else those in force.
    fn at_work(&self) -> Option<Arc<Rules>> {
        self.draft().or_else(|| self.told().map(|told| Arc::clone(&told.rules)))
    }

    /// The sheet that is worked on: with a draft, what it would make of it.
    fn sheet_at_work(&self) -> Option<&CostSheet> {
        let told = self.told()?;
        Some(told.preview.as_ref().map_or(&told.sheet, |preview| &preview.then))
    }

    fn row(&self) -> Option<&SheetRow> {
        let key = self.units.cursor()?;
        self.told()?.sheet.rows.get(self.place(key)?)
    }

    /// The place of a row on the sheet: the same where people are masked.
    fn place(&self, (kind, unit): &RowKey) -> Option<usize> {
        self.told()?.sheet.rows.iter().position(|row| row.kind == *kind && row.unit == *unit)
    }

    /// Asks for another month, or for what another draft moves: anew even where keys lead back to what was asked for last.
    fn again(&mut self, cx: &Cx<'_>) {
        self.eye.changed(self.month(cx), cx);
        self.eye.again(cx);
    }

    /// Why the rules cannot be worked on here.
    fn no_draft(&self) -> Option<String> {
        match self.told() {
            None => Some("there is no sheet yet".to_owned()),
            Some(told) if told.closed => Some("the month is closed: no rule changes it".to_owned()),
            Some(told) if told.masked => {
                Some("the rules name people, who are masked for your role: nothing can be made of them".to_owned())
            }
            Some(_) if self.drafted.is_of_prices() => {
                Some("a draft of prices is not saved: save it or take it back first".to_owned())
            }
            Some(_) => None,
        }
    }

    fn dead(&self, act: Act, cx: &Cx<'_>) -> Option<String> {
        let reads = |why: &str| Some(why.to_owned());
        match act {
            Act::Open if self.lists_rules && self.rules.cursor().is_none() => reads("no rule is under the cursor"),
            Act::Open if !self.lists_rules => match self.row() {
                None => reads("no unit is under the cursor"),
                Some(row) if !matches!(row.kind, RowKind::Unit | RowKind::Untracked) => reads("nobody holds these"),
                Some(row) if row.users == 0 => reads("no user is there"),
                Some(_) => None,
            },
            Act::Spelling => self.no_draft().or_else(|| match self.joined() {
                None => reads("no value is spelled in several ways that a rule could join"),
                Some(_) => None,
            }),
            Act::Pin => self.no_draft().or_else(|| match self.pinned() {
                None => reads("no unit that a rule made of one value is under the cursor"),
                Some(_) => None,
            }),
            Act::Up | Act::Down | Act::Away => self.no_draft().or_else(|| {
                (!self.lists_rules || self.rules.cursor().is_none()).then(|| "no rule is under the cursor".to_owned())
            }),
            Act::Undo | Act::Save if self.drafted.is_empty() => reads("there is no draft"),
            Act::Before | Act::After if !self.drafted.is_empty() => {
                reads("a draft is not saved: save it or take it back first")
            }
            Act::After if self.month(cx) >= Month::of(cx.now) => reads("the next month has not begun"),
            Act::Close => self.no_close(),
            Act::Open
            | Act::Rules
            | Act::Undo
            | Act::Save
            | Act::Before
            | Act::After
            | Act::Prices
            | Act::Licenses
            | Act::Why => None,
        }
    }

    fn no_close(&self) -> Option<String> {
        if !self.drafted.is_empty() {
            return Some("a draft is not saved".to_owned());
        }
        let Some(told) = self.told() else { return Some("there is no sheet yet".to_owned()) };
        if told.closed {
            return None;
        }
        told.sheet.stops().first().map(|check| format!("a check fails: {}", check.said))
    }

    fn joined(&self) -> Option<(Rules, Text)> {
        let rules = self.at_work()?;
        self.sheet_at_work()?.clusters.iter().find_map(|cluster| rules.joined(cluster))
    }

    fn pinned(&self) -> Option<(Rules, Text)> {
        let rules = self.at_work()?;
        let (kind, unit) = self.units.cursor().filter(|_| !self.lists_rules)?;
        let row = self.sheet_at_work()?.rows.iter().find(|row| row.kind == *kind && row.unit == *unit)?;
        let (attribute, value) = rules.origin(row)?;
        rules.pinned(attribute, value)
    }

    /// Goes on from other rules.
    fn change(&mut self, change: Option<(Rules, Text)>, cx: &Cx<'_>) -> Effect {
        let Some((rules, said)) = change else { return Effect::Say("the rule cannot go further".to_owned()) };
        let from = self.told().and_then(|told| told.sheet.facts.rules).unwrap_or(0);
        self.drafted.push(Draft { rules: Some(Arc::new(rules)), prices: None }, said, from);
        self.keep(cx);
        Effect::Nothing
    }

    /// The draft is another one: the session keeps it, and what it moves is asked for.
    fn keep(&mut self, cx: &Cx<'_>) {
        cx.drafts().keep(&self.eye.of, &self.drafted);
        self.rework(cx);
    }

    /// Goes on with the draft as it is.
    fn rework(&mut self, cx: &Cx<'_>) {
        if let Some((mut told, at_work)) = self.told().cloned().zip(self.at_work()) {
            told.at_work = at_work;
            let masked = told.without_people();
            self.told = Some(Box::new([told, masked]));
        }
        self.again(cx);
        self.replace();
    }

    /// A rule that is moved or taken away, and what is said of it.
    fn shifted(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        let Some((rules, number)) = self.at_work().zip(self.rules.cursor().copied()) else {
            return Effect::Nothing;
        };
        let place = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        let (change, target) = match act {
            Act::Up => (rules.moved(place, true), number.saturating_sub(1)),
            Act::Down => (rules.moved(place, false), number + 1),
            Act::Away => (rules.without(place), number),
            Act::Open
            | Act::Rules
            | Act::Spelling
            | Act::Pin
            | Act::Undo
            | Act::Save
            | Act::Before
            | Act::After
            | Act::Close
            | Act::Prices
            | Act::Licenses
            | Act::Why => (None, number),
        };
        let said = match act {
            Act::Away => format!("R{number} taken away"),
            Act::Open
            | Act::Rules
            | Act::Spelling
            | Act::Pin
            | Act::Up
            | Act::Down
            | Act::Undo
            | Act::Save
            | Act::Before
            | Act::After
            | Act::Close
            | Act::Prices
            | Act::Licenses
            | Act::Why => {
                let where_to = if target < number { "up" } else { "down" };
                format!("R{number} is R{target}: one place {where_to}")
            }
        };
        let effect = self.change(change.map(|rules| (rules, said.into())), cx);
        self.rules.go_to(&target);
        effect
    }

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        if let Some(why) = self.dead(act, cx) {
            return Effect::Say(why);
        }
        match act {
            Act::Open if self.lists_rules => {
                let rule = self.rules.cursor().and_then(|number| usize::try_from(*number).ok()?.checked_sub(1));
                let rule = rule.and_then(|at| self.shown(cx)?.at_work.rules.get(at));
                rule.map_or(Effect::Nothing, |rule| Effect::Show { title: "rule".to_owned(), lines: dress::rule(rule) })
            }
            Act::Open => match self.units.cursor() {
                Some((kind, unit)) => {
                    let unit = (*kind == RowKind::Unit).then(|| unit.clone());
                    Effect::Open(ScreenId::AllocationUsers(self.eye.of.clone(), self.month(cx), unit))
                }
                None => Effect::Nothing,
            },
            Act::Rules => {
                self.lists_rules = !self.lists_rules;
                self.replace();
                Effect::Nothing
            }
            Act::Spelling => {
                let joined = self.joined();
                self.change(joined, cx)
            }
            Act::Pin => {
                let pinned = self.pinned();
                self.change(pinned, cx)
            }
            Act::Up | Act::Down | Act::Away => self.shifted(act, cx),
            Act::Undo => {
                self.drafted.pop();
                self.keep(cx);
                Effect::Nothing
            }
            Act::Save if self.drafted.is_of_prices() => Effect::Line(pricing::SAVE.to_owned()),
            Act::Save => Effect::Line(SAVE.to_owned()),
            Act::Before | Act::After => {
                let month = self.month(cx);
                let month = if act == Act::Before { month.before() } else { month.after() };
                self.month = (month != Month::of(cx.now)).then_some(month);
                self.told = None;
                self.again(cx);
                self.replace();
                Effect::Nothing
            }
            Act::Close if self.told().is_some_and(|told| told.closed) => Effect::Line(REOPEN.to_owned()),
            Act::Close => self.close(cx),
            Act::Prices => {
                let closed = self.month.filter(|_| self.told().is_some_and(|told| told.closed));
                Effect::Open(ScreenId::AllocationPrices(self.eye.of.clone(), closed))
            }
            Act::Licenses => Effect::Open(ScreenId::Licenses(self.eye.of.clone())),
            Act::Why => Effect::Open(ScreenId::Why(self.eye.of.clone())),
        }
    }

    fn close(&self, cx: &Cx<'_>) -> Effect {
        let Some((told, tenant)) = self.told().zip(self.tenant(cx)) else { return Effect::Nothing };
        let month = self.month(cx);
        let wish = Box::new(Allocating::Close { month, reason: None });
        let command = Command::Allocate { tenant: self.eye.of.clone(), wish };
        let lines = vec![
            format!("{} of {}: bill {}.", month, tenant.title(), dress::money(&told.sheet, told.sheet.bill)),
            "Data, prices and rules are frozen; later rules never change it. Nothing changes at the customer."
                .to_owned(),
        ];
        let answer = Answer::typed(vec![(month.to_string(), command)]);
        Effect::Ask(Question::new("close a month", lines, format!("Type {month}, then y:"), answer, cx.now))
    }

    /// Lists what is to be listed.
    fn replace(&mut self) {
        let numbers: Vec<u32> = self.at_work().map_or_else(Vec::new, |rules| (1..).take(rules.rules.len()).collect());
        let total = numbers.len();
        let hits = self.sheet_at_work().map(|sheet| sheet.rules.clone()).unwrap_or_default();
        let mut numbers = numbers;
        let of =
            |number: &u32| hits.iter().find(|row| row.rule == *number).map_or((0, 0), |row| (row.matched, row.taken));
        match self.rules.sort() {
            Some(2) => numbers.sort_by_key(|number| std::cmp::Reverse(of(number).0)),
            Some(3) => numbers.sort_by_key(|number| std::cmp::Reverse(of(number).1)),
            Some(_) | None => {}
        }
        if self.rules.is_reversed() {
            numbers.reverse();
        }
        self.rules.replace(numbers, total);
        let rows = self.told().map_or(&[][..], |told| &told.sheet.rows);
        let total = rows.len();
        let mut shown: Vec<&SheetRow> = rows.iter().filter(|row| self.filter.matches(*row)).collect();
        match self.units.sort() {
            Some(USERS) => shown.sort_by_key(|row| std::cmp::Reverse(row.users)),
            Some(SEATS) => shown.sort_by_key(|row| std::cmp::Reverse(row.seats)),
            Some(AMOUNT | SHARE) => shown.sort_by_key(|row| std::cmp::Reverse(row.amount)),
            Some(CHANGE) => shown.sort_by_key(|row| std::cmp::Reverse(row.change())),
            Some(_) | None => {}
        }
        if self.units.is_reversed() {
            shown.reverse();
        }
        let order = shown.into_iter().map(|row| (row.kind, row.unit.clone())).collect();
        self.units.replace(order, total);
    }

    fn draw_empty(&self, page: &mut Page<'_>, y: u16, cx: &Cx<'_>) {
        let (said, key) = match (&self.eye.failed, &self.told) {
            (Some(why), _) => (format!("There is no sheet: {why}."), cx.hint("fresh", "tries again")),
            (None, None) => (cx.waiting(self.eye.asked_at, "Reckoning"), String::new()),
            (None, Some(_)) if self.lists_rules => {
                ("There is no rule: all users are untracked.".to_owned(), String::new())
            }
            (None, Some(_)) => {
                let said = format!("No unit matches \"{}\".", self.units.filter());
                (said, cx.hint("clear", "clears it"))
            }
        };
        Listing::<RowKey>::draw_empty(page, y, &said, &key);
    }
}

impl Screen for Allocation {
    fn id(&self) -> ScreenId {
        ScreenId::Allocation(self.eye.of.clone())
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        vec![self.eye.title(cx), "Allocation".to_owned(), words::month(self.month(cx))]
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act, cx));
        for row in &mut keys {
            match row.name {
                "rule-list" if self.lists_rules => row.foot = "units",
                "open" if self.lists_rules => row.foot = "rule",
                "rule-up" if self.lists_rules => row.foot = "up",
                "rule-down" if self.lists_rules => row.foot = "down",
                "rule-away" if self.lists_rules => row.foot = "away",
                "make-rule" if !self.lists_rules => row.foot = "make rule",
                "close-month" if self.told().is_some_and(|told| told.closed) => row.foot = "reopen",
                _ => {}
            }
        }
        keys.extend(if self.lists_rules { self.rules.keys() } else { self.units.keys() });
        keys
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        if let Some(act) = find(KEYS, key) {
            return Some(self.act(act, cx));
        }
        if Listing::<RowKey>::act(key) == Some(Move::Fresh) {
            self.eye.again(cx);
        }
        let pressed = if self.lists_rules {
            // Rules stand in an order that counts: they are not filtered.
            match Listing::<u32>::act(key) {
                Some(Move::Filter) => {
                    return Some(Effect::Say("rules are not filtered: each counts for the next".to_owned()));
                }
                Some(_) | None => self.rules.press(key, &mut Filter::default()),
            }
        } else {
            self.units.press(key, &mut self.filter)
        };
        match pressed? {
            Pressed::Effect(effect) => Some(effect),
            Pressed::Rows => {
                self.replace();
                Some(Effect::Nothing)
            }
        }
    }

    fn click(&mut self, row: u16, _: &Cx<'_>) {
        if self.lists_rules {
            self.rules.click(row);
        } else {
            self.units.click(row);
        }
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        self.eye.changed(self.month(cx), cx);
        let drafted = cx.drafts().of(&self.eye.of);
        if drafted != self.drafted {
            self.drafted = drafted;
            // A draft is of the month that it is.
            if !self.drafted.is_empty() {
                self.month = None;
            }
            self.rework(cx);
        }
    }

    fn look(&self, _: &Cx<'_>) -> Option<Look> {
        Some(Look::Allocation(Box::new(self.eye.look(self.drafted.draft(), AllocationAsk::Sheet)?)))
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        let look = self.look(cx);
        match self.eye.hears(look.as_ref(), seen) {
            Some(Ok(AllocationSeen::Sheet { sheet, closed, preview, rules, prices, saved, months, masked })) => {
                // What was saved is no draft any more.
                let draft = self.drafted.draft();
                if draft.rules.as_ref() == Some(rules) || draft.prices.as_ref() == Some(prices) {
                    self.drafted.clear();
                    cx.drafts().keep(&self.eye.of, &self.drafted);
                }
                let told = Told {
                    sheet: (**sheet).clone(),
                    closed: *closed,
                    preview: preview.clone().filter(|_| !self.drafted.is_empty()),
                    rules: Arc::clone(rules),
                    at_work: self.draft().unwrap_or_else(|| Arc::clone(rules)),
                    saved: saved.clone(),
                    months: months.clone(),
                    masked: *masked,
                };
                let masked = told.without_people();
                self.told = Some(Box::new([told, masked]));
            }
            Some(Err(_)) => self.told = None,
            Some(Ok(AllocationSeen::Alone(_) | AllocationSeen::Users(_) | AllocationSeen::Why { .. })) | None => return,
        }
        self.replace();
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        if self.tenant(cx).is_none() {
            page.line(top + 1, &"This tenant is not known here: no customer list holds it.".into());
            return;
        }
        let small = page.main.height < 18;
        if let Some(told) = self.shown(cx) {
            page.line(top, &dress::bill(&told.sheet, usize::from(page.main.width)));
            dress::draw_means(page, top + 1, told, &self.drafted, cx);
        }
        let mut what = if self.lists_rules { "rules, first hit wins" } else { "units" }.to_owned();
        if !self.eye.answered && self.told.is_some() {
            what = format!("{what}{}", cx.waiting(self.eye.asked_at, ", reckoning"));
        }
        let detail = match (small, !self.drafted.is_empty()) {
            (true, _) => 2,
            (false, false) => 5,
            (false, true) => 7,
        };
        let rows = bottom.saturating_sub(top + 4 + detail);
        let is_empty = if self.lists_rules {
            self.rules.draw_state(page, top + 2, &what, "place", cx);
            let mut list = std::mem::replace(&mut self.rules, Listing::new(&RULE_LAYOUT, false));
            list.draw(page, top + 3, rows, |number| self.rule_cells(*number, cx));
            self.rules = list;
            self.rules.order().is_empty()
        } else {
            self.units.draw_state(page, top + 2, &what, "unit", cx);
            let mut list = std::mem::replace(&mut self.units, Listing::new(&LAYOUT, false));
            let told = self.shown(cx);
            list.draw(page, top + 3, rows, |key| {
                let row = told.zip(self.place(key)).and_then(|(told, at)| told.sheet.rows.get(at));
                told.zip(row).map(|(told, row)| dress::cells(&told.sheet, row)).unwrap_or_default()
            });
            self.units = list;
            self.units.order().is_empty()
        };
        if is_empty {
            self.draw_empty(page, top + 5, cx);
        }
        self.draw_strip(page, bottom - detail, bottom, cx);
        if page.pane.is_some()
            && let Some(told) = self.shown(cx)
        {
            page.fill_pane(&dress::pane(told, &told.at_work, self.eye.answered, cx));
        }
    }

    fn filter(&self) -> String {
        self.units.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, _: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<SheetRow>(text)?;
        self.units.set_filter(text);
        self.lists_rules = false;
        self.replace();
        Ok(())
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.eye.of.clone()]
    }

    fn save(&self, what: Saved, reason: &str, cx: &Cx<'_>) -> Result<Effect, String> {
        match what {
            Saved::Rules | Saved::Prices => {
                let preview = self.shown(cx).and_then(|told| told.preview.as_deref());
                dress::asks_to_save(&self.drafted, what, preview, (reason, self.month(cx)), &self.eye, cx)
            }
            Saved::Open => self.reopen(reason, cx),
        }
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let item = |letter, what, text| CopyItem { letter, what, text };
        let Some(told) = self.shown(cx) else { return Vec::new() };
        let line = |row: &SheetRow| {
            dress::cells(&told.sheet, row).into_iter().map(|cell| cell.text).collect::<Vec<_>>().join("\t")
        };
        let row = self.units.cursor().and_then(|key| told.sheet.rows.get(self.place(key)?));
        let mut items: Vec<CopyItem> = row.map(|row| item('r', "row", line(row))).into_iter().collect();
        items.push(item('a', "all rows", told.sheet.rows.iter().map(line).collect::<Vec<_>>().join("\n")));
        items.extend(told.at_work.to_toml().ok().map(|text| item('t', "rules as a file", text)));
        items
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let told = self.shown(cx)?;
        let state = if told.closed { MonthState::Closed } else { MonthState::Open };
        let line = |key: &RowKey| {
            let row = told.sheet.rows.get(self.place(key)?)?;
            Some(cells(&SheetLine::of(&told.sheet, row, state), SheetLine::COLUMNS))
        };
        let rows = self.units.order().iter().filter_map(line).collect();
        let titles = SheetLine::COLUMNS.iter().map(|(_, member)| *member).collect();
        Some(Sheet {
            name: "allocation",
            instead: "q, then tenantop allocate --format csv",
            body: Body::Rows { titles, rows },
        })
    }
}

impl Allocation {
    /// Asks whether a closed month is to be opened again.
    fn reopen(&self, reason: &str, cx: &Cx<'_>) -> Result<Effect, String> {
        let month = self.month(cx);
        let Some(told) = self.told().filter(|told| told.closed) else {
            return Err(format!("{month} is not closed"));
        };
        let reason = crate::model::allocation::checked_reason(reason).map_err(|why| why.to_string())?;
        let bill = dress::money(&told.sheet, told.sheet.bill);
        let lines = vec![
            format!("{month} of {} is closed with a bill of {bill}.", self.eye.title(cx)),
            "Open, it is reckoned anew: rules and prices in force act on it. Nothing changes at the customer."
                .to_owned(),
        ];
        let wish = Box::new(Allocating::Reopen { month, reason });
        let command = Command::Allocate { tenant: self.eye.of.clone(), wish };
        let answer = Answer::typed(vec![(month.to_string(), command)]);
        let asks = format!("Type {month}, then y:");
        Ok(Effect::Ask(Question::new("open a month again", lines, asks, answer, cx.now)))
    }

    fn rule_cells(&self, number: u32, cx: &Cx<'_>) -> Vec<Piece> {
        let piece = |text: String| Piece { text, meaning: Meaning::Plain };
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let told = self.shown(cx);
        let Some(rule) = at.and_then(|at| told?.at_work.rules.get(at)) else { return Vec::new() };
        let hits = self.sheet_at_work().and_then(|sheet| sheet.rules.iter().find(|row| row.rule == number));
        // Until a draft is reckoned nobody knows what its rules take.
        let hits = hits.filter(|_| self.eye.answered);
        let count = |n: Option<u64>| piece(n.map_or_else(|| "-".to_owned(), words::count));
        vec![
            piece(format!("R{number}")),
            piece(says(rule)),
            count(hits.map(|row| row.matched)),
            count(hits.map(|row| row.taken)),
        ]
    }

    fn draw_strip(&self, page: &mut Page<'_>, top: u16, bottom: u16, cx: &Cx<'_>) {
        let mut y = top;
        let Some(told) = self.shown(cx) else {
            page.rule(top, "");
            return;
        };
        let draft = if self.drafted.is_empty() { 0 } else { 4.min(bottom.saturating_sub(top)) };
        let ends = bottom - draft;
        let (title, lines): (String, Vec<Line>) = if self.lists_rules {
            let row = self.rules.cursor().map(|number| self.rule_cells(*number, cx)).unwrap_or_default();
            let text = |at: usize| row.get(at).map_or("", |piece| piece.text.as_str()).to_owned();
            (text(0), words::wrap(&text(1), usize::from(page.main.width)).into_iter().map(Line::from).collect())
        } else {
            match self.units.cursor().and_then(|key| told.sheet.rows.get(self.place(key)?)) {
                Some(row) => (row.unit.to_string(), dress::detail(told, row, self.joined().is_some(), cx)),
                None => (String::new(), Vec::new()),
            }
        };
        if ends > top {
            page.rule(y, &title);
            y += 1;
        }
        for (line, y) in lines.iter().zip(y..ends) {
            page.line(y, line);
        }
        if !self.drafted.is_empty() {
            let waits = cx.waiting(self.eye.asked_at, "reckoning what it moves");
            let preview = told.preview.as_deref().filter(|_| self.eye.answered);
            let newest = if self.drafted.is_of_prices() { told.sheet.facts.prices } else { told.sheet.facts.rules };
            dress::draw_draft(page, (ends, bottom), &self.drafted, newest, preview.ok_or(waits), cx);
        }
    }
}
