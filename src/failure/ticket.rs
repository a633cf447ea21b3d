//! The text that a support engineer sends to a customer's administrator, or why there is none to send.
//!
//! ```text
//! Failure --Ask::of--> what is asked of the customer --letter--> subject and body, in the customer's language
//! ```
//!
//! Everything that is claimed comes from the answer or the configuration. What is not known is left out or said
//! otherwise: no sentence has a gap. Policies are named by id only, since no answer tells their names.

mod dutch;
mod english;
mod french;
mod german;
mod layout;
mod letter;

use compact_str::CompactString;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Cap, Class, Context, Failure, Hop, Owner, Relation, Remedy};

/// The languages that there are texts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
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

impl Language {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Language; 4] = [Language::En, Language::De, Language::Fr, Language::Nl];

    /// The two letters of it.
    pub const fn code(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::De => "de",
            Language::Fr => "fr",
            Language::Nl => "nl",
        }
    }

    /// The one that is offered behind it; behind the last the first.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Language::En => Language::De,
            Language::De => Language::Fr,
            Language::Fr => Language::Nl,
            Language::Nl => Language::En,
        }
    }

    const fn words(self) -> &'static letter::Words {
        match self {
            Language::En => &english::WORDS,
            Language::De => &german::WORDS,
            Language::Fr => &french::WORDS,
            Language::Nl => &dutch::WORDS,
        }
    }
}

/// What customers may know of a partner tenant of ours. Nothing of it is secret; what is empty or absent is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct PartnerFacts {
    /// The name that customers know us by.
    pub name: CompactString,
    /// The partner's own tenant.
    pub tenant: Option<Uuid>,
    /// The app's name, as customers see it among their enterprise applications.
    pub app: CompactString,
    /// The app's client id.
    pub app_id: Option<Uuid>,
    /// The account that signs in.
    pub account: CompactString,
    /// The address from which we ask.
    pub address: CompactString,
}

/// What the text is filled in with, beside the failure itself.
#[derive(Debug, Clone, Copy)]
pub struct TicketContext<'a> {
    /// The customer's name; empty if unknown.
    pub customer: &'a str,
    /// The partner through whom we serve this customer.
    pub us: &'a PartnerFacts,
    /// Whether most of the partner's customers meet the same refusal: then it is ours.
    pub wide: bool,
    /// What our GDAP relationship with the customer has to do with it.
    pub relation: Relation,
    /// When it was first refused.
    pub since: Option<Timestamp>,
    /// How many imports in a row were refused; 0 if unknown.
    pub tries: u32,
}

/// A text to send: plain, lines of at most 76 columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The subject line.
    pub subject: String,
    /// The text; its last line ends too.
    pub body: String,
    /// What we do or look at before we send it, for the engineer only; absent if there is nothing.
    pub before: Option<&'static str>,
}

/// Nothing is to be sent to the customer: why, and what is to be done instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", because.sentence())]
pub struct NoTicket {
    /// Why.
    pub because: Because,
    /// Whose turn it is, and first steps.
    pub remedy: Remedy,
}

/// Why nothing is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// Our own tenant refused.
    OwnTenant,
    /// Many customers of the partner meet the same refusal.
    Wide,
    /// We have to act.
    Ours,
    /// Microsoft has to act.
    Microsoft,
    /// It is tried again.
    Passing,
    /// Nobody has to act.
    Needless,
    /// The answer is not understood.
    Unknown,
}

impl Because {
    /// The reason as a sentence without its full stop.
    pub const fn sentence(self) -> &'static str {
        match self {
            Because::OwnTenant => "our own tenant refused, so no customer has to act",
            Because::Wide => "many customers of this partner meet the same refusal, so it is ours",
            Because::Ours => "it is our turn, not the customer's",
            Because::Microsoft => "Microsoft has to act, not the customer",
            Because::Passing => "it is tried again by itself",
            Because::Needless => "nobody has to act",
            Because::Unknown => "the answer is not understood, so nothing can be asked of the customer",
        }
    }
}

