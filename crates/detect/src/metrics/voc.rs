//! Pascal VOC's average precision.

use super::{options::Measure, overlaps::by_picture};
use crate::{
    annotations::{Dataset, Detection, Object},
    boxes::iou,
    error::DetectError,
};

/// How precision is averaged over recall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum VocAverage {
    /// The area under the curve, as from VOC 2010 on.
    #[default]
    AllPoints,
    /// The mean at the recalls 0, 0.1, … 1, as in VOC 2007.
    ElevenPoints,
}

/// Average precision of each class as Pascal VOC defines it; nothing for a class without objects, which the mean leaves out.
///
/// A detection, by descending score, looks at the object of its class that it overlaps most: below `threshold` (0.5) it is wrong;
/// if the object is difficult it counts neither way; if another detection has found the object it is wrong, even where a second
/// object overlaps by enough. Equal scores come in the order of the pictures. VOC's own overlap adds 1 to each extent, because
/// its corners are pixels inside; the boxes here are edges, so that the numbers are the same.
///
/// # Errors
/// [`DetectError::Unfit`] for a detection of a picture or class that is not there or with what is no number, and for a
/// threshold that is not above 0 and up to 1.
pub fn voc_average_precision(
    dataset: &Dataset,
    detections: &[Detection],
    threshold: f64,
    average: VocAverage,
) -> Result<Vec<Option<f64>>, DetectError> {
    if !(threshold > 0.0 && threshold <= 1.0) {
        return Err(DetectError::unfit("threshold", format!("{threshold}; it is above 0 and up to 1")));
    }
    let places = by_picture(dataset, detections, Measure::Boxes)?;
    let mut order: Vec<&Detection> = places.into_iter().flatten().map(|place| &detections[place]).collect();
    order.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(std::cmp::Ordering::Equal));
    let free = |object: &Object| object.difficult || object.crowd;
    let classes = 0..dataset.categories.len();
    let mut taken: Vec<Vec<bool>> =
        dataset.pictures.iter().map(|picture| vec![false; picture.objects.len()]).collect();
    let mut right = vec![Vec::new(); dataset.categories.len()];
    for detection in order {
        let objects = &dataset.pictures[detection.picture].objects;
        let of_class = objects.iter().enumerate().filter(|(_, object)| object.category == detection.category);
        let mut best: Option<(usize, f64)> = None;
        for (at, object) in of_class {
            let overlap = iou(&detection.bbox, &object.bbox);
            if best.is_none_or(|(_, most)| overlap > most) {
                best = Some((at, overlap));
            }
        }
        let found = match best {
            Some((at, overlap)) if overlap >= threshold => {
                if free(&objects[at]) {
                    continue;
                }
                !std::mem::replace(&mut taken[detection.picture][at], true)
            }
            _ => false,
        };
        right[detection.category].push(found);
    }
    let objects = |class: usize| {
        let all = dataset.pictures.iter().flat_map(|picture| &picture.objects);
        all.filter(|object| object.category == class && !free(object)).count()
    };
    Ok(classes
        .map(|class| match objects(class) {
            0 => None,
            count => Some(precision(&right[class], count, average)),
        })
        .collect())
}

fn precision(right: &[bool], objects: usize, average: VocAverage) -> f64 {
    let mut curve = Vec::with_capacity(right.len());
    let mut found = 0;
    for (before, &one) in right.iter().enumerate() {
        found += usize::from(one);
        curve.push((found, found as f64 / (before + 1) as f64));
    }
    // The highest precision of all points from here on.
    for at in (1..curve.len()).rev() {
        curve[at - 1].1 = curve[at - 1].1.max(curve[at].1);
    }
    match average {
        VocAverage::AllPoints => {
            let mut area = 0.0;
            let mut before = 0;
            for &(found, precision) in &curve {
                area += (found - before) as f64 / objects as f64 * precision;
                before = found;
            }
            area
        }
        VocAverage::ElevenPoints => {
            // In whole numbers: a recall of 3 in 10 reaches 0.3.
            let at = |tenth: usize| curve.iter().find(|(found, _)| found * 10 >= tenth * objects);
            (0..=10).map(|tenth| at(tenth).map_or(0.0, |(_, precision)| *precision)).sum::<f64>() / 11.0
        }
    }
}
