//! What `tilewright kernels bench memory` times.

use tilewright_kernels::elementwise;
use tilewright_ops::{
    AdamW, AdaptiveAvgPool2d, BatchNorm, BinaryOp, DType, Dropout, Pool2d, Sgd, SliceRange, UnaryOp,
};
use tilewright_runtime::Context;
use tilewright_tensor::{
    BatchNormCall, Layout, Tensor,
    ops::optimizer::{adamw_step, sgd_step},
};

use crate::Result;

/// Something to time.
pub struct Work {
    pub name: &'static str,
    /// Bytes that cannot be spared.
    pub bytes: f64,
    pub run: Box<dyn Fn() -> Result<()>>,
}

/// N C H W whose f32 take about `mib` MiB, with the channels and pixels of a ResNet's first stage.
fn shape(mib: usize) -> [usize; 4] {
    let image = 64 * 56 * 56 * 4;
    [((mib << 20) / image).max(1), 64, 56, 56]
}

fn images(context: &Context, mib: usize) -> Result<Tensor> {
    Ok(Tensor::uniform(context, &shape(mib), 1, 0)?.to_layout(Layout::ChannelsLast)?)
}

/// The device's own copy of a buffer, and a kernel that copies: the roofs of everything else.
pub fn copies(context: &Context, mib: usize) -> Result<Vec<Work>> {
    let size = (mib as u64) << 20;
    let (from, to) = (context.alloc(size)?, context.alloc(size)?);
    let own = context.clone();
    let copy = move || {
        let mut encoder = own.device().create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(from.raw(), 0, to.raw(), 0, Some(size));
        own.queue().submit([encoder.finish()]);
        Ok(())
    };
    let mut works = vec![Work { name: "copy_buffer", bytes: 2.0 * size as f64, run: Box::new(copy) }];
    let most = context.limits().max_storage_buffer_binding_size;
    if size <= most {
        let (own, from, to) = (context.clone(), context.alloc(size)?, context.alloc(size)?);
        let count = (size / 4) as usize;
        // Words to words: no conversion is left of the cast.
        let copy = move || {
            Ok(elementwise::cast(&own, &from, DType::U32, &to, DType::U32, count).transpose().map(drop)?)
        };
        works.push(Work { name: "copy kernel", bytes: 2.0 * size as f64, run: Box::new(copy) });
    }
    Ok(works)
}

/// Every kernel that moves more than it computes.
pub fn works(context: &Context, mib: usize) -> Result<Vec<Work>> {
    let mut works = Vec::new();
    elementwise_works(context, mib, &mut works)?;
    channel_works(context, mib, &mut works)?;
    pooling_works(context, mib, &mut works)?;
    movement_works(context, mib, &mut works)?;
    line_works(context, mib, &mut works)?;
    optimizer_works(context, mib, &mut works)?;
    Ok(works)
}

/// Adds rows to a list: a name, how often `bytes` are moved, and what runs.
struct Rows<'a> {
    works: &'a mut Vec<Work>,
    bytes: f64,
}

impl Rows<'_> {
    fn add<T>(
        &mut self,
        name: &'static str,
        streams: f64,
        run: impl Fn() -> tilewright_tensor::Result<T> + 'static,
    ) {
        let run = Box::new(move || run().map(drop).map_err(Into::into));
        self.works.push(Work { name, bytes: streams * self.bytes, run });
    }
}

fn bytes(x: &Tensor) -> f64 {
    x.count() as f64 * 4.0
}

fn elementwise_works(context: &Context, mib: usize, works: &mut Vec<Work>) -> Result<()> {
    let (x, y) = (images(context, mib)?, images(context, mib)?);
    let bias = Tensor::uniform(context, &[1, 64, 1, 1], 2, 0)?;
    let mut rows = Rows { works, bytes: bytes(&x) };
    for (name, back, op) in [
        ("relu", "relu backward", UnaryOp::Relu),
        ("gelu", "gelu backward", UnaryOp::Gelu),
        ("silu", "silu backward", UnaryOp::Silu),
    ] {
        let (a, b, g) = (x.clone(), x.clone(), y.clone());
        rows.add(name, 2.0, move || a.unary(op));
        rows.add(back, 3.0, move || b.unary_backward(op, &g));
    }
    let (a, b) = (x.clone(), y.clone());
    rows.add("add", 3.0, move || a.add(&b));
    let (a, b) = (x.clone(), y.clone());
    rows.add("add + relu", 3.0, move || a.add_relu(&b));
    let a = x.clone();
    rows.add("add a bias (broadcast)", 2.0, move || a.add(&bias));
    let (a, b) = (x.clone(), y.clone());
    rows.add("mul backward", 5.0, move || a.binary_backward(BinaryOp::Mul, &b, &a, [true, true]));
    let (own, shape) = (context.clone(), x.shape().to_vec());
    rows.add("fill", 1.0, move || Tensor::full(&own, 0.5, &shape));
    let (a, b) = (x.clone(), x.clone());
    rows.add("cast to i32", 2.0, move || a.cast(DType::I32));
    rows.add("cast to f16", 1.5, move || b.cast(DType::F16));
    let h = x.cast(DType::F16)?;
    rows.add("cast from f16", 1.5, move || h.cast(DType::F32));
    let (a, b) = (x.clone(), x.to_layout(Layout::RowMajor)?);
    rows.add("dropout, channels-last", 2.0, move || a.dropout(&Dropout { p: 0.5 }, 1, 2));
    rows.add("dropout, row-major", 2.0, move || b.dropout(&Dropout { p: 0.5 }, 1, 2));
    Ok(())
}

