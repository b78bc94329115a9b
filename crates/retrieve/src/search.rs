//! The nearest vectors to a query.

use tilewright_ops::TopK;
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::{error::Error, error::Result, index::Index, metric::Metric};

/// A vector that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its score by the index's metric, in f64 of the numbers that the index has.
    pub score: f64,
}

/// Bytes of a chunk of vectors: half of the storage binding that every device has, so that scores have room as well.
const CHUNK_BYTES: usize = 64 << 20;

/// Queries that are compared at a time.
const QUERIES: usize = 64;

/// Vectors that are taken of a chunk beyond those that are wanted: the device's scores are rounded to f32, so that the last of
/// those that are wanted may stand a few places further back there.
const SLACK: usize = 8;

/// An index whose vectors lie on a device.
pub struct Searcher<'a> {
    index: &'a Index,
    context: Context,
    chunks: Vec<Chunk>,
}

struct Chunk {
    /// The place of its first vector.
    first: usize,
    /// Vectors × numbers.
    rows: Tensor,
    /// For distances, −|x|² / 2 of each vector.
    bias: Option<Tensor>,
}

impl<'a> Searcher<'a> {
    /// The index's vectors on the device, in chunks of 64 MiB. The index cannot change while they are there.
    ///
    /// # Errors
    /// What the device says: it needs 4 bytes for each number.
    pub fn new(index: &'a Index, context: &Context) -> Result<Self> {
        let fit = (context.limits().max_storage_buffer_binding_size / 2).min(CHUNK_BYTES as u64);
        Self::in_chunks(index, context, usize::try_from(fit).unwrap_or(CHUNK_BYTES) / (4 * index.dim()))
    }

    /// As [`Self::new`], in chunks of so many vectors; what is found does not depend on it.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn in_chunks(index: &'a Index, context: &Context, vectors: usize) -> Result<Self> {
        let (vectors, dim) = (vectors.max(1), index.dim());
        let mut chunks = Vec::with_capacity(index.len().div_ceil(vectors));
        for (number, rows) in index.rows().chunks(vectors.saturating_mul(dim)).enumerate() {
            let count = rows.len() / dim;
            let half = |row: &[f32]| {
                let square: f64 = row.iter().map(|&number| f64::from(number) * f64::from(number)).sum();
                (-square / 2.0) as f32
            };
            let bias = (index.metric() == Metric::L2).then(|| {
                let halves: Vec<f32> = rows.chunks(dim).map(half).collect();
                Tensor::from_slice(context, &halves, &[count])
            });
            let rows = Tensor::from_slice(context, rows, &[count, dim])?;
            chunks.push(Chunk { first: number * vectors, rows, bias: bias.transpose()? });
        }
        Ok(Self { index, context: context.clone(), chunks })
    }

    /// The index.
    pub fn index(&self) -> &Index {
        self.index
    }

    /// The `k` nearest vectors to each query, the nearest first, of equal ones the lower id; all that there are if they are
    /// fewer. `queries` are one behind the other.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::NotFinite`], [`Error::Zero`] of a query; what the device says.
    pub fn query(&self, queries: &[f32], k: usize) -> Result<Vec<Vec<Match>>> {
        let dim = self.index.dim();
        if !queries.len().is_multiple_of(dim) {
            let what = format!("query {}", queries.len() / dim);
            return Err(Error::Length { what, found: queries.len() % dim, dim });
        }
        let prepared = |(number, query)| self.index.prepared(&format!("query {number}"), query);
        let queries = queries.chunks(dim).enumerate().map(prepared).collect::<Result<Vec<_>>>()?;
        let mut found = Vec::with_capacity(queries.len());
        for block in queries.chunks(QUERIES) {
            let near = self.near(block, k)?;
            found.extend(block.iter().zip(near).map(|(query, places)| self.ranked(query, &places, k)));
        }
        Ok(found)
    }

    /// For each query the places of the vectors that the device takes for the nearest.
    fn near(&self, queries: &[Vec<f32>], k: usize) -> Result<Vec<Vec<usize>>> {
        let mut near = vec![Vec::new(); queries.len()];
        if k == 0 || self.chunks.is_empty() {
            return Ok(near);
        }
        let block = Tensor::from_slice(&self.context, &queries.concat(), &[queries.len(), self.index.dim()])?;
        let mut best = Vec::with_capacity(self.chunks.len());
        for chunk in &self.chunks {
            let count = chunk.rows.shape().first().copied().unwrap_or_default();
            let scores = block.linear(&chunk.rows, chunk.bias.as_ref())?;
            let k = k.saturating_add(SLACK).min(count);
            best.push((chunk.first, k, scores.topk(TopK { k, axis: 1, largest: true })?.1));
        }
        // All chunks are on their way before the first is waited for.
        for (first, k, places) in best {
            for (near, places) in near.iter_mut().zip(places.to_vec::<i32>()?.chunks(k)) {
                near.extend(
                    places.iter().filter_map(|&place| usize::try_from(place).ok()).map(|at| first + at),
                );
            }
        }
        Ok(near)
    }

    /// The `k` nearest of the vectors at `places`, by scores in f64.
    fn ranked(&self, query: &[f32], places: &[usize], k: usize) -> Vec<Match> {
        let metric = self.index.metric();
        let score =
            |&place: &usize| (metric.score(query, self.index.row(place)), self.index.ids()[place], place);
        let mut all: Vec<_> = places.iter().map(score).collect();
        all.sort_by(|one, other| metric.order(one.0, other.0).then(one.1.cmp(&other.1)));
        all.truncate(k);
        all.into_iter()
            .map(|(score, id, place)| Match { id, name: self.index.names()[place].clone(), score })
            .collect()
    }
}
