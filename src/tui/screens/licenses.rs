//! Licenses of a tenant: do the numbers agree?

mod said;

use std::borrow::Cow;
use std::cmp::Ordering;

use said::{checks, disagree, said, short, sold_line, term};

use super::{Cx, Effect, Screen, ScreenId, Subject, rerun, words};
use crate::model::{
    Catalog, DataSet, Filter, FilterError, Filterable, Finding, Grade, Key as TenantKey, Known, LicenseRow, Look,
    Prepaid, SkuCount, SkuId, Subscription, Tenant, Text, UsersLook, license_rows,
};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Column, Fit, Layout, Listing, Pressed, column};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::CopyItem;
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Holders,
    Why,
    Rerun,
    Problems,
    Hidden,
    Know,
    Users,
    History,
    Diff,
    Allocation,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Holders, "open", "holders", "the users who hold the product; never a yes"),
    bind(&[Key::Char('u')], Act::Problems, "problems", "findings", "only what is to be looked at, or all"),
    bind(&[Key::Char('i')], Act::Hidden, "hidden", "", "free products: show them, or hide them"),
    bind(&[Key::Char('K')], Act::Know, "know", "known", "the finding is as it should be: until when and why"),
    bind(&[Key::Char('r')], Act::Rerun, "re-run", "re-run", "run the import of the tenant again (asks)"),
    bind(&[Key::Char('e')], Act::Why, "why", "why", "explain: why the tenant stands as it does"),
    bind(&[Key::Char('U')], Act::Users, "users", "users", "users of the tenant"),
    bind(&[Key::Char('h')], Act::History, "history", "history", "history: the counts of the product, day by day"),
    bind(&[Key::Char('d')], Act::Diff, "diff", "", "difference to the import before: users, licenses, SKUs"),
    bind(&[Key::Char('b')], Act::Allocation, "allocation", "", "allocation: what licenses cost each business unit"),
];

const NO_ROW: &str = "no product is under the cursor";
const NO_ID: &str = "a product without an id has no history";
/// What is typed for an operator who explains a finding; the reason is theirs.
const KNOWN: &str = "known 90d ";

const PRODUCT: usize = 1;
const SOLD: usize = 2;
const SEATS: usize = 3;
const HELD: usize = 4;
const USED: usize = 5;
const FREE: usize = 6;
const FINDING: usize = 7;
const GAP: usize = 8;
const ON: usize = 9;
const GRACE: usize = 10;
const OFF: usize = 11;
const LOCKED: usize = 12;
/// The width of a number.
const NUMBER: u16 = 6;

static COLUMNS: [Column; 13] = [
    column(" ", 1, false),
    column("PRODUCT", 36, false),
    column("SOLD", NUMBER, true),
    column("SEATS", NUMBER, true),
    column("HELD", NUMBER, true),
    column("USED", NUMBER, true),
    column("FREE", NUMBER, true),
    column("FINDING", 15, false),
    column("GAP", NUMBER, true),
    column("ON", NUMBER, true),
    column("GRACE", NUMBER, true),
    column("OFF", NUMBER, true),
    column("LOCKED", NUMBER, true),
];

static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: PRODUCT,
    fits: &[
        Fit::Drop(LOCKED),
        Fit::Drop(OFF),
        Fit::Drop(GRACE),
        Fit::Drop(ON),
        Fit::Drop(GAP),
        Fit::Narrow(PRODUCT, 24),
        Fit::Narrow(PRODUCT, 18),
        Fit::Drop(SOLD),
        Fit::Narrow(PRODUCT, 14),
        Fit::Drop(HELD),
    ],
};

/// What a row is known by: the product, and its place among rows without an id.
type RowKey = (Option<SkuId>, usize);

/// A license row as the list filters it.
struct Row<'a> {
    key: RowKey,
    license: LicenseRow,
    name: Text,
    free: bool,
    finding: Finding,
    known: Option<&'a Known>,
}

