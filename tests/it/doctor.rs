//! `tenantop doctor` over the made-up cloud: each check where all is well, and where it is not.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use jiff::SignedDuration;
use serde_json::Value;
use tenantop::model::{Clock, Scope, day_of};
use tenantop::store::Store;

use crate::world::{Watcher, World};

fn run(world: &World, args: &[&str]) -> Output {
    world.tenantop().args(args).stdin(Stdio::null()).output().unwrap()
}

/// The checks and the exit code of `doctor --json`.
fn doctor(world: &World, args: &[&str]) -> (Vec<Value>, Option<i32>) {
    let output = run(world, &[&["doctor", "--json"], args].concat());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let checks: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for check in &checks {
        let state = check["state"].as_str().unwrap();
        assert!(check["what"].as_str().is_some_and(|what| !what.is_empty()), "{check}");
        let has_advice = check["who"].is_string() && check["next"].as_str().is_some_and(|next| !next.is_empty());
        assert_eq!(has_advice, matches!(state, "warning" | "failed"), "who acts, and what comes next: {check}");
    }
    (checks, output.status.code())
}

/// All states of the checks of a name.
fn states<'a>(checks: &'a [Value], name: &str) -> Vec<&'a str> {
    checks.iter().filter(|check| check["name"] == name).map(|check| check["state"].as_str().unwrap()).collect()
}

fn one<'a>(checks: &'a [Value], name: &str, state: &str) -> &'a Value {
    let found: Vec<&Value> = checks.iter().filter(|check| check["name"] == name && check["state"] == state).collect();
    assert_eq!(found.len(), 1, "{name} {state} in {checks:#?}");
    found[0]
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Puts something else in the place of a text of the configuration.
fn edit(world: &World, from: &str, to: &str) {
    let text = std::fs::read_to_string(world.config_path()).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    std::fs::write(world.config_path(), text.replace(from, to)).unwrap();
}

/// A place that is its owner's alone, as the program makes it.
async fn playing(scenario: &str) -> World {
    let world = World::playing(scenario).await;
    mode(world.dir.path(), 0o700);
    world
}

