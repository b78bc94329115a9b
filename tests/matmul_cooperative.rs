//! Products by cooperative matrices: emulated ones anywhere, and the device's where it has some.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/products.rs"]
mod products;

use common::{Cases, close, contexts, full, left_out, random, random_tensor};
use products::{TRANSPOSES, close_f16, expect, has_f16, problem, random_f16, shapes};
use tilewright::{
    Context, DType, Layout, MatMulCall, Mode, Tensor,
    kernels::{
        cooperative::{Emulation, trials},
        matmul::{MatmulAlgorithm, Operands, Problem, matmul_emulated},
        select::{self, Cooperative, Device},
    },
    ops::{MatMul, UnaryOp},
    tensor::Epilogue,
};
use tilewright_reference::split_f16;

/// The smallest tiles of matrices of 16 × 16 and of 8 × 8.
const SIXTEENS: Emulation = Emulation { edge: 16, squares: 1, tile_k: 16 };

const EIGHTS: Emulation = Emulation { edge: 8, squares: 1, tile_k: 32 };

/// Runs an algorithm for cooperative matrices with emulated ones.
fn emulated(
    context: &Context,
    algorithm: MatmulAlgorithm,
    emulation: Emulation,
    problem: &Problem,
    [left, right]: [&Tensor; 2],
    Epilogue { bias, residual, activation }: Epilogue<'_>,
) -> Result<Tensor, String> {
    let shape = [problem.batches, problem.m, problem.n];
    let y = Tensor::empty(context, &shape, problem.dtype, Layout::RowMajor).unwrap();
    let [bias, residual] = [bias, residual].map(|addend| addend.map(Tensor::buffer));
    let operands = Operands { left: left.buffer(), right: right.buffer(), bias, residual, y: y.buffer() };
    matmul_emulated(context, algorithm, emulation, problem, &operands, activation)
        .map_err(|error| error.to_string())?;
    Ok(y)
}

#[test]
fn cooperative_kernels_with_emulated_matrices() {
    let activation = Some(UnaryOp::LeakyRelu { slope: 0.3 });
    let mut cases = Cases::new();
    for context in contexts() {
        if !has_f16(&context, &mut cases) {
            continue;
        }
        // Around the tiles of 32 and 64 and the steps along K, with edges, batches, few tiles and a long K.
        for (at, (emulation, batches, size, transposes)) in [
            (SIXTEENS, 2, [36, 28, 20], &TRANSPOSES[..]),
            (SIXTEENS, 1, [32, 32, 32], &TRANSPOSES),
            (SIXTEENS, 1, [4, 4, 4], &TRANSPOSES),
            (SIXTEENS, 1, [40, 27, 24], &TRANSPOSES[1..2]),
            (SIXTEENS, 1, [8, 12, 1032], &TRANSPOSES[2..3]),
            (Emulation { squares: 2, ..SIXTEENS }, 1, [68, 60, 36], &TRANSPOSES[..1]),
            (EIGHTS, 2, [36, 28, 20], &TRANSPOSES),
            (EIGHTS, 1, [40, 27, 24], &TRANSPOSES[1..2]),
            (EIGHTS, 1, [8, 12, 1032], &TRANSPOSES[2..3]),
            (Emulation { squares: 2, tile_k: 16, ..EIGHTS }, 1, [68, 60, 36], &TRANSPOSES[..1]),
        ]
        .into_iter()
        .enumerate()
        {
            if left_out(&context, at) {
                continue;
            }
            // All four for one size of each edge; the others divide them among themselves.
            let turn = size[0] / 4 % 4;
            let few = transposes.len() == 4 && size != [36, 28, 20] && !full();
            for &op in if few { &transposes[turn..][..1] } else { transposes } {
                let shapes = shapes(&op, [&[batches], &[batches]], size);
                let ((a, a_values), (b, b_values)) =
                    (random_f16(&context, 1, &shapes[0]), random_f16(&context, 2, &shapes[1]));
                let (bias, bias_values) = random_tensor(&context, 3, &[size[1]]);
                let (residual, residual_values) = random_f16(&context, 4, &[batches, size[0], size[1]]);
                let addends = [Some(&bias_values[..]), Some(&residual_values[..])];
                let expected =
                    expect(&op, &shapes, [&a_values, &b_values], addends[0], addends[1], activation);
                let epilogue = Epilogue { bias: Some(&bias), residual: Some(&residual), activation };
                let problem = problem(&op, batches, size, DType::F16);
                let algorithm = MatmulAlgorithm::Cooperative;
                let outcome = emulated(&context, algorithm, emulation, &problem, [&a, &b], epilogue)
                    .and_then(|y| close_f16(&y, &expected, size[2]));
                cases.check(format!("{:?} {emulation:?} {size:?} {op:?}", context.mode()), outcome);
            }
        }
    }
    cases.finish();
}

