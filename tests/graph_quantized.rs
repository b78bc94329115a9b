//! The pass that makes integer operations of real ones between bytes: what it fuses is the same number or one step from it, and
//! what has no exact form in bytes stays as it is.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{context, random};
use tilewright::{
    Context, DType, Tensor,
    graph::{Compiled, Graph, Options, ValueId, passes::fuse_quantized},
    ops::{BinaryOp, Conv2d, Op, Pool2d, Quantized, SliceRange, UnaryOp},
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

/// Functions of one number are tables, and so is a change of scale.
#[test]
fn functions_products_and_nearest_elements_are_fused() {
    let mut n = Network::new();
    let (x, z) = (n.input("x", 0.03), n.input("z", 0.02));
    for (at, op) in
        [UnaryOp::Sigmoid, UnaryOp::Gelu, UnaryOp::LeakyRelu { slope: 0.1 }].into_iter().enumerate()
    {
        let y = n.push(Op::Unary(op), &[x]);
        n.output(&format!("function {at}"), y, 0.02, -3);
    }
    let mul = |activation| Op::Binary { op: BinaryOp::Mul, activation };
    let y = n.push(mul(Some(UnaryOp::Relu)), &[x, z]);
    n.output("product", y, 0.06, -20);
    let row = n.graph.input("row", &[2, 3, 6, 7], DType::F32);
    let row = n.quantize(row, 0.03, 1);
    let row = n.push(
        Op::Slice(vec![
            SliceRange::full(2),
            SliceRange::full(3),
            SliceRange::new(2, 3),
            SliceRange::new(1, 2),
        ]),
        &[row],
    );
    let row = n.dequantize(row, 0.03, 1);
    let y = n.push(mul(None), &[row, x]);
    n.output("repeated", y, 0.05, 2);
    n.output("another scale", x, 0.05, -7);
    let y = n.push(Op::Concat { axis: 1 }, &[x, z]);
    n.output("concatenated", y, 0.025, 4);
    let table = |n: &mut Network, places: &[usize]| {
        let entries: Vec<f32> = places.iter().flat_map(|&place| [place as f32, 1.0]).collect();
        let table = Tensor::from_slice(&n.context, &entries, &[places.len(), 1, 2]).unwrap();
        n.graph.constant(table)
    };
    let rows = table(&mut n, &[0, 0, 1, 1, 5, 2, 3]);
    let columns = table(&mut n, &[6, 5, 4, 0]);
    for (name, scale) in [("nearest", 0.03), ("nearest, another scale", 0.04)] {
        let y = n.push(Op::Resample { axis: 2 }, &[x, rows, columns]);
        n.output(name, y, scale, 4);
    }
    assert_eq!(n.fused(), 9);
    let (graph, _) = fuse_quantized(&n.graph).unwrap();
    let count = |name: &str| graph.nodes().iter().filter(|node| node.op.name() == name).count();
    assert_eq!([count("qlookup"), count("qmul"), count("qgather"), count("dequantize")], [7, 2, 4, 0]);
    // A product with real numbers stays, and a mean of elements.
    let mut n = Network::new();
    let x = n.input("x", 0.03);
    let z = n.graph.input("z", &[2, 3, 6, 7], DType::F32);
    let y = n.push(mul(None), &[x, z]);
    n.output("real", y, 0.03, 4);
    let half = Tensor::from_slice(&n.context, &[0.0, 0.5, 1.0, 0.5], &[1, 2, 2]).unwrap();
    let half = n.graph.constant(half);
    let y = n.push(Op::Resample { axis: 2 }, &[x, half, half]);
    n.output("mean", y, 0.03, 4);
    assert_eq!(n.fused(), 0);
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
