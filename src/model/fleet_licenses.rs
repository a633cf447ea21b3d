//! License counts over many tenants: sums for each product, and whose data they lack.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Catalog, Filterable, Fleet, Key, Packed, PartnerName, SkuCount, SkuId, State, Tenant, Term, Text};

/// What products of many tenants are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProductKey {
    /// `skuId`
    Sku(SkuId),
    /// The part number of a row whose `skuId` is null; empty if that is too.
    Part(Text),
}

impl ProductKey {
    /// The `skuId`, if it has one.
    pub fn sku_id(&self) -> Option<SkuId> {
        match self {
            ProductKey::Sku(id) => Some(*id),
            ProductKey::Part(_) => None,
        }
    }
}

/// What a tenant has of a product. A number that the tenant's data do not tell is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Which product.
    pub product: ProductKey,
    /// `skuPartNumber`
    pub part_number: Option<Text>,
    /// Whether the tenant's SKUs list it; users may hold one that they no longer list.
    pub listed: bool,
    /// Whether it is for the company as a whole.
    pub company: bool,
    /// Enabled and in grace.
    pub purchased: Option<i64>,
    /// `consumedUnits`
    pub assigned: Option<i64>,
    /// Suspended units.
    pub suspended: Option<i64>,
    /// Units locked out.
    pub locked_out: Option<i64>,
    /// Our own count of its holders.
    pub held: Option<u64>,
}

impl Share {
    fn of(row: SkuCount) -> Self {
        let product =
            row.sku_id.map_or_else(|| ProductKey::Part(row.part_number.clone().unwrap_or_default()), ProductKey::Sku);
        Self {
            listed: true,
            company: row.is_company(),
            purchased: row.purchased(),
            assigned: row.consumed,
            suspended: row.prepaid.suspended,
            locked_out: row.prepaid.locked_out,
            held: None,
            product,
            part_number: row.part_number,
        }
    }

    fn held_only(id: SkuId, held: u64) -> Self {
        Self {
            product: ProductKey::Sku(id),
            part_number: None,
            listed: false,
            company: false,
            purchased: None,
            assigned: None,
            suspended: None,
            locked_out: None,
            held: Some(held),
        }
    }

    /// Two rows of one product are one share.
    fn join(&mut self, other: Self) {
        let add = |a: Option<i64>, b: Option<i64>| Some(a?.saturating_add(b?));
        self.company &= other.company;
        self.purchased = add(self.purchased, other.purchased);
        self.assigned = add(self.assigned, other.assigned);
        self.suspended = add(self.suspended, other.suspended);
        self.locked_out = add(self.locked_out, other.locked_out);
        self.part_number = self.part_number.take().or(other.part_number);
    }

    /// Purchased less assigned; below zero where more is assigned than purchased.
    pub fn unassigned(&self) -> Option<i64> {
        Some(self.purchased?.saturating_sub(self.assigned?))
    }

    /// What of it is unassigned, or why that is not known.
    pub fn spare(&self) -> Spare {
        match self.unassigned() {
            Some(n) => Spare::Known(n),
            None if self.listed => Spare::Untold,
            None => Spare::Unlisted,
        }
    }
}

/// What is unassigned of a product in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spare {
    /// So many; below zero where more is assigned than purchased.
    Known(i64),
    /// Graph left a number out.
    Untold,
    /// Users hold it and the tenant's SKUs do not list it.
    Unlisted,
}

