//! Results in COCO's form: a list of boxes or masks with scores.

use std::{collections::HashMap, path::Path};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    coco::{Segmentation, bbox, parse},
    model::Dataset,
    text,
};
use crate::{boxes::BBox, error::DetectError, masks::Rle};

/// An object that was found in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The picture: a place in [`Dataset::pictures`].
    pub picture: usize,
    /// The class: a place in [`Dataset::categories`].
    pub category: usize,
    /// How sure the network is; only the order counts.
    pub score: f64,
    /// The box.
    pub bbox: BBox,
    /// The pixels.
    pub mask: Option<Rle>,
}

#[derive(Deserialize)]
struct Found {
    image_id: i64,
    category_id: i64,
    score: f64,
    bbox: Option<Vec<f64>>,
    segmentation: Option<Segmentation>,
}

/// Reads results, of the pictures and categories of `dataset`. An empty list is a result as well.
///
/// # Errors
/// [`DetectError::Entry`], with the line, or the result (from 0) and its key: also for a picture or a category that there is not,
/// whose results COCO's tools leave out without a word; [`DetectError::Mask`]; [`DetectError::Io`].
pub fn read_results(path: &Path, dataset: &Dataset) -> Result<Vec<Detection>, DetectError> {
    let text = text::read(path)?;
    let found: Vec<Found> = parse(path, &text)?;
    let pictures: HashMap<i64, usize> =
        dataset.pictures.iter().enumerate().map(|(at, picture)| (picture.id, at)).collect();
    let mut detections = Vec::with_capacity(found.len());
    for (at, Found { image_id, category_id, score, bbox: numbers, segmentation }) in
        found.into_iter().enumerate()
    {
        let fault =
            |key: &str, reason: String| DetectError::entry(path, format!("result {at}, `{key}`"), reason);
        let missing = |what: &str, id| format!("the annotations have no {what} of the id {id}");
        let picture =
            *pictures.get(&image_id).ok_or_else(|| fault("image_id", missing("image", image_id)))?;
        let category = dataset.category(category_id);
        let category = category.ok_or_else(|| fault("category_id", missing("category", category_id)))?;
        let (height, width) = (dataset.pictures[picture].height, dataset.pictures[picture].width);
        let what = format!("{}, result {at}, `segmentation`", path.display());
        let mask = match segmentation {
            Some(segmentation) => segmentation.mask(height, width, &what)?,
            None => None,
        };
        let mask =
            mask.map(|mask| mask.to_runs(height, width)).transpose().map_err(DetectError::mask(what))?;
        let bbox = match (numbers, &mask) {
            (Some(numbers), _) => bbox(&numbers).map_err(|reason| fault("bbox", reason))?,
            (None, Some(mask)) => mask.bbox(),
            (None, None) => return Err(fault("bbox", "a result needs it, or `segmentation`".to_owned())),
        };
        detections.push(Detection { picture, category, score, bbox, mask });
    }
    Ok(detections)
}

/// Writes results, those with a mask as masks.
///
/// A result with a mask gets no `bbox`: COCO's tools would take its area for the mask's, and sort small and large ones by it.
///
/// # Errors
/// [`DetectError::Unfit`] for a picture or category that the dataset has not, and for what is no number; [`DetectError::Io`].
pub fn write_results(path: &Path, dataset: &Dataset, detections: &[Detection]) -> Result<(), DetectError> {
    let mut list = Vec::with_capacity(detections.len());
    for (at, detection) in detections.iter().enumerate() {
        let unfit = |reason: &str| DetectError::unfit(format!("result {at}"), reason);
        let picture =
            dataset.pictures.get(detection.picture).ok_or_else(|| unfit("its picture is not there"))?;
        let category =
            dataset.categories.get(detection.category).ok_or_else(|| unfit("its category is not there"))?;
        if !detection.score.is_finite() || !detection.bbox.is_valid() {
            return Err(unfit("its score or its box is no number, or an extent is below 0"));
        }
        let mut entry = json!({"image_id": picture.id, "category_id": category.id, "score": detection.score});
        match &detection.mask {
            Some(mask) => entry["segmentation"] = runs(mask),
            None => entry["bbox"] = json!(detection.bbox.to_array()),
        }
        list.push(entry);
    }
    std::fs::write(path, Value::Array(list).to_string()).map_err(DetectError::io(path))
}

/// Runs in COCO's JSON, compressed.
pub fn runs(mask: &Rle) -> Value {
    json!({"size": [mask.height(), mask.width()], "counts": mask.to_compressed()})
}
