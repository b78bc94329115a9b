//! The numbers of a network.

use std::{fs, io::Read, path::Path};

use crate::{
    cfg::{Kind, Network},
    error::{Error, Result},
};

/// What a file of weights begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The format's version: major, minor, revision. From 0.2 on `seen` has 64 bits, before 32.
    pub version: [i32; 3],
    /// Images that training has seen.
    pub seen: u64,
}

impl Default for Header {
    fn default() -> Self {
        Self { version: [0, 2, 0], seen: 0 }
    }
}

impl Header {
    /// Whether `seen` has 64 bits.
    fn is_long(self) -> bool {
        let [major, minor, _] = self.version;
        major > 0 || minor >= 2
    }
}

/// What an array of a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Added at the end: after the normalisation, where there is one.
    Bias,
    /// What normalised numbers are multiplied by.
    Scale,
    /// The mean that inference subtracts.
    Mean,
    /// The variance that inference divides by the root of.
    Variance,
    /// The weights: O I H W, or O I.
    Weight,
}

impl Part {
    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bias => "biases",
            Self::Scale => "scales",
            Self::Mean => "means",
            Self::Variance => "variances",
            Self::Weight => "weights",
        }
    }
}

/// A place for numbers in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// The layer, from 0.
    pub layer: usize,
    /// Which of its arrays.
    pub part: Part,
    /// The extents.
    pub shape: Vec<usize>,
}

impl Array {
    /// Numbers that it holds.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The arrays of a network in the order in which a file has them.
pub fn arrays(network: &Network) -> Vec<Array> {
    use Part::{Bias, Mean, Scale, Variance, Weight};
    let mut all = Vec::new();
    for (at, layer) in network.layers.iter().enumerate() {
        let mut add = |part, shape: &[usize]| all.push(Array { layer: at, part, shape: shape.to_vec() });
        let [channels, height, width] = layer.input;
        match &layer.kind {
            Kind::Convolutional(conv) => {
                add(Bias, &[conv.filters]);
                if conv.batch_normalize {
                    [Scale, Mean, Variance].into_iter().for_each(|part| add(part, &[conv.filters]));
                }
                add(Weight, &[conv.filters, channels / conv.groups, conv.size, conv.size]);
            }
            Kind::Connected(connected) => {
                add(Bias, &[connected.output]);
                add(Weight, &[connected.output, channels * height * width]);
                if connected.batch_normalize {
                    [Scale, Mean, Variance].into_iter().for_each(|part| add(part, &[connected.output]));
                }
            }
            _ => {}
        }
    }
    all
}

/// How much of a network a file has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    Whole,
    /// The first layers, as the files that transfer starts from (`yolov3.conv.81`, `darknet53.conv.74`).
    FirstLayers,
}

/// The numbers of a network, or of its first layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// How the file begins.
    pub header: Header,
    /// Each array with its numbers, in the file's order.
    pub arrays: Vec<(Array, Vec<f32>)>,
    /// Layers, from the first on, that have all their numbers.
    pub layers: usize,
}

impl Weights {
    /// Reads the file of `network`.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Count`] for a file that is too short or too long; [`Error::Weights`] for one that is none.
    pub fn read(path: &Path, network: &Network, extent: Extent) -> Result<Self> {
        let name = path.display().to_string();
        let failed = |source| Error::File { path: name.clone(), source };
        let mut file = fs::File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let (header, taken) = header(&mut file, &name)?;
        let left = bytes.saturating_sub(taken);
        if !left.is_multiple_of(4) {
            let fault = format!(
                "{left} bytes follow its header, which are no whole numbers of 4 bytes: it is cut off"
            );
            return Err(Error::Weights { path: name, fault });
        }
        let mut arrays = arrays(network);
        let layers = match held(&arrays, network, left / 4, extent) {
            Ok((held, layers)) => {
                arrays.truncate(held);
                layers
            }
            Err(hint) => {
                let wanted = arrays.iter().map(|array| array.count() as u64).sum();
                return Err(Error::Count { path: name, found: left / 4, wanted, hint });
            }
        };
        let mut read = Vec::with_capacity(arrays.len());
        for array in arrays {
            let mut values = vec![0f32; array.count()];
            file.read_exact(bytemuck::cast_slice_mut(&mut values)).map_err(failed)?;
            if cfg!(target_endian = "big") {
                values.iter_mut().for_each(|value| *value = f32::from_bits(value.to_bits().swap_bytes()));
            }
            read.push((array, values));
        }
        Ok(Self { header, arrays: read, layers })
    }

    /// The bytes of a file: what [`Self::read`] read comes out as it was.
    ///
    /// # Errors
    /// [`Error::Array`] where an array has another number of numbers than its shape.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let numbers: usize = self.arrays.iter().map(|(_, values)| values.len()).sum();
        let mut bytes = Vec::with_capacity(20 + 4 * numbers);
        self.header.version.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        if self.header.is_long() {
            bytes.extend(self.header.seen.to_le_bytes());
        } else {
            // A counter of 32 bits that has run over says no less than Darknet's.
            bytes.extend((self.header.seen as u32).to_le_bytes());
        }
        for (array, values) in &self.arrays {
            if array.count() != values.len() {
                let (layer, part) = (array.layer, array.part.name());
                return Err(Error::Array { layer, part, wanted: array.count(), found: values.len() });
            }
            values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        }
        Ok(bytes)
    }
}

/// The header, and how many bytes it takes.
fn header(file: &mut impl Read, path: &str) -> Result<(Header, u64)> {
    let mut taken = 0;
    let mut word = || -> Result<[u8; 4]> {
        let mut bytes = [0; 4];
        file.read_exact(&mut bytes).map_err(|_| {
            let fault = "it ends within the header (version and counter, 16 or 20 bytes)".to_owned();
            Error::Weights { path: path.to_owned(), fault }
        })?;
        taken += 4;
        Ok(bytes)
    };
    let version = [word()?, word()?, word()?].map(i32::from_le_bytes);
    let mut header = Header { version, seen: 0 };
    let [major, minor, _] = version;
    if !(0..1000).contains(&major) || !(0..1000).contains(&minor) {
        let fault = format!(
            "it begins with the version {major}.{minor}; 0.0 to 999.999 can be read, and other files begin otherwise"
        );
        return Err(Error::Weights { path: path.to_owned(), fault });
    }
    header.seen = u64::from(u32::from_le_bytes(word()?));
    if header.is_long() {
        header.seen |= u64::from(u32::from_le_bytes(word()?)) << 32;
    }
    Ok((header, taken))
}

/// How many of the arrays and of the layers `found` numbers are; or why they are none.
fn held(arrays: &[Array], network: &Network, found: u64, extent: Extent) -> Result<(usize, usize), String> {
    let other = "take the .cfg that the file was trained with";
    let mut left = found;
    for (at, array) in arrays.iter().enumerate() {
        let count = array.count() as u64;
        if left < count {
            let (layer, part) = (array.layer, array.part.name());
            let begins = at == 0 || arrays[at - 1].layer != layer;
            if left > 0 || !begins {
                return Err(format!(
                    "it ends within the {part} of layer {layer}; it is cut off, or of another network: {other}"
                ));
            }
            if extent == Extent::Whole {
                return Err(format!(
                    "it ends before layer {layer}, whose numbers are missing; files of the first layers alone are read if that \
                     is asked for"
                ));
            }
            return Ok((at, layer));
        }
        left -= count;
    }
    if left > 0 {
        return Err(format!("{left} are too many; it is of another network: {other}"));
    }
    Ok((arrays.len(), network.layers.len()))
}
