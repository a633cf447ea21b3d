//! Probes: asking for one, and what came of it in words.

use super::tries::refusal;
use super::{Cx, Effect, words};
use crate::failure::Failure;
use crate::model::{Command, Fleet, Job, JobState, Key as TenantKey, Run, RunState, State, Was};

/// Probes these tenants, without a question: a sign-in does no harm.
pub(super) fn probe(keys: Vec<TenantKey>) -> Effect {
    if keys.is_empty() {
        return Effect::Say("no tenant here to probe".to_owned());
    }
    Effect::Send(Command::Probe { tenants: keys, reason: None })
}

/// What a run of probes is about: the tenant's name, or how many there are.
pub(crate) fn whom(run: &Run, fleet: &Fleet) -> String {
    let one = run.jobs.keys().next().filter(|_| run.tenants == 1).and_then(|key| fleet.tenants.get(key));
    one.map_or_else(|| words::of(run.tenants, "tenant"), |tenant| words::cut(tenant.title(), 30).into_owned())
}

/// What came of a probe: a few words, and what can be said beside them.
pub(super) struct Verdict {
    pub(super) said: String,
    pub(super) beside: Option<String>,
}

impl Verdict {
    /// In a sentence's place: `still blocked (53003, same 2 policies)`.
    pub(super) fn in_brackets(&self) -> String {
        self.beside.as_ref().map_or_else(|| self.said.clone(), |beside| format!("{} ({beside})", self.said))
    }
}

/// What came of a tenant's probe in a run.
pub(super) fn verdict(run: &Run, key: &TenantKey, job: &Job, fleet: &Fleet) -> Verdict {
    let say = |said: &str, beside: Option<String>| Verdict { said: said.to_owned(), beside };
    match (job.state, refusal(job)) {
        (JobState::Queued, _) => say("waits", None),
        (JobState::Running, _) => say("goes on", None),
        (JobState::Cancelled, _) => match run.refused.iter().find(|(partner, _)| *partner == key.partner) {
            Some((_, failure)) if job.started_at.is_none() => {
                say("not asked: our own sign-in is refused", Some(failure.cause()))
            }
            Some(_) | None => say("cancelled", None),
        },
        (JobState::Ok | JobState::Partial | JobState::HeldBack, _) => {
            // What was refused behind the sign-in is not lifted by one that passes.
            let behind = job.was.as_ref().filter(|was| !was.sign_in);
            say("sign-in passes", behind.map(|was| format!("as before; refused behind it: {}", was.cause)))
        }
        (JobState::Failed, None) => say("refused", None),
        (JobState::Failed, Some((_, failure))) if failure.is_passing() => say("no answer", Some(failure.cause())),
        (JobState::Failed, Some((_, failure))) => {
            let what = match fleet.state_of(key, failure) {
                State::Blocked => "blocked",
                State::NoAccess => "without access",
                State::OurAuth => "refused by our own account's fault",
                State::Ok
                | State::Running
                | State::Queued
                | State::Stale
                | State::Partial
                | State::Failed
                | State::Paused
                | State::Never => "refused",
            };
            let was = job.was.as_deref().filter(|was| was.sign_in);
            let since = if was.is_some() { "still" } else { "now" };
            say(&format!("{since} {what}"), Some(compared(failure, was)))
        }
    }
}

/// A refusal beside the one before: `53003, same 2 policies`.
fn compared(failure: &Failure, was: Option<&Was>) -> String {
    let Some(was) = was else { return failure.cause() };
    let code = failure.codes.first().copied();
    if code != was.code || code.is_none() {
        let cause = failure.cause();
        return if cause == was.cause { cause } else { format!("{cause}, before {}", was.cause) };
    }
    let count = |n: usize| if n == 1 { "1 policy".to_owned() } else { format!("{n} policies") };
    let new = failure.policies.iter().filter(|id| !was.policies.contains(id)).count();
    let gone = was.policies.iter().filter(|id| !failure.policies.contains(id)).count();
    match (failure.policies.len(), new, gone) {
        (0, _, 0) => failure.cause(),
        (0, _, _) => format!("{}, names no policy now", code.unwrap_or_default()),
        (1, 0, 0) => format!("{}, same policy", code.unwrap_or_default()),
        (n, 0, 0) => format!("{}, same {}", code.unwrap_or_default(), count(n)),
        (n, new, gone) => {
            let part = |n: usize, word: &str| (n > 0).then(|| format!("{n} {word}"));
            let parts: Vec<String> = part(new, "new").into_iter().chain(part(gone, "no longer named")).collect();
            format!("{}, list changed: {}, {}", code.unwrap_or_default(), count(n), parts.join(", "))
        }
    }
}

/// What came of a run of probes, for whoever asked for it.
pub(crate) fn answer(run: &Run, cx: &Cx<'_>) -> String {
    let whom = whom(run, cx.fleet);
    let runs = cx.hint("re-run", "runs the import");
    match run.jobs.iter().next() {
        Some((key, job)) if run.tenants == 1 => {
            let verdict = verdict(run, key, job, cx.fleet);
            let import =
                if job.state == JobState::Ok && verdict.beside.is_none() { format!("; {runs}") } else { String::new() };
            let beside = verdict.beside.map_or_else(String::new, |beside| format!(", {beside}"));
            format!("{whom}: {}{beside}{import}", verdict.said)
        }
        Some(_) | None => {
            let end = match run.state {
                RunState::Refused => ": our own sign-in refused, nobody asked".to_owned(),
                RunState::Running | RunState::Done | RunState::Cancelled | RunState::Interrupted => {
                    format!(": {}", counts(run))
                }
            };
            format!("probed {whom}{end}   {} shows runs", cx.key("runs"))
        }
    }
}

/// How many of a run of probes passed: `1 passes, 2 do not`.
pub(super) fn counts(run: &Run) -> String {
    let pass = |n: u64| if n == 1 { "1 passes".to_owned() } else { format!("{} pass", words::count(n)) };
    let not = |n: u64| if n == 1 { "1 does not".to_owned() } else { format!("{} do not", words::count(n)) };
    match (run.ok, run.failed) {
        (ok, 0) => pass(ok),
        (0, failed) => format!("none passes, {} refused or not asked", words::count(failed)),
        (ok, failed) => format!("{}, {}", pass(ok), not(failed)),
    }
}

#[cfg(test)]
mod tests;
