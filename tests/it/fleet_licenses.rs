//! Licenses over all tenants: a tenant that refuses us is missing by name, or old by name, and never a zero.

use std::process::{Output, Stdio};

use serde_json::Value;
use tenantop::model::{Clock, Coverage, FleetLicenses, Gap, Product, Scope};

use crate::world::{Watcher, World};

/// One has spare ones, one has too few, one refuses us in the first night and one in the second.
const SCENARIO: &str = r#"
[[partner]]
name = "emea"

[[tenant]]
name = "Woodgrove Bank"
users = 40
skus = ["SPE_E3:50:30"]
trouble = [{ step = "token", nights = [0, 0], code = 53003, policies = ["3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90"] }]

[[tenant]]
name = "Contoso"
users = 20
skus = ["SPE_E3:25:15", "FLOW_FREE:10000:3"]
trouble = [{ step = "token", nights = [1, 1], code = 53000 }]

[[tenant]]
name = "Fabrikam"
users = 9
skus = [{ sku = "SPE_E3", enabled = 5, assigned = 9 }]
"#;

fn run(world: &World, args: &[&str]) -> Output {
    world.tenantop().args(args).stdin(Stdio::null()).output().unwrap()
}

fn rows(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A part number's row, and whose data are not in it or are old.
fn summed(watcher: &Watcher, licenses: &mut FleetLicenses) -> (Product, Vec<String>, Vec<String>) {
    let fleet = &watcher.fleet;
    licenses.update(fleet.tenants.values());
    let products = licenses.products(&fleet.catalog, |_| true);
    let e3 = products.into_iter().find(|product| product.part_number.as_deref() == Some("SPE_E3")).unwrap();
    let coverage = Coverage::of(fleet, fleet.tenants.values(), Clock::system().now());
    let names = |gaps: &[Gap]| gaps.iter().map(|gap| gap.title.to_string()).collect();
    (e3, names(&coverage.missing), names(&coverage.old))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_refuses_us_is_named_and_no_zero() {
    let world = World::playing(SCENARIO).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.import(Scope::All(None)).await;
    let mut licenses = FleetLicenses::default();
    let (e3, missing, old) = summed(&watcher, &mut licenses);
    assert_eq!((missing.as_slice(), old.len()), (["Woodgrove Bank".to_owned()].as_slice(), 0));
    assert_eq!((e3.customers, e3.purchased, e3.assigned, e3.held), (2, Some(30), Some(24), Some(24)));
    assert_eq!((e3.unassigned, e3.spare_in, e3.over, e3.over_in), (Some(10), 1, Some(4), 1));

    world.cloud.set_night(1);
    watcher.import(Scope::All(None)).await;
    let (e3, missing, old) = summed(&watcher, &mut licenses);
    assert_eq!((missing.len(), old.as_slice()), (0, ["Contoso".to_owned()].as_slice()));
    assert_eq!((e3.customers, e3.purchased, e3.unassigned), (3, Some(80), Some(30)), "what was read once stays");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_says_of_how_many_tenants_and_who_is_not_in() {
    let world = World::playing(SCENARIO).await;
    let output = run(&world, &["licenses", "--json"]);
    assert_eq!((output.status.code(), rows(&output).len()), (Some(0), 0));
    assert!(said(&output).contains("next: tenantop sync"), "{}", said(&output));
    assert_eq!(run(&world, &["import", "--all"]).status.code(), Some(1));

    let output = run(&world, &["licenses", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let products = rows(&output);
    assert_eq!(products.len(), 2);
    let e3 = &products[0];
    assert_eq!(e3["part_number"], "SPE_E3", "the biggest waste first, and what is free is none");
    for (name, want) in [
        ("customers", 2),
        ("tenants", 2),
        ("missing", 1),
        ("old", 0),
        ("purchased", 30),
        ("assigned", 24),
        ("unassigned", 10),
        ("over_assigned", 4),
        ("suspended", 0),
        ("locked_out", 0),
        ("held", 24),
        ("unknown", 0),
        ("unlisted", 0),
    ] {
        assert_eq!(e3[name].as_i64(), Some(want), "{name}: {e3}");
    }
    assert_eq!((&e3["name"], e3.get("free"), e3.get("company")), (&"Microsoft 365 E3".into(), None, None));
    assert_eq!((&products[1]["part_number"], &products[1]["free"]), (&"FLOW_FREE".into(), &true.into()));
    assert_eq!(products[1]["customers"], 1);
    let text = said(&output);
    assert!(text.contains("missing: 1 of 3 tenants: Woodgrove Bank (blocked, SKUs never read)"), "{text}");

    let each = rows(&run(&world, &["licenses", "--each", "--json"]));
    let named = |name: &str| each.iter().filter(|row| row["tenant_name"] == name).count();
    assert_eq!((each.len(), named("Contoso"), named("Fabrikam"), named("Woodgrove Bank")), (3, 2, 1, 0));
    let one = rows(&run(&world, &["licenses", "--tenant", "contoso", "--json"]));
    assert_eq!(one, each.into_iter().filter(|row| row["tenant_name"] == "Contoso").collect::<Vec<_>>());

    let some = rows(&run(&world, &["licenses", "--filter", "name:fabrikam", "--json"]));
    assert_eq!((some.len(), &some[0]["tenants"], &some[0]["unassigned"]), (1, &1.into(), &0.into()));
    let none = run(&world, &["licenses", "--partner", "apac", "--json"]);
    assert_eq!(rows(&none).len(), 0);

    let csv = run(&world, &["licenses", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.stdout.as_slice());
    assert!(reader.headers().unwrap().iter().any(|title| title == "over_assigned"));
    assert_eq!(reader.records().count(), 2);

    world.cloud.set_night(1);
    assert_eq!(run(&world, &["import", "--all"]).status.code(), Some(1));
    let output = run(&world, &["licenses", "--json"]);
    assert_eq!((&rows(&output)[0]["tenants"], &rows(&output)[0]["old"]), (&3.into(), &1.into()));
    let text = said(&output);
    assert!(text.contains("old: 1 of 3 tenants: Contoso (blocked, SKUs of 20") && !text.contains("missing"), "{text}");
    let found = rows(&run(&world, &["tenants", "--filter", "skus:not", "--json"]));
    assert_eq!((found.len(), &found[0]["name"]), (1, &"Contoso".into()));
}
