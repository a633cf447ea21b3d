use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::failure::{Again, CODES, Failure, Hop, Service};
use crate::model::{Active, Failing, Good, HeldBack, Id, JobState, Pause, SnapshotId};

/// A time of a November: `27 02:15`, or `27 02:15:59`.
fn at(text: &str) -> Timestamp {
    let (day, time) = text.split_once(' ').unwrap();
    let seconds = if time.len() == 5 { ":00" } else { "" };
    format!("2026-11-{day}T{time}{seconds}Z").parse().unwrap()
}

fn schedule(window: &str) -> Schedule {
    let text = format!("window = '{window}'");
    Schedule::new(&toml::from_str(&text).unwrap()).unwrap()
}

fn key(n: u128) -> Key {
    Key { partner: "emea".into(), tenant: Id::new(Uuid::from_u128(n)) }
}

/// A tenant whose slot it is.
fn with_slot(schedule: &Schedule, time: &str) -> Tenant {
    let wanted = at(&format!("01 {time}")).as_second().rem_euclid(DAY_S);
    let key = (0..10_000).map(key).find(|key| schedule.slot_s(key) == wanted).expect("every slice has somebody");
    Tenant::new(key, "T".into(), "t".into(), at("01 00:00"))
}

fn read(mut tenant: Tenant, when: &str) -> Tenant {
    let good = Good { at: at(when), count: 9, snapshot: SnapshotId(1), run: RunId(1) };
    (tenant.users.good, tenant.skus.good) = (Some(good.clone()), Some(good));
    (tenant.users.failing, tenant.skus.failing, tenant.tried_at) = (None, None, Some(at(when)));
    tenant
}

fn refused(mut tenant: Tenant, class: Class, when: &str) -> Tenant {
    let failure = Failure::local(class, Service::Entra, Hop::Customer, "no", at(when));
    let failing = Some(Arc::new(Failing { failure, since: at(when), tries: 7 }));
    (tenant.users.failing, tenant.skus.failing, tenant.tried_at) = (failing.clone(), failing, Some(at(when)));
    tenant
}

fn paused(mut tenant: Tenant, until: &str) -> Tenant {
    tenant.pause = Some(Box::new(Pause { by: "x".into(), reason: "y".into(), at: at("01 00:00"), until: at(until) }));
    tenant
}

fn due(mut tenant: Tenant, when: &str, why: DueWhy) -> Tenant {
    tenant.due = Some(Due { at: at(when), why });
    tenant
}

/// What a due time is, written shortly.
fn said(due: Option<Due>) -> String {
    due.map_or_else(|| "none".to_owned(), |due| format!("{} {}", due.at.strftime("%d %H:%M"), due.why.name()))
}

#[test]
fn a_slot_is_of_the_window_and_never_changes() {
    // Of ids and windows: a version that moves them would read every tenant at another time, and some twice a day.
    for (n, window, slot) in [
        (1, "01:00-05:00", "27 04:00"),
        (2, "01:00-05:00", "27 01:00"),
        (1, "22:30-02:00", "27 01:15"),
        (2, "22:30-02:00", "26 22:30"),
        (1, "00:00-24:00", "27 19:00"),
    ] {
        let tenant = Tenant::new(key(n), "T".into(), "t".into(), at("01 00:00"));
        let got = schedule(window).slot(&tenant, at("26 22:00"), DueWhy::Slot).at;
        assert_eq!(got, at(slot), "{n} in {window}");
    }
    let other = Key { partner: "nordics".into(), ..key(1) };
    let schedule = schedule("01:00-05:00");
    assert_ne!(schedule.slot_s(&other), schedule.slot_s(&key(1)), "a tenant of two partners is read at two times");
}

