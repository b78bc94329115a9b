//! Small models made by hand, and the cases of ONNX's own test data.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};

use half::bf16;
use prost::Message;
use tilewright_onnx::proto::{
    AttributeProto, DimensionProto, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use tilewright_onnx::{Data, ElementType, HostTensor, Numbers};

pub fn node(op: &str, name: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: name.into(),
        input: inputs.iter().map(|&name| name.into()).collect(),
        output: outputs.iter().map(|&name| name.into()).collect(),
        ..NodeProto::default()
    }
}

pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 2, i: value, ..AttributeProto::default() }
}

pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 7, ints: values.to_vec(), ..AttributeProto::default() }
}

pub fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: ElementType::F32.number(),
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..TensorProto::default()
    }
}

pub fn int64s(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![values.len() as i64],
        data_type: ElementType::I64.number(),
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub fn float64s(name: &str, values: &[f64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![values.len() as i64],
        data_type: ElementType::F64.number(),
        double_data: values.to_vec(),
        ..TensorProto::default()
    }
}

/// A value of f32 whose extents of 0 are open.
pub fn value(name: &str, extents: &[i64]) -> ValueInfoProto {
    let dim =
        |&extent: &i64| DimensionProto { value: (extent != 0).then_some(DimensionValue::Extent(extent)) };
    let shape = Some(TensorShapeProto { dim: extents.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type: ElementType::F32.number(), shape });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type, ..TypeProto::default() }) }
}

pub fn model(graph: GraphProto, opset: i64) -> ModelProto {
    ModelProto {
        ir_version: 8,
        producer_name: "by hand".into(),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: opset }],
        ..ModelProto::default()
    }
}

/// A small network with weights of several types, a Constant node and shape arithmetic.
pub fn sample() -> ModelProto {
    let mut conv = node("Conv", "conv", &["x", "w", "b"], &["c"]);
    conv.attribute = vec![ints("pads", &[1, 1, 1, 1]), ints("kernel_shape", &[3, 3])];
    let mut constant = node("Constant", "minus_one", &[], &["minus_one"]);
    constant.attribute = vec![AttributeProto {
        name: "value".into(),
        r#type: 4,
        t: Some(int64s("", &[-1])),
        ..AttributeProto::default()
    }];
    let mut concat = node("Concat", "target", &["batch", "minus_one"], &["target"]);
    concat.attribute = vec![int("axis", 0)];
    let graph = GraphProto {
        name: "sample".into(),
        node: vec![
            conv,
            node("Relu", "relu", &["c"], &["r"]),
            node("Shape", "shape", &["r"], &["s"]),
            node("Gather", "first", &["s", "zero"], &["batch"]),
            constant,
            concat,
            node("Reshape", "reshape", &["r", "target"], &["y"]),
        ],
        initializer: vec![
            floats("w", &[2, 1, 3, 3], &[0.5; 18]),
            floats("b", &[2], &[0.1, -0.1]),
            int64s("zero", &[0]),
        ],
        input: vec![value("x", &[0, 1, 5, 5])],
        output: vec![value("y", &[0, 50])],
        ..GraphProto::default()
    };
    model(graph, 17)
}

