//! `detect` and `darknet`: boxes of pictures, and files there and back.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{fs, path::Path};

use common::{folder, run, run_badly, run_well, text};
use serde_json::Value;
use tilewright_data::picture::{self, Picture};
use tilewright_nn::{ParameterStore, StateDict};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;
use tilewright_zoo::{Options, build};

/// Cells of 16 × 16 pixels; each sees how red, green and blue it is.
const CFG: &str = "\
[net]
width=64
height=64
channels=3

[convolutional]
filters=7
size=16
stride=16
activation=linear

[yolo]
anchors=16,16
classes=2
num=1
";

/// Something is where red or green is and no blue: the first class is red, the second green. Boxes are the cells.
fn weights() -> Vec<u8> {
    let mut bytes: Vec<u8> = [0i32, 2, 0].iter().flat_map(|number| number.to_le_bytes()).collect();
    bytes.extend(11u64.to_le_bytes());
    let bias = [0.0f32, 0.0, 0.0, 0.0, -10.0, -10.0, -10.0];
    bytes.extend(bias.iter().flat_map(|number| number.to_le_bytes()));
    let nothing = [0.0; 3];
    let of = [nothing, nothing, nothing, nothing, [20.0, 20.0, -40.0], [20.0, 0.0, 0.0], [0.0, 20.0, 0.0]];
    for share in of.as_flattened() {
        (0..256).for_each(|_| bytes.extend((share / 256.0f32).to_le_bytes()));
    }
    bytes
}

/// 128 × 64, black, with a red and a green square of 32 × 32.
fn picture(path: &Path) {
    let mut samples = vec![0; 3 * 128 * 64];
    for (at, pixel) in samples.chunks_mut(3).enumerate() {
        match (at % 128 / 32, at / 128 / 32) {
            (1, 0) => pixel[0] = 255,
            (3, 1) => pixel[1] = 255,
            _ => {}
        }
    }
    Picture::from_u8(128, 64, 3, samples).unwrap().write_png(path).unwrap();
}

#[test]
fn what_is_found_is_drawn_and_written() {
    let folder = folder();
    let [cfg, numbers, names, image, out] =
        ["a.cfg", "a.weights", "a.names", "0042.png", "out"].map(|name| folder.path().join(name));
    fs::write(&cfg, CFG).unwrap();
    fs::write(&numbers, weights()).unwrap();
    fs::write(&names, "red thing\ngreen thing\n").unwrap();
    picture(&image);
    let mut arguments = vec!["detect", text(&image), "--cfg", text(&cfg), "--weights", text(&numbers)];
    arguments.extend(["--names", text(&names), "-o", text(&out), "--threshold", "0.9"]);
    let said = run_well(&arguments);
    assert!(said.contains("2 found") && said.contains("red thing") && said.contains("green thing"), "{said}");
    let found: Value = serde_json::from_slice(&fs::read(out.join("detections.json")).unwrap()).unwrap();
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 2);
    for (category, expected) in [(1, [32.0, 0.0, 32.0, 32.0]), (2, [96.0, 32.0, 32.0, 32.0])] {
        let one = found.iter().find(|one| one["category_id"] == category).unwrap();
        assert_eq!(one["image_id"], 42);
        assert!(one["score"].as_f64().unwrap() > 0.99, "{one}");
        for (found, expected) in one["bbox"].as_array().unwrap().iter().zip(expected) {
            assert!((found.as_f64().unwrap() - expected).abs() < 1e-3, "{one}");
        }
    }
    // The frames lie around the squares, whose middles are as they were.
    let drawn = picture::read(&out.join("0042.boxes.png")).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (128, 64));
    let samples = drawn.as_u8().unwrap();
    let pixel = |x: usize, y: usize| &samples[3 * (y * 128 + x)..][..3];
    assert_eq!(
        (pixel(48, 16), pixel(112, 56), pixel(10, 50)),
        (&[255, 0, 0][..], &[0, 255, 0][..], &[0; 3][..])
    );
    assert_ne!(pixel(32, 16), [255, 0, 0]);
    // Nothing scores as much as that.
    arguments.extend(["--threshold", "1", "--json"]);
    arguments.retain(|one| *one != "0.9");
    let at = arguments.iter().position(|one| *one == "--threshold").unwrap();
    arguments.remove(at);
    assert_eq!(run_well(&arguments).trim(), "[]");
}

