//! The audit: rows that are only ever added, each with a hash over itself and the one before.
//!
//! Whoever alters, takes out or puts in a row breaks the chain from there on, unless all that follow are made anew; the
//! last hash, which goes to the journal with each row, tells that too.

use redb::{ReadableTable, TableDefinition, WriteTransaction};
use sha2::{Digest, Sha256};

use super::{File, Reader, StoreError};
use crate::model::{AuditRow, Deed};

/// Number to a hash and the deed.
pub(super) const AUDIT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("audit");
const HASH: usize = 32;

type Hash = [u8; HASH];

/// How far the chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// How many rows there are.
    pub rows: u64,
    /// The hash of the last one that holds, in hexadecimal; of no row, zeros.
    pub last: String,
    /// The first row that does not hold, and what is wrong with it.
    pub broken: Option<(u64, &'static str)>,
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
            let read = parts(row.value()).and_then(|(hash, text)| Some((hash, serde_json::from_slice(text).ok()?)));
            let number = number.value();
            let (hash, deed) =
                read.ok_or_else(|| self.file.damaged(format!("row {number} of the audit cannot be read")))?;
            if !show(AuditRow { number, hash: hexadecimal(&hash), deed }) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Holds every row of the audit against the one before.
    pub fn verify_audit(&self) -> Result<Chain, StoreError> {
        let transaction = self.file.begin_read()?;
        let table = transaction.open_table(AUDIT).map_err(|error| self.file.damaged(error))?;
        let (mut rows, mut last) = (0, [0; HASH]);
        for row in table.iter().map_err(|error| self.file.damaged(error))? {
            let (number, row) = row.map_err(|error| self.file.damaged(error))?;
            let (number, next) = (number.value(), rows + 1);
            let broken = |why| Ok(Chain { rows, last: hexadecimal(&last), broken: Some((next, why)) });
            if number != next {
                return broken("it is missing");
            }
            let Some((hash, text)) = parts(row.value()) else { return broken("it is cut") };
            if chained(&last, number, text) != hash {
                return broken("it is not what was written");
            }
            (rows, last) = (next, hash);
        }
        Ok(Chain { rows, last: hexadecimal(&last), broken: None })
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
    use jiff::Timestamp;

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

    #[test]
    fn rows_are_chained_over_transactions_and_processes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        let mut store = Store::open(&path, 1 << 20).unwrap();
        assert_eq!(store.reader().verify_audit().unwrap().rows, 0);
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
        let chain = store.reader().verify_audit().unwrap();
        assert_eq!(chain, Chain { rows: 3, last: read[2].hash.clone(), broken: None });
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
        for (harm, why) in [
            (alter, "it is not what was written"),
            (take, "it is missing"),
            (cut, "it is cut"),
            (again, "it is not what was written"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let mut store = Store::open(&dir.path().join("store.redb"), 1 << 20).unwrap();
            add(&mut store, &[deed(1), deed(2), deed(3)]);
            let transaction = store.file.begin_write().unwrap();
            harm(&mut transaction.open_table(AUDIT).unwrap());
            store.file.commit(transaction, true).unwrap();
            let chain = store.reader().verify_audit().unwrap();
            assert_eq!((chain.rows, chain.broken), (1, Some((2, why))));
        }
    }
}