/// The shares of a tenant, each product once, in the order of the keys. `held` is absent where users were never read.
fn shares_of(skus: &Packed<SkuCount>, held: Option<&Packed<(SkuId, u64)>>) -> Vec<Share> {
    let mut rows: Vec<Share> = skus.to_vec().into_iter().map(Share::of).collect();
    rows.sort_by(|a, b| a.product.cmp(&b.product));
    let mut shares: Vec<Share> = Vec::with_capacity(rows.len());
    for row in rows {
        match shares.last_mut() {
            Some(last) if last.product == row.product => last.join(row),
            Some(_) | None => shares.push(row),
        }
    }
    let Some(held) = held else { return shares };
    let holders = held.to_vec();
    for share in &mut shares {
        let ProductKey::Sku(id) = share.product else { continue };
        let n = holders.binary_search_by_key(&id, |(sku, _)| *sku).ok().and_then(|at| holders.get(at));
        share.held = Some(n.map_or(0, |(_, n)| *n)).filter(|n| !share.company || *n > 0);
    }
    let listed = shares.len();
    for (id, n) in holders {
        let product = ProductKey::Sku(id);
        let known =
            shares.get(..listed).is_some_and(|rows| rows.binary_search_by(|row| row.product.cmp(&product)).is_ok());
        if !known {
            shares.push(Share::held_only(id, n));
        }
    }
    shares
}

/// What a listed tenant with SKUs has of each product, from its last good data.
pub fn shares(tenant: &Tenant) -> Vec<Share> {
    Data::of(tenant).map(|data| data.shares()).unwrap_or_default()
}

/// Whether a tenant is in sums at all: a list holds it and its SKUs were read once.
fn is_counted(tenant: &Tenant) -> bool {
    tenant.gone_at.is_none() && tenant.skus.good.is_some()
}

/// A sum over those tenants that tell the number. Exact whatever they tell: so what was added can be taken off again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sum {
    total: i128,
    of: u64,
}

impl Sum {
    fn add(&mut self, n: Option<i64>) {
        if let Some(n) = n {
            self.total += i128::from(n);
            self.of += 1;
        }
    }

    fn take(&mut self, n: Option<i64>) {
        if let Some(n) = n {
            self.total -= i128::from(n);
            self.of -= 1;
        }
    }

    fn join(&mut self, other: Self) {
        self.total += other.total;
        self.of += other.of;
    }

    /// The sum, held within 64 bits; absent where nobody tells the number.
    fn get(self) -> Option<i64> {
        let nearest = if self.total < 0 { i64::MIN } else { i64::MAX };
        (self.of > 0).then(|| i64::try_from(self.total).unwrap_or(nearest))
    }
}

/// The numbers of a product over the tenants of a partner.
#[derive(Debug, Clone, Default)]
struct Numbers {
    parts: BTreeMap<Text, u64>,
    unlisted: u64,
    company: u64,
    purchased: Sum,
    assigned: Sum,
    spare: Sum,
    spare_in: u64,
    over: Sum,
    over_in: u64,
    suspended: Sum,
    locked_out: Sum,
    held: Sum,
}

/// A product over the tenants of a partner.
#[derive(Debug, Default)]
struct Sums {
    numbers: Numbers,
    /// The tenants that have it, by their places.
    tenants: Vec<(u32, Spare)>,
}

/// What of unassigned units is spare, and what is over.
fn split(unassigned: Option<i64>) -> (Option<i64>, Option<i64>) {
    (unassigned.map(|n| n.max(0)), unassigned.map(|n| n.min(0).saturating_neg()))
}

impl Numbers {
    fn add(&mut self, share: &Share) {
        if let Some(part) = &share.part_number {
            *self.parts.entry(part.clone()).or_default() += 1;
        }
        let (idle, lacking) = split(share.unassigned());
        self.unlisted += u64::from(!share.listed);
        self.company += u64::from(share.company);
        self.spare_in += u64::from(idle.is_some_and(|n| n > 0));
        self.over_in += u64::from(lacking.is_some_and(|n| n > 0));
        for (sum, n) in self.each(share) {
            sum.add(n);
        }
    }

    fn take(&mut self, share: &Share) {
        if let Some(part) = &share.part_number
            && let Some(n) = self.parts.get_mut(part)
        {
            *n -= 1;
            if *n == 0 {
                self.parts.remove(part);
            }
        }
        let (idle, lacking) = split(share.unassigned());
        self.unlisted -= u64::from(!share.listed);
        self.company -= u64::from(share.company);
        self.spare_in -= u64::from(idle.is_some_and(|n| n > 0));
        self.over_in -= u64::from(lacking.is_some_and(|n| n > 0));
        for (sum, n) in self.each(share) {
            sum.take(n);
        }
    }

