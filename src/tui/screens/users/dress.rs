//! What lists of users look like: all users of a tenant, or the holders of a product.

use crate::model::{SkuId, TenantId, TextField, User, UserField, UsersSeen};
use crate::tui::listing::{Column, Fit, Layout, column};
use crate::tui::screens::person::People;

/// The columns of a list of users, with the field of each.
#[derive(Debug)]
pub(super) struct Dress {
    pub(super) fields: &'static [UserField; COUNT],
    pub(super) layout: &'static Layout,
}

/// All fixed fields and what we find; of the extension attributes the first, the others stand in the detail.
const COUNT: usize = 21;

const USERS: [UserField; COUNT] = [
    UserField::Text(TextField::DisplayName),
    UserField::Text(TextField::Department),
    UserField::License,
    UserField::Text(TextField::CompanyName),
    UserField::Text(TextField::OfficeLocation),
    UserField::Text(TextField::UsageLocation),
    UserField::Text(TextField::UserType),
    UserField::Text(TextField::JobTitle),
    UserField::Text(TextField::City),
    UserField::Text(TextField::Country),
    UserField::Text(TextField::UserPrincipalName),
    UserField::Text(TextField::Mail),
    UserField::Manager,
    UserField::Extension(1),
    UserField::Text(TextField::GivenName),
    UserField::Text(TextField::Surname),
    UserField::Text(TextField::StreetAddress),
    UserField::Text(TextField::PostalCode),
    UserField::Text(TextField::State),
    UserField::Text(TextField::PreferredLanguage),
    UserField::Finding,
];

static USERS_COLUMNS: [Column; COUNT] = [
    column("NAME", 22, false),
    column("DEPARTMENT", 17, false),
    column("LICENSES", 22, false),
    column("COMPANY", 18, false),
    column("OFFICE", 14, false),
    column("USAGE", 5, false),
    column("TYPE", 7, false),
    column("TITLE", 22, false),
    column("CITY", 14, false),
    column("COUNTRY", 12, false),
    column("UPN", 34, false),
    column("MAIL", 34, false),
    column("MANAGER", 20, false),
    column("EXT1", 14, false),
    column("GIVEN", 12, false),
    column("SURNAME", 14, false),
    column("STREET", 22, false),
    column("POSTAL", 8, false),
    column("STATE", 12, false),
    column("LANGUAGE", 8, false),
    column("FINDING", 8, false),
];

const HOLDERS: [UserField; COUNT] = [
    UserField::Finding,
    UserField::Text(TextField::DisplayName),
    UserField::Text(TextField::Department),
    UserField::License,
    UserField::Text(TextField::UsageLocation),
    UserField::Text(TextField::UserType),
    UserField::Text(TextField::CompanyName),
    UserField::Text(TextField::OfficeLocation),
    UserField::Text(TextField::JobTitle),
    UserField::Text(TextField::City),
    UserField::Text(TextField::Country),
    UserField::Text(TextField::UserPrincipalName),
    UserField::Text(TextField::Mail),
    UserField::Manager,
    UserField::Extension(1),
    UserField::Text(TextField::GivenName),
    UserField::Text(TextField::Surname),
    UserField::Text(TextField::StreetAddress),
    UserField::Text(TextField::PostalCode),
    UserField::Text(TextField::State),
    UserField::Text(TextField::PreferredLanguage),
];

const NAME: usize = 1;
const DEPARTMENT: usize = 2;
const OTHERS: usize = 3;
const USAGE: usize = 4;
const TYPE: usize = 5;

static HOLDERS_COLUMNS: [Column; COUNT] = [
    column("FINDING", 8, false),
    column("NAME", 20, false),
    column("DEPARTMENT", 14, false),
    column("OTHER LICENSES", 20, false),
    column("USAGE", 5, false),
    column("TYPE", 6, false),
    column("COMPANY", 18, false),
    column("OFFICE", 14, false),
    column("TITLE", 22, false),
    column("CITY", 14, false),
    column("COUNTRY", 12, false),
    column("UPN", 34, false),
    column("MAIL", 34, false),
    column("MANAGER", 20, false),
    column("EXT1", 14, false),
    column("GIVEN", 12, false),
    column("SURNAME", 14, false),
    column("STREET", 22, false),
    column("POSTAL", 8, false),
    column("STATE", 12, false),
    column("LANGUAGE", 8, false),
];

