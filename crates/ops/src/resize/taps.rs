//! The elements of a place with their weights.

use super::method::{Axis, Interpolation};

/// The (index, weight) of a place at `at`. Where the weights are those of a fixed number of elements they stay as many.
pub(super) fn taps(at: f64, axis: Axis, interpolation: Interpolation) -> Vec<[f32; 2]> {
    let last = axis.extent as f64 - 1.0;
    let held = |(index, weight): (f64, f64)| [index.clamp(0.0, last) as f32, weight as f32];
    // The element before, and how far behind it the place is.
    let before = at.floor();
    let part = at - before;
    // Where the axis grows the filter keeps its width; it need not be much wider than the axis.
    let stretch = axis.scale.max(0.25 / axis.extent as f64).min(1.0);
    match interpolation {
        Interpolation::Nearest(rounding) => vec![held((f64::from(rounding.nearest(at as f32)), 1.0))],
        Interpolation::Linear => vec![held((before, 1.0 - part)), held((before + 1.0, part))],
        Interpolation::Cubic { a, exclude_outside } => {
            let window = (-1..=2).map(|offset| before + f64::from(offset));
            let weight = |index: f64| keys(f64::from(a), (index - before) - part);
            let taps = weighted(window, axis.extent, exclude_outside, weight);
            taps.into_iter().map(held).collect()
        }
        Interpolation::LinearAntialias { exclude_outside } => {
            let window = around(at, 1.0 / stretch);
            let weight = |index: f64| (1.0 - ((index - at) * stretch).abs()).max(0.0);
            let taps = weighted(window, axis.extent, exclude_outside, weight);
            merged(taps.into_iter().map(held))
        }
        Interpolation::CubicAntialias { a, exclude_outside } => {
            let window = around(at, 2.0 / stretch);
            let weight = |index: f64| keys(f64::from(a), (index - at) * stretch);
            let taps = weighted(window, axis.extent, exclude_outside, weight);
            merged(taps.into_iter().map(held))
        }
    }
}

/// The elements less than `reach` away from `at`.
fn around(at: f64, reach: f64) -> impl Iterator<Item = f64> {
    let first = (at - reach).floor() + 1.0;
    let count = ((at + reach).ceil() - first).max(1.0) as usize;
    (0..count).map(move |offset| first + offset as f64)
}

/// Weights of elements, of which those outside the axis may have none; they sum to 1.
fn weighted(
    window: impl Iterator<Item = f64>,
    extent: usize,
    exclude_outside: bool,
    weight: impl Fn(f64) -> f64,
) -> Vec<(f64, f64)> {
    let inside = 0.0..extent as f64;
    let mut taps: Vec<(f64, f64)> = window
        .map(|index| (index, if exclude_outside && !inside.contains(&index) { 0.0 } else { weight(index) }))
        .collect();
    let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
    // A place whose elements are all excluded is 0.
    if sum != 0.0 {
        taps.iter_mut().for_each(|(_, weight)| *weight /= sum);
    }
    taps
}

/// One tap for each element, without those that have no weight: they would make a NaN of an infinity.
fn merged(taps: impl Iterator<Item = [f32; 2]>) -> Vec<[f32; 2]> {
    let mut found: Vec<[f32; 2]> = Vec::new();
    for [index, weight] in taps {
        match found.last_mut().filter(|[last, _]| *last == index) {
            Some([_, sum]) => *sum += weight,
            None => found.push([index, weight]),
        }
    }
    found.retain(|[_, weight]| *weight != 0.0);
    found
}

/// As many taps as the other places have: the last one is parted into halves, which changes no sum.
pub(super) fn filled(mut taps: Vec<[f32; 2]>, most: usize) -> Vec<[f32; 2]> {
    while taps.len() < most {
        let Some(last) = taps.last_mut() else { return vec![[0.0; 2]; most] };
        last[1] /= 2.0;
        let half = *last;
        taps.push(half);
    }
    taps
}

/// Keys' function at `t`.
fn keys(a: f64, t: f64) -> f64 {
    let t = t.abs();
    if t <= 1.0 {
        ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0
    } else if t < 2.0 {
        ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a
    } else {
        0.0
    }
}
