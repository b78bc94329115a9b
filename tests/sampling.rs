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
    (Sampling::Linear, Outside::Zeros, false, &[0.0, 0.0, 0.0631713867, 0.510986328, 0.220809937, -0.00509643555, 0.0, 0.0, 0.0436401367, 0.432373047, 0.164169312, -0.00900268555]),
    (Sampling::Linear, Outside::Zeros, true, &[0.0164489746, -0.0975952148, 0.0608825684, 0.361083984, 0.13079071, -0.231796265, -0.0587463379, -0.137634277, -0.0318908691, 0.236083984, 0.00969696045, -0.317733765]),
    (Sampling::Linear, Outside::Border, false, &[0.056640625, -0.17578125, 0.404296875, 0.8125, 0.487304688, -0.163085938, -0.068359375, -0.30078125, 0.279296875, 0.6875, 0.362304688, -0.288085938]),
    (Sampling::Linear, Outside::Border, true, &[0.02734375, -0.3046875, 0.08203125, 0.361083984, 0.135009766, -0.337158203, -0.09765625, -0.4296875, -0.04296875, 0.236083984, 0.0100097656, -0.462158203]),
    (Sampling::Linear, Outside::Reflection, false, &[0.0302734375, -0.0615234375, 0.404296875, 0.8125, 0.487304688, -0.163085938, -0.0947265625, -0.186523438, 0.279296875, 0.6875, 0.362304688, -0.288085938]),
    (Sampling::Linear, Outside::Reflection, true, &[-0.308837891, 0.0139160156, 0.0578613281, 0.361083984, 0.128662109, -0.146728516, -0.433837891, -0.111083984, -0.0671386719, 0.236083984, 0.00366210938, -0.271728516]),
    (Sampling::Cubic, Outside::Zeros, false, &[-0.00218456654, 0.0257411337, 0.0772838372, 0.740642938, 0.330510786, -0.00632641976, 0.000599920521, 0.0397404415, 0.0587468277, 0.657712199, 0.268503091, -0.0093923999]),
    (Sampling::Cubic, Outside::Zeros, true, &[0.138766552, -0.139405206, 0.0856064228, 0.48880159, 0.0935356297, -0.313604961, 0.0615915093, -0.177804646, -0.0184389842, 0.338736403, -0.0376354575, -0.402060161]),
    (Sampling::Cubic, Outside::Border, false, &[0.091750741, -0.274289131, 0.413744222, 1.0528344, 0.541857372, -0.260049922, -0.033249259, -0.399289131, 0.288744222, 0.927834399, 0.416857372, -0.385049922]),
    (Sampling::Cubic, Outside::Border, true, &[0.156381311, -0.422445675, 0.0238249629, 0.373252871, 0.0323162652, -0.414581071, 0.0313813114, -0.547445675, -0.101175037, 0.248252871, -0.0926837348, -0.539581071]),
    (Sampling::Cubic, Outside::Reflection, false, &[0.066676434, -0.0988600294, 0.464209503, 1.1254673, 0.620264725, -0.2715904, -0.058323566, -0.223860029, 0.339209503, 1.0004673, 0.495264725, -0.3965904]),
    (Sampling::Cubic, Outside::Reflection, true, &[-0.301496489, 0.0275869126, 0.10349882, 0.563559875, 0.119410927, -0.263434831, -0.426496489, -0.0974130874, -0.0215011799, 0.438559875, -0.00558907307, -0.388434831]),
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
            (Outside::Zeros, [-0.00312666595, 0.113990784, 0.457079053, 0.138556659]),
            (Outside::Border, [-0.0258789062, 0.217773438, 0.59375, 0.479736328]),
            (Outside::Reflection, [-0.0258789062, 0.217773438, 0.59375, 0.479736328]),
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
        check("batch", tensor(&context, &[2, 3, 3]).det().unwrap().to_vec().unwrap(), &[0.125, -0.896_484_4]);
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
    0.512695312, -0.390625, 0.514648438, -0.822265625, 0.12890625, -0.3046875, 0.00390625, 0.69921875, -0.505859375, 1.01171875, -0.255859375, 0.56640625, -0.46484375, 0.16796875, -0.935546875, -0.35546875, -0.216796875, -0.26953125, 0.0185546875, -0.0078125, 0.288085938, -0.107421875, 0.396484375, 0.02734375, -0.659179688, 0.31640625, 0.190429688, 0.298828125, 0.3515625, -0.515625, 0.13671875, -0.97265625, 0.361328125, -0.04296875, -0.146484375, 0.55859375, 0.44921875, 0.02734375, 0.244140625, 0.40234375, -0.576171875, 0.00390625, -0.161132812, 0.12890625, -0.239257812, -0.001953125, 0.048828125, -0.00390625,
];

/// (Σ |x|ᵖ)^(1/p) of windows of 2 × 2.
#[test]
fn pools_by_powers() {
    let mut cases = Cases::new();
    for context in contexts() {
        let x = tensor(&context, &[1, 1, 4, 5]);
        for (p, expected) in [
            (1, [2.3125, 2.3125, 1.8125, 2.3125]),
            (2, [1.23506705, 1.20302353, 1.14989809, 1.33243785]),
            (3, [1.0322152, 0.987953612, 1.02386055, 1.15314482]),
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
    -0.418496116, 0.637708367, -0.657636754, 2.07255219, -0.0212525571, -1.1901432, 0.573819042, -1.53018411, 0.396695153, -0.334059076, 1.81644623, 0.167029538, -0.49980012, 0.479808115, -0.899640216, 1.75929642, -0.098399272, -1.25951068, 0.295197816, -1.73182719, 0.333580522, -0.533728835, 1.66790261, -0.177909612,
];

#[rustfmt::skip]
const PLANES_OF_RMS: [f32; 24] = [
    -0.867872336, 0.661236065, -0.454599795, 1.07450861, -0.0413272541, -1.15716311, 0.371945287, -0.743890573, 0.785217828, -0.330618033, 1.19849037, 0.0826545082, -1.02734907, 0.493127551, -0.616409439, 0.904067177, -0.205469813, -1.3150068, 0.205469813, -0.904067177, 0.616409439, -0.493127551, 1.02734907, -0.0821879252,
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
