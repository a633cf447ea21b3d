//! Changes: what did the last import of a tenant change?

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::person::shown;
use super::{Cx, Effect, Screen, ScreenId, words};
use crate::model::{
    Changed, Compared, DataSet, DiffField, DiffId, DiffKind, DiffLine, DiffLook, DiffNames, DiffRow, DiffSums,
    DiffValue, Difference, Filter, FilterError, Found, Key as TenantKey, Look, Seen, SkuId, Tenant, Text, TextField,
    UserField, mask,
};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Column, Fit, Layout, Listing, Move, Pressed, column};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::CopyItem;
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Counts,
    Users,
    Licenses,
    Why,
    History,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "open", "open the user or product: before and now; never a yes"),
    bind(&[Key::Char('u')], Act::Counts, "problems", "what counts", "only what moves a count or a cost, or all"),
    bind(&[Key::Char('l')], Act::Licenses, "licenses", "licenses", "licenses of the tenant"),
    bind(&[Key::Char('U')], Act::Users, "users", "users", "users of the tenant"),
    bind(&[Key::Char('h')], Act::History, "history", "history", "history: every try of the tenant"),
    bind(&[Key::Char('e')], Act::Why, "why", "", "explain: why the tenant stands as it does"),
];

const KIND: usize = 0;
const WHO: usize = 1;
const FIELD: usize = 2;
const WAS: usize = 3;
const NOW: usize = 4;

static COLUMNS: [Column; 5] = [
    column("KIND", 12, false),
    column("WHO OR WHAT", 20, false),
    column("FIELD", 13, false),
    column("WAS", 36, false),
    column("NOW", 36, false),
];

static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: WHO,
    fits: &[
        Fit::Narrow(WAS, 25),
        Fit::Narrow(NOW, 25),
        Fit::Narrow(WAS, 14),
        Fit::Narrow(NOW, 14),
        Fit::Drop(WAS),
        Fit::Narrow(WHO, 15),
    ],
};

/// A field in the detail: before and now stand side by side where they are no wider than this.
const SIDE: usize = 27;

/// What the last import of a tenant changed.
#[derive(Debug)]
pub(crate) struct Diff {
    of: TenantKey,
    list: Listing<(DiffId, DiffKind)>,
    filter: Filter,
    /// Only what moves a count.
    counts: bool,
    want: Option<DiffLook>,
    /// How often it was asked for again.
    round: u64,
    answered: bool,
    asked_at: Timestamp,
    failed: Option<Text>,
    found: Arc<Difference>,
    /// The rows in the order of the list, before any filter.
    sorted: Vec<u32>,
}

