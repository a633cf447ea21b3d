//! `tenantop backup`, and what is restored from it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tenantop::store::Store;

use crate::world::{World, assert_whole};

fn run(world: &World, args: &[&str]) -> Output {
    world.tenantop().args(args).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn imported(scenario: &str) -> World {
    let world = World::of(scenario).await;
    run(&world, &["import", "--all"]);
    world
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// As the README says: the file into the store's place, then sign in again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_restored_elsewhere_has_the_same_rows_and_no_sign_in() {
    let world = imported("policy_moves.toml").await;
    world.cloud.set_night(1);
    run(&world, &["import", "--all"]);
    let away = tempfile::tempdir().unwrap();
    let file = away.path().join("night.backup");
    let output = run(&world, &["backup", file.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    let meta = std::fs::metadata(&file).unwrap();
    assert_eq!((meta.permissions().mode() & 0o777, &row["bytes"]), (0o600, &meta.len().into()));
    assert!(row["tenants"].as_u64() >= Some(2) && row["snapshots"].as_u64() >= Some(2), "{row}");
    assert!(said(&output).contains("opened and read through. It has the sign-ins sealed"), "{}", said(&output));
    assert_eq!(names(away.path()), ["night.backup"], "nothing else is left");

    // Another machine: the configuration, the secret, the copy in the store's place.
    let place = away.path().join("state/store.redb");
    std::fs::create_dir(place.parent().unwrap()).unwrap();
    mode(place.parent().unwrap(), 0o700);
    std::fs::rename(&file, &place).unwrap();
    let there = |args: &[&str]| {
        let output = run(&world, &[args, &["--store", place.to_str().unwrap()]].concat());
        (String::from_utf8(output.stdout.clone()).unwrap(), output.status.code(), said(&output))
    };
    for args in [
        &["tenants", "--json"][..],
        &["failures", "--json"],
        &["licenses", "--json"],
        &["licenses", "--history", "--json"],
        &["users", "--json"],
        &["diff", "--json"],
        &["runs", "--json"],
    ] {
        let here = String::from_utf8(run(&world, args).stdout).unwrap();
        let (restored, code, said) = there(args);
        assert_eq!((restored, code), (here.clone(), Some(0)), "{args:?}: {said}");
        assert!(!here.is_empty() || args[0] == "failures" || args[0] == "diff", "{args:?} has rows");
    }
    {
        let store = Store::open(&place, 4 << 20).unwrap();
        assert_whole(&store.load(1).unwrap(), &store.reader());
    }
    let (_, code, said) = there(&["import", "--all"]);
    assert_eq!(code, Some(3), "the key was not copied");
    assert!(said.contains("the key that the stored sign-in is sealed with is not here"), "{said}");
    assert!(said.contains("tenantop login --partner emea"), "{said}");
    assert!(!place.with_file_name("vault.key").exists(), "reading makes no key");
    let token = world.dir.path().join("again");
    std::fs::write(&token, refresh_token("policy_moves.toml")).unwrap();
    assert_eq!(there(&["login", "--partner", "emea", "--refresh-token-file", token.to_str().unwrap()]).1, Some(0));
    let (_, code, said) = there(&["import", "--all"]);
    assert!(matches!(code, Some(0 | 1)), "{said}");
}

/// The first token of a scenario's partner; the made-up cloud still takes it.
fn refresh_token(scenario: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(scenario);
    let scenario = tenantop::sim::Scenario::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    scenario.partners()[0].refresh_token.clone()
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_stays_and_only_a_backup_is_replaced() {
    let world = imported("repaired.toml").await;
    let below = |name: &str| world.dir.path().join(name);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let file = below("one.backup");
    assert_eq!(run(&world, &["backup", &text(&file)]).status.code(), Some(0));
    let first = std::fs::read(&file).unwrap();
    let output = run(&world, &["backup", &text(&file)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("is there already: another name, or --force"), "{}", said(&output));
    assert_eq!(std::fs::read(&file).unwrap(), first);
    world.cloud.set_night(1);
    run(&world, &["import", "--failed"]);
    assert_eq!(run(&world, &["backup", &text(&file), "--force"]).status.code(), Some(0));
    assert_ne!(std::fs::read(&file).unwrap(), first, "it is today's");

    std::os::unix::fs::symlink(world.store_path(), below("link")).unwrap();
    for (path, phrase) in [
        (world.store_path(), "is the store itself"),
        (below("link"), "is the store itself"),
        (below("emea.secret"), "no backup of a store: not even --force"),
        (world.dir.path().to_owned(), "is there and is no file"),
        (below("nowhere/x"), "No such file"),
    ] {
        let output = run(&world, &["backup", &text(&path), "--force"]);
        assert!(matches!(output.status.code(), Some(2 | 4)), "{}: {}", path.display(), said(&output));
        assert!(said(&output).contains(phrase), "{}: {}", path.display(), said(&output));
    }
    assert_eq!(run(&world, &["tenants"]).status.code(), Some(0), "the store is as it was");
    assert_eq!(run(&world, &["backup", &text(&below("x")), "--format", "csv"]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_held_or_not_there_is_not_copied() {
    let world = World::of("repaired.toml").await;
    std::fs::remove_file(world.store_path()).unwrap();
    let file = world.dir.path().join("x.backup");
    let output = run(&world, &["backup", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(said(&output).contains("there is no store at "), "{}", said(&output));
    assert!(!world.store_path().exists(), "it makes none");
    let engine = world.engine();
    let output = run(&world, &["backup", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(said(&output).contains(&format!("is held by process {}", std::process::id())), "{}", said(&output));
    engine.stop().await;
    assert!(names(world.dir.path()).iter().all(|name| !name.contains("x.backup")), "{:?}", names(world.dir.path()));
}

/// No file grows beyond a limit: the system refuses the rest, as a full disk does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_leaves_no_file() {
    let world = imported("crash.toml").await;
    let file = world.dir.path().join("x.backup");
    let script = "trap '' XFSZ; ulimit -f 40; exec \"$0\" \"$@\"";
    let whole = world.tenantop();
    let output = std::process::Command::new("bash")
        .args(["-c", script])
        .arg(whole.get_program())
        .args(whole.get_args())
        .args(["backup", file.to_str().unwrap()])
        .env("XDG_STATE_HOME", world.dir.path().join("state"))
        .env_remove("TENANTOP_CONFIG")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(said(&output).contains("x.backup cannot be used: "), "{}", said(&output));
    assert!(names(world.dir.path()).iter().all(|name| !name.contains("x.backup")), "{:?}", names(world.dir.path()));
    assert_eq!(run(&world, &["tenants"]).status.code(), Some(0), "the store is as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_leaves_a_whole_file_or_none() {
    const KILLS: u32 = 30;
    let world = imported("crash.toml").await;
    let away = tempfile::tempdir().unwrap();
    let file = |n: u32| -> PathBuf { away.path().join(format!("{n}.backup")) };
    let began = std::time::Instant::now();
    assert!(run(&world, &["backup", file(KILLS).to_str().unwrap()]).status.success());
    let whole = began.elapsed();
    let (mut cut, mut left) = (0, 0);
    for n in 0..KILLS {
        let mut child = world.tenantop();
        let child = child.args(["backup", file(n).to_str().unwrap()]).stderr(Stdio::null()).stdin(Stdio::null());
        let mut child = child.spawn().unwrap();
        tokio::time::sleep(whole * n / KILLS + Duration::from_millis(1)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        if file(n).exists() {
            left += 1;
            let store = Store::open(&file(n), 4 << 20).unwrap();
            let fleet = store.load(1).unwrap();
            assert!(!fleet.tenants.is_empty());
            assert_whole(&fleet, &store.reader());
        } else {
            cut += 1;
        }
    }
    assert!(cut >= KILLS / 3, "{cut} were cut, {left} were whole");
    assert_eq!(run(&world, &["tenants"]).status.code(), Some(0), "the store is as it was");
}
