//! Reductions, losses, movement and optimizers.

use tilewright_ops::{Nms, Op, SliceRange, reshape_shape};
use tilewright_reference::{
    cumsum, detection,
    golden::{Case, Operation},
    loss, movement, optimizer, quantized, reduction, softmax, sort,
};

use super::{Checks, four, grad_y, operands, run};

#[test]
fn reductions() {
    run("reduction", 60, |case, checks| {
        let (x, shape) = case.f32("x").unwrap();
        let Operation::Op(op) = case.operation().unwrap() else { panic!("{}", case.name) };
        checks.shape(case, &op.output_shape(&[shape]).unwrap());
        match op {
            Op::Reduce { op, axes, .. } => {
                checks.close(case, "y", &reduction::reduce(op, x, shape, &axes));
                let grad_x = reduction::reduce_backward(op, x, shape, &axes, grad_y(case));
                checks.close(case, "grad_x", &grad_x);
            }
            Op::Argmax { axes, .. } => checks.equal(case, "y", &reduction::argmax(x, shape, &axes)),
            Op::Softmax(op) => {
                let y = softmax::softmax(op, x, shape);
                checks.close(case, "y", &y);
                checks.close(case, "grad_x", &softmax::softmax_backward(op, &y, shape, grad_y(case)));
            }
            Op::LogSoftmax(op) => {
                let y = softmax::log_softmax(op, x, shape);
                checks.close(case, "y", &y);
                checks.close(case, "grad_x", &softmax::log_softmax_backward(op, &y, shape, grad_y(case)));
            }
            Op::CumSum(op) => {
                checks.close(case, "y", &cumsum::cumsum(op, x, shape));
                checks.close(case, "grad_x", &cumsum::cumsum_backward(op, shape, grad_y(case)));
            }
            other => panic!("{}: {other:?}", case.name),
        }
    });
}

#[test]
fn sorts() {
    run("sort", 24, |case, checks| {
        let (x, shape) = case.f32("x").unwrap();
        let Operation::Op(Op::TopK(op)) = case.operation().unwrap() else { panic!("{}", case.name) };
        checks.shape(case, &op.output_shape(shape).unwrap());
        let (y, indices) = sort::topk(op, x, shape);
        checks.close(case, "y", &y);
        checks.equal(case, "indices", &indices);
        checks.close(case, "grad_x", &sort::topk_backward(op, shape, &indices, grad_y(case)));
    });
}

#[test]
fn fake_quantisation() {
    run("quantized", 8, |case, checks| {
        let ((x, shape), (scale, _)) = (case.f32("x").unwrap(), case.f32("scale").unwrap());
        let (zero, _) = case.i32("zero_point").unwrap();
        let Operation::Op(Op::FakeQuantize(op)) = case.operation().unwrap() else { panic!("{}", case.name) };
        checks.close(case, "y", &quantized::fake_quantize(&op, x, shape, scale, zero));
        let (grad_x, each) = quantized::fake_quantize_backward(&op, x, shape, scale, zero, grad_y(case));
        checks.close(case, "grad_x", &grad_x);
        let mut grad_scale = vec![0.0; scale.len()];
        for (at, each) in each.into_iter().enumerate() {
            let inner = op.axis.map_or(x.len(), |axis| shape[axis + 1..].iter().product());
            grad_scale[at / inner % scale.len()] += f64::from(each);
        }
        // PyTorch sums in f32.
        let grad_scale: Vec<f32> = grad_scale.into_iter().map(|sum| sum as f32).collect();
        checks.near(case, "grad_scale", &grad_scale, 1e-4);
    });
}

#[test]
fn losses() {
    run("loss", 72, |case, checks| {
        let Operation::CrossEntropy(op) = case.operation().unwrap() else { panic!("{}", case.name) };
        let ((x, shape), (labels, label_shape)) = (case.f32("x").unwrap(), case.i32("target").unwrap());
        let weights = case.f32("weight").ok().map(|(weights, _)| weights);
        checks.shape(case, &op.output_shape(shape, label_shape).unwrap());
        checks.close(case, "y", &loss::cross_entropy(&op, x, shape, labels, weights));
        let grad_x = loss::cross_entropy_backward(&op, x, shape, labels, weights, grad_y(case));
        checks.close(case, "grad_x", &grad_x);
    });
}