impl Diff {
    /// Of a tenant.
    pub(crate) fn new(tenant: TenantKey) -> Self {
        Self {
            of: tenant,
            list: Listing::new(&LAYOUT, false),
            filter: Filter::default(),
            counts: false,
            want: None,
            round: 0,
            answered: false,
            asked_at: Timestamp::UNIX_EPOCH,
            failed: None,
            found: Arc::default(),
            sorted: Vec::new(),
        }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.of)
    }

    fn row(&self) -> Option<&DiffRow> {
        let (id, kind) = self.list.cursor()?;
        self.found.row(id, *kind)
    }

    fn teller<'a>(&'a self, cx: &'a Cx<'_>) -> Teller<'a> {
        let Difference { products, plans, .. } = &*self.found;
        Teller { names: DiffNames { catalog: &cx.fleet.catalog, products, plans }, privacy: cx.options.privacy }
    }

    /// Sorts all rows: what counts first and by name, or by a column.
    fn sort(&mut self, cx: &Cx<'_>) {
        let teller = self.teller(cx);
        let sort = self.list.sort();
        let value = |row: &DiffRow, of: fn(&Changed) -> &Option<DiffValue>| {
            let value = row.changes.first().and_then(|changed| of(changed).as_ref());
            value.map_or_else(String::new, |value| teller.names.value(value).to_lowercase())
        };
        let key = |at: &u32| {
            let Some(row) = self.found.rows.get(*at as usize) else { return (true, String::new(), 0, String::new()) };
            let by = match sort {
                Some(FIELD) => row.changes.first().map_or("", |changed| word(changed.field)).to_owned(),
                Some(WAS) => value(row, |changed| &changed.was),
                Some(NOW) => value(row, |changed| &changed.now),
                Some(KIND | WHO | _) | None => String::new(),
            };
            let rank = if sort == Some(WHO) { 0 } else { rank(row.kind) };
            // Rows that have no value stand last.
            let none = matches!(sort, Some(FIELD | WAS | NOW)) && by.is_empty();
            (none, by, rank, teller.names.who(row).to_lowercase())
        };
        let mut sorted: Vec<u32> = (0..).take(self.found.rows.len()).collect();
        sorted.sort_by_cached_key(key);
        if self.list.is_reversed() {
            sorted.reverse();
        }
        self.sorted = sorted;
    }

    /// Shows the rows that the filter lets through.
    fn replace(&mut self, cx: &Cx<'_>) {
        let names = self.teller(cx).names;
        let rows = self.sorted.iter().filter_map(|at| self.found.rows.get(*at as usize));
        let rows = rows.filter(|row| !self.counts || row.kind.counts());
        let rows = rows.filter(|row| self.filter.matches(&DiffLine { row, names }));
        let order = rows.map(|row| (row.id.clone(), row.kind)).collect();
        let total = usize::try_from(self.found.sums.total()).unwrap_or(usize::MAX);
        self.list.replace(order, total);
    }

    fn wait(&mut self, cx: &Cx<'_>) {
        (self.answered, self.asked_at, self.failed) = (false, cx.now, None);
    }

    fn dead(&self, act: Act) -> Option<String> {
        match act {
            Act::Open if self.row().is_none() => Some("no change is under the cursor".to_owned()),
            Act::Open | Act::Counts | Act::Users | Act::Licenses | Act::Why | Act::History => None,
        }
    }

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        if let Some(why) = self.dead(act) {
            return Effect::Say(why);
        }
        let key = self.of.clone();
        match act {
            Act::Open => self.row().map_or(Effect::Nothing, |row| {
                let teller = self.teller(cx);
                let title = teller.who(row).into_owned();
                Effect::Show { title, lines: teller.detail(self.found.rows_of(&row.id)) }
            }),
            Act::Counts => {
                self.counts = !self.counts;
                self.replace(cx);
                Effect::Nothing
            }
            Act::Users => Effect::Open(ScreenId::Users(key)),
            Act::Licenses => Effect::Open(ScreenId::Licenses(key)),
            Act::Why => Effect::Open(ScreenId::Why(key)),
            Act::History => Effect::Open(ScreenId::History(key)),
        }
    }

    /// What users and SKUs come to, and of when they are.
    fn answer(&self, tenant: &Tenant, width: usize, cx: &Cx<'_>) -> [Line; 3] {
        let found = &self.found;
        if !self.answered && *self.found == Difference::default() && self.want.is_some() && self.failed.is_none() {
            let waits = cx.waiting(self.asked_at, "Comparing the last two imports");
            return [waits.into(), Line::default(), times(tenant, found, cx).into()];
        }
        [
            sums("users", &tenant.users, found.users, &found.sums, &USERS, width).into(),
            sums("SKUs", &tenant.skus, found.skus, &found.sums, &SKUS, width).into(),
            times(tenant, found, cx).into(),
        ]
    }

    fn draw_empty(&self, page: &mut Page<'_>, y: u16, tenant: &Tenant, cx: &Cx<'_>) {
        let total = self.found.sums.total();
        let (said, key) = match (&self.failed, self.want) {
            (Some(why), _) => (format!("The changes cannot be shown: {why}."), cx.hint("fresh", "tries again")),
            (None, None) => match tenant.users.good.as_ref().or(tenant.skus.good.as_ref()) {
                None => ("No import of this tenant succeeded yet.".to_owned(), cx.hint("why", "says why")),
                Some(good) => {
                    let when = words::when(good.at, cx.now);
                    (format!("One import so far, {when}: the next one is compared with it."), String::new())
                }
            },
            (None, Some(_)) if !self.answered => (String::new(), String::new()),
            (None, Some(_)) if total == 0 => {
                let compared = compared(&self.found, "and");
                (format!("Nothing changed: {compared} were compared."), String::new())
            }
            (None, Some(_)) if !self.list.filter().is_empty() => {
                let hidden = words::count(total);
                let said = format!("No change matches \"{}\".  {hidden} hidden by the filter.", self.list.filter());
                (said, cx.hint("clear", "clears it"))
            }
            (None, Some(_)) => {
                let hidden = words::of(total, "change");
                (format!("Nothing that counts: {hidden} of names and other fields."), cx.hint("problems", "shows all"))
            }
        };
        Listing::<(DiffId, DiffKind)>::draw_empty(page, y, &said, &key);
    }

    fn draw_strip(&self, page: &mut Page<'_>, top: u16, bottom: u16, cx: &Cx<'_>) {
        let Some(row) = self.row() else {
            page.rule(top, "");
            return;
        };
        let teller = self.teller(cx);
        page.rule(top, &format!("{}: {}", teller.who(row), row.kind.word()));
        let room = usize::from(bottom.saturating_sub(top + 1));
        let mut lines: Vec<String> = teller.upn(row).into_iter().map(Cow::into_owned).collect();
        lines.extend(told(row).map(|changed| teller.sentence(row.kind, changed)));
        if lines.len() > room {
            let rest = lines.split_off(room.saturating_sub(1));
            lines.push(rest.join("; "));
        }
        for (line, y) in lines.into_iter().zip(top + 1..bottom) {
            page.line(y, &line.into());
        }
    }
}

