//! Which layers stay in f32.

use tilewright_graph::{
    Compiled, Options,
    quantize::{Calibration, Sensitivity},
};
use tilewright_nn::near;
use tilewright_runtime::Context;

use super::{
    answers::{Answers, answers},
    arguments::Arguments,
    samples::Samples,
};
use crate::{error::Error, error::Result};

/// Fails for a name that no layer has.
pub fn check(calibration: &Calibration, names: &[String]) -> Result<()> {
    let known: Vec<_> = calibration.layers().into_iter().map(str::to_owned).collect();
    let Some(unknown) = names.iter().find(|name| !known.contains(name)) else { return Ok(()) };
    let reason = format!(
        "there is no layer `{unknown}`; of the {} layers the most alike: {}",
        known.len(),
        near(unknown, known.clone())
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
/// `plain` are the answers in f32 on the samples of the calibration.
pub fn choose(
    arguments: &Arguments,
    context: &Context,
    calibration: &mut Calibration,
    samples: &Samples,
    plain: &Answers,
) -> Result<Chosen> {
    if !arguments.sensitivity && arguments.keep_worst.is_none() && arguments.drop_limit.is_none() {
        return Ok(Chosen::default());
    }
    let Some(first) = samples.batches(context).next().transpose()? else { return Ok(Chosen::default()) };
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
        // Twice as many each time: a network is converted and tried for each.
        let mut count = chosen.kept.len();
        loop {
            let (bytes, _) = calibration.convert()?;
            let compiled = Compiled::new(&bytes, &Options::default())?;
            let changed = plain.changed(&answers(&compiled, samples, None)?);
            if changed <= limit || count == all {
                break;
            }
            count = (2 * count).clamp(1, all);
            chosen.kept = chosen.sensitivity[..count].iter().map(name).collect();
            calibration.keep(chosen.kept.clone());
        }
    }
    Ok(chosen)
}
