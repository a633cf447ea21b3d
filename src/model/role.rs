//! Who may do what: three roles, one table, default no.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::allocation::Allocating;
use super::{AuditAsk, AuditLook, Command, Key, Look, Text};

/// What a person may do. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    #[default]
    View,
    /// Look, probe, run imports, note what was found.
    Operate,
    /// All, but read a secret: nobody can.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Role; 3] = [Role::View, Role::Operate, Role::Admin];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Role::View => "view",
            Role::Operate => "operate",
            Role::Admin => "admin",
        }
    }

    /// Whether it may.
    pub fn may(self, verb: Verb) -> bool {
        self >= verb.needs()
    }

    /// Refuses what it may not, with the role that may.
    pub fn check(self, verb: Verb) -> Result<(), Text> {
        if self.may(verb) { Ok(()) } else { Err(self.refusal(verb).into()) }
    }

    /// Why it may not: what a dead key says.
    pub fn refusal(self, verb: Verb) -> String {
        format!("{} needs {}; your role is {self}, ask an admin", verb.does(), verb.needs())
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// Something that a person asks for, as roles and the audit name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Lists, screens, counts, history: what the store has.
    Show,
    /// Rows of people to a file, with names and addresses.
    ExportPeople,
    /// Run imports, and join those that go on.
    Import,
    /// Sign in to tenants and read nothing.
    Probe,
    /// End an own run early.
    CancelOwn,
    /// End somebody else's run early.
    CancelOthers,
    /// Record or close a ticket of a customer.
    Ticket,
    /// Take or throw away an import that is held back.
    Review,
    /// Explain a finding, or take that back.
    Note,
    /// Give a product a name.
    Name,
    /// Save rules of an allocation.
    Rules,
    /// Save prices of an allocation.
    Prices,
    /// Close a month of an allocation, or open it again.
    Months,
    /// Leave a tenant out of runs, or end that.
    Pause,
    /// Read the customer list.
    Sync,
    /// See who is here.
    Sessions,
    /// Who did what, of all tenants.
    AuditAll,
    /// End somebody's session.
    Kick,
    /// A copy of the store.
    Backup,
    /// Sign a partner's service account in.
    Login,
}

impl Verb {
    /// All of them.
    pub const ALL: [Verb; 20] = [
        Verb::Show,
        Verb::ExportPeople,
        Verb::Import,
        Verb::Probe,
        Verb::CancelOwn,
        Verb::CancelOthers,
        Verb::Ticket,
        Verb::Review,
        Verb::Note,
        Verb::Name,
        Verb::Rules,
        Verb::Prices,
        Verb::Months,
        Verb::Pause,
        Verb::Sync,
        Verb::Sessions,
        Verb::AuditAll,
        Verb::Kick,
        Verb::Backup,
        Verb::Login,
    ];

    /// The least role that may. This is the table: what is not in it, nobody may.
    pub const fn needs(self) -> Role {
        match self {
            Verb::Show | Verb::Sessions => Role::View,
            Verb::ExportPeople
            | Verb::Import
            | Verb::Probe
            | Verb::CancelOwn
            | Verb::Ticket
            | Verb::Review
            | Verb::Note
            | Verb::Name
            | Verb::Rules => Role::Operate,
            Verb::CancelOthers
            | Verb::Prices
            | Verb::Months
            | Verb::Pause
            | Verb::Sync
            | Verb::AuditAll
            | Verb::Kick
            | Verb::Backup
            | Verb::Login => Role::Admin,
        }
    }

