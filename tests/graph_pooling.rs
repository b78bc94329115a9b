//! The pass that makes a pooling part of the convolution before it: that it happened, where it must not, and what it
//! computes.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{close, contexts, random_tensor};
use tilewright::{
    Context, DType, Tensor,
    graph::{Compiled, Graph, Options, Precision, capture},
    kernels::select::{Device, DeviceClass},
    ops::{Conv2d, Pool2d, UnaryOp},
    tensor::Error,
};

const PADDED: Conv2d = Conv2d { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };

type Build = dyn Fn(&Tensor) -> Result<Vec<Tensor>, Error>;

fn graph_of(context: &Context, shape: &[usize], build: &Build) -> Graph {
    capture(context, &[("x", shape, DType::F32)], |inputs| {
        let outputs = build(&inputs[0])?.into_iter().enumerate();
        Ok::<_, Error>(outputs.map(|(at, y)| (format!("y{at}"), y)).collect())
    })
    .unwrap()
}

fn constant(context: &Context, seed: u64, shape: &[usize]) -> Tensor {
    random_tensor(context, 100 + seed, shape).0
}

fn titles(compiled: &Compiled) -> Vec<String> {
    compiled.graph().summary().unwrap().nodes.iter().map(|node| node.title()).collect()
}

fn launches(compiled: &Compiled, kernel: &str) -> usize {
    compiled.plan().launches().filter(|(_, found)| found.starts_with(kernel)).count()
}

fn run(compiled: &Compiled, x: &Tensor) -> Vec<Vec<f32>> {
    compiled.run(&[x]).unwrap().iter().map(|y| y.to_vec().unwrap()).collect()
}

/// Compiles with and without passes, compares both with eager execution and their FLOPs with one another, and gives both.
fn check(context: &Context, shape: &[usize], build: &Build) -> [Compiled; 2] {
    let (x, _) = random_tensor(context, 7, shape);
    let expected: Vec<Vec<f32>> = build(&x).unwrap().iter().map(|y| y.to_vec().unwrap()).collect();
    let both = [false, true].map(|optimize| {
        let options = Options { optimize, ..Options::default() };
        Compiled::new(&graph_of(context, shape, build), &options).unwrap()
    });
    for compiled in &both {
        for _ in 0..2 {
            for (found, expected) in run(compiled, &x).iter().zip(&expected) {
                close(found, expected, 1e-5, 2e-5).unwrap();
            }
        }
    }
    both
}

fn software(context: &Context) -> bool {
    Device::of(context).class == DeviceClass::SoftwareVulkan
}

#[test]
fn a_pooling_goes_into_the_convolution() {
    for context in contexts() {
        // By lanes, which a small convolution takes, and by minimal filtering, which a large one takes; odd sizes.
        for (channels, extent) in [(8, 9), (32, 23)] {
            let [plain, compiled] = check(&context, &[2, channels, extent, extent + 2], &move |x| {
                let c = x.context();
                let weight = constant(c, 1, &[channels, channels, 3, 3]);
                let y = x.conv2d(&weight, Some(&constant(c, 2, &[channels])), &PADDED)?;
                let y = y.unary(UnaryOp::Silu)?.max_pool2d_values(&Pool2d::new([2, 2]))?;
                let y = y.conv2d(&weight, None, &PADDED)?.add(&y)?;
                Ok(vec![y.avg_pool2d(&Pool2d::new([2, 2]))?])
            });
            if !software(&context) {
                continue;
            }
            assert_eq!(
                titles(&compiled),
                ["conv2d + silu + max_pool2d", "conv2d + residual + avg_pool2d"],
                "{channels}"
            );
            let report = compiled.passes().iter().find(|report| report.pass == "fuse_pooling").unwrap();
            assert_eq!(report.changed, 2);
            assert_eq!(launches(&compiled, "max_pool2d") + launches(&compiled, "avg_pool2d"), 0);
            assert_eq!(launches(&plain, "max_pool2d") + launches(&plain, "avg_pool2d"), 2);
            assert!(compiled.plan().memory().unshared < plain.plan().memory().unshared);
            // An activation and a sum are not counted once they are fused; the poolings are.
            let flops = |compiled: &Compiled| compiled.graph().summary().unwrap().flops;
            let activated = 2 * channels * extent * (extent + 2);
            let added = 2 * channels * (extent / 2) * ((extent + 2) / 2);
            assert_eq!(flops(&plain) - flops(&compiled), (activated + added) as u64);
        }
    }
}

#[test]
fn a_relu_behind_a_maximum_goes_before_it() {
    for context in contexts() {
        let [_, compiled] = check(&context, &[1, 8, 10, 10], &|x| {
            let y = x.conv2d(&constant(x.context(), 1, &[8, 8, 3, 3]), None, &PADDED)?;
            Ok(vec![y.max_pool2d_values(&Pool2d::new([2, 2]))?.relu()?])
        });
        if software(&context) {
            assert_eq!(titles(&compiled), ["conv2d + relu + max_pool2d"]);
        }
        // A mean of relus is another number than the relu of a mean.
        let [_, compiled] = check(&context, &[1, 8, 10, 10], &|x| {
            let y = x.conv2d(&constant(x.context(), 1, &[8, 8, 3, 3]), None, &PADDED)?;
            Ok(vec![y.avg_pool2d(&Pool2d::new([2, 2]))?.relu()?])
        });
        if software(&context) {
            assert_eq!(titles(&compiled), ["conv2d + avg_pool2d", "relu"]);
        }
    }
}

#[test]
fn what_others_read_and_windows_that_no_kernel_holds_stay() {
    for context in contexts() {
        // A skip connection reads the convolution too.
        let [_, compiled] = check(&context, &[1, 8, 8, 8], &|x| {
            let y = x.conv2d(&constant(x.context(), 1, &[8, 8, 3, 3]), None, &PADDED)?.relu()?;
            Ok(vec![y.max_pool2d_values(&Pool2d::new([2, 2]))?, y])
        });
        assert_eq!(titles(&compiled), ["conv2d + relu", "max_pool2d"]);
        // Windows that overlap, and windows over what is no convolution.
        let [_, compiled] = check(&context, &[1, 8, 9, 9], &|x| {
            let y = x.conv2d(&constant(x.context(), 1, &[8, 8, 3, 3]), None, &PADDED)?;
            let overlapping = Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) };
            Ok(vec![y.max_pool2d_values(&overlapping)?.max_pool2d_values(&Pool2d::new([2, 2]))?])
        });
        assert_eq!(titles(&compiled), ["conv2d", "max_pool2d", "max_pool2d"]);
    }
}

#[test]
fn in_f16_the_pooling_is_an_operation_of_its_own_again() {
    for context in contexts() {
        let shape = [1, 8, 9, 9];
        let (x, _) = random_tensor(&context, 7, &shape);
        let build = |x: &Tensor| {
            let y = x.conv2d(&constant(x.context(), 1, &[8, 8, 3, 3]), None, &PADDED)?.relu()?;
            Ok(vec![y.max_pool2d_values(&Pool2d::new([2, 2]))?])
        };
        let options = Options { precision: Precision::F16, ..Options::default() };
        let compiled = Compiled::new(&graph_of(&context, &shape, &build), &options).unwrap();
        assert_eq!(titles(&compiled), ["cast", "conv2d + relu", "cast", "max_pool2d"]);
        let expected: Vec<f32> = build(&x).unwrap()[0].to_vec().unwrap();
        close(&run(&compiled, &x)[0], &expected, 4e-3, 4e-3).unwrap();
    }
}
