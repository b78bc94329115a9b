//! The network of `tilewright segment`: a picture in, a class for each of its pixels out.

use std::{path::Path, sync::Arc};

use tilewright_autograd::Var;
use tilewright_data::{
    DataError,
    picture::{Filter, Picture, Samples},
};
use tilewright_nn::{INPUT, ParameterStore, Pass, StateSource, Unwrapped, Values};
use tilewright_ops::SliceRange;
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;
use tilewright_train::Segmentation;
use tilewright_zoo::{Network, Task, build, entries, entry, options_of};

use super::classes::Scores;
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

    /// The class of each pixel of `picture`, row by row; `file` is whose it is.
    pub fn answers(
        &self,
        context: &Context,
        file: &Path,
        picture: &Picture,
        prepare: &Preparation,
        times: &mut Times,
    ) -> Result<Vec<i32>> {
        let (height, width) = (picture.height(), picture.width());
        let size = prepare.resize.map(|side| shorter(side, [height, width]));
        if let Some(size) = size.filter(|size| size.iter().any(|&side| side > LONGEST)) {
            let reason =
                format!("{height}×{width} would become {}×{}; at most {LONGEST} can be", size[0], size[1]);
            return Err(Error::Argument { argument: "--resize", reason });
        }
        let [high, wide] = size.unwrap_or([height, width]);
        let samples = planes(picture, self.channels, [high, wide], prepare)?;
        let mut x = Var::constant(Tensor::from_slice(context, &samples, &[1, self.channels, high, wide])?);
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
        let scores = logits.tensor().to_vec::<f32>()?;
        if !scores.iter().all(|score| score.is_finite()) {
            let reason =
                "the network gives NaN or infinite numbers for it; are its weights whole?".to_owned();
            return Err(Error::Array { path: file.display().to_string(), reason });
        }
        let classes = logits.shape()[1];
        if classes != 1 && classes != self.classes() {
            let reason =
                format!("its output `{name}` has {classes} channels; {} or 1 are wanted", self.classes());
            return Err(Error::Argument { argument: "--model", reason });
        }
        let scores = Scores { values: &scores, classes, height: high, width: wide };
        let answers = scores.classes_in(height, width);
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

/// A picture in a size, normalised, C × H × W. Its range of samples is that of the whole picture before it is resized.
fn planes(
    picture: &Picture,
    channels: usize,
    [height, width]: [usize; 2],
    prepare: &Preparation,
) -> Result<Vec<f32>> {
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
    let [low, high] = match (prepare.percentiles, picture.samples()) {
        (None, Samples::U8(_)) => [0.0, 255.0],
        (None, Samples::U16(_)) => [0.0, 65535.0],
        (Some(percentiles), Samples::U8(samples)) => {
            range(samples.iter().map(|&sample| sample.into()), percentiles)
        }
        (Some(percentiles), Samples::U16(samples)) => range(samples.iter().copied(), percentiles),
    };
    let picture = picture.resize(width, height, Filter::Bilinear).map_err(DataError::from)?;
    let mut planes = Vec::with_capacity(height * width * channels);
    for channel in 0..channels {
        let of = |values: &[f32]| values[channel % values.len()];
        let (mean, factor) = (of(&prepare.mean), 1.0 / of(&prepare.std));
        // A picture of one value is dark throughout.
        let share = if high > low { 1.0 / (high - low) } else { 0.0 };
        let number = |sample: f32| (((sample - low) * share).clamp(0.0, 1.0) - mean) * factor;
        match picture.samples() {
            Samples::U8(samples) => {
                let table: Vec<f32> = (0..=u8::MAX).map(|sample| number(sample.into())).collect();
                let own = samples.iter().skip(channel).step_by(channels);
                planes.extend(own.map(|&sample| table[usize::from(sample)]));
            }
            Samples::U16(samples) => {
                planes.extend(
                    samples.iter().skip(channel).step_by(channels).map(|&sample| number(sample.into())),
                );
            }
        }
    }
    Ok(planes)
}

/// The samples of which so many percent are darker.
fn range(samples: impl ExactSizeIterator<Item = u16>, percentiles: [f32; 2]) -> [f32; 2] {
    let last = samples.len().saturating_sub(1);
    let mut counts = vec![0usize; 1 << 16];
    for sample in samples {
        counts[usize::from(sample)] += 1;
    }
    percentiles.map(|percent| {
        let place = (last as f64 * f64::from(percent) / 100.0).round() as usize;
        let mut below = 0;
        let found = counts.iter().position(|&count| {
            below += count;
            below > place
        });
        found.unwrap_or_default() as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ranges() {
        assert_eq!(shorter(520, [100, 200]), [520, 1040]);
        assert_eq!(shorter(10, [33, 20]), [16, 10]);
        assert_eq!(shorter(1, [1, usize::MAX]), [1, usize::MAX]);
        let of = |samples: &[u16], percentiles| range(samples.iter().copied(), percentiles);
        assert_eq!(of(&[400, 100, 300, 0, 200], [25.0, 75.0]), [100.0, 300.0]);
        assert_eq!(of(&[7, 7, 7], [1.0, 99.0]), [7.0, 7.0]);
        assert_eq!(of(&[65535, 0], [0.0, 100.0]), [0.0, 65535.0]);
        assert_eq!(of(&[], [0.0, 100.0]), [0.0, 0.0]);
    }
}
