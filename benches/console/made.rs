//! A made-up store as a partner of 10,000 customers has it after some weeks, and the configuration that leads to it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tenantop::cloud::decode_users;
use tenantop::failure::{Answer, Class, Failure, Hop, Service, classify};
use tenantop::model::{
    DataSet, Entry, Failing, Good, HeldBack, Id, Job, JobState, Key, Packed, Partner, PartnerName, Pause, Prepaid, Run,
    RunId, RunKind, RunState, ServicePlan, Set, Shared, Sku, SkuCount, SkuId, SnapshotId, Step, Tenant, Text, Totals,
};
use tenantop::store::{Store, UsersPage};
use uuid::Uuid;

use crate::people::{Random, SKUS, users_page};

/// Customers of each partner.
pub(crate) const PARTNERS: [(&str, u64); 3] = [("emea", 5_000), ("nordics", 3_000), ("apac", 2_000)];
/// Customers of all partners.
pub(crate) const TENANTS: u64 = 10_000;
/// The customer that is larger than all others together.
pub(crate) const LARGE: &str = "Contoso Rail AG";
/// Its users.
pub(crate) const LARGE_USERS: u64 = 500_000;
/// Users of a page, as Graph gives them.
const PAGE: u64 = 999;
/// Days that the store looks back: a nightly run, a second try of what failed and three re-runs on each of them.
const DAYS: i64 = 6;
/// Different pages of users that all but the large customer share.
const POOL: usize = 64;

const FIRST: [&str; 24] = [
    "Adatum",
    "Trey",
    "Tailspin",
    "Alpine",
    "Fabrikam",
    "Humongous",
    "Wingtip",
    "Northwind",
    "Tailwind",
    "Lamna",
    "Woodgrove",
    "Margie",
    "Proseware",
    "Relecloud",
    "Southridge",
    "VanArsdel",
    "Litware",
    "Lucerne",
    "Coho",
    "Fourth",
    "Blue Yonder",
    "Bellows",
    "Graphic",
    "Fjord",
];
const SECOND: [&str; 20] = [
    "Gesundheit",
    "Research",
    "Toys",
    "Ski House",
    "Foods",
    "Insurance",
    "Traders",
    "Clinics",
    "Bank",
    "Travel",
    "Pflegeheime",
    "Logistics",
    "Video",
    "Energi",
    "Möbler",
    "Kraft",
    "Airlines",
    "Publishing",
    "Winery",
    "Design",
];
const FORM: [&str; 8] = ["GmbH", "AG", "BV", "SA", "Ltd", "AS", "AB", "Oy"];
const PRODUCTS: [&str; 16] = [
    "SPE_E3",
    "SPE_E5",
    "ENTERPRISEPACK",
    "SPB",
    "O365_BUSINESS_PREMIUM",
    "EXCHANGESTANDARD",
    "POWER_BI_PRO",
    "VISIOCLIENT",
    "PROJECTPROFESSIONAL",
    "EMS",
    "EMSPREMIUM",
    "FLOW_FREE",
    "AAD_PREMIUM",
    "MCOEV",
    "WIN10_VDA_E3",
    "CDS_DB_CAPACITY",
];

/// Where it lies.
pub(crate) struct Made {
    dir: tempfile::TempDir,
}

impl Made {
    /// The configuration's file.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("config.toml")
    }

    /// The store's file.
    pub(crate) fn store(&self) -> PathBuf {
        self.dir.path().join("store.redb")
    }

    /// Where the program keeps what is its own.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Makes all of it. `now` is the present: ages lie half an hour between two full hours.
    pub(crate) fn make(now: Timestamp) -> Self {
        let made = Self { dir: tempfile::tempdir().unwrap() };
        configure(made.dir.path());
        let mut store = Store::open(&made.store(), 64 << 20).unwrap();
        let mut maker = Maker { now, random: Random(7), last: 0, pool: Vec::new() };
        maker.pool = (0..POOL).map(|n| users(n as u64, 3 + (n * n * n) as u64 / 900)).collect();
        let tenants = maker.tenants(&mut store);
        large(&mut store, tenants.iter().find(|tenant| tenant.name == LARGE).unwrap());
        maker.runs(&mut store, &tenants);
        let mut batch = store.batch().unwrap();
        for (name, _) in PARTNERS {
            let mut partner = Partner::new(PartnerName::from(name));
            (partner.signed_in_at, partner.listed_at) = (Some(maker.ago(7)), Some(maker.ago(7)));
            batch.put_partner(&partner).unwrap();
        }
        batch.commit(true).unwrap();
        made
    }
}

