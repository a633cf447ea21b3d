use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn partner(name: &str) -> config::Partner {
    toml::from_str(&format!(
        "name = '{name}'\ntenant_id = '8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f44'\nclient_id = '8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f45'\nservice_account = 'a@{name}'"
    ))
    .unwrap()
}

type Records = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A shelf in memory, and what lies on it.
fn shelf() -> (Shelf, Records) {
    let records = Records::default();
    let (read, write) = (Arc::clone(&records), Arc::clone(&records));
    let shelf = Shelf::new(
        move |name| Ok(read.lock().unwrap().get(name).cloned()),
        move |name, turn| {
            let mut records = write.lock().unwrap();
            if let Some(new) = turn(records.get(name).map(Vec::as_slice))? {
                records.insert(name.to_owned(), new);
            }
            Ok(())
        },
    );
    (shelf, records)
}

fn vault(shelf: &Shelf, dir: &Path, config: &config::Credentials) -> Vault {
    Vault::new(shelf.clone(), dir, config, None)
}

fn tokens(place: &Place) -> (String, Option<String>) {
    let kept = place.read().unwrap().unwrap();
    (kept.current.expose_secret().to_owned(), kept.previous.map(|token| token.expose_secret().to_owned()))
}

#[test]
fn a_token_is_sealed_and_one_before_it_is_kept_until_it_has_worked() {
    let dir = tempfile::tempdir().unwrap();
    let (shelf, records) = shelf();
    let vault = vault(&shelf, dir.path(), &config::Credentials::default());
    let place = vault.place(&partner("emea"));
    assert!(place.read().unwrap().is_none());
    store_refresh_token(&vault, &partner("emea"), " 0.first-token\n", NOW).unwrap();
    assert_eq!(tokens(&place), ("0.first-token".into(), None));
    let later = NOW.checked_add(jiff::SignedDuration::from_hours(5)).unwrap();
    place.rotate(&"0.first-token".into(), &"0.second-token".into(), later).unwrap();
    assert_eq!(tokens(&place), ("0.second-token".into(), Some("0.first-token".into())));
    place.worked(&"0.first-token".into()).unwrap();
    assert_eq!(tokens(&place).1, Some("0.first-token".into()), "that the old one works says nothing of the new one");
    place.worked(&"0.second-token".into()).unwrap();
    assert_eq!(tokens(&place), ("0.second-token".into(), None));
    let before = records.lock().unwrap().clone();
    place.worked(&"0.second-token".into()).unwrap();
    assert_eq!(*records.lock().unwrap(), before, "nothing is written that says nothing new");
    place.rotate(&"0.second-token".into(), &"0.third-token".into(), later).unwrap();
    assert_eq!(tokens(&place), ("0.third-token".into(), Some("0.second-token".into())));
    let kept = place.read().unwrap().unwrap();
    assert_eq!((kept.stored_at, kept.issued_at), (Some(NOW), Some(later)), "a rotation is no sign-in");
    store_refresh_token(&vault, &partner("emea"), "0.anew-token", NOW).unwrap();
    place.rotate(&"0.third-token".into(), &"0.late-token".into(), later).unwrap();
    place.worked(&"0.third-token".into()).unwrap();
    assert_eq!(tokens(&place), ("0.anew-token".into(), None), "a sign-in in between stays");
    for (name, bytes) in records.lock().unwrap().iter() {
        assert!(!bytes.windows(6).any(|window| window == b"-token"), "{name} holds it in the clear");
    }
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["vault.key"], "no token lies in a file");
}

#[test]
fn a_sign_in_takes_no_token_away_that_came_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(&shelf().0, dir.path(), &config::Credentials::default());
    let place = vault.place(&partner("emea"));
    store_refresh_token(&vault, &partner("emea"), "0.first-token", NOW).unwrap();
    // Two redeem the first one at once.
    place.rotate(&"0.first-token".into(), &"0.second-token".into(), NOW).unwrap();
    place.rotate(&"0.first-token".into(), &"0.third-token".into(), NOW).unwrap();
    assert_eq!(tokens(&place), ("0.third-token".into(), Some("0.first-token".into())));
    // An operator stores another while one is being redeemed.
    store_refresh_token(&vault, &partner("emea"), "0.operators-token", NOW).unwrap();
    place.rotate(&"0.third-token".into(), &"0.fourth-token".into(), NOW).unwrap();
    assert_eq!(tokens(&place), ("0.operators-token".into(), None));
}

#[test]
fn a_record_in_the_wrong_place_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (shelf, records) = shelf();
    let vault = vault(&shelf, dir.path(), &config::Credentials::default());
    store_refresh_token(&vault, &partner("emea"), "0.token", NOW).unwrap();
    let good = records.lock().unwrap()["emea"].clone();
    let error = |name: &str, record: &[u8]| {
        records.lock().unwrap().insert(name.to_owned(), record.to_owned());
        vault.place(&partner(name)).read().err().expect(name)
    };
    assert!(error("apac", &good).contains("sealed for another partner"));
    assert!(error("apac", &good).contains("tenantop login --partner apac"));
    // Each byte counts: the counter, the nonce, the text, its end.
    for at in [5, HEAD + 1, HEAD + NONCE + 1, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(error("emea", &bad).contains("damaged"), "{at}");
    }
    for length in [0, 3, 11, 12, 35, 36, good.len() - 1] {
        assert!(error("emea", &good[..length]).contains("damaged"), "{length}");
    }
    assert!(error("emea", &[&good[..], &vec![0; RECORD_LIMIT]].concat()).contains("damaged"));
    records.lock().unwrap().insert("emea".to_owned(), good);
    std::fs::remove_file(dir.path().join("vault.key")).unwrap();
    let elsewhere = Vault::new(shelf, dir.path(), &config::Credentials::default(), None).place(&partner("emea"));
    let why = elsewhere.read().err().unwrap();
    assert!(
        why.contains("is not here; bring it back")
            && why.contains("vault.key cannot be read")
            && why.contains("tenantop login --partner emea"),
        "{why}"
    );
    assert!(!dir.path().join("vault.key").exists(), "reading makes no key");
}

