//! NaN, infinities, zeros of both signs and nothing at all, in every place of a row, against what PyTorch answers: eagerly,
//! through the gradients, and captured and compiled. Where an operation differs on purpose, [`DIFFERENT`] says why.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/cases/mod.rs"]
mod cases;
mod common;

use common::{Cases, close, contexts};
use tilewright::{
    Context, Tensor, Var, autograd,
    graph::{Compiled, Options, capture},
    ops::{Op, Pool2d},
    tensor::composite::Pool3d,
};
use tilewright_reference::golden::{self, Case, Operation};

/// An operation's answer that is not PyTorch's: which role, to which element of the first operand, and why.
struct Different {
    op: &'static str,
    role: &'static str,
    at: fn(f32) -> bool,
    why: &'static str,
}

const DIFFERENT: &[Different] = &[
    Different { op: "sign", role: "y", at: f32::is_nan, why: "NaN stays NaN, as ONNX has it; PyTorch: 0" },
    Different { op: "shrink", role: "y", at: f32::is_nan, why: "NaN stays NaN; PyTorch 1.13: 0" },
    Different { op: "gelu", role: "y", at: is_lowest, why: "0, the limit; PyTorch multiplies -inf by 0" },
    Different { op: "gelu_tanh", role: "grad_x", at: f32::is_infinite, why: "the limit; PyTorch: inf · 0" },
    Different { op: "softsign", role: "grad_x", at: f32::is_infinite, why: "the limit; PyTorch: inf / inf" },
    Different { op: "gelu", role: "grad_x", at: f32::is_infinite, why: "the limit; PyTorch: inf · 0" },
    Different {
        op: "hard_swish",
        role: "grad_x",
        at: is_kink,
        why: "0, the slope to the left; PyTorch 1.13: to the right",
    },
    Different {
        op: "log_sum_exp",
        role: "grad_x",
        at: is_least,
        why: "shares of 1; PyTorch's exp(x - y) lacks digits",
    },
    Different {
        op: "prod",
        role: "grad_x",
        at: f32::is_nan,
        why: "NaN beside another or an infinity; PyTorch: as if there is a zero anywhere in x",
    },
];

fn is_lowest(x: f32) -> bool {
    x == f32::NEG_INFINITY
}

fn is_least(x: f32) -> bool {
    x == f32::MIN
}

fn is_kink(x: f32) -> bool {
    x == -3.0
}

/// Equal, or within the tolerance, or both NaN.
fn same(actual: &[f32], expected: &[f32], relative: f64, absolute: f64) -> Result<(), String> {
    assert_eq!(actual.len(), expected.len());
    let plain = |(a, b): (&f32, &f32)| if a.is_nan() && b.is_nan() { (0.0, 0.0) } else { (*a, *b) };
    let (actual, expected): (Vec<f32>, Vec<f32>) = actual.iter().zip(expected).map(plain).unzip();
    close(&actual, &expected, relative, absolute)
}

/// A case on a device.
struct Run<'a> {
    case: &'a Case,
    context: &'a Context,
}

