//! A training loop by hand: data, network, loss, gradients, steps.
//!
//! `cargo run --release --example train_fashion_mnist` (with `--quick`, on a few images)

use std::{sync::Arc, time::Instant};

use tilewright::{
    Context, Layer, ParameterStore, Pass, Tensor, Var,
    data::{
        DataLoader, FASHION_MNIST_CLASS_NAMES, FashionMnist, ImageDataset, LoaderOptions, Normalize, Sampler,
        Subset,
    },
    nn::optim::{Optimizer, Schedule, Sgd},
    ops,
    zoo::SmallCnn,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (train_images, test_images) = if quick { (4_800, 1_000) } else { (60_000, 10_000) };
    let context = Context::new()?;
    println!("training on {}", context.adapter_info().name);

    let data = FashionMnist::load(&FashionMnist::data_dir(None))?;
    let train: Arc<dyn ImageDataset> = Arc::new(Subset::first(Arc::new(data.train), train_images));
    let test: Arc<dyn ImageDataset> = Arc::new(Subset::first(Arc::new(data.test), test_images));
    let normalize = Arc::new(Normalize::new(&FashionMnist::MEAN, &FashionMnist::STD)?);
    let options =
        LoaderOptions { sampler: Sampler::Shuffled { seed: 0 }, drop_last: true, ..Default::default() };
    let loader = DataLoader::new(train, normalize.clone(), options)?;

    let store = ParameterStore::new(&context, 0);
    let network = SmallCnn::new(&store.root(), [1, 28, 28], FASHION_MNIST_CLASS_NAMES.len())?;
    let op = ops::Sgd { momentum: 0.9, nesterov: true, weight_decay: 5e-4, ..Default::default() };
    let mut optimizer = Sgd::new(store.parameters(), op)?;
    let steps = loader.batches_per_epoch() as u64;
    let schedule = Schedule::Cosine { lr: 0.03, min_lr: 0.0, warmup: steps / 10, steps };

    let begun = Instant::now();
    for (step, batch) in loader.epoch(0)?.enumerate() {
        let (batch, step) = (batch?, step as u64);
        let x = Var::constant(Tensor::from_slice(&context, &batch.images, &batch.shape)?);
        let labels = Tensor::from_slice(&context, &batch.labels, &[batch.labels.len()])?;
        let logits = network.forward(&x, &Pass::train(0, step))?;
        let loss = logits.cross_entropy(&labels, None, &ops::CrossEntropy::default())?;
        let mut gradients = loss.backward()?;
        optimizer.step(&mut gradients, schedule.at(step))?;
        // Reading the loss waits for the device: now and then is enough.
        if step % 25 == 0 {
            println!("step {step:>4} of {steps}  loss {:.4}", loss.tensor().item()?);
        }
    }
    println!("one epoch in {:.1} s", begun.elapsed().as_secs_f64());

    let mut right = 0;
    let test_options = LoaderOptions { batch_size: 250, ..Default::default() };
    for batch in DataLoader::new(test, normalize, test_options)?.epoch(0)? {
        let batch = batch?;
        let x = Var::constant(Tensor::from_slice(&context, &batch.images, &batch.shape)?);
        let answers = network.forward(&x, &Pass::eval())?.tensor().argmax(&[1], false)?.to_vec::<i32>()?;
        right += answers.iter().zip(&batch.labels).filter(|(answer, label)| answer == label).count();
    }
    let accuracy = right as f64 / test_images as f64;
    println!("{right} of {test_images} test images are right: {:.1} %", 100.0 * accuracy);
    let floor = if quick { 0.6 } else { 0.85 };
    if accuracy < floor {
        return Err(format!("an accuracy of {accuracy:.3} is below {floor}: something is wrong").into());
    }
    Ok(())
}
