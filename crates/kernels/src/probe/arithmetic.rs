//! `probe_fma`, `probe_fma_f16`, `probe_dot4` and `probe_cooperative_matrix`: peak rates of arithmetic.

use tilewright_runtime::{Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    roofline::{Arithmetic, Peak},
    timing::time,
};
use crate::base::{
    device::{Cooperative, Device, DeviceClass},
    numbers::WORKGROUP,
    params::{ParamsLayout, params},
};

params! { FmaParams for "probe_fma", "probe_fma_f16" { rounds: u32, m: f32, b: f32 } }
params! { Dot4Params for "probe_dot4" { rounds: u32, m: u32 } }

params! { MatrixParams for "probe_cooperative_matrix" { rounds: u32, m: f32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[FmaParams::LAYOUT, Dot4Params::LAYOUT, MatrixParams::LAYOUT];

/// `STEPS` of the kernels.
const STEPS: u64 = 16;
/// Rounds of one dispatch: long against what starting a thread costs, far below what a driver's loops allow.
const ROUNDS: u32 = 1024;

/// One variant of a kernel.
struct Variant {
    kernel: Specialisation,
    /// In words.
    how: String,
    /// Operations of one thread in one step.
    operations: u64,
    params: Vec<u8>,
}

/// Both forms of a multiply-add, with as many chains as some device likes best: software Vulkan has 16 or 32 vector
/// registers, a GPU's threads share their latency.
fn fma(stem: &'static str, chains: &[u32]) -> Vec<Variant> {
    let params = bytemuck::bytes_of(&FmaParams { rounds: ROUNDS, m: 0.999, b: 0.001 }).to_vec();
    let variant = |fused: bool, chains: u32| Variant {
        kernel: Specialisation::new(stem)
            .with_u32("WORKGROUP", WORKGROUP)
            .with_u32("CHAINS", chains)
            .with_bool("FUSED", fused),
        how: format!("{}, {chains} chains", if fused { "fma" } else { "multiply, add" }),
        operations: 8 * u64::from(chains),
        params: params.clone(),
    };
    [false, true]
        .into_iter()
        .flat_map(|fused| chains.iter().map(move |&chains| (fused, chains)))
        .map(|(fused, chains)| variant(fused, chains))
        .collect()
}

fn dot4() -> Vec<Variant> {
    let params = bytemuck::bytes_of(&Dot4Params { rounds: ROUNDS, m: 0x01ff_0201 }).to_vec();
    let variant = |chains: u32| Variant {
        kernel: Specialisation::new("probe_dot4").with_u32("WORKGROUP", WORKGROUP).with_u32("CHAINS", chains),
        how: format!("{chains} chains"),
        operations: 8 * u64::from(chains),
        params: params.clone(),
    };
    [8, 16].map(variant).into()
}

/// The quickest of `variants`.
fn peak(context: &Context, variants: Vec<Variant>) -> Result<Peak> {
    let groups: u64 = match Device::of(context).class {
        DeviceClass::SoftwareVulkan => 64,
        DeviceClass::Gpu => 8192,
    };
    let threads = groups * u64::from(WORKGROUP);
    let y = context.alloc(threads * 4)?;
    let mut best: Option<(f64, String)> = None;
    for Variant { kernel, how, operations, params } in variants {
        let dispatch = Dispatch { op: "probe", params: &params, buffers: &[&y], groups };
        let taken = time(context, 0.01, 15, || context.dispatch(&kernel, &dispatch))?;
        let gops = (threads * STEPS * u64::from(ROUNDS) * operations) as f64 / taken.best / 1e9;
        tracing::debug!(%kernel, gops, "probed");
        if best.as_ref().is_none_or(|(most, _)| gops > *most) {
            best = Some((gops, how));
        }
    }
    Ok(match best {
        Some((gops, how)) => Peak::Measured { gops, how },
        None => Peak::Absent { reason: "no variant of the kernel runs here".to_owned() },
    })
}

/// Threads in a workgroup of `probe_cooperative_matrix`, and in each of its subgroups.
const MATRIX_THREADS: [u64; 2] = [128, 32];

/// The rate of cooperative matrices, whose sums are looked at first: the feature is an experimental one.
fn matrices(context: &Context, edge: u32) -> Result<Peak> {
    let groups = 4096;
    let y = context.alloc(groups * MATRIX_THREADS[0] * 4)?;
    let mut best: Option<(f64, u32)> = None;
    for chains in [2, 4, 8] {
        let mut kernel = Specialisation::new("probe_cooperative_matrix").with_u32("CHAINS", chains);
        if edge == 8 {
            kernel = kernel
                .with_u32("EDGE", edge)
                .with_type("MatrixA", "coop_mat8x8<f16, A>")
                .with_type("MatrixB", "coop_mat8x8<f16, B>")
                .with_type("MatrixC", "coop_mat8x8<f32, C>");
        }
        let dispatch = |params: &MatrixParams, groups: u64| {
            let dispatch =
                Dispatch { op: "probe", params: bytemuck::bytes_of(params), buffers: &[&y], groups };
            context.dispatch(&kernel, &dispatch)
        };
        // Small enough to be exact in f32.
        dispatch(&MatrixParams { rounds: 4, m: 0.5 }, 1)?;
        let values: Vec<f32> = bytemuck::pod_collect_to_vec(&context.read(&y)?);
        let expected = (u64::from(edge) * STEPS * 4) as f32 * 0.5 * chains as f32;
        if let Some(wrong) = values[..MATRIX_THREADS[0] as usize].iter().find(|&&value| value != expected) {
            let reason = format!("the driver computes {wrong} where {expected} is right");
            return Ok(Peak::Absent { reason });
        }
        let params = MatrixParams { rounds: ROUNDS, m: 0.5 };
        let taken = time(context, 0.01, 15, || dispatch(&params, groups))?;
        let subgroups = groups * MATRIX_THREADS[0] / MATRIX_THREADS[1];
        let operations =
            subgroups * u64::from(ROUNDS) * STEPS * u64::from(chains) * 2 * u64::from(edge).pow(3);
        let gops = operations as f64 / taken.best / 1e9;
        if best.is_none_or(|(most, _)| gops > most) {
            best = Some((gops, chains));
        }
    }
    Ok(match best {
        Some((gops, chains)) => Peak::Measured { gops, how: format!("{chains} chains") },
        None => Peak::Absent { reason: "no variant of the kernel runs here".to_owned() },
    })
}

pub(super) fn measure(context: &Context, say: &mut impl FnMut(&str)) -> Result<Arithmetic> {
    say("multiply-adds in f32");
    let f32 = peak(context, fma("probe_fma", &[3, 4]))?;
    let f16 = if context.features().contains(wgpu::Features::SHADER_F16) {
        say("multiply-adds in f16");
        peak(context, fma("probe_fma_f16", &[3]))?
    } else {
        Peak::Absent { reason: "the device has no SHADER_F16".to_owned() }
    };
    say("products of int8");
    let dot4_i8 = peak(context, dot4())?;
    let cooperative_matrix = match Device::of(context).cooperative {
        Cooperative::Absent => {
            let reason =
                "the device has no cooperative matrices of 16 × 16 or 8 × 8 f16 with f32 sums and 32 threads";
            Peak::Absent { reason: reason.to_owned() }
        }
        Cooperative::Present { edge, .. } => {
            say("cooperative matrices");
            matrices(context, edge)?
        }
    };
    Ok(Arithmetic { f32, f16, dot4_i8, cooperative_matrix })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a thread of `probe_fma` stores, on the host.
    fn expected(thread: u32, chains: u32, rounds: u32, m: f32, b: f32) -> f32 {
        let run = |start: f32| (0..u64::from(rounds) * STEPS).fold(start, |a, _| a.mul_add(m, b));
        (0..chains)
            .flat_map(|c| [thread as f32, c as f32, thread as f32 + 0.5, c as f32 + 0.5])
            .map(run)
            .sum()
    }

    /// A kernel whose loop the driver dropped, or ended early, would give a wonderful peak.
    #[test]
    fn the_work_is_really_done() {
        let context = Context::new().expect("an adapter; `make setup` installs one");
        let (rounds, m, b) = (3, 0.999_f32, 0.001_f32);
        for fused in [false, true] {
            let y = context.alloc(64 * 4).expect("allocates");
            let kernel = Specialisation::new("probe_fma").with_bool("FUSED", fused);
            let params = FmaParams { rounds, m, b };
            let dispatch =
                Dispatch { op: "probe", params: bytemuck::bytes_of(&params), buffers: &[&y], groups: 1 };
            context.dispatch(&kernel, &dispatch).expect("runs");
            let values: Vec<f32> = bytemuck::pod_collect_to_vec(&context.read(&y).expect("reads"));
            for (thread, &value) in values.iter().enumerate() {
                let expected = expected(thread as u32, 4, rounds, m, b);
                assert!((value - expected).abs() <= 1e-4 * expected.abs(), "{value} is not {expected}");
            }
        }
        let y = context.alloc(64 * 4).expect("allocates");
        let params = Dot4Params { rounds, m: 0x01ff_0201 };
        let dispatch =
            Dispatch { op: "probe", params: bytemuck::bytes_of(&params), buffers: &[&y], groups: 1 };
        context.dispatch(&Specialisation::new("probe_dot4"), &dispatch).expect("runs");
        let values: Vec<i32> = bytemuck::pod_collect_to_vec(&context.read(&y).expect("reads"));
        let dot = |a: i32| {
            let [b0, b1, b2, b3] = a.to_le_bytes().map(|byte| i32::from(byte as i8));
            // The bytes of `m`, lowest first: 1, 2, -1, 1.
            b0 + 2 * b1 - b2 + b3
        };
        for (thread, &value) in values.iter().enumerate() {
            let run = |start: i32| (0..rounds as u64 * STEPS).fold(start, |a, _| dot(a).wrapping_add(a));
            let expected = (0..8).map(|c| run(thread as i32 * 8 + c)).fold(0_i32, i32::wrapping_add);
            assert_eq!(value, expected, "thread {thread}");
        }
    }
}
