//! Looking at networks: `inspect`, `profile`, `memory`.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;

use common::{folder, golden, run_badly, run_well, text};

#[test]
fn inspect_shows_layers_passes_and_memory() {
    let folder = folder();
    let dot = folder.path().join("graph.dot");
    let base = ["inspect", "resnet20", "--input", "2x3x32x32"];
    let report: serde_json::Value = serde_json::from_str(&run_well(
        &[&base[..], &["--json", "--weights", text(&golden("resnet20_weights.safetensors"))]].concat(),
    ))
    .unwrap();
    // Folding changes no count of what is learnt but the statistics': 21 convolutions have a bias now.
    let convs = report["nodes"].as_array().unwrap().iter().filter(|node| node["op"] == "conv2d").count();
    assert_eq!(convs, 21, "{report}");
    assert!(report["memory"]["values"].as_u64().unwrap() > 10, "{report}");
    assert_eq!(report["nodes"][1]["name"], "layer1.0.conv1");
    assert_eq!(report["nodes"][2]["residual"], true);
    assert!(report["memory"]["ratio"].as_f64().unwrap() >= 1.0);
    // Two images, each 40.8 million multiply-adds.
    let flops = report["flops"].as_u64().unwrap();
    assert!((2 * 81_000_000..2 * 84_000_000).contains(&flops), "{flops}");
    let said = run_well(&[&base[..], &["--dot", text(&dot)]].concat());
    for part in ["layer3.2.conv2", "conv2d + residual + relu", "fold_batch_norm 21", "lower bound"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(fs::read_to_string(&dot).unwrap().starts_with("digraph"));
    let svg = folder.path().join("graph.svg");
    run_well(&[&base[..], &["--svg", text(&svg)]].concat());
    let picture = fs::read_to_string(&svg).unwrap();
    assert!(picture.starts_with("<svg") && picture.ends_with("</svg>"), "{picture}");
    assert!(picture.contains("layer3.2.conv2") && picture.contains("conv2d + residual + relu"), "{picture}");
    // One arrow for each value that is read: along the chain, and nine past a block's first convolution.
    let nodes = report["nodes"].as_array().unwrap().len();
    assert!(picture.matches("url(#head)").count() > nodes + 8, "{picture}");
    assert!(run_well(&[&base[..], &["--raw"]].concat()).contains("batch_norm_eval"));
    run_badly(&["inspect", "resnet20", "--input", "3x32x32"], &["[3, 32, 32]", "N×C×H×W"]);
    run_badly(&["inspect", "resnet20", "--input", "x=1x3x32x32"], &["`x`", "input"]);
    run_badly(&["inspect", "nothing"], &["nothing", "resnet20"]);
}

#[test]
fn profile_times_every_layer() {
    let folder = folder();
    let trace = folder.path().join("trace.json");
    let base = ["profile", "small_cnn", "--input", "1x3x32x32", "--repeat", "2"];
    let report: serde_json::Value =
        serde_json::from_str(&run_well(&[&base[..], &["--json", "--trace", text(&trace)]].concat())).unwrap();
    let layers = report["layers"].as_array().unwrap();
    let share: f64 = layers.iter().map(|layer| layer["share"].as_f64().unwrap()).sum();
    assert!((share - 1.0).abs() < 1e-6, "{report}");
    let host = &report["host"];
    assert!(host["min_us_per_dispatch"].as_f64().unwrap() > 0.0, "{host}");
    assert!(host["dispatches"].as_u64().unwrap() as usize >= layers.len(), "{host}");
    for name in ["conv1", "conv2", "fc"] {
        let layer = layers.iter().find(|layer| layer["node"] == name).unwrap();
        assert!(layer["milliseconds"].as_f64().unwrap() > 0.0 && layer["gflops"].as_f64().unwrap() > 0.0);
    }
    assert!(fs::read_to_string(&trace).unwrap().contains("conv1"));
    let said = run_well(&base);
    assert!(said.contains("devices --probe"), "nothing was probed: {said}");
    assert!(said.contains("µs per dispatch"), "{said}");
    run_badly(&[&base[..4], &["--repeat", "0"]].concat(), &["--repeat"]);
}

#[test]
fn zoo_lists_networks_and_shows_one() {
    let rows: serde_json::Value = serde_json::from_str(&run_well(&["zoo", "list", "--json"])).unwrap();
    let row = |name: &str| rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    assert_eq!(row("resnet50")["parameters"], 25_557_032);
    assert_eq!(row("alexnet")["least"], 63);
    // Published as 4.09 G multiplications with their additions; normalisations and additions come on top.
    let flops = row("resnet50")["flops"].as_f64().unwrap() / 2e9;
    assert!((4.08..4.15).contains(&flops), "{flops}");
    let said = run_well(&["zoo", "list"]);
    assert_eq!(said.lines().count(), rows.as_array().unwrap().len() + 1, "{said}");
    let said = run_well(&["zoo", "info", "resnet20"]);
    for part in ["272474", "layer3.2.conv2", "fc.bias", "3×32×32"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let keys = run_well(&["zoo", "info", "mobilenet_v2", "--keys"]);
    assert!(keys.starts_with("features.0.0.weight [32, 3, 3, 3]\nfeatures.0.1.weight [32]\n"), "{keys}");
    assert!(keys.ends_with("classifier.1.weight [1000, 1280]\nclassifier.1.bias [1000]\n"), "{keys}");
    let info: serde_json::Value =
        serde_json::from_str(&run_well(&["zoo", "info", "resnet20", "--json", "--keys"])).unwrap();
    assert_eq!(info["keys"][0]["name"], "conv1.weight");
    // 21 convolutions with a normalisation each, 9 sums, and the end: pooling, flattening, the classes.
    assert_eq!(info["layers"].as_array().unwrap().len(), 2 * 21 + 9 + 3, "{info}");
    run_badly(&["zoo", "info", "ResNet-50"], &["ResNet-50", "`resnet50`"]);
}

#[test]
fn memory_says_what_a_training_step_holds() {
    let base = ["memory", "resnet20", "--input", "4x1x12x12", "--steps", "2"];
    let report = |flags: &[&str]| -> serde_json::Value {
        serde_json::from_str(&run_well(&[&base[..], &["--json"], flags].concat())).unwrap()
    };
    let bytes = |report: &serde_json::Value, name: &str| report["bytes"][name].as_u64().unwrap();
    let plain = report(&[]);
    // 0.27 million numbers for ten classes, and 990 more outputs of 64 numbers and a bias.
    let parameters = bytes(&plain, "parameters");
    assert!((4 * 330_000..4 * 340_000).contains(&parameters), "{plain}");
    assert_eq!(bytes(&plain, "gradients"), parameters);
    assert!(bytes(&plain, "optimizer") >= parameters, "{plain}");
    let peak = bytes(&plain, "peak");
    assert!(peak >= 2 * parameters + bytes(&plain, "saved_for_backward"), "{plain}");
    assert!(bytes(&plain, "peak_with_pool") >= peak, "{plain}");
    assert_eq!(plain["bytes"]["seconds"].as_array().unwrap().len(), 2);
    let less = report(&["--checkpoint-activations", "--step-on-the-way"]);
    assert!(bytes(&less, "saved_for_backward") * 3 < bytes(&plain, "saved_for_backward") * 2, "{less}");
    assert_eq!(bytes(&less, "gradients"), 0);
    assert!(bytes(&less, "peak") < peak, "{less} {plain}");
    let said = run_well(&[&base[..4], &["--steps", "1", "--tape"]].concat());
    assert!(said.contains("batch_norm_train") && said.contains("layer3.2.conv2.weight"), "{said}");
    // Of a network that has auxiliary heads where it is asked for them.
    let said = run_well(&[
        "memory",
        "googlenet",
        "--input",
        "2x3x32x32",
        "--steps",
        "1",
        "--checkpoint-activations",
    ]);
    assert!(said.contains("peak"), "{said}");
    assert!(plain["at_peak"].is_null(), "{plain}");
    let watched = report(&["--peak"]);
    let held = watched["at_peak"]["held"].as_array().unwrap();
    let all: u64 = held.iter().map(|held| held["bytes"].as_u64().unwrap()).sum();
    assert_eq!(all + watched["at_peak"]["earlier"].as_u64().unwrap(), bytes(&watched, "peak"), "{watched}");
    let said = run_well(&[&base[..4], &["--steps", "1", "--peak"]].concat());
    assert!(said.contains("held at the peak, in ") && said.contains("network"), "{said}");
    run_badly(&[&base[..4], &["--steps", "0"]].concat(), &["--steps"]);
    run_badly(&["memory", "nothing"], &["nothing", "resnet20"]);
    run_badly(&["memory", "resnet20", "--input", "3x32x32"], &["[3, 32, 32]", "N×C×H×W"]);
}
