//! Unary and binary operations, casts.

use tilewright_kernels::{elementwise, strided::Strided};
use tilewright_ops::{BinaryOp, DType, Op, ShapeError, UnaryOp};

use crate::{Layout, Result, Tensor, trace};

impl Tensor {
    /// `op` of every element.
    pub fn unary(&self, op: UnaryOp) -> Result<Self> {
        self.require_f32(op.name(), "x")?;
        op.check()?;
        if let Some(y) = trace::step(|| Op::Unary(op), &[self]) {
            return y;
        }
        let y = self.like(DType::F32)?;
        elementwise::unary(self.context(), op, self.buffer(), y.buffer(), self.count())?;
        Ok(y)
    }

    /// `grad_y · op'(x)` where `self` is x: the gradient of [`Self::unary`].
    pub fn unary_backward(&self, op: UnaryOp, grad_y: &Self) -> Result<Self> {
        self.require_f32(op.name(), "x")?;
        grad_y.require_f32(op.name(), "grad_y")?;
        self.require_same_context(op.name(), grad_y)?;
        self.require_shape(op.name(), "grad_y", grad_y)?;
        let grad_y = grad_y.to_layout(self.layout())?;
        let grad_x = self.like(DType::F32)?;
        elementwise::unary_backward(
            self.context(),
            op,
            self.buffer(),
            grad_y.buffer(),
            grad_x.buffer(),
            self.count(),
        )?;
        Ok(grad_x)
    }

    /// `op` of both, with NumPy's broadcasting.
    pub fn binary(&self, op: BinaryOp, other: &Self) -> Result<Self> {
        self.binary_fused(op, other, None)
    }

    /// [`Self::binary`] with an activation of the result in the same pass.
    pub fn binary_fused(&self, op: BinaryOp, other: &Self, activation: Option<UnaryOp>) -> Result<Self> {
        self.require_f32(op.name(), "a")?;
        other.require_f32(op.name(), "b")?;
        self.require_same_context(op.name(), other)?;
        activation.map_or(Ok(()), |activation| activation.check())?;
        let shape = op.output_shape(self.shape(), other.shape())?;
        if let Some(y) = trace::step(|| Op::Binary { op, activation }, &[self, other]) {
            return y;
        }
        let context = self.context();
        // The result lies as the operand does that has its shape, so that a bias does not turn an activation around.
        let layout = if self.shape() == shape { self.layout() } else { other.layout() };
        let y = Self::empty(context, &shape, DType::F32, layout)?;
        let (a, b) = (self.buffer(), other.buffer());
        if self.shape() == other.shape() && self.layout() == other.layout() {
            elementwise::binary(context, op, activation, a, b, y.buffer(), y.count())?;
        } else {
            let index = y.broadcast_index(self, other);
            elementwise::binary_broadcast(context, op, activation, a, b, y.buffer(), &index)?;
        }
        Ok(y)
    }

    /// `max(self + other, 0)`, broadcasting: the end of a residual block.
    pub fn add_relu(&self, other: &Self) -> Result<Self> {
        self.binary_fused(BinaryOp::Add, other, Some(UnaryOp::Relu))
    }

    /// The gradients of [`Self::binary`] for both operands, each in its own shape; what is not wanted is `None`.
    pub fn binary_backward(
        &self,
        op: BinaryOp,
        other: &Self,
        grad_y: &Self,
        [want_a, want_b]: [bool; 2],
    ) -> Result<[Option<Self>; 2]> {
        grad_y.require_f32(op.name(), "grad_y")?;
        self.require_f32(op.name(), "a")?;
        other.require_f32(op.name(), "b")?;
        self.require_same_context(op.name(), other)?;
        self.require_same_context(op.name(), grad_y)?;
        let expected = op.output_shape(self.shape(), other.shape())?;
        if grad_y.shape() != expected {
            let shape = grad_y.shape().to_vec();
            return Err(ShapeError::Operand { op: op.name(), operand: "grad_y", shape, expected }.into());
        }
        // Sums need no kernel of their own.
        let [full_a, full_b] = match op {
            BinaryOp::Add => [want_a.then(|| grad_y.clone()), want_b.then(|| grad_y.clone())],
            BinaryOp::Sub => {
                let negative = want_b.then(|| grad_y.unary(UnaryOp::Neg)).transpose()?;
                [want_a.then(|| grad_y.clone()), negative]
            }
            _ => {
                let grad_a = want_a.then(|| grad_y.like(DType::F32)).transpose()?;
                let grad_b = want_b.then(|| grad_y.like(DType::F32)).transpose()?;
                let index = grad_y.broadcast_index(self, other);
                elementwise::binary_backward(
                    self.context(),
                    op,
                    self.buffer(),
                    other.buffer(),
                    grad_y.buffer(),
                    grad_a.as_ref().map(Self::buffer),
                    grad_b.as_ref().map(Self::buffer),
                    &index,
                )?;
                [grad_a, grad_b]
            }
        };
        let grad_a = full_a.map(|grad| grad.sum_to_shape(self.shape())).transpose()?;
        let grad_b = full_b.map(|grad| grad.sum_to_shape(other.shape())).transpose()?;
        Ok([grad_a, grad_b])
    }

