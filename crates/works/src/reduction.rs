//! Reductions and running sums.

use tilewright_ops::CumSum;
use tilewright_runtime::Context;
use tilewright_tensor::Result;

use crate::{
    sizes::{Sizes, images, tensor},
    work::{Rows, Work},
};

/// Sums, means, maxima and their places, over channels, pixels and rows.
///
/// # Errors
/// Those of making the operands.
pub fn reduction(context: &Context, sizes: Sizes) -> Result<Vec<Work>> {
    let mut rows = Rows::new();
    for shape in sizes.images(&[[16, 32, 56, 56]]) {
        let x = images(context, &shape)?;
        rows.of(&x);
        let (a, b, c) = (x.clone(), x.clone(), x.clone());
        rows.add("sum of all", 1.0, move || a.sum(&[0, 1, 2, 3], false));
        rows.add("sum over N H W", 1.0, move || b.sum(&[0, 2, 3], false));
        rows.add("mean over H W", 1.0, move || c.mean(&[2, 3], false));
        rows.add("maximum over C", 1.0, move || x.max(&[1], false));
    }
    for shape in sizes.rows(&[[256, 1000], [4096, 512]]) {
        let x = tensor(context, &shape)?;
        rows.of(&x);
        let (a, b, c, columns) = (x.clone(), x.clone(), x.clone(), shape[1]);
        rows.add(&format!("sum of rows of {columns}"), 1.0, move || a.sum(&[1], false));
        rows.add("sum of columns", 1.0, move || b.sum_to_shape(&[columns]));
        rows.add(&format!("running sums of rows of {columns}"), 2.0, move || {
            c.cumsum(&CumSum { axis: 1, ..CumSum::default() })
        });
        rows.add(&format!("argmax of rows of {columns}"), 1.0, move || x.argmax(&[1], false));
    }
    Ok(rows.done())
}
