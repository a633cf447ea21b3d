//! What is checked before a month can be closed.

use serde::{Deserialize, Serialize};

use super::tally::Tally;
use super::{Allocated, Allotment, Billed, Month, Part, Percent, ProductState, Rule, Rules, Sheet, Then};
use crate::model::{Text, day_of};

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is as it should be.
    Holds,
    /// Somebody should look at it.
    Warns,
    /// The month cannot be closed.
    Fails,
}

impl Verdict {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Warns => "warns",
            Verdict::Fails => "fails",
        }
    }
}

/// A check of a sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Which one.
    pub name: Text,
    /// What it says.
    pub verdict: Verdict,
    /// In words, with what to do.
    pub said: Text,
}

impl Check {
    fn of(name: &'static str, verdict: Verdict, said: impl Into<Text>) -> Self {
        Self { name: Text::const_new(name), verdict, said: said.into() }
    }
}

/// The most rules or pairs of rules that are named.
const NAMED: usize = 5;

pub(super) fn of(sheet: &Sheet, tally: &Tally<'_>, billed: &Billed, allotment: &Allotment) -> Vec<Check> {
    let mut checks = vec![
        sums(sheet),
        splits(tally.sorter().rules()),
        seats(sheet, tally, billed, allotment),
        prices(sheet),
        data(sheet),
    ];
    if let Some(row) = sheet.rows.iter().find(|row| row.kind == super::RowKind::Untracked)
        && row.users > 0
    {
        checks.push(Check::of("untracked", Verdict::Warns, format!("users that match no rule: {}", row.users)));
    }
    checks.extend(over(sheet));
    checks.extend(rules(tally));
    checks.extend(assigned(sheet, tally));
    checks.extend(emptied(sheet));
    if !sheet.clusters.is_empty() {
        let n = sheet.clusters.len();
        let said = format!("values in several spellings: {n}; capitals, or blanks at their ends");
        checks.push(Check::of("spellings", Verdict::Warns, said));
    }
    checks
}

fn sums(sheet: &Sheet) -> Check {
    let sum = sheet.units + sheet.untracked + sheet.idle;
    // What units bear is what the outermost of them bear.
    let outer = |row: &&super::SheetRow| row.kind == super::RowKind::Unit && row.unit.0.len() == 1;
    let rows: rust_decimal::Decimal = sheet.rows.iter().filter(outer).map(|row| row.amount).sum();
    if sum == sheet.bill && rows == sheet.units {
        Check::of("sums", Verdict::Holds, "units, untracked and idle are the bill, to the smallest coin")
    } else {
        let said = format!("units, untracked and idle are {sum}, the bill is {}: a defect of tenantop", sheet.bill);
        Check::of("sums", Verdict::Fails, said)
    }
}

/// Rules whose splits do not add up are never saved; what the store has is looked at all the same.
fn splits(rules: &Rules) -> Check {
    let adds_up = |parts: &[Part]| {
        let sum: u64 = parts.iter().map(|part| u64::from(part.percent.millionths())).sum();
        sum == u64::from(Percent::WHOLE.millionths())
    };
    let of_rules = (1..).zip(&rules.rules).filter_map(|(n, rule): (u32, &Rule)| match &rule.then {
        Then::Split(parts) if !adds_up(parts) => Some(format!("R{n}")),
        Then::Split(_) | Then::Unit(_) | Then::Each { .. } => None,
    });
    let fixed = (1..).zip(&rules.assigned).filter(|(_, one)| !adds_up(&one.to)).map(|(n, _): (u32, _)| format!("A{n}"));
    let wrong: Vec<String> = of_rules.chain(fixed).take(NAMED).collect();
    if wrong.is_empty() {
        return Check::of("splits", Verdict::Holds, "each split adds up to 100 %");
    }
    Check::of(
        "splits",
        Verdict::Fails,
        format!("splits that do not add up to 100 %: {}; next: tenantop rules", wrong.join(", ")),
    )
}

