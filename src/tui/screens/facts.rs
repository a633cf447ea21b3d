//! What several screens say about a tenant and about a step of an import.

use std::collections::BTreeMap;

use super::{Cx, asking, kind_words, tries, words};
use crate::failure::{Failure, Relation};
use crate::model::{DataSet, Entry, Failing, RunId, Set, State, Step, Tenant, TenantRow, Try, WaitReason};
use crate::tui::page::Line;
use crate::tui::theme::Meaning;

/// The noun of a data set.
pub(super) const fn set_word(set: Set) -> &'static str {
    match set {
        Set::Users => "users",
        Set::Skus => "SKUs",
    }
}

/// Why an import waits.
pub(super) const fn wait_words(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::Throttled => "too many calls",
        WaitReason::Fault => "a passing fault",
        WaitReason::Network => "no connection",
    }
}

/// What an import does now, for a column. A wait counts down.
pub(super) fn doing(entry: Option<&Entry>, cx: &Cx<'_>) -> String {
    let Some(entry) = entry else { return "waits for a slot".to_owned() };
    match &entry.step {
        Step::SignedIn { .. } => "1/4 signed in".to_owned(),
        Step::NewToken => "new token".to_owned(),
        Step::Pages { set: Set::Users, last, .. } => format!("2/4 users page {last}"),
        Step::Pages { set: Set::Skus, .. } => "3/4 SKUs".to_owned(),
        Step::Waiting { reason, ms, .. } => {
            let seconds = i64::try_from(ms.div_ceil(1_000)).unwrap_or(i64::MAX);
            let left = entry.at.as_second().saturating_add(seconds).saturating_sub(cx.now.as_second()).max(0);
            if left > 0 {
                cx.elapsed(entry.at, 1);
            }
            let why = match reason {
                WaitReason::Throttled => "throttled",
                WaitReason::Fault => "fault",
                WaitReason::Network => "network",
            };
            format!("wait {left} s: {why}")
        }
        Step::Restarted => "from page 1 again".to_owned(),
        Step::Merged { .. } => "duplicates merged".to_owned(),
        Step::Saved { set: Set::Users, .. } => "4/4 users saved".to_owned(),
        Step::Saved { set: Set::Skus, .. } => "4/4 SKUs saved".to_owned(),
        Step::HeldBack { .. } => "held back".to_owned(),
        Step::Failed { set, .. } => format!("{} refused", set_word(*set)),
        Step::Cancelled => "cancelled".to_owned(),
    }
}

/// A step as a line of a log.
pub(super) fn logged(entry: &Entry, cx: &Cx<'_>) -> Line {
    let (what, said): (&str, String) = match &entry.step {
        Step::SignedIn { ms } => ("sign-in", format!("ok, {}", words::seconds(*ms))),
        Step::NewToken => ("sign-in", "a new token was got".to_owned()),
        Step::Pages { set, first, last, rows, bytes } => {
            let pages = if first == last { format!("page {first}") } else { format!("pages {first}-{last}") };
            let (rows, bytes) = (words::of(*rows, "row"), words::bytes(*bytes));
            (set_word(*set), format!("{pages}, {rows}, {bytes}"))
        }
        Step::Waiting { reason, status, ms, attempt } => {
            let status = status.map_or_else(String::new, |status| format!(" ({status})"));
            let wait = words::seconds(*ms);
            ("wait", format!("{}{status}: {wait}, then try {attempt}", wait_words(*reason)))
        }
        Step::Restarted => ("users", "the page token expired: from page 1 again".to_owned()),
        Step::Merged { duplicates } => ("users", format!("{} left out", words::of(*duplicates, "duplicate"))),
        Step::Saved { set, rows, before } => {
            let before = before.map_or_else(String::new, |before| format!(", before {}", words::count(before)));
            ("saved", format!("{} {}{before}", words::count(*rows), set_word(*set)))
        }
        Step::HeldBack { why } => ("held back", why.to_string()),
        Step::Failed { set, failure } => ("refused", format!("{}: {}", set_word(*set), failure.class.meaning())),
        Step::Cancelled => ("cancelled", "what was saved before stays".to_owned()),
    };
    let meaning = match &entry.step {
        Step::Failed { .. } => Meaning::Broken,
        Step::HeldBack { .. } | Step::Waiting { .. } | Step::Restarted => Meaning::Aging,
        Step::SignedIn { .. }
        | Step::NewToken
        | Step::Pages { .. }
        | Step::Merged { .. }
        | Step::Saved { .. }
        | Step::Cancelled => Meaning::Plain,
    };
    let at = if cx.now.as_second() - entry.at.as_second() < 86_400 {
        words::clock_seconds(entry.at)
    } else {
        words::when(entry.at, cx.now)
    };
    Line::of(Meaning::Plain, format!("  {at} ")).and(meaning, format!("{what:<10} {said}"))
}

