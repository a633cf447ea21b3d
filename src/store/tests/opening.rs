use super::*;
use crate::model::{Checks, DataSet, Explained, Known, LicenseReading, LocalName, SkuId, Sold, Subscription};

fn refused(path: &Path) -> StoreError {
    match Store::open(path, CACHE) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

#[test]
fn what_is_no_store_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(refused(dir.path()), StoreError::Io { .. }), "a directory");

    let plain = dir.path().join("plain");
    std::fs::write(&plain, "tenant;users\n").unwrap();
    assert!(matches!(refused(&plain.join("below.redb")), StoreError::Io { .. }), "below a file");

    let mut bytes = vec![0xa5; 64 << 10];
    for (name, head) in [("text", &b"tenant;users\n"[..]), ("short", b"redb"), ("magic", b"redb\x1a\x0a\xa9\x0d\x0a")] {
        let path = dir.path().join(name);
        bytes[..head.len()].copy_from_slice(head);
        let whole = if name == "short" { head.to_vec() } else { bytes.clone() };
        std::fs::write(&path, &whole).unwrap();
        let error = refused(&path);
        assert!(matches!(error, StoreError::Damaged { .. }), "{name}: {error}");
        assert!(error.to_string().contains(name), "the error names the file: {error}");
        assert_eq!(std::fs::read(&path).unwrap(), whole, "{name} is left as it is");
    }

    let foreign = dir.path().join("foreign");
    drop(redb::Database::create(&foreign).unwrap());
    let said = refused(&foreign).to_string();
    assert!(said.contains("not a store of tenantop"), "{said}");
}

#[test]
fn a_store_that_was_cut_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let mut store = store_at(&path);
    replace(&mut store, &mut tenant(1), 1, 5_000, true).unwrap();
    drop(store);
    let whole = std::fs::read(&path).unwrap();
    for keep in [9, 100, 4_096, 10_000, whole.len() / 4, whole.len() / 2] {
        let cut = dir.path().join(format!("cut-{keep}"));
        std::fs::write(&cut, &whole[..keep]).unwrap();
        let error = refused(&cut);
        assert!(matches!(error, StoreError::Damaged { .. } | StoreError::Io { .. }), "{keep}: {error}");
        assert_eq!(std::fs::read(&cut).unwrap(), whole[..keep], "cut at {keep}: left as it is");
    }
}

#[test]
fn a_newer_format_is_refused_with_both_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    drop(store_at(&path));
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("meta");
    transaction.open_table(meta).unwrap().insert("format", 9).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(refused(&path), StoreError::Newer { found: 9, known: 3, .. }));
}

#[test]
fn a_store_that_is_held_names_its_holder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let _first = store_at(&path);
    let said = refused(&path).to_string();
    assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
}

#[test]
fn a_store_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("below").join("store.redb");
    drop(store_at(&path));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn what_a_killed_import_left_is_swept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let mut store = store_at(&path);
    let mut one = tenant(1);
    replace(&mut store, &mut one, 1, 300, true).unwrap();
    let (before, _) = store.sizes().unwrap();
    let half = store.next_snapshot();
    let mut batch = store.batch().unwrap();
    batch.stage_users(half, &UsersPage::encode(&users(2, 20_000)).unwrap()).unwrap();
    batch.commit(true).unwrap();
    assert!(store.reader().users(half, &mut |_| true).is_err(), "nobody sees a snapshot that is not sealed");
    drop(store);

    let mut store = store_at(&path);
    let fleet = store.load(3600).unwrap();
    store.sweep(&fleet).unwrap();
    let (after, _) = store.sizes().unwrap();
    assert!(after <= before + 64 * 1024, "{before} bytes live before, {after} after");
    assert_eq!(shown(&store.reader(), &one), users(1, 300));
}

#[test]
fn a_store_that_is_replaced_again_and_again_does_not_grow() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = tenant(1);
    for night in 0..10 {
        replace(&mut store, &mut one, night, 30_000, true).unwrap();
        store.compact_when_idle().unwrap();
    }
    let (live, file) = store.sizes().unwrap();
    assert!(file <= 2 * live + (4 << 20), "{live} bytes live in a file of {file}");
    assert_eq!(shown(&store.reader(), &one).len(), 30_000);
}

