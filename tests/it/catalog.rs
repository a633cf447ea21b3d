//! What products are called: a name of the operators' own, Microsoft's published table, the built-in one.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use tenantop::model::{Command, Event, Scope, SkuId};

use crate::world::{Watcher, World};

const SCENARIO: &str = r#"
[[partner]]
name = "emea"

[[tenant]]
name = "Contoso"
users = 12
skus = ["SPE_E3:10:8", "FLOW_FREE:10000:3", { sku = "NEWPROD_2026", id = "00000000-0000-0000-0000-0000000000a2", enabled = 5 }]
"#;

const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
const NEW: &str = "00000000-0000-0000-0000-0000000000a2";

fn sku(text: &str) -> SkuId {
    text.parse().unwrap()
}

/// A table of our own that has what the published one is known to have.
fn nasty() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalog/nasty.csv")
}

fn run(world: &World, table: Option<&Path>, args: &[&str]) -> Output {
    let mut command = world.tenantop();
    if let Some(table) = table {
        command.env("TENANTOP_CATALOG_PRODUCTS_CSV", table);
    }
    command.args(args).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// `licenses`, each product with its name and whether it is marked as free.
fn names(output: &Output) -> Vec<(String, String, bool)> {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    let rows = String::from_utf8(output.stdout.clone()).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let mut rows: Vec<_> = rows
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|row: Value| (text(&row, "part_number"), text(&row, "name"), row.get("free") == Some(&true.into())))
        .collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_of_our_own_is_everybodys_and_outlives_a_restart_and_the_published_table() {
    let mut world = World::playing(SCENARIO).await;
    let engine = world.engine();
    let mut jdoe = Watcher::of(&engine, "jdoe").await;
    let mut akim = Watcher::of(&engine, "akim").await;
    jdoe.import(Scope::All(None)).await;
    assert_eq!(jdoe.fleet.catalog.name(Some(sku(NEW)), Some("NEWPROD_2026")), "NEWPROD_2026");

    let name = |id: &str, name: &str| Command::Name { sku_id: sku(id), name: name.into() };
    let Event::Done(done) = jdoe.ask(name(NEW, " Our\u{200b} product ")).await else { panic!("it is named") };
    assert_eq!(done, "00000000-0000-0000-0000-0000000000a2 is called Our? product for everybody");
    akim.until(|akim| akim.fleet.catalog.known(sku(NEW)) == Some("Our? product")).await;
    let local = &akim.fleet.catalog.local()[&sku(NEW)];
    assert_eq!((local.by.as_str(), local.at), ("jdoe", jdoe.fleet.catalog.local()[&sku(NEW)].at));
    let Event::Refused(why) = akim.ask(name(NEW, &"x".repeat(121))).await else { panic!("it is too long") };
    assert!(why.contains("at most 120 bytes"), "{why}");
    let Event::Refused(why) = akim.ask(name(E3, "")).await else { panic!("it has none") };
    assert!(why.contains("has no name of our own"), "{why}");
    drop((jdoe, akim));
    engine.stop().await;

    let names_of = |table: Option<&Path>| names(&run(&world, table, &["licenses", "--json"]));
    let row = |part: &str, name: &str, free| (part.to_owned(), name.to_owned(), free);
    let (flow, e3) = (row("FLOW_FREE", "Power Automate Free", true), row("SPE_E3", "Microsoft 365 E3", false));
    let new = row("NEWPROD_2026", "Our? product", false);
    assert_eq!(names_of(None), [flow.clone(), new.clone(), e3.clone()]);
    // The table calls that id otherwise; the operators' word goes before it.
    assert_eq!(names_of(Some(&nasty())), [flow.clone(), new, e3.clone()]);

    world.config.catalog.products_csv = Some(nasty());
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    assert_eq!(watcher.fleet.catalog.known(sku(NEW)), Some("Our? product"), "after a restart");
    let Event::Done(done) = watcher.ask(name(NEW, "")).await else { panic!("it is taken away") };
    assert_eq!(done, "WID_BI is no longer called Our? product");
    assert_eq!(watcher.fleet.catalog.known(sku(NEW)), Some("Widget Analytics"), "the table's name holds");
    drop(watcher);
    engine.stop().await;
    let table = [flow, row("NEWPROD_2026", "Widget Analytics", false), e3];
    assert_eq!(names(&run(&world, Some(&nasty()), &["licenses", "--json"])), table);
    assert_eq!(names(&run(&world, None, &["licenses", "--json"]))[1].1, "NEWPROD_2026");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_gone_or_is_none_stops_every_start_with_file_and_key() {
    let world = World::playing(SCENARIO).await;
    assert_eq!(run(&world, None, &["import", "--all"]).status.code(), Some(0));
    let output = run(&world, Some(&nasty()), &["config"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("names 8 products and 3 service plans"), "{}", said(&output));
    assert!(said(&output).contains("3; the first in line 13: `not-a-guid` is no GUID"), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("# TENANTOP_CATALOG_PRODUCTS_CSV"));

    let gone = world.dir.path().join("gone.csv");
    let other = world.dir.path().join("other.csv");
    std::fs::write(&other, "a,b\n1,2\n").unwrap();
    for (table, why) in [(&gone, "No such file"), (&other, "no column GUID and no column Product_Display_Name")] {
        let commands: [&[&str]; 5] = [&["licenses"], &["import", "--all"], &["tenants"], &["config"], &["--plain"]];
        for args in commands {
            let output = run(&world, Some(table), args);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
            let said = said(&output);
            for part in ["TENANTOP_CATALOG_PRODUCTS_CSV: catalog.products_csv: ", &table.display().to_string(), why] {
                assert!(said.contains(part), "{args:?}: {part} in {said}");
            }
            assert!(said.contains("takes the key out"), "the next step: {said}");
        }
    }
    let config = std::fs::read_to_string(world.config_path()).unwrap();
    let keyed = format!("[catalog]\nproducts_csv = {:?}\n{config}", other.display().to_string());
    std::fs::write(world.config_path(), keyed).unwrap();
    let output = run(&world, None, &["licenses"]);
    assert!(said(&output).contains("config.toml:2: catalog.products_csv: "), "{}", said(&output));
}
