//! A made-up fleet in which every state occurs, put together from facts as an engine tells them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::failure::{Again, Cap, Class, Failure, Hop, Owner};
use crate::model::{
    Change, Checks, Customer, Entry, Fleet, HeldBack, Key, Pause, Prepaid, RunId, RunKind, RunState, Set, SetOutcome,
    SkuCount, SkuId, SnapshotId, SoldOutcome, State, Step, Subscription, TenantId, Totals, WaitReason,
};

/// When the tests look: a Monday morning.
pub(crate) fn now() -> Timestamp {
    "2026-11-23T09:31:00Z".parse().unwrap()
}

pub(crate) fn ago(hours: i64, minutes: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_mins(hours * 60 + minutes)).unwrap()
}

/// The tenant of a partner by its number: ids begin at 1 with each partner.
pub(crate) fn key(partner: &str, n: u128) -> Key {
    let base = if partner == "emea" { 0x1000_0000_0000_0000 } else { 0x2000_0000_0000_0000 };
    Key { partner: partner.into(), tenant: TenantId::new(Uuid::from_u128((base << 64) + n)) }
}

pub(crate) fn failure(class: Class, owner: Owner, code: u32, at: Timestamp) -> Failure {
    Failure {
        class,
        cap: if class.is_policy() { Cap::Yes } else { Cap::No },
        owner,
        again: Again::No,
        hop: Hop::Customer,
        service: crate::failure::Service::Entra,
        codes: if code == 0 { vec![] } else { vec![code] },
        policies: vec![],
        control: None,
        error: Some("invalid_grant".into()),
        suberror: None,
        correlation_id: Some("5d0e7c1a-1f7e-4e0b-8a4e-2b7f0c9d6e11".into()),
        trace_id: Some("0a9c7ee1-33f0-4cc2-9a77-0d9a5b6c4f00".into()),
        client_request_id: Some(Uuid::from_u128(0x1111_2222_3333_4444_5555_6666_7777_8888)),
        status: Some(400),
        at,
        raw: format!(
            "{{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS{code}: made up\",\"error_codes\":[{code}]}}"
        ),
    }
}

pub(crate) fn blocked(at: Timestamp, policies: usize) -> Failure {
    let ids = ["3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90", "b71d9e04-27aa-4c61-8f3d-5a6c90e4d218"];
    Failure {
        policies: ids.iter().take(policies).map(|id| id.parse().unwrap()).collect(),
        suberror: Some("message_only".into()),
        ..failure(Class::CapBlock, Owner::CustomerAdmin, 53_003, at)
    }
}

/// Customers of emea, by number.
const EMEA: [&str; 20] = [
    "Adatum Gesundheit GmbH",
    "Trey Research BV",
    "Contoso Rail AG",
    "Tailspin Toys",
    "Alpine Ski House",
    "Fabrikam Foods Ltd",
    "Humongous Insurance",
    "Wingtip Toys",
    "Northwind Traders",
    "Tailwind Traders",
    "Lamna Clinics",
    "Woodgrove Bank",
    "Margie's Travel",
    "Proseware Kliniken und Pflegeheime AG",
    "東京都庁 Trading",
    "Relecloud",
    "School of Fine Art",
    "Southridge Video",
    "VanArsdel Ltd",
    "Wide World Importers",
];
const NORDICS: [&str; 4] = ["Fjord Energi AS", "Björk Möbler AB", "Saimaa Oy", "Nordlys Kraft"];

/// The whole sample.
pub(crate) fn fleet() -> Fleet {
    let mut fleet = Fleet::new([], [], [], 26 * 3600);
    for change in changes() {
        fleet.apply(&change);
    }
    fleet
}

/// The number of the run before the first one of [`late`].
pub(crate) const BEFORE: u64 = 2_314;

