//! The real binary in a real pseudo-terminal: start, filter, open, re-run, watch, leave.

mod ends;
mod frames;
mod input;
mod sizes;
pub(crate) mod terminal;

use std::time::Duration;

use portable_pty::CommandBuilder;
use rustix::process::Signal;
use tenantop::model::Scope;

use crate::world::{Watcher, World};
use terminal::Terminal;

async fn imported() -> World {
    let world = World::of("repaired.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.import(Scope::All(None)).await;
    drop(watcher);
    engine.stop().await;
    world
}

fn console(world: &World) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tenantop"));
    command.arg("--config");
    command.arg(world.config_path());
    command.env("TERM", "xterm-256color");
    command.env("USER", "jdoe");
    command.env("XDG_STATE_HOME", world.dir.path().join("state"));
    command.env_remove("NO_COLOR");
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_filter_counts_and_privacy() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.until("show: problems, 1 of 2");
    terminal.press("u/contoso\r");
    terminal.until("filter /contoso");
    terminal.press("U");
    terminal.until("show: all, 12 of 12");
    terminal.press("G1");
    terminal.until("sort: name");
    terminal.press("f");
    terminal.until("12 users");
    terminal.press("\r");
    terminal.until("filter /department:");
    terminal.press("\\");
    terminal.until("show: all, 12 of 12");
    terminal.press("P");
    terminal.until("PRIVATE");
    terminal.until("***@");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(Duration::from_secs(10)), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_filter_open_rerun_watch_leave() {
    let world = imported().await;
    world.cloud.set_night(1);
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.until("show: problems, 1 of 2");
    terminal.until("STANDALONE");
    terminal.press("/wood");
    terminal.until("filter /wood");
    terminal.press("\r");
    terminal.press("\r");
    terminal.until("POLICIES THAT THE ANSWER NAMED");
    terminal.until("3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90");
    terminal.press("r");
    terminal.until("Re-run Woodgrove Bank now?");
    Terminal::pass(Duration::from_millis(400));
    terminal.press("y");
    terminal.until("1 of 1 done");
    terminal.until("saved      40 users");
    terminal.press("\x1b");
    terminal.until("users and SKUs saved within the limit");
    terminal.press("h");
    terminal.until("2 tries since");
    terminal.until("1 ok, 1 refused, one cause");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);
    terminal.assert_restored();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn practice_leaves_nothing_behind_even_while_it_starts() {
    let place = tempfile::tempdir().unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tenantop-sim"));
    command.env("TERM", "xterm-256color");
    command.env("TMPDIR", place.path());
    let mut terminal = Terminal::run(command, 80, 24);
    terminal.until("night 1 of");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "the throw-away store is there");
    terminal.signal(Signal::HUP);
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 129);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shown_is_exported_beside_the_operator() {
    let world = imported().await;
    let place = tempfile::tempdir().unwrap();
    let mut command = console(&world);
    command.cwd(place.path());
    let mut terminal = Terminal::run(command, 120, 35);
    terminal.until("show: problems, 1 of 2");
    terminal.press("ux");
    terminal.until("exported 2 rows: ");
    terminal.press("/contoso\rU");
    terminal.until("show: all, 12 of 12");
    terminal.press("Px");
    terminal.until("exported 12 users: ");
    terminal.press("\x03");
    assert_eq!(terminal.exit_code(Duration::from_secs(10)), 0);
    let mut files: Vec<_> = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let [tenants, users] = files.as_slice() else { panic!("{files:?}") };
    let read = |path| {
        let mut read = csv::Reader::from_path(path).unwrap();
        read.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect::<Vec<Vec<String>>>()
    };
    let names: Vec<String> = read(tenants).into_iter().map(|row| row[1].clone()).collect();
    assert!(names.len() == 2 && names.contains(&"Woodgrove Bank".to_owned()), "{names:?}");
    let users = read(users);
    assert_eq!(users.len(), 12);
    assert!(
        users.iter().all(|row| row[0].ends_with("***") && row[10].contains("***@")),
        "people are masked: {users:?}"
    );
}
