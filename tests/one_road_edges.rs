//! The one road at its edges: what has no gradient says so, what does not fit is refused with and without one, and what
//! runs eagerly compiles.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::context;
use tilewright::{
    Context, DType, Tensor, Var, autograd,
    graph::{Compiled, Error, Graph, Options, Precision, capture, passes},
    ops::{BatchNorm, BinaryOp, Conv2d, CrossEntropy, Gradient, Op, Quantization, SliceRange, Softmax},
    tensor,
};

fn tensor(context: &Context, shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|at| (at % 7) as f32 - 2.5).collect();
    Tensor::from_slice(context, &values, shape).unwrap()
}

#[test]
fn a_gradient_that_no_rule_knows_is_an_error() {
    let context = context();
    let constant = |shape: &[usize]| Var::constant(tensor(&context, shape));
    let leaf = |shape: &[usize]| Var::leaf(tensor(&context, shape));
    let x = constant(&[2, 3, 2, 2]);
    let (w, b, var) = (constant(&[3]), constant(&[3]), Var::constant(Tensor::ones(&context, &[3]).unwrap()));
    let eval = Op::BatchNorm { op: BatchNorm::default(), activation: None };
    let error = Var::run(&eval, &[&x, &w, &b, &leaf(&[3]), &var]).unwrap_err();
    assert!(matches!(error, autograd::Error::NoGradient { op: "batch_norm_eval" }), "{error}");
    let labels = Var::constant(Tensor::from_slice(&context, &[0i32, 2], &[2]).unwrap());
    let loss = Op::CrossEntropy { op: CrossEntropy::default(), weights: true };
    let error = Var::run(&loss, &[&leaf(&[2, 3]), &labels, &leaf(&[3])]).unwrap_err();
    assert!(matches!(error, autograd::Error::NoGradient { op: "cross_entropy" }), "{error}");
    // What training saves and carries on is no part of the tape.
    let train = Op::BatchNormTrain { op: BatchNorm::default(), activation: None };
    let results = Var::run(&train, &[&leaf(&[2, 3, 2, 2]), &w, &b, &w, &var]).unwrap();
    assert!(results[0].needs_gradient());
    assert!(results[1..].iter().all(|result| !result.needs_gradient()));
}

#[test]
fn a_residual_has_the_results_shape_with_a_gradient_too() {
    let context = context();
    let op = Op::Conv2d { op: Conv2d::default(), bias: false, residual: true, activation: None, pool: None };
    for residual in [[2, 2, 3, 3], [1, 2, 1, 1]] {
        for wants in [false, true] {
            let x = tensor(&context, &[1, 3, 3, 3]);
            let x = if wants { Var::leaf(x) } else { Var::constant(x) };
            let weight = Var::constant(tensor(&context, &[2, 3, 1, 1]));
            let residual = Var::constant(tensor(&context, &residual));
            let error = Var::run(&op, &[&x, &weight, &residual]).unwrap_err().to_string();
            assert!(error.contains("residual") && error.contains("[1, 2, 3, 3]"), "{error}");
        }
    }
}

#[test]
fn quantised_constants_are_bare_in_a_graph() {
    let context = context();
    let quantization = Quantization::per_tensor(0.1, 100).unwrap();
    let x = tensor(&context, &[2, 3]);
    let held = x.scale(0.5).unwrap().quantize(&quantization, DType::U8).unwrap();
    let forward = |x: &Tensor| -> tensor::Result<Tensor> {
        Tensor::concat(&[&x.quantize(&quantization, DType::U8)?, &held], 0)?.dequantize()
    };
    let graph = capture(&context, &[("x", &[2, 3], DType::F32)], |inputs| {
        Ok::<_, tensor::Error>(vec![("y".to_owned(), forward(&inputs[0])?)])
    })
    .unwrap();
    let compiled = Compiled::new(&graph, &Options::default()).unwrap();
    let found = compiled.run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap();
    assert_eq!(found, forward(&x).unwrap().to_vec::<f32>().unwrap());
}

#[test]
fn a_product_over_nothing_compiles() {
    let context = context();
    let x = tensor(&context, &[4, 3]);
    let nothing = Tensor::zeros(&context, &[0, 5]).unwrap();
    let forward = |x: &Tensor| -> tensor::Result<Tensor> {
        x.slice(&[SliceRange::full(4), SliceRange::new(0, 0)])?.matmul(&nothing)
    };
    let graph = capture(&context, &[("x", &[4, 3], DType::F32)], |inputs| {
        Ok::<_, tensor::Error>(vec![("y".to_owned(), forward(&inputs[0])?)])
    })
    .unwrap();
    let compiled = Compiled::new(&graph, &Options::default()).unwrap();
    assert_eq!(compiled.run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap(), [0.0; 20]);
    assert_eq!(forward(&x).unwrap().to_vec::<f32>().unwrap(), [0.0; 20]);
}

#[test]
fn a_constant_beyond_f16_stays_f32() {
    let context = context();
    let weight = tensor(&context, &[3, 3]);
    let mask = Tensor::full(&context, -1e9, &[1, 3]).unwrap();
    let graph = capture(&context, &[("x", &[2, 3], DType::F32)], |inputs| {
        let y = inputs[0].matmul(&weight)?;
        Ok::<_, tensor::Error>(vec![("y".to_owned(), Tensor::concat(&[&y, &mask], 0)?)])
    })
    .unwrap();
    let options = Options { precision: Precision::F16, ..Options::default() };
    let compiled = Compiled::new(&graph, &options).unwrap();
    let found = compiled.run(&[&tensor(&context, &[2, 3])]).unwrap()[0].to_vec::<f32>().unwrap();
    assert_eq!(found[6..], [-1e9; 3]);
    // The product itself is f16 all the same.
    assert_eq!(passes::convert_f16(&graph).unwrap().1, 1);
}

#[test]
fn impossible_operations_are_typed_errors() {
    let context = context();
    let gradient = Op::Gradient(Gradient::Binary { op: BinaryOp::Mul, wants: [false, false] });
    assert!(gradient.output_shape(&[&[2], &[2], &[2]]).is_err());
    let mut graph = Graph::new(&context);
    let [a, b] = [[1 << 40, 1], [1, 1 << 40]].map(|shape| graph.input("x", &shape, DType::F32));
    let add = Op::Binary { op: BinaryOp::Add, activation: None };
    assert!(matches!(graph.push("sum", add, &[a, b]), Err(Error::Node { .. })));
    assert!(Op::Softmax(Softmax { axis: 0 }).flops(&[&[1 << 61]]).unwrap() > 0);
    // A value of the trace that no input of the graph stands for.
    let foreign = capture(&context, &[("x", &[3], DType::F32)], |inputs| {
        let other = inputs[0].trace().unwrap().input(&context, &[3], DType::F32)?;
        Ok::<_, tensor::Error>(vec![("y".to_owned(), inputs[0].add(&other)?)])
    });
    assert!(matches!(foreign, Err(Error::ForeignOperand { .. })));
}
