//! A label that the loss ignores is ignored where a network is evaluated, too.
#![allow(clippy::unwrap_used, missing_docs)]

use tilewright_autograd::Var;
use tilewright_nn::{HostTensor, OUTPUT, Values};
use tilewright_ops::CrossEntropy;
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;
use tilewright_train::{Batch, Classification, TARGET, Task};

#[test]
fn an_ignored_label_adds_no_loss() {
    let context = Context::new().unwrap();
    let scores = [2.0f32, 1.0, 0.5, 0.1, 3.0, 0.2];
    let outputs =
        Values::new().with(OUTPUT, Var::constant(Tensor::from_slice(&context, &scores, &[2, 3]).unwrap()));
    let loss_of = |ignore_index: i32, labels: [i32; 2]| {
        let task =
            Classification::new(CrossEntropy { ignore_index: Some(ignore_index), ..Default::default() });
        let targets = Tensor::from_slice(&context, &labels, &[2]).unwrap();
        let targets = Values::new().with(TARGET, Var::constant(targets));
        let wide = labels.iter().map(|&label| i64::from(label)).collect();
        let batch = Batch::new(2).target(TARGET, HostTensor::I64(wide, vec![2]));
        task.evaluate(&outputs, &targets, &batch).unwrap().loss
    };
    let first = loss_of(-100, [0, -100]);
    assert!(first.is_finite() && first > 0.0, "{first}");
    // No class, and a class: neither counts where it is the ignored one.
    assert_eq!(loss_of(255, [0, 255]), first);
    assert_eq!(loss_of(1, [0, 1]), first);
    assert!(loss_of(-100, [0, 1]) > first);
}
