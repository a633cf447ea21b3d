//! What several tenants have in common, and what a tenant's licenses tell. Read off a fleet; nothing is guessed.

use jiff::{SignedDuration, Timestamp};

use super::{Fleet, SkuCount, Tenant};
use crate::failure::{Class, Failure};

/// Refusals that began within this of each other share their beginning.
pub const TOGETHER: SignedDuration = SignedDuration::from_mins(15);

/// Other tenants of a partner that are refused with the same code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Others {
    /// How many.
    pub tenants: u64,
    /// How many of them were first refused when this one was, within [`TOGETHER`].
    pub together: u64,
}

impl Fleet {
    /// Other tenants of the same partner that are refused with the same code, or with the same class where the answers
    /// had no code. Absent where this one is not refused.
    pub fn others_like(&self, tenant: &Tenant) -> Option<Others> {
        let failing = tenant.failing()?;
        let mut others = Others { tenants: 0, together: 0 };
        for other in self.tenants.values() {
            if other.key.partner != tenant.key.partner || other.key == tenant.key || other.gone_at.is_some() {
                continue;
            }
            let Some(theirs) = other.failing().filter(|theirs| is_same(&theirs.failure, &failing.failure)) else {
                continue;
            };
            others.tenants += 1;
            if theirs.since.duration_since(failing.since).abs() <= TOGETHER {
                others.together += 1;
            }
        }
        Some(others)
    }
}

