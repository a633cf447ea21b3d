//! The worked example of docs/allocation.md: written and reckoned here, never by hand.

use std::collections::BTreeMap;
use std::fmt::Write;

use tenantop::model::allocation::{
    Allocated, BilledProduct, Chain, Classes, Computed, Counted, Ids, Preview, PriceBook, Rules, Sheet, SheetFacts,
    Sorter, Superseded, Tally, Why, Writer, bill_of, from_csv,
};
use tenantop::model::{AssignedLicense, Key, SkuId, TenantId, Text, TextField, User, UserId};

use crate::docs::same_as_file;

/// Name, department, office, licenses.
const USERS: [(&str, &str, &str, &str); 8] = [
    ("Lena Brandt", "Freight ", "Hobart", "E3"),
    ("Tom Hale", "Freight", "Hobart", "E3"),
    ("Ines Costa", "Freight", "Depot North", "E3 VISIO"),
    ("Bo Lindgren", "Rail", "Depot South", "E3"),
    ("Mia Novak", "Rail", "Depot North", "E3"),
    ("Kai Peeters", "IT", "Hobart", "E3 VISIO"),
    ("Ada Moreau", "Board", "Hobart", "E3"),
    ("Jo Visitor", "", "", ""),
];

const RULES: &str = r#"[[rule]]
name = "Depots"
unit = ["Rail Operations", "Depot North"]
when = [{ attribute = "officeLocation", is = "Depot North" }]

[[rule]]
unit = ["Rail Operations", "Depot South"]
when = [{ attribute = "officeLocation", is = "Depot South" }]

[[rule]]
unit = "Freight Sales"
when = [{ attribute = "department", is = "Freight" }]

[[rule]]
split = [{ unit = "Freight Sales", percent = 70 }, { unit = "IT Services", percent = 30 }]
when = [{ attribute = "department", is = "Board" }]

[[rule]]
unit = "IT Services"
when = [{ attribute = "department", is = "IT" }]
"#;

const PRICES: &str = "sku,amount,currency,period,from,to,quantity\n\
    E3,400.00,EUR,year,,,6\n\
    E3,39.50,EUR,month,,,4\n\
    VISIO,100.00,EUR,year,,,\n";

fn sku(part: &str) -> Option<SkuId> {
    let n = match part {
        "E3" => 1,
        "VISIO" => 2,
        _ => return None,
    };
    Some(SkuId::new(uuid::Uuid::from_u128(n)))
}

fn users() -> Vec<User> {
    let one = |(n, (name, department, office, licenses)): (u128, &(&str, &str, &str, &str))| {
        let mut user = User::new(UserId::new(uuid::Uuid::from_u128(n)));
        let mut set =
            |field: TextField, text: &str| user.texts[field as usize] = (!text.is_empty()).then(|| text.into());
        set(TextField::DisplayName, name);
        set(TextField::Department, department);
        set(TextField::OfficeLocation, office);
        let held =
            licenses.split_whitespace().map(|part| AssignedLicense { sku_id: sku(part), disabled_plans: Vec::new() });
        user.licenses = Some(held.collect());
        user
    };
    (1..).zip(&USERS).map(one).collect()
}

struct Reckoned {
    sheet: Sheet,
    /// User, unit, product, amount.
    lines: Vec<[String; 4]>,
    products: Vec<BilledProduct>,
}

