//! `tilewright zoo`: the networks that there are.

mod info;
mod list;

use clap::Subcommand;
use tilewright_runtime::Context;

use crate::error::Result;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the networks with their parameters and FLOPs.
    List(list::Arguments),
    /// Show one network: its sizes, its layers, its state dict.
    Info(info::Arguments),
}

pub fn run(command: &Command, context: &Context) -> Result<()> {
    match command {
        Command::List(arguments) => list::run(arguments, context),
        Command::Info(arguments) => info::run(arguments, context),
    }
}
