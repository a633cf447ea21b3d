//! kill -9 of a real process at any moment loses no finished import and shows no half one.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tenantop::model::{RunState, Scope};
use tenantop::store::Store;

use crate::world::{Watcher, World, assert_whole};

const KILLS: u32 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_kills_lose_nothing_and_show_nothing_half() {
    let world = World::of("crash.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let began = Instant::now();
    watcher.import(Scope::All(None)).await;
    let whole_run = began.elapsed();
    drop(watcher);
    engine.stop().await;

    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    let mut cut = 0;
    for kill in 0..KILLS {
        let mut child = world
            .tenantop()
            .args(["import", "--all", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Spread over start-up, the run and a little beyond.
        let limit = Duration::from_millis(20) + (whole_run + Duration::from_millis(150)) * kill / KILLS;
        let stdout = child.stdout.take().unwrap();
        let lines = tokio::task::spawn_blocking(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).collect::<Vec<String>>()
        });
        tokio::time::sleep(limit).await;
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.await.unwrap() {
            let Ok(event) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
            if event["event"] == "tenant_done" {
                let run = event["run_id"].as_u64().unwrap();
                told.insert(event["tenant_id"].as_str().unwrap().to_owned(), run);
            }
        }

        let began = Instant::now();
        let store = Store::open(&world.store_path(), 16 << 20).unwrap();
        assert!(began.elapsed() < Duration::from_secs(5), "it opens without a long repair");
        let fleet = store.load(1).unwrap();
        assert_whole(&fleet, &store.reader());
        for tenant in fleet.tenants.values() {
            assert!(tenant.active.is_none(), "nothing is said to go on");
            let kept = tenant.users.good.as_ref().map_or(0, |good| good.run.0);
            let said = told.get(&tenant.key.tenant.to_string()).copied().unwrap_or(0);
            assert!(kept >= said, "{}: run {said} was told as done, run {kept} is kept", tenant.name);
        }
        assert!(fleet.running().next().is_none(), "a run that was cut off is closed");
        cut += u32::from(fleet.runs.values().next_back().unwrap().state == RunState::Interrupted);
    }
    assert!(cut >= KILLS / 4, "only {cut} of {KILLS} kills met a run");
    assert!(!told.is_empty(), "some imports were told as done");
}
