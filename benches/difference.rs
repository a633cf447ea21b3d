//! How soon the difference of two imports is there: 100,000 users with 1,000 changes, and what it costs at most.
//!
//! `cargo bench --bench difference` prints a table and fails when a limit is broken. The yardstick is the same
//! comparison done plainly: both imports read user by user into a map. Both must find the same.
#![expect(clippy::print_stdout, reason = "a bench speaks to a person")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

mod people;

use std::collections::HashMap;
use std::time::Instant;

use people::{Random, users_page};
use tenantop::cloud::decode_users;
use tenantop::model::{DiffLook, DiffSums, SnapshotId, TextField, User, UserId, user_rows};
use tenantop::store::{Store, UsersPage};

/// Users of an import.
const USERS: usize = 100_000;
/// Users of the largest tenant.
const LARGEST: usize = 500_000;
/// Users of a page, as Graph gives them.
const PAGE: usize = 999;
/// The fastest of so many counts.
const ROUNDS: u32 = 5;

fn main() {
    let cores = std::thread::available_parallelism().unwrap();
    println!("{cores} cores\n");
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join("store.redb"), 64 << 20).unwrap();
    let mut broken = Vec::new();
    let mut row = |title: &str, value: f64, unit: &str, limit: f64| {
        println!("{title:<56} {value:>9.2} {unit:<5} limit {limit}");
        if value > limit {
            broken.push(format!("{title}: {value:.2} {unit}, the limit is {limit}"));
        }
    };

    let before = made(USERS);
    let mut now = before.clone();
    change(&mut now);
    let pair = [&before, &now].map(|users| stored(&mut store, users));
    let (plain, want) = timed(|| plainly(&store, pair));
    let (ours, found) = timed(|| difference(&store, pair));
    assert_eq!(found, want, "both find the same");
    assert_eq!(found.total(), 1_000);
    println!("{:<56} {plain:>9.2} s", "100,000 users, 1,000 changes: compared plainly");
    row("100,000 users, 1,000 changes: the difference", ours, "s", 1.0);
    row("100,000 users, 1,000 changes: of the plain comparison", ours / plain, "times", 0.6);

    now.reverse();
    let turned = stored(&mut store, &now);
    let (seconds, found) = timed(|| difference(&store, [pair[0], turned]));
    assert_eq!(found, want, "another order changes nothing");
    println!("{:<56} {seconds:>9.2} s", "the same, the second import in another order");
    drop((before, now));

    let before = made(LARGEST);
    let mut now = before.clone();
    change(&mut now);
    let pair = [&before, &now].map(|users| stored(&mut store, users));
    let (seconds, found) = timed(|| difference(&store, pair));
    assert_eq!(found.total(), 1_000);
    println!("{:<56} {seconds:>9.2} s", "500,000 users, 1,000 changes: the difference");
    for user in &mut now {
        user.texts[TextField::CompanyName as usize] = Some("Contoso Rail SE".into());
    }
    let all = stored(&mut store, &now);
    let (seconds, found) = timed(|| difference(&store, [pair[0], all]));
    assert!(found.total() > 499_000);
    println!("{:<56} {seconds:>9.2} s", "500,000 users, each in another company");
    if !broken.is_empty() {
        println!("\nlimits broken:\n  {}", broken.join("\n  "));
        std::process::exit(1);
    }
}

/// The least seconds that something takes, and what it gives.
fn timed<T>(what: impl Fn() -> T) -> (f64, T) {
    let mut best = f64::MAX;
    let mut given = None;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        given = Some(what());
        best = best.min(began.elapsed().as_secs_f64());
    }
    (best, given.unwrap())
}

fn difference(store: &Store, [before, now]: [SnapshotId; 2]) -> DiffSums {
    let look = DiffLook { users: [Some(before), Some(now)], skus: [None; 2] };
    store.reader().difference(&look, &|| true).unwrap().unwrap().sums
}

/// The same without any art.
fn plainly(store: &Store, [before, now]: [SnapshotId; 2]) -> DiffSums {
    let read = |snapshot| {
        let mut users: HashMap<UserId, User> = HashMap::new();
        let keep = &mut |user: User| {
            users.insert(user.id, user);
            true
        };
        store.reader().users(snapshot, keep).unwrap();
        users
    };
    let (before, now) = (read(before), read(now));
    let mut sums = DiffSums::default();
    let gone = before.values().filter(|user| !now.contains_key(&user.id)).map(|user| (Some(user), None));
    for (before, now) in now.values().map(|user| (before.get(&user.id), Some(user))).chain(gone) {
        for row in user_rows(before, now) {
            sums.add(row.kind);
        }
    }
    sums
}

/// So many users, decoded as those of an import.
fn made(count: usize) -> Vec<User> {
    let mut random = Random(7);
    let mut users = Vec::with_capacity(count);
    while users.len() < count {
        let rows = PAGE.min(count - users.len());
        users.extend(decode_users(&users_page(rows, None, &mut random)).unwrap().0);
    }
    users
}

/// A thousand changes all over the users: of 10 each 1 is new, 1 gone, 2 renamed, 3 moved, 1 promoted, 2 change licenses.
fn change(users: &mut Vec<User>) {
    let step = users.len() / 1_000;
    let mut fresh = Random(11);
    let mut come = decode_users(&users_page(100, None, &mut fresh)).unwrap().0.into_iter();
    let mut changed = Vec::with_capacity(users.len());
    for (n, mut user) in users.drain(..).enumerate() {
        let mut set = |field: TextField, text: &str| user.texts[field as usize] = Some(text.into());
        match (n % step, n / step % 10) {
            (0, 0) => changed.extend(come.next()),
            (0, 1) => continue,
            (0, 2 | 3) => set(TextField::Surname, "Changed"),
            (0, 4..=6) => set(TextField::Department, "Changed"),
            (0, 7) => set(TextField::JobTitle, "Changed"),
            (0, _) => {
                let mut held = user.licenses.take().unwrap_or_default();
                let sku = people::SKUS[3].0.parse().unwrap();
                if held.len() < 4 {
                    held.push(tenantop::model::AssignedLicense { sku_id: Some(sku), disabled_plans: vec![] });
                }
                user.licenses = Some(held);
            }
            _ => {}
        }
        changed.push(user);
    }
    *users = changed;
}

/// A whole import in the store.
fn stored(store: &mut Store, users: &[User]) -> SnapshotId {
    let snapshot = store.next_snapshot();
    for page in users.chunks(PAGE) {
        let mut batch = store.batch().unwrap();
        batch.stage_users(snapshot, &UsersPage::encode(page).unwrap()).unwrap();
        batch.commit(false).unwrap();
    }
    let mut batch = store.batch().unwrap();
    batch.seal(snapshot).unwrap();
    batch.commit(true).unwrap();
    snapshot
}
