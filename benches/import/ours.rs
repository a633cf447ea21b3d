//! tenantop itself: sign-in, customer list, imports, durable store; from the wish to the end of the run.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use tenantop::client::Client;
use tenantop::cloud::{Cloud, Vault, store_refresh_token};
use tenantop::config;
use tenantop::engine::{Engine, shelf};
use tenantop::model::{Change, Clock, Command, Event, Fleet, RunState, Scope};
use tenantop::store::Store;

use super::{AT_ONCE, Measured};

pub(super) fn run(base: &str) -> Measured {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "a secret of the bench").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let partner: config::Partner = toml::from_str(&format!(
        r#"
        name = "bench"
        tenant_id = "8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f44"
        client_id = "8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f45"
        client_secret_file = "{}"
        service_account = "mfa.setup@partner.example"
        [endpoints]
        login = "{base}/login"
        graph = "{base}/graph"
        partner_center = "{base}/partner"
        "#,
        secret.display()
    ))
    .unwrap();
    let import = config::Import { tenants_at_once: u32::try_from(AT_ONCE).unwrap(), ..config::Import::default() };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let cache = config::Config::default().store.cache_mib as usize * (1 << 20);
        let store = Store::open(&dir.path().join("store.redb"), cache).unwrap();
        let vault = Vault::new(shelf(store.sealed()), dir.path(), &config::Credentials::default(), None);
        store_refresh_token(&vault, &partner, "1.a-refresh-token-of-the-bench", jiff::Timestamp::UNIX_EPOCH).unwrap();
        let cloud = Cloud::open(&partner, &import, &vault, Clock::system()).unwrap();
        let clouds = BTreeMap::from([(partner.name.clone(), cloud)]);
        let keep = tenantop::config::Store::default();
        let schedule = tenantop::config::Schedule::default();
        let names = std::sync::Arc::default();
        let engine = Engine::start(store, clouds, &import, names, &keep, &schedule, Clock::system()).unwrap();
        let mut client = engine.client("bench".into());
        let Some(Event::Hello(mut fleet)) = client.events.recv().await else { panic!("no hello") };
        let first = import_all(&mut client, &mut fleet).await;
        let again = import_all(&mut client, &mut fleet).await;
        let run = fleet.runs.values().next_back().unwrap();
        assert_eq!(run.failed, 0, "every tenant is saved");
        let users = fleet.tenants.values().filter_map(|tenant| tenant.users.good.as_ref()).map(|good| good.count).sum();
        let requests = run.totals.requests;
        drop(client);
        engine.stop().await;
        Measured { seconds: first, again, peak_mib: 0.0, users, requests }
    })
}

/// Asks for an import of everything and answers the seconds to its end.
async fn import_all(client: &mut Client, fleet: &mut Fleet) -> f64 {
    let began = Instant::now();
    client.commands.send(Command::Import { scope: Scope::All(None), list: true, reason: None }).await.unwrap();
    loop {
        match client.events.recv().await.unwrap() {
            Event::Hello(again) => *fleet = *again,
            Event::Change(change) => {
                fleet.apply(&change);
                if let Change::RunEnded { state, .. } = &*change {
                    assert_eq!(*state, RunState::Done, "{:?}", fleet.runs);
                    return began.elapsed().as_secs_f64();
                }
            }
            Event::Refused(why) => panic!("{why}"),
            Event::Accepted { .. } | Event::Done(_) | Event::Seen(_) | Event::Present(_) | Event::You { .. } => {}
            gone @ (Event::Lost { .. } | Event::Over(_)) => panic!("{gone:?}"),
        }
    }
}
