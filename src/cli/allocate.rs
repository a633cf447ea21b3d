//! `tenantop allocate`, `rules` and `months`: what a tenant's licenses cost each of its business units.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use color_eyre::eyre::{Result, bail};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::args::{Allotted, Closing, Ruled};
use super::errand::{self, Wish};
use super::output::Rows;
use super::place::{Place, resolve};
use super::{DONE, NO_SERVICE, NOT_ALLOWED, Stop, USAGE, user_name};
use crate::client::Client;
use crate::link;
use crate::model::allocation::{
    Allocating, AllocationAsk, AllocationLook, AllocationOf, AllocationSeen, Draft, Month, MonthEvent, MonthState,
    Preview, PreviewRow, PriceBook, Reading, Rules, Sheet, SheetLine, UnitMask, UnitPath, UserShareLine, Verdict, Why,
};
use crate::model::{Command, Event, Fleet, Found, Look, Role, Tenant, TenantId, Text, Verb, day_of};
use crate::store::{Reader, Unallocated};

/// The most bytes of a file of rules or prices.
const FILE: u64 = 512 << 10;

/// A file of rules or prices, as text.
pub(super) fn read_text(path: &Path) -> Result<String> {
    use std::io::Read;
    let wrong = |why: &dyn std::fmt::Display| Stop::usage(format!("{}: {why}", path.display()));
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| wrong(&error))?;
    file.take(FILE + 1).read_to_string(&mut text).map_err(|error| wrong(&error))?;
    if text.len() as u64 > FILE {
        return Err(wrong(&format!("it has more than {FILE} bytes")).into());
    }
    Ok(text)
}

fn rules_of(path: &Path) -> Result<Rules> {
    let text = read_text(path)?;
    Ok(Rules::from_toml(&text).map_err(|why| Stop::usage(format!("{}: {why}", path.display())))?)
}

/// What is to be shown of an allocation, with the files of a draft as they were read: the service opens none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    wanted: Allotted,
    rules: Option<Rules>,
    prices: Option<String>,
}

impl Asked {
    /// Whether it hands out people.
    pub(super) const fn reads_people(&self) -> bool {
        self.wanted.users || self.wanted.why.is_some()
    }

    /// Of which tenant.
    pub(super) fn tenant(&self) -> &str {
        &self.wanted.tenant
    }

    /// Of which partner.
    pub(super) fn partner(&self) -> Option<&str> {
        self.wanted.partner.as_deref()
    }

    /// Whether it shows values of attributes as they are, which may be names.
    pub(super) const fn names_values(&self) -> bool {
        self.wanted.spellings
    }
}

/// What an operator can mend is no defect of the store.
pub(super) fn told(error: Unallocated) -> color_eyre::Report {
    match error {
        Unallocated::Store(error) => error.into(),
        error @ (Unallocated::Refused(_) | Unallocated::Overtaken) => Stop::usage(error.to_string()).into(),
    }
}

pub(super) fn of(place: &Place, fleet: &Fleet, tenant: &Tenant, month: Option<Month>) -> AllocationOf {
    let today = Month::of(place.clock.now());
    AllocationOf::new(tenant, &fleet.catalog, month.unwrap_or(today), today)
}

pub(super) fn allocate(place: &Place, wanted: Allotted) -> Result<u8> {
    let rules = wanted.rules.as_deref().map(rules_of).transpose()?;
    let prices = wanted.prices.as_deref().map(read_text).transpose()?;
    errand::run(place, Wish::Allocate(Asked { wanted, rules, prices }))
}

