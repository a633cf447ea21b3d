//! A person signs the service account in: the real program, a browser that the test plays, and what may not be kept.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};
use url::Url;

use crate::pty::terminal::Terminal;
use crate::service::Service;
use crate::sign_in::certificate;
use crate::world::World;

/// `tenantop login` that goes on.
struct Login {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// What it said so far.
    said: String,
}

impl Login {
    fn begin(world: &World, args: &[&str]) -> Self {
        let mut command = world.tenantop();
        command.args(["login", "--partner", "emea"]).args(args);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        command.env("TENANTOP_LOG", "trace").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new() }
    }

    /// Reads until a line has something in it, and gives that line.
    fn until(&mut self, wanted: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stderr.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended without `{wanted}`:\n{}", self.said);
            self.said.push_str(&line);
            if line.contains(wanted) {
                return line.trim().to_owned();
            }
        }
    }

    fn paste(&mut self, line: &str) {
        let to = self.child.stdin.as_mut().unwrap();
        writeln!(to, "{line}").unwrap();
    }

    /// Waits for its end: the exit code and all that it said.
    fn end(mut self) -> (i32, String) {
        drop(self.child.stdin.take());
        self.stderr.read_to_string(&mut self.said).unwrap();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(out, "", "standard output is for rows");
        (self.child.wait().unwrap().code().unwrap_or(-1), self.said)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().try_into().unwrap()).unwrap(), signal).unwrap();
    }
}

/// Goes where a browser is led, and answers the address that it ends at.
async fn browse(address: &str) -> String {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let reply = client.get(address).send().await.unwrap();
    assert_eq!(reply.status(), 302);
    reply.headers()["location"].to_str().unwrap().to_owned()
}

/// A whole sign-in with a browser.
async fn by_browser(world: &World) -> (i32, String) {
    let mut login = Login::begin(world, &[]);
    let address = login.until("/authorize?");
    login.paste(&browse(&address).await);
    login.end()
}

fn stored(world: &World) -> Vec<u8> {
    world.sealed("emea")
}

fn partner(lines: &str) -> String {
    format!("[[partner]]\nname='emea'\n{lines}\n[[tenant]]\nname='Contoso'\nusers=12\n")
}

/// Every file below a folder with its bytes.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                found.push((path, bytes));
            }
        }
    }
    found
}

