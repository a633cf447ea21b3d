//! Exports: what is shown, whole, as a file on the operator's side.
//!
//! The console's loop never waits for a disk. It hands jobs to a thread that writes and hears what came of them:
//!
//! ```text
//! App --Job--> Scribe (a thread with a Writer) --Told--> App
//! ```
//!
//! A file is written aside and gets its name when it is whole; one that is stopped or fails is removed.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use super::screens::allocation::people as shares;
use super::screens::users;
use crate::model::allocation::{SharesSeen, UnitPath};
use crate::model::{AuditLook, Exported, Key, SkuId, TenantId, UsersSeen, guarded};

/// What a screen shows, whole, to be written to a file.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// What the file is named after: `tenants`.
    pub(crate) name: &'static str,
    /// What works where no file can be written.
    pub(crate) instead: &'static str,
    /// What stands in it.
    pub(crate) body: Body,
}

/// What stands in a file.
#[derive(Debug)]
pub(crate) enum Body {
    /// A text as it stands.
    Text(Vec<String>),
    /// A JSON document, line by line.
    Json(Vec<String>),
    /// Rows as they stand on the screen, each cell whole.
    Rows {
        /// Titles of the columns.
        titles: Vec<&'static str>,
        /// The rows, in order.
        rows: Vec<Vec<String>>,
    },
    /// Users, that are asked for window by window.
    Stream(Stream),
    /// Rows of the audit, that are asked for window by window.
    Audit {
        /// The first window of them.
        look: AuditLook,
        /// The command that writes the same rows.
        command: String,
        /// Whether each is an object on a line.
        json: bool,
    },
}

/// Users that are asked for window by window.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Whose they are.
    pub(crate) key: Key,
    /// A window of them.
    pub(crate) look: Exported,
    /// The command that writes the same users.
    pub(crate) command: String,
    /// Whether people are masked.
    pub(crate) privacy: bool,
}

/// What the writer is to do. There is one file at a time.
#[derive(Debug)]
pub(crate) enum Job {
    /// Begin a file.
    Begin {
        /// The number of the export, for what is told of it.
        number: u64,
        /// What the file is named after.
        name: &'static str,
        /// What the name of a text ends with, behind its dot.
        ending: &'static str,
        /// When it was asked for.
        at: Timestamp,
        /// Titles of the columns; absent for a text.
        titles: Option<Vec<&'static str>>,
    },
    /// Lines of a text.
    Text(Vec<String>),
    /// Rows.
    Rows(Vec<Vec<String>>),
    /// Users.
    Users {
        /// The window.
        seen: UsersSeen,
        /// Whose they are.
        tenant: TenantId,
        /// The product whose holders they are, if they are; and whether people are masked.
        of: (Option<SkuId>, bool),
    },
    /// Users of a business unit, with what they bear there.
    Shares {
        /// The window.
        seen: Box<SharesSeen>,
        /// Which unit; untracked if absent.
        unit: Option<UnitPath>,
        /// Whether people are masked.
        privacy: bool,
    },
    /// The file is whole: it gets its name.
    End,
    /// The file is not wanted any more.
    Drop,
}

/// What came of an export so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Which one.
    pub(crate) number: u64,
    /// What.
    pub(crate) what: Progress,
}

/// What came of an export so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// So many rows are in it.
    Wrote(u64),
    /// The file is whole.
    Done {
        /// Where it is.
        path: PathBuf,
        /// Rows, or lines of a text.
        rows: u64,
    },
    /// There is no file.
    Failed(Failed),
}

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    /// In two words.
    pub(crate) short: String,
    /// In a sentence, without its stop.
    pub(crate) why: String,
    /// What whoever sits here can do.
    pub(crate) remedy: &'static str,
}

