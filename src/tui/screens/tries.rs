//! What the tries of a tenant say: their answers, the policies that these named, the causes. Several screens show them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::run::{sign as sign_of, took};
use super::{Cx, facts, kind_words, words};
use crate::failure::Failure;
use crate::model::{Fleet, Job, JobState, Key as TenantKey, RunId, RunKind, Set, State, Step, Try};
use crate::tui::listing::{Column, Fit, Layout, column};
use crate::tui::page::{Page, Piece};
use crate::tui::theme::Meaning;

pub(super) const WHEN: usize = 0;
pub(super) const BY: usize = 1;
pub(super) const KIND: usize = 2;
pub(super) const RUN: usize = 3;
pub(super) const ANSWER: usize = 4;
pub(super) const POLICIES: usize = 5;
pub(super) const TIME: usize = 6;

static COLUMNS: [Column; 7] = [
    column("WHEN", 13, false),
    column("BY", 7, false),
    column("KIND", 11, false),
    column("RUN", 5, true),
    column("ANSWER", 22, false),
    column("POLICIES", 8, false),
    column("TIME", 5, true),
];

/// How tries are laid out, wherever they are listed.
pub(super) static LAYOUT: Layout = Layout {
    columns: &COLUMNS,
    grow: ANSWER,
    fits: &[Fit::Drop(TIME), Fit::Narrow(ANSWER, 16), Fit::Drop(KIND), Fit::Drop(POLICIES)],
};

/// The tries of a tenant in the runs whose tenants the fleet holds, by run.
pub(super) fn at_hand(fleet: &Fleet, tenant: &TenantKey) -> BTreeMap<RunId, Try> {
    let part = |run: &crate::model::Run| Some((run.id, Try::of(run, tenant, run.jobs.get(tenant)?.clone())));
    fleet.runs.values().filter_map(part).collect()
}

/// The tries of a row of refusals that began at a time.
pub(super) fn refused_since<'a>(
    tries: impl Iterator<Item = &'a Try> + Clone,
    since: Timestamp,
) -> impl Iterator<Item = &'a Try> + Clone {
    let over = |one: &Try| one.job.ended_at.unwrap_or_else(|| one.at());
    tries.filter(move |one| refusal(&one.job).is_some() && over(one) >= since)
}

/// The refusal that a try met: of the users, else of the SKUs.
pub(super) fn refusal(job: &Job) -> Option<(Set, &Failure)> {
    let refusals = || job.log.iter().rev().filter_map(|entry| entry.step.refusal());
    let of = |wanted: Set| refusals().find(|(set, _)| *set == wanted);
    of(Set::Users).or_else(|| of(Set::Skus))
}

/// Why nobody asked the tenant, where that was it: the partner's own sign-in was refused.
fn not_asked(one: &Try) -> Option<&Failure> {
    one.refused.as_deref().filter(|_| one.job.state == JobState::Cancelled && one.job.started_at.is_none())
}

/// Users that a try saved, and how many more or fewer that is than before; absent where its steps tell nothing.
fn saved(job: &Job) -> Option<(u64, Option<i64>)> {
    let told = job.log.iter().rev().find_map(|entry| match &entry.step {
        Step::Saved { set: Set::Users, rows, before } => Some((*rows, *before)),
        Step::Saved { set: Set::Skus, .. }
        | Step::Failed { .. }
        | Step::SignedIn { .. }
        | Step::NewToken
        | Step::Pages { .. }
        | Step::Waiting { .. }
        | Step::Restarted
        | Step::Merged { .. }
        | Step::HeldBack { .. }
        | Step::Cancelled => None,
    });
    let (rows, before) = told.or_else(|| (!job.log.is_empty()).then_some((job.rows, job.before)))?;
    let change = |before| i64::try_from(rows).ok()?.checked_sub_unsigned(before);
    Some((rows, before.and_then(change)))
}

