use std::collections::BTreeSet;

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::footer;
use crate::model::{
    Command, Entry, Fleet, Job, JobState, Key as TenantKey, Run, RunId, RunState, Set, State, Step, WaitReason,
};
use crate::tui::confirm::{Confirm, Need};
use crate::tui::keys::{Bind, Key, bind, find};
use crate::tui::listing::Listing;
use crate::tui::view::{Effect, Look, Room, ScreenId, View};
use crate::tui::words::{bytes, clock_seconds, count, fit, plural, right, span};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Open,
    Cancel,
    CancelTenant,
    Why,
    Licenses,
}

pub(super) const KEYS: &[Bind<Act>] = &[
    bind(Key::Enter, Act::Open, "open", "open: why it failed, or its licenses"),
    bind(Key::Char('c'), Act::Cancel, "cancel run", "cancel the run (asks); what is saved stays saved"),
    bind(Key::Char('x'), Act::CancelTenant, "cancel tenant", "cancel this tenant in the run (asks)"),
    bind(Key::Char('e'), Act::Why, "why", "explain: why it fails"),
    bind(Key::Char('l'), Act::Licenses, "licenses", "its license counts"),
];

/// One import run, live or over.
pub(in crate::tui) struct RunScreen {
    pub(super) run: RunId,
    pub(super) list: Listing<TenantKey>,
}

impl RunScreen {
    pub(super) fn new(run: RunId) -> Self {
        Self { run, list: Listing::default() }
    }

    pub(super) fn press(&mut self, key: Key, look: Look<'_>) -> Effect {
        let Some(act) = find(KEYS, key) else { return Effect::Unbound };
        let run = look.fleet.runs.get(&self.run);
        let current = self.list.current().and_then(|key| look.fleet.tenants.get(key));
        let going = run.is_some_and(|run| run.state == RunState::Running);
        match act {
            Act::Cancel if !going => Effect::Say(format!("run {} is over", self.run)),
            Act::Cancel => {
                let mine = run.is_some_and(|run| run.by == look.options.operator);
                let command = Command::Cancel { run: self.run, tenant: None };
                let by = run.map(|run| run.by.to_string()).unwrap_or_default();
                let saved = "What is saved stays saved; the others keep their old data.";
                let (question, need, command) = if mine {
                    (format!("Cancel run {}? {saved}", self.run), Need::Yes, Some(command))
                } else {
                    let question = format!("Cancel run {} of {by}? Type its number. {saved}", self.run);
                    (question, Need::Type(vec![(self.run.to_string(), command)]), None)
                };
                Effect::Ask(Box::new(Confirm::new(question, Vec::new(), need, command)))
            }
            Act::CancelTenant => match current {
                Some(tenant) if tenant.active.as_ref().is_some_and(|active| active.run == self.run) => {
                    let question = format!("Cancel {} in run {}? Its old data stay.", tenant.title(), self.run);
                    let command = Command::Cancel { run: self.run, tenant: Some(tenant.key.clone()) };
                    Effect::Ask(Box::new(Confirm::new(question, Vec::new(), Need::Yes, Some(command))))
                }
                Some(tenant) => Effect::Say(format!("{} is over in this run", tenant.title())),
                None => Effect::Nothing,
            },
            Act::Open | Act::Why => match current {
                Some(tenant) if tenant.failing().is_some() => Effect::Open(ScreenId::Why(tenant.key.clone())),
                Some(tenant) if act == Act::Open => Effect::Open(ScreenId::Licenses(tenant.key.clone())),
                Some(tenant) => Effect::Say(format!("nothing refuses {}", tenant.title())),
                None => Effect::Nothing,
            },
            Act::Licenses => current.map_or(Effect::Nothing, |t| Effect::Open(ScreenId::Licenses(t.key.clone()))),
        }
    }

    pub(super) fn counts_seconds(&self, fleet: &Fleet) -> bool {
        fleet.runs.get(&self.run).is_some_and(|run| run.state == RunState::Running)
    }

