//! Networks in f16 whose activations leave the range of f16: which layers stay in f32, and that nothing is infinite.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, contexts, random};
use tilewright::{
    Context, DType, Tensor,
    graph::{Compiled, Graph, KeptInF32, Model, Options, Precision, capture_named},
    ops::{Conv2d, Pool2d},
    tensor::Error as TensorError,
};

const PADDED: Conv2d = Conv2d { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };
const F16: Options = Options { optimize: true, precision: Precision::F16, exact: false };

/// Four layers, of which the second gives numbers around `peak`, and the third takes them back.
fn network(context: &Context, peak: f32, batch: usize, pooled: bool) -> Graph {
    let weight = |seed: u64, shape: &[usize], scale: f32| {
        let count = shape.iter().product();
        let values: Vec<f32> = random(seed, count, 0.2, 0.4).iter().map(|v| v * scale).collect();
        Tensor::from_slice(context, &values, shape).unwrap()
    };
    let weights = [
        weight(1, &[8, 4, 3, 3], 10.0),
        weight(2, &[8, 8, 3, 3], -peak / 1800.0),
        weight(3, &[8, 8, 3, 3], 50.0 / peak),
        weight(4, &[5, 8, 3, 3], 0.1),
    ];
    let names: Vec<_> = weights
        .iter()
        .enumerate()
        .map(|(at, weight)| (format!("layer{at}.weight"), weight.clone()))
        .collect();
    capture_named(context, &[("x", &[batch, 4, 8, 8], DType::F32)], &names, |inputs| {
        let y = inputs[0].conv2d(&weights[0], None, &PADDED)?.relu()?;
        let y = y.conv2d(&weights[1], None, &PADDED)?;
        let y = if pooled { y.max_pool2d_values(&Pool2d::new([2, 2]))? } else { y };
        let y = y.conv2d(&weights[2], None, &PADDED)?;
        Ok::<_, TensorError>(vec![("y".to_owned(), y.conv2d(&weights[3], None, &PADDED)?)])
    })
    .unwrap()
}

fn input(context: &Context, batch: usize) -> Tensor {
    Tensor::from_slice(context, &random(7, batch * 256, 0.5, 1.0), &[batch, 4, 8, 8]).unwrap()
}

fn names(kept: &[KeptInF32]) -> Vec<&str> {
    kept.iter().map(|layer| layer.node.as_str()).collect()
}

/// The types of the convolutions' results.
fn types(compiled: &Compiled) -> Vec<DType> {
    let graph = compiled.graph();
    let convolutions = graph.nodes().iter().filter(|node| node.op.name() == "conv2d");
    convolutions.map(|node| graph[node.output()].dtype).collect()
}

fn near(found: &[f32], expected: &[f32]) -> Result<(), String> {
    let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let apart = |a: f32, b: f32| (a - b).is_nan() || (a - b).abs() > 5e-3 * largest;
    let wrong = found.iter().zip(expected).find(|(a, b)| apart(**a, **b));
    wrong.map_or(Ok(()), |(a, b)| Err(format!("{a}, expected {b}")))
}

#[test]
fn layers_beyond_f16_stay_in_f32() {
    let mut cases = Cases::new();
    for context in contexts() {
        // The largest sums lie below and above `peak` by a factor of two.
        for (peak, kept) in [(1e3f32, false), (2e5, true), (1e6, true)] {
            for pooled in [false, true] {
                let (graph, x) = (network(&context, peak, 2, pooled), input(&context, 2));
                let name = format!("{peak} pooled {pooled} ({:?})", context.mode());
                let wide = Compiled::new(&graph, &Options::default()).unwrap();
                let expected = wide.run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap();
                assert!(wide.in_range(&[&x]).unwrap().is_none() && wide.kept_in_f32().is_empty());

                let narrow = Compiled::new(&graph, &F16).unwrap();
                assert!(types(&narrow).iter().all(|&dtype| dtype == DType::F16));
                assert!(narrow.kept_in_f32().is_empty());
                // Unasked, as a session is: what the check is for.
                let blind = narrow.session().unwrap().run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap();
                let finite = blind.iter().all(|value| value.is_finite());
                cases.check(&name, if finite != kept { Ok(()) } else { Err("it is no such network") });

                let found = narrow.run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap();
                cases.check(&name, near(&found, &expected));
                let layers: &[&str] = if kept { &["layer1", "layer2"] } else { &[] };
                assert_eq!(names(narrow.kept_in_f32()), layers, "{name}");
                let wider = narrow.in_range(&[&x]).unwrap();
                assert_eq!(wider.is_some(), kept, "{name}");
                if let Some(wider) = wider {
                    assert_eq!(types(&wider), [DType::F16, DType::F32, DType::F32, DType::F16], "{name}");
                    let report = wider.passes().iter().find(|report| report.pass == "convert_f16").unwrap();
                    assert_eq!(report.changed, 2);
                    for layer in wider.kept_in_f32() {
                        assert!(layer.largest > peak / 4.0 && layer.largest < peak * 4.0, "{layer:?}");
                    }
                    let found = wider.session().unwrap().run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap();
                    cases.check(&name, near(&found, &expected));
                }
            }
        }
    }
    cases.finish();
}

/// Each plan of a model asks its own first request.
#[test]
fn a_model_checks_each_plan() {
    for context in contexts() {
        let of = context.clone();
        let model = Model::new(&context, F16, 4, move |shapes| Ok(network(&of, 2e5, shapes[0][0], false)));
        for batch in [1, 3] {
            let x = input(&context, batch);
            let found = model.run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap();
            assert!(found.iter().all(|value| value.is_finite()), "{found:?}");
            let plan = model.plan(&[x.shape().to_vec()]).unwrap();
            assert_eq!(names(plan.kept_in_f32()), ["layer1", "layer2"]);
        }
    }
}
