//! Quantised operators and networks beside what ONNX Runtime answers without its optimiser, on a processor with VNNI:
//! `quantized/make_quantized.py` says with which version, and writes the files anew.
//!
//! Integers are equal, and so is what is rounded from them by one multiplication. Where real numbers are added before they are
//! rounded (sums of two tensors, means, real numbers between bytes) the order of f32 differs, and a number may be one step
//! apart. `-- --nocapture` prints the share of equal numbers of each case.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use common::{encoded, int, model, node};
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::proto::{AttributeProto, GraphProto, NodeProto, OperatorSetIdProto, TensorProto};
use tilewright_onnx::{ElementType, Error, HostTensor, Import, Imported, Model};
use tilewright_runtime::Context;

struct Run {
    imported: Imported,
    compiled: Compiled,
    /// Found and expected, by output.
    outputs: Vec<(String, HostTensor, HostTensor)>,
}

fn run(context: &Context, path: &Path) -> Result<Run, Error> {
    let model = Model::load(path)?;
    let tensor = |kind: &str, name: &str| model.initializers().get(&format!("{kind}/{name}")).cloned();
    let imported = Import::new(&model).graph(context)?;
    let compiled = Compiled::new(&imported.graph, &Options::default())?;
    let inputs: Vec<_> = imported.inputs.iter().map(|port| tensor("input", &port.name).unwrap()).collect();
    let found = imported.run(&compiled, &inputs.iter().map(AsRef::as_ref).collect::<Vec<&HostTensor>>())?;
    let expected = |name: &str| HostTensor::clone(&tensor("expected", name).unwrap());
    let outputs = found.into_iter().map(|(name, found)| (name.clone(), found, expected(&name))).collect();
    Ok(Run { imported, compiled, outputs })
}

/// Numbers, those that are not equal, and the largest number of steps between two.
#[derive(Clone, Copy, Debug, Default)]
struct Difference {
    numbers: usize,
    unequal: usize,
    steps: i64,
}

fn difference(found: &HostTensor, expected: &HostTensor) -> Difference {
    assert_eq!((found.dtype(), found.shape()), (expected.dtype(), expected.shape()));
    let (found, expected) = (found.to_i64().unwrap(), expected.to_i64().unwrap());
    let steps = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    Difference {
        numbers: found.len(),
        unequal: steps.clone().filter(|&steps| steps > 0).count(),
        steps: steps.max().unwrap_or(0),
    }
}

/// Cases in which real numbers are added before they are rounded.
fn adds_real_numbers(name: &str) -> bool {
    ["qlinear_add", "qlinear_average", "qlinear_global", "qlinear_sigmoid", "pairs_", "network_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// The operations of a compiled graph, and how many of each.
fn operations(compiled: &Compiled) -> BTreeMap<&'static str, usize> {
    let mut found = BTreeMap::new();
    for node in compiled.graph().nodes() {
        *found.entry(node.op.name()).or_default() += 1;
    }
    found
}

#[test]
fn onnx_runtime_agrees() {
    let context = Context::new().unwrap();
    let paths = common::quantized();
    assert!(paths.len() >= 60, "{} cases", paths.len());
    let (mut failed, mut all) = (vec![], Difference::default());
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let outcome = match run(&context, &path) {
            Ok(outcome) => outcome,
            Err(error) => {
                failed.push(format!("{name}: {error}"));
                continue;
            }
        };
        for (output, found, expected) in &outcome.outputs {
            if found.dtype().is_float() {
                // A network's last result is of the bytes before it, which may be a step apart.
                let tolerance = if name.starts_with("network_") { 0.05 } else { 2e-6 };
                if let Some(difference) = common::difference(found, expected, tolerance, tolerance) {
                    failed.push(format!("{name}: `{output}`: {difference}"));
                }
                continue;
            }
            let difference = difference(found, expected);
            let most = i64::from(adds_real_numbers(&name));
            if difference.steps > most || difference.unequal > 2.max(difference.numbers / 100) {
                failed.push(format!("{name}: `{output}`: {difference:?}"));
            }
            if difference.unequal > 0 {
                println!("{name}: `{output}`: {difference:?}");
            }
            all.numbers += difference.numbers;
            all.unequal += difference.unequal;
            all.steps = all.steps.max(difference.steps);
        }
        println!("{name}: {:?}", operations(&outcome.compiled));
    }
    println!("{} of {} numbers differ, by {} steps at most", all.unequal, all.numbers, all.steps);
    assert!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
}

/// Pairs of DequantizeLinear and QuantizeLinear leave nothing in f32 between them.
#[test]
fn real_numbers_between_bytes_are_integers() {
    let context = Context::new().unwrap();
    for path in common::quantized() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // What is computed with scales that follow from the input is real.
        let scales_are_known = name != "network_dynamic";
        if !(name.starts_with("pairs_") || name.starts_with("network_") && scales_are_known) {
            continue;
        }
        let Run { imported, compiled, .. } = run(&context, &path).unwrap();
        let found = operations(&compiled);
        let float = [
            "conv2d",
            "add",
            "mul",
            "sigmoid",
            "elu",
            "max_pool2d",
            "avg_pool2d",
            "mean",
            "adaptive_avg_pool2d",
            "relu",
            "clamp",
        ];
        let left: Vec<_> = float.iter().filter(|op| found.contains_key(*op)).collect();
        assert!(left.is_empty(), "{name}: {found:?}");
        // A network's last product is not quantised.
        let products = found.get("matmul").copied().unwrap_or(0);
        assert!(products <= usize::from(name.starts_with("network_qdq")), "{name}: {found:?}");
        assert!(!imported.graph.nodes().is_empty());
    }
}

