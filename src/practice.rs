//! Practice mode: a made-up cloud on loopback, a throw-away store with some weeks behind it, and the console on it.
//!
//! The nights that lie behind are real runs of the real engine over HTTP, with a clock that stands in the past; only
//! the clock is made up. Nothing needs to be configured and nothing is left behind.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use color_eyre::eyre::{Context, Result, bail, eyre};
use jiff::{SignedDuration, Timestamp};

use crate::client::Client;
use crate::cloud::{Cloud, Vault, store_refresh_token};
use crate::config::{self, Config};
use crate::engine::{Engine, shelf};
use crate::failure::PartnerFacts;
use crate::model::allocation::{Allocating, Month, Period, Price, PriceBook, Rules};
use crate::model::{Change, Clock, Command, Event, Fleet, Key, PartnerName, RunState, Scope};
use crate::sim::{Running, Scenario, Sim};
use crate::store::Store;

/// The nights that lie behind, oldest first: how long ago each was. The night after the last one is now.
pub const NIGHTS: [SignedDuration; 7] = [
    SignedDuration::from_hours(31 * 24),
    SignedDuration::from_hours(9 * 24),
    SignedDuration::from_hours(6 * 24),
    SignedDuration::from_hours(4 * 24),
    SignedDuration::from_hours(2 * 24),
    SignedDuration::from_hours(33),
    SignedDuration::from_hours(7),
];

/// A practice cloud with an engine on it. Dropping it removes all of it.
pub struct Practice {
    /// The engine, with its nights behind it.
    pub engine: Engine,
    /// The clock that the engine goes by: the machine's.
    pub clock: Clock,
    /// The configuration in use.
    pub config: Config,
    told: Vec<Change>,
    cloud: Running,
    _place: Place,
}

/// A directory for what is thrown away. It is gone when this is dropped, even where somebody still writes a last file.
struct Place(PathBuf);

impl Place {
    /// How often and how long it is waited for a last writer.
    const TRIES: u32 = 20;
    const PAUSE: Duration = Duration::from_millis(15);

    fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("tenantop-practice-").tempdir().wrap_err("no place for a store")?;
        Ok(Self(dir.keep()))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut gone = 0;
        for _ in 0..Self::TRIES {
            // What cannot be removed yet is tried again; what came again is removed again.
            let _ = std::fs::remove_dir_all(&self.0);
            gone = if self.0.exists() { 0 } else { gone + 1 };
            if gone == 3 {
                return;
            }
            std::thread::park_timeout(Self::PAUSE);
        }
    }
}

/// A clock that can be set back.
#[derive(Clone)]
struct Past(Arc<AtomicI64>, Clock);

impl Past {
    fn clock(&self) -> Clock {
        let ago = Arc::clone(&self.0);
        let system = self.1.clone();
        Clock::of(move || {
            let now = system.now();
            now.checked_sub(SignedDuration::from_secs(ago.load(Ordering::Relaxed))).unwrap_or(now)
        })
    }

    /// By how much it is behind the machine's clock, by which the made-up cloud goes.
    fn behind(&self) -> SignedDuration {
        Clock::system().now().duration_since(self.clock().now())
    }

    fn set(&self, ago: SignedDuration) {
        self.0.store(ago.as_secs(), Ordering::Relaxed);
    }
}

impl Practice {
    /// Starts the made-up cloud and lives through its nights; `say` hears what goes on, a line at a time.
    pub async fn start(say: impl Fn(&str)) -> Result<Self> {
        Self::of(&Scenario::practice()?, Clock::system(), say).await
    }

    /// What the engine tells while practice begins at a moment, from the first night to the live run: screens are
    /// drawn from it in tests.
    pub async fn recorded(now: Timestamp) -> Result<Vec<Change>> {
        let mut practice = Self::of(&Scenario::practice()?, Clock::of(move || now), |_| {}).await?;
        Ok(std::mem::take(&mut practice.told))
    }

