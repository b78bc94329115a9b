//! Functions that a file defines, and If whose condition is known: both are written into the graph.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{encoded, floats, int, int64s, model, node, value};
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto,
};
use tilewright_onnx::{Data, Error, HostTensor, Import, Model};
use tilewright_runtime::Context;

fn opset(domain: &str, version: i64) -> OperatorSetIdProto {
    OperatorSetIdProto { domain: domain.into(), version }
}

/// A node of the domain `local`.
fn call(op: &str, name: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto { domain: "local".into(), ..node(op, name, inputs, outputs) }
}

fn function(name: &str, inputs: &[&str], outputs: &[&str], nodes: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        name: name.into(),
        domain: "local".into(),
        input: inputs.iter().map(|&name| name.into()).collect(),
        output: outputs.iter().map(|&name| name.into()).collect(),
        node: nodes,
        opset_import: vec![opset("", 17), opset("local", 1)],
        ..FunctionProto::default()
    }
}

fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 1, f: value, ..AttributeProto::default() }
}

/// An attribute of a function's node that is the call's.
fn reference(name: &str, kind: i32, meant: &str) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: kind,
        ref_attr_name: meant.into(),
        ..AttributeProto::default()
    }
}

fn with(nodes: Vec<NodeProto>, functions: Vec<FunctionProto>) -> ModelProto {
    let graph = GraphProto {
        node: nodes,
        initializer: vec![floats("two", &[1], &[2.0])],
        input: vec![value("x", &[3])],
        output: vec![value("y", &[])],
        ..GraphProto::default()
    };
    let mut proto = model(graph, 17);
    proto.opset_import.push(opset("local", 1));
    proto.functions = functions;
    proto
}

fn loaded(proto: &ModelProto) -> Model {
    Model::from_bytes(&encoded(proto)).unwrap()
}

const X: [f32; 3] = [-2.0, 0.5, 3.0];

fn run(model: &Model) -> Vec<f32> {
    let context = Context::new().unwrap();
    let imported = Import::new(model).graph(&context).unwrap();
    let compiled = Compiled::new(&imported.graph, &Options::default()).unwrap();
    let inputs: Vec<HostTensor> = imported
        .inputs
        .iter()
        .map(|port| HostTensor::new(&port.shape, Data::F32(X.to_vec())).unwrap())
        .collect();
    let outputs = imported.run(&compiled, &inputs.iter().collect::<Vec<_>>()).unwrap();
    outputs[0].1.to_f32()
}

fn refused(proto: &ModelProto) -> String {
    match Model::from_bytes(&encoded(proto)) {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error.to_string(),
    }
}

/// A name of the body is the caller's own name too, a call calls, and the two calls do not meet.
#[test]
fn functions_are_inlined() {
    let twice = function(
        "twice",
        &["a"],
        &["b"],
        vec![node("Add", "sum", &["a", "a"], &["t"]), node("Identity", "", &["t"], &["b"])],
    );
    let four = function(
        "four",
        &["x"],
        &["t"],
        vec![call("twice", "first", &["x"], &["b"]), call("twice", "second", &["b"], &["t"])],
    );
    let nodes = vec![
        call("four", "call", &["x"], &["t"]),
        call("twice", "", &["t"], &["b"]),
        node("Sub", "", &["b", "x"], &["y"]),
    ];
    let model = loaded(&with(nodes, vec![twice, four]));
    assert_eq!(run(&model), X.map(|x| 7.0 * x));
    let names: Vec<&str> = model.nodes().iter().map(|node| node.name.as_str()).collect();
    assert!(names.contains(&"call/first/sum"), "{names:?}");
}

