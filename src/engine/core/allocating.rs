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

impl Turn {
    /// Whether a month was closed or opened again in this turn: the store does not know of it yet.
    fn moves(&self, tenant: &Key, month: Month) -> bool {
        self.kept.iter().any(|kept| match kept {
            Kept::Closed(key, of, ..) | Kept::Reopened(key, of, ..) => key == tenant && *of == month,
            Kept::Rules(..) | Kept::Prices(..) | Kept::Reading(..) | Kept::NoReading(..) => false,
        })
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
            Allocating::Close { month, reason } => match self.close_month(client, &tenant, month, reason, deed, turn) {
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
        turn: &Turn,
    ) -> Result<(), Text> {
        let reason = reason.map(|reason| checked_reason(&reason)).transpose()?;
        let of = self.allocation_of(tenant, month)?;
        if self.allocated(tenant).is_closed(month) {
            return Err(format!("{month} of {} is closed already", of.facts.title).into());
        }
        if self.closing.contains_key(&(tenant.clone(), month)) {
            return Err(format!("{month} of {} is being closed already", of.facts.title).into());
        }
        // It would be reckoned beside what the store has of the month before.
        if [month.before(), month].iter().any(|month| turn.moves(tenant, *month)) {
            return Err(format!("{month} is not closed: it or the month before changes right now; look again").into());
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
        let moves = [month.before(), month].iter().any(|month| turn.moves(&tenant, *month));
        if moves || self.allocation_of(&tenant, month)? != of || self.allocated(&tenant).is_closed(month) {
            let why = format!("{month} is not closed: data, rules or prices changed while it was reckoned; look again");
            return Err(why.into());
        }
        let sheet = &frozen.sheet;
        let stops: Vec<&str> = sheet.stops().into_iter().map(|check| check.said.as_str()).collect();
        if !stops.is_empty() {
            return Err(format!("{month} cannot be closed: {}", stops.join("; ")).into());
        }
        let at = self.now();
        let bill = shown(sheet);
        let mut record = self.store.reader().month(&tenant, month).map_err(|error| Text::from(error.to_string()))?;
        record.close(frozen.closed(by.clone(), at, reason)?);
        turn.kept.push(Kept::Closed(tenant.clone(), month, Box::new(record), Box::new(frozen)));
        let readings = self.allocated(&tenant).readings;
        let fact = AllocatedFact::Closed { month };
        self.change(Change::Allocated { tenant: tenant.clone(), by, at, fact }, turn);
        let after = self.allocated(&tenant);
        let gone = readings.iter().map(|reading| reading.month).filter(|month| after.reading(*month).is_none());
        let gone: Vec<String> = gone.map(|month| month.to_string()).collect();
        let gone = if gone.is_empty() {
            String::new()
        } else {
            format!("; opened again, {} could not be closed any more: its data are given up", gone.join(" or "))
        };
        Ok(Event::Done(format!("{month} of {} is closed: bill {bill}{gone}", of.facts.title).into()))
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
        let at = self.now();
        let is_closed = !turn.moves(&tenant, month) && self.allocated(&tenant).is_closed(month);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use jiff::Timestamp;
    use tokio::sync::{Semaphore, mpsc};

    use super::*;
    use crate::config::Config;
    use crate::engine::report::Shop;
    use crate::model::allocation::tests::{counted, price, user};
    use crate::model::allocation::{Period, Reading};
    use crate::model::{Caller, Clock, Fleet, Good, RunId, SnapshotId, Tenant, TenantId};
    use crate::store::{Store, UsersPage};

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    /// The data of a month: two users, who hold one product.
    fn read(store: &mut Store, tenant: &Key, last_day: &str) -> Reading {
        let at: Timestamp = format!("{last_day}T12:00:00Z").parse().unwrap();
        let snapshot = store.next_snapshot();
        let users = [user(1, Some("A"), &[0]), user(2, Some("B"), &[0])];
        let counted = Arc::new(counted(&users, &[Some(2)]));
        let mut batch = store.batch().unwrap();
        batch.stage_users(snapshot, &UsersPage::encode(&users).unwrap()).unwrap();
        batch.seal(snapshot).unwrap();
        batch.put_reading(tenant, Month::of(at), &ReadingRecord { users: snapshot, counted }).unwrap();
        batch.commit(false).unwrap();
        let users = Good { at, count: 2, snapshot, run: RunId(snapshot.0) };
        Reading { month: Month::of(at), users, skus_at: at }
    }

    /// A core without clouds in December, of one tenant with prices and kept readings of October and November.
    fn core(dir: &std::path::Path) -> (Core, Key) {
        let mut store = Store::open(&dir.join("store.redb"), 1 << 20).unwrap();
        let now: Timestamp = "2026-12-05T12:00:00Z".parse().unwrap();
        let key = Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::from_u128(7)) };
        let mut tenant = Tenant::new(key.clone(), "T".into(), "t".into(), now);
        let readings = ["2026-10-31", "2026-11-30"].map(|day| read(&mut store, &key, day)).to_vec();
        *tenant.allocated = Allocated { prices: 1, readings, ..Allocated::default() };
        let (by, reason): (Text, Text) = ("mlee".into(), "x".into());
        let prices = PriceBook { prices: vec![price(0, "10", "EUR", Period::Month)] };
        let mut batch = store.batch().unwrap();
        batch.put_prices(&key, &PricesVersion { version: 1, by, at: now, reason, prices }).unwrap();
        batch.put_tenant(&tenant).unwrap();
        batch.commit(false).unwrap();
        let fleet: Fleet = store.load(1).unwrap();
        let Config { import, store: keep, schedule, .. } = Config::default();
        let shop = Shop {
            inbox: mpsc::channel(1).0.downgrade(),
            slots: Arc::new(Semaphore::new(1)),
            staging: Arc::new(Semaphore::new(1)),
            snapshots: Arc::new(AtomicU64::new(SnapshotId(9).0)),
            limits: Arc::new(import),
            clock: Clock::of(move || now),
        };
        let runtime = tokio::runtime::Handle::current();
        (Core::new(store, fleet, BTreeMap::new(), shop, keep, schedule, runtime), key)
    }

    impl Core {
        /// A month as it comes back when it was reckoned.
        fn reckoned(&self, tenant: &Key, month: Month) -> Frozen {
            let of = self.allocation_of(tenant, month).unwrap();
            let reckoned = self.store.reader().freeze(&of).map_err(|why| why.to_string().into());
            Frozen { client: 1, of, reason: None, reckoned }
        }

        fn closes(&mut self, frozen: Frozen, turn: &mut Turn) -> Result<String, String> {
            match self.freeze(frozen, "mlee".into(), turn) {
                Ok(Event::Done(said)) => Ok(said.to_string()),
                Ok(other) => panic!("{other:?}"),
                Err(why) => Err(why.to_string()),
            }
        }

        fn events(&self, tenant: &Key, month: Month) -> Vec<bool> {
            self.store.reader().month(tenant, month).unwrap().events.iter().map(|event| event.closed).collect()
        }
    }

    #[tokio::test]
    async fn a_month_is_not_closed_in_the_turn_that_opens_it_again() {
        let dir = tempfile::tempdir().unwrap();
        let (mut core, key) = core(dir.path());
        let october = month("2026-10");
        let mut turn = Turn::default();
        let frozen = core.reckoned(&key, october);
        let said = core.closes(frozen, &mut turn).unwrap();
        assert_eq!(said, "2026-10 of T is closed: bill 20.00 EUR");
        core.settle(turn);
        let mut turn = Turn::default();
        core.reopen_month(key.clone(), october, "wrong", "jdoe".into(), &mut turn).unwrap();
        let frozen = core.reckoned(&key, october);
        let why = core.closes(frozen, &mut turn).unwrap_err();
        assert!(why.starts_with("2026-10 is not closed: ") && why.ends_with("; look again"), "{why}");
        let deed = Deed::plain(core.now(), Caller::default(), "close", Text::default());
        let why = core.close_month(1, &key, october, None, &deed, &turn).unwrap_err();
        assert!(why.ends_with("; look again"), "{why}");
        core.settle(turn);
        let frozen = core.reckoned(&key, october);
        let mut turn = Turn::default();
        core.closes(frozen, &mut turn).unwrap();
        core.settle(turn);
        assert_eq!(core.events(&key, october), [true, false, true]);
    }

    #[tokio::test]
    async fn a_month_is_not_reckoned_before_the_month_before_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let (mut core, key) = core(dir.path());
        let (october, november) = (month("2026-10"), month("2026-11"));
        let mut turn = Turn::default();
        let frozen = core.reckoned(&key, october);
        core.closes(frozen, &mut turn).unwrap();
        let deed = Deed::plain(core.now(), Caller::default(), "close", Text::default());
        let why = core.close_month(1, &key, november, None, &deed, &turn).unwrap_err();
        assert!(why.ends_with("; look again"), "{why}");
        assert!(core.closing.is_empty());
        // As it would come back: without anything to stand beside.
        let frozen = core.reckoned(&key, november);
        assert!(frozen.reckoned.as_ref().unwrap().sheet.rows.iter().all(|row| row.before.is_none()));
        assert!(core.closes(frozen, &mut turn).unwrap_err().ends_with("; look again"));
        core.settle(turn);
        let frozen = core.reckoned(&key, november);
        assert!(frozen.reckoned.as_ref().unwrap().sheet.rows.iter().any(|row| row.before.is_some()));
        core.close_month(1, &key, november, None, &deed, &Turn::default()).unwrap();
        assert_eq!(core.closing.len(), 1);
    }

