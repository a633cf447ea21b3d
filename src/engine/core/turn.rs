use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::allocating::Kept;
use super::daily::{AskedPartners, MovedTenants};
use crate::engine::report::{ClientId, Planned};
use crate::engine::run::Work;
use crate::model::{
    AuditRow, Change, Deed, Event, Fleet, Gdap, Key, LicenseReading, PartnerName, RunId, Sku, SkuId, SnapshotId,
};
use crate::store::{Store, StoreError, UsersPage};

/// Something to be written to a snapshot, in order.
pub(super) enum Op {
    /// Stage a page of users; the permit frees its bytes once it is written.
    Users { snapshot: SnapshotId, page: Box<UsersPage>, staged: OwnedSemaphorePermit },
    /// Stage all SKUs and mark them whole.
    Skus { snapshot: SnapshotId, rows: Vec<Sku> },
    /// Mark staged users as whole.
    Seal(SnapshotId),
    /// Throw a snapshot away.
    Drop(SnapshotId),
}

/// What one turn of the core adds up to: written in one transaction, then told.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) ops: Vec<Op>,
    pub(super) bytes: u64,
    pub(super) changes: Vec<Change>,
    /// What of licenses was read of which day, in order.
    pub(super) readings: Vec<(Key, LicenseReading)>,
    /// What of allocations is to be written.
    pub(super) kept: Vec<Kept>,
    /// Clients to be sent the whole fleet.
    pub(super) hello: Vec<ClientId>,
    pub(super) answers: Vec<(ClientId, Event)>,
    pub(super) plans: Vec<(oneshot::Sender<Vec<Planned>>, Vec<Planned>)>,
    pub(super) works: Vec<Work>,
    /// What somebody did, for the audit.
    deeds: Vec<Deed>,
    /// Somebody came, went, or looks at something else.
    pub(super) present: bool,
    /// Tenants whose due time is to be looked at, and partners.
    pub(super) moved: MovedTenants,
    pub(super) asked: AskedPartners,
    /// The last run ended: time to tidy.
    pub(super) idle: bool,
    durable: bool,
    tenants: BTreeSet<Key>,
    partners: BTreeSet<PartnerName>,
    names: BTreeSet<SkuId>,
    runs: BTreeSet<RunId>,
    jobs: BTreeMap<RunId, BTreeSet<Key>>,
}

impl Turn {
    /// Notes which records a fact alters and whether it must survive a power cut before it is told.
    pub(super) fn note(&mut self, change: &Change, fleet: &Fleet) {
        match change {
            Change::PartnerSignedIn { partner, .. }
            | Change::RelationsRefused { partner, .. }
            | Change::Credentials { partner, .. } => {
                self.partners.insert(partner.clone());
            }
            Change::PartnerRefused { partner, run, .. } => {
                self.partners.insert(partner.clone());
                self.runs.insert(*run);
                self.durable = true;
            }
            Change::Listed { partner, customers, .. } => {
                self.partners.insert(partner.clone());
                self.durable = true;
                let mut listed = BTreeSet::new();
                for customer in customers {
                    listed.insert(customer.tenant);
                    let key = Key { partner: partner.clone(), tenant: customer.tenant };
                    let same = fleet.tenants.get(&key).is_some_and(|tenant| {
                        tenant.gone_at.is_none() && tenant.name == customer.name && tenant.domain == customer.domain
                    });
                    if !same {
                        self.tenants.insert(key);
                    }
                }
                let gone = fleet.tenants.values().filter(|tenant| {
                    tenant.key.partner == *partner && tenant.gone_at.is_none() && !listed.contains(&tenant.key.tenant)
                });
                self.tenants.extend(gone.map(|tenant| tenant.key.clone()));
            }
            Change::Relations { partner, relations, .. } => {
                self.partners.insert(partner.clone());
                let now: BTreeMap<_, _> = relations.iter().map(|related| (related.tenant, &related.gdap)).collect();
                let missing = Gdap::MISSING;
                let none = (!relations.is_empty()).then_some(&missing);
                let other = fleet.tenants.values().filter(|tenant| {
                    tenant.key.partner == *partner
                        && tenant.gdap.as_deref() != now.get(&tenant.key.tenant).copied().or(none)
                });
                self.tenants.extend(other.map(|tenant| tenant.key.clone()));
            }
            Change::RunStarted { run, .. } | Change::RunEnded { run, .. } => {
                self.runs.insert(*run);
                self.durable = true;
            }
            Change::Recalled { .. } | Change::Scheduled { .. } => {}
            Change::Due { tenants, partners } => {
                self.tenants.extend(tenants.iter().map(|(key, _)| key.clone()));
                self.partners.extend(partners.iter().map(|(name, _)| name.clone()));
            }
            Change::Queued { run, tenants, .. } => {
                self.runs.insert(*run);
                self.jobs.entry(*run).or_default().extend(tenants.iter().cloned());
            }
            Change::JobStarted { run, tenant, .. } | Change::Stepped { run, tenant, .. } => {
                self.jobs.entry(*run).or_default().insert(tenant.clone());
            }
            Change::JobDone { run, tenant, .. } => {
                self.runs.insert(*run);
                self.jobs.entry(*run).or_default().insert(tenant.clone());
                self.tenants.insert(tenant.clone());
                self.durable = true;
            }
            Change::Paused { tenant, .. }
            | Change::Allocated { tenant, .. }
            | Change::Resumed { tenant }
            | Change::Ticketed { tenant, .. }
            | Change::TicketClosed { tenant, .. }
            | Change::Known { tenant, .. }
            | Change::Forgotten { tenant, .. }
            | Change::Reviewed { tenant, .. } => {
                self.tenants.insert(tenant.clone());
                self.durable = true;
            }
            Change::Sold { tenant, .. } => {
                self.tenants.insert(tenant.clone());
            }
            Change::Selling { run, .. } => {
                self.runs.insert(*run);
            }
            Change::Named { sku_id, .. } => {
                self.names.insert(*sku_id);
                self.durable = true;
            }
        }
    }

