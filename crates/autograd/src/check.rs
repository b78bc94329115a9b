//! Gradient checking by central finite differences, and functions of one's own against their references.

use tilewright_ops::{Op, element_count, op::Accepts};
use tilewright_runtime::Context;
use tilewright_tensor::{
    DType, Layout, Tensor,
    function::{Host, function_of},
};

use crate::{error::Error, error::Result, var::Var};

/// How a gradient is checked.
#[derive(Clone, Copy, Debug)]
pub struct GradientCheck {
    /// The step of the central difference. In f32, 1e-2 to 1e-3 balances rounding against curvature.
    pub step: f32,
    /// Allowed difference, relative to the largest gradient of the operand.
    pub tolerance: f32,
}

impl Default for GradientCheck {
    fn default() -> Self {
        Self { step: 5e-3, tolerance: 1e-2 }
    }
}

/// Checks the gradients of `function` at `inputs` (values and shapes) against central differences of
/// `Σ weight · function(inputs)`, with fixed weights that differ from element to element.
///
/// # Errors
/// [`Error::Check`] names the operand and element that are off.
pub fn check_gradients(
    context: &Context,
    inputs: &[(Vec<f32>, Vec<usize>)],
    check: GradientCheck,
    function: impl Fn(&[Var]) -> Result<Var>,
) -> Result<()> {
    let tensors = |values: &[Vec<f32>]| -> Result<Vec<Tensor>> {
        let pairs = values.iter().zip(inputs);
        pairs.map(|(v, (_, shape))| Ok(Tensor::from_slice(context, v, shape)?)).collect()
    };
    let mut values: Vec<_> = inputs.iter().map(|(values, _)| values.clone()).collect();
    let leaves: Vec<_> = tensors(&values)?.into_iter().map(Var::leaf).collect();
    let output = function(&leaves)?;
    let weights: Vec<f32> =
        (0..output.tensor().count()).map(|i| ((i * 37 + 11) % 19) as f32 / 19.0 - 0.4).collect();
    let seed = Tensor::from_slice(context, &weights, output.shape())?;
    let gradients = output.backward_with(&seed)?;
    let value_at = |values: &[Vec<f32>]| -> Result<f64> {
        let vars: Vec<_> = tensors(values)?.into_iter().map(Var::constant).collect();
        let output = function(&vars)?.tensor().to_vec::<f32>()?;
        Ok(output.iter().zip(&weights).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum())
    };
    for (operand, leaf) in leaves.iter().enumerate() {
        let exact = match gradients.get(leaf) {
            Some(gradient) => gradient.to_vec::<f32>()?,
            None => vec![0.0; values[operand].len()],
        };
        let largest = exact.iter().fold(1e-3f32, |m, g| m.max(g.abs()));
        for at in 0..values[operand].len() {
            let middle = values[operand][at];
            values[operand][at] = middle + check.step;
            let above = value_at(&values)?;
            values[operand][at] = middle - check.step;
            let below = value_at(&values)?;
            values[operand][at] = middle;
            let slope = ((above - below) / (2.0 * f64::from(check.step))) as f32;
            let difference = (slope - exact[at]).abs();
            if difference.is_nan() || difference > check.tolerance * largest {
                return Err(Error::Check(format!(
                    "operand {operand}, element {at}: the backward rule says {}, the difference quotient {slope}",
                    exact[at]
                )));
            }
        }
    }
    Ok(())
}

/// How a function of one's own is compared with its reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Draws of shapes and numbers.
    pub cases: usize,
    /// Another seed, other draws.
    pub seed: u64,
    /// Operands of real numbers are drawn from this range; those of whole numbers are 0, 1, 2 or 3.
    pub range: (f32, f32),
    /// Allowed difference, relative to the reference.
    pub relative: f64,
    /// Allowed difference besides.
    pub absolute: f64,
}

impl Default for Options {
    /// Twelve draws from −3 to 3; a few roundings of f32.
    fn default() -> Self {
        Self { cases: 12, seed: 1, range: (-3.0, 3.0), relative: 1e-5, absolute: 2e-6 }
    }
}

