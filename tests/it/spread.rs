//! Many that begin to fail together: one line says whose it is, and nobody opens sixty tickets.

use std::time::Duration;

use portable_pty::CommandBuilder;
use tenantop::failure::{Class, Owner};
use tenantop::model::{Scope, State};

use crate::pty::terminal::Terminal;
use crate::world::{Watcher, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_of_140_that_begin_with_50078_are_ours_and_one_line_says_so() {
    let world = World::of("ours.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.tenants, run.ok), (140, 139));
    assert_eq!(watcher.fleet.bursts(), []);
    assert_eq!(watcher.state("Litware Logistics"), State::Blocked, "one alone is the customer's");

    world.cloud.set_night(1);
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.tenants, run.ok), (140, 77));
    let bursts = watcher.fleet.bursts();
    let [burst] = bursts.as_slice() else { panic!("{bursts:?}") };
    assert_eq!((burst.class, burst.tenants), (Class::MfaRequired, 60));
    let ours = watcher.fleet.tenants.values().filter(|tenant| watcher.state(&tenant.name) == State::OurAuth).count();
    assert_eq!(ours, 60, "all that began together, and not the one that never worked");
    let row = watcher.row("Adatum Gesundheit");
    assert_eq!((row.state, row.owner), (State::Blocked, Some(Owner::CustomerAdmin)), "two are a coincidence");
    drop(watcher);
    engine.stop().await;

    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tenantop"));
    command.arg("--config");
    command.arg(world.config_path());
    command.env("TERM", "xterm-256color");
    command.env("XDG_STATE_HOME", world.dir.path().join("state"));
    command.env("XDG_CONFIG_HOME", world.dir.path().join("config"));
    let mut terminal = Terminal::run(command, 80, 24);
    terminal.until("! 60 tenants of emea began ");
    terminal.until(": 50078 MFA age: our MFA, not theirs");
    terminal.press("/acts:us\r");
    terminal.until("60 of 140  filter /acts:us");
    terminal.press("\u{3}");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);

    let output = world.tenantop().args(["ticket", "Adatum Gesundheit"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let ours = world.tenantop().args(["tenants", "--filter", "status:ourauth", "--json"]).output().unwrap();
    let text = String::from_utf8(ours.stdout).unwrap();
    assert_eq!(text.lines().count(), 60);
    let row: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let id = row["tenant_id"].as_str().unwrap();
    let output = world.tenantop().args(["ticket", id]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "nothing is sent for what is ours");
    assert!(String::from_utf8_lossy(&output.stderr).contains("it is ours"));
}
