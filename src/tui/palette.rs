//! What `:` takes: a line with a command in it. Pure: a line in, a wish of the operator or a sentence out.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::keys::Shown;
use super::screens::Saved;
use super::theme::Theme;
use crate::model::{Fleet, Key as TenantKey, LocalName, PartnerName, RunId, SessionId, Tenant, Text, Ticket};

/// A command that takes something behind its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    /// Its name. Where a key does something of the same name, the command is that with something named.
    pub(crate) name: &'static str,
    /// What it takes, as help shows it.
    pub(crate) takes: &'static str,
    /// What it does.
    pub(crate) does: &'static str,
    kind: Kind,
}

/// What a command takes, for reading and completing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tenants,
    Tenant(Page),
    Audit,
    Run,
    Filter,
    Import,
    Sync,
    Cancel,
    Pause,
    Resume,
    Ticket,
    Name,
    Know,
    Save(Saved),
    Price { beside: bool },
    Sessions,
    Kick,
    Set,
}

/// A screen of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// Why it stands as it does.
    Why,
    /// Its licenses.
    Licenses,
    /// Its users.
    Users,
    /// Its tries.
    History,
    /// What its last import changed.
    Diff,
    /// What its licenses cost each business unit.
    Allocation,
}

/// All commands that take something.
#[rustfmt::skip]
pub(crate) const COMMANDS: [Command; 26] = [
    command("tenants", "", "the list of all tenants", Kind::Tenants),
    command("why", "[TENANT]", "why a tenant stands as it does: this one, or one that is named", Kind::Tenant(Page::Why)),
    command("licenses", "[TENANT]", "licenses of this tenant, or of one that is named", Kind::Tenant(Page::Licenses)),
    command("users", "[TENANT]", "users of this tenant, or of one that is named", Kind::Tenant(Page::Users)),
    command("history", "[TENANT]", "every try of this tenant, or of one that is named", Kind::Tenant(Page::History)),
    command("diff", "[TENANT]", "what the last import of this tenant changed, or of one that is named", Kind::Tenant(Page::Diff)),
    command("allocation", "[TENANT]", "what licenses of this tenant cost each business unit, or of one that is named", Kind::Tenant(Page::Allocation)),
    command("audit", "[TENANT]", "who did what, all of it, or what is about a tenant", Kind::Audit),
    command("run", "NUMBER", "one run", Kind::Run),
    command("filter", "[TEXT]", "filter of this list: text, !text, field:value", Kind::Filter),
    command("import", "all | failed", "import all tenants, or those whose last import failed (asks)", Kind::Import),
    command("sync", "[PARTNER]", "read the customer list of all partners, or of one", Kind::Sync),
    command("cancel", "[NUMBER]", "cancel this run, or one that is named (asks)", Kind::Cancel),
    command("pause", "UNTIL REASON", "leave this tenant out of runs until a day (2026-12-01, 7d; asks)", Kind::Pause),
    command("resume", "", "end the pause of this tenant", Kind::Resume),
    command("ticket", "[NUMBER NOTE | close]", "the text for the customer; record that it was sent; close it", Kind::Ticket),
    command("name", "[TEXT]", "name this product for everybody; no TEXT takes it back", Kind::Name),
    command("known", "UNTIL REASON | no", "the finding under the cursor is as it should be until a day (90d; asks)", Kind::Know),
    command("save-rules", "REASON", "save the draft of rules: what it moves is shown first (asks)", Kind::Save(Saved::Rules)),
    command("save-prices", "REASON", "save the draft of prices: what it moves is shown first (asks)", Kind::Save(Saved::Prices)),
    command("reopen-month", "REASON", "open this closed month again (asks)", Kind::Save(Saved::Open)),
    command("price", "AMOUNT [CURRENCY] PERIOD [from DAY] [to DAY] [seats NUMBER]", "another price of this product, in the draft; PERIOD is month, year or three_years", Kind::Price { beside: false }),
    command("add-price", "AMOUNT [CURRENCY] PERIOD [from DAY] [to DAY] [seats NUMBER]", "a price beside this one, in the draft: blended by seats", Kind::Price { beside: true }),
    command("sessions", "", "who is here and looks at what", Kind::Sessions),
    command("kick", "SESSION", "end a session (asks); imports go on", Kind::Kick),
    command("set", "NAME VALUE", "theme plain; ascii, mouse, privacy or pane on or off", Kind::Set),
];

