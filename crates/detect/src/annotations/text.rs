//! Reading of files, and what readers of several formats share.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::model::Category;
use crate::error::DetectError;

/// The longest annotation file; COCO's own have half a gigabyte.
const MOST_BYTES: u64 = 4 << 30;

/// A file of text in UTF-8.
pub fn read(path: &Path) -> Result<String, DetectError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(DetectError::io(path))?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(DetectError::io(path))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(DetectError::entry(path, "the file", "it is over 4 GiB; divide it"));
    }
    let bytes = if bytes.starts_with(b"\xef\xbb\xbf") { bytes.split_off(3) } else { bytes };
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        DetectError::entry(path, format!("byte {at}"), "it is no text in UTF-8; save it as such")
    })
}

/// The files of a folder with that ending, by name.
pub fn files(folder: &Path, is: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, DetectError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(DetectError::io(folder))? {
        let path = entry.map_err(DetectError::io(folder))?.path();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if is(&ending) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a file of that ending may be a picture.
pub fn is_picture(ending: &str) -> bool {
    ["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp", "gif"].contains(&ending)
}

/// The pictures of a folder, to be found by name, or by name without ending: annotations and pictures are often converted apart.
pub struct Pictures<'a> {
    folder: &'a Path,
    files: Vec<PathBuf>,
}

impl<'a> Pictures<'a> {
    pub fn new(folder: &'a Path) -> Result<Self, DetectError> {
        Ok(Self { folder, files: files(folder, is_picture)? })
    }

    /// The name in the folder of the picture that `annotations` calls `name`.
    pub fn find(&self, name: &str, annotations: &Path) -> Result<String, DetectError> {
        if !name.is_empty() && self.folder.join(name).is_file() {
            return Ok(name.to_owned());
        }
        let stem = Path::new(name).file_stem();
        let mut alike = self.files.iter().filter(|file| stem.is_some() && file.file_stem() == stem);
        match (alike.next().and_then(|file| file.file_name()), alike.next()) {
            (Some(file), None) => Ok(file.to_string_lossy().into_owned()),
            _ => Err(DetectError::PictureMissing {
                annotations: annotations.to_owned(),
                picture: name.to_owned(),
                folder: self.folder.to_owned(),
            }),
        }
    }
}

/// The classes of these names, numbered from 1: those that are given in their order, else those that are found, sorted.
pub fn categories(given: Option<&[String]>, found: BTreeSet<String>) -> Vec<Category> {
    let names = given.map_or_else(|| found.into_iter().collect(), <[String]>::to_vec);
    (1..).zip(names).map(|(id, name)| Category { id, name }).collect()
}

/// The place of a class by its name.
pub fn place(categories: &[Category], name: &str) -> Result<usize, String> {
    let found = categories.iter().position(|category| category.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = categories.iter().map(|category| category.name.as_str()).take(20).collect();
        format!("`{name}` is none of the {} classes ({} …)", categories.len(), names.join(", "))
    })
}