/// Fixed assignments that put nobody anywhere, and those that name one user twice. They are told by their place: who they name
/// is nobody's to read here.
fn assigned(sheet: &Sheet, tally: &Tally<'_>) -> Vec<Check> {
    let all = tally.sorter().rules().assigned.len();
    let mut checks = Vec::new();
    // Without users nobody knows who is not there.
    let missing: Vec<usize> = (0..all).filter(|n| sheet.facts.users_at.is_some() && !tally.found.contains(n)).collect();
    if !missing.is_empty() {
        let named: Vec<String> = missing.iter().take(NAMED * 4).map(|n| format!("A{}", n + 1)).collect();
        let said = format!("fixed assignments of users who are not there: {}; {}", missing.len(), named.join(", "));
        checks.push(Check::of("assigned to nobody", Verdict::Warns, said));
    }
    if !tally.doubled.is_empty() {
        let pair = |(id, name): &(usize, usize)| format!("A{} wins over A{}", id + 1, name + 1);
        let named: Vec<String> = tally.doubled.iter().take(NAMED).map(pair).collect();
        let n = tally.doubled.len();
        let said = format!("users assigned twice, by object id and by sign-in name: {n}; {}", named.join(", "));
        checks.push(Check::of("assigned twice", Verdict::Warns, said));
    }
    checks
}

fn seats(sheet: &Sheet, tally: &Tally<'_>, billed: &Billed, allotment: &Allotment) -> Check {
    let whole = u128::from(Percent::WHOLE.millionths());
    let wrong = billed.on_bill().iter().zip(&allotment.seats).filter(|(product, seats)| {
        let held: u128 = seats.iter().take(allotment.units.len() + 1).sum();
        held != u128::from(product.counted.held) * whole
    });
    let wrong: Vec<&str> = wrong.map(|(product, _)| product.counted.name.as_str()).take(NAMED).collect();
    let uncounted: Vec<&str> =
        sheet.products.iter().filter(|row| row.state == ProductState::Uncounted).map(|row| row.name.as_str()).collect();
    if tally.strays > 0 || !wrong.is_empty() {
        let names = if wrong.is_empty() { "products of no list".to_owned() } else { wrong.join(", ") };
        let said = format!("seats are other ones than the import counted: {names}; import the tenant again");
        Check::of("seats", Verdict::Fails, said)
    } else if uncounted.is_empty() {
        Check::of("seats", Verdict::Holds, "no seat is counted twice, and none is left out")
    } else {
        let said = format!("Graph does not say how many units there are: {}; import again", uncounted.join(", "));
        Check::of("seats", Verdict::Fails, said)
    }
}

fn prices(sheet: &Sheet) -> Check {
    let (needed, priced) = sheet.prices();
    if needed == priced {
        return Check::of("prices", Verdict::Holds, format!("prices {priced} of {needed}"));
    }
    let unpriced = sheet.products.iter().filter(|row| row.state == ProductState::Unpriced);
    let names: Vec<&str> = unpriced.map(|row| row.name.as_str()).take(NAMED).collect();
    let more = (needed - priced).saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let said = format!("prices {priced} of {needed}: none for {}{more}; next: tenantop prices", names.join(", "));
    Check::of("prices", Verdict::Fails, said)
}

fn data(sheet: &Sheet) -> Check {
    let facts = &sheet.facts;
    let fails = |said: String| Check::of("data", Verdict::Fails, said);
    let (Some(users), Some(skus)) = (facts.users_at, facts.skus_at) else {
        return fails("users or SKUs were never read; next: tenantop import".to_owned());
    };
    if !facts.together {
        return fails(
            "users and SKUs are of different imports: their counts are of different times; import again".to_owned(),
        );
    }
    let of = Month::of(users.min(skus));
    if of < facts.month {
        return fails(format!("the data are of {of}, before the month began; import again"));
    }
    if facts.month > facts.today {
        return fails(format!("{} has not begun", facts.month));
    }
    // What was read later says nothing of who held what then.
    let newest = Month::of(users.max(skus));
    if newest > facts.month {
        return fails(format!(
            "the data are of {newest}, after the month, and no reading of {} is kept: it stays open; the last reading of a month \
             is kept once rules or prices are saved, for {} months",
            facts.month,
            Allocated::READINGS,
        ));
    }
    if facts.month == facts.today {
        return Check::of("data", Verdict::Warns, "the month is not over: data and prices may change");
    }
    let day = day_of(users.min(skus));
    Check::of("data", Verdict::Holds, format!("users and SKUs of one import of the month, data of {day}"))
}

