use super::*;

fn put(record: &[u8]) -> impl FnOnce(Option<&[u8]>) -> Result<Option<Vec<u8>>, StoreError> {
    let record = record.to_vec();
    move |_| Ok(Some(record))
}

#[test]
fn a_record_is_changed_whole_or_not_at_all_and_lies_there_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let store = store_at(&path);
    let sealed = store.sealed();
    assert_eq!(sealed.get("emea").unwrap(), None);
    sealed.change("emea", put(b"one")).unwrap();
    sealed.change("apac", put(b"other")).unwrap();
    // Neither a turn that refuses nor one that wants nothing changes anything.
    let refused = sealed.change("emea", |found| {
        assert_eq!(found, Some(&b"one"[..]));
        Err(StoreError::Gone(SnapshotId(1)))
    });
    assert!(matches!(refused, Err(StoreError::Gone(_))));
    sealed.change("emea", |_| Ok::<_, StoreError>(None)).unwrap();
    sealed.change("emea", put(b"two")).unwrap();
    // What a kill leaves is the file as it is now.
    let copy = dir.path().join("killed.redb");
    std::fs::copy(&path, &copy).unwrap();
    let killed = store_at(&copy);
    assert_eq!(killed.sealed().get("emea").unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(killed.sealed().get("apac").unwrap().as_deref(), Some(&b"other"[..]));
}

#[test]
fn it_does_not_keep_the_store_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let store = store_at(&path);
    let sealed = store.sealed();
    drop(store);
    assert!(sealed.change("emea", put(b"late")).unwrap_err().to_string().contains("it was closed meanwhile"));
    assert_eq!(store_at(&path).sealed().get("emea").unwrap(), None);
}

/// The core commits, others change records, and the file is made smaller: each waits for the other, and nothing is lost.
#[test]
fn it_goes_on_beside_the_writer_and_loses_no_turn() {
    const TURNS: u8 = 40;
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = tenant(1);
    replace(&mut store, &mut one, 0, 9_000, true).unwrap();
    let count = |found: Option<&[u8]>| found.and_then(|found| found.first()).copied().unwrap_or(0);
    let others: Vec<_> = (0..3)
        .map(|_| {
            let sealed = store.sealed();
            std::thread::spawn(move || {
                for _ in 0..TURNS {
                    sealed.change("emea", |found| Ok::<_, StoreError>(Some(vec![count(found) + 1]))).unwrap();
                }
            })
        })
        .collect();
    for set in 1..12 {
        replace(&mut store, &mut one, set, 9_000, set % 2 == 0).unwrap();
        store.compact_when_idle().unwrap();
    }
    for other in others {
        other.join().unwrap();
    }
    assert_eq!(count(store.sealed().get("emea").unwrap().as_deref()), 3 * TURNS);
    assert_eq!(shown(&store.reader(), &one), users(11, 9_000));
}