impl Row<'_> {
    fn grade(&self) -> Grade {
        if self.known.is_some() { Grade::Known } else { self.finding.grade() }
    }

    /// Free ones stand aside unless something is to be done.
    fn is_aside(&self) -> bool {
        self.free && matches!(self.grade(), Grade::Fine | Grade::Known)
    }

    const fn sign(grade: Grade, finding: Finding) -> &'static str {
        match (grade, finding) {
            (Grade::Wrong, _) => "!",
            (Grade::Check, _) => "~",
            (Grade::Known, _) | (Grade::Fine, Finding::WholeCompany) => "=",
            (Grade::Fine, _) => "+",
        }
    }

    const fn meaning(grade: Grade, finding: Finding) -> Meaning {
        match (grade, finding) {
            (Grade::Wrong, _) => Meaning::Broken,
            (Grade::Check, _) => Meaning::Aging,
            (Grade::Known, _) | (Grade::Fine, Finding::WholeCompany) => Meaning::Quiet,
            (Grade::Fine, _) => Meaning::Plain,
        }
    }

    fn finding(&self) -> String {
        let text = short(self.finding);
        match (self.known, text.is_empty(), self.free) {
            (Some(_), _, _) => match self.finding.units() {
                Some(n) => format!("known ({})", words::signed(n)),
                None => "known".to_owned(),
            },
            (None, true, true) => "free".to_owned(),
            (None, _, _) => text,
        }
    }

    fn prepaid(&self) -> Option<Prepaid> {
        self.license.sku.as_ref().map(|sku| sku.prepaid)
    }

    /// The numbers of the row, by column.
    fn number(&self, column: usize) -> Option<i64> {
        let sku = self.license.sku.as_ref();
        match column {
            SOLD => self.license.sold,
            SEATS => sku.and_then(SkuCount::purchased),
            HELD => self.license.held.and_then(|held| i64::try_from(held).ok()),
            USED => sku.and_then(|sku| sku.consumed),
            FREE => sku.and_then(SkuCount::unassigned),
            GAP => self.license.gap(),
            ON => self.prepaid()?.enabled,
            GRACE => self.prepaid()?.warning,
            OFF => self.prepaid()?.suspended,
            LOCKED => self.prepaid()?.locked_out,
            _ => None,
        }
    }
}

impl Filterable for Row<'_> {
    const FIELDS: &'static [&'static str] = &["product", "part", "id", "status", "finding", "free"];

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let id = self.license.sku_id.map_or_else(String::new, |id| id.to_string());
        let part = self.license.part_number().unwrap_or_default();
        [self.name.as_str().into(), part.into(), id.into(), self.finding().into()].into_iter()
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "product" => Some(self.name.as_str().into()),
            "part" => self.license.part_number().map(Into::into),
            "id" => self.license.sku_id.map(|id| id.to_string().into()),
            "status" => self.license.sku.as_ref().and_then(|sku| sku.status.as_deref()).map(Into::into),
            "finding" => Some(self.finding().into()).filter(|text: &Cow<'_, str>| !text.is_empty()),
            "free" => Some(if self.free { "yes" } else { "no" }.into()),
            _ => None,
        }
    }
}

/// The licenses of a tenant.
#[derive(Debug)]
pub(crate) struct Licenses {
    of: TenantKey,
    list: Listing<RowKey>,
    filter: Filter,
    problems: bool,
    /// Whether free products stand in the list.
    all: bool,
}

