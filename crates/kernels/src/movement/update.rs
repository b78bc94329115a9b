//! What scattered elements do to those that they meet, and how many a launch takes.

use std::ops::Range;

use tilewright_ops::{DType, ScatterReduction};
use tilewright_shaders::Specialisation;

/// Steps of a thread in one launch: Mesa 22.3 ends a thread's loops after 65,535.
const STEPS: usize = 32_768;

/// `kernel` with its slot `update` filled.
pub(super) fn updating(kernel: Specialisation, reduction: ScatterReduction, dtype: DType) -> Specialisation {
    let integers = dtype == DType::I32;
    let fragment = match reduction {
        // As the file has it.
        ScatterReduction::Replace => return kernel,
        ScatterReduction::Add => ["add", "add_i32"],
        ScatterReduction::Mul => ["mul", "mul_i32"],
        ScatterReduction::Max => ["max", "max_i32"],
        ScatterReduction::Min => ["min", "min_i32"],
    };
    kernel.with_fragment("update", fragment[usize::from(integers)])
}

/// The updates of each launch, in their order.
pub(super) fn launches(updates: usize) -> impl Iterator<Item = Range<usize>> {
    (0..updates).step_by(STEPS).map(move |first| first..(first + STEPS).min(updates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launches_are_short_and_in_order() {
        assert_eq!(launches(0).count(), 0);
        assert!(launches(5).eq(std::iter::once(0..5)));
        assert_eq!(launches(70_000).collect::<Vec<_>>(), [0..32_768, 32_768..65_536, 65_536..70_000]);
    }
}
