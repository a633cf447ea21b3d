use std::sync::Arc;

use super::*;
use crate::model::allocation::{
    Month, MonthEvent, MonthRecord, PriceBook, PricesVersion, Reading, ReadingRecord, Rules, RulesVersion, Superseded,
};
use crate::model::{
    Caller, Deed, Job, LicenseReading, LocalName, Partner, Run, RunKind, RunState, Text, Totals, Units,
};
use crate::store::backup::Copying;

/// A disk with room for so many bytes.
#[derive(Debug)]
struct Small(u64, redb::backends::InMemoryBackend);

impl redb::StorageBackend for Small {
    fn len(&self) -> std::io::Result<u64> {
        self.1.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.1.read(offset, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        if len > self.0 { Err(std::io::ErrorKind::StorageFull.into()) } else { self.1.set_len(len) }
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.1.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.1.write(offset, data)
    }
}

/// A sheet that does not hold any more.
fn superseded() -> Superseded {
    let event = MonthEvent {
        closed: true,
        by: "test".into(),
        at: Timestamp::UNIX_EPOCH,
        reason: None,
        bill: rust_decimal::Decimal::ZERO,
        untracked: rust_decimal::Decimal::ZERO,
        currency: None,
        rules: 1,
        prices: 1,
        data_at: None,
    };
    Superseded {
        number: 1,
        closed: event.clone(),
        reopened: event,
        sheet: "{}".into(),
        prices: PriceBook::default(),
        rules: Rules::default(),
    }
}

/// A store with a row in every table.
fn full(path: &Path) -> (Store, Tenant) {
    let mut store = store_at(path);
    let mut one = tenant(1);
    replace(&mut store, &mut one, 1, 3_000, true).unwrap();
    replace(&mut store, &mut one, 2, 700, true).unwrap();
    let snapshot = store.next_snapshot();
    one.skus.good = Some(good(2, snapshot));
    one.held = Packed::of(&[(Id::new(Uuid::from_u128(9)), 7u64)]);
    let units = Units { purchased: Some(9), assigned: Some(7) };
    let reading = LicenseReading {
        day: jiff::civil::date(2026, 11, 27),
        skus: Some([(Id::new(Uuid::from_u128(9)), units)].into()),
        held: None,
        sold: None,
    };
    let run = Run {
        id: store.next_run(),
        kind: RunKind::All,
        by: "test".into(),
        reason: None,
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: None,
        state: RunState::Running,
        refused: Vec::new(),
        tenants: 1,
        ok: 0,
        failed: 0,
        totals: Totals::default(),
        selling: None,
        jobs: Arc::new([(one.key.clone(), Job::queued(None))].into_iter().collect()),
    };
    let name = LocalName { name: "Ours".into(), by: "test".into(), at: Timestamp::UNIX_EPOCH };
    let mut batch = store.batch().unwrap();
    batch.stage_skus(snapshot, &[sku("SPE_E3"), sku("EMS")]).unwrap();
    batch.seal(snapshot).unwrap();
    batch.put_tenant(&one).unwrap();
    batch.put_licenses(&one.key, &reading).unwrap();
    batch.put_partner(&Partner::new(PartnerName::from("emea"))).unwrap();
    batch.put_name(Id::new(Uuid::from_u128(9)), Some(&name)).unwrap();
    batch.put_run(&run).unwrap();
    batch.put_jobs(&run, std::slice::from_ref(&one.key)).unwrap();
    let deed = Deed::plain(Timestamp::UNIX_EPOCH, Caller::alone("test".into()), "import", "");
    batch.put_deeds(&[deed]).unwrap();
    let (at, by, reason) = (Timestamp::UNIX_EPOCH, Text::from("test"), Text::from("why"));
    let (version, key) = (1, &one.key);
    let rules = RulesVersion { version, by: by.clone(), at, reason: reason.clone(), rules: Rules::default() };
    batch.put_rules(key, &rules).unwrap();
    batch.put_prices(key, &PricesVersion { version, by, at, reason, prices: PriceBook::default() }).unwrap();
    let record = MonthRecord { closed: None, events: Vec::new() };
    batch.put_month(key, Month::of(at), &record, &[b"lines".to_vec()], &[b"values".to_vec()]).unwrap();
    let snapshot = one.users.good.as_ref().unwrap().snapshot;
    batch.put_reading(key, Month::of(at), &ReadingRecord { users: snapshot, counted: Arc::default() }).unwrap();
    batch.put_superseded(key, Month::of(at), &superseded()).unwrap();
    batch.commit(true).unwrap();
    store.sealed().change("emea", |_| Ok::<_, StoreError>(Some(b"sealed".to_vec()))).unwrap();
    (store, one)
}

#[test]
fn every_table_is_copied_and_what_was_deleted_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (store, one) = full(&dir.path().join("store.redb"));
    store.load(1).unwrap();
    let copy = dir.path().join("copy.redb");
    let backup = store.backup(&copy, false).unwrap();
    assert_eq!((backup.tenants, backup.snapshots, backup.users), (1, 2, 700));
    assert_eq!(backup.bytes, std::fs::metadata(&copy).unwrap().len());
    let (_, size) = store.sizes().unwrap();
    assert!(backup.bytes < size, "{} of {size}: what the first set had is not in it", backup.bytes);
    let tables = store.reader().lengths().unwrap();
    assert!(tables.len() >= 22 && tables.iter().all(|(_, rows)| *rows > 0), "a row in each: {tables:?}");