impl Run<'_> {
    fn tensor(&self, role: &str) -> Tensor {
        let (values, shape) = self.case.f32(role).unwrap();
        Tensor::from_slice(self.context, values, shape).unwrap()
    }

    fn triple(&self, name: &str) -> [usize; 3] {
        let list = self.case.parameters[name].as_array().unwrap();
        [0, 1, 2].map(|at| list[at].as_u64().unwrap() as usize)
    }

    /// The result of the operands, which may be tensors of a capture.
    fn apply(&self, operands: &[Var]) -> autograd::Result<Var> {
        let list = |name: &str| -> Vec<usize> {
            self.case.parameters[name]
                .as_array()
                .unwrap()
                .iter()
                .map(|n| n.as_u64().unwrap() as usize)
                .collect()
        };
        let x = &operands[0];
        match self.case.op.as_str() {
            "argmin" => Ok(Var::constant(x.tensor().argmin(&list("axes"), false)?)),
            "log_sum_exp" => x.log_sum_exp(&list("axes"), false),
            "max_pool3d" => {
                let padding = self.case.parameters["padding"].as_u64().unwrap() as usize;
                let (kernel, stride) = (self.triple("kernel"), self.triple("stride"));
                x.max_pool3d(&Pool3d { stride, padding: [(padding, padding); 3], ..Pool3d::new(kernel) })
            }
            "max_pool2d_bordered" => {
                let border = list("border");
                let (kernel, stride) = (list("kernel"), list("stride"));
                let pool = Pool2d { stride: [stride[0], stride[1]], ..Pool2d::new([kernel[0], kernel[1]]) };
                let border = [(border[0], border[1]), (border[2], border[3])];
                Ok(Var::constant(x.tensor().max_pool2d_bordered(border, &pool)?))
            }
            _ => match self.case.operation().unwrap() {
                Operation::Op(op @ Op::Argmax { .. }) => {
                    Ok(Var::constant(Tensor::run_one(&op, &[x.tensor()])?))
                }
                Operation::Op(op) => cases::run(&op, operands).unwrap_or(Err(autograd::Error::NoTape)),
                other => panic!("{}: {other:?}", self.case.name),
            },
        }
    }

    /// Where the result or gradient is to be PyTorch's.
    fn agreed(&self, role: &str, count: usize) -> Vec<bool> {
        let first = self.case.f32(&self.case.operands()[0]).unwrap().0;
        let rules: Vec<_> =
            DIFFERENT.iter().filter(|rule| rule.op == self.case.op && rule.role == role).collect();
        (0..count).map(|at| !rules.iter().any(|rule| (rule.at)(first[at]))).collect()
    }

    fn compare(&self, role: &str, found: &Tensor) -> Result<(), String> {
        let expected = match self.case.f32(role) {
            Ok((expected, _)) => expected.to_vec(),
            Err(_) => self.case.i32(role).unwrap().0.iter().map(|&index| index as f32).collect(),
        };
        let found = found.cast(tilewright::DType::F32).and_then(|found| found.to_vec::<f32>());
        let found = found.map_err(|error| error.to_string())?;
        let agreed = self.agreed(role, found.len());
        let chosen = |values: &[f32]| -> Vec<f32> {
            values.iter().zip(&agreed).filter(|(_, agreed)| **agreed).map(|(value, _)| *value).collect()
        };
        same(&chosen(&found), &chosen(&expected), 1e-5, 2e-6).map_err(|error| {
            let at: usize = error
                .split("element ")
                .nth(1)
                .and_then(|e| e.split(':').next())
                .map_or(0, |e| e.parse().unwrap_or(0));
            let ops: Vec<_> = self
                .case
                .operands()
                .iter()
                .map(|r| {
                    let v = self.case.f32(r).unwrap().0;
                    if v.len() == found.len() { chosen(v)[at] } else { -99.0 }
                })
                .collect();
            format!("{role} at {ops:?}: {error}")
        })
    }

    fn eager(&self) -> Result<(), String> {
        let text = |error: autograd::Error| error.to_string();
        let roles = self.case.operands();
        let leaves: Vec<Var> = roles
            .iter()
            .map(|role| {
                let wanted = self.case.has(&format!("grad_{role}"));
                if wanted { Var::leaf(self.tensor(role)) } else { Var::constant(self.tensor(role)) }
            })
            .collect();
        let y = self.apply(&leaves).map_err(text)?;
        self.compare("y", y.tensor())?;
        if !self.case.has("grad_y") {
            return Ok(());
        }
        let gradients = y.backward_with(&self.tensor("grad_y")).map_err(text)?;
        for (role, leaf) in
            roles.iter().zip(&leaves).filter(|(role, _)| self.case.has(&format!("grad_{role}")))
        {
            self.compare(&format!("grad_{role}"), gradients.get(leaf).unwrap())?;
        }
        Ok(())
    }

    fn compiled(&self) -> Result<(), String> {
        let tensors: Vec<_> = self.case.operands().iter().map(|role| self.tensor(role)).collect();
        let names: Vec<_> = (0..tensors.len()).map(|at| format!("x{at}")).collect();
        let ports: Vec<_> = names
            .iter()
            .zip(&tensors)
            .map(|(name, tensor)| (name.as_str(), tensor.shape(), tensor.dtype()))
            .collect();
        let graph = capture(self.context, &ports, |inputs| {
            let operands: Vec<_> = inputs.iter().map(|input| Var::constant(input.clone())).collect();
            let y = self.apply(&operands)?;
            Ok::<_, autograd::Error>(vec![("y".to_owned(), y.tensor().clone())])
        })
        .map_err(|error| error.to_string())?;
        let compiled = Compiled::new(&graph, &Options::default()).map_err(|error| error.to_string())?;
        let results = compiled.run(&tensors.iter().collect::<Vec<_>>()).map_err(|error| error.to_string())?;
        self.compare("y", &results[0]).map_err(|error| format!("compiled: {error}"))
    }
}

#[test]
fn special_values_as_pytorch_has_them() {
    let golden = golden::family("special_values").unwrap();
    assert!(golden.len() > 150, "{} cases", golden.len());
    let mut cases = Cases::new();
    for context in contexts() {
        for case in &golden {
            let run = Run { case, context: &context };
            cases.check(format!("{} ({:?})", case.name, context.mode()), run.eager());
            cases.check(format!("{} ({:?})", case.name, context.mode()), run.compiled());
        }
    }
    cases.finish();
}
