//! The difference of two readings of a tenant: who came and went, who is called or placed otherwise, which licenses and
//! which units moved.
//!
//! Users are matched by object id, products by `skuId`; neither the order of an answer nor the order of licenses in it
//! means anything. A field that an answer left out, one that it sent as null and an empty text are all the same: none
//! of them tells a person anything. A manager is whoever has the same object id: one who is renamed moves nobody.
//! Licenses that one of the two answers did not tell are no gain and no loss: they stand among the other changes.

mod line;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{
    AssignedLicense, Manager, PlanId, Sku, SkuId, SnapshotId, Tenant, Text, TextField, User, UserField, UserId,
};

pub use line::{DiffLine, DiffNames};

/// What kind of difference. A user who differs in several ways has a row of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum DiffKind {
    /// A user who was not there before.
    New,
    /// A user who is there no more.
    Gone,
    /// Another name, sign-in name or address.
    Renamed,
    /// Another department, company, office or manager.
    Moved,
    /// A product that the user did not hold before.
    Gained,
    /// A product that the user holds no more.
    Lost,
    /// Service plans of a product that the user holds before and now were switched on or off.
    Plans,
    /// Other fields of the user.
    Other,
    /// A product that was not listed before.
    SkuNew,
    /// A product that is listed no more.
    SkuGone,
    /// Other units of a product: bought, in grace, suspended, locked out, consumed.
    Units,
    /// Something else of a product: its status, its scope, its name, its service plans.
    SkuOther,
}

impl DiffKind {
    /// All of them, users first.
    pub const ALL: [DiffKind; 12] = [
        DiffKind::New,
        DiffKind::Gone,
        DiffKind::Renamed,
        DiffKind::Moved,
        DiffKind::Gained,
        DiffKind::Lost,
        DiffKind::Plans,
        DiffKind::Other,
        DiffKind::SkuNew,
        DiffKind::SkuGone,
        DiffKind::Units,
        DiffKind::SkuOther,
    ];

    /// Its name in rows.
    pub const fn name(self) -> &'static str {
        match self {
            DiffKind::New => "new",
            DiffKind::Gone => "gone",
            DiffKind::Renamed => "renamed",
            DiffKind::Moved => "moved",
            DiffKind::Gained => "license_gained",
            DiffKind::Lost => "license_lost",
            DiffKind::Plans => "plans",
            DiffKind::Other => "other",
            DiffKind::SkuNew => "sku_new",
            DiffKind::SkuGone => "sku_gone",
            DiffKind::Units => "units",
            DiffKind::SkuOther => "sku_other",
        }
    }

    /// As people read it.
    pub const fn word(self) -> &'static str {
        match self {
            DiffKind::New => "new",
            DiffKind::Gone => "gone",
            DiffKind::Renamed => "renamed",
            DiffKind::Moved => "moved",
            DiffKind::Gained => "got license",
            DiffKind::Lost => "lost license",
            DiffKind::Plans => "plans",
            DiffKind::Other => "other",
            DiffKind::SkuNew => "SKU new",
            DiffKind::SkuGone => "SKU gone",
            DiffKind::Units => "units",
            DiffKind::SkuOther => "SKU other",
        }
    }

    /// Whether it is about a product, not about a user.
    pub const fn is_of_skus(self) -> bool {
        match self {
            DiffKind::SkuNew | DiffKind::SkuGone | DiffKind::Units | DiffKind::SkuOther => true,
            DiffKind::New
            | DiffKind::Gone
            | DiffKind::Renamed
            | DiffKind::Moved
            | DiffKind::Gained
            | DiffKind::Lost
            | DiffKind::Plans
            | DiffKind::Other => false,
        }
    }

    /// Whether it moves a count or a cost: heads, places, licenses, units. Names and other fields move none.
    pub const fn counts(self) -> bool {
        match self {
            DiffKind::New
            | DiffKind::Gone
            | DiffKind::Moved
            | DiffKind::Gained
            | DiffKind::Lost
            | DiffKind::SkuNew
            | DiffKind::SkuGone
            | DiffKind::Units => true,
            DiffKind::Renamed | DiffKind::Plans | DiffKind::Other | DiffKind::SkuOther => false,
        }
    }
}

