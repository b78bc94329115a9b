//! ONNX's own test data through import, graph, passes, plan and device: every case whose operators exist passes, and what
//! is not supported is named. The result is the table of `docs/onnx.md`.
//!
//! `TILEWRIGHT_WRITE_DOCS=1 cargo test -p tilewright-onnx --test conformance` writes the page anew.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use common::Case;
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::host::Call;
use tilewright_onnx::import::operators;
use tilewright_onnx::{Error, HostTensor, Import, Imported, Model};
use tilewright_runtime::Context;

/// Sets of the test data, in the order of the page.
const SETS: [&str; 4] = ["node", "simple", "pytorch-operator", "pytorch-converted"];

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// Right, and nodes ran on the device.
    Device,
    /// Right, and everything followed from constants: its inputs say how to compute, or are of types of the host.
    Host,
    /// Not supported, and why.
    Unsupported(String),
    /// Wrong, or an error that should not be.
    Failed(String),
}

struct Run {
    operators: BTreeSet<String>,
    outcome: Outcome,
}

fn run(context: &Context, case: &Case) -> Run {
    let model = match Model::load(&case.model) {
        Ok(model) => model,
        Err(error) => {
            return Run { operators: BTreeSet::new(), outcome: Outcome::Unsupported(error.to_string()) };
        }
    };
    let operators = model.nodes().iter().map(|node| node.operator()).collect();
    assert!(!case.sets.is_empty(), "{} has no data", case.name);
    let mut outcome = Outcome::Host;
    for (inputs, outputs) in &case.sets {
        match run_set(context, case, &model, inputs, outputs) {
            Outcome::Host => {}
            Outcome::Device => outcome = Outcome::Device,
            other => {
                outcome = other;
                break;
            }
        }
    }
    Run { operators, outcome }
}

fn run_set(
    context: &Context,
    case: &Case,
    model: &Model,
    inputs: &[Vec<u8>],
    outputs: &[Vec<u8>],
) -> Outcome {
    let mut given: BTreeMap<String, HostTensor> = BTreeMap::new();
    for (info, bytes) in model.inputs().zip(inputs) {
        if info.dtype.is_none() {
            return Outcome::Unsupported("inputs that are no tensors of numbers".to_owned());
        }
        match HostTensor::from_proto_bytes(bytes) {
            Ok((_, tensor)) => given.insert(info.name.clone(), common::declared(tensor, info.dtype)),
            Err(error) => return Outcome::Unsupported(format!("input `{}`: {error}", info.name)),
        };
    }
    if model.outputs().iter().any(|info| info.dtype.is_none()) {
        return Outcome::Unsupported("outputs that are no tensors of numbers".to_owned());
    }
    let expected: Result<Vec<_>, _> =
        outputs.iter().map(|bytes| HostTensor::from_proto_bytes(bytes)).collect();
    let expected = match expected {
        Ok(expected) => expected,
        Err(error) => return Outcome::Unsupported(format!("an output: {error}")),
    };
    let (found, on_device) = match results(context, model, &given) {
        Ok(found) => found,
        Err(
            error @ (Error::UnsupportedOperators { .. }
            | Error::Unsupported { .. }
            | Error::NotConstant { .. }),
        ) => return Outcome::Unsupported(error.to_string()),
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    if found.len() < expected.len() {
        return Outcome::Failed(format!("{} outputs of {}", found.len(), expected.len()));
    }
    for (((name, found), (_, expected)), info) in found.iter().zip(expected).zip(model.outputs()) {
        let expected = common::declared(expected, info.dtype);
        let (relative, absolute) = (common::relative(&case.name).max(2e-5), common::absolute(&case.name));
        if let Some(difference) = common::difference(found, &expected, relative, absolute) {
            return Outcome::Failed(format!("`{name}`: {difference}"));
        }
    }
    if on_device { Outcome::Device } else { Outcome::Host }
}

type Results = (Vec<(String, HostTensor)>, bool);

/// Runs a model. Inputs are given at the run; one whose value must be known at import is given there, and where nothing
/// of a model is for the device, all of them are.
fn results(context: &Context, model: &Model, given: &BTreeMap<String, HostTensor>) -> Result<Results, Error> {
    let mut constants: BTreeSet<String> = BTreeSet::new();
    let shapes =
        given.iter().fold(Import::new(model), |import, (name, value)| import.shape(name, value.shape()));
    loop {
        let import =
            constants.iter().fold(shapes.clone(), |import, name| import.constant(name, given[name].clone()));
        let run = |imported: Imported| -> Result<Results, Error> {
            let compiled = Compiled::new(&imported.graph, &Options::default())?;
            let inputs: Vec<_> = imported.inputs.iter().map(|port| &given[&port.name]).collect();
            let on_device = imported.outputs.iter().any(|output| output.known().is_none());
            Ok((imported.run(&compiled, &inputs)?, on_device))
        };
        let error = match import.graph(context).and_then(run) {
            Ok(results) => return Ok(results),
            Err(error) => error,
        };
        match &error {
            Error::NotConstant { value, .. }
                if given.contains_key(value) && constants.insert(value.clone()) => {}
            _ if constants.len() < given.len() && model.nodes().iter().all(Call::known) => {
                constants.extend(given.keys().cloned());
            }
            _ => return Err(error),
        }
    }
}

#[test]
fn every_case_passes_or_is_named() {
    let context = Context::new().unwrap();
    let mut sets = String::new();
    let mut failed = vec![];
    let mut by_operator: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut unsupported: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for set in SETS {
        let (mut device, mut host, mut refused) = (0, 0, 0);
        let cases = common::cases(set);
        for case in &cases {
            let run = run(&context, case);
            let column = match run.outcome {
                Outcome::Device => {
                    device += 1;
                    0
                }
                Outcome::Host => {
                    host += 1;
                    1
                }
                Outcome::Unsupported(reason) => {
                    refused += 1;
                    unsupported.entry(reason).or_default().push(case.name.clone());
                    2
                }
                Outcome::Failed(reason) => {
                    failed.push(format!("{set}/{}: {reason}", case.name));
                    continue;
                }
            };
            for operator in run.operators {
                by_operator.entry(operator).or_default()[column] += 1;
            }
        }
        let _ = writeln!(sets, "| {set} | {} | {device} | {host} | {refused} |", cases.len());
        // Guards against data that lost its cases, and against a change that refuses what it used to run.
        let least = match set {
            "node" => (900, 590),
            "pytorch-converted" => (80, 80),
            _ => (20, 5),
        };
        assert!(
            cases.len() >= least.0 && device >= least.1,
            "{set}: {device} of {} on the device",
            cases.len()
        );
    }
    assert!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
    let page = page(&sets, &by_operator, &unsupported);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/onnx.md");
    if std::env::var_os("TILEWRIGHT_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/onnx.md is not what the cases say; write it anew:\n    \
         TILEWRIGHT_WRITE_DOCS=1 cargo test -p tilewright-onnx --test conformance"
    );
}

fn page(
    sets: &str,
    by_operator: &BTreeMap<String, [usize; 3]>,
    unsupported: &BTreeMap<String, Vec<String>>,
) -> String {
    let mut page = format!("{INTRODUCTION}{sets}\n{OPERATORS}");
    let since: BTreeMap<&str, i64> = operators().into_iter().collect();
    let names: BTreeSet<&str> = since.keys().copied().chain(by_operator.keys().map(String::as_str)).collect();
    for name in names {
        let [device, host, refused] = by_operator.get(name).copied().unwrap_or_default();
        let since = since.get(name).map_or_else(|| "–".to_owned(), i64::to_string);
        let _ = writeln!(page, "| {name} | {since} | {device} | {host} | {refused} |");
    }
    let _ = write!(page, "\n{REFUSED}");
    for (reason, cases) in unsupported {
        let reason = reason.replace('|', "\\|");
        let _ = writeln!(page, "| {reason} | {} | {} |", cases.len(), cases[0]);
    }
    page
}

const INTRODUCTION: &str = "\
# ONNX

From a model in PyTorch or TensorFlow to a program, what the frameworks do differently, and writing a network *to* ONNX \
(`tilewright export`, `tilewright_onnx::export`): [inference.md](inference.md). This page is about reading.

What is imported, and how it stands against ONNX's own test data (Debian's `libonnx-testdata`, 1.12). Generated; write it \
anew with `TILEWRIGHT_WRITE_DOCS=1 cargo test -p tilewright-onnx --test conformance`.