/// The last good data in a sentence.
pub(super) fn good_data(tenant: &Tenant, cx: &Cx<'_>) -> String {
    let part = |set: &DataSet, noun: &str| {
        let good = set.good.as_ref()?;
        Some((words::of(good.count, noun), words::day(good.at, cx.now)))
    };
    match (part(&tenant.users, "user"), part(&tenant.skus, "SKU")) {
        (None, None) => "No good data yet.".to_owned(),
        (Some((users, day)), Some((skus, same))) if day == same => format!("Last good data {day}: {users}, {skus}."),
        (Some((users, day)), Some((skus, other))) => {
            format!("Last good data: {users} of {day}, {skus} of {other}.")
        }
        (Some((users, day)), None) => format!("Last good data {day}: {users}; SKUs never."),
        (None, Some((skus, day))) => format!("Last good data {day}: {skus}; users never."),
    }
}

/// The line under the list: what is the matter, since when, how often; then the last good data and the next key.
pub(super) fn strip(row: &TenantRow<'_>, cx: &Cx<'_>) -> [Line; 2] {
    let tenant = row.tenant;
    let first = if let Some(held) = &tenant.held_back {
        let why = held.why.trim_end_matches('.');
        Line::of(Meaning::Aging, format!("held back {}: {why}. Old data kept.", words::when(held.at, cx.now)))
    } else {
        match (row.state, tenant.failing()) {
            (State::Paused, _) => tenant.pause.as_ref().map_or_else(Line::default, |pause| {
                let until = words::day(pause.until, cx.now);
                format!("Left out of runs by {} until {until}: {}", pause.by, pause.reason).into()
            }),
            (State::Running | State::Queued, _) => tenant.active.as_ref().map_or_else(Line::default, |active| {
                let entry = active.step.clone().map(|step| Entry { at: active.since, step });
                format!("In run {}: {}.", active.run, doing(entry.as_ref(), cx)).into()
            }),
            (state, Some(failing)) => {
                let since = words::when(failing.since, cx.now);
                let tries = words::of(failing.tries.into(), "try");
                let relation = cx.fleet.relation(tenant);
                let over = relation.meaning().filter(|_| relation.is_over());
                let said = over.map_or_else(
                    || format!("{} since {since}, {tries}.", sentence(failing.failure.class.meaning())),
                    |over| {
                        let refusals = words::of(failing.tries.into(), "refusal");
                        format!("{}; {refusals} since {since}.", sentence(&over))
                    },
                );
                Line::of(state.into(), said)
            }
            (State::Stale | State::Never, None) if tenant.passes_at.is_some() => {
                let at = tenant.passes_at.map_or_else(String::new, |at| words::when(at, cx.now));
                format!("The sign-in passes again since {at}; the import is still to be run.").into()
            }
            (State::Stale, None) => "No refusal is known, but no import renewed it: a run was missed.".into(),
            (State::Never, None) => {
                format!("On the list since {}; not imported yet.", words::when(tenant.listed_at, cx.now)).into()
            }
            (State::Ok | State::Partial | State::Blocked | State::NoAccess | State::OurAuth | State::Failed, None) => {
                "Users and SKUs saved within the limit.".into()
            }
        }
    };
    let mut second = good_data(tenant, cx);
    if let Some(at) = tenant.gone_at {
        second = format!("No longer on the customer list since {}. {second}", words::when(at, cx.now));
    }
    if let Some(ticket) = asking::in_short(tenant, cx) {
        second = tenant
            .good_at()
            .map_or_else(|| "No good data yet.".to_owned(), |at| format!("Last good data {}.", words::day(at, cx.now)));
        match failing_policies(tenant) {
            0 => second = format!("{second} {ticket} {} says why.", cx.key("why")),
            n => second = format!("{second} {} ({}). {ticket}", words::of(n, "policy id"), cx.key("why")),
        }
    } else if let Some(failing) = tenant.failing() {
        match failing.failure.policies.len() {
            0 => second = format!("{second} {} says why.", cx.key("why")),
            n => second = format!("{second} {} known ({}).", words::of(n as u64, "policy id"), cx.key("why")),
        }
    } else if tenant.held_back.is_some() {
        second = format!("{second} {} decides.", cx.key("review"));
    } else if tenant.passes_at.is_some() {
        second = format!("{second} {} runs it.", cx.key("re-run"));
    }
    [first, second.into()]
}

