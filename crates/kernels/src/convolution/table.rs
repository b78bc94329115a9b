//! The table for convolutions.

use tilewright_ops::{DType, Pooling};

use super::{
    algorithm::Conv2dAlgorithm,
    problem::{Pass, Problem},
    winograd::gradient::in_one_kernel,
};
use crate::base::{
    choice::{Choice, Rule},
    device::{Device, DeviceClass},
};

use DeviceClass::{Gpu, SoftwareVulkan};

/// What a row of the table looks at.
#[derive(Clone, Copy)]
struct Query {
    pass: Pass,
    problem: Problem,
    /// The weight is brought into the algorithm's order once, for many passes.
    packed: bool,
    /// Gradients by the weight by minimal filtering need no memory for products.
    in_one_kernel: bool,
}

impl Query {
    fn new(device: &Device, pass: Pass, problem: &Problem, packed: bool) -> Self {
        Self { pass, problem: *problem, packed, in_one_kernel: in_one_kernel(device, 4) }
    }

    /// Tiles of `edge`² pixels in the result, and the smaller number of channels on either side.
    fn tiles(&self, edge: usize) -> [usize; 2] {
        let Problem { x_shape, y_shape, .. } = self.problem;
        let [n, _, h, w] = if self.pass == Pass::BackwardInput { x_shape } else { y_shape };
        [n * h.div_ceil(edge) * w.div_ceil(edge), x_shape[1].min(y_shape[1])]
    }

    /// Whether a tile of cooperative matrices is not mostly empty.
    fn fills_matrices(&self) -> bool {
        self.problem.terms() >= 64 && self.problem.group_channels()[1] >= 32
    }
}

