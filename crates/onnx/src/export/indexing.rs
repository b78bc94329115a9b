//! Elements by index, and to their index.
//!
//! A negative index counts from the back, here as in ONNX. One outside the axis is an error there. Here gathering gives 0 for it,
//! which is written out where the indices are not known; scattering leaves it out, which ONNX has no way to say.

use tilewright_graph::Node;
use tilewright_ops::ScatterReduction;

use super::{
    elementwise::to,
    movement,
    writer::{Writer, at_node, element_type, int, ints, refuse, string, wide},
};
use crate::element::ElementType;
use crate::error::Result;

/// Whether the indices are known, and none is outside the axes of `extents`, through which their last axis goes.
fn inside(w: &Writer<'_>, node: &Node, extents: &[usize]) -> Result<bool> {
    let Some(known) = &w.graph[node.inputs[1]].constant else { return Ok(false) };
    let known = known.to_vec::<i32>().map_err(|error| at_node(node, error))?;
    let fits = |(&index, &extent): (&i32, &usize)| (-wide(extent)..wide(extent)).contains(&i64::from(index));
    Ok(known.iter().zip(extents.iter().cycle()).all(fits))
}

/// The indices held inside the axes, and which of them were.
fn held(w: &mut Writer<'_>, extents: &[usize], indices: &str) -> [String; 2] {
    let last = |extent: &usize| i32::try_from(extent.saturating_sub(1)).unwrap_or(i32::MAX);
    let lasts: Vec<i32> = extents.iter().map(last).collect();
    let shape = if let [_] = extents { &[][..] } else { &[extents.len()] };
    let mut constant = |name: &str, end: fn(i32) -> i32| {
        let bytes = lasts.iter().flat_map(|&last| end(last).to_le_bytes()).collect();
        w.constant(name, shape, ElementType::I32, bytes)
    };
    let (first, last) = (constant("first", |last| -last - 1), constant("last", |last| last));
    let above = w.emit("Max", &[indices, &first], vec![]);
    let clipped = w.emit("Min", &[&above, &last], vec![]);
    let known = w.emit("Equal", &[indices, &clipped], vec![]);
    [clipped, known]
}

/// `found` where the index was known, else 0.
fn known_or_zero(w: &mut Writer<'_>, node: &Node, known: &str, found: &str) -> String {
    let dtype = w.graph[node.inputs[0]].dtype;
    let zero = w.constant("zero", &[], element_type(dtype), vec![0; dtype.size()]);
    w.emit("Where", &[known, found, &zero], vec![])
}

pub(super) fn gather(w: &mut Writer<'_>, node: &Node, axis: usize, x: &[String]) -> Result<String> {
    let (source, indices) = (w.shape(node, 0), w.shape(node, 1));
    if inside(w, node, &source[axis..=axis])? {
        return Ok(w.emit("Gather", &[&x[0], &x[1]], vec![int("axis", axis)]));
    }
    let [clipped, known] = held(w, &source[axis..=axis], &x[1]);
    // Beside the axes that the indices do not take the place of.
    let beside: Vec<usize> = indices.iter().copied().chain(source[axis + 1..].iter().map(|_| 1)).collect();
    let known = movement::reshape(w, &known, &beside);
    let found = w.emit("Gather", &[&x[0], &clipped], vec![int("axis", axis)]);
    Ok(known_or_zero(w, node, &known, &found))
}

pub(super) fn gather_elements(w: &mut Writer<'_>, node: &Node, axis: usize, x: &[String]) -> Result<String> {
    let extent = &w.shape(node, 0)[axis..=axis];
    if inside(w, node, extent)? {
        return Ok(w.emit("GatherElements", &[&x[0], &x[1]], vec![int("axis", axis)]));
    }
    let [clipped, known] = held(w, extent, &x[1]);
    let found = w.emit("GatherElements", &[&x[0], &clipped], vec![int("axis", axis)]);
    Ok(known_or_zero(w, node, &known, &found))
}

/// Tuples as ONNX has them: of int64 alone, where other indices may be int32.
fn wide_tuples(w: &mut Writer<'_>, indices: &str) -> String {
    w.emit("Cast", &[indices], vec![to(ElementType::I64)])
}

pub(super) fn gather_nd(w: &mut Writer<'_>, node: &Node, batch: usize, x: &[String]) -> Result<String> {
    let (source, indices) = (w.shape(node, 0), w.shape(node, 1));
    let last = indices.len() - 1;
    let extents = &source[batch..batch + indices[last]];
    let axes = || vec![int("batch_dims", batch)];
    if inside(w, node, extents)? {
        let tuples = wide_tuples(w, &x[1]);
        return Ok(w.emit("GatherND", &[&x[0], &tuples], axes()));
    }
    let [clipped, known] = held(w, extents, &x[1]);
    // All of a tuple, beside the axes of a slice.
    let known = w.emit("Cast", &[&known], vec![to(ElementType::I32)]);
    let known = w.emit("ReduceMin", &[&known], vec![ints("axes", [last]), int("keepdims", 0)]);
    let known = w.emit("Cast", &[&known], vec![to(ElementType::Bool)]);
    let slice = source[batch + indices[last]..].iter().map(|_| 1);
    let beside: Vec<usize> = indices[..last].iter().copied().chain(slice).collect();
    let known = movement::reshape(w, &known, &beside);
    let tuples = wide_tuples(w, &clipped);
    let found = w.emit("GatherND", &[&x[0], &tuples], axes());
    Ok(known_or_zero(w, node, &known, &found))
}

/// The attribute; of the operator set that is written those are all.
fn reduced(node: &Node, reduction: ScatterReduction) -> Result<crate::proto::AttributeProto> {
    if let ScatterReduction::Max | ScatterReduction::Min = reduction {
        let name = reduction.name();
        return Err(refuse(node, &format!("the operator set that is written scatters no {name}")));
    }
    Ok(string("reduction", reduction.name()))
}

pub(super) fn scatter_elements(
    w: &mut Writer<'_>,
    node: &Node,
    axis: usize,
    reduction: ScatterReduction,
    x: &[String],
) -> Result<String> {
    let attributes = vec![int("axis", axis), reduced(node, reduction)?];
    Ok(w.emit("ScatterElements", &[&x[0], &x[1], &x[2]], attributes))
}

/// As elements: the index of a slice is that of each of its elements.
pub(super) fn scatter(
    w: &mut Writer<'_>,
    node: &Node,
    axis: usize,
    reduction: ScatterReduction,
    x: &[String],
) -> Result<String> {
    let (source, count) = (w.shape(node, 0), w.shape(node, 1).iter().product());
    let mut own = vec![1; source.len()];
    own[axis] = count;
    let mut whole = source.to_vec();
    whole[axis] = count;
    let indices = movement::reshape(w, &x[1], &own);
    let indices = movement::expand(w, &indices, &whole);
    let updates = movement::reshape(w, &x[2], &whole);
    scatter_elements(w, node, axis, reduction, &[x[0].clone(), indices, updates])
}

pub(super) fn scatter_nd(
    w: &mut Writer<'_>,
    node: &Node,
    batch: usize,
    reduction: ScatterReduction,
    x: &[String],
) -> Result<String> {
    if batch > 0 {
        return Err(refuse(node, "ONNX scatters by tuples without batch axes"));
    }
    let attributes = vec![reduced(node, reduction)?];
    let tuples = wide_tuples(w, &x[1]);
    Ok(w.emit("ScatterND", &[&x[0], &tuples, &x[2]], attributes))
}