#[test]
fn license_counts_lie_beside_the_record_of_a_tenant_or_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let mut store = store_at(&path);
    let mut tenants: Vec<Tenant> = (1..=3).map(tenant).collect();
    for (tenant, n) in tenants.iter_mut().zip(1..) {
        tenant.held = Packed::of(&[(Id::new(Uuid::from_u128(9)), n)]);
        tenant.sku_counts = Packed::of(&[SkuCount::from(&sku("SPE_E3")), SkuCount::from(&sku("EMS"))]);
    }
    let mut batch = store.batch().unwrap();
    for tenant in &tenants {
        batch.put_tenant(tenant).unwrap();
    }
    batch.commit(true).unwrap();
    assert!(store.load(1).unwrap().tenants.values().eq(&tenants));

    // As programs wrote it that had no place for the counts alone.
    let transaction = store.file.begin_write().unwrap();
    let name = format!("emea\0{}", tenants[1].key.tenant);
    let record = codec::record(&tenants[1]).unwrap();
    let definition: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("tenants");
    transaction.open_table(definition).unwrap().insert(name.as_str(), record.as_slice()).unwrap();
    let definition: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("counts");
    transaction.open_table(definition).unwrap().remove(name.as_str()).unwrap();
    store.file.commit(transaction, true).unwrap();
    assert!(store.load(1).unwrap().tenants.values().eq(&tenants));
}

/// The file was written by the last version with this format.
#[test]
fn a_store_of_the_first_format_is_read() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/v1.redb.zst");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    std::fs::write(&path, zstd::decode_all(&*std::fs::read(&kept).unwrap()).unwrap()).unwrap();
    let store = store_at(&path);
    let fleet = store.load(3600).unwrap();
    let one = &fleet.tenants[&key(1)];
    assert_eq!(shown(&store.reader(), one), users(7, 300));
    let rows = store.reader().skus(one.skus.good.as_ref().unwrap().snapshot).unwrap();
    assert_eq!(rows, [sku("SPE_E3"), sku("EMS")]);
    drop(store);
    let format = || {
        let database = redb::Database::open(&path).unwrap();
        let transaction = redb::ReadableDatabase::begin_read(&database).unwrap();
        let meta: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("meta");
        transaction.open_table(meta).unwrap().get("format").unwrap().unwrap().value()
    };
    assert_eq!(format(), 3, "a program that cannot read what is written from here on refuses it by its number");
}

/// What the stores of the second and third format have of their one tenant.
struct Second {
    sku_id: SkuId,
    checks: Checks,
    known: Known,
    sale: Subscription,
    name: LocalName,
    at: Timestamp,
}

impl Second {
    fn new() -> Self {
        let sku_id: SkuId = "05e9a617-0261-4cee-bb44-138d3ef5d965".parse().unwrap();
        let at: Timestamp = "2026-11-27T02:10:00Z".parse().unwrap();
        let until = at.checked_add(jiff::SignedDuration::from_hours(48)).unwrap();
        let what = Explained { sku_id, finding: "over 1".into(), reason: "known".into(), until };
        Self {
            sku_id,
            checks: Checks { holders: 7, held: 7, consumed: 8, ..Checks::default() },
            known: Known { what, by: "jdoe".into(), at },
            sale: Subscription {
                id: "a".into(),
                quantity: 8,
                status: "active".into(),
                sku_id: Some(sku_id),
                ..Default::default()
            },
            name: LocalName { name: "E3".into(), by: "jdoe".into(), at },
            at,
        }
    }

    fn write(&self, path: &Path) -> Store {
        let mut store = store_at(path);
        let mut one = tenant(1);
        replace(&mut store, &mut one, 7, 300, true).unwrap();
        let (before, now) = (store.next_snapshot(), store.next_snapshot());
        one.skus = DataSet { good: Some(good(2, now)), before: Some(good(1, before)), failing: None };
        one.held = Packed::of(&[(self.sku_id, 7)]);
        one.sku_counts = Packed::of(&[SkuCount::from(&sku("SPE_E3"))]);
        one.checks = Some(Box::new(self.checks));
        one.known = vec![self.known.clone()];
        let subscriptions = Packed::of(std::slice::from_ref(&self.sale));
        one.sold = Some(Box::new(Sold { read_at: Some(self.at), subscriptions, ..Sold::default() }));
        let mut batch = store.batch().unwrap();
        batch.stage_skus(before, &[sku("EMS")]).unwrap();
        batch.seal(before).unwrap();
        batch.stage_skus(now, &[sku("SPE_E3"), sku("EMS")]).unwrap();
        batch.seal(now).unwrap();
        batch.put_name(self.sku_id, Some(&self.name)).unwrap();
        let held = Some([(self.sku_id, 7)].into());
        let reading = LicenseReading { day: jiff::civil::date(2026, 11, 27), skus: None, held, sold: None };
        batch.put_licenses(&one.key, &reading).unwrap();
        batch.put_tenant(&one).unwrap();
        batch.commit(true).unwrap();
        store
    }

