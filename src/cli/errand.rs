//! Commands that read the store: done here, or by a service that holds it. Both give the same bytes.

use std::path::{Path, PathBuf};

use color_eyre::eyre::Result;
use serde::{Deserialize, Serialize};

use super::allocate::Asked;
use super::args::{Audited, Closing, Counted, Listed, Only, Ruled, SignIn};
use super::output::{Format, Out};
use super::pasted::Lines;
use super::place::{Place, Source, resolve};
use super::ticket::Lang;
use super::{
    DEFECT, DONE, NO_SERVICE, NOT_ALLOWED, USAGE, allocate, audit, backup, diff, doctor, ended_by_signal, login,
    metrics, pricing, show, ticket,
};
use crate::engine::Engine;
use crate::link::{self, LinkError, Said, Talk};
use crate::model::{Caller, Deed, Event, Fleet, Verb};

/// What is to be read. No file is named in it: the service opens none for anybody.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Wish {
    Tenants(Only),
    Failures(Only),
    Licenses(Counted),
    Users(Listed),
    Diff(Only),
    Expiries { partner: Option<String>, filter: Option<String> },
    Ticket { tenant: String, partner: Option<String>, lang: Lang },
    Runs { run: Option<u64> },
    Allocate(Asked),
    Rules(Ruled),
    Prices { tenant: String, partner: Option<String>, history: bool, number: Option<u32> },
    Months(Closing),
    Audit(Audited),
    Metrics,
    Backup,
    Login { partner: String, device_code: bool },
    Doctor { partner: Option<String>, offline: bool },
}

/// A wish and how its rows are shown.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Errand {
    format: Format,
    wish: Wish,
}

impl Wish {
    /// What it asks for.
    fn verb(&self) -> Verb {
        match self {
            // Of one tenant it is for all.
            Wish::Audit(wanted) if wanted.tenant.is_none() || wanted.verify => Verb::AuditAll,
            // Rules name users, and so may the values of attributes.
            Wish::Rules(_) => Verb::ExportPeople,
            Wish::Allocate(asked) if asked.names_values() => Verb::ExportPeople,
            Wish::Tenants(_)
            | Wish::Failures(_)
            | Wish::Licenses(_)
            | Wish::Users(_)
            | Wish::Diff(_)
            | Wish::Expiries { .. }
            | Wish::Ticket { .. }
            | Wish::Runs { .. }
            | Wish::Allocate(_)
            | Wish::Prices { .. }
            | Wish::Months(_)
            | Wish::Audit(_)
            | Wish::Doctor { offline: true, .. }
            | Wish::Metrics => Verb::Show,
            Wish::Backup => Verb::Backup,
            Wish::Login { .. } => Verb::Login,
            // It signs in to our own tenant, as a probe does to a customer's.
            Wish::Doctor { offline: false, .. } => Verb::Probe,
        }
    }

