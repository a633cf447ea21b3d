use serde::Deserialize;
use uuid::Uuid;

use super::people;

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
#[error("scenario: {0}")]
pub struct ScenarioError(String);

/// What the made-up cloud holds and how it misbehaves. Parsed from TOML.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// Life of access tokens, in seconds; 0 is an hour.
    pub(super) token_life_s: i64,
    /// The most elements of a page; 0 leaves it to `$top`.
    pub(super) page: usize,
    /// Graph and Partner Center take this long for each answer, in milliseconds.
    pub(super) latency_ms: u64,
    pub(super) throttle: Option<Throttle>,
    pub(super) partner: Vec<SimPartner>,
    pub(super) tenant: Vec<Tenant>,
    crowd: Vec<Crowd>,
    /// Tenants that the last night leaves out.
    skip_last_night: Vec<String>,
    /// Tenants that are being read when practice begins.
    busy_now: Vec<String>,
    pause: Vec<Paused>,
}

/// Graph's limit for one app in one tenant, instead of the documented ones.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Throttle {
    /// Resource units in the bucket.
    pub(super) units: f64,
    /// Units that come back in a second.
    pub(super) per_s: f64,
    /// Form of `Retry-After`: `whole`, `decimal`, `date` or `none`.
    #[serde(default)]
    pub(super) retry_after: String,
}

/// A partner tenant with its app and service account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimPartner {
    /// Its name.
    pub name: String,
    /// Its tenant id.
    pub tenant_id: String,
    /// The app's client id.
    pub client_id: String,
    /// The app's secret.
    #[serde(default)]
    pub secret: String,
    /// PEM of the app's certificate.
    #[serde(default)]
    pub certificate: String,
    /// PEM of the certificate's public key.
    #[serde(default)]
    pub public_key: String,
    /// The refresh token that is good at first.
    pub refresh_token: String,
    #[serde(default)]
    pub(super) trouble: Vec<Trouble>,
}

/// A customer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tenant {
    pub(super) partner: String,
    pub(super) name: String,
    /// Made from the name if it is not given.
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) domain: String,
    #[serde(default = "ten")]
    pub(super) users: usize,
    /// `PART_NUMBER:enabled`, with `:warning` after it if there are such units.
    #[serde(default = "usual_skus")]
    pub(super) skus: Vec<String>,
    /// The night from which the customer list has it.
    #[serde(default)]
    pub(super) from: u32,
    #[serde(default)]
    pub(super) trouble: Vec<Trouble>,
}

/// Many customers of one kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Crowd {
    partner: String,
    count: usize,
    users: [usize; 2],
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    trouble: Vec<Trouble>,
}

/// A tenant left out by a person.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paused {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
    /// For how many days from now.
    pub days: u32,
}

/// Something that goes wrong at a step: `token`, `users`, `skus` or `customers`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Trouble {
    pub(super) step: String,
    /// Only this page of users, counted from 1.
    pub(super) page: Option<usize>,
    /// First and last night of it.
    pub(super) nights: Option<[u32; 2]>,
    /// Only the first so many times.
    pub(super) times: Option<u64>,
    /// An AADSTS number, or Partner Center's.
    pub(super) code: Option<u32>,
    pub(super) error: Option<String>,
    pub(super) suberror: Option<String>,
    pub(super) policies: Vec<Uuid>,
    pub(super) text: Option<String>,
    pub(super) status: Option<u16>,
    /// Graph's error code.
    pub(super) graph: Option<String>,
    pub(super) retry_after: Option<String>,
    /// Sent as it stands.
    pub(super) body: Option<String>,
    /// Waits before the answer, in milliseconds.
    pub(super) delay_ms: u64,
    /// A misbehaviour by name; see `mischief`.
    pub(super) act: Option<String>,
    /// The tenant has so many users instead.
    pub(super) users: Option<usize>,
    /// Access tokens of this tenant live so long, in seconds.
    pub(super) life_s: Option<i64>,
}

fn ten() -> usize {
    10
}

fn usual_skus() -> Vec<String> {
    ["SPE_E3:200", "POWER_BI_PRO:60", "EMS:40"].map(str::to_owned).to_vec()
}

