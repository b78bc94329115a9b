//! Opening a file of any kind.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use tilewright_nn::{HostTensor, StateFile, StateSource};

use crate::{
    archive::Shared,
    array::Array,
    element::Element,
    error::{Error, Fault, Result},
    hdf5::Hdf5,
    keras::{self, Plan, Turn},
    kind::{self, KERAS_WEIGHTS, Kind},
    numpy::NumpyFile,
    torch::TorchFile,
};

/// How the variables of a file are called and laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// As the file has them.
    #[default]
    AsIs,
    /// Those of Keras as PyTorch's: `stem.weight` instead of `layers/conv2d/vars/0`, and kernels O I H W.
    Keras,
}

/// A file of weights of another library, open: its names, types and shapes are known, and each tensor is read when it is asked
/// for.
///
/// ```no_run
/// use std::path::Path;
/// use tilewright_weights::WeightFile;
///
/// let file = WeightFile::open(Path::new("resnet18-f37072fd.pth"), None)?;
/// for (name, element, shape) in file.entries() {
///     println!("{name} {element} {shape:?}");
/// }
/// # Ok::<(), tilewright_weights::Error>(())
/// ```
pub struct WeightFile {
    path: PathBuf,
    kind: Kind,
    contents: Contents,
    notes: Vec<String>,
    /// Names and shapes in order, for whoever loads them.
    shapes: Vec<(String, Element, Vec<usize>)>,
}

enum Contents {
    Torch(Box<TorchFile>),
    Numpy(NumpyFile),
    Hdf5(Box<Hdf5>),
    /// With what each variable is called and how it is turned.
    Keras(Box<Hdf5>, Plan),
}

impl WeightFile {
    /// Opens a file. Of a pickle `key` says where in it the state dict is: an entry's name (`ema`), names with dots between them
    /// (`state.model`), or `*` for all that there is. Without one it is the value at the top, or what is under one of the keys
    /// that training scripts use.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read, [`Error::Format`] with what is wrong in it.
    pub fn open(path: &Path, key: Option<&str>) -> Result<Self> {
        Self::open_with(path, key, Layout::AsIs)
    }

