//! Holders of a product, from the made-up cloud to the screen's window and the commands.

use std::collections::BTreeMap;

use serde_json::Value;
use tenantop::model::{
    Command, Counted, Event, Found, Look, Oddity, Products, SkuId, TextField, User, UserField, UsersLook, UsersSeen,
    license_rows,
};

use crate::world::{Watcher, World};

const SCENARIO: &str = "[[partner]]\nname='emea'\n[[tenant]]\nname='Contoso'\nusers=700\n\
    skus=['SPE_E3:700:60%', 'SPE_F1:300:30%', 'EMS:200:20%', 'AAD_PREMIUM:50:40', 'VISIOCLIENT:40:30', \
    'FLOW_FREE:10000:50%', { sku = 'CDS_DB', enabled = 4, company = true }]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holders_are_as_many_as_held_and_findings_come_first() {
    let world = World::playing(SCENARIO).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.import(tenantop::model::Scope::All(None)).await;
    let tenant = watcher.fleet.tenants[&watcher.key("Contoso")].clone();
    let (users, skus) = (tenant.users.good.as_ref().unwrap().snapshot, tenant.skus.good.as_ref().unwrap().snapshot);
    let reader = engine.reader();
    let rows = reader.skus(skus).unwrap();
    let products = Products::of(&rows);
    let id = |part: &str| rows.iter().find(|sku| sku.part_number.as_deref() == Some(part)).unwrap().sku_id.unwrap();
    let mut all = Vec::new();
    reader
        .users(users, &mut |user| {
            all.push(user);
            true
        })
        .unwrap();
    let holds = |user: &User, id: SkuId| user.licenses.iter().flatten().any(|license| license.sku_id == Some(id));

    let look = |holding, filter: &str, count| {
        Look::Users(UsersLook {
            users,
            skus: Some(skus),
            holding: Some(holding),
            filter: filter.to_owned(),
            sort: Some(UserField::Finding),
            reverse: false,
            from: 0,
            count,
            at: None,
        })
    };
    let asked = world.cloud.counters().requests;
    let mut see = async |look: Look| -> UsersSeen {
        let Event::Seen(seen) = watcher.ask(Command::Look(look)).await else { panic!("no answer") };
        let Ok(Found::Users(seen)) = seen.found else { panic!("no users: {:?}", seen.found) };
        seen
    };

    let mut counted = 0;
    for row in license_rows(&tenant) {
        let (Some(product), Some(held)) = (row.sku_id, row.held) else { continue };
        let seen = see(look(product, "", 1)).await;
        let tally = seen.tally.unwrap();
        assert_eq!((seen.total, seen.matched, tally.holders), (held, held, held), "{}", products.name(product));
        let departments: u64 = tally.departments.iter().map(|Counted { users, .. }| users).sum();
        assert_eq!(departments, held, "each holder sits somewhere");
        counted += 1;
    }
    assert_eq!(counted, 6, "nobody holds what is for the company");

    // Of EMS's holders those who have SPE_E3 hold it twice; the gravest come first, then by name.
    let seen = see(look(id("EMS"), "", UsersLook::MOST)).await;
    let tally = seen.tally.clone().unwrap();
    let doubles = all.iter().filter(|user| holds(user, id("EMS")) && holds(user, id("SPE_E3"))).count() as u64;
    let pairs: BTreeMap<(String, String), u64> = tally
        .doubles
        .iter()
        .map(|(double, n)| ((products.name(double.by).into(), products.name(double.included).into()), *n))
        .collect();
    assert!(doubles > 0 && pairs[&("SPE_E3".to_owned(), "EMS".to_owned())] == doubles, "{pairs:?}");
    let widest = &pairs[&("SPE_E3".to_owned(), "AAD_PREMIUM".to_owned())];
    assert!(*widest > 0, "EMS includes it too, and the widest is named: {pairs:?}");
    assert!(tally.oddities.iter().all(|n| *n > 0), "each finding occurs: {:?}", tally.oddities);
    let findings = |user: &User| -> Vec<&str> { products.oddities(user.into()).iter().map(Oddity::name).collect() };
    let key = |user: &User| {
        let words = findings(user);
        let name = user.text(TextField::DisplayName).map(str::to_lowercase);
        (words.is_empty(), words, name.is_none(), name)
    };
    assert!(seen.rows.is_sorted_by_key(key), "findings first, then the name");
    assert_eq!(seen.rows.len() as u64, tally.holders);
    let odd = seen.rows.iter().filter(|user| !findings(user).is_empty()).count() as u64;
    assert_eq!(odd, tally.odd);
    assert_eq!(see(look(id("EMS"), "!finding:none", 1)).await.matched, odd, "what `u` shows");
    for (oddity, n) in Oddity::ALL.into_iter().zip(tally.oddities) {
        let seen = see(look(id("EMS"), &format!("finding:{}", oddity.name()), 1)).await;
        assert_eq!((seen.matched, seen.total), (n, tally.holders), "{}", oddity.name());
    }
    let visio = see(look(id("VISIOCLIENT"), "", UsersLook::MOST)).await.tally.unwrap();
    assert!(visio.doubles.iter().all(|(double, _)| double.included != id("VISIOCLIENT")), "nothing includes Visio");
    let free = see(look(id("FLOW_FREE"), "finding:guest", 1)).await.matched;
    let paying = |user: &&User| user.licenses.iter().flatten().any(|license| license.sku_id != Some(id("FLOW_FREE")));
    let guests = all.iter().filter(|user| holds(user, id("FLOW_FREE")) && findings(user).contains(&"guest"));
    assert_eq!(free, guests.filter(paying).count() as u64, "a guest with a free license is no finding");
    assert_eq!(world.cloud.counters().requests, asked, "no tenant was asked for anything");
    drop((reader, watcher));
    engine.stop().await;

    let on_screen: Vec<String> = seen.rows.iter().map(|user| user.id.to_string()).collect();
    the_command_says_the_same(&world, &on_screen, tally.oddities);
}

/// The rows of the screen, in their order, and how many have each finding.
fn the_command_says_the_same(world: &World, on_screen: &[String], oddities: [u64; 3]) {
    let run = |args: &[&str]| -> Vec<Value> {
        let output = world.tenantop().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let told = run(&["users", "--tenant", "Contoso", "--filter", "license:=EMS", "--json"]);
    assert_eq!(told.len(), on_screen.len());
    let has =
        |row: &Value, oddity: Oddity| row["findings"].as_array().unwrap().iter().any(|found| found == oddity.name());
    for (oddity, n) in Oddity::ALL.into_iter().zip(oddities) {
        assert_eq!(told.iter().filter(|row| has(row, oddity)).count() as u64, n, "{}", oddity.name());
    }
    assert!(told.iter().any(|row| row["findings"].as_array().unwrap().is_empty()), "none is an empty list");

    // Sorted, it has the rows of the screen, in their order; turned round, the other way.
    for reverse in [false, true] {
        let mut args = vec!["users", "--tenant", "Contoso", "--filter", "license:=EMS", "--sort", "finding", "--json"];
        args.extend(reverse.then_some("--reverse"));
        let mut ids: Vec<String> = run(&args).iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        if reverse {
            ids.reverse();
        }
        assert_eq!(ids, on_screen);
    }
    let output = world.tenantop().args(["users", "--sort", "plan"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("no field `plan`; there are name, company"), "{said}");
}
