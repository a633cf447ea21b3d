//! Frequency: how many users of a tenant have each value of a field?

use std::collections::HashMap;

use jiff::Timestamp;

use super::person::shown;
use super::{Cx, Effect, Screen, ScreenId, words};
use crate::model::{Counted, Found, Key as TenantKey, Look, Seen, SnapshotId, Tenant, Text, TextField, UserField};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Column, Fit, Layout, Listing, Move, column};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::CopyItem;
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Next,
    Before,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "users", "the users who have it; never a yes"),
    bind(&[Key::Char('f')], Act::Next, "next-field", "next field", "frequency of the next field"),
    bind(&[Key::Char('b')], Act::Before, "field-before", "field before", "frequency of the field before"),
];

/// The fields in the order in which they are looked at: what cost is allocated by, then the others.
const FIELDS: [UserField; 35] = {
    let mut fields = UserField::ALL;
    let first = [
        UserField::Text(TextField::Department),
        UserField::Text(TextField::CompanyName),
        UserField::License,
        UserField::Text(TextField::UsageLocation),
        UserField::Text(TextField::OfficeLocation),
        UserField::Text(TextField::Country),
        UserField::Text(TextField::City),
        UserField::Text(TextField::UserType),
        UserField::Text(TextField::JobTitle),
        UserField::Manager,
        UserField::Text(TextField::State),
        UserField::Text(TextField::PostalCode),
        UserField::Text(TextField::PreferredLanguage),
        UserField::Text(TextField::DisplayName),
        UserField::Text(TextField::GivenName),
        UserField::Text(TextField::Surname),
        UserField::Text(TextField::StreetAddress),
        UserField::Text(TextField::Mail),
        UserField::Text(TextField::UserPrincipalName),
    ];
    let mut i = 0;
    while i < first.len() {
        fields[i] = first[i];
        i += 1;
    }
    fields
};

static COLUMNS: [Column; 4] =
    [column("USERS", 9, true), column("VALUE", 34, false), column("SHARE", 6, true), column("", 24, false)];

static LAYOUT: Layout = Layout { columns: &COLUMNS, grow: 1, fits: &[Fit::Narrow(3, 10), Fit::Drop(3)] };

/// Counts of the values of a field.
#[derive(Debug)]
pub(crate) struct Counts {
    of: TenantKey,
    filter: String,
    field: usize,
    list: Listing<Option<Text>>,
    rows: Vec<Counted>,
    matched: u64,
    values: u64,
    want: Option<(SnapshotId, Option<SnapshotId>)>,
    answered: bool,
    /// When it was asked for; absent until time is known.
    asked_at: Option<Timestamp>,
    failed: Option<Text>,
}

impl Counts {
    /// Of a tenant's users that a filter shows.
    pub(crate) fn new(tenant: TenantKey, filter: String) -> Self {
        Self {
            of: tenant,
            filter,
            field: 0,
            list: Listing::new(&LAYOUT, false),
            rows: Vec::new(),
            matched: 0,
            values: 0,
            want: None,
            answered: false,
            asked_at: None,
            failed: None,
        }
    }

