use ratatui::text::{Line, Span};

use super::footer;
use crate::model::{Command, Key as TenantKey, LicenseRow, Scope, SkuCount, SkuId, State, Tenant, license_rows};
use crate::tui::confirm::{Confirm, Need};
use crate::tui::keys::{Bind, Key, bind, find};
use crate::tui::listing::Listing;
use crate::tui::view::{Effect, Look, Room, ScreenId, View};
use crate::tui::words::{age, count, day, fit, plural, right};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Rerun,
    Why,
    Sort(usize),
    Reverse,
}

pub(super) const KEYS: &[Bind<Act>] = &[
    bind(Key::Char('r'), Act::Rerun, "re-run", "run the import again (asks)"),
    bind(Key::Char('e'), Act::Why, "why", "explain: why the last import failed"),
    bind(Key::Char('0'), Act::Sort(0), "", "sort by finding: fewest unassigned first"),
    bind(Key::Char('1'), Act::Sort(1), "sort", "sort by product"),
    bind(Key::Char('2'), Act::Sort(2), "", "sort by purchased"),
    bind(Key::Char('3'), Act::Sort(3), "", "sort by assigned"),
    bind(Key::Char('4'), Act::Sort(4), "", "sort by unassigned"),
    bind(Key::Char('5'), Act::Sort(5), "", "sort by held"),
    bind(Key::Char('S'), Act::Reverse, "", "turn the order round"),
];

const SORTS: [&str; 6] = ["finding", "product", "purchased", "assigned", "unassigned", "held"];

/// License counts of a tenant: Graph's and our own, side by side.
pub(in crate::tui) struct Licenses {
    pub(super) key: TenantKey,
    pub(super) list: Listing<Option<SkuId>>,
}

/// What is to be said of a row. Numbers from different sources have different names.
struct Finding {
    state: State,
    words: String,
}

impl Licenses {
    pub(super) fn new(key: TenantKey) -> Self {
        Self { key, list: Listing::default() }
    }

    pub(super) fn press(&mut self, key: Key, look: Look<'_>) -> Effect {
        let tenant = look.fleet.tenants.get(&self.key);
        match find(KEYS, key) {
            Some(Act::Rerun) => {
                let name = tenant.map(Tenant::title).unwrap_or_default();
                let question = format!("Re-run {name} now? It changes nothing at the customer.");
                let command =
                    Command::Import { scope: Scope::Tenants(vec![self.key.clone()]), list: false, reason: None };
                Effect::Ask(Box::new(Confirm::new(question, Vec::new(), Need::Yes, Some(command))))
            }
            Some(Act::Why) => match tenant {
                Some(tenant) if tenant.failing().is_some() => Effect::Open(ScreenId::Why(self.key.clone())),
                Some(tenant) => Effect::Say(format!("nothing refuses {}", tenant.title())),
                None => Effect::Nothing,
            },
            Some(Act::Sort(column)) => {
                self.list.sort_by(column);
                self.follow(look);
                Effect::Nothing
            }
            Some(Act::Reverse) => {
                self.list.reverse = !self.list.reverse;
                self.list.stale();
                self.follow(look);
                Effect::Nothing
            }
            None => Effect::Unbound,
        }
    }

    pub(super) fn follow(&mut self, look: Look<'_>) {
        let Some(tenant) = look.fleet.tenants.get(&self.key) else { return };
        let mut rows = license_rows(tenant);
        rows.sort_by_cached_key(|row| {
            let number = |n: Option<i64>| n.unwrap_or(i64::MAX);
            let sku = row.sku.as_ref();
            let unassigned = number(sku.and_then(SkuCount::unassigned));
            let by = match self.list.sort {
                1 => 0,
                2 => number(sku.and_then(SkuCount::purchased)),
                3 => number(sku.and_then(|sku| sku.consumed)),
                5 => row.held.and_then(|held| i64::try_from(held).ok()).unwrap_or(i64::MAX),
                _ => unassigned,
            };
            let rank = if self.list.sort == 0 { u8::from(finding(row).state == State::Ok) } else { 0 };
            (rank, by, product(row), row.sku_id)
        });
        if self.list.reverse {
            rows.reverse();
        }
        self.list.set(rows.into_iter().map(|row| row.sku_id).collect());
    }

