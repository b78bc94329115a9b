//! NaN, infinities, zeros of both signs and nothing at all, in every place of a row, against what PyTorch answers: eagerly,
//! by the reference, through the gradients, and captured and compiled. Where an operation differs on purpose,
//! [`different::ALL`] says why.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/cases/mod.rs"]
mod cases;
mod common;
#[path = "special_values/different.rs"]
mod different;
#[path = "special_values/kernels.rs"]
mod kernels;
#[path = "special_values/rules.rs"]
mod rules;

use std::collections::BTreeSet;

use common::{Cases, close, contexts, full};
use tilewright::{
    Context, DType, Mode, Tensor, Var, autograd,
    graph::{Compiled, Options, capture},
    ops::{Op, Pool2d, ReduceOp},
    tensor::composite::Pool3d,
};
use tilewright_reference::{
    elementwise,
    golden::{self, Case, Operation},
    pooling, reduction, softmax,
};

/// Equal, or within the tolerance, or both NaN.
pub fn same(actual: &[f32], expected: &[f32], relative: f64, absolute: f64) -> Result<(), String> {
    if actual.len() != expected.len() {
        return Err(format!("{} elements, {} expected", actual.len(), expected.len()));
    }
    let plain = |(a, b): (&f32, &f32)| if a.is_nan() && b.is_nan() { (0.0, 0.0) } else { (*a, *b) };
    let (actual, expected): (Vec<f32>, Vec<f32>) = actual.iter().zip(expected).map(plain).unzip();
    close(&actual, &expected, relative, absolute)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A case, and which rules of what differs were needed so far.
struct Run<'a> {
    case: &'a Case,
    needed: &'a mut BTreeSet<usize>,
}

