//! What the loader reads, and what it says of files that are wrong.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{encoded, floats, int64s, model, node, sample, value};
use tilewright_onnx::proto::{GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto};
use tilewright_onnx::{Dim, ElementType, Error, HostTensor, Model};

fn load(proto: &ModelProto) -> Result<Model, Error> {
    Model::from_bytes(&encoded(proto))
}

fn graph(nodes: Vec<NodeProto>, initializers: Vec<TensorProto>) -> ModelProto {
    let graph = GraphProto {
        node: nodes,
        initializer: initializers,
        input: vec![value("x", &[2, 3])],
        output: vec![value("y", &[2, 3])],
        ..GraphProto::default()
    };
    model(graph, 13)
}

fn message(proto: &ModelProto, parts: &[&str]) {
    let message = load(proto).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn a_model_is_read() {
    let model = load(&sample()).unwrap();
    assert_eq!(model.opset(""), Some(17));
    assert_eq!(model.producer(), "by hand");
    assert_eq!(model.nodes().len(), 7);
    let inputs: Vec<_> = model.inputs().collect();
    assert_eq!(inputs.len(), 1);
    assert_eq!((inputs[0].name.as_str(), inputs[0].dtype), ("x", Some(ElementType::F32)));
    let expected = [Dim::Open, Dim::Extent(1), Dim::Extent(5), Dim::Extent(5)];
    assert_eq!(inputs[0].shape.as_deref(), Some(&expected[..]));
    assert_eq!(model.initializers()["w"].shape(), [2, 1, 3, 3]);
    assert_eq!(model.nodes()[0].attributes.ints("pads").unwrap(), Some(&[1, 1, 1, 1][..]));
    assert!(model.nodes()[0].attributes.int("pads", 0).is_err());
}

#[test]
fn nodes_that_are_not_sorted_are_sorted_and_cycles_are_named() {
    let backwards = vec![node("Relu", "second", &["h"], &["y"]), node("Relu", "first", &["x"], &["h"])];
    let model = load(&graph(backwards, vec![])).unwrap();
    let names: Vec<_> = model.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    let circle = vec![
        node("Relu", "before", &["x"], &["a"]),
        node("Add", "one", &["a", "z"], &["y"]),
        node("Relu", "two", &["y"], &["z"]),
    ];
    message(&graph(circle, vec![]), &["cycle", "`one`", "`two`"]);
    message(&graph(vec![node("Add", "own", &["x", "y"], &["y"])], vec![]), &["cycle", "`own`"]);
}

#[test]
fn names_must_be_made_once_and_exist() {
    message(
        &graph(vec![node("Relu", "lost", &["nowhere"], &["y"])], vec![]),
        &["Relu node `lost`", "`nowhere`"],
    );
    let twice = vec![node("Relu", "one", &["x"], &["y"]), node("Relu", "two", &["x"], &["y"])];
    message(&graph(twice, vec![]), &["`y`", "`one`", "`two`"]);
    message(&graph(vec![node("Relu", "", &["x"], &["h"])], vec![]), &["the graph's output", "`y`"]);
    let shadow = floats("y", &[1], &[1.0]);
    message(&graph(vec![node("Relu", "one", &["x"], &["y"])], vec![shadow]), &["`y`", "initializer"]);
    let same = vec![floats("w", &[1], &[1.0]), floats("w", &[1], &[1.0])];
    message(&graph(vec![node("Relu", "one", &["x"], &["y"])], same), &["`w`", "both"]);
}

#[test]
fn operator_sets_are_checked() {
    let nodes = vec![node("Relu", "r", &["x"], &["y"])];
    let mut future = graph(nodes.clone(), vec![]);
    future.opset_import[0].version = 999;
    message(&future, &["999", "26"]);
    let mut none = graph(nodes, vec![]);
    none.opset_import.clear();
    message(&none, &["opset_import"]);
    let mut foreign = node("Quant", "q", &["x"], &["y"]);
    foreign.domain = "elsewhere".into();
    message(&graph(vec![foreign], vec![]), &["elsewhere"]);
}

#[test]
fn weights_that_lie_are_named() {
    let relu = || vec![node("Relu", "r", &["x"], &["y"])];
    message(
        &graph(relu(), vec![floats("w", &[2, 2], &[1.0; 3])]),
        &["`w`", "[2, 2]", "16 bytes", "12 bytes"],
    );
    message(&graph(relu(), vec![floats("w", &[-2], &[])]), &["`w`", "-2"]);
    let strange = TensorProto { data_type: 21, ..floats("w", &[1], &[1.0]) };
    message(&graph(relu(), vec![strange]), &["`w`", "uint4"]);
}

#[test]
fn bytes_that_are_no_model_are_errors() {
    assert!(matches!(Model::from_bytes(b""), Err(Error::NoGraph { .. })));
    assert!(matches!(Model::from_bytes(b"no model at all"), Err(Error::Decode { .. })));
    let bytes = encoded(&sample());
    assert!(Model::from_bytes(&bytes[..bytes.len() - 9]).is_err());
    let error = Model::load("/nowhere/at/all.onnx").unwrap_err().to_string();
    assert!(error.contains("/nowhere/at/all.onnx"), "{error}");
}

fn external(location: &str, offset: Option<&str>) -> ModelProto {
    let entry = |key: &str, value: &str| StringStringEntryProto { key: key.into(), value: value.into() };
    let mut entries = vec![entry("location", location), entry("length", "8")];
    entries.extend(offset.map(|offset| entry("offset", offset)));
    let weight =
        TensorProto { raw_data: vec![], external_data: entries, data_location: 1, ..floats("w", &[2], &[]) };
    graph(vec![node("Relu", "r", &["x"], &["y"])], vec![weight])
}

#[test]
fn external_data_come_from_the_models_folder_and_from_nowhere_else() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("model");
    std::fs::create_dir_all(folder.join("weights")).unwrap();
    let bytes: Vec<u8> = [9.0_f32, 1.5, -2.5].iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(folder.join("weights/w.bin"), &bytes).unwrap();
    std::fs::write(outside.path().join("secret.bin"), &bytes).unwrap();
    let load = |proto: &ModelProto| {
        let path = folder.join("m.onnx");
        std::fs::write(&path, encoded(proto)).unwrap();
        Model::load(&path)
    };
    let model = load(&external("weights/w.bin", Some("4"))).unwrap();
    assert_eq!(model.initializers()["w"].to_f32(), [1.5, -2.5]);
    let absolute = outside.path().join("secret.bin");
    for (location, offset, word) in [
        ("../secret.bin", None, "inside"),
        (absolute.to_str().unwrap(), None, "inside"),
        ("", None, "inside"),
        ("weights", None, "plain file"),
        ("weights/none.bin", None, "No such file"),
        ("weights/w.bin", Some("8"), "beyond"),
        ("weights/w.bin", Some("18446744073709551615"), "beyond"),
        ("weights/w.bin", Some("x"), "no number"),
    ] {
        let error = load(&external(location, offset)).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("`w`"), "{location}: {error}");
    }
    assert!(Model::from_bytes(&encoded(&external("weights/w.bin", None))).is_err());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&absolute, folder.join("link.bin")).unwrap();
        let error = load(&external("link.bin", None)).unwrap_err().to_string();
        assert!(error.contains("out of"), "{error}");
    }
}

#[test]
fn a_tensor_file_is_read() {
    use prost::Message;
    let (name, tensor) = HostTensor::from_proto_bytes(&int64s("t", &[3, -4]).encode_to_vec()).unwrap();
    assert_eq!((name.as_str(), tensor.to_i64()), ("t", Some(vec![3, -4])));
    assert!(HostTensor::from_proto_bytes(b"\xff\xff").is_err());
}
