//! Models beside their inputs and what ONNX Runtime, or the generator of ONNX's test data, answers: `peers/make_peers.py`
//! says with which version, and writes them anew.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use tilewright_graph::{Compiled, Options};
use tilewright_onnx::{Error, HostTensor, Import, Model};
use tilewright_runtime::Context;

fn run(context: &Context, model: &Model) -> Result<Option<String>, Error> {
    let tensor = |kind: &str, name: &str| model.initializers().get(&format!("{kind}/{name}")).cloned();
    let imported = Import::new(model).graph(context)?;
    let compiled = Compiled::new(&imported.graph, &Options::default())?;
    let inputs: Vec<_> = imported.inputs.iter().map(|port| tensor("input", &port.name).unwrap()).collect();
    let found = imported.run(&compiled, &inputs.iter().map(AsRef::as_ref).collect::<Vec<&HostTensor>>())?;
    let mut compared = 0;
    for (name, found) in &found {
        if let Some(expected) = tensor("expected", name) {
            compared += 1;
            if let Some(difference) = common::difference(found, &expected, 2e-5, 3e-6) {
                return Ok(Some(format!("`{name}`: {difference}")));
            }
        }
    }
    assert!(compared > 0, "nothing was compared");
    Ok(None)
}

#[test]
fn peers_agree() {
    let context = Context::new().unwrap();
    let paths = common::peers();
    assert!(paths.len() >= 140, "{} cases", paths.len());
    let mut failed = vec![];
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        match Model::load(&path).and_then(|model| run(&context, &model)) {
            Ok(None) => {}
            Ok(Some(difference)) => failed.push(format!("{name}: {difference}")),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    assert!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
}
