//! Graphs written as ONNX and read again compute what they computed. With `TILEWRIGHT_ONNX_EXPORTS=FOLDER` the files and
//! their answers are left there, for `tests/onnx/check_export.py` to run them in ONNX Runtime.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/cases/mod.rs"]
mod cases;
mod common;
#[path = "common/exported.rs"]
mod exported;

use common::{context, random, random_tensor};
use exported::{answers, keep, round_trip};
use tilewright::{
    Context, Conv2dCall, DType, MatMulCall, ParameterStore, Pass, Tensor, Var,
    graph::{Compiled, Graph, Options, Precision, capture},
    nn::Entry,
    onnx::{Error, Import, Model, export},
    ops::{
        AdaptiveAvgPool2d, BatchNorm, BinaryOp, Conv2d, ConvTranspose2d, Coordinates, Interpolation, MatMul,
        Op, Pool2d, PoolKind, Pooling, ReduceOp, Resize2d, Rounding, SliceRange, TapTable, TopK, UnaryOp,
    },
    tensor::{Epilogue, Error as TensorError},
    zoo::{self, Shortcut},
};

type Named = Vec<(String, Tensor)>;

fn constant(context: &Context, seed: u64, shape: &[usize]) -> Tensor {
    random_tensor(context, 100 + seed, shape).0
}

fn graph_of(
    context: &Context,
    inputs: &[(&str, &[usize], DType)],
    build: impl FnOnce(&[Tensor]) -> Result<Named, TensorError>,
) -> Graph {
    capture(context, inputs, build).unwrap()
}