/// Nothing that the made-up cloud gave out lies in any file or was said.
fn assert_nothing_leaked(world: &World, said: &str) {
    let secrets = world.cloud.secrets();
    assert!(!secrets.is_empty(), "its refresh token at least");
    let files = files(world.dir.path());
    assert!(files.iter().any(|(path, _)| path.extension().is_some_and(|end| end == "log")), "there is a log");
    for secret in secrets {
        // A part of it would do as well.
        let part = &secret[..40.min(secret.len())];
        assert!(!said.contains(part), "said: {said}");
        for (path, bytes) in &files {
            assert!(!bytes.windows(part.len()).any(|window| window == part.as_bytes()), "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_and_a_pasted_address_sign_in() {
    let world = World::playing(&partner("")).await;
    let before = stored(&world);
    let mut login = Login::begin(&world, &[]);
    let address = login.until("/authorize?");
    let query: Vec<(String, String)> = Url::parse(&address).unwrap().query_pairs().into_owned().collect();
    let names: BTreeSet<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
    let field = |name: &str| query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    assert_eq!(names.len(), query.len(), "nothing is said twice");
    assert!(!names.contains("code_verifier") && !names.contains("client_secret"));
    for (name, value) in [
        ("response_type", "code"),
        ("response_mode", "query"),
        ("redirect_uri", "http://localhost/tenantop"),
        ("scope", "https://graph.microsoft.com/.default offline_access openid profile"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("login_hint", "mfa.setup@partner.example"),
    ] {
        assert_eq!(field(name), value, "{name}");
    }
    assert!(address.contains(&world.config.partners[0].tenant_id.to_string()), "the partner's own tenant");
    assert_eq!((field("code_challenge").len(), field("state").len()), (43, 22));

    // What is no such address is asked for again.
    login.paste("https://partner.example/?code=x");
    login.until("that is not the address that the browser ends at");
    login.paste(&address);
    login.until("the browser has not ended yet");
    login.paste(&browse(&address).await);
    let (code, said) = login.end();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("mfa.setup@partner.example is signed in, with MFA"), "{said}");
    assert_ne!(stored(&world), before, "the new token is kept");
    let counters = world.cloud.counters();
    assert_eq!(counters.refresh_tokens_seen, 2, "the one that came, then the one that took its place");

    let sync = world.tenantop().arg("sync").output().unwrap();
    assert!(sync.status.success(), "{sync:?}");
    let counters = world.cloud.counters();
    assert_eq!((counters.older_refresh_tokens, counters.misdirected, counters.without_id), (0, 0, 1), "the browser");
    assert_nothing_leaked(&world, &format!("{said}{}", String::from_utf8_lossy(&sync.stderr)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_redeems_a_code_too() {
    let keys = tempfile::tempdir().unwrap();
    let uploaded = certificate(keys.path(), "uploaded");
    let world = World::playing(&partner(&format!("certificate=\"\"\"{uploaded}\"\"\""))).await;
    let config = std::fs::read_to_string(world.config_path()).unwrap();
    let secret = config.lines().find(|line| line.contains("client_secret_file")).unwrap();
    let (certificate, key) = (keys.path().join("uploaded.pem"), keys.path().join("uploaded.key"));
    let pair = format!("certificate_file = {certificate:?}\nprivate_key_file = {key:?}");
    std::fs::write(world.config_path(), config.replace(secret, &pair)).unwrap();
    let before = stored(&world);
    let (code, said) = by_browser(&world).await;
    assert_eq!(code, 0, "{said}");
    assert_ne!(stored(&world), before);
}

/// Of each sign-in that may not be kept: the partner in the scenario, and what is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_be_kept_leaves_the_old_token() {
    let elsewhere = "11111111-2222-4333-8444-555555555555";
    for (lines, phrases) in [
        ("sign_in={amr=['pwd']}".to_owned(), &["signed in without MFA: its token names only pwd", "demand MFA"][..]),
        ("sign_in={amr=[]}".into(), &["without MFA: its token names no method"]),
        ("sign_in={readable=false}".into(), &["without MFA: its token names no methods at all"]),
        ("sign_in={amr=['pwd'],amr_in_id_token=true,readable=false}".into(), &["names only pwd"]),
        (
            "sign_in={account='someone@partner.example'}".into(),
            &["someone@partner.example signed in, not mfa.setup@partner.example", "change service_account"],
        ),
        (format!("sign_in={{tenant='{elsewhere}'}}"), &["another tenant: 11111111", "tenant_id"]),
        (format!("sign_in={{app='{elsewhere}'}}"), &["another app"]),
        ("sign_in={code_lives=0}".into(), &["used, older than 10 minutes, or was damaged", "(70008"]),
        ("trouble=[{step='token',do='close',times=1}]".into(), &["no answer; asks again", "is used, older", "(54005"]),
        (
            "trouble=[{step='authorize',code=90094}]".into(),
            &["our app has no consent in this tenant", "in the browser", "Grant admin consent"],
        ),
        ("trouble=[{step='authorize',error='access_denied',status=400}]".into(), &["cancelled or declined"]),
        ("trouble=[{step='authorize',code=65004}]".into(), &["65004", "in the browser"]),
        (
            "trouble=[{step='authorize',code=53003}]".into(),
            &["a Conditional Access policy blocks our sign-in", "A policy of our own tenant refuses"],
        ),
        ("trouble=[{step='token',code=7000222}]".into(), &["7000222", "when its code was redeemed", "expired"]),
        (
            "trouble=[{step='token',audience='partner_center',code=65001}]".into(),
            &["65001", "when the new token was tried for Partner Center", "API permissions"],
        ),
        ("dies={code=50173,nights=[0,9]}".into(), &["50173", "when the new token was tried at our own tenant"]),
    ] {
        let world = World::playing(&partner(&lines)).await;
        let before = stored(&world);
        let (code, said) = by_browser(&world).await;
        assert_eq!(code, 3, "{lines}: {said}");
        for phrase in
            phrases.iter().chain(&["not signed in: ", "Who acts: US", "what was stored before stays as it is"])
        {
            assert!(said.contains(phrase), "{lines}: no `{phrase}` in\n{said}");
        }
        assert_eq!(stored(&world), before, "{lines}");
        assert_nothing_leaked(&world, &said);
    }
    // Where only the id token tells, that is enough.
    let world = World::playing(&partner("sign_in={amr_in_id_token=true,readable=false}")).await;
    let (code, said) = by_browser(&world).await;
    assert_eq!(code, 0, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_another_sign_in_and_no_address_are_refused() {
    let world = World::playing(&partner("")).await;
    let before = stored(&world);
    let mut first = Login::begin(&world, &[]);
    let ended_at = browse(&first.until("/authorize?")).await;
    let mut second = Login::begin(&world, &[]);
    second.until("/authorize?");
    second.paste(&ended_at);
    let (code, said) = second.end();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("its state is not the one of this one"), "{said}");
    assert_eq!(world.cloud.counters().all("token"), 0, "a code of somebody else is not even tried");
    // The first one is still good: its state and its proof are its own.
    let url = Url::parse(&ended_at).unwrap();
    let code_of = url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    for (paste, phrase) in [
        (format!("http://localhost/tenantop?code={code_of}"), "its state is not"),
        (format!("http://localhost/tenantop?error=access_denied&state=x&code={code_of}"), "its state is not"),
    ] {
        let mut login = Login::begin(&world, &[]);
        login.until("/authorize?");
        login.paste(&paste);
        let (code, said) = login.end();
        assert_eq!((code, said.contains(phrase)), (3, true), "{said}");
    }
    first.paste(&ended_at.replace("state=", "state=&state="));
    first.until("says something twice");
    first.paste("http://localhost/tenantop?session_state=1");
    first.until("there is no code in that address");
    first.paste(&"x".repeat(40_000));
    let (code, said) = first.end();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("that is too long") && said.contains("nothing is stored"), "{said}");
    assert_eq!(stored(&world), before);
    assert_nothing_leaked(&world, &said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_before_it_is_kept_leaves_the_old_token() {
    let trouble = "trouble=[{step='token',audience='partner_center',delay=20000,times=1}]";
    let world = World::playing(&partner(trouble)).await;
    let before = stored(&world);
    let mut login = Login::begin(&world, &[]);
    let address = login.until("/authorize?");
    login.paste(&browse(&address).await);
    login.until("trying the refresh token");
    let limit = Instant::now() + Duration::from_secs(20);
    while world.cloud.counters().all("token") < 3 {
        assert!(Instant::now() < limit, "Partner Center's token was never asked for");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    login.child.kill().unwrap();
    login.child.wait().unwrap();
    assert_eq!(stored(&world), before);
    let sync = world.tenantop().arg("sync").output().unwrap();
    assert!(sync.status.success(), "the old token works: {sync:?}");
}

fn in_terminal(world: &World) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tenantop"));
    command.arg("--config");
    command.arg(world.config_path());
    command.args(["login", "--partner", "emea"]);
    command.env("TERM", "xterm-256color");
    command.env("XDG_STATE_HOME", world.dir.path().join("state"));
    command.env_remove("TENANTOP_CONFIG");
    let terminal = Terminal::run(command, 200, 40);
    terminal.until("Ctrl-C leaves.");
    terminal
}

/// The address that a terminal of 200 columns shows.
fn shown_address(terminal: &Terminal) -> String {
    let raw = terminal.since(0);
    raw.lines().find(|line| line.contains("/authorize?")).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_shows_nothing_of_what_is_pasted_and_cuts_nothing() {
    let world = World::playing(&partner("")).await;
    let mut terminal = in_terminal(&world);
    let ended_at = browse(&shown_address(&terminal)).await;
    // Longer than a terminal takes as one line, and broken over lines.
    let long = format!("{ended_at}&padding={}", "x".repeat(6_000));
    let (one, two) = long.split_at(300);
    terminal.press(&format!("{one}\r\n{two}\r"));
    terminal.until("is signed in, with MFA");
    assert_eq!(terminal.exit_code(Duration::from_secs(10)), 0);
    terminal.assert_modes_restored();
    let raw = terminal.since(0);
    assert!(!raw.contains("padding") && !raw.contains("code=1.A"), "{raw}");
    assert_nothing_leaked(&world, &raw);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_leaves_with_the_terminal_as_it_was() {
    let world = World::playing(&partner("")).await;
    let before = stored(&world);
    let mut terminal = in_terminal(&world);
    terminal.press("http://localhost/\x7f\x15\x03");
    assert_eq!(terminal.exit_code(Duration::from_secs(10)), 130);
    terminal.assert_modes_restored();
    assert!(terminal.text().contains("what was stored before stays"), "{}", terminal.text());
    assert_eq!(stored(&world), before);
}

/// Goes to the page of device codes and types the code that was said.
async fn type_code(login: &mut Login, more: &str) {
    let place = login.until("Open ");
    let place = place.split_whitespace().nth(1).unwrap().to_owned();
    let typed = login.until("type this code: ");
    let typed = typed.rsplit(' ').next().unwrap();
    let reply = reqwest::get(format!("{place}?otc={typed}{more}")).await.unwrap();
    assert_eq!(reply.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_code_signs_in_with_a_warning() {
    let world = World::playing(&partner("sign_in={interval=1,slow_down=1}")).await;
    let before = stored(&world);
    let mut login = Login::begin(&world, &["--device-code"]);
    login.until("refuses it for ever after (530036, 53003)");
    let began = Instant::now();
    type_code(&mut login, "").await;
    let (code, said) = login.end();
    assert_eq!(code, 0, "{said}");
    assert!(began.elapsed() >= Duration::from_secs(6), "the second question comes 5 s later than the interval");
    assert_eq!(world.cloud.counters().all("token"), 4, "two questions, two hops");
    assert!(said.contains("is signed in, with MFA"), "{said}");
    assert_ne!(stored(&world), before);
    assert_nothing_leaked(&world, &said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_code_that_nobody_or_the_wrong_one_uses_is_refused() {
    for (lines, more, phrase) in [
        ("sign_in={interval=1}", Some("&no=1"), "cancelled or declined"),
        ("sign_in={interval=1,amr=['pwd']}", Some(""), "without MFA"),
        ("sign_in={interval=1,account='b@partner.example'}", Some(""), "b@partner.example signed in, not mfa.setup@"),
        ("sign_in={interval=1,device_lives=2}", None, "the device code ended before"),
        ("trouble=[{step='device_code',code=7000218}]", None, "7000218"),
        ("sign_in={interval=1}\ntrouble=[{step='token',code=53003}]", Some(""), "(53003 block), by device code"),
    ] {
        let world = World::playing(&partner(lines)).await;
        let before = stored(&world);
        let mut login = Login::begin(&world, &["--device-code"]);
        if let Some(more) = more {
            type_code(&mut login, more).await;
        }
        let (code, said) = login.end();
        assert_eq!(code, 3, "{lines}: {said}");
        assert!(said.contains(phrase) && said.contains("what was stored before stays"), "{lines}: {said}");
        assert_eq!(stored(&world), before, "{lines}");
    }
    let world = World::playing(&partner("")).await;
    let mut login = Login::begin(&world, &["--device-code"]);
    login.until("Ctrl-C leaves.");
    login.signal(Signal::INT);
    let began = Instant::now();
    assert_eq!(login.end().0, 130);
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_from_a_file_is_tried_unless_nobody_wants_it() {
    let world = World::playing(&partner("")).await;
    let sim_token = tenantop::sim::Scenario::parse(&partner("")).unwrap().partners()[0].refresh_token.clone();
    let file = world.dir.path().join("token.txt");
    let login = |args: &[&str]| {
        let mut all = vec!["--refresh-token-file", file.to_str().unwrap()];
        all.extend(args);
        Login::begin(&world, &all).end()
    };
    let before = stored(&world);
    std::fs::write(&file, format!("0.A{}", "x".repeat(200))).unwrap();
    let (code, said) = login(&[]);
    assert_eq!((code, stored(&world)), (3, before.clone()), "{said}");
    assert!(said.contains("our stored sign-in cannot be used (70000"), "{said}");

    std::fs::write(&file, &sim_token).unwrap();
    let (code, said) = login(&[]);
    assert_eq!(code, 0, "{said}");
    let tried = stored(&world);
    assert_ne!(tried, before);
    std::fs::write(&file, "no secret").unwrap();
    assert_nothing_leaked(&world, &said);
    assert!(world.tenantop().arg("sync").output().unwrap().status.success());
    assert_eq!(world.cloud.counters().older_refresh_tokens, 0, "what is kept is the newest");

    // Of a machine that is offline: nothing is asked.
    let asked = world.cloud.counters().all("token");
    std::fs::write(&file, &sim_token).unwrap();
    let (code, said) = login(&["--untried"]);
    assert_eq!((code, world.cloud.counters().all("token")), (0, asked), "{said}");
    assert!(said.contains("is kept untried"), "{said}");
    assert!(world.tenantop().arg("sync").output().unwrap().status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_held_is_told_before_anybody_signs_in() {
    let world = World::playing(&partner("")).await;
    let before = stored(&world);
    let engine = world.engine();
    let file = world.dir.path().join("token.txt");
    std::fs::write(&file, format!("0.A{}", "x".repeat(200))).unwrap();
    for args in [&[][..], &["--device-code"], &["--refresh-token-file", file.to_str().unwrap(), "--untried"]] {
        let (code, said) = Login::begin(&world, args).end();
        assert_eq!(code, 4, "{said}");
        for phrase in [&format!("process {}", std::process::id()), "Who acts: US. Next: end it", "stays as it is"] {
            assert!(said.contains(phrase), "{args:?}: no `{phrase}` in\n{said}");
        }
        assert!(!said.contains("/authorize?") && !said.contains("type this code"), "nobody is sent anywhere: {said}");
    }
    engine.stop().await;
    assert_eq!(stored(&world), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_somebody_has_just_done_waits_for_the_store() {
    let world = World::playing(&partner("")).await;
    let before = stored(&world);
    let mut login = Login::begin(&world, &[]);
    let address = login.until("/authorize?");
    // A colleague opens a console meanwhile.
    let engine = world.engine();
    login.paste(&browse(&address).await);
    login.until("minutes for it; end it, so that the sign-in can be kept");
    engine.stop().await;
    let (code, said) = login.end();
    assert_eq!(code, 0, "{said}");
    assert_ne!(stored(&world), before);
    assert_nothing_leaked(&world, &said);
}

/// A service that goes on while somebody signs in through it: token and redeeming are its own, only words and the pasted
/// address go over the socket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_goes_through_the_service_that_holds_the_store() {
    let world = World::playing(&partner("")).await;
    let before = stored(&world);
    let service = Service::start(&world);
    let begin = |args: &[&str]| {
        let mut command = service.command();
        command.env("XDG_STATE_HOME", world.dir.path().join("state"));
        command.args(["login", "--partner", "emea"]).args(args);
        Login::of(command)
    };
    // Whoever leaves while an address is waited for leaves what was there.
    let mut login = begin(&[]);
    login.until("Ctrl-C leaves.");
    login.signal(Signal::INT);
    let (code, said) = login.end();
    assert_eq!(code, 130, "{said}");

    let mut login = begin(&[]);
    let address = login.until("/authorize?");
    login.until("Ctrl-C leaves.");
    login.paste("https://partner.example/?code=x");
    login.until("that is not the address that the browser ends at");
    login.paste(&browse(&address).await);
    let (code, said) = login.end();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("is signed in, with MFA"), "{said}");

    let mut device = begin(&["--device-code"]);
    type_code(&mut device, "").await;
    let (code, more) = device.end();
    assert_eq!(code, 0, "{more}");
    let file = world.dir.path().join("token.txt");
    std::fs::write(&file, "1.a-token-of-somebody").unwrap();
    let (code, refused) = begin(&["--refresh-token-file", file.to_str().unwrap()]).end();
    assert_eq!(code, 2, "{refused}");
    assert!(refused.contains("never goes over the socket"), "{refused}");

    // The service goes on with the token that it was given.
    let sync = service.command().arg("sync").output().unwrap();
    assert!(sync.status.success(), "{sync:?}");
    let audit = service.command().args(["audit", "--json"]).output().unwrap();
    let rows = String::from_utf8(audit.stdout).unwrap();
    let logins: Vec<&str> = rows.lines().filter(|row| row.contains("\"verb\":\"login\"")).collect();
    // Each begins and ends; the one that was left ends when the service finds that nobody answers.
    let failed = logins.iter().filter(|row| row.contains("not signed in")).count();
    let ended = logins.iter().filter(|row| row.contains("signed in")).count();
    assert_eq!((logins.len(), ended, failed), (6, 3, 1), "{rows}");
    service.stop();
    assert_ne!(stored(&world), before);
    std::fs::remove_file(file).unwrap();
    assert_nothing_leaked(&world, &format!("{said}{more}{refused}{rows}"));
}
