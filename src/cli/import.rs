//! `import`, `probe` and `sync`: run, watch, tell.

use std::cell::Cell;
use std::time::Duration;

use color_eyre::eyre::{Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{Probed, Wanted};
use super::output::{Format, is_watched, say, write};
use super::place::{Place, resolve};
use super::rows::{RunLine, failure_value, seconds};
use super::{DONE, LINE_LOST, PARTNER_REFUSED, SOME_FAILED, Stop, ended_by_signal, errand, user_name};
use crate::client::Client;
use crate::failure::Relation;
use crate::link;
use crate::model::{
    Change, Command, Event, Fleet, Job, JobState, Key, PartnerName, Role, Run, RunId, RunKind, RunState, Scope,
    Selling, Set, SetOutcome, SoldOutcome, Step, Verb, WaitReason,
};

/// `tenantop sync`
pub(super) fn sync(place: &Place, partner: Option<String>) -> Result<u8> {
    let partner = partner.map(|name| place.partner_name(&name)).transpose()?;
    with_engine(place, |_| Ok(Command::Sync { partner: partner.clone() }))
}

/// `tenantop import`
pub(super) fn import(place: &Place, wanted: &Wanted) -> Result<u8> {
    if !wanted.all && !wanted.failed && wanted.tenants.is_empty() {
        return Err(Stop::usage("which tenants? Name them, or use --all or --failed").into());
    }
    let partner = wanted.partner.as_deref();
    let of: Option<PartnerName> = partner.map(|name| place.partner_name(name)).transpose()?;
    let reason = wanted.reason.as_deref().map(Into::into);
    with_engine(place, |fleet| {
        let scope = if wanted.all {
            Scope::All(of.clone())
        } else if wanted.failed {
            Scope::Failed(of.clone())
        } else {
            let keys = wanted.tenants.iter().map(|name| Ok(resolve(fleet, partner, name)?.key.clone()));
            Scope::Tenants(keys.collect::<Result<_>>()?)
        };
        Ok(Command::Import { scope, list: false, reason: reason.clone() })
    })
}

/// `tenantop probe`
pub(super) fn probe(place: &Place, wanted: &Probed) -> Result<u8> {
    if !wanted.failed && wanted.tenants.is_empty() {
        return Err(Stop::usage("which tenants? Name them, or use --failed").into());
    }
    let partner = wanted.partner.as_deref();
    if let Some(name) = partner {
        place.partner_name(name)?;
    }
    let now = place.clock.now();
    with_engine(place, |fleet| {
        let refused = fleet.tenants.values().filter(|tenant| {
            tenant.failing().is_some()
                && tenant.gone_at.is_none()
                && tenant.pause.as_ref().is_none_or(|pause| pause.until <= now)
                && partner.is_none_or(|name| tenant.key.partner.0 == name)
        });
        let tenants: Vec<Key> = if wanted.failed {
            refused.map(|tenant| tenant.key.clone()).collect()
        } else {
            let keys = wanted.tenants.iter().map(|name| Ok(resolve(fleet, partner, name)?.key.clone()));
            keys.collect::<Result<_>>()?
        };
        if tenants.is_empty() {
            return Err(Stop { said: "no tenant is refused: nothing to probe".to_owned(), code: DONE }.into());
        }
        Ok(Command::Probe { tenants, reason: wanted.reason.as_deref().map(Into::into) })
    })
}

fn with_engine(place: &Place, wish: impl Fn(&Fleet) -> Result<Command>) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if let Some(socket) = place.socket() {
            let attached = link::attach(&socket, errand::hints(), place.clock.clone())
                .await
                .map_err(|error| errand::stop(&error))?;
            return watch(attached.client, wish, place.format, (attached.caller.role, true)).await;
        }
        let engine = place.engine()?;
        let client = engine.client(user_name().into());
        let watched = watch(client, wish, place.format, (Role::Admin, false)).await;
        engine.stop().await;
        watched
    })
}

/// Has a wish done and tells what comes of it; `attached`: by a service, which goes on when this ends.
async fn watch(
    mut client: Client,
    wish: impl Fn(&Fleet) -> Result<Command>,
    format: Format,
    (role, attached): (Role, bool),
) -> Result<u8> {
    let fleet = loop {
        match client.events.recv().await {
            Some(Event::Hello(fleet)) => break fleet,
            // A service says first who this is.
            Some(Event::You { .. } | Event::Present(_)) => {}
            Some(_) | None => bail!("the engine does not answer"),
        }
    };
    let command = wish(&fleet)?;
    let may = role.may(Verb::of(&command));
    client.commands.send(command).await?;
    let mut watch = Watch { fleet: *fleet, run: None, may, teller: Teller::new(format) };
    let mut cancelled = false;
    // One for the whole time: a signal that comes while something is told is not lost.
    let mut ended = Box::pin(ended_by_signal());
    loop {
        tokio::select! {
            event = client.events.recv() => {
                let Some(event) = event else { bail!("the engine ended") };
                if let Some(code) = watch.hear(event)? {
                    return Ok(code);
                }
            }
            code = &mut ended => {
                ended = Box::pin(ended_by_signal());
                if attached && code == LINE_LOST {
                    return Err(Stop { said: "the line is lost; the run goes on in the service".to_owned(), code }.into());
                }
                let Some(run) = watch.run.filter(|_| !cancelled) else {
                    return Err(Stop { said: "left at once; what is saved stays saved".to_owned(), code: SOME_FAILED }.into());
                };
                cancelled = true;
                watch.teller.say("cancelling; what is saved stays saved. Again to leave at once.");
                client.commands.send(Command::Cancel { run, tenant: None }).await?;
            }
        }
    }
}

