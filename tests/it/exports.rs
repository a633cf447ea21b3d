//! Exports and plain lines: the real binary on an imported store, typed at over a pipe.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tenantop::model::{Command, Event, Exported, Found, Look, Scope, Seen, TextField, UserField, UsersLook};

use crate::world::{LIMIT, Watcher, World};

/// A world whose tenants were imported.
async fn imported(world: World) -> World {
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.import(Scope::All(None)).await;
    drop(watcher);
    engine.stop().await;
    world
}

/// The console in plain lines, and what it told.
struct Plain {
    child: Child,
    keys: Option<ChildStdin>,
    lines: Receiver<String>,
    told: String,
}

impl Plain {
    fn open(world: &World) -> Self {
        let mut command = world.tenantop();
        command.args(["--plain", "--export-dir"]).arg(world.dir.path().join("exports"));
        command.env("TERM", "dumb").env("LC_ALL", "C.UTF-8").env("USER", "jdoe");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = sync_channel(4096);
        std::thread::spawn(move || {
            for line in out.lines() {
                if send.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { keys: child.stdin.take(), child, lines, told: String::new() }
    }

    fn type_line(&mut self, line: &str) {
        let keys = self.keys.as_mut().unwrap();
        keys.write_all(line.as_bytes()).unwrap();
        keys.write_all(b"\n").unwrap();
    }

    /// Waits for a line that holds a text; answers it.
    fn until(&mut self, wanted: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(LIMIT) else { panic!("never told: {wanted}\n{}", self.told) };
            self.told.push_str(&line);
            self.told.push('\n');
            if line.contains(wanted) {
                return line;
            }
        }
    }

    /// Waits for the end; answers all that was told.
    fn end(mut self) -> (ExitStatus, String) {
        let limit = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < limit, "it does not end\n{}", self.told);
            std::thread::park_timeout(Duration::from_millis(10));
        };
        let rest: Vec<String> = self.lines.iter().collect();
        (status, self.told + &rest.join("\n"))
    }

    fn signal(&self, signal: Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }
}

fn exported(line: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let path = line.rsplit(": ").next().unwrap();
    let mut read = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let titles = read.headers().unwrap().iter().map(str::to_owned).collect();
    (titles, read.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect())
}

