use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{Core, Live, Turn};
use crate::engine::plan;
use crate::engine::report::ClientId;
use crate::engine::run::{Reach, Work};
use crate::model::{
    Caller, Change, Command, Deed, Event, Key, Known, LocalName, PartnerName, Pause, RunId, RunKind, Scope, SkuId,
    Text, Ticket, Verb, clean,
};

/// How often a partner's GDAP relationships are asked for at most.
const RELATIONS_EVERY: SignedDuration = SignedDuration::from_hours(1);

impl Core {
    /// Grants a wish or refuses it to the asker alone.
    pub(super) fn decide(&mut self, client: ClientId, command: Command, turn: &mut Turn) {
        if let Command::At(tenant) = command {
            turn.present |= self.clients.at(client, tenant);
            return;
        }
        let caller = self.clients.caller(client);
        let verb = self.verb(&command, &caller);
        let mut deed = Deed::of(self.now(), caller.clone(), verb.word(), &command);
        deed.bound(|key| self.fleet.tenants.contains_key(key));
        let answer = if !self.stopping.is_empty() {
            Event::Refused(Text::const_new("the engine is stopping: nothing can be started"))
        } else if let Err(why) = caller.role.check(verb) {
            Event::Refused(why)
        } else if let Command::Allocate { tenant, wish } = command {
            let Some(answer) = self.allocate(client, tenant, *wish, &deed, turn) else { return };
            answer
        } else {
            self.grant(command, caller.name.clone(), turn).unwrap_or_else(Event::Refused)
        };
        if let Event::Accepted { run, by: None, .. } = &answer
            && turn.works.iter().any(|work| work.run == *run)
            && let Some(live) = self.live.get_mut(run)
        {
            live.uid.get_or_insert(caller.uid);
        }
        turn.audit(deed.ended(&answer));
        turn.answers.push((client, answer));
    }

    /// What a wish asks for: whose run is to be cancelled makes a difference.
    fn verb(&self, command: &Command, caller: &Caller) -> Verb {
        match (Verb::of(command), command) {
            (Verb::CancelOwn, Command::Cancel { run, .. })
                if self.live.get(run).is_some_and(|live| live.uid != Some(caller.uid)) =>
            {
                Verb::CancelOthers
            }
            (verb, _) => verb,
        }
    }

    fn grant(&mut self, command: Command, by: Text, turn: &mut Turn) -> Result<Event, Text> {
        let now = self.now();
        match command {
            Command::Import { scope, list, reason } => self.import(scope, list, checked(reason)?, by, turn),
            Command::Probe { tenants, reason } => self.probe(tenants, checked(reason)?, by, turn),
            Command::Sync { partner } => {
                let scope = Scope::All(partner);
                let partners = self.partners_of(&scope)?;
                Ok(started(self.begin(RunKind::Sync, scope, &partners, true, (by, None), turn)))
            }
            Command::Cancel { run, tenant } => self.cancel(run, tenant.as_ref()),
            Command::Pause { tenant, reason, until } => {
                let name = self.title(&tenant)?;
                if until <= now {
                    return Err(Text::const_new("a pause needs an end that lies ahead"));
                }
                let reason = checked(Some(reason))?.unwrap_or_default();
                self.change(Change::Paused { tenant, pause: Pause { by, reason, at: now, until } }, turn);
                Ok(Event::Done(format!("{name} is left out until {}", until.strftime("%Y-%m-%d")).into()))
            }
            Command::Resume { tenant } => {
                let name = self.title(&tenant)?;
                self.change(Change::Resumed { tenant }, turn);
                Ok(Event::Done(format!("{name} is part of runs again").into()))
            }
            Command::Ticket { tenant, number, note } => self.ticket(tenant, &number, note.as_ref(), by, turn),
            Command::CloseTicket { tenant } => {
                let name = self.title(&tenant)?;
                let Some(ticket) = self.fleet.tenants.get(&tenant).and_then(|tenant| tenant.open_ticket()) else {
                    return Err(format!("{name} has no open ticket").into());
                };
                let said = format!("ticket {} of {name} is closed", ticket.number);
                self.change(Change::TicketClosed { tenant, by, at: now }, turn);
                Ok(Event::Done(said.into()))
            }
            Command::Review { tenant, accept } => {
                let name = self.title(&tenant)?;
                if self.fleet.tenants.get(&tenant).is_none_or(|t| t.held_back.is_none()) {
                    return Err(format!("nothing is held back for {name}").into());
                }
                self.change(Change::Reviewed { tenant, accepted: accept, at: now }, turn);
                let said = if accept { "taken as the good data" } else { "thrown away, the old data stand" };
                Ok(Event::Done(format!("held back import of {name}: {said}").into()))
            }
            Command::Know { tenant, known } => self.know(tenant, Known { what: *known, by, at: now }, turn),
            Command::Forget { tenant, sku_id } => {
                let name = self.title(&tenant)?;
                let known =
                    self.fleet.tenants.get(&tenant).is_some_and(|t| t.known.iter().any(|k| k.what.sku_id == sku_id));
                if !known {
                    return Err(format!("no finding of that product of {name} is marked as known").into());
                }
                self.change(Change::Forgotten { tenant, sku_id }, turn);
                Ok(Event::Done(Text::const_new("the finding is to be looked at again")))
            }
            Command::Name { sku_id, name } => self.name(sku_id, &name, by, turn),
            Command::Kick { session } => {
                let why = format!("{by} ended this session");
                let Some(name) = self.clients.kick(session, why.into()) else {
                    return Err(format!("no session {session}").into());
                };
                turn.present = true;
                Ok(Event::Done(format!("session {session} of {name} is ended").into()))
            }
            // It is decided by nobody.
            Command::At(_) => Err(Text::const_new("nothing is asked for")),
            // The one is answered when it is over; whoever hands out clients answers the other from the store, beside the core.
            Command::Allocate { .. } | Command::Look(_) => Err(Text::const_new("nothing is shown here")),
        }
    }