fn reckon(rules: &Rules, prices: &PriceBook) -> Reckoned {
    let users = users();
    let counted: Vec<Counted> = [("E3", "Microsoft 365 E3", 10), ("VISIO", "Visio Plan 2", 2)]
        .into_iter()
        .map(|(part, name, purchased)| Counted {
            sku_id: sku(part),
            part_number: Some(part.into()),
            name: name.into(),
            purchased: Some(purchased),
            held: users
                .iter()
                .filter(|user| user.licenses.iter().flatten().any(|license| license.sku_id == sku(part)))
                .count() as u64,
            is_company: false,
        })
        .collect();
    let at = "2026-11-23T02:10:00Z".parse().unwrap();
    let facts = SheetFacts {
        key: Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::nil()) },
        title: "Tasmanian Freight".into(),
        month: "2026-11".parse().unwrap(),
        today: "2026-12".parse().unwrap(),
        rules: Some(1),
        prices: Some(1),
        users_at: Some(at),
        skus_at: Some(at),
        together: true,
    };
    let billed = bill_of(&counted, prices, facts.month).unwrap();
    let parts: BTreeMap<SkuId, Text> = BTreeMap::new();
    let sorter = Sorter::new(rules, &parts);
    let chain = Chain::default();
    let mut all = Tally::new(&sorter, &billed);
    let mut tally = Tally::new(&sorter, &billed);
    for user in &users {
        tally.add(user, &chain);
    }
    tally.finish();
    all.join(tally);
    let Computed { sheet, allotment } = Computed::of(facts, &all, &billed, None).unwrap();
    let mut classes = Classes::of(&all, &allotment);
    let mut ids = Ids::new();
    {
        let mut writer = Writer::new(&sorter, &billed, &allotment, &classes);
        for user in &users {
            let (lines, _) = writer.lines(user, &chain);
            classes.note(user.id, lines, &mut ids);
        }
    }
    classes.settle(vec![ids]);
    let mut writer = Writer::new(&sorter, &billed, &allotment, &classes);
    let mut lines = Vec::new();
    for user in &users {
        for line in writer.lines(user, &chain).0 {
            let unit = allotment.units().get(line.unit).map_or("Untracked".to_owned(), ToString::to_string);
            let amount = billed.currency.unwrap().amount(line.coins).to_string();
            let name = user.text(TextField::DisplayName).unwrap().to_owned();
            lines.push([name, unit, sheet.products[line.product].name.to_string(), amount]);
        }
    }
    Reckoned { sheet, lines, products: billed.products().to_vec() }
}

fn table<const N: usize>(page: &mut String, titles: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    writeln!(page, "| {} |\n|{}|", titles.join(" | "), ["---"; N].join("|")).unwrap();
    for row in rows {
        writeln!(page, "| {} |", row.join(" | ")).unwrap();
    }
    page.push('\n');
}

#[test]
fn the_worked_example_is_what_is_reckoned() {
    let rules = Rules::from_toml(RULES).unwrap();
    let prices = from_csv(PRICES.as_bytes(), &|part| sku(part)).unwrap();
    let Reckoned { sheet, lines, products } = reckon(&rules, &prices);
    let mut page = String::from(
        "# Cost by business unit: a worked example\n\nWritten and reckoned by a test. Eight users, two products, five rules, \
         one month.\n\n## How it is reckoned\n\n",
    );
    for line in &sheet.method {
        writeln!(page, "- {line}").unwrap();
    }
    page.push_str("\n## What there is\n\nTen seats of Microsoft 365 E3 (`E3`) and two of Visio Plan 2 (`VISIO`) are purchased.\n\n");
    let held = |text: &str| if text.is_empty() { "-".to_owned() } else { format!("`\"{text}\"`") };
    table(
        &mut page,
        ["User", "department", "officeLocation", "holds"],
        USERS.map(|(name, department, office, licenses)| {
            [name.to_owned(), held(department), held(office), licenses.to_owned()]
        }),
    );
    write!(page, "Rules, as `tenantop rules` shows and saves them:\n\n```toml\n{RULES}```\n\n").unwrap();
    write!(page, "Prices, as `tenantop prices --import` reads them:\n\n```csv\n{PRICES}```\n\n## The bill\n\n")
        .unwrap();
    page.push_str("E3 has two terms: 6 seats by the year and 4 by the month. Its price is the mean by quantity.\n\n");
    table(
        &mut page,
        ["Product", "purchased", "held", "idle", "a seat a month", "bill"],
        sheet.products.iter().zip(&products).map(|(row, product)| {
            assert_eq!((row.idle, row.purchased), (product.idle(), product.counted.purchased));
            [
                row.name.to_string(),
                product.purchased.to_string(),
                row.held.to_string(),
                row.idle.to_string(),
                row.monthly.unwrap().to_string(),
                sheet.shown(row.amount.unwrap()),
            ]
        }),
    );
    page.push_str("## The sheet\n\n");
    table(
        &mut page,
        ["Unit", "users", "seats", "EUR", "share", "rules"],
        sheet.rows.iter().map(|row| {
            let rules: Vec<String> = row.rules.iter().map(|rule| format!("R{rule}")).collect();
            let users = if row.kind == tenantop::model::allocation::RowKind::Idle {
                "-".to_owned()
            } else {
                row.users.to_string()
            };
            let share = row.share.map_or_else(String::new, |share| format!("{share}%"));
            [row.unit.to_string(), users, row.seats.to_string(), sheet.shown(row.amount), share, rules.join(" ")]
        }),
    );
    writeln!(
        page,
        "{} = units {} + untracked {} + idle {}. {} user holds nothing and is in no row.\n",
        sheet.bill, sheet.units, sheet.untracked, sheet.idle, sheet.without
    )
    .unwrap();
    let [seat, visio] = [0, 1].map(|n| sheet.products[n].monthly.unwrap());
    let [first, second] = ["IT Services", "Rail Operations / Depot North"].map(|unit| {
        let line = lines.iter().find(|[_, of, product, _]| of == unit && product == "Visio Plan 2");
        line.unwrap()[3].clone()
    });
    writeln!(
        page,
        "A seat of E3 comes to {} a month, one of Visio to {visio}. Both who hold Visio have the same remainder: the coin that \
         is left goes to the unit that comes first by name, so IT Services bears {first} and Depot North {second}.\n",
        sheet.shown(seat)
    )
    .unwrap();
    page.push_str("## Who bears it\n\n");
    let sum: rust_decimal::Decimal =
        lines.iter().map(|[.., amount]| amount.parse::<rust_decimal::Decimal>().unwrap()).sum();
    assert_eq!(sum, sheet.units + sheet.untracked);
    table(&mut page, ["User", "unit", "product", "EUR"], lines);
    why_and_draft(&mut page, &rules, &prices, &sheet);
    months(&mut page);
    page.pop();
    same_as_file("docs/allocation.md", &page);
}

