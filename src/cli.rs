//! The command line: commands, rows, exit codes.
//!
//! Rows go to standard output, everything for people beside them to standard error. A reader of rows that goes away
//! is a quiet end.

mod allocate;
mod args;
mod audit;
mod backup;
mod console;
mod diagnosis;
mod diff;
mod doctor;
mod errand;
pub mod explain;
mod forced;
mod import;
mod login;
mod metrics;
mod output;
mod pasted;
mod place;
mod pricing;
mod rows;
mod serve;
mod show;
mod start;
mod ticket;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use color_eyre::eyre::Result;

pub use args::{Args, Command};
pub use console::{console, needs_terminal, user_name};
pub use diagnosis::prepare;
use errand::Wish;
pub use output::{say, write as tell};
use place::Place;
pub use start::{ConsoleArgs, options};

use crate::tui::ExitReason;

/// All done.
pub const DONE: u8 = 0;
/// Done, but some tenants or partners failed; each is named.
pub const SOME_FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// Every partner's own sign-in failed, or a new one was not kept: nothing was asked of any customer.
pub const PARTNER_REFUSED: u8 = 3;
/// The store cannot be opened, or is held by another process.
pub const STORE: u8 = 4;
/// The service does not answer.
pub const NO_SERVICE: u8 = 5;
/// The caller's role does not allow it.
pub const NOT_ALLOWED: u8 = 6;
/// A defect in tenantop.
pub const DEFECT: u8 = ExitReason::Defect.code();

/// The terminal is gone.
const LINE_LOST: u8 = ExitReason::TerminalLost.code();

/// Every exit code and what it says: `--help` shows this table, and README is held to it.
const EXIT_CODES: [(u8, &str); 11] = [
    (DONE, "all done"),
    (SOME_FAILED, "done, but some tenants or partners failed; each is named"),
    (USAGE, "the command line or the configuration is wrong, or the console has no terminal to draw on"),
    (PARTNER_REFUSED, "every partner's own sign-in failed, or a new one was not kept; no customer was asked"),
    (STORE, "the store cannot be opened, or another process holds it; it is named"),
    (NO_SERVICE, "the service does not answer"),
    (NOT_ALLOWED, "refused: your role does not allow it"),
    (DEFECT, "a defect in tenantop; where its report lies is said"),
    (LINE_LOST, "the console's terminal is gone: SIGHUP, or a line that was cut"),
    (INTERRUPTED, "Ctrl-C while practice mode starts or a sign-in waits; in the console Ctrl-C leaves, with 0"),
    (ExitReason::Terminated.code(), "SIGTERM ended the console"),
];

/// The longest text that is explained at once.
const PASTED_LIMIT: u64 = 64 << 20;

/// Ctrl-C while practice mode starts, or while somebody is to sign in.
const INTERRUPTED: u8 = 130;

/// The exit codes as lines of text.
pub fn exit_codes() -> String {
    EXIT_CODES.iter().fold("Exit codes:\n".to_owned(), |page, (code, says)| format!("{page}{code:5}  {says}\n"))
}

/// What ends a command early: a sentence for the operator and an exit code.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
pub struct Stop {
    /// What did not work, who acts, the next step.
    pub said: String,
    /// The exit code.
    pub code: u8,
}

impl Stop {
    /// Wrong usage.
    fn usage(said: impl Into<String>) -> Self {
        Self { said: said.into(), code: USAGE }
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    if let Err(error) = prepare("tenantop") {
        output::say(&format!("tenantop: {error}"));
        return ExitCode::from(DEFECT);
    }
    let args = Args::parse();
    ExitCode::from(end(|| run(args)))
}

/// Runs and answers the exit code; an error is said. A panic was told by its hook.
pub fn end(run: impl FnOnce() -> Result<u8>) -> u8 {
    let error = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(Ok(code)) => return code,
        Ok(Err(error)) => error,
        Err(_) => return DEFECT,
    };
    told(&error, &output::say)
}

/// Says an error; answers its exit code.
fn told(error: &color_eyre::Report, say: &dyn Fn(&str)) -> u8 {
    let broken_pipe = error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    });
    if broken_pipe {
        return DONE;
    }
    tracing::error!(error = %format!("{error:#}"), "ends");
    say(&format!("tenantop: {error:#}"));
    code_of(error)
}

fn code_of(error: &color_eyre::Report) -> u8 {
    for cause in error.chain() {
        if let Some(stop) = cause.downcast_ref::<Stop>() {
            return stop.code;
        }
        if cause.is::<crate::config::ConfigError>() || cause.is::<crate::cloud::SetupError>() {
            return USAGE;
        }
        if cause.is::<crate::store::StoreError>() {
            return STORE;
        }
    }
    DEFECT
}