/// How many policies the refusal of a tenant named.
fn failing_policies(tenant: &Tenant) -> u64 {
    tenant.failing().map_or(0, |failing| failing.failure.policies.len() as u64)
}

/// Users or SKUs with their count, day and age.
pub(super) fn good(set: &DataSet, cx: &Cx<'_>) -> String {
    set.good.as_ref().map_or_else(
        || "never read".to_owned(),
        |good| format!("{:<7} of {} ({})", words::count(good.count), words::day(good.at, cx.now), cx.age(good.at)),
    )
}

/// How many rows a band under a list or a text has: none on a low terminal. The size alone decides, so that no band
/// moves while data change.
pub(super) const fn band(height: u16) -> u16 {
    match height {
        ..27 => 0,
        27..36 => height / 2 - 10,
        36.. => 8,
    }
}

/// How often imports of a tenant were refused in a row, and as far as the runs at hand tell, of how many causes.
fn refusals(failing: &Failing, at_hand: &BTreeMap<RunId, Try>) -> String {
    let tries = words::count(failing.tries.into());
    let since = tries::refused_since(at_hand.values(), failing.since);
    match tries::causes(since.clone()).len() as u64 {
        // Older ones may have had another.
        _ if (since.count() as u64) < u64::from(failing.tries) => tries,
        1 if failing.tries > 1 => format!("{tries}, all of one cause"),
        0 | 1 => tries,
        n => format!("{tries}, {}", words::of(n, "cause")),
    }
}

/// When a tenant was last tried, in what and by whom where that is at hand.
fn last_try(tenant: &Tenant, at_hand: &BTreeMap<RunId, Try>, cx: &Cx<'_>) -> [String; 2] {
    let none = || tenant.tried_at.map_or_else(|| "never".to_owned(), |at| words::when(at, cx.now));
    at_hand.values().next_back().map_or_else(
        || [none(), String::new()],
        |one| {
            let when = words::when(one.job.ended_at.unwrap_or_else(|| one.at()), cx.now);
            [format!("{when} {}", kind_words(one.kind)), format!("by {}, run {}", one.by, one.run)]
        },
    )
}

/// When the schedule reads a tenant next and why then, where one is kept.
pub(super) fn next_read(tenant: &Tenant, cx: &Cx<'_>) -> Option<[String; 2]> {
    let due = cx.fleet.due(tenant)?;
    let ask = cx.fleet.partners.get(&tenant.key.partner).and_then(|partner| partner.ask).filter(|ask| ask.refused);
    Some(if due.at > cx.now {
        [words::when(due.at, cx.now), due.why.words().to_owned()]
    } else if let Some(ask) = ask {
        [format!("with our sign-in, {}", words::when(ask.at, cx.now)), "which is refused".to_owned()]
    } else {
        [format!("due since {}", words::when(due.at, cx.now)), "waits for its turn".to_owned()]
    })
}

