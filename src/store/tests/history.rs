//! License counts are kept day by day, in little space, for as long as it is asked for.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use redb::{ReadableTable, ReadableTableMetadata};

use super::super::history::HISTORY;
use super::{key, store_at};
use crate::model::{LicenseDay, LicenseHistory, LicenseReading, SkuId, Units};
use crate::store::Store;

fn id(n: u64) -> SkuId {
    // Ids of products are random: nothing is to be gained from their likeness.
    let spread = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835_u128;
    SkuId::new(uuid::Uuid::from_u128(u128::from(n + 1).wrapping_mul(spread)))
}

/// What an import read: of each product purchased, assigned and held.
fn reading(day: Date, counts: &[(u64, i64, i64, u64)]) -> LicenseReading {
    LicenseReading {
        day,
        skus: Some(
            counts.iter().map(|(n, p, a, _)| (id(*n), Units { purchased: Some(*p), assigned: Some(*a) })).collect(),
        ),
        held: Some(counts.iter().map(|(n, _, _, held)| (id(*n), *held)).collect()),
        sold: None,
    }
}

fn keep(store: &mut Store, tenant: u8, reading: &LicenseReading) {
    let mut batch = store.batch().unwrap();
    batch.put_licenses(&key(tenant), reading).unwrap();
    batch.commit(false).unwrap();
}

fn row(day: Date, n: u64, purchased: i64, assigned: i64, held: u64) -> LicenseDay {
    let (purchased, assigned, held) = (Some(purchased), Some(assigned), Some(held));
    LicenseDay { day, sku_id: id(n), listed: Some(true), purchased, assigned, held, sold: None }
}

#[test]
fn days_are_found_by_tenant_product_and_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let reader = store.reader();
    assert_eq!(reader.licenses(&key(1), None, None).unwrap(), LicenseHistory::default());
    let (first, last) = (date(2025, 12, 31), date(2026, 1, 1));
    keep(&mut store, 1, &reading(last, &[(2, 20, 11, 10), (1, 5, 5, 5)]));
    keep(&mut store, 1, &reading(first, &[(2, 20, 10, 10)]));
    keep(&mut store, 2, &reading(last, &[(2, 7, 7, 7)]));
    let all = reader.licenses(&key(1), None, None).unwrap();
    assert_eq!(all.read, [first, last], "an older day can come later: what was held back");
    let mut rows = vec![row(first, 2, 20, 10, 10), row(last, 1, 5, 5, 5), row(last, 2, 20, 11, 10)];
    rows.sort_by_key(|row| (row.day, row.sku_id));
    assert_eq!(all.rows, rows);
    let one = reader.licenses(&key(1), Some(id(1)), None).unwrap();
    assert_eq!((one.read, one.rows), (vec![first, last], vec![row(last, 1, 5, 5, 5)]));
    assert_eq!(reader.licenses(&key(1), Some(id(9)), None).unwrap().rows, []);
    let since = reader.licenses(&key(1), Some(id(2)), Some(last)).unwrap();
    assert_eq!((since.read, since.rows), (vec![last], vec![row(last, 2, 20, 11, 10)]));
    assert_eq!(reader.licenses(&key(3), None, None).unwrap(), LicenseHistory::default());
}

#[test]
fn what_was_not_read_that_day_is_unknown_unless_it_was_read_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let day = date(2026, 11, 23);
    let both = reading(day, &[(1, 10, 8, 8)]);
    let users = LicenseReading { skus: None, ..reading(day, &[(1, 0, 0, 9)]) };
    keep(&mut store, 1, &users);
    keep(&mut store, 2, &both);
    keep(&mut store, 2, &users);
    let sold = LicenseReading { skus: None, held: None, sold: Some(BTreeMap::from([(id(1), 12)])), ..users };
    keep(&mut store, 2, &sold);
    keep(&mut store, 3, &sold);
    keep(&mut store, 4, &sold);
    let reader = store.reader();
    let of = |tenant| reader.licenses(&key(tenant), None, None).unwrap();
    let told = |tenant| {
        of(tenant).rows.iter().map(|r| (r.listed, r.purchased, r.assigned, r.held, r.sold)).collect::<Vec<_>>()
    };
    assert_eq!(told(1), [(None, None, None, Some(9), None)]);
    assert_eq!(told(2), [(Some(true), Some(10), Some(8), Some(9), Some(12))]);
    assert_eq!(told(3), [(None, None, None, None, Some(12))]);
    keep(&mut store, 3, &LicenseReading { skus: Some(BTreeMap::new()), held: None, sold: None, day });
    assert_eq!(told(3), [(Some(false), None, None, None, Some(12))], "the SKUs were read and do not have it");
    assert_eq!(of(4).read, [], "what we sold is no import of the tenant");
}

