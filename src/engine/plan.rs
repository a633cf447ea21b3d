use std::collections::BTreeSet;

use jiff::Timestamp;

use super::report::Planned;
use crate::model::{Fleet, Key, PartnerName, RunKind, Scope, Tenant};

/// Users of a page, at least: Graph's default.
const PAGE: u64 = 100;

/// What kind of run a scope makes.
pub(super) fn kind(scope: &Scope) -> RunKind {
    match scope {
        Scope::Tenants(_) => RunKind::Rerun,
        Scope::All(_) => RunKind::All,
        Scope::Failed(_) => RunKind::Failed,
    }
}

/// Which partners a scope concerns, of those that are configured.
pub(super) fn partners<'a>(scope: &Scope, configured: impl Iterator<Item = &'a PartnerName>) -> BTreeSet<PartnerName> {
    configured
        .filter(|name| match scope {
            Scope::Tenants(keys) => keys.iter().any(|key| key.partner == **name),
            Scope::All(None) | Scope::Failed(None) => true,
            Scope::All(Some(only)) | Scope::Failed(Some(only)) => only == *name,
        })
        .cloned()
        .collect()
}

/// Which tenants of a partner a scope means now, whether or not another run holds them.
pub(super) fn tenants(fleet: &Fleet, scope: &Scope, partner: &PartnerName, now: Timestamp) -> Vec<Key> {
    let open =
        |tenant: &Tenant| tenant.gone_at.is_none() && tenant.pause.as_ref().is_none_or(|pause| pause.until <= now);
    match scope {
        Scope::Tenants(keys) => {
            let mut seen = BTreeSet::new();
            keys.iter()
                .filter(|key| key.partner == *partner && fleet.tenants.contains_key(*key) && seen.insert(*key))
                .cloned()
                .collect()
        }
        Scope::All(_) => of(fleet, partner, open),
        Scope::Failed(_) => of(fleet, partner, |tenant| open(tenant) && tenant.is_due()),
    }
}

/// Which tenant is read before which: first those without good data or with stale ones, longest waiting first. The
/// others in the order of their ids, which mixes large and small, so that both the line and the processor are busy; but
/// whoever needs long begins early enough to end with the rest, since pages of one tenant come one after another.
pub(super) fn order(mut planned: Vec<Planned>, fleet: &Fleet, now: Timestamp, at_once: u32) -> Vec<Planned> {
    planned.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    let at_once = u64::from(at_once.max(1));
    let rounds = |planned: &Planned| 3 + planned.users_before.unwrap_or_default() / PAGE;
    let of_run = planned.iter().map(rounds).sum::<u64>() / at_once;
    let mut before = 0;
    let mut dated: Vec<_> = planned
        .into_iter()
        .map(|planned| {
            let start = (before / at_once).min(of_run.saturating_sub(rounds(&planned)));
            before += rounds(&planned);
            let good = fleet.tenants.get(&planned.key).and_then(Tenant::good_at);
            let fresh = good.is_some_and(|at| now.duration_since(at).as_secs() <= fleet.stale_after_s);
            ((fresh, good.filter(|_| !fresh), start), planned)
        })
        .collect();
    dated.sort_by_key(|(date, _)| *date);
    dated.into_iter().map(|(_, planned)| planned).collect()
}

fn of(fleet: &Fleet, partner: &PartnerName, wanted: impl Fn(&Tenant) -> bool) -> Vec<Key> {
    fleet
        .tenants
        .values()
        .filter(|tenant| tenant.key.partner == *partner && wanted(tenant))
        .map(|tenant| tenant.key.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;
    use uuid::Uuid;

    use super::*;
    use crate::model::{Good, Id, RunId, SnapshotId};

    #[test]
    fn who_waits_is_first_and_who_needs_long_begins_early() {
        const HOUR: i64 = 3600;
        let now = Timestamp::from_second(1_000 * HOUR).unwrap();
        let mut fleet = Fleet::default();
        fleet.stale_after_s = 26 * HOUR;
        let mut planned = Vec::new();
        // Ages in hours of the last good data and users in it, by id.
        let known = [(7, 40), (7, 40), (40, 10), (7, 40), (7, 3_000), (0, 0), (50, 10), (7, 40), (7, 40), (7, 40)];
        for (n, (age, users)) in known.into_iter().enumerate() {
            let key = Key { partner: "emea".into(), tenant: Id::new(Uuid::from_u128(n as u128)) };
            let mut tenant = Tenant::new(key.clone(), "T".into(), "t".into(), now);
            if age > 0 {
                let at = Timestamp::from_second((1_000 - age) * HOUR).unwrap();
                let good = Good { at, count: users, snapshot: SnapshotId(1), run: RunId(1) };
                (tenant.users.good, tenant.skus.good) = (Some(good.clone()), Some(good));
            }
            let users_before = tenant.users.good.as_ref().map(|good| good.count);
            planned.push(Planned {
                key: key.clone(),
                cancel: CancellationToken::new(),
                users_before,
                skus_before: None,
                sold: None,
            });
            fleet.tenants.insert(key, tenant);
        }
        planned.reverse();
        let order = order(planned, &fleet, now, 2);
        let ids: Vec<u128> =
            order.iter().map(|one| one.key.tenant.to_string().parse::<Uuid>().unwrap().as_u128()).collect();
        assert_eq!(ids, [5, 6, 2, 0, 4, 1, 3, 7, 8, 9], "never, oldest, stale; then by id, the long one early");
    }
}
