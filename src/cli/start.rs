//! How the console starts: flags, the operator's own file, the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueEnum;
use color_eyre::eyre::Result;

use super::Stop;
use super::console::user_name;
use crate::config::ConsoleFile;
use crate::failure::PartnerFacts;
use crate::model::PartnerName;
use crate::tui::{self, Theme, View};

/// Flags of the console. They hold for this start; `console.toml` keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Console")]
#[expect(clippy::struct_excessive_bools, reason = "switches that do not depend on each other")]
pub struct ConsoleArgs {
    /// The screen that it starts with.
    #[arg(long, value_enum, value_name = "SCREEN")]
    pub view: Option<ViewArg>,
    /// The filter that this screen starts with, as typed after `/`.
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// All tenants, not only problems.
    #[arg(long)]
    pub all: bool,
    /// What it looks like.
    #[arg(long, value_enum, value_name = "THEME")]
    pub theme: Option<ThemeArg>,
    /// Nothing but ASCII, whatever the locale says.
    #[arg(long)]
    pub ascii: bool,
    /// The mouse moves the cursor and scrolls; the terminal's own selection needs Shift then.
    #[arg(long)]
    pub mouse: bool,
    /// Mask people: names, addresses, managers. Counts stay.
    #[arg(long)]
    pub privacy: bool,
    /// The console in plain lines, for a screen reader or a terminal that cannot move its cursor: keys are typed as
    /// lines, and what changed is told as lines.
    #[arg(long)]
    pub plain: bool,
    /// Where exports are written; the directory that it is started in if absent.
    #[arg(long, value_name = "DIR")]
    pub export_dir: Option<PathBuf>,
    /// The operator's own file; `console.toml` beside the user's configuration if it is there.
    #[arg(long, value_name = "FILE")]
    pub console: Option<PathBuf>,
}

/// The screens that it can start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ViewArg {
    /// All tenants.
    Tenants,
    /// All runs.
    Runs,
}

/// The themes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ThemeArg {
    /// Few of the sixteen colours.
    Plain,
    /// No colour.
    Mono,
    /// For a white background.
    Light,
    /// Bright and bold, nothing dim.
    HighContrast,
    /// The operator's own file's.
    Own,
}

/// Options of the console: the operator's own file, then the environment, then flags.
pub fn options(
    args: &ConsoleArgs,
    banner: Option<&str>,
    partners: BTreeMap<PartnerName, PartnerFacts>,
) -> Result<tui::Options> {
    let file = match args.console.clone().or_else(usual) {
        Some(path) => ConsoleFile::read(&path)?,
        None => ConsoleFile::default(),
    };
    let mut options = tui::Options::of(&file, user_name(), partners)?;
    options.banner = banner.map(str::to_owned);
    if let Some(view) = args.view {
        options.view = match view {
            ViewArg::Tenants => View::Tenants,
            ViewArg::Runs => View::Runs,
        };
    }
    if let Some(filter) = &args.filter {
        options.filter.clone_from(filter);
    }
    if let Some(theme) = args.theme {
        options.theme = match theme {
            ThemeArg::Plain => Theme::Plain,
            ThemeArg::Mono => Theme::Mono,
            ThemeArg::Light => Theme::Light,
            ThemeArg::HighContrast => Theme::HighContrast,
            ThemeArg::Own => match options.own {
                Some(own) => own,
                None => return Err(Stop::usage("--theme own: there is no [theme] in console.toml").into()),
            },
        };
    }
    options.export_dir.clone_from(&args.export_dir);
    options.fetched_from = options.ssh.then(|| format!("{}@{}", user_name(), host()));
    options.all |= args.all;
    options.ascii |= args.ascii;
    options.mouse |= args.mouse;
    options.privacy |= args.privacy;
    options.check_filter().map_err(|error| Stop::usage(format!("the filter to start with: {error}")))?;
    Ok(options)
}

/// What this machine calls itself: as a rule the name that it is reached by.
fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let clean: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
    if clean.is_empty() { "HOST".to_owned() } else { clean }
}

/// The operator's own file at its usual place.
fn usual() -> Option<PathBuf> {
    use etcetera::base_strategy::{BaseStrategy, Xdg};
    let path = Xdg::new().ok()?.config_dir().join("tenantop/console.toml");
    path.exists().then_some(path)
}
