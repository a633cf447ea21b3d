use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::failure::{Again, Cap, Class, Failure, Hop, Owner, Service};
use crate::model::{
    Change, Customer, Failing, Good, HeldBack, Prepaid, RunId, SetOutcome, SnapshotId, TenantId, Totals,
};

/// Anybody gets it for nothing.
const FREE: u128 = 0xf30d_b892_07e9_47e9_837c_8072_7f46_fd3d;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + hours * 3_600).unwrap()
}

fn key(n: u128) -> Key {
    Key { partner: if n < 100 { "emea" } else { "apac" }.into(), tenant: TenantId::new(Uuid::from_u128(n)) }
}

fn sku_id(n: u128) -> SkuId {
    SkuId::new(Uuid::from_u128(n))
}

fn sku(n: u128, purchased: i64, assigned: i64) -> SkuCount {
    SkuCount {
        sku_id: Some(sku_id(n)),
        part_number: Some(format!("PART_{n}").into()),
        applies_to: Some("User".into()),
        status: Some("Enabled".into()),
        prepaid: Prepaid { enabled: Some(purchased), suspended: Some(0), warning: Some(0), locked_out: Some(0) },
        consumed: Some(assigned),
        premium: None,
    }
}

fn good(hours: i64) -> Good {
    Good { at: at(hours), count: 1, snapshot: SnapshotId(1), run: RunId(1) }
}

/// A tenant whose SKUs, and whose users if some are given, were read in hour 0.
fn tenant(n: u128, skus: &[SkuCount], held: Option<&[(u128, u64)]>) -> Tenant {
    let mut tenant = Tenant::new(key(n), format!("Tenant {n}").into(), "".into(), at(-9));
    tenant.skus.good = Some(good(0));
    tenant.sku_counts = Packed::of(skus);
    if let Some(held) = held {
        tenant.users.good = Some(good(0));
        tenant.held = Packed::of(&held.iter().map(|(id, n)| (sku_id(*id), *n)).collect::<Vec<_>>());
    }
    tenant
}

fn products(tenants: &[Tenant]) -> Vec<Product> {
    let mut licenses = FleetLicenses::default();
    licenses.update(tenants);
    licenses.products(&Catalog::default(), |_| true)
}

fn failing() -> Arc<Failing> {
    let failure = Failure {
        class: Class::CapBlock,
        cap: Cap::Yes,
        owner: Owner::CustomerAdmin,
        again: Again::No,
        hop: Hop::Customer,
        service: Service::Entra,
        codes: vec![53_003],
        policies: vec![],
        control: None,
        error: None,
        suberror: None,
        correlation_id: None,
        trace_id: None,
        client_request_id: None,
        status: Some(400),
        at: at(1),
        raw: String::new(),
    };
    Arc::new(Failing { failure, since: at(1), tries: 1 })
}

#[test]
fn waste_and_want_of_two_tenants_do_not_cancel_out() {
    let all = products(&[tenant(1, &[sku(7, 10, 4)], Some(&[(7, 4)])), tenant(2, &[sku(7, 5, 11)], Some(&[(7, 10)]))]);
    let [one] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((one.customers, one.purchased, one.assigned), (2, Some(15), Some(15)));
    assert_eq!((one.unassigned, one.spare_in, one.over, one.over_in), (Some(6), 1, Some(6), 1));
    assert_eq!((one.held, one.unknown, one.unlisted, one.waste()), (Some(14), 0, 0, 6));
}

#[test]
fn what_is_not_told_is_counted_apart_and_is_no_zero() {
    let mut untold = sku(7, 10, 4);
    untold.consumed = None;
    let mut grace = sku(7, 10, 4);
    grace.prepaid.warning = None;
    let all = products(&[
        tenant(1, &[untold.clone()], None),
        tenant(2, &[grace], None),
        tenant(3, &[sku(7, 3, 1)], None),
        tenant(4, &[sku(8, 0, 0)], Some(&[(7, 2)])),
    ]);
    let seven = all.iter().find(|product| product.key == ProductKey::Sku(sku_id(7))).unwrap();
    assert_eq!((seven.customers, seven.unknown, seven.unlisted), (4, 2, 1));
    assert_eq!((seven.purchased, seven.assigned, seven.unassigned), (Some(13), Some(5), Some(2)));
    assert_eq!(seven.held, Some(2), "only one tenant's users were ever read");
    let only = products(&[tenant(1, &[untold], None)]);
    assert_eq!((only[0].purchased, only[0].assigned, only[0].unassigned, only[0].over), (Some(10), None, None, None));
    assert_eq!(only[0].held, None);
}

