//! The program.

use std::process::ExitCode;

/// Sound is allocated by the media thread and freed by calls' tasks, and glibc shares its arenas between threads: a
/// thread of ordinary priority that is preempted inside `malloc` keeps the media thread waiting. Here neither takes a
/// lock (decision 10).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    telefonist::cli::main()
}
