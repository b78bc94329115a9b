//! NumPy's array files, and text files written whole or not at all.

use std::{
    fs,
    io::{BufReader, Cursor},
    path::Path,
};

use npyz::{NpyFile, WriterBuilder};

use crate::{Error, Result};

/// Reads an array of float32 in C order, with its shape.
pub fn read_f32(path: &Path) -> Result<(Vec<f32>, Vec<usize>)> {
    let (file, shape) = open(path)?;
    let values = file
        .into_vec::<f32>()
        .map_err(|error| array(path, format!("float32 is wanted ({error}); save x.astype(numpy.float32)")))?;
    Ok((values, shape))
}

/// Reads an array of int64 or int32 in C order, with its shape.
pub fn read_labels(path: &Path) -> Result<(Vec<i32>, Vec<usize>)> {
    let (file, shape) = open(path)?;
    let values = match file.try_data::<i64>() {
        Ok(data) => {
            data.map(|value| Ok(i32::try_from(value?).unwrap_or(i32::MAX))).collect::<std::io::Result<_>>()
        }
        Err(file) => file.into_vec::<i32>(),
    };
    Ok((values.map_err(|error| array(path, format!("int64 or int32 is wanted: {error}")))?, shape))
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

/// Writes arrays by name, whole or not at all.
pub fn write_npz(path: &Path, arrays: &[(&str, &[f32], &[usize])]) -> Result<()> {
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
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&shape)
            .writer(&mut npz)
            .begin_nd()
            .map_err(fault)?;
        writer.extend(values.iter()).map_err(fault)?;
        writer.finish().map_err(fault)?;
    }
    let bytes = npz.finish().map_err(zip_fault)?;
    write_whole(path, bytes.get_ref())
}

/// Writes beside the target, then renames: a reader never sees half a file.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    tilewright_runtime::write_whole(path, bytes).map_err(|error| Error::file(path, error))
}
