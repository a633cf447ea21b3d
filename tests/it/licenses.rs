//! License counts of a tenant over a made-up cloud: each finding, cross-checks, and what somebody explains.

use std::process::Output;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;
use tenantop::model::{Clock, Command, Event, Explained, Finding, Scope, license_rows};

use crate::world::{Watcher, World};

/// A tenant that shows every finding.
const COUNTS: &str = r#"
    [[partner]]
    name = "emea"

    [[tenant]]
    name = "Contoso Ltd"
    users = 60
    skus = [
        "SPE_E3:40:40",
        { sku = "ENTERPRISEPACK", enabled = 0, warning = 11, assigned = 11 },
        { sku = "DESKLESSPACK", enabled = 0, suspended = 25, assigned = 3 },
        { sku = "EMS", enabled = 10, assigned = 5, consumed = 7 },
        { sku = "INTUNE_A", enabled = 10, assigned = 5, consumed = 4 },
        { sku = "MCOEV", enabled = 10, suspended = 2, assigned = 5 },
        { sku = "FABRIKAM_ADDON_2026", enabled = 10, assigned = 5 },
        { sku = "SPE_E5", enabled = 4, assigned = 0, company = true },
        { sku = "VISIOCLIENT", enabled = 20, assigned = 6, sold = [15, 12] },
        { sku = "POWER_BI_PRO", enabled = 16, assigned = 6, sold = [6] },
        { sku = "ATP_ENTERPRISE", enabled = 9, assigned = 6, sold = [] },
        { sku = "MCOMEETADV", enabled = 0, assigned = 2, unlisted = true, sold = [] },
        "FLOW_FREE:10000:12",
    ]
"#;

