//! The network of `tilewright detect`: a picture in, boxes out.

use std::{path::Path, sync::Arc};

use tilewright_darknet::{Extent, Network as Description, Weights};
use tilewright_data::{
    DataError,
    picture::{Letterbox, Picture},
};
use tilewright_graph::{Compiled, Options as Passes};
use tilewright_nn::{INPUT, Module, ParameterStore, Unwrapped, capture};
use tilewright_ops::DType;
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;
use tilewright_zoo::{
    BOXES, Darknet, Detection, Options, SCORES, Task, build, darknet_state, detections, entries, entry,
    options_of,
};

use crate::{error::Error, error::Result};

/// A network with its weights, compiled for one picture.
pub struct Detector {
    compiled: Compiled,
    /// The places of boxes and scores among the outputs.
    places: [usize; 2],
    /// Height and width of the input.
    size: [usize; 2],
    classes: usize,
}

impl Detector {
    /// The network of a `.cfg` with a `.weights` file.
    pub fn of_darknet(context: &Context, cfg: &Path, weights: &Path) -> Result<Self> {
        let network = Description::read(cfg)?;
        let [channels, height, width] = network.image;
        let Some(classes) = network.classes().filter(|_| channels == 3) else {
            let reason = if channels == 3 {
                "no [yolo] finds boxes in it, or they differ in their classes"
            } else {
                "it wants another number of channels than the 3 of a picture"
            };
            return Err(Error::Array { path: cfg.display().to_string(), reason: reason.to_owned() });
        };
        let state = darknet_state(&network, Weights::read(weights, &network, Extent::Whole)?);
        let store = ParameterStore::from_state(context, 0, Arc::new(state));
        let module = Darknet::new(&store.root(), &network)?;
        store.finish_loading()?;
        Self::new(&module, &store, [height, width], classes)
    }

    /// A network of the zoo with a file of weights.
    pub fn of_zoo(context: &Context, name: &str, weights: &Path) -> Result<Self> {
        let row = entry(name)?;
        if row.task != Task::Detection {
            let names = entries().filter(|entry| entry.task == Task::Detection).map(|entry| entry.name);
            let names = names.collect::<Vec<_>>().join(", ");
            let reason = format!("`{name}` finds no boxes; those that do are: {names}");
            return Err(Error::Argument { argument: "--model", reason });
        }
        let state = Unwrapped::new(crate::weights::open(weights)?.state);
        let Options { classes, .. } = options_of(name, &state, row.image)?;
        let store = ParameterStore::from_state(context, 0, Arc::new(state));
        let network = build(name, &store, Options::new(row.image, classes))?;
        store.finish_loading()?;
        let [_, height, width] = row.image;
        Self::new(&*network.module, &store, [height, width], classes)
    }

    fn new(module: &dyn Module, store: &ParameterStore, size: [usize; 2], classes: usize) -> Result<Self> {
        let graph = capture(module, store, &[(INPUT, &[1, 3, size[0], size[1]], DType::F32)])?;
        let place = |name: &str| {
            let found = graph.outputs().iter().position(|(output, _)| output.as_str() == name);
            found.ok_or_else(|| Error::Argument {
                argument: "--model",
                reason: format!("the network gives no `{name}`"),
            })
        };
        let places = [place(BOXES)?, place(SCORES)?];
        let compiled = Compiled::new(&graph, &Passes::default())?;
        Ok(Self { compiled, places, size, classes })
    }

    /// The classes that it tells apart.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// What is found in a picture above `threshold`, in its pixels, the best first.
    pub fn find(
        &self,
        context: &Context,
        picture: Picture,
        threshold: f32,
        overlap: f32,
    ) -> Result<Vec<Detection>> {
        let [height, width] = self.size;
        let (from_width, from_height) = (picture.width() as f32, picture.height() as f32);
        let place = Letterbox::new([picture.width(), picture.height()], [width, height]);
        let planes = place.planes(picture).map_err(DataError::from)?;
        let x = Tensor::from_slice(context, &planes, &[1, 3, height, width])?;
        let outputs = self.compiled.run(&[&x])?;
        let [boxes, scores] = self.places.map(|at| outputs[at].to_vec::<f32>());
        let (boxes, scores) = (boxes?, scores?);
        if !scores.iter().all(|score| score.is_finite()) {
            let reason =
                "the network gives NaN for it; are its weights whole, and of this network?".to_owned();
            return Err(Error::Argument { argument: "--weights", reason });
        }
        let found = detections(&boxes, &scores, self.classes, threshold, overlap);
        let within = |one: Detection| {
            let [left, top, right, bottom] = place.back(one.bounds);
            let across = |x: f32| x.clamp(0.0, from_width);
            let down = |y: f32| y.clamp(0.0, from_height);
            Detection { bounds: [across(left), down(top), across(right), down(bottom)], ..one }
        };
        Ok(found.into_iter().map(within).collect())
    }
}
