//! Cooperative matrices: whether a device has them, and whether they are worth using.
//!
//! A feature bit says that a driver accepts them, not that their products are right or quick. So before
//! [`crate::select`] picks them they are tried once: a product of known result against the plain kernel's, timed beside
//! it. The outcome is noted for the adapter, the driver and the text of the kernels, beside the pipeline cache.

mod matrices;

use std::{
    collections::BTreeMap,
    fs,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use serde::{Deserialize, Serialize};
use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Error, Mode, Result, write_whole};

pub use matrices::{Emulation, Matrices};

use crate::{
    elementwise::cast,
    matmul::{MatmulAlgorithm, Operands, Problem, matmul_as},
    select::Cooperative,
    tune::source_hash,
};

/// The outcome of trying cooperative matrices beside plain kernels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Trial {
    /// Right, with the milliseconds of the plain kernel and of the one with cooperative matrices.
    Right {
        /// Of the plain kernel.
        plain_ms: f64,
        /// Of the one with cooperative matrices.
        cooperative_ms: f64,
    },
    /// Not to be used, and why.
    Wrong(String),
}

impl Trial {
    /// Whether they are right and quicker, by more than times differ from run to run.
    pub fn pays(&self) -> bool {
        matches!(self, Self::Right { plain_ms, cooperative_ms } if *cooperative_ms < 0.9 * plain_ms)
    }
}

/// The uses of cooperative matrices, which are tried one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    F16,
    /// f32 by matrices of f32, which are of 8 × 8.
    F32,
    /// f32 by matrices of f16, which are of 16 × 16.
    SplitF16,
}

impl Use {
    /// The algorithm tried, and the plain one beside it.
    fn algorithms(self) -> [MatmulAlgorithm; 2] {
        match self {
            Self::F16 | Self::F32 => [MatmulAlgorithm::Cooperative, MatmulAlgorithm::Vec4],
            Self::SplitF16 => [MatmulAlgorithm::SplitF16, MatmulAlgorithm::Vec4],
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::SplitF16 => "split_f16",
        }
    }
}

/// The trials of a context; `None` before the file was looked at.
#[derive(Default)]
struct Trials(Mutex<Option<BTreeMap<String, Trial>>>);

/// What the cache folder keeps for an adapter and driver: `cooperative_ADAPTER_DRIVER.json`.
#[derive(Serialize, Deserialize)]
struct File {
    /// Another text of the kernels is another question.
    source: String,
    trials: BTreeMap<String, Trial>,
}

impl Trials {
    /// Runs `visit` on what is known, which is read from the file at the first call.
    fn with<T>(&self, context: &Context, visit: impl FnOnce(&mut BTreeMap<String, Trial>) -> T) -> T {
        // A panic while the lock is held leaves plain data behind.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        visit(known.get_or_insert_with(|| {
            let bytes = context.cache_file(NAME).and_then(|file| fs::read(file).ok()).unwrap_or_default();
            let file = serde_json::from_slice::<File>(&bytes).ok();
            file.filter(|file| file.source == source_hash()).map(|file| file.trials).unwrap_or_default()
        }))
    }
}

const NAME: &str = "cooperative";

fn write(context: &Context, trials: BTreeMap<String, Trial>) -> Result<()> {
    let Some(path) = context.cache_file(NAME) else { return Ok(()) };
    let fault = |reason: String| Error::File { path: path.display().to_string(), reason };
    let file = File { source: source_hash().to_owned(), trials };
    let text = serde_json::to_vec_pretty(&file).map_err(|error| fault(error.to_string()))?;
    write_whole(&path, &text).map_err(|error| fault(error.to_string()))
}

/// What is known of the context's device.
pub(crate) fn of(context: &Context) -> Cooperative {
    let info = context.adapter_info();
    let subgroups = [info.subgroup_min_size, info.subgroup_max_size];
    let Some(edge) = usable(context.cooperative_matrices(), subgroups, info.backend) else {
        return Cooperative::Absent;
    };
    let pays = |which| known(context, which).is_some_and(|trial| trial.pays());
    Cooperative::Present {
        edge,
        f16_pays: pays(Use::F16),
        f32_pays: pays(Use::F32),
        split_f16_pays: pays(Use::SplitF16),
    }
}

