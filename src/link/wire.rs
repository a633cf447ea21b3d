//! What goes over the socket.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use tokio_util::codec::LengthDelimitedCodec;
use zeroize::{Zeroize, Zeroizing};

use crate::failure::PartnerFacts;
use crate::model::{
    Caller, Catalog, Change, Command, Event, Fleet, Job, Key, Partner, PartnerName, Present, Run, RunId, Seen, Shared,
    Tenant, Text,
};

/// The version of this program; both ends have to be of the same.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Counted up when the frames become others while the version stays.
pub const PROTOCOL: u32 = 2;
/// The longest ask: an import of ten thousand tenants by name.
pub(super) const ASK_LIMIT: usize = 1 << 20;
/// The longest answer: a window of users that are exported.
pub(super) const TELL_LIMIT: usize = 64 << 20;
/// Tenants of a frame, and tenants of a run.
const TENANTS: usize = 1_000;
/// An end of a line keeps no larger room for frames that are to come.
const ROOM: usize = 64 << 10;

/// What a caller's own side says of how it came here. Hints: they are shown and kept, and nothing is decided by them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hints {
    /// The fingerprint of the SSH key.
    pub key: Option<Text>,
    /// The address that the SSH connection comes from.
    pub address: Option<Text>,
}

/// Of a first frame what programs of every version say.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) protocol: u32,
    pub(super) version: String,
}

/// The first frame.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Greeting {
    pub(super) protocol: u32,
    pub(super) version: String,
    pub(super) door: Door,
    pub(super) hints: Hints,
}

/// What somebody comes for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Door {
    /// The picture, and wishes.
    Console,
    /// A command of the command line, as whoever knows commands reads it.
    Call(String),
}

/// What a client sends behind its greeting.
#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    /// A wish.
    Wish(Box<Command>),
    /// The answer to a question: it may open an account, and is shown nowhere.
    Line(Zeroizing<String>),
}

/// What the service sends.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Tell {
    /// The greeting is taken.
    Welcome(Box<Welcome>),
    /// It is not, or the session is over, and why. Nothing follows.
    Over { why: Text, role: bool },
    /// Nothing happened; the service is there.
    Beat,
    /// A whole picture begins: all but tenants, and runs without theirs.
    Head(Box<Head>),
    /// Tenants of a picture, packed once more so that they are read beside each other.
    Tenants(ByteBuf),
    /// The picture is whole.
    Whole,
    /// A fact.
    Change(Arc<Change>),
    /// Tenants of a run, packed as those of the picture. With the last of them they are the fact that it is recalled.
    Jobs { run: RunId, last: bool, jobs: ByteBuf },
    /// The wish is granted.
    Accepted { run: RunId, joined: u64, by: Option<Text> },
    /// The wish is granted and there is nothing to watch.
    Done(Text),
    /// What there was to see.
    Seen(Box<Seen>),
    /// The wish is refused.
    Refused(Text),
    /// Who is here.
    Present(Arc<[Present]>),
    /// Bytes for standard output.
    Out(ByteBuf),
    /// A line for standard error.
    Said(String),
    /// A question; its answer is not shown while it is typed.
    Ask(String),
    /// The command is over with this exit code.
    Code(u8),
}

/// What a client is told first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Welcome {
    pub(super) pid: u32,
    pub(super) caller: Caller,
    pub(super) partners: BTreeMap<PartnerName, PartnerFacts>,
    pub(super) last_here: Option<Timestamp>,
}

/// A picture without its tenants.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    partners: Vec<Partner>,
    runs: Vec<Run>,
    stale_after_s: i64,
    window: Option<Text>,
    catalog: Arc<Catalog>,
    tenants: usize,
}

/// Why a frame cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadFrame(String);

/// Frames of this most bytes.
pub(super) fn codec(most: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(most).new_codec()
}

/// Puts something in a frame.
pub(super) fn encode(what: &impl Serialize) -> Result<Bytes, BadFrame> {
    rmp_serde::to_vec_named(what).map(Bytes::from).map_err(|error| BadFrame(error.to_string()))
}

/// Puts the answer to a question in a frame, in memory that is as large as it from the start: nothing of it is left where a
/// smaller one was.
pub(super) fn encode_line(line: Zeroizing<String>) -> Result<Bytes, BadFrame> {
    // Tags and lengths take less than this.
    const AROUND: usize = 64;
    let mut frame = Vec::with_capacity(line.len() + AROUND);
    rmp_serde::encode::write_named(&mut frame, &Ask::Line(line)).map_err(|error| BadFrame(error.to_string()))?;
    Ok(frame.into())
}

/// Zeroes a frame that nobody else holds any more. What the connection copied of it is not ours.
pub(super) fn forget(frame: Bytes) {
    if let Ok(mut frame) = frame.try_into_mut() {
        frame.as_mut().zeroize();
    }
}

/// Reads a frame.
pub(super) fn decode<T: DeserializeOwned>(frame: &BytesMut) -> Result<T, BadFrame> {
    rmp_serde::from_slice(frame).map_err(|error| BadFrame(error.to_string()))
}

