//! Windows of thousands of taps.

use tilewright::{
    Tensor,
    ops::{AdaptiveAvgPool2d, Pool2d},
};
use tilewright_reference::pooling as reference;

use crate::common::{
    Cases, close, contexts,
    host::{channels_last, numbers},
    random,
};

/// Averages of such windows go through one pass for each axis.
#[test]
fn large_windows() {
    let mut cases = Cases::new();
    for context in contexts() {
        let shape = [1, 4, 75, 80];
        let values = random(8, shape.iter().product(), 0.0, 1.0);
        let x = channels_last(&context, &values, &shape);
        let base = Pool2d { kernel: [61, 70], stride: [7, 9], padding: [30, 35], ..Pool2d::new([1, 1]) };
        let (y, places) = x.max_pool2d(&base).unwrap();
        let (expected, expected_places) = reference::max_pool2d(&base, &values, shape);
        cases.check("max", close(&numbers::<f32>(&y), &expected, 0.0, 0.0));
        assert_eq!(numbers::<i32>(&places), expected_places);
        let grads = random(9, y.count(), -1.0, 1.0);
        let grad_y = channels_last(&context, &grads, y.shape());
        let grad_x = numbers::<f32>(&Tensor::max_pool2d_backward(&base, &shape, &places, &grad_y).unwrap());
        let gradient = reference::max_pool2d_backward(&base, &grads, &expected_places, shape);
        cases.check("max backward", close(&grad_x, &gradient, 1e-5, 1e-5));

        for stride in [[7, 9], [1, 1]] {
            for (count_include_pad, divisor_override) in [(true, None), (false, None), (true, Some(100))] {
                let pool = Pool2d { stride, count_include_pad, divisor_override, ..base };
                let name = format!("{pool:?} {context:?}");
                let y = x.avg_pool2d(&pool).unwrap();
                let expected = reference::avg_pool2d(&pool, &values, shape);
                cases.check(format!("average {name}"), close(&numbers::<f32>(&y), &expected, 1e-5, 0.0));
                let grads = random(9, y.count(), -1.0, 1.0);
                let grad_y = channels_last(&context, &grads, y.shape());
                let grad_x = numbers::<f32>(&Tensor::avg_pool2d_backward(&pool, &shape, &grad_y).unwrap());
                let gradient = reference::avg_pool2d_backward(&pool, &grads, shape);
                cases.check(format!("average backward {name}"), close(&grad_x, &gradient, 1e-5, 1e-6));
            }
        }
    }
    cases.finish();
}

/// More taps than the loops of a thread may take steps on an older llvmpipe: split, or refused, but never cut short.
#[test]
fn windows_of_more_taps_than_a_loop_has_steps() {
    let mut cases = Cases::new();
    for context in contexts() {
        let shape = [1, 4, 301, 401];
        let values = random(8, shape.iter().product(), 0.0, 1.0);
        let x = channels_last(&context, &values, &shape);
        let pool = Pool2d::new([300, 400]);
        let y = numbers::<f32>(&x.sum_pool2d(&pool).unwrap());
        cases.check("sum", close(&y, &reference::sum_pool2d(&pool, &values, shape), 1e-5, 0.0));
        let error = x.max_pool2d_values(&pool).unwrap_err().to_string();
        assert!(
            error.contains("max_pool2d") && error.contains("120000") && error.contains("65000"),
            "{error}"
        );

        let pool = AdaptiveAvgPool2d { output: [1, 2] };
        let y = numbers::<f32>(&x.adaptive_avg_pool2d(pool).unwrap());
        let expected = reference::adaptive_avg_pool2d(pool, &values, shape);
        cases.check("adaptive", close(&y, &expected, 1e-5, 0.0));

        let (shape, pool) = ([1, 4, 3, 2], AdaptiveAvgPool2d { output: [301, 401] });
        let grads = random(9, 4 * 301 * 401, 0.0, 1.0);
        let grad_y = channels_last(&context, &grads, &[1, 4, 301, 401]);
        let grad_x = numbers::<f32>(&Tensor::adaptive_avg_pool2d_backward(pool, &shape, &grad_y).unwrap());
        let gradient = reference::adaptive_avg_pool2d_backward(pool, &grads, shape);
        cases.check("adaptive backward", close(&grad_x, &gradient, 1e-5, 0.0));

        // Dilation alone makes many candidates for the windows that cover a pixel.
        let (shape, y_shape) = ([1, 4, 300, 300], [1, 4, 20, 20]);
        let pool = Pool2d { stride: [1, 1], dilation: [280, 280], ..Pool2d::new([2, 2]) };
        let grads = random(9, 1600, -1.0, 1.0);
        let grad_y = channels_last(&context, &grads, &y_shape);
        let grad_x = numbers::<f32>(&Tensor::avg_pool2d_backward(&pool, &shape, &grad_y).unwrap());
        let gradient = reference::avg_pool2d_backward(&pool, &grads, shape);
        cases.check("dilated backward", close(&grad_x, &gradient, 1e-5, 1e-6));
    }
    cases.finish();
}
