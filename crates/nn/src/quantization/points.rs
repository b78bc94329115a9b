//! Where activations are rounded, and to what.

use std::sync::{Arc, Mutex, PoisonError};

use tilewright_autograd::Var;
use tilewright_graph::{
    self as graph,
    quantize::{Activations, Point, Scale},
};
use tilewright_ops::{BinaryOp, DType, FakeQuantize, ReduceOp, SliceRange, UnaryOp};
use tilewright_tensor::Tensor;

use super::{options::Ranges, scales::positive};
use crate::{error::Error, error::Result, init::Init, parameter::Parameter, pass::Pass, store::Scope};

/// Scales that are learnt do not fall below this.
const LEAST: f32 = 1e-20;

/// The places where activations are rounded.
pub(super) struct Points {
    names: Vec<String>,
    activations: Activations,
    kind: Ranges,
    /// The least numbers, then the largest, one of each for a place.
    ranges: Arc<Parameter>,
    /// Where they are learnt.
    scales: Option<Arc<Parameter>>,
    known: Mutex<Option<Known>>,
}

/// What follows from the ranges.
#[derive(Clone)]
struct Known {
    /// From which it follows.
    ranges: Tensor,
    scales: Tensor,
    zeros: Tensor,
    /// Of each place.
    scale: Vec<Tensor>,
    zero: Vec<Tensor>,
}

/// The least and the largest number of places, as far as they were met.
#[derive(Default)]
pub(super) struct Seen(Vec<Option<[Tensor; 2]>>);

impl Points {
    pub fn new(scope: &Scope, points: &[Point], activations: Activations, kind: Ranges) -> Result<Self> {
        let count = points.len();
        let ends = points.iter().map(|point| point.range.0).chain(points.iter().map(|point| point.range.1));
        let ends: Vec<f32> = ends.collect();
        let ranges = scope.buffer("activation_ranges", &[2, count], Init::Constant(0.0))?;
        ranges.set(Tensor::from_slice(scope.context(), &ends, &[2, count])?)?;
        let learnt = kind == Ranges::Learned;
        let scales = learnt.then(|| scope.parameter("activation_scales", &[count], Init::Constant(1.0)));
        let scales = scales.transpose()?;
        let names = points.iter().map(|point| point.name.clone()).collect();
        let points = Self { names, activations, kind, ranges, scales: None, known: Mutex::default() };
        if let Some(scales) = &scales {
            scales.set(points.known()?.scales)?;
        }
        Ok(Self { scales, ..points })
    }

    /// The scale of a place as it is.
    pub fn scale(&self, at: usize) -> Result<Tensor> {
        match &self.scales {
            Some(scales) => {
                let scale = scales.tensor()?.slice(&[SliceRange::new(at, at + 1)])?.reshape(&[])?;
                Ok(scale.unary(UnaryOp::Clamp { min: LEAST, max: f32::MAX })?)
            }
            None => Ok(self.known()?.scale[at].clone()),
        }
    }

    pub fn begin(&self) -> Seen {
        Seen(vec![None; self.names.len()])
    }

    /// Rounds what is at a place.
    pub fn round(&self, at: usize, x: &Var, pass: &Pass) -> Result<Var> {
        let known = self.known()?;
        let Some(scales) = &self.scales else {
            return Ok(x.fake_quantize(
                FakeQuantize::i8(),
                &Var::constant(known.scale[at].clone()),
                &known.zero[at],
            )?);
        };
        let bounds = UnaryOp::Clamp { min: LEAST, max: f32::MAX };
        let scale = scales.var(pass)?.slice(&[SliceRange::new(at, at + 1)])?.reshape(&[])?.unary(bounds)?;
        // Numbers of a sample.
        let features: usize = x.shape().iter().skip(1).product();
        let grad_factor = 1.0 / (features.max(1) as f32 * 127.0).sqrt();
        Ok(x.fake_quantize(FakeQuantize { grad_factor, ..FakeQuantize::i8() }, &scale, &known.zero[at])?)
    }

    /// Looks at what is at a place.
    pub fn see(&self, at: usize, x: &Tensor, seen: &mut Seen) -> Result<()> {
        if x.count() > 0 && matches!(self.kind, Ranges::MovingAverage { .. }) && seen.0[at].is_none() {
            let end = |op| x.reduce(op, &[], false).and_then(|end| end.reshape(&[1]));
            seen.0[at] = Some([end(ReduceOp::Min)?, end(ReduceOp::Max)?]);
        }
        Ok(())
    }