const fn command(name: &'static str, takes: &'static str, does: &'static str, kind: Kind) -> Command {
    Command { name, takes, does, kind }
}

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// What the key of this name does on this screen.
    Act(&'static str),
    /// The list of all tenants.
    Tenants,
    /// A screen of a tenant.
    Open(Page, TenantKey),
    /// The audit of a tenant, or all of it.
    Audit(Option<TenantKey>),
    /// A run.
    Run(RunId),
    /// A filter for the screen on top.
    Filter(String),
    /// Imports of all tenants, or of those that failed.
    Import {
        /// Those that failed only.
        failed: bool,
    },
    /// The customer list.
    Sync(Option<PartnerName>),
    /// An end of a run.
    Cancel(RunId),
    /// A pause of the tenant at hand.
    Pause {
        /// Until when.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// An end of the pause of the tenant at hand.
    Resume,
    /// A ticket of the tenant at hand.
    Ticket {
        /// Its number.
        number: Text,
        /// What there is to know beside it.
        note: Option<Text>,
    },
    /// An end of the ticket of the tenant at hand.
    CloseTicket,
    /// A name of our own for the product under the cursor; an empty one takes it away.
    Name(Text),
    /// The finding at hand is as it should be.
    Know {
        /// Until when.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// The finding at hand is to be looked at again.
    Forget,
    /// Something of an allocation is to be done, for this reason.
    Save(Saved, String),
    /// A price of the product under the cursor: in place of what is there, or beside it.
    Price {
        /// As it was typed.
        text: String,
        /// Beside it.
        beside: bool,
    },
    /// Who is here.
    Sessions,
    /// An end of a session.
    Kick(SessionId),
    /// A setting of the console.
    Set(Setting),
}

/// A setting that holds until the console is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    /// The theme.
    Theme(Theme),
    /// Nothing but ASCII.
    Ascii(bool),
    /// The mouse.
    Mouse(bool),
    /// People are masked.
    Privacy(bool),
    /// The right pane.
    Pane(bool),
}

const SETTINGS: [&str; 5] = ["theme", "ascii", "mouse", "privacy", "pane"];
/// The longest that a pause lasts, or what is known of a finding.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// What a line may name: what is on the screen, and the fleet.
pub(crate) struct World<'a> {
    /// What keys do on the screen on top.
    pub(crate) rows: &'a [Shown],
    /// All that is known.
    pub(crate) fleet: &'a Fleet,
    /// Now.
    pub(crate) now: Timestamp,
    /// The theme of the operator's own file, if there is one.
    pub(crate) own: Option<Theme>,
}

