//! Where the first NaN or infinity comes from.

use tilewright::{
    Tensor, Var,
    autograd::{Anomaly, Culprit, Error, detect_anomaly},
    ops::UnaryOp,
};

use super::{leaf, leaf_beside, sum};

fn anomaly(error: Error) -> Anomaly {
    match error {
        Error::Anomaly(anomaly) => *anomaly,
        other => panic!("{other}"),
    }
}

#[test]
fn forward_names_the_operation_that_made_it() {
    let x = leaf(&[1.0, -2.0, 0.0, 4.0], &[2, 2]);
    let run = || {
        let y = x.scale(2.0)?.unary(UnaryOp::Log)?;
        y.scale(3.0)
    };
    // Nothing is looked at outside.
    run().unwrap();
    let found = anomaly(detect_anomaly(run).unwrap_err());
    assert_eq!((found.op, found.backward, found.place, found.value), ("log", false, 2, Culprit::Result(0)));
    assert_eq!((found.nan, found.infinite, found.count), (1, 1, 4));
    assert_eq!(found.first, [0, 1]);
    run().unwrap();
}

#[test]
fn what_comes_in_so_is_told_from_what_is_made() {
    let x = leaf(&[1.0, f32::NAN], &[2]);
    let found = anomaly(detect_anomaly(|| x.scale(2.0)).unwrap_err());
    assert_eq!((found.value, found.leaf.is_some()), (Culprit::Operand(0), true));
    let text = found.clone().named(|_| Some("fc.weight".to_owned())).to_string();
    assert!(text.contains("operand 0 (`fc.weight`) came with 1 NaN"), "{text}");
    let data = Var::constant(x.tensor().clone());
    let found = anomaly(detect_anomaly(|| data.scale(2.0)).unwrap_err());
    assert_eq!(found.leaf, None);
}

#[test]
fn backward_names_the_rule_and_its_place() {
    // sqrt has an infinite slope at 0, and 0 · ∞ further down is NaN: the first is the root's.
    let x = leaf(&[0.0, 4.0], &[2]);
    let w = leaf_beside(&x, &[0.0, 1.0], &[2]);
    let run = || sum(&x.mul(&w).unwrap().unary(UnaryOp::Sqrt).unwrap()).backward();
    assert!(run().unwrap().get(&w).unwrap().to_vec::<f32>().unwrap()[0].is_nan());
    let found = anomaly(detect_anomaly(run).unwrap_err());
    assert_eq!((found.op, found.backward, found.place, found.of), ("sqrt", true, 2, Some(3)));
    assert_eq!((found.value, found.infinite, found.leaf), (Culprit::Gradient(0), 1, None));
    // Of a leaf, the leaf is known.
    let run = || sum(&x.unary(UnaryOp::Sqrt).unwrap()).backward();
    assert!(anomaly(detect_anomaly(run).unwrap_err()).leaf.is_some());
}

#[test]
fn the_looking_ends_with_its_scope_also_by_an_error() {
    let x = leaf(&[-1.0], &[1]);
    let log = || x.unary(UnaryOp::Log);
    let broken = std::panic::catch_unwind(|| detect_anomaly(|| assert_eq!(1, 2, "on purpose")));
    assert!(broken.is_err() && log().is_ok());
    let inner = detect_anomaly(|| detect_anomaly(|| log().is_err()) && log().is_err());
    assert!(inner);
    assert!(log().unwrap().tensor().to_vec::<f32>().unwrap()[0].is_nan());
    let half = Var::constant(Tensor::from_slice(x.tensor().context(), &[7e4f32], &[1]).unwrap());
    let found = detect_anomaly(|| half.cast(tilewright::DType::F16));
    assert_eq!(anomaly(found.unwrap_err()).infinite, 1, "70000 is beyond f16");
}