/// Draws numbers (SplitMix64; Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number from 0 to `end` − 1; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// A number of the range.
    fn within(&mut self, (low, high): (f32, f32)) -> f32 {
        low + (high - low) * (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// Operands of one draw.
struct Case {
    values: Vec<Vec<f64>>,
    shapes: Vec<Vec<usize>>,
    tensors: Vec<Tensor>,
}

impl Case {
    fn draw(
        context: &Context,
        op: &Op,
        options: &Options,
        draw: &mut Draw,
        shapes: Vec<Vec<usize>>,
        at: usize,
    ) -> Result<Self> {
        let facts = op.facts();
        facts.check_count(shapes.len())?;
        let mut case = Self { values: Vec::new(), shapes, tensors: Vec::new() };
        for (operand, shape) in case.shapes.iter().enumerate() {
            let count = element_count(op.name(), shape)?;
            let tensor = match facts.input(operand).accepts {
                Accepts::Only(DType::I32) => {
                    let values: Vec<i32> = (0..count).map(|_| draw.below(4) as i32).collect();
                    case.values.push(values.iter().map(|&value| f64::from(value)).collect());
                    Tensor::from_slice(context, &values, shape)?
                }
                _ => {
                    let values: Vec<f32> = (0..count).map(|_| draw.within(options.range)).collect();
                    case.values.push(values.iter().map(|&value| f64::from(value)).collect());
                    Tensor::from_slice(context, &values, shape)?
                }
            };
            // Whatever the operands' layout, the result is the same.
            let layout = if at.is_multiple_of(2) { Layout::RowMajor } else { Layout::ChannelsLast };
            case.tensors.push(if shape.len() == 4 { tensor.to_layout(layout)? } else { tensor });
        }
        Ok(case)
    }

    fn reference(&self, op: &Op, values: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
        let hosts = values.iter().zip(&self.shapes).map(|(values, shape)| Host { values, shape });
        Ok(function_of(op)?.reference(&hosts.collect::<Vec<_>>()))
    }
}

/// Checks the kernel of a function of one's own ([`tilewright_tensor::Function::op`]) against its scalar reference, over the
/// shapes of the operands that `shapes` draws, with operands in both layouts.
///
/// # Errors
/// [`Error::Check`] names the draw, the result and the element that are off; the errors of the function.
pub fn forward(
    context: &Context,
    op: &Op,
    options: &Options,
    mut shapes: impl FnMut(&mut Draw) -> Vec<Vec<usize>>,
) -> Result<()> {
    let mut draw = Draw(options.seed);
    for at in 0..options.cases {
        let drawn = shapes(&mut draw);
        let case = Case::draw(context, op, options, &mut draw, drawn, at)?;
        let results = Tensor::run(op, &case.tensors.iter().collect::<Vec<_>>())?;
        let expected = case.reference(op, &case.values)?;
        if expected.len() != results.len() {
            let (name, found, given) = (op.name(), results.len(), expected.len());
            return Err(Error::Check(format!(
                "{name}: it has {found} results, and its reference gives {given}"
            )));
        }
        for (number, (result, expected)) in results.iter().zip(&expected).enumerate() {
            let what = format!("result {number}");
            compare(op, at, &case, &what, &result.cast(DType::F32)?.to_vec::<f32>()?, expected, options)?;
        }
    }
    Ok(())
}

/// Checks the gradients of a function of one's own against central differences of its reference, which is computed in 64 bits,
/// over the shapes of the operands that `shapes` draws.
///
/// # Errors
/// As [`forward`]; [`Error::NoGradient`].
pub fn gradients(
    context: &Context,
    op: &Op,
    options: &Options,
    mut shapes: impl FnMut(&mut Draw) -> Vec<Vec<usize>>,
) -> Result<()> {
    const STEP: f64 = 1e-5;
    // What a difference quotient of that step is short of, beside the roundings of the kernel.
    let options =
        Options { relative: options.relative.max(2e-5), absolute: options.absolute.max(1e-5), ..*options };
    let mut draw = Draw(options.seed);
    for at in 0..options.cases {
        let drawn = shapes(&mut draw);
        let case = Case::draw(context, op, &options, &mut draw, drawn, at)?;
        let leaves: Vec<_> = case.tensors.iter().cloned().map(Var::leaf).collect();
        let outputs = Var::run(op, &leaves.iter().collect::<Vec<_>>())?;
        // Each result counts by weights of its own.
        let mut weights = Vec::new();
        let mut sum: Option<Var> = None;
        for output in outputs.iter().filter(|output| output.needs_gradient()) {
            let own: Vec<f32> = (0..output.tensor().count()).map(|_| draw.within((-1.0, 1.0))).collect();
            let weight = Var::constant(Tensor::from_slice(context, &own, output.shape())?);
            let axes: Vec<usize> = (0..output.shape().len()).collect();
            let part = output.mul(&weight)?.sum(&axes, false)?;
            sum = Some(match sum {
                Some(sum) => sum.add(&part)?,
                None => part,
            });
            weights.push(own);
        }
        let found = sum.ok_or(Error::NoGradient { op: op.name() })?.backward()?;
        let mut values = case.values.clone();
        let loss = |values: &[Vec<f64>]| -> Result<f64> {
            let results = case.reference(op, values)?;
            let real = results.iter().zip(&outputs).filter(|(_, output)| output.needs_gradient());
            let terms = real.zip(&weights).flat_map(|((result, _), weights)| result.iter().zip(weights));
            Ok(terms.map(|(y, &weight)| y * f64::from(weight)).sum())
        };
        for (operand, leaf) in leaves.iter().enumerate() {
            let Some(gradient) = found.get(leaf) else { continue };
            let mut expected = Vec::with_capacity(values[operand].len());
            for place in 0..values[operand].len() {
                let middle = values[operand][place];
                values[operand][place] = middle + STEP;
                let above = loss(&values)?;
                values[operand][place] = middle - STEP;
                let below = loss(&values)?;
                values[operand][place] = middle;
                expected.push((above - below) / (2.0 * STEP));
            }
            let what = format!("the gradient of operand {operand}");
            compare(op, at, &case, &what, &gradient.to_vec::<f32>()?, &expected, &options)?;
        }
    }
    Ok(())
}

fn compare(
    op: &Op,
    draw: usize,
    case: &Case,
    what: &str,
    found: &[f32],
    expected: &[f64],
    options: &Options,
) -> Result<()> {
    let (name, shapes) = (op.name(), &case.shapes);
    if found.len() != expected.len() {
        let (found, expected) = (found.len(), expected.len());
        return Err(Error::Check(format!(
            "{name}, draw {draw} of shapes {shapes:?}: {what} has {found} elements, and the reference {expected}"
        )));
    }
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(found) - expected).abs();
        let fits = off <= options.absolute + options.relative * expected.abs();
        if !(fits || found.is_nan() && expected.is_nan()) {
            return Err(Error::Check(format!(
                "{name}, draw {draw} of shapes {shapes:?}: {what}, element {at} is {found}, and by the reference {expected}"
            )));
        }
    }
    Ok(())
}
