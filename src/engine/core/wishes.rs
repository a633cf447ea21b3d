use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{Core, Live, Turn};
use crate::engine::plan;
use crate::engine::report::ClientId;
use crate::engine::run::Work;
use crate::model::{Change, Command, Event, Key, PartnerName, Pause, RunId, RunKind, Scope, Text};

/// How often a partner's GDAP relationships are asked for at most.
const RELATIONS_EVERY: SignedDuration = SignedDuration::from_hours(1);

impl Core {
    /// Grants a wish or refuses it to the asker alone.
    pub(super) fn decide(&mut self, client: ClientId, command: Command, turn: &mut Turn) {
        let by = self.clients.by(client);
        let answer = if self.stopping.is_empty() {
            self.grant(command, by, turn).unwrap_or_else(Event::Refused)
        } else {
            Event::Refused(Text::const_new("the engine is stopping: nothing can be started"))
        };
        turn.answers.push((client, answer));
    }

    fn grant(&mut self, command: Command, by: Text, turn: &mut Turn) -> Result<Event, Text> {
        let now = self.now();
        match command {
            Command::Import { scope, list, reason } => self.import(scope, list, reason, by, turn),
            Command::Sync { partner } => {
                let scope = Scope::All(partner);
                let partners = self.partners_of(&scope)?;
                Ok(self.begin(RunKind::Sync, scope, &partners, true, (by, None), turn))
            }
            Command::Cancel { run, tenant } => self.cancel(run, tenant.as_ref()),
            Command::Pause { tenant, reason, until } => {
                let name = self.title(&tenant)?;
                if until <= now {
                    return Err(Text::const_new("a pause needs an end that lies ahead"));
                }
                self.change(Change::Paused { tenant, pause: Pause { by, reason, at: now, until } }, turn);
                Ok(Event::Done(format!("{name} is left out until {}", until.strftime("%Y-%m-%d")).into()))
            }
            Command::Resume { tenant } => {
                let name = self.title(&tenant)?;
                self.change(Change::Resumed { tenant }, turn);
                Ok(Event::Done(format!("{name} is part of runs again").into()))
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
            // Whoever hands out clients answers these from the store, beside the core.
            Command::Look(_) => Err(Text::const_new("nothing is shown here")),
        }
    }

    fn title(&self, key: &Key) -> Result<String, Text> {
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
        let mut partners = self.partners_of(&scope)?;
        let Scope::Tenants(keys) = scope else {
            let same = self.live.iter().find(|(_, live)| live.scope == scope && live.imports);
            if let Some((run, live)) = same {
                return Ok(Event::Accepted { run: *run, joined: live.jobs.len() as u64, by: Some(live.by.clone()) });
            }
            return Ok(self.begin(kind, scope, &partners, list || kind == RunKind::All, (by, reason), turn));
        };
        let mut fresh: Vec<Key> = Vec::new();
        let mut joined: Vec<RunId> = Vec::new();
        let mut seen = BTreeSet::new();
        for key in keys.into_iter().filter(|key| seen.insert(key.clone())) {
            self.title(&key)?;
            match self.fleet.tenants.get(&key).and_then(|tenant| tenant.active.as_ref()) {
                Some(active) => joined.push(active.run),
                None if self.clouds.contains_key(&key.partner) => fresh.push(key),
                None => return Err(format!("partner {} is not in the configuration", key.partner).into()),
            }
        }
        if fresh.is_empty() {
            let Some(run) = joined.first().copied() else { return Err(Text::const_new("no tenant was named")) };
            let by = self.live.get(&run).map(|live| live.by.clone());
            return Ok(Event::Accepted { run, joined: joined.len() as u64, by });
        }
        partners.retain(|partner| fresh.iter().any(|key| key.partner == *partner));
        let event = self.begin(kind, Scope::Tenants(fresh.clone()), &partners, list, (by, reason), turn);
        if let Event::Accepted { run, by, .. } = event {
            if let Some(live) = self.live.get_mut(&run) {
                live.jobs.extend(fresh.iter().map(|key| (key.clone(), live.cancel.child_token())));
            }
            self.change(Change::Queued { run, tenants: fresh, at: self.now() }, turn);
            return Ok(Event::Accepted { run, joined: joined.len() as u64, by });
        }
        Ok(event)
    }

    /// Starts a run of these partners.
    fn begin(
        &mut self,
        kind: RunKind,
        scope: Scope,
        partners: &BTreeSet<PartnerName>,
        list: bool,
        (by, reason): (Text, Option<Text>),
        turn: &mut Turn,
    ) -> Event {
        let run = self.store.next_run();
        let cancel = CancellationToken::new();
        let imports = kind != RunKind::Sync;
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
                imports,
                cancel: cancel.clone(),
                signed_in: BTreeSet::new(),
                jobs: HashMap::new(),
            },
        );
        let relations = partners.iter().filter(|name| self.relations_are_due(name)).cloned().collect();
        self.change(Change::RunStarted { run, kind, by, reason, at: self.now() }, turn);
        turn.works.push(Work { run, partners: clouds, relations, list, import: imports, cancel });
        Event::Accepted { run, joined: 0, by: None }
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