#[test]
fn f32_by_emulated_matrices_of_8_by_8() {
    let activation = Some(UnaryOp::LeakyRelu { slope: 0.3 });
    let mut cases = Cases::new();
    for context in contexts() {
        if !has_f16(&context, &mut cases) {
            continue;
        }
        for (at, (batches, size, op)) in [
            (2, [36, 28, 20], TRANSPOSES[0]),
            (1, [40, 27, 24], TRANSPOSES[1]),
            (1, [8, 12, 1032], TRANSPOSES[2]),
        ]
        .into_iter()
        .enumerate()
        {
            if left_out(&context, at) {
                continue;
            }
            let shapes = shapes(&op, [&[batches], &[batches]], size);
            let ((a, a_values), (b, b_values)) =
                (random_tensor(&context, 1, &shapes[0]), random_tensor(&context, 2, &shapes[1]));
            let (bias, bias_values) = random_tensor(&context, 3, &[size[1]]);
            let (residual, residual_values) = random_tensor(&context, 4, &[batches, size[0], size[1]]);
            let addends = [Some(&bias_values[..]), Some(&residual_values[..])];
            let expected = expect(&op, &shapes, [&a_values, &b_values], addends[0], addends[1], activation);
            let epilogue = Epilogue { bias: Some(&bias), residual: Some(&residual), activation };
            let problem = problem(&op, batches, size, DType::F32);
            let algorithm = MatmulAlgorithm::Cooperative;
            let outcome = emulated(&context, algorithm, EIGHTS, &problem, [&a, &b], epilogue)
                .and_then(|y| close(&y.to_vec().unwrap(), &expected, 1e-5, 8e-7 * (size[2] as f64).sqrt()));
            cases.check(format!("{:?} {size:?} {op:?}", context.mode()), outcome);
        }
    }
    cases.finish();
}

/// |y − exact| ≤ `bound` · Σ|a||b|, element by element.
fn within(y: &[f32], exact: &[f32], absolute: &[f32], bound: f32) -> Result<(), String> {
    assert_eq!(y.len(), exact.len());
    for (i, ((y, exact), absolute)) in y.iter().zip(exact).zip(absolute).enumerate() {
        // One rounding of the result, too.
        let allowed = bound * absolute + exact.abs() * 6e-8;
        if (y - exact).abs().partial_cmp(&allowed).is_none_or(|order| order.is_gt()) {
            return Err(format!("element {i} is {y}, should be {exact} ± {allowed:e}"));
        }
    }
    Ok(())
}

