//! Fleet licenses: what lies idle or lacks over all tenants, and whose data are not in it?

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{Cx, Effect, Screen, ScreenId, words};
use crate::model::{
    Coverage, Filter, FilterError, FleetLicenses as Sums, Gap, Key as TenantKey, PartnerName, Product, ProductKey,
    SkuId, Spare, Tenant, off,
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
    Free,
    Missing,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "tenants", "the tenants that have the product; never a yes"),
    bind(&[Key::Char('i')], Act::Free, "hidden", "free ones", "show what is free, or hide it again"),
    bind(&[Key::Char('m')], Act::Missing, "missing", "missing", "the tenants that are missing in the sums, or old in them"),
];

const NO_ROW: &str = "no product is under the cursor";
const NO_GAP: &str = "no tenant is missing or old";
/// The filter of Tenants that shows who is missing or old.
const GAPS: &str = "skus:not";

const PRODUCT: usize = 1;
const CUSTOMERS: usize = 2;
const PURCHASED: usize = 3;
const ASSIGNED: usize = 4;
const UNASSIGNED: usize = 5;
const OVER: usize = 6;
const HELD: usize = 7;
const SUSPENDED: usize = 8;
const NOTE: usize = 9;

static COLUMNS: [Column; 10] = [
    column(" ", 1, false),
    column("PRODUCT", 22, false),
    column("CUSTOMERS", 14, true),
    column("PURCHASED", 9, true),
    column("ASSIGNED", 8, true),
    column("UNASSIGNED", 10, true),
    column("OVER", 6, true),
    column("HELD", 8, true),
    column("SUSPENDED", 9, true),
    column("NOTE", 17, false),
];

static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: PRODUCT,
    fits: &[
        Fit::Drop(NOTE),
        Fit::Drop(SUSPENDED),
        Fit::Drop(HELD),
        Fit::Narrow(PRODUCT, 15),
        Fit::Drop(ASSIGNED),
        Fit::Drop(PURCHASED),
    ],
};

/// The width that a column's numbers have.
fn width(column: usize) -> usize {
    COLUMNS.get(column).map_or(0, |column| column.width.into())
}

/// The partners that a filter asks for.
pub(super) fn of_partner(filter: &Filter, partner: &PartnerName) -> bool {
    let mut terms = filter.terms().iter().filter(|term| term.field.as_deref() == Some("partner"));
    terms.all(|term| term.hits(Some(&partner.0)) != term.not)
}

/// Those words of a filter that ask for partners, as typed.
fn partner_terms(filter: &Filter) -> String {
    let terms = filter.terms().iter().filter(|term| term.field.as_deref() == Some("partner"));
    let typed = terms.map(|term| format!("{}partner:\"{}\"", if term.not { "!" } else { "" }, term.value));
    // A value that is one word needs no quotes; none has a quote in it.
    let bare = typed.map(|term| if term.contains(' ') { term } else { term.replace('"', "") });
    bare.collect::<Vec<_>>().join(" ")
}

/// Sums of licenses over all tenants.
#[derive(Debug)]
pub(crate) struct FleetLicenses {
    list: Listing<ProductKey>,
    filter: Filter,
    /// Whether what is free is shown.
    free: bool,
    sums: Sums,
    /// All products, the biggest waste first.
    products: Vec<Product>,
    coverage: Coverage,
    /// What tenants have of the product under the cursor; made when it is drawn first.
    detail: OnceCell<Detail>,
}

impl FleetLicenses {
    /// All products but free ones, the biggest waste first.
    pub(crate) fn new() -> Self {
        Self {
            list: Listing::new(&LAYOUT, false),
            filter: Filter::default(),
            free: false,
            sums: Sums::default(),
            products: Vec::new(),
            coverage: Coverage::default(),
            detail: OnceCell::new(),
        }
    }

