//! What is an operator's own: keys, looks, the start, and the line of commands.

use std::path::Path;

use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{Desk, options, row, sample};
use crate::config::{CONSOLE_SAMPLE, Console, ConsoleFile};
use crate::model::{Command, Role, RunId, Scope};
use crate::tui::app::tables;
use crate::tui::keys::Key;
use crate::tui::screens::ScreenId;
use crate::tui::theme::{Meaning, OwnTheme};
use crate::tui::{Keymap, Options, Theme, View, is_utf8};

fn file(text: &str) -> ConsoleFile {
    ConsoleFile::parse(Path::new("console.toml"), text).unwrap()
}

fn desk(text: &str) -> Desk {
    let own = Options::of(&file(text), "jdoe".to_owned(), options().partners).unwrap();
    Desk::of(sample::fleet(), Options { keymap: own.keymap, own: own.own, view: own.view, ..options() })
}

#[test]
fn the_sample_is_what_the_code_does() {
    let sample = file(CONSOLE_SAMPLE).console;
    let empty = Console::default();
    assert_eq!(sample.start, empty.start);
    let theme = sample.look.theme;
    assert_eq!(crate::config::LookOf { theme: None, ..sample.look }, empty.look);
    assert_eq!(theme, Some(crate::config::ThemeName::Plain));
    let mut own = OwnTheme::on(Theme::HighContrast);
    for (meaning, look) in &sample.theme {
        own.set(meaning, look.value()).unwrap();
    }
    for meaning in Meaning::ALL {
        assert!(sample.theme.contains_key(meaning.name()), "{meaning:?} is missing");
        assert_eq!(Theme::Own(own).style(meaning), Theme::Plain.style(meaning), "{meaning:?}");
    }
    for (screen, rows) in tables() {
        for row in rows.iter().filter(|row| !["leave", "sort"].contains(&row.name)) {
            let bound = sample.keys.get(row.name).unwrap_or_else(|| panic!("{screen}: {} is missing", row.name));
            let keys: Vec<Key> = bound.value().names().iter().map(|name| name.parse().unwrap()).collect();
            assert_eq!(keys, row.keys.to_vec(), "{screen}: {}", row.name);
        }
    }
    Keymap::of(&file(CONSOLE_SAMPLE), &tables()).unwrap();
    let lines = CONSOLE_SAMPLE.lines().filter(|line| line.contains(" = ") && !line.starts_with('#'));
    for line in lines.skip_while(|line| !line.starts_with("plain")) {
        assert!(line.contains(" # "), "`{line}` has no word of its meaning");
    }
}

#[test]
fn other_keys_do_it_and_are_shown() {
    let mut desk = desk("[keys]\nre-run = \"z\"\nwhy = [\"r\", \"Ctrl-E\"]\nhelp = \"H\"\n".replace('H', "Q").as_str());
    assert!(desk.row(23).contains("z re-run  r why"), "{}", desk.row(23));
    assert!(desk.row(23).ends_with("Q keys"), "{}", desk.row(23));
    desk.press("<Down>z");
    assert!(desk.row(22).starts_with("Re-run Adatum"), "{}", desk.row(22));
    desk.press("<Esc>e");
    assert!(desk.row(22).ends_with("e does nothing here   Q shows the keys"), "{}", desk.row(22));
    desk.press("<Ctrl-e>");
    assert_eq!(desk.app.screen(), Some(ScreenId::Why(sample::key("emea", 1))));
    desk.press("Q");
    assert!(desk.text().lines().any(|line| line.starts_with("z                 run the import")), "{}", desk.text());
    let mut desk = self::desk("[keys]\nlicenses = []").keys("<Down>l");
    assert!(desk.row(22).contains("l does nothing here"), "{}", desk.row(22));
    desk.press(":licenses<Enter>");
    assert_eq!(desk.app.screen(), Some(ScreenId::Licenses(sample::key("emea", 1))), "by its name all the same");
}

#[test]
fn what_is_wrong_in_the_file_is_refused_with_line_and_key() {
    let error = |text: &str| Options::of(&file(text), String::new(), [].into()).unwrap_err().to_string();
    assert!(error("[theme]\nbar = \"bold\"\nrefused = \"pink\"").starts_with("console.toml:3: theme.refused: `pink`"));
    assert!(error("[theme]\ntitle = \"bold\"").starts_with("console.toml:2: theme.title: no such meaning"));
    assert!(
        error("[keys]\nwhy = \"l\"").starts_with("console.toml:2: keys.why: `l` does `licenses` on Tenants already")
    );
}