    fn field(&self) -> UserField {
        FIELDS.get(self.field).copied().unwrap_or(UserField::License)
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.of)
    }

    fn row(&self) -> Option<&Counted> {
        let key = self.list.cursor()?;
        self.rows.iter().find(|row| row.value == *key)
    }

    fn turn(&mut self, to: usize) {
        self.field = to % FIELDS.len();
        self.answered = false;
        self.asked_at = None;
        self.failed = None;
        self.rows.clear();
        self.list = Listing::new(&LAYOUT, false);
    }

    /// The order as the engine gave it, by value, or turned round.
    fn replace(&mut self) {
        let mut order: Vec<Option<Text>> = self.rows.iter().map(|row| row.value.clone()).collect();
        if self.list.sort() == Some(1) {
            order.sort_by_key(|value| (value.is_none(), value.as_ref().map(Text::to_lowercase)));
        }
        if self.list.is_reversed() {
            order.reverse();
        }
        self.list.replace(order, usize::try_from(self.values).unwrap_or(usize::MAX));
    }

    fn dead(&self, act: Act) -> Option<String> {
        match act {
            Act::Open if self.row().is_none() => Some("no value is under the cursor".to_owned()),
            Act::Open | Act::Next | Act::Before => None,
        }
    }

    fn act(&mut self, act: Act) -> Effect {
        if let Some(why) = self.dead(act) {
            return Effect::Say(why);
        }
        match act {
            Act::Next => self.turn(self.field + 1),
            Act::Before => self.turn(self.field + FIELDS.len() - 1),
            Act::Open => {
                let term = self.row().map(|row| term(self.field(), row.value.as_deref())).unwrap_or_default();
                let filter = format!("{} {term}", self.filter);
                return Effect::Narrow(ScreenId::Users(self.of.clone()), filter.trim().to_owned());
            }
        }
        Effect::Nothing
    }

    /// The share of so many users.
    fn share(&self, users: u64) -> String {
        let per_mille = users.saturating_mul(1_000).checked_div(self.matched).unwrap_or(0);
        format!("{}.{}%", per_mille / 10, per_mille % 10)
    }

    fn cells(&self, row: &Counted, privacy: bool) -> Vec<Piece> {
        let value = row.value.as_deref().map_or("(none)".into(), |value| shown(value, self.field(), privacy));
        let most = self.rows.iter().map(|row| row.users).max().unwrap_or(0).max(1);
        let bar = usize::try_from(row.users.saturating_mul(24).div_ceil(most)).unwrap_or(24);
        let quiet = if row.value.is_none() { Meaning::Quiet } else { Meaning::Plain };
        vec![
            Piece { text: words::count(row.users), meaning: Meaning::Plain },
            Piece { text: value.into_owned(), meaning: quiet },
            Piece { text: self.share(row.users), meaning: Meaning::Plain },
            Piece { text: "#".repeat(bar.min(24)), meaning: Meaning::Plain },
        ]
    }
}

/// The word of a filter that shows the users with a value.
pub(super) fn term(field: UserField, value: Option<&str>) -> String {
    let name = field.name();
    match value {
        None => format!("{name}:none"),
        // A quote cannot be typed inside quotes: what stands before it must do.
        Some(value) if value.contains('"') => {
            format!("{name}:\"{}\"", value.split('"').find(|part| !part.is_empty()).unwrap_or_default())
        }
        Some(value) => format!("{name}:=\"{value}\""),
    }
}

impl Screen for Counts {
    fn id(&self) -> ScreenId {
        ScreenId::Counts(self.of.clone(), self.filter.clone())
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self.tenant(cx).map_or_else(|| self.of.to_string(), |tenant| tenant.title().to_owned());
        vec![name, "Users".to_owned(), format!("by {}", self.field().name())]
    }

