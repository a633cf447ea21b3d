//! The service's end: who comes, with which role, and what each is told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use serde_bytes::ByteBuf;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::{Zeroize, Zeroizing};

use super::peer::{self, Groups};
use super::wire::{
    ASK_LIMIT, Ask, Door, Greeting, PROTOCOL, TELL_LIMIT, Tell, VERSION, Version, Welcome, codec, decode, encode,
    picture, recalled, rest,
};
use crate::client::Client;
use crate::engine::Engine;
use crate::failure::PartnerFacts;
use crate::model::{Caller, Change, Clock, Command, Deed, Event, PartnerName, Seen, Text};

/// Sessions at once, of all and of one person. More are told to come back.
const SESSIONS: usize = 256;
const SESSIONS_OF_ONE: usize = 32;
/// Commands that are done at once; more wait their turn. Each may hold a picture of its own.
const CALLS: usize = 8;
/// Commands of one person that are done or wait.
const CALLS_OF_ONE: usize = 6;
/// The longest that a command may take, whoever reads how slowly.
const CALL_LIFE: Duration = Duration::from_hours(2);
/// How long a greeting may take.
const GREETS: Duration = Duration::from_secs(5);
/// How often a client hears that the service is there, when nothing else is said.
pub(super) const BEAT: Duration = Duration::from_secs(5);
/// Who takes nothing for so long is let go; it comes back when it can.
const STALLS: Duration = Duration::from_mins(1);
/// Asks of a client within a second; more wait.
const ASKS: u32 = 100;
/// Frames that are put together for one write.
const TOGETHER: usize = 256;
/// How soon it is looked whether a client that is slow takes more.
const LOOKS_AGAIN: Duration = Duration::from_millis(1);
/// The word for the end of a session in the audit.
const LEAVE: &str = "leave";
/// Rows of the audit that are looked through for when somebody was last here.
const LOOKED_THROUGH: usize = 20_000;
/// Parts of a command's output that may lie between it and the socket.
const PARTS: usize = 16;

/// Does what a command of the command line wishes: who asks, the wish as that side wrote it, and the talk. Answers the
/// exit code. May block.
pub type Calls = Arc<dyn Fn(&Caller, &str, Talk) -> u8 + Send + Sync>;

/// What the service's end needs.
pub struct House {
    /// Hands out clients.
    pub engine: Engine,
    /// Who has which role.
    pub groups: Groups,
    /// What customers may know of each partner.
    pub partners: BTreeMap<PartnerName, PartnerFacts>,
    /// Does what commands wish.
    pub calls: Calls,
    /// The time.
    pub clock: Clock,
    /// How long a session lasts: groups of a process never change, so whoever lost a role goes with the session.
    pub longest: Duration,
}

/// Where answers to questions come from.
pub type Answers = Arc<tokio::sync::Mutex<mpsc::Receiver<Zeroizing<String>>>>;

/// What goes on at the end of a command that a service does for somebody: its output, and questions.
pub struct Talk {
    tells: mpsc::Sender<Tell>,
    lines: Answers,
}

impl Talk {
    /// Bytes for standard output. Fails when the caller is gone.
    pub fn out(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tell(Tell::Out(ByteBuf::from(bytes)))
    }

    /// A line for standard error.
    pub fn say(&mut self, text: &str) {
        // A caller that is gone hears nothing.
        let _ = self.tell(Tell::Said(text.to_owned()));
    }

    /// Asks something; the answer, which is not shown while it is typed, comes there. Nothing if the caller is gone.
    pub fn ask(&mut self, question: &str) -> Option<Answers> {
        self.tell(Tell::Ask(question.to_owned())).ok()?;
        Some(Arc::clone(&self.lines))
    }

    /// Whether the caller is gone.
    pub fn is_over(&self) -> bool {
        self.tells.is_closed()
    }

    fn tell(&mut self, tell: Tell) -> io::Result<()> {
        // A command may have a runtime of its own, in which no thread may block on a channel.
        let mut waits = tell;
        loop {
            match self.tells.try_send(waits) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(_)) => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(TrySendError::Full(tell)) => waits = tell,
            }
            std::thread::park_timeout(LOOKS_AGAIN);
        }
    }
}

/// What all sessions share.
struct Hall {
    house: House,
    sessions: Arc<Count>,
    calls: Arc<Count>,
    frames: Frames,
    turns: Arc<Semaphore>,
    /// When each person's last session ended, by user id.
    left: Mutex<BTreeMap<u32, Timestamp>>,
}

