//! Who did what: rows that are only ever added.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::allocation::Allocating;
use super::{Caller, Command, Event, Key, Look, RunId, Scope, Text};

/// How a wish ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was granted.
    Done,
    /// It was refused.
    Refused,
}

impl Outcome {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Refused => "refused",
        }
    }
}

/// Something that somebody did, or wanted to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Who, in which role.
    pub caller: Caller,
    /// What, in a word: of a wish the verb of the table of roles.
    pub verb: Text,
    /// The tenants that it is about, at most [`Deed::TENANTS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<Key>,
    /// Whether it is about every tenant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// What there is to know beside that. Never a secret.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub what: Text,
    /// Why, in the person's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was answered.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub said: Text,
    /// The run that came of it, or that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

impl Deed {
    /// The most tenants that a row names.
    pub const TENANTS: usize = 200;
    /// The word for reading people with their names.
    pub const READS_PEOPLE: &'static str = "read people";
    /// The word for reading the audit.
    pub const READS_AUDIT: &'static str = "read audit";

    /// Something that was done without a wish to the engine.
    pub fn plain(at: Timestamp, caller: Caller, verb: impl Into<Text>, what: impl Into<Text>) -> Self {
        Self {
            at,
            caller,
            verb: verb.into(),
            tenants: Vec::new(),
            all: false,
            what: cut(&what.into()),
            reason: None,
            outcome: Outcome::Done,
            said: Text::default(),
            run: None,
        }
    }

    /// A wish, before it is decided.
    pub fn of(at: Timestamp, caller: Caller, verb: &'static str, command: &Command) -> Self {
        let mut deed = Self::plain(at, caller, verb, "");
        match command {
            Command::Import { scope, reason, .. } => {
                deed.reason.clone_from(reason);
                match scope {
                    Scope::Tenants(keys) => deed.name(keys),
                    Scope::All(None) => (deed.all, deed.what) = (true, Text::const_new("all tenants")),
                    Scope::Failed(None) => deed.what = Text::const_new("those that failed"),
                    Scope::All(Some(partner)) => deed.what = format!("all tenants of {partner}").into(),
                    Scope::Failed(Some(partner)) => deed.what = format!("those of {partner} that failed").into(),
                }
            }
            Command::Probe { tenants, reason } => {
                deed.reason.clone_from(reason);
                deed.name(tenants);
            }
            Command::Sync { partner } => {
                deed.what = partner.as_ref().map_or_else(|| "all partners".into(), |partner| partner.0.clone());
            }
            Command::Cancel { run, tenant } => {
                deed.run = Some(*run);
                deed.tenants.extend(tenant.clone());
            }
            Command::Pause { tenant, reason, until } => {
                deed.reason = Some(reason.clone());
                deed.what = format!("until {until:.0}").into();
                deed.tenants.push(tenant.clone());
            }
            Command::Resume { tenant } => {
                deed.what = Text::const_new("ends the pause");
                deed.tenants.push(tenant.clone());
            }
            Command::Ticket { tenant, number, .. } => {
                deed.what.clone_from(number);
                deed.tenants.push(tenant.clone());
            }
            Command::CloseTicket { tenant } => {
                deed.what = Text::const_new("closes it");
                deed.tenants.push(tenant.clone());
            }
            Command::Review { tenant, accept } => {
                deed.what = Text::const_new(if *accept { "accepts" } else { "discards" });
                deed.tenants.push(tenant.clone());
            }
            Command::Know { tenant, known } => {
                deed.what = format!("{} of {}", known.finding, known.sku_id).into();
                deed.reason = Some(known.reason.clone());
                deed.tenants.push(tenant.clone());
            }
            Command::Forget { tenant, sku_id } => {
                deed.what = format!("takes it back, of {sku_id}").into();
                deed.tenants.push(tenant.clone());
            }
            Command::Name { sku_id, name } => deed.what = format!("{sku_id}: {name}").into(),
            Command::Allocate { tenant, wish } => {
                let (what, reason) = match &**wish {
                    Allocating::SaveRules { from, reason, .. } => (format!("rules, from v{from}"), Some(reason)),
                    Allocating::SavePrices { from, reason, .. } => (format!("prices, from v{from}"), Some(reason)),
                    Allocating::Close { month, reason } => (format!("closes {month}"), reason.as_ref()),
                    Allocating::Reopen { month, reason } => (format!("opens {month} again"), Some(reason)),
                };
                deed.what = what.into();
                deed.reason = reason.cloned();
                deed.tenants.push(tenant.clone());
            }
            Command::Kick { session } => deed.what = format!("session {session}").into(),
            Command::Look(Look::Audit(look) | Look::ExportAudit(look)) => {
                deed.what = Text::const_new("audit");
                deed.tenants.extend(look.tenant.clone());
            }
            Command::At(_) | Command::Look(_) => {}
        }
        // What somebody typed is bounded here, whatever the engine makes of it.
        deed.what = cut(&deed.what);
        deed.reason = deed.reason.as_deref().map(cut);
        deed
    }

    fn name(&mut self, keys: &[Key]) {
        self.tenants.extend(keys.iter().take(Self::TENANTS).cloned());
        if keys.len() > 1 {
            self.what = format!("{} tenants", keys.len()).into();
        }
    }

    /// Whether a tenant is among those that it is about.
    pub fn is_about(&self, tenant: &Key) -> bool {
        self.all || self.tenants.contains(tenant)
    }

    /// The same with its end.
    #[must_use]
    pub fn ended(mut self, answer: &Event) -> Self {
        match answer {
            Event::Accepted { run, joined, .. } => {
                self.run = Some(*run);
                if *joined > 0 {
                    self.said = format!("joined, {joined}").into();
                }
            }
            Event::Done(said) => self.said = cut(said),
            Event::Refused(why) => {
                self.outcome = Outcome::Refused;
                self.said = cut(why);
            }
            Event::Hello(_)
            | Event::Change(_)
            | Event::Seen(_)
            | Event::Present(_)
            | Event::Lost { .. }
            | Event::You { .. }
            | Event::Over(_) => {}
        }
        self
    }

    /// The same, refused.
    #[must_use]
    pub fn refused(mut self, why: &str) -> Self {
        self.outcome = Outcome::Refused;
        self.said = cut(why);
        self
    }
}

/// A row of the audit: a deed in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Counted from 1, without a gap.
    pub number: u64,
    /// SHA-256 over the hash of the row before, the number, and the deed as it is kept; as 64 hexadecimal digits.
    pub hash: String,
    /// What was done.
    pub deed: Deed,
}

fn cut(text: &str) -> Text {
    const LONGEST: usize = 300;
    super::clean(text).chars().take(LONGEST).collect()
}
