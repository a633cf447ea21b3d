//! Answers what a client wants to see that the fleet does not hold: from the store, beside the core.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::model::allocation::{AllocationAsk, AllocationLook, AllocationSeen, Draft, ShareRow, SharesLook};
use crate::model::{
    AuditAsk, AuditLook, AuditRows, Event, Exported, Filter, FilterError, Found, Look, PersonRow, Role, Seen,
    SnapshotId, Text, User, UsersLook,
};
use crate::store::{Bearers, Checking, GoOn, People, Reader, StoreError, Titles, Unallocated, Unread};

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
enum Unseen {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Unallocated(#[from] Unallocated),
    #[error(transparent)]
    Unread(#[from] Unread),
    /// The role of the client does not allow it; in words.
    #[error("{0}")]
    NotAllowed(String),
    #[error("something else is looked at")]
    Overtaken,
}

/// Answers the looks of one client, one after the other, until the client is gone. Looks that were overtaken while one
/// was answered are left out: only the newest counts.
pub(super) async fn serve(
    mut wanted: watch::Receiver<Look>,
    reader: Reader,
    events: mpsc::Sender<Event>,
    terms: Terms,
) {
    let mut eyes = Some(Eyes { reader, people: None, bearers: None, terms, titles: None, checking: None });
    while wanted.changed().await.is_ok() {
        let look = wanted.borrow_and_update().clone();
        let watched = !look.is_export();
        let Some(mut own) = eyes.take() else { return };
        let newer = wanted.clone();
        let seen = tokio::task::spawn_blocking(move || {
            // A look that takes its time ends when a newer one comes.
            let go_on = || newer.has_changed().is_ok_and(|newer| !newer);
            let found = own.see(&look, &go_on).map_err(|why| Text::from(why.to_string()));
            (own, Seen { look, found })
        });
        let Ok((mut own, seen)) = seen.await else { return };
        if events.send(Event::Seen(Box::new(seen))).await.is_err() {
            return;
        }
        // An answer may be large: the next one is not made before this one was taken.
        while terms.shared && !events.is_closed() && events.capacity() < events.max_capacity() {
            tokio::time::sleep(LOOKS_AGAIN).await;
        }
        // While the operator looks: what filters will need, in pieces so small that the next look hardly waits.
        let mut more = watched;
        while more && wanted.has_changed().is_ok_and(|newer| !newer) {
            let warmed = tokio::task::spawn_blocking(move || {
                let more = own.warm();
                (own, more)
            });
            let Ok(after) = warmed.await else { return };
            (own, more) = after;
        }
        eyes = Some(own);
    }
}

/// On which terms a client looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// Whether users are told without their names.
    pub(super) masked: bool,
    /// Whether allocations are: their units, rules and reasons too.
    pub(super) nameless: bool,
    /// The role that says so.
    pub(super) role: Role,
    /// Whether the client is one of many: what it asks for at once is bounded, and it takes an answer before it gets the
    /// next one.
    pub(super) shared: bool,
}

/// Users of a window of an export, of a client that is one of many.
const SHARED_EXPORT: u32 = 2_048;
/// How soon it is looked whether a client took an answer.
const LOOKS_AGAIN: Duration = Duration::from_millis(5);

/// What is held ready for a client.
struct Eyes {
    reader: Reader,
    people: Option<People>,
    bearers: Option<Bearers>,
    terms: Terms,
    /// What tenants are called, for filters of the audit; with the round in which they were read.
    titles: Option<(u64, Titles)>,
    /// How far the chain of the audit was checked in a round.
    checking: Option<(u64, Checking)>,
}

impl Eyes {
    fn see(&mut self, look: &Look, go_on: GoOn<'_>) -> Result<Found, Unseen> {
        if !matches!(look, Look::Audit(_) | Look::ExportAudit(_)) {
            (self.titles, self.checking) = (None, None);
        }
        match look {
            Look::Away | Look::Export(None) => {
                self.let_go();
                Ok(Found::Away)
            }
            Look::Users(look) => self.window(&UsersLook { count: look.count.min(UsersLook::MOST), ..look.clone() }),
            Look::Export(Some(Exported::Users(look))) if self.terms.shared => {
                self.window(&UsersLook { count: look.count.min(SHARED_EXPORT), ..look.clone() })
            }
            Look::Export(Some(Exported::Users(look))) => self.window(look),
            Look::Export(Some(Exported::Shares(look))) => self.allocated(look, SharesLook::MOST_EXPORTED, go_on),
            Look::Counts { users, skus, filter, field } => {
                let filter = Filter::parse::<PersonRow<'_>>(filter)?;
                let (matched, rows, values) = self.people(*users, *skus)?.counts(&filter, *field)?;
                Ok(Found::Counts { matched, rows, values })
            }
            Look::Tries { tenant, .. } => {
                self.bearers = None;
                Ok(Found::Tries(self.reader.tries(tenant)?))
            }
            Look::Diff { of, .. } => {
                self.let_go();
                let found = self.reader.difference(of, go_on)?;
                found.map(|found| Found::Diff(Arc::new(found))).ok_or(Unseen::Overtaken)
            }
            Look::Allocation(look) => self.allocated(look, SharesLook::MOST, go_on),
            Look::Audit(look) | Look::ExportAudit(look) => {
                self.let_go();
                self.audit(look, go_on)
            }
            Look::LicenseHistory { tenant, sku_id, .. } => {
                self.bearers = None;
                Ok(Found::LicenseHistory(self.reader.licenses(tenant, Some(*sku_id), None)?))
            }
        }
    }

