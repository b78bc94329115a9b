//! Operations of one's own: a WGSL kernel with its rules, that runs like any operation of the vocabulary.

use std::{any::Any, any::type_name, fmt, sync::Arc};

use tilewright_ops::{
    Custom, Op, ShapeError,
    op::{Described, Input, Output},
};
use tilewright_shaders::Specialisation;

use crate::{error::Error, error::Result, tensor::Tensor};

/// An operation of one's own, from any crate. [`Function::op`] makes it an [`Op`]: it runs eagerly, has a gradient, is captured,
/// compiled and planned as every other.
///
/// Two functions of one type whose `Debug` texts are equal compute the same: derive it, and keep all parameters in fields.
pub trait Function: fmt::Debug + Send + Sync + 'static {
    /// The name, as in errors, profiles and tapes.
    fn name(&self) -> &'static str;

    /// The operands in their order, with their element types and how they are to lie in memory.
    fn operands(&self) -> Vec<Input>;

    /// The results in their order; one of f32 unless said otherwise. Of four axes, they lie as the first operand does.
    fn results(&self) -> Vec<Output> {
        vec![Output::f32("y")]
    }

    /// The shapes of the results. Whatever a user passes in comes here first: check everything that [`Self::kernel`] trusts.
    ///
    /// # Errors
    /// A [`ShapeError`] that names the operand and says what fits.
    fn shapes(&self, operands: &[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError>;

    /// What is launched for operands and results of these shapes. The kernel binds the operands in their order as
    /// `var<storage, read>`, then the results as `var<storage, read_write>`; its uniform, if it has one, has the members of
    /// [`Kernel::params`].
    ///
    /// # Errors
    /// What the device cannot do.
    fn kernel(&self, operands: &[&[usize]], results: &[Vec<usize>]) -> Result<Kernel>;

    /// What it means: the results, row-major, in numbers of 64 bits. Tests compare the kernel and the gradient with it.
    fn reference(&self, operands: &[Host<'_>]) -> Vec<Vec<f64>>;

    /// What [`Self::backward`] reads; nothing if the function has no gradient.
    fn saves(&self) -> Option<Saves> {
        None
    }

    /// The gradients of the operands from those of the results, `None` where there is none or none is wanted: by tensor
    /// operations, or another function of one's own.
    ///
    /// # Errors
    /// Those of the operations.
    fn backward(&self, back: &Backward<'_>) -> Result<Vec<Option<Tensor>>> {
        let reason = "it says what its backward pass saves, and has none: implement `Function::backward`";
        Err(Error::Function { op: back.op, reason: reason.to_owned() })
    }

    /// Floating-point operations: multiplications and additions count as one each.
    fn flops(&self, operands: &[&[usize]], results: &[Vec<usize>]) -> u64 {
        let _ = operands;
        results.iter().map(|shape| shape.iter().product::<usize>() as u64).sum()
    }

    /// Bytes read and written, if that is not each operand and each result once.
    fn bytes(&self, operands: &[&[usize]], results: &[Vec<usize>]) -> Option<u64> {
        let _ = (operands, results);
        None
    }

    /// The operation that it is.
    fn op(self) -> Op
    where
        Self: Sized,
    {
        Op::Custom(Custom::new(Arc::new(Held {
            key: format!("{} {self:?}", type_name::<Self>()),
            it: Box::new(self),
        })))
    }
}

/// A launch of a [`Function`].
#[derive(Clone, Debug)]
pub struct Kernel {
    /// The text and its constants.
    pub source: Specialisation,
    /// The members of its uniform, in order.
    pub params: Params,
    /// Workgroups; they are folded over the three axes of the grid.
    pub groups: u64,
}

/// The numbers in a kernel's `Params`, each of which is held against the member of the WGSL struct by name, type and place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    pub(crate) members: Vec<(&'static str, &'static str)>,
    pub(crate) bytes: Vec<u8>,
}

impl Params {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, name: &'static str, kind: &'static str, bytes: [u8; 4]) -> Self {
        self.members.push((name, kind));
        self.bytes.extend(bytes);
        self
    }

    /// One more member, a `u32`.
    #[must_use]
    pub fn u32(self, name: &'static str, value: u32) -> Self {
        self.with(name, "u32", value.to_ne_bytes())
    }

    /// One more member, an `i32`.
    #[must_use]
    pub fn i32(self, name: &'static str, value: i32) -> Self {
        self.with(name, "i32", value.to_ne_bytes())
    }

    /// One more member, an `f32`.
    #[must_use]
    pub fn f32(self, name: &'static str, value: f32) -> Self {
        self.with(name, "f32", value.to_ne_bytes())
    }
}

/// An operand of a [`Function::reference`].
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// Its numbers, row-major.
    pub values: &'a [f64],
    /// Its shape.
    pub shape: &'a [usize],
}

