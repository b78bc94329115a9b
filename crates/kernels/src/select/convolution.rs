//! The table for convolutions.

use super::{Choice, DeviceClass, Rule};
use crate::convolution::{Conv2dAlgorithm, Pass, Problem};

/// What a row of the table looks at.
type Query = (Pass, Problem);

const TABLE: &[Rule<Query, Conv2dAlgorithm>] = &[];

/// The algorithm for a pass of `problem`.
pub fn conv2d(device: DeviceClass, pass: Pass, problem: &Problem) -> Choice<Conv2dAlgorithm> {
    let query = (pass, *problem);
    let row = TABLE.iter().find(|rule| {
        rule.device == device
            && (rule.test)(&query)
            && rule.algorithm.obstacle(device, pass, problem).is_none()
    });
    let (algorithm, when, why) = match row {
        Some(rule) => (rule.algorithm, rule.when, rule.why),
        None => (Conv2dAlgorithm::Direct, "else", "it runs every shape"),
    };
    let problem = format!("{} of {problem}", pass.name());
    Choice { algorithm, when, why, device, problem, kernel: algorithm.name() }
}

/// Every algorithm that can run this pass of `problem`, the table's choice first.
pub fn conv2d_candidates(device: DeviceClass, pass: Pass, problem: &Problem) -> Vec<Conv2dAlgorithm> {
    let first = conv2d(device, pass, problem).algorithm;
    let rest = Conv2dAlgorithm::ALL
        .into_iter()
        .filter(|&algorithm| algorithm != first && algorithm.obstacle(device, pass, problem).is_none());
    std::iter::once(first).chain(rest).collect()
}
