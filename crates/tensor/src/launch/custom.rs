//! Operations that another crate brings.

use tilewright_ops::{DType, Op, op::Preference};
use tilewright_runtime::{Context, Dispatch};
use tilewright_shaders::BindingKind;

use crate::{
    error::Error, error::Result, function::Kernel, function::function_of, layout::Layout, tensor::Tensor,
};

pub(super) fn custom(op: &Op, inputs: &[&Tensor], shapes: &[Vec<usize>]) -> Result<Vec<Tensor>> {
    let (function, facts) = (function_of(op)?, op.facts());
    let mut operands: Vec<Tensor> = Vec::with_capacity(inputs.len());
    for (at, input) in inputs.iter().enumerate() {
        let layout = match facts.input(at).layout {
            Preference::RowMajor => Layout::RowMajor,
            Preference::ChannelsLast => Layout::ChannelsLast,
            Preference::None => input.layout(),
            Preference::Alike => operands.first().map_or(input.layout(), Tensor::layout),
        };
        operands.push(input.to_layout(layout)?);
    }
    let (context, layout) = (inputs[0].context(), operands[0].layout());
    let types: Vec<DType> = inputs.iter().map(|input| input.dtype()).collect();
    let results = shapes.iter().zip(facts.output_dtypes(&types)?);
    let results: Vec<Tensor> =
        results.map(|(shape, dtype)| Tensor::empty(context, shape, dtype, layout)).collect::<Result<_>>()?;
    if results.iter().all(|result| result.count() == 0) {
        return Ok(results);
    }
    let extents: Vec<&[usize]> = inputs.iter().map(|input| input.shape()).collect();
    let kernel = function.kernel(&extents, shapes)?;
    check(context, op.name(), &kernel, operands.len())?;
    let buffers: Vec<_> = operands.iter().chain(&results).map(Tensor::buffer).collect();
    let Kernel { source, params, groups } = &kernel;
    let dispatch = Dispatch { op: op.name(), params: &params.bytes, buffers: &buffers, groups: *groups };
    context.dispatch(source, &dispatch)?;
    Ok(results)
}

/// Holds the uniform's members and the bindings against what the kernel's text says. (How many bindings there are and whether
/// the launch fits the device, the runtime checks.)
fn check(context: &Context, op: &'static str, kernel: &Kernel, operands: usize) -> Result<()> {
    let pipeline = context.pipeline(&kernel.source)?;
    let reflection = pipeline.reflection();
    let fault = |reason| Err(Error::Function { op, reason });
    let declared = reflection.params.iter().map(|member| (member.name.as_str(), member.kind, member.offset));
    let given =
        kernel.params.members.iter().zip((0..).step_by(4)).map(|(&(name, kind), at)| (name, kind, at));
    if !declared.clone().eq(given.clone()) {
        let list = |members: &mut dyn Iterator<Item = (&str, &str, u32)>| {
            let all: Vec<_> = members.map(|(name, kind, at)| format!("{name}: {kind} at {at}")).collect();
            if all.is_empty() { "no members".to_owned() } else { all.join(", ") }
        };
        let (declared, given) = (list(&mut declared.clone()), list(&mut given.clone()));
        return fault(format!("the uniform of its kernel has {declared}, and its `Params` has {given}"));
    }
    let buffers = reflection.bindings.iter().filter(|binding| binding.kind.is_buffer());
    for (at, binding) in buffers.enumerate() {
        let expected = if at < operands { BindingKind::ReadOnly } else { BindingKind::ReadWrite };
        if binding.kind != expected {
            let wanted = if at < operands {
                "an operand, `var<storage, read>`"
            } else {
                "a result, `var<storage, read_write>`"
            };
            return fault(format!("`{}` of its kernel, buffer {at}, must be {wanted}", binding.name));
        }
    }
    Ok(())
}