#[test]
fn movements() {
    run("movement", 15, |case, checks| {
        let (grad_y, y_shape) = (grad_y(case), case.f32("y").unwrap().1);
        let operands = operands(case);
        let (x, shape) = operands[0];
        let op = match case.operation().unwrap() {
            Operation::Reshape(to) => {
                checks.shape(case, &reshape_shape(shape, &to).unwrap());
                checks.close(case, "y", x);
                checks.close(case, "grad_x", grad_y);
                return;
            }
            Operation::Resize(resize) => {
                let tables = resize.tables([shape[2], shape[3]]).unwrap();
                checks.close(case, "y", &movement::resample(x, shape, 2, &tables));
                let back = [tables[0].transposed(shape[2]), tables[1].transposed(shape[3])];
                checks.close(case, "grad_x", &movement::resample(grad_y, y_shape, 2, &back));
                return;
            }
            Operation::Op(op) => op,
            other => panic!("{}: {other:?}", case.name),
        };
        let shapes: Vec<_> = operands.iter().map(|&(_, shape)| shape).collect();
        checks.shape(case, &op.output_shape(&shapes).unwrap());
        match op {
            Op::Concat { axis } => {
                checks.close(case, "y", &movement::concat(&operands, axis));
                let mut start = 0;
                for (index, shape) in shapes.into_iter().enumerate() {
                    let mut ranges: Vec<_> = y_shape.iter().map(|&extent| SliceRange::full(extent)).collect();
                    ranges[axis] = SliceRange::new(start, start + shape[axis]);
                    start += shape[axis];
                    let gradient = movement::slice(grad_y, y_shape, &ranges);
                    checks.close(case, &format!("grad_x{index}"), &gradient);
                }
            }
            Op::Permute(axes) => {
                checks.close(case, "y", &movement::permute(x, shape, &axes));
                let inverse: Vec<_> =
                    (0..axes.len()).map(|axis| axes.iter().position(|&from| from == axis).unwrap()).collect();
                checks.close(case, "grad_x", &movement::permute(grad_y, y_shape, &inverse));
            }
            Op::Slice(ranges) => {
                checks.close(case, "y", &movement::slice(x, shape, &ranges));
                checks.close(case, "grad_x", &movement::slice_backward(grad_y, shape, &ranges));
            }
            Op::Pad { padding, value } => {
                checks.close(case, "y", &movement::pad(x, shape, &padding, value));
                let inner: Vec<_> = shape
                    .iter()
                    .zip(&padding)
                    .map(|(&extent, &(before, _))| SliceRange::new(before, before + extent))
                    .collect();
                checks.close(case, "grad_x", &movement::slice(grad_y, y_shape, &inner));
            }
            other => panic!("{}: {other:?}", case.name),
        }
    });
}

