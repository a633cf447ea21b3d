//! What changes between two imports of a made-up cloud, from the answer of Graph to the rows of the command.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Output, Stdio};

use serde_json::Value;

use tenantop::model::{Command, DiffKind, DiffLook, Event, Found, Look, Scope};

use crate::world::{Watcher, World};

/// Night 1 brings what is counted here, night 2 the same in another order.
const SCENARIO: &str = r#"
    page = 40
    [[partner]]
    name = "emea"
    [[tenant]]
    name = "Woodgrove Bank"
    users = 300
    land = "de"
    skus = ["SPE_E3:150:120", "VISIOCLIENT:20:10", "POWER_BI_PRO:30:20"]
    [[tenant.changes]]
    nights = [1, 9]
    hired = 6
    hired_hold = "SPE_E3"
    gone = 3
    renamed = 2
    moved = 5
    promoted = 4
    gained = { VISIOCLIENT = 3 }
    lost = { SPE_E3 = 2 }
    seats = { VISIOCLIENT = 15 }
    [[tenant.changes]]
    nights = [2, 2]
    shuffled = true
    [[tenant]]
    name = "Contoso"
    users = 12
    skus = ["SPB:20:12"]
"#;

fn run(world: &World, args: &[&str]) -> Output {
    world.tenantop().args(args).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn rows(output: &Output) -> Vec<Value> {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many users or products there are of each kind.
fn kinds(rows: &[Value]) -> BTreeMap<&str, usize> {
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        ids.entry(row["kind"].as_str().unwrap()).or_default().insert(row["id"].as_str().unwrap());
    }
    ids.into_iter().map(|(kind, ids)| (kind, ids.len())).collect()
}

async fn import(world: &World, night: u32) {
    world.cloud.set_night(night);
    let engine = world.engine();
    Watcher::of(&engine, "test").await.import(Scope::All(None)).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_imports_differ_in_is_told_whole_and_nothing_else() {
    let world = World::playing(SCENARIO).await;
    import(&world, 0).await;
    let output = run(&world, &["diff", "--tenant", "woodgrove", "--json"]);
    assert!(rows(&output).is_empty() && said(&output).contains("Woodgrove Bank: only one import so far"));

    import(&world, 1).await;
    let output = run(&world, &["diff", "--tenant", "woodgrove", "--json"]);
    let all = rows(&output);
    let want = [
        ("gone", 3),
        ("license_gained", 3),
        ("license_lost", 2),
        ("moved", 5),
        ("new", 6),
        ("other", 4),
        ("renamed", 2),
        ("units", 3),
    ];
    assert_eq!(kinds(&all).into_iter().collect::<Vec<_>>(), want);
    let told = said(&output);
    assert!(
        told.contains(": 300 -> 303, 306 compared; SKUs ") && told.contains(": 3 -> 3, 3 compared; 6 new, 3 gone, "),
        "{told}"
    );

    let of = |kind: &str, field: &str| -> Vec<&Value> {
        all.iter().filter(|row| row["kind"] == kind && row["field"] == field).collect()
    };
    assert!(of("moved", "department").iter().all(|row| row["before"] != row["after"] && row["after"].is_string()));
    assert_eq!(of("moved", "department").len(), 5, "a manager who is renamed moves nobody");
    assert_eq!((of("renamed", "displayName").len(), of("renamed", "surname").len()), (2, 2));
    assert_eq!(of("other", "jobTitle").len(), 4);
    let hired = of("new", "assignedLicenses");
    assert!(hired.len() == 6 && hired.iter().all(|row| row.get("before").is_none()), "{hired:?}");
    let sku = &hired[0]["sku_id"];
    assert!(
        of("license_lost", "assignedLicenses").iter().all(|row| row["sku_id"] == *sku && row["before"].is_string())
    );
    let seats: Vec<&Value> = of("units", "enabled");
    assert_eq!((seats.len(), &seats[0]["before"], &seats[0]["after"]), (1, &20.into(), &15.into()));
    let held =
        |n: &str| all.iter().filter(|row| row["field"] == "assignedLicenses" && row[n] == hired[0]["after"]).count();
    let consumed = of("units", "consumedUnits").into_iter().find(|row| row["id"] == *sku).unwrap();
    let drift = consumed["after"].as_i64().unwrap() - consumed["before"].as_i64().unwrap();
    let (more, less) = (i64::try_from(held("after")).unwrap(), i64::try_from(held("before")).unwrap());
    assert_eq!(drift, more - less, "units go with those who hold them");
    for row in &all {
        assert!(row["before_at"].as_str().unwrap() < row["after_at"].as_str().unwrap(), "{row}");
        assert!(row["tenant_id"].is_string() && row["name"].is_string(), "{row}");
    }

    let filtered = rows(&run(&world, &["diff", "--tenant", "woodgrove", "--filter", "kind:moved", "--json"]));
    assert_eq!(kinds(&filtered), BTreeMap::from([("moved", 5)]));
    let csv = run(&world, &["diff", "--format", "csv"]);
    let read = csv::Reader::from_reader(csv.stdout.as_slice()).records().count();
    assert_eq!(read, all.len(), "Contoso differs in nothing");
    assert!(said(&csv).contains("2 tenants: 318 users and 4 SKUs compared: 6 new"), "{}", said(&csv));
    let wrong = run(&world, &["diff", "--filter", "status:ok"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(said(&wrong).contains("no field `status` here; there are kind, id"), "{}", said(&wrong));

    import(&world, 2).await;
    let output = run(&world, &["diff", "--tenant", "woodgrove", "--json"]);
    assert!(rows(&output).is_empty(), "another order is no difference: {:?}", rows(&output));
    let told = said(&output);
    assert!(
        told.contains(": 303 -> 303, 303 compared; SKUs ") && told.ends_with("3 compared; nothing changed\n"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_sees_the_same_difference_and_hears_when_it_is_replaced() {
    let world = World::playing(SCENARIO).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let mut looks = Vec::new();
    for night in 0..=2 {
        world.cloud.set_night(night);
        watcher.import(Scope::All(None)).await;
        let bank = watcher.key("Woodgrove Bank");
        looks.push(DiffLook::of(&watcher.fleet.tenants[&bank]));
        if night == 1 {
            let asked = world.cloud.counters().requests;
            let Event::Seen(seen) = watcher.ask(Command::Look(Look::Diff { of: looks[1], round: 0 })).await else {
                panic!("no answer")
            };
            let Ok(Found::Diff(found)) = seen.found else { panic!("{:?}", seen.found) };
            let sums = [DiffKind::New, DiffKind::Gone, DiffKind::Moved].map(|kind| found.sums.of(kind));
            assert_eq!((sums, found.users.map(|users| users.all())), ([6, 3, 5], Some(306)));
            assert_eq!(found.rows.len() as u64, found.sums.total());
            assert!(found.rows.is_sorted_by(|a, b| a.key() < b.key()) && found.products.len() == 3);
            assert_eq!(world.cloud.counters().requests, asked, "no tenant was asked for anything");
        }
    }
    assert!(!looks[0].is_some() && looks[1].is_some() && looks[1] != looks[2]);
    let Event::Seen(seen) = watcher.ask(Command::Look(Look::Diff { of: looks[1], round: 1 })).await else {
        panic!("no answer")
    };
    let Err(why) = seen.found else { panic!("the reading before is gone") };
    assert!(why.contains("a newer import took its place"), "{why}");
}