struct Watch {
    fleet: Fleet,
    run: Option<RunId>,
    /// Whether the role allows what is asked for.
    may: bool,
    teller: Teller,
}

impl Watch {
    /// Takes an event; answers the exit code when the run is over.
    fn hear(&mut self, event: Event) -> Result<Option<u8>> {
        match event {
            Event::Hello(fleet) => self.fleet = *fleet,
            Event::Change(change) => {
                self.fleet.apply(&change);
                self.teller.tell(&self.fleet, &change)?;
            }
            Event::Accepted { run, joined, by } => {
                self.run = Some(run);
                if joined > 0 {
                    let by = by.map_or_else(String::new, |by| format!(" by {by}"));
                    self.teller.say(&format!("joins run {run}{by}: {joined} tenants are being read already"));
                }
            }
            Event::Done(said) => self.teller.say(&said),
            Event::Seen(_) | Event::Present(_) | Event::You { .. } => {}
            Event::Lost { .. } => {
                return Err(Stop {
                    said: "the service does not answer any more; what runs there goes on".to_owned(),
                    code: super::NO_SERVICE,
                }
                .into());
            }
            Event::Over(why) => return Err(Stop { said: why.to_string(), code: super::NO_SERVICE }.into()),
            Event::Refused(why) => {
                let code = if self.may { super::USAGE } else { super::NOT_ALLOWED };
                return Err(Stop { said: why.to_string(), code }.into());
            }
        }
        let Some(run) = self.run.and_then(|run| self.fleet.runs.get(&run)) else { return Ok(None) };
        if run.state == RunState::Running {
            return Ok(None);
        }
        self.teller.end(&self.fleet, run)?;
        Ok(Some(exit_code(run)))
    }
}

/// 3 only if nothing was asked of any customer; a partner that is refused beside others that work is a part that failed.
fn exit_code(run: &Run) -> u8 {
    match run.state {
        RunState::Refused => PARTNER_REFUSED,
        RunState::Done if run.failed == 0 && run.refused.is_empty() => DONE,
        RunState::Done | RunState::Cancelled | RunState::Interrupted | RunState::Running => SOME_FAILED,
    }
}

/// Tells what happens: JSON lines on standard output, or progress and lines on standard error.
struct Teller {
    json: bool,
    bar: ProgressBar,
    /// Whether it was said why the run goes on when its tenants are over.
    told: Cell<bool>,
}

