//! License counts are kept day by day as imports read them, and a command shows what the console shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tenantop::model::{Clock, Command, Event, Found, JobState, Key, LicenseHistory, Look, Scope, SkuId};

use crate::world::{Watcher, World};

/// Noon of the first day.
const FIRST: &str = "2026-11-20T12:00:00Z";

/// A clock that stands still until it is set to another day.
#[derive(Clone, Default)]
struct Days(Arc<AtomicI64>);

impl Days {
    fn clock(&self) -> Clock {
        let days = Arc::clone(&self.0);
        Clock::of(move || {
            let first: Timestamp = FIRST.parse().unwrap();
            first.checked_add(SignedDuration::from_hours(24 * days.load(Ordering::Relaxed))).unwrap()
        })
    }

    fn set(&self, day: i64) {
        self.0.store(day, Ordering::Relaxed);
    }
}

const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";

async fn see(watcher: &mut Watcher, tenant: &Key, sku: &str) -> LicenseHistory {
    let sku_id: SkuId = sku.parse().unwrap();
    let look = Look::LicenseHistory { tenant: tenant.clone(), sku_id, round: 1 };
    let Event::Seen(seen) = watcher.ask(Command::Look(look)).await else { panic!("no answer") };
    let Ok(Found::LicenseHistory(found)) = seen.found else { panic!("no days: {:?}", seen.found) };
    found
}

/// Day of the month, purchased, assigned, held.
type Told = (i8, Option<i64>, Option<i64>, Option<u64>);

fn told(history: &LicenseHistory) -> Vec<Told> {
    history.rows.iter().map(|row| (row.day.day(), row.purchased, row.assigned, row.held)).collect()
}

fn read(history: &LicenseHistory) -> Vec<i8> {
    history.read.iter().map(|day| day.day()).collect()
}

/// Rows of `tenantop licenses --history`.
fn command(world: &World, args: &[&str]) -> Vec<serde_json::Value> {
    let output = world.tenantop().args(["licenses", "--history", "--json"]).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_kept_for_each_day_on_which_they_were_read() {
    let world = World::of("days.toml").await;
    let days = Days::default();
    let engine = world.engine_at(days.clock());
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    for day in 0..4 {
        days.set(day);
        world.cloud.set_night(day.try_into().unwrap());
        watcher.import(Scope::All(None)).await;
    }
    let bank = watcher.key("Woodgrove Bank");
    let seen = see(&mut watcher, &bank, E3).await;
    let expected = [
        (20, Some(200), Some(189), Some(189)),
        // The sign-in was refused on the 21st: no row, and no zero.
        (22, Some(200), Some(197), Some(197)),
        // The SKUs were refused on the 23rd: what users hold is known, the rest is not.
        (23, None, None, Some(197)),
    ];
    assert_eq!((told(&seen), read(&seen)), (expected.to_vec(), vec![20, 22, 23]));
    let storage = see(&mut watcher, &bank, "99049c9c-6011-4908-bf17-15f496e6519d").await;
    assert_eq!(told(&storage), [(20, Some(500), Some(0), None), (22, Some(500), Some(0), None)], "nobody holds it");

    // The shrink guard holds the next one aside, and its day stays open for the users.
    days.set(4);
    world.cloud.set_night(4);
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!(run.jobs[&bank].state, JobState::HeldBack);
    let aside = (24, Some(220), Some(20), None);
    assert_eq!(told(&see(&mut watcher, &bank, E3).await).last(), Some(&aside));
    // It is accepted two days later, after another import of others: it counts for the day on which it was read.
    days.set(6);
    watcher.import(Scope::Tenants(vec![watcher.key("Contoso")])).await;
    watcher.ask(Command::Review { tenant: bank.clone(), accept: true }).await;
    let seen = see(&mut watcher, &bank, E3).await;
    let held = seen.rows.last().unwrap().held;
    assert!(held.is_some_and(|held| held <= 20), "{held:?} of 40 users");
    assert_eq!(told(&seen).last(), Some(&(24, Some(220), Some(20), held)));
    assert_eq!(read(&seen), [20, 22, 23, 24]);

    // Of two imports of a day the last one counts.
    world.cloud.set_night(0);
    watcher.import(Scope::Tenants(vec![bank.clone()])).await;
    world.cloud.set_night(5);
    watcher.import(Scope::Tenants(vec![bank.clone()])).await;
    let seen = see(&mut watcher, &bank, E3).await;
    assert_eq!(told(&seen).last(), Some(&(26, Some(220), Some(20), Some(20))));
    let asked = world.cloud.counters().requests;
    drop(watcher);
    engine.stop().await;

    // A command shows the same, and a restart keeps it.
    let rows = command(&world, &["--tenant", "Woodgrove", "--sku", "spe_e3"]);
    let days: Vec<Told> = rows
        .iter()
        .map(|row| {
            let day: Date = row["day"].as_str().unwrap().parse().unwrap();
            (day.day(), row["purchased"].as_i64(), row["assigned"].as_i64(), row["held"].as_u64())
        })
        .collect();
    assert_eq!(days, told(&seen));
    assert_eq!((rows[0]["unassigned"].as_i64(), rows[0]["name"].as_str()), (Some(11), Some("Microsoft 365 E3")));
    assert!(rows[2].get("purchased").is_none() && rows[2].get("sold").is_none(), "unknown is absent: {}", rows[2]);
    let all = command(&world, &["--since", "2026-11-26"]);
    let keys: Vec<(&str, &str)> =
        all.iter().map(|row| (row["tenant_name"].as_str().unwrap(), row["day"].as_str().unwrap())).collect();
    assert_eq!(keys, [("Contoso", "2026-11-26"), ("Woodgrove Bank", "2026-11-26"), ("Woodgrove Bank", "2026-11-26")]);
    assert_eq!(world.cloud.counters().requests, asked, "nobody was asked for anything");
}
