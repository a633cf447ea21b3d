//! Keys in, pictures out: every screen in every state, at the sizes that engineers use.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use crate::model::{Change, Event, Fleet, TenantId};
use crate::tui::app::{App, Outcome};
use crate::tui::keys::{COMMON, Key};
use crate::tui::{Options, ThemeName};

/// A recorded practice: what the engine told of seven nights and of a run that goes on.
const PRACTICE: &str = include_str!("../../../tests/fleets/practice.jsonl");

static RECORDED: LazyLock<Vec<Change>> =
    LazyLock::new(|| PRACTICE.lines().map(|line| serde_json::from_str(line).unwrap()).collect());

static FLEET: LazyLock<Fleet> = LazyLock::new(|| {
    let mut fleet = Fleet::new([], [], [], 26 * 3600);
    RECORDED.iter().for_each(|change| fleet.apply(change));
    fleet
});

fn now() -> Timestamp {
    "2026-11-23T09:31:00Z".parse().unwrap()
}

fn app(theme: ThemeName) -> App {
    let ours: TenantId = "8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f44".parse().unwrap();
    let mut app = App::new(Options {
        operator: "jdoe".to_owned(),
        banner: "PRACTICE".to_owned(),
        partner_tenants: BTreeMap::from([("emea".into(), ours)]),
        theme,
        esc_hold: Duration::from_millis(50),
    });
    app.hear(Event::Hello(Box::new(FLEET.clone())), now());
    app
}

/// Types: `{Enter}` and the like are keys, all else is a character.
fn keys(text: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((name, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            keys.push(match name {
                "Enter" => Key::Enter,
                "Esc" => Key::Esc,
                "Down" => Key::Down,
                "End" => Key::End,
                "^R" => Key::Ctrl('r'),
                other => panic!("no key {other}"),
            });
            rest = after;
        } else {
            keys.push(Key::Char(c));
            rest = &rest[c.len_utf8()..];
        }
    }
    keys
}

fn type_in(app: &mut App, text: &str) -> Vec<Outcome> {
    keys(text)
        .into_iter()
        .enumerate()
        .map(|(n, key)| app.press(key, now(), Duration::from_secs(n as u64 + 1)))
        .filter(|outcome| *outcome != Outcome::Nothing)
        .collect()
}

fn draw(app: &mut App, width: u16, height: u16) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    app.render(area, &mut buffer, now());
    buffer
}

