//! The `portunus` binary: hands the command line to `portunus-cli` and exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    portunus_cli::main()
}