`tilewright_onnx::Model` reads operator sets up to 26; `Import` maps a model onto the graph for inputs of given shapes. A \
node whose operands are constants is computed on the host, in any element type; the others run on the device in f32 \
(float16, bfloat16 and 8-bit floats are widened, integers are moved and looked up as i32, doubles are rounded to f32 with a \
warning). What would change a value (arithmetic on integers that are only known at run time) is refused with the node's \
name, and so is every attribute that its operator does not have, and every operator that is not in the table, all of a \
model at once.

Functions that a file defines are inlined, and so is the branch of an If whose condition follows from shapes. Quantised \
constants are dequantised at import, so that a file whose weights alone are quantised runs in f32. Operators of \
`com.microsoft` that are read stand in the table with their domain.

int64, like every integer, has all its bits in the file, on the host, and at outputs that follow from constants. The device \
holds integers in 32 bits: a value beyond them is refused, with its value and its place, at an input of the run and where a \
node of the device reads an initializer; nothing is cut or rounded. bool is 0 and 1 inside and bool at both ends.

A case passes if every output has the right type and shape and differs by at most 2e-5 relative and 3e-6 absolute \
(ONNX's own limits are 1e-3 and 1e-7). *On the host*: its inputs only say how to compute, or are of types that only the \
host computes with, and were given as constants.

| set | cases | on the device | on the host | not supported |
| --- | --- | --- | --- | --- |
";

const OPERATORS: &str = "\
## By operator

*From*: the first version of the operator set whose definition is read on the device; `–`: not on the device. The numbers \
are cases in which the operator appears.

| operator | from | on the device | on the host | not supported |
| --- | --- | --- | --- | --- |
";

const REFUSED: &str = "\
## What is refused

As a user reads it, with the number of cases and the first of them.

| error | cases | such as |
| --- | --- | --- |
";
