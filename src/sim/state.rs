//! The made-up cloud while it runs: who is there, which tokens are good, what night it is.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::chance;
use super::counters::{Seen, Tally};
use super::people::People;
use super::relations::Gdap;
use super::scenario::{Partner, Scenario, Sku, ThrottleForm};
use super::sign_in::{self, SignIns};
use super::throttle::{Buckets, Minute, Verdict};
use super::time;
use super::trouble::{Armed, Audience, Call, Met, Step};

/// How long an access token lives unless the scenario says otherwise.
const LIFE: u64 = 4_799;
/// From so many access tokens on, dead ones are thrown away.
const MANY: usize = 20_000;

/// A tenant: a customer's or a partner's own.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) domain: String,
    /// The place of its partner.
    pub(crate) partner: usize,
    /// The partner's own.
    pub(crate) own: bool,
    pub(crate) people: People,
    pub(crate) skus: Vec<Sku>,
    pub(crate) page: Option<u64>,
    pub(crate) armed: Armed,
    /// Its GDAP relationships; absent for what is usual.
    pub(crate) gdap: Option<Vec<Gdap>>,
    listed: [u32; 2],
    expires_in: u64,
}

impl Home {
    /// What it has bought, as that stands in a night.
    pub(crate) fn bought(&self, night: u32) -> impl Iterator<Item = &Sku> {
        self.skus.iter().filter(move |sku| sku.is_in(night))
    }

    /// Whether Partner Center lists it in a night.
    pub(crate) fn listed(&self, night: u32) -> bool {
        !self.own && (self.listed[0]..=self.listed[1]).contains(&night)
    }
}

/// What an access token opens.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// The place of the partner whose app it was given to.
    pub(crate) partner: usize,
    pub(crate) home: Arc<Home>,
    pub(crate) audience: Audience,
    pub(crate) until: Instant,
}

#[derive(Debug, Default)]
struct Vault {
    refresh: HashMap<String, usize>,
    access: HashMap<String, Access>,
}

