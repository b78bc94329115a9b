//! The losses of GoogLeNet's auxiliary heads are added in training and left out of evaluation.
#![allow(clippy::unwrap_used, missing_docs)]

use tilewright_autograd::Var;
use tilewright_nn::{HostTensor, OUTPUT, Values};
use tilewright_ops::CrossEntropy;
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;
use tilewright_train::{Batch, Classification, MultiLabel, TARGET, Task};

const ROWS: [[f32; 6]; 3] =
    [[2.0, 1.0, 0.5, 0.1, 3.0, 0.2], [0.0, -1.0, 1.5, 1.1, 0.4, 0.2], [1.0, 1.0, 0.0, 0.3, -0.5, 2.0]];

fn outputs(context: &Context, names: &[&'static str]) -> Values {
    let scores = |row: &[f32; 6]| Var::constant(Tensor::from_slice(context, row, &[2, 3]).unwrap());
    names.iter().zip(&ROWS).map(|(&name, row)| (name, scores(row))).collect()
}

fn number(loss: &Var) -> f64 {
    f64::from(loss.tensor().item().unwrap())
}

/// Of a row of scores, by its definition.
fn cross_entropy(row: &[f32], label: usize) -> f64 {
    let sum: f64 = row.iter().map(|&score| f64::from(score).exp()).sum();
    sum.ln() - f64::from(row[label])
}

#[test]
fn heads_count_in_training_alone() {
    let context = Context::new().unwrap();
    let labels = Tensor::from_slice(&context, &[2, 0], &[2]).unwrap();
    let targets = Values::new().with(TARGET, Var::constant(labels));
    let mean = |row: &[f32; 6]| (cross_entropy(&row[..3], 2) + cross_entropy(&row[3..], 0)) / 2.0;
    let [main, first, second] = ROWS.each_ref().map(mean);
    let all = outputs(&context, &[OUTPUT, "aux1", "aux2"]);
    let near = |loss: f64, wanted: f64| assert!((loss - wanted).abs() < 1e-5, "{loss} for {wanted}");
    let task = Classification::default();
    near(number(&task.loss(&all, &targets).unwrap()), main + 0.3 * (first + second));
    near(number(&task.loss(&outputs(&context, &[OUTPUT]), &targets).unwrap()), main);
    let other = Classification::new(CrossEntropy::default()).auxiliary(0.4);
    near(number(&other.loss(&all, &targets).unwrap()), main + 0.4 * (first + second));
    near(number(&task.clone().auxiliary(0.0).loss(&all, &targets).unwrap()), main);
    // A head that is the output does not count twice.
    near(number(&task.clone().of("aux1", TARGET).loss(&all, &targets).unwrap()), first + 0.3 * second);
    let batch = Batch::new(2).target(TARGET, HostTensor::I64(vec![2, 0], vec![2]));
    near(task.evaluate(&all, &targets, &batch).unwrap().loss, 2.0 * main);
}

#[test]
fn heads_count_where_there_are_several_classes() {
    let context = Context::new().unwrap();
    let marks = [0.0f32, 1.0, 1.0, 0.0, 0.0, 1.0];
    let targets = Var::constant(Tensor::from_slice(&context, &marks, &[2, 3]).unwrap());
    let targets = Values::new().with(TARGET, targets);
    let entropy = |(&score, &mark): (&f32, &f32)| {
        let score = f64::from(score);
        (1.0 + score.exp()).ln() - score * f64::from(mark)
    };
    let mean = |row: &[f32; 6]| row.iter().zip(&marks).map(entropy).sum::<f64>() / 6.0;
    let [main, first, second] = ROWS.each_ref().map(mean);
    let loss = MultiLabel::default().loss(&outputs(&context, &[OUTPUT, "aux1", "aux2"]), &targets).unwrap();
    let (loss, wanted) = (number(&loss), main + 0.3 * (first + second));
    assert!((loss - wanted).abs() < 1e-5, "{loss} for {wanted}");
}
