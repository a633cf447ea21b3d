//! Whoever else is at the service, and what the line to it says: who is here, what a role may, a service that is away.

use std::sync::Arc;

use jiff::Timestamp;

use super::App;
use crate::model::{Caller, Command, Key as TenantKey, Present, RunState, SessionId, Text, Verb};
use crate::tui::keys::Shown;
use crate::tui::overlays::{Answer, Question};
use crate::tui::page::Line;
use crate::tui::screens::{Cx, Effect, ScreenId};
use crate::tui::words;

/// What a service says beside facts.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Who is here; nobody without a service.
    present: Arc<[Present]>,
    /// Which tenant the others were told of last.
    told: Option<TenantKey>,
    /// Since when the service does not answer, and when it is tried again.
    lost: Option<(Timestamp, Timestamp)>,
    /// From when on something may have happened unseen.
    away_from: Option<Timestamp>,
    /// Why the session is over.
    pub(super) over: Option<Text>,
}

impl App {
    /// Hears who this is to the service.
    pub(super) fn hear_you(&mut self, caller: &Caller, last_here: Option<Timestamp>) {
        self.options.operator = caller.name.to_string();
        self.options.role = caller.role;
        self.others.away_from = self.others.away_from.or(last_here);
        self.others.told = None;
        self.stale = true;
    }

    pub(super) fn hear_present(&mut self, present: Arc<[Present]>, now: Timestamp) {
        self.others.present = present;
        self.draw_by(now);
    }

    /// The service does not answer; what is shown stays.
    pub(super) fn hear_lost(&mut self, since: Timestamp, again: Timestamp, now: Timestamp) {
        self.others.lost = Some((since, again));
        self.others.away_from = Some(self.others.away_from.unwrap_or(since));
        self.others.present = Arc::default();
        self.closed(since);
        self.draw_by(now);
    }

    /// The session is over: nothing comes any more.
    pub(super) fn hear_over(&mut self, why: Text, now: Timestamp) {
        self.others.over = Some(why);
        self.others.lost = None;
        self.closed(now);
        self.draw_by(now);
    }

    /// The whole picture came: what ended since the last one is told.
    pub(super) fn came_back(&mut self, now: Timestamp) {
        self.others.lost = None;
        let Some(from) = self.others.away_from.take() else { return };
        // Whoever was lost sees nothing of what was asked for before.
        self.asked = None;
        let over = self.fleet.runs.values().filter(|run| run.ended_at.is_some_and(|at| at > from));
        let (mut done, mut failed) = (0, Vec::new());
        for run in over {
            done += 1;
            let bad = run.jobs.iter().filter(|(_, job)| job.state.is_over() && job.refused().is_some());
            failed.extend(bad.map(|(key, _)| key));
            if run.state == RunState::Refused {
                failed.extend(run.jobs.keys());
            }
        }
        if done == 0 {
            return;
        }
        failed.sort_unstable();
        failed.dedup();
        let named = |key: &&TenantKey| self.fleet.tenants.get(*key).map(|tenant| tenant.title().to_owned());
        let refused = match (failed.len(), failed.first().and_then(named)) {
            (0, _) => String::new(),
            (1, Some(name)) => format!(", 1 refused: {name}"),
            (n, _) => format!(", {} refused", words::of(n as u64, "tenant")),
        };
        let away = words::long_span(now.duration_since(from).as_secs().max(0));
        let text = format!("while you were away ({away}): {} done{refused}", words::of(done, "run"));
        self.say(format!("{text}   {} shows runs", self.options.keymap.hint("runs")), false, now);
    }

