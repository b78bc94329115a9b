//! What is printed.

use serde_json::json;
use tilewright_graph::quantize::{Layers, Observer};

use super::{answers::Answers, arguments::Arguments};
use crate::commands::output::print_json;

pub fn report(
    arguments: &Arguments,
    layers: &Layers,
    [batches, equalized]: [usize; 2],
    [plain, bytes]: [&Answers; 2],
) {
    let power = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x).powi(2)).sum::<f64>();
    let signal = power(&mut plain.values.iter().copied());
    let noise = power(&mut plain.values.iter().zip(&bytes.values).map(|(a, b)| a - b));
    let decibels = 10.0 * (signal.max(1e-30) / noise.max(1e-30)).log10();
    let [weights_before, weights_after] = layers.weight_bytes();
    let [products, all] = layers.products();
    if arguments.json {
        print_json(&json!({
            "model": arguments.model, "observer": Observer::from(arguments.observer).name(),
            "symmetric": arguments.symmetric, "per_tensor_weights": arguments.per_tensor_weights,
            "equalize": arguments.equalize, "relu6_as_relu": arguments.relu6_as_relu, "equalized_pairs": equalized,
            "correct_bias": arguments.correct_bias, "batches": batches, "products": products, "of_products": all,
            "weight_bytes": [weights_before, weights_after], "decibels": decibels,
            "right": [plain.right, bytes.right], "batch_ms": [plain.time, bytes.time], "layers": layers.layers,
        }));
        return;
    }
    println!(
        "{:<44} {:>14} {:>11} {:>5} {:>8} {:>8}",
        "layer", "operation", "scale", "zero", "dB", "at ends"
    );
    for layer in &layers.layers {
        let Some(why) = layer.why else {
            let [scale, zero] =
                [layer.scale.map(|x| format!("{x:.3e}")), layer.zero_point.map(|x| x.to_string())]
                    .map(Option::unwrap_or_default);
            let noise = layer.decibels.map_or(String::new(), |x| format!("{x:.1}"));
            let ends = layer.at_ends.map_or(String::new(), |x| format!("{:.2} %", 100.0 * x));
            println!("{:<44} {:>14} {scale:>11} {zero:>5} {noise:>8} {ends:>8}", layer.node, layer.op);
            continue;
        };
        println!("{:<44} {:>14} f32: {why}", layer.node, layer.op);
    }
    println!("{products} of {all} convolutions and products in int8, by {batches} batches");
    println!(
        "weights {weights_before} → {weights_after} bytes, {:.3} of f32",
        weights_after as f64 / weights_before.max(1) as f64
    );
    println!("output {decibels:.1} dB above the error");
    if let (Some([a, of]), Some([b, _])) = (plain.right, bytes.right) {
        println!("right answers: f32 {a}, int8 {b} of {of}");
    }
    let ratio = plain.time / bytes.time.max(1e-9);
    println!(
        "a batch takes {:.2} ms in f32 and {:.2} in int8: {ratio:.2} times as fast",
        plain.time, bytes.time
    );
}