    let copied = store_at(&copy);
    assert_eq!(copied.reader().lengths().unwrap(), tables);
    assert_eq!(copied.load(1).unwrap(), store.load(1).unwrap());
    assert_eq!(shown(&copied.reader(), &one), users(2, 700));
    assert_eq!(copied.sealed().get("emea").unwrap().as_deref(), Some(&b"sealed"[..]), "as it lies there");
    let days = |store: &Store| store.reader().licenses(&one.key, None, None).unwrap().rows;
    assert_eq!((days(&copied), days(&copied).len()), (days(&store), 1));
    // It goes on like the store that it was.
    drop(store);
    let mut copied = copied;
    let mut again = one.clone();
    replace(&mut copied, &mut again, 3, 50, true).unwrap();
    assert_eq!(shown(&copied.reader(), &again), users(3, 50));
}

#[test]
fn a_name_that_is_taken_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = full(&dir.path().join("store.redb"));
    let copy = dir.path().join("copy.redb");
    std::fs::write(&copy, "somebody's").unwrap();
    assert!(matches!(store.backup(&copy, false), Err(StoreError::Io { path, .. }) if path == copy));
    assert_eq!(std::fs::read(&copy).unwrap(), b"somebody's");
    store.backup(&copy, true).unwrap();
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "store, note, copy: {names:?}");
}

#[test]
fn a_full_disk_and_a_damaged_store_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, one) = full(&dir.path().join("store.redb"));
    for room in [0, 4_096, 100_000] {
        let full = store.reader().copy_into(Small(room, redb::backends::InMemoryBackend::new()));
        assert!(matches!(full, Err(Copying::Copy(_))), "{room}: {full:?}");
    }
    store.reader().copy_into(Small(64 << 20, redb::backends::InMemoryBackend::new())).unwrap();
    let mut batch = store.batch().unwrap();
    batch.drop_snapshot(one.users.good.as_ref().unwrap().snapshot).unwrap();
    batch.commit(true).unwrap();
    let copy = dir.path().join("copy.redb");
    let said = store.backup(&copy, false).unwrap_err().to_string();
    assert!(said.contains("is missing"), "{said}");
    assert!(!copy.exists(), "a copy that is not whole has no name");
}

