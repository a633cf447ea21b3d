//! The months of an allocation: each is closed with its own data, whatever was read, saved or killed meanwhile.

use std::process::{Output, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use tenantop::model::allocation::{Allocated, Month};
use tenantop::model::{Clock, Command, Event, Scope, Tenant};

use crate::allocation::{refused, rows, run, said, text};
use crate::world::{Watcher, World};

const SCENARIO: &str = r#"
    page = 40
    [[partner]]
    name = "emea"
    [[tenant]]
    name = "Woodgrove Bank"
    users = 300
    land = "de"
    skus = ["SPE_E3:150:120", "VISIOCLIENT:20:30", "POWER_BI_PRO:30:20", "FLOW_FREE:10000:40"]
    trouble = [{ step = "users", do = "shrunk", users = 40, nights = [7, 7] }]
    [[tenant.changes]]
    nights = [1, 6]
    hired = 6
    hired_hold = "SPE_E3"
    moved = 5
"#;

const PRICES: &str = "sku,amount,currency,period\nSPE_E3,33.10,EUR,month\nVISIOCLIENT,13.37,EUR,month\n\
    POWER_BI_PRO,100,EUR,year\n";

fn noon(day: Date) -> Timestamp {
    format!("{day}T12:00:00Z").parse().unwrap()
}

/// The month that it is.
fn today() -> Month {
    Month::of(Clock::system().now())
}

/// The month so many months ago.
fn ago(months: usize) -> Month {
    (0..months).fold(today(), |month, _| month.before())
}

/// Imports all as if it were another time.
async fn import_at(world: &World, night: u32, at: Timestamp) {
    world.cloud.set_night(night);
    let engine = world.engine_at(Clock::of(move || at));
    Watcher::of(&engine, "test").await.import(Scope::All(None)).await;
    engine.stop().await;
}

fn save_prices(world: &World, text: &str) -> Output {
    let path = world.dir.path().join("prices.csv");
    std::fs::write(&path, text).unwrap();
    run(world, &["prices", "woodgrove", "--import", &path.display().to_string(), "--reason", "contract"])
}

/// A world that was last read on the last day of a month that is over, with prices.
async fn read_last(months_ago: usize) -> World {
    let world = World::playing(SCENARIO).await;
    import_at(&world, 0, noon(ago(months_ago).last())).await;
    text(&save_prices(&world, PRICES));
    world
}

fn sheet(world: &World, month: Month, more: &[&str]) -> Output {
    run(world, &[&["allocate", "woodgrove", "--json", "--month", &month.to_string()], more].concat())
}

/// The sheet, its users, its products, without the state of the month.
fn all_of(world: &World, month: Month) -> [String; 3] {
    [&[][..], &["--users"], &["--products"]]
        .map(|more| text(&sheet(world, month, more)).replace("\"state\":\"closed\"", "\"state\":\"open\""))
}

fn months(world: &World, flag: &str, month: Month, reason: &str) -> Output {
    run(world, &["months", "woodgrove", flag, &month.to_string(), "--reason", reason])
}

fn bank(world: &World) -> Tenant {
    let fleet = world.store().load(1).unwrap();
    fleet.tenants.values().next().unwrap().clone()
}

fn kept(world: &World) -> Vec<Month> {
    bank(world).allocated.readings.iter().map(|reading| reading.month).collect()
}

/// All that the tenant points to is there and as its record says.
fn whole(world: &World) {
    let (tenant, store) = (bank(world), world.store());
    store.reader().check(&tenant).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_closed_with_its_own_data_after_later_imports() {
    let world = read_last(1).await;
    let past = ago(1);
    let first = all_of(&world, past);
    let told = said(&run(&world, &["months", "woodgrove"]));
    let want = format!("{past} can be closed: its last reading, data of {}, stands", past.last());
    assert!(told.contains(&want), "{told}");
    import_at(&world, 1, noon(today().first())).await;
    import_at(&world, 2, noon(today().first()) + Duration::from_hours(1)).await;
    assert_eq!((kept(&world), all_of(&world, past)), (vec![past], first.clone()), "as it was before");
    whole(&world);
    let output = sheet(&world, past, &[]);
    assert!(said(&output).contains(&format!("data of {}T12:00:00Z", past.last())), "{}", said(&output));
    assert!(!said(&output).contains("fails: "), "{}", said(&output));
    let checks = text(&sheet(&world, past, &["--checks"]));
    assert!(checks.contains(&format!("data of {}", past.last())), "{checks}");
    // The month that it is has the later data, and stands beside the one before, closed or not.
    let this = rows(&sheet(&world, today(), &[]));
    assert_ne!(this[0]["users_at"], rows(&output)[0]["users_at"]);
    assert_eq!(this.last().unwrap()["before"], rows(&output).last().unwrap()["amount"]);
    // A draft moves what is kept.
    let rules = world.dir.path().join("rules.toml");
    std::fs::write(&rules, "[[rule]]\nunit = \"All\"\n").unwrap();
    let draft = rows(&sheet(&world, past, &["--rules", &rules.display().to_string()]));
    assert_eq!(draft.last().unwrap()["amount"], rows(&output).last().unwrap()["amount"]);
    assert!(draft.iter().any(|row| row["name"] == "All"), "{draft:?}");

    let can = |what: &str| {
        let told = said(&run(&world, &["months", "woodgrove"]));
        let want = format!("{past} can be {what}: its last reading, data of {}, is kept", past.last());
        assert!(told.contains(&want), "{told}");
    };
    can("closed");
    let closed = months(&world, "--close", past, "sent");
    assert!(said(&closed).contains("is closed: bill"), "{}", said(&closed));
    assert_eq!(all_of(&world, past), first);
    can("opened and closed again");
    // A backup has it too.
    let copy = world.dir.path().join("copy.redb");
    text(&run(&world, &["backup", &copy.display().to_string()]));
    let far = run(
        &world,
        &["--store", &copy.display().to_string(), "allocate", "woodgrove", "--json", "--month", &past.to_string()],
    );
    assert_eq!(text(&far).replace("\"state\":\"closed\"", "\"state\":\"open\""), first[0]);
    // It was closed last: it can be opened and closed again with the same data, until a later one is closed.
    assert!(!said(&months(&world, "--reopen", past, "wrong price")).contains("cannot be closed again"));
    assert_eq!(all_of(&world, past), first);
    text(&months(&world, "--close", past, "sent again"));
    let users = bank(&world).allocated.readings[0].users.snapshot;
    let there = || world.store().reader().users(users, &mut |_| true).is_ok();
    assert!(there());
    text(&months(&world, "--close", today(), "x"));
    assert!(!there(), "given up with the closing, not at the next start");
    assert_eq!(kept(&world), []);
    whole(&world);
    assert_eq!(all_of(&world, past), first, "frozen");
    let output = months(&world, "--reopen", past, "too late");
    assert!(said(&output).contains("cannot be closed again"), "{}", said(&output));
    refused(&months(&world, "--close", past, "x"), &format!("no reading of {past} is kept"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_are_of_the_last_months_and_of_tenants_whose_costs_are_allocated() {
    let world = read_last(5).await;
    let ago_4_is_gone = || format!("opened again, {} could not be closed any more: its data are given up", ago(4));
    for (night, months_ago) in [(1, 4), (2, 3), (3, 2), (4, 1)] {
        import_at(&world, night, noon(ago(months_ago).last())).await;
    }
    assert_eq!(kept(&world), [ago(4), ago(3), ago(2)]);
    assert_eq!(kept(&world).len(), Allocated::READINGS);
    whole(&world);
    let checks = rows(&sheet(&world, ago(5), &["--checks"]));
    assert!(checks.iter().any(|row| row["name"] == "data" && row["verdict"] == "fails"), "{checks:?}");
    for month in [ago(4), ago(2), ago(3)] {
        let closed = months(&world, "--close", month, "x");
        text(&closed);
        // The one that was closed before, and is not the latest.
        let gone = (month == ago(2)).then(ago_4_is_gone);
        assert_eq!(gone.is_some(), said(&closed).contains("given up"), "{}", said(&closed));
        assert!(said(&closed).contains(&gone.unwrap_or_default()), "{}", said(&closed));
        whole(&world);
    }
    // Closed last, and the latest.
    assert_eq!(kept(&world), [ago(3), ago(2)]);

    let other = World::playing(SCENARIO).await;
    import_at(&other, 0, noon(ago(1).last())).await;
    import_at(&other, 1, noon(today().first())).await;
    assert_eq!(kept(&other), [], "nobody allocates its costs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_back_and_what_is_killed_leave_the_reading_alone() {
    let world = read_last(1).await;
    let past = ago(1);
    let first = all_of(&world, past);
    // Of this import the users are doubtful, and its SKUs are taken.
    import_at(&world, 7, noon(today().first())).await;
    assert!(bank(&world).held_back.is_some());
    assert_eq!((kept(&world), all_of(&world, past)), (vec![past], first.clone()));
    whole(&world);
    let told = said(&run(&world, &["months", "woodgrove"]));
    assert!(told.contains(&format!("{past} can be closed: ")), "{told}");
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    let tenant = watcher.key("Woodgrove Bank");
    let done = watcher.ask(Command::Review { tenant, accept: true }).await;
    assert!(matches!(done, Event::Done(_)), "{done:?}");
    drop(watcher);
    engine.stop().await;
    assert_eq!((kept(&world), all_of(&world, past)), (vec![past], first.clone()));
    // Killed at whatever moment: all of the reading is there.
    world.cloud.set_night(2);
    for wait in [5, 60, 120, 200, 300, 450] {
        let mut child = world
            .tenantop()
            .args(["import", "--all"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        whole(&world);
        assert_eq!(kept(&world), [past]);
    }
    text(&run(&world, &["import", "--all"]));
    assert_eq!(all_of(&world, past), first);
    text(&months(&world, "--close", past, "sent"));
    assert_eq!(all_of(&world, past), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_an_import_is_no_reading_that_the_month_that_goes_on_could_be_closed_with() {
    let world = read_last(1).await;
    let first = noon(today().first());
    import_at(&world, 1, first).await;
    // Of this import the users are doubtful, and its SKUs are taken.
    import_at(&world, 7, first + Duration::from_hours(1)).await;
    assert_eq!(kept(&world), [ago(1), today()]);
    let told = said(&run(&world, &["months", "woodgrove"]));
    assert!(told.contains(&format!("{} can be closed: ", ago(1))), "{told}");
    assert!(!told.contains(&format!("{} can be closed", today())), "{told}");
    refused(&months(&world, "--close", today(), "x"), "users and SKUs are of different imports");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_opened_and_closed_again_and_what_it_was_closed_with_can_be_read() {
    let world = read_last(1).await;
    import_at(&world, 1, noon(today().first())).await;
    let past = ago(1);
    let mut sheets = Vec::new();
    for (number, amount) in [(1, "35.00"), (2, "36.00"), (3, "37.00")] {
        text(&months(&world, "--close", past, &format!("closing {number}")));
        sheets.push(text(&sheet(&world, past, &[])));
        let reopened = months(&world, "--reopen", past, "wrong price");
        assert!(said(&reopened).contains(&format!("its sheet is kept as superseded {number}")), "{}", said(&reopened));
        assert!(!said(&reopened).contains("cannot be closed again"), "{}", said(&reopened));
        text(&save_prices(&world, &PRICES.replace("33.10", amount)));
    }
    text(&months(&world, "--close", past, "closing 4"));
    sheets.push(text(&sheet(&world, past, &[])));
    sheets.dedup();
    assert_eq!(sheets.len(), 4, "each with its own prices");
    let service = crate::service::Service::start(&world);
    let far = |args: &[&str]| service.command().args(args).stdin(Stdio::null()).output().unwrap();
    let asked = past.to_string();
    let superseded = |number: &str, more: &[&str]| {
        far(&[&["allocate", "woodgrove", "--json", "--month", &asked, "--superseded", number], more].concat())
    };
    for (number, sheet) in (1..4).zip(&sheets) {
        let output = superseded(&number.to_string(), &[]);
        assert_eq!(text(&output).replace("\"state\":\"superseded\"", "\"state\":\"closed\""), *sheet);
        let told = said(&output);
        assert!(told.contains(&format!(": closing {number}")) && told.contains(": wrong price"), "{told}");
        assert!(told.contains(&format!("prices v{number}")), "{told}");
    }
    assert_eq!(rows(&superseded("1", &["--products"])).len(), 4);
    let prices = text(&far(&["prices", "woodgrove", "--number", "1", "--json"]));
    assert!(prices.contains("\"33.10\"") && !prices.contains("\"35.00\""), "{prices}");
    refused(&far(&["prices", "woodgrove", "--number", "9"]), "has no prices v9");
    refused(
        &superseded("9", &[]),
        &format!("{past} of Woodgrove Bank has no superseded sheet 9; next: tenantop months"),
    );
    refused(&superseded("4", &[]), "has no superseded sheet 4");
    refused(&superseded("1", &["--users"]), "cannot be used with");
    let told: Vec<String> = rows(&far(&["months", "woodgrove", "--json"]))
        .iter()
        .map(|row| format!("{} {}", row["event"].as_str().unwrap(), row["superseded"]))
        .collect();
    let want = ["closed null", "reopened null", "closed 3", "reopened null", "closed 2", "reopened null", "closed 1"];
    assert_eq!(told, want);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_a_user_was_somewhere_is_told_as_it_was_when_the_month_was_closed() {
    let world = read_last(1).await;
    let past = ago(1);
    let users = rows(&sheet(&world, past, &["--users"]));
    let wanted: Vec<&str> = users.iter().step_by(40).map(|row| row["sign_in"].as_str().unwrap()).collect();
    let first = users[0]["unit_name"].as_str().unwrap();
    let rules = world.dir.path().join("rules.toml");
    let text_of_rules = format!(
        "[[rule]]\nunit = \"Split off\"\nwhen = [{{ attribute = \"department\", is = \"{first}\", trim = true }}]\n\
         [[rule]]\nunit = \"E3\"\nwhen = [{{ attribute = \"assignedLicenses\", is = \"SPE_E3\" }}]\n\
         [[rule]]\neach = [\"officeLocation\", \"department\"]\n"
    );
    std::fs::write(&rules, text_of_rules).unwrap();
    let save = |path: &str| run(&world, &["rules", "woodgrove", "--save", path, "--reason", "x"]);
    text(&save(&rules.display().to_string()));
    let whys = || wanted.iter().map(|user| text(&sheet(&world, past, &["--why", user]))).collect::<Vec<_>>();
    let open = whys();
    assert!(open[0].contains("Split off") && open[0].contains(&format!("\\\"{first}\\\"")), "{}", open[0]);
    text(&months(&world, "--close", past, "sent"));
    assert_eq!(whys(), open);
    // Others rules, other data: users moved since, and one who came since was not there.
    std::fs::write(&rules, "[[rule]]\nunit = \"All\"\n").unwrap();
    let saved = save(&rules.display().to_string());
    assert!(said(&saved).contains(&format!("saved as v2; they act from {} on", today())), "{}", said(&saved));
    for night in 1..4 {
        import_at(&world, night, noon(today().first()) + Duration::from_secs(u64::from(night))).await;
    }
    assert_eq!(whys(), open);
    let known: Vec<&Value> = users.iter().map(|row| &row["sign_in"]).collect();
    let now = rows(&sheet(&world, today(), &["--users"]));
    let hired = now.iter().map(|row| &row["sign_in"]).find(|one| !known.contains(one)).unwrap().as_str().unwrap();
    let hired = sheet(&world, past, &["--why", hired]);
    refused(&hired, &format!("{past} is closed with users who held a seat on the bill"));
    std::fs::write(&rules, "[[rule]]\nunit = \"Draft\"\n").unwrap();
    let draft = sheet(&world, past, &["--why", wanted[0], "--rules", &rules.display().to_string()]);
    refused(&draft, "is closed: no draft moves anything in it");
    refused(&sheet(&world, past, &["--rules", &rules.display().to_string()]), "a save says in which months it acts");
    // What is saved while the month that it is is closed acts from the next one on.
    text(&months(&world, "--close", today(), "early"));
    let saved = save(&rules.display().to_string());
    let from = format!("{} is closed: nothing moves in it; what is saved acts from {} on", today(), today().after());
    assert!(said(&saved).contains(&from), "{}", said(&saved));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_saved_acts_in_open_months_and_these_are_named() {
    let world = read_last(2).await;
    import_at(&world, 1, noon(ago(1).last())).await;
    import_at(&world, 2, noon(today().first())).await;
    assert_eq!(kept(&world), [ago(2), ago(1)]);
    let saved = save_prices(&world, PRICES);
    assert!(!said(&saved).contains("they act"), "no month is closed: {}", said(&saved));
    text(&months(&world, "--close", ago(1), "out of turn"));
    let saved = save_prices(&world, &PRICES.replace("33.10", "34.10"));
    let want = format!("saved as v3; they act from {} on, and in {}, still open", today(), ago(2));
    assert!(said(&saved).contains(&want), "{}", said(&saved));
    // An open month that is past stands beside the one before it, and so does a closed one.
    let total = |month: Month| rows(&sheet(&world, month, &[])).pop().unwrap();
    assert_eq!(total(today())["before"], total(ago(1))["amount"]);
    assert_ne!(total(ago(1))["before"], total(ago(2))["amount"], "frozen with the prices of then");
    assert!(total(ago(2))["before"].is_null(), "of the month before it nothing is known");
}
