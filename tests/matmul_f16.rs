//! Products of f16, and fp32 by halves: plain kernels, and those for cooperative matrices by emulated ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, context, contexts, random, random_tensor};
use half::f16;
use tilewright::{
    Context, ContextOptions, DType, Layout, Mode, Tensor,
    kernels::{
        cooperative::Emulation,
        matmul::{MatmulAlgorithm, Operands, Problem, matmul_emulated},
        select::{self, Cooperative, Device},
    },
    ops::{MatMul, UnaryOp},
    tensor::Epilogue,
};
use tilewright_reference::{elementwise, matmul as reference, split_f16};

/// The smallest tiles of matrices of 16 × 16 and of 8 × 8.
const SIXTEENS: Emulation = Emulation { edge: 16, squares: 1 };
const EIGHTS: Emulation = Emulation { edge: 8, squares: 2 };

const TRANSPOSES: [MatMul; 4] = [
    MatMul { transpose_left: false, transpose_right: false },
    MatMul { transpose_left: false, transpose_right: true },
    MatMul { transpose_left: true, transpose_right: false },
    MatMul { transpose_left: true, transpose_right: true },
];

/// A random f16 tensor in −1..1, with the numbers it holds.
fn random_f16(context: &Context, seed: u64, shape: &[usize]) -> (Tensor, Vec<f32>) {
    let halves: Vec<f16> =
        random(seed, shape.iter().product(), -1.0, 1.0).into_iter().map(f16::from_f32).collect();
    let values = halves.iter().map(|half| half.to_f32()).collect();
    (Tensor::from_slice(context, &halves, shape).unwrap(), values)
}

fn shapes(op: &MatMul, batch: [&[usize]; 2], [m, n, k]: [usize; 3]) -> [Vec<usize>; 2] {
    let left = if op.transpose_left { [k, m] } else { [m, k] };
    let right = if op.transpose_right { [n, k] } else { [k, n] };
    [[batch[0], &left].concat(), [batch[1], &right].concat()]
}

fn problem(op: &MatMul, batches: usize, [m, n, k]: [usize; 3], dtype: DType) -> Problem {
    let MatMul { transpose_left, transpose_right } = *op;
    let stride = |elements| if batches > 1 { elements } else { 0 };
    let (left_stride, right_stride) = (stride(m * k), stride(k * n));
    Problem { batches, m, n, k, transpose_left, transpose_right, left_stride, right_stride, dtype }
}

/// A device without f16 in shaders says so, and the test holds it to that.
fn has_f16(context: &Context, cases: &mut Cases) -> bool {
    let device = Device::of(context);
    if !device.f16 {
        let (x, _) = random_f16(context, 1, &[4, 4]);
        let naive = Some(MatmulAlgorithm::Naive);
        let error = x.matmul_as(&x, &MatMul::default(), None, None, naive).unwrap_err().to_string();
        let outcome = if error.contains("no f16 in shaders") { Ok(()) } else { Err(error) };
        cases.check("a device without f16", outcome);
    }
    device.f16
}

fn expect(
    op: &MatMul,
    shapes: &[Vec<usize>; 2],
    values: [&[f32]; 2],
    bias: Option<&[f32]>,
    residual: Option<&[f32]>,
    activation: Option<UnaryOp>,
) -> Vec<f32> {
    let mut y = reference::matmul(*op, values[0], &shapes[0], values[1], &shapes[1]);
    if let Some(residual) = residual {
        y.iter_mut().zip(residual).for_each(|(y, residual)| *y += residual);
    }
    if let Some(bias) = bias {
        y.iter_mut().enumerate().for_each(|(i, y)| *y += bias[i % bias.len()]);
    }
    activation.map_or(y.clone(), |activation| elementwise::unary(activation, &y))
}

/// The result is rounded to f16, to half a unit in the last of its 11 bits; the sum before that as one of f32.
fn close_f16(y: &Tensor, expected: &[f32], k: usize) -> Result<(), String> {
    assert_eq!(y.dtype(), DType::F16);
    let actual: Vec<f32> = y.to_vec::<f16>().unwrap().iter().map(|half| half.to_f32()).collect();
    close(&actual, expected, 4.9e-4, 8e-7 * (k as f64).sqrt().max(1.0))
}

