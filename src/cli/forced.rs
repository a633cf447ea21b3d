//! `forced`: what an account may do whose every command sshd makes to be this one.
//!
//! What was asked for is text of somebody outside. It is taken apart into words and read by the parser of the command line;
//! no shell sees it. What is not allowed here by name is refused, and who adds a command has to say which it is.

use std::any::TypeId;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use color_eyre::eyre::Result;

use super::args::{Args, Command};
use super::{DONE, Stop, output};
use crate::model::clean;

/// What sshd was asked to run.
pub(super) const ASKED: &str = "SSH_ORIGINAL_COMMAND";

/// Commands that there are, beside the console.
const ALLOWED: [&str; 18] = [
    "tenants", "failures", "licenses", "users", "diff", "expiries", "ticket", "runs", "import", "probe", "sync",
    "allocate", "rules", "prices", "months", "login", "audit", "explain",
];
/// The longest line: an import of a thousand tenants by id.
const LINE_LIMIT: usize = 64 << 10;
/// How much of a refused line is said again.
const SAID_LIMIT: usize = 160;

/// What is to be done.
#[derive(Debug)]
enum Asked {
    /// The console or a command.
    Run(Box<Args>),
    /// A page of help.
    Page(String),
}

/// `tenantop forced`
pub(super) fn forced(asked: Option<&OsStr>) -> Result<u8> {
    match read(asked)? {
        Asked::Run(args) => super::run(*args),
        Asked::Page(page) => {
            output::write(&page)?;
            Ok(DONE)
        }
    }
}

/// Reads the line that was asked for; without one it is the console.
fn read(asked: Option<&OsStr>) -> Result<Asked, Stop> {
    let line = asked.unwrap_or_default();
    if line.len() > LINE_LIMIT {
        return Err(refused(&format!("the command is longer than {} KiB", LINE_LIMIT >> 10)));
    }
    let line = line.to_str().ok_or_else(|| refused("the command is no UTF-8"))?;
    if line.chars().any(char::is_control) {
        return Err(refused("the command has control characters or more than one line"));
    }
    let words = shell_words::split(line).map_err(|_| refused("a quotation mark of the command is never closed"))?;
    if let Some(word) = words.iter().find(|word| is_for_a_shell(word)) {
        return Err(refused(&format!("`{}` means nothing here", short(word))));
    }
    let named = words.first().is_some_and(|word| Path::new(word).file_name() == Some(OsStr::new("tenantop")));
    let words = std::iter::once("tenantop").chain(words.iter().skip(usize::from(named)).map(String::as_str));
    let mut parser = parser();
    let mut found = match parser.try_get_matches_from_mut(words) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Ok(Asked::Page(error.to_string()));
        }
        Err(error) => return Err(refused(&first_sentence(&error.to_string()))),
    };
    let flag = elsewhere(&parser, &found);
    let mut args =
        Args::from_arg_matches_mut(&mut found).map_err(|error| refused(&first_sentence(&error.to_string())))?;
    if args.command.as_ref().is_some_and(|command| !is_allowed(command)) {
        return Err(refused("this command is not to be run here"));
    }
    if let Some(flag) = flag {
        return Err(refused(&format!("{flag} is not to be given here")));
    }
    args.place.machine = true;
    Ok(Asked::Run(Box::new(args)))
}

/// The parser of the command line, which shows in its help what there is, and takes no variable for a flag.
fn parser() -> clap::Command {
    let here = |arg: clap::Arg| if leads_elsewhere(&arg) { arg.hide(true).env(Resettable::Reset) } else { arg };
    let shown = |command: clap::Command| {
        let known = ALLOWED.contains(&command.get_name());
        command.hide(!known).mut_args(here)
    };
    Args::command().mut_args(here).mut_subcommands(shown)
}

/// Whether a flag names a file, or another place than the machine's.
fn leads_elsewhere(arg: &clap::Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<PathBuf>() || arg.get_id() == "standalone"
}

/// A flag that was given and leads elsewhere, of the command or of one below it.
fn elsewhere(command: &clap::Command, found: &ArgMatches) -> Option<String> {
    let given = |arg: &&clap::Arg| {
        leads_elsewhere(arg) && found.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
    };
    if let Some(arg) = command.get_arguments().find(given) {
        return Some(arg.get_long().map_or_else(|| "a file".to_owned(), |long| format!("--{long}")));
    }
    let (name, below) = found.subcommand()?;
    elsewhere(command.find_subcommand(name)?, below)
}

