//! What makes a graph smaller and quicker without changing what it computes, one file each.
//!
//! Each pass takes a graph and gives a new one, with the number of places that it changed. [`optimize`] runs them in
//! the order of [`ALL`] until none finds anything.

mod convert_f16;
mod drop_unread_results;
mod eliminate_common;
mod eliminate_dead;
mod fold_batch_norm;
mod fold_constants;
mod fold_scale;
mod fuse_activation;
mod fuse_bias;
mod fuse_pooling;
mod fuse_quantized;
mod fuse_residual;
mod remove_identities;

pub(crate) use convert_f16::{apart, convert_f16_but};
pub(crate) use fold_batch_norm::folded;

pub use convert_f16::convert_f16;
pub use drop_unread_results::drop_unread_results;
pub use eliminate_common::eliminate_common;
pub use eliminate_dead::eliminate_dead;
pub use fold_batch_norm::fold_batch_norm;
pub use fold_constants::fold_constants;
pub use fold_scale::fold_scale;
pub use fuse_activation::fuse_activation;
pub use fuse_bias::fuse_bias;
pub use fuse_pooling::fuse_pooling;
pub use fuse_quantized::fuse_quantized;
pub use fuse_residual::fuse_residual;
pub use remove_identities::remove_identities;

use serde::Serialize;

use crate::{Graph, Result};

/// A pass: the new graph, and how many places it changed.
pub type Pass = fn(&Graph) -> Result<(Graph, usize)>;

/// Every pass by name, in the order in which they run.
pub const ALL: &[(&str, Pass)] = &[
    ("eliminate_dead", eliminate_dead),
    ("drop_unread_results", drop_unread_results),
    ("remove_identities", remove_identities),
    ("eliminate_common", eliminate_common),
    // Before constants are folded: the bytes of a weight must still be there.
    ("fuse_quantized", fuse_quantized),
    ("fold_constants", fold_constants),
    ("fold_batch_norm", fold_batch_norm),
    ("fold_scale", fold_scale),
    ("fuse_bias", fuse_bias),
    ("fuse_residual", fuse_residual),
    ("fuse_activation", fuse_activation),
    ("fuse_pooling", fuse_pooling),
];

/// What a pass did, over all rounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PassReport {
    /// Its name.
    pub pass: &'static str,
    /// Places that it changed.
    pub changed: usize,
}

/// Changes after which passes that go on changing one another's work are stopped.
const MOST_ROUNDS: usize = 256;

/// Runs the passes until none finds anything. One runs only where those before it find nothing: what can become part of
/// a weight does so before an activation closes the convolution.
///
/// # Errors
/// Those of computing constants.
pub fn optimize(graph: &Graph) -> Result<(Graph, Vec<PassReport>)> {
    optimize_by(ALL, graph)
}

/// Runs the passes before [`fold_batch_norm`] until none finds anything.
///
/// # Errors
/// Those of computing constants.
pub(crate) fn before_folding(graph: &Graph) -> Result<Graph> {
    let first = ALL.iter().position(|(name, _)| *name == "fold_batch_norm").unwrap_or(ALL.len());
    Ok(optimize_by(&ALL[..first], graph)?.0)
}

fn optimize_by(passes: &[(&'static str, Pass)], graph: &Graph) -> Result<(Graph, Vec<PassReport>)> {
    let mut reports: Vec<_> = passes.iter().map(|&(pass, _)| PassReport { pass, changed: 0 }).collect();
    let mut graph = graph.clone();
    for _ in 0..MOST_ROUNDS {
        let mut any = false;
        for ((_, pass), report) in passes.iter().zip(&mut reports) {
            let (next, changed) = pass(&graph)?;
            graph = next;
            if changed > 0 {
                report.changed += changed;
                any = true;
                break;
            }
        }
        if !any {
            break;
        }
    }
    Ok((graph, reports))
}