impl Licenses {
    /// The licenses of a tenant.
    pub(crate) fn new(tenant: TenantKey) -> Self {
        let list = Listing::new(&LAYOUT, false);
        Self { of: tenant, list, filter: Filter::default(), problems: false, all: false }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.of)
    }

    /// All rows of the tenant, as `license_rows` orders them.
    fn all<'a>(&self, cx: &'a Cx<'_>) -> Vec<Row<'a>> {
        let Some(tenant) = self.tenant(cx) else { return Vec::new() };
        let catalog = &cx.fleet.catalog;
        let mut seen: std::collections::BTreeMap<Option<SkuId>, usize> = std::collections::BTreeMap::new();
        license_rows(tenant)
            .into_iter()
            .map(|license| {
                let n = seen.entry(license.sku_id).or_default();
                let key = (license.sku_id, *n);
                *n += 1;
                let finding = Finding::of(&license, catalog);
                Row {
                    key,
                    name: license.name(catalog).as_ref().into(),
                    free: license.sku_id.is_some_and(Catalog::is_free),
                    finding,
                    known: finding.known(&license, &tenant.known, cx.now),
                    license,
                }
            })
            .collect()
    }

    fn row<'a>(&self, cx: &'a Cx<'_>) -> Option<Row<'a>> {
        let key = self.list.cursor()?;
        self.all(cx).into_iter().find(|row| row.key == *key)
    }

    fn order(&self, rows: &[Row<'_>]) -> Vec<RowKey> {
        let mut rows: Vec<&Row<'_>> = rows
            .iter()
            .filter(|row| !self.problems || row.grade() <= Grade::Check)
            .filter(|row| self.all || !row.is_aside())
            .filter(|row| self.filter.matches(*row))
            .collect();
        let sort = self.list.sort();
        rows.sort_by(|a, b| {
            compare(a, b, sort)
                .then_with(|| a.name.to_lowercase().cmp(&b.name.to_lowercase()))
                .then_with(|| a.key.cmp(&b.key))
        });
        if self.list.is_reversed() {
            rows.reverse();
        }
        rows.into_iter().map(|row| row.key).collect()
    }

    fn replace(&mut self, cx: &Cx<'_>) {
        let rows = self.all(cx);
        let order = self.order(&rows);
        self.list.replace(order, rows.len());
    }

    /// Why there is nothing to be explained under the cursor.
    fn no_finding(row: Option<&Row<'_>>) -> Option<String> {
        match row {
            None => Some(NO_ROW.to_owned()),
            Some(row) if row.license.sku_id.is_none() => {
                Some("a product without an id cannot be told from others tomorrow".to_owned())
            }
            Some(row) if row.known.is_some() => None,
            Some(row) if row.finding.grade() == Grade::Fine => Some("there is nothing to explain".to_owned()),
            Some(_) => None,
        }
    }

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        match act {
            Act::Holders => match self.list.cursor() {
                None => Effect::Say(NO_ROW.to_owned()),
                Some((None, _)) => Effect::Say("Graph gave this product no id: nobody can hold it".to_owned()),
                Some((Some(id), _)) => Effect::Open(ScreenId::Holders(self.of.clone(), *id)),
            },
            Act::Users => Effect::Open(ScreenId::Users(self.of.clone())),
            Act::Why => Effect::Open(ScreenId::Why(self.of.clone())),
            Act::History => match self.list.cursor() {
                Some((Some(sku_id), _)) => Effect::Open(ScreenId::LicenseHistory(self.of.clone(), *sku_id)),
                Some((None, _)) => Effect::Say(NO_ID.to_owned()),
                None => Effect::Say(NO_ROW.to_owned()),
            },
            Act::Allocation => Effect::Open(ScreenId::Allocation(self.of.clone())),
            Act::Diff => Effect::Open(ScreenId::Diff(self.of.clone())),
            Act::Rerun => rerun(vec![self.of.clone()], cx),
            Act::Know => match Self::no_finding(self.row(cx).as_ref()) {
                Some(why) => Effect::Say(why),
                None => Effect::Line(KNOWN.to_owned()),
            },
            Act::Problems => {
                self.problems = !self.problems;
                self.replace(cx);
                Effect::Nothing
            }
            Act::Hidden => {
                self.all = !self.all;
                self.replace(cx);
                Effect::Nothing
            }
        }
    }
}

