use std::collections::BTreeMap;

use jiff::Timestamp;
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use serde::de::DeserializeOwned;

use super::{File, StoreError, batch, codec};
use crate::model::{
    Entry, Fleet, Job, JobState, Key, Partner, PartnerName, Run, RunId, RunState, Step, Tenant, TenantId, TriesSeen,
    Try, with_jobs,
};

/// Key to a tenant.
pub(super) const TENANTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("tenants");
const PARTNERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("partners");
/// Number to a run without its tenants.
pub(super) const RUNS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("runs");
/// (run, key) to a part of a run.
const JOBS: TableDefinition<'_, (u64, &str), &[u8]> = TableDefinition::new("jobs");

/// Makes every table, so that readers find them.
pub(super) fn create_tables(file: &File, transaction: &WriteTransaction) -> Result<(), StoreError> {
    let made = || -> Result<(), redb::TableError> {
        transaction.open_table(TENANTS)?;
        transaction.open_table(PARTNERS)?;
        transaction.open_table(RUNS)?;
        transaction.open_table(JOBS)?;
        transaction.open_table(batch::CATALOG)?;
        transaction.open_table(batch::USERS)?;
        transaction.open_table(batch::SEARCH)?;
        transaction.open_table(batch::SKUS)?;
        Ok(())
    };
    made().map_err(|error| file.damaged(error))
}

fn key_text(key: &Key) -> String {
    format!("{}\0{}", key.partner, key.tenant)
}

fn key_of(text: &str) -> Option<Key> {
    let (partner, tenant) = text.split_once('\0')?;
    let tenant: TenantId = tenant.parse().ok()?;
    Some(Key { partner: PartnerName::from(partner), tenant })
}

pub(super) fn put_tenant(file: &File, transaction: &WriteTransaction, tenant: &Tenant) -> Result<(), StoreError> {
    let bytes = if tenant.active.is_some() {
        codec::record(&Tenant { active: None, ..tenant.clone() })
    } else {
        codec::record(tenant)
    };
    let bytes = bytes.map_err(|error| file.io(error))?;
    let mut table = transaction.open_table(TENANTS).map_err(|error| file.io(error))?;
    table.insert(key_text(&tenant.key).as_str(), bytes.as_slice()).map_err(|error| file.io(error))?;
    Ok(())
}

pub(super) fn put_partner(file: &File, transaction: &WriteTransaction, partner: &Partner) -> Result<(), StoreError> {
    let bytes = codec::record(partner).map_err(|error| file.io(error))?;
    let mut table = transaction.open_table(PARTNERS).map_err(|error| file.io(error))?;
    table.insert(partner.name.0.as_str(), bytes.as_slice()).map_err(|error| file.io(error))?;
    Ok(())
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
        jobs: BTreeMap::new(),
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

fn jobs(
    file: &File,
    table: &impl ReadableTable<(u64, &'static str), &'static [u8]>,
    run: RunId,
) -> Result<BTreeMap<Key, Job>, StoreError> {
    let mut out = BTreeMap::new();
    for row in table.range((run.0, "")..(run.0 + 1, "")).map_err(|error| file.io(error))? {
        let (key, value) = row.map_err(|error| file.io(error))?;
        let job = codec::from_record(value.value()).map_err(|error| file.damaged(error))?;
        if let Some(key) = key_of(key.value().1) {
            out.insert(key, job);
        }
    }
    Ok(out)
}

pub(super) fn run(file: &File, id: RunId) -> Result<Option<Run>, StoreError> {
    let transaction = file.begin_read()?;
    let runs = transaction.open_table(RUNS).map_err(|error| file.io(error))?;
    let Some(bytes) = runs.get(id.0).map_err(|error| file.io(error))? else { return Ok(None) };
    let mut run: Run = codec::from_record(bytes.value()).map_err(|error| file.damaged(error))?;
    run.jobs = jobs(file, &transaction.open_table(JOBS).map_err(|error| file.io(error))?, id)?;
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
    let transaction = file.begin_write()?;
    let (partners, tenants, mut runs): (Vec<Partner>, Vec<Tenant>, Vec<Run>) = {
        let partners = transaction.open_table(PARTNERS).map_err(|error| file.io(error))?;
        let tenants = transaction.open_table(TENANTS).map_err(|error| file.io(error))?;
        let runs = transaction.open_table(RUNS).map_err(|error| file.io(error))?;
        (all(file, &partners)?, all(file, &tenants)?, all(file, &runs)?)
    };
    let mut closed = false;
    let kept = with_jobs(runs.iter().rev().map(|run| (run.id, run.kind)));
    for run in &mut runs {
        let was_running = run.state == RunState::Running;
        if was_running || kept.contains(&run.id) {
            let table = transaction.open_table(JOBS).map_err(|error| file.io(error))?;
            run.jobs = jobs(file, &table, run.id)?;
        }
        if was_running {
            closed = true;
            let open = interrupt(run);
            put_jobs(file, &transaction, run, &open)?;
            put_run(file, &transaction, run)?;
            if !kept.contains(&run.id) {
                run.jobs = BTreeMap::new();
            }
        }
    }
    if closed {
        file.commit(transaction, true)?;
    } else {
        transaction.abort().map_err(|error| file.io(error))?;
    }
    Ok(Fleet::new(partners, tenants, runs, stale_after_s))
}

/// Closes a run whose process ended before it did; answers its tenants that were not over.
fn interrupt(run: &mut Run) -> Vec<Key> {
    let last = run.jobs.values().filter_map(|job| job.log.last().map(|entry| entry.at).max(job.ended_at)).max();
    let at = last.map_or(run.started_at, |last| last.max(run.started_at));
    run.state = RunState::Interrupted;
    run.ended_at = Some(at);
    let mut open = Vec::new();
    for (key, job) in &mut run.jobs {
        if !job.state.is_over() {
            job.note(&Entry { at, step: Step::Cancelled });
            job.state = JobState::Cancelled;
            job.ended_at = Some(at);
            run.failed += 1;
            open.push(key.clone());
        }
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
