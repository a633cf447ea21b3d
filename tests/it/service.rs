//! The service: a real process, and consoles and commands that attach to its socket.

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Output, Stdio};
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};
use tenantop::link;
use tenantop::model::{
    AuditAsk, AuditFrom, AuditLook, AuditRows, Clock, Command, Event, Found, Look, RunState, Scope, UsersLook,
};
use tenantop::store::Store;

use crate::pty::terminal::Terminal;
use crate::world::{LIMIT, Watcher, World};

/// A service in a process of its own. Killed when it is dropped.
pub(crate) struct Service {
    child: Child,
    socket: PathBuf,
}

impl Service {
    pub(crate) fn start(world: &World) -> Self {
        let dir = world.dir.path().join("run");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o750)).unwrap();
        let socket = dir.join("s.sock");
        let log = std::fs::File::create(world.dir.path().join("serve.err")).unwrap();
        let mut command = world.tenantop();
        command.arg("--socket").arg(&socket).arg("serve").stdout(Stdio::null()).stderr(log);
        let mut service = Self { child: command.spawn().unwrap(), socket };
        let until = Instant::now() + LIMIT;
        while std::os::unix::net::UnixStream::connect(&service.socket).is_err() {
            let ended = service.child.try_wait().unwrap();
            let said = || std::fs::read_to_string(world.dir.path().join("serve.err")).unwrap();
            assert!(ended.is_none() && Instant::now() < until, "it does not serve: {ended:?} {}", said());
            std::thread::park_timeout(Duration::from_millis(5));
        }
        service
    }

    pub(crate) fn socket(&self) -> &std::path::Path {
        &self.socket
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Ends it as systemd does.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        let until = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(0));
                return;
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// A command that attaches to it.
    pub(crate) fn command(&self) -> Process {
        let mut command = Process::new(env!("CARGO_BIN_EXE_tenantop"));
        command.env_remove("TENANTOP_CONFIG").env_remove("SSH_CONNECTION");
        command.arg("--socket").arg(&self.socket);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command().args(args).output().unwrap()
    }

    async fn watcher(&self) -> Watcher {
        let attached = link::attach(&self.socket, link::Hints::default(), Clock::system()).await.unwrap();
        Watcher::at(attached.client).await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What it said helps whoever reads why.
            let said = self.socket.ancestors().nth(2).map(|dir| std::fs::read_to_string(dir.join("serve.err")));
            // Nobody reads it if that fails.
            let _ = writeln!(std::io::stderr(), "the service said: {said:?}");
        }
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn imported(scenario: &str) -> World {
    let mut world = World::of(scenario).await;
    world.config.import.retries_per_request = 1;
    let engine = world.engine();
    Watcher::of(&engine, "test").await.import(Scope::All(None)).await;
    engine.stop().await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_give_the_same_bytes_from_a_service_as_from_the_store() {
    let world = imported("every_failure.toml").await;
    let commands: [&[&str]; 14] = [
        &["tenants", "--json"],
        &["tenants"],
        &["failures", "--format", "csv"],
        &["licenses", "--json"],
        &["licenses", "--each", "--json"],
        &["licenses", "--tenant", "Good", "--history", "--json"],
        &["users", "--tenant", "Good", "--json"],
        &["users", "--tenant", "Good", "--sort", "name"],
        &["diff", "--tenant", "Good"],
        &["expiries", "--json"],
        &["runs"],
        &["ticket", "Block"],
        &["tenants", "--filter", "nofield:x"],
        &["users", "--tenant", "nobody"],
    ];
    // What ages between two calls is the same for both, as a rule; then it is asked again.
    let alone: Vec<Output> = commands.iter().map(|args| world.tenantop().args(*args).output().unwrap()).collect();
    let service = Service::start(&world);
    for (args, alone) in commands.iter().zip(alone) {
        let attached = service.run(args);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&attached.stdout), text(&alone.stdout), "{args:?}");
        assert_eq!(text(&attached.stderr), text(&alone.stderr), "{args:?}");
        assert_eq!(attached.status.code(), alone.status.code(), "{args:?}");
    }
    let held = world.tenantop().arg("tenants").output().unwrap();
    let said = String::from_utf8_lossy(&held.stderr);
    assert_eq!(held.status.code(), Some(4), "{said}");
    service.stop();
    assert!(!world.dir.path().join("run/s.sock").exists(), "it takes its socket with it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_service_names_the_first() {
    let world = imported("repaired.toml").await;
    let service = Service::start(&world);
    let other = world.dir.path().join("run/other.sock");
    let second = world.tenantop().arg("--socket").arg(&other).arg("serve").output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(4), "{said}");
    assert!(said.contains(&format!("process {}", service.pid())), "{said}");
    assert!(!other.exists());
    // A socket that a killed one left is taken over.
    service.signal(Signal::KILL);
    drop(service);
    assert!(world.dir.path().join("run/s.sock").exists());
    Service::start(&world).stop();
}