#[test]
fn ten_thousand_tenants_spread_evenly() {
    for (window, slices) in [("01:00-05:00", 16), ("22:30-02:00", 14), ("00:00-24:00", 96)] {
        let schedule = schedule(window);
        let mut counts: BTreeMap<i64, u32> = BTreeMap::new();
        for n in 0..10_000 {
            *counts.entry(schedule.slot_s(&key(n))).or_default() += 1;
        }
        assert_eq!(counts.len(), slices, "{window}");
        let even = 10_000 / u32::try_from(slices).unwrap();
        let (fewest, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
        assert!(
            *fewest * 100 > even * 65 && *most * 100 < even * 135,
            "{window}: {fewest} to {most}, {even} on average"
        );
    }
    // The last slice of a window that is no number of them is a short one.
    let counts: BTreeSet<i64> = (0..1_000).map(|n| schedule("01:00-01:50").slot_s(&key(n))).collect();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [3_600, 4_500, 5_400, 6_300]);
}

#[test]
fn an_import_is_followed_by_one_the_next_day() {
    let schedule = schedule("01:00-05:00");
    let tenant = || with_slot(&schedule, "02:00");
    let held = |mut tenant: Tenant| {
        let why = "import would drop 812 -> 40 users".into();
        let (held, sku_counts) = Default::default();
        let back = HeldBack {
            at: at("27 02:03"),
            run: RunId(1),
            why,
            users: None,
            skus: None,
            held,
            sku_counts,
            checks: None,
        };
        tenant.held_back = Some(Box::new(back));
        tenant
    };
    let blocked = |tenant, when| refused(tenant, Class::CapBlock, when);
    let slot = DueWhy::Slot;
    let cases: [(&str, Tenant, Moved, &str, &str); 22] = [
        ("in its slot", read(tenant(), "27 02:03"), Moved::Read, "27 02:03", "28 02:00 slot"),
        ("its slice took long", read(tenant(), "27 04:40"), Moved::Read, "27 04:40", "28 02:00 slot"),
        ("by a person, in the evening", read(tenant(), "27 21:00"), Moved::Read, "27 21:00", "28 02:00 slot"),
        ("by a person, just before", read(tenant(), "27 22:01"), Moved::Read, "27 22:01", "29 02:00 slot"),
        ("a night made up for", read(tenant(), "27 09:10"), Moved::Read, "27 09:10", "28 02:00 slot"),
        ("held back", held(read(tenant(), "26 02:00")), Moved::Read, "27 02:03", "28 02:00 held_back"),
        ("a policy", blocked(tenant(), "27 02:01"), Moved::Read, "27 02:01", "28 02:00 refused"),
        ("a policy, by a person at noon", blocked(tenant(), "27 12:00"), Moved::Read, "27 12:00", "28 02:00 refused"),
        ("paused meanwhile", paused(read(tenant(), "27 02:03"), "30 12:00"), Moved::Read, "27 02:03", "01 02:00 pause"),
        (
            "paused and refused",
            paused(blocked(tenant(), "27 02:01"), "29 01:30"),
            Moved::Read,
            "27 02:01",
            "29 02:00 pause",
        ),
        ("cancelled when due", due(tenant(), "27 02:00", slot), Moved::Cancelled, "27 02:00", "28 02:00 cancelled"),
        ("cancelled in its hour", due(tenant(), "26 02:00", slot), Moved::Cancelled, "27 01:50", "28 02:00 cancelled"),
        (
            "cancelled at noon, was due",
            due(tenant(), "27 02:00", slot),
            Moved::Cancelled,
            "27 12:00",
            "28 02:00 cancelled",
        ),
        (
            "a person's own run cancelled",
            due(tenant(), "28 02:00", slot),
            Moved::Cancelled,
            "27 12:00",
            "28 02:00 slot",
        ),
        ("new on the list", tenant(), Moved::Decided, "27 12:00", "28 02:00 slot"),
        ("new in its slice", tenant(), Moved::Decided, "27 02:14", "27 02:00 slot"),
        ("new behind its slice", tenant(), Moved::Decided, "27 02:15", "28 02:00 slot"),
        (
            "resumed",
            due(read(tenant(), "20 02:00"), "29 02:00", DueWhy::Pause),
            Moved::Decided,
            "27 12:00",
            "28 02:00 slot",
        ),
        ("resumed, was not paused", due(tenant(), "27 02:00", slot), Moved::Decided, "27 02:05", "27 02:00 slot"),
        (
            "paused when due",
            paused(due(tenant(), "27 02:00", slot), "27 12:00"),
            Moved::Decided,
            "27 02:05",
            "28 02:00 pause",
        ),
        (
            "accepted",
            due(read(tenant(), "27 23:00"), "28 02:00", DueWhy::HeldBack),
            Moved::Decided,
            "28 01:00",
            "29 02:00 slot",
        ),
        (
            "thrown away in its slice",
            due(read(tenant(), "26 02:00"), "28 02:00", DueWhy::HeldBack),
            Moved::Decided,
            "27 02:05",
            "28 02:00 slot",
        ),
    ];
    for (name, tenant, moved, now, wanted) in cases {
        assert_eq!(said(schedule.next(&tenant, moved, at(now))), wanted, "{name}");
    }
    let gone = Tenant { gone_at: Some(at("27 01:00")), ..due(tenant(), "28 02:00", slot) };
    for moved in [Moved::Read, Moved::Cancelled, Moved::Decided] {
        assert_eq!(schedule.next(&gone, moved, at("27 12:00")), None, "who is gone is not read");
    }
    let back = Tenant { gone_at: None, due: None, ..read(gone, "20 02:00") };
    assert_eq!(said(schedule.next(&back, Moved::Decided, at("28 01:00"))), "28 02:00 slot", "back on the list");
}

