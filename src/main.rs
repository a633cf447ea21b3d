//! tenantop: arguments to a front door.

use std::process::ExitCode;

fn main() -> ExitCode {
    tenantop::cli::main()
}
