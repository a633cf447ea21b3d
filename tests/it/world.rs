//! A made-up cloud, a configuration that leads to it and a place for a store: what every journey begins with.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tenantop::client::Client;
use tenantop::cloud::{Cloud, Vault, store_refresh_token};
use tenantop::config::{Config, Loaded};
use tenantop::engine::{Engine, shelf};
use tenantop::model::{
    Change, Clock, Command, Event, Fleet, Key, Present, Run, RunId, RunState, Scope, SkuId, State, TenantRow, day_of,
};
use tenantop::sim::{Running, Scenario, Sim};
use tenantop::store::{Reader, Store};

/// Longer than any wait in a journey may last.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) cloud: Running,
    pub(crate) config: Config,
}

impl World {
    /// A cloud that plays a scenario of `tests/scenarios`.
    pub(crate) async fn of(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name);
        Self::playing(&std::fs::read_to_string(path).unwrap()).await
    }

    /// A cloud that plays a scenario that is written out.
    pub(crate) async fn playing(scenario: &str) -> Self {
        let scenario = Scenario::parse(scenario).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let cloud = Sim::start(scenario.clone(), SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        // No test runs otherwise by night than by day: who wants a schedule says so.
        let store = dir.path().join("store.redb");
        let mut text = format!("[store]\npath = \"{}\"\n[schedule]\ndaily = false\n", store.display());
        let base = cloud.base();
        for partner in scenario.partners() {
            let secret = dir.path().join(format!("{}.secret", partner.name));
            std::fs::write(&secret, &partner.secret).unwrap();
            std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
            text.push_str(&format!(
                r#"
                [[partner]]
                name = "{}"
                tenant_id = "{}"
                client_id = "{}"
                client_secret_file = "{}"
                service_account = "mfa.setup@partner.example"
                [partner.endpoints]
                login = "{base}/login"
                graph = "{base}/graph"
                partner_center = "{base}/partner"
                "#,
                partner.name,
                partner.tenant_id,
                partner.client_id,
                secret.display(),
            ));
        }
        std::fs::write(dir.path().join("config.toml"), &text).unwrap();
        let config: Config = toml::from_str(&text).unwrap();
        let world = Self { dir, cloud, config };
        {
            let store = world.store();
            let vault = world.vault(&store);
            for (partner, wanted) in world.config.partners.iter().zip(scenario.partners()) {
                store_refresh_token(&vault, partner, &wanted.refresh_token, Clock::system().now()).unwrap();
            }
        }
        world
    }

    pub(crate) fn store_path(&self) -> PathBuf {
        self.dir.path().join("store.redb")
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.store_path(), 16 << 20).unwrap()
    }

    /// The vault in an open store, with the configuration's keys.
    pub(crate) fn vault(&self, store: &Store) -> Vault {
        Vault::new(shelf(store.sealed()), self.dir.path(), &self.config.credentials, None)
    }

    /// What lies sealed in the store for a partner.
    pub(crate) fn sealed(&self, partner: &str) -> Vec<u8> {
        self.store().sealed().get(partner).unwrap().unwrap()
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.dir.path().join("config.toml")
    }

    /// The real binary with this configuration.
    pub(crate) fn tenantop(&self) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tenantop"));
        command.env_remove("TENANTOP_CONFIG").env_remove("TENANTOP_STORE").env_remove("CREDENTIALS_DIRECTORY");
        command.env("XDG_STATE_HOME", self.dir.path().join("state"));
        command.arg("--config").arg(self.config_path());
        command
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine_at(Clock::system())
    }

    pub(crate) fn engine_at(&self, clock: Clock) -> Engine {
        let store = self.store();
        let vault = self.vault(&store);
        let clouds: BTreeMap<_, _> = self
            .config
            .partners
            .iter()
            .map(|partner| {
                let cloud = Cloud::open(partner, &self.config.import, &vault, clock.clone()).unwrap();
                (partner.name.clone(), cloud)
            })
            .collect();
        let loaded = Loaded { config: self.config.clone(), origins: BTreeMap::new() };
        let listed = loaded.products().unwrap().unwrap_or_default().listed;
        let (import, keep, schedule) = (&self.config.import, &self.config.store, &self.config.schedule);
        Engine::start(store, clouds, import, Arc::new(listed), keep, schedule, clock).unwrap()
    }
}

/// A client that keeps the picture and all that it heard.
pub(crate) struct Watcher {
    pub(crate) client: Client,
    pub(crate) fleet: Fleet,
    pub(crate) heard: Vec<Change>,
    pub(crate) answers: Vec<Event>,
    pub(crate) present: Vec<Present>,
}

impl Watcher {
    pub(crate) async fn of(engine: &Engine, by: &str) -> Self {
        let mut client = engine.client(by.into());
        let Some(Event::Hello(fleet)) = client.events.recv().await else { panic!("the first event is the fleet") };
        Self { client, fleet: *fleet, heard: Vec::new(), answers: Vec::new(), present: Vec::new() }
    }

