//! Allocation: what do licenses cost each business unit, and what would other rules move?

mod dress;
pub(crate) mod people;
pub(crate) mod reason;

use std::sync::Arc;

use jiff::Timestamp;

use super::{CopyItem, Cx, Effect, Screen, ScreenId, words};
use crate::model::allocation::{
    Allocated, Allocating, AllocationAsk, AllocationLook, AllocationOf, AllocationSeen, Draft, Month, MonthState,
    Preview, RowKind, Rules, Sheet as CostSheet, SheetLine, SheetRow, Standing, UnitPath, cells, says,
};
use crate::model::{Command, Filter, FilterError, Found, Key as TenantKey, Look, Seen, Tenant, Text};
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
    bind(&[Key::Char('M')], Act::Close, "close-month", "close", "close the month: data, prices and rules are frozen (asks)"),
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
    column("SEATS", 8, true),
    column("AMOUNT", 13, true),
    column("SHARE", 6, true),
    column("CHANGE", 11, true),
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

type RowKey = (RowKind, UnitPath);

/// What was seen of a month.
#[derive(Debug)]
struct Told {
    sheet: CostSheet,
    closed: bool,
    preview: Option<Box<Preview>>,
    rules: Arc<Rules>,
    saved: Option<(Text, Timestamp)>,
    months: Vec<Standing>,
}

/// The allocation of a tenant.
#[derive(Debug)]
pub(crate) struct Allocation {
    of: TenantKey,
    month: Option<Month>,
    /// Rules that are not saved, each made from the one before it; with what was done.
    drafts: Vec<(Arc<Rules>, Text)>,
    /// The version that the first of them was made from.
    from: u32,
    /// Whether the rules are listed instead of the units.
    lists_rules: bool,
    units: Listing<RowKey>,
    rules: Listing<u32>,
    filter: Filter,
    want: Option<AllocationOf>,
    /// What the tenant remembers of its allocation, as it was asked for.
    known: Option<Allocated>,
    round: u64,
    answered: bool,
    asked_at: Timestamp,
    failed: Option<Text>,
    told: Option<Told>,
}

/// Notes what a tenant remembers of its allocation. Whether that is something else than what was known: somebody saved
/// rules or prices, or closed a month or opened one again, and what is shown may have become another.
fn is_other(known: &mut Option<Allocated>, tenant: Option<&Tenant>) -> bool {
    let is = tenant.map(|tenant| &*tenant.allocated);
    let other = known.as_ref() != is;
    if other {
        *known = is.cloned();
    }
    other
}

