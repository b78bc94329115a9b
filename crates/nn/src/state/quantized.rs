//! A network in bytes as one safetensors file.
//!
//! | tensor | type | what |
//! | --- | --- | --- |
//! | `LAYER.weight` | I8 | a weight, output channels first |
//! | `LAYER.weight_scale` | F32 | what its steps are, for each output channel |
//! | `LAYER.bias` | I32 | in steps of x's scale times the weight's |
//! | `LAYER.scale`, `LAYER.zero_point` | F32, I32 | of the layer's result, or of an input of that name |
//! | `LAYER.operand.K` | F32 | a constant of a layer that stays in f32 |
//!
//! A layer is a node of the network after its normalisations are folded. The metadata say how the f32 network's parameters are
//! called and shaped, so that it can be built again.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use tilewright_graph::quantize::{Constant, Parameters, Product, Scale};
use tilewright_runtime::write_whole;

use super::{host_tensor::HostTensor, source::StateSource, state_file::METADATA_KEY, state_file::StateFile};
use crate::{error::Error, error::Result};

/// What the metadata of such a file begin with.
const FORMAT: &str = "tilewright int8";
const VERSION: u32 = 1;

/// A network in bytes, apart from its graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantizedState {
    /// Its numbers, by layers.
    pub parameters: Parameters,
    /// The parameters of the network in f32, with their shapes: those of the file that it was made from.
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// The text about the network that was in that file.
    pub about: Option<String>,
}

/// A tensor as it is written.
type Stored<'a> = (Dtype, Vec<usize>, Cow<'a, [u8]>);

/// What is written beside the tensors.
#[derive(Serialize, Deserialize)]
struct Metadata {
    format: String,
    version: u32,
    keep: BTreeSet<String>,
    relu6_as_relu: bool,
    shapes: BTreeMap<String, Vec<usize>>,
    about: Option<String>,
}

impl Metadata {
    fn of(text: Option<&str>) -> Option<Self> {
        serde_json::from_str(text?).ok().filter(|metadata: &Self| metadata.format == FORMAT)
    }
}

impl QuantizedState {
    /// Whether a file that is open holds a network in bytes.
    #[must_use]
    pub fn is(metadata: Option<&str>) -> bool {
        Metadata::of(metadata).is_some()
    }

    /// The parameters of the network in f32 as a source of their shapes; their numbers, which do not matter, are zeros.
    #[must_use]
    pub fn source(&self) -> Arc<dyn StateSource> {
        Arc::new(Shapes(self.shapes.clone()))
    }