/// Looks at a socket from the moment it is made, whenever something about it becomes otherwise, until it is removed.
fn watched(dir: &Path) -> (std::thread::JoinHandle<Vec<u32>>, std::sync::mpsc::Receiver<u32>) {
    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
    let watch = init(CreateFlags::CLOEXEC).unwrap();
    add_watch(&watch, dir, WatchFlags::CREATE | WatchFlags::ATTRIB | WatchFlags::DELETE).unwrap();
    let file = dir.join("s.sock");
    let (saw, first) = std::sync::mpsc::sync_channel(64);
    let watcher = std::thread::spawn(move || {
        let mut room = [std::mem::MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(&watch, &mut room);
        let mut modes = Vec::new();
        loop {
            let event = events.next().unwrap();
            if event.file_name().is_none_or(|name| name.to_bytes() != b"s.sock") {
                continue;
            }
            if event.events().contains(ReadFlags::DELETE) {
                return modes;
            }
            // It may be gone by the time that one looks.
            let mode = std::fs::symlink_metadata(&file).ok().map(|found| found.permissions().mode() & 0o777);
            modes.extend(mode);
            // Who waits for the first one hears of no other.
            let _ = mode.map(|mode| saw.send(mode));
        }
    });
    (watcher, first)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_is_for_its_group_alone_from_the_first_moment() {
    let world = imported("repaired.toml").await;
    let dir = world.dir.path().join("run");
    std::fs::create_dir(&dir).unwrap();
    let (seen, first) = watched(&dir);
    let service = Service::start(&world);
    assert_eq!(first.recv().unwrap(), 0o660);
    let found = std::fs::metadata(&service.socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o660);
    service.stop();
    let modes = seen.join().unwrap();
    assert!(modes.iter().all(|mode| *mode == 0o660), "its modes since it was made: {modes:?}");
    std::fs::set_permissions(world.dir.path().join("run"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let refused = world.tenantop().arg("--socket").arg(world.dir.path().join("run/s.sock")).arg("serve").output();
    let refused = refused.unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{said}");
    assert!(said.contains("mode 0755") && said.contains("0700 or 0750"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_rerun_one_tenant_at_once_watch_one_run_and_see_each_other() {
    // It goes on until both have asked.
    let world = World::playing(
        "[[partner]]\nname='emea'\n[[tenant]]\nname='Slow'\nusers=10\ntrouble=[{ step='users', delay=4000 }]\n",
    )
    .await;
    let engine = world.engine();
    let mut first = Watcher::of(&engine, "test").await;
    let Event::Accepted { run, .. } = first.ask(Command::Sync { partner: None }).await else { panic!("a list") };
    first.end_of(run).await;
    drop(first);
    engine.stop().await;
    let service = Service::start(&world);
    let (mut one, mut other) = (service.watcher().await, service.watcher().await);
    let key = one.fleet.tenants.keys().next().unwrap().clone();
    let wish = || Command::Import { scope: Scope::Tenants(vec![key.clone()]), list: false, reason: None };
    one.client.commands.send(wish()).await.unwrap();
    other.client.commands.send(wish()).await.unwrap();
    one.until(|watcher| !watcher.answers.is_empty()).await;
    other.until(|watcher| !watcher.answers.is_empty()).await;
    let run = |watcher: &Watcher| match &watcher.answers[0] {
        Event::Accepted { run, .. } => *run,
        answer => panic!("{answer:?}"),
    };
    assert_eq!(run(&one), run(&other), "one run, two watchers");
    let (first, second) = (one.end_of(run(&one)).await, other.end_of(run(&other)).await);
    assert_eq!(first, second, "both see the same");
    one.until(|watcher| watcher.present.len() == 2).await;
    other.client.commands.send(Command::At(Some(key.clone()))).await.unwrap();
    one.until(|watcher| watcher.present.iter().any(|one| one.at.as_ref() == Some(&key))).await;
    let session = one.present.iter().find(|one| one.at.is_some()).unwrap().session;
    let Event::Done(_) = one.ask(Command::Kick { session }).await else { panic!("an admin may") };
    let over = async {
        while let Some(event) = other.client.events.recv().await {
            if let Event::Over(why) = event {
                return why;
            }
        }
        panic!("the session is said to be over")
    };
    let why = tokio::time::timeout(LIMIT, over).await.unwrap();
    assert!(why.contains("ended this session"), "{why}");
    one.until(|watcher| watcher.present.len() == 1).await;
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_over_the_socket_is_the_one_of_the_engine() {
    let world = imported("every_failure.toml").await;
    let engine = world.engine();
    let mut inside = Watcher::of(&engine, "test").await;
    let key = inside.key("Good");
    let good = &inside.fleet.tenants[&key];
    let skus = good.skus.good.as_ref().map(|good| good.snapshot);
    let look = Look::Users(UsersLook::of(good.users.good.as_ref().unwrap().snapshot, skus));
    let Event::Seen(seen_inside) = inside.ask(Command::Look(look.clone())).await else { panic!("users") };
    let fleet = inside.fleet.clone();
    drop(inside);
    engine.stop().await;
    let service = Service::start(&world);
    let mut outside = service.watcher().await;
    // Tenants of runs come behind the picture.
    outside.until(|watcher| watcher.fleet == fleet).await;
    let Event::Seen(seen) = outside.ask(Command::Look(look)).await else { panic!("users") };
    assert_eq!(seen, seen_inside);
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_killed_in_a_run_leaves_old_data_whole_and_a_client_finds_the_next_one() {
    let world = imported("crash.toml").await;
    let service = Service::start(&world);
    let mut watcher = service.watcher().await;
    let run = watcher.begin(Scope::All(None)).await;
    watcher.until(|watcher| watcher.fleet.runs[&run].open().1 > 0).await;
    service.signal(Signal::KILL);
    drop(service);
    let lost = async {
        loop {
            if let Event::Lost { .. } = watcher.client.events.recv().await.unwrap() {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, lost).await.unwrap();
    {
        let store = Store::open(&world.store_path(), 16 << 20).unwrap();
        let fleet = store.load(1).unwrap();
        crate::world::assert_whole(&fleet, &store.reader());
        assert_eq!(fleet.runs[&run].state, RunState::Interrupted);
    }
    let service = Service::start(&world);
    let back = async {
        loop {
            match watcher.client.events.recv().await.unwrap() {
                Event::Hello(fleet) => return fleet,
                Event::Over(why) => panic!("{why}"),
                _ => {}
            }
        }
    };
    let fleet = tokio::time::timeout(LIMIT, back).await.unwrap();
    assert_eq!(fleet.runs[&run].state, RunState::Interrupted);
    // Its token still works.
    watcher.fleet = *fleet;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!(run.state, RunState::Done);
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_without_a_service_says_whose_turn_it_is() {
    let world = imported("repaired.toml").await;
    let service = Service::start(&world);
    let socket = service.socket.clone();
    service.stop();
    let gone = Process::new(env!("CARGO_BIN_EXE_tenantop")).arg("--socket").arg(&socket).arg("tenants").output();
    let gone = gone.unwrap();
    let said = String::from_utf8_lossy(&gone.stderr);
    assert_eq!(gone.status.code(), Some(5), "{said}");
    assert!(said.contains("does not answer") && said.contains("who acts:") && said.contains("next:"), "{said}");
}

/// Rows of the audit, newest first.
fn audit(service: &Service, args: &[&str]) -> Vec<serde_json::Value> {
    let output = service.command().arg("audit").args(args).arg("--json").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_did_what_is_kept_and_forwarded_and_nobody_alters_it() {
    let world = imported("repaired.toml").await;
    let service = Service::start(&world);
    let mut watcher = service.watcher().await;
    let key = watcher.key("Contoso");
    let reason = Some("spot check".into());
    let wish = Command::Import { scope: Scope::Tenants(vec![key.clone()]), list: false, reason };
    let Event::Accepted { run, .. } = watcher.ask(wish).await else { panic!("it is granted") };
    watcher.end_of(run).await;
    let Event::Refused(_) = watcher.ask(Command::CloseTicket { tenant: key.clone() }).await else {
        panic!("there is no ticket to close")
    };
    let good = watcher.fleet.tenants[&key].users.good.clone().unwrap();
    let look = |from| {
        let look = UsersLook { from, ..UsersLook::of(good.snapshot, None) };
        Command::Look(Look::Users(look))
    };
    watcher.ask(look(0)).await;
    watcher.ask(look(5)).await;
    // The screen of the audit asks over the socket as it does in process.
    let rows = AuditRows { filter: "outcome:refused".to_owned(), from: AuditFrom::Before(u64::MAX), count: 9 };
    let seen = AuditLook { tenant: Some(key.clone()), ask: AuditAsk::Rows(rows), round: 0 };
    let Event::Seen(seen) = watcher.ask(Command::Look(Look::Audit(Box::new(seen)))).await else { panic!("it is told") };
    let Ok(Found::Audit(seen)) = seen.found else { panic!("rows: {:?}", seen.found) };
    assert_eq!(seen.rows.iter().map(|row| row.deed.verb.as_str()).collect::<Vec<_>>(), ["ticket"]);
    drop(watcher);
    let users = service.run(&["users", "--tenant", "Contoso", "--json"]);
    assert!(users.status.success());

    let until = Instant::now() + LIMIT;
    while !audit(&service, &["--last", "6"]).iter().any(|row| row["verb"] == "leave") {
        assert!(Instant::now() < until, "the session's end is kept");
    }
    let rows = audit(&service, &[]);
    let told: Vec<String> = rows
        .iter()
        .rev()
        .skip_while(|row| row["verb"] != "enter")
        .filter(|row| row["verb"] != "leave" && row["what"] != "command")
        .map(|row| format!("{} {} {}", row["verb"].as_str().unwrap(), row["outcome"].as_str().unwrap(), row["tenant"]))
        .collect();
    assert_eq!(
        told,
        [
            "enter done null",
            "import done \"Contoso\"",
            "ticket refused \"Contoso\"",
            "read people done \"Contoso\"",
            "read audit done \"Contoso\"",
            "read people done \"Contoso\"",
        ],
        "one row for a screen, not for each window"
    );
    let import = rows.iter().find(|row| row["run_id"] == run.0).unwrap();
    assert_eq!((&import["reason"], &import["role"]), (&"spot check".into(), &"admin".into()));
    assert_eq!(import["uid"], rustix::process::getuid().as_raw());
    let passing = ["--tenant", "Contoso", "--filter", "verb:\"read people\"", "--last", "1"];
    assert_eq!(audit(&service, &passing)[0]["verb"], "read people");
    let commands = audit(&service, &["--filter", "what:command"]);
    let own = commands.iter().find(|row| row["what"] == "command; filter verb:\"read people\"").unwrap();
    assert_eq!((&own["verb"], &own["tenant"]), (&"read audit".into(), &"Contoso".into()), "reading it is a row too");
    let verified = service.run(&["audit", "--verify"]);
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && said.contains("the audit holds"), "{said}");
    service.stop();
    let rows = {
        let output = world.tenantop().args(["audit", "--json"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let rows: Vec<serde_json::Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verified = world.tenantop().args(["audit", "--verify"]).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(said.contains(rows[0]["hash"].as_str().unwrap()), "the newest hash is named: {said}");

    // The same records are in the log.
    let logs = std::fs::read_dir(world.dir.path().join("state/tenantop")).unwrap();
    let logs: String = logs.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    for row in rows.iter().filter(|row| row["who"] != "test") {
        assert!(logs.contains(row["hash"].as_str().unwrap()), "{row} in the log");
    }
    // Somebody writes over a row.
    let path = world.store_path();
    let mut bytes = std::fs::read(&path).unwrap();
    let needle = b"spot check";
    let mut altered = 0;
    for at in 0..bytes.len() - needle.len() {
        let row = &mut bytes[at..at + needle.len()];
        if row == needle {
            row.copy_from_slice(b"spot cheat");
            altered += 1;
        }
    }
    assert!(altered > 0);
    std::fs::write(&path, bytes).unwrap();
    let verified = world.tenantop().args(["audit", "--verify"]).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert_eq!(verified.status.code(), Some(4), "{said}");
    assert!(said.contains("who acts") || said.contains("Who acts"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_fetched_from_a_service_that_goes_on() {
    let world = imported("every_failure.toml").await;
    let service = Service::start(&world);
    let copy = world.dir.path().join("copy.redb");
    let backup = service.command().arg("--json").arg("backup").arg(&copy).output().unwrap();
    assert!(backup.status.success(), "{backup:?}");
    let row: serde_json::Value = serde_json::from_slice(&backup.stdout).unwrap();
    assert_eq!(row["tenants"], 40);
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let fleet = Store::open(&copy, 16 << 20).unwrap().load(1).unwrap();
    assert_eq!(fleet.tenants.len(), 40);
    let again = service.command().arg("backup").arg(&copy).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "what is there stays: {again:?}");
    let beside = std::fs::read_dir(world.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(beside.into_iter().all(|name| !name.to_string_lossy().starts_with(".tenantop")), "nothing is left behind");
    let metrics = service.run(&["metrics", "-"]);
    assert!(String::from_utf8_lossy(&metrics.stdout).contains("tenantop_tenants{"), "{metrics:?}");
    service.stop();
}

/// Bytes that look random and are the same each time.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_on_the_socket_hurts_nobody_and_tells_nothing() {
    use std::io::Read;
    let world = imported("repaired.toml").await;
    let service = Service::start(&world);
    let mut watcher = service.watcher().await;
    let hello = |version: &str| {
        let greeting = serde_json::json!({ "protocol": tenantop::link::PROTOCOL, "version": version, "door": "Console",
            "hints": { "key": null, "address": null } });
        let body = rmp_serde::to_vec_named(&greeting).unwrap();
        [u32::try_from(body.len()).unwrap().to_be_bytes().as_slice(), &body].concat()
    };
    let version = env!("CARGO_PKG_VERSION");
    // A greeting of our own making is one: what follows it is heard by a session.
    let mut line = std::os::unix::net::UnixStream::connect(&service.socket).unwrap();
    line.write_all(&hello(version)).unwrap();
    let mut welcome = [0; 16];
    line.read_exact(&mut welcome).unwrap();
    assert!(String::from_utf8_lossy(&welcome).contains("Welcome"), "{welcome:?}");
    drop(line);
    let mut heard = Vec::new();
    for seed in 0..120_u64 {
        let mut line = std::os::unix::net::UnixStream::connect(&service.socket).unwrap();
        line.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let length = usize::try_from(seed * 7 % 900).unwrap();
        let mut bytes = noise(seed, length);
        match seed % 4 {
            // A frame of that length, of noise.
            0 => bytes = [u32::try_from(length).unwrap().to_be_bytes().as_slice(), &bytes].concat(),
            // A greeting, then noise in a frame.
            1 => {
                let frame = [u32::try_from(length).unwrap().to_be_bytes().as_slice(), &bytes].concat();
                bytes = [hello(version), frame].concat();
            }
            // A frame that says it is longer than any may be.
            2 => bytes = [u32::MAX.to_be_bytes().as_slice(), &bytes].concat(),
            // Just noise.
            _ => {}
        }
        // The service may close the line before all of it is there.
        let _ = line.write_all(&bytes);
        let mut answer = [0; 4096];
        while let Ok(read @ 1..) = line.read(&mut answer) {
            heard.extend_from_slice(&answer[..read]);
        }
    }
    // A program of another version is told so, in one sentence.
    let mut line = std::os::unix::net::UnixStream::connect(&service.socket).unwrap();
    line.write_all(&hello("0.0.9")).unwrap();
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).unwrap();
    let said = String::from_utf8_lossy(&answer).into_owned();
    assert!(said.contains("tenantop 0.0.9 and the service is") && said.contains("start the console again"), "{said}");
    heard.extend(answer);

    let run = watcher.import(Scope::All(None)).await;
    assert_eq!(run.state, RunState::Done, "the service goes on");
    for secret in secrets(&world) {
        assert!(!heard.windows(secret.len()).any(|part| part == secret.as_bytes()), "a secret went over the socket");
    }
    let memory = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let peak = memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 400 << 10, "{peak} kB at most");
    service.stop();
}

/// What nobody may ever see, of the made-up cloud.
fn secrets(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for partner in
        tenantop::sim::Scenario::parse(&std::fs::read_to_string(scenario("repaired.toml")).unwrap()).unwrap().partners()
    {
        all.extend([partner.refresh_token.clone(), partner.secret.clone()]);
    }
    assert!(all.iter().all(|secret| secret.len() > 8), "{} secrets", all.len());
    let _ = world;
    all
}

fn scenario(name: &str) -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_found_nowhere() {
    let world = imported("repaired.toml").await;
    let service = Service::start(&world);
    let mut watcher = service.watcher().await;
    watcher.import(Scope::All(None)).await;
    let copy = world.dir.path().join("copy.redb");
    assert!(service.command().arg("backup").arg(&copy).output().unwrap().status.success());
    drop(watcher);
    service.stop();
    let mut seen = 0;
    let mut stack = vec![world.dir.path().to_owned()];
    while let Some(dir) = stack.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                stack.push(path);
                continue;
            }
            // Where the operator put it.
            if path.extension().is_some_and(|end| end == "secret") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            seen += 1;
            for secret in secrets(&world) {
                let found = memchr::memmem::find(&bytes, secret.as_bytes()).is_some();
                assert!(!found, "{} holds a secret in the clear", path.display());
            }
        }
    }
    assert!(seen >= 4, "{seen} files");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doctor_looks_at_all_of_it_through_the_service() {
    let world = imported("repaired.toml").await;
    let service = Service::start(&world);
    let socket = service.socket.clone();
    let rows = |args: &[&str]| {
        let output = service.command().args(args).arg("doctor").arg("--json").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.code().unwrap(), rows)
    };
    let state = |rows: &[serde_json::Value], name: &str| {
        let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {rows:?}"));
        (row["state"].as_str().unwrap().to_owned(), row["what"].as_str().unwrap().to_owned())
    };
    let (_, found) = rows(&[]);
    let (stands, what) = state(&found, "service");
    assert_eq!(stands, "ok", "{what}");
    assert!(what.contains(&format!("process {}", service.pid())), "{what}");
    for name in ["store", "key", "refresh_token", "sign_in", "tenants"] {
        let (stands, what) = state(&found, name);
        assert_ne!(stands, "skipped", "{name}: {what}");
        assert_ne!(stands, "failed", "{name}: {what}");
    }
    service.stop();
    // A socket that nobody listens on.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let output =
        world.tenantop().arg("--socket").arg(&socket).args(["doctor", "--offline", "--json"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let row = text.lines().find(|line| line.contains("\"service\"")).unwrap();
    assert!(row.contains("failed") && row.contains("does not answer") && row.contains("next"), "{row}");
    assert_eq!(output.status.code(), Some(1), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_over_the_raw_socket_that_names_a_file_or_the_unknown_is_refused() {
    let world = imported("repaired.toml").await;
    let service = Service::start(&world);
    let target = world.dir.path().join("written.csv");
    for wish in [
        serde_json::json!({ "backup": { "file": target } }),
        serde_json::json!({ "users": { "only": { "tenant": [], "partner": null, "filter": null }, "sort": null,
            "reverse": false, "file": target } }),
        serde_json::json!({ "metrics": target }),
        serde_json::json!({ "shell": "id" }),
        serde_json::json!({ "tenants": { "tenant": [], "partner": null, "filter": null, "export_dir": "/tmp" } }),
    ] {
        let errand = serde_json::json!({ "format": "json", "wish": wish }).to_string();
        let mut call = link::call(&service.socket, link::Hints::default(), errand).await.unwrap();
        let mut said = String::new();
        let code = loop {
            match call.next().await.unwrap() {
                link::Said::Code(code) => break code,
                link::Said::Line(line) => said.push_str(&line),
                other => panic!("{wish}: {other:?}"),
            }
        };
        assert_eq!(code, 2, "{wish}: {said}");
        assert!(said.contains("does not know this command"), "{said}");
        assert!(!target.exists());
    }
    service.stop();
}

/// A console in a terminal, with or without a service.
fn console(world: &World, service: Option<&Service>) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tenantop"));
    match service {
        Some(service) => command.args(["--socket".as_ref(), service.socket.as_os_str()]),
        None => command.args(["--config".as_ref(), world.config_path().as_os_str()]),
    }
    command.env("TERM", "xterm-256color");
    command.env("XDG_STATE_HOME", world.dir.path().join("state"));
    for name in ["NO_COLOR", "TENANTOP_CONFIG", "SSH_CONNECTION"] {
        command.env_remove(name);
    }
    Terminal::run(command, 80, 24)
}

/// What a walk through the screens shows, without row 1 and with ages that may have become others left out.
fn walk(mut terminal: Terminal) -> Vec<String> {
    let steps = [
        ("u", "show: all, 40 of 40"),
        ("/good\r", "filter /good"),
        ("\r", "tenant id"),
        ("l", "SEATS   HELD"),
        ("q", "tenant id"),
        ("U", "LICENSES\n> "),
        ("G", "> 健太 佐藤"),
        ("q", "tenant id"),
        ("h", "RUN ANSWER"),
        ("q", "tenant id"),
        ("q\\", "show: all, 40 of 40"),
        ("R", "STARTED"),
        ("\r", "40 of 40 done"),
        ("q", "STARTED"),
        ("q", "show: all, 40 of 40"),
        ("W", "PRODUCT"),
        ("q", "show: all, 40 of 40"),
        ("E", "Nothing ended"),
    ];
    let mut shown = Vec::new();
    terminal.until("show: ");
    for (keys, wanted) in steps {
        terminal.then(keys, wanted);
        terminal.quiet(Duration::from_millis(150));
        let text = terminal.text();
        let below: Vec<&str> = text.lines().skip(1).collect();
        shown.push(below.join("\n").replace(|c: char| c.is_ascii_digit(), "0"));
    }
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(LIMIT), 0);
    terminal.assert_restored();
    shown
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_on_a_service_shows_what_one_on_the_store_shows() {
    let world = imported("every_failure.toml").await;
    let alone = walk(console(&world, None));
    let service = Service::start(&world);
    let attached = walk(console(&world, Some(&service)));
    for (alone, attached) in alone.iter().zip(&attached) {
        assert_eq!(alone, attached);
    }
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_cut_ends_a_console_and_no_import() {
    let world = imported("crash.toml").await;
    let service = Service::start(&world);
    let mut watcher = service.watcher().await;
    for busy in [false, true] {
        let mut terminal = console(&world, Some(&service));
        terminal.until("show: ");
        let run = if busy { Some(watcher.begin(Scope::All(None)).await) } else { None };
        if busy {
            // It draws while facts come.
            terminal.then("R", "2 runs");
            terminal.then("\x12", "show: all, 2 of 2");
        }
        terminal.cut("j");
        // Gone, and it used no time to speak of after that.
        let (code, _) = terminal.end(LIMIT);
        assert_eq!(code, 129);
        if let Some(run) = run {
            let run = watcher.end_of(run).await;
            assert_eq!(run.state, RunState::Done, "the run goes on");
        }
        watcher.until(|watcher| watcher.present.len() == 1).await;
    }
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_does_not_take_all_places() {
    let world = imported("repaired.toml").await;
    let service = Service::start(&world);
    let mut watchers = Vec::new();
    for _ in 0..32 {
        watchers.push(service.watcher().await);
    }
    let refused = link::attach(&service.socket, link::Hints::default(), Clock::system()).await;
    let why = refused.err().expect("one too many").to_string();
    assert!(why.contains("too many sessions"), "{why}");
    watchers.truncate(31);
    let until = Instant::now() + LIMIT;
    while service.run(&["tenants"]).status.code() != Some(0) {
        assert!(Instant::now() < until, "a place that is given back is free");
    }
    watchers[0].until(|watcher| watcher.present.len() == 31).await;
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_terminal_is_gone_leaves_its_run_alone() {
    let world = World::playing(
        "[[partner]]\nname='emea'\n[[tenant]]\nname='Slow'\nusers=10\ntrouble=[{ step='users', delay=60000 }]\n",
    )
    .await;
    let service = Service::start(&world);
    let mut command = service.command();
    command.args(["import", "--all", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("tenant_started")), "it begins");
    kill_process(Pid::from_raw(child.id().try_into().unwrap()).unwrap(), Signal::HUP).unwrap();
    assert_eq!(lines.map(Result::unwrap).filter(|line| line.contains("run_done")).count(), 0);
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(129), "{said}");
    assert!(said.contains("the run goes on in the service"), "{said}");
    let mut watcher = service.watcher().await;
    let run = watcher.fleet.runs.values().next_back().unwrap();
    assert_eq!((run.state, run.ended_at), (RunState::Running, None));
    // Whoever comes next joins it.
    let Event::Accepted { run: joined, joined: 1, .. } =
        watcher.ask(Command::Import { scope: Scope::All(None), list: false, reason: None }).await
    else {
        panic!("the run of before is joined")
    };
    assert_eq!(Some(joined), watcher.fleet.runs.keys().next_back().copied());
    service.stop();
}
