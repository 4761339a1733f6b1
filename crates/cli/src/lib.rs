//! Command line of Portunus: nginx's flags, subcommands and exit codes.

use std::process::ExitCode;

/// Runs the command line of this process and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
