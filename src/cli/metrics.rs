//! `tenantop metrics`: figures for Prometheus, as the textfile collector of `node_exporter` reads them.
//!
//! Labels are partners, states, classes: words that are few. No tenant's name or id is among them.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use color_eyre::eyre::Result;
use jiff::Timestamp;

use super::errand::{self, Wish};
use super::place::Place;
use super::{DONE, STORE, Stop, USAGE};
use crate::cloud::credentials;
use crate::engine::shelf;
use crate::failure::Owner;
use crate::model::{
    Backlog, Change, Ends, Expiry, ExpiryState, Fleet, PartnerName, Run, RunState, State, Tenant, TenantRow,
};

/// `tenantop metrics`: the figures in a file, or on standard output.
pub(super) fn write(place: &Place, file: &Path) -> Result<u8> {
    if file == Path::new("-") {
        return errand::run(place, Wish::Metrics);
    }
    if file.extension().is_none_or(|end| end != "prom") {
        place.out.say("node_exporter reads files that end with .prom alone");
    }
    let mut page = Vec::new();
    match place.socket() {
        None => page = text(place)?.into_bytes(),
        Some(socket) => {
            let code = errand::far(place, &socket, Wish::Metrics, |bytes| {
                page.extend_from_slice(bytes);
                Ok(())
            })?;
            if code != DONE {
                return Ok(code);
            }
        }
    }
    let failed = |error: std::io::Error| Stop { said: format!("{}: {error}", file.display()), code: USAGE };
    put(file, &page).map_err(failed)?;
    Ok(DONE)
}

/// The figures on standard output.
pub(super) fn metrics(place: &Place) -> Result<u8> {
    place.out.write(&text(place)?)?;
    Ok(DONE)
}

fn text(place: &Place) -> Result<String> {
    if !place.store.exists() {
        let said = format!("there is no store at {}: nothing to count", place.store.display());
        return Err(Stop { said, code: STORE }.into());
    }
    let (mut fleet, reader) = place.read()?;
    let (live, bytes) = reader.sizes()?;
    let vault = place.vault(shelf(reader.sealed()));
    for of in &place.loaded.config.partners {
        let credentials = credentials(of, &vault);
        fleet.to_mut().apply(&Change::Credentials { partner: of.name.clone(), credentials });
    }
    let config = &place.loaded.config;
    // Partners that the configuration no longer names wait for nothing.
    let kept = config.partners.iter().map(|partner| &partner.name).filter(|_| config.schedule.daily);
    Ok(page(&fleet, kept, (live, bytes), place.clock.now()))
}

/// Puts a file that all may read in its place: the old or the new is there at any moment. What lies aside does not end
/// with `.prom`.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut aside = tempfile::Builder::new().prefix(".tenantop.").suffix(".part").tempfile_in(dir)?;
    aside.write_all(bytes)?;
    aside.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    aside.as_file().sync_all()?;
    aside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Families of samples, one after the other.
#[derive(Default)]
struct Page(String);

impl Page {
    /// Begins a family of gauges. Writing to a String cannot fail.
    fn family(&mut self, name: &'static str, help: &str) -> Family<'_> {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
        Family { page: self, name }
    }
}

struct Family<'a> {
    page: &'a mut Page,
    name: &'static str,
}

impl Family<'_> {
    fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let text = &mut self.page.0;
        text.push_str(self.name);
        for (n, (name, value)) in labels.iter().enumerate() {
            text.push(if n == 0 { '{' } else { ',' });
            let _ = write!(text, "{name}=\"{}\"", escaped(value));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(text, "{end} {value}");
    }
}

/// A label's value as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// What is counted of a partner's tenants.
#[derive(Default)]
struct Sums<'a> {
    states: BTreeMap<State, u64>,
    failures: BTreeMap<(&'static str, &'static str), u64>,
    relations: BTreeMap<&'static str, u64>,
    /// Tenants with both data sets, and the age of the older one.
    oldest: Option<Timestamp>,
    newest: Option<Timestamp>,
    held_back: u64,
    users: u64,
    tickets: u64,
    credentials: Vec<&'a Expiry<'a>>,
}

