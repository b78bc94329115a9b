//! Short chains that other converters, optimisers and runtimes answer wrongly (findings/): compiled with every pass, beside
//! the arithmetic of the specification.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{encoded, floats, int, int64s, ints, model, node, value};
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use tilewright_onnx::{Data, HostTensor, Import, Model};
use tilewright_runtime::Context;

/// What the chain from `x` to `y` gives.
fn run(
    context: &Context,
    opset: i64,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    x: &[f32],
    shape: &[usize],
) -> Vec<f32> {
    let extents: Vec<i64> = shape.iter().map(|&extent| extent as i64).collect();
    let graph = GraphProto {
        node: nodes,
        initializer: constants,
        input: vec![value("x", &extents)],
        output: vec![value("y", &[])],
        ..GraphProto::default()
    };
    let model = Model::from_bytes(&encoded(&model(graph, opset))).unwrap();
    let imported = Import::new(&model).graph(context).unwrap();
    let compiled = Compiled::new(&imported.graph, &Options::default()).unwrap();
    let x = HostTensor::new(shape, Data::F32(x.to_vec())).unwrap();
    imported.run(&compiled, &[&x]).unwrap()[0].1.to_f32()
}

fn with(node: NodeProto, attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto { attribute: attributes, ..node }
}

fn text(name: &str, text: &str) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 3, s: text.into(), ..AttributeProto::default() }
}

/// Channels and columns are as many, so that a row of constants could be mistaken for one of each channel.
const SHAPE: [usize; 4] = [1, 2, 2, 2];

/// A convolution with a bias, of two channels and 1×1 pixels, and an operation with constants on either side.
#[test]
fn constants_beside_a_convolution_keep_their_side_and_axis() {
    let context = Context::new().unwrap();
    let x: Vec<f32> = (0..8).map(|at| 0.7 * at as f32 - 2.6).collect();
    let (weight, bias) = ([1.0f32, 0.5, -2.0, 4.0], [0.25f32, 2.0]);
    let convolved: Vec<f32> = (0..8)
        .map(|at| {
            let (channel, pixel) = (at / 4, at % 4);
            weight[2 * channel] * x[pixel] + weight[2 * channel + 1] * x[4 + pixel] + bias[channel]
        })
        .collect();
    let constants: [&[i64]; 5] = [&[1], &[2], &[2, 1], &[1, 2, 1, 1], &[1, 1, 1, 2]];
    for dims in constants {
        let k: &[f32] = if dims == [1] { &[3.0] } else { &[3.0, -0.5] };
        let constant = |at: usize| match dims {
            [1] => k[0],
            [1, 2, 1, 1] => k[at / 4],
            [2, 1] => k[at / 2 % 2],
            _ => k[at % 2],
        };
        for (op, apply) in [
            ("Add", (|one, other| one + other) as fn(f32, f32) -> f32),
            ("Sub", |one, other| one - other),
            ("Mul", |one, other| one * other),
            ("Div", |one, other| one / other),
        ] {
            for first in [true, false] {
                let operands = if first { ["k", "c"] } else { ["c", "k"] };
                let nodes = vec![node("Conv", "", &["x", "w", "b"], &["c"]), node(op, "", &operands, &["y"])];
                let constants =
                    vec![floats("w", &[2, 2, 1, 1], &weight), floats("b", &[2], &bias), floats("k", dims, k)];
                let found = run(&context, 17, nodes, constants, &x, &SHAPE);
                for (at, (found, &c)) in found.iter().zip(&convolved).enumerate() {
                    let (k, c) = (constant(at), c);
                    let expected = if first { apply(k, c) } else { apply(c, k) };
                    let near = (found - expected).abs() <= 1e-5 * expected.abs().max(1.0);
                    assert!(near, "{op} {operands:?} of {dims:?}, {at}: {found}, not {expected}");
                }
            }
        }
    }
}

/// A padding by zeros is no padding of a maximum, which pads by what is below everything.
#[test]
fn zeros_before_a_maximum_count() {
    let context = Context::new().unwrap();
    let nodes = vec![
        node("Pad", "", &["x", "pads"], &["p"]),
        with(
            node("MaxPool", "", &["p"], &["y"]),
            vec![ints("kernel_shape", &[2, 2]), ints("strides", &[1, 1])],
        ),
    ];
    let pads = int64s("pads", &[0, 0, 1, 1, 0, 0, 1, 1]);
    let found = run(&context, 17, nodes, vec![pads], &[-1.0, -2.0, -3.0, -4.0], &[1, 1, 2, 2]);
    assert_eq!(found, [0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0]);
}

/// The second reshape's 0 takes the axis of the first one's result, not of `x`.
#[test]
fn a_zero_in_a_reshape_is_of_the_shape_before_it() {
    let context = Context::new().unwrap();
    let nodes = vec![
        node("Reshape", "", &["x", "one"], &["r"]),
        node("Reshape", "", &["r", "two"], &["s"]),
        node("Relu", "", &["s"], &["t"]),
        with(node("ReduceSum", "", &["t", "axes"], &["y"]), vec![int("keepdims", 0)]),
    ];
    let constants = vec![int64s("one", &[3, 4]), int64s("two", &[0, 2, 2]), int64s("axes", &[1, 2])];
    let x: Vec<f32> = (0..12).map(|at| at as f32).collect();
    // Of each third, not of each half.
    assert_eq!(run(&context, 17, nodes, constants, &x, &[2, 6]), [6.0, 22.0, 38.0]);
}

/// Read as the version that the file says.
#[test]
fn old_versions_keep_their_meaning() {
    let context = Context::new().unwrap();
    // Before 13 everything from the axis on is one line.
    let hardmax = |opset| {
        let nodes = vec![with(node("Hardmax", "", &["x"], &["y"]), vec![int("axis", 1)])];
        run(&context, opset, nodes, Vec::new(), &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0], &[1, 3, 1, 2])
    };
    assert_eq!(hardmax(11), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(hardmax(13), [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    // Before 11 places are measured from the corner.
    let resize = |mode: &str, scale: f32, x: &[f32]| {
        let nodes = vec![with(node("Resize", "", &["x", "s"], &["y"]), vec![text("mode", mode)])];
        let scales = vec![floats("s", &[4], &[1.0, 1.0, 1.0, scale])];
        run(&context, 10, nodes, scales, x, &[1, 1, 1, x.len()])
    };
    let eight: Vec<f32> = (0..8).map(|at| at as f32).collect();
    assert_eq!(resize("nearest", 0.25, &eight), [0.0, 4.0]);
    let linear = resize("linear", 3.0, &[0.0, 6.0]);
    let expected = [0.0, 2.0, 4.0, 6.0, 6.0, 6.0];
    assert!(
        linear.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5),
        "{linear:?}"
    );
}
