//! How near two vectors are.

use serde::{Deserialize, Serialize};

/// How near two vectors are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// The cosine of the angle between them, −1 to 1: the larger, the nearer.
    #[default]
    Cosine,
    /// Their Euclidean distance: the smaller, the nearer.
    L2,
    /// Their inner product: the larger, the nearer.
    Dot,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 3] = [Self::Cosine, Self::L2, Self::Dot];

    /// Its name in files and on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::L2 => "l2",
            Self::Dot => "dot",
        }
    }

    /// The score of two vectors of one length, in f64; for [`Self::Cosine`] they have length 1 already.
    pub(crate) fn score(self, one: &[f32], other: &[f32]) -> f64 {
        let pairs = one.iter().zip(other).map(|(&one, &other)| (f64::from(one), f64::from(other)));
        match self {
            Self::Cosine | Self::Dot => pairs.map(|(one, other)| one * other).sum(),
            Self::L2 => pairs.map(|(one, other)| (one - other) * (one - other)).sum::<f64>().sqrt(),
        }
    }

    /// Orders scores, the nearer first.
    pub(crate) fn order(self, one: f64, other: f64) -> std::cmp::Ordering {
        match self {
            Self::Cosine | Self::Dot => other.total_cmp(&one),
            Self::L2 => one.total_cmp(&other),
        }
    }
}
