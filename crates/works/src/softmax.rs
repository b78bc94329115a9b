//! Softmax and its logarithm.

use tilewright_runtime::Context;
use tilewright_tensor::Result;

use crate::{
    sizes::{Sizes, images, tensor},
    work::{Rows, Work},
};

/// Both with their gradients, of classes; at the networks' sizes also of pixels.
///
/// # Errors
/// Those of making the operands.
pub fn softmax(context: &Context, sizes: Sizes) -> Result<Vec<Work>> {
    let mut rows = Rows::new();
    let mut operands = Vec::new();
    for shape in sizes.rows(&[[256, 1000]]) {
        operands.push((format!("rows of {}", shape[1]), tensor(context, &shape)?));
    }
    if sizes == Sizes::Networks {
        operands.push(("pixels".to_owned(), images(context, &[4, 21, 64, 64])?));
    }
    for (label, x) in operands {
        rows.of(&x);
        let (y, log) = (x.softmax(1)?, x.log_softmax(1)?);
        let (a, b, g) = (x.clone(), x.clone(), x.clone());
        rows.add(&format!("softmax of {label}"), 2.0, move || a.softmax(1));
        rows.add(&format!("log softmax of {label}"), 2.0, move || b.log_softmax(1));
        rows.add(&format!("softmax backward, {label}"), 3.0, move || y.softmax_backward(1, &g));
        rows.add(&format!("log softmax backward, {label}"), 3.0, move || log.log_softmax_backward(1, &x));
    }
    Ok(rows.done())
}
