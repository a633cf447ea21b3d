//! How the console exports: one at a time. Users are asked for window by window while the operator goes on to work.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::{App, BETWEEN_DRAWS};
use crate::model::allocation::{AllocationAsk, AllocationSeen, SharesLook};
use crate::model::{
    AuditAsk, AuditFrom, AuditLine, AuditLook, AuditSeen, Command, Exported, Fleet, Found, Key as TenantKey, Look,
    Seen, Tenant, Text, UsersLook, Verb,
};
use crate::tui::Options;
use crate::tui::export::{Body, Failed, Job, Progress, Sheet, Stream, Told};
use crate::tui::page::Page;
use crate::tui::screens::{CopyItem, Cx};
use crate::tui::theme::Meaning;
use crate::tui::words;

/// Windows that may lie with the writer while the next one is asked for.
const AHEAD: u32 = 2;

/// How long it is told where a file is, whatever is typed meanwhile.
const STANDS: SignedDuration = SignedDuration::from_secs(5);

/// From this width on it is told beside a path how the file is fetched.
const ROOMY: u16 = 70;

/// What is exported, and what went wrong before.
#[derive(Debug, Default)]
pub(super) struct Exports {
    last: u64,
    going: Option<Going>,
    jobs: Vec<Job>,
    done: Option<Done>,
    /// The newest file.
    file: Option<String>,
    failure: Option<Failure>,
}

/// A file that was written. It is told for a while, and then until a key is pressed: it may come amid other work.
#[derive(Debug)]
struct Done {
    said: String,
    path: String,
    at: Timestamp,
}

/// An export that goes on.
#[derive(Debug)]
struct Going {
    number: u64,
    noun: &'static str,
    instead: Cow<'static, str>,
    written: u64,
    /// How many there are, where that is known.
    of: Option<u64>,
    windows: Option<Windows>,
}

/// What is asked for window by window.
#[derive(Debug)]
struct Windows {
    of: Pages,
    asked: bool,
    ahead: u32,
    read: bool,
}

/// What is asked for window by window, with the next one.
#[derive(Debug)]
enum Pages {
    /// Users of a tenant, or of one of its units.
    Users { key: TenantKey, privacy: bool, next: Exported },
    /// Rows of the audit.
    Audit { json: bool, next: AuditLook },
}

impl Windows {
    fn of(of: Pages) -> Self {
        Self { of, asked: false, ahead: 0, read: false }
    }

    fn look(&self) -> Look {
        match &self.of {
            Pages::Users { next, .. } => Look::Export(Some(next.clone())),
            Pages::Audit { next, .. } => Look::ExportAudit(Box::new(next.clone())),
        }
    }

    const fn noun(&self) -> &'static str {
        match self.of {
            Pages::Users { .. } => "users",
            Pages::Audit { .. } => "rows of the audit",
        }
    }
}

/// Why there is no file. It stands until one is written.
#[derive(Debug)]
struct Failure {
    failed: Failed,
    instead: Cow<'static, str>,
    since: Timestamp,
    at: Timestamp,
    times: u64,
    /// Nothing was typed since: it is told in full.
    fresh: bool,
}

impl App {
    /// Writes what is shown to a file.
    pub(super) fn export(&mut self, now: Timestamp) {
        if let Some(why) = self.stack.last().and_then(|screen| screen.no_sheet()) {
            return self.say(why, false, now);
        }
        // Who may not export people with their names gets them masked, as from the service.
        let privacy = self.options.privacy || !self.options.role.may(Verb::ExportPeople);
        let options = Options { privacy, ..self.options.clone() };
        let cx = Cx::new(&self.fleet, now, &options, &self.notes);
        let sheet = self.stack.last().and_then(|screen| screen.sheet(&cx));
        self.begin(sheet, now);
    }

    /// Writes something that a screen gives to a file.
    pub(super) fn export_sheet(&mut self, sheet: Sheet, now: Timestamp) {
        self.begin(Some(sheet), now);
    }

    /// Writes a text that is read over the screen to a file.
    pub(super) fn export_text(
        &mut self,
        (name, instead): (&'static str, &'static str),
        lines: Vec<String>,
        now: Timestamp,
    ) {
        self.begin(Some(Sheet { name, instead, body: Body::Text(lines) }), now);
    }

