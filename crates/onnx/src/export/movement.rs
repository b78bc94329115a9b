//! What moves elements or changes their type.

use tilewright_ops::{DType, SliceRange};

use super::{
    elementwise::to,
    writer::{Writer, element_type, int, ints},
};

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
