//! What import says of models that it cannot take, and plans for several shapes.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use common::{encoded, floats, int, int64s, ints, model, node, sample, value};
use tilewright_graph::Options;
use tilewright_onnx::proto::{GraphProto, ModelProto, NodeProto, TensorProto};
use tilewright_onnx::{Error, HostTensor, Import, Model};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

fn with(nodes: Vec<NodeProto>, initializers: Vec<TensorProto>) -> Model {
    let graph = GraphProto {
        node: nodes,
        initializer: initializers,
        input: vec![value("x", &[0, 3])],
        output: vec![value("y", &[])],
        ..GraphProto::default()
    };
    loaded(&model(graph, 13))
}

fn loaded(proto: &ModelProto) -> Model {
    Model::from_bytes(&encoded(proto)).unwrap()
}

fn refused(model: &Model) -> Error {
    let context = Context::new().unwrap();
    match Import::new(model).shape("x", &[2, 3]).graph(&context) {
        Ok(_) => panic!("it was imported"),
        Err(error) => error,
    }
}

#[test]
fn every_unsupported_operator_is_reported_at_once() {
    let nodes = vec![
        node("GridSample", "warp", &["x", "x"], &["a"]),
        node("Relu", "fine", &["a"], &["b"]),
        node("Wonder", "first", &["b"], &["c"]),
        node("Wonder", "second", &["c"], &["d"]),
        // Known on the host, and this one depends on the input.
        node("NonZero", "places", &["d"], &["y"]),
    ];
    let message = refused(&with(nodes, vec![])).to_string();
    for part in ["3 of", "`warp`", "`first`", "`second`", "`places`", "only of constants"] {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    assert!(!message.contains("fine"), "{message}");
}

/// A network of quantised operators has hundreds of a name: they are counted, and the error has all of them.
#[test]
fn many_nodes_of_an_operator_are_counted() {
    let mut nodes: Vec<_> = (0..200)
        .map(|at| {
            node(
                "Wonder",
                &format!("w{at}"),
                &[&*if at == 0 { "x".into() } else { format!("v{at}") }],
                &[&format!("v{}", at + 1)],
            )
        })
        .collect();
    nodes.push(node("Relu", "last", &["v200"], &["y"]));
    let error = refused(&with(nodes, vec![]));
    assert_eq!(
        error.to_string(),
        "1 of the model's operators are not supported: Wonder at 200 nodes, the first Wonder node `w0`"
    );
    let Error::UnsupportedOperators { operators } = error else { panic!("another error") };
    assert_eq!(operators[0].nodes.len(), 200);
}

/// Types, shapes and numbers are said as ONNX has them, not as Rust shows them.
#[test]
fn messages_speak_of_the_model() {
    let typed = |number: i32| {
        let mut input = value("x", &[2, 3]);
        input.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = number;
        let graph = GraphProto {
            node: vec![node("Relu", "r", &["x"], &["y"])],
            input: vec![input],
            output: vec![value("y", &[2, 3])],
            ..GraphProto::default()
        };
        refused(&loaded(&model(graph, 17))).to_string()
    };
    for (number, name) in [(8, "string"), (14, "complex64"), (0, "undefined")] {
        assert_eq!(typed(number), format!("input `x`: its type, {name}, is not read"));
    }
    // An open extent, another rank, a kernel that the weight has not, and k of TopK.
    let mut open = value("x", &[0, 3]);
    let dims = &mut open.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape.as_mut().unwrap().dim;
    dims[1].value = Some(tilewright_onnx::proto::DimensionValue::Name("width".to_owned()));
    let graph = GraphProto {
        node: vec![node("Relu", "r", &["x"], &["y"])],
        input: vec![open],
        output: vec![value("y", &[0, 3])],
        ..GraphProto::default()
    };
    let model = loaded(&model(graph, 17));
    let context = Context::new().unwrap();
    let said = |import: Import| import.graph(&context).err().unwrap().to_string();
    assert!(said(Import::new(&model)).contains("axis 0 of its shape [?, width] is open"));
    assert!(said(Import::new(&model).shape("x", &[1])).contains("axis 1 of its shape [?, width] is open"));
    let error = said(Import::new(&model).shape("x", &[1, 2, 3]));
    assert_eq!(error, "input `x`: it has 2 axes, and the shape [1, 2, 3] was given");
    let mut top = node("TopK", "top", &["x", "k"], &["y", ""]);
    top.attribute = vec![int("axis", 1)];
    let message = refused(&with(vec![top], vec![int64s("k", &[7])])).to_string();
    assert!(message.contains("k is 7 on an axis of 3"), "{message}");
    let mut conv = node("Conv", "conv", &["v", "w"], &["y"]);
    conv.attribute = vec![ints("kernel_shape", &[2, 2])];
    let weights = vec![floats("w", &[1, 1, 3, 3], &[0.0; 9]), int64s("s", &[1, 1, 2, 3])];
    let message = refused(&with(vec![node("Reshape", "", &["x", "s"], &["v"]), conv], weights)).to_string();
    assert!(message.contains("is [2, 2], and the weight has [3, 3]"), "{message}");
}

#[test]
fn operators_of_other_domains_are_named_with_them() {
    let mut foreign = node("Relu", "theirs", &["x"], &["y"]);
    foreign.domain = "com.example".into();
    let graph = GraphProto {
        node: vec![foreign],
        input: vec![value("x", &[2, 3])],
        output: vec![value("y", &[2, 3])],
        ..GraphProto::default()
    };
    let mut proto = model(graph, 13);
    let mut other = proto.opset_import[0].clone();
    (other.domain, other.version) = ("com.example".into(), 1);
    proto.opset_import.push(other);
    let message = refused(&loaded(&proto)).to_string();
    assert!(message.contains("com.example.Relu"), "{message}");
}

#[test]
fn wrong_nodes_are_named() {
    let relu = || with(vec![node("Relu", "r", &["x"], &["y"])], vec![]);
    let context = Context::new().unwrap();
    let message = |outcome: Result<_, Error>| match outcome {
        Ok(_) => panic!("it was imported"),
        Err(error) => error.to_string(),
    };
    let open = message(Import::new(&relu()).graph(&context).map(drop));
    assert!(open.contains("`x`") && open.contains("open"), "{open}");
    let other = message(Import::new(&relu()).shape("x", &[2, 4]).graph(&context).map(drop));
    assert!(other.contains("given 4") && other.contains("says 3"), "{other}");
    let add = with(vec![node("Add", "sum", &["x", "w"], &["y"])], vec![floats("w", &[2], &[1.0, 2.0])]);
    let text = refused(&add).to_string();
    assert!(text.contains("`sum`") && text.contains("[2, 3]"), "{text}");
    let mut gather = node("Gather", "pick", &["x", "at"], &["y"]);
    gather.attribute = vec![int("axis", 1)];
    let text = refused(&with(vec![gather], vec![int64s("at", &[0, 3])])).to_string();
    assert!(text.contains("`pick`") && text.contains("outside"), "{text}");
    let reshape = with(vec![node("Reshape", "shape", &["x", "x"], &["y"])], vec![]);
    assert!(matches!(refused(&reshape), Error::NotConstant { .. }));
    // Kernels of another rank than the operand's, and a batch without channels.
    for op in ["Conv", "ConvTranspose"] {
        let graph = GraphProto {
            node: vec![node(op, "slides", &["x", "w"], &["y"])],
            initializer: vec![floats("w", &[1, 1, 1], &[1.0])],
            input: vec![value("x", &[1, 1, 2, 2])],
            output: vec![value("y", &[])],
            ..GraphProto::default()
        };
        let text = message(Import::new(&loaded(&model(graph, 13))).graph(&context).map(drop));
        assert!(text.contains("`slides`") && text.contains("[1, 1, 2, 2]"), "{text}");
    }
    let missing = with(vec![node("Add", "half", &["x"], &["y"])], vec![]);
    assert!(refused(&missing).to_string().contains("operand 1 is missing"));
}

#[test]
fn plans_for_several_batches_share_their_weights() {
    let context = Context::new().unwrap();
    let model = Arc::new(loaded(&sample()));
    let plans = model.plans(&context, Options::default(), 4);
    let image: Vec<f32> = (0..25).map(|at| at as f32 * 0.25 - 3.0).collect();
    let run = |batch: usize| {
        let x = Tensor::from_slice(&context, &image.repeat(batch), &[batch, 1, 5, 5]).unwrap();
        let y = plans.run(&[&x]).unwrap().remove(0);
        assert_eq!(y.shape(), [batch, 50]);
        y.to_vec::<f32>().unwrap()
    };
    let one = run(1);
    assert_eq!(run(3), one.repeat(3));
    assert_eq!(run(1), one);
    assert_eq!(plans.plans(), 2);
    assert!(one.iter().any(|&y| y > 0.0), "the sample computes something");
}

#[test]
fn weights_are_kept_between_imports() {
    let context = Context::new().unwrap();
    let model = loaded(&sample());
    let weights = Arc::default();
    for batch in [1, 2] {
        let import = Import::new(&model).weights(&weights).shape("x", &[batch, 1, 5, 5]);
        let imported = import.graph(&context).unwrap();
        assert_eq!(imported.outputs[0].shape(), [batch, 50]);
        // The convolution's weight and bias; the index is only read on the host.
        assert_eq!(weights.len(), 2);
    }
    let given = HostTensor::integers(&[1]);
    assert!(imported_refuses(&model, &context, &given));
}

/// Whether a tensor of another type is refused.
fn imported_refuses(model: &Model, context: &Context, given: &HostTensor) -> bool {
    let imported = Import::new(model).shape("x", &[1, 1, 5, 5]).graph(context).unwrap();
    matches!(imported.inputs[0].upload(context, given), Err(Error::Input { .. }))
}
