//! What classes are called.

use std::{fs, path::Path};

use tilewright_data::picture::imagenet_classes;

use crate::{error::Error, error::Result, trained::Trained};

/// The names of a network's `count` classes: of `file` (one a line, or a JSON array), else what the weights say, else
/// ImageNet's for a thousand; else their numbers.
///
/// # Errors
/// [`Error::File`]; [`Error::Array`] if the file has another number of names.
pub fn class_names(file: Option<&Path>, trained: Option<&Trained>, count: usize) -> Result<Vec<String>> {
    if let Some(path) = file {
        let text = fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
        let names = serde_json::from_str::<Vec<String>>(&text).unwrap_or_else(|_| {
            let lines = text.lines().map(str::trim);
            lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
        });
        if names.len() != count {
            let reason = format!("it has {} names, and the network has {count} classes", names.len());
            return Err(Error::Array { path: path.display().to_string(), reason });
        }
        return Ok(names);
    }
    if let Some(trained) = trained.filter(|trained| trained.classes.len() == count) {
        return Ok(trained.classes.clone());
    }
    let imagenet = imagenet_classes();
    if imagenet.len() == count {
        return Ok(imagenet.into_iter().map(str::to_owned).collect());
    }
    Ok((0..count).map(|class| format!("class {class}")).collect())
}
