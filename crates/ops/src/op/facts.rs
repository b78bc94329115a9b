//! What is known of an operation besides its parameters, as data.

use crate::{dtype::DType, error::DTypeError, error::ShapeError};

/// A rule over the operands' shapes.
type ShapeRule<'a> = Box<dyn Fn(&[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError> + 'a>;

/// Floating-point operations from the operands' and the results' shapes, which fit the operation.
type FlopRule<'a> = Box<dyn Fn(&[&[usize]], &[Vec<usize>]) -> u64 + 'a>;

/// Bytes from the same, where they are not those of the operands and results.
type ByteRule<'a> = Box<dyn Fn(&[&[usize]], &[Vec<usize>]) -> Option<u64> + 'a>;

/// The facts of one operation, read by everybody who handles operations: the shape check, eager execution, capture, the
/// lowering, the f16 pass, the support table and the ONNX exporter. [`crate::Op::facts`] has one arm for each.
pub struct Facts<'a> {
    /// The name, as in errors, profiles and the support table.
    pub name: &'static str,
    /// What sort of work it is.
    pub kind: Kind,
    /// The operands in their order.
    pub inputs: Vec<Input>,
    /// Whether the last operand may be repeated.
    pub variadic: bool,
    /// The results in their order.
    pub outputs: Vec<Output>,
    /// Whether its results are always memory of their own: it neither gives an operand's memory away nor a part of it.
    pub owns_memory: bool,
    shapes: ShapeRule<'a>,
    flops: FlopRule<'a>,
    bytes: ByteRule<'a>,
}

/// What sort of work an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It computes.
    Arithmetic,
    /// A matrix product or a convolution: sums of products in f32, whose operands and result may be f16.
    Product,
    /// It moves elements of whatever type, or changes their type.
    Movement,
}

/// An operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// Its name, as in errors.
    pub name: &'static str,
    /// Which element types it may have.
    pub accepts: Accepts,
    /// How it should lie in memory, so that the kernel does not turn it around.
    pub layout: Preference,
}

/// The element types of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// This one.
    Only(DType),
    /// What products take: f32 or f16.
    Product,
    /// What arithmetic of both floats and integers takes: f32 or i32.
    Numbers,
    /// Types of four bytes.
    Words,
    /// Types of one byte.
    Bytes,
    /// Whole numbers, of one byte or of four with a sign.
    Integers,
    /// Whatever there is.
    Any,
    /// That of the first operand.
    AsFirst,
    /// That of the operand at this place, before it.
    As(usize),
}

/// How an operand of four axes should lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// As it is.
    None,
    /// The last axis fastest.
    RowMajor,
    /// N C H W as N H W C.
    ChannelsLast,
    /// As the other operands of the same shape.
    Alike,
}

/// A result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: &'static str,
    /// Its element type.
    pub gives: Gives,
}

/// The element type of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// That of the first operand.
    AsFirst,
    /// That of the operand at this place.
    As(usize),
    /// This one.
    Only(DType),
}

impl Input {
    /// An operand of f32, row-major.
    #[must_use]
    pub const fn f32(name: &'static str) -> Self {
        Self { name, accepts: Accepts::Only(DType::F32), layout: Preference::RowMajor }
    }

    /// The same of these element types.
    #[must_use]
    pub const fn accepts(self, accepts: Accepts) -> Self {
        Self { accepts, ..self }
    }

    /// The same, where it should lie so.
    #[must_use]
    pub const fn lies(self, layout: Preference) -> Self {
        Self { layout, ..self }
    }
}

impl Output {
    /// A result of f32.
    #[must_use]
    pub const fn f32(name: &'static str) -> Self {
        Self { name, gives: Gives::Only(DType::F32) }
    }
}

impl Accepts {
    /// What it should be, in words, if `found` is not accepted; `other` is the type of the operand that it must agree with,
    /// the first unless it says another.
    #[must_use]
    pub fn refuses(self, found: DType, other: DType) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::Only(dtype) => (found != dtype).then(|| dtype.name()),
            Self::AsFirst | Self::As(_) => (found != other).then(|| other.name()),
            Self::Numbers => (!matches!(found, DType::F32 | DType::I32)).then_some("f32 or i32"),
            Self::Product => (!matches!(found, DType::F32 | DType::F16)).then_some("f32 or f16"),
            Self::Bytes => (!matches!(found, DType::I8 | DType::U8)).then_some("i8 or u8"),
            Self::Integers => {
                (!matches!(found, DType::I8 | DType::U8 | DType::I32)).then_some("i8, u8 or i32")
            }
            Self::Words => (found.size() != 4).then_some("of four bytes"),
        }
    }
}

