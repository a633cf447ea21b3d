use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Filterable, Products, Term, TextField, User};

/// A field that users are sorted, counted and filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserField {
    /// A plain text.
    Text(TextField),
    /// The products of `assignedLicenses`, each by its part number, else by its id.
    License,
    /// The manager's `displayName`.
    Manager,
    /// `extensionAttribute1` to `15`, counted from 1.
    Extension(u8),
    /// What is odd about the licenses that it holds ([`Oddity`](super::Oddity)); found by us, no field of Graph's.
    Finding,
}

/// The words that stand before a colon, in the order of [`UserField::ALL`].
pub(super) const NAMES: [&str; 35] = [
    "name",
    "company",
    "department",
    "mail",
    "given",
    "surname",
    "title",
    "state",
    "postal",
    "street",
    "city",
    "language",
    "usage",
    "upn",
    "office",
    "country",
    "type",
    "license",
    "manager",
    "ext1",
    "ext2",
    "ext3",
    "ext4",
    "ext5",
    "ext6",
    "ext7",
    "ext8",
    "ext9",
    "ext10",
    "ext11",
    "ext12",
    "ext13",
    "ext14",
    "ext15",
    "finding",
];

impl UserField {
    /// All of them: the texts in the order of the fixed fields, licenses, manager, extension attributes, finding.
    pub const ALL: [UserField; 35] = {
        let mut all = [UserField::License; 35];
        let mut i = 0;
        while i < TextField::ALL.len() {
            all[i] = UserField::Text(TextField::ALL[i]);
            i += 1;
        }
        all[18] = UserField::Manager;
        let mut n = 1;
        while n <= 15 {
            all[18 + n as usize] = UserField::Extension(n);
            n += 1;
        }
        all[34] = UserField::Finding;
        all
    };

    /// The word that stands before a colon.
    pub fn name(self) -> &'static str {
        match self {
            UserField::Text(field) => NAMES[field as usize],
            UserField::License => "license",
            UserField::Manager => "manager",
            UserField::Extension(n) => NAMES.get(18 + usize::from(n)).copied().unwrap_or("ext15"),
            UserField::Finding => "finding",
        }
    }

    /// The field of a word.
    pub fn of(name: &str) -> Option<Self> {
        NAMES.iter().position(|known| *known == name).and_then(|at| Self::ALL.get(at)).copied()
    }
}

/// A user as lists filter it: with what is known of the products that it can hold.
#[derive(Debug, Clone, Copy)]
pub struct PersonRow<'a> {
    /// The user.
    pub user: &'a User,
    /// The tenant's products.
    pub products: &'a Products,
}

impl<'a> PersonRow<'a> {
    /// The fields that a bare word is sought in.
    pub const TEXTS: [TextField; 6] = [
        TextField::DisplayName,
        TextField::UserPrincipalName,
        TextField::Mail,
        TextField::Department,
        TextField::JobTitle,
        TextField::CompanyName,
    ];

    /// What the user holds: part numbers where they are known, else ids. In the order in which Graph gave them.
    pub fn licenses(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let products = self.products;
        let held = self.user.licenses.iter().flatten().filter_map(|license| license.sku_id);
        held.map(move |id| products.name(id))
    }

    /// What is odd about it, by our own words, the gravest first.
    pub fn findings(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.products.oddities(self.user.into()).iter().map(super::Oddity::name)
    }

    /// The value of a field with one value; of licenses and findings, the first.
    pub fn value(&self, field: UserField) -> Option<Cow<'a, str>> {
        match field {
            UserField::Text(field) => self.user.text(field).map(Cow::Borrowed),
            UserField::License => self.licenses().next(),
            UserField::Manager => {
                self.user.manager.as_ref().and_then(|manager| manager.display_name.as_deref()).map(Cow::Borrowed)
            }
            UserField::Extension(n) => {
                let values = self.user.extension.as_ref()?;
                values.get(usize::from(n.checked_sub(1)?))?.as_deref().map(Cow::Borrowed)
            }
            UserField::Finding => self.findings().next().map(Cow::Borrowed),
        }
    }
}