#[test]
fn a_product_that_users_hold_and_no_sku_lists_is_there() {
    let all = products(&[tenant(1, &[], Some(&[(9, 3)]))]);
    assert_eq!((all[0].customers, all[0].unlisted, all[0].unknown, all[0].held), (1, 1, 0, Some(3)));
    assert_eq!((all[0].purchased, all[0].company), (None, false));
}

#[test]
fn who_was_never_read_or_is_gone_is_in_no_sum() {
    let mut gone = tenant(1, &[sku(7, 10, 4)], Some(&[(7, 4)]));
    gone.gone_at = Some(at(1));
    let mut unread = tenant(2, &[], Some(&[(7, 4)]));
    unread.skus.good = None;
    assert_eq!(products(&[gone.clone(), unread.clone()]), []);
    assert!(shares(&gone).is_empty() && shares(&unread).is_empty());

    let mut refused = tenant(3, &[sku(7, 1, 1)], None);
    refused.skus.failing = Some(failing());
    let mut aside = tenant(4, &[sku(7, 1, 1)], None);
    let empty = Arc::from([]);
    aside.held_back = Some(Box::new(HeldBack {
        at: at(1),
        run: RunId(2),
        why: "fewer".into(),
        users: None,
        skus: Some(good(1)),
        held: Arc::from([]),
        sku_counts: empty,
        checks: None,
    }));
    let tenants = [gone, unread, refused, aside, tenant(5, &[sku(7, 1, 1)], None)];
    let fleet = Fleet::new([], [], [], 26 * 3_600);
    let of = Coverage::of(&fleet, &tenants, at(2));
    let names = |gaps: &[Gap]| gaps.iter().map(|gap| gap.title.to_string()).collect::<Vec<_>>();
    assert_eq!((of.listed, of.counted()), (4, 3));
    assert_eq!(names(&of.missing), ["Tenant 2"]);
    assert_eq!(names(&of.old), ["Tenant 3", "Tenant 4"]);
    assert_eq!(of.missing[0].at, None);
    let turns = of.turns_at.unwrap();
    let just_before = turns.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap();
    assert_eq!(Coverage::of(&fleet, &tenants, just_before).old.len(), 2);
    assert_eq!(Coverage::of(&fleet, &tenants, turns).old.len(), 3, "it says when the next one turns old");
}

#[test]
fn rows_without_an_id_are_told_apart_by_part_number() {
    let part = |part: Option<&str>, n| SkuCount { sku_id: None, part_number: part.map(Text::from), ..sku(1, n, 0) };
    let all = products(&[
        tenant(1, &[part(Some("NEW"), 3), part(None, 1), part(Some("NEW"), 4)], Some(&[])),
        tenant(2, &[part(Some("NEW"), 5)], None),
    ]);
    let rows: Vec<_> = all.iter().map(|p| (p.name.as_str(), p.customers, p.purchased, p.held)).collect();
    assert_eq!(
        rows,
        [("NEW", 2, Some(12), None), ("(no id)", 1, Some(1), None)],
        "two rows of a tenant are one customer"
    );
    assert_eq!(all[0].key, ProductKey::Part("NEW".into()));
}

#[test]
fn what_is_free_or_of_the_company_is_no_waste() {
    let company = SkuCount { applies_to: Some("Company".into()), ..sku(8, 4, 0) };
    let all = products(&[tenant(1, &[sku(FREE, 1_000_000, 3), company, sku(7, 9, 2)], Some(&[(7, 2)]))]);
    let rows: Vec<_> = all.iter().map(|p| (p.kind(), p.unassigned, p.waste())).collect();
    assert_eq!(rows, [("paid", Some(7), 7), ("company", Some(4), 0), ("free", Some(999_997), 0)]);
    assert_eq!(all[1].held, None, "nobody can hold it");
}

