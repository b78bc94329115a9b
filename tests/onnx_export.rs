//! Graphs written as ONNX and read again compute what they computed. With `TILEWRIGHT_ONNX_EXPORTS=FOLDER` the files and
//! their answers are left there, for `tests/onnx/check_export.py` to run them in ONNX Runtime.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/cases/mod.rs"]
mod cases;
mod common;
#[path = "common/exported.rs"]
mod exported;
#[path = "onnx_export/graphs.rs"]
mod graphs;
#[path = "onnx_export/vocabulary.rs"]
mod vocabulary;

use common::{context, random, random_tensor};
use exported::{answers, keep, round_trip};
use graphs::{Named, constant, graph_of};
use tilewright::{
    DType, ParameterStore, Pass, Tensor, Var,
    graph::{Compiled, Graph, Options, Precision, capture},
    nn::Entry,
    onnx::{Error, Import, Model, export},
    ops::{BinaryOp, Op, Pool2d, TopK, UnaryOp},
    zoo::{self, Shortcut},
};

#[test]
fn a_network_of_the_zoo_comes_back() {
    let context = context();
    for (name, shortcut) in [("resnet20", Shortcut::Padding), ("small_cnn", Shortcut::Projection)] {
        let store = ParameterStore::new(&context, 3);
        let options = zoo::Options::new([3, 32, 32], 10).shortcut(shortcut);
        let network = zoo::build(name, &store, options).unwrap();
        for (seed, entry) in store.entries().iter().enumerate() {
            if let Entry::Buffer(parameter) = entry {
                let shape = parameter.shape().to_vec();
                // Means near 0, lest every ReLU be shut and the logits be the last bias.
                let (low, high) =
                    if parameter.path().ends_with("running_mean") { (-0.2, 0.2) } else { (0.5, 1.5) };
                let values = random(seed as u64, shape.iter().product(), low, high);
                parameter.set(Tensor::from_slice(&context, &values, &shape).unwrap()).unwrap();
            }
        }
        let (x, _) = random_tensor(&context, 5, &[2, 3, 32, 32]);
        let graph = capture(&context, &[("input", x.shape(), DType::F32)], |inputs| {
            let y = network.module.forward(&Var::constant(inputs[0].clone()), &Pass::eval())?;
            Ok::<_, tilewright::nn::Error>(vec![("output".to_owned(), y.tensor().clone())])
        })
        .unwrap();
        let logits = &answers(&graph, &Options::default(), &[&x])[0];
        assert!(logits[..10] != logits[10..], "two images have one answer");
        round_trip(&context, name, &graph, &[("input", &x)]);
    }
}

#[test]
fn every_case_comes_back() {
    let context = context();
    let captured = cases::captured(&context);
    let inputs: Vec<_> = captured.inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    round_trip(&context, "cases", &captured.graph, &inputs);
}

#[test]
fn every_binary_operation_comes_back_both_ways_round() {
    let context = context();
    let (x, _) = random_tensor(&context, 1, &[2, 3, 5]);
    let (y, _) = random_tensor(&context, 2, &[3, 1]);
    let inputs: [(&str, &[usize], DType); 2] = [("x", x.shape(), DType::F32), ("y", y.shape(), DType::F32)];
    let graph = graph_of(&context, &inputs, |inputs| {
        let (x, y) = (&inputs[0], &inputs[1]);
        let mut all = vec![];
        for op in BinaryOp::ALL {
            let base = if op == BinaryOp::Pow { x.unary(UnaryOp::Abs)? } else { x.clone() };
            all.push((
                op.name().to_owned(),
                base.binary_fused(op, y, Some(UnaryOp::AddScalar { value: 0.25 }))?,
            ));
            // The other way round: the result has the second operand's shape.
            let base = if op == BinaryOp::Pow { y.unary(UnaryOp::Abs)? } else { y.clone() };
            all.push((format!("{} turned", op.name()), base.binary(op, x)?));
        }
        let condition = x.binary(BinaryOp::Less, y)?;
        all.push(("where".to_owned(), x.where_on(&condition, y)?));
        Ok(all)
    });
    round_trip(&context, "elementwise", &graph, &[("x", &x), ("y", &y)]);
}

