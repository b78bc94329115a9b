//! COCO's average precision and recall.

use super::{
    matching::{Outcome, Truth, matches},
    options::{CocoOptions, Measure},
    overlaps::{by_picture, overlaps},
};
use crate::{
    annotations::{Dataset, Detection, Object},
    error::DetectError,
};

/// Thresholds of the overlap, .5 to .95.
pub const THRESHOLDS: usize = 10;
/// Recalls at which precision is read, 0 to 1.
pub const RECALLS: usize = 101;
const AREAS: usize = 4;

/// `count` numbers from `from` to `to` in equal steps, to the bits of NumPy's `linspace`: precision is read where a recall
/// reaches one of them.
fn evenly(from: f64, to: f64, count: usize) -> Vec<f64> {
    let step = (to - from) / (count - 1) as f64;
    let mut numbers: Vec<f64> = (0..count).map(|at| at as f64 * step + from).collect();
    numbers[count - 1] = to;
    numbers
}

/// What is known of a detection: a bit for each threshold, for each range of areas.
struct Entry {
    score: f64,
    /// Its place among those of its class in its picture.
    rank: usize,
    found: [u16; AREAS],
    ignored: [u16; AREAS],
}

#[derive(Default)]
struct Class {
    entries: Vec<Entry>,
    /// Objects that count, by range of areas.
    objects: [usize; AREAS],
}

/// Average precision and recall of each class, at each threshold, for each range of areas.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    classes: Vec<ClassFigures>,
}

#[derive(Clone, Debug, PartialEq)]
struct ClassFigures {
    /// By range of areas: nothing where no object counts.
    ranges: [Option<Figures>; AREAS],
    /// Of objects of any area, by threshold and recall; empty where none counts.
    curves: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq)]
struct Figures {
    /// By threshold, of the most detections.
    precision: [f64; THRESHOLDS],
    /// By number of detections and threshold.
    recall: [[f64; THRESHOLDS]; 3],
}

/// Evaluates detections as COCO does.
///
/// Detections of a class are taken over all pictures by descending score; equal scores come in the order of the pictures (in
/// COCO's files by ascending id), and within a picture in the list's. Crowds and difficult objects are ignored, as are objects
/// beyond the range of areas, and detections beyond it that find nothing. No detections are a result as well.
///
/// # Errors
/// [`DetectError::Unfit`] for a detection of a picture or class that is not there, with what is no number, or without a mask
/// where masks are compared; [`DetectError::Mask`].
pub fn evaluate(
    dataset: &Dataset,
    detections: &[Detection],
    options: &CocoOptions,
) -> Result<Evaluation, DetectError> {
    options.check()?;
    let places = by_picture(dataset, detections, options.measure)?;
    let thresholds = evenly(0.5, 0.95, THRESHOLDS);
    let mut classes: Vec<Class> = dataset.categories.iter().map(|_| Class::default()).collect();
    for (picture, places) in dataset.pictures.iter().zip(places) {
        let mut found: Vec<Vec<&Detection>> = vec![Vec::new(); classes.len()];
        for place in places {
            let of_class = &mut found[detections[place].category];
            if of_class.len() < options.max_detections[2] {
                of_class.push(&detections[place]);
            }
        }
        let mut objects: Vec<Vec<&Object>> = vec![Vec::new(); classes.len()];
        for object in &picture.objects {
            let class = objects.get_mut(object.category).ok_or_else(|| {
                let reason =
                    format!("it is of the class {}, and there are {}", object.category, classes.len());
                DetectError::unfit(format!("an object of `{}`", picture.file_name), reason)
            })?;
            class.push(object);
        }
        for ((class, found), objects) in classes.iter_mut().zip(found).zip(objects) {
            let overlaps = overlaps(picture, &found, &objects, options.measure)?;
            class.add(&found, &objects, &overlaps, &thresholds, options);
        }
    }
    let recalls = evenly(0.0, 1.0, RECALLS);
    let classes = classes.into_iter().map(|class| class.figures(&recalls, options)).collect();
    Ok(Evaluation { classes })
}

impl Class {
    /// Adds the detections and objects of a picture.
    fn add(
        &mut self,
        found: &[&Detection],
        objects: &[&Object],
        overlaps: &[f64],
        thresholds: &[f64],
        options: &CocoOptions,
    ) {
        let first = self.entries.len();
        self.entries.extend(found.iter().enumerate().map(|(rank, detection)| Entry {
            score: detection.score,
            rank,
            found: [0; AREAS],
            ignored: [0; AREAS],
        }));
        for (range, [from, to]) in options.areas.into_iter().enumerate() {
            let within = |area: f64| (from..=to).contains(&area);
            let truths: Vec<Truth> = objects
                .iter()
                .map(|object| Truth {
                    crowd: object.crowd,
                    ignored: object.crowd || object.difficult || !within(object.area),
                })
                .collect();
            self.objects[range] += truths.iter().filter(|truth| !truth.ignored).count();
            for (bit, &threshold) in thresholds.iter().enumerate() {
                let outcomes = matches(overlaps, &truths, threshold);
                for (at, (entry, detection)) in self.entries[first..].iter_mut().zip(found).enumerate() {
                    match outcomes.get(at).unwrap_or(&Outcome::Nothing) {
                        Outcome::Found => entry.found[range] |= 1 << bit,
                        Outcome::Ignored => entry.ignored[range] |= 1 << bit,
                        Outcome::Nothing if !within(area(detection, options)) => {
                            entry.ignored[range] |= 1 << bit
                        }
                        Outcome::Nothing => {}
                    }
                }
            }
        }
    }

