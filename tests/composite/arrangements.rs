//! What arranges, chooses and sums up elements, by name and parameters.

use tilewright::{
    Tensor,
    ops::{Op, ReduceOp, ScatterReduction},
    tensor::composite::{Operand, *},
};
use tilewright_reference::golden::Case;

use super::layers::integers;

/// What a case computes, for tensors and variables alike.
pub fn run<V: Operand>(case: &Case, leaf: &mut dyn FnMut(&str) -> V) -> Result<V, V::Error> {
    let count = |name: &str| case.count(name).unwrap();
    let (axes, keepdim) = (case.counts("axes").unwrap_or_default(), case.flag("keepdim").unwrap_or(false));
    match case.op.as_str() {
        "stack" => {
            let parts = [leaf("x"), leaf("x1"), leaf("x2")];
            stack::stack(&parts.iter().collect::<Vec<_>>(), count("axis"))
        }
        "unbind" => Ok(stack::unbind(&leaf("x"), count("axis"))?.swap_remove(count("part"))),
        "chunk" => Ok(stack::chunk(&leaf("x"), count("count"), count("axis"))?.swap_remove(count("part"))),
        "split" => {
            let op = Op::Split { axis: count("axis"), parts: case.counts("parts").unwrap() };
            Ok(V::apply(&op, &[&leaf("x")])?.swap_remove(count("part")))
        }
        "expand" => leaf("x").expand(&case.counts("shape").unwrap()),
        "flip" => flip::flip(&leaf("x"), &axes),
        "roll" => {
            let shifts = case.parameters["shifts"].as_array().unwrap();
            let shifts: Vec<_> = shifts.iter().map(|shift| shift.as_i64().unwrap() as isize).collect();
            roll::roll(&leaf("x"), &shifts, &axes)
        }
        "repeat_interleave" => {
            repeat_interleave::repeat_interleave(&leaf("x"), count("times"), count("axis"))
        }
        "tile" => repeat_interleave::tile(&leaf("x"), &case.counts("repeats").unwrap()),
        "pixel_shuffle" => shuffle::pixel_shuffle(&leaf("x"), count("block")),
        "pixel_unshuffle" => depth_to_space::pixel_unshuffle(&leaf("x"), count("block")),
        "channel_shuffle" => shuffle::channel_shuffle(&leaf("x"), count("groups")),
        "sort" => {
            let (y, indices) = sorted::sort(&leaf("x"), count("axis"), case.flag("descending").unwrap())?;
            if !indices.is_symbolic() {
                assert_eq!(indices.to_vec::<i32>()?, case.i32("indices").unwrap().0, "{}", case.name);
            }
            Ok(y)
        }
        "masked_fill" => {
            let x = leaf("x");
            let (mask, shape) = case.f32("mask").unwrap();
            let mask = Tensor::from_slice(x.tensor().context(), mask, shape)?;
            masked_fill::masked_fill(&x, &mask, case.number("value").unwrap() as f32)
        }
        "embedding" => {
            let x = leaf("x");
            let indices = integers(&x, case)?;
            embedding::embedding(&x, &indices, case.count("padding_idx").ok())
        }
        "index_select" => {
            let x = leaf("x");
            let indices = integers(&x, case)?;
            embedding::index_select(&x, count("axis"), &indices)
        }
        "gather_elements" => {
            let x = leaf("x");
            let indices = V::constant(integers(&x, case)?);
            V::apply_one(&Op::GatherElements { axis: count("axis") }, &[&x, &indices])
        }
        "var" => Ok(variance::var_mean(&leaf("x"), &axes, count("correction"), keepdim)?.0),
        "std" => variance::std(&leaf("x"), &axes, count("correction"), keepdim),
        "norm" => {
            let p: f32 = case.parameters["p"].as_str().unwrap().parse().unwrap();
            p_norm::norm(&leaf("x"), p, &axes, keepdim)
        }
        "amax" => leaf("x").reduce(ReduceOp::Max, &axes, keepdim),
        "amin" => leaf("x").reduce(ReduceOp::Min, &axes, keepdim),
        "logsumexp" => log_sum_exp::log_sum_exp(&leaf("x"), &axes, keepdim),
        "scatter_reduce" => {
            let (x, updates) = (leaf("x"), leaf("updates"));
            let indices = V::constant(integers(&x, case)?);
            let reduction = match case.parameters["reduction"].as_str() {
                Some("sum") => ScatterReduction::Add,
                Some("amax") => ScatterReduction::Max,
                Some("amin") => ScatterReduction::Min,
                other => panic!("{other:?}"),
            };
            let op = Op::ScatterElements { axis: count("axis"), reduction };
            V::apply_one(&op, &[&x, &indices, &updates])
        }
        "index_add" => {
            let (x, updates) = (leaf("x"), leaf("updates"));
            let indices = V::constant(integers(&x, case)?);
            let op = Op::Scatter { axis: count("axis"), reduction: ScatterReduction::Add };
            V::apply_one(&op, &[&x, &indices, &updates])
        }
        other => panic!("no operation {other}"),
    }
}
