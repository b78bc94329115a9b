//! Samples by their classes: which are held back, and which are the first of each.

use super::images::ImageDataset;
use crate::{error::DataError, random::Purpose, random::SampleRng};

/// The samples of each class, in an order that `seed` gives; of one class alone where samples have masks or several classes.
fn shuffled(dataset: &dyn ImageDataset, seed: u64) -> Result<Vec<Vec<usize>>, DataError> {
    let several = dataset.has_masks() || (!dataset.is_empty() && dataset.marks(0)?.is_some());
    let mut classes = vec![Vec::new(); if several { 1 } else { dataset.class_names().len() }];
    for index in 0..dataset.len() {
        let label = if several { 0 } else { dataset.label(index)? as usize };
        let count = classes.len();
        let outside = DataError::LabelOutOfRange { index, value: label as u64, classes: count };
        classes.get_mut(label).ok_or(outside)?.push(index);
    }
    for (class, indices) in classes.iter_mut().enumerate() {
        let mut rng = SampleRng::keyed(seed, class as u64, 0, Purpose::Split);
        for last in (1..indices.len()).rev() {
            indices.swap(last, rng.below(last as u64 + 1) as usize);
        }
    }
    Ok(classes)
}

/// Training and validation samples, of each class its share: `part` of them are held back, rounded, but at least one of
/// what has two. Both are sorted.
///
/// # Errors
/// [`DataError::InvalidOption`] unless 0 < part < 1, or if nothing is left to train on or to hold back; those of the labels.
pub fn stratified(
    dataset: &dyn ImageDataset,
    part: f64,
    seed: u64,
) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    let invalid = |reason: String| Err(DataError::InvalidOption { setting: "validation", reason });
    if !(part > 0.0 && part < 1.0) {
        return invalid(format!("the part {part} is not between 0 and 1"));
    }
    let (mut train, mut held) = (Vec::new(), Vec::new());
    for indices in shuffled(dataset, seed)? {
        let count = (indices.len() as f64 * part).round() as usize;
        // One alone is trained on.
        let count = if indices.len() < 2 { 0 } else { count.clamp(1, indices.len() - 1) };
        let (back, rest) = indices.split_at(count);
        held.extend(back);
        train.extend(rest);
    }
    if train.is_empty() || held.is_empty() {
        return invalid(format!("{} samples cannot be divided so that no class is without", dataset.len()));
    }
    train.sort_unstable();
    held.sort_unstable();
    Ok((train, held))
}

/// `count` samples of each class, chosen by `seed`, sorted; all where a class has fewer.
///
/// # Errors
/// Those of the labels.
pub fn per_class(dataset: &dyn ImageDataset, count: usize, seed: u64) -> Result<Vec<usize>, DataError> {
    let classes = shuffled(dataset, seed)?;
    let mut chosen: Vec<usize> =
        classes.into_iter().flat_map(|class| class.into_iter().take(count)).collect();
    chosen.sort_unstable();
    Ok(chosen)
}
