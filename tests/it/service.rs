//! The service: a real process, and consoles and commands that attach to its socket.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Child, Command as Process, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tenantop::link;
use tenantop::model::{Clock, Command, Event, Look, RunState, Scope, UsersLook};
use tenantop::store::Store;

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

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Ends it as systemd does.
    fn stop(mut self) {
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
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn imported(scenario: &str) -> World {
    let world = World::of(scenario).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_is_for_its_group_alone_from_the_first_moment() {
    let world = imported("repaired.toml").await;
    let service = Service::start(&world);
    let found = std::fs::metadata(&service.socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o660);
    service.stop();
    std::fs::set_permissions(world.dir.path().join("run"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let refused = world.tenantop().arg("--socket").arg(world.dir.path().join("run/s.sock")).arg("serve").output();
    let refused = refused.unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{said}");
    assert!(said.contains("mode 0755") && said.contains("0700 or 0750"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_rerun_one_tenant_at_once_watch_one_run_and_see_each_other() {
    let world = imported("repaired.toml").await;
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