/// The kinds that stand in the line of users, the ones that count first; and those of SKUs.
const USERS: [DiffKind; 8] = [
    DiffKind::New,
    DiffKind::Gone,
    DiffKind::Moved,
    DiffKind::Gained,
    DiffKind::Lost,
    DiffKind::Renamed,
    DiffKind::Plans,
    DiffKind::Other,
];
const SKUS: [DiffKind; 4] = [DiffKind::SkuNew, DiffKind::SkuGone, DiffKind::Units, DiffKind::SkuOther];

/// Products first, since they are few; then what moves a count.
const fn rank(kind: DiffKind) -> u8 {
    match kind {
        DiffKind::SkuNew => 0,
        DiffKind::SkuGone => 1,
        DiffKind::Units => 2,
        DiffKind::SkuOther => 3,
        DiffKind::New => 4,
        DiffKind::Gone => 5,
        DiffKind::Moved => 6,
        DiffKind::Gained => 7,
        DiffKind::Lost => 8,
        DiffKind::Renamed => 9,
        DiffKind::Plans => 10,
        DiffKind::Other => 11,
    }
}

/// Which sides a row has: who came has no before, and who went no now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Both,
    Was,
    Now,
}

const fn side(kind: DiffKind) -> Side {
    match kind {
        DiffKind::New | DiffKind::SkuNew => Side::Now,
        DiffKind::Gone | DiffKind::SkuGone => Side::Was,
        DiffKind::Renamed
        | DiffKind::Moved
        | DiffKind::Gained
        | DiffKind::Lost
        | DiffKind::Plans
        | DiffKind::Other
        | DiffKind::Units
        | DiffKind::SkuOther => Side::Both,
    }
}

/// The fields of a row, without the sign-in name that stands above them.
fn told(row: &DiffRow) -> impl Iterator<Item = &Changed> {
    let upn = DiffField::User(UserField::Text(TextField::UserPrincipalName));
    let both = side(row.kind) == Side::Both;
    row.changes.iter().filter(move |changed| both || changed.field != upn)
}

/// A field in a word: that of the filter, where users have it.
fn word(field: DiffField) -> &'static str {
    match field {
        DiffField::User(field) => field.name(),
        DiffField::Plans(_) => "plan off",
        DiffField::Enabled => "enabled",
        DiffField::Warning => "in grace",
        DiffField::Suspended => "suspended",
        DiffField::LockedOut => "locked out",
        DiffField::Consumed => "consumed",
        DiffField::Status => "status",
        DiffField::AppliesTo => "applies to",
        DiffField::PartNumber => "part number",
        DiffField::ServicePlans => "plans",
    }
}

