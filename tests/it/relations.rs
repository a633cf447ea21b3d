//! GDAP relationships: read from the partner's own tenant before a run, and what a refusal means then.

use tenantop::failure::{Class, Owner};
use tenantop::model::{Change, Clock, Ends, Expiry, ExpiryState, GdapStatus, RunState, Scope, State};
use tenantop::store::Store;

use crate::world::{Watcher, World};

const PARTNER: &str = "[[partner]]\nname = \"emea\"\npage = 2\n";

/// A tenant with what stands behind its name.
fn tenant(name: &str, rest: &str) -> String {
    format!("[[tenant]]\nname = \"{name}\"\nusers = 3\n{rest}\n")
}

const REFUSED: &str = "trouble = [{ step = \"token\", code = 50020 }]";

fn mixed() -> String {
    let ended = "gdap = [{ status = \"expired\", ends = -21 }, { status = \"terminated\", ends = 90 }]";
    let policy = "trouble = [{ step = \"token\", code = 53003 }]";
    let twice = "gdap = [{ status = \"active\", ends = 20 }, { status = \"expired\", ends = -3 }, \
                 { status = \"active\", ends = 200, extends = true }, { status = \"active\", ends = 400, name = \"MLT_1\" }]";
    [
        PARTNER.to_owned(),
        tenant("Several", twice),
        tenant("Ended", &format!("{ended}\n{REFUSED}")),
        tenant("None", &format!("gdap = []\n{REFUSED}")),
        tenant("Holds", REFUSED),
        tenant("Policy", &format!("{ended}\n{policy}")),
        tenant("Well", ""),
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_is_told_apart_from_a_policy_without_a_question_more() {
    let world = World::playing(&mixed()).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.state, run.tenants, run.ok), (RunState::Done, 6, 2));

    let gdap = |name: &str| watcher.fleet.tenants[&watcher.key(name)].gdap.clone().unwrap();
    let several = gdap("Several");
    assert_eq!((several.status, several.auto_extends), (GdapStatus::Active, true), "the best of four");
    assert_eq!(several.role_names().collect::<Vec<_>>(), ["Directory Readers", "License Administrator"]);
    assert_eq!(gdap("None").status, GdapStatus::Missing);
    assert_eq!(gdap("Well").status, GdapStatus::Active);

    let row = |name: &str| {
        let row = watcher.row(name);
        (row.state, row.cause.to_string(), row.owner)
    };
    assert_eq!(row("Ended"), (State::NoAccess, "GDAP ended".to_owned(), Some(Owner::Partner)));
    assert_eq!(row("None"), (State::NoAccess, "GDAP missing".to_owned(), Some(Owner::Partner)));
    assert_eq!(row("Holds"), (State::NoAccess, "50020 GDAP?".to_owned(), Some(Owner::Partner)));
    assert_eq!(row("Policy").0, State::Blocked, "a policy that names itself is one");

    let counters = world.cloud.counters();
    assert_eq!(counters.all("relations"), 5, "ten relationships on pages of two");
    let own = world.config.partners[0].tenant_id.0;
    assert_eq!(counters.of("relations", own), 5, "all asked of our own tenant");
    for name in ["Ended", "None", "Holds", "Policy"] {
        assert_eq!(counters.of("token", watcher.key(name).tenant.0), 1, "{name}: nothing was asked for it besides");
    }
    assert_eq!((counters.misdirected, counters.strays), (0, 0));

    // Within an hour it is known.
    watcher.import(Scope::All(None)).await;
    assert_eq!(world.cloud.counters().all("relations"), 5);

    // What was told is what the store has.
    let before = watcher.fleet.clone();
    drop(watcher);
    engine.stop().await;
    let store = Store::open(&world.store_path(), 16 << 20).unwrap();
    let fleet = store.load(before.stale_after_s).unwrap();
    let now = Clock::system().now();
    let rows = |fleet| {
        Expiry::all(fleet, now)
            .iter()
            .map(|row| (row.of().to_owned(), row.ends, row.state, row.ends_at))
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(&fleet), rows(&before));
    let all = rows(&fleet);
    assert_eq!(all.iter().filter(|row| row.1 == Ends::Gdap).count(), 6);
    for (ends, state) in
        [(Ends::RefreshToken, ExpiryState::Ok), (Ends::Secret, ExpiryState::Unknown), (Ends::Mfa, ExpiryState::Age)]
    {
        assert!(all.iter().any(|row| row.0 == "emea" && row.1 == ends && row.2 == state), "{ends:?} in {all:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_cannot_be_read_is_a_note_and_the_run_goes_on() {
    // What happens to the list, and what is said of it.
    let cases = [
        ("status = 403", Class::GraphForbidden),
        ("do = \"next_elsewhere\"", Class::BadAnswer),
        ("do = \"next_elsewhere\", to = \"scheme\"", Class::BadAnswer),
        ("do = \"next_again\"", Class::BadAnswer),
        ("do = \"empty_page\"", Class::BadAnswer),
        ("do = \"deep\"", Class::BadAnswer),
        ("do = \"endless\"", Class::BadAnswer),
        ("do = \"gzip_bomb\"", Class::BadAnswer),
        ("do = \"redirect\"", Class::BadAnswer),
        ("do = \"html\", status = 200", Class::BadAnswer),
        ("do = \"refuse_token\"", Class::GraphTokenRejected),
        ("body = '{\"value\":[{\"status\":[1]}]}', status = 200", Class::BadAnswer),
    ];
    for (trouble, class) in cases {
        let scenario = [
            format!("{PARTNER}trouble = [{{ step = \"relations\", {trouble} }}]\n"),
            tenant("Well", ""),
            tenant("Gone", &format!("gdap = [{{ status = \"expired\", ends = -1 }}]\n{REFUSED}")),
            tenant("Third", ""),
        ];
        let mut world = World::playing(&scenario.concat()).await;
        world.config.import.retries_per_request = 0;
        world.config.import.max_answer_mib = 1;
        world.config.import.max_pages = 40;
        let engine = world.engine();
        let mut watcher = Watcher::of(&engine, "test").await;
        let run = watcher.import(Scope::All(None)).await;
        assert_eq!((run.state, run.ok, run.failed, run.refused.len()), (RunState::Done, 2, 1, 0), "{trouble}");
        let partner = watcher.fleet.partners.values().next().unwrap();
        assert!(partner.failing.is_none() && partner.relations_at.is_none(), "{trouble}");
        let failing = partner.relations_failing.as_ref().unwrap_or_else(|| panic!("{trouble}: it was read"));
        assert_eq!(failing.failure.class, class, "{trouble}: {:?}", failing.failure);
        assert_eq!(watcher.row("Gone").cause, "50020 GDAP?", "{trouble}: no guess from half a list");
        assert_eq!(watcher.heard.iter().filter(|change| matches!(change, Change::RelationsRefused { .. })).count(), 1);
        let counters = world.cloud.counters();
        assert_eq!((counters.misdirected, counters.strays), (0, 0), "{trouble}");
        assert!(counters.all("relations") <= 40, "{trouble}: {}", counters.all("relations"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_pages_are_read_whole() {
    for trouble in [
        "do = \"twice\"",
        "do = \"short_page\"",
        "do = \"empty_page\", page = 2",
        "status = 503, times = 1, retry_after = 0",
    ] {
        let partner = format!("{PARTNER}trouble = [{{ step = \"relations\", {trouble} }}]\n");
        let scenario: Vec<String> = (1..=5).map(|n| tenant(&format!("T{n}"), "")).collect();
        let world = World::playing(&(partner + &scenario.concat())).await;
        let engine = world.engine();
        let mut watcher = Watcher::of(&engine, "test").await;
        watcher.import(Scope::All(None)).await;
        let active = |tenant: &&tenantop::model::Tenant| {
            tenant.gdap.as_ref().is_some_and(|gdap| gdap.status == GdapStatus::Active)
        };
        assert_eq!(watcher.fleet.tenants.values().filter(active).count(), 5, "{trouble}");
    }
}
