//! A made-up cloud written down: partners, their customers, and what goes wrong in which night.

mod crowd;
mod sku;

use std::collections::BTreeSet;

use serde::Deserialize;
use uuid::Uuid;

use super::chance;
use super::changes::{Changed, Picked};
use super::names::{LANDS, ascii};
use super::people::People;
use super::relations::Gdap;
use super::trouble::{RetryAfter, Trouble};
use crowd::Crowd;
use sku::{RawSku, skus};
pub(crate) use sku::{Sku, Term};

/// Why a scenario is refused.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It is not TOML, or has keys or values that mean nothing. Names line and column.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// It reads well and makes no sense.
    #[error("{place}: {what}")]
    Sense {
        /// The partner, tenant or crowd.
        place: String,
        /// What is wrong with it.
        what: String,
    },
}

/// A made-up cloud: what [`Sim`](super::Sim) plays.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub(crate) partners: Vec<Partner>,
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) throttle: Throttle,
    skip_last_night: Vec<String>,
    busy_now: Vec<String>,
    paused: Vec<Paused>,
    asked: Vec<Asked>,
}

/// A partner with its app and its service account. What is not given is derived from the name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The name by which tenants refer to it.
    pub name: String,
    /// The id of the partner's own tenant.
    #[serde(default)]
    pub tenant_id: String,
    /// The id of the partner's app.
    #[serde(default)]
    pub client_id: String,
    /// The app's secret.
    #[serde(default)]
    pub secret: String,
    /// The service account's first refresh token.
    #[serde(default)]
    pub refresh_token: String,
    /// The app's certificate in PEM, for assertions instead of the secret.
    pub certificate: Option<String>,
    /// The SHA-1 thumbprint of the certificate in hexadecimal digits, as portals show it: for assertions with `x5t`.
    pub thumbprint: Option<String>,
    #[serde(default)]
    pub(crate) domain: String,
    /// Seconds for which access tokens live.
    pub(crate) expires_in: Option<u64>,
    /// The most customers on a page.
    pub(crate) page: Option<usize>,
    /// How the uri of the next page is written.
    #[serde(default)]
    pub(crate) next_uri: NextUri,
    /// Nights in which every refresh token of the service account is dead, with the code that says so.
    pub(crate) dies: Option<Dies>,
    /// How a person signs in there.
    #[serde(default)]
    pub(crate) sign_in: SignIn,
    #[serde(default)]
    pub(crate) trouble: Vec<Trouble>,
}

/// How a person signs in at a partner's tenant, and what tokens say of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SignIn {
    /// As whom.
    pub(crate) account: String,
    /// In which tenant; the partner's if absent.
    pub(crate) tenant: Option<Uuid>,
    /// For which app the id token is; the partner's if absent.
    pub(crate) app: Option<Uuid>,
    /// By which methods.
    pub(crate) amr: Vec<String>,
    /// Whether the id token names them too. As a rule only access tokens do.
    pub(crate) amr_in_id_token: bool,
    /// Whether access tokens of the partner's own tenant can be read.
    pub(crate) readable: bool,
    /// Where the browser ends, as the app has registered it.
    pub(crate) redirect_uri: String,
    /// Seconds for which the code lives that the browser brings.
    pub(crate) code_lives: u64,
    /// Seconds for which a device code lives.
    pub(crate) device_lives: u64,
    /// Seconds between two questions for it.
    pub(crate) interval: u64,
    /// How many of the first questions are told to slow down.
    pub(crate) slow_down: u32,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            account: "mfa.setup@partner.example".to_owned(),
            tenant: None,
            app: None,
            amr: vec!["pwd".to_owned(), "mfa".to_owned()],
            amr_in_id_token: false,
            readable: true,
            redirect_uri: "http://localhost/tenantop".to_owned(),
            code_lives: 600,
            device_lives: 900,
            interval: 5,
            slow_down: 0,
        }
    }
}

/// When and how refresh tokens are dead.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dies {
    pub(crate) code: u32,
    pub(crate) nights: [u32; 2],
}

/// The published shapes of the uri of Partner Center's next page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NextUri {
    /// `/customers?…`
    #[default]
    Bare,
    /// `/v1/customers?…`
    Versioned,
    /// `/customers?size=500?seekOperation=Next`
    TwoMarks,
}

