//! Keys, secrets and tokens: where they come from, that they change while all goes on, and that nobody else reads them.

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tenantop::failure::Class;
use tenantop::model::{Change, RunState, Scope};

use crate::sign_in::certificate;
use crate::world::{Watcher, World};

const KIND: &str = "[[partner]]\nname='emea'\n[[tenant]]\nname='Contoso'\nusers=12\n";

fn run(mut command: Command, args: &[&str]) -> Output {
    command.args(args).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Puts a private file in its place at once, as a careful operator does.
fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    let aside = path.with_extension("aside");
    std::fs::write(&aside, bytes).unwrap();
    std::fs::set_permissions(&aside, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(&aside, path).unwrap();
}

/// The checks of `doctor --offline`.
fn doctor(command: Command) -> Vec<Value> {
    let output = run(command, &["doctor", "--offline", "--json"]);
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn check<'a>(checks: &'a [Value], name: &str) -> (&'a str, &'a str) {
    let found = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {checks:#?}"));
    (found["state"].as_str().unwrap(), found["what"].as_str().unwrap())
}

/// Kills a child once the cloud has counted so many requests of a step.
async fn kill_at(world: &World, mut child: Child, step: &str, count: u64) {
    let limit = Instant::now() + Duration::from_mins(1);
    while world.cloud.counters().all(step) < count {
        assert!(Instant::now() < limit, "{step} was never asked {count} times");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn quiet(mut command: Command, args: &[&str]) -> Child {
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_before_the_new_token_was_used_leaves_both_and_the_next_start_signs_in() {
    let trouble = "trouble=[{step='token',audience='partner_center',delay=20000,times=1}]";
    let world = World::playing(&KIND.replace("name='emea'\n", &format!("name='emea'\n{trouble}\n"))).await;
    let brought = world.sealed("emea");
    // The second question for a token is the first use of the new one, and it is never answered.
    kill_at(&world, quiet(world.tenantop(), &["sync"]), "token", 2).await;
    assert_ne!(world.sealed("emea"), brought, "the new one was durable before it was used");
    let checks = doctor(world.tenantop());
    let (state, what) = check(&checks, "refresh_token");
    assert!(state == "ok" && what.contains("has not worked yet, so the one before it is kept"), "{what}");

    let again = run(world.tenantop(), &["sync"]);
    assert!(again.status.success(), "{}", said(&again));
    assert_eq!(world.cloud.counters().older_refresh_tokens, 0, "it was the new one that signed in");
    assert!(!check(&doctor(world.tenantop()), "refresh_token").1.contains("has not worked"), "it has worked now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_any_moment_of_a_sign_in_lose_no_token() {
    const KILLS: u32 = 24;
    let world = World::playing(KIND).await;
    let began = Instant::now();
    assert!(run(world.tenantop(), &["sync"]).status.success());
    let whole = began.elapsed();
    let first = world.cloud.counters().all("token");
    let asked = || world.cloud.counters().all("token") > first;
    // Spread over the time that one took; on a machine that has become slower, on until one of them has asked for a token.
    for kill in (0..).take_while(|kill| *kill < KILLS || !asked()) {
        assert!(kill < 10 * KILLS, "none of them had asked for a token");
        let mut child = quiet(world.tenantop(), &["sync"]);
        tokio::time::sleep(whole * kill / KILLS).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let last = run(world.tenantop(), &["sync"]);
    assert!(last.status.success(), "{}", said(&last));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_in_a_file_of_an_older_program_is_taken_over_once() {
    let world = World::playing(KIND).await;
    // What lies in the store lay in a file before, as it is.
    let file = world.dir.path().join("emea.token");
    put(&file, world.sealed("emea"));
    let kept = std::fs::read(&file).unwrap();
    std::fs::remove_file(world.store_path()).unwrap();
    assert!(run(world.tenantop(), &["expiries"]).status.success());
    assert!(file.exists(), "a look takes nothing over");
    let sync = run(world.tenantop(), &["sync"]);
    assert!(sync.status.success(), "{}", said(&sync));
    assert!(!file.exists(), "it lies in the store alone");
    assert_ne!(world.sealed("emea"), kept);
    assert!(run(world.tenantop(), &["import", "--all"]).status.success());

    // One that others could read is not taken, and says so.
    put(&file, &kept);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let sync = run(world.tenantop(), &["sync"]);
    assert_eq!((sync.status.code(), file.exists()), (Some(3), true), "{}", said(&sync));
}

/// A configuration whose secret and key come from systemd, and what starts a program as systemd would.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_secrets_come_from_systemds_directory() {
    let world = World::playing(KIND).await;
    std::fs::set_permissions(world.dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let handed = tempfile::tempdir().unwrap();
    let below = |name: &str| handed.path().join(name);
    let hand = |name: &str, bytes: &[u8]| {
        put(&below(name), bytes);
        // As the mask of an ACL shows.
        std::fs::set_permissions(below(name), std::fs::Permissions::from_mode(0o440)).unwrap();
    };
    hand("app", &std::fs::read(world.dir.path().join("emea.secret")).unwrap());
    hand("tenantop.key", b"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n");
    let config = std::fs::read_to_string(world.config_path()).unwrap();
    let secret = world.dir.path().join("emea.secret").display().to_string();
    std::fs::write(world.config_path(), config.replace(&secret, "credential:app")).unwrap();
    std::fs::remove_file(&secret).unwrap();
    std::fs::remove_file(world.dir.path().join("vault.key")).unwrap();
    let started = || {
        let mut command = world.tenantop();
        command.env("CREDENTIALS_DIRECTORY", handed.path());
        command
    };

    let without = run(world.tenantop(), &["sync"]);
    assert_eq!(without.status.code(), Some(2));
    assert!(said(&without).contains("there is no credentials directory"), "{}", said(&without));
    let other_key = run(started(), &["sync"]);
    assert_eq!(other_key.status.code(), Some(3));
    assert!(said(&other_key).contains("was sealed for another partner or with another key"), "{}", said(&other_key));

    let token = world.dir.path().join("token");
    let first = tenantop::sim::Scenario::parse(KIND).unwrap().partners()[0].refresh_token.clone();
    std::fs::write(&token, first).unwrap();
    let login = run(started(), &["login", "--partner", "emea", "--refresh-token-file", token.to_str().unwrap()]);
    assert!(login.status.success(), "{}", said(&login));
    assert!(run(started(), &["import", "--all"]).status.success());
    assert!(!world.dir.path().join("vault.key").exists(), "no key of our own is made");
    let checks = doctor(started());
    let (state, what) = check(&checks, "key");
    assert!(state == "ok" && what.ends_with("tenantop.key, from systemd's credentials"), "{what}");
    for name in ["files", "app_key", "refresh_token"] {
        assert_eq!(check(&checks, name).0, "ok", "{name}: {checks:#?}");
    }

    hand("tenantop.key", b"too short");
    let checks = doctor(started());
    let (state, what) = check(&checks, "key");
    assert!(state == "failed" && what.contains("is no key: 32 bytes"), "{what}");
    let login = run(started(), &["login", "--partner", "emea"]);
    assert_eq!(login.status.code(), Some(2));
    assert!(said(&login).contains("is no key") && !said(&login).contains("/authorize?"), "{}", said(&login));
    // What all may read is no secret there either.
    std::fs::set_permissions(below("app"), std::fs::Permissions::from_mode(0o444)).unwrap();
    let open = run(started(), &["sync"]);
    assert_eq!(open.status.code(), Some(2));
    assert!(said(&open).contains("can be read by others (mode 0444"), "{}", said(&open));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_is_taken_with_the_old_one_beside_it() {
    let world = World::playing(KIND).await;
    let new = world.dir.path().join("new.key");
    put(&new, [b'n'; 32]);
    let config = std::fs::read_to_string(world.config_path()).unwrap();
    let with = |lines: &str| std::fs::write(world.config_path(), format!("[credentials]\n{lines}\n{config}")).unwrap();
    let key_file = format!("key_file = {new:?}");
    let old = world.dir.path().join("vault.key");
    with(&format!("{key_file}\nprevious_key_file = {old:?}"));
    assert!(check(&doctor(world.tenantop()), "refresh_token").1.contains("previous_key_file is needed until then"));
    assert!(run(world.tenantop(), &["sync"]).status.success());
    assert!(!check(&doctor(world.tenantop()), "refresh_token").1.contains("previous_key_file"));
    // From here on the old one is not needed.
    with(&key_file);
    std::fs::remove_file(&old).unwrap();
    let sync = run(world.tenantop(), &["sync"]);
    assert!(sync.status.success(), "{}", said(&sync));
    assert!(!old.exists());
}

/// The newest word of the engine on why a file is not used.
fn trouble(watcher: &Watcher) -> Option<String> {
    let told = watcher.heard.iter().rev().find_map(|change| match change {
        Change::Credentials { credentials, .. } => Some(credentials.trouble.clone()),
        _ => None,
    });
    told.expect("credentials were told").map(String::from)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_replaced_while_the_engine_goes_on() {
    let world = World::playing(KIND).await;
    let secret = world.dir.path().join("emea.secret");
    let old = std::fs::read_to_string(&secret).unwrap();
    let new = "a-new-secret-of-forty-characters-made-up".to_owned();
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    assert_eq!(watcher.import(Scope::All(None)).await.state, RunState::Done);
    assert_eq!(trouble(&watcher), None);

    world.cloud.replace_credential("emea", &new, None);
    let refused = watcher.import(Scope::All(None)).await;
    assert_eq!((refused.state, refused.refused[0].1.class), (RunState::Refused, Class::ClientCredential));
    put(&secret, &new);
    assert_eq!(watcher.import(Scope::All(None)).await.state, RunState::Done, "the new one was read");

    // Broken, open to others, gone: the one in memory signs in, and it is said why.
    put(&secret, "two\nlines");
    assert_eq!(watcher.import(Scope::All(None)).await.state, RunState::Done);
    assert!(trouble(&watcher).unwrap().contains("holds no secret of one line"));
    put(&secret, &old);
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(watcher.import(Scope::All(None)).await.state, RunState::Done, "nobody trusts a file that others write");
    assert!(trouble(&watcher).unwrap().contains("chmod 600"));
    let checks = doctor(world.tenantop());
    let (state, what) = check(&checks, "app_key");
    assert!(state == "failed" && what.contains("emea.secret can be read by others"), "{what}");
    std::fs::remove_file(&secret).unwrap();
    assert_eq!(watcher.import(Scope::All(None)).await.state, RunState::Done);
    assert!(trouble(&watcher).is_some());

    put(&secret, &new);
    assert_eq!(watcher.import(Scope::All(None)).await.state, RunState::Done);
    assert_eq!(trouble(&watcher), None, "it is healed");
    drop(watcher);
    engine.stop().await;
    assert!(!said(&run(world.tenantop(), &["expiries"])).contains("credentials of partner"));
    put(&secret, "");
    let expiries = run(world.tenantop(), &["expiries"]);
    assert!(said(&expiries).contains("credentials of partner emea: "), "{}", said(&expiries));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_and_its_key_are_replaced_one_after_the_other() {
    let keys = tempfile::tempdir().unwrap();
    let (first, second) = (certificate(keys.path(), "first"), certificate(keys.path(), "second"));
    let scenario = KIND.replace("name='emea'\n", &format!("name='emea'\ncertificate=\"\"\"{first}\"\"\"\n"));
    let mut world = World::playing(&scenario).await;
    let (shown, key) = (keys.path().join("app.pem"), keys.path().join("app.key"));
    let of = |name: &str| std::fs::read(keys.path().join(name)).unwrap();
    // A file may have more than the certificate.
    put(&shown, [of("second.key"), of("first.pem"), of("second.pem")].concat());
    put(&key, of("first.key"));
    let partner = &mut world.config.partners[0];
    partner.client_secret_file = None;
    (partner.certificate_file, partner.private_key_file) = (Some(shown.clone()), Some(key.clone()));
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    assert_eq!(watcher.import(Scope::All(None)).await.state, RunState::Done);
    put(&shown, of("second.pem"));
    assert_eq!(watcher.import(Scope::All(None)).await.state, RunState::Done, "the pair in memory is whole");
    assert!(trouble(&watcher).unwrap().contains("is not the key of the certificate in"));
    put(&key, of("second.key"));
    world.cloud.replace_credential("emea", "", Some(&second));
    assert_eq!(watcher.import(Scope::All(None)).await.state, RunState::Done, "the new pair");
    assert_eq!(trouble(&watcher), None);
    drop(watcher);
    engine.stop().await;
}

/// Every file below a folder with its bytes.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_and_no_secret_lies_in_any_file_or_is_said() {
    let world = World::of("repaired.toml").await;
    let logged = || {
        let mut command = world.tenantop();
        command.env("TENANTOP_LOG", "trace");
        command
    };
    let away = tempfile::tempdir().unwrap();
    let name = |name: &str| away.path().join(name).display().to_string();
    let mut told = Vec::new();
    for args in [
        &["import", "--all", "--json"][..],
        &["sync"],
        &["doctor"],
        &["expiries", "--json"],
        &["runs", "--json"],
        &["failures", "--json"],
        &["config"],
        &["backup", &name("one.backup")],
        &["metrics", &name("one.prom")],
    ] {
        told.push(run(logged(), args));
    }
    // A backup that is killed leaves a part at one of these moments.
    let parts =
        || files(away.path()).iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "part")).count();
    for n in 0..200_u32 {
        let mut child = quiet(logged(), &["backup", &name(&format!("{n}.backup"))]);
        let limit = Instant::now() + Duration::from_secs(20);
        while parts() == 0 && child.try_wait().unwrap().is_none() && Instant::now() < limit {
            tokio::task::yield_now().await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if parts() > 0 {
            break;
        }
    }
    assert!(parts() > 0, "a part was left");
    let mut secrets = world.cloud.secrets();
    assert!(secrets.len() > 5, "tokens were given out: {}", secrets.len());
    secrets.push(std::fs::read_to_string(world.dir.path().join("emea.secret")).unwrap());
    std::fs::remove_file(world.dir.path().join("emea.secret")).unwrap();
    let all: Vec<_> = files(world.dir.path()).into_iter().chain(files(away.path())).collect();
    for end in ["redb", "key", "log", "backup", "prom", "part"] {
        assert!(all.iter().any(|(path, _)| path.extension().is_some_and(|is| is == end)), "{end} is among them");
    }
    for secret in secrets {
        let part = &secret.as_bytes()[..24.min(secret.len())];
        let finder = memchr::memmem::Finder::new(part);
        for (path, bytes) in &all {
            assert!(finder.find(bytes).is_none(), "{} holds it", path.display());
        }
        for output in &told {
            assert!(finder.find(&output.stdout).is_none() && finder.find(&output.stderr).is_none(), "{output:?}");
        }
    }
}

/// A user that is not root and owns nothing.
const NOBODY: u32 = 65_534;

#[test]
fn another_process_of_the_same_user_reads_no_memory_and_no_core_is_written() {
    // It waits for its standard input, after all that every command begins with.
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("tenantop");
    std::fs::copy(env!("CARGO_BIN_EXE_tenantop"), &program).unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(dir.path(), open.clone()).unwrap();
    std::fs::set_permissions(&program, open).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    let as_somebody = |program: &Path| {
        let mut command = Command::new(program);
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.current_dir(dir.path()).env("XDG_STATE_HOME", dir.path().join("state"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut child = as_somebody(&program).arg("explain").spawn().unwrap();
    let proc = PathBuf::from(format!("/proc/{}", child.id()));
    // More than a pipe holds: once all of it is written, the command reads.
    let mut input = child.stdin.take().unwrap();
    input.write_all(&vec![b' '; 200 << 10]).unwrap();
    let limits = std::fs::read_to_string(proc.join("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    // What is not dumpable is root's: whoever runs as the same user may not open it.
    let memory = proc.join("mem");
    assert_eq!(std::fs::metadata(&memory).unwrap().uid(), 0, "it belongs to root");
    let other = as_somebody(Path::new("/bin/cat")).arg(&memory).output().unwrap();
    assert!(!other.status.success() && other.stdout.is_empty());
    assert!(said(&other).contains("Permission denied"), "{}", said(&other));
    // The same user's memory can be read where nobody forbids it: the check above can fail.
    let mut sleeper = as_somebody(Path::new("/bin/cat")).spawn().unwrap();
    let memory = PathBuf::from(format!("/proc/{}/mem", sleeper.id()));
    let owner = rustix::process::geteuid().as_raw();
    let want = if is_root { NOBODY } else { owner };
    let limit = Instant::now() + Duration::from_mins(1);
    while std::fs::metadata(&memory).unwrap().uid() != want {
        assert!(Instant::now() < limit, "{} belongs to its user", memory.display());
        std::thread::yield_now();
    }
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();

    input.write_all(b"AADSTS53003").unwrap();
    drop(input);
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success() && text.contains("53003"), "it works all the same: {text}");
}
