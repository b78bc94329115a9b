//! What a file is that was taken for another: people bring what their framework saved, or what a download left.

use std::{fs::File, io::Read, path::Path};

use tilewright_zoo::names;

use crate::{error::Error, error::Result};

/// An error that says what a file is that should be ONNX, and what to do, where that can be told; else `error`. (Files of weights
/// are told apart by `tilewright_weights`.)
pub fn explain(path: &Path, error: Error) -> Error {
    let mut start = Vec::new();
    let read = File::open(path).map(|file| file.take(64).read_to_end(&mut start));
    match (read, hint(&start)) {
        (Ok(Ok(_)), Some(reason)) => {
            Error::Array { path: path.display().to_string(), reason: reason.to_owned() }
        }
        _ => error,
    }
}

fn hint(start: &[u8]) -> Option<&'static str> {
    let begins = |with: &[u8]| start.starts_with(with);
    if begins(b"version https://git-lfs") {
        return Some("it is a pointer of Git LFS; `git lfs pull` fetches the file itself");
    }
    if start.trim_ascii_start().starts_with(b"<") {
        return Some("it is a web page; fetch the file itself (on GitHub, the raw one)");
    }
    let archive = begins(b"PK\x03\x04") || begins(b"\x80\x02") || begins(b"\x80\x04");
    let keras = begins(b"\x89HDF");
    // The length of a header, and its first brace.
    let safetensors = start.len() > 8 && start[8] == b'{' && start[4..8] == [0; 4];
    if archive {
        return Some(
            "it is a file of PyTorch or Keras, not ONNX; export it as docs/inference.md says (torch.onnx.export, tf2onnx)",
        );
    }
    if keras {
        return Some("it is a file of Keras, not ONNX; tf2onnx exports it (docs/inference.md)");
    }
    safetensors.then_some(
        "it is a safetensors file: weights without a network; name a network of the zoo and give it as --weights",
    )
}

/// Fails for what is neither a network of the zoo nor an .onnx file.
pub fn check_model(model: &str) -> Result<()> {
    let path = Path::new(model);
    if is_onnx(model) || names().contains(&model) {
        return Ok(());
    }
    if path.extension().is_none() && !path.is_file() {
        tilewright_zoo::entry(model)?;
    }
    let reason = format!(
        "a model is a network of the zoo ({}) or an .onnx file; docs/inference.md says how PyTorch and TensorFlow export one",
        names().join(", ")
    );
    Err(explain(path, Error::Array { path: model.to_owned(), reason }))
}

/// Whether the name is that of an ONNX file.
pub fn is_onnx(model: &str) -> bool {
    Path::new(model).extension().is_some_and(|extension| extension == "onnx")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_frameworks_and_downloads_leave_is_told_apart() {
        for (start, word) in [
            (&b"version https://git-lfs.github.com/spec/v1"[..], "git lfs pull"),
            (b"\n <!DOCTYPE html>", "web page"),
            (b"PK\x03\x04archive", "torch.onnx.export"),
            (b"\x89HDF\r\n", "tf2onnx"),
            (b"\x90\x01\0\0\0\0\0\0{\"fc\"", "--weights"),
        ] {
            assert!(hint(start).is_some_and(|said| said.contains(word)), "{word}");
        }
        // What an ONNX file begins with.
        assert_eq!(hint(b"\x08\x08\x12\x07pytorch"), None);
        assert_eq!(hint(b""), None);
    }
}