/// A customer's tenant.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) partner: String,
    pub(crate) name: String,
    pub(crate) id: Uuid,
    pub(crate) domain: String,
    pub(crate) users: u64,
    pub(crate) land: Option<usize>,
    pub(crate) skus: Vec<Sku>,
    /// Nights in which Partner Center lists it.
    pub(crate) listed: [u32; 2],
    /// Its GDAP relationships; absent for what is usual.
    pub(crate) gdap: Option<Vec<Gdap>>,
    /// The most users on a page, whatever is asked for.
    pub(crate) page: Option<u64>,
    pub(crate) expires_in: Option<u64>,
    /// What becomes of its people.
    pub(crate) picked: Vec<Picked>,
    pub(crate) trouble: Vec<Trouble>,
}

/// How the service meters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Throttle {
    /// The share of the documented limits that is granted.
    pub(crate) scale: f64,
    /// Seconds in which the units of a tenant come back.
    pub(crate) window: f64,
    /// How `Retry-After` is written.
    pub(crate) retry_after: ThrottleForm,
    /// Requests that Partner Center answers a partner within `partner_center_window` seconds.
    pub(crate) partner_center: usize,
    pub(crate) partner_center_window: f64,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            scale: 1.0,
            window: 10.0,
            retry_after: ThrottleForm::Whole,
            partner_center: 500,
            partner_center_window: 60.0,
        }
    }
}

/// The forms of `Retry-After` when units run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ThrottleForm {
    Whole,
    Decimal,
    Date,
    Missing,
}

/// A tenant that practice mode pauses.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paused {
    /// The tenant's name.
    pub name: String,
    /// What the person who paused it wrote.
    pub reason: String,
    /// For how many days from now.
    pub days: u32,
}

/// A tenant whose customer practice mode asks to lift a refusal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The tenant's name.
    pub name: String,
    /// The night after which the customer is asked.
    pub night: usize,
    /// The number of the ticket.
    pub number: String,
    /// What there is to know beside it.
    pub note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    partner: Vec<Partner>,
    #[serde(default)]
    tenant: Vec<RawTenant>,
    #[serde(default)]
    crowd: Vec<Crowd>,
    #[serde(default)]
    throttle: Throttle,
    /// The most users on a page of a tenant that does not say.
    page: Option<u64>,
    /// Holds for every customer's tenant.
    #[serde(default)]
    trouble: Vec<Trouble>,
    #[serde(default)]
    skip_last_night: Vec<String>,
    #[serde(default)]
    busy_now: Vec<String>,
    #[serde(default)]
    paused: Vec<Paused>,
    #[serde(default)]
    asked: Vec<Asked>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTenant {
    /// May be left out where there is one partner.
    partner: Option<String>,
    name: String,
    id: Option<Uuid>,
    domain: Option<String>,
    #[serde(default = "ten")]
    users: u64,
    land: Option<String>,
    /// What tenants of that size have bought as a rule, unless it is given.
    skus: Option<Vec<RawSku>>,
    listed: Option<[u32; 2]>,
    gdap: Option<Vec<Gdap>>,
    page: Option<u64>,
    expires_in: Option<u64>,
    #[serde(default)]
    changes: Vec<Changed>,
    #[serde(default)]
    trouble: Vec<Trouble>,
}

fn ten() -> u64 {
    10
}

