//! Many tenants at once, named and sized by chance.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::super::chance;
use super::super::names::{FIRMS, FORMS, TRADES, ascii};
use super::super::trouble::Trouble;
use super::sku::{RawSku, Sku, skus};
use super::{Tenant, fault, land};

/// Many tenants at once, named and sized by chance.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crowd {
    pub(super) partner: Option<String>,
    count: usize,
    /// Fewest and most users; small tenants are the most.
    users: [u64; 2],
    #[serde(default)]
    seed: u64,
    land: Option<String>,
    skus: Option<Vec<RawSku>>,
    #[serde(default)]
    trouble: Vec<Trouble>,
}

impl Crowd {
    /// The tenants of a partner; their names are not among those that are taken.
    pub(super) fn gather(self, partner: &str, taken: &mut BTreeSet<String>) -> Result<Vec<Tenant>, String> {
        let [least, most] = self.users;
        if least > most {
            return Err("`users` ends before it begins".to_owned());
        }
        let most_names = FIRMS.len() * TRADES.len() * FORMS.len();
        if self.count + taken.len() > most_names / 2 {
            return Err(format!("`count` is above the {} names there are", most_names / 2));
        }
        if let Some(what) = self.trouble.iter().find_map(fault) {
            return Err(what);
        }
        let seed = chance::seed(&["crowd", partner, &self.seed.to_string()]);
        let mut tenants = Vec::new();
        let mut lot = 0;
        while tenants.len() < self.count {
            lot += 1;
            let pick = |n: u64, from: &[&'static str]| {
                from[usize::try_from(chance::mix(seed, lot * 8 + n) % from.len() as u64).unwrap_or(0)]
            };
            let name = format!("{} {} {}", pick(0, FIRMS), pick(1, TRADES), pick(2, FORMS));
            if !taken.insert(name.clone()) {
                continue;
            }
            // The cube of an even lot: most are small.
            let share = chance::mix(seed, lot * 8 + 3) % 1000;
            let users = least + (most - least) * share * share * share / 1_000_000_000;
            let bought = match &self.skus {
                Some(bought) => skus(bought, users)?,
                None => usual_skus(chance::mix(seed, lot * 8 + 4), users)?,
            };
            tenants.push(Tenant {
                partner: partner.to_owned(),
                id: chance::guid(&["tenant", &name]),
                domain: format!("{}.onmicrosoft.com", ascii(&name)),
                users,
                land: land(self.land.as_deref())?,
                skus: bought,
                listed: [0, u32::MAX],
                gdap: None,
                page: None,
                expires_in: None,
                picked: Vec::new(),
                trouble: self.trouble.clone(),
                name,
            });
        }
        Ok(tenants)
    }
}

/// What a customer of that size has bought as a rule.
pub(super) fn usual_skus(lot: u64, users: u64) -> Result<Vec<Sku>, String> {
    let more = users + users / 12 + 2;
    let tenth = users / 10 + 1;
    let kinds: &[(&str, u64, u64)] = match lot % 6 {
        0 => &[("SPE_E3", 8, 100), ("SPE_F1", 2, 100), ("VISIOCLIENT", 1, 50), ("POWER_BI_PRO", 1, 80)],
        1 => &[("SPB", 10, 100), ("FLOW_FREE", 0, 10)],
        2 => &[("SPE_E5", 6, 100), ("DESKLESSPACK", 3, 100), ("Microsoft_365_Copilot", 1, 90), ("FLOW_FREE", 0, 20)],
        3 => &[("O365_BUSINESS_PREMIUM", 7, 100), ("EXCHANGESTANDARD", 2, 100), ("AAD_PREMIUM", 9, 60)],
        4 => &[("ENTERPRISEPACK", 9, 100), ("EMS", 9, 95), ("PROJECTPROFESSIONAL", 1, 40), ("POWER_BI_STANDARD", 0, 5)],
        _ => &[("O365_BUSINESS_ESSENTIALS", 5, 100), ("SPB", 4, 100), ("MCOEV", 2, 70)],
    };
    kinds
        .iter()
        .map(|&(part, tenths, percent)| {
            let (enabled, assigned) = if tenths == 0 {
                (10_000, users * percent / 100)
            } else {
                (more * tenths / 10 + tenths, (tenth * tenths).min(users) * percent / 100)
            };
            Sku::parse(&format!("{part}:{enabled}:{}", assigned.min(enabled)), users)
        })
        .collect()
}
