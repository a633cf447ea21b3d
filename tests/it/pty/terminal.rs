//! A terminal with a program in it: what it shows, every byte that it was sent, what the program costs.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything may take on a machine that is busy.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);
/// What a terminal is sent at the end of a frame.
const FRAME_END: &str = "\u{1b}[?2026l";

/// What the terminal was sent.
pub(crate) struct Shown {
    pub(crate) screen: vt100::Parser,
    pub(crate) raw: Vec<u8>,
    at: Instant,
}

pub(crate) struct Terminal {
    shown: Arc<Mutex<Shown>>,
    /// Whether the terminal does not read.
    deaf: Arc<(Mutex<bool>, Condvar)>,
    /// The reader lets go of the line.
    cut: Arc<AtomicBool>,
    reader: std::thread::JoinHandle<()>,
    keys: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    modes: String,
}

fn size(width: u16, height: u16) -> PtySize {
    PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Terminal {
    pub(crate) fn run(command: CommandBuilder, width: u16, height: u16) -> Self {
        let pair = native_pty_system().openpty(size(width, height)).unwrap();
        let modes = modes(pair.master.as_ref());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = vt100::Parser::new(height.max(1).try_into().unwrap(), width.max(1).try_into().unwrap(), 0);
        let shown = Arc::new(Mutex::new(Shown { screen, raw: Vec::new(), at: Instant::now() }));
        let deaf = Arc::new((Mutex::new(false), Condvar::new()));
        let mut line = pair.master.try_clone_reader().unwrap();
        let cut = Arc::new(AtomicBool::new(false));
        let (seen, held, lost) = (Arc::clone(&shown), Arc::clone(&deaf), Arc::clone(&cut));
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                drop(held.1.wait_while(locked(&held.0), |deaf| *deaf));
                if lost.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(n @ 1..) = line.read(&mut buffer) else { return };
                let mut seen = locked(&seen);
                seen.screen.process(&buffer[..n]);
                seen.raw.extend_from_slice(&buffer[..n]);
                seen.at = Instant::now();
            }
        });
        let keys = Some(pair.master.take_writer().unwrap());
        Self { shown, deaf, cut, reader, keys, child, master: Some(pair.master), modes }
    }

    pub(crate) fn shown(&self) -> MutexGuard<'_, Shown> {
        locked(&self.shown)
    }

    /// What the screen shows, without the blanks at the ends.
    pub(crate) fn text(&self) -> String {
        let contents = self.shown().screen.screen().contents();
        contents.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// All that was sent from a place on, as text.
    pub(crate) fn since(&self, place: usize) -> String {
        String::from_utf8_lossy(&self.shown().raw[place..]).into_owned()
    }

    /// How many bytes were sent.
    pub(crate) fn bytes(&self) -> usize {
        self.shown().raw.len()
    }

    /// How many frames were sent from a place on.
    pub(crate) fn frames(&self, place: usize) -> usize {
        self.since(place).matches(FRAME_END).count()
    }

    /// Waits until something holds.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let limit = Instant::now() + LIMIT;
        while !holds(self) {
            assert!(Instant::now() < limit, "never: {what}\n{}", self.text());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Waits until something is shown.
    #[track_caller]
    pub(crate) fn until(&self, wanted: &str) {
        self.wait(wanted, |terminal| terminal.text().contains(wanted));
    }

    /// Waits until nothing was sent for so long.
    #[track_caller]
    pub(crate) fn quiet(&self, while_long: Duration) {
        self.wait("quiet", |terminal| terminal.shown().at.elapsed() > while_long);
    }

    /// Lets time pass.
    pub(crate) fn pass(time: Duration) {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            std::thread::park_timeout(left);
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        let to = self.keys.as_mut().unwrap();
        to.write_all(keys.as_bytes()).unwrap();
        to.flush().unwrap();
    }

    /// Types and waits until the screen shows what comes of it.
    #[track_caller]
    pub(crate) fn then(&mut self, keys: &str, wanted: &str) {
        self.press(keys);
        self.until(wanted);
    }

    /// Gives the terminal another size and waits for the frame that fills it.
    #[track_caller]
    pub(crate) fn resize(&self, width: u16, height: u16) {
        let before = self.resize_only(width, height);
        self.wait("drawn whole", |terminal| {
            terminal.since(before).split_once("\u{1b}[2J").is_some_and(|(_, frame)| frame.contains(FRAME_END))
        });
        self.quiet(Duration::from_millis(50));
    }

    /// Gives the terminal another size; answers how many bytes were sent before.
    pub(crate) fn resize_only(&self, width: u16, height: u16) -> usize {
        let mut shown = self.shown();
        shown.screen.set_size(height.try_into().unwrap(), width.try_into().unwrap());
        self.master.as_ref().unwrap().resize(size(width, height)).unwrap();
        shown.raw.len()
    }

    /// Whether nobody reads what the program writes, but for what was asked for already.
    pub(crate) fn deaf(&self, deaf: bool) {
        *locked(&self.deaf.0) = deaf;
        self.deaf.1.notify_all();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Closes every end of the line that is ours, as a connection that breaks does: a reader that waits lets go with
    /// the next byte, which a key may bring.
    pub(crate) fn cut(&mut self, key: &str) {
        self.cut.store(true, Ordering::SeqCst);
        self.press(key);
        self.keys = None;
        self.master = None;
    }

    /// State and CPU time of the program, in hundredths of a second.
    pub(crate) fn process(&self) -> (char, u64) {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        let fields: Vec<&str> = rest.split(' ').collect();
        let ticks = |n: usize| fields[n].parse::<u64>().unwrap();
        (fields[0].chars().next().unwrap(), ticks(11) + ticks(12))
    }

    /// Calls of `write` by the console's own thread, and the bytes that they wrote.
    pub(crate) fn writes(&self) -> (u64, u64) {
        let pid = self.pid();
        let io = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/io")).unwrap();
        let of = |name: &str| {
            let line = io.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().parse().unwrap()
        };
        (of("syscw:"), of("wchar:"))
    }

    /// Waits for the end of the program: its exit code, and the CPU time that it used altogether.
    #[track_caller]
    pub(crate) fn end(&mut self, within: Duration) -> (u32, u64) {
        let limit = Instant::now() + within;
        loop {
            let (state, ticks) = self.process();
            if state == 'Z' {
                return (self.child.wait().unwrap().exit_code(), ticks);
            }
            assert!(Instant::now() < limit, "it does not end\n{}", self.text());
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    #[track_caller]
    pub(crate) fn exit_code(&mut self, within: Duration) -> u32 {
        self.end(within).0
    }

    /// Modes of the terminal, as text to compare.
    pub(crate) fn modes(&self) -> String {
        modes(self.master.as_deref().unwrap())
    }

    /// Its modes before the program.
    pub(crate) fn modes_before(&self) -> &str {
        &self.modes
    }

    /// The name of the program's side.
    pub(crate) fn tty(&self) -> std::path::PathBuf {
        self.master.as_ref().unwrap().tty_name().unwrap()
    }

    /// Whether the terminal's modes are as they were before the program, after its end; all that it wrote is read then.
    #[track_caller]
    pub(crate) fn assert_modes_restored(&self) {
        self.wait("read to the end", |terminal| terminal.reader.is_finished());
        assert_eq!(self.modes(), self.modes, "the modes are as before");
    }

    /// Whether the terminal is as it was before the program that took it, after its end.
    #[track_caller]
    pub(crate) fn assert_restored(&self) {
        self.assert_modes_restored();
        let shown = self.shown();
        let screen = shown.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "pastes are plain");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is the terminal's");
        let plain = [screen.fgcolor(), screen.bgcolor()] == [vt100::Color::Default; 2];
        assert!(plain && !screen.bold() && !screen.inverse() && !screen.underline(), "text is plain");
        let raw = String::from_utf8_lossy(&shown.raw);
        let (_, way_out) = raw.rsplit_once("\u{1b}[?1049h").expect("it took the terminal");
        let last = |mark: &str| way_out.rfind(mark).unwrap_or_else(|| panic!("no {mark:?} in {way_out:?}"));
        assert!(last("\u{1b}[?2026h") < last("\u{1b}[?2026l"), "no update is left open");
        assert!(last("\u{1b}[r") < last("\u{1b}[?1049l"), "no scrolling region is left");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
    }
}

fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}
