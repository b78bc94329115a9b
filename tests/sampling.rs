//! Composites that sample, pool by powers, and turn matrices into numbers: against PyTorch 1.13.1 in f64, in both modes, and
//! captured. All operands are 64ths, exact in f32.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, context, contexts, random};
use tilewright::{
    Context, DType, Tensor,
    autograd::{GradientCheck, check_gradients},
    graph::{Compiled, Options, capture},
    ops::{Pool2d, ShapeError},
    tensor::{
        Error,
        composite::{ConvTranspose3d, GridSample, Outside, Pool3d, Sampling},
    },
};

/// ((i · a + b) mod 64) / 32 − 1.
fn ramp(shape: &[usize], a: usize, b: usize) -> Vec<f32> {
    (0..shape.iter().product()).map(|at: usize| ((at * a + b) % 64) as f32 / 32.0 - 1.0).collect()
}

fn tensor(context: &Context, shape: &[usize]) -> Tensor {
    Tensor::from_slice(context, &ramp(shape, 37, 11), shape).unwrap()
}

/// A grid that leaves the image by a quarter to a half on each side.
fn grid(context: &Context, shape: &[usize], reach: f32) -> Tensor {
    let values: Vec<f32> = ramp(shape, 29, 5).into_iter().map(|place| place * reach).collect();
    Tensor::from_slice(context, &values, shape).unwrap()
}

fn is(y: &Tensor, expected: &[f32]) -> Result<(), String> {
    close(&y.to_vec().unwrap(), expected, 1e-5, 2e-6)
}

/// `torch.nn.functional.grid_sample`.
#[rustfmt::skip]
const PLANES: [(Sampling, Outside, bool, &[f32]); 18] = [
    (Sampling::Nearest, Outside::Zeros, false, &[0.0, 0.0, 0.0, 0.8125, 0.0, 0.0, 0.0, 0.0, 0.0, 0.6875, 0.0, 0.0]),
    (Sampling::Nearest, Outside::Zeros, true, &[-0.03125, 0.0, -0.5625, 0.8125, -0.34375, -0.34375, -0.15625, 0.0, -0.6875, 0.6875, -0.46875, -0.46875]),
    (Sampling::Nearest, Outside::Border, false, &[-0.03125, -0.5625, 0.8125, 0.8125, 0.8125, -0.34375, -0.15625, -0.6875, 0.6875, 0.6875, 0.6875, -0.46875]),
    (Sampling::Nearest, Outside::Border, true, &[-0.03125, -0.5625, -0.5625, 0.8125, -0.34375, -0.34375, -0.15625, -0.6875, -0.6875, 0.6875, -0.46875, -0.46875]),
    (Sampling::Nearest, Outside::Reflection, false, &[-0.03125, -0.5625, 0.8125, 0.8125, 0.8125, -0.34375, -0.15625, -0.6875, 0.6875, 0.6875, 0.6875, -0.46875]),
    (Sampling::Nearest, Outside::Reflection, true, &[-0.03125, 0.28125, -0.5625, 0.8125, -0.34375, -0.34375, -0.15625, 0.15625, -0.6875, 0.6875, -0.46875, -0.46875]),
    (Sampling::Linear, Outside::Zeros, false, &[0.0, 0.0, 0.06317139, 0.5109863, 0.22080994, -0.0050964355, 0.0, 0.0, 0.043640137, 0.43237305, 0.16416931, -0.009002686]),
    (Sampling::Linear, Outside::Zeros, true, &[0.016448975, -0.097595215, 0.06088257, 0.36108398, 0.13079071, -0.23179626, -0.058746338, -0.13763428, -0.03189087, 0.23608398, 0.00969696, -0.31773376]),
    (Sampling::Linear, Outside::Border, false, &[0.056640625, -0.17578125, 0.40429688, 0.8125, 0.4873047, -0.16308594, -0.068359375, -0.30078125, 0.27929688, 0.6875, 0.3623047, -0.28808594]),
    (Sampling::Linear, Outside::Border, true, &[0.02734375, -0.3046875, 0.08203125, 0.36108398, 0.13500977, -0.3371582, -0.09765625, -0.4296875, -0.04296875, 0.23608398, 0.010009766, -0.4621582]),
    (Sampling::Linear, Outside::Reflection, false, &[0.030273438, -0.061523438, 0.40429688, 0.8125, 0.4873047, -0.16308594, -0.09472656, -0.18652344, 0.27929688, 0.6875, 0.3623047, -0.28808594]),
    (Sampling::Linear, Outside::Reflection, true, &[-0.3088379, 0.013916016, 0.057861328, 0.36108398, 0.12866211, -0.14672852, -0.4338379, -0.111083984, -0.06713867, 0.23608398, 0.0036621094, -0.27172852]),
    (Sampling::Cubic, Outside::Zeros, false, &[-0.0021845666, 0.025741134, 0.07728384, 0.74064296, 0.3305108, -0.0063264198, 0.0005999205, 0.039740443, 0.058746826, 0.6577122, 0.2685031, -0.0093924]),
    (Sampling::Cubic, Outside::Zeros, true, &[0.13876656, -0.1394052, 0.085606426, 0.4888016, 0.09353563, -0.31360495, 0.06159151, -0.17780465, -0.018438984, 0.33873641, -0.037635457, -0.40206015]),
    (Sampling::Cubic, Outside::Border, false, &[0.09175074, -0.27428913, 0.4137442, 1.0528344, 0.54185736, -0.2600499, -0.03324926, -0.39928913, 0.2887442, 0.9278344, 0.41685736, -0.3850499]),
    (Sampling::Cubic, Outside::Border, true, &[0.15638131, -0.42244568, 0.023824964, 0.37325287, 0.032316264, -0.41458106, 0.031381313, -0.54744565, -0.10117504, 0.24825287, -0.09268373, -0.53958106]),
    (Sampling::Cubic, Outside::Reflection, false, &[0.06667643, -0.09886003, 0.4642095, 1.1254673, 0.6202647, -0.2715904, -0.058323566, -0.22386003, 0.3392095, 1.0004673, 0.49526474, -0.3965904]),
    (Sampling::Cubic, Outside::Reflection, true, &[-0.30149648, 0.027586913, 0.10349882, 0.5635599, 0.119410925, -0.26343483, -0.42649648, -0.097413085, -0.02150118, 0.4385599, -0.005589073, -0.38843483]),
];

