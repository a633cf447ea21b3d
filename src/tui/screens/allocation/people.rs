//! Users of a business unit: who bears what there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{dress, is_other};
use crate::model::allocation::{
    Allocated, AllocationAsk, AllocationLook, AllocationOf, AllocationSeen, Draft, Month, PartLine, Percent, RowKind,
    Sheet as CostSheet, SheetRow, UnitPath, UserShare,
};
use crate::model::{Filter, FilterError, Found, Key as TenantKey, Look, Seen, Tenant, Text, UserId};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Column, Fit, Layout, Listing, Move, Pressed, column};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::{CopyItem, Cx, Effect, Screen, ScreenId, words};
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Why,
    Users,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "why here", "why the user is in this unit, rule by rule; never a yes"),
    bind(&[Key::Char('e')], Act::Why, "why", "why here", "explain: why the user is in this unit, rule by rule"),
    bind(&[Key::Char('U')], Act::Users, "users", "", "users of the tenant"),
];

const AMOUNT: usize = 3;

static COLUMNS: [Column; 5] = [
    column("NAME", 22, false),
    column("SIGN-IN NAME", 26, false),
    column("SEATS", 5, true),
    column("AMOUNT", 12, true),
    column("RULE", 8, false),
];

static LAYOUT: Layout =
    Layout { columns: &COLUMNS, grow: 1, fits: &[Fit::Drop(4), Fit::Narrow(1, 18), Fit::Narrow(0, 16)] };

/// Who bears what in a unit, in a month.
#[derive(Debug)]
pub(crate) struct People {
    of: TenantKey,
    month: Month,
    /// Which unit; untracked ones if absent.
    unit: Option<UnitPath>,
    list: Listing<UserId>,
    filter: Filter,
    want: Option<AllocationOf>,
    known: Option<Allocated>,
    round: u64,
    answered: bool,
    asked_at: Timestamp,
    failed: Option<Text>,
    total: u64,
    rows: BTreeMap<UserId, UserShare>,
    sheet: Option<Box<CostSheet>>,
    units: Vec<UnitPath>,
}

