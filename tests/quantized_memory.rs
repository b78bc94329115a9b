//! What networks of bytes take beside f32, by their plans.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{own_context, random};
use tilewright::{
    Context, DType, Tensor,
    graph::{
        Compiled, Graph, Options,
        quantize::{Calibration, Scheme},
    },
    nn::{ParameterStore, capture},
    zoo,
};

const INPUT: [usize; 4] = [1, 3, 224, 224];

fn network(context: &Context, name: &str) -> Graph {
    let store = ParameterStore::new(context, 1);
    let network = zoo::build(name, &store, zoo::Options::new([3, 224, 224], 1000)).unwrap();
    capture(&*network.module, &store, &[("input", &INPUT, DType::F32)]).unwrap()
}

/// A network of bytes, and the bytes of its weights before and after.
fn quantised(graph: &Graph) -> (Graph, [u64; 2]) {
    let mut calibration = Calibration::new(graph, Scheme::default()).unwrap();
    let values = random(1, INPUT.iter().product(), -1.0, 1.0);
    let x = Tensor::from_slice(graph.context(), &values, &INPUT).unwrap();
    calibration.observe(&[&x]).unwrap();
    let (bytes, layers) = calibration.convert().unwrap();
    (bytes, layers.weight_bytes())
}

/// A compiled network, and all that the device holds for it once nobody else has anything.
fn alone(context: &Context, graph: Graph) -> (Compiled, u64) {
    let compiled = Compiled::new(&graph, &Options::default()).unwrap();
    drop(graph);
    context.synchronize().unwrap();
    let live = context.memory().live;
    (compiled, live)
}

#[test]
fn weights_and_activations_take_a_quarter() {
    for name in ["resnet18", "mobilenet_v2"] {
        let context = own_context();
        let graph = network(&context, name);
        let (bytes, weights) = quantised(&graph);
        drop(graph);
        let (bytes, live) = alone(&context, bytes);
        let [weights, activations] = [weights[0], bytes.plan().memory().bytes()];
        let constants = bytes.plan().constants();
        drop(bytes);
        let (real, real_live) = alone(&context, network(&context, name));
        let real_activations = real.plan().memory().bytes();
        let share = |part: u64, of: u64| part as f64 / of as f64;
        let shares =
            [share(constants, weights), share(activations, real_activations), share(live, real_live)];
        assert!(shares[0] <= 0.27 && shares[1] <= 0.27, "{name}: {shares:?}");
        // Nothing of the network in f32 is held; weights are held as they came and packed, in f32 as well.
        assert!(shares[2] <= 0.33, "{name}: {shares:?}");
    }
}
