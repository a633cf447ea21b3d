//! What we sold: read at Partner Center beside the imports, with its own age, its own refusal and its own pace.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tenantop::failure::Class;
use tenantop::model::{
    Change, Clock, Command, JobState, RunState, Scope, Selling, SkuId, Sold, SoldOutcome, State, Subscription,
};
use tenantop::store::Store;

use crate::world::{Watcher, World};

const PARTNER: &str = "[[partner]]\nname = \"emea\"\n";

/// A tenant with what stands behind its name.
fn tenant(name: &str, rest: &str) -> String {
    format!("[[tenant]]\nname = \"{name}\"\nusers = 3\n{rest}\n")
}

fn crowd(n: usize, rest: &str) -> String {
    (0..n).map(|n| tenant(&format!("Tenant {n:02}"), &format!("skus = [\"SPB:5\"]\n{rest}"))).collect()
}

/// A made-up cloud in which what we sold is read once a day.
async fn world(scenario: &str) -> World {
    let mut world = World::playing(&format!("{PARTNER}{scenario}")).await;
    world.config.import.read_sold_every = Duration::from_hours(24);
    world
}

fn sku(id: &str) -> SkuId {
    id.parse().unwrap()
}

fn sold<'a>(watcher: &'a Watcher, name: &str) -> &'a Sold {
    watcher.fleet.tenants[&watcher.key(name)].sold.as_deref().unwrap_or_else(|| panic!("{name}: nobody looked"))
}

fn by_id(sold: &Sold) -> BTreeMap<String, Subscription> {
    sold.subscriptions.to_vec().into_iter().map(|row| (row.id.to_string(), row)).collect()
}

