//! What the screen of an allocation says.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::Told;
use crate::model::Text;
use crate::model::allocation::{Check, Preview, ProductState, RowKind, Rule, Rules, Sheet, SheetRow, Verdict, says};
use crate::tui::page::{Line, Piece};
use crate::tui::screens::{Cx, words};
use crate::tui::theme::Meaning;

/// An amount with thousands apart and all decimals of the currency.
pub(super) fn grouped(sheet: &Sheet, amount: Decimal) -> String {
    let text = sheet.shown(amount);
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, rest) =
        digits.split_once('.').map_or((digits, String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let whole = whole.parse::<u64>().map_or_else(|_| whole.to_owned(), words::count);
    format!("{sign}{whole}{rest}")
}

/// The same with its currency.
pub(super) fn money(sheet: &Sheet, amount: Decimal) -> String {
    let currency = sheet.currency.map_or_else(String::new, |currency| format!(" {currency}"));
    format!("{}{currency}", grouped(sheet, amount))
}

/// An amount with its sign.
fn change(sheet: &Sheet, amount: Decimal) -> String {
    let plus = if amount.is_sign_negative() && !amount.is_zero() { "" } else { "+" };
    format!("{plus}{}", grouped(sheet, amount))
}

/// What the month comes to; where that finds no room, thousands are not parted.
pub(super) fn bill(sheet: &Sheet, width: usize) -> Line {
    let least = if sheet.whole { "" } else { "at least " };
    let currency = sheet.currency.map_or_else(String::new, |currency| format!(" {currency}"));
    let said = |amount: &dyn Fn(Decimal) -> String| {
        let [bill, units, untracked, idle] = [sheet.bill, sheet.units, sheet.untracked, sheet.idle].map(amount);
        format!("bill {least}{bill}{currency} = units {units} + untracked {untracked} + idle {idle}")
    };
    let whole = said(&|amount| grouped(sheet, amount));
    if whole.len() <= width { whole.into() } else { said(&|amount| sheet.shown(amount)).into() }
}

/// By which rules, data and prices.
pub(super) fn means(told: &Told, drafted: bool, cx: &Cx<'_>) -> Line {
    let facts = &told.sheet.facts;
    let rules = match (&told.saved, facts.rules) {
        (Some((by, at)), Some(version)) => format!("rules v{version} by {by} {}", words::day(*at, cx.now)),
        (None, _) | (Some(_), None) => "rules to begin with".to_owned(),
    };
    let data = match facts.users_at {
        Some(at) => format!("data {} ({})", words::when(at, cx.now), cx.age(at)),
        None => "data never read".to_owned(),
    };
    let (needed, priced) = told.sheet.prices();
    let state = if told.closed { "closed" } else { "open" };
    let line = Line::from(format!("{state}   {rules}   {data}   prices {priced} of {needed}"));
    if drafted { line.and(Meaning::Key, "   DRAFT") } else { line }
}

/// The cells of a row.
pub(super) fn cells(sheet: &Sheet, row: &SheetRow) -> Vec<Piece> {
    let look = match row.kind {
        RowKind::Untracked if row.users > 0 => Meaning::Aging,
        RowKind::Unit | RowKind::Untracked | RowKind::Idle | RowKind::Total => Meaning::Plain,
    };
    let piece = |text: String| Piece { text, meaning: look };
    let indent = "  ".repeat(row.unit.0.len().saturating_sub(1));
    let users = if row.kind == RowKind::Idle { "-".to_owned() } else { words::count(row.users) };
    let seats = row.seats.round_dp(2).normalize();
    let rule = match (row.rules.as_slice(), row.assigned) {
        ([], 0) if row.kind == RowKind::Untracked => "none".to_owned(),
        ([], 0) => "-".to_owned(),
        ([], _) => "own".to_owned(),
        ([one], 0) => format!("R{one}"),
        ([one, ..], _) => format!("R{one}+"),
    };
    vec![
        piece(format!("{indent}{}", row.unit.name())),
        piece(users),
        piece(seats.to_string()),
        piece(grouped(sheet, row.amount)),
        piece(row.share.map_or_else(|| "-".to_owned(), |share| format!("{share}%"))),
        piece(row.change().map_or_else(|| "-".to_owned(), |amount| change(sheet, amount))),
        piece(rule),
    ]
}

/// What there is to know of a row.
pub(super) fn detail(told: &Told, row: &SheetRow, joins: bool, cx: &Cx<'_>) -> Vec<Line> {
    let sheet = &told.sheet;
    let mut lines: Vec<Line> = Vec::new();
    if !row.open_seats.is_zero() {
        let seats = row.open_seats.round_dp(2).normalize();
        lines.push(Line::of(Meaning::Aging, format!("{seats} seats have no price: what they cost is in no amount.")));
    }
    match row.kind {
        RowKind::Untracked => {
            let spelled = sheet.clusters.iter().flat_map(|cluster| {
                cluster
                    .spellings
                    .iter()
                    .filter(|(_, _, untracked)| *untracked > 0)
                    .map(move |spelling| (cluster, spelling))
            });
            for (cluster, (value, _, untracked)) in spelled {
                lines.push(format!("{}  {} \"{value}\"", words::of(*untracked, "user"), cluster.attribute).into());
            }
            if joins {
                lines.push(cx.hint("spelling", "takes spellings for one").into());
            }
            if lines.is_empty() && row.users > 0 {
                lines.push("No rule holds for them: Enter lists them, e there says why.".into());
            }
        }
        RowKind::Unit => {
            if row.emptied {
                lines.push(Line::of(Meaning::Aging, "It had users in the month before and has none."));
            }
            let rules = row.rules.iter().filter_map(|place| {
                let rule = told.rules.rules.get(usize::try_from(*place).ok()?.checked_sub(1)?)?;
                Some(format!("R{place} {}", says(rule)))
            });
            lines.extend(rules.map(Line::from));
            if row.own != row.amount {
                lines.push(format!("itself {}, the rest is of its parts", money(sheet, row.own)).into());
            }
            lines.extend(row.code.as_ref().map(|code| Line::from(format!("code {code}"))));
        }
        RowKind::Idle => {
            let mut idle: Vec<_> = sheet.products.iter().filter(|row| row.idle > 0 && row.state.is_on_bill()).collect();
            idle.sort_by_key(|row| std::cmp::Reverse(row.idle));
            let said: Vec<String> = idle.iter().map(|row| format!("{} {}", words::count(row.idle), row.name)).collect();
            lines.push(said.join(", ").into());
        }
        RowKind::Total => lines.extend(sheet.checks.iter().filter_map(wrong)),
    }
    lines
}

/// A check that does not hold.
fn wrong(check: &Check) -> Option<Line> {
    let look = match check.verdict {
        Verdict::Holds => return None,
        Verdict::Warns => Meaning::Aging,
        Verdict::Fails => Meaning::Broken,
    };
    Some(Line::of(look, format!("{} {}", check.verdict.name(), check.said)))
}

/// What a draft moves, the most first, in lines.
pub(super) fn moves(preview: &Preview) -> Vec<String> {
    if preview.is_still() {
        return vec!["moves nothing: neither money nor users".to_owned()];
    }
    let sheet = &preview.then;
    let mut rows: Vec<_> = preview
        .rows
        .iter()
        .filter(|row| row.kind != RowKind::Total && (!row.moved.is_zero() || row.users != row.users_then))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.moved.abs()));
    let said: Vec<String> =
        rows.iter().take(4).map(|row| format!("{} {}", row.unit, change(sheet, row.moved))).collect();
    let more = rows.len().saturating_sub(said.len());
    let more = if more > 0 { format!(", {more} more") } else { String::new() };
    let empties: Vec<String> = preview.rows.iter().filter(|row| row.empties).map(|row| row.unit.to_string()).collect();
    let empties = match empties.as_slice() {
        [] => "No unit becomes empty.".to_owned(),
        [one] => format!("{one} becomes empty."),
        [one, rest @ ..] => format!("{one} and {} become empty.", words::of(rest.len() as u64, "more unit")),
    };
    vec![
        format!("moves {}: {}{more}", money(sheet, preview.moved()), said.join(", ")),
        format!("net {}. {empties}", change(sheet, preview.net())),
    ]
}