/// A configuration of three partners whose cloud answers nobody: a console needs none.
fn configure(dir: &Path) {
    let mut text = format!("[store]\npath = \"{}\"\n", dir.join("store.redb").display());
    for (n, (name, _)) in PARTNERS.iter().enumerate() {
        let secret = dir.join(format!("{name}.secret"));
        std::fs::write(&secret, "a made-up secret").unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        text = format!(
            r#"{text}
            [[partner]]
            name = "{name}"
            tenant_id = "8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f4{n}"
            client_id = "0f5b1c3e-7c1d-4b7e-8d0a-1f6f0d6b2a1{n}"
            client_secret_file = "{}"
            service_account = "mfa.setup@partner.example"
            [partner.endpoints]
            login = "http://127.0.0.1:9/login"
            graph = "http://127.0.0.1:9/graph"
            partner_center = "http://127.0.0.1:9/partner"
            "#,
            secret.display(),
        );
    }
    std::fs::write(dir.join("config.toml"), text).unwrap();
}

struct Maker {
    now: Timestamp,
    random: Random,
    last: u64,
    pool: Vec<UsersPage>,
}

impl Maker {
    fn ago(&self, hours: i64) -> Timestamp {
        self.now.checked_sub(SignedDuration::from_mins(hours * 60 + 30)).unwrap()
    }

    /// Some hours and up to a quarter of an hour ago: tenants do not end together.
    fn about(&mut self, hours: i64) -> Timestamp {
        let ms = self.random.next(900_000).try_into().unwrap();
        self.ago(hours).checked_sub(SignedDuration::from_millis(ms)).unwrap()
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random.next(usize::try_from(n).unwrap()) as u64
    }

    fn snapshot(&mut self) -> SnapshotId {
        self.last += 1;
        SnapshotId(self.last)
    }

    /// All tenants with their users and SKUs.
    fn tenants(&mut self, store: &mut Store) -> Vec<Tenant> {
        let mut all = Vec::new();
        for (partner, count) in PARTNERS {
            let mut batch = store.batch().unwrap();
            for n in 0..count {
                let tenant = self.tenant(partner, n);
                if let Some(good) = tenant.users.good.as_ref().filter(|_| tenant.name != LARGE) {
                    let page = &self.pool[usize::try_from(n).unwrap() % POOL];
                    batch.stage_users(good.snapshot, page).unwrap();
                    batch.seal(good.snapshot).unwrap();
                }
                if let Some(good) = &tenant.skus.good {
                    let skus: Vec<Sku> = tenant.sku_counts.to_vec().iter().map(sku).collect();
                    batch.stage_skus(good.snapshot, &skus).unwrap();
                    batch.seal(good.snapshot).unwrap();
                }
                batch.put_tenant(&tenant).unwrap();
                all.push(tenant);
            }
            batch.commit(true).unwrap();
        }
        all
    }

