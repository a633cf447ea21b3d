//! Rows as JSON and CSV show them. Absent means unknown, never 0.

use compact_str::CompactString;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::failure::{Cap, Failure, Owner};
use crate::model::{
    Catalog, Checks, Coverage, DataSet, Expiry, FIELDS, Failing, Finding, Fixed, Fleet, LicenseDay, LicenseRow, Pause,
    PersonRow, Product, Run, RunKind, RunState, SkuId, State, Tenant, TenantId, TenantRow,
};

#[derive(Serialize)]
pub(super) struct SetRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    good_at: Option<Timestamp>,
}

impl From<&DataSet> for SetRow {
    fn from(set: &DataSet) -> Self {
        Self { count: set.good.as_ref().map(|good| good.count), good_at: set.good.as_ref().map(|good| good.at) }
    }
}

/// A row of `tenants`.
#[derive(Serialize)]
pub(super) struct TenantLine {
    partner: CompactString,
    tenant_id: TenantId,
    name: CompactString,
    domain: CompactString,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    cause: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    users: SetRow,
    skus: SetRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    tried_at: Option<Timestamp>,
    tries: u32,
    /// When the schedule reads it next, where a service keeps one.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_why: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause: Option<PausePart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_back: Option<CompactString>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<TicketPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<ChecksPart>,
}

/// The pause in a row of `tenants`.
#[derive(Serialize)]
struct PausePart {
    by: CompactString,
    reason: CompactString,
    at: Timestamp,
    until: Timestamp,
}

impl From<&Pause> for PausePart {
    fn from(pause: &Pause) -> Self {
        Self { by: pause.by.clone(), reason: pause.reason.clone(), at: pause.at, until: pause.until }
    }
}

/// The open ticket in a row of `tenants`.
#[derive(Serialize)]
struct TicketPart {
    number: CompactString,
    asked_at: Timestamp,
    by: CompactString,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<CompactString>,
    /// Whether what refuses us is no longer what was asked about.
    changed: bool,
}

impl TicketPart {
    fn of(tenant: &Tenant) -> Option<Self> {
        let ticket = tenant.open_ticket()?;
        Some(Self {
            number: ticket.number.clone(),
            asked_at: ticket.asked_at,
            by: ticket.by.clone(),
            note: ticket.note.clone(),
            changed: tenant.failing().is_some_and(|failing| ticket.differs(&failing.failure).is_some()),
        })
    }
}

impl TenantLine {
    /// Titles and members of the table and of CSV.
    pub(super) const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("STATE", "state"),
        ("TENANT", "name"),
        ("PARTNER", "partner"),
        ("USERS", "users.count"),
        ("USERS GOOD AT", "users.good_at"),
        ("SKUS", "skus.count"),
        ("SKUS GOOD AT", "skus.good_at"),
        ("WHO ACTS", "owner"),
        ("CAUSE", "cause"),
        ("SINCE", "since"),
        ("TRIED AT", "tried_at"),
        ("TRIES", "tries"),
        ("DUE AT", "due_at"),
        ("DUE WHY", "due_why"),
        ("PAUSED BY", "pause.by"),
        ("PAUSED UNTIL", "pause.until"),
        ("PAUSED FOR", "pause.reason"),
        ("TICKET", "ticket.number"),
        ("DOMAIN", "domain"),
        ("ID", "tenant_id"),
    ];

    pub(super) fn of(row: &TenantRow<'_>) -> Self {
        let tenant = row.tenant;
        Self {
            partner: tenant.key.partner.0.clone(),
            tenant_id: tenant.key.tenant,
            name: tenant.name.clone(),
            domain: tenant.domain.clone(),
            state: row.state.name(),
            owner: row.owner.map(crate::failure::Owner::name),
            cause: row.cause.to_string(),
            since: row.since,
            users: (&tenant.users).into(),
            skus: (&tenant.skus).into(),
            tried_at: tenant.tried_at,
            tries: tenant.tries(),
            due_at: row.due.map(|due| due.at),
            due_why: row.due.map(|due| due.why.name()),
            pause: tenant.pause.as_deref().filter(|_| row.state == State::Paused).map(PausePart::from),
            held_back: tenant.held_back.as_ref().map(|held| held.why.clone()),
            ticket: TicketPart::of(tenant),
            checks: tenant.checks.as_deref().map(ChecksPart::from),
        }
    }
}