/// The sample in a store that is long in use: its runs have high numbers.
pub(crate) fn late() -> Fleet {
    let mut fleet = Fleet::new([], [], [], 26 * 3600);
    for change in changes() {
        let mut value = serde_json::to_value(&change).unwrap();
        renumber(&mut value);
        fleet.apply(&serde_json::from_value(value).unwrap());
    }
    for tenant in fleet.tenants.values_mut() {
        tenant.listed_at = ago(400 * 24, 0);
    }
    assert!(fleet.runs.keys().copied().eq((1..=4).map(|n| RunId(BEFORE + n))));
    fleet
}

/// Gives every run in a fact its high number.
fn renumber(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                match member.as_u64() {
                    Some(run) if name == "run" => *member = (run + BEFORE).into(),
                    Some(_) | None => renumber(member),
                }
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(renumber),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

/// Products of the sample: Microsoft's own ids, one that no list has, and one that is only held.
const E3: u128 = 0x05e9_a617_0261_4cee_bb44_138d_3ef5_d965;
const VISIO: u128 = 0xc592_8f49_12ba_48f7_ada3_0d74_3a36_01d5;
const POWER_BI: u128 = 0xf8a1_db68_be16_40ed_86d5_cb42_ce70_1560;
const COPILOT: u128 = 0x639d_ec6b_bb19_468b_871c_c5c4_41c4_b0cb;
const PROJECT: u128 = 0x5381_8b1b_4a27_454b_8896_0dba_5764_10e6;
const DATAVERSE: u128 = 0xe612_d426_6bc3_4181_9658_91aa_906b_0ac0;
const NEW: u128 = 0x0000_7777_0000_4000_8000_0000_0000_0007;
const EMS_E5: u128 = 0xb05e_124f_c7cc_45a0_a6aa_8cf7_8c94_6968;
const E1: u128 = 0x1818_1a46_0d4e_45cd_891e_60aa_bd17_1b4e;
const ENTRA_P2: u128 = 0x84a6_61c4_e949_4bd2_a560_ed77_66fc_af2b;
const F3: u128 = 0x66b5_5226_6b4f_492c_910c_a3b7_a3c9_d993;
const FLOW_FREE: u128 = 0xf30d_b892_07e9_47e9_837c_8072_7f46_fd3d;
const ONLY_HELD: u128 = 0x0000_7777_0000_4000_8000_0000_0000_0063;

fn id(n: u128) -> SkuId {
    SkuId::new(Uuid::from_u128(n))
}

/// Products of the sample by their numbers; others by a number that nothing else has.
pub(crate) fn product(n: u128) -> SkuId {
    let known = [(1, E3), (2, VISIO), (3, POWER_BI), (4, COPILOT), (5, PROJECT), (6, DATAVERSE), (7, NEW), (8, EMS_E5)];
    let known = known.into_iter().chain([(9, E1), (99, ONLY_HELD)]).find(|(number, _)| *number == n);
    id(known.map_or(n, |(_, id)| id))
}

fn sku(n: u128, part: &str, enabled: i64, consumed: i64) -> SkuCount {
    SkuCount {
        sku_id: Some(id(n)),
        part_number: Some(part.into()),
        applies_to: Some("User".into()),
        status: Some("Enabled".into()),
        prepaid: Prepaid { enabled: Some(enabled), suspended: Some(0), warning: Some(0), locked_out: Some(0) },
        consumed: Some(consumed),
        premium: None,
    }
}

/// The SKUs of every tenant of the sample: each finding once.
pub(crate) fn skus() -> Arc<[SkuCount]> {
    let mut grace = sku(PROJECT, "PROJECTPROFESSIONAL", 0, 6);
    grace.prepaid.warning = Some(8);
    let mut company = sku(DATAVERSE, "CDS_DB_CAPACITY", 4, 0);
    company.applies_to = Some("Company".into());
    let mut off = sku(EMS_E5, "EMSPREMIUM", 10, 4);
    off.prepaid.suspended = Some(3);
    off.status = Some("Suspended".into());
    let mut untold = sku(F3, "SPE_F1", 310, 0);
    untold.consumed = None;
    [
        sku(E3, "SPE_E3", 1_200, 1_198),
        sku(VISIO, "VISIOCLIENT", 12, 14),
        sku(POWER_BI, "POWER_BI_PRO", 60, 52),
        sku(COPILOT, "Microsoft_365_Copilot", 30, 30),
        grace,
        company,
        sku(NEW, "NEWPROD_2026_STEP1", 5, 0),
        off,
        untold,
        sku(ENTRA_P2, "AAD_PREMIUM_P2", 25, 25),
        sku(E1, "STANDARDPACK", 45, 41),
        sku(FLOW_FREE, "FLOW_FREE", 10_000, 12),
    ]
    .into()
}

fn held() -> Arc<[(SkuId, u64)]> {
    let mut held = [
        (id(E3), 1_198),
        (id(VISIO), 14),
        (id(POWER_BI), 52),
        (id(COPILOT), 30),
        (id(PROJECT), 6),
        (id(EMS_E5), 4),
        (id(ENTRA_P2), 24),
        (id(E1), 41),
        (id(FLOW_FREE), 12),
        (id(ONLY_HELD), 2),
    ];
    held.sort_unstable();
    held.into()
}

/// What users and SKUs of the sample say of each other.
fn checks() -> Checks {
    let (held, consumed) = (1_381, 1_382);
    Checks { holders: 1_262, held, consumed, unknown_users: 2, unknown_skus: 1, all_empty: false }
}

/// What was sold to a tenant of the sample: two terms of one product, one product that the tenant does not have, and one
/// that no product is known of would make all else unknown.
fn sold() -> Vec<Subscription> {
    let of = |n: u128, quantity, term: &str, ends: &str| Subscription {
        id: format!("{n:032x}-{quantity}").into(),
        offer: "CFQ7TTC0LFLX:0001:CFQ7TTC0K3VP".into(),
        name: "Offer".into(),
        quantity,
        status: "active".into(),
        term: Some(term.into()),
        billing: Some("monthly".into()),
        ends_at: Some(ends.parse().unwrap()),
        auto_renews: Some(true),
        is_trial: false,
        sku_id: Some(id(n)),
    };
    let (next, later) = ("2026-12-01T00:00:00Z", "2027-04-30T00:00:00Z");
    vec![
        of(E3, 1_150, "P1Y", later),
        of(E3, 70, "P1M", next),
        of(VISIO, 12, "P1M", next),
        of(POWER_BI, 50, "P1M", next),
        of(COPILOT, 30, "P1Y", later),
        of(PROJECT, 8, "P1M", next),
        of(DATAVERSE, 4, "P1Y", later),
        of(NEW, 5, "P1Y", later),
        of(EMS_E5, 10, "P1Y", later),
        of(F3, 310, "P1Y", later),
        of(ENTRA_P2, 25, "P1Y", later),
        of(E1, 45, "P1Y", later),
    ]
}

struct Night<'a> {
    run: u64,
    at: Timestamp,
    changes: &'a mut Vec<Change>,
}

