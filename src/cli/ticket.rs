//! `tenantop ticket`: the text to send to a customer, or why there is none.

use std::fmt::Write;

use clap::ValueEnum;
use color_eyre::eyre::Result;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::output::Format;
use super::place::{Place, resolve};
use super::{DONE, SOME_FAILED, Stop};
use crate::failure::{Language, NoTicket, PartnerFacts, Remedy, Ticket};
use crate::model::TenantId;

/// The languages that there are texts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
    /// Dutch.
    Nl,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Language::En,
            Lang::De => Language::De,
            Lang::Fr => Language::Fr,
            Lang::Nl => Language::Nl,
        }
    }
}

/// The row of `ticket --json`.
#[derive(Serialize)]
struct TicketLine<'a> {
    tenant_id: TenantId,
    name: &'a CompactString,
    class: &'static str,
    lang: &'static str,
    subject: &'a str,
    body: &'a str,
    /// What we do or look at before we send it.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'static str>,
}

pub(super) fn ticket(place: &Place, wanted: &str, partner: Option<&str>, language: Language) -> Result<u8> {
    if place.format == Format::Csv {
        return Err(Stop::usage("a ticket is a text, not rows: leave --format csv out").into());
    }
    let (fleet, _) = place.read()?;
    let tenant = resolve(&fleet, partner, wanted)?;
    let nothing = |said: String| Stop { said, code: SOME_FAILED };
    let Some(failing) = tenant.failing() else {
        return Err(nothing(format!("nothing to send to {}: nothing is refused there", tenant.title())).into());
    };
    // A partner that left the configuration still has its customers in the store.
    let us = place.loaded.config.partner_facts().remove(&tenant.key.partner).unwrap_or_else(|| PartnerFacts {
        name: tenant.key.partner.0.clone(),
        tenant: fleet.partners.get(&tenant.key.partner).and_then(|partner| partner.tenant).map(|id| id.0),
        ..PartnerFacts::default()
    });
    let ticket = failing.failure.ticket(&fleet.ticket_context(tenant, &us), language);
    let Ticket { subject, body, before } = ticket.map_err(|none| nothing(refused(tenant.title(), &none)))?;
    if place.format == Format::Json {
        let line = TicketLine {
            tenant_id: tenant.key.tenant,
            name: &tenant.name,
            class: failing.failure.class.name(),
            lang: language.code(),
            subject: &subject,
            body: &body,
            before,
        };
        place.out.write(&format!("{}\n", serde_json::to_string(&line)?))?;
    } else {
        place.out.write(&format!("{subject}\n\n{body}"))?;
        if let Some(before) = before {
            place.out.say(&format!("before you send it: {before}"));
        }
    }
    Ok(DONE)
}

/// Why nothing is sent, whose turn it is, what to do instead. Writing to a String cannot fail.
fn refused(title: &str, none: &NoTicket) -> String {
    let Remedy { summary, who, steps } = &none.remedy;
    let mut said = format!("nothing to send to {title}: {none}\n{summary}\nWho acts: {who}");
    for step in steps {
        let _ = write!(said, "\n  {step}");
    }
    said
}
