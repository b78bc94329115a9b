//! `--precision f16` and `export`, on the trained ResNet-20 of the golden files.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{fs, path::Path};

use common::{floats, folder, golden, run, run_badly, run_well, text, write_npy};
use tilewright_reference::{
    compare::{compare, relative_error},
    golden::{self, Case},
};

fn case() -> Case {
    golden::family("resnet20").unwrap().into_iter().find(|case| case.name == "eval").unwrap()
}

fn read(path: &Path) -> Vec<f32> {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    npyz::NpyFile::new(archive.by_name("output.npy").unwrap()).unwrap().into_vec::<f32>().unwrap()
}

#[test]
fn an_exported_network_answers_as_the_one_it_was_made_from() {
    let (folder, case) = (folder(), case());
    let (images, shape) = case.images("x").unwrap();
    let [input, output, model, raw, again] =
        ["x.npy", "y.npz", "model.onnx", "raw.onnx", "again.onnx"].map(|name| folder.path().join(name));
    write_npy(&input, "<f4", shape, &floats(&images));
    let weights = golden("resnet20_weights.safetensors");
    let zoo = ["export", "resnet20", "--weights", text(&weights), "--input", "4x3x32x32", "--output"];
    let report: serde_json::Value =
        serde_json::from_str(&run_well(&[&zoo[..], &[text(&model), "--json"]].concat())).unwrap();
    assert_eq!(report["opset"], 17);
    assert_eq!(report["bytes"], fs::metadata(&model).unwrap().len());
    assert!(run_well(&[&zoo[..], &[text(&raw), "--raw"]].concat()).contains("operator set 17"));
    run_well(&["export", text(&model), "--output", text(&again)]);
    for model in [&model, &raw, &again] {
        run_well(&["infer", text(model), "--input", text(&input), "--output", text(&output)]);
        compare(&read(&output), case.f32("logits").unwrap().0, 1e-5, 2e-5).unwrap();
    }
    let listed = run_well(&["inspect", text(&raw), "--raw"]);
    assert!(listed.contains("batch_norm_eval"), "{listed}");
    // Nothing is left where there is no network, or no room for one.
    let nothing = folder.path().join("nothing.onnx");
    run_badly(&["export", "no_such_net", "--output", text(&nothing)], &["no_such_net"]);
    assert!(!nothing.exists());
    let inside = input.join("m.onnx");
    run_badly(&["export", "small_cnn", "--input", "1x3x32x32", "--output", text(&inside)], &["m.onnx"]);
}

#[test]
fn f16_is_near_f32_and_reported() {
    let (folder, case) = (folder(), case());
    let (images, shape) = case.images("x").unwrap();
    let [input, output] = ["x.npy", "y.npz"].map(|name| folder.path().join(name));
    write_npy(&input, "<f4", shape, &floats(&images));
    let weights = golden("resnet20_weights.safetensors");
    let model = ["resnet20", "--weights", text(&weights), "--precision", "f16", "--json", "--input"];
    let said = run_well(&[&["infer"], &model[..], &[text(&input), "--output", text(&output)]].concat());
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["precision"], "f16");
    let (logits, _) = case.f32("logits").unwrap();
    let error = relative_error(&read(&output), logits);
    assert!(error > 1e-5 && error < 5e-3, "{error}");
    let said = run_well(&[&["inspect"], &model[..], &["4x3x32x32"]].concat());
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let passes = report["passes"].as_array().unwrap();
    let converted = passes.iter().find(|pass| pass["pass"] == "convert_f16").unwrap();
    assert!(converted["changed"].as_u64().unwrap() >= 20, "{passes:?}");
    let said = run_well(&[&["profile"], &model[..], &["1x3x32x32", "--repeat", "1"]].concat());
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["precision"], "f16");
    let help = run_well(&["infer", "--help"]);
    assert!(help.contains("software Vulkan"), "{help}");
}

/// Activations beyond 65504 would be infinite in f16: the layers that make and read them stay in f32, and are named.
#[test]
fn layers_beyond_f16_stay_in_f32_and_are_named() {
    let (folder, case) = (folder(), case());
    let (images, shape) = case.images("x").unwrap();
    let [input, output] = ["x.npy", "y.npz"].map(|name| folder.path().join(name));
    let bright: Vec<f32> = images.iter().map(|value| value * 1e6).collect();
    write_npy(&input, "<f4", shape, &floats(&bright));
    let weights = golden("resnet20_weights.safetensors");
    let arguments = ["infer", "resnet20", "--weights", text(&weights), "--json", "--input", text(&input)];
    let arguments = [&arguments[..], &["--output", text(&output), "--precision"]].concat();
    run_well(&[&arguments[..], &["f32"]].concat());
    let expected = read(&output);
    let said = run(&[&arguments[..], &["f16"]].concat());
    assert!(said.status.success());
    let error = relative_error(&read(&output), &expected);
    assert!(error < 5e-3, "{error}");
    let words = String::from_utf8_lossy(&said.stderr);
    let first = words.lines().find(|line| line.starts_with("conv1 stays in f32")).unwrap_or_default();
    assert!(first.contains("f16 ends at 65504"), "{words}");
    let report: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let kept = report["kept_in_f32"].as_array().unwrap();
    assert_eq!(kept[0]["node"], "conv1");
    assert!(kept[0]["largest"].as_f64().unwrap() > 65504.0);
    assert_eq!(words.lines().filter(|line| line.contains("stays in f32")).count(), kept.len());
}

/// `--exact` is an option of every command: no layer is computed by minimal filtering then.
#[test]
fn exact_goes_without_winograd() {
    let profile = ["profile", "resnet20", "--input", "8x3x32x32", "--repeat", "1"];
    let said = run_well(&profile);
    let exact = run_well(&[&profile[..], &["--exact"]].concat());
    assert!(!exact.contains("winograd"), "{exact}");
    // On software Vulkan the table takes it for 32 channels and more.
    if said.contains("conv2d_lanes") {
        assert!(said.contains("winograd_input") && said.contains("--exact goes without"), "{said}");
    }
}