const TABLE: &[Rule<Query, Conv2dAlgorithm>] = &[
    Rule {
        device: SoftwareVulkan,
        when: "one filter to a channel",
        test: |query| query.problem.is_depthwise(),
        algorithm: Conv2dAlgorithm::Depthwise,
        why: "there is no sum over channels that a matrix product could share",
    },
    Rule {
        device: SoftwareVulkan,
        when: "1 × 1, stride 1, no padding",
        test: |query| query.problem.is_pointwise(),
        algorithm: Conv2dAlgorithm::Im2col,
        why: "it is a matrix product of the operands as they lie",
    },
    Rule {
        device: SoftwareVulkan,
        when: "1 × 1 with a stride, no padding, one group, by the input",
        test: |Query { pass, problem, .. }| *pass == Pass::BackwardInput && problem.is_single_tap(),
        algorithm: Conv2dAlgorithm::Im2col,
        why: "the weight's own order is the product's, and most pixels of x are in no window",
    },
    Rule {
        device: SoftwareVulkan,
        when: "by the weight, 3 × 3, stride 1, 32 channels and 4 tiles of 4 × 4 or more, 1024 or more when \
               multiplied, Mesa 23 or newer",
        test: |query| {
            let [tiles, channels] = query.tiles(4);
            query.pass == Pass::BackwardWeight
                && query.in_one_kernel
                && tiles >= 4
                && channels >= 32
                && tiles * channels >= 1024
        },
        algorithm: Conv2dAlgorithm::WinogradF4,
        why: "a quarter of the products, which go back through the weight transform without a way through memory",
    },
    Rule {
        device: SoftwareVulkan,
        when: "3 × 3, stride 1, 32 channels and 32 tiles of 4 × 4 or more (36 by the weight); 64 and 16 with a \
               packed weight",
        test: |query| {
            let [tiles, channels] = query.tiles(4);
            let enough = if query.pass == Pass::BackwardWeight { 36 } else { 32 };
            (tiles >= enough && channels >= 32) || (query.packed && tiles >= 16 && channels >= 64)
        },
        algorithm: Conv2dAlgorithm::WinogradF4,
        why: "a quarter of the products; its transforms cost as much as those of 16 channels save",
    },
    Rule {
        device: SoftwareVulkan,
        when: "3 × 3, stride 1, 128 channels and 25 tiles of 2 × 2 or more (40 for gradients); 16 with a packed weight",
        test: |query| {
            let [tiles, channels] = query.tiles(2);
            let enough = match query.pass {
                Pass::Forward if query.packed => 16,
                Pass::Forward => 25,
                Pass::BackwardInput | Pass::BackwardWeight => 40,
            };
            tiles >= enough && channels >= 128
        },
        algorithm: Conv2dAlgorithm::WinogradF2,
        why: "fewer tiles of 4 × 4 fill no register tile, and transforming their weights takes twice as long",
    },
    Rule {
        device: SoftwareVulkan,
        when: "by the input, with a stride, 512 output channels or more",
        test: |Query { pass, problem, .. }| {
            *pass == Pass::BackwardInput
                && problem.op.groups == 1
                && problem.op.stride != [1, 1]
                && problem.group_channels()[1] >= 512
        },
        algorithm: Conv2dAlgorithm::Im2col,
        why: "neighbouring pixels lie so far apart that they push each other out of the cache",
    },
    Rule {
        device: SoftwareVulkan,
        when: "by the input, 1 channel from 32 or more, stride 1",
        test: |Query { pass, problem, .. }| {
            let [inputs, outputs] = problem.group_channels();
            *pass == Pass::BackwardInput
                && problem.op.groups == 1
                && problem.op.stride == [1, 1]
                && inputs == 1
                && outputs >= 32
        },
        algorithm: Conv2dAlgorithm::Im2col,
        why: "its taps fill the columns of one product, and the channel alone would leave most empty",
    },
    Rule {
        device: SoftwareVulkan,
        when: "not empty",
        test: |_| true,
        algorithm: Conv2dAlgorithm::Lanes,
        why: "shuffles between lanes cost one instruction there, workgroup memory a scalar loop",
    },
    Rule {
        device: Gpu,
        when: "f16, sums of 64 terms or more, 32 channels or more in a group, cooperative matrices that pay",
        test: |query| query.problem.dtype == DType::F16 && query.fills_matrices(),
        algorithm: Conv2dAlgorithm::Cooperative,
        why: "a subgroup multiplies matrices in one instruction; a trial found it right and quicker here",
    },
    Rule {
        device: Gpu,
        when: "one filter to a channel",
        test: |query| query.problem.is_depthwise(),
        algorithm: Conv2dAlgorithm::Depthwise,
        why: "there is no sum over channels that a matrix product could share",
    },
    Rule {
        device: Gpu,
        when: "1 × 1, stride 1, no padding",
        test: |query| query.problem.is_pointwise(),
        algorithm: Conv2dAlgorithm::Im2col,
        why: "it is a matrix product of the operands as they lie",
    },
    Rule {
        device: Gpu,
        when: "forward and by the input, 3 × 3, stride 1, C · O ≥ 64 · (C + O), 512 pixels or more",
        test: |Query { pass, problem, .. }| {
            let [inputs, outputs] = problem.group_channels();
            *pass != Pass::BackwardWeight
                && inputs * outputs >= 64 * (inputs + outputs)
                && problem.y_pixels() >= 512
        },
        algorithm: Conv2dAlgorithm::WinogradF4,
        why: "it saves 108 of 144 multiplications for every pair of channels and moves 36 · (C + O) numbers for a tile \
              twice: at 20 operations to a byte, as GPUs have them, that pays twofold from 128 channels on",
    },
    Rule {
        device: Gpu,
        when: "f32, sums of 64 terms or more, 32 channels or more in a group, cooperative matrices that pay",
        test: Query::fills_matrices,
        algorithm: Conv2dAlgorithm::Cooperative,
        why: "matrices of f32 save no multiplications as the rows above do, but a subgroup multiplies them in one \
              instruction; a trial found it right and quicker here",
    },
    Rule {
        device: Gpu,
        when: "sums of 16 terms or more, 8 channels or more in a group",
        test: |Query { pass, problem, .. }| {
            let [inputs, outputs] = problem.group_channels();
            let columns = if *pass == Pass::BackwardInput { inputs } else { outputs };
            problem.terms() >= 16 && columns >= 8
        },
        algorithm: Conv2dAlgorithm::ImplicitGemm,
        why: "every gathered element serves a tile of channels, and no matrix of patches goes through memory",
    },
];

/// The algorithm for a pass of `problem` with a weight as it lies.
pub fn conv2d(device: &Device, pass: Pass, problem: &Problem) -> Choice<Conv2dAlgorithm> {
    choose(device, &Query::new(device, pass, problem, false))
}