    async fn of(scenario: &Scenario, present: Clock, say: impl Fn(&str)) -> Result<Self> {
        let dir = Place::new()?;
        let cloud = Sim::start(scenario.clone(), SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .map_err(|error| eyre!("the made-up cloud does not start: {error}"))?;
        let config = configure(scenario, &cloud.base(), dir.path(), present.now())?;
        let signed_in_at = present.now().checked_sub(NIGHTS[0])?;
        {
            let (_store, vault) = open(&config, dir.path())?;
            for (partner, wanted) in config.partners.iter().zip(scenario.partners()) {
                store_refresh_token(&vault, partner, &wanted.refresh_token, signed_in_at)
                    .map_err(|error| eyre!("the made-up token cannot be kept: {error}"))?;
            }
        }

        let past = Past(Arc::default(), present.clone());
        let quick = config::Import { retries_per_request: 0, ..config.import.clone() };
        let engine = engine(&config, &quick, dir.path(), &past.clock())?;
        let mut by_system = Desk::open(&engine, "system").await?;
        for (night, ago) in NIGHTS.into_iter().enumerate() {
            let last = night + 1 == NIGHTS.len();
            say(&format!("night {} of {}", night + 1, NIGHTS.len()));
            past.set(ago);
            cloud.date_back(past.behind());
            cloud.set_night(u32::try_from(night)?);
            if last {
                for name in scenario.skip_last_night() {
                    let until = past.clock().now().checked_add(SignedDuration::from_hours(1))?;
                    let tenant = by_system.named(name)?;
                    by_system.ask(Command::Pause { tenant, reason: "night left out".into(), until }).await?;
                }
            }
            by_system.run(Command::Import { scope: Scope::All(None), list: true, reason: None }).await?;
            if night == 0 {
                allocate(&engine, &past.clock()).await?;
            }
            for asked in scenario.asked().iter().filter(|asked| asked.night == night) {
                let tenant = by_system.named(&asked.name)?;
                let note = asked.note.as_deref().map(Into::into);
                let number = asked.number.as_str().into();
                Desk::open(&engine, "akim").await?.ask(Command::Ticket { tenant, number, note }).await?;
            }
        }
        past.set(SignedDuration::ZERO);
        cloud.date_back(past.behind());
        cloud.set_night(u32::try_from(NIGHTS.len())?);
        by_system.run(Command::Sync { partner: None }).await?;
        for name in scenario.skip_last_night() {
            let tenant = by_system.named(name)?;
            by_system.ask(Command::Resume { tenant }).await?;
        }
        let mut akim = Desk::open(&engine, "akim").await?;
        for pause in scenario.paused() {
            let tenant = akim.named(&pause.name)?;
            let until = past.clock().now().checked_add(SignedDuration::from_hours(24 * i64::from(pause.days)))?;
            akim.ask(Command::Pause { tenant, reason: pause.reason.as_str().into(), until }).await?;
        }
        let mut told = by_system.told;
        // The allocation is no part of what is recorded.
        told.retain(|change| !matches!(change, Change::Allocated { .. }));
        drop(by_system.client);
        drop(akim);
        engine.stop().await;

        let clock = present;
        let engine = self::engine(&config, &config.import, dir.path(), &clock)?;
        let mut akim = Desk::open(&engine, "akim").await?;
        let busy: Vec<Key> = scenario.busy_now().iter().map(|name| akim.named(name)).collect::<Result<_>>()?;
        if !busy.is_empty() {
            akim.ask(Command::Import {
                scope: Scope::Tenants(busy.clone()),
                list: false,
                reason: Some("spot check".into()),
            })
            .await?;
        }
        akim.hear_until_busy(&busy).await?;
        told.append(&mut akim.told);
        Ok(Self { engine, clock, config, told, cloud, _place: dir })
    }

    /// The address of the made-up cloud.
    pub fn base(&self) -> String {
        self.cloud.base()
    }

    /// What customers may know of each partner.
    pub fn partners(&self) -> BTreeMap<PartnerName, PartnerFacts> {
        self.config.partner_facts()
    }
}

/// The tenant whose licenses are allocated.
const ALLOCATED: &str = "Woodgrove Bank";
/// What a seat of its products costs, by part number.
const PRICES: [(&str, &str, Period); 3] =
    [("SPE_E3", "33.00", Period::Month), ("SPE_E5", "642.00", Period::Year), ("VISIOCLIENT", "13.37", Period::Month)];
/// Its rules: one unit by a rule of its own, all others by their departments.
const RULES: &str = r#"
    [[rule]]
    name = "People"
    unit = ["Head office", "People and finance"]
    when = [{ attribute = "department", in = ["HR", "Human Resources", "Finance", "Legal"] }]
    [[rule]]
    each = ["department"]
    [[rule]]
    each = ["companyName"]
"#;

/// Saves prices and rules of a tenant, and closes the month, while its data stand.
async fn allocate(engine: &Engine, clock: &Clock) -> Result<()> {
    let mut mlee = Desk::open(engine, "mlee").await?;
    let tenant = mlee.named(ALLOCATED)?;
    let counts = mlee.fleet.tenants.get(&tenant).map(|tenant| tenant.sku_counts.to_vec()).unwrap_or_default();
    let price = |(part, amount, period): (&str, &str, Period)| {
        let count = counts.iter().find(|count| count.part_number.as_deref() == Some(part))?;
        let (amount, currency) = (amount.parse().ok()?, "EUR".parse().ok()?);
        Some(Price { sku_id: count.sku_id?, amount, currency, period, from: None, to: None, quantity: None })
    };
    let prices = Box::new(PriceBook { prices: PRICES.into_iter().filter_map(price).collect() });
    let rules = Box::new(Rules::from_toml(RULES).map_err(|why| eyre!("the made-up rules: {why}"))?);
    let month = Month::of(clock.now());
    for wish in [
        Allocating::SavePrices { prices, from: 0, reason: "contract of this year".into() },
        Allocating::SaveRules { rules, from: 0, reason: "as the customer's books have it".into() },
        Allocating::Close { month, reason: None },
    ] {
        mlee.ask(Command::Allocate { tenant: tenant.clone(), wish: Box::new(wish) }).await?;
    }
    Ok(())
}

/// The store and the vault in it.
fn open(config: &Config, dir: &Path) -> Result<(Store, Vault)> {
    let store = Store::open(&dir.join("store.redb"), 32 << 20)?;
    let vault = Vault::new(shelf(store.sealed()), dir, &config.credentials, None);
    Ok((store, vault))
}

fn engine(config: &Config, import: &config::Import, dir: &Path, clock: &Clock) -> Result<Engine> {
    let (store, vault) = open(config, dir)?;
    let clouds = config
        .partners
        .iter()
        .map(|partner| Ok((partner.name.clone(), Cloud::open(partner, import, &vault, clock.clone())?)))
        .collect::<Result<_>>()?;
    Ok(Engine::start(store, clouds, import, Arc::default(), &config.store, &config.schedule, clock.clone())?)
}

/// The configuration that leads to the made-up cloud.
fn configure(scenario: &Scenario, base: &str, dir: &Path, now: Timestamp) -> Result<Config> {
    /// Days after which the first partner's secret ends; of the others nobody knows.
    const SECRET_DAYS: i64 = 41;
    let mut config = Config::default();
    // Each night reads it.
    config.import.read_sold_every = Duration::from_hours(20);
    let ends = now.checked_add(SignedDuration::from_hours(24 * SECRET_DAYS))?;
    let mut ends = Some(jiff::tz::TimeZone::UTC.to_datetime(ends).date());
    for partner in scenario.partners() {
        let secret = dir.join(format!("{}.secret", partner.name));
        write_private(&secret, partner.secret.as_bytes())?;
        let at = |path: &str| format!("{base}/{path}").parse();
        config.partners.push(config::Partner {
            name: partner.name.as_str().into(),
            tenant_id: partner.tenant_id.parse()?,
            client_id: partner.client_id.parse()?,
            client_secret_file: Some(secret),
            client_secret_expires: ends.take(),
            certificate_file: None,
            private_key_file: None,
            service_account: "mfa.setup@partner.example".into(),
            redirect_uri: None,
            display_name: Some("Northwind Cloud Services".into()),
            app_name: Some("License import".into()),
            outgoing_address: Some(std::net::Ipv4Addr::new(203, 0, 113, 24).into()),
            cloud: config::NationalCloud::Global,
            endpoints: config::Endpoints {
                login: Some(at("login")?),
                graph: Some(at("graph")?),
                partner_center: Some(at("partner")?),
            },
        });
    }
    config.store.path = Some(dir.join("store.redb"));
    Ok(config)
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    Ok(())
}

/// Somebody who asks and waits for what comes of it.
struct Desk {
    client: Client,
    fleet: Fleet,
    told: Vec<Change>,
}

impl Desk {
    async fn open(engine: &Engine, by: &str) -> Result<Self> {
        let mut client = engine.client(by.into());
        match client.events.recv().await {
            Some(Event::Hello(fleet)) => Ok(Self { client, fleet: *fleet, told: Vec::new() }),
            Some(_) | None => bail!("the engine does not answer"),
        }
    }

