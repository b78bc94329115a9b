//! Single rules, with the values that they ask for.

use std::f32::consts::FRAC_1_SQRT_2;

use tilewright::{
    Tensor, Var,
    ops::{BinaryOp, Op, ReduceOp, TopK, UnaryOp},
};
use tilewright_reference::elementwise;

use super::same;
use crate::common::{Cases, contexts};

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;

/// As C's pow: C23, F.10.4.4.
#[test]
fn powers_at_the_ends() {
    let rows = [
        (0.0, -1.0, INF),
        (-0.0, -1.0, -INF),
        (-0.0, -2.0, INF),
        (0.0, -0.5, INF),
        (2.0, -1.0, 0.5),
        (0.0, 0.0, 1.0),
        (NAN, 0.0, 1.0),
        (1.0, NAN, 1.0),
        (NAN, 1.0, NAN),
        (2.0, NAN, NAN),
        (-2.0, 2.0, 4.0),
        (-2.0, 3.0, -8.0),
        (-2.0, 0.5, NAN),
        (-1.0, INF, 1.0),
        (-1.0, -INF, 1.0),
        (0.5, INF, 0.0),
        (0.5, -INF, INF),
        (2.0, INF, INF),
        (2.0, -INF, 0.0),
        (-INF, 3.0, -INF),
        (-INF, 2.0, INF),
        (-INF, -3.0, 0.0),
        (-INF, 0.5, INF),
        (INF, -0.5, 0.0),
        (-2.0, 1.0e10, INF),
        // Beside 1 the logarithm has to have all its digits.
        (1.000_000_1, 1e6, 1.126_605_7),
        (0.999, 1000.0, 0.367_700_16),
    ];
    let column = |at: fn(&(f32, f32, f32)) -> f32| rows.iter().map(at).collect::<Vec<_>>();
    let (a, b, expected) = (column(|row| row.0), column(|row| row.1), column(|row| row.2));
    let count = rows.len();
    let mut cases = Cases::new();
    cases.check(
        "reference",
        same(&elementwise::binary(BinaryOp::Pow, &a, &[count], &b, &[count]), &expected, 1e-6, 0.0),
    );
    for context in contexts() {
        let (a, b) = (Tensor::from_slice(&context, &a, &[count]), Tensor::from_slice(&context, &b, &[count]));
        let y = a.unwrap().binary(BinaryOp::Pow, &b.unwrap()).unwrap().to_vec::<f32>().unwrap();
        cases.check(format!("{:?}", context.mode()), same(&y, &expected, 1e-6, 0.0));
        // A constant exponent, which stands for all.
        let bases = [0.0, 2.0, -0.0, 1e-20, 4.0];
        let base = Tensor::from_slice(&context, &bases, &[5]).unwrap();
        for (exponent, expected) in
            [(-1.0, [INF, 0.5, -INF, 1e20, 0.25]), (-0.5, [INF, FRAC_1_SQRT_2, INF, 1e10, 0.5])]
        {
            let exponent = Tensor::full(&context, exponent, &[]).unwrap();
            let y = base.binary(BinaryOp::Pow, &exponent).unwrap().to_vec::<f32>().unwrap();
            cases.check("one exponent", same(&y, &expected, 1e-5, 0.0));
        }
    }
    cases.finish();
}

/// torch.logsumexp, sum, prod and mean have values there; torch.amax, amin and argmax are errors.
#[test]
fn nothing_to_reduce() {
    for context in contexts() {
        let x = Var::leaf(Tensor::zeros(&context, &[3, 0]).unwrap());
        let values = |y: Var| y.tensor().to_vec::<f32>().unwrap();
        assert_eq!(values(x.reduce(ReduceOp::Sum, &[1], false).unwrap()), [0.0; 3]);
        assert_eq!(values(x.reduce(ReduceOp::Prod, &[1], false).unwrap()), [1.0; 3]);
        assert!(values(x.reduce(ReduceOp::Mean, &[1], false).unwrap()).iter().all(|mean| mean.is_nan()));
        assert_eq!(values(x.log_sum_exp(&[1], false).unwrap()), [-INF; 3]);
        assert_eq!(x.tensor().l1_norm(&[1], true).unwrap().to_vec::<f32>().unwrap(), [0.0; 3]);
        assert_eq!(x.tensor().l2_norm(&[1], true).unwrap().to_vec::<f32>().unwrap(), [0.0; 3]);
        for op in [ReduceOp::Max, ReduceOp::Min] {
            let error = x.reduce(op, &[1], false).err().unwrap().to_string();
            assert!(error.contains(op.name()) && error.contains("[3, 0]"), "{error}");
        }
        assert!(x.tensor().argmax(&[1], false).is_err());
    }
}

