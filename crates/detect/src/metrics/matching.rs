//! Which detections of one class in one picture find which objects.

/// An object as matching sees it.
#[derive(Clone, Copy, Debug)]
pub struct Truth {
    /// Whether any number of detections may find it.
    pub crowd: bool,
    /// Whether it counts neither as found nor as missed.
    pub ignored: bool,
}

/// What became of a detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It found an object that counts.
    Found,
    /// It found one that does not, and counts neither way.
    Ignored,
    /// It found nothing.
    Nothing,
}

/// COCO's greedy matching: each detection, by descending score, takes the object with the highest overlap of those that are left,
/// if it is `threshold` or more. Objects that count come first: one that is ignored is taken only where no other will do. Of two
/// with the same overlap the later one is taken.
///
/// `overlaps` has a row for each detection, with a number for each of `truths`.
pub fn matches(overlaps: &[f64], truths: &[Truth], threshold: f64) -> Vec<Outcome> {
    if truths.is_empty() {
        return Vec::new();
    }
    let mut taken = vec![false; truths.len()];
    // A detection that lies exactly on its object is found at a threshold of 1 too.
    let threshold = threshold.min(1.0 - 1e-10);
    let detection = |row: &[f64]| {
        for ignored in [false, true] {
            let mut best = None;
            let mut most = threshold;
            for (at, truth) in truths.iter().enumerate() {
                if truth.ignored == ignored && (truth.crowd || !taken[at]) && row[at] >= most {
                    (best, most) = (Some(at), row[at]);
                }
            }
            if let Some(best) = best {
                taken[best] = true;
                return if ignored { Outcome::Ignored } else { Outcome::Found };
            }
        }
        Outcome::Nothing
    };
    overlaps.chunks_exact(truths.len()).map(detection).collect()
}