    fn each(&mut self, share: &Share) -> [(&mut Sum, Option<i64>); 7] {
        let (idle, lacking) = split(share.unassigned());
        let held = share.held.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        [
            (&mut self.purchased, share.purchased),
            (&mut self.assigned, share.assigned),
            (&mut self.spare, idle),
            (&mut self.over, lacking),
            (&mut self.suspended, share.suspended),
            (&mut self.locked_out, share.locked_out),
            (&mut self.held, held),
        ]
    }

    fn join(&mut self, other: &Self) {
        for (part, n) in &other.parts {
            *self.parts.entry(part.clone()).or_default() += n;
        }
        self.unlisted += other.unlisted;
        self.company += other.company;
        self.spare_in += other.spare_in;
        self.over_in += other.over_in;
        self.purchased.join(other.purchased);
        self.assigned.join(other.assigned);
        self.spare.join(other.spare);
        self.over.join(other.over);
        self.suspended.join(other.suspended);
        self.locked_out.join(other.locked_out);
        self.held.join(other.held);
    }
}

impl Sums {
    fn add(&mut self, place: u32, share: &Share) {
        self.numbers.add(share);
        let at = match self.tenants.last() {
            Some((last, _)) if *last >= place => self.tenants.partition_point(|(other, _)| *other < place),
            Some(_) | None => self.tenants.len(),
        };
        self.tenants.insert(at, (place, share.spare()));
    }

    fn take(&mut self, place: u32, share: &Share) {
        self.numbers.take(share);
        if let Ok(at) = self.tenants.binary_search_by_key(&place, |(place, _)| *place) {
            self.tenants.remove(at);
        }
    }
}

/// A product over all tenants that have it. Each sum is of those that tell the number, and absent where none does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Which one.
    pub key: ProductKey,
    /// The part number that most tenants list it by; where none does, that of the catalog.
    pub part_number: Option<Text>,
    /// What it is called.
    pub name: String,
    /// Whether anybody gets it for nothing.
    pub free: bool,
    /// Whether all who list it have it for the company as a whole.
    pub company: bool,
    /// How many tenants have it: their SKUs list it, or users of theirs hold it.
    pub customers: u64,
    /// How many of them tell purchased and assigned units, the one or the other not.
    pub unknown: u64,
    /// How many of them have holders of it and do not list it.
    pub unlisted: u64,
    /// Units that can be used: enabled and in grace.
    pub purchased: Option<i64>,
    /// `consumedUnits`
    pub assigned: Option<i64>,
    /// Spare units of the tenants that have some.
    pub unassigned: Option<i64>,
    /// How many tenants that are.
    pub spare_in: u64,
    /// By how much more is assigned than purchased, in the tenants where it is.
    pub over: Option<i64>,
    /// How many tenants that are.
    pub over_in: u64,
    /// Suspended units.
    pub suspended: Option<i64>,
    /// Units locked out.
    pub locked_out: Option<i64>,
    /// Holders, by our own count.
    pub held: Option<i64>,
}

impl Product {
    fn of(key: &ProductKey, customers: u64, sums: &Numbers, catalog: &Catalog) -> Self {
        let most = sums.parts.iter().rev().max_by_key(|(_, n)| **n).map(|(part, _)| part.clone());
        let listed = customers - sums.unlisted;
        let part_number = match key {
            ProductKey::Part(part) => Some(part.clone()).filter(|part| !part.is_empty()),
            ProductKey::Sku(id) => most.or_else(|| catalog.part(*id).map(Text::from)),
        };
        Self {
            name: catalog.name(key.sku_id(), part_number.as_deref()).into_owned(),
            part_number,
            free: key.sku_id().is_some_and(Catalog::is_free),
            company: listed > 0 && sums.company == listed,
            customers,
            unknown: listed.saturating_sub(sums.spare.of),
            unlisted: sums.unlisted,
            purchased: sums.purchased.get(),
            assigned: sums.assigned.get(),
            unassigned: sums.spare.get(),
            spare_in: sums.spare_in,
            over: sums.over.get(),
            over_in: sums.over_in,
            suspended: sums.suspended.get(),
            locked_out: sums.locked_out.get(),
            held: sums.held.get(),
            key: key.clone(),
        }
    }

