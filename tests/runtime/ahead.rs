//! Kernels that are compiled before their first launch.

use tilewright::{Tensor, ops::UnaryOp};

use crate::common::{own_context as context, own_contexts as contexts};

#[test]
fn kernels_that_wait_are_compiled_ahead_on_software_vulkan() {
    let off = |name| std::env::var(name).is_ok_and(|value| value == "true" || value == "1");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for context in contexts() {
        let software = context.adapter_info().name.starts_with("llvmpipe");
        let expected = software
            && cores > 1
            && !["MESA_SHADER_CACHE_DISABLE", "MESA_GLSL_CACHE_DISABLE"].into_iter().any(off);
        let x = Tensor::from_slice(&context, &[0.25_f32, 0.5, 0.75], &[3]).unwrap();
        let ops = [UnaryOp::Exp, UnaryOp::Sqrt, UnaryOp::Neg, UnaryOp::Abs, UnaryOp::Sin, UnaryOp::Cos];
        let results: Vec<_> = ops.iter().map(|&op| x.unary(op).unwrap()).collect();
        // Nothing is launched yet: whoever compiles is the second device. It tries three at least, which an earlier run may
        // have left in the cache.
        let begun = std::time::Instant::now();
        while expected && context.pipelines_ahead() < 3 {
            assert!(begun.elapsed().as_secs() < 60, "only {} are ready", context.pipelines_ahead());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        for (op, y) in ops.iter().zip(results) {
            let y: Vec<f32> = y.to_vec().unwrap();
            let f = |x: f32| match op {
                UnaryOp::Exp => x.exp(),
                UnaryOp::Sqrt => x.sqrt(),
                UnaryOp::Neg => -x,
                UnaryOp::Sin => x.sin(),
                UnaryOp::Cos => x.cos(),
                _ => x.abs(),
            };
            for (y, x) in y.into_iter().zip([0.25, 0.5, 0.75]) {
                assert!((y - f(x)).abs() < 1e-5, "{op:?} of {x}: {y}");
            }
        }
        assert!(expected || context.pipelines_ahead() == 0);
    }
}

#[test]
fn a_context_may_end_while_kernels_wait() {
    let context = context();
    let x = Tensor::from_slice(&context, &[0.5_f32], &[1]).unwrap();
    for op in [UnaryOp::Tan, UnaryOp::Tanh, UnaryOp::Asin, UnaryOp::Acos, UnaryOp::Atan, UnaryOp::Sinh] {
        x.unary(op).unwrap();
    }
}
