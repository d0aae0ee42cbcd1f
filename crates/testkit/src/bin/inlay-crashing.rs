//! The real program, with points at which it can be told to die. See `testkit::crash`.

use std::process::ExitCode;

fn main() -> ExitCode {
    testkit::crash::obey();
    inlay::run(std::env::args_os())
}