/// What is left out from the right, down to a column.
const fn drops<const N: usize>() -> [Fit; N] {
    let mut fits = [Fit::Drop(2); N];
    let mut i = 0;
    while i < N {
        fits[i] = Fit::Drop(COUNT - 1 - i);
        i += 1;
    }
    fits
}

static USERS_FITS: [Fit; COUNT - 2] = drops();

static HOLDERS_FITS: [Fit; COUNT] = {
    let mut fits: [Fit; COUNT] = drops();
    // What a holder is and what else it holds stay the longest, in fewer letters.
    fits[COUNT - 6] = Fit::Narrow(NAME, 17);
    fits[COUNT - 5] = Fit::Narrow(OTHERS, 15);
    fits[COUNT - 4] = Fit::Drop(TYPE);
    fits[COUNT - 3] = Fit::Drop(USAGE);
    fits[COUNT - 2] = Fit::Drop(DEPARTMENT);
    fits[COUNT - 1] = Fit::Drop(OTHERS);
    fits
};

static USERS_LAYOUT: Layout = Layout { columns: &USERS_COLUMNS, grow: 0, fits: &USERS_FITS };
static HOLDERS_LAYOUT: Layout = Layout { columns: &HOLDERS_COLUMNS, grow: NAME, fits: &HOLDERS_FITS };

static OF_USERS: Dress = Dress { fields: &USERS, layout: &USERS_LAYOUT };
static OF_HOLDERS: Dress = Dress { fields: &HOLDERS, layout: &HOLDERS_LAYOUT };

impl Dress {
    /// Of all users, or of the holders of a product.
    pub(super) fn of(holding: Option<SkuId>) -> &'static Self {
        if holding.is_some() { &OF_HOLDERS } else { &OF_USERS }
    }
}

/// A cell: among the holders of a product it is told what else they hold.
pub(super) fn cell(people: &People, user: &User, field: UserField, of: (Option<SkuId>, bool)) -> String {
    let (holding, privacy) = of;
    match holding {
        Some(product) if field == UserField::License => people.others(user, product),
        Some(_) | None => people.cell(user, field, privacy),
    }
}

/// Columns of a file of users: those of the screen, the other extension attributes, ids.
pub(crate) fn titles(holding: Option<SkuId>) -> Vec<&'static str> {
    const MORE: [&str; 16] = [
        "EXT2",
        "EXT3",
        "EXT4",
        "EXT5",
        "EXT6",
        "EXT7",
        "EXT8",
        "EXT9",
        "EXT10",
        "EXT11",
        "EXT12",
        "EXT13",
        "EXT14",
        "EXT15",
        "USER ID",
        "TENANT ID",
    ];
    Dress::of(holding).layout.columns.iter().map(|column| column.title).chain(MORE).collect()
}

/// Rows of a file of users, below these [`titles`].
pub(crate) fn rows(seen: UsersSeen, tenant: TenantId, of: (Option<SkuId>, bool)) -> Vec<Vec<String>> {
    let people = People::of(seen);
    let fields = || Dress::of(of.0).fields.iter().copied().chain((2..=15).map(UserField::Extension));
    let row = |user: &User| {
        let cells = fields().map(|field| cell(&people, user, field, of));
        cells.chain([user.id.to_string(), tenant.to_string()]).collect()
    };
    people.seen.rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_show_every_field_once() {
        let sorted = |fields: &[UserField; COUNT]| {
            let mut fields = fields.to_vec();
            fields.sort_unstable();
            fields.dedup();
            fields
        };
        assert_eq!(sorted(&USERS), sorted(&HOLDERS));
        assert_eq!(sorted(&USERS).len(), COUNT);
    }

    #[test]
    fn what_else_somebody_holds_is_told_at_every_width() {
        let places = |width| -> Vec<usize> { HOLDERS_LAYOUT.place(width, 0).iter().map(|(i, _, _)| *i).collect() };
        assert_eq!(places(79), [0, 1, 2, 3, 4, 5]);
        assert_eq!(places(59), [0, 1, 2, 3]);
    }
}