    /// Sums up the tenants of those partners that the filter asks for.
    fn sum(&mut self, cx: &Cx<'_>) {
        let filter = &self.filter;
        self.products = self.sums.products(&cx.fleet.catalog, |partner| of_partner(filter, partner));
        let tenants = cx.fleet.tenants.values().filter(|tenant| of_partner(filter, &tenant.key.partner));
        self.coverage = Coverage::of(cx.fleet, tenants, cx.now);
        self.detail.take();
    }

    /// How many free products are hidden.
    fn hidden(&self) -> usize {
        if self.free { 0 } else { self.products.iter().filter(|product| product.free).count() }
    }

    /// The products that free-or-not and the filter let through, in order.
    fn order(&self) -> Vec<ProductKey> {
        let mut rows: Vec<&Product> = self
            .products
            .iter()
            .filter(|product| self.free || !product.free)
            .filter(|product| self.filter.matches(*product))
            .collect();
        // They come by waste; each sort is stable.
        match self.list.sort() {
            Some(PRODUCT) => rows.sort_by_cached_key(|product| product.name.to_lowercase()),
            Some(CUSTOMERS) => rows.sort_by_key(|product| Reverse(product.customers)),
            Some(PURCHASED) => rows.sort_by_key(|product| Reverse(product.purchased)),
            Some(ASSIGNED) => rows.sort_by_key(|product| Reverse(product.assigned)),
            Some(UNASSIGNED) => rows.sort_by_key(|product| Reverse(product.unassigned)),
            Some(OVER) => rows.sort_by_key(|product| Reverse(product.over)),
            Some(HELD) => rows.sort_by_key(|product| Reverse(product.held)),
            Some(SUSPENDED) => rows.sort_by_key(|product| Reverse(stopped(product))),
            Some(NOTE) => rows.sort_by_cached_key(|product| Reverse(note(product).0)),
            Some(_) => rows.sort_by_key(|product| Reverse(note(product).0)),
            None => {}
        }
        if self.list.is_reversed() {
            rows.reverse();
        }
        rows.into_iter().map(|product| product.key.clone()).collect()
    }

    fn replace(&mut self) {
        let order = self.order();
        self.list.replace(order, self.products.len());
    }

    fn row(&self) -> Option<&Product> {
        self.find(self.list.cursor()?)
    }

    fn find(&self, key: &ProductKey) -> Option<&Product> {
        self.products.iter().find(|product| product.key == *key)
    }

    fn dead(&self, act: Act) -> Option<String> {
        match act {
            Act::Open if self.list.cursor().is_none() => Some(NO_ROW.to_owned()),
            Act::Missing if self.coverage.missing.is_empty() && self.coverage.old.is_empty() => Some(NO_GAP.to_owned()),
            Act::Free if !self.products.iter().any(|product| product.free) => {
                Some("no tenant has a product that is free".to_owned())
            }
            Act::Open | Act::Free | Act::Missing => None,
        }
    }

    fn act(&mut self, act: Act) -> Effect {
        if let Some(why) = self.dead(act) {
            return Effect::Say(why);
        }
        match act {
            Act::Open => {
                let Some(product) = self.list.cursor().cloned() else { return Effect::Nothing };
                match partner_terms(&self.filter) {
                    terms if terms.is_empty() => Effect::Open(ScreenId::ProductTenants(product)),
                    terms => Effect::Narrow(ScreenId::ProductTenants(product), terms),
                }
            }
            Act::Free => {
                self.free = !self.free;
                self.replace();
                Effect::Nothing
            }
            Act::Missing => {
                let terms = format!("{GAPS} {}", partner_terms(&self.filter));
                Effect::Narrow(ScreenId::Tenants, terms.trim().to_owned())
            }
        }
    }

    /// What tenants have of the product under the cursor.
    fn detail(&self, cx: &Cx<'_>) -> Option<&Detail> {
        let product = self.list.cursor()?;
        Some(self.detail.get_or_init(|| {
            let tenants = self.sums.tenants(product, |partner| of_partner(&self.filter, partner));
            Detail::of(tenants.collect(), &self.coverage, cx)
        }))
    }
}

