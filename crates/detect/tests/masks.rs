//! Masks as runs, held to what pycocotools says (`make_cases.py`), and against what is no mask.
#![allow(clippy::unwrap_used, missing_docs)]

use proptest::prelude::*;
use serde_json::Value;
use tilewright_detect::masks::{MAX_PIXELS, MaskError, Rle};

fn cases(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("cases/masks.json")).unwrap();
    all[kind].as_array().unwrap().clone()
}

fn size(case: &Value) -> (usize, usize) {
    (case["size"][0].as_u64().unwrap() as usize, case["size"][1].as_u64().unwrap() as usize)
}

fn rle(case: &Value, key: &str) -> Rle {
    let (height, width) = size(case);
    Rle::from_compressed(height, width, case[key].as_str().unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
fn pixels_runs_and_strings_are_those_of_pycocotools() {
    let cases = cases("single");
    assert!(cases.len() > 50);
    for case in &cases {
        let (height, width) = size(case);
        let mask = rle(case, "counts");
        assert_eq!(mask.to_compressed(), case["counts"].as_str().unwrap());
        assert_eq!(mask.area(), case["area"].as_u64().unwrap(), "{case}");
        assert_eq!(mask.bbox().to_array().to_vec(), numbers(&case["bbox"]), "{case}");
        let pixels: Vec<u8> = case["pixels"].as_str().unwrap().bytes().map(|byte| byte - b'0').collect();
        if !pixels.is_empty() {
            assert_eq!(Rle::encode(height, width, &pixels).unwrap(), mask, "{case}");
            assert_eq!(mask.decode(), pixels, "{case}");
        }
    }
}

#[test]
fn overlaps_are_those_of_pycocotools() {
    for case in cases("pairs") {
        let (one, other) = (rle(&case, "one"), rle(&case, "other"));
        assert_eq!(one.iou(&other).unwrap(), case["iou"].as_f64().unwrap(), "{case}");
        assert_eq!(one.crowd_iou(&other).unwrap(), case["crowd"].as_f64().unwrap(), "{case}");
        assert_eq!(one.union(&other).unwrap(), rle(&case, "union"), "{case}");
        assert_eq!(one.intersection(&other).unwrap(), rle(&case, "intersection"), "{case}");
    }
}

#[test]
fn polygons_are_those_of_pycocotools_to_the_pixel() {
    let cases_of_one = cases("polygons");
    assert!(cases_of_one.len() >= 300);
    for case in &cases_of_one {
        let (height, width) = size(case);
        let found = Rle::from_polygon(height, width, &numbers(&case["points"])).unwrap();
        assert_eq!(found, rle(case, "counts"), "{case}");
    }
    for case in cases("unions") {
        let (height, width) = size(&case);
        let parts: Vec<Vec<f64>> = case["parts"].as_array().unwrap().iter().map(numbers).collect();
        assert_eq!(Rle::from_polygons(height, width, &parts).unwrap(), rle(&case, "counts"), "{case}");
    }
}

/// The right and the lower edge are outside, and halves go up.
#[test]
fn a_rectangle_covers_its_pixels_and_no_more() {
    let area = |points: &[f64]| Rle::from_polygon(8, 8, points).unwrap().area();
    assert_eq!(area(&[1.0, 1.0, 4.0, 1.0, 4.0, 6.0, 1.0, 6.0]), 15);
    // The outline that OpenCV draws of the same pixels ends at their centres, and loses a row and a column.
    assert_eq!(area(&[1.0, 1.0, 3.0, 1.0, 3.0, 5.0, 1.0, 5.0]), 8);
    assert_eq!(area(&[0.0, 0.0, 5.0, 0.0, 0.0, 5.0]), 10);
    assert_eq!(area(&[2.0, 2.0, 2.0, 2.0, 2.0, 2.0]), 0);
    assert_eq!(area(&[0.0, 0.0, 8.0, 8.0]), 0);
    assert_eq!(area(&[-1e8, -1e8, 1e8, -1e8, 1e8, 1e8, -1e8, 1e8]), 64);
}

/// Other tools start a new run wherever the value changes, so that 1 and 2 are two runs.
#[test]
fn whatever_is_not_zero_is_inside() {
    let ones = Rle::encode(2, 3, &[0, 1, 1, 0, 1, 0]).unwrap();
    assert_eq!(Rle::encode(2, 3, &[0, 7, 255, 0, 2, 0]).unwrap(), ones);
    // Columns: 00, 11, 10.
    assert_eq!(ones.counts(), [2, 3, 1]);
    assert_eq!(Rle::encode(1, 3, &[1, 1, 0]).unwrap().counts(), [0, 2, 1]);
}

#[test]
fn what_is_no_mask_is_an_error() {
    assert!(matches!(Rle::new(2, 2, vec![1, 2]), Err(MaskError::Covered { covered: 3, .. })));
    assert!(matches!(Rle::new(2, 2, vec![u32::MAX; 3]), Err(MaskError::Covered { .. })));
    assert!(matches!(Rle::new(usize::MAX, 2, vec![]), Err(MaskError::TooLarge { .. })));
    assert!(matches!(Rle::empty(MAX_PIXELS, 2), Err(MaskError::TooLarge { .. })));
    assert!(matches!(Rle::encode(2, 2, &[1]), Err(MaskError::Pixels { .. })));
    for bad in ["!", "P", "ooooooooo0", "O4", "4\u{e9}", "4O", "PPPPPPP0"] {
        assert!(Rle::from_compressed(2, 2, bad).is_err(), "{bad}");
    }
    assert!(matches!(Rle::from_polygon(2, 2, &[1.0, 2.0, 3.0]), Err(MaskError::Odd { found: 3 })));
    for bad in [f64::NAN, f64::INFINITY, -1e9] {
        let points = [0.0, 0.0, bad, 0.0, 1.0, 1.0];
        assert!(matches!(Rle::from_polygon(2, 2, &points), Err(MaskError::Coordinate { .. })), "{bad}");
    }
    let (one, other) = (Rle::empty(2, 3).unwrap(), Rle::empty(3, 2).unwrap());
    assert!(matches!(one.iou(&other), Err(MaskError::Sizes { .. })));
    assert_eq!(one.iou(&one), Ok(0.0));
    assert!(Rle::empty(0, 5).unwrap().decode().is_empty());
    assert_eq!(Rle::from_polygon(0, 5, &[0.0, 0.0, 1.0, 1.0, 0.0, 1.0]).unwrap().area(), 0);
}

proptest! {
    #[test]
    fn runs_hold_the_pixels(height in 0usize..12, width in 0usize..12, seed in prop::collection::vec(any::<bool>(), 144)) {
        let pixels: Vec<u8> = seed[..height * width].iter().map(|&inside| u8::from(inside)).collect();
        let mask = Rle::encode(height, width, &pixels).unwrap();
        prop_assert_eq!(&mask.decode(), &pixels);
        prop_assert_eq!(Rle::from_compressed(height, width, &mask.to_compressed()).unwrap(), mask.clone());
        prop_assert_eq!(Rle::new(height, width, mask.counts().to_vec()).unwrap(), mask);
    }

    #[test]
    fn any_string_is_a_mask_or_an_error(text in "[0-o]{0,24}", height in 0usize..9, width in 0usize..9) {
        if let Ok(mask) = Rle::from_compressed(height, width, &text) {
            // Runs of length 0 may lie within.
            prop_assert_eq!(mask.decode().iter().map(|&pixel| u64::from(pixel)).sum::<u64>(), mask.area());
            let again = Rle::encode(height, width, &mask.decode()).unwrap();
            prop_assert_eq!(again.iou(&mask).unwrap(), if mask.area() > 0 { 1.0 } else { 0.0 });
            prop_assert_eq!(again.bbox(), mask.bbox());
        }
    }

    #[test]
    fn any_polygon_is_a_mask(points in prop::collection::vec(-200.0f64..200.0, 0..16)) {
        if points.len() % 2 == 0 {
            let mask = Rle::from_polygon(30, 20, &points).unwrap();
            prop_assert_eq!(Rle::new(30, 20, mask.counts().to_vec()).unwrap(), mask);
        }
    }
}