pub(super) fn shown(place: &Place, asked: &Asked) -> Result<u8> {
    let Asked { wanted, rules, prices } = asked;
    let (fleet, reader) = place.read()?;
    let tenant = resolve(&fleet, wanted.partner.as_deref(), &wanted.tenant)?;
    let of = of(place, &fleet, tenant, wanted.month);
    if let Some(number) = wanted.superseded {
        // What the parser refuses somebody may still send over the socket.
        if wanted.users || wanted.why.is_some() || rules.is_some() || prices.is_some() {
            return Err(
                Stop::usage("--superseded: who bore what is not kept, and no draft moves anything in it").into()
            );
        }
        return superseded(place, &reader, &of, number, wanted);
    }
    let rules = rules.clone().map(Rules::checked).transpose().map_err(|why| Stop::usage(format!("--rules: {why}")))?;
    let prices = match prices {
        Some(text) => Some(super::pricing::from_text("--prices", text, &*reader.resolved(&of).map_err(told)?)?),
        None => None,
    };
    let draft = Draft { rules: rules.map(Arc::new), prices: prices.map(Arc::new) };
    if let Some(said) = draft.refusal(place.role) {
        return Err(Stop { said, code: NOT_ALLOWED }.into());
    }
    if let Some(user) = &wanted.why {
        let mut why = reader.why(&of, &draft, user, &|| true).map_err(told)?;
        if place.masks() {
            why.mask();
        }
        return explain(place, tenant, &why);
    }
    let closed = tenant.allocated.is_closed(of.facts.month);
    let state = match (closed, draft.is_some()) {
        (_, true) => MonthState::Draft,
        (true, false) => MonthState::Closed,
        (false, false) => MonthState::Open,
    };
    if wanted.users {
        return users(place, &reader, &of, &draft, state);
    }
    let (mut sheet, mut preview) = if draft.is_some() {
        let (sheet, preview) = reader.preview(&of, &draft, &|| true).map_err(told)?;
        (sheet, Some(preview))
    } else {
        (reader.sheet(&of, &|| true).map_err(told)?, None)
    };
    if place.masks() {
        let (rules, ..) = reader.means_of(&of).map_err(told)?;
        let drafted = draft.rules.as_deref().unwrap_or(&rules);
        let then = preview.as_ref().map(|preview| (drafted, &*preview.then));
        let sheets: Vec<(&Rules, &Sheet)> = [Some((&*rules, &sheet)), then].into_iter().flatten().collect();
        let names = UnitMask::of_sheets(&sheets);
        sheet.mask(&rules, &names);
        if let Some(preview) = &mut preview {
            preview.mask(drafted, &names);
        }
    }
    let shown = preview.as_ref().map_or(&sheet, |preview| &preview.then);
    match &preview {
        Some(preview) if !wanted.names_part() => moves(place, preview, &|_| true)?,
        Some(_) | None => rows_of(place, shown, state, wanted)?,
    }
    let say = |text: &str| place.out.say(text);
    say(&headline(shown, state));
    if let Some(preview) = &preview {
        say(&moved(&sheet, preview));
    }
    for check in shown.checks.iter().filter(|check| check.verdict != Verdict::Holds) {
        say(&format!("{}: {}", check.verdict.name(), check.said));
    }
    if !wanted.checks {
        shown.method.iter().for_each(|line| say(line));
    }
    Ok(DONE)
}

/// The rows of a sheet that are wanted.
fn rows_of(place: &Place, sheet: &Sheet, state: MonthState, wanted: &Allotted) -> Result<()> {
    if wanted.products {
        return products(place, sheet);
    } else if wanted.hits {
        return hits(place, sheet);
    } else if wanted.checks {
        return checks(place, sheet);
    } else if wanted.spellings {
        return spellings(place, sheet);
    }
    let mut rows = Rows::new(&place.out, place.format, SheetLine::COLUMNS)?;
    for row in &sheet.rows {
        rows.push(&SheetLine::of(sheet, row, state))?;
    }
    rows.finish()
}

