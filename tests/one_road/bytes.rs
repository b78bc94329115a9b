//! Operations on bytes.

use tilewright::{
    Context, DType, Tensor,
    ops::{
        Conv2d, FakeQuantize, Gradient, Op, Pool2d, QConv2d, Quantized, Steps,
        quantized::{Addend, Residual},
    },
};

use super::{Case, IMAGE, case};

pub(super) fn cases() -> Vec<Case> {
    let conv = Conv2d { padding: [1, 1], ..Conv2d::default() };
    let steps = Steps::new(DType::U8, 3);
    let sums = QConv2d { conv, x_zero: -5, y: None };
    let bytes = QConv2d { y: Some(steps), ..sums };
    let convolution = |op, weight_zero, bias, residual| Quantized::Conv2d { op, weight_zero, bias, residual };
    let residual = Some(Residual { zero_point: 4, multiplier: 0.5 });
    let pool = Pool2d { padding: [1, 1], stride: [2, 2], ..Pool2d::new([3, 3]) };
    let depthwise = QConv2d { conv: Conv2d { groups: 3, ..conv }, ..bytes };
    let addends = [Addend { zero_point: 1, multiplier: 0.3 }, Addend { zero_point: -2, multiplier: 0.9 }];
    [
        (Quantized::Quantize { dtype: DType::I8, axis: None }, vec![IMAGE, &[], &[]]),
        (Quantized::Quantize { dtype: DType::U8, axis: Some(1) }, vec![IMAGE, &[3], &[3]]),
        (Quantized::Dequantize { axis: None }, vec![IMAGE, &[], &[]]),
        (Quantized::Dequantize { axis: Some(2) }, vec![IMAGE, &[6], &[6]]),
        (convolution(sums, false, false, None), vec![IMAGE, &[5, 3, 3, 3]]),
        (
            convolution(bytes, true, true, residual),
            vec![IMAGE, &[8, 3, 3, 3], &[8], &[8], &[8], &[2, 8, 6, 7]],
        ),
        (convolution(depthwise, false, true, None), vec![IMAGE, &[3, 1, 3, 3], &[3], &[3]]),
        (Quantized::Add { addends, y: steps }, vec![IMAGE, IMAGE]),
        (Quantized::AvgPool2d { pool, x_zero: 2, y: steps }, vec![IMAGE, &[10]]),
        (Quantized::MaxPool2d(pool), vec![IMAGE]),
        (Quantized::Mul { zeros: [3, -7], multiplier: 0.01, y: steps }, vec![IMAGE, IMAGE]),
        (Quantized::Lookup { dtype: DType::I8 }, vec![IMAGE, &[256]]),
        (Quantized::Gather { axis: 2 }, vec![IMAGE, &[9]]),
    ]
    .into_iter()
    .map(|(op, shapes)| case(Op::Quantized(op), &shapes))
    .chain(fake_quantized())
    .collect()
}

/// What stays in f32, and its gradient.
fn fake_quantized() -> Vec<Case> {
    let (tensor, channels) = (FakeQuantize::i8(), FakeQuantize::weight(1));
    let gradient = |op, wants| Op::Gradient(Gradient::FakeQuantize { op, wants });
    vec![
        case(Op::FakeQuantize(tensor), &[IMAGE, &[], &[]]),
        case(Op::FakeQuantize(channels), &[IMAGE, &[3], &[3]]),
        case(gradient(tensor, [true, true]), &[IMAGE, &[], &[], IMAGE]),
        case(gradient(channels, [false, true]), &[IMAGE, &[3], &[3], IMAGE]),
    ]
}

/// Bytes with a sign.
pub(super) fn bytes(context: &Context, shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>();
    let bytes: Vec<i8> = (0..count).map(|at| (at * 37) as u8 as i8).collect();
    Tensor::from_slice(context, &bytes, shape).unwrap()
}
