//! Whole numbers at the program's border: without loss, or refused.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{fs, path::Path};

use common::{floats, folder, golden, run_badly, run_well, text, write_npy};

/// The few parts of ONNX's format that a small model needs.
mod onnx {
    /// A number of a message.
    pub fn number(field: u8, value: u8) -> Vec<u8> {
        vec![field << 3, value]
    }

    /// Bytes, a text or a message within a message.
    pub fn part(field: u8, bytes: impl AsRef<[u8]>) -> Vec<u8> {
        let bytes = bytes.as_ref();
        assert!(bytes.len() < 1 << 14, "two bytes of length");
        let length = [(bytes.len() & 127) as u8 | 128, (bytes.len() >> 7) as u8];
        [&[field << 3 | 2], &length[..], bytes].concat()
    }

    pub const FLOAT: u8 = 1;
    pub const INT64: u8 = 7;
    pub const BOOL: u8 = 9;

    pub fn value(name: &str, dtype: u8, shape: &[u8]) -> Vec<u8> {
        let dims: Vec<u8> = shape.iter().flat_map(|&extent| part(1, number(1, extent))).collect();
        let tensor = [number(1, dtype), part(2, dims)].concat();
        [part(1, name), part(2, part(1, tensor))].concat()
    }

    pub fn node(op: &str, inputs: &[&str], output: &str, attribute: Option<(&str, u8)>) -> Vec<u8> {
        let mut bytes: Vec<u8> = inputs.iter().flat_map(|input| part(1, input)).collect();
        bytes.extend([part(2, output), part(4, op)].concat());
        if let Some((name, value)) = attribute {
            bytes
                .extend(part(5, [part(1, name), number(3, value), vec![20 << 3 & 127 | 128, 1, 2]].concat()));
        }
        bytes
    }

    pub fn model(nodes: &[Vec<u8>], inputs: &[Vec<u8>], outputs: &[Vec<u8>]) -> Vec<u8> {
        let all = |field, parts: &[Vec<u8>]| -> Vec<u8> {
            parts.iter().flat_map(|bytes| part(field, bytes)).collect()
        };
        let graph = [all(1, nodes), part(2, "graph"), all(11, inputs), all(12, outputs)].concat();
        [number(1, 8), part(8, [part(1, ""), number(2, 17)].concat()), part(7, graph)].concat()
    }
}

/// x is float 2×3, i is int64 2; `best` and `same` are int64, `less` is bool, `float` is float.
fn write_model(path: &Path) {
    use onnx::{BOOL, FLOAT, INT64, model, node, value};
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
    fs::write(path, model(&nodes, &inputs, &outputs)).unwrap();
}

fn int64(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn read<T: npyz::Deserialize>(path: &Path, name: &str) -> Vec<T> {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let file = npyz::NpyFile::new(archive.by_name(&format!("{name}.npy")).unwrap()).unwrap();
    file.into_vec::<T>().unwrap()
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