#[test]
fn fp32_by_halves_with_emulated_matrices() {
    let mut cases = Cases::new();
    for context in contexts() {
        if !has_f16(&context, &mut cases) {
            continue;
        }
        // Numbers far from 1, so that without scaling they would leave the range of f16, of both operands.
        for (at, (squares, batches, size, scales)) in [
            (1, 1, [64, 32, 32], [1.0, 1.0]),
            (1, 2, [66, 30, 17], [1e12, 1e-20]),
            (1, 1, [3, 5, 7], [3e-30, 1e-5]),
            (1, 1, [9, 12, 1040], [70_000.0, 1e-6]),
            (2, 1, [129, 65, 33], [1.0, 5.0]),
        ]
        .into_iter()
        .enumerate()
        {
            // The first and the third are in the second and the last, to their edges.
            if left_out(&context, at + 1) {
                continue;
            }
            // All four for the first size, one for each of the others: a kernel takes seconds to compile on a CPU.
            for op in if full() || size[0] == 64 { &TRANSPOSES[..] } else { &TRANSPOSES[size[2] % 4..][..1] }
            {
                let shapes = shapes(op, [&[batches], &[batches]], size);
                let operand = |seed, shape: &[usize], scale: f32| {
                    let values: Vec<f32> =
                        random(seed, shape.iter().product(), -1.0, 1.0).iter().map(|x| x * scale).collect();
                    (Tensor::from_slice(&context, &values, shape).unwrap(), values)
                };
                let (a, a_values) = operand(1, &shapes[0], scales[0]);
                let (b, b_values) = operand(2, &shapes[1], scales[1]);
                let exact = expect(op, &shapes, [&a_values, &b_values], None, None, None);
                let magnitude = |x: &[f32]| x.iter().map(|x| x.abs()).collect::<Vec<_>>();
                let absolute =
                    expect(op, &shapes, [&magnitude(&a_values), &magnitude(&b_values)], None, None, None);
                let problem = problem(op, batches, size, DType::F32);
                let algorithm = MatmulAlgorithm::SplitF16;
                let emulation = Emulation { squares, ..SIXTEENS };
                let outcome =
                    emulated(&context, algorithm, emulation, &problem, [&a, &b], Epilogue::default())
                        .and_then(|y| within(&y.to_vec::<f32>().unwrap(), &exact, &absolute, 3e-7));
                cases.check(format!("{:?} {squares} {size:?} {op:?}", context.mode()), outcome);
            }
        }
        // The epilogue, and a matrix of zeros, which has no largest element to scale by.
        let (a, a_values) = random_tensor(&context, 1, &[40, 48]);
        let (b, b_values) = random_tensor(&context, 2, &[48, 36]);
        let (bias, bias_values) = random_tensor(&context, 3, &[36]);
        let op = MatMul::default();
        let relu = Some(UnaryOp::Relu);
        let problem = problem(&op, 1, [40, 36, 48], DType::F32);
        let shapes = [vec![40, 48], vec![48, 36]];
        let (residual, residual_values) = random_tensor(&context, 4, &[40, 36]);
        let addends = [Some(&bias_values[..]), Some(&residual_values[..])];
        let expected = expect(&op, &shapes, [&a_values, &b_values], addends[0], addends[1], relu);
        let epilogue = Epilogue { bias: Some(&bias), residual: Some(&residual), activation: relu };
        let split = MatmulAlgorithm::SplitF16;
        let y = emulated(&context, split, SIXTEENS, &problem, [&a, &b], epilogue).unwrap();
        cases.check("epilogue", close(&y.to_vec().unwrap(), &expected, 1e-6, 2e-6));
        let zeros = Tensor::zeros(&context, &[40, 48]).unwrap();
        let y = emulated(&context, split, SIXTEENS, &problem, [&zeros, &b], Epilogue::default()).unwrap();
        cases.check("zeros", close(&y.to_vec().unwrap(), &vec![0.0; 40 * 36], 0.0, 0.0));
        // The kernels and the scalar definition of the method, which differ in the order of sums only.
        let y = emulated(&context, split, SIXTEENS, &problem, [&a, &b], Epilogue::default()).unwrap();
        let method = split_f16::matmul(&a_values, &b_values, [40, 36, 48]);
        cases.check("as defined", close(&y.to_vec().unwrap(), &method, 1e-6, 2e-6));
    }
    cases.finish();
}

