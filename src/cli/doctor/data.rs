//! The store and what it knows: health, ages, what ends.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Check, Grade, US};
use crate::cli::output::size;
use crate::cli::place::{Place, Source};
use crate::cloud::{Shelf, Vault, credentials};
use crate::config::Partner;
use crate::engine::shelf;
use crate::model::{Backlog, Change, Ends, Expiry, ExpiryState, Fleet, RunState, State, TenantRow};
use crate::store::{Reader, Store, StoreError};

/// The store, as far as it is there.
pub(super) enum Kept {
    /// It is open in this process.
    Open(Box<Opened>),
    /// No import has made one yet.
    None,
    /// It cannot be opened, or somebody else has it: why.
    Unusable(String),
}

/// A store that is open, and what is in it.
pub(super) struct Opened {
    reader: Reader,
    fleet: Fleet,
    /// Absent in a service, which goes on with its own.
    store: Option<Store>,
}

impl Kept {
    /// Opens the store and says how that went. A store that is not there is not made.
    pub(super) fn open(place: &Place) -> (Self, Vec<Check>) {
        const NAME: &str = "store";
        let path = place.store.display();
        if let Source::Service(fleet, reader) = &place.source {
            let check = match reader.sizes() {
                Ok((live, bytes)) => {
                    let what =
                        format!("{path} is open in the service; {}, of which {} are in use", size(bytes), size(live));
                    Check::ok(NAME, what)
                }
                Err(error) => Check::failed(NAME, error.to_string(), US, "see to what the system says of this file"),
            };
            let opened = Opened { reader: reader.clone(), fleet: (**fleet).clone(), store: None };
            return (Self::Open(Box::new(opened)), vec![check]);
        }
        if !place.store.exists() {
            let what = format!("{path} is not there yet");
            return (Self::None, vec![Check::warning(NAME, what, US, "tenantop login makes it, then tenantop sync")]);
        }
        let opened = Store::open(&place.store, place.cache_bytes()).and_then(|store| {
            store.verify()?;
            let fleet = store.load(place.stale_after_s())?;
            let (live, size) = store.sizes()?;
            Ok((store, fleet, live, size))
        });
        match opened {
            Ok((store, fleet, live, bytes)) => {
                let what = format!(
                    "{path} opens, every page is what was written; {}, of which {} are in use",
                    size(bytes),
                    size(live)
                );
                let opened = Opened { reader: store.reader(), fleet, store: Some(store) };
                (Self::Open(Box::new(opened)), vec![Check::ok(NAME, what)])
            }
            Err(StoreError::Held { holder, .. }) => {
                let why = format!("{holder} holds the store");
                let what = format!("{why}: what is in it cannot be checked");
                (Self::Unusable(why), vec![Check::skipped(NAME, what)])
            }
            Err(error) => {
                let next = match &error {
                    StoreError::Newer { .. } => "use the newer tenantop that wrote it",
                    StoreError::Damaged { .. } => {
                        "move the file aside and put a backup in its place (README, Backup), or import all anew"
                    }
                    StoreError::Held { .. } | StoreError::Gone(_) | StoreError::Io { .. } => {
                        "see to what the system says of this file"
                    }
                };
                let check = Check::failed(NAME, error.to_string(), US, next);
                (Self::Unusable("the store cannot be opened".to_owned()), vec![check])
            }
        }
    }

    /// The vault in it. Without a store nothing lies there.
    pub(super) fn vault(&self, place: &Place) -> Vault {
        place.vault(match self {
            Self::Open(open) => shelf(open.reader.sealed()),
            Self::None => Shelf::none("there is no store yet"),
            Self::Unusable(why) => Shelf::none(why.as_str()),
        })
    }

    pub(super) fn is_unusable(&self) -> bool {
        matches!(self, Self::Unusable(_))
    }

    pub(super) fn fleet(&self) -> Option<&Fleet> {
        match self {
            Self::Open(open) => Some(&open.fleet),
            Self::None | Self::Unusable(_) => None,
        }
    }
}

/// What the store says. `one` if a single partner is looked at.
pub(super) fn checks(place: &Place, kept: &Kept, vault: &Vault, partners: &[&Partner], one: bool) -> Vec<Check> {
    let now = place.clock.now();
    let mut checks = Vec::new();
    match kept {
        Kept::Open(open) => {
            let Opened { reader, fleet, store } = &**open;
            checks.extend(if store.is_some() {
                snapshots(reader, fleet)
            } else {
                let why = "the service goes on and writes them; tenantop backup reads all of a copy through";
                vec![Check::skipped("snapshots", why)]
            });
            let wanted =
                |row: &TenantRow<'_>| !one || partners.iter().any(|partner| partner.name == row.tenant.key.partner);
            let tenants = fleet.tenants.values().filter(|tenant| tenant.gone_at.is_none());
            let rows: Vec<TenantRow<'_>> =
                tenants.map(|tenant| TenantRow::of(fleet, tenant, now)).filter(wanted).collect();
            checks.push(imports(fleet, &rows, now));
            checks.push(tenants_stand(&rows));
            checks.push(schedule(place, fleet, partners, now));
        }
        Kept::None => {}
        Kept::Unusable(why) => {
            checks
                .extend(["snapshots", "imports", "tenants", "schedule"].map(|name| Check::skipped(name, why.clone())));
        }
    }
    let mut fleet = kept.fleet().cloned().unwrap_or_default();
    for partner in partners {
        let credentials = credentials(partner, vault);
        fleet.apply(&Change::Credentials { partner: partner.name.clone(), credentials });
    }
    let all = Expiry::all(&fleet, now);
    for partner in partners {
        let of = |row: &&Expiry<'_>| *row.partner == partner.name;
        let ends = all.iter().filter(of).filter_map(|row| credential(row, kept.is_unusable()));
        checks.extend(ends.map(|check| check.of(partner)));
        checks.extend(gdap_ends(all.iter().filter(of)).map(|check| check.of(partner)));
    }
    checks
}