    /// What the message row says as long as the service does not answer, or for ever when the session is over.
    pub(super) fn line_says(&self, now: Timestamp) -> Option<(String, Option<Timestamp>)> {
        if let Some(why) = &self.others.over {
            return Some((format!("{why}; what you see stays, and nothing can be started"), None));
        }
        let (since, again) = self.others.lost?;
        let seen = self.heard_at.map_or_else(String::new, |at| format!("; data of {} stay", words::when(at, now)));
        let wait = again.duration_since(now).as_secs().max(0);
        let next = if wait > 0 { words::later(now, 1) } else { words::later(now, 5) };
        let retry = if wait > 0 { format!("retry in {wait} s") } else { "retries".to_owned() };
        let since = words::when(since, now);
        Some((format!("server not answering since {since}{seen}; {retry}"), Some(next)))
    }

    /// Somebody else who looks at the tenant that the screen on top shows.
    pub(super) fn also_here(&self) -> Option<String> {
        let at = self.tenant_on_top()?;
        let others = self.others.present.iter().filter(|one| one.at.as_ref() == Some(&at));
        let mut names: Vec<&str> =
            others.map(|one| one.name.as_str()).filter(|name| *name != self.options.operator).collect();
        names.sort_unstable();
        names.dedup();
        (!names.is_empty()).then(|| format!("also looking at it: {}", names.join(", ")))
    }

    /// The tenant of the screen on top.
    fn tenant_on_top(&self) -> Option<TenantKey> {
        match self.screen() {
            Some(
                ScreenId::Why(key)
                | ScreenId::Licenses(key)
                | ScreenId::LicenseHistory(key, _)
                | ScreenId::Users(key)
                | ScreenId::Holders(key, _)
                | ScreenId::Counts(key, _)
                | ScreenId::History(key)
                | ScreenId::Diff(key)
                | ScreenId::Allocation(key)
                | ScreenId::AllocationUsers(key, ..)
                | ScreenId::AllocationPrices(key, _)
                | ScreenId::AllocationWhy(key, ..)
                | ScreenId::Audit(Some(key)),
            ) => Some(key),
            Some(
                ScreenId::Tenants
                | ScreenId::Audit(None)
                | ScreenId::Runs
                | ScreenId::Run(_)
                | ScreenId::Expiries
                | ScreenId::FleetLicenses
                | ScreenId::ProductTenants(_),
            )
            | None => None,
        }
    }

    /// Tells the others which tenant is looked at, once it is another one.
    pub(super) fn tell_where(&mut self) {
        if self.others.present.is_empty() || self.gone_at.is_some() {
            return;
        }
        let at = self.tenant_on_top();
        if self.others.told != at {
            self.others.told.clone_from(&at);
            self.wishes.push(Command::At(at));
        }
    }

    /// Why the role may not do what a key does; absent if it may.
    pub(super) fn refused(&self, verb: Verb) -> Option<String> {
        (!self.options.role.may(verb)).then(|| self.options.role.refusal(verb))
    }

    /// Keys that the role may not use say why.
    pub(super) fn by_role(&self, rows: &mut [Shown]) {
        for row in rows {
            let why = Verb::of_key(row.name).and_then(|verb| self.refused(verb));
            row.dead = why.or(row.dead.take());
        }
    }

    /// The audit of what is at hand: of the tenant, of the run, else all of it.
    pub(super) fn audit_here(&self, now: Timestamp) -> Result<Effect, String> {
        let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
        let Some(screen) = self.stack.last() else { return Ok(Effect::Nothing) };
        match screen.id() {
            ScreenId::Audit(None) => return Err("this is the audit of all".to_owned()),
            ScreenId::Audit(Some(_)) => return Ok(Effect::Open(ScreenId::Audit(None))),
            ScreenId::Tenants
            | ScreenId::Why(_)
            | ScreenId::Licenses(_)
            | ScreenId::LicenseHistory(..)
            | ScreenId::Users(_)
            | ScreenId::Holders(..)
            | ScreenId::Counts(..)
            | ScreenId::History(_)
            | ScreenId::Diff(_)
            | ScreenId::Allocation(_)
            | ScreenId::AllocationUsers(..)
            | ScreenId::AllocationPrices(..)
            | ScreenId::AllocationWhy(..)
            | ScreenId::Runs
            | ScreenId::Run(_)
            | ScreenId::Expiries
            | ScreenId::FleetLicenses
            | ScreenId::ProductTenants(_) => {}
        }
        match (screen.subjects(&cx).as_slice(), screen.run_here()) {
            ([key], _) => Ok(Effect::Open(ScreenId::Audit(Some(key.clone())))),
            ([], Some(run)) => Ok(Effect::Narrow(ScreenId::Audit(None), format!("run:={run}"))),
            ([], None) => Ok(Effect::Open(ScreenId::Audit(None))),
            (many, _) => Err(format!("{} are marked: one at a time", words::of(many.len() as u64, "tenant"))),
        }
    }

