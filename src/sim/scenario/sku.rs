//! What a tenant has bought.

use serde::Deserialize;
use uuid::Uuid;

use super::super::catalog::{self, Plan};

/// A product that a tenant has bought.
#[derive(Debug, Clone)]
pub(crate) struct Sku {
    pub(crate) id: Uuid,
    pub(crate) part: String,
    pub(crate) suite: bool,
    pub(crate) to_people: bool,
    pub(crate) plans: Vec<Plan>,
    pub(crate) assigned: u64,
    /// What the service says is consumed, where it differs from what people hold.
    pub(crate) consumed: Option<u64>,
    pub(crate) enabled: u64,
    pub(crate) warning: u64,
    pub(crate) suspended: u64,
    pub(crate) locked_out: u64,
    pub(crate) status: Option<String>,
    /// First and last night in which it stands so; absent for all.
    pub(crate) nights: Option<[u32; 2]>,
    /// People hold it, and the list of SKUs has it no more.
    pub(crate) unlisted: bool,
    /// The terms in which the partner sold it.
    pub(crate) sold: Vec<Term>,
}

/// From so many units on a product is one that costs nothing.
const FREE: u64 = 10_000;

/// A subscription of a product.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Term {
    pub(crate) units: u64,
    /// As Partner Center words it.
    #[serde(default = "active")]
    pub(crate) status: String,
    /// `P1M`, `P1Y`, `P3Y`; left out for older offers.
    #[serde(default = "year", rename = "term")]
    pub(crate) lasts: Option<String>,
    /// In how many days it ends; below 0 it ended so long ago.
    pub(crate) ends: Option<i64>,
    #[serde(default = "yes")]
    pub(crate) renews: bool,
    #[serde(default)]
    pub(crate) trial: bool,
    /// Whether the customer's own list has it.
    #[serde(default = "yes")]
    pub(crate) joined: bool,
}

fn active() -> String {
    "active".to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional member")]
fn year() -> Option<String> {
    Some("P1Y".to_owned())
}

fn yes() -> bool {
    true
}

impl Term {
    fn of(units: u64, status: &str) -> Self {
        Self { units, status: status.to_owned(), lasts: year(), ends: None, renews: true, trial: false, joined: true }
    }

    /// What was sold as a rule: what there is, in one term for each of its states.
    fn usual(enabled: u64, warning: u64, suspended: u64) -> Vec<Self> {
        if enabled >= FREE {
            return Vec::new();
        }
        let all = [(enabled, "active"), (warning, "expired"), (suspended, "suspended")];
        all.into_iter().filter(|(units, _)| *units > 0).map(|(units, status)| Self::of(units, status)).collect()
    }
}

/// Units of an active subscription, or a table.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum RawTerm {
    Short(u64),
    Long(Term),
}

impl RawTerm {
    fn term(&self) -> Term {
        match self {
            Self::Short(units) => Term::of(*units, "active"),
            Self::Long(term) => term.clone(),
        }
    }
}

/// `PART:enabled`, `PART:enabled:assigned`, `PART:enabled:90%` (of the users), or a table.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
pub(super) enum RawSku {
    Short(String),
    Long(LongSku),
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct LongSku {
    sku: String,
    id: Option<Uuid>,
    enabled: u64,
    assigned: Option<u64>,
    consumed: Option<u64>,
    #[serde(default)]
    warning: u64,
    #[serde(default)]
    suspended: u64,
    #[serde(default)]
    locked_out: u64,
    status: Option<String>,
    /// For the company as a whole: nobody holds it.
    #[serde(default)]
    company: bool,
    /// In which terms the partner sold it; none if somebody else did. Left out: what is enabled.
    sold: Option<Vec<RawTerm>>,
    /// First and last night in which it stands so: what changes is listed once for each of its states.
    nights: Option<[u32; 2]>,
    /// People hold it, and the list of SKUs has it no more.
    #[serde(default)]
    unlisted: bool,
}

impl Sku {
    /// Out of `PART:enabled:assigned` for a tenant of so many users.
    pub(crate) fn parse(text: &str, users: u64) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (part, enabled, assigned) = (parts.next().unwrap_or(""), parts.next(), parts.next());
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` in `{part}` is not a number"));
        if parts.next().is_some() {
            return Err(format!("`{text}` has more than PART:enabled:assigned"));
        }
        let enabled = match enabled {
            Some(enabled) => number(enabled)?,
            None => users,
        };
        let assigned = match assigned.map(|text| (text, text.strip_suffix('%'))) {
            Some((_, Some(percent))) => users * number(percent)? / 100,
            Some((count, None)) => number(count)?,
            None => users.min(enabled * 9 / 10),
        };
        let product = catalog::product(part).ok_or_else(|| {
            format!("`{part}` is not a known product; write {{ sku = \"{part}\", id = \"…\", enabled = … }}")
        })?;
        Ok(Self {
            id: product.id.parse().map_err(|_| format!("`{part}` has no good id"))?,
            part: product.part.to_owned(),
            suite: product.suite,
            to_people: true,
            plans: product.plans.to_vec(),
            assigned,
            consumed: None,
            enabled,
            warning: 0,
            suspended: 0,
            locked_out: 0,
            status: None,
            sold: Term::usual(enabled, 0, 0),
            nights: None,
            unlisted: false,
        })
    }

    fn long(raw: &LongSku, users: u64) -> Result<Self, String> {
        let known = catalog::product(&raw.sku);
        let mut sku = match known {
            Some(_) => Self::parse(&raw.sku, users)?,
            None => Self {
                id: catalog::unlisted_id(&raw.sku),
                part: raw.sku.clone(),
                suite: false,
                to_people: true,
                plans: Vec::new(),
                assigned: 0,
                consumed: None,
                enabled: 0,
                warning: 0,
                suspended: 0,
                locked_out: 0,
                status: None,
                sold: Vec::new(),
                nights: None,
                unlisted: false,
            },
        };
        sku.id = raw.id.unwrap_or(sku.id);
        sku.enabled = raw.enabled;
        sku.warning = raw.warning;
        sku.suspended = raw.suspended;
        sku.locked_out = raw.locked_out;
        sku.assigned = raw.assigned.unwrap_or(users.min((raw.enabled + raw.warning) * 9 / 10));
        sku.consumed = raw.consumed;
        sku.status.clone_from(&raw.status);
        sku.to_people = !raw.company;
        sku.sold = match &raw.sold {
            Some(terms) => terms.iter().map(RawTerm::term).collect(),
            None => Term::usual(raw.enabled, raw.warning, raw.suspended),
        };
        sku.nights = raw.nights;
        sku.unlisted = raw.unlisted;
        Ok(sku)
    }

    /// Whether it stands so in a night.
    pub(crate) fn is_in(&self, night: u32) -> bool {
        self.nights.is_none_or(|[first, last]| (first..=last).contains(&night))
    }

    /// What the service counts as assigned in a tenant of so many users.
    pub(crate) fn consumed(&self, users: u64) -> u64 {
        self.consumed.unwrap_or(if self.to_people { self.assigned.min(users) } else { self.assigned })
    }
}

/// All that is written down for a tenant of so many users.
pub(super) fn skus(raw: &[RawSku], users: u64) -> Result<Vec<Sku>, String> {
    raw.iter()
        .map(|sku| match sku {
            RawSku::Short(text) => Sku::parse(text, users),
            RawSku::Long(long) => Sku::long(long, users),
        })
        .collect()
}
