//! What both kernels are told.

use tilewright_runtime::Buffer;

/// Extents of an attention, of which none is 0, and how its mask lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Problem {
    /// Batches.
    pub batch: usize,
    /// Heads of each.
    pub heads: usize,
    /// Queries of a head.
    pub queries: usize,
    /// Keys of a head.
    pub keys: usize,
    /// Numbers of a query and of a key.
    pub head: usize,
    /// Numbers of a value.
    pub width: usize,
    /// Distances of batches, heads and queries in the mask, 0 where all share it; nothing without a mask.
    pub mask: Option<[usize; 3]>,
    /// What the products are multiplied by.
    pub scale: f32,
    /// Whether a query sees no key behind its own place.
    pub causal: bool,
}

impl Problem {
    /// The largest index that a kernel makes.
    pub(super) fn largest_index(&self) -> usize {
        let heads = self.batch.saturating_mul(self.heads);
        let rows = heads.saturating_mul(self.queries.max(self.keys));
        let mask = self.mask.map_or(0, |[batch, head, query]| {
            let whole = batch.saturating_mul(self.batch).saturating_add(head.saturating_mul(self.heads));
            whole.saturating_add(query.saturating_mul(self.queries)).saturating_add(self.keys)
        });
        rows.saturating_mul(self.head.max(self.width)).max(mask)
    }
}

/// Where everything lies, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Buffers<'a> {
    /// Batch, head, query, number.
    pub query: &'a Buffer,
    /// Batch, head, key, number.
    pub key: &'a Buffer,
    /// Batch, head, key, number.
    pub value: &'a Buffer,
    /// By the problem's distances; any buffer without a mask.
    pub mask: &'a Buffer,
    /// Batch, head, query, number.
    pub y: &'a Buffer,
    /// Batch, head, query.
    pub log_sum: &'a Buffer,
}

impl<'a> Buffers<'a> {
    pub(super) fn all(&self) -> [&'a Buffer; 6] {
        [self.query, self.key, self.value, self.mask, self.y, self.log_sum]
    }
}