/// A row of `failures`.
#[derive(Serialize)]
pub(super) struct FailureLine {
    partner: CompactString,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<CompactString>,
    class: &'static str,
    cap: bool,
    owner: &'static str,
    codes: Vec<u32>,
    policies: Vec<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<CompactString>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<CompactString>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<CompactString>,
    at: Timestamp,
    since: Timestamp,
    tries: u32,
    hop: crate::failure::Hop,
}

impl FailureLine {
    pub(super) const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("PARTNER", "partner"),
        ("TENANT", "name"),
        ("CLASS", "class"),
        ("CAP", "cap"),
        ("WHO ACTS", "owner"),
        ("CODES", "codes"),
        ("POLICIES", "policies"),
        ("CONTROL", "control"),
        ("SINCE", "since"),
        ("TRIES", "tries"),
        ("AT", "at"),
        ("CORRELATION ID", "correlation_id"),
        ("TRACE ID", "trace_id"),
        ("HOP", "hop"),
        ("ID", "tenant_id"),
    ];

    /// Of a tenant, or of a partner's own sign-in. What most tenants meet is ours.
    pub(super) fn of(fleet: &Fleet, partner: &str, tenant: Option<&Tenant>, failing: &Failing, now: Timestamp) -> Self {
        let Failing { failure, since, tries } = failing;
        let ours = tenant.is_some_and(|tenant| fleet.state(tenant, now) == State::OurAuth);
        let theirs = tenant.map_or(failure.owner, |tenant| fleet.owner(tenant, failure));
        let owner = if ours { Owner::Partner } else { theirs };
        Self {
            partner: partner.into(),
            tenant_id: tenant.map(|tenant| tenant.key.tenant),
            name: tenant.map(|tenant| tenant.name.clone()),
            class: failure.class.name(),
            cap: failure.cap == Cap::Yes,
            owner: owner.name(),
            codes: failure.codes.clone(),
            policies: failure.policies.clone(),
            control: failure.control.clone(),
            correlation_id: failure.correlation_id.clone(),
            trace_id: failure.trace_id.clone(),
            at: failure.at,
            since: *since,
            tries: *tries,
            hop: failure.hop,
        }
    }
}

/// A row of `licenses`.
#[derive(Serialize)]
pub(super) struct LicenseLine {
    tenant_id: TenantId,
    tenant_name: CompactString,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku_id: Option<crate::model::SkuId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part_number: Option<CompactString>,
    /// What it is called: by a name of our own, the published list or the built-in table; else its part number or id.
    name: CompactString,
    /// Only where it is known as free or viral.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    free: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    applies_to: Option<CompactString>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<CompactString>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_out: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchased: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unassigned: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sold: Option<i64>,
    /// Purchased less sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<i64>,
    finding: &'static str,
    /// How many units or users the finding is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    finding_units: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<KnownPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    good_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sold_at: Option<Timestamp>,
    /// Why what we sold could not be read anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    sold_refused: Option<RefusedPart>,
    /// When the users were read that `held` was counted from.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_at: Option<Timestamp>,
}

/// A refusal that goes on, in a row of `licenses`.
#[derive(Serialize)]
struct RefusedPart {
    cause: String,
    since: Timestamp,
    tries: u32,
}

/// What somebody said of a finding, in a row of `licenses`.
#[derive(Serialize)]
struct KnownPart {
    reason: CompactString,
    by: CompactString,
    until: Timestamp,
}

/// What users and SKUs of an import say of each other, in a row of `tenants`.
#[derive(Serialize)]
struct ChecksPart {
    holders: u64,
    held: u64,
    assigned: i64,
    unknown_users: u64,
    unknown_skus: u64,
    all_empty: bool,
}

impl From<&Checks> for ChecksPart {
    fn from(checks: &Checks) -> Self {
        let Checks { holders, held, consumed, unknown_users, unknown_skus, all_empty } = *checks;
        Self { holders, held, assigned: consumed, unknown_users, unknown_skus, all_empty }
    }
}

