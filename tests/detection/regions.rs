//! Means and maxima of the bins of regions, with their gradients.

use tilewright::{
    Context, DType, Tensor, Var, autograd,
    ops::{Gradient, Op, RoiAlign, RoiPool, ShapeError},
};
use tilewright_reference::{detection as reference, golden};

use crate::common::{Cases, close, contexts, contexts_for_numbers, limited_contexts, random};

/// Regions around and inside of images of `height` × `width`, of which every fifth stands the wrong way round or is nothing.
fn regions(seed: u64, count: usize, images: usize, [height, width]: [usize; 2], scale: f32) -> Vec<f32> {
    let numbers = random(seed, count * 4, 0.0, 1.0);
    let mut rois = Vec::new();
    for (at, four) in numbers.as_chunks::<4>().0.iter().enumerate() {
        let low = [four[0] * 1.2 - 0.2, four[1] * 1.2 - 0.2];
        let size = if at % 5 == 4 { [-0.1, 0.0] } else { [four[2], four[3]] };
        let high = [low[0] + size[0], low[1] + size[1]];
        rois.push((at % images) as f32);
        rois.extend([low[0] * width as f32, low[1] * height as f32].map(|corner| corner / scale));
        rois.extend([high[0] * width as f32, high[1] * height as f32].map(|corner| corner / scale));
    }
    rois
}

/// As [`close`], where NaN is NaN.
fn alike(found: &[f32], expected: &[f32], relative: f64, absolute: f64) -> Result<(), String> {
    let known = |values: &[f32]| values.iter().map(|&v| if v.is_nan() { 1e9 } else { v }).collect::<Vec<_>>();
    close(&known(found), &known(expected), relative, absolute)
}

/// Results and gradients as tensors give them, where memory holds something else before.
fn check(cases: &mut Cases, context: &Context, align: &RoiAlign, x_shape: [usize; 4], rois: &[f32]) {
    let name = format!("{align:?} of {x_shape:?}, {} regions, {:?}", rois.len() / 5, context.mode());
    let x = random(3, x_shape.iter().product(), -1.0, 1.0);
    let tensor = Tensor::from_slice(context, &x, &x_shape).unwrap();
    let by = Tensor::from_slice(context, rois, &[rois.len() / 5, 5]).unwrap();

    let y = tensor.roi_align(&by, align).unwrap();
    let expected = reference::roi_align(align, &x, x_shape, rois);
    // A place has the digits of its distance from 0, which a slope turns into an error.
    cases.check(&name, alike(&y.to_vec().unwrap(), &expected, 1e-5, 1e-5));
    let grad = random(4, y.count(), -1.0, 1.0);
    let grad_y = Tensor::from_slice(context, &grad, y.shape()).unwrap();
    let grad_x = Tensor::roi_align_backward(align, &x_shape, &by, &grad_y).unwrap();
    let expected = reference::roi_align_backward(align, x_shape, rois, &grad);
    cases.check(format!("gradient, {name}"), close(&grad_x.to_vec().unwrap(), &expected, 1e-4, 2e-5));

    let pool = RoiPool { output: align.output, spatial_scale: align.spatial_scale };
    let (y, indices) = tensor.roi_pool(&by, &pool).unwrap();
    let (expected, places) = reference::roi_pool(&pool, &x, x_shape, rois);
    let found = indices.to_vec::<i32>().unwrap();
    let outcome = alike(&y.to_vec().unwrap(), &expected, 0.0, 0.0);
    cases.check(format!("maximum, {name}"), outcome);
    let outcome = if found == places { Ok(()) } else { Err("other places") };
    cases.check(format!("places, {name}"), outcome);
    let grad_x = Tensor::roi_pool_backward(&pool, &x_shape, [&by, &indices], &grad_y).unwrap();
    // A sum of all bins, in the worst case.
    let absolute = 1e-5 + 8e-7 * ((grad.len() / x_shape[1].max(1)) as f64).sqrt();
    let expected = reference::roi_pool_backward(&pool, x_shape, rois, &places, &grad);
    cases.check(
        format!("gradient of maximum, {name}"),
        close(&grad_x.to_vec().unwrap(), &expected, 1e-5, absolute),
    );
    context.verify_retired().unwrap();
}

#[test]
fn channels_bins_and_samples() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (channels, output, ratio, aligned, scale) in [
            (1, [1, 1], 0, true, 1.0),
            (3, [2, 3], 0, false, 0.5),
            (4, [7, 7], 2, true, 0.25),
            (5, [3, 1], 1, false, 1.0),
            (8, [2, 5], 3, true, 0.5),
            (12, [14, 13], 0, true, 0.125),
        ] {
            let align = RoiAlign { output, spatial_scale: scale, sampling_ratio: ratio, aligned };
            for (images, size) in [(1, [1, 1]), (2, [9, 13]), (3, [17, 5])] {
                let rois = regions(channels as u64, 17, images, size, scale);
                check(&mut cases, &context, &align, [images, channels, size[0], size[1]], &rois);
            }
        }
    }
    cases.finish();
}