impl Teller {
    fn new(format: Format) -> Self {
        let json = format == Format::Json;
        let bar = if is_watched() && !json {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
            if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {pos} of {len}  {elapsed}  {msg}") {
                bar.set_style(style.progress_chars("##-"));
            }
            bar.enable_steady_tick(Duration::from_secs(1));
            bar
        } else {
            ProgressBar::hidden()
        };
        Self { json, bar, told: Cell::new(false) }
    }

    fn say(&self, text: &str) {
        self.bar.suspend(|| say(text));
    }

    fn event(&self, event: &Value) -> Result<()> {
        if self.json { write(&format!("{event}\n")) } else { Ok(()) }
    }

    fn tell(&self, fleet: &Fleet, change: &Change) -> Result<()> {
        match change {
            Change::RunStarted { run, kind, by, at, .. } => {
                self.event(&json!({ "event": "run_started", "run_id": run, "kind": kind, "by": by, "at": at }))
            }
            Change::PartnerRefused { partner, run, failure, at } => {
                if !self.json {
                    let remedy = failure.remedy(crate::failure::Context::default());
                    let raw = if failure.codes.is_empty() { format!(" {}", failure.raw) } else { String::new() };
                    self.say(&format!("partner {partner}: {} [{}]{raw}", remedy.summary, failure.cause()));
                    self.say(&format!("  who acts: {}", remedy.who));
                    remedy.steps.iter().for_each(|step| self.say(&format!("  {step}")));
                }
                let mut event = json!({ "event": "partner_failed", "run_id": run, "partner": partner, "at": at });
                merge(&mut event, failure_value(failure));
                self.event(&event)
            }
            Change::Listed { partner, customers, .. } => {
                self.say_unless_json(&format!("partner {partner}: {} customers", customers.len()));
                Ok(())
            }
            Change::Queued { tenants, .. } => {
                self.bar.set_length(self.bar.length().unwrap_or(0) + tenants.len() as u64);
                Ok(())
            }
            Change::JobStarted { run, tenant, at } => {
                self.bar.set_message(name(fleet, tenant));
                self.about("tenant_started", *run, fleet, tenant, json!({ "at": at }))
            }
            Change::Stepped { run, tenant, entry } => self.step(fleet, *run, tenant, &entry.step),
            Change::JobDone { .. } => self.done(fleet, change),
            Change::RelationsRefused { partner, failure, .. } => {
                self.say_unless_json(&format!(
                    "partner {partner}: its GDAP relationships cannot be read ({}: {}); the run goes on without",
                    failure.cause(),
                    failure.class.meaning()
                ));
                Ok(())
            }
            Change::Sold { tenant, at, outcome } => self.sold(fleet, tenant, *at, outcome),
            Change::Selling { run, selling } => {
                self.selling(fleet, *run, *selling);
                Ok(())
            }
            Change::PartnerSignedIn { .. }
            | Change::Recalled { .. }
            | Change::Relations { .. }
            | Change::Credentials { .. }
            | Change::RunEnded { .. }
            | Change::Paused { .. }
            | Change::Resumed { .. }
            | Change::Ticketed { .. }
            | Change::TicketClosed { .. }
            | Change::Scheduled { .. }
            | Change::Due { .. }
            | Change::Known { .. }
            | Change::Forgotten { .. }
            | Change::Allocated { .. }
            | Change::Named { .. }
            | Change::Reviewed { .. } => Ok(()),
        }
    }

    /// The part of a tenant in a run is over.
    fn done(&self, fleet: &Fleet, change: &Change) -> Result<()> {
        let Change::JobDone { run, tenant, users, skus, totals, at, cancelled, .. } = change else { return Ok(()) };
        self.bar.inc(1);
        let job = fleet.runs.get(run).and_then(|run| run.jobs.get(tenant));
        let state = job.map_or(JobState::Cancelled, |job| job.state);
        let count = |outcome: &SetOutcome| match outcome {
            SetOutcome::Saved { count, .. } => Some(*count),
            SetOutcome::Failed(_) | SetOutcome::SignedIn | SetOutcome::Untouched => None,
        };
        let more = json!({ "at": at, "state": state, "users": count(users), "skus": count(skus),
            "requests": totals.requests, "retries": totals.retries, "waits_s": seconds(totals.waits_ms), "bytes": totals.bytes });
        let failure = [users, skus].into_iter().find_map(|outcome| match outcome {
            SetOutcome::Failed(failure) => Some(&**failure),
            SetOutcome::Saved { .. } | SetOutcome::SignedIn | SetOutcome::Untouched => None,
        });
        // A probe that got no answer holds it against nothing; its log has it.
        let noted = job.and_then(Job::refused);
        let failure = failure.or(noted.filter(|_| !cancelled));
        if matches!(users, SetOutcome::SignedIn) {
            self.say_unless_json(&format!("{}: the sign-in passes; nothing was read", name(fleet, tenant)));
        }
        if state == JobState::Ok {
            return self.about("tenant_done", *run, fleet, tenant, more);
        }
        let mut more = more;
        let why = match (failure, fleet.tenants.get(tenant).and_then(|t| t.held_back.as_ref())) {
            (Some(failure), _) => {
                merge(&mut more, failure_value(failure));
                let relation = fleet.tenants.get(tenant).map_or(Relation::Unknown, |t| fleet.relation(t));
                let over = relation.meaning().filter(|_| relation.is_over());
                let meaning = over.as_deref().unwrap_or(failure.class.meaning());
                let owner = fleet.tenants.get(tenant).map_or(failure.owner, |t| fleet.owner(t, failure));
                format!("{meaning} [{}], who acts: {}", failure.cause(), owner.word())
            }
            (None, Some(held)) if !cancelled => {
                merge(&mut more, json!({ "held_back": held.why }));
                format!("held back: {}; the old data stand", held.why)
            }
            (None, _) => "not read".to_owned(),
        };
        let partly = if state == JobState::Partial { "partly " } else { "" };
        self.say_unless_json(&format!("{}: {partly}failed: {why}", name(fleet, tenant)));
        self.about("tenant_failed", *run, fleet, tenant, more)
    }

    /// The tenants are over and the run is not: it says why.
    fn selling(&self, fleet: &Fleet, run: RunId, selling: Selling) {
        let over = fleet.runs.get(&run).is_some_and(|run| run.tenants > 0 && run.open() == (0, 0));
        if over && selling.open() > 0 {
            let far = format!("what we sold: {} of {}", selling.read + selling.failed, selling.due);
            if !self.told.replace(true) {
                self.say_unless_json(&format!("all tenants are over; the run goes on with {far}"));
            }
            self.bar.set_message(far);
        }
    }

    fn sold(&self, fleet: &Fleet, tenant: &Key, at: Timestamp, outcome: &SoldOutcome) -> Result<()> {
        let (count, failure) = match outcome {
            SoldOutcome::Read(rows) => (Some(rows.len()), None),
            SoldOutcome::Unjoined(rows, failure) => (Some(rows.len()), Some(failure)),
            SoldOutcome::Failed(failure) => (None, Some(failure)),
        };
        let mut event = json!({ "event": "sold", "tenant_id": tenant.tenant, "partner": tenant.partner,
            "name": name(fleet, tenant), "at": at });
        merge(&mut event, json!({ "subscriptions": count, "joined": count.map(|_| failure.is_none()) }));
        if let Some(failure) = failure {
            merge(&mut event, failure_value(failure));
        }
        self.event(&event)
    }

    fn step(&self, fleet: &Fleet, run: RunId, tenant: &Key, step: &Step) -> Result<()> {
        match step {
            Step::Pages { set, last, rows, bytes, .. } => {
                let set = if *set == Set::Users { "users" } else { "skus" };
                self.about(
                    "page",
                    run,
                    fleet,
                    tenant,
                    json!({ "set": set, "page": last, "rows": rows, "bytes": bytes }),
                )
            }
            Step::Waiting { reason, status, ms, attempt } => {
                let why = match reason {
                    WaitReason::Throttled => "too many requests",
                    WaitReason::Fault => "a passing fault",
                    WaitReason::Network => "the network",
                };
                self.say_unless_json(&format!("{}: waits {} s ({why})", name(fleet, tenant), seconds(*ms)));
                let more = json!({ "reason": reason, "status": status, "seconds": seconds(*ms), "attempt": attempt });
                self.about("waiting", run, fleet, tenant, more)
            }
            Step::SignedIn { .. }
            | Step::NewToken
            | Step::Restarted
            | Step::Merged { .. }
            | Step::Saved { .. }
            | Step::HeldBack { .. }
            | Step::Failed { .. }
            | Step::Cancelled => Ok(()),
        }
    }

    fn say_unless_json(&self, text: &str) {
        if !self.json {
            self.say(text);
        }
    }

    fn about(&self, event: &str, run: RunId, fleet: &Fleet, tenant: &Key, more: Value) -> Result<()> {
        if !self.json {
            return Ok(());
        }
        let mut value = json!({ "event": event, "run_id": run, "tenant_id": tenant.tenant, "partner": tenant.partner,
            "name": name(fleet, tenant) });
        merge(&mut value, more);
        self.event(&value)
    }

    fn end(&self, fleet: &Fleet, run: &Run) -> Result<()> {
        self.bar.finish_and_clear();
        if self.json {
            let mut event = json!({ "event": "run_done" });
            merge(&mut event, serde_json::to_value(RunLine::from(run))?);
            return self.event(&event);
        }
        let words = match run.state {
            RunState::Refused => "nothing was asked of any customer",
            RunState::Cancelled => "cancelled",
            RunState::Interrupted => "interrupted",
            RunState::Done | RunState::Running => "done",
        };
        if run.kind == RunKind::Probe {
            say(&format!(
                "run {} {words}: {} of {} tenants pass, {} do not; {} requests, nothing was read",
                run.id, run.ok, run.tenants, run.failed, run.totals.requests
            ));
            return Ok(());
        }
        let partial = run.jobs.values().filter(|job| job.state == JobState::Partial).count();
        let partly = if partial > 0 { format!(" ({partial} of them partly saved)") } else { String::new() };
        say(&format!(
            "run {} {words}: {} of {} saved, {} not{partly}; {} users, {} requests, {} repeats, {} tenants known",
            run.id,
            run.ok,
            run.tenants,
            run.failed,
            run.totals.users,
            run.totals.requests,
            run.totals.retries,
            fleet.tenants.len()
        ));
        if let Some(selling) = run.selling {
            let refused = if selling.failed > 0 { format!(", {} refused", selling.failed) } else { String::new() };
            let later =
                if selling.later > 0 { format!(", {} left to the next run", selling.later) } else { String::new() };
            say(&format!("what we sold: {} of {} tenants read{refused}{later}", selling.read, selling.due));
        }
        Ok(())
    }
}

fn name(fleet: &Fleet, key: &Key) -> String {
    fleet.tenants.get(key).map_or_else(|| key.to_string(), |tenant| tenant.title().to_owned())
}

/// Adds members; unknown ones (null) stay away.
fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
}
