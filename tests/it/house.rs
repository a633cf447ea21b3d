//! The walls of the house.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each module may use only those above it.
const ORDER: [&str; 11] =
    ["failure", "model", "client", "config", "store", "cloud", "engine", "link", "tui", "cli", "practice"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|end| end == "rs") {
            out.push(path);
        }
    }
}

/// Every source file with its path below `src` and its text.
fn files() -> BTreeMap<String, String> {
    let src = root().join("src");
    let mut paths = Vec::new();
    sources(&src, &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn module_of(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// Lines that are code, with the file that they stand in.
fn code(files: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    files.iter().flat_map(|(file, text)| {
        text.lines().filter(|line| !line.trim_start().starts_with("//")).map(move |line| (file.as_str(), line))
    })
}

#[test]
fn modules_are_a_list() {
    let files = files();
    let mut wrong = Vec::new();
    for (file, line) in code(&files) {
        let module = module_of(file);
        for used in line.split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let (Some(at), own) = (ORDER.iter().position(|m| *m == used), ORDER.iter().position(|m| *m == module))
            else {
                continue;
            };
            if own.is_some_and(|own| at > own) {
                wrong.push(format!("{file}: {module} may not use {used}"));
            }
        }
        if module == "sim" {
            for used in line.split("crate::").skip(1).filter(|used| !used.starts_with("sim")) {
                wrong.push(format!("{file}: the simulator uses nothing of ours, not {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_thing_has_one_room() {
    let rooms: [(&str, &[&str]); 9] = [
        ("redb::", &["store"]),
        ("reqwest::", &["cloud"]),
        ("ExposeSecret", &["cloud"]),
        ("ratatui::", &["tui"]),
        ("crossterm::", &["tui"]),
        ("axum::", &["sim"]),
        ("UnixStream", &["link", "cli"]),
        ("unsafe", &["link"]),
        ("color_eyre", &["tui", "cli", "main", "bin", "practice"]),
    ];
    let files = files();
    let mut wrong = Vec::new();
    for (file, line) in code(&files) {
        for (thing, modules) in rooms {
            if line.contains(thing) && !modules.contains(&module_of(file)) {
                wrong.push(format!("{file}: {thing} belongs to {modules:?}"));
            }
        }
        if line.contains("Color::")
            && !["tui/theme.rs", "tui/svg.rs", "tui/emit.rs"].contains(&file)
            && !file.starts_with("tui/tests")
        {
            wrong.push(format!("{file}: only the theme names colours, and who writes their escapes"));
        }
        if line.contains("expose_secret")
            && !["cloud/token.rs", "cloud/vault.rs", "cloud/vault/tests.rs"].contains(&file)
        {
            wrong.push(format!("{file}: a secret is read outside token and vault"));
        }
        if line.contains("macro_rules!") {
            wrong.push(format!("{file}: no macro of our own"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_is_one_idea() {
    for (file, text) in files() {
        let lines = text.lines().count();
        assert!(lines <= 800, "{file} has {lines} lines");
    }
}

#[test]
fn the_map_names_every_module() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let named: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")).map(|line| line.trim_end_matches(';')).collect();
    assert_eq!(named[..ORDER.len()], ORDER, "lib.rs lists the modules in their order");
    for module in named {
        assert!(map.contains(&format!("| `{module}` |")), "ARCHITECTURE.md has no row for {module}");
    }
}
