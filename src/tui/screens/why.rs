use ratatui::text::{Line, Span};

use super::{footer, tenants::remedy};
use crate::failure::Cap;
use crate::model::{Command, Failing, Key as TenantKey, Scope, Tenant};
use crate::tui::confirm::{Confirm, Need};
use crate::tui::keys::{Bind, Key, bind, find};
use crate::tui::view::{Effect, Look, Room, ScreenId, View};
use crate::tui::words::{age, day, plural, wrap};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Raw,
    Rerun,
    Licenses,
}

pub(super) const KEYS: &[Bind<Act>] = &[
    bind(Key::Char('e'), Act::Raw, "raw answer", "the raw answer, without secrets"),
    bind(Key::Char('r'), Act::Rerun, "re-run", "run the import again (asks)"),
    bind(Key::Char('l'), Act::Licenses, "licenses", "its license counts of the last good import"),
];

/// Why a tenant is refused, whose turn it is, and what to do.
pub(in crate::tui) struct Why {
    pub(super) key: TenantKey,
    raw: bool,
    top: usize,
}

impl Why {
    pub(super) fn new(key: TenantKey) -> Self {
        Self { key, raw: false, top: 0 }
    }

    pub(super) fn scroll(&mut self, by: isize) {
        self.top = match by {
            isize::MIN => 0,
            isize::MAX => usize::MAX,
            by => self.top.saturating_add_signed(by),
        };
    }

    pub(super) fn press(&mut self, key: Key, look: Look<'_>) -> Effect {
        match find(KEYS, key) {
            Some(Act::Raw) => {
                self.raw = !self.raw;
                self.top = 0;
                Effect::Nothing
            }
            Some(Act::Rerun) => {
                let name = look.fleet.tenants.get(&self.key).map(Tenant::title).unwrap_or_default();
                let question = format!("Re-run {name} now? It changes nothing at the customer.");
                let command =
                    Command::Import { scope: Scope::Tenants(vec![self.key.clone()]), list: false, reason: None };
                Effect::Ask(Box::new(Confirm::new(question, Vec::new(), Need::Yes, Some(command))))
            }
            Some(Act::Licenses) => Effect::Open(ScreenId::Licenses(self.key.clone())),
            None => Effect::Unbound,
        }
    }

    fn failing<'a>(&self, look: Look<'a>) -> Option<(&'a Tenant, &'a Failing)> {
        let tenant = look.fleet.tenants.get(&self.key)?;
        Some((tenant, tenant.failing()?))
    }

    /// By it the customer's admin finds the request.
    pub(super) fn correlation(&self, look: Look<'_>) -> Option<String> {
        self.failing(look)?.1.failure.correlation_id.as_ref().map(ToString::to_string)
    }

    pub(super) fn row_text(&self, look: Look<'_>) -> Option<String> {
        let (tenant, failing) = self.failing(look)?;
        let remedy = remedy(tenant, &failing.failure, look);
        let policies: Vec<String> = failing.failure.policies.iter().map(ToString::to_string).collect();
        Some(format!(
            "{} [{}] policies {} correlation {} at {}",
            remedy.summary,
            failing.failure.cause(),
            policies.join(" "),
            failing.failure.correlation_id.as_deref().unwrap_or("-"),
            failing.failure.at
        ))
    }

    pub(super) fn view(&mut self, look: Look<'_>, room: Room) -> View {
        let tenant = look.fleet.tenants.get(&self.key);
        let name = tenant.map(Tenant::title).unwrap_or_default().to_owned();
        let path = format!("Tenants > {name} > Why");
        let Some((tenant, failing)) = self.failing(look) else {
            let good = tenant.and_then(Tenant::good_at);
            let top =
                vec![Line::raw(format!("Nothing refuses {name} any more. Good data of {} ago.", age(good, look.now)))];
            return View { path, top, footer: footer(KEYS), ..View::default() };
        };
        let state = look.fleet.state(tenant, look.now);
        let remedy = remedy(tenant, &failing.failure, look);
        let good = tenant.good_at().map_or_else(|| "never".to_owned(), day);
        let tries = if failing.tries == 1 { "1 try".to_owned() } else { format!("{} tries", failing.tries) };
        let top = vec![
            Line::from(vec![
                Span::styled(format!("{} {}", state.sign(), state.word()), look.theme.state(state)),
                Span::raw(format!("  {}", remedy.summary)),
            ]),
            Line::raw(format!("Who acts: {}", remedy.who)),
            Line::raw(format!(
                "First refused {} ({}). {tries}. Last good: {good}.",
                day(failing.since),
                age(Some(failing.since), look.now),
            )),
        ];
        let lines = if self.raw { raw(failing, room.width, look) } else { body(tenant, failing, &remedy.steps, look) };
        self.top = self.top.min(lines.len().saturating_sub(room.rows));
        let left = lines.len().saturating_sub(self.top + room.rows);
        let same = look
            .fleet
            .tenants
            .values()
            .filter(|other| {
                other.key != tenant.key && other.failing().is_some_and(|f| f.failure.class == failing.failure.class)
            })
            .count();
        let detail = vec![
            Line::raw(match same {
                0 => format!("No other tenant is refused with {}.", failing.failure.class.name()),
                n => format!("{} refused with {} too.", plural(n as u64, "other tenant"), failing.failure.class.name()),
            }),
            Line::raw(if left > 0 { format!("{left} more lines below: j") } else { String::new() }),
        ];
        View {
            path,
            top,
            header: None,
            rows: lines.into_iter().skip(self.top).take(room.rows).collect(),
            cursor: None,
            rule: if self.raw { "raw answer, secrets left out".to_owned() } else { "others".to_owned() },
            detail,
            pane: pane(failing, look),
            footer: footer(KEYS),
        }
    }
}