#[test]
fn what_passes_by_itself_is_tried_soon_and_less_and_less_often() {
    let schedule = schedule("01:00-05:00");
    let mut tenant = due(with_slot(&schedule, "02:00"), "27 02:00", DueWhy::Slot);
    let mut tries = Vec::new();
    for now in ["27 02:01", "27 02:31", "27 03:50", "27 08:05", "28 02:02"] {
        tenant = refused(tenant, Class::Transient, now);
        tenant.due = schedule.next(&tenant, Moved::Read, at(now));
        tries.push(said(tenant.due));
    }
    let wanted = ["27 02:30 retry", "27 03:45 retry", "27 08:00 retry", "28 02:00 slot", "28 02:30 retry"];
    assert_eq!(tries, wanted, "15 minutes, an hour, four hours; then in its slot, and anew");

    // Never behind its slot, and no slice for itself.
    let late = due(refused(tenant.clone(), Class::Throttled, "27 20:00"), "27 20:00", DueWhy::Retry { n: 2 });
    assert_eq!(said(schedule.next(&late, Moved::Read, at("27 20:00"))), "28 00:00 retry");
    assert_eq!(said(schedule.next(&late, Moved::Read, at("27 21:50"))), "28 02:00 slot");
    let never = Schedule { retry_after: SignedDuration::ZERO, ..schedule.clone() };
    assert_eq!(said(never.next(&late, Moved::Read, at("27 20:00"))), "28 02:00 slot");

    // Of two refusals the one that passes decides.
    let mut mixed = refused(tenant.clone(), Class::GraphForbidden, "27 02:00");
    mixed.skus.failing = late.skus.failing.clone();
    mixed.due = None;
    assert_eq!(said(schedule.next(&mixed, Moved::Read, at("27 02:00"))), "27 02:15 retry");
    let good = read(late, "27 20:00");
    assert_eq!(said(schedule.next(&good, Moved::Read, at("27 20:00"))), "28 02:00 slot", "and then it is well");
}