/// Reads all that tenants point to.
fn snapshots(reader: &Reader, fleet: &Fleet) -> Vec<Check> {
    const NAME: &str = "snapshots";
    /// Damage that is everywhere is told so often.
    const MOST: usize = 20;
    let (mut snapshots, mut users, mut damaged) = (0, 0, Vec::new());
    for tenant in fleet.tenants.values() {
        match reader.check(tenant) {
            Ok((found, people)) => {
                snapshots += found;
                users += people;
            }
            Err(error) => damaged.push(Check::failed(
                NAME,
                format!("{}: {error}", tenant.title()),
                US,
                format!(
                    "tenantop import {} reads it anew, a second one leaves nothing of it; then look at the disk below",
                    tenant.key.tenant
                ),
            )),
        }
    }
    if damaged.is_empty() {
        let tenants = fleet.tenants.len();
        return vec![Check::ok(
            NAME,
            format!("{snapshots} of {tenants} tenants read through: {users} users, all there"),
        )];
    }
    let more = damaged.len().saturating_sub(MOST);
    damaged.truncate(MOST);
    if more > 0 {
        damaged.push(Check::failed(NAME, format!("and {more} tenants more"), US, "put a backup in the store's place"));
    }
    damaged
}

/// How old the newest data are.
fn imports(fleet: &Fleet, rows: &[TenantRow<'_>], now: Timestamp) -> Check {
    const NAME: &str = "imports";
    if rows.is_empty() {
        let what = "no tenant yet: the customer list was never read";
        return Check::warning(NAME, what, US, "tenantop sync, then tenantop import --all");
    }
    let good = |row: &TenantRow<'_>| {
        let sets = [&row.tenant.users.good, &row.tenant.skus.good];
        sets.into_iter().flatten().map(|good| good.at).max()
    };
    let Some(newest) = rows.iter().filter_map(good).max() else {
        let since = rows.iter().map(|row| row.tenant.listed_at).min();
        return Check::warning(NAME, "no import has succeeded yet", US, "tenantop import --all").since(since);
    };
    let age = now.as_second().saturating_sub(newest.as_second());
    let last = fleet.runs.values().rev().find(|run| run.kind.reads() && run.state != RunState::Running);
    let last = last.map_or_else(String::new, |run| format!("; run {}: {} saved, {} not", run.id, run.ok, run.failed));
    let what = format!("the newest data are of {newest:.0}, {} h old{last}", age / 3600);
    if age > fleet.stale_after_s {
        let next = "tenantop import --all; was there no run, or did all of it fail (tenantop runs, tenantop failures)?";
        return Check::failed(NAME, format!("{what}: nothing was renewed since"), US, next).since(Some(newest));
    }
    Check::ok(NAME, what)
}