fn compare(a: &Row<'_>, b: &Row<'_>, sort: Option<usize>) -> Ordering {
    match sort {
        Some(PRODUCT) => Ordering::Equal,
        // What is short stands first; what nobody counted stands last.
        Some(column @ (FREE | GAP)) => {
            let key = |row: &Row<'_>| row.number(column).map_or((true, 0), |n| (false, n));
            key(a).cmp(&key(b))
        }
        Some(column @ (SOLD | SEATS | HELD | USED | ON | GRACE | OFF | LOCKED)) => {
            b.number(column).cmp(&a.number(column))
        }
        Some(_) | None => (a.grade(), a.finding).cmp(&(b.grade(), b.finding)),
    }
}

fn number(n: Option<i64>) -> String {
    n.map_or_else(|| "-".to_owned(), words::signed)
}

fn cells(row: &Row<'_>) -> Vec<Piece> {
    let look = Row::meaning(row.grade(), row.finding);
    let piece = |text: String, meaning| Piece { text, meaning };
    let cell = |column: usize| match column {
        0 => piece(Row::sign(row.grade(), row.finding).to_owned(), look),
        PRODUCT => piece(row.name.to_string(), Meaning::Plain),
        FINDING => piece(row.finding(), look),
        column => {
            let n = row.number(column);
            let text = n.map_or_else(|| "-".to_owned(), |n| words::narrow(n, usize::from(NUMBER)));
            let short = matches!(column, FREE | GAP) && n.is_some_and(|n| n < 0);
            piece(text, if short { look } else { Meaning::Plain })
        }
    };
    (0..COLUMNS.len()).map(cell).collect()
}

/// The terms of what we sold of a product.
fn terms(row: &Row<'_>, tenant: &Tenant) -> Vec<Subscription> {
    let all = tenant.sold.as_deref().map(|sold| sold.subscriptions.to_vec()).unwrap_or_default();
    let same = |one: &Subscription| match (row.license.sku_id, &row.license.offer) {
        (Some(id), _) => one.sku_id == Some(id),
        (None, Some(offer)) => one.sku_id.is_none() && one.name == *offer,
        (None, None) => false,
    };
    all.into_iter().filter(same).collect()
}

fn strip(row: &Row<'_>, tenant: &Tenant, cx: &Cx<'_>) -> [Line; 3] {
    let look = Row::meaning(row.grade(), row.finding);
    let first = match row.known {
        Some(Known { what, by, .. }) => {
            format!("{}: known until {}, by {by}: {}", short(row.finding), words::day(what.until, cx.now), what.reason)
        }
        None => said(row.finding, cx),
    };
    let sold = sold_line(row, tenant, cx);
    let Some(sku) = &row.license.sku else {
        let held = number(row.number(HELD));
        let skus =
            if row.license.basis.skus { "The tenant lists no such SKU." } else { "The SKUs of it were never read." };
        return [Line::of(look, first), sold.into(), format!("HELD {held}. {skus}").into()];
    };
    let prepaid = sku.prepaid;
    let mut units = format!("SEATS {} = {} on", number(sku.purchased()), number(prepaid.enabled));
    if prepaid.warning != Some(0) {
        units = format!("{units} + {} grace", number(prepaid.warning));
    }
    for (count, name) in [(prepaid.suspended, "off"), (prepaid.locked_out, "locked")] {
        if count.is_some_and(|n| n != 0) {
            units = format!("{units}, {} {name}", number(count));
        }
    }
    let agree = match row.license.unseen() {
        None if row.license.basis.together || row.license.held.is_none() => String::new(),
        None => format!("  HELD {} is of another import.", number(row.number(HELD))),
        Some(n) => {
            let agree = if n == 0 { "agree" } else { "differ" };
            format!("  HELD {}, USED {}: {agree}.", number(row.number(HELD)), number(sku.consumed))
        }
    };
    [Line::of(look, first), sold.into(), format!("{units}.{agree}").into()]
}

