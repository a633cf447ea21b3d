//! What a user costs in the store, how far the file grows, and how soon it opens after a kill.
//!
//! `cargo bench --bench store` prints a table and fails when a limit is broken. The yardstick of the opening is the
//! same file opened after it was closed in order.
#![expect(clippy::print_stdout, reason = "a bench speaks to a person")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use jiff::Timestamp;
use tenantop::model::{
    AssignedLicense, Good, Id, Key, Manager, PartnerName, RunId, SnapshotId, Tenant, TextField, User, UserId,
};
use tenantop::store::{Store, UsersPage};
use uuid::Uuid;

const CACHE: usize = 64 << 20;
/// Users of the large store, in so many tenants.
const MANY: (u64, u64) = (1_000_000, 200);
/// Users of the store that is replaced again and again, in so many tenants.
const REPLACED: (u64, u64) = (250_000, 50);
const REPLACEMENTS: u64 = 10;
/// Users of a page, as Graph gives them.
const PAGE: u64 = 999;

fn main() {
    if let Some(path) = std::env::var_os("TENANTOP_BENCH_KILLED") {
        import_until_killed(&PathBuf::from(path));
    }
    let cores = std::thread::available_parallelism().unwrap();
    println!("{cores} cores\n");
    let dir = tempfile::tempdir().unwrap();
    let mut broken = Vec::new();
    let mut row = |title: &str, value: f64, unit: &str, limit: f64| {
        println!("{title:<52} {value:>9.1} {unit:<7} limit {limit:.0}");
        if value > limit {
            broken.push(format!("{title}: {value:.1} {unit}, the limit is {limit}"));
        }
    };

    let path = dir.path().join("replaced.redb");
    let mut store = Store::open(&path, CACHE).unwrap();
    let began = Instant::now();
    let mut largest = 0.0_f64;
    for night in 0..=REPLACEMENTS {
        fill(&mut store, REPLACED, night);
        store.compact_when_idle().unwrap();
        let (live, file) = store.sizes().unwrap();
        if night == 0 {
            row("250,000 users: live bytes a user", live as f64 / REPLACED.0 as f64, "B", 400.0);
        }
        largest = largest.max(file as f64 / live as f64);
    }
    let rate = (REPLACED.0 * (REPLACEMENTS + 1)) as f64 / began.elapsed().as_secs_f64();
    let (live, file) = store.sizes().unwrap();
    row("after ten replacements: file for live bytes", file as f64 / live as f64, "times", 2.0);
    drop(store);
    println!("{:<52} {largest:>9.1} times", "the largest on the way");
    println!("{:<52} {rate:>9.0} a second", "users encoded, written and replaced");

    let path = dir.path().join("many.redb");
    let mut store = Store::open(&path, CACHE).unwrap();
    fill(&mut store, MANY, 0);
    drop(store);
    let in_order = opened(&path);
    println!("{:<52} {in_order:>9.1} ms", "1,000,000 users: opened after a close in order");
    let mut slowest = 0.0_f64;
    for _ in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env("TENANTOP_BENCH_KILLED", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It writes a byte when some imports are done and others are under way.
        child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        slowest = slowest.max(opened(&path));
    }
    row("1,000,000 users: opened after kill -9, slowest of 5", slowest, "ms", 100.0);
    if !broken.is_empty() {
        println!("\nlimits broken:\n  {}", broken.join("\n  "));
        std::process::exit(1);
    }
}

/// Milliseconds until a store is open and its fleet is there.
fn opened(path: &Path) -> f64 {
    let began = Instant::now();
    let store = Store::open(path, CACHE).unwrap();
    let fleet = store.load(3600).unwrap();
    let ms = began.elapsed().as_secs_f64() * 1000.0;
    assert_eq!(fleet.tenants.len() as u64, MANY.1);
    ms
}

/// Replaces tenants until somebody ends it.
fn import_until_killed(path: &Path) -> ! {
    use std::io::Write;
    let mut store = Store::open(path, CACHE).unwrap();
    for night in 1.. {
        fill(&mut store, (20_000, 4), night);
        let half = store.next_snapshot();
        let mut batch = store.batch().unwrap();
        batch.stage_users(half, &UsersPage::encode(&page(night, 0, PAGE)).unwrap()).unwrap();
        batch.commit(false).unwrap();
        if night == 3 {
            std::io::stdout().write_all(b".").unwrap();
            std::io::stdout().flush().unwrap();
        }
    }
    unreachable!("it is killed before it has counted to the end");
}