impl Allocation {
    /// Of a tenant: the month that it is.
    pub(crate) fn new(tenant: TenantKey) -> Self {
        Self {
            of: tenant,
            month: None,
            drafts: Vec::new(),
            from: 0,
            lists_rules: false,
            units: Listing::new(&LAYOUT, false),
            rules: Listing::new(&RULE_LAYOUT, false),
            filter: Filter::default(),
            want: None,
            known: None,
            round: 0,
            answered: false,
            asked_at: Timestamp::UNIX_EPOCH,
            failed: None,
            told: None,
        }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.of)
    }

    fn month(&self, cx: &Cx<'_>) -> Month {
        self.month.unwrap_or(Month::of(cx.now))
    }

    fn draft(&self) -> Option<&Arc<Rules>> {
        self.drafts.last().map(|(rules, _)| rules)
    }

    /// The rules that are worked on: those of the draft, else those in force.
    fn at_work(&self) -> Option<&Arc<Rules>> {
        self.draft().or(self.told.as_ref().map(|told| &told.rules))
    }

    /// The sheet that is worked on: with a draft, what it would make of it.
    fn sheet_at_work(&self) -> Option<&CostSheet> {
        let told = self.told.as_ref()?;
        Some(told.preview.as_ref().map_or(&told.sheet, |preview| &preview.then))
    }

    fn row(&self) -> Option<&SheetRow> {
        let (kind, unit) = self.units.cursor()?;
        self.told.as_ref()?.sheet.rows.iter().find(|row| row.kind == *kind && row.unit == *unit)
    }

    fn wait(&mut self, cx: &Cx<'_>) {
        (self.answered, self.asked_at, self.failed) = (false, cx.now, None);
    }

    /// Asks for another month, or for what another draft moves.
    fn again(&mut self, cx: &Cx<'_>) {
        self.want = self
            .tenant(cx)
            .map(|tenant| AllocationOf::new(tenant, &cx.fleet.catalog, self.month(cx), Month::of(cx.now)));
        self.wait(cx);
    }

    /// Why the rules cannot be worked on here.
    fn no_draft(&self) -> Option<String> {
        match &self.told {
            None => Some("there is no sheet yet".to_owned()),
            Some(told) if told.closed => Some("the month is closed: no rule changes it".to_owned()),
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
            Act::Undo | Act::Save if self.drafts.is_empty() => reads("there is no draft"),
            Act::Before | Act::After if !self.drafts.is_empty() => {
                reads("a draft is not saved: save it or take it back first")
            }
            Act::After if self.month(cx) >= Month::of(cx.now) => reads("the next month has not begun"),
            Act::Close => self.no_close(),
            Act::Open | Act::Rules | Act::Undo | Act::Save | Act::Before | Act::After | Act::Licenses | Act::Why => {
                None
            }
        }
    }

    fn no_close(&self) -> Option<String> {
        if !self.drafts.is_empty() {
            return Some("a draft is not saved".to_owned());
        }
        let Some(told) = &self.told else { return Some("there is no sheet yet".to_owned()) };
        if told.closed {
            return Some("it is closed already".to_owned());
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
        if self.drafts.is_empty() {
            self.from = self.told.as_ref().and_then(|told| told.sheet.facts.rules).unwrap_or(0);
        }
        self.drafts.push((Arc::new(rules), said));
        self.again(cx);
        self.replace();
        Effect::Nothing
    }

    /// A rule that is moved or taken away, and what is said of it.
    fn shifted(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        let Some((rules, number)) = self.at_work().cloned().zip(self.rules.cursor().copied()) else {
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
            | Act::Licenses
            | Act::Why => {
                format!("R{number} is R{target}")
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
                let rule = rule.and_then(|at| self.at_work()?.rules.get(at));
                rule.map_or(Effect::Nothing, |rule| Effect::Show { title: "rule".to_owned(), lines: dress::rule(rule) })
            }
            Act::Open => match self.units.cursor() {
                Some((kind, unit)) => {
                    let unit = (*kind == RowKind::Unit).then(|| unit.clone());
                    Effect::Open(ScreenId::AllocationUsers(self.of.clone(), self.month(cx), unit))
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
                self.drafts.pop();
                self.again(cx);
                self.replace();
                Effect::Nothing
            }
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
            Act::Close => self.close(cx),
            Act::Licenses => Effect::Open(ScreenId::Licenses(self.of.clone())),
            Act::Why => Effect::Open(ScreenId::Why(self.of.clone())),
        }
    }

    fn close(&self, cx: &Cx<'_>) -> Effect {
        let Some((told, tenant)) = self.told.as_ref().zip(self.tenant(cx)) else { return Effect::Nothing };
        let month = self.month(cx);
        let wish = Box::new(Allocating::Close { month, reason: None });
        let command = Command::Allocate { tenant: self.of.clone(), wish };
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
        let rows = self.told.as_ref().map_or(&[][..], |told| &told.sheet.rows);
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
        let (said, key) = match (&self.failed, &self.told) {
            (Some(why), _) => (format!("There is no sheet: {why}."), cx.hint("fresh", "tries again")),
            (None, None) => (cx.waiting(self.asked_at, "Reckoning"), String::new()),
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
        ScreenId::Allocation(self.of.clone())
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self.tenant(cx).map_or_else(|| self.of.to_string(), |tenant| tenant.title().to_owned());
        vec![name, "Allocation".to_owned(), self.month(cx).first().strftime("%b %Y").to_string()]
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act, cx));
        for row in &mut keys {
            match row.name {
                "rule-list" if self.lists_rules => row.foot = "units",
                "open" if self.lists_rules => row.foot = "rule",
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
            self.round += 1;
            self.again(cx);
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
        let want = self
            .tenant(cx)
            .map(|tenant| AllocationOf::new(tenant, &cx.fleet.catalog, self.month(cx), Month::of(cx.now)));
        let other = is_other(&mut self.known, cx.fleet.tenants.get(&self.of));
        if other {
            self.round += 1;
        }
        if other || want != self.want {
            self.want = want;
            self.wait(cx);
        }
    }

    fn look(&self, _: &Cx<'_>) -> Option<Look> {
        let of = self.want.clone()?;
        let draft = Draft { rules: self.draft().cloned(), prices: None };
        let look = AllocationLook { of, draft, ask: AllocationAsk::Sheet, round: self.round };
        Some(Look::Allocation(Box::new(look)))
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        if self.look(cx).as_ref() != Some(&seen.look) {
            return;
        }
        self.answered = true;
        match &seen.found {
            Ok(Found::Allocation(found)) => {
                if let AllocationSeen::Sheet { sheet, closed, preview, rules, saved, months, .. } = &**found {
                    self.failed = None;
                    // What was saved is no draft any more.
                    if self.draft() == Some(rules) {
                        self.drafts.clear();
                    }
                    self.told = Some(Told {
                        sheet: (**sheet).clone(),
                        closed: *closed,
                        preview: preview.clone().filter(|_| !self.drafts.is_empty()),
                        rules: Arc::clone(rules),
                        saved: saved.clone(),
                        months: months.clone(),
                    });
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
                | Found::LicenseHistory(_),
            ) => {}
            Err(why) => {
                self.failed = Some(why.clone());
                self.told = None;
            }
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
        let drafted = self.drafts.last().map(|(_, said)| said.clone());
        if let Some(told) = &self.told {
            page.line(top, &dress::bill(&told.sheet, usize::from(page.main.width)));
            page.line(top + 1, &dress::means(told, drafted.is_some(), cx));
        }
        let mut what = if self.lists_rules { "rules, first hit wins" } else { "units" }.to_owned();
        if !self.answered && self.told.is_some() {
            what = format!("{what}{}", cx.waiting(self.asked_at, ", reckoning"));
        }
        let detail = match (small, drafted.is_some()) {
            (true, _) => 2,
            (false, false) => 5,
            (false, true) => 7,
        };
        let rows = bottom.saturating_sub(top + 4 + detail);
        let is_empty = if self.lists_rules {
            self.rules.draw_state(page, top + 2, &what, "place", cx);
            let mut list = std::mem::replace(&mut self.rules, Listing::new(&RULE_LAYOUT, false));
            list.draw(page, top + 3, rows, |number| self.rule_cells(*number));
            self.rules = list;
            self.rules.order().is_empty()
        } else {
            self.units.draw_state(page, top + 2, &what, "unit", cx);
            let mut list = std::mem::replace(&mut self.units, Listing::new(&LAYOUT, false));
            let told = self.told.as_ref();
            list.draw(page, top + 3, rows, |(kind, unit)| {
                let row =
                    told.and_then(|told| told.sheet.rows.iter().find(|row| row.kind == *kind && row.unit == *unit));
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
            && let Some(told) = &self.told
        {
            page.fill_pane(&dress::pane(told, self.at_work(), self.answered, cx));
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
        vec![self.of.clone()]
    }

    fn save(&self, reason: &str, cx: &Cx<'_>) -> Result<Effect, String> {
        let Some(rules) = self.draft() else { return Err("there is no draft".to_owned()) };
        let month = self.month(cx);
        let known = self.tenant(cx).map(|tenant| &tenant.allocated).filter(|known| known.is_closed(month));
        let preview = self.told.as_ref().and_then(|told| told.preview.as_ref()).filter(|_| self.answered);
        // A month that somebody closed meanwhile is moved by nothing.
        let moves = match (known.and_then(|known| known.acts()), preview) {
            (Some(acts), _) => {
                vec![format!("{month} was closed meanwhile: nothing moves in it. The rules act {acts}.")]
            }
            (None, Some(preview)) => dress::all_moves(preview),
            (None, None) => {
                let wait = || "what the draft moves is still reckoned: wait for it".to_owned();
                return Err(self
                    .failed
                    .as_ref()
                    .map_or_else(wait, |why| format!("the draft cannot be reckoned: {why}")));
            }
        };
        let reason = crate::model::allocation::checked_reason(reason).map_err(|why| why.to_string())?;
        let rules = Box::new((**rules).clone());
        let wish = Box::new(Allocating::SaveRules { rules, from: self.from, reason });
        let mut lines: Vec<String> = self.drafts.iter().map(|(_, said)| said.to_string()).collect();
        lines.extend(moves);
        lines.push("Closed months stay as they are. Nothing changes at the customer.".to_owned());
        let asks = format!("Save as v{}?", self.from + 1);
        let answer = Answer::Yes(Command::Allocate { tenant: self.of.clone(), wish });
        Ok(Effect::Ask(Question::new("save rules", lines, asks, answer, cx.now)))
    }

    fn copies(&self, _: &Cx<'_>) -> Vec<CopyItem> {
        let item = |letter, what, text| CopyItem { letter, what, text };
        let Some(told) = &self.told else { return Vec::new() };
        let line = |row: &SheetRow| {
            dress::cells(&told.sheet, row).into_iter().map(|cell| cell.text).collect::<Vec<_>>().join("\t")
        };
        let mut items: Vec<CopyItem> = self.row().map(|row| item('r', "row", line(row))).into_iter().collect();
        items.push(item('a', "all rows", told.sheet.rows.iter().map(line).collect::<Vec<_>>().join("\n")));
        items.extend(
            self.at_work().and_then(|rules| rules.to_toml().ok()).map(|text| item('t', "rules as a file", text)),
        );
        items
    }

    fn sheet(&self, _: &Cx<'_>) -> Option<Sheet> {
        let told = self.told.as_ref()?;
        let state = if told.closed { MonthState::Closed } else { MonthState::Open };
        let line = |(kind, unit): &RowKey| {
            let row = told.sheet.rows.iter().find(|row| row.kind == *kind && row.unit == *unit)?;
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
    fn rule_cells(&self, number: u32) -> Vec<Piece> {
        let piece = |text: String| Piece { text, meaning: Meaning::Plain };
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let Some(rule) = at.and_then(|at| self.at_work()?.rules.get(at)) else { return Vec::new() };
        let hits = self.sheet_at_work().and_then(|sheet| sheet.rules.iter().find(|row| row.rule == number));
        // Until a draft is reckoned nobody knows what its rules take.
        let hits = hits.filter(|_| self.answered);
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
        let Some(told) = &self.told else {
            page.rule(top, "");
            return;
        };
        let draft = if self.drafts.is_empty() { 0 } else { 4.min(bottom.saturating_sub(top)) };
        let ends = bottom - draft;
        let (title, lines): (String, Vec<Line>) = if self.lists_rules {
            let row = self.rules.cursor().map(|number| self.rule_cells(*number)).unwrap_or_default();
            let text = |at: usize| row.get(at).map_or("", |piece| piece.text.as_str()).to_owned();
            (text(0), words::wrap(&text(1), usize::from(page.main.width)).into_iter().map(Line::from).collect())
        } else {
            match self.row() {
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
        if let Some((_, said)) = self.drafts.last() {
            page.rule(
                ends,
                &format!("DRAFT from v{}, not saved: {}", self.from, words::of(self.drafts.len() as u64, "change")),
            );
            let moved = match &told.preview {
                Some(preview) if self.answered => dress::moves(preview, usize::from(page.main.width)),
                Some(_) | None => vec![cx.waiting(self.asked_at, "reckoning what it moves")],
            };
            for (line, y) in std::iter::once(said.to_string()).chain(moved).zip(ends + 1..bottom) {
                page.line(y, &line.into());
            }
        }
    }
}
