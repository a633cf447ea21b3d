//! Rules, prices and closed months of tenants.

use std::collections::BTreeMap;

use redb::{TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::read::Reader;
use super::records::key_text;
use super::{Batch, File, StoreError, codec};
use crate::model::allocation::{
    Month, MonthRecord, PricesVersion, Reading, ReadingRecord, RulesVersion, Standing, Superior, Superseded, UnitPath,
    UserShare,
};
use crate::model::{Key, User};

/// (tenant, version) to rules as somebody saved them.
pub(super) const RULES: TableDefinition<'_, (&str, u32), &[u8]> = TableDefinition::new("allocation_rules");
/// (tenant, version) to prices as somebody saved them.
pub(super) const PRICES: TableDefinition<'_, (&str, u32), &[u8]> = TableDefinition::new("allocation_prices");
/// (tenant, month) to what became of the month, with its frozen sheet.
pub(super) const MONTHS: TableDefinition<'_, (&str, u32), &[u8]> = TableDefinition::new("allocation_months");
/// (tenant, month, place) to the units of a closed month at 0, then to the lines of its users.
pub(super) const LINES: TableDefinition<'_, (&str, u32, u32), &[u8]> = TableDefinition::new("allocation_lines");
/// (tenant, month, place) to those who are above others at 0, then to what rules looked at of the users of the lines of the same
/// place.
pub(super) const VALUES: TableDefinition<'_, (&str, u32, u32), &[u8]> = TableDefinition::new("allocation_values");
/// (tenant, month) to the products of the last reading of the month, while that is kept.
pub(super) const READINGS: TableDefinition<'_, (&str, u32), &[u8]> = TableDefinition::new("allocation_readings");
/// (tenant, month, number) to a sheet that the month was closed with before it was opened again.
pub(super) const SUPERSEDED: TableDefinition<'_, (&str, u32, u32), &[u8]> =
    TableDefinition::new("allocation_superseded");

/// So many users lie in a record of lines.
pub(super) const USERS_PER_CHUNK: usize = 1_000;
/// First byte of a record of lines: postcard of `Vec<UserShare>`, compressed with zstd. So are records of values, of `Vec<User>`,
/// and the first of them, of `Vec<Superior>`.
const LINES_V1: u8 = 1;
/// The most that a record of lines may inflate to; a larger one is damaged.
const INFLATED_LIMIT: usize = 64 << 20;

/// Lines of users, or what rules looked at of them, as they are kept.
pub(super) fn pack<T: Serialize>(rows: &[T]) -> Result<Vec<u8>, String> {
    let raw = postcard::to_stdvec(rows).map_err(|error| format!("lines do not encode: {error}"))?;
    let packed = zstd::bulk::compress(&raw, 1).map_err(|error| format!("lines do not compress: {error}"))?;
    Ok([&[LINES_V1], &packed[..]].concat())
}

fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>, String> {
    let Some((&LINES_V1, packed)) = bytes.split_first() else { return Err("lines of an unknown version".to_owned()) };
    let raw =
        zstd::bulk::decompress(packed, INFLATED_LIMIT).map_err(|error| format!("lines do not inflate: {error}"))?;
    postcard::from_bytes(&raw).map_err(|error| format!("lines do not decode: {error}"))
}

impl Reader {
    /// Rules of a tenant: of a version, or the newest ones. Absent before the first.
    pub fn rules(&self, tenant: &Key, version: Option<u32>) -> Result<Option<RulesVersion>, StoreError> {
        self.version(RULES, tenant, version)
    }

    /// Every version of a tenant's rules, the oldest first.
    pub fn all_rules(&self, tenant: &Key) -> Result<Vec<RulesVersion>, StoreError> {
        self.versions(RULES, tenant)
    }

    /// Prices of a tenant: of a version, or the newest ones. Absent before the first.
    pub fn prices(&self, tenant: &Key, version: Option<u32>) -> Result<Option<PricesVersion>, StoreError> {
        self.version(PRICES, tenant, version)
    }

    /// Every version of a tenant's prices, the oldest first.
    pub fn all_prices(&self, tenant: &Key) -> Result<Vec<PricesVersion>, StoreError> {
        self.versions(PRICES, tenant)
    }

    fn version<T: DeserializeOwned>(
        &self,
        table: TableDefinition<'_, (&'static str, u32), &'static [u8]>,
        tenant: &Key,
        version: Option<u32>,
    ) -> Result<Option<T>, StoreError> {
        let file = &self.file;
        let key = key_text(tenant);
        let transaction = file.begin_read()?;
        let table = transaction.open_table(table).map_err(|error| file.io(error))?;
        let found = if let Some(version) = version {
            table.get((key.as_str(), version)).map_err(|error| file.io(error))?
        } else {
            let mut all = table.range((key.as_str(), 0)..=(key.as_str(), u32::MAX)).map_err(|error| file.io(error))?;
            all.next_back().transpose().map_err(|error| file.io(error))?.map(|(_, value)| value)
        };
        found.map(|bytes| codec::from_record(bytes.value()).map_err(|error| file.damaged(error))).transpose()
    }

    fn versions<T: DeserializeOwned>(
        &self,
        table: TableDefinition<'_, (&'static str, u32), &'static [u8]>,
        tenant: &Key,
    ) -> Result<Vec<T>, StoreError> {
        let file = &self.file;
        let key = key_text(tenant);
        let transaction = file.begin_read()?;
        let table = transaction.open_table(table).map_err(|error| file.io(error))?;
        let rows = table.range((key.as_str(), 0)..=(key.as_str(), u32::MAX)).map_err(|error| file.io(error))?;
        let one = |row: Result<(_, redb::AccessGuard<'_, &'static [u8]>), redb::StorageError>| {
            let (_, value) = row.map_err(|error| file.io(error))?;
            codec::from_record(value.value()).map_err(|error| file.damaged(error))
        };
        rows.map(|row| one(row.map(|(key, value)| (key.value().1, value)))).collect()
    }

    /// What became of a month of a tenant.
    pub fn month(&self, tenant: &Key, month: Month) -> Result<MonthRecord, StoreError> {
        let file = &self.file;
        let transaction = file.begin_read()?;
        let table = transaction.open_table(MONTHS).map_err(|error| file.io(error))?;
        let found = table.get((key_text(tenant).as_str(), month.number())).map_err(|error| file.io(error))?;
        let record = found.map(|bytes| codec::from_record(bytes.value()).map_err(|error| file.damaged(error)));
        Ok(record.transpose()?.unwrap_or_default())
    }

    /// What is kept of the last reading of a month, beside its users.
    pub fn reading(&self, tenant: &Key, month: Month) -> Result<Option<ReadingRecord>, StoreError> {
        self.version(READINGS, tenant, Some(month.number()))
    }

    /// Whether what a tenant's record says of a kept reading is there; its users are another matter.
    pub(super) fn reading_whole(&self, tenant: &Key, reading: &Reading) -> Result<(), StoreError> {
        let found = self.reading(tenant, reading.month)?;
        if found.is_some_and(|found| found.users == reading.users.snapshot) {
            return Ok(());
        }
        Err(self.file.damaged(format!("the products of the reading of {} are missing", reading.month)))
    }

    /// The months of a tenant that were ever closed, the newest first.
    pub fn months(&self, tenant: &Key) -> Result<Vec<Standing>, StoreError> {
        let file = &self.file;
        let key = key_text(tenant);
        let transaction = file.begin_read()?;
        let table = transaction.open_table(MONTHS).map_err(|error| file.io(error))?;
        let mut superseded: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let kept = transaction.open_table(SUPERSEDED).map_err(|error| file.io(error))?;
        let all = (key.as_str(), 0, 0)..=(key.as_str(), u32::MAX, u32::MAX);
        for row in kept.range(all).map_err(|error| file.io(error))? {
            let (at, _) = row.map_err(|error| file.io(error))?;
            superseded.entry(at.value().1).or_default().push(at.value().2);
        }
        let mut months = Vec::new();
        for row in table.range((key.as_str(), 0)..=(key.as_str(), u32::MAX)).map_err(|error| file.io(error))?.rev() {
            let (at, bytes) = row.map_err(|error| file.io(error))?;
            let record: MonthRecord = codec::from_record(bytes.value()).map_err(|error| file.damaged(error))?;
            if let Some(month) = Month::of_number(at.value().1) {
                let superseded = superseded.remove(&at.value().1).unwrap_or_default();
                months.push(Standing { month, closed: record.closed.is_some(), events: record.events, superseded });
            }
        }
        Ok(months)
    }

    /// A sheet that a month was closed with before it was opened again, by the number of that closing.
    pub fn superseded(&self, tenant: &Key, month: Month, number: u32) -> Result<Option<Superseded>, StoreError> {
        let file = &self.file;
        let transaction = file.begin_read()?;
        let table = transaction.open_table(SUPERSEDED).map_err(|error| file.io(error))?;
        let found = table.get((key_text(tenant).as_str(), month.number(), number)).map_err(|error| file.io(error))?;
        found.map(|bytes| codec::from_record(bytes.value()).map_err(|error| file.damaged(error))).transpose()
    }

    /// The units that the lines of a closed month name by their place.
    pub(super) fn frozen_units(&self, tenant: &Key, month: Month) -> Result<Vec<UnitPath>, StoreError> {
        let file = &self.file;
        let transaction = file.begin_read()?;
        let table = transaction.open_table(LINES).map_err(|error| file.io(error))?;
        let found = table.get((key_text(tenant).as_str(), month.number(), 0)).map_err(|error| file.io(error))?;
        let bytes = found.ok_or_else(|| file.damaged(format!("the units of {month} are missing")))?;
        codec::from_record(bytes.value()).map_err(|error| file.damaged(error))
    }

    /// Hands the users of a closed month to `each`, a record at a time, until it answers `false`.
    pub(super) fn frozen_lines(
        &self,
        tenant: &Key,
        month: Month,
        chunks: u32,
        each: &mut dyn FnMut(UserShare) -> bool,
    ) -> Result<(), StoreError> {
        let file = &self.file;
        let key = key_text(tenant);
        let transaction = file.begin_read()?;
        let table = transaction.open_table(LINES).map_err(|error| file.io(error))?;
        for chunk in 1..=chunks {
            let found = table.get((key.as_str(), month.number(), chunk)).map_err(|error| file.io(error))?;
            let bytes = found.ok_or_else(|| file.damaged(format!("lines of {month} are missing")))?;
            let users: Vec<UserShare> = unpack(bytes.value()).map_err(|error| file.damaged(error))?;
            if !users.into_iter().all(&mut *each) {
                break;
            }
        }
        Ok(())
    }

    /// Those who were above others when a month was closed.
    pub(super) fn frozen_superiors(&self, tenant: &Key, month: Month) -> Result<Vec<Superior>, StoreError> {
        self.place_of(VALUES, tenant, month, 0)
    }

    /// The users of a record of lines, with what rules looked at of each.
    pub(super) fn frozen_users(
        &self,
        tenant: &Key,
        month: Month,
        chunk: u32,
    ) -> Result<Vec<(UserShare, User)>, StoreError> {
        let lines: Vec<UserShare> = self.place_of(LINES, tenant, month, chunk)?;
        let values: Vec<User> = self.place_of(VALUES, tenant, month, chunk)?;
        if lines.len() != values.len() {
            return Err(self.file.damaged(format!("values of {month} are of other users than its lines")));
        }
        Ok(lines.into_iter().zip(values).collect())
    }

    fn place_of<T: DeserializeOwned>(
        &self,
        table: TableDefinition<'_, (&'static str, u32, u32), &'static [u8]>,
        tenant: &Key,
        month: Month,
        place: u32,
    ) -> Result<Vec<T>, StoreError> {
        let file = &self.file;
        let transaction = file.begin_read()?;
        let table = transaction.open_table(table).map_err(|error| file.io(error))?;
        let found = table.get((key_text(tenant).as_str(), month.number(), place)).map_err(|error| file.io(error))?;
        let bytes = found.ok_or_else(|| file.damaged(format!("a record of the users of {month} is missing")))?;
        unpack(bytes.value()).map_err(|error| file.damaged(error))
    }
}