    /// What the audit says of it.
    fn trace(&self) -> Trace<'_> {
        let shows = |what: &str| Trace { what: what.to_owned(), ..Trace::of(Verb::Show.word(), About::Nothing) };
        let reads = |what: &str, only: &'_ Only| {
            let tenants = if only.tenant.is_empty() { "all tenants".to_owned() } else { only.tenant.join(", ") };
            let filter = only.filter.as_ref().map_or_else(String::new, |filter| format!("; filter {filter}"));
            format!("{what}: {tenants}{filter}")
        };
        match self {
            Wish::Users(Listed { only, .. }) => Trace::people(reads("users", only), only),
            Wish::Diff(only) => Trace::people(reads("changes", only), only),
            Wish::Allocate(asked) => {
                let what = format!("allocation: {}", asked.tenant());
                if asked.reads_people() {
                    let about = About::Named(vec![asked.tenant()], asked.partner());
                    Trace { what, is_noted: true, ..Trace::of(Deed::READS_PEOPLE, about) }
                } else {
                    shows(&what)
                }
            }
            Wish::Audit(wanted) => {
                let named = wanted.tenant.as_deref().map(|tenant| vec![tenant]);
                let about = named.map_or(About::Nothing, |named| About::Named(named, wanted.partner.as_deref()));
                let who = wanted.who.as_ref().map(|name| format!("of {name}"));
                let filter = wanted.filter.as_ref().map(|filter| format!("filter {filter}"));
                let form = if wanted.verify { "verify" } else { "command" };
                let what = [Some(form.to_owned()), who, filter].into_iter().flatten().collect::<Vec<_>>().join("; ");
                Trace { what, is_noted: true, ..Trace::of(Deed::READS_AUDIT, about) }
            }
            Wish::Backup => Trace { is_noted: true, ..Trace::of(Verb::Backup.word(), About::All) },
            Wish::Login { partner, .. } => {
                let what = format!("partner {partner}");
                Trace { what, is_noted: true, ..Trace::of(Verb::Login.word(), About::Nothing) }
            }
            Wish::Doctor { partner, .. } => {
                let what = partner.as_ref().map_or_else(String::new, |name| format!("partner {name}"));
                Trace { what, is_noted: true, ..Trace::of("doctor", About::Nothing) }
            }
            Wish::Tenants(_) => shows("tenants"),
            Wish::Failures(_) => shows("failures"),
            Wish::Licenses(_) => shows("licenses"),
            Wish::Expiries { .. } => shows("expiries"),
            Wish::Ticket { .. } => shows("ticket"),
            Wish::Runs { .. } => shows("runs"),
            Wish::Rules(_) => shows("rules"),
            Wish::Prices { .. } => shows("prices"),
            Wish::Months(_) => shows("months"),
            Wish::Metrics => shows("metrics"),
        }
    }

    /// Does it.
    fn done(&self, place: &Place) -> Result<u8> {
        match self {
            Wish::Tenants(only) => show::tenants(place, only),
            Wish::Failures(only) => show::failures(place, only),
            Wish::Licenses(counted) if counted.history => show::license_days(place, counted),
            Wish::Licenses(counted) => show::licenses(place, &counted.only, counted.each),
            Wish::Users(listed) => show::users(place, listed),
            Wish::Diff(only) => diff::diff(place, only),
            Wish::Expiries { partner, filter } => show::expiries(place, partner.as_deref(), filter.as_deref()),
            Wish::Ticket { tenant, partner, lang } => ticket::ticket(place, tenant, partner.as_deref(), (*lang).into()),
            Wish::Runs { run } => show::runs(place, *run),
            Wish::Allocate(asked) => allocate::shown(place, asked),
            Wish::Rules(wanted) => allocate::shown_rules(place, wanted),
            Wish::Prices { tenant, partner, history, number } => {
                pricing::shown(place, tenant, partner.as_deref(), *history, *number)
            }
            Wish::Months(wanted) => allocate::shown_months(place, wanted),
            Wish::Audit(wanted) => audit::audit(place, wanted),
            Wish::Metrics => metrics::metrics(place),
            Wish::Backup => backup::stream(place),
            Wish::Doctor { partner, offline } => doctor::look(place, partner.as_deref(), *offline, None),
            Wish::Login { partner, device_code } => {
                let (partner, device_code) = (partner.clone(), *device_code);
                login::login(place, &SignIn { partner, device_code, refresh_token_file: None, untried: false })
            }
        }
    }
}

/// What the audit says of a wish.
struct Trace<'a> {
    /// The word for it.
    verb: &'static str,
    /// What there is to know beside that.
    what: String,
    /// Whether it is kept though it is granted: it hands out people, or all there is.
    is_noted: bool,
    about: About<'a>,
}

/// Which tenants a wish is about.
enum About<'a> {
    /// None in particular.
    Nothing,
    /// Those that are named, of a partner if one is.
    Named(Vec<&'a str>, Option<&'a str>),
    /// Every one.
    All,
}

impl<'a> Trace<'a> {
    /// Of something that is not kept where it is granted.
    const fn of(verb: &'static str, about: About<'a>) -> Self {
        Self { verb, what: String::new(), is_noted: false, about }
    }

    /// Of something that reads people, of these tenants or of all.
    fn people(what: String, only: &'a Only) -> Self {
        let about = if only.tenant.is_empty() {
            About::All
        } else {
            About::Named(only.tenant.iter().map(String::as_str).collect(), only.partner.as_deref())
        };
        Self { what, is_noted: true, ..Self::of(Deed::READS_PEOPLE, about) }
    }
}

impl About<'_> {
    /// Names the tenants, as far as there are such.
    fn name(&self, deed: &mut Deed, fleet: &Fleet) {
        match self {
            About::Nothing => {}
            About::All => deed.all = true,
            About::Named(names, partner) => {
                let found = |name: &&str| Some(resolve(fleet, *partner, name).ok()?.key.clone());
                deed.tenants = names.iter().filter_map(found).take(Deed::TENANTS).collect();
            }
        }
    }
}

/// Does what is wished, here or at the service.
pub(super) fn run(place: &Place, wish: Wish) -> Result<u8> {
    match place.socket() {
        None => wish.done(place),
        Some(socket) => far(place, &socket, wish, |bytes| place.out.bytes(bytes)),
    }
}

