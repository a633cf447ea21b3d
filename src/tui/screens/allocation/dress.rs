//! What the screen of an allocation says.

use rust_decimal::Decimal;
use unicode_width::UnicodeWidthStr;

use super::Told;
use super::eye::Eye;
use crate::model::allocation::{
    Allocating, Check, Month, Part, Percent, Preview, PreviewRow, ProductState, RowKind, Rule, Rules, ShareThen, Sheet,
    SheetRow, Verdict, checked_reason, says,
};
use crate::model::{Command, Text, mask};
use crate::tui::drafts::Drafted;
use crate::tui::overlays::{Answer, Question};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::{Cx, Effect, Saved, words};
use crate::tui::theme::Meaning;

/// An amount with thousands apart and all decimals of the currency.
pub(super) fn grouped(sheet: &Sheet, amount: Decimal) -> String {
    parted(&sheet.shown(amount))
}

/// Digits with thousands apart.
pub(super) fn parted(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
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

/// Units and how much of a user goes to each.
pub(super) fn parts(parts: &[Part]) -> String {
    let part = |part: &Part| match part.percent {
        Percent::WHOLE => part.unit.to_string(),
        percent => format!("{} {percent}%", part.unit),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// Where a draft puts a user.
pub(super) fn goes(then: Option<&ShareThen>) -> String {
    then.map(|then| parts(&then.units)).filter(|units| !units.is_empty()).unwrap_or_else(|| "Untracked".to_owned())
}

/// Whether products of a sheet have no price, or were only not counted.
fn lacks_prices(sheet: &Sheet) -> bool {
    sheet.products.iter().any(|product| product.state == ProductState::Unpriced)
}

/// An amount: whether seats in it have a price, and whether there are others of which nobody knows what they cost.
pub(super) fn known(sheet: &Sheet, amount: Decimal, (priced, open): (bool, bool)) -> String {
    match (priced, open) {
        (_, false) => grouped(sheet, amount),
        (true, true) => format!(">{}", grouped(sheet, amount)),
        (false, true) if lacks_prices(sheet) => ProductState::Unpriced.name().to_owned(),
        (false, true) => ProductState::Uncounted.name().to_owned(),
    }
}

/// What the month comes to. Where that finds no room, thousands are not parted; then words are a sign; then there are
/// no cents.
pub(super) fn bill(sheet: &Sheet, width: usize) -> Line {
    let (least, more) = if sheet.whole { ("", "") } else { ("at least ", ">") };
    let currency = sheet.currency.map_or_else(String::new, |currency| format!(" {currency}"));
    let said = |least: &str, currency: &str, amount: &dyn Fn(Decimal) -> String| {
        let [bill, units, untracked, idle] = [sheet.bill, sheet.units, sheet.untracked, sheet.idle].map(amount);
        format!("bill {least}{bill}{currency} = units {units} + untracked {untracked} + idle {idle}")
    };
    let exact = |amount: Decimal| sheet.shown(amount);
    let round = |amount: Decimal| amount.round().normalize().to_string();
    let mut forms = [
        said(least, &currency, &|amount| grouped(sheet, amount)),
        said(least, &currency, &exact),
        said(more, &currency, &exact),
        said(more, &format!("{currency} rounded"), &round),
        said(more, &currency, &round),
    ]
    .into_iter();
    let shortest = || said(more, "", &round);
    forms.find(|form| form.width() <= width).unwrap_or_else(shortest).into()
}

/// By which rules, data and prices; at the right whether there is a draft. Where that finds no room, ages are left out.
pub(super) fn draw_means(page: &mut Page<'_>, y: u16, told: &Told, drafted: &Drafted, cx: &Cx<'_>) {
    let facts = &told.sheet.facts;
    let rules = match (&told.saved, facts.rules) {
        (Some((by, at)), Some(version)) => format!("rules v{version} by {by} {}", words::day(*at, cx.now)),
        (None, _) | (Some(_), None) => "rules to begin with".to_owned(),
    };
    let data = |age: bool| match facts.users_at {
        Some(at) if age => format!("data {} ({})", words::when(at, cx.now), cx.age(at)),
        Some(at) => format!("data {}", words::when(at, cx.now)),
        None => "data never read".to_owned(),
    };
    let (needed, priced) = told.sheet.prices();
    let state = if told.closed { "closed" } else { "open" };
    let draft = match (drafted.is_empty(), drafted.is_of_prices()) {
        (true, _) => "",
        (false, true) => "DRAFT of prices",
        (false, false) => "DRAFT",
    };
    let said = |gap: &str, data: String| {
        [state.to_owned(), rules.clone(), data, format!("prices {priced} of {needed}")].join(gap)
    };
    let room = usize::from(page.main.width).saturating_sub(if draft.is_empty() { 0 } else { draft.len() + 2 });
    let forms = [said("   ", data(true)), said("  ", data(true)), said("  ", data(false))];
    let [.., shortest] = &forms;
    let text = forms.iter().find(|form| form.width() <= room).unwrap_or(shortest);
    page.line(y, &text.as_str().into());
    if !draft.is_empty() {
        let x = page.main.right().saturating_sub(u16::try_from(draft.len()).unwrap_or(0));
        page.put(x.saturating_sub(1), y, 1, " ", Meaning::Plain);
        page.put(x, y, page.main.width, draft, Meaning::Key);
    }
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
    let open = (row.open_seats < row.seats, !row.open_seats.is_zero());
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
        piece(parted(&seats.to_string())),
        Piece { meaning: if open.1 { Meaning::Aging } else { look }, text: known(sheet, row.amount, open) },
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
        let said = match (seats == Decimal::ONE, lacks_prices(sheet)) {
            (true, true) => "seat has no price: what it costs",
            (true, false) => "seat is of a product that was not counted: what it costs",
            (false, true) => "seats have no price: what they cost",
            (false, false) => "seats are of products that were not counted: what they cost",
        };
        lines.push(Line::of(Meaning::Aging, format!("{seats} {said} is in no amount.")));
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

/// The rows that a draft moves, the most first.
fn moved(preview: &Preview) -> Vec<&PreviewRow> {
    let mut rows: Vec<_> = preview.rows.iter().filter(|row| row.kind != RowKind::Total && !row.is_still()).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.moved.map(|moved| moved.abs())));
    rows
}

/// What a draft moves of a row; what it comes to, where the draft has another currency.
fn moved_of(sheet: &Sheet, row: &PreviewRow) -> String {
    row.moved.map_or_else(|| format!("then {}", money(sheet, row.amount_then)), |moved| change(sheet, moved))
}

/// What a draft moves in all, and what it does to the bill.
fn in_all(preview: &Preview) -> (String, String) {
    let sheet = &preview.then;
    let moved = match (preview.moved(), preview.currencies()) {
        (Some(moved), _) => format!("moves {}", money(sheet, moved)),
        (None, Some((from, to))) => format!("{from} in force, {to} in the draft"),
        (None, None) => "moves what is not reckoned".to_owned(),
    };
    let net = preview.net().map_or_else(|| "not reckoned".to_owned(), |net| change(sheet, net));
    (moved, format!("net {net}"))
}

/// What is said of a draft that changes no row.
const STILL: &str = "moves nothing: neither money nor users";

/// What a draft moves of each unit, a line each, below what it moves in all.
pub(super) fn all_moves(preview: &Preview) -> Vec<String> {
    if preview.is_still() {
        return vec![STILL.to_owned()];
    }
    let sheet = &preview.then;
    let (in_all, net) = in_all(preview);
    let mut lines = vec![format!("{in_all}, {net}"), emptied(preview)];
    if !sheet.whole {
        lines.push("Not whole: some seats have no price or no count, and are in none of these amounts.".to_owned());
    }
    lines.extend(moved(preview).into_iter().map(|row| {
        let users = match row.kind {
            RowKind::Idle => String::new(),
            RowKind::Unit | RowKind::Untracked | RowKind::Total if row.users == row.users_then => String::new(),
            RowKind::Unit | RowKind::Untracked | RowKind::Total => {
                format!(", {} -> {}", words::count(row.users), words::of(row.users_then, "user"))
            }
        };
        format!("{} {}{users}", row.unit, moved_of(sheet, row))
    }));
    lines
}

/// Which units a draft takes all users out of.
fn emptied(preview: &Preview) -> String {
    let empties: Vec<String> = preview.rows.iter().filter(|row| row.empties).map(|row| row.unit.to_string()).collect();
    match empties.as_slice() {
        [] => "No unit becomes empty.".to_owned(),
        [one] => format!("{one} becomes empty."),
        [one, rest @ ..] => format!("{one} and {} become empty.", words::of(rest.len() as u64, "more unit")),
    }
}

/// What a draft moves, the most first, in two lines; as many rows as the width has room for.
pub(super) fn moves(preview: &Preview, width: usize) -> Vec<String> {
    if preview.is_still() {
        return vec![STILL.to_owned()];
    }
    let sheet = &preview.then;
    let (in_all, net) = in_all(preview);
    let mut rows: Vec<String> =
        moved(preview).into_iter().map(|row| format!("{} {}", row.unit, moved_of(sheet, row))).collect();
    let all = rows.len();
    let said = |rows: &[String]| {
        let more = all - rows.len();
        let more = if more > 0 { format!(", {more} more") } else { String::new() };
        format!("{in_all}: {}{more}", rows.join(", "))
    };
    while rows.len() > 1 && said(&rows).width() > width {
        rows.pop();
    }
    let lacks = if sheet.whole { "" } else { " Not whole: what has no price is in no amount." };
    vec![said(&rows), format!("{net}. {}{lacks}", emptied(preview))]
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

/// What a draft moves, rules, checks and months, beside the list.
pub(super) fn pane(told: &Told, rules: &Rules, answered: bool, cx: &Cx<'_>) -> Vec<Line> {
    const WIDE: usize = 39;
    let sheet = told.preview.as_ref().map_or(&told.sheet, |preview| &preview.then);
    let mut lines = Vec::new();
    if let Some(preview) = told.preview.as_ref().filter(|_| answered) {
        lines.push(Line::of(Meaning::Caption, "WHAT THE DRAFT MOVES"));
        lines.extend(all_moves(preview).iter().flat_map(|line| words::wrap(line, WIDE)).map(Line::from));
        lines.push(Line::default());
    }
    lines.push(Line::of(Meaning::Caption, "RULES, FIRST HIT WINS"));
    let rules = &rules.rules;
    for (number, rule) in (1u32..).zip(rules).take(6) {
        let taken = sheet.rules.iter().find(|row| row.rule == number).map_or(0, |row| row.taken);
        let wrapped = words::wrap(&format!("R{number} {}", says(rule)), WIDE);
        let (first, rest) = wrapped
            .split_first()
            .map_or((String::new(), String::new()), |(first, rest)| (first.clone(), rest.join(" ")));
        lines.push(first.into());
        if !rest.is_empty() {
            lines.push(words::cut(&rest, WIDE).as_ref().into());
        }
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
        let bill = event.currency.map_or_else(
            || parted(&event.bill.to_string()),
            |currency| {
                let bill = parted(&currency.shown(event.bill));
                // Only another currency than that of the sheet is told.
                if told.sheet.currency == Some(currency) { bill } else { format!("{bill} {currency}") }
            },
        );
        lines.push(format!("{} {state} {} by {}", standing.month, words::day(event.at, cx.now), event.by).into());
        lines.push(format!("        bill {bill}, rules v{}", event.rules).into());
    }
    lines
}

/// What was done in a draft; where people are masked, without what is quoted and without units, which may be called after
/// somebody.
fn done(said: &Text, privacy: bool) -> String {
    if !privacy {
        return said.to_string();
    }
    let rule = |text: &str| text.split(" -> ").next().unwrap_or_default().to_owned();
    let quoted = said.split_once('"').filter(|(before, _)| !before.contains(" -> "));
    let Some((before, rest)) = quoted else { return rule(said) };
    let (quoted, after) = rest.rsplit_once('"').unwrap_or((rest, ""));
    match quoted.split_once('"') {
        // Values and units may have quotes of their own: then nobody knows where a value ends.
        Some((first, _)) => format!("{before}\"{}\"", mask(first.split('@').next().unwrap_or_default())),
        None => format!("{before}\"{}\"{}", mask(quoted), rule(after)),
    }
}

/// Draws a draft: from which version it was made, what was done last, what it moves.
pub(super) fn draw_draft(
    page: &mut Page<'_>,
    (top, bottom): (u16, u16),
    drafted: &Drafted,
    newest: Option<u32>,
    preview: Result<&Preview, String>,
    cx: &Cx<'_>,
) {
    let of = if drafted.is_of_prices() { " of prices" } else { "" };
    let steps = words::of(drafted.said().len() as u64, "change");
    let other = newest.filter(|newest| *newest != drafted.from);
    let other = other.map_or_else(String::new, |newest| format!("; v{newest} is in force by now"));
    page.rule(top, &format!("DRAFT{of} from v{}, not saved: {steps}{other}", drafted.from));
    let moved = match preview {
        Ok(preview) => moves(preview, usize::from(page.main.width)),
        Err(waits) => vec![waits],
    };
    let last = drafted.said().next_back().map(|said| done(said, cx.options.privacy));
    for (line, y) in last.into_iter().chain(moved).zip(top + 1..bottom) {
        page.line(y, &line.into());
    }
}

/// Asks whether a draft is to be saved: with what was done, and with all that it moves.
pub(super) fn asks_to_save(
    drafted: &Drafted,
    what: Saved,
    preview: Option<&Preview>,
    (reason, month): (&str, Month),
    eye: &Eye,
    cx: &Cx<'_>,
) -> Result<Effect, String> {
    let draft = drafted.draft();
    let reason = checked_reason(reason).map_err(|why| why.to_string())?;
    let from = drafted.from;
    let (wish, what) = match (what, draft.rules, draft.prices) {
        (Saved::Rules, Some(rules), _) => {
            (Allocating::SaveRules { rules: Box::new((*rules).clone()), from, reason }, "rules")
        }
        (Saved::Prices, _, Some(prices)) => {
            (Allocating::SavePrices { prices: Box::new((*prices).clone()), from, reason }, "prices")
        }
        (Saved::Rules, ..) => return Err("there is no draft of rules".to_owned()),
        (Saved::Prices, ..) => return Err("there is no draft of prices".to_owned()),
        (Saved::Open, ..) => return Err("no month is at hand here".to_owned()),
    };
    // A month that somebody closed meanwhile is moved by nothing.
    let known = eye.tenant(cx).map(|tenant| &tenant.allocated).filter(|known| known.is_closed(month));
    let acts = known.and_then(|known| known.acts());
    let moved = match (acts, preview.filter(|_| eye.answered), &eye.failed) {
        (Some(acts), ..) => vec![format!("{month} was closed meanwhile: nothing moves in it. The {what} act {acts}.")],
        (None, Some(preview), _) => {
            let mut lines = all_moves(preview);
            lines.push(format!("That is {}.", words::month(month)));
            lines
        }
        (None, None, Some(why)) => return Err(format!("the draft cannot be reckoned: {why}")),
        (None, None, None) => return Err("what the draft moves is still reckoned: wait for it".to_owned()),
    };
    let mut lines: Vec<String> = drafted.said().map(|said| done(said, cx.options.privacy)).collect();
    lines.extend(moved);
    lines.push("Closed months stay as they are. Nothing changes at the customer.".to_owned());
    let answer = Answer::Yes(Command::Allocate { tenant: eye.of.clone(), wish: Box::new(wish) });
    Ok(Effect::Ask(Question::new(&format!("save {what}"), lines, format!("Save as v{}?", from + 1), answer, cx.now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_names_nobody_whatever_a_value_has_in_it() {
        for (said, masked) in [
            ("R1 taken away", "R1 taken away"),
            ("R4 department \"Sales\" -> Sales", "R4 department \"S***\""),
            ("R4 manager \"jan@adatum.example\": any case -> Jan", "R4 manager \"j***@adatum.example\": any case"),
            ("R4 manager \"Jan \"Johnny\" Berg\" -> Jan \"Johnny\" Berg", "R4 manager \"J***\""),
            ("R4 -> Jan \"Johnny\" Berg", "R4"),
            ("R4 manager \"Jan -> Berg\": trimmed", "R4 manager \"J***\": trimmed"),
            ("R4 manager \"a@x\" Mia \"Novak\": trimmed", "R4 manager \"a***\""),
            ("R4 manager \"Jan Berg", "R4 manager \"J***\""),
        ] {
            assert_eq!(done(&said.into(), true), masked, "{said}");
            assert_eq!(done(&said.into(), false), said);
        }
    }
}
