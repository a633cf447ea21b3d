//! What screens say about a user, with people masked where that is asked for.

use std::borrow::Cow;
use std::sync::Arc;

use super::words;
use crate::model::{
    AssignedLicense, Catalog, Double, FIELDS, Fixed, Oddity, PersonRow, PlanId, Products, SkuId, Text, User, UserField,
    UsersSeen, mask,
};
use crate::tui::page::Line;
use crate::tui::theme::Meaning;

/// A value as it is shown.
pub(super) fn shown(value: &str, field: UserField, privacy: bool) -> Cow<'_, str> {
    if privacy && field.is_personal() { mask(value).into() } else { value.into() }
}

/// Users with the names of what they hold.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) seen: UsersSeen,
}

impl People {
    /// Of a window.
    pub(super) fn of(seen: UsersSeen) -> Self {
        Self { seen }
    }

    /// What is known of the tenant's products.
    pub(super) fn products(&self) -> &Arc<Products> {
        &self.seen.products
    }

    /// The user of a row, if the window has it.
    pub(super) fn user(&self, row: u64) -> Option<&User> {
        self.seen.rows.get(usize::try_from(row.checked_sub(self.seen.from)?).ok()?)
    }

    /// A field of a user as a cell shows it: licenses by their names, one behind the other.
    pub(super) fn cell(&self, user: &User, field: UserField, privacy: bool) -> String {
        let row = PersonRow { user, products: self.products() };
        match field {
            UserField::License => row.licenses().collect::<Vec<_>>().join(", "),
            UserField::Finding => row.findings().collect::<Vec<_>>().join(", "),
            UserField::Text(_) | UserField::Manager | UserField::Extension(_) => {
                row.value(field).map_or_else(String::new, |value| shown(&value, field, privacy).into_owned())
            }
        }
    }

    /// The licenses of a user but one, by their names.
    pub(super) fn others(&self, user: &User, but: SkuId) -> String {
        let held = user.licenses.iter().flatten().filter_map(|license| license.sku_id).filter(|id| *id != but);
        held.map(|id| self.products().name(id)).collect::<Vec<_>>().join(", ")
    }

    /// What is odd about the licenses of a user, each with what is to be done, the gravest first.
    pub(super) fn findings(&self, user: &User) -> Vec<String> {
        let licenses = user.licenses.as_deref().unwrap_or_default();
        let mut said = Vec::new();
        for oddity in self.products().oddities(user.into()).iter() {
            match oddity {
                Oddity::Double => {
                    said.extend(self.products().doubles(licenses).map(|double| self.double(double, licenses)));
                }
                Oddity::Guest => {
                    said.push("A guest with a paid license: take it away, unless the guest works with it.".to_owned());
                }
                Oddity::Location => {
                    said.push("No usageLocation: set it, or the next license by hand is refused.".to_owned());
                }
            }
        }
        said
    }

    fn double(&self, double: Double, licenses: &[AssignedLicense]) -> String {
        let (by, included) = (self.products().name(double.by), self.products().name(double.included));
        if self.products().are_same(double) {
            return format!("{by} and {included} have the same service plans: one is enough.");
        }
        let off = licenses.iter().find(|license| license.sku_id == Some(double.by)).map(|l| l.disabled_plans.len());
        match off.unwrap_or(0) {
            0 => format!("{by} includes {included}: take {included} away."),
            n => {
                let plans = words::of(n as u64, "plan");
                format!("{by} includes {included}, with {plans} off: switch on what is used, take {included} away.")
            }
        }
    }

