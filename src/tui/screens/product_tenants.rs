//! Tenants of a product: who has it, how much of it lies idle there or lacks, and how old is that?

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::fleet_licenses::gaps;
use super::{Cx, Effect, Screen, ScreenId, facts, rerun, words};
use crate::model::{
    Coverage, Filter, FilterError, Key as TenantKey, ProductKey, ProductShares, Share, SkuId, Spare, TenantRow, off,
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
    Rerun,
    Why,
    Licenses,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "its licenses", "the product among the licenses of the tenant; never a yes"),
    bind(&[Key::Char('r')], Act::Rerun, "re-run", "re-run", "run the import of the marked tenants again (asks)"),
    bind(&[Key::Char('e')], Act::Why, "why", "why", "explain: why the tenant stands as it does"),
    bind(&[Key::Char('l')], Act::Licenses, "licenses", "", "all licenses of the tenant"),
];

const NO_ROW: &str = "no tenant is under the cursor";

const STATE: usize = 0;
const TENANT: usize = 1;
const PURCHASED: usize = 2;
const ASSIGNED: usize = 3;
const HELD: usize = 5;
const SUSPENDED: usize = 6;
const AGE: usize = 7;

static COLUMNS: [Column; 8] = [
    column("STATE", 10, false),
    column("TENANT", 22, false),
    column("PURCHASED", 9, true),
    column("ASSIGNED", 8, true),
    column("UNASSIGNED", 10, true),
    column("HELD", 6, true),
    column("SUSPENDED", 9, true),
    column("AGE", 5, true),
];

static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: TENANT,
    fits: &[Fit::Drop(SUSPENDED), Fit::Drop(HELD), Fit::Narrow(TENANT, 16), Fit::Drop(ASSIGNED), Fit::Drop(PURCHASED)],
};

/// The tenants that have a product.
#[derive(Debug)]
pub(crate) struct ProductTenants {
    of: ProductKey,
    list: Listing<TenantKey>,
    filter: Filter,
    shares: ProductShares,
    coverage: Coverage,
    total: usize,
    /// What the product is called.
    name: String,
    /// The answer in a line.
    answer: String,
}

impl ProductTenants {
    /// The tenants that have a product, the most unassigned first.
    pub(crate) fn new(product: ProductKey) -> Self {
        Self {
            of: product.clone(),
            list: Listing::new(&LAYOUT, true),
            filter: Filter::default(),
            shares: ProductShares::new(product),
            coverage: Coverage::default(),
            total: 0,
            name: String::new(),
            answer: String::new(),
        }
    }

    /// The tenants that the filter lets through, in order.
    fn order(&self, cx: &Cx<'_>) -> Vec<TenantKey> {
        let sort = self.list.sort();
        let mut rows: Vec<(&TenantKey, &Share, TenantRow<'_>)> = self
            .shares
            .all()
            .filter_map(|(key, share)| Some((key, share, TenantRow::of(cx.fleet, cx.fleet.tenants.get(key)?, cx.now))))
            .filter(|(_, _, row)| self.filter.matches(row))
            .collect();
        rows.sort_by_cached_key(|(key, _, row)| (row.tenant.title().to_lowercase(), (*key).clone()));
        // They are by name now; each sort is stable.
        match sort {
            Some(STATE) => rows.sort_by_key(|(_, _, row)| row.state),
            Some(TENANT) => {}
            Some(PURCHASED) => rows.sort_by_key(|(_, share, _)| Reverse(share.purchased)),
            Some(ASSIGNED) => rows.sort_by_key(|(_, share, _)| Reverse(share.assigned)),
            Some(HELD) => rows.sort_by_key(|(_, share, _)| Reverse(share.held)),
            Some(SUSPENDED) => rows.sort_by_key(|(_, share, _)| Reverse(stopped(share))),
            Some(AGE) => rows.sort_by_key(|(_, _, row)| row.tenant.skus.good.as_ref().map(|good| good.at)),
            Some(_) | None => rows.sort_by_key(|(_, share, _)| Reverse(share.unassigned())),
        }
        if self.list.is_reversed() {
            rows.reverse();
        }
        rows.into_iter().map(|(key, _, _)| key.clone()).collect()
    }

    fn replace(&mut self, cx: &Cx<'_>) {
        let order = self.order(cx);
        self.list.replace(order, self.total);
    }

    fn row<'a>(&self, cx: &'a Cx<'_>) -> Option<(TenantRow<'a>, &Share)> {
        let key = self.list.cursor()?;
        Some((TenantRow::of(cx.fleet, cx.fleet.tenants.get(key)?, cx.now), self.shares.get(key)?))
    }

    /// What the product is called: by a list, else as most tenants list it.
    fn called(&self, cx: &Cx<'_>) -> String {
        let mut parts: BTreeMap<&str, u64> = BTreeMap::new();
        if let ProductKey::Part(part) = &self.of {
            parts.insert(part, 1);
        }
        for part in self.shares.all().filter_map(|(_, share)| share.part_number.as_deref()) {
            *parts.entry(part).or_default() += 1;
        }
        let most = parts.into_iter().rev().max_by_key(|(_, n)| *n).map(|(part, _)| part);
        cx.fleet.catalog.name(self.of.sku_id(), most).into_owned()
    }

