//! Bytes that are made, uploaded, read and compared.

use tilewright::{Context, DType, Tensor, ops::Quantization};

/// Bytes of `dtype` as the reference takes them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    Random,
    /// The least number everywhere.
    Least,
    /// The largest number everywhere.
    Most,
}

pub fn numbers(seed: usize, count: usize, dtype: DType, fill: Fill) -> Vec<i32> {
    let (low, high) = Quantization::range(dtype).unwrap();
    match fill {
        Fill::Least => vec![low; count],
        Fill::Most => vec![high; count],
        Fill::Random => {
            let number = |at: usize| {
                let mixed = (at + 1).wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(40_503));
                low + ((mixed >> 9) % 256) as i32
            };
            (0..count).map(number).collect()
        }
    }
}

pub fn tensor(context: &Context, numbers: &[i32], dtype: DType, shape: &[usize]) -> Tensor {
    match dtype {
        DType::I8 => {
            let bytes: Vec<i8> = numbers.iter().map(|&number| number as i8).collect();
            Tensor::from_slice(context, &bytes, shape).unwrap()
        }
        _ => {
            let bytes: Vec<u8> = numbers.iter().map(|&number| number as u8).collect();
            Tensor::from_slice(context, &bytes, shape).unwrap()
        }
    }
}

pub fn found(tensor: &Tensor) -> Vec<i32> {
    match tensor.dtype() {
        DType::I8 => tensor.to_vec::<i8>().unwrap().into_iter().map(i32::from).collect(),
        DType::U8 => tensor.to_vec::<u8>().unwrap().into_iter().map(i32::from).collect(),
        _ => tensor.to_vec::<i32>().unwrap(),
    }
}

pub fn same(actual: &[i32], expected: &[i32]) -> Result<(), String> {
    if actual.len() != expected.len() {
        return Err(format!("{} numbers, not {}", actual.len(), expected.len()));
    }
    match actual.iter().zip(expected).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(at) => {
            let wrong = actual.iter().zip(expected).filter(|(a, b)| a != b).count();
            Err(format!("{wrong} differ; element {at} is {} and not {}", actual[at], expected[at]))
        }
    }
}