    fn tenant(&mut self, partner: &str, n: u64) -> Tenant {
        let key = Key { partner: partner.into(), tenant: Id::new(self.random.guid().parse().unwrap()) };
        let (first, second) = (FIRST[self.random.next(24)], SECOND[self.random.next(20)]);
        let large = partner == "emea" && n == 0;
        let name: Text =
            if large { LARGE.into() } else { format!("{first} {second} {n} {}", FORM[self.random.next(8)]).into() };
        let domain = format!("{}{n}.onmicrosoft.example", first.to_lowercase().replace(' ', ""));
        let mut tenant = Tenant::new(key, name, domain.into(), self.ago(24 * 40));
        let counts = self.counts(large);
        let held = counts.iter().map(|sku| (sku.sku_id.unwrap(), sku.consumed.unwrap().unsigned_abs()));
        tenant.held = Packed::of(&held.collect::<Vec<_>>());
        tenant.sku_counts = Packed::of(&counts);
        let count = if large { LARGE_USERS } else { self.pool[usize::try_from(n).unwrap() % POOL].rows() };
        // The last night began 9 h ago and took two.
        let last = 7 + i64::try_from(self.below(2)).unwrap();
        let good = |maker: &mut Self, hours, count| {
            let snapshot = maker.snapshot();
            Some(Good { at: maker.about(hours), count, snapshot, run: RunId(26) })
        };
        (tenant.users.good, tenant.skus.good) = (good(self, last, count), good(self, last, 10));
        tenant.tried_at = Some(self.ago(last));
        if !large {
            self.trouble(&mut tenant, last);
        }
        tenant
    }

    /// One in nine has some: what a night leaves behind.
    fn trouble(&mut self, tenant: &mut Tenant, last: i64) {
        let days = 1 + i64::try_from(self.below(20)).unwrap();
        let before = self.about(last + 24 * days);
        let (since, tries) = (self.about(last + 24 * (days - 1)), u32::try_from(days).unwrap());
        let failing = |failure: Failure| Some(Arc::new(Failing { failure, since, tries }));
        let aged = |set: &DataSet| DataSet {
            before: None,
            good: set.good.clone().map(|good| Good { at: before, ..good }),
            failing: set.failing.clone(),
        };
        let at = self.ago(last);
        match self.below(1000) {
            0..70 => {
                let which = self.random.next(REFUSALS.len());
                let failure = refusal(which, &mut self.random, at);
                (tenant.users, tenant.skus) = (aged(&tenant.users), aged(&tenant.skus));
                tenant.users.failing = failing(failure.clone());
                tenant.skus.failing = failing(failure);
            }
            70..85 => {
                let failure = refusal(REFUSALS.len() - 1, &mut self.random, at);
                tenant.skus = aged(&tenant.skus);
                tenant.skus.failing = failing(failure);
            }
            85..95 => {
                (tenant.users, tenant.skus) = (aged(&tenant.users), aged(&tenant.skus));
                tenant.tried_at = Some(before);
            }
            95..100 => {
                (tenant.users, tenant.skus) = (DataSet::default(), DataSet::default());
                (tenant.held, tenant.sku_counts) = (Packed::default(), Packed::default());
                tenant.tried_at = None;
            }
            100..103 => {
                let (by, reason) = (Text::from("jdoe"), Text::from("contract ends"));
                let until = self.now.checked_add(SignedDuration::from_hours(24 * 30)).unwrap();
                tenant.pause = Some(Box::new(Pause { by, reason, at: before, until }));
            }
            103..106 => {
                let users = tenant.users.good.clone().map(|good| Good { count: good.count / 3, ..good });
                let why = "import would drop two thirds of the users".into();
                let (held, sku_counts) = (tenant.held.to_vec().into(), Arc::default());
                let held_back = HeldBack { at, run: RunId(26), why, users, skus: None, held, sku_counts, checks: None };
                tenant.held_back = Some(Box::new(held_back));
            }
            _ => {}
        }
    }