    /// Units that somebody pays for and nobody has: none of what is free, and none of what no user can have.
    pub fn waste(&self) -> i64 {
        if self.free || self.company { 0 } else { self.unassigned.unwrap_or(0) }
    }

    /// What kind of product it is, in a word.
    pub const fn kind(&self) -> &'static str {
        match (self.free, self.company) {
            (true, _) => "free",
            (false, true) => "company",
            (false, false) => "paid",
        }
    }
}

impl Filterable for Product {
    const FIELDS: &'static [&'static str] = &["product", "part", "id", "kind", "over", "partner"];

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let part = self.part_number.as_deref().unwrap_or_default();
        let id = self.key.sku_id().map_or_else(String::new, |id| id.to_string());
        [self.name.as_str().into(), part.into(), id.into()].into_iter()
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "product" => Some(self.name.as_str().into()),
            "part" => self.part_number.as_deref().map(Into::into),
            "id" => self.key.sku_id().map(|id| id.to_string().into()),
            "kind" => Some(self.kind().into()),
            "over" => self.over.filter(|n| *n > 0).map(|n| n.to_string().into()),
            _ => None,
        }
    }

    /// A partner is asked of the tenants that are summed up, not of the product: here it lets every row through.
    fn is_hit(&self, field: &str, term: &Term) -> bool {
        if field == "partner" { !term.not } else { term.hits(self.field(field).as_deref()) }
    }
}

/// What is summed up of a tenant.
#[derive(Debug)]
struct Counted {
    place: u32,
    round: u64,
    data: Option<Data>,
}

/// The data of a tenant as they were summed up. They are shared with the fleet, and unpacked again to be taken off.
#[derive(Debug, Clone, PartialEq)]
struct Data {
    skus: Packed<SkuCount>,
    held: Option<Packed<(SkuId, u64)>>,
}

impl Data {
    fn of(tenant: &Tenant) -> Option<Self> {
        is_counted(tenant).then(|| Self {
            skus: tenant.sku_counts.clone(),
            held: tenant.users.good.is_some().then(|| tenant.held.clone()),
        })
    }

    fn is_of(&self, tenant: &Tenant) -> bool {
        self.skus == tenant.sku_counts
            && match &self.held {
                Some(held) => tenant.users.good.is_some() && *held == tenant.held,
                None => tenant.users.good.is_none(),
            }
    }

    fn shares(&self) -> Vec<Share> {
        shares_of(&self.skus, self.held.as_ref())
    }
}

/// Sums over tenants for each product, kept current by the tenants that changed.
#[derive(Debug, Default)]
pub struct FleetLicenses {
    round: u64,
    counted: BTreeMap<Key, Counted>,
    /// The tenants by their places. A tenant keeps its place when it leaves.
    places: Vec<Key>,
    sums: BTreeMap<PartnerName, BTreeMap<ProductKey, Sums>>,
}

