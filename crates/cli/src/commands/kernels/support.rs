//! `tilewright kernels support`.

use tilewright_ops::support;

use crate::error::Result;

/// Prints what `docs/support.md` holds.
pub fn run() -> Result<()> {
    print!("{}", support::markdown());
    Ok(())
}
