//! Overlaps of boxes: by hand, at their limits, and by what holds for any two boxes.
#![allow(clippy::unwrap_used, missing_docs)]

use proptest::prelude::*;
use tilewright_detect::boxes::{BBox, ciou, crowd_iou, diou, giou, intersection, iou};

type Measure = fn(&BBox, &BBox) -> f64;

const ALL: [Measure; 6] = [intersection, iou, crowd_iou, giou, diou, ciou];

fn close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
}

#[test]
fn two_boxes_by_hand() {
    // 2 × 2 at the origin, and 2 × 4 one to the right and one below: 1 shared, 11 together, the hull 3 × 5.
    let (one, other) = (BBox::new(0.0, 0.0, 2.0, 2.0), BBox::new(1.0, 1.0, 2.0, 4.0));
    close(intersection(&one, &other), 1.0);
    close(iou(&one, &other), 1.0 / 11.0);
    close(crowd_iou(&one, &other), 0.25);
    close(giou(&one, &other), 1.0 / 11.0 - 4.0 / 15.0);
    // Centres (1, 1) and (2, 3), the diagonal of the hull squared is 9 + 25.
    let by_distance = 1.0 / 11.0 - 5.0 / 34.0;
    close(diou(&one, &other), by_distance);
    let v = 4.0 / std::f64::consts::PI.powi(2) * (1f64.atan() - 0.5f64.atan()).powi(2);
    close(ciou(&one, &other), by_distance - v * v / (1.0 - 1.0 / 11.0 + v));
}

#[test]
fn boxes_apart_have_a_distance() {
    let (one, other) = (BBox::new(0.0, 0.0, 1.0, 1.0), BBox::new(9.0, 0.0, 1.0, 1.0));
    assert_eq!((iou(&one, &other), crowd_iou(&one, &other)), (0.0, 0.0));
    close(giou(&one, &other), -0.8);
    close(diou(&one, &other), -81.0 / 101.0);
    close(ciou(&one, &other), -81.0 / 101.0);
    // Edges that touch share nothing.
    assert_eq!(iou(&one, &BBox::new(1.0, 0.0, 1.0, 1.0)), 0.0);
}

#[test]
fn nan_stays_nan_and_nothing_is_divided_by_nothing() {
    let one = BBox::new(1.0, 2.0, 3.0, 4.0);
    for place in 0..4 {
        let mut numbers = one.to_array();
        numbers[place] = f64::NAN;
        let [x, y, width, height] = numbers;
        let broken = BBox::new(x, y, width, height);
        for (at, measure) in ALL.into_iter().enumerate() {
            assert!(measure(&one, &broken).is_nan() && measure(&broken, &one).is_nan(), "{at} {place}");
        }
        assert!(!broken.is_valid());
    }
    let (point, line) = (BBox::new(2.0, 2.0, 0.0, 0.0), BBox::new(2.0, 2.0, 0.0, 5.0));
    for measure in [iou, giou, diou, ciou] {
        assert_eq!(measure(&point, &point), 0.0);
        assert!(measure(&point, &line).is_finite() && measure(&line, &one).is_finite());
    }
    assert_eq!((iou(&line, &line), crowd_iou(&point, &one), crowd_iou(&one, &point)), (0.0, 0.0, 0.0));
    // A negative extent is none.
    let negative = BBox::new(2.0, 2.0, -5.0, 4.0);
    assert_eq!((negative.area(), iou(&negative, &one), giou(&negative, &negative)), (0.0, 0.0, 0.0));
    assert_eq!(giou(&negative, &one), giou(&BBox::new(2.0, 2.0, 0.0, 4.0), &one));
}

#[test]
fn clipping_leaves_what_is_in_the_picture() {
    let clipped = |bbox: BBox| bbox.clipped(10.0, 8.0).edges();
    assert_eq!(clipped(BBox::from_edges([-3.0, 2.0, 4.0, 20.0])), [0.0, 2.0, 4.0, 8.0]);
    for outside in [[-5.0, 1.0, -2.0, 3.0], [11.0, 1.0, 12.0, 3.0], [1.0, 9.0, 2.0, 10.0]] {
        assert_eq!(BBox::from_edges(outside).clipped(10.0, 8.0).area(), 0.0, "{outside:?}");
    }
    assert!(!BBox::new(f64::NAN, 0.0, 1.0, 1.0).clipped(10.0, 8.0).is_valid());
}

fn boxes() -> impl Strategy<Value = BBox> {
    let whole = |from: i32, to: i32| (from..to).prop_map(|number| f64::from(number) / 2.0);
    (whole(-20, 20), whole(-20, 20), whole(0, 30), whole(0, 30))
        .prop_map(|(x, y, w, h)| BBox::new(x, y, w, h))
}

proptest! {
    #[test]
    fn what_holds_for_any_two(one in boxes(), other in boxes()) {
        for measure in [iou, giou, diou, ciou] {
            prop_assert!((measure(&one, &other) - measure(&other, &one)).abs() < 1e-12);
        }
        let plain = iou(&one, &other);
        prop_assert!((0.0..=1.0).contains(&plain) && crowd_iou(&one, &other) >= plain);
        for measure in [giou, diou] {
            let value = measure(&one, &other);
            prop_assert!((-1.0..=1.0).contains(&value) && value <= plain);
        }
        prop_assert!(ciou(&one, &other) <= diou(&one, &other));
        if one.area() > 0.0 {
            for measure in [iou, giou, diou, ciou] {
                prop_assert!((measure(&one, &one) - 1.0).abs() < 1e-12);
            }
        }
        // Pixel by pixel, on a grid that is twice as fine.
        let inside = |of: &BBox, x: i32, y: i32| {
            let [left, top, right, bottom] = of.edges();
            let (x, y) = (f64::from(x) / 2.0 + 0.25, f64::from(y) / 2.0 + 0.25);
            left < x && x < right && top < y && y < bottom
        };
        let places = || (-30..60).flat_map(|y| (-30..60).map(move |x| (x, y)));
        let count = |wanted: &dyn Fn(i32, i32) -> bool| places().filter(|&(x, y)| wanted(x, y)).count() as f64;
        let both = count(&|x, y| inside(&one, x, y) && inside(&other, x, y));
        let any = count(&|x, y| inside(&one, x, y) || inside(&other, x, y));
        let wanted = if any > 0.0 { both / any } else { 0.0 };
        prop_assert!((plain - wanted).abs() < 1e-12);
    }
}