#[test]
fn months_that_are_too_old_are_dropped_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let mut store = store_at(&path);
    for day in [date(2019, 10, 31), date(2019, 11, 1), date(2019, 11, 30), date(2026, 11, 23)] {
        keep(&mut store, 1, &reading(day, &[(1, 5, 5, 5)]));
        keep(&mut store, 2, &reading(day, &[(1, 5, 5, 5)]));
    }
    assert_eq!(store.forget_licenses_before(date(2019, 11, 23)).unwrap(), 2);
    assert_eq!(store.forget_licenses_before(date(2019, 11, 30)).unwrap(), 0);
    drop(store);
    let store = store_at(&path);
    let read = store.reader().licenses(&key(2), None, None).unwrap().read;
    assert_eq!(read, [date(2019, 11, 1), date(2019, 11, 30), date(2026, 11, 23)]);
}

#[test]
fn a_damaged_month_is_told_and_stops_no_import() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let day = date(2026, 11, 23);
    keep(&mut store, 1, &reading(day, &[(1, 5, 5, 5)]));
    let transaction = store.file.begin_write().unwrap();
    {
        let mut months = transaction.open_table(HISTORY).unwrap();
        let at = (2026 * 12 + 10, super::super::records::key_text(&key(1)));
        assert!(months.insert((at.0, at.1.as_str()), &[9_u8, 9][..]).unwrap().is_some());
    }
    transaction.commit().unwrap();
    keep(&mut store, 1, &reading(day, &[(1, 6, 6, 6)]));
    keep(&mut store, 1, &reading(date(2026, 12, 5), &[(1, 7, 7, 7)]));
    let told = store.reader().licenses(&key(1), None, None).unwrap();
    assert_eq!((told.unreadable, told.read), (vec![date(2026, 11, 1)], vec![date(2026, 12, 5)]), "the rest is there");
    let later = store.reader().licenses(&key(1), None, Some(date(2026, 12, 6))).unwrap();
    assert_eq!(later, LicenseHistory::default(), "of newer days nothing is lost");
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Bytes that a year of a tenant with 15 products takes: its records alone, and the pages of the file that hold them. `changes` says how many
/// products get another count on a day, of 7,000; where the counts stand `apart`, all of them become any number.
fn year(tenants: u8, changes: u64, apart: bool) -> (u64, u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut dice = Dice(7);
    let mut all: Vec<Vec<(u64, i64, i64, u64)>> =
        (0..tenants).map(|_| (0..15).map(|n| (n, 10 + dice.up_to(1_500).cast_signed(), 900, 900)).collect()).collect();
    let mut day = date(2026, 1, 1);
    while day.year() == 2026 {
        let mut batch = store.batch().unwrap();
        for (n, counts) in (0..tenants).zip(&mut all) {
            for (_, purchased, assigned, held) in counts.iter_mut() {
                if dice.up_to(7_000) >= changes {
                    continue;
                }
                if apart {
                    *purchased = dice.up_to(1 << 30).cast_signed();
                    *assigned = dice.up_to(1 << 30).cast_signed();
                    *held = dice.up_to(1 << 30);
                } else {
                    *assigned += dice.up_to(7).cast_signed() - 3;
                    *held = assigned.cast_unsigned();
                    *purchased += i64::from(dice.up_to(8) == 0) * 5;
                }
            }
            batch.put_licenses(&key(n), &reading(day, counts)).unwrap();
        }
        batch.commit(day.day() % 9 == 0).unwrap();
        day = day.checked_add(1.day()).unwrap();
    }
    let mut batch = store.batch().unwrap();
    batch.put_licenses(&key(0), &reading(date(2026, 12, 31), &all[0])).unwrap();
    batch.commit(true).unwrap();
    let read = store.reader().licenses(&key(7), Some(id(3)), None).unwrap();
    assert_eq!((read.read.len(), read.rows.len()), (365, 365));
    assert_eq!(read.rows.last(), Some(&row(date(2026, 12, 31), 3, all[7][3].1, all[7][3].2, all[7][3].3)));
    let transaction = store.file.begin_read().unwrap();
    let months = transaction.open_table(HISTORY).unwrap();
    let bytes: usize = months.iter().unwrap().map(|row| row.unwrap().1.value().len()).sum();
    let stats = months.stats().unwrap();
    let pages = stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
    (bytes as u64 / u64::from(tenants), pages / u64::from(tenants))
}

/// `cargo test --lib a_year_of_a_tenant -- --nocapture` prints the figures that the documentation gives.
#[test]
#[expect(clippy::print_stdout, reason = "a measurement speaks to a person")]
fn a_year_of_a_tenant_takes_some_kilobytes() {
    println!("a year of a tenant with 15 products:");
    for (title, (records, file), limit) in [
        ("nothing changes", year(20, 0, false), (1_250, 3_600)),
        ("three changes a week", year(20, 200, false), (2_000, 5_000)),
        ("all counts change every day", year(8, 7_000, true), (110_000, 140_000)),
    ] {
        println!("{title:<28} {records:>7} B, {file:>7} B with keys and room in pages");
        assert!(records <= limit.0 && file <= limit.1, "{title}: {records} and {file}");
    }
}