impl World<'_> {
    /// What can be done by name without anything behind it: the digits are no act without a column.
    fn acts(&self) -> impl Iterator<Item = &Shown> {
        self.rows.iter().filter(|row| row.name != "sort")
    }

    /// Reads a line. A sentence says why it cannot be done.
    pub(crate) fn read(&self, line: &str) -> Result<Asked, String> {
        let line = line.trim();
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let (name, rest) = (name.to_lowercase(), rest.trim());
        let act = self.acts().find(|row| row.name == name);
        if let (Some(row), "") = (act, rest) {
            return match &row.dead {
                None => Ok(Asked::Act(row.name)),
                Some(why) => Err(format!("{name} is off: {why}")),
            };
        }
        let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
            return Err(match act {
                Some(_) => format!("{name} takes nothing behind it"),
                None => format!("no command `{name}` here; Tab shows what there is"),
            });
        };
        self.command(command, rest)
    }

    fn command(&self, command: &Command, rest: &str) -> Result<Asked, String> {
        let needs = || format!("{} needs {}", command.name, command.takes);
        let number = || rest.parse().map(RunId).map_err(|_| needs());
        match command.kind {
            Kind::Tenants | Kind::Resume | Kind::Sessions if !rest.is_empty() => {
                Err(format!("{} takes nothing behind it", command.name))
            }
            Kind::Tenants => Ok(Asked::Tenants),
            Kind::Resume => Ok(Asked::Resume),
            Kind::Sessions => Ok(Asked::Sessions),
            Kind::Kick => rest.parse().map(Asked::Kick).map_err(|_| needs()),
            Kind::Tenant(page) => Ok(Asked::Open(page, self.tenant(rest)?.key.clone())),
            Kind::Audit if rest.is_empty() => Ok(Asked::Audit(None)),
            Kind::Audit => Ok(Asked::Audit(Some(self.tenant(rest)?.key.clone()))),
            Kind::Run => {
                let run = number()?;
                if self.fleet.runs.contains_key(&run) {
                    Ok(Asked::Run(run))
                } else {
                    Err(format!("no run {run} is known"))
                }
            }
            Kind::Cancel => number().map(Asked::Cancel),
            Kind::Filter => Ok(Asked::Filter(rest.to_owned())),
            Kind::Import => match rest {
                "all" => Ok(Asked::Import { failed: false }),
                "failed" => Ok(Asked::Import { failed: true }),
                _ => Err(needs()),
            },
            Kind::Sync if rest.is_empty() => Ok(Asked::Sync(None)),
            Kind::Sync => match self.fleet.partners.keys().find(|name| name.0 == rest) {
                Some(name) => Ok(Asked::Sync(Some(name.clone()))),
                None => Err(format!("no partner `{rest}` is known")),
            },
            Kind::Pause => {
                let (until, reason) = self.until_and_why(rest, "a pause", needs)?;
                Ok(Asked::Pause { until, reason })
            }
            Kind::Know if rest.eq_ignore_ascii_case("no") => Ok(Asked::Forget),
            Kind::Know => {
                let (until, reason) = self.until_and_why(rest, "what is known", needs)?;
                Ok(Asked::Know { until, reason })
            }
            Kind::Ticket if rest.eq_ignore_ascii_case("close") => Ok(Asked::CloseTicket),
            Kind::Ticket if rest.is_empty() => Err("ticket needs a tenant that is refused, or NUMBER NOTE".to_owned()),
            Kind::Ticket => Ticket::read(rest).map(|(number, note)| Asked::Ticket { number, note }),
            Kind::Name => LocalName::check(rest).map(Asked::Name).map_err(|why| why.to_string()),
            Kind::Save(_) | Kind::Price { .. } if rest.is_empty() => Err(needs()),
            Kind::Save(what) => Ok(Asked::Save(what, rest.to_owned())),
            Kind::Price { beside } => Ok(Asked::Price { text: rest.to_owned(), beside }),
            Kind::Set => self.setting(rest).map(Asked::Set),
        }
    }

    /// The tenant that is meant: an id, a domain, or a name that fits one best.
    fn tenant(&self, wanted: &str) -> Result<&Tenant, String> {
        if wanted.is_empty() {
            return Err("no tenant is at hand here: name one".to_owned());
        }
        let lower = wanted.to_lowercase();
        let tests: [&dyn Fn(&Tenant) -> bool; 4] = [
            &|tenant| tenant.key.tenant.to_string() == lower,
            &|tenant| tenant.domain.to_lowercase() == lower,
            &|tenant| tenant.title().to_lowercase() == lower,
            &|tenant| tenant.title().to_lowercase().contains(&lower),
        ];
        for test in tests {
            let mut found = self.fleet.tenants.values().filter(|tenant| test(tenant));
            match (found.next(), found.count()) {
                (None, _) => {}
                (Some(one), 0) => return Ok(one),
                (Some(_), more) => return Err(format!("`{wanted}` fits {} tenants: name one whole", more + 1)),
            }
        }
        Err(format!("no tenant `{wanted}`"))
    }

    /// An end and a reason, of something that holds until then.
    fn until_and_why(&self, rest: &str, what: &str, needs: impl Fn() -> String) -> Result<(Timestamp, String), String> {
        let (until, reason) = rest.split_once(char::is_whitespace).ok_or_else(&needs)?;
        let until = self.until(until, what)?;
        let reason = crate::model::clean(reason).trim().to_owned();
        if reason.is_empty() { Err(needs()) } else { Ok((until, reason)) }
    }

    /// The end of something: a day, which ends it at midnight UTC, or a number of days or hours from now.
    fn until(&self, text: &str, what: &str) -> Result<Timestamp, String> {
        let wrong = || format!("`{text}` is no end of {what}: a day such as 2026-12-01, or 7d, or 12h");
        let span = |digits: &str, hours: i64| -> Option<Timestamp> {
            let hours = digits.parse::<i64>().ok().filter(|n| (1..100_000).contains(n))?.checked_mul(hours)?;
            self.now.checked_add(SignedDuration::from_hours(hours)).ok()
        };
        let until = if let Some(digits) = text.strip_suffix('d') {
            span(digits, 24).ok_or_else(wrong)?
        } else if let Some(digits) = text.strip_suffix('h') {
            span(digits, 1).ok_or_else(wrong)?
        } else {
            let day: Date = text.parse().map_err(|_| wrong())?;
            jiff::tz::TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_err(|_| wrong())?
        };
        if until <= self.now {
            return Err(format!("{text} does not lie ahead"));
        }
        if until.duration_since(self.now) > LONGEST {
            return Err(format!("{text} is more than a year ahead: too far for {what}"));
        }
        Ok(until)
    }

    fn setting(&self, rest: &str) -> Result<Setting, String> {
        let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let value = value.trim();
        let switch = || match value {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(format!("{name} is on or off")),
        };
        match name {
            "theme" => {
                let named = Theme::NAMED.iter().find(|(name, _)| *name == value).map(|(_, theme)| *theme);
                named.or(self.own.filter(|_| value == "own")).map(Setting::Theme).ok_or_else(|| {
                    format!("no theme `{value}`; there are {}", self.themes().collect::<Vec<_>>().join(", "))
                })
            }
            "ascii" => switch().map(Setting::Ascii),
            "mouse" => switch().map(Setting::Mouse),
            "privacy" => switch().map(Setting::Privacy),
            "pane" => switch().map(Setting::Pane),
            _ => Err(format!("set needs one of {}", SETTINGS.join(", "))),
        }
    }

    fn themes(&self) -> impl Iterator<Item = &'static str> {
        Theme::NAMED.iter().map(|(name, _)| *name).chain(self.own.map(|_| "own"))
    }

    /// What the line could go on as, the best first: whole lines, each with what it does.
    pub(crate) fn complete(&self, line: &str) -> Vec<Completion> {
        let line = line.trim_start();
        let Some((name, rest)) = line.split_once(char::is_whitespace) else { return self.names(line) };
        let (name, rest) = (name.to_lowercase(), rest.trim_start());
        let Some(command) = COMMANDS.iter().find(|command| command.name == name) else { return Vec::new() };
        let whole = |(value, does): (String, String)| Completion { line: format!("{name} {value}"), does };
        let words = |words: &mut dyn Iterator<Item = &str>| -> Vec<(String, String)> {
            words.map(|word| (word.to_owned(), String::new())).collect()
        };
        let values: Vec<(String, String)> = match command.kind {
            Kind::Tenant(_) | Kind::Audit => {
                let tenants = self.fleet.tenants.values();
                tenants.map(|tenant| (tenant.title().to_owned(), tenant.domain.to_string())).collect()
            }
            Kind::Run | Kind::Cancel => {
                let open = |run: &&crate::model::Run| {
                    command.kind == Kind::Run || run.state == crate::model::RunState::Running
                };
                let runs = self.fleet.runs.values().rev().filter(open);
                runs.map(|run| (run.id.to_string(), format!("by {}", run.by))).collect()
            }
            Kind::Import => words(&mut ["all", "failed"].into_iter()),
            Kind::Ticket => words(&mut ["close"].into_iter()),
            Kind::Sync => words(&mut self.fleet.partners.keys().map(|name| name.0.as_str())),
            Kind::Set => match rest.split_once(char::is_whitespace) {
                None => words(&mut SETTINGS.into_iter()),
                Some(("theme", _)) => {
                    let themes: Vec<String> = self.themes().map(|name| format!("theme {name}")).collect();
                    words(&mut themes.iter().map(String::as_str))
                }
                Some((name, _)) => {
                    let switch = [format!("{name} on"), format!("{name} off")];
                    words(&mut switch.iter().map(String::as_str))
                }
            },
            Kind::Know => words(&mut ["90d", "no"].into_iter()),
            Kind::Tenants
            | Kind::Filter
            | Kind::Pause
            | Kind::Resume
            | Kind::Name
            | Kind::Save(_)
            | Kind::Price { .. }
            | Kind::Sessions
            | Kind::Kick => Vec::new(),
        };
        fits(values, rest).into_iter().map(whole).collect()
    }

    /// Names that what was typed can become: commands, then what keys of this screen do.
    fn names(&self, typed: &str) -> Vec<Completion> {
        let mut names: Vec<(String, String)> = COMMANDS
            .iter()
            .map(|command| (command.name.to_owned(), format!("{:<13} {}", command.takes, command.does)))
            .collect();
        for row in self.acts().filter(|row| COMMANDS.iter().all(|command| command.name != row.name)) {
            let does = match &row.dead {
                None => format!("{:<13} {}", "", row.does),
                Some(why) => format!("{:<13} {} (off: {why})", "", row.does),
            };
            names.push((row.name.to_owned(), does));
        }
        fits(names, typed).into_iter().map(|(line, does)| Completion { line, does }).collect()
    }
}

