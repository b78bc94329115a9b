//! Tensors beyond a storage binding: operations run in slices, with the results that they have in one piece. Contexts with
//! small bindings stand for large tensors.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "large/cases.rs"]
mod cases;
mod common;

use cases::{Case, Same};
use common::{Cases, close, contexts, full, limited_contexts, own_context, random, some};
use tilewright::{
    Context, DType, Tensor, Var,
    graph::{Compiled, Options, capture},
    ops::{
        Adam, AdamW, BatchNorm, Conv2d, CrossEntropy, Kind, MatMul, Op, Pool2d, RmsProp, Sgd, op::Accepts,
    },
    tensor::{
        Layout, MatMulCall,
        ops::optimizer::{
            AdamState, RmsPropState, adam_step, adamw_step, average_step, rmsprop_step, sgd_step,
        },
    },
};

fn operands(context: &Context, case: &Case, layout: Layout) -> Vec<Tensor> {
    let facts = case.op.facts();
    let operand = |(at, shape): (usize, &Vec<usize>)| {
        let count = shape.iter().product();
        let (input, positive) = (facts.input(at), ["running_var", "inv_std"].contains(&facts.input(at).name));
        if input.accepts == Accepts::Only(DType::I32) {
            let indices: Vec<i32> = (0..count as i32).map(|at| at % 3).collect();
            return Tensor::from_slice(context, &indices, shape).unwrap();
        }
        let low = if positive { 0.5 } else { -2.0 };
        let tensor = Tensor::from_slice(context, &random(at as u64 + 1, count, low, 2.0), shape).unwrap();
        tensor.to_layout(layout).unwrap()
    };
    case.shapes.iter().enumerate().map(operand).collect()
}

/// The elements as numbers, whatever their type.
fn numbers(tensor: &Tensor) -> Vec<f32> {
    match tensor.dtype() {
        DType::I32 => tensor.to_vec::<i32>().unwrap().into_iter().map(|value| value as f32).collect(),
        DType::F16 => tensor.cast(DType::F32).unwrap().to_vec().unwrap(),
        _ => tensor.to_vec().unwrap(),
    }
}

fn compare(same: Same, found: &[Tensor], expected: &[Tensor]) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{} results, not {}", found.len(), expected.len()));
    }
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        if (found.shape(), found.dtype()) != (expected.shape(), expected.dtype()) {
            return Err(format!("result {at} is {found:?}, not {expected:?}"));
        }
        let (found, expected) = (numbers(found), numbers(expected));
        let outcome = match same {
            Same::Sums(terms) => {
                let size = expected.iter().fold(1.0, |most: f32, value| most.max(value.abs()));
                close(&found, &expected, 1e-6, 2e-7 * (terms as f64).sqrt() * f64::from(size))
            }
            _ => {
                let differ = found.iter().zip(&expected).position(|(a, b)| a.to_bits() != b.to_bits());
                differ.map_or(Ok(()), |at| Err(format!("element {at}: {} and {}", found[at], expected[at])))
            }
        };
        outcome.map_err(|error| format!("result {at}: {error}"))?;
    }
    Ok(())
}

fn run(case: &Case, tensors: &[Tensor]) -> tilewright::tensor::Result<Vec<Tensor>> {
    Tensor::run(&case.op, &tensors.iter().collect::<Vec<_>>())
}

fn replay(context: &Context, case: &Case, tensors: &[Tensor]) -> tilewright::graph::Result<Vec<Tensor>> {
    let names: Vec<_> = (0..tensors.len()).map(|at| format!("x{at}")).collect();
    let ports = names.iter().zip(tensors);
    let ports: Vec<_> = ports.map(|(name, x)| (name.as_str(), x.shape(), x.dtype())).collect();
    let graph = capture(context, &ports, |inputs| {
        let results = Tensor::run(&case.op, &inputs.iter().collect::<Vec<_>>())?;
        let named = results.into_iter().enumerate().map(|(at, y)| (format!("y{at}"), y));
        Ok::<_, tilewright::tensor::Error>(named.collect())
    })?;
    Compiled::new(&graph, &Options::default())?.run(&tensors.iter().collect::<Vec<_>>())
}

