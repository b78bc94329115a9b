//! Average precision and recall, held to pycocotools' numbers (`make_cases.py`), and the conventions that are easily mistaken.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;
use tilewright_detect::{
    DetectError,
    annotations::{Category, Dataset, Detection, Mask, Object, Picture, read_coco, read_results},
    boxes::BBox,
    masks::Rle,
    metrics::{CocoOptions, Evaluation, Measure, VocAverage, evaluate, voc_average_precision},
};

#[test]
fn the_twelve_numbers_are_those_of_pycocotools() {
    let folder = TempDir::new().unwrap();
    let all: Value = serde_json::from_str(include_str!("cases/evaluation.json")).unwrap();
    let cases = all["cases"].as_array().unwrap();
    assert!(cases.len() > 20);
    for (at, case) in cases.iter().enumerate() {
        let [truth, results] = ["truth", "results"].map(|key| {
            let path = folder.path().join(key);
            fs::write(&path, case[key].to_string()).unwrap();
            path
        });
        let dataset = read_coco(&truth, Path::new("")).unwrap();
        let found = read_results(&results, &dataset).unwrap();
        let options = if case["kind"] == "segm" { CocoOptions::masks() } else { CocoOptions::default() };
        let evaluation = evaluate(&dataset, &found, &options).unwrap();
        let close = |found: f64, wanted: &Value, what: &str| {
            let wanted = wanted.as_f64().unwrap();
            assert!(
                (found - wanted).abs() <= 1e-9,
                "case {at}, {what}: {found}, and pycocotools says {wanted}"
            );
        };
        for (number, figure) in evaluation.stats().into_iter().enumerate() {
            close(figure, &case["stats"][number], &format!("figure {number}"));
        }
        for (class, figure) in evaluation.class_precisions(None).into_iter().enumerate() {
            close(figure.unwrap_or(-1.0), &case["classes"][class], &format!("class {class}"));
        }
    }
}

fn dataset(categories: usize, pictures: &[&[Object]]) -> Dataset {
    let picture = |(at, objects): (usize, &&[Object])| Picture {
        id: at as i64 + 1,
        file_name: format!("{at}.png"),
        width: 200,
        height: 200,
        objects: objects.to_vec(),
    };
    Dataset {
        folder: "pictures".into(),
        categories: (0..categories).map(|at| Category { id: at as i64 + 1, name: at.to_string() }).collect(),
        pictures: pictures.iter().enumerate().map(picture).collect(),
    }
}

fn found(picture: usize, category: usize, score: f64, bbox: BBox) -> Detection {
    Detection { picture, category, score, bbox, mask: None }
}

fn figures(dataset: &Dataset, detections: &[Detection]) -> Evaluation {
    evaluate(dataset, detections, &CocoOptions::default()).unwrap()
}

const BOX: BBox = BBox::new(10.0, 10.0, 40.0, 40.0);
const OTHER: BBox = BBox::new(110.0, 110.0, 40.0, 40.0);

fn close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
}

/// With equal scores the order decides: of the pictures, and within one that of the list.
#[test]
fn equal_scores_come_in_the_order_of_the_pictures() {
    let here = [Object::new(0, BOX)];
    let (wrong, right) = (found(0, 0, 0.5, OTHER), found(1, 0, 0.5, BOX));
    // One object in the second picture, and a wrong box in the first; then the other way round.
    let behind = figures(&dataset(1, &[&[], &here]), &[right.clone(), wrong.clone()]);
    close(behind.stats()[0], 0.5);
    let before = figures(&dataset(1, &[&here, &[]]), &[found(1, 0, 0.5, OTHER), found(0, 0, 0.5, BOX)]);
    close(before.stats()[0], 1.0);
    let within = |list: &[Detection]| figures(&dataset(1, &[&here]), list).stats()[0];
    close(within(&[found(0, 0, 0.5, OTHER), found(0, 0, 0.5, BOX)]), 0.5);
    close(within(&[found(0, 0, 0.5, BOX), found(0, 0, 0.5, OTHER)]), 1.0);
}

/// Areas at a limit lie in both ranges, and an overlap of exactly the threshold counts.
#[test]
fn limits_are_inside() {
    let exact = Object::new(0, BBox::new(0.0, 0.0, 32.0, 32.0));
    let stats =
        figures(&dataset(1, &[std::slice::from_ref(&exact)]), &[found(0, 0, 0.5, exact.bbox)]).stats();
    assert_eq!(stats[3..6], [1.0, 1.0, -1.0], "{stats:?}");
    // Half of the box: an IoU of .5.
    let half = BBox::new(0.0, 0.0, 32.0, 16.0);
    let stats = figures(&dataset(1, &[&[exact]]), &[found(0, 0, 0.5, half)]).stats();
    close(stats[1], 1.0);
    close(stats[0], 0.1);
}

