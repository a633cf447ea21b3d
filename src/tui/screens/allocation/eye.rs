//! What the screens of an allocation ask for, and whether they have heard.

use jiff::Timestamp;

use crate::model::allocation::{Allocated, AllocationAsk, AllocationLook, AllocationOf, AllocationSeen, Draft, Month};
use crate::model::{Key as TenantKey, Look, Seen, Tenant, Text};
use crate::tui::screens::Cx;

/// What is asked of a month of a tenant.
#[derive(Debug)]
pub(super) struct Eye {
    pub(super) of: TenantKey,
    want: Option<AllocationOf>,
    /// What the tenant remembers of its allocation, as it was asked for.
    known: Option<Allocated>,
    round: u64,
    pub(super) answered: bool,
    pub(super) asked_at: Timestamp,
    pub(super) failed: Option<Text>,
}

impl Eye {
    pub(super) fn new(of: TenantKey) -> Self {
        Self { of, want: None, known: None, round: 0, answered: false, asked_at: Timestamp::UNIX_EPOCH, failed: None }
    }

    pub(super) fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.of)
    }

    /// What the tenant is called.
    pub(super) fn title(&self, cx: &Cx<'_>) -> String {
        self.tenant(cx).map_or_else(|| self.of.to_string(), |tenant| tenant.title().to_owned())
    }

    /// What is asked for is another one: it is waited for.
    pub(super) fn wait(&mut self, cx: &Cx<'_>) {
        (self.answered, self.asked_at, self.failed) = (false, cx.now, None);
    }

    /// Asks again for what may have become another one.
    pub(super) fn again(&mut self, cx: &Cx<'_>) {
        self.round += 1;
        self.wait(cx);
    }

    /// Asks anew if data, month or fleet are others, or if somebody saved rules or prices, closed a month or opened one.
    /// Whether it did.
    pub(super) fn changed(&mut self, month: Month, cx: &Cx<'_>) -> bool {
        let tenant = self.tenant(cx);
        let want = tenant.map(|tenant| AllocationOf::new(tenant, &cx.fleet.catalog, month, Month::of(cx.now)));
        let known = tenant.map(|tenant| &*tenant.allocated);
        let other = self.known.as_ref() != known;
        if other {
            self.known = known.cloned();
            self.round += 1;
        }
        let asks = other || want != self.want;
        if asks {
            self.want = want;
            self.wait(cx);
        }
        asks
    }

    /// The draft that acts on a month: on a closed one none does.
    pub(super) fn draft(&self, month: Month, cx: &Cx<'_>) -> Draft {
        let is_closed = self.tenant(cx).is_some_and(|tenant| tenant.allocated.is_closed(month));
        if is_closed { Draft::default() } else { cx.drafts().of(&self.of).draft() }
    }

    /// What there is to ask for with a draft.
    pub(super) fn look(&self, draft: Draft, ask: AllocationAsk) -> Option<AllocationLook> {
        Some(AllocationLook { of: self.want.clone()?, draft, ask, round: self.round })
    }

    /// What was seen, if it is the answer to what is asked for.
    pub(super) fn hears<'s>(
        &mut self,
        look: Option<&Look>,
        seen: &'s Seen,
    ) -> Option<Result<&'s AllocationSeen, &'s Text>> {
        if look != Some(&seen.look) {
            return None;
        }
        self.answered = true;
        let found = seen.allocation()?;
        self.failed = found.err().cloned();
        Some(found)
    }
}