impl Screen for Licenses {
    fn id(&self) -> ScreenId {
        ScreenId::Licenses(self.of.clone())
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self.tenant(cx).map_or_else(|| self.of.to_string(), |tenant| tenant.title().to_owned());
        vec![name, "Licenses".to_owned()]
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| match act {
            Act::Holders | Act::History if self.list.cursor().is_none() => Some(NO_ROW.to_owned()),
            Act::Know => Self::no_finding(self.row(cx).as_ref()),
            Act::Holders
            | Act::Why
            | Act::Rerun
            | Act::Problems
            | Act::Hidden
            | Act::Users
            | Act::History
            | Act::Diff
            | Act::Allocation => None,
        });
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
        let rows = self.all(cx);
        let order = self.order(&rows);
        let exists = |key: &RowKey| rows.iter().any(|row| row.key == *key);
        if self.list.refresh(exists, &order, rows.len()) {
            self.list.replace(order, rows.len());
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        let Some(tenant) = cx.fleet.tenants.get(&self.of) else {
            page.line(top + 1, &"This tenant is not known here: no customer list holds it.".into());
            return;
        };
        let rows = self.all(cx);
        ages(page, top, tenant, cx);
        page.line(top + 1, &sums(&rows, self.all, tenant, cx));
        let what = if self.problems { "findings" } else { "all" };
        self.list.draw_state(page, top + 2, what, "finding", cx);
        let detail = if page.main.height >= 18 { 5 } else { 3 };
        let room = bottom.saturating_sub(top + 4 + detail);
        self.list
            .draw(page, top + 3, room, |key| rows.iter().find(|row| row.key == *key).map(cells).unwrap_or_default());
        if self.list.order().is_empty() {
            let (said, key) = empty(tenant, self.list.filter(), &rows, cx);
            Listing::<RowKey>::draw_empty(page, top + 5, &said, &key);
        }
        let shown = self.list.cursor().and_then(|key| rows.iter().find(|row| row.key == *key));
        if let Some(row) = shown {
            let part = row.license.part_number().filter(|part| **part != *row.name).unwrap_or_default();
            page.rule(bottom - detail, format!("{}  {part}", row.name).trim_end());
            for (line, y) in strip(row, tenant, cx).iter().zip(bottom - detail + 1..bottom - 1) {
                page.line(y, line);
            }
        }
        let legend = if page.main.width < 78 {
            "FREE = SEATS - USED   HELD = our count, USED = Graph's"
        } else {
            "SEATS = on + in grace   FREE = SEATS - USED   HELD = our count, USED = Graph's"
        };
        page.line(bottom - 1, &legend.into());
        if page.pane.is_some() {
            page.fill_pane(&pane(shown, tenant, cx));
        }
    }