/// A private file with a key of one letter.
fn key(path: &Path, letter: u8) {
    std::fs::write(path, [letter; 32]).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_new_key_seals_anew_what_the_one_before_it_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let (shelf, _) = shelf();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    key(&one, b'1');
    key(&two, b'2');
    let keys = |current: &Path, previous: Option<&Path>| config::Credentials {
        key_file: Some(current.to_owned()),
        previous_key_file: previous.map(Path::to_owned),
    };
    let emea = partner("emea");
    store_refresh_token(&vault(&shelf, dir.path(), &keys(&one, None)), &emea, "0.first", NOW).unwrap();
    let both = vault(&shelf, dir.path(), &keys(&two, Some(&one))).place(&emea);
    assert!(both.read().unwrap().unwrap().by_older_key);
    let alone = || vault(&shelf, dir.path(), &keys(&two, None)).place(&emea).read();
    assert!(alone().is_err(), "the new key opens nothing yet");
    both.rotate(&"0.first".into(), &"0.second".into(), NOW).unwrap();
    assert!(!both.read().unwrap().unwrap().by_older_key);
    assert_eq!(alone().unwrap().unwrap().current.expose_secret(), "0.second", "it needs the old one no more");
    // Where nothing rotates, what has worked is sealed anew.
    store_refresh_token(&vault(&shelf, dir.path(), &keys(&one, None)), &emea, "0.third", NOW).unwrap();
    both.worked(&"0.third".into()).unwrap();
    assert_eq!(alone().unwrap().unwrap().current.expose_secret(), "0.third");
}

/// A file as older programs wrote it: the record itself, with two or three lines in it.
fn old_file(vault: &Vault, lines: &str) -> Vec<u8> {
    let place = vault.place(&partner("emea"));
    let ring = vault.keys.ring(true).unwrap();
    let nonce = XNonce::from([7; NONCE]);
    let aad = format!("{}|{}", place.bound_to, 41);
    let payload = Payload { msg: lines.as_bytes(), aad: aad.as_bytes() };
    let text = ring.seal.cipher().encrypt(&nonce, payload).unwrap();
    let file = [&MAGIC[..], &41_u64.to_le_bytes(), &nonce, &text].concat();
    std::fs::write(place.old_file(), &file).unwrap();
    std::fs::set_permissions(place.old_file(), std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}

#[test]
fn files_of_older_programs_are_taken_over_once_and_a_crash_in_between_loses_nothing() {
    for (lines, previous, stored_at) in [
        ("0.current", None, None),
        ("0.current\n0.older\n0", Some("0.older"), Some(NOW)),
        ("0.current\n\n0", None, Some(NOW)),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (shelf, records) = shelf();
        let vault = vault(&shelf, dir.path(), &config::Credentials::default());
        let place = vault.place(&partner("emea"));
        let file = old_file(&vault, lines);
        let want = ("0.current".to_owned(), previous.map(str::to_owned));
        assert_eq!(tokens(&place), want, "it can be looked at");
        assert!(records.lock().unwrap().is_empty() && place.old_file().exists(), "a look takes nothing over");
        place.take_over().unwrap();
        assert!(!place.old_file().exists());
        assert_eq!((tokens(&place), place.read().unwrap().unwrap().stored_at), (want.clone(), stored_at));
        // A kill after the record was durable: the file is there still.
        place.rotate(&"0.current".into(), &"0.next".into(), NOW).unwrap();
        std::fs::write(place.old_file(), &file).unwrap();
        std::fs::set_permissions(place.old_file(), std::fs::Permissions::from_mode(0o600)).unwrap();
        place.take_over().unwrap();
        assert_eq!((tokens(&place).0, place.old_file().exists()), ("0.next".into(), false), "the younger one stays");
    }
    let dir = tempfile::tempdir().unwrap();
    let (shelf, records) = shelf();
    let here = vault(&shelf, dir.path(), &config::Credentials::default());
    old_file(&here, "0.current");
    let place = Vault { shelf: Shelf::none("the disk is full"), ..here.clone() }.place(&partner("emea"));
    assert_eq!(place.take_over().unwrap_err(), "the disk is full");
    assert!(place.old_file().exists(), "what is not durable elsewhere is not removed");
    std::fs::set_permissions(place.old_file(), std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(here.place(&partner("emea")).take_over().unwrap_err().contains("chmod 600"));
    // Who signs in anew needs no file, and the counter goes on.
    store_refresh_token(&here, &partner("emea"), "0.anew", NOW).unwrap();
    assert!(!place.old_file().exists());
    assert_eq!(counter(&records.lock().unwrap()["emea"]), Some(1), "a file that others can read is not looked at");
}

#[test]
fn what_is_no_refresh_token_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (shelf, records) = shelf();
    let vault = vault(&shelf, dir.path(), &config::Credentials::default());
    for bad in ["", "  \n", "two words", "eyJ0.eyJ1.sig", &"x".repeat(20_000)] {
        assert!(store_refresh_token(&vault, &partner("emea"), bad, NOW).is_err(), "{bad:.20}");
    }
    assert!(records.lock().unwrap().is_empty());
}
