//! Products, convolutions, poolings and normalisation.

use tilewright_ops::{BatchNorm, Conv2d, ConvTranspose2d, Op};
use tilewright_reference::{
    convolution,
    golden::{Case, Operation},
    matmul, normalization, pooling,
};

use super::{Checks, four, grad_y, operands, run};

#[test]
fn products() {
    run("matmul", 30, |case, checks| {
        let operands = operands(case);
        let ((a, a_shape), (b, b_shape)) = (operands[0], operands[1]);
        match case.operation().unwrap() {
            Operation::Linear => {
                let bias = operands.get(2).map(|(bias, _)| *bias);
                let (a_shape, b_shape) = (a_shape.try_into().unwrap(), b_shape.try_into().unwrap());
                checks.close(case, "y", &matmul::linear(a, a_shape, b, b_shape, bias));
                let (grad_x, grad_weight, grad_bias) =
                    matmul::linear_backward(a, a_shape, b, b_shape, grad_y(case));
                checks.close(case, "grad_x", &grad_x);
                checks.close(case, "grad_weight", &grad_weight);
                if bias.is_some() {
                    checks.close(case, "grad_bias", &grad_bias);
                }
            }
            Operation::Op(Op::MatMul { op, .. }) => {
                checks.shape(case, &op.output_shape(a_shape, b_shape).unwrap());
                checks.close(case, "y", &matmul::matmul(op, a, a_shape, b, b_shape));
                let (grad_a, grad_b) = matmul::matmul_backward(op, a, a_shape, b, b_shape, grad_y(case));
                checks.close(case, "grad_left", &grad_a);
                checks.close(case, "grad_right", &grad_b);
            }
            other => panic!("{}: {other:?}", case.name),
        }
    });
}

#[test]
fn convolutions() {
    run("convolution", 18, |case, checks| match case.operation().unwrap() {
        Operation::Im2col { op, kernel } => {
            let (x, x_shape) = case.f32("x").unwrap();
            let x_shape = four(x_shape);
            let (columns, shape) = convolution::im2col(&op, x, x_shape, kernel);
            checks.shape(case, &shape);
            checks.close(case, "y", &columns);
            checks.close(case, "grad_x", &convolution::col2im(&op, grad_y(case), x_shape, kernel));
        }
        Operation::Op(Op::ConvTranspose2d(op)) => transposed(case, checks, &op),
        Operation::Op(Op::Conv2d { op, .. }) => {
            let operands = operands(case);
            let ((x, x_shape), (weight, w_shape)) = (operands[0], operands[1]);
            let (x_shape, w_shape) = (four(x_shape), four(w_shape));
            let bias = operands.get(2).map(|(bias, _)| *bias);
            let y_shape = op.output_shape(x_shape, w_shape).unwrap();
            checks.shape(case, &y_shape);
            checks.close(case, "y", &convolution::conv2d(&op, x, x_shape, weight, w_shape, bias));
            let grad_y = grad_y(case);
            let grad_x = convolution::conv2d_backward_input(&op, grad_y, x_shape, weight, w_shape);
            checks.close(case, "grad_x", &grad_x);
            let grad_weight = convolution::conv2d_backward_weight(&op, grad_y, x, x_shape, w_shape);
            checks.close(case, "grad_weight", &grad_weight);
            if bias.is_some() {
                checks.close(case, "grad_bias", &convolution::conv2d_backward_bias(grad_y, y_shape));
            }
        }
        other => panic!("{}: {other:?}", case.name),
    });
}