#[test]
fn a_locale_that_is_not_utf_8_leaves_ascii() {
    for (name, utf8) in [
        (None, false),
        (Some("C"), false),
        (Some("en_US.UTF-8"), true),
        (Some("de_DE.utf8"), true),
        (Some("xx"), false),
    ] {
        assert_eq!(is_utf8(name), utf8, "{name:?}");
    }
}

#[test]
fn it_starts_with_the_screen_and_the_filter_that_the_file_names() {
    let own = Options::of(&file("[start]\nview = \"runs\"\nfilter = \"by:akim\""), "j".into(), [].into()).unwrap();
    let mut desk = Desk::of(sample::fleet(), Options { view: own.view, filter: own.filter.clone(), ..options() });
    assert_eq!((own.view, desk.app.screen()), (View::Runs, Some(ScreenId::Runs)));
    assert!(desk.text().contains("filter /by:akim"), "{}", desk.text());
    desk.press("<Esc>");
    assert!(desk.row(3).starts_with("show: problems, 14 of 24 "), "it is the filter of that screen: {}", desk.row(3));
    assert!(own.check_filter().is_ok());
    assert!(Options { filter: "nofield:x".into(), ..options() }.check_filter().is_err());
}

#[test]
fn a_command_is_completed_done_and_remembered() {
    let mut desk = Desk::new().keys(":lic<Tab>");
    assert!(desk.row(22).starts_with(":licenses"), "{}", desk.text());
    desk.press("conto<Tab><Enter>");
    assert!(desk.row(0).contains("Contoso Rail AG > Licenses"), "{}", desk.row(0));
    desk.press(":why nobody<Enter>");
    assert!(desk.text().contains("no tenant `nobody`"), "{}", desk.text());
    desk.press("<Up>");
    assert!(desk.row(22).starts_with(":licenses Contoso Rail AG"), "a line that was done: {}", desk.row(22));
    desk.press("<Down>");
    assert_eq!(desk.row(22), ":");
    desk.press("<Esc>:re<Tab><Tab><Tab>");
    assert!(desk.text().contains("> "), "the choice is marked: {}", desk.text());
    desk.press("<Esc>");
    assert!(!desk.row(22).starts_with(':'));
    desk.app.input(&Input::Paste("x".to_owned()), desk.now);
    assert!(desk.row(22).contains("paste ignored"));
    desk.press(":");
    desk.app.input(&Input::Paste("run\n4\n".to_owned()), desk.now);
    assert_eq!(desk.row(22), ":run 4", "pasted line breaks do nothing");
}

#[test]
fn commands_ask_by_harm() {
    let mut desk = Desk::new().keys(":import all<Enter>y");
    let n = desk.text().split("Type ").nth(1).unwrap().split(',').next().unwrap().to_owned();
    assert!(desk.text().contains(&format!("type {n} first")) && desk.wishes().is_empty(), "{}", desk.text());
    desk.press(&format!("{n}y"));
    assert_eq!(desk.wishes(), [Command::Import { scope: Scope::All(None), list: true, reason: None }]);
    let mut desk = Desk::new().keys(":import failed<Enter>y");
    assert_eq!(desk.wishes(), [Command::Import { scope: Scope::Failed(None), list: false, reason: None }]);

    let admin = || Desk::of(sample::fleet(), Options { role: Role::Admin, ..options() });
    let mut desk = admin().keys("<Down>:pause 2026-12-01 tenant merge<Enter>");
    let asked = "Adatum Gesundheit GmbH is left out of runs until 2026-12-01T00:00:00Z: tenant";
    assert!(desk.text().contains(asked), "{}", desk.text());
    desk.press("<Enter>");
    assert!(desk.wishes().is_empty(), "Enter is no yes");
    desk.press("y");
    let until = "2026-12-01T00:00:00Z".parse().unwrap();
    assert_eq!(
        desk.wishes(),
        [Command::Pause { tenant: sample::key("emea", 1), reason: "tenant merge".into(), until }]
    );
    let mut desk = admin().keys("<Down>:resume<Enter>");
    assert!(desk.text().contains("Adatum Gesundheit GmbH is not paused"), "{}", desk.text());
    desk.press("<Esc>u<Space><Space>:pause 7d x<Enter>");
    assert!(desk.text().contains("2 tenants are marked: one at a time"), "{}", desk.text());
    let mut desk = admin().keys(":cancel 4<Enter>y:sync<Enter>:sync emea<Enter>");
    let wishes = [
        Command::Cancel { run: RunId(4), tenant: None },
        Command::Sync { partner: None },
        Command::Sync { partner: Some("emea".into()) },
    ];
    assert_eq!(desk.wishes(), wishes);
}

