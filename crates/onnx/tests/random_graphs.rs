//! Random small networks of some 75 operators, beside what ONNX Runtime answers (scripts/random_graphs makes them).
//!
//! Fifty are committed. `scripts/random-graphs.sh 1000 7` makes 1,000 others and runs them, by `TILEWRIGHT_RANDOM_GRAPHS`.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::{HostTensor, Import, Model};
use tilewright_runtime::Context;

/// Parts of a case by name: `model`, `input_0`, `output_0`, `tolerance_0`.
type Case<'a> = BTreeMap<&'a str, &'a [u8]>;

fn tensors(case: &Case<'_>, kind: &str) -> Vec<HostTensor> {
    (0..)
        .map_while(|at| case.get(format!("{kind}_{at}").as_str()))
        .map(|bytes| HostTensor::from_proto_bytes(bytes).unwrap().1)
        .collect()
}

/// What is wrong with a case, if anything is.
fn fault(context: &Context, case: &Case<'_>) -> Result<(), String> {
    let model = Model::from_bytes(case["model"]).map_err(|error| error.to_string())?;
    let inputs = tensors(case, "input");
    let import = model
        .inputs()
        .zip(&inputs)
        .fold(Import::new(&model), |import, (info, x)| import.shape(&info.name, x.shape()));
    let imported = import.graph(context).map_err(|error| error.to_string())?;
    let compiled = Compiled::new(&imported.graph, &Options::default()).map_err(|error| error.to_string())?;
    let given: Vec<&HostTensor> = imported
        .inputs
        .iter()
        .map(|port| &inputs[model.inputs().position(|info| info.name == port.name).unwrap()])
        .collect();
    let found = imported.run(&compiled, &given).map_err(|error| error.to_string())?;
    let expected = tensors(case, "output");
    if found.len() != expected.len() {
        return Err(format!("{} outputs and not {}", found.len(), expected.len()));
    }
    for (at, ((name, found), expected)) in found.iter().zip(&expected).enumerate() {
        let tolerance = f32::from_le_bytes(case[format!("tolerance_{at}").as_str()].try_into().unwrap());
        if let Some(difference) = common::difference(found, expected, 0.0, f64::from(tolerance)) {
            return Err(format!("`{name}` ({tolerance:e} is allowed): {difference}"));
        }
    }
    Ok(())
}

#[test]
fn random_networks_answer_as_onnx_runtime_does() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/random_graphs.safetensors");
    let path = std::env::var_os("TILEWRIGHT_RANDOM_GRAPHS").map_or(committed, PathBuf::from);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let names = file.names();
    let mut cases: BTreeMap<&str, Case<'_>> = BTreeMap::new();
    for name in &names {
        let (case, part) = name.split_once('/').unwrap();
        cases.entry(case).or_default().insert(part, file.tensor(name).unwrap().data());
    }
    assert!(cases.len() >= 50, "{}: only {} networks", path.display(), cases.len());
    let context = Context::new().unwrap();
    let mut faults = vec![];
    for (name, case) in &cases {
        if let Err(fault) = fault(&context, case) {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("random_graphs").join(name);
            std::fs::create_dir_all(&folder).unwrap();
            case.iter().for_each(|(part, bytes)| std::fs::write(folder.join(part), bytes).unwrap());
            faults.push(format!("{}: {fault}", folder.display()));
        }
    }
    assert!(faults.is_empty(), "{} of {} differ:\n{}", faults.len(), cases.len(), faults.join("\n"));
}
