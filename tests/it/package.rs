//! What the package brings says the same as the program.

use std::path::Path;

use tenantop::config::{Config, SAMPLE};

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn has(text: &str, line: &str) {
    let found = text.lines().any(|found| found.split_whitespace().eq(line.split_whitespace()));
    assert!(found, "no line `{line}` in:\n{text}");
}

#[test]
fn units_users_and_directories_are_those_that_the_program_looks_for() {
    let service = Config::default().service;
    let socket = "/run/tenantop/tenantop.sock";
    assert!(SAMPLE.contains(&format!("Left out: {socket}.")), "the program's own place");
    let unit = text("config/systemd/tenantop.socket");
    has(&unit, &format!("ListenStream={socket}"));
    has(&unit, &format!("SocketGroup={}", service.view_group));
    has(&unit, "SocketMode=0660");
    has(&unit, "Accept=no");
    let users = text("config/sysusers/tenantop.conf");
    for group in [&service.view_group, &service.operate_group, &service.admin_group] {
        has(&users, &format!("g {group} -"));
        assert!(text("docs/operating.md").contains(&format!("`{group}`")), "{group} is explained");
    }
    // The service gives a socket of its own to that group.
    has(&users, &format!("m tenantop {}", service.view_group));
    let directories = text("config/tmpfiles/tenantop.conf");
    has(&directories, &format!("d /run/tenantop 0750 tenantop {} -", service.view_group));
    has(&directories, "d /var/lib/tenantop 0700 tenantop tenantop -");
    has(&text("config/sshd/tenantop.conf"), &format!("Match Group {}", service.view_group));
    has(&text("config/sshd/tenantop.conf"), "ForceCommand /usr/bin/tenantop forced");
}

#[test]
fn the_service_is_shut_in_and_sees_who_calls() {
    let unit = text("config/systemd/tenantop.service");
    for line in [
        "Type=notify",
        "User=tenantop",
        "StateDirectoryMode=0700",
        "UMask=0077",
        "LimitCORE=0",
        "CapabilityBoundingSet=",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "MemoryDenyWriteExecute=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "SystemCallFilter=@system-service",
    ] {
        has(&unit, line);
    }
    // In a user namespace everybody at the socket would be nobody; with a static user only does a backup fit.
    for key in ["PrivateUsers=", "DynamicUser=", "ProtectProc="] {
        assert!(!unit.lines().any(|line| line.starts_with(key)), "{key}");
    }
}
