//! What a customer is asked for and when that was: the text, the ticket, who else meets the same. Several screens show it.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::{Cx, Effect, facts, tries, words};
use crate::failure::{Language, NoTicket, Owner, PartnerFacts, Ticket};
use crate::model::{Differs, Failing, Tenant, Ticket as Asked};
use crate::tui::overlays::{Letter, NoteInput, reflow};
use crate::tui::page::Line;
use crate::tui::theme::Meaning;

/// What customers may know of a tenant's partner. One that left the configuration still has its customers in the store.
pub(super) fn us<'a>(tenant: &Tenant, cx: &'a Cx<'_>) -> Cow<'a, PartnerFacts> {
    let name = &tenant.key.partner;
    cx.options.partners.get(name).map_or_else(
        || {
            let tenant = cx.fleet.partners.get(name).and_then(|partner| partner.tenant).map(|id| id.0);
            Cow::Owned(PartnerFacts { name: name.0.clone(), tenant, ..PartnerFacts::default() })
        },
        Cow::Borrowed,
    )
}

/// The text to send, in a language; absent where nothing is refused.
fn letter(tenant: &Tenant, language: Language, cx: &Cx<'_>) -> Option<Result<Ticket, NoTicket>> {
    let us = us(tenant, cx);
    Some(tenant.failing()?.failure.ticket(&cx.fleet.ticket_context(tenant, &us), language))
}

/// What is sent, in the language used last: subject, then text. Absent where nothing is.
pub(super) fn text(tenant: &Tenant, cx: &Cx<'_>) -> Option<String> {
    let ticket = letter(tenant, cx.options.language, cx)?.ok()?;
    Some(format!("{}\n\n{}", ticket.subject, ticket.body))
}

/// Whether the customer is the one who changes something.
pub(super) fn is_theirs(tenant: &Tenant, failing: &Failing, cx: &Cx<'_>) -> bool {
    failing.failure.owner == Owner::CustomerAdmin
        && !cx.fleet.relation(tenant).is_over()
        && matches!(letter(tenant, Language::En, cx), Some(Ok(_)))
}

/// Why there is neither a text nor a reason that none is sent.
pub(super) fn dead(tenant: &Tenant) -> Option<String> {
    tenant.failing().is_none().then(|| "nothing is refused, so nothing is to be sent".to_owned())
}

/// Why no ticket can be recorded.
pub(super) fn no_note(tenant: &Tenant, cx: &Cx<'_>) -> Option<String> {
    dead(tenant).or_else(|| cx.fleet.not_theirs(tenant).map(str::to_owned))
}

/// Why there is no text whose language could be changed.
pub(super) fn no_language(tenant: &Tenant, cx: &Cx<'_>) -> Option<String> {
    match letter(tenant, Language::En, cx) {
        None => dead(tenant),
        Some(Ok(_)) => None,
        Some(Err(none)) => Some(format!("nothing is to be sent: {none}")),
    }
}

/// Opens the text for the customer, or says why there is none and whose turn it is.
pub(super) fn open(tenant: &Tenant, cx: &Cx<'_>) -> Effect {
    let texts: Vec<(Language, Ticket)> = Language::ALL
        .into_iter()
        .filter_map(|language| Some((language, letter(tenant, language, cx)?.ok()?)))
        .collect();
    if !texts.is_empty() {
        let letter = Letter::new(tenant.title(), texts, cx.options.language, input(tenant));
        return Effect::Letter(Box::new(letter));
    }
    match letter(tenant, cx.options.language, cx) {
        Some(Err(none)) => Effect::Show {
            title: format!("nothing to send to {}", tenant.title()),
            lines: nothing(&none, cx).into_iter().map(Line::from).collect(),
        },
        Some(Ok(_)) | None => Effect::Say(dead(tenant).unwrap_or_default()),
    }
}

/// Why nothing is sent, whose turn it is, what to do instead.
fn nothing(none: &NoTicket, cx: &Cx<'_>) -> Vec<String> {
    let mut lines = vec![
        format!("Nothing is to be sent: {none}."),
        String::new(),
        format!("{}.", facts::sentence(&none.remedy.summary)),
        format!("Who acts: {}", none.remedy.who),
    ];
    lines.extend(none.remedy.steps.iter().map(|step| format!("  {step}")));
    lines.push(String::new());
    lines.push(format!("Esc, then {} runs the import again, {} shows all tries.", cx.key("re-run"), cx.key("history")));
    lines
}