impl FleetLicenses {
    /// Sums up these tenants; those that were summed up before and are not among them leave. Only tenants whose data are
    /// not those of the last time are unpacked. Returns whether a number changed.
    pub fn update<'a>(&mut self, tenants: impl IntoIterator<Item = &'a Tenant>) -> bool {
        self.round += 1;
        let round = self.round;
        let mut changed = false;
        for tenant in tenants {
            let before = self.counted.get_mut(&tenant.key).map(|counted| {
                counted.round = round;
                counted.data.as_ref()
            });
            let same = match before {
                Some(Some(data)) => is_counted(tenant) && data.is_of(tenant),
                Some(None) | None => !is_counted(tenant),
            };
            if !same {
                self.renew(&tenant.key, Data::of(tenant));
                changed = true;
            }
        }
        let left = |(_, counted): &(&Key, &Counted)| counted.round != round && counted.data.is_some();
        let left: Vec<Key> = self.counted.iter().filter(left).map(|(key, _)| key.clone()).collect();
        for key in &left {
            self.renew(key, None);
        }
        changed || !left.is_empty()
    }

    /// Takes off what was summed up of a tenant and adds what it has now.
    fn renew(&mut self, key: &Key, data: Option<Data>) {
        let (places, round) = (&mut self.places, self.round);
        let counted = self.counted.entry(key.clone()).or_insert_with(|| {
            places.push(key.clone());
            Counted { place: u32::try_from(places.len() - 1).unwrap_or(u32::MAX), round, data: None }
        });
        let place = counted.place;
        let before = std::mem::replace(&mut counted.data, data);
        let sums = self.sums.entry(key.partner.clone()).or_default();
        for share in before.iter().flat_map(Data::shares) {
            if let Some(of) = sums.get_mut(&share.product) {
                of.take(place, &share);
                if of.tenants.is_empty() {
                    sums.remove(&share.product);
                }
            }
        }
        for share in counted.data.iter().flat_map(Data::shares) {
            if let Some(of) = sums.get_mut(&share.product) {
                of.add(place, &share);
            } else {
                sums.entry(share.product.clone()).or_default().add(place, &share);
            }
        }
    }

    /// Every product of these partners, the biggest waste first.
    pub fn products(&self, catalog: &Catalog, partners: impl Fn(&PartnerName) -> bool) -> Vec<Product> {
        let mut all: BTreeMap<&ProductKey, (u64, Cow<'_, Numbers>)> = BTreeMap::new();
        for (_, sums) in self.sums.iter().filter(|(partner, _)| partners(partner)) {
            for (key, of) in sums {
                let customers = of.tenants.len() as u64;
                match all.get_mut(key) {
                    None => {
                        all.insert(key, (customers, Cow::Borrowed(&of.numbers)));
                    }
                    Some((n, sum)) => {
                        *n += customers;
                        sum.to_mut().join(&of.numbers);
                    }
                }
            }
        }
        let products = all.into_iter().map(|(key, (customers, sums))| Product::of(key, customers, &sums, catalog));
        let mut products: Vec<Product> = products.collect();
        products.sort_by_cached_key(|product| (product.name.to_lowercase(), product.key.clone()));
        // They are by name already: the sort is stable.
        products.sort_by_key(|product| {
            let over = if product.free || product.company { 0 } else { product.over.unwrap_or(0) };
            std::cmp::Reverse((product.waste(), over))
        });
        products
    }

    /// The tenants of these partners that have a product, and what each has unassigned; in no order.
    pub fn tenants<'a>(
        &'a self,
        product: &'a ProductKey,
        partners: impl Fn(&PartnerName) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a Key, Spare)> {
        let sums = self.sums.iter().filter(move |(partner, _)| partners(partner));
        let of = sums.filter_map(|(_, sums)| sums.get(product)).flat_map(|of| &of.tenants);
        of.filter_map(|(place, spare)| Some((self.places.get(*place as usize)?, *spare)))
    }
}

/// What each tenant has of one product, kept current by the tenants that changed.
#[derive(Debug)]
pub struct ProductShares {
    product: ProductKey,
    round: u64,
    known: BTreeMap<Key, Known>,
}

/// What is known of a product in a tenant, and from which data.
#[derive(Debug)]
struct Known {
    round: u64,
    data: Data,
    share: Option<Share>,
}

impl ProductShares {
    /// Of a product; nothing yet.
    pub fn new(product: ProductKey) -> Self {
        Self { product, round: 0, known: BTreeMap::new() }
    }