/// How many tenants stand how.
fn tenants_stand(rows: &[TenantRow<'_>]) -> Check {
    const NAME: &str = "tenants";
    let mut states: BTreeMap<State, usize> = BTreeMap::new();
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    let mut since = None;
    for row in rows {
        *states.entry(row.state).or_default() += 1;
        if row.state.is_problem() {
            *owners.entry(row.owner.map_or("us", crate::failure::Owner::word)).or_default() += 1;
            since = since.into_iter().chain(row.since).min();
        }
    }
    let held = rows.iter().filter(|row| row.tenant.held_back.is_some()).count();
    let counts: Vec<String> = states.iter().map(|(state, count)| format!("{count} {}", state.name())).collect();
    let mut what =
        format!("{} tenants: {}", rows.len(), if counts.is_empty() { "none".to_owned() } else { counts.join(", ") });
    if held > 0 {
        what.extend(["; held back by the shrink guard: ", &held.to_string()]);
    }
    if owners.is_empty() && held == 0 {
        return Check::ok(NAME, what);
    }
    let mut who: Vec<String> = owners.iter().map(|(owner, count)| format!("{owner} {count}")).collect();
    if held > 0 {
        who.push(format!("us {held} (held back)"));
    }
    Check::warning(NAME, what, &who.join(", "), "tenantop failures; the console says of each why, and what to do")
        .since(since)
}

/// Whether what a service should have imported by itself was.
fn schedule(place: &Place, fleet: &Fleet, partners: &[&Partner], now: Timestamp) -> Check {
    const NAME: &str = "schedule";
    /// Whoever waits so long was missed by a whole night.
    const TOO_LONG_S: i64 = 24 * 3600;
    let config = &place.loaded.config.schedule;
    if !config.daily {
        return Check::skipped(NAME, "schedule.daily is off: nothing is imported by itself");
    }
    let backlog = partners.iter().map(|partner| Backlog::of(fleet, &partner.name, now));
    let backlog = backlog.fold(Backlog::default(), Backlog::and);
    if backlog.tenants == 0 {
        return Check::skipped(NAME, "no service has kept it on this store yet: nothing is imported by itself");
    }
    let next = backlog.next.map_or_else(String::new, |at| format!("; the next is due on {at:.0}"));
    let window = config.window;
    let Some(oldest) = backlog.oldest else {
        return Check::ok(
            NAME,
            format!("every tenant once a day, {window} UTC: {} tenants, none overdue{next}", backlog.tenants),
        );
    };
    let what = format!(
        "daily imports ({window} UTC) are behind: {} of {} tenants are overdue{next}",
        backlog.overdue, backlog.tenants
    );
    let to_do = "start the service (tenantop serve), which makes up for them at once; or tenantop import --all. If it did run: \
                 tenantop runs says what held it up";
    let age = now.as_second().saturating_sub(oldest.as_second());
    let grade = if age >= TOO_LONG_S { Grade::Failed } else { Grade::Warning };
    Check::wrong(NAME, grade, what, US, to_do).since(Some(oldest))
}

/// When a credential ends. A store that cannot be read knows when the refresh token was last used, and nothing else does.
fn credential(row: &Expiry<'_>, is_unusable: bool) -> Option<Check> {
    const NAME: &str = "credential";
    let what = row.ends.words();
    match row.ends {
        Ends::Gdap | Ends::Mfa => return None,
        Ends::RefreshToken if is_unusable => {
            return Some(Check::skipped(NAME, format!("{what}: only the store knows when it was last used")));
        }
        Ends::RefreshToken | Ends::Secret | Ends::Certificate => {}
    }
    let Some(ends_at) = row.ends_at else {
        let why = match row.ends {
            Ends::Secret => "client_secret_expires is not set",
            Ends::Certificate => "the certificate cannot be read",
            Ends::RefreshToken | Ends::Gdap | Ends::Mfa => "nobody knows",
        };
        return Some(Check::skipped(NAME, format!("{what}: its end is not known: {why}")));
    };
    let next = match row.ends {
        Ends::RefreshToken => "sign the service account in again: tenantop login",
        Ends::Secret => {
            "make a new secret in the app registration, put it in client_secret_file, set client_secret_expires"
        }
        Ends::Certificate | Ends::Gdap | Ends::Mfa => {
            "make a new certificate, add it to the app registration, put it in certificate_file and private_key_file"
        }
    };
    let stops = row.stops();
    Some(match row.state {
        ExpiryState::Ended => {
            let what = format!("{what} ended on {ends_at:.0}: {stops} stop");
            Check::failed(NAME, what, US, next).since(Some(ends_at))
        }
        ExpiryState::Soon => {
            let what = format!("{what} ends on {ends_at:.0}, in {} days: then {stops} stop", row.days.unwrap_or(0));
            Check::warning(NAME, what, US, next)
        }
        ExpiryState::Missing
        | ExpiryState::Waiting
        | ExpiryState::Ok
        | ExpiryState::Extends
        | ExpiryState::Age
        | ExpiryState::Unknown => {
            Check::ok(NAME, format!("{what} ends on {ends_at:.0}, in {} days", row.days.unwrap_or(0)))
        }
    })
}

/// How many relationships end soon, or do not hold. Nothing is known of any before the first list.
fn gdap_ends<'a>(rows: impl Iterator<Item = &'a Expiry<'a>>) -> Option<Check> {
    const NAME: &str = "gdap_ends";
    let (mut all, mut soon, mut over) = (0, 0, 0);
    for row in rows.filter(|row| row.ends == Ends::Gdap) {
        all += 1;
        match row.state {
            ExpiryState::Soon => soon += 1,
            ExpiryState::Ended | ExpiryState::Missing | ExpiryState::Waiting => over += 1,
            ExpiryState::Ok | ExpiryState::Extends | ExpiryState::Age | ExpiryState::Unknown => {}
        }
    }
    if all == 0 {
        return None;
    }
    let what = format!("{all} relationships: {soon} end within 30 days, {over} do not hold");
    Some(if soon + over == 0 {
        Check::ok(NAME, what)
    } else {
        let who = "US: we ask for new ones, the customers approve them";
        Check::wrong(NAME, Grade::Warning, what, who, "tenantop expiries --filter what:gdap")
    })
}