/// What is asked of the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// An exclusion in Conditional Access policies that demand what we cannot give.
    Exclude(Demand),
    /// A way around security defaults.
    Defaults,
    /// Inbound cross-tenant access.
    Inbound,
    /// No assignment to our app.
    Assignment,
    /// Our app switched on again.
    Disabled,
    /// Consent to our app.
    Consent,
    /// Microsoft Graph switched on again.
    Resource,
    /// A guest object of our account deleted.
    Guest,
    /// A GDAP request approved.
    Relationship,
    /// A GDAP request with a role approved.
    Role,
}

/// What a policy demands of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// That it does not happen.
    Block,
    /// That it does not happen, if the number means what its neighbours mean.
    Probable,
    /// A new password.
    Password,
    /// A known device.
    Device,
    /// An approved or protected app.
    App,
    /// A token bound to a device.
    Binding,
    /// That it did not begin with a device code.
    Flow,
    /// Terms of use, a custom control, a session control.
    External,
    /// A younger sign-in.
    Age,
    /// A second factor.
    Mfa,
    /// A younger second factor.
    MfaAge,
    /// Another address.
    Location,
    /// A person; the answer does not say why.
    Unsaid,
}

/// Numbers of classes with a ticket that only a change of our own app or account repairs.
const OURS: [u32; 7] = [65_004, 65_005, 90_008, 500_208, 650_056, 650_057, 650_059];

impl Ask {
    /// What is asked of the customer where its tenant alone refused, if anything is.
    fn of(failure: &Failure) -> Option<Self> {
        let first = failure.codes.first().copied();
        let customer = failure.owner == Owner::CustomerAdmin;
        if failure.owner == Owner::Microsoft || first.is_some_and(|code| OURS.contains(&code)) {
            return None;
        }
        Some(match failure.class {
            Class::CapBlock if failure.cap == Cap::Probable => Ask::Exclude(Demand::Probable),
            Class::CapBlock if first == Some(50_142) => Ask::Exclude(Demand::Password),
            Class::CapBlock => Ask::Exclude(Demand::Block),
            Class::CapDevice => Ask::Exclude(Demand::Device),
            Class::CapAppProtection => Ask::Exclude(Demand::App),
            Class::CapTokenProtection => Ask::Exclude(Demand::Binding),
            Class::CapAuthFlow => Ask::Exclude(Demand::Flow),
            Class::CapExternalControl => Ask::Exclude(Demand::External),
            Class::CapSignInFrequency => Ask::Exclude(Demand::Age),
            Class::MfaRequired if first == Some(50_078) => Ask::Exclude(Demand::MfaAge),
            Class::MfaRequired => Ask::Exclude(Demand::Mfa),
            Class::InteractionRequiredUnknown => Ask::Exclude(Demand::Unsaid),
            Class::GraphTokenRejected | Class::GraphClaimsChallenge if customer => Ask::Exclude(Demand::Location),
            Class::SecurityDefaults => Ask::Defaults,
            Class::CrossTenantPolicy if customer => Ask::Inbound,
            Class::AssignmentMissing => Ask::Assignment,
            Class::AppMissing if customer => Ask::Disabled,
            Class::AppMissing | Class::ConsentMissing => Ask::Consent,
            Class::ResourceMissing if customer => Ask::Resource,
            Class::RelationshipMissing if customer => Ask::Guest,
            Class::RelationshipMissing => Ask::Relationship,
            Class::GraphForbidden => Ask::Role,
            Class::CrossTenantPolicy
            | Class::ResourceMissing
            | Class::RiskHomeTenant
            | Class::RefreshTokenExpired
            | Class::RefreshTokenRevoked
            | Class::RefreshTokenInvalid
            | Class::TenantUnavailable
            | Class::WrongCloud
            | Class::ClientCredential
            | Class::ServiceUser
            | Class::Transient
            | Class::Throttled
            | Class::RequestBug
            | Class::DeviceFlowPending
            | Class::DeviceFlowEnded
            | Class::GraphTokenRejected
            | Class::GraphClaimsChallenge
            | Class::GraphNotLicensed
            | Class::PartnerCenterMfa
            | Class::PartnerCenterForbidden
            | Class::Network
            | Class::BadAnswer
            | Class::Unknown => return None,
        })
    }

