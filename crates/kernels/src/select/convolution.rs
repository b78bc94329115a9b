//! The table for convolutions.

use super::{Choice, Device, DeviceClass, Rule};
use crate::convolution::{Conv2dAlgorithm, Pass, Problem};

use DeviceClass::{Gpu, SoftwareVulkan};

/// What a row of the table looks at.
type Query = (Pass, Problem);

const TABLE: &[Rule<Query, Conv2dAlgorithm>] = &[
    Rule {
        device: SoftwareVulkan,
        when: "one filter to a channel",
        test: |(_, problem)| problem.is_depthwise(),
        algorithm: Conv2dAlgorithm::Depthwise,
        why: "there is no sum over channels that a matrix product could share",
    },
    Rule {
        device: SoftwareVulkan,
        when: "1 × 1, stride 1, no padding",
        test: |(_, problem)| problem.is_pointwise(),
        algorithm: Conv2dAlgorithm::Im2col,
        why: "it is a matrix product of the operands as they lie",
    },
    Rule {
        device: SoftwareVulkan,
        when: "not empty",
        test: |_| true,
        algorithm: Conv2dAlgorithm::Lanes,
        why: "shuffles between 8 lanes cost one instruction there, workgroup memory a scalar loop",
    },
    Rule {
        device: Gpu,
        when: "one filter to a channel",
        test: |(_, problem)| problem.is_depthwise(),
        algorithm: Conv2dAlgorithm::Depthwise,
        why: "there is no sum over channels that a matrix product could share",
    },
    Rule {
        device: Gpu,
        when: "1 × 1, stride 1, no padding",
        test: |(_, problem)| problem.is_pointwise(),
        algorithm: Conv2dAlgorithm::Im2col,
        why: "it is a matrix product of the operands as they lie",
    },
    Rule {
        device: Gpu,
        when: "sums of 16 terms or more, 8 channels or more in a group",
        test: |(pass, problem)| {
            let [inputs, outputs] = problem.group_channels();
            let columns = if *pass == Pass::BackwardInput { inputs } else { outputs };
            problem.terms() >= 16 && columns >= 8
        },
        algorithm: Conv2dAlgorithm::ImplicitGemm,
        why: "every gathered element serves a tile of channels, and no matrix of patches goes through memory",
    },
];

/// The algorithm for a pass of `problem`.
pub fn conv2d(device: &Device, pass: Pass, problem: &Problem) -> Choice<Conv2dAlgorithm> {
    let query = (pass, *problem);
    let row = TABLE.iter().find(|rule| {
        rule.device == device.class && (rule.test)(&query) && runs(rule.algorithm, device, pass, problem)
    });
    let (algorithm, when, why) = match row {
        Some(rule) => (rule.algorithm, rule.when, rule.why),
        None if runs(Conv2dAlgorithm::Direct, device, pass, problem) => {
            (Conv2dAlgorithm::Direct, "else", "it runs every shape")
        }
        None => (Conv2dAlgorithm::Im2col, "else", "its sums may have any length"),
    };
    let problem = format!("{} of {problem}", pass.name());
    Choice { algorithm, when, why, device: device.class, problem, kernel: algorithm.name() }
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
    algorithm.obstacle(device, pass, problem).is_none() && algorithm.fits(device, problem)
}