#[test]
fn extremes_stay_within_their_bits_and_can_be_taken_off_again() {
    let extreme = |n| tenant(n, &[sku(7, i64::MAX, i64::MIN)], Some(&[(7, u64::MAX)]));
    let other = |n| tenant(n, &[sku(7, i64::MIN, i64::MAX)], None);
    let mut licenses = FleetLicenses::default();
    let of = |licenses: &FleetLicenses| licenses.products(&Catalog::default(), |_| true).remove(0);
    licenses.update(&[extreme(1), extreme(2), other(3), other(4)]);
    let all = of(&licenses);
    assert_eq!((all.unassigned, all.over, all.held), (Some(i64::MAX), Some(i64::MAX), Some(i64::MAX)));
    assert_eq!((all.purchased, all.assigned), (Some(-2), Some(-2)));
    licenses.update(&[tenant(1, &[sku(7, 3, 1)], None)]);
    assert_eq!(of(&licenses).unassigned, Some(2));
}

#[test]
fn only_partners_that_are_asked_for_are_summed_up() {
    let mut licenses = FleetLicenses::default();
    licenses.update(&[tenant(1, &[sku(7, 3, 1)], None), tenant(100, &[sku(7, 5, 1), sku(8, 1, 0)], None)]);
    let of = |partner: &str| licenses.products(&Catalog::default(), |name| name.0 == partner);
    assert_eq!((of("emea")[0].purchased, of("emea").len(), of("apac").len(), of("none").len()), (Some(3), 1, 2, 0));
    let all = licenses.products(&Catalog::default(), |_| true);
    assert_eq!((all[0].purchased, all[0].customers), (Some(8), 2));
    let seven = ProductKey::Sku(sku_id(7));
    let mut spare: Vec<_> = licenses.tenants(&seven, |_| true).collect();
    spare.sort_by_key(|(key, _)| (*key).clone());
    assert_eq!(spare, [(&key(100), Spare::Known(4)), (&key(1), Spare::Known(2))]);
}

#[test]
fn the_part_number_of_most_is_shown() {
    let named = |n, part: &str| tenant(n, &[SkuCount { part_number: Some(part.into()), ..sku(7, 1, 0) }], None);
    let all = products(&[named(1, "A"), named(2, "B"), named(3, "B")]);
    assert_eq!((all.len(), all[0].part_number.as_deref(), all[0].name.as_str()), (1, Some("B"), "B"));
    assert_eq!(products(&[named(1, "B"), named(2, "A")])[0].name, "A", "of two it is the first");
}

#[test]
fn products_pass_filters() {
    let one = &products(&[tenant(1, &[sku(FREE, 2, 5)], None)])[0];
    for (text, want) in [
        ("part:part_", true),
        ("product:\"power automate\"", true),
        ("id:f30db892", true),
        ("kind:free", true),
        ("over:none", false),
        ("!over:none", true),
        ("over:=3", true),
        ("partner:emea", true),
        ("!partner:emea", true),
        ("part_1", false),
        ("f30db892", true),
    ] {
        assert_eq!(crate::model::Filter::parse::<Product>(text).unwrap().matches(one), want, "{text}");
    }
}

/// A count as an answer may have it: mostly small, sometimes absent or extreme.
fn number() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        6 => (-3i64..40).prop_map(Some),
        1 => Just(None),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX)].prop_map(Some),
    ]
}

fn counted() -> impl Strategy<Value = SkuCount> {
    let id = prop_oneof![5 => (1u128..5).prop_map(Some), 1 => Just(Some(FREE)), 1 => Just(None)];
    let part = proptest::option::of(proptest::sample::select(vec!["A", "B", ""]));
    (id, part, any::<bool>(), [number(), number(), number(), number(), number()]).prop_map(
        |(id, part, company, [enabled, warning, suspended, locked_out, consumed])| SkuCount {
            sku_id: id.map(sku_id),
            part_number: part.map(Text::from),
            applies_to: Some(if company { "Company" } else { "User" }.into()),
            status: None,
            prepaid: Prepaid { enabled, suspended, warning, locked_out },
            consumed,
            premium: None,
        },
    )
}

/// Something that becomes of tenants.
#[derive(Debug, Clone)]
enum Fact {
    List(Vec<u128>),
    Read { tenant: u128, skus: Option<Vec<SkuCount>>, held: Option<Vec<(u128, u64)>> },
    Refused(u128),
}

