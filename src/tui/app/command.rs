//! What becomes of a line that was typed after `:`.

use jiff::Timestamp;

use super::App;
use crate::model::{Command, Explained, Key as TenantKey, Scope, Tenant, Text};
use crate::tui::overlays::{Answer, CommandLine, Overlay, Question};
use crate::tui::palette::{Asked, Page, Setting, World};
use crate::tui::screens::{Cx, Effect, ScreenId, Subject, cancel};
use crate::tui::words;

/// Lines that are remembered.
const REMEMBERED: usize = 100;

impl App {
    /// Opens the line of commands.
    pub(super) fn open_line(&mut self, now: Timestamp) {
        self.open_line_with("", now);
    }

    /// Opens it with a text that an operator goes on with.
    pub(super) fn open_line_with(&mut self, text: &str, now: Timestamp) {
        self.overlay = Some(Overlay::Command(CommandLine::new(&self.lines, text)));
        self.offer(now);
    }

    /// Gives the line what it could go on as.
    pub(super) fn offer(&mut self, now: Timestamp) {
        let rows = self.keys(now);
        let Some(Overlay::Command(line)) = &mut self.overlay else { return };
        let world = World { rows: &rows, fleet: &self.fleet, now, own: self.options.own };
        let completions = world.complete(line.wanted());
        line.offer(completions);
    }

    /// Does what a line says, or says in the line why that cannot be done.
    pub(super) fn command(&mut self, text: &str, now: Timestamp) {
        let rows = self.keys(now);
        let asked = World { rows: &rows, fleet: &self.fleet, now, own: self.options.own }.read(text);
        let done = asked.and_then(|asked| self.asked(asked, now));
        match done {
            Ok(effect) => {
                self.lines.retain(|line| line != text);
                self.lines.push(text.to_owned());
                let most = self.lines.len().saturating_sub(REMEMBERED);
                self.lines.drain(..most);
                self.overlay = None;
                self.effect(effect, now);
            }
            Err(why) => {
                if let Some(Overlay::Command(line)) = &mut self.overlay {
                    line.error = Some(why);
                }
            }
        }
    }

    fn asked(&mut self, asked: Asked, now: Timestamp) -> Result<Effect, String> {
        let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
        let subjects = self.stack.last().map_or_else(Vec::new, |screen| screen.subjects(&cx));
        match asked {
            Asked::Act(name) => Ok(self.act(name, now)),
            Asked::Tenants => Ok(Effect::Open(ScreenId::Tenants)),
            Asked::Open(page, key) => Ok(Effect::Open(match page {
                Page::Why => ScreenId::Why(key),
                Page::Licenses => ScreenId::Licenses(key),
                Page::Users => ScreenId::Users(key),
                Page::History => ScreenId::History(key),
                Page::Diff => ScreenId::Diff(key),
                Page::Allocation => ScreenId::Allocation(key),
            })),
            Asked::Save(what, reason) => {
                let Some(screen) = self.stack.last() else { return Ok(Effect::Nothing) };
                screen.save(what, &reason, &cx)
            }
            Asked::Price { text, beside } => {
                let Some(screen) = self.stack.last_mut() else { return Ok(Effect::Nothing) };
                screen.price(&text, beside, &cx)
            }
            Asked::Audit(key) => Ok(Effect::Open(ScreenId::Audit(key))),
            Asked::Run(run) => Ok(Effect::Open(ScreenId::Run(run))),
            Asked::Filter(text) => {
                let Some(screen) = self.stack.last_mut() else { return Ok(Effect::Nothing) };
                screen.set_filter(&text, &cx).map_err(|error| error.to_string())?;
                Ok(Effect::Nothing)
            }
            Asked::Import { failed } => Ok(import(failed, &cx)),
            Asked::Sync(partner) => Ok(Effect::Send(Command::Sync { partner })),
            Asked::Cancel(run) => match cx.fleet.runs.get(&run) {
                Some(run) => Ok(cancel(run, &cx)),
                None => Err(format!("no run {run} is known")),
            },
            Asked::Pause { until, reason } => {
                let tenant = one(&subjects, &cx)?;
                let command = Command::Pause { tenant: tenant.key.clone(), reason: Text::from(&reason), until };
                let lines = vec![
                    format!("{} is left out of runs until {}: {reason}", tenant.title(), words::exact(until)),
                    "It can be re-run by hand all the same. Nothing changes at the customer.".to_owned(),
                ];
                let asks = "Pause it?".to_owned();
                Ok(Effect::Ask(Question::new("pause", lines, asks, Answer::Yes(command), now)))
            }
            Asked::Resume => {
                let tenant = one(&subjects, &cx)?;
                if tenant.pause.is_none() {
                    return Err(format!("{} is not paused", tenant.title()));
                }
                Ok(Effect::Send(Command::Resume { tenant: tenant.key.clone() }))
            }
            Asked::Ticket { number, note } => {
                let tenant = one(&subjects, &cx)?.key.clone();
                Ok(Effect::Send(Command::Ticket { tenant, number, note }))
            }
            Asked::CloseTicket => {
                let tenant = one(&subjects, &cx)?;
                if tenant.open_ticket().is_none() {
                    return Err(format!("{} has no open ticket", tenant.title()));
                }
                Ok(Effect::Send(Command::CloseTicket { tenant: tenant.key.clone() }))
            }
            Asked::Name(name) => {
                let product = self.stack.last().and_then(|screen| screen.product(&cx));
                let sku_id = product.ok_or_else(|| "no product is under the cursor here".to_owned())?;
                if name.is_empty() && !cx.fleet.catalog.local().contains_key(&sku_id) {
                    return Err("it has no name of our own: name needs a text".to_owned());
                }
                Ok(Effect::Send(Command::Name { sku_id, name }))
            }
            Asked::Know { until, reason } => {
                let subject = self.stack.last().and_then(|screen| screen.finding(&cx));
                let subject = subject.ok_or_else(|| "no finding is at hand here".to_owned())?;
                let known =
                    Explained { sku_id: subject.sku_id, finding: subject.finding, reason: Text::from(&reason), until };
                let command = Command::Know { tenant: subject.tenant, known: Box::new(known) };
                let lines = vec![
                    format!("{}. As it should be until {}: {reason}", subject.said, words::exact(until)),
                    "Another number is another finding. Nothing changes at the customer.".to_owned(),
                ];
                Ok(Effect::Ask(Question::new("known", lines, "Mark it?".to_owned(), Answer::Yes(command), now)))
            }
            Asked::Forget => {
                let subject = self.stack.last().and_then(|screen| screen.finding(&cx));
                let Subject { tenant, sku_id, .. } = subject.ok_or_else(|| "no finding is at hand here".to_owned())?;
                Ok(Effect::Send(Command::Forget { tenant, sku_id }))
            }
            Asked::Set(setting) => Ok(self.set(setting)),
            Asked::Sessions => Ok(self.sessions(now)),
            Asked::Kick(session) => self.kick(session, now),
        }
    }

