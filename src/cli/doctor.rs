//! `tenantop doctor`: everything that can be checked from here, each with what to do about it.

mod data;
mod files;
mod network;
mod secrets;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;

use color_eyre::eyre::Result;
use compact_str::CompactString;
use jiff::Timestamp;
use serde::Serialize;

use super::errand::{self, Wish};
use super::output::{Format, Out, Rows};
use super::place::{Place, Source};
use super::{DONE, NO_SERVICE, PARTNER_REFUSED, SOME_FAILED, STORE, USAGE};
use crate::config::{Origin, Partner};
use data::Kept;

/// Whoever keeps this machine and its configuration.
const US: &str = "US: whoever keeps this machine";

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Grade {
    Ok,
    Skipped,
    Warning,
    Failed,
}

impl Grade {
    const fn word(self) -> &'static str {
        match self {
            Grade::Ok => "ok",
            Grade::Skipped => "skipped",
            Grade::Warning => "warning",
            Grade::Failed => "failed",
        }
    }
}

/// A check; the row of `doctor --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    partner: Option<CompactString>,
    state: Grade,
    /// What was found, what does not work, or why nobody looked.
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Check {
    /// Titles and members of CSV.
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("STATE", "state"),
        ("CHECK", "name"),
        ("PARTNER", "partner"),
        ("WHAT", "what"),
        ("SINCE", "since"),
        ("WHO ACTS", "who"),
        ("NEXT", "next"),
    ];

    fn new(name: &'static str, state: Grade, what: impl Into<String>) -> Self {
        Self { name, partner: None, state, what: what.into(), since: None, who: None, next: None }
    }

    fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self::new(name, Grade::Ok, what)
    }

    fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Grade::Skipped, why)
    }

    fn wrong(name: &'static str, state: Grade, what: impl Into<String>, who: &str, next: impl Into<String>) -> Self {
        Self { who: Some(who.to_owned()), next: Some(next.into()), ..Self::new(name, state, what) }
    }

    fn failed(name: &'static str, what: impl Into<String>, who: &str, next: impl Into<String>) -> Self {
        Self::wrong(name, Grade::Failed, what, who, next)
    }

    fn warning(name: &'static str, what: impl Into<String>, who: &str, next: impl Into<String>) -> Self {
        Self::wrong(name, Grade::Warning, what, who, next)
    }

    fn of(self, partner: &Partner) -> Self {
        Self { partner: Some(partner.name.0.clone()), ..self }
    }

    fn since(self, since: Option<Timestamp>) -> Self {
        Self { since, ..self }
    }

    /// For people: a line, and below it who acts and what comes next.
    fn lines(&self) -> String {
        let partner = self.partner.as_deref().unwrap_or_default();
        let mut text = format!("{:<8} {:<15} {partner:<10} {}\n", self.state.word(), self.name, self.what);
        let since = self.since.map(|since| format!("{since:.0}"));
        for (title, value) in [("since", since.as_ref()), ("who", self.who.as_ref()), ("next", self.next.as_ref())] {
            if let Some(value) = value {
                for (n, line) in value.lines().enumerate() {
                    let title = if n == 0 { format!("{title:>5}:") } else { String::new() };
                    // Writing to a String cannot fail.
                    let _ = writeln!(text, "{:<8} {title:<6} {line}", "");
                }
            }
        }
        text
    }
}

/// Shows checks as they come, and remembers how they came out.
struct Told {
    out: Out,
    format: Format,
    rows: Option<Rows>,
    counts: BTreeMap<Grade, usize>,
}

impl Told {
    fn new(out: &Out, format: Format) -> Result<Self> {
        let rows = match format {
            Format::Table => None,
            Format::Json | Format::Csv => Some(Rows::new(out, format, Check::COLUMNS)?),
        };
        Ok(Self { out: out.clone(), format, rows, counts: BTreeMap::new() })
    }

    fn push(&mut self, checks: impl IntoIterator<Item = Check>) -> Result<()> {
        for check in checks {
            *self.counts.entry(check.state).or_default() += 1;
            match &mut self.rows {
                Some(rows) => rows.push(&check)?,
                None => self.out.write(&check.lines())?,
            }
        }
        Ok(())
    }

    fn any_failed(&self) -> bool {
        self.counts.contains_key(&Grade::Failed)
    }

    fn end(self) -> Result<()> {
        if let Some(rows) = self.rows {
            rows.finish()?;
        }
        if self.format != Format::Json {
            let counts: Vec<String> =
                self.counts.iter().map(|(grade, count)| format!("{count} {}", grade.word())).collect();
            self.out.say(&counts.join(", "));
        }
        Ok(())
    }
}

/// There is no configuration to check anything by: that is the one row.
pub(super) fn no_configuration(format: Format, error: &color_eyre::Report) -> Result<u8> {
    let mut told = Told::new(&Out::Own, format)?;
    told.push([Check::failed(
        "configuration",
        format!("{error:#}"),
        US,
        "put that line right; config/default.toml explains every key",
    )])?;
    told.end()?;
    Ok(USAGE)
}

