//! A folder with a sub-folder of pictures for each class.

use std::path::Path;

use super::files::{PictureFiles, Truth, entries, is_picture};
use crate::error::DataError;

/// The pictures of a folder by torchvision's `ImageFolder`: each sub-folder is a class, in the order of the names, and all
/// pictures below it are its samples, in the order of their paths. Names that begin with a dot are left out.
///
/// `class_names`, if they are given, are the classes in their order: so that a folder of test pictures has the classes of the
/// training pictures, whatever sub-folders it has.
///
/// # Errors
/// [`DataError::NoClasses`] without a sub-folder; [`DataError::UnknownClass`] for a sub-folder that `class_names` has not;
/// [`DataError::NoPictures`] for a class without a picture, where no `class_names` are given; [`DataError::Io`].
pub fn image_folder(folder: &Path, class_names: Option<&[String]>) -> Result<PictureFiles, DataError> {
    let (mut files, mut labels, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for class in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let name = class.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let label = match class_names {
            None => names.len(),
            Some(names) => {
                names.iter().position(|other| *other == name).ok_or_else(|| DataError::UnknownClass {
                    place: class.display().to_string(),
                    class: name.clone(),
                    classes: names.to_vec(),
                })?
            }
        };
        names.push(name);
        let before = files.len();
        pictures(&class, &mut files)?;
        if files.len() == before && class_names.is_none() {
            return Err(DataError::NoPictures { folder: class });
        }
        let label = u32::try_from(label).unwrap_or(u32::MAX);
        labels.resize(files.len(), label);
    }
    if names.is_empty() {
        return Err(DataError::NoClasses { folder: folder.to_owned() });
    }
    if files.is_empty() {
        return Err(DataError::NoPictures { folder: folder.to_owned() });
    }
    let names = class_names.map_or(names, <[String]>::to_vec);
    PictureFiles::new(files, Truth::Labels(labels), names).open()
}

/// All pictures below a folder.
fn pictures(folder: &Path, into: &mut Vec<std::path::PathBuf>) -> Result<(), DataError> {
    for path in entries(folder)? {
        if path.is_dir() {
            pictures(&path, into)?;
        } else if is_picture(&path) {
            into.push(path);
        }
    }
    Ok(())
}