/// How many rows there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct DiffSums([u64; DiffKind::ALL.len()]);

impl DiffSums {
    /// Counts a row.
    pub fn add(&mut self, kind: DiffKind) {
        if let Some(sum) = self.0.get_mut(kind as usize) {
            *sum += 1;
        }
    }

    /// How many rows there are of a kind.
    pub fn of(&self, kind: DiffKind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or(0)
    }

    /// How many rows there are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds what another one counted.
    pub fn join(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }
}

/// How many users or products there were in each of two readings, and how many in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Compared {
    /// In the reading before.
    pub before: u64,
    /// In the reading now.
    pub now: u64,
    /// In both.
    pub both: u64,
}

impl Compared {
    /// How many were compared: each once, whichever reading has it.
    pub fn all(&self) -> u64 {
        (self.before + self.now).saturating_sub(self.both)
    }
}

/// Who or what differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum DiffId {
    /// A product.
    Sku(SkuId),
    /// A product whose row has no `skuId`: its part number.
    Part(Text),
    /// A user.
    User(UserId),
}

impl std::fmt::Display for DiffId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DiffId::Sku(id) => id.fmt(f),
            DiffId::Part(part) => part.fmt(f),
            DiffId::User(id) => id.fmt(f),
        }
    }
}

/// A field that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DiffField {
    /// One of a user.
    User(UserField),
    /// Service plans that are switched off for a user, of this product.
    Plans(Option<SkuId>),
    /// `prepaidUnits.enabled`
    Enabled,
    /// `prepaidUnits.warning`
    Warning,
    /// `prepaidUnits.suspended`
    Suspended,
    /// `prepaidUnits.lockedOut`
    LockedOut,
    /// `consumedUnits`
    Consumed,
    /// `capabilityStatus`
    Status,
    /// `appliesTo`
    AppliesTo,
    /// `skuPartNumber`
    PartNumber,
    /// `servicePlans`: which there are. How far each is provisioned is not compared.
    ServicePlans,
}

impl DiffField {
    /// Graph's name.
    pub fn name(self) -> Cow<'static, str> {
        match self {
            DiffField::User(UserField::Text(field)) => field.name().into(),
            DiffField::User(UserField::License) => "assignedLicenses".into(),
            DiffField::User(UserField::Manager) => "manager".into(),
            DiffField::User(UserField::Finding) => "finding".into(),
            DiffField::User(UserField::Extension(n)) => format!("extensionAttribute{n}").into(),
            DiffField::Plans(_) => "disabledPlans".into(),
            DiffField::Enabled => "enabled".into(),
            DiffField::Warning => "warning".into(),
            DiffField::Suspended => "suspended".into(),
            DiffField::LockedOut => "lockedOut".into(),
            DiffField::Consumed => "consumedUnits".into(),
            DiffField::Status => "capabilityStatus".into(),
            DiffField::AppliesTo => "appliesTo".into(),
            DiffField::PartNumber => "skuPartNumber".into(),
            DiffField::ServicePlans => "servicePlans".into(),
        }
    }
}

/// What a field held or holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DiffValue {
    /// A text as it came, cleaned.
    Text(Text),
    /// A product; the schema allows null for its id.
    Product(Option<SkuId>),
    /// Service plans, only those that differ, by id.
    Plans(Box<[PlanId]>),
    /// Units.
    Units(i64),
}

/// A field before and now; absent where it had or has no value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Changed {
    /// Which field.
    pub field: DiffField,
    /// What it held.
    pub was: Option<DiffValue>,
    /// What it holds.
    pub now: Option<DiffValue>,
}

impl Changed {
    /// The product that it is about, if it is about one of a user's.
    pub fn product(&self) -> Option<SkuId> {
        let value = |value: &Option<DiffValue>| match value {
            Some(DiffValue::Product(id)) => *id,
            Some(DiffValue::Text(_) | DiffValue::Plans(_) | DiffValue::Units(_)) | None => None,
        };
        if let DiffField::Plans(id) = self.field { id } else { value(&self.now).or_else(|| value(&self.was)) }
    }
}

