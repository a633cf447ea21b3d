use std::sync::Arc;

use jiff::Timestamp;
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use serde::de::DeserializeOwned;

use super::{File, StoreError, allocation, audit, batch, codec, history, sealed};
use crate::model::{
    Catalog, Change, Entry, Fleet, Job, JobState, Key, LocalName, Packed, Partner, PartnerName, Run, RunId, RunState,
    Shared, SkuId, Step, Tenant, TenantId, TriesSeen, Try,
};

/// Key to a tenant without its license counts.
pub(super) const TENANTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("tenants");
/// Key to the license counts of a tenant.
pub(super) const COUNTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("counts");
/// `skuId` to a product's name of our own.
pub(super) const NAMES: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("names");
pub(super) const PARTNERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("partners");
/// Number to a run without its tenants.
pub(super) const RUNS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("runs");
/// (run, key) to a part of a run.
pub(super) const JOBS: TableDefinition<'_, (u64, &str), &[u8]> = TableDefinition::new("jobs");

/// Whether every table is there.
pub(super) fn has_tables(file: &File, transaction: &ReadTransaction) -> Result<bool, StoreError> {
    let found = || -> Result<(), redb::TableError> {
        transaction.open_table(TENANTS)?;
        transaction.open_table(COUNTS)?;
        transaction.open_table(NAMES)?;
        transaction.open_table(PARTNERS)?;
        transaction.open_table(RUNS)?;
        transaction.open_table(JOBS)?;
        transaction.open_table(batch::CATALOG)?;
        transaction.open_table(batch::USERS)?;
        transaction.open_table(batch::SEARCH)?;
        transaction.open_table(batch::SKUS)?;
        transaction.open_table(history::HISTORY)?;
        transaction.open_table(history::PRODUCTS)?;
        transaction.open_table(audit::AUDIT)?;
        transaction.open_table(sealed::SEALED)?;
        transaction.open_table(allocation::RULES)?;
        transaction.open_table(allocation::PRICES)?;
        transaction.open_table(allocation::MONTHS)?;
        transaction.open_table(allocation::LINES)?;
        transaction.open_table(allocation::VALUES)?;
        transaction.open_table(allocation::READINGS)?;
        transaction.open_table(allocation::SUPERSEDED)?;
        Ok(())
    };
    match found() {
        Ok(()) => Ok(true),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(false),
        Err(error) => Err(file.damaged(error)),
    }
}

/// Runs come with their tenants as long as these are no more together: some milliseconds.
const JOBS_AT_ONCE: u64 = 1_000;

/// Makes every table, so that readers find them.
pub(super) fn create_tables(file: &File, transaction: &WriteTransaction) -> Result<(), StoreError> {
    let made = || -> Result<(), redb::TableError> {
        transaction.open_table(TENANTS)?;
        transaction.open_table(COUNTS)?;
        transaction.open_table(NAMES)?;
        transaction.open_table(PARTNERS)?;
        transaction.open_table(RUNS)?;
        transaction.open_table(JOBS)?;
        transaction.open_table(batch::CATALOG)?;
        transaction.open_table(batch::USERS)?;
        transaction.open_table(batch::SEARCH)?;
        transaction.open_table(batch::SKUS)?;
        transaction.open_table(history::HISTORY)?;
        transaction.open_table(history::PRODUCTS)?;
        transaction.open_table(audit::AUDIT)?;
        transaction.open_table(sealed::SEALED)?;
        transaction.open_table(allocation::RULES)?;
        transaction.open_table(allocation::PRICES)?;
        transaction.open_table(allocation::MONTHS)?;
        transaction.open_table(allocation::LINES)?;
        transaction.open_table(allocation::VALUES)?;
        transaction.open_table(allocation::READINGS)?;
        transaction.open_table(allocation::SUPERSEDED)?;
        Ok(())
    };
    made().map_err(|error| file.damaged(error))
}

pub(super) fn key_text(key: &Key) -> String {
    format!("{}\0{}", key.partner, key.tenant)
}

fn key_of(text: &str) -> Option<Key> {
    let (partner, tenant) = text.split_once('\0')?;
    let tenant: TenantId = tenant.parse().ok()?;
    Some(Key { partner: PartnerName::from(partner), tenant })
}

