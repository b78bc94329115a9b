//! Networks by name, as the command line takes them.

use thiserror::Error;
use tilewright_nn::{Module, ParameterStore};

use crate::{ResNet, ResNetCifar, Shortcut, SmallCnn};

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
    #[error("{name}: an image of {height}×{width} is too small; it takes at least {least}×{least}")]
    ImageTooSmall {
        /// The network.
        name: &'static str,
        /// The image's height.
        height: usize,
        /// The image's width.
        width: usize,
        /// The least height and width.
        least: usize,
    },
    /// A layer failed.
    #[error(transparent)]
    Nn(#[from] tilewright_nn::Error),
}

/// Every network: its name, the least height and width of an image, and how it is made.
const NETWORKS: &[(&str, usize, Kind)] = &[
    ("small_cnn", 4, Kind::SmallCnn),
    ("resnet18", 32, Kind::ResNet { depth: 18 }),
    ("resnet34", 32, Kind::ResNet { depth: 34 }),
    ("resnet50", 32, Kind::ResNet { depth: 50 }),
    ("resnet101", 32, Kind::ResNet { depth: 101 }),
    ("resnet152", 32, Kind::ResNet { depth: 152 }),
    ("resnet20", 4, Kind::ResNetCifar { blocks: 3 }),
    ("resnet32", 4, Kind::ResNetCifar { blocks: 5 }),
    ("resnet44", 4, Kind::ResNetCifar { blocks: 7 }),
    ("resnet56", 4, Kind::ResNetCifar { blocks: 9 }),
];

#[derive(Clone, Copy)]
enum Kind {
    SmallCnn,
    ResNet { depth: usize },
    ResNetCifar { blocks: usize },
}

/// The names that [`build`] knows.
pub fn names() -> Vec<&'static str> {
    NETWORKS.iter().map(|network| network.0).collect()
}

/// Makes the network `name` with fresh parameters in `store`.
///
/// # Errors
/// [`Error::UnknownName`] lists the names there are; [`Error::ImageTooSmall`]; what a layer says of its sizes.
pub fn build(name: &str, store: &ParameterStore, options: Options) -> Result<Network, Error> {
    let unknown = || Error::UnknownName { name: name.to_owned() };
    let &(name, least, kind) = NETWORKS.iter().find(|known| known.0 == name).ok_or_else(unknown)?;
    let Options { image, classes, shortcut } = options;
    let [channels, height, width] = image;
    if height < least || width < least {
        return Err(Error::ImageTooSmall { name, height, width, least });
    }
    let root = store.root();
    let module: Box<dyn Module> = match kind {
        Kind::SmallCnn => Box::new(SmallCnn::new(&root, image, classes)?),
        Kind::ResNet { depth } => {
            Box::new(ResNet::new(&root, depth, channels, classes, shortcut).ok_or_else(unknown)??)
        }
        Kind::ResNetCifar { blocks } => {
            Box::new(ResNetCifar::new(&root, channels, classes, blocks, shortcut)?)
        }
    };
    Ok(Network { name, store: store.clone(), module })
}
