//! The machine faces: `infer`, `grad`, `devices`, `kernels`.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "faces/weights.rs"]
mod weights;

use std::{collections::BTreeMap, fs};

use common::{floats, folder, golden, run_badly, run_well, text, write_npy};
use safetensors::SafeTensors;
use tilewright_reference::{
    compare::{compare, relative_error},
    golden::{self, Case},
};

fn case(name: &str) -> Case {
    golden::family("resnet20").unwrap().into_iter().find(|case| case.name == name).unwrap()
}

#[test]
fn infer_gives_pytorchs_logits() {
    let (folder, case) = (folder(), case("eval"));
    let (images, shape) = case.images("x").unwrap();
    let (input, output) = (folder.path().join("x.npy"), folder.path().join("y.npz"));
    write_npy(&input, "<f4", shape, &floats(&images));
    let weights = golden("resnet20_weights.safetensors");
    let base = [
        "infer",
        "resnet20",
        "--weights",
        text(&weights),
        "--input",
        text(&input),
        "--output",
        text(&output),
    ];
    let trace = folder.path().join("trace.json");
    let said = run_well(&[&base[..], &["--json", "--repeat", "3", "--trace", text(&trace)]].concat());
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["outputs"]["output"], serde_json::json!([4, 10]));
    let [first, median, least] =
        ["first_ms", "median_ms", "min_ms"].map(|name| report[name].as_f64().unwrap());
    assert!(first > 0.0 && least > 0.0 && least <= median);
    assert!(fs::read_to_string(&trace).unwrap().contains("conv2d"));
    let mut archive = zip::ZipArchive::new(fs::File::open(&output).unwrap()).unwrap();
    let file = npyz::NpyFile::new(archive.by_name("output.npy").unwrap()).unwrap();
    assert_eq!(file.shape(), [4, 10]);
    compare(&file.into_vec::<f32>().unwrap(), case.f32("logits").unwrap().0, 1e-5, 2e-5).unwrap();
    let bytes = fs::read(&output).unwrap();
    run_well(&base);
    assert_eq!(fs::read(&output).unwrap(), bytes, "the same input gives the same file");
}

#[test]
fn grad_gives_pytorchs_gradients() {
    let (folder, case) = (folder(), case("gradients"));
    let (images, shape) = case.images("x").unwrap();
    let (input, target) = (folder.path().join("x.npy"), folder.path().join("t.npy"));
    let output = folder.path().join("g.safetensors");
    write_npy(&input, "<f4", shape, &floats(&images));
    let labels = case.i32("target").unwrap().0;
    let bytes: Vec<u8> = labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    write_npy(&target, "<i8", &[labels.len()], &bytes);
    let weights = golden("resnet20_weights.safetensors");
    let arguments = |target| {
        let (weights, input, output) = (text(&weights), text(&input), text(&output));
        ["grad", "resnet20", "--weights", weights, "--input", input, "--target", target, "--output", output]
            .map(str::to_owned)
    };
    let all = arguments(text(&target));
    let mut all: Vec<_> = all.iter().map(String::as_str).collect();
    all.extend(["--loss", "cross_entropy"]);
    run_well(&all);
    let bytes = fs::read(&output).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let gradients: BTreeMap<_, Vec<f32>> = file
        .iter()
        .map(|(name, view)| {
            let words = view.data().chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap()));
            (name.to_owned(), words.collect())
        })
        .collect();
    let expected: BTreeMap<_, _> = case
        .tensors
        .keys()
        .filter_map(|role| Some((role.strip_prefix("grad/")?.to_owned(), case.f32(role).unwrap().0)))
        .collect();
    assert_eq!(gradients.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, gradient) in &gradients {
        let error = relative_error(gradient, expected[name]);
        assert!(error < 1e-4, "{name}: {error:e}");
    }
    // The same classes as probabilities.
    let soft = folder.path().join("soft.npy");
    let one_hot: Vec<f32> = labels
        .iter()
        .flat_map(|&label| (0..10).map(move |class| f32::from(u8::from(class == label))))
        .collect();
    write_npy(&soft, "<f4", &[labels.len(), 10], &floats(&one_hot));
    let softly = arguments(text(&soft));
    let softly: Vec<_> = softly.iter().map(String::as_str).collect();
    run_well(&[&softly[..], &["--loss", "soft_cross_entropy"]].concat());
    let bytes = fs::read(&output).unwrap();
    for (name, view) in SafeTensors::deserialize(&bytes).unwrap().iter() {
        let words = view.data().chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap()));
        let error = relative_error(&words.collect::<Vec<_>>(), expected[name]);
        assert!(error < 1e-4, "{name}: {error:e}");
    }
    run_well(&[&softly[..], &["--loss", "smooth_l1"]].concat());
    assert_ne!(fs::read(&output).unwrap(), bytes);
    run_badly(&[&all[..all.len() - 1], &["mse"]].concat(), &["mse_loss", "[4]", "[4, 10]"]);
    // A label that is no class.
    fs::remove_file(&output).unwrap();
    let wrong = folder.path().join("wrong.npy");
    write_npy(&wrong, "<i8", &[4], &[3i64, 10, 0, 1].map(i64::to_le_bytes).concat());
    let all = arguments(text(&wrong));
    run_badly(&all.iter().map(String::as_str).collect::<Vec<_>>(), &["label", "10", "sample 1"]);
    write_npy(&wrong, "<i8", &[3], &[3i64, 1, 0].map(i64::to_le_bytes).concat());
    run_badly(&all.iter().map(String::as_str).collect::<Vec<_>>(), &["cross_entropy", "[3]", "[4]"]);
    assert!(!output.exists());
}