/// Has the service do it; `out` takes what is meant for standard output.
pub(super) fn far(
    place: &Place,
    socket: &Path,
    wish: Wish,
    mut out: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<u8> {
    let asks = matches!(wish, Wish::Login { .. });
    let errand = serde_json::to_string(&Errand { format: place.format, wish })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        // Whoever is asked something may leave by a key; the terminal is put back then.
        let ended = async move { if asks { ended_by_signal().await } else { std::future::pending().await } };
        let talk = async {
            let mut call = link::call(socket, hints(), errand).await.map_err(|error| stop(&error))?;
            // Opened with the first question: until then keys are the terminal's.
            let mut lines: Option<Lines> = None;
            loop {
                match call.next().await.map_err(|error| stop(&error))? {
                    Said::Out(bytes) => out(&bytes)?,
                    Said::Line(line) => place.out.say(&line),
                    Said::Ask(_) => {
                        let line = lines.get_or_insert_with(Lines::open).next().await.unwrap_or_default();
                        call.answer(line).await.map_err(|error| stop(&error))?;
                    }
                    Said::Code(code) => return Ok::<u8, color_eyre::Report>(code),
                }
            }
        };
        tokio::select! {
            biased;
            code = ended => {
                Err(super::Stop { said: "left; what was stored before stays".to_owned(), code }.into())
            }
            done = talk => done,
        }
    })?;
    place.out.flush()?;
    Ok(code)
}

/// What ends a command that finds no way to a service.
pub(super) fn stop(error: &LinkError) -> super::Stop {
    let code = match error {
        LinkError::Refused { role: false, .. } | LinkError::Silent { .. } => NO_SERVICE,
        LinkError::Refused { role: true, .. } | LinkError::Shut { .. } => NOT_ALLOWED,
    };
    let next = match error {
        LinkError::Silent { .. } => "; who acts: whoever runs this host; next: systemctl status tenantop",
        LinkError::Shut { .. } => "; who acts: an admin of this host, who puts you into one of its groups",
        LinkError::Refused { .. } => "",
    };
    super::Stop { said: format!("{error}{next}"), code }
}

/// What this side says of how its user came here.
pub(super) fn hints() -> link::Hints {
    let address = std::env::var("SSH_CONNECTION").ok();
    let address = address.and_then(|line| line.split(' ').next().map(Into::into));
    let key = std::env::var_os("SSH_USER_AUTH").map(PathBuf::from).and_then(|file| fingerprint(&file));
    link::Hints { key: key.map(Into::into), address }
}

/// The fingerprint of the key that signed in, as `ssh-keygen -l` shows it, from the file that sshd writes.
fn fingerprint(file: &Path) -> Option<String> {
    use base64::Engine as _;
    use sha2::Digest;
    let text = std::fs::read_to_string(file).ok()?;
    let key = text.lines().find_map(|line| line.strip_prefix("publickey "))?.split(' ').nth(1)?;
    let key = base64::prelude::BASE64_STANDARD.decode(key).ok()?;
    Some(format!("SHA256:{}", base64::prelude::BASE64_STANDARD_NO_PAD.encode(sha2::Sha256::digest(key))))
}

