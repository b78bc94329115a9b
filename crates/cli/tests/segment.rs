//! `segment`: pictures in, masks, overlays and areas out.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{fs, path::Path};

use common::{folder, run, run_badly, run_well, text};
use tilewright_autograd::Var;
use tilewright_data::picture::{self, Picture, Samples};
use tilewright_nn::{ParameterStore, Pass, StateDict};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;
use tilewright_zoo::{Network, Options, build};

const WIDTH: usize = 37;
const HEIGHT: usize = 21;

/// A network of grey pictures and three classes, all of which it sees in the picture below, and its weights in a file.
fn network(context: &Context, path: &Path) -> Network {
    let store = ParameterStore::new(context, 3);
    let network = build("unet_bn_16", &store, Options::new([1, 32, 32], 3)).unwrap();
    let logits = network.module.forward(&input(context), &Pass::eval()).unwrap();
    let means = logits.tensor().to_vec::<f32>().unwrap();
    let means = means.chunks(WIDTH * HEIGHT).map(|plane| plane.iter().sum::<f32>() / plane.len() as f32);
    let bias = store.parameter("outc.conv.bias").unwrap();
    let old: Vec<f32> = bias.tensor().unwrap().to_vec().unwrap();
    let new: Vec<f32> = old.iter().zip(means).map(|(old, mean)| old - mean).collect();
    bias.set(Tensor::from_slice(context, &new, &[3]).unwrap()).unwrap();
    StateDict::of(&store).unwrap().write(path).unwrap();
    network
}

/// Samples of 16 bits that fill a small part of their range.
fn samples() -> Vec<u16> {
    (0..WIDTH * HEIGHT)
        .map(|at| 500 + (at * 7919 % 300) as u16 + if at % WIDTH < 12 { 200 } else { 0 })
        .collect()
}

/// As the network is given them, the darkest as −1 and the brightest as 1.
fn input(context: &Context) -> Var {
    let (low, high) = (*samples().iter().min().unwrap() as f32, *samples().iter().max().unwrap() as f32);
    let values: Vec<f32> =
        samples().iter().map(|&sample| 2.0 * (f32::from(sample) - low) / (high - low) - 1.0).collect();
    Var::constant(Tensor::from_slice(context, &values, &[1, 1, HEIGHT, WIDTH]).unwrap())
}

#[test]
fn masks_are_the_networks_answers() {
    let (folder, context) = (folder(), Context::new().unwrap());
    let [weights, image, out] = ["unet.safetensors", "cells.png", "out"].map(|name| folder.path().join(name));
    let network = network(&context, &weights);
    Picture::new(WIDTH, HEIGHT, 1, Samples::U16(samples())).unwrap().write_png(&image).unwrap();
    let said = run_well(&[
        "segment",
        text(&image),
        "-o",
        text(&out),
        "--model",
        "unet_bn_16",
        "--weights",
        text(&weights),
        "--percentiles",
        "0,100",
        "--json",
        "--times",
    ]);
    let logits = network.module.forward(&input(&context), &Pass::eval()).unwrap();
    let expected: Vec<i32> = logits.tensor().argmax(&[1], false).unwrap().to_vec().unwrap();
    let mask = picture::read(&out.join("cells.mask.png")).unwrap();
    assert_eq!((mask.width(), mask.height(), mask.channels()), (WIDTH, HEIGHT, 1));
    let found: Vec<i32> = mask.as_u8().unwrap().iter().map(|&class| i32::from(class)).collect();
    // Where two classes are as likely but for rounding, either is right.
    let other = found.iter().zip(&expected).filter(|(found, expected)| found != expected).count();
    assert!(other <= 2, "{other} of {} pixels differ", found.len());
    assert!((0..3).filter(|class| found.contains(class)).count() > 1, "one class everywhere shows nothing");
    // Half the class's colour, half the picture; the background is the picture.
    let (over, grey) =
        (picture::read(&out.join("cells.overlay.png")).unwrap(), picture::read(&image).unwrap().to_rgb8());
    for (at, (over, grey)) in over.as_u8().unwrap().chunks(3).zip(grey.as_u8().unwrap().chunks(3)).enumerate()
    {
        let colour = [[0, 0, 0], [128, 0, 0], [0, 128, 0]][found[at] as usize];
        for channel in 0..3 {
            let mixed = u16::midpoint(u16::from(grey[channel]), colour[channel]);
            let expected = if found[at] == 0 { u16::from(grey[channel]) } else { mixed };
            assert_eq!(u16::from(over[channel]), expected, "pixel {at}");
        }
    }
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let times = report["milliseconds"].as_object().unwrap();
    assert!(times.len() == 5 && times.values().all(|value| value.as_f64().unwrap() > 0.0), "{report}");
    let picture = &report["pictures"][0];
    assert_eq!((picture["width"].as_u64(), picture["height"].as_u64()), (Some(37), Some(21)));
    for area in picture["areas"].as_array().unwrap() {
        let count =
            found.iter().filter(|&&class| u64::try_from(class).ok() == area["class"].as_u64()).count();
        assert_eq!(area["pixels"].as_u64(), Some(count as u64), "{area}");
    }
    // In another size the mask keeps the picture's; a picture below the network's least size is filled up.
    let tiny = folder.path().join("tiny.png");
    Picture::from_u8(5, 3, 3, vec![90; 45]).unwrap().write_png(&tiny).unwrap();
    let classes = folder.path().join("names.txt");
    fs::write(&classes, "nothing\nnucleus\nborder\n").unwrap();
    let said = run_well(&[
        "segment",
        text(&image),
        text(&tiny),
        "-o",
        text(&out),
        "--model",
        "unet_bn_16",
        "--weights",
        text(&weights),
        "--resize",
        "32",
        "--classes",
        text(&classes),
    ]);
    let named = ["nothing", "nucleus", "border"].into_iter().filter(|name| said.contains(name)).count();
    assert!(said.contains('%') && named > 0, "{said}");
    for (name, size) in [("cells.mask.png", (WIDTH, HEIGHT)), ("tiny.mask.png", (5, 3))] {
        let mask = picture::read(&out.join(name)).unwrap();
        assert_eq!((mask.width(), mask.height()), size, "{name}");
    }
}

