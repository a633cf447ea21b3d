//! Rows of the audit and its chain, in words.

use super::super::{Cx, words};
use crate::model::{AuditRow, Chain, Deed, Key as TenantKey, Outcome, Tenant, Verb};
use crate::tui::listing::{Column, Fit, Layout, column};
use crate::tui::page::{Line, Piece};
use crate::tui::theme::Meaning;

const WHAT: usize = 5;
const TENANT: usize = 4;
const RUN: usize = 6;
const ROLE: usize = 7;
const NUMBER: usize = 8;

static COLUMNS: [Column; 9] = [
    column("WHEN", 13, false),
    column("WHO", 8, false),
    column("VERB", 13, false),
    column("OUTCOME", 7, false),
    column("TENANT", 16, false),
    column("WHAT", 15, false),
    column("RUN", 6, true),
    column("ROLE", 7, false),
    column("NUMBER", 9, true),
];

/// What is narrow gives up what the strip below tells too.
pub(super) static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: WHAT,
    fits: &[Fit::Drop(NUMBER), Fit::Drop(ROLE), Fit::Drop(RUN), Fit::Narrow(TENANT, 10), Fit::Drop(WHAT)],
};

/// What a tenant is called.
fn title(key: &TenantKey, cx: &Cx<'_>) -> String {
    cx.fleet.tenants.get(key).map_or_else(|| key.tenant.to_string(), |tenant: &Tenant| tenant.title().to_owned())
}

/// The tenants of a row, in a word.
fn tenants(deed: &Deed, cx: &Cx<'_>) -> String {
    match deed.tenants.as_slice() {
        _ if deed.all => "all".to_owned(),
        [] => "-".to_owned(),
        [one] => title(one, cx),
        many => words::of(many.len() as u64, "tenant"),
    }
}