/// Replaces the users of so many tenants, page by page, each tenant in a durable transaction of its own.
fn fill(store: &mut Store, (users, tenants): (u64, u64), night: u64) {
    let fleet = store.load(3600).unwrap();
    for n in 0..tenants {
        let key = Key { partner: PartnerName::from("bench"), tenant: Id::new(Uuid::from_u128(u128::from(n) + 1)) };
        let known = fleet.tenants.get(&key).cloned();
        let mut tenant = known.unwrap_or_else(|| Tenant::new(key, "T".into(), "t".into(), Timestamp::UNIX_EPOCH));
        let snapshot: SnapshotId = store.next_snapshot();
        let count = users / tenants;
        let mut from = 0;
        while from < count {
            let rows = PAGE.min(count - from);
            let encoded = UsersPage::encode(&page(night ^ (n << 8), from, rows)).unwrap();
            let mut batch = store.batch().unwrap();
            batch.stage_users(snapshot, &encoded).unwrap();
            from += rows;
            if from < count {
                batch.commit(false).unwrap();
                continue;
            }
            batch.seal(snapshot).unwrap();
            if let Some(before) = &tenant.users.good {
                batch.drop_snapshot(before.snapshot).unwrap();
            }
            tenant.users.good = Some(Good { at: Timestamp::UNIX_EPOCH, count, snapshot, run: RunId(1) });
            batch.put_tenant(&tenant).unwrap();
            batch.commit(true).unwrap();
        }
    }
}

/// A small generator: the same users in every run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[usize::try_from(self.next(list.len() as u64)).unwrap()]
    }

    fn uuid(&mut self) -> Uuid {
        let half = |random: &mut Self| (u128::from(random.next(1 << 31)) << 31) | u128::from(random.next(1 << 31));
        Uuid::from_u128((half(self) << 64) | half(self))
    }
}

const FIRST: [&str; 12] =
    ["Anna", "Ben", "Carla", "David", "Elif", "Femke", "Giulia", "Hans", "Ines", "Jonas", "Mara", "Jürgen"];
const LAST: [&str; 12] = [
    "Schmidt", "de Vries", "Rossi", "Novak", "Jansen", "Yilmaz", "Weber", "Moreau", "Silva", "Kowalski", "Müller",
    "Haas",
];
const DEPARTMENTS: [&str; 8] =
    ["Sales", "Finance", "Rail Operations", "Depot North", "IT Services", "Human Resources", "Legal", "Stations"];
const CITIES: [&str; 6] = ["Berlin", "Rotterdam", "Lyon", "Milano", "Gent", "Köln"];

/// Users as real tenants have them: every fixed field, a third of the extension attributes, licenses, a manager.
fn page(seed: u64, from: u64, rows: u64) -> Vec<User> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9) ^ (from << 20) ^ 7);
    (0..rows).map(|_| user(&mut random)).collect()
}

fn user(random: &mut Random) -> User {
    let (first, last) = (random.of(&FIRST), random.of(&LAST));
    let (department, city) = (random.of(&DEPARTMENTS), random.of(&CITIES));
    let upn = format!("{first}.{last}{}@contoso.example", random.next(1_000_000));
    let mut user = User::new(UserId::new(random.uuid()));
    let mut set = |field: TextField, text: String| user.texts[field as usize] = Some(text.into());
    set(TextField::DisplayName, format!("{first} {last}"));
    set(TextField::CompanyName, "Contoso Rail AG".into());
    set(TextField::Department, department.into());
    set(TextField::Mail, upn.clone());
    set(TextField::GivenName, first.into());
    set(TextField::Surname, last.into());
    set(TextField::JobTitle, format!("Specialist {department}"));
    set(TextField::PostalCode, format!("{:05}", random.next(100_000)));
    set(TextField::StreetAddress, format!("Hauptstrasse {}", random.next(200)));
    set(TextField::City, city.into());
    set(TextField::PreferredLanguage, "de-DE".into());
    set(TextField::UsageLocation, "DE".into());
    set(TextField::UserPrincipalName, upn);
    set(TextField::OfficeLocation, format!("{city} {}", random.next(40)));
    set(TextField::Country, "Germany".into());
    set(TextField::UserType, "Member".into());
    let licenses = random.next(4);
    user.licenses = Some(
        (0..licenses)
            .map(|n| AssignedLicense {
                sku_id: Some(Id::new(Uuid::from_u128(0x5000 + u128::from(n)))),
                disabled_plans: (0..random.next(3)).map(|_| Id::new(Uuid::from_u128(0x9000))).collect(),
            })
            .collect(),
    );
    let mut extension: [Option<tenantop::model::Text>; 15] = Default::default();
    for attribute in &mut extension {
        if random.next(3) == 0 {
            *attribute = Some(format!("CC-{:04}", random.next(500)).into());
        }
    }
    user.extension = Some(Box::new(extension));
    user.manager = Some(Manager {
        id: Some(Id::new(Uuid::from_u128(0xb055 + u128::from(random.next(500))))),
        display_name: Some(format!("{} {}", random.of(&FIRST), random.of(&LAST)).into()),
        user_principal_name: Some("boss@contoso.example".into()),
    });
    user
}