/// The picture as text, and below it the runs of cells that have a style.
fn picture(buffer: &Buffer) -> String {
    let mut text = String::new();
    let mut styles = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let (fg, modifier) = buffer.cell((x, y)).map(|cell| (cell.fg, cell.modifier)).unwrap();
            let start = x;
            while x < buffer.area.width
                && buffer.cell((x, y)).map(|cell| (cell.fg, cell.modifier)) == Some((fg, modifier))
            {
                line.push_str(buffer.cell((x, y)).unwrap().symbol());
                x += 1;
            }
            if fg != Color::Reset || modifier != Modifier::empty() {
                let _ = writeln!(styles, "{y}:{start}-{} {fg:?} {modifier:?}", x - 1);
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    format!("{text}---\n{styles}")
}

fn text(app: &mut App, width: u16, height: u16) -> String {
    picture(&draw(app, width, height)).split("\n---\n").next().unwrap().to_owned()
}

/// Draws a screen at the usual sizes, after keys.
fn shots(name: &str, typed: &str) {
    for (width, height) in [(80, 24), (120, 35)] {
        let mut app = app(ThemeName::Plain);
        draw(&mut app, width, height);
        let _ = type_in(&mut app, typed);
        insta::assert_snapshot!(format!("{name}-{width}x{height}"), picture(&draw(&mut app, width, height)));
    }
}

#[test]
fn pictures_of_every_screen() {
    shots("tenants", "");
    shots("tenants-all", "u");
    shots("tenants-filter", "/status:bl");
    shots("tenants-filter-error", "/colour:red");
    shots("tenants-filter-nothing", "/nobody{Enter}");
    shots("tenants-rerun-one", "r");
    shots("tenants-rerun-marked", "   r");
    shots("tenants-rerun-many", "u*r");
    shots("tenants-review", "/first up{Enter}v");
    shots("tenants-incident", "i");
    shots("why", "/adatum{Enter}{Enter}");
    shots("why-raw", "/adatum{Enter}{Enter}e");
    shots("why-ours", "/status:our{Enter}{Enter}");
    shots("licenses", "u/contoso rail{Enter}l");
    shots("runs", "R");
    shots("run-live", "R{Enter}");
    shots("run-over", "R{Down}{Down}{Enter}");
    shots("run-cancel", "R{Enter}c");
    shots("help", "?");
}

#[test]
fn pictures_at_other_sizes_and_without_colour() {
    let mut plain = app(ThemeName::Plain);
    insta::assert_snapshot!("tenants-60x15", picture(&draw(&mut plain, 60, 15)));
    insta::assert_snapshot!("tenants-200x60", picture(&draw(&mut plain, 200, 60)));
    insta::assert_snapshot!("tenants-too-small", picture(&draw(&mut plain, 52, 14)));
    let mut mono = app(ThemeName::Mono);
    let mono = picture(&draw(&mut mono, 80, 24));
    insta::assert_snapshot!("tenants-mono", mono);
    assert!(!["Cyan", "Yellow", "Magenta", "Red"].iter().any(|colour| mono.contains(colour)));
}

#[test]
fn an_empty_store_says_which_of_the_cases_holds() {
    let mut app = App::new(Options {
        operator: "jdoe".to_owned(),
        banner: "STANDALONE".to_owned(),
        partner_tenants: BTreeMap::new(),
        theme: ThemeName::Plain,
        esc_hold: Duration::from_millis(50),
    });
    assert!(text(&mut app, 80, 24).contains("no data yet"));
    app.hear(Event::Hello(Box::default()), now());
    assert!(text(&mut app, 80, 24).contains("No tenant yet.  Last list from Partner Center: never."));
    let _ = type_in(&mut app, "relRv yi?jk");
    app.engine_gone(now());
    assert!(text(&mut app, 80, 24).contains("ENGINE GONE since 09:31Z"));
}

#[test]
fn y_is_the_only_yes_and_counts_only_after_a_moment() {
    let mut app = app(ThemeName::Plain);
    draw(&mut app, 80, 24);
    let at = Duration::from_secs(5);
    assert_eq!(app.press(Key::Char('r'), now(), at), Outcome::Nothing);
    assert_eq!(app.press(Key::Enter, now(), at + Duration::from_secs(1)), Outcome::Nothing, "Enter never means yes");
    assert_eq!(app.press(Key::Esc, now(), at), Outcome::Nothing);
    app.press(Key::Char('r'), now(), at);
    assert_eq!(app.press(Key::Char('y'), now(), at + Duration::from_millis(100)), Outcome::Nothing, "typed ahead");
    let sent = app.press(Key::Char('y'), now(), at + Duration::from_millis(400));
    assert!(matches!(sent, Outcome::Send(_)), "{sent:?}");
}

#[test]
fn more_than_twenty_want_their_number() {
    let mut app = app(ThemeName::Plain);
    draw(&mut app, 80, 24);
    assert!(type_in(&mut app, "u*ry").is_empty());
    let picture = text(&mut app, 80, 24);
    let number: String = picture.split("Re-run ").nth(1).unwrap().chars().take_while(char::is_ascii_digit).collect();
    assert!(number.parse::<u32>().unwrap() > 100);
    let mut app = self::app(ThemeName::Plain);
    draw(&mut app, 80, 24);
    let sent = type_in(&mut app, &format!("u*r{number}{{Enter}}"));
    assert!(matches!(sent.as_slice(), [Outcome::Send(_)]), "{sent:?}");
}

#[test]
fn every_bound_key_can_be_typed_on_every_screen() {
    for way in ["", "u", "R", "R{Enter}", "/adatum{Enter}{Enter}", "u/contoso rail{Enter}l"] {
        for key in (' '..='~').map(Key::Char).chain([
            Key::Enter,
            Key::Esc,
            Key::Tab,
            Key::PageUp,
            Key::PageDown,
            Key::Home,
            Key::End,
            Key::Left,
            Key::Right,
            Key::Delete,
            Key::Ctrl('l'),
            Key::Ctrl('r'),
        ]) {
            let mut app = app(ThemeName::Plain);
            draw(&mut app, 80, 24);
            let _ = type_in(&mut app, way);
            let _ = app.press(key, now(), Duration::from_mins(1));
            draw(&mut app, 120, 35);
        }
    }
}

#[test]
fn key_tables_keep_the_rules() {
    let forbidden = [
        "[", "]", "O", "A", "B", "C", "D", "F", "H", "Ctrl-S", "Ctrl-Q", "Ctrl-B", "Ctrl-A", "Ctrl-Z", "Ctrl-H",
        "Ctrl-I", "Ctrl-M", "Ctrl-J",
    ];
    let common: Vec<String> = COMMON.iter().map(|bind| bind.key.to_string()).collect();
    for (title, rows) in super::tables() {
        let keys: Vec<&String> = rows.iter().map(|(key, _)| key).chain(&common).collect();
        for key in &keys {
            assert!(!forbidden.contains(&key.as_str()), "{title}: {key} may not be bound");
            assert_eq!(keys.iter().filter(|other| other == &key).count(), 1, "{title}: {key} does two things");
        }
        let mut app = app(ThemeName::Plain);
        let open = match title {
            "Runs" => "R",
            "Run" => "R{Enter}",
            "Why" => "/adatum{Enter}{Enter}",
            "Licenses" => "u/contoso rail{Enter}l",
            _ => "",
        };
        draw(&mut app, 80, 24);
        let _ = type_in(&mut app, &format!("{open}?"));
        let help = text(&mut app, 120, 70);
        for (key, words) in &rows {
            let lines = help.lines().filter(|line| line.starts_with(&format!("  {key:<10}{words}"))).count();
            assert_eq!(lines, 1, "{title}: the help shows `{key}` once");
        }
    }
}

#[test]
fn small_changes_cost_few_bytes() {
    let mut app = app(ThemeName::Plain);
    let before = draw(&mut app, 80, 24);
    assert!(
        crate::tui::terminal::frame(Some(&before), &draw(&mut app, 80, 24)).unwrap().is_empty(),
        "nothing changed, nothing is written"
    );
    let full = crate::tui::terminal::frame(None, &before).unwrap().len();
    assert!(full < 8000, "a whole frame is {full} bytes");
    let _ = type_in(&mut app, "j");
    let step = crate::tui::terminal::frame(Some(&before), &draw(&mut app, 80, 24)).unwrap().len();
    assert!(step < 1200, "a cursor step is {step} bytes");
}

#[test]
fn a_picture_can_be_drawn() {
    let mut app = app(ThemeName::Plain);
    let svg = crate::tui::svg(&draw(&mut app, 120, 35));
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/tenants.svg");
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &svg).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), svg, "docs/pictures/tenants.svg: run with UPDATE=1");
}