impl Scenario {
    /// Reads a scenario. What is unknown or does not fit is refused, with its place.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let mut scenario: Self = toml::from_str(text).map_err(|error| ScenarioError(error.to_string()))?;
        let crowds = std::mem::take(&mut scenario.crowd);
        for crowd in crowds {
            for n in 0..crowd.count {
                let name = people::company(crowd.seed, n);
                let spread = crowd.users[1].saturating_sub(crowd.users[0]).max(1);
                let users = crowd.users[0] + people::pick(&name, 7, spread);
                scenario.tenant.push(Tenant {
                    partner: crowd.partner.clone(),
                    name,
                    id: String::new(),
                    domain: String::new(),
                    users,
                    skus: vec![
                        format!("SPE_E3:{}", users + users / 10),
                        format!("POWER_BI_PRO:{}", users / 2 + 5),
                        "FLOW_FREE:10000".to_owned(),
                    ],
                    from: 0,
                    trouble: crowd.trouble.clone(),
                });
            }
        }
        let mut names = std::collections::BTreeSet::new();
        for tenant in &mut scenario.tenant {
            if !scenario.partner.iter().any(|partner| partner.name == tenant.partner) {
                return Err(ScenarioError(format!("tenant `{}`: no partner `{}`", tenant.name, tenant.partner)));
            }
            if !names.insert(tenant.name.clone()) {
                return Err(ScenarioError(format!("tenant `{}` stands twice", tenant.name)));
            }
            if tenant.id.is_empty() {
                tenant.id = people::guid(&tenant.name, 0);
            }
            if tenant.domain.is_empty() {
                let word: String = tenant.name.chars().filter(char::is_ascii_alphanumeric).collect();
                tenant.domain = format!("{}.onmicrosoft.com", word.to_lowercase());
            }
        }
        let troubles =
            scenario.tenant.iter().flat_map(|t| &t.trouble).chain(scenario.partner.iter().flat_map(|p| &p.trouble));
        for trouble in troubles {
            if !matches!(trouble.step.as_str(), "token" | "users" | "skus" | "customers") {
                return Err(ScenarioError(format!(
                    "no step `{}`: there are token, users, skus, customers",
                    trouble.step
                )));
            }
            if let Some(act) = trouble.act.as_deref().filter(|act| !super::mischief::ACTS.contains(act)) {
                return Err(ScenarioError(format!("no act `{act}`: there are {}", super::mischief::ACTS.join(", "))));
            }
        }
        Ok(scenario)
    }

    /// The scenario of practice mode: about 140 customers of two partners, in every state.
    pub fn practice() -> Result<Self, ScenarioError> {
        Self::parse(include_str!("practice.toml"))
    }

    /// Its partners.
    pub fn partners(&self) -> &[SimPartner] {
        &self.partner
    }

    /// Names of tenants that the last night leaves out.
    pub fn skip_last_night(&self) -> &[String] {
        &self.skip_last_night
    }

    /// Names of tenants that are being read when practice begins.
    pub fn busy_now(&self) -> &[String] {
        &self.busy_now
    }

    /// Tenants left out by a person.
    pub fn paused(&self) -> &[Paused] {
        &self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn practice_can_be_played() {
        let scenario = Scenario::practice().unwrap();
        assert!((130..=150).contains(&scenario.tenant.len()), "{}", scenario.tenant.len());
        let named =
            scenario.skip_last_night.iter().chain(&scenario.busy_now).chain(scenario.pause.iter().map(|p| &p.name));
        for name in named {
            assert!(scenario.tenant.iter().any(|tenant| tenant.name == *name), "{name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let error = |text: &str| Scenario::parse(text).unwrap_err().to_string();
        assert!(error("pages = 3").contains("unknown field `pages`"));
        let partner = "[[partner]]\nname='a'\ntenant_id='x'\nclient_id='y'\nrefresh_token='z'\n";
        assert!(error(&format!("{partner}[[tenant]]\npartner='b'\nname='n'")).contains("no partner `b`"));
        let trouble =
            |trouble: &str| error(&format!("{partner}[[tenant]]\npartner='a'\nname='n'\ntrouble=[{{{trouble}}}]"));
        assert!(trouble("step='tokens'").contains("no step `tokens`"));
        assert!(trouble("step='users', act='explode'").contains("no act `explode`"));
    }
}