pub fn encoded(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// Tensors as files.
pub type Files = Vec<Vec<u8>>;

/// A model of ONNX's test data with the inputs and outputs of its data sets, in the order of the graph's.
pub struct Case {
    pub name: String,
    pub model: PathBuf,
    pub sets: Vec<(Files, Files)>,
}

/// Where Debian's `libonnx-testdata` lies.
pub const TESTDATA: &str = "/usr/share/libonnx-testdata/data";

/// Names another folder of test data, such as `onnx/backend/test/data` of the PyPI package.
pub const DATA: &str = "TILEWRIGHT_ONNX_DATA";

/// The folder of the test data: one that the environment names, or Debian's.
pub fn testdata() -> PathBuf {
    std::env::var_os(DATA).map_or_else(|| PathBuf::from(TESTDATA), PathBuf::from)
}

/// The cases of one set, by name.
pub fn cases(set: &str) -> Vec<Case> {
    let folder = testdata().join(set);
    assert!(
        folder.is_dir(),
        "{} is not there; `apt-get install libonnx-testdata` brings the test data, and {DATA} names another folder",
        folder.display()
    );
    cases_in(&folder)
}

/// The cases of a folder in the layout of ONNX's test data, by name.
pub fn cases_in(folder: &Path) -> Vec<Case> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut cases: Vec<Case> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("model.onnx").is_file())
        .map(|path| Case {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            model: path.join("model.onnx"),
            sets: (0..)
                .map(|set| path.join(format!("test_data_set_{set}")))
                .take_while(|folder| folder.is_dir())
                .map(|folder| (tensors(&folder, "input"), tensors(&folder, "output")))
                .collect(),
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

fn tensors(folder: &Path, kind: &str) -> Vec<Vec<u8>> {
    (0..)
        .map(|at| folder.join(format!("{kind}_{at}.pb")))
        .take_while(|path| path.is_file())
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// The models of `peers/`, by name.
pub fn peers() -> Vec<PathBuf> {
    models("tests/peers")
}

/// The models of `quantized/`, by name.
pub fn quantized() -> Vec<PathBuf> {
    models("tests/quantized")
}

fn models(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    paths.sort();
    paths
}

/// A tensor of the test data as the model declares it: NumPy has no bfloat16, and its bits were stored as uint16.
pub fn declared(tensor: HostTensor, dtype: Option<ElementType>) -> HostTensor {
    match (tensor.data(), dtype) {
        (Data::U16(bits), Some(ElementType::BF16)) => {
            let values = bits.iter().map(|&bits| bf16::from_bits(bits)).collect();
            HostTensor::new(tensor.shape(), Data::BF16(values)).unwrap()
        }
        _ => tensor,
    }
}

/// The relative tolerance for a case: near f32's own, with exceptions. In version 1.12 of the data the window functions were
/// written down from a π of five digits, as their expanded models hold it in every version: they get ONNX's own 1e-3.
/// Results of bfloat16 were cut in 1.12 and not rounded: they may be one unit in the last place apart.
pub fn relative(case: &str) -> f64 {
    if case.contains("window") {
        1e-3
    } else if case.contains("to_BFLOAT16") {
        1.0 / 128.0
    } else {
        1e-5
    }
}

/// The absolute tolerance for a case: the results of three were written down with four digits behind the point, of which the
/// last is not always right (0.7050 for 0.70492).
pub fn absolute(case: &str) -> f64 {
    match case {
        "test_gridsample_bicubic" | "test_roialign_aligned_true" | "test_roialign_aligned_false" => 1e-4,
        _ => 3e-6,
    }
}

/// Whether two tensors are equal as the test data ask: of one type and shape, integers exactly, floats within
/// |a − b| ≤ absolute + relative · |b|, NaN where NaN is.
pub fn difference(found: &HostTensor, expected: &HostTensor, relative: f64, absolute: f64) -> Option<String> {
    if found.dtype() != expected.dtype() {
        return Some(format!("type {} and not {}", found.dtype(), expected.dtype()));
    }
    if found.shape() != expected.shape() {
        return Some(format!("shape {:?} and not {:?}", found.shape(), expected.shape()));
    }
    match (found.data().numbers(), expected.data().numbers()) {
        (Numbers::Integers(a), Numbers::Integers(b)) => {
            (0..a.len()).find(|&at| a[at] != b[at]).map(|at| format!("{} and not {} at {at}", a[at], b[at]))
        }
        (a, b) => {
            let (a, b) = (a.floats(), b.floats());
            let apart = |at: &usize| {
                let (a, b) = (a[*at], b[*at]);
                let equal = a == b || (a.is_nan() && b.is_nan());
                let near = (a - b).abs() <= absolute + relative * b.abs();
                // A NaN is near nothing.
                !equal && !near
            };
            (0..a.len()).find(apart).map(|at| format!("{} and not {} at {at}", a[at], b[at]))
        }
    }
}