#[test]
fn the_policy_is_that_of_the_codes() {
    for code in CODES {
        let wanted = match code.again {
            // A device sign-in that is waited for, an app that is being made, our own clock: rare, and of classes that stay.
            Again::Yes if [70_016, 650_051, 500_133, 700_024].contains(&code.number) => Patience::Daily,
            Again::Yes => Patience::Soon,
            Again::No | Again::Fix => Patience::Daily,
            Again::Once => continue,
        };
        assert_eq!(patience(code.class), wanted, "AADSTS{}", code.number);
    }
    let passing = [Class::Transient, Class::Throttled, Class::Network, Class::BadAnswer];
    assert!(passing.into_iter().all(|class| patience(class) == Patience::Soon));
}

#[test]
fn a_service_goes_on_with_what_it_finds() {
    let schedule = schedule("01:00-05:00");
    let tenant = || read(with_slot(&schedule, "02:00"), "26 02:03");
    let slot = DueWhy::Slot;
    let retry = DueWhy::Retry { n: 2 };
    let cases: [(&str, Tenant, &str, &str); 18] = [
        ("none is known", tenant(), "26 12:00", "27 02:00 slot"),
        ("none is known, never read", with_slot(&schedule, "02:00"), "26 12:00", "27 02:00 slot"),
        ("none is known, read just now", tenant(), "26 03:00", "27 02:00 slot"),
        ("ahead", due(tenant(), "27 02:00", slot), "26 12:00", "27 02:00 slot"),
        ("missed", due(tenant(), "27 02:00", slot), "27 09:00", "27 02:00 slot"),
        ("missed for a week", due(read(tenant(), "19 02:03"), "20 02:00", slot), "27 09:00", "20 02:00 slot"),
        ("read by a command meanwhile", due(read(tenant(), "27 08:00"), "27 02:00", slot), "27 09:00", "28 02:00 slot"),
        ("read before its slot", due(read(tenant(), "26 23:00"), "27 02:00", slot), "26 23:30", "28 02:00 slot"),
        (
            "read a window's length before",
            due(read(tenant(), "26 22:00"), "27 02:00", slot),
            "26 23:30",
            "27 02:00 slot",
        ),
        ("a retry ahead", due(tenant(), "26 08:00", retry), "26 04:00", "26 08:00 retry"),
        ("another window", due(tenant(), "26 20:15", slot), "26 12:00", "27 02:00 slot"),
        ("another window, and missed", due(read(tenant(), "24 20:17"), "25 20:15", slot), "27 12:00", "25 20:15 slot"),
        (
            "a clock that was a month ahead",
            due(read(tenant(), "30 02:03"), "30 02:00", slot),
            "12 09:00",
            "13 02:00 slot",
        ),
        ("a clock that was two hours ahead", due(tenant(), "27 02:00", slot), "26 00:03", "27 02:00 slot"),
        ("paused", paused(due(tenant(), "27 02:00", slot), "28 03:00"), "27 01:00", "29 02:00 pause"),
        ("paused to the window", paused(due(tenant(), "27 02:00", slot), "28 01:30"), "27 01:00", "28 02:00 pause"),
        ("its pause is over", due(tenant(), "27 02:00", DueWhy::Pause), "27 09:00", "27 02:00 pause"),
        ("resumed meanwhile", due(tenant(), "30 02:00", DueWhy::Pause), "27 09:00", "28 02:00 slot"),
    ];
    for (name, tenant, now, wanted) in cases {
        assert_eq!(said(schedule.found(&tenant, at(now))), wanted, "{name}");
    }
    let gone = Tenant { gone_at: Some(at("20 00:00")), ..due(tenant(), "27 02:00", slot) };
    assert_eq!(schedule.found(&gone, at("27 09:00")), None);
}

