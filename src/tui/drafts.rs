//! Drafts of allocations: what is worked out and not saved. They are kept while the console is open, whatever screen is
//! left, and lost with it: so leaving it asks.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::model::allocation::Draft;
use crate::model::{Key as TenantKey, Text};

/// A draft of a tenant: of rules or of prices, never of both, each step made from the one before it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Drafted {
    /// What it would be, with what was done last.
    steps: Vec<(Draft, Text)>,
    /// The version that the first of them was made from.
    pub(crate) from: u32,
}

impl Drafted {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What it is; nothing without one.
    pub(crate) fn draft(&self) -> Draft {
        self.steps.last().map(|(draft, _)| draft.clone()).unwrap_or_default()
    }

    /// Whether it is one of prices.
    pub(crate) fn is_of_prices(&self) -> bool {
        self.steps.last().is_some_and(|(draft, _)| draft.prices.is_some())
    }

    /// What was done, step by step.
    pub(crate) fn said(&self) -> impl DoubleEndedIterator<Item = &Text> + ExactSizeIterator {
        self.steps.iter().map(|(_, said)| said)
    }

    /// Goes on from it. `from` is the version that a first step is made from.
    pub(crate) fn push(&mut self, draft: Draft, said: Text, from: u32) {
        if self.steps.is_empty() {
            self.from = from;
        }
        self.steps.push((draft, said));
    }

    /// Takes the last step back.
    pub(crate) fn pop(&mut self) {
        self.steps.pop();
    }

    /// It was saved: it is no draft any more.
    pub(crate) fn clear(&mut self) {
        self.steps.clear();
    }
}

/// The drafts of all tenants.
#[derive(Debug, Default)]
pub(crate) struct Drafts(RefCell<BTreeMap<TenantKey, Drafted>>);

impl Drafts {
    /// That of a tenant; an empty one if there is none.
    pub(crate) fn of(&self, tenant: &TenantKey) -> Drafted {
        self.0.borrow().get(tenant).cloned().unwrap_or_default()
    }

    /// Keeps one; an empty one is forgotten.
    pub(crate) fn keep(&self, tenant: &TenantKey, draft: &Drafted) {
        let mut all = self.0.borrow_mut();
        if draft.is_empty() {
            all.remove(tenant);
        } else {
            all.insert(tenant.clone(), draft.clone());
        }
    }

    /// The tenants that have one.
    pub(crate) fn tenants(&self) -> Vec<TenantKey> {
        self.0.borrow().keys().cloned().collect()
    }
}