#[test]
fn classes_without_objects_are_left_out_and_missed_ones_are_not() {
    let crowd = Object { crowd: true, ..Object::new(1, BOX) };
    let three = dataset(4, &[&[Object::new(0, BOX), crowd, Object::new(2, OTHER)]]);
    let evaluation = figures(&three, &[found(0, 0, 0.9, BOX), found(0, 1, 0.9, BOX), found(0, 3, 0.9, BOX)]);
    assert_eq!(evaluation.class_precisions(None), [Some(1.0), None, Some(0.0), None]);
    close(evaluation.stats()[0], 0.5);
    assert_eq!(evaluation.curve(1, 0), None);
    assert_eq!(evaluation.curve(0, 9), Some(&[1.0; 101][..]));
    // Nothing found is a result.
    let nothing = figures(&three, &[]);
    assert_eq!((nothing.stats()[0], nothing.stats()[8], nothing.stats()[5]), (0.0, 0.0, -1.0));
    assert_eq!(figures(&dataset(2, &[&[]]), &[]).stats(), [-1.0; 12]);
    assert_eq!(figures(&dataset(0, &[]), &[]).stats(), [-1.0; 12]);
    assert_eq!(nothing.average_precision(9, None), None);
    assert_eq!(nothing.average_recall(0, 3), None);
}

/// COCO's tools take a match with annotation 0 for none, and `ignore` for nothing.
#[test]
fn ids_are_names_and_difficult_objects_are_ignored() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("truth.json");
    let text = r#"{"images": [{"id": 0, "width": 200, "height": 200}], "categories": [{"id": 0, "name": "x"}],
        "annotations": [{"id": 0, "image_id": 0, "category_id": 0, "bbox": [10, 10, 40, 40], "ignore": 1}]}"#;
    fs::write(&path, text).unwrap();
    let mut truth = read_coco(&path, Path::new("")).unwrap();
    assert_eq!(figures(&truth, &[found(0, 0, 0.5, BOX)]).stats()[0], 1.0);
    assert_eq!(figures(&truth, &[]).stats()[0], 0.0);
    truth.pictures[0].objects[0].difficult = true;
    assert_eq!(figures(&truth, &[]).stats()[0], -1.0);
}

/// Any number of detections may lie in a crowd, and their part in it is what counts.
#[test]
fn crowds_take_any_number() {
    let crowd = Object { crowd: true, ..Object::new(0, BBox::new(0.0, 0.0, 100.0, 100.0)) };
    let list: Vec<Detection> =
        (0..5).map(|at| found(0, 0, 0.9, BBox::new(f64::from(at), 5.0, 9.0, 9.0))).collect();
    let mut with: Vec<Detection> = list;
    with.push(found(0, 0, 0.1, OTHER));
    close(figures(&dataset(1, &[&[crowd, Object::new(0, OTHER)]]), &with).stats()[0], 1.0);
    close(figures(&dataset(1, &[&[Object::new(0, OTHER)]]), &with).stats()[0], 1.0 / 6.0);
}

#[test]
fn what_does_not_fit_is_said() {
    let one = dataset(1, &[&[Object::new(0, BOX)]]);
    for bad in [
        found(1, 0, 0.5, BOX),
        found(0, 1, 0.5, BOX),
        found(0, 0, f64::NAN, BOX),
        found(0, 0, f64::INFINITY, BOX),
        found(0, 0, 0.5, BBox::new(f64::NAN, 0.0, 1.0, 1.0)),
        found(0, 0, 0.5, BBox::new(0.0, 0.0, -1.0, 1.0)),
    ] {
        let error =
            evaluate(&one, &[found(0, 0, 0.1, BOX), bad.clone()], &CocoOptions::default()).unwrap_err();
        assert!(error.to_string().starts_with("result 1: "), "{error}");
        assert!(voc_average_precision(&one, &[bad], 0.5, VocAverage::AllPoints).is_err());
    }
    let masks = evaluate(&one, &[found(0, 0, 0.5, BOX)], &CocoOptions::masks());
    assert!(masks.unwrap_err().to_string().contains("it has no mask"));
    let mask = Rle::empty(200, 200).unwrap();
    let with = Detection { mask: Some(mask), ..found(0, 0, 0.5, BOX) };
    let masks = evaluate(&one, std::slice::from_ref(&with), &CocoOptions::masks());
    assert!(masks.unwrap_err().to_string().contains("an object of `0.png`: it has no mask"));
    let small = Object { mask: Some(Mask::Runs(Rle::empty(3, 3).unwrap())), ..Object::new(0, BOX) };
    let masks = evaluate(&dataset(1, &[&[small]]), &[with], &CocoOptions::masks());
    assert!(matches!(masks, Err(DetectError::Mask { .. })));
    for options in [
        CocoOptions { max_detections: [0, 1, 2], ..CocoOptions::default() },
        CocoOptions { max_detections: [5, 1, 2], ..CocoOptions::default() },
        CocoOptions { areas: [[f64::NAN, 1.0]; 4], ..CocoOptions::default() },
    ] {
        assert!(matches!(evaluate(&one, &[], &options), Err(DetectError::Unfit { .. })));
    }
    assert_eq!(CocoOptions::default().measure, Measure::Boxes);
    let mut broken = one;
    broken.pictures[0].objects[0].category = 3;
    assert!(evaluate(&broken, &[], &CocoOptions::default()).is_err());
}