const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
const VISIO: &str = "c5928f49-12ba-48f7-ada3-0d743a3601d5";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terms_of_a_product_are_summed_and_none_is_written_over() {
    let skus = "skus = [
        { sku = \"SPE_E3\", enabled = 200, sold = [150, { units = 70, term = \"P1M\", ends = 19, renews = false }] },
        { sku = \"VISIOCLIENT\", enabled = 0, warning = 20, sold = [{ units = 20, status = \"expired\", ends = -9 }] },
        { sku = \"POWER_BI_PRO\", enabled = 9, sold = [] },
        { sku = \"EMS\", enabled = 0, sold = [{ units = 5, joined = false, trial = true }] },
        \"FLOW_FREE:10000:1\",
    ]";
    // Ids of which every other one has an Azure plan too.
    let ids = [("Two terms", "0000000a-0000-4000-8000-000000000002"), ("None", "0000000a-0000-4000-8000-000000000003")];
    let scenario = [
        tenant(ids[0].0, &format!("id = \"{}\"\n{skus}", ids[0].1)),
        tenant(ids[1].0, &format!("id = \"{}\"\nskus = [\"FLOW_FREE:10000:1\"]", ids[1].1)),
    ];
    let world = world(&scenario.concat()).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.state, run.ok, run.failed), (RunState::Done, 2, 0));
    assert_eq!(run.selling, Some(Selling { due: 2, read: 2, failed: 0, later: 0 }));

    let two = sold(&watcher, "Two terms");
    assert!(two.read_at.is_some() && two.failing.is_none() && two.unjoined.is_none());
    let units = two.units().unwrap();
    assert_eq!(units, BTreeMap::from([(None, 5), (Some(sku(E3)), 220)]), "what is not active is not billed");
    let rows = two.subscriptions.to_vec();
    assert_eq!(rows.len(), 4, "usage has no seats");
    assert!(rows.iter().all(|row| row.id.chars().all(|c| !c.is_ascii_uppercase())), "ids as they are compared");
    let month = rows.iter().find(|row| row.quantity == 70).unwrap();
    assert_eq!((month.sku_id, month.term.as_deref(), month.auto_renews), (Some(sku(E3)), Some("P1M"), Some(false)));
    assert_eq!((month.name.as_str(), month.billing.as_deref()), ("Microsoft 365 E3", Some("monthly")));
    assert!(month.ends_at.is_some());
    let grace = rows.iter().find(|row| row.quantity == 20).unwrap();
    assert_eq!((grace.sku_id, grace.status.as_str()), (Some(sku(VISIO)), "expired"));
    let unknown = rows.iter().find(|row| row.quantity == 5).unwrap();
    assert_eq!((unknown.sku_id, unknown.is_trial), (None, true), "not on the customer's list");
    assert_eq!(sold(&watcher, "None").units(), Some(BTreeMap::new()), "read, and nothing was sold");

    let counters = world.cloud.counters();
    let none = watcher.key("None").tenant.0;
    assert_eq!((counters.all("sold"), counters.all("commerce")), (2, 1), "nothing is to be told apart");
    assert_eq!(counters.of("commerce", none), 0);
    assert_eq!((counters.misdirected, counters.strays, counters.without_id), (0, 0, 0));
    let own = world.config.partners[0].tenant_id.0;
    assert_eq!(counters.of("token", own), 2, "one Graph token, and one of Partner Center for list and subscriptions");

    // What was told is what the store has.
    let before = watcher.fleet.clone();
    drop(watcher);
    engine.stop().await;
    let fleet = Store::open(&world.store_path(), 16 << 20).unwrap().load(before.stale_after_s).unwrap();
    assert_eq!(fleet.tenants, before.tenants);
    assert_eq!(fleet.runs.values().next().unwrap().selling, run.selling);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_off_unless_wanted_and_read_no_more_often_than_wanted() {
    let mut world = world(&[tenant("One", ""), tenant("Two", "")].concat()).await;
    world.config.import.read_sold_every = Duration::ZERO;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.ok, run.selling), (2, None));
    assert!(watcher.fleet.tenants.values().all(|tenant| tenant.sold.is_none()));
    let counters = world.cloud.counters();
    assert_eq!((counters.all("sold"), counters.all("commerce")), (0, 0));
    drop(watcher);
    engine.stop().await;

    world.config.import.read_sold_every = Duration::from_hours(20);
    let ago = Arc::new(AtomicI64::new(0));
    let clock = {
        let ago = Arc::clone(&ago);
        Clock::of(move || Clock::system().now() + SignedDuration::from_secs(ago.load(Ordering::Relaxed)))
    };
    let engine = world.engine_at(clock);
    let mut watcher = Watcher::of(&engine, "test").await;
    let one = watcher.key("One");
    watcher.import(Scope::Tenants(vec![one.clone()])).await;
    assert_eq!(world.cloud.counters().all("sold"), 1, "of the tenant that is imported alone");
    let all = watcher.import(Scope::All(None)).await;
    assert_eq!(all.selling, Some(Selling { due: 1, read: 1, ..Selling::default() }), "the other is fresh");
    watcher.ask(Command::Probe { tenants: vec![one.clone()], reason: None }).await;
    watcher.ask(Command::Sync { partner: None }).await;
    watcher.until(|watcher| watcher.fleet.running().next().is_none()).await;
    assert_eq!(world.cloud.counters().all("sold"), 2, "neither a probe nor a list reads it");
    ago.store(20 * 3600, Ordering::Relaxed);
    let all = watcher.import(Scope::All(None)).await;
    assert_eq!(all.selling, Some(Selling { due: 2, read: 2, ..Selling::default() }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_kept_with_what_was_read_and_fails_nothing() {
    let scenario = [
        tenant(
            "Refused",
            "skus = [\"SPB:5\"]\ntrouble = [{ step = \"sold\", status = 403, code = 20002, nights = [1, 2] }]",
        ),
        tenant("Well", ""),
    ];
    let mut world = world(&scenario.concat()).await;
    world.config.import.read_sold_every = Duration::from_nanos(1);
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.import(Scope::All(None)).await;
    let first = sold(&watcher, "Refused").clone();
    for night in [1, 2] {
        world.cloud.set_night(night);
        let run = watcher.import(Scope::All(None)).await;
        assert_eq!((run.state, run.ok, run.failed, run.refused.len()), (RunState::Done, 2, 0, 0));
        assert_eq!(run.selling, Some(Selling { due: 2, read: 1, failed: 1, later: 0 }));
        assert_eq!(watcher.state("Refused"), State::Ok);
        let now = sold(&watcher, "Refused");
        let failing = now.failing.as_ref().unwrap();
        assert_eq!((failing.failure.class, failing.tries), (Class::PartnerCenterForbidden, night));
        assert_eq!(failing.failure.codes, [20002]);
        assert_eq!((now.read_at, &now.subscriptions), (first.read_at, &first.subscriptions), "the old one stays");
    }
    world.cloud.set_night(3);
    watcher.import(Scope::All(None)).await;
    let now = sold(&watcher, "Refused");
    assert!(now.failing.is_none() && now.read_at > first.read_at);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_cannot_be_read_are_refused_whole_and_no_link_leads_away() {
    let cases = [
        ("do = \"cut\"", Class::BadAnswer),
        ("do = \"html\", status = 200", Class::BadAnswer),
        ("do = \"error_appended\"", Class::BadAnswer),
        ("do = \"deep\"", Class::BadAnswer),
        ("do = \"endless\"", Class::BadAnswer),
        ("do = \"gzip_bomb\"", Class::BadAnswer),
        ("do = \"redirect\"", Class::BadAnswer),
        ("do = \"next_elsewhere\"", Class::BadAnswer),
        ("do = \"next_elsewhere\", to = \"scheme\"", Class::BadAnswer),
        ("do = \"next_again\"", Class::BadAnswer),
        ("do = \"close\"", Class::Network),
        ("status = 500", Class::Transient),
        ("status = 404, code = 1000", Class::TenantUnavailable),
        ("body = '{\"items\":[{\"id\":\"x\",\"status\":\"active\"}]}', status = 200", Class::BadAnswer),
    ];
    let tenants = cases.iter().enumerate().map(|(n, (trouble, _))| {
        tenant(&format!("Tenant {n:02}"), &format!("skus = [\"SPB:5\"]\ntrouble = [{{ step = \"sold\", {trouble} }}]"))
    });
    let short = tenant("Paged", "skus = [\"SPB:5\", \"EMS:7\"]\ntrouble = [{ step = \"sold\", do = \"short_page\" }]");
    let mut world = world(&tenants.chain([short]).collect::<String>()).await;
    world.config.import.retries_per_request = 0;
    world.config.import.max_answer_mib = 1;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.state, run.failed), (RunState::Done, 0));
    for (n, (trouble, class)) in cases.iter().enumerate() {
        let sold = sold(&watcher, &format!("Tenant {n:02}"));
        let failing = sold.failing.as_ref().unwrap_or_else(|| panic!("{trouble}: it was read"));
        assert_eq!(failing.failure.class, *class, "{trouble}: {:?}", failing.failure);
        assert!(sold.read_at.is_none() && sold.subscriptions.is_empty(), "{trouble}: half of it is none");
    }
    let paged = sold(&watcher, "Paged").units().unwrap();
    assert_eq!(paged.values().sum::<i64>(), 12, "a list of two pages is followed");
    let counters = world.cloud.counters();
    assert_eq!((counters.misdirected, counters.strays), (0, 0), "the token goes to Partner Center alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_customers_list_products_that_were_known_stay_known() {
    let refused = "step = \"commerce\", status = 403, code = \"Authorization_RequestDenied\"";
    let scenario = [
        tenant("List refused", &format!("skus = [\"SPB:5\"]\ntrouble = [{{ {refused}, nights = [1, 1] }}]")),
        tenant("Never seen", &format!("skus = [\"SPB:5\"]\ntrouble = [{{ {refused} }}]")),
        tenant("Blocked", "skus = [\"SPB:5\"]\ntrouble = [{ step = \"token\", code = 53003, nights = [1, 1] }]"),
    ];
    let mut world = world(&scenario.concat()).await;
    world.config.import.read_sold_every = Duration::from_nanos(1);
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.import(Scope::All(None)).await;
    let known = ["List refused", "Blocked"].map(|name| sold(&watcher, name).units());
    world.cloud.set_night(1);
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.ok, run.failed), (2, 1), "the refused sign-in alone");
    assert_eq!(run.selling, Some(Selling { due: 3, read: 3, ..Selling::default() }));
    assert_eq!(["List refused", "Blocked"].map(|name| sold(&watcher, name).units()), known);
    let unjoined =
        |name: &str| sold(&watcher, name).unjoined.clone().map(|failing| (failing.failure.class, failing.tries));
    assert_eq!(unjoined("List refused"), Some((Class::GraphForbidden, 1)));
    assert_eq!(unjoined("Never seen"), Some((Class::GraphForbidden, 2)));
    assert_eq!(unjoined("Blocked"), Some((Class::CapBlock, 1)));
    assert_eq!(sold(&watcher, "Never seen").units(), Some(BTreeMap::from([(None, 5)])), "units of nobody knows what");
    assert_eq!(watcher.state("List refused"), State::Ok);
    let blocked = watcher.key("Blocked").tenant.0;
    assert_eq!(world.cloud.counters().of("token", blocked), 2, "a sign-in that was refused is not tried again");
    assert!(by_id(sold(&watcher, "Blocked")).values().all(|row| row.sku_id.is_some()));

    world.cloud.set_night(2);
    watcher.import(Scope::All(None)).await;
    assert!(sold(&watcher, "List refused").unjoined.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_back_of_partner_center_holds_for_it_alone() {
    // Far less than the pace: what is refused counts too.
    let scenario = format!("[throttle]\npartner_center = 9\npartner_center_window = 1.5\n{}", crowd(30, ""));
    let world = world(&scenario).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.state, run.ok), (RunState::Done, 30));
    assert_eq!(run.selling, Some(Selling { due: 30, read: 30, ..Selling::default() }), "all come through");
    let counters = world.cloud.counters();
    assert!(counters.throttled > 0, "it was too fast for this service");
    assert_eq!(counters.early, 0, "and waited as long as it was told to");
    let done = watcher.heard.iter().rposition(|change| matches!(change, Change::JobDone { .. })).unwrap();
    let sold: Vec<_> =
        watcher.heard.iter().enumerate().filter(|(_, change)| matches!(change, Change::Sold { .. })).collect();
    assert!(sold.iter().filter(|(at, _)| *at > done).count() > 15, "no import waited for it");
    let waits = run.jobs.values().map(|job| job.totals.waits_ms).sum::<u64>();
    assert_eq!(waits, 0, "its waits are none of the tenants'");
    assert!(run.jobs.values().all(|job| job.state == JobState::Ok));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_its_own_pace_nothing_is_pushed_back() {
    let world = world(&crowd(60, "")).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!(run.selling.map(|selling| selling.read), Some(60));
    assert_eq!(world.cloud.counters().throttled, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_run_goes_on_for_it_says_so_and_ends_when_it_is_cancelled() {
    let world = world(&crowd(12, "trouble = [{ step = \"sold\", delay = 50000 }]")).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.begin(Scope::All(None)).await;
    watcher.until(|watcher| watcher.fleet.runs[&run].ok == 12).await;
    let going = &watcher.fleet.runs[&run];
    assert_eq!((going.state, going.open()), (RunState::Running, (0, 0)));
    assert_eq!(going.selling.map(Selling::open), Some(12));
    assert!(watcher.fleet.tenants.values().all(|tenant| tenant.active.is_none()), "no tenant is busy with it");

    // Whoever wants data does not wait for it, and it is not read twice.
    let second = watcher.begin(Scope::All(None)).await;
    assert_ne!(second, run);
    let second = watcher.end_of(second).await;
    assert_eq!((second.state, second.ok, second.selling), (RunState::Done, 12, None));

    let began = Instant::now();
    watcher.ask(Command::Cancel { run, tenant: None }).await;
    let run = watcher.end_of(run).await;
    assert!(began.elapsed() < Duration::from_secs(5), "a cancel does not wait for Partner Center");
    assert_eq!((run.state, run.ok, run.failed), (RunState::Cancelled, 12, 0));
    assert_eq!(run.selling, Some(Selling { due: 12, later: 12, ..Selling::default() }), "left to the next run");
    assert!(watcher.fleet.tenants.values().all(|tenant| tenant.sold.is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_data_are_oldest_comes_first() {
    let mut world = world(&crowd(40, "")).await;
    world.config.import.read_sold_every = Duration::from_nanos(1);
    world.config.import.tenants_at_once = 40;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.ask(Command::Sync { partner: None }).await;
    watcher.until(|watcher| watcher.fleet.tenants.len() == 40).await;
    let first: Vec<_> = watcher.fleet.tenants.keys().skip(10).cloned().collect();
    watcher.import(Scope::Tenants(first.clone())).await;
    watcher.heard.clear();
    watcher.import(Scope::All(None)).await;
    let order: Vec<_> = watcher
        .heard
        .iter()
        .filter_map(|change| match change {
            Change::Sold { tenant, outcome: SoldOutcome::Read(_), .. } => Some(tenant.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(order.len(), 40);
    let late = order.iter().skip(25).filter(|key| !first.contains(key)).count();
    assert_eq!(late, 0, "those that were never read are not among the last");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_is_renewed_once_and_a_refused_partner_is_not_asked_for_ever() {
    let old =
        tenant("Old token", "skus = [\"SPB:5\"]\ntrouble = [{ step = \"sold\", do = \"refuse_token\", times = 1 }]");
    let world = world(&old).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!(run.selling.map(|selling| selling.read), Some(1));
    assert_eq!(world.cloud.counters().of("token", world.config.partners[0].tenant_id.0), 3);

    let forbidden = "trouble = [{ step = \"sold\", status = 403, code = 2032 }]";
    let world = self::world(&crowd(60, forbidden)).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.state, run.ok), (RunState::Done, 60));
    let selling = run.selling.unwrap();
    assert!(selling.failed >= 16 && selling.later >= 30, "{selling:?}");
    assert_eq!((selling.read, selling.failed + selling.later), (0, 60));
    let asked = watcher.fleet.tenants.values().filter(|tenant| tenant.sold.is_some()).count() as u64;
    assert_eq!(asked, selling.failed, "of the others nothing is held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_tells_it() {
    let world = World::playing(&format!(
        "{PARTNER}{}{}",
        tenant("Well", "skus = [\"SPB:5\"]"),
        tenant("Refused", "trouble = [{ step = \"sold\", status = 403, code = 20002 }]")
    ))
    .await;
    let run = |format: &str| {
        let mut command = world.tenantop();
        command.env("TENANTOP_IMPORT_READ_SOLD_EVERY", "1h");
        command.args(["import", "--all"]).args((format == "json").then_some("--json"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        output
    };
    let output = run("json");
    let events: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sold = |name: &str| events.iter().find(|event| event["event"] == "sold" && event["name"] == name).unwrap();
    assert_eq!((&sold("Well")["subscriptions"], &sold("Well")["joined"]), (&1.into(), &true.into()));
    assert!(sold("Well")["tenant_id"].is_string() && sold("Well").get("class").is_none());
    assert_eq!(sold("Refused")["codes"][0], 20002);
    assert!(sold("Refused").get("subscriptions").is_none());
    let end = events.last().unwrap();
    assert_eq!((&end["sold_read"], &end["sold_failed"], &end["sold_later"]), (&1.into(), &1.into(), &0.into()));
    let said = String::from_utf8(run("text").stderr).unwrap();
    assert!(said.contains("what we sold: 0 of 1 tenants read, 1 refused"), "{said}");
}
