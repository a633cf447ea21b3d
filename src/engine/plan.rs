use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::{Fleet, Key, PartnerName, RunKind, Scope, Tenant};

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

fn of(fleet: &Fleet, partner: &PartnerName, wanted: impl Fn(&Tenant) -> bool) -> Vec<Key> {
    fleet
        .tenants
        .values()
        .filter(|tenant| tenant.key.partner == *partner && wanted(tenant))
        .map(|tenant| tenant.key.clone())
        .collect()
}
