//! Whether a result is right, before it is timed.

use tilewright_kernels::tune::Samples;
use tilewright_ops::DType;
use tilewright_reference::compare::relative_error;
use tilewright_tensor::Tensor;

use crate::{error::Error, error::Result};

/// Above so many operations the scalar reference of a whole result would take longer than all the timing.
pub const WHOLE_MOST: u64 = 1 << 30;

/// What a result is compared with.
pub enum Check {
    /// Every element, in the order of N C H W.
    Whole(Vec<f32>),
    /// Some elements, by their place in memory.
    Samples(Samples),
}

impl Check {
    /// max |difference| / max |expected|.
    pub fn error(&self, result: &Tensor, algorithm: &str) -> Result<f64> {
        let wrong = |reason: String| Error::Check(format!("{algorithm} is wrong: {reason}"));
        let wide = result.cast(DType::F32)?;
        let error = match self {
            Self::Whole(expected) => relative_error(&wide.to_vec::<f32>()?, expected),
            Self::Samples(samples) => {
                let values: Vec<f32> = bytemuck::pod_collect_to_vec(&wide.context().read(wide.buffer())?);
                if result.dtype() == DType::F32 {
                    samples.check(&values).map_err(wrong)?;
                }
                samples.relative_error(&values)
            }
        };
        // An f16 has 11 bits, the last of them rounded.
        let most = if result.dtype() == DType::F16 { 1e-3 } else { 1e-4 };
        if error.is_nan() || error > most {
            return Err(wrong(format!("it differs by {error:.1e} of the largest element")));
        }
        Ok(error)
    }
}

/// N C H W as N H W C.
pub fn channels_last(values: &[f32], [n, c, h, w]: [usize; 4]) -> Vec<f32> {
    let pixels = h * w;
    let place = |at: usize| (at / (pixels * c) * c + at % c) * pixels + at / c % pixels;
    (0..n * c * pixels).map(|at| values[place(at)]).collect()
}
