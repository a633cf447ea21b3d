//! Rules, prices and months of an allocation: saved, closed, opened again.

use super::{Core, Turn};
use crate::engine::report::{ClientId, Frozen, Inbox, Report};
use crate::model::allocation::{
    Allocated, AllocatedFact, Allocating, AllocationOf, Month, MonthRecord, PriceBook, PricesVersion, ReadingRecord,
    Rules, RulesVersion, Superseded, checked_reason,
};
use crate::model::{Change, Deed, Event, Key, Text};
use crate::store::{Batch, Freeze, StoreError};

/// What of an allocation is to be written.
pub(super) enum Kept {
    /// A version of rules.
    Rules(Key, Box<RulesVersion>),
    /// A version of prices.
    Prices(Key, Box<PricesVersion>),
    /// A month was closed.
    Closed(Key, Month, Box<MonthRecord>, Box<Freeze>),
    /// A month was opened again, and its sheet is superseded.
    Reopened(Key, Month, Box<MonthRecord>, Box<Superseded>),
    /// The products of a reading that is kept.
    Reading(Key, Month, Box<ReadingRecord>),
    /// A reading is kept no more.
    NoReading(Key, Month),
}

impl Kept {
    /// Writes it.
    pub(super) fn write(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        match self {
            Kept::Rules(tenant, version) => batch.put_rules(tenant, version),
            Kept::Prices(tenant, version) => batch.put_prices(tenant, version),
            Kept::Closed(tenant, month, record, frozen) => {
                batch.put_month(tenant, *month, record, &frozen.lines, &frozen.values)
            }
            Kept::Reopened(tenant, month, record, superseded) => {
                batch.put_superseded(tenant, *month, superseded)?;
                batch.put_month(tenant, *month, record, &[], &[])
            }
            Kept::Reading(tenant, month, record) => batch.put_reading(tenant, *month, record),
            Kept::NoReading(tenant, month) => batch.drop_reading(tenant, *month),
        }
    }
}

impl Core {
    /// Grants a wish, refuses it, or begins what is answered when it is over: then there is no answer yet.
    pub(super) fn allocate(
        &mut self,
        client: ClientId,
        tenant: Key,
        wish: Allocating,
        deed: &Deed,
        turn: &mut Turn,
    ) -> Option<Event> {
        let by = deed.caller.name.clone();
        let done = match wish {
            Allocating::SaveRules { rules, from, reason } => self.save_rules(tenant, *rules, from, &reason, by, turn),
            Allocating::SavePrices { prices, from, reason } => {
                self.save_prices(tenant, *prices, from, &reason, by, turn)
            }
            Allocating::Close { month, reason } => match self.close_month(client, &tenant, month, reason, deed) {
                Ok(()) => return None,
                Err(why) => Err(why),
            },
            Allocating::Reopen { month, reason } => self.reopen_month(tenant, month, &reason, by, turn),
        };
        Some(done.unwrap_or_else(Event::Refused))
    }

    fn allocated(&self, tenant: &Key) -> Allocated {
        self.fleet.tenants.get(tenant).map(|tenant| (*tenant.allocated).clone()).unwrap_or_default()
    }

    /// In which months what is saved acts, if some are closed.
    fn acts(&self, tenant: &Key) -> String {
        self.allocated(tenant).acts().map_or_else(String::new, |months| format!("; they act {months}"))
    }

    fn save_rules(
        &mut self,
        tenant: Key,
        rules: Rules,
        from: u32,
        reason: &str,
        by: Text,
        turn: &mut Turn,
    ) -> Result<Event, Text> {
        let reason = checked_reason(reason)?;
        let rules = rules.checked()?;
        let version = next(self.allocated(&tenant).rules, from, "rules")?;
        let at = self.now();
        let said = format!("rules of {} are saved as v{version}{}", self.title(&tenant)?, self.acts(&tenant));
        let saved = RulesVersion { version, by: by.clone(), at, reason: reason.clone(), rules };
        turn.kept.push(Kept::Rules(tenant.clone(), Box::new(saved)));
        self.change(Change::Allocated { tenant, by, at, fact: AllocatedFact::Rules { version, reason } }, turn);
        Ok(Event::Done(said.into()))
    }

    fn save_prices(
        &mut self,
        tenant: Key,
        prices: PriceBook,
        from: u32,
        reason: &str,
        by: Text,
        turn: &mut Turn,
    ) -> Result<Event, Text> {
        let reason = checked_reason(reason)?;
        prices.check()?;
        let version = next(self.allocated(&tenant).prices, from, "prices")?;
        let at = self.now();
        let said = format!("prices of {} are saved as v{version}{}", self.title(&tenant)?, self.acts(&tenant));
        let saved = PricesVersion { version, by: by.clone(), at, reason: reason.clone(), prices };
        turn.kept.push(Kept::Prices(tenant.clone(), Box::new(saved)));
        self.change(Change::Allocated { tenant, by, at, fact: AllocatedFact::Prices { version, reason } }, turn);
        Ok(Event::Done(said.into()))
    }