    fn begin(&mut self, sheet: Option<Sheet>, now: Timestamp) {
        if let Some(said) = self.export_progress() {
            return self.say(said, false, now);
        }
        let empty = |body: &Body| matches!(body, Body::Rows { rows, .. } if rows.is_empty());
        let Some(Sheet { name, instead, body }) = sheet.filter(|sheet| !empty(&sheet.body)) else {
            return self.say("nothing here to export".to_owned(), false, now);
        };
        let instead = match &body {
            Body::Stream(Stream { command, .. }) | Body::Audit { command, .. } => format!("q, then {command}").into(),
            Body::Text(_) | Body::Json(_) | Body::Rows { .. } => Cow::Borrowed(instead),
        };
        self.exports.last += 1;
        let number = self.exports.last;
        let mut going = Going { number, noun: "row", instead, written: 0, of: None, windows: None };
        let titles = match &body {
            Body::Text(_) | Body::Json(_) | Body::Audit { json: true, .. } => None,
            Body::Audit { json: false, .. } => Some(AuditLine::COLUMNS.iter().map(|(_, member)| *member).collect()),
            Body::Rows { titles, .. } => Some(titles.clone()),
            Body::Stream(Stream { look: Exported::Users(look), .. }) => {
                Some(crate::tui::screens::users::titles(look.holding))
            }
            Body::Stream(Stream { look: Exported::Shares(_), .. }) => {
                Some(crate::tui::screens::allocation::people::titles())
            }
        };
        let ending = match &body {
            Body::Json(_) => "json",
            // An object a line.
            Body::Audit { .. } => "jsonl",
            Body::Text(_) | Body::Rows { .. } | Body::Stream(_) => "txt",
        };
        self.exports.jobs.push(Job::Begin { number, name, ending, at: now, titles });
        match body {
            Body::Text(lines) | Body::Json(lines) => {
                going.noun = "line";
                self.exports.jobs.extend([Job::Text(lines), Job::End]);
            }
            Body::Rows { rows, .. } => {
                going.of = Some(rows.len() as u64);
                self.exports.jobs.extend([Job::Rows(rows), Job::End]);
            }
            Body::Stream(Stream { key, look, privacy, .. }) => {
                going.noun = match look {
                    Exported::Users(_) => "user",
                    Exported::Shares(_) => "row",
                };
                going.windows = Some(Windows::of(Pages::Users { key, privacy, next: whole(look) }));
            }
            Body::Audit { look, json, .. } => going.windows = Some(Windows::of(Pages::Audit { json, next: look })),
        }
        self.exports.going = Some(going);
        if self.gone_at.is_some() {
            self.export_closed(now);
        }
        self.ask_window();
        self.draw_by(now);
    }

    /// Asks for the next window, if the writer keeps up and nobody was asked yet.
    pub(super) fn ask_window(&mut self) {
        let Some(windows) = self.exports.going.as_mut().and_then(|going| going.windows.as_mut()) else { return };
        if !windows.asked && !windows.read && windows.ahead < AHEAD {
            windows.asked = true;
            self.wishes.push(Command::Look(windows.look()));
        }
    }

    /// A window could not be asked for, since too many wishes are on their way: it is asked for again.
    pub(super) fn window_is_busy(&mut self, now: Timestamp) {
        if let Some(windows) = self.exports.going.as_mut().and_then(|going| going.windows.as_mut()) {
            windows.asked = false;
        }
        self.draw_by(now.checked_add(BETWEEN_DRAWS).unwrap_or(now));
    }

