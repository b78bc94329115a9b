//! What goes to whole numbers and from them.

use tilewright_graph::Node;
use tilewright_ops::{DType, Quantized};

use super::{
    movement::cast,
    writer::{Writer, int, refuse},
};
use crate::error::Result;

pub(super) fn quantized(w: &mut Writer<'_>, node: &Node, op: &Quantized, x: &[String]) -> Result<String> {
    // Zero points are i32 here, and of the elements' type there.
    let axis = |axis: &Option<usize>| axis.map(|axis| int("axis", axis)).into_iter().collect();
    match op {
        Quantized::Quantize { dtype, axis: along } => {
            let zero = cast(w, &x[2], *dtype);
            Ok(w.emit("QuantizeLinear", &[&x[0], &x[1], &zero], axis(along)))
        }
        Quantized::Dequantize { axis: along } => {
            let dtype = w.graph[node.inputs[0]].dtype;
            let zero = if dtype == DType::I32 { x[2].clone() } else { cast(w, &x[2], dtype) };
            Ok(w.emit("DequantizeLinear", &[&x[0], &x[1], &zero], axis(along)))
        }
        Quantized::Conv2d { .. }
        | Quantized::Add { .. }
        | Quantized::AvgPool2d { .. }
        | Quantized::MaxPool2d(_) => Err(refuse(
            node,
            "operations on bytes are not written yet; export the graph before it was quantised",
        )),
    }
}
