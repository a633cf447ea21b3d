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
    /// First and last night in which it stands so: what changes is listed once for each of its states.
    nights: Option<[u32; 2]>,
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
            nights: None,
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
                nights: None,
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
        sku.nights = raw.nights;
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
