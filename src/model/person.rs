use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Filterable, SkuId, Term, Text, TextField, User};

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
}

/// The words that stand before a colon, in the order of [`UserField::ALL`].
pub(super) const NAMES: [&str; 34] = [
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
];

impl UserField {
    /// All of them: the texts in the order of the fixed fields, licenses, manager, extension attributes.
    pub const ALL: [UserField; 34] = {
        let mut all = [UserField::License; 34];
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
        all
    };

    /// The word that stands before a colon.
    pub fn name(self) -> &'static str {
        match self {
            UserField::Text(field) => NAMES[field as usize],
            UserField::License => "license",
            UserField::Manager => "manager",
            UserField::Extension(n) => NAMES.get(18 + usize::from(n)).copied().unwrap_or("ext15"),
        }
    }

    /// The field of a word.
    pub fn of(name: &str) -> Option<Self> {
        NAMES.iter().position(|known| *known == name).and_then(|at| Self::ALL.get(at)).copied()
    }
}

/// A user as lists filter it: with the names of the products that it can hold.
#[derive(Debug, Clone, Copy)]
pub struct PersonRow<'a> {
    /// The user.
    pub user: &'a User,
    /// Part numbers of the tenant's products.
    pub products: &'a BTreeMap<SkuId, Text>,
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
        held.map(move |id| product(products, id))
    }

    /// The value of a field with one value; of licenses, the first.
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
        }
    }
}

/// The name of a product: its part number, else its id.
pub fn product(products: &BTreeMap<SkuId, Text>, id: SkuId) -> Cow<'_, str> {
    products.get(&id).map_or_else(|| id.to_string().into(), |name| name.as_str().into())
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
        if UserField::of(field) != Some(UserField::License) {
            return term.hits(self.field(field).as_deref());
        }
        let mut held = self.licenses().peekable();
        if held.peek().is_none() { term.hits(None) } else { held.any(|name| term.hits(Some(&name))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AssignedLicense, Filter, UserId};

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
        let products = BTreeMap::from([(sku(1), "SPE_E3".into()), (sku(2), "VISIO".into())]);
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
        user.extension = Some(Box::default());
        user.extension.as_mut().unwrap()[14] = Some("CC 4711".into());
        assert!(hit(&user, "\"ext15:cc 47\"") && hit(&user, "ext1:none"));
    }
}
