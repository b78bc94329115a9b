//! One product by one algorithm against the scalar reference, with all that may come behind it.

use tilewright::{
    Context, MatMulCall, Tensor,
    kernels::{
        matmul::{MatmulAlgorithm, Problem},
        select::{self, Device},
    },
    ops::{DType, MatMul, UnaryOp},
    tensor::Epilogue,
};
use tilewright_reference::{elementwise, matmul as reference};

use crate::common::{close, random_tensor};

pub const TRANSPOSES: [MatMul; 4] = [
    MatMul { transpose_left: false, transpose_right: false },
    MatMul { transpose_left: false, transpose_right: true },
    MatMul { transpose_left: true, transpose_right: false },
    MatMul { transpose_left: true, transpose_right: true },
];

/// Sums of K products of numbers in −1..1: rounding grows like √K, and near zero only absolutely.
pub fn tolerance(k: usize) -> (f64, f64) {
    (1e-5, 2e-7 * (k as f64).sqrt().max(1.0) * 4.0)
}

pub fn shapes(op: &MatMul, batch: [&[usize]; 2], [m, n, k]: [usize; 3]) -> [Vec<usize>; 2] {
    let left = if op.transpose_left { [k, m] } else { [m, k] };
    let right = if op.transpose_right { [n, k] } else { [k, n] };
    [[batch[0], &left].concat(), [batch[1], &right].concat()]
}

/// The algorithms that can run a shape on this device.
pub fn candidates(context: &Context, op: &MatMul, [m, n, k]: [usize; 3]) -> Vec<MatmulAlgorithm> {
    let MatMul { transpose_left, transpose_right } = *op;
    let (left_stride, right_stride) = (m * k, k * n);
    let problem = Problem {
        batches: 1,
        m,
        n,
        k,
        transpose_left,
        transpose_right,
        left_stride,
        right_stride,
        dtype: DType::F32,
    };
    select::matmul_candidates(&Device::of(context), &problem)
}

/// What comes behind a product.
#[derive(Clone, Copy, Debug)]
pub struct Behind {
    pub bias: bool,
    pub residual: bool,
    pub activation: Option<UnaryOp>,
}

pub const NOTHING: Behind = Behind { bias: false, residual: false, activation: None };
pub const EVERYTHING: Behind =
    Behind { bias: true, residual: true, activation: Some(UnaryOp::LeakyRelu { slope: 0.3 }) };

pub fn run(
    context: &Context,
    op: &MatMul,
    shapes: &[Vec<usize>; 2],
    behind: Behind,
    algorithm: Option<MatmulAlgorithm>,
) -> Result<(), String> {
    let (left, left_values) = random_tensor(context, 1, &shapes[0]);
    let (right, right_values) = random_tensor(context, 2, &shapes[1]);
    let y_shape = op.output_shape(&shapes[0], &shapes[1]).unwrap();
    let bias = behind.bias.then(|| random_tensor(context, 3, &y_shape[y_shape.len() - 1..]));
    let residual = behind.residual.then(|| random_tensor(context, 4, &y_shape));
    let of = |operand: &'_ Option<(Tensor, Vec<f32>)>| operand.as_ref().map(|(tensor, _)| tensor.clone());
    let (bias_tensor, residual_tensor) = (of(&bias), of(&residual));
    let epilogue = Epilogue {
        bias: bias_tensor.as_ref(),
        residual: residual_tensor.as_ref(),
        activation: behind.activation,
    };
    let y = left
        .matmul_with(&right, &MatMulCall { algorithm, ..MatMulCall::new(*op).with_epilogue(epilogue) })
        .map_err(|error| error.to_string())?;
    let mut expected = reference::matmul(*op, &left_values, &shapes[0], &right_values, &shapes[1]);
    if let Some((_, residual)) = &residual {
        expected.iter_mut().zip(residual).for_each(|(y, residual)| *y += residual);
    }
    if let Some((_, bias)) = &bias {
        expected.iter_mut().enumerate().for_each(|(i, y)| *y += bias[i % bias.len()]);
    }
    if let Some(activation) = behind.activation {
        expected = elementwise::unary(activation, &expected);
    }
    let k = op.dims(&shapes[0], &shapes[1]).unwrap().k;
    let (relative, absolute) = tolerance(k);
    close(&y.to_vec().unwrap(), &expected, relative, absolute)
}