/// Every result of a node of several, whichever are read: numbers and indices come back bit by bit.
#[test]
fn several_results_of_a_node_come_back() {
    let context = context();
    let (x, _) = random_tensor(&context, 1, &[2, 6, 9, 7]);
    let inputs: [(&str, &[usize], DType); 1] = [("x", x.shape(), DType::F32)];
    let pool = Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) };
    let pools = [
        ("plain", pool),
        ("dilated", Pool2d { dilation: [2, 1], ..pool }),
        ("overhanging", Pool2d { padding: [0, 0], ceil_mode: true, ..Pool2d::new([2, 2]) }),
    ];
    let graph = graph_of(&context, &inputs, |inputs| {
        let x = &inputs[0];
        let mut all = Named::new();
        for largest in [true, false] {
            let topk = TopK { k: 3, axis: 2, largest };
            let (values, indices) = x.topk(topk)?;
            all.push((format!("topk values {largest}"), values.clone()));
            all.push((format!("topk indices {largest}"), indices));
            // One of the two alone, read by another node and as an output.
            all.push((format!("topk values read {largest}"), x.topk(TopK { k: 2, ..topk })?.0.relu()?));
            let places = x.topk(TopK { k: 9, ..topk })?.1;
            all.push((format!("argsort {largest}"), places));
        }
        for (name, pool) in &pools {
            let (y, indices) = x.max_pool2d(pool)?;
            all.push((format!("{name} maxima"), y.relu()?));
            all.push((format!("{name} indices"), indices));
            all.push((format!("{name} maxima alone"), x.max_pool2d(pool)?.0));
            all.push((format!("{name} indices read"), x.scale(-1.0)?.max_pool2d(pool)?.1.cast(DType::F32)?));
        }
        let parts = x.split(1, &[1, 3, 2])?;
        all.push(("first part".to_owned(), parts[0].relu()?));
        all.push(("last part".to_owned(), parts[2].clone()));
        all.push(("second part alone".to_owned(), x.split(3, &[4, 3])?[1].clone()));
        Ok(all)
    });
    let model = Model::from_bytes(&export(&graph, "results").unwrap()).unwrap();
    let several = |operator: &str| {
        let of = model.nodes().iter().filter(|node| node.op_type == operator);
        of.map(|node| node.outputs.len()).collect::<Vec<_>>()
    };
    assert_eq!(several("TopK"), [2; 6]);
    assert_eq!(several("MaxPool").iter().filter(|&&results| results == 2).count(), 9);
    assert_eq!(several("Split"), [3, 2]);
    let expected = answers(&graph, &Options::default(), &[&x]);
    let imported = Import::new(&model).graph(&context).unwrap();
    let found = answers(&imported.graph, &Options::default(), &[&x]);
    for ((name, _), (found, expected)) in graph.outputs().iter().zip(found.iter().zip(&expected)) {
        assert_eq!(found, expected, "{name}");
    }
    // As many nodes as there were: an index that was counted over the whole tensor is taken back for nothing.
    let count = |graph: &Graph, op: &str| graph.nodes().iter().filter(|node| node.op.name() == op).count();
    for op in ["topk", "max_pool2d", "split", "add"] {
        assert_eq!(count(&imported.graph, op), count(&graph, op), "{op}");
    }
    round_trip(&context, "results", &graph, &[("x", &x)]);
}

#[test]
fn inputs_constants_and_repeated_values_may_be_outputs() {
    let context = context();
    let (x, _) = random_tensor(&context, 1, &[3]);
    let weight = constant(&context, 2, &[3]);
    let graph = graph_of(&context, &[("x", &[3], DType::F32)], |inputs| {
        let y = inputs[0].add(&weight)?.relu()?;
        let outputs = [("same", &inputs[0]), ("y", &y), ("y again", &y), ("a constant", &weight)];
        Ok(outputs.map(|(name, tensor)| (name.to_owned(), tensor.clone())).into())
    });
    let bytes = export(&graph, "ends").unwrap();
    let model = Model::from_bytes(&bytes).unwrap();
    let imported = Import::new(&model).graph(&context).unwrap();
    let found = {
        let compiled = Compiled::new(&imported.graph, &Options::default()).unwrap();
        compiled.run(&[&x]).unwrap().iter().map(|y| y.to_vec::<f32>().unwrap()).collect::<Vec<_>>()
    };
    let expected = answers(&graph, &Options::default(), &[&x]);
    assert_eq!(found[..3], expected[..3]);
    assert_eq!(imported.outputs[3].known().unwrap().to_f32(), expected[3]);
    let outputs: Vec<_> =
        graph.outputs().iter().zip(&expected).map(|((n, _), v)| (n.clone(), vec![3], v.clone())).collect();
    keep("ends", &bytes, &[("x", &x)], &outputs);
}