#[test]
fn weights_there_and_back() {
    let folder = folder();
    let [cfg, numbers, state, back] =
        ["a.cfg", "a.weights", "a.safetensors", "b.weights"].map(|name| folder.path().join(name));
    fs::write(&cfg, CFG).unwrap();
    fs::write(&numbers, weights()).unwrap();
    let convert = |from: &Path, to: &Path| {
        run_well(&["darknet", "convert", text(from), "--cfg", text(&cfg), "-o", text(to)])
    };
    let said = convert(&numbers, &state);
    assert!(said.contains("2 of 2 layers, 11 images"), "{said}");
    convert(&state, &back);
    assert_eq!(fs::read(&numbers).unwrap(), fs::read(&back).unwrap());
    let described = run_well(&["darknet", "cfg", "yolov4_tiny", "--classes", "3", "--size", "64"]);
    assert!(described.contains("groups=2") && described.contains("filters=24"), "{described}");
}

#[test]
fn what_is_wrong_is_said() {
    let folder = folder();
    let [cfg, numbers, image, out] =
        ["a.cfg", "a.weights", "a.png", "out"].map(|name| folder.path().join(name));
    fs::write(&cfg, CFG).unwrap();
    fs::write(&numbers, &weights()[..100]).unwrap();
    picture(&image);
    let [cfg_name, numbers_name, image_name, out_name] =
        [&cfg, &numbers, &image, &out].map(|path| text(path));
    let detect = |more: &[&str], parts: &[&str]| {
        let mut arguments = vec!["detect", image_name, "-o", out_name, "--weights", numbers_name];
        arguments.extend(more);
        run_badly(&arguments, parts);
    };
    detect(&["--cfg", cfg_name], &["a.weights", "20 numbers", "has 5383", "layer 0"]);
    detect(&[], &["--cfg", "--model"]);
    detect(&["--model", "resnet18"], &["resnet18", "yolov3_tiny"]);
    detect(&["--cfg", cfg_name, "--nms", "2"], &["--nms", "0 to 1"]);
    fs::write(&cfg, CFG.replace("stride=16", "strides=16")).unwrap();
    detect(&["--cfg", cfg_name], &["a.cfg, line 9", "`strides`"]);
    fs::write(&cfg, CFG).unwrap();
    fs::write(&numbers, weights()).unwrap();
    let short = folder.path().join("a.names");
    fs::write(&short, "one\n").unwrap();
    detect(&["--cfg", cfg_name, "--names", text(&short)], &["a.names", "1 names", "2 classes"]);
    // A picture that is none does not keep the others back.
    let none = folder.path().join("none.png");
    fs::write(&none, "no picture").unwrap();
    let arguments =
        ["detect", image_name, text(&none), "-o", out_name, "--cfg", cfg_name, "--weights", numbers_name];
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(out.join("a.boxes.png").exists());
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 of 2 pictures"));
    run_badly(&["darknet", "cfg", "yolov9"], &["yolov9", "yolov3_tiny"]);
    run_badly(&["darknet", "cfg", "yolov3", "--size", "100"], &["[route]"]);
}

/// A network of the zoo by a file whose heads say how many classes there are, and the same by its description.
#[test]
fn a_network_by_name_finds_what_its_description_finds() {
    let folder = folder();
    let [cfg, state, numbers, image, by_name, by_cfg] =
        ["a.cfg", "a.safetensors", "a.weights", "a.png", "one", "two"].map(|name| folder.path().join(name));
    let context = Context::new().unwrap();
    let store = ParameterStore::new(&context, 5);
    build("yolov3_tiny", &store, Options::new([3, 416, 416], 2)).unwrap();
    // A network that was not trained is sure of nothing: its objectness is raised.
    for path in ["layers.15.conv.bias", "layers.22.conv.bias"] {
        let bias = store.parameter(path).unwrap();
        let high: Vec<f32> = (0..21).map(|at| if at % 7 == 4 { 3.0 } else { 0.0 }).collect();
        bias.set(Tensor::from_slice(&context, &high, &[21]).unwrap()).unwrap();
    }
    StateDict::of(&store).unwrap().write(&state).unwrap();
    fs::write(&cfg, run_well(&["darknet", "cfg", "yolov3_tiny", "--classes", "2"])).unwrap();
    run_well(&["darknet", "convert", text(&state), "--cfg", text(&cfg), "-o", text(&numbers)]);
    picture(&image);
    let found = |out: &Path, arguments: &[&str]| {
        let mut all = vec!["detect", text(&image), "-o", text(out), "--threshold", "0.4"];
        all.extend(arguments);
        run_well(&all);
        fs::read_to_string(out.join("detections.json")).unwrap()
    };
    let named = found(&by_name, &["--model", "yolov3_tiny", "--weights", text(&state)]);
    let described = found(&by_cfg, &["--cfg", text(&cfg), "--weights", text(&numbers)]);
    assert!(named.matches("category_id").count() > 3, "{named}");
    assert_eq!(named, described);
}
