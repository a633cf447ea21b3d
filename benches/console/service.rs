//! The console on a service: the first frame over the socket, and what the service holds for many consoles.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::made::Made;
use crate::terminal::Terminal;
use crate::{SMALL, STARTS, Table, percentile, told, worst};

/// Consoles at once.
const CONSOLES: usize = 20;

struct Service {
    child: Child,
    socket: PathBuf,
}

impl Service {
    fn start(made: &Made) -> Self {
        let dir = made.state().join("run");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
        let socket = dir.join("s.sock");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantop"));
        command.env("XDG_STATE_HOME", made.state()).arg("--config").arg(made.config());
        command.arg("--socket").arg(&socket).arg("serve").stdout(Stdio::null());
        let child = command.spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < until, "the service does not come");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Self { child, socket }
    }

    #[expect(clippy::cast_precision_loss, reason = "kilobytes of one process")]
    fn peak_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib as f64 / 1024.0
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

pub(crate) fn attach(made: &Made, table: &mut Table) {
    let service = Service::start(made);
    let open = || Terminal::start_with("--socket", &service.socket, made, SMALL);
    let mut frames = Vec::new();
    for _ in 0..STARTS {
        let (mut terminal, began) = open();
        frames.push(terminal.until(began, "show: problems"));
        terminal.leave();
    }
    let frame = percentile(&frames, 50);
    table.held("over the socket: from exec to the first frame, median of 9", frame, "ms", 200.0);
    told("over the socket: from exec to the first frame, slowest", worst(&frames), "ms");
    let consoles: Vec<Terminal> = (0..CONSOLES)
        .map(|_| {
            let (mut terminal, began) = open();
            terminal.until(began, "show: problems");
            terminal
        })
        .collect();
    table.held("memory of the service with 20 consoles", service.peak_mib(), "MiB", 400.0);
    consoles.into_iter().for_each(Terminal::leave);
}
