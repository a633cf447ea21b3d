use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Failing, PartnerName, Tenant};
use crate::failure::Class;

/// Refusals that begin closer together than this, in minutes, are links of one chain: a nightly run goes on for a while.
const LINK: i64 = 10;
/// The fewest tenants of a burst, and the least share of a partner's customers, in hundredths.
const FEWEST: u64 = 5;
const LEAST_SHARE: u64 = 4;

/// A refusal of both data sets of a tenant, as its spread is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) class: Class,
    /// The minute in which it began, of a tenant that was read before: one that never was tells nothing of a change.
    begun: Option<i64>,
}

impl Refusal {
    /// How a tenant is refused; absent if one of its data sets is not, or if it is no customer any more.
    pub(super) fn of(tenant: &Tenant) -> Option<Self> {
        let failing = tenant.users.failing.as_ref().filter(|_| tenant.gone_at.is_none())?;
        tenant.skus.failing.as_ref()?;
        let worked = tenant.users.good.is_some() || tenant.skus.good.is_some();
        let begun = worked.then(|| failing.since.as_second().div_euclid(60));
        Some(Self { class: failing.failure.class, begun })
    }
}

/// One class of refusal that began at many customers of one partner within minutes of each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Burst {
    /// Whose customers.
    pub partner: PartnerName,
    /// With what they are refused.
    pub class: Class,
    /// When the first of them began, to the minute.
    pub from: Timestamp,
    /// When the last of them began, to the minute.
    pub to: Timestamp,
    /// How many.
    pub tenants: u64,
}

impl Burst {
    /// Whether a refusal began within it.
    pub fn began(&self, failing: &Failing) -> bool {
        let minute = |at: Timestamp| at.as_second().div_euclid(60);
        (minute(self.from)..=minute(self.to)).contains(&minute(failing.since))
    }
}

/// How refusals spread over the customers of partners (reference on Entra, section 5): the same sign-in and app are used
/// everywhere, so that spread tells the owner better than the number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Spread(BTreeMap<(PartnerName, Class), Met>);

/// Who meets a class of refusal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Met {
    tenants: u64,
    /// How many began in a minute.
    begun: BTreeMap<i64, u64>,
}

impl Met {
    /// The chain that a minute belongs to: first and last minute, and how many tenants.
    fn chain(&self, minute: i64) -> (i64, i64, u64) {
        let mut tenants = self.begun.get(&minute).copied().unwrap_or(0);
        let (mut from, mut to) = (minute, minute);
        for (next, n) in self.begun.range(minute + 1..) {
            if next - to > LINK {
                break;
            }
            to = *next;
            tenants += n;
        }
        for (next, n) in self.begun.range(..minute).rev() {
            if from - next > LINK {
                break;
            }
            from = *next;
            tenants += n;
        }
        (from, to, tenants)
    }
}

/// Whether so many of a partner's customers are no coincidence.
const fn is_many(tenants: u64, listed: u64) -> bool {
    tenants >= FEWEST && tenants * 100 >= listed * LEAST_SHARE
}

impl Spread {
    /// A tenant of a partner is refused otherwise than before.
    pub(super) fn count(&mut self, partner: &PartnerName, before: Option<Refusal>, after: Option<Refusal>) {
        if before == after {
            return;
        }
        for (refusal, comes) in [(before, false), (after, true)] {
            let Some(refusal) = refusal else { continue };
            let whose = (partner.clone(), refusal.class);
            let met = self.0.entry(whose.clone()).or_default();
            let change = |n: &mut u64| *n = if comes { *n + 1 } else { n.saturating_sub(1) };
            change(&mut met.tenants);
            if let Some(minute) = refusal.begun {
                let begun = met.begun.entry(minute).or_default();
                change(begun);
                if *begun == 0 {
                    met.begun.remove(&minute);
                }
            }
            if met.tenants == 0 {
                self.0.remove(&whose);
            }
        }
    }

    /// How many tenants of a partner are refused with a class.
    pub(super) fn with(&self, partner: &PartnerName, class: Class) -> u64 {
        self.0.get(&(partner.clone(), class)).map_or(0, |met| met.tenants)
    }

