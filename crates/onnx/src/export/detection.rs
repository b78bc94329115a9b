//! Regions of images.

use tilewright_graph::Node;
use tilewright_ops::{DType, RoiAlign, RoiPool, SliceRange};

use super::{
    elementwise::to,
    movement,
    writer::{Writer, float, int, ints, refuse, string},
};
use crate::element::ElementType;
use crate::error::Result;

/// The numbers of the images stand beside the corners there.
pub(super) fn roi_align(w: &mut Writer<'_>, node: &Node, op: &RoiAlign, x: &[String]) -> String {
    let count = w.shape(node, 1)[0];
    let part = |start, end| [SliceRange::full(count), SliceRange::new(start, end)];
    let images = movement::slice(w, &x[1], &part(0, 1));
    let images = movement::reshape(w, &images, &[count]);
    let images = w.emit("Cast", &[&images], vec![to(ElementType::I64)]);
    let corners = movement::slice(w, &x[1], &part(1, 5));
    let mode = if op.aligned { "half_pixel" } else { "output_half_pixel" };
    let attributes = vec![
        string("coordinate_transformation_mode", mode),
        string("mode", "avg"),
        int("output_height", op.output[0]),
        int("output_width", op.output[1]),
        int("sampling_ratio", op.sampling_ratio),
        float("spatial_scale", op.spatial_scale),
    ];
    w.emit("RoiAlign", &[&x[0], &corners, &images], attributes)
}

/// Where the largest elements were is not said there.
pub(super) fn roi_pool(w: &mut Writer<'_>, node: &Node, op: &RoiPool, x: &[String]) -> Result<Vec<String>> {
    let places = node.outputs[1];
    let read = w.graph.nodes().iter().any(|node| node.inputs.contains(&places));
    if read || w.graph.outputs().iter().any(|&(_, value)| value == places) {
        return Err(refuse(node, "ONNX's MaxRoiPool does not say where the largest elements were"));
    }
    let attributes = vec![ints("pooled_shape", op.output), float("spatial_scale", op.spatial_scale)];
    let y = w.emit("MaxRoiPool", &[&x[0], &x[1]], attributes);
    // A name for what nobody reads.
    let none = movement::cast(w, &y, DType::I32);
    Ok(vec![y, none])
}
