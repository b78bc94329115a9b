//! Every operation and every gradient against PyTorch, on the device, through autograd.
//!
//! Tolerances as in torch.allclose: forward 1e-5 relative, gradients 1e-4, each with a small absolute part for elements
//! that cancel to nearly nothing. In a sum of products that part is 1e-6 of the tensor's largest element: what cancels
//! keeps the rounding of the terms, in PyTorch's own f32 as in ours.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/cases/mod.rs"]
mod cases;
mod common;

use common::{Cases, close, contexts_for_numbers};
use tilewright::{Context, Tensor, Var, autograd, ops::Op};
use tilewright_reference::golden::{self, Case, Operation};

/// A case on a device, with its leaves.
struct Run<'a> {
    case: &'a Case,
    context: &'a Context,
    leaves: Vec<(String, Var)>,
}

impl<'a> Run<'a> {
    /// Every operand whose gradient PyTorch gives is a leaf.
    fn new(case: &'a Case, context: &'a Context) -> Self {
        let mut run = Self { case, context, leaves: Vec::new() };
        for role in case.operands() {
            if case.has(&format!("grad_{role}")) {
                let leaf = Var::leaf(run.tensor(&role));
                run.leaves.push((role, leaf));
            }
        }
        run
    }

    fn tensor(&self, role: &str) -> Tensor {
        if let Ok((values, shape)) = self.case.i32(role) {
            return Tensor::from_slice(self.context, values, shape).unwrap();
        }
        let (values, shape) = self.case.f32(role).unwrap();
        Tensor::from_slice(self.context, values, shape).unwrap()
    }

    fn operands(&self) -> Vec<Var> {
        let leaf =
            |role: &String| self.leaves.iter().find(|(name, _)| name == role).map(|(_, leaf)| leaf.clone());
        let made = |role: String| leaf(&role).unwrap_or_else(|| Var::constant(self.tensor(&role)));
        self.case.operands().into_iter().map(made).collect()
    }

    fn result(&self) -> autograd::Result<Var> {
        let x = self.operands();
        match self.case.operation().unwrap() {
            // A bias is a sum of its own.
            Operation::Op(Op::ConvTranspose2d(op)) => x[0].conv_transpose2d(&x[1], x.get(2), &op),
            Operation::Op(op) => {
                if let Op::MaxPool2d { pool, .. } = &op {
                    let (_, indices) = x[0].tensor().max_pool2d(pool)?;
                    assert_eq!(
                        indices.to_vec::<i32>()?,
                        self.case.i32("indices").unwrap().0,
                        "{}",
                        self.case.name
                    );
                }
                cases::run(&op, &x).unwrap_or(Err(autograd::Error::NoTape))
            }
            Operation::Linear => x[0].linear(&x[1], x.get(2)),
            Operation::Im2col { op, kernel } => x[0].im2col(&op, kernel),
            Operation::BatchNormTrain(op) => {
                let trained = x[0].batch_norm_train(&x[1], &x[2], x[3].tensor(), x[4].tensor(), &op)?;
                for (role, tensor) in
                    [("new_running_mean", &trained.running_mean), ("new_running_var", &trained.running_var)]
                {
                    let expected = self.case.f32(role).unwrap().0;
                    close(&tensor.to_vec()?, expected, 1e-5, 1e-6)
                        .unwrap_or_else(|error| panic!("{} {role}: {error}", self.case.name));
                }
                Ok(trained.y)
            }
            Operation::CrossEntropy(op) => {
                let (labels, shape) = self.case.i32("target").unwrap();
                let labels = Tensor::from_slice(self.context, labels, shape)?;
                let weights = self.case.has("weight").then(|| self.tensor("weight"));
                x[0].cross_entropy(&labels, weights.as_ref(), &op)
            }
            Operation::Reshape(to) => x[0].reshape(&to),
            Operation::Resize(resize) => x[0].resize2d(&resize),
            other => panic!("{}: {other:?} is no function", self.case.name),
        }
    }

    fn compare(&self, y: &Var) -> Result<(), String> {
        let text = |error: tilewright::tensor::Error| error.to_string();
        let (expected, shape) = self.case.f32("y").unwrap();
        if y.shape() != shape {
            return Err(format!("shape {:?}, expected {shape:?}", y.shape()));
        }
        let largest = expected.iter().fold(0.0, |largest: f64, y| largest.max(f64::from(y.abs())));
        let sums_products =
            ["matmul", "linear", "conv2d", "conv_transpose2d"].contains(&self.case.op.as_str());
        let absolute = if sums_products { 1e-6 * largest.max(1.0) } else { 1e-6 };
        close(&y.tensor().to_vec().map_err(text)?, expected, 1e-5, absolute)
            .map_err(|e| format!("forward: {e}"))?;
        let gradients = y.backward_with(&self.tensor("grad_y")).map_err(|error| error.to_string())?;
        let expected = self.case.tensors.keys().filter(|role| role.starts_with("grad_") && *role != "grad_y");
        assert_eq!(expected.count(), self.leaves.len(), "{}: a gradient is not compared", self.case.name);
        for (role, leaf) in &self.leaves {
            let gradient = gradients.get(leaf).ok_or(format!("`{role}` got no gradient"))?;
            let (expected, _) = self.case.f32(&format!("grad_{role}")).unwrap();
            close(&gradient.to_vec().map_err(text)?, expected, 1e-4, 1e-5)
                .map_err(|e| format!("grad_{role}: {e}"))?;
        }
        Ok(())
    }

    /// Places of maxima, which have no gradient.
    fn compare_argmax(&self, op: &Op) -> Result<(), String> {
        let x = self.tensor("x");
        let y = Tensor::run_one(op, &[&x]).map_err(|error| error.to_string())?;
        let found = y.to_vec::<i32>().map_err(|error| error.to_string())?;
        let (expected, shape) = self.case.i32("y").unwrap();
        let same = (found.as_slice(), y.shape()) == (expected, shape);
        if same { Ok(()) } else { Err(format!("{found:?}, expected {expected:?}")) }
    }
}

/// Every case of a file; `least` guards against a file that lost its cases.
fn check(family: &str, least: usize) {
    let golden = golden::family(family).unwrap();
    assert!(golden.len() >= least, "{family}: {} cases, at least {least} expected", golden.len());
    let mut cases = Cases::new();
    for context in contexts_for_numbers() {
        for case in &golden {
            let run = Run::new(case, &context);
            let outcome = match case.operation().unwrap() {
                Operation::Op(op @ Op::Argmax { .. }) => run.compare_argmax(&op),
                _ => run.result().map_err(|error| error.to_string()).and_then(|y| run.compare(&y)),
            };
            cases.check(format!("{} ({:?})", case.name, context.mode()), outcome);
        }
    }
    cases.finish();
}

#[test]
fn elementwise() {
    check("elementwise", 60);
}

#[test]
fn matmul() {
    check("matmul", 30);
}

#[test]
fn convolution() {
    check("convolution", 18);
}

#[test]
fn pooling() {
    check("pooling", 50);
}

#[test]
fn normalization() {
    check("normalization", 8);
}

#[test]
fn reduction() {
    check("reduction", 53);
}

#[test]
fn loss() {
    check("loss", 72);
}

#[test]
fn movement() {
    check("movement", 15);
}

#[test]
fn quantized() {
    check("quantized", 8);
}

#[test]
fn the_comparator_can_fail() {
    let case = &golden::family("elementwise").unwrap()[0];
    let context = common::context();
    let run = Run::new(case, &context);
    let wrong = run.leaves[0].1.scale(1.001).unwrap();
    assert!(run.compare(&wrong).is_err());
}