impl Night<'_> {
    fn begin(&mut self, kind: RunKind, by: &str, tenants: &[Key]) {
        let (run, at) = (RunId(self.run), self.at);
        self.changes.push(Change::RunStarted { run, kind, by: by.into(), reason: None, at });
        self.changes.push(Change::Queued { run, tenants: tenants.to_vec(), at });
        for tenant in tenants {
            self.changes.push(Change::JobStarted { run, tenant: tenant.clone(), at });
        }
    }

    fn done(&mut self, tenant: &Key, users: SetOutcome, skus: SetOutcome) {
        let totals = Totals { requests: 4, retries: 1, waits_ms: 12_000, bytes: 2_400_000, users: 1_275 };
        let saved = |outcome: &SetOutcome| matches!(outcome, SetOutcome::Saved { .. });
        let both = saved(&users) && saved(&skus);
        self.changes.push(Change::JobDone {
            run: RunId(self.run),
            tenant: tenant.clone(),
            at: self.at.checked_add(SignedDuration::from_secs(31)).unwrap(),
            held: saved(&users).then(self::held),
            sku_counts: saved(&skus).then(self::skus),
            users,
            skus,
            checks: both.then(checks),
            held_back: None,
            cancelled: false,
            totals,
        });
        if both {
            self.changes.push(Change::Sold {
                tenant: tenant.clone(),
                at: self.at.checked_add(SignedDuration::from_secs(40)).unwrap(),
                outcome: SoldOutcome::Read(sold()),
            });
        }
    }

    fn good(&mut self, tenant: &Key) {
        let run = self.run;
        let step = |at, step| Change::Stepped { run: RunId(run), tenant: tenant.clone(), entry: Entry { at, step } };
        self.changes.push(step(self.at, Step::SignedIn { ms: 412 }));
        let pages = Step::Pages { set: Set::Users, first: 1, last: 2, rows: 1_275, bytes: 2_300_000 };
        self.changes.push(step(self.at, pages));
        self.done(
            tenant,
            SetOutcome::Saved { snapshot: SnapshotId(run), count: 1_275 },
            SetOutcome::Saved { snapshot: SnapshotId(run), count: 9 },
        );
    }

    fn refused(&mut self, tenant: &Key, failure: &Failure) {
        let mut failure = failure.clone();
        failure.at = self.at;
        let entry = Entry { at: self.at, step: Step::Failed { set: Set::Users, failure: Box::new(failure.clone()) } };
        self.changes.push(Change::Stepped { run: RunId(self.run), tenant: tenant.clone(), entry });
        self.done(tenant, SetOutcome::Failed(Box::new(failure.clone())), SetOutcome::Failed(Box::new(failure)));
    }

    fn end(&mut self, state: RunState) {
        let at = self.at.checked_add(SignedDuration::from_secs(420)).unwrap();
        self.changes.push(Change::RunEnded { run: RunId(self.run), state, at, totals: Totals::default() });
    }
}

