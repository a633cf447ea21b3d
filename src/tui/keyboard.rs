//! What is typed, read on a thread of its own: a terminal that is gone, or that sends half a sequence, stops nothing
//! else.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crossterm::event::Event;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::sync::mpsc;

use super::decode::Decoder;

/// Batches of events that may wait.
const BATCHES: usize = 64;
/// A burst is one batch, and one frame: behind two keys that came together the next is waited for this long.
const TOGETHER: Duration = Duration::from_millis(1);
/// The longest that a burst is gathered, and the most events of a batch.
const AT_MOST: (Duration, usize) = (Duration::from_millis(8), 4096);

/// The events of a terminal, as they come.
#[derive(Debug)]
pub(super) struct Keyboard(mpsc::Receiver<Vec<Event>>);

impl Keyboard {
    /// Begins to read standard input; an Esc is held for `hold`. The thread ends with the terminal, with the process,
    /// or when nobody hears it any more.
    pub(super) fn listen(hold: Duration) -> io::Result<Self> {
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let (send, batches) = mpsc::channel(BATCHES);
        std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
            let mut reader = Reader { input, decoder: Decoder::new(hold) };
            // Whatever the error: there is no terminal any more, which the end of the channel tells.
            while let Ok(batch) = reader.batch() {
                if send.blocking_send(batch).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self(batches))
    }

    /// The next events, at least one. `None` if the terminal is gone.
    pub(super) async fn next(&mut self) -> Option<Vec<Event>> {
        self.0.recv().await
    }

    /// Events that lie ready; none if there are none.
    pub(super) fn ready(&mut self) -> Vec<Event> {
        // That the terminal is gone is heard when the next events are waited for.
        self.0.try_recv().unwrap_or_default()
    }
}

struct Reader {
    input: File,
    decoder: Decoder,
}

impl Reader {
    /// Waits for events and takes those that come with them. A key alone is given out at once.
    fn batch(&mut self) -> io::Result<Vec<Event>> {
        let mut events = Vec::new();
        while events.is_empty() {
            if !self.read(self.decoder.patience(), &mut events)? {
                self.decoder.expire(&mut events);
            }
        }
        let began = Instant::now();
        while (2..AT_MOST.1).contains(&events.len()) && began.elapsed() < AT_MOST.0 {
            if !self.read(Some(TOGETHER), &mut events)? {
                break;
            }
        }
        Ok(events)
    }

    /// Reads once, if something comes in time.
    fn read(&mut self, wait: Option<Duration>, events: &mut Vec<Event>) -> io::Result<bool> {
        let wait = wait.map(|wait| Timespec::try_from(wait).map_err(io::Error::other)).transpose()?;
        let mut bytes = [0; 4096];
        loop {
            let mut fds = [PollFd::new(&self.input, PollFlags::IN)];
            match poll(&mut fds, wait.as_ref()) {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            match self.input.read(&mut bytes) {
                // A line that is cut reads as its end, or as an error.
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.decoder.feed(bytes.get(..n).unwrap_or_default(), events);
                    return Ok(true);
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
