//! What differs between operator sets, and attributes that an operator does not have.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{encoded, float64s, floats, int, ints, model, node, value};
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::host::Call;
use tilewright_onnx::proto::{AttributeProto, GraphProto, NodeProto};
use tilewright_onnx::{Data, Error, HostTensor, Import, Model};
use tilewright_runtime::Context;

/// A model of one node over `x`, of 3 elements, and initializers.
fn one(node: NodeProto, opset: i64) -> Result<Model, Error> {
    let outputs = node.output.iter().map(|name| value(name, &[])).collect();
    let graph = GraphProto {
        node: vec![node],
        initializer: vec![floats("w", &[3], &[1.0, 2.0, 3.0])],
        input: vec![value("x", &[3])],
        output: outputs,
        ..GraphProto::default()
    };
    Model::from_bytes(&encoded(&model(graph, opset)))
}

fn imported(node: NodeProto, opset: i64) -> Result<(), String> {
    let context = Context::new().unwrap();
    let model = one(node, opset).map_err(|error| error.to_string())?;
    Import::new(&model).graph(&context).map(drop).map_err(|error| error.to_string())
}

fn text(name: &str, text: &str) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 3, s: text.into(), ..AttributeProto::default() }
}

#[test]
fn operator_sets_up_to_26_are_read() {
    for opset in 1..=26 {
        let relu = node("Relu", "r", &["x"], &["y"]);
        assert_eq!(imported(relu, opset), Ok(()), "{opset}");
    }
    for opset in [0, 27, 28, 29] {
        let message = imported(node("Relu", "r", &["x"], &["y"]), opset).unwrap_err();
        assert!(
            message.contains(&format!("operator set {opset}")) && message.contains("1 to 26"),
            "{message}"
        );
        assert!(message.contains("27 and 28") && message.contains("BitShift"), "{message}");
    }
}