    fn filter(&self) -> String {
        self.list.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<Row>(text)?;
        self.list.set_filter(text);
        self.replace(cx);
        Ok(())
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.of.clone()]
    }

    /// Users are made ready while the counts are read: their holders are asked for next.
    fn look(&self, cx: &Cx<'_>) -> Option<Look> {
        let tenant = self.tenant(cx)?;
        let users = tenant.users.good.as_ref()?.snapshot;
        let skus = tenant.skus.good.as_ref().map(|good| good.snapshot);
        Some(Look::Users(UsersLook { count: 1, ..UsersLook::of(users, skus) }))
    }

    fn product(&self, _: &Cx<'_>) -> Option<SkuId> {
        self.list.cursor().and_then(|(id, _)| *id)
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let rows = self.all(cx);
        let line = |row: &Row| cells(row).into_iter().map(|cell| cell.text).collect::<Vec<_>>().join("\t");
        let mut items = Vec::new();
        if let Some(row) = self.list.cursor().and_then(|key| rows.iter().find(|row| row.key == *key)) {
            if let Some(id) = row.license.sku_id {
                items.push(CopyItem { letter: 'i', what: "sku id", text: id.to_string() });
            }
            items.push(CopyItem { letter: 'r', what: "row", text: line(row) });
        }
        if !rows.is_empty() {
            let all: Vec<String> = rows.iter().map(line).collect();
            items.push(CopyItem { letter: 'a', what: "all rows", text: all.join("\n") });
        }
        items
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let tenant = self.tenant(cx)?;
        let all = self.all(cx);
        let count = |n: Option<i64>| n.map_or_else(String::new, |n| n.to_string());
        let shown = self.list.order().iter().filter_map(|key| all.iter().find(|row| row.key == *key));
        let rows = shown.map(|row| {
            let mut cells = vec![
                row.name.to_string(),
                row.license.part_number().unwrap_or_default().to_owned(),
                row.license.sku_id.map_or_else(String::new, |id| id.to_string()),
            ];
            cells.extend(NUMBERS.map(|column| count(row.number(column))));
            cells.push(row.finding());
            cells.push(row.known.map_or_else(String::new, |known| known.what.reason.to_string()));
            cells.extend([tenant.title().to_owned(), tenant.key.tenant.to_string()]);
            cells
        });
        let titles = ["PRODUCT", "PART NUMBER", "SKU ID"]
            .into_iter()
            .chain(NUMBERS.into_iter().filter_map(|i| COLUMNS.get(i)).map(|column| column.title))
            .chain(["FINDING", "KNOWN", "TENANT", "TENANT ID"]);
        Some(Sheet {
            name: "licenses",
            instead: "q, then tenantop licenses --format csv",
            body: Body::Rows { titles: titles.collect(), rows: rows.collect() },
        })
    }

    fn finding(&self, cx: &Cx<'_>) -> Option<Subject> {
        let row = self.row(cx).filter(|row| Self::no_finding(Some(row)).is_none())?;
        Some(Subject {
            tenant: self.of.clone(),
            sku_id: row.license.sku_id?,
            finding: row.finding.key().into(),
            said: format!("{}: {}", row.name, short(row.finding)),
        })
    }
}

/// The columns of numbers, in their order in a file.
const NUMBERS: [usize; 10] = [SOLD, SEATS, HELD, USED, FREE, GAP, ON, GRACE, OFF, LOCKED];