    pub(super) fn row_text(&self, look: Look<'_>) -> Option<String> {
        let tenant = look.fleet.tenants.get(&self.key)?;
        let sku = self.list.current()?;
        let row = license_rows(tenant).into_iter().find(|row| row.sku_id == *sku)?;
        let (purchased, assigned, unassigned, held) = numbers(&row);
        Some(format!(
            "{}: {} purchased {purchased} assigned {assigned} unassigned {unassigned} held {held}",
            tenant.title(),
            product(&row)
        ))
    }

    pub(super) fn view(&mut self, look: Look<'_>, room: Room) -> View {
        let Some(tenant) = look.fleet.tenants.get(&self.key) else {
            return View { path: "Tenants > ? > Licenses".to_owned(), footer: footer(KEYS), ..View::default() };
        };
        self.follow(look);
        let all = license_rows(tenant);
        let (ids, cursor) = self.list.window(room.rows);
        let name = room.width.saturating_sub(4 + 10 + 9 + 11 + 7 + 1 + 16).max(16);
        let mut rows: Vec<Line<'static>> = ids
            .iter()
            .filter_map(|id| all.iter().find(|row| row.sku_id == *id))
            .map(|row| line(row, name, look))
            .collect();
        if rows.is_empty() {
            rows.push(Line::raw(if tenant.skus.good.is_some() {
                "  The last good import found no SKUs.".to_owned()
            } else {
                "  No SKUs were ever read.   r runs the import".to_owned()
            }));
        }
        let wrong = all.iter().filter(|row| finding(row).state == State::Blocked).count();
        let check = all.iter().filter(|row| finding(row).state == State::Stale).count();
        let ages = |set: &crate::model::DataSet| {
            set.good.as_ref().map_or_else(
                || "never".to_owned(),
                |good| format!("{} ({})", day(good.at), age(Some(good.at), look.now)),
            )
        };
        let failing =
            tenant.failing().map_or_else(String::new, |f| format!("  last import refused: {}", f.failure.cause()));
        let turned = if self.list.reverse { " reversed" } else { "" };
        let current = self.list.current().and_then(|id| all.iter().find(|row| row.sku_id == *id));
        View {
            path: format!("Tenants > {} > Licenses", tenant.title()),
            top: vec![
                Line::raw(format!("SKUs {}   users {}{failing}", ages(&tenant.skus), ages(&tenant.users))),
                Line::raw(format!(
                    "{}  {wrong} wrong  {check} to check  {} fine",
                    plural(all.len() as u64, "product"),
                    all.len() - wrong - check
                )),
                Line::raw(format!(
                    "show: all, {} of {}   sort: {}{turned}",
                    self.list.len(),
                    all.len(),
                    SORTS.get(self.list.sort).copied().unwrap_or_default()
                )),
            ],
            header: Some(Line::raw(format!(
                "    {}{:>10}{:>9}{:>11}{:>7} FINDING",
                fit("PRODUCT", name),
                "PURCHASED",
                "ASSIGNED",
                "UNASSIGNED",
                "HELD"
            ))),
            rows,
            cursor,
            rule: current.map(product).unwrap_or_default(),
            detail: current.map(detail).unwrap_or_default(),
            pane: current.map(|row| pane(row, look)).unwrap_or_default(),
            footer: footer(KEYS),
        }
    }
}

fn product(row: &LicenseRow) -> String {
    let part = row.sku.as_ref().and_then(|sku| sku.part_number.as_ref()).map(ToString::to_string);
    part.or_else(|| row.sku_id.map(|id| id.to_string())).unwrap_or_else(|| "(no id)".to_owned())
}

/// Purchased, assigned, unassigned, held; `-` where unknown, never 0.
fn numbers(row: &LicenseRow) -> (String, String, String, String) {
    let sku = row.sku.as_ref();
    let shown = |n: Option<i64>| n.map_or_else(|| "-".to_owned(), count);
    (
        shown(sku.and_then(SkuCount::purchased)),
        shown(sku.and_then(|sku| sku.consumed)),
        shown(sku.and_then(SkuCount::unassigned)),
        row.held.map_or_else(|| "-".to_owned(), count),
    )
}

