use std::fmt;

use compact_str::{CompactString, format_compact};
use serde::{Deserialize, Serialize};

use super::money::short;
use crate::model::{AssignedLicense, TextField, User, UserField, UserId};

/// What a rule looks at: an attribute of a user that an import reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "CompactString", into = "CompactString")]
pub enum Attribute {
    /// One of the plain texts, under Graph's own name.
    Text(TextField),
    /// `extensionAttribute1` to `15`, counted from 1.
    Extension(u8),
    /// Whom the user reports to: sign-in name, display name and object id are all looked at.
    Manager,
    /// Whom the user reports to, whom that one reports to, and so on: each of them like [`Attribute::Manager`].
    ManagerChain,
    /// What the user holds: SKU id and part number are both looked at.
    License,
}

impl Attribute {
    /// Whether a user can have several values of it.
    pub const fn is_many(self) -> bool {
        match self {
            Attribute::Text(_) | Attribute::Extension(_) => false,
            Attribute::Manager | Attribute::ManagerChain | Attribute::License => true,
        }
    }

    /// Whether it tells who somebody is.
    pub const fn is_personal(self) -> bool {
        match self {
            Attribute::Text(field) => UserField::Text(field).is_personal(),
            Attribute::Extension(_) | Attribute::Manager | Attribute::ManagerChain => true,
            Attribute::License => false,
        }
    }

    /// The value of a user; absent if there is none, an empty one too, and for those of which there are several.
    pub fn single(self, user: &impl Subject) -> Option<&str> {
        let value = match self {
            Attribute::Text(field) => user.text(field),
            Attribute::Extension(n) => user.extension(n),
            Attribute::Manager | Attribute::ManagerChain | Attribute::License => None,
        };
        value.filter(|value| !value.is_empty())
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attribute::Text(field) => f.write_str(field.name()),
            Attribute::Extension(n) => write!(f, "extensionAttribute{n}"),
            Attribute::Manager => f.write_str("manager"),
            Attribute::ManagerChain => f.write_str("managerChain"),
            Attribute::License => f.write_str("assignedLicenses"),
        }
    }
}

impl TryFrom<CompactString> for Attribute {
    type Error = String;
    fn try_from(text: CompactString) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let field = TextField::ALL.into_iter().find(|field| field.name().eq_ignore_ascii_case(&lower));
        let number = lower.strip_prefix("extensionattribute").and_then(|n| n.parse().ok());
        match (field, number, lower.as_str()) {
            (Some(field), ..) => Ok(Attribute::Text(field)),
            (None, Some(n @ 1..=15), _) => Ok(Attribute::Extension(n)),
            (None, _, "manager") => Ok(Attribute::Manager),
            (None, _, "managerchain") => Ok(Attribute::ManagerChain),
            (None, _, "assignedlicenses") => Ok(Attribute::License),
            (None, ..) => Err(format!(
                "no attribute `{}`: there are the fixed fields under Graph's names, extensionAttribute1 to 15, manager, \
                 managerChain, assignedLicenses",
                short(&text)
            )),
        }
    }
}

impl From<Attribute> for CompactString {
    fn from(attribute: Attribute) -> Self {
        format_compact!("{attribute}")
    }
}

/// A user as rules look at it, owned or not.
pub trait Subject {
    /// The object's id.
    fn id(&self) -> UserId;
    /// A plain text.
    fn text(&self, field: TextField) -> Option<&str>;
    /// An extension attribute, counted from 1.
    fn extension(&self, n: u8) -> Option<&str>;
    /// The manager's id, display name and sign-in name; absent without one.
    fn manager(&self) -> Option<(Option<UserId>, Option<&str>, Option<&str>)>;
    /// What is held.
    fn licenses(&self) -> &[AssignedLicense];
}

impl Subject for User {
    fn id(&self) -> UserId {
        self.id
    }

    fn text(&self, field: TextField) -> Option<&str> {
        User::text(self, field)
    }

    fn extension(&self, n: u8) -> Option<&str> {
        self.extension.as_ref()?.get(usize::from(n).checked_sub(1)?)?.as_deref()
    }

    fn manager(&self) -> Option<(Option<UserId>, Option<&str>, Option<&str>)> {
        let manager = self.manager.as_ref()?;
        Some((manager.id, manager.display_name.as_deref(), manager.user_principal_name.as_deref()))
    }

    fn licenses(&self) -> &[AssignedLicense] {
        self.licenses.as_deref().unwrap_or_default()
    }
}
