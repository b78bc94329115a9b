//! `--quantize-aware`: a network in int8 behind the training.

use std::fs;

use crate::common::write_npy;

use super::{arguments, folder, run_badly, run_well, text, write_images};

#[test]
fn a_network_is_trained_with_the_roundings_of_int8() {
    let folder = folder();
    write_images(folder.path(), 200, 50, 12);
    let [begun, tuned] = ["begun", "tuned"].map(|name| folder.path().join(name));
    run_well(&arguments(folder.path(), &begun, "2"));
    let weights = begun.join("model.safetensors");
    let more =
        ["--weights", text(&weights), "--quantize-aware", "--calibration-batches", "3", "--lr", "0.01"];
    let said = run_well(&[&arguments(folder.path(), &tuned, "2")[..], &more].concat());
    for part in ["ranges of activations from 3 batches of 16", "in int8", "model.onnx"] {
        assert!(said.contains(part), "{said}");
    }
    let metrics = fs::read_to_string(tuned.join("metrics.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    let of = |name: &str| last["int8"][name].as_f64().unwrap();
    assert!(of("test_accuracy") > 0.9 && of("f32_accuracy") > 0.9, "{last}");
    assert_eq!(last["int8"]["products"][0], last["int8"]["products"][1], "{last}");
    let images: Vec<f32> = (0..5 * 12 * 12).map(|at| (at % 11) as f32 / 5.0 - 1.0).collect();
    let x = folder.path().join("x.npy");
    let bytes: Vec<u8> = images.iter().flat_map(|pixel| pixel.to_le_bytes()).collect();
    write_npy(&x, "<f4", &[5, 1, 12, 12], &bytes);
    let answers = folder.path().join("y.npz");
    let numbers = tuned.join("int8.safetensors");
    run_well(&[
        "infer",
        "small_cnn",
        "--weights",
        text(&numbers),
        "--input",
        text(&x),
        "--output",
        text(&answers),
    ]);
    // The weights fit the network itself, and another training can begin from them.
    let again = folder.path().join("again");
    let tuned_weights = tuned.join("model.safetensors");
    let more = [
        "--weights",
        text(&tuned_weights),
        "--quantize-aware",
        "--learn-scales",
        "--symmetric",
        "--lr",
        "0.001",
    ];
    run_well(&[&arguments(folder.path(), &again, "1")[..], &more].concat());
    // The same command goes on where it was.
    run_well(&[&arguments(folder.path(), &again, "1")[..], &more, &["--resume"]].concat());
    let begin = arguments(folder.path(), &again, "1");
    for (wrong, parts) in [
        (&["--frozen-part", "2"][..], &["--frozen-part", "between 0 and 1"][..]),
        (&["--precision", "f16"], &["--precision"]),
        (&["--calibration-batches", "0"], &["--calibration-batches"]),
    ] {
        run_badly(&[&begin[..], &more, wrong].concat(), parts);
    }
}
