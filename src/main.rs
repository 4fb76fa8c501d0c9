//! The program.

use std::process::ExitCode;

fn main() -> ExitCode {
    telefonist::cli::main()
}
