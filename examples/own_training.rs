//! Training with data of one's own: a source of batches, a task with its metric, a callback that stops when it is enough.
//!
//! The network is to say where the bright spot of an image is. `cargo run --release --example own_training`

use tilewright::{
    Context, ParameterStore, Values, Var,
    nn::{
        HostTensor, INPUT, OUTPUT, Sequential,
        layers::{Activation, AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Conv2dOptions, Flatten, Linear},
        optim::{AdamW, Schedule},
    },
    ops::{self, UnaryOp},
    train::{
        Batch, Batches, Callback, EpochRecord, Flow, Options, Outcome, Progress, Reading, Result, Source,
        Task, Trainer,
    },
};

const SIDE: usize = 16;
const BATCH: usize = 32;

/// Images with one bright spot on noise, made up as they are asked for. Yours come from wherever you have them.
struct Spots {
    batches: u64,
    seed: u64,
}

impl Spots {
    /// A number in 0..1 of any whole number: a batch must follow from its epoch and number alone, so that a resumed run
    /// meets the same ones.
    fn random(&self, number: u64) -> f32 {
        let mut x = number.wrapping_add(self.seed << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        ((x ^ (x >> 32)) >> 40) as f32 / (1u64 << 24) as f32
    }

    fn batch(&self, number: u64) -> Batch {
        let (mut images, mut places) = (Vec::new(), Vec::new());
        for image in 0..BATCH as u64 {
            let at = (number * BATCH as u64 + image) * 1024;
            let place = [self.random(at), self.random(at + 1)];
            for pixel in 0..SIDE * SIDE {
                let center = |index: usize| (index as f32 + 0.5) / SIDE as f32;
                let (dy, dx) = (center(pixel / SIDE) - place[0], center(pixel % SIDE) - place[1]);
                let spot = (-60.0 * (dy * dy + dx * dx)).exp();
                images.push(2.0 * spot + 0.2 * (self.random(at + 2 + pixel as u64) - 0.5));
            }
            places.extend(place);
        }
        Batch::new(BATCH)
            .input(INPUT, HostTensor::F32(images, vec![BATCH, 1, SIDE, SIDE]))
            .target("place", HostTensor::F32(places, vec![BATCH, 2]))
    }
}

impl Source for Spots {
    fn batches(&self) -> u64 {
        self.batches
    }

    fn samples(&self) -> u64 {
        self.batches * BATCH as u64
    }

    fn epoch(&self, epoch: u64, first: u64) -> Result<Batches<'_>> {
        Ok(Box::new((first..self.batches).map(move |batch| Ok(self.batch(epoch * self.batches + batch)))))
    }
}

/// The mean squared distance; as a metric, how often the spot is within two pixels.
struct Place;

impl Task for Place {
    fn loss(&self, outputs: &Values, targets: &Values) -> Result<Var> {
        let error = outputs.get(OUTPUT)?.sub(targets.get("place")?)?;
        Ok(error.mul(&error)?.mean(&[0, 1], false)?)
    }

    fn metrics(&self) -> Vec<&'static str> {
        vec!["near"]
    }

    fn observe(&self, outputs: &Values) -> Result<Vec<tilewright::Tensor>> {
        Ok(vec![outputs.get(OUTPUT)?.tensor().clone()])
    }

    fn score(&self, observed: &[HostTensor], batch: &Batch) -> Result<Vec<f64>> {
        let (Some(HostTensor::F32(found, _)), Some(HostTensor::F32(places, _))) =
            (observed.first(), batch.find_target("place"))
        else {
            return Ok(vec![0.0]);
        };
        let near = |(found, place): &(&[f32], &[f32])| {
            let distance = (found[0] - place[0]).hypot(found[1] - place[1]);
            distance < 2.0 / SIDE as f32
        };
        Ok(vec![found.chunks(2).zip(places.chunks(2)).filter(near).count() as f64])
    }
}

/// Says how it goes, and stops when nearly every spot is found.
struct Enough(f64);

impl Callback for Enough {
    fn reading(&mut self, progress: &Progress, reading: &Reading) -> Result<Flow> {
        let Progress { batch, batches, .. } = progress;
        println!("  batch {batch:>3} of {batches}  loss {:.5}", reading.loss);
        Ok(Flow::Continue)
    }

    fn epoch_end(&mut self, records: &[EpochRecord]) -> Result<Flow> {
        let Some(EpochRecord { epoch, test: Some(test), .. }) = records.last() else {
            return Ok(Flow::Continue);
        };
        let near = test.metric("near").unwrap_or_default();
        println!("epoch {epoch}: {:.1} % within two pixels", 100.0 * near);
        Ok(if near >= self.0 { Flow::Stop } else { Flow::Continue })
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let context = Context::new()?;
    println!("training on {}", context.adapter_info().name);
    let store = ParameterStore::new(&context, 0);
    let root = store.root();
    let conv = |name: &str, inputs, outputs, stride| {
        let options = Conv2dOptions::default().padding(1).stride(stride).no_bias();
        Conv2d::new(&(&root / name), inputs, outputs, [3, 3], options)
    };
    let network = Sequential::new()
        .then(conv("conv1", 1, 8, 1)?)
        .then(BatchNorm2d::new(&(&root / "bn1"), 8)?)
        .then(Activation(UnaryOp::Relu))
        .then(conv("conv2", 8, 16, 2)?)
        .then(BatchNorm2d::new(&(&root / "bn2"), 16)?)
        .then(Activation(UnaryOp::Relu))
        .then(AdaptiveAvgPool2d([4, 4]))
        .then(Flatten)
        .then(Linear::new(&(&root / "fc"), 16 * 16, 2)?);
    let (train, test) = (Spots { batches: 60, seed: 1 }, Spots { batches: 8, seed: 2 });
    let optimizer = AdamW::new(store.parameters(), ops::AdamW::default())?;
    let epochs = 6;
    let schedule = Schedule::Cosine { lr: 0.01, min_lr: 1e-4, warmup: 10, steps: epochs * train.batches() };
    let options = Options { epochs, ..Options::default() };
    let mut trainer = Trainer::new(&network, &store, &Place, Box::new(optimizer), schedule, options)?;
    let outcome = trainer.run(&train, Some(&test), &mut [&mut Enough(0.95)])?;
    let Some(last) = trainer.records().last() else { return Err("no epoch was trained".into()) };
    let near = last.test.as_ref().and_then(|test| test.metric("near")).unwrap_or_default();
    let how = if outcome == Outcome::Stopped { "stopped early" } else { "all epochs" };
    println!("{how}: {:.1} % of the test images' spots are found", 100.0 * near);
    if near < 0.8 {
        return Err(format!("{near:.3} is below 0.8: something is wrong").into());
    }
    Ok(())
}
