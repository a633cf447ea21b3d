//! What licenses cost business units, from the answers of a made-up cloud to the rows of the commands.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};

use rust_decimal::Decimal;
use serde_json::Value;
use tenantop::model::allocation::{
    Allocating, AllocationAsk, AllocationLook, AllocationOf, AllocationSeen, Draft, Month, MonthState, PriceBook,
    Rules, SharesLook, UnitPath, UserShare, UserShareLine,
};
use tenantop::model::{Caller, Clock, Command, Event, Exported, Found, Look, Role, Scope, TextField};

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
    [[tenant.changes]]
    nights = [1, 9]
    hired = 6
    hired_hold = "SPE_E3"
    moved = 5
    [[tenant.changes]]
    nights = [2, 2]
    shuffled = true
"#;

const PRICES: &str = "\u{feff}SKU,Amount,Currency,Period,From,To,Quantity\n\
    SPE_E3,396.00,EUR,year,,,100\nSPE_E3,36.10,EUR,month,,,50\nVISIOCLIENT,13.37,EUR,month,,,\n\
    POWER_BI_PRO,100,EUR,three_years,2020-01-01,,\n";

pub(crate) fn run(world: &World, args: &[&str]) -> Output {
    world.tenantop().args(args).stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn rows(output: &Output) -> Vec<Value> {
    text(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn refused(output: &Output, why: &str) {
    assert_eq!(output.status.code(), Some(2), "{}", said(output));
    assert!(said(output).contains(why), "{}", said(output));
}

fn money(value: &Value) -> Decimal {
    value.as_str().unwrap_or_else(|| panic!("money is a text: {value}")).parse().unwrap()
}

fn amount(rows: &[Value], kind: &str) -> Decimal {
    rows.iter().filter(|row| row["kind"] == kind).map(|row| money(&row["own"])).sum()
}

async fn import(world: &World, night: u32) {
    world.cloud.set_night(night);
    let engine = world.engine();
    Watcher::of(&engine, "test").await.import(Scope::All(None)).await;
    engine.stop().await;
}

fn file(world: &World, name: &str, text: &str) -> String {
    let path = world.dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn this_month() -> String {
    Month::of(Clock::system().now()).to_string()
}

/// Holds the sheet and its lines of users against each other and against the bill.
fn adds_up(sheet: &[Value], users: &[Value], products: &[Value]) {
    let bill = amount(sheet, "total");
    assert_eq!(amount(sheet, "unit") + amount(sheet, "untracked") + amount(sheet, "idle"), bill);
    assert_eq!(products.iter().map(|row| money(&row["amount"])).sum::<Decimal>(), bill);
    let mut borne: BTreeMap<String, Decimal> = BTreeMap::new();
    for line in users {
        *borne.entry(line["unit_name"].as_str().unwrap().to_owned()).or_default() += money(&line["amount"]);
    }
    for row in sheet.iter().filter(|row| row["kind"] == "unit" || row["kind"] == "untracked") {
        let own = borne.remove(row["name"].as_str().unwrap()).unwrap_or_default();
        assert_eq!(own, money(&row["own"]), "{row}");
    }
    assert!(borne.is_empty(), "{borne:?}");
}

/// A world with an import, and with the prices of [`PRICES`].
async fn priced() -> World {
    let world = World::playing(SCENARIO).await;
    import(&world, 0).await;
    let prices = file(&world, "prices.csv", PRICES);
    text(&run(&world, &["prices", "woodgrove", "--import", &prices, "--reason", "contract 2026"]));
    world
}

fn sheet(world: &World, more: &[&str]) -> Output {
    run(world, &[&["allocate", "woodgrove", "--json"], more].concat())
}

/// Rules that split one department and put all others below the bank.
fn bank(world: &World) -> (String, String) {
    let start = rows(&sheet(world, &[]));
    let department = start.iter().find(|row| row["kind"] == "unit").unwrap()["name"].as_str().unwrap().to_owned();
    let toml = format!(
        "[[rule]]\nsplit = [{{ unit = [\"Bank\", \"A\"], percent = 70 }}, {{ unit = [\"Bank\", \"B\"], percent = 30 }}]\n\
         when = [{{ attribute = \"department\", is = \"{department}\" }}]\n[[rule]]\neach = [\"department\"]\nunder = \"Bank\"\n"
    );
    (file(world, "rules.toml", &toml), toml)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sheet_adds_up_to_the_bill_and_says_what_it_lacks() {
    let world = World::playing(SCENARIO).await;
    import(&world, 0).await;
    let month = this_month();

    // Without prices the sheet is there and says that it is not whole.
    let output = sheet(&world, &[]);
    assert!(said(&output).contains("prices 0 of 3") && said(&output).contains("bill at least 0"), "{}", said(&output));
    assert!(rows(&output).iter().all(|row| row["whole"] == false));
    refused(&run(&world, &["months", "woodgrove", "--close", &month]), "prices 0 of 3");

    let prices = file(&world, "prices.csv", PRICES);
    refused(&run(&world, &["prices", "woodgrove", "--import", &prices]), "--reason");
    let wrong = file(&world, "wrong.csv", "sku,amount,currency,period\nSPE_E3,1,EUR,month\nVISIOCLIENT,1,USD,month\n");
    refused(&run(&world, &["prices", "woodgrove", "--import", &wrong, "--reason", "x"]), "a sheet has one currency");
    let draft = sheet(&world, &["--prices", &prices]);
    assert!(rows(&draft).iter().any(|row| row["kind"] == "total" && money(&row["moved"]) > Decimal::ZERO));
    let saved = run(&world, &["prices", "woodgrove", "--import", &prices, "--reason", "contract 2026"]);
    assert!(said(&saved).contains("the draft moves") && said(&saved).contains("saved as v1"), "{}", said(&saved));
    assert!(text(&saved).contains("TOTAL = bill"), "{}", text(&saved));
    let shown = text(&run(&world, &["prices", "woodgrove", "--format", "csv"]));
    let again = file(&world, "again.csv", &shown);
    text(&run(&world, &["prices", "woodgrove", "--import", &again, "--reason", "the same"]));
    assert_eq!(text(&run(&world, &["prices", "woodgrove", "--format", "csv"])), shown, "what is shown can be imported");

    let start = rows(&sheet(&world, &[]));
    let users = rows(&sheet(&world, &["--users"]));
    adds_up(&start, &users, &rows(&sheet(&world, &["--products"])));
    let e3 = rows(&sheet(&world, &["--products"])).into_iter().find(|row| row["part_number"] == "SPE_E3").unwrap();
    // 150 seats at (100 x 33 + 50 x 36.10) / 150
    assert_eq!(
        (&e3["amount"], &e3["monthly"], &e3["state"]),
        (&"5105.00".into(), &"34.033333".into(), &"priced".into())
    );
    let csv = text(&run(&world, &["allocate", "woodgrove", "--users", "--format", "csv"]));
    assert_eq!(csv.lines().count(), users.len() + 1);
    assert!(start.iter().any(|row| row["kind"] == "unit") && amount(&start, "idle") > Decimal::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_shows_what_it_moves_and_saves_nothing() {
    let world = priced().await;
    let start = rows(&sheet(&world, &[]));
    let (rules, toml) = bank(&world);
    let draft = sheet(&world, &["--rules", &rules]);
    let moved: Vec<Value> = rows(&draft);
    assert_eq!(
        moved
            .iter()
            .filter(|row| row["kind"] != "total")
            .filter(|row| { row["kind"] != "unit" || row["unit"].is_string() })
            .map(|row| money(&row["moved"]))
            .sum::<Decimal>(),
        Decimal::ZERO,
        "what is taken comes to somewhere"
    );
    assert!(said(&draft).contains("net 0.00; empty then: "), "{}", said(&draft));
    assert_eq!(rows(&sheet(&world, &[])), start, "a draft is not saved");
    refused(&run(&world, &["rules", "woodgrove", "--save", &rules, "--reason", "x", "--from", "3"]), "v0 by now");
    let saved = run(&world, &["rules", "woodgrove", "--save", &rules, "--reason", "by bank", "--json"]);
    assert!(said(&saved).contains("the draft moves") && said(&saved).contains("saved as v1"), "{}", said(&saved));
    let differs = |row: &&Value| row["amount"] != row["amount_then"] || row["users"] != row["users_then"];
    let differing: Vec<Value> = moved.iter().filter(differs).cloned().collect();
    assert_eq!(rows(&saved), differing, "unit by unit, what moves and no more");
    let shown = text(&run(&world, &["rules", "woodgrove"]));
    assert_eq!(Rules::from_toml(&shown).unwrap(), Rules::from_toml(&toml).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_month_stays_as_it_was() {
    let world = priced().await;
    let month = this_month();
    let start = rows(&sheet(&world, &[]));
    let (rules, _) = bank(&world);
    text(&run(&world, &["rules", "woodgrove", "--save", &rules, "--reason", "by bank"]));
    // Closed: what comes later changes nothing of it.
    let closed = run(&world, &["months", "woodgrove", "--close", &month, "--reason", "sent"]);
    assert!(said(&closed).contains("is closed: bill"), "{}", said(&closed));
    let frozen = ["", "--users", "--products", "--hits", "--checks"]
        .map(|what| text(&sheet(&world, &[what].into_iter().filter(|what| !what.is_empty()).collect::<Vec<_>>())));
    assert_ne!(rows(&sheet(&world, &[])), start);
    adds_up(&rows(&sheet(&world, &[])), &rows(&sheet(&world, &["--users"])), &rows(&sheet(&world, &["--products"])));
    let other = file(&world, "other.toml", "[[rule]]\nunit = \"All\"\n");
    text(&run(&world, &["rules", "woodgrove", "--save", &other, "--reason", "other"]));
    text(&run(
        &world,
        &[
            "prices",
            "woodgrove",
            "--set",
            "SPE_E3",
            "--amount",
            "1",
            "--currency",
            "EUR",
            "--period",
            "month",
            "--reason",
            "x",
        ],
    ));
    // Built on what was saved last, not on what the month was closed with.
    let visio =
        ["prices", "woodgrove", "--set", "VISIOCLIENT", "--amount", "2", "--currency", "EUR", "--period", "month"];
    let set = run(&world, &[&visio[..], &["--reason", "y"]].concat());
    assert!(
        said(&set).contains("is closed: nothing moves in it") && said(&set).contains("saved as v3"),
        "{}",
        said(&set)
    );
    let newest = rows(&run(&world, &["prices", "woodgrove", "--json"]));
    let of = |amount: &str| newest.iter().filter(|row| row["amount"] == amount).count();
    assert_eq!((of("1"), of("2"), of("13.37")), (1, 1, 0), "{newest:?}");
    import(&world, 1).await;
    let after = ["", "--users", "--products", "--hits", "--checks"]
        .map(|what| text(&sheet(&world, &[what].into_iter().filter(|what| !what.is_empty()).collect::<Vec<_>>())));
    assert_eq!(after, frozen, "byte for byte");
    refused(&sheet(&world, &["--rules", &rules]), "is closed: no draft moves anything in it");
    refused(&run(&world, &["months", "woodgrove", "--close", &month]), "closed already");
    refused(&run(&world, &["months", "woodgrove", "--reopen", &month]), "--reason");

    let reopened = run(&world, &["months", "woodgrove", "--reopen", &month, "--reason", "wrong price"]);
    assert!(said(&reopened).contains("is open again"), "{}", said(&reopened));
    let open = rows(&sheet(&world, &[]));
    assert!(open.iter().any(|row| row["name"] == "All") && open[0]["state"] == "open");
    let events: Vec<String> = rows(&run(&world, &["months", "woodgrove", "--json"]))
        .iter()
        .map(|row| {
            format!(
                "{} {} {}",
                row["event"].as_str().unwrap(),
                row["state"].as_str().unwrap(),
                row["reason"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(events, ["reopened open wrong price", "closed open sent"]);
    let versions = rows(&run(&world, &["rules", "woodgrove", "--history", "--json"]));
    assert_eq!(versions.iter().map(|row| row["reason"].as_str().unwrap()).collect::<Vec<_>>(), ["other", "by bank"]);
    // Another order of the same users is the same sheet.
    let users = |output: Output| {
        let mut lines: Vec<String> = text(&output).lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let before = users(sheet(&world, &["--users"]));
    import(&world, 2).await;
    assert_eq!(users(sheet(&world, &["--users"])), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_reckoned_is_not_saved_and_what_mends_it_is() {
    let world = priced().await;
    let month = this_month();
    // 10,000 seats at a price that is beyond all reckoning.
    let beyond = file(&world, "beyond.csv", "sku,amount,currency,period\nFLOW_FREE,1000000000,KWD,month\n");
    let save = |prices: &str| run(&world, &["prices", "woodgrove", "--import", prices, "--reason", "x"]);
    let versions = || rows(&run(&world, &["prices", "woodgrove", "--history", "--json"])).len();
    let output = save(&beyond);
    refused(&output, "nothing is saved: ");
    assert!(said(&output).contains("beyond all reckoning") && versions() == 1, "{}", said(&output));
    // It can come in while the month is closed: nothing of it is reckoned then.
    text(&run(&world, &["months", "woodgrove", "--close", &month]));
    text(&save(&beyond));
    text(&run(&world, &["months", "woodgrove", "--reopen", &month, "--reason", "x"]));
    refused(&sheet(&world, &[]), "beyond all reckoning");
    let again = file(&world, "prices.csv", PRICES);
    let mended = save(&again);
    assert_eq!(mended.status.code(), Some(0), "{}", said(&mended));
    assert!(said(&mended).contains("no preview, what is in force cannot be reckoned"), "{}", said(&mended));
    assert!(text(&sheet(&world, &[])).contains("TOTAL") && versions() == 3);
    // Of two currencies no amounts are subtracted, and what has no price is told.
    let dollars = file(&world, "usd.csv", "sku,amount,currency,period\nSPE_E3,40,USD,month\n");
    let draft = sheet(&world, &["--prices", &dollars]);
    assert!(rows(&draft).iter().all(|row| row["moved"].is_null()));
    assert!(said(&draft).contains("in force are in EUR, those of the draft in USD"), "{}", said(&draft));
    assert!(said(&draft).contains("the draft is not whole"), "{}", said(&draft));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_sees_the_sheet_its_users_and_why() {
    let world = World::playing(SCENARIO).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "mlee").await;
    watcher.import(Scope::All(None)).await;
    let bank = watcher.key("Woodgrove Bank");
    let tenant = |watcher: &Watcher| watcher.fleet.tenants[&bank].clone();
    let price = |sku: &str, amount: &str| {
        let found = tenant(&watcher).sku_counts.to_vec();
        let id = found.iter().find(|count| count.part_number.as_deref() == Some(sku)).unwrap().sku_id.unwrap();
        tenantop::model::allocation::Price {
            sku_id: id,
            amount: amount.parse().unwrap(),
            currency: "JPY".parse().unwrap(),
            period: tenantop::model::allocation::Period::Month,
            from: None,
            to: None,
            quantity: None,
        }
    };
    let prices =
        PriceBook { prices: vec![price("SPE_E3", "4497.5"), price("VISIOCLIENT", "1"), price("POWER_BI_PRO", "3")] };
    let ask = |wish: Allocating| Command::Allocate { tenant: bank.clone(), wish: Box::new(wish) };
    let save = Allocating::SavePrices { prices: Box::new(prices), from: 0, reason: "x".into() };
    assert!(matches!(watcher.ask(ask(save.clone())).await, Event::Done(said) if said.contains("v1")));
    let Event::Refused(why) = watcher.ask(ask(save)).await else { panic!("v1 is there") };
    assert!(why.contains("v1 by now"), "{why}");
    assert_eq!(tenant(&watcher).allocated.prices, 1);

    let today = Month::of(Clock::system().now());
    let of = AllocationOf::new(&tenant(&watcher), &watcher.fleet.catalog, today, today);
    let see = async |watcher: &mut Watcher, ask: AllocationAsk, draft: Draft| {
        let look = AllocationLook { of: of.clone(), draft, ask, round: 0 };
        let Event::Seen(seen) = watcher.ask(Command::Look(Look::Allocation(Box::new(look)))).await else { panic!() };
        match seen.found {
            Ok(Found::Allocation(seen)) => *seen,
            other => panic!("{other:?}"),
        }
    };
    let AllocationSeen::Sheet { sheet, preview: None, closed: false, months, .. } =
        see(&mut watcher, AllocationAsk::Sheet, Draft::default()).await
    else {
        panic!("no sheet")
    };
    assert!(months.is_empty() && sheet.whole);
    // 150 x 4497.5 + 20 x 1 + 30 x 3
    assert_eq!(sheet.bill.to_string(), "674735", "yen have no smaller coin");
    let row = sheet.rows.iter().find(|row| row.users > 0).unwrap();
    let wanted = SharesLook { from: 1, count: 2, ..SharesLook::of(Some(row.unit.clone())) };
    let AllocationSeen::Users(seen) = see(&mut watcher, AllocationAsk::Users(wanted), Draft::default()).await else {
        panic!("no users")
    };
    let rows: Vec<UserShare> = seen.rows.iter().map(|row| row.share.clone()).collect();
    assert_eq!((seen.total, seen.matched, seen.from, rows.len() as u64), (row.users, row.users, 1, 2));
    assert!(rows.iter().flat_map(|user| &user.lines).all(|line| seen.units[line.unit] == row.unit));
    let draft =
        Draft { rules: Some(std::sync::Arc::new(Rules::from_toml("[[rule]]\nunit = \"All\"").unwrap())), prices: None };
    let AllocationSeen::Sheet { preview: Some(preview), .. } =
        see(&mut watcher, AllocationAsk::Sheet, draft.clone()).await
    else {
        panic!("no preview")
    };
    assert!(preview.net().unwrap().is_zero() && preview.then.untracked.is_zero());
    let name = AllocationAsk::Why(rows[0].sign_in.to_uppercase());
    let AllocationSeen::Why { why, then: None } = see(&mut watcher, name.clone(), Draft::default()).await else {
        panic!("no why")
    };
    assert_eq!((why.user, &why.units[0].unit), (rows[0].user, &row.unit));
    let AllocationSeen::Why { why, then: Some(then) } = see(&mut watcher, name, draft.clone()).await else {
        panic!("no why")
    };
    assert_eq!((&why.units[0].unit, &then.units[0].unit), (&row.unit, &UnitPath::from("All")));

    // The users of a unit as an export gets them, window by window, are the rows of the command.
    let mut exported: Vec<Value> = Vec::new();
    let mut next = 0;
    loop {
        let ask = AllocationAsk::Users(SharesLook { from: next, count: 7, ..SharesLook::of(Some(row.unit.clone())) });
        let look = AllocationLook { of: of.clone(), draft: Draft::default(), ask, round: 0 };
        let look = Look::Export(Some(Exported::Shares(Box::new(look))));
        let Event::Seen(seen) = watcher.ask(Command::Look(look)).await else { panic!() };
        let Ok(Found::Allocation(found)) = seen.found else { panic!("{:?}", seen.found) };
        let AllocationSeen::Users(seen) = *found else { panic!("no users") };
        let known = usize::try_from(next - seen.from).unwrap();
        for share in seen.rows[known..].iter().map(|row| &row.share) {
            let line = |line| UserShareLine::of(&seen.sheet, &seen.units, share, line, MonthState::Open);
            exported.extend(share.lines.iter().map(|one| serde_json::to_value(line(one)).unwrap()));
            next += 1;
        }
        if next == seen.matched {
            break;
        }
    }
    let unit = serde_json::to_value(&row.unit).unwrap();
    drop(watcher);
    engine.stop().await;
    let mut all = rows_of_unit(&world, &unit);
    assert!(all.len() as u64 >= row.users && !all.is_empty());
    assert_eq!(exported.len(), all.len());
    for (exported, row) in exported.iter().zip(&mut all) {
        assert_eq!(exported, row);
    }
}

fn rows_of_unit(world: &World, unit: &Value) -> Vec<Value> {
    rows(&sheet(world, &["--users"])).into_iter().filter(|row| row["unit"] == *unit).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_is_told_of_no_person_and_an_operator_is() {
    let world = World::playing(SCENARIO).await;
    let engine = world.engine();
    let mut admin = Watcher::of(&engine, "mlee").await;
    admin.import(Scope::All(None)).await;
    let bank = admin.key("Woodgrove Bank");
    let good = admin.fleet.tenants[&bank].users.good.clone().unwrap();
    let mut people = Vec::new();
    engine
        .reader()
        .users(good.snapshot, &mut |user| {
            people.push(user);
            true
        })
        .unwrap();
    // A manager gives a unit its name, a rule names him, and somebody has a place of his own.
    let boss = people.iter().find_map(|user| user.manager.as_ref()?.user_principal_name.clone()).unwrap();
    let own = people[3].text(TextField::UserPrincipalName).unwrap().to_owned();
    let toml = format!(
        "[[rule]]\nunit = \"Theirs\"\nwhen = [{{ attribute = \"manager\", is = \"{boss}\" }}, \
         {{ attribute = \"department\", is = \"nowhere\" }}]\n[[rule]]\neach = [\"manager\"]\nunder = \"Teams\"\n\
         [[assign]]\nuser = \"{own}\"\nunit = \"Own\"\n"
    );
    let save = Allocating::SaveRules {
        rules: Box::new(Rules::from_toml(&toml).unwrap().checked().unwrap()),
        from: 0,
        reason: "x".into(),
    };
    let save = Command::Allocate { tenant: bank.clone(), wish: Box::new(save) };
    assert!(matches!(admin.ask(save).await, Event::Done(_)));
    let today = Month::of(Clock::system().now());
    let of = AllocationOf::new(&admin.fleet.tenants[&bank], &admin.fleet.catalog, today, today);
    // Whatever is a name or an address of somebody, as it would stand in an answer.
    let named: Vec<String> = people
        .iter()
        .flat_map(|user| [user.text(TextField::DisplayName), user.text(TextField::UserPrincipalName)])
        .flatten()
        .map(str::to_owned)
        .collect();
    for role in [Role::View, Role::Operate] {
        let caller = Caller { name: "x".into(), role, ..Caller::default() };
        let mut client = Watcher::at(engine.client_of(caller)).await;
        let find = async |client: &mut Watcher, draft: Draft, ask: AllocationAsk| {
            let look = AllocationLook { of: of.clone(), draft, ask, round: 0 };
            let Event::Seen(seen) = client.ask(Command::Look(Look::Allocation(Box::new(look)))).await else { panic!() };
            seen.found
        };
        let see = async |client: &mut Watcher, ask: AllocationAsk| match find(client, Draft::default(), ask).await {
            Ok(Found::Allocation(seen)) => *seen,
            other => panic!("{other:?}"),
        };
        let tells = |seen: &AllocationSeen| -> Vec<&String> {
            let text = serde_json::to_string(seen).unwrap();
            let is_told = |name: &&String| text.contains(&format!("\"{name}")) || text.contains(&format!("\\\"{name}"));
            named.iter().filter(is_told).collect()
        };
        let holds = |seen: &AllocationSeen| {
            let told = tells(seen);
            assert_eq!(told.is_empty(), role == Role::View, "{role}: {told:?}");
        };
        let is_told = role == Role::Operate;
        let seen = see(&mut client, AllocationAsk::Sheet).await;
        holds(&seen);
        let AllocationSeen::Sheet { sheet, masked, .. } = seen else { panic!() };
        assert_eq!(masked, !is_told);
        // A draft tells no more: whether it looks at places of work, or at people.
        let draft = |attribute: &str| {
            let rules = Rules::from_toml(&format!("[[rule]]\neach = [\"{attribute}\"]\n")).unwrap().checked().unwrap();
            Draft { rules: Some(rules.into()), prices: None }
        };
        match find(&mut client, draft("department"), AllocationAsk::Sheet).await {
            Ok(Found::Allocation(seen)) => holds(&seen),
            other => panic!("{other:?}"),
        }
        for ask in [AllocationAsk::Sheet, AllocationAsk::Users(SharesLook::of(None))] {
            match find(&mut client, draft("displayName"), ask).await {
                Err(why) => {
                    assert!(!is_told && why.contains("needs operate; your role is view, ask an admin"), "{why}");
                }
                Ok(_) => assert!(is_told),
            }
        }
        // A unit is asked for by what it is called here, and each of them is another one.
        let teams: Vec<_> = sheet.rows.iter().filter(|row| row.unit.0.len() == 2 && row.users > 0).collect();
        assert!(teams.len() > 2);
        for row in teams.iter().take(4) {
            let seen = see(&mut client, AllocationAsk::Users(SharesLook::of(Some(row.unit.clone())))).await;
            holds(&seen);
            let AllocationSeen::Users(seen) = seen else { panic!() };
            assert_eq!((seen.total, &seen.sheet.rows[0].unit), (row.users, &row.unit));
            let why = see(&mut client, AllocationAsk::Why(seen.rows[0].share.user.to_string().into())).await;
            holds(&why);
        }
    }
    drop(admin);
    engine.stop().await;
}

/// Rules of each kind, in Partner Center's own files and in a table of ours.
#[test]
fn prices_come_from_partner_centers_own_files() {
    use jiff::civil::Date;
    use tenantop::model::allocation::{PrefillWanted, Price, prefill};
    use tenantop::model::{SkuId, Subscription};
    let id = |n: u8| -> SkuId { format!("3b555118-da6a-4418-894f-7df1e20968{n:02}").parse().unwrap() };
    let matrix = "ProductTitle,ProductId,SkuId,SkuTitle,ProvisioningId,ProvisioningString\n\
        Basic,CFQ7TTC0LH18,0001,Basic,3b555118-da6a-4418-894f-7df1e2096801,BASIC\n\
        Basic,CFQ7TTC0LH18,0009,Basic (Charity),3b555118-da6a-4418-894f-7df1e2096801,BASIC\n\
        E3,CFQ7TTC0LH19,0001,E3,3b555118-da6a-4418-894f-7df1e2096802,E3\n";
    // The title line closes its last quote as the published one does.
    let sheet = "ProductTitle,ProductId,SkuId,SkuTitle,TermDuration,BillingPlan,Market,Currency,UnitPrice,PricingTierRangeMin,\
        PricingTierRangeMax,EffectiveStartDate,EffectiveEndDate,Tags,\"ERP Price\u{201d}\n\
        \"Basic, with a comma\",CFQ7TTC0LH18,0001,x,P1Y,Annual,DE,EUR,50.4,,,11/1/2026 12:00:00 AM,12/31/9999 11:59:59 PM,,60\n\
        Basic,CFQ7TTC0LH18,0001,x,P1Y,Annual,DE,EUR,40,,,10/1/2026 12:00:00 AM,10/31/2026 11:59:59 PM,,48\n\
        Basic,CFQ7TTC0LH18,0001,x,P1M,Monthly,DE,EUR,5.1,,,11/1/2026 12:00:00 AM,12/15/2026 11:59:59 PM,,6\n\
        Basic,CFQ7TTC0LH18,0001,x,P1M,Monthly,US,USD,9,,,11/1/2026 12:00:00 AM,,,9\n\
        Basic,CFQ7TTC0LH18,0009,x,P1Y,Annual,DE,EUR,20,,,11/1/2026 12:00:00 AM,,,20\n\
        E3,CFQ7TTC0LH19,0001,x,P1Y,Annual,DE,EUR,360,,,11/1/2026 12:00:00 AM,,,400\n";
    let sold = |n: u8, offer: &str, quantity: i64, term: &str, billing: &str| Subscription {
        sku_id: Some(id(n)),
        offer: offer.into(),
        quantity,
        status: "active".into(),
        term: Some(term.into()),
        billing: Some(billing.into()),
        ..Subscription::default()
    };
    let subscriptions = [
        sold(1, "CFQ7TTC0LH18:0001:CFQ7TTC0K5DR", 100, "P1Y", "annual"),
        sold(1, "CFQ7TTC0LH18:0001:CFQ7TTC0K5DR", 20, "P1M", "monthly"),
    ];
    let products = [id(1), id(2), id(3)].into();
    let wanted = |retail| PrefillWanted {
        products: &products,
        subscriptions: &subscriptions,
        market: "de",
        currency: "EUR".parse().unwrap(),
        retail,
        day: "2026-11-27".parse().unwrap(),
    };
    let found = prefill(sheet.as_bytes(), matrix.as_bytes(), &wanted(false)).unwrap();
    let mut told: Vec<String> = found
        .book
        .prices
        .iter()
        .map(|price| {
            let Price { amount, from, to, .. } = price;
            let day = |day: Option<Date>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
            let (period, quantity) = (price.period.name(), price.quantity.unwrap());
            format!("{} {amount} {period} {quantity} {} {}", price.sku_id == id(1), day(*from), day(*to))
        })
        .collect();
    told.sort();
    assert_eq!(told, ["true 5.1 month 20 2026-11-01 2026-12-15", "true 50.4 year 100 2026-11-01 -"]);
    let open: Vec<&str> = found.open.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(
        open,
        ["no active subscription tells its term; there are P1Y annual 360", "the offer matrix does not have it",]
    );
    let retail = prefill(sheet.as_bytes(), matrix.as_bytes(), &wanted(true)).unwrap();
    assert!(retail.book.prices.iter().any(|price| price.amount.to_string() == "60"));
    let why = prefill("ProductId,SkuId\n".as_bytes(), matrix.as_bytes(), &wanted(false)).unwrap_err();
    assert_eq!(why, "the price sheet: the column `TermDuration` is missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_gives_the_same_sheet_and_keeps_who_saved_what() {
    let world = priced().await;
    let (rules, _) = bank(&world);
    let own = [&[][..], &["--users"], &["--rules", &rules]].map(|more| text(&sheet(&world, more)));
    let service = crate::service::Service::start(&world);
    let far = |args: &[&str]| service.command().args(args).stdin(Stdio::null()).output().unwrap();
    let served = [&[][..], &["--users"], &["--rules", &rules]]
        .map(|more| text(&far(&[&["allocate", "woodgrove", "--json"], more].concat())));
    assert_eq!(served, own);
    let saved = far(&["rules", "woodgrove", "--save", &rules, "--reason", "by bank"]);
    assert!(said(&saved).contains("the draft moves") && said(&saved).contains("saved as v1"), "{}", said(&saved));
    let set =
        ["prices", "woodgrove", "--set", "VISIOCLIENT", "--amount", "1.5", "--currency", "EUR", "--period", "month"];
    let saved = far(&[&set[..], &["--reason", "new"]].concat());
    assert!(said(&saved).contains("saved as v2"), "{}", said(&saved));
    let month = this_month();
    let closed = far(&["months", "woodgrove", "--close", &month]);
    assert!(said(&closed).contains("is closed: bill"), "{}", said(&closed));
    refused(&far(&["months", "woodgrove", "--close", &month]), "closed already");
    let audit = rows(&far(&["audit", "--json"]));
    let deeds: Vec<String> = audit
        .iter()
        .filter(|row| row["verb"] == "rules" || row["verb"] == "prices" || row["verb"] == "months")
        .map(|row| {
            format!(
                "{} {} {}",
                row["what"].as_str().unwrap(),
                row["reason"].as_str().unwrap_or("-"),
                row["outcome"].as_str().unwrap()
            )
        })
        .collect();
    let deed = format!("closes {month} - ");
    for wanted in
        ["rules, from v0 by bank done", "prices, from v1 new done", &format!("{deed}done"), &format!("{deed}refused")]
    {
        assert!(deeds.iter().any(|told| told == wanted), "{wanted}: {deeds:?}");
    }
    assert!(
        audit.iter().any(|row| row["verb"] == "read people" && row["what"] == "allocation: woodgrove"),
        "{audit:?}"
    );
}
