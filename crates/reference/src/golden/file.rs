//! The files: safetensors with a case to each entry of the metadata.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use super::case::{Case, Data, GoldenError, GoldenTensor};

/// The folder `tests/goldens` of the source tree this crate was built from.
#[must_use]
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens")
}

/// All cases of `tests/goldens/<family>.safetensors`, by name.
///
/// # Errors
/// Those of [`read`].
pub fn family(family: &str) -> Result<Vec<Case>, GoldenError> {
    read(&directory().join(format!("{family}.safetensors")))
}

/// All cases of a file, sorted by name. There is at least one.
///
/// # Errors
/// [`GoldenError::Read`], and [`GoldenError::Format`] for a file that is not safetensors, has no cases, or has a tensor
/// without a case.
pub fn read(path: &Path) -> Result<Vec<Case>, GoldenError> {
    let bytes = std::fs::read(path).map_err(|source| GoldenError::Read { path: path.to_owned(), source })?;
    let format = |reason: String| GoldenError::Format { path: path.to_owned(), reason };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| format(error.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| format(error.to_string()))?;
    let mut cases = BTreeMap::new();
    for (name, text) in header.metadata().iter().flatten() {
        let parameters: Value =
            serde_json::from_str(text).map_err(|error| format(format!("metadata of {name}: {error}")))?;
        let Some(op) = parameters["op"].as_str() else {
            return Err(format(format!("metadata of {name}: no \"op\" in {text}")));
        };
        let (op, tensors) = (op.to_owned(), BTreeMap::new());
        cases.insert(name.clone(), Case { name: name.clone(), op, parameters, tensors });
    }
    for (name, view) in file.iter() {
        // The first '/' divides: a role may have parts of its own, such as grad/conv1.weight.
        let Some((case, role)) = name.split_once('/') else {
            return Err(format(format!("tensor {name} is not named case/role")));
        };
        let Some(case) = cases.get_mut(case) else {
            return Err(format(format!("tensor {name} has no case in the metadata")));
        };
        let words = view.data().chunks_exact(4).map(|word| [word[0], word[1], word[2], word[3]]);
        let data = match view.dtype() {
            Dtype::F32 => Data::F32(words.map(f32::from_le_bytes).collect()),
            Dtype::I32 => Data::I32(words.map(i32::from_le_bytes).collect()),
            Dtype::U8 => Data::U8(view.data().to_vec()),
            other => {
                return Err(format(format!("tensor {name} is {other:?}; F32, I32 and U8 are known")));
            }
        };
        case.tensors.insert(role.to_owned(), GoldenTensor { shape: view.shape().to_vec(), data });
    }
    if cases.is_empty() {
        return Err(format("no cases in the metadata".to_owned()));
    }
    Ok(cases.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_missing_is_named() {
        let message = read(Path::new("no/such/file")).expect_err("missing").to_string();
        assert!(message.contains("no/such/file") && message.contains("make_goldens.py"), "{message}");
    }
}