/// A sheet that a month was closed with before it was opened again.
fn superseded(place: &Place, reader: &Reader, of: &AllocationOf, number: u32, wanted: &Allotted) -> Result<u8> {
    let (month, title) = (of.facts.month, &of.facts.title);
    let found = reader.superseded(&of.facts.key, month, number)?.ok_or_else(|| {
        Stop::usage(format!("{month} of {title} has no superseded sheet {number}; next: tenantop months"))
    })?;
    let mut sheet = found.sheet().map_err(Stop::usage)?;
    if place.masks() {
        let names = UnitMask::of_sheets(&[(&found.rules, &sheet)]);
        sheet.mask(&found.rules, &names);
    }
    rows_of(place, &sheet, MonthState::Superseded, wanted)?;
    place.out.say(&headline(&sheet, MonthState::Superseded));
    for (event, what) in [(&found.closed, "closed"), (&found.reopened, "opened again")] {
        let why = event.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        place.out.say(&format!("{what} by {} at {:.0}{why}", event.by, event.at));
    }
    Ok(DONE)
}

/// What the sheet comes to, in a line.
fn headline(sheet: &Sheet, state: MonthState) -> String {
    let facts = &sheet.facts;
    let amount = |amount: Decimal| sheet.shown(amount);
    let currency = sheet.currency.map_or_else(String::new, |currency| format!(" {currency}"));
    let least = if sheet.whole { "" } else { "at least " };
    let version = |version: Option<u32>, none: &str| match version {
        None => "of a draft".to_owned(),
        Some(0) => none.to_owned(),
        Some(version) => format!("v{version}"),
    };
    let data = facts.users_at.map_or_else(|| "never read".to_owned(), |at| format!("of {at:.0}"));
    format!(
        "{} {}, {}: bill {least}{}{currency} = units {} + untracked {} + idle {}; rules {}, prices {}, data {data}; {} users, \
         {} without a seat on the bill",
        facts.title,
        facts.month,
        state.name(),
        amount(sheet.bill),
        amount(sheet.units),
        amount(sheet.untracked),
        amount(sheet.idle),
        version(facts.rules, "to begin with"),
        version(facts.prices, "none"),
        sheet.users,
        sheet.without,
    )
}

/// What a draft moves, in a line.
fn moved(now: &Sheet, preview: &Preview) -> String {
    if preview.is_still() {
        return "the draft moves nothing".to_owned();
    }
    let shown = |amount| preview.then.shown(amount);
    let empties: Vec<String> =
        preview.rows.iter().filter(|row| row.empties).map(|row| row.unit.to_string()).take(10).collect();
    let empties = if empties.is_empty() {
        "no unit becomes empty".to_owned()
    } else {
        format!("empty then: {}", empties.join(", "))
    };
    let money = match (preview.moved(), preview.net(), preview.currencies()) {
        (Some(moved), Some(net), _) => {
            let currency = preview.then.currency.or(now.currency);
            let currency = currency.map_or_else(String::new, |currency| format!(" {currency}"));
            format!("the draft moves {}{currency}, net {}", shown(moved), shown(net))
        }
        (_, _, Some((from, to))) => {
            format!("prices in force are in {from}, those of the draft in {to}: what it moves is not reckoned")
        }
        (_, _, None) => "what the draft moves is not reckoned".to_owned(),
    };
    let lacks =
        if preview.then.whole { "" } else { "; the draft is not whole: what has no price or no count is in no amount" };
    format!("{money}; {empties}{lacks}")
}

/// A row of a preview.
#[derive(Serialize)]
struct MoveLine<'a> {
    tenant_id: TenantId,
    month: Month,
    #[serde(flatten)]
    row: &'a PreviewRow,
    name: String,
    currency: Option<crate::model::allocation::Currency>,
}

