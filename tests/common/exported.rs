//! Exported graphs: written, read again, run, and left for ONNX Runtime.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::PathBuf};

use tilewright::{
    Context, DType, Tensor,
    graph::{Compiled, Graph, Options},
    onnx::{EXPORT_OPSET, Import, Model, export},
};

use crate::common::close;

/// What a compiled graph answers, each output as f32.
pub fn answers(graph: &Graph, options: &Options, inputs: &[&Tensor]) -> Vec<Vec<f32>> {
    let compiled = Compiled::new(graph, options).unwrap();
    let outputs = compiled.run(inputs).unwrap();
    outputs.iter().map(|y| y.cast(DType::F32).unwrap().to_vec().unwrap()).collect()
}

/// As [`answers`], of the graph written and read again.
fn again(context: &Context, bytes: &[u8], inputs: &[&Tensor]) -> (Vec<String>, Vec<Vec<f32>>) {
    let model = Model::from_bytes(bytes).unwrap();
    assert_eq!(model.opset(""), Some(EXPORT_OPSET));
    let imported = Import::new(&model).graph(context).unwrap();
    assert!(
        imported.outputs.iter().all(|output| output.known().is_none()),
        "an output is computed at import"
    );
    let names = imported.outputs.iter().map(|output| output.name().to_owned()).collect();
    (names, answers(&imported.graph, &Options::default(), inputs))
}

/// Leaves the file with inputs and answers where `TILEWRIGHT_ONNX_EXPORTS` says, in NumPy's format without its library.
pub fn keep(
    name: &str,
    bytes: &[u8],
    inputs: &[(&str, &Tensor)],
    outputs: &[(String, Vec<usize>, Vec<f32>)],
) {
    let Some(folder) = std::env::var_os("TILEWRIGHT_ONNX_EXPORTS").map(PathBuf::from) else { return };
    let folder = folder.join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("model.onnx"), bytes).unwrap();
    let array = |kind: &str, name: &str, descr: &str, shape: &[usize], data: Vec<u8>| {
        let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
        let mut header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", extents.trim_end());
        header.push_str(&" ".repeat((64 - (header.len() + 11) % 64) % 64));
        header.push('\n');
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(data);
        fs::write(folder.join(format!("{kind}-{name}.npy")), file).unwrap();
    };
    for (name, tensor) in inputs {
        let (descr, data) = if tensor.dtype() == DType::I32 {
            ("<i4", tensor.to_vec::<i32>().unwrap().iter().flat_map(|value| value.to_le_bytes()).collect())
        } else {
            ("<f4", tensor.to_vec::<f32>().unwrap().iter().flat_map(|value| value.to_le_bytes()).collect())
        };
        array("input", name, descr, tensor.shape(), data);
    }
    for (name, shape, values) in outputs {
        array("output", name, "<f4", shape, values.iter().flat_map(|value| value.to_le_bytes()).collect());
    }
}

/// Writes the graph as it was captured and as the passes leave it, reads both, and compares.
pub fn round_trip(context: &Context, name: &str, graph: &Graph, inputs: &[(&str, &Tensor)]) {
    let tensors: Vec<_> = inputs.iter().map(|(_, tensor)| *tensor).collect();
    let expected = answers(graph, &Options::default(), &tensors);
    let optimised = Compiled::new(graph, &Options::default()).unwrap();
    for (form, graph) in [("captured", graph), ("optimised", optimised.graph())] {
        let bytes = export(graph, name).unwrap();
        let (names, found) = again(context, &bytes, &tensors);
        let wanted: Vec<_> = graph.outputs().iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, wanted);
        for ((name, found), expected) in names.iter().zip(&found).zip(&expected) {
            if let Err(error) = close(found, expected, 2e-5, 2e-5) {
                panic!("{form} `{name}`: {error}");
            }
        }
        let outputs: Vec<_> = graph
            .outputs()
            .iter()
            .zip(&expected)
            .map(|((name, id), values)| (name.clone(), graph[*id].shape.clone(), values.clone()))
            .collect();
        keep(&format!("{name}-{form}"), &bytes, inputs, &outputs);
    }
}
