//! The convolution suite: every convolution of five well-known networks, at batch 1. `benches/peers` reads the same file.

use std::collections::BTreeSet;

use serde::Deserialize;
use tilewright_kernels::convolution::Problem;
use tilewright_ops::{Conv2d, DType};

use crate::{error::Error, error::Result};

/// Made from the papers' (and torchvision's) definitions of the networks.
const LAYERS: &str = include_str!("layers.json");

/// One convolution, without bias.
#[derive(Clone, Debug, Deserialize)]
pub struct Layer {
    /// The layer's name in the network, as in a state dict.
    pub name: String,
    /// N C H W of the input.
    x: [usize; 4],
    /// O C/groups KH KW.
    w: [usize; 4],
    stride: usize,
    padding: usize,
    groups: usize,
}

impl Layer {
    /// Its numbers.
    pub fn problem(&self) -> Result<Problem> {
        let op = Conv2d {
            stride: [self.stride; 2],
            padding: [self.padding; 2],
            dilation: [1, 1],
            groups: self.groups,
        };
        Ok(Problem::new(&op, self.x, self.w)?)
    }
}

/// Whether two layers are the same work, whatever they are called.
fn same(a: &Problem, b: &Problem) -> bool {
    (a.op, a.x_shape, a.w_shape) == (b.op, b.x_shape, b.w_shape)
}

/// A network's convolutions in the order in which they run.
#[derive(Clone, Debug, Deserialize)]
pub struct Network {
    /// Its name in the zoo.
    pub name: String,
    /// Its name in papers.
    pub title: String,
    /// Every convolution.
    pub layers: Vec<Layer>,
}

/// The networks of the suite.
pub fn networks() -> Result<Vec<Network>> {
    serde_json::from_str(LAYERS).map_err(|error| Error::Check(format!("the suite's layers.json: {error}")))
}

/// The network called `name`.
pub fn network(name: &str) -> Result<Network> {
    let all = networks()?;
    let names: Vec<_> = all.iter().map(|network| network.name.clone()).collect();
    all.into_iter().find(|network| network.name == name).ok_or_else(|| Error::Argument {
        argument: "--network",
        reason: format!("`{name}` is not in the suite, which has: {}", names.join(", ")),
    })
}

/// A convolution that one network or several have.
#[derive(Clone, Debug)]
pub struct Work {
    /// Its numbers.
    pub problem: Problem,
    /// The networks' names.
    pub networks: BTreeSet<String>,
    /// The layers of that shape, of all those networks.
    pub layers: Vec<String>,
}

/// The distinct convolutions of the networks named, or of all.
pub fn works(names: &[String]) -> Result<Vec<Work>> {
    let chosen = match names {
        [] => networks()?,
        names => names.iter().map(|name| network(name)).collect::<Result<_>>()?,
    };
    let mut works: Vec<Work> = Vec::new();
    for network in &chosen {
        for layer in &network.layers {
            let problem = layer.problem()?;
            let at = works.iter().position(|work| same(&work.problem, &problem)).unwrap_or_else(|| {
                works.push(Work { problem, networks: BTreeSet::new(), layers: Vec::new() });
                works.len() - 1
            });
            works[at].networks.insert(network.name.clone());
            works[at].layers.push(layer.name.clone());
        }
    }
    Ok(works)
}

/// `3×3, 64→128, 56×56 /2`: what a person calls it.
pub fn describe(problem: &Problem) -> String {
    let ([_, inputs, height, width], [outputs, _, rows, columns]) = (problem.x_shape, problem.w_shape);
    let depthwise = if problem.op.groups > 1 { "dw " } else { "" };
    let stride =
        if problem.op.stride == [1, 1] { String::new() } else { format!(" /{}", problem.op.stride[0]) };
    format!("{depthwise}{rows}×{columns}, {inputs}→{outputs}, {height}×{width}{stride}")
}

/// Bytes that each pass must move at least: the two operands read, the result written.
pub fn bytes(problem: &Problem) -> Result<u64> {
    Ok(problem.op.bytes(problem.x_shape, problem.w_shape, DType::F32)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published multiply-adds of the convolutions, in 10⁹ (ResNets and MobileNetV2: fvcore's count of
    /// torchvision's networks less their linear layer).
    #[test]
    fn the_networks_have_their_known_size() {
        let expected = [("resnet18", 1.81), ("resnet50", 4.09), ("vgg16", 15.35), ("mobilenet_v2", 0.30)];
        for (name, billions) in expected {
            let flops: u64 =
                network(name).expect("known").layers.iter().map(|l| l.problem().expect("fits").flops()).sum();
            let found = flops as f64 / 2e9;
            assert!((found / billions - 1.0).abs() < 0.02, "{name}: {found}");
        }
    }

    #[test]
    fn distinct_works_cover_every_layer() {
        let all: usize = networks().expect("reads").iter().map(|network| network.layers.len()).sum();
        let works = works(&[]).expect("reads");
        assert_eq!(works.iter().map(|work| work.layers.len()).sum::<usize>(), all);
        assert_eq!(works.len(), 83);
        assert!(network("lenet").is_err_and(|error| error.to_string().contains("vgg16")));
    }
}
