//! The network of `tilewright segment`: a picture in, a class for each of its pixels out.

use std::{path::Path, sync::Arc};

use tilewright_autograd::Var;
use tilewright_data::picture::{Picture, Samples};
use tilewright_nn::{
    INPUT, ParameterStore, Pass, StateSource, Unwrapped, Values,
    layers::{Upsample, UpsampleMode},
};
use tilewright_ops::{Coordinates, Interpolation, Resize2d, SliceRange};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;
use tilewright_train::Segmentation;
use tilewright_zoo::{Network, Task, build, entries, entry, options_of};

use crate::{error::Error, error::Result, vision::Times};

/// Pixels of a side in the network.
const LONGEST: usize = 1 << 16;

/// What is done to a picture before it goes into the network.
pub struct Preparation {
    /// Pixels of the shorter side; `None` leaves the picture's own size.
    pub resize: Option<usize>,
    /// The samples, in percent of all, that become 0 and 1; `None` is the range of the samples' type.
    pub percentiles: Option<[f32; 2]>,
    /// The mean of each channel, or one for all.
    pub mean: Vec<f32>,
    /// The deviation of each channel, or one for all.
    pub std: Vec<f32>,
}

/// A network with its weights.
pub struct Segmenter {
    network: Network,
    task: Segmentation,
    channels: usize,
    least: usize,
}

impl Segmenter {
    /// Loads `weights` into the network `model`, whose classes and channels are those of the weights.
    pub fn load(context: &Context, model: &str, weights: &Path) -> Result<Self> {
        let row = entry(model)?;
        if row.task != Task::Segmentation {
            let names = entries().filter(|entry| entry.task == Task::Segmentation).map(|entry| entry.name);
            let reason = format!(
                "`{model}` gives one answer for each picture; those that segment are: {}",
                names.collect::<Vec<_>>().join(", ")
            );
            return Err(Error::Argument { argument: "--model", reason });
        }
        let state = Unwrapped::new(crate::weights::open(weights)?.state);
        let channels = channels(&state);
        let side = row.least.max(64);
        let options = options_of(model, &state, [channels, side, side])?;
        // Auxiliary heads help training alone, but a file that has one is loaded whole.
        let store = ParameterStore::from_state(context, 0, Arc::new(state));
        let network = build(model, &store, options)?;
        store.finish_loading()?;
        let task = Segmentation::of_module(&*network.module, options.classes)?;
        Ok(Self { network, task, channels, least: row.least })
    }

    /// Channels of a picture that the network wants.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The classes that it tells apart.
    pub fn classes(&self) -> usize {
        self.task.classes()
    }

    /// The class of each pixel of `picture`, row by row.
    pub fn answers(
        &self,
        context: &Context,
        picture: &Picture,
        prepare: &Preparation,
        times: &mut Times,
    ) -> Result<Vec<i32>> {
        let (height, width) = (picture.height(), picture.width());
        let samples = planes(picture, self.channels, prepare.percentiles)?;
        let x = Tensor::from_slice(context, &samples, &[1, self.channels, height, width])?;
        let mut x = Var::constant(x);
        if let Some(side) = prepare.resize {
            let size = shorter(side, [height, width]);
            if size.iter().any(|&side| side > LONGEST) {
                let reason = format!(
                    "{height}×{width} would become {}×{}; at most {LONGEST} can be",
                    size[0], size[1]
                );
                return Err(Error::Argument { argument: "--resize", reason });
            }
            let interpolation = Interpolation::LinearAntialias { exclude_outside: true };
            let op = Resize2d { size, scale: None, interpolation, coordinates: Coordinates::HalfPixel };
            x = x.resize2d(&op)?;
        }
        let constant = |values: Vec<f32>| -> Result<Var> {
            let values: Vec<f32> = values.iter().cycle().take(self.channels).copied().collect();
            Ok(Var::constant(Tensor::from_slice(context, &values, &[self.channels, 1, 1])?))
        };
        let factors = prepare.std.iter().map(|std| 1.0 / std).collect();
        x = x.sub(&constant(prepare.mean.clone())?)?.mul(&constant(factors)?)?;
        let [high, wide] = [x.shape()[2], x.shape()[3]];
        // What is too small for the network is given zeros, the mean, at its right and lower side.
        let missing = |side: usize| (0, self.least.saturating_sub(side));
        if high < self.least || wide < self.least {
            x = x.pad(&[(0, 0), (0, 0), missing(high), missing(wide)], 0.0)?;
        }
        context.synchronize()?;
        times.end("resize, normalise");
        let outputs = self.network.module.call(&Values::new().with(INPUT, x), &Pass::eval())?;
        let port = self.network.module.outputs();
        let name = port.first().map(|port| port.name.clone()).unwrap_or_default();
        let logits = outputs.get(&name)?;
        context.synchronize()?;
        times.end("network");
        let whole = |axis: usize| SliceRange::new(0, logits.shape()[axis]);
        let logits =
            logits.slice(&[whole(0), whole(1), SliceRange::new(0, high), SliceRange::new(0, wide)])?;
        let logits = Upsample::to(UpsampleMode::Bilinear, &logits, [height, width])?;
        let answers = self.task.answers(&Values::new().with(name, logits))?.to_vec::<i32>()?;
        times.end("scores to the picture's size, classes");
        Ok(answers)
    }
}

