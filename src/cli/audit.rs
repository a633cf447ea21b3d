//! `tenantop audit`: who did what, and whether nobody altered it since.

use color_eyre::eyre::{Report, Result};

use super::args::Audited;
use super::output::Rows;
use super::place::{Place, resolve};
use super::{DONE, STORE, Stop};
use crate::model::{AuditLine, Filter, Key};

/// How many rows go by until it is asked again whether somebody is there who wants them.
const ASKED_EVERY: u64 = 1_024;

/// Whoever wanted rows has left.
fn left() -> Report {
    std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()
}

pub(super) fn audit(place: &Place, wanted: &Audited) -> Result<u8> {
    let (fleet, reader) = place.read()?;
    if wanted.verify {
        let Some(chain) = reader.verify_audit(&|| !place.out.is_left())? else { return Err(left()) };
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
    let filter = Filter::parse::<AuditLine<'_>>(wanted.filter.as_deref().unwrap_or_default())
        .map_err(|error| Stop::usage(format!("--filter: {error}")))?;
    let mut rows = Rows::new(&place.out, place.format, AuditLine::COLUMNS)?;
    let (mut result, mut more) = (Ok(()), wanted.last.unwrap_or(u64::MAX));
    let mut looked = 0_u64;
    reader.audit(&mut |row| {
        if looked.is_multiple_of(ASKED_EVERY) && place.out.is_left() {
            result = Err(left());
            return false;
        }
        looked += 1;
        let deed = &row.deed;
        if wanted.since.is_some_and(|day| crate::model::day_of(deed.at) < day) {
            return false;
        }
        let wants = only.as_ref().is_none_or(|key| deed.is_about(key))
            && wanted.who.as_deref().is_none_or(|name| deed.caller.name == name);
        let line = AuditLine::of(&row, |key| fleet.tenants.get(key).map(crate::model::Tenant::title));
        if !wants || !filter.matches(&line) {
            return true;
        }
        if more == 0 {
            return false;
        }
        more -= 1;
        result = rows.push(&line);
        result.is_ok()
    })?;
    result?;
    rows.finish()?;
    Ok(DONE)
}