/// The facts that lead to the sample.
pub(crate) fn changes() -> Vec<Change> {
    let mut changes = Vec::new();
    for (partner, names) in [("emea", EMEA.as_slice()), ("nordics", NORDICS.as_slice())] {
        let customers = (1..)
            .zip(names)
            .map(|(n, name)| Customer {
                tenant: key(partner, n).tenant,
                name: (*name).into(),
                domain: format!("c{n}.{partner}.example").into(),
            })
            .collect();
        changes.push(Change::PartnerSignedIn { partner: partner.into(), at: ago(9 * 24, 7) });
        changes.push(Change::Listed { partner: partner.into(), at: ago(9 * 24, 7), customers });
    }
    let emea: Vec<Key> = (1..=20).map(|n| key("emea", n)).collect();
    let nordics: Vec<Key> = (1..=4).map(|n| key("nordics", n)).collect();

    // Nine days ago all was well, but for the one that was never read.
    let all: Vec<Key> = emea.iter().filter(|k| **k != key("emea", 11)).chain(&nordics).cloned().collect();
    let mut night = Night { run: 1, at: ago(9 * 24, 0), changes: &mut changes };
    night.begin(RunKind::All, "system", &all);
    for tenant in &all {
        night.good(tenant);
    }
    night.end(RunState::Done);

    // Last night.
    let tonight: Vec<Key> = all.iter().filter(|k| **k != key("emea", 5)).cloned().collect();
    let mut night = Night { run: 2, at: ago(7, 20), changes: &mut changes };
    night.begin(RunKind::All, "system", &tonight);
    let at = night.at;
    for tenant in &tonight {
        let n = (1..=20).find(|n| *tenant == key("emea", *n));
        match n {
            Some(1) => night.refused(tenant, &blocked(at, 2)),
            Some(2) => night.refused(tenant, &failure(Class::CapDevice, Owner::CustomerAdmin, 53_000, at)),
            Some(6) => {
                let forbidden = Failure {
                    codes: vec![],
                    status: Some(403),
                    error: Some("Authorization_RequestDenied".into()),
                    ..failure(Class::GraphForbidden, Owner::Partner, 0, at)
                };
                night.done(
                    tenant,
                    SetOutcome::Saved { snapshot: SnapshotId(2), count: 640 },
                    SetOutcome::Failed(Box::new(forbidden)),
                );
            }
            Some(7) => night.refused(tenant, &failure(Class::RelationshipMissing, Owner::Partner, 50_020, at)),
            Some(8) => night.refused(tenant, &failure(Class::ConsentMissing, Owner::CustomerAdmin, 65_001, at)),
            Some(9) => {
                let fault = Failure { status: Some(503), ..failure(Class::Transient, Owner::Microsoft, 0, at) };
                night.refused(tenant, &fault);
            }
            Some(16) => night.refused(tenant, &failure(Class::RefreshTokenRevoked, Owner::Partner, 50_173, at)),
            Some(_) => night.good(tenant),
            None if *tenant == key("nordics", 4) => night.good(tenant),
            None => night.refused(tenant, &failure(Class::MfaRequired, Owner::CustomerAdmin, 50_078, at)),
        }
    }
    night.end(RunState::Done);

    changes.push(Change::Paused {
        tenant: key("emea", 10),
        pause: Pause {
            by: "akim".into(),
            reason: "tenant merge".into(),
            at: ago(30, 0),
            until: now().checked_add(SignedDuration::from_hours(7 * 24)).unwrap(),
        },
    });
    held_back(&mut changes);
    busy(&mut changes);
    changes
}