/// The sums of some kinds in a line; those that find no room are one.
fn sums(
    what: &str,
    set: &DataSet,
    compared: Option<Compared>,
    sums: &DiffSums,
    kinds: &[DiffKind],
    width: usize,
) -> String {
    let Some(compared) = compared else {
        return match (&set.good, &set.before) {
            (Some(good), None) => format!("{what} {}  read once so far: nothing to compare", words::count(good.count)),
            (Some(_), Some(_)) => format!("{what}  not compared yet"),
            (None, _) => format!("{what}  never read"),
        };
    };
    let head = format!("{what} {} -> {}", words::count(compared.before), words::count(compared.now));
    // Who got a license and who lost one are told in one breath.
    let exchange = sums.of(DiffKind::Gained) > 0 && sums.of(DiffKind::Lost) > 0;
    let part = |kind: &DiffKind| {
        let n = words::count(sums.of(*kind));
        match kind {
            DiffKind::New | DiffKind::SkuNew => format!("+{n} new"),
            DiffKind::Gone | DiffKind::SkuGone => format!("-{n} gone"),
            DiffKind::Other | DiffKind::SkuOther => format!("{n} other"),
            DiffKind::Gained if exchange => format!("{n} got, {} lost license", words::count(sums.of(DiffKind::Lost))),
            DiffKind::Renamed
            | DiffKind::Moved
            | DiffKind::Gained
            | DiffKind::Lost
            | DiffKind::Plans
            | DiffKind::Units => format!("{n} {}", kind.word()),
        }
    };
    let there: Vec<DiffKind> = kinds.iter().copied().filter(|kind| sums.of(*kind) > 0).collect();
    let there: Vec<DiffKind> = there.into_iter().filter(|kind| !exchange || *kind != DiffKind::Lost).collect();
    if there.is_empty() {
        return format!("{head}  nothing changed");
    }
    let said = |shown: &[DiffKind], rest: &[DiffKind]| {
        let lost = if exchange && rest.contains(&DiffKind::Gained) { sums.of(DiffKind::Lost) } else { 0 };
        let rest: u64 = rest.iter().map(|kind| sums.of(*kind)).sum::<u64>() + lost;
        let rest = (rest > 0).then(|| format!("{} more", words::count(rest)));
        let parts: Vec<String> = shown.iter().map(part).chain(rest).collect();
        format!("{head}  {}", parts.join("  "))
    };
    let whole = said(&there, &[]);
    if whole.width() <= width {
        return whole;
    }
    let folded = (0..there.len()).rev().map(|n| {
        let (shown, rest) = there.split_at(n);
        said(shown, rest)
    });
    folded.into_iter().find(|line| line.width() <= width).unwrap_or(head)
}

/// How many were compared.
fn compared(found: &Difference, and: &str) -> String {
    let users = found.users.map(|users| words::of(users.all(), "user"));
    let skus = found.skus.map(|skus| words::of(skus.all(), "SKU"));
    users.into_iter().chain(skus).collect::<Vec<_>>().join(&format!(" {and} "))
}

/// How many were compared, and of when the two readings are.
fn times(tenant: &Tenant, found: &Difference, cx: &Cx<'_>) -> String {
    let pair = |set: &DataSet| Some([set.before.as_ref()?.at, set.good.as_ref()?.at]);
    let said = |[before, now]: [Timestamp; 2]| {
        format!("{} -> {} ({})", words::when(before, cx.now), words::when(now, cx.now), cx.age(now))
    };
    let (users, skus) = (pair(&tenant.users), pair(&tenant.skus));
    match (users, skus) {
        (Some(users), Some(skus)) if users == skus => match compared(found, "and") {
            none if none.is_empty() => said(users),
            counts => format!("compared {counts}: {}", said(users)),
        },
        (users, skus) => {
            let count =
                |of: Option<Compared>, noun: &str| of.map_or(format!("{noun}s"), |of| words::of(of.all(), noun));
            let users = users.map(|users| format!("{}: {}", count(found.users, "user"), said(users)));
            let skus = skus.map(|skus| format!("{}: {}", count(found.skus, "SKU"), said(skus)));
            let parts: Vec<String> = users.into_iter().chain(skus).collect();
            if parts.is_empty() { String::new() } else { format!("compared {}", parts.join(", ")) }
        }
    }
}