pub(super) fn put_tenant(file: &File, transaction: &WriteTransaction, tenant: &Tenant) -> Result<(), StoreError> {
    let key = key_text(&tenant.key);
    let mut lean = Tenant { active: None, sku_counts: Packed::default(), held: Packed::default(), ..tenant.clone() };
    let sold = lean.sold.as_mut().map(|sold| std::mem::take(&mut sold.subscriptions)).unwrap_or_default();
    let bytes = codec::record(&lean).map_err(|error| file.io(error))?;
    let mut table = transaction.open_table(TENANTS).map_err(|error| file.io(error))?;
    table.insert(key.as_str(), bytes.as_slice()).map_err(|error| file.io(error))?;
    let counts = codec::Counts { skus: tenant.sku_counts.clone(), held: tenant.held.clone(), sold };
    let bytes = counts.to_bytes();
    let mut table = transaction.open_table(COUNTS).map_err(|error| file.io(error))?;
    table.insert(key.as_str(), bytes.as_slice()).map_err(|error| file.io(error))?;
    Ok(())
}

pub(super) fn put_partner(file: &File, transaction: &WriteTransaction, partner: &Partner) -> Result<(), StoreError> {
    let bytes = codec::record(partner).map_err(|error| file.io(error))?;
    let mut table = transaction.open_table(PARTNERS).map_err(|error| file.io(error))?;
    table.insert(partner.name.0.as_str(), bytes.as_slice()).map_err(|error| file.io(error))?;
    Ok(())
}

pub(super) fn put_name(
    file: &File,
    transaction: &WriteTransaction,
    sku_id: SkuId,
    name: Option<&LocalName>,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(NAMES).map_err(|error| file.io(error))?;
    match name {
        Some(name) => {
            let bytes = codec::record(name).map_err(|error| file.io(error))?;
            table.insert(sku_id.0.as_u128(), bytes.as_slice()).map_err(|error| file.io(error))?;
        }
        None => {
            table.remove(sku_id.0.as_u128()).map_err(|error| file.io(error))?;
        }
    }
    Ok(())
}

/// Names of our own.
fn names(file: &File, transaction: &ReadTransaction) -> Result<Catalog, StoreError> {
    let mut catalog = Catalog::default();
    let table = transaction.open_table(NAMES).map_err(|error| file.io(error))?;
    for row in table.iter().map_err(|error| file.io(error))? {
        let (id, name) = row.map_err(|error| file.io(error))?;
        let name = codec::from_record(name.value()).map_err(|error| file.damaged(error))?;
        catalog.set_local(SkuId::new(uuid::Uuid::from_u128(id.value())), Some(name));
    }
    Ok(catalog)
}

pub(super) fn put_run(file: &File, transaction: &WriteTransaction, run: &Run) -> Result<(), StoreError> {
    let bytes = codec::record(&head(run)).map_err(|error| file.io(error))?;
    let mut table = transaction.open_table(RUNS).map_err(|error| file.io(error))?;
    table.insert(run.id.0, bytes.as_slice()).map_err(|error| file.io(error))?;
    Ok(())
}

/// A run without its tenants.
fn head(run: &Run) -> Run {
    Run {
        id: run.id,
        kind: run.kind,
        by: run.by.clone(),
        reason: run.reason.clone(),
        started_at: run.started_at,
        ended_at: run.ended_at,
        state: run.state,
        refused: run.refused.clone(),
        tenants: run.tenants,
        ok: run.ok,
        failed: run.failed,
        totals: run.totals,
        selling: run.selling,
        jobs: Arc::default(),
    }
}

pub(super) fn put_jobs(file: &File, transaction: &WriteTransaction, run: &Run, keys: &[Key]) -> Result<(), StoreError> {
    let mut table = transaction.open_table(JOBS).map_err(|error| file.io(error))?;
    for key in keys {
        let Some(job) = run.jobs.get(key) else { continue };
        let bytes = codec::record(job).map_err(|error| file.io(error))?;
        table.insert((run.id.0, key_text(key).as_str()), bytes.as_slice()).map_err(|error| file.io(error))?;
    }
    Ok(())
}

/// All values of a table.
fn all<K: redb::Key + 'static, T: DeserializeOwned>(
    file: &File,
    table: &impl ReadableTable<K, &'static [u8]>,
) -> Result<Vec<T>, StoreError> {
    let mut out = Vec::new();
    for row in table.iter().map_err(|error| file.io(error))? {
        let (_, value) = row.map_err(|error| file.io(error))?;
        out.push(codec::from_record(value.value()).map_err(|error| file.damaged(error))?);
    }
    Ok(out)
}

