//! The real program in a pseudo-terminal: what is typed, what comes back, when, and in how many frames.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::made::Made;

/// A frame begins and ends so.
const BEGINS: &[u8] = b"\x1b[?2026h";
const ENDS: &[u8] = b"\x1b[?2026l";
/// Nothing more belongs to a key when nothing came for so long.
const QUIET: Duration = Duration::from_millis(15);
/// Longer than anything may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What came of some keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came {
    /// Milliseconds until the first frame was whole; for what was waited for, until it was shown.
    pub(crate) ms: f64,
    /// Bytes of all frames.
    pub(crate) bytes: usize,
    /// How many frames.
    pub(crate) frames: usize,
}

/// A terminal with the program in it.
pub(crate) struct Terminal {
    chunks: Receiver<(Instant, Vec<u8>)>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    screen: vt100::Parser,
    /// The last bytes, in which a mark may have begun.
    tail: Vec<u8>,
    bytes: usize,
    begun: usize,
    ended: usize,
}

impl Terminal {
    /// Starts the console; answers the time just before.
    pub(crate) fn start(made: &Made, size: (u16, u16)) -> (Self, Instant) {
        Self::start_with("--config", &made.config(), made, size)
    }

    /// Starts it with a flag that says where it finds its data.
    pub(crate) fn start_with(flag: &str, place: &Path, made: &Made, (width, height): (u16, u16)) -> (Self, Instant) {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tenantop"));
        command.arg(flag);
        command.arg(place);
        command.env("TERM", "xterm-256color");
        command.env("USER", "jdoe");
        command.env("XDG_STATE_HOME", made.state());
        for name in ["NO_COLOR", "SSH_CONNECTION", "TENANTOP_CONFIG", "TENANTOP_STORE", "TENANTOP_LOG"] {
            command.env_remove(name);
        }
        let size = PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (send, chunks) = sync_channel(1024);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || send.send((Instant::now(), buffer[..n].to_vec())).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        let screen = vt100::Parser::new(height.try_into().unwrap(), width.try_into().unwrap(), 0);
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let terminal =
            Self { chunks, keys, child, _master: pair.master, screen, tail: Vec::new(), bytes: 0, begun: 0, ended: 0 };
        (terminal, began)
    }

    /// Starts it and waits for the tenants.
    pub(crate) fn open(made: &Made, size: (u16, u16)) -> Self {
        let (mut terminal, began) = Self::start(made, size);
        terminal.until(began, "show: problems");
        terminal
    }

    /// What is shown.
    pub(crate) fn text(&self) -> String {
        let shown = self.screen.screen().contents();
        shown.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// Hears what comes next; answers when, or nothing within the time.
    fn hear(&mut self, within: Duration) -> Option<Instant> {
        let (at, chunk) = match self.chunks.recv_timeout(within) {
            Ok(heard) => heard,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => panic!("the program ended\n{}", self.text()),
        };
        self.screen.process(&chunk);
        self.bytes += chunk.len();
        self.tail.extend_from_slice(&chunk);
        let count = |mark| memchr::memmem::find_iter(&self.tail, mark).count();
        let (begun, ended) = (count(BEGINS), count(ENDS));
        self.begun += begun;
        self.ended += ended;
        let keep = self.tail.len().saturating_sub(ENDS.len() - 1);
        self.tail.drain(..keep);
        Some(at)
    }

    /// Hears until nothing more comes.
    pub(crate) fn settle(&mut self) {
        while self.hear(QUIET).is_some() {}
    }

    /// Milliseconds from a time until frames are whole and something holds.
    fn wait(&mut self, since: Instant, holds: impl Fn(&Self) -> bool) -> f64 {
        loop {
            let heard = self.hear(LIMIT);
            let Some(at) = heard else { panic!("it never came\n{}", self.text()) };
            if self.begun == self.ended && holds(self) {
                return at.duration_since(since).as_secs_f64() * 1000.0;
            }
        }
    }

    /// Milliseconds from a time until something is shown, and a cursor is in the list.
    pub(crate) fn until(&mut self, since: Instant, wanted: &str) -> f64 {
        self.wait(since, |terminal| terminal.text().contains(wanted))
    }

    fn come(&mut self, keys: &str, holds: impl Fn(&Self) -> bool) -> Came {
        let (bytes, begun, ended) = (self.bytes, self.begun, self.ended);
        let since = Instant::now();
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        let ms = self.wait(since, |terminal| terminal.ended > ended && holds(terminal));
        self.settle();
        Came { ms, bytes: self.bytes - bytes, frames: self.begun - begun }
    }

    /// Types keys that change something and hears all that comes of them.
    pub(crate) fn press(&mut self, keys: &str) -> Came {
        self.come(keys, |_| true)
    }

    /// Types keys and waits until something is shown and nothing is still being read.
    pub(crate) fn press_until(&mut self, keys: &str, wanted: &str) -> Came {
        self.come(keys, |terminal| {
            let text = terminal.text();
            text.contains(wanted) && !text.contains("  reading") && !text.lines().any(is_awaited)
        })
    }

    /// Leaves the program, which ends well.
    pub(crate) fn leave(mut self) {
        self.keys.write_all(b"\x03").unwrap();
        self.keys.flush().unwrap();
        // It gives the terminal back: read, so that it never waits for room.
        while self.chunks.recv_timeout(LIMIT).is_ok() {}
        assert!(self.child.wait().unwrap().success());
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.process_id().unwrap()))
    }

    /// A figure of its memory in MB, as the kernel names it: `VmRSS`, `VmHWM`.
    #[expect(clippy::cast_precision_loss, reason = "kilobytes of one process")]
    pub(crate) fn memory(&self, name: &str) -> f64 {
        field(&std::fs::read_to_string(self.proc("status")).unwrap(), name) as f64 * 1024.0 / 1e6
    }

    /// Wake-ups of all its threads, and their time on a CPU in ns.
    pub(crate) fn awake(&self) -> (u64, u64) {
        let (mut wakes, mut ran) = (0, 0);
        for task in std::fs::read_dir(self.proc("task")).unwrap() {
            let path = task.unwrap().path();
            // A thread may end meanwhile.
            let Ok(status) = std::fs::read_to_string(path.join("status")) else { continue };
            wakes += field(&status, "voluntary_ctxt_switches") + field(&status, "nonvoluntary_ctxt_switches");
            let schedule = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
            ran += schedule.split_whitespace().next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
        }
        (wakes, ran)
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that come within a time.
    pub(crate) fn bytes_within(&mut self, time: Duration) -> usize {
        let (before, until) = (self.bytes, Instant::now() + time);
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.hear(left);
        }
        self.bytes - before
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that was left is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a row of a list is still to come.
fn is_awaited(line: &str) -> bool {
    line.trim_start_matches(['>', ' ']).starts_with("...")
}

/// A number of a status file of the kernel.
fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find(|line| line.split(':').next() == Some(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