/// Every case on contexts that bind so many bytes, against the context that binds all.
fn sweep(cases: Vec<Case>, bytes: u64) {
    let mut outcomes = Cases::new();
    let mut limited = limited_contexts(bytes);
    limited.truncate(if full() { 2 } else { 1 });
    for (context, whole) in limited.into_iter().zip(contexts()) {
        for (at, case) in cases.iter().enumerate() {
            let both = [Layout::RowMajor, Layout::ChannelsLast];
            for layout in if full() { both.to_vec() } else { vec![both[at % 2]] } {
                let name = format!("{:?} of {:?}, {layout:?}, {:?}", case.op, case.shapes, context.mode());
                let expected = run(case, &operands(&whole, case, layout)).unwrap();
                let tensors = operands(&context, case, layout);
                outcomes.check(name, check(case, bytes, &tensors, &expected, full() || at % 3 == 0));
            }
        }
    }
    outcomes.finish();
}

fn check(
    case: &Case,
    bytes: u64,
    tensors: &[Tensor],
    expected: &[Tensor],
    replayed: bool,
) -> Result<(), String> {
    let found = run(case, tensors);
    if case.same == Same::Refused {
        let text = found.err().map(|error| error.to_string()).unwrap_or_default();
        let parts = [case.op.name(), "storage binding", &bytes.to_string(), "of shape", "smaller batch"];
        let missing = parts.iter().find(|part| !text.contains(**part));
        return missing.map_or(Ok(()), |part| Err(format!("`{part}` is not in: {text}")));
    }
    let found = found.map_err(|error| error.to_string())?;
    compare(case.same, &found, expected)?;
    if !replayed {
        return Ok(());
    }
    let named = |error: String| format!("replayed: {error}");
    let again = replay(tensors[0].context(), case, tensors).map_err(|error| named(error.to_string()))?;
    compare(case.same, &again, &found).map_err(named)
}

#[test]
fn convolutions_run_in_slices() {
    sweep(cases::convolutions(), 4096);
}

#[test]
fn windows_run_in_slices() {
    sweep(cases::windows(), 4096);
}

#[test]
fn products_and_reductions_run_in_slices() {
    sweep([cases::products(), cases::reductions(), cases::training()].into_iter().flatten().collect(), 4096);
}

#[test]
fn elements_are_moved_in_slices() {
    sweep([cases::elementwise(), cases::movements()].into_iter().flatten().collect(), 4096);
}

/// A binding that holds no row: slices are cut again along other axes.
#[test]
fn slices_are_cut_along_several_axes() {
    let all = [cases::elementwise(), cases::movements(), cases::products()].into_iter().flatten();
    // What a row of a table reads is known on the device alone: a resampled plane has to fit.
    let all = all.filter(|case| !matches!(case.op, Op::Resample { .. })).collect();
    sweep(some(all, 4).collect(), 1024);
}

