//! Attention in one kernel against the reference: both kernels, in both modes.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, context, contexts, random};
use tilewright::{
    Context, Tensor,
    kernels::{
        attention::{AttentionAlgorithm, Buffers, Problem, attention_as, choose},
        select::Device,
    },
    ops::{Attention, ShapeError},
    tensor::{
        Error, Layout,
        composite::{AttentionMask, AttentionOptions},
    },
};
use tilewright_reference::attention::attention as reference;

/// Batch, heads, queries, keys, numbers of a key and of a value.
type Extents = [usize; 6];

/// The shape of a mask, if there is one.
type MaskShape = Option<[usize; 4]>;

struct Given {
    shapes: [Vec<usize>; 3],
    values: [Vec<f32>; 3],
    mask: Option<(Vec<f32>, Vec<usize>)>,
    op: Attention,
}

fn given([n, h, queries, keys, head, width]: Extents, mask: MaskShape, causal: bool) -> Given {
    let shapes = [vec![n, h, queries, head], vec![n, h, keys, head], vec![n, h, keys, width]];
    let count = |shape: &Vec<usize>| shape.iter().product();
    let values = [0, 1, 2].map(|at: usize| random(at as u64 + 3, count(&shapes[at]), -2.0, 2.0));
    let mask = mask.map(|shape| {
        let count = shape.iter().product();
        let numbers = random(9, count, -3.0, 1.0);
        // A third of the keys is out of sight, for some queries all of them.
        let hidden = |at: usize| at % 3 == 1 || (at / keys) % 4 == 2;
        let mask = numbers.iter().enumerate();
        let mask = mask.map(|(at, &x)| if hidden(at) { f32::NEG_INFINITY } else { x }).collect();
        (mask, shape.to_vec())
    });
    Given { shapes, values, mask, op: Attention { scale: 0.7, causal } }
}

impl Given {
    fn reference(&self) -> (Vec<f32>, Vec<f32>) {
        let operand = |at: usize| (&self.values[at][..], &self.shapes[at][..]);
        let mask = self.mask.as_ref().map(|(mask, shape)| (&mask[..], &shape[..]));
        reference(self.op, operand(0), operand(1), operand(2), mask)
    }

    fn tensors(&self, context: &Context) -> (Vec<Tensor>, Option<Tensor>) {
        let tensor = |values: &[f32], shape: &[usize]| Tensor::from_slice(context, values, shape).unwrap();
        let operands = (0..3).map(|at| tensor(&self.values[at], &self.shapes[at])).collect();
        (operands, self.mask.as_ref().map(|(mask, shape)| tensor(mask, shape)))
    }

    fn problem(&self) -> Problem {
        let &[batch, heads, queries, head] = &self.shapes[0][..] else { unreachable!() };
        let (keys, width) = (self.shapes[1][2], self.shapes[2][3]);
        let mask = self.mask.as_ref().map(|(_, shape)| {
            [0, 1, 2].map(|axis| if shape[axis] == 1 { 0 } else { shape[axis + 1..].iter().product() })
        });
        let Attention { scale, causal } = self.op;
        Problem { batch, heads, queries, keys, head, width, mask, scale, causal }
    }

    fn by(&self, context: &Context, algorithm: AttentionAlgorithm) -> (Vec<f32>, Vec<f32>) {
        let (operands, mask) = self.tensors(context);
        let shapes = self.op.output_shapes(
            &self.shapes[0],
            &self.shapes[1],
            &self.shapes[2],
            self.mask.as_ref().map(|(_, shape)| &shape[..]),
        );
        let made = shapes
            .unwrap()
            .into_iter()
            .map(|shape| Tensor::empty(context, &shape, tilewright::DType::F32, Layout::RowMajor).unwrap());
        let results: Vec<Tensor> = made.collect();
        let buffers = Buffers {
            query: operands[0].buffer(),
            key: operands[1].buffer(),
            value: operands[2].buffer(),
            mask: mask.as_ref().unwrap_or(&operands[0]).buffer(),
            y: results[0].buffer(),
            log_sum: results[1].buffer(),
        };
        attention_as(context, algorithm, &self.problem(), &buffers).unwrap();
        (results[0].to_vec().unwrap(), results[1].to_vec().unwrap())
    }
}

fn check(found: &(Vec<f32>, Vec<f32>), expected: &(Vec<f32>, Vec<f32>)) -> Result<(), String> {
    close(&found.0, &expected.0, 1e-5, 2e-6).map_err(|error| format!("y: {error}"))?;
    close(&found.1, &expected.1, 1e-5, 4e-6).map_err(|error| format!("log_sum: {error}"))
}

/// Around the tiles of queries and keys, and of vec4s.
#[test]
fn kernels_are_the_reference() {
    let (mut cases, contexts) = (Cases::new(), contexts());
    let mut run = |extents: Extents, mask: MaskShape, causal: bool| {
        let given = given(extents, mask, causal);
        let expected = given.reference();
        for context in &contexts {
            for algorithm in AttentionAlgorithm::ALL {
                if algorithm.runs(&Device::of(context), &given.problem()) {
                    let name = format!("{extents:?} {mask:?} {causal} {algorithm:?} {:?}", context.mode());
                    cases.check(name, check(&given.by(context, algorithm), &expected));
                }
            }
        }
    };
    for (queries, keys) in [(1, 1), (7, 9), (8, 8), (9, 15), (33, 16), (64, 17), (65, 40)] {
        run([1, 2, queries, keys, 8, 4], None, false);
    }
    run([2, 3, 34, 34, 8, 4], None, true);
    run([2, 3, 40, 9, 8, 4], None, true);
    run([2, 3, 6, 20, 8, 4], None, true);
    for mask in [[2, 3, 35, 19], [1, 1, 35, 19], [2, 1, 1, 19], [1, 3, 1, 19]] {
        run([2, 3, 35, 19, 8, 4], Some(mask), mask[1] == 3);
    }
    // No whole vec4s, and the largest.
    run([1, 2, 5, 6, 3, 5], None, false);
    run([1, 1, 5, 6, 17, 1], Some([1, 1, 5, 6]), false);
    run([1, 1, 20, 12, 128, 64], None, false);
    cases.finish();
}

