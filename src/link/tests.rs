//! What goes over the socket comes out as it was, and bytes that are no frame of ours do nothing.

use bytes::BytesMut;
use proptest::prelude::*;
use uuid::Uuid;

use super::wire::{Arriving, Ask, Greeting, Recalling, Tell, Version, decode, encode, picture, recalled};
use crate::model::{self, Change, Command, Due, DueWhy, Event, Fleet, Id, Job, Key, Scope, Shared, TenantId};

/// A fleet that real runs made, and the facts of which it is made.
fn practice() -> (Fleet, Vec<Change>) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fleets/practice.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let changes: Vec<Change> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(changes.len() > 500, "{} facts", changes.len());
    let mut fleet = Fleet::new([], [], [], 93_600);
    for change in &changes {
        fleet.apply(change);
    }
    (fleet, changes)
}

fn read<T: serde::de::DeserializeOwned>(frame: &[u8]) -> Option<T> {
    decode(&BytesMut::from(frame)).ok()
}

/// A schedule is kept, and every tenant is due for another reason.
fn scheduled(fleet: &Fleet) -> Vec<Change> {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let whys =
        [DueWhy::Slot, DueWhy::Refused, DueWhy::HeldBack, DueWhy::Pause, DueWhy::Cancelled, DueWhy::Retry { n: 2 }];
    let due = |(key, why): (&Key, &DueWhy)| (key.clone(), Some(Due { at, why: *why }));
    let mut tenants: Vec<_> = fleet.tenants.keys().zip(whys.iter().cycle()).map(due).collect();
    tenants.extend(fleet.tenants.keys().next().map(|key| (key.clone(), None)));
    let partners = fleet.partners.keys().map(|name| (name.clone(), model::Ask { at, refused: true })).collect();
    vec![Change::Scheduled { window: "01:00-05:00".into() }, Change::Due { tenants, partners }]
}

#[tokio::test]
async fn a_picture_comes_out_as_it_was() {
    let (mut fleet, _) = practice();
    for change in scheduled(&fleet) {
        fleet.apply(&change);
    }
    let (mut arriving, mut recalling) = (None, Recalling::default());
    let mut whole: Option<Fleet> = None;
    for frame in picture(&fleet) {
        let tell = read(&frame.unwrap()).expect("a frame");
        if let Tell::Head(head) = tell {
            arriving = Some(Arriving::new(*head));
        } else if let Tell::Tenants(packed) = tell {
            arriving.as_mut().unwrap().take(packed);
        } else if let Tell::Jobs { run, last, jobs } = tell {
            if let Some(change) = recalling.take(run, last, &jobs).unwrap() {
                whole.as_mut().expect("tenants of runs come last").apply(&change);
            }
        } else {
            assert!(matches!(tell, Tell::Whole), "{tell:?}");
            whole = Some(arriving.take().unwrap().whole().await.unwrap());
        }
    }
    assert_eq!(whole.unwrap(), fleet);
    // Half a picture is none.
    let mut frames = picture(&fleet);
    let Some(Tell::Head(head)) = read(&frames.next().unwrap().unwrap()) else { panic!("a head") };
    assert!(Arriving::new(*head).whole().await.is_err());
}

#[test]
fn the_tenants_of_a_large_run_come_in_frames_and_are_one_fact() {
    let (fleet, _) = practice();
    let run = fleet.runs.values().find(|run| !run.jobs.is_empty()).unwrap();
    let job = run.jobs.values().max_by_key(|job| job.log.len()).unwrap();
    for count in [0, 1, 1_000, 2_001] {
        let partner = run.jobs.keys().next().unwrap().partner.clone();
        let key = |n: u128| Key { partner: partner.clone(), tenant: Id::new(Uuid::from_u128(n)) };
        let jobs: Shared<Key, Job> = (0..count).map(|n| (key(n), job.clone())).collect();
        let (mut recalling, mut found) = (Recalling::default(), Vec::new());
        for frame in recalled(run.id, &jobs) {
            let frame = frame.unwrap();
            assert!(frame.len() < 2 << 20, "{} bytes", frame.len());
            let Some(Tell::Jobs { run, last, jobs }) = read(&frame) else { panic!("tenants of a run") };
            found.extend(recalling.take(run, last, &jobs).unwrap());
        }
        assert_eq!(found, [Change::Recalled { run: run.id, jobs: jobs.into() }]);
    }
}

#[test]
fn every_fact_comes_out_as_it_was() {
    let (fleet, mut changes) = practice();
    changes.extend(scheduled(&fleet));
    for change in changes {
        let Ok(tell) = Tell::of(Event::Change(change.clone().into())) else { panic!("a fact is one frame") };
        match read(&encode(&tell).unwrap()) {
            Some(Tell::Change(again)) => assert_eq!(*again, change),
            other => panic!("{other:?} of {change:?}"),
        }
    }
}

#[test]
fn a_wish_with_a_member_that_nobody_knows_is_refused() {
    let key = Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::from_u128(1)) };
    let wish = Command::Import { scope: Scope::Tenants(vec![key]), list: false, reason: Some("why".into()) };
    let frame = encode(&Ask::Wish(Box::new(wish.clone()))).unwrap();
    assert!(matches!(read(&frame), Some(Ask::Wish(again)) if *again == wish));
    let packed = |value: serde_json::Value| rmp_serde::to_vec_named(&value).unwrap();
    let sync = |more: &str, value: serde_json::Value| {
        let mut members = serde_json::json!({ "partner": null });
        members[more] = value;
        packed(serde_json::json!({ "Wish": { "sync": members } }))
    };
    assert!(read::<Ask>(&sync("partner", serde_json::Value::Null)).is_some());
    assert!(read::<Ask>(&sync("file", "/etc/passwd".into())).is_none(), "no file is named");
    let errand =
        packed(serde_json::json!({ "protocol": 1, "version": "1", "door": "Console", "hints": {}, "path": "/x" }));
    assert!(read::<Greeting>(&errand).is_none());
    assert!(read::<Version>(&errand).is_some(), "what every version says is read");
}

proptest! {
    #[test]
    fn bytes_that_are_no_frame_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = (read::<Ask>(&bytes), read::<Greeting>(&bytes), read::<Tell>(&bytes), read::<Version>(&bytes));
    }

    #[test]
    fn a_frame_with_flipped_bytes_is_read_or_refused(at in 0_usize..400, byte in any::<u8>(), cut in 0_usize..400) {
        let key = Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::from_u128(1)) };
        let wish = Command::Import { scope: Scope::Tenants(vec![key; 4]), list: false, reason: None };
        let mut frame = encode(&Ask::Wish(Box::new(wish))).unwrap().to_vec();
        let length = frame.len();
        frame[at % length] = byte;
        frame.truncate(length - cut % length);
        let _ = (read::<Ask>(&frame), read::<Tell>(&frame));
    }
}
