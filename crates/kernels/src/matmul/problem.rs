//! What every product is told: shapes and strides, buffers.

use tilewright_ops::DType;
use tilewright_runtime::Buffer;

/// The numbers of a product C\[b\] = A\[b\] · B\[b\] of row-major matrices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Matrices of C.
    pub batches: usize,
    /// Rows of C.
    pub m: usize,
    /// Columns of C.
    pub n: usize,
    /// Extent that is summed over; 0 gives zeros.
    pub k: usize,
    /// A is stored K M.
    pub transpose_left: bool,
    /// B is stored N K.
    pub transpose_right: bool,
    /// Elements from one matrix of A to the next; 0 reads one for all.
    pub left_stride: usize,
    /// Elements from one matrix of B to the next; 0 reads one for all.
    pub right_stride: usize,
    /// The type of A, B and C: f32 or f16. Bias and sums are f32.
    pub dtype: DType,
}

impl Problem {
    /// 2 · batches · M · N · K.
    pub fn flops(&self) -> u64 {
        [self.m, self.n, self.k]
            .iter()
            .fold(2 * self.batches as u64, |product, &extent| product * extent as u64)
    }

    /// The same product read the other way round, Cᵀ = Bᵀ · Aᵀ.
    pub(super) fn swapped(&self) -> Self {
        Self {
            m: self.n,
            n: self.m,
            transpose_left: !self.transpose_right,
            transpose_right: !self.transpose_left,
            left_stride: self.right_stride,
            right_stride: self.left_stride,
            ..*self
        }
    }

    /// The fastest extents in memory of A and B.
    fn inner_extents(&self) -> [usize; 2] {
        [
            if self.transpose_left { self.m } else { self.k },
            if self.transpose_right { self.k } else { self.n },
        ]
    }

    /// Whether rows of A, of B and of C begin at whole vec4s.
    pub(super) fn vec4_aligned(&self) -> [bool; 3] {
        let [a, b] = self.inner_extents();
        [
            a.is_multiple_of(4) && self.left_stride.is_multiple_of(4),
            b.is_multiple_of(4) && self.right_stride.is_multiple_of(4),
            self.n.is_multiple_of(4),
        ]
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = |transposed| if transposed { "ᵀ" } else { "" };
        let Self { batches, m, n, k, dtype, .. } = *self;
        let (left, right) = (mark(self.transpose_left), mark(self.transpose_right));
        write!(f, "batches {batches}, M {m}, N {n}, K {k}, A{left} · B{right}, {dtype}")
    }
}

/// The buffers of a product.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'a> {
    /// A.
    pub left: &'a Buffer,
    /// B.
    pub right: &'a Buffer,
    /// N entries, added to every row.
    pub bias: Option<&'a Buffer>,
    /// Of C's shape, added to it.
    pub residual: Option<&'a Buffer>,
    /// C.
    pub y: &'a Buffer,
}
