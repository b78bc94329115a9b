//! `--precision f16` and `export`, on the trained ResNet-20 of the golden files.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{fs, path::Path};

use common::{floats, folder, golden, run_badly, run_well, text, write_npy};
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
