//! What sshd runs for everybody, as a process: the line that was asked for stands in a variable, and nothing else counts.

use std::process::{Command, Output, Stdio};

fn forced(asked: Option<&str>, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantop"));
    command.arg("forced").env_remove("SSH_ORIGINAL_COMMAND").env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    if let Some(asked) = asked {
        command.env("SSH_ORIGINAL_COMMAND", asked);
    }
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_is_not_on_the_list_ends_with_2_and_one_sentence() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("made.by.a.shell");
    let touch = format!("tenants; touch {}", file.display());
    let inner = format!("explain $(touch {})", file.display());
    let backup = format!("backup {}", file.display());
    for asked in ["sh", "tenants; id", "tenants\nid", "/usr/lib/openssh/sftp-server", &touch, &inner, &backup] {
        let output = forced(Some(asked), &[]);
        assert_eq!(output.status.code(), Some(2), "{asked}: {}", said(&output));
        assert!(output.stdout.is_empty(), "{asked}");
        assert_eq!(said(&output).lines().count(), 1, "{}", said(&output));
        assert!(said(&output).contains("here are the console (no command) and tenants, failures"), "{}", said(&output));
    }
    assert!(!file.exists(), "a shell ran");
}

#[test]
fn what_needs_no_service_is_done_and_help_tells_what_there_is() {
    let output = forced(Some("tenantop explain 53003 --json"), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let row: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(row["codes"][0], 53003);
    let help = forced(Some("--help"), &[]);
    let page = String::from_utf8(help.stdout).unwrap();
    assert!(help.status.success() && page.contains("  tenants") && !page.contains("  backup"), "{page}");
}

#[test]
fn without_a_line_it_is_the_console_which_needs_a_terminal() {
    for asked in [None, Some(""), Some("tenantop")] {
        let output = forced(asked, &[]);
        assert_eq!(output.status.code(), Some(2), "{asked:?}");
        assert!(said(&output).contains("needs a terminal (ssh -t)"), "{asked:?}: {}", said(&output));
    }
}

#[test]
fn neither_variables_nor_files_of_the_caller_lead_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let own = home.path().join(".config/tenantop");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("config.toml"), "this is no configuration").unwrap();
    let (path, state) = (home.path().to_str().unwrap(), home.path().join("state"));
    let variables = [
        ("HOME", path),
        ("XDG_CONFIG_HOME", own.parent().unwrap().to_str().unwrap()),
        ("XDG_STATE_HOME", state.to_str().unwrap()),
        ("TENANTOP_CONFIG", "/nonexistent/config.toml"),
        ("TENANTOP_STORE_PATH", "/nonexistent/store.redb"),
        ("TENANTOP_SERVICE_SOCKET", "/nonexistent/s.sock"),
        ("TENANTOP_IMPORT_TENANTS_AT_ONCE", "no number"),
    ];
    let output = forced(Some("tenants --json"), &variables);
    // As a rule no service is on the machine of a test; one that is there answers by its roles.
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 5 | 6)), "{code:?}: {}", said(&output));
    assert!(!said(&output).contains("nonexistent"), "{}", said(&output));
    assert!(!state.join("tenantop/store.redb").exists(), "no store is made instead");
}
