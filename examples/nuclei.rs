//! A U-Net learns nuclei from the left half of one fluorescence picture and is measured on the right half.
//!
//! `scripts/nuclei.sh` fetches the picture and its mask and runs this:
//! `cargo run --release --example nuclei -- PICTURE MASK OUT [STEPS]`

use std::{path::Path, time::Instant};

use tilewright::{
    Context, ParameterStore, Values,
    data::{
        SampleRng,
        picture::{self, Picture, Samples},
    },
    nn::{
        HostTensor, INPUT, StateDict,
        optim::{AdamW, Schedule},
    },
    ops,
    train::{
        Batch, Batches, Callback, Flow, Options, Progress, Reading, Result as TrainResult, Segmentation,
        Source, Task, Trainer, evaluate,
    },
    zoo,
};

/// Height and width of a tile.
const TILE: usize = 128;
/// Tiles in a batch.
const BATCH: usize = 4;
/// Steps, unless they are given.
const STEPS: u64 = 150;
/// The samples that become 0 and 1: of each hundred, so many are darker.
const PERCENTILES: [f64; 2] = [1.0, 99.8];
const LEARNING_RATE: f32 = 2e-3;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A picture of one channel with the class of each pixel.
struct Plane {
    height: usize,
    width: usize,
    pixels: Vec<f32>,
    classes: Vec<i64>,
}

impl Plane {
    /// Reads a picture and its mask of numbered nuclei, 0 where there is none.
    fn read(picture: &Path, mask: &Path) -> Result<Self> {
        let (picture, mask) = (picture::read(picture)?, picture::read(mask)?);
        let (height, width) = (picture.height(), picture.width());
        if (mask.height(), mask.width()) != (height, width) || picture.channels() != 1 || mask.channels() != 1
        {
            return Err("the picture and its mask are to be grey and of one size".into());
        }
        let pixels = scaled(&numbers(picture.samples()));
        let classes = numbers(mask.samples()).into_iter().map(|number| i64::from(number > 0.0)).collect();
        Ok(Self { height, width, pixels, classes })
    }

    /// Some of its columns.
    fn columns(&self, from: usize, to: usize) -> Self {
        let rows = |row: usize| row * self.width + from..row * self.width + to;
        let pixels = (0..self.height).flat_map(|row| self.pixels[rows(row)].to_vec()).collect();
        let classes = (0..self.height).flat_map(|row| self.classes[rows(row)].to_vec()).collect();
        Self { height: self.height, width: to - from, pixels, classes }
    }
}

fn numbers(samples: &Samples) -> Vec<f32> {
    match samples {
        Samples::U8(samples) => samples.iter().map(|&sample| f32::from(sample)).collect(),
        Samples::U16(samples) => samples.iter().map(|&sample| f32::from(sample)).collect(),
    }
}

/// Between the percentiles, 0 to 1: a microscope's 16 bits are seldom used to their end.
fn scaled(samples: &[f32]) -> Vec<f32> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = |percent: f64| sorted[((sorted.len() - 1) as f64 * percent / 100.0).round() as usize];
    let [low, high] = PERCENTILES.map(at);
    samples.iter().map(|sample| ((sample - low) / (high - low).max(1e-6)).clamp(0.0, 1.0)).collect()
}

/// As the network is given it.
fn normalized(value: f32) -> f32 {
    2.0 * value - 1.0
}

/// Tiles from anywhere in a plane, turned and mirrored in one of the eight ways, brighter or darker.
struct Tiles {
    plane: Plane,
    batches: u64,
}

impl Tiles {
    fn batch(&self, epoch: u64, batch: u64) -> Batch {
        let (mut pixels, mut classes) = (Vec::new(), Vec::new());
        for tile in 0..BATCH as u64 {
            let mut random = SampleRng::new(7, epoch, batch * BATCH as u64 + tile);
            let top = random.below((self.plane.height - TILE + 1) as u64) as usize;
            let left = random.below((self.plane.width - TILE + 1) as u64) as usize;
            let turn = random.below(8);
            let (gain, lift) = (0.7 + 0.6 * random.unit() as f32, 0.1 * (random.unit() as f32 - 0.5));
            for at in 0..TILE * TILE {
                let (mut row, mut column) = (at / TILE, at % TILE);
                if turn & 1 > 0 {
                    row = TILE - 1 - row;
                }
                if turn & 2 > 0 {
                    column = TILE - 1 - column;
                }
                if turn & 4 > 0 {
                    (row, column) = (column, row);
                }
                let place = (top + row) * self.plane.width + left + column;
                pixels.push(normalized((gain * self.plane.pixels[place] + lift).clamp(0.0, 1.0)));
                classes.push(self.plane.classes[place]);
            }
        }
        Batch::new(BATCH)
            .input(INPUT, HostTensor::F32(pixels, vec![BATCH, 1, TILE, TILE]))
            .target("target", HostTensor::I64(classes, vec![BATCH, TILE, TILE]))
    }
}

impl Source for Tiles {
    fn batches(&self) -> u64 {
        self.batches
    }

