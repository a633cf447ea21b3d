//! `tenantop metrics`: the text is one that Prometheus reads, and its figures are those of the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::process::{Output, Stdio};

use serde_json::Value;
use tenantop::model::{Command, Scope};

use crate::world::{Watcher, World};

fn run(world: &World, args: &[&str]) -> Output {
    world.tenantop().args(args).stdin(Stdio::null()).output().unwrap()
}

fn rows(world: &World, args: &[&str]) -> Vec<Value> {
    let text = String::from_utf8(run(world, &[args, &["--json"]].concat()).stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

type Labels = BTreeMap<String, String>;

/// Reads the text format; panics at what it does not allow.
fn parse(text: &str) -> BTreeMap<String, Vec<(Labels, f64)>> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    assert!(text.ends_with('\n'));
    let mut families: BTreeMap<String, Vec<(Labels, f64)>> = BTreeMap::new();
    let (mut helped, mut current) = (None, None);
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && !help.is_empty(), "{line}");
            helped = Some(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!((helped.take().as_deref(), kind), (Some(name), "gauge"), "HELP stands before TYPE");
            assert!(families.insert(name.to_owned(), Vec::new()).is_none(), "{name} comes twice");
            current = Some(name.to_owned());
        } else {
            let (head, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = match head.split_once('{') {
                None => (head, Labels::new()),
                Some((name, labels)) => (name, parse_labels(labels.strip_suffix('}').unwrap())),
            };
            assert_eq!(current.as_deref(), Some(name), "samples stand below their own family");
            assert!(labels.keys().all(|label| is_name(label)), "{line}");
            assert!(seen.insert(head.to_owned()), "{head} comes twice");
            families.get_mut(name).unwrap().push((labels, value.parse().unwrap()));
        }
    }
    families
}

fn parse_labels(mut text: &str) -> Labels {
    let mut labels = Labels::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").unwrap();
        let (mut value, mut chars) = (String::new(), rest.char_indices());
        let end = loop {
            match chars.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    c @ ('"' | '\\') => c,
                    c => panic!("\\{c} is no escape"),
                }),
                (_, c) => value.push(c),
            }
        };
        assert!(labels.insert(name.to_owned(), value).is_none(), "{name} comes twice");
        text = rest[end + 1..].trim_start_matches(',');
    }
    labels
}

struct Figures(BTreeMap<String, Vec<(Labels, f64)>>);

impl Figures {
    /// The one sample of a family that has these labels.
    fn one(&self, family: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |of: &Labels| labels.iter().all(|(name, value)| of.get(*name).map(String::as_str) == Some(value));
        let samples = &self.0[&format!("tenantop_{family}")];
        let found: Vec<f64> = samples.iter().filter(|(of, _)| has(of)).map(|(_, value)| *value).collect();
        assert_eq!(found.len(), 1, "{family} {labels:?}: {samples:?}");
        found[0]
    }
}