    /// Takes the ranges a part of the way to what was seen.
    pub fn follow(&self, seen: &Seen) -> Result<()> {
        let Ranges::MovingAverage { weight } = self.kind else { return Ok(()) };
        let Some(all) = seen.0.iter().cloned().collect::<Option<Vec<_>>>() else { return Ok(()) };
        if all.is_empty() {
            return Ok(());
        }
        let ends = |at: usize| all.iter().map(|ends| &ends[at]).collect::<Vec<_>>();
        let before = self.ranges.tensor()?;
        let zero = Tensor::zeros(before.context(), &[])?;
        let low = Tensor::concat(&ends(0), 0)?.binary(BinaryOp::Minimum, &zero)?;
        let high = Tensor::concat(&ends(1), 0)?.binary(BinaryOp::Maximum, &zero)?;
        let found = Tensor::concat(&[&low, &high], 0)?.reshape(&[2, all.len() as isize])?;
        self.ranges.set(before.add(&found.sub(&before)?.scale(weight)?)?)
    }

    /// The scale and zero point of each place.
    ///
    /// # Errors
    /// [`graph::Error::Calibration`] names the first place whose numbers were not finite.
    pub fn scales(&self) -> Result<Vec<Scale>> {
        if self.names.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.known()?;
        let scales = match &self.scales {
            Some(learnt) => learnt.tensor()?.unary(UnaryOp::Clamp { min: LEAST, max: f32::MAX })?,
            None => known.scales.clone(),
        };
        let ranges = known.ranges.to_vec::<f32>()?;
        let (scales, zeros) = (scales.to_vec::<f32>()?, known.zeros.to_vec::<i32>()?);
        for (at, name) in self.names.iter().enumerate() {
            let [low, high] = [ranges[at], ranges[at + self.names.len()]];
            if !(low.is_finite() && high.is_finite() && scales[at].is_finite()) {
                let what = format!(
                    "`{name}` has a range of {low} to {high} and a scale of {} after training: lower the learning rate, or check \
                     the data",
                    scales[at]
                );
                return Err(Error::Graph(graph::Error::Calibration { what }));
            }
        }
        let pairs = scales.into_iter().zip(zeros);
        Ok(pairs.map(|(scale, zero_point)| Scale { scale, zero_point }).collect())
    }

    /// What follows from the ranges, as [`Activations::scale`] has it for one of them.
    fn known(&self) -> Result<Known> {
        let ranges = self.ranges.tensor()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|known| known.ranges.buffer().same(ranges.buffer())) {
            return Ok(known.clone());
        }
        let (context, count) = (ranges.context(), self.names.len());
        let number = |value: f32| Tensor::full(context, value, &[]);
        let row = |at: usize| -> Result<Tensor> {
            let all = [SliceRange::new(at, at + 1), SliceRange::full(count)];
            Ok(ranges.slice(&all)?.reshape(&[count as isize])?)
        };
        let (low, high) = (row(0)?, row(1)?);
        let (scales, zeros) = match self.activations {
            Activations::Affine => {
                let scales = positive(&high.sub(&low)?.binary(BinaryOp::Div, &number(255.0)?)?)?;
                let zeros =
                    number(-128.0)?.sub(&low.binary(BinaryOp::Div, &scales)?)?.unary(UnaryOp::Round)?;
                (scales, zeros.unary(UnaryOp::Clamp { min: -128.0, max: 127.0 })?)
            }
            Activations::Symmetric => {
                let most = high.binary(BinaryOp::Maximum, &low.unary(UnaryOp::Neg)?)?;
                (positive(&most.binary(BinaryOp::Div, &number(127.0)?)?)?, Tensor::zeros(context, &[count])?)
            }
        };
        let zeros = zeros.cast(DType::I32)?;
        let each = |all: &Tensor| -> Result<Vec<Tensor>> {
            let one = |at: usize| Ok(all.slice(&[SliceRange::new(at, at + 1)])?.reshape(&[])?);
            (0..count).map(one).collect()
        };
        let new = Known { scale: each(&scales)?, zero: each(&zeros)?, ranges, scales, zeros };
        *known = Some(new.clone());
        Ok(new)
    }
}