fn finding(row: &LicenseRow) -> Finding {
    let say = |state, words: String| Finding { state, words };
    let Some(sku) = &row.sku else {
        return say(State::Stale, "held, not listed".to_owned());
    };
    if sku.applies_to.as_deref().is_some_and(|applies| applies.eq_ignore_ascii_case("company")) {
        return say(State::Ok, "whole company".to_owned());
    }
    match (sku.unassigned(), sku.prepaid.warning, sku.consumed, row.held) {
        (Some(n), ..) if n < 0 => say(State::Blocked, format!("over by {}", count(n.unsigned_abs()))),
        (_, Some(n), ..) if n > 0 => say(State::Stale, format!("{} in grace", count(n))),
        (_, _, Some(used), Some(held)) if u64::try_from(used).ok() != Some(held) => {
            let difference = i64::try_from(held).unwrap_or(i64::MAX).abs_diff(used);
            say(State::Stale, format!("{} apart", count(difference)))
        }
        (Some(0), ..) => say(State::Ok, "full".to_owned()),
        (None, ..) => say(State::Stale, "units unknown".to_owned()),
        _ => say(State::Ok, String::new()),
    }
}

fn line(row: &LicenseRow, name: usize, look: Look<'_>) -> Line<'static> {
    let (purchased, assigned, unassigned, held) = numbers(row);
    let finding = finding(row);
    let sign = match finding.state {
        State::Blocked => "!",
        State::Stale => "~",
        State::Ok
        | State::Running
        | State::Queued
        | State::Partial
        | State::NoAccess
        | State::OurAuth
        | State::Failed
        | State::Paused
        | State::Never => "+",
    };
    Line::from(vec![
        Span::raw("  "),
        Span::styled(format!("{sign} "), look.theme.state(finding.state)),
        Span::raw(format!(
            "{}{}{}{}{} {}",
            fit(&product(row), name),
            right(&purchased, 10),
            right(&assigned, 9),
            right(&unassigned, 11),
            right(&held, 7),
            finding.words
        )),
    ])
}

fn detail(row: &LicenseRow) -> Vec<Line<'static>> {
    let shown = |n: Option<i64>| n.map_or_else(|| "unknown".to_owned(), count);
    let mut lines = Vec::new();
    if let Some(sku) = &row.sku {
        lines.push(Line::raw(format!(
            "PURCHASED {} = {} on + {} in grace. Apart: {} suspended, {} locked out.",
            shown(sku.purchased()),
            shown(sku.prepaid.enabled),
            shown(sku.prepaid.warning),
            shown(sku.prepaid.suspended),
            shown(sku.prepaid.locked_out)
        )));
    } else {
        lines.push(Line::raw("Users hold it, and subscribedSkus does not list it (any more)."));
    }
    lines.push(Line::raw("ASSIGNED is Graph's count, HELD our own of the users. UNASSIGNED can be below 0."));
    lines
}

fn pane(row: &LicenseRow, look: Look<'_>) -> Vec<Line<'static>> {
    let text =
        |text: &Option<crate::model::Text>| text.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let mut lines = vec![Line::styled(fit(&product(row), 39), look.theme.title())];
    if let Some(id) = row.sku_id {
        lines.push(Line::raw(id.to_string()));
    }
    if let Some(sku) = &row.sku {
        lines.push(Line::default());
        lines.push(Line::raw(format!("status        {}", text(&sku.status))));
        lines.push(Line::raw(format!("applies to    {}", text(&sku.applies_to))));
    }
    lines.push(Line::default());
    lines.push(Line::styled("WHERE THE NUMBERS COME FROM", look.theme.title()));
    for words in [
        "PURCHASED   enabled + warning units",
        "ASSIGNED    consumedUnits",
        "UNASSIGNED  purchased - assigned",
        "HELD        users, assignedLicenses",
    ] {
        lines.push(Line::raw(words));
    }
    lines
}