fn moves(place: &Place, preview: &Preview, wanted: &dyn Fn(&PreviewRow) -> bool) -> Result<()> {
    const COLUMNS: &[(&str, &str)] = &[
        ("UNIT", "name"),
        ("USERS", "users"),
        ("USERS THEN", "users_then"),
        ("AMOUNT", "amount"),
        ("AMOUNT THEN", "amount_then"),
        ("MOVED", "moved"),
        ("CURRENCY", "currency"),
        ("EMPTIES", "empties"),
        ("KIND", "kind"),
        ("MONTH", "month"),
        ("TENANT ID", "tenant_id"),
    ];
    let mut rows = Rows::new(&place.out, place.format, COLUMNS)?;
    for row in preview.rows.iter().filter(|row| wanted(row)) {
        rows.push(&MoveLine {
            tenant_id: preview.then.tenant(),
            month: preview.then.facts.month,
            row,
            name: row.unit.to_string(),
            currency: preview.then.currency,
        })?;
    }
    rows.finish()
}

fn users(place: &Place, reader: &Reader, of: &AllocationOf, draft: &Draft, state: MonthState) -> Result<u8> {
    let mut rows = Rows::new(&place.out, place.format, UserShareLine::COLUMNS)?;
    let mut result = Ok(());
    // By whose rules units are called after people; only asked for where these are masked.
    let means = place.masks().then(|| reader.means_of(of)).transpose().map_err(told)?;
    let rules = means.as_ref().map(|(rules, ..)| draft.rules.as_ref().unwrap_or(rules));
    let mut masked: Option<Vec<UnitPath>> = None;
    let (sheet, _) = reader
        .shares(of, draft, &|| true, &mut |user, units, sheet| {
            let (mut user, mut called) = (Cow::Borrowed(user), units);
            if let Some(rules) = rules {
                user.to_mut().mask();
                called = masked.get_or_insert_with(|| {
                    let names = UnitMask::of_sheets(&[(rules, sheet)]);
                    units.iter().map(|unit| names.shown(unit)).collect()
                });
            }
            let mut lines = user.lines.iter();
            result = lines.try_for_each(|line| rows.push(&UserShareLine::of(sheet, called, &user, line, state)));
            result.is_ok()
        })
        .map_err(told)?;
    result?;
    rows.finish()?;
    place.out.say(&headline(&sheet, state));
    Ok(DONE)
}

fn products(place: &Place, sheet: &Sheet) -> Result<()> {
    const COLUMNS: &[(&str, &str)] = &[
        ("PRODUCT", "name"),
        ("STATE", "state"),
        ("PURCHASED", "purchased"),
        ("HELD", "held"),
        ("IDLE", "idle"),
        ("A MONTH", "monthly"),
        ("AMOUNT", "amount"),
        ("PART NUMBER", "part_number"),
        ("SKU ID", "sku_id"),
    ];
    let mut rows = Rows::new(&place.out, place.format, COLUMNS)?;
    for row in &sheet.products {
        rows.push(row)?;
    }
    rows.finish()
}

fn hits(place: &Place, sheet: &Sheet) -> Result<()> {
    const COLUMNS: &[(&str, &str)] = &[("RULE", "rule"), ("MATCHED", "matched"), ("TAKEN", "taken"), ("SAYS", "says")];
    let mut rows = Rows::new(&place.out, place.format, COLUMNS)?;
    for row in &sheet.rules {
        rows.push(row)?;
    }
    rows.finish()
}

fn checks(place: &Place, sheet: &Sheet) -> Result<()> {
    const COLUMNS: &[(&str, &str)] = &[("CHECK", "name"), ("VERDICT", "verdict"), ("SAID", "said")];
    let mut rows = Rows::new(&place.out, place.format, COLUMNS)?;
    for check in &sheet.checks {
        rows.push(check)?;
    }
    rows.finish()
}

/// A spelling of a value.
#[derive(Serialize)]
struct SpellingLine<'a> {
    cluster: usize,
    attribute: String,
    value: &'a str,
    users: u64,
    untracked: u64,
}