#[expect(clippy::cast_precision_loss, reason = "a test has few rows and small files")]
#[expect(clippy::float_cmp, reason = "whole numbers below 2^53 are exact")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_figures_are_those_of_the_rows() {
    let world = World::playing(
        "[[partner]]\nname = 'emea'\n[[partner]]\nname = 'nordics'\ndies = { code = 700082, nights = [1, 9] }\n\
         [[tenant]]\npartner = 'emea'\nname = 'Contoso'\nusers = 40\n\
         [[tenant]]\npartner = 'emea'\nname = 'Woodgrove Bank'\ntrouble = [{ step = 'token', nights = [1, 9], code = 53003 }]\n\
         [[tenant]]\npartner = 'nordics'\nname = 'Relecloud AB'\n",
    )
    .await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    world.cloud.set_night(1);
    watcher.import(Scope::All(None)).await;
    let any = watcher.key("Woodgrove Bank");
    watcher.ask(Command::Ticket { tenant: any.clone(), number: "CS-1".into(), note: None }).await;
    drop(watcher);
    engine.stop().await;

    let file = world.dir.path().join("tenantop.prom");
    std::fs::write(&file, "old").unwrap();
    let output = run(&world, &["metrics", file.to_str().unwrap()]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644, "node_exporter is somebody else");
    let text = std::fs::read_to_string(&file).unwrap();
    let figures = Figures(parse(&text));

    let tenants = rows(&world, &["tenants"]);
    let mut states: BTreeMap<(String, String), f64> = BTreeMap::new();
    let mut users: BTreeMap<String, f64> = BTreeMap::new();
    let text_of = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    for row in &tenants {
        *states.entry((text_of(row, "partner"), text_of(row, "state"))).or_default() += 1.0;
        *users.entry(text_of(row, "partner")).or_default() += row["users"]["count"].as_f64().unwrap_or(0.0);
        for secret in [&row["name"], &row["tenant_id"], &row["domain"]] {
            assert!(!text.contains(secret.as_str().unwrap()), "{secret} is nobody's business");
        }
    }
    let all: f64 = figures.0["tenantop_tenants"].iter().map(|(_, count)| count).sum();
    assert_eq!(all, tenants.len() as f64);
    for ((partner, state), count) in &states {
        assert_eq!(figures.one("tenants", &[("partner", partner), ("state", state)]), *count, "{partner} {state}");
    }
    for (partner, count) in &users {
        assert_eq!(figures.one("users", &[("partner", partner)]), *count);
        let of = |family: &str, which: &str| figures.one(family, &[("partner", partner), ("which", which)]);
        assert!(of("good_data_timestamp_seconds", "oldest") <= of("good_data_timestamp_seconds", "newest"));
        let written = figures.one("written_timestamp_seconds", &[]);
        assert_eq!(written - of("good_data_timestamp_seconds", "oldest"), of("good_data_age_seconds", "oldest"));
        assert_eq!(
            figures.one("tickets_open", &[("partner", partner)]),
            f64::from(u8::from(any.partner.0 == *partner))
        );
        assert_eq!(figures.one("tenants_held_back", &[("partner", partner)]), 0.0);
    }
    let mut failures: BTreeMap<(String, String, String), f64> = BTreeMap::new();
    let failing = rows(&world, &["failures"]);
    for row in &failing {
        let family = if row.get("tenant_id").is_some() { "tenants_failing" } else { "partner_failing" };
        let key = (family.to_owned(), text_of(row, "partner"), text_of(row, "class"));
        *failures.entry(key).or_default() += 1.0;
    }
    assert!(failures.keys().any(|(family, ..)| family == "partner_failing"), "nordics is refused: {failing:?}");
    for ((family, partner, class), count) in &failures {
        assert_eq!(figures.one(family, &[("partner", partner), ("class", class)]), *count, "{class}");
    }
    let counted = ["tenantop_tenants_failing", "tenantop_partner_failing"].map(|family| figures.0[family].len());
    assert_eq!(counted.iter().sum::<usize>(), failures.len(), "and no more");

    let last = &rows(&world, &["runs"])[0];
    for (family, member) in
        [("requests", "requests"), ("retries", "retries"), ("received_bytes", "bytes"), ("users", "users")]
    {
        assert_eq!(figures.one(&format!("last_run_{family}"), &[]), last[member].as_f64().unwrap(), "{family}");
    }
    for result in ["ok", "failed"] {
        assert_eq!(figures.one("last_run_tenants", &[("result", result)]), last[result].as_f64().unwrap());
    }
    assert!(figures.one("last_run_duration_seconds", &[]) >= 0.0);
    for row in rows(&world, &["expiries"]).iter().filter(|row| row["what"] == "refresh_token") {
        let labels = [("partner", row["partner"].as_str().unwrap()), ("credential", "refresh_token")];
        // A day may end between the two.
        assert!((figures.one("credential_days_left", &labels) - row["days"].as_f64().unwrap()).abs() <= 1.0);
    }
    // The file is a little longer while it is open.
    let closed = std::fs::metadata(world.store_path()).unwrap().len() as f64;
    let [open, used] = ["file", "used"].map(|kind| figures.one("store_bytes", &[("kind", kind)]));
    assert!(used > 0.0 && used <= open && (open - closed).abs() < 65_536.0, "{used} {open} {closed}");

    let output = run(&world, &["metrics", "-"]);
    assert_eq!(parse(&String::from_utf8(output.stdout).unwrap()).len(), figures.0.len());
    let names: Vec<_> = std::fs::read_dir(world.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_held_leaves_the_file_as_it_is() {
    let world = World::of("repaired.toml").await;
    let file = world.dir.path().join("tenantop.txt");
    let path = file.to_str().unwrap();
    let aside = world.dir.path().join("aside");
    std::fs::rename(world.store_path(), &aside).unwrap();
    assert_eq!(run(&world, &["metrics", path]).status.code(), Some(4), "there is no store");
    assert!(!world.store_path().exists() && !file.exists());
    std::fs::rename(&aside, world.store_path()).unwrap();
    run(&world, &["import", "--all"]);
    let output = run(&world, &["metrics", path]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("end with .prom alone"));
    let before = std::fs::read(&file).unwrap();
    let engine = world.engine();
    assert_eq!(run(&world, &["metrics", path]).status.code(), Some(4));
    engine.stop().await;
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(run(&world, &["metrics", "/nowhere/x.prom"]).status.code(), Some(2));
}
