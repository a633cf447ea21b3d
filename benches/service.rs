//! A service in a process of its own, for benches.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Ended when it is dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) socket: PathBuf,
}

impl Service {
    /// Starts the program as a service, with its socket in a directory of its own below another, and waits for it.
    pub(crate) fn start(mut tenantop: Command, below: &Path) -> Self {
        let dir = below.join("run");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
        let socket = dir.join("s.sock");
        let child = tenantop.arg("--socket").arg(&socket).arg("serve").spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < until, "the service does not come");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Self { child, socket }
    }

    /// The most memory that it ever held, in MiB.
    #[expect(clippy::cast_precision_loss, reason = "kilobytes of one process")]
    pub(crate) fn peak_mib(&self) -> f64 {
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