/// An attribute of the call, one of the function's own, one that neither has, and one that comes through two calls.
#[test]
fn attributes_of_the_call_are_meant() {
    let leaky = |attribute: AttributeProto| NodeProto {
        attribute: vec![attribute],
        ..node("LeakyRelu", "", &["a"], &["b"])
    };
    let by_slope = FunctionProto {
        attribute: vec!["slope".into()],
        ..function("leaky", &["a"], &["b"], vec![leaky(reference("alpha", 1, "slope"))])
    };
    let with_default =
        FunctionProto { attribute: vec![], attribute_proto: vec![float("slope", 0.25)], ..by_slope.clone() };
    let given = |name: &str, value: f32| NodeProto {
        attribute: vec![float("slope", value)],
        ..call(name, "", &["x"], &["y"])
    };
    let leak = |slope: f32| X.map(|x| if x < 0.0 { slope * x } else { x });
    assert_eq!(run(&loaded(&with(vec![given("leaky", 0.5)], vec![by_slope.clone()]))), leak(0.5));
    assert_eq!(
        run(&loaded(&with(vec![call("leaky", "", &["x"], &["y"])], vec![by_slope.clone()]))),
        leak(0.01)
    );
    let default = with(vec![call("leaky", "", &["x"], &["y"])], vec![with_default.clone()]);
    assert_eq!(run(&loaded(&default)), leak(0.25));
    assert_eq!(run(&loaded(&with(vec![given("leaky", 2.0)], vec![with_default]))), leak(2.0));
    let inner =
        NodeProto { attribute: vec![reference("slope", 1, "through")], ..call("leaky", "", &["a"], &["b"]) };
    let outer =
        FunctionProto { attribute: vec!["through".into()], ..function("outer", &["a"], &["b"], vec![inner]) };
    let twice = NodeProto { attribute: vec![float("through", 4.0)], ..call("outer", "", &["x"], &["y"]) };
    assert_eq!(run(&loaded(&with(vec![twice], vec![by_slope.clone(), outer]))), leak(4.0));
    let unknown = NodeProto { attribute: vec![float("other", 1.0)], ..call("leaky", "", &["x"], &["y"]) };
    assert!(refused(&with(vec![unknown], vec![by_slope])).contains("`other`"));
}

/// The version of an operator is that of the function's own operator set: before 13 Softmax took all axes behind its own.
#[test]
fn a_function_has_its_own_operator_sets() {
    let softmax = NodeProto { attribute: vec![int("axis", 0)], ..node("Softmax", "", &["a"], &["b"]) };
    let mut old = function("old", &["a"], &["b"], vec![softmax.clone()]);
    old.opset_import = vec![opset("", 11)];
    let shape = floats("shape", &[1], &[0.0]);
    let graph = |node: NodeProto| GraphProto {
        node: vec![node],
        initializer: vec![shape.clone()],
        input: vec![value("x", &[3, 1])],
        output: vec![value("y", &[])],
        ..GraphProto::default()
    };
    let mut proto = model(graph(call("old", "", &["x"], &["y"])), 17);
    proto.opset_import.push(opset("local", 1));
    proto.functions = vec![old.clone()];
    let whole = run(&loaded(&proto));
    assert!((whole.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{whole:?}");
    // With an axis of 1 element for each row, version 11 sees rows of one element and gives ones.
    let mut rows = proto.clone();
    rows.functions[0].node[0].attribute = vec![int("axis", 1)];
    assert_eq!(run(&loaded(&rows)), [1.0; 3]);
    let mut future = proto;
    future.functions[0].opset_import = vec![opset("", 28)];
    assert!(refused(&future).contains("28"));
}

/// Two functions of one name, told apart by their overload; one whose result is its operand; operands left out.
#[test]
fn overloads_pass_through_and_options() {
    let by = |name: &str, op: &str| FunctionProto {
        overload: name.into(),
        ..function("act", &["a"], &["b"], vec![node(op, "", &["a"], &["b"])])
    };
    let calls = |overload: &str, input: &str, output: &str| NodeProto {
        overload: overload.into(),
        ..call("act", "", &[input], &[output])
    };
    let nodes = vec![calls("neg", "x", "n"), calls("abs", "n", "m"), node("Sub", "", &["m", "n"], &["y"])];
    let proto = with(nodes, vec![by("neg", "Neg"), by("abs", "Abs")]);
    assert_eq!(run(&loaded(&proto)), X.map(|x| x.abs() + x));
    let same = function("same", &["a"], &["a"], vec![]);
    let nodes = vec![call("same", "", &["x"], &["s"]), node("Mul", "", &["s", "two"], &["y"])];
    assert_eq!(run(&loaded(&with(nodes, vec![same]))), X.map(|x| 2.0 * x));
    let clip = function(
        "clip",
        &["a", "low", "high"],
        &["b"],
        vec![node("Clip", "", &["a", "low", "high"], &["b"])],
    );
    let high = vec![call("clip", "", &["x", "", "two"], &["y"])];
    assert_eq!(run(&loaded(&with(high, vec![clip.clone()]))), X.map(|x| x.min(2.0)));
    assert_eq!(run(&loaded(&with(vec![call("clip", "", &["x"], &["y"])], vec![clip]))), X);
}

#[test]
fn wrong_functions_are_refused() {
    let loop_of =
        |name: &str, other: &str| function(name, &["a"], &["b"], vec![call(other, "", &["a"], &["b"])]);
    let cycle = with(vec![call("f", "", &["x"], &["y"])], vec![loop_of("f", "g"), loop_of("g", "f")]);
    assert!(matches!(Model::from_bytes(&encoded(&cycle)), Err(Error::Cycle { .. })));
    let one = function("f", &["a"], &["b"], vec![node("Neg", "", &["a"], &["b"])]);
    let many = with(vec![call("f", "", &["x", "x"], &["y"])], vec![one.clone()]);
    assert!(refused(&many).contains("2 operands"));
    let twice = with(vec![call("f", "", &["x"], &["y"])], vec![one.clone(), one]);
    assert!(matches!(Model::from_bytes(&encoded(&twice)), Err(Error::DuplicateName { .. })));
    // 2^40 nodes out of 40 functions.
    let mut functions = vec![function("f0", &["a"], &["b"], vec![node("Neg", "", &["a"], &["b"])])];
    for at in 1..40 {
        let last = format!("f{}", at - 1);
        let nodes = vec![call(&last, "", &["a"], &["t"]), call(&last, "", &["t"], &["b"])];
        functions.push(function(&format!("f{at}"), &["a"], &["b"], nodes));
    }
    assert!(refused(&with(vec![call("f39", "", &["x"], &["y"])], functions)).contains("nodes"));
}

fn body(nodes: Vec<NodeProto>, output: &str) -> GraphProto {
    GraphProto {
        node: nodes,
        output: vec![ValueInfoProto { name: output.into(), ..ValueInfoProto::default() }],
        ..GraphProto::default()
    }
}

fn branch(name: &str, graph: GraphProto) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 5, g: Some(graph), ..AttributeProto::default() }
}

