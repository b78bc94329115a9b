//! What is printed.

use serde_json::{Value, json};
use tilewright_graph::quantize::{Layer, Layers, Observer};

use super::{answers::Answers, arguments::Arguments, costs::Costs, keep::Chosen};
use crate::commands::output::print_json;

/// All that is known; of pairs the first is f32, the second bytes.
pub struct Outcome<'a> {
    pub arguments: &'a Arguments,
    pub layers: &'a Layers,
    pub batches: usize,
    /// Pairs of layers with equal channels.
    pub equalized: usize,
    pub chosen: &'a Chosen,
    pub answers: [&'a Answers; 2],
    pub costs: [&'a Costs; 2],
}

pub fn report(outcome: &Outcome<'_>) {
    let [plain, bytes] = outcome.answers;
    let power = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x).powi(2)).sum::<f64>();
    let signal = power(&mut plain.values.iter().copied());
    let noise = power(&mut plain.values.iter().zip(&bytes.values).map(|(a, b)| a - b));
    let decibels = 10.0 * (signal.max(1e-30) / noise.max(1e-30)).log10();
    if outcome.arguments.json {
        print_json(&outcome.json(decibels));
    } else {
        outcome.print(decibels);
    }
}

impl Outcome<'_> {
    /// Milliseconds of a layer in f32 and in bytes.
    fn times(&self, layer: &Layer) -> [Option<f64>; 2] {
        self.costs.map(|costs| costs.times.get(&layer.node).copied())
    }

    fn json(&self, decibels: f64) -> Value {
        let Self { arguments, layers, chosen, .. } = self;
        let [plain, bytes] = self.answers;
        let [products, of_products] = layers.products();
        let layers: Vec<Value> = layers
            .layers
            .iter()
            .map(|layer| {
                let mut value = json!(layer);
                value["ms"] = json!(self.times(layer));
                value
            })
            .collect();
        json!({
            "model": arguments.model, "observer": Observer::from(arguments.observer).name(),
            "symmetric": arguments.symmetric, "per_tensor_weights": arguments.per_tensor_weights,
            "equalize": arguments.equalize, "relu6_as_relu": arguments.relu6_as_relu,
            "equalized_pairs": self.equalized, "correct_bias": arguments.correct_bias, "batches": self.batches,
            "products": products, "of_products": of_products, "weight_bytes": self.layers.weight_bytes(),
            "decibels": decibels, "right": [plain.right, bytes.right], "changed_percent": plain.changed(bytes),
            "batch_ms": [plain.time, bytes.time], "memory": self.costs, "sensitivity": chosen.sensitivity,
            "kept": chosen.kept, "layers": layers,
        })
    }

    fn print(&self, decibels: f64) {
        let [layer, operation, zero] = ["layer", "operation", "zero"];
        let [scale, noise, ends, kib, real, whole] = ["scale", "dB", "at ends", "KiB", "ms f32", "ms int8"];
        println!(
            "{layer:<44} {operation:>14} {scale:>11} {zero:>5} {noise:>8} {ends:>8} {kib:>9} {real:>8} {whole:>8}"
        );
        for layer in &self.layers.layers {
            print_layer(layer, self.times(layer));
        }
        if !self.chosen.sensitivity.is_empty() {
            println!("\nalone in int8, the most sensitive first: dB of the outputs");
            for layer in &self.chosen.sensitivity {
                let kept = if self.chosen.kept.contains(&layer.node) { "  stays in f32" } else { "" };
                println!("{:<44} {:>8.1}{kept}", layer.node, layer.decibels);
            }
            println!();
        }
        let [products, of_products] = self.layers.products();
        println!(
            "{products} of {of_products} convolutions and products in int8, by {} batches",
            self.batches
        );
        if self.arguments.equalize {
            println!("the channels of {} pairs of layers were made alike", self.equalized);
        }
        let share = |what: &str, [before, after]: [u64; 2]| {
            println!("{what} {before} → {after} bytes, {:.3} of f32", after as f64 / before.max(1) as f64);
        };
        share("weights", self.layers.weight_bytes());
        share("weights as they are read, packed,", self.costs.map(|costs| costs.weights));
        share("activations", self.costs.map(|costs| costs.activations));
        let ports = self.costs[0].ports;
        println!("(inputs and outputs stay in f32 and take {ports} bytes besides)");
        println!("output {decibels:.1} dB above the error");
        let [plain, bytes] = self.answers;
        if let (Some([a, of]), Some([b, _])) = (plain.right, bytes.right) {
            println!("right answers: f32 {a}, int8 {b} of {of}");
        }
        let ratio = plain.time / bytes.time.max(1e-9);
        println!(
            "a batch takes {:.2} ms in f32 and {:.2} in int8: {ratio:.2} times as fast",
            plain.time, bytes.time
        );
    }
}

fn print_layer(layer: &Layer, times: [Option<f64>; 2]) {
    let kib = layer.activation_bytes[1] as f64 / 1024.0;
    let [real, whole] = times.map(|time| time.map_or("–".to_owned(), |time| format!("{time:.3}")));
    let (node, op) = (&layer.node, layer.op);
    if let Some(why) = layer.why {
        println!("{node:<44} {op:>14} {:<36} {kib:>8.1} {real:>8} {whole:>8}", format!("f32: {why}"));
        return;
    }
    let [scale, zero] = [layer.scale.map(|x| format!("{x:.3e}")), layer.zero_point.map(|x| x.to_string())]
        .map(Option::unwrap_or_default);
    let noise = layer.decibels.map_or(String::new(), |x| format!("{x:.1}"));
    let ends = layer.at_ends.map_or(String::new(), |x| format!("{:.2} %", 100.0 * x));
    println!(
        "{node:<44} {op:>14} {scale:>11} {zero:>5} {noise:>8} {ends:>8} {kib:>9.1} {real:>8} {whole:>8}"
    );
}
