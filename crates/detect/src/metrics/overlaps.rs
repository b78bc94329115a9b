//! Detections and objects of one picture, checked and with their overlaps.

use super::options::Measure;
use crate::{
    annotations::{Dataset, Detection, Object, Picture},
    boxes,
    error::DetectError,
    masks::Rle,
};

/// Detections by picture and class, as places in the list: each class by descending score, equal ones in the list's order.
pub fn by_picture(
    dataset: &Dataset,
    detections: &[Detection],
    measure: Measure,
) -> Result<Vec<Vec<usize>>, DetectError> {
    let mut places = vec![Vec::new(); dataset.pictures.len()];
    for (at, detection) in detections.iter().enumerate() {
        let unfit = |reason: String| DetectError::unfit(format!("result {at}"), reason);
        let count = dataset.pictures.len();
        let picture = places.get_mut(detection.picture).ok_or_else(|| {
            unfit(format!("it is in picture {}, and there are {count}, counted from 0", detection.picture))
        })?;
        let classes = dataset.categories.len();
        if detection.category >= classes {
            let class = detection.category;
            return Err(unfit(format!(
                "it is of the class {class}, and there are {classes}, counted from 0"
            )));
        }
        if !detection.score.is_finite() {
            return Err(unfit(format!("its score is {}; leave such out", detection.score)));
        }
        if !detection.bbox.is_valid() {
            let numbers = detection.bbox.to_array();
            return Err(unfit(format!("its box is {numbers:?}: numbers are wanted, no extent below 0")));
        }
        if measure == Measure::Masks && detection.mask.is_none() {
            return Err(unfit(
                "it has no mask, and masks are compared; compare boxes, or add one".to_owned(),
            ));
        }
        picture.push(at);
    }
    for place in &mut places {
        // Stable: equal scores stay in the list's order.
        place.sort_by(|&a, &b| {
            detections[b].score.partial_cmp(&detections[a].score).unwrap_or(std::cmp::Ordering::Equal)
        });
    }
    Ok(places)
}

/// The masks of the objects, where masks are compared.
fn masks(picture: &Picture, objects: &[&Object]) -> Result<Vec<Rle>, DetectError> {
    let mask = |object: &&Object| {
        let what = || format!("an object of `{}`", picture.file_name);
        let Some(mask) = &object.mask else {
            return Err(DetectError::unfit(
                what(),
                "it has no mask, and masks are compared; compare boxes instead",
            ));
        };
        mask.to_runs(picture.height, picture.width).map_err(DetectError::mask(what()))
    };
    objects.iter().map(mask).collect()
}

/// The overlap of each detection (a row) with each object; with a crowd it is the part of the detection that is inside.
pub fn overlaps(
    picture: &Picture,
    detections: &[&Detection],
    objects: &[&Object],
    measure: Measure,
) -> Result<Vec<f64>, DetectError> {
    let mut found = Vec::with_capacity(detections.len() * objects.len());
    let truths = if measure == Measure::Masks { masks(picture, objects)? } else { Vec::new() };
    let name = || format!("a result in `{}`", picture.file_name);
    for detection in detections {
        for (at, object) in objects.iter().enumerate() {
            found.push(match (measure, &detection.mask, truths.get(at)) {
                (Measure::Masks, Some(mask), Some(truth)) => {
                    let overlap = if object.crowd { mask.crowd_iou(truth) } else { mask.iou(truth) };
                    overlap.map_err(DetectError::mask(name()))?
                }
                _ if object.crowd => boxes::crowd_iou(&detection.bbox, &object.bbox),
                _ => boxes::iou(&detection.bbox, &object.bbox),
            });
        }
    }
    Ok(found)
}