impl LicenseLine {
    pub(super) const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("TENANT", "tenant_name"),
        ("PRODUCT", "name"),
        ("PART NUMBER", "part_number"),
        ("STATUS", "status"),
        ("PURCHASED", "purchased"),
        ("ASSIGNED", "assigned"),
        ("UNASSIGNED", "unassigned"),
        ("HELD", "held"),
        ("SOLD", "sold"),
        ("GAP", "gap"),
        ("FINDING", "finding"),
        ("UNITS", "finding_units"),
        ("KNOWN", "known.reason"),
        ("ENABLED", "enabled"),
        ("WARNING", "warning"),
        ("SUSPENDED", "suspended"),
        ("LOCKED OUT", "locked_out"),
        ("APPLIES TO", "applies_to"),
        ("FREE", "free"),
        ("GOOD AT", "good_at"),
        ("HELD AT", "held_at"),
        ("SOLD AT", "sold_at"),
        ("SKU ID", "sku_id"),
        ("ID", "tenant_id"),
    ];

    pub(super) fn of(fleet: &Fleet, tenant: &Tenant, row: &LicenseRow, now: Timestamp) -> Self {
        let sku = row.sku.as_ref();
        let catalog = &fleet.catalog;
        let finding = Finding::of(row, catalog);
        let known = finding.known(row, &tenant.known, now).map(|known| KnownPart {
            reason: known.what.reason.clone(),
            by: known.by.clone(),
            until: known.what.until,
        });
        let good = if sku.is_some() { &tenant.skus.good } else { &tenant.users.good };
        Self {
            tenant_id: tenant.key.tenant,
            tenant_name: tenant.name.clone(),
            sku_id: row.sku_id,
            part_number: sku.and_then(|sku| sku.part_number.clone()),
            name: row.name(catalog).as_ref().into(),
            free: row.sku_id.is_some_and(Catalog::is_free),
            applies_to: sku.and_then(|sku| sku.applies_to.clone()),
            status: sku.and_then(|sku| sku.status.clone()),
            enabled: sku.and_then(|sku| sku.prepaid.enabled),
            warning: sku.and_then(|sku| sku.prepaid.warning),
            suspended: sku.and_then(|sku| sku.prepaid.suspended),
            locked_out: sku.and_then(|sku| sku.prepaid.locked_out),
            purchased: sku.and_then(crate::model::SkuCount::purchased),
            assigned: sku.and_then(|sku| sku.consumed),
            unassigned: sku.and_then(crate::model::SkuCount::unassigned),
            held: row.held,
            sold: row.sold,
            gap: row.gap(),
            finding: finding.name(),
            finding_units: finding.units(),
            known,
            sold_at: tenant.sold.as_deref().and_then(|sold| sold.read_at),
            sold_refused: tenant.sold.as_deref().and_then(|sold| sold.failing.as_deref()).map(|failing| RefusedPart {
                cause: failing.failure.cause(),
                since: failing.since,
                tries: failing.tries,
            }),
            held_at: row.held.and(tenant.users.good.as_ref()).map(|good| good.at),
            good_at: good.as_ref().map(|good| good.at),
        }
    }
}

/// A row of `licenses` over all tenants: a product.
#[derive(Serialize)]
pub(super) struct ProductLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    sku_id: Option<crate::model::SkuId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part_number: Option<CompactString>,
    name: String,
    /// Only where it is known as free or viral.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    free: bool,
    /// Only where all who list it have it for the company as a whole.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    company: bool,
    /// Tenants that have it.
    customers: u64,
    /// Tenants whose data are in the sums.
    tenants: u64,
    /// Tenants whose SKUs were never read.
    missing: u64,
    /// Tenants whose data are old.
    old: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchased: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unassigned: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    over_assigned: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_out: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<i64>,
    /// Customers that do not tell purchased and assigned units.
    unknown: u64,
    /// Customers whose users hold it and whose SKUs do not list it.
    unlisted: u64,
}

impl ProductLine {
    pub(super) const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("PRODUCT", "name"),
        ("PART NUMBER", "part_number"),
        ("CUSTOMERS", "customers"),
        ("TENANTS", "tenants"),
        ("PURCHASED", "purchased"),
        ("ASSIGNED", "assigned"),
        ("UNASSIGNED", "unassigned"),
        ("OVER", "over_assigned"),
        ("HELD", "held"),
        ("SUSPENDED", "suspended"),
        ("LOCKED OUT", "locked_out"),
        ("UNKNOWN", "unknown"),
        ("UNLISTED", "unlisted"),
        ("MISSING", "missing"),
        ("OLD", "old"),
        ("FREE", "free"),
        ("COMPANY", "company"),
        ("SKU ID", "sku_id"),
    ];

    pub(super) fn of(product: &Product, coverage: &Coverage) -> Self {
        Self {
            sku_id: product.key.sku_id(),
            part_number: product.part_number.clone(),
            name: product.name.clone(),
            free: product.free,
            company: product.company,
            customers: product.customers,
            tenants: coverage.counted(),
            missing: coverage.missing.len() as u64,
            old: coverage.old.len() as u64,
            purchased: product.purchased,
            assigned: product.assigned,
            unassigned: product.unassigned,
            over_assigned: product.over,
            suspended: product.suspended,
            locked_out: product.locked_out,
            held: product.held,
            unknown: product.unknown,
            unlisted: product.unlisted,
        }
    }
}