    pub(super) fn follow(&mut self, look: Look<'_>) {
        let Some(run) = look.fleet.runs.get(&self.run) else { return };
        if self.list.is_stale() || self.list.len() == 0 {
            let mut keys: Vec<TenantKey> = run.jobs.keys().cloned().collect();
            keys.sort_by_cached_key(|key| (order(run.jobs.get(key)), title(look, key).to_lowercase(), key.clone()));
            self.list.set(keys);
        } else {
            let belonging: BTreeSet<TenantKey> = run.jobs.keys().cloned().collect();
            self.list.follow(|key| run.jobs.contains_key(key), &belonging);
            if self.list.new > 0 {
                // Tenants that joined the queue stand at its end.
                let mut keys = self.list.rows().to_vec();
                let known: BTreeSet<TenantKey> = keys.iter().cloned().collect();
                keys.extend(belonging.into_iter().filter(|key| !known.contains(key)));
                self.list.set(keys);
            }
        }
    }

    pub(super) fn view(&mut self, look: Look<'_>, room: Room) -> View {
        let path = format!("Runs > {}", self.run);
        let Some(run) = look.fleet.runs.get(&self.run) else {
            let top = vec![Line::raw(format!("Run {} is not known here.", self.run))];
            return View { path, top, footer: footer(KEYS), ..View::default() };
        };
        if self.list.is_stale() {
            self.follow(look);
        }
        let (keys, cursor) = self.list.window(room.rows);
        let name = room.width.saturating_sub(2 + 10 + 1 + 18 + 8 + 1 + 6 + 1 + 12).max(14);
        let mut rows: Vec<Line<'static>> =
            keys.iter().filter_map(|key| run.jobs.get(key).map(|job| line(key, job, look, name))).collect();
        if rows.is_empty() {
            rows.push(Line::raw(if run.state == RunState::Running {
                "  signing in and reading the customer list"
            } else {
                "  no tenant in it"
            }));
        }
        let current = self.list.current().and_then(|key| run.jobs.get(key).map(|job| (key, job)));
        let log: Vec<Line<'static>> = current.map(|(_, job)| log(job, look)).unwrap_or_default();
        let earlier = log.len().saturating_sub(room.detail);
        View {
            path,
            top: vec![headline(run), progress(run, look), third(run, look)],
            header: Some(Line::raw(format!(
                "  {:<10}{} {:<18}{:>8} {:>6} RESULT",
                "STATE",
                fit("TENANT", name),
                "STEP",
                "ROWS",
                "TIME"
            ))),
            rows,
            cursor,
            rule: current.map(|(key, _)| title(look, key)).unwrap_or_default(),
            detail: log.iter().skip(earlier).cloned().collect(),
            pane: std::iter::once(Line::styled("STEPS", look.theme.title())).chain(log).collect(),
            footer: footer(KEYS),
        }
    }
}

/// Running ones first, then those that wait, then those that went wrong.
fn order(job: Option<&Job>) -> u8 {
    match job.map(|job| job.state) {
        Some(JobState::Running) => 0,
        Some(JobState::Queued) => 1,
        Some(JobState::Failed) => 2,
        Some(JobState::HeldBack) => 3,
        Some(JobState::Partial) => 4,
        Some(JobState::Cancelled) => 5,
        Some(JobState::Ok) | None => 6,
    }
}

pub(super) fn title(look: Look<'_>, key: &TenantKey) -> String {
    look.fleet.tenants.get(key).map_or_else(|| key.to_string(), |tenant| tenant.title().to_owned())
}

fn headline(run: &Run) -> Line<'static> {
    let reason = run.reason.as_ref().map_or_else(String::new, |reason| format!(", reason \"{reason}\""));
    let what = super::runs::kind(run.kind);
    let at = clock_seconds(run.started_at);
    Line::raw(format!("{what} of {}, by {}{reason}, started {at}", plural(run.tenants, "tenant"), run.by))
}

