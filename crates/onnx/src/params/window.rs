//! Parameters of convolutions and poolings: kernel, strides, dilations and padding over the axes behind the channels.

use super::operands::Operands;
use crate::error::Result;

/// A window that slides over the spatial axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kernel: Vec<usize>,
    pub(crate) strides: Vec<usize>,
    pub(crate) dilations: Vec<usize>,
    /// Before and behind each axis.
    pub(crate) pads: Vec<[usize; 2]>,
}

/// How padding follows from the shapes, where it is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AutoPad {
    /// It is given.
    NotSet,
    /// None.
    Valid,
    /// Such that the result has ⌈extent / stride⌉, the odd element behind.
    SameUpper,
    /// The same, the odd element before.
    SameLower,
}

/// The `auto_pad` attribute.
pub(crate) fn auto_pad(call: &impl Operands) -> Result<AutoPad> {
    let attributes = &call.node().attributes;
    Ok(match attributes.string("auto_pad")?.unwrap_or("NOTSET") {
        "NOTSET" | "" => AutoPad::NotSet,
        "VALID" => AutoPad::Valid,
        "SAME_UPPER" => AutoPad::SameUpper,
        "SAME_LOWER" => AutoPad::SameLower,
        other => return Err(attributes.wrong("auto_pad", format!("`{other}` is unknown"))),
    })
}

/// An attribute with a positive entry for each spatial axis, 1 where it is absent.
pub(crate) fn per_axis(call: &impl Operands, name: &str, rank: usize) -> Result<Vec<usize>> {
    let attributes = &call.node().attributes;
    let Some(given) = attributes.ints(name)? else { return Ok(vec![1; rank]) };
    let values: Option<Vec<usize>> =
        given.iter().map(|&value| usize::try_from(value).ok().filter(|&value| value > 0)).collect();
    values
        .filter(|values| values.len() == rank)
        .ok_or_else(|| attributes.wrong(name, format!("is {given:?} and must have {rank} positive entries")))
}

/// The `pads` attribute: before and behind each spatial axis.
pub(crate) fn given_pads(call: &impl Operands, rank: usize) -> Result<Vec<[usize; 2]>> {
    let attributes = &call.node().attributes;
    let Some(given) = attributes.ints("pads")? else { return Ok(vec![[0; 2]; rank]) };
    let values: Option<Vec<usize>> = given.iter().map(|&value| usize::try_from(value).ok()).collect();
    match values {
        Some(values) if values.len() == 2 * rank => {
            Ok((0..rank).map(|axis| [values[axis], values[axis + rank]]).collect())
        }
        _ => Err(attributes.wrong("pads", format!("are {given:?} and must be two for each of {rank} axes"))),
    }
}

/// The window of Conv and the poolings over an operand of `shape`; `kernel` is what the weight says, if there is one.
pub(crate) fn window(call: &impl Operands, shape: &[usize], kernel: Option<&[usize]>) -> Result<Window> {
    let node = call.node();
    let Some(spatial) = shape.get(2..).filter(|spatial| !spatial.is_empty()) else {
        return Err(node.wrong(format!("an operand of shape {shape:?} has no spatial axes")));
    };
    let rank = spatial.len();
    let kernel = match (kernel, node.attributes.ints("kernel_shape")?) {
        (None, None) => return Err(node.attributes.wrong("kernel_shape", "is missing".to_owned())),
        (Some(kernel), None) => kernel.to_vec(),
        (weight, Some(_)) => {
            let given = per_axis(call, "kernel_shape", rank)?;
            if let Some(weight) = weight.filter(|weight| *weight != given) {
                let reason = format!("is {given:?}, and the weight has {weight:?}");
                return Err(node.attributes.wrong("kernel_shape", reason));
            }
            given
        }
    };
    if kernel.len() != rank {
        return Err(node.wrong(format!("a kernel {kernel:?} does not slide over the shape {shape:?}")));
    }
    let (strides, dilations) = (per_axis(call, "strides", rank)?, per_axis(call, "dilations", rank)?);
    let mode = auto_pad(call)?;
    let pads = match mode {
        AutoPad::NotSet => given_pads(call, rank)?,
        AutoPad::Valid => vec![[0; 2]; rank],
        AutoPad::SameUpper | AutoPad::SameLower => (0..rank)
            .map(|axis| {
                let span = dilations[axis].saturating_mul(kernel[axis].saturating_sub(1)).saturating_add(1);
                let steps = spatial[axis].div_ceil(strides[axis]).saturating_sub(1);
                let total =
                    steps.saturating_mul(strides[axis]).saturating_add(span).saturating_sub(spatial[axis]);
                halves(mode, total)
            })
            .collect(),
    };
    Ok(Window { kernel, strides, dilations, pads })
}

/// A padding in two, the odd element where the mode wants it.
pub(crate) fn halves(mode: AutoPad, total: usize) -> [usize; 2] {
    let (small, large) = (total / 2, total - total / 2);
    if mode == AutoPad::SameLower { [large, small] } else { [small, large] }
}