#[test]
fn f16_by_every_algorithm() {
    let sizes = [
        [1, 1, 1],
        [3, 1, 65],
        [16, 16, 16],
        [17, 15, 33],
        [33, 31, 8],
        [64, 64, 64],
        [65, 68, 20],
        [129, 127, 5],
        [132, 132, 36],
        [8, 12, 2052],
    ];
    let activation = Some(UnaryOp::LeakyRelu { slope: 0.3 });
    let mut cases = Cases::new();
    for context in contexts() {
        if !has_f16(&context, &mut cases) {
            continue;
        }
        for size in sizes {
            for op in TRANSPOSES {
                let shapes = shapes(&op, [&[2], &[2]], size);
                let ((a, a_values), (b, b_values)) =
                    (random_f16(&context, 1, &shapes[0]), random_f16(&context, 2, &shapes[1]));
                let (bias, bias_values) = random_tensor(&context, 3, &[size[1]]);
                let (residual, residual_values) = random_f16(&context, 4, &[2, size[0], size[1]]);
                let addends = [Some(&bias_values[..]), Some(&residual_values[..])];
                let expected =
                    expect(&op, &shapes, [&a_values, &b_values], addends[0], addends[1], activation);
                let epilogue = Epilogue { bias: Some(&bias), residual: Some(&residual), activation };
                let problem = problem(&op, 2, size, DType::F16);
                for algorithm in select::matmul_candidates(&Device::of(&context), &problem) {
                    let outcome = a
                        .matmul_fused(&b, &op, &epilogue, Some(algorithm))
                        .map_err(|error| error.to_string())
                        .and_then(|y| close_f16(&y, &expected, size[2]));
                    cases.check(format!("{:?} {algorithm:?} {size:?} {op:?}", context.mode()), outcome);
                }
                let chosen = a.matmul_fused(&b, &op, &epilogue, None).unwrap();
                cases.check(format!("chosen {size:?} {op:?}"), close_f16(&chosen, &expected, size[2]));
            }
        }
    }
    cases.finish();
}

