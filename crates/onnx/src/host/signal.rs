//! Windows and transforms of signals, from constants.

use std::f64::consts::TAU;

use super::call::Call;
use super::indices::around;
use crate::element::ElementType;
use crate::error::Result;
use crate::params::axis;
use crate::params::operands::Operands;
use crate::table::operator::Windowing;
use crate::tensor::{Data, HostTensor, Numbers, element_count};

/// The most products of a transform, which is computed term by term.
const MOST_TERMS: usize = 1 << 28;

/// The type that `output_datatype` names.
fn datatype(call: &Call) -> Result<ElementType> {
    let attributes = &call.node().attributes;
    let number = attributes.int("output_datatype", 1)?;
    let known = i32::try_from(number).map_err(|_| "unknown").and_then(ElementType::from_number);
    known.map_err(|name| attributes.wrong("output_datatype", format!("is {number} ({name})")))
}

/// A number that is not negative.
fn size(call: &Call, index: usize) -> Result<usize> {
    let found = call.operand(index)?.whole().and_then(|size| usize::try_from(size).ok());
    found.ok_or_else(|| call.node().wrong(format!("operand {index} must be a number that is not negative")))
}

pub(super) fn window(call: &Call, kind: Windowing) -> Result<Vec<HostTensor>> {
    let count = size(call, 0)?;
    call.count(&[count])?;
    let span = if call.node().attributes.flag("periodic", true)? { count } else { count.saturating_sub(1) };
    let at = |place: usize| {
        let angle = TAU * place as f64 / span.max(1) as f64;
        match kind {
            Windowing::Hann => 0.5 - 0.5 * angle.cos(),
            Windowing::Hamming => 25.0 / 46.0 - 21.0 / 46.0 * angle.cos(),
            Windowing::Blackman => 0.42 - 0.5 * angle.cos() + 0.08 * (2.0 * angle).cos(),
        }
    };
    let numbers = Numbers::Floats((0..count).map(at).collect());
    Ok(vec![call.tensor(&[count], Data::from_numbers(datatype(call)?, &numbers))?])
}

/// The transform of a line of complex numbers, of which the first `bins` are wanted; its inverse is divided by the length.
fn transform(line: &[[f64; 2]], bins: usize, inverse: bool) -> Vec<[f64; 2]> {
    let length = line.len();
    let sign = if inverse { 1.0 } else { -1.0 };
    let turns: Vec<_> = (0..length).map(|at| (sign * TAU * at as f64 / length as f64).sin_cos()).collect();
    let by = if inverse { 1.0 / length as f64 } else { 1.0 };
    (0..bins)
        .map(|bin| {
            let sum = line.iter().enumerate().fold([0.0, 0.0], |[re, im], (at, &[a, b])| {
                let (sin, cos) = turns[(bin * at) % length];
                [re + a * cos - b * sin, im + a * sin + b * cos]
            });
            sum.map(|part| part * by)
        })
        .collect()
}

fn affordable(call: &Call, lines: usize, length: usize, bins: usize) -> Result<()> {
    match element_count(&[lines, length, bins]) {
        Some(terms) if terms <= MOST_TERMS => Ok(()),
        _ => Err(call.node().wrong(format!(
            "{lines} transforms of {length} elements are too many for the host, which computes {MOST_TERMS} products"
        ))),
    }
}

/// The complex numbers of an operand whose last axis is 1 or 2.
fn complex(call: &Call, x: &HostTensor) -> Result<Vec<[f64; 2]>> {
    let values = x.data().numbers().floats();
    match x.shape().last() {
        Some(1) => Ok(values.into_iter().map(|re| [re, 0.0]).collect()),
        Some(2) => Ok(values.as_chunks().0.to_vec()),
        _ => Err(call.node().wrong(format!("shape {:?} does not end in 1 or 2, as signals do", x.shape()))),
    }
}

