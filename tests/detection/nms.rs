//! Non-maximum suppression.

use tilewright::{
    Context, DType, Tensor,
    graph::{Compiled, Options, capture},
    kernels::detection,
    ops::{Nms, ShapeError},
    runtime,
    tensor::composite::BatchedNms,
};
use tilewright_reference::{detection as reference, golden};

use crate::common::{Cases, contexts, contexts_for_numbers, limited_contexts, random};

/// Boxes of which many overlap, and their classes; every eleventh is none.
fn scene(seed: u64, images: usize, count: usize, classes: i32, whole: bool) -> (Vec<f32>, Vec<i32>) {
    let side = (count as f32).sqrt() * 3.0;
    let places = random(seed, images * count * 4, 0.0, 1.0);
    let mut boxes = Vec::new();
    for box_of in places.as_chunks::<4>().0 {
        let [x, y] = [box_of[0] * side, box_of[1] * side];
        let corners = [x, y, x + 1.0 + 9.0 * box_of[2], y + 1.0 + 9.0 * box_of[3]];
        boxes.extend(corners.map(|corner| if whole { corner.round() } else { corner }));
    }
    let class = |at: usize| if at % 11 == 10 { -1 } else { (at * 7 % 13) as i32 % classes };
    (boxes, (0..images * count).map(class).collect())
}

fn run(
    context: &Context,
    op: Nms,
    counts: [usize; 2],
    boxes: &[f32],
    classes: &[i32],
) -> runtime::Result<Vec<i32>> {
    let boxes = context.upload(bytemuck::cast_slice(boxes))?;
    let classes = context.upload(bytemuck::cast_slice(classes))?;
    // Every place is written.
    let keep = context.upload(&vec![0x5a; counts[0] * counts[1] * 4])?;
    detection::nms(context, op, counts, &boxes, &classes, &keep)?;
    let found = bytemuck::pod_collect_to_vec(&context.read(&keep)?);
    context.verify_retired()?;
    Ok(found)
}

fn check(
    cases: &mut Cases,
    context: &Context,
    iou_threshold: f32,
    counts: [usize; 2],
    (boxes, classes): &(Vec<f32>, Vec<i32>),
) {
    let op = Nms { iou_threshold };
    let expected = reference::nms(op, boxes, &[counts[0], counts[1], 4], classes);
    let outcome = match run(context, op, counts, boxes, classes) {
        Err(error) => Err(error.to_string()),
        Ok(found) => match (0..found.len()).find(|&at| found[at] != expected[at]) {
            Some(at) => Err(format!("{} at {at}, not {}", found[at], expected[at])),
            None => Ok(()),
        },
    };
    cases.check(format!("{counts:?} boxes at {iou_threshold}, {:?}", context.mode()), outcome);
}

/// Around a word, and around what a workgroup's threads own.
#[test]
fn counts() {
    let mut cases = Cases::new();
    for context in contexts() {
        for count in [1, 2, 31, 32, 33, 63, 64, 65, 255, 257, 1000, 1023, 1025] {
            for (threshold, classes, whole) in [(0.3, 1, false), (0.5, 3, true)] {
                let scene = scene(count as u64, 3, count, classes, whole);
                check(&mut cases, &context, threshold, [3, count], &scene);
            }
        }
        for threshold in [0.0, 0.7, 1.0] {
            check(&mut cases, &context, threshold, [2, 100], &scene(1, 2, 100, 2, true));
        }
        // More blocks than a workgroup has threads.
        check(&mut cases, &context, 0.4, [1, 9000], &scene(2, 1, 9000, 2, false));
    }
    cases.finish();
}

/// Overlaps that are the threshold in f32, or its neighbours.
#[test]
fn overlaps_that_meet_the_threshold() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (part, whole) in [(1, 2), (3, 10), (7, 10), (11, 20), (1, 3), (41, 123), (97, 101)] {
            let threshold = part as f32 / whole as f32;
            let mut boxes = Vec::new();
            for unit in 1..40 {
                let [part, whole] = [part, whole].map(|extent| (extent * unit) as f32);
                boxes.extend([0.0, 0.0, whole, 3.0, 0.0, 0.0, part, 3.0]);
            }
            let classes: Vec<i32> = (0..78).map(|at| at / 2).collect();
            for threshold in [threshold, threshold.next_down(), threshold.next_up()] {
                check(&mut cases, &context, threshold, [1, 78], &(boxes.clone(), classes.clone()));
            }
        }
    }
    cases.finish();
}

