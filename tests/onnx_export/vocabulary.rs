//! Every operation that is not elementwise.

use tilewright::{
    Conv2dCall, DType, MatMulCall, Tensor,
    onnx::{Model, export},
    ops::{
        AdaptiveAvgPool2d, BatchNorm, Conv2d, ConvTranspose2d, Coordinates, Interpolation, MatMul, Pool2d,
        PoolKind, Pooling, ReduceOp, Resize2d, Rounding, SliceRange, TapTable, UnaryOp,
    },
    tensor::{Epilogue, Error as TensorError},
};

use crate::{
    common::{context, random, random_tensor},
    exported::round_trip,
    graphs::{Named, constant, graph_of},
};

#[test]
fn every_other_operation_comes_back() {
    let context = context();
    let (x, _) = random_tensor(&context, 1, &[2, 6, 8, 7]);
    let (z, _) = random_tensor(&context, 2, &[2, 6, 8, 7]);
    let inputs: [(&str, &[usize], DType); 2] = [("x", x.shape(), DType::F32), ("z", z.shape(), DType::F32)];
    let graph = graph_of(&context, &inputs, |inputs| {
        let (x, z) = (&inputs[0], &inputs[1]);
        let c = x.context();
        let mut all = Named::new();
        let mut add = |name: &str, y: Tensor| all.push((name.to_owned(), y));
        let relu = Some(UnaryOp::Relu);
        // Products.
        let conv = Conv2d { stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 };
        let (weight, bias) = (constant(c, 1, &[4, 3, 3, 2]), constant(c, 2, &[4]));
        let y = x.conv2d(&weight, None, &conv)?;
        let fused = Epilogue { bias: Some(&bias), residual: Some(&y), activation: relu };
        add("conv2d fused", x.conv2d_with(&weight, &Conv2dCall::new(conv).with_epilogue(fused))?);
        add("conv2d", y);
        // A pooling that is part of a convolution, with windows that stay in the image, that overhang, and that have a divisor.
        let pooled = Epilogue { bias: Some(&bias), residual: None, activation: relu };
        let overhanging = Pool2d { ceil_mode: true, ..Pool2d::new([2, 3]) };
        for kind in PoolKind::ALL {
            for pool in
                [Pool2d::new([2, 2]), overhanging, Pool2d { divisor_override: Some(3), ..overhanging }]
            {
                let name = format!("conv2d pooled {kind:?} {} {:?}", pool.ceil_mode, pool.divisor_override);
                add(
                    &name,
                    x.conv2d_with(
                        &weight,
                        &Conv2dCall {
                            pool: Some(Pooling { kind, pool }),
                            ..Conv2dCall::new(conv).with_epilogue(pooled)
                        },
                    )?,
                );
            }
        }
        let transposed = ConvTranspose2d {
            stride: [2, 3],
            padding: [1, 0],
            output_padding: [1, 2],
            ..ConvTranspose2d::default()
        };
        add("conv_transpose2d", x.conv_transpose2d(&constant(c, 3, &[6, 5, 3, 2]), None, &transposed)?);
        let [gamma, beta, mean] = [4, 5, 6].map(|seed| constant(c, seed, &[6]));
        let variance = Tensor::from_slice(c, &random(7, 6, 0.5, 2.0), &[6])?;
        let norm = BatchNorm { eps: 1e-2, momentum: 0.1 };
        // Of what is no convolution, so that it stays one.
        add("batch_norm", x.unary(UnaryOp::Tanh)?.batch_norm_eval(&gamma, &beta, &mean, &variance, &norm)?);
        for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
            let op = MatMul { transpose_left: left, transpose_right: right };
            let a = constant(c, 8, if left { &[56, 5] } else { &[5, 56] });
            let rows = x.reshape(&[if right { 12 } else { 56 }, -1])?;
            let bias = constant(c, 9, &[12]);
            let fused = Epilogue { bias: Some(&bias), residual: None, activation: relu };
            add(
                &format!("matmul {left} {right}"),
                a.matmul_with(&rows, &MatMulCall::new(op).with_epilogue(fused))?,
            );
            // Two batch axes against one.
            let batch = constant(c, 10, if left { &[6, 8, 3] } else { &[6, 3, 8] });
            let other = if right { x.permute(&[0, 1, 3, 2])? } else { x.clone() };
            add(&format!("batched matmul {left} {right}"), batch.matmul_with(&other, &MatMulCall::new(op))?);
        }
        let square = x.reshape(&[56, 12])?.matmul(&z.reshape(&[12, 56])?)?;
        let residual = Epilogue { bias: None, residual: Some(&square), activation: None };
        add(
            "matmul residual",
            x.reshape(&[56, 12])?.matmul_with(
                &z.reshape(&[12, 56])?,
                &MatMulCall::new(MatMul::default()).with_epilogue(residual),
            )?,
        );
        // Poolings: every way to count what an average divides by.
        for ceil_mode in [false, true] {
            for padding in [[0, 0], [1, 0]] {
                for dilation in [[1, 1], [2, 1]] {
                    let pool = Pool2d { stride: [2, 3], padding, dilation, ceil_mode, ..Pool2d::new([3, 2]) };
                    let name = |kind: &str| format!("{kind} {ceil_mode} {padding:?} {dilation:?}");
                    add(&name("max"), x.max_pool2d_values(&pool)?);
                    add(&name("sum"), x.sum_pool2d(&pool)?);
                    add(&name("average"), x.avg_pool2d(&pool)?);
                    add(&name("average inside"), x.avg_pool2d(&Pool2d { count_include_pad: false, ..pool })?);
                    add(
                        &name("average over 5"),
                        x.avg_pool2d(&Pool2d { divisor_override: Some(5), ..pool })?,
                    );
                }
            }
        }
        for output in [[1, 1], [4, 7], [3, 2]] {
            add(&format!("adaptive {output:?}"), x.adaptive_avg_pool2d(AdaptiveAvgPool2d { output })?);
        }
        // Reductions.
        for op in ReduceOp::ALL {
            add(op.name(), x.reduce(op, &[1, 3], true)?);
            add(&format!("{} of all", op.name()), x.reduce(op, &[], false)?);
        }
        add("argmax", x.argmax(&[1], true)?);
        add("argmax of two", x.argmax(&[3, 1], false)?);
        add("softmax", x.softmax(2)?);
        add("log_softmax", x.log_softmax(1)?);
        // Movements.
        add("reshape", x.reshape(&[4, -1, 2])?);
        add("permute", x.permute(&[3, 1, 0, 2])?);
        let step = SliceRange { start: 1, end: 8, step: 3 };
        add("slice", x.slice(&[SliceRange::full(2), SliceRange::new(1, 5), step, SliceRange::full(7)])?);
        add("concat", Tensor::concat(&[x, z, x], 2)?);
        add("pad", x.pad(&[(0, 0), (1, 0), (0, 2), (3, 1)], -1.5)?);
        add("expand", x.sum(&[2], true)?.expand(&[2, 6, 3, 7])?);
        add("cast", x.scale(5.0)?.cast(DType::I32)?);
        let indices = Tensor::from_slice(c, &[3i32, 0, 5, 5], &[2, 2])?;
        add("gather", x.gather(1, &indices)?);
        // Resizing.
        for (name, interpolation, coordinates) in [
            ("linear", Interpolation::Linear, Coordinates::HalfPixel),
            ("corners", Interpolation::Linear, Coordinates::AlignCorners),
            ("cubic", Interpolation::Cubic { a: -0.75, exclude_outside: false }, Coordinates::HalfPixel),
            ("other cubic", Interpolation::Cubic { a: -0.5, exclude_outside: true }, Coordinates::HalfPixel),
            ("nearest", Interpolation::Nearest(Rounding::Floor), Coordinates::Asymmetric),
        ] {
            for size in [[16, 21], [5, 9], [8, 3]] {
                let resize = Resize2d { size, scale: None, interpolation, coordinates };
                add(&format!("{name} {size:?}"), x.resize2d(&resize)?);
            }
        }
        // Axes that are no image's, drawn by tables that are no resize's.
        let table = |extent: usize, size: usize| {
            let linear = TapTable::resize(
                extent,
                size,
                Some(1.3),
                Interpolation::Linear,
                Coordinates::TfHalfPixelForNn,
            );
            Tensor::tap_table(c, &linear.map_err(TensorError::from)?)
        };
        add("resample", x.resample(1, &table(6, 7)?, &table(8, 5)?)?);
        add("mirrored", x.resample_by(&[TapTable::gather(&[2, 1, 0, 1, 2]), TapTable::identity(7)])?);
        add(
            "one of two",
            x.reshape(&[12, 56])?.resample(
                0,
                &table(12, 4)?,
                &Tensor::tap_table(c, &TapTable::identity(56))?,
            )?,
        );
        Ok(all)
    });
    // Nothing of the vocabulary is left out: these and the elementwise ones.
    let found: std::collections::BTreeSet<_> = graph.nodes().iter().map(|node| node.op.name()).collect();
    for op in [
        "conv2d",
        "conv_transpose2d",
        "batch_norm_eval",
        "matmul",
        "max_pool2d",
        "avg_pool2d",
        "sum_pool2d",
        "adaptive_avg_pool2d",
        "argmax",
        "softmax",
        "log_softmax",
        "reshape",
        "permute",
        "slice",
        "concat",
        "pad",
        "expand",
        "cast",
        "gather",
        "resample",
    ] {
        assert!(found.contains(op), "{op} is not in the graph");
    }
    // What has a name in ONNX goes by it, and a fused node by one for each of its parts.
    let model = Model::from_bytes(&export(&graph, "every_operation").unwrap()).unwrap();
    let written: Vec<_> = model.nodes().iter().map(|node| node.op_type.as_str()).collect();
    for operator in
        ["Gemm", "MatMul", "ConvTranspose", "MaxPool", "AveragePool", "Resize", "Gather", "ArgMax", "Pad"]
    {
        assert!(written.contains(&operator), "{operator} is not written: {written:?}");
    }
    assert!(written.windows(3).any(|three| three == ["Conv", "Add", "Relu"]), "{written:?}");
    assert!(written.windows(3).any(|three| three == ["Conv", "Relu", "MaxPool"]), "{written:?}");
    // Linear with its two conventions, cubic, and nearest at twice and thrice the size; the rest are matrices.
    assert!(written.iter().filter(|operator| **operator == "Resize").count() >= 9, "{written:?}");
    round_trip(&context, "every_operation", &graph, &[("x", &x), ("z", &z)]);
}