/// One import that the shrink guard holds aside.
fn held_back(changes: &mut Vec<Change>) {
    let tenant = key("emea", 13);
    let mut night = Night { run: 3, at: ago(2, 0), changes };
    night.begin(RunKind::Rerun, "akim", std::slice::from_ref(&tenant));
    let good = crate::model::Good { at: ago(2, 0), count: 40, snapshot: SnapshotId(30), run: RunId(3) };
    night.changes.push(Change::JobDone {
        run: RunId(3),
        tenant,
        at: ago(1, 59),
        users: SetOutcome::Untouched,
        skus: SetOutcome::Saved { snapshot: SnapshotId(31), count: 9 },
        held: None,
        sku_counts: None,
        checks: None,
        held_back: Some(Box::new(HeldBack {
            at: ago(1, 59),
            run: RunId(3),
            why: "import would drop 1,275 -> 40 users".into(),
            users: Some(good),
            skus: None,
            held: Arc::default(),
            sku_counts: Arc::default(),
            checks: None,
        })),
        cancelled: false,
        totals: Totals::default(),
    });
    night.end(RunState::Done);
}

/// A run that goes on: one tenant is read, one waits since the service asked for it, one waits for a slot, two are done.
fn busy(changes: &mut Vec<Change>) {
    let keys: Vec<Key> = [3, 4, 12, 14, 15].map(|n| key("emea", n)).into();
    let run = RunId(4);
    let at = ago(0, 2);
    let second = |s| at.checked_add(SignedDuration::from_secs(s)).unwrap();
    let step =
        |tenant: &Key, s, step| Change::Stepped { run, tenant: tenant.clone(), entry: Entry { at: second(s), step } };
    let reason = Some("CS-4398 lifted".into());
    changes.push(Change::RunStarted { run, kind: RunKind::Rerun, by: "jdoe".into(), reason, at });
    changes.push(Change::Queued { run, tenants: keys.clone(), at });
    let [contoso, tailspin, woodgrove, proseware, _] = keys.as_slice() else { return };
    for tenant in [contoso, tailspin, woodgrove, proseware] {
        changes.push(Change::JobStarted { run, tenant: tenant.clone(), at: second(1) });
    }
    changes.push(step(contoso, 1, Step::SignedIn { ms: 430 }));
    let pages = |first, last, rows| Step::Pages { set: Set::Users, first, last, rows, bytes: rows * 1_700 };
    changes.push(step(contoso, 12, pages(1, 3, 600)));
    changes.push(step(
        contoso,
        24,
        Step::Waiting { reason: WaitReason::Throttled, status: Some(429), ms: 12_000, attempt: 2 },
    ));
    changes.push(step(contoso, 40, pages(4, 4, 200)));
    changes.push(step(tailspin, 5, Step::SignedIn { ms: 380 }));
    changes.push(step(
        tailspin,
        110,
        Step::Waiting { reason: WaitReason::Throttled, status: Some(429), ms: 40_000, attempt: 2 },
    ));
    let mut night = Night { run: 4, at, changes };
    night.good(woodgrove);
    night.refused(proseware, &blocked(at, 1));
}