#[test]
fn wrong_weights_and_inputs_are_refused() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let good = fs::read(golden("resnet20_weights.safetensors")).unwrap();
    let (input, output) = (path("x.npy"), path("y.npz"));
    write_npy(&input, "<f4", &[1, 3, 32, 32], &floats(&[0.5; 3 * 32 * 32]));
    let refuse = |weights: &str, input: &str, parts: &[&str]| {
        run_badly(
            &["infer", "resnet20", "--weights", weights, "--input", input, "--output", text(&output)],
            parts,
        );
        assert!(!output.exists(), "nothing is to be written");
    };
    let weights = path("w.safetensors");
    fs::write(&weights, &good[..good.len() / 2]).unwrap();
    refuse(text(&weights), text(&input), &["w.safetensors", "cut off"]);
    fs::write(&weights, b"{}").unwrap();
    refuse(text(&weights), text(&input), &["w.safetensors", "safetensors"]);
    refuse(text(&path("none.safetensors")), text(&input), &["none.safetensors"]);
    // The header is text: a key of another name is missing under its own and unexpected under the new one.
    let place = good.windows(11).position(|window| window == b"conv1.weigh").unwrap();
    let mut renamed = good.clone();
    renamed[place..place + 5].copy_from_slice(b"conv9");
    fs::write(&weights, renamed).unwrap();
    refuse(text(&weights), text(&input), &["missing", "unexpected", "conv9.weight"]);
    fs::write(&weights, &good).unwrap();
    let wrong = path("wrong.npy");
    write_npy(&wrong, "<f4", &[3, 32, 32], &floats(&[0.5; 3 * 32 * 32]));
    refuse(text(&weights), text(&wrong), &["wrong.npy", "[3, 32, 32]", "N×C×H×W"]);
    write_npy(&wrong, "<f4", &[1, 1, 32, 32], &floats(&[0.5; 32 * 32]));
    refuse(text(&weights), text(&wrong), &["conv1.weight", "[16, 3, 3, 3]", "[16, 1, 3, 3]"]);
    write_npy(&wrong, "<f4", &[1, 3, 2, 2], &floats(&[0.5; 12]));
    refuse(text(&weights), text(&wrong), &["2×2", "too small"]);
    write_npy(&wrong, "<f4", &[1, 3, 32, 32], &floats(&[0.5; 100]));
    refuse(text(&weights), text(&wrong), &["wrong.npy", "cut short"]);
    let tenth = [0.1f64; 3 * 32 * 32].map(f64::to_le_bytes).concat();
    write_npy(&wrong, "<f8", &[1, 3, 32, 32], &tenth);
    refuse(text(&weights), text(&wrong), &["wrong.npy", "element 0 is 0.1", "float32", "astype"]);
    write_npy(&wrong, "<f4", &[1, 32, 32, 3], &floats(&[0.5; 3 * 32 * 32]));
    refuse(text(&weights), text(&wrong), &["wrong.npy", "N×C×H×W", "transpose"]);
    // Shapes that no machine holds; an extent of 0 does not excuse the others.
    for shape in [&[1 << 40, 3, 32, 32][..], &[1 << 62, 1 << 62, 32, 32], &[0, 3, 1 << 40, 1 << 40]] {
        write_npy(&wrong, "<f4", shape, &[]);
        run_badly(
            &[
                "infer",
                "small_cnn",
                "--weights",
                text(&weights),
                "--input",
                text(&wrong),
                "--output",
                text(&output),
            ],
            &[],
        );
        assert!(!output.exists());
    }
    fs::write(&wrong, b"garbage").unwrap();
    refuse(text(&weights), text(&wrong), &["wrong.npy", ".npy"]);
    let arguments =
        ["infer", "vgg16", "--weights", text(&weights), "--input", text(&input), "--output", text(&output)];
    run_badly(&arguments, &["vgg16", "small_cnn"]);
}