/// Whether a command is for everybody who gets in. What it does to the data the service decides by the role; here it
/// counts that it names no file and runs nothing.
fn is_allowed(command: &Command) -> bool {
    match command {
        Command::Sync { .. }
        | Command::Import(_)
        | Command::Probe(_)
        | Command::Tenants(_)
        | Command::Failures(_)
        | Command::Licenses(_)
        | Command::Users(_)
        | Command::Diff(_)
        | Command::Runs { .. }
        | Command::Expiries { .. }
        | Command::Ticket { .. }
        | Command::Allocate(_)
        | Command::Rules(_)
        | Command::Prices(_)
        | Command::Months(_)
        | Command::Login(_)
        | Command::Audit(_)
        | Command::Explain { .. } => true,
        Command::Serve
        | Command::Forced
        | Command::Config
        | Command::Doctor { .. }
        | Command::Backup { .. }
        | Command::Metrics { .. }
        | Command::Completions { .. }
        | Command::Man => false,
    }
}

/// Whether a word is there for a shell alone: whoever wrote it expects more than would be done.
fn is_for_a_shell(word: &str) -> bool {
    let operator = |c| matches!(c, ';' | '|' | '&' | '<' | '>');
    !word.is_empty() && word.chars().all(operator) || word.contains("$(") || word.contains('`')
}

/// One sentence that says what was wrong and what there is.
fn refused(what: &str) -> Stop {
    Stop::usage(format!(
        "{what}: here are the console (no command) and {}, with the flags that --help tells; no shell, no file, nothing else",
        ALLOWED.join(", ")
    ))
}

/// What the parser says, without its advice.
fn first_sentence(error: &str) -> String {
    let said: Vec<&str> = error.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let said = said.join(" ");
    short(said.strip_prefix("error: ").unwrap_or(&said))
}