/// What is kept of months, with the figures that bound it.
fn months(page: &mut String) {
    page.push_str("## Months\n\n");
    let lines = [
        "A month is one of UTC. It is closed with its last reading: users and SKUs of one import that ended in the month. The \
         sheet says of which day its data are."
            .to_owned(),
        format!(
            "Once rules or prices of a customer are saved, the last reading of a month stays in the store when an import of a later \
             month takes its place, of {} months at most that are over. When one more comes one is given up: of several closed \
             months the earliest, else the oldest of all, and if that month is open it stays open and cannot be closed any more.",
            Allocated::READINGS
        ),
        "Closing a month gives up the readings of other months that are closed, but for the latest of them all, and says so. The \
         month that was closed last keeps its own, so that it can be opened and closed again, as often as it takes."
            .to_owned(),
        format!(
            "Opening a month again supersedes its sheet. `tenantop months` gives it a number, `tenantop allocate --month MONTH \
             --superseded NUMBER` shows it: rows, products, rules, checks, by whom it was closed and opened again, and why. Of each \
             month the last {} are kept; who bore what is kept of the closing that holds.",
            Superseded::MOST
        ),
        "A closed month keeps, beside the lines of its users, what its rules looked at. `--why USER` explains him as it was then, \
         whatever he, the rules and his managers are by now."
            .to_owned(),
        "What is saved later acts in every month that is not closed; a save says from which one on.".to_owned(),
        "The change to the month before is told where that month is closed or its reading is kept, in the same currency. Units \
         that had users then and have none are told whatever the currency was."
            .to_owned(),
    ];
    for line in lines {
        writeln!(page, "- {line}").unwrap();
    }
    page.push('\n');
}

/// Why the first user is untracked, and what a draft would move.
fn why_and_draft(page: &mut String, rules: &Rules, prices: &PriceBook, sheet: &Sheet) {
    page.push_str("## Why is Lena Brandt untracked\n\n");
    let (parts, all) = (BTreeMap::new(), users());
    let sorter = Sorter::new(rules, &parts);
    let why = Why::of(&sorter, &all[0], &Chain::default(), &[]);
    table(
        page,
        ["rule", "holds", "condition", "value"],
        why.steps.iter().flat_map(|step| {
            step.conditions.iter().map(|one| {
                let holds = if one.holds { "yes" } else { "no" };
                [format!("R{}", step.rule), holds.to_owned(), one.says.to_string(), format!("`{}`", one.value)]
            })
        }),
    );
    page.push_str("## A draft that trims\n\nRule R3 gets `trim = true`. Before it is saved, `tenantop allocate --rules FILE` shows:\n\n");
    let mut loose = rules.clone();
    loose.rules[2].when[0].trim = true;
    let preview = Preview::of(sheet, reckon(&loose, prices).sheet);
    assert!(preview.net().unwrap().is_zero() && !preview.moved().unwrap().is_zero());
    table(
        page,
        ["Unit", "users", "then", "EUR", "then", "moved"],
        preview.rows.iter().filter(|row| !row.moved.unwrap().is_zero()).map(|row| {
            let [now, then, moved] =
                [row.amount, row.amount_then, row.moved.unwrap()].map(|amount| sheet.shown(amount));
            [row.unit.to_string(), row.users.to_string(), row.users_then.to_string(), now, then, moved]
        }),
    );
}