/// What is not passed on gets no gradient, be the one that comes in infinite: a mask is a choice, and no product with 0.
#[test]
fn a_mask_stops_an_infinite_gradient() {
    let mut cases = Cases::new();
    for context in contexts() {
        let x = [-2.0, 9.0, 0.5, NAN, -0.5];
        let grads = [INF, -INF, INF, INF, NAN];
        let (tensor, grad_y) = (
            Tensor::from_slice(&context, &x, &[5]).unwrap(),
            Tensor::from_slice(&context, &grads, &[5]).unwrap(),
        );
        for (op, expected) in [
            (UnaryOp::Relu, [0.0, -INF, INF, INF, 0.0]),
            (UnaryOp::Relu6, [0.0, 0.0, INF, 0.0, 0.0]),
            (UnaryOp::Clamp { min: -1.0, max: 1.0 }, [0.0, 0.0, INF, 0.0, NAN]),
            (UnaryOp::ThresholdedRelu { threshold: 1.0 }, [0.0, -INF, 0.0, INF, 0.0]),
            (UnaryOp::Sign, [0.0; 5]),
        ] {
            let found = tensor.unary_backward(op, &grad_y).unwrap().to_vec::<f32>().unwrap();
            cases.check(op.name(), same(&found, &expected, 0.0, 0.0));
            let found = elementwise::unary_backward(op, &x, &grads);
            cases.check(format!("{} of the reference", op.name()), same(&found, &expected, 0.0, 0.0));
        }
        let zero = Tensor::zeros(&context, &[5]).unwrap();
        let [grad_a, grad_b] = tensor.binary_backward(BinaryOp::Maximum, &zero, &grad_y, [true; 2]).unwrap();
        let found = grad_a.unwrap().to_vec::<f32>().unwrap();
        cases.check("maximum, a", same(&found, &[0.0, -INF, INF, INF, 0.0], 0.0, 0.0));
        let found = grad_b.unwrap().to_vec::<f32>().unwrap();
        cases.check("maximum, b", same(&found, &[INF, 0.0, 0.0, INF, NAN], 0.0, 0.0));
    }
    cases.finish();
}

/// The gradient of a product is the product of the others, also where an element cannot be taken out by a division.
#[test]
fn a_product_without_one_of_its_elements() {
    let rows = [
        ([2.0, 3.0, 4.0], [12.0, 8.0, 6.0]),
        ([0.0, 3.0, 4.0], [12.0, 0.0, 0.0]),
        ([0.0, 3.0, 0.0], [0.0, 0.0, 0.0]),
        ([INF, 3.0, -4.0], [-12.0, -INF, INF]),
        ([3.0, NAN, 4.0], [NAN, 12.0, NAN]),
        ([INF, 3.0, -INF], [-INF, -INF, INF]),
    ];
    for context in contexts() {
        for (x, expected) in rows {
            let x = Var::leaf(Tensor::from_slice(&context, &x, &[3]).unwrap());
            let y = x.reduce(ReduceOp::Prod, &[], false).unwrap();
            let found = y.backward().unwrap().get(&x).unwrap().to_vec::<f32>().unwrap();
            same(&found, &expected, 1e-6, 0.0).unwrap();
        }
    }
}

/// As in PyTorch a NaN is larger than any number; of several the first counts for a place.
#[test]
fn the_place_of_a_nan() {
    let x = [1.0, -INF, NAN, 7.0, NAN, INF];
    for context in contexts() {
        let x = Tensor::from_slice(&context, &x, &[6]).unwrap();
        let place = |tensor: Tensor| tensor.to_vec::<i32>().unwrap();
        assert_eq!(place(x.argmax(&[], false).unwrap()), [2]);
        assert_eq!(place(x.argmin(&[], false).unwrap()), [2]);
        assert_eq!(place(x.argmax_last(0, false).unwrap()), [4]);
        assert_eq!(x.hardmax(0).unwrap().to_vec::<f32>().unwrap(), [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        for (largest, expected) in [(true, [2, 4, 5, 3, 0, 1]), (false, [1, 0, 3, 5, 2, 4])] {
            let op = Op::TopK(TopK { k: 6, axis: 0, largest });
            let found = Tensor::run(&op, &[&x]).unwrap();
            assert_eq!(found[1].to_vec::<i32>().unwrap(), expected);
            let values = found[0].to_vec::<f32>().unwrap();
            assert!(values[if largest { 0 } else { 5 }].is_nan());
        }
    }
}
