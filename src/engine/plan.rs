use std::collections::{BTreeMap, BTreeSet};

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
        Scope::Failed(_) => {
            of(fleet, partner, |tenant| open(tenant) && (tenant.failing().is_some() || tenant.good_at().is_none()))
        }
    }
}

/// Which tenant is read before which: first those without good data or with stale ones, longest waiting first. The
/// others in the order of their ids, which mixes large and small, so that both the line and the processor are busy; but
/// whoever needs long begins early enough to end with the rest, since pages of one tenant come one after another.
pub(super) fn order(planned: &mut [Planned], fleet: &Fleet, now: Timestamp, at_once: u32) {
    let rounds = |planned: &Planned| 3 + planned.users_before.unwrap_or_default() / PAGE;
    let all: u64 = planned.iter().map(rounds).sum();
    let of_run = all / u64::from(at_once.max(1));
    let mut before = 0;
    let mut starts = BTreeMap::new();
    for one in &*planned {
        let natural = before / u64::from(at_once.max(1));
        before += rounds(one);
        starts.insert(one.key.clone(), natural.min(of_run.saturating_sub(rounds(one))));
    }
    planned.sort_by_cached_key(|planned| {
        let good = fleet.tenants.get(&planned.key).and_then(Tenant::good_at);
        let fresh = good.is_some_and(|at| now.duration_since(at).as_secs() <= fleet.stale_after_s);
        (fresh, good.filter(|_| !fresh), starts.get(&planned.key).copied(), planned.key.clone())
    });
}

fn of(fleet: &Fleet, partner: &PartnerName, wanted: impl Fn(&Tenant) -> bool) -> Vec<Key> {
    fleet
        .tenants
        .values()
        .filter(|tenant| tenant.key.partner == *partner && wanted(tenant))
        .map(|tenant| tenant.key.clone())
        .collect()
}
