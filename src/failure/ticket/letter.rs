//! The letter: which sentences in which order. The sentences themselves are each language's own.

use compact_str::CompactString;
use jiff::Timestamp;

use super::layout::{Page, WIDTH, clean, cut, fill};
use super::{Ask, Demand, Ticket, TicketContext, trust_helps};
use crate::failure::Failure;

/// The most columns of a customer's name.
const NAME_WIDTH: usize = 60;

/// The sentences of a language. Pairs say the same with and without a fact.
///
/// `{tenant}` is the customer's tenant, `{organization}` ours as a menu wants it, `{role}` the role that is needed; the
/// others are `{partner}`, `{app}`, `{account}`, `{since}`, `{tries}` and `{id}`.
#[derive(Debug)]
pub(super) struct Words {
    /// The subject, before the customer's name: at most 52 columns.
    pub(super) subject: fn(Ask) -> &'static str,
    pub(super) hello: &'static str,
    /// Who we are and what we do: with our name, without.
    pub(super) we: [&'static str; 2],
    /// No sign-in: with its first time, without.
    pub(super) refused: [&'static str; 2],
    /// Signed in, but nothing can be read: with its first time, without.
    pub(super) unread: [&'static str; 2],
    /// One attempt, several.
    pub(super) tries: [&'static str; 2],
    /// The customer's tenant behind `bei` and its like: with the customer's name, without.
    pub(super) tenant: [&'static str; 2],
    /// Our organization in a menu: with its tenant id, without.
    pub(super) organization: [&'static str; 2],
    pub(super) our_app: &'static str,
    pub(super) our_account: &'static str,
    /// What the answer means, in one or two sentences.
    pub(super) cause: fn(Ask) -> &'static str,

    /// Before the list of policy ids: one, several.
    pub(super) named: [&'static str; 2],
    /// How a policy is found by its id.
    pub(super) by_id: &'static str,
    /// How a policy is found without an id: the sign-in log, its filters, what to look at.
    pub(super) unnamed: &'static str,
    pub(super) filter_kind: &'static str,
    pub(super) look: &'static str,

    /// Before the steps of the exclusion: in the one policy, in each of several, in those that are found, in those that
    /// may be found.
    pub(super) exclude: [&'static str; 4],
    pub(super) exclusion: &'static [&'static str],
    /// Policies that Microsoft manages.
    pub(super) managed: &'static str,
    /// Before the steps of trust, as the second way.
    pub(super) or_trust: &'static str,
    pub(super) trust: &'static [&'static str],
    /// Tenants without policies of their own.
    pub(super) no_policies: &'static str,
    /// Security defaults: before the steps of the first way, of the second.
    pub(super) ways: [&'static str; 2],
    /// Before the steps of everything else.
    pub(super) please: &'static str,
    pub(super) steps: fn(Ask) -> &'static [&'static str],
    /// The role that is needed.
    pub(super) role: &'static str,
    /// Whom an exclusion or an admission lets in.
    pub(super) opens: &'static str,
    /// What happens then, and what does not.
    pub(super) after: &'static str,

    /// Before the facts.
    pub(super) facts: &'static str,
    /// Between a label and its value.
    pub(super) colon: &'static str,
    pub(super) code: &'static str,
    pub(super) answer: &'static str,
    pub(super) time: &'static str,
    pub(super) correlation: &'static str,
    pub(super) trace: &'static str,
    pub(super) policy: &'static str,
    pub(super) account: &'static str,
    pub(super) app: &'static str,
    pub(super) app_id: &'static str,
    pub(super) us: &'static str,
    pub(super) our_tenant: &'static str,
    pub(super) address: &'static str,
    pub(super) regards: &'static str,
}

/// Either of a pair.
fn pick(pair: [&'static str; 2], first: bool) -> &'static str {
    let [with, without] = pair;
    if first { with } else { without }
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// Everything that a sentence can be filled in with.
struct Facts {
    partner: String,
    customer: String,
    tenant: String,
    organization: String,
    app_name: String,
    app_id: Option<String>,
    app: String,
    account_name: String,
    account: String,
    since: Option<String>,
    tries: u32,
}

impl Facts {
    fn of(context: &TicketContext<'_>, words: &Words) -> Self {
        let us = context.us;
        let customer = cut(&clean(context.customer), NAME_WIDTH);
        let named = [("customer", customer.as_str())];
        let tenant = fill(pick(words.tenant, !customer.is_empty()), &named);
        let id = us.tenant.map(|id| id.to_string());
        let organization = fill(pick(words.organization, id.is_some()), &[("id", id.as_deref().unwrap_or_default())]);
        let (app_name, account_name) = (clean(&us.app), clean(&us.account));
        let app = match (app_name.is_empty(), us.app_id) {
            (false, Some(id)) => format!("{app_name} ({}{}{id})", words.app_id, words.colon),
            (false, None) => app_name.clone(),
            (true, Some(id)) => format!("{} ({}{}{id})", words.our_app, words.app_id, words.colon),
            (true, None) => words.our_app.to_owned(),
        };
        let account = if account_name.is_empty() { words.our_account.to_owned() } else { account_name.clone() };
        Self {
            partner: clean(&us.name),
            tenant,
            customer,
            organization,
            app_name,
            app_id: us.app_id.map(|id| id.to_string()),
            app,
            account_name,
            account,
            since: context.since.map(|at| format!("{} UTC", minute(at))),
            tries: context.tries,
        }
    }

    fn say(&self, template: &str, ask: Ask) -> String {
        self.say_role(template, ask.role())
    }

    fn say_role(&self, template: &str, role: &str) -> String {
        let tries = self.tries.to_string();
        fill(
            template,
            &[
                ("partner", &self.partner),
                ("customer", &self.customer),
                ("tenant", &self.tenant),
                ("organization", &self.organization),
                ("app", &self.app),
                ("account", &self.account),
                ("since", self.since.as_deref().unwrap_or_default()),
                ("tries", &tries),
                ("role", role),
            ],
        )
    }
}

/// The ticket in the words of a language.
pub(super) fn write(failure: &Failure, context: &TicketContext<'_>, ask: Ask, words: &Words) -> Ticket {
    let facts = Facts::of(context, words);
    let mut page = Page::default();
    page.paragraph(words.hello);
    opening(&mut page, &facts, ask, words);
    match ask {
        Ask::Exclude(demand) => exclusion(&mut page, failure, &facts, demand, words),
        Ask::Defaults => {
            page.paragraph(pick(words.ways, true));
            trust(&mut page, &facts, words);
            page.paragraph(pick(words.ways, false));
            page.steps(words.exclusion.iter().map(|step| facts.say(step, ask)));
            page.line(&facts.say(words.role, ask));
        }
        Ask::Inbound
        | Ask::Assignment
        | Ask::Disabled
        | Ask::Consent
        | Ask::Resource
        | Ask::Guest
        | Ask::Relationship
        | Ask::Role => {
            page.paragraph(words.please);
            page.steps((words.steps)(ask).iter().map(|step| facts.say(step, ask)));
            page.line(&facts.say(words.role, ask));
        }
    }
    if ask.opens() {
        page.paragraph(words.opens);
    }
    page.paragraph(words.after);
    proof(&mut page, failure, context, &facts, ask, words);
    page.paragraph(words.regards);
    page.line(&facts.partner);

    let topic = (words.subject)(ask);
    let subject =
        if facts.customer.is_empty() { topic.to_owned() } else { cut(&format!("{topic} - {}", facts.customer), WIDTH) };
    Ticket { subject, body: page.text(), before: ask.before() }
}

/// Who we are, what fails since when and how often, and what it means.
fn opening(page: &mut Page, facts: &Facts, ask: Ask, words: &Words) {
    let what = if ask == Ask::Role { words.unread } else { words.refused };
    let mut sentences = vec![pick(words.we, !facts.partner.is_empty()), pick(what, facts.since.is_some())];
    match facts.tries {
        0 => {}
        tries => sentences.push(pick(words.tries, tries == 1)),
    }
    page.paragraph(&facts.say(&sentences.join(" "), ask));
    page.paragraph((words.cause)(ask));
}

/// Which policies, and the exclusion in each; for MFA the second way too.
fn exclusion(page: &mut Page, failure: &Failure, facts: &Facts, demand: Demand, words: &Words) {
    let ask = Ask::Exclude(demand);
    let ids = &failure.policies;
    let [one, several, found, perhaps] = words.exclude;
    let lead = if ids.is_empty() {
        page.paragraph(words.unnamed);
        list(page, words, [(words.correlation, id(failure.correlation_id.as_ref()))]);
        page.item("- ", words.filter_kind);
        let unnamed = facts.app_name.is_empty();
        list(
            page,
            words,
            [
                (words.time, Some(minute(failure.at))),
                (words.account, Some(facts.account_name.clone())),
                (words.app, Some(facts.app_name.clone())),
                (words.app_id, facts.app_id.clone().filter(|_| unnamed)),
            ],
        );
        page.line(words.look);
        if matches!(demand, Demand::Unsaid | Demand::Probable) { perhaps } else { found }
    } else {
        page.paragraph(pick(words.named, ids.len() == 1));
        for id in ids {
            page.item("- ", &id.to_string());
        }
        page.line(words.by_id);
        if ids.len() == 1 { one } else { several }
    };
    page.paragraph(lead);
    page.steps(words.exclusion.iter().map(|step| facts.say(step, ask)));
    page.line(&facts.say(words.role, ask));
    page.paragraph(words.managed);
    if trust_helps(failure) {
        page.paragraph(words.or_trust);
        trust(page, facts, words);
        page.paragraph(words.no_policies);
    }
}

/// The steps by which a customer trusts our MFA.
fn trust(page: &mut Page, facts: &Facts, words: &Words) {
    let role = Ask::Inbound.role();
    page.steps(words.trust.iter().map(|step| facts.say_role(step, role)));
    page.line(&facts.say_role(words.role, role));
}

/// What the customer's administrator finds the refusal by, one fact a line.
fn proof(page: &mut Page, failure: &Failure, context: &TicketContext<'_>, facts: &Facts, ask: Ask, words: &Words) {
    let us = context.us;
    let codes: Vec<String> = failure.codes.iter().map(|code| format!("AADSTS{code}")).collect();
    let status = failure.status.filter(|_| codes.is_empty()).map(|status| format!("HTTP {status}"));
    let error = failure.error.as_deref().filter(|_| codes.is_empty()).map(clean);
    let answer: Vec<String> = status.into_iter().chain(error).collect();
    let text = |text: &str| Some(text.to_owned());
    let mut lines = vec![
        (words.code, text(&codes.join(", "))),
        (words.answer, text(&answer.join(", "))),
        (words.time, text(&failure.at.strftime("%Y-%m-%d %H:%M:%S").to_string())),
        (words.correlation, id(failure.correlation_id.as_ref())),
        (words.trace, id(failure.trace_id.as_ref())),
    ];
    if !matches!(ask, Ask::Exclude(_)) {
        lines.extend(failure.policies.iter().map(|id| (words.policy, text(&id.to_string()))));
    }
    lines.extend([
        (words.account, text(&facts.account_name)),
        (words.app, text(&facts.app_name)),
        (words.app_id, facts.app_id.clone()),
        (words.us, text(&facts.partner)),
        (words.our_tenant, us.tenant.map(|id| id.to_string())),
        (words.address, text(&clean(&us.address))),
    ]);
    page.paragraph(words.facts);
    list(page, words, lines);
}

fn id(id: Option<&CompactString>) -> Option<String> {
    id.map(|id| clean(id))
}

/// Labels with their values; what is absent or empty is left out.
fn list(page: &mut Page, words: &Words, lines: impl IntoIterator<Item = (&'static str, Option<String>)>) {
    for (label, value) in lines {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            page.item("- ", &format!("{label}{}{value}", words.colon));
        }
    }
}
