//! What `x` writes, read back.

use std::path::Path;

use super::{Desk, options, people, row, sample};
use crate::model::{Change, Command, Event, Exported, Look, RunId, Seen, SetOutcome, SnapshotId, Totals};
use crate::tui::Options;
use crate::tui::export::Writer;

/// The files in a directory, by name.
fn files(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

impl Desk {
    /// The text of the only file there is.
    pub(in crate::tui) fn file(&self) -> String {
        let [name] = files(self.dir.path()).try_into().unwrap_or_else(|names| panic!("one file, not {names:?}"));
        std::fs::read_to_string(self.dir.path().join(name)).unwrap()
    }

    /// Titles and rows of the only file there is.
    fn csv(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let text = self.file();
        let mut read = csv::Reader::from_reader(text.as_bytes());
        let titles = read.headers().unwrap().iter().map(str::to_owned).collect();
        (titles, read.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect())
    }

    /// The column of the only file there is.
    fn column(&self, title: &str) -> Vec<String> {
        let (titles, rows) = self.csv();
        let at = titles.iter().position(|other| other == title).unwrap_or_else(|| panic!("{title} in {titles:?}"));
        rows.into_iter().map(|row| row[at].clone()).collect()
    }

    /// Texts of the rows of the list on the screen, at a size that shows all of them whole.
    fn shown(&mut self, from: u16) -> Vec<String> {
        let buffer = self.look(119, 90);
        (from..90).map(|y| row(&buffer, y)).take_while(|row| !row.is_empty() && !row.starts_with("──")).collect()
    }
}

#[test]
fn a_list_is_written_as_the_screen_shows_it() {
    let cases = [
        ("Tenants", "", 5, "TENANT"),
        ("Tenants, all, sorted, turned round", "u2S", 5, "TENANT"),
        ("Tenants, filtered", "u/acts:us<Enter>", 5, "TENANT"),
        ("Licenses", "<Down>l", 5, "PRODUCT"),
        ("Licenses, by held", "<Down>l6", 5, "PRODUCT"),
        ("Fleet licenses", "W/!id:00007777-0000-4000-8000-000000000063<Enter>", 5, "PRODUCT"),
        ("Fleet licenses, by name, turned round", "W/!id:00007777-0000-4000-8000-000000000063<Enter>2S", 5, "PRODUCT"),
        ("Tenants of a product", "W<Enter>", 5, "TENANT"),
        ("Runs", "R", 4, "RUN"),
        ("Runs, turned round", "RS", 4, "RUN"),
        ("Run", "R<Down><Enter>", 5, "TENANT"),
        ("Run, only what went wrong", "R<Down><Enter>u", 5, "TENANT"),
        ("Counts", "<Down>Uf", 4, "VALUE"),
        ("Counts, by value", "<Down>Uf2", 4, "VALUE"),
    ];
    for (name, keys, from, title) in cases {
        let mut desk = Desk::new().keys(keys);
        let shown = desk.shown(from);
        desk.press("x");
        assert!(desk.text().contains(&format!("exported {} row", shown.len())), "{name}: {}", desk.text());
        let column = desk.column(title);
        assert!(!shown.is_empty() && column.len() == shown.len(), "{name}: {column:?}\n{shown:#?}");
        for (cell, row) in column.iter().zip(&shown) {
            let cell = if cell.is_empty() { "(none)" } else { cell };
            // A name that is too long for its column is cut there, and whole in the file.
            let cut =
                || cell.char_indices().map(|(at, _)| &cell[..at]).any(|start| row.contains(&format!(" {start}~")));
            assert!(row.contains(cell) || cell.len() > 20 && cut(), "{name}: {cell} in {row}");
        }
        let (titles, rows) = desk.csv();
        assert!(rows.iter().all(|row| row.len() == titles.len()), "{name}: {titles:?}");
    }
}

#[test]
fn every_screen_can_be_exported() {
    for (name, path) in super::rules::SCREENS {
        let mut desk = Desk::new().keys(path).keys("x");
        let text = desk.text();
        assert!(text.contains("exported ") && !desk.file().is_empty(), "{name}: {text}");
    }
}

#[test]
fn every_list_is_written_with_as_many_rows_as_it_shows_in_their_order() {
    let mut lists = 0;
    // The audit counts its rows as they come, and is written beyond what it shows: its own tests hold its files.
    for (name, path) in super::rules::SCREENS.into_iter().filter(|(name, _)| *name != "Audit") {
        for keys in ["", "S", "2", "3S", "u", "/a<Enter>", "/a<Enter>u2S", "/!a<Enter>", "/zzz<Enter>"] {
            let mut desk = Desk::new().keys(path).keys(keys).keys("<Home>");
            let text = desk.text();
            let Some(state) = text.lines().position(|line| line.starts_with("show: ")) else { continue };
            let line = text.lines().nth(state).unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = words.iter().position(|word| *word == "of").unwrap();
            let shown: usize = words[at - 1].replace(',', "").parse().unwrap();
            let tall = desk.picture(119, 90);
            let from = tall.lines().position(|line| line.starts_with("show: ")).unwrap() + 2;
            let from = u16::try_from(from).unwrap();
            let rows = desk.shown(from);
            desk.press("x");
            let said = desk.text();
            lists += 1;
            if shown == 0 {
                assert!(said.contains("nothing here to export"), "{name}, {keys}: {said}");
                continue;
            }
            let (_, cells) = desk.csv();
            if name == "Users of a unit" {
                // A row for each product that a user bears.
                assert!(cells.len() >= shown, "{name}, {keys}: {line}");
                continue;
            }
            assert_eq!(cells.len(), shown, "{name}, {keys}: {line}");
            // The same rows in the same order: of no other row's cells so much stands on a row of the screen as of its own.
            let is_in = |row: &str, cell: &str| {
                let mut starts = (4..cell.len()).filter_map(|n| cell.get(..n));
                // Days are short on the screen, and numbers grouped; in the file they are plain.
                let day = cell.parse::<jiff::civil::Date>().map(|day| day.strftime("%-d %b").to_string());
                row.contains(cell)
                    || day.is_ok_and(|day| row.trim_start_matches([' ', '>']).starts_with(&format!("{day} ")))
                    || row.replace(',', "").split_whitespace().any(|word| word == cell)
                    || starts.any(|start| row.contains(&format!("{start}~")))
            };
            let score = |row: &str, cells: &[String]| -> usize {
                cells.iter().filter(|cell| is_in(row, cell)).map(String::len).sum()
            };
            for (row, own) in rows.iter().zip(&cells).take(30) {
                let best = cells.iter().take(30).map(|cells| score(row, cells)).max();
                assert!(score(row, own) > 0 && Some(score(row, own)) == best, "{name}, {keys}: {own:?} in {row}");
            }
        }
    }
    assert!(lists >= 80, "{lists} lists were looked at");
}

#[test]
fn whole_values_and_ids_are_written() {
    let mut desk = Desk::new().keys("x");
    desk.text();
    let (titles, rows) = desk.csv();
    assert_eq!(
        titles,
        ["STATUS", "TENANT", "USERS", "SKUS", "TRIED", "WHO ACTS", "CAUSE", "PARTNER", "DOMAIN", "TENANT ID"]
    );
    insta::assert_snapshot!("tenants_csv", desk.file());
    let adatum = rows.iter().find(|row| row[1].starts_with("Adatum")).unwrap();
    assert_eq!(adatum[9], sample::key("emea", 1).tenant.to_string());
    let mut desk = Desk::new().keys("<Down>lx");
    desk.text();
    insta::assert_snapshot!("licenses_csv", desk.file());
    let mut desk = Desk::new().keys("R<Enter>x");
    desk.text();
    insta::assert_snapshot!("run_csv", desk.file());
    let mut desk = Desk::new().keys("Rx");
    desk.text();
    insta::assert_snapshot!("runs_csv", desk.file());
}

#[test]
fn texts_are_written_as_they_stand() {
    let mut desk = Desk::new().keys("<Down>etx");
    desk.text();
    let text = desk.file();
    assert!(text.starts_with("License import blocked by Conditional Access - Adatum"), "the subject first: {text}");
    assert!(text.contains("\n\nHello,\n") && text.ends_with("\nNorthwind Cloud Services\n"), "{text}");
    assert_eq!(files(desk.dir.path()), ["tenantop-ticket-20261123T093101Z.txt"]);
    let mut desk = Desk::new().keys("<Down>eex");
    desk.text();
    assert!(desk.file().contains("\"error\""), "the raw answer: {}", desk.file());
    assert!(desk.row(1).starts_with("── raw answer"), "it is still read: {}", desk.text());
    let mut desk = Desk::new().keys("<Down>Ujj<Enter>x");
    desk.text();
    assert!(desk.file().contains("userPrincipalName             user2@adatum.example"), "{}", desk.file());
}

#[test]
fn all_users_are_written_though_only_a_window_is_here() {
    let mut desk = Desk::new().keys("<Down>Ux");
    assert!(desk.text().contains("exported 1,275 users: "), "{}", desk.text());
    let upns = desk.column("UPN");
    let want: Vec<String> = (0..1_275).map(|n| format!("user{n}@adatum.example")).collect();
    assert_eq!(upns, want, "in the order of the screen");
    let (titles, rows) = desk.csv();
    assert_eq!((titles.len(), rows.len()), (37, 1_275));
    assert!(desk.column("LICENSES").contains(&"SPE_E3, VISIOCLIENT".to_owned()));
    assert!(desk.column("EXT1").contains(&"KST 3".to_owned()));

    let mut desk = Desk::new().keys("<Down>U1S/department:it !guest<Enter>x");
    let shown = desk.row(2);
    desk.text();
    let names = desk.column("NAME");
    assert!(shown.contains(&format!("{} of 1,275", names.len())), "{shown}, not {}", names.len());
    assert!(desk.column("DEPARTMENT").iter().all(|department| department == "IT"));
    assert!(names.is_sorted_by_key(|name| std::cmp::Reverse(name.to_lowercase())), "{names:?}");
}

#[test]
fn holders_are_written_in_the_order_of_their_screen() {
    for (keys, from, is_odd) in [("", 4, false), ("u", 4, true), ("u/sales<Enter>2Sg", 4, true)] {
        let mut desk = Desk::new().keys("<Down>l/spe_e3<Enter><Enter>").keys(keys);
        let shown = desk.shown(from);
        let state = desk.row(2);
        desk.press("x");
        assert!(desk.text().contains("users: "), "{}", desk.text());
        let (titles, rows) = desk.csv();
        assert_eq!(titles[..4], ["FINDING", "NAME", "DEPARTMENT", "OTHER LICENSES"]);
        let matched = crate::tui::words::count(rows.len() as u64);
        assert!(state.contains(&format!(", {matched} of 638")), "{matched} rows, and {state}");
        for (row, cells) in shown.iter().zip(&rows) {
            let first = cells[0].split(',').next().unwrap_or_default();
            assert!(row.contains(&cells[1]) && row.contains(first), "{keys}: {cells:?} in {row}");
        }
        assert!(rows.iter().all(|row| !row[3].contains("SPE_E3")), "the product itself is no other one");
        assert!(!is_odd || rows.iter().all(|row| !row[0].is_empty()), "only those with a finding");
    }
}

#[test]
fn over_a_line_it_is_told_how_the_file_is_fetched() {
    let remote = Options { ssh: true, fetched_from: Some("jdoe@ops1".to_owned()), ..options() };
    let mut desk = Desk::of(sample::fleet(), remote.clone()).keys("y");
    assert!(!desk.text().contains("fetches"), "nothing was exported: {}", desk.text());
    desk.press("<Esc>x");
    let said = desk.row(22);
    assert!(said.contains("exported 14 rows: ~") && said.ends_with(".csv  y f: how to fetch it"), "{said}");
    desk.press("yf");
    let [name] = files(desk.dir.path()).try_into().unwrap();
    let copied = desk.app.take_copied().unwrap();
    assert_eq!(copied, format!("scp jdoe@ops1:{} .", desk.dir.path().join(name).display()));

    let spaced = tempfile::tempdir().unwrap();
    let dir = spaced.path().join("my exports");
    std::fs::create_dir(&dir).unwrap();
    let mut desk = Desk::of(sample::fleet(), remote);
    desk.writer = Writer::new(dir.clone());
    desk.press("x");
    desk.text();
    desk.press("yf");
    let [name] = files(&dir).try_into().unwrap();
    assert_eq!(desk.app.take_copied().unwrap(), format!("scp \"jdoe@ops1:{}\" .", dir.join(name).display()));

    let mut desk = Desk::new().keys("x");
    assert!(!desk.row(22).contains("fetch"), "nothing is between: {}", desk.row(22));
    desk.press("yf");
    assert_eq!(desk.app.take_copied(), None);
}

#[test]
fn people_are_masked_in_files_too() {
    for keys in ["P<Down>Ux", "P<Down>l/spe_e3<Enter><Enter>x", "P<Down>Uffffffffffffffx", "P<Down>Ujj<Enter>x"] {
        let mut desk = Desk::new().keys(keys);
        desk.text();
        let text = desk.file();
        for word in ["Lena", "Bauer", "user1", "KST"] {
            assert!(!text.contains(word), "{word} after {keys}");
        }
        assert!(text.contains("***"), "{keys}");
    }
}

/// A desk whose engine has answered so many windows of an export of many users and now waits.
fn underway(windows: u64) -> Desk {
    let mut desk = Desk::new().keys("<Down>U");
    desk.look(80, 24);
    desk.app.input(&crossterm::event::Event::Key(super::event(crate::tui::keys::Key::Char('x'))), desk.now);
    for n in 0..windows {
        answer(&mut desk, n);
    }
    desk
}

/// Answers the next window of an export of 500,000 users: with the same 500 again and again.
fn answer(desk: &mut Desk, n: u64) -> bool {
    let mut any = false;
    for wish in desk.app.take_wishes() {
        let Command::Look(Look::Export(Some(Exported::Users(look)))) = wish else { continue };
        let Seen { found, .. } =
            people::see(Look::Export(Some(Exported::Users(crate::model::UsersLook { from: 0, ..look.clone() }))));
        let Ok(crate::model::Found::Users(mut users)) = found else { panic!("users") };
        (users.total, users.matched, users.from) = (500_000, 500_000, n * 500);
        let seen =
            Seen { look: Look::Export(Some(Exported::Users(look))), found: Ok(crate::model::Found::Users(users)) };
        desk.app.hear(Event::Seen(Box::new(seen)), desk.now);
        any = true;
    }
    for told in desk.app.take_jobs().into_iter().filter_map(|job| desk.writer.take(job)).collect::<Vec<_>>() {
        desk.app.exported(told, desk.now);
    }
    any
}

/// The message row, without answering anything.
fn message(desk: &mut Desk) -> String {
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    desk.app.draw(&mut buffer, desk.now);
    row(&buffer, 22)
}

#[test]
fn an_export_says_how_far_it_is_and_esc_stops_it() {
    let mut desk = underway(0);
    assert_eq!(message(&mut desk), "exporting 0 users; Esc stops it");
    assert!(answer(&mut desk, 0) && answer(&mut desk, 1));
    assert_eq!(message(&mut desk), "exporting 1,000 of 500,000 users; Esc stops it");
    assert_eq!(files(desk.dir.path()).len(), 1, "aside");
    desk.app.input(&crossterm::event::Event::Key(super::event(crate::tui::keys::Key::Char('x'))), desk.now);
    assert!(message(&mut desk).contains("exporting 1,000 of 500,000 users"), "one at a time");
    desk.app.input(&crossterm::event::Event::Key(super::event(crate::tui::keys::Key::Backspace)), desk.now);
    assert_eq!(desk.app.screen(), Some(crate::tui::screens::ScreenId::Tenants), "the console goes on to work");
    assert!(answer(&mut desk, 2), "and so does the export");
    desk.app.input(&crossterm::event::Event::Key(super::event(crate::tui::keys::Key::Esc)), desk.now);
    desk.wait(100);
    assert_eq!(message(&mut desk), "09:31Z export stopped at 1,500 users; no file is left");
    assert!(!answer(&mut desk, 3), "nothing more is asked for");
    assert_eq!(files(desk.dir.path()), [""; 0]);
}

#[test]
fn users_that_are_replaced_meanwhile_are_not_written_to_their_end() {
    let mut desk = underway(2);
    let (at, tenant) = (desk.now, sample::key("emea", 1));
    desk.tell(Change::JobDone {
        run: RunId(4),
        tenant,
        at,
        users: SetOutcome::Saved { snapshot: SnapshotId(99), count: 1_275 },
        skus: SetOutcome::Untouched,
        held: None,
        sku_counts: None,
        checks: None,
        held_back: None,
        cancelled: false,
        totals: Totals::default(),
    });
    assert!(!answer(&mut desk, 2));
    assert_eq!(files(desk.dir.path()), [""; 0]);
    let text = desk.text();
    for said in ["09:31Z not exported: a newer import replaced the users", "You: x reads the new ones."] {
        assert!(text.contains(said), "{text}");
    }
    desk.press("j");
    assert!(desk.text().contains("09:31Z not exported: newer import.  x tries again"), "{}", desk.text());
    desk.press("x");
    assert!(desk.text().contains("exported 1,275 users"), "{}", desk.text());
    desk.press("j");
    assert!(desk.text().contains("exported 1,275 users"), "it stands for a while: {}", desk.text());
    desk.wait(5_000);
    desk.press("j");
    assert!(!desk.text().contains("exported"), "success clears it: {}", desk.text());
}

#[test]
fn an_engine_that_ends_or_refuses_is_told() {
    let mut desk = underway(1);
    desk.app.closed(desk.now);
    assert!(!answer(&mut desk, 1));
    assert!(desk.text().contains("09:31Z not exported: the server is gone"), "{}", desk.text());
    desk.press("x");
    assert!(desk.text().contains("the server is gone, and with it the users"), "{}", desk.text());
    assert!(desk.text().contains("(2 tries since"), "{}", desk.text());
    assert_eq!(files(desk.dir.path()), [""; 0]);

    let mut desk = underway(1);
    let asked = desk
        .app
        .take_wishes()
        .into_iter()
        .find_map(|wish| if let Command::Look(look @ Look::Export(Some(_))) = wish { Some(look) } else { None });
    let seen = Seen { look: asked.unwrap(), found: Err("snapshot 1 is missing: a newer import took its place".into()) };
    desk.app.hear(Event::Seen(Box::new(seen)), desk.now);
    assert!(!answer(&mut desk, 1));
    assert!(desk.text().contains("could not be read: snapshot 1 is missing"), "{}", desk.text());
    assert_eq!(files(desk.dir.path()), [""; 0]);
}

#[test]
fn a_window_that_could_not_be_asked_for_is_asked_for_again() {
    let mut desk = underway(1);
    let wish = desk.app.take_wishes().pop().unwrap();
    desk.app.busy(&wish, desk.now);
    assert_eq!(desk.app.take_wishes(), []);
    desk.wait(600);
    message(&mut desk);
    assert_eq!(desk.app.take_wishes(), [wish]);
}

#[test]
fn a_place_that_takes_no_file_is_told_until_one_is_written() {
    let mut desk = Desk::of(sample::fleet(), Options { all: true, ..options() });
    desk.writer = Writer::new("/dev/null".into());
    desk.press("x");
    insta::assert_snapshot!("failed_80", desk.picture(80, 24));
    desk.press("j");
    assert!(desk.text().contains("09:31Z not exported: no directory.  x tries again"), "{}", desk.text());
    desk.press("x");
    assert!(desk.text().contains("is no directory (2 tries since 09:31Z)"), "{}", desk.text());
    desk.writer = Writer::new(desk.dir.path().to_owned());
    desk.press("x");
    assert!(desk.text().contains("exported 24 rows: "), "{}", desk.text());
    desk.wait(5_000);
    desk.press("j");
    assert!(!desk.text().contains("exported"), "{}", desk.text());
}

#[test]
fn nothing_is_exported_where_nothing_is_shown() {
    for keys in ["/nobody-is-called-that<Enter>x", "U/nobody-is-called-that<Enter>x"] {
        let mut desk = Desk::new().keys(keys);
        assert!(desk.text().contains("nothing here to export"), "{keys}: {}", desk.text());
        assert_eq!(files(desk.dir.path()), [""; 0]);
    }
}
