use std::path::Path;
use std::time::Duration;

use color_eyre::eyre::Result;

use super::place::Place;
use super::start::{ConsoleArgs, options};
use super::{Stop, USAGE, errand};
use crate::engine::Engine;
use crate::link;
use crate::model::Clock;
use crate::tui;

/// How long a thread that waited for the disk waits for more of that.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// Opens the console on the configuration's own store.
pub(super) fn open(place: &Place, args: &ConsoleArgs) -> Result<u8> {
    let socket = place.socket();
    let banner = socket.is_none().then_some("STANDALONE");
    let options = options(args, banner, place.loaded.config.partner_facts())?;
    needs_terminal(args)?;
    if let Some(socket) = socket {
        return attached(place, &socket, options, args.plain);
    }
    // Threads that read users end soon after: whoever only looks is not woken up later.
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_keep_alive(KEEP_ALIVE).enable_all().build()?;
    runtime.block_on(async {
        let engine = place.engine()?;
        console(engine, place.clock.clone(), options, args.plain).await
    })
}

/// Opens the console on a service, which says who this is there.
fn attached(place: &Place, socket: &Path, mut options: tui::Options, plain: bool) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_keep_alive(KEEP_ALIVE).enable_all().build()?;
    runtime.block_on(async {
        let attached = link::attach(socket, errand::hints(), place.clock.clone()).await;
        let attached = attached.map_err(|error| errand::stop(&error))?;
        options.partners = attached.partners;
        options.operator = attached.caller.name.to_string();
        options.role = attached.caller.role;
        let (client, clock) = (attached.client, place.clock.clone());
        let left =
            if plain { tui::run_plain(client, clock, options).await } else { tui::run(client, clock, options).await };
        Ok(left?.code())
    })
}

/// Runs the console on an engine, in plain lines or not, and stops the engine after it.
pub async fn console(engine: Engine, clock: Clock, options: tui::Options, plain: bool) -> Result<u8> {
    let client = engine.client(options.operator.as_str().into());
    engine.keep_watch().await;
    let left =
        if plain { tui::run_plain(client, clock, options).await } else { tui::run(client, clock, options).await };
    engine.stop().await;
    Ok(left?.code())
}

/// Refuses to draw where nothing can be drawn, and says what works instead. Plain lines can be told anywhere.
pub fn needs_terminal(args: &ConsoleArgs) -> Result<()> {
    use std::io::IsTerminal;
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    if args.plain || std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !dumb {
        return Ok(());
    }
    let needs = if dumb {
        "the console needs a terminal that can move its cursor, and TERM is dumb"
    } else {
        "the console needs a terminal (ssh -t)"
    };
    let said = format!("{needs}; `--plain` opens it in lines, and `tenantop tenants` works anywhere");
    Err(Stop { said, code: USAGE }.into())
}

/// The name of whoever runs this.
pub fn user_name() -> String {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    let clean: String = name.chars().filter(char::is_ascii_graphic).take(32).collect();
    if clean.is_empty() { format!("uid{}", rustix::process::getuid().as_raw()) } else { clean }
}
