//! Real networks against ONNX Runtime's answers. The small ones are committed (`tests/onnx/cases`); with
//! `TILEWRIGHT_ONNX_CASES=FOLDER` those that `tests/onnx/make_cases.py` wrote there are run instead.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::{Path, PathBuf};
use std::time::Instant;

use tilewright_graph::{Compiled, Options};
use tilewright_onnx::{HostTensor, Import, Model};
use tilewright_runtime::Context;

/// Largest difference from ONNX Runtime, of the largest number of an output or of 1.
const TOLERANCE: f64 = 1e-4;

#[test]
fn networks_answer_as_onnx_runtime() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/onnx/cases");
    let folder = std::env::var_os("TILEWRIGHT_ONNX_CASES").map_or(committed, PathBuf::from);
    let context = Context::new().unwrap();
    let (mut ran, mut failed) = (0, vec![]);
    for case in common::cases_in(&folder) {
        let model = Model::load(&case.model).unwrap();
        for (inputs, outputs) in &case.sets {
            let read = |bytes: &Vec<u8>| HostTensor::from_proto_bytes(bytes).unwrap();
            let (inputs, outputs): (Vec<_>, Vec<_>) =
                (inputs.iter().map(read).collect(), outputs.iter().map(read).collect());
            assert!(!outputs.is_empty(), "{} has no outputs to compare with", case.name);
            let import =
                inputs.iter().fold(Import::new(&model), |import, (name, x)| import.shape(name, x.shape()));
            let begun = Instant::now();
            let imported = match import.graph(&context) {
                Ok(imported) => imported,
                Err(error) => {
                    failed.push(format!("{}: {error}", case.name));
                    continue;
                }
            };
            let compiled = Compiled::new(&imported.graph, &Options::default()).unwrap();
            let given: Vec<_> = imported
                .inputs
                .iter()
                .map(|port| &inputs.iter().find(|(name, _)| *name == port.name).unwrap().1)
                .collect();
            let results = imported.run(&compiled, &given).unwrap();
            let first = begun.elapsed();
            let begun = Instant::now();
            imported.run(&compiled, &given).unwrap();
            let again = begun.elapsed();
            ran += 1;
            for ((name, found), (_, expected)) in results.iter().zip(&outputs) {
                let worst = apart(found, expected);
                println!(
                    "{} `{name}` {:?}: {worst:.1e} apart; {} nodes; first {first:.0?}, again {again:.1?}",
                    case.name,
                    found.shape(),
                    compiled.graph().nodes().len(),
                );
                // A NaN is not close.
                let close = worst <= TOLERANCE;
                if !close {
                    failed.push(format!("{} `{name}`: {worst:.1e} apart", case.name));
                }
            }
        }
    }
    assert!(ran > 0, "no network in {}", folder.display());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The largest difference, as a share of the largest expected number where that is above 1.
fn apart(found: &HostTensor, expected: &HostTensor) -> f64 {
    if found.shape() != expected.shape() || found.dtype() != expected.dtype() {
        return f64::INFINITY;
    }
    let (a, b) = (found.data().numbers().floats(), expected.data().numbers().floats());
    let largest = b.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    a.iter()
        .zip(&b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |worst, d| if d > worst || d.is_nan() { d } else { worst })
        / largest
}