/// What came of a try, without its sign: `ok, 1,275 users +12`, `53003 2 pol`, `SKUs 403 role`.
pub(super) fn answer(one: &Try, cx: &Cx<'_>) -> String {
    let job = &one.job;
    match job.state {
        JobState::Ok if one.kind == RunKind::Probe => "sign-in passes".to_owned(),
        JobState::Ok => saved(job).map_or_else(
            || "ok".to_owned(),
            |(rows, change)| {
                let change = match change {
                    Some(0) | None => String::new(),
                    Some(n) if n > 0 => format!(" +{}", words::signed(n)),
                    Some(n) => format!(" {}", words::signed(n)),
                };
                format!("ok, {}{change}", words::of(rows, "user"))
            },
        ),
        JobState::Partial => refusal(job).map_or_else(
            || "one of two saved".to_owned(),
            |(set, failure)| format!("{} {}", facts::set_word(set), failure.cause()),
        ),
        JobState::Failed => refusal(job).map_or_else(|| "refused".to_owned(), |(_, failure)| failure.cause()),
        JobState::HeldBack => "held back".to_owned(),
        JobState::Cancelled => {
            not_asked(one).map_or_else(|| "cancelled".to_owned(), |failure| format!("not asked, {}", failure.cause()))
        }
        JobState::Queued | JobState::Running => facts::doing(job.log.last(), cx),
    }
}

/// The sign beside an answer, and what it means to the eye: of a refusal those of the state that it leads to.
fn sign(one: &Try, tenant: &TenantKey, cx: &Cx<'_>) -> (char, Meaning) {
    match (one.job.state, refusal(&one.job)) {
        (JobState::Failed, Some((_, failure))) => {
            let state = cx.fleet.state_of(tenant, failure);
            (state.sign(), state.into())
        }
        (JobState::Cancelled, _) if not_asked(one).is_some() => (State::OurAuth.sign(), Meaning::Ours),
        (state, _) => (sign_of(state), state.into()),
    }
}

/// A policy that answers named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Its id.
    pub(super) id: Uuid,
    /// When the first try named it.
    pub(super) first: Timestamp,
    /// When the last try did.
    pub(super) last: Timestamp,
    /// How many tries did.
    pub(super) tries: u64,
}

/// The policies that tries named, in the order in which they first appeared: their numbers are their places.
pub(super) fn policies<'a>(tries: impl Iterator<Item = &'a Try>) -> Vec<Named> {
    let mut tries: Vec<&Try> = tries.collect();
    tries.sort_by_key(|one| (one.at(), one.run));
    let mut all: Vec<Named> = Vec::new();
    for one in tries {
        let at = one.at();
        for id in refusal(&one.job).map_or(&[][..], |(_, failure)| &failure.policies) {
            match all.iter_mut().find(|named| named.id == *id) {
                // An answer that names it twice is one try.
                Some(named) if named.last == at => {}
                Some(named) => {
                    named.last = at;
                    named.tries += 1;
                }
                None => all.push(Named { id: *id, first: at, last: at, tries: 1 }),
            }
        }
    }
    all
}

/// The numbers of the policies that a try named: `1,2`.
pub(super) fn numbers(one: &Try, policies: &[Named]) -> String {
    let ids = refusal(&one.job).map_or(&[][..], |(_, failure)| &failure.policies);
    let numbers: Vec<String> = policies
        .iter()
        .zip(1..)
        .filter(|(named, _)| ids.contains(&named.id))
        .map(|(_, n): (_, u32)| n.to_string())
        .collect();
    numbers.join(",")
}

/// The causes of refusals with how many tries met each, the most first. How many policies an answer named makes no
/// other cause; the words are those of the newest.
pub(super) fn causes<'a>(tries: impl Iterator<Item = &'a Try>) -> Vec<(String, u64)> {
    let mut tries: Vec<&Try> = tries.collect();
    tries.sort_by_key(|one| std::cmp::Reverse((one.at(), one.run)));
    let mut causes: Vec<(&Failure, u64)> = Vec::new();
    for (_, failure) in tries.iter().filter_map(|one| refusal(&one.job)) {
        let same = |(other, _): &&mut (&Failure, u64)| {
            other.class == failure.class && other.codes.first() == failure.codes.first()
        };
        match causes.iter_mut().find(same) {
            Some((_, n)) => *n += 1,
            None => causes.push((failure, 1)),
        }
    }
    causes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    causes.into_iter().map(|(failure, n)| (failure.cause(), n)).collect()
}

/// The cells of a try, for [`LAYOUT`].
pub(super) fn cells(one: &Try, tenant: &TenantKey, policies: &[Named], cx: &Cx<'_>) -> Vec<Piece> {
    let plain = |text: String| Piece { text, meaning: Meaning::Plain };
    let job = &one.job;
    let time = match (job.started_at, took(job)) {
        (_, Some(seconds)) => words::span(seconds),
        (Some(since), None) if !job.state.is_over() => words::span(cx.elapsed(since, 10)),
        (Some(_) | None, None) => "-".to_owned(),
    };
    let (sign, meaning) = sign(one, tenant, cx);
    let mut answer = answer(one, cx);
    if answer.len() + 2 > usize::from(COLUMNS[ANSWER].width) {
        // What changed is worth more than the noun.
        answer = answer.replacen(" users", "", 1);
    }
    vec![
        plain(words::when(one.at(), cx.now)),
        plain(one.by.to_string()),
        plain(kind_words(one.kind).to_owned()),
        plain(one.run.to_string()),
        Piece { text: format!("{sign} {answer}"), meaning },
        plain(numbers(one, policies)),
        plain(time),
    ]
}