/// Everywhere an attribute could be: on the device, of constants, in a version that has it no more or not yet.
#[test]
fn attributes_that_are_not_known_are_refused_by_name() {
    let with = |op: &str, input: &str, attributes: Vec<AttributeProto>| NodeProto {
        attribute: attributes,
        ..node(op, "n", &[input], &["y"])
    };
    let wrong = |node: NodeProto, opset: i64, parts: &[&str]| {
        let message = imported(node, opset).unwrap_err();
        for part in ["`n`"].iter().chain(parts) {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
    };
    wrong(with("Relu", "x", vec![int("wonder", 1)]), 17, &["`wonder`", "not known"]);
    wrong(with("Relu", "w", vec![int("wonder", 1)]), 17, &["`wonder`", "not known"]);
    wrong(
        with("ReduceSum", "x", vec![ints("axes", &[0])]),
        13,
        &["`axes`", "went with operator set 13", "of 13"],
    );
    assert_eq!(imported(with("ReduceSum", "x", vec![ints("axes", &[0])]), 12), Ok(()));
    wrong(
        with("ArgMax", "x", vec![int("select_last_index", 1)]),
        11,
        &["came with operator set 12", "of 11"],
    );
    wrong(with("Cast", "x", vec![int("to", 1), text("round_mode", "up")]), 25, &["`round_mode`"]);
    // Known, and without a meaning where nothing is trained.
    assert_eq!(imported(with("Relu", "x", vec![ints("consumed_inputs", &[0])]), 1), Ok(()));
    assert_eq!(imported(with("Dropout", "x", vec![int("seed", 7)]), 13), Ok(()));
    let norm = |kind: i64| NodeProto {
        attribute: vec![int("stash_type", kind)],
        ..node("LayerNormalization", "n", &["x", "w"], &["y"])
    };
    assert_eq!(imported(norm(1), 17), Ok(()));
    wrong(norm(11), 17, &["stash_type 11"]);
}

/// The result of a node of constants.
fn host(node: NodeProto, inputs: &[HostTensor]) -> HostTensor {
    let graph = GraphProto {
        input: node.input.iter().map(|name| value(name, &[])).collect(),
        output: vec![value("y", &[])],
        node: vec![node],
        ..GraphProto::default()
    };
    let model = Model::from_bytes(&encoded(&model(graph, 26))).unwrap();
    let call = Call::new(&model.nodes()[0], inputs.iter().map(Some).collect());
    call.evaluate().unwrap().unwrap().remove(0)
}

/// Right shifts keep the sign, left shifts drop what leaves; by fewer than 0 or more bits than there are, 0 or −1 (ONNX,
/// BitShift since operator set 28; the same for unsigned integers before).
#[test]
fn shifts_of_signed_integers() {
    let shift = |direction: &str, x: Vec<i8>, by: Vec<i8>| {
        let node = NodeProto {
            attribute: vec![text("direction", direction)],
            ..node("BitShift", "", &["x", "by"], &["y"])
        };
        host(node, &[HostTensor::vector(Data::I8(x)), HostTensor::vector(Data::I8(by))]).data().clone()
    };
    let (x, by) = (vec![-128, -1, -5, 100, 7, -7], vec![1, 7, 8, 3, -1, -1]);
    assert_eq!(shift("RIGHT", x.clone(), by.clone()), Data::I8(vec![-64, -1, -1, 12, 0, -1]));
    assert_eq!(shift("LEFT", x, by), Data::I8(vec![0, -128, 0, 32, 0, 0]));
}

/// x − ⌊x / y⌋ · y, as NumPy's `mod` and the table of special cases of ONNX (Mod since operator set 28).
#[test]
fn rests_of_floats_have_the_divisors_sign() {
    let (infinity, nan) = (f64::INFINITY, f64::NAN);
    let cases = [
        (5.5, 2.0, 1.5),
        (-5.5, 2.0, 0.5),
        (5.5, -2.0, -0.5),
        (-5.5, -2.0, -1.5),
        (0.0, -3.0, -0.0),
        (-0.0, 3.0, 0.0),
        (6.0, -3.0, -0.0),
        (infinity, 2.0, nan),
        (2.0, 0.0, nan),
        (2.0, infinity, 2.0),
        (-2.0, infinity, infinity),
        (2.0, -infinity, -infinity),
        (nan, 2.0, nan),
        (1e300, 7.0, 1e300 % 7.0),
    ];
    let column =
        |at: fn(&(f64, f64, f64)) -> f64| HostTensor::vector(Data::F64(cases.iter().map(at).collect()));
    let y = host(node("Mod", "", &["x", "by"], &["y"]), &[column(|case| case.0), column(|case| case.1)]);
    let Data::F64(found) = y.data() else { panic!("{:?}", y.dtype()) };
    for (found, case) in found.iter().zip(&cases) {
        let same = found.to_bits() == case.2.to_bits() || found.is_nan() && case.2.is_nan();
        assert!(same, "{case:?}: {found}");
    }
}

/// `torch.nn.functional.pixel_unshuffle(torch.arange(8).view(1, 2, 2, 2), 2)` is arange(8) in order; by depth first the
/// channels alternate. On the host and on the device.
#[test]
fn blocks_become_channels_in_either_order() {
    let context = Context::new().unwrap();
    let x: Vec<f32> = (0..8).map(|at| at as f32).collect();
    for (mode, expected) in
        [("CRD", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), ("DCR", [0.0, 4.0, 1.0, 5.0, 2.0, 6.0, 3.0, 7.0])]
    {
        let to_depth = NodeProto {
            attribute: vec![int("blocksize", 2), text("mode", mode)],
            ..node("SpaceToDepth", "", &["x"], &["y"])
        };
        let tensor = HostTensor::new(&[1, 2, 2, 2], Data::F32(x.clone())).unwrap();
        assert_eq!(host(to_depth.clone(), std::slice::from_ref(&tensor)).to_f32(), expected, "{mode}");
        let graph = GraphProto {
            node: vec![to_depth],
            input: vec![value("x", &[1, 2, 2, 2])],
            output: vec![value("y", &[])],
            ..GraphProto::default()
        };
        let model = Model::from_bytes(&encoded(&model(graph, 26))).unwrap();
        let imported = Import::new(&model).graph(&context).unwrap();
        let compiled = Compiled::new(&imported.graph, &Options::default()).unwrap();
        assert_eq!(imported.run(&compiled, &[&tensor]).unwrap()[0].1.to_f32(), expected, "{mode}");
    }
}

/// Doubles come in and go out as such, with a warning; one that no float holds is refused.
#[test]
fn doubles_are_computed_as_f32() {
    let context = Context::new().unwrap();
    let mut graph = GraphProto {
        node: vec![node("Mul", "", &["x", "w"], &["y"])],
        initializer: vec![float64s("w", &[0.1, 3.0])],
        input: vec![value("x", &[2])],
        output: vec![value("y", &[2])],
        ..GraphProto::default()
    };
    for info in graph.input.iter_mut().chain(&mut graph.output) {
        info.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = 11;
    }
    let model = Model::from_bytes(&encoded(&model(graph, 17))).unwrap();
    let imported = Import::new(&model).graph(&context).unwrap();
    assert!(imported.warnings.len() == 1 && imported.warnings[0].contains("`x`"), "{:?}", imported.warnings);
    let compiled = Compiled::new(&imported.graph, &Options::default()).unwrap();
    let run = |values: Vec<f64>| imported.run(&compiled, &[&HostTensor::vector(Data::F64(values))]);
    let y = run(vec![2.0, -0.5]).unwrap().remove(0).1;
    assert_eq!(y.data(), &Data::F64(vec![f64::from(2.0 * 0.1_f32), -1.5]));
    let beyond = run(vec![1e39, 0.0]).unwrap_err().to_string();
    assert!(beyond.contains("1e39") && beyond.contains("`x`"), "{beyond}");
    assert!(run(vec![f64::INFINITY, 0.0]).is_ok());
}
