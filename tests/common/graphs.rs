//! What the tests of graphs share.
#![allow(clippy::unwrap_used)]

use tilewright::{
    Context, DType, Tensor,
    graph::{Compiled, Graph, capture},
};

pub type Build = dyn Fn(&[Tensor]) -> Result<Vec<Tensor>, tilewright::tensor::Error>;

pub fn graph_of(context: &Context, shapes: &[&[usize]], build: &Build) -> Graph {
    let names = ["a", "b", "c"];
    let inputs: Vec<_> = names.iter().zip(shapes).map(|(&name, &shape)| (name, shape, DType::F32)).collect();
    capture(context, &inputs, |inputs| {
        let outputs = build(inputs)?.into_iter().enumerate();
        Ok::<_, tilewright::tensor::Error>(outputs.map(|(at, y)| (format!("y{at}"), y)).collect())
    })
    .unwrap()
}

pub fn changed(compiled: &Compiled, pass: &str) -> usize {
    compiled.passes().iter().find(|report| report.pass == pass).unwrap().changed
}
