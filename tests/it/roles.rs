//! Roles: what the engine refuses whatever a client shows, and who the kernel says is there.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command as Process, Output};

use tenantop::model::{
    AuditAsk, AuditFrom, AuditLook, AuditRows, Caller, Clock, Command, Event, Explained, Exported, Found, Key, Look,
    Role, Scope, Text, TextField, UsersLook, Verb,
};

use tenantop::model::allocation::{Allocating, Month};

use crate::service::Service;
use crate::world::{Watcher, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_refuses_what_the_role_may_not_and_keeps_that_it_did() {
    let world = World::of("repaired.toml").await;
    let engine = world.engine();
    let mut admin = Watcher::of(&engine, "admin").await;
    let run = admin.import(Scope::All(None)).await;
    let tenant = admin.key("Contoso");
    let until = Clock::system().now().checked_add(jiff::SignedDuration::from_hours(24)).unwrap();
    let sku_id = admin.fleet.tenants[&tenant].sku_counts.to_vec()[0].sku_id.unwrap();
    let known = Explained { sku_id, finding: "x".into(), reason: "why".into(), until };
    let one = || Scope::Tenants(vec![tenant.clone()]);
    let month = Month::of(until);
    let allocate = |wish| Command::Allocate { tenant: tenant.clone(), wish: Box::new(wish) };
    let wishes = [
        Command::Import { scope: one(), list: false, reason: None },
        Command::Import { scope: Scope::All(None), list: true, reason: None },
        Command::Probe { tenants: vec![tenant.clone()], reason: None },
        Command::Sync { partner: None },
        Command::Cancel { run: run.id, tenant: None },
        Command::Pause { tenant: tenant.clone(), reason: "why".into(), until },
        Command::Resume { tenant: tenant.clone() },
        Command::Ticket { tenant: tenant.clone(), number: "4711".into(), note: None },
        Command::CloseTicket { tenant: tenant.clone() },
        Command::Review { tenant: tenant.clone(), accept: true },
        Command::Know { tenant: tenant.clone(), known: Box::new(known) },
        Command::Forget { tenant: tenant.clone(), sku_id },
        Command::Name { sku_id, name: "ours".into() },
        Command::Kick { session: 1 },
        allocate(Allocating::SaveRules { rules: Box::default(), from: 0, reason: "why".into() }),
        allocate(Allocating::SavePrices { prices: Box::default(), from: 0, reason: "why".into() }),
        allocate(Allocating::Close { month, reason: None }),
        allocate(Allocating::Reopen { month, reason: "why".into() }),
        audit_look(None, AuditAsk::Rows(newest(""))),
        audit_look(Some(&tenant), AuditAsk::Chain { part: 0 }),
    ];
    let before = engine.reader();
    let rows = |wanted: &str| {
        let mut rows = Vec::new();
        before
            .audit(&mut |row| {
                if row.deed.caller.name == wanted {
                    rows.push(row.deed);
                }
                true
            })
            .unwrap();
        rows
    };
    for role in [Role::View, Role::Operate] {
        let caller = Caller { name: Text::from(role.word()), role, uid: 4_711, ..Caller::default() };
        let mut client = Watcher::at(engine.client_of(caller)).await;
        let barred: Vec<&Command> = wishes.iter().filter(|wish| !role.may(Verb::of(wish))).collect();
        assert!(barred.len() >= 4, "{role}: {}", barred.len());
        assert_eq!(barred.len() == wishes.len(), role == Role::View, "a viewer changes nothing");
        for wish in &barred {
            match client.ask((*wish).clone()).await {
                Event::Refused(why) => assert!(why.contains(&format!("your role is {role}")), "{wish:?}: {why}"),
                other => panic!("{role} {wish:?}: {other:?}"),
            }
        }
        let kept = rows(role.word());
        assert_eq!(kept.len(), barred.len(), "each refusal is a row");
        assert!(kept.iter().all(|deed| deed.outcome.word() == "refused" && deed.caller.uid == 4_711));
    }
    // A run of somebody else takes an admin, an own one does not.
    let mut operator = Watcher::at(engine.client_of(Caller {
        name: "admin".into(),
        role: Role::Operate,
        uid: 7,
        ..Caller::default()
    }))
    .await;
    let theirs = admin.begin(Scope::All(None)).await;
    match operator.ask(Command::Cancel { run: theirs, tenant: None }).await {
        // It may be over already.
        Event::Refused(why) => assert!(why.contains("needs admin") || why.contains("is over"), "{why}"),
        other => panic!("{other:?}"),
    }
    admin.end_of(theirs).await;
    drop((admin, operator));
    engine.stop().await;
}

/// The newest rows of the audit that pass a filter.
fn newest(filter: &str) -> AuditRows {
    AuditRows { filter: filter.to_owned(), from: AuditFrom::Before(u64::MAX), count: 64 }
}

fn audit_look(tenant: Option<&Key>, ask: AuditAsk) -> Command {
    Command::Look(Look::Audit(Box::new(AuditLook { tenant: tenant.cloned(), ask, round: 0 })))
}

/// What is told of the audit.
async fn audited(client: &mut Watcher, look: Command) -> Found {
    match client.ask(look).await {
        Event::Seen(seen) => seen.found.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_is_shown_by_windows_to_whom_the_role_lets_and_reading_it_is_a_row() {
    let world = World::of("repaired.toml").await;
    let engine = world.engine();
    let mut admin = Watcher::of(&engine, "admin").await;
    admin.import(Scope::All(None)).await;
    let tenant = admin.key("Contoso");
    let viewer = Caller { name: "viewer".into(), role: Role::View, uid: 4_712, ..Caller::default() };
    let mut viewer = Watcher::at(engine.client_of(viewer)).await;
    let of_tenant = |filter: &str| audit_look(Some(&tenant), AuditAsk::Rows(newest(filter)));
    for filter in ["", "import", "who:admin"] {
        let Found::Audit(seen) = audited(&mut viewer, of_tenant(filter)).await else { panic!("rows") };
        assert!(seen.rows.iter().all(|row| row.deed.is_about(&tenant)), "{seen:?}");
        assert!(seen.rows.iter().any(|row| row.deed.verb == "import") && seen.is_end, "{seen:?}");
    }
    // One row for a screen, whatever windows and filters; another one for what is exported beside it.
    let export = Look::ExportAudit(Box::new(AuditLook {
        tenant: Some(tenant.clone()),
        ask: AuditAsk::Rows(newest("")),
        round: 0,
    }));
    let Found::Audit(_) = audited(&mut viewer, Command::Look(export)).await else { panic!("rows") };
    let Found::Audit(_) = audited(&mut viewer, of_tenant("")).await else { panic!("rows") };
    let all = |filter: &str| audit_look(None, AuditAsk::Rows(newest(filter)));
    let seen = loop {
        let Found::Audit(seen) = audited(&mut admin, all("verb:\"read audit\"")).await else { panic!("rows") };
        if seen.rows.iter().any(|row| row.deed.caller.name == "admin") {
            break seen;
        }
    };
    let told: Vec<(&str, &str, usize)> = seen
        .rows
        .iter()
        .map(|row| (row.deed.caller.name.as_str(), row.deed.what.as_str(), row.deed.tenants.len()))
        .collect();
    assert_eq!(told, [("admin", "screen", 0), ("viewer", "export", 1), ("viewer", "screen", 1)]);
    // A filter finds a tenant by its name, which the rows do not hold.
    let Found::Audit(named) = audited(&mut admin, all("tenant:contoso")).await else { panic!("rows") };
    assert!(named.rows.iter().all(|row| row.deed.tenants == [tenant.clone()]) && named.rows.len() >= 2, "{named:?}");
    let wrong = audit_look(None, AuditAsk::Rows(newest("state:x")));
    let Event::Seen(seen) = admin.ask(wrong).await else { panic!("it is answered") };
    assert!(seen.found.unwrap_err().contains("no field `state`"));
    let Found::Chain(chain) = audited(&mut admin, audit_look(None, AuditAsk::Chain { part: 0 })).await else {
        panic!("a chain")
    };
    assert!(chain.broken.is_none() && chain.is_over() && chain.rows >= 4, "{chain:?}");
    // Whoever makes up tenants fills no rows with them.
    let made_up = |n| Key {
        partner: "x".repeat(10_000).as_str().into(),
        tenant: tenantop::model::TenantId::new(uuid::Uuid::from_u128(n)),
    };
    let look = audit_look(Some(&made_up(1)), AuditAsk::Rows(newest("")));
    let Found::Audit(none) = audited(&mut viewer, look).await else { panic!("rows") };
    assert!(none.rows.iter().all(|row| row.deed.all), "what is about all tenants, no more");
    let many = Command::Probe { tenants: (0..100).map(made_up).collect(), reason: None };
    assert!(matches!(viewer.ask(many).await, Event::Refused(_)));
    let Found::Audit(kept) = audited(&mut admin, all("who:viewer")).await else { panic!("rows") };
    let told: Vec<(&str, usize)> =
        kept.rows.iter().map(|row| (row.deed.verb.as_str(), row.deed.tenants.len())).take(2).collect();
    assert_eq!(told, [("probe", 64), ("read audit", 0)]);
    assert!(kept.rows[0].deed.tenants.iter().all(|key| key.partner.0.len() == 64));
    drop((admin, viewer));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_asks_for_an_export_gets_people_masked_whatever_its_client_does() {
    let world = World::of("repaired.toml").await;
    let engine = world.engine();
    let mut admin = Watcher::of(&engine, "admin").await;
    admin.import(Scope::All(None)).await;
    let good = admin.fleet.tenants[&admin.key("Contoso")].users.good.clone().unwrap();
    for role in Role::ALL {
        let caller = Caller { name: "x".into(), role, ..Caller::default() };
        let mut client = Watcher::at(engine.client_of(caller)).await;
        let look = Look::Export(Some(Exported::Users(UsersLook::of(good.snapshot, None))));
        let Event::Seen(seen) = client.ask(Command::Look(look)).await else { panic!("it is answered") };
        let Ok(Found::Users(users)) = seen.found else { panic!("users") };
        let masked = users.rows.iter().all(|user| user.text(TextField::UserPrincipalName).unwrap().contains("***@"));
        assert_eq!(masked, role == Role::View);
    }
    drop(admin);
    engine.stop().await;
}

/// The groups of the test; nobody of this machine is in them.
const GROUPS: [u32; 3] = [64_101, 64_102, 64_103];

/// A role and commands as somebody who has it.
type Who<'a> = (&'a str, &'a dyn Fn(&[&str]) -> Output);

/// A command as somebody who is in these groups.
fn somebody(service: &Service, world: &World, uid: u32, groups: &[u32], args: &[&str]) -> Output {
    let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
    let mut command = Process::new("setpriv");
    command.args(["--reuid", &uid.to_string(), "--regid", &uid.to_string()]);
    if groups.is_empty() {
        command.arg("--clear-groups");
    } else {
        command.args(["--groups", &groups.join(",")]);
    }
    command.arg(env!("CARGO_BIN_EXE_tenantop")).arg("--socket").arg(service.socket()).args(args);
    command.env("XDG_STATE_HOME", world.dir.path().join("anybody")).env("HOME", world.dir.path().join("anybody"));
    command.current_dir(world.dir.path().join("anybody"));
    command.output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs root, to be other users than one's own; .ci/run starts it"]
async fn the_kernel_says_who_may_what() {
    assert!(rustix::process::getuid().is_root(), "this check needs root: no process can be made of another user");
    let world = World::of("repaired.toml").await;
    let anybody = world.dir.path().join("anybody");
    std::fs::create_dir(&anybody).unwrap();
    for (dir, mode) in [(world.dir.path(), 0o711), (anybody.as_path(), 0o777)] {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let [view, operate, admin] = GROUPS;
    let mut text = std::fs::read_to_string(world.config_path()).unwrap();
    text.push_str(&format!(
        "\n[service]\nview_group = '{view}'\noperate_group = '{operate}'\nadmin_group = '{admin}'\n"
    ));
    std::fs::write(world.config_path(), text).unwrap();
    let engine = world.engine();
    Watcher::of(&engine, "test").await.import(Scope::All(None)).await;
    engine.stop().await;
    let service = Service::start(&world);
    let dir = service.socket().parent().unwrap();
    std::os::unix::fs::chown(dir, None, Some(view)).unwrap();

    let viewer = |args: &[&str]| somebody(&service, &world, 64_001, &[view], args);
    let operator = |args: &[&str]| somebody(&service, &world, 64_002, &[view, operate], args);
    let boss = |args: &[&str]| somebody(&service, &world, 64_003, &[view, admin], args);
    let code = |output: &Output| output.status.code().unwrap();
    let err = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    for args in [&["tenants"][..], &["licenses"], &["audit", "--tenant", "Contoso"], &["metrics", "-"]] {
        for who in [&viewer as &dyn Fn(&[&str]) -> Output, &operator, &boss] {
            let output = who(args);
            assert_eq!(code(&output), 0, "{args:?}: {}", err(&output));
        }
    }
    let refused: [(&[&str], [i32; 3]); 5] = [
        (&["import", "Contoso"], [6, 0, 0]),
        (&["probe", "Contoso"], [6, 0, 0]),
        (&["sync"], [6, 6, 0]),
        (&["audit"], [6, 6, 0]),
        (&["backup", "copy.redb"], [6, 6, 0]),
    ];
    for (args, codes) in refused {
        let whos: [Who<'_>; 3] = [("view", &viewer), ("operate", &operator), ("admin", &boss)];
        for ((role, who), wanted) in whos.into_iter().zip(codes) {
            let output = who(args);
            assert_eq!(code(&output), wanted, "{role} {args:?}: {}", err(&output));
            assert!(wanted == 0 || err(&output).contains(&format!("your role is {role}")), "{}", err(&output));
        }
    }
    let users = |who: &dyn Fn(&[&str]) -> Output| {
        String::from_utf8(who(&["users", "--tenant", "Contoso", "--json"]).stdout).unwrap()
    };
    assert!(users(&viewer).contains("***@") && !users(&operator).contains("***@"));
    // What licenses cost whom names people as little; units of work stay.
    let bears = |who: &dyn Fn(&[&str]) -> Output| {
        let output = who(&["allocate", "Contoso", "--users", "--json"]);
        assert_eq!(code(&output), 0, "{}", err(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let (seen, told) = (bears(&viewer), bears(&operator));
    assert!(seen.contains("***@") && !told.contains("***@") && told.contains("unit_name"), "{seen}");
    assert_eq!(seen.lines().count(), told.lines().count());
    // Somebody in no group does not even get to the socket; in none of ours, with the way open, is refused by the service.
    let nobody = somebody(&service, &world, 64_004, &[], &["tenants"]);
    assert_eq!(code(&nobody), 6, "{}", err(&nobody));
    assert!(err(&nobody).contains("not open to you"), "{}", err(&nobody));
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(service.socket(), std::fs::Permissions::from_mode(0o666)).unwrap();
    let stranger = somebody(&service, &world, 64_004, &[64_110], &["tenants"]);
    assert_eq!(code(&stranger), 6, "{}", err(&stranger));
    assert!(err(&stranger).contains("uid64004 has no role here"), "{}", err(&stranger));
    assert!(stranger.stdout.is_empty());
    let rows = boss(&["audit", "--json"]);
    let rows = String::from_utf8(rows.stdout).unwrap();
    let of = |uid: &str| rows.lines().filter(|row| row.contains(&format!("\"uid\":{uid},"))).collect::<Vec<_>>();
    assert!(of("64001").iter().any(|row| row.contains("refused") && row.contains("import")), "{rows}");
    assert!(of("64004").iter().any(|row| row.contains("refused") && row.contains("enter")), "{rows}");
}
