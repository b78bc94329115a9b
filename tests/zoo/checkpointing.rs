//! Gradient checkpointing of networks: the gradients of the plain pass, from less that is saved.

use std::sync::atomic::Ordering;

use tilewright::{
    Context, Module, ParameterStore, Pass, Tensor, Values, Var,
    nn::{Entry, INPUT},
    zoo::{ConvNeXt, ConvNeXtConfig, Options, UNet, UNetBn, UNetBnConfig, UNetConfig, build},
};

use crate::common::{Cases, computed::uniform, context, full};

/// A network, the shape of its images, and whether the inputs of some of its blocks go elsewhere too. Their gradients are added up in
/// another order then, which moves the last bits.
const NETWORKS: [(&str, [usize; 4], bool); 15] = [
    ("googlenet", [2, 3, 33, 37], true),
    ("shufflenet_v2_x0_5", [2, 3, 33, 37], false),
    ("mobilenet_v2", [2, 3, 33, 37], false),
    ("convnext_tiny", [2, 3, 33, 37], false),
    ("unet_bn", [2, 3, 33, 37], false),
    // Beyond these a full sweep alone: their blocks are like others, or their kernels are many.
    ("squeezenet1_1", [2, 3, 33, 37], false),
    ("densenet121", [2, 3, 33, 37], false),
    ("efficientnet_b0", [2, 3, 33, 37], false),
    ("unet", [1, 1, 16, 20], false),
    ("unet_resnet18", [2, 3, 33, 37], true),
    ("resnet18", [2, 3, 33, 37], false),
    ("mobilenet_v3_small", [2, 3, 33, 37], false),
    ("deeplabv3_mobilenet_v3_large", [2, 3, 33, 37], true),
    ("alexnet", [1, 3, 63, 63], false),
    ("vgg11", [1, 3, 32, 32], false),
];

/// How many of them are tried without a full sweep.
const FEW: usize = 5;

fn network(store: &ParameterStore, name: &str, [_, channels, height, width]: [usize; 4]) -> Box<dyn Module> {
    let root = store.root();
    match name {
        "unet" => {
            let config = UNetConfig { width: 4, channels, ..UNetConfig::default() };
            Box::new(UNet::new(&root, &config).unwrap())
        }
        "unet_bn" => Box::new(UNetBn::new(&root, &UNetBnConfig { width: 4, channels, classes: 2 }).unwrap()),
        "convnext_tiny" => {
            let narrow =
                ConvNeXtConfig { blocks: [1, 2, 2, 1], widths: [8, 16, 24, 32], ..ConvNeXtConfig::tiny() };
            Box::new(ConvNeXt::new(&root, &ConvNeXtConfig { channels, classes: 5, ..narrow }).unwrap())
        }
        _ => build(name, store, Options::new([channels, height, width], 5)).unwrap().module,
    }
}

/// Every gradient, running statistic and counter; the bytes that were saved, and the parts that are computed anew.
struct Step {
    numbers: Vec<(String, Vec<f32>)>,
    saved: u64,
    parts: usize,
}

fn step(context: &Context, name: &str, shape: [usize; 4], checkpointing: bool) -> Step {
    let store = ParameterStore::new(context, 1);
    let module = network(&store, name, shape);
    let x = uniform("images", shape.iter().product(), -1.0, 1.0);
    let x = Var::constant(Tensor::from_slice(context, &x, &shape).unwrap());
    let pass = Pass::train(3, 7).with_checkpointing(checkpointing);
    let outputs = module.call(&Values::new().with(INPUT, x), &pass).unwrap();
    // What is drawn behind the blocks is the same, too.
    let (_, stream) = pass.draw();
    let mut loss: Option<Var> = None;
    for (_, output) in outputs.iter() {
        let axes: Vec<usize> = (0..output.shape().len()).collect();
        let squares = output.mul(output).unwrap().mean(&axes, false).unwrap();
        loss = Some(loss.map_or(squares.clone(), |loss| loss.add(&squares).unwrap()));
    }
    let loss = loss.unwrap().scale(1.0 + (stream % 64) as f32).unwrap();
    let tape = loss.tape().unwrap();
    let parts = tape.nodes.iter().filter(|node| node.op == "checkpoint").count();
    let gradients = loss.backward().unwrap();
    let numbers = store.entries().into_iter().map(|entry| {
        let numbers = match &entry {
            Entry::Parameter(parameter) => gradients.get_id(parameter.id()).unwrap().to_vec().unwrap(),
            Entry::Buffer(buffer) => buffer.tensor().unwrap().to_vec().unwrap(),
            Entry::Counter(_, counter) => vec![counter.load(Ordering::Relaxed) as f32],
        };
        (entry.path().to_owned(), numbers)
    });
    Step { numbers: numbers.collect(), saved: tape.saved(), parts }
}

#[test]
fn checkpointed_networks_have_the_gradients_of_the_plain_ones() {
    let (context, mut table) = (context(), Cases::new());
    for (name, shape, shared) in NETWORKS.into_iter().take(if full() { NETWORKS.len() } else { FEW }) {
        let begun = std::time::Instant::now();
        let (plain, checkpointed) = (step(&context, name, shape, false), step(&context, name, shape, true));
        assert_eq!(plain.parts, 0, "{name}");
        let less = if checkpointed.parts > 1 && checkpointed.saved * 4 < plain.saved * 3 {
            Ok(())
        } else {
            let (Step { saved, parts, .. }, before) = (&checkpointed, plain.saved);
            Err(format!("{saved} bytes saved in {parts} parts instead of {before}"))
        };
        table.check(format!("{name} saves less"), less);
        let length = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        // A bias in front of a normalisation has no gradient but what rounding leaves: that is measured by the largest one.
        let gradients = plain.numbers.iter().filter(|(path, _)| path.ends_with("weight"));
        let largest = gradients.map(|(_, numbers)| length(numbers)).fold(0.0, f64::max);
        for ((path, plain), (_, other)) in plain.numbers.iter().zip(&checkpointed.numbers) {
            let length = length(plain);
            let off = plain.iter().zip(other).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
            let off = off.sum::<f64>().sqrt();
            let same = if shared { off <= 1e-4 * length + 1e-6 * largest } else { plain == other };
            let said = || format!("off by {off:e} of {length:e}");
            table.check(format!("{name} {path}"), if same { Ok(()) } else { Err(said()) });
        }
        let (Step { saved, parts, .. }, before) = (checkpointed, plain.saved);
        let seconds = begun.elapsed().as_secs_f64();
        eprintln!("{name}: {saved} bytes in {parts} parts for {before}, {seconds:.2} s");
    }
    table.finish();
}