/// Bins of more samples, and more regions with more bins, than a thread of a software driver visits in one launch.
#[test]
fn several_launches() {
    let mut cases = Cases::new();
    for context in contexts_for_numbers() {
        let align = RoiAlign { output: [1, 1], spatial_scale: 1.0, sampling_ratio: 0, aligned: false };
        let rois = [[0.0, 0.2, 0.3, 2999.0, 49.0], [0.0, -1e5, -1e6, 1e5, 1e6], [0.0, 5.0, 45.0, 9.0, 48.0]];
        check(&mut cases, &context, &align, [1, 1, 50, 3000], &rois.concat());
        let align = RoiAlign { output: [40, 40], ..align };
        check(&mut cases, &context, &align, [2, 4, 9, 8], &regions(1, 90, 2, [9, 8], 1.0));
    }
    for context in limited_contexts(1 << 17) {
        let align = RoiAlign { output: [30, 30], spatial_scale: 1.0, sampling_ratio: 0, aligned: false };
        check(&mut cases, &context, &align, [2, 1, 20, 30], &regions(2, 30, 2, [20, 30], 1.0));
    }
    cases.finish();
}

/// Regions that are no number, of no image, endless or far away.
#[test]
fn hostile_regions() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let rois = [
        [nan, 0.0, 0.0, 2.0, 2.0],
        [0.0, nan, 0.0, 2.0, 2.0],
        [0.0, 0.0, 0.0, 2.0, nan],
        [0.0, 0.0, 0.0, inf, 2.0],
        [0.0, -inf, 0.0, 2.0, 2.0],
        [-1.0, 0.0, 0.0, 2.0, 2.0],
        [2.0, 0.0, 0.0, 2.0, 2.0],
        [1e20, 0.0, 0.0, 2.0, 2.0],
        [1.0, 1.0, 1.0, 3.0, 4.0],
        [1.0, 1e9, 1e9, 2e9, 2e9],
        [1.0, -1e4, -1e4, 1e4, 2e4],
        [1.0, 1e-40, 0.0, 1e-39, 1e-40],
        [1.0, -1.0, -1.0, -1.0, -1.0],
        [0.0, 5.0, 6.0, 5.0, 6.0],
    ]
    .concat();
    let mut cases = Cases::new();
    for context in contexts() {
        for aligned in [false, true] {
            for sampling_ratio in [0, 2] {
                let align = RoiAlign { output: [2, 2], spatial_scale: 1.0, sampling_ratio, aligned };
                check(&mut cases, &context, &align, [2, 4, 6, 5], &rois);
            }
        }
    }
    cases.finish();
}

/// Numbers of x that are none come out where a bin holds them, and infinities too; of a maximum NaN is the largest.
#[test]
fn hostile_images() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    for context in contexts_for_numbers() {
        let x = [1.0, nan, 3.0, 4.0, inf, 6.0, 7.0, 8.0, -inf];
        let tensor = Tensor::from_slice(&context, &x, &[1, 1, 3, 3]).unwrap();
        let rois = [[0.0, 0.0, 0.0, 2.0, 0.0], [0.0, 0.0, 1.0, 1.0, 2.0], [0.0, 2.0, 2.0, 2.0, 2.0]].concat();
        let by = Tensor::from_slice(&context, &rois, &[3, 5]).unwrap();
        let pool = RoiPool { output: [1, 1], spatial_scale: 1.0 };
        let (y, indices) = tensor.roi_pool(&by, &pool).unwrap();
        let y = y.to_vec::<f32>().unwrap();
        assert!(y[0].is_nan() && y[1..] == [inf, -inf], "{y:?}");
        assert_eq!(indices.to_vec::<i32>().unwrap(), [1, 4, 8]);
        let align = RoiAlign { output: [1, 1], spatial_scale: 1.0, sampling_ratio: 1, aligned: false };
        let y = tensor.roi_align(&by, &align).unwrap().to_vec::<f32>().unwrap();
        assert!(y[0].is_nan(), "{y:?}");
    }
}