fn input(tenant: &Tenant) -> NoteInput {
    let recorded = tenant.open_ticket().map_or_else(String::new, |ticket| {
        let note = ticket.note.as_ref().map_or_else(String::new, |note| format!(" {note}"));
        format!("{}{note}", ticket.number)
    });
    NoteInput::new(tenant.key.clone(), &recorded)
}

/// Opens the input of a ticket's number and note.
pub(super) fn note(tenant: &Tenant, cx: &Cx<'_>) -> Effect {
    no_note(tenant, cx).map_or_else(|| Effect::Note(Box::new(input(tenant))), Effect::Say)
}

/// The text for the right pane; absent where there is none.
pub(super) fn pane(tenant: &Tenant, width: usize, cx: &Cx<'_>) -> Option<Vec<Line>> {
    let ticket = letter(tenant, cx.options.language, cx)?.ok()?;
    let code = cx.options.language.code();
    let all: Vec<&str> = Language::ALL.into_iter().map(Language::code).collect();
    let mut lines = vec![
        Line::of(Meaning::Caption, format!("TICKET TEXT ({} opens it to copy)", cx.key("ticket"))),
        format!("language {code}   {} changes ({})", cx.key("language"), all.join(" ")).into(),
        Line::default(),
    ];
    lines.extend(words::wrap(&ticket.subject, width).into_iter().map(|line| Line::of(Meaning::Caption, line)));
    lines.push(Line::default());
    lines.extend(reflow(&ticket.body, width).into_iter().map(Line::from));
    Some(lines)
}

/// What is to be known before the customer is asked, in two lines: the ticket that there is, and who else meets the same.
pub(super) fn before(tenant: &Tenant, width: usize, cx: &Cx<'_>) -> [String; 2] {
    [ticket(tenant, width, cx), others(tenant, cx).unwrap_or_default()]
}

fn ticket(tenant: &Tenant, width: usize, cx: &Cx<'_>) -> String {
    let Some(ticket) = &tenant.ticket else {
        return match no_note(tenant, cx) {
            Some(why) => format!("No ticket: {why}."),
            None => {
                format!("No ticket yet.   {}, {}", cx.hint("ticket", "opens the text"), cx.hint("note", "records it"))
            }
        };
    };
    let asked = words::day(ticket.asked_at, cx.now);
    let number = &ticket.number;
    if let Some(closed) = ticket.closed_at {
        let (after, on) = (days(ticket, closed), words::day(closed, cx.now));
        let how = if ticket.is_lifted() { "lifted" } else { "closed" };
        return format!("Ticket {number}, asked {asked} by {}: {how} {on} after {after}.", ticket.by);
    }
    let age = cx.age(ticket.asked_at);
    let by = format!(" by {}", ticket.by);
    let over = || "an import closes it.".to_owned();
    let said = tenant.failing().map_or_else(over, |failing| news(tenant, ticket, failing, cx));
    let whole = |by: &str| format!("Ticket {number} asked {asked} ({age}){by}; {said}");
    let long = whole(&by);
    if long.width() <= width { long } else { whole("") }
}

/// What is another than when the customer was asked, in a few words.
fn news(tenant: &Tenant, ticket: &Asked, failing: &Failing, cx: &Cx<'_>) -> String {
    match ticket.differs(&failing.failure) {
        None => "nothing changed since.".to_owned(),
        Some(Differs { cause: true, .. }) => "another cause since: send again?".to_owned(),
        Some(Differs { new, lifted: 0, .. }) => match new.as_slice() {
            [id] => {
                let named = tries::policies(tries::at_hand(cx.fleet, &tenant.key).values());
                let which = named
                    .iter()
                    .position(|named| named.id == *id)
                    .map_or_else(|| "a policy".to_owned(), |at| format!("policy {}", at + 1));
                format!("{which} is newer: send again? ({})", cx.key("ticket"))
            }
            many => format!("{} policies are newer: send again? ({})", many.len(), cx.key("ticket")),
        },
        Some(Differs { .. }) => "policy list changed since: send again?".to_owned(),
    }
}

/// How a time is called that lies between asking and an end.
fn days(ticket: &Asked, end: jiff::Timestamp) -> String {
    words::long_span(end.as_second().saturating_sub(ticket.asked_at.as_second()).max(0))
}

