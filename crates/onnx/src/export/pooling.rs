//! Poolings.
//!
//! How `ceil_mode` counts windows, and what an average divides by at the border, has changed between versions of the
//! standard and of its implementations. Windows that overhang are therefore written as padding at the end, and averages
//! that no version agrees about as sums times a table.

use tilewright_graph::Node;
use tilewright_ops::{AdaptiveAvgPool2d, DType, Pool2d, PoolKind, Pooling};

use super::writer::{Writer, int, ints, refuse};
use crate::error::Result;

/// Padding at the end of height and width under which the floor of the window count is the result's extent.
fn end_padding(w: &Writer<'_>, node: &Node, pool: &Pool2d, x: &[usize]) -> [usize; 2] {
    let y = w.output(node);
    [0, 1].map(|axis| {
        let window = (pool.kernel[axis] - 1) * pool.dilation[axis] + 1;
        let reach = (y[2 + axis] - 1) * pool.stride[axis] + window;
        reach.saturating_sub(x[2 + axis] + pool.padding[axis]).max(pool.padding[axis])
    })
}

fn windows(pool: &Pool2d, end: [usize; 2]) -> Vec<crate::proto::AttributeProto> {
    vec![
        ints("kernel_shape", pool.kernel),
        ints("pads", [pool.padding, end].concat()),
        ints("strides", pool.stride),
    ]
}

/// A pooling of `x`, of the shape `input`, which need not be the node's operand.
pub(super) fn pool(
    w: &mut Writer<'_>,
    node: &Node,
    Pooling { kind, pool }: &Pooling,
    input: &[usize],
    x: &str,
) -> Result<String> {
    match kind {
        PoolKind::Max => max(w, node, pool, input, x),
        PoolKind::Average => average(w, node, pool, input, x),
        PoolKind::Sum => sum(w, node, pool, input, x),
    }
}

/// The maxima, and where they lie. ONNX counts over the whole tensor; what is left of a division by H·W is the place in
/// the plane.
pub(super) fn max_with_indices(
    w: &mut Writer<'_>,
    node: &Node,
    pool: &Pool2d,
    x: &str,
) -> Result<Vec<String>> {
    let input = w.shape(node, 0);
    let y = max(w, node, pool, input, x)?;
    let places = w.next_result(&y);
    let plane = w.integers("plane", [input[2] * input[3]]);
    let places = w.emit("Mod", &[&places, &plane], vec![]);
    let places = super::movement::cast(w, &places, DType::I32);
    Ok(vec![y, places])
}

pub(super) fn max(
    w: &mut Writer<'_>,
    node: &Node,
    pool: &Pool2d,
    input: &[usize],
    x: &str,
) -> Result<String> {
    let end = end_padding(w, node, pool, input);
    if end[0] >= pool.kernel[0] || end[1] >= pool.kernel[1] {
        return Err(refuse(
            node,
            "its last dilated window overhangs by more than a kernel, which ONNX Runtime refuses",
        ));
    }
    let mut attributes = windows(pool, end);
    attributes.push(ints("dilations", pool.dilation));
    Ok(w.emit("MaxPool", &[x], attributes))
}

pub(super) fn average(
    w: &mut Writer<'_>,
    node: &Node,
    pool: &Pool2d,
    input: &[usize],
    x: &str,
) -> Result<String> {
    let end = end_padding(w, node, pool, input);
    let overhangs = end != pool.padding;
    let padded = pool.padding != [0, 0];
    let counts_padding = pool.count_include_pad && padded;
    if pool.dilation == [1, 1] && pool.divisor_override.is_none() && !(counts_padding && overhangs) {
        let mut attributes = windows(pool, end);
        attributes.push(int("count_include_pad", usize::from(counts_padding)));
        return Ok(w.emit("AveragePool", &[x], attributes));
    }
    let sum = sum(w, node, pool, input, x)?;
    let output = w.output(node);
    let taps = |axis: usize| -> Vec<usize> {
        let (extent, pad) = (input[2 + axis], pool.padding[axis]);
        let counted = if pool.count_include_pad { 0..extent + 2 * pad } else { pad..extent + pad };
        let place = |o: usize, tap: usize| o * pool.stride[axis] + tap * pool.dilation[axis];
        (0..output[2 + axis])
            .map(|o| (0..pool.kernel[axis]).filter(|&tap| counted.contains(&place(o, tap))).count())
            .collect()
    };
    let (rows, columns) = (taps(0), taps(1));
    let weight = |row: usize, column: usize| 1.0 / pool.divisor_override.unwrap_or(row * column) as f32;
    let table: Vec<f32> =
        rows.iter().flat_map(|&row| columns.iter().map(move |&column| weight(row, column))).collect();
    let table = w.floats("divisors", &[1, 1, output[2], output[3]], &table);
    Ok(w.emit("Mul", &[&sum, &table], vec![]))
}

/// A sum of windows is a convolution of each channel with ones.
pub(super) fn sum(
    w: &mut Writer<'_>,
    node: &Node,
    pool: &Pool2d,
    input: &[usize],
    x: &str,
) -> Result<String> {
    let channels = input[1];
    if channels == 0 {
        return Err(refuse(node, "it has no channels"));
    }
    let [height, width] = pool.kernel;
    let ones = w.floats("ones", &[channels, 1, height, width], &vec![1.0; channels * height * width]);
    let mut attributes = windows(pool, end_padding(w, node, pool, input));
    attributes.extend([ints("dilations", pool.dilation), int("group", channels)]);
    Ok(w.emit("Conv", &[x, &ones], attributes))
}

/// Equal windows are a pooling; others, being means along each axis, products with a matrix on either side.
pub(super) fn adaptive_average(
    w: &mut Writer<'_>,
    node: &Node,
    pool: AdaptiveAvgPool2d,
    x: &str,
) -> Result<String> {
    let extents = [w.shape(node, 0)[2], w.shape(node, 0)[3]];
    let windows = pool.output;
    if windows == [1, 1] {
        return Ok(w.emit("GlobalAveragePool", &[x], vec![]));
    }
    if [0, 1].iter().all(|&axis| extents[axis].is_multiple_of(windows[axis])) {
        let kernel = [extents[0] / windows[0], extents[1] / windows[1]];
        return Ok(w.emit("AveragePool", &[x], vec![ints("kernel_shape", kernel), ints("strides", kernel)]));
    }
    // weight(window, element) along an axis.
    let weight = |axis: usize, window: usize, element: usize| {
        let (start, end) = AdaptiveAvgPool2d::window(window, extents[axis], windows[axis]);
        if (start..end).contains(&element) { 1.0 / (end - start) as f32 } else { 0.0 }
    };
    let rows: Vec<f32> =
        (0..windows[0]).flat_map(|o| (0..extents[0]).map(move |i| weight(0, o, i))).collect();
    let columns: Vec<f32> =
        (0..extents[1]).flat_map(|i| (0..windows[1]).map(move |o| weight(1, o, i))).collect();
    let rows = w.floats("rows", &[windows[0], extents[0]], &rows);
    let columns = w.floats("columns", &[extents[1], windows[1]], &columns);
    let narrow = w.emit("MatMul", &[x, &columns], vec![]);
    Ok(w.emit("MatMul", &[&rows, &narrow], vec![]))
}
