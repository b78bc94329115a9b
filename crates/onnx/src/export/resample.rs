//! Axes drawn anew by tables of weights: a Resize where the tables are one's, else elements by index or a product with a
//! matrix for each axis.

use tilewright_graph::Node;
use tilewright_ops::{Coordinates, Interpolation, Rounding, TapTable};

use super::{
    movement,
    writer::{Writer, at_node, int, refuse, string},
};
use crate::element::ElementType;
use crate::error::Result;

/// An axis: its elements, and for each place the (index, weight) of its taps.
struct Axis {
    extent: usize,
    taps: usize,
    entries: Vec<[f32; 2]>,
}

impl Axis {
    fn read(w: &Writer<'_>, node: &Node, operand: usize, extent: usize) -> Result<Self> {
        let value = &w.graph[node.inputs[operand]];
        let Some(table) = &value.constant else {
            return Err(refuse(node, "its tables of weights are computed, and ONNX has no such operator"));
        };
        let values = table.to_vec::<f32>().map_err(|error| at_node(node, error))?;
        let entries: Vec<[f32; 2]> = values.as_chunks::<2>().0.to_vec();
        if entries.iter().any(|[index, _]| !(*index >= 0.0 && *index < extent as f32)) {
            return Err(refuse(node, "a table names an element outside its axis"));
        }
        Ok(Self { extent, taps: value.shape[1], entries })
    }

    fn places(&self) -> usize {
        self.entries.len() / self.taps
    }

    /// The element at each place, where each is one element.
    fn indices(&self) -> Option<Vec<usize>> {
        let one = self.taps == 1 && self.entries.iter().all(|[_, weight]| *weight == 1.0);
        one.then(|| self.entries.iter().map(|[index, _]| *index as usize).collect())
    }

    fn is_identity(&self) -> bool {
        self.places() == self.extent
            && self
                .indices()
                .is_some_and(|indices| indices.iter().enumerate().all(|(at, &index)| at == index))
    }

    /// Whether it is what Resize draws. A nearest element is taken from it only where the size is a multiple of the extent:
    /// elsewhere two ways to round one quotient may give two elements.
    fn is_resize(&self, interpolation: Interpolation, coordinates: Coordinates) -> bool {
        let nearest = matches!(interpolation, Interpolation::Nearest(_));
        if nearest && !self.places().is_multiple_of(self.extent.max(1)) {
            return false;
        }
        TapTable::resize(self.extent, self.places(), None, interpolation, coordinates)
            .is_ok_and(|table| table.taps() == self.taps && table.entries() == self.entries)
    }

    /// `[elements, places]`, or transposed.
    fn matrix(&self, transposed: bool) -> Vec<f32> {
        let (extent, places) = (self.extent, self.places());
        let mut matrix = vec![0.0; extent * places];
        for (at, &[index, weight]) in self.entries.iter().enumerate() {
            let (element, place) = (index as usize, at / self.taps);
            matrix[if transposed { place * extent + element } else { element * places + place }] += weight;
        }
        matrix
    }
}

const METHODS: [(&str, Interpolation); 3] = [
    ("nearest", Interpolation::Nearest(Rounding::Floor)),
    ("linear", Interpolation::Linear),
    ("cubic", Interpolation::Cubic { a: -0.75, exclude_outside: false }),
];

const COORDINATES: [(&str, Coordinates); 4] = [
    ("half_pixel", Coordinates::HalfPixel),
    ("pytorch_half_pixel", Coordinates::PytorchHalfPixel),
    ("align_corners", Coordinates::AlignCorners),
    ("asymmetric", Coordinates::Asymmetric),
];

pub(super) fn resample(w: &mut Writer<'_>, node: &Node, axis: usize, x: &str) -> Result<String> {
    let (shape, output) = (w.shape(node, 0), w.output(node));
    let rows = Axis::read(w, node, 1, shape[axis])?;
    let columns = Axis::read(w, node, 2, shape[axis + 1])?;
    // Images are what every implementation can resize.
    if shape.len() == 4
        && axis == 2
        && !(rows.is_identity() && columns.is_identity())
        && let Some((mode, coordinates)) = as_resize(&rows, &columns)
    {
        let sizes = w.integers("sizes", output.iter().copied());
        let mut attributes =
            vec![string("mode", mode), string("coordinate_transformation_mode", coordinates)];
        if mode == "nearest" {
            attributes.push(string("nearest_mode", "floor"));
        }
        return Ok(w.emit("Resize", &[x, "", "", &sizes], attributes));
    }
    let y = along(w, &rows, axis, shape, x);
    let middle = [&shape[..axis], &[rows.places()], &shape[axis + 1..]].concat();
    let y = along(w, &columns, axis + 1, &middle, &y);
    // The result's maker must be of this node, where both axes stay as they are.
    Ok(if y == x { w.emit("Identity", &[x], vec![]) } else { y })
}

/// The mode and coordinates of a Resize of both axes; one that stays as it is suits any.
fn as_resize(rows: &Axis, columns: &Axis) -> Option<(&'static str, &'static str)> {
    METHODS.into_iter().find_map(|(mode, interpolation)| {
        let found = COORDINATES.into_iter().find(|&(name, coordinates)| {
            // Half a pixel may lie on an edge between elements.
            let exact = mode != "nearest" || name == "asymmetric";
            exact
                && [rows, columns]
                    .into_iter()
                    .all(|axis| axis.is_identity() || axis.is_resize(interpolation, coordinates))
        });
        found.map(|(name, _)| (mode, name))
    })
}

/// One axis of `x` drawn anew.
fn along(w: &mut Writer<'_>, table: &Axis, axis: usize, shape: &[usize], x: &str) -> String {
    if table.is_identity() {
        return x.to_owned();
    }
    if let Some(indices) = table.indices() {
        let bytes = indices.iter().flat_map(|&index| (index as i64).to_le_bytes()).collect();
        let indices = w.constant("indices", &[indices.len()], ElementType::I64, bytes);
        return w.emit("Gather", &[x, &indices], vec![int("axis", axis)]);
    }
    let (extent, places) = (table.extent, table.places());
    if axis + 1 == shape.len() {
        let matrix = w.floats("columns", &[extent, places], &table.matrix(false));
        return w.emit("MatMul", &[x, &matrix], vec![]);
    }
    let matrix = w.floats("rows", &[places, extent], &table.matrix(true));
    let (before, behind) = (&shape[..axis], &shape[axis + 1..]);
    if let [_] = behind {
        return w.emit("MatMul", &[&matrix, x], vec![]);
    }
    let joined = movement::reshape(w, x, &[before, &[extent, behind.iter().product()]].concat());
    let drawn = w.emit("MatMul", &[&matrix, &joined], vec![]);
    movement::reshape(w, &drawn, &[before, &[places], behind].concat())
}
