//! Matrix products by every algorithm against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "matmul/product.rs"]
mod product;

use common::{Cases, close, contexts, contexts_for_numbers, full, left_out, random, random_tensor};
use product::{Behind, EVERYTHING, NOTHING, TRANSPOSES, candidates, run, shapes};
use tilewright::{
    MatMulCall, Mode, Tensor,
    kernels::{
        matmul::MatmulAlgorithm,
        select::{self, Cooperative, Device},
    },
    ops::{DType, MatMul, UnaryOp},
    tensor::Epilogue,
};
use tilewright_reference::matmul as reference;

#[test]
fn every_algorithm_around_every_tile_multiple() {
    let sizes = [
        [1, 1, 1],
        [1, 7, 3],
        [3, 1, 65],
        [4, 4, 4],
        [15, 17, 16],
        [16, 16, 16],
        [17, 15, 33],
        [32, 32, 20],
        [33, 31, 8],
        [63, 65, 7],
        [64, 64, 64],
        [65, 66, 17],
        [128, 36, 12],
        [40, 132, 24],
        [129, 127, 5],
        [2, 200, 300],
        [200, 3, 300],
        [8, 12, 1030],
    ];
    let mut cases = Cases::new();
    for context in contexts() {
        for (i, size) in sizes.into_iter().enumerate() {
            if left_out(&context, i) {
                continue;
            }
            for (j, op) in TRANSPOSES.into_iter().enumerate() {
                // Two of the four for each size, and each with every second size.
                if !full() && (i + j) % 2 != 0 {
                    continue;
                }
                for algorithm in candidates(&context, &op, size) {
                    let shapes = shapes(&op, [&[], &[]], size);
                    // With less behind it, it goes the same way to its sums.
                    for behind in if full() { &[EVERYTHING, NOTHING][..] } else { &[EVERYTHING] } {
                        let outcome = run(&context, &op, &shapes, *behind, Some(algorithm));
                        let name = format!("{:?} {algorithm:?} {size:?} {op:?}", context.mode());
                        cases.check(format!("{name} {behind:?}"), outcome);
                    }
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn every_epilogue() {
    let mut cases = Cases::new();
    let (relu, leaky) = (Some(UnaryOp::Relu), EVERYTHING.activation);
    let forms = [
        NOTHING,
        Behind { activation: leaky, ..NOTHING },
        Behind { bias: true, ..NOTHING },
        Behind { bias: true, activation: leaky, ..NOTHING },
        Behind { residual: true, activation: relu, ..NOTHING },
    ];
    for context in contexts() {
        // Checked mode looks for accesses out of bounds, and `EVERYTHING` reads all that the others read.
        if !full() && context.mode() == Mode::Checked {
            continue;
        }
        // The third is narrow, and the last has few tiles and a long K: kernels may swap or split them.
        for (i, size) in [[5, 9, 11], [33, 36, 20], [70, 6, 24], [8, 12, 1030]].into_iter().enumerate() {
            for op in if full() { TRANSPOSES.to_vec() } else { vec![TRANSPOSES[i % 4]] } {
                for algorithm in candidates(&context, &op, size) {
                    for behind in forms {
                        let shapes = shapes(&op, [&[2], &[]], size);
                        let outcome = run(&context, &op, &shapes, behind, Some(algorithm));
                        cases.check(format!("{algorithm:?} {size:?} {op:?} {behind:?}"), outcome);
                    }
                }
            }
        }
        let x = Tensor::ones(&context, &[2, 2]).unwrap();
        let column = Tensor::ones(&context, &[2, 1]).unwrap();
        let epilogue = Epilogue { residual: Some(&column), ..Epilogue::default() };
        let error = x
            .matmul_with(&x, &MatMulCall::new(MatMul::default()).with_epilogue(epilogue))
            .unwrap_err()
            .to_string();
        assert!(error.contains("residual") && error.contains("[2, 1]"), "{error}");
    }
    cases.finish();
}

#[test]
fn batches_broadcast() {
    let batches: [[&[usize]; 2]; 8] = [
        [&[3], &[3]],
        [&[3], &[]],
        [&[], &[3]],
        [&[1], &[4]],
        [&[2, 3], &[3]],
        [&[2, 1], &[1, 3]],
        [&[2, 3], &[2, 1]],
        [&[0], &[]],
    ];
    let mut cases = Cases::new();
    for context in contexts() {
        for (i, batch) in batches.into_iter().enumerate() {
            if left_out(&context, i) {
                continue;
            }
            for (j, size) in [[5, 6, 7], [8, 36, 12], [17, 4, 16]].into_iter().enumerate() {
                for op in if full() { TRANSPOSES.to_vec() } else { vec![TRANSPOSES[(j + i / 4) % 4]] } {
                    for algorithm in candidates(&context, &op, size) {
                        let shapes = shapes(&op, batch, size);
                        let outcome = run(&context, &op, &shapes, EVERYTHING, Some(algorithm));
                        cases.check(format!("{algorithm:?} {batch:?} {size:?} {op:?}"), outcome);
                    }
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn long_sums_and_many_workgroups() {
    let mut cases = Cases::new();
    for context in contexts() {
        for algorithm in candidates(&context, &MatMul::default(), [2, 3, 300_000]) {
            let shapes = [vec![2, 300_000], vec![300_000, 3]];
            let outcome = run(&context, &MatMul::default(), &shapes, NOTHING, Some(algorithm));
            cases.check(format!("{algorithm:?} K = 300,000"), outcome);
        }
        // Enough tiles for the largest ones, with edges and without.
        for (op, size) in
            TRANSPOSES.into_iter().zip([[100, 100, 20], [128, 128, 16], [132, 64, 8], [128, 128, 8]])
        {
            // Checked mode looks for accesses out of bounds: the size with edges on all sides is enough for it.
            if !full() && context.mode() == Mode::Checked && size != [100, 100, 20] {
                continue;
            }
            for algorithm in candidates(&context, &op, size) {
                let shapes = shapes(&op, [&[64], &[64]], size);
                let outcome = run(&context, &op, &shapes, EVERYTHING, Some(algorithm));
                cases.check(format!("{algorithm:?} 64 of {size:?} {op:?}"), outcome);
            }
        }
        if context.mode() == Mode::Checked {
            // What follows is about the number of workgroups, and slow.
            continue;
        }
        // More than 65,535 workgroups of every kernel: one tile each.
        let count = 66_000;
        let (left, left_values) = random_tensor(&context, 1, &[count, 1, 1]);
        let (right, right_values) = random_tensor(&context, 2, &[count, 1, 1]);
        let expected: Vec<f32> = left_values.iter().zip(&right_values).map(|(a, b)| a * b).collect();
        for algorithm in candidates(&context, &MatMul::default(), [1, 1, 1]) {
            let y = left
                .matmul_with(
                    &right,
                    &MatMulCall { algorithm: Some(algorithm), ..MatMulCall::new(MatMul::default()) },
                )
                .unwrap();
            let outcome = close(&y.to_vec().unwrap(), &expected, 1e-6, 1e-7);
            cases.check(format!("{algorithm:?} batches {count}"), outcome);
        }
    }
    cases.finish();
}

#[test]
fn empty_extents() {
    for context in contexts() {
        let zeros = |shape: &[usize]| Tensor::zeros(&context, shape).unwrap();
        let y = zeros(&[2, 0]).matmul(&zeros(&[0, 3])).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [0.0; 6]);
        let bias = Tensor::from_slice(&context, &[1.0f32, -2.0, 3.0], &[3]).unwrap();
        let relu = Some(UnaryOp::Relu);
        let y = zeros(&[2, 0])
            .matmul_with(
                &zeros(&[0, 3]),
                &MatMulCall { bias: Some(&bias), activation: relu, ..MatMulCall::new(MatMul::default()) },
            )
            .unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [1.0, 0.0, 3.0, 1.0, 0.0, 3.0]);
        assert_eq!(zeros(&[0, 4]).matmul(&zeros(&[4, 3])).unwrap().shape(), [0, 3]);
        let (left, right, grad) = (zeros(&[2, 0]), zeros(&[0, 3]), zeros(&[2, 3]));
        let (a, b) = Tensor::matmul_backward(&left, &right, &MatMul::default(), &grad).unwrap();
        assert_eq!((a.shape(), b.shape()), (&[2, 0][..], &[0, 3][..]));
    }
}

#[test]
fn gradients() {
    let batches: [[&[usize]; 2]; 6] =
        [[&[], &[]], [&[3], &[3]], [&[3], &[]], [&[], &[3]], [&[2, 1], &[1, 3]], [&[2, 3], &[2, 1]]];
    let mut cases = Cases::new();
    for context in contexts_for_numbers() {
        for batch in batches {
            for op in TRANSPOSES {
                let shapes = shapes(&op, batch, [5, 6, 7]);
                let (left, left_values) = random_tensor(&context, 1, &shapes[0]);
                let (right, right_values) = random_tensor(&context, 2, &shapes[1]);
                let y_shape = op.output_shape(&shapes[0], &shapes[1]).unwrap();
                let (grad_y, grad_values) = random_tensor(&context, 3, &y_shape);
                let expected = reference::matmul_backward(
                    op,
                    &left_values,
                    &shapes[0],
                    &right_values,
                    &shapes[1],
                    &grad_values,
                );
                let (grad_left, grad_right) = Tensor::matmul_backward(&left, &right, &op, &grad_y).unwrap();
                for (name, actual, expected, shape) in [
                    ("left", grad_left, expected.0, &shapes[0]),
                    ("right", grad_right, expected.1, &shapes[1]),
                ] {
                    assert_eq!(actual.shape(), shape);
                    let outcome = close(&actual.to_vec().unwrap(), &expected, 1e-5, 1e-6);
                    cases.check(format!("{name} {batch:?} {op:?}"), outcome);
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn linear_layers() {
    for context in contexts() {
        let (x, x_values) = random_tensor(&context, 1, &[2, 3, 20]);
        let (weight, weight_values) = random_tensor(&context, 2, &[10, 20]);
        let (bias, bias_values) = random_tensor(&context, 3, &[10]);
        let y = x.linear(&weight, Some(&bias)).unwrap();
        assert_eq!(y.shape(), [2, 3, 10]);
        let expected = reference::linear(&x_values, [6, 20], &weight_values, [10, 20], Some(&bias_values));
        close(&y.to_vec().unwrap(), &expected, 1e-5, 1e-6).unwrap();
    }
}

#[test]
fn an_operand_may_come_twice_and_in_any_layout() {
    for context in contexts() {
        let (x, values) = random_tensor(&context, 1, &[2, 3, 4, 4]);
        let turned = x.to_layout(tilewright::Layout::ChannelsLast).unwrap();
        let op = MatMul::default();
        let expected = reference::matmul(op, &values, &[2, 3, 4, 4], &values, &[2, 3, 4, 4]);
        close(&turned.matmul(&turned).unwrap().to_vec().unwrap(), &expected, 1e-5, 1e-6).unwrap();
    }
}

#[test]
fn what_does_not_fit_is_a_typed_error() {
    let all = contexts();
    let context = &all[0];
    let (x, _) = random_tensor(context, 1, &[2, 3]);
    let error = x.matmul(&x).unwrap_err().to_string();
    assert!(error.contains("matmul") && error.contains("[2, 3]"), "{error}");
    let (bias, _) = random_tensor(context, 2, &[3]);
    let op = MatMul { transpose_right: true, ..MatMul::default() };
    let error =
        x.matmul_with(&x, &MatMulCall { bias: Some(&bias), ..MatMulCall::new(op) }).unwrap_err().to_string();
    assert!(error.contains("bias") && error.contains("[3]") && error.contains("[2]"), "{error}");
    let empty = Tensor::from_slice(context, &random(1, 0, 0.0, 1.0), &[2, 0]).unwrap();
    let lanes = Some(MatmulAlgorithm::Lanes);
    let error = empty
        .matmul_with(&empty, &MatMulCall { algorithm: lanes, ..MatMulCall::new(op) })
        .unwrap_err()
        .to_string();
    assert!(error.contains("lanes") && error.contains("K 0"), "{error}");
}

/// What a device needs for a file of the family.
#[derive(PartialEq)]
enum Needs {
    Nothing,
    /// Subgroups of 8 lanes.
    Lanes,
    /// Cooperative matrices; without them tests/matmul_cooperative.rs runs these with emulated ones.
    Matrices,
}

#[test]
fn the_algorithms_run_every_file_of_the_family() {
    let stems = [
        ("matmul_cooperative", Needs::Matrices),
        ("matmul_cooperative_split_f16", Needs::Matrices),
        ("matmul_lanes", Needs::Lanes),
        ("matmul_naive", Needs::Nothing),
        ("matmul_register_tiled", Needs::Nothing),
        ("matmul_split_f16", Needs::Matrices),
        ("matmul_split_f16_largest", Needs::Matrices),
        ("matmul_split_k_reduce", Needs::Nothing),
        ("matmul_tiled", Needs::Nothing),
        ("matmul_vec4", Needs::Nothing),
    ];
    let family: Vec<_> =
        tilewright::shaders::kernels().iter().filter(|source| source.family == "matmul").collect();
    assert_eq!(
        stems.iter().map(|(stem, _)| *stem).collect::<Vec<_>>(),
        family.iter().map(|source| source.stem).collect::<Vec<_>>()
    );
    let context = common::own_context();
    context.start_profile().unwrap();
    // The second product is long enough for every algorithm to split its sum.
    for (m, k, n) in [(64, 64, 64), (8, 40_000, 8)] {
        let ((a, _), (b, _)) = (random_tensor(&context, 1, &[m, k]), random_tensor(&context, 2, &[k, n]));
        for algorithm in MatmulAlgorithm::ALL {
            let _ = a.matmul_with(
                &b,
                &MatMulCall { algorithm: Some(algorithm), ..MatMulCall::new(MatMul::default()) },
            );
            let (a, b) = (a.cast(DType::F16).unwrap(), b.cast(DType::F16).unwrap());
            let _ = a.matmul_with(
                &b,
                &MatMulCall { algorithm: Some(algorithm), ..MatMulCall::new(MatMul::default()) },
            );
        }
    }
    let profile = context.finish_profile().unwrap();
    let lanes = Device::of(&context).class == select::DeviceClass::SoftwareVulkan;
    let matrices = Device::of(&context).cooperative != Cooperative::Absent;
    for (stem, needs) in stems {
        let ran = profile.dispatches.iter().any(|dispatch| dispatch.kernel == stem);
        let lacks = (needs == Needs::Lanes && !lanes) || (needs == Needs::Matrices && !matrices);
        assert!(ran || lacks, "no algorithm ran {stem}");
    }
}