impl Run<'_> {
    fn tensor(&self, context: &Context, role: &str) -> Tensor {
        let (values, shape) = self.case.f32(role).unwrap();
        Tensor::from_slice(context, values, shape).unwrap()
    }

    fn counts(&self, name: &str) -> Vec<usize> {
        let list = self.case.parameters[name].as_array().unwrap();
        list.iter().map(|count| count.as_u64().unwrap() as usize).collect()
    }

    /// The result of the operands, which may be tensors of a capture.
    fn apply(&self, operands: &[Var]) -> autograd::Result<Var> {
        let x = &operands[0];
        match self.case.op.as_str() {
            "argmin" => Ok(Var::constant(x.tensor().argmin(&self.counts("axes"), false)?)),
            "log_sum_exp" => x.log_sum_exp(&self.counts("axes"), false),
            "max_pool3d" => {
                let three = |name| <[usize; 3]>::try_from(self.counts(name)).unwrap();
                let padding = self.case.parameters["padding"].as_u64().unwrap() as usize;
                let pool = Pool3d { stride: three("stride"), ..Pool3d::new(three("kernel")) };
                x.max_pool3d(&Pool3d { padding: [(padding, padding); 3], ..pool })
            }
            "max_pool2d_bordered" => {
                let two = |name| <[usize; 2]>::try_from(self.counts(name)).unwrap();
                let pool = Pool2d { stride: two("stride"), ..Pool2d::new(two("kernel")) };
                let border = self.counts("border");
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

    /// The elements beside PyTorch's, without those that differ on purpose.
    fn compare(&mut self, role: &str, found: &[f32]) -> Result<(), String> {
        let expected = match self.case.f32(role) {
            Ok((expected, _)) => expected.to_vec(),
            Err(_) => self.case.i32(role).unwrap().0.iter().map(|&index| index as f32).collect(),
        };
        let operand = self.case.f32(&self.case.operands()[0]).unwrap().0;
        let (mut kept, mut left) = (Vec::new(), Vec::new());
        for (at, pair) in found.iter().copied().zip(expected.iter().copied()).enumerate() {
            let rule = different::ALL
                .iter()
                .position(|rule| rule.op == self.case.op && rule.role == role && (rule.at)(operand[at]));
            match rule {
                Some(rule) => left.push((rule, pair)),
                None => kept.push(pair),
            }
        }
        for (rule, (found, expected)) in left {
            if same(&[found], &[expected], 1e-5, 2e-6).is_err() {
                self.needed.insert(rule);
            }
        }
        if found.len() != expected.len() {
            return Err(format!("{role}: {} elements, {} expected", found.len(), expected.len()));
        }
        let (found, expected): (Vec<f32>, Vec<f32>) = kept.into_iter().unzip();
        same(&found, &expected, 1e-5, 2e-6).map_err(|error| format!("{role}: {error}"))
    }

    fn compare_tensor(&mut self, role: &str, found: &Tensor) -> Result<(), String> {
        self.compare(role, &found.cast(DType::F32).and_then(|found| found.to_vec()).map_err(text)?)
    }

    fn eager(&mut self, context: &Context) -> Result<(), String> {
        let roles = self.case.operands();
        let gradient = |role: &str| format!("grad_{role}");
        let operand = |role: &String| {
            let tensor = self.tensor(context, role);
            if self.case.has(&gradient(role)) { Var::leaf(tensor) } else { Var::constant(tensor) }
        };
        let operands: Vec<Var> = roles.iter().map(operand).collect();
        let y = self.apply(&operands).map_err(text)?;
        self.compare_tensor("y", y.tensor())?;
        if !self.case.has("grad_y") {
            return Ok(());
        }
        let gradients = y.backward_with(&self.tensor(context, "grad_y")).map_err(text)?;
        for (role, leaf) in roles.iter().zip(&operands) {
            if self.case.has(&gradient(role)) {
                self.compare_tensor(&gradient(role), gradients.get(leaf).ok_or("no gradient")?)?;
            }
        }
        Ok(())
    }

    fn compiled(&mut self, context: &Context) -> Result<(), String> {
        let tensors: Vec<_> = self.case.operands().iter().map(|role| self.tensor(context, role)).collect();
        let names: Vec<_> = (0..tensors.len()).map(|at| format!("x{at}")).collect();
        let ports = names.iter().zip(&tensors);
        let ports: Vec<_> = ports.map(|(name, x)| (name.as_str(), x.shape(), x.dtype())).collect();
        let graph = capture(context, &ports, |inputs| {
            let operands: Vec<_> = inputs.iter().map(|input| Var::constant(input.clone())).collect();
            let y = self.apply(&operands)?;
            Ok::<_, autograd::Error>(vec![("y".to_owned(), y.tensor().clone())])
        });
        let compiled = Compiled::new(&graph.map_err(text)?, &Options::default()).map_err(text)?;
        let results = compiled.run(&tensors.iter().collect::<Vec<_>>()).map_err(text)?;
        self.compare_tensor("y", &results[0])
    }

    /// What the scalar meaning of the operation says, where it has one.
    fn reference(&mut self) -> Result<(), String> {
        let operands: Vec<_> = self.case.operands().iter().map(|role| self.case.f32(role).unwrap()).collect();
        let (x, shape) = operands[0];
        let grad_y = self.case.f32("grad_y").map(|(grad_y, _)| grad_y);
        let Ok(Operation::Op(op)) = self.case.operation() else { return Ok(()) };
        match op {
            Op::Unary(op) => {
                self.compare("y", &elementwise::unary(op, x))?;
                self.compare("grad_x", &elementwise::unary_backward(op, x, grad_y.unwrap()))
            }
            Op::Binary { op, .. } => {
                let b = operands[1];
                self.compare("y", &elementwise::binary(op, x, shape, b.0, b.1))?;
                let Ok(grad_y) = grad_y else { return Ok(()) };
                let (grad_a, grad_b) = elementwise::binary_backward(op, x, shape, b.0, b.1, grad_y);
                self.compare("grad_a", &grad_a)?;
                self.compare("grad_b", &grad_b)
            }
            Op::Reduce { op, axes, .. } => {
                self.compare("y", &reduction::reduce(op, x, shape, &axes))?;
                // The reference's product of the others takes no element apart.
                let Ok(grad_y) =
                    grad_y.or(Err(())).and_then(|g| if op == ReduceOp::Prod { Err(()) } else { Ok(g) })
                else {
                    return Ok(());
                };
                self.compare("grad_x", &reduction::reduce_backward(op, x, shape, &axes, grad_y))
            }
            Op::Argmax { axes, .. } => {
                let found = reduction::argmax(x, shape, &axes);
                self.compare("y", &found.iter().map(|&index| index as f32).collect::<Vec<_>>())
            }
            Op::Softmax(op) => self.compare("y", &softmax::softmax(op, x, shape)),
            Op::LogSoftmax(op) => self.compare("y", &softmax::log_softmax(op, x, shape)),
            Op::MaxPool2d { pool, .. } => {
                let shape = shape.try_into().unwrap();
                let (y, indices) = pooling::max_pool2d(&pool, x, shape);
                self.compare("y", &y)?;
                self.compare("grad_x", &pooling::max_pool2d_backward(&pool, grad_y.unwrap(), &indices, shape))
            }
            Op::AvgPool2d(pool) => {
                self.compare("y", &pooling::avg_pool2d(&pool, x, shape.try_into().unwrap()))
            }
            _ => Ok(()),
        }
    }
}

#[test]
fn special_values_as_pytorch_has_them() {
    let golden = golden::family("special_values").unwrap();
    assert!(golden.len() > 180, "{} cases", golden.len());
    let (mut cases, mut needed) = (Cases::new(), BTreeSet::new());
    for case in &golden {
        let mut run = Run { case, needed: &mut needed };
        cases.check(format!("{} of the reference", case.name), run.reference());
        for context in contexts() {
            let name = format!("{}, {:?}", case.name, context.mode());
            cases.check(&name, run.eager(&context));
            // A plan launches the same kernels.
            if full() || context.mode() == Mode::Fast {
                cases.check(format!("{name}, compiled"), run.compiled(&context));
            }
        }
    }
    for (at, rule) in different::ALL.iter().enumerate() {
        let outcome = if needed.contains(&at) { Ok(()) } else { Err("nothing differs there") };
        cases.check(format!("{} {} ({})", rule.op, rule.role, rule.why), outcome);
    }
    cases.finish();
}