    /// What the key of a name does on the screen on top.
    fn act(&mut self, name: &str, now: Timestamp) -> Effect {
        let rows = self.table(now);
        let Some(key) = rows.iter().find(|row| row.name == name).and_then(|row| row.keys.first().copied()) else {
            return Effect::Nothing;
        };
        self.overlay = None;
        self.do_key(key, now);
        Effect::Nothing
    }

    fn set(&mut self, setting: Setting) -> Effect {
        let switched = |what: &str, on: bool| Effect::Say(format!("{what} is {}", if on { "on" } else { "off" }));
        match setting {
            Setting::Theme(theme) => {
                self.options.theme = theme;
                Effect::Say(format!("theme {}", theme.name()))
            }
            Setting::Ascii(on) => {
                self.options.ascii = on;
                switched("ascii", on)
            }
            Setting::Mouse(on) => {
                self.options.mouse = on;
                switched("mouse", on)
            }
            Setting::Privacy(on) => {
                self.options.privacy = on;
                switched("privacy", on)
            }
            Setting::Pane(on) => {
                self.pane = on;
                switched("pane", on)
            }
        }
    }
}

/// The one tenant at hand.
fn one<'a>(subjects: &[TenantKey], cx: &Cx<'a>) -> Result<&'a Tenant, String> {
    match subjects {
        [] => Err("no tenant is at hand here".to_owned()),
        [key] => cx.fleet.tenants.get(key).ok_or_else(|| "the tenant is not known".to_owned()),
        many => Err(format!("{} are marked: one at a time", words::of(many.len() as u64, "tenant"))),
    }
}

/// Asks whether all tenants, or those that failed, are to be imported: by harm.
fn import(failed: bool, cx: &Cx<'_>) -> Effect {
    let open = |tenant: &&Tenant| tenant.pause.as_ref().is_none_or(|pause| pause.until <= cx.now);
    let listed = cx.fleet.tenants.values().filter(|tenant| tenant.gone_at.is_none()).filter(open);
    let n = listed.filter(|tenant| !failed || tenant.is_due()).count();
    let scope = if failed { Scope::Failed(None) } else { Scope::All(None) };
    let command = Command::Import { scope, list: !failed, reason: None };
    let what = if failed { "tenants whose last import failed" } else { "all tenants" };
    let lines = vec![
        format!("An import of {what}, {n} as far as is known. Reads only; changes nothing there."),
        "Old data stay until new are whole. Paused tenants are left out.".to_owned(),
    ];
    let (asks, answer) = if n > 20 {
        (format!("Type {n}, then y:"), Answer::typed(vec![(n.to_string(), command)]))
    } else {
        (format!("Import {} now?", words::of(n as u64, "tenant")), Answer::Yes(command))
    };
    Effect::Ask(Question::new("import", lines, asks, answer, cx.now))
}
