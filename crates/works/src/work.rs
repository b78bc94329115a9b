//! A work, and how lists of them are written.

use tilewright_tensor::{Result, Tensor};

/// What one call does at least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    /// Arithmetic, and the bytes that it must move: operands read once, the result written once.
    Flops {
        /// Floating-point operations.
        flops: u64,
        /// Bytes.
        bytes: u64,
    },
    /// Bytes that cannot be spared: each operand read once for each pass that needs it, each result written once.
    Bytes(u64),
    /// Elements, of work that is bound by neither.
    Elements(u64),
}

/// Something to time.
pub struct Work {
    /// What it is. Unique in its list together with the shape.
    pub name: String,
    /// The shape of the largest operand.
    pub shape: Vec<usize>,
    /// What one call does at least.
    pub quantity: Quantity,
    /// The call. It records dispatches and does not wait for the device.
    pub run: Box<dyn Fn() -> Result<()>>,
}

impl Work {
    /// The bytes that one call moves at least; of elements, as many f32.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self.quantity {
            Quantity::Flops { bytes, .. } | Quantity::Bytes(bytes) => bytes,
            Quantity::Elements(elements) => 4 * elements,
        }
    }
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Work({} {:?})", self.name, self.shape)
    }
}

/// A list of works of one operand.
pub(crate) struct Rows {
    works: Vec<Work>,
    shape: Vec<usize>,
    bytes: f64,
}

impl Rows {
    pub fn new() -> Self {
        Self { works: Vec::new(), shape: Vec::new(), bytes: 0.0 }
    }

    /// What follows is of f32 tensors like `x`.
    pub fn of(&mut self, x: &Tensor) {
        (self.shape, self.bytes) = (x.shape().to_vec(), x.count() as f64 * 4.0);
    }

    /// A work that moves the operand's bytes `streams` times.
    pub fn add<T>(&mut self, name: &str, streams: f64, run: impl Fn() -> Result<T> + 'static) {
        self.push(name, Quantity::Bytes((streams * self.bytes) as u64), run);
    }

    /// A work of another quantity.
    pub fn push<T>(&mut self, name: &str, quantity: Quantity, run: impl Fn() -> Result<T> + 'static) {
        let run = Box::new(move || run().map(drop));
        self.works.push(Work { name: name.to_owned(), shape: self.shape.clone(), quantity, run });
    }

    pub fn done(self) -> Vec<Work> {
        self.works
    }
}
