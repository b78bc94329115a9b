//! Products, convolutions, poolings and normalisation.

use tilewright_ops as ops;
use tilewright_ops::PoolKind;
use tilewright_reference::{convolution, matmul, normalization, pooling};

use super::{four, number, run};

#[test]
fn matmul() {
    run("matmul", 30, |case, checks| {
        let grad_y = case.f32("grad_y").unwrap().0;
        if case.op == "linear" {
            let ((x, x_shape), (weight, weight_shape)) =
                (case.f32("x").unwrap(), case.f32("weight").unwrap());
            let bias = case.f32("bias").ok().map(|(bias, _)| bias);
            let (x_shape, weight_shape) = (x_shape.try_into().unwrap(), weight_shape.try_into().unwrap());
            checks.close(case, "y", &matmul::linear(x, x_shape, weight, weight_shape, bias));
            let (grad_x, grad_weight, grad_bias) =
                matmul::linear_backward(x, x_shape, weight, weight_shape, grad_y);
            checks.close(case, "grad_x", &grad_x);
            checks.close(case, "grad_weight", &grad_weight);
            if bias.is_some() {
                checks.close(case, "grad_bias", &grad_bias);
            }
            return;
        }
        assert_eq!(case.op, "matmul");
        let op = ops::MatMul {
            transpose_left: case.flag("transpose_left").unwrap(),
            transpose_right: case.flag("transpose_right").unwrap(),
        };
        let ((a, a_shape), (b, b_shape)) = (case.f32("left").unwrap(), case.f32("right").unwrap());
        checks.shape(case, &op.output_shape(a_shape, b_shape).unwrap());
        checks.close(case, "y", &matmul::matmul(op, a, a_shape, b, b_shape));
        let (grad_a, grad_b) = matmul::matmul_backward(op, a, a_shape, b, b_shape, grad_y);
        checks.close(case, "grad_left", &grad_a);
        checks.close(case, "grad_right", &grad_b);
    });
}

#[test]
fn convolution() {
    run("convolution", 18, |case, checks| {
        let op = ops::Conv2d {
            stride: case.pair("stride").unwrap(),
            padding: case.pair("padding").unwrap(),
            dilation: case.pair("dilation").unwrap(),
            groups: case.count("groups").unwrap(),
        };
        let (x, x_shape) = case.f32("x").unwrap();
        let x_shape = four(x_shape);
        let grad_y = case.f32("grad_y").unwrap().0;
        if case.op == "im2col" {
            let kernel = case.pair("kernel").unwrap();
            let (columns, shape) = convolution::im2col(&op, x, x_shape, kernel);
            checks.shape(case, &shape);
            checks.close(case, "y", &columns);
            checks.close(case, "grad_x", &convolution::col2im(&op, grad_y, x_shape, kernel));
            return;
        }
        if case.op == "conv_transpose2d" {
            let transposed = ops::ConvTranspose2d {
                stride: op.stride,
                padding: op.padding,
                output_padding: case.pair("output_padding").unwrap(),
                dilation: op.dilation,
                groups: op.groups,
            };
            let (weight, weight_shape) = case.f32("weight").unwrap();
            let weight_shape = four(weight_shape);
            let y_shape = transposed.output_shape(x_shape, weight_shape).unwrap();
            checks.shape(case, &y_shape);
            let mut y = convolution::conv_transpose2d(&transposed, x, x_shape, weight, weight_shape);
            if let Ok((bias, _)) = case.f32("bias") {
                let plane = y_shape[2] * y_shape[3];
                y.iter_mut().enumerate().for_each(|(at, y)| *y += bias[at / plane % bias.len()]);
            }
            checks.close(case, "y", &y);
            // The way back is the convolution.
            let grad_x = convolution::conv2d(&op, grad_y, y_shape, weight, weight_shape, None);
            checks.close(case, "grad_x", &grad_x);
            let grad_weight = convolution::conv2d_backward_weight(&op, x, grad_y, y_shape, weight_shape);
            checks.close(case, "grad_weight", &grad_weight);
            return;
        }
        assert_eq!(case.op, "conv2d");
        let (weight, weight_shape) = case.f32("weight").unwrap();
        let weight_shape = four(weight_shape);
        let bias = case.f32("bias").ok().map(|(bias, _)| bias);
        let y_shape = op.output_shape(x_shape, weight_shape).unwrap();
        checks.shape(case, &y_shape);
        checks.close(case, "y", &convolution::conv2d(&op, x, x_shape, weight, weight_shape, bias));
        let grad_x = convolution::conv2d_backward_input(&op, grad_y, x_shape, weight, weight_shape);
        checks.close(case, "grad_x", &grad_x);
        let grad_weight = convolution::conv2d_backward_weight(&op, grad_y, x, x_shape, weight_shape);
        checks.close(case, "grad_weight", &grad_weight);
        if bias.is_some() {
            checks.close(case, "grad_bias", &convolution::conv2d_backward_bias(grad_y, y_shape));
        }
    });
}