fn transposed(case: &Case, checks: &mut Checks, op: &ConvTranspose2d) {
    let operands = operands(case);
    let ((x, x_shape), (weight, w_shape)) = (operands[0], operands[1]);
    let (x_shape, w_shape) = (four(x_shape), four(w_shape));
    let y_shape = op.output_shape(x_shape, w_shape).unwrap();
    checks.shape(case, &y_shape);
    let mut y = convolution::conv_transpose2d(op, x, x_shape, weight, w_shape);
    if let Some((bias, _)) = operands.get(2) {
        let plane = y_shape[2] * y_shape[3];
        y.iter_mut().enumerate().for_each(|(at, y)| *y += bias[at / plane % bias.len()]);
    }
    checks.close(case, "y", &y);
    // The way back is the convolution.
    let ConvTranspose2d { stride, padding, dilation, groups, .. } = *op;
    let back = Conv2d { stride, padding, dilation, groups };
    let grad_y = grad_y(case);
    let grad_x = convolution::conv2d(&back, grad_y, y_shape, weight, w_shape, None);
    checks.close(case, "grad_x", &grad_x);
    let grad_weight = convolution::conv2d_backward_weight(&back, x, grad_y, y_shape, w_shape);
    checks.close(case, "grad_weight", &grad_weight);
}

#[test]
fn poolings() {
    run("pooling", 50, |case, checks| {
        let (x, x_shape) = case.f32("x").unwrap();
        let x_shape = four(x_shape);
        let grad_y = grad_y(case);
        let Operation::Op(op) = case.operation().unwrap() else { panic!("{}", case.name) };
        checks.shape(case, &op.output_shape(&[&x_shape]).unwrap());
        match op {
            Op::AdaptiveAvgPool2d(pool) => {
                checks.close(case, "y", &pooling::adaptive_avg_pool2d(pool, x, x_shape));
                checks.close(case, "grad_x", &pooling::adaptive_avg_pool2d_backward(pool, grad_y, x_shape));
            }
            Op::MaxPool2d { pool, .. } => {
                let (y, indices) = pooling::max_pool2d(&pool, x, x_shape);
                checks.close(case, "y", &y);
                checks.equal(case, "indices", &indices);
                checks.close(case, "grad_x", &pooling::max_pool2d_backward(&pool, grad_y, &indices, x_shape));
            }
            Op::AvgPool2d(pool) => {
                checks.close(case, "y", &pooling::avg_pool2d(&pool, x, x_shape));
                checks.close(case, "grad_x", &pooling::avg_pool2d_backward(&pool, grad_y, x_shape));
            }
            Op::SumPool2d(pool) => {
                checks.close(case, "y", &pooling::sum_pool2d(&pool, x, x_shape));
                checks.close(case, "grad_x", &pooling::sum_pool2d_backward(&pool, grad_y, x_shape));
            }
            other => panic!("{}: {other:?}", case.name),
        }
    });
}

#[test]
fn batch_norm() {
    run("normalization", 8, |case, checks| {
        let (_, shape) = case.f32("x").unwrap();
        let values: Vec<_> = operands(case).into_iter().map(|(values, _)| values).collect();
        let [x, weight, bias, mean, variance] = values[..] else { panic!("{}", case.name) };
        let train = |norm: BatchNorm, checks: &mut Checks| {
            let result = normalization::batch_norm_train(&norm, x, shape, weight, bias, mean, variance);
            checks.close(case, "y", &result.output);
            checks.close(case, "mean", &result.mean);
            checks.close(case, "var", &result.variance);
            checks.close(case, "new_running_mean", &result.running_mean);
            checks.close(case, "new_running_var", &result.running_variance);
            normalization::batch_norm_train_backward(&norm, x, shape, weight, grad_y(case))
        };
        let gradients = match case.operation().unwrap() {
            Operation::BatchNormTrain(norm) => train(norm, checks),
            Operation::Op(Op::BatchNorm { op, .. }) => {
                let y = normalization::batch_norm_eval(&op, x, shape, weight, bias, mean, variance);
                checks.close(case, "y", &y);
                normalization::batch_norm_eval_backward(&op, x, shape, weight, mean, variance, grad_y(case))
            }
            other => panic!("{}: {other:?}", case.name),
        };
        checks.close(case, "grad_x", &gradients.x);
        checks.close(case, "grad_weight", &gradients.weight);
        checks.close(case, "grad_bias", &gradients.bias);
    });
}