impl Scenario {
    /// Reads a scenario. Refuses with the place what cannot be played.
    ///
    /// ```
    /// use tenantop::sim::Scenario;
    ///
    /// let scenario = Scenario::parse(r#"
    ///     page = 200                     # the most users on a page; 999 are what is asked for
    ///     throttle = { scale = 0.01, partner_center = 500 }    # a hundredth of Graph's limits; requests a minute
    ///
    ///     [[partner]]                    # ids, secret and refresh token are derived unless given
    ///     name = "emea"
    ///     [partner.sign_in]              # who signs in there, and how; unless given, the right account, with MFA
    ///     account = "mfa.setup@partner.example"
    ///     amr = ["pwd", "mfa"]
    ///     code_lives = 600               # seconds for which the code lives that a browser brings
    ///
    ///     [[tenant]]
    ///     name = "Adatum Gesundheit GmbH"
    ///     users = 1275
    ///     land = "de"                    # whose names and places: us, de, fr, nl, se, jp
    ///     skus = [
    ///         "SPE_E3:1100:1042", "VISIOCLIENT:40:2%", { sku = "EMS", enabled = 5, assigned = 6 },
    ///         { sku = "MCOEV", enabled = 200, sold = [150, 70] },  # what the partner sold; unless given, what is enabled
    ///         { sku = "SPB", enabled = 9, sold = [] },             # bought elsewhere
    ///         { sku = "EMS", id = "9d2a0000-0000-4000-8000-000000000001", enabled = 0, warning = 20, sold = [
    ///             { units = 20, status = "expired", term = "P1M", ends = -9, renews = false, joined = false },
    ///         ] },
    ///         { sku = "SPE_F1", enabled = 5, assigned = 4, nights = [0, 3] },
    ///         { sku = "SPE_F1", enabled = 9, assigned = 4, nights = [4, 9] },
    ///     ]
    ///     listed = [2, 9]                # nights in which Partner Center has it
    ///     gdap = [                       # its relationships; unless given, one that holds
    ///         { status = "expired", ends = -21 },
    ///         { status = "active", ends = 40, extends = true, nights = [4, 9] },
    ///     ]
    ///
    ///     [[tenant.changes]]             # what is otherwise from night 2 on; nobody is picked twice
    ///     nights = [2, 9]
    ///     hired = 12
    ///     hired_hold = "SPE_E3"          # each of them
    ///     gone = 3
    ///     renamed = 2                    # surname
    ///     moved = 5                      # department
    ///     promoted = 4                   # job title
    ///     gained = { VISIOCLIENT = 4 }
    ///     lost = { SPE_E3 = 2 }
    ///     seats = { VISIOCLIENT = 50 }   # enabled units
    ///     shuffled = true                # people, and what each holds, come in another order
    ///
    ///     [[tenant.trouble]]             # refused at sign-in in the nights 3 to 5
    ///     step = "token"                 # token, users, skus, customers, relations, sold, commerce, authorize, device_code
    ///     code = 53003
    ///     policies = ["6f0c3f57-86d0-4a9c-bb0e-3f1c0a7d2c11"]
    ///     nights = [3, 5]
    ///
    ///     [[tenant.trouble]]             # the second page breaks off, once in each night
    ///     step = "users"
    ///     page = 2
    ///     times = 1
    ///     do = "cut"
    ///
    ///     [[crowd]]                      # many at once, by chance
    ///     count = 30
    ///     users = [5, 900]
    ///     trouble = [{ step = "users", status = 429, retry_after = 2.128, times = 1 }]
    /// "#)?;
    /// assert_eq!(scenario.tenants().count(), 31);
    /// # Ok::<(), tenantop::sim::ScenarioError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let mut raw: Raw = toml::from_str(text)?;
        for partner in &mut raw.partner {
            complete(partner).map_err(at(&format!("partner `{}`", partner.name)))?;
        }
        let partners: BTreeSet<&str> = raw.partner.iter().map(|partner| partner.name.as_str()).collect();
        if partners.len() != raw.partner.len() || partners.is_empty() {
            return Err(at("partner")("there must be at least one, and no name twice".to_owned()));
        }
        let only = (raw.partner.len() == 1).then(|| raw.partner[0].name.clone());
        let owner = |named: Option<String>| match named.or_else(|| only.clone()) {
            Some(name) if partners.contains(name.as_str()) => Ok(name),
            Some(name) => Err(format!("there is no partner `{name}`")),
            None => Err("say which `partner`".to_owned()),
        };

