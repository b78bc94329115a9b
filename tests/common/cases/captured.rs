//! The list as one graph: every case that is an operation of a graph is a node of it, and its result an output.

use tilewright::{
    Context, DType, Tensor,
    graph::{Graph, capture},
};

use super::{OpCase, Role, all};

/// The graph, what goes in, and what eager execution gives.
pub struct Captured {
    pub graph: Graph,
    pub inputs: Vec<(String, Tensor)>,
    pub expected: Vec<(String, Vec<f32>)>,
}

pub fn captured(context: &Context) -> Captured {
    let cases: Vec<OpCase> = all().into_iter().filter(|case| case.graph_op().is_some()).collect();
    let mut inputs = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        let flows = |input: &super::Input| matches!(input.role, Role::Data | Role::Integers);
        for (seed, input) in case.inputs.iter().enumerate().filter(|(_, input)| flows(input)) {
            inputs.push((format!("{at}.{seed}"), input.tensor(context, seed as u64)));
        }
    }
    // What flows comes from `flowing`, the rest is made at once and so a constant.
    let results = |flowing: &[Tensor]| {
        let mut flowing = flowing.iter();
        let mut results = Vec::new();
        for (at, case) in cases.iter().enumerate() {
            let operand = |(input, seed): (&super::Input, u64)| match input.role {
                Role::Data | Role::Integers => flowing.next().cloned().unwrap(),
                _ => input.tensor(context, seed),
            };
            let operands: Vec<_> = case.inputs.iter().zip(0..).map(operand).collect();
            let Some(op) = case.graph_op() else { continue };
            let y = Tensor::run_one(op, &operands.iter().collect::<Vec<_>>())?;
            results.push((format!("{} {at}", op.name()), y));
        }
        Ok::<_, tilewright::tensor::Error>(results)
    };
    let declared: Vec<_> =
        inputs.iter().map(|(name, tensor)| (name.as_str(), tensor.shape(), tensor.dtype())).collect();
    let graph = capture(context, &declared, results).unwrap();
    let flowing: Vec<_> = inputs.iter().map(|(_, tensor)| tensor.clone()).collect();
    let numbers = |y: Tensor| y.cast(DType::F32).unwrap().to_vec().unwrap();
    let expected = results(&flowing).unwrap().into_iter().map(|(name, y)| (name, numbers(y))).collect();
    Captured { graph, inputs, expected }
}