    /// Records a ticket with what is refused now. What is our own turn is no ticket of a customer.
    fn ticket(
        &mut self,
        key: Key,
        number: &Text,
        note: Option<&Text>,
        by: Text,
        turn: &mut Turn,
    ) -> Result<Event, Text> {
        let name = self.title(&key)?;
        let (number, note) = Ticket::check(number, note.map_or("", Text::as_str))?;
        let Some(tenant) = self.fleet.tenants.get(&key) else { return Err(format!("no tenant {key}").into()) };
        if let Some(why) = self.fleet.not_theirs(tenant) {
            return Err(format!("no ticket for {name}: {why}").into());
        }
        let Some(failing) = tenant.failing() else {
            return Err(format!("no ticket for {name}: nothing is refused there").into());
        };
        let said = format!("ticket {number} of {name} is recorded");
        let ticket = Ticket {
            number,
            asked_at: self.now(),
            by,
            note,
            policies: failing.failure.policies.clone(),
            class: failing.failure.class,
            closed_at: None,
            closed_by: None,
        };
        self.change(Change::Ticketed { tenant: key, ticket }, turn);
        Ok(Event::Done(said.into()))
    }

    /// Records that a finding is as it should be.
    fn know(&mut self, tenant: Key, mut known: Known, turn: &mut Turn) -> Result<Event, Text> {
        self.title(&tenant)?;
        let reason: Text = clean(known.what.reason.trim()).as_ref().into();
        if reason.is_empty() || reason.len() > Known::REASON_LIMIT {
            return Err(format!("a reason has 1 to {} bytes", Known::REASON_LIMIT).into());
        }
        if known.what.until <= known.at {
            return Err(Text::const_new("what is known needs an end that lies ahead"));
        }
        let said = format!("\"{}\" is known until {}", known.what.finding, known.what.until.strftime("%Y-%m-%d"));
        known.what.reason = reason;
        self.change(Change::Known { tenant, known }, turn);
        Ok(Event::Done(said.into()))
    }

    /// Gives a product a name of our own, or takes it away.
    fn name(&mut self, sku_id: SkuId, name: &Text, by: Text, turn: &mut Turn) -> Result<Event, Text> {
        let name = LocalName::check(name)?;
        let catalog = &self.fleet.catalog;
        let product = catalog.part(sku_id).map_or_else(|| sku_id.to_string(), str::to_owned);
        let said = match (name.is_empty(), catalog.local().get(&sku_id)) {
            (true, None) => return Err(Text::const_new("that product has no name of our own")),
            (true, Some(before)) => format!("{product} is no longer called {}", before.name),
            (false, _) => format!("{product} is called {name} for everybody"),
        };
        let name = (!name.is_empty()).then(|| LocalName { name, by, at: self.now() });
        self.change(Change::Named { sku_id, name }, turn);
        Ok(Event::Done(said.into()))
    }

    pub(super) fn title(&self, key: &Key) -> Result<String, Text> {
        match self.fleet.tenants.get(key) {
            Some(tenant) => Ok(tenant.title().to_owned()),
            None => Err(format!("no tenant {key}").into()),
        }
    }