/// VOC's development kit adds 1 to every extent, for its corners are pixels; boxes from edges give the same numbers.
#[test]
fn voc_counts_pixels_inside() {
    // Corners 1…2 and 1…3 by VOC: 2 × 1 of 3 × 1 pixels are shared, 2/3; without the 1 it would be 1/2.
    let object = Object::new(0, BBox::from_edges([0.0, 0.0, 3.0, 1.0]));
    let one = dataset(1, &[&[object]]);
    let list = [found(0, 0, 0.5, BBox::from_edges([0.0, 0.0, 2.0, 1.0]))];
    let at = |threshold| voc_average_precision(&one, &list, threshold, VocAverage::AllPoints).unwrap();
    assert_eq!(at(0.6), [Some(1.0)]);
    assert_eq!(at(2.0 / 3.0), [Some(1.0)]);
    assert_eq!(at(0.7), [Some(0.0)]);
    assert!(voc_average_precision(&one, &list, 0.0, VocAverage::AllPoints).is_err());
    assert!(voc_average_precision(&one, &list, f64::NAN, VocAverage::AllPoints).is_err());
}

#[test]
fn voc_averages_by_eleven_points_or_all() {
    let difficult = Object { difficult: true, ..Object::new(0, OTHER) };
    let third = BBox::new(60.0, 60.0, 10.0, 10.0);
    let two = dataset(2, &[&[Object::new(0, BOX), difficult, Object::new(0, third)], &[Object::new(0, BOX)]]);
    // Right, difficult (left out), twice (wrong), right, elsewhere (wrong); the third object is missed.
    let list = [
        found(0, 0, 0.9, BOX),
        found(0, 0, 0.8, OTHER),
        found(0, 0, 0.7, BOX),
        found(1, 0, 0.6, BOX),
        found(1, 0, 0.5, OTHER),
    ];
    let at = |average| voc_average_precision(&two, &list, 0.5, average).unwrap();
    // Precision 1 to a recall of 1/3, 2/3 to 2/3, then 0.
    let [all, eleven] = [VocAverage::AllPoints, VocAverage::ElevenPoints].map(at);
    close(all[0].unwrap(), 1.0 / 3.0 + 2.0 / 9.0);
    close(eleven[0].unwrap(), (4.0 + 3.0 * 2.0 / 3.0) / 11.0);
    assert_eq!((all[1], eleven[1]), (None, None));
    let nothing = voc_average_precision(&two, &[], 0.5, VocAverage::ElevenPoints).unwrap();
    assert_eq!(nothing, [Some(0.0), None]);
}

/// A detection of VOC looks at the object it overlaps most alone; COCO's takes the best of those that are left.
#[test]
fn a_second_detection_of_an_object_is_wrong_for_voc() {
    let (one, two) = (BBox::new(0.0, 0.0, 10.0, 10.0), BBox::new(0.0, 0.0, 10.0, 12.0));
    let near = dataset(1, &[&[Object::new(0, one), Object::new(0, two)]]);
    let list = [found(0, 0, 0.9, one), found(0, 0, 0.8, one)];
    let voc = voc_average_precision(&near, &list, 0.5, VocAverage::AllPoints).unwrap();
    assert_eq!(voc, [Some(0.5)]);
    assert_eq!(figures(&near, &list).class_precisions(Some(0)), [Some(1.0)]);
}
