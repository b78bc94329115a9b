//! Boxes and regions.

use tilewright_ops::{Nms, RoiAlign, RoiPool};
use tilewright_runtime::Context;
use tilewright_tensor::{Result, Tensor, composite::BatchedNms};

use crate::work::{Quantity, Rows, Work};

/// Numbers in no order, from 0 to 1.
fn mixed(count: usize, seed: u32) -> impl Iterator<Item = f32> {
    (0..count as u32).map(move |i| ((i ^ seed).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32)
}

/// Suppression of a region proposal's and of a one-stage detector's boxes, in boxes; the means and maxima of the regions of a
/// second stage, each with its gradient, in elements of the result.
///
/// # Errors
/// Those of making the operands.
pub fn detection(context: &Context) -> Result<Vec<Work>> {
    let mut rows = Rows::new();
    for (images, count, classes) in [(2, 1000, 1), (8, 1000, 80), (1, 10_000, 1)] {
        let side = (count as f32).sqrt() * 12.0;
        let (places, sides) = (mixed(images * count * 2, 1), mixed(images * count * 2, 7));
        let (places, sides): (Vec<f32>, Vec<f32>) = (places.collect(), sides.collect());
        let corners: Vec<f32> = (0..images * count)
            .flat_map(|at| {
                let [x, y] = [places[2 * at] * side, places[2 * at + 1] * side];
                [x, y, x + 8.0 + 40.0 * sides[2 * at], y + 8.0 + 40.0 * sides[2 * at + 1]]
            })
            .collect();
        let boxes = Tensor::from_slice(context, &corners, &[images, count, 4])?;
        let scores: Vec<f32> = mixed(images * count, 3).collect();
        let scores = Tensor::from_slice(context, &scores, &[images, count])?;
        let numbers: Vec<i32> = (0..(images * count) as i32).map(|at| at % classes).collect();
        let numbers = Tensor::from_slice(context, &numbers, &[images, count])?;
        rows.of(&boxes);
        let quantity = Quantity::Elements((images * count) as u64);
        let (a, b) = (boxes.clone(), numbers.clone());
        rows.push(&format!("suppression, {classes} classes"), quantity, move || {
            a.nms_keep(&b, Nms { iou_threshold: 0.5 })
        });
        let op = BatchedNms { iou_threshold: 0.5, score_threshold: Some(0.05), max: 300 };
        rows.push(&format!("sorted, suppressed and compacted, {classes} classes"), quantity, move || {
            boxes.batched_nms(&scores, &numbers, &op)
        });
    }
    let x_shape = [2, 256, 50, 68];
    let numbers: Vec<f32> = mixed(x_shape.iter().product(), 5).collect();
    let x = Tensor::from_slice(context, &numbers, &x_shape)?;
    for (count, bins) in [(512, 7), (64, 14)] {
        let corners: Vec<f32> = mixed(count * 4, 9).collect();
        let regions: Vec<f32> = (0..count)
            .flat_map(|at| {
                let [x, y] = [corners[4 * at] * 800.0, corners[4 * at + 1] * 600.0];
                let [width, height] = [corners[4 * at + 2] * 280.0, corners[4 * at + 3] * 200.0];
                [(at % 2) as f32, x, y, x + width, y + height]
            })
            .collect();
        let rois = Tensor::from_slice(context, &regions, &[count, 5])?;
        rows.of(&x);
        let output = [bins; 2];
        let align = RoiAlign { output, spatial_scale: 1.0 / 16.0, sampling_ratio: 2, aligned: false };
        let quantity = Quantity::Elements((count * x_shape[1] * bins * bins) as u64);
        let (a, by) = (x.clone(), rois.clone());
        let grad_y = x.roi_align(&rois, &align)?;
        rows.push(&format!("RoIAlign, {count} regions to {bins}×{bins}"), quantity, move || {
            a.roi_align(&by, &align)
        });
        let by = rois.clone();
        rows.push(&format!("RoIAlign backward, {count} regions to {bins}×{bins}"), quantity, move || {
            Tensor::roi_align_backward(&align, &x_shape, &by, &grad_y)
        });
        let pool = RoiPool { output, spatial_scale: 1.0 / 16.0 };
        let (a, by) = (x.clone(), rois.clone());
        let (grad_y, indices) = x.roi_pool(&rois, &pool)?;
        rows.push(&format!("RoIPool, {count} regions to {bins}×{bins}"), quantity, move || {
            a.roi_pool(&by, &pool)
        });
        rows.push(&format!("RoIPool backward, {count} regions to {bins}×{bins}"), quantity, move || {
            Tensor::roi_pool_backward(&pool, &x_shape, [&rois, &indices], &grad_y)
        });
    }
    Ok(rows.done())
}