impl<'a> Facts<'a> {
    /// Arithmetic of f32 operands of these names, with one result `y` of f32 in memory of its own; `shapes` is its shape.
    pub(super) fn new(
        name: &'static str,
        operands: &[&'static str],
        shape: impl Fn(&[&[usize]]) -> Result<Vec<usize>, ShapeError> + 'a,
    ) -> Self {
        let (accepts, layout) = (Accepts::Only(DType::F32), Preference::None);
        Self {
            name,
            kind: Kind::Arithmetic,
            inputs: operands.iter().map(|&name| Input { name, accepts, layout }).collect(),
            variadic: false,
            outputs: vec![Output { name: "y", gives: Gives::AsFirst }],
            owns_memory: true,
            shapes: Box::new(move |inputs| Ok(vec![shape(inputs)?])),
            flops: Box::new(|_, _| 0),
            bytes: Box::new(|_, _| None),
        }
    }

    /// Of an operation that another crate brings.
    pub(super) fn custom(
        name: &'static str,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
        shapes: impl Fn(&[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError> + 'a,
    ) -> Self {
        let facts = Self::new(name, &[], |_| Ok(vec![]));
        Self { inputs, outputs, shapes: Box::new(shapes), ..facts }
    }

    /// Bytes that it reads and writes, where they are not those of operands and results.
    pub(super) fn moves(mut self, bytes: impl Fn(&[&[usize]], &[Vec<usize>]) -> Option<u64> + 'a) -> Self {
        self.bytes = Box::new(bytes);
        self
    }

    /// As a movement: operands and result of any type, of which all are the first one's.
    pub(super) fn movement(mut self) -> Self {
        self.kind = Kind::Movement;
        for (at, input) in self.inputs.iter_mut().enumerate() {
            input.accepts = if at == 0 { Accepts::Any } else { Accepts::AsFirst };
        }
        self
    }

    /// As a product: f32 or f16, with a bias and a residual as far as they are there.
    pub(super) fn product(mut self, bias: bool, residual: bool, layout: [Preference; 2]) -> Self {
        self.kind = Kind::Product;
        let accepts = [Accepts::Product, Accepts::AsFirst];
        for (input, (accepts, layout)) in self.inputs.iter_mut().zip(accepts.into_iter().zip(layout)) {
            (input.accepts, input.layout) = (accepts, layout);
        }
        if bias {
            self = self.operand("bias", Accepts::Only(DType::F32), Preference::RowMajor);
        }
        if residual { self.operand("residual", Accepts::AsFirst, layout[0]) } else { self }
    }

    /// One more operand.
    pub(super) fn operand(mut self, name: &'static str, accepts: Accepts, layout: Preference) -> Self {
        self.inputs.push(Input { name, accepts, layout });
        self
    }

    /// The last operand may be repeated.
    pub(super) fn variadic(mut self) -> Self {
        self.variadic = true;
        self
    }

    /// The element types of the operands.
    pub(super) fn accepts<const N: usize>(mut self, accepts: [Accepts; N]) -> Self {
        for (input, accepts) in self.inputs.iter_mut().zip(accepts) {
            input.accepts = accepts;
        }
        self
    }

    /// How every operand should lie.
    pub(super) fn lies(mut self, layout: Preference) -> Self {
        for input in &mut self.inputs {
            input.layout = layout;
        }
        self
    }

    /// How each of the operands should lie.
    pub(super) fn each_lies<const N: usize>(mut self, layouts: [Preference; N]) -> Self {
        for (input, layout) in self.inputs.iter_mut().zip(layouts) {
            input.layout = layout;
        }
        self
    }

    /// Several results, whose shapes `shapes` gives.
    pub(super) fn outputs(
        mut self,
        outputs: &[&'static str],
        shapes: impl Fn(&[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError> + 'a,
    ) -> Self {
        self.outputs = outputs.iter().map(|&name| Output { name, gives: Gives::AsFirst }).collect();
        self.shapes = Box::new(shapes);
        self
    }

    /// So many results of one name.
    pub(super) fn repeat_output(mut self, name: &'static str, count: usize) -> Self {
        self.outputs = vec![Output { name, gives: Gives::AsFirst }; count];
        self
    }

    /// The element type of result `at`.
    pub(super) fn gives(mut self, at: usize, dtype: DType) -> Self {
        if let Some(output) = self.outputs.get_mut(at) {
            output.gives = Gives::Only(dtype);
        }
        self
    }

    /// The element type of the first result is that of the operand at `at`.
    pub(super) fn gives_as(mut self, at: usize) -> Self {
        if let Some(output) = self.outputs.first_mut() {
            output.gives = Gives::As(at);
        }
        self
    }

    /// Its result may be an operand's memory.
    pub(super) fn shares_memory(mut self) -> Self {
        self.owns_memory = false;
        self
    }

    /// Floating-point operations from the shapes of operands and results.
    pub(super) fn flops(mut self, flops: impl Fn(&[&[usize]], &[Vec<usize>]) -> u64 + 'a) -> Self {
        self.flops = Box::new(flops);
        self
    }

    /// So many floating-point operations for each element of the first result.
    pub(super) fn flops_each(self, each: u64) -> Self {
        self.flops(move |_, outputs| elements(&outputs[0]).saturating_mul(each))
    }

    /// One floating-point operation for each element of the first operand.
    pub(super) fn flops_read(self) -> Self {
        self.flops(|inputs, _| elements(inputs[0]))
    }

    /// Fails unless there are as many operands as the operation takes.
    ///
    /// # Errors
    /// [`ShapeError::OperandCount`].
    pub fn check_count(&self, found: usize) -> Result<(), ShapeError> {
        let fits = if self.variadic { found >= self.inputs.len() } else { found == self.inputs.len() };
        if fits { Ok(()) } else { Err(ShapeError::OperandCount { op: self.name, found }) }
    }

    /// Operand `at`, of which the last may be repeated.
    #[must_use]
    pub fn input(&self, at: usize) -> Input {
        let last = self.inputs.len().saturating_sub(1);
        self.inputs[at.min(last)]
    }

    /// The shapes of the results.
    ///
    /// # Errors
    /// A [`ShapeError`] that names the operation and the shapes.
    pub fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError> {
        self.check_count(inputs.len())?;
        (self.shapes)(inputs)
    }

    /// The element types of the results.
    ///
    /// # Errors
    /// [`DTypeError`] names the operand that has another type than the operation takes.
    pub fn output_dtypes(&self, inputs: &[DType]) -> Result<Vec<DType>, DTypeError> {
        let first = inputs.first().copied().unwrap_or_default();
        for (at, &found) in inputs.iter().enumerate() {
            let Input { name: operand, accepts, .. } = self.input(at);
            let other = match accepts {
                Accepts::As(at) => inputs.get(at).copied().unwrap_or(first),
                _ => first,
            };
            if let Some(expected) = accepts.refuses(found, other) {
                return Err(DTypeError { op: self.name, operand, found, expected });
            }
        }
        let dtype = |output: &Output| match output.gives {
            Gives::AsFirst => first,
            Gives::As(at) => inputs.get(at).copied().unwrap_or(first),
            Gives::Only(dtype) => dtype,
        };
        Ok(self.outputs.iter().map(dtype).collect())
    }

    /// Floating-point operations: multiplications and additions count as one each; 0 for what only moves elements.
    ///
    /// # Errors
    /// Those of [`Self::output_shapes`].
    pub fn flop_count(&self, inputs: &[&[usize]]) -> Result<u64, ShapeError> {
        Ok((self.flops)(inputs, &self.output_shapes(inputs)?))
    }

    /// Bytes that it reads and writes where each operand is read once and each result written once, unless the operation says
    /// otherwise.
    ///
    /// # Errors
    /// Those of [`Self::output_shapes`]. Types that do not fit count as f32.
    pub fn bytes(&self, inputs: &[(&[usize], DType)]) -> Result<u64, ShapeError> {
        let (shapes, dtypes): (Vec<_>, Vec<_>) = inputs.iter().copied().unzip();
        let outputs = self.output_shapes(&shapes)?;
        if let Some(bytes) = (self.bytes)(&shapes, &outputs) {
            return Ok(bytes);
        }
        let given = self.output_dtypes(&dtypes).unwrap_or_else(|_| vec![DType::F32; outputs.len()]);
        let read = inputs.iter().map(|(shape, dtype)| elements(shape) * dtype.size() as u64);
        let written = outputs.iter().zip(given).map(|(shape, dtype)| elements(shape) * dtype.size() as u64);
        Ok(read.chain(written).sum())
    }
}

/// Elements of a shape that has been checked.
pub(super) fn elements(shape: &[usize]) -> u64 {
    shape.iter().fold(1, |count: u64, &extent| count.saturating_mul(extent as u64))
}