/// The algorithm for forward passes of `problem` with a weight that is packed once.
pub fn conv2d_packed(device: &Device, problem: &Problem) -> Choice<Conv2dAlgorithm> {
    choose(device, &Query::new(device, Pass::Forward, problem, true))
}

/// How a convolution and the pooling of its result run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PooledChoice {
    /// The convolution's algorithm.
    pub conv: Choice<Conv2dAlgorithm>,
    /// Whether the pooling is part of its last kernel.
    pub fused: bool,
    pooling: Pooling,
}

impl PooledChoice {
    /// With the table's row for the convolution: the same with a pooling as without, because what the pooling saves, a
    /// launch and the way through memory, it saves for each algorithm that can.
    pub(super) fn new(conv: Choice<Conv2dAlgorithm>, problem: &Problem, pooling: &Pooling) -> Self {
        let fused = conv.algorithm.pools(problem, pooling);
        Self { conv, fused, pooling: *pooling }
    }

    /// One line for people: the convolution's, and where the pooling runs and why.
    pub fn explain(&self) -> String {
        let Pooling { kind, pool } = self.pooling;
        let how = if self.fused {
            "in the same kernel (its threads hold whole windows)"
        } else {
            "in a kernel of its own (no thread of the convolution's holds whole windows)"
        };
        format!("{}; {} of {:?} {how}", self.conv.explain(), kind.name(), pool.kernel)
    }
}

/// The algorithm for forward passes of `problem` whose result is pooled, with a weight that is packed once, and whether
/// both are one kernel.
pub fn conv2d_pooled(device: &Device, problem: &Problem, pooling: &Pooling) -> PooledChoice {
    PooledChoice::new(conv2d_packed(device, problem), problem, pooling)
}

fn choose(device: &Device, query: &Query) -> Choice<Conv2dAlgorithm> {
    let Query { pass, ref problem, .. } = *query;
    let row = TABLE.iter().find(|rule| {
        rule.device == device.class
            && (rule.test)(query)
            && runs(rule.algorithm, device, pass, problem)
            && rule.algorithm.pays(device, problem.dtype)
    });
    let (algorithm, when, why) = match row {
        Some(rule) => (rule.algorithm, rule.when, rule.why),
        None if runs(Conv2dAlgorithm::Direct, device, pass, problem) => {
            (Conv2dAlgorithm::Direct, "else", "it runs every shape")
        }
        None => (Conv2dAlgorithm::Im2col, "else", "its sums may have any length"),
    };
    let problem = format!("{} of {problem}", pass.name());
    let (kernel, caveat) = (algorithm.name(), algorithm.caveat());
    Choice { algorithm, when, why, device: device.class, problem, kernel, caveat }
}

/// Every algorithm that can run this pass of `problem`, the table's choice first.
pub fn conv2d_candidates(device: &Device, pass: Pass, problem: &Problem) -> Vec<Conv2dAlgorithm> {
    let first = conv2d(device, pass, problem).algorithm;
    let rest = Conv2dAlgorithm::ALL
        .into_iter()
        .filter(|&algorithm| algorithm != first && runs(algorithm, device, pass, problem));
    std::iter::once(first).chain(rest).collect()
}

