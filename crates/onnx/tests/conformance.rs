//! ONNX's own test data through import, graph, passes, plan and device: every case whose operators exist passes, and what
//! is not supported is named. The result is the table of `docs/onnx.md`.
//!
//! `TILEWRIGHT_WRITE_DOCS=1 cargo test -p tilewright-onnx --test conformance` writes the page anew.
//!
//! `TILEWRIGHT_ONNX_DATA=FOLDER` runs other data, such as `onnx/backend/test/data` of a newer PyPI package; the table is
//! then printed (`-- --nocapture`) and compared with no page. `TILEWRIGHT_ONNX_LEAST=node=1288/1150` sets the lower limits
//! of a set in place of the committed ones: so many cases there must be, and so many of them right; a third number are
//! those on the device. Several sets stand between commas, and without `TILEWRIGHT_ONNX_LEAST` other data have no limits.
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

/// Cases whose expected values are wrong, with what is right. (Casts to bfloat16, which some versions cut and do not round,
/// have a tolerance: [`common::relative`].)
const WRONG: [(&str, &str); 1] = [(
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True",
    "1.17 divides by the whole window where it leaves the padded extent; ONNX Runtime 1.32 and PyTorch by what is inside",
)];

/// Names the lower limits in the environment.
const LEAST: &str = "TILEWRIGHT_ONNX_LEAST";

/// Guards against data that lost its cases, and against a change that refuses what used to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Least {
    cases: usize,
    right: usize,
    device: usize,
}

/// The lower limits of Debian's data.
const COMMITTED: &str = "node=900/780/590,simple=20/5/5,pytorch-operator=20/20/5,pytorch-converted=80/80/80";

/// Lower limits by set, from `set=cases/right/device`; the last may be left out.
fn least(text: &str) -> Result<BTreeMap<&str, Least>, String> {
    let one = |entry: &'_ str| -> Option<(&'static str, Least)> {
        let (set, numbers) = entry.split_once('=')?;
        let set = SETS.into_iter().find(|known| *known == set.trim())?;
        let numbers: Vec<usize> =
            numbers.split('/').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
        match numbers[..] {
            [cases, right] => Some((set, Least { cases, right, device: 0 })),
            [cases, right, device] => Some((set, Least { cases, right, device })),
            _ => None,
        }
    };
    text.split(',')
        .map(|entry| {
            one(entry).ok_or_else(|| {
                format!(
                    "`{entry}` is not SET=CASES/RIGHT or SET=CASES/RIGHT/DEVICE, a set being one of {SETS:?}"
                )
            })
        })
        .collect()
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// Right, and nodes ran on the device.
    Device,
    /// Right, and everything followed from constants: its inputs say how to compute, or are of types of the host.
    Host,
    /// Not supported, and why.
    Unsupported(String),
    /// The case is of [`WRONG`], and does not pass.
    Wrong(&'static str),
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
    let known = WRONG.iter().find(|(name, _)| *name == case.name);
    let outcome = match (outcome, known) {
        (Outcome::Failed(_), Some(&(_, why))) => Outcome::Wrong(why),
        // Data of another version may be right.
        (outcome, _) => outcome,
    };
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
            return Outcome::Unsupported(format!("an input of type {}", info.type_name));
        }
        match HostTensor::from_proto_bytes(bytes) {
            Ok((_, tensor)) => given.insert(info.name.clone(), common::declared(tensor, info.dtype)),
            Err(error) => return Outcome::Unsupported(format!("input `{}`: {error}", info.name)),
        };
    }
    if let Some(info) = model.outputs().iter().find(|info| info.dtype.is_none()) {
        return Outcome::Unsupported(format!("an output of type {}", info.type_name));
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
    let other = std::env::var_os(common::DATA).is_some();
    let limits = std::env::var(LEAST).ok().or_else(|| (!other).then(|| COMMITTED.to_owned()));
    let limits = limits.as_deref().map_or_else(|| Ok(BTreeMap::new()), least).unwrap();
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
                Outcome::Wrong(why) => {
                    println!("{set}/{} is wrong itself: {why}", case.name);
                    continue;
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
        let least = limits.get(set).copied().unwrap_or_default();
        let found = Least { cases: cases.len(), right: device + host, device };
        if found.cases < least.cases || found.right < least.right || found.device < least.device {
            failed.push(format!("{set}: {found:?}, and there must be at least {least:?}"));
        }
    }
    let page = page(&sets, &by_operator, &unsupported);
    if other {
        println!("{page}");
    }
    assert!(failed.is_empty(), "{} cases or limits failed:\n{}", failed.len(), failed.join("\n"));
    if other {
        return;
    }
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

#[test]
fn limits_are_read_or_refused() {
    let limits = least("node=1288/1150, simple=20/5/4").unwrap();
    assert_eq!(limits["node"], Least { cases: 1288, right: 1150, device: 0 });
    assert_eq!(limits["simple"], Least { cases: 20, right: 5, device: 4 });
    assert_eq!(least(COMMITTED).unwrap().len(), SETS.len());
    for wrong in ["", "node", "node=1", "nodes=1/1", "node=1/x", "node=1/2/3/4"] {
        assert!(least(wrong).unwrap_err().contains("SET=CASES/RIGHT"), "{wrong}");
    }
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
(float16, bfloat16 and 8-bit floats are widened, doubles are rounded to f32 with a warning) and, for integers, in i32. What \
would change a value (sums of uint32) is refused with the node's name, and so is every attribute that its operator does not \
have, and every operator that is not in the table, all of a model at once.

Functions that a file defines are inlined, and so is the branch of an If whose condition follows from shapes. Operators of \
`com.microsoft` that are read stand in the table with their domain.

Quantised networks of int8 and uint8 run in integers, in both forms: by operators of their own (QLinearConv, ConvInteger, \
QLinearMatMul, QGemm, …), and by real operators between DequantizeLinear and QuantizeLinear, which a pass (`fuse_quantized`) \
makes the same operations of: convolutions, products, sums, means, maxima, functions of one number, nearest resizing and movements, with ReLU and Clip. \
What has no such form (a Softmax) runs in f32 between its pairs. Scales and zero points of the operators must be known at \
import, but where DynamicQuantizeLinear gives them to MatMulInteger and ConvInteger (`quantize_dynamic`). A file whose weights alone are quantised runs in f32: they are dequantised at import. Scales for blocks, and types \
of 4 and 16 bits, are read of constants, and DequantizeLinear takes 16 bits anywhere. \
`crates/onnx/tests/quantized.rs` holds the outcome to ONNX Runtime's without its optimiser: integers and what one \
multiplication makes of them are equal; where real numbers are added before they are rounded, 2 of 88,333 numbers are one \
step apart.

int64, like every integer, has all its bits in the file, on the host, and at outputs that follow from constants. The device \
holds integers in 32 bits: a value beyond them is refused, with its value and its place, at an input of the run and where a \
node of the device reads an initializer; nothing is cut or rounded there. Arithmetic on the device wraps: int8, uint8, int16, \
uint16 and int32 in their own bits, as in ONNX Runtime, and int64 in 32. A division of integers by zero gives 0 there, as in \
NumPy, and is an error where it is known. A cast from floats cuts towards zero; what does not fit 32 bits, and NaN, becomes \
−2³¹, of which a smaller type takes the low bits, as in ONNX Runtime on x86 (on the host int64 and the unsigned types have 64 \
bits). An index outside its axis is an error where it is known; on the device it gathers 0, and scatters nothing. bool is 0 and 1 inside and bool at both ends.

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
