//! The console on a service: the first frame over the socket, and what the service holds for many consoles.

use std::process::{Command, Stdio};

use crate::made::Made;
use crate::shared::Service;
use crate::terminal::Terminal;
use crate::{SMALL, STARTS, Table, percentile, told, worst};

/// Consoles at once.
const CONSOLES: usize = 20;

pub(crate) fn attach(made: &Made, table: &mut Table) {
    let mut tenantop = Command::new(env!("CARGO_BIN_EXE_tenantop"));
    tenantop.env("XDG_STATE_HOME", made.state()).arg("--config").arg(made.config()).stdout(Stdio::null());
    let service = Service::start(tenantop, &made.state());
    let open = || Terminal::start_with("--socket", &service.socket, made, SMALL);
    let mut frames = Vec::new();
    for _ in 0..STARTS {
        let (mut terminal, began) = open();
        frames.push(terminal.until(began, "show: problems"));
        terminal.leave();
    }
    let frame = percentile(&frames, 50);
    table.held("over the socket: from exec to the first frame, median of 9", frame, "ms", 200.0);
    told("over the socket: from exec to the first frame, slowest", worst(&frames), "ms");
    let consoles: Vec<Terminal> = (0..CONSOLES)
        .map(|_| {
            let (mut terminal, began) = open();
            terminal.until(began, "show: problems");
            terminal
        })
        .collect();
    table.held("memory of the service with 20 consoles", service.peak_mib(), "MiB", 400.0);
    consoles.into_iter().for_each(Terminal::leave);
}
