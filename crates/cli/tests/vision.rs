//! Networks on pictures: `classify`, `features`, `embed`, `similar`.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{fs, path::Path};

use common::{floats, folder, golden, read_npz, run, run_badly, run_well, text, write_npy};
use serde_json::Value;
use tilewright_data::picture::{self, Picture, Preprocess};
use tilewright_nn::{HostTensor, StateDict};

/// A picture of its own for each seed: slopes and a disc.
fn scene(width: usize, height: usize, seed: usize) -> Picture {
    let pixel = |at: usize| {
        let (x, y) = (at % width, at / width);
        let (dx, dy) = ((x * 4 / width + seed) % 4, (y * 4 / height + seed / 2) % 4);
        [
            (60 * dx + seed * 13 % 70) as u8,
            (60 * dy + seed * 29 % 70) as u8,
            ((x + y + seed * 40) % 256) as u8,
        ]
    };
    Picture::from_u8(width, height, 3, (0..width * height).flat_map(pixel).collect()).unwrap()
}

fn weights() -> String {
    text(&golden("resnet20_weights.safetensors")).to_owned()
}

/// The network of the golden: ten classes, images of 32×32.
fn network(weights: &str) -> Vec<&str> {
    vec!["--model", "resnet20", "--weights", weights]
}

#[test]
fn classify_names_each_picture_and_goes_on_after_a_bad_one() {
    let (folder, weights) = (folder(), weights());
    let path = |name: &str| folder.path().join(name);
    let pictures = [scene(50, 41, 1), scene(33, 80, 2), scene(32, 32, 3)];
    for (at, picture) in pictures.iter().enumerate() {
        picture.write_png(&path(&format!("{at}.png"))).unwrap();
    }
    let bytes = fs::read(path("0.png")).unwrap();
    fs::write(path("cut.png"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(path("names.txt"), (0..10).map(|at| format!("kind {at}\n")).collect::<String>()).unwrap();
    let names = ["0.png", "cut.png", "1.png", "", "2.png"].map(path);
    let mut arguments = vec!["classify"];
    arguments.extend(names.iter().map(|name| text(name)));
    arguments.extend(network(&weights));
    let classes = path("names.txt");
    arguments.extend(["--json", "--times", "--top", "10", "--classes", text(&classes)]);
    let output = run(&arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cut.png") && said.contains("cut short") && said.contains("folder"), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["images"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    assert!(rows[1]["error"].as_str().unwrap().contains("cut short"), "{report}");
    for part in ["decode, resize, normalise", "network", "names and probabilities"] {
        assert!(report["milliseconds"][part].as_f64().unwrap() > 0.0, "{report}");
    }
    // The same by hand: prepared here, run by `infer`, and a softmax.
    let preprocess = Preprocess::of("resnet20", [3, 32, 32]);
    for (row, picture) in [0, 2, 4].into_iter().zip(pictures) {
        let (values, [c, h, w]) = preprocess.apply(picture).unwrap();
        let (input, npz) = (path("x.npy"), path("y.npz"));
        write_npy(&input, "<f4", &[1, c, h, w], &floats(&values));
        run_well(&[
            "infer",
            "resnet20",
            "--weights",
            &weights,
            "--input",
            text(&input),
            "--output",
            text(&npz),
        ]);
        let logits = read_npz::<f32>(&npz, "output");
        let sum: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
        let top = rows[row]["top"].as_array().unwrap();
        assert_eq!(top.len(), 10);
        let mut before = f64::INFINITY;
        for entry in top {
            let class = entry["class"].as_u64().unwrap() as usize;
            let (found, expected) =
                (entry["probability"].as_f64().unwrap(), f64::from(logits[class]).exp() / sum);
            assert!((found - expected).abs() <= 1e-5 * expected + 1e-9, "{row} {class}: {found} {expected}");
            assert!(found <= before && entry["name"] == format!("kind {class}"), "{entry}");
            before = found;
        }
    }
    // One at a time says the same, in words.
    let one = run_well(&[
        "classify",
        text(&path("2.png")),
        "--model",
        "resnet20",
        "--weights",
        &weights,
        "--top",
        "1",
    ]);
    let best = rows[4]["top"][0]["class"].as_u64().unwrap();
    assert!(one.contains(&format!("class {best}")) && one.lines().count() == 2, "{one}");

    let picture = path("2.png");
    let base = ["classify", text(&picture)];
    run_badly(&base, &["--model", "zoo list"]);
    run_badly(&[&base[..], &["--model", "resnet20"]].concat(), &["--weights"]);
    run_badly(&[&base[..], &["--model", "resnet18", "--weights", &weights]].concat(), &["does not fit"]);
    fs::write(path("few.txt"), "one\n").unwrap();
    let few = path("few.txt");
    let few = [&base[..], &network(&weights)[..], &["--classes", text(&few)]].concat();
    run_badly(&few, &["few.txt", "1 names", "10 classes"]);
    run_badly(&[&base[..], &network(&weights)[..], &["--mean", "0.5"]].concat(), &["--mean", "3 channels"]);
}

#[test]
fn features_are_drawn_and_written() {
    let (folder, weights) = (folder(), weights());
    let path = |name: &str| folder.path().join(name);
    scene(40, 40, 5).write_png(&path("a.png")).unwrap();
    let (image, sheet, npz) = (path("a.png"), path("maps.png"), path("maps.npz"));
    let mut arguments = vec!["features", text(&image)];
    arguments.extend(network(&weights));
    let outputs = ["--layer", "layer2", "--layer", "layer3.2.conv2", "--layer", "bn1", "-o", text(&sheet)];
    run_well(&[&arguments[..], &outputs, &["--npz", text(&npz)]].concat());
    let drawn = picture::read(&sheet).unwrap();
    assert!(drawn.width() > 400 && drawn.height() > 400, "{}×{}", drawn.width(), drawn.height());
    assert_eq!(read_npz::<f32>(&npz, "layer2").len(), 32 * 16 * 16);
    assert_eq!(read_npz::<f32>(&npz, "layer3.2.conv2").len(), 64 * 8 * 8);
    // A block ends with a ReLU; a BatchNorm is before its own.
    assert!(read_npz::<f32>(&npz, "layer2").iter().all(|&number| number >= 0.0));
    assert!(read_npz::<f32>(&npz, "bn1").iter().any(|&number| number < 0.0));
    let unknown = [&arguments[..], &["--layer", "layer2.conv1", "-o", text(&sheet)]].concat();
    fs::remove_file(&sheet).unwrap();
    run_badly(&unknown, &["layer2.conv1", "layer2.0.conv1"]);
    assert!(!sheet.exists());
}

#[test]
fn similar_pictures_are_found_in_an_index() {
    let (folder, weights) = (folder(), weights());
    let path = |name: &str| folder.path().join(name);
    let count = 9;
    for at in 0..count {
        let name = format!("set/{}/{at}.png", at % 2);
        scene(40 + at, 48, at).write_png(&path(&name)).unwrap();
    }
    let (set, index, sheet) = (path("set"), path("one.index"), path("sheet.png"));
    let mut embed = vec!["embed", text(&set), "--index", text(&index), "--batch", "4", "--json"];
    embed.extend(network(&weights));
    let report: Value = serde_json::from_str(&run_well(&embed)).unwrap();
    assert_eq!(
        (report["pictures"].as_u64(), report["dim"].as_u64()),
        (Some(count as u64), Some(64)),
        "{report}"
    );
    let asked: Vec<_> = (0..count).map(|at| path(&format!("set/{}/{at}.png", at % 2))).collect();
    let mut similar = vec!["similar"];
    similar.extend(asked.iter().map(|path| text(path)));
    similar.extend(["--index", text(&index), "--top", "3", "--json"]);
    let report: Value = serde_json::from_str(&run_well(&similar)).unwrap();
    for (at, row) in report["images"].as_array().unwrap().iter().enumerate() {
        let found = row["found"].as_array().unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0]["name"], format!("{}/{at}.png", at % 2), "{row}");
        assert!((found[0]["score"].as_f64().unwrap() - 1.0).abs() < 1e-5, "{row}");
    }
    let drawn = ["similar", text(&asked[3]), "--index", text(&index), "--top", "6", "--sheet", text(&sheet)];
    let said = run_well(&drawn);
    assert!(said.contains("1/3.png"), "{said}");
    let drawn = picture::read(&sheet).unwrap();
    assert!(drawn.width() > 900 && drawn.height() > 450, "{}×{}", drawn.width(), drawn.height());
    // One bad picture is named, the others are in the index all the same.
    fs::write(path("set/bad.jpg"), b"\xff\xd8\xff\xe0 and no more").unwrap();
    let output = run(&embed);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), report["pictures"].as_u64()),
        (Some(1), Some(count as u64)),
        "{report}"
    );
    refusals(folder.path(), &weights, &index, &asked[0]);
}