        let mut tenants = Vec::new();
        for tenant in raw.tenant {
            let place = at(&format!("tenant `{}`", tenant.name));
            let owner = owner(tenant.partner.clone()).map_err(&place)?;
            tenants.push(tenant.check(owner).map_err(&place)?);
        }
        let mut taken: BTreeSet<String> = tenants.iter().map(|tenant| tenant.name.clone()).collect();
        for (number, crowd) in raw.crowd.into_iter().enumerate() {
            let place = at(&format!("crowd {}", number + 1));
            let owner = owner(crowd.partner.clone()).map_err(&place)?;
            tenants.extend(crowd.gather(&owner, &mut taken).map_err(&place)?);
        }
        let mut ids = BTreeSet::new();
        for tenant in &mut tenants {
            if !ids.insert(tenant.id) {
                return Err(at(&format!("tenant `{}`", tenant.name))("its id or name is there twice".to_owned()));
            }
            tenant.trouble.extend(raw.trouble.iter().cloned());
            tenant.page = tenant.page.or(raw.page);
        }
        if let Some(what) = raw.trouble.iter().find_map(fault) {
            return Err(at("trouble")(what));
        }
        let named = raw.skip_last_night.iter().chain(&raw.busy_now);
        let named = named.chain(raw.paused.iter().map(|paused| &paused.name));
        let named = named.chain(raw.asked.iter().map(|asked| &asked.name));
        for name in named {
            if !tenants.iter().any(|tenant| tenant.name == *name) {
                return Err(at("skip_last_night, busy_now, paused, asked")(format!("there is no tenant `{name}`")));
            }
        }
        let limits = &raw.throttle;
        let times = [
            ("scale", limits.scale),
            ("window", limits.window),
            ("partner_center_window", limits.partner_center_window),
        ];
        for (key, value) in times {
            if !(value > 0.0 && value.is_finite()) {
                return Err(at("throttle")(format!("`{key}` must be above 0")));
            }
        }
        if raw.throttle.partner_center == 0 {
            return Err(at("throttle")("`partner_center` must be above 0".to_owned()));
        }
        if raw.page == Some(0) {
            return Err(at("page")("it must be above 0".to_owned()));
        }
        Ok(Self {
            partners: raw.partner,
            tenants,
            throttle: raw.throttle,
            skip_last_night: raw.skip_last_night,
            busy_now: raw.busy_now,
            paused: raw.paused,
            asked: raw.asked,
        })
    }

    /// The made-up weeks of practice mode: nights 0 to 6 lie behind, night 7 is now.
    ///
    /// A test holds that it reads.
    pub fn practice() -> Result<Self, ScenarioError> {
        Self::parse(include_str!("practice.toml"))
    }

    /// The partners, in the order of the file.
    pub fn partners(&self) -> &[Partner] {
        &self.partners
    }

    /// Name and id of every customer's tenant, in the order of the file.
    pub fn tenants(&self) -> impl Iterator<Item = (&str, Uuid)> {
        self.tenants.iter().map(|tenant| (tenant.name.as_str(), tenant.id))
    }

    /// The id of the tenant of that name.
    pub fn tenant_id(&self, name: &str) -> Option<Uuid> {
        self.tenants().find(|(known, _)| *known == name).map(|(_, id)| id)
    }

    /// Names of the tenants that the last night left out, so that their data is old.
    pub fn skip_last_night(&self) -> &[String] {
        &self.skip_last_night
    }

    /// Names of the tenants whose import goes on when the operator comes in.
    pub fn busy_now(&self) -> &[String] {
        &self.busy_now
    }

    /// The tenants whose customers somebody has asked.
    pub fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// The tenants that somebody has paused.
    pub fn paused(&self) -> &[Paused] {
        &self.paused
    }
}

fn at(place: &str) -> impl Fn(String) -> ScenarioError + use<> {
    let place = place.to_owned();
    move |what| ScenarioError::Sense { place: place.clone(), what }
}

fn fault(trouble: &Trouble) -> Option<String> {
    if let Some(RetryAfter::Decimal(seconds)) = trouble.retry_after
        && !(0.0..1e6).contains(&seconds)
    {
        return Some("`retry_after` is not a time".to_owned());
    }
    trouble.fault()
}

fn complete(partner: &mut Partner) -> Result<(), String> {
    let name = partner.name.clone();
    let fill = |field: &mut String, value: String| {
        if field.is_empty() {
            *field = value;
        }
    };
    fill(&mut partner.tenant_id, chance::guid(&["partner", &name]).to_string());
    fill(&mut partner.client_id, chance::guid(&["app", &name]).to_string());
    fill(&mut partner.secret, chance::derived(&["secret", &name], 1)[..40].to_owned());
    fill(&mut partner.refresh_token, format!("0.A{}", chance::derived(&["refresh", &name], 6)));
    fill(&mut partner.domain, format!("{}-partner.example", ascii(&name)));
    for (key, value) in [("tenant_id", &partner.tenant_id), ("client_id", &partner.client_id)] {
        value.parse::<Uuid>().map_err(|_| format!("`{key}` is not a GUID"))?;
    }
    partner.trouble.iter().find_map(fault).map_or(Ok(()), Err)
}

fn land(key: Option<&str>) -> Result<Option<usize>, String> {
    let Some(key) = key else { return Ok(None) };
    let keys = || LANDS.iter().map(|land| land.key).collect::<Vec<_>>().join(", ");
    let found = LANDS.iter().position(|land| land.key == key);
    found.map(Some).ok_or_else(|| format!("there is no land `{key}`; there are {}", keys()))
}