/// Does an errand of somebody at the other end of the socket, in the service.
pub(super) fn serve(service: &Place, engine: &Engine, caller: &Caller, errand: &str, talk: Talk) -> u8 {
    let out = Out::far(talk);
    let done = || -> Result<u8> {
        let Errand { format, wish } = serde_json::from_str(errand).map_err(|error| super::Stop {
            said: format!("the service does not know this command: {error}"),
            code: USAGE,
        })?;
        let verb = wish.verb();
        let Trace { verb: word, what, is_noted, about } = wish.trace();
        let mut deed = Deed::plain(service.clock.now(), caller.clone(), word, what);
        if !caller.role.may(verb) {
            let said = caller.role.refusal(verb);
            engine.note_blocking(deed.refused(&said));
            return Err(super::Stop { said, code: NOT_ALLOWED }.into());
        }
        let mut client = engine.client("service".into());
        let Some(Event::Hello(fleet)) = client.events.blocking_recv() else {
            return Err(super::Stop { said: "the engine ended".to_owned(), code: NO_SERVICE }.into());
        };
        drop(client);
        if is_noted {
            // Before anything goes out: who takes all but the last of it has taken it.
            about.name(&mut deed, &fleet);
            engine.note_blocking(deed.clone());
        }
        let place = Place {
            loaded: service.loaded.clone(),
            store: service.store.clone(),
            format,
            clock: service.clock.clone(),
            out: out.clone(),
            source: Source::Service(fleet, engine.reader()),
            role: caller.role,
            socket: service.socket.clone(),
            own_files: true,
            standalone: true,
        };
        let done = wish.done(&place);
        if matches!(wish, Wish::Login { .. }) {
            // How a sign-in ended is what there is to know of it; nothing of what was pasted is.
            deed.what =
                format!("{}: {}", deed.what, if matches!(done, Ok(DONE)) { "signed in" } else { "not signed in" })
                    .into();
            deed.at = service.clock.now();
            engine.note_blocking(deed);
        }
        done
    };
    let code = match done() {
        Ok(code) => code,
        Err(error) => super::told(&error, &|text| out.say(text)),
    };
    if out.flush().is_err() && code != DEFECT {
        // Whoever asked is gone.
        return super::DONE;
    }
    code
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::super::args::Allotted;
    use super::*;
    use crate::model::allocation::Rules;

    /// Every wish, as it goes over the socket.
    fn wishes() -> Vec<Wish> {
        let name = || Some("emea".to_owned());
        let wanted = serde_json::to_value(Allotted::default()).unwrap();
        let asked = json!({ "wanted": wanted, "rules": Rules::start(), "prices": "x" });
        vec![
            Wish::Tenants(Only::default()),
            Wish::Failures(Only::default()),
            Wish::Licenses(Counted::default()),
            Wish::Users(Listed::default()),
            Wish::Diff(Only::default()),
            Wish::Expiries { partner: name(), filter: None },
            Wish::Ticket { tenant: "x".to_owned(), partner: name(), lang: Lang::En },
            Wish::Runs { run: Some(1) },
            Wish::Allocate(serde_json::from_value(asked).unwrap()),
            Wish::Rules(Ruled::default()),
            Wish::Prices { tenant: "x".to_owned(), partner: name(), history: true, number: Some(1) },
            Wish::Months(Closing::default()),
            Wish::Audit(Audited::default()),
            Wish::Metrics,
            Wish::Backup,
            Wish::Login { partner: "emea".to_owned(), device_code: true },
            Wish::Doctor { partner: name(), offline: true },
        ]
    }

    /// Its number among all: one that is added does not compile before it has one, and a place among those above.
    const fn number(wish: &Wish) -> usize {
        match wish {
            Wish::Tenants(_) => 0,
            Wish::Failures(_) => 1,
            Wish::Licenses(_) => 2,
            Wish::Users(_) => 3,
            Wish::Diff(_) => 4,
            Wish::Expiries { .. } => 5,
            Wish::Ticket { .. } => 6,
            Wish::Runs { .. } => 7,
            Wish::Allocate(_) => 8,
            Wish::Rules(_) => 9,
            Wish::Prices { .. } => 10,
            Wish::Months(_) => 11,
            Wish::Audit(_) => 12,
            Wish::Metrics => 13,
            Wish::Backup => 14,
            Wish::Login { .. } => 15,
            Wish::Doctor { .. } => 16,
        }
    }

    /// The value with a member more in each of its objects, one at a time.
    fn altered(value: &Value) -> Vec<Value> {
        match value {
            Value::Object(members) => {
                let mut more = members.clone();
                more.insert("unknown".to_owned(), Value::from(1));
                let deeper = members.iter().flat_map(|(name, member)| {
                    altered(member).into_iter().map(|member| {
                        let mut members = members.clone();
                        members.insert(name.clone(), member);
                        Value::Object(members)
                    })
                });
                std::iter::once(Value::Object(more)).chain(deeper).collect()
            }
            Value::Array(list) => {
                let deeper = list.iter().enumerate().flat_map(|(n, member)| {
                    altered(member).into_iter().map(move |member| {
                        let mut list = list.clone();
                        list[n] = member;
                        Value::Array(list)
                    })
                });
                deeper.collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        }
    }

    #[test]
    fn a_member_that_nobody_knows_is_refused_wherever_it_stands_in_an_errand() {
        let numbers: BTreeSet<usize> = wishes().iter().map(number).collect();
        assert_eq!(numbers, (0..17).collect(), "each wish stands above");
        let mut tried = 0;
        for wish in wishes() {
            let errand = serde_json::to_value(Errand { format: Format::Json, wish }).unwrap();
            serde_json::from_value::<Errand>(errand.clone()).unwrap();
            for errand in altered(&errand) {
                assert!(serde_json::from_value::<Errand>(errand.clone()).is_err(), "{errand} is accepted");
                tried += 1;
            }
        }
        assert!(tried > 40, "{tried} places");
    }
}