impl People {
    /// Of a unit.
    pub(crate) fn new(tenant: TenantKey, month: Month, unit: Option<UnitPath>) -> Self {
        Self {
            of: tenant,
            month,
            unit,
            list: Listing::new(&LAYOUT, false),
            filter: Filter::default(),
            want: None,
            known: None,
            round: 0,
            answered: false,
            asked_at: Timestamp::UNIX_EPOCH,
            failed: None,
            total: 0,
            rows: BTreeMap::new(),
            sheet: None,
            units: Vec::new(),
        }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.of)
    }

    fn row(&self) -> Option<&UserShare> {
        self.rows.get(self.list.cursor()?)
    }

    fn title(&self) -> String {
        self.unit.as_ref().map_or_else(|| "Untracked".to_owned(), ToString::to_string)
    }

    /// Whether a line is of this unit.
    fn is_here(&self, unit: usize) -> bool {
        match (&self.unit, self.units.get(unit)) {
            (Some(unit), Some(of)) => of.is_in(unit),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// What a user bears here.
    fn amount(&self, row: &UserShare) -> Decimal {
        let coins = row.lines.iter().filter(|line| self.is_here(line.unit)).map(|line| line.coins).sum();
        let currency = self.sheet.as_ref().and_then(|sheet| sheet.currency);
        currency.map_or(Decimal::ZERO, |currency| currency.amount(coins))
    }

    /// Whether any of what he bears here has a price, and whether any has none or was not counted.
    fn known(&self, row: &UserShare) -> (bool, bool) {
        let here = || row.lines.iter().filter(|line| self.is_here(line.unit)).map(|line| self.is_open(line));
        (here().any(|open| !open), here().any(|open| open))
    }

    fn is_open(&self, line: &PartLine) -> bool {
        let product = self.sheet.as_ref().and_then(|sheet| sheet.products.get(line.product));
        product.is_some_and(|product| product.state.is_open())
    }

    /// Why these are not all users of the unit.
    fn part(&self) -> Option<String> {
        let kept = self.rows.len() as u64;
        (kept < self.total).then(|| format!("first {} of {}", words::count(kept), words::count(self.total)))
    }

    fn replace(&mut self) {
        let mut shown: Vec<&UserShare> = self.rows.values().filter(|row| self.filter.matches(*row)).collect();
        match self.list.sort() {
            Some(AMOUNT) => shown.sort_by_key(|row| std::cmp::Reverse(self.amount(row))),
            Some(1) => shown.sort_by_key(|row| row.sign_in.to_lowercase()),
            Some(2) => shown.sort_by_key(|row| std::cmp::Reverse(row.lines.len())),
            Some(4) => shown.sort_by_key(|row| row.rule),
            Some(_) | None => shown.sort_by_key(|row| (row.name.to_lowercase(), row.user)),
        }
        if self.list.is_reversed() {
            shown.reverse();
        }
        let order = shown.into_iter().map(|row| row.user).collect();
        self.list.replace(order, usize::try_from(self.total).unwrap_or(usize::MAX));
    }

    fn cells(&self, row: &UserShare, privacy: bool) -> Vec<Piece> {
        let piece = |text: String| Piece { text, meaning: Meaning::Plain };
        let amount = self.amount(row);
        let seats = row.lines.iter().filter(|line| self.is_here(line.unit)).count();
        let (known, looks) = (self.known(row), if self.known(row).1 { Meaning::Aging } else { Meaning::Plain });
        let row = shown(row, privacy);
        let rule = match (row.rule, row.assigned) {
            (Some(rule), _) => format!("R{rule}"),
            (None, true) => "own".to_owned(),
            (None, false) => "none".to_owned(),
        };
        let amount = self.sheet.as_ref().map_or_else(String::new, |sheet| dress::known(sheet, amount, known));
        vec![
            piece(row.name.to_string()),
            piece(row.sign_in.to_string()),
            piece(words::count(seats as u64)),
            Piece { text: amount, meaning: looks },
            piece(rule),
        ]
    }

    /// What a user holds, and what of it is borne where.
    fn detail(&self, row: &UserShare) -> Vec<Line> {
        let Some(sheet) = &self.sheet else { return Vec::new() };
        let line = |line: &PartLine| {
            let product = sheet.products.get(line.product);
            let name = product.map_or("", |product| product.name.as_str());
            let unit = self.units.get(line.unit).map_or_else(|| "Untracked".to_owned(), ToString::to_string);
            let amount = sheet.currency.map_or(Decimal::ZERO, |currency| currency.amount(line.coins));
            let percent = Percent::of_millionths(line.millionths);
            let share = if percent == Percent::WHOLE { String::new() } else { format!(" ({percent}%)") };
            let open = product.map(|product| product.state).filter(|state| state.is_open());
            let amount = open.map_or_else(|| dress::grouped(sheet, amount), |state| state.name().to_owned());
            Line::from(format!("{amount:>12}  {name}{share}: {unit}"))
        };
        row.lines.iter().map(line).collect()
    }

    fn act(&mut self, act: Act) -> Effect {
        match (act, self.list.cursor()) {
            (Act::Open | Act::Why, Some(user)) => {
                Effect::Open(ScreenId::AllocationWhy(self.of.clone(), self.month, *user))
            }
            (Act::Open | Act::Why, None) => Effect::Say("no user is under the cursor".to_owned()),
            (Act::Users, _) => Effect::Open(ScreenId::Users(self.of.clone())),
        }
    }
}

/// A user, masked where that is asked for.
fn shown(row: &UserShare, privacy: bool) -> UserShare {
    let mut row = row.clone();
    if privacy {
        row.mask();
    }
    row
}

impl Screen for People {
    fn id(&self) -> ScreenId {
        ScreenId::AllocationUsers(self.of.clone(), self.month, self.unit.clone())
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self.tenant(cx).map_or_else(|| self.of.to_string(), |tenant| tenant.title().to_owned());
        vec![name, "Allocation".to_owned(), self.month.first().strftime("%b %Y").to_string(), self.title()]
    }

    fn keys(&self, _: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| {
            let needs = matches!(act, Act::Open | Act::Why) && self.list.cursor().is_none();
            needs.then(|| "no user is under the cursor".to_owned())
        });
        keys.extend(self.list.keys());
        keys
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        if let Some(act) = find(KEYS, key) {
            return Some(self.act(act));
        }
        if Listing::<UserId>::act(key) == Some(Move::Fresh) {
            self.round += 1;
            (self.answered, self.asked_at, self.failed) = (false, cx.now, None);
        }
        match self.list.press(key, &mut self.filter)? {
            Pressed::Effect(effect) => Some(effect),
            Pressed::Rows => {
                self.replace();
                Some(Effect::Nothing)
            }
        }
    }

    fn click(&mut self, row: u16, _: &Cx<'_>) {
        self.list.click(row);
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        let want =
            self.tenant(cx).map(|tenant| AllocationOf::new(tenant, &cx.fleet.catalog, self.month, Month::of(cx.now)));
        let other = is_other(&mut self.known, cx.fleet.tenants.get(&self.of));
        if other {
            self.round += 1;
        }
        if other || want != self.want {
            self.want = want;
            (self.answered, self.asked_at, self.failed) = (false, cx.now, None);
        }
    }

    fn look(&self, _: &Cx<'_>) -> Option<Look> {
        let of = self.want.clone()?;
        let ask = AllocationAsk::Users { unit: self.unit.clone(), from: 0, count: AllocationSeen::MOST };
        let look = AllocationLook { of, draft: Draft::default(), ask, round: self.round };
        Some(Look::Allocation(Box::new(look)))
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        if self.look(cx).as_ref() != Some(&seen.look) {
            return;
        }
        self.answered = true;
        match &seen.found {
            Ok(Found::Allocation(found)) => {
                if let AllocationSeen::Users { total, rows, units, sheet, .. } = &**found {
                    self.failed = None;
                    self.total = *total;
                    self.rows = rows.iter().map(|row| (row.user, row.clone())).collect();
                    self.units.clone_from(units);
                    self.sheet = Some(sheet.clone());
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
                self.rows.clear();
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
        let head = match &self.sheet {
            None => self.title(),
            Some(sheet) => {
                let is_it = |row: &&SheetRow| match (&self.unit, row.kind) {
                    (Some(unit), RowKind::Unit) => row.unit == *unit,
                    (None, RowKind::Untracked) => true,
                    (_, RowKind::Unit | RowKind::Untracked | RowKind::Idle | RowKind::Total) => false,
                };
                let row = sheet.rows.iter().find(is_it);
                let amount = row.map_or(sheet.untracked, |row| row.amount);
                let users = words::of(self.total, "user");
                let least = if row.is_some_and(|row| !row.open_seats.is_zero()) { "at least " } else { "" };
                format!("{}: {users}, {least}{}", self.title(), dress::money(sheet, amount))
            }
        };
        page.line(top, &head.into());
        let what = if self.answered {
            self.part().map_or_else(|| "users".to_owned(), |part| format!("users, {part}"))
        } else {
            format!("users{}", cx.waiting(self.asked_at, ", reckoning"))
        };
        self.list.draw_state(page, top + 1, &what, "name", cx);
        let detail = if page.main.height < 18 { 2 } else { 5 };
        let rows = bottom.saturating_sub(top + 3 + detail);
        let mut list = std::mem::replace(&mut self.list, Listing::new(&LAYOUT, false));
        list.draw(page, top + 2, rows, |user| {
            self.rows.get(user).map(|row| self.cells(row, cx.options.privacy)).unwrap_or_default()
        });
        self.list = list;
        if self.list.order().is_empty() {
            let (said, key) = match (&self.failed, self.answered) {
                (Some(why), _) => (format!("The users cannot be shown: {why}."), cx.hint("fresh", "tries again")),
                (None, false) => (cx.waiting(self.asked_at, "Reckoning"), String::new()),
                (None, true) if self.list.filter().is_empty() => ("Nobody is there.".to_owned(), String::new()),
                (None, true) => (format!("No user matches \"{}\".", self.list.filter()), cx.hint("clear", "clears it")),
            };
            Listing::<UserId>::draw_empty(page, top + 4, &said, &key);
        }
        let strip = bottom - detail;
        let Some(row) = self.row() else {
            page.rule(strip, "");
            return;
        };
        page.rule(strip, &shown(row, cx.options.privacy).name);
        for (line, y) in self.detail(row).iter().zip(strip + 1..bottom) {
            page.line(y, line);
        }
        if page.pane.is_some() {
            let shown = shown(row, cx.options.privacy);
            let mut lines =
                vec![Line::of(Meaning::Caption, shown.name.as_str()), shown.sign_in.as_str().into(), Line::default()];
            let wide = |line: &Line| words::wrap(&line.text(), 39).into_iter().map(Line::from).collect::<Vec<_>>();
            lines.extend(self.detail(row).iter().flat_map(wide));
            page.fill_pane(&lines);
        }
    }

    fn filter(&self) -> String {
        self.list.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, _: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<UserShare>(text)?;
        self.list.set_filter(text);
        self.replace();
        Ok(())
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.of.clone()]
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let Some(row) = self.row() else { return Vec::new() };
        let item = |letter, what, text| CopyItem { letter, what, text };
        let line = |row: &UserShare| {
            self.cells(row, cx.options.privacy).into_iter().map(|cell| cell.text).collect::<Vec<_>>().join("\t")
        };
        let all = self.list.order().iter().filter_map(|user| self.rows.get(user)).map(line).collect::<Vec<_>>();
        let what = if self.part().is_some() { "rows that are here" } else { "all rows" };
        vec![item('i', "id", row.user.to_string()), item('r', "row", line(row)), item('a', what, all.join("\n"))]
    }

    fn no_sheet(&self) -> Option<String> {
        Some(format!("{} are here; all: q, then tenantop allocate TENANT --users", self.part()?))
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let sheet = self.sheet.as_ref()?;
        let cells = |row: &UserShare| {
            let holds: Vec<String> = self.detail(row).iter().map(|line| line.text().trim().to_owned()).collect();
            let mut cells: Vec<String> =
                self.cells(row, cx.options.privacy).into_iter().map(|cell| cell.text).collect();
            if let Some(amount) = cells.get_mut(AMOUNT) {
                // A number without the marks that part its thousands.
                *amount = if self.known(row) == (false, true) { String::new() } else { sheet.shown(self.amount(row)) };
            }
            cells.extend([
                sheet.currency.map_or_else(String::new, |currency| currency.to_string()),
                holds.join("; "),
                self.month.to_string(),
                row.user.to_string(),
                self.of.tenant.to_string(),
            ]);
            cells
        };
        let rows = self.list.order().iter().filter_map(|user| self.rows.get(user)).map(cells).collect();
        let titles = vec![
            "NAME",
            "SIGN-IN NAME",
            "SEATS",
            "AMOUNT",
            "RULE",
            "CURRENCY",
            "HOLDS",
            "MONTH",
            "USER ID",
            "TENANT ID",
        ];
        Some(Sheet {
            name: "allocation-users",
            instead: "q, then tenantop allocate --users --format csv",
            body: Body::Rows { titles, rows },
        })
    }
}