fn either(condition: &str, output: &str, then: GraphProto, other: GraphProto) -> NodeProto {
    let attribute = vec![branch("then_branch", then), branch("else_branch", other)];
    NodeProto { attribute, ..node("If", output, &[condition], &[output]) }
}

/// As PyTorch writes `x.squeeze(0)`: the condition follows from the shape, and each branch reads names from outside. Both
/// branches use one name, which the graph uses too.
#[test]
fn if_takes_the_branch_that_the_shape_chooses() {
    let run_at = |extent: i64| {
        let nodes = vec![
            node("Shape", "", &["x"], &["s"]),
            node("Equal", "", &["s", "three"], &["cs"]),
            node("Squeeze", "", &["cs"], &["c"]),
            node("Neg", "", &["x"], &["t"]),
            either(
                "c",
                "z",
                body(vec![node("Add", "", &["x", "t"], &["u"]), node("Add", "", &["u", "two"], &["v"])], "v"),
                body(vec![node("Mul", "", &["x", "two"], &["u"])], "u"),
            ),
            node("Add", "", &["z", "t"], &["u"]),
            node("Identity", "", &["u"], &["y"]),
        ];
        let mut proto = with(nodes, vec![]);
        proto.graph.as_mut().unwrap().initializer.push(int64s("three", &[extent]));
        run(&loaded(&proto))
    };
    assert_eq!(run_at(3), X.map(|x| 2.0 - x));
    assert_eq!(run_at(4), X);
}