impl Batch<'_> {
    /// Keeps a version of a tenant's rules.
    pub fn put_rules(&mut self, tenant: &Key, version: &RulesVersion) -> Result<(), StoreError> {
        let (file, transaction) = self.parts();
        put(file, transaction, RULES, (&key_text(tenant), version.version), version)
    }

    /// Keeps a version of a tenant's prices.
    pub fn put_prices(&mut self, tenant: &Key, version: &PricesVersion) -> Result<(), StoreError> {
        let (file, transaction) = self.parts();
        put(file, transaction, PRICES, (&key_text(tenant), version.version), version)
    }

    /// Keeps the products of the last reading of a month. The tenant record that names it belongs into the same batch.
    pub fn put_reading(&mut self, tenant: &Key, month: Month, record: &ReadingRecord) -> Result<(), StoreError> {
        let (file, transaction) = self.parts();
        put(file, transaction, READINGS, (&key_text(tenant), month.number()), record)
    }

    /// Drops the products of a reading; its users are a snapshot.
    pub fn drop_reading(&mut self, tenant: &Key, month: Month) -> Result<(), StoreError> {
        let (file, transaction) = self.parts();
        let mut table = transaction.open_table(READINGS).map_err(|error| file.io(error))?;
        table.remove((key_text(tenant).as_str(), month.number())).map_err(|error| file.io(error))?;
        Ok(())
    }

    /// Keeps what is superseded of a month, and gives up what is beyond the most that are kept.
    pub fn put_superseded(&mut self, tenant: &Key, month: Month, superseded: &Superseded) -> Result<(), StoreError> {
        let (file, transaction) = self.parts();
        let (key, number) = (key_text(tenant), superseded.number);
        let bytes = codec::record(superseded).map_err(|error| file.io(error))?;
        let mut table = transaction.open_table(SUPERSEDED).map_err(|error| file.io(error))?;
        table.insert((key.as_str(), month.number(), number), bytes.as_slice()).map_err(|error| file.io(error))?;
        let beyond = number.saturating_sub(Superseded::MOST);
        let old = (key.as_str(), month.number(), 0)..=(key.as_str(), month.number(), beyond);
        table.retain_in(old, |_, _| false).map_err(|error| file.io(error))?;
        Ok(())
    }

    /// Keeps what became of a month, with the records of its lines, of which the first one has the units, and with those of
    /// what rules looked at. Records that were there before are dropped.
    pub fn put_month(
        &mut self,
        tenant: &Key,
        month: Month,
        record: &MonthRecord,
        lines: &[Vec<u8>],
        values: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        let (file, transaction) = self.parts();
        let key = key_text(tenant);
        put(file, transaction, MONTHS, (&key, month.number()), record)?;
        for (table, records) in [(LINES, lines), (VALUES, values)] {
            let mut table = transaction.open_table(table).map_err(|error| file.io(error))?;
            let all = (key.as_str(), month.number(), 0)..=(key.as_str(), month.number(), u32::MAX);
            table.retain_in(all, |_, _| false).map_err(|error| file.io(error))?;
            for (place, bytes) in (0..).zip(records) {
                table
                    .insert((key.as_str(), month.number(), place), bytes.as_slice())
                    .map_err(|error| file.io(error))?;
            }
        }
        Ok(())
    }
}

fn put<T: Serialize>(
    file: &File,
    transaction: &WriteTransaction,
    table: TableDefinition<'_, (&'static str, u32), &'static [u8]>,
    (key, number): (&str, u32),
    value: &T,
) -> Result<(), StoreError> {
    let bytes = codec::record(value).map_err(|error| file.io(error))?;
    let mut table = transaction.open_table(table).map_err(|error| file.io(error))?;
    table.insert((key, number), bytes.as_slice()).map_err(|error| file.io(error))?;
    Ok(())
}