#[test]
fn what_cannot_be_segmented_is_said() {
    let folder = folder();
    let [weights, image, broken, out] =
        ["unet.safetensors", "a.png", "broken.png", "out"].map(|name| folder.path().join(name));
    let context = Context::new().unwrap();
    let made = network(&context, &weights);
    let bytes = Picture::from_u8(16, 16, 1, vec![7; 256]).unwrap().to_png().unwrap();
    fs::write(&image, &bytes).unwrap();
    fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();
    let base = ["--model", "unet_bn_16", "--weights", text(&weights), "-o", text(&out)];
    let with = |more: &[&'static str]| {
        [&["segment", text(&image)][..], &base, more]
            .concat()
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    for (more, parts) in [
        (&["--percentiles", "5"][..], &["--percentiles", "LOW < HIGH"][..]),
        (&["--percentiles", "99,1"], &["--percentiles"]),
        (&["--resize", "0"], &["--resize", "at least 1"]),
        (&["--std", "0"], &["--std", "above 0"]),
        (&["--mean", "0.1,0.2"], &["--mean", "1 channels"]),
        (&["--classes", "Cargo.toml"], &["Cargo.toml", "3 classes"]),
    ] {
        let arguments = with(more);
        run_badly(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), parts);
    }
    run_badly(
        &["segment", text(&image), "-o", text(&out), "--model", "resnet18", "--weights", text(&weights)],
        &["resnet18", "unet_bn_16"],
    );
    let copy = folder.path().join("other");
    fs::create_dir(&copy).unwrap();
    fs::copy(&image, copy.join("a.png")).unwrap();
    let twice = copy.join("a.png");
    run_badly(&[&["segment", text(&image), text(&twice)][..], &base].concat(), &["a.mask.png"]);
    assert!(!out.exists(), "nothing is written before all arguments are right");
    let arguments = with(&["--resize", "9999999999"]);
    run_badly(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &["--resize", "at most 65536"]);
    // One picture that cannot be read does not keep the others.
    let all = ["segment", text(&broken), text(&copy), text(&image), "--json"];
    let output = run(&[&all[..], &base].concat());
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["pictures"][0]["error"].as_str().unwrap().contains("broken.png"), "{report}");
    assert!(report["pictures"][1]["error"].is_string(), "{report}");
    assert_eq!(report["pictures"][2]["width"].as_u64(), Some(16), "{report}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("2 of 3 pictures"));
    assert!(out.join("a.mask.png").exists() && !out.join("broken.mask.png").exists());
    // A mask of NaN scores would be one of class 0: there is none.
    let bias = made.store.parameter("outc.conv.bias").unwrap();
    bias.set(Tensor::from_slice(&context, &[0.0, f32::NAN, 0.0], &[3]).unwrap()).unwrap();
    let (bad, none) = (folder.path().join("nan.safetensors"), folder.path().join("none"));
    StateDict::of(&made.store).unwrap().write(&bad).unwrap();
    let output =
        run(&["segment", text(&image), "--model", "unet_bn_16", "--weights", text(&bad), "-o", text(&none)]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("a.png") && said.contains("NaN"), "{said}");
    assert!(!none.join("a.mask.png").exists());
}