/// The channels that the first convolution of the state dict reads; 3 where it is under a name that nobody knows.
fn channels(state: &dyn StateSource) -> usize {
    const FIRST: [&str; 5] = [
        "down.0.conv1.weight",
        "inc.double_conv.0.weight",
        "encoder.conv1.weight",
        "backbone.conv1.weight",
        "backbone.0.0.weight",
    ];
    let shape = FIRST.iter().find_map(|name| state.shape(name));
    shape.and_then(|shape| shape.get(1).copied()).unwrap_or(3)
}

/// Height and width of which the shorter one is `side`, the other rounded down, as torchvision has it.
fn shorter(side: usize, [height, width]: [usize; 2]) -> [usize; 2] {
    let long =
        |long: usize, short: usize| ((side as u128 * long as u128 / short.max(1) as u128) as usize).max(1);
    if height <= width { [side, long(width, height)] } else { [long(height, width), side] }
}

/// The samples of a picture in 0 to 1, C × H × W.
fn planes(picture: &Picture, channels: usize, percentiles: Option<[f32; 2]>) -> Result<Vec<f32>> {
    let picture = match channels {
        1 if picture.channels() <= 2 => picture.clone().without_alpha(),
        1 => picture.clone().to_grey8(),
        3 => picture.clone().to_rgb8(),
        _ => {
            let reason = format!(
                "the weights are for pictures of {channels} channels; 1 (grey) and 3 (RGB) can be read"
            );
            return Err(Error::Argument { argument: "--weights", reason });
        }
    };
    let numbers: Vec<f32> = match picture.samples() {
        Samples::U8(samples) => samples.iter().map(|&sample| f32::from(sample) / 255.0).collect(),
        Samples::U16(samples) => samples.iter().map(|&sample| f32::from(sample) / 65535.0).collect(),
    };
    let numbers = percentiles.map_or(numbers.clone(), |percentiles| stretched(&numbers, percentiles));
    let plane = |channel: usize| numbers.iter().skip(channel).step_by(channels).copied();
    Ok((0..channels).flat_map(plane).collect())
}

/// The numbers with those at the percentiles as 0 and 1, and what lies outside cut off.
fn stretched(numbers: &[f32], percentiles: [f32; 2]) -> Vec<f32> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f32::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = |percent: f32| {
        let place = (last as f64 * f64::from(percent) / 100.0).round() as usize;
        sorted.get(place.min(last)).copied().unwrap_or_default()
    };
    let [low, high] = percentiles.map(at);
    // A picture of one value is dark throughout.
    let range = if high > low { high - low } else { f32::INFINITY };
    numbers.iter().map(|number| ((number - low) / range).clamp(0.0, 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ranges() {
        assert_eq!(shorter(520, [100, 200]), [520, 1040]);
        assert_eq!(shorter(10, [33, 20]), [16, 10]);
        assert_eq!(shorter(1, [1, usize::MAX]), [1, usize::MAX]);
        assert_eq!(stretched(&[0.0, 1.0, 2.0, 3.0, 4.0], [25.0, 75.0]), [0.0, 0.0, 0.5, 1.0, 1.0]);
        assert_eq!(stretched(&[0.5; 3], [1.0, 99.0]), [0.0; 3]);
    }
}