fn any_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        8 => (0x20u8..0x7f).prop_map(|c| Key::Char(char::from(c))),
        1 => prop::sample::select(vec![Key::Enter, Key::Esc, Key::Up, Key::Down, Key::PageUp, Key::PageDown, Key::Home, Key::End, Key::Tab, Key::Backspace, Key::Left, Key::Right, Key::Ctrl('l'), Key::Ctrl('r')]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn random_keys_and_sizes_never_panic(keys in prop::collection::vec((any_key(), 1u16..220, 1u16..70), 1..40)) {
        let mut app = app(ThemeName::Plain);
        for (n, (key, width, height)) in keys.into_iter().enumerate() {
            let _ = app.press(key, now(), Duration::from_secs(n as u64));
            draw(&mut app, width, height);
            prop_assert!(app.depth() >= 1);
        }
    }

    #[test]
    fn changes_never_move_the_cursor_off_its_object(steps in 0usize..30, from in 0usize..200) {
        let mut app = app(ThemeName::Plain);
        draw(&mut app, 80, 24);
        for _ in 0..steps {
            let _ = app.press(Key::Char('j'), now(), Duration::ZERO);
        }
        let object = app.cursor_text(now());
        for change in RECORDED.iter().skip(from * 3).take(60).cloned() {
            if matches!(change, Change::Listed { .. } | Change::RunStarted { .. }) {
                continue;
            }
            app.hear(Event::Change(std::sync::Arc::new(change)), now());
            prop_assert_eq!(app.cursor_text(now()), object.clone());
        }
    }
}
