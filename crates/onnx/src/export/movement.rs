//! What moves elements or changes their type.

use tilewright_graph::Node;
use tilewright_ops::{DType, SliceRange};

use super::{
    elementwise::to,
    writer::{Writer, at_node, element_type, int, ints, wide},
};
use crate::element::ElementType;
use crate::error::Result;

pub(super) fn reshape(w: &mut Writer<'_>, x: &str, shape: &[usize]) -> String {
    // Without the flag, an extent of 0 means the operand's own.
    let zero = shape.contains(&0).then(|| int("allowzero", 1));
    let shape = w.integers("shape", shape.iter().copied());
    w.emit("Reshape", &[x, &shape], zero.into_iter().collect())
}

pub(super) fn permute(w: &mut Writer<'_>, x: &str, axes: &[usize]) -> String {
    w.emit("Transpose", &[x], vec![ints("perm", axes.iter().copied())])
}

pub(super) fn slice(w: &mut Writer<'_>, x: &str, ranges: &[SliceRange]) -> String {
    let starts = w.integers("starts", ranges.iter().map(|range| range.start));
    let ends = w.integers("ends", ranges.iter().map(|range| range.end));
    let axes = w.integers("axes", 0..ranges.len());
    let steps = w.integers("steps", ranges.iter().map(|range| range.step));
    w.emit("Slice", &[x, &starts, &ends, &axes, &steps], vec![])
}

pub(super) fn concat(w: &mut Writer<'_>, x: &[String], axis: usize) -> String {
    let operands: Vec<&str> = x.iter().map(String::as_str).collect();
    w.emit("Concat", &operands, vec![int("axis", axis)])
}

pub(super) fn split(w: &mut Writer<'_>, x: &str, axis: usize, parts: &[usize]) -> Vec<String> {
    let extents = w.integers("split", parts.iter().copied());
    let first = w.emit("Split", &[x, &extents], vec![int("axis", axis)]);
    let others: Vec<_> = parts.iter().skip(1).map(|_| w.next_result(&first)).collect();
    [first].into_iter().chain(others).collect()
}

pub(super) fn pad(w: &mut Writer<'_>, x: &str, padding: &[(usize, usize)], value: f32) -> String {
    let ends = padding.iter().map(|&(before, _)| before).chain(padding.iter().map(|&(_, after)| after));
    let pads = w.integers("pads", ends);
    let value = w.scalar("value", value);
    w.emit("Pad", &[x, &pads, &value], vec![])
}

pub(super) fn expand(w: &mut Writer<'_>, x: &str, shape: &[usize]) -> String {
    let shape = w.integers("shape", shape.iter().copied());
    w.emit("Expand", &[x, &shape], vec![])
}

pub(super) fn cast(w: &mut Writer<'_>, x: &str, dtype: DType) -> String {
    w.emit("Cast", &[x], vec![to(element_type(dtype))])
}

/// A negative index counts from the back, here as in ONNX; one outside the axis gives 0 here, and is an error there.
pub(super) fn gather(w: &mut Writer<'_>, node: &Node, axis: usize, x: &[String]) -> Result<String> {
    let (source, indices) = (w.shape(node, 0), w.shape(node, 1));
    let extent = source[axis];
    let inside = match &w.graph[node.inputs[1]].constant {
        Some(known) => {
            let known = known.to_vec::<i32>().map_err(|error| at_node(node, error))?;
            known
                .iter()
                .map(|&index| i64::from(index))
                .all(|index| (-wide(extent)..wide(extent)).contains(&index))
        }
        None => false,
    };
    if inside {
        return Ok(w.emit("Gather", &[&x[0], &x[1]], vec![int("axis", axis)]));
    }
    let last = i32::try_from(extent.saturating_sub(1)).unwrap_or(i32::MAX);
    let first = -last - 1;
    let first = w.constant("first", &[], ElementType::I32, first.to_le_bytes().to_vec());
    let last = w.constant("last", &[], ElementType::I32, last.to_le_bytes().to_vec());
    let above = w.emit("Max", &[&x[1], &first], vec![]);
    let clipped = w.emit("Min", &[&above, &last], vec![]);
    let known = w.emit("Equal", &[&x[1], &clipped], vec![]);
    // Beside the axes that the indices do not take the place of.
    let beside: Vec<usize> = indices.iter().copied().chain(source[axis + 1..].iter().map(|_| 1)).collect();
    let known = reshape(w, &known, &beside);
    let found = w.emit("Gather", &[&x[0], &clipped], vec![int("axis", axis)]);
    let dtype = w.graph[node.inputs[0]].dtype;
    let zero = w.constant("zero", &[], element_type(dtype), vec![0; dtype.size()]);
    Ok(w.emit("Where", &[&known, &found, &zero], vec![]))
}