/// Takes whoever comes until it is stopped, then lets all go.
pub async fn serve(listener: UnixListener, house: House, stop: CancellationToken) {
    let left = last_left(&house.engine).await;
    let hall = Arc::new(Hall {
        house,
        sessions: Arc::default(),
        calls: Arc::default(),
        frames: Frames::default(),
        turns: Arc::new(Semaphore::new(CALLS)),
        left: Mutex::new(left),
    });
    let guests = TaskTracker::new();
    loop {
        let stream = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, as a rule: those who are here go on.
                    tracing::warn!(%error, "nobody can be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (hall, stop) = (Arc::clone(&hall), stop.clone());
        guests.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                ended = Guest::receive(stream, &hall) => if let Err(why) = ended {
                    tracing::debug!(why, "a session ended");
                },
            }
        });
    }
    guests.close();
    guests.wait().await;
}

/// Facts as they go over the socket: each is put into a frame once, however many hear it.
#[derive(Default)]
struct Frames(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// By where the fact lies, which stays its place as long as it is kept here.
    by_place: HashMap<usize, (Arc<Change>, Bytes)>,
    oldest_first: VecDeque<usize>,
}

/// Facts that are kept in frames. Whoever is further behind has its own made.
const FRAMES: usize = 1 << 13;
/// A frame that is larger is not kept.
const LARGE: usize = 64 << 10;

impl Frames {
    fn of(&self, change: &Arc<Change>) -> Result<Bytes, String> {
        let place = Arc::as_ptr(change).addr();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, frame)) = kept.by_place.get(&place) {
            return Ok(frame.clone());
        }
        let frame = encode(&Tell::Change(Arc::clone(change))).map_err(|error| error.to_string())?;
        if frame.len() > LARGE {
            return Ok(frame);
        }
        kept.by_place.insert(place, (Arc::clone(change), frame.clone()));
        kept.oldest_first.push_back(place);
        if kept.oldest_first.len() > FRAMES
            && let Some(oldest) = kept.oldest_first.pop_front()
        {
            kept.by_place.remove(&oldest);
        }
        Ok(frame)
    }
}

/// How many there are of something, of each person.
#[derive(Default)]
struct Count(Mutex<BTreeMap<u32, usize>>);

/// One of them; given back when it is dropped.
struct Seat {
    count: Arc<Count>,
    uid: u32,
}

impl Count {
    /// One more for somebody; none if all are taken, or that one has enough.
    fn take(self: &Arc<Self>, uid: u32, all: usize, own: usize) -> Option<Seat> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken: usize = counts.values().sum();
        let theirs = counts.entry(uid).or_default();
        if taken >= all || *theirs >= own {
            return None;
        }
        *theirs += 1;
        Some(Seat { count: Arc::clone(self), uid })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.count.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(theirs) = counts.get_mut(&self.uid) {
            *theirs -= 1;
        }
        counts.retain(|_, theirs| *theirs > 0);
    }
}

impl Hall {
    async fn note(&self, caller: &Caller, verb: &'static str, ends: impl FnOnce(Deed) -> Deed) {
        let deed = Deed::plain(self.house.clock.now(), caller.clone(), verb, "");
        self.house.engine.note(ends(deed)).await;
    }
}

/// Notes the end of a session, however it ends.
struct Leaves<'a> {
    hall: &'a Hall,
    caller: Caller,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        let now = self.hall.house.clock.now();
        self.hall.left.lock().unwrap_or_else(PoisonError::into_inner).insert(self.caller.uid, now);
        let (engine, caller) = (self.hall.house.engine.clone(), self.caller.clone());
        tokio::spawn(async move { engine.note(Deed::plain(now, caller, LEAVE, "")).await });
    }
}

/// When each person's last session ended, as far as the newest rows of the audit say it.
async fn last_left(engine: &Engine) -> BTreeMap<u32, Timestamp> {
    let reader = engine.reader();
    let read = tokio::task::spawn_blocking(move || {
        let (mut left, mut seen) = (BTreeMap::new(), 0);
        let found = reader.audit(&mut |row| {
            seen += 1;
            if row.deed.verb == LEAVE {
                left.entry(row.deed.caller.uid).or_insert(row.deed.at);
            }
            seen < LOOKED_THROUGH
        });
        if let Err(error) = found {
            tracing::warn!(%error, "nobody knows when somebody was last here");
        }
        left
    });
    read.await.unwrap_or_default()
}

type Reading = FramedRead<OwnedReadHalf, LengthDelimitedCodec>;

/// The way to a client.
struct Way(FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>);

impl Way {
    async fn put(&mut self, frame: Bytes) -> Result<(), String> {
        let put = timeout(STALLS, self.0.feed(frame)).await;
        put.map_err(|_| "it takes nothing".to_owned())?.map_err(|error| error.to_string())
    }

