//! Who did what: rows that are only ever added.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::allocation::Allocating;
use super::{Caller, Command, Event, Key, Look, PartnerName, RunId, Scope, Text};

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
    /// The most of them that nobody knows.
    const UNKNOWN: usize = 64;
    /// Letters of the partner's name of one that nobody knows.
    const PARTNER: usize = 64;
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

    /// Bounds the tenants that nobody knows: whoever made them up decides neither how many there are nor how long their
    /// names.
    pub fn bound(&mut self, is_known: impl Fn(&Key) -> bool) {
        let mut room = Self::UNKNOWN;
        self.tenants.retain_mut(|key| {
            if is_known(key) {
                return true;
            }
            key.partner = PartnerName(key.partner.0.chars().take(Self::PARTNER).collect());
            let kept = room > 0;
            room = room.saturating_sub(1);
            kept
        });
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

impl AuditRow {
    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        /// What is of one size in each row, and in each tenant that it names.
        const ROW: usize = 320;
        const TENANT: usize = 64;
        let Deed { caller, tenants, what, reason, said, .. } = &self.deed;
        let length = |text: &Option<Text>| text.as_ref().map_or(0, Text::len);
        let tenants: usize = tenants.iter().map(|key| TENANT + key.partner.0.len()).sum();
        let own = caller.name.len() + length(&caller.key) + length(&caller.address);
        ROW + own + tenants + what.len() + length(reason) + said.len()
    }
}

fn cut(text: &str) -> Text {
    const LONGEST: usize = 300;
    super::clean(text).chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TenantId;

    #[test]
    fn tenants_that_nobody_knows_are_few_and_short() {
        let key = |partner: &str, n| Key { partner: partner.into(), tenant: TenantId::new(uuid::Uuid::from_u128(n)) };
        let long = "x".repeat(900_000);
        let mut keys: Vec<Key> = (0..150).map(|n| key(&long, n)).collect();
        let known = key(&"k".repeat(100), 1);
        keys.push(known.clone());
        let wish = Command::Probe { tenants: keys, reason: None };
        let mut deed = Deed::of(Timestamp::UNIX_EPOCH, Caller::alone("jdoe".into()), "probe", &wish);
        deed.bound(|key| *key == known);
        assert_eq!((deed.tenants.len(), deed.tenants.last()), (65, Some(&known)), "what is known is as it is");
        assert!(deed.tenants.iter().take(64).all(|key| key.partner.0 == "x".repeat(64)));
        let wish = Command::Resume { tenant: key(&long, 1) };
        let mut deed = Deed::of(Timestamp::UNIX_EPOCH, Caller::alone("jdoe".into()), "resume", &wish);
        deed.bound(|_| false);
        assert!(serde_json::to_vec(&deed).unwrap().len() < 1_000);
    }
}