    /// The word for it in the audit and in documentation.
    pub const fn word(self) -> &'static str {
        match self {
            Verb::Show => "show",
            Verb::ExportPeople => "export people",
            Verb::Import => "import",
            Verb::Probe => "probe",
            Verb::CancelOwn => "cancel own",
            Verb::CancelOthers => "cancel others",
            Verb::Ticket => "ticket",
            Verb::Review => "review",
            Verb::Note => "note",
            Verb::Name => "name",
            Verb::Rules => "rules",
            Verb::Prices => "prices",
            Verb::Months => "months",
            Verb::Pause => "pause",
            Verb::Sync => "sync",
            Verb::Sessions => "sessions",
            Verb::AuditAll => "audit all",
            Verb::Kick => "kick",
            Verb::Backup => "backup",
            Verb::Login => "login",
        }
    }

    /// What it does, as part of a sentence.
    pub const fn does(self) -> &'static str {
        match self {
            Verb::Show => "looking",
            Verb::ExportPeople => "exporting people by name",
            Verb::Import => "running imports",
            Verb::Probe => "probing",
            Verb::CancelOwn => "cancelling an own run",
            Verb::CancelOthers => "cancelling a run of somebody else",
            Verb::Ticket => "a ticket",
            Verb::Review => "deciding over what is held back",
            Verb::Note => "explaining a finding",
            Verb::Name => "naming a product",
            Verb::Rules => "saving rules of business units",
            Verb::Prices => "saving prices",
            Verb::Months => "closing a month or opening it again",
            Verb::Pause => "pausing a tenant",
            Verb::Sync => "reading the customer list",
            Verb::Sessions => "seeing who is here",
            Verb::AuditAll => "the audit of all tenants",
            Verb::Kick => "ending a session",
            Verb::Backup => "copying the store",
            Verb::Login => "signing a partner's account in",
        }
    }

    /// What a wish is; a cancel counts as one of an own run, since the wish does not say whose it is.
    pub fn of(command: &Command) -> Self {
        match command {
            Command::Import { .. } => Verb::Import,
            Command::Probe { .. } => Verb::Probe,
            Command::Sync { .. } => Verb::Sync,
            Command::Cancel { .. } => Verb::CancelOwn,
            Command::Pause { .. } | Command::Resume { .. } => Verb::Pause,
            Command::Ticket { .. } | Command::CloseTicket { .. } => Verb::Ticket,
            Command::Review { .. } => Verb::Review,
            Command::Know { .. } | Command::Forget { .. } => Verb::Note,
            Command::Name { .. } => Verb::Name,
            Command::Allocate { wish, .. } => match **wish {
                Allocating::SaveRules { .. } => Verb::Rules,
                Allocating::SavePrices { .. } => Verb::Prices,
                Allocating::Close { .. } | Allocating::Reopen { .. } => Verb::Months,
            },
            Command::Kick { .. } => Verb::Kick,
            Command::At(_) => Verb::Show,
            Command::Look(look) => Verb::of_look(look),
        }
    }

    /// What a look is.
    const fn of_look(look: &Look) -> Self {
        match look {
            Look::Audit(look) | Look::ExportAudit(look) => Verb::of_audit(look),
            Look::Away
            | Look::Users(_)
            | Look::Counts { .. }
            | Look::Tries { .. }
            | Look::Diff { .. }
            | Look::LicenseHistory { .. }
            | Look::Allocation(_)
            | Look::Export(_) => Verb::Show,
        }
    }

    /// What a look at the audit asks for: of one tenant its rows are for all.
    const fn of_audit(look: &AuditLook) -> Self {
        match (&look.tenant, &look.ask) {
            (Some(_), AuditAsk::Rows(_)) => Verb::Show,
            (None, AuditAsk::Rows(_)) | (_, AuditAsk::Chain { .. }) => Verb::AuditAll,
        }
    }

    /// What the key of a name asks for, of keys that alter something.
    pub fn of_key(name: &str) -> Option<Self> {
        match name {
            "re-run" => Some(Verb::Import),
            "probe" => Some(Verb::Probe),
            "note" => Some(Verb::Ticket),
            "review" => Some(Verb::Review),
            "cancel" => Some(Verb::CancelOwn),
            "know" => Some(Verb::Note),
            "save" | "save-rules" => Some(Verb::Rules),
            "save-prices" => Some(Verb::Prices),
            "close-month" | "reopen-month" => Some(Verb::Months),
            _ => None,
        }
    }
}

/// Number of a session in this life of the service.
pub type SessionId = u64;

/// Somebody who asks, as the kernel and the socket say it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caller {
    /// The name, for people; never decided by.
    pub name: Text,
    /// What that person may do.
    pub role: Role,
    /// The user id, as the kernel says it.
    pub uid: u32,
    /// The user id that signed in to this host, if another one: a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_uid: Option<u32>,
    /// The fingerprint of the SSH key, as the caller's own side says it: a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Text>,
    /// The address that the SSH connection comes from, likewise a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Text>,
}

impl Caller {
    /// Somebody on a store of their own: nobody else decides there.
    pub fn alone(name: Text) -> Self {
        Self { name, role: Role::Admin, ..Self::default() }
    }
}

/// Somebody who is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// The session.
    pub session: SessionId,
    /// Who.
    pub name: Text,
    /// In which role.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
    /// The tenant that is looked at, if one is.
    pub at: Option<Key>,
}

/// The roles and what they may, as a page of documentation.
pub fn roles_page() -> String {
    let mut page = String::from(
        "# Roles\n\nGenerated from the table that the service decides by. A role comes from the groups of the system, as the \
         kernel tells them of the process at the other end of the socket; who is in several has the highest, who is in \
         none has no role and is refused. Nobody can read a token: no verb does.\n\n| verb | view | operate | admin |\n|---|---|---|---|\n",
    );
    for verb in Verb::ALL {
        let cell = |role: Role| if role.may(verb) { "x" } else { "" };
        page = format!(
            "{page}| {}: {} | {} | {} | {} |\n",
            verb.word(),
            verb.does(),
            cell(Role::View),
            cell(Role::Operate),
            cell(Role::Admin)
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_may_what_those_before_it_may_and_a_viewer_changes_nothing() {
        for verb in Verb::ALL {
            assert!(Role::Admin.may(verb), "{verb:?}");
            assert!(!Role::View.may(verb) || Role::Operate.may(verb), "{verb:?}");
            let looks = matches!(verb, Verb::Show | Verb::Sessions);
            assert_eq!(Role::View.may(verb), looks, "{verb:?}");
        }
        let said = Role::View.refusal(Verb::Import);
        assert_eq!(said, "running imports needs operate; your role is view, ask an admin");
        assert_eq!(Role::default(), Role::View, "who is not known may least");
    }
}
