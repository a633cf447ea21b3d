use serde::{Deserialize, Serialize};

use super::{PlanId, SkuId, Text, UserId};

/// The fixed fields that are plain text, in the order of the rows. Their names are Graph's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum TextField {
    /// `displayName`
    DisplayName,
    /// `companyName`
    CompanyName,
    /// `department`
    Department,
    /// `mail`
    Mail,
    /// `givenName`
    GivenName,
    /// `surname`
    Surname,
    /// `jobTitle`
    JobTitle,
    /// `state`
    State,
    /// `postalCode`
    PostalCode,
    /// `streetAddress`
    StreetAddress,
    /// `city`
    City,
    /// `preferredLanguage`
    PreferredLanguage,
    /// `usageLocation`
    UsageLocation,
    /// `userPrincipalName`
    UserPrincipalName,
    /// `officeLocation`
    OfficeLocation,
    /// `country`
    Country,
    /// `userType`
    UserType,
}

/// How many fixed fields are plain text.
pub const TEXT_FIELDS: usize = 17;

impl TextField {
    /// All of them, in order.
    pub const ALL: [TextField; TEXT_FIELDS] = [
        TextField::DisplayName,
        TextField::CompanyName,
        TextField::Department,
        TextField::Mail,
        TextField::GivenName,
        TextField::Surname,
        TextField::JobTitle,
        TextField::State,
        TextField::PostalCode,
        TextField::StreetAddress,
        TextField::City,
        TextField::PreferredLanguage,
        TextField::UsageLocation,
        TextField::UserPrincipalName,
        TextField::OfficeLocation,
        TextField::Country,
        TextField::UserType,
    ];

    /// Graph's name.
    pub const fn name(self) -> &'static str {
        match self {
            TextField::DisplayName => "displayName",
            TextField::CompanyName => "companyName",
            TextField::Department => "department",
            TextField::Mail => "mail",
            TextField::GivenName => "givenName",
            TextField::Surname => "surname",
            TextField::JobTitle => "jobTitle",
            TextField::State => "state",
            TextField::PostalCode => "postalCode",
            TextField::StreetAddress => "streetAddress",
            TextField::City => "city",
            TextField::PreferredLanguage => "preferredLanguage",
            TextField::UsageLocation => "usageLocation",
            TextField::UserPrincipalName => "userPrincipalName",
            TextField::OfficeLocation => "officeLocation",
            TextField::Country => "country",
            TextField::UserType => "userType",
        }
    }
}

/// One of the 20 fixed fields of a user. The list is not configurable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixed {
    /// A plain text.
    Text(TextField),
    /// `assignedLicenses`
    AssignedLicenses,
    /// `onPremisesExtensionAttributes`
    ExtensionAttributes,
    /// `manager`, expanded.
    Manager,
}

/// The 20 fixed fields in the order of the rows (reference on Graph, section 1.1).
pub const FIELDS: [Fixed; 20] = [
    Fixed::Text(TextField::DisplayName),
    Fixed::Text(TextField::CompanyName),
    Fixed::Text(TextField::Department),
    Fixed::Text(TextField::Mail),
    Fixed::Text(TextField::GivenName),
    Fixed::Text(TextField::Surname),
    Fixed::Text(TextField::JobTitle),
    Fixed::Text(TextField::State),
    Fixed::Text(TextField::PostalCode),
    Fixed::Text(TextField::StreetAddress),
    Fixed::Text(TextField::City),
    Fixed::Text(TextField::PreferredLanguage),
    Fixed::Text(TextField::UsageLocation),
    Fixed::AssignedLicenses,
    Fixed::Text(TextField::UserPrincipalName),
    Fixed::Text(TextField::OfficeLocation),
    Fixed::ExtensionAttributes,
    Fixed::Text(TextField::Country),
    Fixed::Text(TextField::UserType),
    Fixed::Manager,
];

impl Fixed {
    /// Graph's name.
    pub const fn name(self) -> &'static str {
        match self {
            Fixed::Text(field) => field.name(),
            Fixed::AssignedLicenses => "assignedLicenses",
            Fixed::ExtensionAttributes => "onPremisesExtensionAttributes",
            Fixed::Manager => "manager",
        }
    }

    /// Its bit in [`User::absent`].
    pub const fn bit(self) -> u32 {
        match self {
            Fixed::Text(field) => 1 << field as u32,
            Fixed::AssignedLicenses => 1 << 17,
            Fixed::ExtensionAttributes => 1 << 18,
            Fixed::Manager => 1 << 19,
        }
    }
}

/// A product that a user holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedLicense {
    /// Which product; the schema allows null.
    pub sku_id: Option<SkuId>,
    /// Service plans of it that are switched off for this user.
    pub disabled_plans: Vec<PlanId>,
}

/// Whom a user reports to. May be a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manager {
    /// The object's id.
    pub id: Option<UserId>,
    /// `displayName`
    pub display_name: Option<Text>,
    /// `userPrincipalName`; a contact has none.
    pub user_principal_name: Option<Text>,
}

/// A user of a tenant with exactly the fixed fields. `None` is Graph's null; a member that the answer did not hold
/// at all is `None` and has its bit set in `absent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The object's id, the key.
    pub id: UserId,
    /// Which fixed fields were missing from the answer ([`Fixed::bit`]). A user without manager has that bit set.
    pub absent: u32,
    /// The plain texts, by [`TextField`].
    pub texts: [Option<Text>; TEXT_FIELDS],
    /// `assignedLicenses`
    pub licenses: Option<Vec<AssignedLicense>>,
    /// `extensionAttribute1` to `15`.
    pub extension: Option<Box<[Option<Text>; 15]>>,
    /// `manager`
    pub manager: Option<Manager>,
}

impl User {
    /// A user of whom nothing is known but the id.
    pub fn new(id: UserId) -> Self {
        Self { id, absent: (1 << 20) - 1, texts: Default::default(), licenses: None, extension: None, manager: None }
    }

    /// A plain text of the user.
    pub fn text(&self, field: TextField) -> Option<&str> {
        self.texts[field as usize].as_deref()
    }

    /// Whether the answer did not hold this field at all.
    pub fn is_absent(&self, field: Fixed) -> bool {
        self.absent & field.bit() != 0
    }
}
