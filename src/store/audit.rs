//! The audit: rows that are only ever added, each with a hash over itself and the one before.
//!
//! Whoever alters, takes out or puts in a row breaks the chain from there on, unless all that follow are made anew; the
//! last hash, which goes to the journal with each row, tells that too.

use std::collections::BTreeMap;

use jiff::Timestamp;
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use sha2::{Digest, Sha256};

use super::{File, GoOn, Reader, StoreError};
use crate::model::{AuditFrom, AuditGather, AuditRow, AuditRows, AuditSeen, Chain, Deed, FilterError, Key, Text};

/// Number to a hash and the deed.
pub(super) const AUDIT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("audit");
const HASH: usize = 32;

type Hash = [u8; HASH];

/// What tenants are called.
pub type Titles = BTreeMap<Key, Text>;

/// How many rows go by until it is asked again whether they are wanted.
const ASKED_EVERY: u64 = 1_024;
/// The same where a filter looks at each.
const SIFTED: u64 = 64;

/// Why rows cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The filter.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

/// How far the chain was checked: a check of many rows goes on where it was left.
#[derive(Debug, Clone, Default)]
pub struct Checking {
    rows: u64,
    last: Hash,
    since: Option<Timestamp>,
    broken: Option<(u64, &'static str)>,
}

impl Checking {
    fn chain(&self, of: u64) -> Chain {
        let broken = self.broken.map(|(number, why)| (number, Text::const_new(why)));
        Chain { rows: self.rows, of, last: hexadecimal(&self.last).into(), since: self.since, broken }
    }
}

/// Adds rows; answers them with their numbers and hashes.
pub(super) fn append(file: &File, transaction: &WriteTransaction, deeds: &[Deed]) -> Result<Vec<AuditRow>, StoreError> {
    let mut table = transaction.open_table(AUDIT).map_err(|error| file.io(error))?;
    let (mut number, mut hash) = match table.last().map_err(|error| file.io(error))? {
        Some((number, row)) => {
            let row = row.value();
            let (hash, _) = parts(row).ok_or_else(|| file.damaged("the last row of the audit is cut"))?;
            (number.value(), hash)
        }
        None => (0, [0; HASH]),
    };
    let mut rows = Vec::with_capacity(deeds.len());
    for deed in deeds {
        number += 1;
        let text = serde_json::to_vec(deed).map_err(|error| file.io(error))?;
        hash = chained(&hash, number, &text);
        let row = [&hash[..], &text].concat();
        table.insert(number, row.as_slice()).map_err(|error| file.io(error))?;
        rows.push(AuditRow { number, hash: hexadecimal(&hash), deed: deed.clone() });
    }
    Ok(rows)
}

impl Reader {
    /// Rows of the audit, newest first, until `show` has seen enough.
    pub fn audit(&self, show: &mut dyn FnMut(AuditRow) -> bool) -> Result<(), StoreError> {
        let transaction = self.file.begin_read()?;
        let table = transaction.open_table(AUDIT).map_err(|error| self.file.damaged(error))?;
        for row in table.iter().map_err(|error| self.file.damaged(error))?.rev() {
            let (number, row) = row.map_err(|error| self.file.damaged(error))?;
            if !show(self.audit_row(number.value(), row.value())?) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A window on the audit; nothing if it is not wanted any more. A filter finds tenants by these titles.
    pub fn audit_window(
        &self,
        tenant: Option<&Key>,
        wanted: &AuditRows,
        titles: &Titles,
        go_on: GoOn<'_>,
    ) -> Result<Option<AuditSeen>, Unread> {
        let transaction = self.file.begin_read()?;
        let table = transaction.open_table(AUDIT).map_err(|error| self.file.damaged(error))?;
        let last = self.newest(&table)?;
        let mut window = AuditGather::new(tenant, wanted, last)?;
        let (mut rows, newer) = match wanted.from {
            AuditFrom::Before(number) => (table.range(..number), false),
            AuditFrom::After(number) => (table.range(number.saturating_add(1)..), true),
        };
        let rows = rows.as_mut().map_err(|error| self.file.damaged(&*error))?;
        let asked_every = if wanted.filter.is_empty() { ASKED_EVERY } else { SIFTED };
        for n in 0_u64.. {
            let next = if newer { rows.next() } else { rows.next_back() };
            let Some(row) = next else { break };
            if window.is_full() {
                break;
            }
            if n.is_multiple_of(asked_every) && !go_on() {
                return Ok(None);
            }
            let (number, row) = row.map_err(|error| self.file.damaged(error))?;
            let row = self.audit_row(number.value(), row.value())?;
            window.take(row, |key| titles.get(key).map(Text::as_str));
        }
        Ok(Some(window.seen()))
    }

    /// What tenants are called.
    pub fn titles(&self) -> Result<Titles, StoreError> {
        super::records::titles(&self.file)
    }

    /// Holds every row of the audit against the one before; nothing if that is not wanted any more.
    pub fn verify_audit(&self, go_on: GoOn<'_>) -> Result<Option<Chain>, StoreError> {
        self.check_audit(&mut Checking::default(), u64::MAX, go_on)
    }

    /// Holds so many rows more against those before them; nothing if that is not wanted any more. What was checked stays
    /// checked.
    pub fn check_audit(
        &self,
        checking: &mut Checking,
        most: u64,
        go_on: GoOn<'_>,
    ) -> Result<Option<Chain>, StoreError> {
        let transaction = self.file.begin_read()?;
        let table = transaction.open_table(AUDIT).map_err(|error| self.file.damaged(error))?;
        let of = self.newest(&table)?;
        if checking.broken.is_some() {
            return Ok(Some(checking.chain(of)));
        }
        // Before the first row there is none.
        let from = if checking.rows == 0 { 0 } else { checking.rows.saturating_add(1) };
        let rows = table.range(from..).map_err(|error| self.file.damaged(error))?;
        for (done, row) in (0_u64..).zip(rows) {
            if done == most {
                break;
            }
            if done.is_multiple_of(ASKED_EVERY) && !go_on() {
                return Ok(None);
            }
            let (number, row) = row.map_err(|error| self.file.damaged(error))?;
            let (number, next) = (number.value(), checking.rows + 1);
            if number < next {
                checking.broken = Some((number, "it was put in"));
                break;
            }
            let why = match parts(row.value()) {
                _ if number != next => Some("it is missing"),
                None => Some("it is cut"),
                Some((hash, text)) if chained(&checking.last, number, text) == hash => {
                    if number == 1 {
                        checking.since = serde_json::from_slice(text).ok().map(|deed: Deed| deed.at);
                    }
                    (checking.rows, checking.last) = (next, hash);
                    None
                }
                Some(_) => Some("it is not what was written"),
            };
            if let Some(why) = why {
                checking.broken = Some((next, why));
                break;
            }
        }
        Ok(Some(checking.chain(of)))
    }

    /// The number of the newest row.
    fn newest(&self, table: &impl ReadableTable<u64, &'static [u8]>) -> Result<u64, StoreError> {
        let last = table.last().map_err(|error| self.file.damaged(error))?;
        Ok(last.map_or(0, |(number, _)| number.value()))
    }

    fn audit_row(&self, number: u64, row: &[u8]) -> Result<AuditRow, StoreError> {
        let read = parts(row).and_then(|(hash, text)| Some((hash, serde_json::from_slice(text).ok()?)));
        let (hash, deed) =
            read.ok_or_else(|| self.file.damaged(format!("row {number} of the audit cannot be read")))?;
        Ok(AuditRow { number, hash: hexadecimal(&hash), deed })
    }
}

fn parts(row: &[u8]) -> Option<(Hash, &[u8])> {
    let (hash, text) = row.split_first_chunk::<HASH>()?;
    Some((*hash, text))
}

fn chained(before: &Hash, number: u64, text: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(number.to_be_bytes());
    hash.update(text);
    hash.finalize().into()
}

fn hexadecimal(hash: &Hash) -> String {
    use std::fmt::Write;
    hash.iter().fold(String::with_capacity(2 * HASH), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Caller;
    use crate::store::Store;

    fn deed(n: i64) -> Deed {
        let at = Timestamp::from_second(1_000 + n).unwrap();
        Deed::plain(at, Caller::alone("jdoe".into()), "import", format!("{n}"))
    }

    fn add(store: &mut Store, deeds: &[Deed]) -> Vec<AuditRow> {
        let mut batch = store.batch().unwrap();
        let rows = batch.put_deeds(deeds).unwrap();
        batch.commit(true).unwrap();
        rows
    }

    fn verified(store: &Store) -> Chain {
        store.reader().verify_audit(&|| true).unwrap().unwrap()
    }

    #[test]
    fn rows_are_chained_over_transactions_and_processes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        let mut store = Store::open(&path, 1 << 20).unwrap();
        assert_eq!(verified(&store).rows, 0);
        assert_eq!(
            store.reader().verify_audit(&|| false).unwrap().map(|chain| chain.rows),
            Some(0),
            "no row is asked about"
        );
        let first = add(&mut store, &[deed(1), deed(2)]);
        drop(store);
        let mut store = Store::open(&path, 1 << 20).unwrap();
        let second = add(&mut store, &[deed(3)]);
        let mut read = Vec::new();
        store
            .reader()
            .audit(&mut |row| {
                read.push(row);
                true
            })
            .unwrap();
        read.reverse();
        assert_eq!(read, [first, second].concat());
        assert_eq!(read.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(store.reader().verify_audit(&|| false).unwrap(), None, "nobody wants it");
        let chain = verified(&store);
        let since = Some(deed(1).at);
        assert_eq!(chain, Chain { rows: 3, of: 3, last: read[2].hash.as_str().into(), since, broken: None });
    }

    #[test]
    fn a_row_that_is_altered_taken_out_or_put_in_breaks_the_chain() {
        type Harm = fn(&mut redb::Table<'_, u64, &'static [u8]>);
        let alter: Harm = |table| {
            let row = table.get(2).unwrap().unwrap().value().to_vec();
            let text = String::from_utf8_lossy(&row[HASH..]).replace("jdoe", "mlee");
            table.insert(2, [&row[..HASH], text.as_bytes()].concat().as_slice()).unwrap();
        };
        let take: Harm = |table| drop(table.remove(2).unwrap());
        let cut: Harm = |table| drop(table.insert(2, &[1_u8; 9][..]).unwrap());
        let again: Harm = |table| {
            let row = table.get(1).unwrap().unwrap().value().to_vec();
            table.insert(2, row.as_slice()).unwrap();
        };
        let put: Harm = |table| {
            let row = table.get(1).unwrap().unwrap().value().to_vec();
            table.insert(0, row.as_slice()).unwrap();
        };
        for (harm, held, number, why) in [
            (alter, 1, 2, "it is not what was written"),
            (take, 1, 2, "it is missing"),
            (cut, 1, 2, "it is cut"),
            (again, 1, 2, "it is not what was written"),
            (put, 0, 0, "it was put in"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let mut store = Store::open(&dir.path().join("store.redb"), 1 << 20).unwrap();
            add(&mut store, &[deed(1), deed(2), deed(3)]);
            let transaction = store.file.begin_write().unwrap();
            harm(&mut transaction.open_table(AUDIT).unwrap());
            store.file.commit(transaction, true).unwrap();
            let chain = verified(&store);
            assert_eq!((chain.rows, chain.broken), (held, Some((number, why.into()))));
        }
    }

    fn numbers(seen: &AuditSeen) -> Vec<u64> {
        seen.rows.iter().map(|row| row.number).collect()
    }

    #[test]
    fn windows_go_both_ways_and_end_when_nobody_wants_them() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("store.redb"), 1 << 20).unwrap();
        let deeds: Vec<Deed> = (1..=40).map(deed).collect();
        add(&mut store, &deeds);
        let reader = store.reader();
        let window = |filter: &str, from, count| {
            let wanted = AuditRows { filter: filter.to_owned(), from, count };
            reader.audit_window(None, &wanted, &Titles::new(), &|| true).unwrap().unwrap()
        };
        let newest = window("", AuditFrom::Before(u64::MAX), 3);
        assert_eq!(
            (numbers(&newest), newest.reached, newest.is_end, newest.last),
            (vec![40, 39, 38], Some(38), false, 40)
        );
        assert_eq!(numbers(&window("", AuditFrom::Before(38), 2)), [37, 36]);
        assert_eq!(numbers(&window("", AuditFrom::After(38), 5)), [40, 39]);
        assert_eq!(numbers(&window("", AuditFrom::After(0), 2)), [2, 1], "the oldest, newest first");
        assert!(window("", AuditFrom::After(u64::MAX), 2).is_end);
        let found = window("what:4", AuditFrom::Before(u64::MAX), 9);
        assert_eq!((numbers(&found), found.reached, found.is_end), (vec![40, 4], Some(1), true));
        let wanted = AuditRows { filter: String::new(), from: AuditFrom::Before(u64::MAX), count: 3 };
        assert_eq!(reader.audit_window(None, &wanted, &Titles::new(), &|| false).unwrap(), None);
        let wrong = AuditRows { filter: "state:x".to_owned(), ..wanted };
        assert!(reader.audit_window(None, &wrong, &Titles::new(), &|| true).is_err());
    }

    #[test]
    fn a_filter_is_left_sooner_than_plain_rows() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("store.redb"), 1 << 20).unwrap();
        let deeds: Vec<Deed> = (1..=200).map(deed).collect();
        add(&mut store, &deeds);
        let asked = |filter: &str| {
            let asked = std::sync::atomic::AtomicU64::new(0);
            let wanted = AuditRows { filter: filter.to_owned(), from: AuditFrom::Before(u64::MAX), count: 1_000 };
            let go_on = || {
                asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                true
            };
            store.reader().audit_window(None, &wanted, &Titles::new(), &go_on).unwrap().unwrap();
            asked.into_inner()
        };
        assert_eq!((asked(""), asked("jdoe")), (1, 4));
    }