fn is_same(a: &Failure, b: &Failure) -> bool {
    match (a.codes.first(), b.codes.first()) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a.class == b.class,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Beginnings of part numbers of products with Entra ID P1 or P2 in them, for SKUs whose service plans are not kept.
/// Rather one too many: a product that is taken for one with P1 only withholds a hint.
const WITH_PREMIUM: [&str; 15] = [
    "AAD_PREMIUM",
    "EMS",
    "SPE_",
    "SPB",
    "M365_F1",
    "M365_G",
    "M365EDU_",
    "MICROSOFT_365_E",
    "MICROSOFT_365_BUSINESS_PREMIUM",
    "MICROSOFT_ENTRA",
    "IDENTITY_THREAT_PROTECTION",
    "IDENTITY_GOVERNANCE",
    "INFORMATION_PROTECTION_COMPLIANCE",
    "O365_W_DEFENDER",
    "WIN_ENT_E5",
];

fn has_premium(sku: &SkuCount) -> Option<bool> {
    sku.premium.or_else(|| {
        let part = sku.part_number.as_deref()?.to_uppercase();
        Some(WITH_PREMIUM.iter().any(|begin| part.starts_with(begin)))
    })
}

impl Tenant {
    /// When its last good SKUs were read, if none of them has Entra ID P1: then it has no Conditional Access policies of
    /// its own (reference on Entra, section 11). Absent if one has it, if one cannot be told, or if none were ever read.
    pub fn without_premium(&self) -> Option<Timestamp> {
        let read_at = self.skus.good.as_ref()?.at;
        self.sku_counts.to_vec().iter().all(|sku| has_premium(sku) == Some(false)).then_some(read_at)
    }

    /// The same, where a refusal leaves open what in the tenant it was: a second factor, or a person, is demanded and no
    /// policy is named.
    pub fn no_policy_of_theirs(&self) -> Option<Timestamp> {
        let failure = &self.failing()?.failure;
        let open =
            matches!(failure.class, Class::MfaRequired | Class::InteractionRequiredUnknown | Class::SecurityDefaults);
        if open && failure.policies.is_empty() { self.without_premium() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Hop, Service};
    use std::sync::Arc;

    use crate::model::{DataSet, Failing, Good, Key, Packed, Prepaid, RunId, SnapshotId, TenantId};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minutes * 60).unwrap()
    }

    fn tenant(partner: &str, n: u128, code: Option<u32>, minutes: i64) -> Tenant {
        let key = Key { partner: partner.into(), tenant: TenantId::new(uuid::Uuid::from_u128(n)) };
        let mut tenant = Tenant::new(key, "x".into(), "x".into(), at(0));
        let mut failure = Failure::local(Class::MfaRequired, Service::Entra, Hop::Customer, "", at(minutes));
        failure.codes = code.into_iter().collect();
        tenant.users = DataSet {
            good: None,
            before: None,
            failing: Some(Arc::new(Failing { failure, since: at(minutes), tries: 1 })),
        };
        tenant
    }

    #[test]
    fn others_have_the_same_code_and_partner() {
        let gone = Tenant { gone_at: Some(at(9)), ..tenant("emea", 7, Some(50_076), 100) };
        let fleet = Fleet::new(
            [],
            [
                tenant("emea", 1, Some(50_076), 100),
                tenant("emea", 2, Some(50_076), 115),
                tenant("emea", 3, Some(50_076), 85),
                tenant("emea", 4, Some(50_076), 116),
                tenant("emea", 5, Some(50_079), 100),
                tenant("emea", 6, None, 100),
                gone,
                tenant("nordics", 8, Some(50_076), 100),
            ],
            [],
            1,
        );
        let others =
            |n: u128| fleet.tenants.values().find(|t| t.key.tenant.0.as_u128() == n).map(|t| fleet.others_like(t));
        assert_eq!(others(1), Some(Some(Others { tenants: 3, together: 2 })), "within 15 minutes, either side");
        assert_eq!(others(6), Some(Some(Others { tenants: 0, together: 0 })), "no code is not any code");
        let well = Tenant { users: DataSet::default(), ..tenant("emea", 9, None, 0) };
        assert_eq!(fleet.others_like(&well), None);
    }

    fn sku(part: Option<&str>, premium: Option<bool>) -> SkuCount {
        let part_number = part.map(Into::into);
        let prepaid = Prepaid::default();
        SkuCount { sku_id: None, part_number, applies_to: None, status: None, prepaid, consumed: None, premium }
    }

    #[test]
    fn only_known_licenses_rule_a_policy_out() {
        let with = |skus: Vec<SkuCount>, code: u32| {
            let mut tenant = tenant("emea", 1, Some(code), 0);
            tenant.skus.good = Some(Good { at: at(5), count: 1, snapshot: SnapshotId(1), run: RunId(1) });
            tenant.sku_counts = Packed::of(&skus);
            tenant
        };
        let told = |skus: Vec<SkuCount>| with(skus, 50_076).no_policy_of_theirs();
        assert_eq!(told(vec![sku(Some("STANDARDPACK"), None), sku(None, Some(false))]), Some(at(5)));
        assert_eq!(told(vec![]), Some(at(5)), "read, and there are none");
        assert_eq!(told(vec![sku(Some("STANDARDPACK"), Some(true))]), None, "the plans say more than the name");
        assert_eq!(told(vec![sku(Some("AAD_PREMIUM"), Some(false))]), Some(at(5)), "the plans say more than the name");
        for part in ["SPE_E3", "emspremium", "Microsoft_365_E5", "AAD_PREMIUM_P2", "SPB"] {
            assert_eq!(told(vec![sku(Some(part), None)]), None, "{part}");
        }
        assert_eq!(told(vec![sku(None, None)]), None, "it cannot be told");

        let mut never = with(vec![], 50_076);
        never.skus.good = None;
        assert_eq!(never.no_policy_of_theirs(), None, "SKUs were never read");
        let mut named = with(vec![], 50_076);
        if let Some(failing) = &mut named.users.failing {
            Arc::make_mut(failing).failure.policies = vec![uuid::Uuid::nil()];
        }
        assert_eq!(named.no_policy_of_theirs(), None, "the answer named a policy");
        let mut other = with(vec![], 53_003);
        if let Some(failing) = &mut other.users.failing {
            Arc::make_mut(failing).failure.class = Class::CapBlock;
        }
        assert_eq!(other.no_policy_of_theirs(), None, "the answer says that it is a policy");
    }
}
