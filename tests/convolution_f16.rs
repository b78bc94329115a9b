//! Convolutions of f16: plain kernels, and the one for cooperative matrices by emulated ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, context, contexts, left_out, random, random_tensor};
use half::f16;
use tilewright::{
    Context, Conv2dAlgorithm, Conv2dCall, DType, Layout, Tensor,
    kernels::{
        convolution::{Conv2dLaunch as Launch, Pass, Problem, forward, forward_emulated, pack_weight},
        cooperative::Emulation,
        select::{self, Cooperative, Device},
    },
    ops::{Conv2d, UnaryOp},
    tensor::Epilogue,
};
use tilewright_reference::{convolution as reference, elementwise};

/// The smallest tile of matrices of 8 × 8.
const EIGHTS: Emulation = Emulation { edge: 8, squares: 1, tile_k: 32 };

const PLAIN: Conv2d = Conv2d { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };

type Shape = (Conv2d, [usize; 4], [usize; 4]);

/// Around the tiles of windows, channels and terms, with stride, dilation, groups, odd channels and a long sum.
fn shapes() -> Vec<Shape> {
    let same = Conv2d { padding: [1, 1], ..PLAIN };
    vec![
        (same, [2, 3, 9, 8], [8, 3, 3, 3]),
        (same, [1, 5, 4, 4], [7, 5, 3, 3]),
        (same, [2, 8, 9, 9], [12, 8, 3, 3]),
        (Conv2d { stride: [2, 1], dilation: [1, 2], ..same }, [2, 4, 11, 12], [36, 4, 3, 3]),
        (Conv2d { groups: 2, ..same }, [1, 24, 7, 7], [40, 12, 3, 3]),
        (PLAIN, [1, 68, 5, 7], [36, 68, 1, 1]),
        (Conv2d { stride: [2, 2], ..PLAIN }, [2, 8, 7, 7], [16, 8, 1, 1]),
        (Conv2d { groups: 12, ..same }, [2, 12, 7, 9], [12, 1, 3, 3]),
        (Conv2d { groups: 5, stride: [2, 2], ..same }, [1, 5, 8, 9], [5, 1, 3, 3]),
        // Few windows and many terms, so that the sum is split.
        (same, [1, 128, 3, 3], [8, 128, 3, 3]),
        (same, [0, 4, 5, 5], [4, 4, 3, 3]),
    ]
}

struct Case {
    x: Tensor,
    w: Tensor,
    bias: Tensor,
    residual: Tensor,
    expected: Vec<f32>,
    terms: usize,
}

const ACTIVATION: UnaryOp = UnaryOp::LeakyRelu { slope: 0.2 };

fn random_f16(context: &Context, seed: u64, shape: &[usize]) -> (Tensor, Vec<f32>) {
    let halves: Vec<f16> =
        random(seed, shape.iter().product(), -1.0, 1.0).into_iter().map(f16::from_f32).collect();
    let values = halves.iter().map(|half| half.to_f32()).collect();
    (Tensor::from_slice(context, &halves, shape).unwrap(), values)
}

fn case(context: &Context, (op, x_shape, w_shape): &Shape) -> Case {
    let y_shape = op.output_shape(*x_shape, *w_shape).unwrap();
    let (x, x_values) = random_f16(context, 1, x_shape);
    let (w, w_values) = random_f16(context, 2, w_shape);
    let (bias, bias_values) = random_tensor(context, 3, &w_shape[..1]);
    let (residual, residual_values) = random_f16(context, 4, &y_shape);
    let sums = reference::conv2d(op, &x_values, *x_shape, &w_values, *w_shape, Some(&bias_values));
    let sums: Vec<f32> = sums.iter().zip(&residual_values).map(|(y, residual)| y + residual).collect();
    let expected = elementwise::unary(ACTIVATION, &sums);
    Case { x, w, bias, residual, expected, terms: w_shape[1..].iter().product() }
}

impl Case {
    fn epilogue(&self) -> Epilogue<'_> {
        Epilogue { bias: Some(&self.bias), residual: Some(&self.residual), activation: Some(ACTIVATION) }
    }

    /// A result of f16 is rounded to half a unit in the last of its 11 bits; the sum before that as one of f32.
    fn agrees(&self, y: &Tensor) -> Result<(), String> {
        assert_eq!(y.layout(), Layout::ChannelsLast);
        let absolute = 8e-7 * (self.terms as f64).sqrt().max(1.0);
        if y.dtype() == DType::F32 {
            return close(&y.to_vec().unwrap(), &self.expected, 1e-5, absolute);
        }
        let actual: Vec<f32> = y.to_vec::<f16>().unwrap().iter().map(|half| half.to_f32()).collect();
        close(&actual, &self.expected, 4.9e-4, absolute)
    }
}

