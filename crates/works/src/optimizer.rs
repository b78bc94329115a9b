//! Optimizer steps.

use tilewright_ops::{Adam, AdamW, Lamb, RmsProp, Sgd};
use tilewright_runtime::Context;
use tilewright_tensor::{
    Result, Tensor,
    ops::optimizer::{
        AdamState, RmsPropState, adam_step, adamw_step, average_step, lamb_step, rmsprop_step, sgd_step,
        total_norm,
    },
};

use crate::{
    sizes::Sizes,
    work::{Rows, Work},
};

/// A step of each optimizer, a step of a mean of weights, and the norm of a gradient.
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
    let (p0, g0, b0, s0) = (p.clone(), g.clone(), b.clone(), second.clone());
    rows.add("AdamW", 7.0, move || adamw_step(&p0, &g0, &b0, &s0, 1, &AdamW::default()));
    let third = tensor(0.0)?;
    let (p0, g0, b0, s0, t0) = (p.clone(), g.clone(), b.clone(), second.clone(), third.clone());
    rows.add("Adam with AMSGrad", 9.0, move || {
        let kept = AdamState { first_moment: &b0, second_moment: &s0, largest_second_moment: Some(&t0) };
        adam_step(&p0, &g0, kept, 1, &Adam { amsgrad: true, ..Adam::default() })
    });
    let (p0, g0, b0, s0) = (p.clone(), g.clone(), b.clone(), second.clone());
    rows.add("RMSprop, centred, with momentum", 9.0, move || {
        let kept = RmsPropState { square: &s0, mean: Some(&b0), momentum_buffer: Some(&third) };
        rmsprop_step(&p0, &g0, kept, &RmsProp { centered: true, momentum: 0.9, ..RmsProp::default() })
    });
    // Its direction is written and read twice, the parameter read three times.
    let (p0, g0, b0, s0) = (p.clone(), g.clone(), b.clone(), second.clone());
    rows.add("LAMB", 12.0, move || lamb_step(&p0, &g0, &b0, &s0, 1, &Lamb::default()));
    let p0 = p.clone();
    rows.add("mean of weights", 3.0, move || average_step(&second, &p0, 0.999));
    let context = context.clone();
    rows.add("norm", 1.0, move || total_norm(&context, &[&g], 2.0));
    Ok(rows.done())
}
