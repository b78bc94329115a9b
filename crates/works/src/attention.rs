//! Attention in one kernel, and in steps.

use tilewright_ops::{Attention, MatMul, Op};
use tilewright_runtime::Context;
use tilewright_tensor::{MatMulCall, Result};

use crate::{
    sizes::tensor,
    work::{Quantity, Work},
};

/// Heads of networks: of a vision transformer over 196 patches, of a text of 512 tokens, and of a coarse map's pixels.
///
/// # Errors
/// Those of making the operands.
pub fn attention(context: &Context) -> Result<Vec<Work>> {
    let mut works = Vec::new();
    for (shape, causal) in [
        ([1, 12, 196, 64], false),
        ([1, 8, 512, 64], true),
        ([1, 4, 1024, 32], false),
        ([1, 4, 256, 128], false),
    ] {
        let [q, k, v] = [tensor(context, &shape)?, tensor(context, &shape)?, tensor(context, &shape)?];
        let op = Attention { scale: 1.0 / (shape[3] as f32).sqrt(), causal };
        let flops = op.flops(&shape, &shape);
        let bytes = 4 * 4 * shape.iter().product::<usize>() as u64;
        let work = |name: &str, run: Box<dyn Fn() -> Result<()>>| Work {
            name: format!("{name}{}", if causal { ", causal" } else { "" }),
            shape: shape.to_vec(),
            quantity: Quantity::Flops { flops, bytes },
            run,
        };
        let whole = Op::Attention { op, mask: false };
        let operands = [q.clone(), k.clone(), v.clone()];
        works.push(work(
            "attention",
            Box::new(move || tilewright_tensor::Tensor::run(&whole, &operands.each_ref()).map(drop)),
        ));
        if causal {
            continue;
        }
        works.push(work(
            "attention in steps",
            Box::new(move || {
                let product = MatMul { transpose_right: true, ..MatMul::default() };
                let scores = q.matmul_with(&k, &MatMulCall::new(product))?.scale(op.scale)?;
                scores.softmax(3)?.matmul(&v).map(drop)
            }),
        ));
    }
    Ok(works)
}