fn stopped(product: &Product) -> Option<i64> {
    off(product.suspended, product.locked_out)
}

/// What is to be said of a product beside its numbers, by its weight: 3 wrong, 2 doubtful, 1 no waste, 0 nothing.
fn note(product: &Product) -> (u8, String) {
    let untold = product.unknown + product.unlisted;
    match product {
        product if product.free => (1, "free".to_owned()),
        product if product.company => (1, "company".to_owned()),
        product if product.over_in > 0 => (3, format!("over in {}", words::count(product.over_in))),
        _ if untold > 0 => (2, format!("no count in {}", words::count(untold))),
        _ => (0, String::new()),
    }
}

fn look(product: &Product) -> (&'static str, Meaning) {
    match note(product).0 {
        3 => ("!", Meaning::Broken),
        2 => ("~", Meaning::Aging),
        1 => ("=", Meaning::Quiet),
        _ => ("+", Meaning::Plain),
    }
}

/// How many of how many tenants, within a column.
fn share_of(n: u64, all: u64) -> String {
    let text = format!("{} of {}", words::count(n), words::count(all));
    if text.len() <= width(CUSTOMERS) { text } else { format!("{n} of {all}") }
}

fn cells(product: &Product, counted: u64) -> Vec<Piece> {
    let piece = |text: String, meaning| Piece { text, meaning };
    let number = |n: Option<i64>, column| piece(short(n, width(column)), Meaning::Plain);
    let (sign, meaning) = look(product);
    let over = if product.over_in > 0 && !product.free { meaning } else { Meaning::Plain };
    vec![
        piece(sign.to_owned(), meaning),
        piece(product.name.clone(), Meaning::Plain),
        piece(share_of(product.customers, counted), Meaning::Plain),
        number(product.purchased, PURCHASED),
        number(product.assigned, ASSIGNED),
        number(product.unassigned, UNASSIGNED),
        piece(short(product.over, width(OVER)), over),
        number(product.held, HELD),
        number(stopped(product), SUSPENDED),
        piece(note(product).1, meaning),
    ]
}

