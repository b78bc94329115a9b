//! The host's operators on ONNX's own node cases: each case whose operators are all computed on the host.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::HashMap;

use tilewright_onnx::host::Call;
use tilewright_onnx::{Error, HostTensor, Model};

#[test]
fn node_cases_are_what_they_should_be() {
    let (mut passed, mut failed) = (0, vec![]);
    for case in common::cases("node") {
        let Ok(model) = Model::load(&case.model) else { continue };
        let inputs: Vec<_> = model.inputs().cloned().collect();
        if !model.nodes().iter().all(Call::known) {
            continue;
        }
        for (given, expected) in &case.sets {
            let tensors: Result<Vec<_>, _> =
                given.iter().chain(expected).map(|bytes| HostTensor::from_proto_bytes(bytes)).collect();
            let Ok(mut tensors) = tensors else { continue };
            let expected = tensors.split_off(given.len()).into_iter().zip(model.outputs());
            let expected: Vec<HostTensor> =
                expected.map(|((_, tensor), output)| common::declared(tensor, output.dtype)).collect();
            let values: HashMap<String, HostTensor> = inputs
                .iter()
                .zip(tensors)
                .map(|(input, (_, tensor))| (input.name.clone(), common::declared(tensor, input.dtype)))
                .collect();
            match run(&model, values) {
                Ok(results) => {
                    for (result, expected) in results.iter().zip(&expected) {
                        match common::difference(result, expected, common::relative(&case.name), 1e-7) {
                            None => passed += 1,
                            Some(difference) => failed.push(format!("{}: {difference}", case.name)),
                        }
                    }
                }
                Err(error) => failed.push(format!("{}: {error}", case.name)),
            }
        }
    }
    println!("{passed} results are right");
    assert!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
    assert!(passed >= 560, "only {passed} results were compared");
}

fn run(model: &Model, mut values: HashMap<String, HostTensor>) -> Result<Vec<HostTensor>, Error> {
    values
        .extend(model.initializers().iter().map(|(name, tensor)| (name.clone(), HostTensor::clone(tensor))));
    for node in model.nodes() {
        let operands =
            (0..node.inputs.len()).map(|at| node.input(at).and_then(|name| values.get(name))).collect();
        let results = Call::new(node, operands).evaluate().unwrap()?;
        for (name, result) in node.outputs.iter().zip(results) {
            values.insert(name.clone(), result);
        }
    }
    Ok(model.outputs().iter().map(|output| values.remove(&output.name).unwrap()).collect())
}
