//! A network that is ready to look at pictures.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tilewright_data::picture::{Picture, PictureError, Preprocess};
use tilewright_graph::{Compiled, Options as GraphOptions, Session};
use tilewright_nn::{INPUT, ParameterStore, StateSource, Unwrapped, capture, capture_features};
use tilewright_ops::DType;
use tilewright_runtime::Context;
use tilewright_zoo::{Entry, Network, Options, Task, build, entry, options_of};

use super::{arguments::NetworkArguments, files::read_all, times::Times};
use crate::{error::Error, error::Result, trained::Trained, weights::Weights};

/// What is wanted of a network.
pub enum Wanted<'a> {
    /// The logits of a network that classifies.
    Logits,
    /// What the layers at these paths give.
    Layers(&'a [&'a str]),
    /// What goes into its head, of maps the means: one vector for each picture. The weights need no head.
    Embedding,
}

/// What a layer gave for one picture.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its shape, without the batch.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub values: Vec<f32>,
}

/// A compiled network with what it wants of pictures.
pub struct Viewer {
    /// How pictures are prepared.
    pub preprocess: Preprocess,
    /// What the weights say of themselves.
    pub trained: Option<Trained>,
    /// What looking at pictures takes.
    pub times: Times,
    session: Session,
    batch: usize,
    image: [usize; 3],
    pooled: bool,
}

impl Viewer {
    /// Loads the network and compiles it for `batch` pictures at a time. `known` is how pictures are prepared, where that is
    /// known from elsewhere.
    ///
    /// # Errors
    /// What the arguments, the weights and the network say.
    pub fn new(
        context: &Context,
        arguments: &NetworkArguments,
        known: Option<Preprocess>,
        wanted: &Wanted<'_>,
        batch: usize,
    ) -> Result<Self> {
        let name = arguments.model()?;
        let row = entry(name)?;
        let Some(weights) = arguments.weights.as_deref() else {
            let reason = format!("`{name}` needs its weights, a safetensors file under torchvision's names");
            return Err(Error::Argument { argument: "--weights", reason });
        };
        let (metadata, file, quantised) = match crate::weights::read(weights)? {
            Weights::Real(opened) => (opened.metadata, opened.state, None),
            Weights::Bytes(held) => (held.about.clone(), held.source(), Some(held)),
        };
        if quantised.is_some() && !matches!(wanted, Wanted::Logits) {
            // Its layers are as they are converted, and not as they are named.
            crate::weights::open(weights)?;
        }
        let trained = Trained::of(metadata.as_deref());
        let known = known.unwrap_or_else(|| preset(row, trained.as_ref()));
        let preprocess = arguments.preprocess(known)?;
        let [height, width] = preprocess.crop;
        let image = [preprocess.mean.len(), height, width];
        let network = match wanted {
            Wanted::Embedding => headless(context, row, weights, Unwrapped::new(file), image)?,
            _ => {
                let state = Unwrapped::new(file);
                let options = options_of(name, &state, image)?;
                let store = ParameterStore::from_state(context, 0, Arc::new(state));
                let network = build(name, &store, options)?;
                store.finish_loading()?;
                network
            }
        };
        let shape = [batch, image[0], height, width];
        let inputs = [(INPUT, &shape[..], DType::F32)];
        let (module, store) = (&*network.module, &network.store);
        let graph = match wanted {
            Wanted::Logits if row.task != Task::Classification => {
                let reason =
                    format!("`{name}` is a network for {}; `zoo list` says which classify", row.task.name());
                return Err(Error::Argument { argument: "--model", reason });
            }
            Wanted::Logits => capture(module, store, &inputs)?,
            Wanted::Layers(paths) => capture_features(module, store, &inputs, paths)?,
            Wanted::Embedding => {
                let path = format!("{}.input", head(row));
                capture_features(module, store, &inputs, &[path.as_str()])?
            }
        };
        let graph = match quantised {
            Some(held) => held.parameters.apply(&graph)?.0,
            None => graph,
        };
        let session = Compiled::new(&graph, &GraphOptions::default())?.session()?;
        let pooled = matches!(wanted, Wanted::Embedding);
        Ok(Self { preprocess, trained, times: Times::default(), session, batch, image, pooled })
    }

    /// A picture as the network reads it.
    ///
    /// # Errors
    /// Those of [`Preprocess::apply`].
    pub fn prepare(&self, picture: Picture) -> Result<Vec<f32>, PictureError> {
        Ok(self.preprocess.apply(picture)?.0)
    }