/// What a row says beside who, what kind and whom: with the reason, and the answer where there is one.
fn what(deed: &Deed) -> String {
    let reason = deed.reason.as_ref().map(|reason| format!("\"{reason}\""));
    let parts = [deed.what.as_str(), reason.as_deref().unwrap_or_default(), deed.said.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

/// The cells of a row.
pub(super) fn cells(row: &AuditRow, broken: bool, cx: &Cx<'_>) -> Vec<Piece> {
    let deed = &row.deed;
    let piece = |text: String| Piece { text, meaning: if broken { Meaning::Broken } else { Meaning::Plain } };
    let refused = deed.outcome == Outcome::Refused && !broken;
    let outcome = Piece {
        text: deed.outcome.word().to_owned(),
        meaning: if refused { Meaning::Aging } else { piece(String::new()).meaning },
    };
    vec![
        piece(words::when(deed.at, cx.now)),
        piece(deed.caller.name.to_string()),
        piece(deed.verb.to_string()),
        outcome,
        piece(tenants(deed, cx)),
        piece(what(deed)),
        piece(deed.run.map_or_else(String::new, |run| run.to_string())),
        piece(deed.caller.role.to_string()),
        piece(words::count(row.number)),
    ]
}

/// What the rule above a row's strip says.
pub(super) fn title_of(row: &AuditRow) -> String {
    format!("row {}: {}, {}", words::count(row.number), row.deed.verb, row.deed.outcome.word())
}

/// What the strip says of a row: who from where, whom, what, and its hash.
pub(super) fn strip(row: &AuditRow, broken: bool, cx: &Cx<'_>) -> Vec<String> {
    let deed = &row.deed;
    let caller = &deed.caller;
    let address = caller.address.as_ref().map_or_else(String::new, |address| format!(" from {address}"));
    let who = format!(
        "{} {} (uid {}, {}){address}: {}",
        words::exact(deed.at),
        caller.name,
        caller.uid,
        caller.role,
        tenants(deed, cx)
    );
    let run = deed.run.map(|run| format!("run {run}"));
    let said: Vec<String> = [Some(what(deed)).filter(|what| !what.is_empty()), run].into_iter().flatten().collect();
    let said = Some(said.join("  ")).filter(|said| !said.is_empty());
    let holds = broken.then(|| "The chain does not hold from a row before this one on, or from this one.".to_owned());
    [Some(who), said, holds, Some(format!("hash {}", row.hash))].into_iter().flatten().collect()
}

/// All fields of a row.
pub(super) fn fields(row: &AuditRow, broken: bool, cx: &Cx<'_>) -> Vec<Line> {
    let deed = &row.deed;
    let caller = &deed.caller;
    let pair = |name: &str, value: String| Line::of(Meaning::Caption, format!("{name:<12}")).and(Meaning::Plain, value);
    let some =
        |name: &str, value: Option<String>| value.filter(|value| !value.is_empty()).map(|value| pair(name, value));
    let named = |key: &TenantKey| match cx.fleet.tenants.get(key) {
        Some(tenant) => format!("{}  {}", tenant.title(), key.tenant),
        None => key.to_string(),
    };
    let mut lines = vec![
        pair("number", row.number.to_string()),
        pair("at", words::exact(deed.at)),
        pair("who", caller.name.to_string()),
        pair("role", caller.role.to_string()),
        pair("verb", deed.verb.to_string()),
        pair("outcome", deed.outcome.word().to_owned()),
    ];
    let told = [
        some("what", Some(deed.what.to_string())),
        some("reason", deed.reason.as_ref().map(ToString::to_string)),
        some("said", Some(deed.said.to_string())),
        some("run", deed.run.map(|run| run.to_string())),
        some("tenant", deed.all.then(|| "all".to_owned())),
    ];
    lines.extend(told.into_iter().flatten());
    lines.extend(deed.tenants.iter().enumerate().map(|(n, key)| pair(if n == 0 { "tenant" } else { "" }, named(key))));
    lines.push(pair("uid", caller.uid.to_string()));
    let from = [
        some("login uid", caller.login_uid.map(|uid| uid.to_string())),
        some("address", caller.address.as_ref().map(ToString::to_string)),
        some("key", caller.key.as_ref().map(ToString::to_string)),
    ];
    lines.extend(from.into_iter().flatten());
    lines.push(pair("hash", row.hash.clone()));
    if broken {
        lines.push(Line::of(Meaning::Broken, "The chain does not hold from here or from before on."));
    }
    lines
}

/// Fields for the pane: broken where it ends.
pub(super) fn narrow(fields: &[Line]) -> Vec<Line> {
    const PANE: usize = 39;
    fields.iter().flat_map(|line| words::wrap(line.text().trim_end(), PANE)).map(Line::from).collect()
}

/// The answer of the screen: whether all of it is as it was written.
pub(super) fn answer(chain: Option<&Chain>, last: u64, width: usize, cx: &Cx<'_>) -> Line {
    if !cx.options.role.may(Verb::AuditAll) {
        return format!("{} in all; an admin sees whether the chain holds.", words::of(last, "row")).into();
    }
    let Some(chain) = chain else { return format!("{}, chain not checked yet", words::of(last, "row")).into() };
    let rows = words::of(chain.rows, "row");
    if let Some((number, why)) = &chain.broken {
        let said = format!("CHAIN BROKEN at row {}: {why}; {rows} before it hold", words::count(*number));
        let hint = format!("   {}", cx.hint("incidents", "tells more"));
        let hint = if said.len() + hint.len() <= width { hint } else { String::new() };
        return Line::of(Meaning::Broken, said + &hint);
    }
    if !chain.is_over() {
        return format!("chain whole so far: {} of {} rows checked", words::count(chain.rows), words::count(chain.of))
            .into();
    }
    let since = chain.since.map_or_else(String::new, |at| format!(", since {}", words::when(at, cx.now)));
    format!("chain whole, {rows}{since}").into()
}

/// What there is to know of the chain.
pub(super) fn chain_in_full(chain: &Chain, cx: &Cx<'_>) -> Vec<Line> {
    let since = chain.since.map_or_else(|| "-".to_owned(), words::exact);
    let mut lines = Vec::new();
    if let Some((number, why)) = &chain.broken {
        lines.push(Line::of(Meaning::Broken, format!("Row {number} of the audit does not hold: {why}.")));
        lines.push(
            format!("{} before it hold; nothing is known of those from it on.", words::of(chain.rows, "row")).into(),
        );
        lines.push("Who acts: whoever looks after this host's security.".into());
        lines.push("Next: compare with the journal, which has every row with its hash: journalctl -t tenantop".into());
    } else if chain.is_over() {
        lines.push(
            format!("All {} hold: each has the hash of itself and of the one before.", words::of(chain.rows, "row"))
                .into(),
        );
        lines.push(
            "Rows that were cut off at the end leave no trace here: compare the last hash with the journal,".into(),
        );
        lines.push("journalctl -t tenantop".into());
    } else {
        let (rows, of) = (words::count(chain.rows), words::count(chain.of));
        lines.push(format!("{rows} of {of} rows are checked and hold.").into());
    }
    lines.push(Line::default());
    lines.push(format!("first row    {since}").into());
    lines.push(format!("rows         {} of {}", words::count(chain.rows), words::count(chain.of)).into());
    lines.push(format!("last hash    {}", chain.last).into());
    lines.push(cx.hint("fresh", "reads and checks all again").into());
    lines
}
