//! Screens drawn from a recorded practice: what a real engine told of seven nights and of a run that goes on.

use std::sync::LazyLock;

use super::{Desk, options, sample};
use crate::model::{Change, Fleet, Role};
use crate::tui::Options;

const PRACTICE: &str = include_str!("../../../tests/fleets/practice.jsonl");

pub(super) static FLEET: LazyLock<Fleet> = LazyLock::new(|| {
    let mut fleet = Fleet::new([], [], [], 26 * 3600);
    for line in PRACTICE.lines() {
        let change: Change = serde_json::from_str(line).unwrap();
        fleet.apply(&change);
    }
    fleet
});

fn desk() -> Desk {
    Desk::of(FLEET.clone(), options())
}

fn shots(name: &str, typed: &str) {
    for (width, height) in [(80, 24), (120, 35)] {
        let mut desk = desk().keys(typed);
        desk.look(width, height);
        insta::assert_snapshot!(format!("recorded-{name}-{width}x{height}"), desk.picture(width, height));
    }
}

#[test]
fn screens_of_a_recorded_practice() {
    shots("tenants", "");
    shots("tenants-all", "u");
    shots("why", "/adatum ges<Enter>e");
    shots("licenses", "u/contoso rail<Enter>l");
    shots("fleet-licenses", "W");
    shots("product-tenants", "W<Enter>");
    shots("runs", "R");
    shots("run", "R<Enter>");
}

/// The pictures of README and docs: the keys that lead to each screen.
const PICTURES: [(&str, &str); 11] = [
    ("tenants", "<Down><Down>"),
    ("why", "/adatum ges<Enter>e"),
    ("history", "/adatum ges<Enter>h<Down>"),
    ("run", "R<Down><Down><Enter><Down>"),
    ("licenses", "u/contoso rail<Enter>l<Down>"),
    ("fleet-licenses", "W<Down>"),
    ("users", "u/contoso rail<Enter>Ujj"),
    ("allocation", "u/woodgrove<Enter>bTjjjjj"),
    ("changes", "u/woodgrove<Enter>djjjjjj"),
    ("expiries", "E<Down>"),
    ("audit", ":audit<Enter>jjj"),
];

#[test]
fn the_pictures_of_readme_and_docs_are_current() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/screens.md")).unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for (name, typed) in PICTURES {
        // The practice has no people beside whoever plays.
        let admin = || Desk::of(sample::fleet(), Options { role: Role::Admin, ..options() });
        let mut desk = if name == "audit" { admin() } else { desk() }.keys(typed);
        desk.look(120, 35);
        let svg = crate::tui::svg(&desk.look(120, 35));
        let file = root.join(format!("docs/pictures/{name}.svg"));
        if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &svg).unwrap();
        }
        let same = std::fs::read_to_string(file).unwrap_or_default() == svg;
        assert!(same, "docs/pictures/{name}.svg is not current: run with UPDATE=1 and look at it");
        assert!(page.contains(&format!("(pictures/{name}.svg)")), "docs/screens.md shows {name}");
    }
    assert!(readme.contains("(docs/pictures/tenants.svg)") && readme.contains("(docs/screens.md)"));
}
