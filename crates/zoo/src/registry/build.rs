//! Making a network by its name.

use tilewright_nn::{Module, ParameterStore};

use super::{classification, detection, entry::Entry, error::Error, options::Options, segmentation};

/// A network with its parameters.
pub struct Network {
    /// Its name.
    pub name: &'static str,
    /// Its parameters.
    pub store: ParameterStore,
    /// What computes.
    pub module: Box<dyn Module>,
}

/// The table of networks: those that classify, those that segment, those that find boxes.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    classification::ROWS.iter().chain(segmentation::ROWS).chain(detection::ROWS)
}

/// The names that [`build`] knows.
pub fn names() -> Vec<&'static str> {
    entries().map(|entry| entry.name).collect()
}

/// The network `name`.
///
/// # Errors
/// [`Error::UnknownName`], with the nearest name or all that there are.
pub fn entry(name: &str) -> Result<&'static Entry, Error> {
    let unknown = || Error::UnknownName { name: name.to_owned(), hint: hint(name) };
    entries().find(|entry| entry.name == name).ok_or_else(unknown)
}

/// What to say of a name that there is not.
fn hint(name: &str) -> String {
    let plain = |name: &str| {
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    match entries().find(|entry| plain(entry.name) == plain(name)) {
        Some(near) => format!("`{}` is", near.name),
        None => format!("there are: {}", names().join(", ")),
    }
}

/// Makes the network `name` with fresh parameters in `store`.
///
/// # Errors
/// [`Error::UnknownName`] lists the names there are; [`Error::ImageTooSmall`]; what a layer says of its sizes.
pub fn build(name: &str, store: &ParameterStore, options: Options) -> Result<Network, Error> {
    let &Entry { name, least, make, .. } = entry(name)?;
    let [_, height, width] = options.image;
    if height < least || width < least {
        return Err(Error::ImageTooSmall { name, height, width, least });
    }
    Ok(Network { name, store: store.clone(), module: make(&store.root(), &options)? })
}
