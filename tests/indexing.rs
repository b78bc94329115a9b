//! Gathering and scattering by index, against PyTorch and the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, contexts, random};
use tilewright::{
    Context, Tensor, Var,
    ops::{Op, ScatterReduction},
};
use tilewright_reference::{
    gather_scatter as reference,
    golden::{self, Case},
    movement,
};

fn indices(context: &Context, values: &[i32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(context, values, shape).unwrap()
}

fn operation(case: &Case) -> Op {
    let named = |case: &Case| {
        let name = case.parameters["reduction"].as_str().unwrap();
        ScatterReduction::ALL.into_iter().find(|reduction| reduction.name() == name).unwrap()
    };
    let count = |name| case.count(name).unwrap();
    match case.op.as_str() {
        "gather" => Op::Gather { axis: count("axis") },
        "gather_elements" => Op::GatherElements { axis: count("axis") },
        "gather_nd" => Op::GatherNd { batch: count("batch") },
        "scatter" => Op::Scatter { axis: count("axis"), reduction: named(case) },
        "scatter_elements" => Op::ScatterElements { axis: count("axis"), reduction: named(case) },
        "scatter_nd" => Op::ScatterNd { batch: count("batch"), reduction: named(case) },
        other => panic!("{other}"),
    }
}

/// The scalar meaning of `op`.
fn scalar(op: &Op, (x, x_shape): (&[f32], &[usize]), by: (&[i32], &[usize]), updates: &[f32]) -> Vec<f32> {
    match *op {
        Op::Gather { axis } => movement::gather(x, x_shape, axis, by.0),
        Op::GatherElements { axis } => reference::gather_elements(x, x_shape, axis, by.0, by.1),
        Op::GatherNd { batch } => reference::gather_nd(x, x_shape, batch, by.0, by.1),
        Op::Scatter { axis, reduction } => reference::scatter(reduction, (x, x_shape), axis, by.0, updates),
        Op::ScatterElements { axis, reduction } => {
            reference::scatter_elements(reduction, (x, x_shape), axis, by, updates)
        }
        Op::ScatterNd { batch, reduction } => {
            reference::scatter_nd(reduction, (x, x_shape), batch, by, updates)
        }
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn the_golden_files_of_pytorch() {
    let goldens = golden::family("integers").unwrap();
    let (mut table, mut seen) = (Cases::new(), 0);
    for case in goldens.iter().filter(|case| case.has("indices")) {
        seen += 1;
        let op = operation(case);
        let (x, (by, by_shape)) = (case.f32("x").unwrap(), case.i32("indices").unwrap());
        let updates = case.has("updates").then(|| case.f32("updates").unwrap());
        let (y, y_shape) = case.f32("y").unwrap();
        let found = scalar(&op, x, (by, by_shape), updates.map_or(&[], |updates| updates.0));
        table.check(format!("{} reference", case.name), close(&found, y, 1e-6, 1e-6));
        for context in contexts() {
            let leaf = |(values, shape): (&[f32], &[usize])| {
                Var::leaf(Tensor::from_slice(&context, values, shape).unwrap())
            };
            let mut inputs = vec![leaf(x), Var::constant(indices(&context, by, by_shape))];
            inputs.extend(updates.map(leaf));
            if !case.has("grad_y") {
                inputs.iter_mut().for_each(|input| *input = input.detach());
            }
            let name = format!("{} {:?}", case.name, context.mode());
            let found = Var::run_one(&op, &inputs.iter().collect::<Vec<_>>()).unwrap();
            assert_eq!(found.shape(), y_shape, "{name}");
            table.check(&name, close(&found.tensor().to_vec::<f32>().unwrap(), y, 1e-6, 1e-6));
            if !case.has("grad_y") {
                continue;
            }
            let (grad_y, shape) = case.f32("grad_y").unwrap();
            let gradients =
                found.backward_with(&Tensor::from_slice(&context, grad_y, shape).unwrap()).unwrap();
            for (at, role) in [(0, "grad_x"), (2, "grad_updates")] {
                let Some(input) = inputs.get(at) else { continue };
                let found = gradients.get(input).unwrap().to_vec::<f32>().unwrap();
                table.check(format!("{name} {role}"), close(&found, case.f32(role).unwrap().0, 1e-5, 1e-6));
            }
        }
    }
    assert_eq!(seen, 5 * 8 + 5 * 2);
    table.finish();
}

/// Indices from every part of the range and far outside of it.
fn hostile(seed: u64, count: usize, extent: usize) -> Vec<i32> {
    let reach = extent as f32 * 1.4 + 1.0;
    let mut found: Vec<i32> =
        random(seed, count, -reach, reach).into_iter().map(|at| at.floor() as i32).collect();
    let ends = [i32::MIN, i32::MAX, extent as i32, -(extent as i32), -(extent as i32) - 1, extent as i32 - 1];
    found.iter_mut().rev().zip(ends).for_each(|(index, end)| *index = end);
    found
}

/// `op` of floats and of integers, bit for bit as the reference has it.
fn check(table: &mut Cases, op: &Op, x_shape: &[usize], by_shape: &[usize], extent: usize) {
    let count = |shape: &[usize]| shape.iter().product::<usize>();
    let by = hostile(count(by_shape) as u64, count(by_shape), extent);
    let x = random(1, count(x_shape), -2.0, 2.0);
    let gathered = match *op {
        Op::Scatter { axis, .. } => Op::Gather { axis },
        Op::ScatterElements { axis, .. } => Op::GatherElements { axis },
        Op::ScatterNd { batch, .. } => Op::GatherNd { batch },
        ref other => other.clone(),
    };
    let shape = gathered.output_shape(&[x_shape, by_shape]).unwrap();
    let updates = if gathered == *op { vec![] } else { random(2, count(&shape), -2.0, 2.0) };
    let expected = scalar(op, (&x, x_shape), (&by, by_shape), &updates);
    for context in contexts() {
        let values = Tensor::from_slice(&context, &x, x_shape).unwrap();
        let by = indices(&context, &by, by_shape);
        let more =
            Tensor::from_slice(&context, &updates, if gathered == *op { &[0] } else { &shape }).unwrap();
        let inputs = if gathered == *op { vec![&values, &by] } else { vec![&values, &by, &more] };
        let found = Tensor::run_one(op, &inputs).unwrap().to_vec::<f32>().unwrap();
        let wrong = found.iter().zip(&expected).position(|(a, b)| a.to_bits() != b.to_bits());
        let outcome = match wrong {
            _ if found.len() != expected.len() => Err(format!("{} elements", found.len())),
            Some(at) => Err(format!("element {at} is {} and not {}", found[at], expected[at])),
            None => Ok(()),
        };
        table.check(format!("{op:?} {x_shape:?} {by_shape:?} {:?}", context.mode()), outcome);
    }
}

#[test]
fn hostile_indices_of_every_shape() {
    let mut table = Cases::new();
    for (x, axis, by) in [
        (&[5][..], 0, &[1][..]),
        (&[65], 0, &[130]),
        (&[3, 64], 1, &[3, 129]),
        (&[300, 5], 0, &[7, 3]),
        (&[2, 3, 4, 5], 1, &[2, 6, 3, 5]),
        (&[2, 1, 3, 1, 2, 3], 2, &[2, 1, 5, 1, 2, 2]),
        (&[3, 4], 1, &[0, 4]),
    ] {
        check(&mut table, &Op::GatherElements { axis }, x, by, x[axis]);
        for reduction in ScatterReduction::ALL {
            check(&mut table, &Op::ScatterElements { axis, reduction }, x, by, x[axis]);
        }
    }
    for (x, axis, by) in [(&[4, 70][..], 0, &[9][..]), (&[2, 5, 3], 1, &[2, 4]), (&[2, 5], 1, &[])] {
        check(&mut table, &Op::Gather { axis }, x, by, x[axis]);
        for reduction in ScatterReduction::ALL {
            check(&mut table, &Op::Scatter { axis, reduction }, x, by, x[axis]);
        }
    }
    for (x, batch, by) in [
        (&[6][..], 0, &[11, 1][..]),
        (&[3, 4], 0, &[9, 2]),
        (&[3, 4, 65], 0, &[5, 2, 1]),
        (&[2, 3, 4, 5], 1, &[2, 7, 2]),
        (&[2, 2, 2, 2, 2, 2, 2, 2], 0, &[9, 8]),
        (&[2, 3], 0, &[0, 1]),
    ] {
        check(&mut table, &Op::GatherNd { batch }, x, by, 3);
        for reduction in ScatterReduction::ALL {
            check(&mut table, &Op::ScatterNd { batch, reduction }, x, by, 3);
        }
    }
    table.finish();
}

/// Integers, whose sums and products wrap; and f32 maxima, in which a NaN wins whichever side it comes from.
#[test]
fn integers_wrap_and_a_nan_wins() {
    for context in contexts() {
        let x = indices(&context, &[i32::MAX, 5, 7], &[3]);
        let (by, values) = (indices(&context, &[0, 0, -1, 3], &[4]), indices(&context, &[1, -3, 2, 9], &[4]));
        let of = |reduction| x.scatter_elements(0, reduction, &by, &values).unwrap().to_vec::<i32>().unwrap();
        assert_eq!(of(ScatterReduction::Add), [i32::MAX - 2, 5, 9]);
        assert_eq!(of(ScatterReduction::Mul), [i32::MAX.wrapping_mul(-3), 5, 14]);
        assert_eq!(of(ScatterReduction::Max), [i32::MAX, 5, 7]);
        assert_eq!(of(ScatterReduction::Min), [-3, 5, 2]);
        assert_eq!(of(ScatterReduction::Replace), [-3, 5, 2]);
        let x = Tensor::from_slice(&context, &[f32::NAN, 1.0, f32::NEG_INFINITY, 2.0], &[4]).unwrap();
        let by = indices(&context, &[0, 1, 2, 3, 3], &[5]);
        let values =
            Tensor::from_slice(&context, &[3.0, f32::NAN, f32::NEG_INFINITY, f32::INFINITY, 0.5], &[5])
                .unwrap();
        for (reduction, last) in [(ScatterReduction::Max, f32::INFINITY), (ScatterReduction::Min, 0.5)] {
            let y = x.scatter_elements(0, reduction, &by, &values).unwrap().to_vec::<f32>().unwrap();
            assert!(y[0].is_nan() && y[1].is_nan() && y[2] == f32::NEG_INFINITY && y[3] == last, "{y:?}");
        }
    }
}

/// More updates of a line than one launch takes, many of them to one place: in order, so that the sum has one value.
#[test]
fn long_lines_are_added_in_order() {
    let count = 70_001;
    let by: Vec<i32> = (0..count).map(|at| if at % 3 == 0 { 1 } else { at % 5 }).collect();
    let values = random(4, count as usize, -1.0, 1.0);
    let add = ScatterReduction::Add;
    let expected = reference::scatter_elements(add, (&[0.0; 5], &[5]), 0, (&by, &[count as usize]), &values);
    for context in contexts() {
        let (x, by) = (Tensor::zeros(&context, &[5]).unwrap(), indices(&context, &by, &[count as usize]));
        let values = Tensor::from_slice(&context, &values, &[count as usize]).unwrap();
        assert_eq!(x.scatter_elements(0, add, &by, &values).unwrap().to_vec::<f32>().unwrap(), expected);
        assert_eq!(x.scatter(0, add, &by, &values).unwrap().to_vec::<f32>().unwrap(), expected);
        let tuples = by.reshape(&[-1, 1]).unwrap();
        assert_eq!(x.scatter_nd(0, add, &tuples, &values).unwrap().to_vec::<f32>().unwrap(), expected);
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let context = common::context();
    let (x, by) = (Tensor::ones(&context, &[3, 4]).unwrap(), indices(&context, &[0; 4], &[2, 2]));
    let add = ScatterReduction::Add;
    let says = |outcome: tilewright::tensor::Result<Tensor>, words: [&str; 2]| {
        let text = outcome.unwrap_err().to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    };
    says(x.gather_elements(2, &by), ["gather_elements", "axis 2"]);
    says(x.gather_elements(0, &indices(&context, &[0; 5], &[1, 5])), ["gather_elements", "indices"]);
    says(x.gather_elements(0, &x), ["gather_elements", "i32"]);
    says(x.scatter_elements(0, add, &by, &x), ["scatter_elements", "updates"]);
    says(x.scatter(0, add, &by, &x), ["scatter", "updates"]);
    says(x.gather_nd(0, &indices(&context, &[0; 3], &[1, 3])), ["gather_nd", "tuple"]);
    says(x.gather_nd(1, &by), ["gather_nd", "batch"]);
    says(x.scatter_nd(0, add, &by, &Tensor::ones(&context, &[3]).unwrap()), ["scatter_nd", "updates"]);
    let halves = x.cast(tilewright::DType::F16).unwrap();
    says(halves.gather_elements(0, &by), ["gather_elements", "four bytes"]);
    let deep = Tensor::zeros(&context, &[1; 9]).unwrap();
    says(deep.gather_nd(0, &indices(&context, &[0; 9], &[1, 9])), ["gather_nd", "reshape"]);
}