#[test]
fn every_state_occurs_in_it() {
    let fleet = fleet();
    let seen: Vec<State> = fleet.tenants.values().map(|tenant| fleet.state(tenant, now())).collect();
    for state in State::ALL {
        assert!(seen.contains(&state), "no tenant is {}", state.word());
    }
    assert!(fleet.is_wide(&"nordics".into(), Class::MfaRequired));
}

/// The sample after relationships and credentials were read: each kind and each state of what ends.
pub(crate) fn ending() -> Fleet {
    use crate::model::{AppKey, Credentials, Gdap, GdapStatus, Related};
    let ahead = |days: i64| now().checked_add(SignedDuration::from_hours(24 * days)).unwrap();
    let gdap = |n: u128, status, days: i64, auto_extends| Related {
        tenant: key("emea", n).tenant,
        gdap: Gdap {
            status,
            ends_at: (days != 0).then(|| ahead(days)),
            auto_extends,
            roles: vec!["88d8e3e3-8f55-4a1e-953a-9b9898b8876b".into(), "4d6ac14f-3453-41d0-bef9-a3e0c569773a".into()],
        },
    };
    let mut relations: Vec<Related> = (1..)
        .take(19)
        .map(|n: u128| gdap(n, GdapStatus::Active, 80 + 17 * i64::try_from(n).unwrap(), n.is_multiple_of(4)))
        .collect();
    relations[6] = gdap(7, GdapStatus::Ended, -21, false);
    relations[7] = gdap(8, GdapStatus::Active, 400, true);
    relations[8] = gdap(9, GdapStatus::Waiting, 0, false);
    relations[11] = gdap(12, GdapStatus::Active, 12, false);
    relations[13] = gdap(14, GdapStatus::Active, 55, false);
    relations[14] = gdap(15, GdapStatus::Unknown, 100, false);
    let refused = Failure {
        hop: Hop::Partner,
        status: Some(403),
        ..failure(Class::GraphForbidden, Owner::Partner, 0, ago(7, 21))
    };
    let known = |app_key, days: i64| Credentials {
        stored_at: Some(ahead(-72)),
        app_key,
        app_key_ends: (days != 0).then(|| ahead(days)),
        trouble: None,
    };
    let mut fleet = fleet();
    for change in [
        Change::Relations { partner: "emea".into(), at: ago(7, 21), relations },
        Change::RelationsRefused { partner: "nordics".into(), at: ago(7, 21), failure: Box::new(refused) },
        Change::Credentials { partner: "emea".into(), credentials: known(AppKey::Secret, 27) },
        Change::Credentials { partner: "nordics".into(), credentials: known(AppKey::Certificate, 300) },
    ] {
        fleet.apply(&change);
    }
    fleet
}

/// A fleet in which all is well and nothing runs.
pub(crate) fn quiet() -> Fleet {
    let mut fleet = Fleet::new([], [], [], 26 * 3600);
    let customers = (1..)
        .zip(EMEA.iter().take(19))
        .map(|(n, name)| Customer {
            tenant: key("emea", n).tenant,
            name: (*name).into(),
            domain: format!("c{n}.emea.example").into(),
        })
        .collect();
    let mut changes = vec![Change::Listed { partner: "emea".into(), at: ago(8, 0), customers }];
    let tenants: Vec<Key> = (1..=19).map(|n| key("emea", n)).collect();
    let mut night = Night { run: 1, at: ago(7, 20), changes: &mut changes };
    night.begin(RunKind::All, "system", &tenants);
    for tenant in &tenants {
        night.good(tenant);
    }
    night.end(RunState::Done);
    for change in &changes {
        fleet.apply(change);
    }
    fleet
}