/// All tenants with their license counts.
fn tenants(file: &File, transaction: &ReadTransaction) -> Result<Vec<Tenant>, StoreError> {
    let mut tenants: Vec<Tenant> = all(file, &transaction.open_table(TENANTS).map_err(|error| file.io(error))?)?;
    let counts = transaction.open_table(COUNTS).map_err(|error| file.io(error))?;
    // Both stand in the same order.
    let mut rest = tenants.iter_mut().peekable();
    for row in counts.iter().map_err(|error| file.io(error))? {
        let (key, value) = row.map_err(|error| file.io(error))?;
        let Some(key) = key_of(key.value()) else { continue };
        while rest.next_if(|tenant| tenant.key < key).is_some() {}
        // Counts in a record were written after those beside it, by a program that had no place for them alone.
        let lean = |tenant: &Tenant| tenant.sku_counts.is_empty() && tenant.held.is_empty();
        if let Some(tenant) = rest.next_if(|tenant| tenant.key == key).filter(|tenant| lean(tenant)) {
            let counts = codec::Counts::from_bytes(value.value()).map_err(|error| file.damaged(error))?;
            (tenant.sku_counts, tenant.held) = (counts.skus, counts.held);
            if let Some(sold) = &mut tenant.sold {
                sold.subscriptions = counts.sold;
            }
        }
    }
    Ok(tenants)
}

/// What tenants are called.
pub(super) fn titles(file: &File) -> Result<audit::Titles, StoreError> {
    let transaction = file.begin_read()?;
    let table = transaction.open_table(TENANTS).map_err(|error| file.io(error))?;
    let mut titles = audit::Titles::new();
    for row in table.iter().map_err(|error| file.io(error))? {
        let (_, value) = row.map_err(|error| file.io(error))?;
        let tenant: Tenant = codec::from_record(value.value()).map_err(|error| file.damaged(error))?;
        let title = tenant.title().into();
        titles.insert(tenant.key, title);
    }
    Ok(titles)
}