/// `tenantop doctor`: by the service that holds the store, so that all of it is looked at; here where there is none, or
/// where it does not answer, which is one of the rows then.
pub(super) fn doctor(place: &Place, only: Option<&str>, offline: bool) -> Result<u8> {
    let silent = match place.socket() {
        None => None,
        Some(socket) => {
            let wish = Wish::Doctor { partner: only.map(str::to_owned), offline };
            match errand::far(place, &socket, wish, |bytes| place.out.bytes(bytes)) {
                Err(error) if super::code_of(&error) == NO_SERVICE => Some(format!("{error:#}")),
                done => return done,
            }
        }
    };
    look(place, only, offline, silent.as_deref())
}

/// Looks at everything from here; `silent` says why a service that should answer does not.
pub(super) fn look(place: &Place, only: Option<&str>, offline: bool, silent: Option<&str>) -> Result<u8> {
    let partners: Vec<&Partner> = match only {
        Some(name) => vec![place.partner(name)?],
        None => place.loaded.config.partners.iter().collect(),
    };
    let mut told = Told::new(&place.out, place.format)?;
    told.push([configuration(place), products(place), service(place, silent)])?;
    told.push(files::files(place, &partners))?;
    told.push([files::disk(place)])?;
    let (kept, checks) = Kept::open(place);
    told.push(checks)?;
    let vault = kept.vault(place);
    told.push([secrets::key(&vault)])?;
    told.push(partners.iter().flat_map(|partner| secrets::of_partner(place, &kept, &vault, partner)))?;
    told.push(data::checks(place, &kept, &vault, &partners, only.is_some()))?;
    let mut refused = 0;
    if offline {
        told.push(partners.iter().flat_map(|partner| network::left_out(partner, "--offline")))?;
    } else {
        for (checks, is_refused) in network::checks(place, &kept, &vault, &partners)? {
            refused += usize::from(is_refused);
            told.push(checks)?;
        }
    }
    let failed = told.any_failed();
    told.end()?;
    Ok(if kept.is_unusable() {
        STORE
    } else if refused > 0 && refused == partners.len() {
        PARTNER_REFUSED
    } else if failed {
        SOME_FAILED
    } else {
        DONE
    })
}

/// The service, as whoever asks meets it.
fn service(place: &Place, silent: Option<&str>) -> Check {
    const NAME: &str = "service";
    let socket = place.service_socket();
    match (&place.source, silent) {
        (Source::Store, Some(why)) => Check::failed(
            NAME,
            why,
            US,
            "systemctl status tenantop, journalctl -u tenantop; then systemctl start tenantop",
        ),
        (Source::Store, None) => Check::skipped(NAME, "there is none here: this command opened the store itself"),
        (Source::Service(..), _) => {
            let mode = std::fs::metadata(&socket).map(|found| found.permissions().mode() & 0o777);
            let version = env!("CARGO_PKG_VERSION");
            let what = format!("process {} of version {version} answers at {}", std::process::id(), socket.display());
            match mode {
                Ok(0o660 | 0o600) => Check::ok(NAME, what),
                Ok(mode) => Check::failed(
                    NAME,
                    format!("{what}, and others may connect: its mode is {mode:04o}"),
                    US,
                    "SocketMode=0660 in tenantop.socket, or end the service and start it again",
                ),
                Err(error) => Check::warning(
                    NAME,
                    format!("{what}, and its file cannot be looked at: {error}"),
                    US,
                    "systemctl restart tenantop.socket",
                ),
            }
        }
    }
}

fn configuration(place: &Place) -> Check {
    const NAME: &str = "configuration";
    let config = &place.loaded.config;
    let file = place.loaded.origins.values().find_map(|origin| match origin {
        Origin::File(path, _) => Some(path.display().to_string()),
        Origin::Default | Origin::Variable(_) | Origin::Flag(_) => None,
    });
    let from = file.unwrap_or_else(|| "no file: defaults and variables alone".to_owned());
    if config.partners.is_empty() {
        let what = format!("{from}: it names no partner, so nothing can be imported");
        return Check::warning(NAME, what, US, "add a [[partner]]: config/default.toml shows one; then tenantop login");
    }
    let elsewhere: Vec<&str> = config
        .partners
        .iter()
        .filter(|partner| partner.endpoints != crate::config::Endpoints::default())
        .map(|partner| partner.name.0.as_str())
        .collect();
    let mut what = format!("{from}; partners: {}", config.partners.len());
    if !elsewhere.is_empty() {
        what.extend(["; not asked at Microsoft's own hosts: ", &elsewhere.join(", ")]);
    }
    Check::ok(NAME, what)
}

fn products(place: &Place) -> Check {
    const NAME: &str = "products_csv";
    match place.loaded.products() {
        Ok(None) => Check::skipped(NAME, "no catalog.products_csv: the built-in names hold"),
        Ok(Some(products)) => {
            let (named, plans) = (products.listed.products.len(), products.listed.plans.len());
            let what = format!("{named} products and {plans} service plans are named");
            match products.first_left_out {
                None => Check::ok(NAME, what),
                Some(first) => Check::warning(
                    NAME,
                    format!(
                        "{what}; rows left out, since they name no product: {}, the first in {first}",
                        products.left_out
                    ),
                    US,
                    "download Microsoft's table again, or put these rows right",
                ),
            }
        }
        Err(error) => Check::failed(
            NAME,
            error.to_string(),
            US,
            "until then the console and every command that shows products end with 2",
        ),
    }
}
