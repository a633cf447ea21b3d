//! What happened last, whoever did it: read off the fleet.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{Cx, probe, words};
use crate::model::{
    Failing, Fleet, HeldBack, Job, JobState, Key as TenantKey, Partner, Pause, Run, RunId, RunKind, RunState, Tenant,
    Ticket,
};
use crate::tui::page::{Line, Page};
use crate::tui::theme::Meaning;

/// The most events that are shown.
pub(super) const MOST: usize = 8;
/// Who did what the program did by itself.
const SYSTEM: &str = "system";
/// Wider lines only lead the eye away from their run.
const WIDEST: u16 = 100;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Happened {
    /// When.
    pub(super) at: Timestamp,
    /// Who did it.
    pub(super) by: String,
    /// What.
    pub(super) what: String,
    /// In which run.
    pub(super) run: Option<RunId>,
    /// What it means to the eye.
    pub(super) meaning: Meaning,
}

/// Where events come from.
enum Source<'a> {
    Run(&'a Run),
    Paused(&'a Tenant, &'a Pause),
    HeldBack(&'a Tenant, &'a HeldBack),
    Asked(&'a Tenant, &'a Ticket),
    Lifted(&'a Tenant, &'a Ticket),
    Refused(&'a Partner, &'a Failing),
}

/// The newest events of a fleet, newest first, at most so many: runs, pauses, imports held back, partners that are
/// refused, tickets. What goes on is an event of its beginning; what is over, of its end.
pub(super) fn recent(fleet: &Fleet, now: Timestamp, most: usize) -> Vec<Happened> {
    let runs = fleet.runs.values().rev().map(|run| (run.ended_at.unwrap_or(run.started_at), Source::Run(run)));
    let of_tenants = fleet.tenants.values().flat_map(|tenant| {
        let pause = tenant.pause.as_ref().map(|pause| (pause.at, Source::Paused(tenant, pause)));
        let held = tenant.held_back.as_ref().map(|held| (held.at, Source::HeldBack(tenant, held)));
        let asked = tenant.ticket.as_ref().map(|ticket| (ticket.asked_at, Source::Asked(tenant, ticket)));
        let lifted =
            tenant.ticket.as_ref().and_then(|ticket| Some((ticket.closed_at?, Source::Lifted(tenant, ticket))));
        pause.into_iter().chain(held).chain(asked).chain(lifted)
    });
    let refused = fleet.partners.values().filter_map(|partner| {
        let failing = partner.failing.as_ref()?;
        Some((failing.since, Source::Refused(partner, failing)))
    });
    let mut all: Vec<(Timestamp, Source<'_>)> = refused.chain(of_tenants).chain(runs).collect();
    all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    all.truncate(most);
    all.into_iter().map(|(at, source)| happened(at, &source, fleet, now)).collect()
}

fn happened(at: Timestamp, source: &Source<'_>, fleet: &Fleet, now: Timestamp) -> Happened {
    match source {
        Source::Run(run) => {
            let meaning = if run.state == RunState::Refused { Meaning::Ours } else { Meaning::Plain };
            Happened { at, by: run.by.to_string(), what: told(run, fleet), run: Some(run.id), meaning }
        }
        Source::Paused(tenant, pause) => {
            let until = words::day(pause.until, now);
            let what = format!("paused {} until {until}: \"{}\"", tenant.title(), pause.reason);
            Happened { at, by: pause.by.to_string(), what, run: None, meaning: Meaning::Plain }
        }
        Source::HeldBack(tenant, held) => {
            let what = format!("held back {}: {}", tenant.title(), held.why);
            Happened { at, by: SYSTEM.to_owned(), what, run: Some(held.run), meaning: Meaning::Aging }
        }
        Source::Asked(tenant, ticket) => {
            let what = format!("asked {}: ticket {}", tenant.title(), ticket.number);
            Happened { at, by: ticket.by.to_string(), what, run: None, meaning: Meaning::Plain }
        }
        Source::Lifted(tenant, ticket) => {
            let after = words::long_span(at.as_second().saturating_sub(ticket.asked_at.as_second()).max(0));
            let (title, number) = (tenant.title(), &ticket.number);
            let what = if ticket.is_lifted() {
                format!("{title} comes through: lifted after {after}, ticket {number}")
            } else {
                format!("ticket {number} of {title} closed after {after}")
            };
            let by = ticket.closed_by.as_deref().unwrap_or(SYSTEM).to_owned();
            Happened { at, by, what, run: None, meaning: Meaning::Plain }
        }
        Source::Refused(partner, failing) => {
            let (name, cause) = (&partner.name, failing.failure.cause());
            let tries = words::of(failing.tries.into(), "time");
            let what = format!("partner {name}: own sign-in refused {tries}: {cause}");
            Happened { at, by: SYSTEM.to_owned(), what, run: None, meaning: Meaning::Ours }
        }
    }
}

/// What a run did: `re-ran 3 tenants: 2 ok, 1 not ok "CS-4398 lifted"`.
fn told(run: &Run, fleet: &Fleet) -> String {
    let goes_on = run.state == RunState::Running;
    let one = match (run.kind, run.tenants, run.jobs.iter().next()) {
        (RunKind::Rerun | RunKind::Probe | RunKind::AfterProbe | RunKind::Daily, 1, Some((key, job))) => {
            fleet.tenants.get(key).map(|tenant| (tenant.title(), key, job))
        }
        (_, _, _) => None,
    };
    let tenants = one.map_or_else(|| words::of(run.tenants, "tenant"), |(title, _, _)| title.to_owned());
    // A daily run may read nothing but the list.
    let kind = if run.kind == RunKind::Daily && run.tenants == 0 { RunKind::Sync } else { run.kind };
    let verb = match (kind, goes_on) {
        (RunKind::All, true) => "imports all",
        (RunKind::All, false) => "imported all",
        (RunKind::Failed, true) => "imports failed ones",
        (RunKind::Failed, false) => "imported failed ones",
        (RunKind::Rerun, true) => "re-runs",
        (RunKind::Rerun, false) => "re-ran",
        (RunKind::Sync, true) => "reads the customer list",
        (RunKind::Sync, false) => "read the customer list",
        (RunKind::Probe, true) => "probes",
        (RunKind::Probe, false) => "probed",
        (RunKind::AfterProbe, true) => "after a probe imports",
        (RunKind::AfterProbe, false) => "after a probe imported",
        (RunKind::Daily, true) => "as scheduled imports",
        (RunKind::Daily, false) => "as scheduled imported",
    };
    let what = match kind {
        RunKind::Sync => verb.to_owned(),
        RunKind::All | RunKind::Failed | RunKind::Rerun | RunKind::Probe | RunKind::AfterProbe | RunKind::Daily => {
            format!("{verb} {tenants}")
        }
    };
    let counts = match (run.ok, run.failed) {
        (0, 0) => String::new(),
        (_, _) if let Some((_, key, job)) = one => match (run.state, job.state) {
            (RunState::Cancelled | RunState::Interrupted, JobState::Cancelled) => String::new(),
            (_, _) => format!(": {}", ended(run, key, job, fleet)),
        },
        (_, _) if run.kind == RunKind::Probe => format!(": {}", probe::counts(run)),
        (ok, 0) => format!(": {} ok", words::count(ok)),
        (0, failed) => format!(": {} not ok", words::count(failed)),
        (ok, failed) => format!(": {} ok, {} not ok", words::count(ok), words::count(failed)),
    };
    let end = match run.state {
        RunState::Running => ", goes on".to_owned(),
        RunState::Done if run.refused.is_empty() => counts,
        RunState::Done => format!("{counts}; {} refused", words::of(run.refused.len() as u64, "partner")),
        RunState::Cancelled => format!(", cancelled{counts}"),
        RunState::Interrupted => format!(", cut off{counts}"),
        RunState::Refused => ": our own sign-in refused, nobody asked".to_owned(),
    };
    let reason = run.reason.as_ref().map_or_else(String::new, |reason| format!(" \"{reason}\""));
    format!("{what}{end}{reason}")
}

/// A time of day, or a day, in six columns.
fn stamp(at: Timestamp, now: Timestamp) -> String {
    match words::day(at, now) {
        today if today == "today" => words::clock(at),
        day => words::cut(&day, 6).into_owned(),
    }
}

/// The band of events: a rule and so many rows.
pub(super) fn band(page: &mut Page<'_>, y: u16, rows: u16, events: &[Happened], cx: &Cx<'_>) {
    page.rule(y, "last events (all operators)");
    for (event, y) in events.iter().zip(y + 1..y + 1 + rows) {
        let head = format!("{:<6} {:<8} ", stamp(event.at, cx.now), words::cut(&event.by, 8));
        let end = (page.main.right() - 1).min(page.main.x + WIDEST);
        let run = event.run.map_or_else(String::new, |run| format!("run {run}"));
        let tail = end.saturating_sub(u16::try_from(run.len()).unwrap_or(0));
        let x = page.put(page.main.x, y, end - page.main.x, &head, Meaning::Plain);
        page.put(x, y, tail.saturating_sub(x + u16::from(!run.is_empty())), &event.what, event.meaning);
        page.put(tail, y, end - tail, &run, Meaning::Plain);
    }
    if events.is_empty() {
        page.line(y + 1, &"Nothing happened yet.".into());
    }
}

/// The newest event at hand that concerns a tenant: `09:24Z jdoe re-ran it, run 2318: ok`. What tenants of a run have in
/// common stands first, so that a step of the cursor alters little.
pub(super) fn of_tenant(key: &TenantKey, cx: &Cx<'_>) -> Line {
    let tenant = cx.fleet.tenants.get(key);
    let newest = cx.fleet.runs.values().rev().find_map(|run| {
        let job = run.jobs.get(key)?;
        Some((job.ended_at.unwrap_or(run.started_at), run, job))
    });
    let text = match (newest, tenant.and_then(|tenant| tenant.pause.as_ref())) {
        (newest, Some(pause)) if newest.is_none_or(|(at, _, _)| at < pause.at) => {
            let (at, until) = (words::when(pause.at, cx.now), words::day(pause.until, cx.now));
            format!("{at} {} paused it until {until}.", pause.by)
        }
        (Some((at, run, job)), _) => {
            let (at, did, ended) = (words::when(at, cx.now), did(run.kind, job), ended(run, key, job, cx.fleet));
            format!("{at} {} {did}, run {}: {ended}", run.by, run.id)
        }
        (None, _) => match tenant.and_then(|tenant| tenant.tried_at) {
            Some(at) => {
                let (at, all) = (words::when(at, cx.now), cx.hint("history", "shows all"));
                format!("Last tried {at}, before the runs at hand. {all}.")
            }
            None => "Never tried.".to_owned(),
        },
    };
    text.into()
}

fn did(kind: RunKind, job: &Job) -> &'static str {
    match (kind, job.state.is_over()) {
        (RunKind::Rerun, true) => "re-ran it",
        (RunKind::Rerun, false) => "re-runs it",
        (RunKind::Probe, true) => "probed it",
        (RunKind::Probe, false) => "probes it",
        (RunKind::All | RunKind::Failed | RunKind::Sync | RunKind::AfterProbe | RunKind::Daily, true) => "read it",
        (RunKind::All | RunKind::Failed | RunKind::Sync | RunKind::AfterProbe | RunKind::Daily, false) => "reads it",
    }
}