/// All families, in an order that does not change.
fn page<'a>(
    fleet: &Fleet,
    kept: impl Iterator<Item = &'a PartnerName>,
    (live, bytes): (u64, u64),
    now: Timestamp,
) -> String {
    let expiries = Expiry::all(fleet, now);
    let mut sums: BTreeMap<&PartnerName, Sums<'_>> =
        fleet.partners.keys().map(|name| (name, Sums::default())).collect();
    for tenant in fleet.tenants.values().filter(|tenant| tenant.gone_at.is_none()) {
        count(sums.entry(&tenant.key.partner).or_default(), fleet, tenant, now);
    }
    for row in &expiries {
        let Some(of) = sums.get_mut(row.partner) else { continue };
        match row.ends {
            Ends::Gdap => *of.relations.entry(row.state.name()).or_default() += 1,
            Ends::RefreshToken | Ends::Secret | Ends::Certificate => of.credentials.push(row),
            Ends::Mfa => {}
        }
    }
    let mut page = Page::default();
    page.family("tenantop_build_info", "The program that wrote this; always 1.")
        .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.family("tenantop_written_timestamp_seconds", "When this was written.").sample(&[], now.as_second());
    of_tenants(&mut page, &sums, now);
    of_partners(&mut page, fleet, &sums);
    of_schedule(&mut page, fleet, kept, now);
    let runs = || fleet.runs.values().rev().filter(|run| run.kind.reads() && run.state != RunState::Running);
    if let Some(run) = runs().next() {
        of_run(&mut page, run);
    }
    let mut store = page.family("tenantop_store_bytes", "Size of the store's file, and how much of it is in use.");
    store.sample(&[("kind", "file")], bytes);
    store.sample(&[("kind", "used")], live);
    page.0
}

fn count(of: &mut Sums<'_>, fleet: &Fleet, tenant: &Tenant, now: Timestamp) {
    let row = TenantRow::of(fleet, tenant, now);
    *of.states.entry(row.state).or_default() += 1;
    if let Some(failing) = tenant.failing() {
        let owner = fleet.owner(tenant, &failing.failure);
        *of.failures.entry((failing.failure.class.name(), owner.name())).or_default() += 1;
    }
    let goods = || [&tenant.users.good, &tenant.skus.good].into_iter().flatten().map(|good| good.at);
    of.oldest = of.oldest.into_iter().chain(tenant.good_at()).min();
    of.newest = of.newest.into_iter().chain(goods().max()).max();
    of.held_back += u64::from(tenant.held_back.is_some());
    of.users += tenant.users.good.as_ref().map_or(0, |good| good.count);
    of.tickets += u64::from(tenant.open_ticket().is_some());
}

fn of_tenants(page: &mut Page, sums: &BTreeMap<&PartnerName, Sums<'_>>, now: Timestamp) {
    let mut family = page.family("tenantop_tenants", "Tenants of the customer list by state.");
    for (partner, of) in sums {
        for state in State::ALL {
            let labels = [("partner", partner.0.as_str()), ("state", state.name())];
            family.sample(&labels, of.states.get(&state).copied().unwrap_or(0));
        }
    }
    let times = |of: &Sums<'_>| [("oldest", of.oldest), ("newest", of.newest)];
    let help = "When the good data of a tenant were read: of the tenant with the oldest, of the one with the newest.";
    let mut family = page.family("tenantop_good_data_timestamp_seconds", help);
    for (partner, of) in sums {
        for (which, at) in times(of) {
            if let Some(at) = at {
                family.sample(&[("partner", partner.0.as_str()), ("which", which)], at.as_second());
            }
        }
    }
    let mut family = page.family("tenantop_good_data_age_seconds", "The same as an age when this was written.");
    for (partner, of) in sums {
        for (which, at) in times(of) {
            if let Some(at) = at {
                let age = now.as_second().saturating_sub(at.as_second());
                family.sample(&[("partner", partner.0.as_str()), ("which", which)], age);
            }
        }
    }
    for (name, help, value) in [
        (
            "tenantop_tenants_held_back",
            "Tenants whose last import the shrink guard holds aside.",
            (|of| of.held_back) as fn(&Sums<'_>) -> u64,
        ),
        ("tenantop_users", "Users in the good data.", |of| of.users),
        ("tenantop_tickets_open", "Tenants whose customer was asked for something and has not done it yet.", |of| {
            of.tickets
        }),
    ] {
        let mut family = page.family(name, help);
        for (partner, of) in sums {
            family.sample(&[("partner", partner.0.as_str())], value(of));
        }
    }
    let help = "Tenants that are refused, by the class of the refusal and by who acts.";
    let mut family = page.family("tenantop_tenants_failing", help);
    for (partner, of) in sums {
        for ((class, owner), count) in &of.failures {
            family.sample(&[("partner", partner.0.as_str()), ("class", class), ("owner", owner)], count);
        }
    }
    let mut family =
        page.family("tenantop_gdap_relationships", "GDAP relationships with customers, by how they stand.");
    for (partner, of) in sums {
        for (state, count) in &of.relations {
            family.sample(&[("partner", partner.0.as_str()), ("state", state)], count);
        }
    }
}

fn of_partners(page: &mut Page, fleet: &Fleet, sums: &BTreeMap<&PartnerName, Sums<'_>>) {
    let help = "1 for a partner whose own sign-in or customer list is refused, by class and owner; absent for others.";
    let mut family = page.family("tenantop_partner_failing", help);
    for partner in fleet.partners.values() {
        if let Some(failing) = &partner.failing {
            // A refusal at our own tenant is ours, whoever it would be the turn of elsewhere.
            let owner = match failing.failure.owner {
                Owner::CustomerAdmin => Owner::Partner,
                owner @ (Owner::Partner | Owner::Microsoft | Owner::Retry) => owner,
            };
            let class = failing.failure.class.name();
            family.sample(&[("partner", partner.name.0.as_str()), ("class", class), ("owner", owner.name())], 1);
        }
    }
    let help = "When a partner's own sign-in last worked.";
    let mut family = page.family("tenantop_partner_signed_in_timestamp_seconds", help);
    for partner in fleet.partners.values() {
        if let Some(at) = partner.signed_in_at {
            family.sample(&[("partner", partner.name.0.as_str())], at.as_second());
        }
    }
    let help = "Whole days until a credential ends; below zero since it ended; absent if nobody knows its end.";
    let mut family = page.family("tenantop_credential_days_left", help);
    for (partner, of) in sums {
        for row in &of.credentials {
            if let Some(days) = row.days.filter(|_| row.state != ExpiryState::Age) {
                family.sample(&[("partner", partner.0.as_str()), ("credential", row.ends.name())], days);
            }
        }
    }
}

/// How far the daily imports of these partners are behind; nothing of those for which no service ever kept them.
fn of_schedule<'a>(page: &mut Page, fleet: &Fleet, kept: impl Iterator<Item = &'a PartnerName>, now: Timestamp) {
    let of = |partner: &'a PartnerName| (partner.0.as_str(), Backlog::of(fleet, partner, now));
    let all: BTreeMap<&str, Backlog> = kept.map(of).filter(|(_, backlog)| backlog.tenants > 0).collect();
    let help = "Tenants that should have been imported by the schedule more than an hour ago, and were not.";
    let mut family = page.family("tenantop_schedule_overdue_tenants", help);
    for (partner, backlog) in &all {
        family.sample(&[("partner", partner)], backlog.overdue);
    }
    let help = "For how long the one of them waits that waits longest; 0 if there is none.";
    let mut family = page.family("tenantop_schedule_oldest_overdue_seconds", help);
    for (partner, backlog) in &all {
        let age = backlog.oldest.map_or(0, |at| now.as_second().saturating_sub(at.as_second()));
        family.sample(&[("partner", partner)], age);
    }
    let help = "When the next tenant is due that is not due yet.";
    let mut family = page.family("tenantop_schedule_next_due_timestamp_seconds", help);
    for (partner, backlog) in &all {
        if let Some(at) = backlog.next {
            family.sample(&[("partner", partner)], at.as_second());
        }
    }
}