/// What is no number overlaps nothing; nor do boxes without an area, the wrong way round, or far away.
#[test]
fn hostile_boxes() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let boxes = vec![
        [0.0, 0.0, 4.0, 4.0],
        [nan, 0.0, 4.0, 4.0],
        [0.0, 0.0, 4.0, nan],
        [0.0, 0.0, 4.0, 4.1],
        [2.0; 4],
        [2.0; 4],
        [4.0, 4.0, 0.0, 0.0],
        [4.0, 4.0, 0.0, 0.0],
        [0.0, 0.0, inf, 4.0],
        [0.0, 0.0, inf, inf],
        [-inf, -inf, inf, inf],
        [0.0, 0.0, 1e30, 1e30],
        [0.0, 0.0, 1e30, 1e30],
        [0.0, 0.0, 1e18, 1e18],
        [0.0, 0.0, 1.1e18, 1e18],
        [nan; 4],
    ]
    .concat();
    let mut cases = Cases::new();
    for context in contexts() {
        for threshold in [0.0, 0.5, 1.0] {
            check(&mut cases, &context, threshold, [1, 16], &(boxes.clone(), vec![0; 16]));
            check(&mut cases, &context, threshold, [1, 16], &(boxes.clone(), vec![i32::MIN; 16]));
            check(&mut cases, &context, threshold, [4, 4], &(boxes.clone(), vec![i32::MAX; 16]));
        }
    }
    cases.finish();
}

/// Images whose masks fit no one binding are compared one behind the other; a mask that fits none is an error.
#[test]
fn masks_beyond_a_binding() {
    let mut cases = Cases::new();
    for context in limited_contexts(1 << 14) {
        check(&mut cases, &context, 0.4, [5, 200], &scene(3, 5, 200, 2, false));
        let (boxes, classes) = scene(4, 1, 400, 1, false);
        let error = run(&context, Nms { iou_threshold: 0.5 }, [1, 400], &boxes, &classes);
        assert!(matches!(error, Err(runtime::Error::Limit { limit: 16_384, .. })), "{error:?}");
    }
    cases.finish();
}

#[test]
fn nothing() {
    for context in contexts_for_numbers() {
        for counts in [[0, 7], [3, 0]] {
            let boxes = Tensor::zeros(&context, &[counts[0], counts[1], 4]).unwrap();
            let scores = Tensor::zeros(&context, &counts).unwrap();
            let classes = scores.cast(DType::I32).unwrap();
            let keep = boxes.nms_keep(&classes, Nms { iou_threshold: 0.5 }).unwrap();
            assert_eq!(keep.shape(), counts);
            let op = BatchedNms { iou_threshold: 0.5, score_threshold: None, max: 2 };
            let (places, number) = boxes.batched_nms(&scores, &classes, &op).unwrap();
            assert_eq!(places.to_vec::<i32>().unwrap(), vec![-1; counts[0] * 2]);
            assert_eq!(number.to_vec::<i32>().unwrap(), vec![0; counts[0]]);
        }
        let boxes = Tensor::zeros(&context, &[0, 4]).unwrap();
        let (places, number) = boxes.nms(&Tensor::zeros(&context, &[0]).unwrap(), 0.5).unwrap();
        assert_eq!((places.shape(), number.to_vec::<i32>().unwrap()), (&[0][..], vec![0]));
    }
}

#[test]
fn wrong_operands_are_typed_errors() {
    let context = crate::common::context();
    let zeros = |shape: &[usize]| Tensor::zeros(&context, shape).unwrap();
    let classes = zeros(&[2, 5]).cast(DType::I32).unwrap();
    let op = BatchedNms { iou_threshold: 0.5, score_threshold: None, max: 3 };
    let shape = |error| matches!(error, Err(tilewright::tensor::Error::Shape(ShapeError::Operand { .. })));
    assert!(shape(zeros(&[2, 5, 3]).batched_nms(&zeros(&[2, 5]), &classes, &op)));
    assert!(shape(zeros(&[2, 5, 4]).batched_nms(&zeros(&[2, 4]), &classes, &op)));
    assert!(shape(zeros(&[2, 4, 4]).batched_nms(&zeros(&[2, 4]), &classes, &op)));
    assert!(zeros(&[2, 5, 4]).batched_nms(&zeros(&[2, 5]), &zeros(&[2, 5]), &op).is_err());
    assert!(zeros(&[2, 5, 4]).batched_nms(&classes, &classes, &op).is_err());
    let many = BatchedNms { max: 1 << 25, ..op };
    assert!(zeros(&[2, 5, 4]).batched_nms(&zeros(&[2, 5]), &classes, &many).is_err());
    assert!(zeros(&[5, 4]).nms(&zeros(&[5]), f32::NAN).is_err());
    assert!(zeros(&[1, 5, 4]).nms(&zeros(&[5]), 0.5).is_err());
}