/// The whole cloud.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) addr: SocketAddr,
    /// The address of the other server, to which nobody should go.
    pub(crate) elsewhere: SocketAddr,
    pub(crate) partners: Vec<Partner>,
    pub(crate) throttle_form: ThrottleForm,
    pub(crate) stop: CancellationToken,
    homes: Vec<Arc<Home>>,
    by_id: HashMap<Uuid, usize>,
    by_domain: HashMap<String, usize>,
    night: AtomicU32,
    /// Seconds by which answers are dated back.
    ago: AtomicI64,
    vault: Mutex<Vault>,
    /// Apps whose secret or certificate was replaced, by the place of their partner.
    replaced: Mutex<HashMap<usize, Partner>>,
    sign_ins: Mutex<SignIns>,
    buckets: Mutex<Buckets>,
    /// What each partner asked of Partner Center.
    minutes: Vec<Mutex<Minute>>,
    tally: Mutex<Tally>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cloud {
    pub(crate) fn new(scenario: Scenario, addr: SocketAddr, elsewhere: SocketAddr) -> Self {
        let places: HashMap<String, usize> =
            scenario.partners.iter().enumerate().map(|(place, partner)| (partner.name.clone(), place)).collect();
        let own = scenario.partners.iter().enumerate().map(|(place, partner)| {
            let id = partner.tenant_id.parse().unwrap_or_default();
            let seed = chance::seed(&["people", &partner.tenant_id]);
            Home {
                id,
                name: partner.name.clone(),
                domain: partner.domain.clone(),
                partner: place,
                own: true,
                people: People::new(seed, 12, &partner.name, &partner.domain, None, &[]),
                skus: Vec::new(),
                page: None,
                armed: Armed::new(partner.trouble.clone()),
                gdap: None,
                listed: [0, 0],
                expires_in: partner.expires_in.unwrap_or(LIFE),
            }
        });
        let customers = scenario.tenants.into_iter().map(|tenant| {
            let place = places.get(&tenant.partner).copied().unwrap_or(0);
            let seed = chance::seed(&["people", &tenant.id.to_string()]);
            let people = People::new(seed, tenant.users, &tenant.name, &tenant.domain, tenant.land, &tenant.skus)
                .with(tenant.picked);
            Home {
                id: tenant.id,
                partner: place,
                own: false,
                people,
                skus: tenant.skus,
                page: tenant.page,
                armed: Armed::new(tenant.trouble),
                gdap: tenant.gdap,
                listed: tenant.listed,
                expires_in: tenant.expires_in.or(scenario.partners[place].expires_in).unwrap_or(LIFE),
                name: tenant.name,
                domain: tenant.domain,
            }
        });
        let homes: Vec<Arc<Home>> = own.chain(customers).map(Arc::new).collect();
        let refresh =
            scenario.partners.iter().enumerate().map(|(place, of)| (of.refresh_token.clone(), place)).collect();
        Self {
            addr,
            elsewhere,
            throttle_form: scenario.throttle.retry_after,
            stop: CancellationToken::new(),
            by_id: homes.iter().enumerate().map(|(place, home)| (home.id, place)).collect(),
            by_domain: homes.iter().enumerate().map(|(place, home)| (home.domain.to_lowercase(), place)).collect(),
            homes,
            night: AtomicU32::new(0),
            ago: AtomicI64::new(0),
            vault: Mutex::new(Vault { refresh, access: HashMap::new() }),
            replaced: Mutex::default(),
            sign_ins: Mutex::default(),
            buckets: Mutex::new(Buckets::new(scenario.throttle.scale, scenario.throttle.window)),
            minutes: scenario
                .partners
                .iter()
                .map(|_| Minute::new(scenario.throttle.partner_center, scenario.throttle.partner_center_window))
                .map(Mutex::new)
                .collect(),
            tally: Mutex::default(),
            partners: scenario.partners,
        }
    }

    /// The tenant of an id or a domain.
    pub(crate) fn home(&self, named: &str) -> Option<&Arc<Home>> {
        let place = match named.parse::<Uuid>() {
            Ok(id) => self.by_id.get(&id),
            Err(_) => self.by_domain.get(&named.to_lowercase()),
        };
        place.map(|place| &self.homes[*place])
    }

    /// The customers that Partner Center lists for a partner in this night.
    pub(crate) fn customers(&self, partner: usize) -> Vec<&Arc<Home>> {
        let night = self.night();
        self.homes.iter().filter(|home| home.partner == partner && home.listed(night)).collect()
    }

    pub(crate) fn night(&self) -> u32 {
        self.night.load(Ordering::Relaxed)
    }

    /// What time answers say it is.
    pub(crate) fn now(&self) -> Timestamp {
        let now = time::now();
        now.checked_sub(SignedDuration::from_secs(self.ago.load(Ordering::Relaxed))).unwrap_or(now)
    }

    /// A partner's app, with what it proves who it is by at the moment.
    pub(crate) fn app(&self, partner: usize) -> Partner {
        lock(&self.replaced).get(&partner).unwrap_or(&self.partners[partner]).clone()
    }

    /// Puts another secret and certificate in the place of those of an app.
    pub(crate) fn replace(&self, partner: &str, secret: &str, certificate: Option<&str>) {
        for (place, of) in self.partners.iter().enumerate().filter(|(_, of)| of.name == partner) {
            let app = Partner { secret: secret.to_owned(), certificate: certificate.map(str::to_owned), ..of.clone() };
            lock(&self.replaced).insert(place, app);
        }
    }

    pub(crate) fn date_back(&self, ago: SignedDuration) {
        self.ago.store(ago.as_secs(), Ordering::Relaxed);
    }

    pub(crate) fn set_night(&self, night: u32) {
        self.night.store(night, Ordering::Relaxed);
        // Another night is another minute.
        self.minutes.iter().for_each(|minute| lock(minute).forget());
        for home in &self.homes {
            home.armed.rearm();
        }
    }

    /// What a call meets in this night.
    pub(crate) fn meet(&self, home: &Home, step: Step, page: u32, audience: Option<Audience>) -> Met {
        home.armed.meet(Call { step, page, night: self.night(), audience })
    }

    /// The place of the partner whose refresh token it is.
    pub(crate) fn holder(&self, refresh_token: &str) -> Option<usize> {
        let partner = lock(&self.vault).refresh.get(refresh_token).copied()?;
        lock(&self.tally).redeemed(partner, refresh_token);
        Some(partner)
    }

    /// A new refresh token beside the old ones, which stay good.
    pub(crate) fn rotate(&self, partner: usize) -> String {
        let token = chance::opaque("0.A", 192);
        lock(&self.vault).refresh.insert(token.clone(), partner);
        token
    }

    /// A new access token and for how many seconds it lives.
    pub(crate) fn grant(&self, partner: usize, home: &Arc<Home>, audience: Audience) -> (String, u64) {
        let person = &self.partners[partner].sign_in;
        let token = if home.own && person.readable {
            sign_in::access_token(&self.partners[partner], audience, self.now())
        } else {
            chance::opaque("", 384)
        };
        let until = Instant::now() + Duration::from_secs(home.expires_in);
        let mut vault = lock(&self.vault);
        if vault.access.len() >= MANY {
            let now = Instant::now();
            vault.access.retain(|_, access| access.until > now);
        }
        vault.access.insert(token.clone(), Access { partner, home: Arc::clone(home), audience, until });
        lock(&self.tally).counters.tokens_issued += 1;
        (token, home.expires_in)
    }

    /// Reads or alters what persons have begun.
    pub(crate) fn sign_ins<T>(&self, look: impl FnOnce(&mut SignIns) -> T) -> T {
        look(&mut lock(&self.sign_ins))
    }

    /// Every token and code that was ever given out.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let vault = lock(&self.vault);
        let tokens = vault.refresh.keys().chain(vault.access.keys()).cloned();
        tokens.chain(lock(&self.sign_ins).secrets()).collect()
    }

    /// What an access token opens; dead ones are known too.
    pub(crate) fn access(&self, token: &str) -> Option<Access> {
        lock(&self.vault).access.get(token).cloned()
    }

    /// The access token is dead from now on.
    pub(crate) fn kill(&self, token: &str) {
        if let Some(access) = lock(&self.vault).access.get_mut(token) {
            access.until = Instant::now();
        }
    }

    /// All access tokens are dead from now on.
    pub(crate) fn kill_all(&self) {
        let now = Instant::now();
        for access in lock(&self.vault).access.values_mut() {
            access.until = now;
        }
    }

    /// Meters a request.
    pub(crate) fn meter(&self, access: &Access, cost: f64) -> Verdict {
        let (home, users) = (access.home.id, access.home.people.count());
        lock(&self.buckets).take(access.partner, home, users, cost, Instant::now())
    }

    /// Counts a request to Partner Center; how long it is to stay away if there were too many.
    pub(crate) fn meter_center(&self, partner: usize) -> Option<Duration> {
        lock(&self.minutes[partner]).take(Instant::now())
    }

    /// Reads or alters the counts.
    pub(crate) fn tally<T>(&self, look: impl FnOnce(&mut Tally) -> T) -> T {
        look(&mut lock(&self.tally))
    }

    /// A token came to a place that it is not for.
    pub(crate) fn astray(&self) {
        self.tally(|tally| tally.counters.misdirected += 1);
    }

    /// A request begins; it ends when the flight is dropped.
    pub(crate) fn depart(
        self: &Arc<Self>,
        step: Step,
        tenant: Uuid,
        page: u32,
        client_request_id: Option<String>,
    ) -> Flight {
        self.tally(|tally| tally.begin(step, tenant, client_request_id.is_some()));
        Flight { cloud: Arc::clone(self), step, tenant, page, client_request_id }
    }
}

/// A request on its way. Dropped when it is answered or its client is gone.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) step: Step,
    pub(crate) tenant: Uuid,
    page: u32,
    client_request_id: Option<String>,
}

impl Flight {
    /// Notes the answer.
    pub(crate) fn answered(&self, status: u16) {
        let seen = Seen {
            step: self.step.name(),
            tenant: self.tenant,
            page: self.page,
            status,
            night: self.cloud.night(),
            client_request_id: self.client_request_id.clone(),
        };
        self.cloud.tally(|tally| tally.keep(seen));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.cloud.tally(|tally| tally.end(self.tenant));
    }
}
