//! Networks by name, as the command line takes them.

use thiserror::Error;
use tilewright_nn::{Module, ParameterStore};

use crate::{ResNetCifar, Shortcut, SmallCnn};

/// What a network is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Channels, height and width of an image.
    pub image: [usize; 3],
    /// Classes.
    pub classes: usize,
    /// What a ResNet's shortcuts do where the shape changes.
    pub shortcut: Shortcut,
}

/// A network with its parameters.
pub struct Network {
    /// Its name.
    pub name: &'static str,
    /// Its parameters.
    pub store: ParameterStore,
    /// What computes.
    pub module: Box<dyn Module>,
}

/// Why a network could not be built.
#[derive(Debug, Error)]
pub enum Error {
    /// No network has that name.
    #[error("no network is called `{name}`; there are: {}", names().join(", "))]
    UnknownName {
        /// The name.
        name: String,
    },
    /// The image is too small.
    #[error("{name}: an image of {height}×{width} is too small; it takes at least 4×4")]
    ImageTooSmall {
        /// The network.
        name: &'static str,
        /// The image's height.
        height: usize,
        /// The image's width.
        width: usize,
    },
    /// A layer failed.
    #[error(transparent)]
    Nn(#[from] tilewright_nn::Error),
}

/// The names that [`build`] knows.
pub fn names() -> &'static [&'static str] {
    &["small_cnn", "resnet20", "resnet32", "resnet44", "resnet56"]
}

/// Makes the network `name` with fresh parameters in `store`.
pub fn build(name: &str, store: &ParameterStore, options: Options) -> Result<Network, Error> {
    let Some(&name) = names().iter().find(|known| **known == name) else {
        return Err(Error::UnknownName { name: name.to_owned() });
    };
    let Options { image, classes, shortcut } = options;
    let [channels, height, width] = image;
    if height < 4 || width < 4 {
        return Err(Error::ImageTooSmall { name, height, width });
    }
    let root = store.root();
    let resnet = |blocks| ResNetCifar::new(&root, channels, classes, blocks, shortcut);
    let module: Box<dyn Module> = match name {
        "resnet20" => Box::new(resnet(3)?),
        "resnet32" => Box::new(resnet(5)?),
        "resnet44" => Box::new(resnet(7)?),
        "resnet56" => Box::new(resnet(9)?),
        _ => Box::new(SmallCnn::new(&root, image, classes)?),
    };
    Ok(Network { name, store: store.clone(), module })
}
