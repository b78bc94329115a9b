//! A view of a storage as a row-major array.

use crate::{
    array::Array,
    element::Element,
    error::Fault,
    pickle::{StorageElement, Tensor},
};

/// The most bytes that a tensor may have which repeats its storage's elements (by strides of 0 or overlaps). Without it a file
/// of a kilobyte could ask for all memory.
const MOST_REPEATED: usize = 256 << 20;

/// How many elements a view has, and the bytes of its elements; its places are within `bytes` bytes of storage.
///
/// # Errors
/// [`Fault::Tensor`] where it leaves the storage, or repeats it too often.
pub(crate) fn check(name: &str, tensor: &Tensor, bytes: usize) -> Result<(usize, Element), Fault> {
    let fault = |reason: String| Fault::Tensor { name: name.to_owned(), reason };
    let element = match tensor.element {
        StorageElement::Plain(element) | StorageElement::Quantized(element) => element,
        StorageElement::Other(other) => {
            return Err(fault(format!(
                "its elements are {other}, which is not read; save x.to(torch.float32), or its parts"
            )));
        }
    };
    let (shape, strides) = (&tensor.shape, &tensor.strides);
    let beyond =
        || fault(format!("shape {shape:?} with strides {strides:?} leaves its storage of {bytes} bytes"));
    let count =
        shape.iter().try_fold(1_usize, |count, &extent| count.checked_mul(extent)).ok_or_else(beyond)?;
    if count == 0 {
        return Ok((0, element));
    }
    let last = shape.iter().zip(strides).try_fold(tensor.offset, |last, (&extent, &stride)| {
        last.checked_add((extent - 1).checked_mul(stride)?)
    });
    let held = bytes / element.size();
    if last.is_none_or(|last| last >= held) {
        return Err(beyond());
    }
    let wanted = count.checked_mul(element.size()).ok_or_else(beyond)?;
    if wanted > bytes && wanted > MOST_REPEATED {
        return Err(fault(format!(
            "it repeats {bytes} bytes of storage to {wanted}; {MOST_REPEATED} are read"
        )));
    }
    Ok((count, element))
}

/// The view's elements, row-major and little-endian.
pub(crate) fn gather(name: &str, tensor: &Tensor, storage: &[u8]) -> Result<Array, Fault> {
    let (count, element) = check(name, tensor, storage.len())?;
    let size = element.size();
    let mut bytes = Vec::with_capacity(count * size);
    if count > 0 {
        // Axes of one element have any stride; those at the end that lie in order are copied at once.
        let axes = tensor.shape.iter().copied().zip(tensor.strides.iter().copied());
        let mut axes: Vec<(usize, usize)> = axes.filter(|axis| axis.0 != 1).collect();
        let mut run = 1;
        while let Some((extent, _)) = axes.last().filter(|axis| axis.1 == run).copied() {
            run *= extent;
            axes.pop();
        }
        let mut at = vec![0; axes.len()];
        let mut place = tensor.offset;
        'all: loop {
            bytes.extend_from_slice(&storage[place * size..(place + run) * size]);
            for axis in (0..axes.len()).rev() {
                let (extent, stride) = axes[axis];
                at[axis] += 1;
                place += stride;
                if at[axis] < extent {
                    continue 'all;
                }
                place -= extent * stride;
                at[axis] = 0;
            }
            break;
        }
    }
    if tensor.big_endian {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    Ok(Array { element, shape: tensor.shape.clone(), bytes })
}

/// A quantised tensor's numbers in f32, as PyTorch's `dequantize` has them: (q − zero) · scale.
///
/// `scales` and `zeros` are one for the tensor, or one for each index of `axis`.
pub(crate) fn dequantize(
    name: &str,
    array: &Array,
    scales: &[f32],
    zeros: &[i64],
    axis: usize,
) -> Result<Array, Fault> {
    let fault = |reason: String| Fault::Tensor { name: name.to_owned(), reason };
    let channels =
        if scales.len() == 1 && zeros.len() == 1 { 1 } else { array.shape.get(axis).copied().unwrap_or(0) };
    if scales.len() != channels || zeros.len() != channels {
        let (scales, zeros) = (scales.len(), zeros.len());
        return Err(fault(format!("it has {scales} scales and {zeros} zero points for {channels} channels")));
    }
    let inner: usize = if channels == 1 { 1 } else { array.shape[axis + 1..].iter().product() };
    let inner = inner.max(1);
    let tilewright_nn::HostTensor::I64(values, shape) = array.to_host(name)? else {
        return Err(fault("its elements are no whole numbers".to_owned()));
    };
    let number = |(index, value): (usize, i64)| {
        let channel = index / inner % channels.max(1);
        (value.wrapping_sub(zeros[channel]) as f32 * scales[channel]).to_le_bytes()
    };
    let bytes = values.into_iter().enumerate().flat_map(number).collect();
    Ok(Array { element: Element::F32, shape, bytes })
}