/// The band of the newest tries in the runs at hand: a rule with something said on its right, titles, and so many rows.
pub(super) fn band(page: &mut Page<'_>, y: u16, rows: u16, tenant: &TenantKey, right: &str, cx: &Cx<'_>) {
    let tries = at_hand(cx.fleet, tenant);
    let policies = policies(tries.values());
    let title = format!("tries in the runs at hand, {}", cx.hint("history", "shows all"));
    page.rule(y, &title);
    if !right.is_empty() {
        page.right(y, title.len() + 4, &format!(" {right}"), Meaning::Rule);
    }
    let placed = LAYOUT.place(page.main.width, 0);
    LAYOUT.draw_titles(page, y + 1, &placed);
    let mut newest: Vec<&Try> = tries.values().collect();
    newest.sort_by_key(|one| std::cmp::Reverse((one.at(), one.run)));
    for (one, y) in newest.into_iter().zip(y + 2..y + 2 + rows) {
        LAYOUT.draw_row(page, y, &placed, &cells(one, tenant, &policies, cx), (false, false));
    }
    if tries.is_empty() {
        page.line(y + 2, &"  No run at hand has this tenant.".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Class, Owner};
    use crate::model::Entry;
    use crate::tui::tests::sample::{ago, failure};

    /// A try some hours ago that was refused with a code and named these policies.
    fn refused(hours: i64, code: u32, policies: &[u128]) -> Try {
        let mut failure = failure(Class::CapBlock, Owner::CustomerAdmin, code, ago(hours, 0));
        failure.policies = policies.iter().map(|n| Uuid::from_u128(*n)).collect();
        let mut job = Job::queued(None);
        let step = Step::Failed { set: Set::Users, failure: Box::new(failure) };
        job.note(&Entry { at: ago(hours, 0), step });
        job.state = JobState::Failed;
        job.started_at = Some(ago(hours, 0));
        let run = RunId(u64::try_from(1_000 - hours).unwrap());
        let kind = RunKind::All;
        Try { run, kind, by: "system".into(), reason: None, run_at: ago(hours, 0), refused: None, job }
    }

    #[test]
    fn policies_are_numbered_as_they_first_appeared() {
        let tries = [refused(2, 53_003, &[9, 7]), refused(50, 53_003, &[7]), refused(26, 53_003, &[5, 7, 5])];
        let named = policies(tries.iter());
        let told: Vec<(u128, Timestamp, Timestamp, u64)> =
            named.iter().map(|one| (one.id.as_u128(), one.first, one.last, one.tries)).collect();
        assert_eq!(told, [(7, ago(50, 0), ago(2, 0), 3), (5, ago(26, 0), ago(26, 0), 1), (9, ago(2, 0), ago(2, 0), 1)]);
        let numbers: Vec<String> = tries.iter().map(|one| numbers(one, &named)).collect();
        assert_eq!(numbers, ["1,3", "1", "1,2"]);
    }

    #[test]
    fn a_cause_is_one_however_many_policies_are_named() {
        let tries = [refused(9, 53_003, &[7]), refused(5, 53_003, &[7, 5]), refused(7, 53_000, &[])];
        assert_eq!(causes(tries.iter()), [("53003 2 pol".to_owned(), 2), ("53000 policy".to_owned(), 1)]);
        assert_eq!(causes([].iter()), []);
    }

    #[test]
    fn users_come_before_skus() {
        let mut one = refused(3, 53_003, &[]);
        let failure = failure(Class::Transient, Owner::Microsoft, 0, ago(3, 0));
        one.job.note(&Entry { at: ago(3, 0), step: Step::Failed { set: Set::Skus, failure: Box::new(failure) } });
        assert_eq!(
            refusal(&one.job).map(|(set, failure)| (set, failure.codes.clone())),
            Some((Set::Users, vec![53_003]))
        );
        one.job.log.remove(0);
        assert_eq!(refusal(&one.job).map(|(set, _)| set), Some(Set::Skus));
        one.job.log.clear();
        assert_eq!(refusal(&one.job), None);
    }
}
