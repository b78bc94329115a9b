//! NumPy's array files, and text files written whole or not at all.

use std::{
    fs,
    io::{BufReader, Cursor},
    path::Path,
};

use npyz::{NpyFile, WriterBuilder};
use tilewright_onnx::{Data, HostTensor, Numbers};

use crate::{error::Error, error::Result};

/// Reads an array of numbers or truth values, of any type that NumPy and the host have, in C order.
///
/// # Errors
/// [`Error::Array`] for a file of another kind, or one that is cut short.
pub fn read_array(path: &Path) -> Result<HostTensor> {
    let (file, shape) = open(path)?;
    let fortran = file.order() == npyz::Order::Fortran;
    let kind = file.dtype().descr();
    let fault = |error: std::io::Error| array(path, format!("it cannot be read ({error}); write it again"));
    // A date or a span is stored as an integer, and its unit is lost without a word.
    if kind.contains('M') || kind.contains('m') {
        let hint = "dates and spans are no numbers here; save x.astype(numpy.int64) if the numbers are meant";
        return Err(array(path, format!("its elements are of NumPy's type {kind}: {hint}")));
    }
    macro_rules! first_that_fits {
        ($($kind:ty => $data:ident),*) => {{
            let file = file;
            $(
                let file = match file.try_data::<$kind>() {
                    Ok(data) => {
                        let values = data.collect::<std::io::Result<Vec<$kind>>>().map_err(fault)?;
                        return whole(path, shape, fortran, Data::$data(values));
                    }
                    Err(file) => file,
                };
            )*
            let _ = file;
        }};
    }
    first_that_fits!(
        f32 => F32, f64 => F64, half::f16 => F16, i64 => I64, i32 => I32, i16 => I16, i8 => I8, u64 => U64, u32 => U32,
        u16 => U16, u8 => U8, bool => Bool
    );
    let hint = if kind.contains('V') {
        "NumPy has no name for it (bfloat16, 8-bit floats and int4 are saved so); save x.astype(numpy.float32)"
    } else {
        "numbers or truth values are wanted; save x.astype(numpy.float32)"
    };
    Err(array(path, format!("its elements are of NumPy's type {kind}: {hint}")))
}

/// A tensor of elements in the file's order.
fn whole(path: &Path, shape: Vec<usize>, fortran: bool, data: Data) -> Result<HostTensor> {
    let data = if fortran && shape.len() > 1 { data.take(&from_fortran(&shape)) } else { data };
    let unfilled =
        |data: Data| array(path, format!("{} elements do not fill the shape {shape:?}", data.len()));
    HostTensor::new(&shape, data).map_err(unfilled)
}

/// For each element in C order its place in Fortran's, where the first axis is the fastest.
fn from_fortran(shape: &[usize]) -> Vec<usize> {
    let (mut places, mut stride) = (vec![0], 1);
    let mut strides = Vec::with_capacity(shape.len());
    for &extent in shape {
        strides.push(stride);
        stride *= extent;
    }
    for (&extent, stride) in shape.iter().zip(strides) {
        places = places.iter().flat_map(|&place| (0..extent).map(move |at| place + at * stride)).collect();
    }
    places
}

/// The shape in the header of an array file.
pub fn read_shape(path: &Path) -> Result<Vec<usize>> {
    Ok(open(path)?.1)
}

fn open(path: &Path) -> Result<(NpyFile<BufReader<fs::File>>, Vec<usize>)> {
    let reader = BufReader::new(fs::File::open(path).map_err(|error| Error::file(path, error))?);
    let file = NpyFile::new(reader).map_err(|error| array(path, format!("it is no .npy file: {error}")))?;
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
pub fn write_npz(path: &Path, arrays: &[(&str, &HostTensor)]) -> Result<()> {
    let fault = |error| Error::file(path, error);
    let zip_fault = |error: zip::result::ZipError| Error::file(path, std::io::Error::other(error));
    let mut npz = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // Stored, as numpy.savez does it, and dated as the format's own beginning, so that the same numbers give the same
    // bytes.
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default())
        .large_file(true);
    for (name, tensor) in arrays {
        let shape: Vec<u64> = tensor.shape().iter().map(|&extent| extent as u64).collect();
        npz.start_file(npyz::npz::file_name_from_array_name(name), options).map_err(zip_fault)?;
        match tensor.data() {
            Data::F32(values) => write_npy(&mut npz, values, &shape),
            Data::F64(values) => write_npy(&mut npz, values, &shape),
            Data::F16(values) => write_npy(&mut npz, values, &shape),
            Data::I64(values) => write_npy(&mut npz, values, &shape),
            Data::I32(values) => write_npy(&mut npz, values, &shape),
            Data::I16(values) => write_npy(&mut npz, values, &shape),
            Data::I8(values) => write_npy(&mut npz, values, &shape),
            Data::U64(values) => write_npy(&mut npz, values, &shape),
            Data::U32(values) => write_npy(&mut npz, values, &shape),
            Data::U16(values) => write_npy(&mut npz, values, &shape),
            Data::U8(values) => write_npy(&mut npz, values, &shape),
            Data::Bool(values) => write_npy(&mut npz, values, &shape),
            // NumPy has no such type; float32, or int8, has every value.
            other => match other.numbers() {
                Numbers::Floats(values) => {
                    let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
                    write_npy(&mut npz, &values, &shape)
                }
                Numbers::Integers(values) => {
                    let values: Vec<i8> = values.into_iter().map(|value| value as i8).collect();
                    write_npy(&mut npz, &values, &shape)
                }
            },
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