    fn dead(&self) -> Option<String> {
        self.list.cursor().is_none().then(|| NO_ROW.to_owned())
    }

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        let Some(key) = self.list.cursor().cloned() else { return Effect::Say(NO_ROW.to_owned()) };
        match act {
            Act::Open => Effect::Narrow(ScreenId::Licenses(key), self.term()),
            Act::Rerun => rerun(self.list.chosen(), cx),
            Act::Why => Effect::Open(ScreenId::Why(key)),
            Act::Licenses => Effect::Open(ScreenId::Licenses(key)),
        }
    }

    /// The filter that shows the product among a tenant's licenses.
    fn term(&self) -> String {
        match &self.of {
            ProductKey::Sku(id) => format!("id:={id}"),
            ProductKey::Part(part) if part.is_empty() => "product:=\"(no id)\"".to_owned(),
            // A quote in it would end the quotes: what stands before it is sought then.
            ProductKey::Part(part) => match part.split_once('"') {
                Some((before, _)) => format!("product:\"{before}\""),
                None => format!("product:=\"{part}\""),
            },
        }
    }

    /// How many of how many have it, and what lies idle or lacks there.
    fn said(&self) -> String {
        let (mut spare, mut over, mut untold) = ((0i64, 0u64), (0i64, 0u64), 0u64);
        for (_, share) in self.shares.all() {
            match share.spare() {
                Spare::Known(n) if n > 0 => spare = (spare.0.saturating_add(n), spare.1 + 1),
                Spare::Known(n) if n < 0 => over = (over.0.saturating_sub(n), over.1 + 1),
                Spare::Known(_) => {}
                Spare::Untold | Spare::Unlisted => untold += 1,
            }
        }
        let of = words::of(self.coverage.counted(), "tenant");
        let mut said = format!("{} of {of} have it", words::count(self.total as u64));
        for ((n, tenants), what) in [(spare, "unassigned"), (over, "over")] {
            if tenants > 0 {
                said = format!("{said}  {} {what} in {}", words::signed(n), words::count(tenants));
            }
        }
        if untold > 0 { format!("{said}  no count in {}", words::count(untold)) } else { said }
    }
}

fn stopped(share: &Share) -> Option<i64> {
    off(share.suspended, share.locked_out)
}

fn number(n: Option<i64>) -> String {
    n.map_or_else(|| "-".to_owned(), words::signed)
}

fn cells(row: &TenantRow<'_>, share: &Share, cx: &Cx<'_>) -> Vec<Piece> {
    let piece = |text: String, meaning| Piece { text, meaning };
    let look: Meaning = row.state.into();
    let plain = |n| piece(number(n), Meaning::Plain);
    let over = if matches!(share.spare(), Spare::Known(n) if n < 0) { Meaning::Broken } else { Meaning::Plain };
    let good = row.tenant.skus.good.as_ref();
    let aged = if row.reading == Some(crate::model::Reading::Old) { Meaning::Aging } else { Meaning::Plain };
    vec![
        piece(format!("{} {}", row.state.sign(), row.state.word()), look),
        piece(row.tenant.title().to_owned(), Meaning::Plain),
        plain(share.purchased),
        plain(share.assigned),
        piece(number(share.unassigned()), over),
        piece(share.held.map_or_else(|| "-".to_owned(), words::count), Meaning::Plain),
        plain(stopped(share)),
        piece(cx.age_or_dash(good.map(|good| good.at)), aged),
    ]
}

/// What is to be said of a tenant's counts.
fn told(share: &Share) -> Line {
    let text = match share.spare() {
        Spare::Known(n) if n < 0 => {
            let n = words::signed(n.saturating_neg());
            return Line::of(Meaning::Broken, format!("{n} more assigned than purchased: units lapsed while held."));
        }
        Spare::Known(_) if share.company => "For the whole company: no user can have it.".to_owned(),
        Spare::Known(0) if share.purchased == Some(0) => "None purchased, none assigned.".to_owned(),
        Spare::Known(0) => "All units are assigned.".to_owned(),
        Spare::Known(n) => format!("{} purchased and assigned to nobody.", words::signed(n)),
        Spare::Untold => "Graph left a count out; it is not taken as 0.".to_owned(),
        Spare::Unlisted => "Users hold it, and the tenant's list of SKUs no longer has it.".to_owned(),
    };
    match stopped(share).filter(|n| *n > 0) {
        Some(n) => format!("{text}  {} suspended or locked out.", words::signed(n)).into(),
        None => text.into(),
    }
}

impl Screen for ProductTenants {
    fn id(&self) -> ScreenId {
        ScreenId::ProductTenants(self.of.clone())
    }