    /// Lets go what is held ready.
    fn let_go(&mut self) {
        (self.people, self.bearers) = (None, None);
    }

    fn allocated(&mut self, look: &AllocationLook, most: u32, go_on: GoOn<'_>) -> Result<Found, Unseen> {
        let mut seen = self.allocation(look, most, go_on)?;
        if self.terms.nameless {
            seen.mask(&look.draft);
        }
        Ok(Found::Allocation(Box::new(seen)))
    }

    /// What there is to see of an allocation; of users so many rows at most.
    fn allocation(&mut self, look: &AllocationLook, most: u32, go_on: GoOn<'_>) -> Result<AllocationSeen, Unseen> {
        let AllocationLook { of, draft, ask, .. } = look;
        if let Some(why) = draft.refusal(self.terms.role) {
            return Err(Unseen::NotAllowed(why));
        }
        self.people = None;
        // Whoever asks why a user of a unit is there comes back to the unit.
        let stays = matches!(ask, AllocationAsk::Users(_) | AllocationAsk::Why(_));
        self.bearers = self.bearers.take().filter(|bearers| stays && bearers.is_beside(look));
        match ask {
            AllocationAsk::Sheet => {
                let (sheet, preview) = if draft.is_some() {
                    let (sheet, preview) = self.reader.preview(of, draft, go_on)?;
                    (sheet, Some(Box::new(preview)))
                } else {
                    (self.reader.sheet(of, go_on)?, None)
                };
                let (rules, prices, saved) = self.reader.means_of(of)?;
                let months = self.reader.months(&of.facts.key)?;
                let closed = months.iter().any(|one| one.month == of.facts.month && one.closed);
                let (sheet, masked) = (Box::new(sheet), false);
                Ok(AllocationSeen::Sheet { sheet, closed, preview, rules, prices, saved, months, masked })
            }
            AllocationAsk::Alone => Ok(AllocationSeen::Alone(Box::new(self.reader.alone(of, draft, go_on)?))),
            AllocationAsk::Users(shares) => {
                let filter = Filter::parse::<ShareRow<'_>>(&shares.filter)?;
                let bearers = match self.bearers.take().filter(|known| known.is_of(look, shares.unit.as_ref())) {
                    Some(known) => known,
                    None => self.reader.bearers(look, shares.unit.as_ref(), self.terms.nameless, go_on)?,
                };
                let shares = SharesLook { count: shares.count.min(most), ..shares.clone() };
                let seen = self.bearers.insert(bearers).window(&shares, &filter, go_on)?;
                Ok(AllocationSeen::Users(Box::new(seen)))
            }
            AllocationAsk::Why(user) => {
                let why = Box::new(self.reader.why(of, &Draft::default(), user, go_on)?);
                let rules = Draft { rules: draft.rules.clone(), prices: None };
                let then = rules.is_some().then(|| self.reader.why(of, &rules, user, go_on)).transpose()?;
                Ok(AllocationSeen::Why { why, then: then.map(Box::new) })
            }
        }
    }

    fn audit(&mut self, look: &AuditLook, go_on: GoOn<'_>) -> Result<Found, Unseen> {
        let AuditLook { tenant, ask, round } = look;
        match ask {
            AuditAsk::Rows(wanted) => {
                if wanted.filter.is_empty() {
                    self.titles = None;
                } else if self.titles.as_ref().is_none_or(|(of, _)| of != round) {
                    self.titles = Some((*round, self.reader.titles()?));
                }
                let none = Titles::default();
                let titles = self.titles.as_ref().map_or(&none, |(_, titles)| titles);
                let seen = self.reader.audit_window(tenant.as_ref(), wanted, titles, go_on)?;
                seen.map(|seen| Found::Audit(Box::new(seen))).ok_or(Unseen::Overtaken)
            }
            AuditAsk::Chain { .. } => {
                let checking = self.checking.take().filter(|(of, _)| of == round);
                let (_, checking) = self.checking.insert(checking.unwrap_or((*round, Checking::default())));
                let chain = self.reader.check_audit(checking, AuditRows::CHECKED, go_on)?;
                chain.map(Found::Chain).ok_or(Unseen::Overtaken)
            }
        }
    }

    fn window(&mut self, look: &UsersLook) -> Result<Found, Unseen> {
        let filter = Filter::parse::<PersonRow<'_>>(&look.filter)?;
        let people = self.people(look.users, look.skus)?;
        let mut seen = people.window(look, &filter)?;
        if self.terms.masked {
            seen.rows.iter_mut().for_each(User::mask);
        }
        Ok(Found::Users(seen))
    }

    /// Makes a piece ready; answers whether there is more.
    fn warm(&mut self) -> bool {
        let Some(people) = &mut self.people else { return false };
        people.warm().unwrap_or_else(|error| {
            tracing::debug!(%error, "users could not be made ready");
            false
        })
    }

    /// The users of a snapshot; those of another one, and those of a unit, are let go first.
    fn people(&mut self, users: SnapshotId, skus: Option<SnapshotId>) -> Result<&mut People, StoreError> {
        self.bearers = None;
        let people = match self.people.take().filter(|people| people.is_of(users, skus)) {
            Some(people) => people,
            None => People::open(self.reader.clone(), users, skus)?,
        };
        Ok(self.people.insert(people))
    }
}
