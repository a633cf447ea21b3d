//! A refusal from its first night to the import that comes through, as an engineer lives it at the console.

use std::time::Duration;

use portable_pty::CommandBuilder;
use tenantop::model::Scope;

use crate::pty::terminal::Terminal;
use crate::world::{Watcher, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_policies_a_ticket_a_policy_that_moves_a_probe_that_passes_and_the_import() {
    let world = World::of("policy_moves.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "system").await;
    watcher.import(Scope::All(None)).await;
    drop(watcher);
    engine.stop().await;

    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tenantop"));
    command.arg("--config");
    command.arg(world.config_path());
    command.env("TERM", "xterm-256color");
    command.env("USER", "jdoe");
    command.env("XDG_STATE_HOME", world.dir.path().join("state"));
    command.env("XDG_CONFIG_HOME", world.dir.path().join("config"));
    let mut terminal = Terminal::run(command, 100, 40);
    terminal.until("53003 2 pol");

    // What refuses us, whose turn it is, and the text to send.
    terminal.then("e", "Who acts: CUSTOMER");
    for id in ["3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90", "b71d9e04-27aa-4c61-8f3d-5a6c90e4d218"] {
        assert!(terminal.text().contains(id), "{}", terminal.text());
    }
    terminal.then("t", "ticket text (en) for Woodgrove Bank");
    terminal.until("3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90");
    terminal.then("n", "ticket number, note:");
    terminal.press("CS-4411 IT lead back on Monday\r");
    terminal.until("Ticket CS-4411");

    // One is lifted and another one appears: the probe says so.
    world.cloud.set_night(1);
    terminal.then("p", "list changed");
    terminal.until("9e5d8c0b-4d0f-4c27-8a37-5a6c2f7b9e21");
    terminal.until("NEW");

    // All is lifted: the probe passes, and the import is still to be run.
    world.cloud.set_night(2);
    terminal.then("p", "sign-in passes");
    terminal.then("r", "Re-run Woodgrove Bank now?");
    Terminal::pass(Duration::from_millis(400));
    terminal.press("y");
    terminal.until("1 of 1 done");
    terminal.until("saved      40 users");
    terminal.press("\u{3}");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 0);

    let output = world.tenantop().args(["tenants", "--filter", "ticket:none status:ok", "--json"]).output().unwrap();
    let rows = String::from_utf8(output.stdout).unwrap();
    assert_eq!(rows.lines().count(), 2, "the import closed the ticket: {rows}");
}
