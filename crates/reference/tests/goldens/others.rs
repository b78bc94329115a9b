//! Reductions, losses, movement and optimizers.

use tilewright_ops as ops;
use tilewright_ops::{ReduceOp, Reduction, SliceRange};
use tilewright_reference::{loss, movement, optimizer, reduction, softmax, sort};

use super::{number, run};

#[test]
fn reduction() {
    run("reduction", 60, |case, checks| {
        let (x, shape) = case.f32("x").unwrap();
        if let Some(op) = ReduceOp::ALL.into_iter().find(|op| op.name() == case.op) {
            let axes = case.counts("axes").unwrap();
            checks.shape(case, &op.output_shape(shape, &axes, case.flag("keepdim").unwrap()).unwrap());
            checks.close(case, "y", &reduction::reduce(op, x, shape, &axes));
            let grad_y = case.f32("grad_y").unwrap().0;
            checks.close(case, "grad_x", &reduction::reduce_backward(op, x, shape, &axes, grad_y));
            return;
        }
        match case.op.as_str() {
            "argmax" => {
                let axes = case.counts("axes").unwrap();
                checks.shape(case, &ops::argmax_shape(shape, &axes, false).unwrap());
                checks.equal(case, "y", &reduction::argmax(x, shape, &axes));
            }
            "softmax" => {
                let op = ops::Softmax { axis: case.count("axis").unwrap() };
                let y = softmax::softmax(op, x, shape);
                checks.close(case, "y", &y);
                let grad_y = case.f32("grad_y").unwrap().0;
                checks.close(case, "grad_x", &softmax::softmax_backward(op, &y, shape, grad_y));
            }
            "log_softmax" => {
                let op = ops::LogSoftmax { axis: case.count("axis").unwrap() };
                let y = softmax::log_softmax(op, x, shape);
                checks.close(case, "y", &y);
                let grad_y = case.f32("grad_y").unwrap().0;
                checks.close(case, "grad_x", &softmax::log_softmax_backward(op, &y, shape, grad_y));
            }
            other => panic!("{}: no operation {other}", case.name),
        }
    });
}

#[test]
fn sort() {
    run("sort", 24, |case, checks| {
        assert_eq!(case.op, "topk");
        let (x, shape) = case.f32("x").unwrap();
        let op = ops::TopK {
            k: case.count("k").unwrap(),
            axis: case.count("axis").unwrap(),
            largest: case.flag("largest").unwrap(),
        };
        checks.shape(case, &op.output_shape(shape).unwrap());
        let (y, indices) = sort::topk(op, x, shape);
        checks.close(case, "y", &y);
        checks.equal(case, "indices", &indices);
        let grad_y = case.f32("grad_y").unwrap().0;
        checks.close(case, "grad_x", &sort::topk_backward(op, shape, &indices, grad_y));
    });
}

#[test]
fn loss() {
    run("loss", 72, |case, checks| {
        assert_eq!(case.op, "cross_entropy");
        let reduction = case.parameters["reduction"].as_str().unwrap();
        let op = ops::CrossEntropy {
            label_smoothing: number(case, "label_smoothing"),
            ignore_index: case.number("ignore_index").ok().map(|index| index as i32),
            reduction: Reduction::ALL.into_iter().find(|kind| kind.name() == reduction).unwrap(),
        };
        let ((x, shape), (labels, label_shape)) = (case.f32("x").unwrap(), case.i32("target").unwrap());
        let weights = case.f32("weight").ok().map(|(weights, _)| weights);
        checks.shape(case, &op.output_shape(shape, label_shape).unwrap());
        checks.close(case, "y", &loss::cross_entropy(&op, x, shape, labels, weights));
        let grad_y = case.f32("grad_y").unwrap().0;
        checks.close(case, "grad_x", &loss::cross_entropy_backward(&op, x, shape, labels, weights, grad_y));
    });
}