fn body(tenant: &Tenant, failing: &Failing, steps: &[String], look: Look<'_>) -> Vec<Line<'static>> {
    let failure = &failing.failure;
    let title = |text: &str| Line::styled(text.to_owned(), look.theme.title());
    let mut lines = Vec::new();
    if !failure.policies.is_empty() {
        lines.push(title("POLICIES THAT ENTRA NAMED (ids only; names are the customer's)"));
        lines.extend(failure.policies.iter().enumerate().map(|(n, id)| Line::raw(format!("  {} {id}", n + 1))));
        lines.push(Line::default());
    }
    lines.push(title("FIRST STEPS"));
    lines.extend(steps.iter().map(|step| Line::raw(format!("  {step}"))));
    lines.push(Line::default());
    lines.push(title("PROOF"));
    lines.extend(proof(tenant, failing));
    lines
}

fn proof(tenant: &Tenant, failing: &Failing) -> Vec<Line<'static>> {
    let failure = &failing.failure;
    let mut rows: Vec<(&str, String)> = vec![("class", failure.class.name().to_owned())];
    let codes: Vec<String> = failure.codes.iter().map(ToString::to_string).collect();
    if !codes.is_empty() {
        rows.push(("codes", codes.join(" ")));
    }
    match failure.cap {
        Cap::Yes => rows.push(("policy", "Conditional Access".to_owned())),
        Cap::Probable => rows.push(("policy", "probably Conditional Access".to_owned())),
        Cap::No => {}
    }
    for (name, value) in [("control", &failure.control), ("error", &failure.error), ("suberror", &failure.suberror)] {
        if let Some(value) = value {
            rows.push((name, value.to_string()));
        }
    }
    if let Some(status) = failure.status {
        rows.push(("status", status.to_string()));
    }
    rows.push(("when", failure.at.to_string()));
    for (name, value) in [("correlation", &failure.correlation_id), ("trace", &failure.trace_id)] {
        if let Some(value) = value {
            rows.push((name, value.to_string()));
        }
    }
    if let Some(id) = failure.client_request_id {
        rows.push(("request id", id.to_string()));
    }
    rows.push(("tenant", tenant.key.tenant.to_string()));
    rows.into_iter().map(|(name, value)| Line::raw(format!("  {name:<12}{value}"))).collect()
}

fn raw(failing: &Failing, width: usize, look: Look<'_>) -> Vec<Line<'static>> {
    let text = if failing.failure.raw.is_empty() { "The answer had no body." } else { &failing.failure.raw };
    std::iter::once(Line::styled("RAW ANSWER   (e goes back)", look.theme.title()))
        .chain(wrap(text, width.saturating_sub(2)).into_iter().map(|line| Line::raw(format!("  {line}"))))
        .collect()
}

fn pane(failing: &Failing, look: Look<'_>) -> Vec<Line<'static>> {
    let text = if failing.failure.raw.is_empty() { "no body" } else { &failing.failure.raw };
    std::iter::once(Line::styled("RAW ANSWER, secrets left out", look.theme.title()))
        .chain(wrap(text, 39).into_iter().map(Line::raw))
        .collect()
}