    /// What the network gives for the pictures in these files, at most a batch: for each every output that was wanted, or why
    /// there is none. Files are read on all processors.
    ///
    /// # Errors
    /// What the device says.
    pub fn look_at(&mut self, paths: &[PathBuf]) -> Result<Vec<Result<Vec<Seen>>>> {
        self.times.begin();
        let preprocess = &self.preprocess;
        let prepared = read_all(paths, |picture| Ok(preprocess.apply(picture)?.0));
        self.times.end("decode, resize, normalise");
        let read: Vec<&[f32]> = prepared.iter().flatten().map(Vec::as_slice).collect();
        let seen = if read.is_empty() { Vec::new() } else { self.view(&read)? };
        self.times.end("network");
        let mut seen = seen.into_iter();
        let of_one = |(path, prepared): (&PathBuf, Result<Vec<f32>>)| {
            prepared?;
            let outputs = seen.next().unwrap_or_default();
            if outputs.iter().all(Seen::is_finite) {
                return Ok(outputs);
            }
            let reason =
                "the network gives NaN or infinite numbers for it; are its weights whole?".to_owned();
            Err(Error::Array { path: path.display().to_string(), reason })
        };
        Ok(paths.iter().zip(prepared).map(of_one).collect())
    }

    /// What the network gives for prepared pictures, at most a batch: for each picture every output that was wanted.
    ///
    /// # Errors
    /// What the device says.
    pub fn view(&mut self, pictures: &[&[f32]]) -> Result<Vec<Vec<Seen>>> {
        let one: usize = self.image.iter().product();
        let mut input = pictures.concat();
        input.resize(self.batch * one, 0.0);
        self.session.write(0, &input)?;
        self.session.execute()?;
        let mut seen = vec![Vec::new(); pictures.len()];
        for output in 0..self.session.outputs().len() {
            let port = &self.session.outputs()[output];
            let shape = port.shape.get(1..).unwrap_or_default().to_vec();
            let count: usize = shape.iter().product();
            let values = self.session.read::<f32>(output)?;
            for (place, values) in seen.iter_mut().zip(values.chunks(count.max(1))) {
                let seen = Seen { shape: shape.clone(), values: values.to_vec() };
                place.push(if self.pooled { seen.pooled() } else { seen });
            }
        }
        Ok(seen)
    }
}

impl Seen {
    fn is_finite(&self) -> bool {
        self.values.iter().all(|value| value.is_finite())
    }

    /// The means of maps; a vector as it is.
    fn pooled(self) -> Self {
        let [channels, area @ ..] = &self.shape[..] else { return self };
        let area: usize = area.iter().product();
        if area == 1 {
            return Self { shape: vec![*channels], ..self };
        }
        let mean = |map: &[f32]| (map.iter().map(|&x| f64::from(x)).sum::<f64>() / area as f64) as f32;
        Self { shape: vec![*channels], values: self.values.chunks(area.max(1)).map(mean).collect() }
    }
}

/// How pictures are prepared where nobody says so: as the weights were trained, else by the table.
pub fn preset(row: &Entry, trained: Option<&Trained>) -> Preprocess {
    let Some(trained) = trained else { return Preprocess::of(row.name, row.image) };
    let Trained { image: [channels, height, width], mean, std, .. } = trained;
    let side = *height.max(width);
    // As `train` looks at pictures; sets of small grey images are taken as they are.
    let resize = if *channels == 3 { side * 8 / 7 } else { side };
    let plain = Preprocess::of(row.name, trained.image);
    Preprocess { resize, crop: [*height, *width], mean: mean.clone(), std: std.clone(), ..plain }
}

/// The path of the layer that gives the logits.
fn head(row: &Entry) -> &'static str {
    row.head.strip_suffix(".bias").unwrap_or(row.head)
}

/// A network whose head nobody reads: weights without one will do.
fn headless(
    context: &Context,
    row: &Entry,
    path: &Path,
    state: Unwrapped<Arc<dyn StateSource>>,
    image: [usize; 3],
) -> Result<Network> {
    let has_head = state.shape(row.head).is_some();
    let options =
        if has_head { options_of(row.name, &state, image)? } else { Options::new(image, 1).auxiliary(false) };
    let store = ParameterStore::from_state(context, 0, Arc::new(state));
    let network = build(row.name, &store, options)?;
    if has_head {
        store.finish_loading()?;
        return Ok(network);
    }
    let mut report = store.finish_loading_matching()?;
    let of_head = format!("{}.", head(row));
    report.missing.retain(|name| !name.starts_with(&of_head));
    if !report.is_clean() {
        let file = path.display().to_string();
        return Err(tilewright_nn::Error::StateDict { file, report: Box::new(report) }.into());
    }
    eprintln!("note: {} has no `{}`, which is not needed here", path.display(), head(row));
    Ok(network)
}
