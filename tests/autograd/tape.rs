//! Gradients of chosen values, hooks, and the tape as a table and a drawing.

use std::sync::{Arc, Mutex};

use tilewright::{Tensor, Var, autograd::Error, ops::UnaryOp};

use super::{leaf, leaf_beside, sum};

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.to_vec().unwrap()
}

#[test]
fn a_retained_value_has_its_gradient_beside_the_leaves() {
    let x = leaf(&[2.0, -3.0], &[2]);
    let square = x.mul(&x).unwrap();
    square.retain_gradient().unwrap();
    let gradients = sum(&square.scale(3.0).unwrap()).backward().unwrap();
    assert_eq!(values(gradients.get(&square).unwrap()), [3.0, 3.0]);
    assert_eq!(values(gradients.get(&x).unwrap()), [12.0, -18.0]);
    assert_eq!(gradients.len(), 2);
    assert!(matches!(x.detach().retain_gradient(), Err(Error::Constant { op: "retain_gradient" })));
}

#[test]
fn backward_for_gives_what_is_asked_and_computes_no_more() {
    let x = leaf(&[2.0], &[1]);
    let w = leaf_beside(&x, &[5.0], &[1]);
    let (seen, counter) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
    let count = |var: &Var, counter: &Arc<Mutex<i32>>| {
        let counter = counter.clone();
        let hook = move |_: &Tensor| {
            *counter.lock().unwrap() += 1;
            Ok(None)
        };
        var.on_gradient(hook).unwrap();
    };
    let below = x.scale(2.0).unwrap();
    count(&below, &counter);
    let h = below.mul(&w).unwrap();
    count(&h, &seen);
    let y = sum(&h.mul(&h).unwrap());
    let gradients = y.backward_for(&[&h, &w]).unwrap();
    // h = 20, dy/dh = 40, dy/dw = 40 · 4.
    assert_eq!(values(gradients.get(&h).unwrap()), [40.0]);
    assert_eq!(values(gradients.get(&w).unwrap()), [160.0]);
    assert!(gradients.get(&x).is_none() && gradients.len() == 2);
    assert_eq!(
        (*seen.lock().unwrap(), *counter.lock().unwrap()),
        (1, 0),
        "what leads to x alone is not computed"
    );

    // What the loss does not depend on has none; a constant is a mistake.
    let other = leaf_beside(&x, &[1.0], &[1]);
    let y = sum(&x.mul(&x).unwrap());
    assert!(matches!(y.backward_for(&[&x.detach()]), Err(Error::Constant { .. })));
    assert!(y.backward_for(&[&other]).unwrap().is_empty());
    // Nothing was freed on the way.
    assert_eq!(values(y.backward_for(&[&x]).unwrap().get(&x).unwrap()), [4.0]);
}

#[test]
fn hooks_see_whole_gradients_and_replace_them() {
    let x = leaf(&[1.0, 2.0], &[2]);
    let h = x.scale(2.0).unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let note = log.clone();
    h.on_gradient(move |gradient| {
        note.lock().unwrap().push(gradient.to_vec::<f32>()?);
        Ok(Some(gradient.scale(10.0)?))
    })
    .unwrap();
    let note = log.clone();
    h.on_gradient(move |gradient| {
        note.lock().unwrap().push(gradient.to_vec::<f32>()?);
        Ok(None)
    })
    .unwrap();
    h.retain_gradient().unwrap();
    // Used twice: the hook sees the sum, once.
    let y = sum(&h.mul(&h).unwrap().add(&h).unwrap());
    let gradients = y.backward().unwrap();
    assert_eq!(*log.lock().unwrap(), [[5.0, 9.0], [50.0, 90.0]]);
    assert_eq!(values(gradients.get(&h).unwrap()), [50.0, 90.0]);
    assert_eq!(values(gradients.get(&x).unwrap()), [100.0, 180.0]);
}

#[test]
fn a_leaf_of_several_uses_runs_the_hooks_of_all() {
    use tilewright::autograd::LeafId;
    let id = LeafId::new();
    let value = leaf(&[3.0], &[1]).tensor().clone();
    let [a, b] = [(); 2].map(|()| Var::leaf_of(value.clone(), id));
    let calls = Arc::new(Mutex::new(Vec::new()));
    for var in [&a, &b] {
        let calls = calls.clone();
        let hook = move |gradient: &Tensor| {
            calls.lock().unwrap().push(gradient.to_vec::<f32>()?[0]);
            Ok(Some(gradient.scale(2.0)?))
        };
        var.on_gradient(hook).unwrap();
    }
    let gradients = sum(&a.mul(&b).unwrap()).backward().unwrap();
    assert_eq!(*calls.lock().unwrap(), [6.0, 12.0]);
    assert_eq!(values(gradients.get_id(id).unwrap()), [24.0]);
}