fn ended(run: &Run, key: &TenantKey, job: &Job, fleet: &Fleet) -> Cow<'static, str> {
    if run.kind == RunKind::Probe {
        return probe::verdict(run, key, job, fleet).in_brackets().into();
    }
    let refused = || run.refused.iter().any(|(partner, _)| *partner == key.partner);
    let said = match job.state {
        JobState::Ok => "ok",
        JobState::Partial => "in part",
        JobState::Failed => "refused",
        JobState::HeldBack => "held back",
        JobState::Cancelled if job.started_at.is_none() && refused() => "not asked",
        JobState::Cancelled => "cancelled",
        JobState::Queued => "waits",
        JobState::Running => "goes on",
    };
    said.into()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::failure::{Class, Owner};
    use crate::model::{Change, Customer, Totals};
    use crate::tui::tests::sample::{ago, failure, fleet, key, now};

    fn lines(fleet: &Fleet, most: usize) -> Vec<String> {
        recent(fleet, now(), most)
            .into_iter()
            .map(|event| {
                let run = event.run.map_or_else(String::new, |run| format!(" ({run})"));
                format!("{} {} {}{run}", stamp(event.at, now()), event.by, event.what)
            })
            .collect()
    }

    #[test]
    fn the_newest_stand_first_and_no_more_than_are_asked_for() {
        let all = [
            "09:29Z jdoe re-runs 5 tenants, goes on \"CS-4398 lifted\" (4)",
            "07:38Z akim re-ran Margie's Travel: held back (3)",
            "07:32Z system held back Margie's Travel: import would drop 1,275 -> 40 users (3)",
            "02:18Z system imported all 22 tenants: 12 ok, 10 not ok (2)",
            "22 Nov akim paused Tailwind Traders until 30 Nov: \"tenant merge\"",
            "14 Nov system imported all 23 tenants: 23 ok (1)",
        ];
        assert_eq!(lines(&fleet(), 99), all);
        assert_eq!(lines(&fleet(), 2), all.get(..2).unwrap());
        assert_eq!(lines(&Fleet::default(), 8), [""; 0]);
    }

    /// A run of so many tenants of emea that ends in a state after the first of them was cut off.
    fn run(kind: RunKind, tenants: u128, state: RunState) -> String {
        let mut fleet = fleet();
        let (run, at) = (RunId(9), now());
        let tenants: Vec<TenantKey> = (1..=tenants).map(|n| key("emea", n)).collect();
        let mut tell = |change: Change| fleet.apply(&change);
        tell(Change::RunStarted { run, kind, by: "mlee".into(), reason: None, at });
        tell(Change::Queued { run, tenants: tenants.clone(), at });
        if let (Some(tenant), true) = (tenants.first(), state != RunState::Running) {
            tell(Change::JobDone {
                run,
                tenant: tenant.clone(),
                at,
                users: crate::model::SetOutcome::Untouched,
                skus: crate::model::SetOutcome::Untouched,
                held: None,
                sku_counts: None,
                checks: None,
                held_back: None,
                cancelled: true,
                totals: Totals::default(),
            });
            tell(Change::RunEnded { run, state, at, totals: Totals::default() });
        }
        recent(&fleet, at, 1).remove(0).what
    }

    #[test]
    fn every_kind_and_every_end_of_a_run_has_its_words() {
        assert_eq!(run(RunKind::Rerun, 1, RunState::Running), "re-runs Adatum Gesundheit GmbH, goes on");
        assert_eq!(run(RunKind::Rerun, 1, RunState::Cancelled), "re-ran Adatum Gesundheit GmbH, cancelled");
        assert_eq!(run(RunKind::Rerun, 2, RunState::Cancelled), "re-ran 2 tenants, cancelled: 1 not ok");
        assert_eq!(run(RunKind::Failed, 3, RunState::Interrupted), "imported failed ones 3 tenants, cut off: 1 not ok");
        assert_eq!(
            run(RunKind::All, 3, RunState::Refused),
            "imported all 3 tenants: our own sign-in refused, nobody asked"
        );
        assert_eq!(run(RunKind::Probe, 1, RunState::Running), "probes Adatum Gesundheit GmbH, goes on");
        assert_eq!(run(RunKind::Probe, 1, RunState::Cancelled), "probed Adatum Gesundheit GmbH, cancelled");
        assert_eq!(
            run(RunKind::Probe, 2, RunState::Cancelled),
            "probed 2 tenants, cancelled: none passes, 1 refused or not asked"
        );
        assert_eq!(
            run(RunKind::Probe, 1, RunState::Refused),
            "probed Adatum Gesundheit GmbH: our own sign-in refused, nobody asked"
        );
        assert_eq!(run(RunKind::AfterProbe, 2, RunState::Running), "after a probe imports 2 tenants, goes on");
        assert_eq!(run(RunKind::Daily, 2, RunState::Running), "as scheduled imports 2 tenants, goes on");
        assert_eq!(run(RunKind::Daily, 0, RunState::Running), "reads the customer list, goes on");
        assert_eq!(run(RunKind::Sync, 0, RunState::Running), "reads the customer list, goes on");
        assert_eq!(run(RunKind::All, 4, RunState::Running), "imports all 4 tenants, goes on");
    }

    #[test]
    fn a_partner_that_is_refused_is_an_event_of_its_first_refusal() {
        let mut fleet = fleet();
        for at in [ago(3, 0), ago(0, 10)] {
            let failure = Box::new(failure(Class::RefreshTokenExpired, Owner::Partner, 700_082, at));
            fleet.apply(&Change::PartnerRefused { partner: "nordics".into(), run: RunId(4), failure, at });
        }
        let said = lines(&fleet, 9);
        let wanted = "06:31Z system partner nordics: own sign-in refused 2 times: 700082 expired";
        assert!(said.iter().any(|line| line == wanted), "{said:?}");
    }

    #[test]
    fn many_tenants_are_looked_through_quickly_and_few_events_come_of_it() {
        let mut fleet = Fleet::default();
        let customers: Vec<Customer> = (1..=10_000)
            .map(|n| Customer { tenant: key("emea", n).tenant, name: "Crowd".into(), domain: "c.example".into() })
            .collect();
        fleet.apply(&Change::Listed { partner: "emea".into(), at: now(), customers });
        for n in 1..=10_000_u32 {
            let at = now().checked_sub(SignedDuration::from_secs(n.into())).unwrap();
            let pause = Pause { by: "akim".into(), reason: "all of them".into(), at, until: now() };
            fleet.apply(&Change::Paused { tenant: key("emea", n.into()), pause });
        }
        let said = recent(&fleet, now(), MOST);
        assert_eq!(said.len(), MOST);
        assert!(said.is_sorted_by(|a, b| a.at >= b.at));
    }
}