    /// Ten products; the large customer has those that its users hold.
    fn counts(&mut self, large: bool) -> Vec<SkuCount> {
        let start = if large { 0 } else { self.random.next(PRODUCTS.len()) };
        (0..10)
            .map(|n| {
                let product = (start + n) % PRODUCTS.len();
                let part = PRODUCTS[product];
                let id = SKUS.iter().find(|(_, name)| *name == part).map_or_else(
                    || Uuid::from_u128(0x5000_0000_0000_0000_0000_0000_0000_0000 + product as u128),
                    |(id, _)| id.parse().unwrap(),
                );
                let enabled = 5 + i64::try_from(self.below(200)).unwrap();
                SkuCount {
                    sku_id: Some(SkuId::new(id)),
                    part_number: Some(part.into()),
                    applies_to: Some("User".into()),
                    status: Some("Enabled".into()),
                    prepaid: Prepaid {
                        enabled: Some(enabled),
                        suspended: Some(0),
                        warning: Some(0),
                        locked_out: Some(0),
                    },
                    consumed: Some(enabled - i64::try_from(self.below(6)).unwrap()),
                    premium: Some(true),
                }
            })
            .collect()
    }

    /// Nightly runs of all tenants and what people did on the mornings after.
    fn runs(&mut self, store: &mut Store, tenants: &[Tenant]) {
        let read: Vec<Tenant> = tenants.iter().filter(|tenant| tenant.tried_at.is_some()).cloned().collect();
        let failed: Vec<Tenant> = read.iter().filter(|tenant| tenant.failing().is_some()).cloned().collect();
        for day in (0..DAYS).rev() {
            let night = 24 * day;
            self.run(store, RunKind::All, "timer", night + 9, &read);
            self.run(store, RunKind::Failed, "timer", night + 6, &failed);
            for n in 0..3 {
                let from = self.random.next(failed.len() - 12);
                let few = &failed[from..=from + self.random.next(12)];
                self.run(store, RunKind::Rerun, "jdoe", night + 5 - n, few);
            }
        }
    }

    fn run(&mut self, store: &mut Store, kind: RunKind, by: &str, hours: i64, tenants: &[Tenant]) {
        let started = self.ago(hours);
        let jobs: Shared<Key, Job> = tenants.iter().map(|t| (t.key.clone(), self.job(t, started))).collect();
        let ok = jobs.values().filter(|job| job.state == JobState::Ok).count() as u64;
        let mut totals = Totals::default();
        for job in jobs.values() {
            totals.add(job.totals);
        }
        let ended = jobs.values().filter_map(|job| job.ended_at).max();
        let run = Run {
            id: store.next_run(),
            kind,
            by: by.into(),
            reason: None,
            started_at: started,
            ended_at: ended,
            state: RunState::Done,
            refused: Vec::new(),
            tenants: jobs.len() as u64,
            ok,
            failed: jobs.len() as u64 - ok,
            totals,
            selling: None,
            jobs: Arc::new(jobs),
        };
        let keys: Vec<Key> = run.jobs.keys().cloned().collect();
        let mut batch = store.batch().unwrap();
        batch.put_run(&run).unwrap();
        batch.put_jobs(&run, &keys).unwrap();
        batch.commit(true).unwrap();
    }

    fn job(&mut self, tenant: &Tenant, run: Timestamp) -> Job {
        let started = run.checked_add(SignedDuration::from_secs(self.random.next(600).try_into().unwrap())).unwrap();
        let rows = tenant.users.good.as_ref().map_or(0, |good| good.count);
        let mut job = Job::queued(Some(rows));
        let ended = started.checked_add(SignedDuration::from_secs(2)).unwrap();
        let note = |job: &mut Job, step| job.note(&Entry { at: started, step });
        job.state = JobState::Ok;
        note(&mut job, Step::SignedIn { ms: 200 + self.below(300) });
        let sets = [(Set::Users, &tenant.users, rows), (Set::Skus, &tenant.skus, 10)];
        for (set, data, rows) in sets {
            if let Some(failing) = &data.failing {
                let both = tenant.users.failing.is_some() && tenant.skus.failing.is_some();
                job.state = if both { JobState::Failed } else { JobState::Partial };
                note(&mut job, Step::Failed { set, failure: Box::new(failing.failure.clone()) });
            } else {
                let last = u32::try_from(rows / PAGE + 1).unwrap();
                note(&mut job, Step::Pages { set, first: 1, last, rows, bytes: rows * 1_100 });
                note(&mut job, Step::Saved { set, rows, before: Some(rows) });
            }
        }
        job.started_at = Some(started);
        job.ended_at = Some(ended);
        job.totals = Totals { requests: 3 + rows / PAGE, retries: 0, waits_ms: 0, bytes: rows * 1_100, users: rows };
        job
    }
}