/// A way in which a user or a product differs, with each field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DiffRow {
    /// Who or what.
    pub id: DiffId,
    /// In what way.
    pub kind: DiffKind,
    /// `displayName` or part number: as it is now, else as it was. Empty if there is none.
    pub name: Text,
    /// `userPrincipalName` of a user, likewise.
    pub upn: Option<Text>,
    /// The fields. Of a user who came or went: sign-in name, department and licenses.
    pub changes: Box<[Changed]>,
}

impl DiffRow {
    /// What finds the row in a list that is sorted.
    pub fn key(&self) -> (&DiffId, DiffKind) {
        (&self.id, self.kind)
    }
}

/// Which readings are compared: of users and of SKUs the one before and the one now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffLook {
    /// Users before and now.
    pub users: [Option<SnapshotId>; 2],
    /// SKUs before and now. One alone still gives products their names.
    pub skus: [Option<SnapshotId>; 2],
}

impl DiffLook {
    /// The readings of a tenant.
    pub fn of(tenant: &Tenant) -> Self {
        let pair = |set: &super::DataSet| [&set.before, &set.good].map(|good| good.as_ref().map(|good| good.snapshot));
        Self { users: pair(&tenant.users), skus: pair(&tenant.skus) }
    }

    /// Whether there is anything to compare.
    pub fn is_some(&self) -> bool {
        [self.users, self.skus].iter().any(|pair| pair.iter().all(Option::is_some))
    }
}

/// A difference as a console holds it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Difference {
    /// The users; absent if there were no two readings.
    pub users: Option<Compared>,
    /// The SKUs likewise.
    pub skus: Option<Compared>,
    /// All rows by kind, those too that are left out here.
    pub sums: DiffSums,
    /// The rows by id and kind, at most [`Difference::MOST`].
    pub rows: Vec<DiffRow>,
    /// Part numbers of products, by id.
    pub products: BTreeMap<SkuId, Text>,
    /// Names of service plans, by id.
    pub plans: BTreeMap<PlanId, Text>,
}

impl Difference {
    /// The most rows that are held.
    pub const MOST: usize = 200_000;

    /// The row of an id and a kind.
    pub fn row(&self, id: &DiffId, kind: DiffKind) -> Option<&DiffRow> {
        let at = self.rows.binary_search_by(|row| row.key().cmp(&(id, kind))).ok()?;
        self.rows.get(at)
    }

    /// All rows of an id.
    pub fn rows_of(&self, id: &DiffId) -> &[DiffRow] {
        let from = self.rows.partition_point(|row| row.id < *id);
        let to = self.rows.partition_point(|row| row.id <= *id);
        self.rows.get(from..to).unwrap_or_default()
    }
}

/// What two readings of SKUs differ in, and the names that they give.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SkuDifference {
    /// The rows by id and kind.
    pub rows: Vec<DiffRow>,
    /// How many were compared; absent unless both are there.
    pub compared: Option<Compared>,
    /// Part numbers of products, by id.
    pub products: BTreeMap<SkuId, Text>,
    /// Names of service plans, by id.
    pub plans: BTreeMap<PlanId, Text>,
}

/// The kind of a change of a text field.
const fn kind_of(field: TextField) -> DiffKind {
    match field {
        TextField::DisplayName
        | TextField::UserPrincipalName
        | TextField::Mail
        | TextField::GivenName
        | TextField::Surname => DiffKind::Renamed,
        TextField::Department | TextField::CompanyName | TextField::OfficeLocation => DiffKind::Moved,
        TextField::JobTitle
        | TextField::State
        | TextField::PostalCode
        | TextField::StreetAddress
        | TextField::City
        | TextField::PreferredLanguage
        | TextField::UsageLocation
        | TextField::Country
        | TextField::UserType => DiffKind::Other,
    }
}

