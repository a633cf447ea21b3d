//! `tenantop audit`: who did what, and whether nobody altered it since.

use color_eyre::eyre::Result;
use jiff::Timestamp;
use serde::Serialize;

use super::args::Audited;
use super::output::Rows;
use super::place::{Place, resolve};
use super::{DONE, STORE, Stop};
use crate::model::{AuditRow, Key, TenantId};

/// A row of `audit`.
#[derive(Serialize)]
struct AuditLine<'a> {
    number: u64,
    at: Timestamp,
    who: &'a str,
    uid: u32,
    role: &'static str,
    verb: &'a str,
    tenant_ids: Vec<TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    said: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    hash: &'a str,
}

const COLUMNS: &[(&str, &str)] = &[
    ("NUMBER", "number"),
    ("AT", "at"),
    ("WHO", "who"),
    ("ROLE", "role"),
    ("VERB", "verb"),
    ("OUTCOME", "outcome"),
    ("TENANT", "tenant"),
    ("WHAT", "what"),
    ("REASON", "reason"),
    ("RUN", "run_id"),
    ("SAID", "said"),
    ("UID", "uid"),
    ("LOGIN UID", "login_uid"),
    ("ADDRESS", "address"),
    ("KEY", "key"),
    ("HASH", "hash"),
    ("TENANT IDS", "tenant_ids"),
];

pub(super) fn audit(place: &Place, wanted: &Audited) -> Result<u8> {
    let (fleet, reader) = place.read()?;
    if wanted.verify {
        let chain = reader.verify_audit()?;
        let (rows, last) = (chain.rows, chain.last);
        let Some((number, why)) = chain.broken else {
            place.out.say(&format!("the audit holds: {rows} rows, the last hash is {last}"));
            return Ok(DONE);
        };
        let said = format!(
            "the audit does not hold: row {number}: {why}. {rows} rows before it hold, the last hash of those is {last}. Who \
             acts: whoever looks after this host's security; next: compare with the journal (journalctl -t tenantop), which \
             has every row with its hash"
        );
        return Err(Stop { said, code: STORE }.into());
    }
    let only: Option<Key> = match &wanted.tenant {
        Some(name) => Some(resolve(&fleet, wanted.partner.as_deref(), name)?.key.clone()),
        None => None,
    };
    let mut rows = Rows::new(&place.out, place.format, COLUMNS)?;
    let (mut result, mut left) = (Ok(()), wanted.last.unwrap_or(u64::MAX));
    reader.audit(&mut |AuditRow { number, hash, deed }| {
        if wanted.since.is_some_and(|day| crate::model::day_of(deed.at) < day) {
            return false;
        }
        let wants = only.as_ref().is_none_or(|key| deed.is_about(key))
            && wanted.who.as_deref().is_none_or(|name| deed.caller.name == name);
        if !wants {
            return true;
        }
        if left == 0 {
            return false;
        }
        left -= 1;
        let tenant = match deed.tenants.as_slice() {
            [key] => fleet.tenants.get(key).map(crate::model::Tenant::title),
            [] | [..] => None,
        };
        let line = AuditLine {
            number,
            at: deed.at,
            who: &deed.caller.name,
            uid: deed.caller.uid,
            role: deed.caller.role.word(),
            verb: &deed.verb,
            tenant_ids: deed.tenants.iter().map(|key| key.tenant).collect(),
            tenant,
            what: &deed.what,
            reason: deed.reason.as_deref(),
            outcome: deed.outcome.word(),
            said: &deed.said,
            run_id: deed.run.map(|run| run.0),
            login_uid: deed.caller.login_uid,
            key: deed.caller.key.as_deref(),
            address: deed.caller.address.as_deref(),
            hash: &hash,
        };
        result = rows.push(&line);
        result.is_ok()
    })?;
    result?;
    rows.finish()?;
    Ok(DONE)
}
