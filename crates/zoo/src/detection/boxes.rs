//! Which of a network's boxes are kept: those that score enough, and of several in one place the best.

/// A box that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Left, top, right and bottom.
    pub bounds: [f32; 4],
    /// The class.
    pub class: usize,
    /// From 0 to 1.
    pub score: f32,
}

/// The boxes of one image that score above `threshold` for a class, as `boxes` (4 numbers each) and `scores` (a number for each
/// class) say, without those that a better one of the same class covers by more than `overlap`; the best first. As in Darknet a box may
/// be found for several classes.
pub fn detections(
    boxes: &[f32],
    scores: &[f32],
    classes: usize,
    threshold: f32,
    overlap: f32,
) -> Vec<Detection> {
    let mut found = Vec::new();
    for (bounds, scores) in boxes.as_chunks().0.iter().zip(scores.chunks_exact(classes.max(1))) {
        let above = scores.iter().enumerate().filter(|(_, score)| **score > threshold);
        found.extend(above.map(|(class, &score)| Detection { bounds: *bounds, class, score }));
    }
    keep_boxes(&found, overlap).into_iter().map(|at| found[at]).collect()
}

/// The places of the boxes that are kept, the best first: one is left out where a better one of its class that is kept covers
/// more than `overlap` of the area of both (torchvision's `batched_nms`: strictly more; of equal scores the first is better).
pub fn keep_boxes(found: &[Detection], overlap: f32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by(|&a, &b| found[b].score.total_cmp(&found[a].score));
    let mut gone = vec![false; found.len()];
    let mut kept = Vec::new();
    for (at, &best) in order.iter().enumerate() {
        if gone[best] {
            continue;
        }
        kept.push(best);
        for &other in &order[at + 1..] {
            if !gone[other] && found[other].class == found[best].class {
                gone[other] = shared(found[best].bounds, found[other].bounds) > overlap;
            }
        }
    }
    kept
}

/// The area that two boxes share, of the area that they cover together; no number where they have none.
fn shared(a: [f32; 4], b: [f32; 4]) -> f32 {
    let area = |[left, top, right, bottom]: [f32; 4]| (right - left) * (bottom - top);
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let both = width * height;
    both / (area(a) + area(b) - both)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left: f32, right: f32, class: usize, score: f32) -> Detection {
        Detection { bounds: [left, 0.0, right, 1.0], class, score }
    }

    #[test]
    fn the_best_of_a_class_stays() {
        // The second covers a third of both with the first, the third is of another class.
        let found = [at(0.0, 2.0, 0, 0.5), at(1.0, 3.0, 0, 0.9), at(1.0, 3.0, 1, 0.4)];
        assert_eq!(keep_boxes(&found, 0.3), [1, 2]);
        // Not more than a half.
        let halves = [at(0.0, 3.0, 0, 0.5), at(1.0, 4.0, 0, 0.9)];
        assert_eq!(keep_boxes(&halves, 0.5), [1, 0]);
        assert_eq!(keep_boxes(&halves, 0.49), [1]);
    }

    #[test]
    fn equal_scores_keep_their_order_and_boxes_of_nothing_stay() {
        let found = [at(0.0, 1.0, 0, 0.5), at(0.0, 1.0, 0, 0.5)];
        assert_eq!(keep_boxes(&found, 0.5), [0]);
        let nothing = [at(1.0, 1.0, 0, 0.5), at(1.0, 1.0, 0, 0.5)];
        assert_eq!(keep_boxes(&nothing, 0.0), [0, 1]);
        assert_eq!(keep_boxes(&[], 0.5), [0usize; 0]);
    }

    #[test]
    fn a_box_may_be_of_several_classes_and_must_be_above_the_threshold() {
        let found = detections(&[0.0, 0.0, 1.0, 1.0], &[0.5, 0.6, 0.25], 3, 0.25, 0.5);
        assert_eq!(found.iter().map(|one| one.class).collect::<Vec<_>>(), [1, 0]);
    }
}
