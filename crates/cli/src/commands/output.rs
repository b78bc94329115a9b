//! What commands share: the limits of the device, and JSON.

use tilewright_kernels::probe::{self, Roofline};
use tilewright_runtime::Context;

use crate::error::Result;

/// The limits of the device: as they were measured before, unless `fresh` or never; else measured now, and kept.
pub(super) fn probed(context: &Context, fresh: bool) -> Result<Roofline> {
    if let Some(stored) = probe::stored(context).filter(|_| !fresh) {
        return Ok(stored);
    }
    let roofline =
        probe::measure(context, |step| eprintln!("probing {}: {step}", context.adapter_info().name))?;
    probe::store(context, &roofline)?;
    Ok(roofline)
}

/// Prints a value as JSON on standard output.
pub(super) fn print_json(value: &impl serde::Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => println!("{text}"),
        Err(error) => eprintln!("warning: no JSON: {error}"),
    }
}