impl Failed {
    fn of(error: &io::Error, dir: &Path) -> Self {
        let at = dir.display();
        let elsewhere = "start with --export-dir DIR, then x";
        #[expect(clippy::wildcard_enum_match_arm, reason = "the system knows many errors; a disk has few")]
        let (short, why, remedy) = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                ("disk full".into(), format!("the disk of {at} is full"), "free room there, then x")
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                ("not allowed".into(), format!("nothing can be written to {at}: {error}"), elsewhere)
            }
            ErrorKind::NotFound => ("no directory".into(), format!("{at} is not there"), "make the directory, then x"),
            ErrorKind::NotADirectory => ("no directory".into(), format!("{at} is no directory"), elsewhere),
            _ => (error.to_string(), format!("nothing can be written to {at}: {error}"), elsewhere),
        };
        Self { short, why, remedy }
    }
}

/// Writes one file after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    dir: PathBuf,
    open: Option<Open>,
}

/// A file that is being written, aside.
#[derive(Debug)]
struct Open {
    number: u64,
    name: String,
    out: Out,
    rows: u64,
}

#[derive(Debug)]
enum Out {
    Text(io::BufWriter<NamedTempFile>),
    Rows(Box<csv::Writer<NamedTempFile>>),
}

/// Bytes that are written at once.
const AT_ONCE: usize = 64 << 10;
/// How many files of one second and one name there may be.
const SAME_NAMES: u32 = 99;

impl Writer {
    /// Writes to a directory.
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, open: None }
    }

    /// Does a job and says what came of it, if there is something to say.
    pub(crate) fn take(&mut self, job: Job) -> Option<Told> {
        match self.work(job) {
            Ok(told) => told,
            Err((number, error)) => {
                self.open = None;
                Some(Told { number, what: Progress::Failed(Failed::of(&error, &self.dir)) })
            }
        }
    }

    fn work(&mut self, job: Job) -> Result<Option<Told>, (u64, io::Error)> {
        let rows = match job {
            Job::Begin { number, name, ending, at, titles } => {
                self.open = None;
                let stamp = at.strftime("%Y%m%dT%H%M%SZ");
                let name = format!("tenantop-{name}-{stamp}.{}", if titles.is_some() { "csv" } else { ending });
                let out = begin(&self.dir, titles).map_err(|error| (number, error))?;
                self.open = Some(Open { number, name, out, rows: 0 });
                return Ok(None);
            }
            Job::Drop => {
                self.open = None;
                return Ok(None);
            }
            Job::End => {
                let Some(open) = self.open.take() else { return Ok(None) };
                let number = open.number;
                let rows = open.rows;
                let path = finish(open, &self.dir).map_err(|error| (number, error))?;
                return Ok(Some(Told { number, what: Progress::Done { path, rows } }));
            }
            Job::Text(lines) => lines.into_iter().map(|line| vec![line]).collect(),
            Job::Rows(rows) => rows,
            Job::Users { seen, tenant, of } => users::rows(seen, tenant, of),
            Job::Shares { seen, unit, privacy } => shares::rows(&seen, unit.as_ref(), privacy),
        };
        // What failed before has been told.
        let Some(open) = &mut self.open else { return Ok(None) };
        open.push(rows).map_err(|error| (open.number, error))?;
        Ok(Some(Told { number: open.number, what: Progress::Wrote(open.rows) }))
    }
}

impl Open {
    fn push(&mut self, rows: Vec<Vec<String>>) -> io::Result<()> {
        for row in rows {
            match &mut self.out {
                Out::Text(out) => {
                    row.iter().try_for_each(|line| out.write_all(line.as_bytes()))?;
                    out.write_all(b"\n")?;
                }
                Out::Rows(out) => out.write_record(row.into_iter().map(guarded)).map_err(io_of)?,
            }
            self.rows += 1;
        }
        Ok(())
    }
}

