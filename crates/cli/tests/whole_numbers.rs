//! Whole numbers at the program's border: without loss, or refused.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{fs, path::Path};

use common::{floats, folder, golden, read_npz as read, run_badly, run_well, text, write_npy};

/// x is float 2×3, i is int64 2; `best` and `same` are int64, `less` is bool, `float` is float.
fn write_model(path: &Path) {
    use common::onnx::{BOOL, FLOAT, INT64, model, node, value};
    let nodes = [
        node("ArgMax", &["x"], "indices", Some(("axis", 1))),
        node("Identity", &["indices"], "best", None),
        node("Identity", &["i"], "same", None),
        node("Cast", &["i"], "float", Some(("to", FLOAT))),
        node("Abs", &["float"], "size", None),
        node("Less", &["float", "size"], "less", None),
    ];
    let inputs = [value("x", FLOAT, &[2, 3]), value("i", INT64, &[2])];
    let outputs = [
        value("best", INT64, &[2, 1]),
        value("same", INT64, &[2]),
        value("less", BOOL, &[2]),
        value("float", FLOAT, &[2]),
    ];
    fs::write(path, model(&nodes, &[], &inputs, &outputs)).unwrap();
}

fn int64(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn infer_keeps_whole_numbers_and_their_type() {
    let folder = folder();
    let [model, x, i, y] = ["m.onnx", "x.npy", "i.npy", "y.npz"].map(|name| folder.path().join(name));
    write_model(&model);
    write_npy(&x, "<f4", &[2, 3], &floats(&[0.0, 2.0, 1.0, 5.0, 3.0, 4.0]));
    let inputs = [format!("x={}", text(&x)), format!("i={}", text(&i))];
    let arguments =
        ["infer", text(&model), "--input", &inputs[0], "--input", &inputs[1], "--output", text(&y)];
    // 2²⁴ + 1 is no float32: it passes as a whole number only.
    let odd = (1 << 24) + 1;
    write_npy(&i, "<i8", &[2], &int64(&[-5, odd]));
    run_well(&arguments);
    assert_eq!(read::<i64>(&y, "best"), [1, 0]);
    assert_eq!(read::<i64>(&y, "same"), [-5, odd]);
    assert_eq!(read::<bool>(&y, "less"), [true, false]);
    assert_eq!(read::<f32>(&y, "float"), [-5.0, (1 << 24) as f32]);
    // Narrower types lose nothing.
    write_npy(&i, "<i2", &[2], &[-5i16, 7].map(i16::to_le_bytes).concat());
    run_well(&arguments);
    assert_eq!(read::<i64>(&y, "same"), [-5, 7]);
    // What the device cannot hold is refused by its place and value.
    fs::remove_file(&y).unwrap();
    for (kind, bytes, said) in [
        ("<i8", int64(&[0, 1 << 31]), "element 1 is 2147483648"),
        ("<i8", int64(&[i64::MIN, 0]), "element 0 is -9223372036854775808"),
        ("<u4", [u32::MAX, 0].map(u32::to_le_bytes).concat(), "element 0 is 4294967295"),
    ] {
        write_npy(&i, kind, &[2], &bytes);
        run_badly(&arguments, &["i.npy", said, "32 bits"]);
    }
    write_npy(&i, "<f4", &[2], &floats(&[1.0, 2.0]));
    run_badly(&arguments, &["i.npy", "int64"]);
    assert!(!y.exists(), "nothing is to be written");
}

#[test]
fn grad_refuses_labels_beyond_32_bits() {
    let folder = folder();
    let [x, target, output] = ["x.npy", "t.npy", "g.safetensors"].map(|name| folder.path().join(name));
    write_npy(&x, "<f4", &[2, 3, 32, 32], &floats(&[0.5; 2 * 3 * 32 * 32]));
    let weights = golden("resnet20_weights.safetensors");
    let arguments =
        ["grad", "resnet20", "--weights", text(&weights), "--input", text(&x), "--target", text(&target)];
    let arguments = [&arguments[..], &["--output", text(&output)]].concat();
    // Cut to 32 bits, this would be class 3.
    write_npy(&target, "<i8", &[2], &int64(&[1, (1 << 32) + 3]));
    run_badly(&arguments, &["t.npy", "element 1 is 4294967299"]);
    write_npy(&target, "<f4", &[2], &floats(&[1.0, 2.0]));
    run_badly(&arguments, &["t.npy", "int64 or int32"]);
    assert!(!output.exists());
    write_npy(&target, "|u1", &[2], &[1, 9]);
    run_well(&arguments);
    assert!(output.exists());
}