/// What a user holds: each product once, with the service plans of it that are off.
fn held(licenses: &[AssignedLicense]) -> BTreeMap<Option<SkuId>, BTreeSet<PlanId>> {
    let mut held: BTreeMap<Option<SkuId>, BTreeSet<PlanId>> = BTreeMap::new();
    for license in licenses {
        held.entry(license.sku_id).or_default().extend(license.disabled_plans.iter().copied());
    }
    held
}

/// A text with something in it.
fn told(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn text_value(text: Option<&str>) -> Option<DiffValue> {
    told(text).map(|text| DiffValue::Text(text.into()))
}

/// The rows of a user: in the reading before, now, or both. None if nothing differs.
pub fn user_rows(before: Option<&User>, now: Option<&User>) -> Vec<DiffRow> {
    let Some(of) = now.or(before) else { return Vec::new() };
    let row = |kind, changes: Vec<Changed>| DiffRow {
        id: DiffId::User(of.id),
        kind,
        name: of.text(TextField::DisplayName).or(of.text(TextField::UserPrincipalName)).unwrap_or_default().into(),
        upn: told(of.text(TextField::UserPrincipalName)).map(Text::from),
        changes: changes.into(),
    };
    match (before, now) {
        (Some(before), Some(now)) => {
            let mut kinds: BTreeMap<DiffKind, Vec<Changed>> = BTreeMap::new();
            let mut note = |kind, changed| kinds.entry(kind).or_default().push(changed);
            compare_fields(before, now, &mut note);
            compare_licenses(before.licenses.as_deref(), now.licenses.as_deref(), &mut note);
            kinds.into_iter().map(|(kind, changes)| row(kind, changes)).collect()
        }
        (None, Some(now)) => {
            let changes = portrait(now).into_iter().map(|(field, now)| Changed { field, was: None, now: Some(now) });
            vec![row(DiffKind::New, changes.collect())]
        }
        (Some(before), None) => {
            let changes = portrait(before).into_iter().map(|(field, was)| Changed { field, was: Some(was), now: None });
            vec![row(DiffKind::Gone, changes.collect())]
        }
        (None, None) => Vec::new(),
    }
}

/// What is told of a user who came or went.
fn portrait(user: &User) -> Vec<(DiffField, DiffValue)> {
    let texts = [TextField::UserPrincipalName, TextField::Department].into_iter();
    let texts =
        texts.filter_map(|field| Some((DiffField::User(UserField::Text(field)), text_value(user.text(field))?)));
    let licenses = held(user.licenses.as_deref().unwrap_or_default());
    let licenses = licenses.into_keys().map(|id| (DiffField::User(UserField::License), DiffValue::Product(id)));
    texts.chain(licenses).collect()
}

fn compare_fields(before: &User, now: &User, note: &mut impl FnMut(DiffKind, Changed)) {
    for field in TextField::ALL {
        let (a, b) = (told(before.text(field)), told(now.text(field)));
        if a != b {
            let field_of = DiffField::User(UserField::Text(field));
            note(kind_of(field), Changed { field: field_of, was: text_value(a), now: text_value(b) });
        }
    }
    if let Some((was, now)) = managers(before.manager.as_ref(), now.manager.as_ref()) {
        note(DiffKind::Moved, Changed { field: DiffField::User(UserField::Manager), was, now });
    }
    for n in 1..=15 {
        let value = |user: &User| {
            let values = user.extension.as_ref()?;
            let text = values.get(usize::from(n) - 1)?.as_deref();
            told(text).map(Text::from)
        };
        let (a, b) = (value(before), value(now));
        if a != b {
            let field = DiffField::User(UserField::Extension(n));
            let (was, now) = (a.map(DiffValue::Text), b.map(DiffValue::Text));
            note(DiffKind::Other, Changed { field, was, now });
        }
    }
}

/// Two managers as they are told, if they are not the same one.
fn managers(before: Option<&Manager>, now: Option<&Manager>) -> Option<(Option<DiffValue>, Option<DiffValue>)> {
    let name = |manager: &Manager| manager.display_name.clone().filter(|name| !name.is_empty());
    let upn = |manager: &Manager| manager.user_principal_name.clone().filter(|upn| !upn.is_empty());
    let same = |a: &Manager, b: &Manager| match (a.id, b.id) {
        (None, None) => (name(a), upn(a)) == (name(b), upn(b)),
        (a, b) => a == b,
    };
    let id = |manager: &Manager| manager.id.map_or_else(|| "(no name)".into(), |id| Text::from(id.to_string()));
    let short = |manager: &Manager| name(manager).or_else(|| upn(manager)).unwrap_or_else(|| id(manager));
    let long = |manager: &Manager| upn(manager).unwrap_or_else(|| id(manager));
    let value = |text| Some(DiffValue::Text(text));
    match (before, now) {
        (None, None) => None,
        (Some(a), Some(b)) if same(a, b) => None,
        (Some(a), Some(b)) if short(a) == short(b) && long(a) != long(b) => Some((value(long(a)), value(long(b)))),
        (Some(a), Some(b)) if short(a) == short(b) => Some((value(id(a)), value(id(b)))),
        (a, b) => Some((a.and_then(|a| value(short(a))), b.and_then(|b| value(short(b))))),
    }
}

fn compare_licenses(
    before: Option<&[AssignedLicense]>,
    now: Option<&[AssignedLicense]>,
    note: &mut impl FnMut(DiffKind, Changed),
) {
    let known = before.is_some() && now.is_some();
    let (before, now) = (held(before.unwrap_or_default()), held(now.unwrap_or_default()));
    let field = DiffField::User(UserField::License);
    for id in before.keys().filter(|id| !now.contains_key(id)) {
        let kind = if known { DiffKind::Lost } else { DiffKind::Other };
        note(kind, Changed { field, was: Some(DiffValue::Product(*id)), now: None });
    }
    for (id, on) in &now {
        let Some(was) = before.get(id) else {
            let kind = if known { DiffKind::Gained } else { DiffKind::Other };
            note(kind, Changed { field, was: None, now: Some(DiffValue::Product(*id)) });
            continue;
        };
        if was != on {
            let (was, now) = only(was, on);
            note(DiffKind::Plans, Changed { field: DiffField::Plans(*id), was, now });
        }
    }
}

/// The plans that only one of two sets has.
fn only(before: &BTreeSet<PlanId>, now: &BTreeSet<PlanId>) -> (Option<DiffValue>, Option<DiffValue>) {
    let value = |plans: Vec<PlanId>| (!plans.is_empty()).then(|| DiffValue::Plans(plans.into()));
    (value(before.difference(now).copied().collect()), value(now.difference(before).copied().collect()))
}

/// A product as it is compared: rows of one `skuId` are summed, as an account may have several.
#[derive(Default)]
struct Product {
    part: Option<Text>,
    applies_to: Option<Text>,
    status: Option<Text>,
    units: [Option<i64>; UNITS.len()],
    plans: BTreeSet<PlanId>,
}

const UNITS: [DiffField; 5] =
    [DiffField::Enabled, DiffField::Warning, DiffField::Suspended, DiffField::LockedOut, DiffField::Consumed];

fn units(sku: &Sku) -> [Option<i64>; UNITS.len()] {
    let prepaid = sku.prepaid.unwrap_or_default();
    [prepaid.enabled, prepaid.warning, prepaid.suspended, prepaid.locked_out, sku.consumed]
}

fn products(rows: &[Sku]) -> BTreeMap<DiffId, Product> {
    // Rows of one product say the same in any order.
    let mut sorted: Vec<&Sku> = rows.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let mut products: BTreeMap<DiffId, Product> = BTreeMap::new();
    for sku in sorted {
        let id = match sku.sku_id {
            Some(id) => DiffId::Sku(id),
            None => DiffId::Part(sku.part_number.clone().unwrap_or_default()),
        };
        let plans = sku.service_plans.iter().filter_map(|plan| plan.id);
        if let Some(product) = products.get_mut(&id) {
            for (sum, more) in product.units.iter_mut().zip(units(sku)) {
                *sum = sum.and_then(|sum| Some(sum.saturating_add(more?)));
            }
            product.plans.extend(plans);
        } else {
            let product = Product {
                part: sku.part_number.clone(),
                applies_to: sku.applies_to.clone(),
                status: sku.status.clone(),
                units: units(sku),
                plans: plans.collect(),
            };
            products.insert(id, product);
        }
    }
    products
}

/// What two readings of SKUs differ in. One alone gives names and no rows.
pub fn compare_skus(before: Option<&[Sku]>, now: Option<&[Sku]>) -> SkuDifference {
    let mut found = SkuDifference::default();
    // Names of now come last: they stay.
    for sku in before.into_iter().chain(now).flatten() {
        found.products.extend(sku.sku_id.zip(sku.part_number.clone()));
        found.plans.extend(sku.service_plans.iter().filter_map(|plan| Some((plan.id?, plan.name.clone()?))));
    }
    let (Some(before), Some(now)) = (before, now) else { return found };
    let (before, now) = (products(before), products(now));
    let both = now.keys().filter(|id| before.contains_key(id)).count() as u64;
    found.compared = Some(Compared { before: before.len() as u64, now: now.len() as u64, both });
    let ids: BTreeSet<&DiffId> = before.keys().chain(now.keys()).collect();
    found.rows = ids.into_iter().flat_map(|id| sku_rows(id, before.get(id), now.get(id))).collect();
    found
}

fn sku_rows(id: &DiffId, before: Option<&Product>, now: Option<&Product>) -> Vec<DiffRow> {
    let part = now.and_then(|now| now.part.clone()).or_else(|| before.and_then(|before| before.part.clone()));
    let row = |kind, changes: Vec<Changed>| DiffRow {
        id: id.clone(),
        kind,
        name: part.clone().unwrap_or_default(),
        upn: None,
        changes: changes.into(),
    };
    let unit = |of: Option<&Product>, n: usize| of.and_then(|of| of.units.get(n).copied().flatten());
    let counts = || {
        let pairs = UNITS.iter().enumerate().map(|(n, field)| (*field, unit(before, n), unit(now, n)));
        let units = |units: Option<i64>| units.map(DiffValue::Units);
        pairs.filter(|(_, was, now)| was != now).map(move |(field, was, now)| (field, units(was), units(now)))
    };
    let changed = |(field, was, now)| Changed { field, was, now };
    // Of a product that came or went, no units in grace, suspended or locked out are no news.
    let says = |changed: &Changed| {
        let zero = [&changed.was, &changed.now].into_iter().flatten().all(|value| *value == DiffValue::Units(0));
        matches!(changed.field, DiffField::Enabled | DiffField::Consumed) || !zero
    };
    match (before, now) {
        (None, None) => Vec::new(),
        (None, Some(_)) => vec![row(DiffKind::SkuNew, counts().map(changed).filter(says).collect())],
        (Some(_), None) => vec![row(DiffKind::SkuGone, counts().map(changed).filter(says).collect())],
        (Some(before), Some(now)) => {
            let units: Vec<Changed> = counts().map(changed).collect();
            let mut others = Vec::new();
            for (field, was, now) in [
                (DiffField::Status, &before.status, &now.status),
                (DiffField::AppliesTo, &before.applies_to, &now.applies_to),
                (DiffField::PartNumber, &before.part, &now.part),
            ] {
                let (was, now) = (told(was.as_deref()), told(now.as_deref()));
                if was != now {
                    others.push(Changed { field, was: text_value(was), now: text_value(now) });
                }
            }
            if before.plans != now.plans {
                let (was, now) = only(&before.plans, &now.plans);
                others.push(Changed { field: DiffField::ServicePlans, was, now });
            }
            let rows = [(DiffKind::Units, units), (DiffKind::SkuOther, others)];
            rows.into_iter().filter(|(_, changes)| !changes.is_empty()).map(|(kind, all)| row(kind, all)).collect()
        }
    }
}

#[cfg(test)]
mod tests;
