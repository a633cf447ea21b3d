//! The tries of a tenant are found in every run that is kept.

use jiff::{SignedDuration, Timestamp};

use super::{Store, key, store_at};
use crate::failure::{Class, Failure, Hop, Service};
use crate::model::{Entry, Job, JobState, Key, Run, RunId, RunKind, RunState, Set, Step, Totals, TriesSeen};

fn hour(n: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_hours(n.try_into().unwrap())).unwrap()
}

/// Keeps a run with these tenants, one for each hour.
fn keep(store: &mut Store, tenants: &[u8]) -> RunId {
    let run = one(store.next_run(), tenants);
    let keys: Vec<Key> = run.jobs.keys().cloned().collect();
    let mut batch = store.batch().unwrap();
    batch.put_run(&run).unwrap();
    batch.put_jobs(&run, &keys).unwrap();
    batch.commit(false).unwrap();
    run.id
}

fn one(id: RunId, tenants: &[u8]) -> Run {
    let job = |n: u8| {
        let mut job = Job::queued(Some(u64::from(n)));
        let step = Step::Saved { set: Set::Users, rows: id.0, before: None };
        job.note(&Entry { at: hour(id.0), step });
        job.state = JobState::Ok;
        (key(n), job)
    };
    let failure = Failure::local(Class::Network, Service::Entra, Hop::Partner, "made up", hour(id.0));
    Run {
        id,
        kind: RunKind::Failed,
        by: "akim".into(),
        reason: Some("a reason".into()),
        started_at: hour(id.0),
        ended_at: Some(hour(id.0)),
        state: RunState::Done,
        refused: vec![("other".into(), failure.clone()), ("emea".into(), failure)],
        tenants: tenants.len() as u64,
        ok: 0,
        failed: 0,
        totals: Totals::default(),
        selling: None,
        jobs: std::sync::Arc::new(tenants.iter().map(|n| job(*n)).collect()),
    }
}

fn runs(seen: &TriesSeen) -> Vec<u64> {
    seen.tries.iter().map(|one| one.run.0).collect()
}

#[test]
fn only_runs_that_had_the_tenant_are_tries_the_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let reader = store.reader();
    assert_eq!(reader.tries(&key(1)).unwrap(), TriesSeen::default(), "no run yet");
    for tenants in [&[1, 2][..], &[2], &[], &[1], &[1, 2, 3]] {
        keep(&mut store, tenants);
    }
    let seen = reader.tries(&key(1)).unwrap();
    assert_eq!(runs(&seen), [5, 4, 1]);
    assert_eq!((seen.since, seen.more, seen.forgotten), (Some(hour(1)), false, false));
    let newest = &seen.tries[0];
    assert_eq!(
        (newest.kind, newest.by.as_str(), newest.reason.as_deref()),
        (RunKind::Failed, "akim", Some("a reason"))
    );
    assert_eq!((newest.run_at, &newest.job), (hour(5), &one(RunId(5), &[1]).jobs[&key(1)]));
    assert_eq!(newest.refused.as_ref().map(|failure| failure.class), Some(Class::Network), "of its own partner");
    assert_eq!(runs(&reader.tries(&key(2)).unwrap()), [5, 2, 1]);
    assert_eq!(runs(&reader.tries(&key(9)).unwrap()), [0; 0]);

    store.forget_runs_before(hour(4)).unwrap();
    let seen = reader.tries(&key(1)).unwrap();
    assert_eq!((runs(&seen), seen.since, seen.forgotten), (vec![5, 4], Some(hour(4)), true));
}

#[test]
fn no_more_runs_are_looked_through_than_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let most = TriesSeen::MOST_RUNS as u64;
    keep(&mut store, &[1, 2]);
    for _ in 1..most {
        keep(&mut store, &[1]);
    }
    let seen = store.reader().tries(&key(2)).unwrap();
    assert_eq!((runs(&seen), seen.more), (vec![1], false));
    keep(&mut store, &[1]);
    let seen = store.reader().tries(&key(2)).unwrap();
    assert_eq!((runs(&seen), seen.more, seen.since), (vec![], true, Some(hour(2))));
    assert_eq!(store.reader().tries(&key(1)).unwrap().tries.len() as u64, most);
}
