//! Licenses of a tenant: do the numbers agree?

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{Cx, Effect, Screen, ScreenId, rerun, words};
use crate::model::{
    Filter, FilterError, Filterable, Key as TenantKey, LicenseRow, Look, SkuCount, SkuId, Tenant, UsersLook,
    license_rows,
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
    Users,
    History,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Holders, "open", "holders", "the users who hold the product; never a yes"),
    bind(&[Key::Char('u')], Act::Problems, "problems", "findings", "only what is to be looked at, or all"),
    bind(&[Key::Char('r')], Act::Rerun, "re-run", "re-run", "run the import of the tenant again (asks)"),
    bind(&[Key::Char('e')], Act::Why, "why", "why", "explain: why the tenant stands as it does"),
    bind(&[Key::Char('U')], Act::Users, "users", "users", "users of the tenant"),
    bind(&[Key::Char('h')], Act::History, "history", "", "history: every try of the tenant"),
];

const NO_ROW: &str = "no product is under the cursor";

const PRODUCT: usize = 1;
const PURCHASED: usize = 2;
const ASSIGNED: usize = 3;
const UNASSIGNED: usize = 4;
const HELD: usize = 5;
const FINDING: usize = 6;

static COLUMNS: [Column; 7] = [
    column(" ", 1, false),
    column("PRODUCT", 27, false),
    column("PURCHASED", 9, true),
    column("ASSIGNED", 8, true),
    column("UNASSIGNED", 10, true),
    column("HELD", 6, true),
    column("FINDING", 9, false),
];

static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: PRODUCT,
    fits: &[Fit::Narrow(PRODUCT, 20), Fit::Drop(FINDING), Fit::Narrow(PRODUCT, 15)],
};

/// What is to be said of a row, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    /// More assigned than purchased.
    Over(i64),
    /// Our count and Graph's differ.
    Differs(i64),
    /// Users hold it and the list of SKUs has it no more.
    Unlisted,
    /// Units are in their grace period.
    Grace(i64),
    /// Units are suspended or locked out.
    Suspended(i64),
    /// Graph left a count out.
    Unknown,
    /// For the whole company: nobody holds it.
    Company,
    /// All is assigned.
    Full,
    /// Nothing.
    Fine,
}

impl Finding {
    fn of(row: &LicenseRow) -> Self {
        let Some(sku) = &row.sku else { return Finding::Unlisted };
        if let Some(n) = sku.unassigned().filter(|n| *n < 0) {
            return Finding::Over(n);
        }
        if sku.is_company() {
            return Finding::Company;
        }
        if let (Some(held), Some(consumed)) = (row.held.and_then(|n| i64::try_from(n).ok()), sku.consumed)
            && held != consumed
        {
            return Finding::Differs(held - consumed);
        }
        if let Some(n) = sku.prepaid.warning.filter(|n| *n > 0) {
            return Finding::Grace(n);
        }
        let stopped = sku.prepaid.suspended.unwrap_or(0) + sku.prepaid.locked_out.unwrap_or(0);
        if stopped > 0 {
            return Finding::Suspended(stopped);
        }
        match sku.unassigned() {
            None => Finding::Unknown,
            Some(0) if sku.purchased() != Some(0) => Finding::Full,
            Some(_) => Finding::Fine,
        }
    }

    const fn is_wrong(self) -> bool {
        matches!(self, Finding::Over(_))
    }

    const fn is_doubtful(self) -> bool {
        match self {
            Finding::Differs(_) | Finding::Unlisted | Finding::Grace(_) | Finding::Suspended(_) | Finding::Unknown => {
                true
            }
            Finding::Over(_) | Finding::Company | Finding::Full | Finding::Fine => false,
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Finding::Over(_) => "!",
            Finding::Differs(_) | Finding::Unlisted | Finding::Grace(_) | Finding::Suspended(_) | Finding::Unknown => {
                "~"
            }
            Finding::Company => "=",
            Finding::Full | Finding::Fine => "+",
        }
    }

    const fn meaning(self) -> Meaning {
        match self {
            Finding::Over(_) => Meaning::Broken,
            Finding::Differs(_) | Finding::Unlisted | Finding::Grace(_) | Finding::Suspended(_) | Finding::Unknown => {
                Meaning::Aging
            }
            Finding::Company => Meaning::Quiet,
            Finding::Full | Finding::Fine => Meaning::Plain,
        }
    }