/// A file aside, that only its owner reads. It is gone when it is dropped before its end.
fn begin(dir: &Path, titles: Option<Vec<&'static str>>) -> io::Result<Out> {
    let file = tempfile::Builder::new().prefix(".tenantop-").suffix(".part").tempfile_in(dir)?;
    let Some(titles) = titles else { return Ok(Out::Text(io::BufWriter::with_capacity(AT_ONCE, file))) };
    let mut out = csv::WriterBuilder::new().buffer_capacity(AT_ONCE).from_writer(file);
    out.write_record(titles).map_err(io_of)?;
    Ok(Out::Rows(Box::new(out)))
}

/// What the disk said.
fn io_of(error: csv::Error) -> io::Error {
    let said = error.to_string();
    if let csv::ErrorKind::Io(error) = error.into_kind() { error } else { io::Error::other(said) }
}

/// Gives a file its name: one that nothing has.
fn finish(open: Open, dir: &Path) -> io::Result<PathBuf> {
    let mut file = match open.out {
        Out::Text(out) => out.into_inner().map_err(io::IntoInnerError::into_error)?,
        Out::Rows(mut out) => {
            out.flush()?;
            out.into_inner().map_err(|error| io::Error::other(error.to_string()))?
        }
    };
    // A disk that is full may say so only here.
    file.as_file().sync_all()?;
    let (stem, end) = open.name.rsplit_once('.').unwrap_or((&open.name, ""));
    for n in 1..=SAME_NAMES {
        let name = if n == 1 { open.name.clone() } else { format!("{stem}-{n}.{end}") };
        let path = dir.join(name);
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => file = refused.file,
            Err(refused) => return Err(refused.error),
        }
    }
    Err(io::Error::from(ErrorKind::AlreadyExists))
}

/// Jobs that may wait. The console hands over no more than this before it hears of them.
const JOBS: usize = 16;
/// How long a file that is not whole is waited for when the console is left, until it is removed.
const GRACE: Duration = Duration::from_millis(300);

/// A writer on a thread of its own.
#[derive(Debug)]
pub(crate) struct Scribe {
    jobs: Option<SyncSender<Job>>,
    told: mpsc::Receiver<Told>,
    gone: std::sync::mpsc::Receiver<()>,
}

impl Scribe {
    /// Begins to wait for jobs. Files go to a directory, by default the one that the program was started in.
    pub(crate) fn start(dir: Option<PathBuf>) -> io::Result<Self> {
        let dir = match dir {
            Some(dir) => std::path::absolute(dir)?,
            // A directory that was removed is told when something is to be written.
            None => std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
        };
        let (jobs, taken) = sync_channel::<Job>(JOBS);
        let (tell, told) = mpsc::channel(JOBS);
        let (going, gone) = sync_channel(0);
        std::thread::Builder::new().name("exports".to_owned()).spawn(move || {
            // Dropped with the thread, after the writer and its half file.
            let going: SyncSender<()> = going;
            let mut writer = Writer::new(dir);
            for job in taken {
                if writer.take(job).is_some_and(|told| tell.blocking_send(told).is_err()) {
                    break; // The console is left: what is not whole is not wanted.
                }
            }
            drop(writer);
            drop(going);
        })?;
        Ok(Self { jobs: Some(jobs), told, gone })
    }

    /// Hands a job over, without a wait. Whether it was taken: a disk that hangs takes nothing.
    pub(crate) fn take(&self, job: Job) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok())
    }

    /// What is told next.
    pub(crate) async fn told(&mut self) -> Option<Told> {
        self.told.recv().await
    }
}

