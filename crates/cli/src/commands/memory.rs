//! `tilewright memory`: what a training step holds on the device.

use std::time::Instant;

use serde::Serialize;
use tilewright_autograd::{Tape, Var};
use tilewright_nn::{Entry, ParameterStore, Pass, optim::Optimizer, optim::Sgd, optim::step_on_the_way};
use tilewright_ops as ops;
use tilewright_runtime::{Context, Peak};
use tilewright_tensor::Tensor;
use tilewright_zoo::{Options, build};

use super::{output::print_json, profile::ShapeArgument, profile::input_shapes};
use crate::{error::Error, error::Result, mistaken, model};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the zoo; its parameters are random.
    model: String,
    /// The shape of the input.
    #[arg(long, value_name = "SHAPE", default_value = "8x3x64x64")]
    input: ShapeArgument,
    /// Classes.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    classes: usize,
    /// Steps of SGD with momentum; the first makes the optimizer's state and compiles kernels.
    #[arg(long, default_value_t = 3, value_name = "N")]
    steps: u64,
    /// Save the blocks' inputs alone, and compute the blocks anew on the way back: less memory for more time.
    #[arg(long)]
    checkpoint_activations: bool,
    /// Change each parameter as soon as its gradient is there, and free it: gradients are not all held at once.
    #[arg(long)]
    step_on_the_way: bool,
    /// Show the tape of the last step: every operation, and what it saves.
    #[arg(long)]
    tape: bool,
    /// Show what was held at the moment of the peak: every kind of buffer, by the operation that took it.
    #[arg(long)]
    peak: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Bytes on the device, by what they are for.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Learnt tensors.
    parameters: u64,
    /// Kept tensors: running statistics.
    kept: u64,
    /// What the optimizer keeps.
    optimizer: u64,
    /// Gradients, when all are there; 0 where they never are.
    gradients: u64,
    /// What backward rules hold when the forward pass is over.
    saved_for_backward: u64,
    /// The most that was held at once, in whole size classes.
    peak: u64,
    /// The most that was held at once with what the pool keeps for reuse: what the device has given.
    peak_with_pool: u64,
    /// What the most that was held is more than parameters, kept tensors, optimizer state and the larger of what is saved and the
    /// gradients: operands of the operation at hand, workspaces, rounding.
    workspace: u64,
    /// Seconds of each step.
    seconds: Vec<f64>,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    if arguments.steps == 0 {
        return Err(Error::Argument { argument: "--steps", reason: "it must be at least 1".to_owned() });
    }
    mistaken::check_model(&arguments.model)?;
    let inputs = input_shapes(&arguments.model, std::slice::from_ref(&arguments.input));
    let [input] = &inputs[..] else {
        let reason = "one shape, as 8x3x64x64".to_owned();
        return Err(Error::Argument { argument: "--input", reason });
    };
    let [_, channels, height, width] = model::image_shape("--input", &input.shape)?;
    if arguments.peak {
        context.watch_memory();
        context.name_memory("network");
    }
    let store = ParameterStore::new(context, 0);
    let image = [channels, height, width];
    // As libraries count it, and as training has it unless it is asked.
    let options = Options::new(image, arguments.classes).auxiliary(false);
    let network = build(&arguments.model, &store, options)?;
    store.fill()?;
    let mut report = Report::default();
    for entry in store.entries() {
        match entry {
            Entry::Parameter(parameter) => report.parameters += bytes(&parameter.tensor()?),
            Entry::Buffer(buffer) => report.kept += bytes(&buffer.tensor()?),
            Entry::Counter(..) => {}
        }
    }
    let op = ops::Sgd { momentum: 0.9, lr: 1e-3, ..ops::Sgd::default() };
    let mut optimizer = Sgd::new(store.parameters(), op)?;
    let numbers: Vec<f32> =
        (0..input.shape.iter().product()).map(|i: usize| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
    let x = Var::constant(Tensor::from_slice(context, &numbers, &input.shape)?);
    context.synchronize()?;
    context.trim()?;
    context.reset_memory_peaks();
    let before = context.memory().live;
    let mut last = None;
    for step in 0..arguments.steps {
        let begun = Instant::now();
        context.name_memory("forward");
        let pass = Pass::train(0, step).with_checkpointing(arguments.checkpoint_activations);
        let y = network.module.forward(&x, &pass)?;
        let axes: Vec<usize> = (0..y.shape().len()).collect();
        let loss = y.mul(&y)?.mean(&axes, false)?;
        drop(y);
        let tape = loss.tape()?;
        report.saved_for_backward = tape.saved();
        last = Some(tape);
        context.name_memory("backward");
        if arguments.step_on_the_way {
            step_on_the_way(&loss, &mut optimizer, op.lr)?;
        } else {
            let mut gradients = loss.backward()?;
            report.gradients = gradients.bytes();
            context.name_memory("step");
            optimizer.step(&mut gradients, op.lr)?;
        }
        let loss = loss.tensor().item()?;
        report.seconds.push(begun.elapsed().as_secs_f64());
        if !arguments.json {
            eprintln!("step {step}: loss {loss:.4}, {:.2} s", report.seconds.last().unwrap_or(&0.0));
        }
    }
    context.synchronize()?;
    let memory = context.memory();
    report.optimizer = memory.live.saturating_sub(before);
    (report.peak, report.peak_with_pool) = (memory.live_high_water, memory.high_water);
    let passing = report.saved_for_backward.max(report.gradients);
    let known = report.parameters + report.kept + report.optimizer + passing;
    report.workspace = report.peak.saturating_sub(known);
    if arguments.json {
        let shape = &input.shape;
        let checkpointing = arguments.checkpoint_activations;
        let (device, driver) = (&context.adapter_info().name, &context.adapter_info().driver_info);
        print_json(&serde_json::json!({
            "model": arguments.model, "input": shape, "checkpoint_activations": checkpointing,
            "step_on_the_way": arguments.step_on_the_way, "optimizer": "sgd with momentum",
            "device": device, "driver": driver, "bytes": report, "at_peak": context.memory_peak(),
        }));
        return Ok(());
    }
    match last {
        Some(tape) if arguments.tape => println!("{}\n", tape.named(|id| store.path_of(id))),
        Some(tape) => print_operations(&tape),
        None => {}
    }
    if let Some(peak) = context.memory_peak() {
        print_peak(&peak);
    }
    for (name, bytes) in [
        ("parameters", report.parameters),
        ("running statistics", report.kept),
        ("optimizer state", report.optimizer),
        ("saved for backward", report.saved_for_backward),
        ("gradients", report.gradients),
        ("operands, workspaces, rounding", report.workspace),
        ("peak", report.peak),
        ("peak with the pool", report.peak_with_pool),
    ] {
        println!("{name:<30}  {:>9.1} MB", bytes as f64 / 1e6);
    }
    Ok(())
}