fn problem((op, x_shape, w_shape): &Shape) -> Problem {
    Problem::new(op, *x_shape, *w_shape).unwrap().with_dtype(DType::F16)
}

/// A device without f16 in shaders says so, and the test holds it to that.
fn has_f16(context: &Context, cases: &mut Cases) -> bool {
    let device = Device::of(context);
    if !device.f16 {
        let (x, _) = random_f16(context, 1, &[1, 4, 4, 4]);
        let error = x
            .conv2d_with(
                &x,
                &Conv2dCall { algorithm: Some(Conv2dAlgorithm::Direct), ..Conv2dCall::new(PLAIN) },
            )
            .unwrap_err()
            .to_string();
        cases.check("a device without f16", if error.contains("no f16") { Ok(()) } else { Err(error) });
    }
    device.f16
}

#[test]
fn forward_by_every_algorithm() {
    let mut cases = Cases::new();
    for context in contexts() {
        if !has_f16(&context, &mut cases) {
            continue;
        }
        for (at, shape) in shapes().into_iter().enumerate() {
            if left_out(&context, at + 1) {
                continue;
            }
            let case = case(&context, &shape);
            let candidates =
                select::conv2d_candidates(&Device::of(&context), Pass::Forward, &problem(&shape));
            assert!(!candidates.is_empty());
            for algorithm in candidates.into_iter().map(Some).chain([None]) {
                let outcome = case
                    .x
                    .conv2d_with(
                        &case.w,
                        &Conv2dCall { algorithm, ..Conv2dCall::new(shape.0).with_epilogue(case.epilogue()) },
                    )
                    .map_err(|error| error.to_string())
                    .and_then(|y| case.agrees(&y));
                cases.check(format!("{:?} {algorithm:?} {shape:?}", context.mode()), outcome);
            }
        }
    }
    cases.finish();
}

fn emulated(
    context: &Context,
    emulation: Emulation,
    dtype: DType,
    shape: &Shape,
    case: &Case,
) -> Result<Tensor, String> {
    let problem = problem(shape).with_dtype(dtype);
    let y = Tensor::empty(context, &problem.y_shape, dtype, Layout::ChannelsLast).unwrap();
    let of_type = |x: &Tensor| x.cast(dtype).unwrap();
    let x = of_type(&case.x).to_layout(Layout::ChannelsLast).unwrap();
    let residual = of_type(&case.residual).to_layout(Layout::ChannelsLast).unwrap();
    let w = of_type(&case.w);
    let call = Launch {
        bias: Some(case.bias.buffer()),
        residual: Some(residual.buffer()),
        activation: Some(ACTIVATION),
        ..Launch::new(&problem, x.buffer(), w.buffer())
    };
    forward_emulated(context, emulation, &call, y.buffer()).map_err(|error| error.to_string())?;
    Ok(y)
}

#[test]
fn the_cooperative_kernel_with_emulated_matrices() {
    let mut cases = Cases::new();
    for context in contexts() {
        if !has_f16(&context, &mut cases) {
            continue;
        }
        let mut ran = 0;
        for (at, shape) in shapes().into_iter().enumerate() {
            if left_out(&context, at + 1) {
                continue;
            }
            let case = case(&context, &shape);
            let [inputs, outputs] = [shape.2[1], shape.2[0] / shape.0.groups];
            // One case for the larger tile, which takes seconds to compile on a CPU.
            let squares = 1 + u32::from(at == 4);
            for (emulation, dtype) in [
                (Emulation { edge: 16, squares, tile_k: 16 }, DType::F16),
                (EIGHTS, DType::F16),
                (EIGHTS, DType::F32),
            ] {
                let outcome = emulated(&context, emulation, dtype, &shape, &case);
                if inputs % 4 != 0 || outputs % 4 != 0 || case.expected.is_empty() {
                    let error = outcome.unwrap_err();
                    assert!(error.contains("vec4s of channels") || error.contains("zero"), "{error}");
                    continue;
                }
                ran += 1;
                let name = format!("{:?} {emulation:?} {dtype} {shape:?}", context.mode());
                cases.check(name, outcome.and_then(|y| case.agrees(&y)));
            }
        }
        assert!(ran >= if left_out(&context, 1) { 9 } else { 18 });
        let shape = (PLAIN, [1, 8, 4, 4], [8, 8, 3, 3]);
        let error =
            emulated(&context, Emulation { edge: 16, ..EIGHTS }, DType::F32, &shape, &case(&context, &shape))
                .unwrap_err();
        assert!(error.contains("it takes f16"), "{error}");
    }
    cases.finish();
}