impl RawTenant {
    fn check(self, partner: String) -> Result<Tenant, String> {
        if let Some(what) = self.trouble.iter().find_map(fault) {
            return Err(what);
        }
        if self.page == Some(0) {
            return Err("`page` must be above 0".to_owned());
        }
        let stem = ascii(&self.name);
        let id = self.id.unwrap_or_else(|| chance::guid(&["tenant", &self.name]));
        let domain = self.domain.unwrap_or_else(|| format!("{stem}.onmicrosoft.com"));
        let land = land(self.land.as_deref())?;
        let skus = match &self.skus {
            Some(bought) => skus(bought, self.users)?,
            None => crowd::usual_skus(chance::seed(&["skus", &self.name]), self.users)?,
        };
        let seed = chance::seed(&["people", &id.to_string()]);
        let picked = People::new(seed, self.users, &self.name, &domain, land, &skus).pick(&self.changes)?;
        Ok(Tenant {
            id,
            domain,
            users: self.users,
            land,
            skus,
            picked,
            listed: self.listed.unwrap_or([0, u32::MAX]),
            gdap: self.gdap,
            page: self.page,
            expires_in: self.expires_in,
            trouble: self.trouble,
            partner,
            name: self.name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_scenario_is_completed() {
        let scenario = Scenario::parse(
            "[[partner]]\nname='emea'\n[[tenant]]\nname='Contoso Rail AG'\nusers=40\nskus=['SPE_E3:50:30']\n\
             [[crowd]]\ncount=30\nusers=[5,900]\nseed=2\n",
        )
        .unwrap();
        let partner = &scenario.partners()[0];
        assert_eq!((partner.secret.len(), partner.refresh_token.len()), (40, 261));
        assert_eq!(scenario.tenants[0].domain, "contosorailag.onmicrosoft.com");
        assert_eq!(scenario.tenants[0].skus[0].consumed(40), 30);
        assert_eq!(scenario.tenants().count(), 31);
        assert!(scenario.tenants.iter().all(|tenant| (5..=900).contains(&tenant.users)));
    }

    #[test]
    fn refusals_name_the_place() {
        let tenant = |rest: &str| format!("[[partner]]\nname='emea'\n[[tenant]]\nname='Adatum'\n{rest}");
        for (text, wanted) in [
            ("[[partner]]\nname='a'\nsecert='x'".to_owned(), "line 3"),
            ("partner = []".to_owned(), "at least one"),
            (tenant("partner='apac'"), "tenant `Adatum`: there is no partner `apac`"),
            (tenant("skus=['SPE_E9:5']"), "`SPE_E9` is not a known product"),
            (tenant("skus=['SPE_E3:many']"), "`many`"),
            (tenant("land='mars'"), "there is no land `mars`"),
            (tenant("[[tenant.trouble]]\nstep='users'"), "nothing goes wrong"),
            (tenant("[[tenant.trouble]]\nstep='lunch'\nstatus=500"), "lunch"),
            (tenant("[[tenant]]\nname='Adatum'"), "twice"),
            (tenant("[[crowd]]\ncount=1\nusers=[5,2]"), "crowd 1"),
            (tenant("[[paused]]\nname='Litware'\nreason='x'\ndays=1"), "no tenant `Litware`"),
            (tenant("[throttle]\nscale=0.0"), "`scale`"),
            (tenant("[[tenant.changes]]\nnights=[3,2]"), "ends before it begins"),
            (tenant("[[tenant.changes]]\nnights=[1,2]\ngone=11"), "there are no 11 who could be gone"),
            (tenant("[[tenant.changes]]\nnights=[1,2]\ngained={ NONE = 1 }"), "`NONE`, which nobody there holds"),
        ] {
            let error = Scenario::parse(&text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}\n{error}");
        }
    }

    #[test]
    fn practice_reads() {
        let scenario = Scenario::practice().unwrap();
        assert_eq!(scenario.partners().len(), 2);
        assert!((135..=150).contains(&scenario.tenants().count()), "{}", scenario.tenants().count());
        assert!(!scenario.skip_last_night().is_empty() && !scenario.paused().is_empty());
        assert!(!scenario.busy_now().is_empty());
    }
}
