//! Elementwise kernels, in bytes moved per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{
    DType, Tensor,
    ops::{BinaryOp, UnaryOp},
};

fn elementwise(criterion: &mut Criterion) {
    let context = context();
    let shape = [16, 32, 56, 56];
    let bytes = shape.iter().product::<usize>() as u64 * 4;
    let (x, y) = (tensor(&context, &shape), tensor(&context, &shape));
    let bias = tensor(&context, &[1, 32, 1, 1]);
    // What the others are measured against: the device's own copy.
    let target = tensor(&context, &shape);
    bench(criterion, "elementwise", "buffer_copy", Work::Bytes(2 * bytes), &context, || {
        let mut encoder = context.device().create_command_encoder(&Default::default());
        let (from, to) = (x.buffer().raw(), target.buffer().raw());
        encoder.copy_buffer_to_buffer(from, 0, to, 0, Some(bytes));
        context.queue().submit([encoder.finish()])
    });
    for op in [UnaryOp::Relu, UnaryOp::Gelu] {
        let name = format!("unary/{}", op.name());
        bench(criterion, "elementwise", &name, Work::Bytes(2 * bytes), &context, || x.unary(op).unwrap());
        let name = format!("unary_backward/{}", op.name());
        bench(criterion, "elementwise", &name, Work::Bytes(3 * bytes), &context, || {
            x.unary_backward(op, &y).unwrap()
        });
    }
    bench(criterion, "elementwise", "fill", Work::Bytes(bytes), &context, || {
        Tensor::full(&context, 0.5, &shape).unwrap()
    });
    for dtype in [DType::I32, DType::F16] {
        let (name, moved) =
            (format!("cast/f32_to_{}", dtype.name()), bytes + bytes / 4 * dtype.size() as u64);
        bench(criterion, "elementwise", &name, Work::Bytes(moved), &context, || x.cast(dtype).unwrap());
    }
    bench(criterion, "elementwise", "binary_backward/mul", Work::Bytes(5 * bytes), &context, || {
        x.binary_backward(BinaryOp::Mul, &y, &x, [true, true]).unwrap()
    });
    bench(criterion, "elementwise", "binary/add", Work::Bytes(3 * bytes), &context, || x.add(&y).unwrap());
    bench(criterion, "elementwise", "binary_broadcast/add", Work::Bytes(2 * bytes), &context, || {
        x.binary(BinaryOp::Add, &bias).unwrap()
    });
}

criterion_group!(benches, elementwise);
criterion_main!(benches);