/// The beginning of a text from outside, safe to show.
fn short(text: &str) -> String {
    let cut: String = text.chars().take(SAID_LIMIT).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", clean(&cut))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use clap::Parser;
    use proptest::prelude::*;

    use super::super::args::PlaceArgs;
    use super::*;

    fn asked(line: &str) -> Result<Asked, Stop> {
        read(Some(OsStr::new(line)))
    }

    /// What a line runs.
    fn runs(line: &str) -> Args {
        match asked(line) {
            Ok(Asked::Run(args)) => *args,
            other => panic!("{line:?}: {other:?}"),
        }
    }

    fn refusal(line: &[u8]) -> String {
        let stop = match read(Some(OsStr::from_bytes(line))) {
            Err(stop) => stop,
            Ok(asked) => panic!("{:?} is taken as {asked:?}", String::from_utf8_lossy(line)),
        };
        assert_eq!(stop.code, super::super::USAGE);
        assert!(!stop.said.chars().any(char::is_control), "one sentence: {:?}", stop.said);
        assert!(stop.said.contains("tenants, failures, licenses"), "it says what there is: {}", stop.said);
        assert!(stop.said.len() < 1_000, "{}", stop.said);
        stop.said
    }

    #[test]
    fn what_is_asked_for_is_what_the_command_line_would_do_at_the_machines_service() {
        for (line, words) in [
            ("tenants --json", &["tenants", "--json"][..]),
            ("tenantop tenants --json", &["tenants", "--json"]),
            ("/usr/bin/tenantop tenants", &["tenants"]),
            ("--json tenants", &["--json", "tenants"]),
            ("users --tenant 'Wingtip Toys' --sort name", &["users", "--tenant", "Wingtip Toys", "--sort", "name"]),
            ("tenants --filter \"!status:ok a&b\"", &["tenants", "--filter", "!status:ok a&b"]),
            ("tenants --filter !status:ok", &["tenants", "--filter", "!status:ok"]),
            ("tenants --filter it\\'s", &["tenants", "--filter", "it's"]),
            ("import --all --reason 'a; b | c'", &["import", "--all", "--reason", "a; b | c"]),
            ("import -- --config", &["import", "--", "--config"]),
            (
                "licenses --history --sku SPE_E3 --since 2026-01-01",
                &["licenses", "--history", "--sku", "SPE_E3", "--since", "2026-01-01"],
            ),
            ("sync --partner emea", &["sync", "--partner", "emea"]),
            ("probe --failed", &["probe", "--failed"]),
            ("audit --since 2026-01-01 --last 5", &["audit", "--since", "2026-01-01", "--last", "5"]),
            ("allocate Contoso --month 2026-01", &["allocate", "Contoso", "--month", "2026-01"]),
            ("months Contoso --close 2026-01", &["months", "Contoso", "--close", "2026-01"]),
            ("login --partner emea --device-code", &["login", "--partner", "emea", "--device-code"]),
            ("explain 53003", &["explain", "53003"]),
            ("runs --run 7 --format csv", &["runs", "--run", "7", "--format", "csv"]),
            ("ticket Contoso --lang de", &["ticket", "Contoso", "--lang", "de"]),
            ("--view runs --plain", &["--view", "runs", "--plain"]),
            ("", &[]),
            ("   ", &[]),
            ("tenantop", &[]),
        ] {
            let mut wanted = Args::parse_from(std::iter::once(&"tenantop").chain(words));
            wanted.place.config = None;
            wanted.place.machine = true;
            assert_eq!(format!("{:?}", runs(line)), format!("{wanted:?}"), "{line}");
        }
        let Ok(Asked::Run(console)) = read(None) else { panic!("without a line it is the console") };
        assert!(console.command.is_none() && console.place.machine);
    }

    #[test]
    fn nothing_else_is_run() {
        for line in [
            "sh",
            "bash -i",
            "id",
            "tenants; id",
            "tenants;id",
            "tenants ; id",
            "tenants | sh",
            "tenants && id",
            "tenants & id",
            "tenants > /tmp/x",
            "tenants --filter $(id)",
            "tenants --filter `id`",
            "import ; id",
            "explain $(id)",
            "explain 'a`id`'",
            "$(id)",
            "`id`",
            "tenants 'unclosed",
            "tenants \\",
            "-- sh",
            "tenants -- sh",
            "-c id",
            "ten",
            "tenant",
            "tenants --js",
            "tenants --form json",
            "TENANTS",
            "exec tenants",
            "PATH=/tmp tenants",
            "tenantop tenantop tenants",
            "tenantop sh",
            "/bin/sh tenantop",
            "scp -f /etc/passwd",
            "/usr/lib/openssh/sftp-server",
            "internal-sftp",
            "forced",
            "tenantop forced",
            "serve",
            "login --partner emea --refresh-token-file /etc/shadow",
            "login --partner emea --refresh-token-file -",
            "allocate x --rules /etc/shadow",
            "allocate x --prices=/etc/shadow",
            "rules x --save /etc/shadow --reason y",
            "prices x --import /etc/shadow --reason y",
            "prices x --price-sheet /etc/shadow --offer-matrix /etc/shadow --market DE --currency EUR",
            "config",
            "doctor",
            "backup /tmp/x",
            "backup --force /tmp/x",
            "metrics -",
            "metrics /tmp/x.prom",
            "man",
            "completions bash",
            "--config /tmp/x tenants",
            "tenants --config /tmp/x",
            "tenants --config=/tmp/x",
            "tenants --store /tmp/x",
            "tenants --socket /tmp/x",
            "tenants --standalone",
            "--standalone",
            "--console /tmp/x",
            "--export-dir /tmp",
            "--export-dir=/tmp",
        ] {
            refusal(line.as_bytes());
        }
        for line in [
            &b"tenants\nid"[..],
            b"tenants\r\nid",
            b"tenants\tid",
            b"tenants\0--json",
            b"tenants --filter \x1b]52;c;aWQ=\x07",
            b"tenants --filter \xff\xfe",
            "tenants --filter \u{85}".as_bytes(),
        ] {
            refusal(line);
        }
    }

    #[test]
    fn a_refusal_names_what_was_wrong_and_is_short_however_long_the_line_was() {
        assert!(refusal(b"sh").starts_with("unrecognized subcommand 'sh': here are the console"), "{}", refusal(b"sh"));
        assert!(refusal(b"tenants --store x").starts_with("--store is not"));
        assert!(refusal(b"tenants | less").starts_with("`|` means nothing here"));
        assert!(refusal(&vec![b'x'; 1 << 20]).starts_with("the command is longer than 64 KiB"));
        assert!(refusal(&vec![b'x'; LINE_LIMIT]).contains('…'));
        assert!(refusal(&"tenants ".repeat(8_000).into_bytes()).starts_with("unexpected argument 'tenants'"));
        refusal("tenants \u{202e}\u{200b}sh".as_bytes());
    }

    #[test]
    fn help_tells_what_there_is_and_no_more() {
        for line in ["-h", "--help", "help", "tenantop --help"] {
            let Ok(Asked::Page(page)) = asked(line) else { panic!("{line}") };
            let commands: Vec<&str> = page
                .lines()
                .skip_while(|line| *line != "Commands:")
                .skip(1)
                .take_while(|line| !line.is_empty())
                .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
                .filter_map(|line| line.split_whitespace().next())
                .filter(|name| *name != "help")
                .collect();
            let mut allowed = ALLOWED.to_vec();
            allowed.sort_by_key(|name| commands.iter().position(|command| command == name));
            assert_eq!(commands, allowed, "{line}:\n{page}");
            assert!(!page.contains("--config") && !page.contains("--export-dir"), "{page}");
        }
        let Ok(Asked::Page(page)) = asked("users --help") else { panic!("a page") };
        assert!(page.contains("--sort") && !page.contains("--store"), "{page}");
        let Ok(Asked::Page(page)) = asked("--version") else { panic!("a page") };
        assert_eq!(page.trim(), concat!("tenantop ", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn the_list_and_the_match_say_the_same() {
        // The least that each command takes.
        let least = |name: &str| match name {
            "ticket" | "backup" | "metrics" | "allocate" | "rules" | "prices" | "months" => vec!["x"],
            "login" => vec!["--partner", "x"],
            "completions" => vec!["bash"],
            _ => vec![],
        };
        let mut top = Args::command();
        top.build();
        let all: Vec<&clap::Command> = top.get_subcommands().filter(|command| command.get_name() != "help").collect();
        assert!(all.len() > ALLOWED.len());
        for command in all {
            let name = command.get_name();
            let args = Args::parse_from(["tenantop", name].into_iter().chain(least(name)));
            assert_eq!(is_allowed(&args.command.unwrap()), ALLOWED.contains(&name), "{name}");
        }
    }

    #[test]
    fn every_flag_that_takes_a_file_leads_elsewhere() {
        let mut top = Args::command();
        top.build();
        let commands = top.get_subcommands().filter(|command| ALLOWED.contains(&command.get_name()));
        for arg in std::iter::once(&top).chain(commands).flat_map(clap::Command::get_arguments) {
            let names = arg.get_value_names().unwrap_or_default();
            let file = names.iter().any(|name| matches!(name.as_str(), "FILE" | "DIR"));
            assert!(!file || leads_elsewhere(arg), "{arg} takes a file and is no path");
        }
    }

    #[test]
    fn help_and_manual_name_the_same_list() {
        let (end, others) = ALLOWED.split_last().unwrap();
        let list = format!("{} and {end}", others.join(", "));
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut top = Args::command();
        let help = top.find_subcommand_mut("forced").unwrap().render_long_help().to_string();
        assert!(flat(&help).contains(&list), "{help}");
        assert!(flat(include_str!("../../docs/operating.md")).contains(&list), "docs/operating.md: {list}");
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_nothing_else_is_run(line in any::<Vec<u8>>()) {
            let _ = read(Some(OsStr::from_bytes(&line)));
        }

        #[test]
        fn no_order_of_words_leads_elsewhere(words in prop::collection::vec(prop::sample::select(vec![
            "tenantop", "tenants", "import", "explain", "backup", "metrics", "login", "serve", "forced", "--config", "--store=x",
            "--standalone", "--socket", "--console", "--export-dir", "--json", "--all", "--", "-", "'", "\"", "\\", ";", "|", "x",
            "--partner", "--refresh-token-file", "--rules", "--save=x", "allocate", "rules", "#", "--filter", "=", "",
        ]), 0..8)) {
            if let Ok(Asked::Run(args)) = asked(&words.join(" ")) {
                prop_assert!(args.place.machine);
                let PlaceArgs { config, store, socket, standalone, .. } = &args.place;
                prop_assert!(config.is_none() && store.is_none() && socket.is_none() && !standalone);
                prop_assert!(args.console.console.is_none() && args.console.export_dir.is_none());
                prop_assert!(args.command.as_ref().is_none_or(is_allowed));
            }
        }
    }
}