    async fn tell(&mut self, tell: &Tell) -> Result<(), String> {
        self.put(encode(tell).map_err(|error| error.to_string())?).await
    }

    async fn flush(&mut self) -> Result<(), String> {
        let flushed: Result<io::Result<()>, _> = timeout(STALLS, SinkExt::<Bytes>::flush(&mut self.0)).await;
        flushed.map_err(|_| "it takes nothing".to_owned())?.map_err(|error| error.to_string())?;
        let room = self.0.write_buffer_mut();
        let taken = room.capacity();
        rest(room, taken);
        Ok(())
    }

    async fn over(&mut self, why: &str, role: bool) -> Result<(), String> {
        self.tell(&Tell::Over { why: why.into(), role }).await?;
        self.flush().await
    }
}

/// Somebody who came.
struct Guest<'a> {
    hall: &'a Hall,
    caller: Caller,
    asks: Reading,
    way: Way,
}

impl<'a> Guest<'a> {
    /// Finds out who it is and what for, and serves it to its end.
    async fn receive(stream: UnixStream, hall: &'a Hall) -> Result<(), String> {
        let (mut caller, has_role) = peer::caller(&stream, &hall.house.groups).map_err(|error| error.to_string())?;
        let (from, to) = stream.into_split();
        let mut asks = FramedRead::new(from, codec(ASK_LIMIT));
        let mut way = Way(FramedWrite::new(to, codec(TELL_LIMIT)));
        let Some(_seat) = hall.sessions.take(caller.uid, SESSIONS, SESSIONS_OF_ONE) else {
            return way.over("too many sessions are open: try again when one has ended", false).await;
        };
        caller.name = peer::name(caller.uid).await;
        let first = timeout(GREETS, asks.next()).await.map_err(|_| "it says nothing")?;
        let first = first.ok_or("it went")?.map_err(|error| error.to_string())?;
        let version: Version = decode(&first).map_err(|error| error.to_string())?;
        if version.version != VERSION || version.protocol != PROTOCOL {
            let theirs: String = version.version.chars().filter(char::is_ascii_graphic).take(32).collect();
            let why = format!(
                "this is tenantop {theirs} and the service is {VERSION}: start the console again, or the service if it is \
                 the older one"
            );
            return way.over(&why, false).await;
        }
        let greeting: Greeting = decode(&first).map_err(|error| error.to_string())?;
        peer::hinted(&mut caller, &greeting.hints);
        if !has_role {
            tracing::warn!(uid = caller.uid, name = %caller.name, "refused: in none of the groups that have a role");
            let why = format!(
                "{} has no role here: ask an admin of this host for one of the groups of `[service]`, then sign in again",
                caller.name
            );
            hall.note(&caller, "enter", |deed| deed.refused("in none of the groups that have a role")).await;
            return way.over(&why, true).await;
        }
        let last_here = hall.left.lock().unwrap_or_else(PoisonError::into_inner).get(&caller.uid).copied();
        let welcome = Welcome {
            pid: std::process::id(),
            caller: caller.clone(),
            partners: hall.house.partners.clone(),
            last_here,
        };
        way.tell(&Tell::Welcome(Box::new(welcome))).await?;
        way.flush().await?;
        let guest = Guest { hall, caller, asks, way };
        match greeting.door {
            Door::Console => {
                let caller = guest.caller.clone();
                hall.note(&caller, "enter", |deed| deed).await;
                let _leaves = Leaves { hall, caller };
                guest.console().await
            }
            Door::Call(wish) => guest.call(wish).await,
        }
    }

    /// The two channels, as frames, until one of them ends, somebody ends the session, or its time is over.
    async fn console(self) -> Result<(), String> {
        let Guest { hall, caller, asks, mut way } = self;
        let longest = hall.house.longest;
        let (client, kicked) = hall.house.engine.session_of(caller);
        let Client { commands, events } = client;
        let kicked = async {
            match kicked.await {
                Ok(why) => why.to_string(),
                // Nobody ends it any more.
                Err(_) => std::future::pending().await,
            }
        };
        let over = tokio::select! {
            biased;
            why = kicked => why,
            () = tokio::time::sleep(longest) => {
                format!("this session is over after {} h: start the console again", longest.as_secs() / 3600)
            }
            heard = hear(asks, commands) => return heard,
            told = tell_all(&mut way, events, &hall.frames) => return told,
        };
        way.over(&over, false).await
    }