/// Other weights, an empty folder, a folder without one good picture, files that are no index.
fn refusals(folder: &Path, weights: &str, index: &Path, picture: &Path) {
    let path = |name: &str| folder.join(name);
    // One weight of the stem changed.
    let mut other = fs::read(weights).unwrap();
    let end = other.len() - 4096;
    for at in (end..other.len()).step_by(4) {
        other[at + 3] ^= 0x80;
    }
    fs::write(path("other.safetensors"), other).unwrap();
    let other = path("other.safetensors");
    let base = ["similar", text(picture), "--index"];
    let changed = [&base[..], &[text(index), "--weights", text(&other)]].concat();
    run_badly(&changed, &["--weights", "resnet20"]);
    run_badly(&[&base[..], &[weights]].concat(), &["no index", "weights"]);
    fs::create_dir(path("empty")).unwrap();
    let (empty, new) = (path("empty"), path("new.index"));
    let embed = |folder: &Path| {
        let mut all = vec!["embed", text(folder), "--index", text(&new)];
        all.extend(network(weights));
        all.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let arguments = embed(&empty);
    run_badly(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &["empty", "no picture"]);
    fs::write(path("empty/a.png"), "text").unwrap();
    let arguments = embed(&empty);
    run_badly(
        &arguments.iter().map(String::as_str).collect::<Vec<_>>(),
        &["no index was written", "no picture"],
    );
    assert!(!new.exists());
}

#[test]
fn numbers_that_are_not_finite_are_errors() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let (picture, broken, index) = (path("a.png"), path("broken.safetensors"), path("index.safetensors"));
    scene(40, 36, 1).write_png(&picture).unwrap();
    for (name, value) in [("conv1.weight", f32::NAN), ("bn1.bias", f32::INFINITY)] {
        let mut state = StateDict::read(Path::new(&weights())).unwrap();
        match state.tensors.get_mut(name).unwrap() {
            HostTensor::F32(values, _) => values[0] = value,
            HostTensor::I64(..) => panic!("{name} is f32"),
        }
        state.write(&broken).unwrap();
        let network = network(text(&broken));
        run_badly(&[&["classify", text(&picture)][..], &network].concat(), &["a.png", "NaN or infinite"]);
        let embed = ["embed", text(folder.path()), "--index", text(&index)];
        run_badly(&[&embed[..], &network].concat(), &["--weights", "NaN or infinite"]);
        assert!(!index.exists());
    }
}

