//! `tilewright train`: what it writes, that it repeats, that it survives an interruption, and what it refuses.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "train/pictures.rs"]
mod pictures;
#[path = "train/quantize.rs"]
mod quantize;

use std::{fs, path::Path};

use common::{folder, run_badly, run_well, text, tilewright, write_images};

fn arguments<'a>(data: &'a Path, output: &'a Path, epochs: &'a str) -> Vec<&'a str> {
    let (data, output) = (text(data), text(output));
    vec!["train", "--data", data, "--output", output, "--epochs", epochs, "--batch-size", "16", "--seed", "3"]
}

#[test]
fn a_run_leaves_metrics_weights_and_pictures_and_repeats_to_the_bit() {
    let folder = folder();
    write_images(folder.path(), 200, 50, 12);
    let outputs = ["a", "b"].map(|name| folder.path().join(name));
    for output in &outputs {
        let said = run_well(&arguments(folder.path(), output, "3"));
        for part in ["epoch  3", "test accuracy", "confusion_matrix.png"] {
            assert!(said.contains(part), "{said}");
        }
    }
    let [a, b] = outputs.map(|output| fs::read(output.join("model.safetensors")).unwrap());
    assert_eq!(a, b, "the same seed on the same device gives the same bits");
    let output = folder.path().join("a");
    let metrics = fs::read_to_string(output.join("metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[3]["test_accuracy"].as_f64().unwrap() > 0.9, "three bright corners are easy: {metrics}");
    assert!(lines[3]["train_seconds"].as_f64().unwrap() > 0.0);
    for picture in ["curves.png", "confusion_matrix.png", "predictions.png"] {
        assert!(fs::read(output.join(picture)).unwrap().starts_with(b"\x89PNG"), "{picture}");
    }
    let left: Vec<_> = fs::read_dir(&output).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 6, "nothing but the six files: {left:?}");
}

#[test]
fn every_option_trains() {
    let folder = folder();
    write_images(folder.path(), 64, 20, 8);
    for extra in [
        &["--optimizer", "adamw", "--augment"][..],
        &["--model", "resnet20", "--label-smoothing", "0.1", "--limit", "32"],
        &["--workers", "0", "--checked"],
    ] {
        let output = folder.path().join(extra[1]);
        run_well(&[&arguments(folder.path(), &output, "1")[..], extra].concat());
    }
    let said = run_well(
        &[&arguments(folder.path(), &folder.path().join("p"), "1")[..], &["--profile", "1"]].concat(),
    );
    assert!(said.contains("conv2d") && said.contains("%"), "{said}");
}

#[cfg(unix)]
fn interrupted(signal: &str, code: Option<i32>) {
    use std::{process::Command, thread::sleep, time::Duration};
    let folder = folder();
    write_images(folder.path(), 640, 50, 12);
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    run_well(&arguments(folder.path(), &whole, "12"));
    let mut child = tilewright().args(arguments(folder.path(), &broken, "12")).spawn().unwrap();
    let checkpoint = broken.join("checkpoint.safetensors");
    for _ in 0..6000 {
        if checkpoint.exists() || child.try_wait().unwrap().is_some() {
            break;
        }
        sleep(Duration::from_millis(10));
    }
    // Into the middle of an epoch.
    sleep(Duration::from_millis(70));
    // Twice at once, as `timeout` does it: that is one wish to stop, not two.
    for _ in 0..2 {
        Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
    }
    let status = child.wait().unwrap();
    assert_eq!(status.code(), code, "it was to be stopped before its end");
    assert!(!broken.join("model.safetensors").exists());
    let mut resume = arguments(folder.path(), &broken, "12");
    resume.push("--resume");
    let said = run_well(&resume);
    assert!(said.contains("resuming after epoch"), "{said}");
    let [a, b] = [whole, broken].map(|output| fs::read(output.join("model.safetensors")).unwrap());
    assert!(a == b, "a resumed run must give the bits of an uninterrupted one");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_checkpoint_that_goes_on_to_the_same_bits() {
    interrupted("INT", Some(130));
}

#[cfg(unix)]
#[test]
fn a_killed_run_goes_on_to_the_same_bits() {
    interrupted("KILL", None);
}

#[cfg(unix)]
#[test]
fn training_outlives_whoever_reads_its_output() {
    use std::process::Stdio;
    let folder = folder();
    write_images(folder.path(), 64, 20, 8);
    let output = folder.path().join("out");
    let mut child =
        tilewright().args(arguments(folder.path(), &output, "2")).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    assert!(output.join("model.safetensors").exists());
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = folder();
    write_images(folder.path(), 64, 20, 8);
    let output = folder.path().join("out");
    run_well(&arguments(folder.path(), &output, "1"));
    let mut other = arguments(folder.path(), &output, "2");
    other.push("--resume");
    run_badly(&other, &["cannot resume from", "1 epochs", "2 epochs"]);
    let path = output.join("checkpoint.safetensors");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let mut again = arguments(folder.path(), &output, "1");
    again.push("--resume");
    run_badly(&again, &["checkpoint.safetensors", "cut off"]);
    fs::copy(output.join("model.safetensors"), &path).unwrap();
    run_badly(&again, &["cannot resume from", "weights only"]);
    fs::remove_file(&path).unwrap();
    run_badly(&again, &["checkpoint.safetensors"]);
}

#[test]
fn bad_data_is_refused_before_anything_is_written() {
    let folder = folder();
    let output = folder.path().join("out");
    let refuse = |parts: &[&str]| {
        run_badly(&arguments(folder.path(), &output, "1"), parts);
        assert!(!output.exists(), "nothing is to be written");
    };
    refuse(&["not found", "--data", "dataset-fashion-mnist"]);
    write_images(folder.path(), 64, 20, 8);
    let images = folder.path().join("train-images-idx3-ubyte");
    let whole = fs::read(&images).unwrap();
    fs::write(&images, &whole[..whole.len() - 100]).unwrap();
    refuse(&["train-images", "cut short", "4112", "4012"]);
    fs::write(&images, b"not an image file").unwrap();
    refuse(&["train-images", "IDX"]);
    fs::write(&images, &whole).unwrap();
    let labels = folder.path().join("train-labels-idx1-ubyte");
    let mut bytes = fs::read(&labels).unwrap();
    *bytes.last_mut().unwrap() = 77;
    fs::write(&labels, &bytes).unwrap();
    refuse(&["label 77", "63", "10 classes"]);
    write_images(folder.path(), 64, 20, 3);
    refuse(&["small_cnn", "3×3", "too small"]);
}

#[test]
fn bad_arguments_are_refused() {
    let folder = folder();
    write_images(folder.path(), 64, 20, 8);
    let output = folder.path().join("out");
    let base = arguments(folder.path(), &output, "1");
    for (extra, parts) in [
        (&["--model", "resnet21"][..], &["resnet21", "resnet20"][..]),
        (&["--momentum=-1"], &["momentum"]),
        (&["--label-smoothing", "2"], &["label_smoothing"]),
        (&["--demo", "--model", "resnet20"], &["--demo"]),
        (&["--adapter", "no such adapter"], &["no such adapter", "mesa-vulkan-drivers"]),
        (&["--lr", "1e30"], &["loss"]),
        (&["--limit", "0"], &["no images"]),
    ] {
        let mut all = base.clone();
        all.extend(extra);
        run_badly(&all, parts);
        assert!(!output.join("model.safetensors").exists());
    }
}

#[test]
fn numbers_at_the_ends_of_their_ranges() {
    let folder = folder();
    write_images(folder.path(), 64, 20, 8);
    let output = folder.path().join("out");
    for extra in [&["--momentum", "0"][..], &["--profile", "18446744073709551615"], &["--workers", "0"]] {
        let mut all = arguments(folder.path(), &output, "1");
        all.extend(extra);
        run_well(&all);
    }
    let most = u64::MAX.to_string();
    let mut all = arguments(folder.path(), &output, &most);
    all.extend(["--profile", "1"]);
    run_well(&all);
}

#[test]
fn a_finished_run_without_its_metrics_can_be_resumed() {
    let folder = folder();
    write_images(folder.path(), 64, 20, 8);
    let output = folder.path().join("out");
    run_well(&arguments(folder.path(), &output, "1"));
    fs::remove_file(output.join("metrics.jsonl")).unwrap();
    let mut again = arguments(folder.path(), &output, "1");
    again.push("--resume");
    run_well(&again);
    let text = fs::read_to_string(output.join("metrics.jsonl")).unwrap();
    assert!(text.lines().count() == 1 && text.contains("test_accuracy"), "{text}");
}

#[test]
fn an_output_that_is_a_file_is_refused() {
    let folder = folder();
    write_images(folder.path(), 64, 20, 8);
    let output = folder.path().join("out");
    fs::write(&output, "mine").unwrap();
    let said = run_badly(&arguments(folder.path(), &output, "1"), &["out", "exists"]);
    assert_eq!(said.matches("exists").count(), 1, "a cause is said once: {said}");
    assert_eq!(fs::read_to_string(&output).unwrap(), "mine");
}