/// A row of `users`, under Graph's own names. A member that Graph did not send is absent, one that it sent as null is
/// null; a user without manager has `null` there. `findings` is our own: what is odd about its licenses, the gravest first.
pub(super) fn user_line(tenant: &Tenant, person: &PersonRow<'_>) -> Value {
    let user = person.user;
    let mut row = Map::new();
    row.insert("tenant_id".into(), json!(tenant.key.tenant));
    row.insert("id".into(), json!(user.id));
    for field in FIELDS {
        let value = match field {
            Fixed::Manager => user.manager.as_ref().map_or(Value::Null, |manager| {
                json!({ "id": manager.id, "displayName": manager.display_name, "userPrincipalName": manager.user_principal_name })
            }),
            field if user.is_absent(field) => continue,
            Fixed::Text(text) => json!(user.text(text)),
            Fixed::AssignedLicenses => user.licenses.as_ref().map_or(Value::Null, |list| {
                list.iter().map(|license| json!({ "skuId": license.sku_id, "disabledPlans": license.disabled_plans })).collect()
            }),
            Fixed::ExtensionAttributes => user.extension.as_ref().map_or(Value::Null, |values| {
                let named = values.iter().enumerate().map(|(n, value)| (format!("extensionAttribute{}", n + 1), json!(value)));
                Value::Object(named.collect())
            }),
        };
        row.insert(field.name().into(), value);
    }
    if user.licenses.is_some() {
        row.insert("findings".into(), person.findings().collect());
    }
    Value::Object(row)
}

/// Titles and members of the table and of CSV of users.
pub(super) const USER_COLUMNS: &[(&str, &str)] = &[
    ("NAME", "displayName"),
    ("SIGN-IN NAME", "userPrincipalName"),
    ("TYPE", "userType"),
    ("COMPANY", "companyName"),
    ("DEPARTMENT", "department"),
    ("JOB TITLE", "jobTitle"),
    ("OFFICE", "officeLocation"),
    ("CITY", "city"),
    ("COUNTRY", "country"),
    ("USAGE", "usageLocation"),
    ("MANAGER", "manager.displayName"),
    ("MAIL", "mail"),
    ("GIVEN NAME", "givenName"),
    ("SURNAME", "surname"),
    ("STATE", "state"),
    ("POSTAL CODE", "postalCode"),
    ("STREET", "streetAddress"),
    ("LANGUAGE", "preferredLanguage"),
    ("LICENSES", "assignedLicenses"),
    ("FINDINGS", "findings"),
    ("EXTENSION", "onPremisesExtensionAttributes"),
    ("ID", "id"),
    ("TENANT ID", "tenant_id"),
];

/// A row of `licenses --history`.
#[derive(Serialize)]
pub(super) struct LicenseDayLine {
    tenant_id: TenantId,
    tenant_name: CompactString,
    sku_id: SkuId,
    #[serde(skip_serializing_if = "Option::is_none")]
    part_number: Option<CompactString>,
    name: CompactString,
    day: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchased: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unassigned: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sold: Option<i64>,
}

impl LicenseDayLine {
    pub(super) const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("TENANT", "tenant_name"),
        ("PRODUCT", "name"),
        ("DAY", "day"),
        ("PURCHASED", "purchased"),
        ("ASSIGNED", "assigned"),
        ("UNASSIGNED", "unassigned"),
        ("HELD", "held"),
        ("SOLD", "sold"),
        ("PART NUMBER", "part_number"),
        ("SKU ID", "sku_id"),
        ("ID", "tenant_id"),
    ];

    /// `part` and `name` are what the product is called today.
    pub(super) fn of(tenant: &Tenant, day: &LicenseDay, part: Option<&CompactString>, name: &str) -> Self {
        Self {
            tenant_id: tenant.key.tenant,
            tenant_name: tenant.name.clone(),
            sku_id: day.sku_id,
            part_number: part.cloned(),
            name: name.into(),
            day: day.day,
            purchased: day.purchased,
            assigned: day.assigned,
            unassigned: day.unassigned(),
            held: day.held,
            sold: day.sold,
        }
    }
}

/// A row of `expiries`.
#[derive(Serialize)]
pub(super) struct ExpiryLine {
    partner: CompactString,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<CompactString>,
    what: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<i64>,
    auto_extends: bool,
    stops: String,
}