    /// A command of the command line.
    async fn call(self, wish: String) -> Result<(), String> {
        let Guest { hall, caller, mut asks, mut way } = self;
        let Some(seat) = hall.calls.take(caller.uid, usize::MAX, CALLS_OF_ONE) else {
            return way.over("too many commands of yours are being done: try again when one has ended", false).await;
        };
        let turn = Arc::clone(&hall.turns).acquire_owned().await.map_err(|error| error.to_string())?;
        let until = Instant::now() + CALL_LIFE;
        let (tells, mut told) = mpsc::channel(PARTS);
        let (lines, answers) = mpsc::channel(1);
        let calls = Arc::clone(&hall.house.calls);
        let done = tokio::task::spawn_blocking(move || {
            // A command whose caller left counts until it has ended.
            let _held = (seat, turn);
            (calls)(&caller, &wish, Talk { tells, lines: Arc::new(tokio::sync::Mutex::new(answers)) })
        });
        loop {
            tokio::select! {
                biased;
                tell = told.recv() => {
                    let Some(tell) = tell else {
                        // The talk is over; so is the command.
                        let code = done.await.map_err(|error| error.to_string())?;
                        way.tell(&Tell::Code(code)).await?;
                        return way.flush().await;
                    };
                    way.tell(&tell).await?;
                    if told.is_empty() {
                        way.flush().await?;
                    }
                }
                ask = asks.next() => {
                    // Whoever asked may be gone: the command hears it with its next word.
                    let Some(Ok(mut frame)) = ask else { return Ok(()) };
                    let ask = decode(&frame);
                    frame.as_mut().zeroize();
                    let Ask::Line(line) = ask.map_err(|error| error.to_string())? else {
                        return Err("a command has no wishes".to_owned());
                    };
                    lines.try_send(line).map_err(|_| "nothing was asked")?;
                }
                () = tokio::time::sleep_until(until) => return way.over("this command took too long", false).await,
            }
        }
    }
}

/// Tells all that a client hears; what lies ready goes together.
async fn tell_all(way: &mut Way, mut events: mpsc::Receiver<Event>, frames: &Frames) -> Result<(), String> {
    loop {
        match timeout(BEAT, events.recv()).await {
            Err(_) => way.tell(&Tell::Beat).await?,
            Ok(None) => return Err("the engine ended".to_owned()),
            Ok(Some(event)) => {
                tell_event(way, event, frames).await?;
                for _ in 0..TOGETHER {
                    let Ok(event) = events.try_recv() else { break };
                    tell_event(way, event, frames).await?;
                }
            }
        }
        way.flush().await?;
    }
}

/// Tells an event. An answer that no frame can hold is told as such.
async fn tell_event(way: &mut Way, event: Event, frames: &Frames) -> Result<(), String> {
    if let Event::Change(change) = &event {
        let Change::Recalled { run, jobs } = &**change else { return way.put(frames.of(change)?).await };
        for part in recalled(*run, jobs) {
            way.put(part.map_err(|error| error.to_string())?).await?;
        }
        return Ok(());
    }
    match Tell::of(event) {
        Ok(tell) => {
            let frame = encode(&tell).map_err(|error| error.to_string())?;
            if frame.len() <= TELL_LIMIT {
                return way.put(frame).await;
            }
            let Tell::Seen(seen) = tell else { return Err("a fact that no frame can hold".to_owned()) };
            let why = Text::const_new("too much for one answer; the command of this screen writes it");
            way.tell(&Tell::Seen(Box::new(Seen { look: seen.look, found: Err(why) }))).await
        }
        Err(fleet) => {
            // Made beside the runtime, a frame at a time: no session waits for another one's picture.
            let (parts, mut made) = mpsc::channel(2);
            let making = tokio::task::spawn_blocking(move || {
                picture(&fleet).try_for_each(|part| parts.blocking_send(part).map_err(|_| ()))
            });
            while let Some(part) = made.recv().await {
                way.put(part.map_err(|error| error.to_string())?).await?;
                way.flush().await?;
            }
            // Whoever stopped to take it has gone.
            let _ = making.await;
            Ok(())
        }
    }
}

/// Hands on what a client wishes, at a pace.
async fn hear(mut asks: Reading, commands: mpsc::Sender<Command>) -> Result<(), String> {
    let mut second = Instant::now();
    let mut count = 0;
    while let Some(frame) = asks.next().await {
        let frame = frame.map_err(|error| error.to_string())?;
        let Ask::Wish(wish) = decode(&frame).map_err(|error| error.to_string())? else {
            return Err("a line that nobody asked for".to_owned());
        };
        if second.elapsed() >= Duration::from_secs(1) {
            (second, count) = (Instant::now(), 0);
        }
        count += 1;
        if count > ASKS {
            tokio::time::sleep_until(second + Duration::from_secs(1)).await;
        }
        if commands.send(*wish).await.is_err() {
            return Err("the engine ended".to_owned());
        }
    }
    Ok(())
}