#[test]
fn a_partner_is_asked_for_its_list_when_the_window_opens() {
    let schedule = schedule("01:00-05:00");
    let partner = |listed: Option<&str>, ask: Option<(&str, bool)>| {
        let mut partner = Partner::new("emea".into());
        partner.listed_at = listed.map(at);
        partner.ask = ask.map(|(when, refused)| Ask { at: at(when), refused });
        partner
    };
    let said = |ask: Ask| format!("{}{}", ask.at.strftime("%d %H:%M"), if ask.refused { " refused" } else { "" });
    for (name, partner, now, wanted) in [
        ("never read", partner(None, None), "26 12:00", "26 12:00"),
        ("read today", partner(Some("26 01:02"), None), "26 12:00", "27 01:00"),
        ("read by hand", partner(Some("26 00:30"), None), "26 00:40", "26 01:00"),
        ("a night missed", partner(Some("25 01:02"), Some(("26 01:00", false))), "26 12:00", "26 12:00"),
        ("still refused", partner(None, Some(("26 13:00", true))), "26 12:00", "26 13:00 refused"),
        ("refused by a clock that was ahead", partner(None, Some(("29 13:00", true))), "26 12:00", "26 12:00"),
    ] {
        assert_eq!(said(schedule.ask_found(&partner, at(now))), wanted, "{name}");
    }
    let open = Some(("27 01:00", false));
    let shut = Some(("27 03:00", true));
    for (name, partner, asked, now, wanted) in [
        ("read", partner(Some("27 01:01"), open), Asked::Listed, "27 01:01", "28 01:00"),
        ("being asked", partner(Some("26 01:01"), open), Asked::Now, "27 01:00", "27 02:00"),
        ("its list refused", partner(Some("26 01:01"), open), Asked::ListRefused, "27 01:01", "27 02:15"),
        ("in again, its list refused", partner(Some("26 01:01"), shut), Asked::ListRefused, "27 03:01", "27 04:15"),
        ("its sign-in refused", partner(Some("26 01:01"), open), Asked::Refused, "27 02:07", "27 03:15 refused"),
        ("not reached", partner(Some("26 01:01"), open), Asked::Unreached, "27 02:07", "27 02:30 refused"),
        ("tried again", partner(Some("26 01:01"), shut), Asked::Now, "27 03:00", "27 04:00 refused"),
        ("signed in by hand", partner(Some("26 01:01"), shut), Asked::SignedIn, "27 02:20", "27 03:00"),
        ("signed in, and its list is there", partner(Some("27 01:01"), shut), Asked::SignedIn, "27 02:20", "28 01:00"),
        ("signed in as ever", partner(Some("26 01:01"), open), Asked::SignedIn, "26 12:00", "27 01:00"),
    ] {
        assert_eq!(said(schedule.ask(&partner, asked, at(now))), wanted, "{name}");
    }
}

/// What makes a tenant another case.
type Made = fn(&mut Tenant);

