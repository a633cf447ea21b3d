//! The other end: the two channels of a console, and a command that a service does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use jiff::{SignedDuration, Timestamp};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::codec::{Framed, LengthDelimitedCodec};
use zeroize::Zeroizing;

use super::server::BEAT;
use super::wire::{
    Arriving, Ask, Door, Greeting, Hints, PROTOCOL, Recalling, TELL_LIMIT, Tell, VERSION, Welcome, codec, decode,
    encode, encode_line, forget, rest,
};
use crate::client::Client;
use crate::failure::PartnerFacts;
use crate::model::{Caller, Clock, Command, Event, PartnerName, Text};

/// How long a service is waited for.
const ANSWERS: Duration = Duration::from_secs(10);
/// A service that says nothing for so long does not answer.
const SILENT: Duration = BEAT.saturating_mul(4);
/// When it is tried again: soon, then ever later.
const AGAIN: [i64; 4] = [1, 2, 4, 8];
/// Wishes on their way, and facts that may lie there.
const COMMANDS: usize = 16;
const EVENTS: usize = 4096;

/// Why there is no way to a service.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody listens, or it says nothing.
    #[error("the service at {} does not answer: {why}", path.display())]
    Silent {
        /// The socket.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// The file system refuses this user.
    #[error("the service at {} is not open to you: {why}", path.display())]
    Shut {
        /// The socket.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// The service refuses, and says why.
    #[error("{why}")]
    Refused {
        /// Its sentence.
        why: Text,
        /// Whether it is for want of a role.
        role: bool,
    },
}

/// A console's way to a service.
pub struct Attached {
    /// The two channels. The first event is [`Event::You`], then comes the picture.
    pub client: Client,
    /// What customers may know of each partner.
    pub partners: BTreeMap<PartnerName, PartnerFacts>,
    /// Who this is there.
    pub caller: Caller,
}

/// A command that a service does.
pub struct Call {
    line: Line,
    /// Who this is there.
    pub caller: Caller,
}

/// What a command that a service does says.
#[derive(Debug)]
pub enum Said {
    /// For standard output.
    Out(Vec<u8>),
    /// A line for standard error.
    Line(String),
    /// A question; its answer is typed without being shown.
    Ask(String),
    /// The end, with its exit code.
    Code(u8),
}

struct Line {
    path: PathBuf,
    frames: Framed<UnixStream, LengthDelimitedCodec>,
}

impl Line {
    fn silent(&self, why: impl std::fmt::Display) -> LinkError {
        LinkError::Silent { path: self.path.clone(), why: why.to_string() }
    }

    /// Connects and greets.
    async fn open(path: &Path, door: Door, hints: &Hints) -> Result<(Self, Welcome), LinkError> {
        let stream = UnixStream::connect(path).await.map_err(|error| {
            let (path, why) = (path.to_owned(), error.to_string());
            if error.kind() == std::io::ErrorKind::PermissionDenied {
                LinkError::Shut { path, why }
            } else {
                LinkError::Silent { path, why }
            }
        })?;
        let mut line = Self { path: path.to_owned(), frames: Framed::new(stream, codec(TELL_LIMIT)) };
        let greeting = Greeting { protocol: PROTOCOL, version: VERSION.to_owned(), door, hints: hints.clone() };
        let frame = encode(&greeting).map_err(|error| line.silent(error))?;
        let sent = line.frames.send(frame).await;
        let first =
            timeout(ANSWERS, line.next()).await.map_err(|_| line.silent("it takes the call and says nothing"))?;
        let first = first?;
        if let Tell::Welcome(welcome) = first {
            return Ok((line, *welcome));
        }
        if let Tell::Over { why, role } = first {
            return Err(LinkError::Refused { why, role });
        }
        Err(line.silent(sent.err().map_or_else(|| "it talks otherwise".to_owned(), |error| error.to_string())))
    }

    async fn next(&mut self) -> Result<Tell, LinkError> {
        let frame: BytesMut = match self.frames.next().await {
            Some(frame) => frame.map_err(|error| self.silent(error))?,
            None => return Err(self.silent("it closed the line")),
        };
        let tell = decode(&frame).map_err(|error| self.silent(error));
        rest(self.frames.read_buffer_mut(), frame.len());
        tell
    }

    async fn ask(&mut self, ask: &Ask) -> Result<(), LinkError> {
        let frame = encode(ask).map_err(|error| self.silent(error))?;
        self.frames.send(frame).await.map_err(|error| self.silent(error))
    }
}

/// Attaches a console. Where the line is lost later, it is tried again until the console is left.
pub async fn attach(path: &Path, hints: Hints, clock: Clock) -> Result<Attached, LinkError> {
    let (line, welcome) = Line::open(path, Door::Console, &hints).await?;
    let (commands, wishes) = mpsc::channel(COMMANDS);
    let (events, heard) = mpsc::channel(EVENTS);
    let (partners, caller) = (welcome.partners.clone(), welcome.caller.clone());
    let keeper = Keeper { path: path.to_owned(), hints, clock, wishes, events };
    tokio::spawn(keeper.keep(line, welcome));
    Ok(Attached { client: Client { commands, events: heard }, partners, caller })
}

/// Has a service do a command.
pub async fn call(path: &Path, hints: Hints, wish: String) -> Result<Call, LinkError> {
    let (line, welcome) = Line::open(path, Door::Call(wish), &hints).await?;
    Ok(Call { line, caller: welcome.caller })
}

impl Call {
    /// What it says next.
    pub async fn next(&mut self) -> Result<Said, LinkError> {
        loop {
            return match self.line.next().await? {
                Tell::Out(bytes) => Ok(Said::Out(bytes.into_vec())),
                Tell::Said(line) => Ok(Said::Line(line)),
                Tell::Ask(question) => Ok(Said::Ask(question)),
                Tell::Code(code) => Ok(Said::Code(code)),
                Tell::Over { why, role } => Err(LinkError::Refused { why, role }),
                Tell::Beat => continue,
                Tell::Welcome(_)
                | Tell::Head(_)
                | Tell::Tenants(_)
                | Tell::Whole
                | Tell::Change(_)
                | Tell::Jobs { .. }
                | Tell::Accepted { .. }
                | Tell::Done(_)
                | Tell::Seen(_)
                | Tell::Refused(_)
                | Tell::Present(_) => Err(self.line.silent("it talks otherwise")),
            };
        }
    }

    /// Answers a question. What was answered is zeroed here once it is sent.
    pub async fn answer(&mut self, line: Zeroizing<String>) -> Result<(), LinkError> {
        let frame = encode_line(line).map_err(|error| self.line.silent(error))?;
        let sent = self.line.frames.send(frame.clone()).await;
        forget(frame);
        sent.map_err(|error| self.line.silent(error))
    }
}

/// Keeps the way to a service.
struct Keeper {
    path: PathBuf,
    hints: Hints,
    clock: Clock,
    wishes: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
}

/// Why a line is no more.
enum Ended {
    /// The console was left.
    Left,
    /// The service says that it is over.
    Over(Text),
    /// It does not answer.
    Lost,
}

impl Keeper {
    async fn keep(mut self, line: Line, welcome: Welcome) {
        let mut next = Some((line, welcome));
        loop {
            let Some((line, welcome)) = next.take() else { return };
            let why = self.hold(line, welcome).await;
            match why {
                Ended::Left => return,
                Ended::Over(why) => {
                    // The console is left.
                    let _ = self.events.send(Event::Over(why)).await;
                    return;
                }
                Ended::Lost => next = self.find_again().await,
            }
        }
    }

    /// Passes on what is said, until the line ends.
    async fn hold(&mut self, mut line: Line, welcome: Welcome) -> Ended {
        let caller = Box::new(welcome.caller);
        if self.events.send(Event::You { caller, last_here: welcome.last_here }).await.is_err() {
            return Ended::Left;
        }
        let (mut arriving, mut recalling) = (None, Recalling::default());
        loop {
            tokio::select! {
                () = self.events.closed() => return Ended::Left,
                wish = self.wishes.recv() => {
                    let Some(wish) = wish else { return Ended::Left };
                    if line.ask(&Ask::Wish(Box::new(wish))).await.is_err() {
                        return Ended::Lost;
                    }
                }
                told = timeout(SILENT, line.next()) => {
                    let Ok(Ok(tell)) = told else { return Ended::Lost };
                    let event = match tell {
                        Tell::Head(head) => {
                            (arriving, recalling) = (Some(Arriving::new(*head)), Recalling::default());
                            None
                        }
                        Tell::Tenants(packed) => {
                            if let Some(arriving) = &mut arriving {
                                arriving.take(packed);
                            }
                            None
                        }
                        Tell::Whole => {
                            let Some(arriving) = arriving.take() else { return Ended::Lost };
                            let Ok(fleet) = arriving.whole().await else { return Ended::Lost };
                            Some(Event::Hello(Box::new(fleet)))
                        }
                        Tell::Change(change) => Some(Event::Change(change)),
                        Tell::Jobs { run, last, jobs } => match recalling.take(run, last, &jobs) {
                            Ok(whole) => whole.map(|change| Event::Change(Arc::new(change))),
                            Err(_) => return Ended::Lost,
                        },
                        Tell::Accepted { run, joined, by } => Some(Event::Accepted { run, joined, by }),
                        Tell::Done(text) => Some(Event::Done(text)),
                        Tell::Seen(seen) => Some(Event::Seen(seen)),
                        Tell::Refused(text) => Some(Event::Refused(text)),
                        Tell::Present(present) => Some(Event::Present(present)),
                        Tell::Over { why, .. } => return Ended::Over(why),
                        Tell::Beat => None,
                        Tell::Welcome(_) | Tell::Out(_) | Tell::Said(_) | Tell::Ask(_) | Tell::Code(_) => {
                            return Ended::Lost;
                        }
                    };
                    if let Some(event) = event
                        && self.events.send(event).await.is_err()
                    {
                        return Ended::Left;
                    }
                }
            }
        }
    }

    /// Tries until the service answers again; nothing when the console is left or the service refuses.
    async fn find_again(&mut self) -> Option<(Line, Welcome)> {
        let since = self.clock.now();
        for n in 0_usize.. {
            let wait = AGAIN.get(n).or(AGAIN.last()).copied().unwrap_or(1);
            let again = later(self.clock.now(), wait);
            self.events.send(Event::Lost { since, again }).await.ok()?;
            let rest = tokio::time::sleep(Duration::from_secs(wait.unsigned_abs()));
            tokio::pin!(rest);
            loop {
                tokio::select! {
                    () = &mut rest => break,
                    () = self.events.closed() => return None,
                    wish = self.wishes.recv() => if !matches!(wish?, Command::Look(_) | Command::At(_)) {
                        let why = Text::const_new("the service does not answer: nothing was started");
                        self.events.send(Event::Refused(why)).await.ok()?;
                    },
                }
            }
            match Line::open(&self.path, Door::Console, &self.hints).await {
                Ok(found) => return Some(found),
                Err(LinkError::Refused { why, .. }) => {
                    self.events.send(Event::Over(why)).await.ok()?;
                    return None;
                }
                Err(error @ LinkError::Shut { .. }) => {
                    self.events.send(Event::Over(error.to_string().into())).await.ok()?;
                    return None;
                }
                Err(LinkError::Silent { .. }) => {}
            }
        }
        None
    }
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}