/// Of the last run that read data and is over.
fn of_run(page: &mut Page, run: &Run) {
    let seconds = |ms: i64| format!("{}.{:03}", ms / 1000, ms.unsigned_abs() % 1000);
    if let Some(ended) = run.ended_at {
        page.family("tenantop_last_run_end_timestamp_seconds", "When the last run that read data ended.")
            .sample(&[], ended.as_second());
        let took = ended.as_millisecond().saturating_sub(run.started_at.as_millisecond()).max(0);
        page.family("tenantop_last_run_duration_seconds", "How long it took.").sample(&[], seconds(took));
    }
    let mut family = page.family("tenantop_last_run_tenants", "Its tenants, by how they ended.");
    family.sample(&[("result", "ok")], run.ok);
    family.sample(&[("result", "failed")], run.failed);
    let totals = run.totals;
    let waits = seconds(i64::try_from(totals.waits_ms).unwrap_or(i64::MAX));
    for (name, help, value) in [
        ("tenantop_last_run_requests", "Requests that it sent, repeats counted.", totals.requests.to_string()),
        ("tenantop_last_run_retries", "How many of them were repeats.", totals.retries.to_string()),
        ("tenantop_last_run_wait_seconds", "Waits before repeats (throttling, faults), summed over tenants.", waits),
        ("tenantop_last_run_received_bytes", "Inflated bytes of the answers.", totals.bytes.to_string()),
        ("tenantop_last_run_users", "Users that it read.", totals.users.to_string()),
    ] {
        page.family(name, help).sample(&[], value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_are_escaped() {
        let mut page = Page::default();
        page.family("x", "Help.").sample(&[("a", "b\"c\\d\ne"), ("f", "g")], 7);
        assert_eq!(page.0, "# HELP x Help.\n# TYPE x gauge\nx{a=\"b\\\"c\\\\d\\ne\",f=\"g\"} 7\n");
    }

    #[test]
    fn an_empty_fleet_has_families_without_partners() {
        let text = super::page(&Fleet::default(), [].iter(), (1, 2), Timestamp::UNIX_EPOCH);
        assert!(text.contains("\ntenantop_store_bytes{kind=\"file\"} 2\n") && !text.contains("partner="), "{text}");
        assert!(!text.contains("last_run"), "{text}");
    }
}
