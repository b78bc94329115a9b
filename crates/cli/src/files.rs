//! NumPy's array files, and text files written whole or not at all.

use std::{
    fs,
    io::{BufReader, Cursor},
    path::Path,
};

use npyz::{NpyFile, WriterBuilder};
use tilewright_nn::narrow_i64;

use crate::{error::Error, error::Result};

/// Reads an array of float32 (or truth values, as 1 and 0) in C order, with its shape.
pub fn read_f32(path: &Path) -> Result<(Vec<f32>, Vec<usize>)> {
    let (file, shape) = open(path)?;
    // Truth values are 1 and 0 on the device.
    let file = match file.try_data::<bool>() {
        Ok(data) => {
            let numbers = data.map(|value| Ok(f32::from(u8::from(value?))));
            let numbers = numbers.collect::<std::io::Result<_>>();
            return Ok((numbers.map_err(|error| Error::file(path, error))?, shape));
        }
        Err(file) => file,
    };
    let values = file
        .into_vec::<f32>()
        .map_err(|error| array(path, format!("float32 is wanted ({error}); save x.astype(numpy.float32)")))?;
    Ok((values, shape))
}

/// Reads an array of whole numbers (signed or not, of any width, or truth values) in C order, as the 32 bits that devices
/// have, with its shape.
///
/// # Errors
/// [`tilewright_nn::Error::Int64`] for the first number that does not fit: none is changed.
pub fn read_i32(path: &Path) -> Result<(Vec<i32>, Vec<usize>)> {
    let (file, shape) = open(path)?;
    let values = integers(file).map_err(|error| array(path, format!("int64 or int32 is wanted: {error}")))?;
    Ok((narrow_i64(&path.display().to_string(), &values)?, shape))
}

/// The numbers of a file of whole numbers. A uint64 beyond int64 becomes the largest of those, which fits no device either.
fn integers(file: NpyFile<BufReader<fs::File>>) -> std::io::Result<Vec<i64>> {
    macro_rules! first_that_fits {
        ($file:expr, $($kind:ty),*) => {{
            let file = $file;
            $(
                let file = match file.try_data::<$kind>() {
                    Ok(data) => return data.map(|value| Ok(i64::from(value?))).collect(),
                    Err(file) => file,
                };
            )*
            file
        }};
    }
    let file = first_that_fits!(file, i64, i32, i16, i8, u32, u16, u8, bool);
    Ok(file.into_vec::<u64>()?.into_iter().map(|value| i64::try_from(value).unwrap_or(i64::MAX)).collect())
}

/// The shape in the header of an array file.
pub fn read_shape(path: &Path) -> Result<Vec<usize>> {
    Ok(open(path)?.1)
}

fn open(path: &Path) -> Result<(NpyFile<BufReader<fs::File>>, Vec<usize>)> {
    let reader = BufReader::new(fs::File::open(path).map_err(|error| Error::file(path, error))?);
    let file = NpyFile::new(reader).map_err(|error| array(path, format!("it is no .npy file: {error}")))?;
    if file.order() != npyz::Order::C {
        return Err(array(path, "it is in Fortran order; save numpy.ascontiguousarray(x)".to_owned()));
    }
    let mut shape = Vec::with_capacity(file.shape().len());
    for &extent in file.shape() {
        shape
            .push(usize::try_from(extent).map_err(|_| array(path, format!("extent {extent} is too large")))?);
    }
    // The header may promise more than the file holds; nothing is allocated by its word.
    let promised = shape.iter().try_fold(1usize, |count, &extent| count.checked_mul(extent));
    let size = fs::metadata(path).map_err(|error| Error::file(path, error))?.len();
    if promised.is_none_or(|count| count as u64 > size) {
        return Err(array(path, format!("it is cut short: shape {shape:?} in {size} bytes; write it again")));
    }
    Ok((file, shape))
}

fn array(path: &Path, reason: String) -> Error {
    Error::Array { path: path.display().to_string(), reason }
}

/// Numbers as NumPy is to have them.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    Bool(Vec<bool>),
}

/// Writes arrays by name, whole or not at all.
pub fn write_npz(path: &Path, arrays: &[(&str, &Array, &[usize])]) -> Result<()> {
    let fault = |error| Error::file(path, error);
    let zip_fault = |error: zip::result::ZipError| Error::file(path, std::io::Error::other(error));
    let mut npz = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // Stored, as numpy.savez does it, and dated as the format's own beginning, so that the same numbers give the same
    // bytes.
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default())
        .large_file(true);
    for (name, values, shape) in arrays {
        let shape: Vec<u64> = shape.iter().map(|&extent| extent as u64).collect();
        npz.start_file(npyz::npz::file_name_from_array_name(name), options).map_err(zip_fault)?;
        match values {
            Array::F32(values) => write_npy(&mut npz, values, &shape),
            Array::F64(values) => write_npy(&mut npz, values, &shape),
            Array::I32(values) => write_npy(&mut npz, values, &shape),
            Array::I64(values) => write_npy(&mut npz, values, &shape),
            Array::Bool(values) => write_npy(&mut npz, values, &shape),
        }
        .map_err(fault)?;
    }
    let bytes = npz.finish().map_err(zip_fault)?;
    write_whole(path, bytes.get_ref())
}

fn write_npy<T: npyz::AutoSerialize + Copy>(
    to: impl std::io::Write,
    values: &[T],
    shape: &[u64],
) -> std::io::Result<()> {
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(to).begin_nd()?;
    writer.extend(values.iter())?;
    writer.finish()
}

/// Writes beside the target, then renames: a reader never sees half a file.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    tilewright_runtime::write_whole(path, bytes).map_err(|error| Error::file(path, error))
}