/// A number within a width: whole, else in thousands, millions and so on. A dash where nobody tells it.
fn short(n: Option<i64>, width: usize) -> String {
    let Some(n) = n else { return "-".to_owned() };
    let whole = words::signed(n);
    if whole.len() <= width {
        return whole;
    }
    let units = [(1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G"), (1_000_000_000_000, "T")];
    let shorter = units.into_iter().map(|(unit, sign)| format!("{}{sign}", words::signed(n / unit)));
    shorter.into_iter().find(|text| text.len() <= width).unwrap_or(whole)
}

/// The answer in a line, as much as a width holds: who is counted and who is not comes before sums.
fn answer(products: &[Product], coverage: &Coverage, width: usize) -> String {
    let paid = || products.iter().filter(|product| !product.free && !product.company);
    let sum = |of: fn(&Product) -> Option<i64>| paid().filter_map(of).reduce(i64::saturating_add);
    let number = |n: Option<i64>| n.map_or_else(|| "-".to_owned(), words::signed);
    let count = |n: usize| words::count(n as u64);
    let sums = format!("{} unassigned  {} over", number(sum(|p| p.unassigned)), number(sum(|p| p.over)));
    let products = words::of(products.len() as u64, "product");
    let tenants = format!("{} of {}", words::count(coverage.counted()), words::of(coverage.listed, "tenant"));
    let gaps = format!("{} missing  {} old", count(coverage.missing.len()), count(coverage.old.len()));
    let lines = [
        format!("{products} in {tenants}  {sums}  {gaps}"),
        format!("{tenants}  {sums}  {gaps}"),
        format!("{tenants}  {gaps}"),
    ];
    let [.., last] = &lines;
    lines.iter().find(|line| line.len() <= width).unwrap_or(last).clone()
}

/// The first names of so many, as many as a width holds, and how many more there are.
fn names(first: impl Iterator<Item = String>, total: usize, width: usize) -> String {
    let wide = |text: &str| unicode_width::UnicodeWidthStr::width(text);
    let more = |shown: usize| match total.saturating_sub(shown) {
        0 => String::new(),
        more => format!(" +{} more", words::count(more as u64)),
    };
    let (mut text, mut shown) = (String::new(), 0);
    for name in first {
        let room = width.saturating_sub(more(shown + 1).len());
        if shown == 0 {
            text = words::cut(&name, room).into_owned();
        } else if wide(&text) + 2 + wide(&name) <= room {
            text = format!("{text}, {name}");
        } else {
            break;
        }
        shown += 1;
    }
    format!("{text}{}", more(shown))
}

/// Who is missing in sums and who is old in them, by name: a line above a list.
pub(super) fn gaps(coverage: &Coverage, width: u16, cx: &Cx<'_>) -> Line {
    if let Some(at) = coverage.turns_at {
        cx.wake_at(at);
    }
    let width = usize::from(width);
    let missing = |gap: &Gap| format!("{} ({})", gap.title, gap.state.word());
    let old = |gap: &Gap| format!("{} {}", gap.title, cx.age_or_dash(gap.at));
    let lacking = |width| names(coverage.missing.iter().map(missing), coverage.missing.len(), width);
    let aged = |width| names(coverage.old.iter().map(old), coverage.old.len(), width);
    let text = match (coverage.missing.is_empty(), coverage.old.is_empty()) {
        (true, true) if coverage.listed == 0 => return "no tenant is known yet".into(),
        (true, true) => return "every tenant is counted, none is old".into(),
        (false, true) => format!("missing: {}", lacking(width.saturating_sub(9))),
        (true, false) => format!("old: {}", aged(width.saturating_sub(5))),
        (false, false) => {
            let first = format!("missing: {}", lacking((width / 2).saturating_sub(9)));
            let used = unicode_width::UnicodeWidthStr::width(first.as_str());
            format!("{first}  old: {}", aged(width.saturating_sub(used + 7)))
        }
    };
    Line::of(Meaning::Aging, text)
}

/// Tenants that have a product, each with how much it has of what it is named for.
type Named = Vec<(String, i64)>;

/// What tenants have of a product: the largest of each kind, by name.
#[derive(Debug)]
struct Detail {
    spare: Named,
    over: Named,
    untold: Vec<String>,
    unlisted: Vec<String>,
    /// How many of those who have it are old.
    old: u64,
}

/// How many tenants of a kind are named.
const NAMED: usize = 8;

impl Detail {
    fn of(mut tenants: Vec<(&TenantKey, Spare)>, coverage: &Coverage, cx: &Cx<'_>) -> Self {
        let title = |key: &TenantKey| cx.fleet.tenants.get(key).map_or("", Tenant::title).to_owned();
        let amount = |spare: &Spare| match spare {
            Spare::Known(n) => *n,
            Spare::Untold | Spare::Unlisted => 0,
        };
        let old: BTreeSet<&TenantKey> = coverage.old.iter().map(|gap| &gap.key).collect();
        let aged = if old.is_empty() { 0 } else { tenants.iter().filter(|(key, _)| old.contains(key)).count() };
        let of = |kind: Spare| {
            let some = tenants.iter().filter(|(_, spare)| *spare == kind).take(NAMED);
            some.map(|(key, _)| title(key)).collect()
        };
        let (untold, unlisted) = (of(Spare::Untold), of(Spare::Unlisted));
        tenants.sort_unstable_by_key(|(key, spare)| (Reverse(amount(spare)), *key));
        let named = |(key, spare): &(&TenantKey, Spare)| (title(key), amount(spare));
        let spare = tenants.iter().take(NAMED).map(named).filter(|(_, n)| *n > 0).collect();
        let over = tenants.iter().rev().take(NAMED).map(named).filter(|(_, n)| *n < 0);
        Self {
            spare,
            over: over.map(|(name, n)| (name, n.saturating_neg())).collect(),
            untold,
            unlisted,
            old: aged as u64,
        }
    }
}

/// How many tenants have a product, and how many of them are what.
fn have(product: &Product, counted: u64, old: u64) -> String {
    let has = if product.customers == 1 { "has" } else { "have" };
    let mut said = format!("{} of {} {has} it", words::count(product.customers), words::of(counted, "tenant"));
    let parts = [
        (product.spare_in, "with spare ones"),
        (product.over_in, "over"),
        (product.unknown, "without a count"),
        (product.unlisted, "unlisted but held"),
        (old, "old"),
    ];
    for (n, is) in parts.into_iter().filter(|(n, _)| *n > 0) {
        said = format!("{said}, {} {is}", words::count(n));
    }
    said
}

fn strip(product: &Product, detail: &Detail, counted: u64, width: usize) -> [Line; 3] {
    let first = have(product, counted, detail.old);
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let list = |title: &str, of: &Named, total: u64| {
        let first = of.iter().take(3).map(|(name, n)| format!("{name} {}", words::signed(*n)));
        format!("{title}: {}", names(first, count(total), width.saturating_sub(title.len() + 2)))
    };
    let second = match product {
        product if product.free => "Free: anybody gets it, nobody pays for it; it is in no total.".into(),
        product if product.company => "For the whole company: no user can have it; it is in no total.".into(),
        _ if detail.spare.is_empty() => "No tenant has a spare one, as far as counts are told.".into(),
        _ => list("most unassigned", &detail.spare, product.spare_in).into(),
    };
    let untold = product.unknown + product.unlisted;
    let third = match (detail.over.is_empty(), untold == 0) {
        (false, _) => Line::of(Meaning::Broken, list("most over", &detail.over, product.over_in)),
        (true, false) => {
            let first = detail.untold.iter().chain(&detail.unlisted).cloned();
            let named = names(first, count(untold), width.saturating_sub(26));
            Line::of(Meaning::Aging, format!("no count, not taken as 0: {named}"))
        }
        (true, true) => "No tenant has more assigned than purchased.".into(),
    };
    [first.into(), second, third]
}

fn pane(product: Option<(&Product, &Detail)>, coverage: &Coverage, cx: &Cx<'_>) -> Vec<Line> {
    let caption = |text: &str| Line::of(Meaning::Caption, text);
    let row = |name: &str, value: &str| {
        let name = words::cut(name, 36usize.saturating_sub(value.len()));
        let gap = 37usize.saturating_sub(unicode_width::UnicodeWidthStr::width(name.as_ref()) + value.len());
        Line::from(format!("  {name}{}{value}", " ".repeat(gap)))
    };
    let number = |n: Option<i64>| short(n, 20);
    let mut lines = Vec::new();
    if let Some((product, detail)) = product {
        lines.extend(words::wrap(&product.name, 39).into_iter().map(|line| caption(&line)));
        lines.push(product.part_number.as_deref().unwrap_or("no part number").into());
        lines.push(product.key.sku_id().map_or_else(|| "no sku id".to_owned(), |id| id.to_string()).into());
        lines.push(Line::default());
        for (name, value) in [
            ("purchased", product.purchased),
            ("assigned", product.assigned),
            ("unassigned", product.unassigned),
            ("over", product.over),
            ("suspended", product.suspended),
            ("locked out", product.locked_out),
            ("held", product.held),
        ] {
            lines.push(row(name, &number(value)));
        }
        for (title, of) in [("MOST UNASSIGNED", &detail.spare), ("MOST OVER", &detail.over)] {
            if !of.is_empty() {
                lines.extend([Line::default(), caption(title)]);
                lines.extend(of.iter().take(5).map(|(name, n)| row(name, &words::signed(*n))));
            }
        }
        for (title, of) in [("NO COUNT IN", &detail.untold), ("HELD, NOT LISTED IN", &detail.unlisted)] {
            if !of.is_empty() {
                lines.extend([Line::default(), caption(title)]);
                lines.extend(of.iter().take(3).map(|name| row(name, "")));
            }
        }
    }
    for (title, of) in [("MISSING", &coverage.missing), ("OLD", &coverage.old)] {
        if of.is_empty() {
            continue;
        }
        let title = format!("{title}: {}", words::count(of.len() as u64));
        lines.extend([Line::default(), caption(&title)]);
        let value = |gap: &Gap| match gap.at {
            Some(at) => format!("{} {:>3}", gap.state.word(), cx.age(at)),
            None => gap.state.word().to_owned(),
        };
        lines.extend(of.iter().take(4).map(|gap| row(&gap.title, &value(gap))));
    }
    lines.extend([Line::default(), caption("WHERE THE NUMBERS COME FROM")]);
    for (name, what) in [
        ("PURCHASED", "enabled + in grace"),
        ("ASSIGNED", "consumedUnits of the SKUs"),
        ("UNASSIGNED", "spare, tenant by tenant"),
        ("OVER", "lacking, tenant by tenant"),
        ("HELD", "users, assignedLicenses"),
        ("SUSPENDED", "suspended + locked out"),
        ("-", "no tenant tells it: no 0"),
    ] {
        lines.push(format!("  {name:<11}{what}").into());
    }
    lines
}

impl Screen for FleetLicenses {
    fn id(&self) -> ScreenId {
        ScreenId::FleetLicenses
    }

    fn path(&self, _: &Cx<'_>) -> Vec<String> {
        vec!["Fleet licenses".to_owned()]
    }

    fn keys(&self, _: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act));
        for row in &mut keys {
            if row.name == "hidden" && self.free {
                row.foot = "hide free";
            }
        }
        keys.extend(self.list.keys());
        keys
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        self.detail.take();
        if let Some(act) = find(KEYS, key) {
            return Some(self.act(act));
        }
        match self.list.press(key, &mut self.filter)? {
            Pressed::Effect(effect) => Some(effect),
            Pressed::Rows => {
                // A filter that was cleared may have asked for some partners only.
                self.sum(cx);
                self.replace();
                Some(Effect::Nothing)
            }
        }
    }

    fn click(&mut self, row: u16, _: &Cx<'_>) {
        self.detail.take();
        self.list.click(row);
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        self.sums.update(cx.fleet.tenants.values());
        self.sum(cx);
        let order = self.order();
        let known: BTreeSet<&ProductKey> = self.products.iter().map(|product| &product.key).collect();
        if self.list.refresh(|key| known.contains(key), &order, self.products.len()) {
            self.list.replace(order, self.products.len());
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        let wide = usize::from(page.main.width);
        page.line(top, &answer(&self.products, &self.coverage, wide).into());
        page.line(top + 1, &gaps(&self.coverage, page.main.width, cx));
        let what = match self.hidden() {
            0 => "all".to_owned(),
            n => format!("without {} free", words::count(n as u64)),
        };
        self.list.draw_state(page, top + 2, &what, "waste", cx);
        let (detail, legend) = if page.main.height >= 18 { (4, 1) } else { (2, 0) };
        let room = bottom.saturating_sub(top + 4 + detail + legend);
        let (products, counted) = (&self.products, self.coverage.counted());
        let row = |key: &ProductKey| products.iter().find(|product| product.key == *key);
        self.list.draw(page, top + 3, room, |key| row(key).map(|product| cells(product, counted)).unwrap_or_default());
        if self.list.order().is_empty() {
            let (said, key) = self.empty(cx);
            Listing::<ProductKey>::draw_empty(page, top + 5, &said, &key);
        }
        let shown = self.row().zip(self.detail(cx));
        if let Some((product, of)) = shown {
            page.rule(bottom - detail - legend, &product.name);
            let lines = strip(product, of, counted, wide);
            for (line, y) in lines.iter().zip(bottom - detail - legend + 1..bottom - legend) {
                page.line(y, line);
            }
        }
        if legend > 0 {
            let text = "UNASSIGNED and OVER: each summed tenant by tenant, one never offsets the other";
            page.line(bottom - 1, &words::cut(text, wide).as_ref().into());
        }
        if page.pane.is_some() {
            page.fill_pane(&pane(shown, &self.coverage, cx));
        }
    }

    fn filter(&self) -> String {
        self.list.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<Product>(text)?;
        self.list.set_filter(text);
        self.sum(cx);
        self.replace();
        Ok(())
    }

    fn product(&self, _: &Cx<'_>) -> Option<SkuId> {
        self.list.cursor()?.sku_id()
    }

    fn copies(&self, _: &Cx<'_>) -> Vec<CopyItem> {
        let counted = self.coverage.counted();
        let line = |product: &Product| {
            let cells = cells(product, counted).into_iter().skip(1);
            cells.map(|cell| cell.text).collect::<Vec<_>>().join("\t")
        };
        let Some(product) = self.row() else { return Vec::new() };
        let shown = self.list.order().iter().filter_map(|key| self.find(key));
        let id = match &product.key {
            ProductKey::Sku(id) => CopyItem { letter: 'i', what: "sku id", text: id.to_string() },
            ProductKey::Part(part) => CopyItem { letter: 'i', what: "part number", text: part.to_string() },
        };
        vec![
            id,
            CopyItem { letter: 'r', what: "row", text: line(product) },
            CopyItem { letter: 'a', what: "all rows", text: shown.map(line).collect::<Vec<_>>().join("\n") },
        ]
    }

    fn sheet(&self, _: &Cx<'_>) -> Option<Sheet> {
        let count = |n: Option<i64>| n.map_or_else(String::new, |n| n.to_string());
        let rows = self.list.order().iter().filter_map(|key| self.find(key)).map(|product| {
            vec![
                product.name.clone(),
                product.part_number.as_deref().unwrap_or_default().to_owned(),
                product.kind().to_owned(),
                product.customers.to_string(),
                self.coverage.counted().to_string(),
                self.coverage.missing.len().to_string(),
                self.coverage.old.len().to_string(),
                count(product.purchased),
                count(product.assigned),
                count(product.unassigned),
                count(product.over),
                count(product.held),
                count(stopped(product)),
                count(product.locked_out),
                (product.unknown + product.unlisted).to_string(),
                product.key.sku_id().map_or_else(String::new, |id| id.to_string()),
            ]
        });
        let titles = [
            "PRODUCT",
            "PART NUMBER",
            "KIND",
            "CUSTOMERS",
            "TENANTS",
            "MISSING",
            "OLD",
            "PURCHASED",
            "ASSIGNED",
            "UNASSIGNED",
            "OVER",
            "HELD",
            "SUSPENDED",
            "LOCKED OUT",
            "NO COUNT IN",
            "SKU ID",
        ];
        Some(Sheet {
            name: "fleet-licenses",
            instead: "q, then tenantop licenses --format csv",
            body: Body::Rows { titles: titles.to_vec(), rows: rows.collect() },
        })
    }
}

impl FleetLicenses {
    /// Says why there are no rows.
    fn empty(&self, cx: &Cx<'_>) -> (String, String) {
        let hidden = self.hidden();
        let all = words::of(self.products.len() as u64, "product");
        if !self.list.filter().is_empty() {
            let said = format!("Nothing matches \"{}\".  {all} in all.", self.list.filter());
            return (said, cx.hint("clear", "clears it"));
        }
        if hidden > 0 {
            return (format!("Nothing but what is free: {all}."), cx.hint("hidden", "shows it"));
        }
        if self.coverage.listed == 0 {
            return ("No tenant yet: no customer list was read.".to_owned(), cx.hint("command", "then sync reads it"));
        }
        if self.coverage.counted() == 0 {
            return ("The SKUs of no tenant were ever read.".to_owned(), cx.hint("missing", "shows who"));
        }
        ("No tenant has a SKU.".to_owned(), String::new())
    }
}

#[cfg(test)]
mod tests;