/// The answer of the screen: how many are wrong, what is hidden, and whether users and SKUs agree.
fn sums(rows: &[Row<'_>], all: bool, tenant: &Tenant, cx: &Cx<'_>) -> Line {
    let of = |grade: Grade| rows.iter().filter(|row| row.grade() == grade).count() as u64;
    let products = words::of(rows.len() as u64, "product");
    let mut text = format!("{products}  {} wrong  {} to check", of(Grade::Wrong), of(Grade::Check));
    if of(Grade::Known) > 0 {
        text = format!("{text}  {} known", of(Grade::Known));
    }
    text = format!("{text}  {} fine", of(Grade::Fine));
    let aside = rows.iter().filter(|row| row.is_aside()).count();
    if aside > 0 && !all {
        text = format!("{text}  {aside} free hidden ({})", cx.key("hidden"));
    }
    let line = Line::from(text);
    match tenant.checks.as_deref().and_then(disagree) {
        Some(said) => line.and(Meaning::Aging, format!("  {said}")),
        None => line,
    }
}

/// The ages of what the numbers come from.
fn ages(page: &mut Page<'_>, y: u16, tenant: &Tenant, cx: &Cx<'_>) {
    let mut line = Line::default();
    let when = |set: &DataSet| set.good.as_ref().map(|good| good.at);
    let same = when(&tenant.skus).is_some() && when(&tenant.skus) == when(&tenant.users);
    let sets: &[(&str, &DataSet)] =
        if same { &[("SKUs, users", &tenant.skus)] } else { &[("SKUs", &tenant.skus), ("users", &tenant.users)] };
    for (name, set) in sets {
        let meaning = if set.failing.is_some() || set.good.is_none() { Meaning::Aging } else { Meaning::Plain };
        let text = match when(set) {
            Some(at) => format!("{name} {} ({})  ", words::when(at, cx.now), cx.age(at)),
            None => format!("{name} never read  "),
        };
        line = line.and(meaning, text);
    }
    if let Some(sold) = &tenant.sold {
        let meaning = if sold.failing.is_some() || sold.read_at.is_none() { Meaning::Aging } else { Meaning::Plain };
        let refused = if sold.failing.is_some() { " refused" } else { "" };
        let text = match sold.read_at {
            Some(at) => format!("sold {} ({}){refused}  ", words::when(at, cx.now), cx.age(at)),
            None => format!("sold never read{refused}  "),
        };
        line = line.and(meaning, text);
    }
    if tenant.failing().is_some() {
        line = line.and(Meaning::Aging, "last import refused");
    }
    page.line(y, &line);
}

/// Says why there are no rows.
fn empty(tenant: &Tenant, filter: &str, rows: &[Row<'_>], cx: &Cx<'_>) -> (String, String) {
    let all = rows.len();
    if !filter.is_empty() {
        return (
            format!("No product matches \"{filter}\".  {all} hidden by the filter."),
            cx.hint("clear", "clears it"),
        );
    }
    if all > 0 && rows.iter().all(Row::is_aside) {
        return (format!("Nothing but free products: {all} hidden."), cx.hint("hidden", "shows them"));
    }
    if all > 0 {
        return (format!("Nothing to look at: {all} of {all} fine."), cx.hint("problems", "shows all"));
    }
    match &tenant.skus.good {
        None => ("The SKUs of this tenant were never read.".to_owned(), cx.hint("why", "says why")),
        Some(_) => ("This tenant has no SKU.".to_owned(), cx.hint("re-run", "reads it again")),
    }
}

fn pane(row: Option<&Row<'_>>, tenant: &Tenant, cx: &Cx<'_>) -> Vec<Line> {
    let pair = |name: &str, value: String| Line::from(format!("  {name:<14}{value:>12}"));
    let mut lines = Vec::new();
    if let Some(row) = row {
        lines.push(Line::of(Meaning::Caption, row.name.as_str()));
        if let Some(id) = row.license.sku_id {
            lines.push(Line::from(id.to_string()));
        }
        if let Some(sku) = &row.license.sku {
            let status = sku.status.as_deref().unwrap_or("unknown");
            let scope = sku.applies_to.as_deref().unwrap_or("unknown");
            lines.push(Line::from(format!("status {status}, for {scope}")));
            lines.push(Line::default());
            let names =
                [(ON, "on"), (GRACE, "in grace"), (OFF, "suspended"), (LOCKED, "locked out"), (GAP, "seats - sold")];
            lines.extend(names.map(|(column, name)| pair(name, number(row.number(column)))));
        }
        lines.push(Line::default());
        let terms = terms(row, tenant);
        if !terms.is_empty() {
            lines.push(Line::of(Meaning::Caption, "SOLD BY US"));
            for one in terms {
                lines.push(format!("  {}", term(&one, cx)).into());
                let renews = match one.auto_renews {
                    Some(true) => "renews by itself",
                    Some(false) => "ends then",
                    None => "",
                };
                if !renews.is_empty() {
                    lines.push(format!("    {renews}").into());
                }
            }
            lines.push(Line::default());
        }
    }
    lines.extend(checks(tenant));
    lines.push(Line::of(Meaning::Caption, "WHERE THE NUMBERS COME FROM"));
    for (name, what) in [
        ("SOLD", "Partner Center, active ones"),
        ("SEATS", "SKUs, enabled + in grace"),
        ("HELD", "users, assignedLicenses"),
        ("USED", "SKUs, consumedUnits"),
        ("-", "not told: never taken as 0"),
    ] {
        lines.push(format!("  {name:<7}{what}").into());
    }
    lines
}

#[cfg(test)]
mod tests;
