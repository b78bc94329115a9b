//! Resampling of a window of an image to another size.

use super::step::Image;

/// Resamples `length` places from `start` of an axis to `out` places, by the triangle filter, widened where it makes the
/// image smaller (PIL's bilinear, torchvision's with `antialias`): for each place that comes out the first place that is
/// read and the weights from there on.
fn weights(length: usize, out: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = length as f64 / out as f64;
    let width = scale.max(1.0);
    (0..out)
        .map(|at| {
            let centre = (at as f64 + 0.5) * scale;
            let first = (centre - width + 0.5).max(0.0) as usize;
            let last = ((centre + width + 0.5) as usize).min(length);
            let weight = |place: usize| (1.0 - ((place as f64 + 0.5 - centre) / width).abs()).max(0.0);
            let weights: Vec<f64> = (first..last).map(weight).collect();
            let sum: f64 = weights.iter().sum();
            (first, weights.iter().map(|weight| (weight / sum) as f32).collect())
        })
        .collect()
}

/// For each of `out` places the nearest of `length`: PIL's rule for masks, whose running sum decides where two are as near.
fn nearest(length: usize, out: usize) -> Vec<usize> {
    let scale = length as f64 / out as f64;
    let mut place = scale * 0.5;
    (0..out)
        .map(|_| {
            let found = (place as usize).min(length - 1);
            place += scale;
            found
        })
        .collect()
}

/// The image in another size, none of whose extents is 0; a mask by the nearest pixel.
pub(super) fn resize(image: &mut Image, [height, width]: [usize; 2]) {
    let [channels, from_height, from_width] = image.shape;
    if [from_height, from_width] == [height, width] {
        return;
    }
    let (across, down) = (weights(from_width, width), weights(from_height, height));
    let mut pixels = Vec::with_capacity(channels * height * width);
    let mut rows = Vec::with_capacity(from_height * width);
    for plane in image.pixels.chunks_exact(from_height * from_width) {
        rows.clear();
        for row in plane.chunks_exact(from_width) {
            rows.extend(across.iter().map(|(first, weights)| {
                row[*first..].iter().zip(weights).map(|(pixel, weight)| pixel * weight).sum::<f32>()
            }));
        }
        for (first, weights) in &down {
            let at = pixels.len();
            pixels.resize(at + width, 0.0f32);
            for (row, weight) in rows[first * width..].chunks_exact(width).zip(weights) {
                pixels[at..].iter_mut().zip(row).for_each(|(sum, pixel)| *sum += weight * pixel);
            }
        }
    }
    if let Some(mask) = &image.mask {
        let (columns, lines) = (nearest(from_width, width), nearest(from_height, height));
        let places = lines.iter().flat_map(|row| columns.iter().map(move |column| row * from_width + column));
        image.mask = Some(places.map(|place| mask[place]).collect());
    }
    image.pixels = pixels;
    image.shape = [channels, height, width];
}
