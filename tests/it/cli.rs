//! The command line over the made-up cloud: rows, events, exit codes.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::Value;

use tenantop::model::{Command, Scope};

use crate::world::{Watcher, World};

fn run(world: &World, args: &[&str]) -> Output {
    world.tenantop().args(args).stdin(Stdio::null()).output().unwrap()
}

fn rows(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_have_their_rows_and_exit_codes() {
    let world = World::of("repaired.toml").await;
    let output = run(&world, &["sync"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));

    let output = run(&world, &["import", "--all", "--json"]);
    assert_eq!(output.status.code(), Some(1), "one tenant is blocked");
    let events = rows(&output);
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"run_started"));
    assert_eq!(kinds.last(), Some(&"run_done"));
    for kind in ["tenant_started", "page", "tenant_done", "tenant_failed"] {
        assert!(kinds.contains(&kind), "{kind}");
    }
    let failed = events.iter().find(|event| event["event"] == "tenant_failed").unwrap();
    assert_eq!(
        (&failed["class"], &failed["cap"], &failed["owner"]),
        (&"cap_block".into(), &true.into(), &"customer_admin".into())
    );

    let tenants = rows(&run(&world, &["tenants", "--json"]));
    let blocked = tenants.iter().find(|row| row["name"] == "Woodgrove Bank").unwrap();
    assert_eq!((&blocked["state"], &blocked["tries"]), (&"blocked".into(), &1.into()));
    assert!(blocked["users"].get("count").is_none(), "absent means unknown, never 0");
    let good = tenants.iter().find(|row| row["name"] == "Contoso").unwrap();
    assert_eq!((&good["state"], &good["users"]["count"]), (&"ok".into(), &12.into()));
    assert!(good.get("cause").is_none() && good["users"]["good_at"].as_str().unwrap().ends_with('Z'));

    let failures = rows(&run(&world, &["failures", "--json"]));
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0]["policies"][0], "3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90");
    for field in [
        "partner",
        "tenant_id",
        "name",
        "class",
        "cap",
        "owner",
        "codes",
        "correlation_id",
        "trace_id",
        "at",
        "since",
        "tries",
        "hop",
    ] {
        assert!(failures[0].get(field).is_some(), "{field}");
    }

    let licenses = rows(&run(&world, &["licenses", "--tenant", "contoso", "--json"]));
    let e3 = licenses.iter().find(|row| row["part_number"] == "SPE_E3").unwrap();
    let number = |name: &str| e3[name].as_i64().unwrap();
    assert_eq!(number("purchased"), number("enabled") + number("warning"));
    assert_eq!(number("unassigned"), number("purchased") - number("assigned"));
    assert_eq!(number("held"), number("assigned"));

    let users = rows(&run(&world, &["users", "--tenant", "Contoso", "--json"]));
    assert_eq!(users.len(), 12);
    assert!(users[0]["onPremisesExtensionAttributes"].get("extensionAttribute15").is_some());
    assert!(
        users.iter().any(|user| user["manager"]["displayName"].is_string())
            && users.iter().any(|user| user["manager"].is_null())
    );

    let held = rows(&run(&world, &["users", "--tenant", "Contoso", "--filter", "license:=SPE_E3", "--json"]));
    assert_eq!(i64::try_from(held.len()).unwrap(), number("held"), "the filter is one for users");
    let wrong = run(&world, &["users", "--tenant", "Contoso", "--filter", "status:ok"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no field `status` here; there are name, company"));

    let csv = run(&world, &["tenants", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.stdout.as_slice());
    assert_eq!(reader.records().count(), 2);
    let runs = rows(&run(&world, &["runs", "--json"]));
    assert_eq!(
        (runs.len(), &runs[0]["kind"], &runs[0]["state"], &runs[0]["failed"]),
        (2, &"all".into(), &"done".into(), &1.into())
    );

    world.cloud.set_night(1);
    assert_eq!(run(&world, &["import", "--failed"]).status.code(), Some(0));
    let filtered = rows(&run(&world, &["tenants", "--filter", "status:ok !contoso", "--json"]));
    assert_eq!(filtered.len(), 1);
}

/// One tenant for each failure: each gives a text to send, or says why there is none and whose turn it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_printed_or_refused_with_its_reason() {
    let world = World::of("every_failure.toml").await;
    let config = std::fs::read_to_string(world.config_path()).unwrap();
    let named = "display_name = \"Northwind Cloud Services\"\napp_name = \"License import\"\nservice_account = ";
    std::fs::write(world.config_path(), config.replace("service_account = ", named)).unwrap();
    let quick = [("RETRIES_PER_REQUEST", "0"), ("MAX_ANSWER_MIB", "4"), ("RESTARTS_PER_IMPORT", "1")];
    let quick = quick.map(|(key, value)| (format!("TENANTOP_IMPORT_{key}"), value));
    let import = world.tenantop().envs(quick).args(["import", "--all"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(import.status.code(), Some(1), "{}", said(&import));
    let failures = rows(&run(&world, &["failures", "--json"]));
    assert!(failures.len() > 30, "{}", failures.len());

    let us = world.config.partners[0].tenant_id.to_string();
    let mut sent = Vec::new();
    for failure in &failures {
        let name = failure["name"].as_str().unwrap();
        let output = run(&world, &["ticket", name, "--lang", "de", "--json"]);
        if output.status.code() == Some(1) {
            assert!(output.stdout.is_empty(), "{name}: nothing on standard output where nothing is to be sent");
            let said = said(&output);
            assert!(said.contains("nothing to send to ") && said.contains("Who acts: "), "{name}: {said}");
            assert!(!said.contains("Who acts: CUSTOMER"), "{name}: {said}");
            continue;
        }
        assert_eq!(output.status.code(), Some(0), "{name}: {}", said(&output));
        let line = &rows(&output)[0];
        for field in ["tenant_id", "name", "class"] {
            assert_eq!(line[field], failure[field], "{name}");
        }
        assert_eq!((line["lang"].as_str(), line["name"].as_str()), (Some("de"), Some(name)));
        let (subject, body) = (line["subject"].as_str().unwrap(), line["body"].as_str().unwrap());
        assert!(subject.starts_with("Lizenzimport") && subject.ends_with(name), "{subject}");
        assert!(body.starts_with("Guten Tag,\n\nals Ihr Microsoft-Partner liest Northwind Cloud Services"), "{body}");
        for id in [Some(us.as_str()), failure["correlation_id"].as_str(), failure["trace_id"].as_str()] {
            assert!(id.is_none_or(|id| body.contains(id)), "{name}, {id:?}:\n{body}");
        }
        sent.push(name);
    }
    sent.sort_unstable();
    let want = [
        "App missing",
        "App protection",
        "Assignment",
        "Auth flow",
        "Block",
        "Consent",
        "Device",
        "GDAP",
        "Half role",
        "Inbound",
        "MFA",
        "New policy",
        "Resource",
        "Riddle",
        "Role",
        "Security defaults",
        "Sign-in frequency",
        "Terms of use",
        "Token protection",
    ];
    assert_eq!(sent, want);

    let output = run(&world, &["ticket", "block"]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let head = "License import blocked by Conditional Access - Block\n\nHello,\n\nAs your Microsoft partner, ";
    assert!(text.starts_with(head) && text.ends_with("\nKind regards\nNorthwind Cloud Services\n"), "{text}");
    assert!(
        text.contains("- 3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90\n- b71d9e04-27aa-4c61-8f3d-5a6c90e4d218\n"),
        "{text}"
    );
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""));

    let output = run(&world, &["ticket", "Auth flow", "--partner", "emea"]);
    assert!(said(&output).starts_with("before you send it: better than a ticket: "), "{}", said(&output));
    assert!(!String::from_utf8(output.stdout).unwrap().contains("better than"));

    for (args, code, phrase) in [
        (&["ticket", "Good"][..], 1, "nothing to send to Good: nothing is refused there"),
        (&["ticket", "Outbound"], 1, "nothing to send to Outbound: it is our turn, not the customer's\n"),
        (&["ticket", "Entra down"], 1, "nothing to send to Entra down: it is tried again by itself\n"),
        (&["ticket", "Nobody"], 2, "no tenant `Nobody`"),
        (&["ticket", "Block", "--partner", "apac"], 2, "no tenant `Block`"),
        (&["ticket", "Block", "--lang", "it"], 2, "[possible values: en, de, fr, nl]"),
        (&["ticket", "Block", "--format", "csv"], 2, "a ticket is a text, not rows"),
    ] {
        let output = run(&world, args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(phrase), "{args:?}: {}", said(&output));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_words_are_explained_with_exit_2() {
    let world = World::of("repaired.toml").await;
    for (args, phrase) in [
        (&["import"][..], "which tenants?"),
        (&["import", "Nobody"], "the customer list was never read: tenantop sync"),
        (&["tenants", "--filter", "colour:red"], "no field `colour` here"),
        (
            &["login", "--partner", "apac", "--refresh-token-file", "-"],
            "no partner `apac` in the configuration; there are: emea",
        ),
        (&["login", "--partner", "emea", "--refresh-token-file", "/nowhere"], "/nowhere"),
        (&["login", "--partner", "emea", "--refresh-token-file", "-"], "there is no refresh token in it"),
        (&["login", "--partner", "emea", "--refresh-token-file", "-", "--device-code"], "cannot be used with"),
        (&["login", "--partner", "emea", "--untried"], "--refresh-token-file <FILE>"),
        (&["login", "--partner", "emea"], "nothing was pasted: nothing is stored"),
        (&["runs", "--run", "9"], "no run 9"),
        (&["tenants", "--json", "--format", "csv"], "contradict"),
        (&[], "needs a terminal"),
    ] {
        let output = run(&world, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(phrase), "{args:?}: {}", said(&output));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_console_cannot_start_with_is_explained_with_exit_2() {
    let world = World::of("repaired.toml").await;
    let own = world.dir.path().join("console.toml");
    std::fs::write(&own, "[look]\ntheme = \"light\"\n\n[keys]\nre-run = \"l\"\n").unwrap();
    let own = own.to_str().unwrap();
    for (args, phrase) in [
        (&["--filter", "nofield:x"][..], "the filter to start with: no field `nofield` here; there are status"),
        (&["--view", "runs", "--filter", "status:x"], "no field `status` here; there are run"),
        (&["--theme", "own"], "there is no [theme] in console.toml"),
        (&["--console", own], "console.toml:5: keys.re-run: `l` does `licenses` on Tenants already"),
        (&["--console", "/nowhere/console.toml"], "/nowhere/console.toml: No such file"),
        (&["--theme", "mono", "tenants"], "flags of the console stand before no command"),
        (&["--ascii"], "the console needs a terminal (ssh -t)"),
    ] {
        let output = run(&world, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(phrase), "{args:?}: {}", said(&output));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_partner_is_exit_3_and_a_held_store_is_exit_4() {
    let world = World::of("two_partners.toml").await;
    world.cloud.set_night(1);
    let output = run(&world, &["sync", "--partner", "nordics"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("tenantop login --partner"), "{}", said(&output));
    let counters = world.cloud.counters();
    assert_eq!(counters.requests.get("users"), None, "nothing was asked of any customer");

    let engine = world.engine();
    let output = run(&world, &["tenants"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(said(&output).contains(&format!("process {}", std::process::id())), "{}", said(&output));
    engine.stop().await;

    std::fs::write(world.store_path(), b"this is no store at all").unwrap();
    let output = run(&world, &["tenants"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(said(&output).contains("it is not a store"), "{}", said(&output));
    assert_eq!(std::fs::read(world.store_path()).unwrap(), b"this is no store at all", "it is left as it is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_token_reaches_no_file_in_the_clear() {
    const FAKE: &str = "0.FAKE-TOKEN-THAT-NOBODY-MAY-SEE-7f3a91c2d4e5";
    let world = World::of("repaired.toml").await;
    let mut child = world
        .tenantop()
        .args(["login", "--partner", "emea", "--refresh-token-file", "-", "--untried"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(FAKE.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let import = run(&world, &["import", "--all"]);
    assert_eq!(import.status.code(), Some(3), "the made-up cloud does not know that token");
    let doctor = run(&world, &["doctor"]);
    assert_eq!(doctor.status.code(), Some(3));
    let backup = run(&world, &["backup", world.dir.path().join("a.backup").to_str().unwrap()]);
    assert_eq!(backup.status.code(), Some(0), "{}", said(&backup));
    let mut searched = 0;
    let mut folders = vec![world.dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(16).any(|window| window == &FAKE.as_bytes()[4..20]);
            assert!(!found, "{} holds the token", path.display());
            searched += 1;
        }
    }
    assert!(searched >= 4, "store, vault, key and log were searched: {searched}");
    for output in [output, import, doctor, backup] {
        assert!(!said(&output).contains(&FAKE[4..20]));
        assert!(!String::from_utf8_lossy(&output.stdout).contains(&FAKE[4..20]));
    }
}

#[test]
fn help_man_and_completions_are_printed() {
    let program = env!("CARGO_BIN_EXE_tenantop");
    for (args, phrase) in [
        (&["--help"][..], "Usage: tenantop"),
        (&["man"], ".TH tenantop"),
        (&["completions", "bash"], "_tenantop"),
        (&["explain", "53003"], "cap_block"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let output = std::process::Command::new(program).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(phrase), "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_has_its_events_and_exit_codes() {
    let world = World::of("repaired.toml").await;
    assert_eq!(run(&world, &["probe"]).status.code(), Some(2), "of whom?");
    assert_eq!(run(&world, &["import", "--all"]).status.code(), Some(1));

    let output = run(&world, &["probe", "woodgrove", "Contoso", "--reason", "they say so", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let events = rows(&output);
    let of = |kind: &str| events.iter().find(|event| event["event"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    assert_eq!(of("run_started")["kind"], "probe");
    assert_eq!((&of("tenant_done")["name"], &of("tenant_done")["requests"]), (&"Contoso".into(), &1.into()));
    assert!(of("tenant_done").get("users").is_none(), "nothing was read");
    let failed = of("tenant_failed");
    assert_eq!((&failed["class"], &failed["codes"][0]), (&"cap_block".into(), &53_003.into()));
    let done = of("run_done");
    assert_eq!((&done["ok"], &done["failed"], &done["reason"]), (&1.into(), &1.into(), &"they say so".into()));
    assert!(events.iter().all(|event| event["event"] != "page"));

    world.cloud.set_night(1);
    let output = run(&world, &["probe", "--failed"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("Woodgrove Bank: the sign-in passes; nothing was read"), "{}", said(&output));
    assert!(said(&output).contains("1 of 1 tenants pass, 0 do not"), "{}", said(&output));
    let output = run(&world, &["probe", "--failed"]);
    assert_eq!(output.status.code(), Some(0), "nobody is refused");
    let output = run(&world, &["import", "--failed", "--json"]);
    assert_eq!((output.status.code(), &rows(&output).last().unwrap()["tenants"]), (Some(0), &1.into()));

    let world = World::of("two_partners.toml").await;
    run(&world, &["sync"]);
    world.cloud.set_night(1);
    let output = run(&world, &["probe", "relecloud"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_tell_their_tickets() {
    let world = World::of("policy_moves.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    let bank = {
        watcher.import(Scope::All(None)).await;
        watcher.key("Woodgrove Bank")
    };
    watcher
        .ask(Command::Ticket { tenant: bank.clone(), number: "CS-4411".into(), note: Some("lead back".into()) })
        .await;
    world.cloud.set_night(1);
    watcher.import(Scope::Tenants(vec![bank])).await;
    drop(watcher);
    engine.stop().await;
    let tenants = |filter: &str| rows(&run(&world, &["tenants", "--filter", filter, "--json"]));
    let [row] = tenants("ticket:cs-44").try_into().unwrap();
    let ticket = &row["ticket"];
    assert_eq!(
        (&row["name"], &ticket["number"], &ticket["by"]),
        (&"Woodgrove Bank".into(), &"CS-4411".into(), &"jdoe".into())
    );
    assert_eq!(
        (&ticket["note"], &ticket["changed"]),
        (&"lead back".into(), &true.into()),
        "the policies changed since"
    );
    assert!(ticket["asked_at"].as_str().unwrap().ends_with('Z'));
    let [row] = tenants("ticket:none").try_into().unwrap();
    assert!(row["name"] == "Contoso" && row.get("ticket").is_none(), "absent means none: {row}");
    let csv = String::from_utf8(run(&world, &["tenants", "--format", "csv"]).stdout).unwrap();
    assert!(csv.lines().next().unwrap().contains(",ticket.number,") && csv.contains(",CS-4411,"), "{csv}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_is_listed_by_its_date() {
    let scenario = "[[partner]]\nname='emea'\n\
        [[tenant]]\nname='Soon'\nusers=2\ngdap=[{ status='active', ends=9 }]\n\
        [[tenant]]\nname='Later'\nusers=2\ngdap=[{ status='active', ends=120, extends=true }]\n\
        [[tenant]]\nname='Ended'\nusers=2\ngdap=[{ status='expired', ends=-9 }]\ntrouble=[{ step='token', code=50020 }]\n";
    let world = World::playing(scenario).await;
    let before = run(&world, &["expiries", "--json"]);
    assert_eq!((before.status.code(), rows(&before).len()), (Some(0), 3), "token, secret and MFA: {}", said(&before));
    assert!(said(&before).contains("were never read"), "{}", said(&before));
    run(&world, &["import", "--all"]);
    let output = run(&world, &["expiries", "--json"]);
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""));
    let all = rows(&output);
    let lines: Vec<_> = all
        .iter()
        .map(|row| {
            let of = row.get("name").unwrap_or(&row["partner"]).as_str().unwrap();
            (of, row["what"].as_str().unwrap(), row["state"].as_str().unwrap(), row.get("days").and_then(Value::as_i64))
        })
        .collect();
    assert_eq!(
        lines.iter().map(|(of, what, state, _)| (*of, *what, *state)).collect::<Vec<_>>(),
        [
            ("Ended", "gdap", "ended"),
            ("Soon", "gdap", "soon"),
            ("emea", "refresh_token", "ok"),
            ("Later", "gdap", "extends"),
            ("emea", "secret", "unknown"),
            ("emea", "mfa", "age"),
        ]
    );
    assert!(lines[1].3.is_some_and(|days| (8..=9).contains(&days)), "{lines:?}");
    assert_eq!((&all[1]["stops"], &all[1]["auto_extends"]), (&"this customer's imports".into(), &false.into()));
    assert_eq!(all[2]["stops"], "all imports of emea");
    assert!(all[1]["ends_at"].as_str().unwrap().ends_with('Z') && all[4].get("ends_at").is_none());
    let failures = rows(&run(&world, &["failures", "--json"]));
    assert_eq!(failures[0]["owner"], "partner");
    let tenants = rows(&run(&world, &["tenants", "--filter", "cause:gdap", "--json"]));
    assert_eq!((&tenants[0]["name"], &tenants[0]["cause"]), (&"Ended".into(), &"GDAP ended".into()));

    let count = |args: &[&str]| rows(&run(&world, &[&["expiries", "--json"], args].concat())).len();
    assert_eq!((count(&["--filter", "what:gdap !state:ended"]), count(&["--partner", "emea"])), (2, 6));
    assert_eq!(run(&world, &["expiries", "--partner", "apac"]).status.code(), Some(2));
    assert_eq!(run(&world, &["expiries", "--filter", "colour:red"]).status.code(), Some(2));
    let csv = String::from_utf8(run(&world, &["expiries", "--format", "csv"]).stdout).unwrap();
    assert_eq!(csv.lines().filter(|line| line.starts_with("ended,") || line.starts_with("soon,")).count(), 2, "{csv}");

    // Of a secret the configuration tells the end.
    let text = std::fs::read_to_string(world.config_path()).unwrap();
    let dated = text.replacen("service_account", "client_secret_expires = \"2001-03-01\"\nservice_account", 1);
    std::fs::write(world.config_path(), dated).unwrap();
    let secret = rows(&run(&world, &["expiries", "--filter", "what:secret", "--json"]));
    assert_eq!((&secret[0]["state"], &secret[0]["ends_at"]), (&"ended".into(), &"2001-03-01T00:00:00Z".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standing_alone_is_not_for_the_store_of_the_machines_service() {
    let world = World::of("repaired.toml").await;
    for args in [
        &["--standalone", "--store", "/var/lib/tenantop/store.redb", "tenants"][..],
        &["tenants", "--standalone", "--store", "/var/lib/../lib/tenantop/another.redb"],
        &["--standalone", "--store", "/var/lib/tenantop/store.redb"],
    ] {
        let output = run(&world, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        let said = said(&output);
        assert!(
            said.contains("--standalone does not open /var/lib/") && said.contains("Who acts: you; next: "),
            "{said}"
        );
    }
    let mut command = world.tenantop();
    command.args(["--standalone", "tenants"]).env("TENANTOP_STORE_PATH", "/var/lib/tenantop/store.redb");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let output = run(&world, &["--standalone", "tenants"]);
    assert_eq!(output.status.code(), Some(0), "a store of one's own: {}", said(&output));
}