/// Says what a difference holds, with people masked where that is asked for.
#[derive(Clone, Copy)]
struct Teller<'a> {
    names: DiffNames<'a>,
    privacy: bool,
}

impl<'a> Teller<'a> {
    fn who(&self, row: &'a DiffRow) -> Cow<'a, str> {
        let who = self.names.who(row);
        match row.id {
            DiffId::User(_) if self.privacy && !row.name.is_empty() => mask(&who).into(),
            DiffId::User(_) | DiffId::Sku(_) | DiffId::Part(_) => who,
        }
    }

    fn upn(&self, row: &'a DiffRow) -> Option<Cow<'a, str>> {
        let field = UserField::Text(TextField::UserPrincipalName);
        row.upn.as_deref().map(|upn| shown(upn, field, self.privacy))
    }

    /// A value as a cell shows it; a dash where there is none.
    fn value(&self, field: DiffField, value: Option<&DiffValue>) -> String {
        match (value, field) {
            (None, _) => "-".to_owned(),
            (Some(DiffValue::Units(units)), _) => words::signed(*units),
            (Some(value), DiffField::User(field)) => shown(&self.names.value(value), field, self.privacy).into_owned(),
            (Some(value), _) => self.names.value(value).into_owned(),
        }
    }

    /// What a field was and is. Texts that only differ in blanks at their ends stand in quotes.
    fn pair(&self, changed: &Changed) -> [String; 2] {
        let pair = [&changed.was, &changed.now].map(|value| self.value(changed.field, value.as_ref()));
        let [was, now] = &pair;
        if was.trim() == now.trim() && was != now { pair.map(|text| format!("\"{text}\"")) } else { pair }
    }

    /// A field by its word; of a service plan with the product that it belongs to.
    fn field(&self, field: DiffField) -> String {
        if let DiffField::Plans(product) = field {
            return format!("plan off of {}", self.names.product(product));
        }
        word(field).to_owned()
    }

    fn sentence(&self, kind: DiffKind, changed: &Changed) -> String {
        let [was, now] = self.pair(changed);
        match side(kind) {
            Side::Both => format!("{}: {was} -> {now}", self.field(changed.field)),
            Side::Was => format!("{} was {was}", self.field(changed.field)),
            Side::Now => format!("{} {now}", self.field(changed.field)),
        }
    }

    fn cells(&self, row: &'a DiffRow) -> Vec<Piece> {
        let piece = |text: String| Piece { text, meaning: Meaning::Plain };
        let first = row.changes.first();
        let field = match (first, row.changes.len()) {
            (None, _) => String::new(),
            (Some(changed), 1) => word(changed.field).to_owned(),
            (Some(changed), n) => format!("{} +{}", word(changed.field), n - 1),
        };
        let [was, now] = first.map_or_else(Default::default, |changed| self.pair(changed));
        vec![piece(row.kind.word().to_owned()), piece(self.who(row).into_owned()), piece(field), piece(was), piece(now)]
    }

    /// All rows of a user or a product: before and now, side by side where there is room.
    fn detail(&self, rows: &'a [DiffRow]) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(row) = rows.first() {
            lines.extend(self.upn(row).map(|upn| Line::from(upn.into_owned())));
            lines.push(format!("id {}", row.id).into());
        }
        for row in rows {
            lines.push(Line::default());
            let title = format!("{:<22} {:<SIDE$} NOW", row.kind.word().to_uppercase(), "BEFORE");
            lines.push(Line::of(Meaning::Caption, title));
            for changed in &row.changes {
                let [was, now] = self.pair(changed);
                let field = self.field(changed.field);
                if field.width() > 22 || was.width() > SIDE || now.width() > SIDE {
                    lines.push(field.into());
                    lines.extend(
                        words::wrap(&was, 55)
                            .into_iter()
                            .map(|line| format!("{:<22} {line}", "  before"))
                            .map(Line::from),
                    );
                    lines.extend(
                        words::wrap(&now, 55).into_iter().map(|line| format!("{:<22} {line}", "  now")).map(Line::from),
                    );
                } else {
                    let gap = " ".repeat(SIDE - was.width());
                    lines.push(format!("{field:<22} {was}{gap} {now}").into());
                }
            }
        }
        lines
    }

    /// The same for the pane.
    fn pane(&self, rows: &'a [DiffRow]) -> Vec<Line> {
        let mut lines = Vec::new();
        let wrapped = |text: String| words::wrap(&text, 39).into_iter().map(Line::from);
        if let Some(row) = rows.first() {
            lines.push(Line::of(Meaning::Caption, self.who(row)));
            lines.extend(self.upn(row).into_iter().flat_map(|upn| wrapped(upn.into_owned())));
            lines.extend(wrapped(row.id.to_string()));
        }
        for row in rows {
            lines.push(Line::default());
            lines.push(Line::of(Meaning::Caption, row.kind.word().to_uppercase()));
            for changed in told(row) {
                if side(row.kind) != Side::Both {
                    lines.extend(wrapped(self.sentence(row.kind, changed)));
                    continue;
                }
                let [was, now] = self.pair(changed);
                lines.extend(wrapped(self.field(changed.field)));
                lines.extend(wrapped(format!("- was {was}")));
                lines.extend(wrapped(format!("- now {now}")));
            }
        }
        lines
    }

    /// The columns of a file: the row as it is shown, and all its fields behind it.
    fn export(&self, row: &'a DiffRow, tenant: &TenantKey) -> Vec<String> {
        let cell = |changed: &Changed, value: Option<&DiffValue>| match value {
            // A number without the marks that part its thousands.
            Some(DiffValue::Units(units)) => units.to_string(),
            value => self.value(changed.field, value),
        };
        let one = |changed: &Changed| {
            let [was, now] = [&changed.was, &changed.now].map(|value| cell(changed, value.as_ref()));
            format!("{}: {was} -> {now}", self.field(changed.field))
        };
        let first = row.changes.first();
        let shown = |of: fn(&Changed) -> &Option<DiffValue>| {
            first.map_or_else(String::new, |changed| {
                of(changed).as_ref().map_or_else(String::new, |v| cell(changed, Some(v)))
            })
        };
        vec![
            row.kind.word().to_owned(),
            self.who(row).into_owned(),
            first.map_or_else(String::new, |changed| self.field(changed.field)),
            shown(|changed| &changed.was),
            shown(|changed| &changed.now),
            row.changes.iter().map(one).collect::<Vec<_>>().join("; "),
            self.upn(row).unwrap_or_default().into_owned(),
            row.id.to_string(),
            tenant.tenant.to_string(),
        ]
    }
}

impl Screen for Diff {
    fn id(&self) -> ScreenId {
        ScreenId::Diff(self.of.clone())
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self.tenant(cx).map_or_else(|| self.of.to_string(), |tenant| tenant.title().to_owned());
        vec![name, "Changes".to_owned()]
    }

