//! The `portunus` binary: hands the command line to `portunus-cli` and exits with its code.

use std::process::ExitCode;

/// Requests allocate little, but many threads of small blocks come and go; mimalloc does that with
/// fewer instructions than the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    portunus_cli::main()
}