/// The pane: all that is known of a tenant at a glance, with the next steps or without.
pub(super) fn pane(row: &TenantRow<'_>, steps: bool, cx: &Cx<'_>) -> Vec<Line> {
    let tenant = row.tenant;
    let pair = |name: &str, value: String| Line::from(format!("{name:<11} {value}"));
    let at_hand = tries::at_hand(cx.fleet, &tenant.key);
    let mut lines = vec![
        Line::of(Meaning::Caption, tenant.title()),
        tenant.domain.as_str().into(),
        Line::default(),
        Line::of(row.state.into(), format!("{} {}", row.state.sign(), row.state.word())).and(
            Meaning::Plain,
            row.since.map_or_else(String::new, |at| format!("  since {}", words::when(at, cx.now))),
        ),
    ];
    if let Some(owner) = row.owner {
        lines.push(pair("who acts", owner.word().to_owned()));
    }
    if let Some(failing) = tenant.failing() {
        let over = cx.fleet.relation(tenant).cause().map(str::to_owned);
        lines.push(pair("cause", over.unwrap_or_else(|| failing.failure.cause())));
        lines.push(pair("class", failing.failure.class.name().to_owned()));
        lines.push(pair("tries", refusals(failing, &at_hand)));
        if !failing.failure.policies.is_empty() {
            lines.push(pair(
                "policies",
                format!("{} known, {} shows them", failing.failure.policies.len(), cx.key("why")),
            ));
        }
    } else if !row.cause.is_empty() {
        lines.push(pair("cause", row.cause.to_string()));
    }
    lines.push(Line::default());
    let one_of_two = tenant.users.failing.is_some() != tenant.skus.failing.is_some();
    for (name, set) in [("USERS", &tenant.users), ("SKUS", &tenant.skus)] {
        lines.push(pair(name, good(set, cx)));
        if set.failing.is_some() && one_of_two {
            lines.push(pair("", "last import refused".to_owned()));
        }
    }
    let [when, who] = last_try(tenant, &at_hand, cx);
    lines.push(pair("last try", when));
    if !who.is_empty() {
        lines.push(pair("", who));
    }
    if let Some([when, why]) = next_read(tenant, cx) {
        lines.extend([pair("next read", when), pair("", why)]);
    }
    for (n, line) in asking::in_pane(tenant, cx).into_iter().enumerate() {
        lines.push(pair(if n == 0 { "ticket" } else { "" }, line));
    }
    if let Some(pause) = tenant.pause.as_ref().filter(|pause| pause.until > cx.now) {
        lines.push(pair("paused", format!("until {} by {}", words::day(pause.until, cx.now), pause.by)));
    }
    if let Some(held) = &tenant.held_back {
        lines.push(pair("held back", format!("{}, run {}", words::when(held.at, cx.now), held.run)));
        lines.extend(words::wrap(&held.why, 38).into_iter().map(Line::from));
    }
    if let Some(gdap) = gdap(tenant, cx) {
        lines.push(pair("GDAP", gdap));
    }
    lines.push(pair("partner", tenant.key.partner.to_string()));
    lines.push(Line::default());
    lines.push(Line::of(Meaning::Caption, "tenant id"));
    lines.push(tenant.key.tenant.to_string().into());
    if steps {
        lines.push(Line::default());
        lines.push(Line::of(Meaning::Caption, "NEXT"));
        let next = |name, does: &str| format!("{:<2} {does}", cx.key(name));
        for (left, right) in [
            (next("why", "why"), next("re-run", "full re-run")),
            (next("probe", "sign-in only"), next("history", "all tries")),
            (next("licenses", "licenses"), String::new()),
        ] {
            lines.push(format!("{left:<18} {right}").trim_end().into());
        }
        if tenant.held_back.is_some() {
            lines.push(next("review", "accept or discard what is held back").into());
        }
    }
    if let Some(failing) = tenant.failing().filter(|_| steps) {
        lines.push(Line::default());
        lines.push(Line::of(Meaning::Caption, "FIRST STEPS"));
        let steps = failing.failure.remedy(cx.context(tenant)).steps.join(" ");
        lines.extend(words::wrap(&steps, 39).into_iter().map(Line::from));
    }
    lines
}

/// How our GDAP relationship with a tenant stands, in a few words.
pub(super) fn gdap(tenant: &Tenant, cx: &Cx<'_>) -> Option<String> {
    let said = match tenant.gdap.as_ref()?.at(cx.now) {
        Relation::Active { until: None, .. } => "active".to_owned(),
        Relation::Active { until: Some(until), extends } => {
            let extends = if extends { ", extends" } else { "" };
            format!("to {}{extends}", words::day(until, cx.now))
        }
        Relation::Waiting => "not approved yet".to_owned(),
        Relation::Ended { at: Some(at) } => format!("ended {}", words::day(at, cx.now)),
        Relation::Ended { at: None } => "ended".to_owned(),
        Relation::Missing => "none".to_owned(),
        Relation::Unknown => "unknown".to_owned(),
    };
    Some(said)
}

/// The text with a capital at its start.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What proves a refusal to others: codes, ids, times, one a line.
pub(super) fn proof(failure: &Failure) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if !failure.codes.is_empty() {
        let codes: Vec<String> = failure
            .codes
            .iter()
            .map(|code| if *code >= 10_000 { format!("AADSTS{code}") } else { code.to_string() })
            .collect();
        lines.push(("code", codes.join(", ")));
    }
    let answer = [
        failure.status.map(|status| format!("HTTP {status}")),
        failure.error.as_ref().map(ToString::to_string),
        failure.suberror.as_ref().map(|suberror| format!("suberror {suberror}")),
    ];
    let answer: Vec<String> = answer.into_iter().flatten().collect();
    if !answer.is_empty() {
        lines.push(("answer", answer.join("  ")));
    }
    lines.push(("when", words::exact(failure.at)));
    if let Some(id) = &failure.correlation_id {
        lines.push(("correlation", id.to_string()));
    }
    if let Some(id) = &failure.trace_id {
        lines.push(("trace", id.to_string()));
    }
    if let Some(id) = &failure.client_request_id {
        lines.push(("our request", id.to_string()));
    }
    lines
}