fn run(args: Args) -> Result<u8> {
    let Args { place, console, command } = args;
    if command.is_some() && console != ConsoleArgs::default() {
        return Err(Stop::usage("flags of the console stand before no command; a command's own stand behind it").into());
    }
    match command {
        Some(Command::Completions { shell }) => {
            let mut page = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "tenantop", &mut page);
            output::write(&String::from_utf8_lossy(&page))?;
            Ok(DONE)
        }
        Some(Command::Man) => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Args::command()).render(&mut page)?;
            output::write(&String::from_utf8_lossy(&page))?;
            Ok(DONE)
        }
        Some(Command::Explain { codes }) => {
            let json = place.format()? == output::Format::Json;
            let text = if codes.is_empty() { pasted(std::io::stdin().lock())? } else { String::new() };
            let now = crate::model::Clock::system().now();
            output::write(&explain::run(&codes, &text, now, json).map_err(Stop::usage)?)?;
            Ok(DONE)
        }
        Some(Command::Config) => show::config(&Place::find(place)?),
        Some(Command::Doctor { partner, offline }) => {
            let format = place.format()?;
            match Place::find(place) {
                Ok(place) => doctor::doctor(&place, partner.as_deref(), offline),
                Err(error) => doctor::no_configuration(format, &error),
            }
        }
        Some(Command::Backup { file, force }) => backup::backup(&Place::find(place)?, &file, force),
        Some(Command::Metrics { file }) => metrics::write(&Place::find(place)?, &file),
        Some(Command::Login(wanted)) => login::login(&Place::find(place)?, &wanted),
        Some(Command::Sync { partner }) => import::sync(&Place::find(place)?, partner),
        Some(Command::Import(wanted)) => import::import(&Place::find(place)?, &wanted),
        Some(Command::Probe(wanted)) => import::probe(&Place::find(place)?, &wanted),
        Some(Command::Tenants(only)) => errand::run(&Place::find(place)?, Wish::Tenants(only)),
        Some(Command::Failures(only)) => errand::run(&Place::find(place)?, Wish::Failures(only)),
        Some(Command::Licenses(counted)) => errand::run(&Place::find(place)?, Wish::Licenses(counted)),
        Some(Command::Users(listed)) => errand::run(&Place::find(place)?, Wish::Users(listed)),
        Some(Command::Diff(only)) => errand::run(&Place::find(place)?, Wish::Diff(only)),
        Some(Command::Expiries { partner, filter }) => {
            errand::run(&Place::find(place)?, Wish::Expiries { partner, filter })
        }
        Some(Command::Ticket { tenant, partner, lang }) => {
            errand::run(&Place::find(place)?, Wish::Ticket { tenant, partner, lang })
        }
        Some(Command::Allocate(wanted)) => allocate::allocate(&Place::find(place)?, wanted),
        Some(Command::Rules(wanted)) => allocate::rules(&Place::find(place)?, wanted),
        Some(Command::Prices(wanted)) => pricing::prices(&Place::find(place)?, wanted),
        Some(Command::Months(wanted)) => allocate::months(&Place::find(place)?, wanted),
        Some(Command::Audit(wanted)) => errand::run(&Place::find(place)?, Wish::Audit(wanted)),
        Some(Command::Runs { run }) => errand::run(&Place::find(place)?, Wish::Runs { run }),
        Some(Command::Serve) => serve::serve(Place::find(place)?),
        Some(Command::Forced) => forced::forced(std::env::var_os(forced::ASKED).as_deref()),
        None => console::open(&Place::find(place)?, &console),
    }
}

/// The text that answers are read out of.
fn pasted(from: impl std::io::Read) -> Result<String> {
    use std::io::Read;
    let mut text = String::new();
    from.take(PASTED_LIMIT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > PASTED_LIMIT {
        return Err(Stop::usage(format!("more than {} MiB to explain: give it in parts", PASTED_LIMIT >> 20)).into());
    }
    Ok(text)
}

/// Waits for Ctrl-C or the end of the session and answers the exit code that a shell expects then. From the call on
/// these signals end nothing by themselves.
pub fn ended_by_signal() -> impl Future<Output = u8> {
    use tokio::signal::unix::{SignalKind, signal};
    let heard = (signal(SignalKind::hangup()), signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (Ok(mut hangup), Ok(mut interrupt), Ok(mut terminate)) = heard else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = hangup.recv() => LINE_LOST,
            _ = interrupt.recv() => INTERRUPTED,
            _ = terminate.recv() => ExitReason::Terminated.code(),
        }
    }
}

/// The help of every command, as a page of documentation.
pub fn commands_page() -> String {
    use std::fmt::Write;
    let mut page = String::from("# Commands\n\nWritten from the argument parser.\n");
    let mut top = Args::command().term_width(100);
    top.build();
    // Writing to a String cannot fail.
    let _ = write!(page, "\n## tenantop\n\n```text\n{}```\n", top.render_long_help());
    for command in top.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        let name = command.get_name().to_owned();
        let _ = write!(page, "\n## tenantop {name}\n\n```text\n{}```\n", command.render_long_help());
    }
    page
}
