//! What screens say about a user, with people masked where that is asked for.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use unicode_segmentation::UnicodeSegmentation;

use super::words;
use crate::model::{FIELDS, Fixed, PersonRow, PlanId, SkuId, Text, TextField, User, UserField, UsersSeen, product};
use crate::tui::page::Line;
use crate::tui::theme::Meaning;

/// Whether a field tells who somebody is: privacy masks it. Counts, products and places of work stay.
pub(super) const fn is_personal(field: UserField) -> bool {
    match field {
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
        UserField::License => false,
    }
}

/// A text of which only the first letter is told; of an address, the domain too.
pub(super) fn mask(text: &str) -> String {
    let first = text.graphemes(true).next().unwrap_or_default();
    match text.rsplit_once('@') {
        Some((_, domain)) => format!("{first}***@{domain}"),
        None => format!("{first}***"),
    }
}

/// A value as it is shown.
pub(super) fn shown(value: &str, field: UserField, privacy: bool) -> Cow<'_, str> {
    if privacy && is_personal(field) { mask(value).into() } else { value.into() }
}

/// Users with the names of what they hold.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) seen: UsersSeen,
    products: BTreeMap<SkuId, Text>,
    plans: HashMap<PlanId, Text>,
}

impl People {
    /// Of a window.
    pub(super) fn of(seen: UsersSeen) -> Self {
        let products = seen.products.iter().cloned().collect();
        let plans = seen.plans.iter().cloned().collect();
        Self { seen, products, plans }
    }

    /// The user of a row, if the window has it.
    pub(super) fn user(&self, row: u64) -> Option<&User> {
        self.seen.rows.get(usize::try_from(row.checked_sub(self.seen.from)?).ok()?)
    }

    /// A field of a user as a cell shows it: licenses by their names, one behind the other.
    pub(super) fn cell(&self, user: &User, field: UserField, privacy: bool) -> String {
        let row = PersonRow { user, products: &self.products };
        if field == UserField::License {
            return row.licenses().collect::<Vec<_>>().join(", ");
        }
        row.value(field).map_or_else(String::new, |value| shown(&value, field, privacy).into_owned())
    }

    /// All that is known of a user: the 20 fixed fields by Graph's names, in their order.
    pub(super) fn detail(&self, user: &User, privacy: bool) -> Vec<Line> {
        let pair = |name: &str, value: &str| {
            Line::of(Meaning::Plain, format!("{name:<29}")).and(Meaning::Plain, format!(" {value}"))
        };
        let mut lines = vec![pair("id", &user.id.to_string())];
        for field in FIELDS {
            let name = field.name();
            match field {
                Fixed::Text(text) => {
                    let value = user.text(text).map(|value| shown(value, UserField::Text(text), privacy));
                    lines.push(pair(name, value.as_deref().unwrap_or_else(|| missing(user, field))));
                }
                Fixed::AssignedLicenses => self.licenses(user, &pair, &mut lines),
                Fixed::ExtensionAttributes => {
                    let set = user.extension.iter().flat_map(|values| values.iter());
                    let set: Vec<(usize, &Text)> =
                        (1..).zip(set).filter_map(|(n, value)| Some((n, value.as_ref()?))).collect();
                    let said =
                        if set.is_empty() { missing(user, field).to_owned() } else { format!("{} set", set.len()) };
                    lines.push(pair(name, &said));
                    for (n, value) in set {
                        let value = shown(value, UserField::Extension(1), privacy);
                        lines.push(pair(&format!("  extensionAttribute{n}"), &value));
                    }
                }
                Fixed::Manager => match &user.manager {
                    None => lines.push(pair(name, "- (none)")),
                    Some(manager) => {
                        let text = |text: &Option<Text>| {
                            text.as_ref()
                                .map_or("-".into(), |text| shown(text, UserField::Manager, privacy).into_owned())
                        };
                        lines.push(pair(name, &text(&manager.display_name)));
                        lines.push(pair("  userPrincipalName", &text(&manager.user_principal_name)));
                        let id = manager.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
                        lines.push(pair("  id", &id));
                    }
                },
            }
        }
        lines
    }

    fn licenses(&self, user: &User, pair: &impl Fn(&str, &str) -> Line, lines: &mut Vec<Line>) {
        let held = user.licenses.as_deref().unwrap_or_default();
        let name = Fixed::AssignedLicenses.name();
        if held.is_empty() {
            lines.push(pair(name, missing(user, Fixed::AssignedLicenses)));
            return;
        }
        lines.push(pair(name, &words::of(held.len() as u64, "license")));
        for license in held {
            let name = license.sku_id.map_or_else(|| "(no id)".into(), |id| product(&self.products, id));
            let off = match license.disabled_plans.len() {
                0 => "all service plans on".to_owned(),
                n => format!("{} off", words::of(n as u64, "service plan")),
            };
            lines.push(pair(&format!("  {name}"), &off));
            for plan in &license.disabled_plans {
                let name = self.plans.get(plan).map_or_else(|| plan.to_string(), ToString::to_string);
                lines.push(pair("", &format!("  off: {name}")));
            }
        }
    }
}

/// What stands where a field has no value: whether Graph said so, or left it out.
fn missing(user: &User, field: Fixed) -> &'static str {
    if user.is_absent(field) { "- (not in the answer)" } else { "-" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_tell_a_letter_and_the_domain() {
        assert_eq!(mask("Lena Bauer"), "L***");
        assert_eq!(mask("lena.bauer@adatum.example"), "l***@adatum.example");
        assert_eq!(mask("東京 花子"), "東***");
        assert_eq!(mask(""), "***");
    }
}
