use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::allocation::Allocating;
use super::{Explained, Key, Look, PartnerName, RunId, SessionId, SkuId, Text};

/// Which tenants an import run is to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scope {
    /// These, paused or not.
    Tenants(Vec<Key>),
    /// Every tenant of every partner, or of one; paused ones are left out.
    All(Option<PartnerName>),
    /// Those whose last import failed or was cut off; paused ones are left out.
    Failed(Option<PartnerName>),
}

/// A wish of an operator. The engine decides; it answers the asker alone if it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Run imports. A tenant that a run already holds is joined, never read twice at once.
    Import {
        /// Which tenants.
        scope: Scope,
        /// Whether to read the customer list first (`All` does so in any case).
        list: bool,
        /// Why, in the operator's words.
        reason: Option<Text>,
    },
    /// Sign in to tenants and read nothing: does access work? A tenant that a run already holds is joined.
    Probe {
        /// Which tenants, paused or not.
        tenants: Vec<Key>,
        /// Why, in the operator's words.
        reason: Option<Text>,
    },
    /// Read the customer list of all partners, or of one.
    Sync {
        /// Whose.
        partner: Option<PartnerName>,
    },
    /// End a run early, or one tenant's part in it. What is saved stays saved.
    Cancel {
        /// Which run.
        run: RunId,
        /// Only this tenant.
        tenant: Option<Key>,
    },
    /// Leave a tenant out of runs until a day.
    Pause {
        /// Which tenant.
        tenant: Key,
        /// Why.
        reason: Text,
        /// Until when.
        until: Timestamp,
    },
    /// End a pause.
    Resume {
        /// Which tenant.
        tenant: Key,
    },
    /// Record that the customer was asked to lift what refuses us.
    Ticket {
        /// Which tenant.
        tenant: Key,
        /// The number of the ticket.
        number: Text,
        /// What there is to know beside it.
        note: Option<Text>,
    },
    /// Close the ticket of a tenant.
    CloseTicket {
        /// Which tenant.
        tenant: Key,
    },
    /// Decide over an import that the shrink guard holds aside.
    Review {
        /// Which tenant.
        tenant: Key,
        /// Take it as the good one, or throw it away.
        accept: bool,
    },
    /// Record that a finding of a product is as it should be.
    Know {
        /// Which tenant.
        tenant: Key,
        /// Which finding, why, until when.
        known: Box<Explained>,
    },
    /// Take back what was said of a product's finding.
    Forget {
        /// Which tenant.
        tenant: Key,
        /// Which product.
        sku_id: SkuId,
    },
    /// Give a product a name of our own, for all tenants; an empty one takes it away.
    Name {
        /// Which product.
        sku_id: SkuId,
        /// The name.
        name: Text,
    },
    /// Save rules or prices of an allocation, close a month or open it again.
    Allocate {
        /// Which tenant.
        tenant: Key,
        /// What.
        wish: Box<Allocating>,
    },
    /// Tell the others which tenant is looked at here.
    At(Option<Key>),
    /// End somebody's session.
    Kick {
        /// Which.
        session: SessionId,
    },
    /// Show rows that the fleet does not hold. A newer wish of this kind takes the place of one not answered yet.
    Look(Look),
}
