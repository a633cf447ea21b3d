use std::collections::BTreeMap;

use color_eyre::eyre::Result;

use super::args::ConsoleArgs;
use super::place::Place;
use super::{Stop, USAGE};
use crate::engine::Engine;
use crate::model::{Clock, PartnerName, TenantId};
use crate::tui;

/// Opens the console on the configuration's own store.
pub(super) fn open(place: &Place, args: ConsoleArgs) -> Result<u8> {
    needs_terminal(&args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let partners = &place.loaded.config.partners;
        let tenants = partners.iter().map(|partner| (partner.name.clone(), partner.tenant_id)).collect();
        let engine = place.engine()?;
        let front = Front { banner: "STANDALONE", partner_tenants: tenants, args };
        console(engine, place.clock.clone(), front).await
    })
}

/// How the console is opened.
#[derive(Debug)]
pub struct Front {
    /// A word for row 1.
    pub banner: &'static str,
    /// The partners' own tenant ids.
    pub partner_tenants: BTreeMap<PartnerName, TenantId>,
    /// The flags.
    pub args: ConsoleArgs,
}

/// Runs the console on an engine and stops the engine after it.
pub async fn console(engine: Engine, clock: Clock, front: Front) -> Result<u8> {
    let Front { banner, partner_tenants, args } = front;
    needs_terminal(&args)?;
    let operator = user_name();
    let options = tui::Options {
        export_dir: args.export_dir,
        ..tui::Options::from_environment(operator.clone(), banner.to_owned(), partner_tenants)
    };
    let client = engine.client(operator.into());
    let left = if args.plain {
        let ascii = options.ascii || !is_utf8();
        tui::run_plain(client, clock, tui::Options { ascii, ..options }).await
    } else {
        tui::run(client, clock, options).await
    };
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

/// Whether the locale names UTF-8: what is set first counts.
fn is_utf8() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// The name of whoever runs this.
pub fn user_name() -> String {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    let clean: String = name.chars().filter(char::is_ascii_graphic).take(32).collect();
    if clean.is_empty() { format!("uid{}", rustix::process::getuid().as_raw()) } else { clean }
}