/// What no kernel runs is computed in steps; so are heads of no numbers.
#[test]
fn steps_are_the_reference() {
    let (mut cases, context) = (Cases::new(), context());
    for (extents, mask, causal) in [
        ([2, 2, 9, 7, 132, 6], Some([1, 2, 9, 7]), false),
        ([1, 1, 5, 5, 130, 130], None, true),
        ([1, 2, 3, 4, 0, 2], None, false),
    ] {
        let given = given(extents, mask, causal);
        assert_eq!(choose(&Device::of(&context), &given.problem()), None, "{extents:?}");
        let (operands, mask) = given.tensors(&context);
        let (y, log_sum) =
            operands[0].attention(&operands[1], &operands[2], mask.as_ref(), given.op).unwrap();
        let found = (y.to_vec().unwrap(), log_sum.to_vec().unwrap());
        cases.check(format!("{extents:?}"), check(&found, &given.reference()));
    }
    cases.finish();
}

/// Large scores leave no f32, and what is not a number shows.
#[test]
fn scores_out_of_range() {
    for context in contexts() {
        let tensor = |values: &[f32]| Tensor::from_slice(&context, values, &[1, 1, 2, 4]).unwrap();
        let value = tensor(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        let run = |query: &[f32], key: &[f32]| {
            let op = Attention { scale: 1.0, causal: false };
            tensor(query).attention(&tensor(key), &value, None, op).unwrap().0.to_vec::<f32>().unwrap()
        };
        let far = [1e18, 0.0, 0.0, 0.0, -1e18, 0.0, 0.0, 0.0];
        let y = run(&far, &far);
        assert_eq!(y, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], "{:?}", context.mode());
        let mut none = far;
        none[1] = f32::NAN;
        let y = run(&none, &far.map(|x| x * 1e-18));
        assert!(y[..4].iter().all(|x| x.is_nan()), "{y:?}");
        assert!(y[4..].iter().all(|x| x.is_finite()), "{y:?}");
    }
}

#[test]
fn nothing_asked_is_nothing_given() {
    let context = context();
    let tensor = |shape: &[usize]| Tensor::ones(&context, shape).unwrap();
    let op = Attention { scale: 1.0, causal: false };
    let (y, log_sum) =
        tensor(&[1, 2, 0, 4]).attention(&tensor(&[1, 2, 3, 4]), &tensor(&[1, 2, 3, 5]), None, op).unwrap();
    assert_eq!((y.shape(), log_sum.shape()), (&[1, 2, 0, 5][..], &[1, 2, 0][..]));
    let none = tensor(&[1, 2, 2, 4]).attention(&tensor(&[1, 2, 0, 4]), &tensor(&[1, 2, 0, 5]), None, op);
    assert!(matches!(none, Err(Error::Shape(ShapeError::EmptyReduction { .. }))));
}

#[test]
fn operands_that_do_not_fit_are_typed_errors() {
    let context = context();
    let tensor = |shape: &[usize]| Tensor::ones(&context, shape).unwrap();
    let (q, k) = (tensor(&[2, 3, 5, 4]), tensor(&[2, 3, 6, 4]));
    let op = AttentionOptions::default();
    let shape = |outcome: Result<Tensor, Error>| match outcome {
        Err(Error::Shape(error)) => error,
        other => panic!("{other:?}"),
    };
    let run = |q: &Tensor, k: &Tensor, v: &Tensor| q.scaled_dot_product_attention(k, v, None, &op);
    assert!(matches!(shape(run(&tensor(&[4]), &k, &k)), ShapeError::Rank { .. }));
    assert!(matches!(shape(run(&q, &tensor(&[2, 1, 6, 4]), &k)), ShapeError::Operand { .. }));
    assert!(matches!(shape(run(&q, &tensor(&[2, 3, 6, 3]), &k)), ShapeError::Operand { .. }));
    assert!(matches!(shape(run(&q, &k, &q)), ShapeError::Operand { .. }));
    let mask = tensor(&[4, 6]);
    let masked = q.scaled_dot_product_attention(&k, &k, Some(AttentionMask::Allowed(&mask)), &op);
    assert!(matches!(shape(masked), ShapeError::Broadcast { .. }));
    let problem = given([1, 1, 2, 2, 300, 4], None, false).problem();
    let buffer = q.buffer();
    let buffers =
        Buffers { query: buffer, key: buffer, value: buffer, mask: buffer, y: buffer, log_sum: buffer };
    let refused = attention_as(&context, AttentionAlgorithm::Tiled, &problem, &buffers);
    assert!(matches!(refused, Err(tilewright::runtime::Error::Unsupported { .. })));
}
