//! What a refusal of Entra, Graph or Partner Center means, whose turn it is and what to do.
//!
//! ```text
//! Answer (status, headers, body, hop) --classify--> Failure (kept) --remedy--> words (made when drawn)
//!                                                                  `-ticket--> text for the customer, or why none
//! ```
//!
//! Everything here is pure: the answer comes in as a value and nothing is asked of clock, disk or network.
//! What is stored is the class and the scrubbed raw answer; words are made at the moment of drawing, so better
//! words improve last month's failures too.

mod classify;
mod codes;
mod evidence;
mod page;
mod relation;
mod remedy;
mod scrub;
mod ticket;
mod words;

use compact_str::CompactString;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use classify::classify;
pub use codes::{CODES, Code, PARTNER_CENTER};
pub use page::page;
pub use relation::Relation;
pub use ticket::{Because, Language, NoTicket, PartnerFacts, Ticket, TicketContext};

/// What kind of refusal it was. The names are those of the JSON rows and do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A Conditional Access policy says no token at all.
    CapBlock,
    /// A policy wants a compliant, joined or registered device.
    CapDevice,
    /// A policy wants an approved or protected app.
    CapAppProtection,
    /// A policy wants tokens bound to a device key.
    CapTokenProtection,
    /// A policy refuses tokens that were born from device code or authentication transfer.
    CapAuthFlow,
    /// Terms of use, a custom control or a session control that a pass-through user cannot meet.
    CapExternalControl,
    /// The last real sign-in is older than a policy allows.
    CapSignInFrequency,
    /// A second factor is demanded.
    MfaRequired,
    /// The tenant's security defaults refuse the request.
    SecurityDefaults,
    /// The service account is held to be at risk in its home tenant.
    RiskHomeTenant,
    /// The refresh token lay unused too long.
    RefreshTokenExpired,
    /// The refresh token was revoked.
    RefreshTokenRevoked,
    /// The refresh token is damaged, bound to something gone, or another client's.
    RefreshTokenInvalid,
    /// The app has no consent in the tenant.
    ConsentMissing,
    /// The app has no service principal in the tenant.
    AppMissing,
    /// The resource asked for is not in the tenant.
    ResourceMissing,
    /// The tenant demands an assignment that the account lacks.
    AssignmentMissing,
    /// No usable GDAP relationship.
    RelationshipMissing,
    /// Cross-tenant access settings forbid it.
    CrossTenantPolicy,
    /// The tenant is unknown, gone or blocked.
    TenantUnavailable,
    /// The tenant lives in another national cloud.
    WrongCloud,
    /// The app's own secret or certificate is refused.
    ClientCredential,
    /// The service account itself is disabled, locked or expired.
    ServiceUser,
    /// A passing fault of the service.
    Transient,
    /// Too many requests.
    Throttled,
    /// Our request is wrong: a defect.
    RequestBug,
    /// A device sign-in is not finished yet.
    DeviceFlowPending,
    /// A device sign-in ended without a token.
    DeviceFlowEnded,
    /// Graph refused the access token.
    GraphTokenRejected,
    /// Graph asks for a new token with claims.
    GraphClaimsChallenge,
    /// Signed in, but a role or a scope is missing.
    GraphForbidden,
    /// Needs a licence that the tenant does not have.
    GraphNotLicensed,
    /// Partner Center wants an MFA claim.
    PartnerCenterMfa,
    /// Partner Center refuses the account.
    PartnerCenterForbidden,
    /// A person is needed; the answer does not say why.
    InteractionRequiredUnknown,
    /// No connection, no name, no TLS, no answer in time.
    Network,
    /// An answer that cannot be read: cut, malformed, too large, or a link that leads elsewhere.
    BadAnswer,
    /// Nothing of the above; the raw answer is kept.
    Unknown,
}

/// Who has to act first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// An administrator of the customer.
    CustomerAdmin,
    /// We, the partner.
    Partner,
    /// Microsoft.
    Microsoft,
    /// Nobody: it is tried again.
    Retry,
}

/// Which tenant the refused request went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// The partner's own tenant (sign-in, Partner Center): a failure here is never a customer's.
    Partner,
    /// A customer's tenant.
    #[default]
    Customer,
}

/// Whether a refusal is a Conditional Access policy's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// It is not, or nothing says that it is.
    #[default]
    No,
    /// The code or suberror says so.
    Yes,
    /// Only its number range suggests it; said as probable, never as certain.
    Probable,
}

/// Whether asking again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// The same request fails until somebody acts.
    #[default]
    No,
    /// Works once its owner has acted.
    Fix,
    /// Back off and repeat.
    Yes,
    /// Repeat once.
    Once,
}