/// If in If in a function, weights in a branch, and a branch that is a name from outside.
#[test]
fn branches_are_nested_and_have_weights() {
    let weighted = |factor: f32| GraphProto {
        initializer: vec![floats("w", &[1], &[factor])],
        ..body(vec![node("Mul", "", &["a", "w"], &["m"])], "m")
    };
    let inner = either("no", "i", body(vec![], "a"), weighted(5.0));
    let outer = either("yes", "b", body(vec![inner], "i"), weighted(7.0));
    let flag = |name: &str, value: i32| tilewright_onnx::proto::TensorProto {
        name: name.into(),
        data_type: 9,
        int32_data: vec![value],
        ..tilewright_onnx::proto::TensorProto::default()
    };
    let choose = function("choose", &["a", "yes", "no"], &["b"], vec![outer]);
    let build = |yes: i32, no: i32| {
        let nodes = vec![
            call("choose", "one", &["x", "yes", "no"], &["p"]),
            call("choose", "two", &["p", "yes", "no"], &["y"]),
        ];
        let mut proto = with(nodes, vec![choose.clone()]);
        proto.graph.as_mut().unwrap().initializer.extend([flag("yes", yes), flag("no", no)]);
        run(&loaded(&proto))
    };
    assert_eq!(build(1, 0), X.map(|x| 25.0 * x));
    assert_eq!(build(1, 1), X);
    assert_eq!(build(0, 1), X.map(|x| 49.0 * x));
}

#[test]
fn a_condition_that_is_not_known_is_named() {
    let context = Context::new().unwrap();
    let nodes = vec![
        node("Less", "", &["x", "two"], &["ls"]),
        either(
            "ls",
            "y",
            body(vec![node("Neg", "", &["x"], &["u"])], "u"),
            body(vec![node("Wonder", "", &["x"], &["u"])], "u"),
        ),
    ];
    let error = match Import::new(&loaded(&with(nodes, vec![]))).graph(&context) {
        Ok(_) => panic!("it was imported"),
        Err(error) => error,
    };
    assert!(matches!(&error, Error::NotConstant { value, .. } if value == "ls"), "{error}");
    let missing = either("two", "y", body(vec![], "nowhere"), body(vec![], "x"));
    assert!(matches!(
        Model::from_bytes(&encoded(&with(vec![missing], vec![]))),
        Err(Error::MissingValue { .. })
    ));
    // What the branch that is taken cannot do is named, and the other branch is nobody's concern.
    let both = |one: &str, other: &str| {
        let of = |op: &str| body(vec![node(op, "inside", &["x"], &["u"])], "u");
        let proto = with(vec![either("two", "y", of(one), of(other))], vec![]);
        Import::new(&loaded(&proto)).graph(&context).map(drop)
    };
    assert!(both("Neg", "Wonder").is_ok());
    let message = both("Wonder", "Neg").unwrap_err().to_string();
    assert!(message.contains("Wonder") && message.contains("inside"), "{message}");
}

/// Weights of a branch and of a function's node may lie beside the model.
#[test]
fn bodies_have_external_data() {
    use tilewright_onnx::proto::{StringStringEntryProto, TensorProto};
    let folder = std::env::temp_dir().join(format!("tilewright-inlined-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let values: Vec<u8> = [3.0_f32, 5.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(folder.join("weights.bin"), values).unwrap();
    let outside = |name: &str, offset: usize| {
        let entry = |key: &str, value: String| StringStringEntryProto { key: key.to_owned(), value };
        TensorProto {
            name: name.into(),
            dims: vec![1],
            data_type: 1,
            data_location: 1,
            external_data: vec![
                entry("location", "weights.bin".to_owned()),
                entry("offset", offset.to_string()),
                entry("length", "4".to_owned()),
            ],
            ..TensorProto::default()
        }
    };
    let constant = NodeProto {
        attribute: vec![AttributeProto {
            name: "value".into(),
            r#type: 4,
            t: Some(outside("", 4)),
            ..AttributeProto::default()
        }],
        ..node("Constant", "", &[], &["w"])
    };
    let five = function("five", &["a"], &["b"], vec![constant, node("Mul", "", &["a", "w"], &["b"])]);
    let then = GraphProto {
        initializer: vec![outside("w", 0)],
        ..body(vec![node("Mul", "", &["f", "w"], &["m"])], "m")
    };
    let nodes = vec![call("five", "", &["x"], &["f"]), either("two", "y", then, body(vec![], "f"))];
    let path = folder.join("model.onnx");
    std::fs::write(&path, encoded(&with(nodes, vec![five]))).unwrap();
    assert_eq!(run(&Model::load(&path).unwrap()), X.map(|x| 15.0 * x));
    std::fs::remove_dir_all(&folder).unwrap();
}