/// Counted, not animated.
fn progress(run: &Run, look: Look<'_>) -> Line<'static> {
    const WIDTH: u64 = 24;
    let done = run.ok + run.failed;
    let filled = (done * WIDTH).checked_div(run.tenants).unwrap_or(0);
    let filled = usize::try_from(filled.min(WIDTH)).unwrap_or(0);
    let bar = format!("[{}{}]", "#".repeat(filled), "-".repeat(24 - filled));
    let (queued, running) = run.open();
    let until = run.ended_at.unwrap_or(look.now);
    let time = span(until.as_second() - run.started_at.as_second());
    let state =
        if run.state == RunState::Running { String::new() } else { format!("  {}", super::runs::state(run.state)) };
    Line::raw(format!(
        "{bar}  {done} of {} done  {running} running  {queued} queued  {} not saved  {time}{state}",
        run.tenants, run.failed
    ))
}

fn third(run: &Run, look: Look<'_>) -> Line<'static> {
    if let Some((partner, failure)) = run.refused.first() {
        let said = format!("! partner {partner}: {} [{}]. US.", failure.class.meaning(), failure.cause());
        return Line::styled(said, look.theme.alert());
    }
    let totals = &run.totals;
    Line::raw(format!(
        "{} requests, {} repeats, {} of waits, {}, {}",
        count(totals.requests),
        count(totals.retries),
        span(i64::try_from(totals.waits_ms / 1000).unwrap_or(0)),
        bytes(totals.bytes),
        plural(totals.users, "user")
    ))
}

fn word(state: JobState) -> (&'static str, char, State) {
    match state {
        JobState::Queued => ("QUEUED", '.', State::Queued),
        JobState::Running => ("RUNNING", '>', State::Running),
        JobState::Ok => ("OK", '+', State::Ok),
        JobState::Partial => ("PARTIAL", '%', State::Partial),
        JobState::Failed => ("FAILED", '?', State::Failed),
        JobState::HeldBack => ("HELD", '~', State::Stale),
        JobState::Cancelled => ("CANCEL", '-', State::Never),
    }
}

fn line(key: &TenantKey, job: &Job, look: Look<'_>, name: usize) -> Line<'static> {
    let (word, sign, state) = word(job.state);
    let step = match job.state {
        JobState::Queued if job.log.is_empty() => "waits for a slot".to_owned(),
        JobState::Queued | JobState::Running => step_words(job.log.last().map(|entry| &entry.step)),
        JobState::Ok => "saved".to_owned(),
        JobState::Partial => "partly saved".to_owned(),
        JobState::Failed => "refused".to_owned(),
        JobState::HeldBack => "held back".to_owned(),
        JobState::Cancelled => "cancelled".to_owned(),
    };
    let time = job.started_at.map_or_else(
        || "-".to_owned(),
        |started| span(job.ended_at.unwrap_or(look.now).as_second() - started.as_second()),
    );
    let rows = if job.rows > 0 || job.state == JobState::Ok { count(job.rows) } else { "-".to_owned() };
    Line::from(vec![
        Span::raw("  "),
        Span::styled(format!("{sign} {word:<8}"), look.theme.state(state)),
        Span::raw(format!(
            "{} {}{} {} {}",
            fit(&title(look, key), name),
            fit(&step, 18),
            right(&rows, 8),
            right(&time, 6),
            result(job)
        )),
    ])
}

/// What came of it, in a few words.
fn result(job: &Job) -> String {
    for entry in job.log.iter().rev() {
        match &entry.step {
            Step::Failed { failure, .. } => return failure.cause(),
            Step::HeldBack { .. } => return "held back".to_owned(),
            Step::Saved { set: Set::Users, rows, before: Some(before) } if job.state.is_over() => {
                let (rows, before) = (i64::try_from(*rows).unwrap_or(0), i64::try_from(*before).unwrap_or(0));
                return match rows - before {
                    0 => "same number".to_owned(),
                    more if more > 0 => format!("+{more} users"),
                    less => format!("{less} users"),
                };
            }
            Step::Saved { set: Set::Users, before: None, .. } if job.state.is_over() => {
                return "first import".to_owned();
            }
            Step::SignedIn { .. }
            | Step::NewToken
            | Step::Pages { .. }
            | Step::Waiting { .. }
            | Step::Restarted
            | Step::Merged { .. }
            | Step::Saved { .. }
            | Step::Cancelled => {}
        }
    }
    String::new()
}

/// A step in a few words, as something that goes on.
pub(super) fn step_words(step: Option<&Step>) -> String {
    match step {
        None => "signs in".to_owned(),
        Some(Step::SignedIn { .. } | Step::NewToken) => "1/3 asks users".to_owned(),
        Some(Step::Pages { set: Set::Users, last, .. }) => format!("2/3 users page {last}"),
        Some(Step::Pages { set: Set::Skus, .. }) => "3/3 checks, saves".to_owned(),
        Some(Step::Waiting { reason, ms, .. }) => format!("waits {} s, {}", ms.div_ceil(1000), why(*reason)),
        Some(Step::Restarted) => "from page 1 again".to_owned(),
        Some(Step::Merged { .. } | Step::Saved { .. }) => "saves".to_owned(),
        Some(Step::HeldBack { .. }) => "held back".to_owned(),
        Some(Step::Failed { set: Set::Users, .. }) => "3/3 asks SKUs".to_owned(),
        Some(Step::Failed { set: Set::Skus, .. }) => "SKUs refused".to_owned(),
        Some(Step::Cancelled) => "cancelled".to_owned(),
    }
}

fn why(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::Throttled => "429",
        WaitReason::Fault => "fault",
        WaitReason::Network => "network",
    }
}

/// Everything that happened to a tenant, a line each; a wait that goes on counts down.
fn log(job: &Job, look: Look<'_>) -> Vec<Line<'static>> {
    let last = job.log.len();
    job.log
        .iter()
        .enumerate()
        .map(|(n, entry)| {
            let open = n + 1 == last && !job.state.is_over();
            Line::styled(format!("  {} {}", clock_seconds(entry.at), entry_words(entry, open, look.now)), Style::new())
        })
        .collect()
}

fn entry_words(entry: &Entry, open: bool, now: Timestamp) -> String {
    match &entry.step {
        Step::SignedIn { ms } => format!("sign-in ok, {}.{} s", ms / 1000, ms / 100 % 10),
        Step::NewToken => "a new token".to_owned(),
        Step::Pages { set, first, last, rows, bytes: n } => {
            let pages = if first == last { format!("page {first}") } else { format!("pages {first}-{last}") };
            let what = if *set == Set::Users { "users" } else { "SKUs" };
            let size = if *n > 0 { format!(", {}", bytes(*n)) } else { String::new() };
            format!("{what} {pages}, {} rows{size}", count(*rows))
        }
        Step::Waiting { reason, status, ms, attempt } => {
            let status = status.map_or_else(String::new, |status| format!(" ({status})"));
            let what = match reason {
                WaitReason::Throttled => format!("too many calls{status}: it asked for {} s", ms.div_ceil(1000)),
                WaitReason::Fault => format!("a passing fault{status}: try {attempt} in {} s", ms.div_ceil(1000)),
                WaitReason::Network => format!("no answer: try {attempt} in {} s", ms.div_ceil(1000)),
            };
            let over = entry.at.as_millisecond().saturating_add(i64::try_from(*ms).unwrap_or(i64::MAX));
            let left = (over - now.as_millisecond() + 999) / 1000;
            if open && left > 0 { format!("{what}; {left} s left") } else { format!("{what}; waited") }
        }
        Step::Restarted => "the page token expired: from page 1 again".to_owned(),
        Step::Merged { duplicates } => format!("{} came twice, merged", plural(*duplicates, "user")),
        Step::Saved { set, rows, before } => {
            let what = if *set == Set::Users { "users" } else { "SKUs" };
            let before = before.map_or_else(|| "for the first time".to_owned(), |n| format!("{} before", count(n)));
            format!("{} {what} saved, {before}", count(*rows))
        }
        Step::HeldBack { why } => format!("held back: {why}. Old data kept."),
        Step::Failed { set, failure } => {
            let what = if *set == Set::Users { "users" } else { "SKUs" };
            format!("{what} refused: {} [{}]", failure.class.meaning(), failure.cause())
        }
        Step::Cancelled => "cancelled; old data kept".to_owned(),
    }
}
