//! The pass that makes integer operations of real ones between bytes: what it fuses is the same number or one step from it, and
//! what has no exact form in bytes stays as it is.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{context, random};
use tilewright::{
    Context, DType, Tensor,
    graph::{Compiled, Graph, Options, ValueId, passes::fuse_quantized},
    ops::{BinaryOp, Conv2d, Op, Pool2d, Quantized, UnaryOp},
};

struct Network {
    graph: Graph,
    context: Context,
}

impl Network {
    fn new() -> Self {
        let context = context();
        Self { graph: Graph::new(&context), context }
    }

    fn numbers(&mut self, scale: &[f32], zero: &[i32]) -> [ValueId; 2] {
        let shape: &[usize] = if scale.len() == 1 { &[] } else { &[scale.len()] };
        let scale = Tensor::from_slice(&self.context, scale, shape).unwrap();
        let zero = Tensor::from_slice(&self.context, zero, shape).unwrap();
        [scale, zero].map(|tensor| self.graph.constant(tensor))
    }

    fn push(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        self.graph.push(op.name(), op, inputs).unwrap()
    }

    fn quantize(&mut self, x: ValueId, scale: f32, zero: i32) -> ValueId {
        let [scale, zero] = self.numbers(&[scale], &[zero]);
        self.push(Op::Quantized(Quantized::Quantize { dtype: DType::I8, axis: None }), &[x, scale, zero])
    }

    fn dequantize(&mut self, x: ValueId, scale: f32, zero: i32) -> ValueId {
        let [scale, zero] = self.numbers(&[scale], &[zero]);
        self.push(Op::Quantized(Quantized::Dequantize { axis: None }), &[x, scale, zero])
    }

    /// An input of 2 × 3 × 6 × 7 as real numbers that were bytes.
    fn input(&mut self, name: &str, scale: f32) -> ValueId {
        let x = self.graph.input(name, &[2, 3, 6, 7], DType::F32);
        let x = self.quantize(x, scale, 4);
        self.dequantize(x, scale, 4)
    }

    /// A constant of bytes as real numbers.
    fn weight(&mut self, seed: u64, shape: &[usize], scale: &[f32], axis: Option<usize>) -> ValueId {
        let values: Vec<i8> =
            random(seed, shape.iter().product(), -127.0, 127.0).iter().map(|value| *value as i8).collect();
        let weight = Tensor::from_slice(&self.context, &values, shape).unwrap();
        let weight = self.graph.constant(weight);
        let [scale, zero] = self.numbers(scale, &vec![0; scale.len()]);
        self.push(Op::Quantized(Quantized::Dequantize { axis }), &[weight, scale, zero])
    }

    fn convolve(&mut self, x: ValueId, weight: ValueId) -> ValueId {
        let op = Conv2d { padding: [1, 1], ..Conv2d::default() };
        let op = Op::Conv2d { op, bias: false, residual: false, activation: None, pool: None };
        self.push(op, &[x, weight])
    }

    /// Real numbers as an output, by way of bytes.
    fn output(&mut self, name: &str, y: ValueId, scale: f32, zero: i32) {
        let y = self.quantize(y, scale, zero);
        let y = self.push(Op::Cast(DType::I32), &[y]);
        self.graph.output(name, y).unwrap();
    }

    /// The steps of each output, optimised and not.
    fn answers(&self) -> [Vec<Vec<i32>>; 2] {
        let shape = [2, 3, 6, 7];
        let inputs = self.graph.inputs().len() as u64;
        let values = (0..inputs).map(|seed| random(90 + seed, 2 * 3 * 6 * 7, -3.0, 3.0));
        let inputs: Vec<Tensor> =
            values.map(|values| Tensor::from_slice(&self.context, &values, &shape).unwrap()).collect();
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        [true, false].map(|optimize| {
            let options = Options { optimize, ..Options::default() };
            let outputs = Compiled::new(&self.graph, &options).unwrap().run(&inputs).unwrap();
            outputs.iter().map(|y| y.to_vec().unwrap()).collect()
        })
    }

    /// How many places the pass changes, all of whose outcomes are at most one step from what they were.
    fn fused(&self) -> usize {
        let [found, expected] = self.answers();
        for ((name, _), (found, expected)) in self.graph.outputs().iter().zip(found.iter().zip(&expected)) {
            let steps = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
            assert!(steps.clone().all(|steps| steps <= 1), "{name}");
            let unequal = steps.filter(|&steps| steps > 0).count();
            assert!(unequal * 50 <= found.len(), "{name}: {unequal} of {}", found.len());
        }
        fuse_quantized(&self.graph).unwrap().1
    }
}

const PER: [f32; 4] = [0.004, 0.003, 0.005, 0.002];

