//! Running the program, and the small files that it is run on.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

pub mod onnx;

/// A folder of the test's own, removed at the end.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The program, ready for arguments.
pub fn tilewright() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tilewright"));
    command.env("TILEWRIGHT_CACHE", "").env_remove("TILEWRIGHT_DATA");
    command
}

/// Runs it to the end.
pub fn run(arguments: &[&str]) -> Output {
    tilewright().args(arguments).output().unwrap()
}

/// Runs it, and fails with what it said unless it succeeds.
#[track_caller]
pub fn run_well(arguments: &[&str]) -> String {
    let output = run(arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}\n{out}\n{err}");
    out.into_owned()
}

/// Runs it, and fails unless it fails with exit code 1, without a panic, and says every one of `parts`.
#[track_caller]
pub fn run_badly(arguments: &[&str], parts: &[&str]) -> String {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}\n{said}");
    assert!(!said.contains("panicked"), "{said}");
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    said
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Writes `train` and `test` images of `side` × `side` with three classes told apart by where they are bright.
pub fn write_images(folder: &Path, train: usize, test: usize, side: usize) {
    for (prefix, count) in [("train", train), ("t10k", test)] {
        let mut images = vec![0, 0, 8, 3];
        for extent in [count, side, side] {
            images.extend((extent as u32).to_be_bytes());
        }
        let mut labels = vec![0, 0, 8, 1];
        labels.extend((count as u32).to_be_bytes());
        for image in 0..count {
            let label = image * 7 % 3;
            labels.push(label as u8);
            for y in 0..side {
                for x in 0..side {
                    let noise = (image * 31 + y * 17 + x * 13) % 60;
                    let bright = [y < side / 2, x < side / 2, (y < side / 2) == (x < side / 2)][label];
                    images.push((noise + if bright { 150 } else { 20 }) as u8);
                }
            }
        }
        fs::write(folder.join(format!("{prefix}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{prefix}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// Writes a .npy file of float32 (or int64, for labels) by the format's own description.
pub fn write_npy(path: &Path, kind: &str, shape: &[usize], bytes: &[u8]) {
    write_npy_in(path, kind, false, shape, bytes);
}

/// The same, its elements in C order or Fortran's.
pub fn write_npy_in(path: &Path, kind: &str, fortran: bool, shape: &[usize], bytes: &[u8]) {
    let fortran = if fortran { "True" } else { "False" };
    let shape: Vec<_> = shape.iter().map(|extent| format!("{extent},")).collect();
    let mut header =
        format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': ({}), }}", shape.join(" "));
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    fs::write(path, file).unwrap();
}

/// An array of an .npz file: its type as NumPy writes it, its shape and its elements.
pub fn read_array<T: npyz::Deserialize>(path: &Path, name: &str) -> (String, Vec<u64>, Vec<T>) {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let file = npyz::NpyFile::new(archive.by_name(&format!("{name}.npy")).unwrap()).unwrap();
    let (kind, shape) = (file.dtype().descr(), file.shape().to_vec());
    (kind, shape, file.into_vec::<T>().unwrap())
}

/// The elements of an array of an .npz file.
pub fn read_npz<T: npyz::Deserialize>(path: &Path, name: &str) -> Vec<T> {
    read_array(path, name).2
}

pub fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn golden(name: &str) -> PathBuf {
    tilewright_reference::golden::directory().join(name)
}