#[test]
fn what_it_cannot_run_is_a_typed_error() {
    let context = context();
    if !has_f16(&context, &mut Cases::new()) {
        return;
    }
    let (x, _) = random_f16(&context, 1, &[1, 4, 5, 5]);
    let (w, _) = random_f16(&context, 2, &[4, 4, 3, 3]);
    let (wide, _) = random_tensor(&context, 2, &[4, 4, 3, 3]);
    let error = x.conv2d(&wide, None, &PLAIN).unwrap_err().to_string();
    assert!(error.contains("weight") && error.contains("f16"), "{error}");
    let y = x.conv2d(&w, None, &PLAIN).unwrap();
    for error in [
        Tensor::conv2d_backward_input(&y, &w, &[1, 4, 5, 5], &PLAIN, None).unwrap_err(),
        Tensor::conv2d_backward_weight(&y, &x, &[4, 4, 3, 3], &PLAIN, None).unwrap_err(),
    ] {
        assert!(error.to_string().contains("f16") && error.to_string().contains("f32"), "{error}");
    }
    for algorithm in [Conv2dAlgorithm::Depthwise, Conv2dAlgorithm::Lanes, Conv2dAlgorithm::Im2col] {
        let error = x
            .conv2d_with(&w, &Conv2dCall { algorithm: Some(algorithm), ..Conv2dCall::new(PLAIN) })
            .unwrap_err()
            .to_string();
        assert!(error.contains(algorithm.name()), "{error}");
    }
    if Device::of(&context).cooperative == Cooperative::Absent {
        let algorithm = Some(Conv2dAlgorithm::Cooperative);
        let error =
            x.conv2d_with(&w, &Conv2dCall { algorithm, ..Conv2dCall::new(PLAIN) }).unwrap_err().to_string();
        assert!(error.contains("cooperative matrices"), "{error}");
    }
    // A weight packed for one type is not read as the other.
    let f32_problem = Problem::new(&PLAIN, [1, 4, 5, 5], [4, 4, 3, 3]).unwrap();
    let algorithm = Some(Conv2dAlgorithm::ImplicitGemm);
    let packed = pack_weight(&context, &f32_problem, wide.buffer(), algorithm).unwrap();
    let x = x.to_layout(Layout::ChannelsLast).unwrap();
    let half_problem = f32_problem.with_dtype(DType::F16);
    let call = Launch { algorithm, ..Launch::new(&half_problem, x.buffer(), &packed) };
    let error = forward(&context, &call, y.buffer()).unwrap_err().to_string();
    assert!(error.contains("packed weight is f32"), "{error}");
}

#[test]
fn the_table_takes_matrix_units_where_they_pay() {
    let shape = (Conv2d { padding: [1, 1], ..PLAIN }, [1, 64, 56, 56], [64, 64, 3, 3]);
    let pick = |device: &Device| select::conv2d(device, Pass::Forward, &problem(&shape)).algorithm;
    assert_eq!(pick(&Device::COOPERATIVE_GPU), Conv2dAlgorithm::Cooperative);
    let cooperative =
        Cooperative::Present { edge: 16, f16_pays: false, f32_pays: false, split_f16_pays: true };
    assert_eq!(pick(&Device { cooperative, ..Device::COOPERATIVE_GPU }), Conv2dAlgorithm::ImplicitGemm);
    let wide = problem(&shape).with_dtype(DType::F32);
    let choice = select::conv2d(&Device::COOPERATIVE_GPU, Pass::Forward, &wide);
    assert_eq!(choice.algorithm, Conv2dAlgorithm::ImplicitGemm);
    // Matrices of f32, but not where Winograd saves multiplications.
    let apple = |problem: &Problem| select::conv2d(&Device::APPLE_GPU, Pass::Forward, problem).algorithm;
    assert_eq!(apple(&problem(&shape)), Conv2dAlgorithm::Cooperative);
    assert_eq!(apple(&wide), Conv2dAlgorithm::Cooperative);
    let saves = Problem::new(&shape.0, [1, 128, 56, 56], [128, 128, 3, 3]).unwrap();
    assert_eq!(apple(&saves), Conv2dAlgorithm::WinogradF4);
    let grad = select::conv2d(&Device::APPLE_GPU, Pass::BackwardInput, &wide).algorithm;
    assert_eq!(grad, Conv2dAlgorithm::ImplicitGemm);
}
