//! Samples and their classes.

use std::path::Path;

use tilewright_data::picture::Preprocess;
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::{
    error::Error,
    error::Result,
    files,
    vision::{find, read_all},
};

/// Samples in batches of one size; what is left over at the end is left out.
pub struct Samples {
    pub shape: Vec<usize>,
    values: Vec<f32>,
    each: usize,
    /// All there are.
    pub count: usize,
}

impl Samples {
    /// From a .npy file, or from the pictures of a folder, prepared as the network was trained.
    pub fn read(path: &Path, batch: usize, prepare: &dyn Fn() -> Result<Preprocess>) -> Result<Self> {
        if path.is_dir() {
            return Self::pictures(path, batch, &prepare()?);
        }
        let array = files::read_array(path)?;
        let wrong = |reason: String| Error::Array { path: path.display().to_string(), reason };
        let [n, rest @ ..] = array.shape() else { return Err(wrong("it has no axes".to_owned())) };
        let (count, batch) = (*n, batch.min(*n));
        if batch == 0 {
            return Err(wrong(
                "it holds no sample; calibration needs some of what the network will see".to_owned(),
            ));
        }
        let shape = [&[batch], rest].concat();
        Ok(Self { each: shape.iter().product(), values: array.to_f32(), shape, count })
    }

    fn pictures(folder: &Path, batch: usize, preprocess: &Preprocess) -> Result<Self> {
        let paths = find(folder)?;
        let (count, batch) = (paths.len(), batch.min(paths.len()));
        let [height, width] = preprocess.crop;
        let shape = vec![batch, preprocess.mean.len(), height, width];
        let mut values = Vec::with_capacity(count * shape[1..].iter().product::<usize>());
        for picture in read_all(&paths, |picture| Ok(preprocess.apply(picture)?.0)) {
            values.extend(picture?);
        }
        Ok(Self { each: shape.iter().product(), values, shape, count })
    }

    pub fn batches<'a>(&'a self, context: &'a Context) -> impl Iterator<Item = Result<Tensor>> + 'a {
        let whole = self.values.chunks_exact(self.each.max(1));
        whole.map(|batch| Ok(Tensor::from_slice(context, batch, &self.shape)?))
    }
}

/// A class for each of the samples.
pub fn classes(path: &Path, samples: usize) -> Result<Vec<f32>> {
    let array = files::read_array(path)?;
    if array.shape() == [samples] {
        return Ok(array.to_f32());
    }
    let reason =
        format!("it has shape {:?} and must have one number for each of {samples} samples", array.shape());
    Err(Error::Array { path: path.display().to_string(), reason })
}