#[test]
fn indices_that_are_computed_give_zero_outside() {
    // The comparison of integers is not read again; ONNX Runtime's answer is the proof.
    let context = context();
    let (x, _) = random_tensor(&context, 1, &[4, 3]);
    let indices = Tensor::from_slice(&context, &[-5i32, 0, 3, 4, -4, -1], &[3, 2]).unwrap();
    let inputs: [(&str, &[usize], DType); 2] = [("x", &[4, 3], DType::F32), ("i", &[3, 2], DType::I32)];
    let graph =
        graph_of(&context, &inputs, |inputs| Ok(vec![("y".to_owned(), inputs[0].gather(0, &inputs[1])?)]));
    let bytes = export(&graph, "gather").unwrap();
    let operators: Vec<_> =
        Model::from_bytes(&bytes).unwrap().nodes().iter().map(|node| node.op_type.clone()).collect();
    assert_eq!(operators.last().map(String::as_str), Some("Where"), "{operators:?}");
    let expected = answers(&graph, &Options::default(), &[&x, &indices]);
    assert_eq!(expected[0][..3], [0.0; 3]);
    keep(
        "gather",
        &bytes,
        &[("x", &x), ("i", &indices)],
        &[("y".to_owned(), vec![3, 2, 3], expected[0].clone())],
    );
}

#[test]
fn what_onnx_cannot_say_is_an_error_that_names_the_node() {
    let context = context();
    let graph = graph_of(&context, &[("x", &[2, 3], DType::F32)], |inputs| {
        Ok(vec![("y".to_owned(), inputs[0].matmul(&constant(&context, 1, &[3, 4]))?)])
    });
    let narrow = Compiled::new(&graph, &Options { precision: Precision::F16, ..Options::default() }).unwrap();
    let error = export(narrow.graph(), "narrow").unwrap_err();
    assert!(matches!(&error, Error::Export { op: "matmul", .. }), "{error}");
    assert!(error.to_string().contains("matmul.0") && error.to_string().contains("f16"), "{error}");

    let mut graph = Graph::new(&context);
    let x = graph.input("x", &[4, 4], DType::F32);
    let table = graph.input("table", &[4, 1, 2], DType::F32);
    let y = graph.push("moving", Op::Resample { axis: 0 }, &[x, table, table]).unwrap();
    graph.output("y", y).unwrap();
    let error = export(&graph, "computed").unwrap_err();
    assert!(error.to_string().contains("`moving` (resample)"), "{error}");

    let mut graph = Graph::new(&context);
    let x = graph.input("x", &[4], DType::F32);
    let y = graph.push("relu", Op::Unary(UnaryOp::Relu), &[x]).unwrap();
    graph.output("x", y).unwrap();
    assert!(matches!(export(&graph, "twice"), Err(Error::DuplicateName { .. })));
    let mut graph = Graph::new(&context);
    let x = graph.input("", &[4], DType::F32);
    graph.output("y", x).unwrap();
    assert!(export(&graph, "nameless").unwrap_err().to_string().contains("no name"));
}

#[test]
fn names_that_meet_are_told_apart() {
    let context = context();
    let (x, _) = random_tensor(&context, 1, &[4]);
    let mut graph = Graph::new(&context);
    let mut y = graph.input("relu", &[4], DType::F32);
    for _ in 0..3 {
        y = graph.push("relu", Op::Unary(UnaryOp::Silu), &[y]).unwrap();
    }
    y = graph.push("", Op::Unary(UnaryOp::Neg), &[y]).unwrap();
    graph.output("relu_1", y).unwrap();
    round_trip(&context, "names", &graph, &[("relu", &x)]);
}
