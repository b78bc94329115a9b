//! Operators with a second result, the indices: TopK, and MaxPool as ONNX counts it.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{encoded, int, int64s, ints, model, node, value};
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use tilewright_onnx::{Data, ElementType, Error, HostTensor, Import, Model};
use tilewright_runtime::Context;

fn integers(name: &str) -> ValueInfoProto {
    let mut info = value(name, &[]);
    info.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = ElementType::I64.number();
    info
}

/// A model whose last node gives `y` and `indices`.
fn loaded(opset: i64, nodes: Vec<NodeProto>, initializer: Vec<TensorProto>, x: &[usize]) -> Model {
    let extents: Vec<i64> = x.iter().map(|&extent| extent as i64).collect();
    let graph = GraphProto {
        node: nodes,
        initializer,
        input: vec![value("x", &extents)],
        output: vec![value("y", &[]), integers("indices")],
        ..GraphProto::default()
    };
    Model::from_bytes(&encoded(&model(graph, opset))).unwrap()
}

fn run(model: &Model, shape: &[usize], x: &[f32]) -> Result<(HostTensor, HostTensor), Error> {
    let context = Context::new().unwrap();
    let imported = Import::new(model).graph(&context)?;
    let compiled = Compiled::new(&imported.graph, &Options::default())?;
    let x = HostTensor::new(shape, Data::F32(x.to_vec())).unwrap();
    let mut results = imported.run(&compiled, &[&x])?.into_iter().map(|(_, value)| value);
    Ok((results.next().unwrap(), results.next().unwrap()))
}

/// Numbers in disorder, some of them twice.
fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7919 + 13) % 31) as f32 - 15.0).collect()
}

#[test]
fn topk_is_read_in_every_version() {
    let x = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
    let top = |inputs: &[&str], attributes: &[AttributeProto]| {
        let mut node = node("TopK", "top", inputs, &["y", "indices"]);
        node.attribute = attributes.to_vec();
        node
    };
    let (largest, smallest) = (([4.0, 3.0, 9.0, 6.0], [2, 0, 1, 3]), ([1.0, 1.0, 2.0, 5.0], [1, 3, 2, 0]));
    for (opset, node, (values, indices)) in [
        (1, top(&["x"], &[int("k", 2)]), largest),
        (10, top(&["x", "k"], &[int("axis", 1)]), largest),
        (11, top(&["x", "k"], &[int("axis", -1), int("sorted", 0)]), largest),
        (11, top(&["x", "k"], &[int("largest", 0)]), smallest),
    ] {
        let model = loaded(opset, vec![node], vec![int64s("k", &[2])], &[2, 4]);
        let (y, places) = run(&model, &[2, 4], &x).unwrap();
        assert_eq!(y, HostTensor::new(&[2, 2], Data::F32(values.to_vec())).unwrap(), "{opset}");
        assert_eq!(places, HostTensor::new(&[2, 2], Data::I64(indices.to_vec())).unwrap(), "{opset}");
    }
    let along = loaded(11, vec![top(&["x", "k"], &[int("axis", -2)])], vec![int64s("k", &[1])], &[2, 4]);
    let (y, places) = run(&along, &[2, 4], &x).unwrap();
    assert_eq!(y.to_f32(), [5.0, 9.0, 4.0, 6.0]);
    assert_eq!(places.to_i64().unwrap(), [1, 1, 0, 1]);
    for k in [5, -1] {
        let wrong = loaded(11, vec![top(&["x", "k"], &[])], vec![int64s("k", &[k])], &[2, 4]);
        let error = run(&wrong, &[2, 4], &x).unwrap_err().to_string();
        assert!(error.contains("top") && error.contains("axis of 4"), "{error}");
    }
}

/// A pooling as the standard defines it.
struct Pool {
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    /// Before height and width, and behind.
    pads: [usize; 4],
    ceil: bool,
}

impl Pool {
    fn windows(&self, axis: usize, extent: usize) -> usize {
        let span = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
        let room = extent + self.pads[axis] + self.pads[axis + 2] - span;
        let count = if self.ceil { room.div_ceil(self.stride[axis]) } else { room / self.stride[axis] } + 1;
        // One that would start behind the elements is left out.
        count - usize::from(self.ceil && (count - 1) * self.stride[axis] >= extent + self.pads[axis])
    }

    /// Values, and indices over the whole tensor.
    fn expected(&self, [n, c, h, w]: [usize; 4], x: &[f32], by_columns: bool) -> (Vec<f32>, Vec<i64>) {
        let mut found = (vec![], vec![]);
        for plane in 0..n * c {
            for window in 0..self.windows(0, h) * self.windows(1, w) {
                let (row, column) = (window / self.windows(1, w), window % self.windows(1, w));
                let mut best: Option<(f32, usize)> = None;
                for tap in 0..self.kernel[0] * self.kernel[1] {
                    let at = |axis: usize, window: usize, tap: usize| {
                        (window * self.stride[axis] + tap * self.dilation[axis]).checked_sub(self.pads[axis])
                    };
                    let (Some(i), Some(j)) =
                        (at(0, row, tap / self.kernel[1]), at(1, column, tap % self.kernel[1]))
                    else {
                        continue;
                    };
                    if i >= h || j >= w {
                        continue;
                    }
                    let value = x[(plane * h + i) * w + j];
                    if best.is_none_or(|(most, _)| value > most) {
                        best = Some((value, if by_columns { j * h + i } else { i * w + j }));
                    }
                }
                let (value, place) = best.unwrap();
                found.0.push(value);
                found.1.push((plane * h * w + place) as i64);
            }
        }
        found
    }
}