    /// Looks at these tenants; what was known of others is forgotten.
    pub fn update<'a>(&mut self, tenants: impl IntoIterator<Item = &'a Tenant>) {
        self.round += 1;
        let round = self.round;
        for tenant in tenants {
            let Some(data) = Data::of(tenant) else { continue };
            match self.known.get_mut(&tenant.key) {
                Some(known) if known.data == data => known.round = round,
                Some(_) | None => {
                    let share = data.shares().into_iter().find(|share| share.product == self.product);
                    self.known.insert(tenant.key.clone(), Known { round, data, share });
                }
            }
        }
        self.known.retain(|_, known| known.round == round);
    }

    /// The tenants that have it, each with what it has, in the order of their keys.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &Share)> {
        self.known.iter().filter_map(|(key, known)| Some((key, known.share.as_ref()?)))
    }

    /// What a tenant has of it.
    pub fn get(&self, tenant: &Key) -> Option<&Share> {
        self.known.get(tenant)?.share.as_ref()
    }
}

/// How the data of a listed tenant stand in sums over tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// They are counted and within the age limit.
    Good,
    /// They are counted, though the last import was refused or held aside, or they are older than the limit.
    Old,
    /// Its SKUs were never read: it is in no sum.
    Missing,
}

impl Reading {
    /// The word that filters know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Reading::Good => "good",
            Reading::Old => "not-renewed",
            Reading::Missing => "not-read",
        }
    }
}

impl Fleet {
    /// How the data of a tenant stand at a time; absent if no list holds the tenant.
    pub fn reading(&self, tenant: &Tenant, now: Timestamp) -> Option<Reading> {
        if tenant.gone_at.is_some() {
            return None;
        }
        if tenant.skus.good.is_none() {
            return Some(Reading::Missing);
        }
        let good = [&tenant.users.good, &tenant.skus.good].into_iter().flatten();
        let aged = good.map(|good| now.as_second().saturating_sub(good.at.as_second())).max();
        let is_old = aged.is_some_and(|age| age > self.stale_after_s)
            || tenant.failing().is_some()
            || tenant.held_back.is_some();
        Some(if is_old { Reading::Old } else { Reading::Good })
    }
}

/// A tenant whose data sums lack, or have from an older time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Which tenant.
    pub key: Key,
    /// Its name.
    pub title: Text,
    /// How it stands.
    pub state: State,
    /// Time of its last good SKUs; absent if they were never read.
    pub at: Option<Timestamp>,
}

/// Whose data sums over tenants have. Tenants that no list holds are not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// How many tenants the lists hold.
    pub listed: u64,
    /// Those whose SKUs were never read, by name.
    pub missing: Vec<Gap>,
    /// Those whose data are old, the oldest first.
    pub old: Vec<Gap>,
    /// When the next of those that are good turns old.
    pub turns_at: Option<Timestamp>,
}

impl Coverage {
    /// Looks at these tenants of a fleet.
    pub fn of<'a>(fleet: &Fleet, tenants: impl IntoIterator<Item = &'a Tenant>, now: Timestamp) -> Self {
        let mut of = Self::default();
        let mut first: Option<Timestamp> = None;
        for tenant in tenants {
            let Some(reading) = fleet.reading(tenant, now) else { continue };
            of.listed += 1;
            let gap = || Gap {
                key: tenant.key.clone(),
                title: tenant.title().into(),
                state: fleet.state(tenant, now),
                at: tenant.skus.good.as_ref().map(|good| good.at),
            };
            match reading {
                Reading::Good => {
                    let at = [&tenant.users.good, &tenant.skus.good].into_iter().flatten().map(|good| good.at).min();
                    first = [first, at].into_iter().flatten().min();
                }
                Reading::Old => of.old.push(gap()),
                Reading::Missing => of.missing.push(gap()),
            }
        }
        of.missing.sort_by_cached_key(|gap| (gap.title.to_lowercase(), gap.key.clone()));
        of.old.sort_by(|a, b| (a.at, &a.title, &a.key).cmp(&(b.at, &b.title, &b.key)));
        let limit = jiff::SignedDuration::from_secs(fleet.stale_after_s.saturating_add(1));
        of.turns_at = first.and_then(|at| at.checked_add(limit).ok());
        of
    }

    /// How many tenants sums have data of.
    pub fn counted(&self) -> u64 {
        self.listed - self.missing.len() as u64
    }
}

#[cfg(test)]
mod tests;
