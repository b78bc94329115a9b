//! `reduce_rows` and `reduce_columns`, in as many passes as a long reduction needs.

use tilewright_ops::{DType, ReduceOp};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::plan::{Axis, Plan, count, lists};
use crate::base::{
    coarsening::Coarsening,
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
};
use crate::elementwise::integers;

params! { Params for "reduce_rows", "reduce_columns" {
    kept_shape: [u32; 8],
    kept_strides: [u32; 8],
    reduced_shape: [u32; 8],
    reduced_strides: [u32; 8],
    outputs: u32,
    count: u32,
    parts: u32,
    scale: f32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Steps that one thread takes alone.
const SERIAL: usize = 256;

/// `y = reduce(x)` over the dense tensor of `dtype` (f32, or i32 but for a mean) that `plan` describes; the results lie one behind the other in the order of the
/// plan's kept axes. A mean is a sum whose result is multiplied by 1 / count.
pub fn reduce(
    context: &Context,
    op: ReduceOp,
    dtype: DType,
    x: &Buffer,
    y: &Buffer,
    plan: &Plan,
) -> Result<()> {
    let scale = if op == ReduceOp::Mean { 1.0 / plan.count() as f32 } else { 1.0 };
    pass(context, (op, dtype), x, y, plan, scale)
}

/// Threads that share an output, a multiple of `lanes`. About the square root, so that both passes take few steps; a short
/// partial sum also rounds less.
fn parts(steps: usize, lanes: usize) -> usize {
    if steps <= SERIAL {
        return 1;
    }
    let length = steps.isqrt().next_power_of_two().clamp(64, 2 * SERIAL);
    // Whole vec4s of partial results for the next pass.
    steps.div_ceil(length).next_multiple_of(lanes)
}

fn pass(
    context: &Context,
    (op, dtype): (ReduceOp, DType),
    x: &Buffer,
    y: &Buffer,
    plan: &Plan,
    scale: f32,
) -> Result<()> {
    let (mut kept, mut reduced) = (plan.kept.clone(), plan.reduced.clone());
    // Of a dense tensor's axes one has stride 1; a single axis of extent 1 has it too, and may not hide the other.
    let rows =
        plan.outputs() == 1 || (plan.count() > 1 && reduced.last().is_some_and(|axis| axis.stride == 1));
    let fastest = if rows { reduced.last_mut() } else { kept.last_mut() };
    let mut width = 1;
    if let Some(fastest) = fastest
        && fastest.extent % 4 == 0
        && fastest.stride == 1
    {
        // A dense tensor's other strides are multiples of the fastest extent.
        width = 4;
        fastest.extent /= 4;
        let slower = kept.iter_mut().chain(&mut reduced).filter(|axis| axis.stride > 1);
        slower.for_each(|axis| axis.stride /= 4);
    }
    let (outputs, steps) = (count(&kept), count(&reduced));
    let coarsening = Coarsening::of(context);
    let columns = match kept.last() {
        Some(fastest) if !rows && fastest.stride == 1 => {
            coarsening.columns(to_u32(op.name(), fastest.extent)?)
        }
        _ => 1,
    };
    let parts = if rows { parts(steps, coarsening.lanes as usize) } else { parts(steps, 4) };
    // Short rows: several for a thread, as starting one costs as much as a row.
    let own = if rows && parts == 1 {
        coarsening.rows.min(to_u32(op.name(), outputs)? / coarsening.threads).max(1)
    } else {
        1
    };
    let (kept_shape, kept_strides) = lists(op.name(), &kept)?;
    let (reduced_shape, reduced_strides) = lists(op.name(), &reduced)?;
    let params = Params {
        kept_shape,
        kept_strides,
        reduced_shape,
        reduced_strides,
        outputs: to_u32(op.name(), outputs)?,
        count: to_u32(op.name(), steps)?,
        parts: to_u32(op.name(), parts)?,
        scale: if parts == 1 { scale } else { 1.0 },
    };
    let kernel = if rows {
        Specialisation::new("reduce_rows")
            .with_u32("RUN", if parts == 1 { 1 } else { coarsening.lanes })
            .with_u32("OUTPUTS", own)
            .with_u32("LANES", if own == 1 { 1 } else { coarsening.lanes })
    } else {
        Specialisation::new("reduce_columns")
            .with_u32("LANES", coarsening.lanes)
            .with_u32("COLUMNS", columns)
            .with_bool("BLOCKED", coarsening.blocked())
    };
    let kernel = kernel
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("KEPT", kept.len() as u32)
        .with_u32("REDUCED", reduced.len() as u32)
        .with_bool("INTEGERS", dtype == DType::I32)
        .with_fragment("reduce", integers::reduce(op, dtype))
        .with_fragment("reduce_width", if width == 4 { "vec4" } else { "scalar" });
    let launch = |to: &Buffer| -> Result<()> {
        // Whole subgroups where a thread has several outputs.
        let outputs = if own == 1 {
            outputs / columns as usize
        } else {
            outputs.div_ceil((own * coarsening.lanes) as usize) * coarsening.lanes as usize
        };
        let threads = to_u32(op.name(), outputs * parts)?;
        let dispatch = Dispatch {
            op: op.name(),
            params: bytemuck::bytes_of(&params),
            buffers: &[x, to],
            groups: workgroups(threads),
        };
        context.dispatch(&kernel, &dispatch)
    };
    if parts == 1 {
        return launch(y);
    }
    let outputs = plan.outputs();
    let partial = context.alloc((outputs * parts * 4) as u64)?;
    launch(&partial)?;
    let (output_stride, part_stride) = if rows { (parts, 1) } else { (1, outputs) };
    let next = Plan::new(
        [Axis { extent: outputs, stride: output_stride }],
        [Axis { extent: parts, stride: part_stride }],
    );
    pass(context, (op, dtype), &partial, y, &next, scale)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn passes_are_short_and_few() {
        for lanes in [4, 8, 32] {
            for steps in [1, 256, 257, 1000, 65_536, 65_537, 1 << 20, 1 << 27, u32::MAX as usize] {
                let (mut left, mut passes) = (steps, 0);
                while left > 1 {
                    // Partial results are read as vec4s.
                    let parts = parts(left, lanes);
                    assert!(left.div_ceil(parts) <= 512, "{steps}");
                    assert!(
                        parts == 1 || parts.is_multiple_of(lanes) && parts < left,
                        "{steps}: {left} to {parts}"
                    );
                    (left, passes) = (if parts == 1 { 1 } else { parts / 4 }, passes + 1);
                }
                assert!(passes <= 5, "{steps}: {passes} passes");
            }
        }
    }
}