    #[test]
    fn a_window_of_a_tenant_has_what_is_about_it_and_a_filter_knows_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("store.redb"), 1 << 20).unwrap();
        let key = |n| Key { partner: "emea".into(), tenant: crate::model::TenantId::new(uuid::Uuid::from_u128(n)) };
        let about = |n: i64, tenants: Vec<Key>| Deed { tenants, ..deed(n) };
        let all = Deed { all: true, ..deed(4) };
        add(&mut store, &[about(1, vec![key(1)]), about(2, vec![key(2)]), about(3, vec![key(2), key(1)]), all]);
        let titles = Titles::from([(key(2), Text::const_new("Contoso Rail AG"))]);
        let window = |tenant: Option<&Key>, filter: &str| {
            let wanted = AuditRows { filter: filter.to_owned(), from: AuditFrom::Before(u64::MAX), count: 9 };
            numbers(&store.reader().audit_window(tenant, &wanted, &titles, &|| true).unwrap().unwrap())
        };
        assert_eq!(window(Some(&key(1)), ""), [4, 3, 1]);
        assert_eq!(window(None, "contoso"), [2]);
        assert_eq!(window(Some(&key(1)), "contoso"), [0_u64; 0]);
    }

    #[test]
    fn a_chain_is_checked_in_parts_and_goes_on_where_it_was_left() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("store.redb"), 1 << 20).unwrap();
        let mut checking = Checking::default();
        assert!(store.reader().check_audit(&mut checking, 5, &|| true).unwrap().unwrap().is_over(), "of no row");
        let deeds: Vec<Deed> = (1..=12).map(deed).collect();
        let hash = add(&mut store, &deeds).pop().unwrap().hash;
        let reader = store.reader();
        let mut parts = Vec::new();
        loop {
            assert_eq!(reader.check_audit(&mut checking, 5, &|| false).unwrap(), None, "nobody wants it");
            let chain = reader.check_audit(&mut checking, 5, &|| true).unwrap().unwrap();
            parts.push(chain.rows);
            if chain.is_over() {
                assert_eq!((chain.last.as_str(), chain.since), (hash.as_str(), Some(deed(1).at)));
                break;
            }
        }
        assert_eq!(parts, [5, 10, 12]);
        add(&mut store, &[deed(13)]);
        let chain = store.reader().check_audit(&mut checking, 5, &|| true).unwrap().unwrap();
        assert_eq!((chain.rows, chain.of), (13, 13), "a row that came since");
    }
}