#[test]
fn settings_hold_until_it_is_left() {
    let mut desk = Desk::new().keys(":set theme mono<Enter>");
    assert!(desk.row(22).ends_with("theme mono"), "{}", desk.row(22));
    assert!(desk.look(80, 24).content.iter().all(|cell| cell.fg == ratatui::style::Color::Reset));
    desk.press(":set ascii on<Enter>");
    assert!(desk.look(80, 24).content.iter().all(|cell| cell.symbol().is_ascii()));
    desk.press(":set privacy on<Enter>");
    assert!(desk.row(0).contains("PRIVATE"));
    desk.press(":set pane off<Enter>");
    assert!(row(&desk.look(120, 35), 34).ends_with("w show pane"));
    assert!(!desk.app.wants_mouse());
    desk.press(":set mouse on<Enter>");
    assert!(desk.app.wants_mouse());
    let mut desk = self::desk("[theme]\nrefused = \"bold #ff8800\"").keys(":set theme own<Enter>");
    assert!(desk.row(22).ends_with("theme own"), "{}", desk.row(22));
}

#[test]
fn the_mouse_moves_only_where_it_was_asked_for() {
    let event = |kind, row| Input::Mouse(MouseEvent { kind, column: 20, row, modifiers: KeyModifiers::NONE });
    let click = |row| event(MouseEventKind::Down(MouseButton::Left), row);
    let here = |desk: &mut Desk| desk.text().lines().find(|line| line.starts_with("> ")).unwrap_or_default().to_owned();
    let mut desk = Desk::new();
    let before = here(&mut desk);
    desk.app.input(&click(7), desk.now);
    assert_eq!(here(&mut desk), before, "it is off");
    let mut desk = Desk::of(sample::fleet(), Options { mouse: true, ..options() });
    let third = desk.row(7);
    desk.app.input(&click(7), desk.now);
    assert_eq!(here(&mut desk)[2..], third[2..]);
    desk.app.input(&event(MouseEventKind::ScrollDown, 7), desk.now);
    assert!(desk.row(10).starts_with("> "), "three rows a notch: {}", desk.text());
    desk.app.input(&event(MouseEventKind::ScrollUp, 7), desk.now);
    assert!(desk.row(7).starts_with("> "), "{}", desk.text());
    for row in [0, 4, 19, 22, 23, 60] {
        desk.app.input(&click(row), desk.now);
        assert!(desk.row(7).starts_with("> "), "row {row} holds no tenant");
    }
    desk.press("<Down>U");
    desk.app.input(&click(8), desk.now);
    assert!(desk.row(8).starts_with("> "), "{}", desk.text());
}

#[test]
fn the_right_pane_is_scrolled_after_tab() {
    let mut desk = Desk::new().keys("<Down>");
    desk.press("<Tab>");
    assert!(desk.row(22).ends_with("the right pane opens from 120 columns on"), "{}", desk.row(22));
    desk.look(120, 16);
    desk.press("<Tab>jjj");
    let buffer = desk.look(120, 16);
    assert!(
        row(&buffer, 13).contains("4 to ") && row(&buffer, 13).contains("j k scroll, Tab leaves"),
        "{}",
        row(&buffer, 13)
    );
    desk.press("G<Down><Down>");
    let end = row(&desk.look(120, 16), 13);
    desk.press("k");
    assert_ne!(row(&desk.look(120, 16), 13), end, "one key back moves, however far it was pressed beyond the end");
    desk.press("<Esc>j");
    let buffer = desk.look(120, 16);
    assert!(row(&buffer, 13).contains("Tab scrolls"), "{}", row(&buffer, 13));
    assert_eq!(desk.app.screen(), Some(ScreenId::Tenants));
}

#[test]
fn pictures() {
    insta::assert_snapshot!("commands_80", Desk::new().keys(":").picture(80, 24));
    insta::assert_snapshot!("commands_60", Desk::new().keys("<Down>:why <Tab>").picture(60, 15));
    insta::assert_snapshot!("command_refused_80", Desk::new().keys("<Down>:pause tomorrow x<Enter>").picture(80, 24));
    insta::assert_snapshot!("import_all_80", Desk::new().keys(":import all<Enter>").picture(80, 24));
    for (name, theme) in [("light", Theme::Light), ("high_contrast", Theme::HighContrast), ("mono", Theme::Mono)] {
        let mut desk = Desk::of(sample::fleet(), Options { theme, ..options() }).keys("<Down>");
        insta::assert_snapshot!(format!("theme_{name}_80"), desk.picture(80, 24));
    }
}
