//! A convolution by hand: every algorithm that can run a shape, in all three passes, first validated, then timed; and
//! below them two tiled kernels launched without their launchers, once for each of several specialisations (Spec).
//!
//! `cargo run --release --example conv2d_by_hand [-- N C H W O KERNEL STRIDE PADDING]`

use std::{error::Error, time::Instant};

use tilewright::{
    Context, Conv2dCall, DType, Layout, Tensor,
    kernels::convolution::{ImplicitGemmSpec, LanesForwardSpec, Pass, Problem},
    kernels::{Epilogue, magic, select},
    ops::Conv2d,
    runtime::Dispatch,
    shaders::Specialisation,
};
use tilewright_reference::{compare::relative_error, convolution as reference};

const REPEAT: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let mut sizes = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<Vec<usize>, _>>()?;
    if sizes.is_empty() {
        sizes = vec![2, 32, 28, 28, 32, 3, 1, 1];
    }
    let [n, c, h, w, o, kernel, stride, padding] = sizes[..] else {
        return Err("eight numbers, please: N C H W O KERNEL STRIDE PADDING".into());
    };
    let op = Conv2d { stride: [stride; 2], padding: [padding; 2], ..Conv2d::default() };
    let problem = Problem::new(&op, [n, c, h, w], [o, c, kernel, kernel])?;
    let Problem { x_shape, w_shape, y_shape, .. } = problem;
    let context = Context::new()?;
    let device = select::Device::of(&context);
    println!("{problem}\n{} ({})", context.adapter_info().name, device.class.name());

    let [xs, ws, gs] = [numbers(1, &x_shape), numbers(2, &w_shape), numbers(3, &y_shape)];
    let x = Tensor::from_slice(&context, &xs, &x_shape)?.to_layout(Layout::ChannelsLast)?;
    let weight = Tensor::from_slice(&context, &ws, &w_shape)?;
    let grad_y = Tensor::from_slice(&context, &gs, &y_shape)?.to_layout(Layout::ChannelsLast)?;
    let y_expected = reference::conv2d(&op, &xs, x_shape, &ws, w_shape, None);
    let mut wrong = Vec::new();

    for pass in Pass::ALL {
        println!("\n{}, * is what kernels::select picks", pass.name());
        let expected = match pass {
            Pass::Forward => y_expected.clone(),
            Pass::BackwardInput => reference::conv2d_backward_input(&op, &gs, x_shape, &ws, w_shape),
            Pass::BackwardWeight => reference::conv2d_backward_weight(&op, &gs, &xs, x_shape, w_shape),
        };
        for (at, algorithm) in select::conv2d_candidates(&device, pass, &problem).into_iter().enumerate() {
            let (name, with) = (algorithm.name(), Some(algorithm));
            let name = format!("{} {name}", if at == 0 { "*" } else { " " });
            let row = measure(&context, &name, problem.flops(), &expected, || match pass {
                Pass::Forward => {
                    Ok(x.conv2d_with(&weight, &Conv2dCall { algorithm: with, ..Conv2dCall::new(op) })?)
                }
                Pass::BackwardInput => {
                    Ok(Tensor::conv2d_backward_input(&grad_y, &weight, &x_shape, &op, with)?)
                }
                Pass::BackwardWeight => Ok(Tensor::conv2d_backward_weight(&grad_y, &x, &w_shape, &op, with)?),
            })?;
            wrong.extend(row);
        }
    }

    println!("\nconv2d by hand: weights packed beforehand, one dispatch");
    let packed = Tensor::from_slice(&context, &ws, &w_shape)?.permute(&[2, 3, 1, 0])?;
    let mut by_hand = |kernel: Specialisation, params: &[usize], groups: usize| {
        let params: Vec<u8> = params.iter().flat_map(|&word| (word as u32).to_le_bytes()).collect();
        let row = measure(&context, &format!("  {kernel}"), problem.flops(), &y_expected, || {
            let y = Tensor::empty(&context, &y_shape, DType::F32, Layout::ChannelsLast)?;
            // Any buffer that is only read stands in for the bias and the residual, which are not added.
            let buffers = [x.buffer(), packed.buffer(), packed.buffer(), packed.buffer(), y.buffer()];
            let dispatch =
                Dispatch { op: "conv2d", params: &params, buffers: &buffers, groups: groups as u64 };
            context.dispatch(&kernel, &dispatch)?;
            Ok(y)
        });
        row.map(|row| wrong.extend(row))
    };
    let epilogue = Epilogue::default();
    // Every kernel's uniform begins with the geometry: extents, stride, padding, dilation, one group of channels.
    let window = [stride, stride, padding, padding, 1, 1, 1, 0];
    let geometry = [&[x_shape, w_shape, y_shape].concat()[..], &window].concat();
    let ([oh, ow], taps) = ([y_shape[2], y_shape[3]], kernel * kernel);
    let (pixels, vec4_gathered, vec4) = (n * oh * ow, c.is_multiple_of(4), o.is_multiple_of(4));
    for (thread, tile_k) in [([4, 4], 16), ([8, 4], 16), ([4, 8], 16), ([8, 8], 8)] {
        let (pad, dtype) = (32 / tile_k, DType::F32);
        let spec = ImplicitGemmSpec {
            pass: Pass::Forward,
            thread,
            tile_k,
            vec4_gathered,
            vec4,
            pad,
            dtype,
            epilogue,
        };
        let tiles = [pixels.div_ceil(16 * thread[0] as usize), o.div_ceil(16 * thread[1] as usize)];
        let groups = tiles[0] * tiles[1];
        let strides = [[h * w * c, 1, w * c, c], [oh * ow * o, 1, ow * o, o]];
        // What the kernel divides by: channels, KW, columns and pixels of y, and the strides, which only gradients use.
        let divisors = [c, kernel, ow, oh * ow, 1, 1].map(|d| magic(d as u32).map(|word| word as usize));
        let terms = c * taps;
        // Workgroups, terms of one split and of all, M and N and their tiles; two parameters, and what fills a vec4.
        let chunk = terms.next_multiple_of(tile_k as usize);
        let rest = [groups, chunk, terms, pixels, o, tiles[0], tiles[1], 0, 0, 0, 0, 0];
        let params = [&geometry[..], &strides.concat(), &divisors.concat(), &rest].concat();
        by_hand(spec.into(), &params, groups)?;
    }
    // Lanes shuffle inside subgroups of a known size: elsewhere the kernel is not offered.
    let offered = device.class == select::DeviceClass::SoftwareVulkan;
    let lanes = device.lanes;
    let tiles = [(1, 16), (2, 8), (2, 16), (2, 32), (4, 8), (4, 16)];
    for (lane_pixels, channels) in tiles.into_iter().filter(|_| offered) {
        let (width, steps) = if vec4_gathered { (4, 1) } else { (1, 1) };
        let spec = LanesForwardSpec { lanes, pixels: lane_pixels, channels, width, steps, vec4, epilogue };
        let [rows, columns] =
            [pixels.div_ceil((lanes * lane_pixels) as usize), o.div_ceil(channels as usize)];
        // Tiles and workgroups; two parameters of the activation and the divisor of a pooling, neither of which is there,
        // and what fills a vec4.
        let params = [&geometry[..], &[rows, columns, rows * columns, 0, 0, 0, 0, 0]].concat();
        by_hand(spec.into(), &params, rows * columns)?;
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("wrong: {}", wrong.join("; ")).into()) }
}

