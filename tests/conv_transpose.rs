//! Transposed convolution against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, context, contexts, random_tensor};
use tilewright::{Layout, Tensor, ops::ConvTranspose2d};
use tilewright_reference::convolution as reference;

#[test]
fn every_shape() {
    let one = ConvTranspose2d::default();
    let mut cases = Cases::new();
    for context in contexts() {
        for (x_shape, w_shape, op) in [
            ([1, 1, 1, 1], [1, 1, 1, 1], one),
            ([2, 3, 5, 7], [3, 4, 3, 3], one),
            ([2, 8, 6, 5], [8, 8, 2, 2], ConvTranspose2d { stride: [2, 2], ..one }),
            ([1, 24, 9, 17], [24, 24, 2, 2], ConvTranspose2d { stride: [2, 2], ..one }),
            ([2, 16, 7, 9], [16, 5, 4, 4], ConvTranspose2d { stride: [2, 2], padding: [1, 1], ..one }),
            (
                [3, 6, 4, 3],
                [6, 3, 3, 2],
                ConvTranspose2d {
                    stride: [3, 2],
                    output_padding: [2, 1],
                    dilation: [1, 3],
                    groups: 2,
                    ..one
                },
            ),
            ([2, 8, 5, 5], [8, 1, 3, 3], ConvTranspose2d { groups: 8, padding: [1, 1], ..one }),
            ([0, 3, 4, 4], [3, 2, 3, 3], one),
            ([1, 65, 3, 2], [65, 33, 3, 3], ConvTranspose2d { padding: [2, 0], ..one }),
        ] {
            let (x, x_values) = random_tensor(&context, 1, &x_shape);
            let (w, w_values) = random_tensor(&context, 2, &w_shape);
            let y_shape = op.output_shape(x_shape, w_shape).unwrap();
            let (bias, bias_values) = random_tensor(&context, 3, &[y_shape[1]]);
            let plain = reference::conv_transpose2d(&op, &x_values, x_shape, &w_values, w_shape);
            let plane = y_shape[2] * y_shape[3];
            let shifted: Vec<f32> =
                plain.iter().enumerate().map(|(at, y)| y + bias_values[at / plane % y_shape[1]]).collect();
            // Each output sums at most this many products of numbers in −1..1.
            let terms = (x_shape[1] / op.groups * w_shape[2] * w_shape[3]) as f64;
            for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                let x = x.to_layout(layout).unwrap();
                let name = format!("{x_shape:?} by {w_shape:?} {op:?} {layout:?} {:?}", context.mode());
                let y = x.conv_transpose2d(&w, None, &op).unwrap();
                assert_eq!(y.shape(), y_shape, "{name}");
                cases.check(&name, close(&y.to_vec().unwrap(), &plain, 1e-5, 8e-7 * terms.sqrt()));
                let y = x.conv_transpose2d(&w, Some(&bias), &op).unwrap().to_vec::<f32>().unwrap();
                cases.check(format!("{name} + bias"), close(&y, &shifted, 1e-5, 1e-6 + 8e-7 * terms.sqrt()));
            }
        }
    }
    cases.finish();
}

#[test]
fn wrong_operands_are_typed_errors() {
    let context = context();
    let x = Tensor::zeros(&context, &[1, 3, 4, 4]).unwrap();
    let w = Tensor::zeros(&context, &[4, 3, 2, 2]).unwrap();
    let op = ConvTranspose2d::default();
    let error = x.conv_transpose2d(&w, None, &op).unwrap_err().to_string();
    assert!(error.contains("conv_transpose2d") && error.contains("[4, 3, 2, 2]"), "{error}");
    let w = Tensor::zeros(&context, &[3, 5, 2, 2]).unwrap();
    let bias = Tensor::zeros(&context, &[4]).unwrap();
    let error = x.conv_transpose2d(&w, Some(&bias), &op).unwrap_err().to_string();
    assert!(error.contains("bias") && error.contains("[5]"), "{error}");
    let extra = ConvTranspose2d { output_padding: [1, 0], ..op };
    let error = x.conv_transpose2d(&w, None, &extra).unwrap_err().to_string();
    assert!(error.contains("output_padding"), "{error}");
}
