use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{AssignedLicense, Catalog, Counted, Fixed, PlanId, Sku, SkuId, Text, TextField, User};

/// What is to be looked at of a user by the licenses that it holds, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
    /// One of its products includes another: two are paid for where one would do.
    Double,
    /// A guest holds a paid license.
    Guest,
    /// It holds a paid license and has no `usageLocation`.
    Location,
}

impl Oddity {
    /// All of them, the gravest first.
    pub const ALL: [Oddity; 3] = [Oddity::Double, Oddity::Guest, Oddity::Location];

    /// The word of filters, cells and JSON. Their order by the alphabet is that of their gravity.
    pub const fn name(self) -> &'static str {
        match self {
            Oddity::Double => "double",
            Oddity::Guest => "guest",
            Oddity::Location => "location",
        }
    }
}

/// The oddities of a user: some of [`Oddity::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oddities([bool; 3]);

impl Oddities {
    /// Those that hold, the gravest first.
    pub fn iter(self) -> impl Iterator<Item = Oddity> {
        Oddity::ALL.into_iter().zip(self.0).filter_map(|(oddity, holds)| holds.then_some(oddity))
    }

    /// Whether one of them holds.
    pub fn has(self, oddity: Oddity) -> bool {
        self.iter().any(|one| one == oddity)
    }
}

/// What decides on the oddities of a user.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// `assignedLicenses`
    pub licenses: &'a [AssignedLicense],
    /// `userType`
    pub user_type: Option<&'a str>,
    /// `usageLocation`
    pub usage_location: Option<&'a str>,
    /// Which fixed fields were missing from the answer ([`Fixed::bit`]): what was not told is no finding.
    pub absent: u32,
}

impl<'a> From<&'a User> for Holder<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            licenses: user.licenses.as_deref().unwrap_or_default(),
            user_type: user.text(TextField::UserType),
            usage_location: user.text(TextField::UsageLocation),
            absent: user.absent,
        }
    }
}

/// A product that a user need not hold, since another one of its products includes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Double {
    /// The product that includes it.
    pub by: SkuId,
    /// The product that is included.
    pub included: SkuId,
}

/// What the SKUs of a tenant say of its products: what they are called, and which one includes which.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Products {
    names: BTreeMap<SkuId, Text>,
    plans: BTreeMap<PlanId, Text>,
    /// The products that include a product, the widest first.
    within: HashMap<SkuId, Vec<SkuId>>,
    /// Products with the same service plans as one that includes them.
    same: BTreeSet<Double>,
}

impl Products {
    /// Of the rows of `subscribedSkus`.
    ///
    /// A product includes another if all service plans of the other are among its own. Only plans that users get count:
    /// not those for the company, nor those without an id. A product that has none says nothing, nor does one that is
    /// free, since nobody pays twice there.
    pub fn of(skus: &[Sku]) -> Self {
        let mut products = Self::default();
        let mut own: BTreeMap<SkuId, BTreeSet<PlanId>> = BTreeMap::new();
        for sku in skus {
            for plan in &sku.service_plans {
                if let (Some(id), Some(name)) = (plan.id, &plan.name) {
                    products.plans.insert(id, name.clone());
                }
            }
            let Some(id) = sku.sku_id else { continue };
            if let Some(part) = sku.part_number.as_ref().filter(|part| !part.is_empty()) {
                products.names.insert(id, part.clone());
            }
            if !Catalog::is_free(id) {
                let for_users = sku.service_plans.iter().filter(|plan| !plan.is_company());
                own.entry(id).or_default().extend(for_users.filter_map(|plan| plan.id));
            }
        }
        own.retain(|_, plans| !plans.is_empty());
        products.include(&own);
        products
    }

    fn include(&mut self, own: &BTreeMap<SkuId, BTreeSet<PlanId>>) {
        let mut with: HashMap<PlanId, Vec<SkuId>> = HashMap::new();
        for (id, plans) in own {
            for plan in plans {
                with.entry(*plan).or_default().push(*id);
            }
        }
        for (included, plans) in own {
            // Only a product with its rarest plan can include it.
            let rarest = plans.iter().filter_map(|plan| with.get(plan)).min_by_key(|products| products.len());
            let mut wide: Vec<(usize, SkuId)> = Vec::new();
            for by in rarest.into_iter().flatten().filter(|by| *by != included) {
                let Some(wider) = own.get(by).filter(|wider| plans.is_subset(wider)) else { continue };
                if wider.len() == plans.len() {
                    self.same.insert(Double { by: *by, included: *included });
                    // Of two that are the same, one is enough: the first stays.
                    if by > included {
                        continue;
                    }
                }
                wide.push((wider.len(), *by));
            }
            if !wide.is_empty() {
                wide.sort_unstable_by(|(a_plans, a), (b_plans, b)| b_plans.cmp(a_plans).then_with(|| a.cmp(b)));
                self.within.insert(*included, wide.into_iter().map(|(_, by)| by).collect());
            }
        }
    }

