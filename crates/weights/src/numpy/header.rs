//! The header of an array file (NEP 1).

use npyz::{NpyHeader, Order};

use crate::{
    element::Element,
    error::Fault,
    pickle::{Dtype, Tensor, strided},
};

/// What an array is, and where its elements begin.
#[derive(Debug)]
pub(super) struct Header {
    pub element: Element,
    pub shape: Vec<usize>,
    dtype: Dtype,
    fortran: bool,
    /// Bytes of the header.
    pub length: usize,
}

/// How deep brackets may lie in one another: a dict, a tuple, a list of fields.
const DEEPEST: usize = 16;

impl Header {
    /// From the first bytes of a file that has `size` in all.
    pub fn read(head: &[u8], size: u64) -> Result<Self, Fault> {
        let damaged = |what: String| Fault::damaged(format!("it is no array of NumPy: {what}"));
        let (length, begin) = match head {
            [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, low, high, ..] => {
                (usize::from(u16::from_le_bytes([*low, *high])), 10)
            }
            [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d, ..] => {
                (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 12)
            }
            _ => return Err(damaged("it does not begin as one of version 1 to 3".to_owned())),
        };
        let length = begin + length;
        let Some(text) = head.get(begin..length) else {
            return Err(damaged(format!("its header has {length} bytes, and {} are there", head.len())));
        };
        // What reads the header calls itself for each bracket.
        let mut depth = 0_usize;
        for byte in text {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > DEEPEST {
                return Err(damaged("its header has brackets in brackets".to_owned()));
            }
        }
        let header = NpyHeader::from_reader(&head[..length]).map_err(|error| damaged(error.to_string()))?;
        let described = header.dtype().descr();
        let described = described.trim_matches('\'');
        let dtype = Dtype::parse(described);
        let element = dtype.element().map_err(|_| Fault::Unsupported(refused(described)))?;
        let shape: Option<Vec<usize>> =
            header.shape().iter().map(|&extent| usize::try_from(extent).ok()).collect();
        let shape = shape.ok_or_else(|| damaged(format!("its shape is {:?}", header.shape())))?;
        let fortran = header.order() == Order::Fortran;
        let count = shape.iter().try_fold(1_usize, |count, &extent| count.checked_mul(extent));
        let wanted = count.and_then(|count| count.checked_mul(element.size())).map(|bytes| bytes as u64);
        let left = size.saturating_sub(length as u64);
        if wanted.is_none_or(|wanted| wanted > left) {
            let wanted = wanted.unwrap_or(u64::MAX);
            return Err(Fault::Truncated { what: "an array", at: length as u64, wanted, left });
        }
        Ok(Self { element, shape, dtype, fortran, length })
    }

    /// The elements as a view of the bytes behind the header.
    pub fn view(&self) -> Result<Tensor, Fault> {
        strided(&self.dtype, self.shape.clone(), self.fortran)
    }
}

/// Why an array of a type is not read, and what to do.
fn refused(dtype: &str) -> String {
    let hint = if dtype.contains('V') {
        "NumPy has no name for it (bfloat16, 8-bit floats and int4 are saved so); save x.astype(numpy.float32)"
    } else if dtype.contains('O') {
        "objects are pickles; save their arrays one by one with numpy.savez"
    } else {
        "numbers or truth values are wanted; save x.astype(numpy.float32)"
    };
    format!("its elements are of NumPy's type {dtype}: {hint}")
}