    fn short(self) -> String {
        match self {
            Finding::Over(n) => format!("over {}", words::signed(-n)),
            Finding::Differs(n) if n > 0 => format!("held +{}", words::signed(n)),
            Finding::Differs(n) => format!("held {}", words::signed(n)),
            Finding::Unlisted => "not sold".to_owned(),
            Finding::Grace(n) => format!("grace {}", words::signed(n)),
            Finding::Suspended(n) => format!("off {}", words::signed(n)),
            Finding::Unknown => "no count".to_owned(),
            Finding::Company => "company".to_owned(),
            Finding::Full => "full".to_owned(),
            Finding::Fine => String::new(),
        }
    }

    fn said(self) -> String {
        match self {
            Finding::Over(n) => {
                format!("{} more assigned than purchased: units lapsed while people held them.", words::signed(-n))
            }
            Finding::Differs(n) => {
                format!("Our count of holders differs from Graph's by {}: deleted users, or a lag.", words::signed(n))
            }
            Finding::Unlisted => "Users hold it, and the tenant's list of SKUs no longer has it.".to_owned(),
            Finding::Grace(n) => format!("{} past their term, still usable: renew or take away.", words::signed(n)),
            Finding::Suspended(n) => format!("{} suspended or locked out: they cannot be assigned.", words::signed(n)),
            Finding::Unknown => "Graph left a count out; it is not taken as 0.".to_owned(),
            Finding::Company => "For the whole company: no user holds it.".to_owned(),
            Finding::Full => "All units are assigned.".to_owned(),
            Finding::Fine => "The counts agree.".to_owned(),
        }
    }
}

/// What a row is known by: the product, and its place among rows without an id.
type RowKey = (Option<SkuId>, usize);

/// A license row as the list filters it.
struct Row {
    key: RowKey,
    license: LicenseRow,
    finding: Finding,
}

impl Row {
    fn name(&self) -> Cow<'_, str> {
        match self.license.sku.as_ref().and_then(|sku| sku.part_number.as_deref()) {
            Some(part) if !part.is_empty() => part.into(),
            Some(_) | None => self.license.sku_id.map_or("(no id)".into(), |id| id.to_string().into()),
        }
    }
}

impl Filterable for Row {
    const FIELDS: &'static [&'static str] = &["product", "id", "status", "finding"];

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let id = self.license.sku_id.map_or_else(String::new, |id| id.to_string());
        [self.name(), id.into(), self.finding.short().into()].into_iter()
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "product" => Some(self.name()),
            "id" => self.license.sku_id.map(|id| id.to_string().into()),
            "status" => self.license.sku.as_ref().and_then(|sku| sku.status.as_deref()).map(Into::into),
            "finding" => Some(self.finding.short().into()),
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
}

impl Licenses {
    /// The licenses of a tenant.
    pub(crate) fn new(tenant: TenantKey) -> Self {
        Self { of: tenant, list: Listing::new(&LAYOUT, false), filter: Filter::default(), problems: false }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.of)
    }

    /// All rows of the tenant, as `license_rows` orders them.
    fn all(&self, cx: &Cx<'_>) -> Vec<Row> {
        let rows = self.tenant(cx).map(license_rows).unwrap_or_default();
        let mut seen: std::collections::BTreeMap<Option<SkuId>, usize> = std::collections::BTreeMap::new();
        rows.into_iter()
            .map(|row| {
                let n = seen.entry(row.sku_id).or_default();
                let key = (row.sku_id, *n);
                *n += 1;
                Row { key, finding: Finding::of(&row), license: row }
            })
            .collect()
    }

    fn order(&self, rows: &[Row]) -> Vec<RowKey> {
        let mut rows: Vec<&Row> = rows
            .iter()
            .filter(|row| !self.problems || row.finding.is_wrong() || row.finding.is_doubtful())
            .filter(|row| self.filter.matches(*row))
            .collect();
        let sort = self.list.sort();
        rows.sort_by(|a, b| compare(a, b, sort).then_with(|| a.name().cmp(&b.name())).then_with(|| a.key.cmp(&b.key)));
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

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        match act {
            Act::Holders => match self.list.cursor() {
                None => Effect::Say(NO_ROW.to_owned()),
                Some((None, _)) => Effect::Say("Graph gave this product no id: nobody can hold it".to_owned()),
                Some((Some(id), _)) => Effect::Open(ScreenId::Holders(self.of.clone(), *id)),
            },
            Act::Users => Effect::Open(ScreenId::Users(self.of.clone())),
            Act::Why => Effect::Open(ScreenId::Why(self.of.clone())),
            Act::History => Effect::Open(ScreenId::History(self.of.clone())),
            Act::Rerun => rerun(vec![self.of.clone()], cx),
            Act::Problems => {
                self.problems = !self.problems;
                self.replace(cx);
                Effect::Nothing
            }
        }
    }
}

