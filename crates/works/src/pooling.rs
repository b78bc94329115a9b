//! Poolings.

use tilewright_ops::{AdaptiveAvgPool2d, Pool2d};
use tilewright_runtime::Context;
use tilewright_tensor::{Result, Tensor};

use crate::{
    sizes::{Sizes, images},
    work::{Quantity, Rows, Work},
};

/// Windows that touch and that overlap, global and adaptive averages, each with its gradient.
///
/// # Errors
/// Those of making the operands.
pub fn pooling(context: &Context, sizes: Sizes) -> Result<Vec<Work>> {
    let mut rows = Rows::new();
    // VGG's windows and ResNet's stem; Inception's go over every pixel.
    let stem = Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) };
    let mut windows = vec![("2×2", Pool2d::new([2, 2])), ("3×3 / 2", stem)];
    if sizes == Sizes::Networks {
        windows.push(("3×3 / 1", Pool2d { stride: [1, 1], ..stem }));
    }
    for shape in sizes.images(&[[8, 64, 112, 112], [8, 192, 28, 28], [64, 6, 28, 28]]) {
        for (label, pool) in &windows {
            of_windows(&mut rows, &images(context, &shape)?, label, *pool)?;
        }
    }
    for shape in sizes.images(&[[32, 512, 7, 7], [8, 2048, 7, 7], [1, 16, 256, 256]]) {
        let x = images(context, &shape)?;
        rows.of(&x);
        let y = x.global_avg_pool2d()?;
        rows.add("global average pool", 1.0, move || x.global_avg_pool2d());
        rows.add("global average pool backward", 1.0, move || Tensor::global_avg_pool2d_backward(&shape, &y));
    }
    for shape in sizes.images(&[[8, 256, 13, 13]]) {
        let x = images(context, &shape)?;
        rows.of(&x);
        let pool = AdaptiveAvgPool2d { output: [7, 7] };
        let y = x.adaptive_avg_pool2d(pool)?;
        rows.add("adaptive average pool to 7×7", 1.0, move || x.adaptive_avg_pool2d(pool));
        rows.add("adaptive average pool backward", 1.0, move || {
            Tensor::adaptive_avg_pool2d_backward(pool, &shape, &y)
        });
    }
    Ok(rows.done())
}

fn of_windows(rows: &mut Rows, x: &Tensor, label: &str, pool: Pool2d) -> Result<()> {
    rows.of(x);
    let shape = x.shape4("pooling", "x")?;
    let (y, indices) = x.max_pool2d(&pool)?;
    let bytes =
        |large: usize, small: usize| Quantity::Bytes(4 * (large * x.count() + small * y.count()) as u64);
    let a = x.clone();
    rows.push(&format!("max pool {label}"), bytes(1, 2), move || a.max_pool2d(&pool));
    let a = x.clone();
    rows.push(&format!("max pool {label}, values alone"), bytes(1, 1), move || a.max_pool2d_values(&pool));
    let (g, places) = (y.clone(), indices);
    rows.push(&format!("max pool {label} backward"), bytes(1, 2), move || {
        Tensor::max_pool2d_backward(&pool, &shape, &places, &g)
    });
    let a = x.clone();
    rows.push(&format!("average pool {label}"), bytes(1, 1), move || a.avg_pool2d(&pool));
    let g = x.avg_pool2d(&pool)?;
    rows.push(&format!("average pool {label} backward"), bytes(1, 1), move || {
        Tensor::avg_pool2d_backward(&pool, &shape, &g)
    });
    Ok(())
}