/// The rows and columns of the matrices, all with f32 sums, that the kernels use out of those which an adapter reports:
/// 16 for f16, else 8 for f16 and f32.
fn usable(
    found: &[wgpu::CooperativeMatrixProperties],
    subgroups: [u32; 2],
    backend: wgpu::Backend,
) -> Option<u32> {
    use wgpu::CooperativeScalarType::{F16, F32};
    let has = |edge, operand| {
        found.iter().any(|found| {
            [found.m_size, found.n_size, found.k_size] == [edge; 3]
                && (found.ab_type, found.cr_type) == (operand, F32)
        })
    };
    // wgpu says 4 to 64 of every Metal device. Those with matrix units have 32 threads to a simdgroup; what has not
    // computes something wrong in the trial.
    let threads = subgroups == [32; 2] || backend == wgpu::Backend::Metal;
    // The text for 16 × 16 loads from vec4s, which Metal cannot, and the one for 8 × 8 is as Metal wants it.
    match backend {
        _ if !threads => None,
        wgpu::Backend::Metal => (has(8, F16) && has(8, F32)).then_some(8),
        _ => has(16, F16).then_some(16),
    }
}

fn known(context: &Context, which: Use) -> Option<Trial> {
    context.attached::<Trials>().with(context, |known| known.get(which.name()).cloned())
}

/// What the trials said: of f16 products, of f32 ones by matrices of f32, and of f32 ones by split halves. `None` where
/// they have not been run, or will not be.
pub fn trials(context: &Context) -> [Option<Trial>; 3] {
    [Use::F16, Use::F32, Use::SplitF16].map(|which| known(context, which))
}

/// Extents from which on a product is large enough for split halves; the trial is of this size.
pub(crate) const LARGE: usize = 1024;

/// Extents from which on a product fills a tile of matrices.
pub(crate) const SMALL: usize = 64;

/// Tries cooperative matrices, unless that is done or `problem` would not use them.
pub(crate) fn try_out(context: &Context, problem: &Problem) {
    let least = problem.m.min(problem.n).min(problem.k);
    match (problem.dtype, of(context)) {
        (DType::F16, _) => try_use(context, Use::F16),
        (_, Cooperative::Present { edge: 8, .. }) if least >= SMALL => try_use(context, Use::F32),
        (_, Cooperative::Present { edge: 16, .. }) if least >= LARGE => try_use(context, Use::SplitF16),
        _ => {}
    }
}

/// Tries cooperative matrices for convolutions of `dtype`, unless that is done or there are none.
pub(crate) fn try_convolution(context: &Context, dtype: DType) {
    match (dtype, of(context)) {
        (DType::F16, _) => try_use(context, Use::F16),
        (_, Cooperative::Present { edge: 8, .. }) => try_use(context, Use::F32),
        _ => {}
    }
}

/// What goes wrong is no fault of the operation that is about to run: it is the trial's outcome.
fn try_use(context: &Context, which: Use) {
    // Times in checked mode say nothing about the fast one.
    if of(context) == Cooperative::Absent
        || context.mode() == Mode::Checked
        || known(context, which).is_some()
    {
        return;
    }
    // Commands of a recording would run with every replay.
    let trial = run(&context.eager(), which).unwrap_or_else(|error| Trial::Wrong(error.to_string()));
    tracing::info!(?which, ?trial, "tried cooperative matrices");
    let all = context.attached::<Trials>().with(context, |known| {
        known.insert(which.name().to_owned(), trial);
        known.clone()
    });
    if let Err(error) = write(context, all) {
        tracing::warn!(%error, "the outcome of a trial holds for this run only");
    }
}

fn run(context: &Context, which: Use) -> Result<Trial> {
    let dtype = if which == Use::F16 { DType::F16 } else { DType::F32 };
    let problem = Problem { batches: 1, m: LARGE, n: LARGE, k: LARGE, dtype, ..Problem::default() };
    let (left, right) = (operand(context, dtype, 1)?, operand(context, dtype, 2)?);
    let [tried, plain] = which.algorithms();
    let (plain_ms, expected) = time(context, plain, &problem, &left, &right)?;
    let (cooperative_ms, actual) = match time(context, tried, &problem, &left, &right) {
        Ok(found) => found,
        Err(error) => return Ok(Trial::Wrong(error.to_string())),
    };
    let allowed = match which {
        // Multiples of 1/8 below 1: every product and every sum is exact in f32, whatever its order.
        Use::F16 => 0.0,
        // Half a unit in the last place of the sum of absolute products, or so. Without the low halves, or with factors
        // rounded to fewer bits, the largest difference is tens of times as large.
        Use::F32 | Use::SplitF16 => 3e-7 * LARGE as f32,
    };
    let differs =
        |(a, b): &(&f32, &f32)| (**a - **b).abs().partial_cmp(&allowed).is_none_or(|order| order.is_gt());
    let wrong = expected.iter().zip(&actual).filter(differs).count();
    Ok(if wrong > 0 {
        Trial::Wrong(format!("{wrong} of {} elements differ from the plain kernel's", expected.len()))
    } else {
        Trial::Right { plain_ms, cooperative_ms }
    })
}

