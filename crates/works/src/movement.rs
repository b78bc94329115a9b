//! What only moves elements.

use tilewright_ops::{ScatterReduction, SliceRange};
use tilewright_runtime::Context;
use tilewright_tensor::{Layout, Result, Tensor};

use crate::{
    sizes::{Sizes, images, tensor},
    work::{Rows, Work},
};

/// Changes of layout, permutations, slices, joins, borders and repetitions.
///
/// # Errors
/// Those of making the operands.
pub fn movement(context: &Context, sizes: Sizes) -> Result<Vec<Work>> {
    let mut rows = Rows::new();
    for shape in sizes.images(&[[16, 32, 56, 56]]) {
        let x = images(context, &shape)?;
        rows.of(&x);
        turned(&mut rows, &x)?;
        parts(&mut rows, &x)?;
        indexed(&mut rows, &x)?;
        let row = tensor(context, &[1, shape[1], 1, 1])?.to_layout(Layout::ChannelsLast)?;
        rows.add("expand a channel vector", 1.0, move || row.expand(&shape));
    }
    Ok(rows.done())
}

fn turned(rows: &mut Rows, x: &Tensor) -> Result<()> {
    let rows_first = x.to_layout(Layout::RowMajor)?;
    let width = x.shape()[3];
    let a = rows_first.clone();
    rows.add("NCHW to NHWC", 2.0, move || a.to_layout(Layout::ChannelsLast));
    let a = x.clone();
    rows.add("NHWC to NCHW", 2.0, move || a.to_layout(Layout::RowMajor));
    let a = rows_first.reshape(&[(x.count() / width) as isize, width as isize])?;
    rows.add("transpose of a tall matrix", 2.0, move || a.permute(&[1, 0]));
    rows.add("permute 0 2 1 3", 2.0, move || rows_first.permute(&[0, 2, 1, 3]));
    let a = x.clone();
    rows.add("copy", 2.0, move || a.copy());
    Ok(())
}

/// By an index for each element, all of them different.
fn indexed(rows: &mut Rows, x: &Tensor) -> Result<()> {
    let (x, width) = (x.to_layout(Layout::RowMajor)?, x.shape()[3] as i32);
    let backwards: Vec<i32> = (0..width).rev().collect();
    let by = Tensor::from_slice(x.context(), &backwards, &[x.shape()[3]])?.expand(x.shape())?;
    let (a, b) = (x.clone(), by.clone());
    rows.add("gather elements of the width", 3.0, move || a.gather_elements(3, &b));
    rows.add("scatter elements of the width, added", 4.0, move || {
        x.scatter_elements(3, ScatterReduction::Add, &by, &x)
    });
    Ok(())
}

fn parts(rows: &mut Rows, x: &Tensor) -> Result<()> {
    let [_, channels, height, _] = x.shape4("movement", "x")?;
    let all: Vec<_> = x.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
    let with = |axis: usize, range| {
        let mut ranges = all.clone();
        ranges[axis] = range;
        ranges
    };
    let (a, ranges) = (x.clone(), with(2, SliceRange::new(0, height / 2)));
    rows.add("slice the upper half", 1.0, move || a.slice(&ranges));
    let (a, ranges) = (x.clone(), with(1, SliceRange::new(channels / 4, channels * 3 / 4)));
    rows.add("slice channels", 1.0, move || a.slice(&ranges));
    let (a, mut ranges) = (x.clone(), all.clone());
    ranges[2..].iter_mut().for_each(|range| range.step = 2);
    rows.add("slice every second pixel", 0.5, move || a.slice(&ranges));
    let half = x.slice(&with(1, SliceRange::new(0, channels / 2)))?;
    let a = half.clone();
    rows.add("concat channels", 2.0, move || Tensor::concat(&[&a, &a], 1));
    let a = half.clone();
    rows.add("concat images", 2.0, move || Tensor::concat(&[&a, &a], 0));
    rows.add("pad pixels by 1", 1.0, move || half.pad(&[(0, 0), (0, 0), (1, 1), (1, 1)], 0.0));
    Ok(())
}