impl ExpiryLine {
    pub(super) const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("STATE", "state"),
        ("ENDS AT", "ends_at"),
        ("DAYS", "days"),
        ("WHAT", "what"),
        ("PARTNER", "partner"),
        ("TENANT", "name"),
        ("STOPS", "stops"),
        ("AUTO EXTENDS", "auto_extends"),
        ("SINCE", "since"),
        ("ID", "tenant_id"),
    ];

    pub(super) fn of(row: &Expiry<'_>) -> Self {
        Self {
            partner: row.partner.0.clone(),
            tenant_id: row.tenant.map(|tenant| tenant.key.tenant),
            name: row.tenant.map(|tenant| tenant.name.clone()),
            what: row.ends.name(),
            state: row.state.name(),
            ends_at: row.ends_at,
            since: row.since,
            days: row.days,
            auto_extends: row.auto_extends,
            stops: row.stops(),
        }
    }
}

/// A row of `runs`.
#[derive(Serialize)]
pub(super) struct RunLine {
    run_id: crate::model::RunId,
    kind: RunKind,
    by: CompactString,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<CompactString>,
    started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
    tenants: u64,
    ok: u64,
    failed: u64,
    requests: u64,
    retries: u64,
    waits_s: f64,
    bytes: u64,
    users: u64,
    /// Of how many tenants it was read what we sold, of how many it was refused, and how many are left to the next run.
    #[serde(skip_serializing_if = "Option::is_none")]
    sold_read: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sold_failed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sold_later: Option<u64>,
    state: RunState,
}

impl RunLine {
    pub(super) const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("RUN", "run_id"),
        ("KIND", "kind"),
        ("BY", "by"),
        ("STATE", "state"),
        ("STARTED AT", "started_at"),
        ("ENDED AT", "ended_at"),
        ("TENANTS", "tenants"),
        ("OK", "ok"),
        ("FAILED", "failed"),
        ("REQUESTS", "requests"),
        ("RETRIES", "retries"),
        ("WAITS S", "waits_s"),
        ("BYTES", "bytes"),
        ("USERS", "users"),
        ("SOLD READ", "sold_read"),
        ("SOLD FAILED", "sold_failed"),
        ("SOLD LATER", "sold_later"),
        ("REASON", "reason"),
    ];
}

impl From<&Run> for RunLine {
    fn from(run: &Run) -> Self {
        Self {
            run_id: run.id,
            kind: run.kind,
            by: run.by.clone(),
            reason: run.reason.clone(),
            started_at: run.started_at,
            ended_at: run.ended_at,
            tenants: run.tenants,
            ok: run.ok,
            failed: run.failed,
            requests: run.totals.requests,
            retries: run.totals.retries,
            waits_s: seconds(run.totals.waits_ms),
            bytes: run.totals.bytes,
            users: run.totals.users,
            sold_read: run.selling.map(|selling| selling.read),
            sold_failed: run.selling.map(|selling| selling.failed),
            sold_later: run.selling.map(|selling| selling.later),
            state: run.state,
        }
    }
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of waits stay far below 2^52")]
pub(super) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// What a failure says in events.
pub(super) fn failure_value(failure: &Failure) -> Value {
    json!({
        "class": failure.class.name(),
        "cap": failure.cap == Cap::Yes,
        "owner": failure.owner.name(),
        "codes": failure.codes,
        "policies": failure.policies,
        "cause": failure.cause(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, Due, DueWhy, Id, Key};

    #[test]
    fn a_tenant_has_a_due_time_where_a_schedule_is_kept() {
        let at: Timestamp = "2026-11-27T02:15:00Z".parse().unwrap();
        let key = Key { partner: "emea".into(), tenant: Id::new(Uuid::nil()) };
        let mut tenant = Tenant::new(key, "Contoso".into(), "contoso.example".into(), at);
        tenant.due = Some(Due { at, why: DueWhy::Retry { n: 1 } });
        let mut fleet = Fleet::new([], [tenant], [], 1);
        let row = |fleet: &Fleet| {
            let tenant = fleet.tenants.values().next().unwrap();
            serde_json::to_value(TenantLine::of(&TenantRow::of(fleet, tenant, at))).unwrap()
        };
        assert_eq!((row(&fleet).get("due_at"), row(&fleet).get("due_why")), (None, None), "nobody keeps one");
        fleet.apply(&Change::Scheduled { window: "01:00-05:00".into() });
        assert_eq!(
            (&row(&fleet)["due_at"], &row(&fleet)["due_why"]),
            (&json!("2026-11-27T02:15:00Z"), &json!("retry"))
        );
    }
}