impl Drop for Scribe {
    /// Lets the thread remove what is not whole, but waits for no disk that hangs.
    fn drop(&mut self) {
        self.told.close();
        self.jobs = None;
        match self.gone.recv_timeout(GRACE) {
            Ok(()) | Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn at() -> Timestamp {
        "2026-11-27T09:56:00Z".parse().unwrap()
    }

    fn begin(number: u64) -> Job {
        Job::Begin { number, name: "tenants", ending: "", at: at(), titles: Some(vec!["TENANT", "USERS"]) }
    }

    fn row(cells: [&str; 2]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_whole_private_and_never_over_another() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(dir.path().to_owned());
        let mut paths = Vec::new();
        for number in 1..=3 {
            assert_eq!(writer.take(begin(number)), None);
            let rows = vec![row(["=HYPERLINK(\"x\")", "-5"]), row(["Müller, \"A\"\nB", "+49 30"])];
            assert_eq!(writer.take(Job::Rows(rows)), Some(Told { number, what: Progress::Wrote(2) }));
            let Some(Told { what: Progress::Done { path, rows: 2 }, .. }) = writer.take(Job::End) else {
                panic!("it is done")
            };
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            paths.push(path);
        }
        let stem = "tenantop-tenants-20261127T095600Z";
        assert_eq!(names(dir.path()), [format!("{stem}-2.csv"), format!("{stem}-3.csv"), format!("{stem}.csv")]);
        for path in paths {
            let mut read = csv::Reader::from_path(path).unwrap();
            assert_eq!(read.headers().unwrap(), ["TENANT", "USERS"].as_slice());
            let rows: Vec<Vec<String>> = read.records().map(|row| row.unwrap().deserialize(None).unwrap()).collect();
            assert_eq!(rows, [row(["'=HYPERLINK(\"x\")", "-5"]), row(["Müller, \"A\"\nB", "'+49 30"])]);
        }
    }

    #[test]
    fn a_text_is_written_as_it_stands() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(dir.path().to_owned());
        writer.take(Job::Begin { number: 1, name: "why", ending: "txt", at: at(), titles: None });
        writer.take(Job::Text(vec!["=1".to_owned(), String::new(), "東京".to_owned()]));
        let Some(Told { what: Progress::Done { path, rows: 3 }, .. }) = writer.take(Job::End) else {
            panic!("it is done")
        };
        assert_eq!(path.file_name().unwrap(), "tenantop-why-20261127T095600Z.txt");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "=1\n\n東京\n");
    }

    #[test]
    fn what_is_stopped_or_fails_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(dir.path().to_owned());
        writer.take(begin(1));
        writer.take(Job::Rows(vec![row(["a", "b"])]));
        assert_eq!(names(dir.path()).len(), 1, "it is written aside");
        assert_eq!(writer.take(Job::Drop), None);
        assert_eq!(names(dir.path()), [""; 0]);
        assert_eq!(writer.take(Job::End), None, "nothing ends that was stopped");

        let gone = dir.path().join("gone");
        std::fs::create_dir(&gone).unwrap();
        let mut writer = Writer::new(gone.clone());
        writer.take(begin(2));
        std::fs::remove_dir_all(&gone).unwrap();
        let Some(Told { number: 2, what: Progress::Failed(failed) }) = writer.take(Job::End) else {
            panic!("it failed")
        };
        assert_eq!(failed.why, format!("{} is not there", gone.display()));
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[test]
    fn a_place_that_takes_no_file_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        for (place, said) in [(file, "is no directory"), (dir.path().join("none"), "is not there")] {
            let mut writer = Writer::new(place.clone());
            let Some(Told { number: 1, what: Progress::Failed(failed) }) = writer.take(begin(1)) else {
                panic!("it failed")
            };
            assert_eq!(failed.why, format!("{} {said}", place.display()));
            assert_eq!(writer.take(Job::Rows(vec![row(["a", "b"])])), None, "it is told once");
        }
        let full = Failed::of(&io::Error::from(ErrorKind::StorageFull), Path::new("/home/jdoe"));
        assert_eq!((full.why.as_str(), full.remedy), ("the disk of /home/jdoe is full", "free room there, then x"));
    }

    #[test]
    fn a_scribe_that_is_dropped_leaves_no_half_file() {
        let dir = tempfile::tempdir().unwrap();
        let scribe = Scribe::start(Some(dir.path().to_owned())).unwrap();
        assert!(scribe.take(begin(1)) && scribe.take(Job::Rows(vec![row(["a", "b"])])));
        drop(scribe);
        assert_eq!(names(dir.path()), [""; 0]);
    }
}