    /// This tensor's elements in the order of its memory, with the strides of two operands broadcast to its shape.
    pub(crate) fn broadcast_index(&self, a: &Self, b: &Self) -> Strided {
        let order = self.layout().memory_order(self.rank());
        let extents: Vec<_> = order.iter().map(|&axis| self.shape()[axis]).collect();
        let strides = |operand: &Self| -> Vec<isize> {
            let own = operand.broadcast_strides(self.shape());
            order.iter().map(|&axis| own[axis]).collect()
        };
        Strided::new(&extents, &strides(a), &strides(b))
    }

    /// The elements as another type. Float to integer truncates towards zero.
    pub fn cast(&self, dtype: DType) -> Result<Self> {
        if dtype == self.dtype() {
            return Ok(self.clone());
        }
        if let Some(y) = trace::step(|| Op::Cast(dtype), &[self]) {
            return y;
        }
        let y = self.like(dtype)?;
        let (x, from) = (self.buffer(), self.dtype());
        match elementwise::cast(self.context(), x, from, y.buffer(), dtype, self.count()) {
            Some(outcome) => outcome.map(|()| y).map_err(Into::into),
            None => self.cast(DType::F32)?.cast(dtype),
        }
    }

    /// `self + other`, broadcasting.
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.binary(BinaryOp::Add, other)
    }

    /// `self − other`, broadcasting.
    pub fn sub(&self, other: &Self) -> Result<Self> {
        self.binary(BinaryOp::Sub, other)
    }

    /// `self · other`, element by element, broadcasting.
    pub fn mul(&self, other: &Self) -> Result<Self> {
        self.binary(BinaryOp::Mul, other)
    }

    /// `self / other`, broadcasting.
    pub fn div(&self, other: &Self) -> Result<Self> {
        self.binary(BinaryOp::Div, other)
    }

    /// `max(self, 0)`.
    pub fn relu(&self) -> Result<Self> {
        self.unary(UnaryOp::Relu)
    }

    /// `self · value`.
    pub fn scale(&self, value: f32) -> Result<Self> {
        self.unary(UnaryOp::MulScalar { value })
    }

    /// An empty tensor of this shape and layout.
    pub(crate) fn like(&self, dtype: DType) -> Result<Self> {
        Self::empty(self.context(), self.shape(), dtype, self.layout())
    }

    /// The strides under which this tensor is read as `shape`, 0 along what is broadcast.
    pub(crate) fn broadcast_strides(&self, shape: &[usize]) -> Vec<isize> {
        let missing = shape.len() - self.rank();
        let mut strides = vec![0; missing];
        for (axis, stride) in self.strides().into_iter().enumerate() {
            strides.push(if self.shape()[axis] == shape[missing + axis] { stride } else { 0 });
        }
        strides
    }

    pub(crate) fn require_shape(&self, op: &'static str, operand: &'static str, other: &Self) -> Result<()> {
        if other.shape() == self.shape() {
            return Ok(());
        }
        let (shape, expected) = (other.shape().to_vec(), self.shape().to_vec());
        Err(ShapeError::Operand { op, operand, shape, expected }.into())
    }

    /// The same values in `layout`; free of cost where the bytes are the same.
    pub fn to_layout(&self, layout: Layout) -> Result<Self> {
        // What is symbolic lies nowhere yet.
        if self.layout() == layout || self.rank() != 4 || self.is_symbolic() {
            return Ok(self.clone());
        }
        if Layout::coincide(self.shape()) {
            return Ok(self.relabel(self.shape(), layout));
        }
        self.copy_to("to_layout", self.shape(), &self.strides(), 0, layout)
    }
}