    fn partners_of(&self, scope: &Scope) -> Result<BTreeSet<PartnerName>, Text> {
        let partners = plan::partners(scope, self.clouds.keys());
        if partners.is_empty() {
            return Err(Text::const_new("no partner for this is in the configuration"));
        }
        Ok(partners)
    }

    fn import(
        &mut self,
        scope: Scope,
        list: bool,
        reason: Option<Text>,
        by: Text,
        turn: &mut Turn,
    ) -> Result<Event, Text> {
        let kind = plan::kind(&scope);
        let partners = self.partners_of(&scope)?;
        let Scope::Tenants(keys) = scope else {
            let reads = |live: &Live| live.scope == scope && live.reach == Reach::Data && !live.only_sells();
            let same = self.live.iter().find(|(_, live)| reads(live));
            if let Some((run, live)) = same {
                return Ok(Event::Accepted { run: *run, joined: live.jobs.len() as u64, by: Some(live.by.clone()) });
            }
            if let Some((run, joined)) = self.held_by_one(&scope, &partners) {
                let by = self.live.get(&run).map(|live| live.by.clone());
                return Ok(Event::Accepted { run, joined, by });
            }
            let list = list || kind == RunKind::All;
            return Ok(started(self.begin(kind, scope, &partners, list, (by, reason), turn)));
        };
        self.named(kind, keys, list, (by, reason), turn)
    }

    /// The run that reads all that a scope means now, and how many that are: a run of its own would have nobody to read.
    fn held_by_one(&self, scope: &Scope, partners: &BTreeSet<PartnerName>) -> Option<(RunId, u64)> {
        let now = self.now();
        let mut wanted = partners.iter().flat_map(|name| plan::tenants(&self.fleet, scope, name, now));
        let holder = |key: &Key| Some(self.fleet.tenants.get(key)?.active.as_ref()?.run);
        let run = holder(&wanted.next()?)?;
        let reads = self.live.get(&run).is_some_and(|live| live.reach == Reach::Data);
        let mut joined = 1;
        let all = wanted.all(|key| {
            joined += 1;
            holder(&key) == Some(run)
        });
        (reads && all).then_some((run, joined))
    }

    /// Signs in to these tenants and reads nothing.
    fn probe(&mut self, keys: Vec<Key>, reason: Option<Text>, by: Text, turn: &mut Turn) -> Result<Event, Text> {
        self.named(RunKind::Probe, keys, false, (by, reason), turn)
    }

    /// A run of tenants that are named. What another run holds is joined; but an import takes over from a probe, which
    /// would leave it unread.
    fn named(
        &mut self,
        kind: RunKind,
        keys: Vec<Key>,
        list: bool,
        (by, reason): (Text, Option<Text>),
        turn: &mut Turn,
    ) -> Result<Event, Text> {
        let mut fresh: Vec<Key> = Vec::new();
        let mut joined: Vec<RunId> = Vec::new();
        let mut seen = BTreeSet::new();
        let probes = self.probes();
        for key in keys.into_iter().filter(|key| seen.insert(key.clone())) {
            self.title(&key)?;
            match self.fleet.tenants.get(&key).and_then(|tenant| tenant.active.as_ref()) {
                Some(active) if !(kind.reads() && probes.contains(&active.run)) => joined.push(active.run),
                Some(_) | None if self.clouds.contains_key(&key.partner) => fresh.push(key),
                Some(_) | None => return Err(format!("partner {} is not in the configuration", key.partner).into()),
            }
        }
        if fresh.is_empty() {
            let Some(run) = joined.first().copied() else { return Err(Text::const_new("no tenant was named")) };
            let by = self.live.get(&run).map(|live| live.by.clone());
            return Ok(Event::Accepted { run, joined: joined.len() as u64, by });
        }
        let run = self.begin_with(kind, fresh, list, (by, reason), turn);
        Ok(Event::Accepted { run, joined: joined.len() as u64, by: None })
    }

    /// Starts a run of these tenants, which wait in its queue from here on.
    pub(super) fn begin_with(
        &mut self,
        kind: RunKind,
        tenants: Vec<Key>,
        list: bool,
        who: (Text, Option<Text>),
        turn: &mut Turn,
    ) -> RunId {
        let scope = Scope::Tenants(tenants.clone());
        let partners = plan::partners(&scope, self.clouds.keys());
        let run = self.begin(kind, scope, &partners, list, who, turn);
        self.queue(run, tenants, turn);
        run
    }