    /// Of a client that may be anywhere.
    pub(crate) async fn at(mut client: Client) -> Self {
        loop {
            match client.events.recv().await.expect("a picture comes") {
                Event::Hello(fleet) => {
                    let (fleet, answers) = (*fleet, Vec::new());
                    return Self { client, fleet, heard: Vec::new(), answers, present: Vec::new() };
                }
                Event::You { .. } | Event::Present(_) => {}
                other => panic!("before a picture: {other:?}"),
            }
        }
    }

    /// Sends a wish and hears until it is answered.
    pub(crate) async fn ask(&mut self, command: Command) -> Event {
        self.client.commands.send(command).await.unwrap();
        let answers = self.answers.len();
        self.until(|watcher| watcher.answers.len() > answers).await;
        self.answers.last().unwrap().clone()
    }

    /// Starts a run and gives its number.
    pub(crate) async fn begin(&mut self, scope: Scope) -> RunId {
        match self.ask(Command::Import { scope, list: false, reason: None }).await {
            Event::Accepted { run, .. } => run,
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// Starts a run and hears to its end.
    pub(crate) async fn import(&mut self, scope: Scope) -> Run {
        let run = self.begin(scope).await;
        self.end_of(run).await
    }

    pub(crate) async fn end_of(&mut self, run: RunId) -> Run {
        self.until(|watcher| watcher.fleet.runs.get(&run).is_some_and(|run| run.state != RunState::Running)).await;
        self.fleet.runs[&run].clone()
    }

    /// Hears events until something holds; fails after [`LIMIT`].
    pub(crate) async fn until(&mut self, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            while !holds(self) {
                match self.client.events.recv().await.expect("the engine goes on") {
                    Event::Hello(fleet) => self.fleet = *fleet,
                    Event::Change(change) => {
                        self.fleet.apply(&change);
                        self.heard.push((*change).clone());
                    }
                    answer @ (Event::Accepted { .. } | Event::Done(_) | Event::Refused(_) | Event::Seen(_)) => {
                        self.answers.push(answer);
                    }
                    Event::Present(present) => self.present = present.to_vec(),
                    Event::You { .. } => {}
                    gone @ (Event::Lost { .. } | Event::Over(_)) => panic!("{gone:?}"),
                }
            }
        };
        tokio::time::timeout(LIMIT, wait).await.expect("it comes to pass within the limit");
    }

    /// The tenant of a name.
    pub(crate) fn key(&self, name: &str) -> Key {
        let found = self.fleet.tenants.values().find(|tenant| tenant.name == name);
        found.unwrap_or_else(|| panic!("no tenant {name}")).key.clone()
    }

    pub(crate) fn row(&self, name: &str) -> TenantRow<'_> {
        TenantRow::of(&self.fleet, &self.fleet.tenants[&self.key(name)], Clock::system().now())
    }

    pub(crate) fn state(&self, name: &str) -> State {
        self.row(name).state
    }
}

/// Checks that nothing in a store is half: what each tenant shows is there in full and adds up.
pub(crate) fn assert_whole(fleet: &Fleet, reader: &Reader) {
    for tenant in fleet.tenants.values() {
        if let Some(good) = &tenant.users.good {
            let mut held: BTreeMap<SkuId, u64> = BTreeMap::new();
            let mut ids = std::collections::BTreeSet::new();
            let rows = reader
                .users(good.snapshot, &mut |user| {
                    assert!(ids.insert(user.id), "{}: a user twice", tenant.name);
                    let mut skus: Vec<SkuId> = user.licenses.iter().flatten().filter_map(|l| l.sku_id).collect();
                    skus.sort_unstable();
                    skus.dedup();
                    for sku in skus {
                        *held.entry(sku).or_default() += 1;
                    }
                    true
                })
                .unwrap();
            assert_eq!(rows, good.count, "{}: users", tenant.name);
            assert_eq!(held.into_iter().collect::<Vec<_>>(), tenant.held.to_vec(), "{}: holders", tenant.name);
        }
        if let Some(good) = &tenant.skus.good {
            let skus = reader.skus(good.snapshot).unwrap();
            assert_eq!(skus.len() as u64, good.count, "{}: SKUs", tenant.name);
            assert_eq!(tenant.sku_counts.len(), skus.len(), "{}: SKU counts", tenant.name);
        }
        // The day of each has its counts: they became the good ones in the same transaction.
        let days = reader.licenses(&tenant.key, None, None).unwrap();
        let of = |at, id| days.rows.iter().find(|row| row.sku_id == id && row.day == day_of(at));
        if let Some(good) = &tenant.users.good {
            assert!(days.read.contains(&day_of(good.at)), "{}: the day of the users", tenant.name);
            for (id, held) in tenant.held.to_vec() {
                assert_eq!(of(good.at, id).and_then(|row| row.held), Some(held), "{}: {id} that day", tenant.name);
            }
        }
        if let Some(good) = &tenant.skus.good {
            assert!(days.read.contains(&day_of(good.at)), "{}: the day of the SKUs", tenant.name);
            for (id, sku) in tenant.sku_counts.to_vec().into_iter().filter_map(|sku| Some((sku.sku_id?, sku))) {
                let row = of(good.at, id).map(|row| (row.purchased, row.assigned));
                assert_eq!(row, Some((sku.purchased(), sku.consumed)), "{}: {id} that day", tenant.name);
            }
        }
    }
}
