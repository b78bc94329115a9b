//! A `.cfg` as a whole.

use std::{fs, io::Read, path::Path};

use super::{
    keys::Keys,
    kinds::{Kind, Layer, Settings, Yolo},
    layers::{MOST, layer},
    settings,
    text::{MOST_BYTES, sections},
};
use crate::error::{Error, Place, Result};

/// The most layers.
const MOST_LAYERS: usize = 10_000;

/// A network, as its `.cfg` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Channels, height and width of an image.
    pub image: [usize; 3],
    /// What else `[net]` says.
    pub settings: Settings,
    /// The layers in order.
    pub layers: Vec<Layer>,
}

impl Network {
    /// Reads a `.cfg`.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Cfg`] with file, line, section and key.
    pub fn read(path: &Path) -> Result<Self> {
        let file = path.display().to_string();
        let failed = |source| Error::File { path: file.clone(), source };
        let mut bytes = Vec::new();
        fs::File::open(path).map_err(failed)?.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MOST_BYTES {
            let place = Place { file, line: 1, ..Place::default() };
            let fault = format!("the file is larger than {MOST_BYTES} bytes: it is no .cfg");
            return Err(Error::Cfg { place: Box::new(place), fault });
        }
        Self::parse(&String::from_utf8_lossy(&bytes), &file)
    }

    /// Reads the text of a `.cfg`; `file` is what messages call it.
    ///
    /// # Errors
    /// [`Error::Cfg`] with file, line, section and key.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        let sections = sections(text, file)?;
        let outside = |fault: &str| {
            let place = Place { file: file.to_owned(), line: 1, ..Place::default() };
            Error::Cfg { place: Box::new(place), fault: fault.to_owned() }
        };
        let Some((net, rest)) = sections.split_first() else {
            return Err(outside("there is no section: a .cfg begins with [net]"));
        };
        let mut keys = Keys::new(file, net);
        if !["net", "network"].contains(&&*net.name) {
            return Err(keys.fault("the first section must be [net]"));
        }
        let mut extent = |key: &str| {
            let found = keys.count(key, 0, 1..=MOST)?;
            let missing = || {
                keys.fault(format!("`{key}` is missing: the size of an image as height, width and channels"))
            };
            if found == 0 { Err(missing()) } else { Ok(found) }
        };
        let image = [extent("channels")?, extent("height")?, extent("width")?];
        let settings = keys.rest(settings::NET)?;
        let mut layers: Vec<Layer> = Vec::new();
        for section in rest {
            let keys = Keys::new(file, section);
            if layers.len() == MOST_LAYERS {
                return Err(keys.fault(format!("a network has at most {MOST_LAYERS} layers")));
            }
            layers.push(layer(keys, &section.name, section.line, image, &layers)?);
        }
        if layers.is_empty() {
            return Err(Keys::new(file, net).fault("no layer follows"));
        }
        Ok(Self { image, settings, layers })
    }

    /// The heads that find boxes, with their places among the layers.
    pub fn heads(&self) -> impl Iterator<Item = (usize, &Yolo)> {
        self.layers.iter().enumerate().filter_map(|(at, layer)| match &layer.kind {
            Kind::Yolo(yolo) => Some((at, yolo)),
            _ => None,
        })
    }

    /// The classes of the heads; `None` without a head, or where heads differ.
    pub fn classes(&self) -> Option<usize> {
        let mut all = self.heads().map(|(_, yolo)| yolo.classes);
        let first = all.next()?;
        all.all(|classes| classes == first).then_some(first)
    }
}