#[test]
fn without_cooperative_matrices_their_algorithms_are_typed_errors() {
    for context in contexts() {
        let device = Device::of(&context);
        let (wide, _) = random_tensor(&context, 1, &[64, 64]);
        let (half, _) = random_f16(&context, 1, &[64, 64]);
        for (x, algorithm) in [(&half, MatmulAlgorithm::Cooperative), (&wide, MatmulAlgorithm::SplitF16)] {
            let outcome = x.matmul_with(
                x,
                &MatMulCall { algorithm: Some(algorithm), ..MatMulCall::new(MatMul::default()) },
            );
            if device.cooperative == Cooperative::Absent {
                let error = outcome.unwrap_err().to_string();
                assert!(error.contains(algorithm.name()) && error.contains("cooperative"), "{error}");
            } else {
                outcome.unwrap();
            }
        }
        // What they cannot run even emulated is an error too, and so is what has no matrices.
        let problem = problem(&MatMul::default(), 1, [64, 64, 63], DType::F16);
        let error = emulated(
            &context,
            MatmulAlgorithm::Cooperative,
            SIXTEENS,
            &problem,
            [&half, &half],
            Epilogue::default(),
        )
        .unwrap_err();
        assert!(error.contains("whole vec4s") || error.contains("no f16"), "{error}");
        let error = emulated(
            &context,
            MatmulAlgorithm::Vec4,
            SIXTEENS,
            &problem,
            [&half, &half],
            Epilogue::default(),
        )
        .unwrap_err();
        assert!(error.contains("vec4"), "{error}");
        // Matrices that no device has, and types that those of the size do not multiply.
        let refused = |algorithm, emulation, dtype| {
            let problem = self::problem(&MatMul::default(), 1, [64, 64, 64], dtype);
            let x = if dtype == DType::F16 { &half } else { &wide };
            emulated(&context, algorithm, emulation, &problem, [x, x], Epilogue::default()).unwrap_err()
        };
        for emulation in [
            Emulation { edge: 4, ..EIGHTS },
            Emulation { tile_k: 16, ..EIGHTS },
            Emulation { squares: 0, ..EIGHTS },
            Emulation { squares: u32::MAX, ..EIGHTS },
            Emulation { tile_k: 0, ..EIGHTS },
        ] {
            let error = refused(MatmulAlgorithm::Cooperative, emulation, DType::F16);
            assert!(error.contains("16 × 16 or 8 × 8"), "{error}");
        }
        let error = refused(MatmulAlgorithm::Cooperative, SIXTEENS, DType::F32);
        assert!(error.contains("it takes f16"), "{error}");
        let error = refused(MatmulAlgorithm::SplitF16, EIGHTS, DType::F32);
        assert!(error.contains("it needs cooperative matrices of 16"), "{error}");
    }
}

/// Where the device has them, the trial has to have been run before the table picks them, and the kernels have to be right.
#[test]
fn cooperative_kernels_on_the_device() {
    let mut cases = Cases::new();
    for context in contexts() {
        let device = Device::of(&context);
        if device.cooperative == Cooperative::Absent {
            let none = context.cooperative_matrices().is_empty();
            assert!(none || !device.f16 || cfg!(not(target_os = "linux")));
            cases.check("absent", Ok::<_, String>(()));
            continue;
        }
        for size in [[64, 64, 64], [132, 260, 36], [1000, 1024, 1028]] {
            for op in TRANSPOSES {
                let shapes = shapes(&op, [&[], &[]], size);
                let ((a, a_values), (b, b_values)) =
                    (random_f16(&context, 1, &shapes[0]), random_f16(&context, 2, &shapes[1]));
                let expected = expect(&op, &shapes, [&a_values, &b_values], None, None, None);
                let outcome = a
                    .matmul_with(
                        &b,
                        &MatMulCall { algorithm: Some(MatmulAlgorithm::Cooperative), ..MatMulCall::new(op) },
                    )
                    .map_err(|error| error.to_string())
                    .and_then(|y| close_f16(&y, &expected, size[2]));
                cases.check(format!("f16 {size:?} {op:?}"), outcome);
                let ((a, a_values), (b, b_values)) =
                    (random_tensor(&context, 1, &shapes[0]), random_tensor(&context, 2, &shapes[1]));
                let expected = expect(&op, &shapes, [&a_values, &b_values], None, None, None);
                let outcome = a
                    .matmul_with(
                        &b,
                        &MatMulCall { algorithm: Some(MatmulAlgorithm::SplitF16), ..MatMulCall::new(op) },
                    )
                    .map_err(|error| error.to_string())
                    .and_then(|y| {
                        close(&y.to_vec().unwrap(), &expected, 1e-5, 8e-7 * (size[2] as f64).sqrt())
                    });
                cases.check(format!("halves {size:?} {op:?}"), outcome);
            }
        }
        let (a, _) = random_f16(&context, 1, &[256, 256]);
        a.matmul(&a).unwrap();
        // Checked mode times nothing.
        assert!(context.mode() == Mode::Checked || trials(&context)[0].is_some());
    }
    cases.finish();
}