    /// Adds what somebody did to the audit. It survives a power cut before it is answered.
    pub(super) fn audit(&mut self, deed: Deed) {
        self.deeds.push(deed);
        self.durable = true;
    }

    /// Writes what the turn altered; the fleet holds it already.
    pub(super) fn write(&mut self, store: &mut Store, fleet: &Fleet) -> Result<(), StoreError> {
        if self.ops.is_empty() && self.changes.is_empty() && self.deeds.is_empty() {
            return Ok(());
        }
        let mut permits = Vec::new();
        let mut batch = store.batch()?;
        for op in self.ops.drain(..) {
            match op {
                Op::Users { snapshot, page, staged } => {
                    batch.stage_users(snapshot, &page)?;
                    permits.push(staged);
                }
                Op::Skus { snapshot, rows } => {
                    batch.stage_skus(snapshot, &rows)?;
                    batch.seal(snapshot)?;
                }
                Op::Seal(snapshot) => batch.seal(snapshot)?,
                Op::Drop(snapshot) => batch.drop_snapshot(snapshot)?,
            }
        }
        for partner in self.partners.iter().filter_map(|name| fleet.partners.get(name)) {
            batch.put_partner(partner)?;
        }
        for tenant in self.tenants.iter().filter_map(|key| fleet.tenants.get(key)) {
            batch.put_tenant(tenant)?;
        }
        for (tenant, reading) in self.readings.drain(..) {
            batch.put_licenses(&tenant, &reading)?;
        }
        for kept in self.kept.drain(..) {
            kept.write(&mut batch)?;
        }
        for sku_id in &self.names {
            batch.put_name(*sku_id, fleet.catalog.local().get(sku_id))?;
        }
        for run in self.runs.iter().filter_map(|id| fleet.runs.get(id)) {
            batch.put_run(run)?;
        }
        for (id, keys) in &self.jobs {
            if let Some(run) = fleet.runs.get(id) {
                let keys: Vec<Key> = keys.iter().cloned().collect();
                batch.put_jobs(run, &keys)?;
            }
        }
        let rows = if self.deeds.is_empty() { Vec::new() } else { batch.put_deeds(&self.deeds)? };
        batch.commit(self.durable)?;
        rows.iter().for_each(journal);
        Ok(())
    }
}

/// The same record for the log and the journal of the system, which may be kept elsewhere.
fn journal(row: &AuditRow) {
    let AuditRow { number, hash, deed } = row;
    let Deed { at, caller, verb, tenants, all, what, reason, outcome, said, run } = deed;
    let tenants: Vec<String> = tenants.iter().map(Key::to_string).collect();
    tracing::info!(
        target: "tenantop::audit",
        number,
        hash,
        %at,
        name = %caller.name,
        uid = caller.uid,
        login_uid = caller.login_uid,
        key = caller.key.as_deref(),
        address = caller.address.as_deref(),
        role = caller.role.word(),
        verb = %verb,
        tenants = tenants.join(" "),
        all,
        what = %what,
        reason = reason.as_deref(),
        outcome = outcome.word(),
        said = %said,
        run = run.map(|run| run.0),
        "audit"
    );
}