fn fact() -> impl Strategy<Value = Fact> {
    let held = proptest::collection::btree_map(1u128..7, any::<u64>(), 0..4);
    prop_oneof![
        1 => proptest::collection::vec(1u128..6, 0..5).prop_map(Fact::List),
        6 => (1u128..6, proptest::option::of(proptest::collection::vec(counted(), 0..5)),
            proptest::option::of(held.prop_map(|held| held.into_iter().collect())))
            .prop_map(|(tenant, skus, held)| Fact::Read { tenant, skus, held }),
        1 => (1u128..6).prop_map(Fact::Refused),
    ]
}

fn change(fact: Fact, hour: i64) -> Change {
    let done = |tenant, users, skus, held, sku_counts| Change::JobDone {
        run: RunId(1),
        tenant: key(tenant),
        at: at(hour),
        users,
        skus,
        held,
        sku_counts,
        checks: None,
        held_back: None,
        cancelled: false,
        totals: Totals::default(),
    };
    let outcome =
        |is_read| if is_read { SetOutcome::Saved { snapshot: SnapshotId(1), count: 1 } } else { SetOutcome::Untouched };
    match fact {
        Fact::List(ids) => {
            let customer = |n| Customer { tenant: key(n).tenant, name: format!("T {n}").into(), domain: "".into() };
            Change::Listed { partner: "emea".into(), at: at(hour), customers: ids.into_iter().map(customer).collect() }
        }
        Fact::Read { tenant, skus, held } => {
            let of = |held: Vec<(u128, u64)>| held.into_iter().map(|(id, n)| (sku_id(id), n)).collect();
            done(tenant, outcome(held.is_some()), outcome(skus.is_some()), held.map(of), skus.map(Arc::from))
        }
        Fact::Refused(tenant) => {
            let failed = || SetOutcome::Failed(Box::new(failing().failure.clone()));
            done(tenant, failed(), failed(), None, None)
        }
    }
}

proptest! {
    #[test]
    fn sums_that_follow_facts_are_those_made_anew(facts in proptest::collection::vec((fact(), any::<bool>()), 1..40)) {
        let mut fleet = Fleet::new([], [], [], 26 * 3_600);
        fleet.apply(&change(Fact::List((1..6).collect()), 0));
        let mut following = FleetLicenses::default();
        for ((fact, looked_at), hour) in facts.into_iter().zip(1..) {
            fleet.apply(&change(fact, hour));
            if !looked_at {
                continue;
            }
            following.update(fleet.tenants.values());
            let mut anew = FleetLicenses::default();
            anew.update(fleet.tenants.values());
            let (catalog, all) = (Catalog::default(), |_: &PartnerName| true);
            let (was, is) = (following.products(&catalog, all), anew.products(&catalog, all));
            prop_assert_eq!(&was, &is);
            for product in &is {
                let of = |licenses: &FleetLicenses| -> BTreeMap<Key, String> {
                    let tenants = licenses.tenants(&product.key, all);
                    tenants.map(|(key, spare)| (key.clone(), format!("{spare:?}"))).collect()
                };
                prop_assert_eq!(of(&following), of(&anew));
                prop_assert_eq!(of(&anew).len() as u64, product.customers);
                let have = fleet.tenants.values().flat_map(shares).filter(|share| share.product == product.key);
                let shares: Vec<Share> = have.collect();
                prop_assert_eq!(shares.len() as u64, product.customers);
                let sum = |n: fn(&Share) -> Option<i64>| -> Option<i128> {
                    let told: Vec<i128> = shares.iter().filter_map(n).map(i128::from).collect();
                    (!told.is_empty()).then(|| told.into_iter().sum())
                };
                let held = |n: Option<i64>| n.map(i128::from);
                let within = |n: Option<i128>| n.map(|n| n.clamp(i64::MIN.into(), i64::MAX.into()));
                prop_assert_eq!(held(product.purchased), within(sum(|share| share.purchased)));
                prop_assert_eq!(held(product.unassigned), within(sum(|share| share.unassigned().map(|n| n.max(0)))));
            }
            prop_assert!(!following.update(fleet.tenants.values()), "nothing changed since");
        }
    }
}