#[test]
fn the_table_takes_matrix_units_where_they_pay() {
    let large = |dtype| Problem { batches: 1, m: 1024, n: 2048, k: 1024, dtype, ..Problem::default() };
    let pick = |device: &Device, dtype| select::matmul(device, &large(dtype)).algorithm;
    let device = Device::COOPERATIVE_GPU;
    assert_eq!(pick(&device, DType::F16), MatmulAlgorithm::Cooperative);
    assert_eq!(pick(&device, DType::F32), MatmulAlgorithm::SplitF16);
    let slow = Device {
        cooperative: Cooperative::Present {
            edge: 16,
            f16_pays: false,
            f32_pays: false,
            split_f16_pays: false,
        },
        ..Device::COOPERATIVE_GPU
    };
    assert_eq!(pick(&slow, DType::F16), MatmulAlgorithm::Vec4);
    assert_eq!(pick(&slow, DType::F32), MatmulAlgorithm::Vec4);
    assert!(select::matmul_candidates(&slow, &large(DType::F16)).contains(&MatmulAlgorithm::Cooperative));
    let small = Problem { batches: 1, m: 512, n: 512, k: 512, ..Problem::default() };
    assert_eq!(select::matmul(&device, &small).algorithm, MatmulAlgorithm::Vec4);
    assert!(select::matmul(&device, &large(DType::F32)).explain().contains("halves"));
    // Matrices of f32 need no halves, and no large product.
    let apple = Device::APPLE_GPU;
    for problem in [large(DType::F16), large(DType::F32), small] {
        assert_eq!(select::matmul(&apple, &problem).algorithm, MatmulAlgorithm::Cooperative);
        assert!(!select::matmul_candidates(&apple, &problem).contains(&MatmulAlgorithm::SplitF16));
    }
    let cooperative = Cooperative::Present { edge: 8, f16_pays: true, f32_pays: false, split_f16_pays: true };
    let slow = Device { cooperative, ..apple };
    assert_eq!(pick(&slow, DType::F16), MatmulAlgorithm::Cooperative);
    assert_eq!(pick(&slow, DType::F32), MatmulAlgorithm::Vec4);
}

#[test]
fn bands_of_tiles() {
    // 17 by 16 tiles of 64, so that a band of 8 is followed by one that is cut off.
    let mut cases = Cases::new();
    for context in contexts() {
        let (op, size) = (TRANSPOSES[1], [1028, 1020, 16]);
        let shapes = shapes(&op, [&[], &[]], size);
        let ((a, a_values), (b, b_values)) =
            (random_tensor(&context, 1, &shapes[0]), random_tensor(&context, 2, &shapes[1]));
        let expected = expect(&op, &shapes, [&a_values, &b_values], None, None, None);
        let y = a
            .matmul_with(&b, &MatMulCall { algorithm: Some(MatmulAlgorithm::Vec4), ..MatMulCall::new(op) })
            .unwrap();
        cases.check("vec4", close(&y.to_vec().unwrap(), &expected, 1e-5, 4e-6));
        if !has_f16(&context, &mut cases) {
            continue;
        }
        let op = MatMul::default();
        let size = [516, 512, 4];
        let shapes = [vec![516, 4], vec![4, 512]];
        let ((a, a_values), (b, b_values)) =
            (random_f16(&context, 1, &shapes[0]), random_f16(&context, 2, &shapes[1]));
        let expected = expect(&op, &shapes, [&a_values, &b_values], None, None, None);
        let problem = problem(&op, 1, size, DType::F16);
        let y = emulated(
            &context,
            MatmulAlgorithm::Cooperative,
            SIXTEENS,
            &problem,
            [&a, &b],
            Epilogue::default(),
        )
        .unwrap();
        cases.check("cooperative", close_f16(&y, &expected, 4));
    }
    cases.finish();
}