#[test]
fn optimizers() {
    run("optimizer", 22, |case, checks| {
        let (gradients, shape) = case.f32("gradients").unwrap();
        let count = shape[1];
        let mut parameter = case.f32("parameter").unwrap().0.to_vec();
        let mut parameters = Vec::new();
        match case.operation().unwrap() {
            Operation::Sgd(op) => {
                let mut buffer: Option<Vec<f32>> = None;
                for gradient in gradients.chunks_exact(count) {
                    (parameter, buffer) = optimizer::sgd(&op, &parameter, gradient, buffer.as_deref());
                    parameters.extend_from_slice(&parameter);
                }
                assert_eq!(buffer.is_some(), case.has("buffer"), "{}", case.name);
                if let Some(buffer) = buffer {
                    checks.close(case, "buffer", &buffer);
                }
            }
            Operation::AdamW(op) => {
                let (mut first, mut second) = (vec![0.0; count], vec![0.0; count]);
                for (index, gradient) in gradients.chunks_exact(count).enumerate() {
                    let step = optimizer::adamw(&op, index as u32 + 1, &parameter, gradient, &first, &second);
                    (parameter, first, second) = (step.parameter, step.first, step.second);
                    parameters.extend_from_slice(&parameter);
                }
                checks.close(case, "first", &first);
                checks.close(case, "second", &second);
            }
            Operation::Lamb(op) => {
                let (mut first, mut second) = (vec![0.0; count], vec![0.0; count]);
                for (index, gradient) in gradients.chunks_exact(count).enumerate() {
                    let step = optimizer::lamb(&op, index as u32 + 1, &parameter, gradient, &first, &second);
                    (parameter, first, second) = (step.parameter, step.first, step.second);
                    parameters.extend_from_slice(&parameter);
                }
                checks.close(case, "first", &first);
                checks.close(case, "second", &second);
            }
            Operation::Adam(op) => {
                let [first, second, largest] = [(); 3].map(|()| vec![0.0; count]);
                let mut now = optimizer::AdamStep { parameter, first, second, largest };
                for (index, gradient) in gradients.chunks_exact(count).enumerate() {
                    now = optimizer::adam(&op, index as u32 + 1, &now, gradient);
                    parameters.extend_from_slice(&now.parameter);
                }
                checks.close(case, "first", &now.first);
                checks.close(case, "second", &now.second);
                assert_eq!(op.amsgrad, case.has("largest"), "{}", case.name);
                if op.amsgrad {
                    checks.close(case, "largest", &now.largest);
                }
            }
            Operation::RmsProp(op) => {
                let [square, mean, buffer] = [(); 3].map(|()| vec![0.0; count]);
                let mut now = optimizer::RmsPropStep { parameter, square, mean, buffer };
                for gradient in gradients.chunks_exact(count) {
                    now = optimizer::rmsprop(&op, &now, gradient);
                    parameters.extend_from_slice(&now.parameter);
                }
                checks.close(case, "square", &now.square);
                let others = [("mean", &now.mean, op.centered), ("buffer", &now.buffer, op.momentum != 0.0)];
                for (role, values, kept) in others {
                    assert_eq!(kept, case.has(role), "{}", case.name);
                    if kept {
                        checks.close(case, role, values);
                    }
                }
            }
            other => panic!("{}: {other:?} is no optimizer", case.name),
        }
        checks.close(case, "parameters", &parameters);
    });
}

#[test]
fn boxes_and_regions() {
    run("detection", 70, |case, checks| {
        let Operation::Op(op) = case.operation().unwrap() else { panic!("{}", case.name) };
        match op {
            Op::Nms(op) => suppression(op, case, checks),
            Op::RoiAlign(op) => {
                let ((x, shape), rois) = (case.f32("x").unwrap(), case.f32("rois").unwrap().0);
                checks.near(case, "y", &detection::roi_align(&op, x, four(shape), rois), 1e-4);
                let grad_x = detection::roi_align_backward(&op, four(shape), rois, grad_y(case));
                checks.near(case, "grad_x", &grad_x, 1e-4);
            }
            Op::RoiPool(op) => {
                let ((x, shape), rois) = (case.f32("x").unwrap(), case.f32("rois").unwrap().0);
                let (y, indices) = detection::roi_pool(&op, x, four(shape), rois);
                checks.close(case, "y", &y);
                checks.equal(case, "indices", &indices);
                let grad_x = detection::roi_pool_backward(&op, four(shape), rois, &indices, grad_y(case));
                checks.close(case, "grad_x", &grad_x);
            }
            other => panic!("{}: {other:?}", case.name),
        }
    });
}

/// The golden has boxes in any order, and the places of those that are kept, best first.
fn suppression(op: Nms, case: &Case, checks: &mut Checks) {
    let ((boxes, shape), scores) = (case.f32("boxes").unwrap(), case.f32("scores").unwrap().0);
    let (classes, count) = (case.i32("classes").unwrap().0, shape[1]);
    let mut places = Vec::new();
    for first in (0..scores.len()).step_by(count) {
        let mut order: Vec<usize> = (first..first + count).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let sorted: Vec<f32> = order.iter().flat_map(|&at| boxes[at * 4..][..4].to_vec()).collect();
        let classes: Vec<i32> = order.iter().map(|&at| classes[at]).collect();
        let keep = detection::nms(op, &sorted, &[1, count, 4], &classes);
        let kept = order.iter().zip(keep).filter(|(_, keep)| *keep == 1);
        places.extend(kept.map(|(&at, _)| (at - first) as i32));
        places.resize(first + count, -1);
    }
    checks.equal(case, "places", &places);
}