    /// The part number of a product, if a SKU has it.
    pub fn part(&self, id: SkuId) -> Option<&str> {
        self.names.get(&id).map(Text::as_str)
    }

    /// The name of a product: its part number, else its id.
    pub fn name(&self, id: SkuId) -> Cow<'_, str> {
        self.part(id).map_or_else(|| id.to_string().into(), Cow::Borrowed)
    }

    /// The name of a service plan, if a SKU has it.
    pub fn plan(&self, id: PlanId) -> Option<&str> {
        self.plans.get(&id).map(Text::as_str)
    }

    /// Whether two products have the same service plans.
    pub fn are_same(&self, double: Double) -> bool {
        self.same.contains(&double)
    }

    /// The products among these licenses that another one of them includes, each once with the widest that does.
    pub fn doubles<'a>(&'a self, licenses: &'a [AssignedLicense]) -> impl Iterator<Item = Double> + 'a {
        let holds = |id: SkuId| licenses.iter().any(|license| license.sku_id == Some(id));
        licenses.iter().enumerate().filter_map(move |(at, license)| {
            let included = license.sku_id?;
            let by = self.within.get(&included)?.iter().copied().find(|by| holds(*by))?;
            let before = licenses.get(..at).unwrap_or_default();
            (!before.iter().any(|license| license.sku_id == Some(included))).then_some(Double { by, included })
        })
    }

    /// The oddities of a user.
    pub fn oddities(&self, user: Holder<'_>) -> Oddities {
        let mut held = user.licenses.iter().filter_map(|license| license.sku_id);
        if held.all(Catalog::is_free) {
            return Oddities::default();
        }
        let told = user.absent & Fixed::Text(TextField::UsageLocation).bit() == 0;
        Oddities([
            self.doubles(user.licenses).next().is_some(),
            user.user_type.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("guest")),
            told && user.usage_location.is_none_or(|place| place.trim().is_empty()),
        ])
    }
}

/// What there is to say of all holders of a product.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// How many users hold it.
    pub holders: u64,
    /// How many of them have an oddity.
    pub odd: u64,
    /// How many have each, in the order of [`Oddity::ALL`].
    pub oddities: [u64; 3],
    /// Which products they hold twice, with how many users, the most first; at most [`Tally::MOST`].
    pub doubles: Vec<(Double, u64)>,
    /// Their departments, the most first; at most [`Tally::MOST`].
    pub departments: Vec<Counted>,
    /// How many different departments there are, users without one among them.
    pub values: u64,
}

impl Tally {
    /// The most rows that are told of doubles and of departments.
    pub const MOST: usize = 40;
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{ServicePlan, UserId};

    fn sku_id(n: u128) -> SkuId {
        SkuId::new(Uuid::from_u128(n))
    }

    /// A product with these plans for users, and one for the company that all have.
    fn sku(n: u128, part: &str, plans: &[u128]) -> Sku {
        let plan = |n: u128, scope: &str| ServicePlan {
            id: Some(PlanId::new(Uuid::from_u128(n))),
            name: Some(format!("PLAN_{n}").into()),
            status: None,
            applies_to: Some(scope.into()),
        };
        let mut service_plans: Vec<ServicePlan> = plans.iter().map(|n| plan(*n, "User")).collect();
        service_plans.push(plan(1_000, "cOMPANY"));
        service_plans.push(ServicePlan { id: None, ..plan(0, "User") });
        Sku { sku_id: Some(sku_id(n)), part_number: Some(part.into()), service_plans, ..Sku::default() }
    }

    fn held(ids: &[u128]) -> Vec<AssignedLicense> {
        ids.iter().map(|n| AssignedLicense { sku_id: Some(sku_id(*n)), disabled_plans: vec![] }).collect()
    }

    fn doubles(products: &Products, ids: &[u128]) -> Vec<(u128, u128)> {
        let licenses = held(ids);
        products.doubles(&licenses).map(|d| (d.by.0.as_u128(), d.included.0.as_u128())).collect()
    }

    const FREE: u128 = 0xf30d_b892_07e9_47e9_837c_8072_7f46_fd3d;

    fn products() -> Products {
        Products::of(&[
            sku(1, "SPE_E3", &[1, 2, 3, 4]),
            sku(2, "SPE_E5", &[1, 2, 3, 4, 5]),
            sku(3, "EMS", &[3, 4]),
            sku(4, "VISIO", &[9]),
            sku(5, "EMS_AGAIN", &[4, 3]),
            sku(6, "CAPACITY", &[]),
            sku(7, "CALLING", &[5, 9]),
            sku(FREE, "FLOW_FREE", &[1]),
        ])
    }