const KIND: &str = "[[partner]]\nname = \"emea\"\n[[tenant]]\nname = \"Contoso\"\nusers = 300\n\
                    [[tenant]]\nname = \"Fabrikam\"\nusers = 7\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_is_well_and_the_sign_in_goes_on_working() {
    let world = playing(KIND).await;
    let aside = world.dir.path().join("aside");
    std::fs::rename(world.store_path(), &aside).unwrap();
    let (checks, code) = doctor(&world, &[]);
    assert_eq!(code, Some(0), "warnings alone: {checks:#?}");
    assert!(one(&checks, "store", "warning")["what"].as_str().unwrap().contains("is not there yet"));
    assert!(one(&checks, "refresh_token", "warning")["next"].as_str().unwrap().contains("login --partner emea"));
    assert_eq!((states(&checks, "clock"), states(&checks, "sign_in")), (vec!["ok"], vec!["skipped"]));
    assert!(!world.store_path().exists(), "it makes no store");
    std::fs::rename(&aside, world.store_path()).unwrap();
    assert!(run(&world, &["import", "--all"]).status.success());

    edit(&world, "service_account", "client_secret_expires = \"2099-03-01\"\nservice_account");
    let users = world.cloud.counters().requests.get("users").cloned();
    let (checks, code) = doctor(&world, &[]);
    assert_eq!(code, Some(0), "{checks:#?}");
    for name in [
        "configuration",
        "files",
        "disk",
        "store",
        "snapshots",
        "imports",
        "tenants",
        "dns",
        "tls",
        "clock",
        "sign_in",
        "partner_center",
        "gdap",
        "key",
        "app_key",
        "refresh_token",
    ] {
        assert_eq!(states(&checks, name), ["ok"], "{name}: {checks:#?}");
    }
    let token = one(&checks, "refresh_token", "ok")["what"].as_str().unwrap();
    assert!(token.contains("0 days old (unused it lives 90); the sign-in with MFA behind it is of 20"), "{token}");
    assert!(!token.contains("has not worked"), "the import has used it: {token}");
    assert_eq!(states(&checks, "credential"), ["ok", "ok"], "token and secret: {checks:#?}");
    let schedule = one(&checks, "schedule", "skipped")["what"].as_str().unwrap();
    assert!(schedule.starts_with("schedule.daily is off"), "{schedule}");
    assert_eq!(one(&checks, "sign_in", "ok")["partner"], "emea");
    assert!(one(&checks, "snapshots", "ok")["what"].as_str().unwrap().starts_with("4 of 2 tenants read through: 307 "));
    assert!(one(&checks, "partner_center", "ok")["what"].as_str().unwrap().starts_with("2 customers"));
    assert_eq!(world.cloud.counters().requests.get("users").cloned(), users, "of tenants nothing was asked");
    assert!(run(&world, &["import", "--all"]).status.success(), "the token that a check brought is the next one's");

    let people = run(&world, &["doctor"]);
    let text = String::from_utf8(people.stdout).unwrap();
    assert!(text.lines().any(|line| line.starts_with("ok       sign_in         emea")), "{text}");
    assert!(String::from_utf8_lossy(&people.stderr).contains(" ok, "), "the sum goes to standard error");
    let csv = run(&world, &["doctor", "--offline", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.stdout.as_slice());
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>()[..2], ["state", "name"]);
    assert!(reader.records().count() > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offline_asks_nothing_and_names_what_it_left_out() {
    let world = World::of("two_partners.toml").await;
    let (checks, code) = doctor(&world, &["--offline"]);
    assert_eq!(code, Some(0), "{checks:#?}");
    for name in ["dns", "tls", "clock", "sign_in", "partner_center", "gdap"] {
        assert_eq!(states(&checks, name), ["skipped", "skipped"], "{name}");
    }
    assert!(world.cloud.log().is_empty(), "nothing was asked");
    let (checks, _) = doctor(&world, &["--offline", "--partner", "nordics"]);
    assert_eq!(states(&checks, "sign_in"), ["skipped"]);
    assert_eq!(run(&world, &["doctor", "--partner", "apac"]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_partner_is_1_beside_one_that_works_and_3_alone() {
    let world = World::of("two_partners.toml").await;
    world.cloud.set_night(1);
    run(&world, &["sync", "--partner", "nordics"]);
    let (checks, code) = doctor(&world, &[]);
    assert_eq!(code, Some(1), "{checks:#?}");
    let mut both = states(&checks, "sign_in");
    both.sort_unstable();
    assert_eq!(both, ["failed", "ok"]);
    let failed = one(&checks, "sign_in", "failed");
    assert_eq!(failed["partner"], "nordics");
    assert!(failed["since"].as_str().unwrap().ends_with('Z'), "the sync met it first: {failed}");
    assert!(failed["who"].as_str().unwrap().starts_with("US"), "{failed}");
    assert!(failed["next"].as_str().unwrap().contains("tenantop login --partner nordics"), "{failed}");
    one(&checks, "gdap", "skipped");
    let (checks, code) = doctor(&world, &["--partner", "nordics"]);
    assert_eq!((code, states(&checks, "sign_in")), (Some(3), vec!["failed"]));
    let (_, code) = doctor(&world, &["--partner", "nordics", "--offline"]);
    assert_eq!(code, Some(0), "who does not ask is not refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_is_told() {
    let world = playing(KIND).await;
    world.cloud.date_back(SignedDuration::from_mins(4));
    let (checks, code) = doctor(&world, &[]);
    assert_eq!((code, states(&checks, "clock")), (Some(0), vec!["ok"]), "{checks:#?}");
    world.cloud.date_back(SignedDuration::from_mins(6));
    let (checks, code) = doctor(&world, &[]);
    assert_eq!(code, Some(1));
    let clock = one(&checks, "clock", "failed");
    let what = clock["what"].as_str().unwrap();
    let seconds = what.strip_prefix("this machine's clock is ").and_then(|rest| rest.split(' ').next());
    let seconds: u32 = seconds.unwrap_or_default().parse().unwrap_or_else(|_| panic!("{what}"));
    // The answer took its time, and dates have whole seconds.
    assert!((350..400).contains(&seconds) && what.contains("s ahead of the host's"), "{what}");
    world.cloud.date_back(SignedDuration::from_mins(-6));
    let (checks, _) = doctor(&world, &[]);
    let what = one(&checks, "clock", "failed")["what"].as_str().unwrap();
    assert!(what.contains(" s behind the host's"), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_cannot_be_reached_are_told_by_what_stops_the_way() {
    let world = playing(KIND).await;
    let base = world.cloud.base();
    let port = world.cloud.addr().port();
    // Nobody listens, nobody speaks TLS, nobody has that name.
    edit(&world, &format!("{base}/login"), "http://127.0.0.1:9/login");
    edit(&world, &format!("{base}/graph"), &format!("https://127.0.0.1:{port}/graph"));
    edit(&world, &format!("{base}/partner"), "https://nobody.invalid/partner");
    let (checks, code) = doctor(&world, &[]);
    assert_eq!(code, Some(3), "{checks:#?}");
    let of = |name: &str, host: &str| {
        let found = checks
            .iter()
            .find(|check| check["name"] == name && check["what"].as_str().is_some_and(|what| what.starts_with(host)));
        found.unwrap_or_else(|| panic!("{name} of {host}: {checks:#?}"))["state"].as_str().unwrap()
    };
    let graph = format!("127.0.0.1:{port} ");
    assert_eq!((of("dns", "127.0.0.1:9 "), of("tls", "127.0.0.1:9 ")), ("ok", "failed"));
    assert_eq!((of("dns", &graph), of("tls", &graph)), ("ok", "failed"));
    assert_eq!((of("dns", "nobody.invalid "), of("tls", "nobody.invalid ")), ("failed", "skipped"));
    one(&checks, "clock", "skipped");
    let refused = one(&checks, "sign_in", "failed");
    assert!(refused["who"].as_str().unwrap().starts_with("US: whoever keeps this machine"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_others_can_read_or_write_are_named() {
    let world = playing(KIND).await;
    assert!(run(&world, &["import", "--all"]).status.success());
    let below = |name: &str| world.dir.path().join(name);
    for (name, wrong, right) in [
        ("emea.secret", 0o640, 0o600),
        ("vault.key", 0o604, 0o600),
        ("store.redb", 0o644, 0o600),
        ("config.toml", 0o666, 0o644),
    ] {
        let path = below(name);
        mode(&path, wrong);
        let (checks, code) = doctor(&world, &["--offline"]);
        let check = one(&checks, "files", "failed");
        let what = check["what"].as_str().unwrap();
        assert!(what.starts_with(&format!("{} (mode {wrong:04o}, ", path.display())), "{what}");
        assert!(check["next"].as_str().unwrap().starts_with("chmod "), "{check}");
        assert_eq!(code, Some(1), "{name}");
        mode(&path, right);
    }
    mode(world.dir.path(), 0o755);
    let (checks, code) = doctor(&world, &["--offline"]);
    assert!(one(&checks, "files", "warning")["what"].as_str().unwrap().contains("others can see what lies in it"));
    assert_eq!(code, Some(0));
    mode(world.dir.path(), 0o700);

    // One that cannot be used at all: nothing can be asked for that partner.
    std::fs::rename(below("emea.secret"), below("elsewhere")).unwrap();
    let (checks, code) = doctor(&world, &[]);
    assert!(one(&checks, "files", "failed")["what"].as_str().unwrap().contains("emea.secret"), "{checks:#?}");
    one(&checks, "sign_in", "failed");
    one(&checks, "clock", "skipped");
    assert_eq!(code, Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_held_is_said_with_its_holder_and_the_rest_is_checked() {
    let world = playing(KIND).await;
    assert!(run(&world, &["import", "--all"]).status.success());
    let engine = world.engine();
    let (checks, code) = doctor(&world, &[]);
    assert_eq!(code, Some(4), "{checks:#?}");
    let what = one(&checks, "store", "skipped")["what"].as_str().unwrap();
    assert!(what.starts_with(&format!("process {} (", std::process::id())), "{what}");
    for name in ["snapshots", "imports", "tenants", "schedule", "refresh_token", "sign_in", "partner_center", "gdap"] {
        assert_eq!(states(&checks, name), ["skipped"], "{name}");
    }
    for name in ["configuration", "files", "disk", "key", "app_key", "dns", "tls", "clock"] {
        assert!(states(&checks, name).iter().all(|state| *state == "ok"), "{name}: {checks:#?}");
    }
    // The process that holds the store is not disturbed.
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.ok, run.failed), (2, 0));
    drop(watcher);
    engine.stop().await;

    // A disk that gives back other bytes.
    let mut bytes = std::fs::read(world.store_path()).unwrap();
    let name = memchr::memmem::find_iter(&bytes.clone(), "Contoso").collect::<Vec<_>>();
    assert!(!name.is_empty());
    for at in name {
        bytes[at] = b'K';
    }
    std::fs::write(world.store_path(), &bytes).unwrap();
    let (checks, code) = doctor(&world, &["--offline"]);
    assert_eq!(code, Some(4), "{checks:#?}");
    let check = one(&checks, "store", "failed");
    assert!(check["next"].as_str().unwrap().contains("put a backup in its place"), "{check}");
    assert_eq!(states(&checks, "snapshots"), ["skipped"]);

    std::fs::write(world.store_path(), b"this is no store at all").unwrap();
    let (checks, code) = doctor(&world, &["--offline"]);
    assert_eq!(code, Some(4));
    assert!(one(&checks, "store", "failed")["what"].as_str().unwrap().contains("it is not a store"), "{checks:#?}");
    assert_eq!(std::fs::read(world.store_path()).unwrap(), b"this is no store at all", "it is left as it is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_damaged_is_told_with_its_tenant() {
    let world = playing(KIND).await;
    assert!(run(&world, &["import", "--all"]).status.success());
    {
        let mut store = Store::open(&world.store_path(), 4 << 20).unwrap();
        let fleet = store.load(1).unwrap();
        let contoso = fleet.tenants.values().find(|tenant| tenant.name == "Contoso").unwrap();
        let lost = contoso.users.good.as_ref().unwrap().snapshot;
        let mut batch = store.batch().unwrap();
        batch.drop_snapshot(lost).unwrap();
        batch.commit(true).unwrap();
    }
    let (checks, code) = doctor(&world, &["--offline"]);
    assert_eq!(code, Some(1), "{checks:#?}");
    let check = one(&checks, "snapshots", "failed");
    assert!(
        check["what"].as_str().unwrap().starts_with("Contoso: ")
            && check["what"].as_str().unwrap().contains("is missing")
    );
    assert!(check["next"].as_str().unwrap().starts_with("tenantop import "), "{check}");
    for _ in 0..2 {
        assert!(run(&world, &["import", "contoso"]).status.success());
    }
    assert_eq!(states(&doctor(&world, &["--offline"]).0, "snapshots"), ["ok"], "what it said comes true");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ages_failures_and_ends_are_told() {
    let scenario = "[[partner]]\nname='emea'\n\
        [[tenant]]\nname='Good'\nusers=2\ngdap=[{ status='active', ends=9 }]\n\
        [[tenant]]\nname='Bad'\nusers=2\ntrouble=[{ step='token', code=53003 }]\n";
    let world = playing(scenario).await;
    run(&world, &["import", "--all"]);
    let ends = |day: jiff::civil::Date| format!("client_secret_expires = \"{day}\"\nservice_account");
    let today = day_of(Clock::system().now());
    let soon = ends(today + jiff::Span::new().days(20));
    edit(&world, "service_account", &soon);
    let (checks, code) = doctor(&world, &["--offline"]);
    assert_eq!(code, Some(0), "{checks:#?}");
    let tenants = one(&checks, "tenants", "warning");
    assert_eq!(tenants["what"], "2 tenants: 1 ok, 1 blocked");
    assert_eq!((&tenants["who"], tenants["since"].is_string()), (&"customer 1".into(), true));
    let secret = one(&checks, "credential", "warning");
    assert!(secret["what"].as_str().unwrap().starts_with("secret ends on "), "{secret}");
    assert!(
        one(&checks, "gdap_ends", "warning")["what"].as_str().unwrap().contains("1 end within 30 days, 0 do not hold")
    );

    edit(&world, &soon, &ends(today - jiff::Span::new().days(2)));
    let (checks, code) = doctor(&world, &["--offline"]);
    assert_eq!(code, Some(1));
    let secret = one(&checks, "credential", "failed");
    assert!(secret["what"].as_str().unwrap().contains("all imports of emea stop") && secret["since"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_nothing_renewed_fail() {
    let world = playing(KIND).await;
    let now = Clock::system();
    let engine = world.engine_at(Clock::of(move || now.now() - SignedDuration::from_hours(48)));
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.import(Scope::All(None)).await;
    drop(watcher);
    engine.stop().await;
    let (checks, code) = doctor(&world, &["--offline"]);
    assert_eq!(code, Some(1), "{checks:#?}");
    let check = one(&checks, "imports", "failed");
    let what = check["what"].as_str().unwrap();
    assert!(what.contains(", 48 h old; run 1: 2 saved, 0 not: nothing was renewed"), "{what}");
    assert!(check["since"].is_string());
    assert_eq!(one(&checks, "tenants", "warning")["what"], "2 tenants: 2 stale");
    run(&world, &["import", "--all"]);
    assert_eq!(states(&doctor(&world, &["--offline"]).0, "imports"), ["ok"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_and_a_configuration_that_is_wrong() {
    let world = playing(KIND).await;
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalog/nasty.csv");
    let text = std::fs::read_to_string(world.config_path()).unwrap();
    let with = |file: &Path| {
        std::fs::write(world.config_path(), format!("[catalog]\nproducts_csv = \"{}\"\n{text}", file.display()))
            .unwrap();
    };
    with(&table);
    let (checks, code) = doctor(&world, &["--offline"]);
    assert!(one(&checks, "products_csv", "warning")["what"].as_str().unwrap().contains("line 13"), "{checks:#?}");
    assert_eq!(code, Some(0));
    with(Path::new("/nowhere/products.csv"));
    let (checks, code) = doctor(&world, &["--offline"]);
    assert!(one(&checks, "products_csv", "failed")["what"].as_str().unwrap().contains("/nowhere/products.csv"));
    assert_eq!(code, Some(1));

    std::fs::write(world.config_path(), "[import]\n\nmax_pages = 0\n").unwrap();
    let (checks, code) = doctor(&world, &[]);
    assert_eq!((code, checks.len()), (Some(2), 1));
    assert!(one(&checks, "configuration", "failed")["what"].as_str().unwrap().contains("config.toml:3"), "{checks:#?}");
    std::fs::write(world.config_path(), "").unwrap();
    let output = run(&world, &["doctor", "--json", "--store", world.store_path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("it names no partner"));
}
