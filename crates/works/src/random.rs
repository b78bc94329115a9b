//! Random numbers and dropout.

use tilewright_ops::Dropout;
use tilewright_runtime::Context;
use tilewright_tensor::{Layout, Result, Tensor};

use crate::{
    sizes::{Sizes, images},
    work::{Quantity, Rows, Work},
};

/// Dropout in both layouts; at the networks' sizes also what fills a tensor, which is bound by its arithmetic.
///
/// # Errors
/// Those of making the operands.
pub fn random(context: &Context, sizes: Sizes) -> Result<Vec<Work>> {
    let mut rows = Rows::new();
    for shape in sizes.images(&[[16, 32, 56, 56]]) {
        let x = images(context, &shape)?;
        rows.of(&x);
        if sizes == Sizes::Networks {
            let elements = Quantity::Elements(x.count() as u64);
            let own = context.clone();
            rows.push("uniform", elements, move || Tensor::uniform(&own, &shape, 1, 2));
            let own = context.clone();
            rows.push("normal", elements, move || Tensor::normal(&own, &shape, 1, 2));
        }
        let (a, b) = (x.clone(), x.to_layout(Layout::RowMajor)?);
        rows.add("dropout, channels-last", 2.0, move || a.dropout(&Dropout { p: 0.5 }, 1, 2));
        rows.add("dropout, row-major", 2.0, move || b.dropout(&Dropout { p: 0.5 }, 1, 2));
    }
    Ok(rows.done())
}