    /// Hears a window of what is exported.
    pub(super) fn export_seen(&mut self, seen: Seen, now: Timestamp) {
        let Some(going) = &mut self.exports.going else { return };
        let Some(windows) = going.windows.as_mut().filter(|windows| windows.asked && windows.look() == seen.look)
        else {
            return;
        };
        let job = match (&mut windows.of, seen.found) {
            (Pages::Users { key, privacy, next }, Ok(found)) => {
                let (rows, all, job) = match (&*next, found) {
                    (Exported::Users(look), Found::Users(mut users)) => {
                        // The last window is laid so that it is full: its first rows are written already.
                        let known = usize::try_from(look.from.saturating_sub(users.from)).unwrap_or(usize::MAX);
                        users.rows.drain(..known.min(users.rows.len()));
                        going.of = Some(users.matched);
                        let (rows, matched) = (look.from + users.rows.len() as u64, users.matched);
                        let of = (look.holding, *privacy);
                        ((users.rows.len(), rows), matched, Job::Users { seen: users, tenant: key.tenant, of })
                    }
                    (Exported::Shares(look), Found::Allocation(found)) => {
                        let (AllocationAsk::Users(asked), AllocationSeen::Users(mut seen)) = (&look.ask, *found) else {
                            return;
                        };
                        let known = usize::try_from(asked.from.saturating_sub(seen.from)).unwrap_or(usize::MAX);
                        seen.rows.drain(..known.min(seen.rows.len()));
                        let (rows, matched) = (asked.from + seen.rows.len() as u64, seen.matched);
                        let (unit, privacy) = (asked.unit.clone(), *privacy);
                        ((seen.rows.len(), rows), matched, Job::Shares { seen, unit, privacy })
                    }
                    _ => return,
                };
                let (count, reached) = rows;
                next.go_on(reached);
                windows.read = count == 0 || reached >= all;
                Ok(job)
            }
            (Pages::Audit { json, next }, Ok(Found::Audit(found))) => {
                windows.read = found.is_end;
                if let (AuditAsk::Rows(rows), Some(number)) = (&mut next.ask, found.reached) {
                    rows.from = AuditFrom::Before(number);
                }
                deeds(&found, *json, &self.fleet)
            }
            (Pages::Audit { .. }, Ok(_)) => return,
            (_, Err(why)) => Err(why),
        };
        let job = match job {
            Ok(job) => job,
            Err(why) => {
                let failed = refused(windows.noun(), &why);
                return self.export_failed(failed, now);
            }
        };
        windows.asked = false;
        windows.ahead += 1;
        self.exports.jobs.push(job);
        if windows.read {
            self.exports.jobs.push(Job::End);
            self.wishes.push(Command::Look(Look::Export(None)));
        }
        self.ask_window();
    }

    /// The picture changed: users that were replaced meanwhile are not written to their end.
    pub(super) fn export_changed(&mut self, now: Timestamp) {
        let Some(windows) = self.exports.going.as_ref().and_then(|going| going.windows.as_ref()) else { return };
        // What users of a unit bear is reckoned once, and held.
        let Pages::Users { key, next: Exported::Users(next), .. } = &windows.of else { return };
        let good = self.fleet.tenants.get(key).and_then(|tenant| tenant.users.good.as_ref());
        if !windows.read && good.map(|good| good.snapshot) != Some(next.users) {
            let why = "a newer import replaced the users while they were read".to_owned();
            let short = "newer import".to_owned();
            self.export_failed(Failed { short, why, remedy: "x reads the new ones" }, now);
        }
    }

    /// Hears what came of a job.
    pub(crate) fn exported(&mut self, told: Told, now: Timestamp) {
        let Some(going) = self.exports.going.as_mut().filter(|going| going.number == told.number) else { return };
        match told.what {
            Progress::Wrote(rows) => {
                going.written = rows;
                if let Some(windows) = &mut going.windows {
                    windows.ahead = windows.ahead.saturating_sub(1);
                }
                self.ask_window();
                let next = self.drawn_at.and_then(|drawn| drawn.checked_add(BETWEEN_DRAWS).ok());
                self.draw_by(next.map_or(now, |next| next.max(now)));
            }
            Progress::Done { path, rows } => {
                let said = format!("exported {}: ", words::of(rows, going.noun));
                self.exports.going = None;
                self.exports.failure = None;
                let path = path.display().to_string();
                self.exports.file = Some(path.clone());
                self.exports.done = Some(Done { said, path, at: now });
                self.message = self.message.take().filter(|message| message.error);
                self.draw_by(now);
            }
            Progress::Failed(failed) => self.export_failed(failed, now),
        }
    }

