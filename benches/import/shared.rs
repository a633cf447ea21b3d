//! An import by a service while others look on: what each of them costs, and what the service holds.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Instant;

use tenantop::client::Client;
use tenantop::link;
use tenantop::model::{Clock, Command, Event, Fleet, Key, RunId, RunState, Scope, Tenant};

use super::AT_ONCE;
use super::service::Service;

/// How many look on.
pub(super) const LOOKERS: usize = 20;
const TENANTS: usize = 10_000;
/// Imports alone and beside others; the best of each counts.
const ROUNDS: usize = 3;

/// Seconds of an import that one client asks for, alone and with others beside it; and the most memory of the service.
pub(super) struct Shared {
    pub(super) alone: f64,
    pub(super) beside: f64,
    pub(super) peak_mib: f64,
}

/// A service that is to import a fleet.
fn service(dir: &Path, base: &str) -> Service {
    let (secret, token) = (dir.join("secret"), dir.join("token"));
    for file in [&secret, &token] {
        std::fs::write(file, "1.a-refresh-token-of-the-bench").unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let text = format!(
        r#"
        [store]
        path = "{}"
        [import]
        tenants_at_once = {AT_ONCE}
        [schedule]
        daily = false
        [[partner]]
        name = "bench"
        tenant_id = "8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f44"
        client_id = "8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f45"
        client_secret_file = "{}"
        service_account = "mfa.setup@partner.example"
        [partner.endpoints]
        login = "{base}/login"
        graph = "{base}/graph"
        partner_center = "{base}/partner"
        "#,
        dir.join("store.redb").display(),
        secret.display()
    );
    let config = dir.join("config.toml");
    std::fs::write(&config, text).unwrap();
    let tenantop = || {
        let mut command = Process::new(env!("CARGO_BIN_EXE_tenantop"));
        command.env("XDG_STATE_HOME", dir.join("state")).env_remove("TENANTOP_CONFIG");
        command.arg("--config").arg(&config).stdout(Stdio::null()).stderr(Stdio::inherit());
        command
    };
    let login = ["login", "--partner", "bench", "--untried", "--refresh-token-file"];
    assert!(tenantop().args(login).arg(&token).stderr(Stdio::null()).status().unwrap().success());
    Service::start(tenantop(), dir)
}

/// A client with its picture, as a console keeps it.
struct Looker {
    client: Client,
    fleet: Fleet,
}

/// What is seen of the tenants: how many users each has, and which run read them.
type Seen = BTreeMap<Key, (u64, RunId)>;

impl Looker {
    async fn attach(service: &Service) -> Self {
        let attached = link::attach(&service.socket, link::Hints::default(), Clock::system()).await.unwrap();
        let mut looker = Self { client: attached.client, fleet: Fleet::default() };
        while !looker.hear().await {}
        looker
    }

    /// Takes an event; answers whether it was a whole picture.
    async fn hear(&mut self) -> bool {
        match self.client.events.recv().await.unwrap() {
            Event::Hello(fleet) => {
                self.fleet = *fleet;
                return true;
            }
            Event::Change(change) => self.fleet.apply(&change),
            Event::Refused(why) | Event::Over(why) => panic!("{why}"),
            Event::Lost { .. } => panic!("the service is gone"),
            Event::Accepted { .. } | Event::Done(_) | Event::Seen(_) | Event::Present(_) | Event::You { .. } => {}
        }
        false
    }

    /// Hears until one more run is over; answers what is seen then.
    async fn see_a_run(mut self) -> (Self, Seen) {
        let over = |looker: &Self| looker.fleet.runs.values().filter(|run| run.state != RunState::Running).count();
        let before = over(&self);
        while over(&self) == before {
            self.hear().await;
        }
        let good = |tenant: &Tenant| tenant.users.good.as_ref().map(|good| (good.count, good.run));
        let tenants = self.fleet.tenants.values();
        let seen: Seen = tenants.filter_map(|tenant| Some((tenant.key.clone(), good(tenant)?))).collect();
        assert_eq!(seen.len(), TENANTS);
        (self, seen)
    }

    /// Asks for an import of everything; answers the seconds to its end and what is seen then.
    async fn import(self) -> (Self, f64, Seen) {
        let began = Instant::now();
        let wish = Command::Import { scope: Scope::All(None), list: true, reason: None };
        self.client.commands.send(wish).await.unwrap();
        let (looker, seen) = self.see_a_run().await;
        (looker, began.elapsed().as_secs_f64(), seen)
    }
}

pub(super) fn run(base: &str) -> Shared {
    let dir = tempfile::tempdir().unwrap();
    let service = service(dir.path(), base);
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        // The first one makes the store; sizes are known from then on.
        let (mut asks, ..) = Looker::attach(&service).await.import().await;
        let (mut alone, mut beside) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            let (again, seconds, _) = asks.import().await;
            alone = alone.min(seconds);
            let mut lookers = tokio::task::JoinSet::new();
            for _ in 0..LOOKERS {
                lookers.spawn(Looker::attach(&service).await.see_a_run());
            }
            let (again, seconds, seen) = again.import().await;
            beside = beside.min(seconds);
            while let Some(other) = lookers.join_next().await {
                assert_eq!(other.unwrap().1, seen, "all see the same");
            }
            asks = again;
        }
        Shared { alone, beside, peak_mib: service.peak_mib() }
    })
}