/// Batch normalisation: its statistics need x whole before x is normalised, so that x is read twice.
fn channel_works(context: &Context, mib: usize, works: &mut Vec<Work>) -> Result<()> {
    let (x, g) = (images(context, mib)?, images(context, mib)?);
    let vector = |value| Tensor::full(context, value, &[64]);
    let (weight, bias, mean, var) = (vector(0.7)?, vector(0.1)?, vector(0.5)?, vector(1.0)?);
    let call = BatchNormCall { op: BatchNorm::default(), activation: Some(UnaryOp::Relu) };
    let mut rows = Rows { works, bytes: bytes(&x) };
    let (a, w, b, m, v) = (x.clone(), weight.clone(), bias.clone(), mean.clone(), var.clone());
    rows.add("batch norm + relu, training", 3.0, move || a.batch_norm_train(&w, &b, &m, &v, call));
    let (a, w, b, m, v) = (x.clone(), weight.clone(), bias.clone(), mean.clone(), var.clone());
    rows.add("batch norm + relu, evaluation", 2.0, move || a.batch_norm_eval(&w, &b, &m, &v, call));
    rows.add("batch norm + relu, backward", 5.0, move || {
        x.batch_norm_train_backward(&weight, &mean, &var, Some((UnaryOp::Relu, &bias)), &g)
    });
    Ok(())
}

fn pooling_works(context: &Context, mib: usize, works: &mut Vec<Work>) -> Result<()> {
    let x = images(context, mib)?;
    let shape = x.shape().to_vec();
    let mut rows = Rows { works, bytes: bytes(&x) };
    let stem = Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) };
    for (name, back, pool) in [
        ("max pool 2×2", "max pool 2×2 backward", Pool2d::new([2, 2])),
        ("max pool 3×3 / 2", "max pool 3×3 / 2 backward", stem),
    ] {
        let (a, s) = (x.clone(), shape.clone());
        rows.add(name, 1.5, move || a.max_pool2d(&pool));
        let (y, indices) = x.max_pool2d(&pool)?;
        rows.add(back, 1.5, move || Tensor::max_pool2d_backward(&pool, &s, &indices, &y));
    }
    for (name, back, pool) in [
        ("average pool 2×2", "average pool 2×2 backward", Pool2d::new([2, 2])),
        ("average pool 3×3 / 2", "average pool 3×3 / 2 backward", stem),
    ] {
        let (a, s) = (x.clone(), shape.clone());
        rows.add(name, 1.25, move || a.avg_pool2d(&pool));
        let y = x.avg_pool2d(&pool)?;
        rows.add(back, 1.25, move || Tensor::avg_pool2d_backward(&pool, &s, &y));
    }
    let (a, s) = (x.clone(), shape.clone());
    rows.add("global average pool", 1.0, move || a.global_avg_pool2d());
    let y = x.global_avg_pool2d()?;
    rows.add("global average pool backward", 1.0, move || Tensor::global_avg_pool2d_backward(&s, &y));
    let pool = AdaptiveAvgPool2d { output: [7, 7] };
    let (a, s) = (x.clone(), shape);
    rows.add("adaptive average pool to 7×7", 1.0, move || a.adaptive_avg_pool2d(pool));
    let y = x.adaptive_avg_pool2d(pool)?;
    rows.add("adaptive average pool backward", 1.0, move || {
        Tensor::adaptive_avg_pool2d_backward(pool, &s, &y)
    });
    Ok(())
}

