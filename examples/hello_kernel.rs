//! One WGSL file and raw buffers: the shortest way from a kernel to its result.
//!
//! `cargo run --release --example hello_kernel`

use tilewright::{Context, runtime::Dispatch};

/// The kernel's `Params`, member for member.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    count: u32,
    a: f32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let context = Context::new()?;
    println!("running on {}", context.adapter_info().name);
    let pipeline = context.pipeline_from_wgsl("hello_kernel", include_str!("hello_kernel.wgsl"))?;

    let count = 1_000_000u32;
    let x: Vec<f32> = (0..count).map(|i| i as f32).collect();
    let x = context.upload(bytemuck::cast_slice(&x))?;
    let y = context.upload(bytemuck::cast_slice(&vec![1.0f32; count as usize]))?;

    let params = Params { count, a: 0.5 };
    context.dispatch_pipeline(
        &pipeline,
        &Dispatch {
            op: "axpy",
            params: bytemuck::bytes_of(&params),
            buffers: &[&x, &y],
            groups: u64::from(count.div_ceil(64)),
        },
    )?;

    let result: Vec<f32> = bytemuck::pod_collect_to_vec(&context.read(&y)?);
    for (i, value) in result.iter().enumerate() {
        let expected = 0.5 * i as f32 + 1.0;
        if *value != expected {
            return Err(format!("element {i} is {value}, not {expected}").into());
        }
    }
    println!("{count} elements are right; the last is {}", result[count as usize - 1]);
    Ok(())
}
