//! The table for convolutions of bytes.

use super::algorithm::QConv2dAlgorithm;
use crate::{
    base::{
        choice::{Choice, Rule},
        device::{Device, DeviceClass},
    },
    convolution::Problem,
};

use DeviceClass::{Gpu, SoftwareVulkan};

const TABLE: &[Rule<Problem, QConv2dAlgorithm>] = &[
    Rule {
        device: SoftwareVulkan,
        when: "one filter to a channel",
        test: Problem::is_depthwise,
        algorithm: QConv2dAlgorithm::Depthwise,
        why: "a word holds four channels, and nothing is summed over them",
    },
    Rule {
        device: SoftwareVulkan,
        when: "always",
        test: |_| true,
        algorithm: QConv2dAlgorithm::Lanes,
        why: "llvmpipe has no product of bytes, but f32 holds their sums, and a load brings four",
    },
    Rule {
        device: Gpu,
        when: "one filter to a channel",
        test: Problem::is_depthwise,
        algorithm: QConv2dAlgorithm::Depthwise,
        why: "a word holds four channels, and nothing is summed over them",
    },
    Rule {
        device: Gpu,
        when: "few output channels or terms",
        test: |problem| problem.group_channels()[1] < 16 || problem.terms() < 16,
        algorithm: QConv2dAlgorithm::Direct,
        why: "a tile would be mostly empty",
    },
    Rule {
        device: Gpu,
        when: "products of four bytes are quicker than the same in f32",
        test: |_| true,
        algorithm: QConv2dAlgorithm::ImplicitGemm,
        why: "four products in one instruction, and operands shared in workgroup memory",
    },
    Rule {
        device: Gpu,
        when: "always",
        test: |_| true,
        algorithm: QConv2dAlgorithm::ImplicitGemmF32,
        why: "the driver makes a dozen instructions of a product of four bytes, and f32 holds 1,024 exactly",
    },
];

/// The algorithm for `problem` on `device`: that of the first row of the table whose condition matches and that can run it.
pub fn choose(device: &Device, problem: &Problem) -> Choice<QConv2dAlgorithm> {
    let rule = TABLE.iter().find(|rule| {
        rule.device == device.class
            && (rule.test)(problem)
            && (device.dot4_pays || rule.algorithm != QConv2dAlgorithm::ImplicitGemm)
            && rule.algorithm.obstacle(device, problem).is_none()
    });
    let (when, why, algorithm) = match rule {
        Some(rule) => (rule.when, rule.why, rule.algorithm),
        None => ("nothing else", "it runs everything", QConv2dAlgorithm::Direct),
    };
    let (device, problem, kernel) = (device.class, format!("bytes: {problem}"), algorithm.stem());
    Choice { algorithm, when, why, device, problem, kernel, caveat: None }
}

/// All algorithms that can run `problem` on `device`.
pub fn candidates(device: &Device, problem: &Problem) -> Vec<QConv2dAlgorithm> {
    QConv2dAlgorithm::ALL
        .into_iter()
        .filter(|algorithm| algorithm.obstacle(device, problem).is_none())
        .collect()
}
