//! License counts over the years: a record for each tenant and month, in tens of bytes. A reading rewrites the record
//! of its month alone, so that it costs the same after seven years as on the first day.

mod month;

use std::collections::BTreeMap;

use jiff::civil::Date;
use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::records::key_text;
use super::{File, StoreError};
use crate::model::{Key, LicenseDay, LicenseHistory, LicenseReading, SkuId, Units};
use month::{ASSIGNED, HELD, Month, PURCHASED, SOLD, Source, Told};

/// (month, tenant) to the counts of that month. The months come first: what a night writes lies together, and so does
/// what is dropped. Months are counted from the year 0.
pub(super) const HISTORY: TableDefinition<'_, (u32, &str), &[u8]> = TableDefinition::new("license_months");
/// `skuId` to the number that months know a product by, from 1.
pub(super) const PRODUCTS: TableDefinition<'_, u128, u32> = TableDefinition::new("license_products");

/// The number of a day's month, and the day in it, from 0.
fn place(day: Date) -> (u32, usize) {
    let month = i32::from(day.year()) * 12 + i32::from(day.month()) - 1;
    (u32::try_from(month).unwrap_or(0), usize::try_from(day.day() - 1).unwrap_or(0))
}

/// The day of a month, from 0; absent where the calendar has none.
fn date(month: u32, day: usize) -> Option<Date> {
    let (year, month) = (i16::try_from(month / 12).ok()?, i8::try_from(month % 12 + 1).ok()?);
    Date::new(year, month, i8::try_from(day + 1).ok()?).ok()
}

/// Keeps what a reading says. A month that cannot be read, which a newer program wrote or a disk damaged, is left as it
/// is: no import fails for it.
pub(super) fn put(
    file: &File,
    transaction: &WriteTransaction,
    tenant: &Key,
    reading: &LicenseReading,
) -> Result<(), StoreError> {
    let (number, day) = place(reading.day);
    let key = key_text(tenant);
    let mut months = transaction.open_table(HISTORY).map_err(|error| file.io(error))?;
    let known = months.get((number, key.as_str())).map_err(|error| file.io(error))?;
    let mut month = match known.map(|bytes| Month::from_bytes(bytes.value())) {
        None => Month::default(),
        Some(Ok(month)) => month,
        Some(Err(why)) => {
            tracing::warn!(%tenant, %why, day = %reading.day, "license counts of the day are not kept");
            return Ok(());
        }
    };
    let told = |n: Option<i64>| n.map_or(Told::Unknown, Told::Is);
    let mut numbers = Numbers { file, table: transaction.open_table(PRODUCTS).map_err(|error| file.io(error))? };
    if let Some(skus) = &reading.skus {
        let of = |units: &Units| [told(units.purchased), told(units.assigned), Told::No, Told::No];
        month.read(day, Source::Skus, &numbers.told(skus, of)?);
    }
    if let Some(held) = &reading.held {
        let of = |n: &u64| [Told::No, Told::No, Told::Is(i64::try_from(*n).unwrap_or(i64::MAX)), Told::No];
        month.read(day, Source::Users, &numbers.told(held, of)?);
    }
    if let Some(sold) = &reading.sold {
        month.read(day, Source::Sales, &numbers.told(sold, |n| [Told::No, Told::No, Told::No, Told::Is(*n)])?);
    }
    months.insert((number, key.as_str()), month.to_bytes().as_slice()).map_err(|error| file.io(error))?;
    Ok(())
}

/// The numbers of products, while something is written.
struct Numbers<'a> {
    file: &'a File,
    table: redb::Table<'a, u128, u32>,
}

impl Numbers<'_> {
    /// The number of a product; a new one gets the next.
    fn of(&mut self, sku_id: SkuId) -> Result<u32, StoreError> {
        let id = sku_id.0.as_u128();
        let known = self.table.get(id).map_err(|error| self.file.io(error))?.map(|number| number.value());
        if let Some(number) = known {
            return Ok(number);
        }
        let count = redb::ReadableTableMetadata::len(&self.table).map_err(|error| self.file.io(error))?;
        let number = u32::try_from(count + 1).map_err(|error| self.file.damaged(error))?;
        self.table.insert(id, number).map_err(|error| self.file.io(error))?;
        Ok(number)
    }

    fn told<T>(
        &mut self,
        products: &BTreeMap<SkuId, T>,
        of: impl Fn(&T) -> [Told; 4],
    ) -> Result<BTreeMap<u32, [Told; 4]>, StoreError> {
        products.iter().map(|(sku_id, said)| Ok((self.of(*sku_id)?, of(said)))).collect()
    }
}

