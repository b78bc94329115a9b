//! Optimizer steps.

use tilewright_ops::{AdamW, Sgd};
use tilewright_runtime::Context;
use tilewright_tensor::{
    Result, Tensor,
    ops::optimizer::{adamw_step, sgd_step},
};

use crate::{
    sizes::Sizes,
    work::{Rows, Work},
};

/// SGD with and without momentum, and AdamW.
///
/// # Errors
/// Those of making the operands.
pub fn optimizer(context: &Context, sizes: Sizes) -> Result<Vec<Work>> {
    let count = match sizes {
        Sizes::Networks => 1 << 20,
        Sizes::Mib(mib) => mib << 18,
    };
    let tensor = |value| Tensor::full(context, value, &[count]);
    let (p, g, b, second) = (tensor(0.5)?, tensor(0.1)?, tensor(0.0)?, tensor(0.0)?);
    let mut rows = Rows::new();
    rows.of(&p);
    let plain = Sgd { lr: 1e-6, ..Sgd::default() };
    let (p0, g0) = (p.clone(), g.clone());
    rows.add("SGD", 3.0, move || sgd_step(&p0, &g0, None, false, &plain));
    let sgd = Sgd { momentum: 0.9, weight_decay: 5e-4, ..plain };
    let (p0, g0, b0) = (p.clone(), g.clone(), b.clone());
    rows.add("SGD with momentum", 5.0, move || sgd_step(&p0, &g0, Some(&b0), false, &sgd));
    rows.add("AdamW", 7.0, move || adamw_step(&p, &g, &b, &second, 1, &AdamW::default()));
    Ok(rows.done())
}