/// Calibrated on the pictures of a folder, a network in bytes classifies them as the one in f32 does.
#[test]
fn a_network_in_bytes_classifies() {
    let (folder, weights) = (folder(), weights());
    let path = |name: &str| folder.path().join(name);
    let pictures = path("pictures");
    fs::create_dir(&pictures).unwrap();
    for seed in 0..8 {
        scene(40 + seed, 44, seed).write_png(&pictures.join(format!("{seed}.png"))).unwrap();
    }
    let bytes = path("int8.safetensors");
    run_well(&[
        "quantize",
        "resnet20",
        "--weights",
        &weights,
        "--calibrate",
        text(&pictures),
        "--batch-size",
        "4",
        "-o",
        text(&bytes),
    ]);
    let names: Vec<_> = (0..8).map(|seed| pictures.join(format!("{seed}.png"))).collect();
    let top = |weights: &str| -> Vec<(u64, f64)> {
        let mut arguments = vec!["classify", "--json", "--top", "1"];
        arguments.extend(names.iter().map(|name| text(name)));
        arguments.extend(network(weights));
        let report: Value = serde_json::from_str(&run_well(&arguments)).unwrap();
        let rows = report["images"].as_array().unwrap();
        let best = |row: &Value| {
            (row["top"][0]["class"].as_u64().unwrap(), row["top"][0]["probability"].as_f64().unwrap())
        };
        rows.iter().map(best).collect()
    };
    let (real, whole) = (top(&weights), top(text(&bytes)));
    for ((class, share), (found, other)) in real.iter().zip(&whole) {
        // Two classes that are nearly as likely may change places.
        assert!(class == found || *share < 0.6, "{real:?} {whole:?}");
        assert!((share - other).abs() < 0.1, "{real:?} {whole:?}");
    }
    assert_ne!(real, whole);
    let index = path("i.safetensors");
    let embed = ["embed", text(&pictures), "--index", text(&index)];
    run_badly(&[&embed[..], &network(text(&bytes))].concat(), &["--weights", "in bytes", "f32"]);
    // A folder needs a network whose pictures are known.
    run_badly(&["quantize", "x.onnx", "--calibrate", text(&pictures)], &["--calibrate", ".npy"]);
}
