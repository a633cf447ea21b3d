//! What a screen is, and what several screens share. A screen is one file: state, key table, press, view, tests.

pub(crate) mod allocation;
mod asking;
pub(crate) mod audit;
pub(crate) mod counts;
pub(crate) mod diff;
mod events;
mod evidence;
pub(crate) mod expiries;
mod facts;
pub(crate) mod fleet_licenses;
pub(crate) mod history;
pub(crate) mod license_history;
pub(crate) mod licenses;
mod person;
pub(crate) mod probe;
pub(crate) mod product_tenants;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod tenants;
mod tries;
pub(crate) mod users;
pub(crate) mod why;

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};

use super::drafts::Drafts;
use super::export::{Body, Sheet};
use super::keys::{Key, Shown};
use super::overlays::{Answer, Letter, NoteInput, Question};
use super::page::{Line, Page};
use super::{Options, View, words};
use crate::failure::{Context, Language};
use crate::model::allocation::{Month, UnitPath};
use crate::model::{
    Command, Filter, FilterError, Fleet, Key as TenantKey, Look, ProductKey, Run, RunId, RunState, Scope, Seen, SkuId,
    Tenant, TenantRow, Text, UserId,
};

/// Which screen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ScreenId {
    /// All tenants.
    Tenants,
    /// One tenant: why it stands as it does.
    Why(TenantKey),
    /// The licenses of a tenant.
    Licenses(TenantKey),
    /// The counts of a product of a tenant, day by day.
    LicenseHistory(TenantKey, SkuId),
    /// The users of a tenant.
    Users(TenantKey),
    /// The users of a tenant who hold a product.
    Holders(TenantKey, SkuId),
    /// How many users of a tenant, those that a filter shows, have each value of a field.
    Counts(TenantKey, String),
    /// Every try of a tenant.
    History(TenantKey),
    /// What the last import of a tenant changed.
    Diff(TenantKey),
    /// What licenses cost each business unit of a tenant.
    Allocation(TenantKey),
    /// The users of a business unit in a month; untracked ones if it is absent.
    AllocationUsers(TenantKey, Month, Option<UnitPath>),
    /// Why a user is in his units.
    AllocationWhy(TenantKey, Month, UserId),
    /// Who did what: to a tenant, or all of it.
    Audit(Option<TenantKey>),
    /// The prices of a tenant: those in force, or those that a closed month has.
    AllocationPrices(TenantKey, Option<Month>),
    /// All runs.
    Runs,
    /// One run.
    Run(RunId),
    /// What ends, and what stops then.
    Expiries,
    /// Licenses over all tenants, by product.
    FleetLicenses,
    /// The tenants that have a product.
    ProductTenants(ProductKey),
}

/// What a screen asks of the loop.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Nothing more.
    Nothing,
    /// A word in the message row.
    Say(String),
    /// A wish to the engine.
    Send(Command),
    /// Another screen on top of this one.
    Open(ScreenId),
    /// A question before anything is done.
    Ask(Question),
    /// Something to choose from and to copy.
    Copy(Vec<CopyItem>),
    /// A text to read, over the screen.
    Show {
        /// Its title.
        title: String,
        /// Its lines.
        lines: Vec<Line>,
    },
    /// What it wants to see is asked for anew, though it is the same.
    Look,
    /// The line of commands with a text in it.
    Line(String),
    /// The filter's input.
    Filter,
    /// The text for a customer, over the screen.
    Letter(Box<Letter>),
    /// The input of a ticket's number and note.
    Note(Box<NoteInput>),
    /// Texts for customers are in this language from here on.
    Language(Language),
    /// Another screen with a filter.
    Narrow(ScreenId, String),
    /// Something to be written to a file.
    Export(Box<Sheet>),
    /// The console is left.
    Leave,
}

/// A wait that is over within this is not told: a word that only flashes is no word.
const BLINK: SignedDuration = SignedDuration::from_millis(300);
/// A wait that lasts longer shows its seconds.
pub(crate) const PATIENCE_S: i64 = 3;

/// Something that can be copied: the letter after `y`, what it is, and the text.
#[derive(Debug, Clone)]
pub(crate) struct CopyItem {
    pub(crate) letter: char,
    pub(crate) what: &'static str,
    pub(crate) text: String,
}

/// What of an allocation is done with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saved {
    /// A draft of rules is saved.
    Rules,
    /// A draft of prices is saved.
    Prices,
    /// A closed month is opened again.
    Open,
}