#[test]
fn images_are_sampled_as_pytorch_does() {
    let mut cases = Cases::new();
    for context in contexts() {
        let (x, grid) = (tensor(&context, &[1, 2, 3, 4]), grid(&context, &[1, 2, 3, 2], 1.5));
        for (sampling, outside, align_corners, expected) in PLANES {
            let op = GridSample { sampling, outside, align_corners };
            let y = x.grid_sample(&grid, &op).unwrap();
            assert_eq!(y.shape(), [1, 2, 2, 3]);
            cases.check(format!("{op:?} ({:?})", context.mode()), is(&y, expected));
        }
    }
    cases.finish();
}

#[test]
fn volumes_are_sampled_as_pytorch_does() {
    let mut cases = Cases::new();
    for context in contexts() {
        let (x, grid) = (tensor(&context, &[1, 1, 2, 2, 3]), grid(&context, &[1, 1, 2, 2, 3], 1.25));
        for (outside, expected) in [
            (Outside::Zeros, [-0.003126666, 0.11399078, 0.45707905, 0.13855666]),
            (Outside::Border, [-0.025878906, 0.21777344, 0.59375, 0.47973633]),
            (Outside::Reflection, [-0.025878906, 0.21777344, 0.59375, 0.47973633]),
        ] {
            let op = GridSample { sampling: Sampling::Linear, outside, align_corners: false };
            cases.check(format!("{op:?}"), is(&x.grid_sample(&grid, &op).unwrap(), &expected));
        }
    }
    cases.finish();
}

/// Each image by its own places, zeros outside although the image is infinite there, and a line of NaN that stays its own.
#[test]
fn batches_do_not_meet_and_infinities_stay_where_they_are() {
    let context = context();
    let x = Tensor::from_slice(&context, &[1.0, 2.0, 3.0, f32::INFINITY, f32::NAN, 6.0_f32], &[2, 1, 1, 3])
        .unwrap();
    let places = [-1.0, 0.0, -2.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0_f32];
    let grid = Tensor::from_slice(&context, &places, &[2, 1, 3, 2]).unwrap();
    let op = GridSample { sampling: Sampling::Nearest, outside: Outside::Zeros, align_corners: true };
    let y: Vec<f32> = x.grid_sample(&grid, &op).unwrap().to_vec().unwrap();
    assert_eq!(y[..4], [1.0, 0.0, 3.0, 6.0]);
    assert!(y[4].is_nan() && y[5] == f32::INFINITY, "{y:?}");
}