#[test]
fn indices_of_maxima_count_over_the_whole_tensor() {
    let plain = Pool { kernel: [2, 3], stride: [2, 1], dilation: [1, 1], pads: [0; 4], ceil: false };
    let pools = [
        Pool { pads: [1, 1, 1, 1], ..plain },
        Pool { dilation: [2, 1], ceil: true, ..plain },
        // More on one side, and more than half a kernel.
        Pool { pads: [0, 2, 1, 0], ..plain },
        Pool { kernel: [3, 3], stride: [3, 2], pads: [1, 0, 1, 1], ceil: true, ..plain },
        plain,
    ];
    let x = numbers(2 * 3 * 7 * 6);
    for (case, pool) in pools.iter().enumerate() {
        for order in [0, 1] {
            let mut node = node("MaxPool", "pool", &["x"], &["y", "indices"]);
            let list = |name: &str, values: &[usize]| {
                ints(name, &values.iter().map(|&value| value as i64).collect::<Vec<_>>())
            };
            node.attribute = vec![
                list("kernel_shape", &pool.kernel),
                list("strides", &pool.stride),
                list("dilations", &pool.dilation),
                list("pads", &pool.pads),
                int("ceil_mode", i64::from(pool.ceil)),
                int("storage_order", order),
            ];
            let (y, indices) =
                run(&loaded(12, vec![node], vec![], &[2, 3, 7, 6]), &[2, 3, 7, 6], &x).unwrap();
            let (values, places) = pool.expected([2, 3, 7, 6], &x, order == 1);
            assert_eq!(y.to_f32(), values, "case {case}, order {order}");
            assert_eq!(indices.to_i64().unwrap(), places, "case {case}, order {order}");
            assert_eq!(indices.shape(), y.shape());
        }
    }
}

#[test]
fn indices_of_maxima_along_one_axis() {
    let mut node = node("MaxPool", "pool", &["x"], &["y", "indices"]);
    node.attribute = vec![ints("kernel_shape", &[3]), ints("strides", &[2])];
    let x = numbers(2 * 3 * 9);
    let (y, indices) = run(&loaded(8, vec![node], vec![], &[2, 3, 9]), &[2, 3, 9], &x).unwrap();
    let pool = Pool { kernel: [1, 3], stride: [1, 2], dilation: [1, 1], pads: [0; 4], ceil: false };
    let (values, places) = pool.expected([2, 3, 1, 9], &x, false);
    assert_eq!((y.shape(), y.to_f32()), (&[2, 3, 4][..], values));
    assert_eq!((indices.shape(), indices.to_i64().unwrap()), (&[2, 3, 4][..], places));
}

/// Over several planes of more than 2^24 elements together, and in other columns by a rest.
#[test]
fn indices_over_many_planes_are_exact() {
    let side = 2_901;
    let shape = [1, 2, side, side];
    let mut x = vec![0.0; 2 * side * side];
    let last = x.len() - 1;
    x[last] = 1.0;
    let mut pool = node("MaxPool", "pool", &["x"], &["y", "places"]);
    pool.attribute = vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2_899, 2_899])];
    let rest = node("Mod", "rest", &["places", "width"], &["indices"]);
    let mut whole = pool.clone();
    whole.output[1] = "indices".into();
    let (_, places) = run(&loaded(13, vec![whole], vec![], &shape), &shape, &x).unwrap();
    let (plane, wide) = ((side * side) as i64, 2_899_i64);
    let row = wide * side as i64;
    let expected = [0, wide, row, row + wide, plane, plane + wide, plane + row, last as i64];
    assert_eq!(places.to_i64().unwrap(), expected);
    let columns = loaded(13, vec![pool, rest], vec![int64s("width", &[side as i64])], &shape);
    let (_, columns) = run(&columns, &shape, &x).unwrap();
    assert_eq!(columns.to_i64().unwrap(), expected.map(|place| place % side as i64));
}

/// The largest of a plane of more than 2^24 elements.
#[test]
fn an_index_beyond_24_bits_is_exact() {
    let (height, width) = (4100, 4099);
    let last = height * width - 1;
    let mut x = vec![0.0; height * width];
    x[last] = 1.0;
    let mut node = node("MaxPool", "pool", &["x"], &["y", "indices"]);
    node.attribute = vec![ints("kernel_shape", &[2, 2]), ints("strides", &[4098, 4097])];
    let shape = [1, 1, height, width];
    let (y, indices) = run(&loaded(12, vec![node], vec![], &shape), &shape, &x).unwrap();
    assert_eq!(y.to_f32(), [0.0, 0.0, 0.0, 1.0]);
    let row = 4098 * width as i64;
    assert_eq!(indices.to_i64().unwrap(), [0, 4097, row, last as i64]);
}