/// A matrix of numbers in −7/8 … 7/8: multiples of 1/8 for f16, with all of a mantissa for f32.
fn operand(context: &Context, dtype: DType, seed: u32) -> Result<Buffer> {
    let count = LARGE * LARGE;
    let value = |i: u32| {
        let bits = i.wrapping_add(seed << 24).wrapping_mul(2_654_435_761);
        let mixed = (bits ^ (bits >> 15)).wrapping_mul(2_246_822_519) >> 8;
        match dtype {
            DType::F16 => (mixed % 15) as f32 / 8.0 - 0.875,
            _ => mixed as f32 * (1.75 / (1 << 24) as f32) - 0.875,
        }
    };
    let values: Vec<f32> = (0..count as u32).map(value).collect();
    let buffer = context.upload(bytemuck::cast_slice(&values))?;
    converted(context, buffer, DType::F32, dtype, count)
}

fn converted(context: &Context, x: Buffer, from: DType, to: DType, count: usize) -> Result<Buffer> {
    if from == to {
        return Ok(x);
    }
    let y = context.alloc((count * to.size()) as u64)?;
    cast(context, &x, from, &y, to, count).transpose()?;
    Ok(y)
}

/// The shortest of a few runs in milliseconds, and the result as f32.
fn time(
    context: &Context,
    algorithm: MatmulAlgorithm,
    problem: &Problem,
    left: &Buffer,
    right: &Buffer,
) -> Result<(f64, Vec<f32>)> {
    let count = problem.m * problem.n;
    let y = context.alloc((count * problem.dtype.size()) as u64)?;
    let operands = Operands { left, right, bias: None, residual: None, y: &y };
    let mut best = f64::INFINITY;
    // The first run compiles, the second warms up.
    for round in 0..7 {
        context.synchronize()?;
        let begun = Instant::now();
        for _ in 0..4 {
            matmul_as(context, algorithm, problem, &operands, None)?;
        }
        context.synchronize()?;
        if round >= 2 {
            best = best.min(begun.elapsed().as_secs_f64() * 1e3 / 4.0);
        }
    }
    let wide = converted(context, y, problem.dtype, DType::F32, count)?;
    Ok((best, bytemuck::pod_collect_to_vec(&context.read(&wide)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrices_that_a_backend_can_use() {
        use wgpu::{
            Backend::{Metal, Vulkan},
            CooperativeScalarType::{F16, F32},
        };
        let matrix = |edge, ab_type, cr_type| wgpu::CooperativeMatrixProperties {
            m_size: edge,
            n_size: edge,
            k_size: edge,
            ab_type,
            cr_type,
            saturating_accumulation: false,
        };
        // What wgpu reports of Apple's GPUs, and of NVIDIA's.
        let apple = [matrix(8, F32, F32), matrix(8, F16, F16), matrix(8, F16, F32)];
        let nvidia = [matrix(16, F16, F16), matrix(16, F16, F32)];
        assert_eq!(usable(&apple, [4, 64], Metal), Some(8));
        assert_eq!(usable(&nvidia, [32, 32], Vulkan), Some(16));
        assert_eq!(usable(&apple[1..], [4, 64], Metal), None);
        assert_eq!(usable(&nvidia[..1], [32, 32], Vulkan), None);
        assert_eq!(usable(&nvidia, [32, 64], Vulkan), None);
        assert_eq!(usable(&apple, [32, 32], Vulkan), None);
        assert_eq!(usable(&nvidia, [4, 64], Metal), None);
        assert_eq!(usable(&[], [32, 32], Vulkan), None);
    }

    #[test]
    fn a_trial_is_read_as_it_was_written() {
        let right = Trial::Right { plain_ms: 2.0, cooperative_ms: 0.5 };
        let wrong = Trial::Wrong("12 of\n1048576 elements".to_owned());
        for trial in [&right, &wrong] {
            let text = serde_json::to_string(trial).expect("is written");
            assert_eq!(serde_json::from_str::<Trial>(&text).expect("is read"), *trial);
        }
        assert!(right.pays() && !wrong.pays());
        assert!(!Trial::Right { plain_ms: 2.0, cooperative_ms: 1.9 }.pays());
    }
}