/// What the operations of each name save.
fn print_operations(tape: &Tape) {
    println!("saved for backward:");
    for (op, count, saved) in tape.by_operation().into_iter().filter(|(_, _, saved)| *saved > 0) {
        println!("  {op:<28}  {:>9.1} MB  in {count} operations", saved as f64 / 1e6);
    }
    println!();
}

/// What was held when the most was, the largest first.
fn print_peak(peak: &Peak) {
    println!("held at the peak, in {} ({}):", peak.operation, peak.part);
    println!("  {:>9}     {:>4}  {:<9}  {:<28}  shape", "", "", "part", "operation");
    let small = |bytes: u64| bytes * 1000 < peak.held.iter().map(|held| held.bytes).sum::<u64>();
    for held in peak.held.iter().filter(|held| !small(held.bytes)) {
        let shape = held.shape.as_ref().map_or_else(|| "workspace".to_owned(), |shape| format!("{shape:?}"));
        let (megabytes, operation) = (held.bytes as f64 / 1e6, &held.operation);
        println!("  {megabytes:>9.1} MB  {:>4}  {:<9}  {operation:<28}  {shape}", held.buffers, held.part);
    }
    println!();
}

fn bytes(tensor: &Tensor) -> u64 {
    tensor.buffer().size()
}