/// A rule, condition for condition.
pub(super) fn rule(rule: &Rule) -> Vec<Line> {
    let mut lines: Vec<Line> = rule.name.iter().map(|name: &Text| Line::of(Meaning::Caption, name.as_str())).collect();
    if rule.when.is_empty() {
        lines.push("everybody whom no rule before it took".into());
    }
    lines.extend(rule.when.iter().map(|condition| Line::from(condition.to_string())));
    let bare = Rule { name: None, when: Vec::new(), then: rule.then.clone() };
    lines.push(says(&bare).trim_start_matches("everybody ").to_owned().into());
    lines
}

/// Rules, checks and months, beside the list.
pub(super) fn pane(told: &Told, rules: Option<&Arc<Rules>>, cx: &Cx<'_>) -> Vec<Line> {
    const WIDE: usize = 39;
    let sheet = told.preview.as_ref().map_or(&told.sheet, |preview| &preview.then);
    let mut lines = vec![Line::of(Meaning::Caption, "RULES, FIRST HIT WINS")];
    let rules = rules.map_or(&[][..], |rules| &rules.rules);
    for (number, rule) in (1u32..).zip(rules).take(6) {
        let taken = sheet.rules.iter().find(|row| row.rule == number).map_or(0, |row| row.taken);
        lines.extend(words::wrap(&format!("R{number} {}", says(rule)), WIDE).into_iter().take(2).map(Line::from));
        lines.push(format!("    {}", words::of(taken, "user")).into());
    }
    if rules.len() > 6 {
        lines.push(format!("    {} more rules, {} lists them", rules.len() - 6, cx.key("rule-list")).into());
    }
    lines.push(Line::default());
    lines.push(Line::of(Meaning::Caption, "CHECKS"));
    for check in &sheet.checks {
        let (sign, look) = match check.verdict {
            Verdict::Holds => ("+", Meaning::Plain),
            Verdict::Warns => ("!", Meaning::Aging),
            Verdict::Fails => ("x", Meaning::Broken),
        };
        lines.extend(words::wrap(&format!("{sign} {}", check.said), WIDE).into_iter().map(|line| Line::of(look, line)));
    }
    let open: Vec<&str> =
        sheet.products.iter().filter(|row| row.state == ProductState::Unpriced).map(|row| row.name.as_str()).collect();
    if !open.is_empty() {
        lines.extend(words::wrap(&format!("no price: {}", open.join(", ")), WIDE).into_iter().map(Line::from));
    }
    lines.push(Line::default());
    lines.push(Line::of(Meaning::Caption, "MONTHS"));
    if told.months.is_empty() {
        lines.push("none was closed yet".into());
    }
    for standing in told.months.iter().take(12) {
        let Some(event) = standing.events.last() else { continue };
        let state = if standing.closed { "closed" } else { "reopened" };
        let bill = told.sheet.currency.map_or_else(|| event.bill.to_string(), |_| grouped(&told.sheet, event.bill));
        lines.push(format!("{} {state} {} by {}", standing.month, words::day(event.at, cx.now), event.by).into());
        lines.push(format!("        bill {bill}, rules v{}", event.rules).into());
    }
    lines
}
