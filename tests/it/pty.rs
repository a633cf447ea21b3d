//! The real binary in a real pseudo-terminal: start, filter, open, re-run, watch, leave.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tenantop::model::Scope;

use crate::world::{Watcher, World};

/// A terminal with a program in it.
struct Terminal {
    screen: Arc<Mutex<vt100::Parser>>,
    bytes: Arc<Mutex<usize>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
}

impl Terminal {
    fn run(command: CommandBuilder, width: u16, height: u16) -> Self {
        let size = PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(height.try_into().unwrap(), width.try_into().unwrap(), 0)));
        let bytes = Arc::new(Mutex::new(0));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (seen, counted) = (Arc::clone(&screen), Arc::clone(&bytes));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 {
                    break;
                }
                seen.lock().unwrap().process(&buffer[..n]);
                *counted.lock().unwrap() += n;
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { screen, bytes, keys, child, master: Some(pair.master) }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until something is shown.
    fn until(&self, wanted: &str) {
        let limit = Instant::now() + Duration::from_mins(1);
        while !self.text().contains(wanted) {
            assert!(Instant::now() < limit, "never shown: {wanted}\n{}", self.text());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn hang_up(&self) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    }

    fn exit_code(&mut self, within: Duration) -> u32 {
        let limit = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < limit, "it does not end\n{}", self.text());
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

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
    std::thread::park_timeout(Duration::from_millis(400));
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
    let shown = terminal.screen.lock().unwrap();
    assert!(!shown.screen().alternate_screen() && !shown.screen().hide_cursor(), "the terminal is given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_while_nothing_happens_and_a_lost_line_ends_it() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 120, 35);
    terminal.until("show: problems, 1 of 2");
    std::thread::park_timeout(Duration::from_millis(300));
    let before = *terminal.bytes.lock().unwrap();
    std::thread::park_timeout(Duration::from_secs(3));
    let after = *terminal.bytes.lock().unwrap();
    // The turn of a minute may change one age.
    assert!(after - before < 200, "{} bytes while idle", after - before);
    terminal.press("j");
    drop(std::mem::replace(&mut terminal.keys, Box::new(std::io::sink())));
    drop(terminal.master.take());
    let began = Instant::now();
    // The process group got its hang-up with the last handle of the terminal; the reader's clone may outlive it.
    terminal.child.clone_killer().kill().ok();
    terminal.exit_code(Duration::from_secs(2));
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hang_up_ends_it_within_a_second() {
    let world = imported().await;
    let mut terminal = Terminal::run(console(&world), 80, 24);
    terminal.until("show: problems, 1 of 2");
    let began = Instant::now();
    terminal.hang_up();
    terminal.exit_code(Duration::from_secs(2));
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_cannot_draw_is_told() {
    let world = imported().await;
    let mut command = console(&world);
    command.env("TERM", "dumb");
    let mut terminal = Terminal::run(command, 80, 24);
    terminal.until("TERM is dumb");
    assert_eq!(terminal.exit_code(Duration::from_secs(5)), 2);
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
    terminal.hang_up();
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