impl Tell {
    /// An event of a client; a whole picture goes in parts.
    pub(super) fn of(event: Event) -> Result<Self, Box<Fleet>> {
        Ok(match event {
            Event::Hello(fleet) => return Err(fleet),
            Event::Change(change) => Tell::Change(change),
            Event::Accepted { run, joined, by } => Tell::Accepted { run, joined, by },
            Event::Done(text) => Tell::Done(text),
            Event::Seen(seen) => Tell::Seen(seen),
            Event::Refused(text) => Tell::Refused(text),
            Event::Present(present) => Tell::Present(present),
            // These are made by clients.
            Event::You { .. } | Event::Lost { .. } | Event::Over(_) => Tell::Beat,
        })
    }
}

/// A picture in frames: all but the tenants of runs, which follow as facts, so that the first of it can be drawn.
pub(super) fn picture(fleet: &Fleet) -> impl Iterator<Item = Result<Bytes, BadFrame>> {
    let lean = |run: &Run| Run { jobs: Arc::default(), ..run.clone() };
    let head = Tell::Head(Box::new(Head {
        partners: fleet.partners.values().cloned().collect(),
        runs: fleet.runs.values().map(lean).collect(),
        stale_after_s: fleet.stale_after_s,
        window: fleet.window.clone(),
        catalog: Arc::clone(&fleet.catalog),
        tenants: fleet.tenants.len(),
    }));
    let tenants: Vec<&Tenant> = fleet.tenants.values().collect();
    let parts = tenants.len().div_ceil(TENANTS);
    let part = move |n: usize| {
        let of = tenants.iter().skip(n * TENANTS).take(TENANTS).collect::<Vec<_>>();
        encode(&Tell::Tenants(packed(&of)?))
    };
    let with_jobs = fleet.runs.values().rev().filter(|run| !run.jobs.is_empty());
    let jobs = with_jobs.flat_map(|run| recalled(run.id, &run.jobs));
    let whole = std::iter::once_with(|| encode(&Tell::Whole));
    std::iter::once(encode(&head)).chain((0..parts).map(part)).chain(whole).chain(jobs)
}

/// The tenants of a run in frames: all at once they would be larger than everything else that is told.
pub(super) fn recalled(run: RunId, jobs: &Shared<Key, Job>) -> impl Iterator<Item = Result<Bytes, BadFrame>> {
    let parts = jobs.len().div_ceil(TENANTS).max(1);
    (0..parts).map(move |n| {
        let of = jobs.iter().skip(n * TENANTS).take(TENANTS).collect::<Vec<_>>();
        encode(&Tell::Jobs { run, last: n + 1 == parts, jobs: packed(&of)? })
    })
}

fn packed(rows: &impl Serialize) -> Result<ByteBuf, BadFrame> {
    Ok(ByteBuf::from(encode(rows)?.to_vec()))
}

/// Gives back what so large a frame took of an end's room: there are many lines, and they rest most of the time.
pub(super) fn rest(room: &mut BytesMut, taken: usize) {
    if taken > ROOM {
        *room = BytesMut::from(&room[..]);
    }
}

/// The tenants of a run that come in frames.
#[derive(Default)]
pub(super) struct Recalling(Vec<(Key, Job)>);

impl Recalling {
    /// Takes some; answers the fact when they are whole.
    pub(super) fn take(&mut self, run: RunId, last: bool, packed: &ByteBuf) -> Result<Option<Change>, BadFrame> {
        let some: Vec<(Key, Job)> = rmp_serde::from_slice(packed).map_err(|error| BadFrame(error.to_string()))?;
        self.0.extend(some);
        Ok(last.then(|| Change::Recalled { run, jobs: Arc::new(std::mem::take(&mut self.0).into_iter().collect()) }))
    }
}

/// A picture that comes in frames.
pub(super) struct Arriving {
    head: Head,
    parts: Vec<tokio::task::JoinHandle<Result<Vec<Tenant>, BadFrame>>>,
}

impl Arriving {
    pub(super) fn new(head: Head) -> Self {
        Self { head, parts: Vec::new() }
    }

    /// Takes tenants: they are read while the next ones come.
    pub(super) fn take(&mut self, packed: ByteBuf) {
        let read = move || rmp_serde::from_slice(&packed).map_err(|error| BadFrame(error.to_string()));
        self.parts.push(tokio::task::spawn_blocking(read));
    }

    /// The picture.
    pub(super) async fn whole(self) -> Result<Fleet, BadFrame> {
        let mut tenants = Vec::with_capacity(self.head.tenants.min(1 << 20));
        for part in self.parts {
            tenants.extend(part.await.map_err(|error| BadFrame(error.to_string()))??);
        }
        if tenants.len() != self.head.tenants {
            return Err(BadFrame(format!("{} of {} tenants came", tenants.len(), self.head.tenants)));
        }
        let mut fleet = Fleet::new(self.head.partners, tenants, self.head.runs, self.head.stale_after_s);
        fleet.window = self.head.window;
        fleet.catalog = self.head.catalog;
        Ok(fleet)
    }
}