    fn keys(&self, _: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act));
        for row in &mut keys {
            if row.name == "problems" && self.counts {
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
        if Listing::<(DiffId, DiffKind)>::act(key) == Some(Move::Fresh) {
            self.round += 1;
            self.wait(cx);
        }
        match self.list.press(key, &mut self.filter)? {
            Pressed::Effect(effect) => Some(effect),
            Pressed::Rows => {
                self.sort(cx);
                self.replace(cx);
                Some(Effect::Nothing)
            }
        }
    }

    fn click(&mut self, row: u16, _: &Cx<'_>) {
        self.list.click(row);
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        let want = self.tenant(cx).map(DiffLook::of).filter(DiffLook::is_some);
        if want != self.want {
            self.want = want;
            self.wait(cx);
        }
    }

    fn look(&self, _: &Cx<'_>) -> Option<Look> {
        self.want.map(|of| Look::Diff { of, round: self.round })
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        if self.look(cx).as_ref() != Some(&seen.look) {
            return;
        }
        self.answered = true;
        match &seen.found {
            Ok(Found::Diff(found)) => {
                self.failed = None;
                self.found = Arc::clone(found);
                self.sort(cx);
                self.replace(cx);
            }
            Ok(
                Found::Away
                | Found::Audit(_)
                | Found::Chain(_)
                | Found::Users(_)
                | Found::Counts { .. }
                | Found::Tries(_)
                | Found::LicenseHistory(_)
                | Found::Allocation(_),
            ) => {}
            Err(why) => {
                self.failed = Some(why.clone());
                self.found = Arc::default();
                self.sort(cx);
                self.replace(cx);
            }
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        let Some(tenant) = cx.fleet.tenants.get(&self.of) else {
            page.line(top + 1, &"This tenant is not known here: no customer list holds it.".into());
            return;
        };
        let [users, skus, times] = self.answer(tenant, usize::from(page.main.width), cx);
        let small = page.main.height < 18;
        let head: Vec<Line> = if small { vec![users, times] } else { vec![users, skus, times] };
        for (line, y) in head.iter().zip(top..) {
            page.line(y, line);
        }
        let state = top + u16::try_from(head.len()).unwrap_or(0);
        let kept = self.found.rows.len() as u64;
        let mut what = if self.counts { "what counts".to_owned() } else { "all".to_owned() };
        if kept < self.found.sums.total() {
            what = format!("{what} of the first {}", words::count(kept));
        }
        if !self.answered && self.want.is_some() && kept > 0 {
            what = format!("{what}{}", cx.waiting(self.asked_at, ", reading"));
        }
        self.list.draw_state(page, state, &what, "what counts", cx);
        let detail = if small { 2 } else { 4 };
        let rows = bottom.saturating_sub(state + 2 + detail);
        let mut list = std::mem::replace(&mut self.list, Listing::new(&LAYOUT, false));
        let teller = self.teller(cx);
        list.draw(page, state + 1, rows, |(id, kind)| {
            self.found.row(id, *kind).map(|row| teller.cells(row)).unwrap_or_default()
        });
        self.list = list;
        if self.list.order().is_empty() {
            self.draw_empty(page, state + 3, tenant, cx);
        }
        self.draw_strip(page, bottom - detail, bottom, cx);
        if page.pane.is_some()
            && let Some(row) = self.row()
        {
            page.fill_pane(&self.teller(cx).pane(self.found.rows_of(&row.id)));
        }
    }

    fn filter(&self) -> String {
        self.list.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<DiffLine<'_>>(text)?;
        self.list.set_filter(text);
        self.replace(cx);
        Ok(())
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.of.clone()]
    }

    fn product(&self, _: &Cx<'_>) -> Option<SkuId> {
        let row = self.row()?;
        match &row.id {
            DiffId::Sku(id) => Some(*id),
            DiffId::Part(_) => None,
            DiffId::User(_) => row.changes.first().and_then(Changed::product),
        }
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let Some(row) = self.row() else { return Vec::new() };
        let teller = self.teller(cx);
        let item = |letter, what, text| CopyItem { letter, what, text };
        let line = |row| teller.cells(row).into_iter().map(|cell| cell.text).collect::<Vec<_>>().join("\t");
        let rows = self.list.order().iter().filter_map(|(id, kind)| self.found.row(id, *kind));
        let detail: Vec<String> = teller.detail(self.found.rows_of(&row.id)).iter().map(Line::text).collect();
        let mut items = vec![item('i', "id", row.id.to_string())];
        items.extend(teller.upn(row).map(|upn| item('u', "sign-in name", upn.into_owned())));
        items.push(item('r', "row", line(row)));
        items.push(item('d', "detail", detail.join("\n")));
        items.push(item('a', "all rows", rows.map(line).collect::<Vec<_>>().join("\n")));
        items
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let teller = self.teller(cx);
        let rows = self.list.order().iter().filter_map(|(id, kind)| self.found.row(id, *kind));
        let rows = rows.map(|row| teller.export(row, &self.of)).collect();
        let titles =
            vec!["KIND", "WHO OR WHAT", "FIELD", "WAS", "NOW", "ALL FIELDS", "SIGN-IN NAME", "ID", "TENANT ID"];
        Some(Sheet {
            name: "changes",
            instead: "q, then tenantop diff --format csv",
            body: Body::Rows { titles, rows },
        })
    }
}