/// Runs `work` once to validate and to compile, then times it and prints a line. The answer is `name` if it is wrong.
fn measure(
    context: &Context,
    name: &str,
    flops: u64,
    expected: &[f32],
    work: impl Fn() -> Result<Tensor, Box<dyn Error>>,
) -> Result<Option<String>, Box<dyn Error>> {
    let error = relative_error(&work()?.to_vec::<f32>()?, expected);
    let mut times = Vec::with_capacity(REPEAT);
    for _ in 0..REPEAT {
        context.synchronize()?;
        let begun = Instant::now();
        work()?;
        context.synchronize()?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let (median, wrong) = (times[REPEAT / 2], error.is_nan() || error > 1e-4);
    let verdict = if wrong { "  WRONG" } else { "" };
    let gflops = flops as f64 / median / 1e6;
    println!("{median:>9.3} ms {gflops:>8.2} GFLOP/s  error {error:.1e}  {name}{verdict}");
    Ok(wrong.then(|| name.trim().to_owned()))
}

/// Numbers in −1..1 that are not all alike.
fn numbers(seed: usize, shape: &[usize]) -> Vec<f32> {
    let count: usize = shape.iter().product();
    (0..count).map(|i| ((i + seed) * 2_654_435_761 % 2003) as f32 / 1001.0 - 1.0).collect()
}
