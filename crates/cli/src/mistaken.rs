//! What a file is that was taken for another: people bring what their framework saved, or what a download left.

use std::{fs::File, io::Read, path::Path};

use tilewright_zoo::names;

use crate::{error::Error, error::Result};

/// What the file should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// An ONNX file.
    Model,
    /// A safetensors file.
    Weights,
}

/// An error that says what the file is and what to do, where that can be told; else `error`.
pub fn explain(path: &Path, wanted: Wanted, error: Error) -> Error {
    let mut start = Vec::new();
    let read = File::open(path).map(|file| file.take(64).read_to_end(&mut start));
    match (read, hint(&start, wanted)) {
        (Ok(Ok(_)), Some(reason)) => {
            Error::Array { path: path.display().to_string(), reason: reason.to_owned() }
        }
        _ => error,
    }
}

fn hint(start: &[u8], wanted: Wanted) -> Option<&'static str> {
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
    match wanted {
        Wanted::Model if archive => Some(
            "it is a file of PyTorch or Keras, not ONNX; export it as docs/inference.md says (torch.onnx.export, tf2onnx)",
        ),
        Wanted::Model if keras => {
            Some("it is a file of Keras, not ONNX; tf2onnx exports it (docs/inference.md)")
        }
        Wanted::Model if safetensors => Some(
            "it is a safetensors file: weights without a network; name a network of the zoo and give it as --weights",
        ),
        Wanted::Weights if archive => Some(
            "it is PyTorch's own format; save the state dict by safetensors.torch.save_file(model.state_dict(), …)",
        ),
        Wanted::Weights if keras => {
            Some("it is a file of Keras; weights are a safetensors file of torchvision's names")
        }
        _ => None,
    }
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
    Err(explain(path, Wanted::Model, Error::Array { path: model.to_owned(), reason }))
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
        for (start, wanted, word) in [
            (&b"version https://git-lfs.github.com/spec/v1"[..], Wanted::Model, "git lfs pull"),
            (b"\n <!DOCTYPE html>", Wanted::Weights, "web page"),
            (b"PK\x03\x04archive", Wanted::Model, "torch.onnx.export"),
            (b"PK\x03\x04archive", Wanted::Weights, "save_file"),
            (b"\x89HDF\r\n", Wanted::Model, "tf2onnx"),
            (b"\x90\x01\0\0\0\0\0\0{\"fc\"", Wanted::Model, "--weights"),
        ] {
            assert!(hint(start, wanted).is_some_and(|said| said.contains(word)), "{word}");
        }
        // What an ONNX file and a safetensors file begin with.
        assert_eq!(hint(b"\x08\x08\x12\x07pytorch", Wanted::Model), None);
        assert_eq!(hint(b"\x90\x01\0\0\0\0\0\0{\"fc\"", Wanted::Weights), None);
        assert_eq!(hint(b"", Wanted::Model), None);
    }
}