#[test]
fn what_frameworks_save_is_said_by_name() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let (input, output) = (path("x.npy"), path("y.npz"));
    write_npy(&input, "<f4", &[1, 3, 32, 32], &floats(&[0.5; 3 * 32 * 32]));
    let infer = |model: &str, rest: &[&str], parts: &[&str]| {
        run_badly(
            &[&["infer", model, "--input", text(&input), "--output", text(&output)], rest].concat(),
            parts,
        );
    };
    let archive = path("resnet20.pth");
    fs::write(&archive, b"PK\x03\x04 archive/data.pkl").unwrap();
    infer(text(&archive), &[], &["resnet20.pth", "torch.onnx.export"]);
    infer("resnet20", &["--weights", text(&archive)], &["resnet20.pth", "zip archive cannot be read"]);
    let pointer = path("resnet20.onnx");
    fs::write(&pointer, b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n").unwrap();
    infer(text(&pointer), &[], &["resnet20.onnx", "git lfs pull"]);
    infer("none.pb", &[], &["none.pb", ".onnx", "resnet20", "docs/inference.md"]);
    infer("Resnet20", &[], &["no network is called `Resnet20`", "`resnet20` is"]);
    infer("resnet20", &[], &["--weights", "resnet20", "safetensors"]);
    run_badly(&["inspect", "."], &["no network is called"]);
    // Dates are stored as integers, which would pass for numbers.
    let weights = golden("resnet20_weights.safetensors");
    write_npy(&input, "<M8[s]", &[1, 3, 32, 32], &[0; 3 * 32 * 32 * 8]);
    infer("resnet20", &["--weights", text(&weights)], &["x.npy", "M8[s]", "astype"]);
}

#[test]
fn an_empty_batch_gives_an_empty_result() {
    let folder = folder();
    let (input, output) = (folder.path().join("x.npy"), folder.path().join("y.npz"));
    write_npy(&input, "<f4", &[0, 3, 32, 32], &[]);
    let weights = golden("resnet20_weights.safetensors");
    let said = run_well(&[
        "infer",
        "resnet20",
        "--weights",
        text(&weights),
        "--input",
        text(&input),
        "--output",
        text(&output),
    ]);
    assert!(said.contains("[0, 10]"), "{said}");
}

#[test]
fn devices_are_listed() {
    let said = run_well(&["devices", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&said).unwrap();
    let first = &all.as_array().unwrap()[0];
    assert!(first["name"].is_string() && first["subgroups"].is_boolean() && first["max_buffer"].is_u64());
    assert!(run_well(&["devices"]).contains(first["name"].as_str().unwrap()));
}

#[test]
fn kernels_are_listed_shown_and_timed() {
    let all: serde_json::Value = serde_json::from_str(&run_well(&["kernels", "list", "--json"])).unwrap();
    assert!(all.as_array().unwrap().iter().any(|row| row["stem"] == "conv2d_direct"));
    assert!(run_well(&["kernels", "list"]).contains("matmul_naive"));
    assert!(run_well(&["kernels", "show", "unary"]).contains("// @slot unary"));
    let arguments = ["kernels", "show", "unary", "--const", "WORKGROUP=32", "--slot", "unary=silu", "--emit"];
    for (language, part) in
        [("wgsl", "WORKGROUP: u32 = 32u"), ("msl", "metal"), ("hlsl", "numthreads(32"), ("spirv", "07230203")]
    {
        let said = run_well(&[&arguments[..], &[language]].concat());
        assert!(said.contains(part), "{language}: {said}");
    }
    run_badly(&["kernels", "show", "unari"], &["unari", "kernels list"]);
    run_badly(&["kernels", "show", "unary", "--const", "NOPE=1"], &["NOPE", "WORKGROUP"]);
    run_badly(&["kernels", "show", "unary", "--slot", "unary=nope"], &["nope", "relu"]);
    let arguments = ["kernels", "bench", "matmul", "--shape", "64x48x32", "--repeat", "2", "--json"];
    let report: serde_json::Value = serde_json::from_str(&run_well(&arguments)).unwrap();
    let rows = report["rows"].as_array().unwrap();
    assert!(rows.len() >= 3 && rows.iter().filter(|row| row["chosen"] == true).count() == 1, "{report}");
    for pass in ["forward", "backward-input", "backward-weight"] {
        let arguments = [
            "kernels",
            "bench",
            "conv2d",
            "--shape",
            "2x8x9x9",
            "--weight",
            "8x8x3x3",
            "--padding",
            "1",
            "--pass",
            pass,
            "--repeat",
            "2",
        ];
        assert!(run_well(&arguments).contains("* "), "{pass}");
    }
    run_badly(
        &["kernels", "bench", "conv2d", "--shape", "1x8x2x2", "--weight", "8x8x3x3"],
        &["conv2d", "kernel"],
    );
    // Fifty terabytes: refused by the device's limit, before the host tries to hold them.
    run_badly(
        &["kernels", "bench", "conv2d", "--shape", "99999x512x512x512", "--weight", "8x512x3x3"],
        &["53686554329088", "smaller batch"],
    );
    run_badly(&["kernels", "bench", "memory", "--size", "1", "--only", "nosuch"], &["--only", "nosuch"]);
}