    fn path(&self, _: &Cx<'_>) -> Vec<String> {
        vec!["Fleet licenses".to_owned(), self.name.clone()]
    }

    fn keys(&self, _: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |_| self.dead());
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
        self.shares.update(cx.fleet.tenants.values());
        self.coverage = Coverage::of(cx.fleet, cx.fleet.tenants.values(), cx.now);
        self.total = self.shares.all().count();
        self.name = self.called(cx);
        self.answer = self.said();
        let order = self.order(cx);
        let shares = &self.shares;
        if self.list.refresh(|key| shares.get(key).is_some(), &order, self.total) {
            self.list.replace(order, self.total);
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        page.line(top, &self.answer.as_str().into());
        page.line(top + 1, &gaps(&self.coverage, page.main.width, cx));
        self.list.draw_state(page, top + 2, "all", "unassigned", cx);
        let detail = if page.main.height >= 18 { 4 } else { 2 };
        let room = bottom.saturating_sub(top + 4 + detail);
        let shares = &self.shares;
        let row = |key: &TenantKey| {
            let tenant = cx.fleet.tenants.get(key)?;
            Some(cells(&TenantRow::of(cx.fleet, tenant, cx.now), shares.get(key)?, cx))
        };
        self.list.draw(page, top + 3, room, |key| row(key).unwrap_or_default());
        if self.list.order().is_empty() {
            let (said, key) = if self.list.filter().is_empty() {
                let all = words::of(self.coverage.counted(), "tenant");
                (format!("None of {all} has it, as far as their SKUs were read."), String::new())
            } else {
                let all = words::of(self.total as u64, "tenant");
                let said = format!("No tenant matches \"{}\".  {all} in all.", self.list.filter());
                (said, cx.hint("clear", "clears it"))
            };
            Listing::<TenantKey>::draw_empty(page, top + 5, &said, &key);
        }
        let Some((row, share)) = self.row(cx) else { return };
        page.rule(bottom - detail, row.tenant.title());
        let [first, second] = facts::strip(&row, cx);
        for (line, y) in [told(share), first, second].iter().zip(bottom - detail + 1..bottom) {
            page.line(y, line);
        }
        if page.pane.is_some() {
            page.fill_pane(&facts::pane(&row, true, cx));
        }
    }

    fn filter(&self) -> String {
        self.list.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<TenantRow<'_>>(text)?;
        self.list.set_filter(text);
        self.replace(cx);
        Ok(())
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        self.list.chosen()
    }

    fn product(&self, _: &Cx<'_>) -> Option<SkuId> {
        self.of.sku_id()
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let Some((row, _)) = self.row(cx) else { return Vec::new() };
        let line = |key: &TenantKey| {
            let tenant = cx.fleet.tenants.get(key)?;
            let cells = cells(&TenantRow::of(cx.fleet, tenant, cx.now), self.shares.get(key)?, cx);
            let cells: Vec<String> = cells.into_iter().map(|cell| cell.text).collect();
            Some(cells.join("\t"))
        };
        let all: Vec<String> = self.list.order().iter().filter_map(line).collect();
        let item = |letter, what, text| CopyItem { letter, what, text };
        vec![
            item('i', "tenant id", row.tenant.key.tenant.to_string()),
            item('d', "domain", row.tenant.domain.to_string()),
            item('r', "row", line(&row.tenant.key).unwrap_or_default()),
            item('a', "all rows", all.join("\n")),
        ]
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let count = |n: Option<i64>| n.map_or_else(String::new, |n| n.to_string());
        let rows = self.list.order().iter().filter_map(|key| {
            let tenant = cx.fleet.tenants.get(key)?;
            let (row, share) = (TenantRow::of(cx.fleet, tenant, cx.now), self.shares.get(key)?);
            Some(vec![
                row.state.word().to_owned(),
                tenant.title().to_owned(),
                self.name.clone(),
                count(share.purchased),
                count(share.assigned),
                count(share.unassigned()),
                share.held.map_or_else(String::new, |n| n.to_string()),
                count(stopped(share)),
                count(share.locked_out),
                tenant.skus.good.as_ref().map_or_else(String::new, |good| words::exact(good.at)),
                self.of.sku_id().map_or_else(String::new, |id| id.to_string()),
                tenant.key.partner.to_string(),
                tenant.key.tenant.to_string(),
            ])
        });
        let titles = [
            "STATE",
            "TENANT",
            "PRODUCT",
            "PURCHASED",
            "ASSIGNED",
            "UNASSIGNED",
            "HELD",
            "SUSPENDED",
            "LOCKED OUT",
            "GOOD AT",
            "SKU ID",
            "PARTNER",
            "TENANT ID",
        ];
        Some(Sheet {
            name: "product-tenants",
            instead: "q, then tenantop licenses --each --format csv",
            body: Body::Rows { titles: titles.to_vec(), rows: rows.collect() },
        })
    }
}

#[cfg(test)]
mod tests;