/// A finding of a product.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) tenant: TenantKey,
    pub(crate) sku_id: SkuId,
    /// The finding, as it is kept.
    pub(crate) finding: Text,
    /// Product and finding in words.
    pub(crate) said: String,
}

/// What a screen may look at: the fleet, the time and the options. Ages asked of it note when they change.
pub(crate) struct Cx<'a> {
    pub(crate) fleet: &'a Fleet,
    pub(crate) now: Timestamp,
    pub(crate) options: &'a Options,
    notes: &'a Notes,
}

/// What screens note while they look and press: when they are to be drawn again, and drafts.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(super) wake: Cell<Option<Timestamp>>,
    pub(super) drafts: Drafts,
}

impl<'a> Cx<'a> {
    pub(crate) fn new(fleet: &'a Fleet, now: Timestamp, options: &'a Options, notes: &'a Notes) -> Self {
        Self { fleet, now, options, notes }
    }

    /// Asks to be drawn again at a time, since something shown changes then.
    pub(crate) fn wake_at(&self, at: Timestamp) {
        let earliest = self.notes.wake.get().map_or(at, |before| before.min(at));
        self.notes.wake.set(Some(earliest));
    }

    /// The drafts of this session.
    pub(crate) fn drafts(&self) -> &'a Drafts {
        &self.notes.drafts
    }

    /// An age, which is drawn again when it changes.
    pub(crate) fn age(&self, at: Timestamp) -> String {
        let (text, flips) = words::age(at, self.now);
        self.wake_at(flips);
        text
    }

    /// An age, or a dash.
    pub(crate) fn age_or_dash(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(|| "-".to_owned(), |at| self.age(at))
    }

    /// The key that does what a name says, for a hint.
    pub(crate) fn key(&self, name: &'static str) -> &'a str {
        self.options.keymap.hint(name)
    }

    /// A hint: the key of a name, and what it does here.
    pub(crate) fn hint(&self, name: &'static str, does: &str) -> String {
        format!("{} {does}", self.key(name))
    }

    /// What is said beside something that is waited for: nothing for a blink, then the word, after three seconds with the
    /// seconds.
    pub(crate) fn waiting(&self, since: Timestamp, word: &str) -> String {
        let waited = self.now.duration_since(since);
        if waited < BLINK {
            self.wake_at(since.checked_add(BLINK).unwrap_or(since));
            return String::new();
        }
        if waited.as_secs() < PATIENCE_S {
            self.wake_at(words::later(since, PATIENCE_S));
            return word.to_owned();
        }
        format!("{word}, {} s", self.elapsed(since, 1))
    }

    /// Seconds since a time, for something that goes on; drawn again after `every` seconds.
    pub(crate) fn elapsed(&self, since: Timestamp, every: i64) -> i64 {
        let seconds = self.now.duration_since(since).as_secs().max(0);
        self.wake_at(words::later(since, (seconds / every + 1) * every));
        seconds
    }

    /// What the words of a remedy are filled in with.
    pub(crate) fn context(&self, tenant: &'a Tenant) -> Context<'a> {
        Context {
            customer: tenant.title(),
            partner_tenant: self.options.partners.get(&tenant.key.partner).and_then(|us| us.tenant),
            wide: self.fleet.is_one_of_many(tenant),
            relation: self.fleet.relation(tenant),
        }
    }
}

/// A screen.
pub(crate) trait Screen {
    /// Which one it is.
    fn id(&self) -> ScreenId;
    /// Where it stands, as row 1 shows it.
    fn path(&self, cx: &Cx<'_>) -> Vec<String>;
    /// Its keys as they stand, the most used ones first.
    fn keys(&self, cx: &Cx<'_>) -> Vec<Shown>;
    /// Takes a key; absent if the screen has no such key.
    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect>;
    /// A click on a row of the terminal.
    fn click(&mut self, _row: u16, _cx: &Cx<'_>) {}
    /// The fleet changed, or time made a difference.
    fn changed(&mut self, cx: &Cx<'_>);
    /// Draws it. Alters nothing but what belongs to the view.
    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>);
    /// The filter as typed.
    fn filter(&self) -> String {
        String::new()
    }
    /// Takes a filter as typed; a filter that cannot be used changes nothing.
    fn set_filter(&mut self, _text: &str, _cx: &Cx<'_>) -> Result<(), FilterError> {
        Ok(())
    }
    /// What it wants to see that the fleet does not hold; asked for after each picture, if it is something new.
    fn look(&self, _cx: &Cx<'_>) -> Option<Look> {
        None
    }
    /// Hears what there was to see.
    fn seen(&mut self, _seen: &Seen, _cx: &Cx<'_>) {}
    /// The tenants that a command is about: those marked, else the one under the cursor, or the screen's own.
    fn subjects(&self, _cx: &Cx<'_>) -> Vec<TenantKey> {
        Vec::new()
    }
    /// The run under the cursor, of a list of runs.
    fn run_here(&self) -> Option<RunId> {
        None
    }
    /// The product under the cursor, which a command names.
    fn product(&self, _cx: &Cx<'_>) -> Option<SkuId> {
        None
    }
    /// The finding under the cursor that can be explained.
    fn finding(&self, _cx: &Cx<'_>) -> Option<Subject> {
        None
    }
    /// Asks whether what was made here is to be saved, with a reason.
    fn save(&self, _what: Saved, _reason: &str, _cx: &Cx<'_>) -> Result<Effect, String> {
        Err("there is no draft here".to_owned())
    }
    /// Takes a price as it was typed, for the product under the cursor: in place of what is there, or beside it.
    fn price(&mut self, _text: &str, _beside: bool, _cx: &Cx<'_>) -> Result<Effect, String> {
        Err("no product is under the cursor that has a price here".to_owned())
    }
    /// What `y` offers.
    fn copies(&self, _cx: &Cx<'_>) -> Vec<CopyItem> {
        Vec::new()
    }
    /// Why `x` writes no file of what is shown, in words that say what does.
    fn no_sheet(&self) -> Option<String> {
        None
    }
    /// What `x` writes to a file: all that is shown, whole; absent if nothing is.
    fn sheet(&self, _cx: &Cx<'_>) -> Option<Sheet> {
        None
    }
    /// The text of a screen that is one, whole, line by line.
    fn whole(&self, cx: &Cx<'_>) -> Option<Vec<String>> {
        match self.sheet(cx)?.body {
            Body::Text(lines) => Some(lines),
            Body::Json(_) | Body::Rows { .. } | Body::Stream(_) | Body::Audit { .. } => None,
        }
    }
}

/// Opens a screen.
pub(crate) fn open(id: &ScreenId, cx: &Cx<'_>) -> Box<dyn Screen> {
    let mut screen: Box<dyn Screen> = match id {
        ScreenId::Tenants => {
            let filter = if cx.options.view == View::Tenants { cx.options.filter.as_str() } else { "" };
            Box::new(tenants::Tenants::new(cx.options.all, filter))
        }
        ScreenId::Why(key) => Box::new(why::Why::new(key.clone())),
        ScreenId::Licenses(key) => Box::new(licenses::Licenses::new(key.clone())),
        ScreenId::LicenseHistory(key, sku_id) => Box::new(license_history::LicenseDays::new(key.clone(), *sku_id)),
        ScreenId::Users(key) => Box::new(users::Users::new(key.clone(), None)),
        ScreenId::Holders(key, product) => Box::new(users::Users::new(key.clone(), Some(*product))),
        ScreenId::Counts(key, filter) => Box::new(counts::Counts::new(key.clone(), filter.clone())),
        ScreenId::History(key) => Box::new(history::History::new(key.clone())),
        ScreenId::Diff(key) => Box::new(diff::Diff::new(key.clone())),
        ScreenId::Allocation(key) => Box::new(allocation::Allocation::new(key.clone())),
        ScreenId::AllocationUsers(key, month, unit) => {
            Box::new(allocation::people::People::new(key.clone(), *month, unit.clone()))
        }
        ScreenId::AllocationWhy(key, month, user) => {
            Box::new(allocation::reason::Reason::new(key.clone(), *month, *user))
        }
        ScreenId::Audit(key) => Box::new(audit::Audit::new(key.clone())),
        ScreenId::AllocationPrices(key, month) => Box::new(allocation::pricing::Pricing::new(key.clone(), *month)),
        ScreenId::Runs => Box::new(runs::Runs::new()),
        ScreenId::Run(id) => Box::new(run::RunScreen::new(*id)),
        ScreenId::Expiries => Box::new(expiries::Expiries::new()),
        ScreenId::FleetLicenses => Box::new(fleet_licenses::FleetLicenses::new()),
        ScreenId::ProductTenants(product) => Box::new(product_tenants::ProductTenants::new(product.clone())),
    };
    screen.changed(cx);
    screen
}

/// Whether the screen that a console starts with can use a filter.
pub(crate) fn check_filter(view: View, text: &str) -> Result<(), FilterError> {
    match view {
        View::Tenants => Filter::parse::<TenantRow<'_>>(text).map(drop),
        View::Runs => Filter::parse::<&Run>(text).map(drop),
    }
}

/// Asks whether these tenants are to be imported again: by harm.
pub(crate) fn rerun(keys: Vec<TenantKey>, cx: &Cx<'_>) -> Effect {
    let tenants: Vec<&Tenant> = keys.iter().filter_map(|key| cx.fleet.tenants.get(key)).collect();
    let command = Command::Import { scope: Scope::Tenants(keys), list: false, reason: None };
    let harmless = "Reads only; changes nothing there.";
    match tenants.as_slice() {
        [] => Effect::Say("no tenant here to run again".to_owned()),
        // It is being read: the wish joins, nothing is started.
        [tenant] if tenant.active.is_some() => Effect::Send(command),
        [tenant] => Effect::Ask(Question::new(
            "",
            vec![],
            format!("Re-run {} now? {harmless}", words::cut(tenant.title(), 24)),
            Answer::Yes(command),
            cx.now,
        )),
        many => {
            let n = many.len();
            let title = format!("re-run {n} tenants");
            if n > 20 {
                let lines =
                    vec![format!("An import of {n} tenants. {harmless}"), "Old data stay until new are whole.".into()];
                return Effect::Ask(Question::new(
                    &title,
                    lines,
                    format!("Type {n}, then y:"),
                    Answer::typed(vec![(n.to_string(), command)]),
                    cx.now,
                ));
            }
            let names: Vec<&str> = many.iter().map(|tenant| tenant.title()).collect();
            let question = format!("Re-run these {n} tenants now?");
            Effect::Ask(Question::new(
                &title,
                vec![names.join(", "), harmless.into()],
                question,
                Answer::Yes(command),
                cx.now,
            ))
        }
    }
}

/// Asks whether a run is to be ended early: an own one by a key, another's by its number.
pub(crate) fn cancel(run: &Run, cx: &Cx<'_>) -> Effect {
    if let Some(why) = no_cancel(run) {
        return Effect::Say(why);
    }
    let command = Command::Cancel { run: run.id, tenant: None };
    let stays = "What is saved stays saved; the rest keeps its old data.";
    if run.by == cx.options.operator.as_str() {
        let question = format!("Cancel run {}? {stays}", run.id);
        return Effect::Ask(Question::new("", vec![], question, Answer::Yes(command), cx.now));
    }
    let lines = vec![format!("{} started it {} ago. {stays}", run.by, words::age(run.started_at, cx.now).0)];
    let answer = Answer::typed(vec![(run.id.to_string(), command)]);
    Effect::Ask(Question::new(
        &format!("cancel run {} of {}", run.id, run.by),
        lines,
        format!("Type {}, then y:", run.id),
        answer,
        cx.now,
    ))
}

/// Why a run cannot be cancelled.
pub(crate) fn no_cancel(run: &Run) -> Option<String> {
    (run.state != RunState::Running).then(|| format!("run {} is over", run.id))
}

/// What a run does, in a word or two.
pub(crate) const fn kind_words(kind: crate::model::RunKind) -> &'static str {
    match kind {
        crate::model::RunKind::All => "all tenants",
        crate::model::RunKind::Failed => "failed ones",
        crate::model::RunKind::Rerun => "re-run",
        crate::model::RunKind::Sync => "customer list",
        crate::model::RunKind::Probe => "probe",
        crate::model::RunKind::AfterProbe => "after probe",
        crate::model::RunKind::Daily => "daily",
    }
}

/// How a run stands, in a word.
pub(crate) const fn run_words(state: RunState) -> &'static str {
    match state {
        RunState::Running => "RUNNING",
        RunState::Done => "DONE",
        RunState::Cancelled => "CANCELLED",
        RunState::Interrupted => "CUT OFF",
        RunState::Refused => "REFUSED",
    }
}

/// What a run's state means to the eye.
pub(crate) const fn run_meaning(state: RunState) -> super::theme::Meaning {
    use super::theme::Meaning;
    match state {
        RunState::Running => Meaning::Active,
        RunState::Done => Meaning::Plain,
        RunState::Cancelled => Meaning::Quiet,
        RunState::Interrupted => Meaning::Aging,
        RunState::Refused => Meaning::Ours,
    }
}
