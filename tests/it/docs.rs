//! Pages that are written by tests, never by hand.

use std::path::Path;

/// Compares a file of the repository with what it should be, or writes it where `UPDATE=1` is set.
pub(crate) fn same_as_file(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == text, "{path} is not up to date: run `UPDATE=1 cargo test --test it` and read the difference");
}
