//! An operation of one's own: Mish with a learnt factor for each channel, in two WGSL kernels beside this file. It is held
//! against its scalar meaning, trained with, captured and compiled. docs/write-a-kernel.md goes through it.
//!
//! `cargo run --example custom_op`

use tilewright::{
    Context, DType, Function, Tensor, Var,
    autograd::check,
    graph::{Compiled, Options, capture},
    ops::{
        Op, ReduceOp, ShapeError,
        op::{Input, Preference},
    },
    shaders::Specialisation,
    tensor::{
        self,
        function::{Backward, Host, Kernel, Params, Saves},
    },
};

const WORKGROUP: u32 = 64;

/// `factor · scale[c] · x · tanh(log(1 + exp(x)))`.
#[derive(Clone, Copy, Debug)]
pub struct ScaledMish {
    /// What the result is multiplied by.
    pub factor: f32,
}

impl Function for ScaledMish {
    fn name(&self) -> &'static str {
        "scaled_mish"
    }

    fn operands(&self) -> Vec<Input> {
        vec![Input::f32("x").lies(Preference::ChannelsLast), Input::f32("scale")]
    }

    fn shapes(&self, operands: &[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError> {
        check_shapes(self.name(), operands)?;
        Ok(vec![operands[0].to_vec()])
    }

    fn kernel(&self, operands: &[&[usize]], _: &[Vec<usize>]) -> tensor::Result<Kernel> {
        Ok(launch("scaled_mish", include_str!("custom_op.wgsl"), operands[0], self.factor))
    }

    fn reference(&self, operands: &[Host<'_>]) -> Vec<Vec<f64>> {
        let (x, scale) = (operands[0], operands[1].values);
        let value =
            |(at, &x): (usize, &f64)| scale[channel(at, operands[0].shape)] * x * x.exp().ln_1p().tanh();
        vec![x.values.iter().enumerate().map(|each| f64::from(self.factor) * value(each)).collect()]
    }

    fn saves(&self) -> Option<Saves> {
        Some(Saves::operands([0, 1]))
    }

    fn backward(&self, back: &Backward<'_>) -> tensor::Result<Vec<Option<Tensor>>> {
        let (x, scale, grad_y) = (back.operand(0)?, back.operand(1)?, back.gradient()?);
        // By x: a kernel of its own. By the scale: operations that there are.
        let by_x = || Tensor::run_one(&ScaledMishBackward { factor: self.factor }.op(), &[x, scale, grad_y]);
        let by_scale = || {
            let ones = Tensor::ones(x.context(), scale.shape())?;
            let mish = Tensor::run_one(&self.op(), &[x, &ones])?;
            let others = (0..x.rank()).filter(|&axis| axis != 1).collect();
            let sum = Op::Reduce { op: ReduceOp::Sum, axes: others, keepdim: false };
            Tensor::run_one(&sum, &[&mish.mul(grad_y)?])
        };
        Ok(vec![back.needs[0].then(by_x).transpose()?, back.needs[1].then(by_scale).transpose()?])
    }

    fn flops(&self, operands: &[&[usize]], _: &[Vec<usize>]) -> u64 {
        12 * operands[0].iter().product::<usize>() as u64
    }
}

/// `factor · scale[c] · mish'(x) · grad_y`.
#[derive(Clone, Copy, Debug)]
pub struct ScaledMishBackward {
    /// That of [`ScaledMish`].
    pub factor: f32,
}

impl Function for ScaledMishBackward {
    fn name(&self) -> &'static str {
        "scaled_mish_backward"
    }

    fn operands(&self) -> Vec<Input> {
        let lies = Preference::ChannelsLast;
        vec![Input::f32("x").lies(lies), Input::f32("scale"), Input::f32("grad_y").lies(lies)]
    }

    fn shapes(&self, operands: &[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError> {
        check_shapes(self.name(), operands)?;
        if operands[2] != operands[0] {
            let (op, operand, expected) = (self.name(), "grad_y", operands[0].to_vec());
            return Err(ShapeError::Operand { op, operand, shape: operands[2].to_vec(), expected });
        }
        Ok(vec![operands[0].to_vec()])
    }

    fn kernel(&self, operands: &[&[usize]], _: &[Vec<usize>]) -> tensor::Result<Kernel> {
        let text = include_str!("custom_op_backward.wgsl");
        Ok(launch("scaled_mish_backward", text, operands[0], self.factor))
    }

    fn reference(&self, operands: &[Host<'_>]) -> Vec<Vec<f64>> {
        let (scale, grad_y) = (operands[1].values, operands[2].values);
        let value = |(at, &x): (usize, &f64)| {
            let t = x.exp().ln_1p().tanh();
            let slope = t + x * (1.0 - t * t) / (1.0 + (-x).exp());
            f64::from(self.factor) * scale[channel(at, operands[0].shape)] * slope * grad_y[at]
        };
        vec![operands[0].values.iter().enumerate().map(value).collect()]
    }
}

/// x is [N, C] or N C H W, scale [C].
fn check_shapes(op: &'static str, operands: &[&[usize]]) -> Result<(), ShapeError> {
    let x = operands[0];
    if x.len() != 2 && x.len() != 4 {
        let expected = "two (N C) or four (N C H W)";
        return Err(ShapeError::Rank { op, operand: "x", shape: x.to_vec(), expected });
    }
    if operands[1] != &x[1..2] {
        let (shape, expected) = (operands[1].to_vec(), x[1..2].to_vec());
        return Err(ShapeError::Operand { op, operand: "scale", shape, expected });
    }
    Ok(())
}

fn launch(name: &'static str, text: &'static str, x: &[usize], factor: f32) -> Kernel {
    let count = x.iter().product::<usize>() as u32;
    let source = Specialisation::of_text(name, text).with_u32("WORKGROUP", WORKGROUP);
    let params = Params::new().u32("count", count).u32("channels", x[1] as u32).f32("factor", factor);
    Kernel { source, params, groups: u64::from(count.div_ceil(WORKGROUP)) }
}

/// The channel of an element, row-major.
fn channel(at: usize, x: &[usize]) -> usize {
    at / x[2..].iter().product::<usize>() % x[1]
}

#[allow(dead_code)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let context = Context::new()?;
    let (mish, backward) = (ScaledMish { factor: 0.5 }.op(), ScaledMishBackward { factor: 0.5 }.op());

    // The kernels against what they mean, and the gradient against differences of that, over random shapes.
    let options = check::Options::default();
    let shapes = |draw: &mut check::Draw| {
        let x: Vec<usize> = (0..[2, 4][draw.below(2)]).map(|_| 1 + draw.below(9)).collect();
        vec![x.clone(), vec![x[1]]]
    };
    check::forward(&context, &mish, &options, shapes)?;
    check::gradients(&context, &mish, &options, shapes)?;
    check::forward(&context, &backward, &options, |draw| {
        let [x, scale] = shapes(draw).try_into().unwrap_or_default();
        vec![x.clone(), scale, x]
    })?;
    println!("kernels and gradients agree with the reference");

    // It learns: which scale makes the means 1?
    let x = Var::constant(Tensor::from_slice(&context, &[-1.0f32, 0.5, 3.0, 2.0, 2.0, 3.0], &[3, 2])?);
    let mut scale = Tensor::ones(&context, &[2])?;
    for _ in 0..60 {
        let leaf = Var::leaf(scale.clone());
        let error = Var::run_one(&mish, &[&x, &leaf])?
            .mean(&[0], false)?
            .sub(&Var::constant(Tensor::ones(&context, &[2])?))?;
        let mut gradients = error.mul(&error)?.sum(&[0], false)?.backward()?;
        let gradient = gradients.remove(&leaf).ok_or("the scale has no gradient")?;
        scale = scale.sub(&gradient)?;
    }
    let mean = Tensor::run_one(&mish, &[x.tensor(), &scale])?.mean(&[0], false)?.to_vec::<f32>()?;
    println!("scale {:?}: means {mean:?}", scale.to_vec::<f32>()?);
    if mean.iter().any(|mean| (mean - 1.0).abs() > 1e-2) {
        return Err("the scale was not learnt".into());
    }

    // Captured and compiled, in a plan with its memory.
    let graph = capture(&context, &[("x", &[3, 2], DType::F32)], |inputs| -> tensor::Result<_> {
        let y = Tensor::run_one(&mish, &[&inputs[0], &scale])?.relu()?;
        Ok(vec![("y".to_owned(), y)])
    })?;
    let mut session = Compiled::new(&graph, &Options::default())?.session()?;
    session.write(0, &x.tensor().to_vec::<f32>()?)?;
    session.execute()?;
    let compiled: Vec<f32> = session.read(0)?;
    let eager = Tensor::run_one(&mish, &[x.tensor(), &scale])?.relu()?.to_vec::<f32>()?;
    println!("compiled: {} launches, the same numbers: {}", session.replay().plan().len(), compiled == eager);
    if compiled != eager {
        return Err("the compiled graph computes something else".into());
    }
    Ok(())
}