#[test]
fn what_is_due_goes_together_and_nobody_twice() {
    let schedule = schedule("01:00-05:00");
    let now = at("27 02:00");
    let cases: [(&str, bool, Made); 11] = [
        ("due", true, |_| {}),
        ("due for days", true, |t| t.due = Some(Due { at: at("20 02:00"), why: DueWhy::Slot })),
        ("a retry", true, |t| t.due = Some(Due { at: at("27 02:00"), why: DueWhy::Retry { n: 1 } })),
        ("not yet", false, |t| t.due = Some(Due { at: at("27 02:15"), why: DueWhy::Slot })),
        ("never", false, |t| t.due = None),
        ("gone", false, |t| t.gone_at = Some(at("26 01:00"))),
        ("paused", false, |t| *t = paused(t.clone(), "27 02:01")),
        ("no longer paused", true, |t| *t = paused(t.clone(), "27 02:00")),
        ("read by another run", false, |t| {
            t.active = Some(Active { run: RunId(7), state: JobState::Queued, step: None, since: at("27 01:59") });
        }),
        ("probed", true, |t| {
            t.active = Some(Active { run: RunId(8), state: JobState::Running, step: None, since: at("27 01:59") });
        }),
        ("of a partner that was refused", false, |t| t.key.partner = "shut".into()),
    ];
    let mut fleet = Fleet::default();
    for (n, (name, _, made)) in (1_u128..).zip(&cases) {
        let mut tenant = Tenant::new(key(n), (*name).into(), "t".into(), at("01 00:00"));
        tenant.due = Some(Due { at: now, why: DueWhy::Slot });
        made(&mut tenant);
        fleet.tenants.insert(tenant.key.clone(), tenant);
    }
    let mut elsewhere = fleet.tenants[&key(1)].clone();
    elsewhere.key.partner = "not in the configuration".into();
    fleet.tenants.insert(elsewhere.key.clone(), elsewhere);
    for (name, listed, ask, refused) in [
        ("emea", "27 01:00", "28 01:00", false),
        ("shut", "26 01:00", "27 02:15", true),
        ("opens", "26 01:00", "27 02:00", true),
        ("was read", "27 01:00", "27 02:00", true),
        ("no tenants", "26 01:00", "27 01:00", false),
    ] {
        let mut partner = Partner::new(name.into());
        (partner.listed_at, partner.ask) = (Some(at(listed)), Some(Ask { at: at(ask), refused }));
        fleet.partners.insert(name.into(), partner);
    }
    let partners: BTreeSet<PartnerName> = fleet.partners.keys().cloned().collect();
    let wave = schedule.due(&fleet, partners.iter(), &[RunId(8)].into(), now);
    let got: Vec<&str> = wave.tenants.iter().map(|key| fleet.tenants[key].title()).collect();
    let wanted: Vec<&str> = cases.iter().filter(|(_, wanted, _)| *wanted).map(|(name, _, _)| *name).collect();
    assert_eq!(got, wanted);
    let names = |set: &BTreeSet<PartnerName>| set.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    assert_eq!(names(&wave.partners), "emea, no tenants, opens, was read");
    assert_eq!(names(&wave.lists), "no tenants, opens");
    assert_eq!(Schedule::wakes_at(&fleet, partners.iter(), now), at("27 02:15"));
    assert_eq!(Schedule::wakes_at(&fleet, partners.iter(), at("27 23:00")), at("28 01:00"));
    assert_eq!(Schedule::wakes_at(&fleet, [].iter(), now), Timestamp::MAX);
}

fn windows() -> impl Strategy<Value = Schedule> {
    (0..1_440_u16, 15..=1_440_u16).prop_map(|(begin, minutes)| {
        let end = (begin + minutes) % 1_440;
        let end = if end == begin { "24:00".to_owned() } else { format!("{:02}:{:02}", end / 60, end % 60) };
        let begin = if end == "24:00" { 0 } else { begin };
        schedule(&format!("{:02}:{:02}-{end}", begin / 60, begin % 60))
    })
}

/// What may happen to a tenant in a minute.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Well,
    Blocked,
    Faulty,
    PausedFor(i64),
}

fn fates() -> impl Strategy<Value = Vec<(i64, Fate)>> {
    let fate = prop_oneof![
        4 => Just(Fate::Well),
        2 => Just(Fate::Blocked),
        2 => Just(Fate::Faulty),
        1 => (1..5_000_i64).prop_map(Fate::PausedFor),
    ];
    prop::collection::vec((1..4_000_i64, fate), 1..12)
}