fn spellings(place: &Place, sheet: &Sheet) -> Result<()> {
    const COLUMNS: &[(&str, &str)] = &[
        ("CLUSTER", "cluster"),
        ("ATTRIBUTE", "attribute"),
        ("USERS", "users"),
        ("UNTRACKED", "untracked"),
        ("VALUE", "value"),
    ];
    let mut rows = Rows::new(&place.out, place.format, COLUMNS)?;
    for (n, cluster) in (1..).zip(&sheet.clusters) {
        for (value, users, untracked) in &cluster.spellings {
            let attribute = cluster.attribute.to_string();
            rows.push(&SpellingLine { cluster: n, attribute, value, users: *users, untracked: *untracked })?;
        }
    }
    rows.finish()
}

/// A condition of a rule, and what a user has of it.
#[derive(Serialize)]
struct WhyLine<'a> {
    rule: u32,
    holds: bool,
    takes: bool,
    says: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition_holds: Option<bool>,
}

fn explain(place: &Place, tenant: &Tenant, why: &Why) -> Result<u8> {
    const COLUMNS: &[(&str, &str)] = &[
        ("RULE", "rule"),
        ("HOLDS", "holds"),
        ("TAKES", "takes"),
        ("CONDITION", "condition"),
        ("HOLDS", "condition_holds"),
        ("VALUE", "value"),
        ("SAYS", "says"),
    ];
    let mut rows = Rows::new(&place.out, place.format, COLUMNS)?;
    for step in &why.steps {
        let line = |condition: Option<&'_ crate::model::allocation::WhyCondition>| {
            rows.push(&WhyLine {
                rule: step.rule,
                holds: step.holds,
                takes: step.takes,
                says: &step.says,
                condition: condition.map(|one| one.says.as_str()),
                value: condition.map(|one| one.value.as_str()),
                condition_holds: condition.map(|one| one.holds),
            })
        };
        if step.conditions.is_empty() {
            std::iter::once(None).try_for_each(line)?;
        } else {
            step.conditions.iter().map(Some).try_for_each(line)?;
        }
    }
    rows.finish()?;
    let units: Vec<String> = why.units.iter().map(|part| format!("{} {}%", part.unit, part.percent)).collect();
    let at = match (units.as_slice(), why.assigned) {
        ([], _) => "Untracked: no rule takes him".to_owned(),
        (_, true) => format!("{}, a place of his own", units.join(", ")),
        (_, false) => units.join(", "),
    };
    let name = if why.sign_in.is_empty() { why.user.to_string() } else { why.sign_in.to_string() };
    place.out.say(&format!("{}: {name} -> {}", tenant.title(), at));
    Ok(DONE)
}

/// A client of the engine here, or of a service that has the store, and the fleet as it stands.
pub(super) struct Asker {
    client: Client,
    fleet: Fleet,
    role: Role,
}

impl Asker {
    async fn of(mut client: Client, role: Role) -> Result<Self> {
        loop {
            match client.events.recv().await {
                Some(Event::Hello(fleet)) => return Ok(Self { client, fleet: *fleet, role }),
                // A service says first who this is.
                Some(Event::You { .. } | Event::Present(_)) => {}
                Some(_) | None => bail!("the engine does not answer"),
            }
        }
    }

    /// What a wish is answered with.
    async fn ask(&mut self, command: Command) -> Result<Event> {
        let may = self.role.may(Verb::of(&command));
        self.client.commands.send(command).await?;
        let lost = "the service does not answer any more: look whether it was done";
        while let Some(event) = self.client.events.recv().await {
            match event {
                event @ (Event::Done(_) | Event::Seen(_) | Event::Accepted { .. }) => return Ok(event),
                Event::Refused(why) => {
                    let code = if may { USAGE } else { NOT_ALLOWED };
                    return Err(Stop { said: why.to_string(), code }.into());
                }
                Event::Lost { .. } => return Err(Stop { said: lost.to_owned(), code: NO_SERVICE }.into()),
                Event::Over(why) => return Err(Stop { said: why.to_string(), code: NO_SERVICE }.into()),
                Event::Hello(_) | Event::Change(_) | Event::Present(_) | Event::You { .. } => {}
            }
        }
        bail!("the engine ended")
    }
}

