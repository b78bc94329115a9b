//! Networks that others made, and a graph by hand.

use tilewright::{
    DType, Module, ParameterStore, Pass, Tensor, Values, Var,
    graph::{
        Compiled, Options, capture,
        quantize::{Calibration, Scheme},
    },
    nn::{self, INPUT},
    ops,
    zoo::{self, build},
};

use super::{
    AVERAGES, answers, aware,
    common::{close, context, random_tensor},
};

/// Networks of other makers' minds: one filter to a channel with ReLU6 and clipped sums, windows joined, poolings at the head.
#[test]
fn networks_of_the_zoo() {
    let context = context();
    for (name, side, least) in [("resnet20", 16, 22), ("mobilenet_v2", 32, 50), ("squeezenet1_1", 40, 20)] {
        let store = ParameterStore::new(&context, 3);
        let network = build(name, &store, zoo::Options::new([3, side, side], 5)).unwrap();
        let shape = [2, 3, side, side];
        let x = random_tensor(&context, 8, &shape).0;
        let graph = nn::capture(&*network.module, &store, &[(INPUT, &shape, DType::F32)]).unwrap();
        let mut calibration = Calibration::new(&graph, Scheme::default()).unwrap();
        calibration.observe(&[&x]).unwrap();
        let (aware, own) = aware(&calibration, AVERAGES);
        let paths = store.parameters().into_iter().map(|parameter| parameter.path().to_owned());
        let missing: Vec<_> = paths.filter(|path| own.parameter(path).is_none()).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");
        aware.set_rounding(false);
        close(&answers(&aware, &x), &answers(&*network.module, &x), 1e-3, 1e-4).unwrap();
        aware.set_rounding(true);
        let (bytes, layers) = aware.convert().unwrap();
        assert!(layers.products()[0] >= least, "{name}: {:?}", layers.products());
        let found = Compiled::new(&bytes, &Options::default()).unwrap().run(&[&x]).unwrap();
        let (found, expected) = (found[0].to_vec::<f32>().unwrap(), answers(&aware, &x));
        let size = expected.iter().fold(0.0f32, |most, y| most.max(y.abs()));
        close(&found, &expected, 0.0, 0.03 * f64::from(size)).unwrap();
    }
}

/// A weight that two layers read is one parameter, and a layer that is kept in f32 is learnt, too.
#[test]
fn shared_weights_and_layers_that_stay() {
    let context = context();
    let weight = random_tensor(&context, 5, &[4, 4, 1, 1]).0;
    let gamma = Tensor::full(&context, 1.0, &[4]).unwrap();
    let graph = capture(&context, &[("x", &[2, 4, 3, 3], DType::F32)], |inputs| {
        let op = ops::Conv2d::default();
        let y = inputs[0]
            .conv2d(&weight, None, &op)?
            .relu()?
            .conv2d(&weight, None, &op)?
            .mul(&gamma.reshape(&[1, 4, 1, 1])?)?;
        Ok::<_, tilewright::tensor::Error>(vec![("y".to_owned(), y)])
    })
    .unwrap();
    let x = random_tensor(&context, 6, &[2, 4, 3, 3]).0;
    let keep = graph.nodes()[0].name.clone();
    let mut calibration =
        Calibration::new(&graph, Scheme { keep: [keep.clone()].into(), ..Scheme::default() }).unwrap();
    calibration.observe(&[&x]).unwrap();
    let (aware, store) = aware(&calibration, AVERAGES);
    assert!(store.parameter(&format!("{keep}.weight")).is_some(), "{:?}", store.entries());
    let y = aware.call(&Values::new().with("x", Var::constant(x)), &Pass::train(0, 0)).unwrap();
    assert_eq!(y.names().collect::<Vec<_>>(), ["y"]);
    assert_eq!(aware.convert().unwrap().1.products(), [1, 2]);
}
