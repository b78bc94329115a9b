//! What the device can do at most: peak arithmetic, copy bandwidth, the cost of a dispatch. It is the roof that kernels
//! are measured against (Williams, Waterman and Patterson, "Roofline", CACM 2009).

mod arithmetic;
mod copy;
mod overhead;
mod roofline;
mod timing;

use tilewright_runtime::{Context, Error, Result, write_whole};

pub use roofline::{Arithmetic, CopyRate, Overhead, Peak, Roofline};
pub use timing::{Timing, time};

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [arithmetic::LAYOUTS, copy::LAYOUTS].concat()
}

/// Counts up when what is measured, or how, changes: a file of another version is measured anew.
const VERSION: u32 = 1;

/// Measures the device: some ten seconds on software Vulkan, one on a GPU. `say` hears of each step before it is taken.
///
/// # Errors
/// Those of the device; what it does not have is no error but [`Peak::Absent`].
pub fn measure(context: &Context, mut say: impl FnMut(&str)) -> Result<Roofline> {
    let info = context.adapter_info();
    say("the cost of a dispatch");
    let overhead = overhead::measure(context)?;
    let arithmetic = arithmetic::measure(context, &mut say)?;
    let copies = copy::measure(context, &mut say)?;
    Ok(Roofline {
        version: VERSION,
        device: info.name.clone(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        arithmetic,
        copies,
        overhead,
    })
}

/// What an earlier run measured on this adapter with this driver. A damaged file counts as none, with a warning.
pub fn stored(context: &Context) -> Option<Roofline> {
    let path = context.cache_file("probe")?;
    let bytes = std::fs::read(&path).ok()?;
    match serde_json::from_slice::<Roofline>(&bytes) {
        Ok(roofline) if roofline.version == VERSION && roofline.is_plausible() => Some(roofline),
        Ok(_) => {
            tracing::warn!(path = %path.display(), "the stored probe is of another version; it is ignored");
            None
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the stored probe is damaged; it is ignored");
            None
        }
    }
}

/// Keeps `roofline` for [`stored`], whole or not at all; does nothing where there is no cache folder.
///
/// # Errors
/// [`Error::File`] if the file cannot be written.
pub fn store(context: &Context, roofline: &Roofline) -> Result<()> {
    let Some(path) = context.cache_file("probe") else { return Ok(()) };
    let fault = |reason: String| Error::File { path: path.display().to_string(), reason };
    let text = serde_json::to_vec_pretty(roofline).map_err(|error| fault(error.to_string()))?;
    write_whole(&path, &text).map_err(|error| fault(error.to_string()))
}