fn jobs(
    file: &File,
    table: &impl ReadableTable<(u64, &'static str), &'static [u8]>,
    run: RunId,
) -> Result<Shared<Key, Job>, StoreError> {
    // Put together at once, a map is half as large.
    let mut out = Vec::new();
    for row in table.range((run.0, "")..(run.0 + 1, "")).map_err(|error| file.io(error))? {
        let (key, value) = row.map_err(|error| file.io(error))?;
        let mut job: Job = codec::from_record(value.value()).map_err(|error| file.damaged(error))?;
        job.log.shrink_to_fit();
        if let Some(key) = key_of(key.value().1) {
            out.push((key, job));
        }
    }
    Ok(out.into_iter().collect())
}

pub(super) fn run(file: &File, id: RunId) -> Result<Option<Run>, StoreError> {
    let transaction = file.begin_read()?;
    let runs = transaction.open_table(RUNS).map_err(|error| file.io(error))?;
    let Some(bytes) = runs.get(id.0).map_err(|error| file.io(error))? else { return Ok(None) };
    let mut run: Run = codec::from_record(bytes.value()).map_err(|error| file.damaged(error))?;
    run.jobs = Arc::new(jobs(file, &transaction.open_table(JOBS).map_err(|error| file.io(error))?, id)?);
    Ok(Some(run))
}

pub(super) fn tries(file: &File, tenant: &Key) -> Result<TriesSeen, StoreError> {
    let transaction = file.begin_read()?;
    let runs = transaction.open_table(RUNS).map_err(|error| file.io(error))?;
    let jobs = transaction.open_table(JOBS).map_err(|error| file.io(error))?;
    let run_of = |bytes: &[u8]| codec::from_record::<Run>(bytes).map_err(|error| file.damaged(error));
    let key = key_text(tenant);
    let mut seen = TriesSeen::default();
    let mut oldest = None;
    for (n, row) in runs.iter().map_err(|error| file.io(error))?.rev().enumerate() {
        if n == TriesSeen::MOST_RUNS {
            seen.more = true;
            break;
        }
        let (id, head) = row.map_err(|error| file.io(error))?;
        if let Some(job) = jobs.get((id.value(), key.as_str())).map_err(|error| file.io(error))? {
            let job: Job = codec::from_record(job.value()).map_err(|error| file.damaged(error))?;
            seen.tries.push(Try::of(&run_of(head.value())?, tenant, job));
        }
        oldest = Some((id, head));
    }
    if let Some((id, head)) = oldest {
        seen.since = Some(run_of(head.value())?.started_at);
        // Numbers begin at 1.
        seen.forgotten = !seen.more && id.value() > 1;
    }
    Ok(seen)
}

pub(super) fn load(file: &File, stale_after_s: i64) -> Result<Fleet, StoreError> {
    let transaction = file.begin_read()?;
    let partners: Vec<Partner> = all(file, &transaction.open_table(PARTNERS).map_err(|error| file.io(error))?)?;
    let mut runs: Vec<Run> = all(file, &transaction.open_table(RUNS).map_err(|error| file.io(error))?)?;
    let tenants = tenants(file, &transaction)?;
    let catalog = names(file, &transaction)?;
    drop(transaction);
    if runs.iter().any(|run| run.state == RunState::Running) {
        let transaction = file.begin_write()?;
        for run in runs.iter_mut().filter(|run| run.state == RunState::Running) {
            let mut jobs = jobs(file, &transaction.open_table(JOBS).map_err(|error| file.io(error))?, run.id)?;
            let open = interrupt(run, &mut jobs);
            put_jobs(file, &transaction, &Run { jobs: Arc::new(jobs), ..run.clone() }, &open)?;
            put_run(file, &transaction, run)?;
        }
        file.commit(transaction, true)?;
    }
    let mut fleet = Fleet::new(partners, tenants, runs, stale_after_s);
    fleet.catalog = Arc::new(catalog);
    let mut room = JOBS_AT_ONCE;
    for id in fleet.runs_with_jobs().collect::<Vec<_>>() {
        let Some(rest) = fleet.runs.get(&id).and_then(|run| room.checked_sub(run.tenants)) else { continue };
        room = rest;
        if let Some(Run { jobs, .. }) = run(file, id)? {
            fleet.apply(&Change::Recalled { run: id, jobs });
        }
    }
    Ok(fleet)
}

/// Closes a run whose process ended before it did; answers its tenants that were not over.
fn interrupt(run: &mut Run, jobs: &mut Shared<Key, Job>) -> Vec<Key> {
    let last = jobs.values().filter_map(|job| job.log.last().map(|entry| entry.at).max(job.ended_at)).max();
    let at = last.map_or(run.started_at, |last| last.max(run.started_at));
    run.state = RunState::Interrupted;
    run.ended_at = Some(at);
    let open = jobs.iter().filter(|(_, job)| !job.state.is_over()).map(|(key, _)| key.clone()).collect();
    for job in jobs.those_mut(|job| !job.state.is_over()) {
        job.note(&Entry { at, step: Step::Cancelled });
        job.state = JobState::Cancelled;
        job.ended_at = Some(at);
        run.failed += 1;
    }
    open
}

pub(super) fn forget_runs_before(file: &File, time: Timestamp) -> Result<u64, StoreError> {
    let transaction = file.begin_write()?;
    let mut forgotten = 0;
    {
        let mut runs = transaction.open_table(RUNS).map_err(|error| file.io(error))?;
        let mut jobs = transaction.open_table(JOBS).map_err(|error| file.io(error))?;
        let last = runs.last().map_err(|error| file.io(error))?.map_or(0, |(id, _)| id.value());
        let old: Vec<RunId> = all::<u64, Run>(file, &runs)?
            .into_iter()
            // The newest run stays: its number must not come again.
            .filter(|run| run.id.0 != last && run.ended_at.is_some_and(|ended| ended < time))
            .map(|run| run.id)
            .collect();
        for run in old {
            runs.remove(run.0).map_err(|error| file.io(error))?;
            jobs.retain_in((run.0, "")..(run.0 + 1, ""), |_, _| false).map_err(|error| file.io(error))?;
            forgotten += 1;
        }
    }
    if forgotten > 0 {
        file.commit(transaction, true)?;
    } else {
        transaction.abort().map_err(|error| file.io(error))?;
    }
    Ok(forgotten)
}
