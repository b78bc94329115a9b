//! A folder of pictures and a folder of their masks.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::files::{MaskKind, PictureFiles, Truth, entries, is_picture};
use crate::error::DataError;

/// The folders' names.
const IMAGES: &str = "images";
const MASKS: &str = "masks";

/// The pictures in `folder/images`, each with the mask in `folder/masks` whose name without its ending is the same.
/// `class_names` are the classes in the order of the masks' numbers; with [`MaskKind::Instances`] there are two.
///
/// Sizes and numbers of the masks are held against the pictures when they are read: [`PictureFiles::unreadable`] reads all.
///
/// # Errors
/// [`DataError::MaskMissing`] for a picture without a mask; [`DataError::NoPictures`]; [`DataError::MaskSize`],
/// [`DataError::MaskColours`] and [`DataError::MaskValue`] of the first; [`DataError::Io`].
pub fn mask_folder(
    folder: &Path,
    kind: MaskKind,
    class_names: Vec<String>,
) -> Result<PictureFiles, DataError> {
    let (images, masks) = (folder.join(IMAGES), folder.join(MASKS));
    let by_stem: BTreeMap<OsString, PathBuf> = entries(&masks)?
        .into_iter()
        .filter(|path| is_picture(path))
        .filter_map(|path| Some((path.file_stem()?.to_owned(), path)))
        .collect();
    let (mut files, mut found) = (Vec::new(), Vec::new());
    for path in entries(&images)?.into_iter().filter(|path| is_picture(path)) {
        let Some(mask) = path.file_stem().and_then(|stem| by_stem.get(stem)) else {
            return Err(DataError::MaskMissing { picture: path, folder: masks });
        };
        found.push(mask.clone());
        files.push(path);
    }
    if files.is_empty() {
        return Err(DataError::NoPictures { folder: images });
    }
    PictureFiles::new(files, Truth::Masks(found, kind), class_names).open()
}