    /// The least role of the customer's administrator that suffices. Microsoft translates names of roles one way on one
    /// page and another way on the next, so all languages say the English name, in quotes.
    const fn role(self) -> &'static str {
        match self {
            Ask::Exclude(_) | Ask::Defaults => "Conditional Access Administrator",
            Ask::Inbound => "Security Administrator",
            Ask::Assignment | Ask::Disabled | Ask::Consent | Ask::Resource => "Cloud Application Administrator",
            Ask::Guest => "User Administrator",
            Ask::Relationship | Ask::Role => "Global Administrator",
        }
    }

    /// Whether it lets our users in, so that the customer wants to know whom else.
    const fn opens(self) -> bool {
        match self {
            Ask::Exclude(_) | Ask::Defaults | Ask::Inbound => true,
            Ask::Assignment
            | Ask::Disabled
            | Ask::Consent
            | Ask::Resource
            | Ask::Guest
            | Ask::Relationship
            | Ask::Role => false,
        }
    }

    /// What we do or look at ourselves before the text is sent.
    const fn before(self) -> Option<&'static str> {
        match self {
            Ask::Exclude(Demand::Flow) => Some(
                "better than a ticket: sign our account in anew by authorization code instead of device code; that \
                 cures all customers at once",
            ),
            Ask::Consent => {
                Some("first push our app's consent by Partner Center's API; send this only if it stays refused")
            }
            Ask::Relationship => Some(
                "first look in Partner Center: is the relationship active, and our account in a group with an \
                 assignment? If not, send the link of a new GDAP request with this text",
            ),
            Ask::Role => Some(
                "first look whether our account's group has Directory Readers assigned; only if the relationship lacks \
                 the role, send the link of a new GDAP request with this text",
            ),
            Ask::Exclude(_)
            | Ask::Defaults
            | Ask::Inbound
            | Ask::Assignment
            | Ask::Disabled
            | Ask::Resource
            | Ask::Guest => None,
        }
    }
}

/// Whether the customer's trust in our MFA cures it too: not where it is too old, nor where it cannot be registered.
fn trust_helps(failure: &Failure) -> bool {
    failure.class == Class::MfaRequired
        && !failure.codes.first().is_some_and(|code| matches!(code, 50_078 | 53_004 | 53_010))
}

/// Why nothing is to be sent where nothing can be asked of the customer.
fn because(failure: &Failure) -> Because {
    if failure.class == Class::Unknown {
        Because::Unknown
    } else if failure.class == Class::GraphNotLicensed {
        Because::Needless
    } else {
        match failure.owner {
            Owner::Partner | Owner::CustomerAdmin => Because::Ours,
            Owner::Microsoft => Because::Microsoft,
            Owner::Retry => Because::Passing,
        }
    }
}

impl Failure {
    /// The text to send to the customer's administrator.
    pub fn ticket(&self, context: &TicketContext<'_>, language: Language) -> Result<Ticket, NoTicket> {
        let asked = if self.hop == Hop::Partner {
            Err(Because::OwnTenant)
        } else {
            match Ask::of(self) {
                // No policy is to be changed, and no consent to be given, for whom has no relationship with us.
                _ if self.of_relation(context.relation).is_over() => Ok(Ask::Relationship),
                None => Err(because(self)),
                Some(_) if context.wide => Err(Because::Wide),
                Some(ask) => Ok(ask),
            }
        };
        match asked {
            Ok(ask) => Ok(letter::write(self, context, ask, language.words())),
            Err(because) => {
                let TicketContext { customer, us, wide, .. } = *context;
                let remedy = self.remedy(Context { customer, partner_tenant: us.tenant, wide, ..Context::default() });
                Err(NoTicket { because, remedy })
            }
        }
    }
}

#[cfg(test)]
mod tests;