    /// Begins to reckon a month, beside the core. What comes of it is a [`Report::Frozen`].
    fn close_month(
        &mut self,
        client: ClientId,
        tenant: &Key,
        month: Month,
        reason: Option<Text>,
        deed: &Deed,
    ) -> Result<(), Text> {
        let reason = reason.map(|reason| checked_reason(&reason)).transpose()?;
        let of = self.allocation_of(tenant, month)?;
        if self.allocated(tenant).is_closed(month) {
            return Err(format!("{month} of {} is closed already", of.facts.title).into());
        }
        if self.closing.contains_key(&(tenant.clone(), month)) {
            return Err(format!("{month} of {} is being closed already", of.facts.title).into());
        }
        self.closing.insert((tenant.clone(), month), deed.clone());
        let (reader, inbox) = (self.store.reader(), self.shop.inbox.clone());
        self.runtime.spawn(async move {
            let asked = of.clone();
            let reckoned = tokio::task::spawn_blocking(move || reader.freeze(&asked)).await;
            let reckoned = match reckoned {
                Ok(reckoned) => reckoned.map_err(|why| Text::from(why.to_string())),
                Err(_) => Err(Text::const_new("the sheet could not be reckoned: a defect, see the log")),
            };
            if let Some(inbox) = inbox.upgrade() {
                // The engine ended: nothing is left to close.
                let report = Frozen { client, of, reason, reckoned };
                let _ = inbox.send(Inbox::Report(Report::Frozen(Box::new(report)))).await;
            }
        });
        Ok(())
    }

    fn allocation_of(&self, tenant: &Key, month: Month) -> Result<AllocationOf, Text> {
        let found = self.fleet.tenants.get(tenant).ok_or_else(|| Text::from(format!("no tenant {tenant}")))?;
        Ok(AllocationOf::new(found, &self.fleet.catalog, month, Month::of(self.now())))
    }

    /// Closes a month that was reckoned, unless something of it is another one by now, or a check fails.
    pub(super) fn frozen(&mut self, frozen: Frozen, turn: &mut Turn) {
        let client = frozen.client;
        let Some(deed) = self.closing.remove(&(frozen.of.facts.key.clone(), frozen.of.facts.month)) else { return };
        let by = deed.caller.name.clone();
        let answer = self.freeze(frozen, by, turn).unwrap_or_else(Event::Refused);
        turn.audit(deed.ended(&answer));
        turn.answers.push((client, answer));
    }

    fn freeze(&mut self, frozen: Frozen, by: Text, turn: &mut Turn) -> Result<Event, Text> {
        let Frozen { of, reason, reckoned, .. } = frozen;
        let (tenant, month) = (of.facts.key.clone(), of.facts.month);
        let frozen = reckoned?;
        if self.allocation_of(&tenant, month)? != of || self.allocated(&tenant).is_closed(month) {
            let why = format!("{month} is not closed: data, rules or prices changed while it was reckoned; look again");
            return Err(why.into());
        }
        let sheet = &frozen.sheet;
        let stops: Vec<&str> = sheet.stops().into_iter().map(|check| check.said.as_str()).collect();
        if !stops.is_empty() {
            return Err(format!("{month} cannot be closed: {}", stops.join("; ")).into());
        }
        let at = self.now();
        let said = format!("{month} of {} is closed: bill {}", of.facts.title, shown(sheet));
        let mut record = self.store.reader().month(&tenant, month).map_err(|error| Text::from(error.to_string()))?;
        record.close(frozen.closed(by.clone(), at, reason)?);
        turn.kept.push(Kept::Closed(tenant.clone(), month, Box::new(record), Box::new(frozen)));
        self.change(Change::Allocated { tenant, by, at, fact: AllocatedFact::Closed { month } }, turn);
        Ok(Event::Done(said.into()))
    }

    fn reopen_month(
        &mut self,
        tenant: Key,
        month: Month,
        reason: &str,
        by: Text,
        turn: &mut Turn,
    ) -> Result<Event, Text> {
        let reason = checked_reason(reason)?;
        let title = self.title(&tenant)?;
        let mut record = self.store.reader().month(&tenant, month).map_err(|error| Text::from(error.to_string()))?;
        let is_it = |key: &Key, of: &Month| *key == tenant && *of == month;
        let pending = turn.kept.iter().any(|kept| match kept {
            Kept::Closed(key, of, ..) | Kept::Reopened(key, of, ..) => is_it(key, of),
            Kept::Rules(..) | Kept::Prices(..) | Kept::Reading(..) | Kept::NoReading(..) => false,
        });
        let at = self.now();
        let is_closed = !pending && self.allocated(&tenant).is_closed(month);
        let superseded = is_closed.then(|| record.reopen(by.clone(), at, reason.clone())).flatten();
        let Some(superseded) = superseded else { return Err(format!("{month} of {title} is not closed").into()) };
        let facts = self.allocation_of(&tenant, month)?.facts;
        let gone = month < facts.today && !facts.is_of_month();
        let later = if gone { "; its data are given up: it cannot be closed again" } else { "" };
        let number = superseded.number;
        let oldest = match number.checked_sub(Superseded::MOST).filter(|oldest| *oldest > 0) {
            Some(oldest) => format!("; {oldest} is given up, {} are kept", Superseded::MOST),
            None => String::new(),
        };
        let said = format!(
            "{month} of {title} is open again: rules and prices in force act on it; its sheet is kept as superseded {number}\
             {oldest}{later}"
        );
        turn.kept.push(Kept::Reopened(tenant.clone(), month, Box::new(record), Box::new(superseded)));
        self.change(Change::Allocated { tenant, by, at, fact: AllocatedFact::Reopened { month, reason } }, turn);
        Ok(Event::Done(said.into()))
    }
}

fn shown(sheet: &crate::model::allocation::Sheet) -> String {
    let currency = sheet.currency.map_or_else(String::new, |currency| format!(" {currency}"));
    format!("{}{currency}", sheet.shown(sheet.bill))
}

/// The number of the next version, unless somebody saved one since.
fn next(newest: u32, from: u32, what: &str) -> Result<u32, Text> {
    if newest != from {
        let why =
            format!("the {what} are v{newest} by now, yours were made from v{from}: look at them, then save again");
        return Err(why.into());
    }
    Ok(newest + 1)
}
