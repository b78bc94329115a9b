//! The program's entry: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use tilewright_cli::commands::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // A reader that stops early (`tilewright kernels list | head`) ends the program quietly, as it does any other; but
    // not work that would be lost.
    #[cfg(unix)]
    if !cli.outlives_its_reader() {
        // Safety: no other thread runs yet, and the default disposition is always valid.
        unsafe {
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        }
    }
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            let said = error.to_string();
            eprintln!("error: {said}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                // Most messages hold their cause's words.
                if !said.contains(&cause.to_string()) {
                    eprintln!("  because: {cause}");
                }
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}