#[test]
fn a_network_of_the_zoo_comes_back() {
    let context = context();
    for (name, shortcut) in [("resnet20", Shortcut::Padding), ("small_cnn", Shortcut::Projection)] {
        let store = ParameterStore::new(&context, 3);
        let options = zoo::Options { image: [3, 32, 32], classes: 10, shortcut };
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

#[test]
fn every_other_operation_comes_back() {
    let context = context();
    let (x, _) = random_tensor(&context, 1, &[2, 6, 8, 7]);
    let (z, _) = random_tensor(&context, 2, &[2, 6, 8, 7]);
    let inputs: [(&str, &[usize], DType); 2] = [("x", x.shape(), DType::F32), ("z", z.shape(), DType::F32)];
    let graph = graph_of(&context, &inputs, |inputs| {
        let (x, z) = (&inputs[0], &inputs[1]);
        let c = x.context();
        let mut all = Named::new();
        let mut add = |name: &str, y: Tensor| all.push((name.to_owned(), y));
        let relu = Some(UnaryOp::Relu);
        // Products.
        let conv = Conv2d { stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 };
        let (weight, bias) = (constant(c, 1, &[4, 3, 3, 2]), constant(c, 2, &[4]));
        let y = x.conv2d(&weight, None, &conv)?;
        let fused = Epilogue { bias: Some(&bias), residual: Some(&y), activation: relu };
        add("conv2d fused", x.conv2d_with(&weight, &Conv2dCall::new(conv).with_epilogue(fused))?);
        add("conv2d", y);
        // A pooling that is part of a convolution, with windows that stay in the image, that overhang, and that have a divisor.
        let pooled = Epilogue { bias: Some(&bias), residual: None, activation: relu };
        let overhanging = Pool2d { ceil_mode: true, ..Pool2d::new([2, 3]) };
        for kind in PoolKind::ALL {
            for pool in
                [Pool2d::new([2, 2]), overhanging, Pool2d { divisor_override: Some(3), ..overhanging }]
            {
                let name = format!("conv2d pooled {kind:?} {} {:?}", pool.ceil_mode, pool.divisor_override);
                add(
                    &name,
                    x.conv2d_with(
                        &weight,
                        &Conv2dCall {
                            pool: Some(Pooling { kind, pool }),
                            ..Conv2dCall::new(conv).with_epilogue(pooled)
                        },
                    )?,
                );
            }
        }
        let transposed = ConvTranspose2d {
            stride: [2, 3],
            padding: [1, 0],
            output_padding: [1, 2],
            ..ConvTranspose2d::default()
        };
        add("conv_transpose2d", x.conv_transpose2d(&constant(c, 3, &[6, 5, 3, 2]), None, &transposed)?);
        let [gamma, beta, mean] = [4, 5, 6].map(|seed| constant(c, seed, &[6]));
        let variance = Tensor::from_slice(c, &random(7, 6, 0.5, 2.0), &[6])?;
        let norm = BatchNorm { eps: 1e-2, momentum: 0.1 };
        // Of what is no convolution, so that it stays one.
        add("batch_norm", x.unary(UnaryOp::Tanh)?.batch_norm_eval(&gamma, &beta, &mean, &variance, &norm)?);
        for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
            let op = MatMul { transpose_left: left, transpose_right: right };
            let a = constant(c, 8, if left { &[56, 5] } else { &[5, 56] });
            let rows = x.reshape(&[if right { 12 } else { 56 }, -1])?;
            let bias = constant(c, 9, &[12]);
            let fused = Epilogue { bias: Some(&bias), residual: None, activation: relu };
            add(
                &format!("matmul {left} {right}"),
                a.matmul_with(&rows, &MatMulCall::new(op).with_epilogue(fused))?,
            );
            // Two batch axes against one.
            let batch = constant(c, 10, if left { &[6, 8, 3] } else { &[6, 3, 8] });
            let other = if right { x.permute(&[0, 1, 3, 2])? } else { x.clone() };
            add(&format!("batched matmul {left} {right}"), batch.matmul_with(&other, &MatMulCall::new(op))?);
        }
        let square = x.reshape(&[56, 12])?.matmul(&z.reshape(&[12, 56])?)?;
        let residual = Epilogue { bias: None, residual: Some(&square), activation: None };
        add(
            "matmul residual",
            x.reshape(&[56, 12])?.matmul_with(
                &z.reshape(&[12, 56])?,
                &MatMulCall::new(MatMul::default()).with_epilogue(residual),
            )?,
        );
        // Poolings: every way to count what an average divides by.
        for ceil_mode in [false, true] {
            for padding in [[0, 0], [1, 0]] {
                for dilation in [[1, 1], [2, 1]] {
                    let pool = Pool2d { stride: [2, 3], padding, dilation, ceil_mode, ..Pool2d::new([3, 2]) };
                    let name = |kind: &str| format!("{kind} {ceil_mode} {padding:?} {dilation:?}");
                    add(&name("max"), x.max_pool2d_values(&pool)?);
                    add(&name("sum"), x.sum_pool2d(&pool)?);
                    add(&name("average"), x.avg_pool2d(&pool)?);
                    add(&name("average inside"), x.avg_pool2d(&Pool2d { count_include_pad: false, ..pool })?);
                    add(
                        &name("average over 5"),
                        x.avg_pool2d(&Pool2d { divisor_override: Some(5), ..pool })?,
                    );
                }
            }
        }
        for output in [[1, 1], [4, 7], [3, 2]] {
            add(&format!("adaptive {output:?}"), x.adaptive_avg_pool2d(AdaptiveAvgPool2d { output })?);
        }
        // Reductions.
        for op in ReduceOp::ALL {
            add(op.name(), x.reduce(op, &[1, 3], true)?);
            add(&format!("{} of all", op.name()), x.reduce(op, &[], false)?);
        }
        add("argmax", x.argmax(&[1], true)?);
        add("argmax of two", x.argmax(&[3, 1], false)?);
        add("softmax", x.softmax(2)?);
        add("log_softmax", x.log_softmax(1)?);
        // Movements.
        add("reshape", x.reshape(&[4, -1, 2])?);
        add("permute", x.permute(&[3, 1, 0, 2])?);
        let step = SliceRange { start: 1, end: 8, step: 3 };
        add("slice", x.slice(&[SliceRange::full(2), SliceRange::new(1, 5), step, SliceRange::full(7)])?);
        add("concat", Tensor::concat(&[x, z, x], 2)?);
        add("pad", x.pad(&[(0, 0), (1, 0), (0, 2), (3, 1)], -1.5)?);
        add("expand", x.sum(&[2], true)?.expand(&[2, 6, 3, 7])?);
        add("cast", x.scale(5.0)?.cast(DType::I32)?);
        let indices = Tensor::from_slice(c, &[3i32, 0, 5, 5], &[2, 2])?;
        add("gather", x.gather(1, &indices)?);
        // Resizing.
        for (name, interpolation, coordinates) in [
            ("linear", Interpolation::Linear, Coordinates::HalfPixel),
            ("corners", Interpolation::Linear, Coordinates::AlignCorners),
            ("cubic", Interpolation::Cubic { a: -0.75, exclude_outside: false }, Coordinates::HalfPixel),
            ("other cubic", Interpolation::Cubic { a: -0.5, exclude_outside: true }, Coordinates::HalfPixel),
            ("nearest", Interpolation::Nearest(Rounding::Floor), Coordinates::Asymmetric),
        ] {
            for size in [[16, 21], [5, 9], [8, 3]] {
                let resize = Resize2d { size, scale: None, interpolation, coordinates };
                add(&format!("{name} {size:?}"), x.resize2d(&resize)?);
            }
        }
        // Axes that are no image's, drawn by tables that are no resize's.
        let table = |extent: usize, size: usize| {
            let linear = TapTable::resize(
                extent,
                size,
                Some(1.3),
                Interpolation::Linear,
                Coordinates::TfHalfPixelForNn,
            );
            Tensor::tap_table(c, &linear.map_err(TensorError::from)?)
        };
        add("resample", x.resample(1, &table(6, 7)?, &table(8, 5)?)?);
        add("mirrored", x.resample_by(&[TapTable::gather(&[2, 1, 0, 1, 2]), TapTable::identity(7)])?);
        add(
            "one of two",
            x.reshape(&[12, 56])?.resample(
                0,
                &table(12, 4)?,
                &Tensor::tap_table(c, &TapTable::identity(56))?,
            )?,
        );
        Ok(all)
    });
    // Nothing of the vocabulary is left out: these and the elementwise ones.
    let found: std::collections::BTreeSet<_> = graph.nodes().iter().map(|node| node.op.name()).collect();
    for op in [
        "conv2d",
        "conv_transpose2d",
        "batch_norm_eval",
        "matmul",
        "max_pool2d",
        "avg_pool2d",
        "sum_pool2d",
        "adaptive_avg_pool2d",
        "argmax",
        "softmax",
        "log_softmax",
        "reshape",
        "permute",
        "slice",
        "concat",
        "pad",
        "expand",
        "cast",
        "gather",
        "resample",
    ] {
        assert!(found.contains(op), "{op} is not in the graph");
    }
    // What has a name in ONNX goes by it, and a fused node by one for each of its parts.
    let model = Model::from_bytes(&export(&graph, "every_operation").unwrap()).unwrap();
    let written: Vec<_> = model.nodes().iter().map(|node| node.op_type.as_str()).collect();
    for operator in
        ["Gemm", "MatMul", "ConvTranspose", "MaxPool", "AveragePool", "Resize", "Gather", "ArgMax", "Pad"]
    {
        assert!(written.contains(&operator), "{operator} is not written: {written:?}");
    }
    assert!(written.windows(3).any(|three| three == ["Conv", "Add", "Relu"]), "{written:?}");
    assert!(written.windows(3).any(|three| three == ["Conv", "Relu", "MaxPool"]), "{written:?}");
    // Linear with its two conventions, cubic, and nearest at twice and thrice the size; the rest are matrices.
    assert!(written.iter().filter(|operator| **operator == "Resize").count() >= 9, "{written:?}");
    round_trip(&context, "every_operation", &graph, &[("x", &x), ("z", &z)]);
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