    fn figures(mut self, recalls: &[f64], options: &CocoOptions) -> ClassFigures {
        // Stable: equal scores stay in the order of the pictures.
        self.entries.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(std::cmp::Ordering::Equal));
        let mut curves = Vec::new();
        let ranges = [0, 1, 2, 3].map(|range| {
            let objects = self.objects[range];
            if objects == 0 {
                return None;
            }
            let mut figures = Figures { precision: [0.0; THRESHOLDS], recall: [[0.0; THRESHOLDS]; 3] };
            for bit in 0..THRESHOLDS {
                for (number, &most) in options.max_detections.iter().enumerate() {
                    let curve = self.curve(range, bit, most, objects);
                    figures.recall[number][bit] = curve.last().map_or(0.0, |last| last[0]);
                    if number == 2 {
                        let precisions = read_at(&curve, recalls);
                        figures.precision[bit] = precisions.iter().sum::<f64>() / recalls.len() as f64;
                        if range == 0 {
                            curves.extend(precisions);
                        }
                    }
                }
            }
            Some(figures)
        });
        ClassFigures { ranges, curves }
    }

    /// Recall and precision after each detection that counts. Those of ignored ones would be the same as before.
    fn curve(&self, range: usize, bit: usize, most: usize, objects: usize) -> Vec<[f64; 2]> {
        let (mut right, mut all) = (0usize, 0usize);
        let counts =
            self.entries.iter().filter(|entry| entry.rank < most && entry.ignored[range] >> bit & 1 == 0);
        let point = |entry: &Entry| {
            right += usize::from(entry.found[range] >> bit & 1 == 1);
            all += 1;
            [right as f64 / objects as f64, right as f64 / all as f64]
        };
        counts.map(point).collect()
    }
}

fn area(detection: &Detection, options: &CocoOptions) -> f64 {
    match (options.measure, &detection.mask) {
        (Measure::Masks, Some(mask)) => mask.area() as f64,
        _ => detection.bbox.area(),
    }
}

/// The highest precision of all points whose recall is as high as each of `recalls` or higher; 0 where there is none.
fn read_at(curve: &[[f64; 2]], recalls: &[f64]) -> Vec<f64> {
    let mut best = vec![0.0; curve.len() + 1];
    for (at, [_, precision]) in curve.iter().enumerate().rev() {
        best[at] = precision.max(best[at + 1]);
    }
    recalls.iter().map(|&wanted| best[curve.partition_point(|[recall, _]| *recall < wanted)]).collect()
}

impl Evaluation {
    /// The mean over classes with objects of what `of` takes from their figures.
    fn mean(&self, range: usize, of: impl Fn(&Figures) -> f64) -> Option<f64> {
        let values: Vec<f64> =
            self.classes.iter().filter_map(|class| class.ranges[range].as_ref().map(&of)).collect();
        if values.is_empty() { None } else { Some(values.iter().sum::<f64>() / values.len() as f64) }
    }

    /// Average precision of objects in a range of areas (0 any, 1 small, 2 medium, 3 large): the mean over the thresholds .5 to
    /// .95, or at one of them (0 is .5, 5 is .75), and over the classes with an object in the range. Nothing where there is none.
    #[must_use]
    pub fn average_precision(&self, range: usize, threshold: Option<usize>) -> Option<f64> {
        if range >= AREAS || threshold.is_some_and(|at| at >= THRESHOLDS) {
            return None;
        }
        self.mean(range, |figures| {
            threshold.map_or_else(|| mean(&figures.precision), |at| figures.precision[at])
        })
    }

    /// Average recall of objects in a range of areas, with so many detections as that place of
    /// [`CocoOptions::max_detections`] says.
    #[must_use]
    pub fn average_recall(&self, range: usize, detections: usize) -> Option<f64> {
        if range >= AREAS || detections >= 3 {
            return None;
        }
        self.mean(range, |figures| mean(&figures.recall[detections]))
    }

    /// Average precision of each class, over all thresholds or at one of them; nothing for a class without objects, which no mean
    /// contains.
    #[must_use]
    pub fn class_precisions(&self, threshold: Option<usize>) -> Vec<Option<f64>> {
        let one = |figures: &Figures| match threshold {
            None => Some(mean(&figures.precision)),
            Some(at) => figures.precision.get(at).copied(),
        };
        self.classes.iter().map(|class| class.ranges[0].as_ref().and_then(one)).collect()
    }

    /// Precision of a class at the recalls 0, .01, … 1 and a threshold (0 is .5); nothing for a class without objects.
    #[must_use]
    pub fn curve(&self, class: usize, threshold: usize) -> Option<&[f64]> {
        self.classes.get(class)?.curves.chunks_exact(RECALLS).nth(threshold)
    }

    /// COCO's twelve figures in COCO's order, with −1 for what there is not: AP, AP50, AP75, AP of small, medium, large objects,
    /// AR with 1, 10, 100 detections, AR of small, medium, large objects.
    #[must_use]
    pub fn stats(&self) -> [f64; 12] {
        let precision = |range, threshold| self.average_precision(range, threshold);
        let recall = |range, detections| self.average_recall(range, detections);
        [
            precision(0, None),
            precision(0, Some(0)),
            precision(0, Some(5)),
            precision(1, None),
            precision(2, None),
            precision(3, None),
            recall(0, 0),
            recall(0, 1),
            recall(0, 2),
            recall(1, 2),
            recall(2, 2),
            recall(3, 2),
        ]
        .map(|figure| figure.unwrap_or(-1.0))
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
