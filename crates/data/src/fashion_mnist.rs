//! Fashion-MNIST: 70,000 grey 28×28 pictures of clothing in ten classes (Xiao, Rasul, Vollgraf, arXiv 1708.07747).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::{dataset::ImageDataset, dataset::InMemoryDataset, error::DataError, idx};

/// The environment variable that names the data directory when the caller does not.
pub const DATA_DIR_VARIABLE: &str = "TILEWRIGHT_DATA";

/// The classes' names, in the order of their labels, as the data set's authors give them.
pub const CLASS_NAMES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// Which half of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// The 60,000 images to train on.
    Train,
    /// The 10,000 images to judge on.
    Test,
}

/// Both halves of Fashion-MNIST, or of any data set in its four files (MNIST, KMNIST: the names will then be wrong).
#[derive(Debug, Clone)]
pub struct FashionMnist {
    /// The images to train on.
    pub train: InMemoryDataset,
    /// The images to judge on.
    pub test: InMemoryDataset,
}

impl FashionMnist {
    /// Where Debian's package `dataset-fashion-mnist` puts the files.
    pub const SYSTEM_DIR: &'static str = "/usr/share/datasets/fashion-mnist";
    /// The mean of the training pixels after scaling to 0…1.
    pub const MEAN: [f32; 1] = [0.286_04];
    /// The standard deviation of the training pixels after scaling to 0…1.
    pub const STD: [f32; 1] = [0.353_02];

    /// The directory to load from: `explicit` (say, from `--data`) if given, else [`DATA_DIR_VARIABLE`] if set and not
    /// empty, else [`FashionMnist::SYSTEM_DIR`]. The most explicit wish wins, and is not quietly replaced when it fails.
    #[must_use]
    pub fn data_dir(explicit: Option<&Path>) -> PathBuf {
        choose_dir(explicit, std::env::var_os(DATA_DIR_VARIABLE))
    }

    /// Loads both halves from `dir`, see [`FashionMnist::load_split`].
    ///
    /// # Errors
    /// Those of [`FashionMnist::load_split`]; also [`DataError::ShapeMismatch`] when the halves' images differ in size.
    pub fn load(dir: &Path) -> Result<Self, DataError> {
        let train = Self::load_split(dir, Split::Train)?;
        let test = Self::load_split(dir, Split::Test)?;
        let (expected, found) = (train.image_shape(), test.image_shape());
        if expected != found {
            return Err(DataError::ShapeMismatch { index: 0, found, expected });
        }
        Ok(Self { train, test })
    }

    /// Loads one half from `dir`, from `train-images-idx3-ubyte` and `train-labels-idx1-ubyte` (or `t10k-…`), each also
    /// in the spelling `train-images.idx3-ubyte`, each with or without `.gz`.
    ///
    /// # Errors
    /// [`DataError::NotFound`] when a file is missing; those of [`idx::read`]; [`DataError::Empty`];
    /// [`DataError::CountMismatch`]; [`DataError::LabelOutOfRange`].
    pub fn load_split(dir: &Path, split: Split) -> Result<InMemoryDataset, DataError> {
        let (prefix, name) = match split {
            Split::Train => ("train", "training"),
            Split::Test => ("t10k", "test"),
        };
        let images_path =
            find(dir, &format!("{prefix}-images"), "idx3-ubyte", &format!("Fashion-MNIST {name} images"))?;
        let labels_path =
            find(dir, &format!("{prefix}-labels"), "idx1-ubyte", &format!("Fashion-MNIST {name} labels"))?;
        let labels = idx::read(&labels_path, 1)?;
        let images = idx::read(&images_path, 3)?;
        if images.data.is_empty() {
            return Err(DataError::Empty { what: images_path.display().to_string(), dims: images.dims });
        }
        let [_, height, width] = images.dims[..] else {
            // `idx::read` was asked for three dimensions and returns no other number.
            return Err(DataError::Empty { what: images_path.display().to_string(), dims: images.dims });
        };
        let names = CLASS_NAMES.iter().map(ToString::to_string).collect();
        InMemoryDataset::new([1, height, width], images.data, labels.data, names)
    }
}

fn choose_dir(explicit: Option<&Path>, variable: Option<OsString>) -> PathBuf {
    let variable = variable.filter(|value| !value.is_empty()).map(PathBuf::from);
    explicit.map(Path::to_path_buf).or(variable).unwrap_or_else(|| FashionMnist::SYSTEM_DIR.into())
}

/// The first of the accepted spellings that exists in `dir`.
fn find(dir: &Path, stem: &str, suffix: &str, what: &str) -> Result<PathBuf, DataError> {
    let plain = [format!("{stem}-{suffix}"), format!("{stem}.{suffix}")];
    let names: Vec<String> = plain.iter().flat_map(|name| [name.clone(), format!("{name}.gz")]).collect();
    match names.iter().map(|name| dir.join(name)).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => Err(DataError::NotFound { what: what.into(), dir: dir.to_path_buf(), names }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_explicit_directory_wins() {
        let set = || Some(OsString::from("variable"));
        assert_eq!(choose_dir(Some(Path::new("argument")), set()), Path::new("argument"));
        assert_eq!(choose_dir(None, set()), Path::new("variable"));
        assert_eq!(choose_dir(None, Some(OsString::new())), Path::new(FashionMnist::SYSTEM_DIR));
        assert_eq!(choose_dir(None, None), Path::new(FashionMnist::SYSTEM_DIR));
    }
}