    fn assert_read(&self, store: &mut Store) {
        let fleet = store.load(3600).unwrap();
        store.sweep(&fleet).unwrap();
        let one = &fleet.tenants[&key(1)];
        let reader = store.reader();
        assert_eq!(shown(&reader, one), users(7, 300));
        let skus = |good: &Option<crate::model::Good>| reader.skus(good.as_ref().unwrap().snapshot).unwrap();
        assert_eq!(skus(&one.skus.good), [sku("SPE_E3"), sku("EMS")]);
        assert_eq!(skus(&one.skus.before), [sku("EMS")], "the one before is kept");
        assert_eq!((one.checks.as_deref(), &*one.known), (Some(&self.checks), std::slice::from_ref(&self.known)));
        assert_eq!((one.held.to_vec(), one.sku_counts.len()), (vec![(self.sku_id, 7)], 1));
        let sold = one.sold.as_deref().unwrap();
        assert_eq!((sold.read_at, sold.subscriptions.to_vec()), (Some(self.at), vec![self.sale.clone()]));
        assert_eq!(fleet.catalog.local()[&self.sku_id], self.name);
        let days = reader.licenses(&one.key, Some(self.sku_id), None).unwrap();
        assert_eq!((days.rows.len(), days.rows[0].held), (1, Some(7)));
    }
}

fn kept(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores").join(name)
}

/// The file was written by the last version with this format.
#[test]
fn a_store_of_the_second_format_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    std::fs::write(&path, zstd::decode_all(&*std::fs::read(kept("v2.redb.zst")).unwrap()).unwrap()).unwrap();
    let mut store = store_at(&path);
    Second::new().assert_read(&mut store);
    assert_eq!(store.sealed().get("emea").unwrap(), None, "nothing was sealed in it");
}

/// The file was written by the first version with this format. `UPDATE=stores` writes it anew, which is right only while
/// the format has not been released: `UPDATE=1`, which pages and pictures go by, leaves it alone.
#[test]
fn a_store_of_the_third_format_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let sealed = b"TTV1 what nobody reads here";
    let put = |_: Option<&[u8]>| Ok::<_, StoreError>(Some(sealed.to_vec()));
    if std::env::var_os("UPDATE").is_some_and(|wanted| wanted == "stores") {
        let store = Second::new().write(&path);
        store.sealed().change("emea", put).unwrap();
        drop(store);
        std::fs::write(kept("v3.redb.zst"), zstd::encode_all(&*std::fs::read(&path).unwrap(), 19).unwrap()).unwrap();
    }
    std::fs::write(&path, zstd::decode_all(&*std::fs::read(kept("v3.redb.zst")).unwrap()).unwrap()).unwrap();
    let mut store = store_at(&path);
    Second::new().assert_read(&mut store);
    assert_eq!(store.sealed().get("emea").unwrap().as_deref(), Some(&sealed[..]));
}

#[test]
fn a_holder_on_its_way_out_is_waited_for_and_another_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let held = Store::open(&path, CACHE).unwrap();
    let Err(StoreError::Held { holder, .. }) = Store::open(&path, CACHE) else { panic!("two hold one store") };
    assert!(holder.contains(&std::process::id().to_string()), "{holder}");
    let (begun, waits) = std::sync::mpsc::sync_channel(0);
    let other = std::thread::spawn({
        let path = path.clone();
        move || {
            begun.send(()).unwrap();
            Store::open(&path, CACHE).map(drop)
        }
    });
    waits.recv().unwrap();
    drop(held);
    other.join().unwrap().unwrap();
}