fn bytes(name: &str, dims: &[i64], dtype: ElementType, raw_data: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: dtype.number(),
        raw_data,
        ..TensorProto::default()
    }
}

/// One operator on an input `x` of f32 that is quantised before it.
fn refused(op: &str, domain: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
    let mut operator = node(op, "it", inputs, &["y"]);
    operator.attribute = attributes;
    operator.domain = domain.into();
    let graph = GraphProto {
        node: vec![node("QuantizeLinear", "first", &["x", "s", "z"], &["q"]), operator],
        initializer: vec![
            common::floats("s", &[], &[0.5]),
            common::floats("minus", &[], &[-0.5]),
            common::floats("two", &[2], &[0.5, 0.25]),
            bytes("z", &[], ElementType::I8, vec![1]),
            bytes("u", &[], ElementType::U8, vec![1]),
            bytes("w", &[2, 3, 1, 1], ElementType::I8, vec![1; 6]),
            bytes("m", &[4, 3, 2], ElementType::I8, vec![1; 24]),
            bytes("z16", &[], ElementType::I16, vec![1, 0]),
        ],
        input: vec![common::value("x", &[1, 3, 4, 4])],
        output: vec![common::value("y", &[])],
        ..GraphProto::default()
    };
    let mut file = model(graph, 21);
    file.opset_import.push(OperatorSetIdProto { domain: "com.microsoft".into(), version: 1 });
    let model = Model::from_bytes(&encoded(&file)).unwrap();
    let context = Context::new().unwrap();
    match Import::new(&model).graph(&context) {
        Ok(_) => panic!("{op} of {inputs:?} is read"),
        Err(error) => error.to_string(),
    }
}

/// One copy of the bytes on the device, whatever the batch.
#[test]
fn plans_share_bytes() {
    let operator = node("QLinearConv", "conv", &["q", "s", "z", "w", "s", "z", "s", "z"], &["c"]);
    let product = node("MatMulInteger", "product", &["c", "m"], &["p"]);
    let cast = NodeProto { attribute: vec![int("to", 1)], ..node("Cast", "", &["p"], &["y"]) };
    let graph = GraphProto {
        node: vec![node("QuantizeLinear", "first", &["x", "s", "z"], &["q"]), operator, product, cast],
        initializer: vec![
            common::floats("s", &[], &[0.5]),
            bytes("z", &[], ElementType::I8, vec![1]),
            bytes("w", &[2, 3, 1, 1], ElementType::I8, vec![1; 6]),
            bytes("m", &[4, 5], ElementType::I8, vec![1; 20]),
        ],
        input: vec![common::value("x", &[0, 3, 4, 4])],
        output: vec![common::value("y", &[])],
        ..GraphProto::default()
    };
    let model = Model::from_bytes(&encoded(&model(graph, 21))).unwrap();
    let (context, kept) = (Context::new().unwrap(), Arc::default());
    let mut counts = vec![];
    for batch in [1, 2] {
        let import = Import::new(&model).weights(&kept).shape("x", &[batch, 3, 4, 4]);
        assert_eq!(import.graph(&context).unwrap().outputs[0].shape(), [batch, 2, 4, 5]);
        counts.push(kept.len());
    }
    // The scale and the zero point of what is quantised at run time, the weight, and the matrix with its columns as rows.
    assert_eq!(counts, [4, 4]);
}

/// What is not done is an error that names the node and what it wants.
#[test]
fn what_is_not_done_is_refused() {
    let conv = |scale: &'static str, zero: &'static str| ["q", scale, "z", "w", "s", "z", "s", zero];
    let microsoft = "com.microsoft";
    for (found, part) in [
        (refused("QuantizeLinear", "", &["x", "s", "z16"], vec![]), "quantising to int16"),
        (
            refused("QuantizeLinear", "", &["x", "s", "z"], vec![int("block_size", 2)]),
            "a scale for each block",
        ),
        (refused("QuantizeLinear", "", &["x", "two", "z"], vec![]), "a scale of shape [2]"),
        (refused("DequantizeLinear", "", &["q", "s", "u"], vec![]), "zero points of uint8"),
        (refused("QLinearConv", "", &conv("two", "z"), vec![]), "of 2 numbers where one"),
        (refused("QLinearConv", "", &conv("minus", "z"), vec![]), "has the scale -0.5"),
        (
            refused("QLinearConv", "", &["q", "x", "z", "w", "s", "z", "s", "z"], vec![]),
            "must be known at import",
        ),
        (refused("QLinearConv", "", &conv("s", "z"), vec![int("other", 1)]), "attribute `other`"),
        (refused("ConvInteger", "", &["x", "w"], vec![]), "operand 0 of type float"),
        (refused("MatMulInteger", "", &["q", "m"], vec![]), "a product of bytes of shapes"),
        (
            refused(
                "QLinearAveragePool",
                microsoft,
                &["q", "s", "z", "s", "z"],
                vec![int("channels_last", 1), common::ints("kernel_shape", &[2, 2])],
            ),
            "channels come last",
        ),
        (refused("QGemm", microsoft, &["q", "s", "z", "w", "s", "z"], vec![]), "is no matrix"),
    ] {
        assert!(found.contains(part), "{found}");
    }
}