#[test]
fn what_lies_between_bytes_is_fused() {
    let mut n = Network::new();
    let (x, z) = (n.input("x", 0.03), n.input("z", 0.02));
    let weight = n.weight(1, &[4, 3, 3, 3], &PER, Some(0));
    let y = n.convolve(x, weight);
    let y = n.push(Op::Unary(UnaryOp::Relu), &[y]);
    n.output("relu", y, 0.2, -90);
    let y = n.convolve(z, weight);
    let y = n.push(Op::Unary(UnaryOp::Clamp { min: -1.0, max: 5.0 }), &[y]);
    let y = n.push(Op::Reshape(vec![2, 168]), &[y]);
    n.output("clamp and reshape", y, 0.2, 3);
    let add = |activation| Op::Binary { op: BinaryOp::Add, activation };
    let y = n.push(add(Some(UnaryOp::Relu6)), &[x, z]);
    n.output("sum", y, 0.05, -20);
    let square = n.weight(2, &[3, 3, 3, 3], &PER[..3], Some(0));
    let y = n.convolve(x, square);
    let y = n.push(add(None), &[z, y]);
    n.output("residual", y, 0.2, 3);
    let pool = Pool2d { padding: [1, 1], ..Pool2d::new([3, 3]) };
    let y = n.push(Op::AvgPool2d(pool), &[x]);
    n.output("mean", y, 0.023, 0);
    let y = n.push(Op::MaxPool2d { pool, indices: false }, &[x]);
    n.output("maximum", y, 0.03, 4);
    let y = n.push(Op::Permute(vec![0, 2, 3, 1]), &[x]);
    n.output("permuted", y, 0.03, 4);
    let y = n.push(Op::Concat { axis: 1 }, &[x, x]);
    n.output("concatenated", y, 0.03, 4);
    assert_eq!(n.fused(), 8);
}

#[test]
fn what_is_no_integer_operation_stays() {
    let mut n = Network::new();
    let (x, z) = (n.input("x", 0.03), n.input("z", 0.02));
    let pool = Pool2d::new([2, 2]);
    // Maxima of another scale, and of another zero point.
    let y = n.push(Op::MaxPool2d { pool, indices: false }, &[x]);
    n.output("another scale", y, 0.04, 4);
    let y = n.push(Op::MaxPool2d { pool, indices: false }, &[z]);
    n.output("another zero point", y, 0.02, 5);
    // Scales along the inputs of a weight.
    let wrong = n.weight(1, &[4, 3, 3, 3], &PER[..3], Some(1));
    let y = n.convolve(x, wrong);
    n.output("another axis", y, 0.2, 0);
    // Real numbers that are read, too.
    let weight = n.weight(2, &[4, 3, 3, 3], &[0.004], None);
    let y = n.convolve(x, weight);
    n.output("read twice", y, 0.2, 0);
    let cut = n.push(Op::Cast(DType::I32), &[y]);
    n.graph.output("the other reader", cut).unwrap();
    // More than a clamp between.
    let y = n.convolve(z, weight);
    let y = n.push(Op::Unary(UnaryOp::Gelu), &[y]);
    n.output("gelu", y, 0.2, 0);
    // An operand that was no bytes.
    let y = n.push(Op::Unary(UnaryOp::Sigmoid), &[x]);
    let y = n.push(Op::Binary { op: BinaryOp::Add, activation: None }, &[y, z]);
    n.output("real", y, 0.04, 0);
    // Parts of different scales.
    let y = n.push(Op::Concat { axis: 1 }, &[x, z]);
    n.output("parts", y, 0.03, 4);
    assert_eq!(n.fused(), 0);
}

/// Clamps of bytes that are computed in words become ends of what made them.
#[test]
fn clamps_of_bytes_are_fused() {
    let mut n = Network::new();
    let (x, z) = (n.input("x", 0.03), n.input("z", 0.02));
    let sum = n.push(Op::Binary { op: BinaryOp::Add, activation: None }, &[x, z]);
    let y = n.quantize(sum, 0.05, -20);
    let mut words = n.push(Op::Cast(DType::I32), &[y]);
    for (op, bound) in [(BinaryOp::Maximum, -30), (BinaryOp::Minimum, 40)] {
        let bound = Tensor::from_slice(&n.context, &[bound], &[]).unwrap();
        let bound = n.graph.constant(bound);
        words = n.push(Op::Binary { op, activation: None }, &[words, bound]);
    }
    let bytes = n.push(Op::Cast(DType::I8), &[words]);
    let words = n.push(Op::Cast(DType::I32), &[bytes]);
    n.graph.output("y", words).unwrap();
    assert_eq!(n.fused(), 1);
    let compiled = Compiled::new(&n.graph, &Options::default()).unwrap();
    let names: Vec<_> = compiled.graph().nodes().iter().map(|node| node.op.name()).collect();
    assert_eq!(names, ["quantize", "quantize", "qadd", "cast"]);
    let [found, _] = n.answers();
    assert!(found[0].iter().all(|number| (-30..=40).contains(number)));
    assert!(found[0].contains(&-30) && found[0].contains(&40));
}