#[test]
fn determinants() {
    let mut cases = Cases::new();
    for context in contexts() {
        let of = |values: &[f32], shape: &[usize]| {
            Tensor::from_slice(&context, values, shape).unwrap().det().unwrap().to_vec::<f32>().unwrap()
        };
        let mut check = |name: &str, found: Vec<f32>, expected: &[f32]| {
            cases.check(name, close(&found, expected, 1e-5, 2e-6));
        };
        check("batch", tensor(&context, &[2, 3, 3]).det().unwrap().to_vec().unwrap(), &[0.125, -0.8964844]);
        check("a pivot of zero", of(&[0.0, 2.0, 1.0, 1.0, 0.0, 3.0, 4.0, 5.0, 0.0], &[3, 3]), &[29.0]);
        check("singular", of(&[1.0, 2.0, 2.0, 4.0], &[2, 2]), &[0.0]);
        check("zeros", of(&[0.0; 9], &[3, 3]), &[0.0]);
        check("one", of(&[-3.0, 5.0], &[2, 1, 1]), &[-3.0, 5.0]);
        check("none", of(&[], &[2, 0, 0]), &[1.0, 1.0]);
    }
    cases.finish();
}

#[test]
fn transposed_convolution_over_three_axes() {
    for context in contexts() {
        let x = tensor(&context, &[1, 2, 3, 2, 2]);
        let weight = Tensor::from_slice(&context, &ramp(&[2, 1, 2, 2, 1], 13, 7), &[2, 1, 2, 2, 1]).unwrap();
        let y = x
            .conv_transpose3d(&weight, &ConvTranspose3d { groups: 2, ..ConvTranspose3d::default() })
            .unwrap();
        assert_eq!(y.shape(), [1, 2, 4, 3, 2]);
        is(&y, &CONV_TRANSPOSE).unwrap();
    }
}

#[rustfmt::skip]
const CONV_TRANSPOSE: [f32; 48] = [
    0.5126953, -0.390625, 0.51464844, -0.8222656, 0.12890625, -0.3046875, 0.00390625, 0.69921875, -0.5058594, 1.0117188, -0.25585938, 0.56640625, -0.46484375, 0.16796875, -0.9355469, -0.35546875, -0.21679688, -0.26953125, 0.018554688, -0.0078125, 0.28808594, -0.107421875, 0.39648438, 0.02734375, -0.6591797, 0.31640625, 0.19042969, 0.29882812, 0.3515625, -0.515625, 0.13671875, -0.97265625, 0.36132812, -0.04296875, -0.14648438, 0.55859375, 0.44921875, 0.02734375, 0.24414062, 0.40234375, -0.5761719, 0.00390625, -0.16113281, 0.12890625, -0.23925781, -0.001953125, 0.048828125, -0.00390625,
];

/// (Σ |x|ᵖ)^(1/p) of windows of 2 × 2.
#[test]
fn pools_by_powers() {
    let mut cases = Cases::new();
    for context in contexts() {
        let x = tensor(&context, &[1, 1, 4, 5]);
        for (p, expected) in [
            (1, [2.3125, 2.3125, 1.8125, 2.3125]),
            (2, [1.235067, 1.2030236, 1.149898, 1.3324379]),
            (3, [1.0322152, 0.9879536, 1.0238606, 1.1531448]),
        ] {
            cases.check(format!("2-D, p {p}"), is(&x.lp_pool2d(p, &Pool2d::new([2, 2])).unwrap(), &expected));
            let volume = x.reshape(&[1, 1, 1, 4, 5]).unwrap();
            let y = volume.lp_pool3d(p, &Pool3d::new([1, 2, 2])).unwrap();
            cases.check(format!("3-D, p {p}"), is(&y, &expected));
        }
    }
    cases.finish();
}

#[test]
fn the_root_of_the_mean_square() {
    for context in contexts() {
        let x = tensor(&context, &[2, 3, 4]);
        let weight = Tensor::from_slice(&context, &[0.5, 1.0, 1.5, 2.0_f32], &[4]).unwrap();
        is(&x.rms_norm(2, Some(&weight), 0.25).unwrap(), &LINES).unwrap();
        is(&x.rms_norm(1, None, 0.25).unwrap(), &PLANES_OF_RMS).unwrap();
    }
}

#[rustfmt::skip]
const LINES: [f32; 24] = [
    -0.4184961, 0.63770837, -0.65763676, 2.0725522, -0.021252558, -1.1901432, 0.57381904, -1.5301841, 0.39669517, -0.3340591, 1.8164462, 0.16702954, -0.49980012, 0.47980812, -0.8996402, 1.7592964, -0.098399274, -1.2595106, 0.2951978, -1.7318271, 0.33358052, -0.53372884, 1.6679026, -0.17790961,
];

