//! Overlaps, offsets and anchors, which are composed of other operations, against torchvision.

use tilewright::{
    Context, Tensor, Var,
    autograd::{Error, GradientCheck, check_gradients},
    ops::{Reduction, ShapeError},
    tensor::composite::{
        boxes::{
            AnchorGenerator, BoxCoder, box_area, box_iou, clip_boxes_to_image, complete_box_iou,
            distance_box_iou, generalized_box_iou,
        },
        loss::{complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss},
    },
};
use tilewright_reference::golden::{self, Case};

use crate::common::{Cases, close, contexts_for_numbers};

const EPS: f32 = 1e-7;

fn run(case: &Case, a: &Var, b: &Var) -> Result<Var, Error> {
    let reduction = case.parameters["reduction"]
        .as_str()
        .map_or(Reduction::None, |name| Reduction::ALL.into_iter().find(|kind| kind.name() == name).unwrap());
    let numbers = |name: &str| -> Vec<f32> {
        let all = case.parameters[name].as_array().unwrap();
        all.iter().map(|number| number.as_f64().unwrap() as f32).collect()
    };
    let coder = || BoxCoder { weights: numbers("weights").try_into().unwrap(), ..BoxCoder::default() };
    match case.op.as_str() {
        "box_area" => box_area(a),
        "box_iou" => box_iou(a, b),
        "generalized_box_iou" => generalized_box_iou(a, b),
        "distance_box_iou" => distance_box_iou(a, b),
        "complete_box_iou" => complete_box_iou(a, b),
        "generalized_box_iou_loss" => generalized_box_iou_loss(a, b, EPS, reduction),
        "distance_box_iou_loss" => distance_box_iou_loss(a, b, EPS, reduction),
        "complete_box_iou_loss" => complete_box_iou_loss(a, b, EPS, reduction),
        "box_encode" => coder().encode(a, b),
        "box_decode" => coder().decode(a, b),
        "clip_boxes_to_image" => clip_boxes_to_image(a, numbers("size").try_into().unwrap()),
        other => panic!("{other}"),
    }
}

fn against_torchvision(case: &Case, context: &Context) -> Result<(), String> {
    let leaf = |role: &str| {
        let (values, shape) = case.f32(role).or_else(|_| case.f32("a")).unwrap();
        Var::leaf(Tensor::from_slice(context, values, shape).unwrap())
    };
    let (a, b) = (leaf("a"), leaf("b"));
    let y = run(case, &a, &b).map_err(|error| error.to_string())?;
    let (expected, shape) = case.f32("y").unwrap();
    if y.shape() != shape {
        return Err(format!("shape {:?}, expected {shape:?}", y.shape()));
    }
    close(&y.tensor().to_vec().unwrap(), expected, 1e-5, 1e-6)?;
    let (grad_y, shape) = case.f32("grad_y").unwrap();
    let gradients = y.backward_with(&Tensor::from_slice(context, grad_y, shape).unwrap());
    let gradients = gradients.map_err(|error| error.to_string())?;
    for (role, leaf) in [("grad_a", &a), ("grad_b", &b)] {
        if let Ok((expected, _)) = case.f32(role) {
            let found = gradients.get(leaf).ok_or("no gradient")?.to_vec().unwrap();
            close(&found, expected, 1e-4, 1e-5).map_err(|error| format!("{role}: {error}"))?;
        }
    }
    Ok(())
}

#[test]
fn torchvision_agrees() {
    let mut cases = Cases::new();
    let goldens = golden::family("boxes").unwrap();
    assert!(goldens.len() >= 19, "{} cases", goldens.len());
    for context in contexts_for_numbers() {
        for case in goldens.iter().filter(|case| case.op != "anchors") {
            cases.check(&case.name, against_torchvision(case, &context));
        }
    }
    cases.finish();
}

#[test]
fn anchors() {
    let context = crate::common::context();
    let goldens = golden::family("boxes").unwrap();
    let case = goldens.iter().find(|case| case.op == "anchors").unwrap();
    let lists = |name: &str| -> Vec<Vec<f32>> {
        let all = case.parameters[name].as_array().unwrap();
        let numbers = |list: &serde_json::Value| {
            list.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
        };
        all.iter().map(numbers).collect()
    };
    let made = AnchorGenerator { sizes: lists("sizes"), aspect_ratios: lists("ratios") };
    let grids: Vec<[usize; 2]> =
        lists("grids").iter().map(|grid| [grid[0] as usize, grid[1] as usize]).collect();
    let found = made.anchors(&context, case.pair("image").unwrap(), &grids).unwrap();
    let (expected, shape) = case.f32("y").unwrap();
    assert_eq!((found.shape(), &found.to_vec::<f32>().unwrap()[..]), (shape, expected));
    let parameter =
        |error| matches!(error, Err(tilewright::tensor::Error::Shape(ShapeError::Parameter { .. })));
    assert!(parameter(made.anchors(&context, [75, 100], &grids[1..])));
    assert!(parameter(made.anchors(&context, [75, 100], &[[5, 7], [0, 3], [1, 2]])));
    let wrong = AnchorGenerator { sizes: vec![vec![f32::NAN]], aspect_ratios: vec![vec![1.0]] };
    assert!(parameter(wrong.anchors(&context, [75, 100], &[[1, 1]])));
}