/// Places, best first, as torchvision gives them; once with room for all, once for three.
#[test]
fn torchvision_agrees() {
    let mut cases = Cases::new();
    let goldens = golden::family("detection").unwrap();
    for context in contexts_for_numbers() {
        for case in goldens.iter().filter(|case| case.op == "nms") {
            let (boxes, shape) = case.f32("boxes").unwrap();
            let [images, count] = [shape[0], shape[1]];
            let boxes = Tensor::from_slice(&context, boxes, shape).unwrap();
            let scores = case.f32("scores").unwrap().0;
            let scores = Tensor::from_slice(&context, scores, &[images, count]).unwrap();
            let classes = case.i32("classes").unwrap().0;
            let classes = Tensor::from_slice(&context, classes, &[images, count]).unwrap();
            let wanted = case.i32("places").unwrap().0;
            for max in [3, count, count + 2] {
                let iou_threshold = case.number("iou_threshold").unwrap() as f32;
                let op = BatchedNms { iou_threshold, score_threshold: None, max };
                let (places, number) = boxes.batched_nms(&scores, &classes, &op).unwrap();
                let (places, number) = (places.to_vec::<i32>().unwrap(), number.to_vec::<i32>().unwrap());
                for image in 0..images {
                    let mut wanted: Vec<_> = wanted[image * count..][..count].to_vec();
                    wanted.resize(wanted.len().max(max), -1);
                    wanted.truncate(max);
                    let kept = wanted.iter().filter(|&&place| place >= 0).count();
                    let found = (&places[image * max..][..max], number[image] as usize);
                    let same = found == (&wanted[..], kept);
                    let outcome = if same { Ok(()) } else { Err(format!("{found:?}, not {wanted:?}")) };
                    cases.check(format!("{} image {image}, {max} places", case.name), outcome);
                }
            }
        }
    }
    cases.finish();
}

/// Scores that are low or no number are left out, equal ones stay in order, and all of it can be captured.
#[test]
fn scores() {
    for context in contexts_for_numbers() {
        let count = 6;
        let apart: Vec<f32> =
            (0..count).flat_map(|at| [at as f32 * 2.0, 0.0, at as f32 * 2.0 + 1.0, 1.0]).collect();
        let boxes = Tensor::from_slice(&context, &apart, &[1, count, 4]).unwrap();
        let scores = [0.5, f32::NAN, 0.7, 0.5, 0.2, 0.7];
        let scores = Tensor::from_slice(&context, &scores, &[1, count]).unwrap();
        let classes = Tensor::from_slice(&context, &[0; 6], &[1, count]).unwrap();
        let op = BatchedNms { iou_threshold: 0.5, score_threshold: Some(0.2), max: 5 };
        let (places, number) = boxes.batched_nms(&scores, &classes, &op).unwrap();
        assert_eq!(places.to_vec::<i32>().unwrap(), [2, 5, 0, 3, -1]);
        assert_eq!(number.to_vec::<i32>().unwrap(), [4]);
        let (places, number) =
            boxes.reshape(&[6, 4]).unwrap().nms(&scores.reshape(&[6]).unwrap(), 0.5).unwrap();
        assert_eq!(places.to_vec::<i32>().unwrap(), [1, 2, 5, 0, 3, 4]);
        assert_eq!(number.to_vec::<i32>().unwrap(), [6]);

        let ports = [
            ("boxes", boxes.shape(), DType::F32),
            ("scores", scores.shape(), DType::F32),
            ("classes", classes.shape(), DType::I32),
        ];
        let graph = capture(&context, &ports, |x| {
            let (places, number) = x[0].batched_nms(&x[1], &x[2], &op)?;
            Ok::<_, tilewright::tensor::Error>(vec![
                ("places".to_owned(), places),
                ("number".to_owned(), number),
            ])
        });
        let compiled = Compiled::new(&graph.unwrap(), &Options::default()).unwrap();
        let results = compiled.run(&[&boxes, &scores, &classes]).unwrap();
        assert_eq!(results[0].to_vec::<i32>().unwrap(), [2, 5, 0, 3, -1]);
        assert_eq!(results[1].to_vec::<i32>().unwrap(), [4]);
    }
}