#[rustfmt::skip]
const PLANES_OF_RMS: [f32; 24] = [
    -0.86787236, 0.66123605, -0.4545998, 1.0745087, -0.041327253, -1.1571631, 0.3719453, -0.7438906, 0.7852178, -0.33061802, 1.1984904, 0.082654506, -1.0273491, 0.49312755, -0.6164094, 0.90406716, -0.20546982, -1.3150069, 0.20546982, -0.90406716, 0.6164094, -0.49312755, 1.0273491, -0.08218793,
];

#[test]
fn gradients_match_finite_differences() {
    let (context, mut cases) = (context(), Cases::new());
    let x = (random(1, 24, 0.2, 1.0), vec![1, 1, 4, 6]);
    let weight = (random(2, 6, 0.5, 1.5), vec![6]);
    let mut check =
        |name: &str, inputs: &[(Vec<f32>, Vec<usize>)], function: &dyn Fn(&[tilewright::Var]) -> _| {
            cases.check(name, check_gradients(&context, inputs, GradientCheck::default(), function));
        };
    check("rms_norm", &[x.clone(), weight], &|v| v[0].rms_norm(3, Some(&v[1]), 1e-2));
    for p in 1..4 {
        check("lp_pool2d", std::slice::from_ref(&x), &|v| v[0].lp_pool2d(p, &Pool2d::new([2, 2])));
    }
    cases.finish();
}

/// What was written down gives what was run.
#[test]
fn all_can_be_captured() {
    let context = context();
    let (x, grid) = (tensor(&context, &[1, 2, 3, 3]), grid(&context, &[1, 2, 3, 2], 1.5));
    let op = GridSample { sampling: Sampling::Linear, outside: Outside::Reflection, align_corners: false };
    let all = |x: &Tensor, grid: &Tensor| -> Result<Vec<(String, Tensor)>, Error> {
        let results = [
            x.grid_sample(grid, &op)?,
            x.det()?,
            x.rms_norm(2, None, 1e-3)?,
            x.lp_pool2d(3, &Pool2d::new([2, 2]))?,
        ];
        Ok(results.into_iter().enumerate().map(|(at, y)| (at.to_string(), y)).collect())
    };
    let eager = all(&x, &grid).unwrap();
    let symbols = [("x", x.shape(), DType::F32), ("grid", grid.shape(), DType::F32)];
    let graph = capture(&context, &symbols, |inputs| all(&inputs[0], &inputs[1])).unwrap();
    let outputs = Compiled::new(&graph, &Options::default()).unwrap().run(&[&x, &grid]).unwrap();
    for ((name, eager), found) in eager.iter().zip(&outputs) {
        let eager: Vec<f32> = eager.to_vec().unwrap();
        close(&found.to_vec().unwrap(), &eager, 1e-5, 2e-6).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn operands_that_do_not_fit_are_typed_errors() {
    let context = context();
    let x = tensor(&context, &[1, 2, 3, 4]);
    let shape = |outcome: Result<Tensor, Error>| match outcome {
        Err(Error::Shape(error)) => error,
        other => panic!("{other:?}"),
    };
    let op = GridSample { sampling: Sampling::Linear, outside: Outside::Zeros, align_corners: false };
    for wrong in [&[2, 2, 3, 2][..], &[1, 2, 3, 3], &[1, 2, 2]] {
        let error = shape(x.grid_sample(&tensor(&context, wrong), &op));
        assert!(matches!(error, ShapeError::Operand { .. }), "{wrong:?}: {error}");
    }
    assert!(matches!(shape(x.reshape(&[24]).unwrap().grid_sample(&x, &op)), ShapeError::Rank { .. }));
    assert!(matches!(shape(x.det()), ShapeError::Parameter { .. }));
    assert!(matches!(shape(x.reshape(&[24]).unwrap().det()), ShapeError::Rank { .. }));
    assert!(matches!(shape(x.lp_pool2d(0, &Pool2d::new([2, 2]))), ShapeError::Parameter { .. }));
    assert!(matches!(shape(x.rms_norm(4, None, 1e-5)), ShapeError::Rank { .. }));
    assert!(matches!(shape(x.conv_transpose3d(&x, &ConvTranspose3d::default())), ShapeError::Rank { .. }));
    assert!(matches!(shape(x.pixel_unshuffle(3)), ShapeError::Parameter { .. }));
}