pub(super) fn dft(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, attributes) = (call.operand(0)?, &call.node().attributes);
    let (inverse, onesided) = (attributes.flag("inverse", false)?, attributes.flag("onesided", false)?);
    // The inverse of one side takes that side, whose other one is its mirror image, and gives real numbers.
    let real = inverse && onesided;
    let values = complex(call, x)?;
    let rank = x.shape().len() - 1;
    let given = if call.opset() < 20 {
        attributes.int("axis", 1)?
    } else {
        call.integers("", 2)?.and_then(|values| values.first().copied()).unwrap_or(-2)
    };
    // Counted with the axis of real and imaginary parts.
    let along = call.check(axis::one(given, rank + 1))?;
    if along == rank {
        return Err(call.node().wrong("a transform along real and imaginary parts"));
    }
    let [outer, extent, inner] = around(&x.shape()[..rank], along);
    let length = match (call.constant(1)?.is_some(), real) {
        (true, _) => size(call, 1)?,
        (false, true) => 2 * extent.saturating_sub(1),
        (false, false) => extent,
    };
    let bins = if onesided && !real { length / 2 + 1 } else { length };
    affordable(call, outer.saturating_mul(inner), length, bins)?;
    let mut shape = x.shape().to_vec();
    let parts = if real { 1 } else { 2 };
    (shape[along], shape[rank]) = (bins, parts);
    let mut result = vec![0.0; call.count(&shape)?];
    for before in 0..outer {
        for behind in 0..inner {
            let mut line: Vec<[f64; 2]> =
                (0..extent.min(length)).map(|at| values[(before * extent + at) * inner + behind]).collect();
            line.resize(length, [0.0, 0.0]);
            if real {
                for at in extent..length {
                    let [re, im] = line.get(length - at).copied().unwrap_or_default();
                    line[at] = [re, -im];
                }
            }
            for (bin, [re, im]) in transform(&line, bins, inverse).into_iter().enumerate() {
                let at = parts * ((before * bins + bin) * inner + behind);
                result[at] = re;
                if !real {
                    result[at + 1] = im;
                }
            }
        }
    }
    Ok(vec![call.tensor(&shape, Data::from_numbers(x.dtype(), &Numbers::Floats(result)))?])
}

/// Transforms of windows of a signal, batch × length × 1 or 2.
pub(super) fn stft(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let values = complex(call, x)?;
    let &[batch, length, _] = x.shape() else {
        return Err(call.node().wrong(format!("a signal of shape {:?} does not have three axes", x.shape())));
    };
    let step = size(call, 1)?;
    let window = call.constant(2)?.map(|window| window.data().numbers().floats());
    let frame = match (call.constant(3)?.is_some(), &window) {
        (true, _) => size(call, 3)?,
        (false, Some(window)) => window.len(),
        (false, None) => return Err(call.node().wrong("neither a window nor a length is given")),
    };
    if step == 0
        || frame == 0
        || frame > length
        || window.as_ref().is_some_and(|window| window.len() != frame)
    {
        return Err(call.node().wrong(format!("frames of {frame}, {step} apart, over a signal of {length}")));
    }
    let bins = if call.node().attributes.flag("onesided", true)? { frame / 2 + 1 } else { frame };
    let frames = (length - frame) / step + 1;
    affordable(call, batch.saturating_mul(frames), frame, bins)?;
    let shape = [batch, frames, bins, 2];
    let mut result = Vec::with_capacity(call.count(&shape)?);
    for signal in values.chunks(length) {
        for start in (0..frames).map(|at| at * step) {
            let weight = |at: usize| window.as_ref().map_or(1.0, |window| window[at]);
            let line: Vec<[f64; 2]> =
                (0..frame).map(|at| signal[start + at].map(|part| part * weight(at))).collect();
            result.extend(transform(&line, bins, false).into_iter().flatten());
        }
    }
    Ok(vec![call.tensor(&shape, Data::from_numbers(x.dtype(), &Numbers::Floats(result)))?])
}

/// Weights that gather the bins of a spectrum into bands of the mel scale.
pub(super) fn mel_weights(call: &Call) -> Result<Vec<HostTensor>> {
    let (bands, length, rate) = (size(call, 0)?, size(call, 1)?, size(call, 2)?);
    let edge = |index: usize| -> Result<f64> {
        let found = call.operand(index)?.data().numbers().floats().first().copied();
        found.ok_or_else(|| call.node().wrong(format!("operand {index} must be one number")))
    };
    let mel = |hertz: f64| 2595.0 * (1.0 + hertz / 700.0).log10();
    let (low, high) = (mel(edge(3)?), mel(edge(4)?));
    let bins = length / 2 + 1;
    let count = call.count(&[bins, bands])?;
    let step = (high - low) / (bands + 2) as f64;
    let place = |at: usize| {
        let hertz = 700.0 * (10_f64.powf((at as f64 * step + low) / 2595.0) - 1.0);
        // A number that is no place becomes the nearest.
        (((length + 1) as f64 * hertz / rate as f64).floor() as usize).min(bins - 1)
    };
    let mut weights = vec![0.0; count];
    for band in 0..bands {
        let [left, middle, right] = [band, band + 1, band + 2].map(place);
        if middle <= left {
            weights[middle * bands + band] = 1.0;
        }
        for bin in left..=middle {
            if middle > left {
                weights[bin * bands + band] = (bin - left) as f64 / (middle - left) as f64;
            }
        }
        for bin in middle..right {
            weights[bin * bands + band] = (right - bin) as f64 / (right - middle) as f64;
        }
    }
    Ok(vec![call.tensor(&[bins, bands], Data::from_numbers(datatype(call)?, &Numbers::Floats(weights)))?])
}
