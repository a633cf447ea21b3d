//! Practice mode: the made-up weeks lead to every state that the console can show.

use std::collections::BTreeMap;
use std::time::Duration;

use tenantop::model::allocation::Allocating;
use tenantop::model::{Command, Event, Fleet, LicenseDay, State, TenantRow, day_of};
use tenantop::practice::{NIGHTS, Practice};

const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_state_occurs_at_one_time() {
    let practice = Practice::start(|_| ()).await.unwrap();
    let mut client = practice.engine.client("jdoe".into());
    let Some(Event::Hello(mut fleet)) = client.events.recv().await else { panic!("the first event is the fleet") };
    let states = |fleet: &Fleet| -> BTreeMap<String, (State, String)> {
        let row = |tenant| TenantRow::of(fleet, tenant, practice.clock.now());
        let rows = fleet.tenants.values().map(|tenant| (tenant.name.to_string(), row(tenant)));
        rows.map(|(name, row)| (name, (row.state, row.cause.to_string()))).collect()
    };
    let wanted = [
        ("Contoso Rail AG", State::Running),
        ("Tailspin Toys", State::Queued),
        ("Trey Research BV", State::Blocked),
        ("Woodgrove Bank", State::Blocked),
        ("Humongous Insurance", State::NoAccess),
        ("Fabrikam Foods Ltd", State::Partial),
        ("Northwind Traders", State::Failed),
        ("Blue Yonder Airlines", State::Failed),
        ("Relecloud Cloud Kitchens", State::OurAuth),
        ("Alpine Ski House", State::Stale),
        ("Tailwind Toys", State::Paused),
        ("Lamna Clinics", State::Never),
        ("Fourth Coffee", State::Ok),
    ];
    let missing: Vec<&State> = State::ALL.iter().filter(|state| !wanted.iter().any(|(_, s)| s == *state)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // The spot check has to come as far as one that is read and one that waits.
    let wait = async {
        while !wanted.iter().all(|(name, state)| states(&fleet)[*name].0 == *state) {
            if let Event::Change(change) = client.events.recv().await.expect("the engine goes on") {
                fleet.apply(&change);
            }
        }
    };
    let in_time = tokio::time::timeout(LIMIT, wait).await.is_ok();
    let states = states(&fleet);
    for (name, state) in wanted {
        assert_eq!(states[name].0, state, "{name}: {:?}", states[name]);
    }
    assert!(in_time, "never at one time");
    assert!((135..=150).contains(&states.len()), "{}", states.len());
    let ok = states.values().filter(|(state, _)| *state == State::Ok).count();
    assert!(ok > states.len() / 2, "{ok} are good");
    for name in ["Contoso Pharma AG", "Lakeshore Retail"] {
        let tenant = fleet.tenants.values().find(|tenant| tenant.name == name).unwrap();
        assert!(tenant.held_back.is_some(), "{name}");
    }

    // Its licenses are allocated: rules and prices are saved, and the month before is closed.
    let bank = fleet.tenants.values().find(|tenant| tenant.name == "Woodgrove Bank").unwrap();
    assert_eq!((bank.allocated.rules, bank.allocated.prices, bank.allocated.closed.len()), (1, 1, 1));

    // The license counts of the nights lie behind, each on its own day; those in which it was refused have none.
    let bank = fleet.tenants.values().find(|tenant| tenant.name == "Woodgrove Bank").unwrap();
    let e3 = "05e9a617-0261-4cee-bb44-138d3ef5d965".parse().unwrap();
    let days = practice.engine.reader().licenses(&bank.key, Some(e3), None).unwrap();
    // What we sold is read where its sign-in is refused, too.
    let (told, sold): (Vec<&LicenseDay>, Vec<&LicenseDay>) = days.rows.iter().partition(|row| row.assigned.is_some());
    assert!(sold.iter().all(|row| row.held.is_none() && row.sold.is_some()), "{sold:?}");
    let told: Vec<_> = told.iter().map(|row| (row.assigned, row.held)).collect();
    assert_eq!(told, [189, 189, 189, 189, 198].map(|n: i64| (Some(n), Some(n.unsigned_abs()))));
    let now = practice.clock.now();
    for (day, ago) in days.read.iter().zip(NIGHTS) {
        let night = now.checked_sub(ago).unwrap();
        let off = day_of(night).since(*day).unwrap().get_days().abs();
        assert!(off <= 1, "{day} is the day of a night {ago} ago, or midnight passed since");
    }

    // Whatever was read since, the closed month can be opened and closed again with its own data.
    let (tenant, month) = (bank.key.clone(), bank.allocated.closed[0]);
    let reopen = Allocating::Reopen { month, reason: "wrong price".into() };
    let close = Allocating::Close { month, reason: None };
    for (wish, want) in [(reopen, "is open again"), (close, "is closed: bill")] {
        let wish = Command::Allocate { tenant: tenant.clone(), wish: Box::new(wish) };
        client.commands.send(wish).await.unwrap();
        let answer = async {
            loop {
                match client.events.recv().await.expect("the engine goes on") {
                    Event::Done(said) | Event::Refused(said) => return said,
                    _ => {}
                }
            }
        };
        let said = tokio::time::timeout(LIMIT, answer).await.unwrap();
        assert!(said.contains(want) && !said.contains("cannot be closed"), "{said}");
    }
}