/// What is encoded is decoded again, and finite differences agree with the gradients.
#[test]
fn offsets_go_there_and_back() {
    let context = crate::common::context();
    let boxes = |corners: &[f32]| Tensor::from_slice(&context, corners, &[2, 4]).unwrap();
    let (a, b) =
        (boxes(&[1.0, 2.0, 4.0, 7.0, 0.0, 1.0, 3.0, 2.5]), boxes(&[2.0, 1.0, 5.0, 5.0, 1.5, 0.0, 3.0, 2.0]));
    let coder = BoxCoder { weights: [10.0, 10.0, 5.0, 5.0], ..BoxCoder::default() };
    let again = coder.decode(&coder.encode(&a, &b).unwrap(), &b).unwrap();
    assert_eq!(again.shape(), [2, 1, 4]);
    close(&again.to_vec().unwrap(), &a.to_vec().unwrap(), 1e-5, 1e-5).unwrap();
    let inputs = [&a, &b].map(|boxes| (boxes.to_vec().unwrap(), vec![2, 4]));
    check_gradients(&context, &inputs, GradientCheck::default(), |v| {
        distance_box_iou_loss(&v[0], &v[1], EPS, Reduction::Sum)
    })
    .unwrap();
}

/// Boxes without an area and what is no number: NaN where torchvision has it, and no gradient is invented.
#[test]
fn hostile_boxes() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    for context in contexts_for_numbers() {
        let boxes = [
            [0.0, 0.0, 2.0, 2.0],
            [1.0; 4],
            [nan, 0.0, 1.0, 1.0],
            [0.0, 0.0, inf, 1.0],
            [2.0, 2.0, 0.0, 0.0],
        ];
        let boxes = Tensor::from_slice(&context, &boxes.concat(), &[5, 4]).unwrap();
        let found = box_iou(&boxes, &boxes).unwrap().to_vec::<f32>().unwrap();
        let none: Vec<usize> = (0..25).filter(|&at| found[at].is_nan()).collect();
        assert_eq!(none, [2, 6, 7, 10, 11, 12, 13, 14, 17, 18, 22], "{found:?}");
        assert_eq!((found[0], found[1], found[3], found[24]), (1.0, 0.0, 0.0, 0.0));
        let held = clip_boxes_to_image(&boxes, [1.5, 1.0]).unwrap().to_vec::<f32>().unwrap();
        assert!(held[8].is_nan() && held[14] == 1.0 && held[..4] == [0.0, 0.0, 1.0, 1.5], "{held:?}");
        // Nothing is nothing.
        let empty = Tensor::zeros(&context, &[0, 4]).unwrap();
        assert_eq!(box_iou(&empty, &boxes).unwrap().shape(), [0, 5]);
        assert_eq!(
            BoxCoder::default().decode(&Tensor::zeros(&context, &[0, 8]).unwrap(), &empty).unwrap().shape(),
            [0, 2, 4]
        );
        assert_eq!(clip_boxes_to_image(&empty, [1.0, 1.0]).unwrap().shape(), [0, 4]);
    }
}

#[test]
fn wrong_operands_are_typed_errors() {
    let context = crate::common::context();
    let zeros = |shape: &[usize]| Tensor::zeros(&context, shape).unwrap();
    let (boxes, other) = (zeros(&[3, 4]), zeros(&[2, 4]));
    let shape = |error: Result<Tensor, tilewright::tensor::Error>| {
        assert!(matches!(error, Err(tilewright::tensor::Error::Shape(_))));
    };
    shape(box_area(&zeros(&[3, 5])));
    shape(box_iou(&boxes, &zeros(&[4])));
    shape(complete_box_iou_loss(&boxes, &other, EPS, Reduction::Mean));
    shape(generalized_box_iou_loss(&boxes, &boxes, -1.0, Reduction::Mean));
    shape(BoxCoder::default().encode(&boxes, &other));
    shape(BoxCoder::default().decode(&zeros(&[3, 6]), &boxes));
    shape(BoxCoder { weights: [0.0; 4], ..BoxCoder::default() }.encode(&boxes, &boxes));
    shape(clip_boxes_to_image(&zeros(&[3, 5]), [1.0, 1.0]));
    shape(clip_boxes_to_image(&boxes, [f32::NAN, 1.0]));
}