#[test]
fn pooling() {
    run("pooling", 50, |case, checks| {
        let (x, x_shape) = case.f32("x").unwrap();
        let x_shape = four(x_shape);
        let grad_y = case.f32("grad_y").unwrap().0;
        if case.op == "adaptive_avg_pool2d" {
            let pool = ops::AdaptiveAvgPool2d { output: case.pair("output").unwrap() };
            checks.shape(case, &pool.output_shape(x_shape).unwrap());
            checks.close(case, "y", &pooling::adaptive_avg_pool2d(pool, x, x_shape));
            checks.close(case, "grad_x", &pooling::adaptive_avg_pool2d_backward(pool, grad_y, x_shape));
            return;
        }
        let pool = ops::Pool2d {
            kernel: case.pair("kernel").unwrap(),
            stride: case.pair("stride").unwrap(),
            padding: case.pair("padding").unwrap(),
            dilation: case.pair("dilation").unwrap(),
            ceil_mode: case.flag("ceil_mode").unwrap(),
            count_include_pad: case.flag("count_include_pad").unwrap(),
            divisor_override: case.count("divisor_override").ok(),
        };
        checks.shape(case, &pool.output_shape(x_shape).unwrap());
        match PoolKind::ALL.into_iter().find(|kind| kind.name() == case.op).unwrap() {
            PoolKind::Max => {
                let (y, indices) = pooling::max_pool2d(&pool, x, x_shape);
                checks.close(case, "y", &y);
                checks.equal(case, "indices", &indices);
                checks.close(case, "grad_x", &pooling::max_pool2d_backward(&pool, grad_y, &indices, x_shape));
            }
            PoolKind::Average => {
                checks.close(case, "y", &pooling::avg_pool2d(&pool, x, x_shape));
                checks.close(case, "grad_x", &pooling::avg_pool2d_backward(&pool, grad_y, x_shape));
            }
            PoolKind::Sum => {
                checks.close(case, "y", &pooling::sum_pool2d(&pool, x, x_shape));
                checks.close(case, "grad_x", &pooling::sum_pool2d_backward(&pool, grad_y, x_shape));
            }
        }
    });
}

#[test]
fn normalization() {
    run("normalization", 8, |case, checks| {
        assert_eq!(case.op, "batch_norm");
        let norm = ops::BatchNorm { eps: number(case, "eps"), momentum: number(case, "momentum") };
        let (x, shape) = case.f32("x").unwrap();
        let [weight, bias, mean, variance, grad_y] =
            ["weight", "bias", "running_mean", "running_var", "grad_y"].map(|role| case.f32(role).unwrap().0);
        let gradients = if case.flag("training").unwrap() {
            let result = normalization::batch_norm_train(&norm, x, shape, weight, bias, mean, variance);
            checks.close(case, "y", &result.output);
            checks.close(case, "mean", &result.mean);
            checks.close(case, "var", &result.variance);
            checks.close(case, "new_running_mean", &result.running_mean);
            checks.close(case, "new_running_var", &result.running_variance);
            normalization::batch_norm_train_backward(&norm, x, shape, weight, grad_y)
        } else {
            let y = normalization::batch_norm_eval(&norm, x, shape, weight, bias, mean, variance);
            checks.close(case, "y", &y);
            normalization::batch_norm_eval_backward(&norm, x, shape, weight, mean, variance, grad_y)
        };
        checks.close(case, "grad_x", &gradients.x);
        checks.close(case, "grad_weight", &gradients.weight);
        checks.close(case, "grad_bias", &gradients.bias);
    });
}
