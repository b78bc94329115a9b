//! How often which number occurs, and which of them bytes represent.

use tilewright_ops::{DType, Quantization};

use super::{calibration::Calibration, histogram::Histogram, product::Product, scale::Scale, weights};
use crate::{Error, Result};

/// Numbers in bins of one width, and what bytes represent of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The lower end of the first bin.
    pub low: f32,
    /// Of a bin.
    pub width: f32,
    /// How many numbers lie in each; the first and the last are not 0.
    pub counts: Vec<u64>,
    /// The least and the largest number that a byte stands for: of a weight, in the channel of the widest range.
    pub range: (f32, f32),
    /// Of a weight, the same in the channel of the narrowest range.
    pub narrowest: Option<(f32, f32)>,
}

/// A layer that computes with bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Distributions {
    /// The layer's name.
    pub node: String,
    /// Its weight.
    pub weight: Distribution,
    /// Its result.
    pub output: Distribution,
}

impl Calibration {
    /// The numbers of weights and results of every convolution and linear layer that becomes bytes.
    ///
    /// # Errors
    /// [`Error::Calibration`] if results were not counted ([`Self::count`]); those of [`Self::convert`].
    pub fn distributions(&self) -> Result<Vec<Distributions>> {
        let scales = self.scales()?;
        let mut found = Vec::new();
        for node in self.graph.nodes() {
            let Some(product) = Product::read(&self.graph, node, &self.scheme)? else { continue };
            let Some(scale) = scales.get(&node.output()) else { continue };
            let Some(seen) = self.counted(node.output()) else {
                let what = "numbers were not counted; call `count` before the first `observe`".to_owned();
                return Err(Error::Calibration { what });
            };
            let rows = product.rows();
            let steps = weights::bytes(&rows, product.outputs, self.scheme.weights).scales;
            let ends = |scale: f32| (-127.0 * scale, 127.0 * scale);
            let widest = steps.iter().copied().fold(0.0, f32::max);
            let narrowest = steps.iter().copied().fold(f32::INFINITY, f32::min);
            let mut counts = Histogram::new();
            counts.add(&rows);
            let weight = Distribution { narrowest: Some(ends(narrowest)), ..of(&counts, ends(widest)) };
            found.push(Distributions {
                node: node.name.clone(),
                weight,
                output: of(seen, represented(*scale)),
            });
        }
        Ok(found)
    }
}

/// The ends of what bytes represent.
fn represented(Scale { scale, zero_point }: Scale) -> (f32, f32) {
    let (low, high) = Quantization::range(DType::I8).unwrap_or_default();
    let number = |byte: i32| (byte - zero_point) as f32 * scale;
    (number(low), number(high))
}

/// The bins from the first to the last that holds anything.
fn of(histogram: &Histogram, range: (f32, f32)) -> Distribution {
    let (counts, zero, width) = histogram.signed();
    let filled = |count: &u64| *count > 0;
    let first = counts.iter().position(filled).unwrap_or(zero);
    let last = counts.iter().rposition(filled).map_or(first, |last| last + 1);
    let low = (first as f32 - zero as f32) * width;
    Distribution { low, width, counts: counts[first..last].to_vec(), range, narrowest: None }
}
