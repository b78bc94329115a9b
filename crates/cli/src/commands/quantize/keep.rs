//! Which layers stay in f32.

use tilewright_graph::{
    Compiled, Graph, Options,
    quantize::{Calibration, Sensitivity},
};
use tilewright_nn::near_names;

use super::{answers::answers, arguments::Arguments, samples::Samples};
use crate::{error::Error, error::Result};

/// Fails for a name that no layer has.
pub fn check(calibration: &Calibration, names: &[String]) -> Result<()> {
    let known: Vec<_> = calibration.layers().into_iter().map(str::to_owned).collect();
    let Some(unknown) = names.iter().find(|name| !known.contains(name)) else { return Ok(()) };
    let reason = format!(
        "there is no layer `{unknown}`; of the {} layers the most alike: {}",
        known.len(),
        near_names(unknown, known.clone())
    );
    Err(Error::Argument { argument: "--keep", reason })
}

/// What was measured and done.
#[derive(Debug, Default)]
pub struct Chosen {
    /// The most sensitive first; empty if nobody asked.
    pub sensitivity: Vec<Sensitivity>,
    /// What stays in f32 because of it.
    pub kept: Vec<String>,
}

/// Measures the layers if that is asked, and keeps the most sensitive in f32 as far as it is.
///
/// `graph` is the network as it was given; whatever else may have been done to it, its answers are those to keep.
pub fn choose(
    arguments: &Arguments,
    graph: &Graph,
    calibration: &mut Calibration,
    samples: &Samples,
) -> Result<Chosen> {
    if !arguments.sensitivity && arguments.keep_worst.is_none() && arguments.drop_limit.is_none() {
        return Ok(Chosen::default());
    }
    let Some(first) = samples.batches(graph.context()).next().transpose()? else {
        return Ok(Chosen::default());
    };
    let sensitivity = calibration.sensitivity(&[&first])?;
    let name = |layer: &Sensitivity| layer.node.clone();
    let mut chosen = Chosen { sensitivity, kept: Vec::new() };
    let all = chosen.sensitivity.len();
    if let Some(count) = arguments.keep_worst {
        if count > all {
            let reason = format!("there are {all} layers that could be bytes, not {count}");
            return Err(Error::Argument { argument: "--keep-worst", reason });
        }
        chosen.kept = chosen.sensitivity[..count].iter().map(name).collect();
        calibration.keep(chosen.kept.clone());
    }
    if let Some(limit) = arguments.drop_limit {
        let tried = |graph: &Graph| answers(&Compiled::new(graph, &Options::default())?, samples, None);
        let plain = tried(graph)?;
        // Twice as many each time: a network is converted and tried for each.
        let mut count = chosen.kept.len();
        loop {
            let (bytes, _) = calibration.convert()?;
            if plain.changed(&tried(&bytes)?) <= limit || count == all {
                break;
            }
            count = (2 * count).clamp(1, all);
            chosen.kept = chosen.sensitivity[..count].iter().map(name).collect();
            calibration.keep(chosen.kept.clone());
        }
    }
    Ok(chosen)
}
