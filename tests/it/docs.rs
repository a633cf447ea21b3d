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

#[test]
fn the_page_of_keys_is_up_to_date() {
    same_as_file("docs/keys.md", &tenantop::tui::keys_page());
}

#[test]
fn the_page_of_commands_is_up_to_date() {
    same_as_file("docs/commands.md", &tenantop::cli::commands_page());
}

#[test]
fn the_page_of_roles_is_up_to_date() {
    same_as_file("docs/roles.md", &tenantop::model::roles_page());
}

#[test]
fn the_exit_codes_of_the_readme_are_those_of_the_help() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let page = tenantop::cli::exit_codes();
    let (_, table) = page.split_once('\n').unwrap();
    assert!(readme.contains(&format!("## Exit codes\n\n```text\n{table}```\n")), "README shall say:\n{table}");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tenantop")).arg("--help").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).ends_with(&page), "--help says them");
}

/// Every command block of README is run as it stands, below the made-up cloud of practice mode where it needs one.
#[test]
fn the_commands_of_the_readme_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let blocks: Vec<&str> = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(readme.contains("cargo run --release --bin tenantop-sim") && readme.contains("\ncargo test\n"));
    let dir = tempfile::tempdir().unwrap();
    let sim = env!("CARGO_BIN_EXE_tenantop-sim");
    let cloud = std::process::Command::new(sim)
        .args(["serve", "--port", "8400"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut cloud = Ends(cloud);
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(cloud.0.stdout.take().unwrap()), &mut line).unwrap();
    assert_eq!(line.trim(), "http://127.0.0.1:8400", "port 8400 is free");
    let bin = Path::new(sim).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut ran = 0;
    for command in
        blocks.iter().flat_map(|block| block.split("\n\n")).map(str::trim).filter(|command| !command.is_empty())
    {
        // What builds or runs all of this is what runs this test; the cloud runs already; the console is typed in a pty.
        if command.starts_with("cargo ") || command.starts_with("tenantop-sim serve") || command == "tenantop" {
            continue;
        }
        let output = std::process::Command::new("bash")
            .args(["-euo", "pipefail", "-c", command])
            .current_dir(dir.path())
            .env("PATH", &path)
            .env("HOME", dir.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_STATE_HOME")
            .env_remove("TENANTOP_CONFIG")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`{command}` ended with {:?}:\n{said}", output.status.code());
        ran += 1;
    }
    assert!(ran >= 6, "{ran} commands were run");
}

/// A program that ends with the test, also with one that fails.
struct Ends(std::process::Child);

impl Drop for Ends {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
