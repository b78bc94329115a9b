//! The measuring commands: `devices --probe`, `kernels bench suite | roofline | compile-time`, `tune`.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{fs, path::Path};

use common::{folder, run_badly, text, tilewright};
use serde_json::Value;

/// Runs the program with a cache folder, and fails with what it said unless it succeeds.
#[track_caller]
fn run_with_cache(cache: &Path, arguments: &[&str]) -> (String, String) {
    let output = tilewright().env("TILEWRIGHT_CACHE", cache).args(arguments).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}\n{out}\n{err}");
    (out.into_owned(), err.into_owned())
}

fn file(cache: &Path, prefix: &str) -> std::path::PathBuf {
    let all = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    all.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with(prefix)).unwrap()
}

#[test]
fn a_device_is_probed_once_and_benches_know_its_roof() {
    let folder = folder();
    let cache = folder.path();
    let bench = ["kernels", "bench", "matmul", "--shape", "64x48x32", "--repeat", "2", "--json"];
    let before: Value = serde_json::from_str(&run_with_cache(cache, &bench).0).unwrap();
    assert!(before["roof_gflops"].is_null() && before["rows"][0]["roof_share"].is_null());
    let probe = ["devices", "--probe", "--json"];
    let (first, said) = run_with_cache(cache, &probe);
    assert!(said.contains("multiply-adds in f32"), "{said}");
    let report: Value = serde_json::from_str(&first).unwrap();
    let roofline = &report["probe"];
    assert!(roofline["arithmetic"]["f32"]["measured"]["gops"].as_f64().unwrap() > 0.1);
    assert!(roofline["arithmetic"]["dot4_i8"]["measured"]["gops"].as_f64().unwrap() > 0.1);
    let matrix = &roofline["arithmetic"]["cooperative_matrix"];
    assert!(matrix["measured"].is_object() || matrix["absent"]["reason"].is_string());
    let copies = roofline["copies"].as_array().unwrap();
    assert!(copies.len() >= 5 && copies.iter().all(|rate| rate["kernel_gb_per_s"].as_f64().unwrap() > 0.01));
    let overhead = &roofline["overhead"];
    assert!(overhead["record_us"].as_f64().unwrap() < overhead["round_trip_us"].as_f64().unwrap());
    // Again: the same numbers, and no probing.
    let (second, said) = run_with_cache(cache, &probe);
    assert_eq!(said, "");
    let again: Value = serde_json::from_str(&second).unwrap();
    for place in ["/probe/arithmetic/f32/measured/gops", "/probe/copies/5/kernel_gb_per_s"] {
        // serde_json reads a number to within its last digit.
        let [a, b] = [&report, &again].map(|report| report.pointer(place).unwrap().as_f64().unwrap());
        assert!((a / b - 1.0).abs() < 1e-12, "{place}: {a} and {b}");
    }
    let after: Value = serde_json::from_str(&run_with_cache(cache, &bench).0).unwrap();
    let (roof, row) = (after["roof_gflops"].as_f64().unwrap(), &after["rows"][0]);
    let flops = after["flops"].as_f64().unwrap();
    assert_eq!(flops, 2.0 * 64.0 * 48.0 * 32.0);
    assert_eq!(after["bytes"].as_f64().unwrap(), 4.0 * (64.0 * 32.0 + 32.0 * 48.0 + 64.0 * 48.0));
    let share = flops / row["min_ms"].as_f64().unwrap() / 1e6 / roof;
    assert!((row["roof_share"].as_f64().unwrap() / share - 1.0).abs() < 1e-9);
    assert!(
        run_with_cache(cache, &["kernels", "bench", "matmul", "--shape", "64x48x32", "--repeat", "2"])
            .0
            .contains("roof")
    );
    // The layers of a network, with a picture.
    let svg = cache.join("picture.svg");
    let arguments = ["kernels", "roofline", "--network", "mobilenet_v2", "--svg", text(&svg), "--json"];
    let report: Value = serde_json::from_str(&run_with_cache(cache, &arguments).0).unwrap();
    let layers = report["layers"].as_array().unwrap();
    assert_eq!(layers.iter().map(|layer| layer["layers"].as_array().unwrap().len()).sum::<usize>(), 52);
    let picture = fs::read_to_string(&svg).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("GFLOP/s") && picture.contains("features.18.0"));
    assert_eq!(picture.matches("% of its roof").count(), layers.len());
    let arguments = ["kernels", "bench", "suite", "--network", "resnet18", "--chosen", "--json"];
    let report: Value = serde_json::from_str(&run_with_cache(cache, &arguments).0).unwrap();
    assert_eq!(report["rows"].as_array().unwrap().len(), 11);
    assert_eq!(report["geometric_mean_ratio"].as_f64().unwrap(), 1.0);
    // A damaged file is measured anew.
    let path = file(cache, "probe_");
    fs::write(&path, &fs::read(&path).unwrap()[..100]).unwrap();
    let after: Value = serde_json::from_str(&run_with_cache(cache, &bench).0).unwrap();
    assert!(after["roof_gflops"].is_null());
}

#[test]
fn tuning_fills_the_cache() {
    let folder = folder();
    let tune = ["tune", "small_cnn", "--input", "2x1x12x12", "--training", "--json"];
    let first: Value = serde_json::from_str(&run_with_cache(folder.path(), &tune).0).unwrap();
    let new = first["new"].as_object().unwrap();
    for pass in ["conv2d ", "conv2d_backward_input ", "conv2d_backward_weight ", "matmul "] {
        assert!(new.keys().any(|key| key.starts_with(pass)), "{pass}: {first}");
    }
    assert!(new.values().all(|entry| entry["rejected"].as_object().unwrap().is_empty()), "{first}");
    let second: Value = serde_json::from_str(&run_with_cache(folder.path(), &tune).0).unwrap();
    assert!(second["new"].as_object().unwrap().is_empty(), "{second}");
    assert_eq!(second["remembered"], first["remembered"]);
    let (said, _) = run_with_cache(folder.path(), &[&tune[..5], &["--forget"]].concat());
    assert!(said.contains("TILEWRIGHT_TUNE=cached"), "{said}");
    run_badly(&tune, &["TILEWRIGHT_CACHE"]);
    run_badly(&["tune", "lenet"], &["TILEWRIGHT_CACHE"]);
}

#[test]
fn the_first_use_is_told_from_the_next() {
    let arguments =
        ["kernels", "compile-time", "--network", "small_cnn", "--input", "2x1x12x12", "--training", "--json"];
    let report: Value = serde_json::from_str(&common::run_well(&arguments)).unwrap();
    for caches in ["cold", "empty", "warm"] {
        let seen = &report[caches];
        assert!(seen["pipelines"].as_u64().unwrap() >= 5, "{report}");
        assert!(seen["first_s"].as_f64().unwrap() > seen["next_s"].as_f64().unwrap(), "{report}");
    }
    let arguments = ["kernels", "compile-time", "--network", "small_cnn", "--input", "2x1x12x12"];
    run_badly(&[&arguments[..], &["--assert", "0"]].concat(), &["small_cnn", "caches off"]);
    run_badly(&["kernels", "compile-time", "--network", "lenet"], &["lenet", "resnet18"]);
}

#[test]
fn what_the_suite_does_not_know_is_named() {
    run_badly(&["kernels", "bench", "suite", "--network", "lenet"], &["lenet", "resnet50"]);
    run_badly(&["kernels", "roofline", "--network", "lenet"], &["lenet", "unet"]);
}