/// A ticket in full, for a text: number, by whom, note, what changed since.
pub(super) fn section(tenant: &Tenant) -> Vec<Line> {
    let Some(ticket) = &tenant.ticket else { return Vec::new() };
    let mut lines = vec![Line::of(Meaning::Caption, "TICKET")];
    let pair = |name: &str, value: String| Line::from(format!("{name:<12}{value}"));
    lines.push(pair("number", ticket.number.to_string()));
    lines.push(pair("asked", format!("{} by {}", words::exact(ticket.asked_at), ticket.by)));
    if let Some(note) = &ticket.note {
        lines.push(pair("note", note.to_string()));
    }
    if let Some(closed) = ticket.closed_at {
        let how =
            ticket.closed_by.as_ref().map_or_else(|| "an import came through".to_owned(), |by| format!("by {by}"));
        lines.push(pair("over", format!("{}, after {}: {how}", words::exact(closed), days(ticket, closed))));
    } else if let Some(differs) = tenant.failing().and_then(|failing| ticket.differs(&failing.failure)) {
        lines.push(Line::of(Meaning::Aging, changed(&differs)));
    }
    lines.push(Line::default());
    lines
}

fn changed(differs: &Differs) -> String {
    let mut parts = Vec::new();
    if differs.cause {
        parts.push("it is another kind of refusal".to_owned());
    }
    match differs.new.len() as u64 {
        0 => {}
        1 => parts.push("1 policy is newer than that text".to_owned()),
        n => parts.push(format!("{} policies are newer than that text", words::count(n))),
    }
    match differs.lifted as u64 {
        0 => {}
        1 => parts.push("1 that it named is named no more".to_owned()),
        n => parts.push(format!("{} that it named are named no more", words::count(n))),
    }
    let subject = if differs.cause { "The refusal" } else { "The policy list" };
    format!("{subject} changed since you asked: {}. Send again?", parts.join(", "))
}

/// Who else meets the same, and whether it began together.
fn others(tenant: &Tenant, cx: &Cx<'_>) -> Option<String> {
    let failure = &tenant.failing()?.failure;
    let others = cx.fleet.others_like(tenant)?;
    let what = failure.codes.first().map_or_else(|| failure.class.name().to_owned(), ToString::to_string);
    let n = words::count(others.tenants);
    Some(match (others.tenants, others.together) {
        (0, _) => format!("No other tenant of {} has {what}.", tenant.key.partner),
        (1, 0) => format!("1 other tenant has {what} too, begun at another time: no common cause seen."),
        (_, 0) => format!("{n} other tenants have {what} too, begun at other times: no common cause seen."),
        (1, _) => format!("1 other tenant has {what} too, begun within 15 min of this: one cause?"),
        (_, together) if together == others.tenants => {
            format!("{n} other tenants have {what} too, all begun within 15 min of this: one cause?")
        }
        (_, together) => format!(
            "{n} other tenants have {what} too, {} begun within 15 min of this: one cause?",
            words::count(together)
        ),
    })
}

/// What the last SKUs rule out, where the answer leaves it open.
pub(super) fn licenses(tenant: &Tenant, cx: &Cx<'_>) -> Option<String> {
    if cx.fleet.is_one_of_many(tenant) {
        return None;
    }
    let read = words::day(tenant.no_policy_of_theirs()?, cx.now);
    Some(format!(
        "No Entra ID P1 in the SKUs of {read}: it cannot be a Conditional Access policy of theirs; it is security \
         defaults or per-user MFA."
    ))
}

/// The open ticket in a sentence, for the line under a list.
pub(super) fn in_short(tenant: &Tenant, cx: &Cx<'_>) -> Option<String> {
    let ticket = tenant.open_ticket()?;
    let (number, asked) = (words::cut(&ticket.number, 12), words::day(ticket.asked_at, cx.now));
    Some(match tenant.failing().and_then(|failing| ticket.differs(&failing.failure)) {
        None => format!("Ticket {number} asked {asked}."),
        Some(Differs { cause: true, .. }) => format!("Not what ticket {number} of {asked} says."),
        Some(Differs { new, .. }) if new.is_empty() => format!("Fewer than in ticket {number} of {asked}."),
        Some(Differs { .. }) => format!("NEW since ticket {number} of {asked}."),
    })
}

/// The open ticket in the pane of a tenant.
pub(super) fn in_pane(tenant: &Tenant, cx: &Cx<'_>) -> Vec<String> {
    let Some(ticket) = tenant.open_ticket() else { return Vec::new() };
    let mut lines = vec![format!("{}, asked {}", words::cut(&ticket.number, 12), words::day(ticket.asked_at, cx.now))];
    lines.push(format!("by {}", ticket.by));
    if let Some(note) = &ticket.note {
        lines.extend(words::wrap(&format!("\"{note}\""), 27));
    }
    if tenant.failing().and_then(|failing| ticket.differs(&failing.failure)).is_some() {
        lines.push(format!("NEW since ({} shows it)", cx.key("why")));
    }
    lines
}