fn rows(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_finding_has_its_row_and_the_import_keeps_its_checks() {
    let mut world = World::playing(COUNTS).await;
    world.config.import.read_sold_every = Duration::from_hours(1);
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    let tenant = &watcher.fleet.tenants[&watcher.key("Contoso Ltd")];
    let checks = tenant.checks.as_deref().unwrap();
    let listed = [40, 11, 3, 5, 5, 5, 5, 6, 6, 6, 12];
    assert_eq!((checks.held, checks.consumed), (listed.iter().sum(), 105), "the company's own is not counted");
    assert_eq!((checks.unseen(), checks.unknown_users, checks.unknown_skus, checks.all_empty), (1, 2, 1, false));
    assert!(!checks.agree() && checks.holders > 0 && checks.holders <= 60);
    drop(watcher);
    engine.stop().await;

    let found = rows(&world.tenantop().args(["licenses", "--tenant", "contoso", "--json"]).output().unwrap());
    let finding = |part: &str| {
        let row = found.iter().find(|row| row["part_number"] == part).unwrap();
        (row["finding"].as_str().unwrap().to_owned(), row.get("finding_units").and_then(Value::as_i64))
    };
    for (part, want, units) in [
        ("SPE_E3", "full", None),
        ("ENTERPRISEPACK", "in_grace", Some(11)),
        ("DESKLESSPACK", "over", Some(3)),
        ("EMS", "unseen_users", Some(2)),
        ("INTUNE_A", "uncounted_users", Some(1)),
        ("MCOEV", "off", Some(2)),
        ("FABRIKAM_ADDON_2026", "no_name", None),
        ("SPE_E5", "whole_company", None),
        ("VISIOCLIENT", "not_there", Some(7)),
        ("POWER_BI_PRO", "not_by_us", Some(10)),
        ("ATP_ENTERPRISE", "not_by_us", Some(9)),
        ("FLOW_FREE", "fine", None),
    ] {
        assert_eq!(finding(part), (want.to_owned(), units), "{part}");
    }
    let sold = |part: &str| {
        let row = found.iter().find(|row| row["part_number"] == part).unwrap();
        (row["sold"].as_i64(), row["gap"].as_i64())
    };
    assert_eq!(sold("VISIOCLIENT"), (Some(27), Some(-7)), "two terms are one sum");
    assert_eq!(sold("ATP_ENTERPRISE"), (Some(0), Some(9)), "read whole: none is 0");
    let gone: Vec<&Value> = found.iter().filter(|row| row["finding"] == "not_listed").collect();
    assert_eq!((gone.len(), gone[0]["held"].as_u64(), gone[0].get("purchased")), (1, Some(2), None), "{gone:?}");
    assert!(found.iter().all(|row| row["sold_at"].is_string()), "with an age of its own");
    let lapsed = found.iter().find(|row| row["part_number"] == "DESKLESSPACK").unwrap();
    assert_eq!((lapsed["purchased"].as_i64(), lapsed["unassigned"].as_i64()), (Some(0), Some(-3)));
    let tenants = rows(&world.tenantop().args(["tenants", "--json"]).output().unwrap());
    assert_eq!(tenants[0]["checks"]["assigned"], 105);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_explains_is_there_for_everybody_and_after_a_restart() {
    let world = World::playing(COUNTS).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    let mut other = Watcher::of(&engine, "akim").await;
    watcher.import(Scope::All(None)).await;
    let key = watcher.key("Contoso Ltd");
    let catalog = std::sync::Arc::clone(&watcher.fleet.catalog);
    let row = |fleet: &tenantop::model::Fleet| {
        let rows = license_rows(&fleet.tenants[&key]);
        rows.into_iter().find(|row| row.part_number() == Some("MCOEV")).unwrap()
    };
    let mcoev = row(&watcher.fleet);
    let finding = Finding::of(&mcoev, &catalog);
    let now = Clock::system().now();
    let know = |reason: &str, hours: i64| Command::Know {
        tenant: key.clone(),
        known: Box::new(Explained {
            sku_id: mcoev.sku_id.unwrap(),
            finding: finding.key().into(),
            reason: reason.into(),
            until: now.checked_add(SignedDuration::from_hours(hours)).unwrap(),
        }),
    };
    for (command, why) in [
        (know("", 48), "a reason has"),
        (know(&"x".repeat(300), 48), "a reason has"),
        (know("late", -1), "an end that lies ahead"),
    ] {
        let Event::Refused(said) = watcher.ask(command).await else { panic!("refused") };
        assert!(said.contains(why), "{said}");
    }
    assert!(matches!(watcher.ask(know("two phones of the reception", 48)).await, Event::Done(_)));
    other.until(|other| other.fleet.tenants.get(&key).is_some_and(|tenant| !tenant.known.is_empty())).await;
    // A newer word takes the place of the older one.
    assert!(matches!(watcher.ask(know("ordered anew", 72)).await, Event::Done(_)));
    watcher.until(|watcher| watcher.fleet.tenants[&key].known[0].what.reason == "ordered anew").await;
    assert_eq!(watcher.fleet.tenants[&key].known.len(), 1);
    drop((watcher, other));
    engine.stop().await;

    let found = rows(&world.tenantop().args(["licenses", "--tenant", "contoso", "--json"]).output().unwrap());
    let line = found.iter().find(|line| line["part_number"] == "MCOEV").unwrap();
    assert_eq!((&line["known"]["by"], &line["known"]["reason"]), (&"jdoe".into(), &"ordered anew".into()));

    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    let known = &watcher.fleet.tenants[&key].known;
    assert!(finding.known(&mcoev, known, now).is_some());
    let forget = Command::Forget { tenant: key.clone(), sku_id: mcoev.sku_id.unwrap() };
    assert!(matches!(watcher.ask(forget.clone()).await, Event::Done(_)));
    assert!(matches!(watcher.ask(forget).await, Event::Refused(_)), "nothing is known any more");
}

#[test]
fn the_help_of_licenses_names_every_finding() {
    let page = tenantop::cli::commands_page();
    let help = page.split("## tenantop licenses").nth(1).unwrap();
    for finding in Finding::ALL {
        assert!(help.contains(&format!("`{}`", finding.name())), "{}", finding.name());
    }
}