impl Filterable for PersonRow<'_> {
    const FIELDS: &'static [&'static str] = &NAMES;

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        Self::TEXTS.into_iter().filter_map(|field| self.user.text(field)).map(Cow::Borrowed)
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        self.value(UserField::of(name)?)
    }

    fn is_hit(&self, field: &str, term: &Term) -> bool {
        match UserField::of(field) {
            Some(UserField::License) => is_any(self.licenses(), term),
            Some(UserField::Finding) => is_any(self.findings().map(Cow::Borrowed), term),
            Some(UserField::Text(_) | UserField::Manager | UserField::Extension(_)) | None => {
                term.hits(self.field(field).as_deref())
            }
        }
    }
}

/// Whether a term hits any of several values, or their absence.
fn is_any<'a>(values: impl Iterator<Item = Cow<'a, str>>, term: &Term) -> bool {
    let mut values = values.peekable();
    if values.peek().is_none() { term.hits(None) } else { values.any(|value| term.hits(Some(&value))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AssignedLicense, Filter, PlanId, ServicePlan, Sku, SkuId, UserId};

    #[test]
    fn every_field_has_a_word_of_its_own() {
        for field in UserField::ALL {
            assert_eq!(UserField::of(field.name()), Some(field));
        }
        assert_eq!(UserField::of("extension"), None);
    }

    #[test]
    fn any_of_several_licenses_is_a_hit() {
        let sku = |n| SkuId::new(uuid::Uuid::from_u128(n));
        let of = |n, part: &str, plans: &[u128]| Sku {
            sku_id: Some(sku(n)),
            part_number: Some(part.into()),
            service_plans: plans
                .iter()
                .map(|n| ServicePlan {
                    id: Some(PlanId::new(uuid::Uuid::from_u128(*n))),
                    name: None,
                    status: None,
                    applies_to: Some("User".into()),
                })
                .collect(),
            ..Sku::default()
        };
        let products = Products::of(&[of(1, "SPE_E3", &[1, 2]), of(2, "VISIO", &[3]), of(4, "EMS", &[2])]);
        let mut user = User::new(UserId::new(uuid::Uuid::from_u128(1)));
        let hit = |user: &User, text: &str| {
            Filter::parse::<PersonRow<'_>>(text).unwrap().matches(&PersonRow { user, products: &products })
        };
        assert!(hit(&user, "license:none") && !hit(&user, "license:spe"));
        let held = |n| AssignedLicense { sku_id: Some(sku(n)), disabled_plans: vec![] };
        user.licenses = Some(vec![held(1), held(2), held(3)]);
        for (text, want) in [
            ("license:spe", true),
            ("license:visio", true),
            ("!license:visio", false),
            ("license:=spe", false),
            ("license:=spe_e3", true),
            ("license:none", false),
            ("license:00000000-0000-0000-0000-000000000003", true),
        ] {
            assert_eq!(hit(&user, text), want, "{text}");
        }
        assert!(hit(&user, "finding:none") && !hit(&user, "finding:double"));
        user.licenses = Some(vec![held(1), held(4)]);
        user.texts[TextField::UserType as usize] = Some("Guest".into());
        for (text, want) in [
            ("finding:double", true),
            ("finding:guest", true),
            ("finding:=DOUBLE", true),
            ("finding:location", false),
            ("!finding:guest", false),
            ("finding:none", false),
            ("!finding:none", true),
        ] {
            assert_eq!(hit(&user, text), want, "{text}");
        }
        user.extension = Some(Box::default());
        user.extension.as_mut().unwrap()[14] = Some("CC 4711".into());
        assert!(hit(&user, "\"ext15:cc 47\"") && hit(&user, "ext1:none"));
    }
}