/// Prices that are saved already, and their version.
pub(super) struct Known {
    pub(super) prices: PriceBook,
    pub(super) version: u32,
}

/// Asks for one thing about a tenant, here or at the service, and waits for its answer. Of a draft it is said first what it
/// moves in the month that it is.
pub(super) fn ask(
    place: &Place,
    partner: Option<&str>,
    wanted: &str,
    wish: impl FnOnce(&AllocationOf, &Tenant, Known) -> Result<Allocating>,
    needs_prices: bool,
) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let served = async |mut asker: Asker| -> Result<u8> {
            let tenant = resolve(&asker.fleet, partner, wanted)?.clone();
            let of = of(place, &asker.fleet, &tenant, None);
            let known = if needs_prices {
                prices_of(&mut asker, &tenant, &of).await?
            } else {
                Known { prices: PriceBook::default(), version: tenant.allocated.prices }
            };
            let wish = wish(&of, &tenant, known)?;
            preview(place, &mut asker, &tenant, of, &wish).await?;
            let wish = Box::new(wish);
            if let Event::Done(said) = asker.ask(Command::Allocate { tenant: tenant.key, wish }).await? {
                place.out.say(&said);
            }
            Ok(DONE)
        };
        if let Some(socket) = place.socket() {
            let attached = link::attach(&socket, errand::hints(), place.clock.clone())
                .await
                .map_err(|error| errand::stop(&error))?;
            return served(Asker::of(attached.client, attached.caller.role).await?).await;
        }
        let engine = place.engine()?;
        let answered = match Asker::of(engine.client(user_name().into()), Role::Admin).await {
            Ok(asker) => served(asker).await,
            Err(error) => Err(error),
        };
        engine.stop().await;
        answered
    })
}

/// The fleet, of the store here or of a service.
pub(super) fn fleet(place: &Place) -> Result<Fleet> {
    let Some(socket) = place.socket() else { return Ok(place.read()?.0.into_owned()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let attached =
            link::attach(&socket, errand::hints(), place.clock.clone()).await.map_err(|error| errand::stop(&error))?;
        Ok(Asker::of(attached.client, attached.caller.role).await?.fleet)
    })
}

async fn see(
    asker: &mut Asker,
    of: AllocationOf,
    draft: Draft,
    ask: AllocationAsk,
) -> Result<Result<AllocationSeen, Text>> {
    let look = AllocationLook { of, draft, ask, round: 0 };
    let Event::Seen(seen) = asker.ask(Command::Look(Look::Allocation(Box::new(look)))).await? else {
        bail!("another answer than was asked for")
    };
    match seen.found {
        Ok(Found::Allocation(seen)) => Ok(Ok(*seen)),
        Ok(_) => bail!("another answer than was asked for"),
        Err(why) => Ok(Err(why)),
    }
}

/// The newest prices. A closed month shows those that it was closed with: a month is asked for that cannot be closed yet.
async fn prices_of(asker: &mut Asker, tenant: &Tenant, of: &AllocationOf) -> Result<Known> {
    let mut of = of.clone();
    let last = tenant.allocated.closed.last().copied();
    of.facts.month = last.map_or(of.facts.today, |last| last.max(of.facts.today)).after();
    match see(asker, of, Draft::default(), AllocationAsk::Sheet).await? {
        Ok(AllocationSeen::Sheet { sheet, prices, closed: false, .. }) => {
            let version = sheet.facts.prices.unwrap_or(0);
            Ok(Known { prices: Arc::unwrap_or_clone(prices), version })
        }
        Ok(_) => bail!("another answer than was asked for"),
        Err(why) => Err(Stop::usage(why.to_string()).into()),
    }
}

