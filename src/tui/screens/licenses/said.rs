//! What is said of counts: findings, terms of what was sold, and what users and SKUs say of each other.

use super::{Row, terms};
use crate::model::{Checks, Finding, Subscription, Tenant};
use crate::tui::page::Line;
use crate::tui::screens::{Cx, words};
use crate::tui::theme::Meaning;

/// What a finding says in its cell.
pub(super) fn short(finding: Finding) -> String {
    let n = words::signed(finding.units().unwrap_or_default());
    match finding {
        Finding::Over(_) => format!("over by {n}"),
        Finding::NotThere(_) => format!("{n} not there"),
        Finding::InGrace(_) => format!("{n} in grace"),
        Finding::Unseen(1) => "1 unseen user".to_owned(),
        Finding::Unseen(_) => format!("{n} unseen users"),
        Finding::Uncounted(_) => format!("{n} not counted"),
        Finding::NotListed(_) => format!("{n} not listed"),
        Finding::NoProduct(_) => format!("{n} no product"),
        Finding::NotByUs(_) => format!("{n} not by us"),
        Finding::Off(_) => format!("{n} off"),
        Finding::NoCount => "no count".to_owned(),
        Finding::NoName => "no name yet".to_owned(),
        Finding::WholeCompany => "whole company".to_owned(),
        Finding::Full => "full".to_owned(),
        Finding::Fine => String::new(),
    }
}

/// What a finding means, and what is to be done.
pub(super) fn said(finding: Finding, cx: &Cx<'_>) -> String {
    let n = words::signed(finding.units().unwrap_or_default());
    match finding {
        Finding::Over(_) => format!("{n} assigned beyond what is usable: units lapsed while held. Buy, or take away."),
        Finding::NotThere(_) => {
            format!("We sold {n} more than the tenant has: look at the order and its subscription.")
        }
        Finding::InGrace(_) => format!("{n} past their term and still usable, about 30 days: renew or take away."),
        Finding::Unseen(_) => format!("Graph counts {n} more as assigned than users hold: deleted users, or a lag."),
        Finding::Uncounted(_) => format!("Users hold {n} more than Graph counts: a lag; import again."),
        Finding::NotListed(_) => "Users hold it, and the SKUs of the tenant no longer list it.".to_owned(),
        Finding::NoProduct(_) => format!("We sold {n}, and no list ties them to a product of the tenant: which is it?"),
        Finding::NotByUs(_) => {
            format!("{n} not sold by us: direct order, trial, another reseller? {} marks it as known.", cx.key("know"))
        }
        Finding::Off(_) => format!("{n} suspended or cancelled by the customer: they cannot be assigned."),
        Finding::NoCount => "Graph left a count out; it is not taken as 0.".to_owned(),
        Finding::NoName => "No list has a name for it.".to_owned(),
        Finding::WholeCompany => "For the whole company: no user holds it.".to_owned(),
        Finding::Full => "Every usable unit is assigned.".to_owned(),
        Finding::Fine => "The counts agree.".to_owned(),
    }
}

/// A term in a few words: `150 yearly to 30 Apr 2027`.
pub(super) fn term(one: &Subscription, cx: &Cx<'_>) -> String {
    let long = match one.term.as_deref() {
        Some("P1M") => " monthly".to_owned(),
        Some("P1Y") => " yearly".to_owned(),
        Some("P3Y") => " for 3 years".to_owned(),
        Some(other) => format!(" {other}"),
        None => String::new(),
    };
    let ends = one.ends_at.map_or_else(String::new, |at| format!(" to {}", words::day(at, cx.now)));
    let status = if one.counts() { String::new() } else { format!(" {}", one.status) };
    let trial = if one.is_trial { " trial" } else { "" };
    format!("{}{long}{trial}{status}{ends}", words::signed(one.quantity))
}

pub(super) fn sold_line(row: &Row<'_>, tenant: &Tenant, cx: &Cx<'_>) -> String {
    let failing = tenant.sold.as_deref().and_then(|sold| sold.failing.as_deref());
    let refused = failing.map_or_else(String::new, |failing| {
        let (since, cause) = (words::day(failing.since, cx.now), failing.failure.cause());
        format!("  Refused since {since}, {}: {cause}.", words::of(u64::from(failing.tries), "try"))
    });
    let Some(sold) = row.license.sold else {
        return match tenant.sold.as_deref().and_then(|sold| sold.read_at) {
            None if refused.is_empty() => "SOLD was never read.".to_owned(),
            None => format!("SOLD was never read.{refused}"),
            Some(_) => "SOLD cannot be told: a subscription of ours has no known product.".to_owned(),
        };
    };
    let all = terms(row, tenant);
    let (counted, other): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.counts());
    let list = |terms: &[&Subscription]| terms.iter().map(|one| term(one, cx)).collect::<Vec<_>>().join(" + ");
    let other = if other.is_empty() { String::new() } else { format!("  not counted: {}", list(&other)) };
    let least = if row.license.basis.joined || row.license.sku_id.is_none() { "" } else { "at least " };
    match counted.as_slice() {
        [] => format!("SOLD {least}{}.{other}{refused}", words::signed(sold)),
        terms => format!("SOLD {least}{} = {}.{other}{refused}", words::signed(sold), list(terms)),
    }
}

/// What users and SKUs of one import say against each other, in a few words.
pub(super) fn disagree(checks: &Checks) -> Option<String> {
    if checks.all_empty {
        return Some("no user holds any".to_owned());
    }
    let unknown = (checks.unknown_users > 0)
        .then(|| format!("{} of unlisted products", words::of(checks.unknown_users, "holder")));
    let unseen = checks.unseen();
    let sum = (unseen != 0).then(|| {
        let than = if unseen > 0 { "fewer" } else { "more" };
        format!("users hold {} {than}", words::count(unseen.unsigned_abs()))
    });
    sum.or(unknown)
}

/// What users and SKUs of the last import say of each other.
pub(super) fn checks(tenant: &Tenant) -> Vec<Line> {
    let Some(checks) = tenant.checks.as_deref() else { return Vec::new() };
    let mark = |good: bool| if good { Meaning::Plain } else { Meaning::Aging };
    let line = |good: bool, text: String| Line::of(mark(good), format!("  {} {text}", if good { "+" } else { "~" }));
    vec![
        Line::of(Meaning::Caption, "CROSS-CHECKS OF THIS IMPORT"),
        line(
            checks.unseen() == 0,
            format!("held {} in all, used {}", words::count(checks.held), words::signed(checks.consumed)),
        ),
        line(checks.unknown_users == 0, format!("{} of unlisted products", words::of(checks.unknown_users, "holder"))),
        line(!checks.all_empty, format!("{} with a license", words::of(checks.holders, "user"))),
        Line::default(),
    ]
}