    /// Writes a safetensors file, whole or not at all. The same contents give the same bytes.
    ///
    /// # Errors
    /// [`Error::File`]; the file that was there stays.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut tensors: BTreeMap<String, Stored<'_>> = BTreeMap::new();
        let Parameters { keep, relu6_as_relu, activations, products, constants } = &self.parameters;
        for (layer, Product { shape, numbers, scales, bias }) in products {
            let outputs = vec![scales.len()];
            let mut put = |what: &str, dtype, shape: &[usize], bytes| {
                tensors.insert(format!("{layer}.{what}"), (dtype, shape.to_vec(), Cow::Borrowed(bytes)));
            };
            put("weight", Dtype::I8, shape, bytemuck::cast_slice(numbers));
            put("weight_scale", Dtype::F32, &outputs, bytemuck::cast_slice(scales));
            if let Some(bias) = bias {
                put("bias", Dtype::I32, &outputs, bytemuck::cast_slice(bias));
            }
        }
        for (value, scale) in activations {
            let (zero, by) = (scale.zero_point.to_le_bytes(), scale.scale.to_le_bytes());
            tensors.insert(format!("{value}.scale"), (Dtype::F32, vec![], Cow::Owned(by.to_vec())));
            tensors.insert(format!("{value}.zero_point"), (Dtype::I32, vec![], Cow::Owned(zero.to_vec())));
        }
        for ((layer, at), Constant { shape, numbers }) in constants {
            let bytes = Cow::Borrowed(bytemuck::cast_slice(numbers));
            tensors.insert(format!("{layer}.operand.{at}"), (Dtype::F32, shape.clone(), bytes));
        }
        let format = |reason: String| Error::Format { path: path.display().to_string(), reason };
        let views = tensors
            .iter()
            .map(|(name, (dtype, shape, bytes))| Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|error| format(error.to_string()))?;
        let metadata = Metadata {
            format: FORMAT.to_owned(),
            version: VERSION,
            keep: keep.clone(),
            relu6_as_relu: *relu6_as_relu,
            shapes: self.shapes.clone(),
            about: self.about.clone(),
        };
        let text = serde_json::to_string(&metadata).map_err(|error| format(error.to_string()))?;
        let metadata = Some(HashMap::from([(METADATA_KEY.to_owned(), text)]));
        let bytes = safetensors::serialize(views, metadata).map_err(|error| format(error.to_string()))?;
        write_whole(path, &bytes).map_err(|error| Error::file(path, error))
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Format`] if it is damaged, cut off, of another kind or of a later version.
    pub fn read(path: &Path) -> Result<Self> {
        let format = |reason: String| Error::Format { path: path.display().to_string(), reason };
        // Its header is held against its size first.
        let file = StateFile::open(path)?;
        let Some(Metadata { version, keep, relu6_as_relu, shapes, about, .. }) =
            Metadata::of(file.metadata())
        else {
            return Err(format("it holds no network in bytes; `tilewright quantize` makes one".to_owned()));
        };
        if version > VERSION {
            let reason = format!("it is of version {version}, and this program reads {VERSION}: update it");
            return Err(format(reason));
        }
        let bytes = std::fs::read(path).map_err(|error| Error::file(path, error))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| format(error.to_string()))?;
        let mut state = Self { shapes, about, ..Self::default() };
        state.parameters.keep = keep;
        state.parameters.relu6_as_relu = relu6_as_relu;
        let parameters = &mut state.parameters;
        let wanted = |name: &str, dtype| match tensors.tensor(name) {
            Ok(tensor) if tensor.dtype() == dtype => Ok(tensor),
            Ok(tensor) => {
                Err(format(format!("`{name}` is of {:?}, and {dtype:?} is wanted", tensor.dtype())))
            }
            Err(_) => Err(format(format!("`{name}` is missing"))),
        };
        for name in tensors.names() {
            let Some((layer, what)) = name.rsplit_once('.') else { continue };
            match what {
                "weight" => {
                    let weight = wanted(name, Dtype::I8)?;
                    let scales = wanted(&format!("{layer}.weight_scale"), Dtype::F32)?;
                    let bias_name = format!("{layer}.bias");
                    let bias = match tensors.tensor(&bias_name) {
                        Ok(_) => Some(words(wanted(&bias_name, Dtype::I32)?.data(), i32::from_le_bytes)),
                        Err(_) => None,
                    };
                    let product = Product {
                        shape: weight.shape().to_vec(),
                        numbers: bytemuck::cast_slice(weight.data()).to_vec(),
                        scales: words(scales.data(), f32::from_le_bytes),
                        bias,
                    };
                    parameters.products.insert(layer.to_owned(), product);
                }
                "scale" => {
                    let zero = wanted(&format!("{layer}.zero_point"), Dtype::I32)?;
                    let zero = words(zero.data(), i32::from_le_bytes).first().copied();
                    let scale = words(wanted(name, Dtype::F32)?.data(), f32::from_le_bytes).first().copied();
                    let (Some(scale), Some(zero_point)) = (scale, zero) else {
                        return Err(format(format!("`{name}` or its zero point is empty")));
                    };
                    if !(scale.is_finite() && scale > 0.0 && (-128..=127).contains(&zero_point)) {
                        let reason = format!(
                            "`{name}` is {scale} and its zero point {zero_point}; a scale is positive, a zero point from −128 to 127"
                        );
                        return Err(format(reason));
                    }
                    parameters.activations.insert(layer.to_owned(), Scale { scale, zero_point });
                }
                at => {
                    let Some((layer, at)) = layer.strip_suffix(".operand").zip(at.parse().ok()) else {
                        continue;
                    };
                    let tensor = wanted(name, Dtype::F32)?;
                    let numbers = words(tensor.data(), f32::from_le_bytes);
                    let constant = Constant { shape: tensor.shape().to_vec(), numbers };
                    parameters.constants.insert((layer.to_owned(), at), constant);
                }
            }
        }
        Ok(state)
    }
}

/// Words of four bytes, wherever they lie.
fn words<T>(bytes: &[u8], word: impl Fn([u8; 4]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|&bytes| word(bytes)).collect()
}

/// Names with shapes, and zeros.
struct Shapes(BTreeMap<String, Vec<usize>>);

impl StateSource for Shapes {
    fn label(&self) -> String {
        "the quantised network".to_owned()
    }

    fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.0.get(name).map(Vec::as_slice)
    }

    fn tensor(&self, name: &str) -> Result<Option<Cow<'_, HostTensor>>> {
        let zeros = |shape: &Vec<usize>| HostTensor::F32(vec![0.0; shape.iter().product()], shape.clone());
        Ok(self.0.get(name).map(|shape| Cow::Owned(zeros(shape))))
    }
}