/// Says what a draft moves in the month that it is, before it is saved: unit by unit, then all together. A month that is
/// closed already is left alone. What cannot be reckoned is not saved.
async fn preview(place: &Place, asker: &mut Asker, tenant: &Tenant, of: AllocationOf, wish: &Allocating) -> Result<()> {
    let draft = match wish {
        Allocating::SaveRules { rules, .. } => Draft { rules: Some(Arc::new((**rules).clone())), prices: None },
        Allocating::SavePrices { prices, .. } => Draft { rules: None, prices: Some(Arc::new((**prices).clone())) },
        Allocating::Close { .. } | Allocating::Reopen { .. } => return Ok(()),
    };
    let month = of.facts.month;
    if tenant.allocated.is_closed(month) {
        let acts = tenant.allocated.acts().unwrap_or_default();
        place.out.say(&format!("{month} is closed: nothing moves in it; what is saved acts {acts}"));
        return Ok(());
    }
    let said = match see(asker, of.clone(), draft.clone(), AllocationAsk::Sheet).await? {
        Ok(AllocationSeen::Sheet { sheet, preview: Some(preview), .. }) => {
            moves(place, &preview, &|row| !row.is_still())?;
            moved(&sheet, &preview)
        }
        Ok(_) => bail!("another answer than was asked for"),
        // Maybe only what is in force cannot be reckoned any more: then the draft is what mends it.
        Err(why) => match see(asker, of, draft, AllocationAsk::Alone).await? {
            Ok(AllocationSeen::Alone(sheet)) => {
                format!(
                    "no preview, what is in force cannot be reckoned: {why}; {}",
                    headline(&sheet, MonthState::Draft)
                )
            }
            Ok(_) => bail!("another answer than was asked for"),
            Err(why) => return Err(Stop::usage(format!("nothing is saved: {why}")).into()),
        },
    };
    place.out.say(&format!("{month}: {said}"));
    Ok(())
}

/// A version of rules or prices.
#[derive(Serialize)]
pub(super) struct VersionLine<'a> {
    pub(super) version: u32,
    pub(super) by: &'a str,
    pub(super) at: Timestamp,
    pub(super) reason: &'a str,
}

impl VersionLine<'_> {
    pub(super) const COLUMNS: &'static [(&'static str, &'static str)] =
        &[("VERSION", "version"), ("AT", "at"), ("BY", "by"), ("REASON", "reason")];
}

pub(super) fn rules(place: &Place, wanted: Ruled) -> Result<u8> {
    let Some(path) = &wanted.save else { return errand::run(place, Wish::Rules(wanted)) };
    let rules = Box::new(rules_of(path)?);
    let reason = wanted.reason.as_deref().unwrap_or_default().into();
    let wish = |_: &AllocationOf, tenant: &Tenant, _| {
        Ok(Allocating::SaveRules { rules, from: wanted.from.unwrap_or(tenant.allocated.rules), reason })
    };
    ask(place, wanted.partner.as_deref(), &wanted.tenant, wish, false)
}

pub(super) fn shown_rules(place: &Place, wanted: &Ruled) -> Result<u8> {
    let (fleet, reader) = place.read()?;
    let tenant = resolve(&fleet, wanted.partner.as_deref(), &wanted.tenant)?;
    if wanted.history {
        let mut rows = Rows::new(&place.out, place.format, VersionLine::COLUMNS)?;
        for saved in reader.all_rules(&tenant.key)?.iter().rev() {
            let (version, by, reason) = (saved.version, saved.by.as_str(), saved.reason.as_str());
            rows.push(&VersionLine { version, by, at: saved.at, reason })?;
        }
        rows.finish()?;
        return Ok(DONE);
    }
    let saved = reader.rules(&tenant.key, wanted.number)?;
    if let (Some(number), None) = (wanted.number, &saved) {
        return Err(Stop::usage(format!("{} has no rules v{number}", tenant.title())).into());
    }
    let said = saved.as_ref().map_or_else(
        || format!("{}: no rules are saved; these are what a tenant begins with", tenant.title()),
        |saved| {
            format!("{}: rules v{} by {} at {:.0}: {}", tenant.title(), saved.version, saved.by, saved.at, saved.reason)
        },
    );
    let rules = saved.map_or_else(Rules::start, |saved| saved.rules);
    place.out.write(&rules.to_toml().map_err(Stop::usage)?)?;
    place.out.say(&said);
    Ok(DONE)
}