    /// Tenants wait in the queue of a run from here on.
    pub(super) fn queue(&mut self, run: RunId, tenants: Vec<Key>, turn: &mut Turn) {
        if let Some(live) = self.live.get_mut(&run) {
            live.jobs.extend(tenants.iter().map(|key| (key.clone(), live.cancel.child_token())));
        }
        self.take_over(&tenants);
        self.change(Change::Queued { run, tenants, at: self.now() }, turn);
    }

    /// The runs that go on and read nothing of tenants.
    pub(super) fn probes(&self) -> BTreeSet<RunId> {
        self.live.iter().filter(|(_, live)| live.reach == Reach::SignIn).map(|(run, _)| *run).collect()
    }

    /// Ends what probes still have to do with these tenants.
    pub(super) fn take_over(&self, tenants: &[Key]) {
        for key in tenants {
            let active = self.fleet.tenants.get(key).and_then(|tenant| tenant.active.as_ref());
            let live = active.and_then(|active| self.live.get(&active.run));
            if let Some(job) = live.filter(|live| live.reach == Reach::SignIn).and_then(|live| live.jobs.get(key)) {
                job.cancel();
            }
        }
    }

    /// Starts a run of these partners.
    pub(super) fn begin(
        &mut self,
        kind: RunKind,
        scope: Scope,
        partners: &BTreeSet<PartnerName>,
        list: bool,
        (by, reason): (Text, Option<Text>),
        turn: &mut Turn,
    ) -> RunId {
        let run = self.store.next_run();
        let cancel = CancellationToken::new();
        let reach = match kind {
            RunKind::All | RunKind::Failed | RunKind::Rerun | RunKind::AfterProbe | RunKind::Daily => Reach::Data,
            RunKind::Probe => Reach::SignIn,
            RunKind::Sync => Reach::Nothing,
        };
        let clouds: BTreeMap<_, _> = self
            .clouds
            .iter()
            .filter(|(name, _)| partners.contains(*name))
            .map(|(n, c)| (n.clone(), c.clone()))
            .collect();
        self.live.insert(
            run,
            Live {
                scope,
                by: by.clone(),
                uid: None,
                reach,
                then_import: false,
                passed: Vec::new(),
                cancel: cancel.clone(),
                signed_in: BTreeSet::new(),
                jobs: HashMap::new(),
                unplanned: clouds.len(),
                selling: BTreeSet::new(),
            },
        );
        // A probe asks nothing but to be let in.
        let asks = !matches!(reach, Reach::SignIn);
        let relations = partners.iter().filter(|name| asks && self.relations_are_due(name)).cloned().collect();
        self.change(Change::RunStarted { run, kind, by, reason, at: self.now() }, turn);
        let lists = if list { partners.clone() } else { BTreeSet::new() };
        turn.works.push(Work { run, partners: clouds, relations, lists, reach, calm: false, cancel });
        run
    }

    /// Whether it is an hour since a partner's GDAP relationships were asked for.
    fn relations_are_due(&self, name: &PartnerName) -> bool {
        let tried_at = self.fleet.partners.get(name).and_then(|partner| partner.relations_tried_at);
        tried_at.is_none_or(|at| self.now().duration_since(at) >= RELATIONS_EVERY)
    }

    fn cancel(&mut self, run: RunId, tenant: Option<&Key>) -> Result<Event, Text> {
        let Some(live) = self.live.get(&run) else { return Err(format!("run {run} is over").into()) };
        match tenant {
            None => {
                live.cancel.cancel();
                Ok(Event::Done(format!("run {run} is being cancelled; what is saved stays saved").into()))
            }
            Some(key) => {
                let Some(job) = live.jobs.get(key) else { return Err(format!("{key} is over in run {run}").into()) };
                job.cancel();
                Ok(Event::Done(format!("{} is being cancelled in run {run}", self.title(key)?).into()))
            }
        }
    }
}

/// A reason as it is kept: cleaned, and no longer than anybody reads.
fn checked(reason: Option<Text>) -> Result<Option<Text>, Text> {
    let Some(reason) = reason else { return Ok(None) };
    let reason: Text = clean(reason.trim()).as_ref().into();
    if reason.len() > Known::REASON_LIMIT {
        return Err(format!("a reason has at most {} bytes", Known::REASON_LIMIT).into());
    }
    Ok((!reason.is_empty()).then_some(reason))
}

/// The answer to whoever asked for a run of its own.
const fn started(run: RunId) -> Event {
    Event::Accepted { run, joined: 0, by: None }
}