    /// All that is known of a user: the 20 fixed fields by Graph's names, in their order. Licenses and the service plans
    /// that are off in them have their names of the catalog.
    pub(super) fn detail(&self, user: &User, catalog: &Catalog, privacy: bool) -> Vec<Line> {
        let pair = |name: &str, value: &str| {
            Line::of(Meaning::Plain, format!("{name:<29}")).and(Meaning::Plain, format!(" {value}"))
        };
        let mut lines = vec![pair("id", &user.id.to_string())];
        lines.extend(self.findings(user).iter().map(|finding| pair("finding", finding)));
        for field in FIELDS {
            let name = field.name();
            match field {
                Fixed::Text(text) => {
                    let value = user.text(text).map(|value| shown(value, UserField::Text(text), privacy));
                    lines.push(pair(name, value.as_deref().unwrap_or_else(|| missing(user, field))));
                }
                Fixed::AssignedLicenses => self.licenses(user, catalog, &pair, &mut lines),
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

    /// A line for each license: its part number, else its id, and what it is called; then what is switched off in it.
    fn licenses(&self, user: &User, catalog: &Catalog, pair: &impl Fn(&str, &str) -> Line, lines: &mut Vec<Line>) {
        let held = user.licenses.as_deref().unwrap_or_default();
        let name = Fixed::AssignedLicenses.name();
        if held.is_empty() {
            lines.push(pair(name, missing(user, Fixed::AssignedLicenses)));
            return;
        }
        lines.push(pair(name, &words::of(held.len() as u64, "license")));
        for license in held {
            let part = license.sku_id.and_then(|id| self.products().part(id).or_else(|| catalog.part(id)));
            let id = license.sku_id.map_or_else(|| "(no id)".to_owned(), |id| id.to_string());
            let known = license.sku_id.and_then(|id| catalog.known(id));
            let free = license.sku_id.is_some_and(Catalog::is_free).then_some("free");
            let off = match license.disabled_plans.len() {
                0 => "all plans on".to_owned(),
                n => format!("{} off", words::of(n as u64, "plan")),
            };
            let said: Vec<&str> = known.into_iter().chain(free).chain([off.as_str()]).collect();
            lines.push(pair(&format!("  {}", part.unwrap_or(&id)), &said.join(", ")));
            for plan in &license.disabled_plans {
                lines.push(pair("", &format!("  off: {}", self.plan(*plan, catalog))));
            }
        }
    }

    /// What a service plan is called: by the catalog, else its `servicePlanName`, else its id.
    fn plan(&self, id: PlanId, catalog: &Catalog) -> String {
        let own = || self.products().plan(id).filter(|name| !name.is_empty());
        catalog.plan(id).or_else(own).map_or_else(|| id.to_string(), str::to_owned)
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
    fn licenses_and_what_is_off_in_them_have_names_and_where_there_are_none_what_is_known() {
        use crate::model::{AssignedLicense, Listed, LocalName, ServicePlan, Sku, UserId};
        let sku = |text: &str| text.parse::<SkuId>().unwrap();
        let plan = |text: &str| text.parse::<PlanId>().unwrap();
        let e3 = sku("05e9a617-0261-4cee-bb44-138d3ef5d965");
        let flow = sku("f30db892-07e9-47e9-837c-80727f46fd3d");
        let new = sku("00000000-0000-0000-0000-00000000000a");
        let gone = sku("00000000-0000-0000-0000-00000000000b");
        let (exchange, sway) =
            (plan("efb87545-963c-4e0d-99df-69c6916d9eb0"), plan("a23b959c-7ce8-4e57-9140-b90eb88a9e97"));
        let (own, unknown) =
            (plan("00000000-0000-0000-0000-00000000000c"), plan("00000000-0000-0000-0000-00000000000d"));
        let held = |id, plans: &[PlanId]| AssignedLicense { sku_id: id, disabled_plans: plans.to_vec() };
        let mut user = User::new(UserId::new(uuid::Uuid::nil()));
        user.licenses = Some(vec![
            held(Some(e3), &[exchange, sway, own, unknown]),
            held(Some(flow), &[]),
            held(Some(new), &[]),
            held(Some(gone), &[]),
            held(None, &[]),
        ]);
        let of = |id, part: &str, plan: (PlanId, &str)| Sku {
            sku_id: Some(id),
            part_number: Some(part.into()),
            service_plans: vec![ServicePlan {
                id: Some(plan.0),
                name: Some(plan.1.into()),
                status: None,
                applies_to: None,
            }],
            ..Sku::default()
        };
        let rows = [of(e3, "SPE_E3", (exchange, "EXCHANGE_S_ENTERPRISE")), of(new, "NEWPROD_2026", (own, "NEWPLAN"))];
        let people = People::of(UsersSeen { products: Products::of(&rows).into(), ..UsersSeen::default() });
        let shown = |catalog: &Catalog| -> Vec<String> {
            let lines = people.detail(&user, catalog, false);
            let all = lines.iter().map(|line| line.text().split_whitespace().collect::<Vec<_>>().join(" "));
            all.skip_while(|line| !line.starts_with("assignedLicenses")).skip(1).take(9).collect()
        };
        let mut catalog = Catalog::default();
        assert_eq!(
            shown(&catalog),
            [
                "SPE_E3 Microsoft 365 E3, 4 plans off",
                "off: Exchange Online (Plan 2)",
                "off: Sway",
                "off: NEWPLAN",
                "off: 00000000-0000-0000-0000-00000000000d",
                "FLOW_FREE Power Automate Free, free, all plans on",
                "NEWPROD_2026 all plans on",
                "00000000-0000-0000-0000-00000000000b all plans on",
                "(no id) all plans on",
            ]
        );
        catalog.set_listed(Listed { plans: [(own, "New plan".into())].into(), ..Listed::default() });
        let local = LocalName { name: "Ours".into(), by: "jdoe".into(), at: jiff::Timestamp::UNIX_EPOCH };
        catalog.set_local(new, Some(local));
        let named = shown(&catalog);
        assert_eq!(named[3], "off: New plan");
        assert_eq!(named[6], "NEWPROD_2026 Ours, all plans on");
    }
}