fn compare(a: &Row, b: &Row, sort: Option<usize>) -> Ordering {
    let count = |row: &Row, of: fn(&SkuCount) -> Option<i64>| row.license.sku.as_ref().and_then(of);
    match sort {
        Some(PRODUCT) => Ordering::Equal,
        Some(PURCHASED) => count(b, SkuCount::purchased).cmp(&count(a, SkuCount::purchased)),
        Some(ASSIGNED) => count(b, |sku| sku.consumed).cmp(&count(a, |sku| sku.consumed)),
        Some(UNASSIGNED) => {
            let key = |row: &Row| count(row, SkuCount::unassigned).unwrap_or(i64::MAX);
            key(a).cmp(&key(b))
        }
        Some(HELD) => b.license.held.cmp(&a.license.held),
        Some(_) | None => a.finding.cmp(&b.finding),
    }
}

fn number(n: Option<i64>) -> String {
    n.map_or_else(|| "-".to_owned(), words::signed)
}

fn cells(row: &Row) -> Vec<Piece> {
    let piece = |text: String, meaning| Piece { text, meaning };
    let sku = row.license.sku.as_ref();
    let look = row.finding.meaning();
    let unassigned = sku.and_then(SkuCount::unassigned);
    vec![
        piece(row.finding.sign().to_owned(), look),
        piece(row.name().into_owned(), Meaning::Plain),
        piece(number(sku.and_then(SkuCount::purchased)), Meaning::Plain),
        piece(number(sku.and_then(|sku| sku.consumed)), Meaning::Plain),
        piece(number(unassigned), if unassigned.is_some_and(|n| n < 0) { look } else { Meaning::Plain }),
        piece(row.license.held.map_or_else(|| "-".to_owned(), words::count), Meaning::Plain),
        piece(row.finding.short(), look),
    ]
}

fn strip(row: &Row) -> [Line; 3] {
    let first = row.finding.said();
    let Some(sku) = &row.license.sku else {
        let id = row.license.sku_id.map_or_else(String::new, |id| id.to_string());
        return [first.into(), format!("sku id {id}").into(), Line::default()];
    };
    let prepaid = sku.prepaid;
    let units = format!(
        "PURCHASED {} = {} enabled + {} in grace.  suspended {}, locked out {}.  {}",
        number(sku.purchased()),
        number(prepaid.enabled),
        number(prepaid.warning),
        number(prepaid.suspended),
        number(prepaid.locked_out),
        sku.status.as_deref().unwrap_or("status unknown"),
    );
    let id = row.license.sku_id.map_or_else(|| "no sku id".to_owned(), |id| format!("sku id {id}"));
    [Line::of(row.finding.meaning(), first), units.into(), id.into()]
}

impl Screen for Licenses {
    fn id(&self) -> ScreenId {
        ScreenId::Licenses(self.of.clone())
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self.tenant(cx).map_or_else(|| self.of.to_string(), |tenant| tenant.title().to_owned());
        vec![name, "Licenses".to_owned()]
    }