    fn named(&self, name: &str) -> Result<Key> {
        let found = self.fleet.tenants.values().find(|tenant| tenant.name == name);
        found.map(|tenant| tenant.key.clone()).ok_or_else(|| eyre!("the made-up cloud has no customer `{name}`"))
    }

    /// Hears what comes next; answers what is no part of the picture.
    async fn hear(&mut self) -> Result<Option<Event>> {
        match self.client.events.recv().await {
            Some(Event::Hello(fleet)) => self.fleet = *fleet,
            Some(Event::Change(change)) => {
                self.fleet.apply(&change);
                self.told.push((*change).clone());
            }
            Some(event) => return Ok(Some(event)),
            None => bail!("the engine ended"),
        }
        Ok(None)
    }

    /// Hears events until every one of these tenants has begun its first steps.
    async fn hear_until_busy(&mut self, tenants: &[Key]) -> Result<()> {
        let begun = |fleet: &Fleet| {
            tenants.iter().all(|key| {
                fleet.tenants.get(key).and_then(|t| t.active.as_ref()).is_some_and(|active| active.step.is_some())
            })
        };
        while !begun(&self.fleet) {
            self.hear().await?;
        }
        Ok(())
    }

    /// Hears events until the wish is answered.
    async fn ask(&mut self, command: Command) -> Result<Option<crate::model::RunId>> {
        self.client.commands.send(command).await?;
        loop {
            if let Some(answer) = self.hear().await? {
                match answer {
                    Event::Accepted { run, .. } => return Ok(Some(run)),
                    Event::Done(_) => return Ok(None),
                    Event::Refused(why) => bail!("{why}"),
                    Event::Hello(_)
                    | Event::Change(_)
                    | Event::Seen(_)
                    | Event::Present(_)
                    | Event::You { .. }
                    | Event::Lost { .. }
                    | Event::Over(_) => {}
                }
            }
        }
    }

    /// Asks for a run and waits for its end.
    async fn run(&mut self, command: Command) -> Result<Timestamp> {
        let Some(run) = self.ask(command).await? else { bail!("no run came of it") };
        loop {
            if let Some(run) = self.fleet.runs.get(&run)
                && let (true, Some(at)) = (run.state != RunState::Running, run.ended_at)
            {
                return Ok(at);
            }
            self.hear().await?;
        }
    }
}