    /// Who is here, over the screen.
    pub(super) fn sessions(&self, now: Timestamp) -> Effect {
        if self.others.present.is_empty() {
            return Effect::Say("nobody else can be here: there is no service".to_owned());
        }
        let row = |one: &Present| {
            let at = one.at.as_ref().and_then(|key| self.fleet.tenants.get(key));
            let at = at.map_or_else(|| "-".to_owned(), |tenant| tenant.title().to_owned());
            let (name, role) = (words::cut(&one.name, 16).into_owned(), one.role.word());
            format!("{:>7}  {name:<16}  {role:<8}  {:>5}  {at}", one.session, words::age(one.since, now).0)
        };
        let mut lines: Vec<Line> = vec!["SESSION  WHO               ROLE      SINCE  LOOKS AT".into()];
        lines.extend(self.others.present.iter().map(|one| Line::from(row(one))));
        if self.options.role.may(Verb::Kick) {
            lines.push("".into());
            lines.push(":kick SESSION ends one; what runs goes on".into());
        }
        Effect::Show { title: "sessions".to_owned(), lines }
    }

    /// Asks whether a session is to be ended.
    pub(super) fn kick(&self, session: SessionId, now: Timestamp) -> Result<Effect, String> {
        let found = self.others.present.iter().find(|one| one.session == session);
        let one = found.ok_or_else(|| format!("no session {session} is known; :sessions shows them"))?;
        let lines = vec![
            format!(
                "{} ({}) can come back as long as a process of theirs has the groups for it.",
                one.name,
                one.role.word()
            ),
            "Imports that run go on.".to_owned(),
        ];
        let asks = format!("End session {session} of {}?", one.name);
        let answer = Answer::Yes(Command::Kick { session });
        Ok(Effect::Ask(Question::new("end a session", lines, asks, answer, now)))
    }

    /// What a wish asks for: whose run is to be cancelled makes a difference.
    fn verb(&self, command: &Command) -> Verb {
        let others = |run| self.fleet.runs.get(run).is_some_and(|run| run.by != self.options.operator.as_str());
        match (Verb::of(command), command) {
            (Verb::CancelOwn, Command::Cancel { run, .. }) if others(run) => Verb::CancelOthers,
            (verb, _) => verb,
        }
    }

    /// Why something is not done or asked for, since the role may not.
    pub(super) fn bars(&self, effect: &Effect) -> Option<String> {
        let verb = match effect {
            Effect::Send(command) => self.verb(command),
            Effect::Ask(question) => self.verb(question.command()?),
            Effect::Note(_) => Verb::Ticket,
            Effect::Open(ScreenId::Audit(None)) | Effect::Narrow(ScreenId::Audit(None), _) => Verb::AuditAll,
            Effect::Line(text) => Verb::of_key(text.trim())?,
            Effect::Nothing
            | Effect::Say(_)
            | Effect::Open(_)
            | Effect::Copy(_)
            | Effect::Show { .. }
            | Effect::Look
            | Effect::Filter
            | Effect::Letter(_)
            | Effect::Language(_)
            | Effect::Export(_)
            | Effect::Narrow(..)
            | Effect::Leave => return None,
        };
        self.refused(verb)
    }
}