#[test]
fn movement() {
    run("movement", 15, |case, checks| {
        let grad_y = case.f32("grad_y").unwrap().0;
        let y_shape = case.f32("y").unwrap().1;
        if case.op == "concat" {
            let axis = case.count("axis").unwrap();
            let operands: Vec<_> = (0..).map_while(|index| case.f32(&format!("x{index}")).ok()).collect();
            let shapes: Vec<_> = operands.iter().map(|&(_, shape)| shape).collect();
            checks.shape(case, &ops::concat_shape(&shapes, axis).unwrap());
            checks.close(case, "y", &movement::concat(&operands, axis));
            let mut start = 0;
            for (index, shape) in shapes.into_iter().enumerate() {
                let mut ranges: Vec<_> = y_shape.iter().map(|&extent| SliceRange::full(extent)).collect();
                ranges[axis] = SliceRange::new(start, start + shape[axis]);
                start += shape[axis];
                checks.close(case, &format!("grad_x{index}"), &movement::slice(grad_y, y_shape, &ranges));
            }
            return;
        }
        let (x, shape) = case.f32("x").unwrap();
        match case.op.as_str() {
            "permute" => {
                let axes = case.counts("axes").unwrap();
                checks.shape(case, &ops::permute_shape(shape, &axes).unwrap());
                checks.close(case, "y", &movement::permute(x, shape, &axes));
                let inverse: Vec<_> =
                    (0..axes.len()).map(|axis| axes.iter().position(|&from| from == axis).unwrap()).collect();
                checks.close(case, "grad_x", &movement::permute(grad_y, y_shape, &inverse));
            }
            "slice" => {
                let [starts, ends, steps] =
                    ["starts", "ends", "steps"].map(|name| case.counts(name).unwrap());
                let ranges: Vec<_> = (0..shape.len())
                    .map(|axis| SliceRange { start: starts[axis], end: ends[axis], step: steps[axis] })
                    .collect();
                checks.shape(case, &ops::slice_shape(shape, &ranges).unwrap());
                checks.close(case, "y", &movement::slice(x, shape, &ranges));
                checks.close(case, "grad_x", &movement::slice_backward(grad_y, shape, &ranges));
            }
            "resample" => {
                let aligned = case.parameters["align_corners"].as_bool().unwrap();
                let (interpolation, coordinates) = match case.parameters["mode"].as_str().unwrap() {
                    "nearest" => {
                        (ops::Interpolation::Nearest(ops::Rounding::Floor), ops::Coordinates::Asymmetric)
                    }
                    "bilinear" => (ops::Interpolation::Linear, ops::Coordinates::HalfPixel),
                    _ => (
                        ops::Interpolation::Cubic { a: -0.75, exclude_outside: false },
                        ops::Coordinates::HalfPixel,
                    ),
                };
                let coordinates = if aligned { ops::Coordinates::AlignCorners } else { coordinates };
                let size = case.pair("size").unwrap();
                let resize = ops::Resize2d { size, scale: None, interpolation, coordinates };
                let tables = resize.tables([shape[2], shape[3]]).unwrap();
                checks.close(case, "y", &movement::resample(x, shape, 2, &tables));
                let back = [tables[0].transposed(shape[2]), tables[1].transposed(shape[3])];
                checks.close(case, "grad_x", &movement::resample(grad_y, y_shape, 2, &back));
            }
            "pad" => {
                let (before, after) = (case.counts("before").unwrap(), case.counts("after").unwrap());
                let padding: Vec<_> = before.iter().copied().zip(after).collect();
                checks.shape(case, &ops::pad_shape(shape, &padding).unwrap());
                checks.close(case, "y", &movement::pad(x, shape, &padding, number(case, "value")));
                let inner: Vec<_> = shape
                    .iter()
                    .zip(&before)
                    .map(|(&extent, &before)| SliceRange::new(before, before + extent))
                    .collect();
                checks.close(case, "grad_x", &movement::slice(grad_y, y_shape, &inner));
            }
            "reshape" => {
                let to: Vec<_> = case.parameters["to"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|to| to.as_i64().unwrap() as isize)
                    .collect();
                checks.shape(case, &ops::reshape_shape(shape, &to).unwrap());
                checks.close(case, "y", x);
                checks.close(case, "grad_x", grad_y);
            }
            other => panic!("{}: no operation {other}", case.name),
        }
    });
}

#[test]
fn optimizer() {
    run("optimizer", 9, |case, checks| {
        let (gradients, shape) = case.f32("gradients").unwrap();
        let count = shape[1];
        let mut parameter = case.f32("parameter").unwrap().0.to_vec();
        let mut parameters = Vec::new();
        match case.op.as_str() {
            "sgd" => {
                let op = ops::Sgd {
                    lr: number(case, "lr"),
                    momentum: number(case, "momentum"),
                    dampening: number(case, "dampening"),
                    nesterov: case.flag("nesterov").unwrap(),
                    weight_decay: number(case, "weight_decay"),
                };
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
            "adamw" => {
                let op = ops::AdamW {
                    lr: number(case, "lr"),
                    beta1: number(case, "beta1"),
                    beta2: number(case, "beta2"),
                    eps: number(case, "eps"),
                    weight_decay: number(case, "weight_decay"),
                };
                let (mut first, mut second) = (vec![0.0; count], vec![0.0; count]);
                for (index, gradient) in gradients.chunks_exact(count).enumerate() {
                    let step = optimizer::adamw(&op, index as u32 + 1, &parameter, gradient, &first, &second);
                    (parameter, first, second) = (step.parameter, step.first, step.second);
                    parameters.extend_from_slice(&parameter);
                }
                checks.close(case, "first", &first);
                checks.close(case, "second", &second);
            }
            other => panic!("{}: no operation {other}", case.name),
        }
        checks.close(case, "parameters", &parameters);
    });
}