    fn keys(&self, _: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| match act {
            Act::Holders if self.list.cursor().is_none() => Some(NO_ROW.to_owned()),
            Act::Holders | Act::Why | Act::Rerun | Act::Problems | Act::Users | Act::History => None,
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
        let wrong = rows.iter().filter(|row| row.finding.is_wrong()).count() as u64;
        let doubtful = rows.iter().filter(|row| row.finding.is_doubtful()).count() as u64;
        let fine = (rows.len() as u64).saturating_sub(wrong + doubtful);
        let products = words::of(rows.len() as u64, "product");
        page.line(top + 1, &format!("{products}  {wrong} wrong  {doubtful} to check  {fine} fine").into());
        let what = if self.problems { "findings" } else { "all" };
        self.list.draw_state(page, top + 2, what, "finding", cx);
        let detail = if page.main.height >= 18 { 5 } else { 3 };
        let room = bottom.saturating_sub(top + 4 + detail);
        self.list
            .draw(page, top + 3, room, |key| rows.iter().find(|row| row.key == *key).map(cells).unwrap_or_default());
        if self.list.order().is_empty() {
            let (said, key) = empty(tenant, self.list.filter(), rows.len(), cx);
            Listing::<RowKey>::draw_empty(page, top + 5, &said, &key);
        }
        let shown = self.list.cursor().and_then(|key| rows.iter().find(|row| row.key == *key));
        if let Some(row) = shown {
            page.rule(bottom - detail, &row.name());
            for (line, y) in strip(row).iter().zip(bottom - detail + 1..bottom - 1) {
                page.line(y, line);
            }
        }
        let legend = if page.main.width < 78 {
            "UNASSIGNED = PURCHASED - ASSIGNED   HELD = our own count"
        } else {
            "UNASSIGNED = PURCHASED - ASSIGNED (Graph's counts)   HELD = our count of users"
        };
        page.line(bottom - 1, &legend.into());
        if page.pane.is_some() {
            page.fill_pane(&pane(shown));
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
            let sku = row.license.sku.as_ref();
            vec![
                row.name().into_owned(),
                count(sku.and_then(SkuCount::purchased)),
                count(sku.and_then(|sku| sku.consumed)),
                count(sku.and_then(SkuCount::unassigned)),
                row.license.held.map_or_else(String::new, |held| held.to_string()),
                row.finding.short(),
                row.license.sku_id.map_or_else(String::new, |id| id.to_string()),
                tenant.title().to_owned(),
                tenant.key.tenant.to_string(),
            ]
        });
        let titles =
            ["PRODUCT", "PURCHASED", "ASSIGNED", "UNASSIGNED", "HELD", "FINDING", "SKU ID", "TENANT", "TENANT ID"];
        Some(Sheet {
            name: "licenses",
            instead: "q, then tenantop licenses --format csv",
            body: Body::Rows { titles: titles.to_vec(), rows: rows.collect() },
        })
    }
}

/// The age of the two data sets that the numbers come from.
fn ages(page: &mut Page<'_>, y: u16, tenant: &Tenant, cx: &Cx<'_>) {
    let mut line = Line::of(Meaning::Plain, "data:");
    for (name, set) in [("SKUs", &tenant.skus), ("users", &tenant.users)] {
        let meaning = if set.failing.is_some() || set.good.is_none() { Meaning::Aging } else { Meaning::Plain };
        let text = match &set.good {
            Some(good) => format!("  {name} {} ({})", words::when(good.at, cx.now), cx.age(good.at)),
            None => format!("  {name} never read"),
        };
        line = line.and(meaning, text);
    }
    if tenant.failing().is_some() {
        line = line.and(Meaning::Aging, "  last import refused");
    }
    page.line(y, &line);
}

/// Says why there are no rows.
fn empty(tenant: &Tenant, filter: &str, all: usize, cx: &Cx<'_>) -> (String, String) {
    if !filter.is_empty() {
        return (
            format!("No product matches \"{filter}\".  {all} hidden by the filter."),
            cx.hint("clear", "clears it"),
        );
    }
    if all > 0 {
        return (format!("Nothing to look at: {all} of {all} fine."), cx.hint("problems", "shows all"));
    }
    match &tenant.skus.good {
        None => ("The SKUs of this tenant were never read.".to_owned(), cx.hint("why", "says why")),
        Some(_) => ("This tenant has no SKU.".to_owned(), cx.hint("re-run", "reads it again")),
    }
}

fn pane(row: Option<&Row>) -> Vec<Line> {
    let pair = |name: &str, value: String| Line::from(format!("  {name:<12}{value:>10}"));
    let mut lines = Vec::new();
    if let Some(row) = row {
        lines.push(Line::of(Meaning::Caption, row.name()));
        if let Some(sku) = &row.license.sku {
            lines.push(Line::from(format!("status {}", sku.status.as_deref().unwrap_or("unknown"))));
            lines.push(Line::from(format!("for {}", sku.applies_to.as_deref().unwrap_or("unknown"))));
            lines.push(Line::default());
            lines.push(pair("enabled", number(sku.prepaid.enabled)));
            lines.push(pair("in grace", number(sku.prepaid.warning)));
            lines.push(pair("suspended", number(sku.prepaid.suspended)));
            lines.push(pair("locked out", number(sku.prepaid.locked_out)));
            lines.push(pair("assigned", number(sku.consumed)));
        }
        lines.push(pair("held", row.license.held.map_or_else(|| "-".to_owned(), words::count)));
        lines.push(Line::default());
    }
    lines.push(Line::of(Meaning::Caption, "WHERE THE NUMBERS COME FROM"));
    for (name, what) in [
        ("PURCHASED", "enabled + in grace"),
        ("ASSIGNED", "consumedUnits of the SKUs"),
        ("HELD", "users, assignedLicenses"),
        ("-", "not told: never taken as 0"),
    ] {
        lines.push(format!("  {name:<10}{what}").into());
    }
    lines
}