    fn keys(&self, _: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act));
        let filter = "the filter is that of the users";
        keys.extend(self.list.keys().into_iter().map(|mut row| {
            if matches!(row.name, "filter" | "clear") {
                row.dead = Some(filter.to_owned());
            }
            row
        }));
        keys
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        if let Some(act) = find(KEYS, key) {
            return Some(self.act(act));
        }
        let act = Listing::<Option<Text>>::act(key)?;
        if matches!(act, Move::Filter | Move::Clear) {
            return Some(Effect::Say(format!(
                "the filter is that of the users: {}, then {}",
                cx.key("back"),
                cx.key("filter")
            )));
        }
        if let Some(why) = self.list.dead(act) {
            return Some(Effect::Say(why));
        }
        if self.list.go(act, key) {
            self.replace();
        }
        if act == Move::Fresh {
            (self.answered, self.asked_at, self.failed) = (false, None, None);
            return Some(Effect::Look);
        }
        Some(Effect::Nothing)
    }

    fn click(&mut self, row: u16, _: &Cx<'_>) {
        self.list.click(row);
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        let snapshots = self.tenant(cx).and_then(|tenant| {
            let users = tenant.users.good.as_ref()?.snapshot;
            Some((users, tenant.skus.good.as_ref().map(|good| good.snapshot)))
        });
        if snapshots != self.want {
            self.want = snapshots;
            self.answered = false;
            self.asked_at = Some(cx.now);
        }
    }

    fn look(&self, _: &Cx<'_>) -> Option<Look> {
        let (users, skus) = self.want?;
        Some(Look::Counts { users, skus, filter: self.filter.clone(), field: self.field() })
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        if self.look(cx).as_ref() != Some(&seen.look) {
            return;
        }
        self.answered = true;
        match &seen.found {
            Ok(Found::Counts { matched, rows, values }) => {
                (self.matched, self.values) = (*matched, *values);
                self.rows.clone_from(rows);
                self.failed = None;
                self.replace();
            }
            Ok(
                Found::Away
                | Found::Audit(_)
                | Found::Chain(_)
                | Found::Users(_)
                | Found::Tries(_)
                | Found::Diff(_)
                | Found::LicenseHistory(_)
                | Found::Allocation(_),
            ) => {}
            Err(why) => self.failed = Some(why.clone()),
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        let name = self.field().name();
        let mut said = if self.answered {
            let shown = if self.filter.is_empty() { "" } else { " that the filter shows" };
            let users = words::of(self.matched, "user");
            format!("{users}{shown}, {} of {name}", words::of(self.values, "value"))
        } else {
            cx.waiting(*self.asked_at.get_or_insert(cx.now), &format!("Counting users by {name}"))
        };
        if !self.filter.is_empty() {
            said = format!("{said}  filter /{}", self.filter);
        }
        page.line(top, &said.into());
        let more = self.values.saturating_sub(self.rows.len() as u64);
        let what = if self.answered && more > 0 { "the most frequent" } else { "all" };
        self.list.draw_state(page, top + 1, what, "most users", cx);
        let rows = bottom.saturating_sub(top + 3 + 2);
        let privacy = cx.options.privacy;
        let mut list = std::mem::replace(&mut self.list, Listing::new(&LAYOUT, false));
        list.draw(page, top + 2, rows, |key| {
            self.rows.iter().find(|row| row.value == *key).map(|row| self.cells(row, privacy)).unwrap_or_default()
        });
        self.list = list;
        if self.rows.is_empty() {
            let (said, key) = match (&self.failed, self.want, self.answered) {
                (Some(why), _, _) => (format!("The users cannot be counted: {why}."), cx.hint("fresh", "tries again")),
                (None, None, _) => {
                    ("The users of this tenant were never read.".to_owned(), cx.hint("back", "goes back"))
                }
                (None, Some(_), false) => (String::new(), String::new()),
                (None, Some(_), true) => ("No user is left to count.".to_owned(), cx.hint("back", "goes back")),
            };
            Listing::<Option<Text>>::draw_empty(page, top + 4, &said, &key);
        }
        let Some(row) = self.row() else { return };
        let value = row.value.as_deref().map_or("(none)".into(), |value| shown(value, self.field(), privacy));
        page.rule(bottom - 2, &format!("{name}: {value}"));
        let term =
            if privacy { String::new() } else { format!("   filter {}", term(self.field(), row.value.as_deref())) };
        page.line(bottom - 1, &Line::from(format!("{}{term}", words::of(row.users, "user"))));
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.of.clone()]
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let privacy = cx.options.privacy;
        let line = |row: &Counted| {
            let value = row.value.as_deref().map_or("".into(), |value| shown(value, self.field(), privacy));
            format!("{value}\t{}", row.users)
        };
        let Some(row) = self.row() else { return Vec::new() };
        let all: Vec<String> = self.rows.iter().map(line).collect();
        vec![
            CopyItem { letter: 'r', what: "row", text: line(row) },
            CopyItem { letter: 'a', what: "all rows", text: all.join("\n") },
        ]
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let privacy = cx.options.privacy;
        let field = self.field();
        // There may be ten thousand values: each is looked up, none is sought.
        let known: HashMap<Option<&str>, u64> = self.rows.iter().map(|row| (row.value.as_deref(), row.users)).collect();
        let rows = self.list.order().iter().filter_map(|key| {
            let users = *known.get(&key.as_deref())?;
            let value = key.as_deref().map_or("".into(), |value| shown(value, field, privacy)).into_owned();
            Some(vec![users.to_string(), value, self.share(users), field.name().to_owned(), self.of.tenant.to_string()])
        });
        let titles = ["USERS", "VALUE", "SHARE", "FIELD", "TENANT ID"];
        Some(Sheet {
            name: "counts",
            instead: "q, then tenantop users --format csv",
            body: Body::Rows { titles: titles.to_vec(), rows: rows.collect() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Filter, PersonRow};

    #[test]
    fn each_field_is_looked_at_once() {
        let mut fields = FIELDS.to_vec();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), FIELDS.len());
    }

    #[test]
    fn a_value_is_found_again_by_its_term() {
        for value in ["Sales", "Sales EMEA", "a \"b\" c", "none", "=x", "東京"] {
            let text = term(UserField::Text(TextField::Department), Some(value));
            let filter = Filter::parse::<PersonRow<'_>>(&text).unwrap();
            assert!(filter.terms().iter().all(|term| term.hits(Some(value))), "{text}");
        }
        assert_eq!(term(UserField::License, None), "license:none");
    }
}