/// What is kept of a tenant, of one product or of all, from a day on.
pub(super) fn read(
    file: &File,
    tenant: &Key,
    only: Option<SkuId>,
    since: Option<Date>,
) -> Result<LicenseHistory, StoreError> {
    let transaction = file.begin_read()?;
    let months = transaction.open_table(HISTORY).map_err(|error| file.io(error))?;
    let products = transaction.open_table(PRODUCTS).map_err(|error| file.io(error))?;
    let mut ids: BTreeMap<u32, SkuId> = BTreeMap::new();
    for row in products.iter().map_err(|error| file.io(error))? {
        let (id, number) = row.map_err(|error| file.io(error))?;
        let id = SkuId::new(uuid::Uuid::from_u128(id.value()));
        if only.is_none_or(|only| only == id) {
            ids.insert(number.value(), id);
        }
    }
    let mut found = LicenseHistory::default();
    let (Some(first), Some(last)) =
        (months.first().map_err(|error| file.io(error))?, months.last().map_err(|error| file.io(error))?)
    else {
        return Ok(found);
    };
    let first = first.0.value().0.max(since.map_or(0, |since| place(since).0));
    // No calendar goes further.
    let last = last.0.value().0.min(120_000);
    let key = key_text(tenant);
    for number in first..=last {
        let Some(bytes) = months.get((number, key.as_str())).map_err(|error| file.io(error))? else { continue };
        let month = match Month::from_bytes(bytes.value()) {
            Ok(month) => month,
            Err(why) => {
                tracing::warn!(%tenant, number, why, "a month of license counts cannot be read");
                found.unreadable.extend(date(number, 0));
                continue;
            }
        };
        for (n, day) in (0..31).filter_map(|n| Some((n, date(number, n)?))) {
            if since.is_some_and(|since| day < since) {
                continue;
            }
            if month.is_read(n) {
                found.read.push(day);
            }
            let from = found.rows.len();
            found.rows.extend(month.of_day(n).filter_map(|(number, told)| {
                let count = |series: usize| told.get(series).and_then(|told| told.count());
                let is_there = |series: usize| told.get(series).is_some_and(|told| *told != Told::No);
                Some(LicenseDay {
                    day,
                    sku_id: *ids.get(&number)?,
                    listed: month.has_skus(n).then(|| is_there(PURCHASED) || is_there(ASSIGNED)),
                    purchased: count(PURCHASED),
                    assigned: count(ASSIGNED),
                    held: count(HELD).and_then(|n| u64::try_from(n).ok()),
                    sold: count(SOLD),
                })
            }));
            found.rows.get_mut(from..).unwrap_or_default().sort_by_key(|row| row.sku_id);
        }
    }
    Ok(found)
}

/// Drops the months that ended before a day. Answers how many records of tenants these were.
pub(super) fn forget_before(file: &File, day: Date) -> Result<u64, StoreError> {
    let (keep, _) = place(day);
    let transaction = file.begin_read()?;
    let months = transaction.open_table(HISTORY).map_err(|error| file.io(error))?;
    let oldest = months.first().map_err(|error| file.io(error))?.map(|(key, _)| key.value().0);
    drop((months, transaction));
    if oldest.is_none_or(|oldest| oldest >= keep) {
        return Ok(0);
    }
    let transaction = file.begin_write()?;
    let mut dropped = 0;
    {
        let mut months = transaction.open_table(HISTORY).map_err(|error| file.io(error))?;
        let old = |_: (u32, &str), _: &[u8]| {
            dropped += 1;
            false
        };
        months.retain_in((0, "")..(keep, ""), old).map_err(|error| file.io(error))?;
    }
    file.commit(transaction, true)?;
    Ok(dropped)
}