    /// Whether a refusal is part of a burst.
    pub(super) fn is_burst(&self, partner: &PartnerName, refusal: Refusal, listed: u64) -> bool {
        let Some(met) = self.0.get(&(partner.clone(), refusal.class)) else { return false };
        met.tenants >= FEWEST && refusal.begun.is_some_and(|minute| is_many(met.chain(minute).2, listed))
    }

    /// All bursts, the newest first.
    pub(super) fn bursts(&self, listed: impl Fn(&PartnerName) -> u64) -> Vec<Burst> {
        let mut bursts = Vec::new();
        for ((partner, class), met) in &self.0 {
            let mut minutes = met.begun.keys().copied();
            let mut next = minutes.next();
            while let Some(minute) = next {
                let (from, to, tenants) = met.chain(minute);
                if is_many(tenants, listed(partner)) {
                    let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap_or(Timestamp::UNIX_EPOCH);
                    let (partner, class) = (partner.clone(), *class);
                    bursts.push(Burst { partner, class, from: at(from), to: at(to), tenants });
                }
                next = minutes.find(|minute| *minute > to);
            }
        }
        bursts.sort_by(|a, b| b.from.cmp(&a.from).then_with(|| b.tenants.cmp(&a.tenants)));
        bursts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(begun: &[Option<i64>]) -> Spread {
        let mut spread = Spread::default();
        for begun in begun {
            spread.count(&"emea".into(), None, Some(Refusal { class: Class::MfaRequired, begun: *begun }));
        }
        spread
    }

    /// Bursts as first and last minute and how many, of a partner with so many customers.
    fn bursts(spread: &Spread, listed: u64) -> Vec<(i64, i64, u64)> {
        let minute = |at: Timestamp| at.as_second() / 60;
        spread.bursts(|_| listed).iter().map(|burst| (minute(burst.from), minute(burst.to), burst.tenants)).collect()
    }

    #[test]
    fn many_that_begin_together_are_a_burst() {
        let at = |minutes: &[i64]| minutes.iter().map(|minute| Some(*minute)).collect::<Vec<_>>();
        assert_eq!(bursts(&spread(&at(&[100, 101, 105, 109, 109, 119])), 140), [(100, 119, 6)]);
        assert_eq!(bursts(&spread(&at(&[100, 101, 105, 109])), 140), [], "four are a coincidence");
        assert_eq!(bursts(&spread(&at(&[100, 101, 105, 109, 110])), 140), [], "5 of 140 are too few");
        assert_eq!(bursts(&spread(&at(&[100, 101, 105, 109, 110])), 100), [(100, 110, 5)]);
        let days = [1_440, 2_880, 4_320, 5_760, 7_200, 8_640];
        assert_eq!(bursts(&spread(&at(&days)), 100), [], "one a day is no burst");
        let two = [&[100; 6][..], &[9_000; 7]].concat();
        assert_eq!(bursts(&spread(&at(&two)), 100), [(9_000, 9_000, 7), (100, 100, 6)], "the newest first");
        assert_eq!(bursts(&spread(&[None; 50]), 100), [], "those that never worked say nothing");
    }

    #[test]
    fn a_tenant_is_part_of_the_burst_that_it_began_with() {
        let mut spread = spread(&[Some(100), Some(103), Some(104), Some(104), Some(105), Some(105), Some(5_000)]);
        let is = |spread: &Spread, minute| {
            let refusal = Refusal { class: Class::MfaRequired, begun: Some(minute) };
            spread.is_burst(&"emea".into(), refusal, 140)
        };
        assert!(is(&spread, 100) && is(&spread, 105));
        assert!(!is(&spread, 5_000), "it began alone");
        let gone = Some(Refusal { class: Class::MfaRequired, begun: Some(104) });
        spread.count(&"emea".into(), gone, None);
        assert!(!is(&spread, 100), "one was read again, and five of 140 are too few");
        assert_eq!(spread.with(&"emea".into(), Class::MfaRequired), 6);
    }
}
