use std::path::PathBuf;

use color_eyre::eyre::Result;
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::output::say;

/// What stands before the names of our fields in the journal.
const JOURNAL: &str = "TENANTOP";

/// Where this program keeps what is its own: `STATE_DIRECTORY` of a service, else the platform's place.
pub(super) fn state_dir() -> Option<PathBuf> {
    use etcetera::base_strategy::{BaseStrategy, Xdg};
    if let Some(dir) = std::env::var_os("STATE_DIRECTORY") {
        return Some(PathBuf::from(dir));
    }
    let dirs = Xdg::new().ok()?;
    Some(dirs.state_dir().unwrap_or_else(|| dirs.data_dir()).join("tenantop"))
}

/// Before anything else: memory that is nobody else's, no core files, private files, reports of defects, a log that is no terminal.
pub fn prepare(name: &'static str) -> Result<()> {
    // A core file would hold tokens, and so would what another process of the same user may read of this one's memory.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    color_eyre::config::HookBuilder::default().display_env_section(false).install()?;
    std::panic::set_hook(Box::new(move |panic| {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let id = &id[..8];
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
        let trace = std::backtrace::Backtrace::force_capture();
        tracing::error!(id, place, %trace, "panic");
        let kept = state_dir().map(|dir| dir.join(format!("defect-{id}.txt"))).filter(|path| {
            // What a panic says may hold what was being read: only its place goes into the report.
            std::fs::write(path, format!("{name} {}\n{place}\n{trace}\n", env!("CARGO_PKG_VERSION"))).is_ok()
        });
        let kept = kept.map_or_else(
            || format!("tell its makers this line, report id {id}"),
            |path| format!("send its makers {}", path.display()),
        );
        say(&format!("{name}: a defect at {place}. What was imported is kept: start it again, and {kept}"));
    }));
    log(name);
    Ok(())
}

/// Logs to files of the state directory, a new one each day, seven at most. Without a place there is no such log. What
/// systemd started logs to the journal as well, field by field.
fn log(name: &'static str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TENANTOP_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,tenantop=info"));
    let files = files(name)
        .map(|files| tracing_subscriber::fmt::layer().with_writer(std::sync::Mutex::new(files)).with_ansi(false));
    // systemd names the journal's stream to what it starts; without a journal there is nothing to log to.
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    let journal =
        journal.map(|layer| layer.with_syslog_identifier(name.to_owned()).with_field_prefix(Some(JOURNAL.to_owned())));
    // A second subscriber in one process is not ours: the first stays.
    let _ = tracing_subscriber::registry().with(filter).with(files).with(journal).try_init();
}

fn files(name: &'static str) -> Option<tracing_appender::rolling::RollingFileAppender> {
    let dir = state_dir().filter(|dir| std::fs::create_dir_all(dir).is_ok())?;
    tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix(name)
        .filename_suffix("log")
        .max_log_files(7)
        .build(dir)
        .ok()
}