proptest! {
    #[test]
    fn a_slot_is_within_the_window_and_the_same_every_day(schedule in windows(), n in any::<u128>(), from in 0..4_000_000_000_i64) {
        let from = Timestamp::from_second(from).unwrap();
        let tenant = Tenant::new(key(n), "T".into(), "t".into(), from);
        let slot = schedule.slot(&tenant, from, DueWhy::Slot).at;
        let into = (slot.as_second() - schedule.window.begin_s()).rem_euclid(DAY_S);
        prop_assert!(into < schedule.window.seconds(), "within the window");
        prop_assert_eq!(into % SLICE_S, 0, "at the beginning of a slice");
        prop_assert!(slot >= from && slot.duration_since(from) < SignedDuration::from_secs(DAY_S));
        prop_assert!(schedule.is_slot(&tenant.key, slot));
        prop_assert_eq!(schedule.slot(&tenant, slot, DueWhy::Slot).at, slot, "from itself on it is itself");
        let next = schedule.slot(&tenant, later(slot, 1), DueWhy::Slot).at;
        prop_assert_eq!(next, later(slot, DAY_S));
    }

    /// Two weeks of a tenant that is read when it is due, by a service that is restarted at every step: it is read about
    /// once a day whatever happens, who is refused no more often, and what is due is found again as it was left.
    #[test]
    fn weeks_of_a_tenant(schedule in windows(), n in any::<u128>(), fates in fates()) {
        let start = at("01 00:00");
        let end = later(start, 14 * DAY_S);
        let mut tenant = Tenant::new(key(n), "T".into(), "t".into(), start);
        tenant.due = schedule.found(&tenant, start);
        let mut now = start;
        let mut fate = Fate::Well;
        let mut changes = fates.into_iter();
        let mut change_at = later(start, 60);
        let (mut reads, mut paused_s) = (Vec::new(), 0);
        while now < end {
            let due = tenant.due.expect("a tenant of the list is always due");
            prop_assert!(due.at > now || tenant.is_paused(now) || due.at >= later(now, 1 - SLICE_S), "it is never left behind");
            prop_assert_eq!(schedule.found(&tenant, now), Some(due), "a restart moves nothing");
            now = due.at.max(now).min(change_at);
            if now == change_at {
                let Some((minutes, next)) = changes.next() else { change_at = Timestamp::MAX; continue };
                change_at = later(now, minutes * 60);
                if let Fate::PausedFor(minutes) = next {
                    let until = later(now, minutes * 60);
                    tenant.pause = Some(Box::new(Pause { by: "a".into(), reason: "b".into(), at: now, until }));
                    tenant.due = schedule.next(&tenant, Moved::Decided, now);
                    paused_s += minutes * 60 + DAY_S;
                } else {
                    fate = next;
                }
                continue;
            }
            prop_assert!(!tenant.is_paused(now), "who is paused is not read");
            let when = now.to_string();
            let failure = |class| Some(Arc::new(Failing {
                failure: Failure::local(class, Service::Entra, Hop::Customer, &when, now), since: now, tries: 1,
            }));
            let good = Good { at: now, count: 1, snapshot: SnapshotId(1), run: RunId(1) };
            match fate {
                Fate::Well | Fate::PausedFor(_) => {
                    (tenant.users.failing, tenant.skus.failing) = (None, None);
                    (tenant.users.good, tenant.skus.good) = (Some(good.clone()), Some(good));
                }
                Fate::Blocked => (tenant.users.failing, tenant.skus.failing) = (failure(Class::CapBlock), failure(Class::CapBlock)),
                Fate::Faulty => (tenant.users.failing, tenant.skus.failing) = (failure(Class::Network), failure(Class::Network)),
            }
            reads.push((now, fate));
            tenant.due = schedule.next(&tenant, Moved::Read, now);
            prop_assert!(tenant.due.is_some_and(|due| due.at > now), "no import is followed by itself");
        }
        for pair in reads.windows(2) {
            let ((one, fate), (two, _)) = (pair[0], pair[1]);
            let apart = two.duration_since(one);
            let least = if matches!(fate, Fate::Faulty) { 15 * 60 } else { 12 * 3600 };
            prop_assert!(apart.as_secs() >= least, "{one} {fate:?}, then {two}");
            prop_assert!(apart.as_secs() <= DAY_S + DAY_S / 2 + paused_s, "{one}, then {two}");
        }
        let many = reads.iter().filter(|(_, fate)| matches!(fate, Fate::Faulty)).count();
        prop_assert!(reads.len() <= 16 + many, "{} imports in two weeks", reads.len());
    }
}