/// A time that a month was closed or opened again.
#[derive(Serialize)]
struct MonthLine<'a> {
    month: Month,
    /// What it is now.
    state: &'static str,
    event: &'static str,
    #[serde(flatten)]
    of: &'a MonthEvent,
    /// The number by which the sheet of a closing that holds no more is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded: Option<u32>,
}

pub(super) fn months(place: &Place, wanted: Closing) -> Result<u8> {
    let reason = wanted.reason.as_deref().map(Into::into);
    let wish = match (wanted.close, wanted.reopen) {
        (Some(month), _) => Allocating::Close { month, reason },
        (None, Some(month)) => Allocating::Reopen { month, reason: reason.unwrap_or_default() },
        (None, None) => return errand::run(place, Wish::Months(wanted)),
    };
    ask(place, wanted.partner.as_deref(), &wanted.tenant, |_, _, _| Ok(wish), false)
}

pub(super) fn shown_months(place: &Place, wanted: &Closing) -> Result<u8> {
    const COLUMNS: &[(&str, &str)] = &[
        ("MONTH", "month"),
        ("STATE", "state"),
        ("EVENT", "event"),
        ("AT", "at"),
        ("BY", "by"),
        ("BILL", "bill"),
        ("UNTRACKED", "untracked"),
        ("CURRENCY", "currency"),
        ("RULES", "rules"),
        ("PRICES", "prices"),
        ("DATA OF", "data_at"),
        ("REASON", "reason"),
        ("SUPERSEDED", "superseded"),
    ];
    let (fleet, reader) = place.read()?;
    let tenant = resolve(&fleet, wanted.partner.as_deref(), &wanted.tenant)?;
    let months = reader.months(&tenant.key)?;
    let mut rows = Rows::new(&place.out, place.format, COLUMNS)?;
    for standing in &months {
        let state = if standing.closed { "closed" } else { "open" };
        let closings = standing.events.iter().scan(0, |closings, event| {
            *closings += u32::from(event.closed);
            Some((*closings, event))
        });
        for (number, event) in closings.collect::<Vec<_>>().into_iter().rev() {
            let what = if event.closed { "closed" } else { "reopened" };
            let superseded = Some(number).filter(|number| event.closed && standing.superseded.contains(number));
            rows.push(&MonthLine { month: standing.month, state, event: what, of: event, superseded })?;
        }
    }
    rows.finish()?;
    if months.is_empty() {
        place.out.say(&format!("{}: no month was closed yet", tenant.title()));
    }
    // A month that is not over is closed with what stands, whatever half an import left of it; one that is over too, as long as
    // nothing later was read.
    let today = Month::of(place.clock.now());
    let stands = Reading::of(tenant).filter(|reading| {
        let known = &tenant.allocated;
        known.is_used() && known.reading(reading.month).is_none() && !known.is_closed(reading.month)
    });
    for reading in tenant.allocated.readings.iter().chain(&stands).filter(|reading| reading.month < today) {
        let month = reading.month;
        let can = if tenant.allocated.is_closed(month) { "opened and closed again" } else { "closed" };
        let day = day_of(reading.users.at.min(reading.skus_at));
        let is = if tenant.allocated.reading(month).is_some() { "is kept" } else { "stands" };
        place.out.say(&format!("{month} can be {can}: its last reading, data of {day}, {is}"));
    }
    Ok(DONE)
}
