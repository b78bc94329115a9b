//! The largest elements, and sorting.

use tilewright_ops::TopK;
use tilewright_runtime::Context;
use tilewright_tensor::{Result, Tensor};

use crate::work::{Quantity, Rows, Work};

/// Classes of a batch, boxes of a picture, long lines, and whole sorts, each with its gradient.
///
/// # Errors
/// Those of making the operands.
pub fn sort(context: &Context) -> Result<Vec<Work>> {
    let mut rows = Rows::new();
    for (name, lines, along, k) in [
        ("classes, 5", 128, 1000, 5),
        ("boxes, 1000", 1, 25_200, 1000),
        ("a long line, 100", 1, 1_000_000, 100),
        ("lines sorted", 64, 4096, 4096),
        ("a long line sorted", 1, 1_000_000, 1_000_000),
    ] {
        let count = lines * along;
        // No two alike, in no order.
        let values: Vec<f32> =
            (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32).collect();
        let shape = [lines, along];
        let x = Tensor::from_slice(context, &values, &shape)?;
        let op = TopK { k, axis: 1, largest: true };
        rows.of(&x);
        let (values, indices) = x.topk(op)?;
        let quantity = Quantity::Elements(count as u64);
        rows.push(&format!("top-k of {name}"), quantity, move || x.topk(op));
        rows.push(&format!("top-k backward, {name}"), quantity, move || {
            Tensor::topk_backward(op, &shape, &indices, &values)
        });
    }
    Ok(rows.done())
}
