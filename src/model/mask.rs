//! People without what tells who they are: a first letter, a domain. Counts, products and places of work stay.

use unicode_segmentation::UnicodeSegmentation;

use super::{DiffField, DiffId, DiffRow, DiffValue, Text, TextField, User, UserField};

/// A text of which only the first letter is told; of an address, the domain too.
pub fn mask(text: &str) -> String {
    let first = text.graphemes(true).next().unwrap_or_default();
    match text.rsplit_once('@') {
        Some((_, domain)) => format!("{first}***@{domain}"),
        None => format!("{first}***"),
    }
}

impl UserField {
    /// Whether it tells who somebody is.
    pub const fn is_personal(self) -> bool {
        match self {
            UserField::Text(field) => match field {
                TextField::DisplayName
                | TextField::Mail
                | TextField::GivenName
                | TextField::Surname
                | TextField::StreetAddress
                | TextField::UserPrincipalName => true,
                TextField::CompanyName
                | TextField::Department
                | TextField::JobTitle
                | TextField::State
                | TextField::PostalCode
                | TextField::City
                | TextField::PreferredLanguage
                | TextField::UsageLocation
                | TextField::OfficeLocation
                | TextField::Country
                | TextField::UserType => false,
            },
            UserField::Manager | UserField::Extension(_) => true,
            UserField::License | UserField::Finding => false,
        }
    }
}

impl User {
    /// Masks what tells who the user and the manager are.
    pub fn mask(&mut self) {
        let hide = |text: &mut Option<Text>| {
            if let Some(text) = text {
                *text = mask(text).into();
            }
        };
        for field in TextField::ALL.into_iter().filter(|field| UserField::Text(*field).is_personal()) {
            hide(&mut self.texts[field as usize]);
        }
        self.extension.iter_mut().flat_map(|all| all.iter_mut()).for_each(hide);
        if let Some(manager) = &mut self.manager {
            hide(&mut manager.display_name);
            hide(&mut manager.user_principal_name);
        }
    }
}

impl DiffRow {
    /// Masks what tells who a user and the manager are.
    pub fn mask(&mut self) {
        if !matches!(self.id, DiffId::User(_)) {
            return;
        }
        if !self.name.is_empty() {
            self.name = mask(&self.name).into();
        }
        self.upn = self.upn.take().map(|upn| mask(&upn).into());
        for changed in &mut self.changes {
            let personal = matches!(changed.field, DiffField::User(field) if field.is_personal());
            for value in [&mut changed.was, &mut changed.now] {
                if let (true, Some(DiffValue::Text(text))) = (personal, value) {
                    *text = mask(text).into();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Changed, DiffKind, Manager, UserId};

    #[test]
    fn masks_tell_a_letter_and_the_domain() {
        assert_eq!(mask("Lena Bauer"), "L***");
        assert_eq!(mask("lena.bauer@adatum.example"), "l***@adatum.example");
        assert_eq!(mask("東京 花子"), "東***");
        assert_eq!(mask(""), "***");
    }

    #[test]
    fn of_a_masked_user_places_of_work_stay_and_names_go() {
        let id = UserId::new(uuid::Uuid::from_u128(7));
        let mut user = User::new(id);
        user.texts[TextField::DisplayName as usize] = Some("Lena Bauer".into());
        user.texts[TextField::Department as usize] = Some("Rail".into());
        let mut extension: Box<[Option<Text>; 15]> = Box::default();
        extension[2] = Some("4711".into());
        user.extension = Some(extension);
        let name = Some("Jonas Keller".into());
        user.manager =
            Some(Manager { id: None, display_name: name, user_principal_name: Some("jonas@adatum.example".into()) });
        user.mask();
        assert_eq!((user.text(TextField::DisplayName), user.text(TextField::Department)), (Some("L***"), Some("Rail")));
        assert_eq!(user.extension.unwrap()[2].as_deref(), Some("4***"));
        let manager = user.manager.unwrap();
        assert_eq!(manager.user_principal_name.as_deref(), Some("j***@adatum.example"));
        let changed = |field, text: &str| Changed {
            field: DiffField::User(field),
            was: None,
            now: Some(DiffValue::Text(text.into())),
        };
        let mut row = DiffRow {
            id: DiffId::User(id),
            kind: DiffKind::ALL[0],
            name: "Lena Bauer".into(),
            upn: Some("lena@adatum.example".into()),
            changes: Box::new([
                changed(UserField::Text(TextField::Surname), "Bauer"),
                changed(UserField::Text(TextField::Department), "Rail"),
            ]),
        };
        row.mask();
        let told = format!("{row:?}");
        assert!(!told.contains("auer") && told.contains("Rail") && told.contains("l***@adatum.example"), "{told}");
    }
}