#[test]
fn mixed_and_other_types_are_typed_errors() {
    let context = context();
    let (wide, _) = random_tensor(&context, 1, &[4, 4]);
    let (half, _) = random_f16(&context, 1, &[4, 4]);
    let error = half.matmul(&wide).unwrap_err().to_string();
    assert!(error.contains("matmul") && error.contains("right") && error.contains("f16"), "{error}");
    let whole = wide.cast(DType::I32).unwrap();
    let error = whole.matmul(&whole).unwrap_err().to_string();
    assert!(error.contains("i32") && error.contains("f32 or f16"), "{error}");
    let error = Tensor::matmul_backward(&half, &half, &MatMul::default(), &half).unwrap_err().to_string();
    assert!(error.contains("matmul_backward") && error.contains("f16"), "{error}");
    let (bias, _) = random_f16(&context, 1, &[4]);
    let error = half.matmul_with(&half, &MatMul::default(), Some(&bias), None).unwrap_err().to_string();
    assert!(error.contains("bias") && error.contains("f32"), "{error}");
}

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
        // Around the tiles of 32 and 64 and the steps along K, with edges, batches, few tiles and a long K. Not every size with
        // every transpose: a pipeline takes seconds to compile on a CPU.
        for (emulation, batches, size, transposes) in [
            (SIXTEENS, 2, [36, 28, 20], &TRANSPOSES[..]),
            (SIXTEENS, 1, [32, 32, 32], &TRANSPOSES),
            (SIXTEENS, 1, [4, 4, 4], &TRANSPOSES),
            (SIXTEENS, 1, [40, 27, 24], &TRANSPOSES[1..2]),
            (SIXTEENS, 1, [8, 12, 1032], &TRANSPOSES[2..3]),
            (Emulation { squares: 2, ..SIXTEENS }, 1, [68, 60, 36], &TRANSPOSES[..1]),
            (EIGHTS, 2, [36, 28, 20], &TRANSPOSES),
            (EIGHTS, 1, [40, 27, 24], &TRANSPOSES[1..2]),
            (EIGHTS, 1, [8, 12, 1032], &TRANSPOSES[2..3]),
        ] {
            for &op in transposes {
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
        for (batches, size, op) in [
            (2, [36, 28, 20], TRANSPOSES[0]),
            (1, [40, 27, 24], TRANSPOSES[1]),
            (1, [8, 12, 1032], TRANSPOSES[2]),
        ] {
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
        for (squares, batches, size, scales) in [
            (1, 1, [64, 32, 32], [1.0, 1.0]),
            (1, 2, [66, 30, 17], [1e12, 1e-20]),
            (1, 1, [3, 5, 7], [3e-30, 1e-5]),
            (1, 1, [9, 12, 1040], [70_000.0, 1e-6]),
            (2, 1, [129, 65, 33], [1.0, 5.0]),
        ] {
            for op in TRANSPOSES {
                let shapes = shapes(&op, [&[batches], &[batches]], size);
                let operand = |seed, shape: &[usize], scale: f32| {
                    let values: Vec<f32> =
                        random(seed, shape.iter().product(), -1.0, 1.0).iter().map(|x| x * scale).collect();
                    (Tensor::from_slice(&context, &values, shape).unwrap(), values)
                };
                let (a, a_values) = operand(1, &shapes[0], scales[0]);
                let (b, b_values) = operand(2, &shapes[1], scales[1]);
                let exact = expect(&op, &shapes, [&a_values, &b_values], None, None, None);
                let magnitude = |x: &[f32]| x.iter().map(|x| x.abs()).collect::<Vec<_>>();
                let absolute =
                    expect(&op, &shapes, [&magnitude(&a_values), &magnitude(&b_values)], None, None, None);
                let problem = problem(&op, batches, size, DType::F32);
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
            let outcome = x.matmul_as(x, &MatMul::default(), None, None, Some(algorithm));
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
        for emulation in [Emulation { edge: 4, squares: 4 }, Emulation { edge: 8, squares: 1 }] {
            let error = refused(MatmulAlgorithm::Cooperative, emulation, DType::F16);
            assert!(error.contains("16 × 16 and of 8 × 8"), "{error}");
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
            assert!(
                context.cooperative_matrices().is_empty() || !device.f16 || cfg!(not(target_os = "linux"))
            );
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
                    .matmul_as(&b, &op, None, None, Some(MatmulAlgorithm::Cooperative))
                    .map_err(|error| error.to_string())
                    .and_then(|y| close_f16(&y, &expected, size[2]));
                cases.check(format!("f16 {size:?} {op:?}"), outcome);
                let ((a, a_values), (b, b_values)) =
                    (random_tensor(&context, 1, &shapes[0]), random_tensor(&context, 2, &shapes[1]));
                let expected = expect(&op, &shapes, [&a_values, &b_values], None, None, None);
                let outcome = a
                    .matmul_as(&b, &op, None, None, Some(MatmulAlgorithm::SplitF16))
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
        assert!(
            context.mode() == Mode::Checked
                || tilewright::kernels::cooperative::trials(&context)[0].is_some()
        );
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
        let y = a.matmul_as(&b, &op, None, None, Some(MatmulAlgorithm::Vec4)).unwrap();
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

/// A device of the application's that was asked for no features.
fn without_features() -> Context {
    let options = ContextOptions::from_env().unwrap();
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter =
        pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    Context::from_device(device, queue, &options)
}

#[test]
fn without_f16_in_shaders_products_go_by_way_of_f32() {
    let context = without_features();
    let device = Device::of(&context);
    assert!(!device.f16 && device.cooperative == Cooperative::Absent);
    let mut cases = Cases::new();
    assert!(!has_f16(&context, &mut cases));
    let (size, op) = ([36, 40, 20], MatMul::default());
    let shapes = shapes(&op, [&[], &[]], size);
    let ((a, a_values), (b, b_values)) =
        (random_f16(&context, 1, &shapes[0]), random_f16(&context, 2, &shapes[1]));
    let (residual, residual_values) = random_f16(&context, 4, &[size[0], size[1]]);
    let expected = expect(&op, &shapes, [&a_values, &b_values], None, Some(&residual_values), None);
    let epilogue = Epilogue { residual: Some(&residual), ..Epilogue::default() };
    let y = a.matmul_fused(&b, &op, &epilogue, None).unwrap();
    cases.check("f16", close_f16(&y, &expected, size[2]));
    // The same files without their f16.
    let (wide_a, wide_b) = (a.cast(DType::F32).unwrap(), b.cast(DType::F32).unwrap());
    let expected = expect(&op, &shapes, [&a_values, &b_values], None, None, None);
    for algorithm in [MatmulAlgorithm::Naive, MatmulAlgorithm::RegisterTiled, MatmulAlgorithm::Vec4] {
        let y = wide_a.matmul_as(&wide_b, &op, None, None, Some(algorithm)).unwrap();
        cases.check(format!("{algorithm:?}"), close(&y.to_vec().unwrap(), &expected, 1e-5, 4e-6));
    }
    let x = wide_a.reshape(&[1, 36, 4, 5]).unwrap();
    let weight = Tensor::ones(&context, &[8, 36, 3, 3]).unwrap();
    let conv = tilewright::ops::Conv2d::default();
    let y = x.conv2d(&weight, None, &conv).unwrap();
    let halves = [&x, &weight].map(|tensor| tensor.cast(DType::F16).unwrap());
    let narrow = halves[0].conv2d(&halves[1], None, &conv).unwrap();
    cases.check("conv2d", close_f16(&narrow, &y.to_vec::<f32>().unwrap(), 324));
    cases.finish();
}