    /// As [`Self::open`], with variables of Keras called and laid out as PyTorch's where `layout` says so.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(path: &Path, key: Option<&str>, layout: Layout) -> Result<Self> {
        Self::contents(path, key, layout).map_err(|fault| Error::format(path, fault))
    }

    fn contents(path: &Path, key: Option<&str>, layout: Layout) -> Result<Self, Fault> {
        let mut file = File::open(path)?;
        let (kind, members) = kind::kind(&mut file)?;
        file.seek(SeekFrom::Start(0))?;
        let mut notes = Vec::new();
        let contents = match kind {
            Kind::TorchZip => Contents::Torch(Box::new(TorchFile::zipped(file, members, key, &mut notes)?)),
            Kind::TorchLegacy | Kind::Pickle => {
                Contents::Torch(Box::new(TorchFile::pickled(path, key, &mut notes)?))
            }
            Kind::Npz => Contents::Numpy(NumpyFile::npz(file, members, &mut notes)?),
            Kind::Npy => {
                let name = path.file_stem().map_or("array".into(), |stem| stem.to_string_lossy());
                Contents::Numpy(NumpyFile::npy(file, &name)?)
            }
            Kind::Hdf5 => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                let file = Hdf5::new(bytes, &mut notes)?;
                match layout {
                    Layout::AsIs => Contents::Hdf5(Box::new(file)),
                    Layout::Keras => {
                        let description = file.text("model_config")?.ok_or_else(undescribed)?;
                        keras(file, &description, &mut notes)?
                    }
                }
            }
            Kind::Keras => {
                let file = Shared::new(file);
                let member = |name: &str| {
                    let found = members.iter().find(|(member, _)| member == name);
                    found.map(|(_, place)| file.read(place)).transpose()
                };
                let hdf5 = Hdf5::new(member(KERAS_WEIGHTS)?.unwrap_or_default(), &mut notes)?;
                match layout {
                    Layout::AsIs => Contents::Hdf5(Box::new(hdf5)),
                    Layout::Keras => {
                        let description = member("config.json")?.ok_or_else(undescribed)?;
                        keras(hdf5, &String::from_utf8_lossy(&description), &mut notes)?
                    }
                }
            }
            Kind::Safetensors => {
                return Err(Fault::Unsupported(
                    "it is a safetensors file already, which needs no conversion".to_owned(),
                ));
            }
        };
        if layout == Layout::Keras && !matches!(contents, Contents::Keras(..)) {
            return Err(Fault::Unsupported(format!("it is {}, and has no layers of Keras", kind.name())));
        }
        let shapes = match &contents {
            Contents::Torch(file) => file.entries().map(owned).collect(),
            Contents::Numpy(file) => file.entries().map(owned).collect(),
            Contents::Hdf5(file) => file.entries().map(owned).collect(),
            Contents::Keras(file, plan) => {
                let held: BTreeMap<_, _> =
                    file.entries().map(|(path, element, shape)| (path, (element, shape))).collect();
                let laid = |(name, (path, turn)): (&String, &(String, Turn))| {
                    let (element, shape) = held.get(path.as_str())?;
                    Some((name.clone(), *element, turn.shape(shape).1))
                };
                plan.iter().filter_map(laid).collect()
            }
        };
        Ok(Self { path: path.to_owned(), kind, contents, notes, shapes })
    }

    /// The kind that the file's bytes say.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Every tensor's name, type and shape, sorted by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Element, &[usize])> {
        self.shapes.iter().map(|(name, element, shape)| (name.as_str(), *element, &shape[..]))
    }

    /// What a reader should know: where the state dict was, what was left out.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Reads the tensor `name`, if there is one, in the type that the file has.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Format`].
    pub fn array(&self, name: &str) -> Result<Option<Array>> {
        self.read(name).map_err(|fault| Error::format(&self.path, fault))
    }

    pub(crate) fn read(&self, name: &str) -> Result<Option<Array>, Fault> {
        match &self.contents {
            Contents::Torch(file) => file.tensor(name),
            Contents::Numpy(file) => file.tensor(name),
            Contents::Hdf5(file) => file.tensor(name),
            Contents::Keras(file, plan) => {
                let Some((path, turn)) = plan.get(name) else { return Ok(None) };
                Ok(file.tensor(path)?.map(|array| turn.apply(array)))
            }
        }
    }

    fn host(&self, name: &str) -> Result<Option<HostTensor>> {
        let Some(array) = self.array(name)? else { return Ok(None) };
        array.to_host(name).map(Some).map_err(|fault| Error::format(&self.path, fault))
    }
}

fn owned((name, element, shape): (&str, Element, &[usize])) -> (String, Element, Vec<usize>) {
    (name.to_owned(), element, shape.to_vec())
}

fn undescribed() -> Fault {
    Fault::State(
        "it holds weights without the model's description, by which layers are told apart; save the whole model \
         (model.save(\"x.keras\")), or leave --layout keras out and name the variables with --map"
            .to_owned(),
    )
}

fn keras(file: Hdf5, description: &str, notes: &mut Vec<String>) -> Result<Contents, Fault> {
    let plan = keras::plan(file.entries().map(|(path, _, shape)| (path, shape)), description, notes)?;
    Ok(Contents::Keras(Box::new(file), plan))
}

impl StateSource for WeightFile {
    fn label(&self) -> String {
        self.path.display().to_string()
    }

    fn names(&self) -> Vec<&str> {
        self.shapes.iter().map(|(name, ..)| name.as_str()).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        let at = self.shapes.binary_search_by(|(held, ..)| held.as_str().cmp(name)).ok()?;
        Some(&self.shapes[at].2)
    }

    fn tensor(&self, name: &str) -> tilewright_nn::Result<Option<Cow<'_, HostTensor>>> {
        let host = self.host(name).map_err(tilewright_nn::Error::source)?;
        Ok(host.map(Cow::Owned))
    }
}

/// The tensors of a file of any kind, for a network to load (safetensors by `tilewright_nn`, others by [`WeightFile`]), and what
/// its reader should know.
///
/// # Errors
/// As [`WeightFile::open`], and those of [`StateFile::open`].
pub fn source(path: &Path) -> Result<(Arc<dyn StateSource>, Vec<String>)> {
    let mut file = File::open(path).map_err(|error| Error::file(path, error))?;
    match kind::kind(&mut file) {
        Ok((Kind::Safetensors, _)) => Ok((Arc::new(StateFile::open(path)?), Vec::new())),
        _ => {
            let file = WeightFile::open(path, None)?;
            let notes = file.notes.clone();
            Ok((Arc::new(file), notes))
        }
    }
}