/// Products of which more are held than purchased.
fn over(sheet: &Sheet) -> Option<Check> {
    let over = |row: &&super::ProductRow| {
        let purchased = row.purchased.map(|units| u64::try_from(units).unwrap_or(0));
        row.state.is_on_bill() && purchased.is_some_and(|purchased| row.held > purchased)
    };
    let names: Vec<String> = sheet
        .products
        .iter()
        .filter(over)
        .map(|row| format!("{} ({} of {})", row.name, row.held, row.purchased.unwrap_or(0)))
        .take(NAMED)
        .collect();
    let said = format!("more held than purchased, all who hold one share the bill: {}", names.join(", "));
    (!names.is_empty()).then(|| Check::of("over", Verdict::Warns, said))
}

/// Whether a rule holds for nobody whom the earlier one does not take: it has all of its conditions, and maybe more.
fn hides(earlier: &Rule, later: &Rule) -> bool {
    !matches!(earlier.then, Then::Each { .. }) && earlier.when.iter().all(|one| later.when.contains(one))
}

fn rules(tally: &Tally<'_>) -> Vec<Check> {
    let rules = &tally.sorter().rules().rules;
    let mut checks = Vec::new();
    let hidden: Vec<String> = rules
        .iter()
        .enumerate()
        .filter_map(|(n, rule)| {
            let by = rules.iter().take(n).position(|earlier| hides(earlier, rule))?;
            Some(format!("R{} behind R{}", n + 1, by + 1))
        })
        .collect();
    if !hidden.is_empty() {
        let named: Vec<&str> = hidden.iter().map(String::as_str).take(NAMED).collect();
        let said = format!("rules that can never take anybody: {}; {}", hidden.len(), named.join(", "));
        checks.push(Check::of("unreachable", Verdict::Warns, said));
    }
    let idle: Vec<String> =
        tally.hits.iter().enumerate().filter(|(_, hits)| hits.taken == 0).map(|(n, _)| format!("R{}", n + 1)).collect();
    if !idle.is_empty() {
        let named: Vec<&str> = idle.iter().map(String::as_str).take(NAMED * 4).collect();
        let said = format!("rules that take nobody: {}; {}", idle.len(), named.join(", "));
        checks.push(Check::of("idle rules", Verdict::Warns, said));
    }
    let mut overlaps: Vec<(u64, usize, usize)> =
        tally.overlaps.iter().map(|((first, other), users)| (*users, *first, *other)).collect();
    overlaps.sort_unstable_by(|(a, a_first, a_other), (b, b_first, b_other)| {
        b.cmp(a).then((a_first, a_other).cmp(&(b_first, b_other)))
    });
    if !overlaps.is_empty() {
        let named: Vec<String> = overlaps
            .iter()
            .take(NAMED)
            .map(|(users, first, other)| format!("R{} wins over R{} for {users} users", first + 1, other + 1))
            .collect();
        let more = overlaps.len().saturating_sub(named.len());
        let more = if more > 0 { format!("; {more} more pairs") } else { String::new() };
        checks.push(Check::of("conflicts", Verdict::Warns, format!("{}{more}", named.join("; "))));
    }
    checks
}

fn emptied(sheet: &Sheet) -> Option<Check> {
    let emptied: Vec<String> = sheet.rows.iter().filter(|row| row.emptied).map(|row| row.unit.to_string()).collect();
    let named: Vec<&str> = emptied.iter().map(String::as_str).take(NAMED).collect();
    let said =
        format!("units that had users in the month before and have none: {}; {}", emptied.len(), named.join(", "));
    (!emptied.is_empty()).then(|| Check::of("emptied", Verdict::Warns, said))
}