#[test]
fn a_hook_that_gives_another_shape_is_an_error() {
    let x = leaf(&[1.0, 2.0], &[2]);
    x.on_gradient(|gradient| Ok(Some(gradient.sum(&[0], false)?))).unwrap();
    let error = sum(&x.scale(2.0).unwrap()).backward().unwrap_err();
    assert!(matches!(error, Error::GradientShape { op: "the hook of a gradient", .. }), "{error}");
}

#[test]
fn the_table_counts_what_the_rules_hold_once() {
    let x = leaf(&[0.5; 40], &[10, 4]);
    let w = leaf_beside(&x, &[0.25; 12], &[4, 3]);
    let product = x.matmul(&w).unwrap();
    let relu = product.unary(UnaryOp::Relu).unwrap();
    // Two rules hold relu's result: it counts with the first.
    let square = relu.mul(&relu).unwrap();
    let y = sum(&square.mul(&relu).unwrap());
    let tape = y.tape().unwrap();
    let row = |op: &str, nth: usize| tape.nodes.iter().filter(|node| node.op == op).nth(nth).unwrap().clone();
    // The product's operands are leaves, whose memory is there anyway.
    assert_eq!((row("matmul", 0).held, row("matmul", 0).saved), (160 + 48, 0));
    assert_eq!((row("relu", 0).held, row("relu", 0).saved), (120, 120));
    assert_eq!((row("mul", 0).held, row("mul", 0).saved), (120, 120));
    assert_eq!((row("mul", 1).held, row("mul", 1).saved), (240, 120));
    assert_eq!((row("sum", 0).held, row("sum", 0).saved), (0, 0));
    assert_eq!(tape.saved(), 360);
    assert_eq!(tape.by_operation()[0], ("mul", 2, 240));
    let named = tape.clone().named(|id| (Some(id) == row("leaf", 1).leaf).then(|| "fc \"1\"".to_owned()));
    let text = named.to_string();
    assert!(text.contains("matmul") && text.contains("fc \"1\"") && text.contains("360 B"), "{text}");
    let dot = named.to_dot();
    assert!(dot.contains("label = \"fc \\\"1\\\"\\n[4, 3]\""), "{dot}");
    assert_eq!(dot.matches(" -> ").count(), tape.nodes.iter().map(|node| node.inputs.len()).sum::<usize>());
    // The numbers are the device's own: what was kept goes with the tape.
    drop((product, relu, square));
    y.backward().unwrap();
    assert_eq!(y.tape().unwrap().saved(), 0);
}

#[test]
fn what_a_table_says_is_what_the_memory_report_frees() {
    let context = super::own_context();
    let x = Var::leaf(Tensor::from_slice(&context, &[0.5f32; 4096], &[64, 64]).unwrap());
    let y = sum(&x.unary(UnaryOp::Sigmoid).unwrap().unary(UnaryOp::Tanh).unwrap());
    context.synchronize().unwrap();
    let before = context.memory().live;
    let saved = y.tape().unwrap().saved();
    assert_eq!(saved, 16384, "sigmoid's operand is the leaf; tanh's is saved");
    let value = y.tensor().clone();
    drop(y);
    assert_eq!(before - context.memory().live, saved, "in the size classes of 16 kB nothing is rounded");
    drop(value);
}

#[test]
fn each_leaf_comes_when_its_last_user_was_visited() {
    use tilewright::autograd::LeafId;
    let ids = [(); 4].map(|()| LeafId::new());
    let value = leaf(&[2.0], &[1]).tensor().clone();
    let [a, b, c, unused] = ids.map(|id| Var::leaf_of(value.clone(), id));
    let low = a.mul(&b).unwrap();
    let noted = Arc::new(Mutex::new(Vec::new()));
    let note = noted.clone();
    low.on_gradient(move |_| {
        note.lock().unwrap().push(None);
        Ok(None)
    })
    .unwrap();
    // `b` is used again further up: it waits for the lower use. `unused` has a user without a gradient.
    let up = low.mul(&c).unwrap().mul(&b).unwrap();
    let _ = unused.scale(2.0).unwrap();
    let note = noted.clone();
    let taken = sum(&up).backward_each(|id, gradient| -> Result<(), Error> {
        note.lock().unwrap().push(Some((id, gradient.to_vec::<f32>()?[0])));
        Ok(())
    });
    taken.unwrap();
    let mut found = noted.lock().unwrap().clone();
    // c (8) before the lower product; a (8) and b (2 · 8) behind it, in any order.
    found[2..].sort_by_key(|entry| entry.map(|(id, _)| id));
    assert_eq!(found, [Some((ids[2], 8.0)), None, Some((ids[0], 8.0)), Some((ids[1], 16.0))]);
    let stop = sum(&a.mul(&c).unwrap()).backward_each(|_, _| Err(Error::Check("enough".to_owned())));
    assert!(matches!(stop, Err(Error::Check(_))));
}
