//! The time of each node of a network.

use std::collections::BTreeMap;

use tilewright_graph::Compiled;
use tilewright_runtime::Profile;

/// By node: its kernels, and milliseconds, the median of several runs for each launch.
pub fn by_node(compiled: &Compiled, profiles: &[Profile]) -> BTreeMap<String, (Vec<String>, f64)> {
    // Copies have no timestamps.
    let launches: Vec<_> = compiled.plan().launches().filter(|(_, kernel)| *kernel != "copy").collect();
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); launches.len()];
    for profile in profiles {
        for (dispatch, times) in profile.dispatches.iter().zip(&mut times) {
            times.push(dispatch.duration_ns / 1e6);
        }
    }
    let mut by_node: BTreeMap<String, (Vec<String>, f64)> = BTreeMap::new();
    for ((node, kernel), mut times) in launches.into_iter().zip(times) {
        times.sort_by(f64::total_cmp);
        let entry = by_node.entry(node.to_owned()).or_default();
        entry.0.push(kernel.to_owned());
        entry.1 += times.get(times.len() / 2).copied().unwrap_or(0.0);
    }
    by_node
}
