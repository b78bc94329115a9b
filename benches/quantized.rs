//! Convolutions of bytes by every algorithm beside the same in f32, as compiled: weights are packed once.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{
    Context, DType, Hints, Tensor,
    graph::{Compiled, Options, Session, capture},
    kernels::{convolution::Problem, quantized::conv2d::candidates, select::Device},
    ops::{Conv2d, Op, QConv2d, Quantized, Steps},
};
use tilewright_works::Quantity;

/// Name; padding, stride, groups; x; weight.
type Shape = (&'static str, [usize; 3], [usize; 4], [usize; 4]);

/// Layers of well-known networks.
const SHAPES: [Shape; 9] = [
    ("stem_7x7", [3, 2, 1], [1, 3, 224, 224], [64, 3, 7, 7]),
    ("3x3_64", [1, 1, 1], [1, 64, 56, 56], [64, 64, 3, 3]),
    ("3x3_256", [1, 1, 1], [1, 256, 14, 14], [256, 256, 3, 3]),
    ("3x3_stride_2", [1, 2, 1], [1, 128, 28, 28], [256, 128, 3, 3]),
    ("1x1_wide", [0, 1, 1], [1, 64, 56, 56], [256, 64, 1, 1]),
    ("1x1_expand", [0, 1, 1], [1, 16, 112, 112], [96, 16, 1, 1]),
    ("1x1_project", [0, 1, 1], [1, 96, 56, 56], [24, 96, 1, 1]),
    ("depthwise_3x3", [1, 1, 96], [1, 96, 112, 112], [96, 1, 3, 3]),
    ("linear", [0, 1, 1], [1, 512, 1, 1], [1000, 512, 1, 1]),
];

/// A convolution alone, over memory of its own.
fn session(
    context: &Context,
    x: &Tensor,
    layer: impl FnOnce(&Tensor) -> tilewright::tensor::Result<Tensor>,
) -> Session {
    let graph = capture(context, &[("x", x.shape(), x.dtype())], |inputs| {
        Ok::<_, tilewright::tensor::Error>(vec![("y".to_owned(), layer(&inputs[0])?)])
    });
    let compiled = Compiled::new(&graph.unwrap(), &Options::default()).unwrap();
    let mut session = compiled.session().unwrap();
    session.run(&[x]).unwrap();
    session
}

fn quantized(criterion: &mut Criterion) {
    let context = context();
    for (name, [padding, stride, groups], x_shape, w_shape) in SHAPES {
        let op = Conv2d { stride: [stride; 2], padding: [padding; 2], dilation: [1; 2], groups };
        let problem = Problem::new(&op, x_shape, w_shape).unwrap();
        let flops = problem.flops();
        let quantity = |dtype| Quantity::Flops { flops, bytes: op.bytes(x_shape, w_shape, dtype).unwrap() };
        let (x, w) = (tensor(&context, &x_shape), tensor(&context, &w_shape));
        let mut plain = session(&context, &x, |x| x.conv2d(&w, None, &op));
        let title = |what: &str| format!("{name}/{what} {x_shape:?}");
        bench(criterion, "quantized", &title("f32"), quantity(DType::F32), &context, || {
            plain.execute().unwrap()
        });
        let bytes = |shape: &[usize]| {
            let count = shape.iter().product::<usize>();
            let bytes: Vec<i8> = (0..count).map(|at| ((at * 37) >> 3) as u8 as i8).collect();
            Tensor::from_slice(&context, &bytes, shape).unwrap()
        };
        let (x, w) = (bytes(&x_shape), bytes(&w_shape));
        let multiplier = Tensor::full(&context, 1e-3, &w_shape[..1]).unwrap();
        let op = QConv2d { conv: op, x_zero: 3, y: Some(Steps::new(DType::I8, -5).relu()) };
        let op = Op::Quantized(Quantized::Conv2d { op, weight_zero: false, bias: false, residual: None });
        for algorithm in candidates(&Device::of(&context), &problem) {
            let hints = Hints { qconv2d: Some(algorithm), ..Hints::default() };
            let run = |x: &Tensor| Tensor::run_one_with(&op, &[x, &w, &multiplier], &hints);
            // A hint says nothing in a graph, which takes what the table says: timed with its packing.
            let title = title(&format!("i8/{}", algorithm.name()));
            bench(criterion, "quantized", &title, quantity(DType::I8), &context, || run(&x).unwrap());
        }
        let mut chosen = session(&context, &x, |x| Tensor::run_one(&op, &[x, &w, &multiplier]));
        let title = title("i8");
        bench(criterion, "quantized", &title, quantity(DType::I8), &context, || chosen.execute().unwrap());
    }
}

criterion_group!(benches, quantized);
criterion_main!(benches);
