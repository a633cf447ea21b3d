//! Practice mode and the made-up cloud alone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use color_eyre::eyre::{Context, Result};
use tenantop::cli;
use tenantop::practice::Practice;
use tenantop::sim::{Scenario, Sim};

/// Practice mode: a made-up cloud on loopback, a throw-away store, and the console on it.
#[derive(Debug, Parser)]
#[command(name = "tenantop-sim", version)]
struct Args {
    #[command(flatten)]
    console: cli::ConsoleArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Only the made-up cloud, until Ctrl-C.
    Serve {
        /// The scenario to play; the one of practice mode if absent.
        #[arg(long, value_name = "FILE")]
        scenario: Option<PathBuf>,
        /// The port on 127.0.0.1; 0 takes a free one.
        #[arg(long, value_name = "NUMBER", default_value_t = 8400)]
        port: u16,
    },
}

fn main() -> ExitCode {
    if let Err(error) = cli::prepare("tenantop-sim") {
        cli::say(&format!("tenantop-sim: {error}"));
        return ExitCode::from(cli::DEFECT);
    }
    let args = Args::parse();
    ExitCode::from(cli::end(|| run(args)))
}

fn run(args: Args) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            None => practice(&args.console).await,
            Some(Command::Serve { scenario, port }) => serve(scenario, port).await,
        }
    })
}

async fn practice(args: &cli::ConsoleArgs) -> Result<u8> {
    cli::needs_terminal(args)?;
    let mut options = cli::options(args, Some("PRACTICE"), std::collections::BTreeMap::new())?;
    cli::say("tenantop practice: a made-up cloud, some weeks of made-up nights, real imports over HTTP");
    let practice = tokio::select! {
        biased;
        // What was begun is tidied before the program ends.
        code = cli::ended_by_signal() => return Ok(code),
        practice = Practice::start(|line| cli::say(&format!("  {line}"))) => practice?,
    };
    let Practice { engine, clock, .. } = &practice;
    options.partners = practice.partners();
    cli::console(engine.clone(), clock.clone(), options, args.plain).await
}

async fn serve(scenario: Option<PathBuf>, port: u16) -> Result<u8> {
    let scenario = match scenario {
        None => Scenario::practice()?,
        Some(path) => {
            let text = std::fs::read_to_string(&path).wrap_err_with(|| path.display().to_string())?;
            Scenario::parse(&text).wrap_err_with(|| path.display().to_string())?
        }
    };
    let cloud = Sim::start(scenario, SocketAddr::from(([127, 0, 0, 1], port))).await.wrap_err("cannot listen")?;
    cli::tell(&format!("{}\n", cloud.base()))?;
    tokio::signal::ctrl_c().await?;
    Ok(cli::DONE)
}
