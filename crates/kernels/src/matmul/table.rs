//! The table for matrix products.

use tilewright_ops::DType;

use super::{algorithm::MatmulAlgorithm, problem::Problem};
use crate::base::{
    choice::{Choice, Rule},
    device::{Device, DeviceClass},
};

use DeviceClass::{Gpu, SoftwareVulkan};

/// Extents from which on a product is large enough for split halves.
pub(super) const LARGE: usize = 1024;

/// Extents from which on a product fills a tile of matrices.
pub(super) const SMALL: usize = 64;

const TABLE: &[Rule<Problem, MatmulAlgorithm>] = &[
    Rule {
        device: Gpu,
        when: "M ≥ 64 and N ≥ 64 and K ≥ 64, cooperative matrices of the operands' type that pay",
        test: |problem| problem.m.min(problem.n).min(problem.k) >= SMALL,
        algorithm: MatmulAlgorithm::Cooperative,
        why: "a subgroup multiplies matrices in one instruction; a trial found it right and quicker here",
    },
    Rule {
        device: Gpu,
        when: "f32, M, N and K ≥ 1024, cooperative matrices that pay",
        test: |problem| problem.dtype == DType::F32 && problem.m.min(problem.n).min(problem.k) >= LARGE,
        algorithm: MatmulAlgorithm::SplitF16,
        why: "three products of halves on matrix units; splitting reads and writes each operand once, which needs \
              many uses of it; a trial found it right and quicker here",
    },
    Rule {
        device: SoftwareVulkan,
        when: "K > 0",
        test: |problem| problem.k > 0,
        algorithm: MatmulAlgorithm::Lanes,
        why: "shuffles between lanes cost one instruction there, workgroup memory a scalar loop",
    },
    Rule {
        device: Gpu,
        when: "M ≥ 32 and N ≥ 32 and K ≥ 16, rows of A and B begin at whole vec4s",
        test: |problem| problem.m >= 32 && problem.n >= 32 && problem.k >= 16,
        algorithm: MatmulAlgorithm::Vec4,
        why: "a thread's 64 or 16 sums share every vec4 that it reads, and loads hide behind them",
    },
    Rule {
        device: Gpu,
        when: "M ≥ 32 and N ≥ 32 and K ≥ 16",
        test: |problem| problem.m >= 32 && problem.n >= 32 && problem.k >= 16,
        algorithm: MatmulAlgorithm::RegisterTiled,
        why: "it reads single elements, so that rows may begin anywhere",
    },
    Rule {
        device: Gpu,
        when: "M ≥ 8 and N ≥ 8 and K ≥ 16",
        test: |problem| problem.m >= 8 && problem.n >= 8 && problem.k >= 16,
        algorithm: MatmulAlgorithm::Tiled,
        why: "every loaded element is used 16 times",
    },
];

/// The algorithm for `problem`.
pub fn matmul(device: &Device, problem: &Problem) -> Choice<MatmulAlgorithm> {
    let row = TABLE.iter().find(|rule| {
        rule.device == device.class
            && (rule.test)(problem)
            && rule.algorithm.obstacle(device, problem).is_none()
            && rule.algorithm.pays(device, problem.dtype)
    });
    let (algorithm, when, why) = match row {
        Some(rule) => (rule.algorithm, rule.when, rule.why),
        None => (MatmulAlgorithm::Naive, "else", "it runs every shape, and this one is small or narrow"),
    };
    Choice {
        algorithm,
        when,
        why,
        device: device.class,
        problem: problem.to_string(),
        kernel: algorithm.stem(),
        caveat: algorithm.caveat(),
    }
}

/// Every algorithm that can run `problem`, the table's choice first.
pub fn matmul_candidates(device: &Device, problem: &Problem) -> Vec<MatmulAlgorithm> {
    let first = matmul(device, problem).algorithm;
    let rest = MatmulAlgorithm::ALL
        .into_iter()
        .filter(|&algorithm| algorithm != first && algorithm.obstacle(device, problem).is_none());
    std::iter::once(first).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_an_algorithm_that_can_run_it() {
        for device in [&Device::SOFTWARE_VULKAN, &Device::GPU] {
            for [m, n, k] in
                [[0, 4, 4], [1, 1, 0], [7, 9, 3], [128, 128, 128], [1000, 1, 4096], [130, 127, 65]]
            {
                for (transpose_left, transpose_right) in [(false, false), (true, false), (false, true)] {
                    let problem = Problem {
                        batches: 2,
                        m,
                        n,
                        k,
                        transpose_left,
                        transpose_right,
                        ..Problem::default()
                    };
                    let choice = matmul(device, &problem);
                    assert_eq!(choice.algorithm.obstacle(device, &problem), None, "{}", choice.explain());
                    assert_eq!(matmul_candidates(device, &problem)[0], choice.algorithm);
                }
            }
        }
    }

    #[test]
    fn the_explanation_names_shape_kernel_and_reason() {
        let problem = Problem { batches: 1, m: 64, n: 64, k: 64, ..Problem::default() };
        let text = matmul(&Device::SOFTWARE_VULKAN, &problem).explain();
        assert!(
            text.contains("M 64") && text.contains("matmul_lanes") && text.contains("software"),
            "{text}"
        );
    }
}