fn movement_works(context: &Context, mib: usize, works: &mut Vec<Work>) -> Result<()> {
    let x = images(context, mib)?;
    let rows_first = x.to_layout(Layout::RowMajor)?;
    let [batch, channels, height, width] = shape(mib);
    let all = |shape: &[usize]| shape.iter().map(|&extent| SliceRange::full(extent)).collect::<Vec<_>>();
    let mut rows = Rows { works, bytes: bytes(&x) };
    let a = rows_first.clone();
    rows.add("NCHW to NHWC", 2.0, move || a.to_layout(Layout::ChannelsLast));
    let a = x.clone();
    rows.add("NHWC to NCHW", 2.0, move || a.to_layout(Layout::RowMajor));
    let a = rows_first.reshape(&[(batch * channels * height) as isize, width as isize])?;
    rows.add("transpose of a tall matrix", 2.0, move || a.permute(&[1, 0]));
    let a = rows_first.clone();
    rows.add("permute 0 2 1 3", 2.0, move || a.permute(&[0, 2, 1, 3]));
    let a = x.clone();
    rows.add("copy", 2.0, move || a.copy());
    let (a, mut ranges) = (x.clone(), all(x.shape()));
    ranges[2] = SliceRange::new(0, height / 2);
    rows.add("slice the upper half", 1.0, move || a.slice(&ranges));
    let (a, mut ranges) = (x.clone(), all(x.shape()));
    ranges[1] = SliceRange::new(16, 48);
    rows.add("slice channels", 1.0, move || a.slice(&ranges));
    let (a, mut ranges) = (x.clone(), all(x.shape()));
    for range in &mut ranges[2..] {
        range.step = 2;
    }
    rows.add("slice every second pixel", 0.5, move || a.slice(&ranges));
    let half = {
        let mut ranges = all(x.shape());
        ranges[1] = SliceRange::new(0, channels / 2);
        x.slice(&ranges)?
    };
    let a = half.clone();
    rows.add("concat channels", 2.0, move || Tensor::concat(&[&a, &a], 1));
    let a = half.clone();
    rows.add("concat images", 2.0, move || Tensor::concat(&[&a, &a], 0));
    rows.add("pad pixels by 1", 2.0, move || half.pad(&[(0, 0), (0, 0), (1, 1), (1, 1)], 0.0));
    let row = Tensor::uniform(context, &[1, channels, 1, 1], 3, 0)?.to_layout(Layout::ChannelsLast)?;
    let shape = shape(mib);
    rows.add("expand a channel vector", 1.0, move || row.expand(&shape));
    Ok(())
}

/// Reductions and softmax.
fn line_works(context: &Context, mib: usize, works: &mut Vec<Work>) -> Result<()> {
    let x = images(context, mib)?;
    let logits = Tensor::uniform(context, &[((mib << 20) / 4000).max(1), 1000], 4, 0)?;
    let mut rows = Rows { works, bytes: bytes(&x) };
    let (a, b, c) = (x.clone(), x.clone(), x.clone());
    rows.add("sum of all", 1.0, move || a.sum(&[0, 1, 2, 3], false));
    rows.add("sum over N H W", 1.0, move || b.sum(&[0, 2, 3], false));
    rows.add("mean over H W", 1.0, move || c.mean(&[2, 3], false));
    rows.add("maximum over C", 1.0, move || x.max(&[1], false));
    rows.bytes = bytes(&logits);
    let a = logits.clone();
    rows.add("sum of rows of 1000", 1.0, move || a.sum(&[1], false));
    let a = logits.clone();
    rows.add("argmax of rows of 1000", 1.0, move || a.argmax(&[1], false));
    let (a, b) = (logits.clone(), logits.clone());
    rows.add("softmax of rows of 1000", 2.0, move || a.softmax(1));
    rows.add("log softmax of rows of 1000", 2.0, move || b.log_softmax(1));
    let y = logits.softmax(1)?;
    rows.add("softmax backward, rows of 1000", 3.0, move || y.softmax_backward(1, &logits));
    Ok(())
}

fn optimizer_works(context: &Context, mib: usize, works: &mut Vec<Work>) -> Result<()> {
    let tensor = |value| Tensor::full(context, value, &[mib << 18]);
    let (p, g, b) = (tensor(0.5)?, tensor(0.1)?, tensor(0.0)?);
    let mut rows = Rows { works, bytes: bytes(&p) };
    let sgd = Sgd { lr: 1e-6, momentum: 0.9, weight_decay: 5e-4, ..Sgd::default() };
    let (p0, g0, b0) = (p.clone(), g.clone(), b.clone());
    rows.add("SGD with momentum", 5.0, move || sgd_step(&p0, &g0, Some(&b0), false, &sgd));
    let second = tensor(0.0)?;
    rows.add("AdamW", 7.0, move || adamw_step(&p, &g, &b, &second, 1, &AdamW::default()));
    Ok(())
}
