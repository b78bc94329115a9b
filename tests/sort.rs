//! Top-k and its gradient against the scalar reference, bit for bit.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, contexts, random};
use tilewright::{
    Context,
    kernels::{
        reduction::Lines,
        sort::{self, RunSorter},
    },
    ops::TopK,
    runtime,
};
use tilewright_reference::{golden, sort as reference};

/// `None` is the launcher's own choice.
const SORTERS: [Option<RunSorter>; 3] = [None, Some(RunSorter::Thread), Some(RunSorter::Workgroup)];

fn view(op: TopK, shape: &[usize]) -> Lines {
    let [before, along, after] = op.check(shape).unwrap();
    Lines { before, along, after }
}

/// Values as bits, and indices.
type Found = (Vec<u32>, Vec<i32>);

fn run(
    context: &Context,
    op: TopK,
    sorter: Option<RunSorter>,
    x: &[f32],
    shape: &[usize],
) -> runtime::Result<Found> {
    let view = view(op, shape);
    let bytes = (view.lines() * op.k * 4) as u64;
    let x = context.upload(bytemuck::cast_slice(x))?;
    let (values, indices) = (context.alloc(bytes)?, context.alloc(bytes)?);
    match sorter {
        None => sort::topk(context, op, &x, &values, &indices, view)?,
        Some(sorter) => sort::topk_by(context, op, sorter, &x, &values, &indices, view)?,
    }
    let found = (
        bytemuck::pod_collect_to_vec(&context.read(&values)?),
        bytemuck::pod_collect_to_vec(&context.read(&indices)?),
    );
    // Of the buffers in between, too.
    context.verify_retired()?;
    Ok(found)
}

fn expected(op: TopK, x: &[f32], shape: &[usize]) -> Found {
    let (values, indices) = reference::topk(op, x, shape);
    (values.into_iter().map(f32::to_bits).collect(), indices)
}

fn same(found: runtime::Result<Found>, expected: &Found) -> Result<(), String> {
    let (values, indices) = found.map_err(|error| error.to_string())?;
    if (values.len(), indices.len()) != (expected.0.len(), expected.1.len()) {
        return Err(format!("{} values, {} indices", values.len(), indices.len()));
    }
    for at in 0..values.len() {
        if (values[at], indices[at]) != (expected.0[at], expected.1[at]) {
            let (value, wanted) = (f32::from_bits(values[at]), f32::from_bits(expected.0[at]));
            let (index, place) = (indices[at], expected.1[at]);
            return Err(format!("at {at}: {value} from {index}, not {wanted} from {place}"));
        }
    }
    Ok(())
}

fn check(
    cases: &mut Cases,
    contexts: &[Context],
    sorters: &[Option<RunSorter>],
    op: TopK,
    x: &[f32],
    shape: &[usize],
) {
    let expected = expected(op, x, shape);
    for context in contexts {
        for &sorter in sorters {
            let name = format!("{op:?} of {shape:?} by {sorter:?}, {:?}", context.mode());
            cases.check(name, same(run(context, op, sorter, x, shape), &expected));
        }
    }
}

/// Around the run of a thread, the smallest and the largest of a workgroup, and several of each.
#[test]
fn lengths() {
    let (mut cases, contexts) = (Cases::new(), contexts());
    for along in [1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 255, 256, 257, 1000, 2047, 2048, 2049, 4097] {
        let shape = [3, along];
        let x = random(along as u64, 3 * along, -1.0, 1.0);
        for (k, largest) in [(1, true), (2, false), (5, true), (along, false)] {
            if k <= along {
                check(&mut cases, &contexts, &SORTERS[1..], TopK { k, axis: 1, largest }, &x, &shape);
            }
        }
    }
    cases.finish();
}

#[test]
fn axes() {
    let (mut cases, contexts) = (Cases::new(), contexts());
    for (shape, axis) in [
        (&[33, 5][..], 0),
        (&[2, 3, 33], 0),
        (&[3, 7, 5], 1),
        (&[2, 40, 3, 3], 1),
        (&[2, 3, 300, 2], 2),
        (&[1000, 3], 0),
        (&[2, 2, 2100, 2], 2),
        (&[300, 2, 70], 0),
    ] {
        let x = random(7, shape.iter().product(), -1.0, 1.0);
        for (k, largest) in [(1, false), (3.min(shape[axis]), true), (shape[axis], true)] {
            let sorters = &SORTERS[1..];
            check(&mut cases, &contexts, sorters, TopK { k, axis, largest }, &x, shape);
        }
    }
    cases.finish();
}

/// More lines than an axis of the grid has workgroups, by a workgroup each and by a thread each.
#[test]
fn many_lines() {
    let (mut cases, contexts) = (Cases::new(), contexts());
    let shape = [66_001, 3];
    let x = random(1, 3 * 66_001, -1.0, 1.0);
    check(&mut cases, &contexts, &SORTERS[1..], TopK { k: 2, axis: 1, largest: true }, &x, &shape);
    cases.finish();
}

#[test]
fn long_lines() {
    let (mut cases, contexts) = (Cases::new(), contexts());
    let shape = [65_539];
    let x = random(2, 65_539, -1.0, 1.0);
    for k in [1, 33, 5000, 65_539] {
        check(&mut cases, &contexts, &SORTERS[1..], TopK { k, axis: 0, largest: true }, &x, &shape);
    }
    let shape = [1_000_003];
    let x = random(3, 1_000_003, -1.0, 1.0);
    for (k, largest) in [(1, true), (5, false), (1000, true), (1_000_003, false)] {
        check(&mut cases, &contexts, &SORTERS[..1], TopK { k, axis: 0, largest }, &x, &shape);
    }
    cases.finish();
}

