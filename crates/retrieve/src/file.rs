//! An index as a file: safetensors, so that NumPy and PyTorch read the vectors too.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::Path,
};

use safetensors::{Dtype, tensor::Metadata, tensor::TensorInfo, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::{error::Error, error::Result, index::Index, metric::Metric};

/// The only key of the metadata.
const KEY: &str = "tilewright_index";
/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

/// What stands in the metadata, as JSON.
#[derive(Serialize, Deserialize)]
struct About {
    version: u32,
    metric: Metric,
    about: String,
}

const VECTORS: &str = "vectors";
const IDS: &str = "ids";
/// A JSON array of strings.
const NAMES: &str = "names";

impl Index {
    /// Writes the index, whole or not at all: tensors `vectors` (N × numbers, f32), `ids` (N, i64) and `names` (bytes of a JSON
    /// array of strings).
    ///
    /// # Errors
    /// [`Error::File`] with the system's words; the file is then as it was.
    pub fn save(&self, path: &Path) -> Result<()> {
        let fault = |error: io::Error| Error::file(path, error);
        let other = |error: &dyn std::fmt::Display| fault(io::Error::other(error.to_string()));
        let about = About { version: VERSION, metric: self.metric(), about: self.about().to_owned() };
        let about = serde_json::to_string(&about).map_err(|error| other(&error))?;
        let names = serde_json::to_vec(self.names()).map_err(|error| other(&error))?;
        let ids: Vec<i64> = self.ids().iter().map(|&id| id as i64).collect();
        let view = |dtype, shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), bytes);
        let views = [
            (VECTORS, view(Dtype::F32, &[self.len(), self.dim()], bytemuck::cast_slice(self.rows()))),
            (IDS, view(Dtype::I64, &[self.len()], bytemuck::cast_slice(&ids))),
            (NAMES, view(Dtype::U8, &[names.len()], &names)),
        ];
        let views = views.into_iter().map(|(name, view)| Ok((name, view.map_err(|error| other(&error))?)));
        let views = views.collect::<Result<Vec<_>>>()?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(fault)?;
        // Written by name, so that the vectors are not copied in memory.
        let part = tempfile::Builder::new().prefix(".tilewright-").suffix(".part").tempdir_in(folder);
        let part = part.map_err(fault)?;
        let beside = part.path().join("index");
        safetensors::serialize_to_file(views, Some(HashMap::from([(KEY.to_owned(), about)])), &beside)
            .map_err(|error| other(&error))?;
        File::open(&beside).and_then(|file| file.sync_all()).map_err(fault)?;
        fs::rename(&beside, path).map_err(fault)
    }

    /// Reads an index that [`Self::save`] wrote. Nothing of its header is believed before it is held against the file.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Format`] if it is damaged, cut off, of another kind or of a later version.
    pub fn load(path: &Path) -> Result<Self> {
        let fault = |error: io::Error| Error::file(path, error);
        let format = |reason: &str| Error::format(path, reason);
        let file = File::open(path).map_err(fault)?;
        let size = file.metadata().map_err(fault)?.len();
        let mut file = BufReader::new(file);
        let mut length = [0; 8];
        if size < 8 {
            return Err(format(&format!("its {size} bytes are too few for a header")));
        }
        file.read_exact(&mut length).map_err(fault)?;
        let length = u64::from_le_bytes(length);
        if length > size - 8 {
            return Err(format(&format!("its header has {length} bytes, and {} follow", size - 8)));
        }
        let header = bytes(&mut file, length).map_err(fault)?;
        let header: Metadata = serde_json::from_slice(&header).map_err(|error| format(&error.to_string()))?;
        let promised = header.data_len() as u64;
        if (size - 8).checked_sub(length) != Some(promised) {
            let held = size - 8 - length;
            return Err(format(&format!("its header promises {promised} bytes, and it holds {held}")));
        }
        let about = header.metadata().as_ref().and_then(|map| map.get(KEY));
        let Some(about) = about else {
            return Err(format("its metadata has no `tilewright_index`; it may be a file of weights"));
        };
        let about: About = serde_json::from_str(about).map_err(|error| format(&error.to_string()))?;
        if about.version != VERSION {
            let version = about.version;
            return Err(format(&format!("it is of version {version}, and {VERSION} is read")));
        }
        let info = |name: &str, dtype: Dtype, axes: usize| {
            let info = header.info(name).filter(|info| info.dtype == dtype && info.shape.len() == axes);
            info.ok_or_else(|| {
                format(&format!("it has no tensor `{name}` of {axes} axes and type {dtype:?}"))
            })
        };
        let (vectors, ids, names) =
            (info(VECTORS, Dtype::F32, 2)?, info(IDS, Dtype::I64, 1)?, info(NAMES, Dtype::U8, 1)?);
        // As they lie in the file.
        let mut order = [(vectors, 0), (ids, 1), (names, 2)];
        order.sort_by_key(|(info, _)| info.data_offsets);
        let mut parts: [Vec<u8>; 2] = Default::default();
        let mut rows: Vec<f32> = Vec::new();
        let mut at = 0;
        for (info, which) in order {
            let (begin, end) = info.data_offsets;
            if begin != at || end < begin {
                return Err(format("its tensors do not follow one another"));
            }
            at = end;
            let count = |info: &TensorInfo| (info.data_offsets.1 - info.data_offsets.0) as u64;
            if which == 0 {
                rows = vec![0.0; (end - begin) / 4];
                file.read_exact(bytemuck::cast_slice_mut(&mut rows)).map_err(fault)?;
            } else {
                parts[which - 1] = bytes(&mut file, count(info)).map_err(fault)?;
            }
        }
        let [ids, names] = parts;
        let ids = ids.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        let names = serde_json::from_slice(&names).map_err(|error| format(&error.to_string()))?;
        let dim = vectors.shape.get(1).copied().unwrap_or_default();
        let mut index =
            Self::of_parts(dim, about.metric, ids, names, rows).map_err(|reason| format(&reason))?;
        index.set_about(about.about);
        Ok(index)
    }
}

/// So many bytes, of a length that was held against the file.
fn bytes(file: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == count { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