/// What is no operation on values: the ways in and out, fills, copies, layouts, steps in place.
#[test]
fn memory_beyond_a_binding_is_filled_moved_and_written() {
    let mut outcomes = Cases::new();
    for context in limited_contexts(1024) {
        let shape = [2, 3, 11, 13];
        let values = random(1, 858, -1.0, 1.0);
        let x = Tensor::from_slice(&context, &values, &shape).unwrap();
        let mut same = |name: &str, tensor: &Tensor, expected: &[f32]| {
            let found = tensor.to_vec::<f32>().unwrap();
            let outcome = if found == expected { Ok(()) } else { Err(format!("{found:?}")) };
            outcomes.check(format!("{name}, {:?}", context.mode()), outcome);
        };
        same("from_slice", &x, &values);
        same("copy", &x.copy().unwrap(), &values);
        let last = x.to_layout(Layout::ChannelsLast).unwrap();
        assert_eq!(last.layout(), Layout::ChannelsLast);
        same("to_layout", &last, &values);
        same("copy channels-last", &last.copy().unwrap(), &values);
        same("full", &Tensor::full(&context, 2.5, &[3, 287]).unwrap(), &[2.5; 861]);
        let half = x.cast(DType::F16).unwrap();
        let rounded: Vec<f32> = values.iter().map(|&value| half::f16::from_f32(value).to_f32()).collect();
        same("f16", &half.cast(DType::F32).unwrap(), &rounded);
        let turned = half.to_layout(Layout::ChannelsLast).unwrap().to_layout(Layout::RowMajor).unwrap();
        same("f16 to_layout", &turned.cast(DType::F32).unwrap(), &rounded);
        // Rows of 13 halves are no whole words.
        let wide = Tensor::concat(&[&half, &half], 3).unwrap();
        let twice: Vec<f32> = rounded.chunks(13).flat_map(|row| [row, row].concat()).collect();
        same("f16 concat", &wide.cast(DType::F32).unwrap(), &twice);

        let step = |x: &Tensor| {
            let gradient = x.scale(0.5).unwrap();
            let (first, second) = (x.scale(0.0).unwrap(), x.scale(0.0).unwrap());
            sgd_step(x, &gradient, Some(&first), true, &Sgd { momentum: 0.9, ..Sgd::default() }).unwrap();
            adamw_step(x, &gradient, &first, &second, 2, &AdamW::default()).unwrap();
            let third = x.scale(0.0).unwrap();
            let kept = AdamState {
                first_moment: &first,
                second_moment: &second,
                largest_second_moment: Some(&third),
            };
            adam_step(x, &gradient, kept, 3, &Adam { amsgrad: true, ..Adam::default() }).unwrap();
            let kept = RmsPropState { square: &second, mean: Some(&first), momentum_buffer: Some(&third) };
            let rmsprop = RmsProp { centered: true, momentum: 0.5, eps: 1e-2, ..RmsProp::default() };
            rmsprop_step(x, &gradient, kept, &rmsprop).unwrap();
            average_step(&third, x, 0.75).unwrap();
            [x.clone(), first, second, third].map(|tensor| tensor.to_vec::<f32>().unwrap())
        };
        let whole = Tensor::from_slice(&contexts()[0], &values, &shape).unwrap();
        for (at, (found, expected)) in step(&x).iter().zip(step(&whole)).enumerate() {
            outcomes.check(format!("optimizer {at}"), close(found, &expected, 0.0, 0.0));
        }
    }
    outcomes.finish();
}

/// A weight beyond the binding is bound piece by piece where it lies; what a step writes anew is not in the plan.
#[test]
fn a_constant_is_cut_without_a_copy() {
    let context = limited_contexts(1 << 16).swap_remove(0);
    let (inputs, outputs) = (256, 512);
    let values = whole_numbers(inputs * outputs, 5);
    let weight = Tensor::from_slice(&context, &values, &[outputs, inputs]).unwrap();
    let x = Tensor::from_slice(&context, &whole_numbers(3 * inputs, 6), &[3, inputs]).unwrap();
    let op = MatMul { transpose_right: true, ..MatMul::default() };
    let layer = |x: &Tensor| x.matmul_with(&weight, &MatMulCall::new(op));
    let graph = capture(&context, &[("x", x.shape(), DType::F32)], |inputs| {
        Ok::<_, tilewright::tensor::Error>(vec![("y".to_owned(), layer(&inputs[0])?)])
    });
    let before = context.memory();
    let compiled = Compiled::new(&graph.unwrap(), &Options::default()).unwrap();
    let y = compiled.run(&[&x]).unwrap()[0].to_vec::<f32>().unwrap();
    let after = context.memory();
    assert!(after.live - before.live < 4 * (inputs * outputs) as u64 / 4, "{before:?} {after:?}");
    assert_eq!(y, layer(&x).unwrap().to_vec::<f32>().unwrap());
    for (at, found) in y.iter().enumerate() {
        let (row, column) = (at / outputs, at % outputs);
        let x = whole_numbers(3 * inputs, 6);
        let terms = (0..inputs).map(|k| x[row * inputs + k] * values[column * inputs + k]);
        assert_eq!(*found, terms.sum::<f32>(), "{row} {column}");
    }
}

