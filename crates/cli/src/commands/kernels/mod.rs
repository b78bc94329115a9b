//! `tilewright kernels list | show | bench | roofline | compile-time | support`.

pub(crate) mod bench;
mod compile_time;
mod list;
mod memory;
mod roofline;
mod show;
mod support;

use tilewright_runtime::Context;

use crate::error::Result;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List every kernel file.
    List(list::Arguments),
    /// Print a kernel, specialised, in WGSL or a driver's language.
    Show(show::Arguments),
    /// Validate, then time every algorithm that can run an operation at a shape.
    Bench(bench::arguments::Arguments),
    /// Measure a network's convolutions against the roofs of the device, as a table and a picture.
    Roofline(roofline::Arguments),
    /// Measure what the first run of a network costs more than the next, with cold and with warm caches.
    CompileTime(compile_time::Arguments),
    /// Print the support table of `docs/support.md`.
    Support,
}

pub fn run(command: &Command, context: impl FnOnce() -> Result<Context>) -> Result<()> {
    match command {
        Command::List(arguments) => list::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Bench(arguments) => bench::run(arguments, &context()?),
        Command::Roofline(arguments) => roofline::run(arguments, &context()?),
        Command::CompileTime(arguments) => compile_time::run(arguments, context),
        Command::Support => support::run(),
    }
}
