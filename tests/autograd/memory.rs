//! What a way back holds: gradients lie in each other's places where nobody else holds them, and only there.

use std::sync::{Arc, Mutex};

use tilewright::{
    Context, Tensor, Var,
    ops::{BatchNorm, UnaryOp},
    tensor::BatchNormCall,
};

use super::{own_context, sum};

const SHAPE: [usize; 4] = [2, 8, 16, 16];
/// Of a map of that shape: a size class.
const BYTES: u64 = 2 * 8 * 16 * 16 * 4;

fn map(context: &Context, seed: usize) -> Tensor {
    let values: Vec<f32> = (0..4096).map(|at| ((at * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0).collect();
    Tensor::from_slice(context, &values, &SHAPE).unwrap().to_layout(tilewright::Layout::ChannelsLast).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.to_vec().unwrap()
}

/// x normalised by the batch, and what else the call may give to it.
fn normalised(x: &Var, activation: Option<UnaryOp>) -> Var {
    let context = x.tensor().context();
    let ones = Tensor::ones(context, &[8]).unwrap();
    let [weight, bias] = [ones.clone(), ones.clone()].map(Var::leaf);
    let call = BatchNormCall { op: BatchNorm::default(), activation };
    x.batch_norm_train(&weight, &bias, &ones, &ones, call).unwrap().y
}

/// What the way back from the sum of `function(x)` takes at most, in maps.
fn taken(function: impl Fn(&Var) -> Var) -> f64 {
    let context = own_context();
    let x = Var::leaf(map(&context, 1));
    let loss = sum(&function(&x));
    context.synchronize().unwrap();
    let before = context.memory().live;
    context.reset_memory_peaks();
    loss.backward().unwrap();
    (context.memory().live_high_water - before) as f64 / BYTES as f64
}

#[test]
fn gradients_lie_in_the_place_of_those_that_came_in() {
    // The sum's gradient lies row-major, and is brought into the layout of x beside it; then everything is in one place.
    let most = taken(|x| x.unary(UnaryOp::Sigmoid).unwrap().unary(UnaryOp::Tanh).unwrap());
    assert!((2.0..2.5).contains(&most), "{most} maps were held at once by functions");
    let most = taken(|x| normalised(&normalised(x, None), Some(UnaryOp::Relu)));
    assert!((2.0..2.9).contains(&most), "{most} maps were held at once by normalisations");
}

#[test]
fn gradients_that_somebody_holds_stay_as_they_are() {
    let context = own_context();
    let x = Var::leaf(map(&context, 1));
    let middle = x.scale(3.0).unwrap();
    let y = middle.unary(UnaryOp::Tanh).unwrap();
    y.retain_gradient().unwrap();
    let seen = Arc::new(Mutex::new(None));
    let keep = seen.clone();
    middle
        .on_gradient(move |gradient| {
            *keep.lock().unwrap() = Some(gradient.clone());
            Ok(None)
        })
        .unwrap();
    let given = map(&context, 2);
    let before = values(&given);
    let gradients = y.backward_with(&given).unwrap();
    assert_eq!(values(&given), before, "the caller's own");
    assert_eq!(values(gradients.get(&y).unwrap()), before, "one that was retained");
    let slope = |x: f32| 1.0 - (3.0 * x).tanh().powi(2);
    let expected: Vec<f32> = before.iter().zip(values(x.tensor())).map(|(g, x)| g * slope(x)).collect();
    let kept = values(seen.lock().unwrap().as_ref().unwrap());
    assert!(kept.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "one that a hook keeps");
    let of_x = values(gradients.get(&x).unwrap());
    assert!(of_x.iter().zip(&kept).all(|(a, b)| *a == 3.0 * b));
}

/// Residual blocks one after the other.
fn blocks(mut x: Var, count: usize) -> Var {
    for _ in 0..count {
        let y = normalised(&normalised(&x, Some(UnaryOp::Relu)), None);
        x = y.add_relu_over(&x).unwrap();
    }
    x
}

#[test]
fn every_second_sum_of_residual_blocks_is_made_again() {
    let context = own_context();
    let x = Var::leaf(map(&context, 1));
    let y = sum(&blocks(x.clone(), 4));
    let tape = y.tape().unwrap();
    // The second and the fourth; the others are held by nobody but the normalisation that reads them.
    let maps =
        |op: &str| tape.nodes.iter().filter(|node| node.op == op).map(|node| node.saved / BYTES).sum::<u64>();
    assert_eq!(maps("add"), 2, "{tape}");
    let gradients = y.backward().unwrap();
    // The same with everything held: by sums that are no operation's own.
    let other = Var::leaf(map(&context, 1));
    let mut plain = other.clone();
    for _ in 0..4 {
        let y = normalised(&normalised(&plain, Some(UnaryOp::Relu)), None);
        plain = y.add(&plain).unwrap().relu().unwrap();
    }
    let expected = sum(&plain).backward().unwrap();
    assert_eq!(values(gradients.get(&x).unwrap()), values(expected.get(&other).unwrap()));
}