/// What a line could go on as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Completion {
    /// The whole line.
    pub(crate) line: String,
    /// What it does.
    pub(crate) does: String,
}

/// Those that hold what was typed: the ones that begin with it first.
fn fits(values: Vec<(String, String)>, typed: &str) -> Vec<(String, String)> {
    let lower = typed.to_lowercase();
    let (first, others): (Vec<_>, Vec<_>) = values
        .into_iter()
        .filter(|(value, _)| value.to_lowercase().contains(&lower))
        .partition(|(value, _)| value.to_lowercase().starts_with(&lower));
    first.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::tests::{Desk, sample};

    fn on<T>(path: &str, look: impl Fn(&World<'_>) -> T) -> T {
        let desk = Desk::new().keys(path);
        let rows = desk.app.keys(desk.now);
        look(&World { rows: &rows, fleet: &sample::fleet(), now: desk.now, own: None })
    }

    fn read(line: &str) -> Result<Asked, String> {
        on("<Down>", |world| world.read(line))
    }

    #[test]
    fn lines_are_read() {
        let adatum = sample::key("emea", 1);
        for (line, want) in [
            ("re-run", Asked::Act("re-run")),
            (" Why ", Asked::Act("why")),
            ("why adatum", Asked::Open(Page::Why, adatum.clone())),
            ("licenses Adatum Gesundheit GmbH", Asked::Open(Page::Licenses, adatum.clone())),
            ("history adatum", Asked::Open(Page::History, adatum.clone())),
            ("diff adatum", Asked::Open(Page::Diff, adatum.clone())),
            ("users 10000000-0000-0000-0000-000000000001", Asked::Open(Page::Users, adatum.clone())),
            ("audit", Asked::Audit(None)),
            ("audit adatum", Asked::Audit(Some(adatum.clone()))),
            ("run 4", Asked::Run(RunId(4))),
            ("filter status:blocked !x", Asked::Filter("status:blocked !x".to_owned())),
            ("import all", Asked::Import { failed: false }),
            ("import failed", Asked::Import { failed: true }),
            ("sync", Asked::Sync(None)),
            ("sync emea", Asked::Sync(Some("emea".into()))),
            ("cancel 4", Asked::Cancel(RunId(4))),
            ("resume", Asked::Resume),
            ("ticket", Asked::Act("ticket")),
            ("ticket Close", Asked::CloseTicket),
            ("ticket CS-1  a b", Asked::Ticket { number: "CS-1".into(), note: Some("a b".into()) }),
            ("name  Our E3 ", Asked::Name("Our E3".into())),
            ("name", Asked::Name("".into())),
            ("set ascii on", Asked::Set(Setting::Ascii(true))),
            ("set theme light", Asked::Set(Setting::Theme(Theme::Light))),
        ] {
            assert_eq!(read(line), Ok(want), "{line}");
        }
        let Ok(Asked::Pause { until, reason }) = read("pause 2026-12-01  tenant merge") else { panic!() };
        assert_eq!((until.to_string().as_str(), reason.as_str()), ("2026-12-01T00:00:00Z", "tenant merge"));
        let Ok(Asked::Pause { until, .. }) = read("pause 7d x") else { panic!() };
        assert_eq!(until.duration_since(sample::now()).as_hours(), 7 * 24);
    }

    #[test]
    fn what_cannot_be_done_is_explained() {
        for (line, why) in [
            ("rerun", "no command `rerun` here; Tab shows what there is"),
            ("back now", "back takes nothing behind it"),
            ("review", "review is off: nothing is held back"),
            ("why nobody", "no tenant `nobody`"),
            ("why a", "tenants: name one whole"),
            ("run 99", "no run 99 is known"),
            ("run x", "run needs NUMBER"),
            ("import", "import needs all | failed"),
            ("sync south-pole", "no partner `south-pole` is known"),
            ("pause 2026-12-01", "pause needs UNTIL REASON"),
            ("pause tomorrow x", "`tomorrow` is no end of a pause"),
            ("pause 2020-01-01 x", "2020-01-01 does not lie ahead"),
            ("pause 9999d x", "more than a year ahead"),
            ("pause 99999999999999999999d x", "is no end of a pause"),
            ("ticket 1234567890123456789012345678901234567890x", "at most 40 characters"),
            (&format!("name {}", "x".repeat(121)), "a name has at most 120 bytes"),
            ("resume x", "resume takes nothing behind it"),
            ("set", "set needs one of theme, ascii"),
            ("set theme pink", "no theme `pink`; there are plain, mono, light, high-contrast"),
            ("set theme own", "no theme `own`"),
            ("set mouse maybe", "mouse is on or off"),
        ] {
            let said = read(line).expect_err(line);
            assert!(said.contains(why), "{line}: {said}");
        }
    }

    #[test]
    fn lines_are_completed_with_the_best_first() {
        let lines = |path: &str, typed: &str| -> Vec<String> {
            on(path, |world| world.complete(typed).into_iter().map(|one| one.line).collect())
        };
        assert_eq!(lines("", "lic"), ["licenses"]);
        assert_eq!(lines("", "re")[..5], ["resume", "reopen-month", "re-run", "review", "reverse"]);
        assert_eq!(lines("", "run").last().map(String::as_str), Some("re-run"), "what begins so stands first");
        assert!(lines("", "").len() > 30 && !lines("", "").contains(&"sort".to_owned()));
        assert!(!lines("R", "").contains(&"re-run".to_owned()), "what the screen does not have");
        assert_eq!(lines("", "why adatum"), ["why Adatum Gesundheit GmbH"]);
        assert_eq!(lines("", "set th"), ["set theme"]);
        assert_eq!(lines("", "set theme h"), ["set theme high-contrast"]);
        assert_eq!(lines("", "set mouse o"), ["set mouse on", "set mouse off"]);
        assert_eq!(lines("", "cancel "), ["cancel 4"], "only a run that goes on");
        assert_eq!(lines("", "nonsense x"), Vec::<String>::new());
    }

    #[test]
    fn no_command_hides_another() {
        let mut names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COMMANDS.len());
    }
}
