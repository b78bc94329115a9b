//! Convolutions by every algorithm against the scalar reference. The sweeps of the two gradients are in
//! tests/convolution_backward.rs.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/convolution_sweep.rs"]
mod convolution_sweep;
#[path = "common/convolutions.rs"]
mod convolutions;

use common::{Cases, close, contexts, full, host::random_channels_last, random_tensor, some};
use convolution_sweep::{agree, backward_input, backward_weight, candidates, sweep};
use convolutions::{PLAIN, Shape, shapes};
use tilewright::{
    Context, Conv2dAlgorithm, Conv2dCall, DType, Layout, Mode, Tensor,
    kernels::{
        convolution::{self, Conv2dLaunch as Launch, Pass, Problem},
        select::{self, Cooperative, Device},
    },
    ops::{Conv2d, UnaryOp},
    tensor::Epilogue,
};
use tilewright_reference::{convolution as reference, elementwise};

fn forward(
    context: &Context,
    (op, x_shape, w_shape): &Shape,
    with_bias: bool,
    activation: Option<UnaryOp>,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<(), String> {
    let (x, x_values) = random_channels_last(context, 1, x_shape);
    let (w, w_values) = random_tensor(context, 2, w_shape);
    let (bias, bias_values) = random_tensor(context, 3, &w_shape[..1]);
    let y = x
        .conv2d_with(
            &w,
            &Conv2dCall { bias: with_bias.then_some(&bias), activation, algorithm, ..Conv2dCall::new(*op) },
        )
        .map_err(|error| error.to_string())?;
    assert_eq!(
        (y.layout(), y.shape()),
        (Layout::ChannelsLast, &op.output_shape(*x_shape, *w_shape).unwrap()[..])
    );
    let bias = with_bias.then_some(&bias_values[..]);
    let mut expected = reference::conv2d(op, &x_values, *x_shape, &w_values, *w_shape, bias);
    if let Some(activation) = activation {
        expected = elementwise::unary(activation, &expected);
    }
    agree(&y, &expected, w_shape[1..].iter().product(), algorithm)
}

const LEAKY: UnaryOp = UnaryOp::LeakyRelu { slope: 0.25 };
const CLAMP: Option<UnaryOp> = Some(UnaryOp::Clamp { min: -0.3, max: 0.6 });

/// With a residual, an activation and perhaps a bias; `ways` also over the residual's own memory, and from a packed weight.
fn fused(
    context: &Context,
    (op, x_shape, w_shape): &Shape,
    with_bias: bool,
    ways: bool,
    algorithm: Conv2dAlgorithm,
) -> Result<(), String> {
    let problem = Problem::new(op, *x_shape, *w_shape).unwrap();
    let (x, x_values) = random_channels_last(context, 1, x_shape);
    let (w, w_values) = random_tensor(context, 2, w_shape);
    let (bias, bias_values) = random_tensor(context, 3, &w_shape[..1]);
    let (residual, residual_values) = random_channels_last(context, 4, &problem.y_shape);
    let bias = with_bias.then_some(&bias);
    let epilogue = Epilogue { bias, residual: Some(&residual), activation: Some(LEAKY) };
    let y = x
        .conv2d_with(
            &w,
            &Conv2dCall { algorithm: Some(algorithm), ..Conv2dCall::new(*op).with_epilogue(epilogue) },
        )
        .map_err(|error| error.to_string())?;
    let bias_values = with_bias.then_some(&bias_values[..]);
    let sums = reference::conv2d(op, &x_values, *x_shape, &w_values, *w_shape, bias_values);
    let sums: Vec<f32> = sums.iter().zip(&residual_values).map(|(a, b)| a + b).collect();
    let expected = elementwise::unary(LEAKY, &sums);
    let terms = w_shape[1..].iter().product();
    agree(&y, &expected, terms, Some(algorithm))?;
    if !ways {
        return Ok(());
    }
    // Over the residual's own memory, as a plan does it.
    if with_bias {
        let own = residual.copy().unwrap();
        let over = Epilogue { residual: Some(&own), ..epilogue };
        let y = x
            .conv2d_with(
                &w,
                &Conv2dCall {
                    algorithm: Some(algorithm),
                    over_residual: true,
                    ..Conv2dCall::new(*op).with_epilogue(over)
                },
            )
            .map_err(|error| format!("in place: {error}"))?;
        assert!(y.buffer().same(own.buffer()));
        agree(&y, &expected, terms, Some(algorithm)).map_err(|error| format!("in place: {error}"))?;
    }
    let packed = convolution::pack_weight(context, &problem, w.buffer(), Some(algorithm)).unwrap();
    assert_eq!((packed.algorithm(), packed.shape()), (algorithm, *w_shape));
    let again = Tensor::empty(context, &problem.y_shape, DType::F32, Layout::ChannelsLast).unwrap();
    let call = Launch {
        bias: bias.map(Tensor::buffer),
        residual: Some(residual.buffer()),
        activation: Some(LEAKY),
        ..Launch::new(&problem, x.buffer(), &packed)
    };
    convolution::forward(context, &call, again.buffer()).map_err(|error| error.to_string())?;
    agree(&again, &expected, terms, Some(algorithm)).map_err(|error| format!("packed: {error}"))
}

/// With everything behind it at once: with less, a convolution goes the same way to its sums.
#[test]
fn forward_by_every_algorithm() {
    sweep(Pass::Forward, |context, shape, algorithm| fused(context, shape, true, full(), algorithm));
}

/// One shape of each kind: what may come behind a convolution is tried on these.
fn representatives() -> Vec<Shape> {
    let same = Conv2d { padding: [1, 1], ..PLAIN };
    let depthwise = |groups, stride| Conv2d { groups, stride: [stride; 2], ..same };
    vec![
        // Three channels, whole vec4s of them, and neither.
        (same, [2, 3, 9, 8], [8, 3, 3, 3]),
        (same, [2, 8, 7, 9], [16, 8, 3, 3]),
        (same, [3, 5, 6, 6], [7, 5, 3, 3]),
        (depthwise(4, 1), [2, 4, 7, 9], [4, 1, 3, 3]),
        (depthwise(5, 2), [1, 5, 9, 8], [5, 1, 3, 3]),
    ]
}

#[test]
fn every_epilogue() {
    let mut cases = Cases::new();
    for context in contexts() {
        // Checked mode looks for accesses out of bounds: one epilogue reads all that any other reads.
        let all = full() || context.mode() == Mode::Fast;
        for shape in if full() { shapes() } else { representatives() } {
            for algorithm in candidates(&context, Pass::Forward, &shape) {
                let name = format!("{:?} {algorithm:?} {shape:?}", context.mode());
                cases.check(format!("{name}, residual"), fused(&context, &shape, true, true, algorithm));
                // What comes behind a product is tried in tests/matmul.rs.
                if !all || (!full() && algorithm == Conv2dAlgorithm::Im2col) {
                    continue;
                }
                let outcome = fused(&context, &shape, false, true, algorithm);
                cases.check(format!("{name}, residual without bias"), outcome);
                for (bias, activation) in [(false, None), (true, None), (true, CLAMP)] {
                    let outcome = forward(&context, &shape, bias, activation, Some(algorithm));
                    cases.check(format!("{name}, bias {bias}, {activation:?}"), outcome);
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn the_table_chooses_something_right() {
    let mut cases = Cases::new();
    for context in contexts() {
        // What is chosen is a candidate, and those are in the sweeps: here it is enough to see that each kind is found.
        for shape in some(shapes(), 4) {
            cases.check(format!("{shape:?}"), forward(&context, &shape, true, None, None));
            cases.check(format!("input {shape:?}"), backward_input(&context, &shape, None));
            cases.check(format!("weight {shape:?}"), backward_weight(&context, &shape, None));
        }
    }
    cases.finish();
}

#[test]
fn minimal_filtering_in_several_rounds() {
    // More tiles than one round of launches takes: 16 MiB of transformed tiles on software Vulkan, 96 MiB elsewhere.
    let op = Conv2d { padding: [1, 1], ..PLAIN };
    let mut cases = Cases::new();
    for context in contexts() {
        let edge = if Device::of(&context).class == select::DeviceClass::Gpu { 620 } else { 260 };
        let shape = (op, [1, 16, edge, edge], [16, 16, 3, 3]);
        for algorithm in [Conv2dAlgorithm::WinogradF2, Conv2dAlgorithm::WinogradF4] {
            let name = format!("{:?} {algorithm:?}", context.mode());
            cases.check(&name, forward(&context, &shape, true, None, Some(algorithm)));
            cases.check(format!("{name} by the weight"), backward_weight(&context, &shape, Some(algorithm)));
        }
    }
    cases.finish();
}

#[test]
fn minimal_filtering_with_a_weight_in_blocks() {
    // On software Vulkan 64 of these channels at a time are transformed: three blocks, of which the last is narrower.
    let op = Conv2d { padding: [1, 1], ..PLAIN };
    let mut cases = Cases::new();
    for context in contexts() {
        let algorithm = Conv2dAlgorithm::WinogradF4;
        let (wide, narrow) = ((op, [1, 228, 5, 6], [148, 228, 3, 3]), (op, [1, 148, 5, 6], [228, 148, 3, 3]));
        let name = format!("{:?}", context.mode());
        cases.check(&name, fused(&context, &wide, true, true, algorithm));
        cases.check(format!("{name} by the input"), backward_input(&context, &narrow, Some(algorithm)));
    }
    cases.finish();
}

#[test]
fn more_workgroups_than_one_axis_holds() {
    // 65,536 · 64 elements and more: beyond what one axis of the grid takes at 64 threads to a workgroup.
    let shape = (PLAIN, [1, 1, 2050, 2050], [1, 1, 1, 1]);
    let mut cases = Cases::new();
    for context in contexts() {
        cases.check("forward", forward(&context, &shape, false, None, Some(Conv2dAlgorithm::Direct)));
        cases.check("input", backward_input(&context, &shape, Some(Conv2dAlgorithm::Direct)));
    }
    cases.finish();
}

#[test]
fn im2col_and_col2im() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (op, [n, c, h, w], [kh, kw]) in [
            (Conv2d { padding: [1, 2], stride: [2, 1], dilation: [1, 2], groups: 1 }, [2, 3, 6, 7], [3, 2]),
            (Conv2d { padding: [1, 1], groups: 2, ..PLAIN }, [2, 8, 5, 4], [3, 3]),
        ] {
            let (x, values) = random_tensor(&context, 1, &[n, c, h, w]);
            let x = x.to_layout(Layout::ChannelsLast).unwrap();
            let (expected, [_, rows, windows]) = reference::im2col(&op, &values, [n, c, h, w], [kh, kw]);
            let inputs = c / op.groups;
            let problem = Problem::new(&op, [n, c, h, w], [op.groups, inputs, kh, kw]).unwrap();
            let columns =
                Tensor::empty(&context, &[n * rows * windows], DType::F32, Layout::RowMajor).unwrap();
            convolution::im2col(&context, &problem, x.buffer(), columns.buffer()).unwrap();
            // The kernel's order is G, N·OH·OW, KH·KW·C/G; the reference has torch's N, G·C/G·KH·KW, OH·OW.
            let shape = [op.groups, n, windows, kh, kw, inputs].map(|extent| extent as isize);
            let torch = columns.reshape(&shape).unwrap().permute(&[1, 0, 5, 3, 4, 2]).unwrap();
            let name = format!("{op:?}");
            cases.check(format!("im2col {name}"), close(&torch.to_vec().unwrap(), &expected, 0.0, 0.0));
            let back = Tensor::empty(&context, &[n, c, h, w], DType::F32, Layout::ChannelsLast).unwrap();
            convolution::col2im(&context, &problem, columns.buffer(), back.buffer()).unwrap();
            let expected = reference::col2im(&op, &expected, [n, c, h, w], [kh, kw]);
            cases.check(format!("col2im {name}"), close(&back.to_vec().unwrap(), &expected, 1e-6, 1e-6));
        }
    }
    cases.finish();
}

/// The files of the family, and whether a device needs software Vulkan for it.
const FILES: [(&str, bool); 27] = [
    ("col2im", false),
    ("conv2d_backward_bias", false),
    ("conv2d_cooperative", false),
    ("conv2d_depthwise", true),
    ("conv2d_depthwise_backward_input", true),
    ("conv2d_depthwise_backward_input_blocks", true),
    ("conv2d_depthwise_backward_weight", true),
    ("conv2d_direct", false),
    ("conv2d_direct_backward_input", false),
    ("conv2d_direct_backward_weight", false),
    ("conv2d_implicit_gemm", false),
    ("conv2d_implicit_gemm_backward_input", false),
    ("conv2d_implicit_gemm_backward_weight", false),
    ("conv2d_lanes", true),
    ("conv2d_lanes_backward_input", true),
    ("conv2d_lanes_backward_input_narrow", true),
    ("conv2d_lanes_backward_weight", true),
    ("conv2d_pack_filters", false),
    ("conv2d_pack_taps", false),
    ("conv2d_pack_weight", false),
    ("im2col", false),
    ("winograd_filter_gradient", true),
    ("winograd_input", false),
    ("winograd_output", false),
    ("winograd_output_gradient", false),
    ("winograd_weight", false),
    ("winograd_weight_gradient", false),
];

#[test]
fn the_algorithms_run_every_file_of_the_family() {
    let family: Vec<_> =
        tilewright::shaders::kernels().iter().filter(|source| source.family == "convolution").collect();
    assert_eq!(
        FILES.map(|(stem, _)| stem).to_vec(),
        family.iter().map(|source| source.stem).collect::<Vec<_>>()
    );
    let context = common::own_context();
    context.start_profile().unwrap();
    for (op, x_shape, w_shape) in [
        (Conv2d { padding: [1, 1], ..PLAIN }, [2, 8, 9, 9], [8, 8, 3, 3]),
        (Conv2d { padding: [1, 1], ..PLAIN }, [2, 6, 9, 9], [6, 6, 3, 3]),
        (Conv2d { padding: [1, 1], ..PLAIN }, [2, 3, 9, 9], [8, 3, 3, 3]),
        (Conv2d { padding: [1, 1], stride: [2, 2], groups: 8, ..PLAIN }, [2, 8, 9, 9], [8, 1, 3, 3]),
        (Conv2d { stride: [5, 5], groups: 8, ..PLAIN }, [2, 8, 9, 9], [8, 1, 3, 3]),
    ] {
        let ((x, _), (weight, _)) =
            (random_tensor(&context, 1, &x_shape), random_tensor(&context, 2, &w_shape));
        for algorithm in Conv2dAlgorithm::ALL {
            let algorithm = Some(algorithm);
            // One that cannot run the shape says so; what it leaves out is seen below.
            let Ok(y) = x.conv2d_with(&weight, &Conv2dCall { algorithm, ..Conv2dCall::new(op) }) else {
                continue;
            };
            let _ = Tensor::conv2d_backward_input(&y, &weight, &x_shape, &op, algorithm);
            let _ = Tensor::conv2d_backward_weight(&y, &x, &w_shape, &op, algorithm);
            Tensor::conv2d_backward_bias(&y).unwrap();
        }
        let halves = [&x, &weight].map(|tensor| tensor.cast(DType::F16).unwrap());
        let _ = halves[0].conv2d_with(
            &halves[1],
            &Conv2dCall { algorithm: Some(Conv2dAlgorithm::Cooperative), ..Conv2dCall::new(op) },
        );
    }
    let profile = context.finish_profile().unwrap();
    let device = Device::of(&context);
    let lanes = device.class == select::DeviceClass::SoftwareVulkan;
    for (stem, needs_lanes) in FILES {
        let ran = profile.dispatches.iter().any(|dispatch| dispatch.kernel == stem);
        // Without cooperative matrices tests/convolution_f16.rs runs it with emulated ones.
        let lacks = stem == "conv2d_cooperative" && device.cooperative == Cooperative::Absent
            // A driver that takes minutes to compile it is given other kernels.
            || stem == "winograd_filter_gradient" && !device.long_kernels;
        assert!(ran || lacks || (needs_lanes && !lanes), "no algorithm ran {stem}");
    }
}