    /// The writer takes nothing any more.
    pub(crate) fn export_stuck(&mut self, now: Timestamp) {
        let why = "the disk does not answer".to_owned();
        self.export_failed(
            Failed { short: "disk hangs".to_owned(), why, remedy: "start with --export-dir DIR, then x" },
            now,
        );
    }

    /// The engine is gone: users that were not read are not written.
    pub(super) fn export_closed(&mut self, now: Timestamp) {
        let windows = self.exports.going.as_ref().and_then(|going| going.windows.as_ref());
        if let Some(windows) = windows.filter(|windows| !windows.read) {
            let why = format!("the server is gone, and with it the {} that were not yet read", windows.noun());
            self.export_failed(Failed { short: "server gone".to_owned(), why, remedy: "start the console again" }, now);
        }
    }

    fn export_failed(&mut self, failed: Failed, now: Timestamp) {
        let Some(going) = self.end_export() else { return };
        let before = self.exports.failure.take();
        self.exports.failure = Some(Failure {
            failed,
            instead: going.instead,
            since: before.as_ref().map_or(now, |before| before.since),
            at: now,
            times: before.map_or(0, |before| before.times) + 1,
            fresh: true,
        });
        self.draw_by(now);
    }

    /// Stops the export that goes on; whether there was one.
    pub(super) fn stop_export(&mut self, now: Timestamp) -> bool {
        let Some(going) = self.end_export() else { return false };
        self.say(format!("export stopped at {}; no file is left", words::of(going.written, going.noun)), false, now);
        true
    }

    fn end_export(&mut self) -> Option<Going> {
        let going = self.exports.going.take()?;
        self.exports.jobs.push(Job::Drop);
        if going.windows.is_some() {
            self.wishes.retain(|wish| !matches!(wish, Command::Look(look) if look.is_export()));
            self.wishes.push(Command::Look(Look::Export(None)));
        }
        Some(going)
    }

    /// A key was pressed: what was done a while ago is told no more, and a failure in short.
    pub(super) fn export_was_read(&mut self, now: Timestamp) {
        self.exports.done = self.exports.done.take().filter(|done| now.duration_since(done.at) < STANDS);
        if let Some(failure) = &mut self.exports.failure {
            failure.fresh = false;
        }
    }

    /// The command that fetches the newest file to the operator's side; absent without one, or where no line is between.
    pub(super) fn fetch(&self) -> Option<CopyItem> {
        let (file, from) = (self.exports.file.as_deref()?, self.options.fetched_from.as_deref()?);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
        let quote = if file.chars().all(plain) { "" } else { "\"" };
        let text = format!("scp {quote}{from}:{file}{quote} .");
        Some(CopyItem { letter: 'f', what: "the command that fetches the last export, for your side", text })
    }

    /// Jobs for the writer, in order.
    pub(crate) fn take_jobs(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.exports.jobs)
    }

    /// Whether an export goes on.
    pub(crate) fn is_exporting(&self) -> bool {
        self.exports.going.is_some()
    }

    /// What came of the last export, if it is still to be told, and when.
    pub(super) fn export_said(&self, now: Timestamp) -> Option<(Timestamp, String)> {
        let Exports { done, failure, .. } = &self.exports;
        let done = done.as_ref().map(|done| (done.at, format!("{}{}", done.said, done.path)));
        done.or_else(|| failure.as_ref().filter(|failure| failure.fresh).map(|f| (f.at, f.told(now))))
    }

    /// How far the export is; absent where none goes on.
    pub(super) fn export_progress(&self) -> Option<String> {
        let going = self.exports.going.as_ref()?;
        let of = match going.of {
            Some(of) => format!("{} of {}", words::count(going.written), words::of(of, going.noun)),
            None => words::of(going.written, going.noun),
        };
        Some(format!("exporting {of}; Esc stops it"))
    }

    /// Draws how far an export is, where its file is, or why the last one failed. Whether there was something to draw
    /// that is newer than the error in the message row.
    pub(super) fn draw_export(&self, page: &mut Page<'_>, cx: &Cx<'_>, y: u16) -> bool {
        let width = page.main.width;
        if let Some(said) = self.export_progress() {
            page.put(0, y, width, &said, Meaning::Active);
            return true;
        }
        if let Some(done) = &self.exports.done {
            let said = format!("{} {}", words::when(done.at, cx.now), done.said);
            let hint = match &cx.options.fetched_from {
                Some(_) if width >= ROOMY => format!("  {} f: how to fetch it", cx.key("copy")),
                Some(_) | None => String::new(),
            };
            let room = usize::from(width).saturating_sub(said.len() + hint.len());
            page.put(0, y, width, &format!("{said}{}{hint}", end(&done.path, room)), Meaning::Plain);
            return true;
        }
        let error = self.message.as_ref().map_or(Timestamp::MIN, |message| message.at);
        let Some(failure) = self.exports.failure.as_ref().filter(|failure| failure.at >= error) else { return false };
        if !failure.fresh {
            page.put(0, y, width, &failure.short(cx.now), Meaning::Broken);
            return true;
        }
        let lines = words::wrap(&failure.full(cx.now), usize::from(width));
        let top = y.saturating_sub(u16::try_from(lines.len()).unwrap_or(1) - 1).max(page.main.y);
        for (line, y) in lines.iter().zip(top..=y) {
            page.put(0, y, width, &" ".repeat(usize::from(width)), Meaning::Plain);
            page.put(0, y, width, line, Meaning::Broken);
        }
        true
    }
}