    #[test]
    fn a_product_is_included_where_another_has_all_its_plans() {
        let products = products();
        for (ids, want) in [
            (&[1, 3][..], &[(1, 3)][..]),
            (&[3, 1], &[(1, 3)]),
            (&[1, 4], &[]),
            (&[1], &[]),
            (&[1, 1], &[]),
            (&[3, 1, 3], &[(1, 3)]),
            (&[2, 1, 3], &[(2, 1), (2, 3)]),
            (&[2, 7], &[]),
            (&[4, 7], &[(7, 4)]),
            (&[3, 5], &[(3, 5)]),
            (&[5, 3], &[(3, 5)]),
            (&[1, 3, 5], &[(1, 3), (1, 5)]),
            (&[1, 6], &[]),
            (&[1, FREE], &[]),
            (&[1, 99], &[]),
            (&[], &[]),
        ] {
            assert_eq!(doubles(&products, ids), want, "{ids:?}");
        }
        let double = |by, included| Double { by: sku_id(by), included: sku_id(included) };
        assert!(products.are_same(double(3, 5)) && products.are_same(double(5, 3)));
        assert!(!products.are_same(double(1, 3)));
        assert_eq!((products.name(sku_id(1)), products.name(sku_id(99)).len()), ("SPE_E3".into(), 36));
    }

    #[test]
    fn rows_of_one_product_are_taken_together() {
        let two = Products::of(&[sku(1, "A", &[1]), sku(1, "A", &[2]), sku(2, "B", &[1, 2])]);
        assert_eq!(doubles(&two, &[1, 2]), [(1, 2)]);
    }

    #[test]
    fn what_is_odd_of_a_user() {
        let products = products();
        let mut user = User::new(UserId::new(Uuid::nil()));
        user.absent = 0;
        let words = |user: &User| -> Vec<&str> { products.oddities(user.into()).iter().map(Oddity::name).collect() };
        let set = |user: &mut User, ids: &[u128], kind: Option<&str>, place: Option<&str>| {
            user.licenses = Some(held(ids));
            user.texts[TextField::UserType as usize] = kind.map(Text::from);
            user.texts[TextField::UsageLocation as usize] = place.map(Text::from);
        };
        for (ids, kind, place, want) in [
            (&[1][..], Some("Member"), Some("DE"), &[][..]),
            (&[1], None, Some("DE"), &[]),
            (&[1], Some("Member"), None, &["location"]),
            (&[1], Some("Member"), Some(" "), &["location"]),
            (&[1], Some("guest"), Some("DE"), &["guest"]),
            (&[1], Some("GUEST"), None, &["guest", "location"]),
            (&[1, 3], Some("Guest"), None, &["double", "guest", "location"]),
            (&[1, 3], Some("Member"), Some("DE"), &["double"]),
            (&[FREE], Some("Guest"), None, &[]),
            (&[FREE, 1], Some("Guest"), Some("DE"), &["guest"]),
            (&[99], Some("Guest"), Some("DE"), &["guest"]),
            (&[], Some("Guest"), None, &[]),
        ] {
            set(&mut user, ids, kind, place);
            assert_eq!(words(&user), want, "{ids:?} {kind:?} {place:?}");
        }
        set(&mut user, &[1], Some("Member"), None);
        user.absent = Fixed::Text(TextField::UsageLocation).bit();
        assert!(words(&user).is_empty(), "a field that was not in the answer is no finding");
        user.licenses = None;
        user.absent = 0;
        assert!(words(&user).is_empty(), "nor are licenses that nobody told of");
    }

    #[test]
    fn words_stand_in_the_order_of_gravity() {
        let names = Oddity::ALL.map(Oddity::name);
        assert!(names.is_sorted() && Oddity::ALL.is_sorted(), "{names:?}");
    }

    /// The table, looked up the slow way.
    fn slow(own: &[(u128, Vec<u128>)], held: &[u128]) -> Vec<u128> {
        let plans = |id: u128| own.iter().find(|(n, _)| *n == id).map(|(_, plans)| plans.clone()).unwrap_or_default();
        let mut found: Vec<u128> = held
            .iter()
            .copied()
            .filter(|b| {
                let narrow = plans(*b);
                !narrow.is_empty()
                    && held.iter().any(|a| {
                        let wide = plans(*a);
                        let inside = a != b && narrow.iter().all(|plan| wide.contains(plan));
                        inside && (!wide.iter().all(|plan| narrow.contains(plan)) || a < b)
                    })
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    proptest::proptest! {
        #[test]
        fn the_table_says_what_a_comparison_of_all_says(
            own in proptest::collection::vec(proptest::collection::btree_set(1u128..8, 0..5), 1..9),
            held in proptest::collection::vec(1u128..10, 0..6),
        ) {
            let own: Vec<(u128, Vec<u128>)> =
                (1..).zip(own).map(|(n, plans)| (n, plans.into_iter().collect())).collect();
            let rows: Vec<Sku> = own.iter().map(|(n, plans)| sku(*n, "X", plans)).collect();
            let mut found: Vec<u128> = doubles(&Products::of(&rows), &held).into_iter().map(|(_, id)| id).collect();
            found.sort_unstable();
            proptest::prop_assert_eq!(found, slow(&own, &held));
        }
    }
}