/// A refusal, understood: kept with the tenant and the run that met it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind it is.
    pub class: Class,
    /// Whether a Conditional Access policy did it.
    pub cap: Cap,
    /// Who acts first.
    pub owner: Owner,
    /// Whether asking again can help.
    pub again: Again,
    /// Which tenant refused.
    pub hop: Hop,
    /// Which service refused, where that is known.
    #[serde(default)]
    pub service: Service,
    /// AADSTS or Partner Center numbers of the answer, the most specific first.
    #[serde(default)]
    pub codes: Vec<u32>,
    /// Ids of Conditional Access policies that the answer named.
    #[serde(default)]
    pub policies: Vec<Uuid>,
    /// Which control of a policy it was, in a few words, where the code tells.
    #[serde(default)]
    pub control: Option<CompactString>,
    /// The `error` member of the answer, or Graph's error code.
    #[serde(default)]
    pub error: Option<CompactString>,
    /// The `suberror` member.
    #[serde(default)]
    pub suberror: Option<CompactString>,
    /// Entra's correlation id: the customer's admin finds the request by it in the sign-in log.
    #[serde(default)]
    pub correlation_id: Option<CompactString>,
    /// Entra's trace id or Graph's request id.
    #[serde(default)]
    pub trace_id: Option<CompactString>,
    /// The `client-request-id` that we sent with the refused request.
    #[serde(default)]
    pub client_request_id: Option<Uuid>,
    /// HTTP status; absent if there was no answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// When it was refused: the answer's own time where it has one, else ours.
    pub at: Timestamp,
    /// The start of the raw answer (at most 2 kB), cleaned and without secrets or user names.
    #[serde(default)]
    pub raw: String,
}

/// An answer to be understood, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// HTTP status; absent where only a body was pasted.
    pub status: Option<u16>,
    /// Headers that tell something, names in lower case: `x-ms-request-id`, `x-ms-clitelem`, `www-authenticate`,
    /// `retry-after`, `date`, `request-id`, `client-request-id`, `ms-correlationid`.
    pub headers: &'a [(String, String)],
    /// The body, or as much of it as was read.
    pub body: &'a [u8],
    /// Which tenant it came from.
    pub hop: Hop,
    /// Which service answered.
    pub service: Service,
}

/// Which service answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Not known: a pasted text.
    #[default]
    Unknown,
    /// The token endpoint.
    Entra,
    /// Microsoft Graph.
    Graph,
    /// Partner Center.
    PartnerCenter,
}

/// What the words of a remedy are filled in with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The customer's name.
    pub customer: &'a str,
    /// The partner's tenant id, for the exclusion of exactly our service-provider users.
    pub partner_tenant: Option<Uuid>,
    /// Whether most of the partner's customers meet the same refusal: then it is ours.
    pub wide: bool,
    /// How our GDAP relationship with the customer stands, as far as it can have to do with the refusal.
    pub relation: Relation,
}

/// What to say about a failure and what to do: made when it is shown, never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// What it is, in a sentence of at most 78 characters where the customer's name is short.
    pub summary: String,
    /// Who acts and whether we can lift it ourselves. Reads on from "Who acts: ".
    pub who: String,
    /// First steps, one a line, each at most 76 characters.
    pub steps: Vec<String>,
}

impl Failure {
    /// Whether the sign-in itself was refused or did not get through, so that one that passes makes it past.
    pub fn is_of_sign_in(&self) -> bool {
        match self.service {
            Service::Entra => true,
            Service::Graph | Service::PartnerCenter => false,
            // Kept before services were noted.
            Service::Unknown => !self.class.is_of_data(),
        }
    }

    /// Whether it is no answer: a fault on the way, which says nothing about access.
    pub fn is_passing(&self) -> bool {
        matches!(self.class, Class::Transient | Class::Throttled | Class::Network | Class::BadAnswer)
    }
}

impl Class {
    /// Whether it comes where data are read, or anywhere: not with the sign-in alone.
    pub const fn is_of_data(self) -> bool {
        matches!(
            self,
            Class::Transient
                | Class::Throttled
                | Class::RequestBug
                | Class::GraphTokenRejected
                | Class::GraphClaimsChallenge
                | Class::GraphForbidden
                | Class::GraphNotLicensed
                | Class::Network
                | Class::BadAnswer
                | Class::Unknown
        )
    }

    /// Whether a customer's policy is behind it: the texts for the customer exist for these.
    pub const fn is_policy(self) -> bool {
        matches!(
            self,
            Class::CapBlock
                | Class::CapDevice
                | Class::CapAppProtection
                | Class::CapTokenProtection
                | Class::CapAuthFlow
                | Class::CapExternalControl
                | Class::CapSignInFrequency
                | Class::MfaRequired
                | Class::SecurityDefaults
        )
    }
}

/// Characters that move or hide others: controls, bidi marks, zero-width ones. Line breaks and tabs are among them.
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00ad}'
                | '\u{061c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}'
                | '\u{2066}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}