/// Equal numbers, both zeros, NaNs of both signs, infinities, denormals, the smallest and the largest numbers.
#[test]
fn special_numbers_and_ties() {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f32::NAN,
        -f32::NAN,
        f32::from_bits(0x7f80_0001),
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::from_bits(1),
        -f32::from_bits(1),
        f32::from_bits(0x007f_ffff),
        f32::MIN_POSITIVE,
        f32::MAX,
        f32::MIN,
    ];
    let (mut cases, contexts) = (Cases::new(), contexts());
    for along in [15, 40, 300, 4200] {
        let choice = random(along as u64, 2 * along, 0.0, special.len() as f32);
        let mixed: Vec<_> = choice.into_iter().map(|at| special[at as usize]).collect();
        for largest in [true, false] {
            for k in [4, along / 3, along] {
                let op = TopK { k, axis: 1, largest };
                check(&mut cases, &contexts, &SORTERS[1..], op, &mixed, &[2, along]);
            }
            for alike in [0.5, f32::NAN, -0.0, f32::NEG_INFINITY] {
                let op = TopK { k: along.min(50), axis: 0, largest };
                check(&mut cases, &contexts, &SORTERS[1..], op, &vec![alike; along], &[along]);
            }
        }
    }
    cases.finish();
}

/// Lines whose order is the worst for groups with delegates: rising, falling, and with the best elements in one group.
#[test]
fn ordered_lines() {
    let (mut cases, contexts) = (Cases::new(), contexts());
    let count = 10_007;
    let rising: Vec<f32> = (0..count).map(|i| i as f32).collect();
    let falling: Vec<f32> = rising.iter().rev().copied().collect();
    let op = TopK { k: 40, axis: 0, largest: true };
    // 15 elements a group, as the quotient's root says, and whole vec4s of groups.
    let groups = 10_007_usize.div_ceil(15).next_multiple_of(4);
    let together: Vec<f32> = (0..count).map(|i| f32::from(u8::from(i % groups == 3))).collect();
    for x in [rising, falling, together] {
        for largest in [true, false] {
            check(&mut cases, &contexts, &SORTERS[1..], TopK { largest, ..op }, &x, &[count]);
        }
    }
    cases.finish();
}

#[test]
fn nothing() {
    for context in contexts() {
        for (shape, k) in [(&[3, 4][..], 0), (&[0, 4], 2), (&[3, 0], 0)] {
            let op = TopK { k, axis: 1, largest: true };
            let x = vec![1.0; shape.iter().product()];
            assert_eq!(run(&context, op, None, &x, shape).unwrap(), (vec![], vec![]), "{shape:?}");
        }
        let op = TopK { k: 0, axis: 1, largest: true };
        assert_eq!(gradient(&context, op, &[2, 3], &[], &[]).unwrap(), [0.0; 6]);
    }
}

fn gradient(
    context: &Context,
    op: TopK,
    shape: &[usize],
    indices: &[i32],
    grad_y: &[f32],
) -> runtime::Result<Vec<f32>> {
    let view = view(op, shape);
    let upload = |bytes: &[u8]| if bytes.is_empty() { context.alloc(0) } else { context.upload(bytes) };
    let grad_x = context.alloc((view.lines() * view.along * 4) as u64)?;
    let (grad_y, indices) = (upload(bytemuck::cast_slice(grad_y))?, upload(bytemuck::cast_slice(indices))?);
    sort::topk_backward(context, op.k, &grad_y, &indices, &grad_x, view)?;
    Ok(bytemuck::pod_collect_to_vec(&context.read(&grad_x)?))
}

#[test]
fn gradients() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (shape, axis, k) in [
            (&[7][..], 0, 3),
            (&[3, 40], 1, 40),
            (&[33, 5], 0, 2),
            (&[2, 5, 3, 7], 1, 4),
            (&[2, 70_001], 1, 100),
        ] {
            let op = TopK { k, axis, largest: true };
            let x = random(5, shape.iter().product(), -1.0, 1.0);
            let (values, indices) = reference::topk(op, &x, shape);
            let grad = random(6, values.len(), -1.0, 1.0);
            let wanted = reference::topk_backward(op, shape, &indices, &grad);
            let outcome = match gradient(&context, op, shape, &indices, &grad) {
                Err(error) => Err(error.to_string()),
                Ok(found) if found != wanted => Err("another gradient".to_owned()),
                Ok(_) => Ok(()),
            };
            cases.check(format!("{op:?} of {shape:?}, {:?}", context.mode()), outcome);
        }
    }
    cases.finish();
}

#[test]
fn pytorch_agrees() {
    let mut cases = Cases::new();
    let goldens = golden::family("sort").unwrap();
    for context in contexts() {
        for case in &goldens {
            assert_eq!(case.op, "topk");
            let (x, shape) = case.f32("x").unwrap();
            let op = TopK {
                k: case.count("k").unwrap(),
                axis: case.count("axis").unwrap(),
                largest: case.flag("largest").unwrap(),
            };
            let ((y, y_shape), (indices, _)) = (case.f32("y").unwrap(), case.i32("indices").unwrap());
            assert_eq!(op.output_shape(shape).unwrap(), y_shape);
            let expected = (y.iter().map(|value| value.to_bits()).collect(), indices.to_vec());
            for sorter in SORTERS {
                cases.check(
                    format!("{} {sorter:?}", case.name),
                    same(run(&context, op, sorter, x, shape), &expected),
                );
            }
            let found = gradient(&context, op, shape, indices, case.f32("grad_y").unwrap().0).unwrap();
            let equal = found == case.f32("grad_x").unwrap().0;
            cases.check(
                format!("gradient of {}", case.name),
                if equal { Ok(()) } else { Err("another gradient") },
            );
        }
    }
    cases.finish();
}