#[test]
fn nothing() {
    for context in contexts_for_numbers() {
        let zeros = |shape: &[usize]| Tensor::ones(&context, shape).unwrap();
        let align = RoiAlign { output: [2, 3], spatial_scale: 1.0, sampling_ratio: 0, aligned: true };
        let pool = RoiPool { output: [2, 3], spatial_scale: 1.0 };
        for (x, count) in [([2, 3, 4, 5], 0), ([0, 3, 4, 5], 2), ([2, 0, 4, 5], 2)] {
            let rois = zeros(&[count, 5]);
            let y = zeros(&x).roi_align(&rois, &align).unwrap();
            assert_eq!(
                (y.shape(), y.to_vec::<f32>().unwrap()),
                (&[count, x[1], 2, 3][..], vec![0.0; y.count()])
            );
            let grad_x = Tensor::roi_align_backward(&align, &x, &rois, &y).unwrap();
            assert_eq!(grad_x.to_vec::<f32>().unwrap(), vec![0.0; x.iter().product()]);
            let (y, indices) = zeros(&x).roi_pool(&rois, &pool).unwrap();
            assert_eq!(indices.to_vec::<i32>().unwrap(), vec![-1; y.count()]);
            let grad_x = Tensor::roi_pool_backward(&pool, &x, [&rois, &indices], &y).unwrap();
            assert_eq!(grad_x.to_vec::<f32>().unwrap(), vec![0.0; x.iter().product()]);
        }
    }
}

#[test]
fn wrong_operands_are_typed_errors() {
    let context = crate::common::context();
    let zeros = |shape: &[usize]| Tensor::zeros(&context, shape).unwrap();
    let align = RoiAlign { output: [2, 3], spatial_scale: 1.0, sampling_ratio: 0, aligned: true };
    let pool = RoiPool { output: [2, 3], spatial_scale: 1.0 };
    let (x, rois) = (zeros(&[2, 3, 4, 5]), zeros(&[6, 5]));
    let shape = |error: tilewright::tensor::Error| matches!(error, tilewright::tensor::Error::Shape(_));
    assert!(shape(x.roi_align(&zeros(&[6, 4]), &align).unwrap_err()));
    assert!(shape(rois.roi_align(&rois, &align).unwrap_err()));
    assert!(shape(x.roi_pool(&zeros(&[5]), &pool).unwrap_err()));
    assert!(shape(Tensor::roi_align_backward(&align, &[2, 3, 4, 5], &rois, &x).unwrap_err()));
    assert!(shape(Tensor::roi_align_backward(&align, &[2, 3, 4], &rois, &x).unwrap_err()));
    assert!(x.roi_align(&rois.cast(DType::I32).unwrap(), &align).is_err());
    let wrong = RoiAlign { output: [0, 1], ..align };
    let error = Op::RoiAlign(wrong).output_shape(&[x.shape(), rois.shape()]);
    assert!(matches!(error, Err(ShapeError::Parameter { op: "roi_align", parameter: "output", .. })));
    let gradient = Op::Gradient(Gradient::RoiPool { op: pool, x_shape: [2, 3, 4, 5] });
    assert!(Tensor::run_one(&gradient, &[&rois, &zeros(&[6, 3, 2, 3]), &zeros(&[6, 3, 2, 3])]).is_err());
    // Corners have no gradient here.
    let (x, rois) = (Var::leaf(x), Var::leaf(rois));
    let error = Var::run(&Op::RoiAlign(align), &[&x, &rois]);
    assert!(matches!(error, Err(autograd::Error::NoGradient { op: "roi_align" })));
}

#[test]
fn torchvision_agrees() {
    let mut cases = Cases::new();
    let goldens = golden::family("detection").unwrap();
    for context in contexts_for_numbers() {
        for case in goldens.iter().filter(|case| case.op != "nms") {
            let tensor = |role: &str| {
                let (values, shape) = case.f32(role).unwrap();
                Tensor::from_slice(&context, values, shape).unwrap()
            };
            let (x, rois) = (Var::leaf(tensor("x")), tensor("rois"));
            let golden::Operation::Op(op) = case.operation().unwrap() else { panic!("{}", case.name) };
            let y = match op {
                Op::RoiAlign(op) => x.roi_align(&rois, &op).unwrap(),
                Op::RoiPool(op) => {
                    let (y, indices) = x.roi_pool(&rois, &op).unwrap();
                    let same = indices.to_vec::<i32>().unwrap() == case.i32("indices").unwrap().0;
                    let outcome = if same { Ok(()) } else { Err("other places") };
                    cases.check(format!("places of {}", case.name), outcome);
                    y
                }
                other => panic!("{}: {other:?}", case.name),
            };
            let found = y.tensor().to_vec().unwrap();
            cases.check(&case.name, close(&found, case.f32("y").unwrap().0, 1e-5, 1e-5));
            let gradients = y.backward_with(&tensor("grad_y")).unwrap();
            let found = gradients.get(&x).unwrap().to_vec().unwrap();
            let outcome = close(&found, case.f32("grad_x").unwrap().0, 1e-4, 1e-5);
            cases.check(format!("gradient of {}", case.name), outcome);
        }
    }
    cases.finish();
}