/// A page of users, ready to be kept.
fn users(seed: u64, rows: u64) -> UsersPage {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9) ^ 7);
    let body = users_page(usize::try_from(rows).unwrap(), None, &mut random);
    UsersPage::encode(&decode_users(&body).unwrap().0).unwrap()
}

/// The users of the large customer, page by page.
fn large(store: &mut Store, tenant: &Tenant) {
    let snapshot = tenant.users.good.as_ref().unwrap().snapshot;
    let mut from = 0;
    while from < LARGE_USERS {
        let mut batch = store.batch().unwrap();
        for _ in 0..64 {
            let rows = PAGE.min(LARGE_USERS - from);
            batch.stage_users(snapshot, &users(1_000 + from, rows)).unwrap();
            from += rows;
        }
        batch.commit(false).unwrap();
    }
    let mut batch = store.batch().unwrap();
    batch.seal(snapshot).unwrap();
    batch.commit(true).unwrap();
}

/// The SKU row of a count.
fn sku(count: &SkuCount) -> Sku {
    let plan = |n: u128| ServicePlan {
        id: Some(Id::new(Uuid::from_u128(n + 1))),
        name: Some(format!("PLAN_{n}").into()),
        status: Some("Success".into()),
        applies_to: Some("User".into()),
    };
    Sku {
        id: Some(format!("account_{}", count.sku_id.unwrap()).into()),
        sku_id: count.sku_id,
        part_number: count.part_number.clone(),
        applies_to: count.applies_to.clone(),
        status: count.status.clone(),
        consumed: count.consumed,
        prepaid: Some(count.prepaid),
        service_plans: (0..3).map(plan).collect(),
        subscription_ids: vec!["7e57c0de-5ab5-4000-8000-000000000001".into()],
    }
}

/// Refusals as Entra and Graph write them: number, text; the last is Graph's.
const REFUSALS: [(u32, &str); 8] = [
    (
        53_003,
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    ),
    (
        53_003,
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    ),
    (53_000, "Device is not in required device state: unknown. Conditional Access policy requires a compliant device."),
    (50_076, "Due to a configuration change made by your administrator you must use multi-factor authentication."),
    (65_001, "The user or administrator has not consented to use the application with ID '0f5b1c3e'."),
    (700_082, "The refresh token has expired due to inactivity. The token was issued on 2026-06-01 and was inactive."),
    (90_072, "User account from identity provider does not exist in tenant and cannot access the application in it."),
    (0, "Insufficient privileges to complete the operation."),
];

fn refusal(which: usize, random: &mut Random, at: Timestamp) -> Failure {
    let (code, text) = REFUSALS[which];
    let (trace, correlation) = (random.guid(), random.guid());
    let body = if code == 0 {
        format!(
            r#"{{"error":{{"code":"Authorization_RequestDenied","message":"{text}","innerError":{{"date":"2026-11-23T02:11:09","request-id":"{trace}","client-request-id":"{correlation}"}}}}}}"#
        )
    } else {
        format!(
            r#"{{"error":"invalid_grant","error_description":"AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: 2026-11-23 02:11:09Z","error_codes":[{code}],"timestamp":"2026-11-23 02:11:09Z","trace_id":"{trace}","correlation_id":"{correlation}","error_uri":"https://login.example/error?code={code}"}}"#
        )
    };
    let status = if code == 0 { 403 } else { 400 };
    let service = if code == 0 { Service::Graph } else { Service::Entra };
    let answer = Answer { status: Some(status), headers: &[], body: body.as_bytes(), hop: Hop::Customer, service };
    let failure = classify(answer, at);
    assert_ne!(failure.class, Class::Unknown, "{body}");
    Failure { at, ..failure }
}