/// Products and movements of halves, eagerly and compiled.
#[test]
fn halves_run_in_slices() {
    let mut outcomes = Cases::new();
    let context = limited_contexts(4096).swap_remove(0);
    let whole = &contexts()[0];
    let all = [cases::convolutions(), cases::products(), cases::movements()].into_iter().flatten();
    let takes = |case: &Case| case.op.facts().kind != Kind::Arithmetic && case.op.facts().inputs.len() < 4;
    for case in some(all.filter(takes).collect(), 5) {
        let halves = |context: &Context| -> Vec<Tensor> {
            let facts = case.op.facts();
            let tensors = operands(context, &case, Layout::RowMajor).into_iter().enumerate();
            tensors
                .map(|(at, tensor)| match facts.input(at).accepts {
                    Accepts::Only(_) | Accepts::Words => tensor,
                    _ => tensor.cast(DType::F16).unwrap(),
                })
                .collect()
        };
        let (expected, tensors) = (run(&case, &halves(whole)).unwrap(), halves(&context));
        let found = run(&case, &tensors).map_err(|error| error.to_string());
        let outcome = found.and_then(|found| {
            let replayed = replay(&context, &case, &tensors).map_err(|error| error.to_string())?;
            for (found, expected) in found.iter().chain(&replayed).zip(expected.iter().cycle()) {
                // A half of another order of sums may be the next one.
                close(&numbers(found), &numbers(expected), 1e-3, 1e-3)?;
            }
            Ok(())
        });
        outcomes.check(format!("{:?} of {:?}", case.op, case.shapes), outcome);
    }
    outcomes.finish();
}

/// A network's loss and gradients where no activation fits a binding.
#[test]
fn a_training_step_runs_in_slices() {
    let step = |context: &Context| -> Vec<Vec<f32>> {
        let tensor = |seed, shape: &[usize]| {
            let values = random(seed, shape.iter().product(), -0.5, 0.5);
            Tensor::from_slice(context, &values, shape).unwrap()
        };
        let x = Var::leaf(tensor(1, &[2, 3, 20, 18]));
        let [first, second] = [tensor(2, &[6, 3, 3, 3]), tensor(3, &[8, 6, 3, 3])].map(Var::leaf);
        let [gamma, beta] = [tensor(4, &[6]), tensor(5, &[6])].map(Var::leaf);
        let linear = Var::leaf(tensor(6, &[5, 160]));
        let (mean, var) = (Tensor::zeros(context, &[6]).unwrap(), Tensor::ones(context, &[6]).unwrap());
        let op = Conv2d { padding: [1, 1], ..Conv2d::default() };
        let y = x.conv2d(&first, None, &op).unwrap();
        let y = y.batch_norm_train(&gamma, &beta, &mean, &var, &BatchNorm::default()).unwrap().y;
        let y = y.relu().unwrap().max_pool2d(&Pool2d::new([2, 2])).unwrap();
        let y = y.conv2d(&second, None, &op).unwrap().relu().unwrap();
        let y = y.avg_pool2d(&Pool2d::new([2, 2])).unwrap().flatten(1).unwrap();
        let y = y.linear(&linear, None).unwrap();
        let labels = Tensor::from_slice(context, &[1_i32, 4], &[2]).unwrap();
        let loss = y.cross_entropy(&labels, None, &CrossEntropy::default()).unwrap();
        let gradients = loss.backward().unwrap();
        let leaves = [&x, &first, &second, &gamma, &beta, &linear];
        let leaves = leaves.iter().map(|leaf| gradients.get(leaf).unwrap().to_vec::<f32>().unwrap());
        leaves.chain([vec![loss.tensor().item().unwrap()]]).collect()
    };
    let expected = step(&contexts()[0]);
    let mut outcomes = Cases::new();
    for context in limited_contexts(3072) {
        for (at, (found, expected)) in step(&context).iter().zip(&expected).enumerate() {
            outcomes.check(format!("{at}, {:?}", context.mode()), close(found, expected, 1e-4, 1e-6));
        }
    }
    outcomes.finish();
}

/// Small whole numbers, which sum up exactly.
fn whole_numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|at| ((at.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 7) % 9) as f32 - 4.0).collect()
}

