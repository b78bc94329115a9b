//! `tilewright train`.

pub(crate) mod arguments;
mod data;
mod images;
mod optimizer;
mod quantize;
mod report;
mod run;
mod say;
mod transfer;
mod watch;

use std::process::ExitCode;

use tilewright_runtime::Context;

use self::arguments::Arguments;
use crate::{error::Error, error::Result};

/// Trains, evaluates, writes. The exit code is 130 where Ctrl-C stopped it.
pub fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode> {
    if arguments.epochs == 0 {
        return Err(Error::Argument { argument: "--epochs", reason: "it must be at least 1".to_owned() });
    }
    if arguments.demo && arguments.model != "small_cnn" {
        let reason = "the demonstration trains small_cnn; leave --demo out to train another".to_owned();
        return Err(Error::Argument { argument: "--model", reason });
    }
    arguments.check_precision()?;
    arguments.quantize.check(arguments.half())?;
    let work = run::Work::new(arguments, context)?;
    if let Some(steps) = arguments.profile {
        return work.profile(steps).map(|()| ExitCode::SUCCESS);
    }
    Ok(if work.train()? { ExitCode::SUCCESS } else { ExitCode::from(130) })
}
