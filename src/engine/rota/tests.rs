use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::failure::{Class, Failure, Hop, Service};
use crate::model::{Active, Failing, Good, Id, JobState, Pause, RunId, SnapshotId};

const HOUR: i64 = 3_600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000 * HOUR + seconds).unwrap()
}

fn rota(partners: &[&str]) -> Rota {
    let partners = partners.iter().map(|name| PartnerName::from(*name)).collect();
    Rota::new(at(0), SignedDuration::from_hours(1), partners).unwrap()
}

/// Partners, and seconds at which somebody looks with whose turn it is then.
type Turns<'a> = (&'a [&'a str], &'a [(i64, &'a str)]);
/// What makes a blocked tenant another case.
type Made = fn(&mut Tenant);

#[test]
fn partners_take_turns_and_each_has_one_in_a_period() {
    let cases: [Turns<'_>; 6] = [
        (&["a"], &[(0, ""), (3_599, ""), (3_600, "a"), (3_601, ""), (7_199, ""), (7_200, "a")]),
        (&["a", "b"], &[(1_799, ""), (1_800, "a"), (3_600, "b"), (5_400, "a"), (7_200, "b")]),
        // A turn that comes late puts the others off: never two of one partner within a period.
        (&["a"], &[(3_700, "a"), (7_200, ""), (7_299, ""), (7_300, "a")]),
        // Many turns were slept through.
        (&["a", "b"], &[(1_800, "a"), (40_000, "b"), (40_001, ""), (41_800, "a"), (43_600, "b")]),
        // A clock that was set back brings no turn anew, and puts none off for longer than a turn.
        (&["a"], &[(3_600, "a"), (10, ""), (3_609, ""), (3_610, "a")]),
        (&["a", "b", "c"], &[(1_300, "a"), (2_500, "b"), (3_700, "c"), (4_900, "a")]),
    ];
    for (partners, looks) in cases {
        let mut rota = rota(partners);
        for (seconds, whose) in looks {
            let wanted = (!whose.is_empty()).then(|| PartnerName::from(*whose));
            assert_eq!(rota.due(at(*seconds)), wanted, "{partners:?} at {seconds}");
        }
    }
}

#[test]
fn a_wake_up_is_for_a_turn_and_there_is_none_if_it_is_off() {
    assert_eq!(rota(&["a"]).wait(at(0)), SignedDuration::from_secs(3_600));
    assert_eq!(rota(&["a", "b"]).wait(at(100)), SignedDuration::from_secs(1_700));
    assert_eq!(rota(&["a", "b"]).wait(at(9_000)), SignedDuration::ZERO);
    let mut rota = rota(&["a", "b", "c", "d", "e", "f", "g"]);
    let mut now = at(0);
    for turn in 0..100 {
        assert_eq!(rota.due(now).is_some(), turn > 0, "turn {turn}");
        now = now.checked_add(rota.wait(now)).unwrap();
    }
    assert!(Rota::new(at(0), SignedDuration::ZERO, vec!["a".into()]).is_none());
    assert!(Rota::new(at(0), SignedDuration::from_hours(1), Vec::new()).is_none());
}

fn refused(class: Class, service: Service) -> Failing {
    Failing {
        failure: Failure::local(class, service, Hop::Customer, "no", at(-9 * HOUR)),
        since: at(-9 * HOUR),
        tries: 1,
    }
}

#[test]
fn whoever_is_shut_out_by_their_own_side_is_probed() {
    let blocked = || Some(refused(Class::CapBlock, Service::Entra));
    let cases: [(&str, bool, Made); 13] = [
        ("blocked", true, |_| {}),
        ("no consent", true, |t| both(t, Class::ConsentMissing, Service::Entra)),
        ("kept by an old version", true, |t| both(t, Class::CapBlock, Service::Unknown)),
        ("a role is missing behind the sign-in", false, |t| both(t, Class::GraphForbidden, Service::Graph)),
        ("our own secret", false, |t| both(t, Class::ClientCredential, Service::Entra)),
        ("a passing fault", false, |t| both(t, Class::Transient, Service::Entra)),
        ("well", false, |t| (t.users.failing, t.skus.failing) = (None, None)),
        ("the SKUs alone", false, |t| t.users.failing = None),
        ("gone", false, |t| t.gone_at = Some(at(0))),
        ("paused", false, |t| {
            t.pause = Some(Box::new(Pause { by: "x".into(), reason: "y".into(), at: at(0), until: at(9 * HOUR) }));
        }),
        ("in a run", false, |t| {
            t.active = Some(Active { run: RunId(7), state: JobState::Queued, step: None, since: at(0) });
        }),
        ("tried a quarter ago", false, |t| t.tried_at = Some(at(HOUR - 900))),
        ("tried in the turn before", true, |t| t.tried_at = Some(at(20))),
    ];
    let mut fleet = Fleet::default();
    fleet.stale_after_s = 26 * HOUR;
    for (n, (name, _, made)) in (1_u128..).zip(&cases) {
        let key = Key { partner: "emea".into(), tenant: Id::new(Uuid::from_u128(n)) };
        let mut tenant = Tenant::new(key.clone(), (*name).into(), "t".into(), at(-99 * HOUR));
        let good = Good { at: at(-10 * HOUR), count: 9, snapshot: SnapshotId(1), run: RunId(1) };
        (tenant.users.good, tenant.skus.good) = (Some(good.clone()), Some(good));
        (tenant.users.failing, tenant.skus.failing) = (blocked().map(Arc::new), blocked().map(Arc::new));
        tenant.tried_at = Some(at(-9 * HOUR));
        made(&mut tenant);
        fleet.tenants.insert(key, tenant);
    }
    let rota = rota(&["emea", "nordics"]);
    let got: Vec<&str> =
        rota.tenants(&fleet, &"emea".into(), at(HOUR)).iter().map(|key| fleet.tenants[key].title()).collect();
    let wanted: Vec<&str> = cases.iter().filter(|(_, wanted, _)| *wanted).map(|(name, _, _)| *name).collect();
    assert_eq!(got, wanted);
    assert!(rota.tenants(&fleet, &"nordics".into(), at(HOUR)).is_empty());
}

fn both(tenant: &mut Tenant, class: Class, service: Service) {
    let failing = Some(Arc::new(refused(class, service)));
    (tenant.users.failing, tenant.skus.failing) = (failing.clone(), failing);
}