    fn samples(&self) -> u64 {
        self.batches * BATCH as u64
    }

    fn epoch(&self, epoch: u64, first: u64) -> TrainResult<Batches<'_>> {
        Ok(Box::new((first..self.batches).map(move |batch| Ok(self.batch(epoch, batch)))))
    }
}

/// A plane as the only batch.
struct Whole(Plane);

impl Source for Whole {
    fn batches(&self) -> u64 {
        1
    }

    fn samples(&self) -> u64 {
        1
    }

    fn epoch(&self, _: u64, first: u64) -> TrainResult<Batches<'_>> {
        let Plane { height, width, pixels, classes } = &self.0;
        let pixels = pixels.iter().map(|&value| normalized(value)).collect();
        let batch = Batch::new(1)
            .input(INPUT, HostTensor::F32(pixels, vec![1, 1, *height, *width]))
            .target("target", HostTensor::I64(classes.clone(), vec![1, *height, *width]));
        Ok(Box::new((first..1).map(move |_| Ok(batch.clone()))))
    }
}

/// Says how it goes.
struct Words(Instant);

impl Callback for Words {
    fn reading(&mut self, progress: &Progress, reading: &Reading) -> TrainResult<Flow> {
        let Progress { batch, batches, .. } = progress;
        let seconds = self.0.elapsed().as_secs_f64();
        eprintln!("step {batch:>4} of {batches}  loss {:.4}  {seconds:.0} s", reading.loss);
        Ok(Flow::Continue)
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [picture, mask, out, steps @ ..] = &arguments[..] else {
        return Err("usage: nuclei PICTURE MASK OUT [STEPS]".into());
    };
    let steps = steps.first().map_or(Ok(STEPS), |steps| steps.parse())?;
    let out = Path::new(out);
    std::fs::create_dir_all(out)?;
    let plane = Plane::read(Path::new(picture), Path::new(mask))?;
    let half = plane.width / 2;
    if plane.height < TILE || half < TILE {
        return Err(format!("each half of the picture is to have at least {TILE}×{TILE} pixels").into());
    }
    let test = Whole(plane.columns(half, plane.width));
    let train = Tiles { plane: plane.columns(0, half), batches: steps };

    let context = Context::new()?;
    let store = ParameterStore::new(&context, 0);
    let network = zoo::build("unet_bn_16", &store, zoo::Options::new([1, TILE, TILE], 2))?;
    let task = Segmentation::of_module(&*network.module, 2)?;
    let op = ops::AdamW { lr: LEARNING_RATE, weight_decay: 1e-4, ..ops::AdamW::default() };
    let optimizer = Box::new(AdamW::new(store.parameters(), op)?);
    let schedule = Schedule::Cosine { lr: LEARNING_RATE, min_lr: 1e-5, warmup: 10, steps };
    let options = Options { read_every: 10, ..Options::default() };
    let begun = Instant::now();
    let mut trainer = Trainer::new(&*network.module, &store, &task, optimizer, schedule, options)?;
    trainer.run(&train, None, &mut [&mut Words(begun)])?;
    let seconds = begun.elapsed().as_secs_f64();

    let mut answers = Vec::new();
    let scores = evaluate(&context, &*network.module, &task, &test, |_, outputs: &Values| {
        answers = task.answers(outputs)?.to_vec::<i32>()?;
        Ok(())
    })?;
    StateDict::of(&store)?.write(&out.join("model.safetensors"))?;
    let grey: Vec<u8> = test.0.pixels.iter().map(|value| (255.0 * value).round() as u8).collect();
    Picture::from_u8(test.0.width, test.0.height, 1, grey.clone())?.write_png(&out.join("test.png"))?;
    sheet(&test.0, &grey, &answers)?.write_png(&out.join("nuclei.png"))?;
    for (name, value) in task.metrics().into_iter().filter_map(|name| Some((name, scores.metric(name)?))) {
        println!("{name} {value:.4}");
    }
    println!("{steps} steps in {seconds:.0} s; weights and pictures are in {}", out.display());
    Ok(())
}

/// The picture, its mask, and the answers beside one another: right pixels green, missed ones orange, others blue.
fn sheet(plane: &Plane, grey: &[u8], answers: &[i32]) -> Result<Picture> {
    let mut samples = Vec::with_capacity(plane.pixels.len() * 9);
    for row in 0..plane.height {
        let places = || row * plane.width..(row + 1) * plane.width;
        samples.extend(places().flat_map(|at| [grey[at]; 3]));
        samples.extend(places().flat_map(|at| if plane.classes[at] > 0 { [255; 3] } else { [0; 3] }));
        samples.extend(places().flat_map(|at| match (plane.classes[at] > 0, answers[at] > 0) {
            (true, true) => [0, 158, 115],
            (true, false) => [213, 94, 0],
            (false, true) => [86, 180, 233],
            (false, false) => [grey[at] / 3; 3],
        }));
    }
    Ok(Picture::from_u8(3 * plane.width, plane.height, 3, samples)?)
}
