//! Gradient checkpointing: the bits of the plain run, from less memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tilewright::{
    Context, Layer, ParameterStore, Pass, Tensor, Var,
    autograd::{Error, Result, checkpoint},
    nn::{
        Checkpointed, Entry, Sequential,
        layers::{Activation, BatchNorm2d, Conv2d, Conv2dOptions, Dropout},
    },
    ops::UnaryOp,
};

use super::{leaf, leaf_beside, own_context, sum};

#[test]
fn gradients_go_to_inputs_parameters_and_captured_values() {
    let x = leaf(&[0.5, -1.0, 2.0], &[3]);
    let (w, b) = (leaf_beside(&x, &[2.0, 3.0, -1.0], &[3]), leaf_beside(&x, &[0.1; 3], &[3]));
    let part = |x: &Var, h: &Var, w: &Var| -> Result<Var> {
        x.mul(w)?.unary(UnaryOp::Tanh)?.add(h)?.unary(UnaryOp::Sigmoid)
    };
    let run = |checkpointed: bool| -> Vec<Vec<f32>> {
        let h = b.scale(3.0).unwrap();
        let y = if checkpointed {
            let (h, w) = (h.clone(), w.clone());
            let inside = move |inputs: &[Var]| Ok::<_, Error>(vec![part(&inputs[0], &h, &w)?]);
            checkpoint(&[&x], inside).unwrap().swap_remove(0)
        } else {
            part(&x, &h, &w).unwrap()
        };
        // A value that the part has captured is used outside as well.
        let loss = sum(&y.mul(&h).unwrap());
        let gradients = loss.backward().unwrap();
        assert_eq!(gradients.len(), 3);
        [&x, &w, &b].iter().map(|leaf| gradients.get(leaf).unwrap().to_vec().unwrap()).collect()
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn nested_parts_are_computed_as_often_as_they_must() {
    let x = leaf(&[0.3, 0.7], &[2]);
    let calls = Arc::new(AtomicUsize::new(0));
    let inner_calls = calls.clone();
    let inner = move |inputs: &[Var]| -> Result<Vec<Var>> {
        inner_calls.fetch_add(1, Ordering::Relaxed);
        Ok(vec![inputs[0].unary(UnaryOp::Exp)?.mul(&inputs[0])?])
    };
    let inner = Arc::new(inner);
    let outer = move |inputs: &[Var]| -> Result<Vec<Var>> {
        let inner = inner.clone();
        let y = checkpoint(&[&inputs[0]], move |inputs: &[Var]| inner(inputs))?.swap_remove(0);
        Ok(vec![y.unary(UnaryOp::Sin)?])
    };
    let y = checkpoint(&[&x], outer).unwrap().swap_remove(0);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(y.tape().unwrap().by_operation(), [("checkpoint", 1, 0)], "its operand is a leaf");
    let found = sum(&y).backward().unwrap().get(&x).unwrap().to_vec::<f32>().unwrap();
    // The outer part runs again, and the inner one in it and for it.
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    let plain = sum(&x.unary(UnaryOp::Exp).unwrap().mul(&x).unwrap().unary(UnaryOp::Sin).unwrap());
    assert_eq!(found, plain.backward().unwrap().get(&x).unwrap().to_vec::<f32>().unwrap());
}

#[test]
fn several_results_of_which_some_matter() {
    let x = leaf(&[1.0, 2.0], &[2]);
    let constant = leaf_beside(&x, &[5.0, 5.0], &[2]).detach();
    let part = move |inputs: &[Var]| -> Result<Vec<Var>> {
        Ok(vec![inputs[0].scale(2.0)?, inputs[0].mul(&inputs[0])?, constant.clone()])
    };
    let results = checkpoint(&[&x], part).unwrap();
    assert!(!results[2].needs_gradient() && results[1].needs_gradient());
    let gradients = sum(&results[1]).backward().unwrap();
    assert_eq!(gradients.get(&x).unwrap().to_vec::<f32>().unwrap(), [2.0, 4.0]);
    // Without a leaf there is no tape.
    let plain = checkpoint(&[&x.detach()], |x: &[Var]| x[0].scale(2.0).map(|y| vec![y])).unwrap();
    assert!(!plain[0].needs_gradient());
}

#[test]
fn a_second_call_that_differs_is_an_error() {
    let x = leaf(&[1.0, 2.0], &[2]);
    let calls = AtomicUsize::new(0);
    let other = leaf_beside(&x, &[1.0, 1.0], &[2]);
    let part = move |inputs: &[Var]| -> Result<Vec<Var>> {
        let first = calls.fetch_add(1, Ordering::Relaxed) == 0;
        Ok(vec![if first { inputs[0].scale(2.0)? } else { inputs[0].mul(&other)? }])
    };
    let error = sum(&checkpoint(&[&x], part).unwrap()[0]).backward().unwrap_err();
    assert!(
        matches!(error, Error::Recomputed { .. }) && error.to_string().contains("did not use at first"),
        "{error}"
    );
    let calls = AtomicUsize::new(0);
    let part = move |inputs: &[Var]| -> Result<Vec<Var>> {
        if calls.fetch_add(1, Ordering::Relaxed) == 0 {
            return Ok(vec![inputs[0].scale(2.0)?]);
        }
        Err(Error::Check("on purpose".to_owned()))
    };
    let error = sum(&checkpoint(&[&x], part).unwrap()[0]).backward().unwrap_err();
    assert!(matches!(&error, Error::Check(text) if text == "on purpose"), "{error}");
}

const RELU: Activation = Activation(UnaryOp::Relu);

/// Blocks of convolution, normalisation and dropout.
struct Network {
    store: ParameterStore,
    blocks: Vec<Checkpointed<Sequential>>,
}

impl Network {
    fn new(context: &Context) -> Self {
        let store = ParameterStore::new(context, 3);
        let block = |name: &str, inputs| {
            let scope = store.root() / name;
            let conv =
                Conv2d::new(&(&scope / "conv"), inputs, 6, [3, 3], Conv2dOptions::default().padding(1));
            let norm = BatchNorm2d::new(&(&scope / "bn"), 6).unwrap();
            let dropout = Dropout::new(0.3).unwrap();
            Checkpointed::asked(Sequential::new().then(conv.unwrap()).then(norm).then(RELU).then(dropout))
        };
        let blocks = vec![block("a", 3), block("b", 6), block("c", 6)];
        Self { store, blocks }
    }

    /// Every gradient, then every kept value, in bits; and the bytes that were saved.
    fn step(&self, x: &Tensor, pass: &Pass) -> (Vec<Vec<u32>>, u64) {
        let mut y = Var::constant(x.clone());
        for block in &self.blocks {
            y = block.forward(&y, pass).unwrap();
        }
        // What is drawn behind the blocks is the same, too.
        let (_, stream) = pass.draw();
        let loss = sum(&y.mul(&y).unwrap()).scale((stream % 64) as f32).unwrap();
        let saved = loss.tape().unwrap().saved();
        let gradients = loss.backward().unwrap();
        let bits = |tensor: &Tensor| tensor.to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect();
        let mut all: Vec<Vec<u32>> = Vec::new();
        for entry in self.store.entries() {
            match entry {
                Entry::Parameter(parameter) => all.push(bits(gradients.get_id(parameter.id()).unwrap())),
                Entry::Buffer(buffer) => all.push(bits(&buffer.tensor().unwrap())),
                Entry::Counter(_, counter) => all.push(vec![counter.load(Ordering::Relaxed) as u32]),
            }
        }
        (all, saved)
    }
}

#[test]
fn a_checkpointed_network_has_the_bits_of_the_plain_one() {
    let context = own_context();
    let numbers: Vec<f32> = (0..2 * 3 * 12 * 9).map(|i| ((i * 31 + 7) % 17) as f32 / 8.0 - 1.0).collect();
    let x = Tensor::from_slice(&context, &numbers, &[2, 3, 12, 9]).unwrap();
    let run = |checkpointing: bool| {
        let network = Network::new(&context);
        [0, 1].map(|step| network.step(&x, &Pass::train(5, step).with_checkpointing(checkpointing)))
    };
    let (plain, checkpointed) = (run(false), run(true));
    for ((plain, saved), (checkpointed, less)) in plain.iter().zip(&checkpointed) {
        assert!(plain == checkpointed, "gradients, running statistics and counters are the same");
        assert!(less * 3 < saved * 2, "{less} bytes are saved instead of {saved}");
    }
}

#[test]
fn a_chain_in_segments_has_the_bits_of_the_plain_one() {
    let context = own_context();
    let x = Tensor::from_slice(&context, &[0.25f32; 2 * 3 * 8 * 8], &[2, 3, 8, 8]).unwrap();
    let run = |segments: Option<usize>| {
        let store = ParameterStore::new(&context, 9);
        let mut chain = Sequential::new();
        for at in 0..5 {
            let options = Conv2dOptions::default().padding(1);
            chain = chain.then(Conv2d::new(&(store.root() / at), 3, 3, [3, 3], options).unwrap()).then(RELU);
        }
        if let Some(segments) = segments {
            chain = chain.checkpointed(segments);
        }
        let loss = sum(&chain.forward(&Var::constant(x.clone()), &Pass::train(1, 0)).unwrap());
        let parts = loss.tape().unwrap().nodes.iter().filter(|node| node.op == "checkpoint").count();
        let gradients = loss.backward().unwrap();
        let all: Vec<Vec<f32>> = store
            .parameters()
            .iter()
            .map(|parameter| gradients.get_id(parameter.id()).unwrap().to_vec().unwrap())
            .collect();
        (all, parts)
    };
    let (plain, none) = run(None);
    assert_eq!(none, 0);
    for (segments, expected) in [(1, 1), (3, 3), (10, 10), (99, 10)] {
        let (found, parts) = run(Some(segments));
        assert!(found == plain && parts == expected, "{segments} segments are {parts}");
    }
}