fn names(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_in_plain_lines() {
    let world = imported(World::of("repaired.toml").await).await;
    world.cloud.set_night(1);
    std::fs::create_dir(world.dir.path().join("exports")).unwrap();
    let mut plain = Plain::open(&world);
    plain.until("show: problems, 1 of 2");
    let here = plain.until("here: ");
    assert!(here.contains("STATUS ! BLOCKED, TENANT Woodgrove Bank, "), "{here}");
    plain.type_line("u/contoso");
    plain.until("show: all, 1 of 2  filter /contoso");
    let here = plain.until("here: ");
    assert!(here.contains("STATUS + OK, TENANT Contoso"), "{here}");
    plain.type_line("x");
    let (titles, rows) = exported(&plain.until("exported 1 row: "));
    assert_eq!((titles[1].as_str(), rows.len(), rows[0][1].as_str()), ("TENANT", 1, "Contoso"));
    plain.type_line("\\j");
    plain.until("show: all, 2 of 2");
    plain.type_line("/wood");
    plain.until("filter /wood");
    plain.type_line("");
    plain.until("POLICIES THAT THE ANSWER NAMED");
    plain.until("3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90");
    // Typed ahead, a yes is none; the question stands.
    plain.type_line("ry");
    plain.until("Re-run Woodgrove Bank now?");
    plain.until("y yes  Esc no");
    std::thread::park_timeout(Duration::from_millis(400));
    plain.type_line("y");
    plain.until("Runs > ");
    plain.until("run 2 of jdoe is over: DONE, 1 tenant, 1 ok, 0 not ok");
    plain.type_line("<Esc><nokey>");
    plain.until("no key is called <nokey>");
    plain.type_line("z");
    plain.until("z does nothing here");
    plain.type_line("?");
    plain.until("keys: ");
    plain.type_line("<Esc><Esc>");
    plain.until("tenantop > Tenants");
    plain.type_line("<Esc>");
    plain.until("nothing changed");
    plain.type_line("yi");
    plain.until("sent to your terminal: tenant id");
    plain.type_line("q");
    let (status, told) = plain.end();
    assert_eq!(status.code(), Some(0));
    assert!(!told.contains(|c: char| c.is_control() && c != '\n'), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_lines_end_with_their_input_and_by_signals() {
    let world = imported(World::of("repaired.toml").await).await;
    let mut plain = Plain::open(&world);
    plain.type_line("x");
    drop(plain.keys.take());
    let (status, told) = plain.end();
    assert_eq!(status.code(), Some(0), "{told}");
    let place = world.dir.path().join("exports");
    assert!(told.contains(&format!("not exported: {} is not there", place.display())), "{told}");
    assert!(told.contains("q, then tenantop tenants --format csv"), "{told}");
    for (signal, code) in [(Signal::HUP, 129), (Signal::TERM, 143), (Signal::INT, 0)] {
        let mut plain = Plain::open(&world);
        plain.until("show: problems");
        plain.signal(signal);
        assert_eq!(plain.end().0.code(), Some(code));
    }
    let output = world.tenantop().stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`--plain` opens it in lines"));
    let output = world.tenantop().args(["--plain", "tenants"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_several_windows_are_exported_from_the_real_store() {
    let world = World::playing("[[partner]]\nname='emea'\n[[tenant]]\nname='Contoso'\nusers=17000\n").await;
    let world = imported(world).await;
    let place = world.dir.path().join("exports");
    std::fs::create_dir(&place).unwrap();
    let mut plain = Plain::open(&world);
    plain.until("show: problems, 0 of 1");
    plain.type_line("u");
    plain.until("here: ");
    plain.type_line("U");
    plain.until("show: all, 17,000 of 17,000");
    // The file is whole though the input ends at once.
    plain.type_line("x");
    drop(plain.keys.take());
    let (status, told) = plain.end();
    assert_eq!(status.code(), Some(0));
    let line = told.lines().find(|line| line.contains("exported 17,000 users: ")).unwrap_or_else(|| panic!("{told}"));
    let (titles, rows) = exported(line);
    assert_eq!((rows.len(), titles.len()), (17_000, 37));
    let id = titles.iter().position(|title| title == "USER ID").unwrap();
    let ids: std::collections::BTreeSet<&str> = rows.iter().map(|row| row[id].as_str()).collect();
    assert_eq!(ids.len(), 17_000, "each user once");
    assert_eq!(names(&place).len(), 1, "nothing else is left");

    let mut plain = Plain::open(&world);
    plain.until("show: problems, 0 of 1");
    plain.type_line("uU");
    plain.until("show: all, 17,000 of 17,000");
    plain.type_line("x");
    plain.signal(Signal::TERM);
    plain.end();
    assert!(names(&place).iter().all(|name| !name.contains(".part")), "no half file is left: {:?}", names(&place));
}

/// The most memory that a process had so far, in KiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_stream_and_say_where_they_end_early() {
    let world = World::playing("[[partner]]\nname='emea'\n[[tenant]]\nname='Contoso'\nusers=17000\n").await;
    let world = imported(world).await;
    for format in ["csv", "json", "table"] {
        let mut command = world.tenantop();
        command.args(["users", "--format", format]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // It waits for whoever reads: between the two looks it has written most of its rows, and holds none of them.
        let rows = lines.by_ref().take(6_000).map(Result::unwrap);
        assert_eq!(rows.count(), 6_000);
        let early = peak(child.id());
        assert_eq!(lines.by_ref().take(9_000).map(Result::unwrap).count(), 9_000);
        let late = peak(child.id());
        assert!(late < early + 6 * 1024, "{format}: {early} KiB at 6,000 users, {late} KiB at 15,000");
        // Nobody reads on.
        drop(lines);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("these rows are not all: they ended after 1"), "{format}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_and_a_look_do_not_overtake_each_other() {
    let world = World::of("repaired.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.import(Scope::All(None)).await;
    let contoso = watcher.key("Contoso");
    let users = watcher.fleet.tenants[&contoso].users.good.as_ref().unwrap().snapshot;
    let window = |from, sort| UsersLook {
        users,
        skus: None,
        holding: None,
        filter: String::new(),
        sort,
        reverse: false,
        from,
        count: 5,
        at: None,
    };
    let name = Some(UserField::Text(TextField::DisplayName));
    let mut found = Vec::new();
    for from in [0, 5, 10] {
        let export = Look::Export(Some(Exported::Users(window(from, None))));
        let answers = watcher.answers.len();
        for look in [export.clone(), Look::Users(window(from, name))] {
            watcher.client.commands.send(Command::Look(look)).await.unwrap();
        }
        watcher.until(|watcher| watcher.answers.len() >= answers + 2).await;
        let seen: Vec<&Seen> = watcher.answers[answers..]
            .iter()
            .map(|answer| if let Event::Seen(seen) = answer { &**seen } else { panic!("{answer:?}") })
            .collect();
        assert!(seen.iter().any(|seen| matches!(seen.look, Look::Users(_))), "both are answered");
        let export = seen.iter().find(|seen| seen.look == export).expect("both are answered");
        let Ok(Found::Users(users)) = &export.found else { panic!("{export:?}") };
        let known = usize::try_from(from - users.from).unwrap();
        found.extend(users.rows.iter().skip(known).cloned());
    }
    let mut all = Vec::new();
    engine
        .reader()
        .users(users, &mut |user| {
            all.push(user);
            true
        })
        .unwrap();
    assert_eq!((found.len(), &found), (12, &all), "in the order of the snapshot, each once");

    // The reading that a newer one took the place of is kept; the one before that is not.
    for kept in [true, false] {
        watcher.import(Scope::Tenants(vec![contoso.clone()])).await;
        let answers = watcher.answers.len();
        watcher
            .client
            .commands
            .send(Command::Look(Look::Export(Some(Exported::Users(window(0, name))))))
            .await
            .unwrap();
        watcher.until(|watcher| watcher.answers.len() > answers).await;
        let Some(Event::Seen(seen)) = watcher.answers.last() else { panic!("an answer") };
        assert_eq!(seen.found.is_ok(), kept, "{:?}", seen.found);
    }
    let Some(Event::Seen(seen)) = watcher.answers.last() else { panic!("an answer") };
    let why = seen.found.as_ref().unwrap_err();
    assert!(why.contains("a newer import took its place"), "{why}");
}