    #[tokio::test]
    async fn who_closes_a_month_is_told_whose_data_are_given_up_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let (mut core, key) = core(dir.path());
        let kept = |core: &Core| core.allocated(&key).readings.iter().map(|one| one.month).collect::<Vec<_>>();
        let (october, november) = (month("2026-10"), month("2026-11"));
        let close = |core: &mut Core, month: Month| {
            let mut turn = Turn::default();
            let frozen = core.reckoned(&key, month);
            let said = core.closes(frozen, &mut turn).unwrap();
            core.settle(turn);
            said
        };
        // Out of turn: both stay.
        let said = close(&mut core, november);
        assert!(!said.contains("given up"), "{said}");
        let said = close(&mut core, october);
        assert!(!said.contains("given up"), "{said}");
        assert_eq!(kept(&core), [october, november]);
        let mut turn = Turn::default();
        core.reopen_month(key.clone(), november, "wrong", "jdoe".into(), &mut turn).unwrap();
        core.settle(turn);
        let said = close(&mut core, november);
        let want = "2026-11 of T is closed: bill 20.00 EUR; opened again, 2026-10 could not be closed any more: its data are \
                    given up";
        assert_eq!(said, want);
        assert_eq!(kept(&core), [november]);
        let of = core.store.reader().reading(&key, october).unwrap();
        assert_eq!(of, None, "given up with the closing");
    }
}