#[test]
fn what_a_tenant_points_to_is_held_against_its_record() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, one) = full(&dir.path().join("store.redb"));
    let reader = store.reader();
    assert_eq!(reader.check(&one).unwrap(), (2, 700));
    let said = |tenant: &Tenant| reader.check(tenant).unwrap_err().to_string();
    let with = |alter: &dyn Fn(&mut Tenant)| {
        let mut other = one.clone();
        alter(&mut other);
        said(&other)
    };
    assert!(
        with(&|tenant| tenant.users.good.as_mut().unwrap().count = 701)
            .contains("has 700 users, the tenant's record says 701")
    );
    assert!(with(&|tenant| tenant.skus.good.as_mut().unwrap().count = 3).contains("has 2 SKUs"));
    assert!(with(&|tenant| tenant.users.before = Some(good(5, SnapshotId(99)))).contains("snapshot 99 is missing"));
    assert!(with(&|tenant| tenant.skus.before = Some(good(5, SnapshotId(99)))).contains("snapshot 99 is missing"));

    let reading = |snapshot: SnapshotId, count: u64| Reading {
        month: Month::of(Timestamp::UNIX_EPOCH),
        users: good(count, snapshot),
        skus_at: Timestamp::UNIX_EPOCH,
    };
    let stands = one.users.good.as_ref().unwrap().snapshot;
    let keeps = |reading: Reading| move |tenant: &mut Tenant| tenant.allocated.readings = vec![reading.clone()];
    assert!(with(&keeps(reading(SnapshotId(99), 5))).contains("snapshot 99 is missing"));
    assert!(with(&keeps(reading(stands, 701))).contains("has 700 users"));
    let other = Reading { month: Month::of(Timestamp::UNIX_EPOCH).after(), ..reading(stands, 700) };
    assert!(with(&keeps(other)).contains("the products of the reading of 1970-02 are missing"));
    let mut whole = one.clone();
    whole.allocated.readings = vec![reading(stands, 700)];
    assert_eq!(reader.check(&whole).unwrap(), (3, 1_400), "the good users, and those of the reading");

    // A page that nobody can read, and one that is gone.
    let snapshot = one.users.good.as_ref().unwrap().snapshot;
    let write = |table: redb::TableDefinition<'_, (u64, u32), &[u8]>, bytes: Option<&[u8]>| {
        let transaction = store.file.begin_write().unwrap();
        {
            let mut table = transaction.open_table(table).unwrap();
            match bytes {
                Some(bytes) => table.insert((snapshot.0, 1), bytes).map(drop).unwrap(),
                None => table.remove((snapshot.0, 1)).map(drop).unwrap(),
            }
        }
        store.file.commit(transaction, true).unwrap();
    };
    let page = UsersPage::encode(&users(2, 100)).unwrap();
    write(crate::store::batch::SEARCH, Some(&page.blobs[0].search));
    assert!(said(&one).contains("a page of search text is cut"), "{}", said(&one));
    write(crate::store::batch::SEARCH, None);
    assert!(said(&one).contains("a page of search text is missing"), "{}", said(&one));
    write(crate::store::batch::USERS, Some(&page.blobs[0].users));
    assert!(said(&one).contains("a page of users is cut"), "{}", said(&one));
    write(crate::store::batch::USERS, Some(b"\x01nonsense"));
    assert!(said(&one).contains("cannot be read"), "{}", said(&one));
    write(crate::store::batch::USERS, None);
    assert!(said(&one).contains("a page of users is missing"), "{}", said(&one));
    let half = store.next_snapshot();
    let mut batch = store.batch().unwrap();
    batch.stage_users(half, &UsersPage::encode(&users(2, 20)).unwrap()).unwrap();
    batch.commit(true).unwrap();
    assert!(with(&|tenant| tenant.users.good = Some(good(20, half))).contains("is half"));
}

#[test]
fn a_page_that_the_disk_spoilt_is_found_and_nothing_is_mended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let (store, one) = full(&path);
    store.verify().unwrap();
    let blob = {
        let transaction = store.file.begin_read().unwrap();
        let table = transaction.open_table(crate::store::batch::USERS).unwrap();
        let blob = table.get((one.users.good.as_ref().unwrap().snapshot.0, 1)).unwrap().unwrap();
        blob.value().to_vec()
    };
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = memchr::memmem::find(&bytes, &blob).unwrap();
    // Some bits of compressed texts alone, which read as other texts do.
    bytes[at + blob.len() / 2] ^= 1;
    std::fs::write(&path, &bytes).unwrap();

    let store = store_at(&path);
    let said = store.verify().unwrap_err();
    assert!(matches!(said, StoreError::Damaged { .. }), "{said}");
    let copy = dir.path().join("copy.redb");
    assert!(matches!(store.backup(&copy, false), Err(StoreError::Damaged { path: of, .. }) if of == path));
    assert!(!copy.exists());
    drop(store);
    let now = std::fs::read(&path).unwrap();
    assert_eq!(now[at..at + blob.len()], bytes[at..at + blob.len()], "it is left as it is");
}