impl Failure {
    fn short(&self, now: Timestamp) -> String {
        let at = words::when(self.at, now);
        format!("{at} not exported: {}{}.  x tries again", self.failed.short, self.often(now))
    }

    /// What did not work; since when, how often; who acts; the next key, and what works instead.
    fn full(&self, now: Timestamp) -> String {
        format!("{} {}", words::when(self.at, now), self.told(now))
    }

    fn told(&self, now: Timestamp) -> String {
        let Failed { why, remedy, .. } = &self.failed;
        format!("not exported: {why}{}.  You: {remedy}.  Or: {}", self.often(now), self.instead)
    }

    fn often(&self, now: Timestamp) -> String {
        match self.times {
            1 => String::new(),
            n => format!(" ({} since {})", words::of(n, "try"), words::when(self.since, now)),
        }
    }
}

/// A path, or as much of its end as fits behind a `~`.
fn end(path: &str, width: usize) -> Cow<'_, str> {
    use unicode_segmentation::UnicodeSegmentation;
    use unicode_width::UnicodeWidthStr;
    if path.width() <= width {
        return Cow::Borrowed(path);
    }
    let mut used = 1;
    let fits = path.grapheme_indices(true).rev().take_while(|(_, grapheme)| {
        used += grapheme.width();
        used <= width
    });
    let from = fits.last().map_or(path.len(), |(at, _)| at);
    Cow::Owned(format!("~{}", path.get(from..).unwrap_or_default()))
}

/// All that a look shows, from the first window on.
fn whole(look: Exported) -> Exported {
    match look {
        Exported::Users(look) => {
            Exported::Users(UsersLook { from: 0, count: UsersLook::MOST_EXPORTED, at: None, ..look })
        }
        Exported::Shares(mut look) => {
            if let AllocationAsk::Users(shares) = &mut look.ask {
                (shares.from, shares.count, shares.at) = (0, SharesLook::MOST_EXPORTED, None);
            }
            Exported::Shares(look)
        }
    }
}

fn refused(noun: &str, why: &Text) -> Failed {
    let why = format!("the {noun} could not be read: {why}");
    Failed { short: format!("{noun} not read"), why, remedy: "x tries again" }
}

/// Rows of the audit for the writer, as the command writes them.
fn deeds(found: &AuditSeen, json: bool, fleet: &Fleet) -> Result<Job, Text> {
    let lines = found.rows.iter().map(|row| AuditLine::of(row, |key| fleet.tenants.get(key).map(Tenant::title)));
    if !json {
        return Ok(Job::Rows(lines.map(|line| line.cells()).collect()));
    }
    let objects: Result<Vec<String>, _> = lines.map(|line| serde_json::to_string(&line)).collect();
    objects.map(Job::Text).map_err(|error| error.to_string().into())
}