/// Which values a backward pass reads; others are freed as soon as nobody else needs them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saves {
    operands: Vec<usize>,
    results: Vec<usize>,
}

impl Saves {
    /// No values, only shapes.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// These operands.
    pub fn operands<const N: usize>(operands: [usize; N]) -> Self {
        Self { operands: operands.into(), results: Vec::new() }
    }

    /// These results as well.
    #[must_use]
    pub fn and_results<const N: usize>(mut self, results: [usize; N]) -> Self {
        self.results = results.into();
        self
    }

    /// The values that are saved, at their places.
    pub fn pick(&self, operands: &[&Tensor], results: &[Tensor]) -> [Vec<Option<Tensor>>; 2] {
        let of = |places: &[usize], all: &mut dyn Iterator<Item = Tensor>| {
            all.enumerate().map(|(at, tensor)| places.contains(&at).then_some(tensor)).collect()
        };
        let operands = of(&self.operands, &mut operands.iter().map(|&tensor| tensor.clone()));
        [operands, of(&self.results, &mut results.iter().cloned())]
    }
}

/// What a [`Function::backward`] has.
#[derive(Clone, Copy, Debug)]
pub struct Backward<'a> {
    /// The function's name, for errors.
    pub op: &'static str,
    /// The operands that were saved.
    pub operands: &'a [Option<Tensor>],
    /// The operands' shapes.
    pub shapes: &'a [Vec<usize>],
    /// The results that were saved.
    pub results: &'a [Option<Tensor>],
    /// The gradients of the results; `None` for one that does not matter.
    pub gradients: &'a [Option<Tensor>],
    /// For each operand, whether its gradient is wanted.
    pub needs: &'a [bool],
}

impl Backward<'_> {
    /// Operand `at`.
    ///
    /// # Errors
    /// [`Error::Function`] if it was not saved.
    pub fn operand(&self, at: usize) -> Result<&Tensor> {
        self.saved("operand", self.operands, at)
    }

    /// Result `at`.
    ///
    /// # Errors
    /// [`Error::Function`] if it was not saved.
    pub fn result(&self, at: usize) -> Result<&Tensor> {
        self.saved("result", self.results, at)
    }

    /// The gradient of the first result, of which there is one unless there are several results.
    ///
    /// # Errors
    /// [`Error::Function`] if it does not matter.
    pub fn gradient(&self) -> Result<&Tensor> {
        self.saved("gradient of result", self.gradients, 0)
    }

    fn saved<'a>(&self, what: &str, all: &'a [Option<Tensor>], at: usize) -> Result<&'a Tensor> {
        all.get(at).and_then(Option::as_ref).ok_or_else(|| {
            let reason = format!(
                "its backward pass reads {what} {at}, which is not there: name it in `Function::saves`"
            );
            Error::Function { op: self.op, reason }
        })
    }
}

/// A function as the vocabulary holds it.
#[derive(Debug)]
struct Held {
    key: String,
    it: Box<dyn Function>,
}

impl Described for Held {
    fn name(&self) -> &'static str {
        self.it.name()
    }

    fn operands(&self) -> Vec<Input> {
        self.it.operands()
    }

    fn results(&self) -> Vec<Output> {
        self.it.results()
    }

    fn shapes(&self, operands: &[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError> {
        self.it.shapes(operands)
    }

    fn flops(&self, operands: &[&[usize]], results: &[Vec<usize>]) -> u64 {
        self.it.flops(operands, results)
    }

    fn bytes(&self, operands: &[&[usize]], results: &[Vec<usize>]) -> Option<u64> {
        self.it.bytes(operands, results)
    }

    fn key(&self) -> String {
        self.key.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The function that an operation of the vocabulary is.
///
/// # Errors
/// [`Error::Function`] for a description that was not made by [`Function::op`].
pub fn function_of(op: &Op) -> Result<&dyn Function> {
    let found = match op {
        Op::Custom(custom) => custom.described().downcast_ref::<Held>(),
        _ => None,
    };
    found.map(|held| &*held.it).ok_or_else(|| {
        let reason = "it was not made by `Function::op`, and nothing says how it is computed".to_owned();
        Error::Function { op: op.name(), reason }
    })
}
