//! The simulated cloud as a program.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use color_eyre::eyre::{Context as _, Result};
use tenantop::sim::{Scenario, Sim};

/// A made-up cloud for practice and tests.
#[derive(Parser)]
#[command(name = "tenantop-sim", version, about)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Only the cloud: sign-in, Graph and Partner Center on loopback, until Ctrl-C.
    Serve {
        /// What to play; without it the customers of practice mode.
        #[arg(long, value_name = "FILE")]
        scenario: Option<PathBuf>,
        /// The port on 127.0.0.1; 0 takes a free one.
        #[arg(long, default_value_t = 8400)]
        port: u16,
        /// The night that is played at the start.
        #[arg(long, default_value_t = 0)]
        night: u32,
    },
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    color_eyre::install()?;
    match Args::parse().command {
        Some(Command::Serve { scenario, port, night }) => serve(scenario.as_deref(), port, night).await,
        None => practice(),
    }
}

/// Practice mode: the made-up cloud, a throw-away store with some weeks behind it, and the console on both.
fn practice() -> Result<ExitCode> {
    let mut out = std::io::stderr().lock();
    writeln!(out, "practice mode is not here yet; `tenantop-sim serve` plays only the cloud")?;
    Ok(ExitCode::from(2))
}

/// Plays the cloud until Ctrl-C. The first line of the output is the base address.
async fn serve(scenario: Option<&Path>, port: u16, night: u32) -> Result<ExitCode> {
    let scenario = match scenario {
        None => Scenario::practice(),
        Some(path) => {
            let text = std::fs::read_to_string(path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
            Scenario::parse(&text).wrap_err_with(|| format!("cannot play {}", path.display()))?
        }
    };
    let partners = scenario.partners().to_vec();
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let running = Sim::start(scenario, addr).await.wrap_err_with(|| format!("cannot listen on {addr}"))?;
    running.set_night(night);
    let base = running.base();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{base}")?;
    for partner in partners {
        writeln!(
            out,
            "partner {}: tenant_id {} client_id {} secret {} refresh_token {}",
            partner.name, partner.tenant_id, partner.client_id, partner.secret, partner.refresh_token
        )?;
    }
    out.flush()?;
    drop(out);
    tokio::signal::ctrl_c().await.wrap_err("cannot wait for Ctrl-C")?;
    Ok(ExitCode::SUCCESS)
}