fn runs(algorithm: Conv2dAlgorithm, device: &Device, pass: Pass, problem: &Problem) -> bool {
    algorithm.obstacle(device, pass, problem).is_none() && algorithm.fits(device, pass, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tilewright_ops::Conv2d;

    #[test]
    fn every_shape_has_an_algorithm_that_can_run_it() {
        let shapes = [
            (1, [0, 3, 5, 5], [4, 3, 3, 3]),
            (1, [1, 3, 224, 224], [64, 3, 7, 7]),
            (1, [2, 64, 14, 14], [64, 64, 3, 3]),
            (1, [2, 64, 14, 14], [64, 64, 1, 1]),
            (4, [1, 8, 9, 9], [12, 2, 3, 3]),
            (8, [1, 8, 9, 9], [8, 1, 3, 3]),
            (6, [1, 6, 9, 9], [6, 1, 3, 3]),
            // A sum that Mesa before 23 cannot loop over.
            (1, [1, 4096, 5, 5], [8, 4096, 5, 5]),
        ];
        for device in [&Device::SOFTWARE_VULKAN, &Device::GPU] {
            for (groups, x_shape, w_shape) in shapes {
                let op = Conv2d { groups, ..Conv2d::default() };
                let problem = Problem::new(&op, x_shape, w_shape).expect("fits");
                for pass in Pass::ALL {
                    let choice = conv2d(device, pass, &problem);
                    assert!(runs(choice.algorithm, device, pass, &problem), "{}", choice.explain());
                    assert_eq!(conv2d_candidates(device, pass, &problem)[0], choice.algorithm);
                }
            }
        }
    }

    #[test]
    fn a_transformed_weight_that_no_binding_holds_is_never_chosen() {
        let op = Conv2d { padding: [1, 1], ..Conv2d::default() };
        // 36 · 1024² numbers are 144 MiB, 16 · 1024² are 64.
        let problem = Problem::new(&op, [1, 1024, 16, 16], [1024, 1024, 3, 3]).expect("fits");
        let device = &Device::SOFTWARE_VULKAN;
        let candidates = conv2d_candidates(device, Pass::Forward, &problem);
        assert!(!candidates.contains(&Conv2dAlgorithm::WinogradF4), "{candidates:?}");
        assert_eq!(conv2d_packed(device, &problem).algorithm, Conv2dAlgorithm::WinogradF2);
    }

    #[test]
    fn a_weight_that_is_packed_once_may_take_long_to_transform() {
        let same = Conv2d { padding: [1, 1], ..Conv2d::default() };
        let device = &Device::SOFTWARE_VULKAN;
        let of = |channels, edge| {
            let problem =
                Problem::new(&same, [1, channels, edge, edge], [channels, channels, 3, 3]).expect("fits");
            let plain = Pass::ALL.map(|pass| conv2d(device, pass, &problem).algorithm);
            (conv2d_packed(device, &problem).algorithm, plain[0], plain[1])
        };
        use Conv2dAlgorithm::{Lanes, WinogradF2, WinogradF4};
        assert_eq!(of(512, 14), (WinogradF4, WinogradF2, WinogradF2));
        assert_eq!(of(64, 14), (WinogradF4, Lanes, Lanes));
        assert_eq!(of(512, 7), (WinogradF2, Lanes, Lanes));
        assert_eq!(of(64, 56), (WinogradF4, WinogradF4, WinogradF4));
        assert_eq!(of(16, 56), (Lanes, Lanes, Lanes));
    }

    #[test]
    fn a_gradient_by_the_weight_needs_no_room_for_products() {
        let same = Conv2d { padding: [1, 1], ..Conv2d::default() };
        let of = |device, channels, edge| {
            let problem =
                Problem::new(&same, [1, channels, edge, edge], [channels, channels, 3, 3]).expect("fits");
            conv2d(device, Pass::BackwardWeight, &problem).algorithm
        };
        use Conv2dAlgorithm::{ImplicitGemm, Lanes, WinogradF2, WinogradF4};
        let device = &Device::SOFTWARE_VULKAN;
        assert_eq!(of(device, 1024, 16), WinogradF4);
        assert_eq!(of(device, 512, 7), WinogradF4);
        assert_eq!(of(device, 512, 4), Lanes);
        assert_eq!(of(device, 128, 7), Lanes);
        assert_eq!(of(device, 16, 56), Lanes);
        let old = &Device { long_kernels: false, ..Device::SOFTWARE_VULKAN };
        assert_eq!(of(old, 1024, 16), WinogradF2);
        assert_eq!(of(old, 512, 7), Lanes);
        assert_eq!(of(&Device::GPU, 1024, 16), ImplicitGemm);
    }

    #[test]
    fn the_explanation_names_shape_kernel_and_reason() {
        let problem = Problem::new(&Conv2d::default(), [1, 8, 9, 9], [8, 8, 3, 3]).expect("fits");
        let text = conv2d(&Device::GPU, Pass::BackwardInput, &problem).explain();
        assert!(text.contains("[1, 8, 9, 9]") && text.contains("implicit_gemm"), "{text}");
        assert!(text.contains("backward_input") && text.contains("GPU"), "{text}");
    }
}
