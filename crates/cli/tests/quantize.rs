//! `quantize`, on the trained ResNet-20 of the golden files.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{floats, folder, golden, run_badly, run_well, text, write_npy};
use serde_json::Value;
use tilewright_reference::golden;

#[test]
fn a_trained_network_answers_in_bytes() {
    let folder = folder();
    let case = golden::family("resnet20").unwrap().into_iter().find(|case| case.name == "eval").unwrap();
    let (images, shape) = case.images("x").unwrap();
    let (logits, _) = case.f32("logits").unwrap();
    let [x, labels, empty, wrong, nan] =
        ["x.npy", "l.npy", "empty.npy", "wrong.npy", "nan.npy"].map(|name| folder.path().join(name));
    write_npy(&x, "<f4", shape, &floats(&images));
    let classes = logits.len() / shape[0];
    let best = |row: &[f32]| (0..classes).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as i32;
    let answers: Vec<u8> = logits.chunks(classes).flat_map(|row| best(row).to_le_bytes()).collect();
    write_npy(&labels, "<i4", &[shape[0]], &answers);
    let weights = golden("resnet20_weights.safetensors");
    let model = ["quantize", "resnet20", "--weights", text(&weights), "--calibrate"];
    let run = |more: &[&str]| -> Value {
        let tried = ["--evaluate", text(&x), "--labels", text(&labels), "--json"];
        serde_json::from_str(&run_well(&[&model[..], &[text(&x)], &tried, more].concat())).unwrap()
    };
    let report = run(&[]);
    assert_eq!(report["products"], report["of_products"]);
    assert_eq!(report["right"][0], Value::from(vec![shape[0], shape[0]]));
    assert!(report["right"][1][0].as_u64().unwrap() + 1 >= shape[0] as u64, "{}", report["right"]);
    assert!(report["decibels"].as_f64().unwrap() > 15.0, "{}", report["decibels"]);
    let [before, after] = [0, 1].map(|at| report["weight_bytes"][at].as_u64().unwrap());
    assert!((after as f64) < 0.29 * before as f64, "{before} {after}");
    let layers = report["layers"].as_array().unwrap();
    let first = layers.iter().find(|layer| layer["op"] == "conv2d").unwrap();
    assert!(first["int8"] == true && first["decibels"].as_f64().unwrap() > 20.0, "{first}");
    let kept = run(&["--observer", "mse", "--symmetric", "--keep", first["node"].as_str().unwrap()]);
    assert_eq!(kept["products"].as_u64().unwrap() + 1, kept["of_products"].as_u64().unwrap());
    let sheet = folder.path().join("sheet.png");
    let said = run_well(
        &[
            &model[..],
            &[text(&x), "--observer", "entropy", "--histograms", text(&sheet), "--keep-worst", "1"],
        ]
        .concat(),
    );
    for words in
        ["convolutions and products in int8", "dB", "most sensitive first", "stays in f32", "activations"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(std::fs::read(&sheet).unwrap().starts_with(b"\x89PNG"));
    every_option(&run);

    let refused = |file: &std::path::Path, more: &[&str], texts: &[&str]| {
        run_badly(&[&model[..], &[text(file)], more].concat(), texts);
    };
    refused(&x, &["--keep", "no_such_layer"], &["--keep", "no_such_layer", "layers"]);
    let [there, mistaken] = ["layer2.1.conv2", "layer2.1.con2"];
    refused(&x, &["--keep", mistaken], &[mistaken, "most alike", there]);
    refused(&x, &["--keep-worst", "99"], &["--keep-worst", "22 layers", "99"]);
    for wrong in ["-1", "101", "NaN"] {
        refused(&x, &[&format!("--drop-limit={wrong}")], &["--drop-limit", "from 0 to 100", wrong]);
    }
    let below_a_file = x.join("sheet.png");
    refused(&x, &["--histograms", text(&below_a_file)], &["sheet.png"]);
    refused(&x, &["--batch-size", "0"], &["--batch-size", "at least 1"]);
    write_npy(&empty, "<f4", &[0, 3, 32, 32], &[]);
    let options: [&[&str]; 5] =
        [&[], &["--equalize"], &["--correct-bias"], &["--sensitivity"], &["--drop-limit", "1"]];
    for options in options {
        refused(&empty, options, &["no sample"]);
    }
    write_npy(&wrong, "<f4", &[1, 3, 16, 16], &floats(&[0.5; 3 * 16 * 16]));
    refused(&x, &["--evaluate", text(&wrong)], &["--evaluate", "[3, 16, 16]"]);
    write_npy(&wrong, "<i4", &[1], &[0; 4]);
    refused(&x, &["--evaluate", text(&x), "--labels", text(&wrong)], &["wrong.npy", "[1]", "samples"]);
    let mut broken = images.to_vec();
    broken[100] = f32::NAN;
    write_npy(&nan, "<f4", shape, &floats(&broken));
    for options in options {
        refused(&nan, options, &["calibration", "the input holds NaN"]);
    }
    // One number everywhere: any scale is right.
    write_npy(&wrong, "<f4", shape, &floats(&vec![0.0; images.len()]));
    let all = ["--observer", "entropy", "--equalize", "--correct-bias", "--sensitivity", "--drop-limit", "0"];
    run_well(&[&model[..], &[text(&wrong), "--histograms", text(&sheet)], &all[..]].concat());
    run_badly(&["quantize", "resnet20", "--calibrate", text(&x)], &["--weights", "needs its weights"]);
}

/// A file of numbers, and one with the graph, give the same answers; the first for any number of samples.
#[test]
fn a_network_in_bytes_is_one_file() {
    let folder = folder();
    let case = golden::family("resnet20").unwrap().into_iter().find(|case| case.name == "eval").unwrap();
    let (images, shape) = case.images("x").unwrap();
    let [x, one, safetensors, onnx, y, z] =
        ["x.npy", "one.npy", "quantised.safetensors", "q.onnx", "y.npz", "z.npz"]
            .map(|name| folder.path().join(name));
    write_npy(&x, "<f4", shape, &floats(&images));
    let weights = golden("resnet20_weights.safetensors");
    let model = ["quantize", "resnet20", "--weights", text(&weights), "--calibrate", text(&x)];
    let kept = ["--keep", "layer1.0.conv1"];
    for file in [&safetensors, &onnx] {
        run_well(&[&model[..], &kept, &["-o", text(file)]].concat());
    }
    let bytes = |path: &std::path::Path| std::fs::metadata(path).unwrap().len() as f64;
    assert!(bytes(&safetensors) < 0.4 * bytes(&weights), "{} {}", bytes(&safetensors), bytes(&weights));
    let infer = |model: &str, weights: &[&str], x: &std::path::Path, y: &std::path::Path| -> Value {
        let call = ["infer", model, "--input", text(x), "--output", text(y), "--json"];
        serde_json::from_str(&run_well(&[&call[..], weights].concat())).unwrap()
    };
    let with = ["--weights", text(&safetensors)];
    let report = infer("resnet20", &[&with[..], &["--precision", "int8"]].concat(), &x, &y);
    assert_eq!(report["precision"], "int8");
    infer(text(&onnx), &["--precision", "int8"], &x, &z);
    let expected = npz(&z);
    assert_eq!(npz(&y), expected);
    let pixels: usize = shape[1..].iter().product();
    write_npy(&one, "<f4", &[&[1], &shape[1..]].concat(), &floats(&images[pixels..2 * pixels]));
    // Said or not, it is what the file holds.
    assert_eq!(infer("resnet20", &with, &one, &y)["precision"], "int8");
    let classes = expected.len() / shape[0];
    assert_eq!(npz(&y), expected[classes..2 * classes]);

    let infer = ["infer", "resnet20", "--input", text(&x), "--output", text(&y)];
    let refused = |more: &[&str], texts: &[&str]| run_badly(&[&infer[..], more].concat(), texts);
    refused(
        &["--weights", text(&weights), "--precision", "int8"],
        &["--precision", "no weights in bytes", "quantize"],
    );
    run_badly(&[&model[..], &["-o", "q.npy"]].concat(), &["--output", ".safetensors or .onnx"]);
    // What has no bytes is not passed off as if it had, by any command.
    for command in ["profile", "inspect"] {
        let call =
            [command, "resnet20", "--weights", text(&weights), "--precision", "int8", "--input", "1x3x32x32"];
        run_badly(&call, &["--precision", "no weights in bytes"]);
    }
    let trained = ["train", "--model", "resnet20", "--data", text(folder.path()), "--precision", "int8"];
    run_badly(&trained, &["--precision", "--quantize-aware"]);
    let again = ["quantize", "resnet20", "--weights", text(&safetensors), "--calibrate", text(&x)];
    run_badly(&again, &["in bytes already"]);
    let other =
        ["infer", "resnet32", "--weights", text(&safetensors), "--input", text(&x), "--output", text(&y)];
    run_badly(&other, &["another network"]);
    let short = folder.path().join("short.safetensors");
    let whole = std::fs::read(&safetensors).unwrap();
    std::fs::write(&short, &whole[..whole.len() - 100]).unwrap();
    refused(&["--weights", text(&short)], &["short.safetensors"]);
}

/// The only array of a file, in f32.
fn npz(path: &std::path::Path) -> Vec<f32> {
    common::read_npz(path, "output")
}

/// Each option is in the report and does something.
fn every_option(run: &dyn Fn(&[&str]) -> Value) {
    let plain = run(&[]);
    let number = |report: &Value, name: &str| report[name].as_f64().unwrap();
    assert!(number(&plain, "decibels") > 15.0 && plain["sensitivity"].as_array().unwrap().is_empty());
    for part in ["weights", "activations"] {
        let [before, after] = [0, 1].map(|at| plain["memory"][at][part].as_f64().unwrap());
        assert!(after < 0.3 * before, "{part}: {before} {after}");
    }
    let product = plain["layers"].as_array().unwrap().iter().find(|layer| layer["op"] == "conv2d").unwrap();
    assert!(product["ms"][0].as_f64() > Some(0.0) && product["ms"][1].as_f64() > Some(0.0), "{product}");
    let [before, after] = [0, 1].map(|at| product["activation_bytes"][at].as_u64().unwrap());
    assert_eq!(before, 4 * after);
    let options =
        ["--per-tensor-weights", "--equalize", "--correct-bias", "--sensitivity", "--drop-limit", "0"];
    let all = run(&options);
    assert!(all["per_tensor_weights"] == true && all["correct_bias"] == true && all["equalize"] == true);
    // One convolution of each block is read by its other one alone.
    assert_eq!(all["equalized_pairs"], 9);
    assert_ne!(all["decibels"], plain["decibels"]);
    let layers = all["sensitivity"].as_array().unwrap();
    assert_eq!(layers.len(), 22);
    assert!(layers.windows(2).all(|pair| number(&pair[0], "decibels") <= number(&pair[1], "decibels")));
    // What is evaluated are the samples of the calibration, whose answers may not change.
    assert_eq!(number(&all, "changed_percent"), 0.0);
}