/// A 3 × 3 convolution of a photograph of 16 megapixels: 201 MB, beyond the 128 MiB that software Vulkan binds. Whole
/// numbers make every order of sums the same.
#[test]
fn a_large_photograph_is_convolved() {
    if !full() {
        return;
    }
    let (context, edge, outputs) = (own_context(), 4096, 4);
    let (x, w) = (whole_numbers(3 * edge * edge, 1), whole_numbers(outputs * 27, 2));
    let tensor = |values: &[f32], shape: &[usize]| Tensor::from_slice(&context, values, shape).unwrap();
    let op = Conv2d { padding: [1, 1], ..Conv2d::default() };
    let begun = std::time::Instant::now();
    let image = tensor(&x, &[1, 3, edge, edge]);
    let weight = tensor(&w, &[outputs, 3, 3, 3]);
    let layer = |x: &Tensor| x.conv2d(&weight, None, &op).and_then(|y| y.relu());
    let y = layer(&image).unwrap().to_vec::<f32>().unwrap();
    eprintln!("convolved in {:?}", begun.elapsed());
    let mut checked = 0;
    for row in (0..edge).step_by(61).chain([edge - 1]) {
        for column in (0..edge).step_by(67).chain([edge - 1]) {
            for output in 0..outputs {
                let mut sum = 0.0;
                for tap in 0..27 {
                    let (channel, down, right) = (tap / 9, row + tap / 3 % 3, column + tap % 3);
                    if (1..=edge).contains(&down) && (1..=edge).contains(&right) {
                        sum += x[(channel * edge + down - 1) * edge + right - 1] * w[output * 27 + tap];
                    }
                }
                assert_eq!(y[(output * edge + row) * edge + column], sum.max(0.0), "{output} {row} {column}");
                checked += 1;
            }
        }
    }
    assert!(checked > 10_000, "{checked}");
    let graph = capture(&context, &[("x", image.shape(), DType::F32)], |inputs| {
        Ok::<_, tilewright::tensor::Error>(vec![("y".to_owned(), layer(&inputs[0])?)])
    });
    let compiled = Compiled::new(&graph.unwrap(), &Options::default()).unwrap();
    let begun = std::time::Instant::now();
    assert!(compiled.run(&[&image]).unwrap()[0].to_vec::<f32>().unwrap() == y, "compiled");
    eprintln!("compiled in {:?}", begun.elapsed());
}

/// VGG-16's first linear layer, 25088 to 4096: a weight of 411 MB, eagerly and compiled.
#[test]
fn a_large_linear_layer_runs() {
    if !full() {
        return;
    }
    let (context, inputs, outputs) = (own_context(), 25_088, 4096);
    let (x, w) = (whole_numbers(inputs, 3), whole_numbers(inputs * outputs, 4));
    let expected: Vec<f32> =
        w.chunks(inputs).map(|row| row.iter().zip(&x).map(|(a, b)| a * b).sum::<f32>().max(0.0)).collect();
    let image = Tensor::from_slice(&context, &x, &[1, inputs]).unwrap();
    let weight = Tensor::from_slice(&context, &w, &[outputs, inputs]).unwrap();
    drop(w);
    let op = MatMul { transpose_right: true, ..MatMul::default() };
    let layer = |x: &Tensor| x.matmul_with(&weight, &MatMulCall::new(op)).and_then(|y| y.relu());
    for _ in 0..2 {
        let begun = std::time::Instant::now();
        assert_eq!(layer(&image).unwrap().to_vec::<f32>().unwrap(), expected);
        eprintln!("eager in {:?}", begun.elapsed());
    }
    let graph = capture(&context, &[("x", &[1, inputs], DType::F32)], |inputs| {
        Ok::<_, tilewright::tensor::Error>(vec![("y".to_owned(), layer(&inputs[0])?)])
    });
    let compiled = Compiled::new(&graph.unwrap(), &Options::default()).unwrap();
    for _ in 0..2 {
        let begun = std::time::Instant::now();
        assert_eq!(compiled.run(&[&image]).unwrap()[0].to_vec::<f32>().unwrap(), expected);
        eprintln!("compiled in {:?}", begun.elapsed());
    }
}
