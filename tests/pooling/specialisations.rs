//! Every specialisation of the family, in every language.

use tilewright::shaders::{Specialisation, emit};

use crate::common::Cases;

#[test]
fn every_specialisation_is_valid_on_every_backend() {
    let mut cases = Cases::new();
    for (value, index) in [("vec4<f32>", "vec4<i32>"), ("f32", "i32")] {
        let mut kernels = Vec::new();
        for stem in ["adaptive_avg_pool2d", "adaptive_avg_pool2d_backward", "sum_rows"] {
            kernels.push(Specialisation::new(stem).with_type("VALUE", value));
        }
        let spread = Specialisation::new("avg_pool2d_backward_spread").with_type("VALUE", value);
        kernels.extend([spread.clone(), spread.with_u32("COLUMNS", 2)]);
        let columns = Specialisation::new("avg_pool2d").with_type("VALUE", value).with_u32("COLUMNS", 2);
        kernels.push(columns.with_u32("VECTORS", 8));
        for stem in ["avg_pool2d", "avg_pool2d_backward"] {
            for divisor in 0..3 {
                let kernel = Specialisation::new(stem).with_type("VALUE", value).with_u32("DIVISOR", divisor);
                kernels.extend([kernel.clone(), kernel.with_bool("DILATED", false)]);
            }
        }
        for divisor in 0..3 {
            let kernel = Specialisation::new("avg_pool2d_backward_tiles").with_type("VALUE", value);
            kernels.push(
                kernel.with_u32("DIVISOR", divisor).with_u32("STRIDE_WIDTH", 1).with_u32("COVER_WIDTH", 3),
            );
        }
        let max = |stem| Specialisation::new(stem).with_type("VALUE", value).with_type("INDEX", index);
        kernels.push(max("max_pool2d"));
        kernels.push(max("max_pool2d").with_bool("INDICES", false));
        kernels.push(max("max_pool2d").with_bool("DILATED", false));
        kernels.push(max("max_pool2d_backward"));
        kernels.push(max("max_pool2d_backward_tiles"));
        for clamped in [false, true] {
            let whole = max("max_pool2d").with_bool("WHOLE", true).with_u32("KERNEL_WIDTH", 3);
            kernels.push(whole.with_bool("CLAMPED", clamped));
        }
        for whole in [false, true] {
            let tiles =
                max("max_pool2d_backward_tiles").with_u32("COVER_WIDTH", 2).with_u32("COVER_HEIGHT", 2);
            kernels.push(tiles.with_u32("STRIDE_HEIGHT", 1).with_bool("WHOLE", whole));
        }
        // Windows that overlap, on a CPU.
        let overlap = |kernel: Specialisation| {
            kernel.with_u32("KERNEL_WIDTH", 3).with_u32("OVERLAP", 1).with_u32("COLUMNS", 2)
        };
        let cover = |kernel: Specialisation| {
            kernel.with_u32("COVER_WIDTH", 2).with_u32("COVER_HEIGHT", 2).with_u32("COLUMNS", 2)
        };
        kernels.extend([overlap(max("max_pool2d_walk")), cover(max("max_pool2d_backward_walk"))]);
        for indices in [false, true] {
            let strip = max("max_pool2d_strip").with_u32("COLUMNS", 2).with_bool("INDICES", indices);
            kernels.extend([strip.clone().with_bool("CLAMPED", false), strip.with_bool("WHOLE", true)]);
        }
        if value == "vec4<f32>" {
            // As where words of 64 bits are quicker.
            let wide = |kernel: Specialisation| {
                kernel.with_fragment("words", "u64").with_bool("AHEAD", true).with_u32("COLUMNS", 2)
            };
            kernels.extend(
                ["max_pool2d_strip", "max_pool2d_backward_walk"]
                    .map(|stem| wide(max(stem).with_fragment("places", "u64"))),
            );
            let average = |stem| Specialisation::new(stem).with_type("VALUE", value);
            kernels.extend(["avg_pool2d_strip", "avg_pool2d_backward_walk"].map(|stem| wide(average(stem))));
        }
        for divisor in 0..3 {
            let kernel =
                |stem| Specialisation::new(stem).with_type("VALUE", value).with_u32("DIVISOR", divisor);
            kernels.extend([overlap(kernel("avg_pool2d_walk")), cover(kernel("avg_pool2d_backward_walk"))]);
            let strip = kernel("avg_pool2d_strip").with_u32("COLUMNS", 2);
            kernels.extend([strip.clone().with_bool("CLAMPED", false), strip.with_bool("WHOLE", true)]);
        }
        for kernel in kernels {
            cases.check(&kernel, emit(kernel.stem(), &kernel.wgsl().unwrap()).map(drop));
        }
    }
    cases.finish();
}
